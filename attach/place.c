// SPDX-License-Identifier: MIT
/* See place.h. */
#include "place.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attach/attach.h"
#include "attach/cache.h"
#include "attach/vms.h"

enum {
	INSTANCE_DAYS = 7,
};

static enum err backing_of_file(const char *path, struct instance *ret, struct err_ctx *err)
{
	struct stat st;

	if (!realpath(path, ret->path)) {
		enum err e = errno == EACCES ? ERR_PERM : ERR_ABSENT;

		return err_set_errno(err, e, errno, "can't open %.150s", path);
	}
	if (stat(ret->path, &st) < 0)
		return err_set_errno(err, ERR_IO, errno, "can't stat %.150s", path);
	ret->is_file = true;
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
	ret->size = (uint64_t)st.st_size;
	ret->mtime_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
	return ERR_OK;
}

/*
 * Marks programs that look for their VM themselves, for who would put another /proc before them: the
 * ELF note of door/program.h.
 */
static const struct {
	uint32_t name_size, content_size, type;
	char name[12];
} note __attribute__((section(".note.scwatcher"), used, aligned(4))) = {
	10, 0, 1, "SCwatcher"};

static void backing_of_process(pid_t pid, uint64_t start, struct instance *ret)
{
	ret->pid = ret->vmm = pid;
	ret->start = ret->vmm_start = start;
}

static enum err backing_of_pid(pid_t pid, struct instance *ret, struct err_ctx *err)
{
	uint64_t start;

	if (!vms_start_time(pid, &start))
		return err_set(err, ERR_ABSENT, "no process %d", (int)pid);
	backing_of_process(pid, start, ret);
	return ERR_OK;
}

enum err place_resolve(const char *vm, bool remember, struct instance *ret, struct err_ctx *err)
{
	struct vms_entry v;
	struct stat st;
	enum err e;

	memset(ret, 0, sizeof(*ret));
	if (strchr(vm, '/'))
		return backing_of_file(vm, ret, err);
	if (vm[0] && vm[strspn(vm, "0123456789")] == '\0' && strlen(vm) < 10)
		return backing_of_pid((pid_t)atoi(vm), ret, err);
	e = vms_find(vm, remember, &v, err);
	if (e == ERR_ABSENT && stat(vm, &st) == 0 && S_ISREG(st.st_mode)) {
		err_clear(err);
		return backing_of_file(vm, ret, err);
	}
	if (!e)
		backing_of_process(v.pid, v.start, ret);
	return e;
}

enum err place_open(const struct instance *in, struct source **ret, struct err_ctx *err)
{
	return in->is_file ? source_open_file(in->path, ret, err)
			   : source_open_process(in->pid, ret, err);
}

void place_find_vmm(const struct source *s, struct instance *in)
{
	struct vms_entry v;
	uint64_t start;

	if (!in->is_file)
		return;
	if (in->vmm && (!vms_start_time(in->vmm, &start) || start != in->vmm_start))
		in->vmm = 0;
	if (in->vmm || source_kind(s) != SOURCE_RAM_FILE)
		return;
	if (vms_find_mapper(in->dev, in->ino, &v) == ERR_OK) {
		in->vmm = v.pid;
		in->vmm_start = v.start;
	}
}

enum err place_open_known(const struct instance *in, struct source **ret, struct ktype_boot *boot_ret,
			  bool *done_ret, struct err_ctx *err)
{
	struct ktype_boot boot = in->boot;
	struct source *s;
	enum err e = ERR_TORN;

	*done_ret = false;
	if (in->piece_count)
		e = source_open_pieces(in->pid, in->pieces, in->piece_count, &s, NULL);
	if (e)
		e = place_open(in, &s, err);
	if (e)
		return e;
	if (source_place_as(s, in->extents, in->extent_count, &boot, NULL)) {
		source_close(s);
		return ERR_OK;
	}
	*ret = s;
	*boot_ret = boot;
	*done_ret = true;
	return ERR_OK;
}

static bool instance_file(const struct instance *in, char path[PATH_MAX])
{
	char name[96];

	if (in->is_file)
		snprintf(name, sizeof(name), "file-%" PRIx64 "-%" PRIx64, in->dev, in->ino);
	else
		snprintf(name, sizeof(name), "process-%d-%" PRIx64, (int)in->pid, in->start);
	return cache_path(path, "instances", name);
}

bool place_load(const struct instance *backing, struct instance *ret)
{
	char path[PATH_MAX], text[INSTANCE_TEXT_MAX];
	size_t size;

	if (!instance_file(backing, path) || !cache_read(path, text, sizeof(text) - 1, &size))
		return false;
	text[size] = '\0';
	return instance_parse(text, ret) && instance_same_backing(backing, ret);
}

void place_save(const struct instance *in)
{
	char path[PATH_MAX], text[INSTANCE_TEXT_MAX];

	if (!instance_file(in, path) || !instance_print(in, text, sizeof(text)) ||
	    !cache_write(path, text, strlen(text)))
		return;
	cache_expire("instances", INSTANCE_DAYS);
}

void place_note(const struct source *s, const struct ktype_boot *boot, struct instance *in)
{
	size_t count;
	const struct source_extent *x = source_extents(s, &count);

	in->boot = *boot;
	in->extent_count = 0;
	if (source_kind(s) != SOURCE_RAM_FILE && source_kind(s) != SOURCE_PROCESS)
		return;
	if (count > INSTANCE_EXTENTS_MAX)
		return;
	memcpy(in->extents, x, count * sizeof(*x));
	in->extent_count = count;
	in->piece_count = 0;
	if (!in->is_file && source_pieces(s, in->pieces, &in->piece_count))
		in->piece_count = 0;
}

enum err place_not_left_behind(const struct ktype_boot *known, const struct ktype_boot *found,
			       struct err_ctx *err)
{
	return ktype_boot_left_behind(known, found) ?
		       err_set(err, ERR_NOTREADY,
			       "the guest is restarting: its new kernel isn't there yet") :
		       ERR_OK;
}

enum err place_alive(struct source *s, const struct instance *in, struct err_ctx *err)
{
	enum err e = source_alive(s, err);
	uint64_t start;

	/* a pidfd tells the end of the last thread; a VMM that lost its first one is dying */
	if (!e && in->vmm && (!vms_start_time(in->vmm, &start) || start != in->vmm_start))
		e = err_set(err, ERR_GONE, "the virtual machine has ended");
	return e;
}

enum err place_handover(const struct instance *in, struct err_ctx *err)
{
	char text[INSTANCE_TEXT_MAX];
	char vm[PATH_MAX];

	/* the name may be ambiguous or relative by then: say exactly which one it is */
	if (in->is_file)
		snprintf(vm, sizeof(vm), "%s", in->path);
	else
		snprintf(vm, sizeof(vm), "%d", (int)in->pid);
	if (setenv(ATTACH_ENV_VM, vm, 1) < 0)
		return err_set(err, ERR_NOMEM, "out of memory");
	unsetenv(ATTACH_ENV_HANDOVER);
	if (instance_print(in, text, sizeof(text)) && setenv(ATTACH_ENV_HANDOVER, text, 1) < 0)
		return err_set(err, ERR_NOMEM, "out of memory");
	return ERR_OK;
}
