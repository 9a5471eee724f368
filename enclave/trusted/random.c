// SPDX-License-Identifier: MIT
/*
 * Randomness: the processor's alone. RDRAND may be out of numbers for a moment (Intel's guide:
 * ten tries), and processors are known where it fails by giving all ones for ever. Without
 * randomness there are no keys: the enclave stops.
 */
#include <errno.h>
#include <string.h>

#include "thread.h"

#define TRIES	    10
#define FLAGS_KNOWN 7u /* GRND_NONBLOCK, GRND_RANDOM, GRND_INSECURE: all the same here */

static uint64_t draw(void)
{
	uint64_t value;

	for (int i = 0; i < TRIES; i++) {
		/* a good one is all ones or zeros once in 2^63 times */
		if (trusted_rdrand(&value) && value != 0 && value != UINT64_MAX)
			return value;
		trusted_pause();
	}
	trusted_abort("RDRAND gives no numbers");
}

void trusted_random(void *ret, size_t size)
{
	uint8_t *to = ret;

	while (size) {
		uint64_t value = draw();
		size_t n = size < sizeof(value) ? size : sizeof(value);

		memcpy(to, &value, n);
		to += n;
		size -= n;
	}
}

long trusted_getrandom(void *ret, size_t size, unsigned int flags)
{
	if (flags & ~FLAGS_KNOWN)
		return -EINVAL;
	/* as Linux: at most this much at once */
	if (size > INT32_MAX)
		size = INT32_MAX & ~(size_t)(ABI_PAGE - 1);
	if (!trusted_writable(ret, size))
		return -EFAULT;
	trusted_random(ret, size);
	return (long)size;
}
