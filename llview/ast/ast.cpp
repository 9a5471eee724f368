// SPDX-License-Identifier: MIT
// The AST half of LLView: what must be done, or can only be seen, before code is generated.
//
// Guest records get the attribute by which clang names members in the code it makes (a BPF feature
// in its front end's eyes, but not in its code generator's). And whatever would silently use our
// layout instead of the guest's, or mix the two worlds, is rejected.
#include "clang/AST/ASTConsumer.h"
#include "clang/AST/ASTContext.h"
#include "clang/AST/Attr.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/Frontend/CompilerInstance.h"
#include "clang/Frontend/FrontendPluginRegistry.h"

#include "llvm/Config/llvm-config.h"

using namespace clang;
#if LLVM_VERSION_MAJOR < 17
namespace debuginfo = clang::codegenoptions;
#else
namespace debuginfo = llvm::codegenoptions;
#endif

namespace
{

enum { kGuest = 1, kPinned = 2 };
const char kMark[] = "llview_guest";

unsigned addressSpace(QualType t)
{
	LangAS as = t.getCanonicalType().getAddressSpace();
	return isTargetAddressSpace(as) ? toTargetAddressSpace(as) : 0;
}

bool isOurs(unsigned as)
{
	return as == kGuest || as == kPinned;
}

bool isMarked(const Decl *d)
{
	for (const auto *a : d->specific_attrs<AnnotateAttr>())
		if (a->getAnnotation() == kMark)
			return true;
	return false;
}

const RecordDecl *recordOf(QualType t)
{
	return t->getAsRecordDecl();
}

// The guest record that a type is, or is an array of.
const RecordDecl *guestRecord(const ASTContext &c, QualType t)
{
	if (t.isNull())
		return nullptr;
	const RecordDecl *r = recordOf(c.getBaseElementType(t));
	r = r ? r->getDefinition() : nullptr;
	return r && r->hasAttr<BPFPreserveAccessIndexAttr>() ? r : nullptr;
}

std::string nameOf(const RecordDecl *r)
{
	if (r->getIdentifier())
		return (r->getKindName() + " " + r->getName()).str();
	const TypedefNameDecl *alias = r->getTypedefNameForAnonDecl();
	return alias ? alias->getName().str() : "(without a name)";
}

class Checker : public RecursiveASTVisitor<Checker>
{
      public:
	explicit Checker(ASTContext &c) : context(c) {}

	template <unsigned N> DiagnosticBuilder reject(SourceLocation at, const char (&text)[N])
	{
		DiagnosticsEngine &d = context.getDiagnostics();
		return d.Report(at, d.getCustomDiagID(DiagnosticsEngine::Error, text));
	}

	// Nothing is evaluated in there, so nothing of the guest is read.
	bool TraverseTypeOfExprTypeLoc(TypeOfExprTypeLoc) { return true; }
	bool TraverseTypeOfExprTypeLoc(TypeOfExprTypeLoc, bool) { return true; }

	// Within the declaration of guest records all means ours, as in array bounds.
	bool TraverseRecordDecl(RecordDecl *r)
	{
		return isMarked(r) || RecursiveASTVisitor::TraverseRecordDecl(r);
	}

	bool TraverseEnumDecl(EnumDecl *e)
	{
		return isMarked(e) || RecursiveASTVisitor::TraverseEnumDecl(e);
	}

	// The one place where a member may be reached from a null pointer.
	bool TraverseCallExpr(CallExpr *call)
	{
		const FunctionDecl *f = call->getDirectCallee();
		bool question = f && f->getIdentifier() && f->getName().starts_with("__llview_");
		questions += question;
		bool ret = RecursiveASTVisitor::TraverseCallExpr(call);
		questions -= question;
		return ret;
	}

	bool TraverseUnaryExprOrTypeTraitExpr(UnaryExprOrTypeTraitExpr *e)
	{
		const RecordDecl *r = guestRecord(context, e->getTypeOfArgument());
		if (r)
			reject(e->getBeginLoc(), "size or alignment of guest record '%0' would be "
						 "that of our declaration: use guest_sizeof()")
				<< nameOf(r);
		return true; // the argument isn't evaluated
	}

	bool VisitOffsetOfExpr(OffsetOfExpr *e)
	{
		if (const RecordDecl *r =
			    guestRecord(context, e->getTypeSourceInfo()->getType()))
			reject(e->getBeginLoc(), "offset in guest record '%0' would be that of our "
						 "declaration: use guest_offsetof()")
				<< nameOf(r);
		return true;
	}

