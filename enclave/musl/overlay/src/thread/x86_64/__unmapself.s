# SPDX-License-Identifier: MIT
# void __unmapself(void *base, size_t size): the end of a detached thread, which gives its own stack
# back. On the stack that the thread entered the enclave with (abi/image.h, struct abi_thread):
# nothing of that is needed any more. musl's C version has one for all threads, which could be
# used again before this one is outside.
	.text
	.globl __unmapself
	.hidden __unmapself, __ehdr_start
	.type __unmapself, @function
__unmapself:
	lea __ehdr_start(%rip), %rsp
	add %gs:8, %rsp
	xor %ebp, %ebp
	call trusted_munmap
	xor %edi, %edi
	call trusted_exit_thread
	ud2
	.size __unmapself, . - __unmapself

	.section .note.GNU-stack, "", @progbits
