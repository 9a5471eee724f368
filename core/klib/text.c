// SPDX-License-Identifier: MIT
/* Finding addresses in the guest's instructions, without decoding these. */
#include "klib/text.h"

#include <string.h>

#include "llview/llview.h"

enum {
	CHUNK = 512,
	STRING_MAX = 128,
};

extern const char __guest __start_rodata[], __end_rodata[];

typedef bool match_fn(uint64_t address, const void *arg);

static bool scan(uint64_t code, uint32_t size, match_fn *match, const void *arg)
{
	unsigned char buf[CHUNK + 4];

	for (uint32_t at = 0; at < size; at += CHUNK) {
		if (!guest_read(buf, guest_ptr(char, code + at), sizeof(buf)))
			return false;
		for (uint32_t i = 0; i <= CHUNK; i++) {
			int32_t imm;

			memcpy(&imm, buf + i, sizeof(imm));
			if (match((uint64_t)(int64_t)imm, arg))
				return true;
			/* Up to four bytes of immediate operand may follow. */
			for (uint32_t after = 4; after <= 8; after++) {
				if (match(code + at + i + after + (uint64_t)(int64_t)imm, arg))
					return true;
			}
		}
	}
	return false;
}

static bool is_target(uint64_t address, const void *arg)
{
	return address == *(const uint64_t *)arg;
}

bool klib_text_refers(uint64_t code, uint32_t size, uint64_t target)
{
	return scan(code, size, is_target, &target);
}

bool klib_text_has_bytes(uint64_t code, uint32_t size, const void *bytes, uint32_t count)
{
	unsigned char buf[CHUNK];

	if (size > sizeof(buf) || !guest_read(buf, guest_ptr(char, code), size))
		return false;
	return memmem(buf, size, bytes, count);
}

struct wanted {
	const char *string;
	size_t size;
	uint64_t start, end;
};

static bool is_string(uint64_t address, const void *arg)
{
	const struct wanted *w = arg;
	char buf[STRING_MAX];

	if (address < w->start || address >= w->end || w->end - address < w->size)
		return false;
	return guest_read(buf, guest_ptr(char, address), w->size) &&
	       !memcmp(buf, w->string, w->size);
}

bool klib_text_has_string(uint64_t code, uint32_t size, const char *string)
{
	struct wanted w = {
		.string = string,
		.size = strlen(string) + 1,
		.start = guest_addr(__start_rodata),
		.end = guest_addr(__end_rodata),
	};

	return w.size <= STRING_MAX && scan(code, size, is_string, &w);
}
