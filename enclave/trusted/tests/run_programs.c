// SPDX-License-Identifier: MIT
/*
 * Runs the tests' programs as enclaves, each in a process of its own: run_programs MODES|hardware
 * PROGRAM... What they print and their exit codes have to be those of the table.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "host/run.h"

#define MAX_ARGS 4
#define PRINT	 ABI_OCALL_PROXY_LAST

static const struct {
	const char *program;
	const char *args[MAX_ARGS]; /* after the name */
	int code;
	const char *output;
	bool slow; /* not where each instruction is a signal */
} cases[] = {
    {"basic", {"one", "", "three"}, 7, "basic\none\n\nthree\nvm name\nbasic: done\n", true},
    {"threads", {"short"}, 0, "threads: done\n", true},
    {"threads", {0}, 0, "threads: done\n", true},
    {"signals", {0}, 0, "signals: done\n", false},
    {"signals", {"divide"}, 128 + 8, "", false},
    {"signals", {"store"}, 128 + 11, "", true},
    {"signals", {"jump"}, 128 + 11, "", true},
    {"signals", {"undefined"}, 128 + 4, "", true},
    {"signals", {"overflow"}, 128 + 11, "", true},
    {"signals", {"terminate"}, 128 + 15, "", true},
    {"signals", {"wild"}, 128 + 4, "", true},
    {"signals", {"host"}, 128 + 4, "", true},
};

static int64_t print(void *opaque, uint64_t number, const uint64_t args[6], void *arena,
		     size_t arena_size)
{
	(void)opaque, (void)number, (void)arena_size;
	(void)arena;
	return write(1, (const void *)args[1], args[0]);
}

static _Noreturn void run(const struct sign_image *made, const char *modes, char **argv)
{
	char *envp[] = {"A=1", "B=2", NULL};
	const struct host_hook hook = {PRINT, PRINT, print, NULL};
	const struct host_run_options options = {argv, envp, "vm name", &hook, 1};
	const struct backend *backend = chosen_backend(modes);
	struct err_ctx err = {0};
	struct host_enclave e;
	struct image image;
	int code;

	if (image_parse(made->data, made->size, &image, &err) ||
	    host_load(backend, &image, &e, &err) || host_run(&e, &options, &code, &err))
		die_of(argv[0], &err);
	exit(code);
}

/* Everything that `fd` gives until its end. */
static void collect(int fd, char *text, size_t room)
{
	size_t size = 0;
	ssize_t n;

	while (size + 1 < room && (n = read(fd, text + size, room - 1 - size)) > 0)
		size += (size_t)n;
	text[size] = 0;
}

static bool run_case(size_t i, const struct sign_image *made, const char *modes)
{
	char *argv[MAX_ARGS + 2] = {(char *)cases[i].program};
	char text[2000];
	int status, pipe_fds[2];
	bool good;
	pid_t pid;

	for (size_t k = 0; k < MAX_ARGS && cases[i].args[k]; k++)
		argv[k + 1] = (char *)cases[i].args[k];
	if (pipe(pipe_fds))
		return false;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(pipe_fds[1], 1);
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		run(made, modes, argv);
	}
	close(pipe_fds[1]);
	collect(pipe_fds[0], text, sizeof(text));
	close(pipe_fds[0]);
	if (waitpid(pid, &status, 0) != pid)
		return false;
	good = WIFEXITED(status) && WEXITSTATUS(status) == cases[i].code &&
	       strcmp(text, cases[i].output) == 0;
	printf("%s %s %s: %s", good ? "ok" : "NOT OK", cases[i].program,
	       cases[i].args[0] ? cases[i].args[0] : "", good ? "\n" : "");
	if (!good)
		printf("status 0x%x, output:\n%s\n", (unsigned int)status, text);
	return good;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
	struct sign_options options = small_options();
	struct err_ctx err = {0};
	struct file pem;
	bool good = true;

	options.heap_size = 1 << 20;
	options.stack_size = 32 << 10;
	if (argc < 3)
		return 2;
	pem = new_key(3072, 3);
	for (int a = 2; a < argc; a++) {
		struct file elf = read_whole(argv[a]);
		struct sign_image made;

		if (sign_build(elf.data, elf.size, &options, &made, &err) ||
		    sign_sign(&made, pem.data, pem.size, &options, &err))
			die_of(argv[a], &err);
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
			if (strcmp(name_of(argv[a]), cases[i].program) == 0 &&
			    !(cases[i].slow && strstr(argv[1], "step")))
				good &= run_case(i, &made, argv[1]);
		sign_deinit(&made);
		free(elf.data);
	}
	free(pem.data);
	return good ? 0 : 1;
}
