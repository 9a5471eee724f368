// SPDX-License-Identifier: MIT
/* Placement: RAM files, images and processes whose guests have a hole below 4 GiB, or haven't. */
#include "fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* Place, read the kernel, settle; checks that the extents are those of the fixture. */
static void check_placed(struct fixture *f, struct source *s, bool with_hole)
{
	const struct source_extent *x;
	struct guest_pages *pages;
	struct base_alloc alloc;
	struct ktype_boot boot;
	struct err_ctx err = {0};
	struct ktype *k;
	size_t count;
	bool changed;

	base_alloc_init(&alloc, 256 * MIB);
	if (source_place(s, &boot, &err))
		fail_msg("%s", err.text);
	assert_int_equal(guest_walk_pages_create(&alloc, source_phys(s), &boot.paging, 4096, &pages),
			 ERR_OK);
	assert_int_equal(ktype_create(&alloc, pages, &boot, NULL, &k, &err), ERR_OK);
	pages->ops->destroy(pages);
	if (source_settle(s, &alloc, k, &boot, &changed, &err))
		fail_msg("%s", err.text);
	assert_int_equal(boot.vmcoreinfo.v, f->places.vmcoreinfo);
	x = source_extents(s, &count);
	assert_int_equal(x[0].gpa, 0);
	if (with_hole || f->split == f->size) {
		for (size_t i = 1; i < count; i++)
			assert_int_equal(x[i].gpa, x[i - 1].gpa + x[i - 1].size);
		assert_true(x[count - 1].gpa + x[count - 1].size >= f->size);
	} else {
		uint64_t low = 0, high = 0;

		/* blocks may be cut anywhere, but nothing lies in the hole */
		for (size_t i = 0; i < count; i++) {
			if (x[i].gpa < 4 * GIB)
				low = x[i].gpa + x[i].size;
			else
				high = x[i].gpa + x[i].size;
		}
		assert_int_equal(low, f->split);
		assert_int_equal(high, 4 * GIB + f->size - f->split);
	}
	ktype_destroy(k);
	assert_int_equal(alloc.used, 0);
}

static const struct {
	const char *what;
	uint64_t size, split, kernel_at;
	uint64_t scatter; /* where a page table of the image is; 0: it has none */
} guests[] = {
	{"small", 64 * MIB, 64 * MIB, 16 * MIB},
	{"pc, kernel low", 5 * GIB, 3 * GIB, 16 * MIB},
	{"pc, kernel high", 5 * GIB, 3 * GIB, 4 * GIB + 512 * MIB},
	{"q35, kernel low", 5 * GIB, 2 * GIB, 32 * MIB},
	{"q35, kernel high", 5 * GIB, 2 * GIB, 5 * GIB},
	{"q35, 3 GiB", 3 * GIB, 2 * GIB, 4 * GIB + 16 * MIB},
	{"another VMM, kernel low", 6 * GIB, 0xd0000000, 64 * MIB},
	{"a split never seen, kernel low", 5 * GIB, 0x9a500000, 64 * MIB},
	{"q35, kernel low, its tables high", 5 * GIB, 2 * GIB, 32 * MIB, 6 * GIB},
	{"never seen, kernel low, tables high", 5 * GIB, 0x9a500000, 64 * MIB, 4 * GIB + 77 * MIB},
	{"a split never seen, kernel high", 5 * GIB, 0x9a500000, 4 * GIB + 64 * MIB},
};

static void test_ram_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		struct fixture f;
		struct err_ctx err = {0};
		struct source *s;
		uint64_t blocks;
		char path[64];
		int fd;

		print_message("%s\n", guests[i].what);
		fixture_init(&f, guests[i].size, guests[i].split, guests[i].kernel_at);
		if (guests[i].scatter)
			fixture_scatter(&f, guests[i].scatter);
		fd = fixture_memfd(&f, false, path);
		blocks = fixture_blocks(fd);
		assert_int_equal(source_open_file(path, &s, &err), ERR_OK);
		assert_int_equal(source_kind(s), SOURCE_RAM_FILE);
		check_placed(&f, s, false);
		assert_false(source_copies(s));
		source_close(s);
		/* nothing that the guest never touched was touched by us */
		assert_int_equal(fixture_blocks(fd), blocks);
		close(fd);
		fixture_deinit(&f);
	}
}

/* An image whose offsets are physical addresses, the hole included. */
static void test_image_with_hole(void **state)
{
	(void)state;
	for (size_t i = 1; i <= 2; i++) {
		struct fixture f;
		struct err_ctx err = {0};
		struct source *s;
		char path[64];
		int fd;

		fixture_init(&f, guests[i].size, guests[i].split, guests[i].kernel_at);
		fd = fixture_memfd(&f, true, path);
		assert_int_equal(source_open_file(path, &s, &err), ERR_OK);
		check_placed(&f, s, true);
		source_close(s);
		close(fd);
		fixture_deinit(&f);
	}
}

