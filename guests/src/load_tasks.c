// SPDX-License-Identifier: MIT
/* Processes and threads in every state and with every attribute that /proc shows. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static void plain(const char *argument)
{
	(void)argument;
}

/* threads */

static pthread_barrier_t started;

static void *thread_main(void *arg)
{
	static const char *const names[] = { "worker-0", "worker(1)", "w o r k e r", "tab\there",
					     "back\\slash", "fifteen-letters", "", "h\xc3\xa9" };
	size_t number = (size_t)arg;
	struct sched_param param = { .sched_priority = 3 };

	prctl(PR_SET_NAME, names[number % LOAD_COUNT(names)]);
	if (number == 1)
		setpriority(PRIO_PROCESS, syscall(SYS_gettid), 7);
	if (number == 2)
		load_try(sched_setscheduler(0, SCHED_RR, &param), "SCHED_RR thread");
	if (number == 3)
		load_try(unshare(CLONE_FS), "unshare fs");
	pthread_barrier_wait(&started);
	load_hold();
}

static void start_threads(size_t count)
{
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64 << 10);
	pthread_barrier_init(&started, NULL, count + 1);
	for (size_t i = 0; i < count; i++) {
		pthread_t thread;

		if (pthread_create(&thread, &attributes, thread_main, (void *)i))
			load_note("pthread_create failed");
	}
	pthread_barrier_wait(&started);
}

static void threads(const char *argument)
{
	start_threads(atoi(argument));
}

/* A process whose first thread has ended: shown as a zombie, with live threads. */
static void leaderless(const char *argument)
{
	(void)argument;
	start_threads(2);
	load_ready();
	syscall(SYS_exit, 0);
}

/* states */

static void zombie(const char *argument)
{
	static const int signals[] = { 0, SIGKILL, SIGSEGV };

	(void)argument;
	for (size_t i = 0; i < LOAD_COUNT(signals); i++) {
		pid_t pid = load_fork();
		siginfo_t info;

		if (!pid) {
			struct rlimit none = { 0, 0 };

			setrlimit(RLIMIT_CORE, &none);
			prctl(PR_SET_NAME, i ? "killed (zombie)" : "zombie");
			if (signals[i])
				kill(getpid(), signals[i]);
			_exit(3);
		}
		waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	}
}

static void stopped(const char *argument)
{
	(void)argument;
	load_ready();
	raise(SIGSTOP);
}

static void wait_stopped(pid_t pid)
{
	siginfo_t info;

	waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT);
}

static void traced(const char *argument)
{
	pid_t pid = load_fork();

	(void)argument;
	if (!pid) {
		prctl(PR_SET_NAME, "tracee-stopped");
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		load_hold();
	}
	wait_stopped(pid);
	pid = load_child((void (*)(void *))plain, NULL);
	load_try(ptrace(PTRACE_SEIZE, pid, NULL, NULL), "PTRACE_SEIZE");
}

/* The parent of a vfork sleeps uninterruptibly until the child executes something. */
static void vforked(const char *argument)
{
	(void)argument;
	load_ready();
	if (!vfork())
		load_hold();
}

/* users */

static void set_ids(const char *argument)
{
	unsigned int r, e, s, f;

	if (sscanf(argument, "%u,%u,%u,%u", &r, &e, &s, &f) != 4)
		return;
	load_try(setresgid(r, e, s), "setresgid");
	setfsgid(f);
	load_try(setresuid(r, e, s), "setresuid");
	setfsuid(f);
}

static void groups(const char *argument)
{
	gid_t list[70];

	(void)argument;
	for (size_t i = 0; i < LOAD_COUNT(list); i++)
		list[i] = 4000000000u - 1000 * i;
	load_try(setgroups(LOAD_COUNT(list), list), "setgroups");
}

/* names */

