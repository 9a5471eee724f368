// SPDX-License-Identifier: MIT
/*
 * Calls about processes and the machine: which the guest answers, which stay the tool's own, and
 * that nothing is ever done to a process of this host that isn't the tool's.
 */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "door/door.h"
#include "memfs.h"
#include "state.h"
#include "vfs/calls.h"
#include "vfs/forms.h"
#include "vfs/seq_file.h"

/* Above what a host's processes are numbered: PID_MAX_LIMIT is 2^22. */
enum { GUEST_PID = 5000000, GUEST_TID, NOBODY };

static struct base_alloc alloc;
static int kept_low, kept_high; /* descriptors that attaching opened */
static bool clash; /* the guest has a process with the tool's own number */

static bool exists(int tid)
{
	return tid == GUEST_PID || tid == GUEST_TID || (clash && tid == getpid());
}

static int op_exists(void *fs, int tgid, int tid)
{
	(void)fs;
	return exists(tid) && (!tgid || tgid == GUEST_PID) ? 0 : -ESRCH;
}

static int op_task(void *fs, int tid, struct vfs_task *ret)
{
	(void)fs;
	if (!exists(tid))
		return -ESRCH;
	*ret = (struct vfs_task){
		.tid = tid, .tgid = GUEST_PID, .pgid = 77, .sid = 66, .nice = -7,
		.policy = SCHED_RR | 0x40000000, .rt_priority = 5, .interval_ns = 1500000000,
		.cpus = 128, .affinity = { 0x5, 0x1 }, .limits[RLIMIT_NOFILE] = { 11, 22 },
	};
	return 0;
}

static int op_tasks(void *fs, enum vfs_tasks_of what, int id, struct vfs_tasks *ret)
{
	(void)fs;
	ret->count = what == VFS_TASKS_OF_ALL || (what == VFS_TASKS_OF_GROUP && id == 77) ? 3 : 0;
	ret->nice = -9;
	return 0;
}

static int op_machine(void *fs, struct vfs_machine *ret)
{
	(void)fs;
	*ret = (struct vfs_machine){
		.sysname = "Linux", .nodename = "guest", .release = "9.9", .version = "#1",
		.machine = "x86_64", .domainname = "(none)", .uptime = 12, .loads = { 1, 2, 3 },
		.total_ram = 1 << 20, .free_ram = 1 << 16, .procs = 70000, .cpus_online = 3,
		.cpus_possible = 5,
	};
	return 0;
}

static int op_interface(void *fs, const char *name, uint32_t nth, struct vfs_interface *ret)
{
	(void)fs;
	if (nth || (name && strcmp(name, "lo")))
		return -ENOENT;
	*ret = (struct vfs_interface){ .name = "lo", .index = 7, .mtu = 12345, .has_address = true };
	return 0;
}

enum { PORTIONS = 3 };

/* A device, lo, and an address of it; a listing of sockets, in portions of one each. */
static int op_netlink(void *fs, const struct vfs_netlink_question *q, struct seq_file *m)
{
	const struct {
		struct nlmsghdr h;
		struct ifinfomsg info;
		struct rtattr a;
		char name[4];
	} link = { { sizeof(link), RTM_NEWLINK, NLM_F_MULTI, q->seq, q->port }, { .ifi_index = 7 },
		   { 4 + 3, IFLA_IFNAME }, "lo" };
	const struct {
		struct nlmsghdr h;
		struct ifaddrmsg info;
		struct rtattr a;
		uint8_t address[16];
	} address = { { sizeof(address), RTM_NEWADDR, NLM_F_MULTI, q->seq, q->port },
		      { .ifa_family = AF_INET6, .ifa_prefixlen = 68, .ifa_index = 7 },
		      { sizeof(address.a) + 16, IFA_ADDRESS }, { [15] = 1 } };

	(void)fs;
	if (q->protocol == NETLINK_SOCK_DIAG) {
		const struct nlmsghdr part = { sizeof(part), q->type, NLM_F_MULTI, q->seq, q->port };
		int *left = m->rest ? m->rest : seq_rest(m, sizeof(*left));

		assert_true(q->dump && q->size == 56 && q->body[0] == AF_INET);
		if (++*left == PORTIONS)
			seq_rest_done(m);
		seq_write(m, &part, sizeof(part));
		return 0;
	}
	if (q->type == RTM_GETLINK)
		seq_write(m, &link, sizeof(link));
	else if (q->type == RTM_GETADDR)
		seq_write(m, &address, sizeof(address));
	else
		return -EOPNOTSUPP;
	return 0;
}

