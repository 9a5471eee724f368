// SPDX-License-Identifier: MIT
/*
 * Is the kernel that was found still the one in this memory? A restarted guest overwrites it bit by bit,
 * for seconds: firmware first, then a boot loader's files, then the next kernel's image, tables and
 * allocations, while most of what tools read still looks like the old kernel. So words are watched that
 * stand still as long as a kernel runs, and lie scattered over what each of those steps writes:
 *
 * - what PC firmware leaves in the first page, which kernels keep out of: it is cleared and set anew
 *   before anything else is overwritten, and the clock in it (see ktype_boot) tells one boot from any other;
 * - the trampoline in the first MiB, set by each kernel as it boots;
 * - tables on the way to the kernel's image, and to places all over the direct map;
 * - words of the image's own constant data.
 *
 * All are noted once, by their physical addresses, and then compared by one batch of reads.
 */
#include <string.h>

#include "base/checked.h"
#include "internal.h"

/* Hardware sets these in a page-table entry by itself (SDM vol. 3A 4.8). */
#define ENTRY_VOLATILE ((1ull << 5) | (1ull << 6))
#define ENTRY_PRESENT  1ull
#define ENTRY_HUGE     (1ull << 7)
#define ENTRY_ADDR     0x000ffffffffff000ull
#define ENTRY_TABLE    3ull /* of Linux's own tables: present, writable (_KERNPG_TABLE) */

#define GIB		 ((uint64_t)1 << 30)
#define IMAGE_START	 0xffffffff80000000u
#define DIRECT_MAP_ENTRY 273 /* of the top table: where the direct map can be first */

enum {
	ENTRIES = 512,
	LEVEL_LARGE = 2, /* of entries that map 2 MiB */
	LEVEL_GIANT = 3,
	PROBES = 4, /* places in the direct map */
	UTS_VERSION = 3 * KTYPE_OSRELEASE_SIZE, /* struct new_utsname: after sysname, nodename, release */
};

/* In the BIOS data area: where its extension is, how much low memory there is, and its clock. */
static const struct {
	uint16_t at, size;
} firmware_fields[] = {{0x40e, 2}, {0x413, 2}, {KTYPE_FIRMWARE_CLOCK, 4}};

static void add(struct source *s, uint64_t gpa)
{
	if (s->watch_count < SOURCE_WATCHES_MAX)
		s->watches[s->watch_count++] = (struct watch){.gpa = gpa};
}

/* The entry at `gpa` of a table of `level` (0: one that never changes), on the way to `maps`. */
static void add_entry(struct source *s, uint64_t gpa, unsigned int level, uint64_t maps)
{
	/* the way there is shared by many */
	for (size_t i = 0; i < s->watch_count; i++)
		if (s->watches[i].gpa == gpa)
			return;
	if (s->watch_count < SOURCE_WATCHES_MAX)
		s->watches[s->watch_count++] =
			(struct watch){.gpa = gpa, .is_entry = true, .level = level, .maps = maps};
}

#define MAPS_ANYTHING ~0ull

/* One address on its way down the tables. */
struct probe {
	uint64_t va;
	uint64_t maps;	/* what it has to lead to */
	uint64_t table; /* 0: arrived, or lost */
};

static uint64_t entry_at(const struct probe *p, unsigned int level)
{
	return p->table + (p->va >> (level * 9 + 3) & (ENTRIES - 1)) * sizeof(uint64_t);
}

/*
 * Go down one level with all of them at once, since reads may be system calls. What doesn't lead where it
 * should isn't watched.
 */
static enum err descend(struct source *s, struct probe *p, size_t count, unsigned int level)
{
	uint64_t entries[PROBES + 1];
	struct guest_phys_io ios[PROBES + 1];
	size_t which[PROBES + 1], n = 0;
	enum err e;

