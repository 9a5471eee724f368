// SPDX-License-Identifier: MIT
/*
 * A hostile host behind the proxied calls: each test is one thing that it may try. No call may crash, write
 * where it wasn't told to, or take for right what can't be.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <cmocka.h>

#include "abi/proxy.h"
#include "fake_runtime.h"
#include "trusted/files.h"
#include "trusted/proxy.h"

#define CALL(...) CALL_(__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define CALL_(n, a, b, c, d, e, f, ...) \
	trusted_syscall(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

enum {
	TCGETS = 0x5401,
	TCSETS = 0x5402,
	TIOCGWINSZ = 0x5413,
	TIOCSTI = 0x5412,
};

static int64_t answer;
static uint64_t seen[6];
static unsigned int seen_number;
static char written[64];

/* What every request has to be like, whatever the program asked for. */
static void check_request(unsigned int number, const uint64_t args[6])
{
	assert_in_range(number, ABI_PROXY_READ, ABI_PROXY_POLL);
	if (number != ABI_PROXY_POLL)
		assert_in_range(args[0], 0, ABI_STREAMS - 1);
	if (number == ABI_PROXY_READ || number == ABI_PROXY_WRITE)
		assert_in_range(args[1], 0, ABI_ARENA_SIZE);
}

static int64_t serve(unsigned int number, const uint64_t args[6])
{
	check_request(number, args);
	seen_number = number;
	memcpy(seen, args, sizeof(seen));
	if (number == ABI_PROXY_WRITE)
		memcpy(written, fake.arena, args[1] < sizeof(written) ? args[1] : sizeof(written));
	return answer;
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	fake.serve = serve;
	trusted_config_apply(&fake.info);
	answer = 0;
	trusted_output_hook(NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_true(fake_arena_is_whole());
	return 0;
}

static void test_read_longer_than_asked(void **state)
{
	char buf[8] = "untouch";

	(void)state;
	memset(fake.arena, 'x', 64);
	for (answer = 5; answer < 100; answer++) {
		assert_int_equal(CALL(SYS_read, 0, buf, 4), -EIO);
		assert_string_equal(buf, "untouch");
	}
	answer = INT64_MAX;
	assert_int_equal(CALL(SYS_read, 0, buf, 4), -EIO);
	answer = 1ll << 32 | 2;
	assert_int_equal(CALL(SYS_read, 0, buf, 4), -EIO);
	assert_string_equal(buf, "untouch");
	answer = 4;
	assert_int_equal(CALL(SYS_read, 0, buf, 4), 4);
	assert_memory_equal(buf, "xxxxuch", 8);
}

static void test_write_longer_than_asked(void **state)
{
	(void)state;
	answer = 6;
	assert_int_equal(CALL(SYS_write, 1, "hello", 5), -EIO);
	answer = 5;
	assert_int_equal(CALL(SYS_write, 1, "hello", 5), 5);
	assert_memory_equal(written, "hello", 5);
	assert_int_equal(seen[0], 1);
}

static void test_write_of_nothing_for_ever(void **state)
{
	(void)state;
	answer = 0;
	assert_int_equal(CALL(SYS_write, 2, "hello", 5), -EIO);
	assert_int_equal(CALL(SYS_write, 2, "", 0), 0);
}

static void test_errors_that_a_call_cannot_have(void **state)
{
	static const int64_t wrong[] = { -1000, -4095, -4096, INT64_MIN, -ENOSYS, -ENOMEM, -EEXIST,
					 -(1ll << 32), -512 /* ERESTARTSYS */ };
	static const int64_t right[] = { -EAGAIN, -EIO, -EPIPE, -EBADF };
	char buf[8];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		answer = wrong[i];
		assert_int_equal(CALL(SYS_read, 0, buf, 8), -EIO);
		assert_int_equal(CALL(SYS_write, 1, buf, 8), -EIO);
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		answer = right[i];
		assert_int_equal(CALL(SYS_read, 0, buf, 8), right[i]);
	}
}

