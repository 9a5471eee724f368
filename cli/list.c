// SPDX-License-Identifier: MIT
/* scwatcher list: the VMs that run on this host. */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/vms.h"
#include "cli.h"

struct row {
	char pid[16];
	char memory[24];
	uint64_t size;
	char release[KTYPE_OSRELEASE_SIZE];
	const char *source;
	char problem[256];
};

static void describe(const struct vms_entry *v, struct row *r)
{
	struct err_ctx err = {0};
	struct ktype_boot boot;
	struct source *s = NULL;
	enum err e;

	memset(r, 0, sizeof(*r));
	snprintf(r->pid, sizeof(r->pid), "%d", (int)v->pid);
	r->source = "-";
	e = source_open_process(v->pid, &s, &err);
	if (!e)
		e = source_place(s, &boot, &err);
	if (s) {
		r->size = source_size(s);
		snprintf(r->memory, sizeof(r->memory), "%" PRIu64 " MiB", r->size >> 20);
	}
	if (!e) {
		snprintf(r->release, sizeof(r->release), "%s", boot.osrelease);
		r->source = source_copies(s) ? "private" : "shared";
	} else {
		snprintf(r->problem, sizeof(r->problem), "%s", err.text);
	}
	source_close(s);
}

static void print_text(const struct vms_entry *v, const struct row *r)
{
	cli_print_name(v->name[0] ? v->name : "-", 24);
	printf(" %8s %12s  %-8s ", r->pid, r->memory[0] ? r->memory : "-", r->source);
	if (r->release[0])
		cli_print_name(r->release, 0);
	else
		printf("- (%s)", r->problem);
	putchar('\n');
}

static json_object *to_json(const struct vms_entry *v, const struct row *r)
{
	json_object *o = json_object_new_object();

	if (v->name[0])
		cli_json_add_bytes(o, "name", v->name, strlen(v->name));
	else
		json_object_object_add(o, "name", NULL);
	json_object_object_add(o, "pid", json_object_new_int(v->pid));
	cli_json_add_bytes(o, "vmm", v->comm, strlen(v->comm));
	json_object_object_add(o, "memory_bytes",
			       r->size ? json_object_new_uint64(r->size) : NULL);
	json_object_object_add(o, "release",
			       r->release[0] ? json_object_new_string(r->release) : NULL);
	json_object_object_add(o, "source",
			       r->release[0] ? json_object_new_string(r->source) : NULL);
	json_object_object_add(o, "problem",
			       r->problem[0] ? json_object_new_string(r->problem) : NULL);
	return o;
}

enum status cli_list(const struct options *o, int argc, char **argv)
{
	struct vms_entry *vms = NULL;
	json_object *array = o->json ? json_object_new_array() : NULL;
	struct err_ctx err = {0};
	size_t count = 0;
	enum err e = vms_list(o->all, &vms, &count, &err);

	(void)argc;
	(void)argv;
	if (e)
		return cli_fail("list", e, &err);
	if (!o->json)
		printf("%-24s %8s %12s  %-8s %s\n", "NAME", "PID", "MEMORY", "SOURCE", "RELEASE");
	for (size_t i = 0; i < count; i++) {
		struct row r;

		describe(&vms[i], &r);
		/* of processes that aren't known as VMMs, only those that are some */
		if (o->all && !r.release[0] && !vms[i].known)
			continue;
		if (o->json)
			json_object_array_add(array, to_json(&vms[i], &r));
		else
			print_text(&vms[i], &r);
	}
	if (o->json) {
		printf("%s\n", json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY));
		json_object_put(array);
	}
	free(vms);
	return STATUS_OK;
}
