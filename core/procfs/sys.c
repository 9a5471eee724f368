// SPDX-License-Identifier: MIT
/* Rows of /proc/sys. */
#include "internal.h"

const struct proc_row proc_sys_rows[] = { { 0 } };
