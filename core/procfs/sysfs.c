// SPDX-License-Identifier: MIT
/*
 * What of /sys goes with /proc: /sys/module, by which lsmod finds sizes and users of what /proc/modules lists (kernel/params.c,
 * kernel/module/main.c and sysfs.c). It stands in /proc under a name of its own, unlisted; doors lead /sys/module there.
 */
#include "global.h"

extern struct kset __guest *__guest module_kset;

enum {
	NAME_SIZE = 56, /* MODULE_NAME_LEN: 64 - sizeof(long) */
	CORE_PARTS = 4,	/* enum mod_mem_type: those in front of MOD_INIT_TEXT */
	PARTS_MAX = 16,
	STEPS_MAX = 1 << 22, /* of one listing, which looks at all names for each: those of 2,000 modules */
};

/* ---- the order of names: fs/kernfs/dir.c, kernfs_name_hash() ---- */

struct name {
	char text[NAME_SIZE];
	uint32_t hash;
	uint64_t address; /* of what it names */
};

static uint32_t name_hash(const char *text)
{
	uint64_t h = 0;
	uint32_t r;

	for (const char *p = text; *p; p++)
		h = (h + ((uint64_t)(unsigned char)*p << 4) + ((unsigned char)*p >> 4)) * 11;
	r = (uint32_t)(h * 0x61c8864680b583ebull >> 32) & INT32_MAX;
	if (r < 2)
		r += 2;
	return r == INT32_MAX ? INT32_MAX - 1 : r;
}

/* Makes a name of what may be none: then it is passed over. */
static bool name_get(const char __guest *text, uint64_t address, struct name *ret)
{
	if (!text || !guest_strncpy(ret->text, text, sizeof(ret->text)) || strchr(ret->text, '/'))
		return false;
	ret->hash = name_hash(ret->text);
	ret->address = address;
	return true;
}

static bool name_before(const struct name *a, const struct name *b)
{
	return a->hash != b->hash ? a->hash < b->hash : strcmp(a->text, b->text) < 0;
}

/* One of many names: is it the first one behind `last`, so far? */
static void name_offer(const struct name *n, const struct name *last, struct name *best, bool *any)
{
	if (!name_before(last, n) || (*any && !name_before(n, best)))
		return;
	*best = *n;
	*any = true;
}

/* ---- a module ---- */

static struct module_kobject __guest *kobject_at(struct kobject __guest *k)
{
	return guest_container_of(k, struct module_kobject, kobj);
}

/* By the item's address, as long as it is listed. */
static struct kobject __guest *find_kobject(uint64_t address)
{
	struct kobject __guest *k;

	list_for_each_entry(k, &module_kset->list, entry) {
		if (guest_addr(k) == address)
			return k;
	}
	return NULL;
}

/* NULL also for what is built into the kernel. */
static struct module __guest *find_module(const struct proc_item *it)
{
	struct kobject __guest *k = find_kobject(it->arg);

	return k ? kobject_at(k)->mod : NULL;
}

static int coresize_show(const struct proc_item *it, struct seq_file *m)
{
	struct module __guest *mod = find_module(it);
	int64_t parts = guest_enum_or(enum mod_mem_type, MOD_INIT_TEXT, CORE_PARTS);
	uint32_t size = 0;

	if (!mod)
		return -ENODEV;
	if (!guest_has_type(struct module_memory))
		size = mod->core_layout.size;
	else
		for (int64_t i = 0; i < parts && i < PARTS_MAX; i++)
			size += (&mod->mem[0] + i)->size;
	seq_printf(m, "%u\n", size);
	return guest_faulted() ? -EIO : 0;
}

static int refcnt_show(const struct proc_item *it, struct seq_file *m)
{
	struct module __guest *mod = find_module(it);

	if (!mod)
		return -ENODEV;
	seq_printf(m, "%i\n", mod->refcnt.counter - 1); /* MODULE_REF_BASE */
	return guest_faulted() ? -EIO : 0;
}

static int initstate_show(const struct proc_item *it, struct seq_file *m)
{
	struct module __guest *mod = find_module(it);
	int64_t state = mod ? mod->state : 0;

	if (!mod)
		return -ENODEV;
	if (state == guest_enum(enum module_state, MODULE_STATE_COMING))
		seq_puts(m, "coming\n");
	else if (state == guest_enum(enum module_state, MODULE_STATE_GOING))
		seq_puts(m, "going\n");
	else
		seq_puts(m, "live\n");
	return guest_faulted() ? -EIO : 0;
}

/* ---- the modules that use it ---- */

