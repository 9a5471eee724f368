/* SPDX-License-Identifier: MIT */
/* glibc's <sys/file.h> brings open()'s flags: chkrootkit counts on it. */
#ifndef SCW_COMPAT_SYS_FILE_H
#define SCW_COMPAT_SYS_FILE_H

#include <fcntl.h>
#include_next <sys/file.h>

#endif
