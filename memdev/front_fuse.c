// SPDX-License-Identifier: MIT
/*
 * The pread carrier as a file system. Everything that a file's name or a read can say is checked
 * here and in front_path.c; what is carried can't be: it is sealed.
 *
 * Names live as long as the kernel holds them (lookup counts), a session lives as long as one of its
 * files is open, and neither waits for the other: an open file holds what it needs itself.
 */
#define FUSE_USE_VERSION 314

#include "front_fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum {
	VMS_MAX = 1024,
	/* The largest pread that the kernel passes on whole; above what one record can need. */
	READ_MAX = 512 * 1024,
	EVENTS = 64,
	REQUESTS = 64, /* of the kernel, before the device's answers get their turn */
	TICK_MS = 250,
};
_Static_assert((int)READ_MAX >= (int)CHANNEL_RECORD_MAX, "a record in one pread");

/* How long the kernel may keep what doesn't change: attributes, and directories in use. */
static const double keep_s = 3600;
/* How long a session that is over stays, so that its error can be read. */
static const uint64_t over_ns = 10000000000;

enum node_kind {
	NODE_VM,
	NODE_SESSION,
	NODE_HELLO,
	NODE_RECORD,
	NODE_ERROR,
	NODE_MEMORY,
	NODE_PIECE,
};

/* What the kernel knows by a number, which is this one's address. */
struct node {
	enum node_kind kind;
	uint64_t lookups;
	uint64_t ino;
	struct vm *vm;	   /* of NODE_VM */
	struct seat *seat; /* of the others */
};

struct vm {
	struct node node;
	struct vm *next;
	unsigned int seats;
	bool forgetting; /* the kernel was asked to forget it */
	char name[FRONT_NAME_MAX + 1];
};

/* A session's directory, with the session once there is a hello. */
struct seat {
	struct node dir, hello, record, error;
	struct seat *next;
	struct vm *vm;
	struct front_session_name name;
	uid_t uid;
	gid_t gid;
	struct front_session *session;
	unsigned int files; /* nodes of this session beside the four above */
	unsigned int opens;
	uint64_t ended_ns; /* when it was found to be over; 0: not yet */
	bool left;	   /* ended by its user, who asks for no reason */
	bool forgetting;   /* the kernel was asked to forget it */

	/* The message that is put together from pieces. */
	enum node_kind upload_kind;
	uint32_t upload_total, upload_used;
	uint8_t *upload;
};

struct memory_file {
	struct node node;
	uint64_t epoch, space;
};

struct piece_file {
	struct node node;
	enum node_kind kind; /* NODE_HELLO, NODE_RECORD */
	struct front_piece piece;
};

struct front {
	struct front_relay relay;
	struct fuse_session *fuse;
	struct front_limits limits;
	struct vm *vms;
	struct seat *seats;
	unsigned int vm_count, seat_count;
	uint64_t next_ino;
	int forget_fd; /* to the thread that has names forgotten */
};

/* ---- open files ---- */

enum file_kind {
	FILE_MEMORY,
	FILE_MESSAGE,
	FILE_PIECE, /* of a message that isn't complete */
	FILE_ERROR,
};

/* A message that was sent, and its answer as far as it is here. */
struct message {
	struct front_wait wait;
	bool asked; /* `wait` is with the relay */
	bool closed;
	bool hello;
	int error;
	uint64_t base; /* offset in the answer of what is at `bytes` */
	size_t size;
	uint8_t *bytes;

	fuse_req_t req; /* a pread that waits; NULL: none */
	size_t req_size;
};

struct file {
	enum file_kind kind;
	struct seat *seat;
	uint64_t epoch, space;	 /* FILE_MEMORY */
	struct message *message; /* FILE_MESSAGE */
};

/* One pread of guest memory on its way. */
struct memory_read {
	struct front_wait wait;
	fuse_req_t req; /* NULL: it was interrupted */
	size_t size;
};

