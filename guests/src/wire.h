/* SPDX-License-Identifier: MIT */
/*
 * The frames that a host command and the guest agent exchange over one channel (a virtio-serial
 * port or a serial line). All numbers little-endian.
 *
 *	header   magic "SCWF", u32 type, u32 payload length; then the payload
 *
 * The host opens with a run of zero bytes, longer than any frame it may send, and a SYNC frame that
 * holds a nonce: whatever an earlier client left half-sent is swallowed by the zeros. The agent
 * ends what that client ran and answers with the nonce; the host drops all that comes before.
 */
#ifndef GUESTS_SRC_WIRE_H
#define GUESTS_SRC_WIRE_H

#include <stdint.h>

#define WIRE_MAGIC 0x46574353u /* "SCWF" */
#define WIRE_NONCE_SIZE 16
#define WIRE_HOST_MAX 4096 /* largest payload that the host sends */
#define WIRE_GUEST_MAX 65536 /* largest payload that the agent sends */

enum wire_type {
	/* host to guest */
	WIRE_SYNC = 1, /* nonce */
	WIRE_COMMAND = 2, /* a piece of the argument vector: NUL-terminated strings */
	WIRE_START = 3, /* run what the COMMAND frames held */
	WIRE_STDIN = 4, /* bytes for standard input */
	WIRE_STDIN_END = 5,
	/* guest to host */
	WIRE_READY = 16, /* the nonce */
	WIRE_STDOUT = 17,
	WIRE_STDERR = 18,
	WIRE_EXIT = 19, /* u32 status as wait() gives it */
	WIRE_FAILED = 20, /* the command could not be started: u32 errno */
};

struct wire_header {
	uint32_t magic;
	uint32_t type;
	uint32_t length;
};

#endif
