/* SPDX-License-Identifier: MIT */
/*
 * The structures of the SGX architecture that software fills in or reads: Intel SDM volume 3D,
 * "Enclave Access Control and Data Structures" (the table is named at each). Numbers are
 * little-endian; every size is asserted. Freestanding: the enclave includes it, too.
 */
#ifndef SCW_ABI_SGX_H
#define SCW_ABI_SGX_H

#include <stddef.h>
#include <stdint.h>

#define ABI_PAGE 4096u
#define ABI_EXTEND_BLOCK 256u /* what one EEXTEND measures */
#define ABI_MODULUS_SIZE 384u /* RSA-3072 */
#define ABI_EXPONENT 3u

/* Leaf functions of ENCLU (SDM: "Intel SGX Instructions and Operations"). */
enum abi_enclu {
	ABI_EREPORT = 0,
	ABI_EGETKEY = 1,
	ABI_EENTER = 2,
	ABI_ERESUME = 3,
	ABI_EEXIT = 4,
	ABI_EACCEPT = 5,
	ABI_EMODPE = 6,
	ABI_EACCEPTCOPY = 7,
};

/* Error codes in RAX (SDM: "Error Codes of Intel SGX Instructions"). */
enum abi_code {
	ABI_SUCCESS = 0,
	ABI_INVALID_SIG_STRUCT = 1,
	ABI_INVALID_ATTRIBUTE = 2,
	ABI_INVALID_MEASUREMENT = 4,
	ABI_INVALID_SIGNATURE = 8,
	ABI_NOT_TRACKED = 11,
	ABI_PAGE_ATTRIBUTES_MISMATCH = 19,
	ABI_PAGE_NOT_MODIFIABLE = 20,
	ABI_INVALID_CPUSVN = 32,
	ABI_INVALID_ISVSVN = 64,
	ABI_INVALID_KEYNAME = 256,
};

/* ATTRIBUTES.FLAGS (Table "Layout of ATTRIBUTES Structure"). */
#define ABI_ATTR_INIT (1ull << 0)
#define ABI_ATTR_DEBUG (1ull << 1)
#define ABI_ATTR_MODE64BIT (1ull << 2)
#define ABI_ATTR_PROVISIONKEY (1ull << 4)
#define ABI_ATTR_EINITTOKENKEY (1ull << 5)
#define ABI_ATTR_KSS (1ull << 7)
#define ABI_ATTR_KNOWN                                                                             \
	(ABI_ATTR_INIT | ABI_ATTR_DEBUG | ABI_ATTR_MODE64BIT | ABI_ATTR_PROVISIONKEY |             \
	 ABI_ATTR_EINITTOKENKEY | ABI_ATTR_KSS)

#define ABI_XFRM_LEGACY 3ull /* x87 and SSE: always on */
#define ABI_MISC_EXINFO 1u   /* report #PF and #GP in the SSA frame */

/* SECINFO.FLAGS (Table "Layout of SECINFO.FLAGS Field"). */
#define ABI_SECINFO_R (1ull << 0)
#define ABI_SECINFO_W (1ull << 1)
#define ABI_SECINFO_X (1ull << 2)
#define ABI_SECINFO_PERMISSIONS 7ull
#define ABI_SECINFO_PENDING (1ull << 3)
#define ABI_SECINFO_MODIFIED (1ull << 4)
#define ABI_SECINFO_PR (1ull << 5)
#define ABI_SECINFO_TYPE_SHIFT 8
#define ABI_SECINFO_TYPE (0xffull << ABI_SECINFO_TYPE_SHIFT)

enum abi_page_type {
	ABI_PT_SECS = 0,
	ABI_PT_TCS = 1,
	ABI_PT_REG = 2,
	ABI_PT_VA = 3,
	ABI_PT_TRIM = 4,
};

#define ABI_SECINFO_TCS ((uint64_t)ABI_PT_TCS << ABI_SECINFO_TYPE_SHIFT)
#define ABI_SECINFO_REG ((uint64_t)ABI_PT_REG << ABI_SECINFO_TYPE_SHIFT)
#define ABI_SECINFO_TRIM ((uint64_t)ABI_PT_TRIM << ABI_SECINFO_TYPE_SHIFT)

struct abi_attributes {
	uint64_t flags;
	uint64_t xfrm;
} __attribute__((packed));

