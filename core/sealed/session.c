// SPDX-License-Identifier: MIT
/*
 * The client's half of a session. Everything that comes from the transport is the host's: it is in
 * private memory, of a checked size, and means nothing until it has proved to be the device's.
 */
#include "sealed/session.h"

#include <stdbool.h>
#include <string.h>

#include "base/cursor.h"
#include "channel/message.h"

enum {
	SESSION_ID_SIZE = 8,
};

/* A session being opened. */
struct sealed_opening {
	struct base_alloc *alloc;
	struct sealed_session_options o;
	struct sealed_transport *t;
	struct sealed_session *s;
	struct channel_handshake handshake;
	struct channel_session keys;
	/* not cleared */
	uint8_t frame[CHANNEL_FRAME_PAYLOAD_MAX];
	uint8_t plain[CHANNEL_EVIDENCE_MAX];
};

/* ---- development identity ---- */

static enum err development_evidence(struct sealed_identity *i,
				     const uint8_t transcript[CHANNEL_HASH_SIZE], void *buf,
				     size_t room, size_t *size_ret, struct err_ctx *err)
{
	struct sealed_development *d = (struct sealed_development *)i;
	uint8_t proof[CHANNEL_SIGNATURE_SIZE];
	struct channel_evidence evidence = {
		.type = CHANNEL_EVIDENCE_DEVELOPMENT,
		.identity = d->key->public,
		.identity_size = sizeof(d->key->public),
		.proof = proof,
		.proof_size = sizeof(proof),
	};
	enum err e = channel_development_prove(d->key, transcript, proof, err);

	return e ? e : channel_evidence_encode(&evidence, buf, room, size_ret, err);
}

void sealed_development_init(struct sealed_development *d, const struct channel_signing_key *key)
{
	*d = (struct sealed_development){{.evidence = development_evidence}, key};
}

/* ---- opening ---- */

/* The host may say anything; it is marked as such. */
static enum err failed_by_host(const void *bytes, size_t size, struct err_ctx *err)
{
	struct channel_refusal r;
	enum err e = channel_refusal_decode(bytes, size, &r, err);

	return e ? e : err_set(err, r.code, "the device's host says: %.190s", r.text);
}

/* The next frame, which must be of `kind`; its payload is in `frame`, of CHANNEL_FRAME_PAYLOAD_MAX bytes. */
static enum err expect(struct sealed_transport *t, enum channel_frame_kind kind, uint8_t *frame,
		       size_t *size_ret, struct err_ctx *err)
{
	enum channel_frame_kind got;
	enum err e = t->receive(t, &got, frame, size_ret, err);

	if (e)
		return e;
	if (*size_ret > CHANNEL_FRAME_PAYLOAD_MAX)
		return err_set(err, ERR_TAMPERED, "a frame of %zu bytes", *size_ret);
	if (got == CHANNEL_FRAME_FAILED)
		return failed_by_host(frame, *size_ret, err);
	if (got != kind)
		return err_set(err, ERR_TAMPERED, "a frame of kind %d came instead of %d", (int)got,
			       (int)kind);
	return ERR_OK;
}

static enum err vm_opened(struct sealed_opening *o, struct err_ctx *err)
{
	size_t size;
	enum err e = expect(o->t, CHANNEL_FRAME_OPENED, o->frame, &size, err);

	return e || !size ? e : err_set(err, ERR_TAMPERED, "an opened VM with %zu bytes", size);
}

enum err sealed_send_on(struct sealed_transport *t, enum channel_frame_kind kind, const void *bytes,
			size_t size, struct err_ctx *err)
{
	struct err_ctx why = {0};
	enum err e = t->send(t, kind, bytes, size, &why);

	if (e == ERR_GONE && t->queues)
		return ERR_OK;
	if (e && err)
		*err = why;
	return e;
}

static enum err say_hello(struct sealed_opening *o, const uint8_t *preamble, size_t preamble_size,
			  struct err_ctx *err)
{
	uint8_t hello[CHANNEL_HELLO_MAX];
	size_t size;
	enum err e = ERR_OK;

	if (!o->o.greeted)
		e = sealed_send_on(o->t, CHANNEL_FRAME_OPEN, preamble, preamble_size, err);
	if (!e && !o->t->queues)
		e = vm_opened(o, err);
	if (!e)
		e = channel_hello_write(&o->handshake, o->o.random, o->o.device, preamble,
					preamble_size, hello, sizeof(hello), &size, err);
	if (!e)
		e = sealed_send_on(o->t, CHANNEL_FRAME_HELLO, hello, size, err);
	if (!e && o->o.identity->prepare)
		o->o.identity->prepare(o->o.identity);
	return e;
}

