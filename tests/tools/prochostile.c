// SPDX-License-Identifier: MIT
/*
 * A guest that lies: reads the whole of a real guest's /proc, and asks all that is answered by calls, while some of
 * the words that come out of its memory are replaced by others (nothing, all ones, random numbers, addresses of the
 * same page, neighbours), differently with each seed. Nothing may crash, hang or use memory without
 * limit; what is shown doesn't matter but for its form. `prochostile VM FIRST-SEED COUNT`
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "attach/attach.h"
#include "procfs/procfs.h"
#include "questions.h"
#include "vfs/vfs.h"

enum {
	SLOTS = 1 << 16,
	PATHS_MAX = 100000,
	DEPTH_MAX = 6,
	SECONDS_MAX = 300, /* for one seed; an honest walk takes well under one */
};

struct slot {
	uint64_t top, va;
	unsigned char *page;
};

struct liar {
	struct guest_pages pages;
	struct guest_pages *inner;
	uint64_t seed;
	struct slot slots[SLOTS];
	size_t used;
};

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static void corrupt(struct liar *l, unsigned char *page, uint64_t va)
{
	uint64_t r = mix(l->seed ^ va);
	unsigned int count = r % 6 == 0 ? 1 + (unsigned int)(r >> 8) % 4 : 0;

	for (unsigned int i = 0; i < count; i++) {
		uint64_t word;
		size_t at;

		r = mix(r);
		at = r % (GUEST_PAGE_SIZE / 8) * 8;
		memcpy(&word, page + at, 8);
		switch (r >> 32 & 7) {
		case 0:
			word = 0;
			break;
		case 1:
			word = ~0ull;
			break;
		case 2:
			word = mix(r);
			break;
		case 3:
			word = va + (r >> 40 & 0xff8); /* somewhere in this page */
			break;
		case 4:
			word = va + at;
			break;
		case 5:
			memcpy(&word, page + (at + 8) % GUEST_PAGE_SIZE, 8);
			break;
		case 6:
			word ^= 1ull << (r >> 40 & 63);
			break;
		default:
			word = (word & 0xffffffff00000000ull) | (uint32_t)mix(r);
		}
		memcpy(page + at, &word, 8);
	}
}

static enum err liar_page(struct guest_pages *p, struct guest_space as, struct gva va,
			  const void **ret)
{
	struct liar *l = (struct liar *)p;
	uint64_t page = va.v & GUEST_PAGE_MASK;
	const void *honest;
	enum err e;

	for (size_t i = mix(page ^ as.top) % SLOTS, n = 0; n < SLOTS; i = (i + 1) % SLOTS, n++) {
		struct slot *s = &l->slots[i];

		if (s->page && s->va == page && s->top == as.top) {
			*ret = s->page;
			return ERR_OK;
		}
		if (s->page)
			continue;
		e = l->inner->ops->page(l->inner, as, va, &honest);
		if (e)
			return e;
		if (l->used == SLOTS / 2)
			return ERR_LIMIT;
		s->page = malloc(GUEST_PAGE_SIZE);
		if (!s->page)
			return ERR_NOMEM;
		memcpy(s->page, honest, GUEST_PAGE_SIZE);
		corrupt(l, s->page, page);
		s->va = page;
		s->top = as.top;
		l->used++;
		*ret = s->page;
		return ERR_OK;
	}
	return ERR_LIMIT;
}

/* The lies stay the same as long as the seed does. */
static enum err liar_epoch(struct guest_pages *p, struct err_ctx *err)
{
	(void)err;
	p->epoch++;
	return ERR_OK;
}

static void liar_forget(struct liar *l)
{
	for (size_t i = 0; i < SLOTS; i++)
		free(l->slots[i].page);
	memset(l->slots, 0, sizeof(l->slots));
	l->used = 0;
}

static void liar_destroy(struct guest_pages *p)
{
	(void)p;
}

static const struct guest_pages_ops liar_ops = {
	.page = liar_page, .epoch = liar_epoch, .destroy = liar_destroy,
};

static char where[VFS_PATH_MAX];
static uint64_t seed_now;
static size_t paths;

