/* SPDX-License-Identifier: MIT */
/*
 * The host between a client and a device: it passes on frames and the records of the ring, which it
 * splits into two so that it sees and alters everything, and does what a test tells it to.
 */
#ifndef SCW_CARRIER_TESTS_PROXY_H
#define SCW_CARRIER_TESTS_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "carrier/region.h"
#include "channel/frame.h"

enum proxy_way { TO_DEVICE, TO_CLIENT };

/* A frame or a record on its way; a deed alters it. */
struct proxy_item {
	enum proxy_way way;
	bool in_ring;	     /* a record of the ring, else a frame */
	unsigned int number; /* of those of its way and kind */
	enum channel_frame_kind kind;
	uint8_t *bytes; /* room for PROXY_ROOM */
	size_t size;
	int fd;		       /* that comes along; -1: none */
	unsigned int times;    /* how often to pass it on: 1 */
	unsigned int delay_ms; /* before */
	bool hold;	       /* pass it on after the next one */
	bool stop;	       /* pass on nothing any more that goes this way in the ring */
};

enum {
	PROXY_ROOM = 1 << 19,
	PROXY_KEPT = 64, /* first items of each way and kind whose bytes are kept */
};

struct proxy_kept {
	uint8_t *bytes;
	size_t size;
};

struct proxy;
struct proxy_deed {
	void (*item)(struct proxy *p, struct proxy_item *i, void *ctx);
	void *ctx;
};


struct proxy {
	struct proxy_deed deed;
	struct carrier_region client_region, device_region; /* mapped once there is a ring */
	/* what crossed: [way][in_ring] */
	struct proxy_kept kept[2][2][PROXY_KEPT];
	/* every byte that crossed, if `capture` was asked for */
	bool capture;
	uint8_t *captured;
	size_t captured_size, captured_room;
	struct proxy_private *private;
};

/*
 * Stand before the device that is at the other end of `device`, which becomes the proxy's. Returns
 * the socket for the client.
 */
int proxy_start(struct proxy *p, int device);

/* The same, with a client that is at the other end of `client`, which becomes the proxy's. */
void proxy_start_for(struct proxy *p, int device, int client);

/* Wait until both ends have hung up, or make them, and forget the ring. What was kept stays. */
void proxy_stop(struct proxy *p);

/* Free what was kept. */
void proxy_deinit(struct proxy *p);

#endif
