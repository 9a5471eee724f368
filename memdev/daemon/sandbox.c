// SPDX-License-Identifier: MIT
/* See sandbox.h. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/checked.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

struct sandbox_filter {
	unsigned short count;
	struct sock_filter code[BPF_MAXINSNS];
};

static enum err become(const struct sandbox *s, struct err_ctx *err)
{
	uid_t r, e, saved;

	if (s->uid == geteuid() && geteuid() != 0)
		return ERR_OK; /* started by a user for himself */
	if (setgroups(0, NULL) < 0 || setresgid(s->gid, s->gid, s->gid) < 0 ||
	    setresuid(s->uid, s->uid, s->uid) < 0)
		return err_set_errno(err, ERR_PERM, errno, "can't become user %u",
				     (unsigned int)s->uid);
	/* leaving root takes the capabilities along; make sure that there is no way back */
	if (getresuid(&r, &e, &saved) < 0 || r != s->uid || e != s->uid || saved != s->uid ||
	    (s->uid != 0 && setresuid(0, 0, 0) == 0))
		return err_set(err, ERR_PERM, "user %u can become root again",
			       (unsigned int)s->uid);
	return ERR_OK;
}

static enum err limit(const struct sandbox *s, struct err_ctx *err)
{
	const struct {
		int what;
		rlim_t most;
	} limits[] = {
		{RLIMIT_CORE, 0},
		{RLIMIT_FSIZE, s->file},
		{RLIMIT_NPROC, 0},
		{RLIMIT_MEMLOCK, 0},
		/* counts what is private and writable, thus not the guest's RAM */
		{RLIMIT_DATA, SANITIZED ? RLIM_INFINITY : s->memory},
	};

	for (size_t i = 0; i < BASE_COUNT(limits); i++) {
		struct rlimit l = {limits[i].most, limits[i].most};

		if (setrlimit(limits[i].what, &l) < 0)
			return err_set_errno(err, ERR_IO, errno, "can't set limit %d",
					     limits[i].what);
	}
	return ERR_OK;
}

/*
 * What serving takes; arguments are looked at where that bars something. No tgkill(): other workers are the same user's,
 * and who can't abort() by a signal of its own ends by SIGSYS.
 */
static const int allowed[] = {
	/* the client's socket, the broker's */
	SCMP_SYS(recvmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(read),
	SCMP_SYS(write), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(close),
	/* the guest's memory: mappings, /proc/PID/mem and pagemap, is it still what it was? */
	SCMP_SYS(pread64), SCMP_SYS(lseek), SCMP_SYS(mincore), SCMP_SYS(fstat),
	SCMP_SYS(newfstatat), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	/* the ring */
	SCMP_SYS(memfd_create), SCMP_SYS(ftruncate), SCMP_SYS(futex), SCMP_SYS(sched_yield),
	SCMP_SYS(getcpu),
	/* time, randomness, the handler of SIGBUS, ending */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid),
	SCMP_SYS(geteuid), SCMP_SYS(sysinfo), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall),
	SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* What serving files takes (memdev/front*.c): requests of the kernel's, the device's socket. */
static const int front_allowed[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(splice),
	SCMP_SYS(pipe2), SCMP_SYS(close), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(connect),
	SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
	/* memory, the thread that has names forgotten */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex),
	SCMP_SYS(sched_yield), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_getaffinity),
	/* time, randomness, signals, ending */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid),
	SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(fstat),
	SCMP_SYS(newfstatat), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall),
	SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* What the sanitizers' run-time takes on top, in builds for tests. */
static const int sanitizers[] = {
	SCMP_SYS(prctl),    SCMP_SYS(readlink), SCMP_SYS(openat),	SCMP_SYS(getdents64),
	SCMP_SYS(clone),    SCMP_SYS(ptrace),	SCMP_SYS(wait4),	SCMP_SYS(set_robust_list),
	SCMP_SYS(gettid),   SCMP_SYS(kill),	SCMP_SYS(sched_getaffinity), SCMP_SYS(mmap),
	SCMP_SYS(mprotect), SCMP_SYS(getppid),	SCMP_SYS(process_vm_readv), SCMP_SYS(dup),
	SCMP_SYS(pipe2),    SCMP_SYS(prlimit64), SCMP_SYS(uname),	SCMP_SYS(fcntl),
	SCMP_SYS(tgkill),
};

static int allow(scmp_filter_ctx ctx, const int *calls, size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && !r; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	return r;
}

