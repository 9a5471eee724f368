// SPDX-License-Identifier: MIT
/*
 * The carriers against a real device process, with an honest host: what is read is right, through
 * the ring and through frames; the death of either end is noticed; a session isn't shared by fork.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "carrier/region.h"
#include "carrier/socket.h"
#include "carrier/wait.h"
#include "device.h"

enum {
	SECOND_NS = 1000000000,
};

struct client {
	struct base_alloc alloc;
	struct device device;
	struct carrier *carrier;
	struct guest_pages *pages;
};

static struct client c;

static void client_open(const struct carrier_options *o)
{
	base_alloc_init(&c.alloc, 64 << 20);
	c.device = device_start(true);
	assert_int_equal(carrier_open_socket(&c.alloc, c.device.socket, o, &c.carrier, NULL),
			 ERR_OK);
	c.pages = device_client_pages(&c.alloc, c.carrier);
}

static void client_close(void)
{
	guest_pages_destroy(c.pages);
	carrier_close(c.carrier);
	assert_int_equal(c.alloc.used, 0);
}

static void expect_ordinary_end(void)
{
	struct device_end end = device_wait(&c.device);

	assert_true(end.ended);
	assert_int_equal(end.signal, 0);
	assert_int_equal(end.err, ERR_GONE);
}

static void read_everything(enum carrier_kind kind, struct channel_ring_sizes ring)
{
	struct carrier_options o = device_client_options(kind);
	struct sealed_stats stats;

	o.ring = ring;
	client_open(&o);
	assert_int_equal(carrier_accept(c.carrier)->generation, DEVICE_GENERATION);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(device_client_read(c.pages, i * 3, 1, NULL), ERR_OK);
	assert_int_equal(device_client_read(c.pages, 5, 64, NULL), ERR_OK);
	assert_int_equal(device_client_read(c.pages, 0, DEVICE_PAGES, NULL), ERR_OK);
	stats = sealed_pages_stats(c.pages);
	assert_int_equal(stats.round_trips, 102);
	assert_true(stats.carrier.cipher_calls >= 204);
	assert_true(stats.carrier.wire_bytes > (100 + 64 + DEVICE_PAGES) * 4096);
	client_close();
	expect_ordinary_end();
}

static void the_ring_carries_pages(void **state)
{
	(void)state;
	read_everything(CARRIER_RING, (struct channel_ring_sizes){0, 0});
}

static void a_small_ring_carries_as_much(void **state)
{
	(void)state;
	read_everything(CARRIER_RING,
			(struct channel_ring_sizes){CHANNEL_RING_SIZE_MIN, CHANNEL_RING_SIZE_MIN});
}

static void frames_carry_pages(void **state)
{
	(void)state;
	read_everything(CARRIER_FRAMES, (struct channel_ring_sizes){0, 0});
}

/* The device gives less than is asked for, and that is used. */
static void a_ring_may_be_smaller_than_asked_for(void **state)
{
	(void)state;
	read_everything(CARRIER_RING, (struct channel_ring_sizes){1 << 24, 1 << 24});
}

static void a_client_that_sleeps_at_once_is_served(void **state)
{
	struct carrier_options o = device_client_options(CARRIER_RING);

	(void)state;
	o.no_spin = true;
	client_open(&o);
	for (unsigned int i = 0; i < 200; i++)
		assert_int_equal(device_client_read(c.pages, i, 2, NULL), ERR_OK);
	client_close();
	expect_ordinary_end();
}

/* The device is killed while the client waits for it, and between two requests. */
static void the_death_of_the_device_is_noticed(enum carrier_kind kind, int signal)
{
	struct carrier_options o = device_client_options(kind);
	struct err_ctx err = {0};
	uint64_t begun;
	enum err e = ERR_OK;

	client_open(&o);
	assert_int_equal(device_client_read(c.pages, 0, 10, NULL), ERR_OK);
	begun = carrier_now();
	kill(c.device.pid, signal);
	if (signal == SIGSTOP) {
		/* a process that dies while asked, as seen from here */
		pid_t killer = fork();

		if (!killer) {
			usleep(20000);
			kill(c.device.pid, SIGKILL);
			_exit(0);
		}
		e = device_client_read(c.pages, 0, 10, &err);
		waitpid(killer, NULL, 0);
	} else {
		while (e == ERR_OK)
			e = device_client_read(c.pages, 0, 10, &err);
	}
	assert_int_equal(e, ERR_GONE);
	assert_non_null(strstr(err.text, "has ended"));
	assert_true(carrier_now() - begun < 30ull * SECOND_NS);
	assert_int_equal(device_client_read(c.pages, 0, 10, NULL), ERR_GONE);
	client_close();
	assert_int_equal(device_wait(&c.device).signal, SIGKILL);
}