	bool VisitVarDecl(VarDecl *v)
	{
		unsigned as = addressSpace(context.getBaseElementType(v->getType()));
		if (isOurs(as)) {
			if (!v->hasExternalStorage() || v->hasInit())
				reject(v->getLocation(), "a guest object can't be defined here: "
							 "declare '%0' extern")
					<< v->getName();
			else if (as == kPinned)
				reject(v->getLocation(),
				       "symbols of the guest are __guest, not __pinned");
			return true;
		}
		rejectHostObject(v->getLocation(), v->getType());
		return true;
	}

	bool VisitFunctionDecl(FunctionDecl *f)
	{
		rejectHostObject(f->getLocation(), f->getReturnType());
		return true;
	}

	bool VisitFieldDecl(FieldDecl *f)
	{
		rejectHostObject(f->getLocation(), f->getType());
		return true;
	}

	bool VisitCompoundLiteralExpr(CompoundLiteralExpr *e)
	{
		rejectHostObject(e->getBeginLoc(), e->getType());
		return true;
	}

	bool VisitMemberExpr(MemberExpr *e)
	{
		QualType base = e->getBase()->getType();
		if (e->isArrow())
			base = base->getPointeeType();
		const RecordDecl *r = recordOf(base);
		if (!r)
			return true;
		bool guest = guestRecord(context, base);
		unsigned as = addressSpace(base);
		if (isOurs(as) && !guest)
			reject(e->getMemberLoc(), "record '%0' isn't declared between "
						  "GUEST_TYPES_BEGIN and GUEST_TYPES_END")
				<< nameOf(r);
		else if (guest && !isOurs(as))
			reject(e->getMemberLoc(), "guest record '%0' read through a host pointer: "
						  "declare the pointer __guest or __pinned")
				<< nameOf(r);
		else if (guest && !questions && fromNull(e->getBase()))
			reject(e->getBeginLoc(), "a member of no object: use guest_offsetof()");
		return true;
	}

	bool VisitCastExpr(CastExpr *e)
	{
		QualType from = e->getSubExpr()->getType(), to = e->getType();
		switch (e->getCastKind()) {
		case CK_LValueToRValue:
			if (const RecordDecl *r = guestRecord(context, from))
				rejectCopy(e->getExprLoc(), r);
			break;
		case CK_AddressSpaceConversion:
			if (from->isPointerType() && to->isPointerType() &&
			    (isOurs(addressSpace(from->getPointeeType())) ||
			     isOurs(addressSpace(to->getPointeeType()))) &&
			    !e->getSubExpr()->isNullPointerConstant(
				    context, Expr::NPC_ValueDependentIsNotNull))
				reject(e->getExprLoc(),
				       "a guest pointer can't be cast to another address space: "
				       "guest_pin() gives a pinned one, guest_addr() the address");
			break;
		case CK_IntegralToPointer:
			checkLaundering(e);
			break;
		case CK_BitCast:
			checkPinnedCast(e, from, to);
			break;
		default:
			break;
		}
		return true;
	}

	bool VisitBinaryOperator(BinaryOperator *e)
	{
		QualType l = e->getLHS()->getType(), r = e->getRHS()->getType();
		if (e->getOpcode() == BO_Sub && l->isPointerType() && r->isPointerType()) {
			if (const RecordDecl *record = guestRecord(context, l->getPointeeType()))
				reject(e->getOperatorLoc(),
				       "difference of pointers to guest record '%0' would count "
				       "in sizes of our declaration: subtract guest_addr()s")
					<< nameOf(record);
		} else if (e->getOpcode() == BO_Assign) {
			if (const RecordDecl *record = guestRecord(context, l))
				rejectCopy(e->getOperatorLoc(), record);
		}
		return true;
	}

	bool VisitDeclRefExpr(DeclRefExpr *e)
	{
		auto *constant = dyn_cast<EnumConstantDecl>(e->getDecl());
		if (!constant)
			return true;
		auto *owner = dyn_cast<EnumDecl>(constant->getDeclContext());
		if (owner && isMarked(owner))
			reject(e->getLocation(), "'%0' is an enumerator of the guest's, whose value "
						 "is its own: use guest_enum()")
				<< constant->getName();
		return true;
	}

	// A definition of a guest record is complete: check what it's made of.
	void checkRecord(const RecordDecl *r)
	{
		for (const FieldDecl *f : r->fields()) {
			QualType t = context.getBaseElementType(f->getType());
			for (; t->isPointerType();
			     t = context.getBaseElementType(t->getPointeeType())) {
				if (addressSpace(t->getPointeeType()) == kGuest)
					continue;
				if (t->isFunctionPointerType())
					reject(f->getLocation(),
					       "a pointer to a function of the guest, '%0', can't "
					       "be called: declare it 'void __guest *'")
						<< f->getName();
				else
					reject(f->getLocation(),
					       "what member '%0' of a guest record points to is in "
					       "the guest: declare it __guest")
						<< f->getName();
				break;
			}
		}
	}

