// SPDX-License-Identifier: MIT
/*
 * The way to the memory device with a real device, the real untrusted side between, and then with an
 * untrusted side that lies: where the ring is, what frames it gives, in the ring's words. What comes is the
 * guest's bytes or an error, and nothing inside the "enclave" is touched.
 *
 * usage: test_link [SERVE]     with carrier/tests/serve the same over files (as root, with /dev/fuse)
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "abi/guest.h"
#include "base/checked.h"
#include "carrier/wait.h"
#include "channel/note.h"
#include "device.h"
#include "emulation/report.h"
#include "host/guest.h"
#include "link.h"
#include "native.h"

enum {
	INSIDE = 1 << 20, /* bytes of the enclave */
};

static struct {
	struct base_alloc alloc;
	struct device device; /* pid 0: over files */
	struct host_guest *host;
	struct abi_ocall block;
	uint64_t arena[ABI_ARENA_SIZE / 8];
	uint8_t *inside;
	uint64_t exits;
	/* what a host does that isn't honest; after the honest one has served */
	void (*lie)(struct abi_ocall *call);
	struct channel_ring_head *ring;
	struct abi_worker *worker, idle_worker;
	uint64_t clock;
	/* what is kept for the next run */
	uint8_t note[ABI_GUEST_NOTE_MAX];
	size_t note_size;
	bool debug, other_enclave, alone, sleepless; /* alone: there is no processor for a worker */
} t;

static char folder[] = "/tmp/scwatcher-link-XXXXXX", files[sizeof(folder) + 8];

/* ---- what stands in for the processor and the runtime ---- */

void evidence_report(const struct abi_targetinfo *target, const uint8_t data[64],
		     struct abi_report *ret)
{
	assert_int_equal((uintptr_t)target % ABI_TARGETINFO_ALIGN, 0);
	assert_int_equal((uintptr_t)data % ABI_REPORT_DATA_ALIGN, 0);
	assert_int_equal((uintptr_t)ret % ABI_REPORT_ALIGN, 0);
	memset(ret, 0, sizeof(*ret));
	ret->attributes.flags = ABI_ATTR_INIT | ABI_ATTR_MODE64BIT | (t.debug ? ABI_ATTR_DEBUG : 0);
	memset(ret->mrenclave, t.other_enclave ? 0x78 : 0x77, sizeof(ret->mrenclave));
	memcpy(ret->report_data, data, sizeof(ret->report_data));
	emulation_report_mac(ret, target, ret->mac);
}

/* As a processor's: of this enclave, and what is asked for. */
bool evidence_key(const struct abi_keyrequest *request, uint8_t ret[ABI_KEY_SIZE])
{
	assert_int_equal((uintptr_t)request % ABI_KEYREQUEST_ALIGN, 0);
	assert_int_equal((uintptr_t)ret % ABI_KEY_SIZE, 0);
	memcpy(ret, request->keyid, ABI_KEY_SIZE);
	ret[0] ^= t.other_enclave ? 0x78 : 0x77;
	return request->key_name == ABI_KEY_SEAL && request->key_policy == ABI_KEYPOLICY_MRENCLAVE;
}

uint64_t trusted_now(void)
{
	return t.clock ? t.clock : carrier_now();
}

void trusted_random(void *ret, size_t size)
{
	assert_int_equal(getrandom(ret, size, 0), (ssize_t)size);
}

static void serve(struct abi_ocall *call)
{
	t.exits++;
	if (t.sleepless && call->number == ABI_GUEST_SLEEP)
		call->result = 0;
	else
		call->result = host_guest_serve(t.host, call->number, call->args, t.arena, sizeof(t.arena));
	if (call->number == ABI_GUEST_WATCH && t.alone)
		call->result = -EAGAIN;
	if (call->number == ABI_GUEST_RING && call->result > 0)
		t.ring = (struct channel_ring_head *)call->result;
	if (call->number == ABI_GUEST_WATCH && call->result > 0)
		t.worker = (struct abi_worker *)call->result;
	if (t.lie)
		t.lie(call);
}

/* ---- a client ---- */

static size_t note_read(void *opaque, void *buf, size_t room)
{
	(void)opaque;
	assert_true(t.note_size <= room);
	memcpy(buf, t.note, t.note_size);
	return t.note_size;
}

static void note_write(void *opaque, const void *bytes, size_t size)
{
	(void)opaque;
	assert_true(size <= sizeof(t.note));
	memcpy(t.note, bytes, size);
	t.note_size = size;
}

static const struct host_notes notes = {note_read, note_write, NULL};

