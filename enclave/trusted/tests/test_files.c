// SPDX-License-Identifier: MIT
/* Calls on files inside: descriptors, paths, /proc of a made-up guest, measured files, devices. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "calls.h"
#include "config/config.h"
#include "fake_runtime.h"
#include "layer.h"
#include "memfs.h"
#include "trusted/files.h"
#include "trusted/program.h"

#define CALL(...) CALL_(__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define CALL_(n, a, b, c, d, e, f, ...) \
	trusted_syscall(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static struct base_alloc alloc;
static struct memfs *guest;
static struct vfs *current;
static const char config[] = "scwatcher-enclave 1\n"
			     "argument=/usr/bin/netstat\n"
			     "argument=-an\n"
			     "environment=TERM\n"
			     "environment=PROC_ROOT=/proc\n"
			     "file=17 /etc/passwd\n"
			     "file=0 /etc/sub/empty\n"
			     "\n"
			     "root:x:0:0::/:/x\n";

struct vfs *trusted_vfs(void)
{
	return current;
}

static int op_task(void *fs, int tid, struct vfs_task *ret)
{
	(void)fs;
	if (tid != 7)
		return -ESRCH;
	*ret = (struct vfs_task){ .tid = 7, .tgid = 7, .pgid = 5, .sid = 3, .nice = -4, .policy = 1,
				  .rt_priority = 9, .interval_ns = 1500000000, .cpus = 64,
				  .affinity = { 6 } };
	ret->limits[1].cur = 10;
	ret->limits[1].max = 20;
	return 0;
}

static int op_task_exists(void *fs, int tgid, int tid)
{
	(void)fs;
	return tid == 7 && (!tgid || tgid == 7) ? 0 : -ESRCH;
}

static int op_tasks(void *fs, enum vfs_tasks_of what, int id, struct vfs_tasks *ret)
{
	(void)fs;
	ret->count = what == VFS_TASKS_OF_GROUP && id == 5 ? 1 : 0;
	ret->nice = -4;
	return 0;
}

static int op_numbers(void *fs, int first, struct vfs_numbers *ret)
{
	static const int taken[] = { 300, 301, 812 };

	(void)fs;
	*ret = (struct vfs_numbers){ .next = 1050, .min = 300, .end = 1100 };
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (taken[i] >= first && taken[i] < first + VFS_NUMBERS)
			ret->taken[(taken[i] - first) / 64] |= 1ull << ((taken[i] - first) % 64);
	return 0;
}

static int op_interface(void *fs, const char *name, uint32_t nth, struct vfs_interface *ret)
{
	static const struct vfs_interface all[] = {
		{ .name = "lo", .index = 1, .flags = 0x10049, .mtu = 65536, .type = 772, .has_address = true,
		  .address = 0x0100007f, .peer = 0x0100007f, .mask = 0x000000ff },
		{ .name = "eth0", .index = 2, .flags = 0x11043, .mtu = 1500, .type = 1, .queue_length = 1000,
		  .hardware_size = 6, .hardware = { 2, 3, 4, 5, 6, 7 }, .irq = 9 },
		{ .name = "eth0:x", .index = 2, .has_address = true, .address = 0x0200000a },
	};

	(void)fs;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if ((name && strcmp(name, all[i].name)) || nth--)
			continue;
		*ret = all[i];
		return 0;
	}
	return -ENOENT;
}

static int op_netlink(void *fs, const struct vfs_netlink_question *q, struct seq_file *m)
{
	const uint32_t link[5] = { sizeof(link), 2 << 16 | 16, q->seq, q->port, 0x12345678 };

	(void)fs;
	if (q->type != (q->protocol == 4 ? 20 : 18))
		return -EOPNOTSUPP;
	seq_write(m, link, sizeof(link));
	return 0;
}

static int op_machine(void *fs, struct vfs_machine *ret)
{
	(void)fs;
	*ret = (struct vfs_machine){ .sysname = "Linux", .nodename = "web-1", .release = "6.1.0-9",
				     .machine = "x86_64", .uptime = 77, .total_ram = 1 << 30,
				     .procs = 120, .cpus_online = 6 };
	return 0;
}

static int op_socket_device(void *fs, uint64_t *ret)
{
	(void)fs;
	*ret = 0x777;
	return 0;
}

static int setup(void **state)
{
	static struct vfs_fs_ops ops;
	static char *argv[] = { "outside", NULL };
	static char *envp[] = { "TERM=xterm", "LD_PRELOAD=x", "PROC_ROOT=/evil", "broken", NULL };
	struct vfs_node root;
	struct memfs_node *net;

	(void)state;
	base_alloc_init(&alloc, 64 << 20);
	guest = memfs_create(&alloc);
	memfs_file(guest, "1/stat", "1 (init)\n");
	memfs_file(guest, "1/mounts", "rootfs /\n");
	memfs_file(guest, "meminfo", "MemTotal: 1\n");
	net = memfs_file(guest, "net/tcp", "sl\n");
	assert_non_null(net);
	memfs_link(guest, "7/rel", "../meminfo");
	memfs_add(guest, "7/exe", MEMFS_MAGIC_LINK, "/usr/bin/evil", 13)->target_mode = S_IFREG | 0755;
	ops = memfs_fs_ops;
	ops.task = op_task;
	ops.task_exists = op_task_exists;
	ops.tasks = op_tasks;
	ops.numbers = op_numbers;
	ops.machine = op_machine;
	ops.interface = op_interface;
	ops.netlink = op_netlink;
	ops.socket_device = op_socket_device;
	root = memfs_vfs_node(&guest->root);
	current = vfs_create(&alloc, &ops, guest, &root);
	fake_reset();
	fake.config = config;
	fake.config_size = sizeof(config) - 1;
	fake.info = (struct trusted_info){ .argc = 1, .argv = argv, .envc = 4, .envp = envp, .vm = "" };
	trusted_config_apply(&fake.info);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vfs_destroy(current);
	memfs_destroy(guest);
	return 0;
}

static int open_path(const char *path, int flags)
{
	return (int)CALL(SYS_open, path, flags, 0);
}

static void close_all(void)
{
	assert_int_equal(CALL(SYS_close_range, 3, ~0U, 0), 0);
}

static void expect_content(const char *path, const char *text)
{
	char buf[256];
	int fd = open_path(path, O_RDONLY);
	long n;

	assert_true(fd >= 0);
	n = CALL(SYS_read, fd, buf, sizeof(buf));
	assert_int_equal(n, strlen(text));
	assert_memory_equal(buf, text, (size_t)n);
	assert_int_equal(CALL(SYS_read, fd, buf, sizeof(buf)), 0);
	assert_int_equal(CALL(SYS_close, fd), 0);
}

static void test_arguments_and_environment_are_the_signers(void **state)
{
	(void)state;
	assert_int_equal(fake.info.argc, 2);
	assert_string_equal(fake.info.argv[0], "/usr/bin/netstat");
	assert_string_equal(fake.info.argv[1], "-an");
	assert_null(fake.info.argv[2]);
	assert_int_equal(fake.info.envc, 2);
	assert_string_equal(fake.info.envp[0], "TERM=xterm");
	assert_string_equal(fake.info.envp[1], "PROC_ROOT=/proc");
	assert_null(fake.info.envp[2]);
}

static void test_unknown_calls_are_refused(void **state)
{
	static const int refused[] = { SYS_execve, SYS_clone, SYS_io_uring_setup,
				       SYS_shmget, SYS_userfaultfd, SYS_keyctl, SYS_init_module };

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(CALL(refused[i], 0), -ENOSYS);
	assert_int_equal(CALL(-1, 0), -ENOSYS);
	assert_int_equal(CALL(100000, 0), -ENOSYS);
	assert_int_equal(CALL(SYS_ptrace, 0), -EPERM);
	assert_int_equal(CALL(SYS_mmap, 0, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0), -EPERM);
	assert_int_equal(fake.ocalls, 0);
}

static void test_numbers_are_the_lowest_free_ones(void **state)
{
	int a = open_path("/proc/meminfo", O_RDONLY), b = open_path("/proc/meminfo", O_RDONLY);

	(void)state;
	assert_int_equal(a, 3);
	assert_int_equal(b, 4);
	assert_int_equal(CALL(SYS_close, 3), 0);
	assert_int_equal(CALL(SYS_close, 3), -EBADF);
	assert_int_equal(open_path("/dev/null", O_RDWR), 3);
	assert_int_equal(CALL(SYS_dup, 4), 5);
	assert_int_equal(CALL(SYS_fcntl, 4, F_DUPFD, 100), 100);
	assert_int_equal(CALL(SYS_fcntl, 4, F_DUPFD_CLOEXEC, 100), 101);
	assert_int_equal(CALL(SYS_fcntl, 101, F_GETFD), FD_CLOEXEC);
	assert_int_equal(CALL(SYS_fcntl, 100, F_GETFD), 0);
	assert_int_equal(CALL(SYS_dup2, 4, 50), 50);
	assert_int_equal(CALL(SYS_dup2, 4, 4), 4);
	assert_int_equal(CALL(SYS_dup2, 4, 1024), -EBADF);
	assert_int_equal(CALL(SYS_dup2, 4, -1), -EBADF);
	assert_int_equal(CALL(SYS_dup2, 999, 4), -EBADF);
	assert_int_equal(CALL(SYS_dup3, 4, 4, 0), -EINVAL);
	assert_int_equal(CALL(SYS_dup3, 4, 51, O_CLOEXEC), 51);
	assert_int_equal(CALL(SYS_fcntl, 51, F_GETFD), FD_CLOEXEC);
	assert_int_equal(CALL(SYS_close_range, 51, 101, 4), 0); /* CLOSE_RANGE_CLOEXEC */
	assert_int_equal(CALL(SYS_fcntl, 100, F_GETFD), FD_CLOEXEC);
	assert_int_equal(CALL(SYS_fcntl, 4, F_DUPFD, 1024), -EINVAL);
	assert_int_equal(CALL(SYS_close_range, 4, 3, 0), -EINVAL);
	close_all();
	for (int i = 3; i < LAYER_FDS; i++)
		assert_int_equal(open_path("/dev/null", O_RDONLY), i);
	assert_int_equal(open_path("/dev/null", O_RDONLY), -EMFILE);
	assert_int_equal(CALL(SYS_dup, 3), -EMFILE);
	close_all();
}

