/* SPDX-License-Identifier: MIT */
/*
 * Calls that the host makes for the program: what goes out is copied, what comes back is measured
 * against what was asked, and becomes -EIO when it makes no sense. Stream: 0, 1, 2. All may sleep:
 * nothing may be locked. -EPERM: the configuration doesn't permit it.
 */
#ifndef SCW_TRUSTED_PROXY_H
#define SCW_TRUSTED_PROXY_H

#include <stddef.h>
#include <stdint.h>

#include "abi/proxy.h"

/* At most what the arena holds at once. */
long trusted_proxy_read(unsigned int stream, void *buf, size_t size);
long trusted_proxy_write(unsigned int stream, const void *data, size_t size);

/* ioctl(): -ENOTTY for a request that isn't served. */
long trusted_proxy_terminal(unsigned int stream, uint64_t request, void *data);

/*
 * Waits for the host's streams. `revents` of each are set, of kinds that were asked for (and error, hang-up).
 * Milliseconds, -1: for ever. The count of those with any.
 */
long trusted_proxy_poll(struct abi_poll *polls, size_t count, long timeout);

#endif
