// SPDX-License-Identifier: MIT
/*
 * Reads what the guest's own kernel prints, to compare with what is seen from outside.
 *
 * All goes into one buffer that is allocated, touched and locked beforehand, so that reading changes
 * as little as can be. The archive in it: "SCWCAP1\n", then records (little-endian, no padding)
 *
 *	u16 kind, u16 path length, i32 errno, u64 CLOCK_BOOTTIME in ns, u64 data length, path, data
 *
 * kind 0: the end; 1: a file and its bytes (those read before the error, if errno is not 0); 2: a
 * symlink and its target; 3: a folder: for each entry its d_type byte, its name and a NUL.
 *
 * With --freeze it first prints where in physical memory the buffer lies, waits for a byte on standard
 * input, reads everything (twice), and then stops the virtual machine with one instruction, so that
 * hardly anything happens between the last read and the standstill. The host takes the bytes out of
 * the frozen memory. Otherwise it writes one archive to standard output.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define HUGE_PAGE (2 << 20)
#define READ_SIZE (128 << 10)
#define MAX_DEPTH 12
#define MAX_PATH 4096
#define PANIC_PORT 0x505 /* QEMU's pvpanic; bit 0 pauses, as guests/boot asks for */

enum kind { KIND_END, KIND_FILE, KIND_LINK, KIND_FOLDER };

/* The buffer's first page. */
struct head {
	char magic[8]; /* "SCWBUF1\n" */
	uint64_t overflow; /* not 0: the buffer was too small */
	uint64_t pid;
	uint64_t at[2], size[2]; /* the two archives */
};

struct record {
	uint16_t kind, path_length;
	int32_t error;
	uint64_t when, length;
} __attribute__((packed));

static struct head *head;
static char *buffer;
static size_t buffer_size, used;

static const char *only[64], *skipped[64];
static size_t only_count, skipped_count;
static bool everything;

/* Network namespaces seen: /proc/PID/net is read for the first process of each. */
static uint64_t namespaces[1024];
static size_t namespace_count;

/* Reading these blocks, changes something, is huge, or shows the reader's own memory. */
static const char *const never[] = {
	"kmsg", "kcore", "kpagecount", "kpageflags", "kpagecgroup", "pagemap", "mem", "trace_pipe",
	"sysrq-trigger", "clear_refs", "stat_refresh", "drop_caches", "compact_memory",
};
static const char *const costly[] = {
	"kallsyms", "pagetypeinfo", "vmallocinfo",
};

static bool among(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(name, list[i]))
			return true;
	return false;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static bool room(size_t size)
{
	if (buffer_size - used >= size)
		return true;
	head->overflow = 1;
	return false;
}

static struct record *begin(enum kind kind, const char *path)
{
	struct record *r = (struct record *)(buffer + used);
	size_t length = strlen(path);

	if (!room(sizeof(*r) + length))
		return NULL;
	r->kind = kind;
	r->path_length = length;
	r->error = 0;
	r->when = now();
	r->length = 0;
	memcpy(r + 1, path, length);
	used += sizeof(*r) + length;
	return r;
}

static void read_file(int folder, const char *name, const char *path)
{
	struct record *r = begin(KIND_FILE, path);
	int fd;

	if (!r)
		return;
	fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		r->error = errno;
		return;
	}
	while (room(PAGE)) {
		/* the kernel allocates as much for a sysctl as we ask for */
		size_t left = buffer_size - used;
		ssize_t n = read(fd, buffer + used, left < READ_SIZE ? left : READ_SIZE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r->error = errno;
		if (n <= 0)
			break;
		used += n;
		r->length += n;
	}
	close(fd);
}

static void read_link(int folder, const char *name, const char *path)
{
	struct record *r = begin(KIND_LINK, path);
	ssize_t n;

	if (!r || !room(MAX_PATH))
		return;
	n = readlinkat(folder, name, buffer + used, MAX_PATH);
	if (n < 0) {
		r->error = errno;
		return;
	}
	r->length = n;
	used += n;
}

