/* SPDX-License-Identifier: MIT */
/* What the emulation's keys are made from. */
#ifndef SCW_EMULATION_DERIVE_H
#define SCW_EMULATION_DERIVE_H

#include "abi/sgx.h"

#define EMULATION_CPUSVN {1, 1, 2, 2, 2, 1, 128, 1}

/* All that can go into a key; zeros where a kind of key doesn't depend on it. */
struct emulation_dependencies {
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

void emulation_derive(const struct emulation_dependencies *d, uint8_t ret[ABI_KEY_SIZE]);

/* The key of reports for `target`, which EGETKEY gives to that enclave. */
void emulation_report_key(const struct abi_targetinfo *target, const uint8_t keyid[32],
			  uint8_t ret[ABI_KEY_SIZE]);

#endif
