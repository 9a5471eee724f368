/* SPDX-License-Identifier: MIT */
/*
 * What the files of the system-call layer share. One lock guards the descriptors, the trees and the vfs
 * of the guest; it may be held while the host is asked for the guest's memory, so it is a futex of the
 * inside and not a trusted_lock. Nothing that waits for the program's own streams holds it.
 */
#ifndef SCW_TRUSTED_LAYER_H
#define SCW_TRUSTED_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "vfs/netlink.h"
#include "vfs/vfs.h"

enum {
	LAYER_FDS = 1024,
	LAYER_STREAMS = 3,
	/* process IDs from TRUSTED_PID + 512 on are those of other programs of the image */
	LAYER_CHILDREN = 512,
};

/* False: this thread holds it already. */
bool layer_lock(void);
void layer_unlock(void);
bool layer_is_locked_here(void);

/* Memory of the layer itself: descriptors, and listings and contents of the own tree. */
struct base_alloc *layer_alloc(void);

/* -- the program's own tree (own.c): measured files, /dev, /proc/self -------------------------- */

struct vfs *own_vfs(void); /* NULL: out of memory */
/* The place where the guest's /proc begins. */
bool own_is_proc(const struct vfs_node *n);
/* What /proc/self and /proc/PID of the program are. */
struct vfs_node own_self(void);
/* The link /proc/self itself, or /proc/thread-self. */
struct vfs_node own_self_link(bool thread);
/* Of a descriptor's magic link in /proc/self/fd: its number; else -1. */
int own_fd_of(const struct vfs_node *n);

enum own_device {
	OWN_NO_DEVICE,
	OWN_NULL,
	OWN_ZERO,
	OWN_FULL,
	OWN_RANDOM,
};
enum own_device own_device_of(const struct vfs_node *n);
/* The measured file's bytes; NULL if `n` is none. */
const struct config_file *own_measured(const struct vfs_node *n);

/* -- descriptors (files.c) ---------------------------------------------------------------------- */

enum file_kind {
	FILE_STREAM, /* of the host: 0, 1, 2 */
	FILE_DEVICE,
	FILE_VFS,
	FILE_PATH,   /* O_PATH on a link or a device */
	FILE_NOBODY, /* a socket with nobody at the other end */
	FILE_PIPE,   /* one of its ends */
};

/* An open file, shared by the descriptors that came from one open. */
struct file {
	enum file_kind kind;
	unsigned int refs;
	unsigned int stream;
	enum own_device device;
	int flags; /* as F_GETFL shows them */
	struct pipe *pipe;
	struct vfs *vfs; /* NULL for streams, pipes and sockets */
	struct vfs_file *file;
	struct vfs_node node;
	int64_t pos; /* bytes; of a directory: entries */
	bool is_dir, is_path;
	bool is_inet;	/* a socket: for questions about network devices */
	bool is_answered; /* a netlink socket whose questions are answered */
	struct vfs_netlink_socket netlink; /* of sockets */
	bool is_listed; /* of /proc, read by another program: its own process was told, too */
	char path[]; /* absolute, canonical; "" for streams */
};

/* With the lock held. NULL: no such descriptor. */
struct file *file_at(int fd);
const char *layer_cwd(void);
void layer_cwd_set(const char *path); /* absolute, canonical, of a folder */
/* Is there a descriptor of this number or a larger one? The number, or -1. */
int file_next_fd(int from);
/* The lowest free number from `from` on; takes over the reference, also when it fails. -EMFILE. */
int file_install(struct file *f, int from, bool cloexec);
/* What /proc/self/fd/N says. */
void file_name(const struct file *f, char *ret, size_t size);

/* Another program: has what the first one has; becomes another; ends. With the lock held. */
void files_child_begin(void);
/* Processes: a child's, which are as the parent's; NULL: out of memory. The present ones; others; closed and freed. */
struct files *files_copy(void);
struct files *files_now(void);
void files_use(struct files *f);
void files_drop(struct files *f);
void files_child_exec(void);
void files_child_end(void);
/* What it has now is what each command of a shell's line begins with; one begins; no more of them. */
void files_shell_begin(void);
void files_shell_child(void);
void files_shell_end(void);

/* -- pipes (pipe.c), with the lock held --------------------------------------------------------- */

int pipe_create(struct pipe **ret); /* with an end of each kind */
/* Nothing there: 0 at the end, -EAGAIN if somebody may still write. */
long pipe_read(struct pipe *p, void *buf, size_t size);
long pipe_write(struct pipe *p, const void *data, size_t size);
/* POLLIN, POLLOUT, POLLHUP and POLLERR. */
short pipe_events(const struct pipe *p, bool writer);
/* Changes, and is woken, when something comes or an end is closed. */
uint32_t *pipe_word(struct pipe *p);
void pipe_close(struct pipe *p, bool writer);
bool file_is_writer(const struct file *f);

/* -- sockets (sockets.c) ---------------------------------------------------------------------------- */

/* Reading of a socket, and writing to it; with the lock. */
long socket_read(struct file *f, void *buf, size_t size);
long socket_write(struct file *f, const void *data, size_t size);
/* What ioctl() says of the guest's network devices; without the lock. */
long socket_ioctl(uint64_t request, void *data);

/* -- other programs of the image (process.c) ------------------------------------------------------ */

/* The caller's, by the thread that it runs on. */
int process_pid(void);
int process_parent(void);
char *const *process_arguments(void);
/* Those that run or that nobody has waited for. */
unsigned int process_count(void);
/* The number of the process that runs (fork.h); 0 if there are none. */
unsigned int trusted_process(void);
/* The first program runs as a process. */
_Noreturn void process_begin_first(size_t program);
/* The one that runs here ends. */
_Noreturn void process_exit(int code);
/* The first program's thread pointer, while another one runs. */
uint64_t process_parent_fs(void);

/* -- paths (path.c) ----------------------------------------------------------------------------- */

enum {
	PATH_NOFOLLOW = 1,
	PATH_MAX_SIZE = VFS_PATH_MAX,
};

/* What a path leads to. */
struct place {
	struct vfs *vfs;	/* whose the node or link is */
	struct vfs_place at;	/* .kind: as after vfs_walk(); .at_end is true */
	struct file *file;	/* /proc/self/fd/N, followed: this open file, and nothing else is set */
	char path[VFS_PATH_MAX]; /* absolute and canonical, of what was found */
};

/* With the lock held. 0 or -errno. `path` isn't empty. */
int path_resolve(int dirfd, const char *path, unsigned int flags, struct place *ret);
int place_getattr(const struct place *p, struct vfs_stat *ret);

#endif
