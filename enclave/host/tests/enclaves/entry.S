/* SPDX-License-Identifier: MIT */
/*
 * Entry of the tests' enclaves: the state that C needs, a stack inside, and out again. GSBASE is the
 * thread page (abi/image.h); from 256 on it is ours.
 */
#define THREAD_STACK_TOP 8
#define THREAD_EXCEPTION_TOP 24
#define SAVED_RETURN 256
#define SAVED_RSP 264
#define SAVED_RBP 272
#define SAVED_EXCEPTION 24 /* from the one set to the other */

	.macro ENTER set, top
	mov %rcx, %gs:SAVED_RETURN + \set
	mov %rsp, %gs:SAVED_RSP + \set
	mov %rbp, %gs:SAVED_RBP + \set
	lea __ehdr_start(%rip), %rax
	mov %gs:\top, %rsp
	add %rax, %rsp
	pushq $2
	popfq
	fninit
	ldmxcsr initial_mxcsr(%rip)
	.endm

	.macro LEAVE set
	mov %gs:SAVED_RETURN + \set, %rbx
	mov %gs:SAVED_RSP + \set, %rsp
	mov %gs:SAVED_RBP + \set, %rbp
	mov $4, %eax
	enclu
	.endm

	.text
	.globl enclave_entry
	.hidden enclave_entry
enclave_entry:
	test %eax, %eax
	jnz 1f
	ENTER 0, THREAD_STACK_TOP
	call enclave_main
	LEAVE 0
1:	ENTER SAVED_EXCEPTION, THREAD_EXCEPTION_TOP
	call enclave_exception
	LEAVE SAVED_EXCEPTION

	.section .rodata
	.balign 4
initial_mxcsr:
	.long 0x1f80

	.section .note.GNU-stack, "", @progbits
