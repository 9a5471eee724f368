// SPDX-License-Identifier: MIT
/* `scwatcher sign`, `scwatcher inspect` and `scwatcher run --enclave`: enclave images. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "abi/guest.h"
#include "abi/proxy.h"
#include "attach/cache.h"
#include "attach/keys.h"
#include "base/checked.h"
#include "cli.h"
#include "config/config.h"
#include "emulation/emulation.h"
#include "host/backend.h"
#include "host/guest.h"
#include "host/image.h"
#include "host/proxy.h"
#include "host/run.h"
#include "host/sign.h"
#include "measure/measure.h"

#define MAX_FILE (1ll << 32)

enum {
	NOTE_DAYS = 30,
};

/* A whole file, from malloc(). */
static enum err read_file(const char *path, uint8_t **data_ret, size_t *size_ret, struct err_ctx *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *data = NULL;
	struct stat st;
	size_t done = 0;

	if (fd < 0)
		return err_set_errno(err, errno == EACCES ? ERR_PERM : ERR_ABSENT, errno,
				     "%s can't be opened", path);
	if (fstat(fd, &st) == 0 && st.st_size <= MAX_FILE && S_ISREG(st.st_mode))
		data = malloc((size_t)st.st_size + 1);
	if (!data) {
		close(fd);
		return err_set(err, ERR_IO, "%s isn't a file that can be read", path);
	}
	while (done < (size_t)st.st_size) {
		ssize_t n = read(fd, data + done, (size_t)st.st_size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	*data_ret = data;
	*size_ret = done;
	return ERR_OK;
}

static enum err write_file(const char *path, const void *data, size_t size, struct err_ctx *err)
{
	FILE *out = fopen(path, "wbe");
	bool done = out && fwrite(data, 1, size, out) == size;
	struct stat st;
	bool regular = out && fstat(fileno(out), &st) == 0 && S_ISREG(st.st_mode);
	int why = errno;

	if (out && fclose(out) && done) {
		done = false;
		why = errno;
	}
	if (done)
		return ERR_OK;
	/* half an image is none */
	if (regular)
		unlink(path);
	return err_set_errno(err, ERR_IO, why, "%s can't be written", path);
}

/* A number, with K, M or G behind it if `is_size`; at most `most`. */
static enum err parse_number(const char *text, bool is_size, uint64_t most, uint64_t *ret,
			     struct err_ctx *err)
{
	static const char units[] = "KMG";
	const char *unit;
	uint64_t value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	unit = is_size && *end ? strchr(units, *end) : NULL;
	if (unit) {
		unsigned int shift = 10 * (unsigned int)(unit - units + 1);

		if (value > UINT64_MAX >> shift)
			errno = ERANGE;
		value <<= shift;
		end++;
	}
	if (end == text || *end || *text == '-' || errno || value > most)
		return err_set(err, ERR_INVAL, "'%s' isn't a number up to %llu%s", text,
			       (unsigned long long)most, is_size ? " (K, M, G allowed)" : "");
	*ret = value;
	return ERR_OK;
}

static struct config_text text_of(const char *s)
{
	return (struct config_text){ s, strlen(s) };
}

static enum err take_permit(const char *list, unsigned int *ret, struct err_ctx *err)
{
	*ret = 0;
	while (*list) {
		size_t size = strcspn(list, ",");
		unsigned int i = 0;
		const char *name;

		while ((name = config_permit_name(i)) &&
		       (strlen(name) != size || strncmp(name, list, size) != 0))
			i++;
		if (!name)
			return err_set(err, ERR_INVAL, "--permit knows read, write, terminal and poll");
		*ret |= 1u << i;
		list += size + (list[size] == ',');
	}
	return ERR_OK;
}

/* FILE or FILE=INSIDE; the contents are from malloc(). */
static enum err take_file(const char *arg, struct config *c, struct err_ctx *err)
{
	struct config_file *f = &c->files[c->file_count];
	const char *equals = strrchr(arg, '=');
	char *path = strndup(arg, equals ? (size_t)(equals - arg) : strlen(arg));
	uint8_t *data = NULL;
	enum err e = path ? read_file(path, &data, &f->size, err) : ERR_NOMEM;

	free(path);
	if (e)
		return e;
	f->path = text_of(equals ? equals + 1 : arg);
	f->data = data;
	c->file_count++;
	return ERR_OK;
}

_Static_assert(BASE_COUNT(((struct option_list *)0)->items) <= CONFIG_FILES_MAX, "all have room");

static enum err take_lists(const struct options *o, struct config *c, struct err_ctx *err)
{
	enum err e = ERR_OK;

	if (o->arguments.count > CONFIG_ARGUMENTS_MAX || o->environment.count > CONFIG_ENVIRONMENT_MAX)
		return err_set(err, ERR_LIMIT, "more than %d arguments or variables",
			       CONFIG_ARGUMENTS_MAX);
	for (size_t i = 0; i < o->arguments.count; i++)
		c->arguments[c->argument_count++] = text_of(o->arguments.items[i]);
	for (size_t i = 0; i < o->environment.count; i++)
		c->environment[c->environment_count++] = text_of(o->environment.items[i]);
	for (size_t i = 0; !e && i < o->files.count; i++)
		e = take_file(o->files.items[i], c, err);
	return e;
}

/* The configuration that the options describe. None of them: no configuration. */
static enum err make_config(const struct options *o, uint8_t **ret, size_t *size_ret,
			    struct err_ctx *err)
{
	struct config *c;
	enum err e = ERR_OK;

	if (!o->sealed.pin && !o->seal_output && !o->permit && !o->files.count &&
	    !o->arguments.count && !o->environment.count)
		return ERR_OK;
	if (o->config)
		return err_set(err, ERR_INVAL, "--config is all of the configuration: it goes with "
					       "none of the options that make one");
	c = calloc(1, sizeof(*c));
	if (!c)
		return err_set(err, ERR_NOMEM, "no memory for a configuration");
	c->permit = CONFIG_PERMIT_ALL;
	if (o->permit)
		e = take_permit(o->permit, &c->permit, err);
	if (!e && o->sealed.pin) {
		e = keys_read(o->sealed.pin, KEYS_OF_DEVICE_PUBLIC, c->device_key, err);
		c->has_device_key = !e;
	}
	if (!e && o->seal_output) {
		e = keys_read(o->seal_output, KEYS_OF_OUTPUT_PUBLIC, c->seal_key, err);
		c->has_seal_key = !e;
	}
	if (!e)
		e = take_lists(o, c, err);
	if (!e)
		e = config_write(c, ret, size_ret, err);
	for (size_t i = 0; i < c->file_count; i++)
		free((void *)(uintptr_t)c->files[i].data);
	free(c);
	return e;
}

static enum err read_options(const struct options *o, struct sign_options *s, uint8_t **config_ret,
			     struct err_ctx *err)
{
	uint64_t heap = 0, stack = 0, threads = 0, product = 0, svn = 0, xfrm = 0;
	char *end = NULL;
	enum err e = ERR_OK;

	if (o->heap)
		e = parse_number(o->heap, true, 1ull << 40, &heap, err);
	if (!e && o->stack)
		e = parse_number(o->stack, true, 1ull << 30, &stack, err);
	if (!e && o->threads)
		e = parse_number(o->threads, false, 1024, &threads, err);
	if (!e && o->product)
		e = parse_number(o->product, false, UINT16_MAX, &product, err);
	if (!e && o->svn)
		e = parse_number(o->svn, false, UINT16_MAX, &svn, err);
	if (!e && o->xfrm)
		e = parse_number(o->xfrm, false, UINT64_MAX, &xfrm, err);
	if (!e && ((o->heap && !heap) || (o->stack && !stack) || (o->threads && !threads)))
		e = err_set(err, ERR_INVAL, "--heap, --stack and --threads can't be 0: leave them out for the defaults");
	if (!e && o->config)
		e = read_file(o->config, config_ret, &s->config_size, err);
	if (!e)
		e = make_config(o, config_ret, &s->config_size, err);
	if (e)
		return e;
	if (o->date) {
		/* digits read as hexadecimal are BCD */
		s->date = (uint32_t)strtoul(o->date, &end, 16);
		if (strlen(o->date) != 8 || *end)
			return err_set(err, ERR_INVAL, "'%s' isn't a date: YYYYMMDD", o->date);
	}
	s->config = *config_ret;
	s->heap_size = heap;
	s->stack_size = stack;
	s->thread_count = (uint32_t)threads;
	s->product = (uint16_t)product;
	s->svn = (uint16_t)svn;
	s->xfrm = xfrm;
	s->debug = o->debug;
	s->unchecked_code = o->unchecked_code;
	return ERR_OK;
}

/* The one before `count` that is of the same file as `item`; else `count`. */
static size_t find_same(const struct options *o, size_t count, const char *item, size_t size)
{
	size_t i = 0;

	while (i < count && (strncmp(o->programs.items[i], item, size) ||
			     strrchr(o->programs.items[i], '=') != o->programs.items[i] + size))
		i++;
	return i;
}

/* FILE=INSIDE of each --program; the contents are from malloc(), also after an error, those of a file named again shared. */
static enum err read_programs(const struct options *o, struct sign_program ret[ABI_PROGRAMS_MAX],
			      struct sign_options *s, struct err_ctx *err)
{
	enum err e = ERR_OK;

	if (o->programs.count > ABI_PROGRAMS_MAX)
		return err_set(err, ERR_LIMIT, "more than %u programs", ABI_PROGRAMS_MAX);
	s->programs = ret;
	for (size_t i = 0; !e && i < o->programs.count; i++) {
		const char *equals = strrchr(o->programs.items[i], '=');
		uint8_t *data = NULL;
		size_t same;
		char *path;

		if (!equals)
			return err_set(err, ERR_INVAL, "--program wants FILE=INSIDE, not '%s'",
				       o->programs.items[i]);
		same = find_same(o, i, o->programs.items[i], (size_t)(equals - o->programs.items[i]));
		if (same < i) {
			ret[i] = (struct sign_program){ equals + 1, ret[same].elf, ret[same].size };
			s->program_count = i + 1;
			continue;
		}
		path = strndup(o->programs.items[i], (size_t)(equals - o->programs.items[i]));
		ret[i].path = equals + 1;
		e = path ? read_file(path, &data, &ret[i].size, err) : ERR_NOMEM;
		ret[i].elf = data;
		free(path);
		s->program_count = i + 1;
	}
	return e;
}

/* The program again, as what its first copy runs. */
static enum err add_itself(const uint8_t *elf, size_t size, struct sign_program programs[ABI_PROGRAMS_MAX],
			   struct sign_options *s, struct err_ctx *err)
{
	if (s->program_count == ABI_PROGRAMS_MAX)
		return err_set(err, ERR_LIMIT, "--processes: more than %u programs", ABI_PROGRAMS_MAX);
	programs[s->program_count++] = (struct sign_program){ABI_PROGRAM_ITSELF, elf, size};
	s->programs = programs;
	return ERR_OK;
}

enum status cli_sign(const struct options *o, int argc, char **argv)
{
	uint8_t *elf = NULL, *pem = NULL, *config = NULL;
	struct sign_program programs[ABI_PROGRAMS_MAX] = {0};
	size_t elf_size, pem_size;
	struct sign_options s = {0};
	struct sign_image image = {0};
	struct image parsed;
	struct err_ctx err = {0};
	bool good = false;
	enum err e;

	(void)argc;
	if (!o->key) {
		fprintf(stderr, "scwatcher: sign: --key is missing: make one with `openssl genrsa -3 "
				"3072`\n");
		return STATUS_USAGE;
	}
	e = read_options(o, &s, &config, &err);
	if (!e)
		e = read_programs(o, programs, &s, &err);
	if (!e)
		e = read_file(argv[0], &elf, &elf_size, &err);
	if (!e && o->processes)
		e = add_itself(elf, elf_size, programs, &s, &err);
	if (!e)
		e = read_file(o->key, &pem, &pem_size, &err);
	if (!e)
		e = sign_build(elf, elf_size, &s, &image, &err);
	if (!e)
		e = sign_sign(&image, pem, pem_size, &s, &err);
	if (!e)
		e = write_file(argv[1], image.data, image.size, &err);
	if (!e)
		e = image_parse(image.data, image.size, &parsed, &err);
	if (!e)
		good = image_print(&parsed, stdout);
	if (pem)
		explicit_bzero(pem, pem_size);
	for (size_t i = 0; i < s.program_count; i++) {
		size_t same = 0;

		while (programs[same].elf != programs[i].elf)
			same++;
		if (same == i && programs[i].elf != elf)
			free((void *)(uintptr_t)programs[i].elf);
	}
	free(pem);
	free(elf);
	free(config);
	sign_deinit(&image);
	return e ? cli_fail(argv[0], e, &err) : good ? STATUS_OK : STATUS_FAILED;
}

enum status cli_inspect(const struct options *o, int argc, char **argv)
{
	struct err_ctx err = {0};
	struct image image;
	uint8_t *data = NULL;
	size_t size;
	bool good = false;
	enum err e = read_file(argv[0], &data, &size, &err);

	(void)o;
	(void)argc;
	if (!e)
		e = image_parse(data, size, &image, &err);
	if (!e)
		good = image_print(&image, stdout);
	free(data);
	return e ? cli_fail(argv[0], e, &err) : good ? STATUS_OK : STATUS_FAILED;
}

/* ---- run ---- */

static enum err choose_backend(const struct options *o, const struct backend **ret, struct err_ctx *err)
{
	unsigned int modes = 0;
	enum err e = o->emulate_modes ? emulation_parse_modes(o->emulate_modes, &modes, err) : ERR_OK;

	return e ? e : backend_choose(o->emulate, modes, ret, err);
}

static enum err load_image(const struct backend *backend, const char *path, struct host_enclave *ret,
			   uint8_t mrenclave_ret[MEASURE_HASH_SIZE], struct err_ctx *err)
{
	struct image image;
	uint8_t *data = NULL;
	size_t size;
	enum err e = read_file(path, &data, &size, err);

	if (!e)
		e = image_parse(data, size, &image, err);
	if (!e)
		e = host_load(backend, &image, ret, err);
	if (!e)
		memcpy(mrenclave_ret, image.header->sigstruct.enclave_hash, MEASURE_HASH_SIZE);
	free(data);
	return e;
}

static const char *const call_names[HOST_CALLS] = {
	[ABI_OCALL_EXIT] = "the program's end",
	[ABI_OCALL_EXIT_THREAD] = "a thread's end",
	[ABI_OCALL_ABORT] = "stopping itself",
	[ABI_OCALL_CLOCK] = "the time",
	[ABI_OCALL_SLEEP] = "sleeping",
	[ABI_OCALL_WAIT] = "waiting for a thread",
	[ABI_OCALL_WAKE] = "waking a thread",
	[ABI_OCALL_SPAWN] = "a new thread",
	[ABI_OCALL_YIELD] = "letting others run",
	[ABI_OCALL_KICK] = "interrupting a thread",
	[ABI_OCALL_PROTECT] = "page tables",
	[ABI_OCALL_TIMER] = "timer",
	[ABI_PROXY_READ] = "reading",
	[ABI_PROXY_WRITE] = "writing",
	[ABI_PROXY_TERMINAL] = "terminal",
	[ABI_PROXY_POLL] = "poll",
	[ABI_GUEST_FRAMES] = "session: frames",
	[ABI_GUEST_RING] = "session: the ring",
	[ABI_GUEST_SLEEP] = "memory: waiting for the device",
	[ABI_GUEST_WAKE] = "memory: waking the device",
	[ABI_GUEST_TARGET] = "session: who makes evidence",
	[ABI_GUEST_QUOTE] = "session: quote",
	[ABI_GUEST_WATCH] = "session: worker",
	[ABI_GUEST_CARRIER] = "session: ring or files",
	[ABI_GUEST_KEEP] = "session: a note for the next run",
	[ABI_GUEST_OPEN] = "memory: opening a file",
	[ABI_GUEST_READ] = "memory: reading a file",
	[ABI_GUEST_CLOSE] = "memory: closing a file",
};

static const char *call_name(unsigned int number)
{
	return call_names[number] ? call_names[number] : "unknown";
}

static void print_counts_json(const struct host_counts *c)
{
	json_object *root = json_object_new_object(), *of = json_object_new_object();
	json_object *calls = json_object_new_array();

	json_object_object_add(of, "entries", json_object_new_uint64(c->entries));
	json_object_object_add(of, "exceptions", json_object_new_uint64(c->exceptions));
	json_object_object_add(of, "threads", json_object_new_uint64(c->threads + 1));
	for (unsigned int i = 0; i < HOST_CALLS; i++) {
		json_object *call;

		if (!c->calls[i])
			continue;
		call = json_object_new_object();
		json_object_object_add(call, "number", json_object_new_uint64(i));
		json_object_object_add(call, "name", json_object_new_string(call_name(i)));
		json_object_object_add(call, "times", json_object_new_uint64(c->calls[i]));
		json_object_array_add(calls, call);
	}
	json_object_object_add(of, "calls", calls);
	json_object_object_add(root, "enclave", of);
	fprintf(stderr, "%s\n", json_object_to_json_string(root));
	json_object_put(root);
}

static void print_counts(bool json)
{
	struct host_counts c;

	host_count(&c);
	if (json) {
		print_counts_json(&c);
		return;
	}
	fprintf(stderr, "enclave: %llu entries, %llu exceptions, %llu threads\n",
		(unsigned long long)c.entries, (unsigned long long)c.exceptions,
		(unsigned long long)c.threads + 1);
	for (unsigned int i = 0; i < HOST_CALLS; i++) {
		if (c.calls[i])
			fprintf(stderr, "enclave: call %u: %llu times (%s)\n", i,
				(unsigned long long)c.calls[i], call_name(i));
	}
}

/* ---- notes ---- */

/* Of this enclave about this VM, by the program's name, as an image may go by many. */
static bool note_path(const uint8_t mrenclave[MEASURE_HASH_SIZE], const char *vm, const char *program,
		      char path[PATH_MAX])
{
	const char *name = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;
	char text[PATH_MAX], hex[2 * MEASURE_HASH_SIZE + 1];
	uint8_t hash[MEASURE_HASH_SIZE];
	int size;

	measure_hex(mrenclave, MEASURE_HASH_SIZE, hex);
	size = snprintf(text, sizeof(text), "%s/%s/%s", hex, vm, name);
	if (size < 0 || size >= (int)sizeof(text))
		return false;
	measure_hash(text, (size_t)size, hash);
	measure_hex(hash, sizeof(hash), hex);
	return cache_path(path, "enclaves", hex);
}

static size_t note_read(void *opaque, void *buf, size_t room)
{
	size_t size;

	return cache_read(opaque, buf, room, &size) ? size : 0;
}

static void note_write(void *opaque, const void *bytes, size_t size)
{
	if (cache_write(opaque, bytes, size))
		cache_expire("enclaves", NOTE_DAYS);
}

static enum err open_guest(const struct options *o, const char *vm, bool emulated, struct host_guest **ret,
			   struct err_ctx *err)
{
	const char *device = o->sealed.device;
	enum err e;

	if (o->sealed.carrier == ATTACH_PREAD)
		return host_guest_open_files(device ? device : ATTACH_DEVICE_MOUNT, emulated, ret, err);
	e = host_guest_open(device ? device : ATTACH_DEVICE_SOCKET, emulated, ret, err);
	return e ? e : host_guest_greet(*ret, vm, err);
}

/* Of a process a shell would say so; of a program inside nobody else does. */
static void say_signal(const char *image, int code)
{
	int sig = code - STATUS_RUN_SIGNAL;

	if (sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE || sig == SIGABRT)
		fprintf(stderr, "scwatcher: %s: ended by signal %d inside (%s)%s\n", image, sig, strsignal(sig),
			sig == SIGSEGV ? ": perhaps its stack is too small (sign --stack)" : "");
}

enum status cli_run_enclave(const struct options *o, char **argv)
{
	struct host_guest *guest = NULL;
	struct host_enclave enclave;
	struct err_ctx err = {0};
	uint8_t mrenclave[MEASURE_HASH_SIZE];
	struct host_notes notes = {note_read, note_write, NULL};
	char path[PATH_MAX];
	struct err_ctx no_guest = {0};
	const struct backend *backend;
	int code = 0;
	enum err e = choose_backend(o, &backend, &err), guest_e = ERR_OK;

	/* without a VM there is no device to reach */
	if (!e && strcmp(argv[0], "-") != 0)
		guest_e = open_guest(o, argv[0], !backend->protects, &guest, &no_guest);
	if (!e)
		e = load_image(backend, argv[1], &enclave, mrenclave, &err);
	if (e) {
		cli_complain(argv[1], e, &err);
		return e == ERR_ABSENT ? STATUS_RUN_ABSENT : STATUS_RUN_CANNOT;
	}
	if (guest_e) {
		e = guest_e;
		err = no_guest;
	}
	if (guest && !o->no_cache && note_path(mrenclave, argv[0], argv[1], path)) {
		notes.opaque = path;
		host_guest_keep(guest, &notes);
	}
	if (!e) {
		const struct host_hook hooks[] = {
			{ABI_OCALL_PROXY_FIRST, ABI_OCALL_PROXY_LAST, host_proxy_serve, NULL},
			{ABI_OCALL_GUEST_FIRST, ABI_OCALL_GUEST_LAST, host_guest_serve, guest},
		};
		const struct host_run_options run = {
			.argv = argv + 1,
			.envp = environ,
			.vm = guest ? argv[0] : NULL,
			.hooks = hooks,
			.hook_count = guest ? 2 : 1,
		};

		e = host_run(&enclave, &run, &code, &err);
		if (!e)
			say_signal(argv[1], code);
	}
	if (e)
		cli_complain(argv[0], e, &err);
	if (o->stats)
		print_counts(o->json);
	/* other threads of the enclave's may still be in it: what they use stays until the process ends */
	return e ? cli_status_of(e) : (enum status)code;
}
