// SPDX-License-Identifier: MIT
/*
 * Starting other programs. A descriptor of the guest that a new program inherits becomes a memfd
 * with the content, since that program may not have the door, and its table is empty anyway. The
 * environment keeps what brings the door into the new program, also when a tool cleans it, lest the
 * tool's children see the host's /proc; and it carries a working directory in the guest.
 */
#include "state.h"

#include "door/program.h"

#include <alloca.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "vfs/forms.h"

extern char **environ;

enum {
	KEPT_MAX = 16,
#ifdef DOOR_PRELOAD
	IS_PRELOADED = true,
#else
	IS_PRELOADED = false,
#endif
};

static const char cwd_name[] = "SCWATCHER_CWD=";
static const char preload_name[] = "LD_PRELOAD=";
static const char host_cwd[] = "!"; /* the tool went to its own directory of the host's /proc */
static char *kept[KEPT_MAX]; /* "SCWATCHER_X=..." and LD_PRELOAD as this process found them */
static int kept_count;
static bool init_done;
static pthread_once_t init_once = PTHREAD_ONCE_INIT;

static size_t name_size(const char *entry)
{
	return (size_t)(strchrnul(entry, '=') - entry);
}

static void init(void)
{
	char host[VFS_PATH_MAX];
	const char *start = NULL;

	/* Made by scw-cc, or scwatcher itself: its own door, or its search for a VM, is not to be met here. */
	if ((IS_PRELOADED && door_program_is_own((const void *)getauxval(AT_PHDR),
						 getauxval(AT_PHNUM))) ||
	    (door_ops.wanted && !door_ops.wanted())) {
		door_off = true;
		return;
	}
	for (char **e = environ; e && *e; e++) {
		bool is_cwd = !strncmp(*e, cwd_name, sizeof(cwd_name) - 1);

		if (is_cwd)
			start = *e + sizeof(cwd_name) - 1;
		else if ((!strncmp(*e, "SCWATCHER_", 10) ||
			  (IS_PRELOADED && !strncmp(*e, preload_name, sizeof(preload_name) - 1))) &&
			 kept_count < KEPT_MAX && (kept[kept_count] = strdup(*e)))
			kept_count++;
	}
	door_state_init();
	/* In a directory of the host's /proc: on purpose, or by somebody without the door. */
	if (start && !strcmp(start, host_cwd))
		start = NULL;
	else if (!start && REAL(getcwd)(host, sizeof(host)) && !strncmp(host, "/proc", 5) &&
	    (!host[5] || host[5] == '/') && strcmp(host, "/proc/fs") != 0)
		start = host[5] ? host + 6 : host + 5;
	if (start && door_lock()) {
		if (door_cwd_set(start))
			door_off = false; /* out of memory: the host's folder, an empty one */
		door_unlock();
	}
	unsetenv("SCWATCHER_CWD");
}

static void init_first(void)
{
	int saved = errno;

	init();
	__atomic_store_n(&init_done, true, __ATOMIC_RELEASE);
	errno = saved;
}

void door_init(void)
{
	if (!__atomic_load_n(&init_done, __ATOMIC_ACQUIRE))
		pthread_once(&init_once, init_first);
}

__attribute__((constructor)) static void at_start(void)
{
	door_init();
}

static bool has_entry(char *const *env, const char *entry)
{
	size_t size = name_size(entry) + 1;

	for (; env && *env; env++)
		if (!strncmp(*env, entry, size))
			return true;
	return false;
}

static size_t env_count(char *const *env)
{
	size_t n = 0;

	while (env && env[n])
		n++;
	return n;
}

static size_t text_room(char *const *env)
{
	size_t size = VFS_PATH_MAX + sizeof(cwd_name) + 2;

	for (int i = 0; i < kept_count; i++)
		size += strlen(kept[i]) + 1;
	for (; env && *env; env++)
		if (!strncmp(*env, preload_name, sizeof(preload_name) - 1))
			size += strlen(*env) + 1;
	return size;
}