static int op_socket_device(void *fs, uint64_t *ret)
{
	(void)fs;
	*ret = 0x777;
	return 0;
}

static const struct vfs_fs_ops ops = {
	.netlink = op_netlink, .task = op_task, .task_exists = op_exists, .tasks = op_tasks, .machine = op_machine,
	.interface = op_interface, .socket_device = op_socket_device,
};

static int attach(char *message, size_t size)
{
	struct memfs *tree;
	struct vfs_node root;

	(void)message;
	(void)size;
	kept_low = dup(0);
	kept_high = fcntl(0, F_DUPFD_CLOEXEC, 300);
	base_alloc_init(&alloc, 16 << 20);
	tree = memfs_create(&alloc);
	memfs_file(tree, VFS_SYSFS "/module/some/refcnt", "0\n");
	memfs_file(tree, "mounts", "none / tmpfs rw 0 0\n");
	memfs_file(tree, "sysvipc/shm",
		   "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime"
		   "      dtime      ctime                   rss                  swap\n"
		   "       -17      32771   600                  4097   147   147      1     0     0     0     0 1 0 2"
		   "                  8192                     0\n"
		   "         0          5   666                     1   147   147      1     0     0     0     0 1 0 2"
		   "                     0                  4096\n");
	memfs_file(tree, "sysvipc/msg", "       key      msqid perms      cbytes       qnum\n"
					"         7          0   644          10          2\n");
	memfs_file(tree, "sysvipc/sem", "       key      semid perms      nsems\n");
	memfs_file(tree, "sys/kernel/sem", "1\t2\t3\t4\n");
	memfs_file(tree, "sys/kernel/shmmax", "18446744073692774399\n");
	memfs_file(tree, "sys/kernel/msgmnb", "99\n");
	root = memfs_vfs_node(&tree->root);
	return door_mount("/proc", vfs_create(&alloc, &ops, tree, &root));
}

const struct door_ops door_ops = { .attach = attach };

/* What the door defines under its own prefix. */
int scw_getifaddrs(struct ifaddrs **ret);
void scw_freeifaddrs(struct ifaddrs *list);
unsigned int scw_if_nametoindex(const char *name);
char *scw_if_indextoname(unsigned int index, char *name);
struct if_nameindex *scw_if_nameindex(void);
void scw_if_freenameindex(struct if_nameindex *list);
ssize_t scw_write(int fd, const void *data, size_t size);
int scw_shmctl(int id, int command, struct shmid_ds *buf);
int scw_msgctl(int id, int command, struct msqid_ds *buf);
int scw_semctl(int id, int number, int command, ...);
int scw_kill(pid_t pid, int sig);
int scw_killpg(pid_t pgid, int sig);
int scw_tgkill(pid_t tgid, pid_t tid, int sig);
pid_t scw_getpgid(pid_t pid);
pid_t scw_getsid(pid_t pid);
int scw_getpriority(int which, id_t who);
int scw_setpriority(int which, id_t who, int nice);
int scw_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *mask);
int scw_sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *mask);
int scw_sched_getparam(pid_t pid, struct sched_param *param);
int scw_sched_getscheduler(pid_t pid);
int scw_sched_setscheduler(pid_t pid, int policy, const struct sched_param *param);
int scw_sched_rr_get_interval(pid_t pid, struct timespec *ret);
int scw_prlimit(pid_t pid, int resource, const struct rlimit *set, struct rlimit *old);
int scw_uname(struct utsname *name);
int scw_gethostname(char *name, size_t size);
int scw_sysinfo(struct sysinfo *ret);
long scw_sysconf(int name);
int scw_get_nprocs(void);
int scw_socket(int domain, int type, int protocol);
int scw_klogctl(int type, char *buf, int size);
int scw_ioctl(int fd, unsigned long request, ...);
long scw_syscall(long number, ...);

#define FAILS(call, error)                                                                         \
	do {                                                                                       \
		errno = 0;                                                                         \
		assert_int_equal((long)(call), -1);                                                \
		assert_int_equal(errno, error);                                                    \
	} while (0)

