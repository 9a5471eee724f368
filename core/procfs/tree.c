// SPDX-License-Identifier: MIT
/*
 * The tree: nodes of the vfs are a row and an item, and every operation on one is a single
 * guest_run() in which the item's task is looked up anew, so that nothing is remembered of a guest
 * that runs on. This file is ordinary C; what reads the guest is in the families' files.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"
#include "llview/guest.h"
#include "others.h"
#include "root.h"
#include "shown.h"

struct procfs {
	struct base_alloc *alloc;
	struct llview_guest *guest;
	struct vfs *vfs;
	procfs_names_fn *names;
	void *names_ctx;
	procfs_failed_fn *failed;
	void *failed_ctx;
	signed char facts[PROCFS_FACTS], facts_loaded[PROCFS_FACTS];
	bool pass; /* /proc was listed, in this epoch or in one that only grew old since */
	uint64_t pass_done[PROCFS_PASSES]; /* the epoch in which it was */
	struct shown shown;
	struct others others;
};

/* A node's key. Numbers of tasks fit 31 bits: PID_MAX_LIMIT is 2^22. */
enum {
	KEY_ROW,
	KEY_IDS, /* tgid, tid in the upper half, and the flags */
	KEY_PID, /* address of the struct pid: a number that is used again is another file */
	KEY_ARG,
};

#define IDS_THREAD (1ull << 31)
#define IDS_NET	   (1ull << 63)
#define IDS_NUMBER 0x7fffffffull

/* Inodes that stat shows of anonymous devices: major 0. Which one /proc has can't be known. */
#define PROC_DEV 0x16

static const struct vfs_node_ops dir_ops, file_ops, link_ops, magic_ops, follow_ops;

struct others *procfs_others(struct procfs *p, uint64_t *epoch_ret)
{
	const struct guest_pages *pages = llview_guest_pages(p->guest);

	*epoch_ret = pages->epoch;
	return pages->copies ? &p->others : NULL;
}

signed char *procfs_facts(struct procfs *p)
{
	return p->facts;
}

/* To be changed with the order or meaning of the facts (pid.h: enum proc_fact). */
static const char notes_magic[8] = "SCWFACT1";
_Static_assert(sizeof(notes_magic) + PROCFS_FACTS <= PROCFS_NOTES_SIZE, "facts fit");

size_t procfs_notes_size(void)
{
	return sizeof(notes_magic) + PROCFS_FACTS;
}

void procfs_notes_load(struct procfs *p, const void *bytes, size_t size)
{
	const signed char *facts = (const signed char *)bytes + sizeof(notes_magic);

	if (size != procfs_notes_size() ||
	    memcmp(bytes, notes_magic, sizeof(notes_magic)) != 0)
		return;
	for (int i = 0; i < PROCFS_FACTS; i++)
		p->facts[i] = p->facts_loaded[i] = (signed char)((facts[i] > 0) - (facts[i] < 0));
}

size_t procfs_notes_save(const struct procfs *p, uint8_t ret[PROCFS_NOTES_SIZE])
{
	if (!memcmp(p->facts, p->facts_loaded, sizeof(p->facts)))
		return 0;
	memcpy(ret, notes_magic, sizeof(notes_magic));
	memcpy(ret + sizeof(notes_magic), p->facts, sizeof(p->facts));
	return procfs_notes_size();
}

bool procfs_pass(const struct procfs *p)
{
	return p->pass;
}

bool procfs_pass_first(struct procfs *p, enum procfs_pass what)
{
	uint64_t now = llview_guest_pages(p->guest)->epoch;

	if (p->pass_done[what] == now)
		return false;
	p->pass_done[what] = now;
	if (p->pass && what != PROCFS_PASS_GLOBALS)
		guest_pages_linger(llview_guest_pages(p->guest));
	return true;
}

void procfs_use_names(struct procfs *p, procfs_names_fn *fn, void *ctx)
{
	p->names = fn;
	p->names_ctx = ctx;
}

