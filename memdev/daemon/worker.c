// SPDX-License-Identifier: MIT
/*
 * A worker's life. With privileges: read the VM's name, open its memory, ask the broker. Then they are
 * given up, and only then: handshake, evidence, the guest, requests.
 */
#include "worker.h"

#include <errno.h>
#include <linux/capability.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach/accept.h"
#include "attach/keys.h"
#include "attach/memory.h"
#include "carrier/region.h"
#include "carrier/socket.h"
#include "carrier/wait.h"
#include "memdev/evidence.h"
#include "memdev/ring_serve.h"
#include "memdev/session.h"
#include "sandbox.h"

#define SECOND 1000000000ull
#define MIB ((size_t)1 << 20)

enum {
	LOOK_NS = 250000000, /* how often to see whether VM and broker are still there */
	LARGE_BYTES = 64 << 10,	 /* what is allocated as pages of its own */
	READY_BYTES = 384 << 10, /* of what a small session allocates and uses */
	PAGE = 4096,
	OFFER_MS = 20,		 /* how long a client that was offered may take to say what it wants */
};

struct worker {
	const struct worker_setup *setup;
	int client;
	struct memdev_out out;
	struct memdev_guest guest;
	struct memdev_evidence_judge judge;
	struct memdev_trust_files *quotes; /* NULL: there is no root */
	unsigned int accept_tcb;
	struct attach_memory *memory;
	struct memdev_session *session;
	char vm[CHANNEL_VM_NAME_MAX + 1];
	struct report_verdict verdict;
	uint64_t deadline; /* of what the client owes; 0: none */
	uint32_t spins;
	bool found;
	struct memdev_ring_ready ring; /* of a warm worker */
	struct carrier_frame frame; /* not cleared */
};

/* ---- reports ---- */

static void report(struct worker *w, enum report_state state)
{
	struct report_page *p = w->setup->page;
	struct memdev_session_stats s = memdev_session_stats(w->session);

	p->state = state;
	p->requests = s.engine.requests;
	p->pages = s.engine.pages;
	p->bytes_in = s.bytes_in;
	p->bytes_out = s.bytes_out;
	p->memory = w->memory->alloc.used;
}

/* For who serves next. */
static void report_looked(struct worker *w)
{
	struct report_page *p = w->setup->page;
	uint32_t *looked = calloc(REPORT_LOOKED_MAX, sizeof(*looked));
	size_t count = looked ? source_looked(w->memory->source, looked, REPORT_LOOKED_MAX) : 0;

	for (size_t i = 0; i < count; i++)
		p->looked[i] = looked[i];
	p->looked_count = (uint32_t)count;
	free(looked);
}

/* Tell the broker which VM it is, and hear whether it may be served. */
static enum err ask_broker(struct worker *w, struct err_ctx *err)
{
	struct report_opened m = {.kind = REPORT_OPENED};
	struct report_verdict *v = &w->verdict;
	ssize_t n;

	memcpy(m.vm, w->vm, sizeof(m.vm));
	attach_memory_locate(w->memory, &m.at);
	if (send(w->setup->broker, &m, sizeof(m), MSG_NOSIGNAL) != sizeof(m))
		return err_set_errno(err, ERR_GONE, errno, "the broker has ended");
	do
		n = recv(w->setup->broker, v, sizeof(*v), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(*v))
		return err_set(err, ERR_GONE, "the broker has ended");
	return v->code ? err_set(err, v->code, "%s", v->text) : ERR_OK;
}

