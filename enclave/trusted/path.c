// SPDX-License-Identifier: MIT
/*
 * Whose is a path, and what does it lead to? Below /proc it is the guest's, but for self; everything
 * else is the program's own tree. Nothing is the host's. A walk may change sides by ".." and by
 * links with absolute texts; what remains is then looked at again from the root.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "layer.h"
#include "trusted/files.h"
#include "trusted/runtime.h"

enum {
	TURNS_MAX = 16, /* times that a path may change sides before it counts as a loop */
};

/* What one look at an absolute path came to: 0, -errno, or: */
enum {
	AGAIN = 1, /* `next` is what to look at now */
};

/* Under the lock. */
static char next[VFS_PATH_MAX];
static char normal[VFS_PATH_MAX];

static bool component_is(const char *p, const char *name)
{
	size_t size = strlen(name);

	return !strncmp(p, name, size) && (!p[size] || p[size] == '/');
}

static const char *skip_slashes(const char *p)
{
	while (*p == '/' || (p[0] == '.' && (p[1] == '/' || !p[1])))
		p++;
	return p;
}

static bool component_is_own_pid(const char *p)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", process_pid());
	return component_is(p, pid);
}

/* `next` becomes head and tail. */
static int go_on(const char *head, const char *tail)
{
	char whole[VFS_PATH_MAX];
	size_t n = (size_t)snprintf(whole, sizeof(whole), "%s%s", head, tail);

	if (n >= sizeof(whole))
		return -ENAMETOOLONG;
	memcpy(next, whole, n + 1);
	return AGAIN;
}

/* Of a walk that left by "..": what comes after that one. */
static const char *after_up(const char *rest)
{
	return rest + 2;
}

static int found(struct place *ret, struct vfs *v, const char *below)
{
	const char *path = ret->at.path;
	size_t n = (size_t)snprintf(ret->path, sizeof(ret->path), "%s%s%s", below, *path ? "/" : "",
				    path);

	if (n >= sizeof(ret->path))
		return -ENAMETOOLONG;
	if (!n)
		memcpy(ret->path, "/", 2);
	ret->vfs = v;
	return 0;
}

static int look_own(const char *p, unsigned int walk, struct place *ret)
{
	struct vfs *v = own_vfs();
	int r;

	if (!v)
		return -ENOMEM;
	r = vfs_walk(v, NULL, *p ? p : "/", walk, &ret->at);
	if (r)
		return r;
	if (ret->at.kind == VFS_OUTSIDE) {
		if (!ret->at.link.ops) /* the root is its own parent */
			return go_on("/", after_up(ret->at.path));
		return go_on("", ret->at.path);
	}
	if (own_is_proc(&ret->at.node))
		return go_on("/proc", "");
	return found(ret, v, "");
}

/* `rest` begins after "self" (or the program's own number) in /proc/self/... */
static int look_self(const char *rest, unsigned int walk, struct place *ret)
{
	struct vfs_node self = own_self();
	struct vfs *v = own_vfs();
	char head[32];
	int r, fd;

	if (!v)
		return -ENOMEM;
	r = vfs_walk(v, &self, *rest ? rest : "/", walk, &ret->at);
	if (r)
		return r;
	if (ret->at.kind == VFS_FOUND) {
		snprintf(head, sizeof(head), "/proc/%d", process_pid());
		return found(ret, v, head);
	}
	if (!ret->at.link.ops)
		return go_on("/proc/", after_up(ret->at.path));
	fd = own_fd_of(&ret->at.link);
	if (fd < 0)
		return go_on("", ret->at.path);
	ret->file = file_at(fd);
	if (!ret->file)
		return -ENOENT;
	if (ret->at.at_end)
		return 0;
	if (!ret->file->is_dir)
		return -ENOTDIR;
	/* the walk put the link's text, which is the folder's path, in front of the rest */
	ret->file = NULL;
	return go_on("", ret->at.path);
}

/*
 * `path` without ".", ".." and double slashes. False if it leads above the start. By the text alone,
 * as the links in a /proc that could be passed with ".." lead to where they are.
 */