	for (size_t i = 0; i < count; i++) {
		if (!p[i].table)
			continue;
		which[n] = i;
		ios[n] = (struct guest_phys_io){
			.at = {entry_at(&p[i], level)}, .buf = &entries[n], .size = sizeof(entries[n])};
		n++;
	}
	e = n ? guest_phys_read_many(&s->phys, ios, n, NULL) : ERR_OK;
	for (size_t i = 0; i < n && !e; i++) {
		struct probe *x = &p[which[i]];
		uint64_t size = 1ull << (level * 9 + 3), entry = entries[i];
		bool huge = entry & ENTRY_HUGE && level <= LEVEL_GIANT;
		uint64_t at = entry & ENTRY_ADDR & ~(size - 1);

		x->table = 0;
		if (!ios[i].ok || !(entry & ENTRY_PRESENT) || (huge && 
		    x->maps != MAPS_ANYTHING && at != x->maps / size * size))
			continue;
		add_entry(s, ios[i].at.v, level <= LEVEL_GIANT ? level : 0, huge ? at : x->maps);
		if (!huge && level > LEVEL_LARGE)
			x->table = entry & ENTRY_ADDR;
	}
	return e;
}

/*
 * Where the direct map begins: its first GiB is mapped at the start of an entry of the table of GiBs. 0: not
 * found. Its place is random, so the first entry that is there is looked for, level by level.
 */
static enum err direct_map(struct source *s, const struct guest_paging *paging, uint64_t *ret)
{
	unsigned int shift = paging->levels * 9 + 3;
	uint64_t va = ~0ull << (shift + 8) | (uint64_t)DIRECT_MAP_ENTRY << shift;
	uint64_t at = paging->kernel_top.v, table[ENTRIES];
	enum err e = ERR_OK;

	*ret = 0;
	for (unsigned int level = paging->levels; level >= LEVEL_GIANT; level--) {
		uint64_t i = va >> (level * 9 + 3) & (ENTRIES - 1);

		e = guest_phys_read(&s->phys, (struct gpa){at}, table, sizeof(table), NULL);
		if (e)
			return e == ERR_NOPHYS ? ERR_OK : e;
		while (i < ENTRIES && !(table[i] & ENTRY_PRESENT))
			i++;
		if (i == ENTRIES)
			return ERR_OK;
		va = (va >> (level * 9 + 12) << (level * 9 + 12)) | i << (level * 9 + 3);
		at = table[i] & ENTRY_ADDR;
	}
	*ret = va;
	return ERR_OK;
}

/* Memory that can't be taken out: it begins at 0 and ends below the hole that lies below 4 GiB. */
static uint64_t low_end(const struct source *s)
{
	uint64_t end = 0;

	for (size_t i = 0; i < s->extent_count && s->extents[i].e.gpa <= end; i++)
		end = s->extents[i].e.gpa + s->extents[i].e.size;
	return end < 4 * GIB ? end : 4 * GIB;
}

static enum err add_tables(struct source *s, const struct ktype_boot *boot)
{
	struct probe probes[PROBES + 1] = {
		{.va = boot->at.stext, .maps = MAPS_ANYTHING, .table = boot->paging.kernel_top.v}};
	uint64_t base, end = low_end(s);
	size_t count = 1;
	enum err e = direct_map(s, &boot->paging, &base);

	for (uint64_t i = 0; i < PROBES && base && !e; i++) {
		uint64_t at = end / PROBES * i + end / PROBES / 2;

		probes[count++] = (struct probe){
			.va = base + at, .maps = at, .table = boot->paging.kernel_top.v};
	}
	for (unsigned int level = boot->paging.levels; level >= LEVEL_LARGE && !e; level--)
		e = descend(s, probes, count, level);
	return e;
}

/* Constant words of the image, which is in one run of physical memory. */
static void add_image(struct source *s, const struct ktype_boot *boot)
{
	const uint64_t at[] = {
		boot->at.uts_name ? boot->at.uts_name + UTS_VERSION : 0,
		boot->at.kallsyms_names,
		boot->at.kallsyms_offsets,
	};

	for (size_t i = 0; i < BASE_COUNT(at); i++)
		if (at[i] >= IMAGE_START)
			add(s, (at[i] - IMAGE_START + (uint64_t)boot->phys_base) & ~7ull);
}

/* What is compared, at one time. */
struct sight {
	uint8_t canary[CANARY_SIZE];
	uint8_t firmware[FIRMWARE_SIZE];
	uint64_t values[SOURCE_WATCHES_MAX];
	bool has_firmware;
	bool there[SOURCE_WATCHES_MAX];
};

