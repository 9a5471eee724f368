/* SPDX-License-Identifier: MIT */
/* Quotes by DCAP's library, where there is one. */
#ifndef SCW_HOST_QUOTE_H
#define SCW_HOST_QUOTE_H

#include <stddef.h>
#include <stdint.h>

#include "abi/sgx.h"

/* The quoting enclave's TARGETINFO. 0 or -errno: -ENOENT without the library. */
int quote_target(struct abi_targetinfo *ret);
/* A quote of `report` in `buf`: bytes, or -errno. */
int64_t quote_make(const struct abi_report *report, void *buf, size_t room);

#endif
