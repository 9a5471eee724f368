// SPDX-License-Identifier: MIT
/* Open files of every kind, mounts, System V objects, locks and swap. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "load.h"

#define ODD "/srv/odd \t\n\\\"#dir\xc3\xa9"

static int open_at(const char *path, int flags)
{
	return load_try(open(path, flags | O_CLOEXEC, 0644), path);
}

static void open_kinds(const char *argument)
{
	struct itimerspec later = { { 3600, 0 }, { 360000, 0 } };
	struct epoll_event event = { .events = EPOLLIN };
	int ends[2], fd, ep, path_fd;
	sigset_t set;
	char name[64];

	(void)argument;
	fd = open_at("/srv/regular", O_RDWR | O_CREAT);
	(void)!write(fd, "0123456789", 10);
	lseek(fd, 4, SEEK_SET);
	open_at("/srv/regular", O_RDONLY | O_APPEND | O_NONBLOCK);
	open_at("/srv/regular", O_WRONLY | O_SYNC | O_NOATIME);
	dup(fd);
	dup2(fd, 200); /* grows the table */
	close(open_at("/srv/deleted", O_RDWR | O_CREAT));
	open_at("/srv/deleted", O_RDWR);
	unlink("/srv/deleted");
	open_at("/srv/was (deleted)", O_RDWR | O_CREAT);
	open_at(ODD "/file\nwith \\ odd\tname", O_RDWR | O_CREAT);
	open_at("/srv", O_TMPFILE | O_RDWR);
	open_at("/srv", O_RDONLY | O_DIRECTORY);
	mkdir("/srv/gone-dir", 0755);
	open_at("/srv/gone-dir", O_RDONLY | O_DIRECTORY);
	rmdir("/srv/gone-dir");
	path_fd = open_at("/etc", O_PATH | O_DIRECTORY);
	(void)path_fd;
	mkfifo("/srv/fifo", 0644);
	open_at("/srv/fifo", O_RDWR);
	load_try(pipe2(ends, O_CLOEXEC), "pipe");
	(void)!write(ends[1], "in the pipe", 11);
	load_try(pipe2(ends, O_CLOEXEC | O_DIRECT), "pipe");
	open_at("/dev/null", O_RDWR);
	open_at("/dev/zero", O_RDONLY);
	open_at("/dev/kmsg", O_RDONLY);
	fd = open_at("/dev/ptmx", O_RDWR | O_NOCTTY);
	open_at("/proc/self/status", O_RDONLY);
	open_at("/proc/self/ns/net", O_RDONLY);
	open_at("/proc/1/ns/mnt", O_RDONLY);
	open_at("/proc", O_RDONLY | O_DIRECTORY);
	open_at("/proc/sys/kernel/hostname", O_RDONLY);
	open_at("/sys/kernel/mm", O_RDONLY | O_DIRECTORY);
	open_at("/sys/fs/cgroup/cgroup.procs", O_RDONLY);
	fd = load_try(eventfd(42, EFD_CLOEXEC | EFD_SEMAPHORE), "eventfd");
	ep = load_try(epoll_create1(EPOLL_CLOEXEC), "epoll");
	event.data.u64 = 0x1122334455667788;
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
	event.events = EPOLLIN | EPOLLOUT | EPOLLET;
	epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], &event);
	fd = load_try(epoll_create1(EPOLL_CLOEXEC), "epoll");
	epoll_ctl(fd, EPOLL_CTL_ADD, ep, &event);
	fd = load_try(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC), "timerfd");
	timerfd_settime(fd, 0, &later, NULL);
	load_try(timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC), "timerfd");
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGRTMIN + 3);
	load_try(signalfd(-1, &set, SFD_CLOEXEC), "signalfd");
	fd = load_try(inotify_init1(IN_CLOEXEC), "inotify");
	inotify_add_watch(fd, "/srv", IN_ALL_EVENTS);
	inotify_add_watch(fd, "/etc/passwd", IN_MODIFY | IN_ONESHOT);
	fd = load_try(fanotify_init(FAN_CLOEXEC, O_RDONLY), "fanotify");
	if (fd >= 0)
		load_try(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "/mnt"), "fanotify mark");
	fd = load_try(memfd_create("memory file\n\\", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd");
	(void)!write(fd, "contents", 8);
	load_try(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), "seal");
	load_try(syscall(SYS_pidfd_open, getpid(), 0), "pidfd");
	load_try(syscall(SYS_pidfd_open, 1, 0), "pidfd");
	load_try(syscall(SYS_userfaultfd, O_CLOEXEC), "userfaultfd");
	load_try(mq_open("/queue", O_RDWR | O_CREAT, 0600, NULL), "mq_open");
	socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socket(AF_UNIX, SOCK_DGRAM, 0);
	socket(AF_INET6, SOCK_DGRAM, 0);
	/* a mount that is no longer part of the tree */
	mkdir("/mnt/detached", 0755);
	if (!mount("detached", "/mnt/detached", "tmpfs", 0, NULL)) {
		open_at("/mnt/detached/file", O_RDWR | O_CREAT);
		umount2("/mnt/detached", MNT_DETACH);
	}
	/* a path longer than the kernel prints */
	load_try(chdir("/srv"), "chdir");
	for (int i = 0; i < 20; i++) {
		char part[250];

		memset(part, 'a' + i, sizeof(part) - 1);
		part[sizeof(part) - 1] = '\0';
		mkdir(part, 0755);
		if (chdir(part))
			break;
	}
	open_at("too-long-to-print", O_RDWR | O_CREAT);
	load_try(chdir("/srv"), "chdir");
	fd = open_at("/dev/pts/ptmx", O_RDWR | O_NOCTTY);
	(void)fd;
	snprintf(name, sizeof(name), "/proc/self/task/%d/comm", getpid());
	open_at(name, O_RDWR);
}

