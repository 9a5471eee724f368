// SPDX-License-Identifier: MIT
/*
 * Programs that the program runs (popen(), system(), posix_spawn()): others of the same image, measured with
 * it. An enclave can't have a second process, so one runs at a time, on the thread that asked, to its end,
 * and then the one that asked goes on: pipes keep what was written. It has its own descriptors,
 * folder, signal handlers, memory and C library; kernel and guest are those that there are.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "calls.h"
#include "layer.h"
#include "trusted/files.h"
#include "trusted/program.h"
#include "trusted/runtime.h"

enum {
	CHILDREN_MAX = 64,	/* that nobody has waited for */
	WORDS_MAX = 64,		/* of a shell's command */
	STRINGS_MAX = 1024,	/* arguments, variables */
	STACK_SIZE = 256 << 10,
	CODE_STOPPED = 126,
	USAGE_SIZE = 144, /* struct rusage */
};

static struct {
	bool busy;
	int pid;
	jmp_buf back; /* to the one that asked */
	uint64_t parent_fs;
	char *const *argv;
} now;

static struct {
	int pid; /* 0: none */
	int status;
} ended[CHILDREN_MAX];

static unsigned int runs;

/* -- who is who ------------------------------------------------------------------------------------ */

int process_pid(void)
{
	return trusted_in_child() ? now.pid : TRUSTED_PID;
}

char *const *process_arguments(void)
{
	return trusted_in_child() ? now.argv : trusted_info()->argv;
}

int process_parent(void)
{
	return trusted_in_child() ? TRUSTED_PID : 0;
}

uint64_t process_parent_fs(void)
{
	return now.parent_fs;
}

unsigned int process_count(void)
{
	unsigned int count = trusted_in_child();

	for (size_t i = 0; i < CHILDREN_MAX; i++)
		count += ended[i].pid != 0;
	return count;
}

/* -- beginning and end ----------------------------------------------------------------------------- */

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

long trusted_spawn(int (*fn)(void *), void *arg)
{
	struct trusted_aside aside;
	bool taken = false;
	int pid;

	if (trusted_in_child())
		return -ENOSYS;
	if (!layer_lock())
		return -EAGAIN;
	if (!now.busy && free_slot() < CHILDREN_MAX) {
		taken = now.busy = true;
		now.pid = TRUSTED_PID + LAYER_CHILDREN + (int)(runs++ % LAYER_CHILDREN);
		now.argv = trusted_info()->argv;
		now.parent_fs = trusted_get_fs();
		files_child_begin();
	}
	layer_unlock();
	if (!taken)
		return -EAGAIN;
	trusted_child_begin(&aside);
	if (!setjmp(now.back))
		begin(fn, arg);
	trusted_child_end(&aside);
	pid = now.pid;
	(void)layer_lock();
	now.busy = false;
	layer_unlock();
	return pid;
}

void process_exit(int status)
{
	(void)layer_lock();
	files_child_end();
	ended[free_slot()].status = (status & 0xff) << 8;
	ended[free_slot()].pid = now.pid;
	layer_unlock();
	trusted_disown();
	trusted_set_fs(now.parent_fs);
	longjmp(now.back, 1);
}

long call_wait4(int pid, int *status, int options, void *usage)
{
	long r = -ECHILD;

	(void)options;
	if ((status && !trusted_writable(status, sizeof(*status))) ||
	    (usage && !trusted_writable(usage, USAGE_SIZE)))
		return -EFAULT;
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
	stop("the program makes a second process, which an enclave can't have", "");
}

/* A command of words alone is what a shell makes of it. */
static bool split(char *text, char *words[WORDS_MAX + 1])
{
	size_t count = 0;

	if (text[strcspn(text, "|&;<>()$`\\\"'*?[]#~{}!\n=")])
		return false;
	for (char *save, *w = strtok_r(text, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
		if (count == WORDS_MAX)
			return false;
		words[count++] = w;
	}
	words[count] = NULL;
	return count;
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
	trusted_own((uint64_t)stack, STACK_SIZE);
	(void)layer_lock();
	files_child_exec();
	now.argv = argv;
	layer_unlock();
	trusted_child_exec();
	r = trusted_program_start(program, (uint64_t)stack + STACK_SIZE, STACK_SIZE / 2, argv, envp);
	stop(r == -ENOEXEC ? "another version of scw-cc made " : "no memory, or too many arguments, for ",
	     trusted_program_path(program));
}

long call_execve(const char *path, char *const *argv, char *const *envp)
{
	static char text[4096], *words[WORDS_MAX + 1];
	static const char *const shell = "/bin/sh";
	size_t argc, program;

	if (!trusted_in_child())
		return -ENOSYS;
	if (!path || !trusted_readable(path, 1) || !argv || !envp)
		return -EFAULT;
	argc = count_strings(argv);
	if (argc > STRINGS_MAX || count_strings(envp) > STRINGS_MAX)
		return -E2BIG;
	program = find(path);
	if (program == trusted_program_count() && !strcmp(path, shell) && argc == 3 &&
	    !strcmp(argv[1], "-c") && strlen(argv[2]) < sizeof(text)) {
		memcpy(text, argv[2], strlen(argv[2]) + 1);
		if (!split(text, words))
			stop("the program has a shell run what isn't one plain command: ", argv[2]);
		argv = words;
		program = find(words[0]);
		path = words[0];
	}
	if (program == trusted_program_count())
		stop("the program runs another one, which isn't in its image (sign --program): ", path);
	start(program, argv, envp);
}
