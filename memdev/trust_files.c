// SPDX-License-Identifier: MIT
/* See memdev/trust_files.h. */
#include "memdev/trust_files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"

struct text {
	char *bytes;
	size_t size;
	char name[NAME_MAX + 1];
};

struct memdev_trust_files {
	struct text root;
	size_t count;
	struct text collateral[MEMDEV_TRUST_FILES_MAX];
};

static int is_json(const struct dirent *d)
{
	size_t size = strlen(d->d_name);

	return d->d_name[0] != '.' && size > 5 && strcmp(d->d_name + size - 5, ".json") == 0;
}

static enum err read_all(struct memdev_trust_files *f, const char *folder, struct dirent **names,
			 int count, struct err_ctx *err)
{
	enum err e = ERR_OK;

	if (count > MEMDEV_TRUST_FILES_MAX)
		return err_set(err, ERR_LIMIT, "%.150s has more than %d files of collateral", folder,
			       MEMDEV_TRUST_FILES_MAX);
	for (int i = 0; i < count && !e; i++) {
		struct text *t = &f->collateral[f->count];
		char path[PATH_MAX];

		if (snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name) >=
		    (int)sizeof(path))
			return err_set(err, ERR_INVAL, "%.150s... is too long a path", folder);
		snprintf(t->name, sizeof(t->name), "%s", names[i]->d_name);
		e = settings_read(path, &t->bytes, &t->size, err);
		f->count += !e;
	}
	return e;
}

static enum err read_folder(struct memdev_trust_files *f, const char *folder, struct err_ctx *err)
{
	struct dirent **names;
	int count = scandir(folder, &names, is_json, alphasort);
	enum err e;

	if (count < 0)
		return errno == ENOENT ? ERR_OK
				       : err_set_errno(err, ERR_IO, errno, "can't list %.150s", folder);
	e = read_all(f, folder, names, count, err);
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return e;
}

enum err memdev_trust_files_read(const char *root, const char *folder,
				 struct memdev_trust_files **ret, struct err_ctx *err)
{
	struct memdev_trust_files *f = calloc(1, sizeof(*f));
	enum err e = f ? settings_read(root, &f->root.bytes, &f->root.size, err)
		       : err_set(err, ERR_NOMEM, "out of memory");

	if (!e)
		e = read_folder(f, folder, err);
	if (e) {
		memdev_trust_files_destroy(f);
		return e;
	}
	*ret = f;
	return ERR_OK;
}

void memdev_trust_files_destroy(struct memdev_trust_files *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->count; i++)
		free(f->collateral[i].bytes);
	free(f->root.bytes);
	free(f);
}

enum err memdev_trust_files_use(const struct memdev_trust_files *f, struct memdev_trust **ret,
				struct err_ctx *err)
{
	struct memdev_trust *t;
	enum err e = memdev_trust_create(f->root.bytes, f->root.size, &t, err);

	if (e)
		return e;
	for (size_t i = 0; i < f->count && !e; i++)
		e = memdev_trust_add(t, f->collateral[i].bytes, f->collateral[i].size,
				     f->collateral[i].name, err);
	if (e) {
		memdev_trust_destroy(t);
		return e;
	}
	*ret = t;
	return ERR_OK;
}
