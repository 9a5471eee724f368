// SPDX-License-Identifier: MIT
/* See probe.h. A translation unit of its own, so that two share the slot table with walk.c. */
#include "probe.h"

#include "ours.h"

extern struct task __guest no_such_symbol;
extern char __guest image_symbol[];
extern int __guest per_cpu_number;

GUEST_TYPES_BEGIN
struct no_such_type {
	int m;
};
GUEST_TYPES_END

void probe_questions(void *probe)
{
	struct probe *p = probe;
	uint64_t *o = p->out;

	*o++ = guest_has(struct task, pid);
	*o++ = guest_has(struct task, only_in_1);
	*o++ = guest_has(struct task, in_none);
	*o++ = guest_has(struct task, state);
	*o++ = guest_has(struct task, narrower);
	*o++ = guest_has(struct task, usage.counter);
	*o++ = guest_has_bitfield(struct task, wide40);
	*o++ = guest_has_type(struct task);
	*o++ = guest_has_type(struct no_such_type);
	*o++ = guest_has_type(atomic_t);
	*o++ = guest_has_symbol(init_task);
	*o++ = guest_has_symbol(no_such_symbol);
	*o++ = guest_has_enum(enum kind, KIND_IDLE);
	*o++ = guest_enum(enum kind, KIND_USER);
	*o++ = guest_enum_or(enum kind, KIND_IDLE, 99);
	*o++ = guest_enum_any(KIND_KERNEL);
	*o++ = guest_enum(enum kind, KIND_IDLE) == GUEST_ENUM_ABSENT;
	*o++ = guest_sizeof(struct task);
	*o++ = guest_sizeof(atomic_t);
	*o++ = guest_sizeof(struct no_such_type);
	*o++ = guest_offsetof(struct task, pid);
	*o++ = guest_offsetof(struct task, tasks.next) - guest_offsetof(struct task, tasks);
	*o++ = guest_addr(&image_symbol);
}

void probe_absent(void *probe)
{
	struct probe *p = probe;
	struct task __pinned *pin = guest_pin(&init_task);
	struct no_such_type __guest *none = guest_ptr(struct no_such_type, &init_task);

	p->out[0] = guest_faulted();
	p->out[1] = init_task.in_none;
	p->out[2] = guest_faulted();
	guest_fault_clear();
	p->out[3] = pin->in_none;
	p->out[4] = guest_faulted();
	guest_fault_clear();
	p->out[5] = none->m;
	p->out[6] = guest_faulted();
	guest_fault_clear();
	p->out[7] = no_such_symbol.pid;
	p->out[8] = guest_faulted();
	guest_fault_clear();
	p->out[9] = guest_pin(none)->m;
	p->out[10] = guest_faulted();
	guest_fault_clear();
	p->out[11] = (none + 7)[3].m;
	p->out[12] = guest_faulted();
	guest_fault_clear();
	p->out[13] = guest_ptr(struct task, p->in[0])->pid;
	p->out[14] = guest_faulted();
	p->out[15] = guest_fault_address() == guest_offsetof(struct task, pid);
}

void probe_records(void *probe)
{
	struct probe *p = probe;
	struct guest_record outer = guest_record_begin(), inner;
	struct task __pinned *copy;

	inner = guest_record_begin();
	p->out[0] = guest_ptr(struct task, 8)->pid;
	copy = guest_copy(&init_task);
	p->out[1] = copy->pid;
	p->out[2] = guest_record_end(&inner);
	p->out[3] = guest_faulted();
	inner = guest_record_begin();
	p->out[4] = guest_copy(&init_task)->pid;
	p->out[5] = guest_addr(guest_copy(&init_task)) > guest_addr(copy);
	p->out[6] = guest_record_end(&inner);
	p->out[7] = guest_record_end(&outer);
	guest_fault(&init_task);
	p->out[8] = guest_fault_address() == guest_addr(&init_task);
}

/* in: address, size of the buffer */
void probe_text(void *probe)
{
	struct probe *p = probe;
	const char __guest *text = guest_ptr(char, p->in[0]);
	char bytes[8] = "xxxxxxx";

	p->out[0] = guest_strncpy(p->text, text, p->in[1]);
	p->out[1] = guest_faulted();
	guest_fault_clear();
	p->out[2] = guest_read(bytes, text, 4);
	p->out[3] = bytes[0];
	p->out[4] = guest_faulted();
}

