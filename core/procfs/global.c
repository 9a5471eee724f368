// SPDX-License-Identifier: MIT
/* Rows of /proc itself. */
#include "internal.h"

const struct proc_row proc_root_rows[] = { { 0 } };
