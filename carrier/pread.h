/* SPDX-License-Identifier: MIT */
/* The pread carrier's own: what pread.c shares with pread_objects.c. */
#ifndef SCW_CARRIER_PREAD_PRIVATE_H
#define SCW_CARRIER_PREAD_PRIVATE_H

#include "carrier/pread.h"
#include "channel/message.h"
#include "channel/read.h"

enum {
	PREAD_PATH_SIZE = 4096,
	PREAD_SPACES = 8, /* address spaces whose files are open at a time */
};

struct pread_file {
	int fd; /* -1: none */
	uint64_t space;
	uint64_t used; /* which one was used longest ago */
};

/* Pages that are still to be read for the request under way. */
struct pread_span {
	uint64_t space;
	uint64_t first, last; /* numbers of pages; last < first: done */
};

struct carrier_pread {
	struct sealed_carrier sealed;
	struct sealed_transport transport;
	struct base_alloc *alloc;
	struct sealed_session *session;
	enum carrier_pread_way way;
	uint32_t cluster;
	size_t piece; /* bytes of a message in one name */
	struct carrier_files *io;
	int owner; /* process */
	struct carrier_pread_stats stats;

	/* DIR/VM/, and from the hello on DIR/VM/SESSION/ */
	char path[PREAD_PATH_SIZE];
	size_t prefix;

	int hello;  /* open as long as the session lives */
	int message; /* the record sent last, until its answer is read; -1: none */
	uint64_t message_at;
	enum channel_frame_kind expected; /* while the session is opened */
	size_t left, left_at;		  /* of a record that is handed on in parts */

	const struct channel_random *random;
	bool epoch_begun;
	uint64_t epoch, uses;
	struct pread_file files[PREAD_SPACES];

	uint64_t number;
	struct pread_span spans[CHANNEL_ITEMS_MAX];
	uint32_t span_count, next_span;
	uint32_t budget;
	bool missed; /* the next span is the page that is missed */
	uint32_t ahead;
	uint64_t last_space, last_page; /* behind the last page read for one that was missed */

	struct channel_request request;
	uint8_t record[CHANNEL_RECORD_MAX];
};

/* ERR_GONE in another process than the session's. */
enum err pread_check_owner(const struct carrier_pread *c, struct err_ctx *err) ERR_NODISCARD;

/* Read `length` bytes at `address`; *data_ret points into c->record. */
enum err pread_memory(struct carrier_pread *c, uint64_t space, uint64_t address, size_t length,
		      struct channel_bytes *head_ret, const uint8_t **data_ret,
		      struct err_ctx *err) ERR_NODISCARD;

#endif