/*
 * Whether to read the `net` of the process whose folder this is: one for each namespace will do, and
 * the one of a process rather than that of its threads.
 */
static bool wants_net(int folder, const char *path)
{
	struct stat st;

	if (everything)
		return true;
	if (strstr(path, "/task/") || fstatat(folder, "ns/net", &st, 0))
		return false;
	for (size_t i = 0; i < namespace_count; i++)
		if (namespaces[i] == st.st_ino)
			return false;
	if (namespace_count < sizeof(namespaces) / sizeof(namespaces[0]))
		namespaces[namespace_count++] = st.st_ino;
	return true;
}

/* Whether the path is that of an entry of a process: /proc/PID/ENTRY or .../TID/ENTRY. */
static bool in_process(const char *path)
{
	const char *entry = strrchr(path, '/');
	const char *at = entry;

	while (at > path && at[-1] >= '0' && at[-1] <= '9')
		at--;
	return at > path && at < entry && at[-1] == '/';
}

static void read_entry(int folder, const char *name, unsigned char type, char *path, int depth);

/* Takes ownership of fd. */
static void read_folder(int fd, char *path, int depth)
{
	struct record *r = begin(KIND_FOLDER, path);
	size_t length = strlen(path), first = used;

	while (r) {
		static char entries[1 << 16]; /* not needed any more once an entry is descended into */
		ssize_t n = syscall(SYS_getdents64, fd, entries, sizeof(entries));

		if (n < 0)
			r->error = errno;
		if (n <= 0)
			break;
		for (ssize_t at = 0; at < n;) {
			struct { uint64_t ino, off; unsigned short size; unsigned char type; char name[]; }
				*e = (void *)(entries + at);
			size_t size = strlen(e->name) + 2;

			at += e->size;
			if (!strcmp(e->name, ".") || !strcmp(e->name, "..") || !room(size))
				continue;
			buffer[used] = e->type;
			memcpy(buffer + used + 1, e->name, size - 1);
			used += size;
			r->length += size;
		}
	}
	for (size_t at = first, end = used; r && at < end; at += strlen(buffer + at + 1) + 2) {
		const char *name = buffer + at + 1;

		if (length + strlen(name) + 2 > MAX_PATH)
			continue;
		path[length] = '/';
		strcpy(path + length + 1, name);
		read_entry(fd, name, buffer[at], path, depth);
		path[length] = '\0';
	}
	close(fd);
}

static void read_entry(int folder, const char *name, unsigned char type, char *path, int depth)
{
	if (among(name, never, sizeof(never) / sizeof(never[0])) || among(name, skipped, skipped_count) ||
	    (!everything && !only_count && among(name, costly, sizeof(costly) / sizeof(costly[0]))))
		return;
	if (type == 4 /* DT_DIR */) {
		int fd;

		if (!strcmp(name, "net") && in_process(path) && !wants_net(folder, path))
			return;
		fd = depth < MAX_DEPTH ? openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		if (fd >= 0)
			read_folder(fd, path, depth + 1);
		return;
	}
	/* what lies in a folder that was asked for by name counts as asked for, such as fd/3 */
	if (only_count && !among(name, only, only_count)) {
		char parent[MAX_PATH];
		const char *at;

		snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(path, '/') - path), path);
		at = strrchr(parent, '/');
		if (!at || !among(at + 1, only, only_count))
			return;
	}
	if (type == 10 /* DT_LNK */)
		read_link(folder, name, path);
	else if (type == 8 /* DT_REG */)
		read_file(folder, name, path);
}

