// SPDX-License-Identifier: MIT
/*
 * Finding and reading VMCOREINFO. The kernel writes it into a page of its own, from the page's
 * first byte on (vmcoreinfo_data), at subsys_initcall time; a second copy sits 24 bytes into
 * another page as an ELF note. See docs/DISCOVERY.md.
 */
#include "vmcoreinfo.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/cursor.h"

#define KERNEL_MAP 0xffffffff80000000u /* __START_KERNEL_map */

enum {
	SCAN_CHUNK = 64 << 10, /* bytes copied at a time when the source can't do better */
	LOW_MEMORY = 1 << 20,
	MAX_CANDIDATES = 64, /* texts of VMCOREINFO that are looked into */
	UTS_RELEASE = 2 * KTYPE_OSRELEASE_SIZE, /* struct new_utsname: after sysname, nodename */
};

static const char first_key[] = "OSRELEASE=";

/* A line's key and value, in place. */
struct line {
	const char *key, *value;
	size_t key_size, value_size;
};

static bool next_line(struct base_cursor *c, struct line *ret)
{
	size_t size;
	const char *text;

	while ((text = base_cursor_line(c, &size))) {
		const char *equals = memchr(text, '=', size);

		if (!equals)
			continue;
		ret->key = text;
		ret->key_size = (size_t)(equals - text);
		ret->value = equals + 1;
		ret->value_size = size - ret->key_size - 1;
		return true;
	}
	return false;
}

static bool key_is(const struct line *l, const char *key)
{
	return l->key_size == strlen(key) && !memcmp(l->key, key, l->key_size);
}

