/* SPDX-License-Identifier: MIT */
/*
 * What the files of procfs share: an item (which file of which task is asked for), the rows that
 * make up directories, and the functions behind the rows, grouped by the file that defines them.
 *
 * To add a file: write its show function in the .c of its family and add one row to the family's
 * table there. The function runs inside guest_run(): guest pointers work, a fault is sticky;
 * return 0, or a negative errno as open() or read() of the real file gives.
 */
#ifndef SCW_PROCFS_INTERNAL_H
#define SCW_PROCFS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "procfs/procfs.h"
#include "vfs/seq_file.h"
#include "vfs/vfs.h"

struct proc_row;

/*
 * Which thing a row's function is asked about. Guest addresses travel as u64 through ordinary C
 * and become __guest pointers again (guest_ptr()) in the function.
 */
struct proc_item {
	struct procfs *fs;
	uint64_t task;	/* struct task_struct of PID or TID; 0 in global files */
	uint64_t pid;	/* its struct pid; 0 in global files */
	uint64_t start; /* when the task started, so that one in the same place is told from it */
	uint64_t net;	/* struct net for files below net/; 0 elsewhere */
	int tgid, tid;	/* as numbered in the initial PID namespace; 0 in global files */
	bool thread;	/* below task/TID/ rather than below PID/ */
	bool in_net;	/* below net/ */
	uint64_t arg;	/* set by the lookup of a dynamic directory: N of fd/N, an index, ...; else 0 */
};

typedef int proc_show_fn(const struct proc_item *it, struct seq_file *m);
/* Link text, not NUL-terminated: length or -errno. */
typedef int proc_link_fn(const struct proc_item *it, char buf[VFS_PATH_MAX]);
/* An extended attribute of what a magic link leads to: as vfs_node_ops.getxattr. */
typedef int proc_xattr_fn(const struct proc_item *it, const char *name, char buf[VFS_PATH_MAX]);
/* What a magic link leads to in the guest, for stat through it. */
typedef int proc_target_fn(const struct proc_item *it, struct vfs_stat *ret);

/*
 * A directory whose children are the guest's things rather than rows: pids, threads, fds, network
 * devices. A child is an item (a copy of the directory's with tgid, tid or arg changed) and the row
 * that says what it is. Both run inside guest_run().
 */
struct proc_list;
struct proc_dir {
	/*
	 * The child called `name`: change *it, set *row_ret. 0, -ENOENT (both are ignored then), or
	 * -ESRCH.
	 */
	int (*lookup)(struct proc_item *it, const char *name, size_t name_size,
		      const struct proc_row **row_ret);
	/* All children in the kernel's order, each by proc_list_emit(). 0 or -errno. */
	int (*list)(const struct proc_item *it, struct proc_list *l);
};
/* false: no room left, stop. */
bool proc_list_emit(struct proc_list *l, const char *name, size_t name_size,
		    const struct proc_item *child, const struct proc_row *row);

/* How the rows of a directory are listed. */
enum proc_order {
	PROC_ORDER_TABLE, /* as in the table (fs/proc/base.c: below a PID) */
	PROC_ORDER_PDE,	  /* shorter names first, then by bytes (fs/proc/generic.c: proc_match) */
	PROC_ORDER_NAME,  /* by bytes (fs/proc/proc_sysctl.c: namecmp) */
};

/*
 * A row of a directory: exactly one of show, link, {rows, dir} is set; a directory may have both
 * rows and dir (rows come first in the listing). `present` (NULL: always there) tells whether this
 * guest's kernel has the file at all, by asking the guest for a symbol or a member.
 */
struct proc_row {
	const char *name;
	uint32_t mode; /* type and permissions, as the kernel's /proc shows them */
	proc_show_fn *show;
	proc_link_fn *link;
	proc_target_fn *target;
	proc_xattr_fn *xattr; /* optional, beside target */
	const struct proc_row *rows; /* of a sub-directory; ends with .name == NULL */
	const struct proc_dir *dir;
	enum proc_order order;
	bool (*present)(const struct proc_item *it);
	/* Optional: change what stat shows (inside guest_run()); *ret holds the usual. */
	void (*attr)(const struct proc_item *it, struct vfs_stat *ret);
};

/* S_IFREG and so on with permissions, as rows write them. */
#define PROC_REG(perm) (0100000 | (perm))
#define PROC_DIR(perm) (0040000 | (perm))
#define PROC_LNK(perm) (0120000 | (perm))

/* Room for what is found out once about this guest's kernel (pid.h: proc_fact); zeroed. */
enum {
	PROCFS_FACTS = 32,
};
signed char *procfs_facts(struct procfs *p);

/*
 * Name of the kernel's function that `address` is in, modules included where they are known;
 * length, or 0 when there is none.
 */
size_t procfs_symbol_name(struct procfs *p, uint64_t address, char *buf, size_t size);
/* Is there somebody to ask for names? That doesn't bring them: whoever lists /proc wants none. */
bool procfs_has_names(struct procfs *p);
/* ktype/ktype.h: ktype_symbol_nth(); ERR_UNSUPPORTED too when there are no names. */
struct ktype_nth;
enum err procfs_symbol_nth(struct procfs *p, uint32_t i, struct ktype_nth *ret);
/* Where a function of the kernel image begins and ends that `address` is in; false when there is none. */
bool procfs_symbol_range(struct procfs *p, uint64_t address, uint64_t *start_ret, uint64_t *end_ret);

/* For others.h; NULL where what was read in the present epoch may be otherwise a moment later. */
struct others;
struct others *procfs_others(struct procfs *p, uint64_t *epoch_ret);

