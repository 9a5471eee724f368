// SPDX-License-Identifier: MIT
/*
 * Every system call of a program inside, on the real runtime, under a host whose answers are the input: to the calls
 * that it serves, and to what the runtime asks for (clocks, sleeps, wakes, spawns). Results have to be Linux's, nothing of
 * the enclave's addresses may go out, and time doesn't go back.
 *
 * Input: a byte says what is next: a call (its number, two bytes; six arguments of a byte and more), or eight bytes of
 * the program's memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "abi/proxy.h"
#include "fuzz.h"
#include "layer.h"
#include "memfs.h"
#include "native_enclave.h"
#include "trusted/files.h"
#include "trusted/ocall.h"

/* for queues and descriptors: an input may end in the middle of a wait, and the next begins anew */
#include "../enclave/trusted/files.c"
#include "../enclave/trusted/futex.c"

enum {
	MAX_REQUESTS = 300,
	AREA = 4 * ABI_PAGE, /* of the program's memory */
	STRINGS = 256,	     /* of it, at the beginning: names */
	STRING = 32,
};

static const char names[STRINGS / STRING][STRING] = {
	"/proc/self/fd", "/proc/1/stat", "/proc/meminfo", "/etc/passwd", "/dev/zero", "/proc/7/rel", ".", "../..",
};

static const char config[] = "scwatcher-enclave 1\nargument=a\nfile=17 /etc/passwd\n\nroot:x:0:0::/:/x\n";
static struct trusted_info info;
static struct vfs *guest;
static const uint8_t *input;
static size_t input_left, requests;
static int64_t clock_ns;
static jmp_buf stopped;
static uint8_t *area;

/* ---- what isn't in the runtime's native form ---- */

struct vfs *trusted_vfs(void)
{
	return guest;
}

int trusted_vfs_end(int code, bool locked)
{
	(void)locked;
	return code;
}

void trusted_output_end(void)
{
}

const struct trusted_info *trusted_info(void)
{
	return &info;
}

const void *trusted_config(size_t *size_ret)
{
	*size_ret = sizeof(config) - 1;
	return config;
}

/* ---- the host ---- */

static uint64_t next(size_t bytes)
{
	return fuzz_take(&input, &input_left, bytes);
}

static void stop(void)
{
	longjmp(stopped, 1);
}

static void serve(struct abi_ocall *call)
{
	uint64_t kind = next(1), answer, at;

	for (size_t i = 0; i < 6; i++)
		FUZZ_ASSERT(call->args[i] < native.base || call->args[i] >= native.base + LAYOUT_SIZE);
	FUZZ_ASSERT((call->number > ABI_OCALL_NONE && call->number <= ABI_OCALL_TIMER) ||
		    (call->number >= ABI_PROXY_READ && call->number <= ABI_PROXY_POLL));
	/* a host that never comes back stops us, and may */
	if (!input_left || ++requests > MAX_REQUESTS)
		stop();
	for (at = 0; at < 64 && kind & 4; at += 8) {
		uint64_t word = next(8);

		memcpy(layout_arenas[0] + at, &word, 8);
	}
	if (kind & 8)
		layout_signals = next(8);
	answer = next(kind & 1 ? 8 : 1);
	call->result = (int64_t)(kind & 2 ? -answer : answer);
	/* forth and, at times, back; fuzz_runtime has the clocks that stop the enclave */
	if (call->number == ABI_OCALL_CLOCK)
		call->result = clock_ns += kind & 16 ? -1000 : (int64_t)next(4);
}

/* ---- the program ---- */

long trusted_say(const char *text, size_t size)
{
	FUZZ_ASSERT(text[size - 1] == '\n');
	return (long)size;
}


static void note(int sig)
{
	FUZZ_ASSERT(sig > 0 && sig <= 64);
}

static long argument(void)
{
	uint64_t kind = next(1);

	switch (kind >> 5) {
	case 0:
		return (long)kind;
	case 1:
		return -(long)(kind & 31);
	case 2:
		return (long)(area + next(2) % (AREA / 8) * 8); /* as a compiler aligns them */
	case 3:
		return (long)(area + kind % (STRINGS / STRING) * STRING);
	case 4:
		return TRUSTED_PID + (long)(kind & 3);
	case 5:
		return (long)next(8);
	case 6:
		return (long)next(2);
	default:
		return (long)next(4);
	}
}

