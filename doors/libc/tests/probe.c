// SPDX-License-Identifier: MIT
/*
 * Calls every function that the door stands in for on the tree at argv[1] and prints what comes
 * back. Run once on a tree of the host and once on the guest's /proc with the same content, it
 * must print the same. Names of the tree in results are printed as ROOT.
 *
 *	1/{stat,cmdline,empty}  1/fd/{0,1,2}  net/{tcp,dev}  big  link -> 1/stat  dirlink -> net
 *	dangling -> none  loop -> loop  up -> 1/../net/dev  many/0 ... many/199
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <mntent.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <wchar.h>

extern char **environ;

#ifdef __GLIBC__
#define error_name strerrorname_np
#else
/* What musl doesn't have, so that the same probe serves both. */
#define error_name strerror
#define GLOB_BRACE 0
#define close_range(a, b, c) syscall(SYS_close_range, a, b, c)
#define closefrom(a) syscall(SYS_close_range, a, ~0U, 0)
#define getdents64(a, b, c) syscall(SYS_getdents64, a, b, c)
#define preadv2(a, b, c, d, e) preadv(a, b, c, d)
#define scandirat(a, b, c, d, e) scandir(in(b), c, d, e)
#define fgets_unlocked fgets
#define fread_unlocked fread
struct statx {
	char room[256];
};
#define STATX_BASIC_STATS 0x7ff
#define statx(a, b, c, d, e) syscall(SYS_statx, a, b, c, d, e)
#endif

static const char *root;
static char path_buf[8][PATH_MAX];
static int path_at;

static char *in(const char *rel)
{
	char *p = path_buf[path_at++ % 8];

	snprintf(p, PATH_MAX, "%s%s%s", root, *rel ? "/" : "", rel);
	return p;
}

/* Prints `s` with the tree's name as ROOT. */
static void say(const char *s)
{
	size_t n = strlen(root);

	while (*s) {
		if (!strncmp(s, root, n) && (!s[n] || s[n] == '/' || s[n] == '\n' || s[n] == ' ')) {
			printf("ROOT");
			s += n;
		} else {
			putchar(*s++);
		}
	}
}

static void result(const char *what, long r)
{
	int e = errno;

	printf("%s = %s%s%s\n", what, r < 0 ? "-1 " : "", r < 0 ? error_name(e) : "", r < 0 ? "" : "ok");
}

static void value(const char *what, long r)
{
	int e = errno;

	if (r < 0)
		printf("%s = -1 %s\n", what, error_name(e));
	else
		printf("%s = %ld\n", what, r);
}

#define R(call) result(#call, (long)(call))
#define V(call) value(#call, (long)(call))

static void bytes(const char *what, ssize_t n, const char *buf)
{
	value(what, n);
	for (ssize_t i = 0; i < n; i++)
		printf("%c", buf[i] >= ' ' && buf[i] < 127 ? buf[i] : buf[i] == '\n' ? '|' : '.');
	if (n > 0)
		printf("\n");
}

static void show_stat(const char *what, int r, const struct stat *st)
{
	value(what, r);
	if (!r)
		printf("  mode %o size %ld\n", st->st_mode & ~0222U, S_ISREG(st->st_mode) ? (long)st->st_size : 0);
}

/* Whether a file system has attributes at all differs between hosts. */
static void no_xattr(const char *what, ssize_t r)
{
	if (r < 0 && (errno == ENODATA || errno == EOPNOTSUPP))
		printf("%s none\n", what);
	else
		value(what, r);
}