static pid_t start_child(void)
{
	pid_t pid = fork();

	if (!pid) {
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	return pid;
}

static void test_exists(void **state)
{
	pid_t child = start_child();
	int status;

	(void)state;
	assert_int_equal(scw_kill(GUEST_PID, 0), 0);
	assert_int_equal(scw_kill(getpid(), 0), 0);
	assert_int_equal(scw_kill(0, 0), 0);
	assert_int_equal(scw_kill(-1, 0), 0);
	assert_int_equal(scw_kill(-77, 0), 0);
	assert_int_equal(scw_kill(child, 0), 0);
	assert_int_equal(scw_syscall(SYS_kill, GUEST_PID, 0), 0);
	assert_int_equal(scw_tgkill(GUEST_PID, GUEST_TID, 0), 0);
	assert_int_equal(scw_syscall(SYS_tgkill, GUEST_PID, GUEST_TID, 0), 0);
	assert_int_equal(scw_syscall(SYS_tkill, GUEST_TID, 0), 0);
	FAILS(scw_kill(NOBODY, 0), ESRCH);
	FAILS(scw_kill(getppid(), 0), ESRCH); /* the host's, so not there */
	FAILS(scw_kill(1, 0), ESRCH);
	FAILS(scw_kill(-78, 0), ESRCH);
	FAILS(scw_kill(GUEST_PID, 65), EINVAL);
	FAILS(scw_tgkill(GUEST_TID, GUEST_TID, 0), ESRCH);
	FAILS(scw_killpg(-1, 0), EINVAL);
	assert_int_equal(scw_kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	FAILS(scw_kill(child, 0), ESRCH);
}

/* Who tries all numbers finds what the list of processes has, which is without the tool and its children. */
static void test_search(void **state)
{
	pid_t self = getpid();
	struct stat st;
	char path[32];

	(void)state;
	for (pid_t pid = self - 5; pid < self + 5; pid++) {
		snprintf(path, sizeof(path), "/proc/%d", pid);
		FAILS(scw_stat(path, &st), ENOENT);
		FAILS(scw_chdir(path), ENOENT);
		FAILS(scw_getpriority(PRIO_PROCESS, (id_t)pid), ESRCH);
		FAILS(scw_kill(pid, 0), ESRCH);
	}
	FAILS(scw_kill(NOBODY, 0), ESRCH);
	for (pid_t pid = self + 5; pid > self - 5; pid--)
		FAILS(scw_getsid(pid), ESRCH);
	FAILS(scw_kill(NOBODY, 0), ESRCH);
	snprintf(path, sizeof(path), "/proc/%d", self);
	assert_int_equal(scw_stat(path, &st), 0);
	assert_int_equal(scw_kill(self, 0), 0);
}

/* Nothing happens to anybody but the tool's own. The parent would notice. */
static void test_signals(void **state)
{
	struct sched_param param = { 0 };
	cpu_set_t cpus;

	(void)state;
	FAILS(scw_kill(GUEST_PID, SIGTERM), EPERM);
	FAILS(scw_kill(getppid(), SIGTERM), ESRCH);
	FAILS(scw_kill(-1, SIGTERM), EPERM);
	FAILS(scw_kill(-77, SIGTERM), EPERM);
	FAILS(scw_killpg(77, SIGTERM), EPERM);
	FAILS(scw_killpg(1, SIGTERM), EPERM);
	FAILS(scw_tgkill(getppid(), getppid(), SIGTERM), ESRCH);
	FAILS(scw_tgkill(GUEST_PID, GUEST_TID, SIGTERM), EPERM);
	FAILS(scw_syscall(SYS_pidfd_open, getppid(), 0), ESRCH);
	FAILS(scw_syscall(SYS_pidfd_open, GUEST_PID, 0), EPERM);
	int fd = scw_open("/proc", O_RDONLY);
	assert_true(fd >= 0);
	FAILS(scw_syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0), ENOSYS); /* killall tries kill() then */
	assert_int_equal(scw_close(fd), 0);
	FAILS(scw_syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, getppid(), 0, 0), ESRCH);
	FAILS(scw_setpriority(PRIO_PROCESS, GUEST_PID, 19), EPERM);
	FAILS(scw_setpriority(PRIO_PROCESS, (id_t)getppid(), 19), ESRCH);
	FAILS(scw_setpriority(PRIO_USER, 0, 19), ESRCH);
	FAILS(scw_sched_setscheduler(GUEST_PID, SCHED_BATCH, &param), EPERM);
	assert_int_equal(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	FAILS(scw_sched_setaffinity(GUEST_PID, sizeof(cpus), &cpus), EPERM);
	assert_int_equal(scw_sched_setaffinity(0, sizeof(cpus), &cpus), 0);
	assert_int_equal(scw_sched_setaffinity(getpid(), sizeof(cpus), &cpus), 0);
}

static void test_asking(void **state)
{
	unsigned long mask[4];
	struct sched_param param;
	struct timespec t;
	struct rlimit limit, own;

	(void)state;
	assert_int_equal(scw_getpgid(GUEST_PID), 77);
	assert_int_equal(scw_getsid(GUEST_PID), 66);
	assert_int_equal(scw_getpriority(PRIO_PROCESS, GUEST_PID), -7);
	assert_int_equal(scw_syscall(SYS_getpriority, PRIO_PROCESS, GUEST_PID), 27);
	assert_int_equal(scw_getpriority(PRIO_PGRP, 77), -9);
	FAILS(scw_getpriority(PRIO_PGRP, 78), ESRCH);
	FAILS(scw_getpriority(3, 0), EINVAL);
	assert_int_equal(scw_sched_getscheduler(GUEST_PID), SCHED_RR | 0x40000000);
	assert_int_equal(scw_sched_getparam(GUEST_PID, &param), 0);
	assert_int_equal(param.sched_priority, 5);
	assert_int_equal(scw_sched_rr_get_interval(GUEST_PID, &t), 0);
	assert_int_equal(t.tv_sec, 1);
	assert_int_equal(t.tv_nsec, 500000000);
	memset(mask, 0xff, sizeof(mask));
	assert_int_equal(scw_sched_getaffinity(GUEST_PID, sizeof(mask), (cpu_set_t *)mask), 0);
	assert_true(mask[0] == 5 && mask[1] == 1 && !mask[2] && !mask[3]);
	memset(mask, 0xff, sizeof(mask));
	assert_int_equal(scw_syscall(SYS_sched_getaffinity, GUEST_PID, sizeof(mask), mask), 16);
	assert_true(mask[1] == 1 && mask[2] == ~0ul);
	FAILS(scw_sched_getaffinity(GUEST_PID, 8, (cpu_set_t *)mask), EINVAL);
	FAILS(scw_sched_getaffinity(GUEST_PID, 20, (cpu_set_t *)mask), EINVAL);
	assert_int_equal(scw_prlimit(GUEST_PID, RLIMIT_NOFILE, NULL, &limit), 0);
	assert_true(limit.rlim_cur == 11 && limit.rlim_max == 22);
	FAILS(scw_prlimit(GUEST_PID, 16, NULL, &limit), EINVAL);
	FAILS(scw_prlimit(GUEST_PID, RLIMIT_NOFILE, &limit, NULL), EPERM);
	FAILS(scw_getpgid(NOBODY), ESRCH);
	FAILS(scw_getsid(getppid()), ESRCH);
	FAILS(scw_sched_getscheduler(getppid()), ESRCH);
	FAILS(scw_sched_getscheduler(-1), EINVAL);
	/* its own */
	assert_int_equal(scw_getpgid(0), getpgid(0));
	assert_int_equal(scw_getpgid(getpid()), getpgid(0));
	assert_int_equal(scw_getsid(0), getsid(0));
	assert_int_equal(scw_prlimit(0, RLIMIT_NOFILE, NULL, &limit), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &own), 0);
	assert_int_equal(limit.rlim_cur, own.rlim_cur);
	/* a number that both have is the guest's to those who ask, and the tool's to act on */
	clash = true;
	assert_int_equal(scw_getpgid(getpid()), 77);
	assert_int_equal(scw_getpgid(0), getpgid(0));
	assert_int_equal(scw_setpriority(PRIO_PROCESS, (id_t)getpid(), getpriority(PRIO_PROCESS, 0)),
			 0);
	clash = false;
}

