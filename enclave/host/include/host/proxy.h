/* SPDX-License-Identifier: MIT */
/* The outside of the system calls that an enclave has made for it: a hook for host_run(). */
#ifndef SCW_HOST_PROXY_H
#define SCW_HOST_PROXY_H

#include <stddef.h>
#include <stdint.h>

#include "abi/proxy.h"

/* Numbers ABI_OCALL_PROXY_FIRST to ABI_OCALL_PROXY_LAST; `opaque` isn't used. */
int64_t host_proxy_serve(void *opaque, uint64_t number, const uint64_t args[6], void *arena,
			 size_t arena_size);

#endif
