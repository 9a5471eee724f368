// SPDX-License-Identifier: MIT
/*
 * Registries of drivers: /proc/devices, misc, filesystems, consoles, dma, tty/drivers, tty/ldiscs
 * (fs/proc/{devices,consoles,proc_tty}.c, drivers/char/misc.c, fs/filesystems.c).
 */
#include "global.h"
#include "klib/ahead.h"

GUEST_TYPES_BEGIN
/* include/linux/tty_ldisc.h */
struct tty_ldisc_ops {
	const char __guest *name;
};
/* drivers/tty/serial: where a serial console finds its driver */
struct uart_driver {
	struct tty_driver __guest *tty_driver;
};
GUEST_TYPES_END

extern struct file_system_type __guest *__guest file_systems;
extern struct char_device_struct __guest *__guest chrdevs[];
extern struct blk_major_name __guest *__guest major_names[];
extern struct list_head __guest misc_list;
extern struct list_head __guest tty_drivers;
extern struct tty_ldisc_ops __guest *__guest tty_ldiscs[];
extern char __guest dma_chan_busy[];
extern struct hlist_head __guest console_list;
extern struct console __guest *__guest console_drivers;
extern struct tty_driver __guest *__guest console_driver;
extern char __guest uart_console_device[];
extern char __guest vt_console_device[];
extern char __guest hvc_console_device[];
extern struct tty_driver __guest *__guest hvc_driver;

enum {
	MAJORS_MAX = 512, /* CHRDEV_MAJOR_MAX and BLKDEV_MAJOR_MAX */
	MAJORS_HASH = 255,
	MINOR_BITS = 20,
	DMA_CHANNELS = 8,
	LDISCS_MAX = 31,
	FS_REQUIRES_DEV = 1,
	/* include/linux/tty_driver.h; enumerators since 6.17, macros before */
	TTY_TYPE_SYSTEM = 1,
	TTY_TYPE_CONSOLE = 2,
	TTY_TYPE_SERIAL = 3,
	TTY_TYPE_PTY = 4,
	TTY_SUBTYPE_SYSTEM_TTY = 1,
	TTY_SUBTYPE_SYSTEM_CONSOLE = 2,
	TTY_SUBTYPE_SYSTEM_SYSCONS = 3,
	TTY_SUBTYPE_PTY_MASTER = 1,
	TTY_SUBTYPE_PTY_SLAVE = 2,
};

int proc_filesystems_show(const struct proc_item *it, struct seq_file *m)
{
	struct guest_bound bound = GUEST_BOUND(GLOBAL_LIST_MAX);
	bool linked = guest_has(struct file_system_type, list);
	uint64_t link = linked ? guest_offsetof(struct file_system_type, list) : 0;
	uint64_t next = linked ? 0 : guest_offsetof(struct file_system_type, next);

	(void)it;
	if (guest_hints()) {
		struct ahead a = ahead_make(link, guest_sizeof(struct file_system_type));

		a.chain.first.v = guest_addr(file_systems);
		a.chain.next_offset = (int64_t)next;
		ahead_follow(&a, AHEAD_NODE, guest_offsetof(struct file_system_type, name), 32);
		guest_chase(&a.chain);
	}
	for (uint64_t node = guest_addr(file_systems); node && guest_more_at(&bound, guest_ptr(char, node));
	     node = *guest_ptr(uint64_t, node + next)) {
		struct file_system_type __guest *fs = guest_ptr(struct file_system_type, node - link);

		seq_puts(m, fs->fs_flags & FS_REQUIRES_DEV ? "\t" : "nodev\t");
		global_puts(m, fs->name, 255);
		seq_putc(m, '\n');
	}
	return guest_faulted() ? -EIO : 0;
}

