// SPDX-License-Identifier: MIT
/*
 * Whose is a path? Most calls are told apart by looking at the text alone; only what could lead to
 * /proc takes the slow way, which ends at a node of the guest, at an error, or at the host with the
 * call's own path or another (/proc/self seen from a guest directory, ".." out of /proc).
 */
#include "state.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "vfs/forms.h"

enum {
	TURNS_MAX = 16, /* times that a path may change sides before it counts as a loop */
	SEARCH_MIN = 4, /* numbers in a row that are a search */
};

bool door_off;

static struct vfs *mounted;
static bool attach_tried;
static char *cwd; /* NULL: the host's */
static __thread bool passing __attribute__((tls_model("initial-exec")));
static __thread char host_path[VFS_PATH_MAX] __attribute__((tls_model("initial-exec")));

/* Under the lock. */
static long asked_last;
static unsigned int asked_in_row;
static struct vfs_place place;
static char guest_path[VFS_PATH_MAX];
static char next_path[VFS_PATH_MAX];

int door_mount(const char *at, struct vfs *v)
{
	if (strcmp(at, "/proc") != 0)
		return EINVAL;
	mounted = v;
	return 0;
}

static bool attached(void)
{
	uint64_t open_before[DOOR_GUARDED_MAX / 64];
	char message[256] = "";
	sigset_t all, old;
	int saved = errno, r;

	if (attach_tried)
		return mounted;
	attach_tried = true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	passing = true;
	door_guard_before(open_before);
	r = door_ops.attach(message, sizeof(message));
	if (!r)
		door_guard_after(open_before);
	passing = false;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r) {
		char line[320];
		int n = snprintf(line, sizeof(line), "scwatcher: %s\n",
				 *message ? message : strerror(r));

		mounted = NULL;
		if (REAL(write)(STDERR_FILENO, line, (size_t)n) < 0)
			mounted = NULL; /* nowhere to say it: the calls' EIO remains */
	}
	errno = saved;
	return mounted;
}

bool door_passing(void)
{
	return passing;
}

struct vfs *door_vfs(void)
{
	return attached() ? mounted : NULL;
}

void door_epoch_begin(void)
{
	if (mounted)
		vfs_begin(mounted);
}

void door_epoch_end(void)
{
	if (mounted)
		vfs_end(mounted);
}

const char *door_cwd(void)
{
	return cwd;
}

int door_cwd_set(const char *path)
{
	char *copy = NULL;

	if (path) {
		copy = strdup(path);
		if (!copy)
			return -ENOMEM;
	}
	free(cwd);
	cwd = copy;
	__atomic_store_n(&door_cwd_is_guest, cwd != NULL, __ATOMIC_RELEASE);
	return 0;
}

/* A part of a path: up to the next '/'. */
static size_t component_size(const char *p)
{
	return (size_t)(strchrnul(p, '/') - p);
}

static bool component_is(const char *p, const char *name)
{
	size_t size = strlen(name);

	return !strncmp(p, name, size) && (!p[size] || p[size] == '/');
}

static const char *skip_slashes(const char *p)
{
	while (*p == '/' || (p[0] == '.' && p[1] == '/'))
		p++;
	return p;
}

/* Is one of the components "proc"? */
static bool names_proc(const char *path)
{
	for (const char *p = path; (p = strstr(p, "proc")); p += 4)
		if ((p == path || p[-1] == '/') && (!p[4] || p[4] == '/'))
			return true;
	return false;
}

/*
 * What tells of this machine as /proc does, and that programs take for one with it. The guest's is in none of the structures that are read
 * here, and this host's must not pass for it.
 */
static bool is_of_machine(const char *path)
{
	static const char *const files[] = {
		"/dev/kmsg", "/run/utmp", "/var/run/utmp", "/var/log/wtmp", "/var/log/btmp", "/var/log/lastlog",
	};

	if (!strncmp(path, "/sys/", 5))
		return path[5];
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (!strcmp(path, files[i]))
			return true;
	return false;
}

