/* SPDX-License-Identifier: MIT */
/* The system-call layer's runtime and host, made up: for its tests and its fuzz target. */
#ifndef SCW_TRUSTED_TESTS_FAKE_RUNTIME_H
#define SCW_TRUSTED_TESTS_FAKE_RUNTIME_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include "trusted/ocall.h"
#include "trusted/runtime.h"

struct fake {
	/* the host's side; NULL: -ENOSYS */
	int64_t (*serve)(unsigned int number, const uint64_t args[6]);
	_Alignas(8) uint8_t arena[ABI_ARENA_SIZE + 64]; /* the end has a mark that must stay */
	const void *config;
	size_t config_size;
	struct trusted_info info;
	unsigned int ocalls;
	unsigned int safe_points;
	int raised, thread_signalled;
	uint64_t slept_ns;
	bool interrupted;
	bool in_child;
	uint64_t fs;
	/* how a program ends that looked at a guest; NULL: as it wants */
	int (*end)(int code, bool locked);
	/* another program of the image: what it does */
	void (*program)(char *const *argv);
	/* where vfork() returns in the parent, and with what */
	jmp_buf parent;
	uint64_t *resumed;
	long result;
	/* not the program's: [bad, bad + bad_size) */
	const void *bad;
	size_t bad_size;
};
extern struct fake fake;

void fake_reset(void);
/* Has nobody written past the arena? */
bool fake_arena_is_whole(void);

#endif
