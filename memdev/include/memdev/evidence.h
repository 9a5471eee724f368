/* SPDX-License-Identifier: MIT */
/* The judge: evidence is checked by its type, then the policy says what its identity may read. */
#ifndef SCW_MEMDEV_EVIDENCE_H
#define SCW_MEMDEV_EVIDENCE_H

#include <stdbool.h>

#include "memdev/policy.h"
#include "memdev/session.h"
#include "memdev/trust_files.h"

struct memdev_evidence_judge {
	struct memdev_judge judge;
	const struct memdev_policy *policy; /* borrowed */
	/* Take a development key for an identity: it proves nothing about the program behind it. */
	bool development;
	/* Take enclaves of the emulation, which protects nothing. Off unless set after _init(). */
	bool emulated;
	/* What quotes are verified with, borrowed; NULL: none is accepted. Set after _init(), as those below. */
	const struct memdev_trust_files *quotes;
	unsigned int accept_tcb; /* set of enum memdev_tcb */
	time_t at;		 /* when; 0: now */
};

void memdev_evidence_judge_init(struct memdev_evidence_judge *j,
				const struct memdev_policy *policy, bool development);

#endif
