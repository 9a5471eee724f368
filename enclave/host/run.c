// SPDX-License-Identifier: MIT
/* A thread outside: enters, does what the enclave asks for, enters again. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

#define SECOND	      1000000000ull
#define MAX_REASON    200u
#define MAIN_PATIENCE 2 /* seconds that the first thread has to come back after exit_group() */

struct host_process host_process = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .changed = PTHREAD_COND_INITIALIZER,
};

static __thread struct host_slot *self;
static atomic_uint_fast64_t entries, exceptions, calls[HOST_CALLS];

void host_count(struct host_counts *ret)
{
	*ret = (struct host_counts){
	    .entries = entries, .exceptions = exceptions, .threads = host_threads_made};
	for (size_t i = 0; i < HOST_CALLS; i++)
		ret->calls[i] = calls[i];
}

bool host_is_ended(void)
{
	return __atomic_load_n(&host_process.ended, __ATOMIC_ACQUIRE);
}

bool host_must_return(void)
{
	return host_is_ended() || __atomic_load_n(&host_process.signals, __ATOMIC_ACQUIRE) ||
	       (self && atomic_load(&self->kicked));
}

void host_end(int code, const struct err_ctx *failure)
{
	struct host_process *p = &host_process;
	bool is_first, is_main = pthread_equal(pthread_self(), p->main_thread);
	struct timespec until;

	pthread_mutex_lock(&p->lock);
	is_first = !p->ended;
	if (is_first) {
		p->code = code;
		if (failure)
			p->failure = *failure;
		__atomic_store_n(&p->ended, true, __ATOMIC_RELEASE);
		pthread_cond_broadcast(&p->changed);
	}
	if (is_main) {
		p->main_back = true;
		pthread_cond_broadcast(&p->changed);
	} else if (is_first) {
		host_signals_poke();
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += MAIN_PATIENCE;
		while (!p->main_back)
			if (pthread_cond_timedwait(&p->changed, &p->lock, &until))
				break;
		if (!p->main_back) {
			/* it computes inside, and nothing gets it out but the end of the process */
			if (failure)
				fprintf(stderr, "scwatcher: %s\n", failure->text);
			fflush(NULL);
			_exit(code);
		}
	}
	pthread_mutex_unlock(&p->lock);
}

static void fail(const char *what, unsigned int vector, uint64_t addr)
{
	struct err_ctx err = {0};

	if (vector)
		(void)!err_set_addr(&err, ERR_TAMPERED, addr, "%s (exception %u)", what, vector);
	else
		(void)!err_set(&err, ERR_TAMPERED, "%s", what);
	host_end(134, &err);
}

static void aborted(const struct host_slot *slot, uint64_t size)
{
	char text[MAX_REASON + 1] = "";

	if (size > MAX_REASON)
		size = MAX_REASON;
	memcpy(text, slot->arena, size);
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	fail(text[0] ? text : "the enclave stopped itself", 0, 0);
}

static long read_clock(uint64_t clock)
{
	struct timespec t;

	if (clock_gettime((clockid_t)clock, &t))
		return -errno;
	return t.tv_sec * (long)SECOND + t.tv_nsec;
}

static long sleep_for(uint64_t ns)
{
	struct timespec t = {(time_t)(ns / SECOND), (long)(ns % SECOND)};

	if (host_must_return())
		return -EINTR;
	return nanosleep(&t, NULL) ? -errno : 0;
}

static long protect(uint64_t offset, uint64_t size, uint64_t prot)
{
	const struct host_enclave *e = &host_process.enclave;

	if (offset % ABI_PAGE || size % ABI_PAGE || offset > e->size || size > e->size - offset ||
	    prot & ~(uint64_t)(PROT_READ | PROT_WRITE))
		return -EINVAL;
	return e->backend->protect((void *)(e->base + offset), size, (int)prot);
}

static int64_t serve_hooked(struct host_slot *slot, unsigned int number)
{
	const struct host_process *p = &host_process;
	const struct host_hook *hook;

	for (size_t i = 0; i < p->hook_count; i++) {
		hook = &p->hooks[i];
		if (number >= hook->first && number <= hook->last)
			return hook->serve(hook->opaque, number, slot->call.args, slot->arena,
					   slot->start.arena_size);
	}
	return -ENOSYS;
}

