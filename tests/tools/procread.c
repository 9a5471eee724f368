// SPDX-License-Identifier: MIT
/*
 * Reads many files of a guest's /proc from outside and writes them as an archive of the form that
 * guests/src/capture.c writes inside: `procread VM < LIST > ARCHIVE`, LIST being lines of a kind
 * (1 file, 2 link, 3 folder), a blank and a path below /proc. With --time N it reads the whole list
 * N times instead and prints nanoseconds per path; with --stats it says what it cost, with
 * --absent what this guest's kernel hasn't got of all that is asked for. The environment may name a memory
 * device (attach/sealed.h). With --sealed-loopback all
 * pages are sealed and opened on their way, in this process; --each then prints for each path what
 * crossed (round trips, pages, bytes), and --trace what was asked for.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attach/attach.h"
#include "loopback.h"
#include "procfs/procfs.h"
#include "vfs/vfs.h"

struct record {
	uint16_t kind, path_length;
	int32_t error;
	uint64_t when, length;
} __attribute__((packed));

static char *data;
static size_t data_size, data_room;

static void put(const void *bytes, size_t size)
{
	if (data_room - data_size < size) {
		data_room = (data_room + size) * 2;
		data = realloc(data, data_room);
		if (!data)
			abort();
	}
	memcpy(data + data_size, bytes, size);
	data_size += size;
}

static int read_file(struct vfs *v, const struct vfs_node *n)
{
	struct vfs_file *f;
	char buf[65536];
	int64_t at = 0, got;
	int r = vfs_open(v, n, &f);

	if (r)
		return r;
	while ((got = vfs_pread(f, buf, sizeof(buf), at)) > 0) {
		put(buf, (size_t)got);
		at += got;
	}
	vfs_close(f);
	return (int)got;
}

static int read_folder(struct vfs *v, const struct vfs_node *n)
{
	struct vfs_file *f;
	struct vfs_dirent e;
	int r = vfs_open(v, n, &f);

	if (r)
		return r;
	for (uint64_t at = 2; (r = vfs_dirent_at(f, at, &e)) > 0; at++) {
		put(&e.type, 1);
		put(e.name, strlen(e.name) + 1);
	}
	vfs_close(f);
	return r;
}

static int read_one(struct vfs *v, int kind, const char *path)
{
	struct vfs_place place;
	char text[VFS_PATH_MAX];
	int r;

	if (!strncmp(path, "/proc", 5))
		path += 5;
	while (*path == '/')
		path++;
	r = vfs_walk(v, NULL, *path ? path : ".", VFS_WALK_NOFOLLOW, &place);
	if (r)
		return r;
	if (place.kind != VFS_FOUND)
		return -EXDEV;
	if (kind == 1)
		return read_file(v, &place.node);
	if (kind == 3)
		return read_folder(v, &place.node);
	r = vfs_readlink(v, &place.node, text);
	if (r < 0)
		return r;
	put(text, (size_t)r);
	return 0;
}

static const struct ktype *names(void *ctx)
{
	const struct ktype *k;

	return attach_ktype(ctx, &k, NULL) ? NULL : k;
}

struct line {
	int kind;
	char *path;
};

static struct line *read_list(size_t *count_ret)
{
	struct line *lines = NULL;
	size_t count = 0;
	char *text = NULL;
	size_t room = 0;
	ssize_t got;

	while ((got = getline(&text, &room, stdin)) > 2) {
		text[got - 1] = '\0';
		lines = realloc(lines, (count + 1) * sizeof(*lines));
		if (!lines)
			abort();
		lines[count++] = (struct line){ .kind = text[0] - '0', .path = strdup(text + 2) };
	}
	free(text);
	*count_ret = count;
	return lines;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void print_cost(const struct guest_pages *pages, const char *path, size_t size,
		       struct sealed_stats *before)
{
	struct sealed_stats now = sealed_pages_stats(pages);

	fprintf(stderr, "%-44s %8zu B  %4llu round trips %6llu pages %9llu bytes\n", path, size,
		(unsigned long long)(now.round_trips - before->round_trips),
		(unsigned long long)(now.pages - before->pages),
		(unsigned long long)(now.bytes - before->bytes));
	*before = now;
}

/* `sealed`: print what each path cost; NULL: don't. */
static void write_archive(struct vfs *v, const struct line *lines, size_t count,
			  const struct guest_pages *sealed)
{
	struct sealed_stats stats = {0};

	put("SCWCAP1\n", 8);
	for (size_t i = 0; i < count; i++) {
		struct record r = { .kind = (uint16_t)lines[i].kind,
				    .path_length = (uint16_t)strlen(lines[i].path) };
		size_t at = data_size, from;
		int e;

		put(&r, sizeof(r));
		put(lines[i].path, r.path_length);
		from = data_size;
		e = read_one(v, lines[i].kind, lines[i].path);
		r.error = e < 0 ? -e : 0;
		r.length = data_size - from;
		memcpy(data + at, &r, sizeof(r));
		if (sealed)
			print_cost(sealed, lines[i].path, r.length, &stats);
	}
	put(&(struct record){ 0 }, sizeof(struct record));
	fwrite(data, 1, data_size, stdout);
}

