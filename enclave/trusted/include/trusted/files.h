/* SPDX-License-Identifier: MIT */
/* What the system-call layer takes from the guest's connection and from who seals the output. */
#ifndef SCW_TRUSTED_FILES_H
#define SCW_TRUSTED_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct config;
struct vfs;

/*
 * The guest's /proc: supplied by the guest's connection, called with the layer's lock held at each call on a
 * path below /proc. It may ask the host and allocate, but make no call on files. NULL: there is none, or it
 * can't be reached (the calls fail with EIO).
 */
struct vfs *trusted_vfs(void);

/*
 * Supplied by the same: the program ends with `code`. The code that it ends with instead if what it read of the
 * guest wasn't whole, which is said. `locked`: the layer's lock is held; without it the device isn't asked whether
 * the guest is the one that it was.
 */
int trusted_vfs_end(int code, bool locked);

/*
 * From now on what the program writes to standard output (stream 1) and error (2) goes to `fn` instead of
 * to the host: bytes taken, or -errno. It may call trusted_proxy_write(). The streams are no
 * terminals then. Called without a lock, by several threads at once if the program does so.
 */
typedef long trusted_output_fn(unsigned int stream, const void *data, size_t size);
void trusted_output_hook(trusted_output_fn *fn);

/* Supplied by who seals the output: the program ends, nothing more will be written. */
void trusted_output_end(void);

/*
 * To the program's standard error, sealed if its output is: for what can't be said otherwise. Bytes written, or
 * -errno.
 */
long trusted_say(const char *text, size_t size);

/* The measured configuration, parsed; an empty one if there is none. */
const struct config *trusted_settings(void);

#endif