/*
 * Is a pass over all tasks under way (ahead.h)? And: is this the first time in this epoch that such
 * a pass needs `what`?
 */
enum procfs_pass {
	PROCFS_PASS_GLOBALS, /* whether there is a pass or not */
	PROCFS_PASS_TASKS,
	PROCFS_PASS_ARGUMENTS,
	PROCFS_PASS_ENVIRONMENT,
	PROCFS_PASSES
};
bool procfs_pass(const struct procfs *p);
bool procfs_pass_first(struct procfs *p, enum procfs_pass what);

/*
 * `name` as a PID or fd number: decimal, no sign, no leading zero, fits an int. -1 otherwise.
 * (fs/proc/util.c: name_to_int)
 */
int64_t proc_name_to_int(const char *name, size_t name_size);

/* net_*.c: rows of /proc/net; listed by PROC_ORDER_PDE whatever their order here */
extern const struct proc_row proc_net_rows[];

/*
 * global.c and friends: rows of /proc itself that are neither PID, net, mounts nor self;
 * listed by PROC_ORDER_PDE whatever their order here
 */
extern const struct proc_row proc_root_rows[];

/* pid.c: rows of /proc/PID and of /proc/PID/task/TID, in the kernel's order */
extern const struct proc_row proc_tgid_rows[];
extern const struct proc_row proc_tid_rows[];

/* pid.c, each inside guest_run(): */

/*
 * Find the task that it->tgid / it->tid / it->thread name and fill it->task and it->pid; if
 * it->pid is set already, it must still be the same process. 0, -ENOENT or -ESRCH.
 */
int proc_item_task(struct proc_item *it);
/*
 * Is the task that proc_item_task() found still what the item's number leads to? Task and number
 * must lead to each other; a slot that was used again doesn't count.
 */
bool proc_item_lives(const struct proc_item *it);
/* The same as the guest is now, for pages that are copies: see guest_reread(). */
bool proc_item_lives_now(const struct proc_item *it);
/* ahead.c: say what most files read; what files of the item's task, or of all tasks, read. */
void proc_ahead_globals(struct procfs *p);
void proc_ahead_task(const struct proc_item *it);
/* Fill it->net: the task's, or the initial one for global items. 0 or -ENOENT (a zombie). */
int proc_item_net(struct proc_item *it);
/* Owner of files with `mode` below the item's PID (fs/proc/base.c: task_dump_owner). */
void proc_item_owner(const struct proc_item *it, uint32_t mode, uint32_t *uid_ret,
		     uint32_t *gid_ret);
/* Number of processes, for the link count of /proc (kernel/fork.c: nr_processes). */
uint32_t proc_process_count(void);
/*
 * counters.c, inside guest_run(): when the guest booted, nanoseconds since 1970: the time that stat
 * shows for /proc's files
 */
int64_t proc_boot_time_ns(void);
/* counters.c: ticks a second: CONFIG_HZ, told from the length of a tick */
unsigned int global_hz(void);
/* counters.c: is there memory, or a processor, of this number of node? Up to PROC_NODES of them. */
enum {
	PROC_NODES = 1024,
};
bool global_node_online(uint32_t node);
/* All processes (their first threads), and all threads of a process. */
extern const struct proc_dir proc_pid_dir;
extern const struct proc_dir proc_task_dir;

/*
 * calls.c and machine.c, inside guest_run(): what vfs/calls.h asks. 0 or -ESRCH; *ret may be half
 * filled when the run faulted.
 */
int proc_call_task(int tid, struct vfs_task *ret);
int proc_call_task_exists(int tgid, int tid);
int proc_call_tasks(enum vfs_tasks_of what, int id, struct vfs_tasks *ret);
int proc_call_numbers(int first, struct vfs_numbers *ret);
void proc_call_machine(struct vfs_machine *ret);
int proc_call_socket_device(uint64_t *ret);
int proc_call_interface(const char *name, uint32_t nth, struct vfs_interface *ret);
int proc_call_netlink(const struct vfs_netlink_question *q, struct seq_file *m);

/*
 * pid_wchan.c, inside guest_run(): "name+0x1/0x2 [module]", or the address if nobody knows what it is of. What is
 * `behind_call` belongs to the function that made the call, also if that is its end.
 */
void proc_put_symbol(const struct proc_item *it, struct seq_file *m, uint64_t address, bool behind_call);
/* net_common.c, the same: 16 digits, as "%pK" shows a pointer to root */
void proc_put_pointer(struct seq_file *m, const struct proc_item *it, uint64_t address);
/* pid_numa.c, the same: by how many bits a page's flags are to be shifted for its node; 64: there is but one */
unsigned int proc_page_node_shift(void);

/* locks.c, inside guest_run(): the lines of fdinfo; addresses of the file and of the files_struct */
void proc_put_file_locks(struct seq_file *m, uint64_t file, uint64_t files);

/*
 * counters.c, inside guest_run(): CLOCK_MONOTONIC as of the last time that the guest looked, and how far
 * CLOCK_REALTIME and CLOCK_BOOTTIME are ahead of it; nanoseconds
 */
struct proc_clocks {
	int64_t mono, real_ahead, boot_ahead;
};
void proc_clocks_now(struct proc_clocks *ret);

/* tree.c: what the children of those two are */
extern const struct proc_row proc_tgid_row;
extern const struct proc_row proc_tid_row;
/* tree.c: the row of the directory net/ below a PID or TID */
extern const struct proc_row proc_net_row;

#endif