static void print_absent(void *arg, const char *what)
{
	(void)arg;
	fprintf(stderr, "absent: %s\n", what);
}

int main(int argc, char **argv)
{
	struct attach_opts opts = { .program = "procread", .no_cache = true };
	struct err_ctx err = { 0 };
	struct attach *a;
	struct procfs *p;
	char text[512];
	int times = 0;
	bool stats = false, absent = false, sealed = false, each = false, trace = false;
	struct sealed_options sealed_opts = {.cache_pages = 1 << 17, .readahead = 4, .image_readahead = 8,
					     .freshness_ns = 1000000000};
	struct loopback *loop = NULL;
	struct llview_guest *guest;
	int i;

	for (i = 1; i < argc && !strncmp(argv[i], "--", 2); i++) {
		if (!strcmp(argv[i], "--time") && i + 1 < argc)
			times = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--stats"))
			stats = true;
		else if (!strcmp(argv[i], "--absent"))
			absent = true;
		else if (!strcmp(argv[i], "--sealed-loopback"))
			sealed = true;
		else if (!strcmp(argv[i], "--freshness") && i + 1 < argc)
			sealed_opts.freshness_ns = strtoull(argv[++i], NULL, 10) * 1000000;
		else if (!strcmp(argv[i], "--each"))
			each = true;
		else if (!strcmp(argv[i], "--trace"))
			trace = true;
	}
	if (i + 1 != argc) {
		fputs("usage: procread [--time N] [--stats] [--absent] [--sealed-loopback [--freshness MS] "
		      "[--each] [--trace]] VM < LIST > ARCHIVE\n",
		      stderr);
		return 2;
	}
	opts.vm = argv[i];
	if (getenv(ATTACH_ENV_SEALED)) { /* and the rest of attach/sealed.h */
		setenv(ATTACH_ENV_VM, argv[i], 1);
		opts.vm = NULL;
	}
	if (attach_open(&opts, &a, &err)) {
		fprintf(stderr, "procread: %s\n", err_describe(&err, text, sizeof(text)));
		return 1;
	}
	guest = a->guest;
	if (sealed) {
		loop = loopback_create(&a->alloc, a->pages, &sealed_opts);
		if (trace)
			loopback_trace(loop);
		if (llview_guest_create(&a->alloc, a->layout, loopback_pages(loop), NULL, &guest))
			return 1;
	}
	if (procfs_create(&a->alloc, guest, &p, &err))
		return 1;
	procfs_use_names(p, names, a);
	if (absent)
		llview_layout_each_absent(a->layout, print_absent, NULL);

	size_t count;
	struct line *lines = read_list(&count);
	if (!times)
		write_archive(procfs_vfs(p), lines, count, each ? loopback_pages(loop) : NULL);
	for (int n = 0; n < times; n++) {
		uint64_t start = now_ns();

		data_size = 0;
		for (size_t at = 0; at < count; at++)
			(void)!read_one(procfs_vfs(p), lines[at].kind, lines[at].path);
		fprintf(stderr, "%.0f ns/path, %zu paths\n",
			(double)(now_ns() - start) / (double)(count ? count : 1), count);
	}
	if (stats) {
		const struct llview_guest_stats *s = llview_guest_stats(guest);

		fprintf(stderr,
			"attach %.2f ms; runs %llu misses %llu faults %llu aborts %llu epochs %llu; "
			"absent %zu of %zu\n",
			(double)a->stats.total_ns / 1e6, (unsigned long long)s->runs,
			(unsigned long long)s->misses, (unsigned long long)s->faults,
			(unsigned long long)s->aborts, (unsigned long long)s->epochs,
			llview_layout_absent(a->layout), llview_layout_count(a->layout));
	}
	if (stats && a->session) {
		struct attach_sealed_stats s = a->session->stats(a->session);

		fprintf(stderr, "sealed: %llu round trips, %llu records, %llu pages, %llu bytes\n",
			(unsigned long long)s.round_trips, (unsigned long long)s.records,
			(unsigned long long)s.pages, (unsigned long long)s.bytes);
	}
	if (stats && loop) {
		struct sealed_stats s = sealed_pages_stats(loopback_pages(loop));

		fprintf(stderr, "sealed: %llu round trips, %llu records, %llu pages, %llu bytes, "
			"%llu cipher calls\n",
			(unsigned long long)s.round_trips, (unsigned long long)s.records,
			(unsigned long long)s.pages, (unsigned long long)s.bytes,
			(unsigned long long)s.carrier.cipher_calls);
	}
	for (size_t at = 0; at < count; at++)
		free(lines[at].path);
	free(lines);
	free(data);
	procfs_destroy(p);
	if (loop) {
		llview_guest_destroy(guest);
		loopback_destroy(loop);
	}
	attach_close(a);
	return 0;
}
