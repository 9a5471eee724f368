/* SPDX-License-Identifier: MIT */
/*
 * Memory laid out as an enclave's for native.c: a program of one page of code and one of data, SSA
 * frame, stacks, heap. For unit tests and fuzzing.
 */
#ifndef SCW_TESTS_NATIVE_ENCLAVE_H
#define SCW_TESTS_NATIVE_ENCLAVE_H

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"

#define LAYOUT_SIZE	 (1ull << 20)
#define LAYOUT_CODE	 0x1000u
#define LAYOUT_DATA	 0x2000u
#define LAYOUT_THREAD	 0x10000u
#define LAYOUT_STRIDE	 0x8000u
#define LAYOUT_SSA	 0x1000u /* from a thread's page on, as the next ones */
#define LAYOUT_EXCEPTION 0x3000u
#define LAYOUT_STACK	 0x7000u
#define LAYOUT_HEAP	 0x40000u
#define LAYOUT_HEAP_SIZE (64u * ABI_PAGE)

static struct abi_ocall layout_calls[NATIVE_THREADS];
static _Alignas(4096) uint8_t layout_arenas[NATIVE_THREADS][ABI_ARENA_SIZE];
static uint64_t layout_signals;

/* From the start, as often as wished; the memory stays for ever. */
static inline uint8_t *layout_enclave(void)
{
	static uint8_t *base;
	Elf64_Ehdr *ehdr;
	Elf64_Phdr *ph;

	if (!base)
		base = aligned_alloc(LAYOUT_SIZE, LAYOUT_SIZE);
	if (!base)
		abort();
	memset(base, 0, LAYOUT_HEAP);
	memset(base + LAYOUT_HEAP, 0xd5, LAYOUT_SIZE - LAYOUT_HEAP);
	ehdr = (Elf64_Ehdr *)base;
	ehdr->e_phoff = sizeof(*ehdr);
	ehdr->e_phnum = 3;
	ehdr->e_phentsize = sizeof(*ph);
	ph = (Elf64_Phdr *)(ehdr + 1);
	ph[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R, .p_memsz = ABI_PAGE};
	ph[1] = (Elf64_Phdr){
	    .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = LAYOUT_CODE, .p_memsz = ABI_PAGE};
	ph[2] = (Elf64_Phdr){
	    .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = LAYOUT_DATA, .p_memsz = ABI_PAGE};
	memset(native.pages, 0, sizeof(native.pages));
	native.base = (uint64_t)base;
	for (size_t i = 0; i < NATIVE_THREADS; i++) {
		struct abi_thread *page = (struct abi_thread *)native.pages[i];
		uint64_t at = LAYOUT_THREAD + i * LAYOUT_STRIDE;

		*page = (struct abi_thread){
		    .index = i,
		    .self = at,
		    .ssa = at + LAYOUT_SSA,
		    .ssa_frame_size = ABI_PAGE,
		    .ssa_count = 2,
		    .exception_top = at + LAYOUT_EXCEPTION + ABI_PAGE,
		    .exception_size = ABI_PAGE,
		    .stack_top = at + LAYOUT_STACK,
		    .stack_size = 2 * ABI_PAGE,
		    .thread_count = NATIVE_THREADS,
		    .thread_stride = LAYOUT_STRIDE,
		    .heap = LAYOUT_HEAP,
		    .heap_size = LAYOUT_HEAP_SIZE,
		    .size = LAYOUT_SIZE,
		};
		trusted_thread_at(i)->ocall = &layout_calls[i];
		trusted_thread_at(i)->arena = layout_arenas[i];
		trusted_thread_at(i)->arena_size = ABI_ARENA_SIZE;
	}
	native_become(0);
	memory_init((uint64_t)base + LAYOUT_HEAP, LAYOUT_HEAP_SIZE);
	thread_init();
	layout_signals = 0;
	signal_init(&layout_signals);
	return base;
}

#endif
