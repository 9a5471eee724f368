// SPDX-License-Identifier: MIT
/*
 * Sealed records: AES-256-GCM with the sequence number as nonce, so that a nonce can't repeat, and
 * everything that says what a record is in the associated data. Keys move on every
 * 2^CHANNEL_REKEY_SHIFT records, one way (Noise 11.3), so that old traffic stays sealed when a key
 * leaks later.
 */
#include <endian.h>
#include <string.h>

#include "crypto.h"

/* The key of one generation of one direction. */
struct generation {
	struct crypto_aead aead;
	uint8_t key[CHANNEL_KEY_SIZE];
	uint64_t number; /* sequence >> CHANNEL_REKEY_SHIFT */
};

struct channel_sealer {
	struct base_alloc *alloc;
	struct generation now;
	uint64_t session;
	uint64_t next;
	enum channel_direction direction;
};

struct channel_opener {
	struct base_alloc *alloc;
	struct generation now;
	struct generation before; /* unordered records may be a little late */
	uint64_t session;
	uint64_t next;		  /* one more than the highest sequence seen */
	uint64_t count;
	uint64_t seen[CHANNEL_WINDOW / 64]; /* bit (sequence % CHANNEL_WINDOW): seen */
	enum channel_direction direction;
	enum channel_order order;
};

struct associated {
	struct channel_header header;
	struct channel_bound bound;
};
_Static_assert(sizeof(struct associated) == sizeof(struct channel_header) +
						  sizeof(struct channel_bound),
	       "no padding in what is authenticated");

static enum err generation_init(struct generation *g, const uint8_t key[CHANNEL_KEY_SIZE],
				uint64_t number, struct err_ctx *err)
{
	enum err e = crypto_aead_init(&g->aead, key, err);

	if (e)
		return e;
	memcpy(g->key, key, CHANNEL_KEY_SIZE);
	g->number = number;
	return ERR_OK;
}

static void generation_deinit(struct generation *g)
{
	crypto_aead_deinit(&g->aead);
	channel_wipe(g->key, sizeof(g->key));
}

/* REKEY: the key is what it encrypts 32 zero bytes to, under the nonce that records never use. */
static enum err generation_next(struct generation *g, struct generation *ret, struct err_ctx *err)
{
	uint8_t key[CHANNEL_KEY_SIZE] = {0}, tag[CHANNEL_TAG_SIZE];
	enum err e = crypto_aead_seal(&g->aead, UINT64_MAX, NULL, 0, key, key, sizeof(key), tag,
				      err);

	if (!e)
		e = generation_init(ret, key, g->number + 1, err);
	channel_wipe(key, sizeof(key));
	return e;
}

static struct associated associate(const struct channel_header *header,
				   const struct channel_bound *bound)
{
	struct associated ad = {.header = *header};

	if (bound) {
		ad.bound.space = htole64(bound->space);
		ad.bound.address = htole64(bound->address);
		ad.bound.length = htole64(bound->length);
		ad.bound.epoch = htole64(bound->epoch);
	}
	return ad;
}

/* The number of the key that the next record has: one that has yet to move on is told as it is. */
static uint64_t generation_of(const struct channel_position *p)
{
	return p->next ? (p->next - 1) >> CHANNEL_REKEY_SHIFT : 0;
}

enum err channel_sealer_resume(struct base_alloc *alloc, const struct channel_position *p,
			       enum channel_direction direction, struct channel_sealer **ret,
			       struct err_ctx *err)
{
	struct channel_sealer *s = base_alloc_zeroed(alloc, 1, sizeof(*s));
	enum err e;

	if (!s)
		return err_set(err, ERR_NOMEM, "out of memory for a session");
	e = generation_init(&s->now, p->key, generation_of(p), err);
	if (e) {
		base_free(alloc, s);
		return e;
	}
	s->alloc = alloc;
	s->session = p->session;
	s->next = p->next;
	s->direction = direction;
	*ret = s;
	return ERR_OK;
}

enum err channel_sealer_create(struct base_alloc *alloc, const uint8_t key[CHANNEL_KEY_SIZE],
			       uint64_t session, enum channel_direction direction,
			       struct channel_sealer **ret, struct err_ctx *err)
{
	struct channel_position p = {.session = session};
	enum err e;

