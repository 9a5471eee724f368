/* SPDX-License-Identifier: MIT */
/*
 * The memory device's engine: a request in, the pages that it names out. It translates by the
 * guest's own page tables and follows lists through guest memory on the client's behalf, so both
 * the request (an untrusted client's) and the memory (an untrusted guest's) are hostile: every walk
 * has a bound, and one request brings at most CHANNEL_REQUEST_PAGES pages.
 */
#ifndef SCW_MEMDEV_ENGINE_H
#define SCW_MEMDEV_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "channel/message.h"
#include "channel/read.h"
#include "guest/pages.h"

struct memdev_engine;

struct memdev_engine_stats {
	uint64_t requests;
	uint64_t pages; /* sent */
	uint64_t nodes; /* of lists followed */
};

/*
 * An engine over `pages` (borrowed). One a session: it holds the buffer in which answers are made.
 * Not thread-safe.
 */
enum err memdev_engine_create(struct base_alloc *alloc, struct guest_pages *pages,
			      struct memdev_engine **ret, struct err_ctx *err) ERR_NODISCARD;
void memdev_engine_destroy(struct memdev_engine *e);

/*
 * Takes one record's plaintext of an answer, to seal and send; its error ends the request. The bytes
 * are the engine's, for the time of the call.
 */
struct memdev_sink {
	enum err (*record)(struct memdev_sink *s, const void *plain, size_t size,
			   struct err_ctx *err);
};

/*
 * Answer one request of `size` bytes in one or more records. Each page is sent once, as it was when
 * first looked at; a link may be newer than the copy of the page that it lies in (the guest runs
 * on), and the client then asks for what it misses. `generation` is passed on in each record.
 * ERR_CORRUPT for a malformed request (nothing was sent), ERR_GONE when the VM ended, or the sink's.
 */
enum err memdev_engine_answer(struct memdev_engine *e, const void *request, size_t size,
			      uint64_t generation, struct memdev_sink *sink,
			      struct err_ctx *err) ERR_NODISCARD;

/*
 * Answer one read by address (the pread carrier's), which channel_read_decode() let pass: the
 * plaintext of the one record to seal, bound to `r`, is the engine's until its next call. Pages that
 * aren't there are said to be so; ERR_GONE when the VM ended.
 */
enum err memdev_engine_read(struct memdev_engine *e, const struct channel_bound *r,
			    uint64_t generation, const void **plain_ret, size_t *size_ret,
			    struct err_ctx *err) ERR_NODISCARD;

struct memdev_engine_stats memdev_engine_stats(const struct memdev_engine *e);

#endif
