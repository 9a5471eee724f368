// SPDX-License-Identifier: MIT
/*
 * /proc/partitions, /proc/diskstats: block/genhd.c. Disks are devices of the class "block";
 * a disk's partitions are in an xarray, up to 5.10 in a table of another record.
 */
#include "global.h"
#include "klib/xarray.h"

GUEST_TYPES_BEGIN
/* include/linux/klist.h, drivers/base/base.h, include/linux/device/class.h */
struct klist {
	struct list_head k_list;
};
struct klist_node {
	void __guest *n_klist;
	struct list_head n_node;
};
struct class;
struct subsys_private {
	struct kset subsys;
	struct klist klist_devices;
	struct class __guest *class;
};
struct class {
	struct subsys_private __guest *p; /* up to 6.3 */
};
struct device_private {
	struct klist_node knode_class;
	struct device __guest *device;
};
GUEST_TYPES_END

extern struct class __guest block_class;
extern struct kset __guest *__guest class_kset;
extern const struct device_type __guest disk_type;

enum {
	DISKS_MAX = 1 << 16,
	PARTS_MAX = 1 << 12, /* of one disk */
	KNODE_DEAD = 1,
	DISK_NAME_MAX = 32,
	DISK_MAX_PARTS = 256,
	/* include/linux/genhd.h up to 5.16 */
	GENHD_REMOVABLE = 1 << 0,
	GENHD_SUPPRESS_PARTITION_INFO = 1 << 5,
	GENHD_EXT_DEVT = 1 << 6,
	BD_PARTNO_MASK = 255,
};

/* enum stat_group, include/linux/blk_types.h */
enum {
	STAT_READ,
	STAT_WRITE,
	STAT_DISCARD,
	STAT_FLUSH,
	STAT_GROUPS,
};

/* What both layouts say of a disk or partition. */
struct part {
	uint64_t sectors;
	struct disk_stats __guest *stats;
	uint32_t dev;
	uint32_t number; /* 0: the disk itself */
};

static bool has_hd_struct(void)
{
	return guest_has_type(struct hd_struct);
}

static struct gendisk __guest *dev_disk(struct device __guest *dev)
{
	struct hd_struct __guest *part0;

	if (!has_hd_struct())
		return container_of(dev, struct block_device, bd_device)->bd_disk;
	part0 = container_of(dev, struct hd_struct, __dev);
	return container_of(part0, struct gendisk, part0);
}

typedef void part_fn(struct seq_file *m, const char *disk, const struct part *p);

/* Since 6.4 a class doesn't know its private part: it is found among all of them. */
static struct subsys_private __guest *block_subsys(void)
{
	struct kobject __guest *k;

	if (guest_has(struct class, p))
		return block_class.p;
	list_for_each_entry(k, &class_kset->list, entry) {
		struct kset __guest *set = container_of(k, struct kset, kobj);
		struct subsys_private __guest *sp = container_of(set, struct subsys_private, subsys);

		if (guest_eq(sp->class, &block_class))
			return sp;
	}
	return NULL;
}

static void part_of_bdev(struct block_device __guest *b, struct part *ret)
{
	ret->sectors = b->bd_nr_sectors;
	ret->stats = b->bd_stats;
	ret->dev = b->bd_dev;
	ret->number = guest_has(struct block_device, __bd_flags) ?
			      (uint32_t)b->__bd_flags.counter & BD_PARTNO_MASK :
			      b->bd_partno;
}

/* Call `fn` for the disk and its partitions; empty ones only if `empty_disk` and it is the disk. */
static void each_part(struct seq_file *m, struct gendisk __guest *disk, bool empty_disk,
		      part_fn *fn)
{
	char name[DISK_NAME_MAX + 1];
	struct part p;

	guest_strncpy(name, disk->disk_name, sizeof(name));
	if (has_hd_struct()) {
		struct disk_part_tbl __guest *table = *guest_ptr(struct disk_part_tbl __guest *,
								 guest_addr(&disk->part_tbl));
		struct hd_struct __guest *__guest *parts = table->part;
		int count = table->len;

		for (int i = 0; i < count && i < PARTS_MAX; i++) {
			struct hd_struct __guest *hd = parts[i];

			if (!hd)
				continue;
			p = (struct part){
				.sectors = hd->nr_sects, .stats = hd->dkstats,
				.dev = hd->__dev.devt, .number = (uint32_t)hd->partno,
			};
			if (p.sectors || (empty_disk && !i))
				fn(m, name, &p);
		}
		return;
	}
	for (uint64_t at = 0; at < PARTS_MAX; at++) {
		struct block_device __guest *b =
			guest_ptr(struct block_device, guest_addr(xa_find(&disk->part_tbl, &at)));

		if (!b || at >= PARTS_MAX)
			break;
		part_of_bdev(b, &p);
		if (p.sectors || (empty_disk && !p.number))
			fn(m, name, &p);
	}
}

static void put_part_name(struct seq_file *m, const char *disk, uint32_t number)
{
	size_t size = strlen(disk);

	seq_puts(m, disk);
	if (!number)
		return;
	if (size && disk[size - 1] >= '0' && disk[size - 1] <= '9')
		seq_putc(m, 'p');
	seq_put_decimal_ull(m, "", number);
}

