// SPDX-License-Identifier: MIT
/* The measured configuration: refused with a reason, or within its bytes and the same when rewritten. */
#include "config/config.h"
#include "fuzz.h"

static struct config got, again;

static bool within(const void *p, size_t n, const uint8_t *data, size_t size)
{
	uintptr_t at = (uintptr_t)p, start = (uintptr_t)data;

	return at >= start && at - start <= size && n <= size - (at - start);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err_ctx err = {0};
	uint8_t *copy;
	size_t copy_size;
	enum err e = config_parse(data, size, &got, &err);

	FUZZ_ASSERT(e == ERR_OK || (err.code == e && err.text[0]));
	if (e || !size)
		return 0;
	for (size_t i = 0; i < got.argument_count; i++)
		FUZZ_ASSERT(within(got.arguments[i].text, got.arguments[i].size, data, size));
	for (size_t i = 0; i < got.environment_count; i++)
		FUZZ_ASSERT(within(got.environment[i].text, got.environment[i].size, data, size));
	for (size_t i = 0; i < got.file_count; i++) {
		FUZZ_ASSERT(within(got.files[i].path.text, got.files[i].path.size, data, size));
		FUZZ_ASSERT(within(got.files[i].data, got.files[i].size, data, size));
		FUZZ_ASSERT(got.files[i].path.text[0] == '/');
	}
	FUZZ_ASSERT(config_write(&got, &copy, &copy_size, &err) == ERR_OK);
	FUZZ_ASSERT(config_parse(copy, copy_size, &again, &err) == ERR_OK);
	FUZZ_ASSERT(again.permit == got.permit && again.argument_count == got.argument_count &&
		    again.environment_count == got.environment_count &&
		    again.file_count == got.file_count &&
		    !memcmp(again.device_key, got.device_key, sizeof(got.device_key)));
	free(copy);
	return 0;
}
