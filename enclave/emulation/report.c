// SPDX-License-Identifier: MIT
/*
 * Derivation of the emulation's keys, and reports under them. The derivation is ours, AES-CMAC under a
 * root key that everybody knows, since the processors' needs a secret that is burnt into them. Hence
 * these keys protect nothing.
 */
#include "emulation/report.h"

#include <gcrypt.h>
#include <string.h>

#include "derive.h"

static const uint8_t root_key[ABI_KEY_SIZE] = "PUBLIC emulation";
static const uint8_t cpusvn[16] = EMULATION_CPUSVN;

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

void emulation_derive(const struct emulation_dependencies *d, uint8_t ret[ABI_KEY_SIZE])
{
	cmac(root_key, d, sizeof(*d), ret);
}

void emulation_report_key(const struct abi_targetinfo *target, const uint8_t keyid[32],
			  uint8_t ret[ABI_KEY_SIZE])
{
	struct emulation_dependencies d = {.key_name = ABI_KEY_REPORT,
					   .attributes = target->attributes,
					   .miscselect = target->miscselect,
					   .config_svn = target->config_svn};

	memcpy(d.cpusvn, cpusvn, sizeof(d.cpusvn));
	memcpy(d.mrenclave, target->mrenclave, sizeof(d.mrenclave));
	memcpy(d.keyid, keyid, sizeof(d.keyid));
	memcpy(d.config_id, target->config_id, sizeof(d.config_id));
	emulation_derive(&d, ret);
}

void emulation_report_mac(const struct abi_report *r, const struct abi_targetinfo *target,
			  uint8_t ret[16])
{
	uint8_t key[ABI_KEY_SIZE];

	emulation_report_key(target, r->keyid, key);
	cmac(key, r, offsetof(struct abi_report, keyid), ret);
}

bool emulation_report_genuine(const struct abi_report *r, const struct abi_targetinfo *target)
{
	uint8_t mac[16];

	emulation_report_mac(r, target, mac);
	return memcmp(mac, r->mac, sizeof(mac)) == 0;
}