/*
 * The environment for a new program, in `out` with room for KEPT_MAX + 2 entries more than `env`;
 * `text` has text_room() bytes, for SCWATCHER_CWD and a longer LD_PRELOAD.
 */
static void env_fill(char *const *env, char **out, char *text)
{
	const char *cwd = door_cwd();
	struct statfs sf;
	size_t n = 0;

	if (!cwd && !REAL(statfs)(".", &sf) && sf.f_type == VFS_FORM_PROC_MAGIC)
		cwd = host_cwd;
	for (; env && *env; env++) {
		if (!strncmp(*env, cwd_name, sizeof(cwd_name) - 1))
			continue;
		out[n++] = *env;
	}
	out[n] = NULL;
	for (int i = 0; i < kept_count; i++) {
		if (!has_entry(out, kept[i])) {
			out[n++] = kept[i];
			out[n] = NULL;
		}
	}
	for (char **e = out; *e; e++) {
		size_t prefix = sizeof(preload_name) - 1;

		if (strncmp(*e, preload_name, prefix) != 0)
			continue;
		for (int i = 0; i < kept_count; i++) {
			if (strncmp(kept[i], preload_name, prefix) != 0 ||
			    strstr(*e + prefix, kept[i] + prefix))
				continue;
			/* Set to something else: ours in front. */
			char *at = stpcpy(stpcpy(text, kept[i]), ":");
			strcpy(at, *e + prefix);
			*e = text;
			text += strlen(text) + 1;
		}
	}
	if (cwd) {
		strcpy(stpcpy(text, cwd_name), cwd);
		out[n++] = text;
		out[n] = NULL;
	}
}

#ifdef DOOR_PRELOAD
/* The file that execvp() would take for `name`, in `path`. */
static bool search(const char *name, char path[PATH_MAX])
{
	const char *dirs = getenv("PATH");

	if (strchr(name, '/'))
		return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
	for (dirs = dirs ? dirs : "/bin:/usr/bin"; *dirs; dirs += *dirs == ':') {
		size_t n = strcspn(dirs, ":");

		if (snprintf(path, PATH_MAX, "%.*s%s%s", (int)n, dirs, n ? "/" : "", name) < PATH_MAX &&
		    REAL(access)(path, X_OK) == 0)
			return true;
		dirs += n;
	}
	return false;
}

/* Of an open file. `interpreter` as door_program_obstacle() has it. */
static const char *obstacle(int fd, char interpreter[DOOR_PROGRAM_PATH])
{
	char head[DOOR_PROGRAM_HEAD];
	struct stat st;
	ssize_t n = REAL(pread)(fd, head, sizeof(head), 0);

	interpreter[0] = '\0';
	if (REAL(fstat)(fd, &st) == 0 && (((st.st_mode & S_ISUID) && st.st_uid != geteuid()) ||
					  ((st.st_mode & S_ISGID) && st.st_gid != getegid())))
		return "is set-user-ID or set-group-ID";
	return n > 0 ? door_program_obstacle(head, (size_t)n, interpreter) : NULL;
}

/*
 * A program that is about to be started and that preloading doesn't reach will see the host's /proc: it
 * may have no business there, so it isn't held up, but whoever reads its output has to know.
 */
static void tell_unreached(int fd, const char *path)
{
	char interpreter[DOOR_PROGRAM_PATH], line[PATH_MAX + 256];
	const char *text = NULL;
	int saved = errno, n;

	for (int depth = 0; depth < 4; depth++) {
		int f = fd >= 0 ? fd : REAL(open)(depth ? interpreter : path, O_RDONLY | O_CLOEXEC);

		if (f < 0)
			break;
		text = obstacle(f, interpreter);
		if (fd < 0)
			REAL(close)(f);
		fd = -1;
		if (text || !interpreter[0])
			break;
	}
	if (text) {
		n = snprintf(line, sizeof(line), "scwatcher: %s %.*s: it sees the host's /proc\n", path,
			     (int)strcspn(text, ","), text);
		if (n > 0 && REAL(write)(STDERR_FILENO, line, (size_t)n) < 0)
			errno = saved;
	}
	errno = saved;
}

