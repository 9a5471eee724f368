// SPDX-License-Identifier: MIT
/* The scwatcher command: options, the table of commands, help. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "cli.h"
#include "command.h"

/* To add a command: a row here, its function in a file of its own, a section in scwatcher(1). */
static const struct command commands[] = {
	{"list", "", "list the virtual machines that run on this host",
	 "Prints name, process, memory, kernel release and kind of source of each. With --all, "
	 "also\nprocesses that aren't known as VMMs but hold a Linux guest (slower).\n",
	 "ja", 0, 0, cli_list},
	{"info", "VM", "what is known of a guest, and where its memory is",
	 "Attaches to the guest and prints what was found.\n", "jspnbScdkifR", 1, 1, cli_info},
	{"cat", "VM PATH...", "print files of the guest's /proc",
	 "PATH is as in the guest, with or without /proc in front. A file is printed whole or not "
	 "at all.\n",
	 "jspnbScdkif", 2, -1, cli_cat},
	{"ls", "VM [PATH]", "list a folder of the guest's /proc",
	 "PATH is as in the guest, with or without /proc in front.\n", "jlspnbScdkif", 1, 2, cli_ls},
	{"run", "VM -- COMMAND [ARGUMENT...]", "run a command that sees the guest's /proc",
	 "COMMAND is any dynamically linked program; for it and what it starts, /proc is the "
	 "guest's.\nThe exit status is the command's own. With --enclave COMMAND is an image made by\n"
	 "`scwatcher sign`, which runs in an enclave and reads by way of a memory device.\n",
	 "jspnbScdkifem", 2, -1, cli_run},
	{"sign", "PROGRAM IMAGE", "make a signed enclave image out of a program",
	 "PROGRAM is a static position-independent executable; IMAGE is written, and printed as by\n"
	 "`scwatcher inspect`.\n",
	 "yHKtPVxYCkOFBQANqDu", 2, 2, cli_sign},
	{"inspect", "IMAGE", "print an enclave image's identity and layout, and check it",
	 "Prints what is measured, and whether an enclave of it would start.\n", "", 1, 1,
	 cli_inspect},
	{"keys", "device|output|identity|show [FILE]", "make and show keys for sealed memory",
	 "`keys device --new FILE` makes a memory device's key, and beside it the public one that\n"
	 "clients pin; `keys output --new FILE` a pair that output of enclaves is sealed for.\n"
	 "`keys identity --new` makes your own development key (without FILE, where\n"
	 "`--sealed` looks for it). `keys show` prints what the device's policy needs.\n",
	 "jw", 1, 2, cli_keys},
	{"open", "[FILE]", "print output that an enclave has sealed for a key of ours",
	 "FILE, or standard input, is what the enclave's program wrote to its standard output or\n"
	 "error. Nothing is printed that was altered; a stream without its end is an error. Says who\n"
	 "wrote it; with --mrenclave, prints only what that enclave wrote.\n",
	 "yMEGL", 0, 1, cli_open},
	{"sessions", "", "list who reads memory through this host's memory device",
	 "Each session's identity, VM and state, the user and process that connected, and what it took.\n"
	 "Asks scwatcherd by its control socket, which only its user may.\n",
	 "jo", 0, 0, cli_sessions},
};