/* Of this thread's own CPUs: others' would take them from other workers. */
static int allow_parting(scmp_filter_ctx ctx)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sched_setaffinity), 1,
				SCMP_A0(SCMP_CMP_EQ, 0));
}

/* Memory that may be executed is never made. */
static int allow_memory(scmp_filter_ctx ctx)
{
	int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	return r ? r :
		   seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

static int allow_fcntl(scmp_filter_ctx ctx, const unsigned int *commands, size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && !r; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				     SCMP_A1(SCMP_CMP_EQ, commands[i]));
	return r;
}

/* By way of a file, as the library does it. */
static int export(scmp_filter_ctx ctx, struct sandbox_filter *f)
{
	int fd = memfd_create("scwatcherd-filter", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : seccomp_export_bpf(ctx, fd);
	ssize_t n = r ? 0 : pread(fd, f->code, sizeof(f->code), 0);

	if (!r)
		r = n < 0 ? -errno : n == 0 || n == sizeof(f->code) ? -E2BIG : 0;
	f->count = (unsigned short)((size_t)n / sizeof(f->code[0]));
	if (fd >= 0)
		close(fd);
	return r;
}

/* Load what was allowed, or put it into `f`, unless `r` says that something couldn't be. */
static enum err finish(scmp_filter_ctx ctx, int r, struct sandbox_filter *f, struct err_ctx *err)
{
	if (!r && SANITIZED)
		r = allow(ctx, sanitizers, BASE_COUNT(sanitizers));
	if (!r)
		r = f ? export(ctx, f) : seccomp_load(ctx);
	seccomp_release(ctx);
	return r ? err_set_errno(err, ERR_IO, -r, "can't set up the system call filter") : ERR_OK;
}

enum err sandbox_filter_create(struct sandbox_filter **ret, struct err_ctx *err)
{
	/* for the ring's memory; not F_SETOWN and the like */
	static const unsigned int seals[] = {F_ADD_SEALS, F_GET_SEALS};
	struct sandbox_filter *f = malloc(sizeof(*f));
	scmp_filter_ctx ctx = f ? seccomp_init(SCMP_ACT_KILL_PROCESS) : NULL;
	enum err e;
	int r;

	if (!ctx) {
		free(f);
		return err_set(err, ERR_NOMEM, "out of memory for a system call filter");
	}
	r = allow(ctx, allowed, BASE_COUNT(allowed));
	if (!r)
		r = allow_parting(ctx);
	if (!r)
		r = allow_memory(ctx);
	if (!r)
		r = allow_fcntl(ctx, seals, BASE_COUNT(seals));
	e = finish(ctx, r, f, err);
	if (e)
		free(f);
	else
		*ret = f;
	return e;
}

void sandbox_filter_destroy(struct sandbox_filter *f)
{
	free(f);
}

enum err sandbox_front(struct err_ctx *err)
{
	/* libfuse's pipes */
	static const unsigned int pipes[] = {F_GETFL, F_SETFL, F_GETPIPE_SZ, F_SETPIPE_SZ};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!ctx)
		return err_set(err, ERR_NOMEM, "out of memory for a system call filter");
	r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!r)
		r = allow(ctx, front_allowed, BASE_COUNT(front_allowed));
	if (!r)
		r = allow_memory(ctx);
	if (!r)
		r = allow_fcntl(ctx, pipes, BASE_COUNT(pipes));
	if (!r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	return finish(ctx, r, NULL, err);
}

static enum err load(const struct sandbox_filter *f, struct err_ctx *err)
{
	/* the kernel only reads it */
	struct sock_fprog program = {.len = f->count, .filter = (struct sock_filter *)f->code};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ?
		       err_set_errno(err, ERR_IO, errno, "can't set up the system call filter") :
		       ERR_OK;
}

enum err sandbox_enter(const struct sandbox *s, struct err_ctx *err)
{
	enum err e;

	if (chdir("/") < 0)
		return err_set_errno(err, ERR_IO, errno, "can't leave the current folder");
	e = become(s, err);
	if (!e && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		   prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
		e = err_set_errno(err, ERR_IO, errno, "can't bar new privileges");
	/* changing the user forgets it, so not before */
	if (!e && s->parent && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		e = err_set_errno(err, ERR_IO, errno, "can't end with the broker");
	if (!e && s->parent && getppid() != s->parent)
		e = err_set(err, ERR_GONE, "the broker has ended");
	if (!e)
		e = limit(s, err);
	return e ? e : load(s->filter, err);
}
