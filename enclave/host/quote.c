// SPDX-License-Identifier: MIT
/*
 * DCAP's quote library, loaded at run time: its three functions take Intel's structures, which are those of
 * abi/sgx.h (sgx_target_info_t, sgx_report_t), and give 0 for success ("SGX ECDSA QuoteLibReference DCAP
 * API"). Not tested on hardware.
 */
#include "quote.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

static struct {
	uint32_t (*target)(void *target_info);
	uint32_t (*size)(uint32_t *size);
	uint32_t (*quote)(const void *report, uint32_t size, uint8_t *quote);
	int status;
} library;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int symbol(void *from, const char *name, void *ret, size_t size)
{
	void *s = dlsym(from, name);

	memcpy(ret, &s, size);
	return s ? 0 : -ENOENT;
}

static void load(void)
{
	static const char *const names[] = {"libsgx_dcap_ql.so.1", "libsgx_dcap_ql.so"};
	void *from = NULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !from; i++)
		from = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!from || symbol(from, "sgx_qe_get_target_info", &library.target, sizeof(library.target)) ||
	    symbol(from, "sgx_qe_get_quote_size", &library.size, sizeof(library.size)) ||
	    symbol(from, "sgx_qe_get_quote", &library.quote, sizeof(library.quote)))
		library.status = -ENOENT;
}

int quote_target(struct abi_targetinfo *ret)
{
	pthread_once(&once, load);
	if (library.status)
		return library.status;
	memset(ret, 0, sizeof(*ret));
	return library.target(ret) ? -EIO : 0;
}

int64_t quote_make(const struct abi_report *report, void *buf, size_t room)
{
	uint32_t size = 0;

	pthread_once(&once, load);
	if (library.status)
		return library.status;
	if (library.size(&size))
		return -EIO;
	if (!size || size > room)
		return -ENOSPC;
	return library.quote(report, size, buf) ? -EIO : (int64_t)size;
}