static void test_open(void)
{
	static const char *const paths[] = {
		"1/stat", "1/stat/", "1/stat/x", "1", "1/", "none", "none/x", "link", "link/",
		"dirlink", "dirlink/tcp", "dangling", "loop", "up", "1/../net/tcp", "./1/./stat",
		"//1//stat", "1/fd/0", ".", "net/..", "none/../1/stat",
	};
	static const int flags[] = {
		O_RDONLY, O_RDONLY | O_DIRECTORY, O_RDONLY | O_NOFOLLOW, O_RDONLY | O_CLOEXEC,
		O_PATH, O_PATH | O_NOFOLLOW, O_CREAT | O_EXCL | O_RDONLY,
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		for (size_t j = 0; j < sizeof(flags) / sizeof(*flags); j++) {
			char what[64];
			int fd;

			/* Would be created on the host; on the guest's /proc it is EROFS. */
			if (flags[j] & O_CREAT && i != 0 && i != 3)
				continue;
			fd = open(in(paths[i]), flags[j], 0600);
			snprintf(what, sizeof(what), "open %s %zu", paths[i], j);
			result(what, fd);
			if (fd < 0)
				continue;
			V(fcntl(fd, F_GETFD));
			printf("flags %o\n", (unsigned int)fcntl(fd, F_GETFL) & ~0400000U);
			R(close(fd));
			R(close(fd));
		}
	}
	R(open(in("1"), O_WRONLY));
	R(open(in("1"), O_RDWR | O_CREAT, 0600));
	R(syscall(SYS_open, NULL, O_RDONLY));
	R(open("", O_RDONLY));
	R(openat(-5, "x", O_RDONLY));
	R(openat(AT_FDCWD, in("1/stat"), O_RDONLY));
	R(creat(in("1"), 0600));

	char long_name[300], *p = in("1/");
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	strcat(p, long_name);
	R(open(p, O_RDONLY));
	char *long_path = malloc(PATH_MAX + 10);
	strcpy(long_path, in(""));
	while (strlen(long_path) < PATH_MAX)
		strcat(long_path, "/.");
	R(open(long_path, O_RDONLY));
	free(long_path);
}

static void test_read(void)
{
	char buf[256] = "";
	struct iovec iov[3] = { { buf, 5 }, { buf + 5, 0 }, { buf + 5, 200 } };
	int fd = open(in("1/stat"), O_RDONLY);

	bytes("read 10", read(fd, buf, 10), buf);
	bytes("read 0", read(fd, buf, 0), buf);
	bytes("pread 4 at 2", pread(fd, buf, 4, 2), buf);
	bytes("pread far", pread(fd, buf, 4, 1000000), buf);
	R(pread(fd, buf, 4, -1));
	bytes("read rest", read(fd, buf, sizeof(buf)), buf);
	bytes("read end", read(fd, buf, sizeof(buf)), buf);
	V(lseek(fd, 3, SEEK_SET));
	bytes("readv", readv(fd, iov, 3), buf);
	bytes("preadv", preadv(fd, iov, 3, 1), buf);
	bytes("preadv2", preadv2(fd, iov, 3, 1, 0), buf);
	V(lseek(fd, 5, SEEK_SET));
	V(lseek(fd, -2, SEEK_CUR));
	V(lseek(fd, -20, SEEK_CUR));
	V(lseek(fd, -1, SEEK_SET));
	V(lseek(fd, 0, 77));
	bytes("read after seek", read(fd, buf, 6), buf);
	R(write(fd, "x", 1));
	R(pwrite(fd, "x", 1, 0));
	R(ftruncate(fd, 0));
	R(ioctl(fd, TIOCGWINSZ, buf));
	close(fd);
	R(read(fd, buf, 1));
	R(pread(fd, buf, 1, 0));
	R(lseek(fd, 0, SEEK_SET));
	fd = open(in("1"), O_RDONLY);
	R(read(fd, buf, 1));
	R(pread(fd, buf, 1, 0));
	close(fd);
	fd = open(in("1/stat"), O_PATH);
	R(read(fd, buf, 1));
	R(lseek(fd, 0, SEEK_SET));
	close(fd);
	fd = open(in("1/empty"), O_RDONLY);
	V(read(fd, buf, 1));
	V(read(fd, buf, 1));
	close(fd);

	/* A large file in odd pieces. */
	unsigned long sum = 0, total = 0;
	char *piece = malloc(70000);
	fd = open(in("big"), O_RDONLY);
	for (int i = 1;; i++) {
		ssize_t n = read(fd, piece, (size_t)(i * 7919 % 70000 + 1));

		if (n <= 0)
			break;
		for (ssize_t k = 0; k < n; k++)
			sum = sum * 31 + (unsigned char)piece[k];
		total += (unsigned long)n;
	}
	printf("big %lu %lx\n", total, sum);
	close(fd);
	free(piece);
}

