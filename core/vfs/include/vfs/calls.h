/* SPDX-License-Identifier: MIT */
/*
 * What programs ask of the kernel beside files: is there such a process, what may it run on, how
 * much memory has the machine. A file system that stands for a machine's /proc (vfs_fs_ops.task
 * and so on) answers these from the same place as its files; doors turn the calls into these.
 * All give 0 or a negative errno; -ENOSYS: this file system stands for no machine. Numbers of
 * processes are those of /proc: of the machine's initial PID namespace.
 */
#ifndef SCW_VFS_CALLS_H
#define SCW_VFS_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vfs;

enum {
	VFS_CPUS_MAX = 8192, /* the largest CONFIG_NR_CPUS of x86-64 */
	VFS_RLIMITS = 16,
	VFS_UTS_SIZE = 65, /* of each name in struct utsname, with the NUL */
};

/* One task, a process's first thread or any other. */
struct vfs_task {
	int tid, tgid;
	int pgid, sid;	/* 0: none in the initial namespace, as of kernel threads */
	int nice;	/* -20 ... 19: getpriority(), without the system call's 20 - n */
	int policy;	/* SCHED_*, and SCHED_RESET_ON_FORK (0x40000000) where that is set */
	int rt_priority; /* sched_priority of sched_getparam(): 0 but for SCHED_FIFO and SCHED_RR */
	/* sched_getattr(): of SCHED_DEADLINE, else 0 */
	uint64_t dl_flags, dl_runtime, dl_deadline, dl_period;
	/*
	 * sched_rr_get_interval(). Up to 6.5 the time slice of an ordinary task follows from the load
	 * of the moment; then this is 0, which the kernel says of one whose CPU has nothing to do.
	 */
	uint64_t interval_ns;
	uint32_t uid, euid, suid;
	/* sched_getaffinity(): bits of CPUs in words of 64, `cpus` bits (a multiple of 64) */
	uint32_t cpus;
	uint64_t affinity[VFS_CPUS_MAX / 64];
	struct {
		uint64_t cur, max;
	} limits[VFS_RLIMITS]; /* prlimit(), by RLIMIT_*; all ones: no limit */
};

/* 0, -ESRCH: nobody has this number, -EIO: it can't be read, -ENOSYS. */
int vfs_task(struct vfs *v, int tid, struct vfs_task *ret);

/*
 * Only whether there is a task of this number, as kill(tid, 0) asks; cheaper than all of the above.
 * `tgid` not 0: and it is a thread of this process, as tgkill() asks. 0, -ESRCH, -EIO or -ENOSYS.
 */
int vfs_task_exists(struct vfs *v, int tgid, int tid);

/* Tasks that belong together: the threads of a process group, of a user (by real user number). */
enum vfs_tasks_of {
	VFS_TASKS_OF_GROUP,
	VFS_TASKS_OF_USER,
	VFS_TASKS_OF_ALL, /* `id` doesn't matter */
};
struct vfs_tasks {
	uint32_t count;
	int nice; /* the lowest of them, as getpriority() has it */
};
/* 0 with a count that may be 0, -EIO or -ENOSYS. */
int vfs_tasks(struct vfs *v, enum vfs_tasks_of what, int id, struct vfs_tasks *ret);

/* Which numbers of processes are taken, by whatever, in a range of VFS_NUMBERS; and how the kernel chooses the next. */
enum { VFS_NUMBERS = 512 };
struct vfs_numbers {
	int next;     /* where the kernel begins to look */
	int min, end; /* behind the last one, end - 1, it goes on at min */
	uint64_t taken[VFS_NUMBERS / 64];
};
/* Bit n of `taken`: number first + n. 0, -EIO or -ENOSYS. */
int vfs_numbers(struct vfs *v, int first, struct vfs_numbers *ret);

/* uname(), sysinfo(), the numbers of processors. */
struct vfs_machine {
	char sysname[VFS_UTS_SIZE], nodename[VFS_UTS_SIZE], release[VFS_UTS_SIZE];
	char version[VFS_UTS_SIZE], machine[VFS_UTS_SIZE], domainname[VFS_UTS_SIZE];
	int64_t uptime;	   /* seconds, begun ones count */
	uint64_t loads[3]; /* with 16 bits of fraction */
	uint64_t total_ram, free_ram, shared_ram, buffer_ram, total_swap, free_swap; /* bytes */
	uint32_t procs;	   /* tasks; sysinfo() has room for 16 bits of it */
	uint32_t cpus_online, cpus_possible;
};
int vfs_machine(struct vfs *v, struct vfs_machine *ret);

/*
 * st_dev of the machine's sockets: tools ask for it by fstat() of a socket of theirs, and look for it among what
 * /proc/PID/fd leads to. 0, -EIO or -ENOSYS.
 */
int vfs_socket_device(struct vfs *v, uint64_t *ret);

/*
 * A name of a network device in the initial namespace: the device's own, or a label of one of its IPv4 addresses.
 * One of several addresses has an entry for each.
 */
struct vfs_interface {
	char name[16]; /* with the NUL */
	int index;
	uint32_t flags; /* IFF_*, as ioctl() and netlink tell them */
	uint32_t mtu, queue_length;
	uint16_t type; /* ARPHRD_* */
	uint8_t hardware_size, hardware[32];
	uint64_t mem_start, mem_end;
	uint16_t base_addr;
	uint8_t irq, dma, port;
	bool has_address;
	/* in network order: its own, the other end's, the network's broadcast address and mask */
	uint32_t address, peer, broadcast, mask;
};
/*
 * Number `nth` from 0 of those called `name` (NULL: of all), in the order of the devices: 0, -ENOENT (there are no
 * more), -EIO or -ENOSYS.
 */
int vfs_interface(struct vfs *v, const char *name, uint32_t nth, struct vfs_interface *ret);

/*
 * The same as ioctl() on a socket has it (netdevice(7); SIOCGIFCONF is the second): requests that tell of a device
 * are answered into the `struct ifreq` that names it, others -EPERM or -EOPNOTSUPP; -ENODEV, -EADDRNOTAVAIL.
 */
bool vfs_is_interface_request(uint64_t request);
int vfs_interface_request(struct vfs *v, uint64_t request, void *ifreq);
/* Bytes of `struct ifreq` for addresses, whole ones only, put into `buf`; NULL: that there are. Or -EIO, -ENOSYS. */
long vfs_interface_list(struct vfs *v, void *buf, size_t size);

/*
 * A question by netlink about devices, addresses, routes and neighbours (rtnetlink(7)) or sockets (sock_diag(7)) of the
 * initial namespace: one message, without its header. The messages of the answer are put behind what `m` holds, those of
 * a dump without the one that ends it. A dump that isn't whole yet leaves m->rest set: it is to be asked for again,
 * with the same question and `m`. 0, -EOPNOTSUPP, or what else the kernel answers; -EIO, -ENOSYS.
 */
struct seq_file;
enum {
	/* include/uapi/linux/netlink.h: NETLINK_ROUTE, NETLINK_SOCK_DIAG */
	VFS_NETLINK_ROUTES = 0,
	VFS_NETLINK_SOCKETS = 4,
};
struct vfs_netlink_question {
	unsigned int protocol;
	uint16_t type; /* nlmsg_type */
	bool dump;     /* all, not one */
	uint32_t seq, port;   /* for the answer: of the question, of the socket that it came by */
	const uint8_t *body;
	size_t size;
};
int vfs_netlink(struct vfs *v, const struct vfs_netlink_question *q, struct seq_file *m);

#endif
