/* SPDX-License-Identifier: MIT */
/*
 * A session with the memory device for a program that is about to be started. Whoever starts it says hello
 * meanwhile, shows the evidence, asks what such a command asked for last time, and hands all
 * over: over a socket that only the program has, in one message that is read once. The device's answers are for the
 * program: that it was let in, the ring, and in it what was asked for. It is a matter of speed
 * only: a program to which nothing comes opens its own session.
 */
#ifndef SCW_ATTACH_START_H
#define SCW_ATTACH_START_H

#include "attach/sealed.h"
#include "carrier/carrier.h"
#include "channel/message.h"

/* "PID.DESCRIPTOR": who started the program, and where it has its end of that socket. */
#define ATTACH_ENV_START "SCWATCHER_START"

/* ---- who starts ---- */

struct attach_start;

/*
 * Begin a session with the VM for a program with arguments `argv`, in a thread; puts ATTACH_ENV_START into the
 * environment. NULL: the carrier isn't the ring, or something failed, which is left for the program to find.
 */
struct attach_start *attach_start_begin(const struct attach_sealed *s, const char *vm,
					char *const *argv);
/* What the program must inherit, under this very number. */
int attach_start_descriptor(const struct attach_start *s);
/* The program was started: wait until the session was handed over. Ends `s` but for its memory; NULL is fine. */
void attach_start_finish(struct attach_start *s);
/* It could not be started. Frees `s`; NULL is fine. */
void attach_start_abandon(struct attach_start *s);

/* ---- who was started ---- */

/*
 * Call early, before the environment is given to others: the descriptor, which won't be inherited any further,
 * or 0. It becomes the caller's.
 */
int attach_start_inherited(void);

/* Wipe it: it holds keys. */
struct attach_start_message {
	uint64_t version; /* ATTACH_START_VERSION */
	struct carrier_state state;
	uint64_t command;  /* names the notes of such commands: attach_requests_read() */
	uint64_t number;   /* of the first request, if one was sent; else 0 */
	uint64_t asked_ns; /* carrier_now() when it was */
	uint64_t generation; /* of the guest that request was for: of another one its answer is worth nothing */
};
/* Two builds that understand each other. */
#define ATTACH_START_VERSION (0x73637773746101u << 8 ^ sizeof(struct attach_start_message))

/*
 * Wait for the message, with the session's socket. False: none came, or none will. `descriptor` is the
 * caller's still.
 */
bool attach_start_receive(int descriptor, struct attach_start_message *ret, int *socket_ret);

/* ---- what such a command asked for ---- */

/* Where it is kept. False: there is no cache. */
bool attach_requests_path(uint64_t command, char path[PATH_MAX]);

/*
 * The plaintext of a well-formed request, number 1, for all that this command asked for in its first epoch, and
 * the generation of the guest that it asked. False: none is kept.
 */
bool attach_requests_read(const char *path, uint8_t buf[CHANNEL_REQUEST_MAX], size_t *size_ret,
			  uint64_t *generation_ret);

/* Add `count` items as they are on the wire (CHANNEL_ITEM_SIZE bytes each) to what is kept. */
void attach_requests_add(uint64_t command, uint64_t generation, const uint8_t *items, size_t count);

#endif
