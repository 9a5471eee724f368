/* SPDX-License-Identifier: MIT */
/*
 * The interface of Linux to enclaves: requests of /dev/sgx_enclave and the block that
 * __vdso_sgx_enter_enclave() takes (since 5.11; the SGX2 requests since 6.0). Described by
 * the kernel's arch/x86/include/uapi/asm/sgx.h and Documentation/x86/sgx.rst; a test compares with
 * the installed header.
 */
#ifndef SCW_ABI_KERNEL_H
#define SCW_ABI_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#define ABI_DEVICE "/dev/sgx_enclave"
#define ABI_DEVICE_PROVISION "/dev/sgx_provision"
#define ABI_VDSO_SYMBOL "__vdso_sgx_enter_enclave"

/* src: address of a struct abi_secs */
struct abi_ioc_create {
	uint64_t src;
};

#define ABI_ADD_MEASURE 1ull

struct abi_ioc_add_pages {
	uint64_t src;	  /* page-aligned, in a mapping that could be executable */
	uint64_t offset;  /* from the base */
	uint64_t length;
	uint64_t secinfo; /* address of a struct abi_secinfo */
	uint64_t flags;	  /* ABI_ADD_ */
	uint64_t count;	  /* out: bytes added; fewer than length after a signal */
};

/* sigstruct: address of a struct abi_sigstruct */
struct abi_ioc_init {
	uint64_t sigstruct;
};

struct abi_ioc_provision {
	uint64_t fd;
};

struct abi_ioc_restrict {
	uint64_t offset;
	uint64_t length;
	uint64_t permissions;
	uint64_t result; /* out: code of EMODPR */
	uint64_t count;	 /* out: bytes done */
};

struct abi_ioc_modify_types {
	uint64_t offset;
	uint64_t length;
	uint64_t page_type;
	uint64_t result; /* out: code of EMODT */
	uint64_t count;	 /* out: bytes done */
};

struct abi_ioc_remove {
	uint64_t offset;
	uint64_t length;
	uint64_t count; /* out: bytes done */
};

/* What _IOW(0xA4, n, struct) and _IOWR() make, without a header of the host. */
#define ABI_IOC(direction, number, size)                                                           \
	((unsigned int)(direction) << 30 | (unsigned int)(size) << 16 | 0xA4u << 8 |               \
	 (unsigned int)(number))
#define ABI_IOC_CREATE ABI_IOC(1, 0, sizeof(struct abi_ioc_create))
#define ABI_IOC_ADD_PAGES ABI_IOC(3, 1, sizeof(struct abi_ioc_add_pages))
#define ABI_IOC_INIT ABI_IOC(1, 2, sizeof(struct abi_ioc_init))
#define ABI_IOC_PROVISION ABI_IOC(1, 3, sizeof(struct abi_ioc_provision))
#define ABI_IOC_RESTRICT ABI_IOC(3, 5, sizeof(struct abi_ioc_restrict))
#define ABI_IOC_MODIFY_TYPES ABI_IOC(3, 6, sizeof(struct abi_ioc_modify_types))
#define ABI_IOC_REMOVE ABI_IOC(3, 7, sizeof(struct abi_ioc_remove))

struct abi_run;

/*
 * Called at every exit when abi_run.user_handler is set. Returns what the entry function is to
 * return (<= 0), or the ENCLU leaf to go on with.
 */
typedef int (*abi_run_handler)(long rdi, long rsi, long rdx, long rsp, long r8, long r9,
			       struct abi_run *run);

struct abi_run {
	uint64_t tcs;	   /* address */
	uint32_t function; /* out: ABI_EEXIT, or the leaf in RAX when an exception came */
	uint16_t exception_vector;
	uint16_t exception_error_code;
	uint64_t exception_addr;
	uint64_t user_handler; /* abi_run_handler or 0 */
	uint64_t user_data;
	uint8_t reserved[216]; /* zeros */
};
_Static_assert(sizeof(struct abi_run) == 256, "struct sgx_enclave_run");
_Static_assert(offsetof(struct abi_run, user_handler) == 24, "struct sgx_enclave_run");

/*
 * __vdso_sgx_enter_enclave() and what stands in for it. `function` is ABI_EENTER or ABI_ERESUME.
 * Returns 0 after an EEXIT or exception, -EINVAL for a bad `function` or reserved bytes, or what the
 * handler returned. It keeps rbx, rbp and rsp only: call it through host_enter().
 */
typedef int (*abi_enter)(unsigned long rdi, unsigned long rsi, unsigned long rdx,
			 unsigned int function, unsigned long r8, unsigned long r9,
			 struct abi_run *run);

#endif
