// SPDX-License-Identifier: MIT
/*
 * scwatcher run: a command for which /proc is the guest's. It is started with the preload library
 * and, in its environment, what was found of the guest, so that neither it nor what it starts has
 * to look again. (See front.c for the common case.)
 */
#include "attach/share.h"
#include "attach/start.h"
#include "command.h"

static bool prepare_environment(const struct options *o, struct session *s,
				struct share_totals **share_ret)
{
	struct err_ctx err = {0};
	enum err e = attach_handover(s->a, &err);

	if (e) {
		cli_complain("run", e, &err);
		return false;
	}
	/* whether a session failed is known to whom it failed */
	*share_ret = o->stats || o->sealed.carrier ? share_create() : NULL;
	return command_preload(s->a->sealed.carrier);
}

enum status cli_run(const struct options *o, int argc, char **argv)
{
	char path[PATH_MAX];
	struct share_totals *share = NULL;
	struct attach_start *start;
	struct err_ctx err = {0};
	enum status status;
	struct session s;
	int wait_status = 0;
	enum err e;

	(void)argc;
	if (o->enclave)
		return cli_run_enclave(o, argv);
	status = command_find(argv[1], path);
	if (status)
		return status;
	/* figures are of a guest that was looked into; otherwise that is for the command to do */
	status = cli_session_open(o, argv[0], !o->stats || o->sealed.carrier, &s);
	if (status)
		return status;
	if (!prepare_environment(o, &s, &share)) {
		cli_session_close(&s);
		return STATUS_FAILED;
	}
	start = o->no_cache ? NULL : attach_start_begin(&s.a->sealed, argv[0], argv + 1);
	status = command_run(path, argv + 1, start, &wait_status);
	e = attach_alive(s.a, &err);
	if (share && (o->sealed.carrier || (!e && share->failure)))
		e = share->failure;
	if (o->stats)
		cli_print_stats(o, s.a, share);
	if (!status && e)
		status = command_gone(argv[0], argv[1], e, &err);
	cli_session_close(&s);
	if (status)
		return status;
	return command_status(wait_status);
}
