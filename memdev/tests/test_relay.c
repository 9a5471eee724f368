// SPDX-License-Identifier: MIT
/* Sessions relayed to the device (front_relay.c), with a worker of our own at the other end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "channel/wire.h"
#include "front.h"

/* Who waits for an answer, and what came. */
struct waiting {
	struct front_wait wait;
	int times, error;
	size_t size;
};

static struct {
	char folder[32], path[64];
	int listening, worker;
	struct front_relay relay;
	struct front_session *session;
	struct waiting hello, first, second; /* may be called until the session is over */
} t;

static void done(struct front_wait *w, int error, const void *bytes, size_t size)
{
	struct waiting *me = (struct waiting *)w;

	(void)bytes;
	me->times++;
	me->error = error;
	me->size = size;
}

/* As the loop of front.c. False: nothing happened for a while. */
static bool turn(void)
{
	struct epoll_event e;

	if (epoll_wait(t.relay.epoll, &e, 1, 200) != 1)
		return false;
	front_session_ready(e.data.ptr, e.events);
	return true;
}

static void say(enum channel_frame_kind kind, const char *bytes)
{
	uint8_t frame[CHANNEL_FRAME_HEADER_SIZE + 64];
	size_t size = strlen(bytes);

	channel_frame_encode(kind, size, frame);
	memcpy(frame + CHANNEL_FRAME_HEADER_SIZE, bytes, size);
	size += CHANNEL_FRAME_HEADER_SIZE;
	assert_int_equal(send(t.worker, frame, size, MSG_NOSIGNAL), (ssize_t)size);
}

static void refuse(const char *text)
{
	struct channel_refusal r = {.code = ERR_GONE};
	uint8_t frame[CHANNEL_FRAME_HEADER_SIZE + CHANNEL_REFUSAL_MAX];
	size_t size;

	snprintf(r.text, sizeof(r.text), "%s", text);
	size = channel_refusal_encode(&r, frame + CHANNEL_FRAME_HEADER_SIZE);
	channel_frame_encode(CHANNEL_FRAME_FAILED, size, frame);
	size += CHANNEL_FRAME_HEADER_SIZE;
	assert_int_equal(send(t.worker, frame, size, MSG_NOSIGNAL), (ssize_t)size);
}

/* The next frame that the worker gets. */
static enum channel_frame_kind hear(void)
{
	static uint8_t frame[CHANNEL_FRAME_MAX];
	enum channel_frame_kind kind;
	const void *bytes;
	size_t size;
	ssize_t n = recv(t.worker, frame, sizeof(frame), MSG_DONTWAIT);

	assert_true(n > 0);
	assert_int_equal(channel_frame_decode(frame, (size_t)n, &kind, &bytes, &size, NULL), ERR_OK);
	return kind;
}

/* An open session: the hello is answered. */
static int set_up(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	(void)state;
	t.hello = t.first = t.second = (struct waiting){.wait.done = done};
	strcpy(t.folder, "/tmp/scwatcher-relay-XXXXXX");
	assert_non_null(mkdtemp(t.folder));
	snprintf(t.path, sizeof(t.path), "%s/socket", t.folder);
	strcpy(at.sun_path, t.path);
	t.listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(t.listening, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(t.listening, 1), 0);
	t.relay.epoll = epoll_create1(EPOLL_CLOEXEC);
	t.relay.socket = t.path;
	t.relay.answer_ns = 10000000000;
	assert_int_equal(front_session_create(&t.relay, "vm", &t.session), ERR_OK);
	assert_int_equal(front_session_ask(t.session, FRONT_ASK_HELLO, "hello", 5, &t.hello.wait), 0);
	t.worker = accept4(t.listening, NULL, NULL, SOCK_CLOEXEC);
	assert_true(t.worker >= 0);
	assert_int_equal(hear(), CHANNEL_FRAME_OPEN);
	say(CHANNEL_FRAME_OPENED, "");
	assert_true(turn());
	assert_int_equal(hear(), CHANNEL_FRAME_HELLO);
	say(CHANNEL_FRAME_ANSWER, "answer");
	assert_true(turn());
	assert_int_equal(t.hello.times, 1);
	assert_int_equal(t.hello.size, 6);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	front_session_end(t.session, EIO, "the test is over");
	front_session_destroy(t.session);
	if (t.worker >= 0)
		close(t.worker);
	close(t.listening);
	close(t.relay.epoll);
	unlink(t.path);
	rmdir(t.folder);
	return 0;
}

static void end_worker(void)
{
	close(t.worker);
	t.worker = -1;
}

/* As a client that sends a message: its answer is under way from then on. */
static void ask_record(struct waiting *w)
{
	front_session_hold(t.session, true);
	assert_int_equal(front_session_ask(t.session, FRONT_ASK_RECORD, "request", 7, &w->wait), 0);
}

static void an_answer_comes_record_by_record(void **state)
{
	(void)state;
	ask_record(&t.first);
	assert_int_equal(hear(), CHANNEL_FRAME_RECORD);
	say(CHANNEL_FRAME_PART, "one");
	say(CHANNEL_FRAME_RECORD, "two");
	say(CHANNEL_FRAME_RECORD, "three");
	while (!t.first.times)
		assert_true(turn());
	assert_int_equal(t.first.size, 6);
	assert_int_equal(front_session_ask(t.session, FRONT_ASK_MORE, NULL, 0, &t.second.wait), 0);
	while (!t.second.times)
		assert_true(turn());
	assert_int_equal(t.second.size, 5);
	front_session_hold(t.session, false);
	assert_true(front_session_is_open(t.session));
}

static void over_with(const struct waiting *w, const char *text)
{
	while (!front_session_is_over(t.session))
		assert_true(turn());
	assert_int_equal(w->times, 1);
	assert_int_not_equal(w->error, 0);
	assert_string_equal(front_session_text(t.session), text);
}

static void a_worker_that_ends_before_an_answer_is_noticed(void **state)
{
	(void)state;
	ask_record(&t.first);
	end_worker();
	over_with(&t.first, "the device's worker for this session ended");
}

static void a_worker_that_ended_before_a_message_is_noticed(void **state)
{
	(void)state;
	end_worker();
	ask_record(&t.first);
	over_with(&t.first, "the device's worker for this session ended");
}

static void a_worker_that_ended_in_an_answer_is_noticed_by_the_next_message(void **state)
{
	(void)state;
	ask_record(&t.first);
	say(CHANNEL_FRAME_RECORD, "one");
	say(CHANNEL_FRAME_RECORD, "left unread");
	while (!t.first.times)
		assert_true(turn());
	end_worker();
	ask_record(&t.second);
	over_with(&t.second, "the device's worker for this session ended");
}

static void why_a_worker_ended_is_told_after_what_is_left_of_an_answer(void **state)
{
	(void)state;
	ask_record(&t.first);
	say(CHANNEL_FRAME_RECORD, "one");
	say(CHANNEL_FRAME_RECORD, "left unread");
	refuse("the guest was restarted");
	while (!t.first.times)
		assert_true(turn());
	end_worker();
	ask_record(&t.second);
	over_with(&t.second, "the guest was restarted");
	assert_int_equal(t.second.error, ESTALE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(an_answer_comes_record_by_record),
		TEST(a_worker_that_ends_before_an_answer_is_noticed),
		TEST(a_worker_that_ended_before_a_message_is_noticed),
		TEST(a_worker_that_ended_in_an_answer_is_noticed_by_the_next_message),
		TEST(why_a_worker_ended_is_told_after_what_is_left_of_an_answer),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
