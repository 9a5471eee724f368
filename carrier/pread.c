// SPDX-License-Identifier: MIT
/*
 * A session over files: messages are the names of files that are opened, answers what they hold, and
 * guest memory a file for each epoch whose offsets are addresses. open(), pread() and close() are all
 * that is needed of the system (struct carrier_files); this file also runs inside enclaves.
 */
#include "pread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "channel/read.h"

enum {
	SESSION_NAME_SIZE = 16, /* bytes of the hello that name the session */
	NAME_MAX_SIZE = 1000,
	NAME_MIN_SIZE = 32,
	NUMBERS_SIZE = 12, /* OFFSET.TOTAL. before the bytes of a message */
	NAME_USUAL_SIZE = 255,
	PREFIX_MAX = PREAD_PATH_SIZE - NAME_MAX_SIZE - 16,
	TEXT_MAX = 160,
	CLUSTER_PAGES = 15,   /* their record still is one frame of the device's socket */
	GAP_PAGES = 6,	      /* reading these too costs less than another pread */
	AHEAD_MIN = 4,	      /* pages read for one that is missed */
	REQUEST_PAGES = 2048, /* of hints in one request; the rest is read when it is missed */
};

#define DEADLINE_NS 30000000000ull

static struct carrier_pread *from_sealed(struct sealed_carrier *s)
{
	return (struct carrier_pread *)((char *)s - offsetof(struct carrier_pread, sealed));
}

static struct carrier_pread *from_transport(struct sealed_transport *t)
{
	return (struct carrier_pread *)((char *)t - offsetof(struct carrier_pread, transport));
}

/* ---- files ---- */

static enum err code_of(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return ERR_ABSENT;
	case EACCES:
	case EPERM:
		return ERR_PERM;
	case EAGAIN:
		return ERR_NOTREADY;
	case EBUSY:
	case ENFILE:
	case EMFILE:
		return ERR_LIMIT;
	case EIO:
	case ESTALE:
	case ENOTCONN:
	case ECONNABORTED:
	case ETIMEDOUT:
		return ERR_GONE;
	default:
		return ERR_IO;
	}
}