static int set_up(void **state)
{
	struct trusted_thread *self = trusted_thread_at(0);

	(void)state;
	memset(&t, 0, sizeof(t));
	base_alloc_init(&t.alloc, 64 << 20);
	t.inside = mmap(NULL, INSIDE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	native.base = (uint64_t)(uintptr_t)t.inside;
	((struct abi_thread *)native.pages[0])->size = INSIDE;
	native.serve = serve;
	self->ocall = &t.block;
	self->arena = (uint8_t *)t.arena;
	self->arena_size = sizeof(t.arena);
	if (files[0])
		return host_guest_open_files(files, true, &t.host, NULL);
	t.device = device_start(true);
	return host_guest_open_socket(t.device.socket, true, &t.host, NULL);
}

static int tear_down(void **state)
{
	struct device_end end;

	(void)state;
	host_guest_close(t.host);
	if (t.device.pid) {
		end = device_wait(&t.device);
		assert_true(end.ended);
	}
	for (size_t i = 0; i < INSIDE; i++)
		assert_int_equal(t.inside[i], 0);
	munmap(t.inside, INSIDE);
	assert_int_equal(t.alloc.used, 0);
	return 0;
}

static enum err open_link(struct link **ret, struct err_ctx *err)
{
	const struct carrier_options o = device_client_options(CARRIER_RING);

	return link_open(&t.alloc, DEVICE_VM, o.session.device, ret, err);
}

static struct guest_pages *open_pages(struct link *l)
{
	struct sealed_options o = {.cache_pages = DEVICE_PAGES,
				   .readahead = 1,
				   .generation = link_accept(l)->generation};
	struct guest_pages *pages;

	assert_int_equal(sealed_pages_create(&t.alloc, link_sealed(l), &o, &pages, NULL), ERR_OK);
	return pages;
}

static void no_worker(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_WATCH)
		call->result = -EAGAIN;
}

static void the_guest_is_read(void **state)
{
	struct guest_pages *pages;
	struct link *l;
	uint64_t before;

	(void)state;
	t.lie = no_worker;
	assert_int_equal(open_link(&l, NULL), ERR_OK);
	assert_int_equal(link_accept(l)->generation, DEVICE_GENERATION);
	pages = open_pages(l);
	for (unsigned int i = 0; i < 50; i++)
		assert_int_equal(device_client_read(pages, i * 3, 1, NULL), ERR_OK);
	before = t.exits;
	assert_int_equal(device_client_read(pages, 0, DEVICE_PAGES, NULL), ERR_OK);
	/* exits only to sleep and to wake: a handful for 8 MiB */
	assert_true(t.exits - before < DEVICE_PAGES / 2);
	assert_true(sealed_pages_stats(pages).carrier.wire_bytes > DEVICE_PAGES * 4096);
	guest_pages_destroy(pages);
	link_close(l);
}

/* How it is reached, two pairs of frames, for whom a report is, the ring, its worker. */
static void a_session_takes_few_exits(void **state)
{
	struct link *l;

	(void)state;
	assert_int_equal(open_link(&l, NULL), ERR_OK);
	assert_int_equal(t.exits, 6);
	link_close(l);
}

/* Neither for memory nor for the time, if the device isn't kept from its processor for long. */
static void memory_costs_no_exit(void **state)
{
	struct guest_pages *pages;
	struct link *l;
	uint64_t before, exits = 1;

	(void)state;
	assert_int_equal(open_link(&l, NULL), ERR_OK);
	pages = open_pages(l);
	for (unsigned int i = 0; i < 200 && exits; i++) {
		before = t.exits;
		for (unsigned int j = 0; j < 10; j++)
			assert_int_equal(device_client_read(pages, j * 3, 100, NULL), ERR_OK);
		exits = t.exits - before;
	}
	assert_int_equal(exits, 0);
	guest_pages_destroy(pages);
	link_close(l);
}

/* After a second without a wish the worker sleeps, and is woken by the first one. */
static void a_worker_sleeps_and_is_woken(void **state)
{
	struct guest_pages *pages;
	struct link *l;
	uint64_t begun = carrier_now(), before;

	(void)state;
	assert_int_equal(open_link(&l, NULL), ERR_OK);
	pages = open_pages(l);
	while (__atomic_load_n(&t.worker->watching, __ATOMIC_SEQ_CST) &&
	       carrier_now() - begun < 120000000000ull)
		usleep(100000);
	assert_int_equal(__atomic_load_n(&t.worker->watching, __ATOMIC_SEQ_CST), 0);
	before = t.exits;
	assert_int_equal(device_client_read(pages, 0, 100, NULL), ERR_OK);
	assert_true(t.exits > before);
	while (!__atomic_load_n(&t.worker->watching, __ATOMIC_SEQ_CST) &&
	       carrier_now() - begun < 240000000000ull)
		usleep(1000);
	assert_int_equal(__atomic_load_n(&t.worker->watching, __ATOMIC_SEQ_CST), 1);
	guest_pages_destroy(pages);
	link_close(l);
}

/* The host has said beforehand which VM it will be. */
static void a_session_that_the_host_began(void **state)
{
	struct guest_pages *pages;
	struct link *l;

	(void)state;
	assert_int_equal(host_guest_greet(t.host, DEVICE_VM, NULL), ERR_OK);
	assert_int_equal(open_link(&l, NULL), ERR_OK);
	assert_int_equal(t.exits, 6);
	pages = open_pages(l);
	assert_int_equal(device_client_read(pages, 0, 8, NULL), ERR_OK);
	guest_pages_destroy(pages);
	link_close(l);
}

