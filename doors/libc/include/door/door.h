/* SPDX-License-Identifier: MIT */
/*
 * The libc door: the standard file functions over a vfs, for the program that they are linked or
 * preloaded into. Functions that take paths or file descriptors decide by those whether the call
 * is the guest's; everything else goes to the C library untouched. docs/DOORS.md has the rules.
 *
 * Whoever links the door (the preload library, scw-cc, a test) provides `door_ops`.
 */
#ifndef SCW_DOOR_DOOR_H
#define SCW_DOOR_DOOR_H

#include <stdbool.h>
#include <stddef.h>

struct vfs;

struct door_ops {
	/*
	 * Attach to the guest and door_mount() its file system. Called once in a process, at the
	 * first access to a guest path, with signals blocked and the door's lock held; file calls
	 * made meanwhile by this thread go to the host. 0, or a positive errno with a line for
	 * people in `message` (no newline). Then each file call on a guest path fails with EIO.
	 *
	 * Afterwards the vfs runs under the same lock and may do I/O on descriptors it holds, but
	 * must not open paths below the mount (EAGAIN).
	 */
	int (*attach)(char *message, size_t size);

	/* Optional: in the child after fork(), before it returns; the lock is held. */
	void (*fork_child)(void);

	/*
	 * Optional: is this file system in use at all (does the environment name a guest)? Asked
	 * once in a process, early, possibly before constructors ran. NULL: yes.
	 */
	bool (*wanted)(void);
};

extern const struct door_ops door_ops;

/* Put `v` (borrowed) at `at`, which must be "/proc". 0 or a positive errno. */
int door_mount(const char *at, struct vfs *v);

/*
 * True while the calling thread is inside attach() or a vfs operation, so that file calls of the
 * attach code itself can be told from the program's.
 */
bool door_inside(void);

#endif
