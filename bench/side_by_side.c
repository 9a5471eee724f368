// SPDX-License-Identifier: MIT
/*
 * Time two commands as whole processes, side by side: A, B, A, B ... so that the ratio holds on a
 * machine whose speed drifts. The second may run in the namespaces of another process (its own
 * /proc, its own sockets), entered before the clock starts.
 *
 *	side_by_side RUNS [--ns PID] A-COMMAND... --vs B-COMMAND...
 *
 * Prints one line of JSON: medians of wall time and CPU time of both in microseconds, the shortest wall
 * times, and the median of the ratios A/B pair by pair. A command that fails ends it with status 1.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_RUNS = 1000 };

struct sample {
	double wall_us;
	double cpu_us;
};

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static double timeval_us(struct timeval t)
{
	return t.tv_sec * 1e6 + t.tv_usec;
}

static void enter_namespaces(int pid)
{
	static const char *const kinds[] = {"net", "pid", "mnt"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char path[64];
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kinds[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || setns(fd, 0))
			err(1, "can't enter %s", path);
		close(fd);
	}
}

/*
 * Run `command` once. A helper process enters the namespaces first and then forks, so that the
 * measured child is in the PID namespace and the entering isn't timed.
 */
static struct sample run_once(char *const command[], int ns_pid)
{
	struct sample s = {0};
	int results[2];
	int status;
	pid_t helper;

	if (pipe2(results, O_CLOEXEC))
		err(1, "pipe");
	helper = fork();
	if (helper < 0)
		err(1, "fork");
	if (!helper) {
		struct rusage usage;
		double begun;
		pid_t child;

		if (ns_pid)
			enter_namespaces(ns_pid);
		begun = now_us();
		child = vfork();
		if (child < 0)
			err(1, "vfork");
		if (!child) {
			int null = open("/dev/null", O_WRONLY);

			dup2(null, STDOUT_FILENO);
			execvp(command[0], command);
			_exit(127);
		}
		if (wait4(child, &status, 0, &usage) < 0)
			err(1, "wait4");
		s.wall_us = now_us() - begun;
		s.cpu_us = timeval_us(usage.ru_utime) + timeval_us(usage.ru_stime);
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			errx(1, "%s failed with status %#x", command[0], status);
		if (write(results[1], &s, sizeof(s)) != sizeof(s))
			err(1, "write");
		_exit(0);
	}
	close(results[1]);
	if (read(results[0], &s, sizeof(s)) != sizeof(s))
		errx(1, "no result for %s", command[0]);
	close(results[0]);
	if (waitpid(helper, &status, 0) < 0 || status)
		errx(1, "the helper for %s failed", command[0]);
	return s;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

int main(int argc, char **argv)
{
	static double wall_a[MAX_RUNS], wall_b[MAX_RUNS], cpu_a[MAX_RUNS], cpu_b[MAX_RUNS];
	static double wall_ratio[MAX_RUNS], cpu_ratio[MAX_RUNS];
	int runs = argc > 1 ? atoi(argv[1]) : 0;
	int at = 2, ns_pid = 0;
	char **a, **b = NULL;

	if (argc > 3 && !strcmp(argv[2], "--ns")) {
		ns_pid = atoi(argv[3]);
		at = 4;
	}
	a = argv + at;
	for (int i = at; i < argc; i++) {
		if (!strcmp(argv[i], "--vs")) {
			argv[i] = NULL;
			b = argv + i + 1;
			break;
		}
	}
	if (runs < 1 || runs > MAX_RUNS || !b || !*a || !*b)
		errx(2, "usage: side_by_side RUNS(1..%d) [--ns PID] A-COMMAND... --vs B-COMMAND...",
		     MAX_RUNS);

	run_once(a, 0);
	run_once(b, ns_pid);
	for (int i = 0; i < runs; i++) {
		struct sample sa = run_once(a, 0), sb = run_once(b, ns_pid);

		wall_a[i] = sa.wall_us;
		wall_b[i] = sb.wall_us;
		cpu_a[i] = sa.cpu_us;
		cpu_b[i] = sb.cpu_us;
		wall_ratio[i] = sa.wall_us / sb.wall_us;
		cpu_ratio[i] = sa.cpu_us / sb.cpu_us;
	}
	printf("{\"runs\": %d, \"a_wall_us\": %.1f, \"b_wall_us\": %.1f, \"wall_ratio\": %.3f, "
	       "\"a_cpu_us\": %.1f, \"b_cpu_us\": %.1f, \"cpu_ratio\": %.3f, ",
	       runs, median(wall_a, runs), median(wall_b, runs), median(wall_ratio, runs),
	       median(cpu_a, runs), median(cpu_b, runs), median(cpu_ratio, runs));
	/* median() has sorted them */
	printf("\"a_least_us\": %.1f, \"b_least_us\": %.1f}\n", wall_a[0], wall_b[0]);
	return 0;
}
