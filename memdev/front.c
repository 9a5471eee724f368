// SPDX-License-Identifier: MIT
/*
 * Mounting, serving, unmounting. Two processes: the one that mounted keeps its privileges, touches
 * nothing but signals, and unmounts in the end; its child serves and has none.
 */
#include "memdev/front.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "front_fuse.h"

enum {
	SESSIONS_PER_VM = 64,
	IDLE_S = 3600,
	ANSWER_S = 10,
	MOMENT_NS = 50 * 1000 * 1000,
	MOMENTS = 100, /* to wait for another one's mount to go */
	PATIENCE_S = 2, /* for the child to end when it is told to */
};

/* ---- mounts ---- */

struct mount_point {
	int id; /* 0: nothing is mounted there */
	bool ours;
};

/* Undo mountinfo's \ooo for blanks and backslashes, in place. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] && s[2] && s[3]) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* What is mounted on `path` itself; the topmost, if there are several. */
static struct mount_point find_mount(const char *path)
{
	struct mount_point found = {0};
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t room = 0;

	while (file && getline(&line, &room, file) > 0) {
		char *at = NULL, *type = strstr(line, " - ");
		int id, end = 0;

		/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS ... - TYPE */
		if (!type || sscanf(line, "%d %*s %*s %*s %ms%n", &id, &at, &end) != 2)
			continue;
		unescape(at);
		if (!strcmp(at, path))
			found = (struct mount_point){
				.id = id,
				.ours = !strncmp(type + 3, "fuse." FRONT_FS_NAME " ",
						 sizeof("fuse." FRONT_FS_NAME)),
			};
		free(at);
	}
	free(line);
	if (file)
		fclose(file);
	return found;
}

/* The absolute path of `directory`, whose last part may be a mount without a server. */
static enum err resolve(const char *directory, char path[PATH_MAX], struct err_ctx *err)
{
	char parent[PATH_MAX], last[PATH_MAX], real[PATH_MAX];
	const char *name;

	if (realpath(directory, path))
		return ERR_OK;
	if (errno != ENOTCONN || strlen(directory) >= sizeof(parent))
		return err_set_errno(err, errno == ENOENT || errno == ENOTDIR ? ERR_ABSENT : ERR_PERM,
				     errno, "can't mount on %.150s", directory);
	strcpy(parent, directory);
	strcpy(last, directory);
	name = basename(last);
	if (!realpath(dirname(parent), real) ||
	    snprintf(path, PATH_MAX, "%s/%s", !strcmp(real, "/") ? "" : real, name) >= PATH_MAX)
		return err_set_errno(err, ERR_IO, errno, "can't resolve %.150s", directory);
	return ERR_OK;
}

