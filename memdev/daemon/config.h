/* SPDX-License-Identifier: MIT */
/* What scwatcherd is told: by its file in libconfig's syntax, and by options, which come first. */
#ifndef SCW_DAEMON_CONFIG_H
#define SCW_DAEMON_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define CONFIG_FILE "/etc/scwatcher/scwatcherd.conf"

struct config {
	char socket[108];  /* where clients connect */
	char control[108]; /* where `scwatcher sessions` does; only its user may */
	char key[PATH_MAX];
	char policy[PATH_MAX];
	char user[64];	   /* whose rights workers have */
	char mount[PATH_MAX]; /* of the pread carrier's file system; "": none */
	char sgx_root[PATH_MAX];       /* Intel's root certificate; not there: no quote is accepted */
	char sgx_collateral[PATH_MAX]; /* folder of what Intel says of processors */
	char sgx_accept_tcb[256];      /* statuses, with spaces between */
	unsigned int socket_mode;
	bool development;	    /* accept development keys */
	bool emulated;		    /* accept enclaves of the emulation */
	unsigned int sessions;	    /* at most, in all */
	unsigned int sessions_per_vm;
	unsigned int handshake_s;   /* until accepted */
	unsigned int idle_s;	    /* without a request; 0: for ever */
	unsigned int warm_s;	    /* a VM stays open for the next session; 0: it doesn't */
	unsigned int memory_mib;    /* of one worker */
};

void config_defaults(struct config *c);

/* Take what the text says. ERR_CORRUPT with "NAME:LINE: what". */
enum err config_parse(struct config *c, const char *text, size_t size, const char *name,
		      struct err_ctx *err) ERR_NODISCARD;
enum err config_load(struct config *c, const char *path, struct err_ctx *err) ERR_NODISCARD;

/* Set one setting from text, as options do. ERR_INVAL; ERR_ABSENT: there is no such setting. */
enum err config_set(struct config *c, const char *name, const char *value,
		    struct err_ctx *err) ERR_NODISCARD;

#endif
