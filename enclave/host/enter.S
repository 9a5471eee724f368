/* SPDX-License-Identifier: MIT */
/* host_enter(): see host/backend.h. The kernel's entry function keeps rbx, rbp and rsp only. */
	.text
	.globl host_enter
	.hidden host_enter
	.type host_enter, @function
host_enter:
	.cfi_startproc
	push %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	mov %rsp, %rbp
	.cfi_def_cfa_register %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	sub $24, %rsp
	.cfi_rel_offset %rbx, -8
	.cfi_rel_offset %r12, -16
	.cfi_rel_offset %r13, -24
	.cfi_rel_offset %r14, -32
	.cfi_rel_offset %r15, -40
	stmxcsr -48(%rbp)
	fnstcw -56(%rbp)
	/* (enter, rdi, rsi, rdx, function, r8; stack: r9, run) becomes (rdi, ..., r9; stack: run) */
	mov %rdi, %rax
	mov %rsi, %rdi
	mov %rdx, %rsi
	mov %rcx, %rdx
	mov %r8, %rcx
	mov %r9, %r8
	mov 16(%rbp), %r9
	pushq $0
	pushq 24(%rbp)
	call *%rax
	/* direction flag and alignment check may be as the enclave had them */
	pushfq
	andq $~0x40400, (%rsp)
	popfq
	ldmxcsr -48(%rbp)
	fldcw -56(%rbp)
	lea -40(%rbp), %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size host_enter, . - host_enter

	.section .note.GNU-stack, "", @progbits
