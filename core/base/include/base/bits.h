/* SPDX-License-Identifier: MIT */
/* Sets of up to 64 things as bits of a word. */
#ifndef SCW_BASE_BITS_H
#define SCW_BASE_BITS_H

#include <stdint.h>

/* How many are in it: without the instruction for that, which not every processor has, or a call. */
static inline unsigned int base_count_bits(uint64_t set)
{
	set -= set >> 1 & 0x5555555555555555;
	set = (set & 0x3333333333333333) + (set >> 2 & 0x3333333333333333);
	set = (set + (set >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (unsigned int)(set * 0x0101010101010101 >> 56);
}

/* The lowest run of neighbours in it, which isn't empty: the first one of them, *count_ret: how many. */
static inline unsigned int base_first_run(uint64_t set, unsigned int *count_ret)
{
	unsigned int first = (unsigned int)__builtin_ctzll(set);
	uint64_t rest = ~(set >> first);

	/* the shift has brought zeros in from above, unless it was none */
	*count_ret = rest ? (unsigned int)__builtin_ctzll(rest) : 64;
	return first;
}

/* `count` neighbours from `first` on; at least one, and none beyond 63. */
static inline uint64_t base_run(unsigned int first, unsigned int count)
{
	return UINT64_MAX >> (64 - count) << first;
}

#endif
