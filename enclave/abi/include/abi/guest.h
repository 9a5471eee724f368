/* SPDX-License-Identifier: MIT */
/*
 * What an enclave asks its host for to reach the watched guest: requests in the range ABI_OCALL_GUEST_FIRST of
 * abi/ocall.h. The host carries frames of docs/PROTOCOL.md, which are sealed where it matters, maps the
 * ring's memory, sleeps and wakes, or opens and reads the device's files, and has reports made into quotes. Results are >= 0 or negative errno numbers.
 */
#ifndef SCW_ABI_GUEST_H
#define SCW_ABI_GUEST_H

#include "abi/ocall.h"

enum abi_guest_number {
	/*
	 * a0: bytes of frames in the arena, which are sent; a1: how many frames are then waited for, up to one that says that
	 * the device's host won't, or its hanging up. They come to the arena: their bytes; -EPIPE: none came any more. In
	 * either direction a frame is a word, its kind << 32 | bytes of payload, and the payload, padded to words.
	 */
	ABI_GUEST_FRAMES = ABI_OCALL_GUEST_FIRST,
	/*
	 * a0, a1: bytes of the rings to the device and to the client. Maps the memory that came with the last RING
	 * frame. Its address in the process, page-aligned, outside the enclave.
	 */
	ABI_GUEST_RING = ABI_OCALL_GUEST_FIRST + 2,
	/*
	 * a0: offset of a bell in that memory, a1: nanoseconds. Sleeps while the bell is 1. 0, also for no
	 * reason; -EPIPE: the device hung up.
	 */
	ABI_GUEST_SLEEP = ABI_OCALL_GUEST_FIRST + 3,
	/* a0: offset of a bell. Wakes who sleeps on it. 0. */
	ABI_GUEST_WAKE = ABI_OCALL_GUEST_FIRST + 4,
	/*
	 * For whom a report has to be made: TARGETINFO comes to the arena. Type of evidence (enum
	 * channel_evidence_type); for emulated enclaves TARGETINFO is zeros.
	 */
	ABI_GUEST_TARGET = ABI_OCALL_GUEST_FIRST + 5,
	/* A REPORT in the arena; a quote of it comes there. Its bytes. */
	ABI_GUEST_QUOTE = ABI_OCALL_GUEST_FIRST + 6,
	/*
	 * Start a thread that wakes the device in the enclave's place, once the ring is mapped, and tells the time; over files
	 * it only does the latter. The address of what both share, a struct abi_worker, eight-byte aligned, outside the
	 * enclave; -EAGAIN: there is no processor for it.
	 */
	ABI_GUEST_WATCH = ABI_OCALL_GUEST_FIRST + 7,
	/*
	 * How the device is reached: enum abi_guest_carrier. Asked first. Bits from 8 on: bytes of the note that this program
	 * had kept when it looked at this VM last; 0: none. To the arena come a word, the time (as the worker's `clock`), and
	 * the note.
	 */
	ABI_GUEST_CARRIER = ABI_OCALL_GUEST_FIRST + 8,
	/* a0: bytes of a path in the arena, below the folder that the device serves. A number for the file, 0 to 65535. */
	ABI_GUEST_OPEN = ABI_OCALL_GUEST_FIRST + 9,
	/* a0: number of a file, a1: most bytes, a2: offset. As pread(2), into the arena. */
	ABI_GUEST_READ = ABI_OCALL_GUEST_FIRST + 10,
	/* a0: number of a file. 0. */
	ABI_GUEST_CLOSE = ABI_OCALL_GUEST_FIRST + 11,
	/* a0: bytes of a note in the arena, at most ABI_GUEST_NOTE_MAX, to be kept for the next run. 0. */
	ABI_GUEST_KEEP = ABI_OCALL_GUEST_FIRST + 12,
};

enum {
	ABI_GUEST_NOTE_MAX = 65536,
};

enum abi_guest_carrier {
	ABI_GUEST_BY_RING,  /* frames, then the ring: requests 0 to 7 */
	ABI_GUEST_BY_FILES, /* "pread" in docs/PROTOCOL.md: requests 9 to 11, and TARGET, QUOTE, WATCH */
	/* As BY_RING, and the OPEN frame for this VM has been sent: the device makes ready while the enclave is built. */
	ABI_GUEST_GREETED,
};

/*
 * A ring worker and its enclave, each of which only writes what is its own. All of it is about speed: an enclave that
 * is told lies here waits, and asks its host by an exit in the end.
 */
struct abi_worker {
	/*
	 * The enclave's. Goes up by one when it has cleared a bell of the device's, or over files when it looks at the clock;
	 * then it looks at `watching`.
	 */
	uint64_t wanted;
	/* The worker's. 1: it looks at `wanted` all the time. 0: it may sleep until ABI_GUEST_WAKE, over files ABI_GUEST_READ. */
	uint64_t watching;
	/* The worker's. CLOCK_MONOTONIC in nanoseconds, some milliseconds old at most while it is watching. */
	uint64_t clock;
};

#endif