static void connect_again(void)
{
	host_guest_close(t.host);
	assert_true(device_wait(&t.device).ended);
	t.device = device_start(true);
	assert_int_equal(host_guest_open_socket(t.device.socket, true, &t.host, NULL), ERR_OK);
	host_guest_keep(t.host, &notes);
}

/* What one run leaves to the next; `pages` are those that the first one missed. */
static void keep_a_trail(struct guest_trail *ret)
{
	struct link *l;

	memset(ret, 0, sizeof(*ret));
	ret->count[0] = 2;
	ret->at[0][0].page = 0xffff888000005000;
	ret->at[0][0].lines = 0x4141414141414141;
	ret->at[0][1].page = 0xffff888000009000;
	ret->at[0][1].lines = 1;
	host_guest_keep(t.host, &notes);
	assert_int_equal(open_link(&l, NULL), ERR_OK);
	assert_null(link_trail(l));
	(void)link_learn(l);
	link_keep(l, ret);
	assert_true(t.note_size > sizeof(*ret));
	link_close(l);
	connect_again();
}

static void a_trail_is_kept(void **state)
{
	static const char planted[] = "AAAAAAAA"; /* its lines */
	struct guest_trail kept;
	size_t size;
	struct link *l;

	(void)state;
	keep_a_trail(&kept);
	size = t.note_size;
	assert_null(memmem(t.note, t.note_size, planted, sizeof(planted) - 1));
	assert_int_equal(open_link(&l, NULL), ERR_OK);
	assert_non_null(link_trail(l));
	assert_memory_equal(link_trail(l), &kept, sizeof(kept));
	/* as long, whatever is in it */
	kept.count[0] = 0;
	link_keep(l, &kept);
	assert_int_equal(t.note_size, size);
	link_close(l);
}

/* Of a second run what the first one asked for goes along with the question for a ring, and nothing else is asked for. */
static void what_was_asked_for_is_asked_for_at_once(void **state)
{
	static struct guest_trail trail;

	(void)state;
	for (unsigned int run = 0; run < 3; run++) {
		struct sealed_options o = {.cache_pages = DEVICE_PAGES, .readahead = 1, .freshness_ns = 1ull << 40};
		struct guest_pages *pages;
		struct link *l;

		host_guest_keep(t.host, &notes);
		assert_int_equal(open_link(&l, NULL), ERR_OK);
		o.generation = link_accept(l)->generation;
		assert_int_equal(sealed_pages_create(&t.alloc, link_sealed(l), &o, &pages, NULL), ERR_OK);
		assert_int_equal(link_asked(l) != 0, run > 0);
		if (link_asked(l))
			sealed_pages_adopt(pages, 1, link_asked(l));
		if (link_trail(l))
			sealed_pages_follow(pages, link_trail(l));
		assert_int_equal(device_client_read(pages, 7, 100, NULL), ERR_OK);
		assert_int_equal(sealed_pages_stats(pages).round_trips, 1);
		assert_int_equal(link_learn(l), run == 0);
		(void)sealed_pages_trail(pages, &trail);
		link_keep(l, &trail);
		guest_pages_destroy(pages);
		link_close(l);
		connect_again();
	}
}

static void note_of_nobody(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_CARRIER)
		memset(t.arena, 0, sizeof(t.arena));
}
static void altered_note(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_CARRIER)
		((uint8_t *)t.arena)[100] ^= 1;
}
static void altered_key_of_a_note(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_CARRIER)
		t.arena[1] ^= 1;
}
static void shorter_note(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_CARRIER)
		call->result -= 1 << 8;
}
static void longer_note(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_CARRIER)
		call->result |= 1ll << 40;
}
static void note_of_another_enclave(struct abi_ocall *call)
{
	/* once the note has been opened it is this one again, or the device would refuse it */
	t.other_enclave = call->number == ABI_GUEST_CARRIER;
}
static void note_about_another_vm(struct abi_ocall *call)
{
	uint8_t secret[16], *arena = (uint8_t *)t.arena + sizeof(uint64_t);
	size_t size = (size_t)call->result >> 8;

	if (call->number != ABI_GUEST_CARRIER)
		return;
	/* the enclave's own, but for the name that it was sealed with */
	memcpy(secret, arena, sizeof(secret));
	secret[0] ^= 0x77;
	assert_int_equal(channel_note_open(secret, DEVICE_VM, strlen(DEVICE_VM), arena + 48, size - 48, arena + 32,
					   NULL), ERR_OK);
	assert_int_equal(channel_note_seal(secret, "another", 7, arena + 48, size - 48, arena + 32, NULL), ERR_OK);
}
static void note_of_another_boot(struct abi_ocall *call)
{
	uint8_t secret[16], *arena = (uint8_t *)t.arena + sizeof(uint64_t);
	size_t size = (size_t)call->result >> 8;

	if (call->number != ABI_GUEST_CARRIER)
		return;
	memcpy(secret, arena, sizeof(secret));
	secret[0] ^= 0x77;
	assert_int_equal(channel_note_open(secret, DEVICE_VM, strlen(DEVICE_VM), arena + 48, size - 48, arena + 32,
					   NULL), ERR_OK);
	arena[48] ^= 1; /* the generation */
	assert_int_equal(channel_note_seal(secret, DEVICE_VM, strlen(DEVICE_VM), arena + 48, size - 48, arena + 32,
					   NULL), ERR_OK);
}

