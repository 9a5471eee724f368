// SPDX-License-Identifier: MIT
/*
 * Handshake and records: known answers, then everything that a host in the middle may try. Run with
 * `transcript` it prints the messages and keys of a handshake made from fixed secrets, which
 * noise_peer.py makes a second time with another implementation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "channel/channel.h"
#include "crypto.h"

static struct base_alloc alloc;

/* Not random at all, so that a run repeats: a counter in every byte. */
static bool counting_fill(void *ctx, void *buf, size_t size)
{
	unsigned char *next = ctx;

	memset(buf, (*next)++, size);
	return true;
}

static bool empty_fill(void *ctx, void *buf, size_t size)
{
	(void)ctx, (void)buf, (void)size;
	return false;
}

static unsigned char counter = 1;
static const struct channel_random counting = {counting_fill, &counter};

static void from_hex(const char *hex, uint8_t *ret)
{
	for (; *hex; hex += 2) {
		unsigned int byte;

		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		*ret++ = (uint8_t)byte;
	}
}

/* RFC 7748, 5.2: the first vector, and the iterated one after one step (both inputs are 9). */
static void x25519_known_answers(void **state)
{
	uint8_t secret[32], public[32], expected[32], got[32];
	struct channel_key_pair pair;

	(void)state;
	from_hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", secret);
	from_hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c", public);
	from_hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552", expected);
	assert_int_equal(channel_key_pair_from_secret(secret, &pair, NULL), ERR_OK);
	assert_int_equal(crypto_dh(pair.secret, public, got, NULL), ERR_OK);
	assert_memory_equal(got, expected, 32);

	memset(secret, 0, sizeof(secret));
	secret[0] = 9;
	from_hex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079", expected);
	assert_int_equal(channel_key_pair_from_secret(secret, &pair, NULL), ERR_OK);
	assert_memory_equal(pair.public, expected, 32);
}

static void small_order_key_is_refused(void **state)
{
	uint8_t secret[32], zero[32] = {0}, got[32];
	struct err_ctx err = {0};

	(void)state;
	memset(secret, 0x40, sizeof(secret));
	assert_int_equal(crypto_dh(secret, zero, got, &err), ERR_TAMPERED);
}

/* NIST's GCM test case 14 (AES-256, zero key, nonce and block; McGrew and Viega, appendix B). */
static void gcm_known_answer(void **state)
{
	uint8_t key[32] = {0}, data[16] = {0}, tag[16], cipher[16], expected_tag[16];
	struct crypto_aead aead = {0};

	(void)state;
	from_hex("cea7403d4d606b6e074ec5d3baf39d18", cipher);
	from_hex("d0d1c8a799996bf0265b98b5d48ab919", expected_tag);
	assert_int_equal(crypto_aead_init(&aead, key, NULL), ERR_OK);
	assert_int_equal(crypto_aead_seal(&aead, 0, NULL, 0, data, data, 16, tag, NULL), ERR_OK);
	assert_memory_equal(data, cipher, 16);
	assert_memory_equal(tag, expected_tag, 16);
	crypto_aead_deinit(&aead);
}

struct pair {
	struct channel_key_pair device;
	struct channel_handshake client_hs, device_hs;
	uint8_t hello[CHANNEL_HELLO_MAX], answer[CHANNEL_HELLO_MAX];
	size_t hello_size, answer_size;
	struct channel_session client, server;
};

static void shake_hands(struct pair *p)
{
	uint8_t payload[CHANNEL_HELLO_PAYLOAD_MAX];
	struct channel_key_pair ephemeral, none = {0};
	size_t size;

	assert_int_equal(channel_key_pair_make(&counting, &p->device, NULL), ERR_OK);
	assert_int_equal(channel_hello_write(&p->client_hs, &counting, p->device.public, "web", 3,
					     p->hello, sizeof(p->hello), &p->hello_size, NULL),
			 ERR_OK);
	assert_int_equal(channel_hello_read(&p->device_hs, &p->device, p->hello, p->hello_size,
					    payload, &size, NULL),
			 ERR_OK);
	assert_int_equal(size, 3);
	assert_memory_equal(payload, "web", 3);
	assert_int_equal(channel_key_pair_make(&counting, &ephemeral, NULL), ERR_OK);
	assert_int_equal(channel_answer_write(&p->device_hs, &ephemeral, "yes", 3, p->answer,
					      sizeof(p->answer), &p->answer_size, &p->server, NULL),
			 ERR_OK);
	assert_memory_equal(&ephemeral, &none, sizeof(none));
	assert_int_equal(channel_answer_read(&p->client_hs, p->answer, p->answer_size, payload, &size,
					     &p->client, NULL),
			 ERR_OK);
	assert_int_equal(size, 3);
	assert_memory_equal(payload, "yes", 3);
}

