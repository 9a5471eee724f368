/* SPDX-License-Identifier: MIT */
/*
 * Guest memory with input and output: opens the RAM of a virtual machine wherever this host keeps
 * it (a shared RAM file, the VMM's own memory, a dump) and gives it as guest-physical memory.
 *
 * Backing bytes and guest-physical addresses are two things. A dump's headers say where its bytes
 * belong; a RAM file or a process doesn't, and above about 3 GiB its offsets are not physical
 * addresses any more. So such a source is first opened, then *placed*: source_place() finds the
 * placement that the guest itself confirms, source_settle() makes it exact.
 */
#ifndef SCW_SOURCES_SOURCE_H
#define SCW_SOURCES_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "guest/phys.h"
#include "ktype/ktype.h"

struct source;

enum source_kind {
	SOURCE_RAM_FILE, /* a shared RAM file, or a raw image: bytes without addresses */
	SOURCE_PROCESS,	 /* the memory of a VMM process */
	SOURCE_ELF_CORE, /* QEMU's dump-guest-memory, libvirt's dump --memory-only, a vmcore */
	SOURCE_LIME,	 /* LiME image */
};

/* "ram-file", "process", ... */
const char *source_kind_name(enum source_kind kind);

/*
 * One run of the guest's physical memory and where its bytes are: a file offset, or for a process
 * the VMM's virtual address. All three are multiples of the page size unless the file is a dump.
 */
struct source_extent {
	uint64_t gpa;
	uint64_t size;
	uint64_t backing;
};

enum {
	SOURCE_EXTENTS_MAX = 1 << 16, /* most extents that a source may have */
	SOURCE_PIECES_MAX = 4,
	SOURCE_WINDOW = 1 << 16, /* what Linux maps at a fault, of what is in memory */
	SOURCE_PIECE_PATH_SIZE = 256,
};

/*
 * Open a file, by what it holds: ELF core, LiME, else bytes without addresses. ERR_ABSENT when
 * there is no such file, ERR_CORRUPT when it is truncated or malformed, ERR_UNSUPPORTED for
 * formats that must be converted first (the text says how), ERR_PERM.
 */
enum err source_open_file(const char *path, struct source **ret, struct err_ctx *err) ERR_NODISCARD;

/*
 * Open the memory of process `pid`. Shared mappings are mapped, private ones are read with
 * process_vm_readv(). ERR_ABSENT: no such process, or none of its memory looks like a guest's RAM;
 * ERR_PERM: the text says what is needed.
 */
enum err source_open_process(pid_t pid, struct source **ret, struct err_ctx *err) ERR_NODISCARD;

/*
 * A stretch of a VMM's memory that was found to be guest RAM: what source_open_process() had to
 * look for. Filled with zeros before it is set, so that equal ones are equal bytes.
 */
struct source_piece {
	uint64_t start, size;	/* in the VMM */
	uint64_t offset;	/* in the file that is mapped there */
	uint64_t dev, ino;	/* of the file */
	char path[SOURCE_PIECE_PATH_SIZE]; /* by which it can be opened; "": private memory */
};

/*
 * The pieces that a placed process source is made of; of one that isn't placed, what source_keep() opened.
 * ERR_LIMIT when they can't be told.
 */
enum err source_pieces(const struct source *s, struct source_piece ret[SOURCE_PIECES_MAX],
		       size_t *count_ret) ERR_NODISCARD;

/*
 * Open the memory of a process without looking for it. ERR_TORN when a file isn't what it was;
 * whether the guest is still in there is for source_place_as() to tell.
 */
enum err source_open_pieces(pid_t pid, const struct source_piece *pieces, size_t count,
			    struct source **ret, struct err_ctx *err) ERR_NODISCARD;

/*
 * Open now whatever later calls would open when they first need it, so that from here on the
 * privileges that this took aren't needed: the caller will read as user `reader`. Watches process
 * `watch` (0: none) as source_watch() would. To be called before the source is placed. ERR_PERM, ERR_GONE, ERR_IO.
 */
enum err source_keep(struct source *s, pid_t watch, uid_t reader,
		     struct err_ctx *err) ERR_NODISCARD;

/*
 * Where a process like this one will look, if it does what this one did: windows of SOURCE_WINDOW bytes that were
 * looked at since source_keep(), as numbers that mean the same to whoever opens the same pieces. At most `max`; how many.
 */
size_t source_looked(const struct source *s, uint32_t *ret, size_t max);
/*
 * Look there now, so that it needn't be done when somebody waits for it: after source_keep(). Numbers that mean
 * nothing, or not any more, do nothing.
 */
void source_look(struct source *s, const uint32_t *windows, size_t count);

void source_close(struct source *s);

enum source_kind source_kind(const struct source *s);

/* Bytes of guest memory: of the extents once placed, before that of the likely RAM. */
uint64_t source_size(const struct source *s);

/* True when some of the memory is read by copying rather than mapped. */
bool source_copies(const struct source *s);

/*
 * Find the guest: where VMCOREINFO is and which placement of the backing bytes makes the guest's
 * own page tables lead where VMCOREINFO says. ERR_NOTREADY when there is no Linux (yet);
 * ERR_UNSUPPORTED for kernels that ktype can't read.
 */
enum err source_place(struct source *s, struct ktype_boot *ret, struct err_ctx *err) ERR_NODISCARD;

/*
 * Use a placement found earlier, of the same backing; `boot` says what must be found there again
 * (see ktype_boot_check(); it is filled in). ERR_TORN when the guest isn't there any more (rebooted, or another VM): place anew.
 */
enum err source_place_as(struct source *s, const struct source_extent *extents, size_t count,
			 struct ktype_boot *boot, struct err_ctx *err) ERR_NODISCARD;

/*
 * Make the placement exact by the memory map that the guest's firmware gave its kernel. Changes
 * the extents, so guest_pages made before must not be used after it unless *changed_ret is false;
 * boot->vmcoreinfo moves along. ERR_ABSENT when the kernel doesn't tell (all stays as it was).
 */
enum err source_settle(struct source *s, struct base_alloc *alloc, const struct ktype *k,
		       struct ktype_boot *boot, bool *changed_ret,
		       struct err_ctx *err) ERR_NODISCARD;

/* Guest-physical memory of a placed source; owned by the source. */
struct guest_phys *source_phys(struct source *s);

/*
 * What the phys' alive() tells, looked up now: that one looks once in a few milliseconds. ERR_GONE
 * with a text once the VM has ended, its memory went away, or another kernel is in it.
 */
enum err source_alive(struct source *s, struct err_ctx *err) ERR_NODISCARD;

/* The extents of a placed source, sorted by guest-physical address; valid until it changes. */
const struct source_extent *source_extents(const struct source *s, size_t *count_ret);

/*
 * Watch what a placed source shows: from now on alive() also fails with ERR_GONE when process
 * `pid` has ended (0: none known) or when the kernel that `boot` describes is no longer there.
 * ERR_GONE when it already isn't.
 */
enum err source_watch(struct source *s, pid_t pid, const struct ktype_boot *boot,
		      struct err_ctx *err) ERR_NODISCARD;

#endif