int proc_devices_show(const struct proc_item *it, struct seq_file *m)
{
	struct guest_bound bound = GUEST_BOUND(GLOBAL_LIST_MAX * 4);

	(void)it;
	seq_puts(m, "Character devices:\n");
	for (unsigned int major = 0; major < MAJORS_MAX; major++) {
		struct char_device_struct __guest *cd = chrdevs[major % MAJORS_HASH];

		for (; cd && guest_more(&bound); cd = cd->next) {
			if (cd->major != major)
				continue;
			seq_printf(m, "%3u ", major);
			global_puts(m, cd->name, sizeof(cd->name));
			seq_putc(m, '\n');
		}
	}
	if (!guest_has_symbol(major_names))
		return guest_faulted() ? -EIO : 0;
	seq_puts(m, "\nBlock devices:\n");
	for (unsigned int major = 0; major < MAJORS_MAX; major++) {
		struct blk_major_name __guest *dp = major_names[major % MAJORS_HASH];

		for (; dp && guest_more(&bound); dp = dp->next) {
			if (dp->major != (int)major)
				continue;
			seq_printf(m, "%3u ", major);
			global_puts(m, dp->name, sizeof(dp->name));
			seq_putc(m, '\n');
		}
	}
	return guest_faulted() ? -EIO : 0;
}

int proc_misc_show(const struct proc_item *it, struct seq_file *m)
{
	struct miscdevice __guest *p;

	(void)it;
	list_for_each_entry(p, &misc_list, list) {
		seq_printf(m, "%3i ", p->minor);
		if (p->name)
			global_puts(m, p->name, 255);
		seq_putc(m, '\n');
	}
	return guest_faulted() ? -EIO : 0;
}

/* Kernels without ISA DMA have no such file. */
bool proc_dma_present(const struct proc_item *it)
{
	(void)it;
	return guest_has_symbol(dma_chan_busy);
}

/*
 * kernel/dma.c: an array of a lock and a name each. The record is called like another one of the
 * kernel's, so its layout can't be asked for by name.
 */
int proc_dma_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	for (uint64_t i = 0; i < DMA_CHANNELS; i++) {
		uint64_t at = guest_addr(&dma_chan_busy) + i * 16;

		if (!*guest_ptr(int, at))
			continue;
		seq_printf(m, "%2llu: ", (unsigned long long)i);
		global_puts(m, *guest_ptr(const char __guest *, at + 8), 255);
		seq_putc(m, '\n');
	}
	return guest_faulted() ? -EIO : 0;
}

static void put_tty(struct seq_file *m, const char *driver, const char *name)
{
	seq_printf(m, "%-20s /dev/%-8s ", driver, name);
}

static void put_tty_type(struct seq_file *m, int type, int subtype)
{
	switch (type) {
	case TTY_TYPE_SYSTEM:
		seq_puts(m, "system");
		if (subtype == TTY_SUBTYPE_SYSTEM_TTY)
			seq_puts(m, ":/dev/tty");
		else if (subtype == TTY_SUBTYPE_SYSTEM_SYSCONS)
			seq_puts(m, ":console");
		else if (subtype == TTY_SUBTYPE_SYSTEM_CONSOLE)
			seq_puts(m, ":vtmaster");
		break;
	case TTY_TYPE_CONSOLE:
		seq_puts(m, "console");
		break;
	case TTY_TYPE_SERIAL:
		seq_puts(m, "serial");
		break;
	case TTY_TYPE_PTY:
		seq_puts(m, "pty");
		if (subtype == TTY_SUBTYPE_PTY_MASTER)
			seq_puts(m, ":master");
		else if (subtype == TTY_SUBTYPE_PTY_SLAVE)
			seq_puts(m, ":slave");
		break;
	default:
		seq_printf(m, "type:%d.%d", type, subtype);
	}
	seq_putc(m, '\n');
}

static void show_tty_driver(struct seq_file *m, struct tty_driver __guest *p)
{
	char driver[64], name[64];
	uint32_t from, num = p->num, minor_mask = (1u << MINOR_BITS) - 1;

	if (p->driver_name)
		guest_strncpy(driver, p->driver_name, sizeof(driver));
	else
		strcpy(driver, "unknown");
	guest_strncpy(name, p->name, sizeof(name));
	from = (uint32_t)p->major << MINOR_BITS | ((uint32_t)p->minor_start & minor_mask);
	/* one line for each major number that the range touches: at most 4096 */
	for (uint32_t left = num; left;) {
		uint32_t here = minor_mask + 1 - (from & minor_mask);

		if (here > left)
			here = left;
		put_tty(m, driver, name);
		seq_printf(m, "%3u ", from >> MINOR_BITS);
		if (num > 1)
			seq_printf(m, "%u-%u ", from & minor_mask, (from & minor_mask) + here - 1);
		else
			seq_printf(m, "%7u ", from & minor_mask);
		put_tty_type(m, p->type, p->subtype);
		from += here;
		left -= here;
	}
}

