// SPDX-License-Identifier: MIT
/*
 * Input: which answers the kernel doesn't have (a byte), flags (a byte), then units of three bytes
 * that the guest's memory is woven from: kind and value. All pointers lead back into the same few
 * pages, so that walks go far, into cycles, and into records of other types. The layout is made up:
 * each question that procfs asks of a kernel is answered by a hash of its text.
 *
 * The whole tree is listed, and every file in it read, within limits; no memory is left behind.
 */
#include "fuzz.h"

#include <dirent.h>

#include "desc.h"
#include "llview/guest.h"
#include "procfs/procfs.h"
#include "vfs/vfs.h"

enum {
	PAGES = 16,
	WORDS = PAGES * GUEST_PAGE_SIZE / 8,
	TASKS = 3,
	SLOTS_MAX = 1 << 14,
	TYPES_MAX = 1 << 12,
	NODES_MAX = 400, /* from each start */
	DEPTH_MAX = 6,
	ENTRIES_MAX = 100,
	MEMORY_MAX = 32 << 20,
	CONTENT_MAX = 4 << 20,
};

#define BASE 0xffff888000000000u /* where klib believes that all memory is mapped */

/* ---- the layout ---- */

struct llview_layout {
	uint64_t slots[SLOTS_MAX];
};

static struct llview_layout layout;

const uint64_t *llview_layout_slots(const struct llview_layout *l)
{
	return l->slots;
}

static uint64_t hash(const char *text, size_t size)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < size; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static size_t type_length(const char *text)
{
	return strcspn(text, ":");
}

/* Records are large enough for the largest member that anybody asks for. */
static struct {
	uint64_t hash;
	uint64_t size;
} types[TYPES_MAX];

static uint64_t *type_size(const char *text)
{
	uint64_t h = hash(text, type_length(text)) | 1;

	for (size_t i = h % TYPES_MAX;; i = (i + 1) % TYPES_MAX) {
		if (!types[i].hash) {
			types[i].hash = h;
			types[i].size = 64u << (h >> 20) % 4;
		}
		if (types[i].hash == h)
			return &types[i].size;
	}
}

/* What walks are made of is as in a real kernel, or they would soon end. */
static const struct {
	const char *text;
	uint64_t value;
} fixed[] = {
	{ "struct list_head", 16 }, { "struct list_head:next", 0 }, { "struct list_head:prev", 8 },
	{ "struct hlist_node", 16 }, { "struct hlist_node:next", 0 },
	{ "struct xa_node", 576 }, { "struct xa_node:shift", 0 }, { "struct xa_node:slots", 40 },
	{ "struct xa_node:marks", 552 }, { "struct upid", 16 }, { "struct upid:nr", 0 },
	{ "struct upid:ns", 8 }, { "enum pid_type:PIDTYPE_PID", 0 },
	{ "enum pid_type:PIDTYPE_TGID", 1 }, { "enum pid_type:PIDTYPE_PGID", 2 },
	{ "enum pid_type:PIDTYPE_SID", 3 },
};

static bool is_absent(const char *text, size_t size, uint8_t seed)
{
	return seed && (hash(text, size) >> 8 ^ seed * 0x9e3779b1u) % 32 == 0;
}

static uint64_t answer(const struct llview_desc *d, uint8_t seed)
{
	const char *text = llview_desc_text(d);
	uint64_t h = hash(text, strlen(text)), size = *type_size(text), width, most;
	bool absent = is_absent(text, strlen(text), seed) ||
		      is_absent(text, type_length(text), seed) || !strcmp(text, "page_offset_base");

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		bool value = d->kind == DESC_OFFSET || d->kind == DESC_SIZEOF || d->kind == DESC_ENUM;

		if (!strcmp(text, fixed[i].text))
			return value ? fixed[i].value : 1;
	}
	switch ((enum llview_desc_kind)d->kind) {
	case DESC_HAS:
	case DESC_HAS_BITS:
	case DESC_HAS_TYPE:
	case DESC_HAS_SYMBOL:
	case DESC_HAS_ENUM:
		return !absent;
	case DESC_OFFSET:
		most = (size - d->size) / 8;
		return absent ? LLVIEW_POISON : h % (most + 1) * 8;
	case DESC_BIT_WORD:
		return absent ? LLVIEW_POISON : h % (size / 8) * 8;
	case DESC_BIT_SHIFT:
		width = d->flags & DESC_SIGNED ? d->size : h % (d->size ? d->size : 1) + 1;
		return absent || !width ? 0 : h % (65 - width) | (64 - width) << 8;
	case DESC_SIZEOF:
		return absent ? 0 : size;
	case DESC_SYMBOL:
		return absent ? LLVIEW_POISON : BASE + h % WORDS * 8;
	case DESC_ENUM:
		return absent ? LLVIEW_ENUM_ABSENT : h % 40;
	}
	return 0;
}

