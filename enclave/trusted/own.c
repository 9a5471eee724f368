// SPDX-License-Identifier: MIT
/*
 * The program's own files, which nobody outside has a hand in: the measured ones of the configuration,
 * a few devices, and /proc/self with the little that is true of a program in an enclave. A vfs tree like
 * the guest's, so that calls on files needn't tell them apart.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "layer.h"
#include "trusted/files.h"
#include "trusted/runtime.h"
#include "vfs/seq_file.h"

enum {
	OWN_DEV = 1, /* st_dev */
	INO_FOLDERS = 1000,
	INO_SELF = 100000,
};

/* What is there without a configuration. Folders are there by what is in them, or by a row. */
static const struct fixed {
	const char *path;
	enum { FIXED_FOLDER, FIXED_PROC, FIXED_LINK, FIXED_DEVICE } kind;
	enum own_device device;
	unsigned int major, minor;
	const char *text;
} fixed[] = {
	{ "proc", FIXED_PROC, .text = "/proc" },
	{ "dev/null", FIXED_DEVICE, OWN_NULL, 1, 3 },
	{ "dev/zero", FIXED_DEVICE, OWN_ZERO, 1, 5 },
	{ "dev/full", FIXED_DEVICE, OWN_FULL, 1, 7 },
	{ "dev/random", FIXED_DEVICE, OWN_RANDOM, 1, 8 },
	{ "dev/urandom", FIXED_DEVICE, OWN_RANDOM, 1, 9 },
	{ "dev/fd", FIXED_LINK, .text = "/proc/self/fd" },
	{ "dev/stdin", FIXED_LINK, .text = "/proc/self/fd/0" },
	{ "dev/stdout", FIXED_LINK, .text = "/proc/self/fd/1" },
	{ "dev/stderr", FIXED_LINK, .text = "/proc/self/fd/2" },
	{ "etc/mtab", FIXED_LINK, .text = "/proc/self/mounts" },
	{ "tmp", FIXED_FOLDER },
};

/* Entries: the fixed ones, then the measured files. key[0]: which, key[1]: size of a folder's path. */
static size_t entry_count(void)
{
	return BASE_COUNT(fixed) + trusted_settings()->file_count;
}

static struct config_text entry_path(size_t i)
{
	if (i < BASE_COUNT(fixed))
		return (struct config_text){ fixed[i].path, strlen(fixed[i].path) };
	struct config_text t = trusted_settings()->files[i - BASE_COUNT(fixed)].path;

	return (struct config_text){ t.text + 1, t.size - 1 };
}

static const struct vfs_node_ops folder_ops, file_ops, link_ops, device_ops, proc_ops;

static struct vfs_node entry_node(size_t i)
{
	struct vfs_node n = { .key = { i } };

	if (i >= BASE_COUNT(fixed)) {
		n.ops = &file_ops;
		return n;
	}
	switch (fixed[i].kind) {
	case FIXED_FOLDER:
		n.ops = &folder_ops;
		n.key[1] = strlen(fixed[i].path);
		break;
	case FIXED_PROC:
		n.ops = &proc_ops;
		break;
	case FIXED_LINK:
		n.ops = &link_ops;
		break;
	case FIXED_DEVICE:
		n.ops = &device_ops;
		break;
	}
	return n;
}

static struct config_text folder_path(const struct vfs_node *n)
{
	return (struct config_text){ entry_path(n->key[0]).text, n->key[1] };
}

/* Is entry `i` below `folder`? Then what comes after. */
static bool entry_below(size_t i, struct config_text folder, struct config_text *rest)
{
	struct config_text p = entry_path(i);

	if (folder.size) {
		if (p.size <= folder.size || memcmp(p.text, folder.text, folder.size) != 0 ||
		    p.text[folder.size] != '/')
			return false;
		*rest = (struct config_text){ p.text + folder.size + 1, p.size - folder.size - 1 };
	} else {
		*rest = p;
	}
	return true;
}

static size_t first_component(struct config_text t)
{
	const char *slash = memchr(t.text, '/', t.size);

	return slash ? (size_t)(slash - t.text) : t.size;
}