static void test_interruptions_without_a_signal(void **state)
{
	char buf[8];

	(void)state;
	answer = -EINTR;
	assert_int_equal(CALL(SYS_read, 0, buf, 8), -EINTR);
	assert_in_range(fake.ocalls, 10, 100); /* tried again, and not for ever */
	fake.ocalls = 0;
	fake.interrupted = true;
	assert_int_equal(CALL(SYS_read, 0, buf, 8), -EINTR);
	assert_int_equal(fake.ocalls, 1);
}

static void test_huge_buffers_go_by_the_arena(void **state)
{
	size_t size = 4 * ABI_ARENA_SIZE;
	char *big = malloc(size);

	(void)state;
	assert_non_null(big);
	memset(big, 'b', size);
	answer = ABI_ARENA_SIZE;
	assert_int_equal(CALL(SYS_write, 1, big, size), ABI_ARENA_SIZE);
	assert_int_equal(seen[1], ABI_ARENA_SIZE);
	assert_int_equal(CALL(SYS_read, 0, big, size), ABI_ARENA_SIZE);
	answer = ABI_ARENA_SIZE + 1;
	assert_int_equal(CALL(SYS_read, 0, big, size), -EIO);
	free(big);
}

static void test_vectors_stop_at_the_first_error(void **state)
{
	char a[4] = "", b[2000] = "";
	struct iovec iov[2] = { { a, 4 }, { b, 4 } };

	(void)state;
	answer = 4;
	assert_int_equal(CALL(SYS_readv, 0, iov, 2), 8);
	answer = 5;
	assert_int_equal(CALL(SYS_readv, 0, iov, 2), -EIO);
	/* short ones are one request */
	assert_int_equal(CALL(SYS_writev, 1, iov, 2), 5);
	assert_int_equal(seen[1], 8);
	answer = 9;
	assert_int_equal(CALL(SYS_writev, 1, iov, 2), -EIO);
	iov[1].iov_len = sizeof(b);
	answer = 4;
	assert_int_equal(CALL(SYS_writev, 1, iov, 2), 8);
	assert_int_equal(seen[1], sizeof(b));
	answer = 5;
	assert_int_equal(CALL(SYS_writev, 1, iov, 2), -EIO);
	assert_int_equal(CALL(SYS_readv, 0, iov, -1), -EINVAL);
	assert_int_equal(CALL(SYS_readv, 0, iov, 5000), -EINVAL);
}

