/* SPDX-License-Identifier: MIT */
/*
 * The client's half of a session with the memory device: opening, handshake, evidence, acceptance,
 * over whatever carries frames (a socket, files). What comes out is a sealer, an opener and what
 * the device said of the guest; carriers of requests take it from there.
 */
#ifndef SCW_SEALED_SESSION_H
#define SCW_SEALED_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "channel/accept.h"
#include "channel/channel.h"
#include "channel/evidence.h"
#include "channel/frame.h"
#include "sealed/pages.h"

/*
 * Carries frames; untrusted. To add one: embed this in your own struct. A frame's payload has at
 * most CHANNEL_FRAME_PAYLOAD_MAX bytes.
 */
struct sealed_transport {
	/* Required. ERR_GONE (nobody there), ERR_IO. */
	enum err (*send)(struct sealed_transport *t, enum channel_frame_kind kind,
			 const void *bytes, size_t size, struct err_ctx *err);
	/*
	 * Required. Wait for the next frame and copy its payload to `buf`, private memory of
	 * CHANNEL_FRAME_PAYLOAD_MAX bytes. ERR_GONE (the peer hung up), ERR_IO, ERR_CORRUPT.
	 */
	enum err (*receive)(struct sealed_transport *t, enum channel_frame_kind *kind_ret,
			    void *buf, size_t *size_ret, struct err_ctx *err);
	/* Frames may be sent before those were answered that went before: half of the ways less. */
	bool queues;
};

/*
 * Who we are. To add a kind: embed this, and write the plaintext of evidence (channel/evidence.h)
 * for a session with this transcript.
 */
struct sealed_identity {
	enum err (*evidence)(struct sealed_identity *i, const uint8_t transcript[CHANNEL_HASH_SIZE],
			     void *buf, size_t room, size_t *size_ret, struct err_ctx *err);
	/* Optional. The hello is on its way: time for what evidence() will need. */
	void (*prepare)(struct sealed_identity *i);
};

/* A development key as an identity; `key` is borrowed. */
struct sealed_development {
	struct sealed_identity identity;
	const struct channel_signing_key *key;
};
void sealed_development_init(struct sealed_development *d, const struct channel_signing_key *key);

struct sealed_session_options {
	const char *vm;
	const uint8_t *device; /* the public key that is pinned: CHANNEL_KEY_SIZE bytes */
	struct sealed_identity *identity;
	const struct channel_random *random;
	enum channel_order order; /* of the device's records */
	bool greeted;		  /* by sealed_session_greet() */
};

struct sealed_session {
	struct base_alloc *alloc;
	struct channel_sealer *sealer;
	struct channel_opener *opener;
	struct channel_accept accept;
	uint64_t id;
};

/*
 * Over a transport that queues: say beforehand which VM it will be, so that the device can make ready
 * while we do something else. What it answers is for sealed_session_open() to see.
 */
enum err sealed_session_greet(struct sealed_transport *t, const char *vm,
			      struct err_ctx *err) ERR_NODISCARD;

/*
 * Open a session. What the device says once it is known to be the device: the code and text of its
 * refusal. Before: the same, but from the host ("the device's host says: ..."). ERR_TAMPERED when
 * somebody else answered, or something was altered or came out of turn; ERR_GONE when the device hung
 * up; and the transport's errors. Everything in `o` is used during the call only.
 */
enum err sealed_session_open(struct base_alloc *alloc, struct sealed_transport *t,
			     const struct sealed_session_options *o, struct sealed_session **ret,
			     struct err_ctx *err) ERR_NODISCARD;

/*
 * The same in steps, for who has something else to do meanwhile, or to send. Errors as above.
 *
 * First: say hello. All that `o` points to is used until the opening ends.
 */
struct sealed_opening;
enum err sealed_opening_begin(struct base_alloc *alloc, struct sealed_transport *t,
			      const struct sealed_session_options *o, struct sealed_opening **ret,
			      struct err_ctx *err) ERR_NODISCARD;
/*
 * Then: wait for the answer, and show the evidence. Ends the opening, whatever happens. From here on it is known that
 * the device is at the other end, and what is sealed only it can read; but .accept isn't known.
 */
enum err sealed_opening_prove(struct sealed_opening *o, struct sealed_session **ret,
			      struct err_ctx *err) ERR_NODISCARD;
/* An opening that isn't wanted any more. NULL is fine. */
void sealed_opening_destroy(struct sealed_opening *o);
/* Last: wait until the device has let us in. */
enum err sealed_session_accepted(struct sealed_session *s, struct sealed_transport *t,
				 struct err_ctx *err) ERR_NODISCARD;

/*
 * t->send() of what is sent before something else was answered. Where frames queue, a device that says no may have hung
 * up before they are sent, a full one even before the first: what it said can still be read, and says why. So
 * that it has gone is no error yet.
 */
enum err sealed_send_on(struct sealed_transport *t, enum channel_frame_kind kind, const void *bytes,
			size_t size, struct err_ctx *err) ERR_NODISCARD;

/*
 * All of a session whose records come in order, and which wasn't accepted yet, for another process of ours that goes on
 * with it in place of this one: plain bytes, with keys, so wipe them. After leaving, only closing is allowed here.
 */
struct sealed_session_state {
	struct channel_position to_device, to_client;
	uint64_t id;
};
void sealed_session_leave(const struct sealed_session *s, struct sealed_session_state *ret);
enum err sealed_session_resume(struct base_alloc *alloc, const struct sealed_session_state *state,
			       struct sealed_session **ret, struct err_ctx *err) ERR_NODISCARD;

/* Wipes the keys; says nothing to the device: hanging up does. NULL is fine. */
void sealed_session_close(struct sealed_session *s);

/* For carriers: seal one request's plaintext into `record` (size + CHANNEL_OVERHEAD of room). */
enum err sealed_session_seal(struct sealed_session *s, const void *request, size_t size,
			     void *record, size_t room, size_t *size_ret,
			     struct err_ctx *err) ERR_NODISCARD;

/*
 * For carriers: open one record of an answer, in place in private memory. It must be of `type`
 * (CHANNEL_PAGES, CHANNEL_BYTES), bound to `bound` (NULL: zeros). A CHANNEL_REFUSE instead gives the
 * device's own code and text (ERR_GONE: the guest was restarted, or has ended), whatever the bound.
 */
enum err sealed_session_open_record(struct sealed_session *s, void *record, size_t size,
				    uint16_t type, const struct channel_bound *bound,
				    const void **plain_ret, size_t *plain_size_ret,
				    struct err_ctx *err) ERR_NODISCARD;

/*
 * The simplest carrier: requests and answers as frames over the session's own transport. `s`, `t`
 * are borrowed; `now` as in struct sealed_carrier.
 */
struct sealed_frames;
enum err sealed_frames_create(struct sealed_session *s, struct sealed_transport *t,
			      uint64_t (*now)(void), struct sealed_frames **ret,
			      struct err_ctx *err) ERR_NODISCARD;
void sealed_frames_destroy(struct sealed_frames *f);
struct sealed_carrier *sealed_frames_carrier(struct sealed_frames *f);

#endif
