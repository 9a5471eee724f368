// SPDX-License-Identifier: MIT
/*
 * Sessions that are opened for a program while it is started (attach/start.h), with a real device process: the
 * program goes on where the starter stopped, and finds the answer that was asked for in its place.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "attach/keys.h"
#include "attach/start.h"
#include "carrier/wait.h"
#include "device.h"

enum {
	COMMAND = 77,
	ANOTHER_BOOT = 98, /* what a program ends with */
};

static char folder[] = "/tmp/scwatcher-start-XXXXXX";
static char device_path[64], pin_path[64], other_path[64], identity_path[64];
static pid_t device;
static char *const command[] = {(char *)"netstat", (char *)"-tan", NULL};

static struct attach_sealed sealed(void)
{
	return (struct attach_sealed){
		.carrier = ATTACH_RING,
		.device = device_path,
		.pin = pin_path,
		.identity = identity_path,
		.freshness_ms = -1,
	};
}

static int set_up(void **state)
{
	static const uint8_t seed[KEYS_SIZE] = {7}, nobody[KEYS_SIZE] = {9};

	(void)state;
	if (!mkdtemp(folder) || setenv("XDG_CACHE_HOME", folder, 1))
		return -1;
	snprintf(device_path, sizeof(device_path), "%s/socket", folder);
	snprintf(pin_path, sizeof(pin_path), "%s/pin", folder);
	snprintf(other_path, sizeof(other_path), "%s/other", folder);
	snprintf(identity_path, sizeof(identity_path), "%s/identity", folder);
	if (keys_write(pin_path, KEYS_OF_DEVICE_PUBLIC,
		       device_client_options(CARRIER_RING).session.device, NULL) ||
	    keys_write(other_path, KEYS_OF_DEVICE_PUBLIC, nobody, NULL) ||
	    keys_write(identity_path, KEYS_OF_IDENTITY_SECRET, seed, NULL))
		return -1;
	device = device_listen(device_path);
	return 0;
}

static int tear_down(void **state)
{
	char text[128];

	(void)state;
	kill(device, SIGKILL);
	waitpid(device, NULL, 0);
	snprintf(text, sizeof(text), "rm -r %s", folder);
	return system(text);
}

static unsigned int open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* As the program, which is another process: its status is 0 if all is right. */
static int be_program(int fd, bool asked)
{
	struct attach_start_message m;
	struct base_alloc alloc;
	struct guest_pages *pages;
	struct sealed_stats stats;
	struct carrier *c;
	int socket;

	base_alloc_init(&alloc, 64 << 20);
	if (!attach_start_receive(fd, &m, &socket))
		return 1;
	if (carrier_resume(&alloc, &m.state, socket, &c, NULL))
		return 2;
	if (carrier_accept(c)->generation != DEVICE_GENERATION || !m.command)
		return 3;
	/* what was asked for another boot's sake is of no use: a session of its own */
	if (m.number && m.generation != DEVICE_GENERATION) {
		carrier_close(c);
		return asked ? 3 : ANOTHER_BOOT;
	}
	if ((m.number == 1) != asked)
		return 3;
	pages = device_client_pages(&alloc, c);
	if (asked) {
		struct sealed_options o = {.cache_pages = DEVICE_PAGES,
					   .freshness_ns = 10000000000,
					   .readahead = 1,
					   .generation = DEVICE_GENERATION};

		guest_pages_destroy(pages);
		if (sealed_pages_create(&alloc, carrier_sealed(c), &o, &pages, NULL))
			return 4;
		sealed_pages_adopt(pages, m.number, m.asked_ns);
		if (device_client_read(pages, 3, 4, NULL) || device_client_read(pages, 900, 1, NULL))
			return 5;
		stats = sealed_pages_stats(pages);
		if (stats.round_trips != 1)
			return 6;
	}
	/* and what wasn't asked for */
	if (device_client_read(pages, 20, 100, NULL) || device_client_read(pages, 0, DEVICE_PAGES, NULL))
		return 7;
	guest_pages_destroy(pages);
	carrier_close(c);
	return alloc.used ? 8 : 0;
}

