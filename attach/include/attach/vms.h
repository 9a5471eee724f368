/* SPDX-License-Identifier: MIT */
/* The virtual machines that run on this host, found in /proc. */
#ifndef SCW_ATTACH_VMS_H
#define SCW_ATTACH_VMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum {
	VMS_NAME_SIZE = 128,
};

/* A process that runs a VM, or seems to. */
struct vms_entry {
	pid_t pid;
	uint64_t start;	/* in clock ticks since the host's boot: with pid, this very process */
	char name[VMS_NAME_SIZE]; /* QEMU's -name, libvirt's domain name, ...; "" when it has none */
	char comm[16];
	bool known; /* a known VMM, or one that uses KVM */
};

/*
 * All VMMs: known ones by their name, others by an open /dev/kvm; with `all` also every process
 * whose memory could hold a guest. *ret is malloc()ed, sorted by PID. ERR_IO without /proc.
 */
enum err vms_list(bool all, struct vms_entry **ret, size_t *count_ret,
		  struct err_ctx *err) ERR_NODISCARD;

/*
 * The VM called `name`. ERR_ABSENT, or ERR_AMBIGUOUS with the PIDs in the text (*ret is one).
 *
 * That takes a look at every process. With `remember` the answer is kept in the user's cache: for a
 * minute, as long as it is still right, only processes that weren't there then are looked at.
 */
enum err vms_find(const char *name, bool remember, struct vms_entry *ret,
		  struct err_ctx *err) ERR_NODISCARD;

/* The process that has the file mapped as memory; VMMs are looked at first. ERR_ABSENT. */
enum err vms_find_mapper(dev_t dev, ino_t ino, struct vms_entry *ret) ERR_NODISCARD;

/* When process `pid` was started (field 22 of /proc/PID/stat); false when there is none. */
bool vms_start_time(pid_t pid, uint64_t *ret);

/*
 * The VM's name in a VMM's command line (`size` bytes, NULs between arguments); false when it has
 * none. `name` is cut to VMS_NAME_SIZE.
 */
bool vms_name_of(const char *cmdline, size_t size, char name[VMS_NAME_SIZE]);

#endif