static void tell_found(struct worker *w)
{
	struct report_found *m = calloc(1, sizeof(*m));

	if (m && attach_memory_remember(w->memory, m->known) &&
	    strcmp(m->known, w->verdict.known) != 0) {
		m->kind = REPORT_FOUND;
		/* a full socket or no broker: then it isn't remembered */
		(void)!send(w->setup->broker, m, sizeof(*m), MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	free(m);
}

/* ---- while waiting ---- */

/* Are the VM and the broker still there? Neither is missed by waiting for the client only. */
static enum err look_around(struct worker *w, struct err_ctx *err)
{
	struct pollfd p = {.fd = w->setup->broker, .events = 0};

	if (poll(&p, 1, 0) == 1 && p.revents)
		return err_set(err, ERR_GONE, "the broker has ended");
	/* a VM that has gone would live on in our mapping of its memory */
	return w->memory && w->found ? source_alive(w->memory->source, err) : ERR_OK;
}

static enum err next_frame(struct worker *w, struct err_ctx *err)
{
	for (;;) {
		uint64_t slice = carrier_now() + LOOK_NS;
		bool last = w->deadline && w->deadline <= slice;
		struct err_ctx detail = {0};
		enum err e = carrier_frame_receive(w->client, last ? w->deadline : slice,
						   &w->frame, &detail);

		if (e == ERR_OK && w->frame.fd >= 0) {
			/* nothing that clients send has one */
			close(w->frame.fd);
			return err_set(err, ERR_CORRUPT, "a frame with a descriptor");
		}
		if (e == ERR_LIMIT && !last) {
			e = look_around(w, err);
			if (e)
				return e;
			continue;
		}
		if (e == ERR_LIMIT)
			return err_set(err, ERR_LIMIT, "the client took too long");
		if (e == ERR_GONE)
			return err_set(err, ERR_GONE, "the client hung up");
		if (e && err)
			*err = detail;
		return e;
	}
}

static void set_deadline(struct worker *w, unsigned int seconds)
{
	w->deadline = seconds ? carrier_now() + seconds * SECOND : 0;
}

/* ---- frames ---- */

static enum err send_frame(struct worker *w, enum channel_frame_kind kind, const void *bytes,
			   size_t size, int pass, struct err_ctx *err)
{
	unsigned int patience = w->setup->config->handshake_s;

	/* a client that doesn't take its answers is as good as gone */
	return carrier_frame_send(w->client, kind, bytes, size, pass,
				  carrier_now() + patience * SECOND, err);
}

static enum err out_frame(struct memdev_out *o, enum channel_frame_kind kind, const void *bytes,
			  size_t size, struct err_ctx *err)
{
	return send_frame((struct worker *)((char *)o - offsetof(struct worker, out)), kind, bytes,
			  size, -1, err);
}

static enum err fail(struct worker *w, enum err e, const struct err_ctx *err)
{
	struct channel_refusal r = {.code = e};
	uint8_t buf[CHANNEL_REFUSAL_MAX];
	size_t size;

	memcpy(r.text, err->text, sizeof(err->text));
	size = channel_refusal_encode(&r, buf);
	(void)!send_frame(w, CHANNEL_FRAME_FAILED, buf, size, -1, NULL);
	return e;
}

/* ---- the guest ---- */

static enum err find_guest(struct memdev_guest *g, struct guest_pages **pages_ret,
			   struct channel_accept *accept_ret, struct err_ctx *err)
{
	struct worker *w = (struct worker *)((char *)g - offsetof(struct worker, guest));
	const char *known = w->verdict.known[0] ? w->verdict.known : NULL;
	enum err e = attach_memory_find(w->memory, known, err);

	if (e)
		return e;
	w->found = true;
	/* looking for it took more than serving it will */
	if (!known)
		malloc_trim(0);
	tell_found(w);
	*pages_ret = w->memory->pages;
	accept_from_boot(&w->memory->boot, accept_ret);
	accept_ret->generation = attach_memory_generation(w->memory);
	return ERR_OK;
}

/* ---- the ring ---- */

static void ring_answered(void *ctx)
{
	report(ctx, REPORT_RING);
}

static enum err ring_look(void *ctx, struct err_ctx *err)
{
	return look_around(ctx, err);
}

/* From here on the socket only tells of hang-ups. */
static enum err serve_ring(struct worker *w, struct err_ctx *err)
{
	const struct memdev_ring_options o = {
		.alloc = &w->memory->alloc,
		.session = w->session,
		.socket = w->client,
		.spins = w->spins,
		.cpus = w->setup->cpus,
		.answered = ring_answered,
		.look = ring_look,
		.ctx = w,
		.ready = &w->ring,
		.idle_ns = w->setup->config->idle_s * SECOND,
	};

	report(w, REPORT_RING);
	return memdev_ring_serve(&o, w->frame.payload, w->frame.size, err);
}

/* ---- all together ---- */

static enum err serve(struct worker *w, struct err_ctx *err)
{
	enum err e = ERR_OK;

	set_deadline(w, w->setup->config->handshake_s);
	while (!e) {
		e = next_frame(w, err);
		if (e)
			break;
		if (w->frame.kind == CHANNEL_FRAME_RING && memdev_session_serves(w->session))
			return serve_ring(w, err);
		e = memdev_session_frame(w->session, w->frame.kind, w->frame.payload, w->frame.size,
					 &w->out, err);
		/* who was let in, or who wasn't */
		memcpy(w->setup->page->who, memdev_session_who(w->session), MEMDEV_WHO_SIZE);
		report(w, memdev_session_serves(w->session) ? REPORT_FRAMES : REPORT_SHAKING);
		if (memdev_session_serves(w->session))
			set_deadline(w, w->setup->config->idle_s);
	}
	return e;
}

static enum err open_memory(struct worker *w, struct err_ctx *err)
{
	const struct worker_setup *s = w->setup;
	size_t limit = s->config->memory_mib * MIB * 3 / 4;

	/* where it was a moment ago; if it isn't there, its name tells */
	if (s->at && attach_memory_open_at(s->at, s->uid, limit, &w->memory, NULL) == ERR_OK)
		return ERR_OK;
	return attach_memory_open(w->vm, s->uid, limit, &w->memory, err);
}

/* The client's first frame: which VM it wants. */
static enum err take_open(struct worker *w, char vm[CHANNEL_VM_NAME_MAX + 1], struct err_ctx *err)
{
	struct channel_preamble p;
	enum err e;

	set_deadline(w, w->setup->config->handshake_s);
	e = next_frame(w, err);
	if (!e && w->frame.kind != CHANNEL_FRAME_OPEN)
		e = err_set(err, ERR_CORRUPT, "a frame of kind %d came first", (int)w->frame.kind);
	if (!e)
		e = channel_preamble_decode(w->frame.payload, w->frame.size, &p, err);
	if (!e)
		memcpy(vm, p.vm, sizeof(p.vm));
	return e;
}

/* What quotes are verified with: read now, looked at when somebody shows a quote. */
static enum err read_trust(struct worker *w, struct err_ctx *err)
{
	const struct config *c = w->setup->config;
	struct err_ctx why = {0};
	enum err e = memdev_tcb_parse(c->sgx_accept_tcb, &w->accept_tcb, err);

	if (e || memdev_trust_files_read(c->sgx_root, c->sgx_collateral, &w->quotes, &why) == ERR_OK) {
		if (!e)
			memdev_trust_prepare();
		return e;
	}
	if (why.code == ERR_ABSENT)
		return ERR_OK;
	return err_set(err, why.code, "%s", why.text);
}

static enum err make_session(struct worker *w, struct err_ctx *err)
{
	const struct worker_setup *s = w->setup;
	struct memdev_session_options o = {
		.key = s->key,
		.random = &keys_random,
		.vm = w->vm,
		.judge = &w->judge.judge,
		.guest = &w->guest,
	};
	enum err e;

	memdev_evidence_judge_init(&w->judge, s->policy, s->config->development);
	w->judge.emulated = s->config->emulated;
	w->judge.quotes = w->quotes;
	w->judge.accept_tcb = w->accept_tcb;
	w->out.frame = out_frame;
	w->guest.find = find_guest;
	e = memdev_session_create(&w->memory->alloc, &o, &w->session, err);
	channel_wipe(s->key, sizeof(*s->key));
	return e;
}

/* ---- warm: the VM first, then the client ---- */

/* All that takes privileges, and what needs none of the client or the guest. */
static enum err get_ready(struct worker *w, struct err_ctx *err)
{
	enum err e = open_memory(w, err);

	if (!e)
		e = read_trust(w, err);
	return e ? e : make_session(w, err);
}

/* May this process go back to the usual priority from the lowest? sched(7), getrlimit(2) */
static bool can_be_loud(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct has[_LINUX_CAPABILITY_U32S_3];
	int ceiling = 20 - getpriority(PRIO_PROCESS, 0);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NICE, &limit) == 0 && limit.rlim_cur >= (rlim_t)ceiling)
		return true;
	return syscall(SYS_capget, &head, has) == 0 &&
	       has[CAP_SYS_NICE / 32].effective >> CAP_SYS_NICE % 32 & 1;
}

