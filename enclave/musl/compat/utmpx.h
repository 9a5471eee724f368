/* SPDX-License-Identifier: MIT */
/* The sizes of its fields by glibc's names, which procps' w uses. */
#ifndef SCW_COMPAT_UTMPX_H
#define SCW_COMPAT_UTMPX_H

#include_next <utmpx.h>

#define __UT_LINESIZE sizeof(((struct utmpx *)0)->ut_line)
#define __UT_NAMESIZE sizeof(((struct utmpx *)0)->ut_user)
#define __UT_HOSTSIZE sizeof(((struct utmpx *)0)->ut_host)

#endif
