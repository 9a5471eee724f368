// SPDX-License-Identifier: MIT
/*
 * A session on the device's side, whose client may do anything. The first byte: 0, frames from the
 * start; 1, frames after an honest acceptance; 2, plaintexts that the client seals. Then: one byte of
 * kind (or type of record), two of size, and so many bytes; over and over.
 */
#include "fuzz.h"
#include "memdev/session.h"
#include "sealed/session.h"

struct world {
	struct sealed_transport transport;
	struct memdev_out out;
	struct memdev_session *device;
	enum channel_frame_kind kind; /* of the device's last frame */
	size_t size;
	uint8_t bytes[CHANNEL_FRAME_PAYLOAD_MAX];
	uint8_t seed;
	bool honest;
};

static struct fuzz_phys phys;
static struct guest_pages *pages;

static bool fill(void *ctx, void *buf, size_t size)
{
	struct world *w = ctx;

	for (size_t i = 0; i < size; i++)
		((uint8_t *)buf)[i] = ++w->seed;
	return true;
}

static enum err judge(struct memdev_judge *j, const struct channel_evidence *e,
		      const uint8_t transcript[CHANNEL_HASH_SIZE], const char *vm,
		      char who[MEMDEV_WHO_SIZE], struct err_ctx *err)
{
	(void)j;
	(void)vm;
	memcpy(who, "me", 3);
	return channel_development_check(e, transcript, err);
}

static enum err find(struct memdev_guest *g, struct guest_pages **pages_ret,
		     struct channel_accept *accept_ret, struct err_ctx *err)
{
	(void)g;
	(void)err;
	*pages_ret = pages;
	*accept_ret = (struct channel_accept){.kernel_top = 0x1000, .levels = 4, .release = "6.1"};
	return ERR_OK;
}

static enum err device_frame(struct memdev_out *o, enum channel_frame_kind kind, const void *bytes,
			     size_t size, struct err_ctx *err)
{
	struct world *w = (struct world *)((char *)o - offsetof(struct world, out));

	(void)err;
	FUZZ_ASSERT(size <= sizeof(w->bytes));
	w->kind = kind;
	w->size = size;
	if (size)
		memcpy(w->bytes, bytes, size);
	return ERR_OK;
}

static enum err client_send(struct sealed_transport *t, enum channel_frame_kind kind,
			    const void *bytes, size_t size, struct err_ctx *err)
{
	struct world *w = (struct world *)t;

	if (kind != CHANNEL_FRAME_OPEN)
		return memdev_session_frame(w->device, kind, bytes, size, &w->out, err);
	w->kind = CHANNEL_FRAME_OPENED;
	w->size = 0;
	return ERR_OK;
}

static enum err client_receive(struct sealed_transport *t, enum channel_frame_kind *kind_ret,
			       void *buf, size_t *size_ret, struct err_ctx *err)
{
	struct world *w = (struct world *)t;

	(void)err;
	*kind_ret = w->kind;
	*size_ret = w->size;
	memcpy(buf, w->bytes, w->size);
	return ERR_OK;
}

static void do_frames(struct world *w, const uint8_t *data, size_t size)
{
	while (size >= 3) {
		uint64_t kind = fuzz_take(&data, &size, 1), n = fuzz_take(&data, &size, 2);
		struct err_ctx err = {0};
		enum err e;

		n = n < size ? n : size;
		e = memdev_session_frame(w->device, (enum channel_frame_kind)kind, data, n, &w->out,
					 &err);
		FUZZ_ASSERT(e == ERR_OK || (err.code == e && err.text[0]));
		/* an error is the end */
		FUZZ_ASSERT(e == ERR_OK || !memdev_session_serves(w->device));
		/* without keys nobody is served */
		FUZZ_ASSERT(w->honest || !memdev_session_serves(w->device));
		data += n;
		size -= n;
	}
}

static void do_plaintexts(struct world *w, struct sealed_session *client, const uint8_t *data,
			  size_t size)
{
	static uint8_t record[CHANNEL_FRAME_PAYLOAD_MAX];

	while (size >= 3) {
		uint64_t type = fuzz_take(&data, &size, 1), n = fuzz_take(&data, &size, 2);
		size_t sealed;

		n = n < size ? n : size;
		if (channel_seal(client->sealer, (uint16_t)type, NULL, data, n, record,
				 sizeof(record), &sealed, NULL) == ERR_OK)
			(void)!memdev_session_frame(w->device, CHANNEL_FRAME_RECORD, record, sealed,
						    &w->out, NULL);
		data += n;
		size -= n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t secret[CHANNEL_KEY_SIZE] = {9}, seed[CHANNEL_SIGNING_KEY_SIZE] = {7};
	static const struct guest_paging paging = {{0}, 4};
	static struct world w;
	struct memdev_judge judge_all = {judge};
	struct memdev_guest guest = {find};
	struct channel_random random = {fill, &w};
	struct channel_key_pair device;
	struct channel_signing_key key;
	struct sealed_development me;
	struct memdev_session_options o = {&device, &random, "vm", &judge_all, &guest};
	struct sealed_session_options so = {"vm", device.public, &me.identity, &random,
					    CHANNEL_IN_ORDER};
	struct sealed_session *client = NULL;
	uint64_t mode = fuzz_take(&data, &size, 1);
	struct base_alloc alloc;

	memset(&w, 0, sizeof(w));
	w.transport.send = client_send;
	w.transport.receive = client_receive;
	w.out.frame = device_frame;
	w.honest = mode;
	base_alloc_init(&alloc, 64 << 20);
	FUZZ_ASSERT(channel_library_init(NULL) == ERR_OK &&
		    channel_key_pair_from_secret(secret, &device, NULL) == ERR_OK &&
		    channel_signing_key_from_seed(seed, &key, NULL) == ERR_OK);
	sealed_development_init(&me, &key);
	/* the guest's memory is the input, too: its page tables are whatever */
	fuzz_phys_init(&phys, data, size, (unsigned int)mode);
	FUZZ_ASSERT(guest_walk_pages_create(&alloc, &phys.phys, &paging, 64, &pages) == ERR_OK);
	FUZZ_ASSERT(memdev_session_create(&alloc, &o, &w.device, NULL) == ERR_OK);
	if (mode)
		FUZZ_ASSERT(sealed_session_open(&alloc, &w.transport, &so, &client, NULL) == ERR_OK);
	if (mode < 2)
		do_frames(&w, data, size);
	else
		do_plaintexts(&w, client, data, size);
	sealed_session_close(client);
	memdev_session_destroy(w.device);
	guest_pages_destroy(pages);
	fuzz_phys_deinit(&phys);
	FUZZ_ASSERT(alloc.used == 0);
	return 0;
}
