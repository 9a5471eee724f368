// SPDX-License-Identifier: MIT
/* MRENCLAVE: SHA-256 over 64-byte records that ECREATE, EADD and EEXTEND each add. */
#include <string.h>

#include "measure/measure.h"

#define RECORD_SIZE 64u

enum err measure_prepare(struct err_ctx *err)
{
	if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
		return ERR_OK;
	if (!gcry_check_version(GCRYPT_VERSION))
		return err_set(err, ERR_UNSUPPORTED, "libgcrypt is older than " GCRYPT_VERSION);
	gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	return ERR_OK;
}

static void put_record(struct measure *m, const char *tag, const void *data, size_t size)
{
	uint8_t record[RECORD_SIZE] = {0};

	memcpy(record, tag, strlen(tag));
	memcpy(record + 8, data, size);
	gcry_md_write(m->md, record, sizeof(record));
}

enum err measure_init(struct measure *m, uint64_t size, uint32_t ssa_frame_size, struct err_ctx *err)
{
	struct __attribute__((packed)) {
		uint32_t ssa_frame_size;
		uint64_t size;
	} data = {ssa_frame_size, size};
	enum err e = measure_prepare(err);

	if (e)
		return e;
	if (gcry_md_open(&m->md, GCRY_MD_SHA256, 0))
		return err_set(err, ERR_NOMEM, "no SHA-256");
	put_record(m, "ECREATE", &data, sizeof(data));
	return ERR_OK;
}

void measure_add(struct measure *m, uint64_t offset, const struct abi_secinfo *secinfo)
{
	uint8_t data[RECORD_SIZE - 8];

	memcpy(data, &offset, sizeof(offset));
	memcpy(data + sizeof(offset), secinfo, sizeof(data) - sizeof(offset));
	put_record(m, "EADD", data, sizeof(data));
}

void measure_extend(struct measure *m, uint64_t offset, const void *page)
{
	for (uint64_t at = 0; at < ABI_PAGE; at += ABI_EXTEND_BLOCK) {
		uint64_t place = offset + at;

		put_record(m, "EEXTEND", &place, sizeof(place));
		gcry_md_write(m->md, (const uint8_t *)page + at, ABI_EXTEND_BLOCK);
	}
}

void measure_read(struct measure *m, uint8_t ret[MEASURE_HASH_SIZE])
{
	gcry_md_hd_t copy;

	memset(ret, 0, MEASURE_HASH_SIZE);
	if (gcry_md_copy(&copy, m->md))
		return;
	memcpy(ret, gcry_md_read(copy, GCRY_MD_SHA256), MEASURE_HASH_SIZE);
	gcry_md_close(copy);
}

void measure_deinit(struct measure *m)
{
	gcry_md_close(m->md);
	m->md = NULL;
}

void measure_hash(const void *data, size_t size, uint8_t ret[MEASURE_HASH_SIZE])
{
	gcry_md_hash_buffer(GCRY_MD_SHA256, ret, data, size);
}

void measure_hex(const uint8_t *data, size_t size, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		*ret++ = digits[data[i] >> 4];
		*ret++ = digits[data[i] & 15];
	}
	*ret = 0;
}
