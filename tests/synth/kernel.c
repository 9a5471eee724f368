// SPDX-License-Identifier: MIT
/* Laying a kernel into a synthetic guest: see synth/kernel.h. */
#include "synth/kernel.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KERNEL_MAP 0xffffffff80000000u

enum {
	UTS_AT = 0x10000,
	TOP_AT = 0x20000,
	TABLES_AT = 0x200000, /* on the image's second huge page */
	IMAGE_SIZE = 4 << 20,
	TOKENS = 256,
	UTS_FIELD = 65,
	TRAMPOLINE = 0x9c000,
	FILLERS = 300,
};

/* The per-CPU ones are absolute where the layout has that; see make_list(). */
const struct synth_symbol synth_symbols[] = {
	{"fixed_percpu_data", 'A', 0},
	{"current_task", 'A', 0x1fbc0},
	{"_stext", 'T', SYNTH_TEXT},
	{"_text", 'T', SYNTH_TEXT},
	{"startup_64", 'T', SYNTH_TEXT},
	{"do_one_initcall", 't', SYNTH_TEXT + 0x1000},
	{"schedule", 'T', SYNTH_TEXT + 0x2340},
	{"same_name", 't', SYNTH_TEXT + 0x3000},
	{"same_name", 't', SYNTH_TEXT + 0x4000},
	{"init_uts_ns", 'D', SYNTH_TEXT + UTS_AT},
	{"init_top_pgt", 'D', SYNTH_TEXT + TOP_AT},
	{"init_task", 'D', SYNTH_TEXT + 0x30000},
};
const size_t synth_symbol_count = sizeof(synth_symbols) / sizeof(synth_symbols[0]);

struct list {
	struct synth_symbol *symbols;
	size_t count;
};

/* By address; equal ones stay in the order they were given in. */
static void sort_symbols(struct synth_symbol *s, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct synth_symbol moving = s[i];
		size_t to = i;

		for (; to > 0 && s[to - 1].address > moving.address; to--)
			s[to] = s[to - 1];
		s[to] = moving;
	}
}

static struct list make_list(const struct synth_kernel *k, uint64_t btf, uint64_t btf_size,
			     uint64_t end)
{
	struct list l = {0};

	static char names[FILLERS][16];

	l.symbols = calloc(synth_symbol_count + k->symbol_count + FILLERS + 3, sizeof(*l.symbols));
	if (!l.symbols)
		abort();
	/* Tables without a second marker have no shape to be found by; no kernel has such. */
	for (size_t i = 0; k->layout == SYNTH_KALLSYMS_4_20 && i < FILLERS; i++) {
		snprintf(names[i], sizeof(names[i]), "filler_%zu", i);
		l.symbols[l.count++] = (struct synth_symbol){names[i], 't', SYNTH_TEXT + 0x8000 + i};
	}
	for (size_t i = 0; i < synth_symbol_count; i++)
		l.symbols[l.count++] = synth_symbols[i];
	for (size_t i = 0; i < k->symbol_count; i++)
		l.symbols[l.count++] = k->symbols[i];
	for (size_t i = 0; i < l.count; i++)
		if (l.symbols[i].address < UINT32_MAX && k->layout >= SYNTH_KALLSYMS_6_15)
			l.symbols[i].address += SYNTH_TEXT + 0x100000;
	if (btf_size) {
		l.symbols[l.count++] = (struct synth_symbol){"__start_BTF", 'R', btf};
		l.symbols[l.count++] = (struct synth_symbol){"__stop_BTF", 'R', btf + btf_size};
	}
	l.symbols[l.count++] = (struct synth_symbol){"_end", 'B', end};
	sort_symbols(l.symbols, l.count);
	return l;
}

/* Tokens as the kernel's build has them: characters for themselves, the rest for longer ones. */
static const char *token(unsigned int code)
{
	static const char *const longer[] = {"__", "init", "Tdo_", "_st", "art", "BTF", "percpu",
					     "same", "_task", "0123456789", "Aabc"};
	static char one[TOKENS][2];

	if (code >= '.' && code <= 'z') {
		one[code][0] = (char)code;
		return one[code];
	}
	if (code >= 128 && code - 128 < sizeof(longer) / sizeof(longer[0]))
		return longer[code - 128];
	return code == 255 ? "last" : "";
}

/* A region of the image that is filled from low to high. */
struct region {
	struct synth *s;
	uint64_t at;   /* slid address */
	uint64_t base; /* slid address of the image, and where it is in physical memory */
	uint64_t phys;
};

static void put(struct region *r, const void *bytes, size_t size)
{
	void *to = synth_phys(r->s, r->phys + (r->at - r->base), size);

	if (!to)
		abort();
	memcpy(to, bytes, size);
	r->at += size;
}

