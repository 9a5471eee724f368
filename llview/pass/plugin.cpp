// SPDX-License-Identifier: MIT
// Registers the two transformations: at the start of clang's pipeline, and by name for opt.
#include "passes.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/raw_ostream.h"
#if __has_include("llvm/Plugins/PassPlugin.h")
#include "llvm/Plugins/PassPlugin.h"
#else
#include "llvm/Passes/PassPlugin.h"
#endif

using namespace llvm;

namespace
{

struct LLViewPass : PassInfoMixin<LLViewPass> {
	PreservedAnalyses run(Module &m, ModuleAnalysisManager &)
	{
		if (!llview::lowerGuestAccesses(m))
			return PreservedAnalyses::all();
		// Release builds of clang don't verify, and fail in strange places afterwards.
		std::string text;
		raw_string_ostream os(text);
		if (verifyModule(m, &os))
			report_fatal_error(Twine("llview: the plugin made invalid code (a bug): ") +
					   os.str());
		return PreservedAnalyses::none();
	}
	static bool isRequired() { return true; }
};

struct LibcPass : PassInfoMixin<LibcPass> {
	PreservedAnalyses run(Module &m, ModuleAnalysisManager &)
	{
		return llview::replaceFileFunctions(m) ? PreservedAnalyses::none()
						       : PreservedAnalyses::all();
	}
	static bool isRequired() { return true; }
};

void registerPasses(PassBuilder &pb)
{
	pb.registerPipelineStartEPCallback([](ModulePassManager &pm, OptimizationLevel) {
		pm.addPass(LLViewPass());
		pm.addPass(LibcPass());
	});
	pb.registerPipelineParsingCallback(
		[](StringRef name, ModulePassManager &pm, ArrayRef<PassBuilder::PipelineElement>) {
			if (name == "llview")
				pm.addPass(LLViewPass());
			else if (name == "scw-libc")
				pm.addPass(LibcPass());
			else
				return false;
			return true;
		});
}

} // namespace

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo llvmGetPassPluginInfo()
{
	return {LLVM_PLUGIN_API_VERSION, "llview", "1", registerPasses};
}
