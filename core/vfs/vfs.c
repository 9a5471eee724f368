// SPDX-License-Identifier: MIT
/*
 * Path walk, open files and listings over tables of node operations. What the operations say comes
 * from a hostile guest, so each answer is measured before use: link texts, names, counts, depth.
 */
#include "vfs/vfs.h"

#include <errno.h>
#include <string.h>

#include "vfs/seq_file.h"

struct vfs {
	struct base_alloc *alloc;
	const struct vfs_fs_ops *ops;
	void *fs;
	struct vfs_node root;
	bool held;    /* between vfs_begin() and vfs_end() */
	bool entered; /* and the file system has been */
	struct vfs_file *unfinished; /* of whose content there is more in the present epoch */
	/* Of the last file closed, for the next one opened: ten thousand opens, one allocation. */
	char *spare_buf;
	size_t spare_size;
	struct vfs_file *spare_file;
};

enum {
	SPARE_SIZE_MAX = 1 << 16,
	PORTION = 1 << 15, /* bytes of content that are made at once, where more is not asked for */
};

/* One listing: a record an entry, names one after the other in `names`. */
struct listing_entry {
	uint64_t ino;
	uint32_t name_at;
	uint8_t name_size;
	uint8_t type;
};

struct listing {
	struct vfs_dir_sink sink;
	struct base_alloc *alloc;
	struct listing_entry *entries;
	size_t count, room;
	char *names;
	size_t names_size, names_room;
	uint64_t own_ino; /* of the directory itself */
	bool full;
};

struct vfs_file {
	struct vfs *v;
	struct vfs_node node;
	bool is_dir;
	bool taken; /* content or list is there, or the beginning of it */
	int failed; /* what the rest of the content failed with */
	struct seq_file content;
	struct listing list;
};

struct vfs *vfs_create(struct base_alloc *alloc, const struct vfs_fs_ops *ops, void *fs,
		       const struct vfs_node *root)
{
	struct vfs *v = base_alloc_zeroed(alloc, 1, sizeof(*v));

	if (!v)
		return NULL;
	v->alloc = alloc;
	v->ops = ops;
	v->fs = fs;
	v->root = *root;
	return v;
}

void vfs_destroy(struct vfs *v)
{
	if (!v)
		return;
	base_free(v->alloc, v->spare_buf);
	base_free(v->alloc, v->spare_file);
	base_free(v->alloc, v);
}

/* One portion more, up to `enough` bytes in all if there are so many. What fails leaves what was there before. */
static void content_more(struct vfs_file *f, size_t enough)
{
	struct seq_file *m = &f->content;
	size_t had = m->count;
	int r;

	m->enough = enough;
	r = f->node.ops->show(f->v->fs, &f->node, m);
	f->failed = r ? r : m->error;
	if (f->failed) {
		seq_rollback(m, had);
		seq_rest_done(m);
	}
	f->v->unfinished = m->rest ? f : NULL;
}

static void content_finish(struct vfs_file *f)
{
	while (f->content.rest)
		content_more(f, SIZE_MAX);
}

void vfs_settle(struct vfs *v)
{
	if (v->unfinished)
		content_finish(v->unfinished);
}

static int fs_enter(struct vfs *v)
{
	if (v->entered)
		return 0;
	/* a file is of one epoch, to its end */
	vfs_settle(v);

	int r = v->ops && v->ops->enter ? v->ops->enter(v->fs) : 0;

	v->entered = !r && v->held;
	return r;
}

static void fs_leave(struct vfs *v)
{
	if (!v->held && v->ops && v->ops->leave)
		v->ops->leave(v->fs);
}

void vfs_begin(struct vfs *v)
{
	v->held = true;
}

void vfs_end(struct vfs *v)
{
	v->held = false;
	if (v->entered)
		fs_leave(v);
	v->entered = false;
}

static bool node_is_dir(const struct vfs_node *n)
{
	return n->ops->lookup || n->ops->readdir;
}

static bool node_is_link(const struct vfs_node *n)
{
	return n->ops->readlink;
}

