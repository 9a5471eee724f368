/* SPDX-License-Identifier: MIT */
/*
 * Frames (channel/frame.h) over a UNIX SEQPACKET socket, both ends, with a time limit. Where a
 * deadline is asked for it is of carrier_now(); 0: none. Sockets that block are never blocked on.
 */
#ifndef SCW_CARRIER_SOCKET_H
#define SCW_CARRIER_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "channel/frame.h"
#include "sealed/session.h"

/*
 * Connect to the device that listens at `path`; the descriptor is closed on exec and lies above those
 * that a tool expects to get. ERR_ABSENT when nothing listens there, ERR_PERM, ERR_IO.
 */
enum err carrier_connect(const char *path, int *socket_ret, struct err_ctx *err) ERR_NODISCARD;

/*
 * Send one frame of `size` bytes; `pass` is a descriptor to send along, or -1. ERR_GONE when the
 * other end has hung up, ERR_LIMIT when the deadline has passed, ERR_IO.
 */
enum err carrier_frame_send(int socket, enum channel_frame_kind kind, const void *payload,
			    size_t size, int pass, uint64_t deadline,
			    struct err_ctx *err) ERR_NODISCARD;

/*
 * A frame that came: `payload` points into `bytes`. `fd` is the descriptor that came along, or -1;
 * whoever received it closes it.
 */
struct carrier_frame {
	enum channel_frame_kind kind;
	const void *payload;
	size_t size;
	int fd;
	uint8_t bytes[CHANNEL_FRAME_MAX];
};

/*
 * Wait for one frame. ERR_GONE when the other end has hung up, ERR_LIMIT when the deadline has passed,
 * ERR_CORRUPT for what isn't a frame, ERR_IO. Descriptors are closed then.
 */
enum err carrier_frame_receive(int socket, uint64_t deadline, struct carrier_frame *ret,
			       struct err_ctx *err) ERR_NODISCARD;

/*
 * A socket as what carries a session's frames. `passed` is the descriptor that came along with the
 * frame received last, or -1; whoever takes it sets it to -1.
 */
struct carrier_socket {
	struct sealed_transport transport;
	int fd;		     /* owned */
	uint64_t timeout_ns; /* for each frame */
	int passed;
	struct carrier_frame frame;
};

/* `fd` becomes the socket's own. The bytes of the frame are left as they are. */
void carrier_socket_init(struct carrier_socket *s, int fd, uint64_t timeout_ns);
/* Hangs up. */
void carrier_socket_deinit(struct carrier_socket *s);

#endif
