// SPDX-License-Identifier: MIT
/*
 * What a file call through the libc door costs, next to the same call on the host's own procfs, in
 * turns in one process. The guest's side is a tree in memory with files of the same size, so this is
 * the door and the vfs without the procfs behind them. One JSON object a line, as bench/run reads.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "door/door.h"
#include "memfs.h"
#include "state.h"

enum {
	LOOPS = 2000,
	ROUNDS = 21,
	GUEST_TASKS = 5000,
};

static struct base_alloc alloc;

static int attach(char *message, size_t size)
{
	char path[32], text[4096];
	int fd = open("/proc/self/stat", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	(void)message;
	(void)size;
	if (n <= 0)
		return EIO;
	close(fd);
	base_alloc_init(&alloc, 64 << 20);
	struct memfs *fs = memfs_create(&alloc);
	for (int i = 1; i <= GUEST_TASKS; i++) {
		snprintf(path, sizeof(path), "%d/stat", i);
		memfs_add(fs, path, MEMFS_FILE, text, (size_t)n);
	}
	memfs_add(fs, "1/exe", MEMFS_MAGIC_LINK, "/usr/lib/systemd/systemd", 24);
	return door_mount("/proc", fs->vfs);
}

const struct door_ops door_ops = { .attach = attach };

static char buf[1 << 16];
static struct stat st;

static double native_open(void)
{
	int fd = open("/proc/1/stat", O_RDONLY);

	if (read(fd, buf, sizeof(buf)) <= 0)
		abort();
	close(fd);
	return 1;
}

static double door_open(void)
{
	int fd = scw_open("/proc/1/stat", O_RDONLY);

	if (scw_read(fd, buf, sizeof(buf)) <= 0)
		abort();
	scw_close(fd);
	return 1;
}

static double native_fopen(void)
{
	FILE *f = fopen("/proc/1/stat", "r");

	if (!f || !fgets(buf, sizeof(buf), f))
		abort();
	fclose(f);
	return 1;
}

static double door_fopen(void)
{
	FILE *f = scw_fopen("/proc/1/stat", "r");

	if (!f || !fgets(buf, sizeof(buf), f))
		abort();
	fclose(f);
	return 1;
}

static double native_stat(void)
{
	return stat("/proc/1/stat", &st) ? 0 : 1;
}

static double door_stat(void)
{
	return scw_stat("/proc/1/stat", &st) ? 0 : 1;
}

static double native_absent(void)
{
	return stat("/proc/4194303", &st) ? 1 : 0;
}

static double door_absent(void)
{
	return scw_stat("/proc/4194303", &st) ? 1 : 0;
}

static double native_readlink(void)
{
	return readlink("/proc/self/exe", buf, sizeof(buf)) > 0 ? 1 : 0;
}

static double door_readlink(void)
{
	return scw_readlinkat(AT_FDCWD, "/proc/1/exe", buf, sizeof(buf)) > 0 ? 1 : 0;
}

/* By the entry, as the two directories differ in size. */
static double native_readdir(void)
{
	DIR *d = opendir("/proc");
	double n = 0;

	while (d && readdir(d))
		n++;
	closedir(d);
	return n;
}

static double door_readdir(void)
{
	DIR *d = scw_opendir("/proc");
	double n = 0;

	while (d && scw_readdir(d))
		n++;
	scw_closedir(d);
	return n;
}

/* Files that aren't the guest's: what the door adds to every other call of a program. */
static double native_other(void)
{
	return stat("/usr/bin/env", &st) ? 0 : 1;
}

static double door_other(void)
{
	return scw_stat("/usr/bin/env", &st) ? 0 : 1;
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static double time_one(double (*call)(void), int loops)
{
	double begin = now_us(), n = 0;

	for (int i = 0; i < loops; i++)
		n += call();
	if (n <= 0)
		abort();
	return (now_us() - begin) / n;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(void)
{
	static const struct {
		const char *name;
		double (*native)(void), (*door)(void);
		int loops;
	} calls[] = {
		{ "open+read+close", native_open, door_open, LOOPS },
		{ "fopen+fgets+fclose", native_fopen, door_fopen, LOOPS },
		{ "stat", native_stat, door_stat, LOOPS },
		{ "stat of an absent PID", native_absent, door_absent, LOOPS },
		{ "readlink exe", native_readlink, door_readlink, LOOPS },
		{ "readdir, an entry of 5,000", native_readdir, door_readdir, 5 },
		{ "stat of a file that isn't the guest's", native_other, door_other, LOOPS },
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		double native[ROUNDS], door[ROUNDS];

		time_one(calls[i].native, calls[i].loops);
		time_one(calls[i].door, calls[i].loops);
		for (int r = 0; r < ROUNDS; r++) {
			native[r] = time_one(calls[i].native, calls[i].loops);
			door[r] = time_one(calls[i].door, calls[i].loops);
		}
		qsort(native, ROUNDS, sizeof(*native), compare);
		qsort(door, ROUNDS, sizeof(*door), compare);
		printf("{\"name\": \"door: %s\", \"value\": %.4f, \"unit\": \"us\", "
		       "\"versus\": \"native %s\", \"ratio\": %.4f}\n",
		       calls[i].name, door[ROUNDS / 2], i + 1 < sizeof(calls) / sizeof(*calls) ?
		       "procfs" : "call", door[ROUNDS / 2] / native[ROUNDS / 2]);
	}
	return 0;
}