static void test_a_position_is_shared_by_duplicates(void **state)
{
	char buf[4];
	int a = open_path("/etc/passwd", O_RDONLY), b = (int)CALL(SYS_dup, a);

	(void)state;
	assert_int_equal(CALL(SYS_read, a, buf, 4), 4);
	assert_memory_equal(buf, "root", 4);
	assert_int_equal(CALL(SYS_read, b, buf, 4), 4);
	assert_memory_equal(buf, ":x:0", 4);
	assert_int_equal(CALL(SYS_pread64, b, buf, 4, 0), 4);
	assert_memory_equal(buf, "root", 4);
	assert_int_equal(CALL(SYS_lseek, b, 0, SEEK_CUR), 8);
	assert_int_equal(CALL(SYS_lseek, b, -1, SEEK_END), 16);
	assert_int_equal(CALL(SYS_lseek, b, -1, SEEK_SET), -EINVAL);
	assert_int_equal(CALL(SYS_close, a), 0);
	assert_int_equal(CALL(SYS_read, b, buf, 4), 1);
	close_all();
}

static void test_paths(void **state)
{
	char buf[64];

	(void)state;
	expect_content("/proc/meminfo", "MemTotal: 1\n");
	expect_content("//proc/./1/../meminfo", "MemTotal: 1\n");
	expect_content("/etc/../proc/meminfo", "MemTotal: 1\n");
	expect_content("/proc/../etc/passwd", "root:x:0:0::/:/x\n");
	expect_content("/../../proc/1/../../etc/sub/../passwd", "root:x:0:0::/:/x\n");
	expect_content("/proc/7/rel", "MemTotal: 1\n");
	expect_content("/proc/self/mounts", "rootfs /\n");
	expect_content("/etc/mtab", "rootfs /\n");
	expect_content("/proc/self/net/tcp", "sl\n");
	expect_content("/proc/thread-self/net/tcp", "sl\n");
	expect_content("/proc/self/root/proc/meminfo", "MemTotal: 1\n");
	expect_content("/proc/1/../self/root/etc/passwd", "root:x:0:0::/:/x\n");
	expect_content("/proc/4194304/../meminfo", "MemTotal: 1\n");
	assert_int_equal(open_path("/etc/shadow", O_RDONLY), -ENOENT);
	assert_int_equal(open_path("/etc/passwd/", O_RDONLY), -ENOTDIR);
	assert_int_equal(open_path("/etc/passwd/x", O_RDONLY), -ENOTDIR);
	assert_int_equal(open_path("/proc/nobody/../meminfo", O_RDONLY), -ENOENT);
	assert_int_equal(open_path("/nobody/../etc/passwd", O_RDONLY), -ENOENT);
	assert_int_equal(open_path("/home", O_RDONLY), -ENOENT);
	assert_int_equal(open_path("", O_RDONLY), -ENOENT);
	assert_int_equal(open_path(NULL, O_RDONLY), -EFAULT);
	assert_int_equal(open_path("/proc/7/exe", O_RDONLY), -EACCES);
	assert_int_equal(open_path("/proc/7/exe/x", O_RDONLY), -EACCES);
	assert_int_equal(open_path("/proc/7/exe", O_RDONLY | O_NOFOLLOW), -ELOOP);
	assert_int_equal(open_path("/proc/self", O_RDONLY | O_NOFOLLOW), -ELOOP);
	assert_int_equal(CALL(SYS_readlink, "/proc/7/exe", buf, sizeof(buf)), 13);
	assert_memory_equal(buf, "/usr/bin/evil", 13);
	assert_int_equal(CALL(SYS_readlink, "/proc/self", buf, sizeof(buf)), 7);
	assert_memory_equal(buf, "4194304", 7);
	assert_int_equal(CALL(SYS_readlink, "/proc/self/exe", buf, sizeof(buf)), 16);
	assert_int_equal(CALL(SYS_readlink, "/etc/passwd", buf, sizeof(buf)), -EINVAL);
	assert_int_equal(CALL(SYS_readlink, "/proc/7/exe", buf, 4), 4);
	assert_int_equal(fake.ocalls, 0);
}

