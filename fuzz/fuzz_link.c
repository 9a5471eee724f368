// SPDX-License-Identifier: MIT
/*
 * A hostile host on the way from an enclave to the memory device (ABI_GUEST_*): the device is a real one, in this
 * process, and the input says at which request the host lies, and how: in results, in frames that it carries, in the
 * ring's memory. What the enclave gets is the guest's bytes or an error; nothing inside is touched.
 *
 * A request takes one byte of input: below 128 the host is honest, else its lower bits are the kind of lie.
 */
#include <errno.h>

#include "abi/guest.h"
#include "device.h"
#include "emulation/report.h"
#include "fuzz.h"
#include "link.h"
#include "native.h"

enum {
	INSIDE = 1 << 16, /* bytes of the enclave */
	FRAMES = 8,
	SPARE = 16, /* pages that the host maps behind the ring */
	READS = 6,
	RING_SIZE = 4096 + (1 << 16) + (1 << 20),
};

struct frame {
	enum channel_frame_kind kind;
	size_t size;
	uint8_t bytes[CHANNEL_FRAME_PAYLOAD_MAX];
};

static struct {
	const uint8_t *input;
	size_t left;
	struct abi_ocall block;
	uint64_t arena[ABI_ARENA_SIZE / 8];
	uint64_t clock;
	uint8_t seed;
	bool lied; /* the arena may hold anything when the enclave asks once more */
	/* the device */
	struct memdev_session *session;
	struct memdev_out out;
	struct memdev_records records;
	struct channel_ring_wait wait;
	struct channel_ring_end to_device, to_client;
	bool rings;
	/* what is on its way to the enclave */
	struct frame frames[FRAMES];
	unsigned int first, count;
} w;

/* Pages of the host's: the ring, and some more. */
static uint8_t *inside, *ring;

/* ---- what stands in for the processor and the runtime ---- */

void evidence_report(const struct abi_targetinfo *target, const uint8_t data[64],
		     struct abi_report *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->attributes.flags = ABI_ATTR_INIT | ABI_ATTR_MODE64BIT;
	memset(ret->mrenclave, 0x77, sizeof(ret->mrenclave));
	memcpy(ret->report_data, data, sizeof(ret->report_data));
	emulation_report_mac(ret, target, ret->mac);
}

/* As a processor's: of this enclave, and what is asked for. */
bool evidence_key(const struct abi_keyrequest *request, uint8_t ret[ABI_KEY_SIZE])
{
	memcpy(ret, request->keyid, ABI_KEY_SIZE);
	ret[0] ^= 0x77;
	return request->key_name == ABI_KEY_SEAL && request->key_policy == ABI_KEYPOLICY_MRENCLAVE;
}

/* So that waiting ends. */
uint64_t trusted_now(void)
{
	return w.clock += 1000000000;
}

void trusted_random(void *ret, size_t size)
{
	memset(ret, 0x5a, size);
}

/* ---- the device ---- */

static bool fill(void *ctx, void *buf, size_t size)
{
	(void)ctx;
	memset(buf, ++w.seed, size);
	return true;
}

static void queue(enum channel_frame_kind kind, const void *bytes, size_t size)
{
	struct frame *f = &w.frames[(w.first + w.count) % FRAMES];

	FUZZ_ASSERT(size <= sizeof(f->bytes));
	if (w.count == FRAMES)
		return;
	f->kind = kind;
	f->size = size;
	if (size)
		memcpy(f->bytes, bytes, size);
	w.count++;
}

static enum err device_frame(struct memdev_out *o, enum channel_frame_kind kind, const void *bytes,
			     size_t size, struct err_ctx *err)
{
	(void)o;
	(void)err;
	queue(kind, bytes, size);
	return ERR_OK;
}

static enum err device_record(struct memdev_records *r, const void *record, size_t size,
			      struct err_ctx *err)
{
	(void)r;
	return channel_ring_write(&w.to_client, record, size, err);
}

/* The other end doesn't run meanwhile. */
static enum err give_up(struct channel_ring_wait *wait, uint64_t *bell, struct err_ctx *err)
{
	(void)wait;
	(void)bell;
	return err_set(err, ERR_LIMIT, "nothing comes");
}

static void wake_nobody(struct channel_ring_wait *wait, uint64_t *bell)
{
	(void)wait;
	(void)bell;
}

static void make_ring(const void *ask, size_t size)
{
	uint8_t grant[CHANNEL_RING_SIZES_SIZE];
	struct channel_ring_sizes sizes;

	if (channel_ring_sizes_decode(ask, size, &sizes, NULL) || w.rings ||
	    channel_ring_region_size(&sizes) > RING_SIZE)
		return;
	memset(ring, 0, sizeof(struct channel_ring_head));
	w.wait = (struct channel_ring_wait){.sleep = give_up, .wake = wake_nobody, .spins_max = 1};
	w.rings = !channel_ring_reader_init(&w.to_device, ring, &sizes, CHANNEL_TO_DEVICE, &w.wait, NULL) &&
		  !channel_ring_writer_init(&w.to_client, ring, &sizes, CHANNEL_TO_CLIENT, &w.wait, NULL);
	channel_ring_sizes_encode(&sizes, grant);
	queue(CHANNEL_FRAME_RING, grant, sizeof(grant));
}

