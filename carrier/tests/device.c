// SPDX-License-Identifier: MIT
/* The memory device of the carriers' tests. */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/checked.h"
#include "carrier/socket.h"
#include "carrier/wait.h"
#include "memdev/evidence.h"
#include "memdev/ring_serve.h"
#include "synth/synth.h"

enum {
	BASE = 0x10000000,
	EXIT_ERRORS = 64, /* exit status of error e: EXIT_ERRORS - e */
	PATIENCE_NS = 1000000000,
};

#define DIE(what) die(__LINE__, what)

static _Noreturn void die(int line, const char *what)
{
	fprintf(stderr, "device.c:%d: %s\n", line, what);
	abort();
}

const char *device_string(unsigned int i)
{
	static __thread char text[DEVICE_STRINGS][DEVICE_STRING_SIZE + 1];

	/* letters that no other content of a page has in this order */
	for (unsigned int at = 0; at < DEVICE_STRING_SIZE; at++)
		text[i][at] = (char)('a' + (i * 11 + at * at * 3 + at) % 26);
	return text[i];
}

static uint64_t page_address(unsigned int page)
{
	return DEVICE_VA + page * (uint64_t)GUEST_PAGE_SIZE;
}

/* The list and the table of device.h. */
static void plant_pointers(unsigned int page, uint8_t *bytes)
{
	uint64_t words[DEVICE_CHAIN_NODES / 4] = {0};
	unsigned int node = page - DEVICE_CHAIN;

	if (page == DEVICE_TABLE) {
		for (unsigned int i = 0; i < BASE_COUNT(words); i++)
			words[i] = page_address(DEVICE_CHAIN + 4 * i);
		memcpy(bytes, words, sizeof(words));
	} else if (page >= DEVICE_CHAIN && node < DEVICE_CHAIN_NODES) {
		words[0] = node + 1 < DEVICE_CHAIN_NODES ? page_address(page + 1) : 0;
		words[1] = page_address(DEVICE_LEADS_TO + 3 * node) + 128;
		memcpy(bytes, words, 2 * sizeof(words[0]));
	}
}

void device_fill_page(unsigned int page, uint8_t bytes[GUEST_PAGE_SIZE])
{
	uint32_t random = page + 1;

	for (unsigned int i = 0; i < GUEST_PAGE_SIZE; i++) {
		random = random * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(random >> 24);
	}
	if (page % 7 == 0 && page / 7 < DEVICE_STRINGS)
		memcpy(bytes, device_string(page / 7), DEVICE_STRING_SIZE);
	plant_pointers(page, bytes);
}

struct device_guest {
	struct base_alloc *alloc;
	struct synth *synth;
	struct guest_pages *pages;
};

struct device_guest *device_guest_create(struct base_alloc *alloc, struct guest_pages **pages_ret)
{
	struct device_guest *g = base_alloc_zeroed(alloc, 1, sizeof(*g));
	struct guest_paging paging;

	if (!g)
		DIE("out of memory");
	g->alloc = alloc;
	g->synth = synth_create(4);
	synth_add_memory(g->synth, BASE, (DEVICE_PAGES + 512) * SYNTH_4K);
	synth_map_new(g->synth, DEVICE_VA, DEVICE_PAGES * SYNTH_4K);
	paging = synth_paging(g->synth);
	if (guest_walk_pages_create(alloc, synth_source(g->synth, SYNTH_MAP), &paging, 64, &g->pages))
		DIE("no pages");
	for (unsigned int i = 0; i < DEVICE_PAGES; i++) {
		struct gpa pa;

		if (guest_walk_translate(g->pages, GUEST_SPACE_KERNEL,
					 (struct gva){DEVICE_VA + i * SYNTH_4K}, &pa))
			DIE("a page that isn't mapped");
		device_fill_page(i, synth_phys(g->synth, pa.v, SYNTH_4K));
	}
	*pages_ret = g->pages;
	return g;
}

void device_guest_destroy(struct device_guest *g)
{
	guest_pages_destroy(g->pages);
	synth_destroy(g->synth);
	base_free(g->alloc, g);
}

static bool fill(void *ctx, void *buf, size_t size)
{
	(void)ctx;
	return getrandom(buf, size, 0) == (ssize_t)size;
}

static const struct channel_random system_random = {.fill = fill};

static const struct channel_key_pair *device_key(void)
{
	static const uint8_t secret[CHANNEL_KEY_SIZE] = {9};
	static struct channel_key_pair pair;
	static bool made;

	/* once: threads may ask for it afterwards */
	if (made)
		return &pair;
	made = true;
	if (channel_library_init(NULL) || channel_key_pair_from_secret(secret, &pair, NULL))
		DIE("no key");
	return &pair;
}

