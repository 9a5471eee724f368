// SPDX-License-Identifier: MIT
/*
 * The hostile host. Each case is a session between a client and a device process with one thing
 * done by the host in between; named by what it does. In every case: what the client is given is
 * what the guest holds (device_client_read() aborts otherwise), both sides end by themselves and in
 * time, without a signal, and the client has leaked nothing.
 *
 * usage: test_hostile [--pread] [PATTERN]
 * --pread: cases with frames, by way of the pread carrier: the host is between file server and device
 * PATTERN: only the cases whose name contains it; VERBOSE=1 tells what the client was told
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "carrier/pread.h"
#include "carrier/wait.h"
#include "channel/message.h"
#include "device.h"
#include "mount.h"
#include "proxy.h"

enum what {
	HONEST,
	FLIP,	   /* the lowest bit of byte `at` */
	FLIP_END,  /* of the byte `at` before the end */
	TRUNCATE,  /* by `at` bytes */
	SHORTEN,   /* a record by `at` bytes, and its size to match */
	EXTEND,	   /* by `at` bytes of zeros */
	LENGTHEN,  /* a record by `at` bytes, and its size to match */
	EMPTY,	   /* nothing is left of it */
	DROP,
	REPEAT,	   /* once more */
	HOLD,	   /* until after the next one */
	OLD,	   /* what went this way as number `at`, instead */
	REFLECT,   /* what went the other way as number `at`, instead */
	OTHER,	   /* what went this way with the same number in another session, instead */
	NOISE,	   /* as many random bytes */
	DELAY,	   /* by `at` ms; where that is to be too late, beyond the client's patience */
	FAIL,	   /* a FAILED frame instead */
	ALONG,	   /* the request that went along with the question for the ring, instead */
	KIND,	   /* a frame of kind `at` instead, with the same bytes */
	OTHER_VM,  /* another name in OPEN */
	LIE,	   /* word `at` of the region of one side becomes `value` */
	LIE_BY,	   /* the word grows by `value` */
	SCRIBBLE,  /* all over both regions, all the time */
	/* the device's RING */
	RING_NO_MEMORY, RING_UNSEALED, RING_SMALLER_MEMORY, RING_LARGER_MEMORY, RING_SMALLER_SIZES,
	RING_LARGER_SIZES, RING_SENSELESS_SIZES, RING_A_PIPE, RING_A_FILE,
};

enum expected {
	FINE,	  /* as if nothing had been done */
	REFUSED,  /* an error, whichever */
	TAMPERED, /* ERR_TAMPERED, no other */
	ANY,	  /* fine or an error: what is done may be too late, or hurt only the host */
};

enum where { FRAME, RING };
enum side { CLIENT, DEVICE };

struct row {
	const char *name;
	enum carrier_kind kind;
	enum where where;
	enum proxy_way way;
	unsigned int number; /* the frame or record it is done to, and all later ones if `on` */
	enum what what;
	uint64_t at, value;
	enum side side; /* whose region is lied in */
	bool on;
	bool handed_over; /* a session that one process opens and another goes on with */
	bool swallow; /* what it is done to doesn't pass */
	enum expected expected;
};

enum {
	ROUNDS = 60,	   /* enough for the requests to go twice around the smallest ring */
	FEW_ROUNDS = 6,	   /* where each waits for a wake-up that doesn't come */
	JOBS = 8,
	RING_FRAME = 3, /* of a session with a ring, each way */
	FIRST = 100, FIRST_PAGES = 140, /* the first answer is of several records, and of several frames */
	IN_RING = CHANNEL_RING_SIZES_SIZE, /* where a RING frame has its request */
	FIRST_RECORD = CHANNEL_REQUEST_HEADER_SIZE + CHANNEL_ITEM_SIZE + CHANNEL_OVERHEAD,
	PAGES = 3, /* of each round, so that an answer is larger than the smallest ring */
	SHORT_MS = 600,
	LONG_MS = 20000,
	READER_TRIES = 50000, /* of 0.1 ms and more */
	SECOND_MS = 1000, /* in which a file server's patience is counted */
	SKIPPED = 77,
};

/* offsets of the shared words, in words */
#define WORD(way, field)                                                                           \
	((offsetof(struct channel_ring_head, way) + offsetof(struct channel_ring_words, field)) / 8)
#define RESERVED (offsetof(struct channel_ring_head, reserved) / 8)

#define SMALL CHANNEL_RING_SIZE_MIN

/* ring rows: R(name, way, number, what, at, expected) */
#define R(n, w, no, wh, a, e)                                                                      \
	{.name = "ring: " n, .kind = CARRIER_RING, .where = RING, .way = w, .number = no,          \
	 .what = wh, .at = a, .expected = e}
#define F(n, w, no, wh, a, e)                                                                      \
	{.name = "frames: " n, .kind = CARRIER_FRAMES, .where = FRAME, .way = w, .number = no,     \
	 .what = wh, .at = a, .expected = e}
#define H(n, w, no, wh, a, e)                                                                      \
	{.name = "handshake: " n, .kind = CARRIER_RING, .where = FRAME, .way = w, .number = no,    \
	 .what = wh, .at = a, .expected = e}
#define HO(n, wr, w, no, wh, a, e)                                                                 \
	{.name = "handed over: " n, .kind = CARRIER_RING, .where = wr, .way = w, .number = no,     \
	 .what = wh, .at = a, .handed_over = true, .expected = e}
/* a lie before record `no` of way `w`, which then doesn't pass */
#define L(n, sd, w, no, word, wh, v, e)                                                            \
	{.name = "shared memory: " n, .kind = CARRIER_RING, .where = RING, .way = w, .number = no, \
	 .what = wh, .at = word, .value = v, .side = sd, .swallow = true, .expected = e}
/* a lie before each record from `no` on, which passes */
#define P(n, sd, w, no, word, wh, v, e)                                                            \
	{.name = "shared memory: " n, .kind = CARRIER_RING, .where = RING, .way = w, .number = no, \
	 .what = wh, .at = word, .value = v, .side = sd, .on = true, .expected = e}

