/* SPDX-License-Identifier: MIT */
/*
 * Files under ${XDG_CACHE_HOME:-~/.cache}/scwatcher, written whole or not at all. Not having a
 * cache (a read-only home, a full disk) costs time, never a run: nothing here reports errors.
 */
#ifndef SCW_ATTACH_CACHE_H
#define SCW_ATTACH_CACHE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* "<cache>/folder/name" into path; false when there is no cache folder or it doesn't fit. */
bool cache_path(char path[PATH_MAX], const char *folder, const char *name);

/*
 * Map a file read-only: *ret for munmap(). False when it is not there, empty, or belongs to
 * somebody else (who could change it under us).
 */
bool cache_map(const char *path, const void **ret, size_t *size_ret);

/* The same for what is small: read into `buf`. False also when it is larger than that. */
bool cache_read(const char *path, void *buf, size_t size, size_t *ret);

/* Write a file of the cache under its final name in one step, making folders as needed. */
bool cache_write(const char *path, const void *data, size_t size);

/* Remove files of `folder` that were written more than `days` ago. */
void cache_expire(const char *folder, unsigned int days);

#endif
