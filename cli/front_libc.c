// SPDX-License-Identifier: MIT
/* What Debian's libsodium, compiled for glibc, wants of the C library and musl doesn't have. */
#include <stddef.h>
#include <string.h>

void __explicit_bzero_chk(void *to, size_t size, size_t room);

void __explicit_bzero_chk(void *to, size_t size, size_t room)
{
	if (size > room)
		__builtin_trap();
	explicit_bzero(to, size);
}
