// SPDX-License-Identifier: MIT
/* What EINIT checks of a SIGSTRUCT, each refusal with a text of its own. */
#include <string.h>

#include "measure/measure.h"

const uint8_t measure_header1[16] = {6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
const uint8_t measure_header2[16] = {1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1, 0, 0, 0};

/* DER of "SHA-256, this digest follows" (RFC 8017, 9.2 note 1). */
static const uint8_t digest_info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
				      0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

void measure_signer(const struct abi_sigstruct *s, uint8_t ret[MEASURE_HASH_SIZE])
{
	measure_hash(s->modulus, sizeof(s->modulus), ret);
}

void measure_signed_digest(const struct abi_sigstruct *s, uint8_t ret[MEASURE_HASH_SIZE])
{
	uint8_t data[ABI_SIGNED1_SIZE + ABI_SIGNED2_SIZE];

	memcpy(data, s, ABI_SIGNED1_SIZE);
	memcpy(data + ABI_SIGNED1_SIZE, (const uint8_t *)s + ABI_SIGNED2_OFFSET, ABI_SIGNED2_SIZE);
	measure_hash(data, sizeof(data), ret);
}

int measure_is_date(uint32_t date)
{
	unsigned int digits[8], month, day;

	for (int i = 0; i < 8; i++) {
		digits[i] = date >> (28 - 4 * i) & 15;
		if (digits[i] > 9)
			return 0;
	}
	month = digits[4] * 10 + digits[5];
	day = digits[6] * 10 + digits[7];
	return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static int all_zero(const void *data, size_t size)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < size; i++)
		if (p[i])
			return 0;
	return 1;
}

/* Little-endian bytes as a number; NULL when memory is short. */
static gcry_mpi_t number_of(const uint8_t bytes[ABI_MODULUS_SIZE])
{
	uint8_t reversed[ABI_MODULUS_SIZE];
	gcry_mpi_t n;

	for (size_t i = 0; i < sizeof(reversed); i++)
		reversed[i] = bytes[sizeof(reversed) - 1 - i];
	return gcry_mpi_scan(&n, GCRYMPI_FMT_USG, reversed, sizeof(reversed), NULL) ? NULL : n;
}

/* Is the number a PKCS #1 v1.5 block of SHA-256 in 3072 bits? Then its digest. */
static int unpad(gcry_mpi_t block, uint8_t digest_ret[MEASURE_HASH_SIZE])
{
	uint8_t bytes[ABI_MODULUS_SIZE] = {0}, given[ABI_MODULUS_SIZE];
	size_t size, info = sizeof(bytes) - MEASURE_HASH_SIZE - sizeof(digest_info);

	if (gcry_mpi_print(GCRYMPI_FMT_USG, given, sizeof(given), &size, block))
		return 0;
	memcpy(bytes + sizeof(bytes) - size, given, size);
	if (bytes[0] != 0 || bytes[1] != 1 || bytes[info - 1] != 0)
		return 0;
	for (size_t i = 2; i < info - 1; i++)
		if (bytes[i] != 0xff)
			return 0;
	if (memcmp(bytes + info, digest_info, sizeof(digest_info)) != 0)
		return 0;
	memcpy(digest_ret, bytes + sizeof(bytes) - MEASURE_HASH_SIZE, MEASURE_HASH_SIZE);
	return 1;
}

static enum err check_form(const struct abi_sigstruct *s, struct err_ctx *err)
{
	if (all_zero(s, sizeof(*s)))
		return err_set(err, ERR_TAMPERED, "the image isn't signed: run `scwatcher sign`");
	if (memcmp(s->header, measure_header1, sizeof(s->header)) != 0 ||
	    memcmp(s->header2, measure_header2, sizeof(s->header2)) != 0)
		return err_set(err, ERR_TAMPERED, "SIGSTRUCT: the header's constants are wrong");
	if (s->vendor != 0 && s->vendor != 0x8086)
		return err_set(err, ERR_TAMPERED, "SIGSTRUCT: no such vendor: 0x%x", s->vendor);
	if (s->exponent != ABI_EXPONENT)
		return err_set(err, ERR_TAMPERED, "SIGSTRUCT: the exponent is %u, not 3",
			       s->exponent);
	if (!all_zero(s->reserved1, sizeof(s->reserved1)) ||
	    !all_zero(s->reserved2, sizeof(s->reserved2)) ||
	    !all_zero(s->reserved3, sizeof(s->reserved3)) ||
	    !all_zero(s->reserved4, sizeof(s->reserved4)))
		return err_set(err, ERR_TAMPERED, "SIGSTRUCT: a reserved byte isn't zero");
	return ERR_OK;
}

/* The signature is of another digest than the fields give: say what was changed if it can be told. */
static enum err digest_differs(const struct abi_sigstruct *s, const uint8_t *mrenclave,
			       const uint8_t *signed_digest, struct err_ctx *err)
{
	uint8_t digest[MEASURE_HASH_SIZE];
	struct abi_sigstruct other = *s;

	if (mrenclave) {
		memcpy(other.enclave_hash, mrenclave, sizeof(other.enclave_hash));
		measure_signed_digest(&other, digest);
		if (memcmp(digest, signed_digest, sizeof(digest)) == 0)
			return err_set(err, ERR_TAMPERED, "SIGSTRUCT: the measurement was changed "
							  "after signing");
	}
	return err_set(err, ERR_TAMPERED,
		       "SIGSTRUCT: a signed field was changed after signing: vendor, date %08x, "
		       "attributes, measurement, product or version", s->date);
}