static void a_killed_device_is_noticed_in_the_ring(void **state)
{
	(void)state;
	the_death_of_the_device_is_noticed(CARRIER_RING, SIGKILL);
	the_death_of_the_device_is_noticed(CARRIER_RING, SIGSTOP);
}

static void a_killed_device_is_noticed_on_the_socket(void **state)
{
	(void)state;
	the_death_of_the_device_is_noticed(CARRIER_FRAMES, SIGKILL);
	the_death_of_the_device_is_noticed(CARRIER_FRAMES, SIGSTOP);
}

static void a_device_that_stops_runs_out_of_time(void **state)
{
	static const enum carrier_kind kinds[] = {CARRIER_RING, CARRIER_FRAMES};

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct carrier_options o = device_client_options(kinds[k]);
		struct err_ctx err = {0};
		uint64_t begun;

		o.timeout_ns = SECOND_NS;
		client_open(&o);
		kill(c.device.pid, SIGSTOP);
		begun = carrier_now();
		assert_int_equal(device_client_read(c.pages, 0, 1, &err), ERR_LIMIT);
		assert_non_null(strstr(err.text, "took too long"));
		assert_true(carrier_now() - begun >= SECOND_NS);
		client_close();
		kill(c.device.pid, SIGCONT);
		assert_int_equal(device_wait(&c.device).signal, 0);
	}
}

/* A client that dies with the ring open, in the middle of reading. */
static void a_killed_client_is_noticed(void **state)
{
	(void)state;
	for (int round = 0; round < 5; round++) {
		struct carrier_options o = device_client_options(CARRIER_RING);
		struct device_end end;
		pid_t client;

		base_alloc_init(&c.alloc, 64 << 20);
		c.device = device_start(true);
		client = fork();
		if (!client) {
			if (carrier_open_socket(&c.alloc, c.device.socket, &o, &c.carrier, NULL))
				_exit(1);
			c.pages = device_client_pages(&c.alloc, c.carrier);
			while (device_client_read(c.pages, 0, DEVICE_PAGES, NULL) == ERR_OK)
				;
			_exit(2);
		}
		close(c.device.socket);
		usleep(50000 + 7000 * (unsigned int)round);
		kill(client, SIGKILL);
		end = device_wait(&c.device);
		waitpid(client, NULL, 0);
		assert_true(end.ended);
		assert_int_equal(end.err, ERR_GONE);
		assert_true(end.waited_ns < 30ull * SECOND_NS);
	}
}

