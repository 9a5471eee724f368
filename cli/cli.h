/* SPDX-License-Identifier: MIT */
/* What the files of the scwatcher command share: commands, options, exit statuses, reports. */
#ifndef SCW_CLI_CLI_H
#define SCW_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attach/attach.h"
#include "attach/pause.h"

/* Part of the interface: scwatcher(1) lists them. */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,	 /* anything not below; with cat and ls: a path that isn't there */
	STATUS_USAGE = 2,
	STATUS_NO_VM = 3,	 /* no such VM, or several of that name; no such file or device */
	STATUS_PERMISSION = 4,
	STATUS_NO_GUEST = 5,	 /* no Linux, still booting, or one that can't be read */
	STATUS_BAD_FILE = 6,	 /* dump, image, key: truncated, damaged, or of another kind */
	STATUS_GONE = 7,	 /* the guest went away or restarted */
	STATUS_RUN_GONE = 125,	 /* run: as 7, after the command had started */
	STATUS_RUN_CANNOT = 126, /* run: the command can't be executed */
	STATUS_RUN_ABSENT = 127, /* run: there is no such command */
	STATUS_RUN_SIGNAL = 128, /* run: plus the number of the signal that ended the command */
};

/* Of an option that may be given several times. */
struct option_list {
	const char *items[128];
	size_t count;
};

struct options {
	bool json;
	bool stats;
	bool pause;
	bool all;
	bool longer;
	bool no_cache;
	bool new_key;
	const char *btf;
	const char *symbols;
	struct attach_sealed sealed; /* .carrier ATTACH_MAPPED: not sealed */
	/* sign; as given, or NULL */
	const char *key, *heap, *stack, *threads, *product, *svn, *xfrm, *date, *config;
	const char *permit;
	struct option_list files, arguments, environment, programs;
	bool debug, unchecked_code, processes;
	/* sign: for the measured configuration; files with public keys */
	const char *seal_output;
	/* run: COMMAND is an enclave's image, in emulation if asked for */
	bool enclave, emulate;
	const char *emulate_modes; /* NULL: plain */
	/* open */
	const char *mrenclave, *sgx_root, *sgx_collateral;
	bool accept_emulated;
	const char *save_kernel; /* info: file for what is known of the kernel */
	const char *control; /* path of the memory device's control socket */
};

struct command {
	const char *name;
	const char *args;	/* for the usage line */
	const char *help;	/* one line */
	const char *more;	/* for --help of the command */
	const char *options;	/* letters of the options that it takes; see options[] in main.c */
	int least, most;	/* arguments; most < 0: any number */
	enum status (*run)(const struct options *o, int argc, char **argv);
};

enum status cli_list(const struct options *o, int argc, char **argv);
enum status cli_info(const struct options *o, int argc, char **argv);
enum status cli_cat(const struct options *o, int argc, char **argv);
enum status cli_ls(const struct options *o, int argc, char **argv);
enum status cli_keys(const struct options *o, int argc, char **argv);
enum status cli_sessions(const struct options *o, int argc, char **argv);
enum status cli_run(const struct options *o, int argc, char **argv);
enum status cli_run_enclave(const struct options *o, char **argv);
enum status cli_sign(const struct options *o, int argc, char **argv);
enum status cli_open(const struct options *o, int argc, char **argv);
enum status cli_inspect(const struct options *o, int argc, char **argv);

/* "scwatcher: what: text" to standard error. `err` may be NULL. */
void cli_complain(const char *what, enum err code, const struct err_ctx *err);
enum status cli_status_of(enum err e);
/* Both. */
enum status cli_fail(const char *what, enum err code, const struct err_ctx *err);

/* At least `width` columns. Names are others' to choose: prints nothing that could move the cursor. */
void cli_print_name(const char *name, int width);

/* An attached guest, paused if asked for. */
struct session {
	struct attach *a;
	struct pause *pause;
};

/*
 * On failure complains, and leaves nothing to close. `find_only`: see attach_opts, s->a->guest may
 * be NULL.
 */
enum status cli_session_open(const struct options *o, const char *vm, bool find_only,
			     struct session *s);
void cli_session_close(struct session *s);

/* Figures of --stats to standard error: of this process's own guest, and of others' if any. */
struct share_totals;
void cli_print_stats(const struct options *o, const struct attach *a,
		     const struct share_totals *children);

/*
 * Add bytes that a guest or a VMM chose to a JSON object. Text is a string under `name`; what isn't
 * UTF-8 can't be one in JSON, and goes under `name` with "_base64" behind it (RFC 4648).
 */
struct json_object;
void cli_json_add_bytes(struct json_object *to, const char *name, const void *bytes, size_t size);

#endif
