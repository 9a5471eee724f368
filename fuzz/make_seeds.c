// SPDX-License-Identifier: MIT
/*
 * Makes seeds out of synthetic kernels: ninja -C build fuzz/make_seeds && build/fuzz/make_seeds
 * fuzz/corpus. Run it again when a format changes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel/message.h"
#include "ktype/ktype.h"
#include "synth/kernel.h"

struct out {
	unsigned char bytes[1 << 20];
	size_t size;
};

static void add(struct out *o, const void *bytes, size_t size)
{
	if (o->size + size > sizeof(o->bytes))
		abort();
	memcpy(o->bytes + o->size, bytes, size);
	o->size += size;
}

static void add_number(struct out *o, uint64_t v, size_t size)
{
	add(o, &v, size);
}

static void save(const char *folder, const char *target, const char *name, const struct out *o)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s", folder, target, name);
	f = fopen(path, "wb");
	if (!f || fwrite(o->bytes, 1, o->size, f) != o->size || fclose(f)) {
		perror(path);
		exit(1);
	}
}

static void btf_seed(const char *folder)
{
	static struct out o;
	struct synth_btf *b = synth_btf_create();
	size_t size;
	void *bytes;

	synth_btf_add_kernel(b);
	bytes = synth_btf_bytes(b, &size);
	add(&o, bytes, size);
	save(folder, "btf", "kernel", &o);
	synth_btf_destroy(b);
}

/* The tables alone, moved to the front of an image. */
static void kallsyms_seeds(const char *folder)
{
	for (int layout = 0; layout < SYNTH_KALLSYMS_LAYOUTS; layout++) {
		static struct out o;
		struct synth_kernel k = {.layout = layout, .no_btf = true};
		struct synth *s = synth_create(4);
		struct synth_kernel_places at;
		uint64_t tables, places[8];
		char name[32];

		synth_add_memory(s, 4 * SYNTH_2M, 4 * SYNTH_2M);
		synth_kernel_add(s, &k, &at);
		/* They start where the image's second half does. */
		tables = SYNTH_TEXT + SYNTH_2M;
		places[0] = at.names;
		places[1] = at.num_syms;
		places[2] = at.token_table;
		places[3] = at.token_index;
		places[4] = at.offsets;
		places[5] = at.relative_base;
		places[6] = at.addresses;
		places[7] = 0;
		o.size = 0;
		add_number(&o, layout == SYNTH_KALLSYMS_4_20, 1);
		for (size_t i = 0; i < 8; i++)
			add_number(&o, places[i] ? places[i] - tables : 0, 4);
		add(&o, synth_phys(s, at.image + SYNTH_2M, at.free - tables), at.free - tables);
		snprintf(name, sizeof(name), "layout%d", layout);
		save(folder, "kallsyms", name, &o);
		synth_destroy(s);
	}
}

static void text_seed(const char *folder)
{
	static const char text[] = "\2ffffffff81000000 T _stext\n0000000000001000 A percpu\n"
				   "ffffffff81000010 t a\nffffffff81000008 D b\n"
				   "ffffffffc0000000 t m\t[module]\n";
	static struct out o;

	o.size = 0;
	add(&o, text, sizeof(text) - 1);
	save(folder, "kallsyms", "text", &o);
}

