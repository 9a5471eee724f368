// SPDX-License-Identifier: MIT
/* Frames, openings, refusals, evidence and acceptance: what goes in comes out, the rest doesn't. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/checked.h"
#include "channel/accept.h"
#include "channel/evidence.h"
#include "channel/frame.h"
#include "channel/message.h"
#include "crypto.h"

static void frames_are_exactly_as_long_as_they_say(void **state)
{
	uint8_t buf[CHANNEL_FRAME_HEADER_SIZE + 5 + 1] = {0};
	enum channel_frame_kind kind;
	const void *payload;
	size_t size;

	(void)state;
	channel_frame_encode(CHANNEL_FRAME_HELLO, 5, buf);
	assert_int_equal(channel_frame_decode(buf, 13, &kind, &payload, &size, NULL), ERR_OK);
	assert_int_equal(kind, CHANNEL_FRAME_HELLO);
	assert_ptr_equal(payload, buf + CHANNEL_FRAME_HEADER_SIZE);
	assert_int_equal(size, 5);
	for (size_t cut = 0; cut < sizeof(buf); cut++) {
		if (cut != 13)
			assert_int_equal(
				channel_frame_decode(buf, cut, &kind, &payload, &size, NULL),
				ERR_CORRUPT);
	}
	for (unsigned int bad = 0; bad < 256; bad++) {
		buf[0] = (uint8_t)bad;
		assert_int_equal(channel_frame_decode(buf, 13, &kind, &payload, &size, NULL),
				 bad >= 1 && bad <= 9 ? ERR_OK : ERR_CORRUPT);
	}
}

static void names_of_vms(void **state)
{
	static const char *const good[] = {"a", "web-1", "b\xc3\xa4r", "...", "a b",
					   "\xf0\x9f\x98\x80", "\xe2\x82\xac"};
	static const char *const bad[] = {"", ".", "..", "a/b", "/", "a\n", "\x7f", "\x80",
					  "\xc0\xaf", "\xc2\x85", "\xed\xa0\x80", "\xf4\x90\x80\x80",
					  "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xc3", "\xff"};
	char longest[CHANNEL_VM_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(good); i++)
		assert_true(channel_vm_name_valid(good[i]));
	for (size_t i = 0; i < BASE_COUNT(bad); i++)
		assert_false(channel_vm_name_valid(bad[i]));
	memset(longest, 'x', sizeof(longest));
	longest[CHANNEL_VM_NAME_MAX + 1] = '\0';
	assert_false(channel_vm_name_valid(longest));
	longest[CHANNEL_VM_NAME_MAX] = '\0';
	assert_true(channel_vm_name_valid(longest));
}

static void preambles(void **state)
{
	struct channel_preamble in = {CHANNEL_VERSION, "web-1"}, out;
	uint8_t buf[CHANNEL_PREAMBLE_MAX];
	struct err_ctx err = {0};
	size_t size;

	(void)state;
	assert_int_equal(channel_preamble_encode(&in, buf, &size, NULL), ERR_OK);
	assert_int_equal(channel_preamble_decode(buf, size, &out, NULL), ERR_OK);
	assert_string_equal(out.vm, "web-1");
	for (size_t cut = 0; cut < 5; cut++)
		assert_int_equal(channel_preamble_decode(buf, cut, &out, NULL), ERR_CORRUPT);
	buf[6] = 0;
	assert_int_equal(channel_preamble_decode(buf, size, &out, NULL), ERR_CORRUPT);
	buf[0] = 9;
	assert_int_equal(channel_preamble_decode(buf, size, &out, &err), ERR_UNSUPPORTED);
	assert_string_equal(err.text, "the client speaks version 9 of the protocol, this device version 4: "
				      "use the same release");
	memset(in.vm, 'x', sizeof(in.vm));
	assert_int_equal(channel_preamble_encode(&in, buf, &size, NULL), ERR_INVAL);
}

static void refusals_can_be_printed(void **state)
{
	struct channel_refusal in = {ERR_PERM, "not\x1b[2J you\n"}, out;
	uint8_t buf[CHANNEL_REFUSAL_MAX + 1];
	size_t size = channel_refusal_encode(&in, buf);

	(void)state;
	assert_int_equal(channel_refusal_decode(buf, size, &out, NULL), ERR_OK);
	assert_int_equal(out.code, ERR_PERM);
	assert_string_equal(out.text, "not?[2J you?");
	for (size_t cut = 0; cut < 4; cut++)
		assert_int_equal(channel_refusal_decode(buf, cut, &out, NULL), ERR_CORRUPT);
	assert_int_equal(channel_refusal_decode(buf, sizeof(buf), &out, NULL), ERR_CORRUPT);
	/* what no refusal can say: that all is well, or a code of nowhere */
	for (int code = -40; code < 10; code++) {
		in.code = code;
		size = channel_refusal_encode(&in, buf);
		assert_int_equal(channel_refusal_decode(buf, size, &out, NULL), ERR_OK);
		assert_int_equal(out.code, code < 0 && code >= ERR_AMBIGUOUS ? code : ERR_IO);
	}
	memset(in.text, 'x', sizeof(in.text));
	assert_int_equal(channel_refusal_encode(&in, buf), CHANNEL_REFUSAL_MAX);
}