int proc_tty_drivers_show(const struct proc_item *it, struct seq_file *m)
{
	struct tty_driver __guest *p;

	(void)it;
	/* the pseudo-drivers come with the first real one */
	if (!list_empty(&tty_drivers)) {
		put_tty(m, "/dev/tty", "tty");
		seq_puts(m, "  5       0 system:/dev/tty\n");
		put_tty(m, "/dev/console", "console");
		seq_puts(m, "  5       1 system:console\n");
		if (guest_has_symbol(ptmx_fops)) {
			put_tty(m, "/dev/ptmx", "ptmx");
			seq_puts(m, "  5       2 system\n");
		}
		if (guest_has_symbol(console_driver)) {
			put_tty(m, "/dev/vc/0", "vc/0");
			seq_puts(m, "  4       0 system:vtmaster\n");
		}
	}
	list_for_each_entry(p, &tty_drivers, tty_drivers)
		show_tty_driver(m, p);
	return guest_faulted() ? -EIO : 0;
}

int proc_tty_ldiscs_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	for (int i = 0; i < LDISCS_MAX; i++) {
		struct tty_ldisc_ops __guest *ops = tty_ldiscs[i];
		char name[32] = "???";

		if (!ops)
			continue;
		if (ops->name)
			guest_strncpy(name, ops->name, sizeof(name));
		seq_printf(m, "%-10s %2d\n", name, i);
	}
	return guest_faulted() ? -EIO : 0;
}

/* include/linux/printk.h, include/linux/console.h: flags, in the order of their letters */
static const struct {
	unsigned int flag;
	char letter;
} console_flags[] = {
	{ 1 << 2, 'E' }, { 1 << 1, 'C' }, { 1 << 3, 'B' }, { 1 << 8, 'N' },
	{ 1 << 0, 'p' }, { 1 << 5, 'b' }, { 1 << 4, 'a' },
};

enum {
	CONSOLE_NBCON = 1 << 8,
};

/* Which driver a console's device() gives: its code can't run here; the common ones are known. */
static struct tty_driver __guest *console_tty(struct console __guest *con)
{
	uint64_t fn = guest_addr(con->device);

	if (guest_has_symbol(uart_console_device) && guest_eq(fn, &uart_console_device))
		return guest_ptr(struct uart_driver, guest_addr(con->data))->tty_driver;
	if (guest_has_symbol(vt_console_device) && guest_eq(fn, &vt_console_device))
		return console_driver;
	if (guest_has_symbol(hvc_console_device) && guest_eq(fn, &hvc_console_device))
		return hvc_driver;
	return NULL;
}

static void show_console(struct seq_file *m, struct console __guest *con)
{
	unsigned int flags = (uint16_t)con->flags;
	struct tty_driver __guest *tty;
	char name[17];

	guest_strncpy(name, con->name, sizeof(name));
	seq_setwidth(m, 20);
	seq_printf(m, "%s%d", name, con->index);
	seq_pad(m, ' ');
	seq_putc(m, con->read ? 'R' : '-');
	seq_putc(m, con->write || (flags & CONSOLE_NBCON && guest_has(struct console, node)) ? 'W' :
											       '-');
	seq_putc(m, con->unblank ? 'U' : '-');
	seq_puts(m, " (");
	for (size_t i = 0; i < sizeof(console_flags) / sizeof(console_flags[0]); i++) {
		/* a letter that came with consoles that need no lock */
		if (console_flags[i].letter == 'N' && !guest_has_type(struct nbcon_state))
			continue;
		seq_putc(m, flags & console_flags[i].flag ? console_flags[i].letter : ' ');
	}
	seq_putc(m, ')');
	tty = con->device ? console_tty(con) : NULL;
	if (tty)
		seq_printf(m, " %4d:%d", tty->major, tty->minor_start + con->index);
	seq_putc(m, '\n');
}

int proc_consoles_show(const struct proc_item *it, struct seq_file *m)
{
	struct guest_bound bound = GUEST_BOUND(1024);
	struct console __guest *con;

	(void)it;
	if (guest_has_symbol(console_list)) {
		hlist_for_each_entry(con, &console_list, node)
			show_console(m, con);
	} else {
		for (con = console_drivers; con && guest_more_at(&bound, con); con = con->next)
			show_console(m, con);
	}
	return guest_faulted() ? -EIO : 0;
}