static const struct row rows[] = {
	{.name = "an honest host: ring", .kind = CARRIER_RING, .expected = FINE},
	{.name = "an honest host: frames", .kind = CARRIER_FRAMES, .expected = FINE},

	/* flips: sizes make it a matter of waiting, the rest is told at once */
	R("the size of an answer is flipped", TO_CLIENT, 2, FLIP, 0, REFUSED),
	R("the size of an answer is flipped upwards", TO_CLIENT, 2, FLIP, 3, TAMPERED),
	R("the type of an answer is flipped", TO_CLIENT, 2, FLIP, 4, TAMPERED),
	R("the direction of an answer is flipped", TO_CLIENT, 2, FLIP, 6, TAMPERED),
	R("the session of an answer is flipped", TO_CLIENT, 2, FLIP, 8, TAMPERED),
	R("the sequence number of an answer is flipped", TO_CLIENT, 2, FLIP, 16, TAMPERED),
	R("the first byte of an answer is flipped", TO_CLIENT, 2, FLIP, 24, TAMPERED),
	R("a byte of a page is flipped", TO_CLIENT, 2, FLIP, 5000, TAMPERED),
	R("the last byte of an answer's text is flipped", TO_CLIENT, 2, FLIP_END, 17, TAMPERED),
	R("the tag of an answer is flipped", TO_CLIENT, 2, FLIP_END, 1, TAMPERED),
	R("the type of a request is flipped", TO_DEVICE, 2, FLIP, 4, TAMPERED),
	R("the direction of a request is flipped", TO_DEVICE, 2, FLIP, 6, TAMPERED),
	R("the session of a request is flipped", TO_DEVICE, 2, FLIP, 8, TAMPERED),
	R("the sequence number of a request is flipped", TO_DEVICE, 2, FLIP, 16, TAMPERED),
	R("the address in a request is flipped", TO_DEVICE, 2, FLIP, 24 + 16 + 20, TAMPERED),
	R("the tag of a request is flipped", TO_DEVICE, 2, FLIP_END, 1, TAMPERED),
	F("a byte of an answer is flipped", TO_CLIENT, 3, FLIP, 5000, TAMPERED),
	F("the tag of an answer is flipped", TO_CLIENT, 3, FLIP_END, 1, TAMPERED),
	F("the size of an answer is flipped", TO_CLIENT, 3, FLIP, 0, TAMPERED),
	F("a byte of a request is flipped", TO_DEVICE, 5, FLIP, 40, TAMPERED),

	R("an answer loses its end", TO_CLIENT, 2, TRUNCATE, 8, REFUSED),
	R("an answer loses all but its header", TO_CLIENT, 2, TRUNCATE, 12000, REFUSED),
	R("an answer is shortened, and its size says so", TO_CLIENT, 2, SHORTEN, 8, TAMPERED),
	R("an answer is shortened by a page, and its size says so", TO_CLIENT, 2, SHORTEN, 4112, TAMPERED),
	R("an answer has more at its end", TO_CLIENT, 2, EXTEND, 8, REFUSED),
	R("an answer is lengthened, and its size says so", TO_CLIENT, 2, LENGTHEN, 8, TAMPERED),
	R("a request is shortened, and its size says so", TO_DEVICE, 2, SHORTEN, 16, TAMPERED),
	R("a request loses its end", TO_DEVICE, 2, TRUNCATE, 16, REFUSED),
	R("a request is lengthened beyond any", TO_DEVICE, 2, LENGTHEN, 1 << 15, REFUSED),
	F("an answer loses its end", TO_CLIENT, 3, TRUNCATE, 1, TAMPERED),
	F("an answer has more at its end", TO_CLIENT, 3, EXTEND, 1, TAMPERED),
	F("an answer is empty", TO_CLIENT, 3, EMPTY, 0, TAMPERED),
	F("a request loses its end", TO_DEVICE, 5, TRUNCATE, 1, TAMPERED),
	F("a request is empty", TO_DEVICE, 5, EMPTY, 0, TAMPERED),

	R("an answer is lost", TO_CLIENT, 2, DROP, 0, REFUSED),
	R("a request is lost", TO_DEVICE, 2, DROP, 0, REFUSED),
	F("an answer is lost", TO_CLIENT, 3, DROP, 0, REFUSED),
	F("a request is lost", TO_DEVICE, 5, DROP, 0, REFUSED),

	R("an answer comes twice", TO_CLIENT, 2, REPEAT, 0, TAMPERED),
	R("a request comes twice", TO_DEVICE, 2, REPEAT, 0, TAMPERED),
	F("an answer comes twice", TO_CLIENT, 3, REPEAT, 0, TAMPERED),
	F("a request comes twice", TO_DEVICE, 5, REPEAT, 0, TAMPERED),

	R("the records of an answer change places", TO_CLIENT, 1, HOLD, 0, TAMPERED),
	F("the parts of an answer change places", TO_CLIENT, 4, HOLD, 0, TAMPERED),

	R("the answer to another address comes instead", TO_CLIENT, 8, OLD, 7, TAMPERED),
	R("the first answer comes again instead of a later one", TO_CLIENT, 8, OLD, 0, TAMPERED),
	R("an old request comes again instead of a new one", TO_DEVICE, 8, OLD, 0, TAMPERED),
	F("the answer to another address comes instead", TO_CLIENT, 20, OLD, 19, TAMPERED),

	R("a client's request comes back as the answer", TO_CLIENT, 2, REFLECT, 0, TAMPERED),
	R("a device's answer comes back as a request", TO_DEVICE, 2, REFLECT, 0, REFUSED),
	R("an answer of another session comes instead", TO_CLIENT, 2, OTHER, 0, TAMPERED),
	R("a request of another session comes instead", TO_DEVICE, 2, OTHER, 0, TAMPERED),
	F("an answer of another session comes instead", TO_CLIENT, 3, OTHER, 0, TAMPERED),
	R("noise comes instead of an answer", TO_CLIENT, 2, NOISE, 0, REFUSED),
	R("noise comes instead of a request", TO_DEVICE, 2, NOISE, 0, REFUSED),
	F("noise comes instead of an answer", TO_CLIENT, 3, NOISE, 0, TAMPERED),

	R("an answer is late", TO_CLIENT, 2, DELAY, 300, FINE),
	R("a request is late", TO_DEVICE, 2, DELAY, 300, FINE),
	R("an answer is too late", TO_CLIENT, 2, DELAY, 300, REFUSED),
	F("an answer is late", TO_CLIENT, 3, DELAY, 300, FINE),
	F("an answer is too late", TO_CLIENT, 3, DELAY, 300, REFUSED),

	F("the host says that the device failed", TO_CLIENT, 3, FAIL, 0, REFUSED),
	F("a frame of another kind comes as an answer", TO_CLIENT, 3, KIND, CHANNEL_FRAME_OPENED,
	  TAMPERED),
	F("a request comes as a frame of another kind", TO_DEVICE, 5, KIND, CHANNEL_FRAME_HELLO,
	  REFUSED),

	/* frames of the handshake: OPEN HELLO RECORD RING, OPENED ANSWER RECORD RING */
	H("the VM asked for is another", TO_DEVICE, 0, OTHER_VM, 0, REFUSED),
	H("the version is flipped", TO_DEVICE, 0, FLIP, 0, REFUSED),
	H("OPEN is lost", TO_DEVICE, 0, DROP, 0, REFUSED),
	H("OPEN comes twice", TO_DEVICE, 0, REPEAT, 0, REFUSED),
	H("OPENED is lost", TO_CLIENT, 0, DROP, 0, REFUSED),
	H("OPENED comes twice", TO_CLIENT, 0, REPEAT, 0, TAMPERED),
	H("OPENED has more in it", TO_CLIENT, 0, EXTEND, 1, TAMPERED),
	H("the host says that there is no such VM", TO_CLIENT, 0, FAIL, 0, REFUSED),
	H("the hello's key is flipped", TO_DEVICE, 1, FLIP, 3, REFUSED),
	H("the hello's payload is flipped", TO_DEVICE, 1, FLIP, 34, REFUSED),
	H("the hello's tag is flipped", TO_DEVICE, 1, FLIP_END, 1, REFUSED),
	H("the hello loses its end", TO_DEVICE, 1, TRUNCATE, 1, REFUSED),
	H("the hello is empty", TO_DEVICE, 1, EMPTY, 0, REFUSED),
	H("the hello has more at its end", TO_DEVICE, 1, EXTEND, 1, REFUSED),
	H("the hello is lost", TO_DEVICE, 1, DROP, 0, REFUSED),
	H("the hello comes twice", TO_DEVICE, 1, REPEAT, 0, REFUSED),
	H("the hello of another session comes instead", TO_DEVICE, 1, OTHER, 0, REFUSED),
	H("noise comes instead of the hello", TO_DEVICE, 1, NOISE, 0, REFUSED),
	H("the answer's key is flipped", TO_CLIENT, 1, FLIP, 3, TAMPERED),
	H("the answer's payload is flipped", TO_CLIENT, 1, FLIP, 34, TAMPERED),
	H("the answer's tag is flipped", TO_CLIENT, 1, FLIP_END, 1, TAMPERED),
	H("the answer loses its end", TO_CLIENT, 1, TRUNCATE, 1, TAMPERED),
	H("the answer is empty", TO_CLIENT, 1, EMPTY, 0, REFUSED),
	H("the answer has more at its end", TO_CLIENT, 1, EXTEND, 1, TAMPERED),
	H("the answer is lost", TO_CLIENT, 1, DROP, 0, REFUSED),
	H("the answer comes twice", TO_CLIENT, 1, REPEAT, 0, TAMPERED),
	H("the answer of another session comes instead", TO_CLIENT, 1, OTHER, 0, TAMPERED),
	H("the hello comes back as the answer", TO_CLIENT, 1, REFLECT, 1, TAMPERED),
	H("the evidence is flipped", TO_DEVICE, 2, FLIP, 50, TAMPERED),
	H("the evidence is lost", TO_DEVICE, 2, DROP, 0, REFUSED),
	H("the evidence comes twice", TO_DEVICE, 2, REPEAT, 0, REFUSED),
	H("the evidence of another session comes instead", TO_DEVICE, 2, OTHER, 0, TAMPERED),
	H("the evidence comes back as acceptance", TO_CLIENT, 2, REFLECT, 2, TAMPERED),
	H("the acceptance is flipped", TO_CLIENT, 2, FLIP, 30, TAMPERED),
	H("the acceptance loses its end", TO_CLIENT, 2, TRUNCATE, 1, TAMPERED),
	H("the acceptance is lost", TO_CLIENT, 2, DROP, 0, REFUSED),
	H("the acceptance comes twice", TO_CLIENT, 2, REPEAT, 0, TAMPERED),
	H("the acceptance of another session comes instead", TO_CLIENT, 2, OTHER, 0, TAMPERED),

	H("a larger ring is asked for", TO_DEVICE, 3, FLIP, 2, ANY),
	H("a senseless ring is asked for", TO_DEVICE, 3, FLIP, 0, REFUSED),
	H("the ring isn't asked for", TO_DEVICE, 3, DROP, 0, REFUSED),
	H("the ring comes without memory", TO_CLIENT, 3, RING_NO_MEMORY, 0, TAMPERED),
	H("the ring's memory can be truncated", TO_CLIENT, 3, RING_UNSEALED, 0, TAMPERED),
	H("the ring's memory is too small", TO_CLIENT, 3, RING_SMALLER_MEMORY, 0, TAMPERED),
	H("the ring's memory is too large", TO_CLIENT, 3, RING_LARGER_MEMORY, 0, TAMPERED),
	H("the ring is said to be smaller", TO_CLIENT, 3, RING_SMALLER_SIZES, 0, REFUSED),
	H("the ring is said to be larger", TO_CLIENT, 3, RING_LARGER_SIZES, 0, TAMPERED),
	H("the ring's sizes are senseless", TO_CLIENT, 3, RING_SENSELESS_SIZES, 0, REFUSED),
	H("the ring's memory is a pipe", TO_CLIENT, 3, RING_A_PIPE, 0, TAMPERED),
	H("the ring's memory is a file", TO_CLIENT, 3, RING_A_FILE, 0, TAMPERED),
	H("the ring comes twice", TO_CLIENT, 3, REPEAT, 0, FINE), /* nobody listens any more */
	H("the host says that there is no ring", TO_CLIENT, 3, FAIL, 0, REFUSED),

	/* the same frames with a request in RING, whose answer is the first in the ring; nobody waits in between */
	{.name = "handed over: an honest host", .kind = CARRIER_RING, .handed_over = true, .expected = FINE},
	HO("the evidence is flipped", FRAME, TO_DEVICE, 2, FLIP, 50, TAMPERED),
	HO("the evidence is lost", FRAME, TO_DEVICE, 2, DROP, 0, REFUSED),
	HO("the evidence comes twice", FRAME, TO_DEVICE, 2, REPEAT, 0, REFUSED),
	HO("the evidence comes after the request", FRAME, TO_DEVICE, 2, HOLD, 0, REFUSED),
	HO("the evidence of another session comes instead", FRAME, TO_DEVICE, 2, OTHER, 0, TAMPERED),
	HO("the request's type is flipped", FRAME, TO_DEVICE, 3, FLIP, IN_RING + 4, TAMPERED),
	HO("the request's session is flipped", FRAME, TO_DEVICE, 3, FLIP, IN_RING + 8, TAMPERED),
	HO("the request's sequence number is flipped", FRAME, TO_DEVICE, 3, FLIP, IN_RING + 16, TAMPERED),
	HO("the address in the request is flipped", FRAME, TO_DEVICE, 3, FLIP, IN_RING + 24 + 16 + 20,
	   TAMPERED),
	HO("the request's tag is flipped", FRAME, TO_DEVICE, 3, FLIP_END, 1, TAMPERED),
	HO("the request loses its end", FRAME, TO_DEVICE, 3, TRUNCATE, 16, TAMPERED),
	HO("the request loses all but its header", FRAME, TO_DEVICE, 3, TRUNCATE, FIRST_RECORD - 24, TAMPERED),
	HO("the request is taken out", FRAME, TO_DEVICE, 3, TRUNCATE, FIRST_RECORD, REFUSED),
	HO("the request has more at its end", FRAME, TO_DEVICE, 3, EXTEND, 8, TAMPERED),
	HO("the request is larger than any", FRAME, TO_DEVICE, 3, EXTEND, 65000, REFUSED),
	HO("the request of another session comes instead", FRAME, TO_DEVICE, 3, OTHER, 0, TAMPERED),
	HO("the request is late", FRAME, TO_DEVICE, 3, DELAY, 300, FINE),
	HO("the request is too late", FRAME, TO_DEVICE, 3, DELAY, 300, REFUSED),
	HO("the request is lost", FRAME, TO_DEVICE, 3, DROP, 0, REFUSED),
	HO("the request comes twice", FRAME, TO_DEVICE, 3, REPEAT, 0, FINE), /* nobody listens any more */
	HO("the request comes again in the ring", RING, TO_DEVICE, 0, ALONG, 0, TAMPERED),
	HO("the next request is lost", RING, TO_DEVICE, 0, DROP, 0, REFUSED),
	HO("the next request comes twice", RING, TO_DEVICE, 0, REPEAT, 0, TAMPERED),
	HO("the acceptance is flipped", FRAME, TO_CLIENT, 2, FLIP, 30, TAMPERED),
	HO("the acceptance is late", FRAME, TO_CLIENT, 2, DELAY, 300, FINE),
	HO("the acceptance is too late", FRAME, TO_CLIENT, 2, DELAY, 300, REFUSED),
	HO("the acceptance is lost", FRAME, TO_CLIENT, 2, DROP, 0, TAMPERED),
	HO("the acceptance comes twice", FRAME, TO_CLIENT, 2, REPEAT, 0, TAMPERED),
	HO("the acceptance comes after the ring", FRAME, TO_CLIENT, 2, HOLD, 0, TAMPERED),
	HO("the acceptance of another session comes instead", FRAME, TO_CLIENT, 2, OTHER, 0, TAMPERED),
	HO("the evidence comes back as acceptance", FRAME, TO_CLIENT, 2, REFLECT, 2, TAMPERED),
	HO("the host says that nobody was let in", FRAME, TO_CLIENT, 2, FAIL, 0, REFUSED),
	HO("the ring is late", FRAME, TO_CLIENT, 3, DELAY, 300, FINE),
	HO("the ring is too late", FRAME, TO_CLIENT, 3, DELAY, 300, REFUSED),
	HO("the ring is lost", FRAME, TO_CLIENT, 3, DROP, 0, REFUSED),
	HO("the ring comes twice", FRAME, TO_CLIENT, 3, REPEAT, 0, FINE), /* nobody listens any more */
	HO("the question for the ring comes back as the ring", FRAME, TO_CLIENT, 3, REFLECT, 3, REFUSED),
	HO("the ring comes without memory", FRAME, TO_CLIENT, 3, RING_NO_MEMORY, 0, TAMPERED),
	HO("the ring's memory can be truncated", FRAME, TO_CLIENT, 3, RING_UNSEALED, 0, TAMPERED),
	HO("the ring's memory is too small", FRAME, TO_CLIENT, 3, RING_SMALLER_MEMORY, 0, TAMPERED),
	HO("the ring is said to be larger", FRAME, TO_CLIENT, 3, RING_LARGER_SIZES, 0, TAMPERED),
	HO("the host says that there is no ring", FRAME, TO_CLIENT, 3, FAIL, 0, REFUSED),
	HO("the first answer is flipped", RING, TO_CLIENT, 0, FLIP, 5000, TAMPERED),
	HO("the first answer is late", RING, TO_CLIENT, 0, DELAY, 300, FINE),
	HO("the first answer is too late", RING, TO_CLIENT, 0, DELAY, 300, REFUSED),
	HO("the first answer is lost", RING, TO_CLIENT, 0, DROP, 0, TAMPERED),
	HO("the first answer comes twice", RING, TO_CLIENT, 0, REPEAT, 0, TAMPERED),
	HO("the first answer's records change places", RING, TO_CLIENT, 0, HOLD, 0, TAMPERED),
	HO("the first answer of another session comes instead", RING, TO_CLIENT, 0, OTHER, 0, TAMPERED),
	HO("the request comes back as the first answer", RING, TO_CLIENT, 0, ALONG, 0, TAMPERED),

	/* what the client looks at */
	L("the client's answers end between words", CLIENT, TO_CLIENT, 3, WORD(to_client, head),
	  LIE_BY, 1, TAMPERED),
	L("the client's answers go back by a word", CLIENT, TO_CLIENT, 3, WORD(to_client, head),
	  LIE_BY, -8ull, TAMPERED),
	L("the client's answers begin anew", CLIENT, TO_CLIENT, 3, WORD(to_client, head), LIE, 0,
	  TAMPERED),
	L("the client's answers go beyond the ring", CLIENT, TO_CLIENT, 3, WORD(to_client, head),
	  LIE_BY, SMALL + 8, TAMPERED),
	L("the client's answers have no end", CLIENT, TO_CLIENT, 3, WORD(to_client, head), LIE,
	  -8ull, TAMPERED),
	L("the client's answers are half the numbers away", CLIENT, TO_CLIENT, 3,
	  WORD(to_client, head), LIE, 1ull << 63, TAMPERED),
	L("the client is told of bytes that were never written", CLIENT, TO_CLIENT, 3,
	  WORD(to_client, head), LIE_BY, 64, TAMPERED),
	L("the client is told of a ringful that was never written", CLIENT, TO_CLIENT, 3,
	  WORD(to_client, head), LIE_BY, SMALL, REFUSED),
	P("the client's requests are read between words", CLIENT, TO_DEVICE, 3,
	  WORD(to_device, tail), LIE_BY, 1, TAMPERED),
	P("the client's requests are read a little before they are written", CLIENT, TO_DEVICE, 3,
	  WORD(to_device, tail), LIE_BY, 8, ANY), /* no more than a hole in what the host reads */
	P("the client's requests are read long before they are written", CLIENT, TO_DEVICE, 3,
	  WORD(to_device, tail), LIE_BY, 1 << 20, TAMPERED),
	P("the client's requests are read before they are there", CLIENT, TO_DEVICE, 3,
	  WORD(to_device, tail), LIE, -8ull, TAMPERED),
	P("the client's requests are never read", CLIENT, TO_DEVICE, 3, WORD(to_device, tail), LIE,
	  0, REFUSED),
	P("the client's sleep is forgotten", CLIENT, TO_CLIENT, 3, WORD(to_client, data_bell), LIE, 0,
	  FINE),
	P("the client's bell has another value", CLIENT, TO_CLIENT, 3, WORD(to_client, data_bell),
	  LIE, -1ull, FINE),
	P("the client is made to wake nobody", CLIENT, TO_DEVICE, 3, WORD(to_device, data_bell), LIE,
	  -1ull, FINE),
	P("the client is told that nobody waits for room", CLIENT, TO_CLIENT, 3,
	  WORD(to_client, room_bell), LIE, 1, FINE),
	P("the client's wait for room is forgotten", CLIENT, TO_DEVICE, 3, WORD(to_device, room_bell),
	  LIE, 0, FINE),
	P("the client is told of an impossible CPU", CLIENT, TO_CLIENT, 3,
	  WORD(to_client, producer_cpu), LIE, -1ull, FINE),
	P("the client is told of an impossible CPU of its reader", CLIENT, TO_DEVICE, 3,
	  WORD(to_device, consumer_cpu), LIE, -1ull, FINE),
	P("the client's own head is altered", CLIENT, TO_DEVICE, 3, WORD(to_device, head), LIE,
	  12345, ANY),
	P("the client's own tail is altered", CLIENT, TO_CLIENT, 3, WORD(to_client, tail), LIE, 12345,
	  ANY),
	P("the client's own CPU is altered", CLIENT, TO_CLIENT, 3, WORD(to_client, consumer_cpu), LIE,
	  77, FINE),
	P("the client's own CPU as a writer is altered", CLIENT, TO_DEVICE, 3,
	  WORD(to_device, producer_cpu), LIE, 77, FINE),
	P("the reserved words are altered for the client", CLIENT, TO_CLIENT, 3, RESERVED, LIE, -1ull,
	  FINE),

	/* what the device looks at */
	L("the device's requests end between words", DEVICE, TO_DEVICE, 3, WORD(to_device, head),
	  LIE_BY, 1, REFUSED),
	L("the device's requests go back by a word", DEVICE, TO_DEVICE, 3, WORD(to_device, head),
	  LIE_BY, -8ull, REFUSED),
	L("the device's requests begin anew", DEVICE, TO_DEVICE, 3, WORD(to_device, head), LIE, 0,
	  REFUSED),
	L("the device's requests go beyond the ring", DEVICE, TO_DEVICE, 3, WORD(to_device, head),
	  LIE_BY, SMALL + 8, REFUSED),
	L("the device's requests have no end", DEVICE, TO_DEVICE, 3, WORD(to_device, head), LIE,
	  -8ull, REFUSED),
	L("the device is told of bytes that were never written", DEVICE, TO_DEVICE, 3,
	  WORD(to_device, head), LIE_BY, 64, REFUSED),
	L("the device is told of a ringful that was never written", DEVICE, TO_DEVICE, 3,
	  WORD(to_device, head), LIE_BY, SMALL, REFUSED),
	P("the device's answers are read between words", DEVICE, TO_CLIENT, 3, WORD(to_client, tail),
	  LIE_BY, 1, REFUSED),
	P("the device's answers are read a little before they are written", DEVICE, TO_CLIENT, 3,
	  WORD(to_client, tail), LIE_BY, 8, ANY),
	P("the device's answers are read long before they are written", DEVICE, TO_CLIENT, 3,
	  WORD(to_client, tail), LIE_BY, 1 << 20, REFUSED),
	P("the device's answers are read before they are there", DEVICE, TO_CLIENT, 3,
	  WORD(to_client, tail), LIE, -8ull, REFUSED),
	P("the device's answers were never read", DEVICE, TO_CLIENT, 3, WORD(to_client, tail), LIE,
	  0, REFUSED),
	P("the device's sleep is forgotten", DEVICE, TO_DEVICE, 3, WORD(to_device, data_bell), LIE, 0,
	  FINE),
	P("the device's bell has another value", DEVICE, TO_DEVICE, 3, WORD(to_device, data_bell),
	  LIE, -1ull, FINE),
	P("the device is made to wake nobody", DEVICE, TO_CLIENT, 3, WORD(to_client, data_bell), LIE,
	  -1ull, FINE),
	P("the device is told that nobody waits for room", DEVICE, TO_DEVICE, 3,
	  WORD(to_device, room_bell), LIE, 1, FINE),
	P("the device's wait for room is forgotten", DEVICE, TO_CLIENT, 3, WORD(to_client, room_bell),
	  LIE, 0, FINE),
	P("the device is told of an impossible CPU", DEVICE, TO_DEVICE, 3,
	  WORD(to_device, producer_cpu), LIE, -1ull, FINE),
	P("the device is told of an impossible CPU of its reader", DEVICE, TO_CLIENT, 3,
	  WORD(to_client, consumer_cpu), LIE, -1ull, FINE),
	P("the device's own CPU is altered", DEVICE, TO_DEVICE, 3, WORD(to_device, consumer_cpu), LIE,
	  77, FINE),
	P("the device's own CPU as a writer is altered", DEVICE, TO_CLIENT, 3,
	  WORD(to_client, producer_cpu), LIE, 77, FINE),
	P("the device's own head is altered", DEVICE, TO_CLIENT, 3, WORD(to_client, head), LIE, 12345,
	  ANY),
	P("the device's own tail is altered", DEVICE, TO_DEVICE, 3, WORD(to_device, tail), LIE, 12345,
	  ANY),
	P("the reserved words are altered for the device", DEVICE, TO_DEVICE, 3, RESERVED, LIE, -1ull,
	  FINE),

	{.name = "shared memory: scribbled over, 1", .kind = CARRIER_RING, .what = SCRIBBLE, .at = 1,
	 .expected = ANY},
	{.name = "shared memory: scribbled over, 2", .kind = CARRIER_RING, .what = SCRIBBLE, .at = 2,
	 .expected = ANY},
	{.name = "shared memory: scribbled over, 3", .kind = CARRIER_RING, .what = SCRIBBLE, .at = 3,
	 .expected = ANY},
	{.name = "shared memory: scribbled over, 4", .kind = CARRIER_RING, .what = SCRIBBLE, .at = 4,
	 .expected = ANY},
	{.name = "shared memory: scribbled over, 5", .kind = CARRIER_RING, .what = SCRIBBLE, .at = 5,
	 .expected = ANY},
};