static void unmount(const char *path)
{
	pid_t pid;

	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0 || errno != EPERM)
		return;
	/* not root: libfuse mounted with its helper's privileges */
	pid = fork();
	if (pid == 0) {
		execlp("fusermount3", "fusermount3", "-u", "-z", "-q", path, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
}

/* What is mounted there, and whether nobody serves it any more. */
static struct mount_point look_at(const char *path, bool *dead_ret)
{
	struct statvfs alive;

	/* attributes may be cached, this is asked for anew */
	*dead_ret = statvfs(path, &alive) != 0 && errno == ENOTCONN;
	return find_mount(path);
}

/* Make sure that `path` can be mounted on, and see what it looks like. */
static enum err prepare(const struct front_options *o, const char *path, struct stat *ret,
			struct err_ctx *err)
{
	const struct timespec moment = {.tv_nsec = MOMENT_NS};
	struct mount_point there;
	bool dead;

	/* that of one who was killed goes by itself, soon */
	for (int i = 0; i < MOMENTS; i++) {
		there = look_at(path, &dead);
		if (!there.ours || dead)
			break;
		nanosleep(&moment, NULL);
	}
	if (there.ours && !dead)
		return err_set(err, ERR_INVAL,
			       "another scwatcherd serves %.120s: stop it, or choose another directory",
			       path);
	if (dead && !there.ours)
		return err_set(err, ERR_INVAL,
			       "%.120s is a mount whose server died, and not ours: see umount -l", path);
	if (dead) {
		char text[PATH_MAX + 64];

		unmount(path);
		snprintf(text, sizeof(text), "unmounted what a killed scwatcherd left at %s", path);
		if (o->say)
			o->say(text);
	}
	if (stat(path, ret))
		return err_set_errno(err, errno == ENOTCONN ? ERR_INVAL : ERR_ABSENT, errno,
				     "can't mount on %.150s", path);
	if (!S_ISDIR(ret->st_mode))
		return err_set(err, ERR_ABSENT, "%.150s is no directory", path);
	return ERR_OK;
}

/* ---- the two processes ---- */

static enum err drop_privileges(const struct front_options *o, struct err_ctx *err)
{
	struct rlimit files = {FRONT_SESSIONS_MAX + 64, FRONT_SESSIONS_MAX + 64}, now;

	/* one socket a session; never above what we may have */
	if (!getrlimit(RLIMIT_NOFILE, &now) && files.rlim_cur > now.rlim_max)
		files = (struct rlimit){now.rlim_max, now.rlim_max};
	(void)!setrlimit(RLIMIT_NOFILE, &files);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_set_errno(err, ERR_PERM, errno, "can't give up privileges");
	if (!o->uid || geteuid())
		return ERR_OK;
	if (setgroups(0, NULL) || setresgid(o->gid, o->gid, o->gid) ||
	    setresuid(o->uid, o->uid, o->uid))
		return err_set_errno(err, ERR_PERM, errno, "can't become user %u", o->uid);
	return ERR_OK;
}

static enum err serve(const struct front_options *o, struct front *f, const struct stat *point,
		      pid_t parent, const sigset_t *signals, struct err_ctx *err)
{
	struct front_limits limits = {
		.uid = point->st_uid,
		.gid = point->st_gid,
		.mode = point->st_mode & 0777,
		.sessions_per_vm = o->sessions_per_vm ? o->sessions_per_vm : SESSIONS_PER_VM,
		.idle_ns = (o->idle_s ? o->idle_s : IDLE_S) * 1000000000ull,
		.answer_ns = (o->answer_s ? o->answer_s : ANSWER_S) * 1000000000ull,
		.confine = o->confine,
	};
	enum err e = drop_privileges(o, err);
	int stop;

	if (e != ERR_OK)
		return e;
	/* after the change of user, which takes it back; the parent may have died before */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
		return err_set(err, ERR_GONE, "the process that mounted ended");
	stop = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (stop < 0)
		return err_set_errno(err, ERR_IO, errno, "can't wait for signals");
	e = front_serve(f, o->socket, &limits, stop, err);
	close(stop);
	return e;
}

/* Wait until the child has ended; tell it to when we are told to. Its status, as of waitpid(). */
static int attend(pid_t child, const sigset_t *signals, bool *told_ret)
{
	const struct timespec patience = {.tv_sec = PATIENCE_S};
	bool told = false;
	int status;

	for (;;) {
		int sig = told ? sigtimedwait(signals, NULL, &patience) :
				 sigwaitinfo(signals, NULL);

		if (waitpid(child, &status, WNOHANG) == child)
			break;
		if (sig < 0 && errno == EAGAIN && told)
			kill(child, SIGKILL);
		if (sig == SIGTERM || sig == SIGINT) {
			kill(child, SIGTERM);
			told = true;
		}
	}
	*told_ret = told;
	return status;
}

static enum err judge(int status, bool told, const char *path, struct err_ctx *err)
{
	if (told)
		return ERR_OK;
	if (WIFSIGNALED(status))
		return err_set(err, ERR_IO, "the server of %.120s was killed by signal %d", path,
			       WTERMSIG(status));
	if (WEXITSTATUS(status))
		return err_set(err, ERR_IO, "the server of %.120s failed", path);
	return err_set(err, ERR_GONE, "somebody unmounted %.120s", path);
}

enum err front_run(const struct front_options *o, struct err_ctx *err)
{
	pid_t starter = getppid(), self = getpid(), child;
	struct mount_point mounted;
	char path[PATH_MAX];
	sigset_t signals, before;
	struct stat point;
	struct front *f;
	bool told;
	int status;
	enum err e = resolve(o->directory, path, err);

	if (e == ERR_OK)
		e = prepare(o, path, &point, err);
	if (e != ERR_OK)
		return e;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, &before);
	if (o->with_parent && (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != starter))
		return err_set(err, ERR_GONE, "the process that started this one ended");
	e = front_mount(path, &f, err);
	if (e != ERR_OK)
		goto out;
	mounted = find_mount(path);
	child = fork();
	if (child == 0) {
		struct err_ctx detail = {0};
		char text[300];

		sigdelset(&signals, SIGCHLD);
		e = serve(o, f, &point, self, &signals, &detail);
		if (e != ERR_OK && o->say)
			o->say(err_describe(&detail, text, sizeof(text)));
		front_leave(f);
		_exit(e != ERR_OK);
	}
	/* The child's alone: were it to die, nobody must be left waiting for it. */
	front_destroy(f);
	if (child < 0) {
		e = err_set_errno(err, ERR_IO, errno, "can't start a process");
	} else {
		status = attend(child, &signals, &told);
		e = judge(status, told, path, err);
	}
	if (mounted.id && find_mount(path).id == mounted.id)
		unmount(path);
out:
	sigprocmask(SIG_SETMASK, &before, NULL);
	return e;
}
