// SPDX-License-Identifier: MIT
/* See names.h. One file a name. */
#include "names.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#define XXH_INLINE_ALL /* no library to load in every tool that we are preloaded into */
#include <xxhash.h>

#include "attach/cache.h"

enum {
	VALID_SECONDS = 60,
	NAMES_DAYS = 7,
};

static const char magic[8] = "scwname1";

struct saved {
	char magic[8];
	uint64_t checksum; /* XXH3 of all that follows it */
	struct names_memory m;
	uint64_t proc; /* st_dev of /proc, which belongs to a PID namespace */
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

/* Its st_dev; 0: there is none. */
static uint64_t proc_device(void)
{
	struct stat st;

	return stat("/proc", &st) == 0 ? st.st_dev : 0;
}

bool names_newest(pid_t *ret)
{
	int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	char text[128], *last;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	/* containers have other files mounted over this one */
	if (fstat(fd, &st) < 0 || st.st_dev != proc_device())
		n = 0;
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	last = strrchr(text, ' ');
	*ret = last ? (pid_t)atoi(last) : 0;
	return *ret > 0;
}

static bool is_fresh(int64_t then, clockid_t clock)
{
	int64_t now = seconds(clock);

	return then <= now && now - then < VALID_SECONDS;
}

static uint64_t checksum(const struct saved *s)
{
	return XXH3_64bits(&s->m, sizeof(*s) - offsetof(struct saved, m));
}

bool names_load(const char *name, struct names_memory *ret)
{
	char path[PATH_MAX];
	struct saved s;
	size_t size;

	if (!file_of(name, path) || !cache_read(path, &s, sizeof(s), &size))
		return false;
	if (size != sizeof(s) || memcmp(s.magic, magic, sizeof(magic)) != 0 || s.checksum != checksum(&s) ||
	    !is_fresh(s.m.wall, CLOCK_REALTIME) || !is_fresh(s.m.since_boot, CLOCK_BOOTTIME) ||
	    s.proc != proc_device() || strncmp(s.name, name, sizeof(s.name)) != 0)
		return false;
	*ret = s.m;
	return true;
}

void names_save(const char *name, struct names_memory *m)
{
	struct saved s;
	char path[PATH_MAX];
	bool first = !m->wall;

	if (strlen(name) >= sizeof(s.name) || !file_of(name, path))
		return;
	if (first) {
		m->wall = seconds(CLOCK_REALTIME);
		m->since_boot = seconds(CLOCK_BOOTTIME);
	}
	memset(&s, 0, sizeof(s));
	memcpy(s.magic, magic, sizeof(magic));
	s.m.pid = m->pid;
	s.m.start = m->start;
	s.m.newest = m->newest;
	s.m.wall = m->wall;
	s.m.since_boot = m->since_boot;
	s.proc = proc_device();
	memcpy(s.name, name, strlen(name));
	s.checksum = checksum(&s);
	if (cache_write(path, &s, sizeof(s)) && first)
		cache_expire("names", NAMES_DAYS);
}
