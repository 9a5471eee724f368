// SPDX-License-Identifier: MIT
/* scwatcher cat and ls: files of the guest's /proc without a tool in between. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "procfs/procfs.h"
#include "vfs/vfs.h"

struct view {
	struct session s;
	struct procfs *procfs;
	struct vfs *vfs;
};

/* Where the names of functions come from that /proc/PID/wchan shows. */
static const struct ktype *kernel_names(void *ctx)
{
	const struct ktype *k;

	return attach_ktype(ctx, &k, NULL) ? NULL : k;
}

static enum status view_open(const struct options *o, const char *vm, struct view *v)
{
	uint8_t notes[PROCFS_NOTES_SIZE];
	struct err_ctx err = {0};
	enum status status;
	enum err e;

	memset(v, 0, sizeof(*v));
	status = cli_session_open(o, vm, false, &v->s);
	if (status)
		return status;
	e = procfs_create(&v->s.a->alloc, v->s.a->guest, &v->procfs, &err);
	if (e) {
		cli_session_close(&v->s);
		return cli_fail(vm, e, &err);
	}
	procfs_use_names(v->procfs, kernel_names, v->s.a);
	if (attach_note_read(v->s.a, "facts", notes, procfs_notes_size()))
		procfs_notes_load(v->procfs, notes, procfs_notes_size());
	v->vfs = procfs_vfs(v->procfs);
	return STATUS_OK;
}

static void view_close(const struct options *o, struct view *v)
{
	uint8_t notes[PROCFS_NOTES_SIZE];
	size_t size = procfs_notes_save(v->procfs, notes);

	if (size)
		attach_note_write(v->s.a, "facts", notes, size);
	if (o->stats)
		cli_print_stats(o, v->s.a, NULL);
	procfs_destroy(v->procfs);
	cli_session_close(&v->s);
}

static enum status file_failed(const char *path, int error)
{
	fprintf(stderr, "scwatcher: %s: %s\n", path, strerror(error));
	return STATUS_FAILED;
}

/* Whatever the guest said counts only if it is still there: else it may be half a file. */
static enum status check_alive(struct view *v, const char *path)
{
	struct err_ctx err = {0};
	enum err e = attach_alive(v->s.a, &err);

	return e ? cli_fail(path, e, &err) : STATUS_OK;
}

static int walk(struct view *v, const char *path, unsigned int flags, struct vfs_place *ret)
{
	if (strncmp(path, "/proc", 5) == 0 && (path[5] == '/' || path[5] == '\0'))
		path += 5;
	return vfs_walk(v->vfs, NULL, path[0] ? path : "/", flags, ret);
}

static int read_whole(struct view *v, const struct vfs_node *n, char **ret, size_t *size_ret)
{
	size_t size = 0, room = 64 << 10;
	char *buf = malloc(room);
	struct vfs_file *f;
	int64_t got;
	int r;

	if (!buf)
		return -ENOMEM;
	r = vfs_open(v->vfs, n, &f);
	if (r < 0) {
		free(buf);
		return r;
	}
	while ((got = vfs_pread(f, buf + size, room - size, (int64_t)size)) > 0) {
		char *more;

		size += (size_t)got;
		if (room - size > room / 4)
			continue;
		more = realloc(buf, room * 2);
		if (!more) {
			got = -ENOMEM;
			break;
		}
		buf = more;
		room *= 2;
	}
	vfs_close(f);
	if (got < 0) {
		free(buf);
		return (int)got;
	}
	*ret = buf;
	*size_ret = size;
	return 0;
}

static enum status cat_one(const struct options *o, struct view *v, const char *path,
			   json_object *array)
{
	struct vfs_place *place = malloc(sizeof(*place));
	enum status status = STATUS_OK;
	char *bytes = NULL;
	size_t size = 0;
	int r = place ? walk(v, path, 0, place) : -ENOMEM;

	if (r == 0 && place->kind == VFS_OUTSIDE) {
		fprintf(stderr, "scwatcher: %s: leads out of /proc, to %s\n", path, place->path);
		status = STATUS_FAILED;
	} else if (r == 0) {
		r = read_whole(v, &place->node, &bytes, &size);
	}
	free(place);
	/* a guest that has gone makes files fail, or look empty: that is the news then */
	if (!status)
		status = check_alive(v, path);
	if (!status && r < 0)
		status = file_failed(path, -r);
	if (!status && o->json) {
		json_object *file = json_object_new_object();

		cli_json_add_bytes(file, "path", path, strlen(path));
		cli_json_add_bytes(file, "content", bytes, size);
		json_object_array_add(array, file);
	} else if (!status && fwrite(bytes, 1, size, stdout) != size) {
		status = STATUS_FAILED; /* main() says so */
	}
	free(bytes);
	return status;
}

enum status cli_cat(const struct options *o, int argc, char **argv)
{
	json_object *array;
	struct view v;
	enum status worst = STATUS_OK, status = view_open(o, argv[0], &v);