/* Table "Layout of SGX Enclave Control Structure". The page that ECREATE takes. */
struct abi_secs {
	uint64_t size; /* bytes, a power of two */
	uint64_t base; /* aligned to size */
	uint32_t ssa_frame_size; /* pages */
	uint32_t miscselect;
	uint8_t reserved1[24];
	struct abi_attributes attributes;
	uint8_t mrenclave[32];
	uint8_t reserved2[32];
	uint8_t mrsigner[32];
	uint8_t reserved3[32];
	uint8_t config_id[64];
	uint16_t isv_prod_id;
	uint16_t isv_svn;
	uint16_t config_svn;
	uint8_t reserved4[3834];
} __attribute__((packed));
_Static_assert(sizeof(struct abi_secs) == 4096, "SECS");
_Static_assert(offsetof(struct abi_secs, attributes) == 48, "SECS.ATTRIBUTES");
_Static_assert(offsetof(struct abi_secs, mrsigner) == 128, "SECS.MRSIGNER");
_Static_assert(offsetof(struct abi_secs, isv_prod_id) == 256, "SECS.ISVPRODID");

#define ABI_TCS_DBGOPTIN 1ull

/* Table "Layout of Thread Control Structure". Offsets are from the enclave's base. */
struct abi_tcs {
	uint64_t state; /* the processor's */
	uint64_t flags;
	uint64_t ossa;
	uint32_t cssa; /* the processor's */
	uint32_t nssa;
	uint64_t oentry;
	uint64_t aep; /* the processor's */
	uint64_t ofsbase;
	uint64_t ogsbase;
	uint32_t fslimit;
	uint32_t gslimit;
	uint8_t reserved[4024];
} __attribute__((packed));
_Static_assert(sizeof(struct abi_tcs) == 4096, "TCS");
_Static_assert(offsetof(struct abi_tcs, oentry) == 32, "TCS.OENTRY");
_Static_assert(offsetof(struct abi_tcs, fslimit) == 64, "TCS.FSLIMIT");

/* Table "Layout of SECINFO Data Structure". */
struct abi_secinfo {
	uint64_t flags;
	uint8_t reserved[56];
} __attribute__((packed, aligned(64)));
_Static_assert(sizeof(struct abi_secinfo) == 64, "SECINFO");

/* Table "Layout of Enclave Signature Structure (SIGSTRUCT)". Big numbers are little-endian. */
struct abi_sigstruct {
	uint8_t header[16];
	uint32_t vendor;
	uint32_t date; /* BCD: 0xYYYYMMDD */
	uint8_t header2[16];
	uint32_t swdefined;
	uint8_t reserved1[84];
	uint8_t modulus[ABI_MODULUS_SIZE];
	uint32_t exponent;
	uint8_t signature[ABI_MODULUS_SIZE];
	uint32_t miscselect;
	uint32_t miscmask;
	uint8_t reserved2[4]; /* CET_ATTRIBUTES, its mask */
	uint8_t isv_family_id[16];
	struct abi_attributes attributes;
	struct abi_attributes attribute_mask;
	uint8_t enclave_hash[32];
	uint8_t reserved3[16];
	uint8_t isv_ext_prod_id[16];
	uint16_t isv_prod_id;
	uint16_t isv_svn;
	uint8_t reserved4[12];
	uint8_t q1[ABI_MODULUS_SIZE];
	uint8_t q2[ABI_MODULUS_SIZE];
} __attribute__((packed));
_Static_assert(sizeof(struct abi_sigstruct) == 1808, "SIGSTRUCT");
_Static_assert(offsetof(struct abi_sigstruct, modulus) == 128, "SIGSTRUCT.MODULUS");
_Static_assert(offsetof(struct abi_sigstruct, miscselect) == 900, "SIGSTRUCT.MISCSELECT");
_Static_assert(offsetof(struct abi_sigstruct, enclave_hash) == 960, "SIGSTRUCT.ENCLAVEHASH");
_Static_assert(offsetof(struct abi_sigstruct, reserved4) == 1028, "SIGSTRUCT, end of what is signed");
_Static_assert(offsetof(struct abi_sigstruct, q1) == 1040, "SIGSTRUCT.Q1");

/* The two ranges of a SIGSTRUCT that the signature covers, in this order. */
#define ABI_SIGNED1_SIZE 128u
#define ABI_SIGNED2_OFFSET 900u
#define ABI_SIGNED2_SIZE 128u

/* Table "Layout of REPORT". The MAC is over the 384 bytes before keyid. */
struct abi_report {
	uint8_t cpusvn[16];
	uint32_t miscselect;
	uint8_t reserved1[12];
	uint8_t isv_ext_prod_id[16];
	struct abi_attributes attributes;
	uint8_t mrenclave[32];
	uint8_t reserved2[32];
	uint8_t mrsigner[32];
	uint8_t reserved3[32];
	uint8_t config_id[64];
	uint16_t isv_prod_id;
	uint16_t isv_svn;
	uint16_t config_svn;
	uint8_t reserved4[42];
	uint8_t isv_family_id[16];
	uint8_t report_data[64];
	uint8_t keyid[32];
	uint8_t mac[16];
} __attribute__((packed));
_Static_assert(sizeof(struct abi_report) == 432, "REPORT");
_Static_assert(offsetof(struct abi_report, report_data) == 320, "REPORT.REPORTDATA");
_Static_assert(offsetof(struct abi_report, keyid) == 384, "REPORT.KEYID");
#define ABI_REPORT_ALIGN 512u
#define ABI_REPORT_DATA_ALIGN 128u