static bool normalise(const char *path)
{
	size_t size = 0;

	for (const char *p = skip_slashes(path); *p; p = skip_slashes(p)) {
		size_t n = (size_t)(strchrnul(p, '/') - p);

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			if (!size)
				return false;
			while (size && normal[--size] != '/')
				;
		} else {
			if (size + n + 2 > VFS_PATH_MAX)
				return false;
			if (size)
				normal[size++] = '/';
			memcpy(normal + size, p, n);
			size += n;
		}
		p += n;
	}
	normal[size] = '\0';
	return true;
}

static int look_guest(const char *p, unsigned int walk, struct place *ret)
{
	struct vfs *v = trusted_vfs();
	int r;

	if (!v)
		return -EIO;
	r = vfs_walk(v, NULL, *p ? p : "/", walk, &ret->at);
	if (r)
		return r;
	if (ret->at.kind == VFS_FOUND)
		return found(ret, v, "/proc");
	if (!ret->at.link.ops)
		return go_on("/", after_up(ret->at.path));
	if (!ret->at.link.ops->getattr_target && !strncmp(ret->at.path, "/proc/", 6))
		return go_on("", ret->at.path);
	/* something in the guest that isn't in its /proc */
	ret->vfs = v;
	ret->path[0] = '\0';
	return ret->at.at_end ? 0 : -EACCES;
}

/* `rest` begins after "/proc". */
static int look_proc(const char *rest, unsigned int walk, struct place *ret)
{
	const char *p = skip_slashes(rest);
	bool thread;

	/* past self and back, which the guest's tree doesn't know */
	if (strstr(p, "..") && strstr(p, "self") && normalise(p))
		p = normal;
	thread = component_is(p, "thread-self");
	if (thread || component_is(p, "self")) {
		const char *after = p + strlen(thread ? "thread-self" : "self");

		if (!*after && walk & VFS_WALK_NOFOLLOW) {
			ret->at.kind = VFS_FOUND;
			ret->at.node = own_self_link(thread);
			memcpy(ret->at.path, p, strlen(p) + 1);
			return own_vfs() ? found(ret, own_vfs(), "/proc") : -ENOMEM;
		}
		return look_self(after, walk, ret);
	}
	if (component_is_own_pid(p))
		return look_self(p + strcspn(p, "/"), walk, ret);
	return look_guest(*rest ? p : "/", walk, ret);
}

static int look(unsigned int walk, struct place *ret)
{
	char path[VFS_PATH_MAX];
	const char *p;

	memcpy(path, next, strlen(next) + 1);
	p = skip_slashes(path);
	if (component_is(p, "proc"))
		return look_proc(p + 4, walk, ret);
	if (!strncmp(p, "sys/module", 10) && (!p[10] || p[10] == '/'))
		return go_on("/proc/" VFS_SYSFS, p + 3);
	return look_own(p, walk, ret);
}

/* `next` becomes the absolute form of the path. */
static int start(int dirfd, const char *path)
{
	const char *base = layer_cwd();
	struct file *f;
	int r;

	if (strnlen(path, VFS_PATH_MAX) == VFS_PATH_MAX)
		return -ENAMETOOLONG;
	if (*path == '/') {
		r = go_on("", path);
		return r < 0 ? r : 0;
	}
	if (dirfd != AT_FDCWD) {
		f = file_at(dirfd);
		if (!f)
			return -EBADF;
		if (!f->is_dir)
			return -ENOTDIR;
		base = f->path;
	}
	r = go_on(base, "/");
	if (r > 0) {
		char head[VFS_PATH_MAX];

		memcpy(head, next, strlen(next) + 1);
		r = go_on(head, path);
	}
	return r < 0 ? r : 0;
}

int path_resolve(int dirfd, const char *path, unsigned int flags, struct place *ret)
{
	unsigned int walk = flags & PATH_NOFOLLOW ? VFS_WALK_NOFOLLOW : 0;
	int r = start(dirfd, path);

	if (r)
		return r;
	for (int turn = 0; turn < TURNS_MAX; turn++) {
		ret->file = NULL;
		r = look(walk, ret);
		if (r != AGAIN)
			return r;
	}
	return -ELOOP;
}

int place_getattr(const struct place *p, struct vfs_stat *ret)
{
	if (p->at.kind == VFS_FOUND)
		return vfs_getattr(p->vfs, &p->at.node, ret);
	return vfs_getattr_target(p->vfs, &p->at.link, ret);
}
