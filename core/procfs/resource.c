// SPDX-License-Identifier: MIT
/* /proc/ioports, /proc/iomem: kernel/resource.c */
#include "global.h"

extern struct resource __guest ioport_resource;
extern struct resource __guest iomem_resource;

enum {
	RESOURCE_DEPTH_SHOWN = 5, /* MAX_IORES_LEVEL */
	RESOURCE_DEPTH_MAX = 64,
};

static int show_tree(struct seq_file *m, struct resource __guest *root)
{
	struct guest_bound bound = GUEST_BOUND(GLOBAL_LIST_MAX);
	int width = root->end < 0x10000 ? 4 : 8, depth = 0;
	struct resource __guest *r = root->child;

	while (r && guest_more_at(&bound, r)) {
		int shown = depth < RESOURCE_DEPTH_SHOWN ? depth : RESOURCE_DEPTH_SHOWN;

		seq_printf(m, "%*s%0*llx-%0*llx : ", shown * 2, "", width,
			   (unsigned long long)r->start, width, (unsigned long long)r->end);
		if (r->name)
			global_puts(m, r->name, 255);
		else
			seq_puts(m, "<BAD>");
		seq_putc(m, '\n');
		if (r->child && depth < RESOURCE_DEPTH_MAX) {
			r = r->child;
			depth++;
			continue;
		}
		while (depth && !r->sibling) {
			r = r->parent;
			depth--;
		}
		r = r->sibling;
	}
	return guest_faulted() ? -EIO : 0;
}

int proc_ioports_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	return show_tree(m, &ioport_resource);
}

int proc_iomem_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	return show_tree(m, &iomem_resource);
}
