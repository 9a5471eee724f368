// SPDX-License-Identifier: MIT
/*
 * Reads everything that guest types can have. Compiled through the plugin (with ours.h), and as
 * ordinary C on the types of each guest (with theirs.h): all must read the same.
 */
#include "walk.h"

#ifdef VARIANT
#include "plain.h"
#define CONCAT1(a, b) a##b
#define CONCAT(a, b)  CONCAT1(a, b)
#define PLAIN_WALK    CONCAT(plain_walk_, VARIANT)
#else
#include "ours.h"
#endif

static void walk_bits(struct trace *t, struct task __guest *p)
{
	struct odd __guest *odd = &p->odd;
	struct small __pinned *s = guest_pin(&p->small);
	struct task __pinned *copy = guest_copy(p);

	trace_add(t, p->flag0);
	trace_add(t, (uint64_t)(int64_t)p->sign5);
	trace_add(t, p->wide40);
	trace_add(t, (uint64_t)(int64_t)p->sign17);
	trace_add(t, odd->before);
	trace_add(t, odd->wide);
	trace_add(t, (uint64_t)(int64_t)p->odd.after);
	trace_add(t, p->small.low);
	trace_add(t, p->small.high);
	trace_add(t, s->low);
	trace_add(t, s->high);
	trace_add(t, p->plain_here);
	trace_add(t, p->bits_here);
	trace_add(t, copy->flag0);
	trace_add(t, (uint64_t)(int64_t)copy->sign5);
	trace_add(t, copy->wide40);
	trace_add(t, copy->odd.wide);
	trace_add(t, copy->small.high);
	trace_add(t, p->sign5 < 0 ? p->flag0 + 1 : p->flag0);
}

static void walk_arrays(struct trace *t, struct task __guest *p, int n)
{
	struct inner __guest *in = p->ins;
	struct task __pinned *pin = guest_pin(p);
	char bytes[8];

	for (int i = 0; i < 3; i++) {
		trace_add(t, p->ins[i].q);
		trace_add(t, (uint64_t)(int64_t)in->z);
		trace_add(t, p->grid[1][i].q);
		trace_add(t, p->grid[i % 2][2].z);
		trace_add(t, pin->grid[i % 2][i].q);
		trace_add(t, p->counters[i].counter);
		trace_add(t, guest_addr(in) - guest_addr(p->ins) == (guest_addr(&p->ins[i]) -
								     guest_addr(&p->ins[0])));
		in++;
	}
	trace_add(t, p->ins[1].q);
	trace_add(t, (in - 1)->q);
	trace_add(t, (--in)->q);
	trace_add(t, pin->ins[2].z);
	for (int i = 0; i < n; i++) {
		struct task __guest *child = p->children[i];

		trace_add(t, child ? child->pid : -1);
		trace_add(t, pin->children[i] ? pin->children[i]->signal->nr_threads : -1);
	}
	guest_read(bytes, p->comm + 1, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		trace_add(t, (unsigned char)bytes[i]);
}

static void walk_task(struct trace *t, struct task __guest *p)
{
	struct task __pinned *pin = guest_pin(p);
	atomic_t __guest *usage = &p->usage;
	char comm[16];

	trace_add(t, p->first);
	trace_add(t, p->pid);
	trace_add(t, pin->pid);
	trace_add(t, p->alive);
	trace_add(t, pin->alive ? 1 : 2);
	trace_add(t, p->as_u);
	trace_add(t, p->lo);
	trace_add(t, p->hi);
	trace_add(t, pin->hi);
	trace_add(t, p->named.only_b);
	trace_add(t, usage->counter);
	trace_add(t, p->uid.val);
	trace_add(t, pin->uid.val);
	trace_add(t, p->signal->nr_threads);
	trace_add(t, p->signal->leader == p);
	trace_add(t, p->signal->leader->signal->leader->pid);
	trace_add(t, p->in.q);
	trace_add(t, p->comm[3]);
	trace_add(t, p->comm[p->comm[0] % 7]);
	trace_add(t, guest_strncpy(comm, p->comm, sizeof(comm)));
	for (int i = 0; comm[i]; i++)
		trace_add(t, comm[i]);
	trace_add(t, guest_strncpy(comm, pin->comm, 5));
	trace_add(t, comm[3]);
	trace_add(t, (uint64_t)p->first == (uint64_t)guest_enum(enum kind, KIND_USER));
	walk_bits(t, p);
	walk_arrays(t, p, 4);
}

static void walk_tasks(struct trace *t, struct task __guest *init)
{
	struct guest_bound b = GUEST_BOUND(1000);
	struct list_head __guest *l;

	walk_task(t, init);
	for (l = init->tasks.next; l != &init->tasks && guest_more_at(&b, l); l = l->next)
		walk_task(t, guest_container_of(l, struct task, tasks));
	for (l = init->tasks.prev; l != &init->tasks; l = l->prev)
		trace_add(t, guest_container_of(l, struct task, tasks)->pid);
	trace_add(t, b.left);
}

#ifdef VARIANT
void PLAIN_WALK(struct trace *t, void *init_task)
{
	walk_tasks(t, init_task);
}
#else
void guest_walk(void *trace)
{
	walk_tasks(trace, &init_task);
}
#endif
