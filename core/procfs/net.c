// SPDX-License-Identifier: MIT
/* Rows of /proc/net. */
#include "internal.h"

const struct proc_row proc_net_rows[] = { { 0 } };