static void both_sides_agree(void **state)
{
	struct pair p = {0};

	(void)state;
	shake_hands(&p);
	assert_memory_equal(&p.client, &p.server, sizeof(p.client));
	assert_memory_not_equal(p.client.to_client, p.client.to_device, CHANNEL_KEY_SIZE);
	assert_null(memmem(p.hello, p.hello_size, "web", 3));
	assert_int_equal(p.client_hs.state, CHANNEL_HS_DONE);
}

/* A bit of any byte of either message flipped: the side that reads it refuses. */
static void altered_handshake_is_refused(void **state)
{
	uint8_t payload[CHANNEL_HELLO_PAYLOAD_MAX];
	struct pair p = {0};
	struct err_ctx err;
	size_t size;

	(void)state;
	shake_hands(&p);
	for (size_t i = 0; i < p.hello_size; i++) {
		struct channel_handshake h = {0};

		/* The top bit of a public key is ignored by X25519, but is part of the transcript. */
		p.hello[i] ^= 0x80;
		err_clear(&err);
		assert_int_equal(channel_hello_read(&h, &p.device, p.hello, p.hello_size, payload,
						    &size, &err),
				 ERR_TAMPERED);
		assert_int_equal(h.state, CHANNEL_HS_FAILED);
		p.hello[i] ^= 0x80;
	}
	for (size_t cut = 0; cut < p.hello_size; cut++) {
		struct channel_handshake h = {0};

		assert_int_equal(channel_hello_read(&h, &p.device, p.hello, cut, payload, &size,
						    NULL),
				 ERR_TAMPERED);
	}
}

static void altered_answer_is_refused(void **state)
{
	uint8_t hello[CHANNEL_HELLO_MAX], payload[CHANNEL_HELLO_PAYLOAD_MAX];
	struct pair p = {0};
	size_t size;

	(void)state;
	shake_hands(&p);
	for (size_t i = 0; i < p.answer_size; i++) {
		struct channel_handshake h = {0};
		struct channel_session s;
		unsigned char same = 2; /* the client's ephemeral key as in shake_hands() */
		struct channel_random again = {counting_fill, &same};

		assert_int_equal(channel_hello_write(&h, &again, p.device.public, "web", 3, hello,
						     sizeof(hello), &size, NULL),
				 ERR_OK);
		p.answer[i] ^= 1;
		assert_int_equal(channel_answer_read(&h, p.answer, p.answer_size, payload, &size, &s,
						     NULL),
				 ERR_TAMPERED);
		assert_int_equal(h.state, CHANNEL_HS_FAILED);
		p.answer[i] ^= 1;
	}
}

static void handshake_out_of_turn_is_refused(void **state)
{
	uint8_t payload[CHANNEL_HELLO_PAYLOAD_MAX];
	struct channel_key_pair ephemeral = {0};
	struct pair p = {0};
	size_t size;

	(void)state;
	shake_hands(&p);
	/* the same answer a second time, and an answer without a hello */
	assert_int_equal(channel_answer_read(&p.client_hs, p.answer, p.answer_size, payload, &size,
					     &p.client, NULL),
			 ERR_INVAL);
	assert_int_equal(channel_answer_write(&p.device_hs, &ephemeral, NULL, 0, p.answer,
					      sizeof(p.answer), &size, &p.server, NULL),
			 ERR_INVAL);
}

static void another_device_is_refused(void **state)
{
	uint8_t payload[CHANNEL_HELLO_PAYLOAD_MAX];
	struct channel_handshake h = {0};
	struct channel_key_pair other;
	struct pair p = {0};
	size_t size;

	(void)state;
	shake_hands(&p);
	assert_int_equal(channel_key_pair_make(&counting, &other, NULL), ERR_OK);
	assert_int_equal(channel_hello_read(&h, &other, p.hello, p.hello_size, payload, &size, NULL),
			 ERR_TAMPERED);
}

static void no_randomness_is_an_error(void **state)
{
	static const struct channel_random empty = {empty_fill, NULL};
	uint8_t hello[CHANNEL_HELLO_MAX], public[CHANNEL_KEY_SIZE] = {9};
	struct channel_handshake h = {0};
	struct err_ctx err = {0};
	size_t size;

	(void)state;
	assert_int_equal(channel_hello_write(&h, &empty, public, NULL, 0, hello, sizeof(hello), &size,
					     &err),
			 ERR_IO);
	assert_string_equal(err.text, "no randomness for a key");
}