static enum err take_answer(struct sealed_opening *o, struct err_ctx *err)
{
	uint8_t payload[CHANNEL_HELLO_PAYLOAD_MAX];
	struct base_cursor c;
	size_t size, payload_size;
	enum err e = o->t->queues ? vm_opened(o, err) : ERR_OK;

	if (!e)
		e = expect(o->t, CHANNEL_FRAME_ANSWER, o->frame, &size, err);
	if (!e)
		e = channel_answer_read(&o->handshake, o->frame, size, payload, &payload_size,
					&o->keys, err);
	if (e)
		return e;
	c = base_cursor_over(payload, payload_size);
	o->s->id = base_cursor_u64(&c);
	if (payload_size != SESSION_ID_SIZE)
		return err_set(err, ERR_CORRUPT, "the device's answer has %zu bytes", payload_size);
	e = channel_sealer_create(o->s->alloc, o->keys.to_device, o->s->id, CHANNEL_TO_DEVICE,
				  &o->s->sealer, err);
	if (!e)
		e = channel_opener_create(o->s->alloc, o->keys.to_client, o->s->id,
					  CHANNEL_TO_CLIENT, o->o.order, &o->s->opener, err);
	return e;
}

static enum err show_evidence(struct sealed_opening *o, struct err_ctx *err)
{
	size_t size;
	enum err e = o->o.identity->evidence(o->o.identity, o->keys.transcript, o->plain,
					     sizeof(o->plain), &size, err);

	if (!e)
		e = channel_seal(o->s->sealer, CHANNEL_EVIDENCE, NULL, o->plain, size, o->frame,
				 sizeof(o->frame), &size, err);
	return e ? e : o->t->send(o->t, CHANNEL_FRAME_RECORD, o->frame, size, err);
}

static enum err make_preamble(const char *vm, uint8_t preamble[CHANNEL_PREAMBLE_MAX],
			      size_t *size_ret, struct err_ctx *err)
{
	struct channel_preamble p = {.version = CHANNEL_VERSION};
	size_t name = strlen(vm);

	if (name >= sizeof(p.vm))
		return err_set(err, ERR_INVAL, "the VM's name has %zu bytes", name);
	memcpy(p.vm, vm, name);
	return channel_preamble_encode(&p, preamble, size_ret, err);
}

enum err sealed_session_greet(struct sealed_transport *t, const char *vm, struct err_ctx *err)
{
	uint8_t preamble[CHANNEL_PREAMBLE_MAX];
	size_t size;
	enum err e = make_preamble(vm, preamble, &size, err);

	return e ? e : t->send(t, CHANNEL_FRAME_OPEN, preamble, size, err);
}

enum err sealed_opening_begin(struct base_alloc *alloc, struct sealed_transport *t,
			      const struct sealed_session_options *options,
			      struct sealed_opening **ret, struct err_ctx *err)
{
	uint8_t preamble[CHANNEL_PREAMBLE_MAX];
	size_t preamble_size;
	struct sealed_opening *o;
	enum err e = make_preamble(options->vm, preamble, &preamble_size, err);

	if (e)
		return e;
	o = base_alloc_resize(alloc, NULL, 1, sizeof(*o));
	if (!o)
		return err_set(err, ERR_NOMEM, "out of memory for a session");
	memset(o, 0, offsetof(struct sealed_opening, frame));
	o->alloc = alloc;
	o->o = *options;
	o->t = t;
	o->s = base_alloc_zeroed(alloc, 1, sizeof(*o->s));
	if (o->s) {
		o->s->alloc = alloc;
		e = say_hello(o, preamble, preamble_size, err);
	} else {
		e = err_set(err, ERR_NOMEM, "out of memory for a session");
	}
	if (e)
		sealed_opening_destroy(o);
	else
		*ret = o;
	return e;
}

void sealed_opening_destroy(struct sealed_opening *o)
{
	if (!o)
		return;
	channel_handshake_deinit(&o->handshake);
	channel_session_wipe(&o->keys);
	sealed_session_close(o->s);
	base_free(o->alloc, o);
}

enum err sealed_opening_prove(struct sealed_opening *o, struct sealed_session **ret,
			      struct err_ctx *err)
{
	enum err e = take_answer(o, err);

	if (!e)
		e = show_evidence(o, err);
	if (!e) {
		*ret = o->s;
		o->s = NULL;
	}
	sealed_opening_destroy(o);
	return e;
}

