// SPDX-License-Identifier: MIT
/*
 * Headers of ELF cores. The input is the first part of a file of 1 TiB, so that sizes and offsets
 * have room to be right; whatever comes out must be sorted, disjoint and within the file.
 */
#include <stdlib.h>
#include <string.h>

#include "elfcore.h"
#include "fuzz.h"

struct input {
	struct elfcore_reader reader;
	const uint8_t *data;
	size_t size;
};

static bool read_input(struct elfcore_reader *r, uint64_t offset, void *buf, size_t size)
{
	struct input *in = (struct input *)r;

	if (offset > in->size || size > in->size - offset)
		return false;
	memcpy(buf, in->data + offset, size);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {{read_input, (uint64_t)1 << 40}, data, size};
	struct source_extent *x;
	struct err_ctx err = {0};
	size_t count;

	if (elfcore_parse(&in.reader, &x, &count, &err)) {
		FUZZ_ASSERT(err.code != ERR_OK && err.text[0]);
		return 0;
	}
	FUZZ_ASSERT(count > 0 && count <= SOURCE_EXTENTS_MAX);
	for (size_t i = 0; i < count; i++) {
		FUZZ_ASSERT(x[i].size && x[i].backing <= in.reader.size &&
			    x[i].size <= in.reader.size - x[i].backing);
		FUZZ_ASSERT(!i || x[i - 1].gpa + x[i - 1].size <= x[i].gpa);
	}
	free(x);
	return 0;
}