int vfs_getattr(struct vfs *v, const struct vfs_node *n, struct vfs_stat *ret)
{
	struct vfs_stat st = { 0 };
	int r = fs_enter(v);

	if (r)
		return r;
	r = n->ops->getattr(v->fs, n, &st);
	fs_leave(v);
	if (!r)
		*ret = st;
	return r;
}

int vfs_getattr_target(struct vfs *v, const struct vfs_node *n, struct vfs_stat *ret)
{
	struct vfs_stat st = { 0 };
	int r;

	if (!n->ops->getattr_target)
		return -ENOENT;
	r = fs_enter(v);
	if (r)
		return r;
	r = n->ops->getattr_target(v->fs, n, &st);
	fs_leave(v);
	if (!r)
		*ret = st;
	return r;
}

int vfs_getxattr(struct vfs *v, const struct vfs_node *n, bool target, const char *name,
		 char buf[VFS_PATH_MAX])
{
	int r;

	if (!n->ops->getxattr)
		return -EOPNOTSUPP;
	r = fs_enter(v);
	if (r)
		return r;
	r = n->ops->getxattr(v->fs, n, target, name, buf);
	fs_leave(v);
	return r > VFS_PATH_MAX ? -ERANGE : r;
}

/* One of vfs/calls.h: the file system's operation `op` with its arguments. */
#define FS_CALL(v, op, ...)                                                                        \
	({                                                                                         \
		int r_ = -ENOSYS;                                                                  \
		if ((v)->ops && (v)->ops->op) {                                                    \
			r_ = fs_enter(v);                                                          \
			if (!r_) {                                                                 \
				r_ = (v)->ops->op((v)->fs, __VA_ARGS__);                           \
				fs_leave(v);                                                       \
			}                                                                          \
		}                                                                                  \
		r_;                                                                                \
	})

int vfs_task(struct vfs *v, int tid, struct vfs_task *ret)
{
	return FS_CALL(v, task, tid, ret);
}

int vfs_task_exists(struct vfs *v, int tgid, int tid)
{
	return FS_CALL(v, task_exists, tgid, tid);
}

int vfs_tasks(struct vfs *v, enum vfs_tasks_of what, int id, struct vfs_tasks *ret)
{
	return FS_CALL(v, tasks, what, id, ret);
}

int vfs_numbers(struct vfs *v, int first, struct vfs_numbers *ret)
{
	return FS_CALL(v, numbers, first, ret);
}

int vfs_machine(struct vfs *v, struct vfs_machine *ret)
{
	return FS_CALL(v, machine, ret);
}

int vfs_interface(struct vfs *v, const char *name, uint32_t nth, struct vfs_interface *ret)
{
	return FS_CALL(v, interface, name, nth, ret);
}

int vfs_netlink(struct vfs *v, const struct vfs_netlink_question *q, struct seq_file *m)
{
	return FS_CALL(v, netlink, q, m);
}

int vfs_socket_device(struct vfs *v, uint64_t *ret)
{
	return FS_CALL(v, socket_device, ret);
}

/* Inside enter/leave. */
static int link_text(struct vfs *v, const struct vfs_node *n, char buf[VFS_PATH_MAX])
{
	int r = n->ops->readlink(v->fs, n, buf);

	return r >= VFS_PATH_MAX ? -ENAMETOOLONG : r;
}

int vfs_readlink(struct vfs *v, const struct vfs_node *n, char buf[VFS_PATH_MAX])
{
	int r;

	if (!node_is_link(n))
		return -EINVAL;
	r = fs_enter(v);
	if (r)
		return r;
	r = link_text(v, n, buf);
	fs_leave(v);
	return r;
}

/* A walk under way: the nodes from the base to here, and the path that names them. */
struct walk {
	struct vfs *v;
	struct vfs_node nodes[VFS_DEPTH_MAX + 1];
	uint16_t path_ends[VFS_DEPTH_MAX + 1]; /* size of ret->path at each depth */
	unsigned int depth;
	unsigned int links;
	const char *rest;
	struct vfs_place *ret;
	char buf[VFS_PATH_MAX]; /* holds `rest` once a link's text is in it */
};

