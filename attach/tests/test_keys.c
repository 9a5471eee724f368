// SPDX-License-Identifier: MIT
/* Keys in files, and what a boot is on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "attach/accept.h"
#include "attach/keys.h"

static char folder[] = "/tmp/scw-keys-XXXXXX";
static char path[64];

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/scw-keys-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/key", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	/* nothing else was left there */
	assert_int_equal(rmdir(folder), 0);
	return 0;
}

static void keys_come_back(void **state)
{
	uint8_t key[KEYS_SIZE], back[KEYS_SIZE];
	struct stat st;

	(void)state;
	assert_true(keys_random.fill(NULL, key, sizeof(key)));
	assert_int_equal(keys_write(path, KEYS_OF_DEVICE_SECRET, key, NULL), ERR_OK);
	assert_int_equal(keys_read(path, KEYS_OF_DEVICE_SECRET, back, NULL), ERR_OK);
	assert_memory_equal(key, back, sizeof(key));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void keys_are_not_overwritten(void **state)
{
	uint8_t key[KEYS_SIZE] = {1}, back[KEYS_SIZE];
	struct err_ctx err = {0};

	(void)state;
	assert_int_equal(keys_write(path, KEYS_OF_DEVICE_PUBLIC, key, NULL), ERR_OK);
	key[0] = 2;
	assert_int_equal(keys_write(path, KEYS_OF_DEVICE_PUBLIC, key, &err), ERR_INVAL);
	assert_non_null(strstr(err.text, "not overwriting"));
	assert_int_equal(keys_read(path, KEYS_OF_DEVICE_PUBLIC, back, NULL), ERR_OK);
	assert_int_equal(back[0], 1);
}

static void secrets_are_kept_secret(void **state)
{
	uint8_t key[KEYS_SIZE] = {1};
	struct err_ctx err = {0};

	(void)state;
	assert_int_equal(keys_write(path, KEYS_OF_IDENTITY_SECRET, key, NULL), ERR_OK);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(keys_read(path, KEYS_OF_IDENTITY_SECRET, key, &err), ERR_PERM);
	assert_non_null(strstr(err.text, "chmod 600"));
}

static enum err read_text(const char *text, enum keys_kind kind)
{
	FILE *f = fopen(path, "w");
	uint8_t key[KEYS_SIZE];

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
	return keys_read(path, kind, key, NULL);
}

#define HEX "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static void what_is_no_key(void **state)
{
	uint8_t key[KEYS_SIZE];

	(void)state;
	assert_int_equal(keys_read(path, KEYS_OF_DEVICE_PUBLIC, key, NULL), ERR_ABSENT);
	assert_int_equal(read_text("device-public " HEX "\n", KEYS_OF_DEVICE_PUBLIC), ERR_OK);
	assert_int_equal(read_text("# mine\n\ndevice-public " HEX, KEYS_OF_DEVICE_PUBLIC), ERR_OK);
	assert_int_equal(read_text("device-public " HEX "\n", KEYS_OF_DEVICE_SECRET), ERR_CORRUPT);
	assert_int_equal(read_text("device-public " HEX "\nx\n", KEYS_OF_DEVICE_PUBLIC),
			 ERR_CORRUPT);
	assert_int_equal(read_text("device-public " HEX "0\n", KEYS_OF_DEVICE_PUBLIC), ERR_CORRUPT);
	assert_int_equal(read_text("device-public g" HEX "\n", KEYS_OF_DEVICE_PUBLIC), ERR_CORRUPT);
	assert_int_equal(read_text("device-public", KEYS_OF_DEVICE_PUBLIC), ERR_CORRUPT);
	assert_int_equal(read_text("", KEYS_OF_DEVICE_PUBLIC), ERR_CORRUPT);
	assert_false(keys_from_hex("00", key));
	assert_true(keys_from_hex(HEX, key));
	assert_int_equal(key[31], 0xff);
}

static void boots_come_back(void **state)
{
	struct channel_accept a = {0};
	struct ktype_boot in, out;

	(void)state;
	memset(&in, 0, sizeof(in));
	in.vmcoreinfo.v = 0x1000;
	strcpy(in.osrelease, "6.1.0-28-cloud-amd64");
	in.build_id[3] = 7;
	in.has_build_id = true;
	in.kaslr = 0x2000000;
	in.phys_base = -4096;
	in.paging.kernel_top.v = 0x3000;
	in.paging.levels = 5;
	for (size_t i = 0; i < sizeof(in.at) / 8; i++)
		((uint64_t *)&in.at)[i] = 0xffffffff80000000ull + i;
	accept_from_boot(&in, &a);
	accept_to_boot(&a, &out);
	assert_memory_equal(&in, &out, sizeof(in));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys_come_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keys_are_not_overwritten, set_up, tear_down),
		cmocka_unit_test_setup_teardown(secrets_are_kept_secret, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_key, set_up, tear_down),
		cmocka_unit_test(boots_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