/* The one enclave that these devices know has an MRENCLAVE of 0x77s. */
static enum err judge_enclave(const struct channel_evidence *e,
			      const uint8_t transcript[CHANNEL_HASH_SIZE], const char *vm,
			      char who[MEMDEV_WHO_SIZE], struct err_ctx *err)
{
	static const char text[] = "identities = ({ name = \"enclave\"; type = \"sgx-emulated\"; "
				   "mrenclave = \"7777777777777777777777777777777777777777777777777"
				   "777777777777777\"; vms = [\"*\"]; });";
	struct memdev_evidence_judge j;
	struct memdev_policy *p;
	enum err r;

	if (memdev_policy_parse(text, sizeof(text) - 1, "policy", &p, NULL))
		DIE("no policy");
	memdev_evidence_judge_init(&j, p, false);
	j.emulated = true;
	r = j.judge.judge(&j.judge, e, transcript, vm, who, err);
	memdev_policy_destroy(p);
	return r;
}

static enum err judge(struct memdev_judge *j, const struct channel_evidence *e,
		      const uint8_t transcript[CHANNEL_HASH_SIZE], const char *vm,
		      char who[MEMDEV_WHO_SIZE], struct err_ctx *err)
{
	(void)j;
	if (e->type == CHANNEL_EVIDENCE_EMULATED)
		return judge_enclave(e, transcript, vm, who, err);
	strcpy(who, "tester");
	return channel_development_check(e, transcript, err);
}

struct finder {
	struct memdev_guest guest;
	struct guest_pages *pages;
};

static enum err find(struct memdev_guest *g, struct guest_pages **pages_ret,
		     struct channel_accept *accept_ret, struct err_ctx *err)
{
	(void)err;
	*pages_ret = ((struct finder *)g)->pages;
	*accept_ret = (struct channel_accept){
		.generation = DEVICE_GENERATION,
		.kernel_top = 0x1000,
		.levels = 4,
		.release = "6.1",
	};
	return ERR_OK;
}

struct memdev_session_options device_session_options(struct guest_pages *pages)
{
	static struct memdev_judge tester = {.judge = judge};
	static _Thread_local struct finder finder;

	finder = (struct finder){{find}, pages};
	return (struct memdev_session_options){
		.key = device_key(),
		.random = &system_random,
		.vm = DEVICE_VM,
		.judge = &tester,
		.guest = &finder.guest,
	};
}

struct socket_out {
	struct memdev_out out;
	int socket;
};

static enum err send_frame(struct memdev_out *o, enum channel_frame_kind kind, const void *bytes,
			   size_t size, struct err_ctx *err)
{
	return carrier_frame_send(((struct socket_out *)o)->socket, kind, bytes, size, -1, 0, err);
}

/* The guest of all devices that this process starts: they inherit it. */
static struct device_guest *shared;

void device_prepare(void)
{
	static struct base_alloc alloc;
	struct guest_pages *pages;

	if (shared)
		return;
	base_alloc_init(&alloc, 64 << 20);
	shared = device_guest_create(&alloc, &pages);
}

/* Open the VM that is asked for: all there are look the same. */
static enum err open_vm(int socket, const struct carrier_frame *f, struct base_alloc *alloc,
			struct guest_pages *pages, struct memdev_session **ret,
			struct err_ctx *err)
{
	struct memdev_session_options options = device_session_options(pages);
	struct channel_preamble p;
	enum err e = channel_preamble_decode(f->payload, f->size, &p, err);

	if (e)
		return e;
	options.vm = p.vm;
	e = memdev_session_create(alloc, &options, ret, err);
	return e ? e : carrier_frame_send(socket, CHANNEL_FRAME_OPENED, NULL, 0, -1, 0, err);
}

enum err device_serve(int socket, bool spin, struct guest_pages *pages, struct base_alloc *alloc,
		      struct err_ctx *err)
{
	struct socket_out out = {.out.frame = send_frame, .socket = socket};
	struct carrier_frame *frame = base_alloc_zeroed(alloc, 1, sizeof(*frame));
	struct memdev_session *session = NULL;
	enum err e = frame ? ERR_OK : ERR_NOMEM;

	while (!e) {
		e = carrier_frame_receive(socket, 0, frame, err);
		if (e)
			break;
		if (frame->fd >= 0)
			close(frame->fd);
		if (!session && frame->kind == CHANNEL_FRAME_OPEN) {
			e = open_vm(socket, frame, alloc, pages, &session, err);
		} else if (!session) {
			e = ERR_CORRUPT;
		} else if (frame->kind == CHANNEL_FRAME_RING && memdev_session_serves(session)) {
			struct memdev_ring_options ring = {.alloc = alloc,
							   .session = session,
							   .socket = socket,
							   .spins = spin ? carrier_spins(CARRIER_SPIN_NS)
									 : 0};

			e = memdev_ring_serve(&ring, frame->payload, frame->size, err);
		} else {
			e = memdev_session_frame(session, frame->kind, frame->payload, frame->size,
						 &out.out, err);
		}
	}
	memdev_session_destroy(session);
	base_free(alloc, frame);
	return e;
}

