// SPDX-License-Identifier: MIT
/* EREPORT and EGETKEY. What a key depends on is the SDM's: volume 3D, "EGETKEY", table "Key Derivation". */
#include <string.h>

#include "derive.h"
#include "emu.h"
#include "emulation/report.h"

static const uint8_t cpusvn[16] = EMULATION_CPUSVN;
static const uint8_t report_keyid[32] = "scwatcher emulation report key";

void emu_report(const struct enclave *e, const struct abi_targetinfo *target,
		const uint8_t data[64], struct abi_report *ret)
{
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
	emulation_report_mac(ret, target, ret->mac);
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
	struct emulation_dependencies d = {.key_name = request->key_name};
	struct abi_targetinfo self;

	switch (request->key_name) {
	case ABI_KEY_REPORT:
		self = (struct abi_targetinfo){.attributes = secs->attributes,
					       .config_svn = secs->config_svn,
					       .miscselect = secs->miscselect};
		memcpy(self.mrenclave, secs->mrenclave, sizeof(self.mrenclave));
		memcpy(self.config_id, secs->config_id, sizeof(self.config_id));
		emulation_report_key(&self, request->keyid, ret);
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
	emulation_derive(&d, ret);
	return ABI_SUCCESS;
}
