; SPDX-License-Identifier: MIT
; RUN: not %opt -passes=llview -S %s 2>&1 | FileCheck %s
; What a missing AST half leaves behind isn't guessed at.

%struct.task = type { i32, i32 }

; CHECK: error: {{.*}}member of a record that isn't declared between GUEST_TYPES_BEGIN and GUEST_TYPES_END
define i32 @f(ptr addrspace(1) %t) {
  %p = getelementptr inbounds %struct.task, ptr addrspace(1) %t, i32 0, i32 1
  %v = load i32, ptr addrspace(1) %p
  ret i32 %v
}