static void test_nothing_can_be_written_or_made(void **state)
{
	(void)state;
	assert_int_equal(open_path("/proc/meminfo", O_WRONLY), -EROFS);
	assert_int_equal(open_path("/etc/passwd", O_RDWR), -EROFS);
	assert_int_equal(open_path("/etc/new", O_WRONLY | O_CREAT), -EROFS);
	assert_int_equal(open_path("/etc/passwd", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
	assert_int_equal(open_path("/tmp", O_TMPFILE | O_RDWR), -EOPNOTSUPP);
	assert_int_equal(open_path("/proc", O_RDWR), -EISDIR);
	assert_int_equal(open_path("/etc/passwd", O_DIRECTORY), -ENOTDIR);
	assert_int_equal(CALL(SYS_mkdir, "/tmp/x", 0700), -EROFS);
	assert_int_equal(CALL(SYS_unlink, "/etc/passwd"), -EROFS);
	assert_int_equal(CALL(SYS_access, "/etc/passwd", W_OK), -EROFS);
	assert_int_equal(CALL(SYS_access, "/etc/passwd", R_OK), 0);
	assert_int_equal(CALL(SYS_access, "/etc/passwd", X_OK), -EACCES);
	assert_int_equal(CALL(SYS_faccessat2, AT_FDCWD, "/etc/none", F_OK, 0), -ENOENT);
}

static void test_relative_paths(void **state)
{
	char buf[64];
	int dir;

	(void)state;
	assert_int_equal(CALL(SYS_getcwd, buf, sizeof(buf)), 2);
	assert_string_equal(buf, "/");
	assert_int_equal(CALL(SYS_chdir, "/proc/1"), 0);
	expect_content("stat", "1 (init)\n");
	expect_content("../../etc/passwd", "root:x:0:0::/:/x\n");
	expect_content("/proc/self/cwd/stat", "1 (init)\n");
	assert_int_equal(CALL(SYS_getcwd, buf, sizeof(buf)), 8);
	assert_string_equal(buf, "/proc/1");
	assert_int_equal(CALL(SYS_getcwd, buf, 7), -ERANGE);
	assert_int_equal(CALL(SYS_chdir, "stat"), -ENOTDIR);
	assert_int_equal(CALL(SYS_chdir, "none"), -ENOENT);
	assert_int_equal(CALL(SYS_chdir, ".."), 0);
	dir = open_path("net", O_RDONLY | O_DIRECTORY);
	assert_true(dir >= 3);
	assert_true(CALL(SYS_openat, dir, "tcp", O_RDONLY) > dir);
	assert_int_equal(CALL(SYS_openat, dir + 1, "x", O_RDONLY), -ENOTDIR);
	assert_int_equal(CALL(SYS_openat, 77, "x", O_RDONLY), -EBADF);
	assert_int_equal(CALL(SYS_fchdir, dir), 0);
	expect_content("tcp", "sl\n");
	assert_int_equal(CALL(SYS_fchdir, dir + 1), -ENOTDIR);
	assert_int_equal(CALL(SYS_chdir, "/proc/self"), 0);
	assert_int_equal(CALL(SYS_getcwd, buf, sizeof(buf)), 14);
	assert_string_equal(buf, "/proc/4194304");
	expect_content("../meminfo", "MemTotal: 1\n");
	assert_int_equal(CALL(SYS_chdir, "/"), 0);
	close_all();
}

struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t size;
	uint8_t type;
	char name[];
} __attribute__((packed));

static bool listed(const char *path, const char *name)
{
	char buf[512];
	int fd = open_path(path, O_RDONLY | O_DIRECTORY);
	unsigned int times = 0;
	long n;

	assert_true(fd >= 0);
	while ((n = CALL(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			struct entry *e = (struct entry *)(buf + at);

			times += !strcmp(e->name, name);
			at += e->size;
		}
	}
	assert_int_equal(n, 0);
	assert_int_equal(CALL(SYS_close, fd), 0);
	assert_true(times <= 1);
	return times;
}

static void test_lists(void **state)
{
	char buf[8];
	int fd;

	(void)state;
	assert_true(listed("/", "etc"));
	assert_true(listed("/", "proc"));
	assert_true(listed("/", ".."));
	assert_true(listed("/etc", "passwd"));
	assert_true(listed("/etc", "sub"));
	assert_true(listed("/dev", "null"));
	assert_true(listed("/proc", "meminfo"));
	assert_true(listed("/proc/self", "stat"));
	assert_true(listed("/proc/self", "task"));
	assert_true(listed("/proc/self/task", "4194304"));
	assert_true(listed("/proc/self/fdinfo", "0"));
	expect_content("/proc/self/fdinfo/0", "pos:\t0\nflags:\t00\nmnt_id:\t0\n");
	assert_false(listed("/proc/self/task/4194304", "task"));
	assert_true(listed("/dev/fd", "2"));
	assert_false(listed("/dev/fd", "9"));
	fd = open_path("/etc", O_RDONLY);
	assert_int_equal(CALL(SYS_getdents64, fd, buf, sizeof(buf)), -EINVAL);
	assert_int_equal(CALL(SYS_getdents64, 1, buf, sizeof(buf)), -ENOTDIR);
	close_all();
}

static void test_attributes(void **state)
{
	struct stat st;
	struct statfs sf;
	char statx[256];
	int fd;

	(void)state;
	assert_int_equal(CALL(SYS_stat, "/etc/passwd", &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_size, 17);
	assert_int_equal(CALL(SYS_stat, "/proc", &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(CALL(SYS_lstat, "/proc/self", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(CALL(SYS_stat, "/proc/self", &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(CALL(SYS_stat, "/proc/7/exe", &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0755);
	assert_int_equal(CALL(SYS_lstat, "/proc/7/exe", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(CALL(SYS_stat, "/dev/pts/3", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(st.st_rdev, 136 << 8 | 3);
	assert_int_equal(CALL(SYS_stat, "/dev/sda", &st), -ENOENT);
	assert_int_equal(CALL(SYS_newfstatat, AT_FDCWD, "", &st, AT_EMPTY_PATH), 0);
	assert_true(S_ISDIR(st.st_mode));
	fd = open_path("/proc/meminfo", O_RDONLY);
	assert_int_equal(CALL(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(CALL(SYS_newfstatat, fd, "", &st, 0), -ENOENT);
	assert_int_equal(CALL(SYS_statx, fd, "", AT_EMPTY_PATH, 0x7ff, statx), 0);
	assert_int_equal(CALL(SYS_fstatfs, fd, &sf), 0);
	assert_int_equal(sf.f_type, 0x9fa0);
	assert_int_equal(CALL(SYS_statfs, "/proc/self", &sf), 0);
	assert_int_equal(sf.f_type, 0x9fa0);
	assert_int_equal(CALL(SYS_statfs, "/etc", &sf), 0);
	assert_int_not_equal(sf.f_type, 0x9fa0);
	assert_int_equal(CALL(SYS_fstat, 77, &st), -EBADF);
	assert_int_equal(CALL(SYS_fstat, fd, NULL), -EFAULT);
	close_all();
	/* not a terminal, as the host refuses: a pipe */
	assert_int_equal(CALL(SYS_fstat, 1, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
}

static void test_path_descriptors(void **state)
{
	char buf[32];
	int fd = open_path("/proc/7/exe", O_PATH | O_NOFOLLOW);

	(void)state;
	assert_true(fd >= 3);
	assert_int_equal(CALL(SYS_readlinkat, fd, "", buf, sizeof(buf)), 13);
	assert_int_equal(CALL(SYS_read, fd, buf, 1), -EBADF);
	assert_int_equal(CALL(SYS_write, fd, buf, 1), -EBADF);
	assert_int_equal(CALL(SYS_ioctl, fd, 0x5401, buf), -EBADF);
	fd = open_path("/proc/1", O_PATH);
	assert_true(CALL(SYS_openat, fd, "stat", O_RDONLY) >= 3);
	assert_int_equal(open_path("/proc/1/stat", O_PATH | O_DIRECTORY), -ENOTDIR);
	close_all();
}

static void test_devices(void **state)
{
	uint8_t buf[16] = { 1 };
	int fd = open_path("/dev/null", O_RDWR);

	(void)state;
	assert_int_equal(CALL(SYS_write, fd, buf, 16), 16);
	assert_int_equal(CALL(SYS_read, fd, buf, 16), 0);
	fd = open_path("/dev/zero", O_RDONLY);
	assert_int_equal(CALL(SYS_read, fd, buf, 16), 16);
	assert_int_equal(buf[0], 0);
	assert_int_equal(CALL(SYS_write, fd, buf, 16), -EBADF);
	fd = open_path("/dev/urandom", O_RDONLY);
	assert_int_equal(CALL(SYS_read, fd, buf, 16), 16);
	assert_int_equal(buf[15], 0x5a);
	fd = open_path("/dev/full", O_WRONLY);
	assert_int_equal(CALL(SYS_write, fd, buf, 16), -ENOSPC);
	assert_int_equal(open_path("/dev/null", O_DIRECTORY), -ENOTDIR);
	assert_int_equal(CALL(SYS_lseek, fd, 5, SEEK_SET), 0);
	close_all();
}

static void test_self(void **state)
{
	char buf[512];
	int fd = open_path("/proc/self/stat", O_RDONLY);
	long n = CALL(SYS_read, fd, buf, sizeof(buf) - 1);
	unsigned int words = 1;

	(void)state;
	assert_true(n > 0);
	buf[n] = '\0';
	assert_int_equal(strncmp(buf, "4194304 (netstat) R 0 ", 22), 0);
	for (char *p = buf; *p; p++)
		words += *p == ' ';
	assert_int_equal(words, 52);
	expect_content("/proc/self/comm", "netstat\n");
	fd = open_path("/proc/4194304/cmdline", O_RDONLY);
	assert_int_equal(CALL(SYS_read, fd, buf, sizeof(buf)), 21);
	assert_memory_equal(buf, "/usr/bin/netstat\0-an", 21);
	assert_int_equal(CALL(SYS_getpid), TRUSTED_PID);
	assert_int_equal(CALL(SYS_gettid), TRUSTED_PID);
	assert_int_equal(CALL(SYS_getppid), 0);
	assert_int_equal(CALL(SYS_readlink, "/proc/self/fd/3", buf, sizeof(buf)), 18);
	assert_memory_equal(buf, "/proc/4194304/stat", 18);
	/* a descriptor's link, followed: the same stream, or the file anew */
	fd = open_path("/dev/stdout", O_WRONLY);
	assert_int_equal(CALL(SYS_readlink, "/proc/self/fd/1", buf, sizeof(buf)), 8);
	assert_memory_equal(buf, "pipe:[2]", 8);
	assert_true(fd > 3);
	assert_int_equal(open_path("/dev/stdin", O_WRONLY), -EACCES);
	assert_true(open_path("/dev/fd/3", O_RDONLY) > fd);
	assert_int_equal(open_path("/dev/fd/99", O_RDONLY), -ENOENT);
	close_all();
}

static void test_without_a_guest(void **state)
{
	struct vfs *was = current;
	struct utsname name;
	struct sysinfo info;

	(void)state;
	current = NULL;
	assert_int_equal(open_path("/proc/meminfo", O_RDONLY), -EIO);
	assert_int_equal(CALL(SYS_kill, 7, 0), -EIO);
	assert_int_equal(CALL(SYS_sysinfo, &info), -EIO);
	assert_int_equal(CALL(SYS_uname, &name), 0);
	assert_string_equal(name.nodename, "enclave");
	expect_content("/etc/passwd", "root:x:0:0::/:/x\n");
	current = was;
}

static void test_processes_are_the_guests(void **state)
{
	struct trusted_timespec t;
	uint64_t mask[2], limits[2];
	int priority;

	(void)state;
	assert_int_equal(CALL(SYS_kill, 7, 0), 0);
	assert_int_equal(CALL(SYS_kill, 8, 0), -ESRCH);
	assert_int_equal(CALL(SYS_kill, 7, 9), -EPERM);
	assert_int_equal(CALL(SYS_kill, 8, 9), -ESRCH);
	assert_int_equal(CALL(SYS_kill, -5, 0), 0);
	assert_int_equal(CALL(SYS_kill, -6, 0), -ESRCH);
	assert_int_equal(CALL(SYS_kill, -5, 9), -EPERM);
	assert_int_equal(CALL(SYS_kill, -1, 9), -ESRCH);
	assert_int_equal(fake.raised, 0);
	assert_int_equal(CALL(SYS_kill, TRUSTED_PID, 10), 0);
	assert_int_equal(fake.raised, 10);
	assert_int_equal(CALL(SYS_tgkill, TRUSTED_PID, TRUSTED_PID + 2, 12), 0);
	assert_int_equal(fake.thread_signalled, TRUSTED_PID + 2);
	/* a small number is the guest's, with a signal and without */
	assert_int_equal(CALL(SYS_tkill, 2, 10), -ESRCH);
	assert_int_equal(CALL(SYS_tkill, 7, 10), -EPERM);
	assert_int_equal(CALL(SYS_tkill, 7, 0), 0);
	assert_int_equal(CALL(SYS_tgkill, 7, 7, 0), 0);
	assert_int_equal(CALL(SYS_tgkill, 6, 7, 0), -ESRCH);
	assert_int_equal(CALL(SYS_tgkill, 7, 7, 9), -EPERM);
	assert_int_equal(CALL(SYS_getpgid, 7), 5);
	assert_int_equal(CALL(SYS_getpgid, 0), TRUSTED_PID);
	assert_int_equal(CALL(SYS_getsid, 7), 3);
	assert_int_equal(CALL(SYS_getsid, 8), -ESRCH);
	assert_int_equal(CALL(SYS_getpriority, 0, 7), 24);
	assert_int_equal(CALL(SYS_getpriority, 0, 0), 20);
	assert_int_equal(CALL(SYS_getpriority, 0, 8), -ESRCH);
	assert_int_equal(CALL(SYS_sched_getscheduler, 7), 1);
	assert_int_equal(CALL(SYS_sched_getparam, 7, &priority), 0);
	assert_int_equal(priority, 9);
	assert_int_equal(CALL(SYS_sched_getaffinity, 7, 16, mask), 8);
	assert_int_equal(mask[0], 6);
	assert_int_equal(CALL(SYS_sched_getaffinity, 7, 4, mask), -EINVAL);
	assert_int_equal(CALL(SYS_sched_getaffinity, 0, 16, mask), 8);
	assert_int_equal(mask[0], 63); /* the guest's processors */
	assert_int_equal(CALL(SYS_sched_rr_get_interval, 7, &t), 0);
	assert_int_equal(t.sec, 1);
	assert_int_equal(t.nsec, 500000000);
	assert_int_equal(CALL(SYS_prlimit64, 7, 1, NULL, limits), 0);
	assert_int_equal(limits[1], 20);
	assert_int_equal(CALL(SYS_prlimit64, 7, 1, limits, NULL), -EPERM);
	assert_int_equal(CALL(SYS_prlimit64, 0, 7, NULL, limits), 0);
	assert_int_equal(limits[0], LAYER_FDS);
}

static void test_devices_are_the_guests(void **state)
{
	static struct ifreq away[1];
	struct ifreq many[3], *bad = away, *r = many;
	struct ifconf list = { .ifc_len = 0 };
	struct stat st;
	int fd = (int)CALL(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	fake.bad = away;
	fake.bad_size = sizeof(away);
	assert_int_equal(fd, 3);
	assert_int_equal(CALL(SYS_fstat, fd, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_dev, 0x777);
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCGIFCONF, &list), 0);
	assert_int_equal(list.ifc_len, 2 * sizeof(*r));
	list = (struct ifconf){ .ifc_len = sizeof(many), .ifc_req = many };
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCGIFCONF, &list), 0);
	assert_int_equal(list.ifc_len, 2 * sizeof(*r));
	assert_string_equal(many[0].ifr_name, "lo");
	assert_string_equal(many[1].ifr_name, "eth0:x");
	assert_memory_equal(&many[1].ifr_addr, "\2\0\0\0\12\0\0\2", 8);
	list.ifc_len = sizeof(*r) + 39; /* whole ones only */
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCGIFCONF, &list), 0);
	assert_int_equal(list.ifc_len, sizeof(*r));
	strcpy(r->ifr_name, "eth0");
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCGIFFLAGS, r), 0);
	assert_int_equal(r->ifr_flags, 0x1043);
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCGIFMTU, r), 0);
	assert_int_equal(r->ifr_mtu, 1500);
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCGIFTXQLEN, r), 0);
	assert_int_equal(r->ifr_qlen, 1000);
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCGIFHWADDR, r), 0);
	assert_memory_equal(&r->ifr_hwaddr, "\1\0\2\3\4\5\6\7", 8);
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCGIFADDR, r), -EADDRNOTAVAIL);
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCSIFFLAGS, r), -EPERM);
	assert_int_equal(CALL(SYS_ioctl, fd, 0x8946 /* SIOCETHTOOL */, r), -EOPNOTSUPP);
	r->ifr_ifindex = 1;
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCGIFNAME, r), 0);
	assert_string_equal(r->ifr_name, "lo");
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCGIFNETMASK, r), 0);
	assert_memory_equal(&r->ifr_addr, "\2\0\0\0\377\0\0\0", 8);
	r->ifr_ifindex = 3;
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCGIFNAME, r), -ENODEV);
	memset(r->ifr_name, 'x', sizeof(r->ifr_name));
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCGIFMTU, r), -ENODEV);
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCGIFMTU, bad), -EFAULT);
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCGIFCONF, bad), -EFAULT);
	list = (struct ifconf){ .ifc_len = sizeof(*r), .ifc_req = bad };
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCGIFCONF, &list), -EFAULT);
	list = (struct ifconf){ .ifc_len = -1, .ifc_req = many };
	assert_int_equal(CALL(SYS_ioctl, fd, SIOCGIFCONF, &list), -EFAULT);
	assert_int_equal(CALL(SYS_ioctl, fd, 0x8954 /* SIOCGARP */, r), -ENOTTY);
	assert_int_equal(CALL(SYS_ioctl, 0, SIOCGIFMTU, r) < 0, 1);
	/* and nothing else can be done with it */
	assert_int_equal(CALL(SYS_bind, fd, r, 16), -EADDRNOTAVAIL);
	assert_int_equal(CALL(SYS_connect, fd, r, 16), -ENETUNREACH);
	assert_int_equal(CALL(SYS_sendto, fd, r, 1, 0, r, 16), -ENETUNREACH);
	assert_int_equal(CALL(SYS_socket, AF_INET, SOCK_STREAM, 0), -EAFNOSUPPORT);
	assert_int_equal(CALL(SYS_socket, AF_INET, SOCK_RAW, 0), -EAFNOSUPPORT);
	assert_int_equal(CALL(SYS_socket, AF_INET6, SOCK_DGRAM, 0), -EAFNOSUPPORT);
	assert_int_equal(CALL(SYS_close, fd), 0);
	fake.bad = NULL;
}

