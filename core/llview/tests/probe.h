/* SPDX-License-Identifier: MIT */
/*
 * Small pieces of kernel-style code, each run on a guest by a test through guest_run(). `in` and `out`
 * are the test's.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stddef.h>
#include <stdint.h>

struct probe {
	uint64_t in[4];
	uint64_t out[24];
	char text[64];
	void *arg;
};

void probe_questions(void *probe);
void probe_absent(void *probe);
void probe_records(void *probe);
void probe_text(void *probe);
void probe_words(void *probe);
void probe_pins(void *probe);
void probe_bounds(void *probe);
void probe_endless(void *probe);
void probe_faults(void *probe);
void probe_pin_huge(void *probe);
void probe_user(void *probe);
void probe_pid(void *probe);
/* The sum of the first word of each of in[1] pages from in[0] on. */
void probe_pages(void *probe);
void probe_per_cpu(void *probe);

/* Host code called from within probe_nested(). */
void probe_nested(void *probe);
void test_nested_run(void *arg);

#endif