static void (*const lies_about_notes[])(struct abi_ocall *call) = {
	note_of_nobody,		 altered_note,		altered_key_of_a_note, shorter_note, longer_note,
	note_of_another_enclave, note_about_another_vm, note_of_another_boot,
};

static void notes_that_are_none_are_left_alone(void **state)
{
	struct guest_trail kept;
	struct link *l;

	(void)state;
	keep_a_trail(&kept);
	for (size_t i = 0; i < BASE_COUNT(lies_about_notes); i++) {
		t.lie = lies_about_notes[i];
		t.other_enclave = t.lie == note_of_another_enclave;
		assert_int_equal(open_link(&l, NULL), ERR_OK);
		assert_null(link_trail(l));
		link_close(l);
		connect_again();
	}
	t.lie = NULL;
	t.other_enclave = false;
	assert_int_equal(open_link(&l, NULL), ERR_OK);
	assert_non_null(link_trail(l));
	link_close(l);
}

static void greeted_not(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_CARRIER)
		call->result = ABI_GUEST_BY_RING;
}
static void greeted_if_you_believe_it(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_CARRIER)
		call->result = ABI_GUEST_GREETED;
}

static void refused(const char *text)
{
	struct err_ctx err = {0};
	struct link *l = NULL;
	enum err e = open_link(&l, &err);

	assert_int_not_equal(e, ERR_OK);
	assert_null(l);
	if (!strstr(err.text, text))
		fail_msg("\"%s\" instead of \"%s\"", err.text, text);
}

/* The device may have it: but the session is for the VM that the enclave means. */
static void greeted_for_another_vm(void **state)
{
	(void)state;
	assert_int_equal(host_guest_greet(t.host, "another", NULL), ERR_OK);
	refused("");
}

static void greeted_twice(void **state)
{
	(void)state;
	assert_int_equal(host_guest_greet(t.host, DEVICE_VM, NULL), ERR_OK);
	t.lie = greeted_not;
	refused("");
}

static void debug_enclaves_are_refused(void **state)
{
	(void)state;
	t.debug = true;
	refused("a debug enclave");
}

static void unknown_enclaves_are_refused(void **state)
{
	(void)state;
	t.other_enclave = true;
	refused("no enclave with MRENCLAVE 7878");
}

/* ---- hosts that lie ---- */

static void ring_inside(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_RING)
		call->result = (int64_t)(uintptr_t)t.inside;
}
static void ring_reaches_inside(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_RING)
		call->result = (int64_t)(uintptr_t)t.inside - ABI_PAGE;
}
static void ring_wraps_around(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_RING)
		call->result = INT64_MAX & ~(int64_t)(ABI_PAGE - 1);
}
static void ring_unaligned(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_RING)
		call->result += 8;
}
static void ring_nowhere(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_RING)
		call->result = 0;
}
static void worker_inside(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_WATCH)
		call->result = (int64_t)(uintptr_t)t.inside;
}
static void worker_reaches_inside(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_WATCH)
		call->result = (int64_t)(uintptr_t)t.inside - 8;
}
static void worker_unaligned(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_WATCH)
		call->result += 4;
}
static void worker_nowhere(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_WATCH)
		call->result = 0;
}
static void no_ring(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_RING)
		call->result = -ENOMEM;
}
/* The payload of the frame of this kind among those that came; NULL: there is none. */
static uint64_t *frame_of(const struct abi_ocall *call, uint64_t kind)
{
	size_t words = call->number == ABI_GUEST_FRAMES && call->result > 0 ? (size_t)call->result / 8 : 0;

	for (size_t i = 0; i < words; i += 1 + ((t.arena[i] & UINT32_MAX) + 7) / 8) {
		if (t.arena[i] >> 32 == kind)
			return &t.arena[i + 1];
	}
	return NULL;
}

