// SPDX-License-Identifier: MIT
/* The measured configuration: written, read back, and refused when it is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

#define HEAD "scwatcher-enclave 1\n"
#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

#define TEXT(s) { (s), sizeof(s) - 1 }

static struct config parsed;

static void expect_error(const char *bytes, size_t size, enum err code, const char *text)
{
	struct err_ctx err = { 0 };

	assert_int_equal(config_parse(bytes, size, &parsed, &err), code);
	assert_non_null(strstr(err.text, text));
}

static void test_no_bytes_are_an_empty_configuration(void **state)
{
	(void)state;
	assert_int_equal(config_parse(NULL, 0, &parsed, NULL), ERR_OK);
	assert_int_equal(parsed.permit, CONFIG_PERMIT_ALL);
	assert_int_equal(parsed.file_count + parsed.argument_count + parsed.environment_count, 0);
}

static void test_what_is_written_is_read_back(void **state)
{
	static const char passwd[] = "root:x:0:0::/:\n\n\0binary";
	struct config c = {
		.has_device_key = true,
		.device_key = { 1, 2, 0xfe },
		.permit = CONFIG_PERMIT_WRITE | CONFIG_PERMIT_POLL,
		.argument_count = 3,
		.arguments = { TEXT("netstat"), TEXT(""), TEXT("-a=b") },
		.environment_count = 2,
		.environment = { TEXT("TERM"), TEXT("PROC_ROOT=/proc=x") },
		.file_count = 2,
		.files = { { TEXT("/etc/passwd"), (const uint8_t *)passwd, sizeof(passwd) },
			   { TEXT("/etc/empty file"), (const uint8_t *)"", 0 } },
	};
	struct err_ctx err = { 0 };
	uint8_t *data;
	size_t size;

	(void)state;
	assert_int_equal(config_write(&c, &data, &size, &err), ERR_OK);
	assert_int_equal(config_parse(data, size, &parsed, &err), ERR_OK);
	assert_true(parsed.has_device_key);
	assert_false(parsed.has_seal_key);
	assert_memory_equal(parsed.device_key, c.device_key, sizeof(c.device_key));
	assert_int_equal(parsed.permit, c.permit);
	assert_int_equal(parsed.argument_count, 3);
	assert_int_equal(parsed.arguments[1].size, 0);
	assert_memory_equal(parsed.arguments[2].text, "-a=b", 4);
	assert_int_equal(parsed.environment_count, 2);
	assert_int_equal(parsed.file_count, 2);
	assert_int_equal(parsed.files[0].size, sizeof(passwd));
	assert_memory_equal(parsed.files[0].data, passwd, sizeof(passwd));
	assert_int_equal(parsed.files[1].size, 0);
	/* every shorter one is refused, and a longer one */
	for (size_t cut = 1; cut < size; cut++) {
		struct config *short_one = malloc(sizeof(*short_one));

		assert_non_null(short_one);
		assert_int_not_equal(config_parse(data, size - cut, short_one, NULL), ERR_OK);
		free(short_one);
	}
	data = realloc(data, size + 1);
	assert_non_null(data);
	data[size] = 'x';
	expect_error((char *)data, size + 1, ERR_CORRUPT, "after the last file");
	free(data);
}

static void test_environment_from_outside_is_by_name_only(void **state)
{
	static const char text[] = HEAD "environment=TERM\nenvironment=LANG=C\n\n";

	(void)state;
	assert_int_equal(config_parse(text, sizeof(text) - 1, &parsed, NULL), ERR_OK);
	assert_true(config_environment_allows(&parsed, "TERM=x", 6));
	assert_true(config_environment_allows(&parsed, "TERM", 4));
	assert_false(config_environment_allows(&parsed, "TERMX=x", 7));
	assert_false(config_environment_allows(&parsed, "LANG=de", 7));
	assert_false(config_environment_allows(&parsed, "LANG=C", 6));
	assert_false(config_environment_allows(&parsed, "", 0));
	assert_false(config_environment_allows(&parsed, "=x", 2));
}