static void align(struct region *r)
{
	r->at = (r->at + 7) & ~(uint64_t)7;
}

static void put_names(struct region *r, const struct list *l, struct synth_kernel_places *p,
		      uint32_t *marks)
{
	align(r);
	p->names = r->at;
	for (size_t i = 0; i < l->count; i++) {
		char text[600];
		unsigned char codes[600], length[2];
		size_t n = 0;

		if (i % TOKENS == 0)
			marks[i / TOKENS] = (uint32_t)(r->at - p->names);
		snprintf(text, sizeof(text), "%c%s", l->symbols[i].type, l->symbols[i].name);
		for (const char *at = text; *at;) {
			unsigned int best = (unsigned char)*at;

			for (unsigned int c = 128; c < TOKENS; c++)
				if (*token(c) && !strncmp(at, token(c), strlen(token(c))))
					best = c;
			codes[n++] = (unsigned char)best;
			at += strlen(token(best));
		}
		if (n > 0x7f) {
			length[0] = (unsigned char)(0x80 | (n & 0x7f));
			length[1] = (unsigned char)(n >> 7);
			put(r, length, 2);
		} else {
			length[0] = (unsigned char)n;
			put(r, length, 1);
		}
		put(r, codes, n);
	}
	align(r);
	put(r, marks, (l->count + TOKENS - 1) / TOKENS * sizeof(*marks));
}

static void put_tokens(struct region *r, struct synth_kernel_places *p)
{
	uint16_t index[TOKENS];

	align(r);
	p->token_table = r->at;
	for (unsigned int c = 0; c < TOKENS; c++) {
		index[c] = (uint16_t)(r->at - p->token_table);
		put(r, token(c), strlen(token(c)) + 1);
	}
	align(r);
	p->token_index = r->at;
	put(r, index, sizeof(index));
}

static void put_offsets(struct region *r, const struct synth_kernel *k, const struct list *l,
			struct synth_kernel_places *p)
{
	uint64_t base = 0;

	align(r);
	for (size_t i = 0; i < l->count && !base; i++)
		if (l->symbols[i].address > UINT32_MAX)
			base = l->symbols[i].address + k->kaslr;
	*(k->layout == SYNTH_KALLSYMS_WHOLE ? &p->addresses : &p->offsets) = r->at;
	for (size_t i = 0; i < l->count; i++) {
		uint64_t address = l->symbols[i].address + k->kaslr;
		uint32_t entry;

		if (k->layout == SYNTH_KALLSYMS_WHOLE) {
			put(r, &address, sizeof(address));
			continue;
		}
		if (l->symbols[i].address <= UINT32_MAX)
			entry = (uint32_t)l->symbols[i].address;
		else if (k->layout < SYNTH_KALLSYMS_6_15)
			entry = (uint32_t)(base - address - 1);
		else if (k->layout == SYNTH_KALLSYMS_6_15)
			entry = (uint32_t)(address - base);
		else
			entry = (uint32_t)(address - r->at);
		put(r, &entry, sizeof(entry));
	}
	align(r);
	if (k->layout < SYNTH_KALLSYMS_7_0) {
		p->relative_base = r->at;
		put(r, &base, sizeof(base));
	}
}

static void put_num_syms(struct region *r, const struct list *l, struct synth_kernel_places *p)
{
	uint32_t count = (uint32_t)l->count;

	align(r);
	p->num_syms = r->at;
	put(r, &count, sizeof(count));
}

static void put_kallsyms(struct region *r, const struct synth_kernel *k, const struct list *l,
			 struct synth_kernel_places *p)
{
	uint32_t *marks = calloc(l->count / TOKENS + 1, sizeof(*marks));

	if (!marks)
		abort();
	if (k->layout <= SYNTH_KALLSYMS_6_0)
		put_offsets(r, k, l, p);
	put_num_syms(r, l, p);
	put_names(r, l, p, marks);
	put_tokens(r, p);
	if (k->layout > SYNTH_KALLSYMS_6_0)
		put_offsets(r, k, l, p);
	free(marks);
}

static void text_add(char *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void text_add(char *text, const char *fmt, ...)
{
	size_t used = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + used, GUEST_PAGE_SIZE - used, fmt, ap);
	va_end(ap);
}

