# SPDX-License-Identifier: MIT
# The child returns from here first and overwrites this frame; the runtime keeps it and has the parent
# return from it later (trusted/program.h).
	.text
	.globl vfork
	.type vfork, @function
vfork:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	mov $58, %edi # SYS_vfork
	mov $0x5c0f0, %esi # TRUSTED_VFORK
	mov %rsp, %rdx
	push $0 # the last argument
	call trusted_syscall
	add $8, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	mov %rax, %rdi
	.hidden __syscall_ret
	jmp __syscall_ret
	.size vfork, . - vfork

	.section .note.GNU-stack, "", @progbits