static void test_the_machine_is_the_guests(void **state)
{
	struct utsname name;
	struct sysinfo info;

	(void)state;
	assert_int_equal(CALL(SYS_uname, &name), 0);
	assert_string_equal(name.nodename, "web-1");
	assert_string_equal(name.release, "6.1.0-9");
	assert_int_equal(CALL(SYS_sysinfo, &info), 0);
	assert_int_equal(info.uptime, 77);
	assert_int_equal(info.procs, 120);
}

static void test_a_netlink_socket_is_answered_by_nobody(void **state)
{
	struct {
		uint16_t family, pad;
		uint32_t pid, groups;
	} name;
	uint32_t size = sizeof(name);
	char buf[8];
	int fd = (int)CALL(SYS_socket, AF_NETLINK, SOCK_RAW, 2);

	(void)state;
	fake.ocalls = 0;
	assert_int_equal(fd, 3);
	assert_int_equal(CALL(SYS_bind, fd, &name, 12), 0);
	assert_int_equal(CALL(SYS_setsockopt, fd, 1, 2, buf, 4), 0);
	assert_int_equal(CALL(SYS_getsockname, fd, &name, &size), 0);
	assert_int_equal(name.family, AF_NETLINK);
	assert_int_equal(size, 12);
	assert_int_equal(CALL(SYS_sendto, fd, buf, 8, 0, 0, 0), -ECONNREFUSED);
	assert_int_equal(CALL(SYS_recvfrom, fd, buf, 8, 0, 0, 0), -ECONNREFUSED);
	assert_int_equal(CALL(SYS_connect, fd, buf, 8), -ECONNREFUSED);
	assert_int_equal(CALL(SYS_read, fd, buf, 8), -ECONNREFUSED);
	assert_int_equal(CALL(SYS_write, fd, buf, 8), -ECONNREFUSED);
	assert_int_equal(CALL(SYS_sendto, 1, buf, 8, 0, 0, 0), -ENOTSOCK);
	assert_int_equal(CALL(SYS_socket, AF_UNIX, SOCK_DGRAM, 0), -EAFNOSUPPORT);
	close_all();
	assert_int_equal(fake.ocalls, 0);
}