static void tell_unreached_in_path(const char *name)
{
	char path[PATH_MAX];

	if (search(name, path))
		tell_unreached(-1, path);
}
#else
/* A linked program's children have no door in any case. */
static void tell_unreached(int fd, const char *path)
{
	(void)fd;
	(void)path;
}

static void tell_unreached_in_path(const char *name)
{
	(void)name;
}
#endif

/*
 * Around the C library's call that starts a program: descriptors made to last, `env` made whole on
 * this function's stack, so that it works between vfork and exec, too.
 */
#define WITH_ENV(env, new, tell, call)                                                       \
	do {                                                                                 \
		door_init();                                                                 \
		if (!door_off)                                                               \
			tell;                                                                \
		if (door_off || !door_lock())                                                \
			return call(env);                                                    \
		char **new = alloca((env_count(env) + KEPT_MAX + 2) * sizeof(*new));         \
		char *text_ = alloca(text_room(env));                                     \
		door_materialise_all(true);                                                  \
		env_fill(env, new, text_);                                                   \
		door_unlock();                                                               \
		return call(new);                                                            \
	} while (0)

DOOR_API int scw_execve(const char *path, char *const argv[], char *const env[]);
int scw_execve(const char *path, char *const argv[], char *const env[])
{
#define CALL(e) REAL(execve)(path, argv, e)
	WITH_ENV(env, new, tell_unreached(-1, path), CALL);
#undef CALL
}

DOOR_API int scw_execv(const char *path, char *const argv[]);
int scw_execv(const char *path, char *const argv[])
{
	return scw_execve(path, argv, environ);
}

#ifdef __GLIBC__
#define REAL_EXECVPE REAL(execvpe)
#else
extern int execvpe(const char *, char *const[], char *const[]);
#define REAL_EXECVPE REAL(execvpe)
#endif

DOOR_API int scw_execvpe(const char *file, char *const argv[], char *const env[]);
int scw_execvpe(const char *file, char *const argv[], char *const env[])
{
#define CALL(e) REAL_EXECVPE(file, argv, e)
	WITH_ENV(env, new, tell_unreached_in_path(file), CALL);
#undef CALL
}

DOOR_API int scw_execvp(const char *file, char *const argv[]);
int scw_execvp(const char *file, char *const argv[])
{
	return scw_execvpe(file, argv, environ);
}

DOOR_API int scw_fexecve(int fd, char *const argv[], char *const env[]);
int scw_fexecve(int fd, char *const argv[], char *const env[])
{
#define CALL(e) REAL(fexecve)(fd, argv, e)
	WITH_ENV(env, new, tell_unreached(fd, "the program"), CALL);
#undef CALL
}

/* The arguments of execl() and its kin, as an array on the caller's stack. */
#define GATHER(first, argv, ap)                                               \
	size_t count_ = 1;                                                    \
	va_start(ap, first);                                                  \
	for (const char *a_ = first; a_; a_ = va_arg(ap, const char *))       \
		count_++;                                                     \
	va_end(ap);                                                           \
	char **argv = alloca(count_ * sizeof(*argv));                         \
	va_start(ap, first);                                                  \
	argv[0] = (char *)(uintptr_t)first;                                   \
	for (size_t i_ = 1; i_ < count_; i_++)                                \
		argv[i_] = va_arg(ap, char *)

DOOR_API int scw_execl(const char *path, const char *arg, ...);
int scw_execl(const char *path, const char *arg, ...)
{
	va_list ap;

	GATHER(arg, argv, ap);
	va_end(ap);
	return scw_execve(path, argv, environ);
}

