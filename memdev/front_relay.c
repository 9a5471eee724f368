// SPDX-License-Identifier: MIT
/*
 * Sessions relayed to the device: questions out, answers back in the order of the questions. The
 * device is trusted to answer in order, not to answer: whoever waits has a deadline.
 */
#include "front.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum state {
	NEW,	    /* no hello yet */
	CONNECTING, /* OPEN is sent, OPENED is waited for */
	OPEN,
	OVER,
};

struct question {
	struct question *next;
	enum front_question kind;
	struct front_wait *wait;
	uint64_t deadline;
	size_t size; /* of the frame; 0: nothing to send */
	uint8_t frame[];
};

struct front_session {
	struct front_relay *relay;
	int fd;
	char *vm;
	enum state state;
	unsigned int held;
	bool left; /* by the device: what it said before is still to be read */
	uint64_t used_ns;
	uint32_t events; /* that are waited for on the socket */

	/* Questions in order; those before *unsent are with the device. */
	struct question *first, **last, **unsent;
	unsigned int count, in_flight;

	int error;
	char text[FRONT_TEXT_SIZE];

	/* The record that is coming in parts: CHANNEL_RECORD_MAX bytes from the first part on. */
	uint8_t *record;
	size_t used;
};

uint64_t front_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

enum err front_session_create(struct front_relay *relay, const char *vm,
			      struct front_session **ret)
{
	struct front_session *s = calloc(1, sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	s->relay = relay;
	s->fd = -1;
	s->vm = strdup(vm);
	s->used_ns = front_now_ns();
	s->last = s->unsent = &s->first;
	if (!s->vm) {
		front_session_destroy(s);
		return ERR_NOMEM;
	}
	*ret = s;
	return ERR_OK;
}

void front_session_destroy(struct front_session *s)
{
	if (!s)
		return;
	free(s->vm);
	free(s);
}

void front_session_end(struct front_session *s, int error, const char *text)
{
	struct question *q = s->first;

	if (s->state == OVER)
		return;
	s->state = OVER;
	s->error = error;
	snprintf(s->text, sizeof(s->text), "%s", text);
	if (s->fd >= 0)
		close(s->fd); /* leaves the epoll set, too */
	s->fd = -1;
	s->events = 0;
	s->first = NULL;
	s->last = s->unsent = &s->first;
	s->count = s->in_flight = 0;
	free(s->record);
	s->record = NULL;
	while (q) {
		struct question *next = q->next;

		q->wait->done(q->wait, error, NULL, 0);
		free(q);
		q = next;
	}
}

/* The device's code as the errno that open() or pread() gives. */
static int errno_of(enum err code)
{
	switch (code) {
	case ERR_ABSENT:
		return ENOENT;
	case ERR_PERM:
		return EACCES;
	case ERR_NOTREADY:
		return EAGAIN;
	case ERR_LIMIT:
		return EBUSY;
	case ERR_GONE:
		return ESTALE;
	default:
		return EIO;
	}
}

/*
 * Wait for what can happen. While the next record of an answer isn't asked for it is left in the
 * socket, and a hang-up is noticed when it is, or when something else can't be sent.
 */
static void watch(struct front_session *s, bool blocked)
{
	bool reading = s->state == CONNECTING || s->in_flight || !s->held || s->left;
	uint32_t events = (reading ? EPOLLIN : 0) | (blocked ? EPOLLOUT : 0);
	struct epoll_event e = {.events = events, .data.ptr = s};

	if (s->state == OVER || events == s->events)
		return;
	if (epoll_ctl(s->relay->epoll,
		      !events ? EPOLL_CTL_DEL : s->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s->fd, &e))
		front_session_end(s, EIO, "the device's socket can't be waited for");
	else
		s->events = events;
}

/* May this question go out now? Handshakes and messages go alone, reads together. */
static bool may_send(const struct front_session *s, const struct question *q)
{
	if (!s->in_flight)
		return q->kind != FRONT_ASK_READ || !s->held;
	return q->kind == FRONT_ASK_READ && !s->held && s->first->kind == FRONT_ASK_READ &&
	       s->in_flight < FRONT_IN_FLIGHT;
}

/*
 * The link to the question to send next, or NULL. A read that is held back lets the rest of the
 * answer that it waits for pass: what is asked for next of it is somewhere behind.
 */
static struct question **next_to_send(struct front_session *s)
{
	struct question **at = s->unsent;

