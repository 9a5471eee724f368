/* SPDX-License-Identifier: MIT */
/*
 * The system calls that an enclave has its host make: requests in the range ABI_OCALL_PROXY_FIRST of
 * abi/ocall.h. There are no others, and no host's descriptor or path crosses: a request names one
 * of the three standard streams. Data lie at the start of the thread's arena. Results are >= 0 or
 * negative errno values; the enclave takes only those that make sense for what it asked.
 */
#ifndef SCW_ABI_PROXY_H
#define SCW_ABI_PROXY_H

#include <stdint.h>

#include "abi/ocall.h"

enum abi_proxy_number {
	/* a0: stream (0), a1: bytes. Into the arena; bytes read. */
	ABI_PROXY_READ = ABI_OCALL_PROXY_FIRST,
	/* a0: stream (1, 2), a1: bytes in the arena; bytes written. */
	ABI_PROXY_WRITE = ABI_OCALL_PROXY_FIRST + 1,
	/* a0: stream, a1: request of ioctl(2) (abi_terminal_size()), a2: bytes in the arena. 0. */
	ABI_PROXY_TERMINAL = ABI_OCALL_PROXY_FIRST + 2,
	/* a0: count of struct abi_poll in the arena, a1: milliseconds or -1. Ready ones. */
	ABI_PROXY_POLL = ABI_OCALL_PROXY_FIRST + 3,
};

enum {
	ABI_STREAMS = 3,
};

struct abi_poll {
	uint32_t stream;
	uint16_t events; /* POLLIN ... */
	uint16_t revents;
};
_Static_assert(sizeof(struct abi_poll) == 8, "one word");

/* Requests to a terminal (asm-generic/ioctls.h), and which way their data go. */
enum abi_terminal_way {
	ABI_TERMINAL_NO, /* not one that is served */
	ABI_TERMINAL_GET,
	ABI_TERMINAL_SET,
};

enum {
	ABI_TERMINAL_WINDOW = 8, /* bytes of struct winsize */
	ABI_TERMINAL_MODES = 36, /* bytes of the kernel's struct termios */
};

static inline enum abi_terminal_way abi_terminal_request(uint64_t request, uint32_t *size_ret)
{
	switch (request) {
	case 0x5401: /* TCGETS */
		*size_ret = ABI_TERMINAL_MODES;
		return ABI_TERMINAL_GET;
	case 0x5402: /* TCSETS, TCSETSW, TCSETSF */
	case 0x5403:
	case 0x5404:
		*size_ret = ABI_TERMINAL_MODES;
		return ABI_TERMINAL_SET;
	case 0x5413: /* TIOCGWINSZ */
		*size_ret = ABI_TERMINAL_WINDOW;
		return ABI_TERMINAL_GET;
	default:
		return ABI_TERMINAL_NO;
	}
}

#endif