/* What would be this host's, and there is nothing of the guest's to answer by. */
static void test_refused(void **state)
{
	struct statfs sf;
	struct stat st;
	char buf[16];

	(void)state;
	FAILS(scw_open("/sys/devices/system/cpu/online", O_RDONLY), EACCES);
	FAILS(scw_stat("/sys/module/none", &st), ENOENT);
	assert_int_equal(scw_stat("/sys/module/some/refcnt", &st), 0);
	FAILS(scw_open("/dev/kmsg", O_RDONLY), EACCES);
	FAILS(scw_stat("/sys/kernel", &st), EACCES);
	FAILS(scw_stat("/var/log/wtmp", &st), EACCES);
	assert_int_equal(scw_stat("/var/log", &st), 0);
	FAILS(scw_klogctl(10, NULL, 0), EPERM);
	FAILS(scw_syscall(SYS_syslog, 3, buf, sizeof(buf)), EPERM);
	FAILS(scw_syscall(SYS_bpf, 11, buf, sizeof(buf)), EPERM);
	FAILS(scw_syscall(SYS_perf_event_open, buf, 0, -1, -1, 0), EPERM);
	FAILS(scw_socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC), EPROTONOSUPPORT);
	FAILS(scw_socket(AF_NETLINK, SOCK_DGRAM, NETLINK_NETFILTER), EPROTONOSUPPORT);
	FAILS(scw_syscall(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_AUDIT), EPROTONOSUPPORT);
	FAILS(scw_socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0x0300), EAFNOSUPPORT);
	FAILS(scw_socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_RAW), EPROTONOSUPPORT);
	FAILS(scw_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), EPROTONOSUPPORT);
	/* the size of what the guest's list of mounts names */
	assert_int_equal(scw_statfs("/", &sf), 0);
	FILE *f = scw_fopen("/proc/mounts", "r");
	assert_non_null(f);
	fclose(f);
	FAILS(scw_statfs("/", &sf), EACCES);
	assert_int_equal(scw_statfs("/proc", &sf), 0);
}