static void frame_too_long(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_FRAMES)
		t.arena[0] |= CHANNEL_FRAME_PAYLOAD_MAX + 1;
}
static void frame_longer_than_what_came(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_FRAMES)
		t.arena[0] += (uint64_t)call->result;
}
static void frame_of_another_kind(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_FRAMES)
		t.arena[0] += 1ull << 32;
}
static void frame_of_no_kind(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_FRAMES)
		t.arena[0] |= 1ull << 60;
}
static void frames_beyond_the_arena(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_FRAMES)
		call->result = INT64_MAX - 7;
}
static void frames_of_half_a_word(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_FRAMES)
		call->result -= 4;
}
static void frames_of_no_bytes(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_FRAMES)
		call->result = 0;
}
static void altered_answer(struct abi_ocall *call)
{
	uint64_t *answer = frame_of(call, CHANNEL_FRAME_ANSWER);

	if (answer)
		answer[1] ^= 1;
}
static void altered_acceptance(struct abi_ocall *call)
{
	uint64_t *record = frame_of(call, CHANNEL_FRAME_RECORD);

	if (record)
		record[9] ^= 1;
}
static void larger_ring(struct abi_ocall *call)
{
	uint64_t *granted = frame_of(call, CHANNEL_FRAME_RING);

	if (granted)
		granted[0] <<= 1;
}
static void odd_ring(struct abi_ocall *call)
{
	uint64_t *granted = frame_of(call, CHANNEL_FRAME_RING);

	if (granted)
		granted[0] -= 8;
}
static void odd_type_of_evidence(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_TARGET)
		call->result = 1;
}
static void quote_that_is_none(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_TARGET)
		call->result = CHANNEL_EVIDENCE_DCAP;
	if (call->number == ABI_GUEST_QUOTE)
		call->result = 1000;
}
static void quote_too_long(struct abi_ocall *call)
{
	quote_that_is_none(call);
	if (call->number == ABI_GUEST_QUOTE)
		call->result = CHANNEL_PROOF_MAX + 1;
}
static void hung_up(struct abi_ocall *call)
{
	call->result = -EPIPE;
}
static void unknown(struct abi_ocall *call)
{
	call->result = -ENOSYS;
}

struct lie {
	const char *name;
	void (*lie)(struct abi_ocall *call);
	const char *text;
};
#define LIE(f, text) {#f, f, text}

static const struct lie lies_at_the_start[] = {
	LIE(ring_inside, "isn't outside the enclave"),
	LIE(ring_reaches_inside, "isn't outside the enclave"),
	LIE(ring_wraps_around, "isn't outside the enclave"),
	LIE(ring_unaligned, "isn't outside the enclave"),
	LIE(ring_nowhere, "isn't outside the enclave"),
	LIE(worker_inside, "a worker that isn't outside"),
	LIE(worker_reaches_inside, "a worker that isn't outside"),
	LIE(worker_unaligned, "a worker that isn't outside"),
	LIE(worker_nowhere, "a worker that isn't outside"),
	LIE(no_ring, "the host can't map a ring (error 12)"),
	LIE(frame_too_long, "a frame of kind"),
	LIE(frame_longer_than_what_came, "a frame of kind"),
	LIE(frames_beyond_the_arena, "frames of 9223372036854775800 bytes"),
	LIE(frames_of_half_a_word, "the host gives frames of"),
	LIE(frames_of_no_bytes, "hung up"),
	LIE(frame_of_another_kind, "a refusal of 0 bytes"),
	LIE(frame_of_no_kind, "of kind"),
	LIE(altered_answer, ""),
	LIE(altered_acceptance, "failed authentication"),
	LIE(larger_ring, "ring"),
	LIE(odd_ring, "ring"),
	LIE(odd_type_of_evidence, "nobody who makes evidence"),
	LIE(quote_that_is_none, "not the evidence of a development key"),
	LIE(quote_too_long, "the host makes no quote"),
	LIE(hung_up, "hung up"),
	LIE(greeted_if_you_believe_it, ""),
	LIE(unknown, "the host can't exchange frames (error 38)"),
};

static void lies_at_the_start_are_refused(void **state)
{
	const struct lie *l = *state;

	t.lie = l->lie;
	refused(l->text);
}

static void head_too_far(struct channel_ring_head *r)
{
	r->to_client.head += 1 << 20;
}
static void head_odd(struct channel_ring_head *r)
{
	r->to_client.head += 4;
}
static void head_back(struct channel_ring_head *r)
{
	r->to_client.head -= 64;
}
static void tail_ahead(struct channel_ring_head *r)
{
	r->to_device.tail += 1 << 12;
}
static void all_ones(struct channel_ring_head *r)
{
	memset(r, 0xff, sizeof(*r));
}
static void other_bytes(struct channel_ring_head *r)
{
	uint8_t *bytes = (uint8_t *)(r + 1);

	for (size_t i = 0; i < (1 << 16) + (1 << 18); i++)
		bytes[i] ^= 0x55;
	r->to_client.head += 4096;
}

struct ring_lie {
	const char *name;
	void (*lie)(struct channel_ring_head *r);
	bool seen; /* before the honest device can overwrite it */
};
#define RING_LIE(f, seen) {#f, f, seen}

static const struct ring_lie lies_in_the_ring[] = {
	RING_LIE(head_too_far, true), RING_LIE(head_odd, true),	   RING_LIE(head_back, true),
	RING_LIE(all_ones, true),     RING_LIE(other_bytes, true), RING_LIE(tail_ahead, false),
};

