// SPDX-License-Identifier: MIT
/* Enclave images, and programs to make them of: the bytes are taken for either. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/image.h"
#include "host/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sign_options options = {.heap_size = 4096, .stack_size = 4096, .thread_count = 1,
				       .date = 0x20260102};
	struct sign_image made;
	struct image image;
	FILE *out = fopen("/dev/null", "w");

	if (!out)
		abort();
	/* a measurement of terabytes of zeros is right, but no test */
	if (image_parse(data, size, &image, NULL) == ERR_OK && image.header->size <= 16 << 20)
		(void)image_print(&image, out);
	if (sign_build(data, size, &options, &made, NULL) == ERR_OK) {
		/* what we make, we can read */
		if (image_parse(made.data, made.size, &image, NULL))
			abort();
		sign_deinit(&made);
	}
	fclose(out);
	return 0;
}
