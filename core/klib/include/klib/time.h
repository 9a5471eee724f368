/* SPDX-License-Identifier: MIT */
/* Time as /proc shows it (kernel/time/time.c). */
#ifndef SCW_KLIB_TIME_H
#define SCW_KLIB_TIME_H

#include <stdint.h>

enum {
	KLIB_USER_HZ = 100,
};

static inline uint64_t nsec_to_clock_t(uint64_t ns)
{
	return ns / (1000000000u / KLIB_USER_HZ);
}

#endif
