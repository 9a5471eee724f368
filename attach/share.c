// SPDX-License-Identifier: MIT
/* See attach/share.h. The page may be written by anything that runs as us: figures, nothing more. */
#include "attach/share.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct share_totals *share_create(void)
{
	char path[64];
	void *map;
	int fd = memfd_create("scwatcher-stats", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, sizeof(struct share_totals)) < 0)
		return NULL;
	map = mmap(NULL, sizeof(struct share_totals), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	/* by our /proc entry: a descriptor would be in the way of programs that count theirs */
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
	if (map == MAP_FAILED || setenv(ATTACH_ENV_SHARE, path, 1) < 0)
		return NULL;
	return map;
}

struct share_totals *share_find(void)
{
	const char *path = getenv(ATTACH_ENV_SHARE);
	struct stat st;
	void *map;
	int fd;

	if (!path)
		return NULL;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return NULL;
	map = MAP_FAILED;
	if (fstat(fd, &st) == 0 && st.st_size == sizeof(struct share_totals))
		map = mmap(NULL, sizeof(struct share_totals), PROT_READ | PROT_WRITE, MAP_SHARED,
			   fd, 0);
	close(fd);
	return map == MAP_FAILED ? NULL : map;
}

static void add(uint64_t *to, uint64_t n)
{
	__atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

void share_fail(struct share_totals *t, enum err code)
{
	__atomic_store_n(&t->failure, (int32_t)code, __ATOMIC_RELAXED);
}

void share_add(struct share_totals *t, const struct attach *a)
{
	const struct guest_phys_stats none = {0};
	const struct guest_phys_stats *phys = a->source ? &source_phys(a->source)->stats : &none;
	const struct llview_guest_stats *view = llview_guest_stats(a->guest);
	const struct guest_pages_stats *pages = &a->pages->stats;
	uint64_t max = __atomic_load_n(&t->attach_max_ns, __ATOMIC_RELAXED);

	add(&t->processes, 1);
	add(&t->attach_ns, a->stats.total_ns);
	add(&t->handed_over, a->stats.handed_over);
	add(&t->pages, pages->lookups);
	add(&t->page_hits, pages->hits);
	add(&t->walks, pages->walks);
	add(&t->faults, pages->faults);
	add(&t->tlb_misses, view->misses);
	add(&t->reads, phys->reads);
	add(&t->bytes, phys->bytes);
	if (a->session) {
		struct attach_sealed_stats sealed = a->session->stats(a->session);

		add(&t->sealed.sessions, sealed.sessions);
		add(&t->sealed.round_trips, sealed.round_trips);
		add(&t->sealed.records, sealed.records);
		add(&t->sealed.pages, sealed.pages);
		add(&t->sealed.bytes, sealed.bytes);
		add(&t->sealed.cipher_calls, sealed.cipher_calls);
		add(&t->sealed.sleeps, sealed.sleeps);
	}
	while (max < a->stats.total_ns &&
	       !__atomic_compare_exchange_n(&t->attach_max_ns, &max, a->stats.total_ns, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}
