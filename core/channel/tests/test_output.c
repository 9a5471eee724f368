// SPDX-License-Identifier: MIT
/* Sealed output: what was written comes out, and nothing else does; each way to spoil a stream is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "channel/output.h"

enum {
	FRAMES = 5,
	HEAD = CHANNEL_OUTPUT_HEAD_SIZE,
	START = HEAD + CHANNEL_OUTPUT_START_SIZE,
};

static struct channel_key_pair owner, other;

struct stream {
	uint8_t bytes[START + FRAMES * CHANNEL_OUTPUT_FRAME_MAX];
	size_t size;
	size_t at[FRAMES + 1]; /* where frames begin; the end */
};

/* Frame i holds i + 1 letters, the last one nothing. */
static void write_stream(struct stream *s, uint32_t number)
{
	struct channel_output_stream w;
	struct channel_output o;

	assert_int_equal(channel_output_make(owner.public, &o, NULL), ERR_OK);
	assert_int_equal(channel_output_begin(&o, number, 0, s->bytes, s->bytes + HEAD, &w, NULL),
			 ERR_OK);
	s->size = START;
	for (int i = 0; i < FRAMES; i++) {
		bool last = i == FRAMES - 1;

		s->at[i] = s->size;
		s->size += channel_output_seal(&w, last, "abcdef", last ? 0 : (size_t)i + 1,
					       s->bytes + s->size);
	}
	s->at[FRAMES] = s->size;
	assert_int_equal(channel_output_seal(&w, false, "x", 1, s->bytes), 0);
}

/* What comes out until the end or an error; ERR_ABSENT: the end never came. */
static enum err read_stream(const uint8_t *bytes, size_t size, const struct channel_key_pair *key,
			    char text[64])
{
	struct channel_output_stream r;
	struct channel_output_head head;
	uint8_t plain[CHANNEL_OUTPUT_PLAIN_MAX], hash[CHANNEL_HASH_SIZE];
	size_t at = START, n, used = 0;
	bool last = false;
	enum err e;

	text[0] = '\0';
	if (size < START)
		return ERR_ABSENT;
	e = channel_output_head_decode(bytes, &head, NULL);
	if (!e)
		e = channel_output_unlock(&head, key, bytes + HEAD, &r, hash, NULL);
	while (!e && at < size) {
		uint32_t frame;

		if (size - at < 4)
			return ERR_ABSENT;
		memcpy(&frame, bytes + at, 4);
		at += 4;
		if (frame > size - at)
			return ERR_ABSENT;
		e = channel_output_open(&r, bytes + at, frame, plain, &n, &last, NULL);
		if (e)
			break;
		memcpy(text + used, plain, n);
		used += n;
		text[used] = '\0';
		at += frame;
	}
	return e ? e : last ? ERR_OK : ERR_ABSENT;
}

static void what_was_written_comes_out(void **state)
{
	struct stream s;
	char text[64];

	(void)state;
	for (uint32_t number = 1; number <= 2; number++) {
		write_stream(&s, number);
		assert_int_equal(read_stream(s.bytes, s.size, &owner, text), ERR_OK);
		assert_string_equal(text, "aababcabcd");
	}
	assert_null(memmem(s.bytes, s.size, "abcd", 4));
}

static void only_the_owner_reads_it(void **state)
{
	struct stream s;
	char text[64];

	(void)state;
	write_stream(&s, 1);
	assert_int_equal(read_stream(s.bytes, s.size, &other, text), ERR_TAMPERED);
	assert_string_equal(text, "");
}

static void every_cut_is_noticed(void **state)
{
	struct stream s;
	char text[64];

	(void)state;
	write_stream(&s, 1);
	for (size_t size = 0; size < s.size; size++)
		assert_int_equal(read_stream(s.bytes, size, &owner, text), ERR_ABSENT);
}

static void every_altered_byte_is_noticed(void **state)
{
	struct stream s;
	char text[64];

	(void)state;
	write_stream(&s, 1);
	for (size_t at = 0; at < s.size; at++) {
		/* the size of evidence that isn't there is the caller's matter */
		if (at >= 12 && at < 16)
			continue;
		s.bytes[at] ^= 1;
		assert_int_not_equal(read_stream(s.bytes, s.size, &owner, text), ERR_OK);
		s.bytes[at] ^= 1;
	}
	assert_int_equal(read_stream(s.bytes, s.size, &owner, text), ERR_OK);
}