enum err measure_check_signature(const struct abi_sigstruct *s, const uint8_t *mrenclave,
				 enum abi_code *code_ret, struct err_ctx *err)
{
	gcry_mpi_t n, sig, q1, q2, product, want1, want2, rest, cube;
	uint8_t digest[MEASURE_HASH_SIZE], signed_digest[MEASURE_HASH_SIZE];
	enum abi_code code = ABI_INVALID_SIG_STRUCT;
	enum err e = measure_prepare(err);

	if (!e)
		e = check_form(s, err);
	if (e) {
		if (code_ret)
			*code_ret = code;
		return e;
	}
	n = number_of(s->modulus);
	sig = number_of(s->signature);
	q1 = number_of(s->q1);
	q2 = number_of(s->q2);
	product = gcry_mpi_new(0);
	want1 = gcry_mpi_new(0);
	want2 = gcry_mpi_new(0);
	rest = gcry_mpi_new(0);
	cube = gcry_mpi_new(0);
	code = ABI_INVALID_SIGNATURE;
	if (!n || !sig || !q1 || !q2) {
		e = err_set(err, ERR_NOMEM, "no memory to check the signature");
	} else if (gcry_mpi_get_nbits(n) != 3072 || !gcry_mpi_test_bit(n, 0)) {
		e = err_set(err, ERR_TAMPERED, "SIGSTRUCT: the modulus isn't one of RSA-3072");
	} else if (gcry_mpi_cmp(sig, n) >= 0) {
		e = err_set(err, ERR_TAMPERED, "SIGSTRUCT: the signature isn't below the modulus");
	} else {
		gcry_mpi_mul(product, sig, sig);
		gcry_mpi_div(want1, rest, product, n, 0);
		gcry_mpi_mul(product, rest, sig);
		gcry_mpi_div(want2, cube, product, n, 0);
		measure_signed_digest(s, digest);
		if (!unpad(cube, signed_digest))
			e = err_set(err, ERR_TAMPERED,
				    "SIGSTRUCT: the signature isn't by the key that it names");
		else if (memcmp(digest, signed_digest, sizeof(digest)) != 0)
			e = digest_differs(s, mrenclave, signed_digest, err);
		else if (gcry_mpi_cmp(want1, q1) != 0)
			e = err_set(err, ERR_TAMPERED,
				    "SIGSTRUCT: q1 doesn't fit the signature");
		else if (gcry_mpi_cmp(want2, q2) != 0)
			e = err_set(err, ERR_TAMPERED, "SIGSTRUCT: q2 doesn't fit the signature");
		else
			code = ABI_SUCCESS;
	}
	gcry_mpi_release(n);
	gcry_mpi_release(sig);
	gcry_mpi_release(q1);
	gcry_mpi_release(q2);
	gcry_mpi_release(product);
	gcry_mpi_release(want1);
	gcry_mpi_release(want2);
	gcry_mpi_release(rest);
	gcry_mpi_release(cube);
	if (code_ret)
		*code_ret = code;
	return e;
}

enum err measure_check(const struct abi_sigstruct *s, const struct abi_secs *secs,
		       const uint8_t mrenclave[MEASURE_HASH_SIZE], enum abi_code *code_ret,
		       struct err_ctx *err)
{
	const struct abi_attributes *mask = &s->attribute_mask;
	enum abi_code code;
	enum err e = measure_check_signature(s, mrenclave, &code, err);
	char have[2 * MEASURE_HASH_SIZE + 1], want[2 * MEASURE_HASH_SIZE + 1];

	if (!e && memcmp(s->enclave_hash, mrenclave, MEASURE_HASH_SIZE) != 0) {
		code = ABI_INVALID_MEASUREMENT;
		measure_hex(mrenclave, MEASURE_HASH_SIZE, have);
		measure_hex(s->enclave_hash, MEASURE_HASH_SIZE, want);
		e = err_set(err, ERR_TAMPERED, "the enclave measures %s, signed was %s", have, want);
	}
	if (!e && (((secs->attributes.flags ^ s->attributes.flags) & mask->flags) ||
		   ((secs->attributes.xfrm ^ s->attributes.xfrm) & mask->xfrm))) {
		code = ABI_INVALID_ATTRIBUTE;
		e = err_set(err, ERR_TAMPERED,
			    "attributes 0x%llx/0x%llx aren't those signed: 0x%llx/0x%llx under the "
			    "mask 0x%llx/0x%llx",
			    (unsigned long long)secs->attributes.flags,
			    (unsigned long long)secs->attributes.xfrm,
			    (unsigned long long)s->attributes.flags,
			    (unsigned long long)s->attributes.xfrm, (unsigned long long)mask->flags,
			    (unsigned long long)mask->xfrm);
	}
	if (!e && ((secs->miscselect ^ s->miscselect) & s->miscmask)) {
		code = ABI_INVALID_ATTRIBUTE;
		e = err_set(err, ERR_TAMPERED, "MISCSELECT 0x%x isn't the one signed: 0x%x",
			    secs->miscselect, s->miscselect);
	}
	if (code_ret)
		*code_ret = code;
	return e;
}