static void many_files(const char *argument)
{
	struct rlimit limit = { 5000, 6000 };
	int fd = open_at("/etc/services", O_RDONLY);

	(void)argument;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < 300; i++)
		dup(fd);
	dup2(fd, 4999);
	/* holes in the table */
	for (int i = 10; i < 300; i += 7)
		close(i);
}

static void in_chroot(const char *argument)
{
	int outside = open_at("/etc/hostname", O_RDONLY);
	int above = open_at("/", O_RDONLY | O_DIRECTORY);

	(void)argument;
	(void)outside;
	(void)above;
	mkdir("/srv/jail", 0755);
	mkdir("/srv/jail/inner", 0755);
	load_try(chroot("/srv/jail"), "chroot");
	load_try(chdir("/inner"), "chdir");
	open_at("/file-in-jail", O_RDWR | O_CREAT);
}

/* The working folder is outside the root. */
static void outside_chroot(const char *argument)
{
	(void)argument;
	load_try(chdir("/etc"), "chdir");
	mkdir("/srv/jail", 0755);
	load_try(chroot("/srv/jail"), "chroot");
}

static void in_directory(const char *argument)
{
	mkdir(argument, 0755);
	load_try(chdir(argument), argument);
	if (strstr(argument, "removed"))
		rmdir(argument);
}

/* System V and POSIX objects */

static void ipc(const char *argument)
{
	struct { long type; char text[100]; } message = { 5, "queued" };
	struct sembuf two[2] = { { 0, 3, 0 }, { 1, 1, SEM_UNDO } };
	struct sembuf blocked = { 2, -1, 0 };
	int id;
	void *at;

	(void)argument;
	id = load_try(shmget(0x5c317001, 3 << 20, IPC_CREAT | 0640), "shmget");
	at = shmat(id, NULL, 0);
	if (at != (void *)-1)
		memset(at, 5, 1 << 20);
	shmat(id, NULL, SHM_RDONLY);
	id = load_try(shmget(IPC_PRIVATE, 8192, IPC_CREAT | 0600), "shmget");
	shmat(id, NULL, 0);
	shmctl(id, IPC_RMID, NULL); /* lives while attached */
	load_try(shmget(0x7fffffff, 100, IPC_CREAT | 0666), "shmget");
	id = load_try(msgget(0x5c317002, IPC_CREAT | 0622), "msgget");
	msgsnd(id, &message, 10, 0);
	msgsnd(id, &message, sizeof(message.text), 0);
	load_try(msgget(IPC_PRIVATE, IPC_CREAT | 0600), "msgget");
	id = load_try(semget(0x5c317003, 4, IPC_CREAT | 0600), "semget");
	semop(id, two, 2);
	load_ready();
	for (;;)
		semop(id, &blocked, 1);
}

static void lock_range(int fd, int command, short type, off_t start, off_t length)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };

	load_try(fcntl(fd, command, &lock), "lock");
}

static void waits_for_lock(const char *argument)
{
	int fd = open_at("/srv/locked", O_RDWR | O_CREAT);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10 };

	load_ready();
	for (;;) {
		if (!strcmp(argument, "flock"))
			flock(fd, LOCK_EX);
		else
			fcntl(fd, F_SETLKW, &lock);
		pause();
	}
}

static void locks(const char *argument)
{
	int fd = open_at("/srv/locked", O_RDWR | O_CREAT), other;

	(void)argument;
	lock_range(fd, F_SETLK, F_WRLCK, 0, 100);
	lock_range(fd, F_SETLK, F_RDLCK, 1000, 0);
	other = open_at("/srv/locked-ofd", O_RDWR | O_CREAT);
	lock_range(other, F_OFD_SETLK, F_WRLCK, 5, 5);
	load_try(flock(fd, LOCK_EX), "flock");
	other = open_at("/srv/leased-read", O_RDONLY | O_CREAT);
	load_try(fcntl(other, F_SETLEASE, F_RDLCK), "read lease");
	other = open_at("/srv/leased-write", O_RDWR | O_CREAT);
	load_try(fcntl(other, F_SETLEASE, F_WRLCK), "write lease");
}