/* The child is told so, and the parent goes on undisturbed. */
static void a_child_does_not_use_its_parents_session(void **state)
{
	static const enum carrier_kind kinds[] = {CARRIER_RING, CARRIER_FRAMES};
	int status;

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct carrier_options o = device_client_options(kinds[k]);
		pid_t child;

		client_open(&o);
		assert_int_equal(device_client_read(c.pages, 0, 3, NULL), ERR_OK);
		assert_false(carrier_forked(c.carrier));
		child = fork();
		if (!child) {
			struct err_ctx err = {0};
			bool good = carrier_forked(c.carrier) &&
				    device_client_read(c.pages, 0, 3, &err) == ERR_GONE &&
				    strstr(err.text, "parent process");

			guest_pages_destroy(c.pages);
			carrier_close(c.carrier);
			_exit(good && !c.alloc.used ? 0 : 1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		assert_int_equal(device_client_read(c.pages, 0, 30, NULL), ERR_OK);
		client_close();
		expect_ordinary_end();
	}
}

/* Another process, or the door, may keep the socket's descriptor: the session ends all the same. */
static void closing_hangs_up_whoever_has_a_copy(void **state)
{
	struct carrier_options o = device_client_options(CARRIER_RING);
	struct device_end end;
	int copy;

	(void)state;
	client_open(&o);
	copy = dup(c.device.socket);
	assert_true(copy >= 0);
	client_close();
	end = device_wait(&c.device);
	assert_true(end.ended);
	assert_int_equal(end.err, ERR_GONE);
	close(copy);
}

static void nobody_listening_is_absence(void **state)
{
	struct carrier_options o = device_client_options(CARRIER_RING);
	struct err_ctx err = {0};
	struct carrier *none;
	char long_path[200];

	(void)state;
	base_alloc_init(&c.alloc, 1 << 20);
	assert_int_equal(carrier_open(&c.alloc, "/nonexistent/device.sock", &o, &none, &err),
			 ERR_ABSENT);
	assert_non_null(strstr(err.text, "/nonexistent/device.sock"));
	memset(long_path, 'x', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(carrier_open(&c.alloc, long_path, &o, &none, NULL), ERR_INVAL);
	assert_int_equal(c.alloc.used, 0);
}

/* A full device doesn't wait for what a client wants, and may have hung up before that is sent. */
static void who_is_refused_before_the_first_frame_is_told_why(void **state)
{
	const struct channel_refusal full = {.code = ERR_LIMIT, .text = "no more sessions"};
	struct carrier_options o = device_client_options(CARRIER_RING);
	uint8_t refusal[CHANNEL_REFUSAL_MAX];
	struct err_ctx err = {0};
	struct carrier *none;
	int ends[2];

	(void)state;
	base_alloc_init(&c.alloc, 1 << 20);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(carrier_frame_send(ends[1], CHANNEL_FRAME_FAILED, refusal,
					    channel_refusal_encode(&full, refusal), -1, 0, NULL),
			 ERR_OK);
	close(ends[1]);
	assert_int_equal(carrier_open_socket(&c.alloc, ends[0], &o, &none, &err), ERR_LIMIT);
	assert_string_equal(err.text, "the device's host says: no more sessions");
	/* and who is told nothing, of the end */
	err_clear(&err);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	close(ends[1]);
	assert_int_equal(carrier_open_socket(&c.alloc, ends[0], &o, &none, &err), ERR_GONE);
	assert_int_equal(c.alloc.used, 0);
}

/* ---- the shared memory ---- */

static const struct channel_ring_sizes sizes = {CHANNEL_RING_SIZE_MIN, CHANNEL_RING_SIZE_MIN};

static void a_region_is_the_same_memory_at_both_ends(void **state)
{
	struct carrier_region device, client;
	int fd;

	(void)state;
	assert_int_equal(carrier_region_create(&sizes, 0, &device, &fd, NULL), ERR_OK);
	assert_int_equal(carrier_region_map(fd, &sizes, true, &client, NULL), ERR_OK);
	((uint64_t *)device.at)[9] = 42;
	assert_int_equal(((uint64_t *)client.at)[9], 42);
	assert_int_equal(device.size, 3 * 4096);
	/* its size can't change, nor can that */
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 1 << 20), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	carrier_region_unmap(&device);
	carrier_region_unmap(&client);
	carrier_region_unmap(&client);
	close(fd);
}

/* Memory of `size` bytes with `seals`. */
static void expect_memory_refused(off_t size, int seals, const char *why)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct carrier_region region;
	struct err_ctx err = {0};

	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	assert_int_equal(carrier_region_map(fd, &sizes, true, &region, &err), ERR_TAMPERED);
	assert_non_null(strstr(err.text, why));
	close(fd);
}

static void memory_that_could_shrink_is_refused(void **state)
{
	struct carrier_region region;
	int ends[2];

	(void)state;
	expect_memory_refused(3 * 4096, 0, "could change its size");
	expect_memory_refused(3 * 4096, F_SEAL_SHRINK, "could change its size");
	expect_memory_refused(3 * 4096, F_SEAL_GROW, "could change its size");
	expect_memory_refused(2 * 4096, F_SEAL_SHRINK | F_SEAL_GROW, "8192 bytes instead of 12288");
	expect_memory_refused(4 * 4096, F_SEAL_SHRINK | F_SEAL_GROW, "16384 bytes");
	/* no memory at all */
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(carrier_region_map(ends[0], &sizes, true, &region, NULL), ERR_TAMPERED);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(carrier_region_map(-1, &sizes, true, &region, NULL), ERR_IO);
}

/* ---- frames ---- */

