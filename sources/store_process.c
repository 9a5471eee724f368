// SPDX-License-Identifier: MIT
/*
 * A store that is private memory of a process: read with process_vm_readv(), many pieces a call.
 * Pages that the VMM never touched are found in /proc/PID/pagemap and left alone (reading an
 * untouched page of another process allocates nothing, but costs as much as a touched one).
 *
 * process_vm_readv() asks for permission at each call, /proc/PID/mem only when it is opened: a process
 * that gives up its privileges goes on with the latter (store_ops.keep).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "guest/addr.h"
#include "store.h"

enum {
	BATCH = 512,		 /* pieces a call; the kernel takes at most IOV_MAX (1024) */
	MAP_WINDOW = 4096,	 /* pages whose pagemap entries are read at a time: 16 MiB */
};

#define PAGEMAP_TOUCHED (3ull << 62) /* present, or swapped out */

struct store_process {
	struct store store;
	pid_t pid;
	int mem;     /* /proc/PID/mem once kept, else -1 */
	int pagemap; /* -1: not opened yet, -2: can't be */
	uint64_t window; /* first page of what `entries` holds; ~0: nothing */
	size_t entry_count;
	uint64_t entries[MAP_WINDOW];
};

static struct store_process *to_process(struct store *s)
{
	return (struct store_process *)s;
}

static enum err read_error(struct store_process *p, int e, uint64_t at, struct err_ctx *err)
{
	if (e == EPERM)
		return err_set_errno(err, ERR_PERM, e, "can't read the memory of process %d",
				     (int)p->pid);
	if (e == ESRCH)
		return err_set(err, ERR_GONE, "process %d has ended", (int)p->pid);
	if (e == EFAULT)
		return err_set_addr(err, ERR_NOPHYS, at, "process %d has no memory there",
				    (int)p->pid);
	return err_set_errno(err, ERR_IO, e, "can't read the memory of process %d", (int)p->pid);
}

/* At most `size` bytes at `at` of the process; less where its memory ends; <= 0 with errno. */
static ssize_t read_some(struct store_process *p, uint64_t at, void *buf, size_t size)
{
	struct iovec local = {buf, size}, remote = {(void *)(uintptr_t)at, size};
	ssize_t n;

	if (p->mem < 0)
		return process_vm_readv(p->pid, &local, 1, &remote, 1, 0);
	n = pread(p->mem, buf, size, (off_t)at);
	/* what isn't mapped; nothing at all: the process has ended, as its pidfd tells, too */
	if (n < 0 && errno == EIO)
		errno = EFAULT;
	return n;
}

static enum err process_read(struct store *s, uint64_t offset, void *buf, size_t size,
			     struct err_ctx *err)
{
	struct store_process *p = to_process(s);
	size_t done = 0;

	while (done < size) {
		ssize_t n = read_some(p, s->base + offset + done, (char *)buf + done, size - done);

		s->stats->reads++;
		if (n <= 0)
			return read_error(p, n < 0 ? errno : EFAULT, s->base + offset + done, err);
		s->stats->bytes += (size_t)n;
		done += (size_t)n;
	}
	return ERR_OK;
}

static enum err process_read_many(struct store *s, struct store_io *io, size_t count,
				  struct err_ctx *err)
{
	struct store_process *p = to_process(s);
	struct iovec local[BATCH], remote[BATCH];
	size_t at = 0;

	if (p->mem >= 0) {
		for (; at < count; at++)
			io[at].ok = process_read(s, io[at].offset, io[at].buf, io[at].size,
						 NULL) == ERR_OK;
		return ERR_OK;
	}
	while (at < count) {
		size_t n = count - at < BATCH ? count - at : BATCH;
		size_t done = 0;
		ssize_t got;

		for (size_t i = 0; i < n; i++) {
			local[i] = (struct iovec){io[at + i].buf, io[at + i].size};
			remote[i] = (struct iovec){
				(void *)(uintptr_t)(s->base + io[at + i].offset), io[at + i].size};
		}
		got = process_vm_readv(p->pid, local, n, remote, n, 0);
		s->stats->reads++;
		if (got > 0)
			s->stats->bytes += (size_t)got;
		else if (got < 0 && errno != EFAULT)
			return read_error(p, errno, s->base + io[at].offset, err);
		/* it stops at the first piece that it can't read: skip that one and go on */
		while (done < n && got >= (ssize_t)io[at + done].size) {
			got -= (ssize_t)io[at + done].size;
			io[at + done].ok = true;
			done++;
		}
		if (done < n)
			io[at + done++].ok = false;
		at += done;
	}
	return ERR_OK;
}

