// SPDX-License-Identifier: MIT
/*
 * libscwatcher-sealed.so: keys out of their files, a session, and the guest's pages by way of it. A
 * carrier stands between pages and session, so that a child of fork() can have a session of its own.
 */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/accept.h"
#include "attach/credentials.h"
#include "attach/sealed.h"
#include "attach/start.h"
#include "carrier/carrier.h"
#include "carrier/pread.h"
#include "carrier/region.h"
#include "carrier/wait.h"
#include "memory.h"
#include "sealed/asked.h"
#include "sealed/pages.h"

enum {
	CACHE_PAGES = 1 << 17, /* 512 MiB: 100,000 sockets */
};

struct session {
	struct attach_session shown;
	struct sealed_carrier carrier; /* hands on to `way` */
	struct base_alloc *alloc;
	struct base_alloc memory; /* of lines */
	struct attach_sealed options;
	struct attach_sealed_paths paths;
	char *vm;
	/* one of the two */
	struct carrier *way;
	struct carrier_pread *files;
	struct sealed_carrier *through; /* of that one */
	size_t coming; /* bytes of the next record, as far as is known */
	pid_t owner;
	uint64_t generation;
	uint64_t sessions;
	uint64_t epochs; /* begun */

	/*
	 * Of a command that was handed its session: what names it (else 0), and what it asked for in its first
	 * epoch on top of what had been asked for it, as it is on the wire.
	 */
	uint64_t command;
	bool asked; /* that was */
	struct sealed_asked fresh, kept; /* that, and what had been; items of the latter NULL: not read yet */
	uint8_t kept_bytes[CHANNEL_REQUEST_MAX], rest[CHANNEL_REQUEST_MAX];
	uint8_t items[CHANNEL_ITEMS_MAX * CHANNEL_ITEM_SIZE];
};

static struct session *of_carrier(struct sealed_carrier *c)
{
	return (struct session *)((char *)c - offsetof(struct session, carrier));
}

static struct session *of_shown(const struct attach_session *s)
{
	return (struct session *)((char *)(uintptr_t)s - offsetof(struct session, shown));
}

static bool by_pread(const struct session *s)
{
	return s->options.carrier == ATTACH_PREAD || s->options.carrier == ATTACH_PREAD_ADDRESSES ||
	       s->options.carrier == ATTACH_PREAD_UNCACHED;
}

static void close_way(struct session *s)
{
	carrier_close(s->way);
	carrier_pread_close(s->files);
	s->way = NULL;
	s->files = NULL;
	s->through = NULL;
	s->owner = 0;
}

static enum err open_with(struct session *s, const struct sealed_session_options *o,
			  struct err_ctx *err)
{
	struct carrier_options ring = {
		.session = *o,
		.kind = s->options.carrier == ATTACH_RING ? CARRIER_RING : CARRIER_FRAMES,
	};
	struct carrier_pread_options files = {
		.session = *o,
		.way = s->options.carrier == ATTACH_PREAD ? CARRIER_PREAD_REQUESTS :
							    CARRIER_PREAD_ADDRESSES,
	};
	enum err e;

	if (by_pread(s))
		e = carrier_pread_open(s->alloc, s->paths.device, &files, &s->files, err);
	else
		e = carrier_open(s->alloc, s->paths.device, &ring, &s->way, err);
	if (e)
		return e;
	s->through = s->files ? carrier_pread_sealed(s->files) : carrier_sealed(s->way);
	s->owner = getpid();
	return ERR_OK;
}

static const struct channel_accept *accepted(const struct session *s)
{
	return s->files ? carrier_pread_accept(s->files) : carrier_accept(s->way);
}

static enum err open_way(struct session *s, struct err_ctx *err)
{
	struct attach_credentials credentials;
	struct sealed_session_options o;
	enum err e = attach_credentials_init(&credentials, &s->paths, err);

	if (!e) {
		o = attach_credentials_use(&credentials, s->vm);
		e = open_with(s, &o, err);
	}
	channel_wipe(&credentials, sizeof(credentials));
	return e;
}

/*
 * The session that whoever started us has opened, if there is one. ERR_ABSENT: there is none, or it has ended
 * while we did something else, or it was asked for what another boot of the guest had.
 */
static enum err take_over(struct session *s, struct attach_start_message *m, struct err_ctx *err)
{
	struct err_ctx why = {0};
	bool came;
	int socket;
	enum err e;