/* Letters are ours alone: there are only long options (and -h, -j, -l). */
static const struct {
	char letter;
	const char *name;
	const char *arg; /* "=...": may be left out */
	const char *help;
} options[] = {
	{'j', "json", NULL, "print JSON"},
	{'l', "long", NULL, "with mode, size and where links lead"},
	{'a', "all", NULL, "look into processes that aren't known as VMMs, too"},
	{'s', "stats", NULL, "print times, reads and cache hits to standard error"},
	{'p', "pause", NULL, "stop the VM while it is looked at"},
	{'n', "no-cache", NULL, "neither use nor write what is remembered of kernels and VMs"},
	{'b', "btf", "FILE", "type information of the kernel, for one that carries none"},
	{'S', "symbols", "FILE", "its System.map or a copy of its /proc/kallsyms"},
	{'c', "sealed", "=ring|pread", "by way of a memory device, which knows the VM by its name"},
	{'d', "device", "PATH", "the device's socket (for pread: the folder of its mount)"},
	{'k', "device-key", "FILE", "the device's public key"},
	{'i', "identity", "FILE", "who we are to the device"},
	{'f', "freshness", "MS", "how long pages that came from the device are used"},
	{'e', "enclave", NULL, "run an enclave's image"},
	{'m', "emulate", "=MODES", "in an emulation that protects nothing: plain, hide, step, fault, sgx1"},
	{'R', "save-kernel", "FILE", "write what is known of its kernel, for enclaves (docs/ENCLAVE.md)"},
	{'O', "seal-output", "FILE", "the owner's public key, for whose eyes output is"},
	{'y', "key", "FILE", "sign: PEM, RSA-3072, exponent 3; open: made by `keys output --new`"},
	{'H', "heap", "SIZE", "memory for the program inside (64M)"},
	{'K', "stack", "SIZE", "stack of each thread (256K)"},
	{'t', "threads", "N", "threads that can be inside at once (8)"},
	{'P', "product", "N", "product number in the identity (0)"},
	{'V', "svn", "N", "security version in the identity (0)"},
	{'x', "xfrm", "BITS", "processor state inside, as in XCR0 (3: x87, SSE)"},
	{'Y', "date", "YYYYMMDD", "date of the signature (today)"},
	{'C', "config", "FILE", "configuration to measure into the enclave, as it is"},
	{'F', "file", "FILE[=INSIDE]", "file that the program inside finds (under another path)"},
	{'B', "program", "FILE=INSIDE", "another program, which the one inside may run under this path; again for further paths"},
	{'Q', "processes", NULL, "the program may fork(): it is in the image twice, once as what serves its processes"},
	{'A', "argument", "TEXT", "argument of the program, its name first: no others count"},
	{'N', "environment", "NAME[=TEXT]", "variable that may come from outside, or is so"},
	{'q', "permit", "KIND,...", "calls served outside: read, write, terminal, poll (all)"},
	{'D', "debug", NULL, "let debuggers read the enclave: it keeps no secrets"},
	{'M', "mrenclave", "DIGITS", "the enclave that must have written it"},
	{'E', "insecure-accept-emulated", NULL, "believe enclaves of the emulation: for tests only"},
	{'G', "sgx-root", "FILE", "Intel's root certificate, for enclaves on hardware"},
	{'L', "sgx-collateral", "FOLDER", "what Intel says of processors (scwatcherd(8))"},
	{'w', "new", NULL, "make a new key; never overwrites one"},
	{'o', "control", "PATH", "the memory device's control socket"},
	{'u', "unchecked-code", NULL, "take instructions that an enclave can't run"},
	{'h', "help", NULL, "this help"},
};

static void print_options(const char *letters)
{
	for (size_t i = 0; i < BASE_COUNT(options); i++) {
		char name[40];
		bool may = options[i].arg && options[i].arg[0] == '=';

		if (options[i].letter != 'h' && !strchr(letters, options[i].letter))
			continue;
		snprintf(name, sizeof(name), "--%s%s%s%s", options[i].name,
			 may		  ? "["
			 : options[i].arg ? " "
					  : "",
			 options[i].arg ? options[i].arg : "", may ? "]" : "");
		printf("  %-21s %s\n", name, options[i].help);
	}
}

static void help_command(const struct command *c)
{
	printf("usage: scwatcher %s [OPTION...]%s%s\n\n%s\n", c->name, c->args[0] ? " " : "",
	       c->args, c->more);
	if (strstr(c->args, "VM"))
		printf("VM is a name (QEMU's -name, libvirt's domain name), a process ID, or the path "
		       "of a RAM\nfile, ELF core, LiME or raw image.\n\n");
	printf("Options:\n");
	print_options(c->options);
}