static void rings_are_powers_of_two(void **state)
{
	struct channel_ring_sizes in = {4096, 1 << 20}, out;
	uint8_t buf[CHANNEL_RING_SIZES_SIZE];

	(void)state;
	channel_ring_sizes_encode(&in, buf);
	assert_int_equal(channel_ring_sizes_decode(buf, sizeof(buf), &out, NULL), ERR_OK);
	assert_memory_equal(&in, &out, sizeof(in));
	assert_int_equal(channel_ring_sizes_decode(buf, 7, &out, NULL), ERR_CORRUPT);
	in.to_client = 3;
	channel_ring_sizes_encode(&in, buf);
	assert_int_equal(channel_ring_sizes_decode(buf, sizeof(buf), &out, NULL), ERR_CORRUPT);
	in.to_client = 0;
	channel_ring_sizes_encode(&in, buf);
	assert_int_equal(channel_ring_sizes_decode(buf, sizeof(buf), &out, NULL), ERR_CORRUPT);
}

static void a_ring_may_be_asked_for_with_a_request(void **state)
{
	static uint8_t buf[CHANNEL_RING_SIZES_SIZE + CHANNEL_REQUEST_MAX + CHANNEL_OVERHEAD + 1];
	struct channel_ring_sizes in = {4096, 1 << 20};
	struct channel_ring_ask out;

	(void)state;
	channel_ring_sizes_encode(&in, buf);
	assert_int_equal(channel_ring_ask_decode(buf, CHANNEL_RING_SIZES_SIZE, &out, NULL), ERR_OK);
	assert_memory_equal(&out.sizes, &in, sizeof(in));
	assert_int_equal(out.record_size, 0);
	assert_int_equal(channel_ring_ask_decode(buf, sizeof(buf) - 1, &out, NULL), ERR_OK);
	assert_int_equal(out.record_size, CHANNEL_REQUEST_MAX + CHANNEL_OVERHEAD);
	assert_ptr_equal(out.record, buf + CHANNEL_RING_SIZES_SIZE);
	assert_int_equal(channel_ring_ask_decode(buf, sizeof(buf), &out, NULL), ERR_CORRUPT);
	assert_int_equal(channel_ring_ask_decode(buf, 7, &out, NULL), ERR_CORRUPT);
	in.to_client = 3;
	channel_ring_sizes_encode(&in, buf);
	assert_int_equal(channel_ring_ask_decode(buf, sizeof(buf) - 1, &out, NULL), ERR_CORRUPT);
}

