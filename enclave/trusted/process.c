// SPDX-License-Identifier: MIT
/*
 * Programs that the program runs (popen(), system(), posix_spawn()): others of the same image, measured with
 * it. An enclave can't have a second process, so one runs at a time, on the thread that asked, to its end,
 * and then the one that asked goes on: pipes keep what was written. It has its own descriptors,
 * folder, signal handlers, memory and C library; kernel and guest are those that there are. Of a shell's
 * line with pipes each command runs to its end before the next one begins.
 *
 * vfork() is one of them: the child goes on where the call returned, on the parent's stack and in its memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "abi/image.h"
#include "calls.h"
#include "fork.h"
#include "layer.h"
#include "shell.h"
#include "trusted/files.h"
#include "trusted/program.h"
#include "trusted/runtime.h"

enum {
	CHILDREN_MAX = 64,	/* that nobody has waited for */
	STRINGS_MAX = 1024,	/* arguments, variables */
	STACK_SIZE = 256 << 10,
	CODE_STOPPED = 126,
	CODE_NO_REDIRECT = 2, /* as of dash */
	USAGE_SIZE = 144, /* struct rusage */
	SPAWN = 0x4111, /* CLONE_VM | CLONE_VFORK | SIGCHLD: posix_spawn()'s */
	VFORK_FRAME = 7,  /* words: what vfork.s and trusted_resume() keep, and where it returns to */
};

static struct {
	bool busy;
	int pid;
	int status;
	jmp_buf back; /* to the one that asked */
	/* of vfork(): the child uses that stack from there down, its return address included */
	uint64_t *frame, kept[VFORK_FRAME];
	struct trusted_aside aside;
	uint64_t parent_fs;
	char *const *argv;
} now;

/* What it is, if it is a shell's line. */
static struct {
	struct shell_line line;
	size_t begun;
	char *const *envp;
	uint64_t blocked;
	struct file *input; /* the last one's output */
} shell;

static struct {
	int pid; /* 0: none */
	int status;
} ended[CHILDREN_MAX];

static unsigned int runs;

/* -- who is who ------------------------------------------------------------------------------------ */

int process_pid(void)
{
	if (fork_is_on())
		return fork_pid();
	return trusted_in_child() ? now.pid : TRUSTED_PID;
}

char *const *process_arguments(void)
{
	if (fork_is_on())
		return fork_arguments();
	return trusted_in_child() ? now.argv : trusted_info()->argv;
}

int process_parent(void)
{
	if (fork_is_on())
		return fork_parent();
	return trusted_in_child() ? TRUSTED_PID : 0;
}

uint64_t process_parent_fs(void)
{
	return now.parent_fs;
}

unsigned int process_count(void)
{
	unsigned int count = trusted_in_child();

	if (fork_is_on())
		return fork_count();
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		count += ended[i].pid != 0;
	return count;
}

/* -- beginning and end ----------------------------------------------------------------------------- */

static _Noreturn void begin_next(void);

static size_t free_slot(void)
{
	size_t i = 0;

	while (i < CHILDREN_MAX && ended[i].pid)
		i++;
	return i;
}

/* What goes on in the child until it becomes another program is on this stack, as with vfork(). */
static _Noreturn void begin(int (*fn)(void *), void *arg)
{
	process_exit(fn(arg) & 0xff);
}

static bool begin_child(int pid)
{
	bool taken = false;

	if (!layer_lock())
		return false;
	if (!now.busy && free_slot() < CHILDREN_MAX) {
		taken = now.busy = true;
		now.pid = pid;
		now.argv = trusted_info()->argv;
		now.parent_fs = trusted_get_fs();
		shell.line.count = shell.begun = 0;
		files_child_begin();
	}
	layer_unlock();
	if (taken)
		trusted_child_begin(&now.aside);
	return taken;
}

/* If it is a shell's line, what comes behind its first command; then nothing is left of it but how it ended. */
static int end_child(void)
{
	int pid;

	while (shell.begun < shell.line.count)
		if (!setjmp(now.back))
			begin_next();
	trusted_child_end(&now.aside);
	pid = now.pid;
	(void)layer_lock();
	files_shell_end();
	ended[free_slot()].status = now.status;
	ended[free_slot()].pid = pid;
	now.busy = false;
	layer_unlock();
	return pid;
}

static int own_number(void)
{
	return TRUSTED_PID + LAYER_CHILDREN + (int)(runs++ % LAYER_CHILDREN);
}

