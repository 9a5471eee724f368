// SPDX-License-Identifier: MIT
/*
 * Signs a program with a key of its own (unless it is an image already) and runs it in an enclave on this process's
 * standard streams: run_image MODES|hardware CONFIGURATION|- PROGRAM [ARGUMENT...]
 */
#include <unistd.h>

#include "harness.h"
#include "host/proxy.h"
#include "host/run.h"

extern char **environ;

int main(int argc, char **argv)
{
	struct host_hook hook = { ABI_OCALL_PROXY_FIRST, ABI_OCALL_PROXY_LAST, host_proxy_serve,
					NULL };
	struct host_run_options options = { argv + 3, environ, "", &hook, 1 };
	struct sign_options o = { .heap_size = 16 << 20, .thread_count = 4, .date = 0x20260102 };
	const struct backend *backend;
	struct err_ctx err = {0};
	struct sign_image made;
	struct host_enclave e;
	struct file elf, pem, config = {0};
	struct image image;
	int code;

	if (argc < 4)
		return 2;
	if (strcmp(argv[2], "-") != 0)
		config = read_whole(argv[2]);
	elf = read_whole(argv[3]);
	o.config = config.data;
	o.config_size = config.size;
	if (elf.size > sizeof(ABI_IMAGE_MAGIC) &&
	    memcmp(elf.data, ABI_IMAGE_MAGIC, sizeof(ABI_IMAGE_MAGIC)) == 0) {
		made = (struct sign_image){ elf.data, elf.size };
	} else {
		pem = new_key(3072, 3);
		if (sign_build(elf.data, elf.size, &o, &made, &err) ||
		    sign_sign(&made, pem.data, pem.size, &o, &err))
			die_of(argv[3], &err);
	}
	backend = chosen_backend(argv[1]);
	if (image_parse(made.data, made.size, &image, &err) ||
	    host_load(backend, &image, &e, &err) || host_run(&e, &options, &code, &err))
		die_of(argv[3], &err);
	/* the program's other threads, and the host's, go on for a moment: not with these */
	memset(&e, 0xff, sizeof(e));
	memset(&hook, 0xff, sizeof(hook));
	memset(&options, 0xff, sizeof(options));
	usleep(20000);
	return code;
}