static struct channel_accept good_accept(void)
{
	struct channel_accept a = {
		.generation = 1,
		.items_max = CHANNEL_ITEMS_MAX,
		.request_pages = CHANNEL_REQUEST_PAGES,
		.vmcoreinfo = 0x1000,
		.kaslr = 0x2000000,
		.phys_base = -0x1000000,
		.kernel_top = 0x5000,
		.levels = 5,
		.has_build_id = true,
		.build_id = {1, 2, 3},
		.release = "6.1.0-28-cloud-amd64",
	};

	for (int i = 0; i < CHANNEL_AT_COUNT; i++)
		a.at[i] = i % 2 ? 0 : 0xffffffff81000000ull + (unsigned int)i;
	return a;
}

static enum err accept_round_trip(const struct channel_accept *in, struct channel_accept *out)
{
	uint8_t buf[CHANNEL_ACCEPT_SIZE];

	channel_accept_encode(in, buf);
	for (size_t cut = 0; cut < sizeof(buf); cut++)
		assert_int_equal(channel_accept_decode(buf, cut, out, NULL), ERR_CORRUPT);
	return channel_accept_decode(buf, sizeof(buf), out, NULL);
}

static void acceptances(void **state)
{
	struct channel_accept in = good_accept(), out;

	(void)state;
	assert_int_equal(accept_round_trip(&in, &out), ERR_OK);
	assert_int_equal(out.generation, in.generation);
	assert_int_equal(out.phys_base, in.phys_base);
	assert_int_equal(out.kernel_top, in.kernel_top);
	assert_int_equal(out.levels, 5);
	assert_true(out.has_build_id);
	assert_string_equal(out.release, in.release);
	assert_memory_equal(out.build_id, in.build_id, sizeof(in.build_id));
	assert_memory_equal(out.at, in.at, sizeof(in.at));
#define SPOILED(change)                                                                            \
	do {                                                                                       \
		in = good_accept();                                                                \
		change;                                                                            \
		assert_int_equal(accept_round_trip(&in, &out), ERR_CORRUPT);                       \
	} while (0)
	SPOILED(in.levels = 3);
	SPOILED(in.kernel_top = 0);
	SPOILED(in.kernel_top = 0x5001);
	SPOILED(in.kernel_top = 1ull << 52);
	SPOILED(in.vmcoreinfo = 1);
	SPOILED(in.release[0] = '\0');
	SPOILED(in.release[0] = '\n');
	SPOILED(in.items_max = 0);
	SPOILED(in.items_max = CHANNEL_ITEMS_MAX + 1);
	SPOILED(in.request_pages = CHANNEL_REQUEST_PAGES + 1);
	SPOILED(in.at[3] = 0x1000);
#undef SPOILED
}

static void evidence_round_trip(void **state)
{
	struct channel_evidence in = {7, "who", 3, "proof", 5}, out;
	uint8_t buf[CHANNEL_EVIDENCE_MAX];
	size_t size;

	(void)state;
	assert_int_equal(channel_evidence_encode(&in, buf, sizeof(buf), &size, NULL), ERR_OK);
	assert_int_equal(channel_evidence_decode(buf, size, &out, NULL), ERR_OK);
	assert_int_equal(out.type, 7);
	assert_memory_equal(out.identity, "who", 3);
	assert_memory_equal(out.proof, "proof", 5);
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(channel_evidence_decode(buf, cut, &out, NULL), ERR_CORRUPT);
	assert_int_equal(channel_evidence_decode(buf, size + 1, &out, NULL), ERR_CORRUPT);
	assert_int_equal(channel_evidence_encode(&in, buf, size - 1, &size, NULL), ERR_INVAL);
	in.identity_size = 0;
	assert_int_equal(channel_evidence_encode(&in, buf, sizeof(buf), &size, NULL), ERR_INVAL);
	in.identity_size = 3;
	in.proof_size = CHANNEL_PROOF_MAX + 1;
	assert_int_equal(channel_evidence_encode(&in, buf, sizeof(buf), &size, NULL), ERR_INVAL);
}