static bool by_files;

struct host {
	const struct row *row;
	const struct proxy *other; /* another session, recorded */
	int done;		   /* how often the deed was done */
	unsigned int patience_ms;  /* the client's */
};

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void replace(struct proxy_item *i, const struct proxy_kept *k)
{
	if (!k->bytes)
		abort(); /* the table names something that hasn't crossed yet */
	memcpy(i->bytes, k->bytes, k->size);
	i->size = k->size;
}

/* The size that a record says grows by `by`. */
static void grow_said_size(struct proxy_item *i, int64_t by)
{
	uint32_t size;

	memcpy(&size, i->bytes, sizeof(size));
	size += (uint32_t)by;
	memcpy(i->bytes, &size, sizeof(size));
}

static int memory_of(off_t size, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, size) || fcntl(fd, F_ADD_SEALS, seals))
		abort();
	return fd;
}

static void alter_ring(struct proxy_item *i, enum what what)
{
	const off_t size = (off_t)(sizeof(struct channel_ring_head) + 2 * SMALL);
	const int sealed = F_SEAL_SHRINK | F_SEAL_GROW;
	uint32_t sizes[2] = {SMALL, SMALL};
	int ends[2], fd = i->fd;

	switch (what) {
	case RING_NO_MEMORY:
		fd = -1;
		break;
	case RING_UNSEALED:
		fd = memory_of(size, 0);
		break;
	case RING_SMALLER_MEMORY:
		fd = memory_of(size - 4096, sealed);
		break;
	case RING_LARGER_MEMORY:
		fd = memory_of(size + 4096, sealed);
		break;
	case RING_SMALLER_SIZES:
		sizes[0] /= 2;
		break;
	case RING_LARGER_SIZES:
		sizes[1] *= 2;
		break;
	case RING_SENSELESS_SIZES:
		sizes[0] = 12345;
		sizes[1] = UINT32_MAX;
		break;
	case RING_A_PIPE:
		if (pipe(ends))
			abort();
		close(ends[1]);
		fd = ends[0];
		break;
	default:
		fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	}
	memcpy(i->bytes, sizes, sizeof(sizes));
	if (fd != i->fd)
		close(i->fd);
	i->fd = fd;
}

