/* SPDX-License-Identifier: MIT */
/*
 * The device's half of a session: frames and records in, frames and records out, no input or output
 * of its own. The client is hostile until its evidence was judged, and its requests after that: what
 * comes out of turn ends the session.
 */
#ifndef SCW_MEMDEV_SESSION_H
#define SCW_MEMDEV_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "channel/accept.h"
#include "channel/channel.h"
#include "channel/evidence.h"
#include "channel/frame.h"
#include "memdev/engine.h"

enum {
	MEMDEV_WHO_SIZE = 80, /* a name of who was let in, for logs, with the NUL */
};

/* Decides whom to serve. Embed this in your own struct. */
struct memdev_judge {
	/*
	 * May the one who shows `e` in the session with this transcript read `vm`? ERR_OK, and in
	 * `who` its name; else ERR_PERM, ERR_TAMPERED, ERR_UNSUPPORTED with a text that it is told.
	 */
	enum err (*judge)(struct memdev_judge *j, const struct channel_evidence *e,
			  const uint8_t transcript[CHANNEL_HASH_SIZE], const char *vm,
			  char who[MEMDEV_WHO_SIZE], struct err_ctx *err);
};

/* The guest, which nobody looks into before somebody may. Embed this in your own struct. */
struct memdev_guest {
	/*
	 * Find it: its pages (borrowed for the session), and all of the acceptance but its limits.
	 * An error is told to the client.
	 */
	enum err (*find)(struct memdev_guest *g, struct guest_pages **pages_ret,
			 struct channel_accept *accept_ret, struct err_ctx *err);
};

struct memdev_session_options {
	const struct channel_key_pair *key; /* copied, wiped after the handshake */
	const struct channel_random *random;
	const char *vm;			    /* as in OPEN */
	struct memdev_judge *judge;	    /* borrowed */
	struct memdev_guest *guest;	    /* borrowed */
};

/* Takes what is for the client; the bytes are the session's, for the time of the call. */
struct memdev_out {
	/* At most CHANNEL_FRAME_PAYLOAD_MAX bytes. */
	enum err (*frame)(struct memdev_out *o, enum channel_frame_kind kind, const void *bytes,
			  size_t size, struct err_ctx *err);
};

/* Takes sealed records (of at most CHANNEL_RECORD_MAX bytes), when they don't go as frames. */
struct memdev_records {
	enum err (*record)(struct memdev_records *r, const void *record, size_t size,
			   struct err_ctx *err);
};

struct memdev_session;

/*
 * A session whose VM was opened: it waits for the hello. Its OPENED is the caller's to send. The key that is only this
 * session's is made here, as there may be time for it before a client comes.
 */
enum err memdev_session_create(struct base_alloc *alloc, const struct memdev_session_options *o,
			       struct memdev_session **ret, struct err_ctx *err) ERR_NODISCARD;
/* Have the pages there that a usual session writes, where there is time for it before a client comes. */
void memdev_session_populate(struct memdev_session *s);
/* Wipes what is secret. NULL is fine. */
void memdev_session_destroy(struct memdev_session *s);

/*
 * Take one frame (HELLO; RECORD with evidence or a request; READ). An error ends the session: where
 * the client has keys it was told why by a sealed CHANNEL_REFUSE, before by FAILED, and
 * every further call is ERR_INVAL. RING is the caller's matter: ERR_INVAL here.
 */
enum err memdev_session_frame(struct memdev_session *s, enum channel_frame_kind kind,
			      const void *bytes, size_t size, struct memdev_out *out,
			      struct err_ctx *err) ERR_NODISCARD;

/*
 * As a RECORD frame with a request, for carriers of whole records such as the ring. `record` is in
 * private memory and is overwritten.
 */
enum err memdev_session_record(struct memdev_session *s, void *record, size_t size,
			       struct memdev_records *out, struct err_ctx *err) ERR_NODISCARD;

/*
 * End a session that stands for a reason of ours, and tell the client: `err` is what it is told. Where
 * records don't go as frames, `records` takes them, else `out`. Nothing happens when it is over or the client has no keys yet.
 */
void memdev_session_end(struct memdev_session *s, struct memdev_records *records,
			struct memdev_out *out, const struct err_ctx *err);

/* True between acceptance and end: requests are answered, a ring may be set up. */
bool memdev_session_serves(const struct memdev_session *s);
/* Who was let in; "" before. */
const char *memdev_session_who(const struct memdev_session *s);
uint64_t memdev_session_id(const struct memdev_session *s);

struct memdev_session_stats {
	struct memdev_engine_stats engine;
	uint64_t bytes_in, bytes_out; /* of sealed records */
};
struct memdev_session_stats memdev_session_stats(const struct memdev_session *s);

#endif
