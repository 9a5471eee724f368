/* SPDX-License-Identifier: MIT */
/* All that programs can ask a machine by calls, for those who make its memory lie. */
#ifndef SCW_PROCFS_TESTS_QUESTIONS_H
#define SCW_PROCFS_TESTS_QUESTIONS_H

#include "vfs/vfs.h"

/*
 * Asks, among others about processes 1 to 3. What is answered may be anything, but has the form that programs count on,
 * or the process is stopped.
 */
void questions_ask(struct vfs *v, struct base_alloc *alloc);

#endif
