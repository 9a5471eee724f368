// SPDX-License-Identifier: MIT
/* Input: a BTF blob, or an ELF file with one. What is accepted is looked up in, by its own strings. */
#include "btf.h"
#include "fuzz.h"

enum {
	STRINGS = 24,
	NAME_MAX_SIZE = 64,
};

static void look_up(const struct btf *t)
{
	const char *strings[STRINGS];
	size_t count = 0;

	for (uint32_t at = 0; at < t->strings_size && count < STRINGS;) {
		const char *s = (const char *)t->bytes + t->strings + at;

		strings[count++] = s;
		at += (uint32_t)strlen(s) + 1;
	}
	for (size_t i = 0; i < count; i++) {
		static const char *const words[] = {"struct ", "union ", "enum ", ""};

		for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
			char type[NAME_MAX_SIZE + 8];
			struct ktype_member m;
			uint64_t size;
			int64_t v;

			snprintf(type, sizeof(type), "%s%.*s", words[w], NAME_MAX_SIZE, strings[i]);
			(void)!btf_sizeof(t, type, &size);
			for (size_t k = 0; k < count; k++) {
				char path[2 * NAME_MAX_SIZE + 2];

				(void)!btf_enum(t, type, strings[k], &v);
				(void)!btf_member(t, type, strings[k], &m);
				snprintf(path, sizeof(path), "%.*s.%.*s", NAME_MAX_SIZE, strings[k],
					 NAME_MAX_SIZE, strings[(k + 1) % count]);
				(void)!btf_member(t, type, path, &m);
			}
		}
		(void)!btf_enum(t, NULL, strings[i], &(int64_t){0});
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base_alloc alloc;
	struct btf_build b = {0};
	size_t offset, length;

	base_alloc_init(&alloc, 16 << 20);
	if (btf_locate(data, size, &offset, &length, NULL) != ERR_OK)
		return 0;
	FUZZ_ASSERT(offset <= size && length <= size - offset);
	if (btf_build(&alloc, data + offset, length, &b, NULL) == ERR_OK)
		look_up(&b.t);
	btf_build_deinit(&b, &alloc);
	FUZZ_ASSERT(alloc.used == 0);
	return 0;
}
