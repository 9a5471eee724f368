/* SPDX-License-Identifier: MIT */
/*
 * What is sealed inside the records once a session stands: requests for pages of guest virtual
 * memory, and the pages. A request names ranges, lists and tables of lists in one go, so that a
 * walk of the guest's structures costs a few round trips and not one per node. Encoders and
 * decoders are bytes in, bytes out; a decoder refuses whatever it isn't sure of as a whole.
 */
#ifndef SCW_CHANNEL_MESSAGE_H
#define SCW_CHANNEL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "channel/wire.h"

/* Types of records. */
enum channel_type {
	CHANNEL_EVIDENCE = 1, /* client, once: who it is, bound to the transcript */
	CHANNEL_ACCEPT = 2,   /* device: what the client must know of the guest */
	CHANNEL_REFUSE = 3,   /* device, then it closes: an error code and a text */
	CHANNEL_REQUEST = 4,  /* client: items, below */
	CHANNEL_PAGES = 5,    /* device: one or more per request, below */
	CHANNEL_BYTES = 6,    /* device: the bytes that one pread asked for (channel/read.h) */
};

enum {
	CHANNEL_PAGE_SIZE = 4096,
	CHANNEL_LINE_SIZE = 64, /* what ranges are rounded to: a cache line */
	CHANNEL_PAGE_LINES = CHANNEL_PAGE_SIZE / CHANNEL_LINE_SIZE,
	CHANNEL_WORD_SIZE = 8,	/* or, of lists and tables that are `exact`, a word */
	CHANNEL_LINE_WORDS = CHANNEL_LINE_SIZE / CHANNEL_WORD_SIZE,
	CHANNEL_ITEMS_MAX = 256,    /* in one request */
	CHANNEL_FOLLOW_MAX = 16,    /* pointers followed from each node of a list, or parts of it */
	CHANNEL_AROUND_MAX = 16384, /* bytes before or after a node, or at a followed pointer */
	CHANNEL_NODES_MAX = 1 << 20, /* nodes of all lists of one item */
	CHANNEL_RANGE_MAX = 1 << 24, /* bytes of one range */
	CHANNEL_TABLE_MAX = 1 << 20, /* heads of one table */
	CHANNEL_REQUEST_PAGES = 1 << 17, /* pages that one request may bring */
};

enum channel_item_kind {
	/* `size` bytes at `address`: the lines that they lie in, here and below. */
	CHANNEL_READ = 1,
	/*
	 * The list whose first node is at `address`: `before` and `after` bytes around each node, the
	 * next node being the pointer at node + next_offset, until it is 0, odd (hlist_nulls), `address`
	 * again, unreadable, or `bound` nodes are seen. `size`: where the kernel has all physical memory
	 * mapped, if processes' memory is followed into; else not looked at.
	 */
	CHANNEL_CHASE = 2,
	/*
	 * `size` pointers to first nodes, the first of them at `address` and each `stride` bytes further;
	 * the pointers themselves, and each list as above. With CHANNEL_NEXT_NONE the lists are of one
	 * node each: an array of pointers, whose two lowest bits don't count (but odd ones are none).
	 */
	CHANNEL_TABLE = 3,
	/* Of the page at `address` those lines whose bits are set in `size`. */
	CHANNEL_LINES = 4,
	/*
	 * Lists or tables of one request that begin and go on at the same places are walked together, so that
	 * all that is wanted of a node comes together.
	 */
};

/* On the wire beside the kind of a list or table: it is `exact`. */
#define CHANNEL_ITEM_EXACT (1u << 31)

/* In place of the offset of a link: nodes have none. */
#define CHANNEL_NEXT_NONE INT64_MIN

/*
 * The pointer at node + offset leads to where `size` bytes are wanted too, `at` bytes behind. With `from`
 * N > 0 the pointer lies not in the node but where follow N - 1, which comes before this one, has
 * led. With `here` there is no pointer: `size` bytes are wanted at that offset itself.
 *
 * With `top` the pointer leads to the top page table of a process, by way of where all physical memory
 * is mapped, and nothing is wanted there: the next follow is a range of that process's memory. Where it begins is
 * the pointer at its offset, where it ends the one `at` bytes behind that; at most `size` bytes of it.
 */
struct channel_follow {
	int32_t offset;
	uint32_t size; /* 0: unused */
	uint32_t at;
	uint32_t from;
	bool here, top;
};

/* On the wire: offset, size and `at` in 16 bits each, `from` with these for `here` and `top`. */
#define CHANNEL_FOLLOW_HERE (1u << 31)
#define CHANNEL_FOLLOW_TOP  (1u << 30)

struct channel_item {
	enum channel_item_kind kind;
	/*
	 * Of lists and tables: of what is wanted around nodes and where pointers lead the words that it lies in are
	 * enough, the rest of their lines needn't come.
	 */
	bool exact;
	uint32_t bound;
	uint64_t space; /* 0: the kernel's */
	uint64_t address;
	uint64_t size;
	uint64_t stride;
	int64_t next_offset;
	uint32_t before, after;
	struct channel_follow follow[CHANNEL_FOLLOW_MAX];
};