/* Of what may be a link to a descriptor of the guest, or to its mounts. */
static bool names_shortcut(const char *path)
{
	if (path[1] == 'd')
		return door_fd_end() &&
		       (!strncmp(path, "/dev/fd/", 8) || !strncmp(path, "/dev/std", 8));
	return path[1] == 'e' && !strcmp(path, "/etc/mtab");
}

bool door_path_maybe(int dirfd, const char *path)
{
	if (door_off || passing || !path)
		return false;
	if (*path == '/')
		return names_proc(path) || names_shortcut(path) || is_of_machine(path);
	if (dirfd == AT_FDCWD ? __atomic_load_n(&door_cwd_is_guest, __ATOMIC_ACQUIRE) :
				door_fd_maybe(dirfd))
		return true;
	return names_proc(path) || strstr(path, "..");
}

static bool is_root(int dirfd, const char *path, size_t size)
{
	static struct stat root; /* under the lock */
	struct stat st;
	char copy[VFS_PATH_MAX];

	if (!root.st_ino && REAL(stat)("/", &root))
		return false;
	if (size >= sizeof(copy))
		return false;
	memcpy(copy, size ? path : ".", size ? size : 1);
	copy[size ? size : 1] = '\0';
	return !REAL(fstatat)(dirfd, copy, &st, 0) && st.st_dev == root.st_dev &&
	       st.st_ino == root.st_ino;
}

/* Of a path that starts on the host: the rest after "proc" in the root, or NULL. */
static const char *enters(int dirfd, const char *path)
{
	const char *p = skip_slashes(path);

	if (*path == '/' && component_is(p, "proc"))
		return p + 4;
	for (p = path; (p = strstr(p, "proc")); p += 4)
		if ((p == path || p[-1] == '/') && (!p[4] || p[4] == '/') &&
		    is_root(dirfd, path, (size_t)(p - path)))
			return p + 4;
	return NULL;
}

/*
 * /dev/fd/N, /dev/stdin ... of a guest descriptor, as they'd lead through /proc/self/fd, and
 * /etc/mtab. In `out`, relative to /proc.
 */
static bool shortcut(const char *path, unsigned int flags, char out[VFS_PATH_MAX])
{
	static const char *const std[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };
	char link[64];
	ssize_t n;

	if (!strcmp(path, "/etc/mtab")) {
		n = flags & DOOR_NOFOLLOW ? -1 : REAL(readlink)(path, link, sizeof(link) - 1);
		if (n < 0)
			return false; /* also for who wants the link itself */
		link[n] = '\0';
		if (!strcmp(link, "/proc/self/mounts") || !strcmp(link, "../proc/self/mounts") ||
		    !strcmp(link, "/proc/mounts") || !strcmp(link, "../proc/mounts")) {
			strcpy(out, "self/mounts");
			return true;
		}
		return false;
	}
	if (!strncmp(path, "/dev/fd/", 8) && strlen(path) < VFS_PATH_MAX - 16) {
		if (!door_fd_get(atoi(path + 8)))
			return false;
		snprintf(out, VFS_PATH_MAX, "self/fd/%s", path + 8);
		return true;
	}
	for (int i = 0; i < 3; i++) {
		if (!strcmp(path, std[i]) && door_fd_get(i)) {
			snprintf(out, VFS_PATH_MAX, "self/fd/%d", i);
			return true;
		}
	}
	return false;
}

/*
 * `path` without ".", ".." and double slashes. False if it leads above the start. By the text alone,
 * as the links in a /proc that could be passed with ".." lead to where they are.
 */
static bool normalise(const char *path, char out[VFS_PATH_MAX])
{
	size_t size = 0;

	for (const char *p = skip_slashes(path); *p; p = skip_slashes(p)) {
		size_t n = component_size(p);

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			if (!size)
				return false;
			while (size && out[--size] != '/')
				;
		} else if (!(n == 1 && *p == '.')) {
			if (size + n + 2 > VFS_PATH_MAX)
				return false;
			if (size)
				out[size++] = '/';
			memcpy(out + size, p, n);
			size += n;
		}
		p += n;
	}
	out[size] = '\0';
	return true;
}