static int walk_push(struct walk *w, const struct vfs_node *n, const char *name, size_t name_size)
{
	size_t at = w->path_ends[w->depth];

	if (w->depth == VFS_DEPTH_MAX)
		return -ENAMETOOLONG;
	if (at + 1 + name_size + 1 > VFS_PATH_MAX)
		return -ENAMETOOLONG;
	if (at)
		w->ret->path[at++] = '/';
	memcpy(w->ret->path + at, name, name_size);
	w->depth++;
	w->nodes[w->depth] = *n;
	w->path_ends[w->depth] = (uint16_t)(at + name_size);
	return 0;
}

static int walk_outside(struct walk *w, const struct vfs_node *link, const char *head,
			size_t head_size, const char *rest)
{
	size_t rest_size = strlen(rest);

	if (head_size + rest_size + 1 > VFS_PATH_MAX || memchr(head, 0, head_size))
		return -ENAMETOOLONG;
	memcpy(w->ret->path, head, head_size);
	memcpy(w->ret->path + head_size, rest, rest_size + 1); /* "" or "/..." */
	w->ret->kind = VFS_OUTSIDE;
	w->ret->node = (struct vfs_node){ 0 };
	w->ret->link = link ? *link : (struct vfs_node){ 0 };
	w->ret->at_end = !rest_size;
	return 1;
}

/* Where the link `n`, called `name`, leads. 0: go on; 1: outside, `ret` is filled; or -errno. */
static int walk_link(struct walk *w, const struct vfs_node *n, const char *name, size_t name_size)
{
	struct vfs_node to;
	char text[VFS_PATH_MAX];
	int size;

	if (++w->links > VFS_LINKS_MAX)
		return -ELOOP;
	if (n->ops->follow) {
		int r = n->ops->follow(w->v->fs, n, &to);

		if (!r)
			return walk_push(w, &to, name, name_size);
		if (r != -ENOENT)
			return r;
	}
	size = link_text(w->v, n, text);
	/* A magic link isn't followed by its text, which may be longer than anybody may read. */
	if (size == -ENAMETOOLONG && n->ops->getattr_target)
		return walk_outside(w, n, "", 0, w->rest);
	if (size < 0)
		return size;
	if (n->ops->getattr_target || (size && text[0] == '/'))
		return walk_outside(w, n, text, (size_t)size, w->rest);
	if (!size)
		return -ENOENT;
	/* The text takes the link's place before what is left (nothing, or "/..."). */
	size_t rest_size = strlen(w->rest);
	if ((size_t)size + rest_size + 1 > VFS_PATH_MAX || memchr(text, 0, (size_t)size))
		return -ENAMETOOLONG;
	memmove(w->buf + size, w->rest, rest_size + 1);
	memcpy(w->buf, text, (size_t)size);
	w->rest = w->buf;
	return 0;
}

static int walk_step(struct walk *w, unsigned int flags)
{
	const struct vfs_node *dir = &w->nodes[w->depth];
	const char *name = w->rest;
	size_t name_size = (size_t)(strchrnul(name, '/') - name);
	struct vfs_node child;

	if (!node_is_dir(dir))
		return -ENOTDIR;
	w->rest += name_size;
	if (name_size == 1 && name[0] == '.')
		return 0;
	if (name_size == 2 && name[0] == '.' && name[1] == '.') {
		if (!w->depth)
			return walk_outside(w, NULL, "..", 2, w->rest);
		w->depth--;
		return 0;
	}
	if (name_size > VFS_NAME_MAX)
		return -ENAMETOOLONG;
	if (!dir->ops->lookup)
		return -ENOENT;

	int r = dir->ops->lookup(w->v->fs, dir, name, name_size, &child);
	if (r)
		return r;
	if (node_is_link(&child) && (*w->rest || !(flags & VFS_WALK_NOFOLLOW)))
		return walk_link(w, &child, name, name_size);
	return walk_push(w, &child, name, name_size);
}