static void test_machine(void **state)
{
	struct utsname name, raw;
	struct sysinfo si;
	char host[8];

	(void)state;
	assert_int_equal(scw_uname(&name), 0);
	assert_string_equal(name.nodename, "guest");
	assert_string_equal(name.release, "9.9");
	assert_int_equal(scw_syscall(SYS_uname, &raw), 0);
	assert_memory_equal(&raw, &name, sizeof(name));
	assert_int_equal(scw_gethostname(host, sizeof(host)), 0);
	assert_string_equal(host, "guest");
	FAILS(scw_gethostname(host, 5), ENAMETOOLONG);
	assert_int_equal(scw_sysinfo(&si), 0);
	assert_int_equal(si.uptime, 12);
	assert_int_equal(si.loads[2], 3);
	assert_int_equal(si.procs, 70000 & 0xffff);
	assert_int_equal(si.totalram * si.mem_unit, 1 << 20);
	assert_int_equal(scw_sysconf(_SC_NPROCESSORS_ONLN), 3);
	assert_int_equal(scw_sysconf(_SC_NPROCESSORS_CONF), 5);
	assert_int_equal(scw_sysconf(_SC_PHYS_PAGES), 256);
	assert_int_equal(scw_sysconf(_SC_AVPHYS_PAGES), 16);
	assert_int_equal(scw_sysconf(_SC_CLK_TCK), sysconf(_SC_CLK_TCK));
	assert_int_equal(scw_get_nprocs(), 3);
}