bool door_is_search(long pid)
{
	if (pid == asked_last + 1 || pid == asked_last - 1)
		asked_in_row++;
	else if (pid != asked_last)
		asked_in_row = 0;
	asked_last = pid;
	return asked_in_row >= SEARCH_MIN;
}

/* 0: it isn't a process's. */
static long component_pid(const char *p)
{
	long n = 0;

	for (; *p >= '0' && *p <= '9' && n < INT32_MAX; p++)
		n = n * 10 + (*p - '0');
	return !*p || *p == '/' ? n : 0;
}

static const char *next_component(const char *p)
{
	return skip_slashes(p + component_size(p));
}

enum side {
	SIDE_GUEST,	  /* the guest's, at next_path */
	SIDE_GUEST_IF_ANY, /* the same, but the host's if the guest has no such file */
	SIDE_HOST,	  /* the tool's own */
	SIDE_ABSOLUTE,	  /* next_path is absolute, look again */
	SIDE_RELATIVE,	  /* next_path is relative to the working directory, look again */
};

static enum side guest_at(const char *head, const char *rest)
{
	if ((size_t)snprintf(next_path, sizeof(next_path), "%s%s%s", head, *rest ? "/" : "", rest) >=
	    sizeof(next_path))
		return SIDE_HOST;
	return SIDE_GUEST;
}

/* `p`: what follows self/ in /proc/self/..., normalised. */
static enum side own_side(const char *p, unsigned int flags)
{
	if (component_is(p, "task")) {
		const char *task = next_component(p);

		if (*task && *next_component(task))
			p = next_component(task);
	}
	const char *rest = next_component(p);
	bool follow = *rest || !(flags & DOOR_NOFOLLOW);

	if (component_is(p, "net")) {
		guest_at("net", rest);
		return SIDE_GUEST_IF_ANY;
	}
	if (component_is(p, "mounts") || component_is(p, "mountinfo") || component_is(p, "mountstats")) {
		guest_at("1", p);
		return SIDE_GUEST_IF_ANY;
	}
	if (component_is(p, "root") && *rest) {
		guest_at("/", rest);
		return SIDE_ABSOLUTE;
	}
	if (component_is(p, "cwd") && *rest) {
		guest_at(".", rest);
		return SIDE_RELATIVE;
	}
	if (component_is(p, "cwd") && cwd && follow)
		return guest_at(*cwd ? cwd : ".", "");
	if (component_is(p, "fd") && *rest >= '0' && *rest <= '9') {
		struct door_file *f = door_fd_get(atoi(rest));

		rest = next_component(rest);
		if (f && (*rest || !(flags & DOOR_NOFOLLOW)))
			return guest_at(*f->path ? f->path : ".", rest);
	}
	return SIDE_HOST;
}

/* Where guest_path leads that begins in /proc: may be the tool's own after all. */
static enum side proc_side(unsigned int flags, bool own_pid_too)
{
	static char normal[VFS_PATH_MAX];
	const char *p = skip_slashes(guest_path);

	if (strstr(p, "..")) {
		if (!normalise(p, normal)) { /* out of /proc, or too long: the walk says */
			strcpy(next_path, guest_path);
			return SIDE_GUEST;
		}
		p = normal;
	}
	if (component_is(p, "self") || component_is(p, "thread-self") ||
	    (own_pid_too && component_pid(p) == getpid())) {
		const char *rest = next_component(p);
		enum side side = own_side(rest, flags);

		if (side != SIDE_HOST)
			return side;
		/* The host's, by its own text if the text will do. */
		snprintf(next_path, sizeof(next_path), "%s", p);
		return SIDE_HOST;
	}
	/* Past self, which the guest's /proc doesn't have as the tool sees it, and back. */
	strcpy(next_path, p == normal && strstr(guest_path, "self") ? (*p ? p : ".") : guest_path);
	return SIDE_GUEST;
}

