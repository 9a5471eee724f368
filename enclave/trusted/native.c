// SPDX-License-Identifier: MIT
/*
 * The runtime as an ordinary program, for unit tests, sanitizers and fuzzing: what stands in for
 * the processor, with the host's side a function of the test's. One thread unless the test makes
 * more.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "native.h"
#include "trusted/program.h"

struct native_enclave native;
static __thread size_t self_index;

struct trusted_thread *trusted_thread_at(size_t index)
{
	return (struct trusted_thread *)(native.pages[index] + ABI_THREAD_OWN);
}

struct trusted_thread *trusted_self(void)
{
	return trusted_thread_at(self_index);
}

const struct abi_thread *trusted_page(void)
{
	return (const struct abi_thread *)native.pages[self_index];
}

/* Another program of an image is only in an image. */
size_t trusted_program_count(void)
{
	return 0;
}

const char *trusted_program_path(size_t i)
{
	(void)i;
	return NULL;
}

long trusted_program_start(size_t i, uint64_t stack_top, size_t room, char *const *argv,
			   char *const *envp)
{
	(void)i;
	(void)stack_top;
	(void)room;
	(void)argv;
	(void)envp;
	return -ENOEXEC;
}

bool trusted_program_data(size_t program, size_t nth, uint64_t *at_ret, uint64_t *end_ret)
{
	(void)program;
	(void)nth;
	(void)at_ret;
	(void)end_ret;
	return false;
}

uint64_t trusted_base(void)
{
	return native.base;
}

void trusted_leave(void)
{
	native.serve(trusted_self()->ocall);
}

_Noreturn void trusted_leave_for_good(uint64_t state)
{
	trusted_self()->state = state;
	native.left();
	abort();
}

_Noreturn void trusted_jump(void (*fn)(void *), void *arg, uint64_t stack_top)
{
	(void)stack_top;
	fn(arg);
	abort();
}

_Noreturn void trusted_resume(uint64_t *frame, long result)
{
	(void)frame;
	(void)result;
	native.left();
	abort();
}

void trusted_write_fs(uint64_t base)
{
	(void)base;
}

bool trusted_rdrand(uint64_t *ret)
{
	return native.rdrand ? native.rdrand(ret)
			     : (*ret = (uint64_t)random() << 32 | (uint64_t)random(), true);
}

void native_become(size_t index)
{
	self_index = index;
}
