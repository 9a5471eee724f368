// SPDX-License-Identifier: MIT
/* Stores: holes are left alone, a file that shrinks doesn't kill us; lines of /proc/PID/maps. */
#include "fixture.h"

#include "base/checked.h"
#include "sources/maps.h"
#include "store_file.c"

enum {
	PAGES = 64,
};

static const char text[] = "here";

static int sparse_file(void)
{
	int fd = memfd_create("ram", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, PAGES * 4096), 0);
	assert_int_equal(pwrite(fd, text, sizeof(text), 5 * 4096 + 100), sizeof(text));
	assert_int_equal(pwrite(fd, text, sizeof(text), 6 * 4096), sizeof(text));
	assert_int_equal(pwrite(fd, text, sizeof(text), 40 * 4096), sizeof(text));
	return fd;
}

static void test_file_holes(void **state)
{
	struct guest_phys_stats stats = {0};
	uint64_t start, end, blocks;
	char heads[PAGES][16], buf[3 * 4096];
	struct store_io io[PAGES];
	struct store *s;
	int fd = sparse_file();

	(void)state;
	blocks = fixture_blocks(fd);
	assert_int_equal(store_file_create(dup(fd), 0, PAGES * 4096, &stats, &s, NULL), ERR_OK);

	assert_true(s->ops->next_data(s, 0, PAGES * 4096, &start, &end));
	assert_int_equal(start, 5 * 4096);
	assert_int_equal(end, 7 * 4096);
	assert_true(s->ops->next_data(s, end, PAGES * 4096, &start, &end));
	assert_int_equal(start, 40 * 4096);
	assert_int_equal(end, 41 * 4096);
	assert_false(s->ops->next_data(s, end, PAGES * 4096, &start, &end));
	assert_false(s->ops->next_data(s, 0, 5 * 4096, &start, &end));

	for (uint64_t i = 0; i < PAGES; i++) {
		bool data = i == 5 || i == 6 || i == 40;

		assert_int_equal(s->ops->map(s, i * 4096) != NULL, data);
		io[i] = (struct store_io){i * 4096, heads[i], 16, false};
	}
	assert_int_equal(s->ops->read_many(s, io, PAGES, NULL), ERR_OK);
	for (size_t i = 0; i < PAGES; i++)
		assert_true(io[i].ok);
	assert_string_equal(heads[40], text);
	assert_int_equal(heads[41][0], 0);

	/* from a hole into data */
	memset(buf, 1, sizeof(buf));
	assert_int_equal(s->ops->read(s, 4 * 4096 + 10, buf, sizeof(buf), NULL), ERR_OK);
	assert_int_equal(buf[0], 0);
	assert_string_equal(buf + 4096 - 10 + 100, text);

	/* all that didn't allocate anything */
	assert_int_equal(fixture_blocks(fd), blocks);
	assert_int_equal(s->ops->alive(s, NULL), ERR_OK);
	store_destroy(s);
	close(fd);
}

/* Does the kernel map both pages at a fault of either? */
static bool come_together(const struct store_file *f, uint64_t a, uint64_t b)
{
	uint64_t base = (uintptr_t)f->map / GUEST_PAGE_SIZE;

	return (base + a) / FAULT_PAGES == (base + b) / FAULT_PAGES;
}

/* Who may not ask what is in memory learns it page by page, or from what is mapped to himself. */
static void test_file_of_others(void **state)
{
	enum { FIRST = 20, KNOWN = 40, END = 60 };
	struct guest_phys_stats stats = {0};
	struct store_file *f;
	struct store *s;
	unsigned int found = 0;
	uint64_t blocks;
	int fd = sparse_file(), asked;

	(void)state;
	for (unsigned int i = FIRST; i < END; i++)
		assert_int_equal(pwrite(fd, text, sizeof(text), i * 4096), sizeof(text));
	blocks = fixture_blocks(fd);
	assert_int_equal(store_file_create(dup(fd), 0, PAGES * 4096, &stats, &s, NULL), ERR_OK);
	assert_int_equal(s->ops->keep(s, 65534, NULL), ERR_OK);
	f = to_file(s);
	assert_false(f->may_mincore);
	assert_true(f->pagemap >= 0);

	/* the file isn't asked for what came together with a page that is known */
	set_known(f, KNOWN);
	asked = f->fd;
	f->fd = -1;
	for (unsigned int i = 0; i < PAGES; i++) {
		if (!s->ops->map(s, i * 4096))
			continue;
		assert_true(i >= FIRST && i < END && come_together(f, i, KNOWN));
		found++;
	}
	assert_true(found > 1);
	f->fd = asked;
	for (unsigned int i = 0; i < PAGES; i++)
		assert_int_equal(s->ops->map(s, i * 4096) != NULL,
				 i == 5 || i == 6 || (i >= FIRST && i < END));
	assert_int_equal(fixture_blocks(fd), blocks);
	store_destroy(s);
	close(fd);
}

