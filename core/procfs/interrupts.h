/* SPDX-License-Identifier: MIT */
/* Interrupt counters, for /proc/stat and /proc/interrupts. All run inside guest_run(). */
#ifndef SCW_PROCFS_INTERRUPTS_H
#define SCW_PROCFS_INTERRUPTS_H

#include "global.h"
#include "klib/maple.h"

/* How many numbers the intr line of /proc/stat has; at most GLOBAL_IRQS_MAX. */
uint32_t interrupts_count(void);

/* The descriptors in order: a radix tree of them, since 6.5 a maple tree. */
struct interrupts_walk {
	struct maple_walk maple;
	struct guest_bound bound;
	uint64_t next;
};
void interrupts_begin(struct interrupts_walk *w);
/* NULL at the end; numbers always grow. */
struct irq_desc __guest *interrupts_next(struct interrupts_walk *w, uint32_t *irq_ret);

/* What the intr line shows for an interrupt (kernel/irq/irqdesc.c: kstat_irqs()). */
uint32_t interrupts_total(struct irq_desc __guest *desc);

/* Interrupts of one CPU that have no descriptor (arch/x86/kernel/irq.c: arch_irq_stat_cpu). */
uint64_t interrupts_arch_sum(uint32_t cpu);
uint32_t interrupts_arch_errors(void);

/* NR_SOFTIRQS of this guest. */
uint32_t interrupts_softirqs(void);

#endif