struct blocks {
	struct fixture *f;
	uint64_t size[4]; /* one after the other: the guest's RAM */
	char *at[4];
	size_t count;
};

static void put_blocks(void *arg, uint64_t gpa, const void *page)
{
	struct blocks *b = arg;
	uint64_t at = fixture_offset(b->f, gpa);
	size_t i = 0;

	while (at >= b->size[i])
		at -= b->size[i++];
	memcpy(b->at[i] + at, page, 4096);
}

/* A process that has the guest's RAM in mappings of its own, as a VMM. */
static pid_t start_vmm(struct blocks *b, bool shared)
{
	int ready[2];
	char byte = 0, *room;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* something that is not RAM, and larger than it */
		mmap(NULL, 7 * GIB, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		for (size_t i = 0; i < b->count; i++) {
			int fd = shared ? memfd_create("pc.ram", 0) : -1;

			if (shared && ftruncate(fd, (off_t)b->size[i]) < 0)
				_exit(1);
			/* guards around it, as QEMU has, so that the kernel doesn't merge mappings */
			room = mmap(NULL, b->size[i] + 2 * MIB, PROT_NONE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
			b->at[i] = mmap(room + MIB, b->size[i], PROT_READ | PROT_WRITE,
					(shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS) |
						MAP_NORESERVE | MAP_FIXED,
					fd, 0);
			if (b->at[i] == MAP_FAILED)
				_exit(1);
		}
		fixture_each_page(b->f, put_blocks, b);
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void end_vmm(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool holds_piece(const struct source_piece *all, size_t count, const struct source_piece *p)
{
	for (size_t i = 0; i < count; i++) {
		if (memcmp(&all[i], p, sizeof(*p)) == 0)
			return true;
	}
	return false;
}

static void check_process(struct fixture *f, struct blocks *b, bool shared)
{
	pid_t pid = start_vmm(b, shared);
	struct err_ctx err = {0};
	struct ktype_boot boot;
	struct source_extent extents[8];
	const struct source_extent *x;
	struct source_piece pieces[SOURCE_PIECES_MAX], kept[SOURCE_PIECES_MAX];
	size_t piece_count, kept_count;
	struct source *s;
	size_t count;
	bool few;

	/* where it is, by who opens all that may be a guest's */
	assert_int_equal(source_open_process(pid, &s, &err), ERR_OK);
	assert_int_equal(source_keep(s, 0, getuid(), &err), ERR_OK);
	/* sanitizers have more that may be */
	few = source_pieces(s, kept, &kept_count) == ERR_OK;
	source_close(s);

	assert_int_equal(source_open_process(pid, &s, &err), ERR_OK);
	check_placed(f, s, false);
	assert_int_equal(source_copies(s), !shared);
	x = source_extents(s, &count);
	memcpy(extents, x, count * sizeof(extents[0]));
	assert_int_equal(ktype_boot_find(source_phys(s), (struct gpa){f->places.vmcoreinfo}, &boot,
					 &err),
			 ERR_OK);
	assert_int_equal(source_watch(s, pid, &boot, &err), ERR_OK);
	assert_int_equal(source_alive(s, &err), ERR_OK);
	assert_int_equal(source_pieces(s, pieces, &piece_count), ERR_OK);
	assert_true(piece_count > 0);
	assert_int_equal(pieces[0].path[0] != '\0', shared);
	for (size_t i = 0; few && i < piece_count; i++)
		assert_true(holds_piece(kept, kept_count, &pieces[i]));
	source_close(s);

	/* without looking for it */
	assert_int_equal(source_open_pieces(pid, pieces, piece_count, &s, &err), ERR_OK);
	assert_int_equal(source_place_as(s, extents, count, &boot, &err), ERR_OK);
	assert_int_equal(source_copies(s), !shared);
	source_close(s);
	if (shared) {
		pieces[0].ino++;
		assert_int_equal(source_open_pieces(pid, pieces, piece_count, &s, NULL), ERR_TORN);
		pieces[0].ino--;
		pieces[0].size <<= 20;
		assert_int_equal(source_open_pieces(pid, pieces, piece_count, &s, NULL), ERR_TORN);
		pieces[0].size >>= 20;
	}
	pieces[0].start++;
	assert_int_equal(source_open_pieces(pid, pieces, piece_count, &s, NULL), ERR_INVAL);

	/* the same again, from memory */
	assert_int_equal(source_open_process(pid, &s, &err), ERR_OK);
	assert_int_equal(source_place_as(s, extents, count, &boot, &err), ERR_OK);
	assert_int_equal(source_watch(s, pid, &boot, &err), ERR_OK);
	boot.kaslr += 2 * MIB;
	assert_int_equal(source_place_as(s, extents, count, &boot, &err), ERR_TORN);
	end_vmm(pid);
	err_clear(&err);
	assert_int_equal(source_alive(s, &err), ERR_GONE);
	assert_non_null(strstr(err.text, "ended"));
	source_close(s);
	assert_int_equal(source_open_process(pid, &s, NULL), ERR_ABSENT);
}

static void test_process(void **state)
{
	(void)state;
	for (int shared = 0; shared < 2; shared++) {
		for (size_t i = 0; i < 5; i++) {
			struct fixture f;
			struct blocks b = {.f = &f, .size = {guests[i].size}, .count = 1};

			fixture_init(&f, guests[i].size, guests[i].split, guests[i].kernel_at);
			check_process(&f, &b, shared);
			fixture_deinit(&f);
		}
	}
}

/* NUMA nodes, and VMMs that map what lies above 4 GiB apart. */
static void test_several_blocks(void **state)
{
	static const struct {
		uint64_t size[4];
		size_t count, guest;
	} cases[] = {
		{{40 * MIB, 24 * MIB}, 2, 0},
		{{16 * MIB, 48 * MIB}, 2, 0},
		{{3 * GIB, 2 * GIB}, 2, 1},
		{{3 * GIB, 2 * GIB}, 2, 2},
		{{2560 * MIB, 1536 * MIB, GIB}, 3, 3},
		{{2560 * MIB, 1536 * MIB, GIB}, 3, 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t g = cases[i].guest;
		struct fixture f;
		struct blocks b = {.f = &f, .count = cases[i].count};

		print_message("case %zu\n", i);
		memcpy(b.size, cases[i].size, sizeof(b.size));
		fixture_init(&f, guests[g].size, guests[g].split, guests[g].kernel_at);
		check_process(&f, &b, false);
		fixture_deinit(&f);
	}
}

static void test_no_guest(void **state)
{
	struct ktype_boot boot;
	struct err_ctx err = {0};
	struct source *s;
	struct fixture f;
	char path[64];
	int fd = memfd_create("nothing", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	assert_int_equal(pwrite(fd, "OSRELEASE=%s", 12, 1 << 20), 12);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(source_open_file(path, &s, &err), ERR_OK);
	assert_int_equal(source_place(s, &boot, &err), ERR_NOTREADY);
	assert_non_null(strstr(err.text, "no Linux"));
	source_close(s);
	close(fd);

	/* the first part of an image: the kernel's mark is there, its page tables aren't */
	fixture_init(&f, 64 * MIB, 64 * MIB, 16 * MIB);
	fd = memfd_create("part", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	assert_int_equal(pwrite(fd, synth_phys(f.synth, f.places.vmcoreinfo, 4096), 4096,
				(off_t)f.places.vmcoreinfo),
			 4096);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err_clear(&err);
	assert_int_equal(source_open_file(path, &s, &err), ERR_OK);
	assert_int_equal(source_place(s, &boot, &err), ERR_NOTREADY);
	assert_non_null(strstr(err.text, "isn't all there"));
	source_close(s);
	close(fd);
	fixture_deinit(&f);
}

/* As a 32-bit kernel writes it: nothing of the x86-64 part is there. */
static const char mark_32bit[] =
	"OSRELEASE=6.1.0-50-686\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=c5d45da0\n"
	"SYMBOL(swapper_pg_dir)=c5e74000\nSYMBOL(_stext)=c5000000\nSIZE(page)=40\n";

static void test_32bit_guest(void **state)
{
	struct ktype_boot boot;
	struct err_ctx err = {0};
	struct source *s;
	char path[64];
	int fd = memfd_create("32-bit", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	assert_int_equal(pwrite(fd, mark_32bit, sizeof(mark_32bit), 18 << 20),
			 sizeof(mark_32bit));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(source_open_file(path, &s, &err), ERR_OK);
	assert_int_equal(source_place(s, &boot, &err), ERR_UNSUPPORTED);
	assert_non_null(strstr(err.text, "32-bit kernel (Linux 6.1.0-50-686)"));
	source_close(s);
	close(fd);
}

/* What an earlier kernel, or a program in the guest, left behind doesn't hide the one that runs. */
static void test_stale_32bit_mark(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fixture f;
		struct blocks b = {.f = &f,
				   .size = {i ? 40 * MIB : 64 * MIB, i ? 24 * MIB : 0},
				   .count = 1 + i};

		fixture_init(&f, guests[0].size, guests[0].split, guests[0].kernel_at);
		synth_add_memory(f.synth, 15 * MIB, MIB);
		memcpy(synth_phys(f.synth, 15 * MIB, 4096), mark_32bit, sizeof(mark_32bit));
		memcpy(synth_phys(f.synth, 16 * MIB - 4096, 4096), mark_32bit, sizeof(mark_32bit));
		check_process(&f, &b, false);
		fixture_deinit(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ram_files),
		cmocka_unit_test(test_image_with_hole),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_several_blocks),
		cmocka_unit_test(test_no_guest),
		cmocka_unit_test(test_32bit_guest),
		cmocka_unit_test(test_stale_32bit_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