	if (s->held && !s->in_flight) {
		while (*at && !may_send(s, *at))
			at = &(*at)->next;
	}
	return *at && may_send(s, *at) ? at : NULL;
}

static void send_questions(struct front_session *s)
{
	struct question **at;
	bool blocked = false;

	while (s->state == OPEN && (at = next_to_send(s))) {
		struct question *q = *at;

		if (q->size && send(s->fd, q->frame, q->size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
			/* If it hung up, what it said before is read first. */
			blocked = errno == EAGAIN || errno == EINTR;
			s->left = !blocked;
			break;
		}
		if (at != s->unsent) {
			*at = q->next;
			if (s->last == &q->next)
				s->last = at;
			q->next = *s->unsent;
			*s->unsent = q;
		}
		q->deadline = front_now_ns() + s->relay->answer_ns;
		s->unsent = &q->next;
		s->in_flight++;
	}
	watch(s, blocked);
}

static int connect_to_device(struct front_session *s)
{
	const char *socket_path = s->relay->socket;
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	uint8_t frame[CHANNEL_FRAME_HEADER_SIZE + CHANNEL_PREAMBLE_MAX];
	struct channel_preamble p = {.version = CHANNEL_VERSION};
	size_t size;

	if (strlen(socket_path) >= sizeof(to.sun_path) || strlen(s->vm) >= sizeof(p.vm))
		return ENAMETOOLONG;
	memcpy(to.sun_path, socket_path, strlen(socket_path));
	memcpy(p.vm, s->vm, strlen(s->vm));
	if (channel_preamble_encode(&p, frame + CHANNEL_FRAME_HEADER_SIZE, &size, NULL))
		return EINVAL;
	channel_frame_encode(CHANNEL_FRAME_OPEN, size, frame);
	s->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return errno;
	if (connect(s->fd, (struct sockaddr *)&to, sizeof(to)) ||
	    send(s->fd, frame, CHANNEL_FRAME_HEADER_SIZE + size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return errno == EAGAIN ? EBUSY : errno == ENOENT || errno == ECONNREFUSED ? EIO : errno;
	s->state = CONNECTING;
	watch(s, false);
	return 0;
}

static const enum channel_frame_kind kinds[] = {
	[FRONT_ASK_HELLO] = CHANNEL_FRAME_HELLO,
	[FRONT_ASK_RECORD] = CHANNEL_FRAME_RECORD,
	[FRONT_ASK_READ] = CHANNEL_FRAME_READ,
};

int front_session_ask(struct front_session *s, enum front_question kind, const void *bytes,
		      size_t size, struct front_wait *wait)
{
	struct question *q;
	int error;

	if (s->state == OVER)
		return s->error;
	if (kind == FRONT_ASK_HELLO && s->state != NEW)
		return EEXIST;
	if (kind != FRONT_ASK_HELLO && s->state != OPEN)
		return ENOTCONN;
	if (size > CHANNEL_FRAME_PAYLOAD_MAX)
		return EMSGSIZE;
	if (s->count == FRONT_QUESTIONS_MAX)
		return EBUSY;
	q = malloc(sizeof(*q) + CHANNEL_FRAME_HEADER_SIZE + size);
	if (!q)
		return ENOMEM;
	*q = (struct question){.kind = kind, .wait = wait};
	if (kind != FRONT_ASK_MORE) {
		channel_frame_encode(kinds[kind], size, q->frame);
		memcpy(q->frame + CHANNEL_FRAME_HEADER_SIZE, bytes, size);
		q->size = CHANNEL_FRAME_HEADER_SIZE + size;
	}
	if (kind == FRONT_ASK_HELLO) {
		error = connect_to_device(s);
		if (error) {
			char text[FRONT_TEXT_SIZE];

			free(q);
			snprintf(text, sizeof(text), "can't reach the memory device at %.200s: %s",
				 s->relay->socket, strerror(error));
			front_session_end(s, error, text);
			return error;
		}
	}
	s->used_ns = front_now_ns();
	q->deadline = s->used_ns + s->relay->answer_ns;
	*s->last = q;
	s->last = &q->next;
	s->count++;
	send_questions(s);
	return 0;
}

void front_session_hold(struct front_session *s, bool hold)
{
	s->held += hold ? 1 : -1;
	if (s->state == OPEN)
		send_questions(s);
}

static void failed(struct front_session *s, const void *bytes, size_t size)
{
	struct channel_refusal r;

	if (channel_refusal_decode(bytes, size, &r, NULL) != ERR_OK)
		front_session_end(s, EIO, "the device's worker talks nonsense");
	else
		front_session_end(s, errno_of(r.code), r.text);
}

static void answered(struct front_session *s, const void *bytes, size_t size)
{
	struct question *q = s->first;

	s->first = q->next;
	if (s->last == &q->next)
		s->last = &s->first;
	if (s->unsent == &q->next)
		s->unsent = &s->first;
	s->count--;
	s->in_flight--;
	s->used = 0;
	q->wait->done(q->wait, 0, bytes, size);
	free(q);
	send_questions(s);
}

/* A part of a record, or its end. */
static void take_part(struct front_session *s, bool end, const void *bytes, size_t size)
{
	if (end && !s->used)
		return answered(s, bytes, size);
	if (!s->record)
		s->record = malloc(CHANNEL_RECORD_MAX);
	if (!s->record)
		return front_session_end(s, ENOMEM, "out of memory for an answer");
	if (size > CHANNEL_RECORD_MAX - s->used)
		return front_session_end(s, EIO, "the device's worker talks nonsense");
	memcpy(s->record + s->used, bytes, size);
	s->used += size;
	if (end)
		answered(s, s->record, s->used);
}

static void take_frame(struct front_session *s, size_t frame_size)
{
	enum channel_frame_kind kind;
	const void *bytes;
	size_t size;

	if (channel_frame_decode(s->relay->frame, frame_size, &kind, &bytes, &size, NULL) != ERR_OK)
		front_session_end(s, EIO, "the device's worker talks nonsense");
	else if (kind == CHANNEL_FRAME_FAILED)
		failed(s, bytes, size);
	else if (kind == CHANNEL_FRAME_OPENED && !size && s->state == CONNECTING)
		s->state = OPEN, send_questions(s);
	else if (s->in_flight && s->first->kind == FRONT_ASK_HELLO && kind == CHANNEL_FRAME_ANSWER)
		answered(s, bytes, size);
	else if (s->in_flight && s->first->kind != FRONT_ASK_HELLO &&
		 (kind == CHANNEL_FRAME_RECORD || kind == CHANNEL_FRAME_PART))
		take_part(s, kind == CHANNEL_FRAME_RECORD, bytes, size);
	else if (!s->left) /* then it is the rest of an answer, which nobody can ask for any more */
		front_session_end(s, EIO, "the device's worker answers out of turn");
}

void front_session_ready(struct front_session *s, uint32_t events)
{
	struct front_relay *r = s->relay;

	/* A bounded number at a time: others want their turn. */
	for (int i = 0; i < FRONT_IN_FLIGHT && s->events & EPOLLIN; i++) {
		ssize_t n = recv(s->fd, r->frame, sizeof(r->frame), MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0)
			front_session_end(s, EIO, "the device's worker for this session ended");
		else if ((size_t)n > sizeof(r->frame))
			front_session_end(s, EIO, "the device's worker talks nonsense");
		else
			take_frame(s, (size_t)n);
	}
	if (s->state != OVER && events & EPOLLOUT)
		send_questions(s);
}

void front_session_tick(struct front_session *s, uint64_t now_ns)
{
	for (struct question *q = s->first; q; q = q->next) {
		if (q->deadline < now_ns)
			return front_session_end(s, ETIMEDOUT,
						 s->first == q ? "the device doesn't answer" :
								 "an answer is left unread");
	}
}

bool front_session_is_open(const struct front_session *s)
{
	return s->state == OPEN;
}

bool front_session_is_over(const struct front_session *s)
{
	return s->state == OVER;
}

bool front_session_is_waiting(const struct front_session *s)
{
	return s->first != NULL;
}

uint64_t front_session_used_ns(const struct front_session *s)
{
	return s->used_ns;
}

const char *front_session_text(const struct front_session *s)
{
	return s->text;
}
