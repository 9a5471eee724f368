// SPDX-License-Identifier: MIT
/*
 * Runs a fuzz target over every file of the given folder, so that the corpora are ordinary tests.
 * Each file is also tried cut short and with single bytes changed, always the same ones.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum {
	INPUT_MAX = 1 << 20,
	VARIANTS = 200,
};

static void replay(const uint8_t *data, size_t size)
{
	/* A copy of just this size, so that a sanitizer sees a read past its end. */
	uint8_t *copy = malloc(size ? size : 1);
	uint32_t random = 1;

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	for (int i = 0; size && i < VARIANTS; i++) {
		size_t at;
		uint8_t was;

		random = random * 1664525 + 1013904223;
		at = random % size;
		was = copy[at];
		copy[at] ^= (uint8_t)(random >> 24 | 1);
		LLVMFuzzerTestOneInput(copy, size);
		copy[at] = was;
	}
	free(copy);
	for (size_t cut = 1; cut < size; cut += size / 16 + 1) {
		copy = malloc(size - cut);
		if (!copy)
			abort();
		memcpy(copy, data, size - cut);
		LLVMFuzzerTestOneInput(copy, size - cut);
		free(copy);
	}
}

int main(int argc, char **argv)
{
	static uint8_t data[INPUT_MAX];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	if (argc != 2 || !(dir = opendir(argv[1]))) {
		fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
		return 1;
	}
	while ((entry = readdir(dir))) {
		char path[4096];
		size_t size;
		FILE *f;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		f = fopen(path, "rb");
		if (!f) {
			perror(path);
			return 1;
		}
		size = fread(data, 1, sizeof(data), f);
		fclose(f);
		replay(data, size);
		count++;
	}
	closedir(dir);
	printf("%d inputs\n", count);
	return count ? 0 : 1;
}