/* RFC 8032, 7.1, TEST 2 */
static void signatures_are_those_of_the_rfc(void **state)
{
	static const uint8_t seed[] = {
		0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3,
		0x46, 0xec, 0x11, 0x4e, 0x0f, 0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab,
		0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb,
	};
	static const uint8_t public[] = {
		0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a,
		0xa7, 0x4d, 0x1b, 0x7e, 0xbc, 0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4,
		0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c,
	};
	static const uint8_t expected[] = {
		0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82, 0x0b, 0x5f,
		0x64, 0x25, 0x40, 0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50, 0x3f, 0x8f, 0xb3, 0x76,
		0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda, 0x08, 0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99,
		0x6e, 0x45, 0x8f, 0x36, 0x13, 0xd0, 0xf1, 0x1d, 0x8c, 0x38, 0x7b, 0x2e, 0xae,
		0xb4, 0x30, 0x2a, 0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00,
	};
	struct channel_signing_key key;
	uint8_t signature[64];

	(void)state;
	assert_int_equal(channel_signing_key_from_seed(seed, &key, NULL), ERR_OK);
	assert_memory_equal(key.public, public, sizeof(public));
	assert_int_equal(crypto_ed25519_sign(seed, public, "\x72", 1, signature, NULL), ERR_OK);
	assert_memory_equal(signature, expected, sizeof(expected));
	assert_int_equal(crypto_ed25519_check(public, "\x72", 1, signature, NULL), ERR_OK);
	assert_int_equal(crypto_ed25519_check(public, "\x73", 1, signature, NULL), ERR_TAMPERED);
}

static void development_keys_prove_one_transcript(void **state)
{
	static const uint8_t seed[CHANNEL_SIGNING_KEY_SIZE] = {5};
	uint8_t transcript[CHANNEL_HASH_SIZE] = {1}, proof[CHANNEL_SIGNATURE_SIZE];
	struct channel_signing_key key;
	struct channel_evidence e = {CHANNEL_EVIDENCE_DEVELOPMENT, key.public, sizeof(key.public),
				     proof, sizeof(proof)};
	struct err_ctx err = {0};

	(void)state;
	assert_int_equal(channel_signing_key_from_seed(seed, &key, NULL), ERR_OK);
	assert_int_equal(channel_development_prove(&key, transcript, proof, NULL), ERR_OK);
	assert_int_equal(channel_development_check(&e, transcript, NULL), ERR_OK);
	transcript[31] ^= 1;
	assert_int_equal(channel_development_check(&e, transcript, &err), ERR_TAMPERED);
	assert_string_equal(err.text, "the evidence's signature doesn't fit");
	transcript[31] ^= 1;
	for (size_t i = 0; i < sizeof(proof); i++) {
		proof[i] ^= 0x10;
		assert_int_equal(channel_development_check(&e, transcript, NULL), ERR_TAMPERED);
		proof[i] ^= 0x10;
	}
	for (size_t i = 0; i < sizeof(key.public); i++) {
		key.public[i] ^= 1;
		assert_int_equal(channel_development_check(&e, transcript, NULL), ERR_TAMPERED);
		key.public[i] ^= 1;
	}
	e.type = 2;
	assert_int_equal(channel_development_check(&e, transcript, NULL), ERR_TAMPERED);
	e.type = 1;
	e.proof_size--;
	assert_int_equal(channel_development_check(&e, transcript, NULL), ERR_TAMPERED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_exactly_as_long_as_they_say),
		cmocka_unit_test(names_of_vms),
		cmocka_unit_test(preambles),
		cmocka_unit_test(refusals_can_be_printed),
		cmocka_unit_test(rings_are_powers_of_two),
		cmocka_unit_test(a_ring_may_be_asked_for_with_a_request),
		cmocka_unit_test(acceptances),
		cmocka_unit_test(evidence_round_trip),
		cmocka_unit_test(signatures_are_those_of_the_rfc),
		cmocka_unit_test(development_keys_prove_one_transcript),
	};

	if (channel_library_init(NULL) != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