static int open_of_process(struct store_process *p, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)p->pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool has_pagemap(struct store_process *p)
{
	if (p->pagemap == -1) {
		p->pagemap = open_of_process(p, "pagemap");
		if (p->pagemap < 0)
			p->pagemap = -2;
	}
	return p->pagemap >= 0;
}

static bool load_window(struct store_process *p, uint64_t page)
{
	ssize_t n;

	if (!has_pagemap(p))
		return false;
	p->window = page - page % MAP_WINDOW;
	n = pread(p->pagemap, p->entries, sizeof(p->entries), (off_t)(p->window * 8));
	p->entry_count = n > 0 ? (size_t)n / 8 : 0;
	if (page - p->window < p->entry_count)
		return true;
	p->window = ~0ull;
	return false;
}

static bool process_next_data(struct store *s, uint64_t from, uint64_t end, uint64_t *start_ret,
			      uint64_t *end_ret)
{
	struct store_process *p = to_process(s);
	uint64_t page = (s->base + from) / GUEST_PAGE_SIZE;
	uint64_t last = (s->base + end) / GUEST_PAGE_SIZE;
	bool in_run = false;

	for (; page < last; page++) {
		bool touched = true;

		if (p->window == ~0ull || page < p->window || page >= p->window + p->entry_count) {
			/* a run may end early: at the end of what one look shows */
			if (in_run)
				break;
			if (!load_window(p, page)) {
				*start_ret = page * GUEST_PAGE_SIZE - s->base;
				*end_ret = end;
				return true;
			}
		}
		touched = (p->entries[page - p->window] & PAGEMAP_TOUCHED) != 0;
		if (touched && !in_run) {
			*start_ret = page * GUEST_PAGE_SIZE - s->base;
			in_run = true;
		} else if (!touched && in_run) {
			break;
		}
	}
	if (in_run)
		*end_ret = page * GUEST_PAGE_SIZE - s->base;
	return in_run;
}

static enum err process_keep(struct store *s, uid_t reader, struct err_ctx *err)
{
	struct store_process *p = to_process(s);
	int e;

	(void)reader;
	if (p->mem < 0)
		p->mem = open_of_process(p, "mem");
	e = errno;
	if (p->mem < 0)
		return err_set_errno(err,
				     e == ENOENT || e == ESRCH ? ERR_GONE
				     : e == EACCES || e == EPERM ? ERR_PERM
								 : ERR_IO,
				     e, "can't open the memory of process %d", (int)p->pid);
	has_pagemap(p);
	return ERR_OK;
}

static void process_close(struct store *s)
{
	struct store_process *p = to_process(s);

	if (p->mem >= 0)
		close(p->mem);
	if (p->pagemap >= 0)
		close(p->pagemap);
	free(p);
}

static const struct store_ops process_ops = {
	.read = process_read,
	.read_many = process_read_many,
	.next_data = process_next_data,
	.keep = process_keep,
	.close = process_close,
};

enum err store_process_create(pid_t pid, uint64_t address, uint64_t size,
			      struct guest_phys_stats *stats, struct store **ret,
			      struct err_ctx *err)
{
	struct store_process *p = malloc(sizeof(*p));

	if (!p)
		return err_set(err, ERR_NOMEM, "out of memory");
	p->store = (struct store){
		.ops = &process_ops, .base = address, .size = size, .stats = stats};
	p->pid = pid;
	p->mem = -1;
	p->pagemap = -1;
	p->window = ~0ull;
	p->entry_count = 0;
	*ret = &p->store;
	return ERR_OK;
}