/*
 * Nobody waits for a worker that is made ready, so it leaves the processor to whoever wants it, tools above all. False: it
 * goes on as it was.
 */
static bool be_quiet(void)
{
	const struct sched_param none = {0};

	return can_be_loud() && sched_getscheduler(0) == SCHED_OTHER &&
	       sched_setscheduler(0, SCHED_IDLE, &none) == 0;
}

static enum err be_loud(struct err_ctx *err)
{
	const struct sched_param none = {0};

	return sched_setscheduler(0, SCHED_OTHER, &none) < 0 ?
		       err_set_errno(err, ERR_PERM, errno, "can't be scheduled as before") :
		       ERR_OK;
}

/* What takes its time and needs no client, nor a look at what the guest wrote. */
static enum err make_ready(struct worker *w, struct err_ctx *err)
{
	enum err e = get_ready(w, err);
	uint8_t *block;

	/* of what a session allocates, that which is used each time: touched once, and kept by malloc() */
	mallopt(M_MMAP_THRESHOLD, 2 * READY_BYTES);
	mallopt(M_TRIM_THRESHOLD, 4 * READY_BYTES);
	block = malloc(READY_BYTES);
	if (block)
		carrier_populate(block + PAGE - (uintptr_t)block % PAGE, READY_BYTES - PAGE);
	free(block);
	if (!e)
		memdev_session_populate(w->session);
	if (!e)
		source_look(w->memory->source, w->setup->looked, w->setup->looked_count);
	return e ? e : memdev_ring_prepare(w->setup->answers, &w->ring, err);
}

