/* SPDX-License-Identifier: MIT */
/*
 * Reports of emulated enclaves, for whoever checks them. The key is public: that a report is genuine
 * says that the emulation made it, or anybody else who has read its source.
 */
#ifndef SCW_EMULATION_REPORT_H
#define SCW_EMULATION_REPORT_H

#include <stdbool.h>

#include "abi/sgx.h"

/* The MAC of `r`, which has its keyid already, when it is made for `target`. */
void emulation_report_mac(const struct abi_report *r, const struct abi_targetinfo *target,
			  uint8_t ret[16]);

/* Is that the MAC that `r` has? */
bool emulation_report_genuine(const struct abi_report *r, const struct abi_targetinfo *target);

#endif
