// SPDX-License-Identifier: MIT
// LLView's second transformation: a program's references to the standard file functions become
// references to the door's functions, so that an existing tool is built with the procfs inside.
#include "passes.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/LineIterator.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

static cl::opt<std::string> functionList("scw-libc",
					 cl::desc("list of file functions and their replacements"));

namespace llview
{

static bool readList(Module &m, StringMap<std::string> &names)
{
	auto buffer = MemoryBuffer::getFile(functionList);
	if (!buffer) {
		m.getContext().emitError("scw-cc: can't read the list of file functions " +
					 functionList + ": " + buffer.getError().message());
		return false;
	}
	for (line_iterator line(**buffer, true, '#'); !line.is_at_end(); ++line) {
		auto [name, rest] = line->trim().split(' ');
		StringRef replacement = rest.trim();
		if (name.empty() || replacement.contains(' ')) {
			m.getContext().emitError(
				"scw-cc: " + functionList + ":" + Twine(line.line_number()) +
				": expected a name, and its replacement if that isn't scw_NAME");
			return false;
		}
		names[name] = replacement.empty() ? "scw_" + name.str() : replacement.str();
	}
	return true;
}

bool replaceFileFunctions(Module &m)
{
	if (functionList.empty())
		return false;
	StringMap<std::string> names;
	if (!readList(m, names))
		return false;

	bool changed = false;
	for (Function &f : make_early_inc_range(m)) {
		// A program that defines an open() of its own means that one. \1 marks a name from an
		// asm label (what _FILE_OFFSET_BITS=64 does), to be taken as it stands.
		if (!f.isDeclaration() || f.isIntrinsic())
			continue;
		StringRef name = f.getName();
		name.consume_front("\1");
		auto it = names.find(name);
		if (it == names.end() || f.use_empty())
			continue;
		Function *existing = m.getFunction(it->second);
		if (existing) {
			f.replaceAllUsesWith(existing);
			f.eraseFromParent();
		} else {
			// What the optimiser knows of the library function doesn't hold for ours.
			f.setName(it->second);
			f.setAttributes(f.getAttributes().removeFnAttributes(m.getContext()));
		}
		changed = true;
	}
	return changed;
}

} // namespace llview