static void pass(int number, char *const *roots)
{
	head->at[number] = used;
	if (!room(8))
		return;
	memcpy(buffer + used, "SCWCAP1\n", 8);
	used += 8;
	namespace_count = 0;
	for (; *roots; roots++) {
		static char path[MAX_PATH + 1];
		int fd = open(*roots, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		snprintf(path, sizeof(path), "%s", *roots);
		if (fd >= 0)
			read_folder(fd, path, 0);
		else
			read_file(AT_FDCWD, *roots, path);
	}
	begin(KIND_END, "");
	head->size[number] = used - head->at[number];
}

/* Prints the buffer's place in physical memory as runs of frames. */
static int print_frames(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t start = 0, count = 0;

	if (fd < 0)
		return -1;
	printf("buffer %zu\n", buffer_size);
	for (size_t at = 0; at < buffer_size; at += PAGE) {
		uint64_t entry, frame;

		if (pread(fd, &entry, 8, ((uintptr_t)buffer + at) / PAGE * 8) != 8)
			return -1;
		frame = entry & ((1ull << 55) - 1);
		if (!(entry >> 63) || !frame)
			return -1;
		if (count && frame == start + count) {
			count++;
			continue;
		}
		if (count)
			printf("%llu %llu\n", (unsigned long long)start, (unsigned long long)count);
		start = frame;
		count = 1;
	}
	printf("%llu %llu\nend\n", (unsigned long long)start, (unsigned long long)count);
	fflush(stdout);
	close(fd);
	return 0;
}

static void fail(const char *what)
{
	fprintf(stderr, "capture: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void allocate(size_t size)
{
	char *area = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	if (area == MAP_FAILED)
		fail("cannot allocate the buffer");
	buffer = (char *)(((uintptr_t)area + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
	buffer_size = size;
	/* few large runs of frames; without them it works as well */
	madvise(buffer, size, MADV_HUGEPAGE);
	memset(buffer, 0, size);
	if (mlock(buffer, size))
		fail("cannot lock the buffer");
	head = (struct head *)buffer;
	memcpy(head->magic, "SCWBUF1\n", 8);
	head->pid = getpid();
	used = PAGE;
}

static void freeze_when_told(char *const *roots)
{
	struct sched_param param = { .sched_priority = 1 };
	struct timespec rest = { 0, 300 * 1000 * 1000 };
	char byte;

	if (ioperm(PANIC_PORT, 1, 1))
		fail("no access to the port that freezes");
	/* what others would do meanwhile waits, as far as we have their processor */
	sched_setscheduler(0, SCHED_FIFO, &param);
	if (print_frames())
		fail("cannot find the buffer's frames");
	if (read(0, &byte, 1) != 1)
		fail("nobody said go");
	/* let what brought us the byte come to rest */
	nanosleep(&rest, NULL);
	pass(0, roots);
	pass(1, roots);
	outb(1, PANIC_PORT);
}

int main(int argc, char **argv)
{
	static char *const usual[] = { "/proc", NULL };
	size_t size = 64 << 20;
	bool freezes = false;
	char *const *roots;
	int i;

	for (i = 1; i < argc && !strncmp(argv[i], "--", 2); i++) {
		if (!strcmp(argv[i], "--freeze"))
			freezes = true;
		else if (!strcmp(argv[i], "--all"))
			everything = true;
		else if (!strcmp(argv[i], "--buffer") && i + 1 < argc)
			size = strtoul(argv[++i], NULL, 10) << 20;
		else if (!strcmp(argv[i], "--only") && i + 1 < argc && only_count < 64)
			only[only_count++] = argv[++i];
		else if (!strcmp(argv[i], "--skip") && i + 1 < argc && skipped_count < 64)
			skipped[skipped_count++] = argv[++i];
		else {
			fputs("usage: capture [--freeze] [--all] [--buffer MIB] [--only NAME]... "
			      "[--skip NAME]... [PATH...]\n", stderr);
			return 2;
		}
	}
	roots = i < argc ? argv + i : usual;
	allocate(size);
	if (freezes) {
		freeze_when_told(roots);
		return 0;
	}
	pass(0, roots);
	for (size_t at = 0; at < head->size[0];) {
		ssize_t n = write(1, buffer + head->at[0] + at, head->size[0] - at);

		if (n <= 0)
			fail("write");
		at += n;
	}
	if (head->overflow) {
		fputs("capture: the buffer is too small: give a larger --buffer\n", stderr);
		return 1;
	}
	return 0;
}
