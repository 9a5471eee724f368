/* SPDX-License-Identifier: MIT */
/*
 * Our enclave image, a file: a header with the SECS template and the SIGSTRUCT, the segment table,
 * the table of parts, and page-aligned contents. What it says is only what the loader does; what counts is measured
 * into MRENCLAVE, which the SIGSTRUCT fixes. docs/ENCLAVE.md describes it.
 *
 * The digests and the parts are hints for people: they tell *what* was changed in an image that EINIT refuses,
 * and what the program was linked of. Nothing trusts them.
 */
#ifndef SCW_ABI_IMAGE_H
#define SCW_ABI_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "abi/sgx.h"

#define ABI_IMAGE_MAGIC "SCWencl"
#define ABI_IMAGE_VERSION 1u
#define ABI_IMAGE_MAX_SEGMENTS 65536u
#define ABI_IMAGE_MAX_PARTS 64u
#define ABI_IMAGE_MAX_SIZE (1ull << 36) /* of an enclave's address range: what processors have */

struct abi_image {
	char magic[8];
	uint32_t version;
	uint32_t segment_count;
	uint64_t file_size;
	uint64_t size; /* SECS.SIZE */
	uint32_t ssa_frame_size;
	uint32_t miscselect;
	struct abi_attributes attributes;
	uint32_t thread_count; /* TCSs; segments of that kind, in order */
	uint32_t part_count; /* what the program is made of, after the segments */
	uint8_t layout_digest[32];	/* of every segment's place and kind */
	uint8_t permission_digest[32];	/* of every segment's SECINFO and flags */
	struct abi_sigstruct sigstruct; /* all zeros: not signed yet */
	uint8_t padding[112];
} __attribute__((packed));
_Static_assert(sizeof(struct abi_image) == 2048, "image header");

enum abi_segment_kind {
	ABI_SEGMENT_ELF = 1,
	ABI_SEGMENT_CONFIG = 2,
	ABI_SEGMENT_THREAD = 3, /* the page that GSBASE points at */
	ABI_SEGMENT_SSA = 4,
	ABI_SEGMENT_TCS = 5,
	ABI_SEGMENT_STACK = 6,
	ABI_SEGMENT_HEAP = 7,
	ABI_SEGMENT_PROGRAMS = 8, /* struct abi_program[] */
};

struct abi_segment {
	uint64_t offset;      /* from the base, page-aligned */
	uint64_t page_count;
	uint64_t secinfo;     /* SECINFO.FLAGS */
	uint32_t flags;	      /* ABI_ADD_MEASURE */
	uint32_t kind;
	uint64_t file_offset; /* page-aligned; meaningless when file_size is 0 */
	uint64_t file_size;   /* the rest of the pages is zeros */
	char name[16];	      /* for people; NUL-terminated */
	uint8_t digest[32];   /* of the contents in the file */
} __attribute__((packed));
_Static_assert(sizeof(struct abi_segment) == 96, "image segment");

/* Bytes of the program's segments by whose they are: a library's, the tool's own, the linker's tables. */
struct abi_part {
	char name[16]; /* NUL-terminated */
	uint64_t code;
	uint64_t constants;
	uint64_t data;
	uint64_t zeros; /* data that begins as zeros */
} __attribute__((packed));
_Static_assert(sizeof(struct abi_part) == 48, "part of a program");

/*
 * The first bytes of a thread page, written by the signer and measured: how an enclave finds its
 * own parts. Offsets are from the base, sizes bytes. From ABI_THREAD_OWN on the page is the
 * runtime's.
 */
struct abi_thread {
	uint64_t index;
	uint64_t stack_top; /* 16-aligned */
	uint64_t stack_size;
	uint64_t exception_top; /* of the stack for CSSA > 0 */
	uint64_t exception_size;
	uint64_t tcs;
	uint64_t ssa;
	uint32_t ssa_frame_size; /* bytes */
	uint32_t ssa_count;
	uint64_t thread_count;
	uint64_t thread_stride; /* from one thread's parts to the next one's */
	uint64_t heap;
	uint64_t heap_size; /* not measured: zero it before use */
	uint64_t config;
	uint64_t config_size; /* bytes of configuration, not rounded up */
	uint64_t size;	      /* of the enclave */
	uint64_t self;	      /* of this page */
	uint64_t programs;    /* struct abi_program[], read-only */
	uint64_t program_count;
} __attribute__((packed));
_Static_assert(sizeof(struct abi_thread) == 144, "thread page");
_Static_assert(offsetof(struct abi_thread, self) == 120, "read by GS-relative code");
#define ABI_THREAD_OWN 256u

/* A program besides the first, which that one may run; by this name, which the first runs at once and only serves. */
#define ABI_PROGRAM_ITSELF "/proc/self/exe"
#define ABI_PROGRAMS_MAX 16u
struct abi_program {
	uint64_t offset; /* of its ELF header, from the base */
	char path[120];	 /* absolute; NUL-terminated */
} __attribute__((packed));
_Static_assert(sizeof(struct abi_program) == 128, "program");

#endif
