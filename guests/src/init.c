// SPDX-License-Identifier: MIT
/*
 * PID 1 of a test guest: loads the modules that the host chose, moves from the initramfs to a tmpfs
 * root as a booted machine has one, mounts the usual file systems, starts the agents and reaps.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULE_LIST "/etc/scwatcher/modules"
#define AGENT "/usr/lib/scwatcher/agent"
#define NEW_ROOT "/newroot"

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list args;

	fputs("scw-init: ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static void mount_at(const char *type, const char *path, unsigned long flags, const char *data)
{
	mkdir(path, 0755);
	if (mount(type, path, type, flags, data))
		say("cannot mount %s on %s: %s", type, path, strerror(errno));
}

/* The value of `name=` on the kernel's command line, or NULL; the result lives in a static buffer. */
static const char *option(const char *name)
{
	static char line[4096];
	size_t length = strlen(name);
	FILE *f = fopen("/proc/cmdline", "r");
	char *save = NULL;

	if (!f || !fgets(line, sizeof(line), f))
		line[0] = '\0';
	if (f)
		fclose(f);
	for (char *word = strtok_r(line, " \n", &save); word; word = strtok_r(NULL, " \n", &save))
		if (!strncmp(word, name, length) && word[length] == '=')
			return word + length + 1;
	return NULL;
}

/* The list is in dependency order. A module that is built in or refuses is no reason to stop. */
static void load_modules(void)
{
	char path[512];
	FILE *f = fopen(MODULE_LIST, "r");

	if (!f)
		return;
	while (fgets(path, sizeof(path), f)) {
		int fd;

		path[strcspn(path, "\n")] = '\0';
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
			say("module %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	fclose(f);
}

static void copy_file(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	int from = openat(from_dir, name, O_RDONLY | O_CLOEXEC);
	int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, st->st_mode & 07777);
	off_t left = st->st_size;

	if (from < 0 || to < 0) {
		say("cannot copy %s: %s", name, strerror(errno));
	} else {
		while (left > 0) {
			ssize_t n = copy_file_range(from, NULL, to, NULL, left, 0);

			if (n <= 0) {
				char buf[65536];

				n = read(from, buf, sizeof(buf));
				if (n <= 0 || write(to, buf, n) != n)
					break;
			}
			left -= n;
		}
		if (left > 0)
			say("cannot copy %s: %s", name, strerror(errno));
		fchmod(to, st->st_mode & 07777);
	}
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
}

/* Moves the tree under from_dir to to_dir, staying on its device. Takes ownership of both. */
static void move_tree(int from_dir, int to_dir, dev_t device)
{
	DIR *dir = fdopendir(from_dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;
		struct stat st;
		char link[4096];

		if (!strcmp(name, ".") || !strcmp(name, "..") ||
		    fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (st.st_dev != device) /* a mount: moved later */
			continue;
		if (S_ISDIR(st.st_mode)) {
			mkdirat(to_dir, name, st.st_mode & 07777);
			fchmodat(to_dir, name, st.st_mode & 07777, 0);
			move_tree(openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
				  openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), device);
			unlinkat(from_dir, name, AT_REMOVEDIR);
			continue;
		}
		if (S_ISLNK(st.st_mode)) {
			ssize_t n = readlinkat(from_dir, name, link, sizeof(link) - 1);

			if (n >= 0) {
				link[n] = '\0';
				symlinkat(link, to_dir, name);
			}
		} else if (S_ISREG(st.st_mode)) {
			copy_file(from_dir, to_dir, name, &st);
		} else {
			mknodat(to_dir, name, st.st_mode, st.st_rdev);
		}
		unlinkat(from_dir, name, 0);
	}
	if (dir)
		closedir(dir);
	close(to_dir);
}

/*
 * The initramfs can't be left by pivot_root and shows as "rootfs"; a booted machine has an ordinary
 * mount as its root.
 */
static void enter_new_root(void)
{
	static const char *const mounts[] = { "/dev", "/proc", "/sys" };
	struct stat st;

	mkdir(NEW_ROOT, 0755);
	if (stat("/", &st) || mount("tmpfs", NEW_ROOT, "tmpfs", 0, "mode=0755,size=90%")) {
		say("cannot mount the new root: %s", strerror(errno));
		return;
	}
	move_tree(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		  open(NEW_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC), st.st_dev);
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		char path[64];

		snprintf(path, sizeof(path), NEW_ROOT "%s", mounts[i]);
		mkdir(path, 0755);
		if (mount(mounts[i], path, NULL, MS_MOVE, NULL))
			say("cannot move %s: %s", mounts[i], strerror(errno));
	}
	if (chdir(NEW_ROOT) || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		say("cannot enter the new root: %s", strerror(errno));
}

static void loopback_up(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_name = "lo" };

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr))
		return;
	ifr.ifr_flags |= IFF_UP;
	ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		say("cannot write %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void spawn_agent(const char *device)
{
	pid_t pid = fork();

	if (pid)
		return;
	setsid();
	execl(AGENT, "scw-agent", device, (char *)NULL);
	say("cannot run %s: %s", AGENT, strerror(errno));
	_exit(127);
}

/* Ports are found by their names, so that other devices may come and go. */
static int spawn_port_agents(void)
{
	DIR *dir = opendir("/sys/class/virtio-ports");
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir))) {
		char path[512], name[64] = "";
		FILE *f;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry->d_name);
		f = fopen(path, "r");
		if (f && fgets(name, sizeof(name), f) && !strncmp(name, "scw.agent", 9)) {
			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			spawn_agent(path);
			count++;
		}
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	return count;
}

static void spawn_agents(void)
{
	const char *want = option("scw.agent");

	if (want && strcmp(want, "virtio")) {
		char path[64];

		snprintf(path, sizeof(path), "/dev/%s", want);
		spawn_agent(path);
		return;
	}
	/* the ports are announced in messages that may still be under way */
	for (int i = 0; i < 500; i++) {
		if (spawn_port_agents())
			return;
		usleep(20 * 1000);
	}
	say("no agent port found");
}

static void on_signal(int number)
{
	(void)number;
}

int main(void)
{
	struct rlimit files = { 1 << 20, 1 << 20 };
	struct rlimit processes = { RLIM_INFINITY, RLIM_INFINITY };
	struct sigaction action = { .sa_handler = on_signal };
	int fd;

	mount_at("devtmpfs", "/dev", 0, NULL);
	/* without a console node in the archive the kernel starts us with no open files */
	fd = open("/dev/console", O_RDWR);
	if (fd >= 0) {
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		if (fd > 2)
			close(fd);
	}
	mount_at("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_at("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (option("scw.probe")) {
		puts("scw-init: probe ok");
		fflush(stdout);
		reboot(RB_POWER_OFF);
		for (;;)
			pause();
	}
	load_modules();
	enter_new_root();

	mount_at("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=0620,gid=5,ptmxmode=0666");
	mount_at("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
	mount_at("mqueue", "/dev/mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_at("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755");
	mount_at("tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777");
	mount_at("cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mkdir("/run/lock", 01777);
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
	sethostname("guest", 5);
	loopback_up();
	write_file("/proc/sys/kernel/printk", "4 4 1 7");
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_NPROC, &processes);
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("TERM", "linux", 1);
	setenv("LC_ALL", "C.UTF-8", 1);

	spawn_agents();
	sigaction(SIGTERM, &action, NULL);
	for (;;) {
		if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
			pause();
	}
}
