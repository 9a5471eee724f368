/* SPDX-License-Identifier: MIT */
/*
 * The edges between host and emulated enclave: what stands in for __vdso_sgx_enter_enclave(), the
 * signal handler, and the return from it. All system calls between emu_text and emu_text_end are
 * allowed while those of an enclave are not.
 */
#include "emu.h"

#define R(i) (EMU_REGS + 8 * (i))
#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004
#define NR_arch_prctl 158
#define NR_rt_sigreturn 15
#define EINVAL 22

/* struct abi_run */
#define RUN_TCS 0
#define RUN_FUNCTION 8
#define RUN_VECTOR 12
#define RUN_ERROR 14
#define RUN_ADDR 16
#define RUN_HANDLER 24
#define RUN_RESERVED 40
#define RUN_SIZE 256

	.text
	.balign 64
	.globl emu_text
	.hidden emu_text
emu_text:

/*
 * int emulation_enter(rdi, rsi, rdx, ecx: function, r8, r9, stack: run)
 *
 * rbp is the anchor, as in the kernel's: the enclave gives it back, and run is found from it.
 */
	.globl emulation_enter
	.type emulation_enter, @function
emulation_enter:
	.cfi_startproc
	push %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	mov %rsp, %rbp
	.cfi_def_cfa_register %rbp
	push %rbx
	.cfi_rel_offset %rbx, -8

	mov emu_thread@gottpoff(%rip), %rax
	cmpq $0, %fs:(%rax)
	jne .Lattached
	push %rdi
	push %rsi
	push %rdx
	push %rcx
	push %r8
	push %r9
	mov %rsp, %rbx
	and $-16, %rsp
	call emu_attach
	mov %rbx, %rsp
	pop %r9
	pop %r8
	pop %rcx
	pop %rdx
	pop %rsi
	pop %rdi
.Lattached:
	mov %ecx, %eax

.Lagain:
	cmp $2, %eax
	jb .Linvalid
	cmp $3, %eax
	ja .Linvalid
	mov 16(%rbp), %rcx
	mov $RUN_RESERVED, %ebx
1:	cmpq $0, (%rcx, %rbx)
	jne .Linvalid
	add $8, %ebx
	cmp $RUN_SIZE, %ebx
	jne 1b
	mov RUN_TCS(%rcx), %rbx

/*
 * In place of ENCLU[EENTER] and of ENCLU[ERESUME] at the AEP: rax the leaf, rbx the TCS. Every
 * other register is the enclave's argument. Nothing may be written below rsp: an enclave can have
 * put data there before an AEX.
 */
	.globl emu_exit_point
	.hidden emu_exit_point
emu_exit_point:
	mov emu_thread@gottpoff(%rip), %rcx
	mov %fs:(%rcx), %rcx
	mov %rax, R(EMU_RAX)(%rcx)
	mov %rbx, R(EMU_RBX)(%rcx)
	mov %rdx, R(EMU_RDX)(%rcx)
	mov %rsi, R(EMU_RSI)(%rcx)
	mov %rdi, R(EMU_RDI)(%rcx)
	mov %rbp, R(EMU_RBP)(%rcx)
	mov %rsp, R(EMU_RSP)(%rcx)
	mov %r8, R(EMU_R8)(%rcx)
	mov %r9, R(EMU_R9)(%rcx)
	mov %r10, R(EMU_R10)(%rcx)
	mov %r11, R(EMU_R11)(%rcx)
	mov %r12, R(EMU_R12)(%rcx)
	mov %r13, R(EMU_R13)(%rcx)
	mov %r14, R(EMU_R14)(%rcx)
	mov %r15, R(EMU_R15)(%rcx)
	lea emu_exit_point(%rip), %rax
	mov %rax, R(EMU_RCX)(%rcx)
	mov %rax, R(EMU_RIP)(%rcx)
	mov %rcx, %rbx
	lea EMU_BLOCK_SIZE(%rbx), %rsp
	pushfq
	popq R(EMU_RFLAGS)(%rbx)
	pushq $0x202
	popfq
	mov %rbx, %rdi
	call emu_direct
	test %eax, %eax
	jz .Lload

	mov EMU_RESTORE(%rbx), %rax
	test %rax, %rax
	jz 2f
	mov %rax, %rdx
	shr $32, %rdx
	xrstor64 EMU_XSAVE_OFFSET(%rbx)