static void test_fds(void)
{
	char buf[64];
	int fd = open(in("1/stat"), O_RDONLY), other, p[2];
	int plain = open("/dev/null", O_RDONLY);

	printf("lowest %d\n", plain - fd);
	other = dup(fd);
	V(other - fd);
	bytes("shared 1", read(fd, buf, 4), buf);
	bytes("shared 2", read(other, buf, 4), buf);
	R(close(fd));
	bytes("shared 3", read(other, buf, 4), buf);
	V(dup2(other, fd) - fd);
	V(dup2(fd, fd) - fd);
	bytes("shared 4", read(fd, buf, 2), buf);
	R(dup3(fd, fd, 0));
	V(dup3(fd, 50, O_CLOEXEC));
	V(fcntl(50, F_GETFD));
	V(fcntl(50, F_SETFD, 0));
	V(fcntl(50, F_GETFD));
	V(fcntl(fd, F_DUPFD, 60));
	V(fcntl(fd, F_DUPFD_CLOEXEC, 70));
	V(fcntl(70, F_GETFD));
	V(fcntl(fd, F_SETFL, O_NONBLOCK));
	printf("flags %o\n", (unsigned int)fcntl(60, F_GETFL));
	bytes("60", read(60, buf, 2), buf);
	/* A plain descriptor over one of the tree, and the other way round. */
	V(dup2(plain, 60));
	V(read(60, buf, 2));
	V(dup2(fd, plain) - plain);
	bytes("plain is now", read(plain, buf, 2), buf);
	R(dup2(-1, fd));
	R(dup2(fd, -1));
	R(dup2(9999, fd));
	bytes("still", read(fd, buf, 2), buf);
	R(close_range(50, 60, 0));
	R(read(50, buf, 1));
	bytes("70", pread(70, buf, 2, 0), buf);
	closefrom(65);
	R(read(70, buf, 1));
	bytes("still", pread(fd, buf, 2, 0), buf);

	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	V(poll(&pfd, 1, 0));
	printf("revents %x\n", (unsigned int)pfd.revents);
	fd_set set;
	FD_ZERO(&set);
	FD_SET(fd, &set);
	V(select(fd + 1, &set, NULL, NULL, NULL));
	int ep = epoll_create1(0);
	struct epoll_event ev = { .events = EPOLLIN };
	R(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	close(ep);

	lseek(fd, 2, SEEK_SET);
	pipe(p);
	V(sendfile(p[1], fd, NULL, 5));
	bytes("sent", read(p[0], buf, 64), buf);
	off_t at = 1;
	V(sendfile(p[1], fd, &at, 4));
	V(at);
	bytes("sent", read(p[0], buf, 64), buf);
	V(splice(fd, NULL, p[1], NULL, 3, 0));
	bytes("spliced", read(p[0], buf, 64), buf);
	R(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	close(p[0]);
	close(p[1]);
	close(fd);
	close(other);
	close(plain);

	/* All closed at start, as daemons do. */
	int first = open(in("1/stat"), O_RDONLY);
	for (int i = 3; i < 1024; i++)
		close(i);
	fd = open(in("1/stat"), O_RDONLY);
	V(fd - first);
	bytes("after closing all", read(fd, buf, 5), buf);
	close(fd);
}

static void test_stat(void)
{
	static const char *const paths[] = { "",	"1",	 "1/stat",   "1/stat/", "link",
					     "link/",	"dirlink", "dangling", "loop",	"up",
					     "none",	"none/", "1/fd/0",   "1/fd/1",	"net/../1" };
	struct stat st;
	struct statx sx;
	struct statfs sf;
	struct statvfs sv;
	char buf[PATH_MAX], what[64];

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		const char *p = in(paths[i]);

		printf("-- %s\n", paths[i]);
		show_stat("stat", stat(p, &st), &st);
		show_stat("lstat", lstat(p, &st), &st);
		show_stat("fstatat", fstatat(AT_FDCWD, p, &st, 0), &st);
		show_stat("fstatat nofollow", fstatat(AT_FDCWD, p, &st, AT_SYMLINK_NOFOLLOW), &st);
		V(statx(AT_FDCWD, p, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &sx));
		show_stat("SYS_newfstatat", (int)syscall(SYS_newfstatat, AT_FDCWD, p, &st, 0), &st);
		V(access(p, F_OK));
		V(access(p, R_OK));
		V(faccessat(AT_FDCWD, p, F_OK, AT_SYMLINK_NOFOLLOW));
		V(faccessat(AT_FDCWD, p, R_OK, AT_EACCESS));
		V(euidaccess(p, R_OK));
		V(access(p, 64));
		V(syscall(SYS_access, p, R_OK));
		snprintf(what, sizeof(what), "readlink %s", paths[i]);
		bytes(what, readlink(p, buf, sizeof(buf)), buf);
		bytes("readlink 3", readlink(p, buf, 3), buf);
#ifdef __GLIBC__ /* others make a buffer of their own */
		R(readlink(p, buf, 0));
#endif
		R(statfs(p, &sf));
		R(statvfs(p, &sv));
		R(chdir(p));
		char *real = realpath(p, NULL);
		printf("realpath ");
		say(real ? real : error_name(errno));
		printf("\n");
		free(real);
		no_xattr("getxattr", getxattr(p, "security.nothing", buf, sizeof(buf)));
		no_xattr("lgetxattr", lgetxattr(p, "security.nothing", buf, sizeof(buf)));
	}
	chdir("/");
	V(access(in("1/stat"), X_OK));
	V(access(in("1"), X_OK));
	show_stat("stat NULL", stat(in("none"), &st), &st);
	int fd = open(in("1/stat"), O_RDONLY), dir = open(in("1"), O_RDONLY | O_DIRECTORY);
	show_stat("fstat", fstat(fd, &st), &st);
	show_stat("fstat dir", fstat(dir, &st), &st);
	show_stat("empty path", fstatat(fd, "", &st, AT_EMPTY_PATH), &st);
	show_stat("empty path without", fstatat(fd, "", &st, 0), &st);
	show_stat("at dir", fstatat(dir, "stat", &st, 0), &st);
	show_stat("at dir up", fstatat(dir, "../net/tcp", &st, 0), &st);
	show_stat("at file", fstatat(fd, "stat", &st, 0), &st);
	V(statx(dir, "cmdline", 0, STATX_BASIC_STATS, &sx));
	V(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx));
	bytes("readlinkat", readlinkat(dir, "../link", buf, sizeof(buf)), buf);
	R(openat(dir, "stat", O_RDONLY));
	R(openat(fd, "stat", O_RDONLY));
	R(openat(dir, "", O_RDONLY));
	R(faccessat(dir, "stat", R_OK, 0));
	R(fstatfs(fd, &sf));
	R(fstatvfs(fd, &sv));
	no_xattr("fgetxattr", fgetxattr(fd, "security.nothing", buf, sizeof(buf)));
	V(flistxattr(fd, NULL, 0));
	V(listxattr(in("1/stat"), NULL, 0));
	V(llistxattr(in("link"), NULL, 0));
	snprintf(buf, sizeof(buf), "/proc/self/fd/%d", fd);
	char link[PATH_MAX] = "";
	V(readlink(buf, link, sizeof(link)) > 0);
	say(link);
	printf("\n");
	int again = open(buf, O_RDONLY);
	bytes("by /proc/self/fd", read(again, link, 6), link);
	close(again);
	snprintf(buf, sizeof(buf), "/dev/fd/%d", dir);
	again = open(buf, O_RDONLY | O_DIRECTORY);
	R(openat(again, "stat", O_RDONLY));
	close(again);
	R(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
	close(fd);
	close(dir);
	closefrom(3);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_sorted(char **names, size_t n)
{
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++) {
		say(names[i]);
		printf(" ");
		free(names[i]);
	}
	printf("(%zu)\n", n);
}

static int no_dots(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static char *walked[4096];
static size_t walked_count;

static int on_nftw(const char *path, const struct stat *st, int type, struct FTW *at)
{
	char line[PATH_MAX + 64];

	(void)st;
	snprintf(line, sizeof(line), "%s type %d level %d base %zu", path, type, at->level,
		 strlen(path) - (size_t)at->base);
	walked[walked_count++] = strdup(line);
	return 0;
}

static int on_ftw(const char *path, const struct stat *st, int type)
{
	char line[PATH_MAX + 64];

	(void)st;
	snprintf(line, sizeof(line), "%s type %d", path, type);
	walked[walked_count++] = strdup(line);
	return 0;
}

static int stop_at_second(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)path;
	(void)st;
	(void)type;
	(void)at;
	return ++walked_count == 2 ? 77 : 0;
}

static int fts_names(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void walk_fts(int options)
{
	char *const roots[] = { in(""), in("none"), in("link"), NULL };
	FTS *f = fts_open(roots, options, fts_names);
	FTSENT *e;
	int skipped = 0;

	printf("fts %x\n", (unsigned int)options);
	while (f && (e = fts_read(f))) {
		printf("  %d ", e->fts_info);
		say(e->fts_path);
		printf(" level %d name ", e->fts_level);
		say(e->fts_name);
		printf(" pathlen %d errno %d\n", e->fts_pathlen - (int)strlen(root), e->fts_errno);
		if (!strcmp(e->fts_name, "many") && !skipped++)
			fts_set(f, e, FTS_SKIP);
		if (!strcmp(e->fts_name, "dirlink") && e->fts_info == FTS_SL)
			fts_set(f, e, FTS_FOLLOW);
	}
	V(errno);
	fts_close(f);
}

static void test_dirs(void)
{
	static const char *const paths[] = { "", "1", "net/", "dirlink", "1/stat", "none", "loop", "many" };
	char *names[4096];
	size_t n;
	struct dirent *e;
	DIR *d;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		printf("-- opendir %s\n", paths[i]);
		d = opendir(in(paths[i]));
		result("opendir", d ? 0 : -1);
		if (!d)
			continue;
		for (n = 0; (e = readdir(d)); n++) {
			char name[300];

			snprintf(name, sizeof(name), "%s:%d", e->d_name, e->d_type);
			names[n] = strdup(name);
		}
		print_sorted(names, n);
		R(readdir(d) ? 0 : 1);
		rewinddir(d);
		e = readdir(d);
		long at = telldir(d);
		e = readdir(d);
		char *second = strdup(e->d_name);
		readdir(d);
		seekdir(d, at);
		e = readdir(d);
		V(strcmp(e->d_name, second));
		free(second);
		struct stat st;
		show_stat("fstat dirfd", fstat(dirfd(d), &st), &st);
		show_stat("fstatat dirfd", fstatat(dirfd(d), ".", &st, 0), &st);
		R(closedir(d));
	}
	int fd = open(in("1"), O_RDONLY | O_DIRECTORY);
	d = fdopendir(fd);
	V(dirfd(d) - fd);
	for (n = 0; (e = readdir(d)); n++)
		names[n] = strdup(e->d_name);
	print_sorted(names, n);
	R(closedir(d));
	R(close(fd));
	fd = open(in("1/stat"), O_RDONLY);
	R(fdopendir(fd) ? 0 : -1);
	close(fd);
	R(fdopendir(fd) ? 0 : -1);

	struct dirent **list;
	int count = scandir(in("1"), &list, no_dots, alphasort);
	V(count);
	for (int i = 0; i < count; i++) {
		printf("%s ", list[i]->d_name);
		free(list[i]);
	}
	free(list);
	count = scandir(in("many"), &list, no_dots, versionsort);
	V(count);
	for (int i = 0; i < count; i++) {
		if (i < 12)
			printf("%s ", list[i]->d_name);
		free(list[i]);
	}
	free(list);
	V(scandir(in("none"), &list, NULL, NULL));
	fd = open(in(""), O_RDONLY | O_DIRECTORY);
	count = scandirat(fd, "net", &list, no_dots, alphasort);
	V(count);
	for (int i = 0; i < count; i++)
		free(list[i]);
	free(list);
	close(fd);

	fd = open(in("many"), O_RDONLY | O_DIRECTORY);
	char dents[1000];
	n = 0;
	for (;;) {
		long got = syscall(SYS_getdents64, fd, dents, sizeof(dents));

		if (got <= 0) {
			V(got);
			break;
		}
		for (long at = 0; at < got; at += *(unsigned short *)(dents + at + 16))
			names[n++] = strdup(dents + at + 19);
	}
	print_sorted(names, n);
	lseek(fd, 0, SEEK_SET);
	V(getdents64(fd, dents, sizeof(dents)) > 900);
	V(getdents64(fd, dents, 3));
	close(fd);
	fd = open(in("1/stat"), O_RDONLY);
	V(getdents64(fd, dents, sizeof(dents)));
	close(fd);

	static const char *const patterns[] = { "*", "1/*", "[0-9]*/fd/*", "n*/t?p", "none*",
						"{1,net}/*", "*/", "dirlink/*" };
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		glob_t g;

		printf("-- glob %s\n", patterns[i]);
		V(glob(in(patterns[i]), GLOB_BRACE | GLOB_MARK, NULL, &g));
		for (size_t k = 0; k < g.gl_pathc && k < 20; k++) {
			say(g.gl_pathv[k]);
			printf(" ");
		}
		printf("(%zu)\n", g.gl_pathc);
		globfree(&g);
	}
	static const int nftw_flags[] = { 0, FTW_PHYS, FTW_DEPTH | FTW_PHYS, FTW_CHDIR | FTW_PHYS,
					  FTW_MOUNT | FTW_PHYS };
	for (size_t i = 0; i < sizeof(nftw_flags) / sizeof(*nftw_flags); i++) {
		walked_count = 0;
		/* Following links, which name a directory gets depends on the order. */
		V(nftw(in(nftw_flags[i] ? "" : "1"), on_nftw, 10, nftw_flags[i]));
		print_sorted(walked, walked_count);
	}
	walked_count = 0;
	V(ftw(in("net"), on_ftw, 10));
	print_sorted(walked, walked_count);
	walked_count = 0;
	V(nftw(in(""), stop_at_second, 10, FTW_PHYS));
	V(nftw(in("none"), on_nftw, 10, 0));
	walk_fts(FTS_PHYSICAL | FTS_NOCHDIR);
	walk_fts(FTS_LOGICAL | FTS_NOCHDIR);
	walk_fts(FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW | FTS_SEEDOT);
}

