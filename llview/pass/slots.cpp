// SPDX-License-Identifier: MIT
// The slot table of a translation unit: see slots.h.
#include "slots.h"

#include <tuple>

#include "llvm/IR/Constants.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace llview
{

bool Question::operator<(const Question &o) const
{
	return std::tie(kind, flags, size, text) < std::tie(o.kind, o.flags, o.size, o.text);
}

void markNoSanitize(Instruction *i)
{
	i->setMetadata(LLVMContext::MD_nosanitize, MDNode::get(i->getContext(), {}));
}

static void markInvariant(LoadInst *l)
{
	l->setMetadata(LLVMContext::MD_invariant_load, MDNode::get(l->getContext(), {}));
	markNoSanitize(l);
}

SlotTable::SlotTable(Module &m) : module(m)
{
}

SlotTable::Base &SlotTable::base(Function *f)
{
	auto it = bases.find(f);
	if (it != bases.end())
		return it->second;

	LLVMContext &c = module.getContext();
	Type *i64 = Type::getInt64Ty(c);
	if (!placeholder)
		placeholder = new GlobalVariable(module, Type::getInt8Ty(c), true,
						 GlobalValue::ExternalLinkage, nullptr,
						 "__llview_desc.placeholder");

	GlobalVariable *state = module.getGlobalVariable("llview_state");
	if (!state) {
		Type *words = ArrayType::get(i64, 4);
		state = new GlobalVariable(module, words, false, GlobalValue::ExternalLinkage,
					   nullptr, "llview_state", nullptr,
					   GlobalValue::InitialExecTLSModel);
		state->setVisibility(GlobalValue::HiddenVisibility);
		state->setDSOLocal(true);
	}

	// The current guest changes only inside guest_run(), which no function that comes here may call
	// (see Lowering::checkRun), so both loads hold for the whole function.
	BasicBlock &entry = f->getEntryBlock();
	IRBuilder<> b(&entry, entry.getFirstNonPHIOrDbgOrAlloca());
	Value *at = b.CreateThreadLocalAddress(state);
	LoadInst *delta = b.CreateLoad(i64, at, "llview.delta");
	markInvariant(delta);
	// Integers, not a pointer into the descriptors' array: slots lie outside that object.
	Value *slots = b.CreateIntToPtr(b.CreateAdd(delta, b.CreatePtrToInt(placeholder, i64)),
					PointerType::get(c, 0), "llview.slots");
	Value *tlbAt = b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), at, 8);
	LoadInst *tlb = b.CreateLoad(PointerType::get(c, 0), tlbAt, "llview.tlb");
	markInvariant(tlb);
	return bases[f] = {slots, tlb};
}

Value *SlotTable::load(IRBuilder<> &b, const Question &q)
{
	auto [it, fresh] = index.insert({q, questions.size()});
	if (fresh)
		questions.push_back(q);

	Base &base = this->base(b.GetInsertBlock()->getParent());
	Value *at = b.CreateConstGEP1_64(b.getInt8Ty(), base.slots, 8 * it->second);
	LoadInst *l = b.CreateLoad(b.getInt64Ty(), at);
	markInvariant(l);
	return l;
}

Value *SlotTable::tlb(IRBuilder<> &b)
{
	return base(b.GetInsertBlock()->getParent()).tlb;
}

void SlotTable::finish()
{
	if (!placeholder)
		return;
	LLVMContext &c = module.getContext();
	Type *i32 = Type::getInt32Ty(c), *i64 = Type::getInt64Ty(c);
	StructType *entryType = StructType::get(c, {i32, i32});
	ArrayType *arrayType = ArrayType::get(entryType, questions.size());

	auto *desc = new GlobalVariable(module, arrayType, true, GlobalValue::PrivateLinkage,
					nullptr, "__llview_desc");
	std::vector<Constant *> entries;
	for (const Question &q : questions) {
		Constant *text = ConstantDataArray::getString(c, q.text);
		auto *str = new GlobalVariable(module, text->getType(), true,
					       GlobalValue::PrivateLinkage, text, "__llview_text");
		str->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
		str->setAlignment(Align(1));

		Constant *where = ConstantExpr::getInBoundsGetElementPtr(
			arrayType, desc,
			ArrayRef<Constant *>{ConstantInt::get(i64, 0),
					     ConstantInt::get(i64, entries.size())});
		Constant *distance = ConstantExpr::getTrunc(
			ConstantExpr::getSub(ConstantExpr::getPtrToInt(str, i64),
					     ConstantExpr::getPtrToInt(where, i64)),
			i32);
		uint32_t meta = q.kind | q.flags << 8 | (uint32_t)q.size << 16;
		entries.push_back(ConstantStruct::get(
			entryType, {distance, ConstantInt::get(i32, meta)}));
	}
	desc->setInitializer(ConstantArray::get(arrayType, entries));
	desc->setSection("llview_desc");
	desc->setAlignment(Align(8));
	// ASan would pad it, and padding between units would shift all indexes.
	GlobalValue::SanitizerMetadata noSanitize;
	noSanitize.NoAddress = true;
	noSanitize.NoHWAddress = true;
	desc->setSanitizerMetadata(noSanitize);
	appendToCompilerUsed(module, {desc});

	placeholder->replaceAllUsesWith(desc);
	placeholder->eraseFromParent();
	placeholder = nullptr;
}

} // namespace llview