static void pagewalk_seeds(const char *folder)
{
	static const uint64_t va[] = {0xffffffff81000010u, 0xffffffff81000ffcu, 0xffff888000200123u,
				      0xffff888040001000u, 0x400000, 0x7fffffffe000u,
				      0x800000000000u, UINT64_MAX - 7};

	for (unsigned int levels = 4; levels <= 5; levels++) {
		static struct out o;
		struct synth *s = synth_create(levels);
		const uint64_t rw = SYNTH_PTE_PRESENT | SYNTH_PTE_WRITE;
		uint64_t page, end;
		char name[32];

		synth_add_memory(s, 0, 0x10000);
		page = synth_take(s, SYNTH_4K, SYNTH_4K);
		synth_map(s, synth_top(s), va[0] & GUEST_PAGE_MASK, page, SYNTH_4K, rw);
		synth_map(s, synth_top(s), (va[0] & GUEST_PAGE_MASK) + SYNTH_4K, 0, SYNTH_4K, rw);
		synth_map(s, synth_top(s), va[2] & ~(SYNTH_2M - 1), 0, SYNTH_2M, rw);
		synth_map(s, synth_top(s), va[3] & ~(SYNTH_1G - 1), 0, SYNTH_1G, rw);
		if (levels == 4)
			synth_map(s, synth_top(s), va[4], page, SYNTH_4K, rw);
		end = synth_take(s, SYNTH_4K, SYNTH_4K);
		o.size = 0;
		add_number(&o, levels == 5, 1);
		add_number(&o, synth_top(s), 8);
		add(&o, va, sizeof(va));
		add(&o, synth_phys(s, 0, end), end);
		snprintf(name, sizeof(name), "levels%u", levels);
		save(folder, "pagewalk", name, &o);
		synth_destroy(s);
	}
}

/* Only VMCOREINFO's page and the pages that prove it, moved together. */
static void vmcoreinfo_seeds(const char *folder)
{
	static struct out o, text;
	static unsigned char memory[9][GUEST_PAGE_SIZE];
	const uint64_t start = 0xffffffff80000000u;
	uint64_t flags = SYNTH_PTE_PRESENT | SYNTH_PTE_WRITE, entry;

	/* Pages: 1 VMCOREINFO, 2 top table, 3 and 4 the next, 5 page table, 6 init_uts_ns. */
	snprintf((char *)memory[1], GUEST_PAGE_SIZE,
		 "OSRELEASE=6.1.0\nBUILD-ID=00112233445566778899aabbccddeeff01234567\n"
		 "PAGESIZE=4096\nSYMBOL(_stext)=%llx\nSYMBOL(init_uts_ns)=%llx\n"
		 "OFFSET(uts_namespace.name)=0\nSYMBOL(swapper_pg_dir)=%llx\n"
		 "NUMBER(phys_base)=0\nNUMBER(pgtable_l5_enabled)=0\nKERNELOFFSET=0\n",
		 (unsigned long long)start, (unsigned long long)start + 0x6000,
		 (unsigned long long)start + 0x2000);
	entry = 0x3000 | flags;
	memcpy(memory[2] + 511 * 8, &entry, 8);
	memcpy(memory[7] + 511 * 8, &entry, 8);
	entry = 0x4000 | flags;
	memcpy(memory[3] + 510 * 8, &entry, 8);
	entry = 0x5000 | flags;
	memcpy(memory[4], &entry, 8);
	entry = 0x6000 | flags;
	memcpy(memory[5] + 6 * 8, &entry, 8);
	strcpy((char *)memory[6] + 130, "6.1.0");
	add_number(&o, 0, 1);
	add(&o, memory, sizeof(memory) - GUEST_PAGE_SIZE);
	save(folder, "vmcoreinfo", "memory", &o);
	add_number(&text, 0, 1);
	add(&text, memory[1], strlen((char *)memory[1]));
	save(folder, "vmcoreinfo", "text", &text);
}