static void rename_as(const char *argument)
{
	char *start = load_argv[0];
	size_t area;

	if (!strcmp(argument, "comm")) {
		prctl(PR_SET_NAME, "(sd) \\n\n\t\"'");
		return;
	}
	if (!strcmp(argument, "high")) {
		prctl(PR_SET_NAME, "\x01\x7f\x80\xff\xc3(\xe2\x82\xac) Z 1");
		return;
	}
	if (!strcmp(argument, "kthread")) {
		prctl(PR_SET_NAME, "kworker/0:9");
		return;
	}
	area = load_argv[load_argc - 1] + strlen(load_argv[load_argc - 1]) + 1 - start;
	if (!strcmp(argument, "shorter")) {
		memset(start, 0, area);
		snprintf(start, area, "short");
	} else if (!strcmp(argument, "nuls")) {
		for (size_t i = 0; i < area; i++)
			start[i] = i % 5 == 3 ? '\0' : 'n';
		start[area - 1] = '\0';
	} else if (!strcmp(argument, "longer")) {
		/* as setproctitle() does: over the arguments' end and on into the environment */
		char *end = environ[0] + strlen(environ[0]) + 1;

		memset(start, 0, end - start);
		memset(start, 'L', end - start - 1);
		memcpy(start, "title: longer than its arguments ", 33);
	} else if (!strcmp(argument, "unterminated")) {
		start[area - 1] = '!';
	} else {
		/* arguments in another place, which then goes away in the case of "gone" */
		char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				  -1, 0);
		char *text = page + 4096 - 20;
		static const char moved[] = "moved\0to\0another page and over its edge";

		memcpy(text, moved, sizeof(moved));
		load_try(prctl(PR_SET_MM, PR_SET_MM_ARG_START, text, 0, 0), "PR_SET_MM_ARG_START");
		load_try(prctl(PR_SET_MM, PR_SET_MM_ARG_END, text + sizeof(moved), 0, 0),
			 "PR_SET_MM_ARG_END");
		if (!strcmp(argument, "gone"))
			munmap(page, 8192);
	}
}

static void delete_self(const char *argument)
{
	char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		return;
	path[n] = '\0';
	if (!strcmp(argument, "replaced")) {
		char other[600];

		snprintf(other, sizeof(other), "%s.new", path);
		load_program(other);
		close(open(other, O_WRONLY | O_CREAT, 0755));
		unlink(other);
		close(open(other, O_WRONLY | O_CREAT, 0755));
		load_try(rename(other, path), "rename over the executable");
	} else {
		load_try(unlink(path), "unlink the executable");
	}
}

/* sessions and terminals */

static void in_foreground(void *terminal)
{
	setpgid(0, 0);
	tcsetpgrp((int)(intptr_t)terminal, getpid());
	prctl(PR_SET_NAME, "foreground");
}

static void in_background(void *unused)
{
	(void)unused;
	setpgid(0, 0);
	prctl(PR_SET_NAME, "background");
}

static void terminal(const char *argument)
{
	char slave_name[64];
	int master, slave, number;

	signal(SIGTTOU, SIG_IGN);
	if (*argument) {
		slave = open(argument, O_RDWR | O_CLOEXEC);
	} else {
		master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (load_try(master, "ptmx") < 0 || unlockpt(master) || ioctl(master, TIOCGPTN, &number))
			return;
		snprintf(slave_name, sizeof(slave_name), "/dev/pts/%d", number);
		slave = open(slave_name, O_RDWR | O_CLOEXEC);
	}
	if (load_try(slave, "terminal") < 0)
		return;
	load_try(ioctl(slave, TIOCSCTTY, 0), "TIOCSCTTY");
	load_child(in_background, NULL);
	load_child(in_foreground, (void *)(intptr_t)slave);
}

/* scheduling */

struct deadline {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static void schedule(const char *argument)
{
	struct sched_param param = { 0 };
	cpu_set_t cpus;
	int value = 0;
	char what[16] = "";

	sscanf(argument, "%15[a-z]=%d", what, &value);
	if (!strcmp(what, "nice")) {
		load_try(setpriority(PRIO_PROCESS, 0, value), "nice");
	} else if (!strcmp(what, "fifo") || !strcmp(what, "rr")) {
		param.sched_priority = value;
		load_try(sched_setscheduler(0, *what == 'f' ? SCHED_FIFO : SCHED_RR, &param), what);
	} else if (!strcmp(what, "batch") || !strcmp(what, "idle")) {
		load_try(sched_setscheduler(0, *what == 'b' ? SCHED_BATCH : SCHED_IDLE, &param), what);
	} else if (!strcmp(what, "reset")) {
		param.sched_priority = value;
		load_try(sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param), what);
	} else if (!strcmp(what, "deadline")) {
		struct deadline d = { .size = sizeof(d), .policy = 6, .runtime = 1000000,
				      .deadline = 10000000, .period = 20000000 };

		load_try(syscall(SYS_sched_setattr, 0, &d, 0), what);
	} else if (!strcmp(what, "cpu")) {
		CPU_ZERO(&cpus);
		CPU_SET(value, &cpus);
		load_try(sched_setaffinity(0, sizeof(cpus), &cpus), what);
	} else if (!strcmp(what, "io")) {
		load_try(syscall(SYS_ioprio_set, 1, 0, 3 << 13 | value), what);
	}
}

/* signals */

static void on_signal(int number)
{
	(void)number;
}

