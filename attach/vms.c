// SPDX-License-Identifier: MIT
/*
 * Finds VMMs in /proc. Whether a process holds a Linux guest is for the sources to say; this part
 * only tells which processes are worth asking, and what their VMs are called.
 */
#include "attach/vms.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/checked.h"
#include "names.h"
#include "sources/maps.h"

enum {
	CMDLINE_MAX = 64 << 10,
	NEW_MAX = 512, /* PIDs to look at one by one rather than to list all */
	NEW_MANY = 64, /* to remember that they were looked at */
};

/* How known VMMs are called; the kernel cuts comm at 15 bytes. */
static const char *const vmms[] = {
	"qemu-system", "qemu-kvm",   "kvm",	     "firecracker", "cloud-hyperviso", "crosvm",
	"lkvm",	       "vmware-vmx", "VBoxHeadless", "VirtualBoxVM", "dragonball",
};

static ssize_t read_file(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

bool vms_start_time(pid_t pid, uint64_t *ret)
{
	char buf[1024];
	char *p;

	if (read_file(pid, "stat", buf, sizeof(buf)) <= 0)
		return false;
	/* the second field is a name that may hold anything */
	p = strrchr(buf, ')');
	if (!p || p[1] == '\0' || p[2] == 'Z')
		return false;
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return false;
	*ret = strtoull(p + 1, NULL, 10);
	return true;
}

/* QEMU's option values: "guest=NAME,more=..." or "NAME,more=..."; a comma in it is doubled. */
static void take_qemu_name(const char *value, char name[VMS_NAME_SIZE])
{
	size_t n = 0;

	if (strncmp(value, "guest=", 6) == 0)
		value += 6;
	for (; *value && n < VMS_NAME_SIZE - 1; value++) {
		if (*value == ',' && *++value != ',')
			break;
		name[n++] = *value;
	}
	name[n] = '\0';
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool vms_name_of(const char *cmdline, size_t size, char name[VMS_NAME_SIZE])
{
	static const char *const options[] = {"-name", "--name", "--id"};
	const char *end = cmdline + size;

	for (const char *arg = cmdline; arg < end; arg += strnlen(arg, (size_t)(end - arg)) + 1) {
		const char *value = arg + strnlen(arg, (size_t)(end - arg)) + 1;

		for (size_t i = 0; i < BASE_COUNT(options); i++) {
			size_t n = strlen(options[i]);

			if (strcmp(arg, options[i]) == 0 && value < end && *value) {
				take_qemu_name(value, name);
				return name[0] != '\0';
			}
			if (n > 5 && starts_with(arg, options[i]) && arg[n] == '=' && arg[n + 1]) {
				snprintf(name, VMS_NAME_SIZE, "%s", arg + n + 1);
				return true;
			}
		}
	}
	return false;
}

static bool is_known_vmm(const char *comm)
{
	for (size_t i = 0; i < BASE_COUNT(vmms); i++)
		if (strcmp(comm, vmms[i]) == 0 ||
		    (strlen(vmms[i]) > 4 && starts_with(comm, vmms[i])))
			return true;
	return false;
}

static bool has_kvm_open(pid_t pid)
{
	char path[320], target[64];
	bool found = false;
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (d = readdir(dir))) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, d->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		found = strcmp(target, "anon_inode:kvm-vm") == 0;
	}
	closedir(dir);
	return found;
}

/* Does a process map anything for which `is` holds? */
static bool maps_any(pid_t pid, bool (*is)(const struct maps_entry *m, const void *of), const void *of)
{
	char path[64], *line = NULL;
	struct maps_entry m;
	bool found = false;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && getline(&line, &room, f) > 0)
		found = maps_parse_line(line, &m) && is(&m, of);
	free(line);
	fclose(f);
	return found;
}

static bool is_large_ram(const struct maps_entry *m, const void *of)
{
	(void)of;
	return maps_may_be_ram(m) && m->end - m->start >= 64 << 20;
}

