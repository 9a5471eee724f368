/* SPDX-License-Identifier: MIT */
/*
 * The measured configuration of an enclave image: what the signer fixed for the program inside.
 * Lines of text up to an empty one, then the files' bytes one after the other:
 *
 *   scwatcher-enclave 1
 *   device-key=HEX                 64 digits: the memory device's public key
 *   seal-key=HEX                   64 digits: whose standard output and error are sealed for
 *   argument=TEXT                  one each, the first is argv[0]; if any: the only ones
 *   environment=NAME               may come from outside
 *   environment=NAME=TEXT          has this value
 *   permit=NAME,NAME...            calls served outside; no such line: all of config_permits
 *   file=SIZE PATH                 as the program sees it, its bytes below
 *
 * The bytes come from the signer and are measured, so they are trusted for what they say; the parser
 * is bounded all the same, as it also runs in `scwatcher inspect` on anybody's file.
 */
#ifndef SCW_CONFIG_CONFIG_H
#define SCW_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	CONFIG_KEY_SIZE = 32,
	CONFIG_ARGUMENTS_MAX = 64,
	CONFIG_ENVIRONMENT_MAX = 64,
	CONFIG_FILES_MAX = 128,
	CONFIG_TEXT_MAX = 4095,
	CONFIG_SIZE_MAX = 1 << 20, /* of it all */
};

/* Bytes within the configuration; no NUL, no newline. */
struct config_text {
	const char *text;
	size_t size;
};

/* `path` is absolute, without "." and "..", not in /proc or /dev. */
struct config_file {
	struct config_text path;
	const uint8_t *data;
	size_t size;
};

/* What may be served outside. */
enum config_permit {
	CONFIG_PERMIT_READ = 1,	    /* of standard input */
	CONFIG_PERMIT_WRITE = 2,    /* to standard output and error */
	CONFIG_PERMIT_TERMINAL = 4, /* requests to a terminal: size, modes */
	CONFIG_PERMIT_POLL = 8,	    /* waiting for standard input */
	CONFIG_PERMIT_ALL = 15,
};

struct config {
	bool has_device_key, has_seal_key;
	uint8_t device_key[CONFIG_KEY_SIZE];
	uint8_t seal_key[CONFIG_KEY_SIZE];
	unsigned int permit; /* enum config_permit */
	size_t argument_count, environment_count, file_count;
	struct config_text arguments[CONFIG_ARGUMENTS_MAX];
	struct config_text environment[CONFIG_ENVIRONMENT_MAX]; /* NAME or NAME=TEXT */
	struct config_file files[CONFIG_FILES_MAX];
};

/*
 * `ret` points into `data`. No bytes at all are an empty configuration. ERR_CORRUPT names the line,
 * ERR_LIMIT what there is too much of.
 */
enum err config_parse(const void *data, size_t size, struct config *ret,
		      struct err_ctx *err) ERR_NODISCARD;

/*
 * The bytes of `c`, from malloc(). ERR_INVAL for what the format can't hold (a newline in an
 * argument ...), with the parser's text.
 */
enum err config_write(const struct config *c, uint8_t **ret, size_t *size_ret,
		      struct err_ctx *err) ERR_NODISCARD;

/*
 * May `NAME=TEXT` (or NAME), which came from outside, be in the program's environment? Not when the
 * configuration has a value of its own for NAME.
 */
bool config_environment_allows(const struct config *c, const char *entry, size_t size);

/* "read", "write" ...; NULL after the last. */
const char *config_permit_name(unsigned int index);

#endif