enum err sealed_session_accepted(struct sealed_session *s, struct sealed_transport *t,
				 struct err_ctx *err)
{
	uint8_t *frame = base_alloc_resize(s->alloc, NULL, 1, CHANNEL_FRAME_PAYLOAD_MAX);
	size_t size, plain_size;
	const void *plain;
	enum err e;

	if (!frame)
		return err_set(err, ERR_NOMEM, "out of memory for a session");
	e = expect(t, CHANNEL_FRAME_RECORD, frame, &size, err);
	if (!e)
		e = sealed_session_open_record(s, frame, size, CHANNEL_ACCEPT, NULL, &plain,
					       &plain_size, err);
	if (!e)
		e = channel_accept_decode(plain, plain_size, &s->accept, err);
	base_free(s->alloc, frame);
	return e;
}

enum err sealed_session_open(struct base_alloc *alloc, struct sealed_transport *t,
			     const struct sealed_session_options *options,
			     struct sealed_session **ret, struct err_ctx *err)
{
	struct sealed_session *s = NULL;
	struct sealed_opening *o;
	enum err e = sealed_opening_begin(alloc, t, options, &o, err);

	if (!e)
		e = sealed_opening_prove(o, &s, err);
	if (!e)
		e = sealed_session_accepted(s, t, err);
	if (e)
		sealed_session_close(s);
	else
		*ret = s;
	return e;
}

void sealed_session_close(struct sealed_session *s)
{
	if (!s)
		return;
	channel_sealer_destroy(s->sealer);
	channel_opener_destroy(s->opener);
	base_free(s->alloc, s);
}

void sealed_session_leave(const struct sealed_session *s, struct sealed_session_state *ret)
{
	channel_sealer_position(s->sealer, &ret->to_device);
	channel_opener_position(s->opener, &ret->to_client);
	ret->id = s->id;
}

enum err sealed_session_resume(struct base_alloc *alloc, const struct sealed_session_state *state,
			       struct sealed_session **ret, struct err_ctx *err)
{
	struct sealed_session *s = base_alloc_zeroed(alloc, 1, sizeof(*s));
	enum err e;

	if (!s)
		return err_set(err, ERR_NOMEM, "out of memory for a session");
	s->alloc = alloc;
	s->id = state->id;
	e = channel_sealer_resume(alloc, &state->to_device, CHANNEL_TO_DEVICE, &s->sealer, err);
	if (!e)
		e = channel_opener_resume(alloc, &state->to_client, CHANNEL_TO_CLIENT, &s->opener, err);
	if (e)
		sealed_session_close(s);
	else
		*ret = s;
	return e;
}

enum err sealed_session_seal(struct sealed_session *s, const void *request, size_t size,
			     void *record, size_t room, size_t *size_ret, struct err_ctx *err)
{
	return channel_seal(s->sealer, CHANNEL_REQUEST, NULL, request, size, record, room, size_ret,
			    err);
}

/*
 * Is this record's header one of a refusal? Refusals are bound to nothing, so that also an answer to
 * a read by address can be one. The header isn't believed here: opening it authenticates it.
 */
static bool says_refusal(const void *record, size_t size)
{
	struct base_cursor c = base_cursor_over(record, size);

	base_cursor_skip(&c, offsetof(struct channel_header, type));
	return base_cursor_u16(&c) == CHANNEL_REFUSE;
}

enum err sealed_session_open_record(struct sealed_session *s, void *record, size_t size,
				    uint16_t type, const struct channel_bound *bound,
				    const void **plain_ret, size_t *plain_size_ret,
				    struct err_ctx *err)
{
	bool refusal = says_refusal(record, size);
	struct channel_refusal r;
	const void *plain;
	size_t plain_size;
	uint16_t got;
	enum err e = channel_open(s->opener, record, size, refusal ? NULL : bound, &got, &plain,
				  &plain_size, err);

	if (e)
		return e;
	if (got == CHANNEL_REFUSE) {
		e = channel_refusal_decode(plain, plain_size, &r, err);
		return e ? e : err_set(err, r.code, "%.220s", r.text);
	}
	if (got != type)
		return err_set(err, ERR_TAMPERED, "a record of type %u came instead of %u", got,
			       type);
	*plain_ret = plain;
	*plain_size_ret = plain_size;
	return ERR_OK;
}

/* ---- requests as frames ---- */

struct sealed_frames {
	struct sealed_carrier carrier;
	struct sealed_session *s;
	struct sealed_transport *t;
	uint64_t (*clock)(void);
	uint64_t wire_bytes;
	uint8_t frame[CHANNEL_FRAME_PAYLOAD_MAX];
};

static struct sealed_frames *from_carrier(struct sealed_carrier *c)
{
	return (struct sealed_frames *)((char *)c - offsetof(struct sealed_frames, carrier));
}

