/* SPDX-License-Identifier: MIT */
/*
 * What the files of procfs share: an item (which file of which task is asked for), the rows that
 * make up directories, and the functions behind the rows, grouped by the file that defines them.
 *
 * To add a file: write its show function in the .c of its family, declare it here, add one row to
 * the table of its directory in tree.c. The function runs inside guest_run(): guest pointers work,
 * a fault is sticky; return 0, or a negative errno as open() or read() of the real file gives.
 */
#ifndef SCW_PROCFS_INTERNAL_H
#define SCW_PROCFS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfs/seq_file.h"
#include "vfs/vfs.h"

struct procfs;

/*
 * Which thing a row's function is asked about. Guest addresses travel as u64 through ordinary C
 * and become __guest pointers again (guest_ptr()) in the function.
 */
struct proc_item {
	struct procfs *fs;
	uint64_t task;	/* struct task_struct of PID or TID; 0 in global files */
	uint64_t net;	/* struct net for files below net/; 0 elsewhere */
	int tgid, tid;	/* as numbered in the initial PID namespace */
	bool thread;	/* below task/TID/ rather than below PID/ */
	int fd;		/* for fd/N; else -1 */
};

typedef int proc_show_fn(const struct proc_item *it, struct seq_file *m);
/* Link text, not NUL-terminated: length or -errno. */
typedef int proc_link_fn(const struct proc_item *it, char buf[VFS_PATH_MAX]);
/* What a magic link leads to in the guest, for stat through it. */
typedef int proc_target_fn(const struct proc_item *it, struct vfs_stat *ret);

/*
 * A row of a directory: exactly one of show, link, rows. `present` (NULL: always there) tells
 * whether this guest's kernel has the file at all, by asking the guest for a symbol or a member.
 */
struct proc_row {
	const char *name;
	uint32_t mode; /* type and permissions, as the kernel's /proc shows them */
	proc_show_fn *show;
	proc_link_fn *link;
	proc_target_fn *target;
	const struct proc_row *rows; /* of a fixed sub-directory; ends with .name == NULL */
	bool (*present)(const struct proc_item *it);
};

/*
 * Print records one after the other so that one torn record never spoils a file: note the
 * position, print; if the record faulted take it back and skip it. See records.c.
 */

/* net_*.c: rows of /proc/net, in the kernel's order of listing */
extern const struct proc_row proc_net_rows[];

/* global.c and friends: rows of /proc itself that are neither PID nor net */
extern const struct proc_row proc_root_rows[];

/* sys.c: rows of /proc/sys */
extern const struct proc_row proc_sys_rows[];

/* pid_*.c: rows of /proc/PID and of /proc/PID/task/TID */
extern const struct proc_row proc_tgid_rows[];
extern const struct proc_row proc_tid_rows[];

#endif