static void lies_in_the_ring_are_seen(void **state)
{
	const struct ring_lie *lie = *state;
	struct guest_pages *pages;
	struct err_ctx err = {0};
	struct link *l;
	enum err e;

	assert_int_equal(open_link(&l, NULL), ERR_OK);
	pages = open_pages(l);
	assert_int_equal(device_client_read(pages, 0, 8, NULL), ERR_OK);
	if (lie->seen)
		kill(t.device.pid, SIGSTOP);
	lie->lie(t.ring);
	/* aborts for a page with other bytes than the guest's, or one that is said to be absent */
	e = device_client_read(pages, 100, 64, &err);
	if (lie->seen)
		assert_int_equal(e, ERR_TAMPERED);
	if (e)
		assert_int_not_equal(device_client_read(pages, 200, 1, NULL), ERR_OK);
	kill(t.device.pid, SIGCONT);
	guest_pages_destroy(pages);
	link_close(l);
}

static bool stop_altering;

/* Bytes that are on their way to the enclave, and now and then where they end; and back at once. */
static void *alter(void *arg)
{
	uint64_t *bytes = (uint64_t *)(t.ring + 1) + (1 << 16) / 8;

	(void)arg;
	for (uint64_t i = 0; !__atomic_load_n(&stop_altering, __ATOMIC_SEQ_CST); i++) {
		uint64_t *word = i % 64 == 0 ? &t.ring->to_client.head : &bytes[i * 37 % (1 << 15)];
		uint64_t bit = i % 64 == 0 ? 64 : 1ull << i % 61;
		uint64_t was = __atomic_load_n(word, __ATOMIC_SEQ_CST), now = was ^ bit;

		/* back only if the device hasn't written meanwhile: else it would be altered for good */
		if (__atomic_compare_exchange_n(word, &was, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			__atomic_compare_exchange_n(word, &now, was, false, __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void a_ring_that_changes_while_it_is_read(void **state)
{
	struct guest_pages *pages;
	struct link *l;
	pthread_t thread;

	(void)state;
	assert_int_equal(open_link(&l, NULL), ERR_OK);
	pages = open_pages(l);
	stop_altering = false;
	assert_int_equal(pthread_create(&thread, NULL, alter, NULL), 0);
	/* aborts for a page with other bytes than the guest's, or one that is said to be absent */
	for (unsigned int i = 0; i < 50; i++)
		if (device_client_read(pages, i * 30, 30, NULL))
			break;
	__atomic_store_n(&stop_altering, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	guest_pages_destroy(pages);
	link_close(l);
}

static void no_wake_ups(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_SLEEP || call->number == ABI_GUEST_WAKE)
		call->result = (int64_t)0x8000000000000000ull;
}

static void odd_results_of_waiting_only_cost_time(void **state)
{
	struct guest_pages *pages;
	struct link *l;

	(void)state;
	assert_int_equal(open_link(&l, NULL), ERR_OK);
	t.lie = no_wake_ups;
	pages = open_pages(l);
	assert_int_equal(device_client_read(pages, 0, 256, NULL), ERR_OK);
	guest_pages_destroy(pages);
	link_close(l);
}

static void worker_that_does_nothing(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_WATCH) {
		t.idle_worker = (struct abi_worker){.watching = 1, .clock = UINT64_MAX};
		call->result = (int64_t)(uintptr_t)&t.idle_worker;
	}
}

static void an_idle_worker_only_costs_time(void **state)
{
	struct guest_pages *pages;
	struct link *l;

	(void)state;
	t.lie = worker_that_does_nothing;
	assert_int_equal(open_link(&l, NULL), ERR_OK);
	pages = open_pages(l);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(device_client_read(pages, i, 64, NULL), ERR_OK);
		t.idle_worker.clock = i;
	}
	guest_pages_destroy(pages);
	link_close(l);
}

/* Answers that never come, with a clock that runs. */
static void swallow(struct abi_ocall *call)
{
	no_worker(call);
	if (call->number == ABI_GUEST_SLEEP) {
		t.clock += 10000000000ull;
		__atomic_store_n(&t.ring->to_device.head, 0, __ATOMIC_SEQ_CST);
	}
}

static void is_given_up(void (*lie)(struct abi_ocall *call))
{
	struct guest_pages *pages;
	struct err_ctx err = {0};
	struct link *l;

	t.lie = no_worker;
	assert_int_equal(open_link(&l, NULL), ERR_OK);
	pages = open_pages(l);
	t.clock = carrier_now();
	t.lie = lie;
	kill(t.device.pid, SIGSTOP);
	assert_int_not_equal(device_client_read(pages, 0, 4, &err), ERR_OK);
	assert_non_null(strstr(err.text, "took too long"));
	kill(t.device.pid, SIGCONT);
	t.lie = NULL;
	guest_pages_destroy(pages);
	link_close(l);
}

static void a_device_that_is_silent_is_given_up(void **state)
{
	(void)state;
	is_given_up(swallow);
}

/* Its time stands still, and whoever is to sleep is called at once. */
static void a_host_without_time_is_given_up(void **state)
{
	(void)state;
	t.sleepless = true;
	is_given_up(no_worker);
}

/* A host that stops the clock doesn't get old pages taken for new ones for ever. */
static void a_clock_that_stands_still(void **state)
{
	struct sealed_options o = {.cache_pages = 64, .readahead = 1, .freshness_ns = 10000000};
	struct guest_pages *pages;
	uint64_t before;
	struct link *l;

	(void)state;
	t.lie = no_worker;
	assert_int_equal(open_link(&l, NULL), ERR_OK);
	o.generation = link_accept(l)->generation;
	assert_int_equal(sealed_pages_create(&t.alloc, link_sealed(l), &o, &pages, NULL), ERR_OK);
	t.clock = 5;
	assert_int_equal(device_client_read(pages, 0, 1, NULL), ERR_OK);
	before = sealed_pages_stats(pages).round_trips;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(device_client_read(pages, 0, 1, NULL), ERR_OK);
	assert_true(sealed_pages_stats(pages).round_trips > before);
	guest_pages_destroy(pages);
	link_close(l);
}

/* ---- over files ---- */

static void the_guest_is_read_over_files(void **state)
{
	struct guest_pages *pages;
	struct link *l;

	(void)state;
	assert_int_equal(open_link(&l, NULL), ERR_OK);
	assert_int_equal(link_accept(l)->generation, DEVICE_GENERATION);
	pages = open_pages(l);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(device_client_read(pages, i * 3, 1, NULL), ERR_OK);
	assert_int_equal(device_client_read(pages, 0, DEVICE_PAGES, NULL), ERR_OK);
	assert_true(sealed_pages_stats(pages).carrier.wire_bytes > DEVICE_PAGES * 4096);
	guest_pages_destroy(pages);
	link_close(l);
}

/* Once a session stands the worker tells the time, whatever it is asked for. */
static void time_costs_no_exit_over_files(void **state)
{
	struct sealed_options o = {.cache_pages = 64, .readahead = 1, .freshness_ns = INT64_MAX};
	struct guest_pages *pages;
	uint64_t before, exits = 1;
	struct link *l;

	(void)state;
	assert_int_equal(open_link(&l, NULL), ERR_OK);
	o.generation = link_accept(l)->generation;
	assert_int_equal(sealed_pages_create(&t.alloc, link_sealed(l), &o, &pages, NULL), ERR_OK);
	assert_int_equal(guest_pages_epoch(pages, NULL), ERR_OK);
	/* unless the worker was kept from its processor so long that it took the enclave for idle */
	for (unsigned int i = 0; i < 200 && exits; i++) {
		before = t.exits;
		for (unsigned int j = 0; j < 1000; j++)
			assert_int_equal(guest_pages_epoch(pages, NULL), ERR_OK);
		exits = t.exits - before;
	}
	assert_int_equal(exits, 0);
	guest_pages_destroy(pages);
	link_close(l);
}

/* It sleeps after a second in which nobody asked, and is there again for who reads. */
static void a_worker_over_files_sleeps_and_is_woken(void **state)
{
	struct guest_pages *pages;
	struct link *l;

	(void)state;
	assert_int_equal(open_link(&l, NULL), ERR_OK);
	pages = open_pages(l);
	for (unsigned int want = 0; want <= 1; want++) {
		uint64_t begun = carrier_now();

		while (__atomic_load_n(&t.worker->watching, __ATOMIC_SEQ_CST) != want &&
		       carrier_now() - begun < 120000000000ull)
			usleep(10000);
		assert_int_equal(__atomic_load_n(&t.worker->watching, __ATOMIC_SEQ_CST), want);
		assert_int_equal(device_client_read(pages, want, 1, NULL), ERR_OK);
	}
	guest_pages_destroy(pages);
	link_close(l);
}

static void (*const lies_about_workers[])(struct abi_ocall *call) = {
	worker_inside, worker_reaches_inside, worker_unaligned, worker_nowhere,
};

static void workers_over_files_that_are_not_outside(void **state)
{
	for (size_t i = 0; i < BASE_COUNT(lies_about_workers); i++) {
		if (i) {
			tear_down(state);
			set_up(state);
		}
		t.lie = lies_about_workers[i];
		refused("a worker that isn't outside");
	}
}

static void file_beyond_all(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_OPEN)
		call->result |= 1ll << 32;
}
static void file_below_all(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_OPEN)
		call->result = INT64_MIN;
}
static void another_file(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_OPEN && call->result > 0)
		call->result--;
}
static void more_than_asked_for(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_READ)
		call->result = INT64_MAX;
}
static void less_than_nothing(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_READ)
		call->result = INT64_MIN;
}
static void nothing(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_READ)
		call->result = 0;
}
static void altered_bytes(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_READ)
		t.arena[7] ^= 1;
}
static void cut_short(struct abi_ocall *call)
{
	if (call->number == ABI_GUEST_READ && call->result > 0)
		call->result--;
}
static void always_interrupted(struct abi_ocall *call)
{
	t.clock += 1000000000;
	if (call->number == ABI_GUEST_READ)
		call->result = -EINTR;
}

