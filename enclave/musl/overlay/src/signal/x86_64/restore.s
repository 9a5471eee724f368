# SPDX-License-Identifier: MIT
# Where the kernel has signal handlers return to. The runtime calls them as functions.
	.text
	.globl __restore_rt
	.hidden __restore_rt
	.type __restore_rt, @function
__restore_rt:
	ud2
	.size __restore_rt, . - __restore_rt

	.section .note.GNU-stack, "", @progbits