/* False: the thread doesn't go in again. */
static bool serve(struct host_slot *slot, unsigned int number)
{
	struct abi_ocall *call = &slot->call;
	const uint64_t *a = call->args;

	switch (number) {
	case ABI_OCALL_EXIT:
		host_end((int)(a[0] & 0xff), NULL);
		return false;
	case ABI_OCALL_EXIT_THREAD:
		return false;
	case ABI_OCALL_ABORT:
		aborted(slot, a[0]);
		return false;
	case ABI_OCALL_CLOCK:
		call->result = read_clock(a[0]);
		break;
	case ABI_OCALL_SLEEP:
		call->result = sleep_for(a[0]);
		break;
	case ABI_OCALL_WAIT:
		call->result = host_wait(slot, a[0]);
		break;
	case ABI_OCALL_WAKE:
		call->result = host_wake(a[0]);
		break;
	case ABI_OCALL_SPAWN:
		call->result = host_spawn(a[0]);
		break;
	case ABI_OCALL_YIELD:
		call->result = sched_yield();
		break;
	case ABI_OCALL_KICK:
		call->result = host_kick(a[0]);
		break;
	case ABI_OCALL_PROTECT:
		call->result = protect(a[0], a[1], a[2]);
		break;
	case ABI_OCALL_TIMER:
		call->result = host_timer(a[0], a[1]);
		break;
	default:
		call->result = serve_hooked(slot, number);
	}
	return true;
}

/* After an AEX with an exception: the enclave's handler, on the next SSA frame. */
static bool handle_exception(struct abi_run *run)
{
	const abi_enter enter = host_process.enclave.backend->enter;
	unsigned int vector = run->exception_vector;
	uint64_t addr = run->exception_addr;

	atomic_fetch_add(&exceptions, 1);
	if (!host_enter(enter, 0, 0, 0, ABI_EENTER, 0, 0, run) && run->function == ABI_EEXIT)
		return true;
	fail("the enclave can't handle its exception", vector, addr);
	return false;
}

void host_serve_thread(struct host_slot *slot)
{
	const struct host_enclave *e = &host_process.enclave;
	struct abi_run run = {.tcs = e->tcs[slot->index]};
	unsigned int function = ABI_EENTER, number;
	bool again = true;

	self = slot;
	atomic_store(&slot->tid, (int)syscall(SYS_gettid));
	slot->call.number = ABI_OCALL_NONE;
	while (again && !host_is_ended()) {
		if (function == ABI_EENTER)
			atomic_fetch_add(&entries, 1);
		if (host_enter(e->backend->enter, (unsigned long)&slot->start, 0, 0, function, 0, 0,
			       &run)) {
			fail("the entry function refused", 0, 0);
			break;
		}
		if (run.function == ABI_ERESUME) {
			again = handle_exception(&run);
			function = ABI_ERESUME;
			continue;
		}
		if (run.function != ABI_EEXIT) {
			fail("the enclave can't be entered", run.exception_vector,
			     run.exception_addr);
			break;
		}
		function = ABI_EENTER;
		number = (unsigned int)slot->call.number;
		if (number == ABI_OCALL_NONE || number >= HOST_CALLS) {
			fail("the enclave refused to be entered", 0, 0);
			break;
		}
		atomic_fetch_add(&calls[number], 1);
		slot->call.number = ABI_OCALL_NONE;
		atomic_store(&slot->in_call, true);
		again = serve(slot, number);
		atomic_store(&slot->in_call, false);
		/* a call that doesn't sleep may have come first: the next one that does has to know */
		if (slot->call.result == -EINTR)
			atomic_store(&slot->kicked, false);
	}
	self = NULL;
}

/* -- the program's strings
 * ---------------------------------------------------------------------------- */

static size_t count_strings(char *const *list, size_t *size)
{
	size_t n = 0;

	for (; list[n]; n++)
		*size += strlen(list[n]) + 1;
	return n;
}