void procfs_use_failed(struct procfs *p, procfs_failed_fn *fn, void *ctx)
{
	p->failed = fn;
	p->failed_ctx = ctx;
}

/* -EIO, after those were told who want to know. */
static int fail(struct procfs *p, enum err e)
{
	if (p->failed)
		p->failed(p->failed_ctx, e);
	return -EIO;
}

size_t procfs_symbol_name(struct procfs *p, uint64_t address, char *buf, size_t size)
{
	const struct ktype *k = p->names ? p->names(p->names_ctx) : NULL;
	char name[KTYPE_NAME_SIZE];
	uint64_t offset;
	size_t length;

	if (!k || ktype_symbol_at(k, (struct gva){ address }, name, &offset))
		return 0;
	length = strnlen(name, sizeof(name));
	if (length > size)
		length = size;
	memcpy(buf, name, length);
	return length;
}

bool procfs_has_names(struct procfs *p)
{
	return p->names;
}

enum err procfs_symbol_nth(struct procfs *p, uint32_t i, struct ktype_nth *ret)
{
	const struct ktype *k = p->names ? p->names(p->names_ctx) : NULL;

	return k ? ktype_symbol_nth(k, i, ret) : ERR_UNSUPPORTED;
}

bool procfs_symbol_range(struct procfs *p, uint64_t address, uint64_t *start_ret, uint64_t *end_ret)
{
	const struct ktype *k = p->names ? p->names(p->names_ctx) : NULL;
	char name[KTYPE_NAME_SIZE];
	uint64_t offset;
	struct gva end;

	if (!k || ktype_symbol_at(k, (struct gva){ address }, name, &offset) ||
	    ktype_symbol_end(k, (struct gva){ address }, &end))
		return false;
	*start_ret = address - offset;
	*end_ret = end.v;
	return true;
}

int64_t proc_name_to_int(const char *name, size_t name_size)
{
	int64_t n = 0;

	if (!name_size || (name_size > 1 && name[0] == '0'))
		return -1;
	for (size_t i = 0; i < name_size; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		n = n * 10 + (name[i] - '0');
		if (n > INT_MAX)
			return -1;
	}
	return n;
}

static int self_link(const struct proc_item *it, char buf[VFS_PATH_MAX])
{
	(void)it;
	(void)buf;
	/* The reader has no PID in the guest; the kernel says the same to one of another namespace. */
	return -ENOENT;
}

static int link_text(const char *text, char buf[VFS_PATH_MAX])
{
	size_t size = strlen(text);

	memcpy(buf, text, size);
	return (int)size;
}

static int net_link(const struct proc_item *it, char buf[VFS_PATH_MAX])
{
	(void)it;
	return link_text("self/net", buf);
}

static int mounts_link(const struct proc_item *it, char buf[VFS_PATH_MAX])
{
	(void)it;
	return link_text("self/mounts", buf);
}

const struct proc_row proc_net_row = {
	.name = "net", .mode = PROC_DIR(0555), .rows = proc_net_rows, .order = PROC_ORDER_PDE,
};

const struct proc_row proc_tgid_row = {
	.name = "PID", .mode = PROC_DIR(0555), .rows = proc_tgid_rows,
};

const struct proc_row proc_tid_row = {
	.name = "TID", .mode = PROC_DIR(0555), .rows = proc_tid_rows,
};

static const struct proc_row own_rows[] = {
	{ .name = "mounts", .mode = PROC_LNK(0777), .link = mounts_link },
	{ .name = "net", .mode = PROC_LNK(0777), .link = net_link },
	{ 0 }
};

static const struct proc_row self_rows[] = {
	{ .name = "self", .mode = PROC_LNK(0777), .link = self_link },
	{ .name = "thread-self", .mode = PROC_LNK(0777), .link = self_link },
	{ 0 }
};

/* What isn't /proc's, and isn't listed there. */
static const struct proc_row unlisted_rows[] = {
	{ .name = VFS_SYSFS, .mode = PROC_DIR(0555), .rows = proc_sysfs_rows },
	{ 0 }
};

