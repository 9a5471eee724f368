/* SPDX-License-Identifier: MIT */
/*
 * A running VM's memory in two halves, for a process that gives up its privileges in between: opening
 * takes them and looks at nothing that the guest wrote; finding the guest in it takes none.
 */
#ifndef SCW_ATTACH_MEMORY_H
#define SCW_ATTACH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "attach/vms.h"
#include "base/alloc.h"
#include "base/err.h"
#include "guest/pages.h"
#include "ktype/ktype.h"
#include "sources/source.h"

enum {
	ATTACH_MEMORY_TEXT_MAX = 16 << 10, /* bytes of what is remembered, with the NUL */
};

struct attach_memory {
	struct base_alloc alloc;
	struct source *source;
	struct vms_entry vmm;
	struct ktype_boot boot;	   /* once found */
	struct guest_pages *pages; /* once found */
};

/* Where it is, for who opens it again while the VMM runs. */
struct attach_memory_at {
	int32_t vmm;
	uint32_t piece_count; /* 0: not told */
	uint64_t start;	      /* of the VMM, as vms_start_time() tells */
	struct source_piece pieces[SOURCE_PIECES_MAX];
};

/*
 * Open the memory of the VM called `name`: a name, or the PID of a VMM. Opens whatever later looks need,
 * so that user `reader` can go on without privileges. At most `limit` bytes will be allocated. ERR_ABSENT, ERR_AMBIGUOUS, ERR_PERM, ERR_GONE, ...
 */
enum err attach_memory_open(const char *name, uid_t reader, size_t limit,
			    struct attach_memory **ret, struct err_ctx *err) ERR_NODISCARD;
/*
 * The same without looking for it in /proc, which takes longer than all the rest. ERR_GONE or ERR_TORN when it isn't
 * there any more.
 */
enum err attach_memory_open_at(const struct attach_memory_at *at, uid_t reader, size_t limit,
			       struct attach_memory **ret, struct err_ctx *err) ERR_NODISCARD;
void attach_memory_close(struct attach_memory *m);

/* Where opened memory is; what is to be opened by it later must come from who had the privileges to. */
void attach_memory_locate(const struct attach_memory *m, struct attach_memory_at *ret);

/*
 * Find the guest: first where `known` (NULL, or what attach_memory_remember() gave for this VM, from
 * whoever: it is checked) says. ERR_NOTREADY, ERR_UNSUPPORTED, ERR_GONE, ...
 */
enum err attach_memory_find(struct attach_memory *m, const char *known,
			    struct err_ctx *err) ERR_NODISCARD;

/* What was found, as text; false when that isn't worth remembering. */
bool attach_memory_remember(const struct attach_memory *m, char text[ATTACH_MEMORY_TEXT_MAX]);

/*
 * A number that is the same for each who finds this boot of this VM, and another one after a restart.
 */
uint64_t attach_memory_generation(const struct attach_memory *m);

#endif
