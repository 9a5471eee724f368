// SPDX-License-Identifier: MIT
// LLView proper: guest accesses become layout slots and calls of the look-up in llview/llview.h.
//
// Runs on clang's raw output. The AST half has given every guest record the attribute by which clang
// emits a llvm.preserve.*.access.index call for each member access, with the record's debug type
// attached: so members have names here, also in unions, bit-fields and at offset 0. What the AST
// half can't see (what an optimisation level or a builtin makes of the source) is rejected here.
#include "passes.h"
#include "slots.h"

#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/GetElementPtrTypeIterator.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Operator.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace llview
{
namespace
{

enum AddressSpace { kHost = 0, kGuest = 1, kPinned = 2 };

bool isOurs(unsigned as)
{
	return as == kGuest || as == kPinned;
}

bool isOurPointer(const Type *t)
{
	auto *p = dyn_cast<PointerType>(t);
	return p && isOurs(p->getAddressSpace());
}

bool isPinnedPointer(const Value *v)
{
	return v->getType()->getPointerAddressSpace() == kPinned;
}

IntrinsicInst *asMemberAccess(Value *v)
{
	auto *i = dyn_cast<IntrinsicInst>(v);
	if (!i)
		return nullptr;
	switch (i->getIntrinsicID()) {
	case Intrinsic::preserve_struct_access_index:
	case Intrinsic::preserve_union_access_index:
		return i;
	default:
		return nullptr;
	}
}

bool isArrayAccess(const Value *v)
{
	auto *i = dyn_cast<IntrinsicInst>(v);
	return i && i->getIntrinsicID() == Intrinsic::preserve_array_access_index;
}

const DIType *stripQualifiers(const DIType *t)
{
	while (auto *d = dyn_cast_or_null<DIDerivedType>(t)) {
		switch (d->getTag()) {
		case dwarf::DW_TAG_typedef:
		case dwarf::DW_TAG_const_type:
		case dwarf::DW_TAG_volatile_type:
		case dwarf::DW_TAG_restrict_type:
		case dwarf::DW_TAG_atomic_type:
			t = d->getBaseType();
			continue;
		default:
			return t;
		}
	}
	return t;
}

// A way from a record to one of its members, by value all along.
struct Chain {
	Value *root = nullptr;
	std::string text;
	const DIDerivedType *member = nullptr; // the last one

	bool isBitField() const { return member->isBitField(); }
};

class Lowering
{
      public:
	explicit Lowering(Module &m) : module(m), context(m.getContext()), slots(m) {}
	bool run();

      private:
	// errors
	void reject(const Instruction *i, const Twine &message);
	void rejectGlobal(const GlobalVariable &g, const Twine &message);

	// what can't be transformed
	void checkGlobals();
	void checkFunction(Function &f);
	void checkCall(CallBase &call);
	void checkLoad(LoadInst &load);
	void checkRun(Function &f);

	// names
	std::string recordName(const DICompositeType *record, Type *irType);
	bool chainOf(IntrinsicInst *access, Chain &ret);
	Question memberQuestion(const Chain &c, Kind kind);

	// transformation
	void expandConstants(Function &f);
	Value *expand(Constant *c, Instruction *before);
	void lowerFunction(Function &f);
	void lowerAccess(IntrinsicInst *access, SmallPtrSetImpl<Instruction *> &done,
			 SmallVectorImpl<Instruction *> &dead);
	void lowerBitField(LoadInst *load, const Chain &c);
	void lowerLoad(LoadInst *load);
	void lowerGEP(GetElementPtrInst *gep);
	void lowerArrayAccess(IntrinsicInst *access);
	bool lowerQuestion(CallInst *call);
	Value *address(IRBuilder<> &b, Value *base, Value *offset);
	Value *hostPointer(IRBuilder<> &b, Value *pinned);
	Value *sizeOf(IRBuilder<> &b, Type *t, const Instruction *at);
	Value *call(IRBuilder<> &b, StringRef name, Type *ret, ArrayRef<Value *> args);
	void protectHelpers();
	void setLocation(IRBuilder<> &b, Instruction *i);

	Module &module;
	LLVMContext &context;
	SlotTable slots;
	std::map<const DIType *, std::string> typedefNames;
	bool typedefsKnown = false;
	bool failed = false;
};

// ---- errors ----

void Lowering::reject(const Instruction *i, const Twine &message)
{
	failed = true;
	context.diagnose(DiagnosticInfoUnsupported(*i->getFunction(), message, i->getDebugLoc()));
}

void Lowering::rejectGlobal(const GlobalVariable &g, const Twine &message)
{
	failed = true;
	SmallVector<DIGlobalVariableExpression *, 1> info;
	g.getDebugInfo(info);
	std::string where;
	if (!info.empty()) {
		auto *v = info[0]->getVariable();
		where = (v->getFilename() + ":" + Twine(v->getLine()) + ": ").str();
	}
	context.emitError(where + "'" + g.getName() + "': " + message);
}

// ---- names ----

std::string Lowering::recordName(const DICompositeType *record, Type *irType)
{
	if (!record->getName().empty()) {
		const char *tag =
			record->getTag() == dwarf::DW_TAG_union_type ? "union " : "struct ";
		return tag + record->getName().str();
	}
	if (!typedefsKnown) {
		DebugInfoFinder finder;
		finder.processModule(module);
		for (const DIType *t : finder.types()) {
			auto *d = dyn_cast<DIDerivedType>(t);
			if (d && d->getTag() == dwarf::DW_TAG_typedef && !d->getName().empty())
				typedefNames.insert({stripQualifiers(d), d->getName().str()});
		}
		typedefsKnown = true;
	}
	auto it = typedefNames.find(record);
	if (it != typedefNames.end())
		return it->second;
	// clang names the IR type of an anonymous record after its typedef.
	auto *s = dyn_cast_or_null<StructType>(irType);
	if (s && s->hasName()) {
		StringRef name = s->getName().split('.').second.split('.').first;
		if (!name.empty() && name != "anon")
			return name.str();
	}
	return "";
}

const DICompositeType *recordOf(const IntrinsicInst *access)
{
	auto *t = cast_or_null<DIType>(access->getMetadata(LLVMContext::MD_preserve_access_index));
	return dyn_cast_or_null<DICompositeType>(stripQualifiers(t));
}

const DIDerivedType *memberOf(const IntrinsicInst *access)
{
	bool isUnion = access->getIntrinsicID() == Intrinsic::preserve_union_access_index;
	auto *index = cast<ConstantInt>(access->getArgOperand(isUnion ? 1 : 2));
	const DICompositeType *record = recordOf(access);
	if (!record || index->getZExtValue() >= record->getElements().size())
		return nullptr;
	return dyn_cast<DIDerivedType>(record->getElements()[index->getZExtValue()]);
}

bool Lowering::chainOf(IntrinsicInst *access, Chain &ret)
{
	ret.member = memberOf(access);
	std::string path;
	for (;;) {
		const DIDerivedType *member = memberOf(access);
		if (!member) {
			reject(access, "can't tell which member this is (was the plugin's AST half "
				       "loaded, with -fplugin=?)");
			return false;
		}
		if (!member->getName().empty())
			path = member->getName().str() + (path.empty() ? "" : "." + path);

		// Does the record lie by value in another whose member we just came from? A cast in
		// between leaves no trace in the code but a member of another type.
		Value *base = access->getArgOperand(0);
		IntrinsicInst *outer = asMemberAccess(base);
		const DIDerivedType *from = outer ? memberOf(outer) : nullptr;
		if (!from || stripQualifiers(from->getBaseType()) != recordOf(access)) {
			Type *irType = access->getIntrinsicID() ==
						       Intrinsic::preserve_struct_access_index
					       ? access->getParamElementType(0)
					       : nullptr;
			std::string name = recordName(recordOf(access), irType);
			if (name.empty()) {
				reject(access, "member '" + path +
						       "' of a record without a name, which can't "
						       "be found in the guest: name the record");
				return false;
			}
			ret.root = base;
			ret.text = name + ":" + path;
			return true;
		}
		access = outer;
	}
}

Question Lowering::memberQuestion(const Chain &c, Kind kind)
{
	Question q{kind, c.text};
	const DIType *t = stripQualifiers(c.member->getBaseType());
	if (c.isBitField()) {
		q.size = c.member->getSizeInBits();
		auto *basic = dyn_cast_or_null<DIBasicType>(t);
		if (basic && basic->getSignedness() == DIBasicType::Signedness::Signed)
			q.flags = fSigned;
		return q;
	}
	auto *record = dyn_cast_or_null<DICompositeType>(t);
	uint64_t size = t ? t->getSizeInBits() / 8 : 0;
	if (record && record->getTag() == dwarf::DW_TAG_array_type)
		q.flags = fArray;
	else if (record && record->getTag() != dwarf::DW_TAG_enumeration_type)
		size = 0;
	q.size = size > UINT16_MAX ? 0 : size;
	return q;
}

// ---- what can't be transformed ----

const char *const kStore = "the guest's memory can't be written to";
const char *const kCopy = "a guest object can't be copied as a whole (assignment, argument, memcpy): "
			  "its layout isn't ours; use guest_read() or guest_copy()";

// Does a constant hold the address of a guest object?
bool mentionsGuest(const Constant *c, SmallPtrSetImpl<const Constant *> &seen)
{
	if (!seen.insert(c).second)
		return false;
	if (auto *g = dyn_cast<GlobalValue>(c))
		return isOurs(g->getAddressSpace());
	for (const Use &u : c->operands())
		if (mentionsGuest(cast<Constant>(u), seen))
			return true;
	return false;
}

bool mentionsGuest(const Constant *c)
{
	SmallPtrSet<const Constant *, 8> seen;
	return mentionsGuest(c, seen);
}

// A constant that has to become instructions: guest addresses in it depend on the guest.
bool isGuestExpression(const Constant *c)
{
	if (isa<GlobalVariable>(c))
		return isOurPointer(c->getType());
	if (!isa<ConstantExpr>(c))
		return false;
	if (isOurPointer(c->getType()))
		return true;
	for (const Use &u : c->operands())
		if (isGuestExpression(cast<Constant>(u)))
			return true;
	return false;
}

void Lowering::checkGlobals()
{
	for (GlobalVariable &g : module.globals()) {
		if (isOurs(g.getAddressSpace())) {
			if (!g.isDeclaration())
				rejectGlobal(g, "a guest object can't be defined here: declare it "
						"extern");
			else if (g.getAddressSpace() == kPinned)
				rejectGlobal(g, "symbols of the guest are __guest, not __pinned");
		} else if (g.hasInitializer() && mentionsGuest(g.getInitializer())) {
			rejectGlobal(g, "an initialiser can't hold the address of a guest object, "
					"which is known at run time only: assign it in a function");
		}
	}
}

void Lowering::checkCall(CallBase &call)
{
	bool has = false;
	for (Value *a : call.args())
		has |= isOurPointer(a->getType());

	if (isOurPointer(call.getCalledOperand()->getType()))
		return reject(&call, "a function of the guest can't be called");
	if (call.isInlineAsm()) {
		if (has || isOurPointer(call.getType()))
			reject(&call, "a guest pointer can't be an operand of inline assembly");
		return;
	}
	if (!has)
		return;
	if (isa<MemSetInst>(call))
		return reject(&call, kStore);
	if (auto *transfer = dyn_cast<MemTransferInst>(&call))
		return reject(&call, isOurs(transfer->getDestAddressSpace()) ? kStore : kCopy);

	Function *f = call.getCalledFunction();
	if (call.getFunctionType()->isVarArg()) {
		for (unsigned n = call.getFunctionType()->getNumParams(); n < call.arg_size(); n++)
			if (isOurPointer(call.getArgOperand(n)->getType()))
				return reject(&call, "a guest pointer can't be passed where the "
						     "type isn't checked (...): copy what it points "
						     "to, or pass guest_addr()");
	}
	if (!f || !f->isDeclaration() || f->getName().starts_with("__llview_"))
		return;
	if (f->isIntrinsic()) {
		switch (f->getIntrinsicID()) {
		case Intrinsic::preserve_struct_access_index:
		case Intrinsic::preserve_union_access_index:
		case Intrinsic::preserve_array_access_index:
			return;
		default:
			return reject(&call, "a builtin can't work on a guest pointer");
		}
	}
	// clang gives a builtin library function the type that its argument asks for.
	TargetLibraryInfoImpl known{Triple(module.getTargetTriple())};
	LibFunc which;
	if (known.getLibFunc(f->getName(), which))
		reject(&call, "'" + f->getName() +
				      "' reads our memory, not the guest's: copy with guest_read() or "
				      "guest_strncpy() first");
}

void Lowering::checkLoad(LoadInst &load)
{
	Type *t = load.getType();
	if (load.isAtomic())
		return reject(&load, "atomic builtins don't work on the guest, and needn't: a plain "
				     "read is a single fetch");
	if (auto *p = dyn_cast<PointerType>(t)) {
		if (p->getAddressSpace() == kGuest)
			return;
		return reject(&load, p->getAddressSpace() == kPinned
					     ? "the guest holds no pinned pointers"
					     : "a pointer read from the guest is an address of the "
					       "guest: declare it __guest");
	}
	if (t->isFloatingPointTy())
		return reject(&load, "floating-point numbers can't be read from the guest");
	if (!t->isIntegerTy() || t->getIntegerBitWidth() > 64)
		return reject(&load, "more than 8 bytes can't be read at once: use guest_read() or "
				     "guest_copy()");
}

void Lowering::checkFunction(Function &f)
{
	for (Instruction &i : instructions(f)) {
		if (auto *call = dyn_cast<CallBase>(&i)) {
			checkCall(*call);
		} else if (auto *load = dyn_cast<LoadInst>(&i)) {
			if (isOurs(load->getPointerAddressSpace()))
				checkLoad(*load);
		} else if (auto *store = dyn_cast<StoreInst>(&i)) {
			if (isOurs(store->getPointerAddressSpace()))
				reject(&i, kStore);
		} else if (auto *rmw = dyn_cast<AtomicRMWInst>(&i)) {
			if (isOurs(rmw->getPointerAddressSpace()))
				reject(&i, kStore);
		} else if (auto *xchg = dyn_cast<AtomicCmpXchgInst>(&i)) {
			if (isOurs(xchg->getPointerAddressSpace()))
				reject(&i, kStore);
		} else if (auto *cast = dyn_cast<AddrSpaceCastInst>(&i)) {
			if (isOurs(cast->getSrcAddressSpace()) || isOurs(cast->getDestAddressSpace()))
				reject(&i, "a guest pointer can't be cast to another address space: "
					   "guest_pin() gives a pinned one, guest_addr() the address");
		} else if (auto *gep = dyn_cast<GetElementPtrInst>(&i)) {
			if (!isOurs(gep->getPointerAddressSpace()))
				continue;
			for (auto t = gep_type_begin(gep), e = gep_type_end(gep); t != e; ++t)
				if (t.getStructTypeOrNull()) {
					reject(&i, "member of a record that isn't declared between "
						   "GUEST_TYPES_BEGIN and GUEST_TYPES_END");
					break;
				}
		}
	}
}

// Slots and TLB are loaded once a function, so the current guest can't change within one.
void Lowering::checkRun(Function &f)
{
	if (!slots.touched(&f))
		return;
	for (Instruction &i : instructions(f))
		if (auto *call = dyn_cast<CallBase>(&i))
			if (Function *callee = call->getCalledFunction())
				if (callee->getName() == "guest_run")
					reject(&i, "a function that reads the guest can't call "
						   "guest_run(): do it from a function that doesn't");
}

// ---- transformation ----

void Lowering::setLocation(IRBuilder<> &b, Instruction *i)
{
	b.SetInsertPoint(i);
	DISubprogram *sp = i->getFunction()->getSubprogram();
	// Calls that may be inlined must have a location in a function that has debug information.
	if (!i->getDebugLoc() && sp)
		b.SetCurrentDebugLocation(DILocation::get(context, 0, 0, sp));
}

Value *Lowering::call(IRBuilder<> &b, StringRef name, Type *ret, ArrayRef<Value *> args)
{
	SmallVector<Type *, 2> types;
	for (Value *a : args)
		types.push_back(a->getType());
	FunctionCallee f =
		module.getOrInsertFunction(name, FunctionType::get(ret, types, false));
	return b.CreateCall(f, args);
}

Value *Lowering::expand(Constant *c, Instruction *before)
{
	IRBuilder<> b(before);
	setLocation(b, before);
	if (auto *g = dyn_cast<GlobalVariable>(c)) {
		StringRef name = g->getName();
		name.consume_front("\1"); // from an asm label
		return b.CreateIntToPtr(slots.load(b, {kSymbol, name.str()}), g->getType());
	}

	Instruction *i = cast<ConstantExpr>(c)->getAsInstruction();
	i->insertInto(before->getParent(), before->getIterator());
	i->setDebugLoc(b.getCurrentDebugLocation());
	for (Use &u : i->operands())
		if (auto *operand = dyn_cast<Constant>(u))
			if (isGuestExpression(operand))
				u.set(expand(operand, i));
	return i;
}

void Lowering::expandConstants(Function &f)
{
	SmallVector<Instruction *, 64> all;
	for (Instruction &i : instructions(f))
		all.push_back(&i);
	for (Instruction *i : all) {
		// A predecessor may come twice in a PHI, and must then have one value.
		std::map<std::pair<BasicBlock *, Constant *>, Value *> incoming;
		for (Use &u : i->operands()) {
			auto *c = dyn_cast<Constant>(u);
			if (!c || !isGuestExpression(c))
				continue;
			if (auto *phi = dyn_cast<PHINode>(i)) {
				BasicBlock *from = phi->getIncomingBlock(u);
				Value *&v = incoming[{from, c}];
				if (!v)
					v = expand(c, from->getTerminator());
				u.set(v);
			} else {
				u.set(expand(c, i));
			}
		}
	}
}

Value *Lowering::hostPointer(IRBuilder<> &b, Value *pinned)
{
	return b.CreateAddrSpaceCast(pinned, PointerType::get(context, kHost));
}

// base + offset out of the layout table: a poisonous address when the member is absent.
Value *Lowering::address(IRBuilder<> &b, Value *base, Value *offset)
{
	if (!isPinnedPointer(base))
		return b.CreateGEP(b.getInt8Ty(), base, offset);
	Value *host = call(b, "__llview_pinned_at", b.getPtrTy(), {hostPointer(b, base), offset});
	return b.CreateAddrSpaceCast(host, base->getType());
}

// A pattern of clang's follows the load of a bit-field: shift and mask of the storage unit in *our*
// layout. Make such a unit, with the guest's bits where ours would be, and leave the pattern to it.
void Lowering::lowerBitField(LoadInst *load, const Chain &c)
{
	IRBuilder<> b(load);
	setLocation(b, load);
	unsigned width = c.member->getSizeInBits();
	uint64_t unit = cast<ConstantInt>(c.member->getStorageOffsetInBits())->getZExtValue();
	uint64_t at = c.member->getOffsetInBits() - unit;
	Value *offset = slots.load(b, memberQuestion(c, kBitWord));
	Value *bits = slots.load(b, memberQuestion(c, kBitShift));
	Value *wordAt = address(b, c.root, offset);
	Value *word;
	if (isPinnedPointer(wordAt))
		word = call(b, "__llview_pinned_word", b.getInt64Ty(),
			    {hostPointer(b, wordAt), bits});
	else
		word = call(b, "__llview_ld8", b.getInt64Ty(),
			    {slots.tlb(b), b.CreatePtrToInt(wordAt, b.getInt64Ty())});
	Value *up = b.CreateAnd(bits, 63);
	Value *down = b.CreateAnd(b.CreateLShr(bits, 8), 63);
	Value *v = b.CreateLShr(b.CreateShl(word, up), down);
	if (width < 64)
		v = b.CreateAnd(v, (1ull << width) - 1);
	v = b.CreateShl(b.CreateZExtOrTrunc(v, load->getType()), at);
	load->replaceAllUsesWith(v);
	load->eraseFromParent();
}

void Lowering::lowerAccess(IntrinsicInst *access, SmallPtrSetImpl<Instruction *> &done,
			   SmallVectorImpl<Instruction *> &dead)
{
	if (!done.insert(access).second)
		return;
	// Innermost members first: their chains start at our base, and leave nothing for us to do.
	for (User *u : make_early_inc_range(access->users()))
		if (IntrinsicInst *inner = asMemberAccess(u))
			lowerAccess(inner, done, dead);

	SmallVector<Instruction *, 4> users;
	for (User *u : access->users())
		if (!is_contained(dead, u))
			users.push_back(cast<Instruction>(u));
	dead.push_back(access);
	if (users.empty())
		return;

	Chain c;
	if (!chainOf(access, c))
		return;
	if (c.isBitField()) {
		for (Instruction *i : users) {
			auto *load = dyn_cast<LoadInst>(i);
			if (load)
				lowerBitField(load, c);
			else
				reject(i, "a bit-field of the guest can only be read");
		}
		return;
	}

	IRBuilder<> b(access);
	setLocation(b, access);
	Value *to = address(b, c.root, slots.load(b, memberQuestion(c, kOffset)));
	access->replaceUsesWithIf(
		to, [&](Use &u) { return is_contained(users, cast<Instruction>(u.getUser())); });
}

// The guest's size of a type of ours: scalars are equal, records are asked for by name.
Value *Lowering::sizeOf(IRBuilder<> &b, Type *t, const Instruction *at)
{
	if (auto *array = dyn_cast<ArrayType>(t)) {
		Value *n = b.getInt64(array->getNumElements());
		return b.CreateMul(sizeOf(b, array->getElementType(), at), n);
	}
	auto *record = dyn_cast<StructType>(t);
	if (!record)
		return b.getInt64(module.getDataLayout().getTypeAllocSize(t).getFixedValue());
	auto [tag, rest] = record->hasName() ? record->getName().split('.')
					     : std::pair<StringRef, StringRef>();
	StringRef name = rest.split('.').first;
	if (name.empty() || name == "anon") {
		reject(at, "the size of a record without a name can't be found in the guest: name "
			   "the record");
		return b.getInt64(0);
	}
	// A typedef'd anonymous record looks the same here: the runtime tries that name too.
	return slots.load(b, {kSizeof, (tag + " " + name).str()});
}

void Lowering::lowerGEP(GetElementPtrInst *gep)
{
	IRBuilder<> b(gep);
	setLocation(b, gep);
	Type *t = gep->getSourceElementType();
	Value *to = gep->getPointerOperand();
	bool first = true;
	// Never inbounds: these are numbers that the guest chose.
	for (Value *index : gep->indices()) {
		if (!first)
			t = cast<ArrayType>(t)->getElementType();
		first = false;
		if (auto *n = dyn_cast<ConstantInt>(index); n && n->isZero())
			continue;
		Value *step = b.CreateMul(b.CreateSExtOrTrunc(index, b.getInt64Ty()),
					  sizeOf(b, t, gep));
		to = b.CreateGEP(b.getInt8Ty(), to, step);
	}
	gep->replaceAllUsesWith(to);
	gep->eraseFromParent();
}

void Lowering::lowerArrayAccess(IntrinsicInst *access)
{
	IRBuilder<> b(access);
	setLocation(b, access);
	Type *t = access->getParamElementType(0);
	for (uint64_t n = cast<ConstantInt>(access->getArgOperand(1))->getZExtValue(); n; n--)
		t = cast<ArrayType>(t)->getElementType();
	Value *step = b.CreateMul(b.CreateZExt(access->getArgOperand(2), b.getInt64Ty()),
				  sizeOf(b, t, access));
	access->replaceAllUsesWith(b.CreateGEP(b.getInt8Ty(), access->getArgOperand(0), step));
	access->eraseFromParent();
}

void Lowering::lowerLoad(LoadInst *load)
{
	IRBuilder<> b(load);
	setLocation(b, load);
	Type *t = load->getType();
	unsigned bytes = module.getDataLayout().getTypeStoreSize(t).getFixedValue();
	Value *p = load->getPointerOperand();
	Value *v;
	if (isPinnedPointer(p)) {
		LoadInst *l = b.CreateAlignedLoad(b.getIntNTy(8 * bytes), hostPointer(b, p),
						  Align(bytes));
		l->setAtomic(AtomicOrdering::Monotonic);
		markNoSanitize(l);
		v = l;
	} else {
		v = call(b, "__llview_ld" + std::to_string(bytes), b.getInt64Ty(),
			 {slots.tlb(b), b.CreatePtrToInt(p, b.getInt64Ty())});
	}
	if (t->isPointerTy())
		v = b.CreateIntToPtr(v, t);
	else
		v = b.CreateTrunc(v, t);

	// A bool of the guest's may be any byte; what isn't 0 is true, as in the kernel's own tests.
	for (User *u : make_early_inc_range(load->users())) {
		auto *trunc = dyn_cast<TruncInst>(u);
		if (!trunc || !trunc->getType()->isIntegerTy(1))
			continue;
		IRBuilder<> bt(trunc);
		trunc->replaceAllUsesWith(bt.CreateICmpNE(v, ConstantInt::get(t, 0)));
		trunc->eraseFromParent();
	}
	load->replaceAllUsesWith(v);
	load->eraseFromParent();
}

bool literal(Value *v, std::string &ret)
{
	auto *g = dyn_cast<GlobalVariable>(v->stripPointerCasts());
	auto *data = g && g->hasInitializer()
			     ? dyn_cast<ConstantDataSequential>(g->getInitializer())
			     : nullptr;
	if (g && g->hasInitializer() && isa<ConstantAggregateZero>(g->getInitializer())) {
		ret = "";
		return true;
	}
	if (!data || !data->isCString())
		return false;
	ret = data->getAsCString().str();
	return true;
}

// The functions that aren't: see llview.h. True when `call` was one.
bool Lowering::lowerQuestion(CallInst *call)
{
	Function *f = call->getCalledFunction();
	if (!f)
		return false;
	static const struct {
		const char *name;
		Kind kind;
		unsigned literals; // 0: the argument is the address of a member
	} known[] = {
		{"__llview_offsetof", kOffset, 0},    {"__llview_has", kHas, 0},
		{"__llview_has_bitfield", kHasBits, 2}, {"__llview_has_type", kHasType, 1},
		{"__llview_has_symbol", kHasSymbol, 1}, {"__llview_sizeof", kSizeof, 1},
		{"__llview_has_enum", kHasEnum, 2},   {"__llview_enum", kEnum, 2},
	};
	for (auto &k : known) {
		if (f->getName() != k.name)
			continue;
		Question q{k.kind, ""};
		if (k.literals) {
			std::string a, b;
			if (!literal(call->getArgOperand(0), a) ||
			    (k.literals == 2 && !literal(call->getArgOperand(1), b))) {
				reject(call, "the name of a type, symbol or enumerator must be a "
					     "literal");
				return true;
			}
			q.text = k.literals == 2 ? a + ":" + b : a;
		} else {
			IntrinsicInst *access = asMemberAccess(call->getArgOperand(0));
			Chain c;
			if (!access) {
				reject(call, "this needs a member, reached without array elements or "
					     "pointers");
				return true;
			}
			if (!chainOf(access, c))
				return true;
			if (!isa<ConstantPointerNull>(c.root)) {
				reject(call, "this needs a member, reached by way of named records "
					     "only");
				return true;
			}
			q = memberQuestion(c, k.kind);
		}
		IRBuilder<> b(call);
		setLocation(b, call);
		Value *v = b.CreateZExtOrTrunc(slots.load(b, q), call->getType());
		call->replaceAllUsesWith(v);
		call->eraseFromParent();
		return true;
	}
	return false;
}

void Lowering::lowerFunction(Function &f)
{
	expandConstants(f);

	SmallVector<CallInst *, 16> calls;
	for (Instruction &i : instructions(f))
		if (auto *c = dyn_cast<CallInst>(&i))
			calls.push_back(c);
	for (CallInst *c : calls)
		lowerQuestion(c);

	SmallVector<IntrinsicInst *, 32> accesses;
	for (Instruction &i : instructions(f))
		if (IntrinsicInst *a = asMemberAccess(&i))
			accesses.push_back(a);
	SmallPtrSet<Instruction *, 32> done;
	SmallVector<Instruction *, 32> dead;
	for (IntrinsicInst *a : accesses)
		lowerAccess(a, done, dead);
	if (failed)
		return;
	// A member's users come before it in the list.
	for (Instruction *i : dead)
		i->eraseFromParent();

	SmallVector<Instruction *, 64> rest;
	for (Instruction &i : instructions(f))
		rest.push_back(&i);
	for (Instruction *i : rest) {
		auto *load = dyn_cast<LoadInst>(i);
		auto *gep = dyn_cast<GetElementPtrInst>(i);
		if (load && isOurs(load->getPointerAddressSpace()))
			lowerLoad(load);
		else if (gep && isOurs(gep->getPointerAddressSpace()))
			lowerGEP(gep);
		else if (isArrayAccess(i))
			lowerArrayAccess(cast<IntrinsicInst>(i));
	}
}

// The look-ups in the header must not be slowed down by sanitizers: what they read is the guest's.
void Lowering::protectHelpers()
{
	auto isHelper = [](const Value *v) {
		return v->getName().starts_with("__llview_ld") ||
		       v->getName().starts_with("__llview_pinned_at") ||
		       v->getName().starts_with("__llview_pinned_word");
	};
	// They were only kept for us, and the check for our having been there.
	removeFromUsedLists(module, [&](Constant *c) {
		return isHelper(c) || c->getName() == "__llview_check";
	});
	for (Function &f : make_early_inc_range(module)) {
		if (!isHelper(&f) || f.isDeclaration())
			continue;
		if (f.use_empty()) {
			f.eraseFromParent();
			continue;
		}
		for (Instruction &i : instructions(f))
			if (isa<LoadInst>(i) || isa<MemTransferInst>(i))
				markNoSanitize(&i);
	}
	if (GlobalVariable *check = module.getGlobalVariable("__llview_check", true)) {
		check->eraseFromParent();
		GlobalVariable *missing = module.getGlobalVariable(
			"llview_code_was_compiled_without_the_plugin");
		if (missing && missing->use_empty())
			missing->eraseFromParent();
	}
}

bool Lowering::run()
{
	checkGlobals();
	for (Function &f : module)
		checkFunction(f);
	if (!failed) {
		for (Function &f : module)
			if (!f.isDeclaration())
				lowerFunction(f);
		for (Function &f : module)
			checkRun(f);
	}
	if (failed) {
		// Nothing of this will be used, but it must not upset the rest of the compiler.
		for (Function &f : module)
			f.deleteBody();
		return true;
	}
	slots.finish();
	for (GlobalVariable &g : make_early_inc_range(module.globals()))
		if (isOurs(g.getAddressSpace()) && g.use_empty())
			g.eraseFromParent();
	protectHelpers();
	return true;
}

// Host-only code, compiled by the same driver, is left alone.
bool concernsUs(const Module &m)
{
	if (m.getNamedGlobal("__llview_check"))
		return true;
	for (const GlobalVariable &g : m.globals())
		if (isOurs(g.getAddressSpace()))
			return true;
	for (const Function &f : m)
		for (const Instruction &i : instructions(f)) {
			if (isOurPointer(i.getType()))
				return true;
			for (const Value *v : i.operands())
				if (isOurPointer(v->getType()))
					return true;
		}
	return false;
}

} // namespace

bool lowerGuestAccesses(Module &m)
{
	if (!concernsUs(m))
		return false;
	return Lowering(m).run();
}

} // namespace llview
