/* SPDX-License-Identifier: MIT */
/*
 * Running a program in an enclave: the untrusted side. Threads of the host's enter, and do what
 * the enclave asks for when it comes out. What isn't the runtime's own business (system calls of
 * the program, the guest's memory) is served by the hooks.
 */
#ifndef SCW_HOST_RUN_H
#define SCW_HOST_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/ocall.h"
#include "host/load.h"

#define HOST_CALLS 256u
#define HOST_HOOKS 4u

/*
 * Serves the requests of a range of numbers: `arena` is the thread's buffer. The result, >= 0 or
 * -errno, goes to the enclave. Runs on the thread that came out, several at once. A call that sleeps
 * returns -EINTR when a signal comes (they come as signals without SA_RESTART), and must not start to
 * sleep when host_must_return() says so.
 */
struct host_hook {
	unsigned int first, last; /* numbers, both included */
	int64_t (*serve)(void *opaque, uint64_t number, const uint64_t args[6], void *arena,
			 size_t arena_size);
	void *opaque;
};

struct host_run_options {
	char *const *argv; /* NULL-terminated; at least one */
	char *const *envp; /* NULL-terminated */
	const char *vm;	   /* name of the VM; NULL: none */
	const struct host_hook *hooks;
	size_t hook_count; /* HOST_HOOKS at most */
};

struct host_counts {
	uint64_t entries;	    /* EENTERs, without those of exceptions */
	uint64_t exceptions;	    /* handled inside */
	uint64_t threads;	    /* made after the first */
	uint64_t calls[HOST_CALLS]; /* requests by number */
};

/*
 * Runs the program of an enclave to its end, on the calling thread and new ones; once for an
 * enclave, one at a time for a process. The exit code, 0..255, goes to *code_ret; ERR_TAMPERED
 * and a text when the enclave stopped itself or refused to go on.
 *
 * Signals that a program expects (SIGINT, SIGTERM, SIGALRM, SIGWINCH ...) go to it while it runs.
 * Afterwards the process should end: other threads of the enclave's may still be in it, and call hooks. So
 * `e` can't be unloaded, and what the hooks use has to stay; `e` and `options` themselves were copied.
 */
enum err host_run(const struct host_enclave *e, const struct host_run_options *options,
		  int *code_ret, struct err_ctx *err) ERR_NODISCARD;

/*
 * All of it: the image in the file `path` on the backend that backend_choose() gives. Doesn't
 * unload.
 */
enum err host_run_file(const char *path, bool emulate, unsigned int modes,
		       const struct host_run_options *options, int *code_ret,
		       struct err_ctx *err) ERR_NODISCARD;

/* Since the process began. */
void host_count(struct host_counts *ret);

/* Inside of a hook: a call that sleeps is to return -EINTR at once. */
bool host_must_return(void);

#endif