static void device_turn(void)
{
	static uint8_t record[CHANNEL_REQUEST_MAX + CHANNEL_OVERHEAD];
	const struct channel_ring_head *head = (const struct channel_ring_head *)ring;
	size_t size;

	while (w.rings && head->to_device.head != head->to_device.tail)
		w.rings = !channel_ring_read(&w.to_device, record, sizeof(record), &size, NULL) &&
			  !memdev_session_record(w.session, record, size, &w.records, NULL);
}

/* ---- the host ---- */

static uint64_t take(size_t bytes)
{
	return fuzz_take(&w.input, &w.left, bytes);
}

/* No device is behind files here: what they hold is the input. */
static int64_t read_file(void)
{
	uint64_t size = take(1);

	for (uint64_t i = 0; i < size; i += 8)
		w.arena[i / 8] = take(8);
	return (int64_t)size;
}

static void send_frame(uint64_t kind, const void *payload, size_t size)
{
	if (kind == CHANNEL_FRAME_OPEN)
		queue(CHANNEL_FRAME_OPENED, NULL, 0);
	else if (kind == CHANNEL_FRAME_RING)
		make_ring(payload, size);
	else
		(void)!memdev_session_frame(w.session, (enum channel_frame_kind)kind, payload, size, &w.out, NULL);
}

/* As enclave/host/guest.c does it. */
static int64_t exchange(const struct abi_ocall *call)
{
	uint64_t used = 0;

	FUZZ_ASSERT(call->args[0] <= sizeof(w.arena) && call->args[0] % 8 == 0);
	for (uint64_t i = 0; i < call->args[0] / 8;) {
		uint64_t size = w.arena[i] & UINT32_MAX;

		if (size > CHANNEL_FRAME_PAYLOAD_MAX || 8 * (i + 1) + size > call->args[0]) {
			FUZZ_ASSERT(w.lied);
			return -EINVAL;
		}
		send_frame(w.arena[i] >> 32, &w.arena[i + 1], size);
		i += 1 + (size + 7) / 8;
	}
	for (uint64_t i = 0; i < call->args[1] && w.count; i++) {
		const struct frame *f = &w.frames[w.first];

		w.arena[used++] = (uint64_t)f->kind << 32 | f->size;
		memcpy(&w.arena[used], f->bytes, f->size);
		used += (f->size + 7) / 8;
		w.first = (w.first + 1) % FRAMES;
		w.count--;
	}
	return used ? (int64_t)(8 * used) : -EPIPE;
}

static int64_t honest(const struct abi_ocall *call)
{
	switch (call->number) {
	case ABI_GUEST_FRAMES:
		return exchange(call);
	case ABI_GUEST_RING:
		return (int64_t)(uintptr_t)ring;
	case ABI_GUEST_SLEEP:
	case ABI_GUEST_WAKE:
		FUZZ_ASSERT(call->args[0] % 8 == 0 && call->args[0] <= RING_SIZE - 8);
		device_turn();
		return 0;
	case ABI_GUEST_TARGET:
		return CHANNEL_EVIDENCE_EMULATED;
	case ABI_GUEST_CARRIER:
		return ABI_GUEST_BY_RING;
	case ABI_GUEST_WATCH:
		return -EAGAIN;
	case ABI_GUEST_OPEN:
	case ABI_GUEST_CLOSE:
	case ABI_GUEST_KEEP:
		return 0;
	case ABI_GUEST_READ:
		return read_file();
	default:
		return -EINVAL;
	}
}

/*
 * Where shared memory may be said to be: what lies outside the enclave has to be mapped here, or we would fault. A worker
 * that the enclave takes, and that does nothing, would cost a second an input: test_link.c has one.
 */
static int64_t lie_of_place(unsigned int number, uint64_t what)
{
	uint64_t in = (uint64_t)(uintptr_t)inside, at = take(3);
	uint64_t room = number == ABI_GUEST_RING ? RING_SIZE : sizeof(struct abi_worker);

	switch (what % 4) {
	case 0:
		return (int64_t)(in + at % INSIDE);
	case 1:
		return (int64_t)(in - 1 - at % (room - 1)); /* reaches inside */
	case 2:
		return number == ABI_GUEST_RING ? (int64_t)((uint64_t)(uintptr_t)ring + at % (SPARE * 4096)) : 0;
	default:
		return (int64_t)(at << 44) | 4; /* refused as unaligned: nothing is mapped there */
	}
}