static bool to_host(struct door_target *t, const char *head, const char *path)
{
	size_t n = (size_t)snprintf(host_path, sizeof(host_path), "%s%s", head, path);

	if (n >= sizeof(host_path)) {
		t->error = -ENAMETOOLONG;
		return true;
	}
	t->dirfd = AT_FDCWD;
	t->path = host_path;
	door_unlock();
	return false;
}

/* ".." in a path that starts in a directory of the host's /proc: from there as by its full name. */
static bool full_name(int dirfd, const char *path, char out[VFS_PATH_MAX])
{
	char link[48], dir[VFS_PATH_MAX];
	struct statfs sf;
	ssize_t n;

	if (!strstr(path, ".."))
		return false;
	if (dirfd == AT_FDCWD ? REAL(statfs)(".", &sf) : REAL(fstatfs)(dirfd, &sf))
		return false;
	if (sf.f_type != VFS_FORM_PROC_MAGIC)
		return false;
	if (dirfd == AT_FDCWD)
		strcpy(link, "/proc/self/cwd");
	else
		snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	n = REAL(readlink)(link, dir, sizeof(dir) - 1);
	if (n <= 0 || strncmp(dir, "/proc", 5) != 0)
		return false;
	dir[n] = '\0';
	return (size_t)snprintf(out, VFS_PATH_MAX, "%s/%s", dir, path) < VFS_PATH_MAX;
}

/*
 * Puts into guest_path where the path goes below /proc. False: it is the host's (or an error is in
 * *error).
 */
static bool start(int dirfd, const char *path, unsigned int flags, int *error)
{
	const char *rest;
	size_t n;

	*error = 0;
	if (strnlen(path, VFS_PATH_MAX) == VFS_PATH_MAX) {
		*error = -ENAMETOOLONG;
		return false;
	}
	if (*path != '/') {
		const char *base = NULL;

		if (dirfd == AT_FDCWD) {
			base = cwd;
		} else {
			struct door_file *f = door_fd_get(dirfd);

			if (f && !f->is_dir && (*path || !(flags & DOOR_EMPTY_PATH))) {
				*error = *path ? -ENOTDIR : -ENOENT;
				return false;
			}
			base = f ? f->path : NULL;
		}
		if (base) {
			if (!*path && !(flags & DOOR_EMPTY_PATH)) {
				*error = -ENOENT;
				return false;
			}
			n = (size_t)snprintf(guest_path, sizeof(guest_path), "%s/%s", base, path);
			if (n >= sizeof(guest_path))
				*error = -ENAMETOOLONG;
			return n < sizeof(guest_path);
		}
	} else if (shortcut(path, flags, guest_path)) {
		return true;
	} else if (!strncmp(path, "/sys/module", 11) && (!path[11] || path[11] == '/')) {
		snprintf(guest_path, sizeof(guest_path), VFS_SYSFS "%s", path + 4); /* one byte less than `path` */
		return true;
	} else if (is_of_machine(path)) {
		*error = -EACCES; /* as of what a magic link leads to: it is there, and can't be had here */
		return false;
	}
	rest = enters(dirfd, path);
	if (!rest && *path != '/' && full_name(dirfd, path, next_path)) {
		/* From the tool's own directory, which the guest doesn't have: by the text. */
		if (!normalise(next_path, guest_path) || !component_is(guest_path, "proc"))
			return false;
		memmove(guest_path, guest_path + 4, strlen(guest_path) - 3);
		if (!*guest_path)
			strcpy(guest_path, "/");
		return true;
	}
	if (!rest)
		return false;
	n = strlen(rest);
	if (n >= sizeof(guest_path)) {
		*error = -ENAMETOOLONG;
		return false;
	}
	memcpy(guest_path, *rest ? rest : "/", n ? n + 1 : 2);
	return true;
}

