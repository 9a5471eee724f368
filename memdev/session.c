// SPDX-License-Identifier: MIT
/* The device's half of a session. */
#include "memdev/session.h"

#include <string.h>

#include "carrier/region.h"
#include "channel/message.h"
#include "channel/read.h"

enum {
	/* what most sessions write of the buffers */
	USUAL_FRAME = 8 << 10,
	USUAL_RECORD = 68 << 10,
};

/* What the session waits for. */
enum state {
	STATE_HELLO,
	STATE_EVIDENCE,
	STATE_SERVING,
	STATE_OVER,
};

struct memdev_session {
	struct memdev_sink sink;
	struct base_alloc *alloc;
	enum state state;
	struct channel_key_pair key, ephemeral;
	const struct channel_random *random;
	struct memdev_judge *judge;
	struct memdev_guest *guest;
	uint64_t generation;
	char vm[CHANNEL_VM_NAME_MAX + 1];
	char who[MEMDEV_WHO_SIZE];
	uint8_t transcript[CHANNEL_HASH_SIZE];
	uint64_t id;
	struct channel_sealer *sealer;
	struct channel_opener *opener;
	struct memdev_engine *engine;
	struct memdev_session_stats stats;

	/* where sealed records of the call under way go */
	struct memdev_records *records;
	struct memdev_records as_frames;
	struct memdev_out *out;

	/* not cleared: most of it is never touched. Of `in`, the first `in_used` bytes were written. */
	size_t in_used;
	uint8_t in[CHANNEL_FRAME_PAYLOAD_MAX];
	uint8_t sealed[CHANNEL_RECORD_MAX];
};

static struct memdev_session *from_sink(struct memdev_sink *s)
{
	return (struct memdev_session *)((char *)s - offsetof(struct memdev_session, sink));
}

/* ---- out ---- */

/* A record as frames: whole, or in parts. */
static enum err record_as_frames(struct memdev_records *r, const void *record, size_t size,
				 struct err_ctx *err)
{
	struct memdev_session *s = (struct memdev_session *)((char *)r -
							     offsetof(struct memdev_session,
								      as_frames));
	const uint8_t *p = record;
	enum err e = ERR_OK;

	while (!e && size > CHANNEL_FRAME_PAYLOAD_MAX) {
		e = s->out->frame(s->out, CHANNEL_FRAME_PART, p, CHANNEL_FRAME_PAYLOAD_MAX, err);
		p += CHANNEL_FRAME_PAYLOAD_MAX;
		size -= CHANNEL_FRAME_PAYLOAD_MAX;
	}
	return e ? e : s->out->frame(s->out, CHANNEL_FRAME_RECORD, p, size, err);
}

static enum err send_record(struct memdev_session *s, enum channel_type type,
			    const struct channel_bound *bound, const void *plain, size_t size,
			    struct err_ctx *err)
{
	size_t sealed;
	enum err e = channel_seal(s->sealer, type, bound, plain, size, s->sealed, sizeof(s->sealed),
				  &sealed, err);

	if (e)
		return e;
	s->stats.bytes_out += sealed;
	return s->records->record(s->records, s->sealed, sealed, err);
}

static enum err send_pages(struct memdev_sink *sink, const void *plain, size_t size,
			   struct err_ctx *err)
{
	return send_record(from_sink(sink), CHANNEL_PAGES, NULL, plain, size, err);
}

/* ---- in ---- */

static void wipe_keys(struct memdev_session *s)
{
	channel_wipe(&s->key, sizeof(s->key));
	channel_wipe(&s->ephemeral, sizeof(s->ephemeral));
}

static enum err take_hello(struct memdev_session *s, const void *bytes, size_t size,
			   struct err_ctx *err)
{
	uint8_t payload[CHANNEL_HELLO_PAYLOAD_MAX], answer[CHANNEL_HELLO_MAX], id[8] = {0};
	struct channel_handshake h = {0};
	struct channel_session keys = {0};
	struct channel_preamble p;
	enum err e = channel_hello_read(&h, &s->key, bytes, size, payload, &size, NULL);