/* What the host says of the session's end, without its line feed; "" when it says nothing. */
static void read_reason(struct carrier_pread *c, char text[TEXT_MAX + 1])
{
	int64_t n;
	int fd;

	text[0] = '\0';
	strcpy(c->path + c->prefix, "error");
	fd = c->io->open(c->io, c->path);
	if (fd < 0)
		return;
	n = c->io->read(c->io, fd, text, TEXT_MAX, 0);
	c->io->close(c->io, fd);
	if (n > TEXT_MAX || n < 0)
		n = 0;
	if (n && text[n - 1] == '\n')
		n--;
	/* it ends up on a terminal */
	for (int64_t i = 0; i < n; i++)
		text[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	text[n] = '\0';
}

static enum err host_failed(struct carrier_pread *c, int error, const char *what,
			    struct err_ctx *err)
{
	char text[TEXT_MAX + 1];

	read_reason(c, text);
	if (text[0] && error != ENAMETOOLONG)
		return err_set(err, code_of(error), "the device's host says: %s", text);
	/* once there was a session: its names don't go before it does */
	if (error == ENOTCONN || error == ECONNABORTED || (c->session && error == ENOENT))
		return err_set(err, ERR_GONE, "the memory device's file system went away");
	if (error == ESTALE)
		return err_set(err, ERR_GONE, "the session with the memory device is over");
	return err_set_errno(err, code_of(error), error, "%s", what);
}

/* Was a call interrupted, and is there time for another try? *since is 0 before the first one. */
static bool once_more(struct carrier_pread *c, int64_t result, uint64_t *since)
{
	uint64_t t;

	if (result != -EINTR)
		return false;
	t = c->io->now(c->io);
	if (!*since)
		*since = t;
	return t - *since < DEADLINE_NS;
}

/* Open the file of this name in the session's directory. */
static enum err open_name(struct carrier_pread *c, const char *what, int *ret, struct err_ctx *err)
{
	uint64_t since = 0;
	int fd;

	do {
		fd = c->io->open(c->io, c->path);
	} while (once_more(c, fd, &since));
	c->stats.opens++;
	c->stats.bytes += strlen(c->path + c->prefix);
	if (fd < 0)
		return host_failed(c, -fd, what, err);
	*ret = fd;
	return ERR_OK;
}

static void close_file(struct carrier_pread *c, int *fd)
{
	if (*fd >= 0)
		c->io->close(c->io, *fd);
	*fd = -1;
}

static enum err read_file(struct carrier_pread *c, int fd, void *buf, size_t size, uint64_t offset,
			  size_t *size_ret, struct err_ctx *err)
{
	uint64_t since = 0;
	int64_t n;

	do {
		n = c->io->read(c->io, fd, buf, size, offset);
	} while (once_more(c, n, &since));
	c->stats.preads++;
	if (n < 0)
		return host_failed(c, (int)-n, "can't read from the memory device", err);
	/* the host may say anything */
	if ((uint64_t)n > size)
		return err_set(err, ERR_TAMPERED, "a read of %zu bytes brought %lld", size, (long long)n);
	c->stats.bytes += (size_t)n;
	*size_ret = (size_t)n;
	return ERR_OK;
}

static char *put_base64(char *to, const uint8_t *bytes, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0, held = 0;

	for (; size; size--, bytes++) {
		bits = bits << 8 | *bytes;
		for (held += 8; held >= 6; held -= 6)
			*to++ = digits[bits >> (held - 6) & 63];
	}
	if (held)
		*to++ = digits[bits << (6 - held) & 63];
	return to;
}

/*
 * Send a message: files are opened whose names are its pieces. The last one, at *fd_ret, holds the
 * answer. A session that has no open file ends: there is always one, from the hello's first piece on.
 */
static enum err send_pieces(struct carrier_pread *c, const char *directory, const uint8_t *bytes,
			    size_t size, int *fd_ret, struct err_ctx *err)
{
	int before = -1, fd = -1;

	for (size_t at = 0; at < size; at += c->piece) {
		size_t n = size - at < c->piece ? size - at : c->piece;
		char *end = c->path + c->prefix;
		enum err e;

		end += sprintf(end, "%s/%zu.%zu.", directory, at, size);
		*put_base64(end, bytes + at, n) = '\0';
		e = open_name(c, "can't send to the memory device", &fd, err);
		close_file(c, &before);
		if (e)
			return e;
		before = fd;
	}
	*fd_ret = fd;
	return ERR_OK;
}

/* Bytes that go into a name of `size` characters. */
static size_t piece_of(size_t size)
{
	return (size - NUMBERS_SIZE) * 3 / 4;
}

/* As above; where long names aren't taken, with shorter ones from then on. */
static enum err send_message(struct carrier_pread *c, const char *directory, const uint8_t *bytes,
			     size_t size, int *fd_ret, struct err_ctx *err)
{
	struct err_ctx first = {0};
	enum err e = send_pieces(c, directory, bytes, size, fd_ret, &first);

	if (e && first.sys_errno == ENAMETOOLONG && c->piece > piece_of(NAME_USUAL_SIZE)) {
		c->piece = piece_of(NAME_USUAL_SIZE);
		return send_pieces(c, directory, bytes, size, fd_ret, err);
	}
	if (e && err && err->code == ERR_OK)
		*err = first;
	return e;
}

bool carrier_pread_forked(const struct carrier_pread *c)
{
	return c->io->process(c->io) != c->owner;
}

enum err pread_check_owner(const struct carrier_pread *c, struct err_ctx *err)
{
	return carrier_pread_forked(c) ? err_set(err, ERR_GONE,
					      "the session with the memory device belongs to a parent "
					      "process: open another one")
				    : ERR_OK;
}

/* ---- the session's opening ---- */

static enum err begin_session(struct carrier_pread *c, const uint8_t *hello, size_t size,
			      struct err_ctx *err)
{
	enum err e;

	if (size < SESSION_NAME_SIZE)
		return err_set(err, ERR_INVAL, "a hello of %zu bytes", size);
	for (int i = 0; i < SESSION_NAME_SIZE; i++)
		c->prefix += (size_t)sprintf(c->path + c->prefix, "%02x", hello[i]);
	c->path[c->prefix++] = '/';
	e = send_message(c, "hello", hello, size, &c->hello, err);
	if (e == ERR_ABSENT && err && err->sys_errno == ENOENT) {
		c->path[c->prefix - 2 * SESSION_NAME_SIZE - 2] = '\0';
		err_clear(err);
		err_set(err, e, "no memory device serves %.150s: is its file system mounted there?",
			c->path);
	}
	return e;
}

static enum err transport_send(struct sealed_transport *t, enum channel_frame_kind kind,
			       const void *bytes, size_t size, struct err_ctx *err)
{
	struct carrier_pread *c = from_transport(t);

	switch (kind) {
	case CHANNEL_FRAME_OPEN: /* said by the path */
		c->expected = CHANNEL_FRAME_OPENED;
		return ERR_OK;
	case CHANNEL_FRAME_HELLO:
		c->expected = CHANNEL_FRAME_ANSWER;
		return begin_session(c, bytes, size, err);
	case CHANNEL_FRAME_RECORD:
		c->expected = CHANNEL_FRAME_RECORD;
		c->message_at = 0;
		return send_message(c, "record", bytes, size, &c->message, err);
	default:
		return err_set(err, ERR_INVAL, "a frame of kind %d over files", (int)kind);
	}
}

static enum err transport_receive(struct sealed_transport *t, enum channel_frame_kind *kind_ret,
				  void *buf, size_t *size_ret, struct err_ctx *err)
{
	struct carrier_pread *c = from_transport(t);

	*kind_ret = c->expected;
	*size_ret = 0;
	if (c->expected == CHANNEL_FRAME_OPENED)
		return ERR_OK;
	/* the answer, or acceptance: either is one frame */
	return read_file(c, c->expected == CHANNEL_FRAME_ANSWER ? c->hello : c->message, buf,
			 CHANNEL_FRAME_PAYLOAD_MAX, 0, size_ret, err);
}

/* ---- reads by address ---- */

static void close_memory(struct carrier_pread *c)
{
	for (int i = 0; i < PREAD_SPACES; i++)
		close_file(c, &c->files[i].fd);
}

/* The file of `space` in this epoch. */
static enum err memory_file(struct carrier_pread *c, uint64_t space, int *ret, struct err_ctx *err)
{
	struct pread_file *oldest = &c->files[0];
	char *end = c->path + c->prefix;
	enum err e;

	if (!c->epoch_begun) {
		close_memory(c);
		if (!c->random->fill(c->random->ctx, &c->epoch, sizeof(c->epoch)))
			return err_set(err, ERR_IO, "no randomness for an epoch");
		c->epoch_begun = true;
	}
	for (int i = 0; i < PREAD_SPACES; i++) {
		struct pread_file *f = &c->files[i];

		if (f->fd >= 0 && f->space == space) {
			f->used = ++c->uses;
			*ret = f->fd;
			return ERR_OK;
		}
		if (oldest->fd >= 0 && (f->fd < 0 || f->used < oldest->used))
			oldest = f;
	}
	close_file(c, &oldest->fd);
	end += sprintf(end, "%016llx", (unsigned long long)c->epoch);
	if (space)
		sprintf(end, ".%llx", (unsigned long long)space);
	e = open_name(c, "can't open guest memory", &oldest->fd, err);
	if (e)
		return e;
	oldest->space = space;
	oldest->used = ++c->uses;
	*ret = oldest->fd;
	return ERR_OK;
}

enum err pread_memory(struct carrier_pread *c, uint64_t space, uint64_t address,
			    size_t length, struct channel_bytes *head_ret, const uint8_t **data_ret,
			    struct err_ctx *err)
{
	struct channel_bound question = {.space = space, .address = address, .length = length};
	const void *plain;
	uint64_t offset;
	size_t size = 0;
	int fd = -1;
	enum err e;

	if (!channel_offset_of(address, &offset))
		return err_set_addr(err, ERR_INVAL, address, "no file offset stands for this address");
	e = memory_file(c, space, &fd, err);
	if (!e)
		e = read_file(c, fd, c->record, CHANNEL_BYTES_OVERHEAD + length, offset, &size, err);
	question.epoch = c->epoch;
	if (!e)
		e = sealed_session_open_record(c->session, c->record, size, CHANNEL_BYTES, &question,
					       &plain, &size, err);
	return e ? e : channel_bytes_decode(plain, size, &question, head_ret, data_ret, err);
}

static bool span_done(const struct pread_span *s)
{
	return s->last < s->first;
}

/*
 * Take more spans into [*first, *last], those in it and near it, while it stays small enough. They
 * are few, and what is wanted next shall come next: so they aren't sorted.
 */
static void gather(struct carrier_pread *c, uint64_t space, uint64_t *first, uint64_t *last)
{
	bool grown = true;

	while (grown) {
		grown = false;
		for (uint32_t i = c->next_span; i < c->span_count; i++) {
			struct pread_span *s = &c->spans[i];
			uint64_t low = s->first < *first ? s->first : *first;
			uint64_t high = s->last > *last ? s->last : *last;

			if (span_done(s) || s->space != space || high - low >= c->cluster ||
			    (s->first > *last && s->first - *last > GAP_PAGES + 1) ||
			    (s->last < *first && *first - s->last > GAP_PAGES + 1))
				continue;
			*first = low;
			*last = high;
			s->first = 1;
			s->last = 0;
			grown = true;
		}
	}
}

static uint32_t at_most(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/*
 * Around a page that was missed and that nothing was said about: more, and the more the nearer it is
 * to the one before. The window is aligned, so that it stays on one side of all borders.
 */
static void read_ahead(struct carrier_pread *c, uint64_t space, uint64_t *first, uint64_t *last)
{
	uint64_t distance = *first > c->last_page ? *first - c->last_page : c->last_page - *first;
	uint32_t most = AHEAD_MIN;

	while (2 * most <= c->cluster)
		most *= 2;
	if (space == c->last_space && distance <= 2 * (uint64_t)c->ahead)
		c->ahead = at_most(2 * c->ahead, most);
	else if (c->ahead > AHEAD_MIN)
		c->ahead /= 2;
	if (*last - *first + 1 < c->ahead && c->cluster >= c->ahead) {
		uint64_t low = *first & ~(uint64_t)(c->ahead - 1), high = low + c->ahead - 1;

		if (*last <= high) {
			*first = low;
			*last = high;
		}
	}
	c->last_space = space;
	c->last_page = *last + 1;
}

/* What to read next: takes it off the spans. */
static void next_cluster(struct carrier_pread *c, uint64_t *space, uint64_t *first, uint64_t *last)
{
	struct pread_span *s;

	while (span_done(&c->spans[c->next_span]))
		c->next_span++;
	s = &c->spans[c->next_span];
	*space = s->space;
	*first = s->first;
	*last = s->last - s->first >= c->cluster ? s->first + c->cluster - 1 : s->last;
	if (*last < s->last)
		s->first = *last + 1;
	else
		c->next_span++;
	gather(c, *space, first, last);
	if (c->missed)
		read_ahead(c, *space, first, last);
	c->missed = false;
}

static bool more_spans(struct carrier_pread *c)
{
	while (c->next_span < c->span_count && span_done(&c->spans[c->next_span]))
		c->next_span++;
	return c->next_span < c->span_count && c->budget;
}

/*
 * How many pages from `first` on have file offsets. Addresses that aren't canonical have none, and no
 * translation either; nor has the last page of all, where a read with its record's overhead would
 * end beyond the largest offset: Linux keeps it free (ERR_PTR).
 */
static size_t askable_pages(uint64_t first, size_t pages)
{
	uint64_t at;
	size_t n = 0;

	while (n < pages && channel_offset_of((first + n) * CHANNEL_PAGE_SIZE, &at) &&
	       at <= INT64_MAX - CHANNEL_BYTES_OVERHEAD - CHANNEL_PAGE_SIZE)
		n++;
	return n;
}

/* One pread as a record of an answer: what a device that was asked in whole would have sent. */
static enum err read_cluster(struct carrier_pread *c, uint8_t *plain, size_t *size_ret,
			     struct err_ctx *err)
{
	struct channel_pages head = {.number = c->number};
	size_t used = CHANNEL_PAGES_HEADER_SIZE;
	uint64_t space, first, last;
	struct channel_bytes bytes = {0};
	const uint8_t *data = NULL;
	size_t pages, askable;
	enum err e;

	next_cluster(c, &space, &first, &last);
	pages = last - first + 1;
	askable = askable_pages(first, pages);
	c->budget -= at_most(c->budget, (uint32_t)pages);
	head.generation = c->session->accept.generation;
	if (askable) {
		e = pread_memory(c, space, first * CHANNEL_PAGE_SIZE, askable * CHANNEL_PAGE_SIZE,
				&bytes, &data, err);
		if (e)
			return e;
		head.generation = bytes.generation;
	}
	bytes.unmapped |= ~0ull << askable;
	for (size_t i = 0; i < pages; i++) {
		enum channel_page_state state = bytes.unmapped >> i & 1 ? CHANNEL_PAGE_UNMAPPED :
						bytes.nophys >> i & 1	? CHANNEL_PAGE_NOPHYS :
									  CHANNEL_PAGE_DATA;

		used += channel_piece_encode(
			&(struct channel_piece){
				.space = space,
				.address = (first + i) * CHANNEL_PAGE_SIZE,
				.state = state,
				.lines = state == CHANNEL_PAGE_DATA ? UINT64_MAX : 0,
				.data = state == CHANNEL_PAGE_DATA ? data + i * CHANNEL_PAGE_SIZE : NULL,
			},
			plain + used);
		head.count++;
	}
	if (more_spans(c))
		head.flags = CHANNEL_PAGES_MORE;
	else if (c->next_span < c->span_count)
		head.flags = CHANNEL_PAGES_TRUNCATED;
	channel_pages_encode(&head, plain);
	*size_ret = used;
	return ERR_OK;
}

static enum err ask_by_address(struct carrier_pread *c, const void *request, size_t size,
			       struct err_ctx *err)
{
	struct channel_request *r = &c->request;
	enum err e = channel_request_decode(request, size, r, err);

	if (e)
		return e;
	for (uint32_t i = 0; i < r->count; i++) {
		const struct channel_item *item = &r->items[i];

		if (item->kind != CHANNEL_READ)
			return err_set(err, ERR_UNSUPPORTED, "lists aren't chased over pread");
		c->spans[i] = (struct pread_span){
			.space = item->space,
			.first = item->address / CHANNEL_PAGE_SIZE,
			.last = (item->size - 1 > UINT64_MAX - item->address ?
					 UINT64_MAX :
					 item->address + item->size - 1) /
				CHANNEL_PAGE_SIZE,
		};
	}
	c->number = r->number;
	c->span_count = r->count;
	c->next_span = 0;
	c->budget = REQUEST_PAGES;
	c->missed = true;
	return ERR_OK;
}

/* ---- sealed requests ---- */

static enum err ask_sealed(struct carrier_pread *c, const void *request, size_t size,
			   struct err_ctx *err)
{
	enum err e = sealed_session_seal(c->session, request, size, c->record, sizeof(c->record),
					 &size, err);

	c->message_at = 0;
	return e ? e : send_message(c, "record", c->record, size, &c->message, err);
}

/* A record, and the end of its answer if it says so. */
static enum err receive_sealed(struct carrier_pread *c, uint8_t *record, const void **plain_ret,
			       size_t *size_ret, struct err_ctx *err)
{
	uint32_t flags;
	size_t size;
	enum err e = read_file(c, c->message, record, CHANNEL_RECORD_MAX, c->message_at, &size, err);

	if (e)
		return e;
	c->message_at += size;
	e = sealed_session_open_record(c->session, record, size, CHANNEL_PAGES, NULL, plain_ret,
				       size_ret, err);
	if (e)
		return e;
	if (*size_ret < CHANNEL_PAGES_HEADER_SIZE)
		return err_set(err, ERR_CORRUPT, "an answer of %zu bytes has no head", *size_ret);
	memcpy(&flags, (const uint8_t *)*plain_ret + 16, sizeof(flags));
	if (!(flags & CHANNEL_PAGES_MORE))
		close_file(c, &c->message);
	return ERR_OK;
}

/* ---- the carrier ---- */

static enum err carrier_send(struct sealed_carrier *s, const void *request, size_t size,
			     struct err_ctx *err)
{
	struct carrier_pread *c = from_sealed(s);
	enum err e = pread_check_owner(c, err);

	if (e)
		return e;
	return c->way == CARRIER_PREAD_REQUESTS ? ask_sealed(c, request, size, err) :
						  ask_by_address(c, request, size, err);
}

static enum err carrier_receive(struct sealed_carrier *s, uint8_t *record, const void **plain_ret,
				size_t *size_ret, struct err_ctx *err)
{
	struct carrier_pread *c = from_sealed(s);
	enum err e = pread_check_owner(c, err);

	if (e)
		return e;
	if (c->way == CARRIER_PREAD_REQUESTS)
		return receive_sealed(c, record, plain_ret, size_ret, err);
	*plain_ret = record;
	return read_cluster(c, record, size_ret, err);
}

static void carrier_drop(struct sealed_carrier *s)
{
	struct carrier_pread *c = from_sealed(s);

	c->span_count = c->next_span = 0;
}

static void carrier_epoch(struct sealed_carrier *s)
{
	struct carrier_pread *c = from_sealed(s);

	c->epoch_begun = false;
	/* the same place as in the epoch before is no sign of what comes next */
	c->ahead = AHEAD_MIN;
	c->last_space = UINT64_MAX;
}

static uint64_t now(struct sealed_carrier *s)
{
	struct carrier_pread *c = from_sealed(s);

	return c->io->now(c->io);
}

static struct sealed_carrier_stats stats(struct sealed_carrier *s)
{
	struct carrier_pread *c = from_sealed(s);

	return (struct sealed_carrier_stats){
		.cipher_calls = channel_sealer_count(c->session->sealer) +
				channel_opener_count(c->session->opener),
		.wire_bytes = c->stats.bytes,
		.sleeps = c->stats.opens + c->stats.preads,
	};
}

/* DIR/VM/ */
static enum err set_path(struct carrier_pread *c, const char *directory, const char *vm,
			 struct err_ctx *err)
{
	size_t directory_size = strlen(directory), vm_size = strlen(vm);

	if (!channel_vm_name_valid(vm))
		return err_set(err, ERR_INVAL, "not a name that a VM may have");
	if (directory_size + vm_size + 2 * SESSION_NAME_SIZE + 8 > PREFIX_MAX)
		return err_set(err, ERR_INVAL, "the path of the device's file system is too long");
	c->prefix = (size_t)sprintf(c->path, "%s/%s/", directory, vm);
	return ERR_OK;
}

enum err carrier_pread_open_with(struct base_alloc *alloc, struct carrier_files *io,
				 const char *directory, const struct carrier_pread_options *o,
				 struct carrier_pread **ret, struct err_ctx *err)
{
	struct sealed_session_options session = o->session;
	struct carrier_pread *c;
	enum err e;

	if (o->name_max && (o->name_max < NAME_MIN_SIZE || o->name_max > NAME_MAX_SIZE))
		return err_set(err, ERR_INVAL, "names of %u characters", o->name_max);
	if (o->cluster_pages >= CHANNEL_BYTES_PAGES_MAX)
		return err_set(err, ERR_INVAL, "%u pages in one pread are too many",
			       o->cluster_pages);
	c = base_alloc_zeroed(alloc, 1, sizeof(*c));
	if (!c)
		return err_set(err, ERR_NOMEM, "out of memory for a session");
	c->alloc = alloc;
	c->io = io;
	c->owner = io->process(io);
	c->way = o->way;
	c->cluster = o->cluster_pages ? o->cluster_pages : CLUSTER_PAGES;
	c->piece = piece_of(o->name_max ? o->name_max : NAME_MAX_SIZE);
	c->ahead = AHEAD_MIN;
	c->random = o->session.random;
	c->hello = c->message = -1;
	for (int i = 0; i < PREAD_SPACES; i++)
		c->files[i].fd = -1;
	c->transport.send = transport_send;
	c->transport.receive = transport_receive;
	c->sealed.send = carrier_send;
	c->sealed.receive = carrier_receive;
	c->sealed.now = now;
	c->sealed.stats = stats;
	session.order = CHANNEL_IN_ORDER;
	if (o->way == CARRIER_PREAD_ADDRESSES) {
		session.order = CHANNEL_UNORDERED;
		c->sealed.drop = carrier_drop;
		c->sealed.epoch = carrier_epoch;
		c->sealed.reads_only = true;
	}
	e = set_path(c, directory, session.vm, err);
	if (!e)
		e = sealed_session_open(alloc, &c->transport, &session, &c->session, err);
	close_file(c, &c->message);
	if (e)
		carrier_pread_close(c);
	else
		*ret = c;
	return e;
}

void carrier_pread_close(struct carrier_pread *c)
{
	if (!c)
		return;
	close_memory(c);
	close_file(c, &c->message);
	close_file(c, &c->hello);
	sealed_session_close(c->session);
	base_free(c->alloc, c);
}

struct sealed_carrier *carrier_pread_sealed(struct carrier_pread *c)
{
	return &c->sealed;
}

const struct channel_accept *carrier_pread_accept(const struct carrier_pread *c)
{
	return &c->session->accept;
}

const char *carrier_pread_path(struct carrier_pread *c)
{
	c->path[c->prefix] = '\0';
	return c->path;
}

struct sealed_session *carrier_pread_session(struct carrier_pread *c)
{
	return c->session;
}

struct carrier_pread_stats carrier_pread_stats(const struct carrier_pread *c)
{
	return c->stats;
}