/* The child of `folder` called `name`, by the first entry that is it or lies below it. */
static bool child_find(struct config_text folder, const char *name, size_t name_size,
		       struct vfs_node *ret)
{
	for (size_t i = 0; i < entry_count(); i++) {
		struct config_text rest;

		if (!entry_below(i, folder, &rest) || first_component(rest) != name_size ||
		    memcmp(rest.text, name, name_size) != 0)
			continue;
		if (rest.size == name_size)
			*ret = entry_node(i);
		else
			*ret = (struct vfs_node){
				.ops = &folder_ops,
				.key = { i, (uint64_t)(rest.text - entry_path(i).text) + name_size },
			};
		return true;
	}
	return false;
}

static int folder_lookup(void *fs, const struct vfs_node *dir, const char *name, size_t name_size,
			 struct vfs_node *ret)
{
	(void)fs;
	return child_find(folder_path(dir), name, name_size, ret) ? 0 : -ENOENT;
}

static uint8_t type_of(const struct vfs_node *n)
{
	if (n->ops == &folder_ops || n->ops == &proc_ops)
		return DT_DIR;
	if (n->ops == &link_ops)
		return DT_LNK;
	return n->ops == &device_ops ? DT_CHR : DT_REG;
}

static uint64_t ino_of(const struct vfs_node *n)
{
	return n->ops == &folder_ops ? INO_FOLDERS * (n->key[0] + 1) + n->key[1] : n->key[0] + 2;
}

static int folder_readdir(void *fs, const struct vfs_node *dir, struct vfs_dir_sink *sink)
{
	struct config_text folder = folder_path(dir), rest;

	(void)fs;
	for (size_t i = 0; i < entry_count(); i++) {
		struct vfs_node n;
		size_t size;

		if (!entry_below(i, folder, &rest))
			continue;
		size = first_component(rest);
		/* each once: by the entry that a look-up finds */
		if (!child_find(folder, rest.text, size, &n) || n.key[0] != i)
			continue;
		if (!sink->emit(sink, rest.text, size, ino_of(&n), type_of(&n)))
			break;
	}
	return 0;
}

static int own_getattr(void *fs, const struct vfs_node *n, struct vfs_stat *ret)
{
	(void)fs;
	*ret = (struct vfs_stat){ .nlink = 1, .dev = OWN_DEV, .ino = ino_of(n) };
	if (n->ops == &folder_ops || n->ops == &proc_ops) {
		ret->mode = S_IFDIR | 0555;
		ret->nlink = 2;
	} else if (n->ops == &link_ops) {
		ret->mode = S_IFLNK | 0777;
		ret->size = (int64_t)strlen(fixed[n->key[0]].text);
	} else if (n->ops == &device_ops) {
		ret->mode = S_IFCHR | 0666;
		ret->rdev = makedev(fixed[n->key[0]].major, fixed[n->key[0]].minor);
	} else {
		const struct config_file *f = own_measured(n);

		ret->mode = S_IFREG | 0444;
		ret->size = (int64_t)f->size;
		ret->blocks = ((int64_t)f->size + 511) / 512;
	}
	return 0;
}

static int file_show(void *fs, const struct vfs_node *n, struct seq_file *m)
{
	const struct config_file *f = own_measured(n);

	(void)fs;
	seq_write(m, f->data, f->size);
	return 0;
}

static int put_text(const char *text, char buf[VFS_PATH_MAX])
{
	size_t size = strnlen(text, VFS_PATH_MAX);

	memcpy(buf, text, size);
	return (int)size;
}

static int link_readlink(void *fs, const struct vfs_node *n, char buf[VFS_PATH_MAX])
{
	(void)fs;
	return put_text(fixed[n->key[0]].text, buf);
}

static const struct vfs_node_ops folder_ops = {
	.getattr = own_getattr, .lookup = folder_lookup, .readdir = folder_readdir,
};
static const struct vfs_node_ops file_ops = { .getattr = own_getattr, .show = file_show };
static const struct vfs_node_ops link_ops = { .getattr = own_getattr, .readlink = link_readlink };
static const struct vfs_node_ops device_ops = { .getattr = own_getattr };
/* A link to itself: an absolute text ends the walk here, and the guest's begins. */
static const struct vfs_node_ops proc_ops = { .getattr = own_getattr, .readlink = link_readlink };

/* -- /proc/self ----------------------------------------------------------------------------------- */