static struct front *front_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static struct node *node_of(fuse_ino_t ino)
{
	return (struct node *)(uintptr_t)ino;
}

static struct file *file_of(const struct fuse_file_info *fi)
{
	return (struct file *)(uintptr_t)fi->fh;
}

/* ---- names ---- */

static void node_init(struct front *f, struct node *n, enum node_kind kind)
{
	n->kind = kind;
	n->ino = ++f->next_ino;
}

static struct stat attributes(const struct front *f, const struct node *n)
{
	struct stat st = {.st_nlink = 1, .st_blksize = 4096};

	if (!n || n->kind == NODE_VM) {
		st.st_mode = S_IFDIR | f->limits.mode;
		st.st_uid = f->limits.uid;
		st.st_gid = f->limits.gid;
		st.st_ino = n ? n->ino : FUSE_ROOT_ID;
		return st;
	}
	st.st_ino = n->ino;
	st.st_uid = n->seat->uid;
	st.st_gid = n->seat->gid;
	if (n->kind == NODE_SESSION || n->kind == NODE_HELLO || n->kind == NODE_RECORD)
		st.st_mode = S_IFDIR | 0500;
	else
		st.st_mode = S_IFREG | 0400;
	/* Containers that clip reads at the size find all of the address space within it. */
	if (n->kind == NODE_MEMORY)
		st.st_size = INT64_MAX;
	return st;
}

static void reply_entry(fuse_req_t req, struct node *n, bool keep)
{
	struct front *f = front_of(req);
	struct fuse_entry_param e = {
		.ino = (uintptr_t)n,
		.generation = n->ino,
		.attr = attributes(f, n),
		.attr_timeout = keep_s,
		.entry_timeout = keep ? keep_s : 0,
	};

	n->lookups++;
	/* the kernel doesn't know it then */
	if (fuse_reply_entry(req, &e))
		n->lookups--;
}

static void vm_drop_unused(struct front *f)
{
	for (struct vm **at = &f->vms; *at;) {
		struct vm *vm = *at;

		if (vm->node.lookups || vm->seats) {
			at = &vm->next;
			continue;
		}
		*at = vm->next;
		f->vm_count--;
		free(vm);
	}
}

/* Does the VM have a session whose opening succeeded? Then the name is a real one. */
static bool vm_is_real(const struct front *f, const struct vm *vm)
{
	for (const struct seat *s = f->seats; s; s = s->next) {
		if (s->vm == vm && s->session && front_session_is_open(s->session))
			return true;
	}
	return false;
}

static void lookup_vm(fuse_req_t req, const char *name)
{
	struct front *f = front_of(req);
	struct vm *vm = f->vms;

	if (!channel_vm_name_valid(name) || strlen(name) > FRONT_NAME_MAX) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	while (vm && strcmp(vm->name, name) != 0)
		vm = vm->next;
	if (!vm) {
		if (f->vm_count == VMS_MAX)
			vm_drop_unused(f);
		vm = f->vm_count < VMS_MAX ? calloc(1, sizeof(*vm)) : NULL;
		if (!vm) {
			fuse_reply_err(req, ENFILE);
			return;
		}
		node_init(f, &vm->node, NODE_VM);
		vm->node.vm = vm;
		memcpy(vm->name, name, strlen(name));
		vm->next = f->vms;
		f->vms = vm;
		f->vm_count++;
	}
	vm->forgetting = false;
	reply_entry(req, &vm->node, vm_is_real(f, vm));
}

static bool seat_is_unused(const struct seat *s)
{
	return !s->dir.lookups && !s->hello.lookups && !s->record.lookups && !s->error.lookups &&
	       !s->files && !s->opens;
}

static void seat_destroy(struct front *f, struct seat *s)
{
	if (s->session)
		front_session_end(s->session, ESTALE, "");
	front_session_destroy(s->session);
	free(s->upload);
	s->vm->seats--;
	f->seat_count--;
	free(s);
}

