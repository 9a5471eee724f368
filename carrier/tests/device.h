/* SPDX-License-Identifier: MIT */
/*
 * For tests and measurements: a memory device over a synthetic guest in a process of its own, and
 * what a client needs to open a session with it. The guest's kernel maps DEVICE_PAGES pages from
 * DEVICE_VA on, whose content anybody can compute. Mistakes here abort.
 */
#ifndef SCW_CARRIER_TESTS_DEVICE_H
#define SCW_CARRIER_TESTS_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "carrier/carrier.h"
#include "guest/pages.h"
#include "memdev/session.h"

enum {
	DEVICE_PAGES = 2048,
	DEVICE_GENERATION = 5,
	DEVICE_STRINGS = 20,
	DEVICE_STRING_SIZE = 24,
	/* a list: page DEVICE_CHAIN + i starts with the next one's address, and one in DEVICE_LEADS_TO + 3 * i */
	DEVICE_CHAIN = 1900,
	DEVICE_CHAIN_NODES = 16,
	DEVICE_LEADS_TO = 1700,
	DEVICE_TABLE = 1899, /* begins with the addresses of every fourth node */
};
#define DEVICE_VA 0xffff888000000000ull
#define DEVICE_VM "web-1"

/* What page number `page` of the guest holds. */
void device_fill_page(unsigned int page, uint8_t bytes[GUEST_PAGE_SIZE]);

/* Twenty strings that nothing but the guest's memory holds: page i * 7 starts with the i-th. */
const char *device_string(unsigned int i);

/* The guest's pages in this process, without any device. */
struct device_guest;
struct device_guest *device_guest_create(struct base_alloc *alloc, struct guest_pages **pages_ret);
void device_guest_destroy(struct device_guest *g);

/* The options of a session with such a guest; `pages` are borrowed. */
struct memdev_session_options device_session_options(struct guest_pages *pages);

/*
 * What a device does at its end of `socket`, until the session ends: that it ended is never ERR_OK. `pages` are
 * the guest's. In a process of its own, or in a thread that has pages and `alloc` for itself.
 */
enum err device_serve(int socket, bool spin, struct guest_pages *pages, struct base_alloc *alloc,
		      struct err_ctx *err);

/* A device process and the client's end of its socket (the caller's to close). */
struct device {
	pid_t pid;
	int socket;
};

/* Make the guest that the devices started later share: costs some time, once. */
void device_prepare(void);

/* Start one. With `spin` it looks for a while before it sleeps, as a real one. */
struct device device_start(bool spin);

/* A process that listens at `path` and serves each who connects in a process of its own. */
pid_t device_listen(const char *path);

/* How it ended. */
struct device_end {
	bool ended;	  /* by itself, in time; else it was killed */
	enum err err;	  /* what ended the session; ERR_OK if it was a signal */
	int signal;	  /* that ended it, or 0 */
	uint64_t waited_ns;
	double cpu_us;
};

/* Wait for at most ten seconds until it ends by itself. */
struct device_end device_wait(struct device *d);

/* What a client of it has to say; `kind` and the rest are the caller's to change. */
struct carrier_options device_client_options(enum carrier_kind kind);

/* A client's pages over `c`, with a cache of DEVICE_PAGES, read one by one. */
struct guest_pages *device_client_pages(struct base_alloc *alloc, struct carrier *c);
/* The same over any carrier of a session with a guest of this generation. */
struct guest_pages *device_client_pages_over(struct base_alloc *alloc, struct sealed_carrier *c,
					     uint64_t generation);

/* Read `count` pages from `first` on, asked for at once: ERR_OK only if all hold what they must. */
enum err device_client_read(struct guest_pages *pages, unsigned int first, unsigned int count,
			    struct err_ctx *err);

#endif
