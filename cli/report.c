// SPDX-License-Identifier: MIT
/* What all commands do the same way: opening a session, and its figures. */
#include <json-c/json.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/share.h"
#include "base/utf8.h"
#include "cli.h"

enum status cli_session_open(const struct options *o, const char *vm, bool find_only,
			     struct session *s)
{
	struct attach_opts opts = {
		.vm = vm,
		.btf = o->btf,
		.symbols = o->symbols,
		.no_cache = o->no_cache,
		.program = "cli",
		.find_only = find_only,
		.sealed = &o->sealed,
	};
	struct err_ctx err = {0};
	enum err e;

	memset(s, 0, sizeof(*s));
	e = attach_open(&opts, &s->a, &err);
	if (e)
		return cli_fail(vm, e, &err);
	if (!o->pause)
		return STATUS_OK;
	if (!s->a->vmm) {
		/* a dump stands still by itself; a RAM file that nobody maps does, too */
		return STATUS_OK;
	}
	e = pause_begin(s->a->vmm, &s->pause, &err);
	if (e)
		cli_session_close(s);
	return e ? cli_fail(vm, e, &err) : STATUS_OK;
}

void cli_session_close(struct session *s)
{
	pause_end(s->pause);
	attach_close(s->a);
	memset(s, 0, sizeof(*s));
}

void cli_json_add_bytes(json_object *to, const char *name, const void *bytes, size_t size)
{
	size_t room = sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
	char key[64], *text;

	if (base_utf8_valid(bytes, size)) {
		json_object_object_add(to, name, json_object_new_string_len(bytes, (int)size));
		return;
	}
	text = malloc(room);
	if (text)
		sodium_bin2base64(text, room, bytes, size, sodium_base64_VARIANT_ORIGINAL);
	snprintf(key, sizeof(key), "%s_base64", name);
	json_object_object_add(to, key, text ? json_object_new_string(text) : NULL);
	free(text);
}

struct figure {
	const char *name;
	const char *unit;
	uint64_t value;
};

static void add_json(json_object *to, const struct figure *f, size_t count)
{
	for (size_t i = 0; i < count; i++)
		json_object_object_add(to, f[i].name, json_object_new_uint64(f[i].value));
}

static void print_text(const char *title, const struct figure *f, size_t count)
{
	fprintf(stderr, "%s\n", title);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(f[i].unit, "ns") == 0)
			fprintf(stderr, "  %-22.*s %10.3f ms\n", (int)strlen(f[i].name) - 3,
				f[i].name, (double)f[i].value / 1e6);
		else
			fprintf(stderr, "  %-22s %10llu %s\n", f[i].name,
				(unsigned long long)f[i].value, f[i].unit);
	}
}

enum {
	FIGURES_MAX = 32,
};

static size_t add_sealed(struct figure *f, size_t n, const struct attach_sealed_stats *s)
{
	const struct figure more[] = {
		{"sessions", "", s->sessions},
		{"round_trips", "", s->round_trips},
		{"records", "", s->records},
		{"sealed_pages", "", s->pages},
		{"sealed_bytes", "bytes", s->bytes},
		{"cipher_calls", "", s->cipher_calls},
		{"sleeps", "", s->sleeps},
	};

	memcpy(f + n, more, sizeof(more));
	return n + sizeof(more) / sizeof(more[0]);
}

static size_t own_figures(const struct attach *a, struct figure f[FIGURES_MAX])
{
	const struct guest_phys_stats *phys = a->source ? &source_phys(a->source)->stats : NULL;
	const struct llview_guest_stats *view = llview_guest_stats(a->guest);
	const struct guest_pages_stats *pages = &a->pages->stats;
	const struct figure all[] = {
		{"attach_ns", "ns", a->stats.total_ns},
		{"attach_open_ns", "ns", a->stats.open_ns},
		{"attach_place_ns", "ns", a->stats.place_ns},
		{"attach_session_ns", "ns", a->stats.session_ns},
		{"attach_kernel_ns", "ns", a->stats.kernel_ns},
		{"known_vm", "", a->stats.known_instance},
		{"known_kernel", "", a->stats.known_kernel},
		{"known_layout", "", a->stats.known_layout},
		{"memory_reads", "", phys ? phys->reads : 0},
		{"memory_read_bytes", "bytes", phys ? phys->bytes : 0},
		{"page_lookups", "", pages->lookups},
		{"page_cache_hits", "", pages->hits},
		{"page_walks", "", pages->walks},
		{"page_faults", "", pages->faults},
		{"tlb_misses", "", view->misses},
		{"epochs", "", pages->epochs},
	};
	struct attach_sealed_stats sealed;

	memcpy(f, all, sizeof(all));
	if (!a->session)
		return sizeof(all) / sizeof(all[0]);
	sealed = a->session->stats(a->session);
	return add_sealed(f, sizeof(all) / sizeof(all[0]), &sealed);
}

static size_t figures_of(const struct share_totals *t, bool sealed, struct figure f[FIGURES_MAX])
{
	const struct figure all[] = {
		{"processes", "", t->processes},
		{"handed_over", "", t->handed_over},
		{"attach_sum_ns", "ns", t->attach_ns},
		{"attach_max_ns", "ns", t->attach_max_ns},
		{"memory_reads", "", t->reads},
		{"memory_read_bytes", "bytes", t->bytes},
		{"page_lookups", "", t->pages},
		{"page_cache_hits", "", t->page_hits},
		{"page_walks", "", t->walks},
		{"page_faults", "", t->faults},
		{"tlb_misses", "", t->tlb_misses},
	};

	memcpy(f, all, sizeof(all));
	return sealed ? add_sealed(f, sizeof(all) / sizeof(all[0]), &t->sealed) :
			sizeof(all) / sizeof(all[0]);
}

void cli_print_stats(const struct options *o, const struct attach *a,
		     const struct share_totals *children)
{
	struct figure own[FIGURES_MAX], others[FIGURES_MAX];
	size_t own_count = a->guest ? own_figures(a, own) : 0;
	size_t count = children ? figures_of(children, a->sealed.carrier, others) : 0;

	if (o->json) {
		json_object *root = json_object_new_object();
		json_object *self = json_object_new_object();
		json_object *rest = json_object_new_object();

		add_json(self, own, own_count);
		json_object_object_add(root, "scwatcher", self);
		add_json(rest, others, count);
		if (children)
			json_object_object_add(root, "command", rest);
		else
			json_object_put(rest);
		fprintf(stderr, "%s\n", json_object_to_json_string(root));
		json_object_put(root);
		return;
	}
	if (own_count)
		print_text("scwatcher:", own, own_count);
	if (children)
		print_text("the command and what it started:", others, count);
}

void cli_print_name(const char *name, int width)
{
	int n = 0;

	for (; *name; name++, n++)
		putchar((unsigned char)*name < 0x20 || *name == 0x7f ? '?' : *name);
	for (; n < width; n++)
		putchar(' ');
}