static void a_frame_brings_one_descriptor_at_most(void **state)
{
	static struct carrier_frame frame;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control = {0};
	uint8_t header[CHANNEL_FRAME_HEADER_SIZE];
	struct iovec part = {header, sizeof(header)};
	int ends[2], many[8], before, after;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	before = dup(0);
	close(before);
	channel_frame_encode(CHANNEL_FRAME_OPENED, 0, header);
	for (int count = 1; count <= 8; count++) {
		struct msghdr m = {.msg_iov = &part,
				   .msg_iovlen = 1,
				   .msg_control = control.bytes,
				   .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int))};
		enum err e;

		control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN((size_t)count * sizeof(int)),
						  .cmsg_level = SOL_SOCKET,
						  .cmsg_type = SCM_RIGHTS};
		memset(many, 0, sizeof(many));
		memcpy(CMSG_DATA(&control.header), many, (size_t)count * sizeof(int));
		assert_int_equal(sendmsg(ends[0], &m, 0), sizeof(header));
		e = carrier_frame_receive(ends[1], 0, &frame, NULL);
		assert_int_equal(e, count <= 4 ? ERR_OK : ERR_CORRUPT);
		if (e == ERR_OK) {
			assert_true(frame.fd >= 0);
			close(frame.fd);
		}
	}
	after = dup(0);
	close(after);
	assert_int_equal(after, before); /* nothing was left open */
	close(ends[0]);
	assert_int_equal(carrier_frame_receive(ends[1], 0, &frame, NULL), ERR_GONE);
	assert_int_equal(carrier_frame_send(ends[1], CHANNEL_FRAME_OPENED, NULL, 0, -1, 0, NULL),
			 ERR_GONE);
	close(ends[1]);
}

static void a_full_socket_runs_out_of_time(void **state)
{
	static uint8_t payload[CHANNEL_FRAME_PAYLOAD_MAX];
	enum err e = ERR_OK;
	int ends[2], sent = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	for (; e == ERR_OK; sent++)
		e = carrier_frame_send(ends[0], CHANNEL_FRAME_RECORD, payload, sizeof(payload), -1,
				       carrier_now() + 50000000, NULL);
	assert_int_equal(e, ERR_LIMIT);
	assert_true(sent > 1);
	close(ends[0]);
	close(ends[1]);
}

static void who_parts_goes_to_another_cpu_and_may_come_back(void **state)
{
	struct carrier_wait w;
	cpu_set_t all, now;
	uint64_t patience;
	int before;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	carrier_wait_init(&w, -1, 0);
	assert_null(w.wait.part);
	carrier_wait_part(&w, &all);
	w.wait.part(&w.wait, false);
	assert_true(CPU_COUNT(&all) < 2 || w.parted_ns);
	assert_int_equal(sched_getaffinity(0, sizeof(now), &now), 0);
	assert_true(CPU_EQUAL(&all, &now));
	/* on one CPU alone there is nowhere to go, and that is no failure */
	CPU_ZERO(&now);
	CPU_SET((size_t)sched_getcpu(), &now);
	assert_int_equal(sched_setaffinity(0, sizeof(now), &now), 0);
	before = sched_getcpu();
	carrier_wait_part(&w, &now);
	w.wait.part(&w.wait, false);
	assert_int_equal(sched_getcpu(), before);
	/* more CPUs than the thread has at present; each time it is longer until the next */
	carrier_wait_part(&w, &all);
	w.parted_ns = 0;
	patience = w.patience_ns;
	w.wait.part(&w.wait, false);
	assert_true(w.patience_ns > patience);
	assert_int_equal(sched_getaffinity(0, sizeof(now), &now), 0);
	assert_true(CPU_EQUAL(&all, &now));
	/* who was seen nowhere gets a few turns, and nobody is moved */
	w.parted_ns = 0;
	for (unsigned int i = 0; i < 100; i++)
		w.wait.part(&w.wait, true);
	assert_int_equal(w.parted_ns, 0);
	assert_in_range(w.yields, 1, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ring_carries_pages),
		cmocka_unit_test(a_small_ring_carries_as_much),
		cmocka_unit_test(frames_carry_pages),
		cmocka_unit_test(a_ring_may_be_smaller_than_asked_for),
		cmocka_unit_test(a_client_that_sleeps_at_once_is_served),
		cmocka_unit_test(a_killed_device_is_noticed_in_the_ring),
		cmocka_unit_test(a_killed_device_is_noticed_on_the_socket),
		cmocka_unit_test(a_device_that_stops_runs_out_of_time),
		cmocka_unit_test(a_killed_client_is_noticed),
		cmocka_unit_test(a_child_does_not_use_its_parents_session),
		cmocka_unit_test(closing_hangs_up_whoever_has_a_copy),
		cmocka_unit_test(nobody_listening_is_absence),
		cmocka_unit_test(who_is_refused_before_the_first_frame_is_told_why),
		cmocka_unit_test(a_region_is_the_same_memory_at_both_ends),
		cmocka_unit_test(memory_that_could_shrink_is_refused),
		cmocka_unit_test(a_frame_brings_one_descriptor_at_most),
		cmocka_unit_test(a_full_socket_runs_out_of_time),
		cmocka_unit_test(who_parts_goes_to_another_cpu_and_may_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
