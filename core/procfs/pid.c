// SPDX-License-Identifier: MIT
/* Rows of /proc/PID and /proc/PID/task/TID. */
#include "internal.h"

const struct proc_row proc_tgid_rows[] = { { 0 } };
const struct proc_row proc_tid_rows[] = { { 0 } };