static int walk_all(struct walk *w, unsigned int flags)
{
	while (*w->rest) {
		bool slash = false;

		for (; *w->rest == '/'; w->rest++)
			slash = true;
		if (!*w->rest) {
			if (slash && !node_is_dir(&w->nodes[w->depth]))
				return -ENOTDIR;
			break;
		}
		int r = walk_step(w, flags);
		if (r)
			return r;
	}
	w->ret->kind = VFS_FOUND;
	w->ret->node = w->nodes[w->depth];
	w->ret->link = (struct vfs_node){ 0 };
	w->ret->at_end = true;
	w->ret->path[w->path_ends[w->depth]] = '\0';
	return 0;
}

int vfs_walk(struct vfs *v, const struct vfs_node *base, const char *path, unsigned int flags,
	     struct vfs_place *ret)
{
	struct walk w; /* not zeroed: the buffers are large, and the common walk touches little */

	if (!*path)
		return -ENOENT;
	if (strnlen(path, VFS_PATH_MAX) == VFS_PATH_MAX)
		return -ENAMETOOLONG;
	w.v = v;
	w.nodes[0] = base ? *base : v->root;
	w.path_ends[0] = 0;
	w.depth = w.links = 0;
	w.rest = path;
	w.ret = ret;

	int r = fs_enter(v);
	if (r)
		return r;
	r = walk_all(&w, flags);
	fs_leave(v);
	return r < 0 ? r : 0;
}

static bool listing_emit(struct vfs_dir_sink *s, const char *name, size_t name_size, uint64_t ino,
			 uint8_t type)
{
	struct listing *l = (struct listing *)s;

	if (!name_size || name_size > VFS_NAME_MAX || memchr(name, '/', name_size) ||
	    memchr(name, 0, name_size))
		return true;
	if (l->full)
		return false;
	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct listing_entry *e = NULL;

		if (room <= VFS_ENTRIES_MAX)
			e = base_alloc_resize(l->alloc, l->entries, room, sizeof(*e));
		if (!e)
			goto full;
		l->entries = e;
		l->room = room;
	}
	if (l->names_room - l->names_size < name_size) {
		size_t room = l->names_room ? l->names_room * 2 : 1024;
		char *n = NULL;

		if (room <= VFS_CONTENT_MAX)
			n = base_alloc_resize(l->alloc, l->names, room, 1);
		if (!n)
			goto full;
		l->names = n;
		l->names_room = room;
	}
	memcpy(l->names + l->names_size, name, name_size);
	l->entries[l->count++] = (struct listing_entry){
		.ino = ino,
		.name_at = (uint32_t)l->names_size,
		.name_size = (uint8_t)name_size,
		.type = type,
	};
	l->names_size += name_size;
	return true;
full:
	l->full = true;
	return false;
}

