// SPDX-License-Identifier: MIT
/* The pread carrier's file system, for a test. */
#include "mount.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DIE(what) die(__LINE__, what)

static _Noreturn void die(int line, const char *what)
{
	fprintf(stderr, "mount.c:%d: %s\n", line, what);
	abort();
}

bool mount_possible(void)
{
	return geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0;
}

void mount_prepare(struct mount *m)
{
	*m = (struct mount){.base = "/tmp/scwatcher-test-mount-XXXXXX"};
	if (!mkdtemp(m->base) || chmod(m->base, 0755))
		DIE("no folder");
	snprintf(m->directory, sizeof(m->directory), "%s/mnt", m->base);
	snprintf(m->socket, sizeof(m->socket), "%s/socket", m->base);
	if (mkdir(m->directory, 0755))
		DIE("no folder");
}

bool mount_is_there(const struct mount *m)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	bool found = false;
	char line[4096];

	while (f && fgets(line, sizeof(line), f))
		found |= strstr(line, m->directory) && strstr(line, "fuse.scwatcher");
	if (f)
		fclose(f);
	return found;
}

static void say(const char *text)
{
	fprintf(stderr, "front: %s\n", text);
}

void mount_start(struct mount *m, const struct front_options *more)
{
	const struct timespec moment = {.tv_nsec = 2000000};
	struct front_options o = more ? *more : (struct front_options){0};
	struct statvfs st;

	o.directory = m->directory;
	o.socket = m->socket;
	o.with_parent = true;
	o.say = say;
	fflush(NULL);
	m->front = fork();
	if (m->front < 0)
		DIE("no process");
	if (m->front == 0) {
		struct err_ctx err = {0};
		enum err e = front_run(&o, &err);
		char text[300];

		if (e)
			fprintf(stderr, "front_run: %s\n", err_describe(&err, text, sizeof(text)));
		_exit(e ? 1 : 0);
	}
	/* what an earlier one left behind is mounted, too, but dead */
	while (!mount_is_there(m) || statvfs(m->directory, &st)) {
		if (waitpid(m->front, NULL, WNOHANG) != 0)
			DIE("nothing is mounted");
		nanosleep(&moment, NULL);
	}
}

int mount_end(struct mount *m)
{
	int status = 0;

	kill(m->front, SIGTERM);
	if (waitpid(m->front, &status, 0) != m->front)
		DIE("nobody served");
	m->front = 0;
	return status;
}

void mount_remove(struct mount *m)
{
	unlink(m->socket);
	if (rmdir(m->directory) || rmdir(m->base))
		DIE("files are left");
}
