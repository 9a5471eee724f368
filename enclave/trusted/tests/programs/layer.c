// SPDX-License-Identifier: MIT
/* Calls on files as a program makes them, by way of the enclaves' C library. Exits with 3, or with a line. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CHECK(condition)                                                          \
	do {                                                                      \
		if (!(condition)) {                                               \
			fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, \
				strerror(errno));                                 \
			exit(1);                                                  \
		}                                                                 \
	} while (0)

static unsigned int folder_count(const char *path)
{
	DIR *d = opendir(path);
	unsigned int count = 0;

	CHECK(d);
	while (readdir(d))
		count++;
	closedir(d);
	return count;
}

/* Several at once: the lock of the layer is a futex. */
static void *reads(void *unused)
{
	char text[16];

	for (int i = 0; i < 200; i++) {
		FILE *f = fopen("/etc/hello", "r");

		CHECK(f && fgets(text, sizeof(text), f) && !strcmp(text, "world"));
		fclose(f);
	}
	return unused;
}

int main(int argc, char **argv)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };
	unsigned long long big = 0;
	long long small = 0;
	struct utsname name;
	pthread_t threads[2];
	char text[256];
	struct stat st;
	int fd;

	CHECK(argc == 2 && !strcmp(argv[1], "measured"));
	CHECK(!strcmp(getenv("TERM"), "dumb") && !strcmp(getenv("A"), "b"));
	CHECK(!getenv("SECRET"));
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_create(&threads[i], NULL, reads, NULL));
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_join(threads[i], NULL));
	CHECK(!stat("/etc/hello", &st) && st.st_size == 5);
	CHECK(stat("/etc/passwd", &st) && errno == ENOENT);
	CHECK(stat("/usr/bin/env", &st) && errno == ENOENT);
	CHECK(open("/proc/1/stat", O_RDONLY) < 0 && errno == EIO); /* there is no guest */
	CHECK(folder_count("/") == 6 && folder_count("/proc/self/fd") >= 5);
	CHECK((fd = open("/dev/null", O_RDWR)) == 3 && write(fd, "x", 1) == 1);
	CHECK(getpid() == 1 << 22 && !getuid() && !getppid());
	CHECK(!chdir("/etc") && getcwd(text, sizeof(text)) && !strcmp(text, "/etc"));
	CHECK(!access("hello", R_OK) && access("hello", W_OK) && errno == EROFS);
	CHECK(!uname(&name) && !strcmp(name.sysname, "Linux"));
	CHECK(!isatty(0));
	/* as programs for glibc have them */
	CHECK(sscanf("18446744073709551615 -5", "%Lu %Ld", &big, &small) == 2 && big == ULLONG_MAX && small == -5);
	snprintf(text, sizeof(text), "%Lu %Lx", big, big);
	CHECK(!strcmp(text, "18446744073709551615 ffffffffffffffff"));
	CHECK(poll(&p, 1, -1) == 1 && p.revents & POLLIN);
	CHECK(fgets(text, sizeof(text), stdin));
	fputs(text, stdout);
	puts("layer: done");
	return 3;
}
