; SPDX-License-Identifier: MIT
; RUN: %opt -passes=llview -S %s | FileCheck %s
; The pass alone, on code that no front end made: constants in PHIs and nested expressions.

@table = external addrspace(1) global [4 x i64]

; CHECK: section "llview_desc"
; CHECK: c"table\00"
; CHECK-NOT: @table

; CHECK-LABEL: @phi(
; CHECK: a:
; CHECK: load i64, ptr {{.*}} !invariant.load
; CHECK: inttoptr i64 %{{.*}} to ptr addrspace(1)
; CHECK: br label %join
define i1 @phi(i1 %c, ptr addrspace(1) %q) {
  br i1 %c, label %a, label %b
a:
  br label %join
b:
  br label %join
join:
  %p = phi ptr addrspace(1) [ @table, %a ], [ %q, %b ]
  %r = icmp eq ptr addrspace(1) %p, null
  ret i1 %r
}

; CHECK-LABEL: @nested(
; CHECK: call i64 @__llview_ld8(ptr %llview.tlb
define i64 @nested() {
  %v = load i64, ptr addrspace(1) getelementptr inbounds ([4 x i64], ptr addrspace(1) @table, i64 0, i64 2)
  ret i64 %v
}