	if (!s->options.start)
		return ERR_ABSENT;
	came = attach_start_receive(s->options.start, m, &socket);
	close(s->options.start);
	if (!came)
		return ERR_ABSENT;
	s->command = m->command;
	e = carrier_resume(s->alloc, &m->state, socket, &s->way, &why);
	if (e && e != ERR_GONE)
		return err_set(err, e, "%s", why.text);
	if (!e && m->number && m->generation != accepted(s)->generation) {
		close_way(s);
		e = ERR_GONE;
	}
	if (e) {
		m->number = 0;
		return ERR_ABSENT;
	}
	s->through = carrier_sealed(s->way);
	s->owner = getpid();
	return ERR_OK;
}

/* A child's first request: with a session of its own, of the same boot of the guest. */
static enum err renew(struct session *s, struct err_ctx *err)
{
	enum err e;

	close_way(s);
	e = open_way(s, err);
	if (e)
		return e;
	s->sessions++;
	return accepted(s)->generation == s->generation ?
		       ERR_OK :
		       err_set(err, ERR_GONE, "the guest was restarted: start again");
}

/* What had been asked for when the session was handed over. */
static const struct sealed_asked *kept(struct session *s)
{
	char path[PATH_MAX];
	size_t size;
	uint64_t generation;

	if (!s->kept.items && attach_requests_path(s->command, path) &&
	    attach_requests_read(path, s->kept_bytes, &size, &generation) &&
	    generation == s->generation)
		s->kept.count = (size - CHANNEL_REQUEST_HEADER_SIZE) / CHANNEL_ITEM_SIZE;
	s->kept.items = s->kept_bytes + CHANNEL_REQUEST_HEADER_SIZE;
	return &s->kept;
}

static enum err send(struct sealed_carrier *c, const void *request, size_t size,
		     struct err_ctx *err)
{
	struct session *s = of_carrier(c);
	enum err e = s->owner != getpid() ? renew(s, err) : ERR_OK;

	if (s->command && s->epochs == 1) {
		if (s->asked) {
			size = sealed_asked_leave_out(kept(s), request, size, s->rest);
			request = s->rest;
		}
		sealed_asked_note(&s->fresh, request, size);
	}
	return e ? e : s->through->send(s->through, request, size, err);
}

static enum err left(struct err_ctx *err)
{
	return err_set(err, ERR_GONE, "the session with the memory device was left");
}

static enum err next(struct sealed_carrier *c, size_t *size_ret, struct err_ctx *err)
{
	struct session *s = of_carrier(c);

	if (!s->through)
		return left(err);
	*size_ret = 0;
	if (s->through->next) {
		enum err e = s->through->next(s->through, size_ret, err);

		if (e)
			return e;
	}
	s->coming = *size_ret;
	return ERR_OK;
}

/* Whole pages of what will be filled, with one call instead of a fault for each. */
static void make_ready(uint8_t *at, size_t size)
{
	size_t before = -(uintptr_t)at % GUEST_PAGE_SIZE;

	if (size > before)
		carrier_populate(at + before, (size - before) & ~(size_t)(GUEST_PAGE_SIZE - 1));
}

static enum err receive(struct sealed_carrier *c, uint8_t *record, const void **plain_ret,
			size_t *size_ret, struct err_ctx *err)
{
	struct session *s = of_carrier(c);

	if (!s->through)
		return left(err);
	make_ready(record, s->coming);
	return s->through->receive(s->through, record, plain_ret, size_ret, err);
}

static uint64_t now(struct sealed_carrier *c)
{
	(void)c;
	return carrier_now();
}

static struct sealed_carrier_stats carrier_stats(struct sealed_carrier *c)
{
	struct session *s = of_carrier(c);

	return s->through && s->through->stats ? s->through->stats(s->through) :
						 (struct sealed_carrier_stats){0};
}

static void drop(struct sealed_carrier *c)
{
	struct session *s = of_carrier(c);

	if (s->through)
		s->through->drop(s->through);
}

static void epoch(struct sealed_carrier *c)
{
	struct session *s = of_carrier(c);

	s->epochs++;
	/* a session that is the parent's is left alone; the one to come begins with an epoch */
	if (s->owner == getpid() && s->through && s->through->epoch)
		s->through->epoch(s->through);
}

static void session_close(struct attach_session *shown)
{
	struct session *s = of_shown(shown);

	guest_pages_destroy(s->shown.pages);
	close_way(s);
	free(s->vm);
	base_free(s->alloc, s);
}

static void session_leave(struct attach_session *shown)
{
	struct session *s = of_shown(shown);

	/* where each object is a call of its own, pages are the carrier's */
	if (s->options.carrier != ATTACH_PREAD_UNCACHED)
		close_way(s);
}

static void session_forked(struct attach_session *shown)
{
	struct session *s = of_shown(shown);

	if (s->options.carrier != ATTACH_PREAD_UNCACHED)
		sealed_pages_abandon(s->shown.pages);
	s->command = 0;
	s->sessions = 0;
}

