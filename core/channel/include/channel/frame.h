/* SPDX-License-Identifier: MIT */
/*
 * What goes over the device's socket, one datagram a frame (SOCK_SEQPACKET): a kind, a size, bytes.
 * Frames are in the clear and authenticate nothing: they carry the handshake and the sealed records.
 * Bytes in, bytes out; a decoder refuses whatever it isn't sure of as a whole.
 *
 *     client                                device
 *     OPEN version, VM's name          ->
 *                                      <-   OPENED, or FAILED and the end
 *     HELLO                            ->
 *                                      <-   ANSWER
 *     RECORD (CHANNEL_EVIDENCE)        ->
 *                                      <-   RECORD (CHANNEL_ACCEPT; CHANNEL_REFUSE and the end)
 *     RECORD (CHANNEL_REQUEST)         ->
 *                                      <-   RECORD (CHANNEL_PAGES), several
 *     READ space, address, length, ... ->
 *                                      <-   RECORD (CHANNEL_BYTES), bound to the question
 *     RING sizes, first request        ->
 *                                      <-   RING, with a descriptor of the shared memory
 *                                           (where the answers to requests are)
 */
#ifndef SCW_CHANNEL_FRAME_H
#define SCW_CHANNEL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "channel/ring.h"
#include "channel/wire.h"

enum channel_frame_kind {
	CHANNEL_FRAME_OPEN = 1,	  /* client: struct channel_preamble */
	CHANNEL_FRAME_OPENED = 2, /* device: empty */
	CHANNEL_FRAME_FAILED = 3, /* device, then it closes: struct channel_refusal, unauthenticated */
	CHANNEL_FRAME_HELLO = 4,  /* client: Noise's first message */
	CHANNEL_FRAME_ANSWER = 5, /* device: Noise's second message */
	CHANNEL_FRAME_RECORD = 6, /* both: a sealed record, or the last part of one */
	CHANNEL_FRAME_PART = 7,	  /* device: a part of a record too large for one frame; more comes */
	CHANNEL_FRAME_RING = 8,	  /* client: struct channel_ring_ask; device: struct channel_ring_sizes as granted */
	CHANNEL_FRAME_READ = 9,	  /* client: the question of channel/read.h */
};

enum {
	CHANNEL_FRAME_HEADER_SIZE = 4 + 4,
	CHANNEL_FRAME_PAYLOAD_MAX = 1 << 16,
	CHANNEL_FRAME_MAX = CHANNEL_FRAME_HEADER_SIZE + CHANNEL_FRAME_PAYLOAD_MAX,

	CHANNEL_VM_NAME_MAX = 255,
	CHANNEL_PREAMBLE_MAX = 4 + CHANNEL_VM_NAME_MAX,
	CHANNEL_TEXT_MAX = 512,
	CHANNEL_REFUSAL_MAX = 4 + CHANNEL_TEXT_MAX,
	CHANNEL_RING_SIZES_SIZE = 2 * 4,
};

/* Write the header of a frame with `size` bytes of payload (at most CHANNEL_FRAME_PAYLOAD_MAX). */
void channel_frame_encode(enum channel_frame_kind kind, size_t size,
			  uint8_t header[CHANNEL_FRAME_HEADER_SIZE]);

/*
 * Take a whole datagram apart; *payload_ret points into it. ERR_CORRUPT for an unknown kind or
 * anything but exactly as many bytes as the header says.
 */
enum err channel_frame_decode(const void *bytes, size_t size, enum channel_frame_kind *kind_ret,
			      const void **payload_ret, size_t *payload_size_ret,
			      struct err_ctx *err) ERR_NODISCARD;

/*
 * Which VM, in the protocol's version. In the clear in OPEN, and once more as the sealed payload of
 * the hello: the device compares them, so that the host can't lead a client to another VM.
 */
struct channel_preamble {
	uint32_t version;
	char vm[CHANNEL_VM_NAME_MAX + 1];
};

/* Is `name` one that a VM may have: 1 to 255 bytes of UTF-8 without control characters and '/'? */
bool channel_vm_name_valid(const char *name);

/* ERR_INVAL for a name that isn't valid; decoding: ERR_CORRUPT, ERR_UNSUPPORTED (version). */
enum err channel_preamble_encode(const struct channel_preamble *p,
				 uint8_t buf[CHANNEL_PREAMBLE_MAX], size_t *size_ret,
				 struct err_ctx *err) ERR_NODISCARD;
enum err channel_preamble_decode(const void *bytes, size_t size, struct channel_preamble *ret,
				 struct err_ctx *err) ERR_NODISCARD;

/* Why not: payload of FAILED (in the clear), plaintext of CHANNEL_REFUSE (sealed). */
struct channel_refusal {
	enum err code;
	char text[CHANNEL_TEXT_MAX + 1]; /* printable once decoded */
};

/* A text that is too long is cut. Returns the size. */
size_t channel_refusal_encode(const struct channel_refusal *r, uint8_t buf[CHANNEL_REFUSAL_MAX]);
/*
 * ERR_CORRUPT for what isn't one. A code that isn't an error's becomes ERR_IO, and bytes of the text
 * that aren't printable ASCII become '?': it may come from anybody and ends up on a terminal.
 */
enum err channel_refusal_decode(const void *bytes, size_t size, struct channel_refusal *ret,
				struct err_ctx *err) ERR_NODISCARD;

/* The sizes of a ring (channel/ring.h): what is asked for comes first in its frame; and what is granted. */
void channel_ring_sizes_encode(const struct channel_ring_sizes *r,
			       uint8_t buf[CHANNEL_RING_SIZES_SIZE]);
/* ERR_CORRUPT also for sizes that break the ring's limits. */
enum err channel_ring_sizes_decode(const void *bytes, size_t size, struct channel_ring_sizes *ret,
				   struct err_ctx *err) ERR_NODISCARD;

/* What a client asks for; the answer to `record` is the first in the ring. */
struct channel_ring_ask {
	struct channel_ring_sizes sizes;
	const void *record; /* a sealed request, in the bytes that were decoded */
	size_t record_size; /* 0: none */
};
/* Errors as above; ERR_CORRUPT also for a record that is larger than that of any request. */
enum err channel_ring_ask_decode(const void *bytes, size_t size, struct channel_ring_ask *ret,
				 struct err_ctx *err) ERR_NODISCARD;

#endif
