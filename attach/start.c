// SPDX-License-Identifier: MIT
/* See attach/start.h: the side that starts. */
#include "attach/start.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach/credentials.h"
#include "carrier/socket.h"
#include "carrier/wait.h"
#include "channel/message.h"

enum {
	DESCRIPTOR_MIN = 800, /* as that of sessions: above what tools count on */
	MEMORY_MAX = 1 << 20,
};

/* On a busy machine a device may be slow; the program would wait for it as well. */
#define TIMEOUT_NS 10000000000ull

struct attach_start {
	struct base_alloc alloc;
	struct attach_sealed options;
	struct attach_sealed_paths paths;
	const char *vm;
	uint64_t command;
	char note[PATH_MAX]; /* what such a command asked for; empty: there is no cache */
	struct attach_credentials credentials;
	pthread_t thread;
	bool running;
	struct carrier *carrier; /* NULL: not yet; the thread's while that runs */
	int socket;	  /* to the device; -1: the carrier's */
	int hang_up;	  /* the same again */
	bool abandoned;
	int ours, theirs; /* ends of the pair */
	struct attach_start_message message;
	uint8_t request[CHANNEL_REQUEST_MAX];
	size_t taken;
	_Alignas(max_align_t) uint8_t arena[MEMORY_MAX];
};

/*
 * Memory for one session out of zeroed pages, which are touched only as far as they are used: calloc() may clear
 * them. Nothing is given back before the end.
 */
static void *arena_take(struct attach_start *s, size_t size)
{
	uint8_t *p = s->arena + s->taken;

	size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (size > MEMORY_MAX - s->taken)
		return NULL;
	s->taken += size;
	return p;
}

static void *arena_zeroed(void *ctx, size_t size)
{
	return arena_take(ctx, size);
}

static void *arena_resize(void *ctx, void *old, size_t size)
{
	return old ? NULL : arena_take(ctx, size);
}

/* FNV-1a of `text` and its end. */
static uint64_t add_text(uint64_t hash, const char *text)
{
	do
		hash = (hash ^ (unsigned char)*text) * 1099511628211u;
	while (*text++);
	return hash;
}

static bool make_pair(struct attach_start *s)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return false;
	s->ours = pair[0];
	s->theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, DESCRIPTOR_MIN);
	close(pair[1]);
	return s->theirs >= 0;
}

static bool tell_environment(const struct attach_start *s)
{
	char text[40];

	snprintf(text, sizeof(text), "%d.%d", (int)getpid(), s->theirs);
	return setenv(ATTACH_ENV_START, text, 1) == 0;
}

/* The device makes ready for the VM while our keys are read. */
static enum err greet(struct attach_start *s)
{
	int socket, again;
	enum err e = carrier_connect(s->paths.device, &socket, NULL);

	if (e)
		return e;
	s->socket = socket;
	again = fcntl(socket, F_DUPFD_CLOEXEC, 0);
	__atomic_store_n(&s->hang_up, again, __ATOMIC_SEQ_CST);
	if (again < 0 || __atomic_load_n(&s->abandoned, __ATOMIC_SEQ_CST))
		return ERR_GONE;
	return carrier_greet(socket, s->vm, NULL);
}

static enum err say_hello(struct attach_start *s)
{
	struct carrier_options o = {.timeout_ns = TIMEOUT_NS};
	enum err e = attach_credentials_init(&s->credentials, &s->paths, NULL);
	int socket = s->socket;

	if (e)
		return e;
	o.session = attach_credentials_use(&s->credentials, s->vm);
	o.session.greeted = true;
	s->socket = -1;
	return carrier_begin(&s->alloc, socket, &o, &s->carrier, NULL);
}

/* What such a command asked for last time: its answer will be there when the program looks. */
static enum err prove(struct attach_start *s)
{
	size_t size = 0;

	/* whoever wants each operation to read anew has no use for it */
	if (s->options.freshness_ms && s->note[0] &&
	    attach_requests_read(s->note, s->request, &size, &s->message.generation)) {
		s->message.number = 1;
		s->message.asked_ns = carrier_now();
	}
	return carrier_prove(s->carrier, s->request, size, NULL);
}

static void hand_over(struct attach_start *s)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS}};
	struct iovec part = {.iov_base = &s->message, .iov_len = sizeof(s->message)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	int pass;

	s->message.version = ATTACH_START_VERSION;
	s->message.command = s->command;
	carrier_leave(s->carrier, &s->message.state, &pass);
	memcpy(CMSG_DATA(&control.header), &pass, sizeof(pass));
	/* a program that has ended, or has closed what it doesn't know, doesn't want it */
	(void)!sendmsg(s->ours, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/*
 * Beside the start of the program, on another processor if there is one: keys take as long as an exec. The
 * environment is left alone, and nothing is opened that the program could inherit.
 */
static void *open_session(void *start)
{
	struct attach_start *s = start;

	if (greet(s) == ERR_OK && say_hello(s) == ERR_OK && prove(s) == ERR_OK)
		hand_over(s);
	return NULL;
}

static bool begin_thread(struct attach_start *s)
{
	sigset_t all, old;

	/* signals are for who waits for the program */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	s->running = pthread_create(&s->thread, NULL, open_session, s) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return s->running;
}

static void end(struct attach_start *s)
{
	const int *all[] = {&s->socket, &s->hang_up, &s->ours, &s->theirs};

	if (s->running)
		pthread_join(s->thread, NULL);
	carrier_close(s->carrier);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (*all[i] >= 0)
			close(*all[i]);
	}
	unsetenv(ATTACH_ENV_START);
	channel_wipe(&s->message, sizeof(s->message));
	channel_wipe(&s->credentials, sizeof(s->credentials));
}

struct attach_start *attach_start_begin(const struct attach_sealed *o, const char *vm,
					char *const *argv)
{
	struct attach_start *s = MAP_FAILED;

	unsetenv(ATTACH_ENV_START);
	if (o->carrier == ATTACH_RING)
		s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		return NULL;
	s->alloc = (struct base_alloc){
		.resize = arena_resize, .zeroed = arena_zeroed, .ctx = s, .limit = MEMORY_MAX};
	s->options = *o;
	s->vm = vm;
	s->socket = s->hang_up = s->ours = s->theirs = -1;
	/* what another release asked for may be more than this one does */
	s->command = add_text(14695981039346656037u ^ CHANNEL_VERSION, vm);
	for (; *argv; argv++)
		s->command = add_text(s->command, *argv);
	if (!attach_requests_path(s->command, s->note))
		s->note[0] = '\0';
	if (attach_sealed_paths(o, &s->paths, NULL) || !make_pair(s) || !tell_environment(s) ||
	    !begin_thread(s)) {
		attach_start_abandon(s);
		return NULL;
	}
	return s;
}

int attach_start_descriptor(const struct attach_start *s)
{
	return s->theirs;
}

void attach_start_finish(struct attach_start *s)
{
	if (!s)
		return;
	/* then the end of one is the other's */
	close(s->theirs);
	s->theirs = -1;
	/* the memory stays: to unmap it would keep all processors from what is waited for now */
	end(s);
}

void attach_start_abandon(struct attach_start *s)
{
	int hang_up;

	if (!s)
		return;
	/* the device isn't waited for */
	__atomic_store_n(&s->abandoned, true, __ATOMIC_SEQ_CST);
	hang_up = __atomic_load_n(&s->hang_up, __ATOMIC_SEQ_CST);
	if (hang_up >= 0)
		shutdown(hang_up, SHUT_RDWR);
	end(s);
	munmap(s, sizeof(*s));
}
