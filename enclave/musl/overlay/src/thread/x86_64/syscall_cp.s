# SPDX-License-Identifier: MIT
# long __syscall_cp_asm(volatile int *cancel, long n, long a, ... long f): a system call that is a
# cancellation point. A signal that cancels and finds the thread between __cp_begin and __cp_end
# makes it go on at __cp_cancel; one that comes later, inside the runtime, has to end the call with
# EINTR, upon which the caller looks at `cancel` again.
	.text
	.hidden __cp_begin, __cp_end, __cp_cancel, __cancel
	.globl __cp_begin, __cp_end, __cp_cancel

	.globl __syscall_cp_asm
	.hidden __syscall_cp_asm
	.type __syscall_cp_asm, @function
__syscall_cp_asm:
__cp_begin:
	cmpl $0, (%rdi)
	jne __cp_cancel
	mov %rsi, %rdi
	mov %rdx, %rsi
	mov %rcx, %rdx
	mov %r8, %rcx
	mov %r9, %r8
	mov 8(%rsp), %r9
	mov 16(%rsp), %rax # the last one stays on the stack, where the seventh argument is
	mov %rax, 8(%rsp)
	jmp trusted_syscall
__cp_end:
	ret
__cp_cancel:
	jmp __cancel
	.size __syscall_cp_asm, . - __syscall_cp_asm

	.section .note.GNU-stack, "", @progbits