	if (status)
		return status;
	array = o->json ? json_object_new_array() : NULL;
	for (int i = 1; i < argc && worst != STATUS_GONE; i++) {
		status = cat_one(o, &v, argv[i], array);
		if (status)
			worst = status;
	}
	if (array) {
		printf("%s\n", json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY));
		json_object_put(array);
	}
	view_close(o, &v);
	return worst;
}

struct listing {
	struct entry {
		char name[VFS_NAME_MAX + 1];
		struct vfs_stat st;
		char *link; /* NULL: not a link */
	} *entries;
	size_t count, room;
};

static void listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->entries[i].link);
	free(l->entries);
}

static int listing_add(struct view *v, struct listing *l, const char *name,
		       const struct vfs_node *n)
{
	struct entry *e;
	char *text;
	int r;

	if (l->count == l->room) {
		struct entry *more;

		l->room = l->room ? l->room * 2 : 256;
		more = reallocarray(l->entries, l->room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		l->entries = more;
	}
	e = &l->entries[l->count];
	memset(e, 0, sizeof(*e));
	snprintf(e->name, sizeof(e->name), "%s", name);
	r = vfs_getattr(v->vfs, n, &e->st);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (S_ISLNK(e->st.mode)) {
		text = malloc(VFS_PATH_MAX);
		r = text ? vfs_readlink(v->vfs, n, text) : -ENOMEM;
		if (r >= 0)
			e->link = strndup(text, (size_t)r);
		free(text);
	}
	l->count++;
	return 0;
}

static int list_folder(struct view *v, const struct vfs_node *n, struct vfs_place *place,
		       struct listing *l)
{
	struct vfs_dirent d;
	struct vfs_file *f;
	int r = vfs_open(v->vfs, n, &f);

	if (r < 0)
		return r;
	for (uint64_t i = 0; (r = vfs_dirent_at(f, i, &d)) > 0; i++) {
		if (strcmp(d.name, ".") == 0 || strcmp(d.name, "..") == 0)
			continue;
		/* what went away since the listing is left out */
		if (vfs_walk(v->vfs, n, d.name, VFS_WALK_NOFOLLOW, place) == 0 &&
		    place->kind == VFS_FOUND)
			r = listing_add(v, l, d.name, &place->node);
		if (r < 0)
			break;
	}
	vfs_close(f);
	return r;
}

static int list_path(struct view *v, const char *path, struct listing *l)
{
	struct vfs_place *place = malloc(sizeof(*place));
	struct vfs_stat st;
	struct vfs_node n;
	int r = place ? walk(v, path, 0, place) : -ENOMEM;

	if (r == 0 && place->kind == VFS_OUTSIDE)
		r = walk(v, path, VFS_WALK_NOFOLLOW, place);
	if (r == 0 && place->kind == VFS_OUTSIDE)
		r = -ENOENT;
	if (r == 0) {
		n = place->node;
		r = vfs_getattr(v->vfs, &n, &st);
	}
	if (r == 0)
		r = S_ISDIR(st.mode) ? list_folder(v, &n, place, l) : listing_add(v, l, path, &n);
	free(place);
	return r;
}

static const char *type_name(uint32_t mode)
{
	return S_ISDIR(mode) ? "folder" : S_ISLNK(mode) ? "link" : "file";
}

static void mode_text(uint32_t mode, char text[11])
{
	text[0] = S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' : '-';
	for (int i = 0; i < 9; i++)
		text[1 + i] = mode & (0400u >> i) ? "rwx"[i % 3] : '-';
	text[10] = '\0';
}

static void print_listing(const struct options *o, const struct listing *l)
{
	json_object *array = o->json ? json_object_new_array() : NULL;

	for (size_t i = 0; i < l->count; i++) {
		const struct entry *e = &l->entries[i];
		char mode[11];

		mode_text(e->st.mode, mode);
		if (array) {
			json_object *x = json_object_new_object();

			cli_json_add_bytes(x, "name", e->name, strlen(e->name));
			json_object_object_add(x, "type",
					       json_object_new_string(type_name(e->st.mode)));
			json_object_object_add(x, "mode", json_object_new_string(mode));
			json_object_object_add(x, "uid", json_object_new_uint64(e->st.uid));
			json_object_object_add(x, "gid", json_object_new_uint64(e->st.gid));
			if (e->link)
				cli_json_add_bytes(x, "link", e->link, strlen(e->link));
			json_object_array_add(array, x);
		} else if (o->longer) {
			printf("%s %3u %6u %6u %8" PRId64 " %s%s%s\n", mode, e->st.nlink, e->st.uid,
			       e->st.gid, e->st.size, e->name, e->link ? " -> " : "",
			       e->link ? e->link : "");
		} else {
			printf("%s\n", e->name);
		}
	}
	if (array) {
		printf("%s\n", json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY));
		json_object_put(array);
	}
}

enum status cli_ls(const struct options *o, int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/proc";
	struct listing l = {0};
	struct view v;
	enum status status = view_open(o, argv[0], &v);
	int r;

	if (status)
		return status;
	r = list_path(&v, path, &l);
	status = check_alive(&v, path);
	if (!status && r < 0)
		status = file_failed(path, -r);
	if (!status)
		print_listing(o, &l);
	listing_free(&l);
	view_close(o, &v);
	return status;
}