/* The guest answers, of sockets and of devices, also by a duplicate, and to the C library's own functions. */
static void test_netlink(void **state)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg info;
	} q = { { sizeof(q), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 3, 0 }, { 0 } };
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK }, own = { 0 };
	socklen_t size = sizeof(own);
	struct ifaddrs *list;
	struct if_nameindex *names;
	char buf[4096], name[IF_NAMESIZE];
	const struct nlmsghdr *got = (const void *)buf;
	struct {
		struct nlmsghdr h;
		uint8_t family, rest[55];
	} sockets = { { sizeof(sockets), 20, NLM_F_REQUEST | NLM_F_MATCH, 4, 0 }, AF_INET, { 0 } };
	int fd = scw_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), twin;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(scw_sendto(fd, &sockets, sizeof(sockets), 0, NULL, 0), sizeof(sockets));
	for (int i = 0; i < PORTIONS; i++) {
		assert_true(scw_recvfrom(fd, buf, sizeof(buf), 0, NULL, NULL) > 0);
		assert_int_equal(got->nlmsg_type, 20);
		assert_int_equal(got->nlmsg_seq, 4);
	}
	assert_int_equal(got[1].nlmsg_type, NLMSG_DONE); /* behind the last one */
	FAILS(scw_recvfrom(fd, buf, sizeof(buf), 0, NULL, NULL), ECONNREFUSED);
	sockets.h.nlmsg_type = 21; /* SOCK_DESTROY */
	assert_int_equal(scw_sendto(fd, &sockets, sizeof(sockets), 0, NULL, 0), sizeof(sockets));
	assert_true(scw_recvfrom(fd, buf, sizeof(buf), 0, NULL, NULL) > 0);
	assert_int_equal(got->nlmsg_type, NLMSG_ERROR);
	assert_int_equal(((struct nlmsgerr *)NLMSG_DATA(got))->error, -EPERM);
	close(fd);
	/* nobody answers for other protocols */
	fd = scw_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);
	assert_true(fd < 0 || scw_sendto(fd, &q, sizeof(q), 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0);
	close(fd);
	fd = scw_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	twin = dup(fd);
	own.nl_family = AF_NETLINK;
	assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &size), 0);
	assert_int_equal(scw_sendto(fd, &q, sizeof(q), 0, (struct sockaddr *)&kernel, sizeof(kernel)), sizeof(q));
	assert_true(scw_recvfrom(twin, buf, sizeof(buf), 0, (struct sockaddr *)&kernel, &size) > (ssize_t)sizeof(*got));
	assert_int_equal(got->nlmsg_type, RTM_NEWLINK);
	assert_int_equal(got->nlmsg_seq, 3);
	assert_int_equal(got->nlmsg_pid, own.nl_pid);
	FAILS(scw_recvfrom(fd, buf, sizeof(buf), 0, NULL, NULL), ECONNREFUSED);
	/* older tools write and read */
	assert_int_equal(scw_write(fd, &q, sizeof(q)), sizeof(q));
	assert_true(scw_read(fd, buf, sizeof(buf)) > 0);
	assert_int_equal(got->nlmsg_type, RTM_NEWLINK);
	FAILS(scw_read(fd, buf, sizeof(buf)), ECONNREFUSED);
	q.h.nlmsg_type = RTM_DELLINK;
	assert_int_equal(scw_syscall(SYS_sendto, fd, &q, sizeof(q), 0, &kernel, sizeof(kernel)), sizeof(q));
	assert_true(scw_syscall(SYS_recvfrom, fd, buf, sizeof(buf), 0, NULL, NULL) > 0);
	assert_int_equal(got->nlmsg_type, NLMSG_ERROR);
	close(twin);
	close(fd);

	assert_int_equal(scw_if_nametoindex("lo"), 7);
	assert_string_equal(scw_if_indextoname(7, name), "lo");
	errno = 0;
	assert_null(scw_if_indextoname(1, name));
	assert_int_equal(errno, ENXIO);
	names = scw_if_nameindex();
	assert_int_equal(names[0].if_index, 7);
	assert_string_equal(names[0].if_name, "lo");
	assert_null(names[1].if_name);
	scw_if_freenameindex(names);
	assert_int_equal(scw_getifaddrs(&list), 0);
	assert_string_equal(list->ifa_name, "lo");
	assert_int_equal(list->ifa_addr->sa_family, AF_PACKET);
	assert_int_equal(list->ifa_next->ifa_addr->sa_family, AF_INET6);
	assert_string_equal(list->ifa_next->ifa_name, "lo");
	assert_int_equal(((struct sockaddr_in6 *)list->ifa_next->ifa_addr)->sin6_addr.s6_addr[15], 1);
	assert_int_equal(((struct sockaddr_in6 *)list->ifa_next->ifa_netmask)->sin6_addr.s6_addr[8], 0xf0);
	assert_null(list->ifa_next->ifa_next);
	scw_freeifaddrs(list);
}