static unsigned int seats_of(const struct front *f, uid_t uid)
{
	unsigned int n = 0;

	for (const struct seat *s = f->seats; s; s = s->next)
		n += s->uid == uid;
	return n;
}

static struct seat *seat_create(struct front *f, struct vm *vm, const struct front_session_name *name,
				const struct fuse_ctx *ctx)
{
	struct seat *s;

	/* Nobody but root can take all there is. */
	if (f->seat_count >= FRONT_SESSIONS_MAX ||
	    (ctx->uid && seats_of(f, ctx->uid) >= FRONT_SESSIONS_MAX / 2))
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	node_init(f, &s->dir, NODE_SESSION);
	node_init(f, &s->hello, NODE_HELLO);
	node_init(f, &s->record, NODE_RECORD);
	node_init(f, &s->error, NODE_ERROR);
	s->dir.seat = s->hello.seat = s->record.seat = s->error.seat = s;
	s->name = *name;
	s->uid = ctx->uid;
	s->gid = ctx->gid;
	s->vm = vm;
	vm->seats++;
	f->seat_count++;
	s->next = f->seats;
	f->seats = s;
	return s;
}

static bool seat_stands(const struct seat *s)
{
	return s->session && front_session_is_open(s->session);
}

static void lookup_session(fuse_req_t req, struct vm *vm, const char *text)
{
	struct front *f = front_of(req);
	struct front_session_name name;
	struct seat *s = f->seats;

	if (!front_session_parse(text, &name)) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	while (s && (s->vm != vm || memcmp(&s->name, &name, sizeof(name)) != 0))
		s = s->next;
	if (!s)
		s = seat_create(f, vm, &name, fuse_req_ctx(req));
	if (!s) {
		fuse_reply_err(req, ENFILE);
		return;
	}
	reply_entry(req, &s->dir, seat_stands(s));
}

static void lookup_in_session(fuse_req_t req, struct seat *s, const char *name)
{
	struct memory_file *m;
	struct front_entry e;

	if (!front_entry_parse(name, &e)) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	if (e.kind == FRONT_ENTRY_HELLO)
		return reply_entry(req, &s->hello, seat_stands(s));
	if (e.kind == FRONT_ENTRY_RECORD)
		return reply_entry(req, &s->record, seat_stands(s));
	if (e.kind == FRONT_ENTRY_ERROR)
		return reply_entry(req, &s->error, false);
	m = seat_stands(s) ? calloc(1, sizeof(*m)) : NULL;
	if (!m) {
		fuse_reply_err(req, seat_stands(s) ? ENOMEM : s->session ? ESTALE : ENOENT);
		return;
	}
	node_init(front_of(req), &m->node, NODE_MEMORY);
	m->node.seat = s;
	m->epoch = e.epoch;
	m->space = e.space;
	s->files++;
	reply_entry(req, &m->node, false);
}

static void lookup_piece(fuse_req_t req, struct node *parent, const char *name)
{
	struct piece_file *p = calloc(1, sizeof(*p));

	if (!p || !front_piece_parse(name, &p->piece)) {
		fuse_reply_err(req, p ? ENOENT : ENOMEM);
		free(p);
		return;
	}
	node_init(front_of(req), &p->node, NODE_PIECE);
	p->node.seat = parent->seat;
	p->kind = parent->kind;
	p->node.seat->files++;
	reply_entry(req, &p->node, false);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct node *n = node_of(parent);

	if (strlen(name) > FRONT_PIECE_NAME_MAX)
		fuse_reply_err(req, ENAMETOOLONG);
	else if (parent == FUSE_ROOT_ID)
		lookup_vm(req, name);
	else if (n->kind == NODE_VM)
		lookup_session(req, n->vm, name);
	else if (n->kind == NODE_SESSION)
		lookup_in_session(req, n->seat, name);
	else if (n->kind == NODE_HELLO || n->kind == NODE_RECORD)
		lookup_piece(req, n, name);
	else
		fuse_reply_err(req, ENOTDIR);
}