struct line {
	struct channel_sealer *sealer;
	struct channel_opener *opener;
};

static const uint8_t line_key[CHANNEL_KEY_SIZE] = {1, 2, 3};

static struct line line_make(enum channel_order order)
{
	struct line l = {0};

	assert_int_equal(channel_sealer_create(&alloc, line_key, 7, CHANNEL_TO_CLIENT, &l.sealer,
					       NULL),
			 ERR_OK);
	assert_int_equal(channel_opener_create(&alloc, line_key, 7, CHANNEL_TO_CLIENT, order,
					       &l.opener, NULL),
			 ERR_OK);
	return l;
}

static void line_drop(struct line *l)
{
	channel_sealer_destroy(l->sealer);
	channel_opener_destroy(l->opener);
}

static size_t seal(struct line *l, const char *text, uint8_t *record, size_t room)
{
	size_t size;

	assert_int_equal(channel_seal(l->sealer, 5, NULL, text, strlen(text), record, room, &size,
				      NULL),
			 ERR_OK);
	return size;
}

/* Opens a copy, as a carrier does. */
static enum err open_copy(struct line *l, const uint8_t *record, size_t size,
			  const struct channel_bound *bound)
{
	uint8_t copy[512];
	const void *plain;
	size_t plain_size;
	uint16_t type;

	assert_true(size <= sizeof(copy));
	memcpy(copy, record, size);
	return channel_open(l->opener, copy, size, bound, &type, &plain, &plain_size, NULL);
}

static void record_round_trip(void **state)
{
	struct line l = line_make(CHANNEL_IN_ORDER);
	uint8_t record[128];
	const void *plain;
	size_t size, plain_size;
	uint16_t type;

	(void)state;
	for (int i = 0; i < 3; i++) {
		size = seal(&l, "task_struct", record, sizeof(record));
		assert_int_equal(size, strlen("task_struct") + CHANNEL_OVERHEAD);
		assert_null(memmem(record, size, "task", 4));
		assert_int_equal(channel_open(l.opener, record, size, NULL, &type, &plain,
					      &plain_size, NULL),
				 ERR_OK);
		assert_int_equal(type, 5);
		assert_int_equal(plain_size, strlen("task_struct"));
		assert_memory_equal(plain, "task_struct", plain_size);
	}
	assert_int_equal(channel_opener_count(l.opener), 3);
	assert_int_equal(channel_sealer_count(l.sealer), 3);
	line_drop(&l);
}

static void altered_record_is_refused_and_forgotten(void **state)
{
	struct line l = line_make(CHANNEL_IN_ORDER);
	uint8_t record[128];
	size_t size = seal(&l, "secret", record, sizeof(record));

	(void)state;
	for (size_t i = 0; i < size * 8; i++) {
		record[i / 8] ^= 1 << i % 8;
		assert_int_equal(open_copy(&l, record, size, NULL), ERR_TAMPERED);
		record[i / 8] ^= 1 << i % 8;
	}
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(open_copy(&l, record, cut, NULL), ERR_TAMPERED);
	/* refusing changed nothing: the true one still opens */
	assert_int_equal(open_copy(&l, record, size, NULL), ERR_OK);
	line_drop(&l);
}

static void record_is_bound_to_its_address(void **state)
{
	struct channel_bound here = {.space = 1, .address = 0x1000, .length = 64}, there = here;
	struct line l = line_make(CHANNEL_UNORDERED);
	uint8_t record[128];
	size_t size;

	(void)state;
	assert_int_equal(channel_seal(l.sealer, 5, &here, "x", 1, record, sizeof(record), &size,
				      NULL),
			 ERR_OK);
	there.address += 0x1000;
	assert_int_equal(open_copy(&l, record, size, &there), ERR_TAMPERED);
	there = here;
	there.space++;
	assert_int_equal(open_copy(&l, record, size, &there), ERR_TAMPERED);
	there = here;
	there.length++;
	assert_int_equal(open_copy(&l, record, size, &there), ERR_TAMPERED);
	there = here;
	there.epoch++;
	assert_int_equal(open_copy(&l, record, size, &there), ERR_TAMPERED);
	assert_int_equal(open_copy(&l, record, size, NULL), ERR_TAMPERED);
	assert_int_equal(open_copy(&l, record, size, &here), ERR_OK);
	line_drop(&l);
}

