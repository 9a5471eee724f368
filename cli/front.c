// SPDX-License-Identifier: MIT
/*
 * `scwatcher run VM -- COMMAND` of a VM that is known, or of one behind a memory device, in a small
 * static program: a tool such as ps takes a few milliseconds, of which loading the whole scwatcher with
 * its libraries would be a good part. Whatever else is asked for, and whatever goes wrong, is
 * scwatcher-all's, which takes over with the same arguments.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/find.h"
#include "attach/sealed.h"
#include "attach/share.h"
#include "attach/start.h"
#include "command.h"

static int take_over(char **argv)
{
	char path[PATH_MAX];

	if (command_file("scwatcher-all", path))
		execv(path, argv);
	fprintf(stderr, "scwatcher: %s: %s\n", path, strerror(errno));
	return STATUS_FAILED;
}

static enum status run(struct attach_found *f, const char *vm, const char *path, char **command)
{
	struct err_ctx err = {0};
	enum status status;
	int wait_status = 0;
	enum err e = attach_found_handover(f, &err);

	if (e) {
		cli_complain("run", e, &err);
		return STATUS_FAILED;
	}
	if (!command_preload(false))
		return STATUS_FAILED;
	status = command_run(path, command, NULL, &wait_status);
	if (status)
		return status;
	e = attach_found_alive(f, &err);
	return e ? command_gone(vm, command[0], e, &err) : command_status(wait_status);
}

static enum status prepare_sealed(const struct attach_sealed *sealed, const char *vm, const char *name,
				  char path[PATH_MAX])
{
	struct err_ctx err = {0};
	enum status status = command_find(name, path);
	enum err e = status ? ERR_OK : attach_sealed_handover(sealed, vm, &err);

	if (e) {
		cli_complain("run", e, &err);
		return STATUS_FAILED;
	}
	return status ? status : command_preload(true) ? STATUS_OK : STATUS_FAILED;
}

static enum status run_sealed(const struct attach_sealed *sealed, const char *vm, char **command)
{
	/* before all else: the device works on its answer meanwhile */
	struct attach_start *start = attach_start_begin(sealed, vm, command);
	struct share_totals *share = share_create();
	char path[PATH_MAX];
	int wait_status = 0;
	enum status status = prepare_sealed(sealed, vm, command[0], path);

	if (status) {
		attach_start_abandon(start);
		return status;
	}
	status = command_run(path, command, start, &wait_status);
	if (status)
		return status;
	/* whether a session failed is known to whom it failed */
	return share && share->failure ? command_gone(vm, command[0], share->failure, NULL)
				       : command_status(wait_status);
}

/* `--name=value` or `--name value` at *arg: the value, and *arg at the last word of it. */
static const char *value_of(char ***arg, const char *name)
{
	size_t size = strlen(name);

	if (strncmp(**arg, name, size) != 0)
		return NULL;
	if ((**arg)[size] == '=')
		return **arg + size + 1;
	return (**arg)[size] || !(*arg)[1] ? NULL : *++*arg;
}

/* Options that say where the device is; where they end. NULL: there are others, or they are wrong. */
static char **sealed_options(char **arg, struct attach_sealed *ret)
{
	const char *v;
	char *end;

	for (; *arg && (*arg)[0] == '-'; arg++) {
		if (!strcmp(*arg, "--sealed"))
			ret->carrier = ATTACH_RING;
		else if (!strncmp(*arg, "--sealed=", 9) &&
			 attach_carrier_from_name(*arg + 9, &ret->carrier))
			continue;
		else if ((v = value_of(&arg, "--device-key")))
			ret->pin = v;
		else if ((v = value_of(&arg, "--device")))
			ret->device = v;
		else if ((v = value_of(&arg, "--identity")))
			ret->identity = v;
		else if ((v = value_of(&arg, "--freshness"))) {
			ret->freshness_ms = strtoll(v, &end, 10);
			if (!*v || *end || ret->freshness_ms < 0 || ret->freshness_ms > 3600000)
				return NULL;
		} else {
			return NULL;
		}
	}
	return arg;
}

int main(int argc, char **argv)
{
	struct attach_sealed sealed = {.freshness_ms = -1};
	char path[PATH_MAX];
	struct attach_found *f;
	const char *vm;
	enum status status;
	char **command;

	command_hold_standard();
	if (argc < 4 || strcmp(argv[1], "run") != 0)
		return take_over(argv);
	command = sealed_options(argv + 2, &sealed);
	if (!command || !command[0] || !command[1])
		return take_over(argv);
	vm = *command++;
	if (strcmp(command[0], "--") == 0)
		command++;
	else if (command[0][0] == '-')
		return take_over(argv);
	if (!command[0] || (!sealed.carrier && (command > argv + 4 || getenv(ATTACH_ENV_SEALED))))
		return take_over(argv);
	if (sealed.carrier && attach_sealed_look(&sealed, NULL))
		return take_over(argv);
	if (sealed.carrier)
		return (int)run_sealed(&sealed, vm, command);
	status = command_find(command[0], path);
	if (status)
		return (int)status;
	if (attach_find(vm, &f))
		return take_over(argv);
	return (int)run(f, vm, path, command);
}