static char *put_string(char *at, const char *text)
{
	size_t size = strlen(text) + 1;

	memcpy(at, text, size);
	return at + size;
}

static enum err lay_out_strings(const struct host_run_options *o, struct abi_start *start,
				struct err_ctx *err)
{
	const char *vm = o->vm ? o->vm : "";
	size_t size = strlen(vm) + 1;
	char *text, *at;

	start->argc = count_strings(o->argv, &size);
	start->envc = count_strings(o->envp, &size);
	if (start->argc < 1 || start->argc > ABI_MAX_STRINGS || start->envc > ABI_MAX_STRINGS ||
	    size > ABI_MAX_STRINGS_SIZE)
		return err_set(err, ERR_LIMIT,
			       "arguments and environment: at most %u and %u bytes, 1 argument at "
			       "least",
			       ABI_MAX_STRINGS, ABI_MAX_STRINGS_SIZE);
	text = aligned_alloc(64, (size + 63) & ~(size_t)63);
	if (!text)
		return err_set(err, ERR_NOMEM, "no memory for the arguments");
	at = put_string(text, vm);
	for (size_t i = 0; i < start->argc; i++)
		at = put_string(at, o->argv[i]);
	for (size_t i = 0; i < start->envc; i++)
		at = put_string(at, o->envp[i]);
	start->strings = (uint64_t)text;
	start->strings_size = size;
	return ERR_OK;
}

enum err host_run(const struct host_enclave *e, const struct host_run_options *options,
		  int *code_ret, struct err_ctx *err)
{
	struct host_process *p = &host_process;
	struct host_slot *first;
	enum err code;

	if (p->enclave.backend)
		return err_set(err, ERR_INVAL, "one program in an enclave for a process");
	if (options->hook_count > HOST_HOOKS)
		return err_set(err, ERR_INVAL, "%zu hooks", options->hook_count);
	p->enclave = *e;
	p->hook_count = options->hook_count;
	for (size_t i = 0; i < options->hook_count; i++)
		p->hooks[i] = options->hooks[i];
	p->main_thread = pthread_self();
	code = host_threads_prepare(err);
	if (code)
		return code;
	first = &p->slots[0];
	first->arena = aligned_alloc(64, ABI_ARENA_SIZE);
	if (!first->arena)
		return err_set(err, ERR_NOMEM, "no memory for a thread's buffer");
	first->start.arena = (uint64_t)first->arena;
	first->busy = true;
	code = lay_out_strings(options, &first->start, err);
	if (!code)
		code = host_signals_begin(err);
	if (code)
		return code;
	host_serve_thread(first);
	pthread_mutex_lock(&p->lock);
	/* the first thread may have ended before the program: others go on */
	first->busy = false;
	pthread_cond_broadcast(&p->changed);
	while (!p->ended)
		pthread_cond_wait(&p->changed, &p->lock);
	p->main_back = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	host_signals_end();
	if (p->failure.code) {
		if (err)
			*err = p->failure;
		return p->failure.code;
	}
	*code_ret = p->code;
	return ERR_OK;
}

enum err host_run_file(const char *path, bool emulate, unsigned int modes,
		       const struct host_run_options *options, int *code_ret, struct err_ctx *err)
{
	struct host_enclave enclave;
	const struct backend *backend;
	struct image image;
	struct stat st;
	enum err e;
	void *data;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, errno == ENOENT ? ERR_ABSENT : ERR_IO, errno,
				     "opening the enclave image %s", path);
	if (fstat(fd, &st) || st.st_size <= 0) {
		close(fd);
		return err_set(err, ERR_CORRUPT, "%s is not an enclave image", path);
	}
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return err_set_errno(err, ERR_IO, errno, "mapping the enclave image %s", path);
	e = image_parse(data, (size_t)st.st_size, &image, err);
	if (!e)
		e = backend_choose(emulate, modes, &backend, err);
	if (!e)
		e = host_load(backend, &image, &enclave, err);
	munmap(data, (size_t)st.st_size);
	return e ? e : host_run(&enclave, options, code_ret, err);
}