static void test_cwd(void)
{
	char buf[PATH_MAX], small[3];
	struct stat st;

	chdir(root);
	say(getcwd(buf, sizeof(buf)));
	printf("\n");
	R(chdir("1"));
	say(getcwd(buf, sizeof(buf)));
	printf("\n");
	char *own = getcwd(NULL, 0);
	say(own);
	printf("\n");
	free(own);
	own = get_current_dir_name();
	free(own);
	R(getcwd(small, sizeof(small)) ? 0 : -1);
	R(getcwd(small, 0) ? 0 : -1);
	V(syscall(SYS_getcwd, buf, sizeof(buf)) == (long)strlen(root) + 3);
	show_stat("stat", stat("stat", &st), &st);
	show_stat("../net/tcp", stat("../net/tcp", &st), &st);
	show_stat(".", stat(".", &st), &st);
	show_stat("", stat("", &st), &st);
	int fd = open("fd/../stat", O_RDONLY);
	bytes("relative", read(fd, buf, 5), buf);
	close(fd);
	R(chdir("stat"));
	R(chdir("none"));
	R(chdir(""));
	R(chdir("../dirlink"));
	say(getcwd(buf, sizeof(buf)) + 0);
	printf("\n");
	fd = open("tcp", O_RDONLY);
	bytes("tcp", read(fd, buf, 5), buf);
	R(fchdir(fd));
	close(fd);
	fd = open("../1", O_RDONLY | O_DIRECTORY);
	R(fchdir(fd));
	close(fd);
	say(getcwd(buf, sizeof(buf)));
	printf("\n");
	R(mkdir("made", 0700) < 0 ? 1 : (long)rmdir("made") + 1);
	DIR *d = opendir(".");
	R(d ? 0 : -1);
	closedir(d);
	FILE *f = fopen("stat", "r");
	R(f ? 0 : -1);
	fclose(f);
	R(chdir("/"));
	R(open("1/stat", O_RDONLY));
	say(getcwd(buf, sizeof(buf)));
	printf("\n");
	/* The tree by way of the root's name for it, from another directory. */
	chdir("/etc");
	snprintf(buf, sizeof(buf), "..%s/1/stat", root);
	fd = open(buf, O_RDONLY);
	bytes("by ..", read(fd, buf, 5), buf);
	close(fd);
	chdir("/");
	fd = open("/", O_RDONLY | O_DIRECTORY);
	int file = openat(fd, root + 1, O_RDONLY | O_DIRECTORY);
	R(openat(file, "1/stat", O_RDONLY));
	snprintf(buf, sizeof(buf), ".//.%s//1/stat", root);
	R(openat(fd, buf, O_RDONLY));
	R(open(buf, O_RDONLY));
	closefrom(3);
	snprintf(buf, sizeof(buf), "%s/../../../../../../etc/passwd", root);
	R(open(buf, O_RDONLY));
	R(open("/etc/passwd", O_RDONLY));
	R(open("/usr/share/no/proc/here", O_RDONLY));
	R(open("/etc/passwd/x", O_RDONLY));
	closefrom(3);
}

