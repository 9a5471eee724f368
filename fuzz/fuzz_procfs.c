// SPDX-License-Identifier: MIT
/*
 * Input: which answers the kernel doesn't have (a byte), flags (a byte), then units of three bytes
 * that the guest's memory is woven from: kind and value. All pointers lead back into the same few
 * pages, so that walks go far, into cycles, and into records of other types. The layout is made up:
 * each question that procfs asks of a kernel is answered by a hash of its text.
 *
 * Flags: bit 0 leaves out the tasks; bits 1 to 3 say which part of the tree is listed, 7 all of it; bits
 * 4 to 6 which seventh of the files there is read, 7 all of them; bit 7 has all be asked by calls instead. So most
 * runs are short, and what they have in common, the layout and the memory, is made fast. No memory is left behind.
 */
#include "fuzz.h"

#include <dirent.h>

#include "desc.h"
#include "llview/guest.h"
#include "procfs/procfs.h"
#include "questions.h"
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
	FLAG_NO_TASKS = 1,
	STARTS_SHIFT = 1,
	FILES_SHIFT = 4,
	FLAG_CALLS = 1 << 7,
	PARTS = 7, /* of the files; as a choice, all of them */
};

/* What is the input's meaning and not what is tested: a fuzzer needs no feedback from it. */
#ifdef __clang__
#define NO_FEEDBACK __attribute__((no_sanitize("coverage", "address", "undefined")))
#else
#define NO_FEEDBACK
#endif

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

static NO_FEEDBACK uint64_t hash(const char *text, size_t size)
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

/* What of an answer is the same in all runs. */
struct answer {
	uint64_t hash, type_hash; /* of the question, and of the part that names a type */
	uint64_t present, absent; /* both possible answers */
	bool fixed, never;
};

static struct answer answers[SLOTS_MAX];

static NO_FEEDBACK bool is_absent(uint64_t h, uint8_t seed)
{
	return seed && (h >> 8 ^ seed * 0x9e3779b1u) % 32 == 0;
}

static void answer_prepare(const struct llview_desc *d, struct answer *a)
{
	const char *text = llview_desc_text(d);
	uint64_t h = hash(text, strlen(text)), size = *type_size(text), width;
	bool value = d->kind == DESC_OFFSET || d->kind == DESC_SIZEOF || d->kind == DESC_ENUM;

	*a = (struct answer){ .hash = h, .type_hash = hash(text, type_length(text)) };
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (!strcmp(text, fixed[i].text)) {
			a->fixed = true;
			a->present = value ? fixed[i].value : 1;
			return;
		}
	}
	a->never = !strcmp(text, "page_offset_base");
	switch ((enum llview_desc_kind)d->kind) {
	case DESC_HAS:
	case DESC_HAS_BITS:
	case DESC_HAS_TYPE:
	case DESC_HAS_SYMBOL:
	case DESC_HAS_ENUM:
		a->present = 1;
		break;
	case DESC_OFFSET:
		a->present = h % ((size - d->size) / 8 + 1) * 8;
		a->absent = LLVIEW_POISON;
		break;
	case DESC_BIT_WORD:
		a->present = h % (size / 8) * 8;
		a->absent = LLVIEW_POISON;
		break;
	case DESC_BIT_SHIFT:
		width = d->flags & DESC_SIGNED ? d->size : h % (d->size ? d->size : 1) + 1;
		a->present = width ? h % (65 - width) | (64 - width) << 8 : 0;
		break;
	case DESC_SIZEOF:
		a->present = size;
		break;
	case DESC_SYMBOL:
		a->present = BASE + h % WORDS * 8;
		a->absent = LLVIEW_POISON;
		break;
	case DESC_ENUM:
		a->present = h % 40;
		a->absent = LLVIEW_ENUM_ABSENT;
		break;
	}
}