enum self_file {
	SELF_CMDLINE,
	SELF_COMM,
	SELF_STAT,
	SELF_STATM,
	SELF_STATUS,
	SELF_TEXTS, /* the ones before have a content */
	SELF_CWD = SELF_TEXTS,
	SELF_EXE,
	SELF_MOUNTINFO,
	SELF_MOUNTS,
	SELF_MOUNTSTATS,
	SELF_NET,
	SELF_ROOT,
	SELF_LINKS_END,
	SELF_FD = SELF_LINKS_END,
	SELF_FDINFO,
	SELF_TASK,
	SELF_COUNT,
};

static const struct {
	const char *name, *link;
} self_files[SELF_COUNT] = {
	[SELF_CMDLINE] = { "cmdline", NULL },
	[SELF_COMM] = { "comm", NULL },
	[SELF_STAT] = { "stat", NULL },
	[SELF_STATM] = { "statm", NULL },
	[SELF_STATUS] = { "status", NULL },
	[SELF_CWD] = { "cwd", "" },
	[SELF_EXE] = { "exe", "" },
	/* what the tool is to see of mounts and networks is the guest's */
	[SELF_MOUNTINFO] = { "mountinfo", "/proc/1/mountinfo" },
	[SELF_MOUNTS] = { "mounts", "/proc/1/mounts" },
	[SELF_MOUNTSTATS] = { "mountstats", "/proc/1/mountstats" },
	[SELF_NET] = { "net", "/proc/net" },
	[SELF_ROOT] = { "root", "/" },
	[SELF_FD] = { "fd", NULL },
	[SELF_FDINFO] = { "fdinfo", NULL },
	[SELF_TASK] = { "task", NULL },
};

/* key[0]: enum self_file. */
static const struct vfs_node_ops self_ops, self_text_ops, self_link_ops, self_fds_ops, self_fd_ops,
	self_fdinfo_ops, self_tasks_ops, self_self_ops;

static struct vfs_node self_node(enum self_file which)
{
	const struct vfs_node_ops *ops = which < SELF_TEXTS	    ? &self_text_ops :
					 which < SELF_LINKS_END ? &self_link_ops :
					 which < SELF_TASK	    ? &self_fds_ops :
								      &self_tasks_ops;

	return (struct vfs_node){ .ops = ops, .key = { which } };
}

/* argv[0] without its folders. */
static void self_comm(char ret[16])
{
	char *const *argv = process_arguments();
	const char *name = argv[0] ? argv[0] : "", *slash = strrchr(name, '/');

	snprintf(ret, 16, "%s", slash ? slash + 1 : name);
}

static void show_stat(struct seq_file *m)
{
	char comm[16];

	self_comm(comm);
	/* proc(5): numbers 3 to 52; what isn't known inside is 0 */
	seq_printf(m, "%d (%s) R %d %d %d 0 -1 0 0 0 0 0 0 0 0 0 20 0 %zu 0 0 %zu %zu", process_pid(),
		   comm, process_parent(), TRUSTED_PID, TRUSTED_PID, trusted_thread_count(), trusted_heap_size(),
		   trusted_heap_used() / 4096);
	for (int i = 25; i <= 52; i++)
		seq_puts(m, " 0");
	seq_putc(m, '\n');
}

static void show_status(struct seq_file *m)
{
	char comm[16];

	self_comm(comm);
	seq_printf(m,
		   "Name:\t%s\nState:\tR (running)\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n"
		   "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t%d\nGroups:\t0 \n"
		   "VmSize:\t%8zu kB\nVmRSS:\t%8zu kB\nThreads:\t%zu\n",
		   comm, process_pid(), process_pid(), process_parent(), LAYER_FDS, trusted_heap_size() / 1024,
		   trusted_heap_used() / 1024, trusted_thread_count());
}

static void show_cmdline(struct seq_file *m)
{
	for (char *const *arg = process_arguments(); *arg; arg++)
		seq_write(m, *arg, strlen(*arg) + 1);
}

static int self_show(void *fs, const struct vfs_node *n, struct seq_file *m)
{
	char comm[16];

	(void)fs;
	switch ((enum self_file)n->key[0]) {
	case SELF_CMDLINE:
		show_cmdline(m);
		break;
	case SELF_COMM:
		self_comm(comm);
		seq_printf(m, "%s\n", comm);
		break;
	case SELF_STAT:
		show_stat(m);
		break;
	case SELF_STATM:
		seq_printf(m, "%zu %zu 0 0 0 0 0\n", trusted_heap_size() / 4096,
			   trusted_heap_used() / 4096);
		break;
	case SELF_STATUS:
		show_status(m);
		break;
	default:
		return -EINVAL;
	}
	return 0;
}

