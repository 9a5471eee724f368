// SPDX-License-Identifier: MIT
/*
 * /proc/keys as root sees it who holds no keys of this machine: security/keys/proc.c, and what kinds of
 * keys say of themselves. /proc/fb: drivers/video/fbdev/core/fbmem.c
 */
#include <errno.h>

#include "klib/cred.h"
#include "klib/rbtree.h"
#include "root.h"

GUEST_TYPES_BEGIN
struct key_type { /* include/linux/key-type.h */
	const char __guest *name;
	void __guest *describe;
};

struct assoc_array { /* include/linux/assoc_array.h */
	unsigned long nr_leaves_on_tree;
};

struct key { /* include/linux/key.h */
	refcount_t usage;
	int serial;
	struct rb_node serial_node;
	int64_t expiry;
	kuid_t uid;
	kgid_t gid;
	uint32_t perm;
	unsigned short datalen;
	short state;
	unsigned long flags;
	struct key_type __guest *type;
	const char __guest *description;
	struct assoc_array keys; /* of a ring */
	struct {
		void __guest *data[4];
	} payload;
};

struct asymmetric_key_subtype { /* include/keys/asymmetric-subtype.h */
	void __guest *describe;
};

struct asymmetric_key_id { /* include/keys/asymmetric-type.h */
	unsigned short len;
	unsigned char data[];
};

struct asymmetric_key_ids {
	struct asymmetric_key_id __guest *id[2];
};

struct public_key { /* include/crypto/public_key.h */
	const char __guest *id_type;
	const char __guest *pkey_algo;
};

struct fb_fix_screeninfo { /* include/uapi/linux/fb.h */
	char id[16];
};

struct fb_info { /* include/linux/fb.h */
	int node;
	struct fb_fix_screeninfo fix;
};
GUEST_TYPES_END

extern struct rb_root __guest key_serial_tree;
extern const char __guest keyring_describe, user_describe, asymmetric_key_describe,
	public_key_describe, proc_keys_show;
extern struct fb_info __guest *__guest registered_fb[];

enum {
	DESCRIPTION_MAX = 4096,
	NAME_SIZE = 10, /* of a type, with its NUL; the kernel shows nine letters */
	NOT_INSTANTIATED = 0,
	POSITIVE = 1,
};

/* May root look at it who isn't its possessor? security/keys/permission.c: key_task_permission() */
static bool is_visible(struct key __guest *k)
{
	enum { VIEW = 1, GROUP_ALL = 0x3f00 };
	uint32_t perm = k->perm;

	if (!k->uid.val)
		return perm >> 16 & VIEW;
	if (!k->gid.val && perm & GROUP_ALL)
		return perm >> 8 & VIEW;
	return perm & VIEW;
}

static void put_time_left(struct seq_file *m, int64_t expiry, int64_t now)
{
	static const struct {
		int64_t below, unit;
		char letter;
	} units[] = {
		{ 60, 1, 's' }, { 3600, 60, 'm' }, { 86400, 3600, 'h' }, { 604800, 86400, 'd' },
		{ INT64_MAX, 604800, 'w' },
	};
	int64_t left = expiry - now;
	const size_t last = sizeof(units) / sizeof(units[0]) - 1;
	size_t i = 0;

	/* 0 was "never" until 6.6 */
	if (!expiry || expiry == INT64_MAX) {
		seq_puts(m, "perm");
	} else if (left <= 0) {
		seq_puts(m, "expd");
	} else {
		char text[24];
		size_t at = sizeof(text) - 1;

		while (i < last && left >= units[i].below)
			i++;
		left /= units[i].unit;
		text[at] = units[i].letter;
		do {
			text[--at] = (char)('0' + left % 10);
			left /= 10;
		} while (left && at);
		for (size_t width = sizeof(text) - at; width < 4; width++)
			seq_putc(m, ' ');
		seq_write(m, text + at, sizeof(text) - at);
	}
}

static void put_string(struct seq_file *m, const char __guest *s)
{
	char text[DESCRIPTION_MAX];

	seq_write(m, text, guest_strncpy(text, s, sizeof(text)));
}

