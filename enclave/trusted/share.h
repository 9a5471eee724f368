/* SPDX-License-Identifier: MIT */
/*
 * Memory of processes that lie at the same addresses (fork.c): each page has the contents of one of those that have
 * it, copies have the others'. Processes are numbers below SHARE_PROCESSES. Not to be called on memory that it
 * exchanges, i.e. on a process's stack, unless that is said.
 */
#ifndef SCW_TRUSTED_SHARE_H
#define SCW_TRUSTED_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SHARE_PROCESSES = 16,
	SHARE_NO_PROGRAM = -1,
};

/*
 * `child` gets all that `parent` has, which runs `program`: copies of its pages as they are now. False: out of
 * memory, and nothing was done. On the parent's stack.
 */
bool share_fork(unsigned int parent, unsigned int child, size_t program);
/*
 * `p` is going to run `program` anew, as `other` does already: keeps that one's data. False: out of memory. On the stack of `p`,
 * which doesn't run that program yet.
 */
bool share_program(unsigned int p, unsigned int other, size_t program);
/* From now on the contents are those of `p`. */
void share_switch(unsigned int p);
/* `p` loses all that it has together with others, but for the data of the program `but` (or SHARE_NO_PROGRAM). */
void share_leave(unsigned int p, int but);

#endif