static int self_readlink(void *fs, const struct vfs_node *n, char buf[VFS_PATH_MAX])
{
	const char *name = process_arguments()[0];
	int size;

	(void)fs;
	switch ((enum self_file)n->key[0]) {
	case SELF_CWD:
		return put_text(layer_cwd(), buf);
	case SELF_EXE: /* a name for people: there is no such file inside */
		size = snprintf(buf, VFS_PATH_MAX, "/%s", name ? name + (name[0] == '/') : "");
		return size < VFS_PATH_MAX ? size : -ENAMETOOLONG;
	default:
		return put_text(self_files[n->key[0]].link, buf);
	}
}

static int self_lookup(void *fs, const struct vfs_node *dir, const char *name, size_t name_size,
		       struct vfs_node *ret)
{
	(void)fs;
	(void)dir;
	for (unsigned int i = 0; i < SELF_COUNT; i++) {
		if (strlen(self_files[i].name) != name_size ||
		    memcmp(self_files[i].name, name, name_size) != 0)
			continue;
		/* only the process has its threads */
		if (i == SELF_TASK && dir->key[1])
			return -ENOENT;
		*ret = self_node(i);
		return 0;
	}
	return -ENOENT;
}

static uint8_t self_type(const struct vfs_node *n)
{
	if (n->ops == &self_text_ops || n->ops == &self_fdinfo_ops)
		return DT_REG;
	return n->ops == &self_link_ops || n->ops == &self_fd_ops || n->ops == &self_self_ops ?
		       DT_LNK :
		       DT_DIR;
}

static int self_readdir(void *fs, const struct vfs_node *dir, struct vfs_dir_sink *sink)
{
	(void)fs;
	for (unsigned int i = 0; i < SELF_COUNT; i++) {
		struct vfs_node n = self_node(i);

		if (i == SELF_TASK && dir->key[1])
			continue;
		if (!sink->emit(sink, self_files[i].name, strlen(self_files[i].name), INO_SELF + i,
				self_type(&n)))
			break;
	}
	return 0;
}

/* A decimal number without leading zeros, or -1. */
static int number_of(const char *name, size_t size)
{
	int n = 0;

	if (!size || size > 9 || (size > 1 && *name == '0'))
		return -1;
	for (size_t i = 0; i < size; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		n = n * 10 + (name[i] - '0');
	}
	return n;
}

static int fds_lookup(void *fs, const struct vfs_node *dir, const char *name, size_t name_size,
		      struct vfs_node *ret)
{
	int fd = number_of(name, name_size);

	(void)fs;
	if (fd < 0 || !file_at(fd))
		return -ENOENT;
	*ret = (struct vfs_node){ .ops = dir->key[0] == SELF_FD ? &self_fd_ops : &self_fdinfo_ops,
				  .key = { (uint64_t)fd } };
	return 0;
}

static bool emit_number(struct vfs_dir_sink *sink, int n, uint64_t ino, uint8_t type)
{
	char name[16];
	int size = snprintf(name, sizeof(name), "%d", n);

	return sink->emit(sink, name, (size_t)size, ino, type);
}

static int fds_readdir(void *fs, const struct vfs_node *dir, struct vfs_dir_sink *sink)
{
	uint8_t type = dir->key[0] == SELF_FD ? DT_LNK : DT_REG;

	(void)fs;
	for (int fd = file_next_fd(0); fd >= 0; fd = file_next_fd(fd + 1))
		if (!emit_number(sink, fd, INO_SELF + 1000 + (uint64_t)fd, type))
			break;
	return 0;
}

/* lsof learns from its own whether positions are told at all. */
static int fdinfo_show(void *fs, const struct vfs_node *n, struct seq_file *m)
{
	const struct file *f = file_at((int)n->key[0]);

	(void)fs;
	if (!f)
		return -ENOENT;
	seq_printf(m, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t0\n", (long long)f->pos,
		   (unsigned int)f->flags);
	return 0;
}

static int fd_readlink(void *fs, const struct vfs_node *n, char buf[VFS_PATH_MAX])
{
	const struct file *f = file_at((int)n->key[0]);
	char text[VFS_PATH_MAX];

	(void)fs;
	if (!f)
		return -ENOENT;
	file_name(f, text, sizeof(text));
	return put_text(text, buf);
}