static const struct proc_row root_row = {
	.name = "", .mode = PROC_DIR(0555), .rows = proc_root_rows, .dir = &proc_pid_dir,
	.order = PROC_ORDER_PDE,
};

/* Rows of `row` come from up to this many tables. */
enum {
	TABLES = 2,
};

static void row_tables(const struct proc_row *row, const struct proc_row *ret[TABLES])
{
	ret[0] = row->rows;
	ret[1] = row == &root_row ? own_rows : NULL;
}

static bool row_present(const struct proc_row *row, const struct proc_item *it)
{
	return !row->present || row->present(it);
}

static const struct vfs_node_ops *row_ops(const struct proc_row *row)
{
	if (row->rows || row->dir)
		return &dir_ops;
	if (row->show)
		return &file_ops;
	if (row->target)
		return &magic_ops;
	return row->link == net_link || row->link == mounts_link ? &follow_ops : &link_ops;
}

static struct vfs_node node_of(const struct proc_item *it, const struct proc_row *row)
{
	return (struct vfs_node){
		.ops = row_ops(row),
		.key = {
			[KEY_ROW] = (uintptr_t)row,
			[KEY_IDS] = (uint64_t)it->tgid | (uint64_t)it->tid << 32 |
				    (it->thread ? IDS_THREAD : 0) | (it->in_net ? IDS_NET : 0),
			[KEY_PID] = it->pid,
			[KEY_ARG] = it->arg,
		},
	};
}

static const struct proc_row *row_of(const struct vfs_node *n)
{
	return (const struct proc_row *)(uintptr_t)n->key[KEY_ROW];
}

