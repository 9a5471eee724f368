/* SPDX-License-Identifier: MIT */
/* The sizes of its fields by glibc's names: procps' w uses them, busybox compares them in #if. */
#ifndef SCW_COMPAT_UTMPX_H
#define SCW_COMPAT_UTMPX_H

#include_next <utmpx.h>

#define __UT_LINESIZE 32
#define __UT_NAMESIZE 32
#define __UT_HOSTSIZE 256

#endif
