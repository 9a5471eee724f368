// SPDX-License-Identifier: MIT
/* Processes in namespaces of their own, as a container runtime makes them, and one container in another. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define ISOLATED (CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP)

#define STACK_SIZE (64 << 10)

struct container {
	const char *name;
	int flags;
	int depth; /* how many containers inside */
	int go[2]; /* a byte once the maps of users are written */
	int up[2]; /* a byte once it is set up */
};

static void loopback_up(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_name = "lo" };

	ioctl(fd, SIOCGIFFLAGS, &ifr);
	ifr.ifr_flags |= IFF_UP;
	load_try(ioctl(fd, SIOCSIFFLAGS, &ifr), "lo up in a container");
	close(fd);
}

static void own_sockets(const char *name)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(8080) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(8081) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	load_try(bind(listening, (struct sockaddr *)&a, sizeof(a)), "bind in a container");
	load_try(listen(listening, 9), "listen in a container");
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	load_try(connect(fd, (struct sockaddr *)&a, sizeof(a)), "connect in a container");
	load_try(accept4(listening, NULL, NULL, SOCK_CLOEXEC), "accept in a container");
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	load_try(bind(fd, (struct sockaddr *)&a6, sizeof(a6)), "bind in a container");
	load_try(listen(fd, 9), "listen in a container");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	load_try(bind(fd, (struct sockaddr *)&a, sizeof(a)), "bind in a container");
	snprintf(un.sun_path, sizeof(un.sun_path), "/run/%s.sock", name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	load_try(bind(fd, (struct sockaddr *)&un, sizeof(un)), "bind in a container");
	load_try(listen(fd, 1), "listen in a container");
	memcpy(un.sun_path, "\0shared-name", 12);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	load_try(bind(fd, (struct sockaddr *)&un, sizeof(sa_family_t) + 12), "bind in a container");
}

/* A root of its own: tmpfs with the host's programs bound in, its own /proc, and no way back. */
static void own_root(const char *name)
{
	static const char *const folders[] = { "old", "proc", "usr", "etc", "run", "tmp", "dev" };
	char root[128], path[256];

	load_try(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
	snprintf(root, sizeof(root), "/srv/%s root", name);
	mkdir(root, 0755);
	load_try(mount(name, root, "tmpfs", 0, "mode=0755"), "root of a container");
	for (size_t i = 0; i < LOAD_COUNT(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
		mkdir(path, 0755);
	}
	snprintf(path, sizeof(path), "%s/usr", root);
	load_try(mount("/usr", path, NULL, MS_BIND | MS_REC, NULL), "bind /usr");
	snprintf(path, sizeof(path), "%s/lib64", root);
	load_try(symlink("usr/lib64", path), "symlink");
	snprintf(path, sizeof(path), "%s/proc", root);
	load_try(mount("proc", path, "proc", MS_NOSUID, NULL), "proc of a container");
	snprintf(path, sizeof(path), "%s/old", root);
	load_try(syscall(SYS_pivot_root, root, path), "pivot_root");
	load_try(chdir("/"), "chdir");
	load_try(umount2("/old", MNT_DETACH), "umount of the old root");
	rmdir("/old");
	mkdir("/srv", 0755);
}

static void worker(void *arg)
{
	const struct container *c = arg;
	char comm[16];

	snprintf(comm, sizeof(comm), "%s-worker", c->name);
	prctl(PR_SET_NAME, comm);
	load_try(setresgid(33, 33, 33), "setgid in a container");
	load_try(setresuid(33, 33, 33), "setuid in a container");
}

static void start_container(const char *name, int flags, int depth);

static int container_main(void *arg)
{
	struct container *c = arg;
	char byte, comm[16];
	siginfo_t info;
	pid_t pid;
	void *at;

	load_detach();
	(void)!read(c->go[0], &byte, 1);
	close(c->go[0]);
	close(c->go[1]);
	close(c->up[0]);
	snprintf(comm, sizeof(comm), "%s-init", c->name);
	prctl(PR_SET_NAME, comm);
	setsid();
	if (c->flags & CLONE_NEWUSER) {
		load_try(setresgid(0, 0, 0), "setgid in a container");
		load_try(setresuid(0, 0, 0), "setuid in a container");
	}
	load_try(sethostname(c->name, strlen(c->name)), "sethostname");
	load_try(setdomainname("example", 7), "setdomainname");
	own_root(c->name);
	loopback_up();
	own_sockets(c->name);
	at = shmat(shmget(0x77, 4096, IPC_CREAT | 0600), NULL, 0);
	if (at == (void *)-1)
		load_note("shared memory in a container: %s", strerror(errno));
	load_child(worker, c);
	load_child(worker, c);
	pid = load_fork();
	if (!pid)
		_exit(1);
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT); /* a zombie in the container */
	if (c->depth > 0) {
		char inner[32];

		snprintf(inner, sizeof(inner), "%si", c->name);
		start_container(inner, ISOLATED, c->depth - 1);
	}
	(void)!write(c->up[1], "u", 1);
	close(c->up[1]);
	load_hold();
}

static void start_container(const char *name, int flags, int depth)
{
	/* a new one each time: an inner container's parent itself runs on such a stack */
	char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct container c = { .name = name, .flags = flags, .depth = depth };
	char path[64], byte;
	pid_t pid;

	if (stack == MAP_FAILED || pipe2(c.go, O_CLOEXEC) || pipe2(c.up, O_CLOEXEC))
		return;
	/* not CLONE_VM: the child works on copies of all this */
	pid = clone(container_main, stack + STACK_SIZE, flags | SIGCHLD, &c);
	if (load_try(pid, "clone of a container") < 0)
		return;
	close(c.up[1]);
	if (flags & CLONE_NEWUSER) {
		snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
		load_write(path, "0 100000 1000\n1000 500000 60000\n");
		snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
		load_write(path, "0 100000 65536\n");
	}
	(void)!write(c.go[1], "g", 1);
	close(c.go[0]);
	close(c.go[1]);
	if (read(c.up[0], &byte, 1) != 1)
		load_note("container %s did not get up", name);
	close(c.up[0]);
}

static void container(const char *argument)
{
	char path[128];

	mkdir("/sys/fs/cgroup/containers", 0755);
	snprintf(path, sizeof(path), "/sys/fs/cgroup/containers/%s", argument);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "/sys/fs/cgroup/containers/%s/cgroup.procs", argument);
	load_write(path, "%d", getpid());
	if (!strcmp(argument, "rootless"))
		start_container(argument, ISOLATED | CLONE_NEWUSER, 1);
	else
		start_container(argument, ISOLATED, 0);
}

const struct load_role load_container_roles[] = {
	{ "container", container },
	{ NULL, NULL },
};

void load_container(void)
{
	load_keep("container", "box", "container-shim");
	load_keep("container", "rootless", "container-shim");
}
