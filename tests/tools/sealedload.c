// SPDX-License-Identifier: MIT
/*
 * A client of the memory device for tests: one session a process, reads pages that the guest's kernel
 * never changes and compares each with what the guest's memory holds, looked at directly.
 *
 * usage: sealedload [--frames|--pread] [--sessions N] [--seconds N] [--pages N] [--hold]
 *                   SOCKET|DIR PIN IDENTITY VM...
 *
 * Prints one line of figures; exits with 0 when every answer was right. --hold: says "ready" once all
 * sessions stand, then reads until killed; when a session fails, says why and exits with 3.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach/attach.h"
#include "attach/keys.h"
#include "carrier/carrier.h"
#include "carrier/pread.h"
#include "carrier/wait.h"
#include "channel/evidence.h"
#include "sealed/pages.h"

enum {
	SESSIONS_MAX = 256,
	PAGES_MAX = 512,
};

static struct {
	bool frames, pread, hold;
	unsigned int sessions, seconds, pages;
	const char *socket, *pin, *identity;
	char **vms;
	int vm_count;
} o = {.sessions = 1, .seconds = 1, .pages = 64};

/* What the sessions did, in shared memory. */
static struct totals {
	_Atomic uint64_t passes, pages, round_trips, slowest_ns, standing;
} *totals;

static int fail(const char *what, const struct err_ctx *err)
{
	char text[320];

	fprintf(stderr, "sealedload: %s: %s\n", what, err_describe(err, text, sizeof(text)));
	return err->code == ERR_GONE ? 3 : 1;
}

/* Pages of the kernel's read-only data, as they are in the guest. */
static enum err reference(const char *vm, uint64_t *start_ret, uint8_t *ret, struct err_ctx *err)
{
	const struct attach_opts opts = {.vm = vm, .no_cache = true};
	struct attach *a;
	enum err e = attach_open(&opts, &a, err);
	const struct ktype *k;
	struct gva at;

	if (e)
		return e;
	e = attach_ktype(a, &k, err);
	if (!e)
		e = ktype_symbol(k, "__start_BTF", &at);
	if (!e)
		e = guest_pages_epoch(a->pages, err);
	for (unsigned int i = 0; i < o.pages && !e; i++) {
		at.v = (at.v & GUEST_PAGE_MASK) + (i ? GUEST_PAGE_SIZE : 0);
		if (!i)
			*start_ret = at.v;
		e = guest_pages_read(a->pages, GUEST_SPACE_KERNEL, at, ret + i * GUEST_PAGE_SIZE,
				     GUEST_PAGE_SIZE);
	}
	attach_close(a);
	return e ? err_set(err, e, "can't read the guest directly") : ERR_OK;
}

static int read_all(struct guest_pages *pages, uint64_t start, const uint8_t *right)
{
	struct guest_range range = {{start}, o.pages * (uint64_t)GUEST_PAGE_SIZE};
	struct err_ctx err = {0};

	if (guest_pages_epoch(pages, &err))
		return fail("a pass failed", &err);
	guest_pages_want(pages, GUEST_SPACE_KERNEL, &range, 1);
	for (unsigned int i = 0; i < o.pages; i++) {
		struct gva at = {start + i * (uint64_t)GUEST_PAGE_SIZE};
		const void *page;
		enum err e = guest_pages_page(pages, GUEST_SPACE_KERNEL, at, &page);

		if (e) {
			err_clear(&err);
			(void)!guest_pages_verify(pages, &err);
			err_set(&err, e, "page %u", i);
			return fail("a page failed", &err);
		}
		if (memcmp(page, right + i * (size_t)GUEST_PAGE_SIZE, GUEST_PAGE_SIZE) != 0) {
			fprintf(stderr, "sealedload: page %u isn't what the guest holds\n", i);
			return 1;
		}
	}
	return 0;
}

/* A session by the carrier that was asked for: one of the two. */
struct way {
	struct carrier *socket;
	struct carrier_pread *files;
};

static enum err open_way(struct base_alloc *alloc, const struct sealed_session_options *session,
			 struct way *ret, struct sealed_carrier **carrier_ret, uint64_t *generation_ret,
			 struct err_ctx *err)
{
	const struct carrier_pread_options files = {.session = *session, .way = CARRIER_PREAD_REQUESTS};
	const struct carrier_options socket = {.session = *session,
					       .kind = o.frames ? CARRIER_FRAMES : CARRIER_RING};
	enum err e = o.pread ? carrier_pread_open(alloc, o.socket, &files, &ret->files, err)
			     : carrier_open(alloc, o.socket, &socket, &ret->socket, err);

	if (e)
		return e;
	*carrier_ret = o.pread ? carrier_pread_sealed(ret->files) : carrier_sealed(ret->socket);
	*generation_ret = o.pread ? carrier_pread_accept(ret->files)->generation
				  : carrier_accept(ret->socket)->generation;
	return ERR_OK;
}

