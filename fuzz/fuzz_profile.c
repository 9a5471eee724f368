// SPDX-License-Identifier: MIT
/*
 * Input: a profile. Size, checksum and whose it is are made right, as a forger would, so that what
 * lies beneath is reached: look-ups must stay within bounds over any tables.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "fuzz.h"
#include "ktype/ktype.h"

/* Offsets in the header: see core/ktype/profile.c. */
enum {
	AT_CHECKSUM = 8,
	AT_CHECKED = 16,
	AT_SIZE = 24,
	AT_BUILD_ID = 32,
	AT_HAS_BUILD_ID = 52,
	AT_RELEASE = 53,
	HEADER_MIN = 128,
};

static void look_up(const struct ktype *k)
{
	static const char *const names[] = {"init_task", "_stext",	"schedule",    "same_name",
					    "_end",	 "__start_BTF", "current_task"};
	static const char *const types[] = {"struct task_struct", "struct list_head",
					    "enum pid_type",	  "pid_t",
					    "struct old_bits",	  "enum big"};
	static const char *const paths[] = {"pid", "tasks.next", "comm", "high", "four",
					    "flexible", "a", "PIDTYPE_BAD", "BIG"};
	char name[KTYPE_NAME_SIZE];
	struct ktype_member m;
	uint64_t v;
	int64_t n;
	struct gva at;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (ktype_symbol(k, names[i], &at) == ERR_OK)
			(void)!ktype_symbol_at(k, at, name, &v);
	for (uint64_t a = 0xffffffff81000000u; a < 0xffffffff81800000u; a += 0x3331)
		(void)!ktype_symbol_at(k, (struct gva){a}, name, &v);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		(void)!ktype_sizeof(k, types[i], &v);
		for (size_t p = 0; p < sizeof(paths) / sizeof(paths[0]); p++) {
			(void)!ktype_member(k, types[i], paths[p], &m);
			(void)!ktype_enum(k, types[i], paths[p], &n);
			(void)!ktype_enum(k, NULL, paths[p], &n);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ktype_boot boot = {0};
	struct base_alloc alloc;
	uint64_t checksum, size64 = size;
	unsigned char *bytes;
	struct ktype *k;

	if (size < HEADER_MIN)
		return 0;
	bytes = malloc(size);
	if (!bytes)
		abort();
	memcpy(bytes, data, size);
	memcpy(bytes + AT_SIZE, &size64, sizeof(size64));
	memcpy(boot.build_id, bytes + AT_BUILD_ID, sizeof(boot.build_id));
	bytes[AT_HAS_BUILD_ID] = boot.has_build_id = true;
	memcpy(boot.osrelease, bytes + AT_RELEASE, sizeof(boot.osrelease) - 1);
	checksum = XXH3_64bits(bytes + AT_CHECKED, size - AT_CHECKED);
	memcpy(bytes + AT_CHECKSUM, &checksum, sizeof(checksum));
	base_alloc_init(&alloc, 1 << 20);
	if (ktype_load(&alloc, bytes, size, &boot, &k, NULL) == ERR_OK) {
		look_up(k);
		ktype_destroy(k);
	}
	FUZZ_ASSERT(alloc.used == 0);
	free(bytes);
	return 0;
}
