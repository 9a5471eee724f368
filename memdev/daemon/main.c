// SPDX-License-Identifier: MIT
/* scwatcherd, the memory device: options, what it needs before it starts, and how it says so. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach/keys.h"
#include "base/checked.h"
#include "broker.h"
#include "config.h"
#include "listen.h"
#include "log.h"
#include "measure/measure.h"
#include "memdev/front.h"
#include "memdev/trust_files.h"
#include "sandbox.h"

enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_CONFIG = 3, /* configuration, policy or key can't be used */
};

/* Options that set one setting of the configuration; others are in take_options(). */
static const struct {
	const char *option, *setting, *arg, *help;
} settings[] = {
	{"socket", "socket", "PATH", "where clients connect"},
	{"control", "control", "PATH", "where `scwatcher sessions` connects"},
	{"key", "key", "FILE", "the device's secret key (scwatcher keys device --new FILE)"},
	{"policy", "policy", "FILE", "which identities may read which VMs"},
	{"user", "user", "NAME", "whose rights sessions have"},
	{"mount", "mount", "FOLDER", "offer the pread carrier's files there"},
	{"sessions", "sessions", "N", "at most so many sessions"},
	{"sessions-per-vm", "sessions_per_vm", "N", "at most so many sessions with one VM"},
	{"handshake", "handshake_s", "SECONDS", "how long a client may take to show who it is"},
	{"idle", "idle_s", "SECONDS", "end sessions that ask nothing for so long; 0: never"},
	{"warm", "warm_s", "SECONDS", "keep a VM open for the next session; 0: don't"},
};

struct options {
	const char *config; /* NULL: the default one if it is there */
	bool check;
	bool only_mount;
	bool development;
	bool emulated;
	const char *values[BASE_COUNT(settings)];
};

static void print_help(void)
{
	printf("usage: scwatcherd [OPTION...]\n\n"
	       "The memory device: serves the memory of this host's VMs, sealed, to clients that its\n"
	       "policy allows.\n\nOptions:\n");
	printf("  --%-24s %s\n", "config FILE", "instead of " CONFIG_FILE);
	for (size_t i = 0; i < BASE_COUNT(settings); i++) {
		char name[40];

		snprintf(name, sizeof(name), "%s %s", settings[i].option, settings[i].arg);
		printf("  --%-24s %s\n", name, settings[i].help);
	}
	printf("  --%-24s %s\n", "only-mount",
	       "nothing but those files, for the device that listens at the socket");
	printf("  --%-24s %s\n", "accept-development-keys",
	       "believe clients that show nothing but a key: for tests only");
	printf("  --%-24s %s\n", "insecure-accept-emulated",
	       "believe enclaves of the emulation: for tests only");
	printf("  --%-24s %s\n", "check", "say whether configuration, policy and key are fine; end");
	printf("  --%-24s %s\n  --%-24s %s\n", "version", "print the version", "help",
	       "this help");
	printf("\nOptions come before the file. scwatcherd(8) tells all.\n");
}