static void test_stdio(void)
{
	char buf[256], *line = NULL;
	size_t size = 0;
	FILE *f = fopen(in("1/stat"), "r");
	int n, fd;

	R(f ? 0 : -1);
	V(fscanf(f, "%d (%20[^)]", &n, buf));
	printf("%d %s\n", n, buf);
	V(ftell(f));
	V(fseek(f, 2, SEEK_SET));
	V(fgetc(f));
	V(ungetc('z', f));
	V(getc_unlocked(f));
	printf("%s", fgets_unlocked(buf, 6, f));
	rewind(f);
	V(getline(&line, &size, f));
	printf("%s", line);
	V(getline(&line, &size, f));
	V(feof(f));
	V(fileno(f) > 2);
	V(fileno(f) - fileno_unlocked(f));
	bytes("pread of fileno", pread(fileno(f), buf, 4, 0), buf);
	R(fputc('x', f) == EOF ? 0 : 1);
	R(fclose(f));

	/* All of a large file, by lines and by blocks. */
	f = fopen(in("big"), "re");
	long lines = 0, bytes_read = 0;
	while (getline(&line, &size, f) > 0) {
		lines++;
		bytes_read += (long)strlen(line);
	}
	printf("%ld lines %ld bytes\n", lines, bytes_read);
	rewind(f);
	char *block = malloc(100000);
	V(fread(block, 1, 100000, f));
	V(fread_unlocked(block, 1, 100000, f));
	V(ftello(f));
	fseek(f, 5000, SEEK_SET);
	V(fgetc(f));
	free(block);
	V(fcntl(fileno(f), F_GETFD));
	fclose(f);
	V(fcntl(3, F_GETFD));

	R(fopen(in("none"), "r") ? 0 : -1);
	R(fopen(in("1/stat"), "q") ? 0 : -1);
	R(fopen(in("dangling"), "r") ? 0 : -1);
	R(fopen(in("loop"), "r") ? 0 : -1);
	f = fopen(in("1"), "r");
	R(f ? 0 : -1);
	V(fgetc(f));
	V(ferror(f));
	fclose(f);

	fd = open(in("net/tcp"), O_RDONLY);
	lseek(fd, 2, SEEK_SET);
	f = fdopen(fd, "r");
	printf("%s", fgets(buf, sizeof(buf), f));
	V(fileno(f) - fd);
	R(fclose(f));
	R(close(fd));
	R(fdopen(fd, "r") ? 0 : -1);

	f = fopen("/dev/null", "r");
	f = freopen(in("1/stat"), "r", f);
	R(f ? 0 : -1);
	if (f) {
		printf("%s", fgets(buf, sizeof(buf), f));
		f = freopen(in("net/tcp"), "r", f);
		if (f) {
			printf("%s", fgets(buf, sizeof(buf), f));
			fclose(f);
		}
	}
	static FILE *volatile closed; /* by the C library, but not freed */
	closed = fopen("/dev/null", "r");
	R(freopen(in("none"), "r", closed) ? 0 : -1);

	f = setmntent(in("mounts"), "r");
	struct mntent *m;
	while (f && (m = getmntent(f)))
		printf("%s on %s type %s\n", m->mnt_fsname, m->mnt_dir, m->mnt_type);
	if (f)
		endmntent(f);
	free(line);
}

