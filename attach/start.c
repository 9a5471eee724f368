// SPDX-License-Identifier: MIT
/* See attach/start.h: the side that starts. */
#include "attach/start.h"

#include <fcntl.h>
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
	struct attach_credentials credentials;
	struct carrier *carrier; /* NULL: not yet */
	int socket;	  /* to the device; -1: the carrier's */
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
static enum err say_hello(struct attach_start *s)
{
	struct carrier_options o = {.timeout_ns = TIMEOUT_NS};
	int socket;
	enum err e = carrier_connect(s->paths.device, &s->socket, NULL);

	if (!e)
		e = carrier_greet(s->socket, s->vm, NULL);
	if (!e)
		e = attach_credentials_init(&s->credentials, &s->paths, NULL);
	if (e)
		return e;
	o.session = attach_credentials_use(&s->credentials, s->vm);
	o.session.greeted = true;
	socket = s->socket;
	s->socket = -1;
	return carrier_begin(&s->alloc, socket, &o, &s->carrier, NULL);
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
	s->socket = s->ours = s->theirs = -1;
	s->command = add_text(14695981039346656037u, vm);
	for (; *argv; argv++)
		s->command = add_text(s->command, *argv);
	if (attach_sealed_paths(o, &s->paths, NULL) || say_hello(s) || !make_pair(s) ||
	    !tell_environment(s)) {
		attach_start_abandon(s);
		return NULL;
	}
	return s;
}

int attach_start_descriptor(const struct attach_start *s)
{
	return s->theirs;
}

/* What such a command asked for last time: its answer will be there when the program looks. */
static enum err prove(struct attach_start *s)
{
	size_t size = 0;

	/* whoever wants each operation to read anew has no use for it */
	if (s->options.freshness_ms &&
	    attach_requests_read(s->command, s->request, &size, &s->message.generation)) {
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

static void end(struct attach_start *s)
{
	const int all[] = {s->socket, s->ours, s->theirs};

	carrier_close(s->carrier);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i] >= 0)
			close(all[i]);
	}
	unsetenv(ATTACH_ENV_START);
	channel_wipe(&s->message, sizeof(s->message));
	channel_wipe(&s->credentials, sizeof(s->credentials));
}

void attach_start_finish(struct attach_start *s)
{
	if (!s)
		return;
	/* then the end of one is the other's */
	close(s->theirs);
	s->theirs = -1;
	if (prove(s) == ERR_OK)
		hand_over(s);
	/* the memory stays: to unmap it would keep all processors from what is waited for now */
	end(s);
}

void attach_start_abandon(struct attach_start *s)
{
	if (!s)
		return;
	end(s);
	munmap(s, sizeof(*s));
}
