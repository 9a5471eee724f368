// SPDX-License-Identifier: MIT
/* /proc/swaps: mm/swapfile.c */
#include <errno.h>

#include "klib/path.h"
#include "root.h"

GUEST_TYPES_BEGIN
struct swap_info_struct { /* include/linux/swap.h */
	unsigned long flags;
	int16_t prio;
	unsigned char __guest *swap_map;
	unsigned int pages;
	unsigned char inuse_pages[4]; /* or an atomic_long_t, since 6.13: its lower half */
	struct file __guest *swap_file;
};
GUEST_TYPES_END

extern unsigned int __guest nr_swapfiles;
extern struct swap_info_struct __guest *__guest swap_info[];

enum {
	SWAP_FILES_MAX = 32,
	SWAP_USED = 1 << 0,
	SWAP_NAME_WIDTH = 40,
	KB_PER_PAGE = 4,
	WIDE_NUMBER = 10000000,
	S_IFMT_BITS = 0170000,
	S_IFBLK_BITS = 0060000,
};

static void show_swap(struct seq_file *m, struct swap_info_struct __guest *si)
{
	struct klib_path root = klib_reader_root(), path = klib_path_get(&si->swap_file->f_path);
	uint64_t size = (uint64_t)si->pages * KB_PER_PAGE;
	uint32_t inuse = 0;
	uint64_t used;
	char name[VFS_PATH_MAX];
	int n = klib_d_path(&path, &root, name, sizeof(name));
	size_t mark = seq_mark(m), width;
	guest_read(&inuse, si->inuse_pages, sizeof(inuse));
	used = (uint64_t)inuse * KB_PER_PAGE;
	bool block = (si->swap_file->f_inode->i_mode & S_IFMT_BITS) == S_IFBLK_BITS;

	if (n > 0)
		seq_escape_mem(m, name, (size_t)n, " \t\n\\");
	width = seq_mark(m) - mark;
	seq_printf(m, "%*s%s\t%llu\t%s", width < SWAP_NAME_WIDTH ? SWAP_NAME_WIDTH - (int)width : 1,
		   " ", block ? "partition" : "file\t", (unsigned long long)size,
		   size < WIDE_NUMBER ? "\t" : "");
	seq_printf(m, "%llu\t%s%d\n", (unsigned long long)used, used < WIDE_NUMBER ? "\t" : "",
		   si->prio);
}

int proc_swaps_show(const struct proc_item *it, struct seq_file *m)
{
	uint32_t n = nr_swapfiles;

	(void)it;
	seq_puts(m, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	for (uint32_t i = 0; i < n && i < SWAP_FILES_MAX; i++) {
		struct swap_info_struct __guest *si = swap_info[i];
		size_t mark = seq_mark(m);
		struct guest_record r = guest_record_begin();

		if (si && si->flags & SWAP_USED &&
		    (!guest_has(struct swap_info_struct, swap_map) || si->swap_map))
			show_swap(m, si);
		if (!guest_record_end(&r))
			seq_rollback(m, mark);
	}
	return guest_faulted() ? -EIO : 0;
}