static bool is_place(const struct abi_ocall *call)
{
	return call->number == ABI_GUEST_RING || call->number == ABI_GUEST_WATCH;
}

static void lie(struct abi_ocall *call, uint64_t what)
{
	uint64_t *words = (uint64_t *)ring;
	uint64_t at;

	w.lied = true;
	switch (what % 8) {
	case 0:
		call->result = is_place(call) ? lie_of_place((unsigned int)call->number, what / 8) : (int64_t)take(8);
		break;
	case 1:
		call->result = -(int64_t)take(2);
		break;
	case 2:
		if (!is_place(call))
			call->result ^= (int64_t)(1ull << take(1) % 64);
		break;
	case 3: /* an altered frame, or quote, or target */
		at = take(1);
		w.arena[at] ^= take(8);
		break;
	case 4: /* a word of the ring's head: eight lines, of two words at most */
		at = take(1) % 16;
		words[at / 2 * (CHANNEL_RING_LINE / 8) + at % 2] = take(8);
		break;
	case 5: /* a word of the ring's bytes */
		at = take(2);
		words[512 + at] ^= take(8);
		break;
	case 6: /* the last frame once more */
		w.first = (w.first + FRAMES - 1) % FRAMES;
		w.count += w.count < FRAMES;
		break;
	default:
		if (!is_place(call))
			call->result = CHANNEL_EVIDENCE_DCAP;
	}
}

static void serve(struct abi_ocall *call)
{
	uint64_t what = take(1);

	FUZZ_ASSERT(call->number >= ABI_GUEST_FRAMES && call->number <= ABI_GUEST_KEEP);
	/* now and then it doesn't do at all what it was asked for */
	if (what < 248)
		call->result = honest(call);
	/* a negative result is no address: what isn't refused as one is mapped */
	if (what >= 128)
		lie(call, what);
}

static void nobody_leaves(void)
{
	FUZZ_ASSERT(!"the enclave stopped itself");
}

static void set_up(struct base_alloc *alloc, struct guest_pages *pages)
{
	static const struct channel_random random = {fill, NULL};
	struct memdev_session_options o = device_session_options(pages);
	struct trusted_thread *self = trusted_thread_at(0);

	o.random = &random;
	w.out.frame = device_frame;
	w.records.record = device_record;
	native.base = (uint64_t)(uintptr_t)inside;
	((struct abi_thread *)native.pages[0])->size = INSIDE;
	native.serve = serve;
	native.left = nobody_leaves;
	self->ocall = &w.block;
	self->arena = (uint8_t *)w.arena;
	self->arena_size = sizeof(w.arena);
	FUZZ_ASSERT(memdev_session_create(alloc, &o, &w.session, NULL) == ERR_OK);
}

static void read_guest(struct base_alloc *alloc, struct link *l)
{
	struct sealed_options o = {.cache_pages = 64, .readahead = 1,
				   .generation = link_accept(l)->generation};
	struct guest_pages *pages;

	FUZZ_ASSERT(o.generation == DEVICE_GENERATION);
	FUZZ_ASSERT(sealed_pages_create(alloc, link_sealed(l), &o, &pages, NULL) == ERR_OK);
	/* stops the process for a page that isn't the guest's, or one that is said to be absent */
	for (unsigned int i = 0; i < READS; i++)
		if (device_client_read(pages, i * 40, 1 + i * i, NULL))
			break;
	guest_pages_destroy(pages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct base_alloc guest_alloc;
	static struct device_guest *memory; /* for good */
	static struct guest_pages *guest;
	const uint8_t *device = device_client_options(CARRIER_RING).session.device;
	struct base_alloc alloc;
	struct err_ctx err = {0};
	struct link *l = NULL;
	enum err e;

	if (!memory) {
		base_alloc_init(&guest_alloc, 64 << 20);
		memory = device_guest_create(&guest_alloc, &guest);
		inside = aligned_alloc(4096, RING_SIZE + INSIDE);
		ring = aligned_alloc(4096, RING_SIZE + SPARE * 4096);
		FUZZ_ASSERT(inside && ring);
		inside += RING_SIZE; /* a smaller ring may end before */
		memset(inside, 0, INSIDE);
	}
	memset(&w, 0, offsetof(__typeof__(w), frames));
	w.first = w.count = 0;
	w.input = data;
	w.left = size;
	base_alloc_init(&alloc, 64 << 20);
	set_up(&alloc, guest);
	e = link_open(&alloc, DEVICE_VM, device, &l, &err);
	FUZZ_ASSERT(e ? !l && err.code == e && err.text[0] : !!l);
	if (!e)
		read_guest(&alloc, l);
	link_close(l);
	memdev_session_destroy(w.session);
	FUZZ_ASSERT(alloc.used == 0);
	for (size_t i = 0; i < INSIDE; i++)
		FUZZ_ASSERT(!inside[i]);
	return 0;
}