	if (e)
		e = err_set(err, e, "the hello isn't for this memory device: another one's key is "
				    "pinned, or it was altered");
	if (!e)
		e = channel_preamble_decode(payload, size, &p, err);
	if (!e && strcmp(p.vm, s->vm) != 0)
		e = err_set(err, ERR_TAMPERED, "the client wants another VM than was opened");
	if (!e && !s->random->fill(s->random->ctx, id, sizeof(id)))
		e = err_set(err, ERR_IO, "no randomness for a session");
	if (!e)
		e = channel_answer_write(&h, &s->ephemeral, id, sizeof(id), answer, sizeof(answer),
					 &size, &keys, err);
	for (int i = 0; i < 8; i++)
		s->id |= (uint64_t)id[i] << 8 * i;
	if (!e)
		e = channel_sealer_create(s->alloc, keys.to_client, s->id, CHANNEL_TO_CLIENT,
					  &s->sealer, err);
	if (!e)
		e = channel_opener_create(s->alloc, keys.to_device, s->id, CHANNEL_TO_DEVICE,
					  CHANNEL_IN_ORDER, &s->opener, err);
	memcpy(s->transcript, keys.transcript, sizeof(s->transcript));
	channel_session_wipe(&keys);
	channel_handshake_deinit(&h);
	/* one session, one handshake: the device's key isn't needed here any more */
	wipe_keys(s);
	if (e) {
		/* the client has no keys yet */
		channel_sealer_destroy(s->sealer);
		s->sealer = NULL;
		return e;
	}
	s->state = STATE_EVIDENCE;
	return s->out->frame(s->out, CHANNEL_FRAME_ANSWER, answer, size, err);
}

static enum err take_evidence(struct memdev_session *s, const void *plain, size_t size,
			      struct err_ctx *err)
{
	struct channel_accept accept = {0};
	uint8_t wire[CHANNEL_ACCEPT_SIZE];
	char who[MEMDEV_WHO_SIZE] = "";
	struct guest_pages *pages;
	struct channel_evidence evidence;
	enum err e = channel_evidence_decode(plain, size, &evidence, err);

	if (!e)
		e = s->judge->judge(s->judge, &evidence, s->transcript, s->vm, who, err);
	who[sizeof(who) - 1] = '\0';
	memcpy(s->who, who, sizeof(who));
	/* only now is the guest's memory looked at, and the device's key is long gone from ours */
	if (!e)
		e = s->guest->find(s->guest, &pages, &accept, err);
	if (!e)
		e = memdev_engine_create(s->alloc, pages, &s->engine, err);
	if (e)
		return e;
	accept.items_max = CHANNEL_ITEMS_MAX;
	accept.request_pages = CHANNEL_REQUEST_PAGES;
	s->generation = accept.generation;
	channel_accept_encode(&accept, wire);
	s->state = STATE_SERVING;
	return send_record(s, CHANNEL_ACCEPT, NULL, wire, sizeof(wire), err);
}

/* One record in private memory: evidence, or a request. */
static enum err take_record(struct memdev_session *s, void *record, size_t size,
			    struct err_ctx *err)
{
	const void *plain;
	size_t plain_size;
	uint16_t type;
	enum err e = channel_open(s->opener, record, size, NULL, &type, &plain, &plain_size, err);

	if (e)
		return e;
	s->stats.bytes_in += size;
	if (s->state == STATE_EVIDENCE && type == CHANNEL_EVIDENCE)
		return take_evidence(s, plain, plain_size, err);
	if (s->state == STATE_SERVING && type == CHANNEL_REQUEST)
		return memdev_engine_answer(s->engine, plain, plain_size, s->generation,
					    &s->sink, err);
	return err_set(err, ERR_CORRUPT, "a record of type %u out of turn", type);
}

static enum err take_read(struct memdev_session *s, const void *bytes, size_t size,
			  struct err_ctx *err)
{
	struct channel_bound question;
	const void *plain;
	enum err e = channel_read_decode(bytes, size, &question, err);

	if (!e)
		e = memdev_engine_read(s->engine, &question, s->generation, &plain, &size,
				       err);
	return e ? e : send_record(s, CHANNEL_BYTES, &question, plain, size, err);
}

/* ---- both ---- */

/* Tell the client why, as well as can be, and end. */
static enum err end(struct memdev_session *s, enum err e, const struct err_ctx *err)
{
	struct err_ctx ignored = {0};
	struct channel_refusal r = {.code = e};
	uint8_t buf[CHANNEL_REFUSAL_MAX];
	size_t size;

	s->state = STATE_OVER;
	wipe_keys(s);
	memcpy(r.text, err->text, sizeof(err->text));
	size = channel_refusal_encode(&r, buf);
	/* who can't be reached needn't be told; the reason is for the caller */
	if (s->sealer)
		(void)!send_record(s, CHANNEL_REFUSE, NULL, buf, size, &ignored);
	else if (s->out)
		(void)!s->out->frame(s->out, CHANNEL_FRAME_FAILED, buf, size, &ignored);
	return e;
}

