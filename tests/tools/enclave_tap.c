// SPDX-License-Identifier: MIT
/*
 * Runs an enclave's image as `scwatcher run --emulate=hide` does, and looks for strings in all that its host can see:
 * arguments, results and buffers of each request, before and after it is served (output goes through them), the ring's
 * memory all the time, and now and then everything that this process can read. What it looks for it keeps inverted, so as not to find itself.
 *
 * usage: enclave_tap DEVICE-SOCKET VM NEEDLES IMAGE [ARGUMENT...]
 *
 * NEEDLES is a file with a string a line. "found STRING in PLACE" goes to standard error; exit status 3 if there
 * was any, else the program's. What the enclave shows is the processor's business: memory of the emulation itself
 * (the other mapping of /memfd:sgx_enclave, by which it plays the processor) isn't looked at.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/guest.h"
#include "channel/ring.h"
#include "emulation/emulation.h"
#include "host/backend.h"
#include "host/guest.h"
#include "host/load.h"
#include "host/proxy.h"
#include "host/run.h"

extern char **environ;

enum {
	NEEDLES_MAX = 64,
	NEEDLE_MAX = 64,
	LOOK_EVERY = 40, /* requests between looks at everything */
	RING_PAUSE_US = 10000,
};

static struct {
	pthread_mutex_t lock;
	uint8_t inverted[NEEDLES_MAX][NEEDLE_MAX];
	size_t sizes[NEEDLES_MAX];
	bool found[NEEDLES_MAX];
	size_t count, seen, requests, looked;
	uint64_t bytes;
} tap = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct host_guest *guest;

static struct {
	const uint8_t *at;
	size_t size;
} ring;

static void look(const volatile uint8_t *at, size_t size, const char *place)
{
	pthread_mutex_lock(&tap.lock);
	tap.bytes += size;
	for (size_t n = 0; n < tap.count; n++) {
		size_t length = tap.sizes[n];
		uint8_t first = (uint8_t)~tap.inverted[n][0];
		const uint8_t *p = (const uint8_t *)at, *end = p + size;

		while (!tap.found[n] && p < end && (p = memchr(p, first, (size_t)(end - p)))) {
			size_t i = 0;

			while (i < length && p + i < end && (p[i] ^ tap.inverted[n][i]) == 0xff)
				i++;
			if (i == length) {
				tap.found[n] = true;
				tap.seen++;
				fprintf(stderr, "found needle %zu in %s\n", n + 1, place);
			}
			p++;
		}
	}
	pthread_mutex_unlock(&tap.lock);
}

/* Memory crosses here without a request. */
static void *watch_ring(void *arg)
{
	for (;;) {
		look(ring.at, ring.size, "the ring");
		usleep(RING_PAUSE_US);
	}
	return arg;
}

static void begin_to_watch(int64_t at, const uint64_t sizes[2])
{
	const struct channel_ring_sizes s = {(uint32_t)sizes[0], (uint32_t)sizes[1]};
	pthread_t thread;

	ring.at = (const uint8_t *)(uintptr_t)at;
	ring.size = channel_ring_region_size(&s);
	if (pthread_create(&thread, NULL, watch_ring, NULL))
		abort();
}

/* All that this process can read, but for the emulation's view of enclaves. */
static void look_everywhere(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	tap.looked++;
	while (maps && fgets(line, sizeof(line), maps)) {
		uint64_t start, end;
		char perms[5];

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &start, &end, perms) != 3 ||
		    perms[0] != 'r' || strstr(line, "memfd:sgx_enclave") || strstr(line, "[vvar") ||
		    strstr(line, "[vsyscall]"))
			continue;
		look((const uint8_t *)(uintptr_t)start, end - start, strchr(line, '/') ? strchr(line, '/') : line);
	}
	if (maps)
		fclose(maps);
}

static int64_t serve(void *opaque, uint64_t number, const uint64_t args[6], void *arena,
		     size_t arena_size)
{
	int64_t result;

	look(arena, arena_size, "a buffer, before");
	look((const uint8_t *)args, 6 * sizeof(*args), "arguments");
	result = opaque ? host_guest_serve(guest, number, args, arena, arena_size)
			: host_proxy_serve(NULL, number, args, arena, arena_size);
	look(arena, arena_size, "a buffer, after");
	if (opaque && number == ABI_GUEST_RING && result > 0)
		begin_to_watch(result, args);
	if (tap.requests++ % LOOK_EVERY == 0)
		look_everywhere();
	return result;
}

static void read_needles(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[NEEDLE_MAX];

	if (f)
		setvbuf(f, NULL, _IONBF, 0); /* or they would stay in a buffer */
	while (f && tap.count < NEEDLES_MAX && fgets(line, sizeof(line), f)) {
		size_t size = strcspn(line, "\n");

		for (size_t i = 0; i < size; i++)
			tap.inverted[tap.count][i] = (uint8_t)~line[i];
		tap.sizes[tap.count] = size;
		tap.count += size > 0;
	}
	explicit_bzero(line, sizeof(line));
	if (f)
		fclose(f);
}

static enum err run(char **argv, int *code_ret, struct err_ctx *err)
{
	const struct host_hook hooks[] = {
		{ABI_OCALL_PROXY_FIRST, ABI_OCALL_PROXY_LAST, serve, NULL},
		{ABI_OCALL_GUEST_FIRST, ABI_OCALL_GUEST_LAST, serve, &guest},
	};
	const struct host_run_options o = {.argv = argv + 4, .envp = environ, .vm = argv[2],
					   .hooks = hooks, .hook_count = 2};
	unsigned int modes;
	enum err e = emulation_parse_modes("hide", &modes, err);

	if (!e)
		e = host_guest_open(argv[1], true, &guest, err);
	return e ? e : host_run_file(argv[4], true, modes, &o, code_ret, err);
}

int main(int argc, char **argv)
{
	struct err_ctx err = {0};
	char text[320];
	int code = 0;

	if (argc < 5)
		return 2;
	read_needles(argv[3]);
	if (tap.count == 0)
		return 2;
	if (run(argv, &code, &err)) {
		fprintf(stderr, "enclave_tap: %s\n", err_describe(&err, text, sizeof(text)));
		return 2;
	}
	look_everywhere();
	fprintf(stderr, "tap: %zu of %zu needles seen; %zu requests, %zu looks at everything, %" PRIu64 " MiB\n",
		tap.seen, tap.count, tap.requests, tap.looked, tap.bytes >> 20);
	return tap.seen ? 3 : code;
}