/* What is told of all System V objects is the guest's; the tool's own ones stay its own. */
static void test_objects(void **state)
{
	struct shm_info shm;
	struct shminfo limits;
	struct msginfo msg;
	struct seminfo sem;
	struct shmid_ds ds;
	int own = shmget(IPC_PRIVATE, 100, 0600);

	(void)state;
	assert_int_equal(scw_shmctl(0, SHM_INFO, (void *)&shm), 5); /* the highest place: 32771 is 3, used again */
	assert_int_equal(shm.used_ids, 2);
	assert_int_equal(shm.shm_tot, 2 + 1);
	assert_int_equal(shm.shm_rss, 2);
	assert_int_equal(shm.shm_swp, 1);
	assert_int_equal(scw_shmctl(0, IPC_INFO, (void *)&limits), 5);
	assert_true(limits.shmmax == 18446744073692774399u);
	assert_int_equal(scw_msgctl(0, MSG_INFO, (void *)&msg), 0);
	assert_int_equal(msg.msgpool, 1);
	assert_int_equal(msg.msgmap, 2);
	assert_int_equal(msg.msgtql, 10);
	assert_int_equal(msg.msgmnb, 99);
	assert_int_equal(scw_semctl(0, 0, SEM_INFO, &sem), 0);
	assert_int_equal(sem.semusz, 0);
	assert_int_equal(sem.semmni, 4);
	FAILS(scw_shmctl(0, SHM_STAT, &ds), EINVAL);
	if (own < 0)
		return;
	assert_int_equal(scw_shmctl(own, IPC_STAT, &ds), 0);
	assert_int_equal(ds.shm_segsz, 100);
	assert_int_equal(scw_shmctl(own, IPC_RMID, NULL), 0);
}

/* The guest's, never this host's: whose lo has another number, and which is changed by nobody. */
static void test_devices(void **state)
{
	struct ifreq many[9], r = { .ifr_name = "lo" };
	struct ifconf list = { .ifc_len = sizeof(many), .ifc_req = many };
	struct vfs_form_statx x;
	struct stat st;
	int fd = scw_socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(scw_fstat(fd, &st), 0);
	assert_int_equal(st.st_dev, 0x777);
	assert_int_equal(scw_fstatat(fd, "", &st, AT_EMPTY_PATH), 0);
	assert_int_equal(st.st_dev, 0x777);
	assert_int_equal(scw_statx(fd, "", AT_EMPTY_PATH, 0, &x), 0);
	assert_int_equal(x.dev_major, 7);
	assert_int_equal(x.dev_minor, 0x77);
	assert_int_equal(scw_ioctl(fd, SIOCGIFMTU, &r), 0);
	assert_int_equal(r.ifr_mtu, 12345);
	assert_int_equal(scw_syscall(SYS_ioctl, fd, SIOCGIFINDEX, &r), 0);
	assert_int_equal(r.ifr_ifindex, 7);
	assert_int_equal(scw_ioctl(fd, SIOCGIFCONF, &list), 0);
	assert_int_equal(list.ifc_len, sizeof(r));
	FAILS(scw_ioctl(fd, SIOCSIFMTU, &r), EPERM);
	strcpy(r.ifr_name, "eth0");
	FAILS(scw_ioctl(fd, SIOCGIFFLAGS, &r), ENODEV);
	close(fd);
	FAILS(scw_ioctl(fd, SIOCGIFFLAGS, &r), EBADF);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	FAILS(scw_ioctl(fd, SIOCGIFFLAGS, &r), ENOTTY);
	close(fd);
}

/* A tool that closes all descriptors doesn't take away those that lead to the guest. */
static void test_closing(void **state)
{
	int own = dup(0), high = fcntl(0, F_DUPFD_CLOEXEC, 301);

	(void)state;
	FAILS(scw_close(kept_low), EBADF);
	FAILS(scw_close(kept_high), EBADF);
	assert_int_equal(scw_close_range((unsigned int)kept_low, ~0u, 0), 0);
	assert_true(fcntl(kept_low, F_GETFD) >= 0);
	assert_true(fcntl(kept_high, F_GETFD) >= 0);
	FAILS(fcntl(own, F_GETFD), EBADF);
	FAILS(fcntl(high, F_GETFD), EBADF);
	/* a number that the program takes is the program's */
	assert_int_equal(scw_dup2(0, kept_high), kept_high);
	assert_int_equal(scw_close(kept_high), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exists),	cmocka_unit_test(test_search),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_asking),	cmocka_unit_test(test_machine),
		cmocka_unit_test(test_netlink),	cmocka_unit_test(test_devices),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_closing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
