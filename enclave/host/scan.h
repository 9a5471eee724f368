/* SPDX-License-Identifier: MIT */
/* Looking for instructions that an enclave can't run. */
#ifndef SCW_HOST_SCAN_H
#define SCW_HOST_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Where decoding starts afresh: a function. */
struct scan_start {
	uint64_t addr;
	const char *name; /* NUL-terminated */
};

/*
 * Decodes `size` bytes of code that lie at `addr`, one after the other, afresh at each of `starts`
 * (ascending). ERR_UNSUPPORTED, with the first place and the number of all, when there is an
 * instruction that raises #UD or exits in every enclave (SDM volume 3D, "Illegal Instructions"),
 * or, as RDTSC, in those of SGX1. Finds what a compiler makes, not what an adversary hides.
 */
enum err scan_code(const uint8_t *code, size_t size, uint64_t addr, const struct scan_start *starts,
		   size_t start_count, struct err_ctx *err) ERR_NODISCARD;

#endif
