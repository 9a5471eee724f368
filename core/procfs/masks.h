/* SPDX-License-Identifier: MIT */
/* Masks of CPUs and nodes as files show them; inside guest_run(). */
#ifndef SCW_PROCFS_MASKS_H
#define SCW_PROCFS_MASKS_H

#include "internal.h"
#include "klib/cpumask.h"

/* Bitmaps in the manner of "%*pb" and "%*pbl" (lib/vsprintf.c). */
void proc_put_bitmap(struct seq_file *m, const unsigned long __guest *bits, unsigned int count);
void proc_put_bitmap_list(struct seq_file *m, const unsigned long __guest *bits,
			  unsigned int count);
/* How many bits of a CPU mask the kernel shows. */
unsigned int proc_cpumask_bits(const struct proc_item *it);

#endif