static void test_no_number_of_a_descriptor_crosses(void **state)
{
	char buf[8];
	int fd;

	(void)state;
	answer = 8;
	/* the program's 1 is a file inside now, its 40 the host's output */
	assert_int_equal(CALL(SYS_dup2, 1, 40), 40);
	assert_int_equal(CALL(SYS_dup2, 0, 41), 41);
	fd = (int)CALL(SYS_open, "/dev/null", O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(CALL(SYS_dup2, fd, 1), 1);
	assert_int_equal(CALL(SYS_write, 1, buf, 8), 8);
	assert_int_equal(fake.ocalls, 0);
	assert_int_equal(CALL(SYS_write, 40, buf, 8), 8);
	assert_int_equal(fake.ocalls, 1);
	assert_int_equal(seen[0], 1);
	/* closed inside: the host isn't told, and its stream isn't reached any more */
	assert_int_equal(CALL(SYS_close, 0), 0);
	assert_int_equal(fake.ocalls, 1);
	assert_int_equal(CALL(SYS_read, 0, buf, 8), -EBADF);
	/* a number used again is the new file */
	assert_int_equal(CALL(SYS_open, "/dev/zero", O_RDONLY), 0);
	assert_int_equal(CALL(SYS_read, 0, buf, 8), 8);
	assert_int_equal(fake.ocalls, 1);
	/* back to how it was, for the other tests */
	assert_int_equal(CALL(SYS_dup2, 40, 1), 1);
	assert_int_equal(CALL(SYS_dup2, 41, 0), 0);
	assert_int_equal(CALL(SYS_close_range, 3, ~0U, 0), 0);
}

static void test_streams_go_one_way(void **state)
{
	char buf[8];

	(void)state;
	answer = 8;
	assert_int_equal(CALL(SYS_write, 0, buf, 8), -EBADF);
	assert_int_equal(CALL(SYS_read, 1, buf, 8), -EBADF);
	assert_int_equal(CALL(SYS_pread64, 0, buf, 8, 0), -ESPIPE);
	assert_int_equal(CALL(SYS_lseek, 1, 0, 0), -ESPIPE);
	assert_int_equal(fake.ocalls, 0);
}

static void test_window_of_absurd_size(void **state)
{
	static const uint16_t sizes[][2] = { { 65535, 80 }, { 24, 65535 }, { 4097, 1 } };
	uint16_t got[4] = { 7, 7, 7, 7 };

	(void)state;
	answer = 0;
	for (size_t i = 0; i < 3; i++) {
		memcpy(fake.arena, sizes[i], 4);
		assert_int_equal(CALL(SYS_ioctl, 1, TIOCGWINSZ, got), -EIO);
		assert_int_equal(got[0], 7);
	}
	memcpy(fake.arena, (uint16_t[]){ 24, 80, 0, 0 }, 8);
	assert_int_equal(CALL(SYS_ioctl, 1, TIOCGWINSZ, got), 0);
	assert_int_equal(got[1], 80);
}

static void test_terminal_results_that_are_no_success(void **state)
{
	uint8_t modes[40];

	(void)state;
	memset(modes, 7, sizeof(modes));
	memset(fake.arena, 9, 64);
	answer = 1;
	assert_int_equal(CALL(SYS_ioctl, 1, TCGETS, modes), -EIO);
	assert_int_equal(modes[0], 7);
	answer = 0;
	assert_int_equal(CALL(SYS_ioctl, 1, TCGETS, modes), 0);
	assert_int_equal(modes[35], 9);
	assert_int_equal(modes[36], 7); /* not more than a struct termios */
	assert_int_equal(CALL(SYS_ioctl, 1, TCSETS, modes), 0);
}

static void test_requests_that_are_not_served_stay_inside(void **state)
{
	char buf[64];

	(void)state;
	assert_int_equal(CALL(SYS_ioctl, 1, TIOCSTI, buf), -ENOTTY);
	assert_int_equal(CALL(SYS_ioctl, 1, 0x8912 /* SIOCGIFCONF */, buf), -ENOTTY);
	assert_int_equal(CALL(SYS_ioctl, 1, UINT64_MAX, buf), -ENOTTY);
	assert_int_equal(fake.ocalls, 0);
}

static int64_t serve_poll(unsigned int number, const uint64_t args[6])
{
	struct abi_poll *polls = (struct abi_poll *)fake.arena;

	check_request(number, args);
	for (uint64_t i = 0; i < args[0]; i++) {
		assert_in_range(polls[i].stream, 0, 2);
		polls[i].revents = 0xffff;
		polls[i].stream = 77; /* not looked at again */
		polls[i].events = 0;
	}
	return answer;
}

static void test_poll_of_what_was_not_asked(void **state)
{
	struct pollfd p[2] = { { 1, POLLOUT, 0 }, { 2, 0, 0 } };

	(void)state;
	fake.serve = serve_poll;
	answer = 2;
	assert_int_equal(CALL(SYS_poll, p, 2, 1000), 2);
	assert_int_equal(p[0].revents, POLLOUT | POLLERR | POLLHUP);
	assert_int_equal(p[1].revents, POLLERR | POLLHUP);
}

static void test_poll_with_a_wrong_count(void **state)
{
	struct pollfd p[2] = { { 1, POLLOUT, 0 }, { 99, POLLIN, 0 } };

	(void)state;
	fake.serve = serve_poll;
	for (answer = 2; answer < 10; answer++) {
		struct pollfd one = { 1, POLLOUT, 0 };

		assert_int_equal(CALL(SYS_poll, &one, 1, 10), -EIO);
	}
	answer = 1;
	assert_int_equal(CALL(SYS_poll, p, 2, 10), 2); /* counted here: the stream and the bad one */
}

static void test_poll_ready_without_anything(void **state)
{
	struct pollfd p = { 1, POLLOUT, 0 };

	(void)state;
	answer = 1; /* and `serve` leaves revents 0 */
	assert_int_equal(CALL(SYS_poll, &p, 1, 10), 0);
	assert_int_equal(CALL(SYS_poll, &p, 1, -1), -EINTR); /* never 0 without a timeout */
}

static void test_many_descriptors_of_one_stream(void **state)
{
	struct pollfd p[100];

	(void)state;
	fake.serve = serve_poll;
	for (int i = 0; i < 100; i++)
		p[i] = (struct pollfd){ 1, i % 2 ? POLLOUT : POLLIN, 0 };
	answer = 1;
	assert_int_equal(CALL(SYS_poll, p, 100, 10), 100);
	assert_int_equal(p[0].revents, POLLIN | POLLERR | POLLHUP);
	assert_int_equal(p[1].revents, POLLOUT | POLLERR | POLLHUP);
}

static long sealed(unsigned int stream, const void *data, size_t size)
{
	(void)data;
	assert_in_range(stream, 1, 2);
	return (long)size;
}

static void test_sealed_output_does_not_go_out(void **state)
{
	struct stat st;
	uint8_t modes[40];

	(void)state;
	trusted_output_hook(sealed);
	assert_int_equal(CALL(SYS_write, 1, "secret", 6), 6);
	assert_int_equal(CALL(SYS_write, 2, "secret", 6), 6);
	assert_int_equal(CALL(SYS_ioctl, 1, TCGETS, modes), -ENOTTY);
	assert_int_equal(CALL(SYS_fstat, 1, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(fake.ocalls, 0);
}

static void test_what_is_not_permitted_stays_inside(void **state)
{
	static const char config[] = "scwatcher-enclave 1\npermit=write\n\n";
	struct pollfd p = { 1, POLLOUT, 0 };
	char buf[64];

	(void)state;
	fake.config = config;
	fake.config_size = sizeof(config) - 1;
	trusted_config_apply(&fake.info);
	assert_int_equal(CALL(SYS_read, 0, buf, 8), -EPERM);
	assert_int_equal(CALL(SYS_ioctl, 1, TIOCGWINSZ, buf), -ENOTTY);
	assert_int_equal(CALL(SYS_poll, &p, 1, 0), -EPERM);
	assert_int_equal(fake.ocalls, 0);
	answer = 3;
	assert_int_equal(CALL(SYS_write, 1, "abc", 3), 3);
}

static void test_a_stream_that_there_is_not(void **state)
{
	char buf[8];

	(void)state;
	assert_int_equal(trusted_proxy_read(3, buf, 8), -EPERM);
	assert_int_equal(trusted_proxy_write(77, buf, 8), -EPERM);
	assert_int_equal(trusted_proxy_terminal(3, TCGETS, buf), -ENOTTY);
	assert_int_equal(fake.ocalls, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_read_longer_than_asked),
		TEST(test_write_longer_than_asked),
		TEST(test_write_of_nothing_for_ever),
		TEST(test_errors_that_a_call_cannot_have),
		TEST(test_interruptions_without_a_signal),
		TEST(test_huge_buffers_go_by_the_arena),
		TEST(test_vectors_stop_at_the_first_error),
		TEST(test_no_number_of_a_descriptor_crosses),
		TEST(test_streams_go_one_way),
		TEST(test_window_of_absurd_size),
		TEST(test_terminal_results_that_are_no_success),
		TEST(test_requests_that_are_not_served_stay_inside),
		TEST(test_poll_of_what_was_not_asked),
		TEST(test_poll_with_a_wrong_count),
		TEST(test_poll_ready_without_anything),
		TEST(test_many_descriptors_of_one_stream),
		TEST(test_sealed_output_does_not_go_out),
		TEST(test_what_is_not_permitted_stays_inside),
		TEST(test_a_stream_that_there_is_not),
	};

	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