long trusted_spawn(int (*fn)(void *), void *arg)
{
	if (trusted_is_other()) {
		long pid = trusted_syscall(SYS_clone, SPAWN, 0, 0, 0, 0, 0);

		if (!pid)
			trusted_syscall(SYS_exit_group, fn(arg), 0, 0, 0, 0, 0);
		return pid;
	}
	if (trusted_in_child())
		return -ENOSYS;
	if (!begin_child(own_number()))
		return -EAGAIN;
	if (!setjmp(now.back))
		begin(fn, arg);
	return end_child();
}

static void end_vfork(void *unused)
{
	uint64_t *frame = now.frame;
	int pid;

	(void)unused;
	now.frame = NULL;
	pid = end_child();
	memcpy(frame, now.kept, sizeof(now.kept));
	trusted_resume(frame, pid);
}

long call_vfork(uint64_t how, uint64_t *frame)
{
	int pid;

	if (how != TRUSTED_VFORK || trusted_in_child())
		return call_fork();
	if (!trusted_writable(frame, sizeof(now.kept)))
		return -EFAULT;
	pid = call_next_number();
	if (pid == -EAGAIN)
		return pid;
	if (!begin_child(pid > 0 ? pid : own_number()))
		return -EAGAIN;
	now.frame = frame;
	memcpy(now.kept, frame, sizeof(now.kept));
	return 0;
}

void process_exit(int status)
{
	if (fork_is_on())
		fork_exit((status & 0xff) << 8);
	(void)layer_lock();
	files_child_end();
	now.status = (status & 0xff) << 8;
	layer_unlock();
	trusted_disown(trusted_process());
	trusted_set_fs(now.parent_fs);
	if (now.frame)
		trusted_jump(end_vfork, NULL, (uint64_t)now.frame);
	longjmp(now.back, 1);
}

long call_wait4(int pid, int *status, int options, void *usage)
{
	int how = 0;
	long r = -ECHILD;

	if ((status && !trusted_writable(status, sizeof(*status))) ||
	    (usage && !trusted_writable(usage, USAGE_SIZE)))
		return -EFAULT;
	if (fork_is_on())
		r = fork_wait(pid, &how, options);
	if (r > 0 && status)
		*status = how;
	if (r > 0 && usage)
		memset(usage, 0, USAGE_SIZE);
	if (fork_is_on())
		return r;
	if (!layer_lock())
		return -EAGAIN;
	for (size_t i = 0; r < 0 && !trusted_in_child() && i < CHILDREN_MAX; i++) {
		if (!ended[i].pid || (pid > 0 && ended[i].pid != pid))
			continue;
		r = ended[i].pid;
		if (status)
			*status = ended[i].status;
		ended[i].pid = 0;
	}
	layer_unlock();
	if (r > 0 && usage)
		memset(usage, 0, USAGE_SIZE);
	return r;
}

/* -- becoming another program ---------------------------------------------------------------------- */

static bool names(const char *path, const char *word)
{
	const char *slash = strrchr(path, '/');

	return !strcmp(path, word) || (!strchr(word, '/') && slash && !strcmp(slash + 1, word));
}

static size_t find(const char *word)
{
	size_t i = 0;

	while (i < trusted_program_count() && !names(trusted_program_path(i), word))
		i++;
	return i;
}

/* Others' results would be wrong without it, and they may not say so: unhide takes a process for hidden. */
static _Noreturn void stop(const char *why, const char *what)
{
	char text[200];
	int n = snprintf(text, sizeof(text), "scwatcher: stopped: %s%.100s\n", why, what);

	trusted_say(text, (size_t)n);
	trusted_output_end();
	trusted_exit_group(CODE_STOPPED);
}

long call_fork(void)
{
	if (fork_is_on())
		return fork_fork();
	stop("the program makes a second process by fork(): sign it with --processes", "");
}

long call_clone(uint64_t flags)
{
	return fork_is_on() && flags == SPAWN ? fork_fork() : -ENOSYS;
}

void trusted_begin_processes(void)
{
	size_t program;

	if (trusted_is_other() || (program = find(ABI_PROGRAM_ITSELF)) == trusted_program_count())
		return;
	now.parent_fs = trusted_get_fs();
	process_begin_first(program);
}

static size_t count_strings(char *const *list)
{
	size_t n = 0;

	while (n <= STRINGS_MAX && trusted_readable(&list[n], sizeof(list[n])) && list[n])
		n++;
	return n;
}