/*
 * Until who reads `way` in this region has all that it was given: an index goes back only for who has seen it, and for
 * others there is merely less to read.
 */
static void await_reader(const struct carrier_region *r, enum proxy_way way)
{
	const uint64_t *words = r->at;
	const uint64_t *head = words + (way == TO_CLIENT ? WORD(to_client, head) : WORD(to_device, head));
	const uint64_t *tail = words + (way == TO_CLIENT ? WORD(to_client, tail) : WORD(to_device, tail));
	struct timespec moment = {.tv_nsec = 100000};

	for (int i = 0; i < READER_TRIES; i++) {
		if (__atomic_load_n(tail, __ATOMIC_SEQ_CST) == __atomic_load_n(head, __ATOMIC_SEQ_CST))
			return;
		nanosleep(&moment, NULL);
	}
}

static void lie(struct proxy *p, const struct row *row)
{
	struct carrier_region *r = row->side == CLIENT ? &p->client_region : &p->device_region;
	uint64_t *word = (uint64_t *)r->at + row->at;
	uint64_t was;

	if (row->swallow)
		await_reader(r, row->way);
	was = row->what == LIE_BY ? __atomic_load_n(word, __ATOMIC_SEQ_CST) : 0;
	__atomic_store_n(word, was + row->value, __ATOMIC_SEQ_CST);
}