static void session_keep(const struct attach_session *shown)
{
	struct session *s = of_shown(shown);
	struct guest_trail trail;

	if (s->command && sealed_pages_trail(shown->pages, &trail))
		sealed_asked_lines(&s->fresh, &trail);
	if (s->command && s->fresh.count)
		attach_requests_add(s->command, s->generation, s->items, s->fresh.count);
}

static void session_follow(struct attach_session *shown, const struct guest_trail *t)
{
	if (of_shown(shown)->options.carrier != ATTACH_PREAD_UNCACHED)
		sealed_pages_follow(shown->pages, t);
}

static bool session_trail(struct attach_session *shown, struct guest_trail *ret)
{
	return of_shown(shown)->options.carrier != ATTACH_PREAD_UNCACHED &&
	       sealed_pages_trail(shown->pages, ret);
}

static struct attach_sealed_stats session_stats(const struct attach_session *shown)
{
	const struct session *s = of_shown(shown);
	struct carrier_pread_stats files = {0};
	struct sealed_stats p = {0};

	if (s->files)
		files = carrier_pread_stats(s->files);
	if (s->options.carrier != ATTACH_PREAD_UNCACHED)
		p = sealed_pages_stats(shown->pages);
	else /* each object is a call and a record */
		p = (struct sealed_stats){
			.round_trips = files.preads,
			.records = files.preads,
			.carrier = {.cipher_calls = files.preads, .wire_bytes = files.bytes},
		};
	return (struct attach_sealed_stats){
		.round_trips = p.round_trips,
		.records = p.records,
		.pages = p.pages,
		.bytes = p.carrier.wire_bytes,
		.cipher_calls = p.carrier.cipher_calls,
		.sleeps = p.carrier.sleeps,
		.sessions = s->sessions,
	};
}

#ifndef ATTACH_SEALED_LINKED
__attribute__((visibility("default")))
#endif
attach_session_open_fn scw_session_open;

enum err scw_session_open(struct base_alloc *alloc, const struct attach_sealed *o,
			  const struct attach_sealed_paths *paths, const char *vm,
			  struct attach_session **ret, struct err_ctx *err)
{
	struct session *s = base_alloc_zeroed(alloc, 1, sizeof(*s));
	struct sealed_options p = {
		.cache_pages = CACHE_PAGES,
		.readahead = SEALED_READAHEAD,
		.image_readahead = SEALED_IMAGE_READAHEAD,
		.freshness_ns = (uint64_t)(o->freshness_ms < 0 ? ATTACH_FRESHNESS_MS :
								 o->freshness_ms) *
				1000000,
	};
	struct attach_start_message m = {0};
	enum err e;

	if (!s)
		return err_set(err, ERR_NOMEM, "out of memory for a session");
	s->alloc = alloc;
	line_memory_init(&s->memory, alloc->limit);
	s->options = *o;
	s->paths = *paths;
	s->vm = strdup(vm);
	s->sessions = 1;
	s->fresh = (struct sealed_asked){.items = s->items, .max = CHANNEL_ITEMS_MAX};
	s->shown.close = session_close;
	s->shown.leave = session_leave;
	s->shown.follow = session_follow;
	s->shown.trail = session_trail;
	s->shown.keep = session_keep;
	s->shown.forked = session_forked;
	s->shown.stats = session_stats;
	p.lines = &s->memory;
	e = s->vm ? ERR_OK : err_set(err, ERR_NOMEM, "out of memory");
	if (!e)
		e = take_over(s, &m, err);
	if (e == ERR_ABSENT)
		e = open_way(s, err);
	if (!e) {
		s->carrier = (struct sealed_carrier){
			.send = send,
			.next = next,
			.receive = receive,
			.drop = s->through->drop ? drop : NULL,
			.epoch = epoch,
			.reads_only = s->through->reads_only,
			.now = now,
			.stats = carrier_stats,
		};
		accept_to_boot(accepted(s), &s->shown.boot);
		p.generation = s->generation = s->shown.generation = accepted(s)->generation;
		if (o->carrier == ATTACH_PREAD_UNCACHED)
			e = carrier_pread_objects(s->files, &s->shown.pages, err);
		else
			e = sealed_pages_create(alloc, &s->carrier, &p, &s->shown.pages, err);
	}
	if (!e && m.number) {
		sealed_pages_adopt(s->shown.pages, m.number, m.asked_ns);
		s->epochs = 1;
		s->asked = true;
	}
	channel_wipe(&m, sizeof(m));
	if (e) {
		session_close(&s->shown);
		return e;
	}
	*ret = &s->shown;
	return ERR_OK;
}
