// SPDX-License-Identifier: MIT
/* The daemon's configuration, with all that can be wrong in it, and its sockets. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/checked.h"
#include "config.h"
#include "listen.h"
#include "memdev/policy.h"
#include "settings.h"

static const char *conf_example, *policy_example;

static enum err parse(struct config *c, const char *text, struct err_ctx *err)
{
	config_defaults(c);
	return config_parse(c, text, strlen(text), "conf", err);
}

static void settings_are_taken(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(parse(&c,
			       "socket = \"/x\"; socket_mode = \"0600\"; sessions = 7;\n"
			       "accept_development_keys = true; insecure_accept_emulated = true; idle_s = 0; user = \"me\";",
			       NULL),
			 ERR_OK);
	assert_string_equal(c.socket, "/x");
	assert_int_equal(c.socket_mode, 0600);
	assert_int_equal(c.sessions, 7);
	assert_true(c.development);
	assert_true(c.emulated);
	assert_string_equal(c.user, "me");
	assert_int_equal(c.memory_mib, 256);
	assert_int_equal(config_set(&c, "sessions", "9", NULL), ERR_OK);
	assert_int_equal(c.sessions, 9);
	assert_int_equal(config_set(&c, "sessions", "9x", NULL), ERR_INVAL);
	assert_int_equal(config_set(&c, "sessions", "", NULL), ERR_INVAL);
	assert_int_equal(config_set(&c, "session", "9", NULL), ERR_ABSENT);
}

static void nothing_is_the_defaults(void **state)
{
	struct config c, defaults;

	(void)state;
	config_defaults(&defaults);
	assert_int_equal(parse(&c, "", NULL), ERR_OK);
	/* each by itself: between them lie bytes that nobody sets */
	assert_string_equal(c.socket, defaults.socket);
	assert_string_equal(c.control, defaults.control);
	assert_string_equal(c.key, defaults.key);
	assert_string_equal(c.policy, defaults.policy);
	assert_string_equal(c.user, defaults.user);
	assert_string_equal(c.mount, defaults.mount);
	assert_string_equal(c.sgx_root, defaults.sgx_root);
	assert_string_equal(c.sgx_collateral, defaults.sgx_collateral);
	assert_string_equal(c.sgx_accept_tcb, "UpToDate");
	assert_int_equal(c.socket_mode, defaults.socket_mode);
	assert_int_equal(c.sessions, defaults.sessions);
	assert_int_equal(c.sessions_per_vm, defaults.sessions_per_vm);
	assert_int_equal(c.handshake_s, defaults.handshake_s);
	assert_int_equal(c.idle_s, defaults.idle_s);
	assert_int_equal(c.warm_s, defaults.warm_s);
	assert_int_equal(c.memory_mib, defaults.memory_mib);
	assert_false(c.development);
	assert_false(c.emulated);
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{"x", "conf:1: syntax error"},
		{"\nport = 5;", "conf:2: \"port\" isn't a setting"},
		{"sessions = 0;", "conf:1: \"sessions\" is out of range: 1 to 4096"},
		{"sessions = 5000000000L;", "conf:1: \"sessions\" is out of range: 1 to 4096"},
		{"sessions = \"5\";", "conf:1: \"sessions\" isn't a number"},
		{"accept_development_keys = 1;",
		 "conf:1: \"accept_development_keys\" takes true or false"},
		{"socket = 5;", "conf:1: \"socket\" isn't a string"},
		{"socket_mode = \"0999\";", "conf:1: \"socket_mode\" isn't a number"},
		{"socket_mode = \"1777\";", "conf:1: \"socket_mode\" is out of range: 0 to 777"},
	};
	struct config c;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		struct err_ctx err = {0};

		assert_int_equal(parse(&c, bad[i].text, &err), ERR_CORRUPT);
		assert_string_equal(err.text, bad[i].message);
	}
}

/* The example says what the defaults are, once its comments are taken off. */
static void the_examples_are_true(void **state)
{
	struct config c, defaults;
	struct memdev_policy *p;
	char *text;
	size_t size;

	(void)state;
	if (!conf_example)
		skip();
	assert_int_equal(settings_read(conf_example, &text, &size, NULL), ERR_OK);
	for (char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (line[0] == '#' && line[1] != ' ')
			line[0] = ' ';
	}
	memset(&c, 0xff, sizeof(c));
	config_defaults(&defaults);
	c = defaults;
	c.sessions = 1;
	assert_int_equal(config_parse(&c, text, size, "example", NULL), ERR_OK);
	free(text);
	assert_memory_equal(&c, &defaults, sizeof(c));
	assert_int_equal(memdev_policy_load(policy_example, &p, NULL), ERR_OK);
	assert_int_equal(memdev_policy_count(p), 0);
	memdev_policy_destroy(p);
}

static void sockets(void **state)
{
	char folder[] = "/tmp/scw-listen-XXXXXX", path[64];
	struct err_ctx err = {0};
	struct stat st;
	int fd, again;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sub/socket", folder);
	assert_int_equal(listen_at(path, SOCK_SEQPACKET, 0640, &fd, NULL), ERR_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(listen_at(path, SOCK_SEQPACKET, 0640, &again, &err), ERR_INVAL);
	assert_non_null(strstr(err.text, "somebody listens"));
	/* one whose maker was killed is replaced */
	close(fd);
	assert_int_equal(listen_at(path, SOCK_SEQPACKET, 0640, &fd, NULL), ERR_OK);
	close(fd);
	unlink(path);
	fd = creat(path, 0600);
	close(fd);
	err_clear(&err);
	assert_int_equal(listen_at(path, SOCK_SEQPACKET, 0640, &fd, &err), ERR_INVAL);
	assert_non_null(strstr(err.text, "no socket"));
	unlink(path);
	snprintf(path, sizeof(path), "%s/sub", folder);
	rmdir(path);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(listen_inherited("device", SOCK_SEQPACKET, &fd, NULL), ERR_ABSENT);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_taken),
		cmocka_unit_test(nothing_is_the_defaults),
		cmocka_unit_test(what_is_wrong_is_said_with_its_place),
		cmocka_unit_test(the_examples_are_true),
		cmocka_unit_test(sockets),
	};

	if (argc == 3) {
		conf_example = argv[1];
		policy_example = argv[2];
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
