; SPDX-License-Identifier: MIT
; RUN: not %opt -passes=llview -S %s 2>&1 | FileCheck %s

; CHECK: error: {{.*}}in function pinned {{.*}}the guest holds no pinned pointers
define ptr addrspace(2) @pinned(ptr addrspace(1) %p) {
  %v = load ptr addrspace(2), ptr addrspace(1) %p
  ret ptr addrspace(2) %v
}
