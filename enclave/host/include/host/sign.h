/* SPDX-License-Identifier: MIT */
/*
 * From a program to a signed enclave image: layout, measurement, SIGSTRUCT. Deterministic: the same
 * program, options, key and date give the same bytes.
 */
#ifndef SCW_HOST_SIGN_H
#define SCW_HOST_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/sgx.h"
#include "base/err.h"

/* Another program of the image, which the first one may run under this path. */
struct sign_program {
	const char *path; /* absolute */
	const void *elf;  /* of two paths for one: the same pointer */
	size_t size;
};

/* Zeros mean the defaults, but for the flags and config. */
struct sign_options {
	uint64_t heap_size;	 /* bytes; default 64 MiB */
	uint64_t stack_size;	 /* bytes, each thread; default 256 KiB */
	uint32_t thread_count;	 /* default 8 */
	uint32_t ssa_count;	 /* frames a thread, at least 2; default 2 */
	uint32_t ssa_frame_size; /* pages; default what xfrm needs */
	uint64_t xfrm;		 /* default x87 and SSE */
	bool debug;		 /* a debugger may read and write the enclave: no secrets */
	bool unchecked_code;	 /* don't look for instructions that an enclave can't run */
	uint16_t product;
	uint16_t svn;
	uint32_t date;	     /* BCD 0xYYYYMMDD; default today, UTC */
	const void *config;  /* measured, read-only inside; what it means is the runtime's */
	size_t config_size;
	const struct sign_program *programs;
	size_t program_count; /* at most ABI_PROGRAMS_MAX */
};

/* The image's bytes, from malloc(). */
struct sign_image {
	uint8_t *data;
	size_t size;
};

/*
 * Lays out `elf` (a static position-independent executable) as an unsigned image. ERR_UNSUPPORTED
 * for what an enclave can't be made of: segments that are writable and executable, relocations in
 * read-only segments, shared libraries, instructions that enclaves can't run; ERR_CORRUPT for what
 * isn't an ELF file.
 */
enum err sign_build(const void *elf, size_t elf_size, const struct sign_options *options,
		    struct sign_image *ret, struct err_ctx *err) ERR_NODISCARD;

/*
 * Signs an image in place with a private key in PEM (`pem_size` bytes): RSA, 3072 bits, exponent 3
 * (`openssl genrsa -3 3072` makes one). ERR_INVAL for other keys.
 */
enum err sign_sign(struct sign_image *image, const void *pem, size_t pem_size,
		   const struct sign_options *options, struct err_ctx *err) ERR_NODISCARD;

void sign_deinit(struct sign_image *image);

#endif
