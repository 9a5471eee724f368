/* SPDX-License-Identifier: MIT */
/*
 * LLView: kernel-style C on somebody else's memory. What code compiled through the plugin
 * includes. A `__guest` pointer holds an address of the watched VM; reading through it reads the
 * VM's memory, at the offsets that the VM's own type information gives. See docs/LLVIEW.md.
 *
 *	GUEST_TYPES_BEGIN
 *	struct task_struct {			only what is used, in any order
 *		struct list_head tasks;
 *		pid_t pid;
 *		struct signal_struct __guest *signal;
 *		char comm[16];
 *	};
 *	GUEST_TYPES_END
 *	extern struct task_struct __guest init_task;	address: the guest's kallsyms
 *
 * A failed read gives zeros and sets the running walk's sticky fault; the code checks
 * guest_faulted() once per record. After too many faults the walk is aborted: guest_run() returns.
 */
#ifndef SCW_LLVIEW_LLVIEW_H
#define SCW_LLVIEW_LLVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define __guest	 __attribute__((address_space(1)))
#define __pinned __attribute__((address_space(2)))

#endif
