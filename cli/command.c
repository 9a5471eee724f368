// SPDX-License-Identifier: MIT
/* See command.h. */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach/share.h"
#include "attach/start.h"
#include "base/checked.h"
#include "door/program.h"

static bool is_file(const char *folder, const char *below, const char *name, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s%s%s", folder, below, name) < PATH_MAX && access(path, R_OK) == 0;
}

bool command_file(const char *name, char path[PATH_MAX])
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n > 0) {
		exe[n] = '\0';
		*(strrchr(exe, '/') + 1) = '\0';
		if (is_file(exe, "", name, path) || is_file(exe, "../lib/scwatcher/", name, path))
			return true;
	}
	return is_file(SCW_LIBDIR, "/", name, path);
}

void command_hold_standard(void)
{
	/* in ways that fail when they are used, as closed ones do */
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/* The file that `command` stands for, as execvp() finds it. */
static bool find_command(const char *command, char path[PATH_MAX])
{
	const char *dirs = getenv("PATH");
	struct stat st;

	if (strchr(command, '/'))
		return snprintf(path, PATH_MAX, "%s", command) < PATH_MAX && stat(path, &st) == 0;
	if (!dirs)
		dirs = "/bin:/usr/bin";
	while (*dirs) {
		size_t n = strcspn(dirs, ":");

		if (snprintf(path, PATH_MAX, "%.*s%s%s", (int)n, dirs, n ? "/" : "", command) <
			    PATH_MAX &&
		    stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0)
			return true;
		dirs += n + (dirs[n] == ':');
	}
	return false;
}

/*
 * The loader ignores LD_PRELOAD in privileged programs, and others have no such loader. They would
 * show the host's /proc as if it were the guest's: refuse. NULL: fine, or nothing known against it.
 */
static const char *why_not(const char *path, char interpreter[DOOR_PROGRAM_PATH])
{
	const char *text = NULL;
	char head[DOOR_PROGRAM_HEAD];
	struct stat st;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	interpreter[0] = '\0';
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && (((st.st_mode & S_ISUID) && st.st_uid != geteuid()) ||
				    ((st.st_mode & S_ISGID) && st.st_gid != getegid())))
		text = "is set-user-ID or set-group-ID, so that it can't be shown the guest's /proc: "
		       "run scwatcher as root, or use a copy without that bit";
	n = pread(fd, head, sizeof(head), 0);
	if (!text && n > 0)
		text = door_program_obstacle(head, (size_t)n, interpreter);
	close(fd);
	return text;
}

enum status command_find(const char *command, char path[PATH_MAX])
{
	char program[PATH_MAX], interpreter[DOOR_PROGRAM_PATH];
	const char *problem = NULL;

	if (!find_command(command, path)) {
		fprintf(stderr, "scwatcher: %s: no such command\n", command);
		return STATUS_RUN_ABSENT;
	}
	/* of a script its interpreter counts, which may be a script in turn */
	snprintf(program, sizeof(program), "%s", path);
	for (int depth = 0; depth < 4 && program[0]; depth++) {
		problem = why_not(program, interpreter);
		if (problem) {
			fprintf(stderr, "scwatcher: %s %s\n", program, problem);
			return STATUS_RUN_CANNOT;
		}
		snprintf(program, sizeof(program), "%s", interpreter);
	}
	return STATUS_OK;
}

bool command_preload(bool sealed)
{
	const char *name = sealed ? "libscwatcher-preload-sealed.so" : "libscwatcher-preload.so";
	const char *others = getenv("LD_PRELOAD");
	char library[PATH_MAX];
	char *value = NULL;
	bool done;

	if (!command_file(name, library)) {
		fprintf(stderr, "scwatcher: %s is not there: not installed or not built?\n",
			library);
		return false;
	}
	if (others && others[0]) {
		if (asprintf(&value, "%s:%s", library, others) < 0)
			value = NULL;
	} else {
		value = strdup(library);
	}
	done = value && setenv("LD_PRELOAD", value, 1) == 0;
	free(value);
	return done;
}