/* In the C locale each byte is a character. */
static void test_wide(void)
{
	wchar_t line[64];
	FILE *f = fopen(in("1/stat"), "r");

	V(fwide(f, 0));
	V(fgetwc(f));
	V(ungetwc(L'x', f));
	V(getwc(f));
	printf("%ls\n", fgetws(line, 10, f));
	printf("%ls", fgetws(line, 64, f));
	V(fgetws(line, 64, f) ? 0 : -1);
	V(feof(f));
	V(fwide(f, 0));
	fclose(f);
}

static void child_output(const char *what, int status)
{
	printf("%s: status %d\n", what, status);
	fflush(stdout);
}

/* What new programs see: descriptors, positions, the working directory, an environment cleaned. */
static void test_exec(void)
{
	static char *const empty[] = { NULL };
	static char *const cat[] = { "cat", NULL };
	char *const cat_file[] = { "cat", in("1/stat"), NULL };
	char command[PATH_MAX + 64], buf[64];
	int status, fd;
	pid_t pid;

	fflush(stdout);
	fd = open(in("net/tcp"), O_RDONLY);
	read(fd, buf, 3);
	for (int way = 0; way < 9; way++) {
		fflush(stdout);
		pid = way == 8 ? vfork() : fork();
		if (!pid) {
			if (way != 7)
				dup2(fd, 0);
			switch (way) {
			case 0:
				execve("/bin/cat", cat, environ);
				break;
			case 1:
				execv("/bin/cat", cat);
				break;
			case 2:
				execvp("cat", cat);
				break;
			case 3:
				execl("/bin/cat", "cat", NULL);
				break;
			case 4:
				execlp("cat", "cat", "-", in("1/stat"), NULL);
				break;
			case 5:
				execle("/bin/cat", "cat", in("1/stat"), NULL, empty);
				break;
			case 6:
				execvpe("cat", cat_file, empty);
				break;
			case 7:
				chdir(in("1"));
				execl("/bin/cat", "cat", "stat", "../net/tcp", NULL);
				break;
			default:
				execl("/bin/cat", "cat", in("1/stat"), NULL);
			}
			_exit(99);
		}
		waitpid(pid, &status, 0);
		child_output("exec", WEXITSTATUS(status));
		lseek(fd, 3, SEEK_SET);
	}
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, 0);
	V(posix_spawn(&pid, "/bin/cat", &actions, NULL, cat, environ));
	waitpid(pid, &status, 0);
	child_output("spawn", WEXITSTATUS(status));
	posix_spawn_file_actions_destroy(&actions);
	posix_spawn_file_actions_init(&actions);
	V(posix_spawn_file_actions_addopen(&actions, 0, in("1/stat"), O_RDONLY, 0));
	V(posix_spawnp(&pid, "cat", &actions, NULL, cat, empty));
	waitpid(pid, &status, 0);
	child_output("spawn open", WEXITSTATUS(status));
	posix_spawn_file_actions_destroy(&actions);

	snprintf(command, sizeof(command), "cat %s; cat < %s", in("1/stat"), in("1/stat"));
	V(system(command));
	FILE *f = popen(command, "r");
	while (fgets(buf, sizeof(buf), f))
		printf("popen: %s", buf);
	V(pclose(f));
	chdir(in("1"));
	fflush(stdout);
	V(system("cat stat"));
	snprintf(command, sizeof(command), "cd %s; cat 1/stat; cd 1; cat stat < stat; cat < stat", root);
	fflush(stdout);
	V(system(command));
	chdir("/");

	/* A position is shared between parent and child. */
	lseek(fd, 0, SEEK_SET);
	bytes("parent", read(fd, buf, 4), buf);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		bytes("child", read(fd, buf, 4), buf);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	bytes("parent", read(fd, buf, 4), buf);
	lseek(fd, 0, SEEK_SET);
	bytes("from start", read(fd, buf, 4), buf);
	bytes("pread", pread(fd, buf, 4, 0), buf);
	struct stat st;
	show_stat("fstat", fstat(fd, &st), &st);
	close(fd);
}