enum {
	CHANNEL_ITEM_SPACE = 4 + 4, /* offset of the address space in an item */
	CHANNEL_ITEM_SIZE = 4 + 4 + 5 * 8 + 2 * 4 + CHANNEL_FOLLOW_MAX * 12,
	CHANNEL_REQUEST_HEADER_SIZE = 8 + 4 + 4,
	CHANNEL_REQUEST_MAX = CHANNEL_REQUEST_HEADER_SIZE + CHANNEL_ITEMS_MAX * CHANNEL_ITEM_SIZE,

	CHANNEL_PAGES_HEADER_SIZE = 8 + 8 + 4 + 4,
	CHANNEL_PIECE_HEADER_SIZE = 8 + 8 + 8,
	CHANNEL_PIECE_MAX = CHANNEL_PIECE_HEADER_SIZE + CHANNEL_PAGE_SIZE,
	/* whole pages that fit one record */
	CHANNEL_PAGES_PER_RECORD = (CHANNEL_PLAIN_MAX - CHANNEL_PAGES_HEADER_SIZE) /
				   CHANNEL_PIECE_MAX,
};

/*
 * A request: `number` comes back in its answers. Decoding checks every bound above; ERR_CORRUPT
 * says what is wrong. Encoding: ERR_INVAL for what decoding would refuse or what doesn't fit.
 */
struct channel_request {
	uint64_t number;
	uint32_t count;
	struct channel_item items[CHANNEL_ITEMS_MAX];
};
enum err channel_request_encode(const struct channel_request *r, void *buf, size_t room,
				size_t *size_ret, struct err_ctx *err) ERR_NODISCARD;
enum err channel_request_decode(const void *bytes, size_t size, struct channel_request *ret,
				struct err_ctx *err) ERR_NODISCARD;
/* Would that succeed? Then its number. */
enum err channel_request_check(const void *bytes, size_t size, uint64_t *number_ret,
			       struct err_ctx *err) ERR_NODISCARD;

/* What became of a page; in the low bits of its space on the wire. */
enum channel_page_state {
	CHANNEL_PAGE_DATA = 0,	   /* lines of it follow */
	CHANNEL_PAGE_UNMAPPED = 1, /* the address has no translation */
	CHANNEL_PAGE_NOPHYS = 2,   /* there is no memory behind it */
	CHANNEL_PAGE_PARTS = 3,	   /* words of lines of it follow, behind a table of where they are */
};

/*
 * What there is of a line that comes in part: neighbours among its words. In 6 bits which is the first and how many there
 * are, less one. In a piece each line's are 16 bits, above these where the first one lies, in words from the
 * table's start on; behind the table, which zeros fill up to words, the words lie without gaps, in order.
 */
#define CHANNEL_RUN(first, count) ((uint8_t)((first) << 3 | ((count) - 1)))
enum {
	CHANNEL_RUN_BITS = 6,
	CHANNEL_RUN_WHOLE = CHANNEL_LINE_WORDS - 1,
};
static inline unsigned int channel_run_first(unsigned int run)
{
	return run >> 3 & (CHANNEL_LINE_WORDS - 1);
}
static inline unsigned int channel_run_count(unsigned int run)
{
	return (run & (CHANNEL_LINE_WORDS - 1)) + 1;
}
/* Words that the table of so many lines takes. */
static inline unsigned int channel_runs_words(unsigned int lines)
{
	return (lines + 3) / 4;
}

enum channel_pages_flags {
	CHANNEL_PAGES_MORE = 1,	     /* another record of this answer follows */
	CHANNEL_PAGES_TRUNCATED = 2, /* the request's budget of pages is used up: ask for the rest */
};

/* Head of an answer's record: `generation` changes when the guest's kernel was started anew. */
struct channel_pages {
	uint64_t number;
	uint64_t generation;
	uint32_t flags;
	uint32_t count; /* of pieces */
};

/* Write the head at the start of a record's plaintext (CHANNEL_PAGES_HEADER_SIZE bytes). */
void channel_pages_encode(const struct channel_pages *p, uint8_t buf[CHANNEL_PAGES_HEADER_SIZE]);

/* Lines of one page; or (not CHANNEL_PAGE_DATA) what else there is to say of it. */
struct channel_piece {
	uint64_t space;
	uint64_t address; /* of the page */
	enum channel_page_state state;
	uint64_t lines;	  /* bit N: line N; some, or none where the page can't be had */
	const void *data; /* decoded: those lines, or table and words; to encode: the page. Borrowed. */
	size_t size;	  /* decoded: bytes of the data */
	const uint8_t *runs; /* to encode in parts: of line N what comes (CHANNEL_RUN), if it comes */
};
/*
 * Append a piece: at most CHANNEL_PIECE_MAX bytes, a multiple of 8; how many were written. What is in parts but no
 * shorter for it is sent as a whole, more of the lines than was said.
 */
size_t channel_piece_encode(const struct channel_piece *p, uint8_t *buf);

/* Takes one piece of an answer. */
struct channel_piece_sink {
	void (*piece)(struct channel_piece_sink *s, const struct channel_piece *p);
	/* Optional: this piece comes later, if the record is as it should be. */
	void (*soon)(struct channel_piece_sink *s, const struct channel_piece *p);
};
/*
 * Check a record of an answer as a whole, then give its pieces to `sink`. ERR_CORRUPT for anything
 * but exactly `count` well-formed ones; the sink has seen none of them then.
 */
enum err channel_pages_decode(const void *bytes, size_t size, struct channel_pages *ret,
			      struct channel_piece_sink *sink, struct err_ctx *err) ERR_NODISCARD;

#endif