/* Deeds are done in threads of the proxy, where cmocka's assertions mustn't fail. */
static void need(bool condition, const struct row *row, size_t size)
{
	if (condition)
		return;
	fprintf(stderr, "%s: can't be done to %zu bytes\n", row->name, size);
	abort();
}

static void do_deed(struct proxy *p, struct proxy_item *i, void *ctx)
{
	struct host *h = ctx;
	const struct row *row = h->row;
	uint32_t random = 1;

	if (i->in_ring != (row->where == RING) || i->way != row->way ||
	    (row->on ? i->number < row->number : i->number != row->number))
		return;
	h->done++;
	switch (row->what) {
	case FLIP:
		need(row->at < i->size, row, i->size);
		i->bytes[row->at] ^= 1;
		break;
	case FLIP_END:
		i->bytes[i->size - row->at] ^= 1;
		break;
	case SHORTEN:
		grow_said_size(i, -(int64_t)row->at);
		i->size -= row->at;
		break;
	case TRUNCATE:
		need(row->at < i->size, row, i->size);
		i->size -= row->at;
		break;
	case LENGTHEN:
		grow_said_size(i, (int64_t)row->at);
		memset(i->bytes + i->size, 0, row->at);
		i->size += row->at;
		break;
	case EXTEND:
		memset(i->bytes + i->size, 0, row->at);
		i->size += row->at;
		break;
	case EMPTY:
		i->size = 0;
		break;
	case DROP:
		i->times = 0;
		break;
	case REPEAT:
		i->times = 2;
		break;
	case HOLD:
		i->hold = true;
		break;
	case OLD:
		replace(i, &p->kept[i->way][i->in_ring][row->at]);
		break;
	case REFLECT:
		replace(i, &p->kept[!i->way][i->in_ring][row->at]);
		break;
	case OTHER:
		replace(i, &h->other->kept[i->way][i->in_ring][i->number]);
		break;
	case NOISE:
		for (size_t n = 0; n < i->size; n++)
			i->bytes[n] = (uint8_t)next_random(&random);
		break;
	case DELAY:
		i->delay_ms = (unsigned int)row->at;
		/* a file server looks at its clock now and then */
		if (row->expected == REFUSED)
			i->delay_ms += h->patience_ms + (by_files ? 3 * SECOND_MS : 0);
		break;
	case FAIL:
		i->kind = CHANNEL_FRAME_FAILED;
		i->size = channel_refusal_encode(
			&(struct channel_refusal){ERR_ABSENT, "no such VM\033[31m"}, i->bytes);
		break;
	case ALONG:
		need(p->kept[TO_DEVICE][0][RING_FRAME].size > IN_RING, row, i->size);
		replace(i, &p->kept[TO_DEVICE][0][RING_FRAME]);
		i->size -= IN_RING;
		memmove(i->bytes, i->bytes + IN_RING, i->size);
		break;
	case KIND:
		i->kind = (enum channel_frame_kind)row->at;
		break;
	case OTHER_VM:
		i->bytes[i->size - 1] ^= 3;
		break;
	case LIE:
	case LIE_BY:
		lie(p, row);
		break;
	case HONEST:
	case SCRIBBLE:
		break;
	default:
		alter_ring(i, row->what);
	}
	i->stop = row->swallow;
}