      private:
	void rejectHostObject(SourceLocation at, QualType t)
	{
		if (isOurs(addressSpace(context.getBaseElementType(t))))
			return;
		if (const RecordDecl *r = guestRecord(context, t))
			reject(at, "guest record '%0' can't be an object of ours, whose layout would "
				   "be that of our declaration: use __guest or __pinned pointers")
				<< nameOf(r);
	}

	void rejectCopy(SourceLocation at, const RecordDecl *r)
	{
		reject(at, "guest record '%0' can't be copied as a whole: its layout isn't ours; use "
			   "guest_read() or guest_copy()")
			<< nameOf(r);
	}

	// (T *)(long)&t->member: through an integer in one expression. guest_addr() in a variable of its
	// own is how to mean it.
	void checkLaundering(const CastExpr *e)
	{
		if (!e->getType()->isPointerType() ||
		    isOurs(addressSpace(e->getType()->getPointeeType())))
			return;
		const Expr *inner = e->getSubExpr()->IgnoreParens();
		while (auto *cast = dyn_cast<CastExpr>(inner)) {
			QualType from = cast->getSubExpr()->getType();
			if (cast->getCastKind() == CK_PointerToIntegral &&
			    isOurs(addressSpace(from->getPointeeType()))) {
				reject(e->getExprLoc(),
				       "a guest pointer can't be cast to a host pointer");
				return;
			}
			inner = cast->getSubExpr()->IgnoreParens();
		}
	}

	// What was pinned is as large as its type: a cast to another record would read beyond it.
	void checkPinnedCast(const CastExpr *e, QualType from, QualType to)
	{
		if (!from->isPointerType() || !to->isPointerType() ||
		    addressSpace(to->getPointeeType()) != kPinned)
			return;
		const RecordDecl *r = guestRecord(context, to->getPointeeType());
		const RecordDecl *old = guestRecord(context, from->getPointeeType());
		if (r && r != old)
			reject(e->getExprLoc(), "a pinned object can't be cast to '%0', which may be "
						"larger: cast the __guest pointer, then pin")
				<< nameOf(r);
	}

	bool fromNull(const Expr *e)
	{
		e = e->IgnoreParenCasts();
		if (auto *m = dyn_cast<MemberExpr>(e))
			return fromNull(m->getBase());
		if (auto *s = dyn_cast<ArraySubscriptExpr>(e))
			return fromNull(s->getBase());
		auto *literal = dyn_cast<IntegerLiteral>(e);
		return literal && literal->getValue().isZero();
	}

	ASTContext &context;
	unsigned questions = 0;
};

class Consumer : public ASTConsumer
{
      public:
	explicit Consumer(CompilerInstance &ci) : compiler(ci) {}

	void HandleTagDeclDefinition(TagDecl *d) override
	{
		auto *r = dyn_cast<RecordDecl>(d);
		if (!r || r->isInvalidDecl() || !isGuestRecord(r))
			return;
		if (!r->hasAttr<BPFPreserveAccessIndexAttr>())
			r->addAttr(BPFPreserveAccessIndexAttr::CreateImplicit(r->getASTContext()));
		Checker(r->getASTContext()).checkRecord(r);
	}

	void HandleTranslationUnit(ASTContext &c) override
	{
		if (!c.getDiagnostics().hasErrorOccurred())
			Checker(c).TraverseDecl(c.getTranslationUnitDecl());
	}

      private:
	// Anonymous records within a guest record are the guest's too.
	static bool isGuestRecord(const RecordDecl *r)
	{
		if (isMarked(r))
			return true;
		auto *outer = dyn_cast<RecordDecl>(r->getDeclContext());
		return outer && isGuestRecord(outer);
	}

	CompilerInstance &compiler;
};

class Action : public PluginASTAction
{
      protected:
	std::unique_ptr<ASTConsumer> CreateASTConsumer(CompilerInstance &ci, StringRef) override
	{
		// Members get their names from the debug information, wanted or not.
		auto &options = ci.getCodeGenOpts();
		if (options.getDebugInfo() < debuginfo::LimitedDebugInfo)
			options.setDebugInfo(debuginfo::LimitedDebugInfo);
		return std::make_unique<Consumer>(ci);
	}

	bool ParseArgs(const CompilerInstance &, const std::vector<std::string> &) override
	{
		return true;
	}

	ActionType getActionType() override { return AddBeforeMainAction; }
};

FrontendPluginRegistry::Add<Action> registration("llview", "kernel-style C on a guest's memory");

} // namespace