/* Files go with their name; directories stay with their session, and VMs are looked after in tick(). */
static void forget(fuse_ino_t ino, uint64_t lookups)
{
	struct node *n = node_of(ino);

	if (ino == FUSE_ROOT_ID)
		return;
	n->lookups -= lookups < n->lookups ? lookups : n->lookups;
	if (n->lookups || (n->kind != NODE_MEMORY && n->kind != NODE_PIECE))
		return;
	n->seat->files--;
	free(n);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	forget(ino, lookups);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		forget(forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st = attributes(front_of(req), ino == FUSE_ROOT_ID ? NULL : node_of(ino));

	(void)fi;
	fuse_reply_attr(req, &st, keep_s);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st = {.f_bsize = 4096, .f_namemax = FRONT_PIECE_NAME_MAX};

	(void)ino;
	fuse_reply_statfs(req, &st);
}

/* Nothing is listed: who has a session knows its name. */
static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	(void)ino, (void)size, (void)off, (void)fi;
	fuse_reply_buf(req, NULL, 0);
}

/* ---- messages ---- */

static void message_reply(struct message *m, uint64_t offset, fuse_req_t req, size_t size)
{
	size_t from = offset - m->base;

	if (m->error)
		fuse_reply_err(req, m->error);
	else
		fuse_reply_buf(req, (const char *)m->bytes + from,
			       size < m->size - from ? size : m->size - from);
}

static void message_done(struct front_wait *w, int error, const void *bytes, size_t size)
{
	struct message *m = (struct message *)w;
	fuse_req_t req = m->req;

	m->asked = false;
	m->req = NULL;
	if (m->closed) {
		free(m->bytes);
		free(m);
		return;
	}
	m->error = error;
	if (!error) {
		free(m->bytes);
		m->bytes = malloc(size + 1);
		if (m->bytes)
			memcpy(m->bytes, bytes, size);
		else
			m->error = ENOMEM;
		m->size = m->bytes ? size : 0;
	}
	if (req)
		message_reply(m, m->base, req, m->req_size);
}

static void message_interrupted(fuse_req_t req, void *data)
{
	struct message *m = data;

	/* the answer stays for the next pread */
	m->req = NULL;
	fuse_reply_err(req, EINTR);
}

static void message_read(fuse_req_t req, struct seat *s, struct message *m, uint64_t offset,
			 size_t size)
{
	uint64_t end = m->base + m->size;
	int error = 0;

	if (m->error || (offset >= m->base && offset < end))
		return message_reply(m, offset, req, size);
	if (offset != end || m->req)
		error = offset != end ? EINVAL : EBUSY;
	else if (fuse_req_interrupted(req))
		error = EINTR;
	else if (!m->asked && m->hello)
		return (void)fuse_reply_buf(req, NULL, 0);
	if (error) {
		fuse_reply_err(req, error);
		return;
	}
	m->req = req;
	m->req_size = size;
	fuse_req_interrupt_func(req, message_interrupted, m);
	if (m->asked)
		return;
	/* What comes next takes the place of what was read. */
	m->base = end;
	m->size = 0;
	m->asked = true;
	error = front_session_ask(s->session, FRONT_ASK_MORE, NULL, 0, &m->wait);
	if (error) {
		m->asked = false;
		m->req = NULL;
		fuse_reply_err(req, error);
	}
}

static void message_close(struct seat *s, struct message *m)
{
	if (!m->hello)
		front_session_hold(s->session, false);
	m->closed = true;
	if (m->asked)
		return;
	free(m->bytes);
	free(m);
}

/* Enough sessions of this VM? Those that are over don't count. */
static bool vm_is_full(const struct front *f, const struct vm *vm)
{
	unsigned int n = 0;

	for (const struct seat *s = f->seats; s; s = s->next)
		n += s->vm == vm && s->session && !front_session_is_over(s->session);
	return n >= f->limits.sessions_per_vm;
}

