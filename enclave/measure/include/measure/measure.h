/* SPDX-License-Identifier: MIT */
/*
 * MRENCLAVE as the processor computes it, and the checks on a SIGSTRUCT that EINIT makes. Shared
 * by the signer and the emulation; a test holds an independent implementation against it.
 * Source: Intel SDM volume 3D, "ECREATE", "EADD", "EEXTEND", "EINIT".
 */
#ifndef SCW_MEASURE_MEASURE_H
#define SCW_MEASURE_MEASURE_H

#include <gcrypt.h>

#include "abi/sgx.h"
#include "base/err.h"

#define MEASURE_HASH_SIZE 32u

struct measure {
	gcry_md_hd_t md;
};

/* Initializes libgcrypt if nobody has. Any number of times, any thread. */
enum err measure_prepare(struct err_ctx *err) ERR_NODISCARD;

/* ECREATE. `size` in bytes, `ssa_frame_size` in pages. */
enum err measure_init(struct measure *m, uint64_t size, uint32_t ssa_frame_size,
		      struct err_ctx *err) ERR_NODISCARD;

/* EADD of one page; `offset` from the base. */
void measure_add(struct measure *m, uint64_t offset, const struct abi_secinfo *secinfo);

/* The sixteen EEXTENDs of one page. */
void measure_extend(struct measure *m, uint64_t offset, const void *page);

/* What MRENCLAVE would be now; measuring can go on. */
void measure_read(struct measure *m, uint8_t ret[MEASURE_HASH_SIZE]);

void measure_deinit(struct measure *m);

/* SHA-256 of anything. measure_prepare() came first. */
void measure_hash(const void *data, size_t size, uint8_t ret[MEASURE_HASH_SIZE]);

/* MRSIGNER: SHA-256 of the modulus, little-endian as in the SIGSTRUCT. */
void measure_signer(const struct abi_sigstruct *s, uint8_t ret[MEASURE_HASH_SIZE]);

/* The digest that a SIGSTRUCT's signature is of. */
void measure_signed_digest(const struct abi_sigstruct *s, uint8_t ret[MEASURE_HASH_SIZE]);

/*
 * Form and signature: constants, reserved bytes, exponent 3, q1 and q2, and
 * signature^3 mod modulus by PKCS #1 v1.5. ERR_TAMPERED with a text that says which failed;
 * *code_ret (may be NULL) is EINIT's code. `mrenclave` (may be NULL) is what was measured, and
 * only makes the text more to the point.
 */
enum err measure_check_signature(const struct abi_sigstruct *s, const uint8_t *mrenclave,
				 enum abi_code *code_ret, struct err_ctx *err) ERR_NODISCARD;

/*
 * All that EINIT checks: the above, then MRENCLAVE, ATTRIBUTES and MISCSELECT under the SIGSTRUCT's
 * masks. `secs` has the attributes as they were at ECREATE.
 */
enum err measure_check(const struct abi_sigstruct *s, const struct abi_secs *secs,
		       const uint8_t mrenclave[MEASURE_HASH_SIZE], enum abi_code *code_ret,
		       struct err_ctx *err) ERR_NODISCARD;

/* The two header constants of a SIGSTRUCT. */
extern const uint8_t measure_header1[16];
extern const uint8_t measure_header2[16];

/* Is `date` a day in BCD (0xYYYYMMDD)? The processor doesn't ask; the loader does. */
int measure_is_date(uint32_t date);

/* 2 * size hexadecimal digits and a NUL into `ret`. */
void measure_hex(const uint8_t *data, size_t size, char *ret);

#endif