static void test_wrong_ones_are_refused_by_name(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "x", "line 1: not a configuration" },
		{ "scwatcher-enclave 2\n\n", "line 1: not a configuration" },
		{ HEAD, "line 2: ends before" },
		{ HEAD "argument=x\n", "line 3: ends before" },
		{ HEAD "nonsense\n\n", "line 2: not name=value" },
		{ HEAD "nonsense=1\n\n", "line 2: an unknown name" },
		{ HEAD "device-key=00\n\n", "line 2: a key is 64" },
		{ HEAD "device-key=" KEY "\ndevice-key=" KEY "\n\n", "line 3: a second key" },
		{ HEAD "permit=read\npermit=write\n\n", "line 3: permit twice" },
		{ HEAD "permit=read,open\n\n", "line 2: permit: not a kind" },
		{ HEAD "environment==x\n\n", "line 2: a variable without" },
		{ HEAD "environment=A\nenvironment=A=1\n\n", "line 3: the same variable" },
		{ HEAD "file=1 etc/passwd\n\nx", "line 2: a file's path" },
		{ HEAD "file=1 /etc/../x\n\nx", "line 2: a file's path" },
		{ HEAD "file=1 /etc//x\n\nx", "line 2: a file's path" },
		{ HEAD "file=1 /etc/x/\n\nx", "line 2: a file's path" },
		{ HEAD "file=1 /\n\nx", "line 2: a file's path" },
		{ HEAD "file=1 /proc/1/stat\n\nx", "line 2: a file's path" },
		{ HEAD "file=1 /proc\n\nx", "line 2: a file's path" },
		{ HEAD "file=1 /dev/null\n\nx", "line 2: a file's path" },
		{ HEAD "file=1/etc/x\n\nx", "line 2: not the size and path" },
		{ HEAD "file= /etc/x\n\nx", "line 2: not the size and path" },
		{ HEAD "file=99999999999999999999 /x\n\nx", "line 2: a file that is larger" },
		{ HEAD "file=1 /a/b\nfile=1 /a\n\nxx", "line 3: two files" },
		{ HEAD "file=1 /a\nfile=1 /a\n\nxx", "line 3: two files" },
		{ HEAD "file=2 /a\n\nx", "cut short in file 1" },
		{ HEAD "file=1 /a\n\nxx", "bytes after the last file" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_error(cases[i].text, strlen(cases[i].text), ERR_CORRUPT, cases[i].message);
	expect_error(HEAD "argument=a\0b\n\n", sizeof(HEAD "argument=a\0b\n\n") - 1, ERR_CORRUPT,
		     "line 2: a NUL");
}

static void test_similar_names_are_no_collision(void **state)
{
	static const char text[] = HEAD "file=0 /a/b\nfile=0 /a/bc\nfile=0 /devices\n\n";

	(void)state;
	assert_int_equal(config_parse(text, sizeof(text) - 1, &parsed, NULL), ERR_OK);
	assert_int_equal(parsed.file_count, 3);
}

static void test_too_many_are_refused(void **state)
{
	static char text[1 << 16];
	size_t size = strlen(strcpy(text, HEAD));

	(void)state;
	for (int i = 0; i <= CONFIG_ARGUMENTS_MAX; i++)
		size += strlen(strcpy(text + size, "argument=x\n"));
	text[size++] = '\n';
	expect_error(text, size, ERR_LIMIT, "more than 64 arguments");
}

static void test_a_newline_cannot_be_written(void **state)
{
	struct config c = { .argument_count = 1, .arguments = { TEXT("a\npermit=") } };
	struct err_ctx err = { 0 };
	uint8_t *data;
	size_t size;

	(void)state;
	assert_int_equal(config_write(&c, &data, &size, &err), ERR_INVAL);
	c.argument_count = 0;
	c.file_count = 1;
	c.files[0] = (struct config_file){ TEXT("relative"), (const uint8_t *)"", 0 };
	err_clear(&err);
	assert_int_equal(config_write(&c, &data, &size, &err), ERR_INVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_bytes_are_an_empty_configuration),
		cmocka_unit_test(test_what_is_written_is_read_back),
		cmocka_unit_test(test_environment_from_outside_is_by_name_only),
		cmocka_unit_test(test_wrong_ones_are_refused_by_name),
		cmocka_unit_test(test_similar_names_are_no_collision),
		cmocka_unit_test(test_too_many_are_refused),
		cmocka_unit_test(test_a_newline_cannot_be_written),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