static bool key_starts(const struct line *l, const char *prefix)
{
	return l->key_size >= strlen(prefix) && !memcmp(l->key, prefix, strlen(prefix));
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* The whole value as a hexadecimal number without prefix, as SYMBOL() and KERNELOFFSET print it. */
static bool value_hex(const struct line *l, uint64_t *ret)
{
	uint64_t v = 0;

	if (l->value_size == 0 || l->value_size > 16)
		return false;
	for (size_t i = 0; i < l->value_size; i++) {
		int digit = hex_digit(l->value[i]);

		if (digit < 0)
			return false;
		v = v << 4 | (unsigned int)digit;
	}
	*ret = v;
	return true;
}

/* As a signed decimal number, as NUMBER() prints it. */
static bool value_decimal(const struct line *l, int64_t *ret)
{
	bool negative = l->value_size && l->value[0] == '-';
	int64_t v = 0;

	if (l->value_size == negative)
		return false;
	for (size_t i = negative; i < l->value_size; i++) {
		int digit = l->value[i] - '0';

		if (digit < 0 || digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_sub_overflow(v, digit, &v))
			return false;
	}
	if (!negative && __builtin_sub_overflow(0, v, &v))
		return false;
	*ret = v;
	return true;
}

static bool value_build_id(const struct line *l, uint8_t ret[KTYPE_BUILD_ID_SIZE])
{
	uint8_t id[KTYPE_BUILD_ID_SIZE];

	if (l->value_size != 2 * KTYPE_BUILD_ID_SIZE)
		return false;
	for (size_t i = 0; i < KTYPE_BUILD_ID_SIZE; i++) {
		int high = hex_digit(l->value[2 * i]), low = hex_digit(l->value[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		id[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(ret, id, sizeof(id));
	return true;
}

static bool value_release(const struct line *l, char ret[KTYPE_OSRELEASE_SIZE])
{
	if (l->value_size == 0 || l->value_size >= KTYPE_OSRELEASE_SIZE)
		return false;
	for (size_t i = 0; i < l->value_size; i++)
		if (l->value[i] <= ' ' || l->value[i] > '~' || l->value[i] == '%')
			return false;
	memcpy(ret, l->value, l->value_size);
	ret[l->value_size] = '\0';
	return true;
}

/* Without a build id: what tells this build from others and doesn't change between boots. */
static void fingerprint(const void *text, size_t size, struct ktype_boot *b)
{
	const uint64_t addresses[] = {b->at.stext - b->kaslr, b->at.init_uts_ns - b->kaslr,
				      b->at.swapper_pg_dir - b->kaslr};
	struct base_cursor c = base_cursor_over(text, size);
	XXH128_hash_t sum;
	XXH3_state_t state;
	struct line l;

	XXH3_128bits_reset(&state);
	XXH3_128bits_update(&state, b->osrelease, strlen(b->osrelease));
	XXH3_128bits_update(&state, addresses, sizeof(addresses));
	while (next_line(&c, &l))
		if (key_starts(&l, "OFFSET(") || key_starts(&l, "SIZE("))
			XXH3_128bits_update(&state, l.key, l.key_size + 1 + l.value_size);
	sum = XXH3_128bits_digest(&state);
	memset(b->build_id, 0, sizeof(b->build_id));
	memcpy(b->build_id, &sum, sizeof(sum));
}

enum err vmcoreinfo_parse(const void *text, size_t size, struct ktype_boot *ret,
			  struct err_ctx *err)
{
	struct ktype_boot b = {.paging.levels = 4};
	const struct {
		const char *key;
		uint64_t *value;
	} symbols[] = {
		{"SYMBOL(_stext)", &b.at.stext},
		{"SYMBOL(init_uts_ns)", &b.at.init_uts_ns},
		{"SYMBOL(swapper_pg_dir)", &b.at.swapper_pg_dir},
		{"SYMBOL(init_top_pgt)", &b.at.swapper_pg_dir},
		{"SYMBOL(kallsyms_names)", &b.at.kallsyms_names},
		{"SYMBOL(kallsyms_num_syms)", &b.at.kallsyms_num_syms},
		{"SYMBOL(kallsyms_token_table)", &b.at.kallsyms_token_table},
		{"SYMBOL(kallsyms_token_index)", &b.at.kallsyms_token_index},
		{"SYMBOL(kallsyms_offsets)", &b.at.kallsyms_offsets},
		{"SYMBOL(kallsyms_relative_base)", &b.at.kallsyms_relative_base},
		{"SYMBOL(kallsyms_addresses)", &b.at.kallsyms_addresses},
		{"KERNELOFFSET", &b.kaslr},
	};
	const void *nul = memchr(text, 0, size);
	bool has_release = false, has_page_size = false, has_phys_base = false;
	int64_t page_size = 0, five = 0, uts_name = -1;
	struct base_cursor c;
	struct line l;

	if (nul)
		size = (size_t)((const char *)nul - (const char *)text);
	c = base_cursor_over(text, size);
	while (next_line(&c, &l)) {
		if (key_is(&l, "OSRELEASE")) {
			if (!value_release(&l, b.osrelease))
				return err_set(err, ERR_CORRUPT, "vmcoreinfo: bad OSRELEASE");
			has_release = true;
		} else if (key_is(&l, "BUILD-ID")) {
			b.has_build_id = value_build_id(&l, b.build_id);
		} else if (key_is(&l, "PAGESIZE")) {
			has_page_size = value_decimal(&l, &page_size);
		} else if (key_is(&l, "NUMBER(phys_base)")) {
			has_phys_base = value_decimal(&l, &b.phys_base);
		} else if (key_is(&l, "OFFSET(uts_namespace.name)")) {
			if (!value_decimal(&l, &uts_name) || uts_name < 0 ||
			    uts_name > GUEST_PAGE_SIZE)
				return err_set(err, ERR_CORRUPT,
					       "vmcoreinfo: bad uts_namespace.name");
		} else if (key_is(&l, "NUMBER(pgtable_l5_enabled)")) {
			if (!value_decimal(&l, &five))
				return err_set(err, ERR_CORRUPT,
					       "vmcoreinfo: bad pgtable_l5_enabled");
		}
		/* most lines are offsets, and each tool that is started reads them all */
		if (!key_starts(&l, "SYMBOL(") && !key_starts(&l, "KERNEL"))
			continue;
		for (size_t i = 0; i < BASE_COUNT(symbols); i++)
			if (key_is(&l, symbols[i].key) && !value_hex(&l, symbols[i].value))
				return err_set(err, ERR_CORRUPT, "vmcoreinfo: bad %s",
					       symbols[i].key);
	}
	if (!has_release || !has_page_size || !b.at.stext)
		return err_set(err, ERR_CORRUPT, "vmcoreinfo: incomplete");
	if (b.at.stext <= UINT32_MAX)
		return err_set(err, ERR_UNSUPPORTED, "guest runs a 32-bit kernel (Linux %s)",
			       b.osrelease);
	if (page_size != GUEST_PAGE_SIZE || !has_phys_base || b.at.stext < KERNEL_MAP)
		return err_set(err, ERR_UNSUPPORTED,
			       "guest's kernel is not for x86-64 (Linux %s)", b.osrelease);
	if (b.at.swapper_pg_dir < KERNEL_MAP || b.at.init_uts_ns < KERNEL_MAP ||
	    b.kaslr >= UINT64_MAX - KERNEL_MAP)
		return err_set(err, ERR_CORRUPT, "vmcoreinfo: addresses out of range");
	b.at.uts_name = uts_name < 0 ? 0 : b.at.init_uts_ns + (uint64_t)uts_name;
	b.paging.levels = five ? 5 : 4;
	b.paging.kernel_top.v = b.at.swapper_pg_dir - KERNEL_MAP + (uint64_t)b.phys_base;
	if (!b.has_build_id)
		fingerprint(text, size, &b);
	*ret = b;
	return ERR_OK;
}

/* How far a candidate is proven. */
enum proof {
	PROOF_NONE,
	PROOF_TABLES,	  /* its page tables lead to its own release string */
	PROOF_TRAMPOLINE, /* and it is the kernel that booted last */
};

/*
 * The kernel copies the top entry of its page table, which holds the physical address of this very
 * kernel's next table, into the trampoline's own table in the first MiB (arch/x86/realmode/init.c),
 * at each boot to the same place. So a kernel that was left behind by a reboot isn't found there.
 */
static bool last_entry(struct guest_phys *phys, uint64_t table, uint64_t *ret)
{
	uint64_t at = table + GUEST_PAGE_SIZE - sizeof(*ret);

	if (guest_phys_read(phys, (struct gpa){at}, ret, sizeof(*ret), NULL) != ERR_OK)
		return false;
	/* accessed and dirty may have been set in only one of the two */
	*ret &= ~(uint64_t)0x60;
	return true;
}

/* Looks at the pages [from, to) and notes where it is. */
static bool booted_last(struct guest_phys *phys, struct ktype_boot *b, uint64_t from, uint64_t to)
{
	uint64_t entry, seen;

	if (!last_entry(phys, b->paging.kernel_top.v, &entry) || !(entry & 1))
		return false;
	for (uint64_t at = from; at < to; at += GUEST_PAGE_SIZE) {
		if (last_entry(phys, at, &seen) && seen == entry) {
			b->trampoline.v = at;
			return true;
		}
	}
	return false;
}

/* Is the release of VMCOREINFO what the page tables lead to in the struct new_utsname at `name`? */
static bool release_is_at(struct guest_phys *phys, const struct ktype_boot *b, uint64_t name)
{
	char release[KTYPE_OSRELEASE_SIZE];
	struct gpa at;

	return guest_walk_once(phys, &b->paging, (struct gva){name + UTS_RELEASE}, &at) == ERR_OK &&
	       guest_phys_read(phys, at, release, sizeof(release), NULL) == ERR_OK &&
	       !strncmp(release, b->osrelease, sizeof(release));
}

static bool leads_to_itself(struct guest_phys *phys, struct ktype_boot *b)
{
	/* Before 5.12 VMCOREINFO doesn't say where the name is: first, or after a reference count. */
	for (uint64_t guess = 0; !b->at.uts_name && guess <= 4; guess += 4)
		if (release_is_at(phys, b, b->at.init_uts_ns + guess))
			b->at.uts_name = b->at.init_uts_ns + guess;
	return b->at.uts_name && release_is_at(phys, b, b->at.uts_name);
}

static enum proof prove(struct guest_phys *phys, struct ktype_boot *b)
{
	if (!leads_to_itself(phys, b))
		return PROOF_NONE;
	return booted_last(phys, b, 0, LOW_MEMORY) ? PROOF_TRAMPOLINE : PROOF_TABLES;
}

static uint32_t firmware_clock(struct guest_phys *phys)
{
	uint32_t clock;

	return guest_phys_read(phys, (struct gpa){KTYPE_FIRMWARE_CLOCK}, &clock, sizeof(clock),
			       NULL) == ERR_OK ?
		       clock :
		       0;
}

struct search {
	struct guest_phys *phys;
	struct ktype_boot best;
	enum proof proof;
	size_t candidates;
	struct err_ctx why; /* of the candidate that came closest without being one */
};

/* Look into the page at `at`, which starts like VMCOREINFO. True: search no further. */
static bool consider(struct search *s, struct gpa at)
{
	char text[GUEST_PAGE_SIZE];
	struct ktype_boot b;
	struct err_ctx why = {0};
	enum proof proof;

	if (s->candidates >= MAX_CANDIDATES)
		return true;
	s->candidates++;
	if (guest_phys_read(s->phys, at, text, sizeof(text), NULL) != ERR_OK)
		return false;
	if (memcmp(text, first_key, sizeof(first_key) - 1))
		return false;
	if (vmcoreinfo_parse(text, sizeof(text), &b, &why) != ERR_OK) {
		if (why.code == ERR_UNSUPPORTED)
			s->why = why;
		return false;
	}
	b.vmcoreinfo = at;
	b.firmware_clock = firmware_clock(s->phys);
	proof = prove(s->phys, &b);
	if (proof > s->proof) {
		s->proof = proof;
		s->best = b;
	}
	return s->proof == PROOF_TRAMPOLINE;
}

static bool starts_right(const void *page)
{
	return !memcmp(page, first_key, sizeof(first_key) - 1);
}

/* One look per page of [at, at + size). True: found for certain. */
static bool scan_mapped(struct search *s, uint64_t at, uint64_t size)
{
	for (uint64_t end = at + size; at < end; at += GUEST_PAGE_SIZE) {
		const void *page = guest_phys_map(s->phys, (struct gpa){at});

		if (page && starts_right(page) && consider(s, (struct gpa){at}))
			return true;
	}
	return false;
}

static bool scan_batches(struct search *s, uint64_t at, uint64_t size)
{
	struct guest_phys_io ios[GUEST_PHYS_BATCH];
	char starts[GUEST_PHYS_BATCH][sizeof(first_key) - 1];
	uint64_t end = at + size;

	while (at < end) {
		size_t n = 0;

		for (; n < GUEST_PHYS_BATCH && at < end; n++, at += GUEST_PAGE_SIZE)
			ios[n] = (struct guest_phys_io){
				.at = {at}, .buf = starts[n], .size = sizeof(starts[n])};
		if (guest_phys_read_many(s->phys, ios, n, NULL) != ERR_OK)
			return false;
		for (size_t i = 0; i < n; i++)
			if (ios[i].ok && starts_right(starts[i]) && consider(s, ios[i].at))
				return true;
	}
	return false;
}

static bool scan_chunks(struct search *s, uint64_t at, uint64_t size)
{
	char chunk[SCAN_CHUNK];

	for (uint64_t end = at + size; at < end; at += sizeof(chunk)) {
		size_t n = end - at < sizeof(chunk) ? (size_t)(end - at) : sizeof(chunk);

		if (guest_phys_read(s->phys, (struct gpa){at}, chunk, n, NULL) != ERR_OK)
			continue;
		for (size_t i = 0; i < n; i += GUEST_PAGE_SIZE)
			if (starts_right(chunk + i) && consider(s, (struct gpa){at + i}))
				return true;
	}
	return false;
}

/* A stretch of physical addresses. */
struct window {
	uint64_t from, to;
};

static enum err bad_range(const struct guest_phys *phys, const struct guest_phys_range *range,
			  struct err_ctx *err)
{
	return err_set_addr(err, ERR_INVAL, range->start.v,
			    "source \"%s\" gave a senseless range", phys->ops->name);
}

/* The next run of memory at or above `from`; ERR_INVAL when the source would hold us for ever. */
static enum err next_range(struct guest_phys *phys, uint64_t from, struct guest_phys_range *ret,
			   uint64_t *end_ret, struct err_ctx *err)
{
	enum err e = phys->ops->next_range(phys, (struct gpa){from}, (uint64_t)1 << 46,
					   ret);

	if (e != ERR_OK)
		return e;
	if (ret->start.v < from || ret->size == 0 ||
	    !base_add64(ret->start.v, ret->size, end_ret))
		return bad_range(phys, ret, err);
	return ERR_OK;
}

/* One look per page of a window. *certain: found, search no further. */
static enum err scan_window(struct search *s, struct window w, bool *certain, struct err_ctx *err)
{
	struct guest_phys_range range;
	uint64_t end;
	enum err e = ERR_OK;

	while (!*certain && w.from < w.to) {
		e = next_range(s->phys, w.from, &range, &end, err);
		if (e != ERR_OK || range.start.v >= w.to)
			break;
		if (end > w.to)
			end = w.to;
		if (s->phys->ops->map)
			*certain = scan_mapped(s, range.start.v, end - range.start.v);
		else if (s->phys->ops->read_many)
			*certain = scan_batches(s, range.start.v, end - range.start.v);
		else
			*certain = scan_chunks(s, range.start.v, end - range.start.v);
		w.from = end;
	}
	return e == ERR_ABSENT ? ERR_OK : e;
}

/*
 * All of memory, the likely places first: the page is allocated when hardly anything else is, so
 * it lies at an end of the zone that early allocations come from: above 16 MiB, above 4 GiB, or
 * below the top, under the memory map, which takes 1/64 of all memory.
 */
static enum err scan(struct search *s, struct err_ctx *err)
{
	const uint64_t near = (uint64_t)64 << 20, dma32 = (uint64_t)16 << 20,
		       normal = (uint64_t)4 << 30;
	struct window likely[3] = {{dma32, dma32 + near}, {normal, normal + near}};
	struct guest_phys_range range;
	uint64_t top = 0, end = 0;
	bool certain = false;
	enum err e;

	while ((e = next_range(s->phys, end, &range, &end, err)) == ERR_OK)
		top = end;
	if (e != ERR_ABSENT)
		return e;
	likely[2].to = top;
	likely[2].from = top > top / 64 + 2 * near ? top - top / 64 - 2 * near : 0;
	/* Disjoint and ascending, so that the rest is what lies between them. */
	for (size_t i = BASE_COUNT(likely) - 1; i-- > 0;)
		if (likely[i].to > likely[i + 1].from) {
			likely[i].to = likely[i + 1].from;
			if (likely[i].from > likely[i].to)
				likely[i].from = likely[i].to;
		}
	e = ERR_OK;
	for (size_t i = 0; e == ERR_OK && i < BASE_COUNT(likely); i++)
		e = scan_window(s, likely[i], &certain, err);
	end = 0;
	for (size_t i = 0; e == ERR_OK && i < BASE_COUNT(likely); i++) {
		e = scan_window(s, (struct window){end, likely[i].from}, &certain, err);
		end = likely[i].to;
	}
	return e;
}

enum err ktype_boot_find(struct guest_phys *phys, struct gpa hint, struct ktype_boot *ret,
			 struct err_ctx *err)
{
	struct search s = {.phys = phys};
	enum err e = ERR_OK;

	if (!hint.v || !consider(&s, (struct gpa){hint.v & GUEST_PAGE_MASK}))
		e = scan(&s, err);
	if (e != ERR_OK)
		return e;
	if (s.proof != PROOF_NONE) {
		*ret = s.best;
		return ERR_OK;
	}
	if (phys->ops->alive) {
		e = phys->ops->alive(phys, err);
		if (e != ERR_OK)
			return e;
	}
	if (s.why.code != ERR_OK)
		return err_set(err, s.why.code, "%s", s.why.text);
	if (s.candidates)
		return err_set(err, ERR_NOTREADY,
			       "no running Linux in the guest's memory, only traces of one: it may "
			       "still be booting or have stopped");
	return err_set(err, ERR_NOTREADY,
		       "no Linux found in the guest's memory: it may still be booting, or run "
		       "another system");
}

enum err ktype_boot_check(struct guest_phys *phys, const struct ktype_boot *known,
			  struct ktype_boot *ret, struct err_ctx *err)
{
	char text[GUEST_PAGE_SIZE];
	struct ktype_boot b;
	enum err e = guest_phys_read(phys, known->vmcoreinfo, text, sizeof(text), NULL);

	if (e == ERR_GONE || e == ERR_PERM || e == ERR_NOMEM)
		return err_set(err, e, "can't read the guest's memory");
	if (e || !starts_right(text) || vmcoreinfo_parse(text, sizeof(text), &b, NULL) ||
	    firmware_clock(phys) != known->firmware_clock ||
	    strcmp(b.osrelease, known->osrelease) != 0 ||
	    b.has_build_id != known->has_build_id ||
	    memcmp(b.build_id, known->build_id, sizeof(b.build_id)) != 0 ||
	    b.kaslr != known->kaslr || b.phys_base != known->phys_base ||
	    b.paging.kernel_top.v != known->paging.kernel_top.v ||
	    b.paging.levels != known->paging.levels || !leads_to_itself(phys, &b) ||
	    (known->trampoline.v && !booted_last(phys, &b, known->trampoline.v,
						 known->trampoline.v + GUEST_PAGE_SIZE)))
		return err_set(err, ERR_TORN, "another kernel is in this memory than before");
	b.vmcoreinfo = known->vmcoreinfo;
	b.firmware_clock = known->firmware_clock;
	*ret = b;
	return ERR_OK;
}

bool ktype_boot_left_behind(const struct ktype_boot *known, const struct ktype_boot *found)
{
	/* without KASLR each boot is at the same places */
	return found->firmware_clock != known->firmware_clock && (found->kaslr || found->phys_base) &&
	       found->vmcoreinfo.v == known->vmcoreinfo.v && found->kaslr == known->kaslr &&
	       found->phys_base == known->phys_base &&
	       found->paging.kernel_top.v == known->paging.kernel_top.v &&
	       memcmp(found->build_id, known->build_id, sizeof(found->build_id)) == 0;
}
