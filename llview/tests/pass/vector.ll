; SPDX-License-Identifier: MIT
; RUN: not %opt -passes=llview -S %s 2>&1 | FileCheck %s

; CHECK: error: {{.*}}in function vector {{.*}}more than 8 bytes can't be read at once
define <4 x i32> @vector(ptr addrspace(1) %p) {
  %v = load <4 x i32>, ptr addrspace(1) %p
  ret <4 x i32> %v
}
