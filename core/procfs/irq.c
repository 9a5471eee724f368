// SPDX-License-Identifier: MIT
/* /proc/irq: interrupts, the CPUs that serve them and their handlers' names (kernel/irq/proc.c). */
#include <stdio.h>

#include "interrupts.h"
#include "masks.h"

extern struct cpumask __guest *__guest irq_default_affinity;

enum {
	HANDLERS_MAX = 64,
	NAME_SIZE = 128, /* MAX_NAMELEN; of a handler, with its NUL */
	INDEX_SHIFT = 32, /* in an item: of the handler, above the interrupt's number */
};

static struct irq_desc __guest *find_desc(uint64_t irq)
{
	struct interrupts_walk w;
	struct irq_desc __guest *desc;
	uint32_t at;

	interrupts_begin(&w);
	while ((desc = interrupts_next(&w, &at))) {
		if (at == (uint32_t)irq)
			return desc;
	}
	return NULL;
}

/* A mask is a pointer to one where those are large; in Debian's kernels they are. */
static bool masks_are_pointers(void)
{
	return guest_sizeof(struct cpumask) > sizeof(uint64_t);
}

static int put_mask(const struct proc_item *it, struct seq_file *m,
		    const struct cpumask __guest *mask, bool list)
{
	unsigned int bits = proc_cpumask_bits(it);

	if (list)
		proc_put_bitmap_list(m, mask->bits, bits);
	else
		proc_put_bitmap(m, mask->bits, bits);
	seq_putc(m, '\n');
	return guest_faulted() ? -EIO : 0;
}

#define MASK(field)                                                                                \
	(masks_are_pointers() ? (field) : guest_ptr(struct cpumask, guest_addr(&(field))))

static int affinity_show(const struct proc_item *it, struct seq_file *m, bool list)
{
	struct irq_desc __guest *desc = find_desc(it->arg);
	int64_t pending = guest_enum_any_or(IRQD_SETAFFINITY_PENDING, 0);

	if (!desc)
		return -ENOENT;
	if (desc->irq_common_data.state_use_accessors & pending &&
	    guest_has(struct irq_desc, pending_mask))
		return put_mask(it, m, MASK(desc->pending_mask), list);
	return put_mask(it, m, MASK(desc->irq_common_data.affinity), list);
}

static int smp_affinity_show(const struct proc_item *it, struct seq_file *m)
{
	return affinity_show(it, m, false);
}

static int smp_affinity_list_show(const struct proc_item *it, struct seq_file *m)
{
	return affinity_show(it, m, true);
}

static int effective_show(const struct proc_item *it, struct seq_file *m)
{
	struct irq_desc __guest *desc = find_desc(it->arg);

	return desc ? put_mask(it, m, MASK(desc->irq_common_data.effective_affinity), false) :
		      -ENOENT;
}

static int effective_list_show(const struct proc_item *it, struct seq_file *m)
{
	struct irq_desc __guest *desc = find_desc(it->arg);

	return desc ? put_mask(it, m, MASK(desc->irq_common_data.effective_affinity), true) : -ENOENT;
}

static int hint_show(const struct proc_item *it, struct seq_file *m)
{
	struct irq_desc __guest *desc = find_desc(it->arg);
	unsigned int bits = proc_cpumask_bits(it);

	if (!desc)
		return -ENOENT;
	if (desc->affinity_hint)
		return put_mask(it, m, desc->affinity_hint, false);
	for (unsigned int word = (bits + 31) / 32; word-- > 0;) {
		unsigned int width = bits - word * 32 < 32 ? bits - word * 32 : 32;

		seq_printf(m, "%0*x%s", (int)(width + 3) / 4, 0, word ? "," : "\n");
	}
	return 0;
}

static int node_show(const struct proc_item *it, struct seq_file *m)
{
	struct irq_desc __guest *desc = find_desc(it->arg);

	if (!desc)
		return -ENOENT;
	seq_printf(m, "%d\n", guest_has(struct irq_common_data, node) ?
				      (int)desc->irq_common_data.node : 0);
	return 0;
}

static int spurious_show(const struct proc_item *it, struct seq_file *m)
{
	struct irq_desc __guest *desc = find_desc(it->arg);
	unsigned int hz = global_hz();

	if (!desc)
		return -ENOENT;
	seq_printf(m, "count %u\nunhandled %u\nlast_unhandled %u ms\n", desc->irq_count,
		   desc->irqs_unhandled, hz ? (unsigned int)desc->last_unhandled * (1000 / hz) : 0);
	return 0;
}

static bool has_affinity(const struct proc_item *it)
{
	(void)it;
	return guest_has(struct irq_common_data, affinity);
}

static bool has_effective(const struct proc_item *it)
{
	(void)it;
	return guest_has(struct irq_common_data, effective_affinity);
}

/* In the order of the listing: shorter names first. Folders of handlers come in between. */
static const struct proc_row file_rows[] = {
	{ .name = "node", .mode = PROC_REG(0444), .show = node_show, .present = has_affinity },
	{ .name = "spurious", .mode = PROC_REG(0444), .show = spurious_show },
	{ .name = "smp_affinity", .mode = PROC_REG(0644), .show = smp_affinity_show,
	  .present = has_affinity },
	{ .name = "affinity_hint", .mode = PROC_REG(0444), .show = hint_show,
	  .present = has_affinity },
	{ .name = "smp_affinity_list", .mode = PROC_REG(0644), .show = smp_affinity_list_show,
	  .present = has_affinity },
	{ .name = "effective_affinity", .mode = PROC_REG(0444), .show = effective_show,
	  .present = has_effective },
	{ .name = "effective_affinity_list", .mode = PROC_REG(0444), .show = effective_list_show,
	  .present = has_effective },
	{ 0 }
};