struct scribbler {
	struct carrier_region regions[2];
	uint64_t seed;
	int stop;
	pthread_t thread;
};

static void *scribble_on(void *arg)
{
	struct scribbler *s = arg;
	uint32_t random = (uint32_t)s->seed;
	struct timespec moment = {.tv_nsec = 300000};

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		struct carrier_region *r = &s->regions[next_random(&random) % 2];
		uint64_t *word = r->at, value = next_random(&random) % 3 ? next_random(&random) : -1ull;

		if (next_random(&random) % 4 == 0) /* the words that matter */
			word += next_random(&random) % 8 * (CHANNEL_RING_LINE / 8);
		else
			word += next_random(&random) % (r->size / 8);
		if (next_random(&random) % 2)
			value += __atomic_load_n(word, __ATOMIC_RELAXED);
		__atomic_store_n(word, value, __ATOMIC_RELAXED);
		if (next_random(&random) % 8 == 0)
			nanosleep(&moment, NULL);
	}
	return NULL;
}

struct outcome {
	enum err err;
	struct err_ctx detail;
	unsigned int rounds; /* that went well */
	struct device_end device;
};

static unsigned int rounds_of(const struct row *row)
{
	return row->what == LIE && row->expected == FINE ? FEW_ROUNDS : ROUNDS;
}

