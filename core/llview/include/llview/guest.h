/* SPDX-License-Identifier: MIT */
/*
 * The host side of LLView, for ordinary C: knowing a guest's layouts (struct llview_layout), a
 * reader of the guest (struct llview_guest), and running kernel-style code on it (guest_run()).
 *
 *	llview_layout_create(&alloc, ktype, &layout);	or llview_layout_load() from a cache
 *	llview_guest_create(&alloc, layout, pages, NULL, &guest);
 *	...
 *	llview_guest_epoch(guest, &err);	the guest has moved on: forget translations
 *	guest_run(guest, list_tasks, &rows);	list_tasks() is compiled through the plugin
 */
#ifndef SCW_LLVIEW_GUEST_H
#define SCW_LLVIEW_GUEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "guest/pages.h"
#include "ktype/ktype.h"

/*
 * What all kernel-style code in this program asks of a guest's kernel (offsets, sizes, symbols,
 * enumerators), resolved by name: one slot of eight bytes for each question. Immutable, so threads
 * may share it.
 */
struct llview_layout;

/* Resolve all against `k`, which is not needed afterwards. Absent things are no error. */
enum err llview_layout_create(struct base_alloc *alloc, const struct ktype *k,
			      struct llview_layout **ret) ERR_NODISCARD;
void llview_layout_destroy(struct llview_layout *l);

/*
 * The same as bytes for a cache, without this boot's KASLR slide. llview_layout_save() gives bytes
 * owned by the caller (base_free). llview_layout_load() copies out of `bytes` and slides by
 * `kaslr`; ERR_CORRUPT for damaged bytes, ERR_ABSENT for those of a program that asks other
 * questions (another build): resolve anew. The caller keys the cache by the kernel's build id.
 */
enum err llview_layout_save(const struct llview_layout *l, struct base_alloc *alloc, void **ret,
			    size_t *size_ret) ERR_NODISCARD;
enum err llview_layout_load(struct base_alloc *alloc, const void *bytes, size_t size,
			    uint64_t kaslr, struct llview_layout **ret) ERR_NODISCARD;

/*
 * The same by the names of the questions, so that another program with them can use it: for the kernel that `boot`
 * is a boot of. llview_layout_export() gives bytes owned by the caller (base_free). llview_layout_import() copies out of
 * `bytes`; ERR_CORRUPT for damaged ones, ERR_ABSENT for another kernel, or if a question isn't answered there.
 */
enum err llview_layout_export(const struct llview_layout *l, const struct ktype_boot *boot,
			      struct base_alloc *alloc, void **ret, size_t *size_ret) ERR_NODISCARD;
enum err llview_layout_import(struct base_alloc *alloc, const void *bytes, size_t size,
			      const struct ktype_boot *boot,
			      struct llview_layout **ret) ERR_NODISCARD;

/*
 * Names the questions that this program asks, and what it understands by the answers: for the key of
 * a cache. The same in each run of a build.
 */
uint64_t llview_layout_questions(void);

/* How many questions there are, and how many this guest has no answer to. */
size_t llview_layout_count(const struct llview_layout *l);
size_t llview_layout_absent(const struct llview_layout *l);

/*
 * Call `fn` with the description of each thing that is absent ("struct sock:sk_foo"), in no
 * particular order; the same thing may come several times.
 */
void llview_layout_each_absent(const struct llview_layout *l,
			       void (*fn)(void *arg, const char *what), void *arg);

/*
 * One thread's reader of one guest: software TLB, arena for copies, fault state. May move between
 * threads, but is used by one at a time. Several guests may be read at once, each with its own.
 */
struct llview_guest;

struct llview_guest_opts {
	size_t arena_size;     /* bytes for pinned copies; 0: 256 KiB */
	uint32_t fault_limit;  /* faults until a guest_run() is aborted; 0: 65536 */
	uint64_t fuel;	       /* loop steps until a guest_run() is aborted; 0: 2^28 */
};

struct llview_guest_stats {
	uint64_t misses;  /* pages looked up: TLB misses */
	uint64_t faults;  /* reads that failed */
	uint64_t unaligned; /* unaligned and crossing accesses */
	uint64_t copies;  /* pinned objects that had to be copied */
	uint64_t runs;	  /* guest_run() calls */
	uint64_t aborts;  /* of those, aborted */
	uint64_t epochs;
};

/* `layout` and `pages` are borrowed; `opts` may be NULL. */
enum err llview_guest_create(struct base_alloc *alloc, const struct llview_layout *layout,
			     struct guest_pages *pages, const struct llview_guest_opts *opts,
			     struct llview_guest **ret) ERR_NODISCARD;
void llview_guest_destroy(struct llview_guest *g);

/*
 * Start a new epoch: of the pages below, and so of everything cached here that doesn't last beyond
 * one. An epoch that somebody else begins on the pages is noticed by itself. Between runs only.
 * ERR_GONE when the VM has ended.
 */
enum err llview_guest_epoch(struct llview_guest *g, struct err_ctx *err) ERR_NODISCARD;

/* Forget all translations, also those that outlive an epoch. Between runs only. */
void llview_guest_flush(struct llview_guest *g);

const struct llview_guest_stats *llview_guest_stats(const struct llview_guest *g);
struct guest_pages *llview_guest_pages(const struct llview_guest *g);

/*
 * Call fn(arg) with `g` as this thread's current guest, then restore the one before: the only way
 * into kernel-style code. Runs nest, also on several guests, but a function that itself reads a
 * guest can't call guest_run() (the plugin rejects it). Each run starts with no fault, an empty
 * arena and full fuel.
 *
 * When the run was aborted, why: ERR_LIMIT (too many faults or steps, or pages: see guest_pages), ERR_GONE (the VM
 * ended), or whatever else a page failed with but that it isn't there. `fn` didn't return then, and nothing
 * between was unwound. ERR_OK otherwise; whatever fn has
 * to say goes through `arg`.
 */
enum err guest_run(struct llview_guest *g, void (*fn)(void *arg), void *arg) ERR_NODISCARD;

#endif
