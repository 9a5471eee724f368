/* SPDX-License-Identifier: MIT */
/*
 * The program headers of an ELF core that holds a machine's memory: QEMU's dump-guest-memory,
 * libvirt's dump --memory-only, kdump's vmcore. Format: System V gABI chapters 4 and 5 (PN_XNUM:
 * Linux elf(5)). No I/O here, so that it can be fuzzed.
 */
#ifndef SCW_SOURCES_ELFCORE_H
#define SCW_SOURCES_ELFCORE_H

#include "sources/source.h"

/* Gives bytes of the file; false when they aren't there. */
struct elfcore_reader {
	bool (*read)(struct elfcore_reader *r, uint64_t offset, void *buf, size_t size);
	uint64_t size; /* of the file */
};

/*
 * Where the file keeps which physical memory: *ret is a malloc()ed array for the caller to free,
 * sorted, not overlapping, every byte of it within the file. ERR_CORRUPT (malformed or truncated),
 * ERR_UNSUPPORTED (32-bit or another architecture), ERR_INVAL (a process's core), ERR_LIMIT.
 */
enum err elfcore_parse(struct elfcore_reader *r, struct source_extent **ret, size_t *count_ret,
		       struct err_ctx *err) ERR_NODISCARD;

#endif