const struct load_role load_file_roles[] = {
	{ "open", open_kinds },
	{ "many-files", many_files },
	{ "chroot", in_chroot },
	{ "outside-chroot", outside_chroot },
	{ "directory", in_directory },
	{ "ipc", ipc },
	{ "locks", locks },
	{ "waits-for-lock", waits_for_lock },
	{ NULL, NULL },
};

static void mount_try(const char *source, const char *target, const char *type, unsigned long flags,
		      const char *options)
{
	mkdir(target, 0755);
	if (mount(source, target, type, flags, options))
		load_note("mount %s on %s: %s", source, target, strerror(errno));
}

static void mounts(void)
{
	mkdir("/srv", 0755);
	mkdir("/mnt", 0755);
	mount_try("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	mount_try("odd source\t#\\\n", ODD, "tmpfs", MS_NOSUID | MS_NOEXEC, "size=1m,mode=0700");
	mount_try("tmpfs", "/mnt/read only", "tmpfs", MS_RDONLY | MS_NODEV | MS_NOATIME, "nr_inodes=100");
	mount_try("/etc", "/mnt/bind", NULL, MS_BIND, NULL);
	mount_try("none", "/mnt/bind", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
	mount_try("shared", "/mnt/shared", "tmpfs", 0, NULL);
	mount_try("none", "/mnt/shared", NULL, MS_SHARED, NULL);
	mount_try("/mnt/shared", "/mnt/slave", NULL, MS_BIND, NULL);
	mount_try("none", "/mnt/slave", NULL, MS_SLAVE, NULL);
	mount_try("unbindable", "/mnt/unbindable", "tmpfs", MS_STRICTATIME, NULL);
	mount_try("none", "/mnt/unbindable", NULL, MS_UNBINDABLE, NULL);
	close(open("/mnt/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	if (mount("/etc/hostname", "/mnt/file", NULL, MS_BIND, NULL))
		load_note("bind a file: %s", strerror(errno));
	mount_try("proc", "/mnt/proc", "proc", 0, "hidepid=2,gid=33");
	/* stacked: the same place twice */
	mount_try("below", "/mnt/twice", "tmpfs", 0, NULL);
	mount_try("above", "/mnt/twice", "tmpfs", 0, NULL);
	mkdir("/srv/lower", 0755);
	mkdir("/srv/upper", 0755);
	mkdir("/srv/work", 0755);
	close(open("/srv/lower/from-below", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	mount_try("overlay", "/mnt/overlay", "overlay", 0,
		  "lowerdir=/srv/lower,upperdir=/srv/upper,workdir=/srv/work");
	load_shell("truncate -s 24M /srv/disk.img && mke2fs -q -F -t ext4 -E lazy_itable_init=0 "
		   "/srv/disk.img && mkdir -p /mnt/disk && mount -o loop /srv/disk.img /mnt/disk "
		   ">/dev/null 2>>/run/scwatcher-load.notes");
	load_shell("cp /etc/services /mnt/disk/ && cat /mnt/disk/services >/dev/null && sync");
}

/* Swap on compressed memory where the kernel has it, else on a file of the ext4 image. */
static void swap(void)
{
	load_shell("if [ -e /sys/block/zram0/disksize ]; then echo 16M >/sys/block/zram0/disksize && "
		   "mkswap /dev/zram0 >/dev/null && swapon -p 7 /dev/zram0; fi");
	load_shell("if mountpoint -q /mnt/disk; then dd if=/dev/zero of='/mnt/disk/swap file' bs=1M "
		   "count=8 status=none && chmod 600 '/mnt/disk/swap file' && mkswap "
		   "'/mnt/disk/swap file' >/dev/null && swapon '/mnt/disk/swap file'; fi");
}

void load_files(void)
{
	load_keep("open", "", "open-files");
	load_keep("many-files", "", "many-files");
	load_keep("chroot", "", "in-chroot");
	load_keep("outside-chroot", "", "outside-chroot");
	load_keep("directory", "/srv/removed-directory", "cwd-removed");
	load_keep("directory", ODD, "cwd-odd");
	load_keep("directory", "/mnt/overlay", "cwd-overlay");
	load_keep("directory", "/mnt/disk", "cwd-disk");
	load_keep("ipc", "", "sysv-ipc");
	load_keep("locks", "", "locks");
	load_keep("waits-for-lock", "posix", "waits-posix");
	load_keep("waits-for-lock", "flock", "waits-flock");
}

void load_mounts(void)
{
	mounts();
	swap();
}