2:
/*
 * From here on the thread counts as inside. A signal that comes before the stub's end finds the
 * enclave's whole state in the thread's block.
 */
	.globl emu_window
	.hidden emu_window
emu_window:
	movq $1, EMU_INSIDE(%rbx)
	call .Lload_enclave_bases
	movb $1, EMU_SELECTOR(%rbx)
.Lload:
	push R(EMU_RFLAGS)(%rbx)
	mov R(EMU_RAX)(%rbx), %rax
	mov R(EMU_RCX)(%rbx), %rcx
	mov R(EMU_RDX)(%rbx), %rdx
	mov R(EMU_RSI)(%rbx), %rsi
	mov R(EMU_RDI)(%rbx), %rdi
	mov R(EMU_RBP)(%rbx), %rbp
	mov R(EMU_R8)(%rbx), %r8
	mov R(EMU_R9)(%rbx), %r9
	mov R(EMU_R10)(%rbx), %r10
	mov R(EMU_R11)(%rbx), %r11
	mov R(EMU_R12)(%rbx), %r12
	mov R(EMU_R13)(%rbx), %r13
	mov R(EMU_R14)(%rbx), %r14
	mov R(EMU_R15)(%rbx), %r15
	popfq
	jmp *EMU_STUB(%rbx)

/* Keeps all but rax, rcx, rdx, rdi, rsi, r8-r11. */
.Lload_enclave_bases:
	cmpq $0, emu_globals+8(%rip)
	je 1f
	mov EMU_ENCLAVE_FS(%rbx), %rax
	wrfsbase %rax
	mov EMU_ENCLAVE_GS(%rbx), %rax
	wrgsbase %rax
	ret
1:	mov $ARCH_SET_FS, %edi
	mov EMU_ENCLAVE_FS(%rbx), %rsi
	mov $NR_arch_prctl, %eax
	syscall
	mov $ARCH_SET_GS, %edi
	mov EMU_ENCLAVE_GS(%rbx), %rsi
	mov $NR_arch_prctl, %eax
	syscall
	ret
	.globl emu_window_end
	.hidden emu_window_end
emu_window_end:

/*
 * The last step, copied into every thread's block: with all registers loaded but two, and nothing
 * that may be written on the stack there, the target is found by its distance from the code. (IRET
 * would do, but some emulators of processors get it wrong outside the kernel.)
 */
	.globl emu_stub
	.hidden emu_stub
emu_stub:
	mov R(EMU_RSP)(%rbx), %rsp
	mov R(EMU_RBX)(%rbx), %rbx
	.byte 0xff, 0x25 /* jmp *distance(%rip) */
	.long R(EMU_RIP) - EMU_STUB_OFFSET - (emu_stub_end - emu_stub)
	.globl emu_stub_end
	.hidden emu_stub_end
emu_stub_end:

/* Where an enclave goes that follows the convention: its EEXIT's target is rcx at entry. */
	.globl emu_exited
	.hidden emu_exited
emu_exited:
	mov 16(%rbp), %rbx
	movl $4, RUN_FUNCTION(%rbx)
.Lexited:
	cmpq $0, RUN_HANDLER(%rbx)
	jne .Lhandler
	xor %eax, %eax
.Lout:
	lea -8(%rbp), %rsp
	pop %rbx
	pop %rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_def_cfa %rbp, 16
.Linvalid:
	mov $-EINVAL, %eax
	jmp .Lout

