/* SPDX-License-Identifier: MIT */
/* What a kernel's boot is called on the wire, and back. */
#ifndef SCW_ATTACH_ACCEPT_H
#define SCW_ATTACH_ACCEPT_H

#include "channel/accept.h"
#include "ktype/ktype.h"

/* Set what `ret` has of the boot; limits and generation are left alone. */
void accept_from_boot(const struct ktype_boot *boot, struct channel_accept *ret);

/* `a` was decoded, thus checked. */
void accept_to_boot(const struct channel_accept *a, struct ktype_boot *ret);

#endif
