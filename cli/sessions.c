// SPDX-License-Identifier: MIT
/* scwatcher sessions: who reads which VM's memory through this host's memory device. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

#define CONTROL_SOCKET "/run/scwatcher/control.sock"

enum {
	ANSWER_MAX = 4 << 20,
};

static enum err ask(const char *path, char **ret, struct err_ctx *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char *text = NULL;
	size_t used = 0;
	ssize_t n;
	int fd;

	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(err, ERR_INVAL, "the path of a socket is too long: %.100s", path);
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		enum err e = errno == EACCES		       ? ERR_PERM
			     : errno == ENOENT || errno == ECONNREFUSED ? ERR_ABSENT
									: ERR_IO;

		err_set_errno(err, e, errno, "no memory device answers at %.120s", path);
		if (fd >= 0)
			close(fd);
		return e;
	}
	text = calloc(1, ANSWER_MAX);
	while (text && used < ANSWER_MAX - 1) {
		n = read(fd, text + used, ANSWER_MAX - 1 - used);
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	close(fd);
	if (!text)
		return err_set(err, ERR_NOMEM, "out of memory");
	*ret = text;
	return ERR_OK;
}

static const char *text_of(json_object *o, const char *key)
{
	json_object *v = NULL;
	const char *s = json_object_object_get_ex(o, key, &v) && v ? json_object_get_string(v) : NULL;

	return s ? s : "-";
}

static int64_t number_of(json_object *o, const char *key)
{
	json_object *v = NULL;

	return json_object_object_get_ex(o, key, &v) ? json_object_get_int64(v) : 0;
}

static void print_column(const char *name, int width)
{
	cli_print_name(name, width);
	putchar(' ');
}

static void print_text(json_object *o)
{
	char since[32];
	time_t t = (time_t)number_of(o, "since");
	struct tm tm;

	strftime(since, sizeof(since), "%Y-%m-%d %H:%M:%S", localtime_r(&t, &tm));
	printf("%8" PRId64 " ", number_of(o, "session"));
	print_column(text_of(o, "identity"), 16);
	print_column(text_of(o, "vm"), 20);
	print_column(text_of(o, "state"), 9);
	printf("%8" PRId64 " %8" PRId64 " %s %10" PRId64 " %14" PRId64 "\n", number_of(o, "user"),
	       number_of(o, "process"), since, number_of(o, "requests"),
	       number_of(o, "bytes_in") + number_of(o, "bytes_out"));
}

enum status cli_sessions(const struct options *o, int argc, char **argv)
{
	struct err_ctx err = {0};
	json_object *array;
	char *text = NULL;
	enum err e = ask(o->control ? o->control : CONTROL_SOCKET, &text, &err);

	(void)argc;
	(void)argv;
	if (e)
		return cli_fail("sessions", e, &err);
	array = json_tokener_parse(text);
	free(text);
	if (!array || !json_object_is_type(array, json_type_array)) {
		err_set(&err, ERR_CORRUPT, "the memory device's answer can't be read");
		cli_complain("sessions", ERR_CORRUPT, &err);
		json_object_put(array);
		return STATUS_FAILED;
	}
	if (o->json) {
		printf("%s\n", json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY));
	} else {
		printf("%8s %-16s %-20s %-9s %8s %8s %-19s %10s %14s\n", "SESSION", "IDENTITY", "VM",
		       "STATE", "USER", "PROCESS", "SINCE", "REQUESTS", "BYTES");
		for (size_t i = 0; i < json_object_array_length(array); i++)
			print_text(json_object_array_get_idx(array, i));
	}
	json_object_put(array);
	return STATUS_OK;
}
