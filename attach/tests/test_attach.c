// SPDX-License-Identifier: MIT
/* Names in command lines, what is remembered and how damage to it is noticed, finding and pausing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attach/pause.h"
#include "attach/share.h"
#include "attach/vms.h"
#include "attach/cache.h"
#include "instance.h"
#include "names.h"

static void test_names(void **state)
{
	static const struct {
		const char *cmdline;
		size_t size;
		const char *name; /* NULL: none */
	} cases[] = {
#define CASE(text, name) {text, sizeof(text), name}
		CASE("qemu\0-name\0guest=web,debug-threads=on\0-m\0" "1G", "web"),
		CASE("qemu\0-name\0web", "web"),
		CASE("qemu\0-name\0web,process=x", "web"),
		CASE("qemu\0-name\0guest=a,,b", "a,b"),
		CASE("firecracker\0--id\0fc-1", "fc-1"),
		CASE("lkvm\0run\0--name=box", "box"),
		CASE("qemu\0-name", NULL),
		CASE("qemu\0-name\0", NULL),
		CASE("qemu\0-m\0" "1G", NULL),
		CASE("", NULL),
#undef CASE
	};
	char name[VMS_NAME_SIZE], longer[400];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool found = vms_name_of(cases[i].cmdline, cases[i].size, name);

		assert_int_equal(found, cases[i].name != NULL);
		if (found)
			assert_string_equal(name, cases[i].name);
	}
	memset(longer, 'x', sizeof(longer));
	memcpy(longer, "q\0-name", 8);
	longer[sizeof(longer) - 1] = '\0';
	assert_true(vms_name_of(longer, sizeof(longer), name));
	assert_int_equal(strlen(name), VMS_NAME_SIZE - 1);
}

static const struct instance sample = {
	.is_file = true,
	.path = "/dev/shm/a vm.ram",
	.dev = 0x1b,
	.ino = 77,
	.size = 5ull << 30,
	.mtime_ns = 123456789,
	.vmm = 4711,
	.vmm_start = 99,
	.boot = {
		.vmcoreinfo = {0x1003a4000},
		.osrelease = "6.1.0-56-cloud-amd64",
		.build_id = {1, 2, 3, 0xff},
		.has_build_id = true,
		.kaslr = 0x23a00000,
		.phys_base = -0x1000000,
		.paging = {.kernel_top = {0x171e10000}, .levels = 5},
		.trampoline = {0x98000},
	},
	.extents = {{0, 3ull << 30, 0}, {4ull << 30, 2ull << 30, 3ull << 30}},
	.extent_count = 2,
	.profile = "/home/me/.cache/scwatcher/profiles/0102",
};

static void test_instance(void **state)
{
	char text[INSTANCE_TEXT_MAX];
	struct instance back, other = sample;
	size_t size;

	(void)state;
	assert_true(instance_print(&sample, text, sizeof(text)));
	assert_true(instance_parse(text, &back));
	assert_memory_equal(&back, &sample, sizeof(back));

	/* any bit of damage is noticed, and so is a missing end */
	size = strlen(text);
	for (size_t i = 0; i < size; i++) {
		text[i] ^= 4;
		assert_false(instance_parse(text, &back));
		text[i] ^= 4;
	}
	for (size_t i = 0; i < size - 1; i++) {
		char c = text[i];

		text[i] = '\0';
		assert_false(instance_parse(text, &back));
		text[i] = c;
	}
	assert_false(instance_print(&sample, text, 100));
	strcpy(other.path, "/a\nb");
	assert_false(instance_print(&other, text, sizeof(text)));

	other = (struct instance){
		.pid = 5,
		.start = 7,
		.boot = sample.boot,
		.external = true,
		.pieces = {{1 << 20, 1 << 24, 1 << 12, 0x1b, 77, "/dev/shm/a vm.ram"},
			   {1 << 28, 1 << 24, 0, 0, 0, ""}},
		.piece_count = 2,
	};
	assert_true(instance_print(&other, text, sizeof(text)));
	assert_true(instance_parse(text, &back));
	assert_memory_equal(&back, &other, sizeof(back));
	assert_true(instance_same_backing(&other, &back));
	back.start++;
	assert_false(instance_same_backing(&other, &back));
	assert_false(instance_same_backing(&other, &sample));
}

