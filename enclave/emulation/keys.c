// SPDX-License-Identifier: MIT
/*
 * EREPORT and EGETKEY. What a key depends on is the SDM's (volume 3D, "EGETKEY", table "Key
 * Derivation"); the derivation itself is ours, AES-CMAC under a root key that everybody knows, since
 * the processors' needs a secret that is burnt into them. Hence these keys protect nothing.
 */
#include <string.h>

#include "emu.h"

static const uint8_t root_key[ABI_KEY_SIZE] = "PUBLIC emulation";
static const uint8_t cpusvn[16] = {1, 1, 2, 2, 2, 1, 128, 1};
static const uint8_t report_keyid[32] = "scwatcher emulation report key";

/* All that can go into a key; zeros where a kind of key doesn't depend on it. */
struct dependencies {
	uint16_t key_name;
	uint16_t key_policy;
	uint16_t isv_prod_id;
	uint16_t isv_svn;
	uint8_t cpusvn[16];
	struct abi_attributes attributes;
	struct abi_attributes attribute_mask;
	uint8_t mrenclave[32];
	uint8_t mrsigner[32];
	uint8_t keyid[32];
	uint32_t miscselect;
	uint32_t miscmask;
	uint8_t config_id[64];
	uint16_t config_svn;
	uint8_t padding[6];
} __attribute__((packed));

static void cmac(const uint8_t key[ABI_KEY_SIZE], const void *data, size_t size, uint8_t ret[16])
{
	size_t length = 16;
	gcry_mac_hd_t mac;

	memset(ret, 0, 16);
	if (gcry_mac_open(&mac, GCRY_MAC_CMAC_AES, 0, NULL))
		return;
	if (!gcry_mac_setkey(mac, key, ABI_KEY_SIZE) && !gcry_mac_write(mac, data, size))
		(void)gcry_mac_read(mac, ret, &length);
	gcry_mac_close(mac);
}

static void report_key(const uint8_t mrenclave[32], const struct abi_attributes *attributes,
		       uint32_t miscselect, const uint8_t config_id[64], uint16_t config_svn,
		       const uint8_t keyid[32], uint8_t ret[ABI_KEY_SIZE])
{
	struct dependencies d = {.key_name = ABI_KEY_REPORT,
				 .attributes = *attributes,
				 .miscselect = miscselect,
				 .config_svn = config_svn};

	memcpy(d.cpusvn, cpusvn, sizeof(d.cpusvn));
	memcpy(d.mrenclave, mrenclave, sizeof(d.mrenclave));
	memcpy(d.keyid, keyid, sizeof(d.keyid));
	memcpy(d.config_id, config_id, sizeof(d.config_id));
	cmac(root_key, &d, sizeof(d), ret);
}

void emu_report(const struct enclave *e, const struct abi_targetinfo *target,
		const uint8_t data[64], struct abi_report *ret)
{
	uint8_t key[ABI_KEY_SIZE];

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->cpusvn, cpusvn, sizeof(ret->cpusvn));
	ret->miscselect = e->secs.miscselect;
	ret->attributes = e->secs.attributes;
	memcpy(ret->mrenclave, e->secs.mrenclave, sizeof(ret->mrenclave));
	memcpy(ret->mrsigner, e->secs.mrsigner, sizeof(ret->mrsigner));
	ret->isv_prod_id = e->secs.isv_prod_id;
	ret->isv_svn = e->secs.isv_svn;
	if (e->secs.attributes.flags & ABI_ATTR_KSS) {
		memcpy(ret->config_id, e->secs.config_id, sizeof(ret->config_id));
		ret->config_svn = e->secs.config_svn;
		memcpy(ret->isv_family_id, e->sigstruct.isv_family_id, sizeof(ret->isv_family_id));
		memcpy(ret->isv_ext_prod_id, e->sigstruct.isv_ext_prod_id,
		       sizeof(ret->isv_ext_prod_id));
	}
	memcpy(ret->report_data, data, sizeof(ret->report_data));
	memcpy(ret->keyid, report_keyid, sizeof(ret->keyid));
	report_key(target->mrenclave, &target->attributes, target->miscselect, target->config_id,
		   target->config_svn, ret->keyid, key);
	cmac(key, ret, offsetof(struct abi_report, keyid), ret->mac);
}

/* Is CPUSVN `asked` one that this processor could have had? Compared byte by byte. */
static bool is_older_cpusvn(const uint8_t asked[16])
{
	for (size_t i = 0; i < sizeof(cpusvn); i++)
		if (asked[i] > cpusvn[i])
			return false;
	return true;
}

enum abi_code emu_key(const struct enclave *e, const struct abi_keyrequest *request,
		      uint8_t ret[ABI_KEY_SIZE])
{
	const struct abi_secs *secs = &e->secs;
	struct dependencies d = {.key_name = request->key_name};

	switch (request->key_name) {
	case ABI_KEY_REPORT:
		report_key(secs->mrenclave, &secs->attributes, secs->miscselect, secs->config_id,
			   secs->config_svn, request->keyid, ret);
		return ABI_SUCCESS;
	case ABI_KEY_SEAL:
		break;
	case ABI_KEY_PROVISION:
	case ABI_KEY_PROVISION_SEAL:
		if (!(secs->attributes.flags & ABI_ATTR_PROVISIONKEY))
			return ABI_INVALID_ATTRIBUTE;
		break;
	case ABI_KEY_EINITTOKEN:
		/* needs a signer that the processor is set up for: there is none */
		return ABI_INVALID_ATTRIBUTE;
	default:
		return ABI_INVALID_KEYNAME;
	}
	if (!is_older_cpusvn(request->cpusvn))
		return ABI_INVALID_CPUSVN;
	if (request->isv_svn > secs->isv_svn)
		return ABI_INVALID_ISVSVN;
	d.isv_prod_id = secs->isv_prod_id;
	d.isv_svn = request->isv_svn;
	memcpy(d.cpusvn, request->cpusvn, sizeof(d.cpusvn));
	d.attribute_mask = request->attribute_mask;
	/* INIT and DEBUG always count (SDM: "the mask is or'ed with them") */
	d.attribute_mask.flags |= ABI_ATTR_INIT | ABI_ATTR_DEBUG;
	d.attributes.flags = secs->attributes.flags & d.attribute_mask.flags;
	d.attributes.xfrm = secs->attributes.xfrm & d.attribute_mask.xfrm;
	d.miscmask = request->miscmask;
	d.miscselect = secs->miscselect & request->miscmask;
	if (request->key_name == ABI_KEY_SEAL) {
		d.key_policy = request->key_policy;
		if (request->key_policy & ABI_KEYPOLICY_MRENCLAVE)
			memcpy(d.mrenclave, secs->mrenclave, sizeof(d.mrenclave));
		if (request->key_policy & ABI_KEYPOLICY_MRSIGNER)
			memcpy(d.mrsigner, secs->mrsigner, sizeof(d.mrsigner));
		memcpy(d.keyid, request->keyid, sizeof(d.keyid));
	} else {
		memcpy(d.mrsigner, secs->mrsigner, sizeof(d.mrsigner));
	}
	cmac(root_key, &d, sizeof(d), ret);
	return ABI_SUCCESS;
}