/* The PIDs of all processes, ascending (the order in which the kernel lists them). */
static enum err list_pids(pid_t **ret, size_t *count_ret, struct err_ctx *err)
{
	size_t count = 0, room = 0;
	pid_t *pids = NULL;
	struct dirent *d;
	DIR *dir = opendir("/proc");

	if (!dir)
		return err_set_errno(err, ERR_IO, errno, "can't list processes in /proc");
	while ((d = readdir(dir))) {
		if (!isdigit((unsigned char)d->d_name[0]))
			continue;
		if (count == room) {
			pid_t *more;

			room = room ? room * 2 : 256;
			more = reallocarray(pids, room, sizeof(*pids));
			if (!more) {
				free(pids);
				closedir(dir);
				return err_set(err, ERR_NOMEM, "out of memory");
			}
			pids = more;
		}
		pids[count++] = (pid_t)atoi(d->d_name);
	}
	closedir(dir);
	*ret = pids;
	*count_ret = count;
	return ERR_OK;
}

/* Fill an entry if `pid`, whose command line (`size` bytes) is this, is a VMM. */
static bool look_at(pid_t pid, bool all, const char *cmdline, size_t size, struct vms_entry *ret)
{
	struct vms_entry v = {.pid = pid};

	if (read_file(pid, "comm", v.comm, sizeof(v.comm)) <= 0)
		return false;
	v.comm[strcspn(v.comm, "\n")] = '\0';
	v.known = is_known_vmm(v.comm);
	if (!v.known) {
		/* a VMM may call its threads, and so itself, anything */
		const char *base = strrchr(cmdline, '/');

		v.known = is_known_vmm(base ? base + 1 : cmdline) || has_kvm_open(pid);
	}
	if (!v.known && !(all && pid != getpid() && maps_any(pid, is_large_ram, NULL)))
		return false;
	if (!vms_start_time(pid, &v.start))
		return false;
	vms_name_of(cmdline, size, v.name);
	*ret = v;
	return true;
}

enum err vms_list(bool all, struct vms_entry **ret, size_t *count_ret, struct err_ctx *err)
{
	struct vms_entry *found = NULL;
	char *cmdline = malloc(CMDLINE_MAX);
	size_t count = 0, pid_count = 0;
	pid_t *pids = NULL;
	enum err e;

	e = cmdline ? list_pids(&pids, &pid_count, err) : err_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; !e && i < pid_count; i++) {
		/* a kernel thread has no command line */
		ssize_t n = read_file(pids[i], "cmdline", cmdline, CMDLINE_MAX);
		struct vms_entry v, *more;

		if (n <= 0 || !look_at(pids[i], all, cmdline, (size_t)n, &v))
			continue;
		more = reallocarray(found, count + 1, sizeof(*found));
		if (!more) {
			e = err_set(err, ERR_NOMEM, "out of memory");
			break;
		}
		found = more;
		found[count++] = v;
	}
	free(pids);
	free(cmdline);
	if (e) {
		free(found);
		return e;
	}
	*ret = found;
	*count_ret = count;
	return ERR_OK;
}

/* Processes of one name. */
struct hits {
	struct vms_entry first;
	size_t count;
	char text[96]; /* their PIDs */
};

/*
 * One read a process tells most of them apart: a name that nobody's command line has needs no look
 * at what the process is.
 */
static void look_for(const char *name, pid_t pid, char *cmdline, struct hits *h)
{
	ssize_t n = read_file(pid, "cmdline", cmdline, CMDLINE_MAX);
	size_t used = strlen(h->text);
	char found[VMS_NAME_SIZE];
	struct vms_entry v;

	if (n <= 0 || !vms_name_of(cmdline, (size_t)n, found) || strcmp(found, name) != 0 ||
	    !look_at(pid, false, cmdline, (size_t)n, &v))
		return;
	if (h->count++ == 0)
		h->first = v;
	snprintf(h->text + used, sizeof(h->text) - used, " %d", (int)v.pid);
}

