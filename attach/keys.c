// SPDX-License-Identifier: MIT
/* See keys.h. */
#include "attach/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cursor.h"

enum {
	FILE_MAX = 4096,
};

static const char *const names[] = {
	[KEYS_OF_DEVICE_SECRET] = "device-secret",
	[KEYS_OF_DEVICE_PUBLIC] = "device-public",
	[KEYS_OF_IDENTITY_SECRET] = "identity-secret",
	[KEYS_OF_IDENTITY_PUBLIC] = "identity-public",
	[KEYS_OF_OUTPUT_SECRET] = "output-secret",
	[KEYS_OF_OUTPUT_PUBLIC] = "output-public",
};

const char *keys_kind_name(enum keys_kind kind)
{
	return names[kind];
}

static bool is_secret(enum keys_kind kind)
{
	return kind == KEYS_OF_DEVICE_SECRET || kind == KEYS_OF_IDENTITY_SECRET ||
	       kind == KEYS_OF_OUTPUT_SECRET;
}

static bool fill(void *ctx, void *buf, size_t size)
{
	(void)ctx;
	/* up to 256 bytes come at once or not at all: random(7) */
	for (size_t done = 0; done < size;) {
		size_t n = size - done < 256 ? size - done : 256;

		if (getrandom((char *)buf + done, n, 0) != (ssize_t)n)
			return false;
		done += n;
	}
	return true;
}

const struct channel_random keys_random = {.fill = fill};

void keys_to_hex(const uint8_t key[KEYS_SIZE], char ret[KEYS_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < KEYS_SIZE; i++) {
		ret[2 * i] = digits[key[i] >> 4];
		ret[2 * i + 1] = digits[key[i] & 15];
	}
	ret[2 * KEYS_SIZE] = '\0';
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse_hex(const char *hex, size_t size, uint8_t ret[KEYS_SIZE])
{
	if (size != 2 * KEYS_SIZE)
		return false;
	for (int i = 0; i < KEYS_SIZE; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool keys_from_hex(const char *hex, uint8_t ret[KEYS_SIZE])
{
	return parse_hex(hex, strlen(hex), ret);
}

/* Of a file that holds such a key. */
static enum err check_owner(int fd, const char *path, enum keys_kind kind, struct err_ctx *err)
{
	struct stat st;

	if (!is_secret(kind))
		return ERR_OK;
	if (fstat(fd, &st) < 0)
		return err_set_errno(err, ERR_IO, errno, "can't look at %.150s", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(err, ERR_PERM, "%.150s holds a secret but is somebody else's (uid %u)",
			       path, (unsigned int)st.st_uid);
	if (st.st_mode & 077)
		return err_set(err, ERR_PERM,
			       "%.120s holds a secret but others may open it: chmod 600 it, and "
			       "better make a new one",
			       path);
	return ERR_OK;
}

static enum err parse(const char *path, enum keys_kind kind, const char *text, size_t size,
		      uint8_t key[KEYS_SIZE], struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(text, size);
	const char *name = names[kind], *line, *found = NULL;
	size_t found_size = 0, line_size;

	while ((line = base_cursor_line(&c, &line_size))) {
		if (!line_size || line[0] == '#')
			continue;
		if (found)
			return err_set(err, ERR_CORRUPT, "%.150s holds more than a key", path);
		found = line;
		found_size = line_size;
	}
	if (!found || found_size < strlen(name) + 1 || memcmp(found, name, strlen(name)) != 0 ||
	    found[strlen(name)] != ' ' ||
	    !parse_hex(found + strlen(name) + 1, found_size - strlen(name) - 1, key))
		return err_set(err, ERR_CORRUPT, "%.150s holds no %s key", path, name);
	return ERR_OK;
}

enum err keys_read(const char *path, enum keys_kind kind, uint8_t key[KEYS_SIZE],
		   struct err_ctx *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char text[FILE_MAX];
	uint8_t found[KEYS_SIZE];
	struct stat st;
	ssize_t size;
	enum err e;

	if (fd < 0)
		return err_set_errno(err,
				     errno == ENOENT ? ERR_ABSENT
				     : errno == EACCES ? ERR_PERM
						       : ERR_IO,
				     errno, "can't open the %s key %.150s", names[kind], path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		e = err_set(err, ERR_CORRUPT, "%.150s is no file", path);
	} else {
		size = read(fd, text, sizeof(text));
		if (size < 0)
			e = err_set_errno(err, ERR_IO, errno, "can't read %.150s", path);
		else
			e = parse(path, kind, text, (size_t)size, found, err);
	}
	if (!e)
		e = check_owner(fd, path, kind, err);
	close(fd);
	if (!e)
		memcpy(key, found, KEYS_SIZE);
	channel_wipe(text, sizeof(text));
	channel_wipe(found, sizeof(found));
	return e;
}

enum err keys_write(const char *path, enum keys_kind kind, const uint8_t key[KEYS_SIZE],
		    struct err_ctx *err)
{
	char hex[KEYS_HEX_SIZE], text[128], temporary[PATH_MAX];
	enum err e = ERR_OK;
	int fd, size;

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
		return err_set(err, ERR_INVAL, "%.150s... is too long a path", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, errno == EACCES ? ERR_PERM : ERR_IO, errno,
				     "can't write a key beside %.150s", path);
	keys_to_hex(key, hex);
	size = snprintf(text, sizeof(text), "%s %s\n", names[kind], hex);
	if (fchmod(fd, is_secret(kind) ? 0600 : 0644) < 0 ||
	    write(fd, text, (size_t)size) != size || fsync(fd) < 0)
		e = err_set_errno(err, ERR_IO, errno, "can't write %.150s", temporary);
	/* link() refuses to replace what is there, which rename() doesn't */
	if (!e && link(temporary, path) < 0)
		e = err_set_errno(err, errno == EEXIST ? ERR_INVAL : ERR_IO, errno,
				  errno == EEXIST ? "not overwriting %.150s" : "can't make %.150s",
				  path);
	unlink(temporary);
	close(fd);
	channel_wipe(hex, sizeof(hex));
	channel_wipe(text, sizeof(text));
	return e;
}