	memcpy(p.key, key, sizeof(p.key));
	e = channel_sealer_resume(alloc, &p, direction, ret, err);
	channel_wipe(&p, sizeof(p));
	return e;
}

void channel_sealer_position(const struct channel_sealer *s, struct channel_position *ret)
{
	*ret = (struct channel_position){.session = s->session, .next = s->next};
	memcpy(ret->key, s->now.key, sizeof(ret->key));
}

void channel_sealer_destroy(struct channel_sealer *s)
{
	if (!s)
		return;
	generation_deinit(&s->now);
	base_free(s->alloc, s);
}

enum err channel_opener_resume(struct base_alloc *alloc, const struct channel_position *p,
			       enum channel_direction direction, struct channel_opener **ret,
			       struct err_ctx *err)
{
	struct channel_opener *o = base_alloc_zeroed(alloc, 1, sizeof(*o));
	enum err e;

	if (!o)
		return err_set(err, ERR_NOMEM, "out of memory for a session");
	e = generation_init(&o->now, p->key, generation_of(p), err);
	if (e) {
		base_free(alloc, o);
		return e;
	}
	o->alloc = alloc;
	o->session = p->session;
	o->next = p->next;
	o->direction = direction;
	o->order = CHANNEL_IN_ORDER;
	*ret = o;
	return ERR_OK;
}

enum err channel_opener_create(struct base_alloc *alloc, const uint8_t key[CHANNEL_KEY_SIZE],
			       uint64_t session, enum channel_direction direction,
			       enum channel_order order, struct channel_opener **ret,
			       struct err_ctx *err)
{
	struct channel_position p = {.session = session};
	enum err e;

	memcpy(p.key, key, sizeof(p.key));
	e = channel_opener_resume(alloc, &p, direction, ret, err);
	channel_wipe(&p, sizeof(p));
	if (!e)
		(*ret)->order = order;
	return e;
}

void channel_opener_position(const struct channel_opener *o, struct channel_position *ret)
{
	*ret = (struct channel_position){.session = o->session, .next = o->next};
	memcpy(ret->key, o->now.key, sizeof(ret->key));
}

void channel_opener_destroy(struct channel_opener *o)
{
	if (!o)
		return;
	generation_deinit(&o->now);
	generation_deinit(&o->before);
	base_free(o->alloc, o);
}

enum err channel_seal(struct channel_sealer *s, uint16_t type, const struct channel_bound *bound,
		      const void *plain, size_t size, void *record, size_t room, size_t *size_ret,
		      struct err_ctx *err)
{
	struct channel_header header;
	struct associated ad;
	uint8_t *data = record;
	enum err e;

	if (size > CHANNEL_PLAIN_MAX || room < size + CHANNEL_OVERHEAD)
		return err_set(err, ERR_INVAL, "no room for a record of %zu bytes", size);
	if (s->next >= CHANNEL_SEQUENCE_MAX)
		return err_set(err, ERR_LIMIT, "the session's sequence numbers are used up");
	if (s->next >> CHANNEL_REKEY_SHIFT != s->now.number) {
		struct generation next = {0};

		e = generation_next(&s->now, &next, err);
		if (e)
			return e;
		generation_deinit(&s->now);
		s->now = next;
	}
	header = (struct channel_header){
		.size = htole32((uint32_t)(size + CHANNEL_TAG_SIZE)),
		.type = htole16(type),
		.direction = htole16((uint16_t)s->direction),
		.session = htole64(s->session),
		.sequence = htole64(s->next),
	};
	ad = associate(&header, bound);
	memcpy(data, &header, sizeof(header));
	data += sizeof(header);
	e = crypto_aead_seal(&s->now.aead, s->next, &ad, sizeof(ad), plain, data, size, data + size,
			     err);
	if (e)
		return e;
	s->next++;
	*size_ret = size + CHANNEL_OVERHEAD;
	return ERR_OK;
}

static bool window_seen(const struct channel_opener *o, uint64_t sequence)
{
	uint64_t bit = sequence % CHANNEL_WINDOW;

	return o->seen[bit / 64] >> bit % 64 & 1;
}