/* The answer for what is open is the caller's, who has the file; here as little as lstat tells. */
static int fd_getattr_target(void *fs, const struct vfs_node *n, struct vfs_stat *ret)
{
	return n->ops->getattr(fs, n, ret);
}

static int tasks_lookup(void *fs, const struct vfs_node *dir, const char *name, size_t name_size,
			struct vfs_node *ret)
{
	(void)fs;
	(void)dir;
	if (number_of(name, name_size) != process_pid())
		return -ENOENT;
	*ret = own_self();
	ret->key[1] = 1;
	return 0;
}

static int tasks_readdir(void *fs, const struct vfs_node *dir, struct vfs_dir_sink *sink)
{
	(void)fs;
	(void)dir;
	emit_number(sink, process_pid(), INO_SELF, DT_DIR);
	return 0;
}

static int self_link_readlink(void *fs, const struct vfs_node *n, char buf[VFS_PATH_MAX])
{
	(void)fs;
	if (n->key[0])
		return snprintf(buf, VFS_PATH_MAX, "%d/task/%d", process_pid(), process_pid());
	return snprintf(buf, VFS_PATH_MAX, "%d", process_pid());
}

static int self_getattr(void *fs, const struct vfs_node *n, struct vfs_stat *ret)
{
	uint8_t type = self_type(n);

	(void)fs;
	*ret = (struct vfs_stat){
		.mode = type == DT_DIR ? S_IFDIR | 0555 : type == DT_LNK ? S_IFLNK | 0777 :
									   S_IFREG | 0444,
		.nlink = type == DT_DIR ? 2 : 1,
		.dev = OWN_DEV,
		.ino = INO_SELF + n->key[0] +
		       (n->ops == &self_fd_ops || n->ops == &self_fdinfo_ops ? 1000 : 0) +
		       (n->ops == &self_ops || n->ops == &self_self_ops ? 500 : 0),
	};
	return 0;
}

static const struct vfs_node_ops self_ops = {
	.getattr = self_getattr, .lookup = self_lookup, .readdir = self_readdir,
};
static const struct vfs_node_ops self_text_ops = { .getattr = self_getattr, .show = self_show };
static const struct vfs_node_ops self_link_ops = {
	.getattr = self_getattr, .readlink = self_readlink,
};
static const struct vfs_node_ops self_fds_ops = {
	.getattr = self_getattr, .lookup = fds_lookup, .readdir = fds_readdir,
};
static const struct vfs_node_ops self_fd_ops = {
	.getattr = self_getattr, .readlink = fd_readlink, .getattr_target = fd_getattr_target,
};
static const struct vfs_node_ops self_fdinfo_ops = {
	.getattr = self_getattr, .show = fdinfo_show,
};
static const struct vfs_node_ops self_tasks_ops = {
	.getattr = self_getattr, .lookup = tasks_lookup, .readdir = tasks_readdir,
};
static const struct vfs_node_ops self_self_ops = {
	.getattr = self_getattr, .readlink = self_link_readlink,
};

/* ------------------------------------------------------------------------------------------------ */

struct vfs *own_vfs(void)
{
	static struct vfs *vfs; /* under the lock */

	if (!vfs) {
		struct vfs_node root = { .ops = &folder_ops };

		vfs = vfs_create(layer_alloc(), NULL, NULL, &root);
	}
	return vfs;
}

bool own_is_proc(const struct vfs_node *n)
{
	return n->ops == &proc_ops;
}

struct vfs_node own_self(void)
{
	return (struct vfs_node){ .ops = &self_ops };
}

struct vfs_node own_self_link(bool thread)
{
	return (struct vfs_node){ .ops = &self_self_ops, .key = { thread } };
}

int own_fd_of(const struct vfs_node *n)
{
	return n->ops == &self_fd_ops ? (int)n->key[0] : -1;
}

enum own_device own_device_of(const struct vfs_node *n)
{
	return n->ops == &device_ops ? fixed[n->key[0]].device : OWN_NO_DEVICE;
}

const struct config_file *own_measured(const struct vfs_node *n)
{
	return n->ops == &file_ops ? &trusted_settings()->files[n->key[0] - BASE_COUNT(fixed)] : NULL;
}
