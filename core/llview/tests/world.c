// SPDX-License-Identifier: MIT
/* Builds the guest of this VARIANT, and the description that its kernel would give of itself. */
#include "fake.h"
#include "theirs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONCAT1(a, b) a##b
#define CONCAT(a, b)  CONCAT1(a, b)
#define WORLD	      CONCAT(world_, VARIANT)

enum { TASKS = 7 };

/* Where a bit-field is, by looking: nothing in C tells. */
#define BITS(T, m, w, s)                                                                           \
	do {                                                                                       \
		union {                                                                            \
			T t;                                                                       \
			unsigned char bytes[sizeof(T)];                                            \
		} u;                                                                               \
		unsigned int bit = 0;                                                              \
		memset(&u, 0, sizeof(u));                                                          \
		u.t.m = -1;                                                                        \
		while (!(u.bytes[bit / 8] & 1 << bit % 8))                                         \
			bit++;                                                                     \
		fake_member(k, #T, #m, bit, w, 0, s, 1);                                           \
	} while (0)

#define MEMBER(T, m, scalar)                                                                       \
	fake_member(k, #T, #m, 8 * offsetof(T, m), 0, sizeof(((T *)0)->m), 0, scalar)
#define TYPE(T) fake_value(k, FAKE_SIZE, #T, "", sizeof(T))

static void describe(struct ktype *k)
{
	TYPE(struct task);
	TYPE(struct inner);
	TYPE(struct list_head);
	TYPE(struct signal);
	TYPE(struct odd);
	TYPE(struct small);
	TYPE(atomic_t);
	TYPE(kuid_t);
	MEMBER(struct list_head, next, 1);
	MEMBER(struct list_head, prev, 1);
	MEMBER(atomic_t, counter, 1);
	MEMBER(struct signal, nr_threads, 1);
	MEMBER(struct signal, leader, 1);
	MEMBER(struct inner, q, 1);
	MEMBER(struct inner, z, 1);
	MEMBER(struct task, first, 1);
	MEMBER(struct task, pid, 1);
	MEMBER(struct task, state, 1);
	MEMBER(struct task, alive, 1);
	MEMBER(struct task, as_u, 1);
	MEMBER(struct task, lo, 1);
	MEMBER(struct task, hi, 1);
	MEMBER(struct task, named.only_b, 1);
	MEMBER(struct task, usage, 0);
	MEMBER(struct task, usage.counter, 1);
	MEMBER(struct task, uid.val, 1);
	MEMBER(struct task, signal, 1);
	MEMBER(struct task, in, 0);
	MEMBER(struct task, in.q, 1);
	MEMBER(struct task, ins, 0);
	MEMBER(struct task, grid, 0);
	MEMBER(struct task, comm, 0);
	MEMBER(struct task, tasks, 0);
	MEMBER(struct task, tasks.next, 1);
	MEMBER(struct task, tasks.prev, 1);
	MEMBER(struct task, counters, 0);
	MEMBER(struct task, children, 0);
	MEMBER(struct task, odd, 0);
	MEMBER(struct task, small, 0);
	MEMBER(struct task, narrower, 1);
	BITS(struct task, flag0, 3, 0);
	BITS(struct task, sign5, 5, 1);
	BITS(struct task, wide40, 40, 0);
	BITS(struct task, sign17, 17, 1);
	BITS(struct task, odd.before, 13, 0);
	BITS(struct task, odd.wide, 47, 0);
	BITS(struct task, odd.after, 7, 1);
	BITS(struct odd, before, 13, 0);
	BITS(struct odd, wide, 47, 0);
	BITS(struct odd, after, 7, 1);
	BITS(struct small, low, 3, 0);
	BITS(struct small, high, 5, 0);
	BITS(struct task, small.low, 3, 0);
	BITS(struct task, small.high, 5, 0);
#if VARIANT == 1
	BITS(struct task, plain_here, 2, 0);
	MEMBER(struct task, bits_here, 1);
	MEMBER(struct task, only_in_1, 1);
#else
	MEMBER(struct task, plain_here, 1);
	BITS(struct task, bits_here, 4, 0);
	fake_value(k, FAKE_ENUM, "enum kind", "KIND_IDLE", KIND_IDLE);
#endif
	fake_value(k, FAKE_ENUM, "enum kind", "KIND_USER", KIND_USER);
	fake_value(k, FAKE_ENUM, "enum kind", "KIND_KERNEL", KIND_KERNEL);
}

static void fill(struct task *t, struct signal *sig, int n)
{
	t->first = n == 3 ? KIND_USER : 1000 + n;
	t->pid = 4000 + n;
	t->state = -n;
	t->alive = n % 2;
	t->lo = 0x1100 + n;
	t->hi = 0x2200 + n;
	t->usage.counter = -5 - n;
	t->uid.val = 70000 + n;
	t->signal = &sig[n / 2];
	t->signal->nr_threads = 9 + n;
	t->signal->leader = t;
	t->flag0 = n;
	t->sign5 = n - 5;
	t->wide40 = 0xfedcba9876 - n;
	t->sign17 = n % 2 ? -65536 + n : 65535 - n;
	t->odd.first = 0xff;
	t->odd.before = 0x1555 + n;
	t->odd.wide = 0x7edcba987654 - n;
	t->odd.after = n - 3;
	t->small.lead = 0xff;
	t->small.low = 7 - n;
	t->small.high = 17 + n;
	t->plain_here = n % 4;
	t->bits_here = n % 16;
	t->narrower = n;
	t->in.q = 1 + n;
	for (int i = 0; i < 3; i++) {
		t->ins[i].q = 100 * n + i;
		t->ins[i].z = -10 * n - i;
		t->counters[i].counter = 77 * i + n;
		for (int j = 0; j < 2; j++) {
			t->grid[j][i].q = 10000 * n + 100 * j + i;
			t->grid[j][i].z = 300 * j + 30 * i + n;
		}
	}
	snprintf(t->comm, sizeof(t->comm), "task-%d-abcdefgh", n);
}

void WORLD(struct ktype *k)
{
	struct task *t = fake_object(k, TASKS * sizeof(*t));
	struct signal *sig = fake_object(k, TASKS * sizeof(*sig));

	for (int i = 0; i < TASKS; i++) {
		fill(&t[i], sig, i);
		t[i].tasks.next = &t[(i + 1) % TASKS].tasks;
		t[i].tasks.prev = &t[(i + TASKS - 1) % TASKS].tasks;
		for (int j = 0; j < 4; j++)
			t[i].children[j] = (i + j) % 3 ? &t[(i + j) % TASKS] : NULL;
	}
	describe(k);
	fake_value(k, FAKE_SYMBOL, "init_task", "", (uint64_t)(uintptr_t)t);
}