/* crypto/asymmetric_keys/asymmetric_type.c: asymmetric_key_describe(), public_key_describe() */
static void put_asymmetric(struct seq_file *m, struct key __guest *k)
{
	int64_t at = guest_enum_any_or(asym_subtype, 1), ids_at = guest_enum_any_or(asym_key_ids, 2);
	void __guest *__guest *data = k->payload.data;
	struct asymmetric_key_subtype __guest *subtype;
	struct asymmetric_key_ids __guest *ids;

	if (at < 0 || at > 3 || ids_at < 0 || ids_at > 3)
		return;
	subtype = guest_ptr(struct asymmetric_key_subtype, guest_addr(data[at]));
	ids = guest_ptr(struct asymmetric_key_ids, guest_addr(data[ids_at]));
	if (!subtype)
		return;
	seq_puts(m, ": ");
	if (guest_has_symbol(public_key_describe) &&
	    guest_eq(subtype->describe, &public_key_describe)) {
		int64_t crypto = guest_enum_any_or(asym_crypto, 0);
		struct public_key __guest *p = guest_ptr(
			struct public_key, guest_addr(crypto < 0 || crypto > 3 ? NULL : data[crypto]));

		if (p) {
			put_string(m, p->id_type);
			seq_putc(m, '.');
			put_string(m, p->pkey_algo);
		}
	}
	if (ids && ids->id[1]) {
		struct asymmetric_key_id __guest *id = ids->id[1];
		unsigned int len = id->len, skipped = len > 4 ? len - 4 : 0;

		seq_putc(m, ' ');
		for (unsigned int i = skipped; i < len; i++)
			seq_put_hex_ll(m, "", id->data[i], 2);
	}
	seq_puts(m, " []");
}

/* A kind of key that isn't known here shows its name alone. */
static void put_description(struct seq_file *m, struct key __guest *k)
{
	void __guest *describe = k->type->describe;
	bool positive = k->state == POSITIVE;

	if (!describe)
		return;
	if (guest_eq(describe, &keyring_describe)) {
		unsigned long count = k->keys.nr_leaves_on_tree;

		if (k->description)
			put_string(m, k->description);
		else
			seq_puts(m, "[anon]");
		if (positive && count)
			seq_printf(m, ": %lu", count);
		else if (positive)
			seq_puts(m, ": empty");
		return;
	}
	put_string(m, k->description);
	if (guest_eq(describe, &user_describe) && positive)
		seq_printf(m, ": %u", k->datalen);
	if (guest_has_symbol(asymmetric_key_describe) &&
	    guest_eq(describe, &asymmetric_key_describe))
		put_asymmetric(m, k);
}

static void put_key(struct seq_file *m, struct key __guest *k, int64_t now)
{
	/* include/linux/key.h: KEY_FLAG_... */
	enum { DEAD, REVOKED, IN_QUOTA, USER_CONSTRUCT, INVALIDATED = 5 };
	unsigned long flags = k->flags;
	short state = k->state;
	char name[NAME_SIZE];

	guest_strncpy(name, k->type->name, sizeof(name));
	seq_printf(m, "%08x %c%c%c%c%c%c%c %5d ", (unsigned int)k->serial,
		   state != NOT_INSTANTIATED ? 'I' : '-', flags >> REVOKED & 1 ? 'R' : '-',
		   flags >> DEAD & 1 ? 'D' : '-', flags >> IN_QUOTA & 1 ? 'Q' : '-',
		   flags >> USER_CONSTRUCT & 1 ? 'U' : '-', state < 0 ? 'N' : '-',
		   flags >> INVALIDATED & 1 ? 'i' : '-', (int)k->usage.refs.counter);
	put_time_left(m, k->expiry, now);
	seq_printf(m, " %08x %5d %5d %-9.9s ", k->perm, (int)from_kuid_munged(k->uid.val),
		   (int)from_kgid_munged(k->gid.val), name);
	put_description(m, k);
	seq_putc(m, '\n');
}

int proc_keys_show_file(const struct proc_item *it, struct seq_file *m)
{
	struct proc_clocks clocks;
	struct key __guest *k;
	int64_t now;

	(void)it;
	proc_clocks_now(&clocks);
	now = (clocks.mono + clocks.real_ahead) / 1000000000;
	rb_for_each_entry(k, &key_serial_tree, serial_node) {
		struct guest_record r = guest_record_begin();
		size_t mark = seq_mark(m);

		if (is_visible(k))
			put_key(m, k, now);
		if (!guest_record_end(&r))
			seq_rollback(m, mark);
	}
	return guest_faulted() ? -EIO : 0;
}

bool proc_keys_present(const struct proc_item *it)
{
	(void)it;
	return guest_has_symbol(proc_keys_show);
}

int proc_fb_show(const struct proc_item *it, struct seq_file *m)
{
	enum { FB_MAX = 32 };

	(void)it;
	for (int i = 0; i < FB_MAX; i++) {
		struct fb_info __guest *fb = registered_fb[i];
		char id[17];

		if (!fb)
			continue;
		guest_strncpy(id, fb->fix.id, sizeof(id));
		seq_printf(m, "%d %s\n", fb->node, id);
	}
	return guest_faulted() ? -EIO : 0;
}

bool proc_fb_present(const struct proc_item *it)
{
	(void)it;
	return guest_has_symbol(registered_fb) && guest_has_type(struct fb_info);
}
