// SPDX-License-Identifier: MIT
/* Arguments, memory, time, randomness. Prints its arguments and a line at the end. */
#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "mini.h"

#define PAGE 4096ul
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)

static const char *const table[] = {"relocated", "data"};

static bool is_zero(const void *p, size_t size)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < size; i++)
		if (b[i])
			return false;
	return true;
}

static void test_maps(void)
{
	size_t whole = trusted_heap_size(), used = trusted_heap_used();
	long a, b, c, d;

	CHECK(trusted_mmap(0, 0, RW, ANON) == -EINVAL);
	CHECK(trusted_mmap(0, whole + PAGE, RW, ANON) == -ENOMEM);
	CHECK(trusted_mmap(0, SIZE_MAX, RW, ANON) == -ENOMEM);
	CHECK(trusted_mmap(0, PAGE, RW | PROT_EXEC, ANON) == -EACCES);
	a = trusted_mmap(0, 3 * PAGE, RW, ANON);
	b = trusted_mmap(0, 1, RW, ANON);
	c = trusted_mmap(0, 5 * PAGE, RW, ANON);
	CHECK(a > 0 && b > 0 && c > 0 && a % (long)PAGE == 0);
	CHECK(is_zero((void *)a, 3 * PAGE) && is_zero((void *)b, PAGE) &&
	      is_zero((void *)c, 5 * PAGE));
	memset((void *)a, 0xaa, 3 * PAGE);
	memset((void *)b, 0xbb, PAGE);
	memset((void *)c, 0xcc, 5 * PAGE);
	CHECK(trusted_heap_used() == used + 9 * PAGE);
	CHECK(trusted_readable((void *)a, 3 * PAGE) && trusted_writable((void *)c, 5 * PAGE));
	/* free neighbours are one free run, with zeros when it comes again */
	CHECK(trusted_munmap((uint64_t)b, PAGE) == 0);
	CHECK(!trusted_readable((void *)b, 1));
	CHECK(trusted_munmap((uint64_t)a, 3 * PAGE) == 0);
	d = trusted_mmap(0, 4 * PAGE, RW, ANON);
	CHECK(d == b || d == a || d == c - 4 * (long)PAGE || d > 0);
	CHECK(is_zero((void *)d, 4 * PAGE));
	CHECK(((uint8_t *)c)[0] == 0xcc && ((uint8_t *)c)[5 * PAGE - 1] == 0xcc);
	/* out of the middle */
	CHECK(trusted_munmap((uint64_t)c + 2 * PAGE, PAGE) == 0);
	CHECK(trusted_mmap((uint64_t)c + PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE) ==
	      -EEXIST);
	CHECK(trusted_mmap((uint64_t)c + 2 * PAGE, PAGE, RW, ANON | MAP_FIXED) ==
	      c + 2 * (long)PAGE);
	CHECK(is_zero((void *)(c + 2 * (long)PAGE), PAGE));
	/* bigger, at its place or not, with its contents */
	memset((void *)d, 0xdd, 4 * PAGE);
	a = trusted_mremap((uint64_t)d, 4 * PAGE, 9 * PAGE, 1, 0);
	CHECK(a > 0 && ((uint8_t *)a)[4 * PAGE - 1] == 0xdd &&
	      is_zero((void *)(a + 4 * (long)PAGE), 5 * PAGE));
	CHECK(trusted_mremap((uint64_t)a, 9 * PAGE, PAGE, 0, 0) == a);
	CHECK(trusted_madvise((uint64_t)a, PAGE, MADV_DONTNEED) == 0 && is_zero((void *)a, PAGE));
	CHECK(trusted_munmap((uint64_t)a, PAGE) == 0);
	CHECK(trusted_munmap((uint64_t)c, 5 * PAGE) == 0);
	CHECK(trusted_heap_used() == used);
	/* what isn't the heap's stays */
	CHECK(trusted_munmap((uint64_t)&table, PAGE) == -EINVAL);
	CHECK(trusted_munmap((uint64_t)table & ~(PAGE - 1), PAGE) == -EINVAL);
	CHECK(trusted_mmap(PAGE, PAGE, RW, ANON | MAP_FIXED) == -ENOMEM);
	CHECK(trusted_mprotect((uint64_t)c, PAGE, PROT_READ) == -ENOMEM);
}