static void test_cache(void **state)
{
	char folder[] = "/tmp/scwatcher-test-XXXXXX", path[PATH_MAX], command[128];
	const void *bytes;
	size_t size;

	(void)state;
	assert_non_null(mkdtemp(folder));
	setenv("XDG_CACHE_HOME", folder, 1);
	assert_true(cache_path(path, "profiles", "x"));
	assert_int_equal(strncmp(path, folder, strlen(folder)), 0);
	assert_false(cache_map(path, &bytes, &size));
	assert_true(cache_write(path, "hello", 5));
	assert_true(cache_write(path, "hello, again", 12));
	assert_true(cache_map(path, &bytes, &size));
	assert_int_equal(size, 12);
	assert_memory_equal(bytes, "hello, again", 12);
	munmap((void *)bytes, size);
	cache_expire("profiles", 1);
	assert_int_equal(access(path, F_OK), 0);
	/* a day and a bit ago */
	assert_int_equal(utimensat(AT_FDCWD, path,
				   (struct timespec[2]){{time(NULL) - 100000, 0},
							{time(NULL) - 100000, 0}},
				   0),
			 0);
	cache_expire("profiles", 1);
	assert_int_equal(access(path, F_OK), -1);

	/* no place to write to: false, and nothing worse */
	setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
	assert_true(cache_path(path, "profiles", "x"));
	assert_false(cache_write(path, "x", 1));
	cache_expire("profiles", 1);
	setenv("XDG_CACHE_HOME", "relative", 1);
	unsetenv("HOME");
	assert_false(cache_path(path, "profiles", "x"));
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

/* A process that calls itself a VMM and has a file mapped as its RAM. */
static pid_t start_vmm(const char *name, int ram)
{
	int ready[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		char fd[16], ready_fd[16];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		snprintf(fd, sizeof(fd), "%d", ram);
		snprintf(ready_fd, sizeof(ready_fd), "%d", ready[1]);
		execl("/proc/self/exe", "qemu-system-x86_64", "-name", name, "--vmm", fd, ready_fd,
		      NULL);
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static int be_vmm(char **argv)
{
	void *m = mmap(NULL, 32 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(argv[4]), 0);
	char byte = 0;

	if (m == MAP_FAILED || write(atoi(argv[5]), &byte, 1) != 1)
		return 1;
	pause();
	return 1;
}

static char state_of(pid_t pid)
{
	char path[64], buf[256] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f) {
		if (!fgets(buf, sizeof(buf), f))
			buf[0] = '\0';
		fclose(f);
	}
	return buf[0] ? strrchr(buf, ')')[2] : '-';
}

static bool reaches(pid_t pid, char state)
{
	for (int i = 0; i < 6000; i++) {
		if (state_of(pid) == state)
			return true;
		usleep(10000);
	}
	return false;
}

static void end_vmm(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* No other test that runs on this host has VMs of the same name. */
static const char *unique(const char *name)
{
	static char names[4][64];
	static unsigned int next;
	char *text = names[next++ % 4];

	snprintf(text, sizeof(names[0]), "scw test %s %d", name, (int)getpid());
	return text;
}

static void test_find(void **state)
{
	const char *name = unique("one");
	char words[128];
	int ram = memfd_create("ram", 0);
	struct err_ctx err = {0};
	struct vms_entry v, *all;
	size_t count;
	bool seen = false;
	struct stat st;
	pid_t a, b;

	(void)state;
	assert_int_equal(ftruncate(ram, 32 << 20), 0);
	assert_int_equal(fstat(ram, &st), 0);
	assert_int_equal(vms_find(name, false, &v, &err), ERR_ABSENT);
	assert_non_null(strstr(err.text, "scwatcher list"));
	snprintf(words, sizeof(words), "guest=%s,debug-threads=on", name);
	a = start_vmm(words, ram);
	assert_int_equal(vms_find(name, false, &v, NULL), ERR_OK);
	assert_int_equal(v.pid, a);
	assert_true(v.known);
	assert_int_equal(vms_list(false, &all, &count, NULL), ERR_OK);
	for (size_t i = 0; i < count; i++)
		seen |= all[i].pid == a && strcmp(all[i].name, name) == 0;
	assert_true(seen);
	free(all);
	assert_int_equal(vms_find_mapper(st.st_dev, st.st_ino, &v), ERR_OK);
	assert_int_equal(v.pid, a);

	b = start_vmm(name, ram);
	err_clear(&err);
	assert_int_equal(vms_find(name, false, &v, &err), ERR_AMBIGUOUS);
	assert_non_null(strstr(err.text, "PID"));
	end_vmm(a);
	assert_int_equal(vms_find(name, false, &v, NULL), ERR_OK);
	assert_int_equal(v.pid, b);
	end_vmm(b);
	assert_int_equal(vms_find_mapper(st.st_dev, st.st_ino, &v), ERR_ABSENT);
	close(ram);
}

/* A name that is remembered: the same answers as without, also about processes that are new. */
static void test_remembered(void **state)
{
	char folder[] = "/tmp/scwatcher-test-XXXXXX", command[128];
	const char *name = unique("three");
	struct names_memory m = {.pid = 70, .start = 5, .newest = 71};
	int ram = memfd_create("ram", 0);
	struct vms_entry found;
	pid_t a, b, newest;

	(void)state;
	assert_non_null(mkdtemp(folder));
	setenv("XDG_CACHE_HOME", folder, 1);
	assert_false(names_load("x", &m));
	names_save("x", &m);
	memset(&m, 0, sizeof(m));
	assert_true(names_load("x", &m));
	assert_int_equal(m.pid, 70);
	assert_int_equal(m.start, 5);
	assert_int_equal(m.newest, 71);
	assert_false(names_load("y", &m));
	/* not longer for being saved again; with room for a test that takes long */
	m.wall -= 20;
	names_save("x", &m);
	assert_true(names_load("x", &m));
	m.wall -= 41;
	names_save("x", &m);
	assert_false(names_load("x", &m));
	m.wall = 0;
	names_save("x", &m);
	assert_true(names_load("x", &m));
	snprintf(command, sizeof(command), "for f in %s/scwatcher/names/*; do printf y | dd of=$f "
		 "bs=1 seek=20 conv=notrunc status=none; done", folder);
	assert_int_equal(system(command), 0);
	assert_false(names_load("x", &m));
	a = fork();
	if (a == 0)
		_exit(0);
	assert_int_equal(waitpid(a, NULL, 0), a);
	assert_true(names_newest(&newest));
	assert_true(newest >= a || a - newest > 10000);

	assert_int_equal(ftruncate(ram, 32 << 20), 0);
	a = start_vmm(name, ram);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(vms_find(name, true, &found, NULL), ERR_OK);
		assert_int_equal(found.pid, a);
		assert_true(names_load(name, &m));
	}
	b = start_vmm(name, ram);
	assert_int_equal(vms_find(name, true, &found, NULL), ERR_AMBIGUOUS);
	end_vmm(a);
	assert_int_equal(vms_find(name, true, &found, NULL), ERR_OK);
	assert_int_equal(found.pid, b);
	end_vmm(b);
	assert_int_equal(vms_find(name, true, &found, NULL), ERR_ABSENT);
	close(ram);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

static void test_pause(void **state)
{
	int ram = memfd_create("ram", 0), status;
	struct pause *p;
	pid_t vmm, user;

	(void)state;
	assert_int_equal(ftruncate(ram, 32 << 20), 0);
	vmm = start_vmm(unique("two"), ram);
	assert_true(reaches(vmm, 'S'));
	assert_int_equal(pause_begin(vmm, &p, NULL), ERR_OK);
	assert_int_equal(state_of(vmm), 'T');
	pause_end(p);
	assert_true(reaches(vmm, 'S'));

	/* whoever paused it is killed */
	user = fork();
	if (user == 0) {
		if (pause_begin(vmm, &p, NULL) == ERR_OK)
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(user, &status, 0), user);
	assert_true(WIFSIGNALED(status));
	assert_true(reaches(vmm, 'S'));

	/* stopped before: stays so */
	kill(vmm, SIGSTOP);
	assert_true(reaches(vmm, 'T'));
	assert_int_equal(pause_begin(vmm, &p, NULL), ERR_OK);
	pause_end(p);
	usleep(50000);
	assert_int_equal(state_of(vmm), 'T');
	end_vmm(vmm);
	assert_int_equal(pause_begin(vmm, &p, NULL), ERR_GONE);
	close(ram);
}

static void test_share(void **state)
{
	struct share_totals *a, *b;

	(void)state;
	unsetenv(ATTACH_ENV_SHARE);
	assert_null(share_find());
	a = share_create();
	assert_non_null(a);
	b = share_find();
	assert_non_null(b);
	b->reads = 5;
	assert_int_equal(a->reads, 5);
	setenv(ATTACH_ENV_SHARE, "/etc/passwd", 1);
	assert_null(share_find());
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names), cmocka_unit_test(test_instance),
		cmocka_unit_test(test_cache), cmocka_unit_test(test_find),
		cmocka_unit_test(test_remembered), cmocka_unit_test(test_pause),
		cmocka_unit_test(test_share),
	};

	if (argc == 6 && strcmp(argv[3], "--vmm") == 0)
		return be_vmm(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