static void call(void)
{
	long n = (long)next(2) % 512, a[6], r;

	for (size_t i = 0; i < 6; i++)
		a[i] = argument();
	if (n == SYS_rt_sigaction) {
		/* the program's own handlers, which it believes in */
		const struct trusted_action action = {.handler = a[1] % 3 == 2 ? (uint64_t)note
										: (uint64_t)a[1] % 3};

		memcpy(area + STRINGS, &action, sizeof(action));
		a[1] = (long)(area + STRINGS);
		a[3] = 8;
	}
	r = trusted_syscall(n, a[0], a[1], a[2], a[3], a[4], a[5]);
	/* an address or a number, but no errno that there isn't */
	FUZZ_ASSERT(r >= 0 || r >= -4095);
	if (n == SYS_read || n == SYS_write || n == SYS_pread64 || n == SYS_getdents64)
		FUZZ_ASSERT(r < 0 || (unsigned long)r <= (unsigned long)a[2]);
	if (n == SYS_open || n == SYS_openat || n == SYS_dup || n == SYS_dup2 || n == SYS_socket)
		FUZZ_ASSERT(r < LAYER_FDS);
}

static void check_clock(struct trusted_timespec *before)
{
	struct trusted_timespec *now = (struct trusted_timespec *)(area + STRINGS);

	if (trusted_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (long)now, 0, 0, 0, 0))
		return;
	FUZZ_ASSERT(now->sec > before->sec ||
		    (now->sec == before->sec && now->nsec >= before->nsec));
	*before = *now;
}

static void run_program(void)
{
	struct trusted_timespec before = {0};
	uint64_t at, word;

	while (input_left) {
		if (next(1) & 1) {
			at = next(2) % (AREA / 8);
			word = next(8);
			memcpy(area + at * 8, &word, 8);
		} else {
			call();
		}
		check_clock(&before);
	}
}

static void begin(void)
{
	static struct base_alloc memory;
	struct memfs *fs;

	if (guest)
		return;
	base_alloc_init(&memory, 16 << 20);
	fs = memfs_create(&memory);
	memfs_file(fs, "1/stat", "1 (init)\n");
	memfs_file(fs, "meminfo", "MemTotal: 1\n");
	memfs_file(fs, "net/tcp", "sl\n");
	memfs_link(fs, "7/rel", "../meminfo");
	guest = fs->vfs;
}

/* Of the program's memory, as it has to be. */
static void set_action(int sig, const struct trusted_action *action)
{
	memcpy(area + STRINGS, action, sizeof(*action));
	(void)trusted_sigaction(sig, (struct trusted_action *)(area + STRINGS), NULL, 8);
}

static void forget_signals(void)
{
	struct trusted_action action = {.handler = (uint64_t)SIG_IGN};

	for (int ignore = 1; ignore >= 0; ignore--) {
		for (int sig = 1; sig <= 64; sig++)
			set_action(sig, &action);
		/* takes what is pending */
		trusted_safe_point();
		action.handler = (uint64_t)SIG_DFL;
	}
}

static void forget_files(void)
{
	trusted_self()->lock_depth = 0;
	if (layer_is_locked_here())
		layer_unlock();
	(void)call_close_range(0, LAYER_FDS - 1, 0);
	streams_ready = false;
	layer_cwd_set("/");
	memset(buckets, 0, sizeof(buckets));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	long r;

	begin();
	input = data;
	input_left = size;
	requests = 0;
	native.serve = serve;
	native.left = stop;
	(void)layout_enclave();
	if (setjmp(stopped) == 0) {
		r = trusted_mmap(0, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
		FUZZ_ASSERT(r > 0);
		area = (uint8_t *)r;
		forget_signals();
		memcpy(area, names, sizeof(names));
		trusted_config_apply(&info);
		run_program();
	}
	forget_files();
	return 0;
}
