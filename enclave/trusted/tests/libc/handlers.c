// SPDX-License-Identifier: MIT
/* Signals as the C library has them: handlers, jumps out of them, alarms, raise() and abort(). */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			printf("%s:%d: %s (%s)\n", __FILE__, __LINE__, #x, strerror(errno));       \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static sigjmp_buf back;
static volatile sig_atomic_t count, last;

static void jump(int sig)
{
	siglongjmp(back, sig);
}

static void note(int sig)
{
	count++;
	last = sig;
}

static void set(int sig, void (*handler)(int), int flags)
{
	struct sigaction a = {.sa_handler = handler, .sa_flags = flags};

	CHECK(sigaction(sig, &a, NULL) == 0);
}

static void faults(void)
{
	volatile int zero = 0, one = 1;
	volatile int *null = NULL;

	set(SIGFPE, jump, 0);
	set(SIGSEGV, jump, 0);
	set(SIGILL, jump, 0);
	for (int i = 0; i < 5; i++) {
		int sig = sigsetjmp(back, 1);

		if (!sig)
			printf("%d\n", one / zero);
		CHECK(sig == SIGFPE);
		sig = sigsetjmp(back, 1);
		if (!sig)
			*null = 1;
		CHECK(sig == SIGSEGV);
		sig = sigsetjmp(back, 1);
		if (!sig)
			__asm__ volatile("ud2");
		CHECK(sig == SIGILL);
	}
}

static void sent(void)
{
	sigset_t set_, old, pending;

	set(SIGUSR1, note, 0);
	count = 0;
	CHECK(raise(SIGUSR1) == 0 && count == 1 && last == SIGUSR1);
	CHECK(kill(getpid(), SIGUSR1) == 0 && count == 2);
	sigemptyset(&set_);
	sigaddset(&set_, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set_, &old) == 0);
	raise(SIGUSR1);
	CHECK(count == 2 && sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1));
	CHECK(sigsuspend(&old) == -1 && errno == EINTR && count == 3);
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
}

static void alarms(void)
{
	struct itimerval often = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};

	set(SIGALRM, note, 0);
	count = 0;
	CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
	while (count < 5)
		pause();
	CHECK(last == SIGALRM);
	CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
	/* again and again: the first one may come before the sleep */
	often.it_value.tv_sec = often.it_interval.tv_sec = 1;
	count = 0;
	CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
	CHECK(sleep(1000) > 0 && count > 0);
	CHECK(alarm(0) > 0 && alarm(0) == 0);
}

int main(int argc, char **argv)
{
	if (argc > 1 && argv[1][0] == 'a')
		abort();
	if (argc > 1 && argv[1][0] == 'i') {
		/* until somebody interrupts: not SIGINT, which shells have ignored in the
		 * background */
		set(SIGUSR2, note, 0);
		puts("ready");
		fflush(stdout);
		while (!count)
			pause();
		puts("interrupted");
		return 3;
	}
	if (argc > 1 && argv[1][0] == 'c') {
		/* never looks for signals again */
		puts("ready");
		fflush(stdout);
		for (;;)
			count++;
	}
	if (argc > 1 && argv[1][0] == 'k') {
		puts("ready");
		fflush(stdout);
		for (;;)
			pause();
	}
	faults();
	sent();
	alarms();
	puts("handlers: done");
	return 0;
}
