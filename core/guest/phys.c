// SPDX-License-Identifier: MIT
/* What every source of guest-physical memory shares: reads asked for together. */
#include "guest/phys.h"

enum err guest_phys_read_many(struct guest_phys *p, struct guest_phys_io *ios, size_t count,
			      struct err_ctx *err)
{
	for (size_t i = 0; i < count; i++)
		ios[i].ok = false;
	if (p->ops->read_many) {
		for (size_t done = 0; done < count;) {
			size_t n = count - done;
			enum err e;

			if (n > GUEST_PHYS_BATCH)
				n = GUEST_PHYS_BATCH;
			e = p->ops->read_many(p, ios + done, n, err);
			if (e != ERR_OK)
				return e;
			done += n;
		}
		return ERR_OK;
	}
	for (size_t i = 0; i < count; i++) {
		enum err e = p->ops->read(p, ios[i].at, ios[i].buf, ios[i].size, NULL);

		if (e == ERR_GONE || e == ERR_PERM)
			return err_set_addr(err, e, ios[i].at.v,
					    "can't read the guest's physical memory");
		ios[i].ok = e == ERR_OK;
	}
	return ERR_OK;
}