static void signals(const char *argument)
{
	sigset_t blocked;
	union sigval value = { .sival_int = 7 };

	(void)argument;
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR2, on_signal);
	signal(SIGRTMAX, on_signal);
	signal(SIGWINCH, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGRTMIN);
	sigaddset(&blocked, SIGRTMAX);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	kill(getpid(), SIGTERM); /* to the process */
	syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1); /* to the thread */
	for (int i = 0; i < 3; i++)
		sigqueue(getpid(), SIGRTMIN, value);
	sigqueue(getpid(), SIGRTMAX, value);
}

/* privileges */

static void capabilities(const char *argument)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	if (!strcmp(argument, "bounding"))
		for (int i = 5; i < 20; i++)
			load_try(prctl(PR_CAPBSET_DROP, i), "PR_CAPBSET_DROP");
	if (!strcmp(argument, "ambient")) {
		data[0].effective = data[0].permitted = data[0].inheritable =
			1 << CAP_NET_RAW | 1 << CAP_NET_ADMIN;
		load_try(syscall(SYS_capset, &header, data), "capset");
		load_try(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0), "ambient");
		return;
	}
	data[0].permitted = 1 << CAP_CHOWN | 1 << CAP_KILL | 1u << CAP_SETFCAP;
	data[0].effective = 1 << CAP_KILL;
	data[0].inheritable = 1 << CAP_CHOWN;
	data[1].permitted = 1 << (CAP_SYSLOG - 32);
	load_try(syscall(SYS_capset, &header, data), "capset");
}

static void seccomp(const char *argument)
{
	struct sock_filter allow[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog program = { 1, allow };

	if (!strcmp(argument, "strict")) {
		int ends[2];
		char byte;

		if (pipe2(ends, O_CLOEXEC))
			return;
		load_ready();
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
		for (;;) /* only read and write are left */
			if (read(ends[0], &byte, 1) != 1)
				syscall(SYS_exit, 1);
	}
	for (int i = 0; i < 3; i++)
		load_try(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "seccomp filter");
}

static void switches(const char *argument)
{
	(void)argument;
	load_try(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	load_try(prctl(PR_SET_DUMPABLE, 0), "dumpable");
	load_try(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), "thp disable");
	load_try(prctl(PR_SET_TIMERSLACK, 123456), "timer slack");
	load_try(prctl(PR_SET_KEEPCAPS, 1), "keepcaps");
	load_try(prctl(PR_SET_CHILD_SUBREAPER, 1), "subreaper");
	/* refused where the processor is not affected */
	prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_FORCE_DISABLE, 0, 0);
	umask(0137);
}

static void scores(const char *argument)
{
	(void)argument;
	load_write("/proc/self/oom_score_adj", "%d", -500);
	load_write("/proc/self/loginuid", "%d", 1000);
	load_write("/proc/self/coredump_filter", "0x%x", 0x7f);
	load_write("/proc/self/timerslack_ns", "%d", 77777);
}

static void limits(const char *argument)
{
	(void)argument;
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit limit = { 1000000 + 4096 * i, 3000000 + i };

		if (i == RLIMIT_AS || i == RLIMIT_DATA || i == RLIMIT_CPU || i == RLIMIT_NOFILE)
			continue;
		if (i % 3)
			limit.rlim_max = RLIM_INFINITY;
		setrlimit(i, &limit);
	}
}

/* control groups */

static void cgroup(const char *argument)
{
	load_write(argument, "%d", getpid());
}

/* Zombies keep their group, also after it is removed. */
static void cgroup_ghost(const char *argument)
{
	char file[256];
	pid_t pid;
	siginfo_t info;

	mkdir(argument, 0755);
	pid = load_fork();
	if (!pid) {
		snprintf(file, sizeof(file), "%s/cgroup.procs", argument);
		load_write(file, "%d", getpid());
		_exit(0);
	}
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	load_try(rmdir(argument), "rmdir of a group with a zombie");
}

/* memory */

