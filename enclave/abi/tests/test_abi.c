// SPDX-License-Identifier: MIT
/* Our own definitions against the kernel's installed header: sizes, places, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#if __has_include(<asm/sgx.h>)
#include <asm/sgx.h>
#define HAVE_HEADER 1
#else
#define HAVE_HEADER 0
#endif

#include "abi/image.h"
#include "abi/kernel.h"

static void test_requests(void **state)
{
	(void)state;
#if HAVE_HEADER
	assert_int_equal(ABI_IOC_CREATE, SGX_IOC_ENCLAVE_CREATE);
	assert_int_equal(ABI_IOC_ADD_PAGES, SGX_IOC_ENCLAVE_ADD_PAGES);
	assert_int_equal(ABI_IOC_INIT, SGX_IOC_ENCLAVE_INIT);
	assert_int_equal(ABI_IOC_PROVISION, SGX_IOC_ENCLAVE_PROVISION);
	assert_int_equal(ABI_ADD_MEASURE, SGX_PAGE_MEASURE);
#ifdef SGX_IOC_ENCLAVE_REMOVE_PAGES
	assert_int_equal(ABI_IOC_RESTRICT, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS);
	assert_int_equal(ABI_IOC_MODIFY_TYPES, SGX_IOC_ENCLAVE_MODIFY_TYPES);
	assert_int_equal(ABI_IOC_REMOVE, SGX_IOC_ENCLAVE_REMOVE_PAGES);
#endif
#else
	skip();
#endif
}

static void test_places(void **state)
{
	(void)state;
#if HAVE_HEADER
#define SAME(ours, our_field, theirs, their_field)                                                 \
	assert_int_equal(offsetof(struct ours, our_field), offsetof(struct theirs, their_field))
	SAME(abi_ioc_add_pages, secinfo, sgx_enclave_add_pages, secinfo);
	SAME(abi_ioc_add_pages, count, sgx_enclave_add_pages, count);
	assert_int_equal(sizeof(struct abi_run), sizeof(struct sgx_enclave_run));
	SAME(abi_run, function, sgx_enclave_run, function);
	SAME(abi_run, exception_vector, sgx_enclave_run, exception_vector);
	SAME(abi_run, exception_error_code, sgx_enclave_run, exception_error_code);
	SAME(abi_run, exception_addr, sgx_enclave_run, exception_addr);
	SAME(abi_run, user_handler, sgx_enclave_run, user_handler);
	SAME(abi_run, user_data, sgx_enclave_run, user_data);
#undef SAME
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