static void test_syscall(void)
{
	char buf[64];
	struct stat st;
	long fd = syscall(SYS_openat, AT_FDCWD, in("1/stat"), O_RDONLY | O_CLOEXEC, 0);

	R(fd);
	bytes("read", syscall(SYS_read, fd, buf, 5), buf);
	bytes("pread64", syscall(SYS_pread64, fd, buf, 5, 1), buf);
	V(syscall(SYS_lseek, fd, 1, SEEK_SET));
	show_stat("fstat", (int)syscall(SYS_fstat, fd, &st), &st);
	long other = syscall(SYS_dup, fd);
	bytes("dup", syscall(SYS_read, other, buf, 5), buf);
	R(syscall(SYS_close, other));
	R(syscall(SYS_close, fd));
	R(syscall(SYS_close, fd));
	fd = syscall(SYS_open, in("1/stat"), O_RDONLY);
	R(fd);
	R(syscall(SYS_close_range, fd, fd, 0));
	R(syscall(SYS_close, fd));
	R(syscall(SYS_open, in("none"), O_RDONLY));
	struct {
		unsigned long flags, mode, resolve;
	} how = { O_RDONLY, 0, 0 };
	fd = syscall(SYS_openat2, AT_FDCWD, in("1/stat"), &how, sizeof(how));
	R(fd);
	close((int)fd);
	bytes("readlinkat", syscall(SYS_readlinkat, AT_FDCWD, in("link"), buf, sizeof(buf)), buf);
	V(syscall(SYS_getpid) == getpid());
}

