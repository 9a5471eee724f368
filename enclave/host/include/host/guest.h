/* SPDX-License-Identifier: MIT */
/*
 * The untrusted side of an enclave's way to the memory device: it carries frames, maps the ring, sleeps and wakes,
 * and has reports made into quotes. It holds no key and opens nothing.
 */
#ifndef SCW_HOST_GUEST_H
#define SCW_HOST_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct host_guest;

/*
 * Connect to the device that listens at `path`. `emulated`: the enclave's evidence are reports of the
 * emulation; else quotes, for which DCAP's library is loaded when they are asked for. ERR_ABSENT, ERR_PERM, ERR_IO.
 */
enum err host_guest_open(const char *path, bool emulated, struct host_guest **ret,
			 struct err_ctx *err) ERR_NODISCARD;
/* The same over a connected socket, which becomes its own. */
enum err host_guest_open_socket(int socket, bool emulated, struct host_guest **ret,
				struct err_ctx *err) ERR_NODISCARD;
/* The same by files, in the folder where the device's are mounted. */
enum err host_guest_open_files(const char *path, bool emulated, struct host_guest **ret,
			       struct err_ctx *err) ERR_NODISCARD;
void host_guest_close(struct host_guest *g);

/*
 * Over the socket: tell the device which VM it will be, before anything else, so that it makes ready while the enclave is
 * being built. What it answers is for the enclave to see. ERR_INVAL (a name too long), ERR_GONE, ERR_IO.
 */
enum err host_guest_greet(struct host_guest *g, const char *vm, struct err_ctx *err) ERR_NODISCARD;

/* Where what an enclave wants to have kept for its next run is. It can't be read by others than that enclave. */
struct host_notes {
	/* The bytes read, at most `room`; 0: there is none. */
	size_t (*read)(void *opaque, void *buf, size_t room);
	void (*write)(void *opaque, const void *bytes, size_t size);
	void *opaque;
};
/* `notes` is borrowed; without this call nothing is kept. */
void host_guest_keep(struct host_guest *g, const struct host_notes *notes);

/*
 * A hook for host_run(), `g` being the struct host_guest. Serve a request of abi/guest.h with the calling thread's arena: the result for the enclave. -ENOSYS for
 * another one. From several threads, but frames and rings from one at a time.
 */
int64_t host_guest_serve(void *g, uint64_t number, const uint64_t args[6], void *arena,
			 size_t arena_size);

#endif