/* Stable made-up inode numbers of 32 bits, as the kernel's are: equal items have equal numbers. */
static uint64_t item_ino(const struct proc_item *it, const struct proc_row *row)
{
	uint64_t h = 0xcbf29ce484222325ull;

	if (row == &root_row)
		return 1; /* PROC_ROOT_INO */
	for (const char *s = row->name; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3ull;
	h = (h ^ (uint64_t)it->tgid) * 0x100000001b3ull;
	h = (h ^ ((uint64_t)it->tid << 2 | (uint64_t)it->thread << 1 | it->in_net)) * 0x100000001b3ull;
	h = (h ^ it->arg) * 0x100000001b3ull;
	h ^= h >> 32;
	return 2 + h % 0xfffffff0u;
}

/* Children of a directory row share its item, but for what says that they are below net/. */
static struct proc_item child_item(const struct proc_item *dir, const struct proc_row *row)
{
	struct proc_item it = *dir;

	if (row->rows == proc_net_rows)
		it.in_net = true;
	return it;
}

/* One operation: what guest_run() is given. */
struct call {
	int (*op)(struct call *c);
	struct proc_item it;
	const struct proc_row *row;
	int result;
	bool resumed; /* it goes on with what was found when it began */
	bool checked; /* what the operation says is of no use if the task went away meanwhile */
	bool lives;
	enum err failed; /* the run was aborted */

	const char *name;
	size_t name_size;
	struct vfs_node *node_ret;
	struct vfs_stat *stat_ret;
	struct vfs_dir_sink *sink;
	struct seq_file *m;
	char *buf;
};

struct proc_list {
	struct vfs_dir_sink *sink;
};

static int item_resolve(struct proc_item *it)
{
	int r = 0;

	if (it->tgid)
		r = proc_item_task(it);
	if (!r && it->in_net)
		r = proc_item_net(it);
	return r;
}

static int getattr_in(struct call *c);
static int readdir_in(struct call *c);

static void lives_run(void *arg)
{
	struct call *c = arg;

	c->lives = proc_item_lives(&c->it);
}

static void lives_now_run(void *arg)
{
	struct call *c = arg;

	c->lives = proc_item_lives_now(&c->it);
}

/* Once an operation is over: is the task still there that it was about? 0 or an error of the run. */
static enum err lives_after(struct procfs *p, struct call *c)
{
	struct guest_pages *pages = llview_guest_pages(p->guest);

	if (pages->copies && pages->ops->reread)
		return guest_run(p->guest, lives_now_run, c);
	if (pages->copies) {
		enum err e = llview_guest_epoch(p->guest, NULL);

		if (e)
			return e;
	}
	return guest_run(p->guest, lives_run, c);
}

static void call_run(void *arg)
{
	struct call *c = arg;
	int r = c->resumed ? 0 : item_resolve(&c->it);
	bool net_gone;

	c->lives = true;
	/* a process that has ended still has the folder, which can't be listed (fs/proc/proc_net.c) */
	net_gone = r == -ENOENT && c->it.task && c->row->rows == proc_net_rows;
	if (net_gone && c->op == getattr_in)
		r = 0;
	if (r) {
		c->result = net_gone && c->op == readdir_in ? -EINVAL : r;
		return;
	}
	c->result = c->op(c);
	if (c->checked && c->it.tgid)
		lives_run(c);
}

static int call_once(struct procfs *p, const struct vfs_node *n, struct call *c)
{
	uint64_t ids = n->key[KEY_IDS];

	c->row = row_of(n);
	c->it = (struct proc_item){
		.fs = p,
		.pid = n->key[KEY_PID],
		.tgid = (int)(ids & IDS_NUMBER),
		.tid = (int)(ids >> 32 & IDS_NUMBER),
		.thread = ids & IDS_THREAD,
		.in_net = ids & IDS_NET,
		.arg = n->key[KEY_ARG],
	};
	enum err e = guest_run(p->guest, call_run, c);
	bool copies = llview_guest_pages(p->guest)->copies;

	c->failed = e;
	if (e)
		c->lives = true;
	/* A copy says what it said before, and a torn task leads anywhere: look at the guest again. */
	if (c->checked && c->it.task && c->lives && e != ERR_GONE && (e || copies)) {
		e = lives_after(p, c);
		if (e) {
			c->failed = e;
			c->lives = true;
		}
	}
	return c->result;
}

/*
 * The kernel holds a task while it answers for a file of it; here it may be released meanwhile, and
 * what was read of it then is torn: its numbers are 0, say. Then there is no such process any more.
 * But a number may also have moved to another task (a thread that calls exec becomes the process's
 * first), and then the process is asked again.
 */
static int try_call(struct procfs *p, const struct vfs_node *n, struct call *c,
		    int (*op)(struct call *))
{
	enum { TRIES = 3 };

	c->op = op;
	for (int i = 0; i < TRIES; i++) {
		struct guest_pages *pages = llview_guest_pages(p->guest);
		int r = call_once(p, n, c);

		if (c->lives)
			return r;
		c->failed = ERR_OK;
		/* Copies would say the same again. When this fails, so does what reads next. */
		guest_pages_expire(pages, 0);
		if (pages->copies && llview_guest_epoch(p->guest, NULL))
			break;
	}
	return -ESRCH;
}

static int call(struct procfs *p, const struct vfs_node *n, struct call *c, int (*op)(struct call *))
{
	int r = try_call(p, n, c, op);

	return c->failed ? fail(p, c->failed) : r;
}

static int getattr_in(struct call *c)
{
	const struct proc_row *tables[TABLES];
	struct vfs_stat *st = c->stat_ret;

	st->mode = c->row->mode;
	st->nlink = 1;
	st->dev = PROC_DEV;
	st->ino = item_ino(&c->it, c->row);
	st->atime_ns = st->mtime_ns = st->ctime_ns = proc_boot_time_ns();
	if (S_ISDIR(st->mode))
		st->nlink = 2;
	if (S_ISDIR(st->mode) && (!c->it.in_net || c->it.net)) {
		row_tables(c->row, tables);
		for (int t = 0; t < TABLES; t++) {
			for (const struct proc_row *r = tables[t]; r && r->name; r++)
				st->nlink += S_ISDIR(r->mode) && row_present(r, &c->it);
		}
	}
	if (c->row == &root_row)
		st->nlink += proc_process_count();
	if (c->it.tgid && (!c->it.in_net || c->row->rows == proc_net_rows))
		proc_item_owner(&c->it, st->mode, &st->uid, &st->gid);
	if (c->row->attr)
		c->row->attr(&c->it, st);
	return 0;
}

static int op_getattr(void *fs, const struct vfs_node *n, struct vfs_stat *ret)
{
	struct call c = { .stat_ret = ret, .checked = true };

	return call(fs, n, &c, getattr_in);
}

static int target_in(struct call *c)
{
	return c->row->target(&c->it, c->stat_ret);
}

static int op_getattr_target(void *fs, const struct vfs_node *n, struct vfs_stat *ret)
{
	struct call c = { .stat_ret = ret, .checked = true };

	return call(fs, n, &c, target_in);
}

static int xattr_in(struct call *c)
{
	return c->row->xattr(&c->it, c->name, c->buf);
}

static int op_getxattr(void *fs, const struct vfs_node *n, bool target, const char *name,
		       char buf[VFS_PATH_MAX])
{
	struct call c = { .name = name, .buf = buf, .checked = true };

	if (!target || !row_of(n)->xattr)
		return -EOPNOTSUPP;
	return call(fs, n, &c, xattr_in);
}

static const struct proc_row *rows_find(const struct proc_row *rows, const char *name,
					size_t name_size)
{
	for (; rows && rows->name; rows++) {
		if (!strncmp(rows->name, name, name_size) && !rows->name[name_size])
			return rows;
	}
	return NULL;
}

static int lookup_in(struct call *c)
{
	const struct proc_row *tables[TABLES], *row = NULL;
	struct proc_item it;

	if (c->row->dir) {
		it = c->it;
		int r = c->row->dir->lookup(&it, c->name, c->name_size, &row);
		if (r != -ENOENT) {
			if (!r)
				*c->node_ret = node_of(&it, row);
			return r;
		}
		row = NULL;
	}
	row_tables(c->row, tables);
	for (int t = 0; t < TABLES && !row; t++)
		row = rows_find(tables[t], c->name, c->name_size);
	if (!row && c->row == &root_row)
		row = rows_find(self_rows, c->name, c->name_size);
	if (!row && c->row == &root_row)
		row = rows_find(unlisted_rows, c->name, c->name_size);
	if (!row || !row_present(row, &c->it))
		return -ENOENT;
	it = child_item(&c->it, row);
	*c->node_ret = node_of(&it, row);
	return 0;
}

static int op_lookup(void *fs, const struct vfs_node *dir, const char *name, size_t name_size,
		     struct vfs_node *ret)
{
	struct call c = { .name = name, .name_size = name_size, .node_ret = ret };

	return call(fs, dir, &c, lookup_in);
}

bool proc_list_emit(struct proc_list *l, const char *name, size_t name_size,
		    const struct proc_item *child, const struct proc_row *row)
{
	return l->sink->emit(l->sink, name, name_size, item_ino(child, row), IFTODT(row->mode));
}

static bool emit_row(struct proc_list *l, const struct proc_item *dir, const struct proc_row *row)
{
	struct proc_item it = child_item(dir, row);

	return proc_list_emit(l, row->name, strlen(row->name), &it, row);
}

static int row_compare(const struct proc_row *a, const struct proc_row *b, enum proc_order order)
{
	size_t a_size = strlen(a->name), b_size = strlen(b->name);

	if (order == PROC_ORDER_PDE && a_size != b_size)
		return a_size < b_size ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Directories are short and listed rarely: pick the next one by looking at all. */
static bool list_sorted(struct call *c, struct proc_list *l)
{
	const struct proc_row *tables[TABLES], *last = NULL;

	row_tables(c->row, tables);
	for (;;) {
		const struct proc_row *next = NULL;

		for (int t = 0; t < TABLES; t++) {
			for (const struct proc_row *r = tables[t]; r && r->name; r++) {
				if (last && row_compare(r, last, c->row->order) <= 0)
					continue;
				if (!next || row_compare(r, next, c->row->order) < 0)
					next = r;
			}
		}
		if (!next)
			return true;
		if (row_present(next, &c->it) && !emit_row(l, &c->it, next))
			return false;
		last = next;
	}
}

static bool list_table(struct call *c, struct proc_list *l, const struct proc_row *rows)
{
	for (const struct proc_row *r = rows; r && r->name; r++) {
		if (row_present(r, &c->it) && !emit_row(l, &c->it, r))
			return false;
	}
	return true;
}

static int readdir_in(struct call *c)
{
	struct proc_list l = { .sink = c->sink };
	bool room;

	proc_ahead_globals(c->it.fs);
	if (c->row->order == PROC_ORDER_TABLE)
		room = list_table(c, &l, c->row->rows);
	else
		room = list_sorted(c, &l);
	if (room && c->row == &root_row)
		room = list_table(c, &l, self_rows);
	if (!room)
		return -ENOMEM;
	return c->row->dir ? c->row->dir->list(&c->it, &l) : 0;
}

/*
 * Pages that come from afar live on from one operation to the next, so that a pass over all tasks is
 * served from one epoch. But what is read again is to be new: a file or listing that was taken from
 * this epoch already begins another, unless this one is too young to matter.
 */
enum {
	AGAIN_NS = 200000000,
};

/* Begin a new epoch if the present one is old enough; has it? */
static bool renew(struct procfs *p)
{
	struct guest_pages *pages = llview_guest_pages(p->guest);
	uint64_t before = pages->epoch;

	guest_pages_expire(pages, AGAIN_NS);
	/* when that fails, so does what reads next, and says why */
	if (llview_guest_epoch(p->guest, NULL) || pages->epoch == before)
		return false;
	p->pass = false;
	return true;
}

static void note_shown(struct procfs *p, const struct vfs_node *n)
{
	struct guest_pages *pages = llview_guest_pages(p->guest);

	if (!pages->ops->expire || shown_add(&p->shown, pages->epoch, n->key))
		return;
	if (renew(p))
		shown_add(&p->shown, pages->epoch, n->key);
}

/*
 * Pages of one epoch were read one after the other while the guest ran on; what is torn stays torn
 * until they are read anew. Is it worth trying?
 */
static bool torn(struct procfs *p, uint64_t faults_before)
{
	return llview_guest_pages(p->guest)->ops->expire &&
	       llview_guest_stats(p->guest)->faults != faults_before && renew(p);
}

static int op_readdir(void *fs, const struct vfs_node *dir, struct vfs_dir_sink *sink)
{
	struct call c = { .sink = sink };
	struct procfs *p = fs;

	note_shown(p, dir);
	if (row_of(dir) == &root_row) {
		/*
		 * What comes now is one look at the guest, whatever of it was read before: ps reads uptime
		 * and its own status once more, and would lose what the listing of many tasks has brought.
		 */
		p->pass = true;
		shown_begin(&p->shown);
		shown_add(&p->shown, llview_guest_pages(p->guest)->epoch, dir->key);
	}
	return call(fs, dir, &c, readdir_in);
}

static int show_in(struct call *c)
{
	/* Of a try before this one nothing stays, neither its text nor its error. */
	seq_rest_done(c->m);
	seq_rollback(c->m, 0);
	c->m->error = 0;
	proc_ahead_globals(c->it.fs);
	if (c->it.tgid && !c->it.in_net)
		proc_ahead_task(&c->it);
	return c->row->show(&c->it, c->m);
}

static int show_more_in(struct call *c)
{
	return c->row->show(&c->it, c->m);
}

/*
 * The next portion of a file, in the same epoch. What it is of isn't looked up again, as the kernel holds what an open
 * file is about; and what is torn stays so, since the rows before it were handed out.
 */
static int show_more(struct procfs *p, const struct vfs_node *n, struct seq_file *m)
{
	struct call c = { .op = show_more_in, .m = m, .resumed = true };
	int r = call_once(p, n, &c);

	return c.failed ? fail(p, c.failed) : r;
}

static int op_show(void *fs, const struct vfs_node *n, struct seq_file *m)
{
	struct call c = { .m = m, .checked = true };
	struct procfs *p = fs;
	uint64_t faults;
	int r;

	if (m->rest)
		return show_more(p, n, m);
	note_shown(p, n);
	faults = llview_guest_stats(p->guest)->faults;
	r = try_call(fs, n, &c, show_in);
	if (torn(p, faults))
		r = try_call(fs, n, &c, show_in);
	return c.failed ? fail(p, c.failed) : r;
}

static int readlink_in(struct call *c)
{
	return c->row->link(&c->it, c->buf);
}

static int op_readlink(void *fs, const struct vfs_node *n, char buf[VFS_PATH_MAX])
{
	struct call c = { .buf = buf, .checked = true };

	return call(fs, n, &c, readlink_in);
}

/*
 * /proc/net and /proc/mounts lead to the reader's own task; a reader from outside is given what
 * the guest's first process sees: the initial network namespace, and PID 1's mounts.
 */
static int follow_in(struct call *c)
{
	struct proc_item it = c->it;
	const struct proc_row *row;

	if (c->row->link == net_link) {
		it.in_net = true;
		*c->node_ret = node_of(&it, &proc_net_row);
		return 0;
	}
	row = rows_find(proc_tgid_rows, "mounts", strlen("mounts"));
	it.tgid = it.tid = 1;
	if (!row || proc_item_task(&it))
		return -ENOENT;
	*c->node_ret = node_of(&it, row);
	return 0;
}

static int op_follow(void *fs, const struct vfs_node *n, struct vfs_node *ret)
{
	struct call c = { .node_ret = ret };

	return call(fs, n, &c, follow_in);
}

static const struct vfs_node_ops dir_ops = {
	.getattr = op_getattr, .lookup = op_lookup, .readdir = op_readdir,
};
static const struct vfs_node_ops file_ops = { .getattr = op_getattr, .show = op_show };
static const struct vfs_node_ops link_ops = { .getattr = op_getattr, .readlink = op_readlink };
static const struct vfs_node_ops magic_ops = {
	.getattr = op_getattr, .readlink = op_readlink, .getattr_target = op_getattr_target,
	.getxattr = op_getxattr,
};
static const struct vfs_node_ops follow_ops = {
	.getattr = op_getattr, .readlink = op_readlink, .follow = op_follow,
};

static int fs_enter(void *fs)
{
	struct procfs *p = fs;
	enum err e = llview_guest_epoch(p->guest, NULL);

	return e ? fail(p, e) : 0;
}

/* ---- calls beside files: vfs/calls.h ---- */

struct machine_call {
	enum { ASK_TASK, ASK_EXISTS, ASK_TASKS, ASK_NUMBERS, ASK_MACHINE, ASK_INTERFACE, ASK_NETLINK, ASK_SOCKETS } ask;
	int tgid, tid;
	enum vfs_tasks_of what;
	const char *name;
	uint32_t nth;
	const struct vfs_netlink_question *question;
	struct seq_file *answer;
	union {
		struct vfs_task task;
		struct vfs_tasks tasks;
		struct vfs_numbers numbers;
		struct vfs_machine machine;
		struct vfs_interface interface;
		uint64_t device;
	} ret;
	int result;
};

static void machine_run(void *arg)
{
	struct machine_call *c = arg;

	switch (c->ask) {
	case ASK_TASK:
		c->result = proc_call_task(c->tid, &c->ret.task);
		break;
	case ASK_EXISTS:
		c->result = proc_call_task_exists(c->tgid, c->tid);
		break;
	case ASK_TASKS:
		c->result = proc_call_tasks(c->what, c->tid, &c->ret.tasks);
		break;
	case ASK_NUMBERS:
		c->result = proc_call_numbers(c->tid, &c->ret.numbers);
		break;
	case ASK_MACHINE:
		proc_call_machine(&c->ret.machine);
		c->result = 0;
		break;
	case ASK_INTERFACE:
		c->result = proc_call_interface(c->name, c->nth, &c->ret.interface);
		break;
	case ASK_NETLINK:
		c->result = proc_call_netlink(c->question, c->answer);
		break;
	case ASK_SOCKETS:
		c->result = proc_call_socket_device(&c->ret.device);
		break;
	}
}

static int machine_call(struct procfs *p, struct machine_call *c)
{
	enum err e = guest_run(p->guest, machine_run, c);

	return e ? fail(p, e) : c->result;
}

static int op_task(void *fs, int tid, struct vfs_task *ret)
{
	struct machine_call c = { .ask = ASK_TASK, .tid = tid };
	int r = machine_call(fs, &c);

	if (!r)
		*ret = c.ret.task;
	return r;
}

static int op_task_exists(void *fs, int tgid, int tid)
{
	struct machine_call c = { .ask = ASK_EXISTS, .tgid = tgid, .tid = tid };

	return machine_call(fs, &c);
}

static int op_tasks(void *fs, enum vfs_tasks_of what, int id, struct vfs_tasks *ret)
{
	struct machine_call c = { .ask = ASK_TASKS, .what = what, .tid = id };
	int r = machine_call(fs, &c);

	if (!r)
		*ret = c.ret.tasks;
	return r;
}

static int op_numbers(void *fs, int first, struct vfs_numbers *ret)
{
	struct machine_call c = { .ask = ASK_NUMBERS, .tid = first };
	int r;

	/* the number of one that has ended would be taken for a hidden one's */
	guest_pages_expire(llview_guest_pages(((struct procfs *)fs)->guest), 0);
	r = fs_enter(fs);
	if (!r)
		r = machine_call(fs, &c);
	if (!r)
		*ret = c.ret.numbers;
	return r;
}

static int op_machine(void *fs, struct vfs_machine *ret)
{
	struct machine_call c = { .ask = ASK_MACHINE };
	int r = machine_call(fs, &c);

	if (!r)
		*ret = c.ret.machine;
	return r;
}

static int op_interface(void *fs, const char *name, uint32_t nth, struct vfs_interface *ret)
{
	struct machine_call c = { .ask = ASK_INTERFACE, .name = name, .nth = nth };
	int r = machine_call(fs, &c);

	if (!r)
		*ret = c.ret.interface;
	return r;
}

static int op_netlink(void *fs, const struct vfs_netlink_question *q, struct seq_file *m)
{
	struct machine_call c = { .ask = ASK_NETLINK, .question = q, .answer = m };

	return machine_call(fs, &c);
}

static int op_socket_device(void *fs, uint64_t *ret)
{
	struct machine_call c = { .ask = ASK_SOCKETS };
	int r = machine_call(fs, &c);

	if (!r)
		*ret = c.ret.device;
	return r;
}

static const struct vfs_fs_ops fs_ops = {
	.enter = fs_enter,
	.task = op_task,
	.task_exists = op_task_exists,
	.tasks = op_tasks,
	.numbers = op_numbers,
	.machine = op_machine,
	.interface = op_interface,
	.netlink = op_netlink,
	.socket_device = op_socket_device,
};

enum err procfs_create(struct base_alloc *alloc, struct llview_guest *guest, struct procfs **ret,
		       struct err_ctx *err)
{
	static const struct proc_item none;
	struct procfs *p = base_alloc_zeroed(alloc, 1, sizeof(*p));
	struct vfs_node root = node_of(&none, &root_row);

	if (!p)
		return err_set(err, ERR_NOMEM, "out of memory for the procfs");
	p->alloc = alloc;
	p->guest = guest;
	p->shown.alloc = p->others.alloc = alloc;
	p->vfs = vfs_create(alloc, &fs_ops, p, &root);
	if (!p->vfs) {
		base_free(alloc, p);
		return err_set(err, ERR_NOMEM, "out of memory for the procfs");
	}
	*ret = p;
	return ERR_OK;
}

void procfs_destroy(struct procfs *p)
{
	if (!p)
		return;
	vfs_destroy(p->vfs);
	shown_deinit(&p->shown);
	others_deinit(&p->others);
	base_free(p->alloc, p);
}

struct vfs *procfs_vfs(struct procfs *p)
{
	return p->vfs;
}