/* What the guest's own net lacks is absent, rather than the host's. */
static bool is_net_of_guest(void)
{
	static struct vfs_place net;

	return component_is(next_path, "net") && !vfs_walk(mounted, NULL, "net", 0, &net);
}

/* One look at a path. */
enum look {
	LOOK_GUEST, /* t->place or t->error */
	LOOK_HOST,  /* as it is */
	LOOK_OTHER, /* the host's /proc, at next_path */
	LOOK_AGAIN, /* next_path with t->dirfd == AT_FDCWD */
};

static enum look look(struct door_target *t, int dirfd, const char *path, unsigned int flags)
{
	bool own_pid_too = false;

	if (!start(dirfd, path, flags, &t->error))
		return t->error ? LOOK_GUEST : LOOK_HOST;
again:;
	enum side side = proc_side(flags, own_pid_too);
	switch (side) {
	case SIDE_HOST:
		return LOOK_OTHER;
	case SIDE_ABSOLUTE:
	case SIDE_RELATIVE:
		return LOOK_AGAIN;
	case SIDE_GUEST:
	case SIDE_GUEST_IF_ANY:
		break;
	}
	if (!attached()) {
		t->error = -EIO;
		return LOOK_GUEST;
	}
	t->error = vfs_walk(mounted, NULL, next_path, flags & DOOR_NOFOLLOW ? VFS_WALK_NOFOLLOW : 0,
			    &place);
	t->place = &place;
	if (t->error == -ENOENT && side == SIDE_GUEST_IF_ANY && !is_net_of_guest()) {
		snprintf(next_path, sizeof(next_path), "%s", skip_slashes(guest_path));
		return LOOK_OTHER;
	}
	if (!own_pid_too) {
		long pid = component_pid(skip_slashes(guest_path));
		bool search = pid && door_is_search(pid);

		if (t->error == -ENOENT && pid && !search && pid == getpid()) {
			own_pid_too = true;
			goto again;
		}
	}
	if (t->error || place.kind == VFS_FOUND)
		return LOOK_GUEST;
	if (!place.link.ops) { /* ".." out of /proc: into the root */
		const char *p = place.path;

		while (p[0] == '.' && p[1] == '.' && (!p[2] || p[2] == '/'))
			p = skip_slashes(p + 2);
		next_path[0] = '/'; /* what follows is shorter than ".." and it were */
		memcpy(next_path + 1, p, strlen(p) + 1);
		return LOOK_AGAIN;
	}
	if (!place.link.ops->getattr_target && !strncmp(place.path, "/proc/", 6)) {
		strcpy(next_path, place.path);
		return LOOK_AGAIN;
	}
	return LOOK_GUEST; /* something in the guest that isn't in its /proc */
}

bool door_resolve_slow(struct door_target *t, int dirfd, const char *path, unsigned int flags)
{
	int saved = errno;
	char again[VFS_PATH_MAX];

	door_init();
	if (door_off)
		return false;
	t->error = 0;
	t->place = NULL;
	if (!door_lock()) {
		t->error = -EAGAIN;
		return true;
	}
	for (int turn = 0; turn < TURNS_MAX; turn++) {
		switch (look(t, dirfd, path, flags)) {
		case LOOK_GUEST:
			errno = saved;
			return true;
		case LOOK_HOST:
			errno = saved;
			if (turn)
				return to_host(t, "", path);
			door_unlock();
			return false;
		case LOOK_OTHER:
			errno = saved;
			/* By its own text where that leads to the same without us. */
			if (!turn && *path == '/' && !strstr(path, "..")) {
				door_unlock();
				return false;
			}
			return to_host(t, "/proc/", next_path);
		case LOOK_AGAIN:
			strcpy(again, next_path);
			path = again;
			dirfd = AT_FDCWD;
		}
	}
	t->error = -ELOOP;
	return true;
}

long door_target_done(const struct door_target *t, long result)
{
	if (t->error != -EAGAIN || t->place)
		return door_done(result);
	errno = EAGAIN;
	return -1;
}