/* ---- folders of handlers, which are empty ---- */

static int empty_lookup(struct proc_item *it, const char *name, size_t name_size,
			const struct proc_row **row_ret)
{
	(void)it;
	(void)name;
	(void)name_size;
	(void)row_ret;
	return -ENOENT;
}

static int empty_list(const struct proc_item *it, struct proc_list *l)
{
	(void)it;
	(void)l;
	return 0;
}

static const struct proc_dir empty_dir = { .lookup = empty_lookup, .list = empty_list };
static const struct proc_row handler_row = {
	.name = "HANDLER", .mode = PROC_DIR(0555), .dir = &empty_dir,
};

struct handlers {
	unsigned int count;
	char name[HANDLERS_MAX][NAME_SIZE];
};

static int name_order(const char *a, const char *b)
{
	size_t a_size = strlen(a), b_size = strlen(b);

	return a_size != b_size ? (a_size < b_size ? -1 : 1) : strcmp(a, b);
}

/* The handlers' folders, sorted; a handler whose name another one has already got none. */
static void handlers_get(struct irq_desc __guest *desc, struct handlers *ret)
{
	struct guest_bound b = GUEST_BOUND(HANDLERS_MAX);
	struct irqaction __guest *a = desc->action;

	ret->count = 0;
	for (; a && guest_more_at(&b, a); a = a->next) {
		char name[NAME_SIZE];
		unsigned int at = ret->count;

		if (!a->dir || !a->name || !guest_strncpy(name, a->name, sizeof(name)) ||
		    strchr(name, '/'))
			continue;
		for (; at && name_order(name, ret->name[at - 1]) < 0; at--)
			memcpy(ret->name[at], ret->name[at - 1], NAME_SIZE);
		memcpy(ret->name[at], name, NAME_SIZE);
		ret->count++;
	}
}

/* ---- one interrupt ---- */

static int irq_lookup(struct proc_item *it, const char *name, size_t name_size,
		      const struct proc_row **row_ret)
{
	struct irq_desc __guest *desc = find_desc(it->arg);
	struct handlers h;

	for (const struct proc_row *r = file_rows; r->name; r++) {
		if (strlen(r->name) == name_size && !memcmp(r->name, name, name_size)) {
			*row_ret = r;
			return r->present && !r->present(it) ? -ENOENT : 0;
		}
	}
	if (!desc)
		return -ENOENT;
	handlers_get(desc, &h);
	for (unsigned int i = 0; i < h.count; i++) {
		if (strlen(h.name[i]) == name_size && !memcmp(h.name[i], name, name_size)) {
			it->arg |= (uint64_t)(i + 1) << INDEX_SHIFT;
			*row_ret = &handler_row;
			return 0;
		}
	}
	return -ENOENT;
}

static int irq_list(const struct proc_item *it, struct proc_list *l)
{
	struct irq_desc __guest *desc = find_desc(it->arg);
	const struct proc_row *r = file_rows;
	struct proc_item child = *it;
	struct handlers h;
	unsigned int i = 0;

	if (!desc)
		return -ENOENT;
	handlers_get(desc, &h);
	while (r->name || i < h.count) {
		bool folder = i < h.count && (!r->name || name_order(h.name[i], r->name) < 0);

		if (folder) {
			child.arg = it->arg | (uint64_t)(i + 1) << INDEX_SHIFT;
			if (!proc_list_emit(l, h.name[i], strlen(h.name[i]), &child, &handler_row))
				return -ENOMEM;
			i++;
			continue;
		}
		if ((!r->present || r->present(it)) &&
		    !proc_list_emit(l, r->name, strlen(r->name), it, r))
			return -ENOMEM;
		r++;
	}
	return 0;
}

static const struct proc_dir irq_dir = { .lookup = irq_lookup, .list = irq_list };
static const struct proc_row irq_row = { .name = "IRQ", .mode = PROC_DIR(0555), .dir = &irq_dir };

/* ---- /proc/irq ---- */

static int default_show(const struct proc_item *it, struct seq_file *m)
{
	return put_mask(it, m, MASK(irq_default_affinity), false);
}

static const struct proc_row default_row = {
	.name = "default_smp_affinity", .mode = PROC_REG(0644), .show = default_show,
};

static bool has_default(void)
{
	return guest_has_symbol(irq_default_affinity);
}

static int root_lookup(struct proc_item *it, const char *name, size_t name_size,
		       const struct proc_row **row_ret)
{
	int64_t irq = proc_name_to_int(name, name_size);
	struct irq_desc __guest *desc;

	if (irq < 0) {
		*row_ret = &default_row;
		return has_default() && strlen(default_row.name) == name_size &&
		       !memcmp(default_row.name, name, name_size) ? 0 : -ENOENT;
	}
	desc = find_desc((uint64_t)irq);
	if (!desc || !desc->dir)
		return -ENOENT;
	it->arg = (uint64_t)irq;
	*row_ret = &irq_row;
	return 0;
}

static int root_list(const struct proc_item *it, struct proc_list *l)
{
	struct proc_item child = *it;
	struct irq_desc __guest *desc;
	struct interrupts_walk w;
	uint32_t irq;

	interrupts_begin(&w);
	while ((desc = interrupts_next(&w, &irq))) {
		char name[16];
		int size = snprintf(name, sizeof(name), "%u", irq);

		child.arg = irq;
		if (desc->dir && !proc_list_emit(l, name, (size_t)size, &child, &irq_row))
			return -ENOMEM;
	}
	if (has_default() &&
	    !proc_list_emit(l, default_row.name, strlen(default_row.name), it, &default_row))
		return -ENOMEM;
	return guest_faulted() ? -EIO : 0;
}

const struct proc_dir proc_irq_dir = { .lookup = root_lookup, .list = root_list };