enum err memdev_session_frame(struct memdev_session *s, enum channel_frame_kind kind,
			      const void *bytes, size_t size, struct memdev_out *out,
			      struct err_ctx *err)
{
	struct err_ctx detail = {0};
	enum err e;

	if (s->state == STATE_OVER)
		return err_set(err, ERR_INVAL, "the session is over");
	s->out = out;
	s->records = &s->as_frames;
	if (size > sizeof(s->in)) {
		e = err_set(&detail, ERR_CORRUPT, "a frame of %zu bytes", size);
	} else if (kind == CHANNEL_FRAME_HELLO && s->state == STATE_HELLO) {
		e = take_hello(s, bytes, size, &detail);
	} else if (kind == CHANNEL_FRAME_RECORD && s->state != STATE_HELLO) {
		memcpy(s->in, bytes, size);
		s->in_used = size > s->in_used ? size : s->in_used;
		e = take_record(s, s->in, size, &detail);
	} else if (kind == CHANNEL_FRAME_READ && s->state == STATE_SERVING) {
		e = take_read(s, bytes, size, &detail);
	} else {
		e = err_set(&detail, ERR_CORRUPT, "a frame of kind %d out of turn", (int)kind);
	}
	if (e)
		end(s, e, &detail);
	s->out = NULL;
	if (e && err && err->code == ERR_OK)
		*err = detail;
	return e;
}

enum err memdev_session_record(struct memdev_session *s, void *record, size_t size,
			       struct memdev_records *out, struct err_ctx *err)
{
	struct err_ctx detail = {0};
	enum err e;

	if (s->state != STATE_SERVING)
		return err_set(err, ERR_INVAL, "the session doesn't serve");
	s->records = out;
	e = take_record(s, record, size, &detail);
	if (e)
		end(s, e, &detail);
	if (e && err && err->code == ERR_OK)
		*err = detail;
	return e;
}

void memdev_session_end(struct memdev_session *s, struct memdev_records *records,
			struct memdev_out *out, const struct err_ctx *err)
{
	if (s->state == STATE_OVER || !s->sealer)
		return;
	s->out = out;
	s->records = records ? records : &s->as_frames;
	end(s, err->code, err);
	s->out = NULL;
}

enum err memdev_session_create(struct base_alloc *alloc, const struct memdev_session_options *o,
			       struct memdev_session **ret, struct err_ctx *err)
{
	struct memdev_session *s;
	enum err e;

	if (!channel_vm_name_valid(o->vm))
		return err_set(err, ERR_INVAL, "not a name that a VM may have");
	s = base_alloc_resize(alloc, NULL, 1, sizeof(*s));
	if (!s)
		return err_set(err, ERR_NOMEM, "out of memory for a session");
	memset(s, 0, offsetof(struct memdev_session, in));
	s->alloc = alloc;
	s->sink.record = send_pages;
	s->as_frames.record = record_as_frames;
	e = channel_key_pair_make(o->random, &s->ephemeral, err);
	if (e) {
		base_free(alloc, s);
		return e;
	}
	s->key = *o->key;
	s->random = o->random;
	s->judge = o->judge;
	s->guest = o->guest;
	memcpy(s->vm, o->vm, strlen(o->vm) + 1);
	*ret = s;
	return ERR_OK;
}

void memdev_session_populate(struct memdev_session *s)
{
	carrier_populate(s->in, USUAL_FRAME);
	carrier_populate(s->sealed, USUAL_RECORD);
}

void memdev_session_destroy(struct memdev_session *s)
{
	struct base_alloc *alloc;

	if (!s)
		return;
	alloc = s->alloc;
	memdev_engine_destroy(s->engine);
	channel_sealer_destroy(s->sealer);
	channel_opener_destroy(s->opener);
	/* what was sealed is no secret */
	channel_wipe(s, offsetof(struct memdev_session, in) + s->in_used);
	base_free(alloc, s);
}

bool memdev_session_serves(const struct memdev_session *s)
{
	return s->state == STATE_SERVING;
}

const char *memdev_session_who(const struct memdev_session *s)
{
	return s->who;
}

uint64_t memdev_session_id(const struct memdev_session *s)
{
	return s->id;
}

struct memdev_session_stats memdev_session_stats(const struct memdev_session *s)
{
	struct memdev_session_stats stats = s->stats;

	if (s->engine)
		stats.engine = memdev_engine_stats(s->engine);
	return stats;
}