static uint64_t disk_sectors(struct gendisk __guest *disk)
{
	if (has_hd_struct())
		return disk->part0.nr_sects;
	return (*guest_ptr(struct block_device __guest *, guest_addr(&disk->part0)))->bd_nr_sectors;
}

/* Disks that /proc/partitions leaves out. */
static bool disk_is_hidden(struct gendisk __guest *disk)
{
	uint32_t flags = (uint32_t)disk->flags;
	int parts;

	if (!disk_sectors(disk))
		return true;
	if (!has_hd_struct())
		return flags & guest_enum_any_or(GENHD_FL_HIDDEN, 1 << 10);
	parts = flags & GENHD_EXT_DEVT ? DISK_MAX_PARTS : disk->minors;
	return (!parts && flags & GENHD_REMOVABLE) || flags & GENHD_SUPPRESS_PARTITION_INFO;
}

static void show_partition(struct seq_file *m, const char *disk, const struct part *p)
{
	seq_printf(m, "%4u  %7u %10llu ", p->dev >> 20, p->dev & 0xfffff,
		   (unsigned long long)(p->sectors >> 1));
	put_part_name(m, disk, p->number);
	seq_putc(m, '\n');
}

struct io_sums {
	uint64_t nsecs[STAT_GROUPS], sectors[STAT_GROUPS], ios[STAT_GROUPS], merges[STAT_GROUPS];
	uint64_t ticks;
	uint32_t in_flight;
};

static void sum_stats(struct disk_stats __guest *stats, struct io_sums *ret)
{
	for_each_possible_cpu(cpu) {
		struct disk_stats __guest *s = guest_per_cpu_ptr(stats, cpu);
		uint64_t __guest *nsecs = s->nsecs;
		unsigned long __guest *sectors = s->sectors, *ios = s->ios, *merges = s->merges;
		unsigned long __guest *flying = s->in_flight;

		for (int g = 0; g < STAT_GROUPS; g++) {
			ret->nsecs[g] += nsecs[g];
			ret->sectors[g] += sectors[g];
			ret->ios[g] += ios[g];
			ret->merges[g] += merges[g];
		}
		ret->ticks += s->io_ticks;
		ret->in_flight += (uint32_t)(flying[0] + flying[1]);
	}
	if ((int32_t)ret->in_flight < 0)
		ret->in_flight = 0;
}

static unsigned int msecs(uint64_t ns)
{
	return (unsigned int)(ns / 1000000);
}

static void show_stats(struct seq_file *m, const char *disk, const struct part *p)
{
	struct io_sums s = {0};
	uint64_t all = 0, hz = global_hz();

	sum_stats(p->stats, &s);
	seq_printf(m, "%4u %7u ", p->dev >> 20, p->dev & 0xfffff);
	put_part_name(m, disk, p->number);
	for (int g = STAT_READ; g <= STAT_WRITE; g++)
		seq_printf(m, " %llu %llu %llu %u", (unsigned long long)s.ios[g],
			   (unsigned long long)s.merges[g], (unsigned long long)s.sectors[g],
			   msecs(s.nsecs[g]));
	for (int g = 0; g < STAT_GROUPS; g++)
		all += s.nsecs[g];
	seq_printf(m, " %u %u %u", s.in_flight, (unsigned int)((s.ticks * 1000 + hz - 1) / hz),
		   msecs(all));
	seq_printf(m, " %llu %llu %llu %u %llu %u\n", (unsigned long long)s.ios[STAT_DISCARD],
		   (unsigned long long)s.merges[STAT_DISCARD],
		   (unsigned long long)s.sectors[STAT_DISCARD], msecs(s.nsecs[STAT_DISCARD]),
		   (unsigned long long)s.ios[STAT_FLUSH], msecs(s.nsecs[STAT_FLUSH]));
}

/* Devices of the class in the order of registration, those of the type "disk". */
static int each_disk(struct seq_file *m, bool partitions)
{
	struct subsys_private __guest *sp = block_subsys();
	struct klist_node __guest *n;
	bool first = true;

	if (!sp)
		return guest_faulted() ? -EIO : 0;
	list_for_each_entry(n, &sp->klist_devices.k_list, n_node) {
		struct guest_record r = guest_record_begin();
		struct device __guest *dev =
			container_of(n, struct device_private, knode_class)->device;
		size_t mark = seq_mark(m);

		if (!(guest_addr(n->n_klist) & KNODE_DEAD) && guest_eq(dev->type, &disk_type)) {
			struct gendisk __guest *disk = dev_disk(dev);

			if (partitions && first)
				seq_puts(m, "major minor  #blocks  name\n\n");
			first = false;
			if (!partitions)
				each_part(m, disk, true, show_stats);
			else if (!disk_is_hidden(disk))
				each_part(m, disk, false, show_partition);
		}
		if (!guest_record_end(&r))
			seq_rollback(m, mark);
	}
	return guest_faulted() ? -EIO : 0;
}

int proc_partitions_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	return each_disk(m, true);
}

int proc_diskstats_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	return each_disk(m, false);
}
