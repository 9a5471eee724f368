// SPDX-License-Identifier: MIT
/*
 * What the calls of System V objects tell of all of them (ipcs -u, -l): the guest's, out of its /proc/sysvipc and
 * /proc/sys/kernel. Objects themselves are the tool's own; those of others can't be asked for by their place.
 */
#include "state.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

enum {
	FILE_MAX = 64 << 20, /* 32768 objects of each kind have 6 MiB */
	INDEX_BITS = 15,     /* of an id: its place; the others count how often it was used */
	PAGE = 4096,
	COLUMNS = 18,
	/* include/uapi/linux/{sem,msg}.h */
	SEM_PLACES = 1024000000,
	SEM_OPERATIONS = 500,
	SEM_HIGHEST = 32767,
	SEM_UNDO_SIZE = 20,
	MSG_BYTES = 16384,
	MSG_POOL = 512000,
	MSG_SEGMENT = 16,
	MSG_SEGMENTS = 0xffff,
	/* with kernels' own numbers, as C libraries don't all name them */
	STAT_ANY_OF_SHM = 15,
	STAT_ANY_OF_MSG = 13,
	STAT_ANY_OF_SEM = 20,
};

DOOR_API int scw_shmctl(int id, int command, struct shmid_ds *buf);
DOOR_API int scw_msgctl(int id, int command, struct msqid_ds *buf);
DOOR_API int scw_semctl(int id, int number, int command, ...);

/* The whole of a guest's file, ended by a NUL; NULL with errno. */
static char *read_all(const char *path)
{
	size_t size = 0, room = 4096;
	char *text = malloc(room), *more;
	int fd = text ? scw_open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = -1;

	while (fd >= 0 && (n = scw_read(fd, text + size, room - size - 1)) > 0) {
		size += (size_t)n;
		if (room - size > 1)
			continue;
		more = room < FILE_MAX ? realloc(text, 2 * room) : NULL;
		if (!more) {
			n = -1;
			break;
		}
		text = more;
		room *= 2;
	}
	if (fd >= 0)
		scw_close(fd);
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[size] = '\0';
	return text;
}

/* The numbers of a line, as many as there are; whether there are any. */
static bool numbers(const char **at, uint64_t ret[COLUMNS])
{
	bool any = false;

	memset(ret, 0, COLUMNS * sizeof(*ret));
	for (int i = 0; i < COLUMNS; i++) {
		char *end;

		while (**at == ' ' || **at == '\t')
			(*at)++;
		if (!**at || **at == '\n')
			break;
		ret[i] = (uint64_t)strtoll(*at, &end, i == 2 ? 8 : 10); /* the third are permissions */
		if (end == *at)
			break;
		*at = end;
		any = true;
	}
	*at += strcspn(*at, "\n");
	*at += **at == '\n';
	return any;
}

struct sums {
	uint64_t objects, column[COLUMNS], pages;
	int last; /* the highest place */
};

/* -1 with errno if there is no such file. */
static int sum_up(const char *path, struct sums *ret)
{
	char *text = read_all(path);
	const char *at = text;
	uint64_t n[COLUMNS];

	*ret = (struct sums){ 0 };
	if (!text)
		return -1;
	numbers(&at, n); /* the heading */
	while (numbers(&at, n)) {
		int place = (int)(n[1] & ((1 << INDEX_BITS) - 1));

		ret->objects++;
		for (int i = 0; i < COLUMNS; i++)
			ret->column[i] += n[i];
		ret->pages += (n[3] + PAGE - 1) / PAGE;
		if (place > ret->last)
			ret->last = place;
	}
	free(text);
	return 0;
}

/* The numbers of a file below /proc/sys/kernel; zeros if it isn't there. */
static void limits(const char *path, uint64_t ret[COLUMNS])
{
	char *text = read_all(path);
	char *at = text;

	memset(ret, 0, COLUMNS * sizeof(*ret));
	for (int i = 0; at && i < COLUMNS; i++)
		ret[i] = strtoull(at, &at, 10);
	free(text);
}