/* A worker's process: whatever else the test had open would hide that it hung up. */
static _Noreturn void run(int socket, bool spin)
{
	struct base_alloc alloc;
	enum err e;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int fd = 3; fd < 1024; fd++) {
		if (fd != socket)
			close(fd);
	}
	base_alloc_init(&alloc, 64 << 20);
	e = device_serve(socket, spin, shared->pages, &alloc, NULL);
	if (alloc.used)
		DIE("the device leaks memory");
	_exit(EXIT_ERRORS - e);
}

struct device device_start(bool spin)
{
	struct device d;
	int ends[2];

	device_prepare();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		DIE("no socket");
	d.socket = ends[0];
	fflush(NULL);
	d.pid = fork();
	if (d.pid < 0)
		DIE("no process");
	if (!d.pid)
		run(ends[1], spin);
	close(ends[1]);
	return d;
}

pid_t device_listen(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	pid_t pid;

	device_prepare();
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(listener, 8))
		DIE("can't listen");
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		DIE("no process");
	if (pid) {
		close(listener);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int connected = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (connected >= 0 && fork() == 0)
			run(connected, false);
		close(connected);
	}
}

struct device_end device_wait(struct device *d)
{
	struct timespec moment = {.tv_nsec = 2000000};
	struct device_end end = {.ended = true};
	uint64_t begun = carrier_now();
	struct rusage usage;
	int status;

	while (wait4(d->pid, &status, WNOHANG, &usage) == 0) {
		if (carrier_now() - begun > 60ull * PATIENCE_NS && end.ended) {
			end.ended = false;
			kill(d->pid, SIGKILL);
		}
		nanosleep(&moment, NULL);
	}
	end.waited_ns = carrier_now() - begun;
	if (WIFSIGNALED(status))
		end.signal = WTERMSIG(status);
	else
		end.err = EXIT_ERRORS - WEXITSTATUS(status);
	end.cpu_us = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
		     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	return end;
}

struct carrier_options device_client_options(enum carrier_kind kind)
{
	static const uint8_t seed[CHANNEL_SIGNING_KEY_SIZE] = {7};
	static struct channel_signing_key signing;
	static struct sealed_development identity;
	static struct channel_key_pair device;

	device = *device_key();
	if (channel_signing_key_from_seed(seed, &signing, NULL))
		DIE("no key");
	sealed_development_init(&identity, &signing);
	return (struct carrier_options){
		.session = {.vm = DEVICE_VM,
			    .device = device.public,
			    .identity = &identity.identity,
			    .random = &system_random},
		.kind = kind,
	};
}

struct guest_pages *device_client_pages_over(struct base_alloc *alloc, struct sealed_carrier *c,
					     uint64_t generation)
{
	struct sealed_options options = {.cache_pages = DEVICE_PAGES,
					 .freshness_ns = 0,
					 .readahead = 1,
					 .generation = generation};
	struct guest_pages *pages;

	if (sealed_pages_create(alloc, c, &options, &pages, NULL))
		DIE("no pages");
	return pages;
}

struct guest_pages *device_client_pages(struct base_alloc *alloc, struct carrier *c)
{
	return device_client_pages_over(alloc, carrier_sealed(c), carrier_accept(c)->generation);
}

enum err device_client_read(struct guest_pages *pages, unsigned int first, unsigned int count,
			    struct err_ctx *err)
{
	struct guest_range range = {{DEVICE_VA + first * SYNTH_4K}, count * SYNTH_4K};
	static _Thread_local uint8_t expected[GUEST_PAGE_SIZE];
	enum err e = guest_pages_epoch(pages, err);

	if (e)
		return e;
	guest_pages_want(pages, GUEST_SPACE_KERNEL, &range, 1);
	for (unsigned int i = first; i < first + count; i++) {
		const void *page;

		e = guest_pages_page(pages, GUEST_SPACE_KERNEL, (struct gva){DEVICE_VA + i * SYNTH_4K},
				     &page);
		if (e)
			break;
		device_fill_page(i, expected);
		if (memcmp(page, expected, sizeof(expected)) != 0)
			DIE("a page holds what the guest doesn't");
	}
	if (e && e != ERR_GONE)
		DIE("a failure that could be taken for a page that isn't there");
	return e ? guest_pages_epoch(pages, err) : ERR_OK;
}