static void every_order_but_the_right_one_is_noticed(void **state)
{
	struct stream s, changed;
	char text[64];

	(void)state;
	write_stream(&s, 1);
	/* leave frame i out; write it twice; swap it with the next one */
	for (int i = 0; i < FRAMES; i++) {
		size_t size = s.at[i + 1] - s.at[i], rest = s.size - s.at[i + 1];

		changed = s;
		memcpy(changed.bytes + s.at[i], s.bytes + s.at[i + 1], rest);
		assert_int_not_equal(read_stream(changed.bytes, s.size - size, &owner, text), ERR_OK);
		changed = s;
		memcpy(changed.bytes + s.at[i + 1], s.bytes + s.at[i], size + rest);
		assert_int_equal(read_stream(changed.bytes, s.size + size, &owner, text),
				 ERR_TAMPERED);
		if (i == FRAMES - 1)
			continue;
		changed = s;
		size = s.at[i + 2] - s.at[i + 1];
		memcpy(changed.bytes + s.at[i], s.bytes + s.at[i + 1], size);
		memcpy(changed.bytes + s.at[i] + size, s.bytes + s.at[i], s.at[i + 1] - s.at[i]);
		assert_int_equal(read_stream(changed.bytes, s.size, &owner, text), ERR_TAMPERED);
	}
}

static void frames_of_another_stream_are_noticed(void **state)
{
	struct stream s, mixed;
	char text[64];

	(void)state;
	write_stream(&s, 1);
	write_stream(&mixed, 1);
	memcpy(mixed.bytes + mixed.at[1], s.bytes + s.at[1], s.size - s.at[1]);
	assert_int_equal(read_stream(mixed.bytes, s.size, &owner, text), ERR_TAMPERED);
	/* one run's standard error isn't its output */
	write_stream(&mixed, 2);
	mixed.bytes[8] = 1;
	assert_int_equal(read_stream(mixed.bytes, mixed.size, &owner, text), ERR_TAMPERED);
}

static void sizes_have_limits(void **state)
{
	struct channel_output_head head;
	struct channel_output_stream w;
	struct channel_output o;
	struct stream s;

	(void)state;
	write_stream(&s, 1);
	assert_int_equal(channel_output_make(owner.public, &o, NULL), ERR_OK);
	assert_int_equal(channel_output_begin(&o, 3, 0, s.bytes, s.bytes + HEAD, &w, NULL), ERR_INVAL);
	assert_int_equal(channel_output_begin(&o, 0, 0, s.bytes, s.bytes + HEAD, &w, NULL), ERR_INVAL);
	assert_int_equal(channel_output_begin(&o, 1, CHANNEL_EVIDENCE_MAX + 1, s.bytes, s.bytes + HEAD,
					      &w, NULL),
			 ERR_INVAL);
	assert_int_equal(channel_output_begin(&o, 1, CHANNEL_EVIDENCE_MAX, s.bytes, s.bytes + HEAD, &w,
					      NULL),
			 ERR_OK);
	assert_int_equal(channel_output_head_decode(s.bytes, &head, NULL), ERR_OK);
	assert_int_equal(head.evidence_size, CHANNEL_EVIDENCE_MAX);
	s.bytes[15] = 1;
	assert_int_equal(channel_output_head_decode(s.bytes, &head, NULL), ERR_CORRUPT);
	assert_int_equal(channel_output_seal(&w, false, s.bytes, CHANNEL_OUTPUT_PLAIN_MAX + 1, s.bytes),
			 0);
	assert_int_equal(channel_output_make((uint8_t[CHANNEL_KEY_SIZE]){0}, &o, NULL), ERR_INVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_comes_out),
		cmocka_unit_test(only_the_owner_reads_it),
		cmocka_unit_test(every_cut_is_noticed),
		cmocka_unit_test(every_altered_byte_is_noticed),
		cmocka_unit_test(every_order_but_the_right_one_is_noticed),
		cmocka_unit_test(frames_of_another_stream_are_noticed),
		cmocka_unit_test(sizes_have_limits),
	};
	uint8_t secret[CHANNEL_KEY_SIZE] = {0, 5};

	if (channel_library_init(NULL) || channel_key_pair_from_secret(secret, &owner, NULL))
		return 1;
	secret[1] = 6;
	if (channel_key_pair_from_secret(secret, &other, NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