/* Who opens a store again looks beforehand where the last one did, and says the same of itself if it did no more. */
static void test_file_looked(void **state)
{
	enum { FIRST = 20, END = 40, USED = 30 };
	struct guest_phys_stats stats = {0};
	uint32_t windows[8], again[8];
	struct store *s;
	size_t count;
	uint64_t blocks;
	int fd = sparse_file(), own;

	(void)state;
	for (unsigned int i = FIRST; i < END; i++)
		assert_int_equal(pwrite(fd, text, sizeof(text), i * 4096), sizeof(text));
	blocks = fixture_blocks(fd);
	assert_int_equal(store_file_create(dup(fd), 0, PAGES * 4096, &stats, &s, NULL), ERR_OK);
	assert_int_equal(s->ops->looked(s, windows, BASE_COUNT(windows)), 0);
	assert_int_equal(s->ops->keep(s, 65534, NULL), ERR_OK);
	assert_int_equal(s->ops->looked(s, windows, BASE_COUNT(windows)), 0);
	assert_non_null(s->ops->map(s, 5 * 4096));
	assert_non_null(s->ops->map(s, USED * 4096));
	assert_null(s->ops->map(s, (PAGES - 1) * 4096));
	count = s->ops->looked(s, windows, BASE_COUNT(windows));
	assert_in_range(count, 2, 3);
	assert_int_equal(s->ops->looked(s, again, 1), 1);
	store_destroy(s);

	assert_int_equal(store_file_create(dup(fd), 0, PAGES * 4096, &stats, &s, NULL), ERR_OK);
	s->ops->look(s, windows[1]); /* not kept yet: it does nothing */
	assert_false(is_known(to_file(s), USED));
	assert_int_equal(s->ops->keep(s, 65534, NULL), ERR_OK);
	for (size_t i = 0; i < count; i++)
		s->ops->look(s, windows[i]);
	s->ops->look(s, UINT32_MAX);
	/* it isn't asked for again, and isn't said to be of use until it is */
	own = to_file(s)->fd;
	to_file(s)->fd = -1;
	assert_int_equal(s->ops->looked(s, again, BASE_COUNT(again)), 0);
	assert_non_null(s->ops->map(s, USED * 4096));
	assert_int_equal(s->ops->looked(s, again, BASE_COUNT(again)), 1);
	to_file(s)->fd = own;
	for (unsigned int i = 0; i < PAGES; i++)
		assert_int_equal(s->ops->map(s, i * 4096) != NULL,
				 i == 5 || i == 6 || i == 40 || (i >= FIRST && i < END));
	assert_int_equal(fixture_blocks(fd), blocks);
	store_destroy(s);
	close(fd);
}

static void test_file_truncated(void **state)
{
	struct guest_phys_stats stats = {0};
	struct err_ctx err = {0};
	const char *page;
	struct store *s;
	int fd = sparse_file();

	(void)state;
	assert_int_equal(store_file_create(dup(fd), 0, PAGES * 4096, &stats, &s, NULL), ERR_OK);
	page = s->ops->map(s, 40 * 4096);
	assert_string_equal(page, text);
	assert_int_equal(ftruncate(fd, 8 * 4096), 0);
	/* the page is gone; looking at it gives zeros, not a signal */
	assert_int_equal(*(const volatile char *)page, 0);
	assert_int_equal(s->ops->alive(s, &err), ERR_GONE);
	assert_non_null(strstr(err.text, "truncated"));
	store_destroy(s);
	close(fd);
}

