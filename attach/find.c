// SPDX-License-Identifier: MIT
/* See attach/find.h. */
#include "attach/find.h"

#include <stdlib.h>

#include "attach/vms.h"
#include "place.h"

struct attach_found {
	struct instance known;
	struct source *source;
};

enum err attach_find(const char *vm, struct attach_found **ret)
{
	struct attach_found *f = calloc(1, sizeof(*f));
	struct instance *backing = calloc(1, sizeof(*backing));
	struct ktype_boot boot;
	bool done = false;
	uint64_t start;
	enum err e = f && backing ? place_resolve(vm, true, backing, NULL) : ERR_NOMEM;

	if (!e && (!place_load(backing, &f->known) || f->known.external || !f->known.vmm))
		e = ERR_ABSENT;
	if (!e && backing->is_file &&
	    (!vms_start_time(f->known.vmm, &start) || start != f->known.vmm_start))
		e = ERR_ABSENT;
	free(backing);
	if (!e)
		e = place_open_known(&f->known, &f->source, &boot, &done, NULL);
	if (!e && done)
		e = source_watch(f->source, f->known.vmm, &boot, NULL);
	if (e || !done) {
		attach_found_close(f);
		return ERR_ABSENT;
	}
	*ret = f;
	return ERR_OK;
}

enum err attach_found_handover(const struct attach_found *f, struct err_ctx *err)
{
	return place_handover(&f->known, err);
}

enum err attach_found_alive(struct attach_found *f, struct err_ctx *err)
{
	return place_alive(f->source, &f->known, err);
}

void attach_found_close(struct attach_found *f)
{
	if (!f)
		return;
	source_close(f->source);
	free(f);
}