/* A message that says so much, and what the guest's file system is told to make of it. */
struct question {
	uint32_t len;
	uint16_t type, flags;
	uint32_t seq, port;
	uint8_t family, pad[15];
};

static void test_a_netlink_socket_is_answered_for_the_guest(void **state)
{
	static char long_one[20000];
	struct question q = { .len = sizeof(q), .type = 18, .flags = 0x301, .seq = 5 };
	uint32_t words[64], from[3] = { 0 };
	struct iovec in[2] = { { &q, 8 }, { (char *)&q + 8, sizeof(q) - 8 } };
	struct iovec out[2] = { { words, 20 }, { words + 5, 8 } };
	struct msghdr msg = { .msg_iov = in, .msg_iovlen = 2 };
	int fd = (int)CALL(SYS_socket, AF_NETLINK, SOCK_RAW, 0);

	(void)state;
	fake.ocalls = 0;
	assert_int_equal(CALL(SYS_recvfrom, fd, words, sizeof(words), 0, 0, 0), -ECONNREFUSED);
	assert_int_equal(CALL(SYS_sendmsg, fd, &msg, 0), sizeof(q));
	/* the message that op_netlink() makes, then the end; both in one datagram, cut in the second half */
	msg = (struct msghdr){ .msg_iov = out, .msg_iovlen = 2, .msg_name = from, .msg_namelen = sizeof(from) };
	assert_int_equal(CALL(SYS_recvmsg, fd, &msg, MSG_PEEK | MSG_TRUNC), 40);
	assert_int_equal(msg.msg_flags, MSG_TRUNC);
	assert_int_equal(words[4], 0x12345678);
	assert_int_equal(words[6], 2 << 16 | 3); /* NLM_F_MULTI, NLMSG_DONE */
	assert_int_equal(from[0], AF_NETLINK);
	assert_int_equal(from[1], 0);
	assert_int_equal(CALL(SYS_recvfrom, fd, words, sizeof(words), 0, 0, 0), 40);
	assert_int_equal(words[3], 4194304);
	assert_int_equal(CALL(SYS_recvfrom, fd, words, sizeof(words), 0, 0, 0), -ECONNREFUSED);
	assert_int_equal(CALL(SYS_write, fd, &q, sizeof(q)), sizeof(q));
	assert_int_equal(CALL(SYS_read, fd, words, sizeof(words)), 40);
	assert_int_equal(CALL(SYS_read, fd, words, sizeof(words)), -ECONNREFUSED);
	/* what nobody knows, and what would change something */
	q.type = 22;
	assert_int_equal(CALL(SYS_sendto, fd, &q, sizeof(q), 0, 0, 0), sizeof(q));
	assert_int_equal(CALL(SYS_recvfrom, fd, words, sizeof(words), 0, 0, 0), 20 + sizeof(q));
	assert_int_equal(words[1], 2);
	assert_int_equal((int32_t)words[4], -EOPNOTSUPP);
	q.type = 16;
	assert_int_equal(CALL(SYS_sendto, fd, &q, sizeof(q), 0, 0, 0), sizeof(q));
	assert_int_equal(CALL(SYS_recvfrom, fd, words, 20, 0, 0, 0), 20);
	assert_int_equal((int32_t)words[4], -EPERM);
	/* of sockets, too */
	assert_int_equal(CALL(SYS_close, fd), 0);
	fd = (int)CALL(SYS_socket, AF_NETLINK, SOCK_RAW, 4);
	q.type = 20;
	assert_int_equal(CALL(SYS_sendto, fd, &q, sizeof(q), 0, 0, 0), sizeof(q));
	assert_int_equal(CALL(SYS_recvfrom, fd, words, sizeof(words), 0, 0, 0), 40);
	assert_int_equal(words[4], 0x12345678);
	/* too short, too long, and too many */
	q.len = 8;
	assert_int_equal(CALL(SYS_sendto, fd, &q, sizeof(q), 0, 0, 0), sizeof(q));
	assert_int_equal(CALL(SYS_recvfrom, fd, words, sizeof(words), 0, 0, 0), -ECONNREFUSED);
	assert_int_equal(CALL(SYS_sendto, fd, long_one, sizeof(long_one), 0, 0, 0), -EMSGSIZE);
	msg.msg_iovlen = 1 << 20;
	assert_int_equal(CALL(SYS_sendmsg, fd, &msg, 0), -EFAULT);
	assert_int_equal(CALL(SYS_recvmsg, fd, &msg, 0), -EFAULT);
	close_all();
	assert_int_equal(fake.ocalls, 0);
}

