/* SPDX-License-Identifier: MIT */
/* Each walk of klib as a function for guest_run(): what it found, and whether it complained. */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROBE_OUT = 4096 };

struct probe {
	uint64_t root; /* the guest address where the walk starts */
	uint64_t from; /* an index, or a second address */
	uint64_t to;
	unsigned int levels;
	uint64_t out[PROBE_OUT]; /* addresses of entries, the first PROBE_OUT of them */
	uint64_t index[PROBE_OUT];
	uint64_t count;
	char text[512];
	int result;
	bool faulted;
};

void probe_list(void *probe);
void probe_hlist(void *probe);
void probe_nulls(void *probe);
void probe_rb(void *probe);
void probe_maple(void *probe);
void probe_xa_find(void *probe);
void probe_xa_load(void *probe);
void probe_idr(void *probe);
void probe_idr_find(void *probe);
void probe_path(void *probe);
void probe_pages(void *probe);
/* Entries of [from, to) and where they are; then the sizes and levels of each, behind PROBE_OUT / 2 */
void probe_tables(void *probe);
/* What is made of the entry `root` of level `from`: its frame, if it's dirty, type and offset in swap. */
void probe_entry(void *probe);

#endif
