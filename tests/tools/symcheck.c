// SPDX-License-Identifier: MIT
/*
 * usage: symcheck RAM-FILE < /proc/kallsyms of that guest
 *
 * Discovers the kernel in the RAM file and compares every symbol of the image with what the guest
 * says, by name and by address, as read from the guest and again from a saved profile. Prints how
 * many were compared; exit status 1 when one differs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/pages.h"
#include "ktype/ktype.h"
#include "sources/source.h"

enum {
	SHOWN = 5, /* differences that are printed */
	MEMORY = 256 << 20,
};

struct counts {
	unsigned int same, other, missing, at, at_other;
};

static void show(const struct counts *c, const char *what, const char *line)
{
	if (c->missing + c->at_other <= SHOWN)
		printf("%s: %s", what, line);
}

/* One line of the guest's text; `previous` is the address of the line before. */
static void check_line(const struct ktype *k, const char *line, uint64_t end, uint64_t *previous,
		       struct counts *c)
{
	char type, name[KTYPE_NAME_SIZE], found[KTYPE_NAME_SIZE], module[64] = "";
	unsigned long long address;
	uint64_t offset = 0;
	struct gva at;

	if (sscanf(line, "%llx %c %511s %63s", &address, &type, name, module) < 3 || module[0])
		return;
	if (ktype_symbol(k, name, &at) != ERR_OK) {
		c->missing++;
		show(c, "no such symbol", line);
	} else if (at.v == address) {
		c->same++;
	} else {
		c->other++; /* several of one name: the lowest counts */
		if (at.v > address) {
			c->missing++;
			show(c, "lower than found", line);
		}
	}
	/* The first of those at one address, within the image. */
	if (address != *previous && address > UINT32_MAX && address < end) {
		if (ktype_symbol_at(k, (struct gva){address}, found, &offset) == ERR_OK &&
		    !strcmp(found, name) && offset == 0) {
			c->at++;
		} else {
			c->at_other++;
			show(c, "not found at its address", line);
		}
	}
	*previous = address;
}

static bool check_all(const char *what, const struct ktype *k, const char *text)
{
	struct counts c = {0};
	uint64_t previous = 0;
	struct gva end = {UINT64_MAX};

	(void)!ktype_symbol(k, "_end", &end);
	while (*text) {
		size_t size = strcspn(text, "\n");
		char line[1024];

		snprintf(line, sizeof(line), "%.*s\n", (int)size, text);
		check_line(k, line, end.v, &previous, &c);
		text += size + (text[size] == '\n');
	}
	printf("%s: %u symbols equal, %u of a name that occurs more than once, %u missing; "
	       "%u found by address, %u not\n",
	       what, c.same, c.other, c.missing, c.at, c.at_other);
	return c.same > 10000 && !c.missing && c.at > 10000 && !c.at_other;
}

static char *read_all(FILE *f)
{
	size_t size = 0, room = 16 << 20;
	char *text = malloc(room + 1);

	while (text && size < room) {
		size_t n = fread(text + size, 1, room - size, f);

		if (n == 0)
			break;
		size += n;
	}
	if (text)
		text[size] = '\0';
	return text;
}

static int fail(const struct err_ctx *err, enum err code)
{
	char line[512];
	struct err_ctx e = *err;

	e.code = code;
	fprintf(stderr, "symcheck: %s\n", err_describe(&e, line, sizeof(line)));
	return 1;
}

int main(int argc, char **argv)
{
	struct err_ctx err = {0};
	struct guest_pages *pages;
	struct ktype *k, *loaded;
	struct base_alloc alloc;
	struct ktype_boot boot;
	struct source *source;
	char *text;
	void *bytes;
	size_t size;
	enum err e;
	bool good;

	if (argc != 2) {
		fprintf(stderr, "usage: %s RAM-FILE < kallsyms\n", argv[0]);
		return 2;
	}
	base_alloc_init(&alloc, MEMORY);
	text = read_all(stdin);
	if (!text)
		return 1;
	e = source_open_file(argv[1], &source, &err);
	if (e == ERR_OK)
		e = source_place(source, &boot, &err);
	if (e == ERR_OK)
		e = guest_walk_pages_create(&alloc, source_phys(source), &boot.paging, 4096, &pages);
	if (e == ERR_OK)
		e = ktype_create(&alloc, pages, &boot, NULL, &k, &err);
	if (e == ERR_OK)
		e = ktype_save(k, &alloc, &bytes, &size);
	if (e == ERR_OK)
		e = ktype_load(&alloc, bytes, size, &boot, &loaded, &err);
	if (e != ERR_OK)
		return fail(&err, e);
	printf("Linux %s, %u levels\n", boot.osrelease, boot.paging.levels);
	good = check_all("from the guest", k, text);
	good = check_all("from a profile", loaded, text) && good;
	ktype_destroy(loaded);
	base_free(&alloc, bytes);
	ktype_destroy(k);
	guest_pages_destroy(pages);
	source_close(source);
	free(text);
	return good ? 0 : 1;
}
