/* SPDX-License-Identifier: MIT */
/* The watched guest, by way of a memory device: trusted_vfs() of trusted/files.h is its /proc. */
#ifndef SCW_TRUSTED_GUEST_H
#define SCW_TRUSTED_GUEST_H

#include "base/err.h"

/*
 * Opens what trusted_vfs() gives, which does so itself when it is first asked; once. Needs a heap, the measured
 * configuration with a device's key, and a VM's name.
 */
enum err trusted_guest_open(struct err_ctx *err) ERR_NODISCARD;
void trusted_guest_close(void);

#endif
