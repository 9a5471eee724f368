// SPDX-License-Identifier: MIT
/*
 * Signals for the program inside. A thread of its own takes them (all others block them), notes
 * them where the enclave looks, and gets threads out of calls that they sleep in by another
 * signal, again and again until the enclave has looked: so none is lost between a look and a
 * sleep.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/checked.h"
#include "process.h"

#define SECOND	    1000000000ull
#define MILLISECOND 1000000l
#define AGAIN_FIRST 5 /* ms until the next kick */
#define AGAIN_MAX   200
#define PATIENCE    1000 /* ms after which a second SIGINT or SIGTERM ends the process */

static const int forwarded[] = {SIGHUP,	 SIGINT,  SIGQUIT, SIGUSR1,
				SIGUSR2, SIGALRM, SIGTERM, SIGWINCH};
static sigset_t mask_before;

static void on_kick(int sig)
{
	(void)sig;
}

/* True: there is somebody who has to be told again. */
static bool kick_all(void)
{
	struct host_process *p = &host_process;
	bool all = __atomic_load_n(&p->signals, __ATOMIC_ACQUIRE) || host_is_ended(), more = all;

	for (size_t i = 0; i < p->enclave.thread_count; i++) {
		struct host_slot *s = &p->slots[i];

		if (!all && !atomic_load(&s->kicked))
			continue;
		if (atomic_load(&s->in_call)) {
			syscall(SYS_tgkill, getpid(), atomic_load(&s->tid), p->kick_signal);
			more = true;
		} else if (!all) {
			/* it sleeps in nothing: its next call returns at once */
			more = true;
		}
	}
	return more;
}

static int take_signal(const sigset_t *set, int wait_ms)
{
	struct timespec t = {wait_ms / 1000, wait_ms % 1000 * MILLISECOND};
	int sig;

	do
		sig = wait_ms ? sigtimedwait(set, NULL, &t) : sigwaitinfo(set, NULL);
	while (sig < 0 && errno == EINTR);
	return sig;
}

static void *run_signals(void *arg)
{
	struct host_process *p = &host_process;
	sigset_t set = p->forwarded;
	int wait_ms = 0, waited_ms = 0;

	(void)arg;
	sigaddset(&set, p->poke_signal);
	for (;;) {
		int sig = take_signal(&set, wait_ms);

		if (sig > 0 && sig != p->poke_signal) {
			uint64_t bit = 1ull << (sig - 1);
			uint64_t before = __atomic_fetch_or(&p->signals, bit, __ATOMIC_ACQ_REL);

			/* the program doesn't look: the user means it */
			if ((sig == SIGINT || sig == SIGTERM) && before & bit &&
			    waited_ms > PATIENCE)
				_exit(128 + sig);
		}
		if (sig > 0) {
			wait_ms = AGAIN_FIRST;
		} else {
			waited_ms += wait_ms;
			wait_ms = wait_ms * 2 < AGAIN_MAX ? wait_ms * 2 : AGAIN_MAX;
		}
		if (!kick_all())
			wait_ms = waited_ms = 0;
	}
	return NULL;
}

void host_signals_poke(void)
{
	pthread_kill(host_process.signal_thread, host_process.poke_signal);
}

enum err host_signals_begin(struct err_ctx *err)
{
	struct host_process *p = &host_process;
	const struct backend *backend = p->enclave.backend;
	struct sigaction kick = {.sa_handler = on_kick}, now;
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t blocked;
	int r;

	p->kick_signal = SIGRTMIN;
	p->poke_signal = SIGRTMIN + 1;
	sigemptyset(&p->forwarded);
	for (size_t i = 0; i < BASE_COUNT(forwarded); i++)
		/* what was ignored when we began (nohup) stays so */
		if (!sigaction(forwarded[i], NULL, &now) && now.sa_handler != SIG_IGN)
			sigaddset(&p->forwarded, forwarded[i]);
	blocked = p->forwarded;
	sigaddset(&blocked, p->poke_signal);
	if (backend->set_action(p->kick_signal, &kick, NULL) ||
	    backend->set_action(SIGPIPE, &ignore, NULL))
		return err_set_errno(err, ERR_IO, errno, "setting signal handlers");
	pthread_sigmask(SIG_BLOCK, &blocked, &mask_before);
	r = pthread_create(&p->signal_thread, NULL, run_signals, NULL);
	if (r)
		return err_set_errno(err, ERR_NOMEM, r, "no thread for signals");
	pthread_detach(p->signal_thread);
	return ERR_OK;
}

void host_signals_end(void)
{
	struct itimerval never = {0};

	setitimer(ITIMER_REAL, &never, NULL);
	pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
}

static struct timeval timeval_of(uint64_t ns)
{
	/* not 0, which would be never */
	return (struct timeval){(time_t)(ns / SECOND), (suseconds_t)((ns % SECOND + 999) / 1000)};
}

long host_timer(uint64_t first, uint64_t period)
{
	struct itimerval wish = {.it_value = timeval_of(first), .it_interval = timeval_of(period)};
	struct itimerval old;

	if (wish.it_value.tv_usec == 1000000) {
		wish.it_value.tv_usec = 0;
		wish.it_value.tv_sec++;
	}
	if (wish.it_interval.tv_usec == 1000000) {
		wish.it_interval.tv_usec = 0;
		wish.it_interval.tv_sec++;
	}
	if (setitimer(ITIMER_REAL, &wish, &old))
		return -errno;
	return old.it_value.tv_sec * (long)SECOND + old.it_value.tv_usec * 1000l;
}
