/* SPDX-License-Identifier: MIT */
/*
 * The edge: what runs with registers that the host has chosen, or that it will see. docs/ENCLAVE.md
 * tells the rules. In short: an entry is what the thread's state word says, never what the host
 * says; nothing is read or written by a pointer of the host's here; on the way out every register
 * that isn't the host's own is zero. An exception between trusted_edge and trusted_edge_end is the
 * host's doing, and RSP may be the host's there (SmashEx): exception.c never builds a frame then.
 */
#include "thread.h"
#include "trusted/program.h"

	/* Flags, x87, SSE and whatever else XFRM has as they are after a reset; a stack is there. */
	.macro CLEAN_STATE
	pushq $2
	popfq
	CLEAN_EXTENDED
	lfence
	.endm

	.macro CLEAN_EXTENDED
	mov trusted_xfrm(%rip), %eax
	mov trusted_xfrm+4(%rip), %edx
	xrstor64 clean_area(%rip)
	.endm

	.macro SAVE_HOST rsp, rbp, return
	mov %rsp, %gs:\rsp
	mov %rbp, %gs:\rbp
	mov %rcx, %gs:\return
	.endm

	/* The host's three back, zeros in the others, and out. RCX: set by EEXIT. */
	.macro EXIT rsp, rbp, return
	mov %gs:\return, %rbx
	mov %gs:\rsp, %rsp
	mov %gs:\rbp, %rbp
	xor %ecx, %ecx
	xor %edx, %edx
	xor %esi, %esi
	xor %edi, %edi
	xor %r8d, %r8d
	xor %r9d, %r9d
	xor %r10d, %r10d
	xor %r11d, %r11d
	xor %r12d, %r12d
	xor %r13d, %r13d
	xor %r14d, %r14d
	xor %r15d, %r15d
	mov $4, %eax
	enclu
	ud2
	.endm

	.text
	.balign 64
	.globl trusted_edge
	.hidden trusted_edge
trusted_edge:

/* EENTER: eax CSSA, rcx where EEXIT goes, rdi the start block at a thread's first entry. */
	.globl trusted_entry
	.hidden trusted_entry
	.type trusted_entry, @function
trusted_entry:
	cld
	cmp $1, %eax
	je .Lexception
	ja .Lrefuse
	cmpq $THREAD_OUTSIDE, %gs:GS_STATE
	je .Lback
	mov $THREAD_STARTING, %eax
	mov $THREAD_INSIDE, %edx
	lock cmpxchg %rdx, %gs:GS_STATE
	mov $0, %esi
	je .Lbegin
	/* no thread was asked for: it can only be the first one, once */
	cmpq $THREAD_FREE, %gs:GS_STATE
	jne .Lrefuse
	cmpq $0, %gs:GS_INDEX
	jne .Lrefuse
	xor %eax, %eax
	mov $1, %edx
	lock cmpxchg %edx, trusted_started(%rip)
	jne .Lrefuse
	mov $1, %esi
	movq $THREAD_INSIDE, %gs:GS_STATE
.Lbegin:
	SAVE_HOST GS_HOST_RSP, GS_HOST_RBP, GS_HOST_RETURN
	lea __ehdr_start(%rip), %rsp
	add %gs:GS_STACK_TOP, %rsp
	CLEAN_STATE
	xor %ebp, %ebp
	call trusted_begin
	ud2

.Lback:
	SAVE_HOST GS_HOST_RSP, GS_HOST_RBP, GS_HOST_RETURN
	movq $THREAD_INSIDE, %gs:GS_STATE
	mov %gs:GS_RSP, %rsp
	CLEAN_STATE
	mov %gs:GS_FS, %rax
	wrfsbase %rax
	ldmxcsr (%rsp)
	fldcw 4(%rsp)
	add $8, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret

	/* Nothing was touched: RSP, RBP and the rest are the host's own. */
.Lrefuse:
	mov %rcx, %rbx
	xor %edx, %edx
	mov $4, %eax
	enclu
	ud2

	/* After an AEX. The handler's stack is its own; it can't be entered twice (CSSA 2: refused). */
.Lexception:
	SAVE_HOST GS_EXCEPTION_HOST_RSP, GS_EXCEPTION_HOST_RBP, GS_EXCEPTION_RETURN
	lea __ehdr_start(%rip), %rsp
	add %gs:GS_EXCEPTION_TOP, %rsp
	CLEAN_STATE
	xor %ebp, %ebp
	call trusted_exception
	CLEAN_EXTENDED
	EXIT GS_EXCEPTION_HOST_RSP, GS_EXCEPTION_HOST_RBP, GS_EXCEPTION_RETURN
	.size trusted_entry, . - trusted_entry