static void test_fortified(void)
{
	char buf[64], path[PATH_MAX], cwd[PATH_MAX];
	volatile int flags = O_RDONLY;
	volatile size_t size = 5;
	int fd = open(in("1/stat"), flags);

	bytes("read", read(fd, buf, size), buf);
	bytes("pread", pread(fd, buf, size, 2), buf);
	close(fd);
	int dir = open(in("1"), flags);
	fd = openat(dir, "stat", flags);
	R(fd);
	close(fd);
	close(dir);
	bytes("readlink", readlink(in("link"), buf, size), buf);
	bytes("readlinkat", readlinkat(AT_FDCWD, in("link"), buf, size), buf);
	chdir(in("1"));
	size = sizeof(cwd);
	say(getcwd(cwd, size));
	say(realpath("../dirlink", path));
	printf("\n");
	chdir("/");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{ "open", test_open },	 { "read", test_read },	  { "fds", test_fds },
		{ "stat", test_stat },	 { "dirs", test_dirs },	  { "cwd", test_cwd },
		{ "stdio", test_stdio }, { "exec", test_exec },	  { "syscall", test_syscall },
		{ "fortified", test_fortified }, { "wide", test_wide },
	};

	root = argv[1];
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		if (argc > 2 && strcmp(argv[2], tests[i].name) != 0)
			continue;
		printf("== %s\n", tests[i].name);
		tests[i].run();
		fflush(stdout);
	}
	return 0;
}