/* One record, put together from its parts, in `record` of CHANNEL_RECORD_MAX bytes. */
static enum err receive_parts(struct sealed_frames *f, uint8_t *record, size_t *size_ret,
			      struct err_ctx *err)
{
	enum channel_frame_kind kind = CHANNEL_FRAME_PART;
	size_t used = 0;

	while (kind == CHANNEL_FRAME_PART) {
		size_t size;
		enum err e = f->t->receive(f->t, &kind, f->frame, &size, err);

		if (e)
			return e;
		if (kind == CHANNEL_FRAME_FAILED && size <= sizeof(f->frame))
			return failed_by_host(f->frame, size, err);
		if (kind != CHANNEL_FRAME_PART && kind != CHANNEL_FRAME_RECORD)
			return err_set(err, ERR_TAMPERED,
				       "a frame of kind %d came instead of an answer", (int)kind);
		/* an empty part would make this go on for ever */
		if (!size || size > sizeof(f->frame) || size > CHANNEL_RECORD_MAX - used)
			return err_set(err, ERR_TAMPERED, "a record in parts that don't fit one");
		memcpy(record + used, f->frame, size);
		used += size;
	}
	*size_ret = used;
	return ERR_OK;
}

/*
 * The device hung up while we had nothing to read: what it said last may tell why. The first look may
 * only bring that it hung up before it had read everything.
 */
static enum err why_gone(struct sealed_frames *f, const struct err_ctx *gone, struct err_ctx *err)
{
	for (int look = 0; look < 2; look++) {
		enum channel_frame_kind kind;
		const void *plain;
		size_t size;

		if (f->t->receive(f->t, &kind, f->frame, &size, NULL) == ERR_OK &&
		    kind == CHANNEL_FRAME_RECORD && size <= sizeof(f->frame)) {
			return sealed_session_open_record(f->s, f->frame, size, CHANNEL_REFUSE,
							  NULL, &plain, &size, err);
		}
	}
	return err_set(err, ERR_GONE, "%s", gone->text);
}

static enum err frames_send(struct sealed_carrier *c, const void *request, size_t size,
			    struct err_ctx *err)
{
	struct sealed_frames *f = from_carrier(c);
	struct err_ctx sending = {0};
	enum err e = sealed_session_seal(f->s, request, size, f->frame, sizeof(f->frame), &size,
					 err);

	if (e)
		return e;
	f->wire_bytes += size;
	e = f->t->send(f->t, CHANNEL_FRAME_RECORD, f->frame, size, &sending);
	if (e == ERR_GONE)
		return why_gone(f, &sending, err);
	if (e && err && err->code == ERR_OK)
		*err = sending;
	return e;
}

static enum err frames_receive(struct sealed_carrier *c, uint8_t *record, const void **plain_ret,
			       size_t *size_ret, struct err_ctx *err)
{
	struct sealed_frames *f = from_carrier(c);
	size_t size = 0;
	enum err e = receive_parts(f, record, &size, err);

	if (e)
		return e;
	f->wire_bytes += size;
	return sealed_session_open_record(f->s, record, size, CHANNEL_PAGES, NULL, plain_ret,
					  size_ret, err);
}

static struct sealed_carrier_stats frames_stats(struct sealed_carrier *c)
{
	struct sealed_frames *f = from_carrier(c);

	return (struct sealed_carrier_stats){
		.cipher_calls = channel_sealer_count(f->s->sealer) +
				channel_opener_count(f->s->opener),
		.wire_bytes = f->wire_bytes,
	};
}

static uint64_t frames_now(struct sealed_carrier *c)
{
	return from_carrier(c)->clock();
}

enum err sealed_frames_create(struct sealed_session *s, struct sealed_transport *t,
			      uint64_t (*now)(void), struct sealed_frames **ret,
			      struct err_ctx *err)
{
	struct sealed_frames *f = base_alloc_zeroed(s->alloc, 1, sizeof(*f));

	if (!f)
		return err_set(err, ERR_NOMEM, "out of memory for a carrier");
	f->carrier.send = frames_send;
	f->carrier.receive = frames_receive;
	f->carrier.stats = frames_stats;
	f->carrier.now = frames_now;
	f->s = s;
	f->t = t;
	f->clock = now;
	*ret = f;
	return ERR_OK;
}

void sealed_frames_destroy(struct sealed_frames *f)
{
	if (f)
		base_free(f->s->alloc, f);
}

struct sealed_carrier *sealed_frames_carrier(struct sealed_frames *f)
{
	return &f->carrier;
}
