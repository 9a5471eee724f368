// SPDX-License-Identifier: MIT
// What a translation unit asks of a guest's kernel: one descriptor and one slot for each question.
//
// The descriptors of a translation unit are an array in the section llview_desc; the linker lines up
// those of all units, and a slot's index is its descriptor's position there. Code finds a slot at the
// descriptor's address plus llview_state.delta, so it needs no relocation and no registration. The
// runtime's half of this contract is core/llview/desc.h.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

namespace llview
{

// Values are part of the contract with the runtime.
enum Kind : uint8_t {
	kOffset = 1,  // bytes from the start of the record to the member
	kHas = 2,     // 1 when kOffset of the same text would have an answer
	kBitWord = 3, // bytes to the eight bytes that hold a bit-field
	kBitShift = 4,
	kHasBits = 5,
	kSizeof = 6,
	kHasType = 7,
	kSymbol = 8,
	kHasSymbol = 9,
	kEnum = 10,
	kHasEnum = 11,
};

enum Flags : uint8_t {
	fArray = 1,  // size is that of an array: the guest's may be larger, or unknown
	fSigned = 2, // bit-field: size is its width in bits
};

struct Question {
	Kind kind;
	std::string text; // "struct task_struct:tasks.next", "init_task", "enum pid_type:PIDTYPE_PID"
	uint8_t flags = 0;
	uint16_t size = 0; // what we declared; 0: not compared

	bool operator<(const Question &o) const;
};

class SlotTable
{
      public:
	explicit SlotTable(llvm::Module &m);

	// The slot's value as i64 in the function that `b` inserts into.
	llvm::Value *load(llvm::IRBuilder<> &b, const Question &q);

	// The TLB of the current guest, in the function that `b` inserts into.
	llvm::Value *tlb(llvm::IRBuilder<> &b);

	// Emit the descriptors; no load() after this.
	void finish();

	bool touched(const llvm::Function *f) const { return bases.count(f) != 0; }

      private:
	struct Base {
		llvm::Value *slots; // where the slot of our first descriptor is
		llvm::Value *tlb;
	};
	Base &base(llvm::Function *f);

	llvm::Module &module;
	llvm::GlobalVariable *placeholder = nullptr;
	std::map<Question, unsigned> index;
	std::vector<Question> questions;
	std::map<const llvm::Function *, Base> bases;
};

// Loads that ASan and its kin are to leave alone; values that don't change while a function runs.
void markNoSanitize(llvm::Instruction *i);

} // namespace llview