static void record_of_another_session_or_direction_is_refused(void **state)
{
	struct line l = line_make(CHANNEL_IN_ORDER);
	struct channel_sealer *other;
	uint8_t record[128];
	size_t size;

	(void)state;
	assert_int_equal(channel_sealer_create(&alloc, line_key, 8, CHANNEL_TO_CLIENT, &other, NULL),
			 ERR_OK);
	assert_int_equal(channel_seal(other, 5, NULL, "x", 1, record, sizeof(record), &size, NULL),
			 ERR_OK);
	assert_int_equal(open_copy(&l, record, size, NULL), ERR_TAMPERED);
	channel_sealer_destroy(other);

	/* reflected: what we sent comes back at us under the same key */
	assert_int_equal(channel_sealer_create(&alloc, line_key, 7, CHANNEL_TO_DEVICE, &other, NULL),
			 ERR_OK);
	assert_int_equal(channel_seal(other, 5, NULL, "x", 1, record, sizeof(record), &size, NULL),
			 ERR_OK);
	assert_int_equal(open_copy(&l, record, size, NULL), ERR_TAMPERED);
	channel_sealer_destroy(other);
	line_drop(&l);
}

/* Steps of a replay table: open the record with this number, expect this. */
struct step {
	unsigned int number;
	enum err expected;
};

static void run_steps(enum channel_order order, const struct step *steps, size_t count)
{
	enum { RECORDS = 3 * CHANNEL_WINDOW, SIZE = CHANNEL_OVERHEAD + 1 };
	static uint8_t records[RECORDS][SIZE];
	struct line l = line_make(order);

	for (unsigned int i = 0; i < RECORDS; i++)
		assert_int_equal(seal(&l, "x", records[i], SIZE), SIZE);
	for (size_t i = 0; i < count; i++) {
		enum err e = open_copy(&l, records[steps[i].number], SIZE, NULL);

		if (e != steps[i].expected)
			fail_msg("step %zu, record %u: %s instead of %s", i, steps[i].number,
				 err_name(e), err_name(steps[i].expected));
	}
	line_drop(&l);
}

static void replay_table_in_order(void **state)
{
	static const struct step steps[] = {
		{1, ERR_TAMPERED}, /* the first one is missing */
		{0, ERR_OK},
		{0, ERR_TAMPERED}, /* again */
		{2, ERR_TAMPERED}, /* one left out */
		{1, ERR_OK},
		{2, ERR_OK},
		{1, ERR_TAMPERED},
	};

	(void)state;
	run_steps(CHANNEL_IN_ORDER, steps, sizeof(steps) / sizeof(steps[0]));
}

static void replay_table_unordered(void **state)
{
	enum { W = CHANNEL_WINDOW };
	static const struct step steps[] = {
		{3, ERR_OK},		/* ahead */
		{3, ERR_TAMPERED},	/* again */
		{0, ERR_OK},		/* late, but for the first time */
		{0, ERR_TAMPERED},
		{W - 1, ERR_OK},
		{1, ERR_OK},
		{W, ERR_OK},		/* the window leaves 0 behind */
		{0, ERR_TAMPERED},
		{1, ERR_TAMPERED},
		{2, ERR_OK},
		{W + 3, ERR_OK},	/* and 2, 3 */
		{2, ERR_TAMPERED},
		{3, ERR_TAMPERED},
		{4, ERR_OK},
		{3 * W - 1, ERR_OK},	/* a jump over the whole window */
		{W + 4, ERR_TAMPERED},
		{2 * W - 1, ERR_TAMPERED}, /* just outside */
		{2 * W, ERR_OK},	/* just inside */
		{2 * W, ERR_TAMPERED},
		{3 * W - 1, ERR_TAMPERED},
		{3 * W - 2, ERR_OK},
	};

	(void)state;
	run_steps(CHANNEL_UNORDERED, steps, sizeof(steps) / sizeof(steps[0]));
}

/* Over two changes of key, and records of the key before that arrive just after the change. */
static void keys_move_on(void **state)
{
	const uint64_t records = 2 * (1ull << CHANNEL_REKEY_SHIFT) + 3;
	struct line l = line_make(CHANNEL_UNORDERED);
	uint8_t record[64], late[64];
	size_t size, late_size = 0;

	(void)state;
	for (uint64_t i = 0; i < records; i++) {
		size = seal(&l, "x", record, sizeof(record));
		if (i == (1ull << CHANNEL_REKEY_SHIFT) - 1) {
			memcpy(late, record, size);
			late_size = size;
			continue;
		}
		if (open_copy(&l, record, size, NULL))
			fail_msg("record %llu", (unsigned long long)i);
		if (i == 1ull << CHANNEL_REKEY_SHIFT)
			assert_int_equal(open_copy(&l, late, late_size, NULL), ERR_OK);
	}
	line_drop(&l);
}