static void too_long(int signal)
{
	(void)signal;
	fprintf(stderr, "prochostile: seed %llu hangs at %s\n", (unsigned long long)seed_now,
		where);
	abort();
}

static void look(struct vfs *v, const char *path, int depth)
{
	struct vfs_place place;
	struct vfs_file *f;
	struct vfs_stat st;
	struct vfs_dirent e;
	char buf[VFS_PATH_MAX];

	if (++paths > PATHS_MAX)
		return;
	snprintf(where, sizeof(where), "%s", path);
	if (vfs_walk(v, NULL, *path ? path : ".", VFS_WALK_NOFOLLOW, &place) ||
	    place.kind != VFS_FOUND)
		return;
	(void)!vfs_getattr(v, &place.node, &st);
	(void)!vfs_getattr_target(v, &place.node, &st);
	(void)!vfs_readlink(v, &place.node, buf);
	if (vfs_open(v, &place.node, &f))
		return;
	for (int64_t at = 0, n; (n = vfs_pread(f, buf, sizeof(buf), at)) > 0; at += n)
		;
	for (uint64_t at = 2; depth < DEPTH_MAX && paths <= PATHS_MAX &&
			      vfs_dirent_at(f, at, &e) > 0; at++) {
		if ((size_t)snprintf(buf, sizeof(buf), "%s%s%s", path, *path ? "/" : "", e.name) <
		    sizeof(buf))
			look(v, buf, depth + 1);
	}
	vfs_close(f);
}

static const struct ktype *names(void *ctx)
{
	const struct ktype *k;

	return attach_ktype(ctx, &k, NULL) ? NULL : k;
}

int main(int argc, char **argv)
{
	static struct liar liar;
	struct attach_opts opts = { .program = "prochostile", .no_cache = true };
	struct err_ctx err = { 0 };
	struct llview_guest *guest;
	struct base_alloc alloc;
	struct attach *a;
	struct procfs *p;
	char text[512];

	if (argc != 4) {
		fputs("usage: prochostile VM FIRST-SEED COUNT\n", stderr);
		return 2;
	}
	opts.vm = argv[1];
	if (attach_open(&opts, &a, &err)) {
		fprintf(stderr, "prochostile: %s\n", err_describe(&err, text, sizeof(text)));
		return 1;
	}
	if (llview_guest_epoch(a->guest, &err))
		return 1;
	liar.pages.ops = &liar_ops;
	liar.inner = a->pages;
	signal(SIGALRM, too_long);
	for (uint64_t n = 0; n < strtoull(argv[3], NULL, 0); n++) {
		const struct llview_guest_stats *s;
		struct timespec start, end;

		seed_now = liar.seed = strtoull(argv[2], NULL, 0) + n;
		base_alloc_init(&alloc, 256 << 20);
		if (llview_guest_create(&alloc, a->layout, &liar.pages, NULL, &guest) ||
		    procfs_create(&alloc, guest, &p, &err))
			return 1;
		procfs_use_names(p, names, a);
		alarm(SECONDS_MAX);
		clock_gettime(CLOCK_MONOTONIC, &start);
		paths = 0;
		look(procfs_vfs(p), "", 0);
		look(procfs_vfs(p), VFS_SYSFS, 0);
		snprintf(where, sizeof(where), "a question by a call");
		questions_ask(procfs_vfs(p), &alloc);
		clock_gettime(CLOCK_MONOTONIC, &end);
		alarm(0);
		s = llview_guest_stats(guest);
		printf("seed %llu: %zu paths, %.2f s, %zu pages, %llu faults, %llu aborts\n",
		       (unsigned long long)liar.seed, paths,
		       (double)(end.tv_sec - start.tv_sec) +
			       (double)(end.tv_nsec - start.tv_nsec) / 1e9,
		       liar.used, (unsigned long long)s->faults, (unsigned long long)s->aborts);
		fflush(stdout);
		procfs_destroy(p);
		llview_guest_destroy(guest);
		if (alloc.used) {
			fprintf(stderr, "prochostile: %zu bytes lost\n", alloc.used);
			return 1;
		}
		liar_forget(&liar);
	}
	attach_close(a);
	return 0;
}