/* Go on: -1; else the status to end with. */
static int take_options(int argc, char **argv, struct options *o)
{
	enum { CONFIG = 256, CHECK, ONLY_MOUNT, DEVELOPMENT, EMULATED, VERSION, HELP };
	struct option longs[BASE_COUNT(settings) + 8] = {
		{"config", required_argument, NULL, CONFIG},
		{"check", no_argument, NULL, CHECK},
		{"only-mount", no_argument, NULL, ONLY_MOUNT},
		{"accept-development-keys", no_argument, NULL, DEVELOPMENT},
		{"insecure-accept-emulated", no_argument, NULL, EMULATED},
		{"version", no_argument, NULL, VERSION},
		{"help", no_argument, NULL, HELP},
	};
	int letter;

	for (size_t i = 0; i < BASE_COUNT(settings); i++)
		longs[7 + i] = (struct option){settings[i].option, required_argument, NULL, (int)i};
	while ((letter = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (letter) {
		case CONFIG:
			o->config = optarg;
			break;
		case CHECK:
			o->check = true;
			break;
		case ONLY_MOUNT:
			o->only_mount = true;
			break;
		case DEVELOPMENT:
			o->development = true;
			break;
		case EMULATED:
			o->emulated = true;
			break;
		case VERSION:
			printf("scwatcherd %s\n", SCW_VERSION);
			return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
		case 'h':
		case HELP:
			print_help();
			return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
		case '?':
			fprintf(stderr, "`scwatcherd --help` tells what can be said\n");
			return STATUS_USAGE;
		default:
			o->values[letter] = optarg;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "scwatcherd: it takes no arguments: %s\n", argv[optind]);
		return STATUS_USAGE;
	}
	return -1;
}

static enum err configure(const struct options *o, struct config *c, struct err_ctx *err)
{
	enum err e;

	config_defaults(c);
	e = config_load(c, o->config ? o->config : CONFIG_FILE, err);
	/* to have no configuration is fine, unless one was named */
	if (e == ERR_ABSENT && !o->config) {
		err_clear(err);
		e = ERR_OK;
	}
	for (size_t i = 0; i < BASE_COUNT(settings) && !e; i++) {
		if (o->values[i])
			e = config_set(c, settings[i].setting, o->values[i], err);
	}
	c->development |= o->development;
	c->emulated |= o->emulated;
	return e;
}

/* Whose rights workers have: the user's in the configuration, or ours when we have none to give up. */
static enum err find_user(const struct config *c, struct broker_setup *b, struct err_ctx *err)
{
	const struct passwd *p;

	if (geteuid() != 0) {
		b->uid = geteuid();
		b->gid = getegid();
		return ERR_OK;
	}
	errno = 0;
	p = getpwnam(c->user);
	if (!p)
		return err_set(err, ERR_ABSENT,
			       "there is no user %.40s to give sessions to: make it, or name another "
			       "one (--user)",
			       c->user);
	if (p->pw_uid == 0 || p->pw_gid == 0)
		return err_set(err, ERR_INVAL, "sessions must not have the rights of root (--user)");
	b->uid = p->pw_uid;
	b->gid = p->pw_gid;
	return ERR_OK;
}

/* Root and collateral: each session reads them anew, but what is wrong with them is said at the start. */
static enum err check_trust(const struct config *c, struct err_ctx *err)
{
	struct memdev_trust_files *files = NULL;
	struct memdev_trust *trust = NULL;
	struct err_ctx why = {0};
	unsigned int statuses;
	enum err e = memdev_tcb_parse(c->sgx_accept_tcb, &statuses, err);

	if (!e)
		e = memdev_trust_files_read(c->sgx_root, c->sgx_collateral, &files, &why);
	if (e == ERR_ABSENT)
		return ERR_OK; /* then no quote is accepted */
	if (!e)
		e = memdev_trust_files_use(files, &trust, &why);
	memdev_trust_destroy(trust);
	memdev_trust_files_destroy(files);
	return e ? err_set(err, e, "%s", why.text) : ERR_OK;
}

static enum err load(const struct config *c, struct broker_setup *b, struct memdev_policy **policy,
		     struct channel_key_pair *key, struct err_ctx *err)
{
	uint8_t secret[CHANNEL_KEY_SIZE];
	enum err e = channel_library_init(err);

	/* libgcrypt reads files when it starts, which workers can't: they check enclaves' reports with it */
	if (!e)
		e = measure_prepare(err);
	if (!e)
		e = find_user(c, b, err);
	if (!e)
		e = check_trust(c, err);
	if (!e)
		e = memdev_policy_load(c->policy, policy, err);
	if (!e)
		e = keys_read(c->key, KEYS_OF_DEVICE_SECRET, secret, err);
	if (!e)
		e = channel_key_pair_from_secret(secret, key, err);
	channel_wipe(secret, sizeof(secret));
	b->policy = *policy;
	b->key = key;
	b->config = c;
	return e;
}

static enum err open_sockets(const struct config *c, struct broker_setup *b, struct err_ctx *err)
{
	enum err e = listen_inherited("device", SOCK_SEQPACKET, &b->device, err);

	b->inherited = e == ERR_OK;
	if (e == ERR_ABSENT)
		e = listen_at(c->socket, SOCK_SEQPACKET, (mode_t)c->socket_mode, &b->device, err);
	/* who has the rights of sessions may ask for some: the pread carrier's files, say */
	if (e == ERR_OK && !b->inherited && geteuid() == 0 && lchown(c->socket, (uid_t)-1, b->gid) < 0 &&
	    errno != ENOENT)
		e = err_set_errno(err, ERR_IO, errno, "can't give %.150s to group %u", c->socket,
				  (unsigned int)b->gid);
	if (e)
		return e;
	e = listen_inherited("control", SOCK_STREAM, &b->control, err);
	b->control_inherited = e == ERR_OK;
	if (e == ERR_ABSENT)
		e = listen_at(c->control, SOCK_STREAM, 0600, &b->control, err);
	/* nobody listens there */
	if (e && !b->inherited)
		unlink(c->socket);
	return e;
}

static void say_of_front(const char *text)
{
	log_line(LOG_NOTE, "%s", text);
}

static struct front_options front_options(const struct config *c, const struct broker_setup *b)
{
	return (struct front_options){
		.directory = c->mount,
		.socket = c->socket,
		.uid = geteuid() == 0 ? b->uid : 0,
		.gid = geteuid() == 0 ? b->gid : 0,
		.sessions_per_vm = c->sessions_per_vm,
		.idle_s = c->idle_s,
		.confine = sandbox_front,
		.say = say_of_front,
	};
}

/* The pread carrier's file system: a process of its own, and a client like others. */
static enum err start_front(const struct config *c, const struct broker_setup *b, pid_t *ret,
			    struct err_ctx *err)
{
	struct front_options o = front_options(c, b);
	struct err_ctx why = {0};
	char text[320];
	pid_t pid = fork();

	if (pid < 0)
		return err_set_errno(err, ERR_IO, errno, "can't start what serves %.150s", c->mount);
	if (pid > 0) {
		*ret = pid;
		return ERR_OK;
	}
	/* neither is its business */
	channel_wipe(b->key, sizeof(*b->key));
	close(b->device);
	close(b->control);
	o.with_parent = true;
	if (front_run(&o, &why))
		log_line(LOG_BAD, "%s: %s", c->mount, err_describe(&why, text, sizeof(text)));
	_exit(why.code ? STATUS_FAILED : STATUS_OK);
}

/* The same for another device, without its key: mounting takes rights that no device needs. */
static enum err run_front(const struct config *c, struct err_ctx *err)
{
	struct broker_setup b = {.device = -1, .control = -1};
	struct front_options o;
	enum err e = find_user(c, &b, err);

	if (e)
		return e;
	if (!c->mount[0])
		return err_set(err, ERR_INVAL, "there is no folder to mount on (--mount)");
	o = front_options(c, &b);
	log_line(LOG_NOTE, "version %s, serving %s for the device at %s", SCW_VERSION, c->mount, c->socket);
	return front_run(&o, err);
}

/* What whoever starts us must know: each time, and not to be missed. */
static void say_how(const struct config *c, const struct broker_setup *b)
{
	char hex[KEYS_HEX_SIZE];

	keys_to_hex(b->key->public, hex);
	log_line(LOG_NOTE, "version %s, public key %s, %zu identities in %s", SCW_VERSION, hex,
		 memdev_policy_count(b->policy), c->policy);
	if (c->development) {
		log_line(LOG_WARN, "*** accepting development keys: they prove nothing about the "
				   "program that holds them ***");
		log_line(LOG_WARN, "*** this protects nothing against this host's root or whoever "
				   "has a copy of such a key: for tests only ***");
	}
	if (c->emulated) {
		log_line(LOG_WARN, "*** INSECURE: accepting emulated enclaves: anybody can pose as "
				   "one, their keys are public ***");
		log_line(LOG_WARN, "*** this protects nothing against the client's host: for tests "
				   "only ***");
	}
	if (geteuid() != 0)
		log_line(LOG_WARN, "not root: only this user's VMs can be read, and sessions have "
				   "this user's rights");
}

static int complain(const struct err_ctx *err, enum status status)
{
	char text[320];

	log_line(LOG_BAD, "%s", err_describe(err, text, sizeof(text)));
	return status;
}

static void prepare_process(void)
{
	struct rlimit l;
	int fd;

	/* a standard descriptor that is closed would become a client */
	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	/* the key is in our memory */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
}

int main(int argc, char **argv)
{
	struct broker_setup setup = {.device = -1, .control = -1};
	struct channel_key_pair key = {0};
	struct memdev_policy *policy = NULL;
	struct options o = {0};
	struct err_ctx err = {0};
	struct config config;
	pid_t front = 0;
	int status = take_options(argc, argv, &o);
	enum err e;

	if (status >= 0)
		return status;
	prepare_process();
	if (o.only_mount) {
		e = configure(&o, &config, &err);
		if (e)
			return complain(&err, STATUS_CONFIG);
		e = run_front(&config, &err);
		return e ? complain(&err, STATUS_FAILED) : STATUS_OK;
	}
	if (configure(&o, &config, &err) || load(&config, &setup, &policy, &key, &err)) {
		channel_wipe(&key, sizeof(key));
		memdev_policy_destroy(policy);
		return complain(&err, STATUS_CONFIG);
	}
	say_how(&config, &setup);
	e = o.check ? ERR_OK : open_sockets(&config, &setup, &err);
	if (!e && !o.check && config.mount[0])
		e = start_front(&config, &setup, &front, &err);
	if (!e && !o.check) {
		listen_ready();
		log_line(LOG_NOTE, "listening at %s", setup.inherited ? "the socket that was handed over" : config.socket);
		e = broker_run(&setup, front, &err);
		/* systemd keeps its own */
		if (!setup.inherited)
			unlink(config.socket);
		if (!setup.control_inherited)
			unlink(config.control);
	}
	channel_wipe(&key, sizeof(key));
	memdev_policy_destroy(policy);
	return e ? complain(&err, STATUS_FAILED) : STATUS_OK;
}
