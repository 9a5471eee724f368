// SPDX-License-Identifier: MIT
/*
 * Both ends of sessions in one process, for ThreadSanitizer: each client and each device (its session,
 * engine and memdev_ring_serve()) is a thread. The ring's memory is mapped once for both ends, or the
 * sanitizer wouldn't know that it is the same.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/checked.h"
#include "device.h"

enum {
	SESSIONS = 4,
	ROUNDS = 40,
	SMALL = CHANNEL_RING_SIZE_MIN,
};

/* ---- one mapping of each ring ---- */

static struct mapping {
	ino_t inode;
	void *at;
	unsigned int users;
} mappings[SESSIONS];
static pthread_mutex_t mappings_lock = PTHREAD_MUTEX_INITIALIZER;

/* The one of that file or at that address; else a free one. */
static struct mapping *mapping_of(ino_t inode, const void *at)
{
	struct mapping *free = NULL;

	for (size_t i = 0; i < BASE_COUNT(mappings); i++) {
		if (!mappings[i].users)
			free = &mappings[i];
		else if (mappings[i].inode == inode || mappings[i].at == at)
			return &mappings[i];
	}
	assert_non_null(free);
	return free;
}

static void *map_once(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	struct mapping *m;
	struct stat st;

	if (fstat(fd, &st))
		return MAP_FAILED;
	pthread_mutex_lock(&mappings_lock);
	m = mapping_of(st.st_ino, NULL);
	if (!m->users) {
		m->inode = st.st_ino;
		m->at = mmap(at, size, protection, flags, fd, offset);
	}
	m->users++;
	at = m->at;
	pthread_mutex_unlock(&mappings_lock);
	return at;
}

static void unmap_once(void *at, size_t size)
{
	struct mapping *m;

	pthread_mutex_lock(&mappings_lock);
	m = mapping_of(0, at);
	if (--m->users == 0)
		munmap(at, size);
	pthread_mutex_unlock(&mappings_lock);
}

#define mmap map_once
#define munmap unmap_once
#include "region.c"
#undef mmap
#undef munmap

/* ---- both ends ---- */

/* What the client does once the session stands, until it is over or all was read. */
enum deed {
	READ_ALL,
	LEAVE,	   /* in the middle of an answer */
	OUTLIVE,   /* the device, whose socket is shut down */
};

struct session {
	pthread_t client, device;
	int ends[2]; /* the client's, the device's */
	struct carrier_options options;
	enum deed deed;
	bool spin;
	int device_over;
	enum err client_ended, device_ended;
};

static void *run_device(void *arg)
{
	struct session *s = arg;
	struct guest_pages *pages;
	struct device_guest *guest;
	struct base_alloc alloc;

	base_alloc_init(&alloc, 64 << 20);
	guest = device_guest_create(&alloc, &pages);
	s->device_ended = device_serve(s->ends[1], s->spin, pages, &alloc, NULL);
	device_guest_destroy(guest);
	close(s->ends[1]);
	__atomic_store_n(&s->device_over, 1, __ATOMIC_RELAXED);
	if (alloc.used)
		abort();
	return NULL;
}

static void do_deed(struct session *s, struct guest_pages *pages)
{
	struct guest_range all = {{DEVICE_VA}, DEVICE_PAGES * (uint64_t)GUEST_PAGE_SIZE};

	for (unsigned int i = 0; i < ROUNDS && !s->client_ended; i++)
		s->client_ended = device_client_read(pages, i * 7, 1 + i % 5 * 20, NULL);
	if (s->deed == READ_ALL || s->client_ended)
		return;
	if (s->deed == OUTLIVE) {
		/* whoever isn't asked meanwhile looks whether anybody is there */
		shutdown(s->ends[1], SHUT_RDWR);
		while (!__atomic_load_n(&s->device_over, __ATOMIC_RELAXED))
			usleep(10000);
		s->client_ended = device_client_read(pages, 100, 100, NULL);
		return;
	}
	/* the first page is there as soon as the answer has begun */
	s->client_ended = guest_pages_epoch(pages, NULL);
	guest_pages_want(pages, GUEST_SPACE_KERNEL, &all, 1);
	if (!s->client_ended) {
		const void *page;

		s->client_ended = guest_pages_page(pages, GUEST_SPACE_KERNEL,
						   (struct gva){DEVICE_VA}, &page);
	}
}

static void *run_client(void *arg)
{
	struct session *s = arg;
	struct guest_pages *pages;
	struct base_alloc alloc;
	struct carrier *c;

	base_alloc_init(&alloc, 64 << 20);
	s->client_ended = carrier_open_socket(&alloc, s->ends[0], &s->options, &c, NULL);
	if (!s->client_ended) {
		pages = device_client_pages(&alloc, c);
		do_deed(s, pages);
		guest_pages_destroy(pages);
		carrier_close(c);
	}
	if (alloc.used)
		abort();
	return NULL;
}

static void run_sessions(struct session *sessions, enum err client_ended)
{
	/* makes the keys, while there is one thread */
	const struct carrier_options options = device_client_options(CARRIER_RING);

	for (int i = 0; i < SESSIONS; i++) {
		struct session *s = &sessions[i];

		s->spin = i % 2;
		s->options = options;
		s->options.kind = i == 3 ? CARRIER_FRAMES : CARRIER_RING;
		if (i < 2)
			s->options.ring = (struct channel_ring_sizes){SMALL, SMALL << i};
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->ends), 0);
		assert_int_equal(pthread_create(&s->device, NULL, run_device, s), 0);
		assert_int_equal(pthread_create(&s->client, NULL, run_client, s), 0);
	}
	for (int i = 0; i < SESSIONS; i++) {
		pthread_join(sessions[i].client, NULL);
		pthread_join(sessions[i].device, NULL);
		assert_int_equal(sessions[i].client_ended, client_ended);
		assert_int_equal(sessions[i].device_ended, ERR_GONE);
	}
	for (size_t i = 0; i < BASE_COUNT(mappings); i++)
		assert_int_equal(mappings[i].users, 0);
}

static void clients_read_all(void **state)
{
	struct session sessions[SESSIONS] = {0};

	(void)state;
	run_sessions(sessions, ERR_OK);
}

static void clients_leave_in_the_middle(void **state)
{
	struct session sessions[SESSIONS] = {{.deed = LEAVE}, {.deed = LEAVE}, {.deed = LEAVE},
					     {.deed = LEAVE}};

	(void)state;
	run_sessions(sessions, ERR_OK);
}

static void devices_end_before_their_clients(void **state)
{
	struct session sessions[SESSIONS] = {{.deed = OUTLIVE}, {.deed = OUTLIVE}, {.deed = OUTLIVE},
					     {.deed = OUTLIVE}};

	(void)state;
	run_sessions(sessions, ERR_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_read_all),
		cmocka_unit_test(clients_leave_in_the_middle),
		cmocka_unit_test(devices_end_before_their_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