static enum err look(struct source *s, struct sight *ret)
{
	struct guest_phys_io ios[SOURCE_WATCHES_MAX + 2] = {
		{.at = s->canary_at, .buf = ret->canary, .size = CANARY_SIZE},
		{.at = {FIRMWARE_AT}, .buf = ret->firmware, .size = FIRMWARE_SIZE},
	};
	enum err e;

	_Static_assert((int)SOURCE_WATCHES_MAX + 2 <= (int)GUEST_PHYS_BATCH, "one batch");
	for (size_t i = 0; i < s->watch_count; i++)
		ios[i + 2] = (struct guest_phys_io){.at = {s->watches[i].gpa},
						    .buf = &ret->values[i],
						    .size = sizeof(ret->values[i])};
	e = guest_phys_read_many(&s->phys, ios, s->watch_count + 2, NULL);
	if (!e && !ios[0].ok)
		e = ERR_NOPHYS;
	ret->has_firmware = !e && ios[1].ok;
	for (size_t i = 0; i < s->watch_count && !e; i++) {
		ret->there[i] = ios[i + 2].ok;
		if (s->watches[i].is_entry)
			ret->values[i] &= ~ENTRY_VOLATILE;
	}
	return e;
}

enum err watch_begin(struct source *s, const struct ktype_boot *boot)
{
	struct sight now;
	size_t kept = 0;
	enum err e;

	s->canary_at = boot->vmcoreinfo;
	s->watch_count = 0;
	/* the last entry of the top table maps the kernel's image */
	add_entry(s, boot->paging.kernel_top.v + GUEST_PAGE_SIZE - 8, 0, 0);
	if (boot->trampoline.v)
		add_entry(s, boot->trampoline.v + GUEST_PAGE_SIZE - 8, 0, 0);
	add_image(s, boot);
	e = add_tables(s, boot);
	if (!e)
		e = look(s, &now);
	if (e)
		return e;
	memcpy(s->canary, now.canary, sizeof(s->canary));
	memcpy(s->firmware, now.firmware, sizeof(s->firmware));
	s->has_firmware = now.has_firmware;
	/* what a source hasn't can't be watched */
	for (size_t i = 0; i < s->watch_count; i++) {
		if (!now.there[i])
			continue;
		s->watches[kept] = s->watches[i];
		s->watches[kept++].value = now.values[i];
	}
	s->watch_count = kept;
	return ERR_OK;
}

/*
 * In the lower levels a large page may have been split since, or joined again, or have other rights now:
 * it must still lead to the same memory.
 */
static bool same_place(const struct watch *w, uint64_t entry)
{
	const uint64_t size = 1ull << (w->level * 9 + 3), flags = ~ENTRY_ADDR & ~ENTRY_VOLATILE;

	if (!w->level || !(entry & ENTRY_PRESENT))
		return false;
	if (entry & ENTRY_HUGE)
		return w->maps != MAPS_ANYTHING && (entry & ENTRY_ADDR & ~(size - 1)) == w->maps / size * size;
	return (w->level == LEVEL_LARGE || w->value & ENTRY_HUGE) &&
	       (entry & flags) == (w->value & ENTRY_HUGE ? ENTRY_TABLE : w->value & flags);
}

static bool same_firmware(const struct source *s, const struct sight *now)
{
	if (!s->has_firmware)
		return true;
	for (size_t i = 0; i < BASE_COUNT(firmware_fields); i++) {
		size_t at = firmware_fields[i].at - FIRMWARE_AT;

		if (memcmp(now->firmware + at, s->firmware + at, firmware_fields[i].size) != 0)
			return false;
	}
	return true;
}

enum err watch_check(struct source *s, struct err_ctx *err)
{
	struct sight now;
	bool same, whole = true;

	if (!s->watched)
		return ERR_OK;
	whole = !look(s, &now) && now.has_firmware == s->has_firmware;
	same = whole && memcmp(now.canary, s->canary, sizeof(now.canary)) == 0 &&
	       same_firmware(s, &now);
	for (size_t i = 0; i < s->watch_count && whole && same; i++) {
		const struct watch *w = &s->watches[i];

		whole = now.there[i];
		same = now.values[i] == w->value || same_place(w, now.values[i]);
	}
	if (!whole)
		return err_set(err, ERR_GONE, "the virtual machine's memory went away");
	return same ? ERR_OK :
		      err_set(err, ERR_GONE,
			      "the guest restarted: another kernel is in its memory now");
}
