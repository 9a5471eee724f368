/* SPDX-License-Identifier: MIT */
/* glibc's <dirent.h> brings PATH_MAX and NAME_MAX: unhide counts on it. */
#ifndef SCW_COMPAT_DIRENT_H
#define SCW_COMPAT_DIRENT_H

#include <limits.h>
#include_next <dirent.h>

#endif
