// SPDX-License-Identifier: MIT
// The two transformations of a module.
#pragma once

#include "llvm/IR/Module.h"

namespace llview
{

// LLView: reads through guest pointers become reads of the guest. True when the module changed;
// what can't be transformed is reported as an error of the compilation.
bool lowerGuestAccesses(llvm::Module &m);

// The second one: references to the standard file functions become references to the door's. Does
// nothing unless the option -scw-libc=LIST was given: names one a line, each replaced by scw_NAME or by
// what follows it; '#' starts a comment.
bool replaceFileFunctions(llvm::Module &m);

} // namespace llview
