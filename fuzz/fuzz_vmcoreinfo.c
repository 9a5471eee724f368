// SPDX-License-Identifier: MIT
/*
 * Input: a byte for the kind of source and whether there is a hint, then the whole of physical
 * memory, the first page of which is also read as VMCOREINFO by itself.
 */
#include "fuzz.h"
#include "vmcoreinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int way = (unsigned int)fuzz_take(&data, &size, 1);
	struct fuzz_phys memory;
	struct ktype_boot boot;

	if (vmcoreinfo_parse(data, size < GUEST_PAGE_SIZE ? size : GUEST_PAGE_SIZE, &boot, NULL) ==
	    ERR_OK) {
		FUZZ_ASSERT(boot.paging.levels == 4 || boot.paging.levels == 5);
		FUZZ_ASSERT(memchr(boot.osrelease, 0, sizeof(boot.osrelease)));
	}
	fuzz_phys_init(&memory, data, size, way & 0xf);
	if (ktype_boot_find(&memory.phys, (struct gpa){way & 0x10 ? GUEST_PAGE_SIZE : 0}, &boot,
			    NULL) == ERR_OK)
		FUZZ_ASSERT(boot.vmcoreinfo.v < memory.size);
	fuzz_phys_deinit(&memory);
	return 0;
}
