// SPDX-License-Identifier: MIT
/*
 * All bytes that cross between client and device in a session, and what is left in the shared
 * memory at its end, hold none of twenty strings that the client reads in the guest's memory
 * meanwhile. The same source built with a cipher that does nothing (unsealed.c, SEALING_OFF) must
 * find them all: what isn't found would be found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "device.h"
#include "proxy.h"

#ifdef SEALING_OFF
#define FOUND DEVICE_STRINGS
#else
#define FOUND 0
#endif

/* Where the planted strings are: page i * 7. A look at each alone, then at all at once. */
static void read_strings(struct guest_pages *pages)
{
	for (unsigned int i = 0; i < DEVICE_STRINGS; i++)
		assert_int_equal(device_client_read(pages, i * 7, 1, NULL), ERR_OK);
	assert_int_equal(device_client_read(pages, 0, DEVICE_STRINGS * 7, NULL), ERR_OK);
}

static unsigned int strings_in(const uint8_t *bytes, size_t size)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < DEVICE_STRINGS; i++)
		found += memmem(bytes, size, device_string(i), DEVICE_STRING_SIZE) != NULL;
	return found;
}

static void capture_session(enum carrier_kind kind)
{
	struct carrier_options o = device_client_options(kind);
	struct device device = device_start(false);
	struct proxy p = {.capture = true};
	struct guest_pages *pages;
	struct carrier *carrier;
	struct base_alloc alloc;
	uint64_t page_0 = DEVICE_VA;
	bool address;

	base_alloc_init(&alloc, 64 << 20);
	assert_int_equal(
		carrier_open_socket(&alloc, proxy_start(&p, device.socket), &o, &carrier, NULL),
		ERR_OK);
	pages = device_client_pages(&alloc, carrier);
	read_strings(pages);
	guest_pages_destroy(pages);
	carrier_close(carrier);
	assert_int_equal(device_wait(&device).err, ERR_GONE);
	proxy_stop(&p);

	/* the pages did cross here */
	assert_true(p.captured_size > DEVICE_STRINGS * 8 * GUEST_PAGE_SIZE);
	assert_int_equal(strings_in(p.captured, p.captured_size), FOUND);
	/* nor can be seen which addresses were asked for */
	address = memmem(p.captured, p.captured_size, &page_0, sizeof(page_0)) != NULL;
	assert_int_equal(address, FOUND != 0);
	/* the VM's name is in the clear: the capture does see what there is to see */
	assert_non_null(memmem(p.captured, p.captured_size, DEVICE_VM, strlen(DEVICE_VM)));
	proxy_deinit(&p);
}

static void the_ring_shows_no_plaintext(void **state)
{
	(void)state;
	capture_session(CARRIER_RING);
}

static void frames_show_no_plaintext(void **state)
{
	(void)state;
	capture_session(CARRIER_FRAMES);
}

/* The strings are what they are meant to be. */
static void the_strings_differ_and_are_planted(void **state)
{
	static uint8_t page[GUEST_PAGE_SIZE];

	(void)state;
	for (unsigned int i = 0; i < DEVICE_STRINGS; i++) {
		device_fill_page(i * 7, page);
		assert_int_equal(strings_in(page, sizeof(page)), 1);
		assert_memory_equal(page, device_string(i), DEVICE_STRING_SIZE);
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(device_string(i), device_string(j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_strings_differ_and_are_planted),
		cmocka_unit_test(the_ring_shows_no_plaintext),
		cmocka_unit_test(frames_show_no_plaintext),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
