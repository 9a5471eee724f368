/* SPDX-License-Identifier: MIT */
/*
 * Root and collateral as files: read while one may, understood when a quote has to be verified, which
 * in a session is after all rights were given up.
 */
#ifndef SCW_MEMDEV_TRUST_FILES_H
#define SCW_MEMDEV_TRUST_FILES_H

#include "memdev/quote.h"

enum {
	MEMDEV_TRUST_FILES_MAX = 64,
};

struct memdev_trust_files;

/*
 * Read `root` and each *.json of `folder`, in the order of their names. ERR_ABSENT: there is no root;
 * a folder that isn't there is as an empty one. Nobody but root and we may be able to write to them:
 * ERR_PERM. Also ERR_IO, ERR_LIMIT, ERR_NOMEM.
 */
enum err memdev_trust_files_read(const char *root, const char *folder,
				 struct memdev_trust_files **ret,
				 struct err_ctx *err) ERR_NODISCARD;
void memdev_trust_files_destroy(struct memdev_trust_files *f);

/* Make of them what quotes are verified with. ERR_CORRUPT, ERR_NOMEM. */
enum err memdev_trust_files_use(const struct memdev_trust_files *f, struct memdev_trust **ret,
				struct err_ctx *err) ERR_NODISCARD;

#endif