/* A whole hello makes the session. Returns an errno. */
static int begin_session(struct front *f, struct seat *s)
{
	bool full = vm_is_full(f, s->vm);

	if (s->session)
		return EEXIST;
	if (s->upload_total < sizeof(s->name) || s->upload_total > CHANNEL_HELLO_MAX ||
	    memcmp(s->upload, &s->name, sizeof(s->name)) != 0)
		return EINVAL;
	if (front_session_create(&f->relay, s->vm->name, &s->session) != ERR_OK)
		return ENOMEM;
	if (full) {
		char text[FRONT_TEXT_SIZE];

		snprintf(text, sizeof(text), "this VM has %u sessions over pread already",
			 f->limits.sessions_per_vm);
		front_session_end(s->session, EBUSY, text);
		return EBUSY;
	}
	return 0;
}

/* A message is whole: send it. Returns an errno. */
static int message_send(struct front *f, struct seat *s, struct message **ret)
{
	bool hello = s->upload_kind == NODE_HELLO;
	struct message *m;
	int error = hello ? begin_session(f, s) : s->session ? 0 : ENOTCONN;

	if (error)
		return error;
	m = calloc(1, sizeof(*m));
	if (!m)
		return ENOMEM;
	m->wait.done = message_done;
	m->hello = hello;
	m->asked = true;
	if (!hello)
		front_session_hold(s->session, true);
	error = front_session_ask(s->session, hello ? FRONT_ASK_HELLO : FRONT_ASK_RECORD, s->upload,
				  s->upload_total, &m->wait);
	if (error) {
		m->asked = false;
		message_close(s, m);
		return error;
	}
	*ret = m;
	return 0;
}

/* Pieces come in order; the first one begins anew. Returns an errno. */
static int take_piece(struct front *f, const struct piece_file *p, struct file *file)
{
	const struct front_piece *piece = &p->piece;
	struct seat *s = p->node.seat;
	int error;

	if (s->session && front_session_is_over(s->session))
		return ESTALE;
	if (piece->offset == 0) {
		uint8_t *room = realloc(s->upload, piece->total);

		if (!room)
			return ENOMEM;
		s->upload = room;
		s->upload_kind = p->kind;
		s->upload_total = piece->total;
		s->upload_used = 0;
	}
	if (s->upload_kind != p->kind || s->upload_total != piece->total ||
	    s->upload_used != piece->offset)
		return EINVAL;
	memcpy(s->upload + s->upload_used, piece->bytes, piece->size);
	s->upload_used += piece->size;
	file->kind = FILE_PIECE;
	if (s->upload_used < s->upload_total)
		return 0;
	file->kind = FILE_MESSAGE;
	error = message_send(f, s, &file->message);
	free(s->upload);
	s->upload = NULL;
	s->upload_total = s->upload_used = 0;
	return error;
}

/* ---- open, read, release ---- */

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *n = node_of(ino);
	struct file *file = calloc(1, sizeof(*file));
	int error = 0;

	if (!file) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	file->seat = n->seat;
	if (n->kind == NODE_PIECE) {
		error = take_piece(front_of(req), (struct piece_file *)n, file);
	} else if (n->kind == NODE_ERROR) {
		file->kind = FILE_ERROR;
	} else if (n->kind == NODE_MEMORY) {
		file->kind = FILE_MEMORY;
		file->epoch = ((struct memory_file *)n)->epoch;
		file->space = ((struct memory_file *)n)->space;
		error = seat_stands(n->seat) ? 0 : ESTALE;
	} else {
		error = EISDIR;
	}
	if (error) {
		free(file);
		fuse_reply_err(req, error);
		return;
	}
	file->seat->opens++;
	fi->fh = (uintptr_t)file;
	fi->direct_io = 1;
	if (fuse_reply_open(req, fi) == 0)
		return;
	/* Nobody has it: the one who opened was killed meanwhile. */
	if (file->message)
		message_close(file->seat, file->message);
	file->seat->opens--;
	free(file);
}