static void test_measured_files_can_be_mapped(void **state)
{
	int fd = open_path("/etc/passwd", O_RDONLY);
	long at = CALL(SYS_mmap, 0, 4096, PROT_READ, MAP_SHARED, fd, 0);

	(void)state;
	assert_true(at > 0);
	assert_memory_equal((void *)at, "root:", 5);
	assert_int_equal(CALL(SYS_munmap, at, 4096), 0);
	at = CALL(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	assert_true(at > 0);
	assert_int_equal(CALL(SYS_munmap, at, 4096), 0);
	assert_int_equal(CALL(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), -EACCES);
	assert_int_equal(CALL(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), -EACCES);
	fd = open_path("/proc/meminfo", O_RDONLY);
	assert_int_equal(CALL(SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, fd, 0), -ENODEV);
	assert_int_equal(CALL(SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, 99, 0), -EBADF);
	close_all();
}

static void test_pipes(void **state)
{
	char text[10000] = "", back[sizeof(text)];
	struct pollfd polls[2];
	int p[2];

	(void)state;
	assert_int_equal(CALL(SYS_pipe2, p, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(p[0], 3);
	assert_int_equal(p[1], 4);
	assert_int_equal(CALL(SYS_fcntl, p[1], F_GETFD), FD_CLOEXEC);
	assert_int_equal(CALL(SYS_read, p[0], back, 1), -EAGAIN);
	assert_int_equal(CALL(SYS_read, p[1], back, 1), -EBADF);
	assert_int_equal(CALL(SYS_write, p[0], text, 1), -EBADF);
	assert_int_equal(CALL(SYS_lseek, p[0], 0, SEEK_SET), -ESPIPE);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)i;
	for (int i = 0; i < 20; i++)
		assert_int_equal(CALL(SYS_write, p[1], text, sizeof(text)), sizeof(text));
	for (int i = 0; i < 20; i++) {
		assert_int_equal(CALL(SYS_read, p[0], back, sizeof(back)), sizeof(back));
		assert_memory_equal(text, back, sizeof(text));
	}
	polls[0] = (struct pollfd){ .fd = p[0], .events = POLLIN };
	polls[1] = (struct pollfd){ .fd = p[1], .events = POLLOUT };
	assert_int_equal(CALL(SYS_poll, polls, 2, 0), 1);
	assert_int_equal(polls[1].revents, POLLOUT);
	assert_int_equal(CALL(SYS_write, p[1], "end", 3), 3);
	assert_int_equal(CALL(SYS_close, p[1]), 0);
	assert_int_equal(CALL(SYS_poll, polls, 1, 0), 1);
	assert_int_equal(polls[0].revents, POLLIN | POLLHUP);
	assert_int_equal(CALL(SYS_read, p[0], back, sizeof(back)), 3);
	assert_int_equal(CALL(SYS_read, p[0], back, sizeof(back)), 0);
	assert_int_equal(CALL(SYS_close, p[0]), 0);
	assert_int_equal(CALL(SYS_pipe, p), 0);
	assert_int_equal(CALL(SYS_close, p[0]), 0);
	assert_int_equal(CALL(SYS_write, p[1], "x", 1), -EPIPE);
	assert_int_equal(CALL(SYS_close, p[1]), 0);
	assert_int_equal(CALL(SYS_pipe2, p, O_APPEND), -EINVAL);
}

#define CHILD(...) CHILD_(__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define CHILD_(n, a, b, c, d, e, f, ...) \
	trusted_child_syscall(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* What runs as another program: the descriptor that was left to it is 7. */
static void other(char *const *argv)
{
	char cwd[100];

	assert_string_equal(argv[0], "other");
	assert_string_equal(argv[1], "-p");
	assert_string_equal(argv[2], "1");
	assert_null(argv[3]);
	assert_int_equal(CHILD(SYS_close, 3), -EBADF);
	assert_true(CHILD(SYS_getpid) > TRUSTED_PID);
	assert_int_equal(CHILD(SYS_getppid), TRUSTED_PID);
	assert_int_equal(CHILD(SYS_brk, 0), 0);
	assert_int_equal(CHILD(SYS_getcwd, cwd, sizeof(cwd)), 5);
	assert_int_equal(CHILD(SYS_chdir, "/"), 0);
	assert_int_equal(CHILD(SYS_kill, CHILD(SYS_getpid), 0), 0);
	assert_int_equal(CHILD(SYS_write, 7, "seen", 4), 4);
	CHILD(SYS_exit_group, 3);
}

static int become_other(void *pipe)
{
	char *argv[] = { "sh", "-c", "other -p\t1", NULL }, *envp[] = { NULL };

	assert_int_equal(trusted_syscall(SYS_dup2, ((int *)pipe)[1], 7, 0, 0, 0, 0), 7);
	return (int)trusted_syscall(SYS_execve, (long)"/bin/sh", (long)argv, (long)envp, 0, 0, 0);
}

static void test_another_program_runs_to_its_end(void **state)
{
	int p[2], status = 0;
	char text[10];
	long pid;

	(void)state;
	fake.program = other;
	assert_int_equal(CALL(SYS_pipe2, p, O_CLOEXEC), 0);
	assert_int_equal(CALL(SYS_chdir, "/etc"), 0);
	pid = trusted_spawn(become_other, p);
	assert_true(pid > TRUSTED_PID);
	assert_int_equal(CALL(SYS_getpid), TRUSTED_PID);
	assert_int_equal(CALL(SYS_getcwd, text, sizeof(text)), 5);
	assert_int_equal(CALL(SYS_lseek, 7, 0, SEEK_SET), -EBADF);
	assert_int_equal(CALL(SYS_close, p[1]), 0);
	assert_int_equal(CALL(SYS_read, p[0], text, sizeof(text)), 4);
	assert_int_equal(CALL(SYS_read, p[0], text, sizeof(text)), 0);
	assert_int_equal(CALL(SYS_wait4, pid + 1, &status, 0, 0), -ECHILD);
	assert_int_equal(CALL(SYS_wait4, -1, &status, 0, 0), pid);
	assert_int_equal(status, 3 << 8);
	assert_int_equal(CALL(SYS_wait4, -1, &status, 0, 0), -ECHILD);
	assert_int_equal(CALL(SYS_close, p[0]), 0);
	assert_int_equal(CALL(SYS_chdir, "/"), 0);
	fake.program = NULL;
}

/* What the child does to the frame isn't the parent's. */
static void test_vfork(void **state)
{
	uint64_t frame[7] = { 1, 2, 3, 4, 5, 6, 7 };
	const uint64_t kept[7] = { 1, 2, 3, 4, 5, 6, 7 };
	int status = 0, p[2];
	char text[4];

	(void)state;
	assert_int_equal(CALL(SYS_pipe2, p, 0), 0);
	for (int i = 0; i < 2000; i++) {
		fake.resumed = NULL;
		assert_int_equal(CALL(SYS_vfork, TRUSTED_VFORK, frame), 0);
		assert_int_equal(CALL(SYS_getppid), TRUSTED_PID);
		memset(frame, 0xee, sizeof(frame));
		assert_int_equal(CALL(SYS_kill, CALL(SYS_getpid), 0), 0);
		if (!setjmp(fake.parent)) {
			assert_int_equal(CALL(SYS_write, p[1], "x", 1), 1);
			assert_int_equal(CALL(SYS_close, p[0]), 0);
			CALL(SYS_exit_group, 9);
		}
		assert_ptr_equal(fake.resumed, frame);
		assert_memory_equal(frame, kept, sizeof(frame));
		assert_true(fake.result > TRUSTED_PID);
		assert_int_equal(CALL(SYS_getpid), TRUSTED_PID);
		assert_int_equal(CALL(SYS_read, p[0], text, sizeof(text)), 1);
		assert_int_equal(CALL(SYS_wait4, fake.result, &status, 0, 0), fake.result);
		assert_int_equal(status, 9 << 8);
	}
	assert_int_equal(CALL(SYS_close, p[0]), 0);
	assert_int_equal(CALL(SYS_close, p[1]), 0);
}

/* A child that says only who it is. */
static int number_of_child(void)
{
	static uint64_t frame[7];
	static int number, status;

	assert_int_equal(CALL(SYS_vfork, TRUSTED_VFORK, frame), 0);
	number = (int)CALL(SYS_getpid);
	if (!setjmp(fake.parent))
		CALL(SYS_exit_group, 0);
	assert_int_equal(fake.result, number);
	assert_int_equal(CALL(SYS_wait4, number, &status, 0, 0), number);
	return number;
}

static void test_vfork_has_the_guests_numbers(void **state)
{
	int got[500];

	(void)state;
	fake.info.vm = "guest";
	((struct config *)(uintptr_t)trusted_settings())->has_device_key = true;
	for (int i = 0; i < 500; i++)
		got[i] = number_of_child();
	/* on from 1050, round at 1100; 300, 301 and 812 are taken */
	assert_int_equal(got[0], 1050);
	assert_int_equal(got[49], 1099);
	assert_int_equal(got[50], 302);
	assert_int_equal(got[499], 751);
	for (int i = 0; i < 60; i++)
		assert_int_not_equal(call_next_number(), 812);
	assert_int_equal(call_next_number(), 813);
	assert_int_equal(call_gettid(), TRUSTED_PID);
	fake.info.vm = "";
	((struct config *)(uintptr_t)trusted_settings())->has_device_key = false;
}

/* `other a`: to the next; `other b`: what it gets in front of it, in another folder; `other c`: counts. */
static void of_a_line(char *const *argv)
{
	char text[100] = "<";
	long n;

	assert_int_equal(CHILD(SYS_getcwd, text + 1, sizeof(text) - 1), 5);
	assert_int_equal(CHILD(SYS_chdir, "/"), 0); /* none of the next one's */
	assert_int_equal(CHILD(SYS_lseek, 3, 0, SEEK_SET), -EBADF);
	text[0] = argv[1][0];
	n = text[0] == 'a' ? 0 : CHILD(SYS_read, 0, text + 1, sizeof(text) - 1);
	assert_true(n >= 0 && CHILD(SYS_write, 2, "!", 1) == 1);
	assert_int_equal(CHILD(SYS_write, 1, text, n + 1), n + 1);
	CHILD(SYS_exit_group, n);
}

static int become_line(void *p)
{
	char *argv[] = { "sh", "-c", ((char **)p)[0], NULL }, *envp[] = { NULL };

	assert_int_equal(trusted_syscall(SYS_dup2, ((int *)p)[3], 1, 0, 0, 0, 0), 1);
	return (int)trusted_syscall(SYS_execve, (long)"/bin/sh", (long)argv, (long)envp, 0, 0, 0);
}

/* Exit status and output of a line. */
static int run_line(const char *text, char *out, size_t size)
{
	struct {
		const char *text;
		int pipe[2];
	} asked = { .text = text };
	int status = -1;
	long pid, n;

	assert_int_equal(CALL(SYS_pipe2, asked.pipe, O_CLOEXEC), 0);
	pid = trusted_spawn(become_line, &asked);
	assert_int_equal(CALL(SYS_wait4, pid, &status, 0, 0), pid);
	assert_int_equal(CALL(SYS_close, asked.pipe[1]), 0);
	n = CALL(SYS_read, asked.pipe[0], out, size - 1);
	assert_true(n >= 0);
	out[n] = '\0';
	assert_int_equal(CALL(SYS_close, asked.pipe[0]), 0);
	return status >> 8;
}

static void test_lines_of_a_shell(void **state)
{
	char out[100];

	(void)state;
	fake.program = of_a_line;
	assert_int_equal(CALL(SYS_chdir, "/etc"), 0);
	assert_int_equal(run_line("other a 2>/dev/null", out, sizeof(out)), 0);
	assert_string_equal(out, "a");
	assert_int_equal(run_line("other a 2>&1", out, sizeof(out)), 0);
	assert_string_equal(out, "!a");
	assert_int_equal(run_line("other a 2>&1 | other b 2>&1 | other c 2>/dev/null", out, sizeof(out)), 4);
	assert_string_equal(out, "c!b!a");
	/* what can't be opened isn't run, the next one is and has nothing to read */
	assert_int_equal(run_line("other a 2>/dev/null </absent | other c 2>/dev/null", out, sizeof(out)), 0);
	assert_string_equal(out, "c");
	assert_int_equal(run_line("other a 2>/dev/null >/etc/new", out, sizeof(out)), 2);
	assert_string_equal(out, "");
	assert_int_equal(run_line("other b </dev/null 2>/dev/null", out, sizeof(out)), 0);
	assert_string_equal(out, "b");
	/* nothing is left open */
	assert_int_equal(CALL(SYS_dup, 0), 3);
	assert_int_equal(CALL(SYS_close, 3), 0);
	assert_int_equal(CALL(SYS_chdir, "/"), 0);
	fake.program = NULL;
}

static void test_bad_pointers_are_faults(void **state)
{
	static char bad[64];
	int fd = open_path("/proc/meminfo", O_RDONLY);

	(void)state;
	fake.ocalls = 0;
	fake.bad = bad;
	fake.bad_size = sizeof(bad);
	assert_int_equal(CALL(SYS_read, fd, bad, 8), -EFAULT);
	assert_int_equal(CALL(SYS_write, 1, bad, 8), -EFAULT);
	assert_int_equal(CALL(SYS_stat, "/proc", bad), -EFAULT);
	assert_int_equal(CALL(SYS_getdents64, open_path("/proc", O_RDONLY), bad, 64), -EFAULT);
	assert_int_equal(CALL(SYS_poll, bad, 1, 0), -EFAULT);
	assert_int_equal(CALL(SYS_uname, bad), -EFAULT);
	assert_int_equal(fake.ocalls, 0);
	fake.bad = NULL;
	close_all();
}

static void test_inside_files_are_always_ready(void **state)
{
	int fd = open_path("/proc/meminfo", O_RDONLY);
	struct pollfd p[3] = { { fd, POLLIN, 0 }, { -1, POLLIN, 0 }, { 99, POLLIN, 0 } };
	uint64_t set[1] = { 1ULL << fd };
	struct trusted_timespec none = { 0, 0 }, wrong = { 0, 1000000000 };

	(void)state;
	assert_int_equal(CALL(SYS_poll, p, 3, -1), 2);
	assert_int_equal(p[0].revents, POLLIN);
	assert_int_equal(p[1].revents, 0);
	assert_int_equal(p[2].revents, POLLNVAL);
	assert_int_equal(CALL(SYS_select, fd + 1, set, NULL, NULL, NULL), 1);
	assert_int_equal(set[0], 1ULL << fd);
	assert_int_equal(CALL(SYS_poll, NULL, 0, 20), 0);
	assert_int_equal(fake.slept_ns, 20000000);
	assert_int_equal(CALL(SYS_ppoll, p, 1, &none, NULL, 8), 1);
	assert_int_equal(CALL(SYS_ppoll, p, 1, &wrong, NULL, 8), -EINVAL);
	set[0] = 1ULL << 60;
	assert_int_equal(CALL(SYS_select, 61, set, NULL, NULL, NULL), -EBADF);
	assert_int_equal(CALL(SYS_poll, p, 5000, 0), -EINVAL);
	close_all();
}

static void test_small_calls(void **state)
{
	uint32_t ids[3] = { 9, 9, 9 };
	int64_t times[4];
	uint64_t fs = 0;

	(void)state;
	assert_int_equal(CALL(SYS_geteuid), 0);
	assert_int_equal(CALL(SYS_getresuid, &ids[0], &ids[1], &ids[2]), 0);
	assert_int_equal(ids[0] | ids[1] | ids[2], 0);
	assert_int_equal(CALL(SYS_setuid, 1000), -EPERM);
	assert_int_equal(CALL(SYS_setreuid, -1, 0), 0);
	assert_int_equal(CALL(SYS_umask, 077), 022);
	assert_int_equal(CALL(SYS_umask, 022), 077);
	assert_int_equal(CALL(SYS_time, NULL), 1000);
	assert_true(CALL(SYS_times, times) >= 0);
	assert_int_equal(CALL(SYS_arch_prctl, 0x1003, &fs), 0);
	assert_int_equal(fs, 0x1234);
	assert_int_equal(CALL(SYS_arch_prctl, 0x3001, 1), -EINVAL);
	assert_int_equal(CALL(SYS_alarm, 5), 4);
	assert_int_equal(CALL(SYS_sched_get_priority_max, 1), 99);
	assert_true(fake.safe_points > 0);
}

/* A read of the guest that makes a call on files, as a handler would: refused, not stuck. */
static int show_and_call(struct memfs_node *n, struct seq_file *m)
{
	unsigned int before = fake.safe_points;

	(void)n;
	(void)m;
	assert_int_equal(open_path("/etc/passwd", O_RDONLY), -EAGAIN);
	assert_int_equal(CALL(SYS_getpid), TRUSTED_PID);
	assert_int_equal(fake.safe_points, before); /* no handler runs under the lock */
	return 0;
}

static void test_calls_from_below_are_refused(void **state)
{
	char c;

	(void)state;
	memfs_file(guest, "nested", "")->show = show_and_call;
	assert_int_equal(CALL(SYS_read, open_path("/proc/nested", O_RDONLY), &c, 1), 0);
	close_all();
}

static int end_in_the_midst(int code, bool locked)
{
	return locked ? 1 : code;
}

static void test_an_exit_by_a_handler_in_the_midst_of_a_call(void **state)
{
	(void)state;
	for (int in_midst = 0; in_midst <= 1; in_midst++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			alarm(60); /* it doesn't wait for the lock that it holds itself */
			fake.end = end_in_the_midst;
			if (in_midst && !layer_lock())
				_exit(2);
			CALL(SYS_exit_group, 7);
			_exit(3);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		/* the guest isn't asked once more whether it is still there: the call has its channel */
		assert_int_equal(WEXITSTATUS(status), in_midst ? 7 : 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments_and_environment_are_the_signers),
		cmocka_unit_test(test_unknown_calls_are_refused),
		cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_another_program_runs_to_its_end),
		cmocka_unit_test(test_vfork),
		cmocka_unit_test(test_vfork_has_the_guests_numbers),
		cmocka_unit_test(test_lines_of_a_shell),
		cmocka_unit_test(test_numbers_are_the_lowest_free_ones),
		cmocka_unit_test(test_a_position_is_shared_by_duplicates),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_nothing_can_be_written_or_made),
		cmocka_unit_test(test_relative_paths),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_path_descriptors),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_without_a_guest),
		cmocka_unit_test(test_processes_are_the_guests),
		cmocka_unit_test(test_devices_are_the_guests),
		cmocka_unit_test(test_the_machine_is_the_guests),
		cmocka_unit_test(test_a_netlink_socket_is_answered_by_nobody),
		cmocka_unit_test(test_a_netlink_socket_is_answered_for_the_guest),
		cmocka_unit_test(test_measured_files_can_be_mapped),
		cmocka_unit_test(test_bad_pointers_are_faults),
		cmocka_unit_test(test_inside_files_are_always_ready),
		cmocka_unit_test(test_small_calls),
		cmocka_unit_test(test_calls_from_below_are_refused),
		cmocka_unit_test(test_an_exit_by_a_handler_in_the_midst_of_a_call),
	};

	return cmocka_run_group_tests_name("files", tests, setup, teardown);
}