static void put_vmcoreinfo(struct synth *s, const struct synth_kernel *k, const char *release,
			   struct synth_kernel_places *p)
{
	char *text;
	const struct {
		const char *name;
		uint64_t address;
	} tables[] = {
		{"kallsyms_names", p->names},
		{"kallsyms_num_syms", p->num_syms},
		{"kallsyms_token_table", p->token_table},
		{"kallsyms_token_index", p->token_index},
		{"kallsyms_offsets", p->offsets},
		{"kallsyms_relative_base", p->relative_base},
		{"kallsyms_addresses", p->addresses},
	};
	uint64_t start = SYNTH_TEXT + k->kaslr;

	p->vmcoreinfo = synth_take(s, GUEST_PAGE_SIZE, GUEST_PAGE_SIZE);
	text = synth_phys(s, p->vmcoreinfo, GUEST_PAGE_SIZE);
	memset(text, 0, GUEST_PAGE_SIZE);
	text_add(text, "OSRELEASE=%s\n", release);
	if (k->build_id)
		text_add(text, "BUILD-ID=%s\n", k->build_id);
	text_add(text, "PAGESIZE=4096\nSYMBOL(init_uts_ns)=%llx\n",
		 (unsigned long long)(start + UTS_AT));
	if (k->layout != SYNTH_KALLSYMS_4_20)
		text_add(text, "OFFSET(uts_namespace.name)=0\n");
	text_add(text, "SYMBOL(swapper_pg_dir)=%llx\nSYMBOL(_stext)=%llx\nSIZE(page)=64\n",
		 (unsigned long long)(start + TOP_AT), (unsigned long long)start);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (tables[i].address && k->layout != SYNTH_KALLSYMS_4_20)
			text_add(text, "SYMBOL(%s)=%llx\n", tables[i].name,
				 (unsigned long long)tables[i].address);
	text_add(text, "NUMBER(phys_base)=%lld\nSYMBOL(init_top_pgt)=%llx\n",
		 (long long)(p->image - (start - KERNEL_MAP)),
		 (unsigned long long)(start + TOP_AT));
	text_add(text, "NUMBER(pgtable_l5_enabled)=%d\nKERNELOFFSET=%llx\n",
		 synth_paging(s).levels == 5, (unsigned long long)k->kaslr);
}

void synth_kernel_add(struct synth *s, const struct synth_kernel *k,
		      struct synth_kernel_places *ret)
{
	const char *release = k->release ? k->release : "6.1.0-synth";
	/* Before 5.11 a reference count comes before the name. */
	size_t uts_name = k->layout == SYNTH_KALLSYMS_4_20 ? 4 : 0;
	size_t image_size = k->image_size ? k->image_size : IMAGE_SIZE;
	struct synth_kernel_places p = {0};
	uint64_t start = SYNTH_TEXT + k->kaslr;
	struct synth_btf *btf = k->btf;
	struct list list;
	struct region r;
	const void *bytes;
	size_t size;
	char *uts;

	p.image = synth_take(s, image_size, SYNTH_2M);
	synth_set_top(s, p.image + TOP_AT);
	for (uint64_t at = 0; at < image_size; at += SYNTH_2M)
		synth_map(s, synth_top(s), start + at, p.image + at, SYNTH_2M,
			  SYNTH_PTE_PRESENT | SYNTH_PTE_WRITE);
	uts = synth_phys(s, p.image + UTS_AT, 6 * UTS_FIELD + uts_name);
	snprintf(uts + uts_name, UTS_FIELD, "Linux");
	snprintf(uts + uts_name + UTS_FIELD, UTS_FIELD, "synthetic");
	snprintf(uts + uts_name + 2 * UTS_FIELD, UTS_FIELD, "%s", release);

	r = (struct region){s, start + TABLES_AT, start, p.image};
	if (!k->no_btf) {
		if (!btf) {
			btf = synth_btf_create();
			synth_btf_add_kernel(btf);
		}
		bytes = synth_btf_bytes(btf, &size);
		p.btf = r.at;
		p.btf_size = size;
		put(&r, bytes, size);
		if (!k->btf)
			synth_btf_destroy(btf);
	}
	list = make_list(k, p.btf - k->kaslr, p.btf_size, SYNTH_TEXT + image_size);
	put_kallsyms(&r, k, &list, &p);
	free(list.symbols);
	p.free = (r.at + GUEST_PAGE_SIZE) & GUEST_PAGE_MASK;
	put_vmcoreinfo(s, k, release, &p);
	if (!k->no_trampoline && synth_phys(s, TRAMPOLINE, GUEST_PAGE_SIZE)) {
		const uint64_t last = GUEST_PAGE_SIZE - sizeof(uint64_t);

		memcpy(synth_phys(s, TRAMPOLINE + last, sizeof(uint64_t)),
		       synth_phys(s, p.image + TOP_AT + last, sizeof(uint64_t)),
		       sizeof(uint64_t));
	}
	*ret = p;
}