DOOR_API int scw_execlp(const char *file, const char *arg, ...);
int scw_execlp(const char *file, const char *arg, ...)
{
	va_list ap;

	GATHER(arg, argv, ap);
	va_end(ap);
	return scw_execvpe(file, argv, environ);
}

DOOR_API int scw_execle(const char *path, const char *arg, ...);
int scw_execle(const char *path, const char *arg, ...)
{
	va_list ap;

	GATHER(arg, argv, ap);
	char **env = va_arg(ap, char **);
	va_end(ap);
	return scw_execve(path, argv, env);
}

DOOR_API int scw_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
			     const posix_spawnattr_t *attributes, char *const argv[],
			     char *const env[]);
int scw_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		    const posix_spawnattr_t *attributes, char *const argv[], char *const env[])
{
#define CALL(e) REAL(posix_spawn)(pid, path, actions, attributes, argv, e)
	WITH_ENV(env, new, tell_unreached(-1, path), CALL);
#undef CALL
}

DOOR_API int scw_posix_spawnp(pid_t *pid, const char *file,
			      const posix_spawn_file_actions_t *actions,
			      const posix_spawnattr_t *attributes, char *const argv[],
			      char *const env[]);
int scw_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attributes, char *const argv[], char *const env[])
{
#define CALL(e) REAL(posix_spawnp)(pid, file, actions, attributes, argv, e)
	WITH_ENV(env, new, tell_unreached_in_path(file), CALL);
#undef CALL
}

/*
 * A child's open of a guest file is done here, as the child does it without the door: the actions
 * get a memfd with the content. It stays open in this process, as nobody says when they are done.
 */
DOOR_API int scw_posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *actions, int fd,
						  const char *path, int flags, mode_t mode);
int scw_posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *actions, int fd,
					 const char *path, int flags, mode_t mode)
{
	struct door_target t;
	struct door_file *f = NULL;
	int made, r;

	if (!door_resolve(&t, AT_FDCWD, path, flags & O_NOFOLLOW ? DOOR_NOFOLLOW : 0))
		return REAL(posix_spawn_file_actions_addopen)(actions, fd, t.path, flags, mode);
	r = t.error == -EAGAIN ? t.error : door_target_open(&t, flags, &f);
	made = r;
	if (!r)
		made = door_fd_install(door_file_ref(f), true);
	if (!r && made >= 0) {
		r = door_file_materialise(f);
		door_fd_drop(made);
	}
	if (!r && f)
		door_file_unref(f);
	door_target_done(&t, 0);
	if (made < 0 || r < 0)
		return made < 0 ? -made : -r;
	return posix_spawn_file_actions_adddup2(actions, made, fd);
}

/* system() and popen() take `environ`: it is another one for as long. */
DOOR_API int scw_system(const char *command);
int scw_system(const char *command)
{
	char **saved = environ;

	door_init();
	if (door_off || !door_lock())
		return REAL(system)(command);
	char **new = alloca((env_count(saved) + KEPT_MAX + 2) * sizeof(*new));
	char *text = alloca(text_room(saved));
	door_materialise_all(true);
	env_fill(saved, new, text);
	door_unlock();
	environ = new;
	int r = REAL(system)(command);
	environ = saved;
	return r;
}

DOOR_API FILE *scw_popen(const char *command, const char *mode);
FILE *scw_popen(const char *command, const char *mode)
{
	char **saved = environ;

	door_init();
	if (door_off || !door_lock())
		return REAL(popen)(command, mode);
	char **new = alloca((env_count(saved) + KEPT_MAX + 2) * sizeof(*new));
	char *text = alloca(text_room(saved));
	door_materialise_all(true);
	env_fill(saved, new, text);
	door_unlock();
	environ = new;
	FILE *r = REAL(popen)(command, mode);
	environ = saved;
	return r;
}

/* A child that shares our memory would change our table: it gets its own, as POSIX allows. */
DOOR_API pid_t scw_vfork(void);
pid_t scw_vfork(void)
{
	return REAL(fork)();
}
