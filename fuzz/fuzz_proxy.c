// SPDX-License-Identifier: MIT
/*
 * A hostile host behind the calls that an enclave's program has served outside: the input says which calls
 * are made and what comes back. Nothing may be written but what was asked for, and no result be what
 * the call can't give.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "abi/proxy.h"
#include "fake_runtime.h"
#include "fuzz.h"

static const uint8_t *input;
static size_t input_size;

static int64_t serve(unsigned int number, const uint64_t args[6])
{
	uint64_t kind = fuzz_take(&input, &input_size, 1), value;

	FUZZ_ASSERT(number >= ABI_PROXY_READ && number <= ABI_PROXY_POLL);
	FUZZ_ASSERT(number == ABI_PROXY_POLL || args[0] < ABI_STREAMS);
	for (size_t i = 0; i < 64; i += 8) {
		value = fuzz_take(&input, &input_size, 8);
		memcpy(fake.arena + i, &value, 8);
	}
	value = fuzz_take(&input, &input_size, kind & 1 ? 8 : 1);
	return (int64_t)(kind & 2 ? -value : value);
}

static long call(long n, long a, const void *b, long c)
{
	return trusted_syscall(n, a, (long)b, c, 0, 0, 0);
}

enum {
	ROOM = 256,
	GUARD = 0x77,
};

static uint8_t buf[ROOM + 64];

static void check_room(size_t used)
{
	for (size_t i = used; i < sizeof(buf); i++)
		FUZZ_ASSERT(buf[i] == GUARD);
	FUZZ_ASSERT(fake_arena_is_whole());
}

static void one_call(void)
{
	static const long requests[] = { 0x5401, 0x5402, 0x5403, 0x5404, 0x5413, 0x540f, 0x8912 };
	uint64_t what = fuzz_take(&input, &input_size, 1);
	size_t size = fuzz_take(&input, &input_size, 1);
	struct iovec iov = { buf, size };
	struct pollfd fds[3] = { { 0, POLLIN, 0 }, { 1, (short)size, 0 }, { 2, POLLOUT, 0 } };
	long r;

	memset(buf, GUARD, sizeof(buf));
	switch (what % 6) {
	case 0:
		r = call(SYS_read, 0, buf, (long)size);
		FUZZ_ASSERT(r <= (long)size && r >= -4095);
		check_room(r > 0 ? (size_t)r : 0);
		break;
	case 1:
		r = call(SYS_readv, 0, &iov, 1);
		FUZZ_ASSERT(r <= (long)size && r >= -4095);
		check_room(r > 0 ? (size_t)r : 0);
		break;
	case 2:
		r = call(SYS_write, 1, buf, (long)size);
		FUZZ_ASSERT(r <= (long)size && r >= -4095 && (r || !size));
		check_room(0);
		break;
	case 3:
		r = call(SYS_ioctl, (long)(what / 6 % 3), (void *)requests[size % 7], (long)buf);
		FUZZ_ASSERT(r <= 0 && r >= -4095);
		check_room(36);
		break;
	case 4:
		r = trusted_syscall(SYS_poll, (long)fds, 3, (long)size, 0, 0, 0);
		FUZZ_ASSERT(r <= 3 && r >= -4095);
		for (int i = 0, ready = 0; r >= 0 && i < 3; i++) {
			ready += fds[i].revents != 0;
			FUZZ_ASSERT(!(fds[i].revents & ~(fds[i].events | POLLERR | POLLHUP)));
			FUZZ_ASSERT(i < 2 || ready == r);
		}
		break;
	default:
		r = call(SYS_fstat, (long)size % 3, buf, 0);
		FUZZ_ASSERT(r == 0);
		check_room(144);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trusted_info info;
	static bool is_configured;

	fake_reset();
	/* once, as in an enclave: its memory lasts */
	if (!is_configured)
		trusted_config_apply(&info);
	is_configured = true;
	fake.info = info;
	fake.serve = serve;
	input = data;
	input_size = size;
	for (int i = 0; input_size && i < 64; i++)
		one_call();
	return 0;
}
