// SPDX-License-Identifier: MIT
/* Finding addresses in the guest's instructions, without decoding these. */
#include "klib/text.h"

#include <string.h>

#include "llview/llview.h"

enum {
	CHUNK = 512,
	STRING_MAX = 256,
};

extern const char __guest __start_rodata[], __end_rodata[];

typedef bool match_fn(uint64_t address, void *arg);

/*
 * Every four bytes could be an address, or the distance to one from behind the instruction. Most are
 * neither, and a look at where they'd lead tells: `match` is asked only about what is in [low, high).
 */
static bool scan(uint64_t code, uint32_t size, uint64_t low, uint64_t high, match_fn *match,
		 void *arg)
{
	enum { FROM = 4, TO = 8 }; /* up to four bytes of immediate operand may follow */
	unsigned char buf[CHUNK + 4];

	for (uint32_t at = 0; at < size; at += CHUNK) {
		if (!guest_read(buf, guest_ptr(char, code + at), sizeof(buf)))
			return false;
		for (uint32_t i = 0; i <= CHUNK; i++) {
			uint64_t here = code + at + i;
			int32_t word;

			memcpy(&word, buf + i, sizeof(word));

			uint64_t value = (uint64_t)(int64_t)word;

			if (value - low < high - low && match(value, arg))
				return true;
			if (here + value - (low - TO) >= high - low + TO)
				continue;
			for (uint32_t after = FROM; after <= TO; after++) {
				uint64_t address = here + after + value;

				if (address - low < high - low && match(address, arg))
					return true;
			}
		}
	}
	return false;
}

static bool is_target(uint64_t address, void *arg)
{
	(void)address;
	(void)arg;
	return true;
}

bool klib_text_refers(uint64_t code, uint32_t size, uint64_t target)
{
	return scan(code, size, target, target + 1, is_target, NULL);
}

bool klib_text_has_bytes(uint64_t code, uint32_t size, const void *bytes, uint32_t count)
{
	unsigned char buf[CHUNK];

	if (size > sizeof(buf) || !guest_read(buf, guest_ptr(char, code), size))
		return false;
	return memmem(buf, size, bytes, count);
}

struct wanted {
	const char *bytes;
	size_t size;
	uint64_t at; /* where they were found */
};

static bool is_wanted(uint64_t address, void *arg)
{
	struct wanted *w = arg;
	char buf[STRING_MAX];

	w->at = address;
	return guest_read(buf, guest_ptr(char, address), w->size) &&
	       !memcmp(buf, w->bytes, w->size);
}

uint64_t klib_text_find(uint64_t code, uint32_t size, const void *bytes, size_t count)
{
	struct wanted w = { .bytes = bytes, .size = count };
	uint64_t start = guest_addr(__start_rodata), end = guest_addr(__end_rodata);

	return w.size <= STRING_MAX && end - start > w.size &&
	       scan(code, size, start, end - w.size + 1, is_wanted, &w) ? w.at : 0;
}

bool klib_text_has_string(uint64_t code, uint32_t size, const char *string)
{
	return klib_text_find(code, size, string, strlen(string) + 1) != 0;
}
