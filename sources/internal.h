/* SPDX-License-Identifier: MIT */
/* What the files of sources/ share: a source, its candidates for guest RAM and its placement. */
#ifndef SCW_SOURCES_INTERNAL_H
#define SCW_SOURCES_INTERNAL_H

#include "sources/maps.h"
#include "sources/source.h"
#include "store.h"

enum {
	SOURCE_BLOCKS_MAX = 64,
	CANARY_SIZE = 256,
	SOURCE_WATCHES_MAX = 30,
	/* what is looked at of the BIOS data area */
	FIRMWARE_AT = 0x408,
	FIRMWARE_SIZE = 0x68,
};

/*
 * A stretch of backing that may be guest RAM, in the order in which it is worth trying. The store
 * is opened when the block is first looked at (opening all of a VMM's mappings would be a waste).
 */
struct source_block {
	uint64_t backing;
	uint64_t size;
	struct store *store; /* NULL until opened */
	struct maps_entry map; /* of a process; map.path is owned */
	char *opened; /* the path by which the file of `map` was opened; NULL: read by copying */
	uint64_t dev, ino; /* of that file */
};

/* An extent with the store that it lies in. */
struct placed_extent {
	struct source_extent e;
	struct store *store;
};

/* A word of the guest's memory that stays as it is until the guest restarts: see watch.c. */
struct watch {
	uint64_t gpa;
	uint64_t value;
	bool is_entry;	    /* of a page table: hardware's bits don't count */
	unsigned int level; /* of an entry that may be split: of its table; else 0 */
	uint64_t maps;	    /* and the physical address that it leads to */
};

struct source {
	struct guest_phys phys;
	enum source_kind kind;
	struct source_block blocks[SOURCE_BLOCKS_MAX];
	size_t block_count;
	struct placed_extent *extents; /* sorted by gpa, not overlapping */
	struct source_extent *plain;   /* the same for source_extents() */
	size_t extent_count;
	size_t last; /* extent of the last hit */
	bool has_addresses; /* the format gave the addresses: nothing to place or to settle */

	/* a process */
	pid_t pid;

	/* what alive() watches */
	int pidfd; /* -1: nothing */
	uint64_t alive_tick; /* of the coarse clock, when it was found alive; 0: never */
	bool watched;
	struct gpa canary_at;
	uint8_t canary[CANARY_SIZE];
	bool has_firmware;
	uint8_t firmware[FIRMWARE_SIZE];
	struct watch watches[SOURCE_WATCHES_MAX];
	size_t watch_count;
};

struct source *source_create(enum source_kind kind);

/* Add a block; takes `store` over, copies `map` (or NULL). ERR_LIMIT when there are too many. */
enum err source_add_block(struct source *s, uint64_t backing, uint64_t size, struct store *store,
			  const struct maps_entry *map, struct err_ctx *err) ERR_NODISCARD;

/* The block's store, opened now if need be. */
enum err source_block_store(struct source *s, struct source_block *b, struct store **ret,
			    struct err_ctx *err) ERR_NODISCARD;

/*
 * Replace the placement. Extents may come in any order; empty and overlapping ones and those
 * outside all blocks are refused (ERR_INVAL).
 */
enum err source_set_extents(struct source *s, const struct source_extent *extents, size_t count,
			    struct err_ctx *err) ERR_NODISCARD;

/* Open the store for block `b` of a process source. */
enum err process_open_block(struct source *s, struct source_block *b, struct store **ret,
			    struct err_ctx *err) ERR_NODISCARD;

/* Note what the kernel that `boot` describes looks like now. */
enum err watch_begin(struct source *s, const struct ktype_boot *boot) ERR_NODISCARD;

/* Does it look so still? ERR_GONE with a text. */
enum err watch_check(struct source *s, struct err_ctx *err) ERR_NODISCARD;

#endif