static int run_session(const char *vm, uint64_t start, const uint8_t *right)
{
	struct channel_signing_key key;
	struct sealed_development me;
	uint8_t device[KEYS_SIZE], seed[KEYS_SIZE];
	const struct sealed_session_options session = {
		.vm = vm, .device = device, .identity = &me.identity, .random = &keys_random};
	struct sealed_options so = {.cache_pages = 4096, .freshness_ns = 0, .readahead = 1};
	struct sealed_carrier *carrier;
	struct guest_pages *pages;
	struct base_alloc alloc;
	struct err_ctx err = {0};
	struct way way = {0};
	uint64_t end;
	int status = 0;

	base_alloc_init(&alloc, 64 << 20);
	if (channel_library_init(&err) || keys_read(o.pin, KEYS_OF_DEVICE_PUBLIC, device, &err) ||
	    keys_read(o.identity, KEYS_OF_IDENTITY_SECRET, seed, &err) ||
	    channel_signing_key_from_seed(seed, &key, &err))
		return fail("keys", &err);
	sealed_development_init(&me, &key);
	if (open_way(&alloc, &session, &way, &carrier, &so.generation, &err))
		return fail("no session", &err);
	if (sealed_pages_create(&alloc, carrier, &so, &pages, &err))
		return fail("no pages", &err);
	if (++totals->standing == o.sessions && o.hold) {
		printf("ready\n");
		fflush(stdout);
	}
	end = carrier_now() + o.seconds * 1000000000ull;
	while (!status && (o.hold || carrier_now() < end)) {
		uint64_t t = carrier_now();

		status = read_all(pages, start, right);
		t = carrier_now() - t;
		if (t > totals->slowest_ns)
			totals->slowest_ns = t;
		totals->passes++;
		totals->pages += o.pages;
	}
	totals->round_trips += sealed_pages_stats(pages).round_trips;
	guest_pages_destroy(pages);
	carrier_close(way.socket);
	carrier_pread_close(way.files);
	return status;
}

static int run_all(void)
{
	static uint8_t right[SESSIONS_MAX / 8][PAGES_MAX * (size_t)GUEST_PAGE_SIZE];
	uint64_t start[SESSIONS_MAX / 8];
	struct err_ctx err = {0};
	int worst = 0, status;

	for (int i = 0; i < o.vm_count; i++) {
		if (reference(o.vms[i], &start[i], right[i], &err))
			return fail(o.vms[i], &err);
	}
	for (unsigned int i = 0; i < o.sessions; i++) {
		int vm = (int)i % o.vm_count;
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			_exit(run_session(o.vms[vm], start[vm], right[vm]));
		}
	}
	while (wait(&status) > 0) {
		int code = WIFEXITED(status) ? WEXITSTATUS(status) : 2;

		if (code > worst)
			worst = code;
	}
	printf("%u sessions, %d VMs, %u s: %" PRIu64 " passes of %u pages all right, %" PRIu64
	       " round trips, %.0f MB/s, slowest pass %.1f ms\n",
	       o.sessions, o.vm_count, o.seconds, totals->passes, o.pages, totals->round_trips,
	       (double)totals->pages * GUEST_PAGE_SIZE / 1e6 / (o.seconds ? o.seconds : 1),
	       (double)totals->slowest_ns / 1e6);
	return worst;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"frames", no_argument, NULL, 'f'},	   {"hold", no_argument, NULL, 'h'},
		{"sessions", required_argument, NULL, 'n'}, {"seconds", required_argument, NULL, 's'},
		{"pages", required_argument, NULL, 'p'},    {"pread", no_argument, NULL, 'r'},
		{0},
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (letter) {
		case 'f':
			o.frames = true;
			break;
		case 'r':
			o.pread = true;
			break;
		case 'h':
			o.hold = true;
			break;
		case 'n':
			o.sessions = (unsigned int)atoi(optarg);
			break;
		case 's':
			o.seconds = (unsigned int)atoi(optarg);
			break;
		case 'p':
			o.pages = (unsigned int)atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	argc -= optind;
	argv += optind;
	if (argc < 4 || argc - 3 > SESSIONS_MAX / 8 || !o.sessions || o.sessions > SESSIONS_MAX ||
	    !o.pages || o.pages > PAGES_MAX) {
		fprintf(stderr, "usage: sealedload [OPTION...] SOCKET|DIR PIN IDENTITY VM...\n");
		return 2;
	}
	o.socket = argv[0];
	o.pin = argv[1];
	o.identity = argv[2];
	o.vms = argv + 3;
	o.vm_count = argc - 3;
	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return totals == MAP_FAILED ? 1 : run_all();
}