static struct carrier_options options_of(const struct row *row, unsigned int patience_ms)
{
	struct carrier_options o = device_client_options(row->kind);

	o.ring = (struct channel_ring_sizes){SMALL, SMALL};
	o.timeout_ns = patience_ms * 1000000ull;
	return o;
}

/* A client, and how it reaches its host. */
struct client {
	struct base_alloc alloc;
	struct proxy *proxy;
	struct device device;
	struct carrier *socket;
	/* by way of files */
	struct carrier_pread *files;
	struct mount mount;
	int listener;
	pthread_t host;
};

/* The file server connects once the client has begun. */
static void *await_server(void *arg)
{
	struct client *c = arg;
	int server = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);

	if (server < 0)
		abort();
	proxy_start_for(c->proxy, c->device.socket, server);
	return NULL;
}

/* Everything between client and device; processes first, then threads. */
static void client_start(struct client *c, unsigned int patience_ms)
{
	const struct front_options o = {.answer_s = (patience_ms + SECOND_MS - 1) / SECOND_MS};
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (by_files) {
		mount_prepare(&c->mount);
		mount_start(&c->mount, &o);
		strcpy(at.sun_path, c->mount.socket);
		c->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		if (bind(c->listener, (struct sockaddr *)&at, sizeof(at)) || listen(c->listener, 1))
			abort();
	}
	c->device = device_start(false);
	if (by_files && pthread_create(&c->host, NULL, await_server, c))
		abort();
	base_alloc_init(&c->alloc, 64 << 20);
}

/* As attach/start.h has it: one process opens, another one goes on. */
static enum err client_take_over(struct client *c, const struct carrier_options *o,
				 struct guest_pages **pages_ret, struct err_ctx *err)
{
	const struct sealed_options options = {.cache_pages = DEVICE_PAGES,
					       .freshness_ns = LONG_MS * 1000000ull,
					       .readahead = 1,
					       .generation = DEVICE_GENERATION};
	static struct channel_request request = {
		.number = 1,
		.count = 1,
		.items = {{.kind = CHANNEL_READ,
			   .address = DEVICE_VA + FIRST * 4096ull,
			   .size = FIRST_PAGES * 4096}},
	};
	static uint8_t wire[CHANNEL_REQUEST_MAX];
	struct carrier_state state;
	struct carrier *starter;
	size_t size;
	int socket;
	enum err e = carrier_begin(&c->alloc, proxy_start(c->proxy, c->device.socket), o, &starter, err);

	if (e)
		return e;
	assert_int_equal(channel_request_encode(&request, wire, sizeof(wire), &size, NULL), ERR_OK);
	e = carrier_prove(starter, wire, size, err);
	if (!e) {
		carrier_leave(starter, &state, &socket);
		state.timeout_ns = o->timeout_ns;
		socket = dup(socket);
	}
	carrier_close(starter);
	if (!e)
		e = carrier_resume(&c->alloc, &state, socket, &c->socket, err);
	if (e)
		return e;
	assert_int_equal(sealed_pages_create(&c->alloc, carrier_sealed(c->socket), &options, pages_ret,
					     NULL),
			 ERR_OK);
	sealed_pages_adopt(*pages_ret, request.number, carrier_now());
	return ERR_OK;
}

static enum err client_open(struct client *c, const struct carrier_options *o, bool handed_over,
			    struct guest_pages **pages_ret, struct err_ctx *err)
{
	const struct carrier_pread_options files = {.session = o->session,
						    .way = CARRIER_PREAD_REQUESTS};
	enum err e;

	if (handed_over)
		return client_take_over(c, o, pages_ret, err);
	if (!by_files) {
		e = carrier_open_socket(&c->alloc, proxy_start(c->proxy, c->device.socket), o,
					&c->socket, err);
		if (!e)
			*pages_ret = device_client_pages(&c->alloc, c->socket);
		return e;
	}
	e = carrier_pread_open(&c->alloc, c->mount.directory, &files, &c->files, err);
	if (!e)
		*pages_ret = device_client_pages_over(&c->alloc, carrier_pread_sealed(c->files),
						      carrier_pread_accept(c->files)->generation);
	return e;
}

static void client_close(struct client *c, struct guest_pages *pages)
{
	guest_pages_destroy(pages);
	carrier_close(c->socket);
	carrier_pread_close(c->files);
	assert_int_equal(c->alloc.used, 0);
	if (by_files)
		pthread_join(c->host, NULL);
}

static void client_end(struct client *c)
{
	proxy_stop(c->proxy);
	if (!by_files)
		return;
	assert_int_equal(mount_end(&c->mount), 0);
	assert_false(mount_is_there(&c->mount));
	close(c->listener);
	mount_remove(&c->mount);
}

/* A session of a client that reads for ROUNDS rounds, through `p`. */
static struct outcome run_session(struct proxy *p, const struct row *row, unsigned int patience_ms)
{
	struct carrier_options o = options_of(row, patience_ms);
	struct scribbler scribbler = {.seed = row->at};
	struct client client = {.proxy = p};
	struct guest_pages *pages = NULL;
	struct outcome out = {0};

