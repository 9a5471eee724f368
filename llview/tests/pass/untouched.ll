; SPDX-License-Identifier: MIT
; RUN: %opt -passes=llview,scw-libc -S %s | FileCheck %s

; CHECK-NOT: @{{.*}}llview
; CHECK: load i32, ptr %p
define i32 @f(ptr %p) {
  %v = load i32, ptr %p
  ret i32 %v
}