/* Threads have a command line in /proc, too, but aren't listed: is it one of theirs? */
static bool is_thread(pid_t pid)
{
	char text[1024];
	const char *tgid;

	if (read_file(pid, "status", text, sizeof(text)) <= 0)
		return true; /* gone */
	tgid = strstr(text, "\nTgid:");
	return tgid && atoi(tgid + strlen("\nTgid:")) != (int)pid;
}

/*
 * Is the answer that is remembered right, and the only one? What can't be noticed: a process that
 * was there when all were looked at, and became a VMM of this very name within the minute.
 */
static bool recall(const char *name, char *cmdline, struct vms_entry *ret)
{
	struct hits h = {0};
	struct names_memory m;
	pid_t newest;

	if (!names_load(name, &m) || !names_newest(&newest) || newest < m.newest ||
	    newest - m.newest > NEW_MAX)
		return false;
	look_for(name, m.pid, cmdline, &h);
	if (h.count != 1 || h.first.start != m.start)
		return false;
	for (pid_t pid = m.newest + 1; pid <= newest; pid++) {
		struct hits more = {0};

		/* most have ended: this is quicker told than by a file that isn't there */
		if (kill(pid, 0) < 0 && errno == ESRCH)
			continue;
		look_for(name, pid, cmdline, &more);
		if (more.count && !is_thread(pid))
			return false;
	}
	if (newest - m.newest > NEW_MANY) {
		m.newest = newest;
		names_save(name, &m);
	}
	*ret = h.first;
	return true;
}

static enum err find_among_all(const char *name, char *cmdline, struct vms_entry *ret,
			       struct err_ctx *err)
{
	struct hits h = {0};
	size_t count = 0;
	pid_t *pids;
	enum err e = list_pids(&pids, &count, err);

	if (e)
		return e;
	for (size_t i = 0; i < count; i++)
		look_for(name, pids[i], cmdline, &h);
	free(pids);
	if (h.count == 0)
		return err_set(err, ERR_ABSENT,
			       "no VM is called %.100s; `scwatcher list` shows those that run", name);
	*ret = h.first;
	if (h.count > 1)
		return err_set(err, ERR_AMBIGUOUS, "%zu VMs are called %.60s: name one by its PID:%s",
			       h.count, name, h.text);
	return ERR_OK;
}

enum err vms_find(const char *name, bool remember, struct vms_entry *ret, struct err_ctx *err)
{
	char *cmdline = malloc(CMDLINE_MAX);
	struct names_memory m = {0};
	enum err e = ERR_OK;

	if (!cmdline)
		return err_set(err, ERR_NOMEM, "out of memory");
	if (!remember || !recall(name, cmdline, ret)) {
		/* before the list is made: what comes after it is new next time */
		remember = remember && names_newest(&m.newest);
		e = find_among_all(name, cmdline, ret, err);
		if (!e && remember) {
			m.pid = ret->pid;
			m.start = ret->start;
			names_save(name, &m);
		}
	}
	free(cmdline);
	return e;
}

static bool is_file(const struct maps_entry *m, const void *of)
{
	const struct stat *st = of;

	return m->inode == st->st_ino && m->write && makedev(m->major, m->minor) == st->st_dev;
}

enum err vms_find_mapper(dev_t dev, ino_t ino, struct vms_entry *ret)
{
	const struct stat file = {.st_dev = dev, .st_ino = ino};
	size_t count = 0;
	pid_t *pids = NULL;
	bool found = false;

	if (list_pids(&pids, &count, NULL))
		return ERR_ABSENT;
	/* maps are long to read: first those of known VMMs, then the rest */
	for (int rest = 0; rest < 2 && !found; rest++) {
		for (size_t i = 0; i < count && !found; i++) {
			struct vms_entry v = {.pid = pids[i]};

			if (read_file(v.pid, "comm", v.comm, sizeof(v.comm)) <= 0 ||
			    is_known_vmm(v.comm) == (rest == 1))
				continue;
			found = maps_any(v.pid, is_file, &file) && vms_start_time(v.pid, &v.start);
			if (found)
				*ret = v;
		}
	}
	free(pids);
	return found ? ERR_OK : ERR_ABSENT;
}
