/* SPDX-License-Identifier: MIT */
/*
 * Which identities may read which VMs. A file in libconfig's syntax:
 *
 *     identities = (
 *         {
 *             name = "alice";            # for logs and messages
 *             type = "development";      # of the evidence
 *             key = "5f0a...";           # what `scwatcher keys show` prints
 *             vms = [ "web-*", "db" ];   # names; *, ? and [...] as in a shell
 *         },
 *         {
 *             name = "netstat";
 *             type = "sgx";              # or "sgx-emulated"
 *             mrenclave = "91c5...";     # exactly this program; or whatever a signer signed:
 *             # mrsigner = "00ab..."; product = 3; minimum_version = 7;
 *             vms = [ "*" ];
 *         }
 *     );
 *
 * What isn't allowed here is refused. A file with anything wrong in it is refused as a whole.
 */
#ifndef SCW_MEMDEV_POLICY_H
#define SCW_MEMDEV_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "channel/evidence.h"

enum {
	MEMDEV_POLICY_IDENTITIES_MAX = 1024,
	MEMDEV_POLICY_PATTERNS_MAX = 256, /* of one identity */
	MEMDEV_POLICY_NAME_MAX = 63,
	MEMDEV_POLICY_KEY_SIZE = 32,
};

struct memdev_policy;
struct memdev_policy_identity;

/*
 * Parse `size` bytes of text with a NUL after them; `name` is for messages. ERR_CORRUPT says what is
 * wrong on which line.
 */
enum err memdev_policy_parse(const char *text, size_t size, const char *name,
			     struct memdev_policy **ret, struct err_ctx *err) ERR_NODISCARD;
/* The same from a file, which nobody but root and we may write. Also ERR_ABSENT, ERR_PERM, ERR_IO. */
enum err memdev_policy_load(const char *path, struct memdev_policy **ret,
			    struct err_ctx *err) ERR_NODISCARD;
void memdev_policy_destroy(struct memdev_policy *p);

size_t memdev_policy_count(const struct memdev_policy *p);

/* The identity with this key, of this type of evidence (not an enclave's); or NULL. */
const struct memdev_policy_identity *memdev_policy_find(const struct memdev_policy *p,
							uint32_t type, const void *key,
							size_t size);
/*
 * The next identity after `after` (NULL: the first) that enclave `e`, with evidence of this type, has: the
 * same MRENCLAVE, or the same signer and product and a version that is new enough. There can be several; NULL after the last.
 */
const struct memdev_policy_identity *
memdev_policy_next_enclave(const struct memdev_policy *p, uint32_t type,
			   const struct channel_enclave *e,
			   const struct memdev_policy_identity *after);
/* The version that would be new enough for some identity, when that is all that is wrong; else 0. */
uint16_t memdev_policy_wants_version(const struct memdev_policy *p, uint32_t type,
				     const struct channel_enclave *e);

const char *memdev_policy_name(const struct memdev_policy_identity *i);
bool memdev_policy_allows(const struct memdev_policy_identity *i, const char *vm);

#endif