static void profile_seed(const char *folder)
{
	static struct out o;
	struct synth_kernel kernel = {.layout = SYNTH_KALLSYMS_6_4,
				      .build_id = "00112233445566778899aabbccddeeff01234567"};
	struct synth *s = synth_create(4);
	struct synth_kernel_places at;
	struct guest_pages *pages;
	struct base_alloc alloc;
	struct ktype_boot boot;
	struct ktype *k;
	void *bytes;
	size_t size;

	synth_add_memory(s, 4 * SYNTH_2M, 4 * SYNTH_2M);
	synth_kernel_add(s, &kernel, &at);
	base_alloc_init(&alloc, 64 << 20);
	if (ktype_boot_find(synth_source(s, SYNTH_MAP), (struct gpa){0}, &boot, NULL) != ERR_OK ||
	    guest_walk_pages_create(&alloc, synth_source(s, SYNTH_MAP), &boot.paging, 64,
				    &pages) != ERR_OK ||
	    ktype_create(&alloc, pages, &boot, NULL, &k, NULL) != ERR_OK ||
	    ktype_save(k, &alloc, &bytes, &size) != ERR_OK)
		abort();
	add(&o, bytes, size);
	save(folder, "profile", "kernel", &o);
	base_free(&alloc, bytes);
	ktype_destroy(k);
	guest_pages_destroy(pages);
	synth_destroy(s);
}

/* Requests: one of each kind of item for the decoder (target frames), and as a session has them (target device). */
static void request_seeds(const char *folder)
{
	static const struct channel_request requests[] = {
		{.number = 1,
		 .count = 2,
		 .items = {{.kind = CHANNEL_READ, .address = 0xffff888000000000, .size = 4096},
			   {.kind = CHANNEL_LINES, .address = 0xffff888000001000, .size = 5}}},
		{.number = 2,
		 .count = 2,
		 .items = {{.kind = CHANNEL_CHASE,
			    .address = 0xffff888000000010,
			    .bound = 10,
			    .next_offset = 8,
			    .before = 16,
			    .after = 64,
			    .follow = {{.offset = 16, .size = 64},
				       {.offset = -8, .size = 8, .at = 128, .from = 1},
				       {.offset = 32, .size = 8, .here = true}}},
			   {.kind = CHANNEL_TABLE,
			    .exact = true,
			    .address = 0xffff888000001000,
			    .size = 16,
			    .stride = 8,
			    .bound = 20,
			    .next_offset = CHANNEL_NEXT_NONE,
			    .after = 8}}},
	};
	static const char *const names[] = {"request", "chase"};
	static uint8_t buf[CHANNEL_REQUEST_MAX];
	static struct out o;
	size_t size;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (channel_request_encode(&requests[i], buf, sizeof(buf), &size, NULL) != ERR_OK)
			abort();
		o.size = 0;
		add_number(&o, 6, 1); /* take_request() of fuzz_frames.c */
		add(&o, buf, size);
		save(folder, "frames", names[i], &o);
		o.size = 0;
		add_number(&o, 2, 1); /* plaintexts that a client seals */
		add_number(&o, CHANNEL_REQUEST, 1);
		add_number(&o, size, 2);
		add(&o, buf, size);
		save(folder, "device", names[i], &o);
	}
}

/* Records of answers, for the decoder (target frames): lines of pages as a whole, and in part. */
static void answer_seeds(const char *folder)
{
	static const uint8_t page[CHANNEL_PAGE_SIZE] = {1, 2, 3};
	static const uint8_t runs[CHANNEL_PAGE_LINES] = {
		[0] = CHANNEL_RUN(0, 1), [2] = CHANNEL_RUN(3, 4), [5] = CHANNEL_RUN(7, 1),
		[6] = CHANNEL_RUN_WHOLE, [63] = CHANNEL_RUN(1, 7),
	};
	const struct channel_pages head = {.number = 1, .count = 3};
	const struct channel_piece pieces[] = {
		{.address = 0x7000, .state = CHANNEL_PAGE_PARTS, .lines = 1ull << 63 | 0x65, .data = page, .runs = runs},
		{.address = 0x8000, .lines = 5, .data = page},
		{.space = 0x5000, .address = 0x9000, .state = CHANNEL_PAGE_UNMAPPED},
	};
	static uint8_t buf[CHANNEL_PLAIN_MAX];
	static struct out o;
	size_t size = CHANNEL_PAGES_HEADER_SIZE;

	channel_pages_encode(&head, buf);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		size += channel_piece_encode(&pieces[i], buf + size);
	add_number(&o, 7, 1); /* take_pages() of fuzz_frames.c */
	add(&o, buf, size);
	save(folder, "frames", "parts", &o);
}

