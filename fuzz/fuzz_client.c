// SPDX-License-Identifier: MIT
/*
 * A session on the client's side, whose device may say anything: the frames are the input, one byte
 * of kind, two of size, and so many bytes. No input is the device's: none may open a session.
 */
#include "fuzz.h"
#include "sealed/session.h"

struct host {
	struct sealed_transport transport;
	const uint8_t *data;
	size_t size;
};

static enum err host_send(struct sealed_transport *t, enum channel_frame_kind kind,
			  const void *bytes, size_t size, struct err_ctx *err)
{
	(void)t;
	(void)kind;
	(void)err;
	FUZZ_ASSERT((bytes || !size) && size <= CHANNEL_FRAME_PAYLOAD_MAX);
	return ERR_OK;
}

static enum err host_receive(struct sealed_transport *t, enum channel_frame_kind *kind_ret,
			     void *buf, size_t *size_ret, struct err_ctx *err)
{
	struct host *h = (struct host *)t;
	uint64_t n;

	if (h->size < 3)
		return err_set(err, ERR_GONE, "the memory device hung up");
	*kind_ret = (enum channel_frame_kind)fuzz_take(&h->data, &h->size, 1);
	n = fuzz_take(&h->data, &h->size, 2);
	n = n < h->size ? n : h->size;
	memcpy(buf, h->data, n);
	h->data += n;
	h->size -= n;
	*size_ret = n;
	return ERR_OK;
}

static bool fill(void *ctx, void *buf, size_t size)
{
	(void)ctx;
	memset(buf, 3, size);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t secret[CHANNEL_KEY_SIZE] = {9}, seed[CHANNEL_SIGNING_KEY_SIZE] = {7};
	struct host h = {{host_send, host_receive}, data, size};
	struct channel_random random = {.fill = fill};
	struct channel_key_pair device;
	struct channel_signing_key key;
	struct sealed_development me;
	struct sealed_session_options o = {"vm", device.public, &me.identity, &random,
					   CHANNEL_IN_ORDER};
	struct sealed_session *s = NULL;
	struct base_alloc alloc;
	struct err_ctx err = {0};
	enum err e;

	base_alloc_init(&alloc, 1 << 20);
	FUZZ_ASSERT(channel_library_init(NULL) == ERR_OK &&
		    channel_key_pair_from_secret(secret, &device, NULL) == ERR_OK &&
		    channel_signing_key_from_seed(seed, &key, NULL) == ERR_OK);
	sealed_development_init(&me, &key);
	e = sealed_session_open(&alloc, &h.transport, &o, &s, &err);
	FUZZ_ASSERT(e != ERR_OK && !s && err.code == e && err.text[0]);
	FUZZ_ASSERT(alloc.used == 0);
	return 0;
}