/* A client that the broker offers. ERR_GONE: there will be none. */
static enum err next_offer(struct worker *w, struct err_ctx *err)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec part = {.iov_base = &byte, .iov_len = sizeof(byte)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(w->setup->broker, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = n == 1 ? CMSG_FIRSTHDR(&message) : NULL;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int)))
		return err_set(err, ERR_GONE, "the broker has ended");
	memcpy(&w->client, CMSG_DATA(c), sizeof(int));
	return ERR_OK;
}

/* Does this client want our VM? Its frame is left where it is: another worker may have to read it. */
static bool wants_this(struct worker *w)
{
	uint8_t bytes[CHANNEL_FRAME_HEADER_SIZE + CHANNEL_PREAMBLE_MAX + 1];
	struct pollfd p = {.fd = w->client, .events = POLLIN};
	enum channel_frame_kind kind;
	struct channel_preamble open;
	const void *payload;
	size_t size;
	ssize_t n;

	if (poll(&p, 1, OFFER_MS) != 1)
		return false;
	n = recv(w->client, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	return n > 0 &&
	       channel_frame_decode(bytes, (size_t)n, &kind, &payload, &size, NULL) == ERR_OK &&
	       kind == CHANNEL_FRAME_OPEN &&
	       channel_preamble_decode(payload, size, &open, NULL) == ERR_OK &&
	       strcmp(open.vm, w->vm) == 0;
}

static enum err await_client(struct worker *w, struct err_ctx *err)
{
	char vm[CHANNEL_VM_NAME_MAX + 1];
	enum err e;

	for (;;) {
		struct report_offered answer = {.kind = REPORT_DECLINED};
		bool mine;

		e = next_offer(w, err);
		if (e)
			return e;
		mine = wants_this(w);
		if (mine)
			answer.kind = REPORT_TAKEN;
		if (send(w->setup->broker, &answer, sizeof(answer), MSG_NOSIGNAL) != sizeof(answer))
			return err_set_errno(err, ERR_GONE, errno, "the broker has ended");
		if (mine)
			break;
		close(w->client);
		w->client = -1;
	}
	e = take_open(w, vm, err);
	if (!e && strcmp(vm, w->vm) != 0)
		e = err_set(err, ERR_CORRUPT, "the client wants another VM than it said");
	return e;
}

static enum err run(struct worker *w, struct err_ctx *err)
{
	const struct worker_setup *s = w->setup;
	const struct sandbox sandbox = {
		.filter = s->filter,
		.uid = s->uid,
		.gid = s->gid,
		.memory = s->config->memory_mib * MIB,
		.file = sizeof(struct channel_ring_head) + MEMDEV_RING_TO_DEVICE_MAX +
			MEMDEV_RING_TO_CLIENT_MAX,
		.parent = s->parent,
	};
	bool warm = s->client < 0, quiet = s->quiet && be_quiet();
	enum err e = ERR_OK;

	w->client = s->client;
	w->spins = s->spins;
	if (warm)
		snprintf(w->vm, sizeof(w->vm), "%s", s->vm);
	else
		e = take_open(w, w->vm, err);
	if (!e)
		e = warm ? make_ready(w, err) : get_ready(w, err);
	if (!e && quiet)
		e = be_loud(err);
	if (!e)
		e = ask_broker(w, err);
	if (!e)
		e = sandbox_enter(&sandbox, err);
	if (!e && warm)
		e = await_client(w, err);
	if (e) {
		channel_wipe(s->key, sizeof(*s->key));
		return w->client < 0 ? e : fail(w, e, err);
	}
	s->page->state = REPORT_SHAKING;
	e = send_frame(w, CHANNEL_FRAME_OPENED, NULL, 0, -1, err);
	return e ? e : serve(w, err);
}

void worker_rehearse(void)
{
	static const uint8_t seed[CHANNEL_SIGNING_KEY_SIZE] = {1};
	uint8_t message[CHANNEL_HELLO_MAX], payload[CHANNEL_HELLO_PAYLOAD_MAX];
	uint8_t proof[CHANNEL_SIGNATURE_SIZE];
	struct channel_handshake client = {0}, device = {0};
	struct channel_session ours = {0}, theirs = {0};
	struct channel_sealer *sealer = NULL;
	struct channel_opener *opener = NULL;
	struct channel_signing_key signing = {0};
	struct channel_key_pair key = {0}, ephemeral = {0};
	struct channel_evidence evidence = {
		.type = CHANNEL_EVIDENCE_DEVELOPMENT,
		.identity = signing.public,
		.identity_size = sizeof(signing.public),
		.proof = proof,
		.proof_size = sizeof(proof),
	};
	struct base_alloc alloc;
	uint16_t type;
	const void *plain;
	size_t size;
	bool done;

	base_alloc_init(&alloc, MIB);
	done = !channel_key_pair_make(&keys_random, &key, NULL) &&
	       !channel_hello_write(&client, &keys_random, key.public, "", 0, message, sizeof(message),
				    &size, NULL) &&
	       !channel_hello_read(&device, &key, message, size, payload, &size, NULL) &&
	       !channel_key_pair_make(&keys_random, &ephemeral, NULL) &&
	       !channel_answer_write(&device, &ephemeral, "", 0, message, sizeof(message), &size, &ours,
				     NULL) &&
	       !channel_answer_read(&client, message, size, payload, &size, &theirs, NULL) &&
	       !channel_signing_key_from_seed(seed, &signing, NULL) &&
	       !channel_development_prove(&signing, theirs.transcript, proof, NULL) &&
	       !channel_development_check(&evidence, ours.transcript, NULL) &&
	       !channel_sealer_create(&alloc, theirs.to_device, 1, CHANNEL_TO_DEVICE, &sealer, NULL) &&
	       !channel_opener_create(&alloc, ours.to_device, 1, CHANNEL_TO_DEVICE, CHANNEL_IN_ORDER,
				      &opener, NULL) &&
	       !channel_seal(sealer, CHANNEL_EVIDENCE, NULL, proof, sizeof(proof), message,
			     sizeof(message), &size, NULL) &&
	       !channel_open(opener, message, size, NULL, &type, &plain, &size, NULL);
	(void)done; /* whoever fails here does so again where it counts */
	channel_sealer_destroy(sealer);
	channel_opener_destroy(opener);
	channel_handshake_deinit(&client);
	channel_handshake_deinit(&device);
	channel_session_wipe(&ours);
	channel_session_wipe(&theirs);
	channel_wipe(&key, sizeof(key));
	channel_wipe(&ephemeral, sizeof(ephemeral));
	/* of what is large most is never touched: it comes as new pages, not out of what was freed here */
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	malloc_trim(0);
}

int worker_run(const struct worker_setup *setup)
{
	struct worker *w = malloc(sizeof(*w));
	struct err_ctx err = {0};
	char text[256];
	enum err e;

	if (!w) {
		channel_wipe(setup->key, sizeof(*setup->key));
		return 1;
	}
	memset(w, 0, offsetof(struct worker, frame));
	w->setup = setup;
	e = run(w, &err);
	/* what the session itself said has been told already */
	if (w->session)
		memdev_session_end(w->session, NULL, &w->out, &err);
	snprintf(setup->page->reason, sizeof(setup->page->reason), "%s",
		 err_describe(&err, text, sizeof(text)));
	if (w->session) {
		report(w, setup->page->state);
		report_looked(w);
	}
	memdev_session_destroy(w->session);
	memdev_ring_drop(&w->ring);
	attach_memory_close(w->memory);
	memdev_trust_files_destroy(w->quotes);
	free(w);
	return e == ERR_GONE || e == ERR_LIMIT ? 0 : 1;
}