/* What exec would leave of it. */
static void close_others(int fd)
{
	close_range(STDERR_FILENO + 1, (unsigned int)fd - 1, 0);
	close_range((unsigned int)fd + 1, ~0u, 0);
}

static int start(const struct attach_sealed *o, bool asked)
{
	struct attach_start *s = attach_start_begin(o, DEVICE_VM, command);
	int status, fd;
	pid_t pid;

	assert_non_null(s);
	fd = attach_start_descriptor(s);
	assert_true(fd >= 800);
	pid = fork();
	if (!pid) {
		close_others(fd);
		_exit(fd == attach_start_inherited() && !getenv(ATTACH_ENV_START) ?
			      be_program(fd, asked) :
			      99);
	}
	attach_start_finish(s);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_session_is_handed_over(void **state)
{
	struct attach_sealed o = sealed();
	unsigned int before = open_descriptors();

	(void)state;
	assert_int_equal(start(&o, false), 0);
	assert_null(getenv(ATTACH_ENV_START));
	assert_int_equal(open_descriptors(), before);
}

static void encode(const struct channel_item *items, uint32_t count, uint8_t *buf)
{
	static struct channel_request r;
	static uint8_t wire[CHANNEL_REQUEST_MAX];
	size_t size;

	r.number = 1;
	r.count = count;
	memcpy(r.items, items, count * sizeof(*items));
	assert_int_equal(channel_request_encode(&r, wire, sizeof(wire), &size, NULL), ERR_OK);
	memcpy(buf, wire + CHANNEL_REQUEST_HEADER_SIZE, count * CHANNEL_ITEM_SIZE);
}

static const struct channel_item some[] = {
	{.kind = CHANNEL_READ, .address = DEVICE_VA + 3 * 4096, .size = 4 * 4096},
	{.kind = CHANNEL_READ, .address = DEVICE_VA + 900 * 4096, .size = 4096},
};

/* The name that attach_start_begin() gives the command. */
static uint64_t command_of(const struct attach_sealed *o)
{
	struct attach_start *s = attach_start_begin(o, DEVICE_VM, command);
	struct attach_start_message m;
	int fd, socket;

	assert_non_null(s);
	fd = dup(attach_start_descriptor(s));
	attach_start_finish(s);
	assert_true(attach_start_receive(fd, &m, &socket));
	close(fd);
	close(socket);
	return m.command;
}

static void what_was_asked_before_is_asked_beforehand(void **state)
{
	struct attach_sealed o = sealed();
	uint8_t items[2 * CHANNEL_ITEM_SIZE];
	uint64_t name = command_of(&o);

	(void)state;
	encode(some, 2, items);
	attach_requests_add(name, DEVICE_GENERATION, items, 2);
	assert_int_equal(start(&o, true), 0);
	/* not for who wants to read anew each time */
	o.freshness_ms = 0;
	assert_int_equal(start(&o, false), 0);
	/* not of another boot */
	o.freshness_ms = -1;
	attach_requests_add(name, DEVICE_GENERATION + 1, items, 2);
	assert_int_equal(start(&o, false), ANOTHER_BOOT);
}

static void who_is_not_let_in_gets_nothing(void **state)
{
	struct attach_sealed o = sealed();
	unsigned int before = open_descriptors();

	(void)state;
	o.pin = other_path;
	assert_int_equal(start(&o, false), 1);
	o = sealed();
	o.identity = device_path;
	assert_int_equal(start(&o, false), 1);
	o = sealed();
	o.device = pin_path;
	assert_int_equal(start(&o, false), 1);
	o = sealed();
	o.carrier = ATTACH_SOCKET;
	assert_null(attach_start_begin(&o, DEVICE_VM, command));
	assert_int_equal(open_descriptors(), before);
}

/* It ended, or has closed what it doesn't know. */
static void a_program_that_wants_none_is_fine(void **state)
{
	struct attach_sealed o = sealed();
	unsigned int before = open_descriptors();
	struct attach_start *s = attach_start_begin(&o, DEVICE_VM, command);

	(void)state;
	assert_non_null(s);
	attach_start_finish(s);
	s = attach_start_begin(&o, DEVICE_VM, command);
	assert_non_null(s);
	attach_start_abandon(s);
	attach_start_abandon(NULL);
	attach_start_finish(NULL);
	assert_int_equal(open_descriptors(), before);
}

static void only_who_was_started_looks_for_a_session(void **state)
{
	char text[40];

	(void)state;
	assert_int_equal(attach_start_inherited(), 0);
	snprintf(text, sizeof(text), "%d.2000", (int)getppid());
	setenv(ATTACH_ENV_START, text, 1);
	assert_int_equal(attach_start_inherited(), 0); /* no such descriptor */
	assert_null(getenv(ATTACH_ENV_START));
	setenv(ATTACH_ENV_START, "1.0", 1);
	assert_int_equal(attach_start_inherited(), 0);
	setenv(ATTACH_ENV_START, "x", 1);
	assert_int_equal(attach_start_inherited(), 0);
}

static bool read_kept(uint64_t name, uint8_t buf[CHANNEL_REQUEST_MAX], size_t *size, uint64_t *of)
{
	char path[PATH_MAX];

	return attach_requests_path(name, path) && attach_requests_read(path, buf, size, of);
}

static uint32_t count_kept(uint64_t name, uint64_t generation)
{
	static uint8_t buf[CHANNEL_REQUEST_MAX];
	uint64_t of;
	size_t size;

	return read_kept(name, buf, &size, &of) && of == generation ?
		       (uint32_t)((size - CHANNEL_REQUEST_HEADER_SIZE) / CHANNEL_ITEM_SIZE) :
		       0;
}

extern attach_session_open_fn scw_session_open;

/* A program as it is: what it needed how many round trips for, or 90 and more. */
static int be_real_program(int fd)
{
	struct attach_sealed o = sealed();
	struct attach_sealed_paths paths;
	struct attach_session *s;
	struct base_alloc alloc;
	int round_trips;

	base_alloc_init(&alloc, 64 << 20);
	o.start = fd;
	if (attach_sealed_paths(&o, &paths, NULL) ||
	    scw_session_open(&alloc, &o, &paths, DEVICE_VM, &s, NULL))
		return 90;
	if (device_client_read(s->pages, 3, 4, NULL) || device_client_read(s->pages, 900, 1, NULL))
		return 91;
	round_trips = (int)s->stats(s).round_trips;
	s->keep(s);
	s->close(s);
	return alloc.used ? 92 : round_trips;
}

static int run_real(void)
{
	struct attach_sealed o = sealed();
	struct attach_start *s = attach_start_begin(&o, DEVICE_VM, command);
	int status, fd;
	pid_t pid;

	assert_non_null(s);
	fd = attach_start_descriptor(s);
	pid = fork();
	if (!pid) {
		close_others(fd);
		_exit(be_real_program(attach_start_inherited()));
	}
	attach_start_finish(s);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void programs_remember_for_the_next_one(void **state)
{
	static uint8_t items[2 * CHANNEL_ITEM_SIZE];
	struct attach_sealed o = sealed();
	uint64_t name = command_of(&o);

	(void)state;
	/* what is kept is of another boot: it does without, and keeps what is of this one */
	encode(some, 2, items);
	attach_requests_add(name, DEVICE_GENERATION + 1, items, 2);
	assert_int_equal(run_real(), 2);
	assert_int_equal(count_kept(name, DEVICE_GENERATION), 2);
	assert_int_equal(run_real(), 1);
	assert_int_equal(run_real(), 1);
}

/* Whatever was asked for first. */
static void lists_are_kept_behind_the_rest(void **state)
{
	const struct channel_item list = {.kind = CHANNEL_CHASE, .address = 4096, .bound = 5};
	static uint8_t buf[CHANNEL_REQUEST_MAX];
	uint8_t item[CHANNEL_ITEM_SIZE];
	uint64_t generation;
	size_t size;

	(void)state;
	encode(some, 1, item);
	attach_requests_add(COMMAND + 1, 1, item, 1);
	encode(&list, 1, item);
	attach_requests_add(COMMAND + 1, 1, item, 1);
	assert_true(read_kept(COMMAND + 1, buf, &size, &generation));
	assert_int_equal(size, CHANNEL_REQUEST_HEADER_SIZE + 2 * CHANNEL_ITEM_SIZE);
	assert_memory_equal(buf + size - CHANNEL_ITEM_SIZE, item, CHANNEL_ITEM_SIZE);
}

/* What is known of a page is one item, so that runs which each miss other lines don't fill the note. */
static void lines_of_a_page_are_kept_together(void **state)
{
	static struct channel_request r;
	static uint8_t buf[CHANNEL_REQUEST_MAX];
	uint8_t items[3 * CHANNEL_ITEM_SIZE];
	uint64_t generation;
	size_t size;

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		const struct channel_item lines[] = {
			{.kind = CHANNEL_LINES, .address = 4096, .size = 1ull << i % 64},
			{.kind = CHANNEL_LINES, .address = 8192, .size = 3},
			{.kind = CHANNEL_READ, .address = 4096, .size = 64 + i},
		};

		encode(lines, 3, items);
		attach_requests_add(COMMAND + 2, 1, items, 3);
	}
	assert_int_equal(count_kept(COMMAND + 2, 1), 102);
	assert_true(read_kept(COMMAND + 2, buf, &size, &generation));
	assert_int_equal(channel_request_decode(buf, size, &r, NULL), ERR_OK);
	for (uint32_t i = 0; i < r.count; i++)
		if (r.items[i].kind == CHANNEL_LINES)
			assert_true(r.items[i].size == (r.items[i].address == 4096 ? UINT64_MAX : 3));
}

static void requests_are_kept(void **state)
{
	static uint8_t items[CHANNEL_ITEMS_MAX * CHANNEL_ITEM_SIZE];
	char path[128];
	int fd;

	(void)state;
	encode(some, 2, items);
	assert_int_equal(count_kept(COMMAND, 1), 0);
	attach_requests_add(COMMAND, 1, items, 1);
	attach_requests_add(COMMAND, 1, items, 2); /* one of them twice */
	assert_int_equal(count_kept(COMMAND, 1), 2);
	assert_int_equal(count_kept(COMMAND, 2), 0);
	for (uint64_t i = 0; i < CHANNEL_ITEMS_MAX - 1; i++) {
		struct channel_item item = {.kind = CHANNEL_READ, .address = 4096 * i, .size = 1};

		encode(&item, 1, items + i * CHANNEL_ITEM_SIZE);
	}
	/* no room: what is new counts */
	attach_requests_add(COMMAND, 1, items, CHANNEL_ITEMS_MAX - 1);
	assert_int_equal(count_kept(COMMAND, 1), CHANNEL_ITEMS_MAX - 1);

	snprintf(path, sizeof(path), "%s/scwatcher/requests/%016x", folder, COMMAND);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	/* an item of no kind */
	assert_int_equal(pwrite(fd, "\xff", 1, CHANNEL_REQUEST_HEADER_SIZE), 1);
	close(fd);
	assert_int_equal(count_kept(COMMAND, 1), 0);
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(count_kept(COMMAND, 1), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_handed_over),
		cmocka_unit_test(what_was_asked_before_is_asked_beforehand),
		cmocka_unit_test(who_is_not_let_in_gets_nothing),
		cmocka_unit_test(a_program_that_wants_none_is_fine),
		cmocka_unit_test(only_who_was_started_looks_for_a_session),
		cmocka_unit_test(requests_are_kept),
		cmocka_unit_test(programs_remember_for_the_next_one),
		cmocka_unit_test(lists_are_kept_behind_the_rest),
		cmocka_unit_test(lines_of_a_page_are_kept_together),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
