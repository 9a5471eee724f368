/* SPDX-License-Identifier: MIT */
/*
 * The privileged part: accepts connections and starts a worker for each, or has one that waits for it:
 * after a session its VM is opened once more, by a process that then has no rights left. It reads
 * nothing that a client sends.
 */
#ifndef SCW_DAEMON_BROKER_H
#define SCW_DAEMON_BROKER_H

#include <sys/types.h>

#include "channel/channel.h"
#include "config.h"
#include "memdev/policy.h"

struct broker_setup {
	const struct config *config;
	const struct memdev_policy *policy;
	struct channel_key_pair *key;
	int device;  /* listening sockets */
	int control;
	bool inherited, control_inherited; /* systemd made them */
	uid_t uid; /* of workers */
	gid_t gid;
};

/*
 * Serve until told to end (SIGTERM, SIGINT), or until the process `with` (0: none) has ended, which is
 * ERR_GONE. All workers have ended then.
 */
enum err broker_run(const struct broker_setup *b, pid_t with, struct err_ctx *err) ERR_NODISCARD;

#endif