static void layout_make(uint8_t seed)
{
	size_t count = (size_t)(__stop_llview_desc - __start_llview_desc);
	static bool sized;

	FUZZ_ASSERT(count > 1000 && count < SLOTS_MAX);
	for (size_t i = 0; !sized && i < count; i++) {
		const struct llview_desc *d = &__start_llview_desc[i];
		uint64_t *size = type_size(llview_desc_text(d));

		if (d->size + 8u > *size && d->kind != DESC_BIT_WORD && d->kind != DESC_BIT_SHIFT)
			*size = (d->size + 15u) & ~7ull;
	}
	sized = true;
	for (size_t i = 0; i < count; i++)
		layout.slots[i] = answer(&__start_llview_desc[i], seed);
}

/* The answer to a question of which it is known that somebody asks. */
static uint64_t layout_get(const char *text)
{
	for (const struct llview_desc *d = __start_llview_desc; d != __stop_llview_desc; d++) {
		if ((d->kind == DESC_OFFSET || d->kind == DESC_SYMBOL) &&
		    !strcmp(llview_desc_text(d), text))
			return layout.slots[d - __start_llview_desc];
	}
	fprintf(stderr, "nobody asks for %s any more\n", text);
	abort();
}

/* ---- the memory ---- */

static _Alignas(GUEST_PAGE_SIZE) uint64_t memory[WORDS];

static uint64_t weave(unsigned int kind, uint64_t value)
{
	static const char text[] = "a/b c\n\\\t(x)%s\377";
	uint64_t at = BASE + value % WORDS * 8;

	switch (kind & 15) {
	case 0:
	case 1:
		return 0;
	case 2:
		return kind >> 4;
	case 3:
		return value;
	case 4:
		return value << 32 | value;
	case 5:
		return at | (kind >> 4 & 7);
	case 6:
		return (at & ~255ull) | (kind >> 4 & 3) << 3 | 2; /* nodes of maple trees */
	case 7:
		return at | 2; /* of XArrays */
	case 8:
		memcpy(&at, text + value % (sizeof(text) - 8), 8);
		return at;
	case 9:
		return ~value;
	case 10:
		return BASE + WORDS * 8 - 8 + value % 16; /* across the end */
	case 11:
		return value & 1 ? 0x400000 + value * 64 : 0xdead000000000100u + value;
	default:
		return at;
	}
}

static void memory_make(const uint8_t *data, size_t size)
{
	size_t units = size / 3;

	for (uint64_t i = 0; i < WORDS; i++) {
		const uint8_t *u = units ? data + 3 * ((i * 0x9e3779b97f4a7c15u >> 33) % units) : NULL;

		memory[i] = u ? weave(u[0], u[1] | (uint64_t)u[2] << 8) : 0;
	}
}

static void put(uint64_t at, const void *bytes, size_t size)
{
	if (at - BASE < sizeof(memory) && size <= sizeof(memory) - (at - BASE))
		memcpy((char *)memory + (at - BASE), bytes, size);
}

static void put64(uint64_t at, uint64_t value)
{
	put(at, &value, sizeof(value));
}

/* A table of PIDs that leads to a few tasks, so that there is more to look at than no process. */
static void tasks_make(void)
{
	uint64_t ns = layout_get("init_pid_ns"), node = BASE + 15 * GUEST_PAGE_SIZE;
	uint64_t idr = ns + layout_get("struct pid_namespace:idr");
	uint32_t zero = 0;

	put(idr + layout_get("struct idr:idr_base"), &zero, sizeof(zero));
	put64(idr + layout_get("struct idr:idr_rt") + layout_get("struct xarray:xa_head"), node | 2);
	put(ns + layout_get("struct pid_namespace:level"), &zero, sizeof(zero));
	for (uint64_t i = 0; i < 72; i++)
		put64(node + 8 * i, 0);
	for (uint32_t i = 1; i <= TASKS; i++) {
		uint64_t pid = BASE + (9 + i) * GUEST_PAGE_SIZE, task = pid + 2048;
		uint64_t links = task + layout_get("struct task_struct:pid_links");
		uint64_t numbers = pid + layout_get("struct pid:numbers");

		put64(node + 40 + 8 * i, pid);
		put(pid + layout_get("struct pid:level"), &zero, sizeof(zero));
		for (uint64_t type = 0; type < 4; type++)
			put64(pid + layout_get("struct pid:tasks") + 8 * type, links + 16 * type);
		put(numbers, &i, sizeof(i));
		put64(numbers + 8, ns);
		put64(task + layout_get("struct task_struct:thread_pid"), pid);
	}
}

