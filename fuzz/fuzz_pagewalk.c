// SPDX-License-Identifier: MIT
/*
 * Input: levels (a byte: 4 or 5), the top table (u64), eight addresses, and physical memory. Walks
 * over mapped, batched and plain sources must agree with each other and with the uncached walk.
 */
#include "fuzz.h"

enum {
	ADDRESSES = 8,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct guest_paging paging = {.levels = fuzz_take(&data, &size, 1) & 1 ? 5 : 4};
	uint64_t top = fuzz_take(&data, &size, 8), va[ADDRESSES];
	enum err codes[FUZZ_PHYS_WAYS][2 * ADDRESSES];
	uint64_t values[FUZZ_PHYS_WAYS][2 * ADDRESSES];

	for (size_t i = 0; i < ADDRESSES; i++)
		va[i] = fuzz_take(&data, &size, 8);
	paging.kernel_top.v = top;
	memset(values, 0, sizeof(values));
	for (unsigned int way = 0; way < FUZZ_PHYS_WAYS; way++) {
		struct guest_pages *pages;
		struct base_alloc alloc;
		struct fuzz_phys memory;

		fuzz_phys_init(&memory, data, size, way);
		base_alloc_init(&alloc, 64 << 20);
		FUZZ_ASSERT(guest_walk_pages_create(&alloc, &memory.phys, &paging, 1024, &pages) ==
			    ERR_OK);
		for (size_t i = 0; i < 2 * ADDRESSES; i++) {
			/* The second time they come from the caches. */
			struct gva at = {va[i % ADDRESSES]};
			struct guest_range range = {at, va[(i + 1) % ADDRESSES]};
			struct gpa cached = {0}, once = {0};
			unsigned char buf[3 * GUEST_PAGE_SIZE];
			enum err e;

			e = guest_walk_translate(pages, GUEST_SPACE_KERNEL, at, &cached);
			if (at.v >> 63) {
				FUZZ_ASSERT(guest_walk_once(&memory.phys, &paging, at, &once) == e);
				FUZZ_ASSERT(cached.v == once.v);
			}
			codes[way][i] = guest_pages_read(pages, GUEST_SPACE_KERNEL, at,
							 &values[way][i], 8);
			if (codes[way][i] != ERR_OK)
				values[way][i] = 0;
			FUZZ_ASSERT(codes[way][i] == codes[0][i]);
			FUZZ_ASSERT(values[way][i] == values[0][i]);
			(void)!guest_pages_read(pages, (struct guest_space){va[0]}, at, buf,
						sizeof(buf));
			if (range.size < 1 << 20)
				guest_pages_want(pages, GUEST_SPACE_KERNEL, &range, 1);
		}
		FUZZ_ASSERT(guest_pages_epoch(pages, NULL) == ERR_OK);
		guest_pages_destroy(pages);
		FUZZ_ASSERT(alloc.used == 0);
		fuzz_phys_deinit(&memory);
	}
	return 0;
}