static int holder_link(const struct proc_item *it, char buf[VFS_PATH_MAX])
{
	struct module __guest *user = guest_ptr(struct module, it->arg);
	char name[NAME_SIZE];

	/* another one than when it was listed, if the guest likes: a link leads nowhere else all the same */
	if (!guest_strncpy(name, user->name, sizeof(name)) || strchr(name, '/') || guest_faulted())
		return -ENOENT;
	memcpy(buf, "../../", 6);
	memcpy(buf + 6, name, strlen(name));
	return (int)(6 + strlen(name));
}

static const struct proc_row holder_row = {
	.name = "HOLDER", .mode = PROC_LNK(0777), .link = holder_link,
};

static bool holder_next(struct module __guest *mod, const struct name *last, struct name *ret,
			struct guest_bound *b)
{
	struct module_use __guest *use;
	bool any = false;
	struct name n;

	list_for_each_entry(use, &mod->source_list, source_list) {
		if (!guest_more(b))
			return false;
		if (name_get(use->source->name, guest_addr(use->source), &n))
			name_offer(&n, last, ret, &any);
	}
	return any;
}

static int holders_lookup(struct proc_item *it, const char *name, size_t name_size,
			  const struct proc_row **row_ret)
{
	struct module __guest *mod = find_module(it);
	struct module_use __guest *use;
	struct name n;

	if (!mod)
		return -ENOENT;
	list_for_each_entry(use, &mod->source_list, source_list) {
		if (!name_get(use->source->name, guest_addr(use->source), &n) || strlen(n.text) != name_size ||
		    memcmp(n.text, name, name_size) != 0)
			continue;
		it->arg = n.address;
		*row_ret = &holder_row;
		return 0;
	}
	return -ENOENT;
}

static int holders_list(const struct proc_item *it, struct proc_list *l)
{
	struct module __guest *mod = find_module(it);
	struct guest_bound b = GUEST_BOUND(STEPS_MAX);
	struct proc_item child = *it;
	struct name last = { 0 }, n;

	while (mod && holder_next(mod, &last, &n, &b)) {
		child.arg = n.address;
		if (!proc_list_emit(l, n.text, strlen(n.text), &child, &holder_row))
			return -ENOMEM;
		last = n;
	}
	return guest_faulted() ? -EIO : 0;
}

static const struct proc_dir holders_dir = { .lookup = holders_lookup, .list = holders_list };

/* ---- the folders ---- */

static bool is_module(const struct proc_item *it)
{
	return find_module(it);
}

static const struct proc_row module_rows[] = {
	{ .name = "coresize", .mode = PROC_REG(0444), .show = coresize_show, .present = is_module },
	{ .name = "holders", .mode = PROC_DIR(0755), .dir = &holders_dir, .present = is_module },
	{ .name = "initstate", .mode = PROC_REG(0444), .show = initstate_show, .present = is_module },
	{ .name = "refcnt", .mode = PROC_REG(0444), .show = refcnt_show, .present = is_module },
	{ 0 }
};

static const struct proc_row module_row = {
	.name = "MODULE", .mode = PROC_DIR(0755), .rows = module_rows,
};

static int modules_lookup(struct proc_item *it, const char *name, size_t name_size,
			  const struct proc_row **row_ret)
{
	struct kobject __guest *k;
	struct name n;

	list_for_each_entry(k, &module_kset->list, entry) {
		if (!name_get(k->name, guest_addr(k), &n) || strlen(n.text) != name_size ||
		    memcmp(n.text, name, name_size) != 0)
			continue;
		it->arg = n.address;
		*row_ret = &module_row;
		return 0;
	}
	return -ENOENT;
}

static bool modules_next(const struct name *last, struct name *ret, struct guest_bound *b)
{
	struct kobject __guest *k;
	bool any = false;
	struct name n;

	list_for_each_entry(k, &module_kset->list, entry) {
		if (!guest_more(b))
			return false;
		if (name_get(k->name, guest_addr(k), &n))
			name_offer(&n, last, ret, &any);
	}
	return any;
}

static int modules_list(const struct proc_item *it, struct proc_list *l)
{
	struct guest_bound b = GUEST_BOUND(STEPS_MAX);
	struct proc_item child = *it;
	struct name last = { 0 }, n;

	while (modules_next(&last, &n, &b)) {
		child.arg = n.address;
		if (!proc_list_emit(l, n.text, strlen(n.text), &child, &module_row))
			return -ENOMEM;
		last = n;
	}
	return guest_faulted() ? -EIO : 0;
}

static bool modules_present(const struct proc_item *it)
{
	(void)it;
	return guest_has_symbol(module_kset) && guest_has_type(struct module_kobject);
}

static const struct proc_dir modules_dir = { .lookup = modules_lookup, .list = modules_list };

const struct proc_row proc_sysfs_rows[] = {
	{ .name = "module", .mode = PROC_DIR(0755), .dir = &modules_dir, .present = modules_present },
	{ 0 }
};