/* void trusted_leave(void) */
	.globl trusted_leave
	.hidden trusted_leave
	.type trusted_leave, @function
trusted_leave:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	sub $8, %rsp
	stmxcsr (%rsp)
	fnstcw 4(%rsp)
	mov %rsp, %gs:GS_RSP
	mov $THREAD_OUTSIDE, %edi
	/* void trusted_leave_for_good(uint64_t state) */
	.globl trusted_leave_for_good
	.hidden trusted_leave_for_good
	.type trusted_leave_for_good, @function
trusted_leave_for_good:
	CLEAN_EXTENDED
	mov %rdi, %gs:GS_STATE
	EXIT GS_HOST_RSP, GS_HOST_RBP, GS_HOST_RETURN
	.size trusted_leave, . - trusted_leave

/*
 * void trusted_restore(const struct trusted_frame *frame): all registers out of a frame. Nothing
 * may be written below the program's stack pointer, where its red zone is: the last two go through
 * the thread page.
 */
	.globl trusted_restore
	.hidden trusted_restore
	.type trusted_restore, @function
trusted_restore:
	mov trusted_xfrm(%rip), %eax
	mov trusted_xfrm+4(%rip), %edx
	xrstor64 FRAME_XSAVE(%rdi)
	mov FRAME_RIP(%rdi), %rax
	mov %rax, %gs:GS_RESUME_RIP
	mov FRAME_RSP(%rdi), %rax
	mov %rax, %gs:GS_RESUME_RSP
	lea FRAME_RFLAGS(%rdi), %rsp
	popfq
	mov 0(%rdi), %rax
	mov 8(%rdi), %rcx
	mov 16(%rdi), %rdx
	mov 24(%rdi), %rbx
	mov 40(%rdi), %rbp
	mov 48(%rdi), %rsi
	mov 64(%rdi), %r8
	mov 72(%rdi), %r9
	mov 80(%rdi), %r10
	mov 88(%rdi), %r11
	mov 96(%rdi), %r12
	mov 104(%rdi), %r13
	mov 112(%rdi), %r14
	mov 120(%rdi), %r15
	mov 56(%rdi), %rdi
	mov %gs:GS_RESUME_RSP, %rsp
	jmp *%gs:GS_RESUME_RIP
	.size trusted_restore, . - trusted_restore

	.globl trusted_edge_end
	.hidden trusted_edge_end
trusted_edge_end:

/* void trusted_jump(void (*fn)(void *), void *arg, uint64_t stack_top) */
	.globl trusted_jump
	.hidden trusted_jump
	.type trusted_jump, @function
trusted_jump:
	mov %rdx, %rsp
	and $-16, %rsp
	mov %rdi, %rax
	mov %rsi, %rdi
	xor %ebp, %ebp
	call *%rax
	ud2
	.size trusted_jump, . - trusted_jump

/* void trusted_resume(uint64_t *frame, long result): the frame is vfork.s's */
	.globl trusted_resume
	.hidden trusted_resume
	.type trusted_resume, @function
trusted_resume:
	mov %rdi, %rsp
	mov %rsi, %rax
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	.size trusted_resume, . - trusted_resume

/* void trusted_run_program(uint64_t stack): as the kernel starts one */
	.globl trusted_run_program
	.hidden trusted_run_program
	.type trusted_run_program, @function
trusted_run_program:
	mov %rdi, %rsp
	xor %edx, %edx
	xor %ebp, %ebp
	jmp _start
	.size trusted_run_program, . - trusted_run_program

	.section .rodata
	.balign 64
clean_area:
	.short 0x37f
	.zero 22
	.long 0x1f80 /* MXCSR: loaded whatever the header says */
	.zero 512 - 28
	.zero 64 /* header: all components are in their initial state */

/* Where another program of the image begins (program.h): its distance from this number. */
	.section .note.scwatcher, "a", @note
	.balign 4
	.long 2f - 1f
	.long 4f - 3f
	.long TRUSTED_PROGRAM_VERSION
1:	.asciz "scwatcher"
2:	.balign 4
3:	.quad trusted_program_begin - 3b
4:

	.section .note.GNU-stack, "", @progbits
