/* SPDX-License-Identifier: MIT */
/*
 * From a name to a guest that can be read: finds the virtual machine, opens its memory, finds the
 * kernel in it and what that kernel knows of itself. What was found is remembered: profiles of
 * kernels by build id, and where in this very machine the kernel was; both are checked before they
 * are believed, and doing without them costs time only.
 */
#ifndef SCW_ATTACH_ATTACH_H
#define SCW_ATTACH_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "attach/sealed.h"
#include "base/alloc.h"
#include "base/err.h"
#include "guest/pages.h"
#include "ktype/ktype.h"
#include "llview/guest.h"
#include "sources/source.h"

/* Names the VM for a program that isn't told on its command line: as the VM argument. */
#define ATTACH_ENV_VM "SCWATCHER_VM"
/* What `scwatcher run` found, for the programs that it starts; checked by them. */
#define ATTACH_ENV_HANDOVER "SCWATCHER_HANDOVER"

struct attach_opts {
	/*
	 * Name, PID, or path of a RAM file or dump; NULL: what the environment says (ERR_INVAL when
	 * it says nothing).
	 */
	const char *vm;
	const char *btf;	 /* path of an external BTF file, or NULL */
	const char *symbols;	 /* path of a System.map, or NULL */
	bool no_cache;		 /* neither read nor write the caches */
	/*
	 * Enough that the guest is there and can be read: .guest and .layout are NULL if that is
	 * known without making them.
	 */
	bool find_only;
	/*
	 * NULL: the guest's memory itself, on this host (or what the environment says, with vm == NULL).
	 * Else by way of a memory device, to which `vm` is a name; btf and symbols are as ever, no_cache
	 * concerns what is remembered of kernels.
	 */
	const struct attach_sealed *sealed;
	int start;		 /* attach_start_inherited(), for a guest that the environment says is sealed */
	const char *program;	 /* keys the cache of this program's llview layout; NULL: "any" */
};

/* Where the time went and what was remembered, for --stats. Times in nanoseconds. */
struct attach_stats {
	uint64_t open_ns;	/* resolving the name, opening the memory */
	uint64_t place_ns;	/* finding the kernel */
	uint64_t session_ns;	/* with the memory device: library, handshake, evidence */
	uint64_t kernel_ns;	/* symbols and layouts */
	uint64_t total_ns;
	bool known_instance;	/* found where it was before: no scan */
	bool known_kernel;	/* its profile was cached */
	bool known_layout;	/* so was the program's layout */
	bool handed_over;	/* by the environment */
};

struct attach {
	struct base_alloc alloc;
	struct source *source;		 /* NULL if sealed */
	struct attach_session *session; /* NULL unless sealed; with find_only, too */
	struct attach_sealed sealed;	 /* what was asked for */
	struct ktype_boot boot;
	struct guest_pages *pages;
	struct llview_layout *layout;
	struct llview_guest *guest;
	struct attach_stats stats;
	pid_t vmm;		  /* the process that runs the VM; 0: none known, a dump */
	struct attach_private *private;
};

/*
 * ERR_ABSENT (no such VM), ERR_AMBIGUOUS (several have the name), ERR_PERM, ERR_NOTREADY (no Linux
 * there, or it is still booting), ERR_UNSUPPORTED (32-bit, another architecture), ERR_CORRUPT
 * (truncated dump), ERR_GONE; the text says what to do.
 */
enum err attach_open(const struct attach_opts *opts, struct attach **ret,
		     struct err_ctx *err) ERR_NODISCARD;
void attach_close(struct attach *a);

/* What the kernel knows of itself; read at the first call (most tools never need it). */
enum err attach_ktype(struct attach *a, const struct ktype **ret, struct err_ctx *err)
	ERR_NODISCARD;

/*
 * What a program wants to know again of this kernel: `size` bytes called `what`, kept beside its
 * profile. False when there are none (of that size), or nothing is kept for this guest.
 */
bool attach_note_read(const struct attach *a, const char *what, void *buf, size_t size);
void attach_note_write(const struct attach *a, const char *what, const void *bytes, size_t size);

/*
 * At a program's end: for the next program of this name on this guest, behind a memory device, keep which
 * pages had to be asked for one by one (struct guest_trail).
 */
void attach_trail_keep(const struct attach *a);

/*
 * Is the guest still there, and the same one? ERR_GONE with a text. Of a sealed one: did all that was
 * asked of the device so far come as it should?
 */
enum err attach_alive(struct attach *a, struct err_ctx *err) ERR_NODISCARD;

/*
 * Put what was found into the environment of programs started from here: sets ATTACH_ENV_VM and
 * ATTACH_ENV_HANDOVER, or where the device is (attach/sealed.h). Valid while `a` is open.
 */
enum err attach_handover(struct attach *a, struct err_ctx *err) ERR_NODISCARD;

#endif