/* in: address */
void probe_words(void *probe)
{
	struct probe *p = probe;

	for (int i = 0; i < 8; i++)
		p->out[i] = *guest_ptr(uint64_t, p->in[0] + i);
	p->out[8] = *guest_ptr(uint16_t, p->in[0] + 3);
	p->out[9] = (uint64_t)(int64_t)*guest_ptr(int32_t, p->in[0] + 3);
	p->out[10] = *guest_ptr(uint8_t, p->in[0] + 7);
	p->out[11] = guest_faulted();
}

/* in: address of a task that crosses a page, size of a run */
void probe_pins(void *probe)
{
	struct probe *p = probe;
	struct task __guest *t = guest_ptr(struct task, p->in[0]);
	struct task __pinned *pin = guest_pin(t), *copy = guest_copy(&init_task);
	uint64_t __pinned *run = guest_pin_bytes(guest_ptr(uint64_t, p->in[0]), p->in[1]);
	unsigned int n = 0;

	p->out[0] = pin->pid;
	p->out[1] = pin->wide40;
	p->out[2] = copy->pid;
	p->out[3] = guest_addr(guest_pin(&init_task)) != guest_addr(copy);
	p->out[4] = run[0];
	p->out[5] = guest_faulted();
	while (!guest_faulted() && n < 10000) {
		guest_copy(&init_task);
		n++;
	}
	p->out[6] = n;
	p->out[7] = guest_copy(&init_task)->pid;
	guest_fault_clear();
	p->out[8] = guest_pin(guest_ptr(struct task, 16))->pid;
	p->out[9] = guest_faulted();
	p->out[10] = guest_page_left(guest_ptr(char, 0x1ff0));
}

/* in: address of the first node, of a list that never ends */
void probe_bounds(void *probe)
{
	struct probe *p = probe;
	struct list_head __guest *first = guest_ptr(struct list_head, p->in[0]), *l;
	struct guest_bound b = GUEST_BOUND(1000);

	for (l = first; l && guest_more(&b); l = l->next)
		p->out[0]++;
	p->out[1] = guest_faulted();
	guest_fault_clear();
	b = GUEST_BOUND(1000000);
	for (l = first; l && guest_more_at(&b, l); l = l->next)
		p->out[2]++;
	p->out[3] = guest_faulted();
	p->out[4] = guest_fault_address();
}

void probe_endless(void *probe)
{
	struct probe *p = probe;

	for (;;) {
		struct guest_bound b = GUEST_BOUND(10);

		while (guest_more(&b))
			p->out[0]++;
		guest_fault_clear();
	}
}

void probe_faults(void *probe)
{
	struct probe *p = probe;

	for (;;) {
		p->out[1] |= guest_ptr(struct task, p->out[0] * 4096)->pid;
		p->out[0]++;
	}
}

void probe_pin_huge(void *probe)
{
	struct probe *p = probe;

	p->out[0] = 1;
	p->out[1] = guest_addr(guest_pin_bytes(guest_ptr(char, &init_task), GUEST_PIN_MAX + 1));
	p->out[0] = 2;
}

/* in: address, size */
void probe_user(void *probe)
{
	struct probe *p = probe;
	struct guest_space as = {0x1000};

	p->out[0] = guest_read_user(as, p->text, p->in[0], p->in[1]);
	p->out[1] = guest_faulted();
	p->out[2] = guest_read_user(as, p->text + 32, (uint64_t)-8, 8);
	p->out[3] = guest_read_user(as, p->text + 32, 0xffff888000000000, 8);
}

void probe_pages(void *probe)
{
	struct probe *p = probe;

	p->out[0] = 0;
	for (uint64_t i = 0; i < p->in[1]; i++)
		p->out[0] += *guest_ptr(uint64_t, p->in[0] + i * GUEST_PAGE_SIZE);
}

void probe_pid(void *probe)
{
	struct probe *p = probe;

	p->out[0] = init_task.pid;
}

void probe_nested(void *probe)
{
	struct probe *p = probe;

	p->out[1] = guest_copy(&init_task)->pid;
	test_nested_run(p);
	p->out[2] = init_task.pid;
	p->out[3] = guest_faulted();
}

void probe_per_cpu(void *probe)
{
	struct probe *p = probe;

	p->out[0] = *guest_per_cpu_ptr(&per_cpu_number, 0);
	p->out[1] = *guest_per_cpu_ptr(&per_cpu_number, 1);
	p->out[2] = *guest_per_cpu_ptr(guest_ptr(int, 4), 1);
}