static void memory_done(struct front_wait *w, int error, const void *bytes, size_t size)
{
	struct memory_read *r = (struct memory_read *)w;

	if (r->req && error)
		fuse_reply_err(r->req, error);
	else if (r->req)
		fuse_reply_buf(r->req, bytes, size < r->size ? size : r->size);
	free(r);
}

static void memory_interrupted(fuse_req_t req, void *data)
{
	struct memory_read *r = data;

	r->req = NULL;
	fuse_reply_err(req, EINTR);
}

static void memory_read(fuse_req_t req, const struct file *file, uint64_t offset, size_t size)
{
	struct channel_bound question = {
		.space = file->space,
		.address = channel_address_of(offset),
		.length = size - CHANNEL_BYTES_OVERHEAD,
		.epoch = file->epoch,
	};
	uint8_t bytes[CHANNEL_READ_SIZE];
	struct memory_read *r;
	int error;

	channel_read_encode(&question, bytes);
	if (size <= CHANNEL_BYTES_OVERHEAD ||
	    channel_read_decode(bytes, sizeof(bytes), &question, NULL) != ERR_OK) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	if (fuse_req_interrupted(req)) {
		fuse_reply_err(req, EINTR);
		return;
	}
	r = malloc(sizeof(*r));
	if (!r) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*r = (struct memory_read){{memory_done}, req, size};
	fuse_req_interrupt_func(req, memory_interrupted, r);
	error = front_session_ask(file->seat->session, FRONT_ASK_READ, bytes, sizeof(bytes),
				  &r->wait);
	if (error) {
		fuse_reply_err(req, error);
		free(r);
	}
}

static void error_read(fuse_req_t req, const struct seat *s, uint64_t offset, size_t size)
{
	const char *why = s->session ? front_session_text(s->session) : "";
	char text[FRONT_TEXT_SIZE + 1];
	size_t used = (size_t)snprintf(text, sizeof(text), "%s%s", why, why[0] ? "\n" : "");

	if (offset > used)
		offset = used;
	fuse_reply_buf(req, text + offset, size < used - offset ? size : used - offset);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	struct file *file = file_of(fi);

	(void)ino;
	switch (file->kind) {
	case FILE_MEMORY:
		return memory_read(req, file, (uint64_t)offset, size);
	case FILE_MESSAGE:
		return message_read(req, file->seat, file->message, (uint64_t)offset, size);
	case FILE_ERROR:
		return error_read(req, file->seat, (uint64_t)offset, size);
	case FILE_PIECE:
		fuse_reply_buf(req, NULL, 0);
	}
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct file *file = file_of(fi);
	struct seat *s = file->seat;

	(void)ino;
	if (file->message)
		message_close(s, file->message);
	free(file);
	s->opens--;
	if (!s->opens && s->session && !front_session_is_over(s->session)) {
		front_session_end(s->session, ESTALE, "all its files were closed");
		s->left = true;
	}
	fuse_reply_err(req, 0);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->max_read = READ_MAX;
	if (conn->max_write > READ_MAX)
		conn->max_write = READ_MAX;
	conn->want &= ~(unsigned int)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
				      FUSE_CAP_SPLICE_MOVE | FUSE_CAP_READDIRPLUS |
				      FUSE_CAP_READDIRPLUS_AUTO);
	conn->want |= conn->capable & FUSE_CAP_PARALLEL_DIROPS;
}

static const struct fuse_lowlevel_ops ops = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.readdir = op_readdir,
	.statfs = op_statfs,
	.open = op_open,
	.read = op_read,
	.release = op_release,
};

/* ---- the loop ---- */

/*
 * Names that the kernel keeps (a directory in use needn't be looked up again) and that are of no use
 * any more are forgotten at our wish. That takes a lock which a look-up may hold that waits for us:
 * so it is done by a thread of its own, which may wait.
 */
struct forget_wish {
	fuse_ino_t parent;
	char name[FRONT_NAME_MAX + 1];
};

struct forgetter {
	struct fuse_session *fuse;
	int fd;
};