static enum err memory_page(struct guest_pages *p, struct guest_space as, struct gva va,
			    const void **ret)
{
	uint64_t page = va.v / GUEST_PAGE_SIZE;

	if (va.v >> 63 ? va.v - BASE >= sizeof(memory) : (page ^ as.top) % 3 == 0) {
		p->stats.faults++;
		return ERR_UNMAPPED;
	}
	*ret = &memory[page % PAGES * (GUEST_PAGE_SIZE / 8)];
	return ERR_OK;
}

static enum err memory_epoch(struct guest_pages *p, struct err_ctx *err)
{
	(void)err;
	p->epoch++;
	return ERR_OK;
}

static void memory_destroy(struct guest_pages *p)
{
	(void)p;
}

static const struct guest_pages_ops memory_ops = {
	.page = memory_page, .epoch = memory_epoch, .destroy = memory_destroy,
};

/* ---- the tree ---- */

struct tour {
	struct vfs *vfs;
	size_t nodes;
};

static void read_file(struct tour *t, const struct vfs_node *n)
{
	struct vfs_file *f;
	const void *whole;
	int64_t at = 0, got;
	size_t size;
	char buf[4096];

	if (vfs_open(t->vfs, n, &f))
		return;
	while ((got = vfs_pread(f, buf, sizeof(buf), at)) > 0) {
		FUZZ_ASSERT(got <= (int64_t)sizeof(buf));
		at += got;
		FUZZ_ASSERT(at <= MEMORY_MAX);
		if (at > CONTENT_MAX)
			break;
	}
	if (got == 0 && !vfs_content(f, &whole, &size))
		FUZZ_ASSERT(size <= MEMORY_MAX);
	vfs_close(f);
}

static void visit(struct tour *t, const struct vfs_node *n, int depth);

static void visit_children(struct tour *t, const struct vfs_node *dir, int depth)
{
	struct vfs_dirent entry;
	struct vfs_file *f;

	if (depth == DEPTH_MAX || vfs_open(t->vfs, dir, &f))
		return;
	for (uint64_t i = 2; i < ENTRIES_MAX && vfs_dirent_at(f, i, &entry) > 0; i++) {
		static struct vfs_place place;

		FUZZ_ASSERT(memchr(entry.name, '\0', sizeof(entry.name)));
		FUZZ_ASSERT(entry.name[0] && !strchr(entry.name, '/'));
		if (vfs_walk(t->vfs, dir, entry.name, VFS_WALK_NOFOLLOW, &place) ||
		    place.kind != VFS_FOUND)
			continue;
		struct vfs_node child = place.node;

		visit(t, &child, depth + 1);
		if (entry.type == DT_LNK && !vfs_walk(t->vfs, dir, entry.name, 0, &place))
			FUZZ_ASSERT(memchr(place.path, '\0', sizeof(place.path)));
	}
	vfs_close(f);
}

static void visit(struct tour *t, const struct vfs_node *n, int depth)
{
	struct vfs_stat st;
	char text[VFS_PATH_MAX];
	int size;

	if (t->nodes++ >= NODES_MAX)
		return;
	(void)vfs_getattr_target(t->vfs, n, &st);
	size = vfs_readlink(t->vfs, n, text);
	FUZZ_ASSERT(size < VFS_PATH_MAX);
	(void)vfs_getattr(t->vfs, n, &st); /* may fail where a listing doesn't */
	if (n->ops->readdir)
		visit_children(t, n, depth);
	else if (n->ops->show)
		read_file(t, n);
}

/* All of it; then what links lead to, and what stays out of sight where a listing fails. */
static const char *const starts[] = {
	".", "net", "1/net", "sys/kernel", "2", "3/task/3", "mounts",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct llview_guest_opts opts = { .fuel = 1 << 14, .fault_limit = 256 };
	uint8_t seed = (uint8_t)fuzz_take(&data, &size, 1);
	uint8_t flags = (uint8_t)fuzz_take(&data, &size, 1);
	struct guest_pages pages = { .ops = &memory_ops };
	struct tour tour = { 0 };
	struct llview_guest *guest;
	static struct vfs_place place;
	struct base_alloc alloc;
	struct procfs *fs;

	layout_make(seed);
	memory_make(data, size);
	if (!(flags & 1))
		tasks_make();
	base_alloc_init(&alloc, MEMORY_MAX);
	FUZZ_ASSERT(!llview_guest_create(&alloc, &layout, &pages, &opts, &guest));
	FUZZ_ASSERT(!procfs_create(&alloc, guest, &fs, NULL));
	tour.vfs = procfs_vfs(fs);
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct vfs_node start;

		if (vfs_walk(tour.vfs, NULL, starts[i], 0, &place) || place.kind != VFS_FOUND)
			continue;
		start = place.node;
		tour.nodes = 0;
		visit(&tour, &start, 0);
	}
	procfs_destroy(fs);
	llview_guest_destroy(guest);
	FUZZ_ASSERT(alloc.used == 0);
	return 0;
}
