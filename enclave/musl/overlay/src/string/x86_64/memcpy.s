# SPDX-License-Identifier: MIT
# memcpy(), which musl has as `rep movs`: that takes tens of cycles before its first byte, and most copies here are
# of less than a hundred. Under its second name memmove() uses it to copy to lower addresses, so what an
# earlier store may have written over is loaded first.
	.text
	.globl memcpy
	.globl __memcpy_fwd
	.hidden __memcpy_fwd
	.type memcpy, @function
memcpy:
__memcpy_fwd:
	mov %rdi, %rax
	cmp $16, %rdx
	jb below_16
	movups (%rsi), %xmm0
	movups -16(%rsi, %rdx), %xmm1
	cmp $32, %rdx
	ja above_32
	movups %xmm0, (%rdi)
	movups %xmm1, -16(%rdi, %rdx)
	ret

above_32:
	movups 16(%rsi), %xmm2
	movups -32(%rsi, %rdx), %xmm3
	cmp $64, %rdx
	ja above_64
	movups %xmm0, (%rdi)
	movups %xmm2, 16(%rdi)
	movups %xmm3, -32(%rdi, %rdx)
	movups %xmm1, -16(%rdi, %rdx)
	ret

	# the last 64 bytes in xmm1, 3, 4 and 5, all before them in whole blocks, of which the last may reach into those
above_64:
	movups -48(%rsi, %rdx), %xmm4
	movups -64(%rsi, %rdx), %xmm5
	lea -64(%rdi, %rdx), %r8
	cmp $1024, %rdx
	jae large
block:
	movups (%rsi), %xmm0
	movups 16(%rsi), %xmm2
	movups 32(%rsi), %xmm6
	movups 48(%rsi), %xmm7
	movups %xmm0, (%rdi)
	movups %xmm2, 16(%rdi)
	movups %xmm6, 32(%rdi)
	movups %xmm7, 48(%rdi)
	add $64, %rsi
	add $64, %rdi
	cmp %r8, %rdi
	jb block
last_64:
	movups %xmm5, (%r8)
	movups %xmm4, 16(%r8)
	movups %xmm3, 32(%r8)
	movups %xmm1, 48(%r8)
	ret

	# to where a store is aligned; the first 16 bytes come last, or they might be loaded again
large:
	lea 15(%rdi), %rdi
	and $-16, %rdi
	sub %rax, %rsi
	add %rdi, %rsi
	lea 7(%r8), %rcx
	sub %rdi, %rcx
	shr $3, %rcx
	rep movsq
	movups %xmm0, (%rax)
	jmp last_64

below_16:
	cmp $8, %edx
	jb below_8
	mov (%rsi), %rcx
	mov -8(%rsi, %rdx), %r8
	mov %rcx, (%rdi)
	mov %r8, -8(%rdi, %rdx)
	ret

below_8:
	cmp $4, %edx
	jb below_4
	mov (%rsi), %ecx
	mov -4(%rsi, %rdx), %r8d
	mov %ecx, (%rdi)
	mov %r8d, -4(%rdi, %rdx)
	ret

below_4:
	test %edx, %edx
	je none
	movzbl (%rsi), %ecx
	movzbl -1(%rsi, %rdx), %r8d
	cmp $2, %edx
	jbe store_2
	movzbl 1(%rsi), %r9d
	movb %r9b, 1(%rdi)
store_2:
	movb %cl, (%rdi)
	movb %r8b, -1(%rdi, %rdx)
none:
	ret
	.size memcpy, . - memcpy

	.section .note.GNU-stack, "", @progbits