static void *forget_names(void *arg)
{
	struct forgetter *f = arg;
	struct forget_wish wish;

	while (read(f->fd, &wish, sizeof(wish)) == sizeof(wish))
		(void)fuse_lowlevel_notify_inval_entry(f->fuse, wish.parent, wish.name,
						       strlen(wish.name));
	close(f->fd);
	free(f);
	return NULL;
}

static enum err forgetter_start(struct front *f, struct err_ctx *err)
{
	struct forgetter *arg = calloc(1, sizeof(*arg));
	pthread_attr_t attr;
	pthread_t thread;
	int ends[2];

	if (!arg || pipe2(ends, O_CLOEXEC)) {
		free(arg);
		return err_set_errno(err, ERR_IO, errno, "can't make a pipe");
	}
	*arg = (struct forgetter){f->fuse, ends[0]};
	f->forget_fd = ends[1];
	(void)!fcntl(ends[1], F_SETFL, O_NONBLOCK);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, forget_names, arg)) {
		close(ends[0]);
		free(arg);
		return err_set(err, ERR_IO, "can't start a thread");
	}
	return ERR_OK;
}

static bool ask_to_forget(struct front *f, const struct forget_wish *wish)
{
	/* full: another time */
	return write(f->forget_fd, wish, sizeof(*wish)) == sizeof(*wish);
}

static bool ask_to_forget_seat(struct front *f, const struct seat *s)
{
	struct forget_wish wish = {.parent = (uintptr_t)&s->vm->node};

	for (size_t i = 0; i < sizeof(s->name.bytes); i++)
		snprintf(wish.name + 2 * i, 3, "%02x", s->name.bytes[i]);
	return ask_to_forget(f, &wish);
}

static bool ask_to_forget_vm(struct front *f, const struct vm *vm)
{
	struct forget_wish wish = {.parent = FUSE_ROOT_ID};

	memcpy(wish.name, vm->name, sizeof(wish.name));
	return ask_to_forget(f, &wish);
}

/* End what is overdue or idle, and see which sessions are over. */
static void seat_tick(struct front *f, struct seat *s, uint64_t now)
{
	if (!s->session)
		return;
	front_session_tick(s->session, now);
	if (!front_session_is_waiting(s->session) &&
	    now - front_session_used_ns(s->session) > f->limits.idle_ns)
		front_session_end(s->session, ESTALE, "it wasn't used for too long");
	if (front_session_is_over(s->session) && !s->ended_ns)
		s->ended_ns = now;
}

static void tick(struct front *f, uint64_t now)
{
	for (struct seat **at = &f->seats; *at;) {
		struct seat *s = *at;
		bool done;

		seat_tick(f, s, now);
		done = !s->session || (s->ended_ns && (s->left || now - s->ended_ns > over_ns));
		if (done && seat_is_unused(s)) {
			*at = s->next;
			seat_destroy(f, s);
			continue;
		}
		if (done && s->session && !s->forgetting)
			s->forgetting = ask_to_forget_seat(f, s);
		at = &s->next;
	}
	vm_drop_unused(f);
	for (struct vm *vm = f->vms; vm; vm = vm->next) {
		if (!vm->seats && !vm->forgetting)
			vm->forgetting = ask_to_forget_vm(f, vm);
	}
}

static void take_requests(struct front *f, struct fuse_buf *buf)
{
	for (int i = 0; i < REQUESTS && !fuse_session_exited(f->fuse); i++) {
		int n = fuse_session_receive_buf(f->fuse, buf);

		if (n == -EINTR)
			continue;
		if (n <= 0) {
			if (n != -EAGAIN)
				fuse_session_exit(f->fuse);
			return;
		}
		fuse_session_process_buf(f->fuse, buf);
	}
}

