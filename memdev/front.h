/* SPDX-License-Identifier: MIT */
/*
 * Inside the pread carrier's front: sessions relayed to the device (front_relay.c) and the file
 * system over them (front_fuse.c). One thread waits for both the kernel's requests and the device's
 * answers and never blocks on either, so that no session waits for another.
 */
#ifndef SCW_MEMDEV_FRONT_INTERNAL_H
#define SCW_MEMDEV_FRONT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "channel/frame.h"
#include "channel/read.h"
#include "front_path.h"
#include "memdev/front.h"

enum {
	FRONT_SESSIONS_MAX = 4096, /* of all VMs, with those that are over but still named */
	FRONT_IN_FLIGHT = 32,	   /* reads of a session that the device has at a time */
	FRONT_QUESTIONS_MAX = 256, /* of a session, with those that wait */
	FRONT_TEXT_SIZE = CHANNEL_TEXT_MAX + 128,
};

struct front_session;

/* What all sessions share. */
struct front_relay {
	int epoll;
	const char *socket; /* the device's */
	uint64_t answer_ns; /* how long an answer may take */
	uint8_t frame[CHANNEL_FRAME_MAX];
};

/*
 * Who waits for an answer. Embed this in your own struct. `done` is called exactly once, maybe
 * before front_session_ask() returns: with one record (or the answer to the hello), or with an errno and no
 * bytes. The bytes are borrowed.
 */
struct front_wait {
	void (*done)(struct front_wait *w, int error, const void *bytes, size_t size);
};

enum front_question {
	FRONT_ASK_HELLO,
	FRONT_ASK_RECORD, /* a sealed record of the client's; the answer is the first one's */
	FRONT_ASK_MORE,	  /* the next record of that answer; nothing is sent */
	FRONT_ASK_READ,
};

/*
 * A session with the device over its socket. Made before anything is connected; the hello connects
 * it, and it is over for good when the device hangs up or front_session_end() is called.
 */
enum err front_session_create(struct front_relay *relay, const char *vm,
			      struct front_session **ret) ERR_NODISCARD;
/* The session must be over, or never have been connected. NULL is fine. */
void front_session_destroy(struct front_session *s);

/*
 * Put a question to the device. `wait` is called back and must live until then. Returns an errno,
 * and doesn't call back, when the session is over (ESTALE or why it ended), not connected (ENOTCONN),
 * has been greeted already (EEXIST), has too much to do (EBUSY) or there is no memory.
 */
int front_session_ask(struct front_session *s, enum front_question question, const void *bytes,
		      size_t size, struct front_wait *wait);

/* While held (counted), reads aren't sent: an answer of several records is under way. */
void front_session_hold(struct front_session *s, bool hold);

/* End it: all who wait get `error`. Does nothing when it is over. `text` says why to people. */
void front_session_end(struct front_session *s, int error, const char *text);

/* Its socket is ready. */
void front_session_ready(struct front_session *s, uint32_t events);

/* Something may have become overdue; ends a session whose device doesn't answer. */
void front_session_tick(struct front_session *s, uint64_t now_ns);

bool front_session_is_open(const struct front_session *s);  /* the VM was opened, and it isn't over */
bool front_session_is_over(const struct front_session *s);
bool front_session_is_waiting(const struct front_session *s); /* somebody waits for an answer */
uint64_t front_session_used_ns(const struct front_session *s); /* when it was last asked something */
/* Why it is over, as a text; "" while it isn't. */
const char *front_session_text(const struct front_session *s);

uint64_t front_now_ns(void);

#endif
