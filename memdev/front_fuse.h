/* SPDX-License-Identifier: MIT */
/* The file system itself, between mounting (front.c) and relaying (front_relay.c). */
#ifndef SCW_MEMDEV_FRONT_FUSE_H
#define SCW_MEMDEV_FRONT_FUSE_H

#include "front.h"

#define FRONT_FS_NAME "scwatcher"

struct front;
struct fuse_session;

struct front_limits {
	uid_t uid; /* owner and mode of the directory mounted on */
	gid_t gid;
	mode_t mode;
	unsigned int sessions_per_vm;
	uint64_t idle_ns, answer_ns;
	enum err (*confine)(struct err_ctx *err); /* see front_options */
};

/* Mount on `directory`. ERR_IO when the kernel or libfuse refuse. */
enum err front_mount(const char *directory, struct front **ret, struct err_ctx *err) ERR_NODISCARD;

/* The connection to the kernel: the file system is dead once nobody holds it. */
int front_fd(const struct front *f);

/* Serve until it is unmounted, or `stop` (a signalfd, say) can be read. */
enum err front_serve(struct front *f, const char *socket, const struct front_limits *limits,
		     int stop, struct err_ctx *err) ERR_NODISCARD;

/*
 * After front_serve(), by a process that ends now and thus closes the connection: answers who still
 * waits. The connection itself may be in use by a thread that nobody can wait for (forget_names()).
 */
void front_leave(struct front *f);

/* By a process that didn't serve: closes its end of the connection; doesn't unmount. */
void front_destroy(struct front *f);

#endif