static void test_all_of_it(void)
{
	size_t count = 0;
	long p, last = 0;

	while ((p = trusted_mmap(0, 16 * PAGE, RW, ANON)) > 0) {
		*(long *)p = last;
		last = p;
		count++;
	}
	CHECK(p == -ENOMEM && count > 0);
	while (last) {
		p = last;
		last = *(long *)p;
		CHECK(trusted_munmap((uint64_t)p, 16 * PAGE) == 0);
	}
	p = trusted_mmap(0, count * 16 * PAGE, RW, ANON);
	CHECK(p > 0);
	CHECK(trusted_munmap((uint64_t)p, count * 16 * PAGE) == 0);
}

static void test_brk(void)
{
	long start = trusted_brk(0);

	CHECK(trusted_brk((uint64_t)start + 100) == start + 100);
	CHECK(is_zero((void *)start, 100));
	*(uint8_t *)start = 7;
	CHECK(trusted_brk((uint64_t)start + 5 * PAGE) == start + 5 * (long)PAGE);
	CHECK(*(uint8_t *)start == 7 && is_zero((void *)(start + 1), 5 * PAGE - 1));
	CHECK(trusted_brk(1) == start + 5 * (long)PAGE);
	CHECK(trusted_brk((uint64_t)start + trusted_heap_size() + PAGE) == start + 5 * (long)PAGE);
	CHECK(trusted_brk((uint64_t)start) == start);
	CHECK(trusted_brk((uint64_t)start + PAGE) == start + (long)PAGE);
	CHECK(is_zero((void *)start, PAGE));
}

static void test_time(void)
{
	struct trusted_timespec a, b, ms = {0, 2000000}, bad = {0, 1000000000};
	uint32_t word = 5;
	uint64_t then;

	CHECK(trusted_clock_gettime(CLOCK_MONOTONIC, &a) == 0);
	CHECK(trusted_nanosleep(&ms, NULL) == 0);
	CHECK(trusted_clock_gettime(CLOCK_MONOTONIC, &b) == 0);
	CHECK((b.sec - a.sec) * 1000000000 + b.nsec - a.nsec >= 2000000);
	CHECK(trusted_nanosleep(&bad, NULL) == -EINVAL);
	CHECK(trusted_clock_gettime(99, &a) == -EINVAL);
	CHECK(trusted_clock_gettime(CLOCK_REALTIME, &a) == 0 && a.sec > 1600000000);
	CHECK(trusted_clock_gettime(CLOCK_REALTIME, (void *)8) == -EFAULT);
	then = trusted_now();
	CHECK(trusted_futex(&word, FUTEX_WAIT, 4, (uint64_t)&ms, NULL, 0) == -EAGAIN);
	CHECK(trusted_futex(&word, FUTEX_WAIT, 5, (uint64_t)&ms, NULL, 0) == -ETIMEDOUT);
	CHECK(trusted_now() - then >= 2000000);
	CHECK(trusted_futex(&word, FUTEX_WAKE, 1, 0, NULL, 0) == 0);
	CHECK(trusted_futex((uint32_t *)4096, FUTEX_WAKE, 1, 0, NULL, 0) == -EFAULT);
	CHECK(trusted_futex((uint32_t *)((uint8_t *)&word + 1), FUTEX_WAKE, 1, 0, NULL, 0) ==
	      -EINVAL);
}

static void test_random(void)
{
	uint64_t a[4] = {0}, b[4] = {0};

	CHECK(trusted_getrandom(a, sizeof(a), 0) == sizeof(a));
	CHECK(trusted_getrandom(b, 31, 0) == 31);
	CHECK(a[0] != b[0] && a[0] != a[1] && b[1] != b[2] && ((uint8_t *)b)[31] == 0);
	CHECK(trusted_getrandom(a, 8, 64) == -EINVAL);
	CHECK(trusted_getrandom((void *)trusted_arena(8), 8, 0) == -EFAULT);
}

int main(int argc, char **argv, char **envp)
{
	size_t size;

	CHECK(strlen(table[0]) == 9 && table[1][0] == 'd');
	CHECK(argc >= 1 && argv[argc] == NULL && trusted_inside(argv, 8));
	for (int i = 0; i < argc; i++) {
		CHECK(trusted_inside(argv[i], 1));
		mini_print(argv[i]);
		mini_print("\n");
	}
	for (; *envp; envp++)
		CHECK(trusted_inside(*envp, 1));
	mini_print(trusted_info()->vm);
	mini_print("\n");
	CHECK(trusted_config(&size) && size == 18);
	CHECK(trusted_gettid() == TRUSTED_PID && trusted_thread_count() == 1);
	test_maps();
	test_all_of_it();
	test_brk();
	test_time();
	test_random();
	mini_print("basic: done\n");
	return 7;
}
