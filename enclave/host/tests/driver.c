// SPDX-License-Identifier: MIT
/*
 * The driver's backend, on the kernel's interface: driver ELF. With LD_PRELOAD of the emulation's
 * library it runs anywhere, on a machine with SGX without it. Skipped where there is neither.
 */
#include <stdbool.h>

#include "harness.h"

#define SKIP_EXIT 77

static void expect(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "failed: %s\n", what);
	exit(1);
}

int main(int argc, char **argv)
{
	struct file elf, pem = new_key(3072, 3);
	struct tiny_args args = {.a = 20, .b = 22};
	const struct backend *backend;
	struct host_enclave e;
	struct err_ctx err = {0};
	struct sign_image made;
	struct image image;

	if (argc != 2)
		return 2;
	if (backend_driver(&backend, &err)) {
		fprintf(stderr, "skipped: %s\n", err.text);
		return SKIP_EXIT;
	}
	expect(backend->protects && backend->enter, "the driver's backend is one that protects");
	elf = read_whole(argv[1]);
	made = signed_image(&elf, &pem);
	if (image_parse(made.data, made.size, &image, &err) || host_load(backend, &image, &e, &err))
		die_of("loading", &err);
	expect(call(&e, 0, TINY_ADD, &args) == 0 && args.result == 42, "an addition inside");
	args.a = 1;
	args.b = 0;
	expect(call(&e, 2, TINY_DIVIDE, &args) == 1 && args.result == 4242, "a division by zero");
	expect(call(&e, 3, TINY_REPORT, &args) == 0 && args.code == 0, "a report and keys");
	expect(memcmp(args.report.mrenclave, image.header->sigstruct.enclave_hash, 32) == 0,
	       "the report's MRENCLAVE is the signed one");
	host_unload(&e);

	/* the kernel says EPERM, the loader which byte */
	((struct abi_image *)made.data)->sigstruct.q1[0] ^= 1;
	expect(host_load(backend, &image, &e, &err) == ERR_TAMPERED, "a wrong q1 is refused");
	expect(strstr(err.text, "q1") != NULL, "with a text of its own");
	printf("%s: all as expected\n", backend->name);
	sign_deinit(&made);
	free(elf.data);
	free(pem.data);
	return 0;
}