/* Another process goes on where one stopped: also just before and just after the keys move on. */
static void a_direction_goes_on_elsewhere(void **state)
{
	const uint64_t change = 1ull << CHANNEL_REKEY_SHIFT;
	struct line l = line_make(CHANNEL_IN_ORDER);
	struct channel_position at;
	uint8_t record[64];
	size_t size;

	(void)state;
	for (uint64_t i = 0; i < change + 3; i++) {
		if (i == 0 || i == 5 || (i >= change - 1 && i <= change + 1)) {
			channel_sealer_position(l.sealer, &at);
			assert_int_equal(at.next, i);
			channel_sealer_destroy(l.sealer);
			assert_int_equal(channel_sealer_resume(&alloc, &at, CHANNEL_TO_CLIENT, &l.sealer,
							       NULL),
					 ERR_OK);
			channel_opener_position(l.opener, &at);
			assert_int_equal(at.next, i);
			channel_opener_destroy(l.opener);
			assert_int_equal(channel_opener_resume(&alloc, &at, CHANNEL_TO_CLIENT, &l.opener,
							       NULL),
					 ERR_OK);
		}
		size = seal(&l, "x", record, sizeof(record));
		if (open_copy(&l, record, size, NULL))
			fail_msg("record %llu", (unsigned long long)i);
	}
	/* what was opened before isn't opened again */
	assert_int_equal(open_copy(&l, record, size, NULL), ERR_TAMPERED);
	line_drop(&l);
}

static void too_large_is_an_error(void **state)
{
	static uint8_t plain[CHANNEL_PLAIN_MAX + 1], record[CHANNEL_RECORD_MAX + 1];
	struct line l = line_make(CHANNEL_IN_ORDER);
	size_t size;

	(void)state;
	assert_int_equal(channel_seal(l.sealer, 1, NULL, plain, sizeof(plain), record,
				      sizeof(record), &size, NULL),
			 ERR_INVAL);
	assert_int_equal(channel_seal(l.sealer, 1, NULL, plain, CHANNEL_PLAIN_MAX, record,
				      CHANNEL_RECORD_MAX - 1, &size, NULL),
			 ERR_INVAL);
	assert_int_equal(channel_seal(l.sealer, 1, NULL, plain, CHANNEL_PLAIN_MAX, record,
				      CHANNEL_RECORD_MAX, &size, NULL),
			 ERR_OK);
	assert_int_equal(size, CHANNEL_RECORD_MAX);
	line_drop(&l);
}

static void print_hex(const char *name, const void *data, size_t size)
{
	const uint8_t *p = data;

	printf("%s ", name);
	while (size--)
		printf("%02x", *p++);
	printf("\n");
}

static int print_transcript(void)
{
	struct pair p = {0};

	shake_hands(&p);
	print_hex("hello", p.hello, p.hello_size);
	print_hex("answer", p.answer, p.answer_size);
	print_hex("to_device", p.client.to_device, CHANNEL_KEY_SIZE);
	print_hex("to_client", p.client.to_client, CHANNEL_KEY_SIZE);
	print_hex("transcript", p.client.transcript, CHANNEL_HASH_SIZE);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(x25519_known_answers),
		cmocka_unit_test(small_order_key_is_refused),
		cmocka_unit_test(gcm_known_answer),
		cmocka_unit_test(both_sides_agree),
		cmocka_unit_test(altered_handshake_is_refused),
		cmocka_unit_test(altered_answer_is_refused),
		cmocka_unit_test(handshake_out_of_turn_is_refused),
		cmocka_unit_test(another_device_is_refused),
		cmocka_unit_test(no_randomness_is_an_error),
		cmocka_unit_test(record_round_trip),
		cmocka_unit_test(altered_record_is_refused_and_forgotten),
		cmocka_unit_test(record_is_bound_to_its_address),
		cmocka_unit_test(record_of_another_session_or_direction_is_refused),
		cmocka_unit_test(replay_table_in_order),
		cmocka_unit_test(replay_table_unordered),
		cmocka_unit_test(keys_move_on),
		cmocka_unit_test(a_direction_goes_on_elsewhere),
		cmocka_unit_test(too_large_is_an_error),
	};
	struct err_ctx err = {0};

	base_alloc_init(&alloc, 1 << 20);
	if (channel_library_init(&err)) {
		fprintf(stderr, "test_channel: %s\n", err.text);
		return 1;
	}
	if (argc == 2 && !strcmp(argv[1], "transcript"))
		return print_transcript();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
