/* SPDX-License-Identifier: MIT */
/*
 * The load program: lays out in a guest what real machines have, then returns, leaving processes
 * behind that hold it all. Each of them is this program executed again in a *role*; it sets itself
 * up, reports ready, and sleeps for good.
 */
#ifndef GUESTS_SRC_LOAD_H
#define GUESTS_SRC_LOAD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct load_role {
	const char *name;
	void (*run)(const char *argument); /* sets up; may report ready and never return */
};

extern const struct load_role load_task_roles[];
extern const struct load_role load_file_roles[];
extern const struct load_role load_tcp_roles[];
extern const struct load_role load_socket_roles[];
extern const struct load_role load_container_roles[];
extern const struct load_role load_bulk_roles[];

extern int load_argc;
extern char **load_argv;

/*
 * Starts a role as `path` (a further name of this program, made if missing) with exactly these
 * arguments and environment, and waits until it is ready. envp NULL: a usual environment.
 */
pid_t load_keep_exec(const char *role, const char *argument, const char *path, char *const argv[],
		     char *const envp[]);
/* The usual case: one title as the only argument. */
pid_t load_keep(const char *role, const char *argument, const char *title);

/* In a role: set-up is done. The standard streams become /dev/null. */
void load_ready(void);
_Noreturn void load_hold(void);
/* In a child of a role: lets go of the start-up pipes and the standard streams. */
void load_detach(void);
/* In a role: forks a child that holds none of the role's start-up pipes. */
pid_t load_fork(void);
/* In a role: a child that runs fn, then sleeps for good; returns when fn has returned. */
pid_t load_child(void (*fn)(void *), void *arg);

/* Notes what this kernel refused: "what: errno's text". The scenario goes on without it. */
void load_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Notes if result is negative; returns it. */
long load_try(long result, const char *what);
/* Writes text into an existing file. */
void load_write(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Runs a shell command; notes if it fails. */
void load_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
void load_program(const char *path);

/* Parts of the scenarios, run by the program itself. */
void load_tasks(void);
void load_mounts(void);
void load_files(void);
void load_interfaces(void);
void load_tcp(void);
void load_sockets(void);
void load_container(void);
void load_small(void);
void load_large(void);
void load_huge(void);
void load_sized(int tasks, int sockets);
void load_churn(void);
/* The PID of the process that holds the second network namespace. */
extern pid_t load_peer;

#define LOAD_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