/* Note `sequence` as seen; slots that the window leaves behind become free (RFC 6479's idea). */
static void window_note(struct channel_opener *o, uint64_t sequence)
{
	uint64_t bit = sequence % CHANNEL_WINDOW;

	if (sequence >= o->next) {
		uint64_t ahead = sequence - o->next;

		if (ahead >= CHANNEL_WINDOW) {
			memset(o->seen, 0, sizeof(o->seen));
		} else {
			for (uint64_t i = o->next; i < sequence; i++)
				o->seen[i % CHANNEL_WINDOW / 64] &= ~(1ull << i % 64);
		}
		o->next = sequence + 1;
	}
	o->seen[bit / 64] |= 1ull << bit % 64;
}

static enum err sequence_check(const struct channel_opener *o, uint64_t sequence,
			       struct err_ctx *err)
{
	if (sequence >= CHANNEL_SEQUENCE_MAX)
		return err_set(err, ERR_TAMPERED, "a record with an impossible sequence number");
	if (o->order == CHANNEL_IN_ORDER && sequence != o->next)
		return err_set(err, ERR_TAMPERED, "record %llu came instead of %llu",
			       (unsigned long long)sequence, (unsigned long long)o->next);
	if (sequence >= o->next)
		return ERR_OK;
	if (o->next - sequence > CHANNEL_WINDOW || window_seen(o, sequence))
		return err_set(err, ERR_TAMPERED, "record %llu came again or too late",
			       (unsigned long long)sequence);
	return ERR_OK;
}

/*
 * Open under the key of the record's generation: the present one, the one before, or the next, which
 * is taken on only if the record is authentic.
 */
static enum err open_generation(struct channel_opener *o, uint64_t sequence,
				const struct associated *ad, uint8_t *data, size_t size,
				struct err_ctx *err)
{
	uint64_t number = sequence >> CHANNEL_REKEY_SHIFT;
	struct generation next = {0};
	enum err e;

	if (number == o->now.number)
		return crypto_aead_open(&o->now.aead, sequence, ad, sizeof(*ad), data, size,
					data + size, err);
	if (o->before.aead.handle && number == o->before.number)
		return crypto_aead_open(&o->before.aead, sequence, ad, sizeof(*ad), data, size,
					data + size, err);
	if (number != o->now.number + 1)
		return err_set(err, ERR_TAMPERED, "record %llu is of a key that isn't in use",
			       (unsigned long long)sequence);
	e = generation_next(&o->now, &next, err);
	if (e)
		return e;
	e = crypto_aead_open(&next.aead, sequence, ad, sizeof(*ad), data, size, data + size, err);
	if (e) {
		generation_deinit(&next);
		return e;
	}
	generation_deinit(&o->before);
	o->before = o->now;
	o->now = next;
	return ERR_OK;
}

enum err channel_open(struct channel_opener *o, void *record, size_t size,
		      const struct channel_bound *bound, uint16_t *type_ret, const void **plain_ret,
		      size_t *plain_size_ret, struct err_ctx *err)
{
	struct channel_header header;
	struct associated ad;
	uint8_t *data = record;
	uint64_t sequence;
	enum err e;

	if (size < CHANNEL_OVERHEAD || size > CHANNEL_RECORD_MAX)
		return err_set(err, ERR_TAMPERED, "a record of %zu bytes", size);
	memcpy(&header, data, sizeof(header));
	data += sizeof(header);
	size -= CHANNEL_OVERHEAD;
	if (le32toh(header.size) != size + CHANNEL_TAG_SIZE)
		return err_set(err, ERR_TAMPERED, "a record that says %u bytes has %zu",
			       le32toh(header.size), size + CHANNEL_TAG_SIZE);
	if (le64toh(header.session) != o->session || le16toh(header.direction) != o->direction)
		return err_set(err, ERR_TAMPERED, "a record of another session or direction");
	sequence = le64toh(header.sequence);
	e = sequence_check(o, sequence, err);
	if (e)
		return e;
	ad = associate(&header, bound);
	e = open_generation(o, sequence, &ad, data, size, err);
	if (e)
		return e;
	window_note(o, sequence);
	o->count++;
	*type_ret = le16toh(header.type);
	*plain_ret = data;
	*plain_size_ret = size;
	return ERR_OK;
}

uint64_t channel_sealer_count(const struct channel_sealer *s)
{
	return s->next;
}

uint64_t channel_opener_count(const struct channel_opener *o)
{
	return o->count;
}
