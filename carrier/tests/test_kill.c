// SPDX-License-Identifier: MIT
/*
 * One end of a session is killed at a random point, 200 times: during the handshake, while it asks,
 * answers or sleeps. The other ends by itself with a clear error, soon, and has leaked no memory and no
 * descriptor. Prints how long it took at most.
 */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "carrier/wait.h"
#include "device.h"

enum {
	KILLS = 200,
	LATEST_US = 60000, /* by then a session is well under way */
	EXIT_ERRORS = 64,
	SECOND_NS = 1000000000,
};

static unsigned int descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (readdir(d))
		count++;
	closedir(d);
	return count;
}

/* A client's whole life; its exit status tells the error that ended it. */
static _Noreturn void run_client(int socket, enum carrier_kind kind)
{
	struct carrier_options o = device_client_options(kind);
	unsigned int before = descriptors();
	struct base_alloc alloc;
	struct carrier *carrier;
	struct err_ctx err = {0};
	enum err e;

	base_alloc_init(&alloc, 64 << 20);
	e = carrier_open_socket(&alloc, socket, &o, &carrier, &err);
	if (!e) {
		struct guest_pages *pages = device_client_pages(&alloc, carrier);

		for (unsigned int i = 0; !e; i++)
			e = device_client_read(pages, i % 1000, 1 + i % 5 * 200, &err);
		guest_pages_destroy(pages);
		carrier_close(carrier);
	}
	/* the socket was closed, and nothing else was left open */
	if (alloc.used || descriptors() != before - 1 || err.code != e || !err.text[0])
		abort();
	_exit(EXIT_ERRORS - e);
}

static void kill_at_random(enum carrier_kind kind)
{
	uint64_t longest = 0;
	uint32_t random = 11;

	for (int i = 0; i < KILLS; i++) {
		struct device device = device_start(i % 4 < 2);
		pid_t client = fork(), victim;
		struct device_end end;
		uint64_t killed;
		int status;

		if (!client)
			run_client(device.socket, kind);
		close(device.socket);
		random = random * 1664525 + 1013904223;
		usleep((random >> 8) % LATEST_US);
		victim = i % 2 ? client : device.pid;
		kill(victim, SIGKILL);
		killed = carrier_now();
		if (victim == client) {
			end = device_wait(&device);
			assert_true(end.ended);
			assert_int_equal(end.signal, 0);
			assert_int_equal(end.err, ERR_GONE);
			assert_int_equal(waitpid(client, &status, 0), client);
		} else {
			assert_int_equal(waitpid(client, &status, 0), client);
			assert_true(WIFEXITED(status));
			assert_int_equal(EXIT_ERRORS - WEXITSTATUS(status), ERR_GONE);
			device_wait(&device);
		}
		if (carrier_now() - killed > longest)
			longest = carrier_now() - killed;
	}
	print_message("%d kills; the other end had ended after %.0f ms at most\n", KILLS,
		      (double)longest / 1e6);
	assert_true(longest < 30ull * SECOND_NS);
}

static void of_sessions_over_the_ring(void **state)
{
	(void)state;
	kill_at_random(CARRIER_RING);
}

static void of_sessions_over_the_socket(void **state)
{
	(void)state;
	kill_at_random(CARRIER_FRAMES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_sessions_over_the_ring),
		cmocka_unit_test(of_sessions_over_the_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