int vfs_open(struct vfs *v, const struct vfs_node *n, struct vfs_file **ret)
{
	struct vfs_file *f;

	if (node_is_link(n))
		return -ELOOP;
	if (!node_is_dir(n) && !n->ops->show)
		return -EACCES;
	f = v->spare_file;
	v->spare_file = NULL;
	if (!f)
		f = base_alloc_zeroed(v->alloc, 1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->v = v;
	f->node = *n;
	f->is_dir = node_is_dir(n);
	f->taken = false;
	f->failed = 0;
	if (f->is_dir) {
		f->list = (struct listing){
			.sink = { .emit = listing_emit },
			.alloc = v->alloc,
		};
	} else {
		seq_init(&f->content, v->alloc, VFS_CONTENT_MAX);
		f->content.buf = v->spare_buf;
		f->content.size = v->spare_size;
		v->spare_buf = NULL;
		v->spare_size = 0;
	}
	*ret = f;
	return 0;
}

/* Nobody wants the rest. */
static void content_drop(struct vfs_file *f)
{
	seq_rest_done(&f->content);
	if (f->v->unfinished == f)
		f->v->unfinished = NULL;
}

void vfs_close(struct vfs_file *f)
{
	struct vfs *v;

	if (!f)
		return;
	v = f->v;
	if (f->is_dir) {
		base_free(v->alloc, f->list.entries);
		base_free(v->alloc, f->list.names);
	} else {
		content_drop(f);
		if (!v->spare_buf && f->content.size <= SPARE_SIZE_MAX) {
			v->spare_buf = f->content.buf;
			v->spare_size = f->content.size;
		} else {
			seq_deinit(&f->content);
		}
	}
	if (v->spare_file)
		base_free(v->alloc, f);
	else
		v->spare_file = f;
}

/* The content anew, up to `enough` bytes. */
static int content_take(struct vfs_file *f, size_t enough)
{
	struct vfs *v = f->v;
	int r;

	content_drop(f);
	f->taken = false;
	f->failed = 0;
	r = fs_enter(v);
	if (r)
		return r;
	vfs_settle(v); /* the present epoch may have been entered for one that isn't at its end */
	f->content.count = 0;
	f->content.error = 0;
	f->content.pad_until = 0;
	content_more(f, enough);
	fs_leave(v);
	f->taken = !f->failed;
	return f->failed;
}

int64_t vfs_pread(struct vfs_file *f, void *buf, size_t size, int64_t offset)
{
	struct seq_file *m = &f->content;
	size_t end;

	if (f->is_dir)
		return -EISDIR;
	if (offset < 0)
		return -EINVAL;
	if (!size)
		return 0;
	if (__builtin_add_overflow((uint64_t)offset, size, &end))
		end = SIZE_MAX;
	if (!offset || !f->taken) {
		int r = content_take(f, end > PORTION ? end : PORTION);

		if (r)
			return r;
	}
	while (m->rest && m->count < end)
		content_more(f, end > m->count + PORTION ? end : m->count + PORTION);
	if ((uint64_t)offset >= m->count)
		return f->failed;
	size_t left = m->count - (size_t)offset;
	if (size > left)
		size = left;
	memcpy(buf, m->buf + offset, size);
	return (int64_t)size;
}

int vfs_content(struct vfs_file *f, const void **ret, size_t *size_ret)
{
	if (f->is_dir)
		return -EISDIR;
	if (!f->taken) {
		int r = content_take(f, SIZE_MAX);

		if (r)
			return r;
	}
	content_finish(f);
	if (f->failed)
		return f->failed;
	*ret = f->content.buf;
	*size_ret = f->content.count;
	return 0;
}

static int listing_take(struct vfs_file *f)
{
	struct listing *l = &f->list;
	struct vfs_stat st = { 0 };
	int r = fs_enter(f->v);

	if (r)
		return r;
	f->taken = false;
	l->count = l->names_size = 0;
	l->full = false;
	r = f->node.ops->getattr(f->v->fs, &f->node, &st);
	l->own_ino = st.ino;
	if (!r && f->node.ops->readdir)
		r = f->node.ops->readdir(f->v->fs, &f->node, &l->sink);
	fs_leave(f->v);
	if (l->full)
		r = -ENOMEM;
	f->taken = !r;
	return r;
}

int vfs_dirent_at(struct vfs_file *f, uint64_t position, struct vfs_dirent *ret)
{
	if (!f->is_dir)
		return -ENOTDIR;
	if (!position || !f->taken) {
		int r = listing_take(f);

		if (r)
			return r;
	}
	if (position < 2) {
		memcpy(ret->name, "..", 3);
		ret->name[position + 1] = '\0';
		ret->ino = f->list.own_ino;
		ret->type = 4; /* DT_DIR */
		return 1;
	}
	if (position - 2 >= f->list.count)
		return 0;
	const struct listing_entry *e = &f->list.entries[position - 2];
	memcpy(ret->name, f->list.names + e->name_at, e->name_size);
	ret->name[e->name_size] = '\0';
	ret->ino = e->ino;
	ret->type = e->type;
	return 1;
}
