; SPDX-License-Identifier: MIT
; RUN: not %opt -passes=llview -S %s 2>&1 | FileCheck %s

; CHECK: error: {{.*}}in function call {{.*}}a function of the guest can't be called
define void @call(ptr addrspace(1) %p) {
  call addrspace(1) void %p()
  ret void
}