static void help_all(FILE *out)
{
	fprintf(out, "usage: scwatcher COMMAND [OPTION...] [ARGUMENT...]\n\n"
		     "Watches a Linux VM from outside, by its memory alone.\n\nCommands:\n");
	for (size_t i = 0; i < BASE_COUNT(commands); i++)
		fprintf(out, "  %-8s %-28s %s\n", commands[i].name, commands[i].args,
			commands[i].help);
	fprintf(out, "\nOptions:\n"
		     "  --help                this help, or that of a command when given after it\n"
		     "  --version             print the version\n\n"
		     "scwatcher(1) tells all.\n");
}

static enum status usage_error(const struct command *c, const char *text, const char *what)
{
	fprintf(stderr, "scwatcher: %s%s\n", text, what);
	if (c)
		fprintf(stderr, "usage: scwatcher %s [OPTION...]%s%s\n", c->name,
			c->args[0] ? " " : "", c->args);
	else
		help_all(stderr);
	return STATUS_USAGE;
}

/* An option that may be given several times. False: too often. */
static bool list_add(struct option_list *list, const char *arg)
{
	if (list->count == BASE_COUNT(list->items))
		return false;
	list->items[list->count++] = arg;
	return true;
}

/* False: `arg` is no value for it. */
static bool take_option(struct options *o, int letter, const char *arg)
{
	char *end;

	switch (letter) {
	case 'c':
		return attach_carrier_from_name(arg ? arg : "ring", &o->sealed.carrier);
	case 'd':
		o->sealed.device = arg;
		break;
	case 'k':
		o->sealed.pin = arg;
		break;
	case 'i':
		o->sealed.identity = arg;
		break;
	case 'f':
		o->sealed.freshness_ms = strtoll(arg, &end, 10);
		return *arg && !*end && o->sealed.freshness_ms >= 0 &&
		       o->sealed.freshness_ms <= 3600000;
	case 'j':
		o->json = true;
		break;
	case 'l':
		o->longer = true;
		break;
	case 'a':
		o->all = true;
		break;
	case 's':
		o->stats = true;
		break;
	case 'p':
		o->pause = true;
		break;
	case 'n':
		o->no_cache = true;
		break;
	case 'b':
		o->btf = arg;
		break;
	case 'S':
		o->symbols = arg;
		break;
	case 'y':
		o->key = arg;
		break;
	case 'H':
		o->heap = arg;
		break;
	case 'K':
		o->stack = arg;
		break;
	case 't':
		o->threads = arg;
		break;
	case 'P':
		o->product = arg;
		break;
	case 'V':
		o->svn = arg;
		break;
	case 'x':
		o->xfrm = arg;
		break;
	case 'Y':
		o->date = arg;
		break;
	case 'C':
		o->config = arg;
		break;
	case 'F':
		return list_add(&o->files, arg);
	case 'B':
		return list_add(&o->programs, arg);
	case 'A':
		return list_add(&o->arguments, arg);
	case 'N':
		return list_add(&o->environment, arg);
	case 'q':
		o->permit = arg;
		break;
	case 'D':
		o->debug = true;
		break;
	case 'Q':
		o->processes = true;
		break;
	case 'u':
		o->unchecked_code = true;
		break;
	case 'e':
		o->enclave = true;
		break;
	case 'm':
		o->enclave = o->emulate = true;
		o->emulate_modes = arg;
		break;
	case 'O':
		o->seal_output = arg;
		break;
	case 'M':
		o->mrenclave = arg;
		break;
	case 'E':
		o->accept_emulated = true;
		break;
	case 'G':
		o->sgx_root = arg;
		break;
	case 'L':
		o->sgx_collateral = arg;
		break;
	case 'R':
		o->save_kernel = arg;
		break;
	case 'w':
		o->new_key = true;
		break;
	case 'o':
		o->control = arg;
		break;
	}
	return true;
}