static void (*const lies_over_files[])(struct abi_ocall *call) = {
	file_beyond_all, file_below_all, another_file,	more_than_asked_for, less_than_nothing,
	nothing,	 altered_bytes,	 cut_short, always_interrupted, unknown,
};

static void lies_over_files_at_the_start(void **state)
{
	for (size_t i = 0; i < BASE_COUNT(lies_over_files); i++) {
		if (i) {
			tear_down(state);
			set_up(state);
		}
		t.clock = 1;
		t.alone = true;
		t.lie = lies_over_files[i];
		refused("");
	}
}

static void lies_over_files_later(void **state)
{
	for (size_t i = 0; i < BASE_COUNT(lies_over_files); i++) {
		struct guest_pages *pages;
		struct err_ctx err = {0};
		struct link *l;

		if (i) {
			tear_down(state);
			set_up(state);
		}
		t.clock = 1;
		t.alone = true;
		assert_int_equal(open_link(&l, NULL), ERR_OK);
		pages = open_pages(l);
		assert_int_equal(device_client_read(pages, 0, 8, NULL), ERR_OK);
		t.lie = lies_over_files[i];
		/* aborts for a page with other bytes than the guest's, or one that is said to be absent */
		if (device_client_read(pages, 100, 64, &err) == ERR_OK)
			fail_msg("lie %zu goes unnoticed", i);
		t.lie = NULL;
		assert_int_not_equal(device_client_read(pages, 200, 1, NULL), ERR_OK);
		guest_pages_destroy(pages);
		link_close(l);
	}
}