static void loop(struct front *f)
{
	struct epoll_event events[EVENTS];
	struct fuse_buf buf = {0};
	uint64_t ticked = 0;

	while (!fuse_session_exited(f->fuse)) {
		int n = epoll_wait(f->relay.epoll, events, EVENTS, f->seats || f->vms ? TICK_MS : -1);
		uint64_t now = front_now_ns();

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == f)
				take_requests(f, &buf);
			else if (events[i].data.ptr == &f->forget_fd)
				fuse_session_exit(f->fuse);
			else
				front_session_ready(events[i].data.ptr, events[i].events);
		}
		/* Sessions are destroyed here only, when no event is left that could name one. */
		if (now - ticked >= TICK_MS * 1000000ull) {
			ticked = now;
			tick(f, now);
		}
	}
	free(buf.mem);
}

static void front_deinit(struct front *f)
{
	while (f->seats) {
		struct seat *s = f->seats;

		f->seats = s->next;
		s->opens = 0;
		seat_destroy(f, s);
	}
	for (struct vm *vm = f->vms; vm;) {
		struct vm *next = vm->next;

		free(vm);
		vm = next;
	}
	if (f->forget_fd >= 0)
		close(f->forget_fd);
	if (f->relay.epoll >= 0)
		close(f->relay.epoll);
	free(f);
}

enum err front_mount(const char *directory, struct front **ret, struct err_ctx *err)
{
	char options[128];
	struct front *f = calloc(1, sizeof(*f));
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);

	if (!f)
		return err_set(err, ERR_NOMEM, "out of memory for the file system");
	f->relay.epoll = f->forget_fd = -1;
	/* Who may do what is in the permission bits, and the kernel's to enforce. */
	snprintf(options, sizeof(options),
		 "ro,nosuid,nodev,noexec,default_permissions,%smax_read=%d,fsname=%s,subtype=%s",
		 geteuid() == 0 ? "allow_other," : "", (int)READ_MAX, FRONT_FS_NAME, FRONT_FS_NAME);
	if (fuse_opt_add_arg(&args, FRONT_FS_NAME) || fuse_opt_add_arg(&args, "-o") ||
	    fuse_opt_add_arg(&args, options))
		goto fail;
	f->fuse = fuse_session_new(&args, &ops, sizeof(ops), f);
	fuse_opt_free_args(&args);
	if (!f->fuse || fuse_session_mount(f->fuse, directory)) {
		if (f->fuse)
			fuse_session_destroy(f->fuse);
		goto fail;
	}
	*ret = f;
	return ERR_OK;
fail:
	fuse_opt_free_args(&args);
	front_deinit(f);
	return err_set(err, ERR_IO, "can't mount a FUSE file system on %.150s", directory);
}

int front_fd(const struct front *f)
{
	return fuse_session_fd(f->fuse);
}

enum err front_serve(struct front *f, const char *socket, const struct front_limits *limits,
		     int stop, struct err_ctx *err)
{
	struct epoll_event for_fuse = {.events = EPOLLIN, .data.ptr = f};
	struct epoll_event for_stop = {.events = EPOLLIN, .data.ptr = &f->forget_fd};
	int fd = front_fd(f);
	enum err e;

	f->limits = *limits;
	f->relay.socket = socket;
	f->relay.answer_ns = limits->answer_ns;
	f->next_ino = FUSE_ROOT_ID;
	f->relay.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (f->relay.epoll < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) ||
	    epoll_ctl(f->relay.epoll, EPOLL_CTL_ADD, fd, &for_fuse) ||
	    epoll_ctl(f->relay.epoll, EPOLL_CTL_ADD, stop, &for_stop))
		return err_set_errno(err, ERR_IO, errno, "can't wait for requests");
	e = forgetter_start(f, err);
	if (e == ERR_OK && limits->confine)
		e = limits->confine(err);
	if (e == ERR_OK)
		loop(f);
	return e;
}

void front_leave(struct front *f)
{
	front_deinit(f);
}

void front_destroy(struct front *f)
{
	struct fuse_session *fuse = f->fuse;

	front_deinit(f);
	fuse_session_destroy(fuse);
}