static enum status run_command(const struct command *c, int argc, char **argv)
{
	struct option longs[BASE_COUNT(options) + 1] = {0};
	struct options o = {.sealed.freshness_ms = -1};
	char wrong[64];
	size_t n = 0;
	int count = 0, letter, which = 0;
	/* what follows `run VM` has options of its own */
	bool is_run = c->run == cli_run;

	for (size_t i = 0; i < BASE_COUNT(options); i++)
		if (options[i].letter == 'h' || strchr(c->options, options[i].letter))
			longs[n++] = (struct option){options[i].name,
						     !options[i].arg ? no_argument
						     : options[i].arg[0] == '='
							     ? optional_argument
							     : required_argument,
						     NULL, options[i].letter};
	opterr = 0;
	optind = 1;
	for (;;) {
		letter = getopt_long(argc, argv, is_run ? "+:h" : ":h", longs, &which);
		if (letter == -1 && is_run && count == 0 && optind < argc &&
		    strcmp(argv[optind - 1], "--") != 0) {
			/* the VM; options may follow it, up to "--" or the command */
			count = 1;
			argv[1] = argv[optind];
			optind++;
			continue;
		}
		if (letter == -1)
			break;
		if (letter == 'h') {
			help_command(c);
			return STATUS_OK;
		}
		if (letter == ':')
			return usage_error(c, "an argument is missing: ", argv[optind - 1]);
		if (letter == '?')
			return usage_error(c, "no such option: ", argv[optind - 1]);
		if (!take_option(&o, letter, optarg)) {
			snprintf(wrong, sizeof(wrong), "no value for --%s: ", longs[which].name);
			return usage_error(c, wrong, optarg);
		}
	}
	if (o.enclave && (o.sealed.pin || o.sealed.identity || o.pause || o.sealed.freshness_ms >= 0))
		return usage_error(c, "an enclave has its own key and pin: only --sealed and --device "
				      "count", "");
	if (o.enclave && o.sealed.carrier && o.sealed.carrier != ATTACH_RING &&
	    o.sealed.carrier != ATTACH_PREAD)
		return usage_error(c, "enclaves reach a memory device by ring or pread only", "");
	if (!o.sealed.carrier && !o.enclave && c->run != cli_sign &&
	    (o.sealed.device || o.sealed.pin || o.sealed.identity ||
				  o.sealed.freshness_ms >= 0))
		return usage_error(c, "where the device is counts only with --sealed", "");
	if (o.sealed.carrier && o.pause)
		return usage_error(c, "a VM behind a memory device can't be stopped: --pause", "");
	if (is_run && count) {
		/* put the VM in front of the command */
		argv[optind - 1] = argv[1];
		optind--;
	}
	argc -= optind;
	argv += optind;
	if (argc < c->least || (c->most >= 0 && argc > c->most))
		return usage_error(c, argc < c->least ? "arguments are missing" : "too many arguments",
				   "");
	return c->run(&o, argc, argv);
}

static enum status run(int argc, char **argv)
{
	const struct command *c = NULL;

	if (argc < 2)
		return usage_error(NULL, "which command?", "");
	if (strcmp(argv[1], "--version") == 0) {
		printf("scwatcher %s\n", SCW_VERSION);
		return STATUS_OK;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		help_all(stdout);
		return STATUS_OK;
	}
	for (size_t i = 0; i < BASE_COUNT(commands) && !c; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			c = &commands[i];
	if (!c)
		return usage_error(NULL, "no such command: ", argv[1]);
	return run_command(c, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	enum status status;

	command_hold_standard();
	status = run(argc, argv);

	/* what wasn't printed, because of a full disk perhaps, isn't success */
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "scwatcher: standard output: %s\n",
			errno ? strerror(errno) : "not all could be written");
		status = status ? status : STATUS_FAILED;
	}
	return (int)status;
}
