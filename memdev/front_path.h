/* SPDX-License-Identifier: MIT */
/*
 * The names in the pread carrier's file system, which any local user may make up: bytes in, a
 * decision out. docs/PROTOCOL.md describes the tree.
 *
 *	DIR/VM/SESSION/hello/OFFSET.TOTAL.BYTES		the first message of the handshake
 *	DIR/VM/SESSION/record/OFFSET.TOTAL.BYTES	a sealed record of the client's
 *	DIR/VM/SESSION/EPOCH[.SPACE]			guest memory: pread at its address
 *	DIR/VM/SESSION/error				why not, as a text
 *
 * SESSION is the first 16 bytes of the hello in hex; BYTES are base64url (RFC 4648, 5) without
 * padding; OFFSET and TOTAL are decimal; EPOCH is 16 digits and SPACE up to 16 digits of hex.
 */
#ifndef SCW_MEMDEV_FRONT_PATH_H
#define SCW_MEMDEV_FRONT_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FRONT_NAME_MAX = 255,	     /* of VMs */
	FRONT_PIECE_NAME_MAX = 1000, /* as much as FUSE passes on */
	FRONT_SESSION_SIZE = 16, /* bytes of a session's name */
	FRONT_MESSAGE_MAX = 1 << 16,
	FRONT_PIECE_MAX = FRONT_PIECE_NAME_MAX * 3 / 4,
};

struct front_session_name {
	uint8_t bytes[FRONT_SESSION_SIZE];
};

/* A part of a message, as a file's name holds it. */
struct front_piece {
	uint32_t offset;
	uint32_t total; /* 1 to FRONT_MESSAGE_MAX */
	uint32_t size;	/* at least 1, and offset + size <= total */
	uint8_t bytes[FRONT_PIECE_MAX];
};

/* What an entry of a session's directory is. */
enum front_entry_kind {
	FRONT_ENTRY_HELLO, /* directory */
	FRONT_ENTRY_RECORD, /* directory */
	FRONT_ENTRY_ERROR,
	FRONT_ENTRY_MEMORY,
};

struct front_entry {
	enum front_entry_kind kind;
	uint64_t epoch, space; /* of FRONT_ENTRY_MEMORY */
};

/* False for a name that is none; every accepted thing has exactly one name. */
bool front_session_parse(const char *name, struct front_session_name *ret);
bool front_piece_parse(const char *name, struct front_piece *ret);
bool front_entry_parse(const char *name, struct front_entry *ret);

#endif