/* What is sent to us is meant for the command. */
static const int forwarded[] = {SIGHUP,	 SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
				SIGUSR2, SIGALRM, SIGWINCH, SIGCONT};
static volatile pid_t child;

static void forward(int sig, siginfo_t *info, void *context)
{
	(void)context;
	/* what the terminal sends it sends to the command, too */
	if (child > 0 && info->si_code <= 0)
		kill(child, sig);
}

static void set_handlers(struct sigaction *before, bool install)
{
	struct sigaction sa = {.sa_sigaction = forward, .sa_flags = SA_SIGINFO | SA_RESTART};

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < BASE_COUNT(forwarded); i++) {
		if (!install) {
			sigaction(forwarded[i], &before[i], NULL);
			continue;
		}
		sigaction(forwarded[i], NULL, &before[i]);
		/* nohup's and the shell's wishes hold for the command as well */
		if (before[i].sa_handler != SIG_IGN)
			sigaction(forwarded[i], &sa, NULL);
	}
}

/*
 * Start the program at `path`. Not by fork(): what was mapped to find the guest would be copied for
 * nothing. Nor by posix_spawn(), which in some libraries waits for the child twice. Returns 0 or an errno value.
 */
static int spawn(const char *path, char **argv, int inherited, const sigset_t *mask, pid_t *ret)
{
	volatile int error = 0; /* the child shares our memory */
	pid_t pid = vfork();

	if (pid == 0) {
		if (inherited >= 0)
			fcntl(inherited, F_SETFD, 0);
		sigprocmask(SIG_SETMASK, mask, NULL);
		execve(path, argv, environ);
		error = errno;
		_exit(STATUS_RUN_CANNOT);
	}
	if (pid < 0)
		return errno;
	if (error)
		waitpid(pid, NULL, 0);
	else
		*ret = pid;
	return error;
}

/* A script that doesn't name its interpreter: as execvp() and shells have it. */
static int spawn_script(const char *path, char **argv, int inherited, const sigset_t *mask, pid_t *ret)
{
	int count = 0, error;
	char **script;

	while (argv[count])
		count++;
	script = calloc((size_t)count + 2, sizeof(*script));
	if (!script)
		return ENOMEM;
	script[0] = (char *)"/bin/sh";
	script[1] = (char *)path;
	for (int i = 1; i < count; i++)
		script[i + 1] = argv[i];
	error = spawn(script[0], script, inherited, mask, ret);
	free(script);
	return error;
}

enum status command_run(const char *path, char **argv, struct attach_start *start,
			int *wait_status_ret)
{
	struct sigaction before[BASE_COUNT(forwarded)];
	sigset_t all, old;
	pid_t pid = 0;
	int error, inherited;

	/* no signal gets lost between the start and the handlers knowing the child */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	inherited = start ? attach_start_descriptor(start) : -1;
	error = spawn(path, argv, inherited, &old, &pid);
	if (error == ENOEXEC)
		error = spawn_script(path, argv, inherited, &old, &pid);
	child = pid;
	if (!error)
		set_handlers(before, true);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (error) {
		attach_start_abandon(start);
		fprintf(stderr, "scwatcher: %s: %s\n", argv[0], strerror(error));
		return error == ENOENT ? STATUS_RUN_ABSENT : STATUS_RUN_CANNOT;
	}
	attach_start_finish(start);
	while (waitpid(pid, wait_status_ret, 0) < 0 && errno == EINTR)
		;
	set_handlers(before, false);
	child = 0;
	return STATUS_OK;
}

enum status command_status(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return STATUS_RUN_SIGNAL + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

enum status command_gone(const char *vm, const char *command, enum err code,
			 const struct err_ctx *err)
{
	struct err_ctx plain = {0};

	if (!err || !err->code) {
		err_set(&plain, code, "its /proc couldn't be had: %s", err_of_guest(code));
		err = &plain;
	}
	cli_complain(vm, code, err);
	fprintf(stderr, "scwatcher: what %s printed may be incomplete\n", command);
	return STATUS_RUN_GONE;
}