/* Table "Layout of TARGETINFO Data Structure". Aligned to 512. */
struct abi_targetinfo {
	uint8_t mrenclave[32];
	struct abi_attributes attributes;
	uint8_t cet_attributes;
	uint8_t reserved1;
	uint16_t config_svn;
	uint32_t miscselect;
	uint8_t reserved2[8];
	uint8_t config_id[64];
	uint8_t reserved3[384];
} __attribute__((packed));
_Static_assert(sizeof(struct abi_targetinfo) == 512, "TARGETINFO");
#define ABI_TARGETINFO_ALIGN 512u

/* Table "Supported KEYName Values". */
enum abi_key_name {
	ABI_KEY_EINITTOKEN = 0,
	ABI_KEY_PROVISION = 1,
	ABI_KEY_PROVISION_SEAL = 2,
	ABI_KEY_REPORT = 3,
	ABI_KEY_SEAL = 4,
};

#define ABI_KEYPOLICY_MRENCLAVE 1u
#define ABI_KEYPOLICY_MRSIGNER 2u

/* Table "Layout of KEYREQUEST Data Structure". Aligned to 512. */
struct abi_keyrequest {
	uint16_t key_name;
	uint16_t key_policy;
	uint16_t isv_svn;
	uint8_t reserved1[2];
	uint8_t cpusvn[16];
	struct abi_attributes attribute_mask;
	uint8_t keyid[32];
	uint32_t miscmask;
	uint16_t config_svn;
	uint8_t reserved2[434];
} __attribute__((packed));
_Static_assert(sizeof(struct abi_keyrequest) == 512, "KEYREQUEST");
_Static_assert(offsetof(struct abi_keyrequest, keyid) == 40, "KEYREQUEST.KEYID");
#define ABI_KEYREQUEST_ALIGN 512u
#define ABI_KEY_SIZE 16u

/* EXITINFO in GPRSGX (Table "EXITINFO Fields"). */
#define ABI_EXITINFO_VECTOR 0xffu
#define ABI_EXITINFO_TYPE_SHIFT 8
#define ABI_EXITINFO_HARDWARE 3u
#define ABI_EXITINFO_SOFTWARE 6u
#define ABI_EXITINFO_VALID 0x80000000u

/* The end of an SSA frame (Table "Layout of GPRSGX Portion of the State Save Area"). */
struct abi_gprsgx {
	uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rflags;
	uint64_t rip;
	uint64_t ursp; /* outside's, of the last entry */
	uint64_t urbp;
	uint32_t exitinfo;
	uint8_t reserved[3];
	uint8_t aex_notify;
	uint64_t fsbase;
	uint64_t gsbase;
} __attribute__((packed));
_Static_assert(sizeof(struct abi_gprsgx) == 184, "GPRSGX");
_Static_assert(offsetof(struct abi_gprsgx, rflags) == 128, "GPRSGX.RFLAGS");
_Static_assert(offsetof(struct abi_gprsgx, exitinfo) == 160, "GPRSGX.EXITINFO");

/* Just below GPRSGX when MISCSELECT.EXINFO is set (Table "Layout of EXINFO Structure"). */
struct abi_exinfo {
	uint64_t maddr; /* #PF: the page */
	uint32_t errcd;
	uint32_t reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct abi_exinfo) == 16, "EXINFO");

/* An XSAVE area in the standard format: 512 bytes FXSAVE, then this, then features by CPUID 0DH. */
struct abi_xsave_header {
	uint64_t xstate_bv;
	uint64_t xcomp_bv;
	uint8_t reserved[48];
} __attribute__((packed));
_Static_assert(sizeof(struct abi_xsave_header) == 64, "XSAVE header");
#define ABI_XSAVE_LEGACY_SIZE 512u
#define ABI_XSAVE_MIN_SIZE 576u

/* Exception vectors (SDM volume 3A, table "Protected-Mode Exceptions and Interrupts"). */
enum abi_vector {
	ABI_VECTOR_DE = 0,
	ABI_VECTOR_DB = 1,
	ABI_VECTOR_BP = 3,
	ABI_VECTOR_BR = 5,
	ABI_VECTOR_UD = 6,
	ABI_VECTOR_GP = 13,
	ABI_VECTOR_PF = 14,
	ABI_VECTOR_MF = 16,
	ABI_VECTOR_AC = 17,
	ABI_VECTOR_XM = 19,
};

/* Error code of a page fault (SDM volume 3A, "Page-Fault Exceptions"). */
#define ABI_PF_PRESENT 1u
#define ABI_PF_WRITE 2u
#define ABI_PF_USER 4u
#define ABI_PF_FETCH 16u
#define ABI_PF_SGX 0x8000u

#endif
