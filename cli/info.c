// SPDX-License-Identifier: MIT
/* scwatcher info: what was found of a guest. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static void build_id_text(const struct ktype_boot *b, char text[2 * KTYPE_BUILD_ID_SIZE + 1])
{
	text[0] = '\0';
	for (size_t i = 0; b->has_build_id && i < KTYPE_BUILD_ID_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", b->build_id[i]);
}

static void print_json(const struct attach *a)
{
	char build_id[2 * KTYPE_BUILD_ID_SIZE + 1], hex[32];
	const struct ktype_boot *b = &a->boot;
	json_object *o = json_object_new_object(), *runs = json_object_new_array();
	size_t count = 0;
	const struct source_extent *x = a->source ? source_extents(a->source, &count) : NULL;

	build_id_text(b, build_id);
	json_object_object_add(o, "release", json_object_new_string(b->osrelease));
	json_object_object_add(o, "build_id",
			       build_id[0] ? json_object_new_string(build_id) : NULL);
	json_object_object_add(o, "pid", a->vmm ? json_object_new_int(a->vmm) : NULL);
	json_object_object_add(o, "sealed",
			       a->session ? json_object_new_string(
						    attach_carrier_name(a->sealed.carrier))
					  : NULL);
	if (a->source) {
		json_object_object_add(
			o, "source",
			json_object_new_string(source_kind_name(source_kind(a->source))));
		json_object_object_add(o, "mapped",
				       json_object_new_boolean(!source_copies(a->source)));
		json_object_object_add(o, "memory_bytes",
				       json_object_new_uint64(source_size(a->source)));
	}
	json_object_object_add(o, "paging_levels", json_object_new_int(b->paging.levels));
#define HEX(name, value)                                                                           \
	do {                                                                                       \
		snprintf(hex, sizeof(hex), "0x%" PRIx64, (uint64_t)(value));                       \
		json_object_object_add(o, name, json_object_new_string(hex));                      \
	} while (0)
	HEX("kernel_slide", b->kaslr);
	HEX("phys_base", b->phys_base);
	HEX("page_table", b->paging.kernel_top.v);
	HEX("vmcoreinfo", b->vmcoreinfo.v);
#undef HEX
	for (size_t i = 0; i < count; i++) {
		json_object *run = json_object_new_object();

		json_object_object_add(run, "start", json_object_new_uint64(x[i].gpa));
		json_object_object_add(run, "bytes", json_object_new_uint64(x[i].size));
		json_object_object_add(run, "at", json_object_new_uint64(x[i].backing));
		json_object_array_add(runs, run);
	}
	json_object_object_add(o, "physical_memory", runs);
	json_object_object_add(o, "layouts_asked",
			       json_object_new_uint64(llview_layout_count(a->layout)));
	json_object_object_add(o, "layouts_absent",
			       json_object_new_uint64(llview_layout_absent(a->layout)));
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
	json_object_put(o);
}

static void print_text(const struct attach *a)
{
	char build_id[2 * KTYPE_BUILD_ID_SIZE + 1];
	const struct ktype_boot *b = &a->boot;
	size_t count = 0;
	const struct source_extent *x = a->source ? source_extents(a->source, &count) : NULL;

	build_id_text(b, build_id);
	printf("release        %s\n", b->osrelease);
	printf("build id       %s\n", build_id[0] ? build_id : "-");
	if (a->session)
		printf("source         a memory device, sealed (%s)\n",
		       attach_carrier_name(a->sealed.carrier));
	else if (a->vmm)
		printf("process        %d\n", (int)a->vmm);
	else
		printf("process        - (a dump, or nobody has the file mapped)\n");
	if (a->source) {
		printf("source         %s, %s\n", source_kind_name(source_kind(a->source)),
		       source_copies(a->source) ? "read by copying" : "mapped");
		printf("memory         %" PRIu64 " MiB\n", source_size(a->source) >> 20);
	}
	printf("paging         %d levels\n", b->paging.levels);
	printf("kernel slide   0x%" PRIx64 "\n", b->kaslr);
	printf("phys_base      0x%" PRIx64 "\n", (uint64_t)b->phys_base);
	printf("page table     0x%" PRIx64 "\n", b->paging.kernel_top.v);
	printf("vmcoreinfo     0x%" PRIx64 "\n", b->vmcoreinfo.v);
	for (size_t i = 0; i < count && i < 16; i++)
		printf("%-14s 0x%" PRIx64 "-0x%" PRIx64 " at 0x%" PRIx64 "\n",
		       i ? "" : "physical", x[i].gpa, x[i].gpa + x[i].size - 1, x[i].backing);
	if (count > 16)
		printf("%-14s ... %zu runs\n", "", count);
	printf("layouts        %zu asked for, %zu absent in this kernel\n",
	       llview_layout_count(a->layout), llview_layout_absent(a->layout));
}

/* The layouts that programs of ours ask for, by their names. */
static enum err save_kernel(struct attach *a, const char *path, struct err_ctx *err)
{
	void *bytes;
	size_t size;
	FILE *f;
	bool written;

	if (llview_layout_export(a->layout, &a->boot, &a->alloc, &bytes, &size))
		return err_set(err, ERR_NOMEM, "out of memory");
	f = fopen(path, "we");
	written = f && fwrite(bytes, 1, size, f) == size;
	base_free(&a->alloc, bytes);
	if (!f || fclose(f) || !written)
		return err_set_errno(err, ERR_IO, errno, "can't write %s", path);
	return ERR_OK;
}

enum status cli_info(const struct options *o, int argc, char **argv)
{
	struct err_ctx err = {0};
	struct session s;
	enum status status = cli_session_open(o, argv[0], false, &s);
	enum err e;

	(void)argc;
	if (status)
		return status;
	if (o->json)
		print_json(s.a);
	else
		print_text(s.a);
	if (o->stats)
		cli_print_stats(o, s.a, NULL);
	e = o->save_kernel ? save_kernel(s.a, o->save_kernel, &err) : ERR_OK;
	if (e)
		cli_complain(argv[0], e, &err);
	cli_session_close(&s);
	return e ? STATUS_FAILED : STATUS_OK;
}