/* Where the guest of served_seed() has four pages: nodes of a list, in the first one. */
#define SERVED_VA 0xffff888000000000u

/*
 * A session's request and, in what follows it, a guest that has what is asked for: a range, the list with what
 * it leads to, and its nodes taken for a table of pointers.
 */
static void served_seed(const char *folder)
{
	static const struct channel_request r = {
		.number = 1,
		.count = 4,
		.items = {
			{.kind = CHANNEL_CHASE,
			 .exact = true,
			 .address = SERVED_VA,
			 .bound = 20,
			 .next_offset = 0,
			 .after = 16,
			 .follow = {{.offset = 8, .size = 90, .at = 16},
				    {.offset = 200, .size = 8, .here = true}}},
			{.kind = CHANNEL_READ, .address = SERVED_VA + 100, .size = 5000},
			{.kind = CHANNEL_CHASE,
			 .address = SERVED_VA,
			 .bound = 20,
			 .next_offset = 0,
			 .after = 64,
			 .follow = {{.offset = 8, .size = 80, .at = 16},
				    {.offset = 0, .size = 8, .from = 1},
				    {.offset = 64, .size = 8, .from = 1, .here = true}}},
			{.kind = CHANNEL_TABLE,
			 .address = SERVED_VA,
			 .size = 8,
			 .stride = 64,
			 .bound = 10,
			 .next_offset = CHANNEL_NEXT_NONE,
			 .before = 16,
			 .after = 16},
		},
	};
	const uint64_t flags = SYNTH_PTE_PRESENT | SYNTH_PTE_WRITE;
	static uint8_t bytes[CHANNEL_REQUEST_MAX];
	static struct out o;
	unsigned char *memory = o.bytes + 1; /* what follows the mode is the guest's memory, too */
	size_t size;

	if (channel_request_encode(&r, bytes, sizeof(bytes), &size, NULL) != ERR_OK)
		abort();
	add_number(&o, 2, 1);
	add_number(&o, CHANNEL_REQUEST, 1);
	add_number(&o, size, 2);
	add(&o, bytes, size);
	/* all the rest in one record, which is no request */
	add_number(&o, CHANNEL_REQUEST, 1);
	add_number(&o, UINT16_MAX, 2);
	for (uint64_t level = 0; level < 3; level++) {
		uint64_t entry = (level + 1) * GUEST_PAGE_SIZE | flags;

		memcpy(memory + level * GUEST_PAGE_SIZE + (level ? 0 : (SERVED_VA >> 39 & 511) * 8),
		       &entry, sizeof(entry));
	}
	for (uint64_t page = 0; page < 4; page++) {
		uint64_t entry = (4 + page) * GUEST_PAGE_SIZE | flags;

		memcpy(memory + 3 * GUEST_PAGE_SIZE + page * 8, &entry, sizeof(entry));
	}
	for (uint64_t node = 0; node < 8; node++) {
		uint64_t words[2] = {node < 7 ? SERVED_VA + (node + 1) * 64 : 0,
				     SERVED_VA + (1 + node % 3) * GUEST_PAGE_SIZE};

		memcpy(memory + 4 * GUEST_PAGE_SIZE + node * 64, words, sizeof(words));
	}
	o.size = 1 + 8 * GUEST_PAGE_SIZE;
	save(folder, "device", "served", &o);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
		return 2;
	}
	btf_seed(argv[1]);
	kallsyms_seeds(argv[1]);
	text_seed(argv[1]);
	pagewalk_seeds(argv[1]);
	vmcoreinfo_seeds(argv[1]);
	profile_seed(argv[1]);
	request_seeds(argv[1]);
	answer_seeds(argv[1]);
	served_seed(argv[1]);
	return 0;
}