static void test_process(void **state)
{
	struct guest_phys_stats stats = {0};
	uint64_t start, end;
	char heads[PAGES][16];
	struct store_io io[PAGES];
	unsigned char in_core[PAGES];
	struct store *s;
	char *m = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	(void)state;
	madvise(m, PAGES * 4096, MADV_NOHUGEPAGE);
	strcpy(m + 5 * 4096, text);
	strcpy(m + 40 * 4096, text);
	assert_int_equal(munmap(m + 50 * 4096, 4096), 0);
	assert_int_equal(store_process_create(getpid(), (uintptr_t)m, PAGES * 4096, &stats, &s,
					      NULL),
			 ERR_OK);
	assert_true(s->ops->next_data(s, 0, PAGES * 4096, &start, &end));
	assert_int_equal(start, 5 * 4096);
	assert_int_equal(end, 6 * 4096);
	assert_true(s->ops->next_data(s, 6 * 4096, PAGES * 4096, &start, &end));
	assert_int_equal(start, 40 * 4096);
	for (uint64_t i = 0; i < PAGES; i++)
		io[i] = (struct store_io){i * 4096, heads[i], 16, false};
	assert_int_equal(s->ops->read_many(s, io, PAGES, NULL), ERR_OK);
	for (size_t i = 0; i < PAGES; i++)
		assert_int_equal(io[i].ok, i != 50);
	assert_string_equal(heads[40], text);
	/* reading through an own mapping isn't what a VMM's would do, but it must not write */
	assert_int_equal(mincore(m, 40 * 4096, in_core), 0);
	assert_int_equal(in_core[5] & 1, 1);
	assert_int_equal(s->ops->read(s, 50 * 4096, heads[0], 16, NULL), ERR_NOPHYS);
	assert_true(stats.reads > 0 && stats.bytes > 0);

	/* the same by a descriptor that outlives privileges */
	assert_int_equal(s->ops->keep(s, 65534, NULL), ERR_OK);
	memset(heads, 0, sizeof(heads));
	assert_int_equal(s->ops->read_many(s, io, PAGES, NULL), ERR_OK);
	for (size_t i = 0; i < PAGES; i++)
		assert_int_equal(io[i].ok, i != 50);
	assert_string_equal(heads[40], text);
	assert_int_equal(s->ops->read(s, 49 * 4096 + 4090, heads[0], 16, NULL), ERR_NOPHYS);
	assert_int_equal(s->ops->read(s, 5 * 4096, heads[0], 16, NULL), ERR_OK);
	assert_string_equal(heads[0], text);
	store_destroy(s);
	munmap(m, PAGES * 4096);

	/* a process that isn't there */
	assert_int_equal(store_process_create(0x3fffffff, 4096, 4096, &stats, &s, NULL), ERR_OK);
	assert_int_equal(s->ops->read(s, 0, heads[0], 16, NULL), ERR_GONE);
	assert_int_equal(s->ops->read_many(s, io, 1, NULL), ERR_GONE);
	assert_int_equal(s->ops->keep(s, 0, NULL), ERR_GONE);
	store_destroy(s);
}

static void test_maps(void **state)
{
	static const struct {
		const char *line;
		bool ok, ram;
		const char *path;
	} cases[] = {
		{"7f0000000000-7f0020000000 rw-p 00000000 00:00 0 \n", true, true, ""},
		{"7f0000000000-7f0020000000 rw-p 00000000 00:00 0", true, true, ""},
		{"7f0000000000-7f0020000000 rw-s 00000000 00:01 77                         "
		 "/memfd:pc.ram (deleted)\n",
		 true, true, "/memfd:pc.ram (deleted)"},
		{"7f0000000000-7f0020000000 rw-s 00000000 00:1b 2    /dev/shm/a b\n", true, true,
		 "/dev/shm/a b"},
		{"7f0000000000-7f0020000000 rw-s 00000000 fe:00 2 /var/lib/ram\n", true, true,
		 "/var/lib/ram"},
		{"7f0000000000-7f0020000000 rwxp 00000000 00:00 0\n", true, false, ""},
		{"7f0000000000-7f0020000000 r--p 00000000 00:00 0\n", true, false, ""},
		{"7f0000000000-7f0000200000 rw-p 00000000 00:00 0\n", true, false, ""},
		{"7f0000000000-7f0020000000 rw-p 00000000 00:00 0 [heap]\n", true, false, "[heap]"},
		{"7f0000000000-7f0020000000 rw-s 00000000 00:05 1 /dev/vfio/1\n", true, false,
		 "/dev/vfio/1"},
		{"7f0000000000-7f0020000000 rw-p 00000000 00:00 0 [anon:ram]\n", true, true,
		 "[anon:ram]"},
		{"", false, false, NULL},
		{"nonsense\n", false, false, NULL},
		{"7f0000000000-7f0020000000\n", false, false, NULL},
		{"7f0020000000-7f0000000000 rw-p 00000000 00:00 0\n", false, false, NULL},
		{"7f0000000001-7f0020000000 rw-p 00000000 00:00 0\n", false, false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct maps_entry m;
		char line[256];

		snprintf(line, sizeof(line), "%s", cases[i].line);
		assert_int_equal(maps_parse_line(line, &m), cases[i].ok);
		if (!cases[i].ok)
			continue;
		assert_string_equal(m.path, cases[i].path);
		assert_int_equal(maps_may_be_ram(&m), cases[i].ram);
		assert_int_equal(m.start, 0x7f0000000000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_holes),
		cmocka_unit_test(test_file_of_others),
		cmocka_unit_test(test_file_looked),
		cmocka_unit_test(test_file_truncated),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