/* An exception, inside or of the instruction: as the kernel's fix-up leaves it. */
	.globl emu_exception
	.hidden emu_exception
emu_exception:
	mov 16(%rbp), %rbx
	mov %eax, RUN_FUNCTION(%rbx)
	mov %di, RUN_VECTOR(%rbx)
	mov %si, RUN_ERROR(%rbx)
	mov %rdx, RUN_ADDR(%rbx)
	jmp .Lexited

/* The handler may look at what the enclave left on the stack: rsp is its fourth argument. */
.Lhandler:
	mov %rsp, %rcx
	mov %rbx, %rax
	mov %rsp, %rbx
	and $-16, %rsp
	push %rax
	push %rax
	cld
	call *RUN_HANDLER(%rax)
	mov %rbx, %rsp
	test %eax, %eax
	jle .Lout
	jmp .Lagain
	.cfi_endproc
	.size emulation_enter, . - emulation_enter

/*
 * void emu_trap(edi: sig, rsi: info, rdx: context): the handler of every signal. The bases of FS
 * and GS may be the enclave's: nothing written in C runs before they are the host's.
 */
	.globl emu_trap
	.hidden emu_trap
	.type emu_trap, @function
emu_trap:
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	/* the kernel leaves the alignment check on */
	pushq $0x202
	popfq
	xor %ebx, %ebx
	mov %rsp, %rax
	sub emu_globals(%rip), %rax
	cmp $(EMU_BLOCK_SIZE * EMU_BLOCK_COUNT), %rax
	jae 3f
	mov %rsp, %rbx
	and $-EMU_BLOCK_SIZE, %rbx
	movb $0, EMU_SELECTOR(%rbx)
	cmpq $0, EMU_INSIDE(%rbx)
	je 3f
	cmpq $0, emu_globals+8(%rip)
	je 1f
	rdfsbase %rax
	mov %rax, EMU_LIVE_FS(%rbx)
	rdgsbase %rax
	mov %rax, EMU_LIVE_GS(%rbx)
	mov EMU_HOST_FS(%rbx), %rax
	wrfsbase %rax
	mov EMU_HOST_GS(%rbx), %rax
	wrgsbase %rax
	jmp 3f
1:	mov %edi, %r12d
	mov %rsi, %r13
	mov %rdx, %r14
	mov $ARCH_GET_FS, %edi
	lea EMU_LIVE_FS(%rbx), %rsi
	mov $NR_arch_prctl, %eax
	syscall
	mov $ARCH_GET_GS, %edi
	lea EMU_LIVE_GS(%rbx), %rsi
	mov $NR_arch_prctl, %eax
	syscall
	mov $ARCH_SET_FS, %edi
	mov EMU_HOST_FS(%rbx), %rsi
	mov $NR_arch_prctl, %eax
	syscall
	mov $ARCH_SET_GS, %edi
	mov EMU_HOST_GS(%rbx), %rsi
	mov $NR_arch_prctl, %eax
	syscall
	mov %r12d, %edi
	mov %r13, %rsi
	mov %r14, %rdx
3:	mov %rbx, %rcx
	call emu_trap_event
	/* the thread if it goes on inside an enclave */
	test %rax, %rax
	jz 4f
	mov %rax, %rbx
	movq $1, EMU_INSIDE(%rbx)
	call .Lload_enclave_bases
	movb $1, EMU_SELECTOR(%rbx)
4:	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	ret
	.size emu_trap, . - emu_trap

	.globl emu_restorer
	.hidden emu_restorer
	.type emu_restorer, @function
emu_restorer:
	mov $NR_rt_sigreturn, %eax
	syscall
	/* the instruction pointer that the kernel compares is the next one */
	nop
	.size emu_restorer, . - emu_restorer

	.globl emu_text_end
	.hidden emu_text_end
emu_text_end:
	nop

	.section .note.GNU-stack, "", @progbits