static void memory(const char *argument)
{
	const size_t mib = 1 << 20;
	char *area;
	int fd;

	(void)argument;
	mmap(NULL, 1 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	area = mmap(NULL, 4 * mib, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(area, 1, 3 * mib);
	load_try(mlock(area, mib), "mlock");
	load_try(mprotect(area + 2 * mib, 4096, PROT_READ | PROT_EXEC), "mprotect");
	area = mmap(NULL, 2 * mib, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(area, 2, mib);
	fd = open("/usr/bin/bash", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		volatile char *text = mmap(NULL, mib, PROT_READ, MAP_PRIVATE, fd, 0);

		for (size_t i = 0; i < mib; i += 4096)
			(void)text[i];
		close(fd);
	}
	/* some of it into swap */
	area = mmap(NULL, 2 * mib, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < 2 * mib; i += 8)
		memcpy(area + i, &i, sizeof(i));
	load_try(madvise(area, 2 * mib, MADV_PAGEOUT), "MADV_PAGEOUT");
	/* peaks above what is left */
	area = mmap(NULL, 8 * mib, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(area, 3, 8 * mib);
	munmap(area, 8 * mib);
}

/* sharing */

static int shared_main(void *arg)
{
	(void)arg;
	load_hold();
}

static void shares(const char *argument)
{
	static char stack[3][32768];
	static const int flags[] = { CLONE_VM, CLONE_VM | CLONE_FILES | CLONE_FS,
				     CLONE_FILES | CLONE_FS | CLONE_PARENT };

	(void)argument;
	load_ready();
	for (size_t i = 0; i < LOAD_COUNT(flags); i++)
		clone(shared_main, stack[i] + sizeof(stack[i]), flags[i] | SIGCHLD, NULL);
}

static void orphans(const char *argument)
{
	pid_t pid;

	(void)argument;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = load_fork();
	if (!pid) {
		load_child((void (*)(void *))plain, NULL);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* Threads in a namespace of time of their own see other start times. */
static void time_namespace(const char *argument)
{
	(void)argument;
	if (load_try(unshare(0x80 /* CLONE_NEWTIME */), "time namespace") < 0)
		return;
	load_write("/proc/self/timens_offsets", "monotonic 86400 0\nboottime 604800 0\n");
	load_child((void (*)(void *))plain, NULL);
}

/* where a process sleeps */

static void sleeps(const char *argument)
{
	static int word;
	struct timespec long_time = { 1000000, 0 };
	int ends[2];
	char byte;
	struct pollfd p = { .events = POLLIN };
	fd_set set;
	struct { long type; char text[8]; } message;

	if (pipe2(ends, O_CLOEXEC))
		return;
	load_ready();
	p.fd = ends[0];
	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	for (;;) {
		if (!strcmp(argument, "futex"))
			syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
		else if (!strcmp(argument, "nanosleep"))
			nanosleep(&long_time, NULL);
		else if (!strcmp(argument, "poll"))
			poll(&p, 1, -1);
		else if (!strcmp(argument, "select"))
			select(ends[0] + 1, &set, NULL, NULL, NULL);
		else if (!strcmp(argument, "msgrcv"))
			msgrcv(msgget(IPC_PRIVATE, 0600), &message, sizeof(message.text), 0, 0);
		else
			(void)!read(ends[0], &byte, 1);
	}
}

const struct load_role load_task_roles[] = {
	{ "plain", plain },
	{ "threads", threads },
	{ "leaderless", leaderless },
	{ "zombie", zombie },
	{ "stopped", stopped },
	{ "traced", traced },
	{ "vforked", vforked },
	{ "ids", set_ids },
	{ "groups", groups },
	{ "rename", rename_as },
	{ "delete", delete_self },
	{ "terminal", terminal },
	{ "schedule", schedule },
	{ "signals", signals },
	{ "capabilities", capabilities },
	{ "seccomp", seccomp },
	{ "switches", switches },
	{ "scores", scores },
	{ "limits", limits },
	{ "cgroup", cgroup },
	{ "cgroup-ghost", cgroup_ghost },
	{ "memory", memory },
	{ "shares", shares },
	{ "orphans", orphans },
	{ "time", time_namespace },
	{ "sleeps", sleeps },
	{ NULL, NULL },
};

static void keep_arguments(void)
{
	static char huge[130000], page[4096 - 16];
	static char *environment[1200];
	static char variables[1199][24];
	char *const odd[] = { "odd", "new\nline", "tab\t", "back\\slash", "(paren) Z 1 2", "'q' \"dq\"",
			      "", "utf8-\xc3\xa9\xe2\x82\xac", "raw-\x80\xff\x01\x7f\x1b[31m", "", "", NULL };
	char *const none[] = { NULL };
	char *const empty[] = { "", NULL };
	char *const empties[] = { "", "", "", NULL };
	char *const long_one[] = { "huge", huge, "end", NULL };
	char *const to_page[] = { "page", page, NULL };
	char *const few[] = { "A=1", "EMPTY=", "NOEQUALS", "=odd", "NL=a\nb", "HIGH=\xff\x80", "", NULL };

	memset(huge, 'h', sizeof(huge) - 1);
	memset(page, 'p', sizeof(page) - 1);
	for (size_t i = 0; i < LOAD_COUNT(variables); i++) {
		snprintf(variables[i], sizeof(variables[i]), "VARIABLE_%04zu=%zu", i, i * i);
		environment[i] = variables[i];
	}
	load_keep_exec("plain", "", "/usr/local/sbin/odd-args", odd, few);
	load_keep_exec("plain", "", "/usr/local/sbin/no-args", none, few);
	load_keep_exec("plain", "", "/usr/local/sbin/empty-arg", empty, NULL);
	load_keep_exec("plain", "", "/usr/local/sbin/empty-args", empties, none);
	load_keep_exec("plain", "", "/usr/local/sbin/huge-arg", long_one, NULL);
	load_keep_exec("plain", "", "/usr/local/sbin/page-arg", to_page, NULL);
	load_keep_exec("plain", "", "/usr/local/sbin/huge-env", empty, environment);
	load_keep_exec("plain", "", "/opt/odd dir/we(ird) \\n\n\t\"x", odd, few);
	load_keep_exec("plain", "", "/opt/odd dir/) R 1 (\xff\x80", odd, few);
	load_keep_exec("plain", "", "/opt/odd dir/a-name-that-is-longer-than-the-kernel-keeps", empty, few);
	load_keep_exec("delete", "deleted", "/var/tmp/deleted-executable", odd, few);
	load_keep_exec("delete", "deleted", "/var/tmp/gone (deleted)", empty, few);
	load_keep_exec("delete", "replaced", "/var/tmp/replaced-executable", empty, few);
}

void load_tasks(void)
{
	static const char *const renames[] = { "comm", "high", "kthread", "shorter", "nuls", "longer",
					       "unterminated", "moved", "gone" };
	static const char *const schedules[] = { "nice=19", "nice=-20", "nice=5", "fifo=1", "fifo=99",
						 "rr=50", "batch=0", "idle=0", "reset=7", "deadline=0",
						 "cpu=0", "io=5" };
	static const char *const sleepers[] = { "futex", "nanosleep", "poll", "select", "msgrcv",
						"read" };
	static const char *const groups_dirs[] = {
		"system.slice", "system.slice/ssh.service", "user.slice",
		"user.slice/user-1000.slice", "odd (name) \\x2d with space \xc3\xa9",
		"odd (name) \\x2d with space \xc3\xa9/deep",
	};
	char path[256];

	load_keep("threads", "8", "threads eight");
	load_keep("leaderless", "", "leaderless");
	load_keep("zombie", "", "zombie-parent");
	load_keep("stopped", "", "stopped");
	load_keep("traced", "", "tracer");
	load_keep("vforked", "", "vforker");
	load_keep("ids", "1000,0,33,65534", "setuid-a");
	load_keep("ids", "33,33,33,33", "www-data: worker process");
	load_keep("ids", "4294967294,1000000,70000,0", "setuid-c");
	load_keep("groups", "", "many-groups");
	for (size_t i = 0; i < LOAD_COUNT(renames); i++) {
		char title[64];

		snprintf(title, sizeof(title), "rename-%s some arguments as room", renames[i]);
		load_keep("rename", renames[i], title);
	}
	keep_arguments();
	load_keep("terminal", "", "shell-one");
	load_keep("terminal", "", "shell-two");
	load_keep("terminal", "/dev/ttyS0", "console-shell");
	for (size_t i = 0; i < LOAD_COUNT(schedules); i++)
		load_keep("schedule", schedules[i], schedules[i]);
	load_keep("signals", "", "signals");
	load_keep("capabilities", "some", "caps-some");
	load_keep("capabilities", "bounding", "caps-bounding");
	load_keep("capabilities", "ambient", "caps-ambient");
	load_keep("seccomp", "strict", "seccomp-strict");
	load_keep("seccomp", "filter", "seccomp-filter");
	load_keep("switches", "", "switches");
	load_keep("scores", "", "scores");
	load_keep("limits", "", "limits");
	for (size_t i = 0; i < LOAD_COUNT(groups_dirs); i++) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", groups_dirs[i]);
		load_try(mkdir(path, 0755), "mkdir of a cgroup");
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/cgroup.procs", groups_dirs[i]);
		load_keep("cgroup", path, "in-a-cgroup");
	}
	load_keep("cgroup-ghost", "/sys/fs/cgroup/removed", "cgroup-ghost");
	load_keep("memory", "", "memory");
	load_keep("shares", "", "shares");
	load_keep("orphans", "", "orphans");
	load_keep("time", "", "time-namespace");
	for (size_t i = 0; i < LOAD_COUNT(sleepers); i++) {
		snprintf(path, sizeof(path), "sleeps-%s", sleepers[i]);
		load_keep("sleeps", sleepers[i], path);
	}
}