	client_start(&client, patience_ms);
	out.err = client_open(&client, &o, row->handed_over, &pages, &out.detail);
	if (!out.err) {
		if (row->what == SCRIBBLE) {
			scribbler.regions[0] = p->client_region;
			scribbler.regions[1] = p->device_region;
			assert_int_equal(pthread_create(&scribbler.thread, NULL, scribble_on,
							&scribbler),
					 0);
		}
		out.err = device_client_read(pages, FIRST, FIRST_PAGES, &out.detail);
		while (!out.err && out.rounds < rounds_of(row)) {
			out.rounds++;
			out.err = device_client_read(pages, PAGES * out.rounds, PAGES, &out.detail);
		}
		if (row->what == SCRIBBLE) {
			__atomic_store_n(&scribbler.stop, 1, __ATOMIC_RELAXED);
			pthread_join(scribbler.thread, NULL);
		}
	}
	client_close(&client, pages);
	out.device = device_wait(&client.device);
	client_end(&client);
	return out;
}

/* The recording of an honest session with another client of the same device. */
static struct proxy recorded;

static void record_other_session(const struct row *row)
{
	struct row honest = {.kind = row->kind, .handed_over = row->handed_over, .expected = FINE};
	struct outcome out;

	proxy_deinit(&recorded);
	out = run_session(&recorded, &honest, LONG_MS);
	assert_int_equal(out.err, ERR_OK);
}

static void run_row(void **state)
{
	const struct row *row = *state;
	struct host host = {.row = row, .other = &recorded};
	struct outcome out;

	if (row->what == OTHER)
		record_other_session(row);
	/* where nothing comes any more the client shall not wait for long */
	host.patience_ms = row->expected == FINE || row->expected == TAMPERED ? LONG_MS : SHORT_MS;
	for (;;) {
		struct proxy p = {.deed = {do_deed, &host}};

		out = run_session(&p, row, host.patience_ms);
		proxy_deinit(&p);
		/* but on a busy machine it may have given up before there was anything to do */
		if (host.done || !out.err || host.patience_ms >= LONG_MS)
			break;
		host.patience_ms *= 3;
	}

	assert_true(out.device.ended);
	assert_int_equal(out.device.signal, 0);
	if (row->what != HONEST && row->what != SCRIBBLE)
		assert_true(host.done > 0);
	switch (row->expected) {
	case FINE:
		if (out.err)
			print_error("the client says: %s\n", out.detail.text);
		assert_int_equal(out.err, ERR_OK);
		assert_int_equal(out.rounds, rounds_of(row));
		assert_int_equal(out.device.err, ERR_GONE);
		break;
	case TAMPERED:
		/* what a file server notices already is its word */
		if (by_files) {
			assert_int_not_equal(out.err, ERR_OK);
			break;
		}
		if (out.err != ERR_TAMPERED)
			print_error("the client says: %s\n", out.detail.text);
		assert_int_equal(out.err, ERR_TAMPERED);
		break;
	case REFUSED:
		assert_int_not_equal(out.err, ERR_OK);
		break;
	case ANY:
		break;
	}
	if (out.err) {
		assert_int_equal(out.detail.code, out.err);
		for (const char *c = out.detail.text; *c; c++)
			assert_in_range(*c, ' ', '~');
		if (getenv("VERBOSE"))
			print_message("   %s: %s (after %u rounds; device: %s)\n", err_name(out.err),
				      out.detail.text, out.rounds, err_name(out.device.err));
	}
}

/* Of what both ends share, at both ends: no word may be left out above. */
static void every_word_is_lied_in(void **state)
{
	static const size_t words[] = {
#define WORDS(way)                                                                                 \
	WORD(way, head), WORD(way, producer_cpu), WORD(way, tail), WORD(way, consumer_cpu),        \
		WORD(way, data_bell), WORD(way, room_bell)
		WORDS(to_device),
		WORDS(to_client),
#undef WORDS
		RESERVED,
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(words) / sizeof(words[0]); i++) {
		size_t word = words[i / 2];
		bool found = false;

		for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++)
			found |= (rows[n].what == LIE || rows[n].what == LIE_BY) &&
				 rows[n].side == (enum side)(i % 2) && rows[n].at == word;
		if (!found)
			fail_msg("word %zu of the %s", word, i % 2 ? "device" : "client");
	}
}

/* A file server asks for no ring. */
static bool is_in_group(const struct row *row, const char *pattern)
{
	bool ring = row->where == RING || row->what == SCRIBBLE || row->handed_over ||
		    (row->kind == CARRIER_RING && (row->what == HONEST || row->number >= RING_FRAME));

	return strstr(row->name, pattern) && !(by_files && ring);
}

/* Most of a case is waiting: several run at the same time, each process has every JOBS-th of them. */
static int run_share(const char *pattern, size_t share)
{
	static struct CMUnitTest tests[sizeof(rows) / sizeof(rows[0]) + 1];
	size_t count = 0, seen = 0;
	int failed;

	if (share == 0 && !by_files)
		tests[count++] = (struct CMUnitTest)cmocka_unit_test(every_word_is_lied_in);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!is_in_group(&rows[i], pattern) || seen++ % JOBS != share)
			continue;
		tests[count++] = (struct CMUnitTest){.name = rows[i].name,
						     .test_func = run_row,
						     .initial_state = (void *)(uintptr_t)&rows[i]};
	}
	failed = _cmocka_run_group_tests(by_files ? "hostile host, pread" : "hostile host", tests, count, NULL, NULL);
	proxy_deinit(&recorded);
	return failed;
}

int main(int argc, char **argv)
{
	const char *pattern = argc > 1 ? argv[argc - 1] : "";
	FILE *said[JOBS];
	int failed = 0;

	by_files = argc > 1 && strcmp(argv[1], "--pread") == 0;
	if (by_files && !mount_possible()) {
		puts(MOUNT_SKIPPED);
		return SKIPPED;
	}
	if (by_files && argc == 2)
		pattern = "";
	device_prepare();
	for (size_t i = 0; i < JOBS; i++) {
		said[i] = tmpfile();
		fflush(NULL);
		if (!said[i])
			return 1;
		if (fork() == 0) {
			dup2(fileno(said[i]), STDOUT_FILENO);
			dup2(fileno(said[i]), STDERR_FILENO);
			exit(run_share(pattern, i) ? 1 : 0);
		}
	}
	for (size_t i = 0; i < JOBS; i++) {
		int status;

		wait(&status);
		failed |= status;
	}
	for (size_t i = 0; i < JOBS; i++) {
		int c;

		rewind(said[i]);
		while ((c = getc(said[i])) != EOF)
			putchar(c);
		fclose(said[i]);
	}
	return failed ? 1 : 0;
}
