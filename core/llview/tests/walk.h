/* SPDX-License-Identifier: MIT */
/* What walk.c reads of a guest, as a list of numbers. */
#ifndef WALK_H
#define WALK_H

#include <stddef.h>
#include <stdint.h>

enum { TRACE_MAX = 4096 };

struct trace {
	size_t count;
	uint64_t values[TRACE_MAX];
};

static inline void trace_add(struct trace *t, uint64_t v)
{
	if (t->count < TRACE_MAX)
		t->values[t->count++] = v;
}

/* The plugin's version, in two translation units; and ordinary C on each guest's own types. */
void guest_walk(void *trace);
void guest_walk_more(struct trace *t);
void plain_walk_1(struct trace *t, void *init_task);
void plain_walk_2(struct trace *t, void *init_task);

#endif