static void answers_prepare(size_t count)
{
	FUZZ_ASSERT(count > 1000 && count < SLOTS_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct llview_desc *d = &__start_llview_desc[i];
		uint64_t *size = type_size(llview_desc_text(d));

		if (d->size + 8u > *size && d->kind != DESC_BIT_WORD && d->kind != DESC_BIT_SHIFT)
			*size = (d->size + 15u) & ~7ull;
	}
	for (size_t i = 0; i < count; i++)
		answer_prepare(&__start_llview_desc[i], &answers[i]);
}

static NO_FEEDBACK void layout_make(uint8_t seed)
{
	size_t count = (size_t)(__stop_llview_desc - __start_llview_desc);
	static bool prepared;

	if (!prepared)
		answers_prepare(count);
	prepared = true;
	for (size_t i = 0; i < count; i++) {
		const struct answer *a = &answers[i];
		bool absent = !a->fixed && (a->never || is_absent(a->hash, seed) ||
					    is_absent(a->type_hash, seed));

		layout.slots[i] = absent ? a->absent : a->present;
	}
}

/* The answer to a question of which it is known that somebody asks. */
static size_t layout_find(const char *text)
{
	for (const struct llview_desc *d = __start_llview_desc; d != __stop_llview_desc; d++) {
		if ((d->kind == DESC_OFFSET || d->kind == DESC_SYMBOL) &&
		    !strcmp(llview_desc_text(d), text))
			return (size_t)(d - __start_llview_desc);
	}
	fprintf(stderr, "nobody asks for %s any more\n", text);
	abort();
}

/* Each place in the code that asks looks for the question once. */
#define layout_get(text)                                                                           \
	({                                                                                         \
		static size_t at_;                                                                 \
		if (!at_)                                                                          \
			at_ = 1 + layout_find(text);                                               \
		layout.slots[at_ - 1];                                                             \
	})

/* ---- the memory ---- */

static _Alignas(GUEST_PAGE_SIZE) uint64_t memory[WORDS];

static NO_FEEDBACK uint64_t weave(unsigned int kind, uint64_t value)
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

static NO_FEEDBACK void memory_make(const uint8_t *data, size_t size)
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
	unsigned int part; /* which of PARTS, or all, of the files is read */
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
	else if (n->ops->show && (t->part == PARTS || t->nodes % PARTS == t->part))
		read_file(t, n);
}

/* All of it; then what links lead to, and what stays out of sight where a listing fails. */
static const char *const starts[] = {
	".", "net", "1/net", "sys/kernel", "2", "3/task/3", "mounts",
};

/* Who has names to give, but none of this kernel's. */
static const struct ktype *no_names(void *ctx)
{
	(void)ctx;
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct llview_guest_opts opts = { .fuel = 1 << 14, .fault_limit = 256 };
	uint8_t seed = (uint8_t)fuzz_take(&data, &size, 1);
	uint8_t flags = (uint8_t)fuzz_take(&data, &size, 1);
	struct guest_pages pages = { .ops = &memory_ops };
	struct tour tour = { .part = flags >> FILES_SHIFT & 7 };
	struct llview_guest *guest;
	static struct vfs_place place;
	struct base_alloc alloc;
	struct procfs *fs;

	layout_make(seed);
	memory_make(data, size);
	if (!(flags & FLAG_NO_TASKS))
		tasks_make();
	base_alloc_init(&alloc, MEMORY_MAX);
	FUZZ_ASSERT(!llview_guest_create(&alloc, &layout, &pages, &opts, &guest));
	FUZZ_ASSERT(!procfs_create(&alloc, guest, &fs, NULL));
	procfs_use_names(fs, no_names, NULL);
	tour.vfs = procfs_vfs(fs);
	if (flags & FLAG_CALLS)
		questions_ask(tour.vfs, &alloc);
	for (size_t i = 0; !(flags & FLAG_CALLS) && i < sizeof(starts) / sizeof(starts[0]); i++) {
		unsigned int only = flags >> STARTS_SHIFT & 7;
		struct vfs_node start;

		if (only < sizeof(starts) / sizeof(starts[0]) && only != i)
			continue;
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