static _Noreturn void start(size_t program, char *const *argv, char *const *envp)
{
	long r, stack = trusted_mmap(0, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	if (stack < 0)
		stop("no memory for ", trusted_program_path(program));
	trusted_own((uint64_t)stack, STACK_SIZE, trusted_process());
	(void)layer_lock();
	files_child_exec();
	now.argv = argv;
	layer_unlock();
	trusted_child_exec();
	r = trusted_program_start(program, (uint64_t)stack + STACK_SIZE, STACK_SIZE / 2, argv, envp);
	stop(r == -ENOEXEC ? "another version of scw-cc made " : "no memory, or too many arguments, for ",
	     trusted_program_path(program));
}

static void move(int from, int to)
{
	if (from == to)
		return;
	(void)call_dup2(from, to);
	(void)call_close(from);
}

/* Its input is what the one before has written, its output is kept for the next one. */
static bool join_pipes(bool is_last)
{
	int ends[2], input = -1;

	if (shell.input) {
		(void)layer_lock();
		input = file_install(shell.input, 0, false);
		layer_unlock();
		shell.input = NULL;
		if (input < 0)
			return false;
		move(input, 0);
	}
	if (is_last)
		return true;
	if (call_pipe2(ends, 0))
		return false;
	(void)layer_lock();
	shell.input = file_at(ends[0]);
	shell.input->refs++;
	layer_unlock();
	(void)call_close(ends[0]);
	move(ends[1], 1);
	return true;
}

static bool redirect(const struct shell_redirect *x)
{
	char text[200];
	long r;

	if (x->path) {
		r = call_openat(AT_FDCWD, x->path, x->flags);
		if (r >= 0)
			move((int)r, x->fd);
	} else {
		r = x->from < 0 ? call_close(x->fd) : call_dup2(x->from, x->fd);
		if (x->from < 0 && r == -EBADF)
			r = 0;
	}
	if (r < 0 && x->path)
		(void)call_write(2, text, (size_t)snprintf(text, sizeof(text), "sh: can't open %.150s: %s\n",
							   x->path, strerror((int)-r)));
	return r >= 0;
}

static _Noreturn void begin_next(void)
{
	const struct shell_command *c = &shell.line.commands[shell.begun++];
	bool good, is_last = shell.begun == shell.line.count;
	struct trusted_aside unused;

	(void)layer_lock();
	files_shell_child();
	layer_unlock();
	trusted_child_begin(&unused);
	(void)trusted_sigprocmask(SIG_SETMASK, &shell.blocked, NULL, sizeof(shell.blocked));
	good = join_pipes(is_last);
	for (size_t i = 0; good && i < c->redirect_count; i++)
		good = redirect(&c->redirects[i]);
	if (!good)
		process_exit(CODE_NO_REDIRECT);
	start(find(c->words[0]), c->words, shell.envp);
}

static size_t find_or_stop(const char *path)
{
	size_t program = find(path);

	if (program == trusted_program_count())
		stop("the program runs another one, which isn't in its image (sign --program): ", path);
	return program;
}

static _Noreturn void begin_line(const char *text, char *const *envp)
{
	if (!shell_parse(text, &shell.line))
		stop("the program has a shell run more than commands joined by pipes: ", text);
	/* all, before there are results of some */
	for (size_t i = 0; i < shell.line.count; i++)
		(void)find_or_stop(shell.line.commands[i].words[0]);
	shell.envp = envp;
	(void)trusted_sigprocmask(SIG_BLOCK, NULL, &shell.blocked, sizeof(shell.blocked));
	(void)layer_lock();
	files_child_exec();
	files_shell_begin();
	layer_unlock();
	begin_next();
}

long call_execve(const char *path, char *const *argv, char *const *envp)
{
	size_t argc;

	if (!trusted_in_child())
		return -ENOSYS;
	if (!path || !trusted_readable(path, 1) || !argv || !envp)
		return -EFAULT;
	argc = count_strings(argv);
	if (argc > STRINGS_MAX || count_strings(envp) > STRINGS_MAX)
		return -E2BIG;
	if (fork_is_on()) {
		size_t program = strcmp(path, ABI_PROGRAM_ITSELF) ? find(path) : fork_program();

		return program == trusted_program_count() ? -ENOENT : fork_exec(program, argv, envp);
	}
	if (find(path) == trusted_program_count() && !strcmp(path, "/bin/sh") && argc == 3 &&
	    !strcmp(argv[1], "-c"))
		begin_line(argv[2], envp);
	/* execvp() on its way through the folders of PATH */
	if (find(path) == trusted_program_count() && strchr(path, '/') &&
	    find(strrchr(path, '/') + 1) < trusted_program_count())
		return -ENOENT;
	start(find_or_stop(path), argv, envp);
}