static uint64_t limit(const char *path)
{
	uint64_t all[COLUMNS];

	limits(path, all);
	return all[0];
}

static int whole(uint64_t v)
{
	return v < INT32_MAX ? (int)v : INT32_MAX;
}

static int refuse(void)
{
	errno = EINVAL;
	return -1;
}

int scw_shmctl(int id, int command, struct shmid_ds *buf)
{
	struct sums s;

	if ((command != IPC_INFO && command != SHM_INFO && command != SHM_STAT && command != STAT_ANY_OF_SHM) ||
	    door_is_host())
		return REAL(shmctl)(id, command, buf);
	if (command == SHM_STAT || command == STAT_ANY_OF_SHM)
		return refuse();
	if (sum_up("/proc/sysvipc/shm", &s))
		return -1;
	if (command == IPC_INFO) {
		struct shminfo *info = (void *)buf;

		*info = (struct shminfo){ .shmmax = limit("/proc/sys/kernel/shmmax"), .shmmin = 1,
					  .shmmni = limit("/proc/sys/kernel/shmmni"),
					  .shmall = limit("/proc/sys/kernel/shmall") };
		info->shmseg = info->shmmni;
	} else {
		struct shm_info *info = (void *)buf;

		*info = (struct shm_info){ .used_ids = whole(s.objects), .shm_tot = s.pages,
					   .shm_rss = s.column[14] / PAGE, .shm_swp = s.column[15] / PAGE };
	}
	return s.last;
}

int scw_msgctl(int id, int command, struct msqid_ds *buf)
{
	struct msginfo *info = (void *)buf;
	struct sums s;

	if ((command != IPC_INFO && command != MSG_INFO && command != MSG_STAT && command != STAT_ANY_OF_MSG) ||
	    door_is_host())
		return REAL(msgctl)(id, command, buf);
	if (command == MSG_STAT || command == STAT_ANY_OF_MSG)
		return refuse();
	if (sum_up("/proc/sysvipc/msg", &s))
		return -1;
	*info = (struct msginfo){ .msgmax = whole(limit("/proc/sys/kernel/msgmax")),
				  .msgmnb = whole(limit("/proc/sys/kernel/msgmnb")),
				  .msgmni = whole(limit("/proc/sys/kernel/msgmni")), .msgssz = MSG_SEGMENT,
				  .msgseg = MSG_SEGMENTS, .msgpool = MSG_POOL, .msgmap = MSG_BYTES,
				  .msgtql = MSG_BYTES };
	if (command == MSG_INFO) {
		info->msgpool = whole(s.objects);
		info->msgmap = whole(s.column[4]);
		info->msgtql = whole(s.column[3]);
	}
	return s.last;
}

int scw_semctl(int id, int number, int command, ...)
{
	uint64_t known[COLUMNS];
	struct seminfo *info;
	struct sums s;
	va_list ap;

	va_start(ap, command);
	void *arg = va_arg(ap, void *);
	va_end(ap);
	if ((command != IPC_INFO && command != SEM_INFO && command != SEM_STAT && command != STAT_ANY_OF_SEM) ||
	    door_is_host())
		return REAL(semctl)(id, number, command, arg);
	if (command == SEM_STAT || command == STAT_ANY_OF_SEM)
		return refuse();
	if (sum_up("/proc/sysvipc/sem", &s))
		return -1;
	limits("/proc/sys/kernel/sem", known);
	info = arg;
	*info = (struct seminfo){ .semmap = SEM_PLACES, .semmni = whole(known[3]), .semmns = whole(known[1]),
				  .semmnu = SEM_PLACES, .semmsl = whole(known[0]), .semopm = whole(known[2]),
				  .semume = SEM_OPERATIONS, .semusz = SEM_UNDO_SIZE, .semvmx = SEM_HIGHEST,
				  .semaem = SEM_HIGHEST };
	if (command == SEM_INFO) {
		info->semusz = whole(s.objects);
		info->semaem = whole(s.column[3]);
	}
	return s.last;
}
