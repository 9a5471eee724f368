/* SPDX-License-Identifier: MIT */
/*
 * The memory device and its client in one process, with every record really sealed and opened in
 * between: for tests and measurements of what the client asks for, without a daemon.
 */
#ifndef SCW_TESTS_LOOPBACK_H
#define SCW_TESTS_LOOPBACK_H

#include "base/alloc.h"
#include "guest/pages.h"
#include "sealed/pages.h"

struct loopback;

/* Pages of `device` (borrowed: what the device would read) by way of sealed records. */
struct loopback *loopback_create(struct base_alloc *alloc, struct guest_pages *device,
				 const struct sealed_options *options);
void loopback_destroy(struct loopback *l);
struct guest_pages *loopback_pages(struct loopback *l);

/* Write to stderr each page that the client had to ask for by itself, and each request. */
void loopback_trace(struct loopback *l);

#endif