static int run_over_files(const char *serve)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_guest_is_read_over_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(time_costs_no_exit_over_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_worker_over_files_sleeps_and_is_woken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(workers_over_files_that_are_not_outside, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lies_over_files_at_the_start, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lies_over_files_later, set_up, tear_down),
	};
	char socket[sizeof(folder) + 8], line[128] = "";
	int in[2], out[2], failed;
	pid_t pid;

	if (!mkdtemp(folder) || pipe(in) || pipe(out))
		return 1;
	sprintf(files, "%s/files", folder);
	sprintf(socket, "%s/socket", folder);
	if (mkdir(files, 0700))
		return 1;
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		execl(serve, serve, socket, files, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	if (read(out[0], line, sizeof(line) - 1) <= 0 || strncmp(line, "ready", 5) != 0) {
		printf("%s", line);
		failed = strncmp(line, "skipped", 7) == 0 ? 77 : 1;
	} else {
		failed = cmocka_run_group_tests(tests, NULL, NULL);
	}
	/* its standard input ends */
	close(in[0]);
	close(in[1]);
	waitpid(pid, NULL, 0);
	unlink(socket);
	rmdir(files);
	rmdir(folder);
	return failed;
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_guest_is_read),
		TEST(a_session_takes_few_exits),
		TEST(memory_costs_no_exit),
		TEST(a_worker_sleeps_and_is_woken),
		TEST(a_session_that_the_host_began),
		TEST(greeted_for_another_vm),
		TEST(greeted_twice),
		TEST(a_trail_is_kept),
		TEST(what_was_asked_for_is_asked_for_at_once),
		TEST(notes_that_are_none_are_left_alone),
		TEST(debug_enclaves_are_refused),
		TEST(unknown_enclaves_are_refused),
		TEST(a_ring_that_changes_while_it_is_read),
		TEST(odd_results_of_waiting_only_cost_time),
		TEST(an_idle_worker_only_costs_time),
		TEST(a_device_that_is_silent_is_given_up),
		TEST(a_host_without_time_is_given_up),
		TEST(a_clock_that_stands_still),
	};

	struct CMUnitTest all[BASE_COUNT(tests) + BASE_COUNT(lies_at_the_start) + BASE_COUNT(lies_in_the_ring)];
	struct CMUnitTest *next = all + BASE_COUNT(tests);

	if (argc > 1)
		return run_over_files(argv[1]);
	memcpy(all, tests, sizeof(tests));
	for (size_t i = 0; i < BASE_COUNT(lies_at_the_start); i++)
		*next++ = (struct CMUnitTest){lies_at_the_start[i].name, lies_at_the_start_are_refused, set_up,
					      tear_down, (void *)&lies_at_the_start[i]};
	for (size_t i = 0; i < BASE_COUNT(lies_in_the_ring); i++)
		*next++ = (struct CMUnitTest){lies_in_the_ring[i].name, lies_in_the_ring_are_seen, set_up,
					      tear_down, (void *)&lies_in_the_ring[i]};
	device_prepare();
	return cmocka_run_group_tests(all, NULL, NULL);
}
