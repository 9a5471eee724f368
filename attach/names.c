// SPDX-License-Identifier: MIT
/* See names.h. One file a name: a header, then the PIDs. */
#include "names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#define XXH_INLINE_ALL /* no library to load in every tool that we are preloaded into */
#include <xxhash.h>

#include "cache.h"

enum {
	VALID_SECONDS = 60,
	NAMES_DAYS = 7,
};

static const char magic[8] = "scwname1";

struct header {
	char magic[8];
	uint64_t checksum; /* XXH3 of all that follows it */
	/* when the processes were listed, by two clocks: one may be set, the other starts at boot */
	int64_t wall;
	int64_t since_boot;
	uint64_t proc; /* st_dev of /proc, which belongs to a PID namespace */
	uint64_t start;
	int32_t pid;
	uint32_t pid_count;
	char name[VMS_NAME_SIZE];
};

static bool file_of(const char *name, char path[PATH_MAX])
{
	char file[32];

	snprintf(file, sizeof(file), "%016" PRIx64, (uint64_t)XXH3_64bits(name, strlen(name)));
	return cache_path(path, "names", file);
}

static int64_t seconds(clockid_t clock)
{
	struct timespec t = {0};

	clock_gettime(clock, &t);
	return t.tv_sec;
}

static uint64_t proc_device(void)
{
	struct stat st;

	return stat("/proc", &st) == 0 ? st.st_dev : 0;
}

static bool is_fresh(int64_t then, clockid_t clock)
{
	int64_t now = seconds(clock);

	return then <= now && now - then < VALID_SECONDS;
}

static uint64_t checksum(const void *bytes, size_t size)
{
	const size_t from = offsetof(struct header, wall);

	return XXH3_64bits((const char *)bytes + from, size - from);
}

bool names_load(const char *name, struct names_memory *ret)
{
	const struct header *h;
	char path[PATH_MAX];
	const void *bytes;
	size_t size;

	if (!file_of(name, path) || !cache_map(path, &bytes, &size))
		return false;
	h = bytes;
	if (size < sizeof(*h) || memcmp(h->magic, magic, sizeof(magic)) != 0 ||
	    (size - sizeof(*h)) % sizeof(pid_t) != 0 ||
	    (size - sizeof(*h)) / sizeof(pid_t) != h->pid_count ||
	    h->checksum != checksum(bytes, size) || !is_fresh(h->wall, CLOCK_REALTIME) ||
	    !is_fresh(h->since_boot, CLOCK_BOOTTIME) || h->proc != proc_device() ||
	    strncmp(h->name, name, sizeof(h->name)) != 0) {
		munmap((void *)bytes, size);
		return false;
	}
	*ret = (struct names_memory){
		.pid = h->pid,
		.start = h->start,
		.pids = (const pid_t *)(h + 1),
		.pid_count = h->pid_count,
		.map = bytes,
		.map_size = size,
	};
	return true;
}

void names_unload(struct names_memory *m)
{
	munmap((void *)m->map, m->map_size);
}

void names_save(const char *name, const struct vms_entry *v, const pid_t *pids, size_t count)
{
	size_t size = sizeof(struct header) + count * sizeof(*pids);
	char path[PATH_MAX];
	struct header *h;

	if (strlen(name) >= sizeof(h->name) || !file_of(name, path))
		return;
	h = calloc(1, size);
	if (!h)
		return;
	memcpy(h->magic, magic, sizeof(magic));
	h->wall = seconds(CLOCK_REALTIME);
	h->since_boot = seconds(CLOCK_BOOTTIME);
	h->proc = proc_device();
	h->start = v->start;
	h->pid = v->pid;
	h->pid_count = (uint32_t)count;
	memcpy(h->name, name, strlen(name));
	memcpy(h + 1, pids, count * sizeof(*pids));
	h->checksum = checksum(h, size);
	if (cache_write(path, h, size))
		cache_expire("names", NAMES_DAYS);
	free(h);
}
