/* SPDX-License-Identifier: MIT */
/*
 * Where a VM's memory is and where in it the kernel, found without looking into the kernel: what is
 * remembered as an instance, and what is done with that.
 */
#ifndef SCW_ATTACH_PLACE_H
#define SCW_ATTACH_PLACE_H

#include "instance.h"

/*
 * Which backing a VM argument means: a path has a slash, a PID is all digits, anything else is a
 * name, which is remembered if so asked. All but the backing is zeros.
 */
enum err place_resolve(const char *vm, bool remember, struct instance *ret,
		       struct err_ctx *err) ERR_NODISCARD;

/* Its memory, not placed yet. */
enum err place_open(const struct instance *in, struct source **ret,
		    struct err_ctx *err) ERR_NODISCARD;

/*
 * Open and place it as is remembered, if the guest confirms that (*done_ret); else there is no source.
 * An error is returned only if the backing itself can't be opened.
 */
enum err place_open_known(const struct instance *in, struct source **ret, struct ktype_boot *boot_ret,
			  bool *done_ret, struct err_ctx *err) ERR_NODISCARD;

/*
 * Who runs the VM whose RAM file this is? A dump or an image on disk has nobody. (A process was
 * asked when it was started just before.)
 */
void place_find_vmm(const struct source *s, struct instance *in);

/* What is remembered of this backing; false: nothing. */
bool place_load(const struct instance *backing, struct instance *ret);
void place_save(const struct instance *in);

/* Take down where it is now, to be remembered. */
void place_note(const struct source *s, const struct ktype_boot *boot, struct instance *in);

/* ERR_NOTREADY when `found` is only what the restart of `known` hasn't overwritten yet. */
enum err place_not_left_behind(const struct ktype_boot *known, const struct ktype_boot *found,
			       struct err_ctx *err) ERR_NODISCARD;

/* Is the guest still there, and the same one? ERR_GONE with a text. */
enum err place_alive(struct source *s, const struct instance *in, struct err_ctx *err) ERR_NODISCARD;

/* Into the environment, for programs started from here. */
enum err place_handover(const struct instance *in, struct err_ctx *err) ERR_NODISCARD;

#endif
