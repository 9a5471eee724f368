// SPDX-License-Identifier: MIT
/*
 * /proc/PID over a synthetic guest that changes at the worst moment: numbers that nobody has, and
 * tasks that are released, move or are made anew in the same place while a file of theirs is read.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "synthetic.h"

/* Pages: what leads to tasks is in the first, each task has one of its own. */
#define NAMESPACE AT(0)
#define NODE	  AT(0x400)
#define SLOTS	  (NODE + 40)
#define PID(nr)	  AT(0x800 + 0x80 * (nr))
#define CLOCK	  AT(0x1000)
#define ACTIVE	  AT(0x1100)
#define CPU_IDS	  AT(0x1108)
#define TICK	  AT(0x1110)
#define TIMESLICE AT(0x1118)
#define PID_MAX	  AT(0x1120)
#define CRED	  AT(0x1140)
#define SIGNAL	  AT(0x1200)
#define TASK(n)	  AT(0x2000 + 0x1000 * (n))
/* What a mount namespace is made of, in pages of their own. */
#define MOUNTS	  AT(0x10000)
#define PROXY	  (MOUNTS + 0x00)
#define MNT_NS	  (MOUNTS + 0x10)
#define FS	  (MOUNTS + 0x40)
#define FS_TYPE	  (MOUNTS + 0x60)
#define SB	  (MOUNTS + 0x70)
#define SB_OPS	  (MOUNTS + 0xc0)
#define TEXT(n)	  (MOUNTS + 0x100 + 0x20 * (n))
#define MOUNT(n)  (MOUNTS + 0x400 + 0x100 * (n))
#define DENTRY(n) (MOUNTS + 0x800 + 0x80 * (n))

enum { PTR = 8, NUMBERS = 64, FIRST = 7, THREAD = 8, OTHER = 9 };

/* Offsets in struct task_struct. */
enum {
	TASK_FLAGS = 0,
	TASK_COMM = 8,
	TASK_START = 32,
	TASK_THREAD_PID = 40,
	TASK_LINKS = 48,
	TASK_SIGNAL = 112,
	TASK_NODE = 120,
	TASK_STATIC_PRIO = 136,
	TASK_POLICY = 140,
	TASK_RT_PRIORITY = 144,
	TASK_CPU = 148,
	TASK_CPUS_MASK = 152,
	TASK_REAL_CRED = 160,
	TASK_NSPROXY = 168,
	TASK_FS = 176,
	TASK_SIZE = 184,
};

/* In struct mount. */
enum {
	MOUNT_PARENT = 0,
	MOUNT_POINT = 8,
	MOUNT_MNT = 16, /* struct vfsmount: root, superblock, flags */
	MOUNT_LIST = 48,
	MOUNT_DEVNAME = 64,
	MOUNT_ID = 72,
	MOUNT_GROUP = 76,
	MOUNT_MASTER = 80,
	MOUNT_SHARE = 88,
	MOUNT_NS = 104,
	MOUNT_SIZE = 112,
};

/* In struct dentry. */
enum {
	DENTRY_HASH = 0,
	DENTRY_PARENT = 16,
	DENTRY_NAME = 24, /* length, then the text's address */
	DENTRY_SB = 40,
	DENTRY_SIZE = 64,
};

/* In struct signal_struct. */
enum {
	SIGNAL_PIDS = 32,
	SIGNAL_RLIM = 64,
	SIGNAL_SIZE = SIGNAL_RLIM + 16 * 16,
};

static const struct synth_symbol symbols[] = {
	{ "init_pid_ns", 'D', NAMESPACE },	 { "tk_core", 'd', CLOCK },
	{ "__cpu_active_mask", 'D', ACTIVE },	 { "nr_cpu_ids", 'D', CPU_IDS },
	{ "sched_rr_timeslice", 'D', TIMESLICE }, { "tick_nsec", 'D', TICK },
	{ "pid_max", 'D', PID_MAX },
};

static void make_mount_types(struct synth_btf *b, uint32_t u32, uint32_t u64, uint32_t ptr,
			     uint32_t list)
{
	uint32_t path, bl_node, qstr, mnt;

	path = synth_btf_record(b, "path", 16, 2, "mnt", ptr, 0, "dentry", ptr, 8);
	bl_node = synth_btf_record(b, "hlist_bl_node", 16, 2, "next", ptr, 0, "pprev", ptr, 8);
	qstr = synth_btf_record(b, "qstr", 16, 2, "len", u32, 0, "name", ptr, 8);
	synth_btf_record(b, "nsproxy", 16, 1, "mnt_ns", ptr, 0);
	synth_btf_record(b, "mnt_namespace", 24, 1, "list", list, 8);
	synth_btf_record(b, "fs_struct", 32, 2, "root", path, 0, "pwd", path, 16);
	synth_btf_record(b, "file_system_type", 8, 1, "name", ptr, 0);
	synth_btf_record(b, "super_operations", 24, 3, "show_options", ptr, 0, "show_path", ptr, 8,
	       "show_stats", ptr, 16);
	synth_btf_record(b, "super_block", 48, 6, "s_op", ptr, 0, "s_fs_info", ptr, 8, "s_subtype", ptr, 16,
	       "s_type", ptr, 24, "s_flags", u64, 32, "s_dev", u32, 40);
	synth_btf_record(b, "dentry", DENTRY_SIZE, 5, "d_hash", bl_node, DENTRY_HASH, "d_parent", ptr,
	       DENTRY_PARENT, "d_name", qstr, DENTRY_NAME, "d_sb", ptr, DENTRY_SB, "d_inode", ptr, 48);
	mnt = synth_btf_record(b, "vfsmount", 24, 3, "mnt_root", ptr, 0, "mnt_sb", ptr, 8, "mnt_flags", u32, 16);
	synth_btf_record(b, "mount", MOUNT_SIZE, 10, "mnt_parent", ptr, MOUNT_PARENT, "mnt_mountpoint", ptr,
	       MOUNT_POINT, "mnt", mnt, MOUNT_MNT, "mnt_list", list, MOUNT_LIST, "mnt_devname", ptr,
	       MOUNT_DEVNAME, "mnt_id", u32, MOUNT_ID, "mnt_group_id", u32, MOUNT_GROUP,
	       "mnt_master", ptr, MOUNT_MASTER, "mnt_share", list, MOUNT_SHARE, "mnt_ns", ptr,
	       MOUNT_NS);
}

/* `rt`: a kernel with PREEMPT_RT, whose sequence counters know their locks. */
static struct synth_btf *make_types(bool rt)
{
	static const char *const types[] = { "PID", "TGID", "PGID", "SID" };
	struct synth_btf *b = synth_btf_create();
	uint32_t u8, u32, u64, ptr, node, head, list, array, idr, upid, mask, user, id;

	u8 = synth_btf_int(b, "u8", 1, 0);
	u32 = synth_btf_int(b, "u32", 4, 0);
	u64 = synth_btf_int(b, "u64", 8, 0);
	ptr = synth_btf_type(b, "", SYNTH_BTF_PTR, 0, 0, 0);
	list = synth_btf_record(b, "list_head", 16, 2, "next", ptr, 0, "prev", ptr, 8);
	node = synth_btf_record(b, "hlist_node", 16, 2, "next", ptr, 0, "pprev", ptr, 8);
	head = synth_btf_record(b, "hlist_head", 8, 1, "first", ptr, 0);
	array = synth_btf_record(b, "xarray", 8, 1, "xa_head", ptr, 0);
	id = synth_btf_array(b, ptr, NUMBERS);
	synth_btf_record(b, "xa_node", 576, 3, "shift", u8, 0, "slots", id, 40, "marks",
	       synth_btf_array(b, u64, 3), 552);
	idr = synth_btf_record(b, "idr", 16, 3, "idr_rt", array, 0, "idr_base", u32, 8, "idr_next", u32, 12);
	synth_btf_record(b, "pid_namespace", 24, 2, "idr", idr, 0, "level", u32, 16);
	upid = synth_btf_record(b, "upid", 16, 2, "nr", u32, 0, "ns", ptr, 8);
	synth_btf_record(b, "pid", 64, 3, "level", u32, 0, "tasks", synth_btf_array(b, head, 4), 8, "numbers",
	       synth_btf_array(b, upid, 1), 40);
	mask = synth_btf_record(b, "cpumask", 8, 1, "bits", synth_btf_array(b, u64, 1), 0);
	id = synth_btf_record(b, "rlimit", 16, 2, "rlim_cur", u64, 0, "rlim_max", u64, 8);
	synth_btf_record(b, "signal_struct", SIGNAL_SIZE, 3, "thread_head", list, 0, "pids",
	       synth_btf_array(b, ptr, 4), SIGNAL_PIDS, "rlim", synth_btf_array(b, id, 16),
	       SIGNAL_RLIM);
	user = synth_btf_record(b, "", 4, 1, "val", u32, 0);
	user = synth_btf_type(b, "kuid_t", SYNTH_BTF_TYPEDEF, 0, 0, user);
	synth_btf_record(b, "cred", 12, 3, "uid", user, 0, "suid", user, 4, "euid", user, 8);
	synth_btf_record(b, "task_struct", TASK_SIZE, 15, "nsproxy", ptr, TASK_NSPROXY, "fs", ptr, TASK_FS, "flags", u32, TASK_FLAGS, "comm",
	       synth_btf_array(b, u8, 16), TASK_COMM, "start_time", u64, TASK_START, "thread_pid",
	       ptr, TASK_THREAD_PID, "pid_links", synth_btf_array(b, node, 4), TASK_LINKS, "signal",
	       ptr, TASK_SIGNAL, "thread_node", list, TASK_NODE, "static_prio", u32,
	       TASK_STATIC_PRIO, "policy", u32, TASK_POLICY, "rt_priority", u32, TASK_RT_PRIORITY,
	       "cpu", u32, TASK_CPU, "cpus_mask", mask, TASK_CPUS_MASK, "real_cred", ptr,
	       TASK_REAL_CRED);
	make_mount_types(b, u32, u64, ptr, list);
	id = synth_btf_record(b, "seqcount_raw_spinlock", rt ? 16 : 4, 1, "sequence", u32, 0);
	synth_btf_type(b, "seqcount_raw_spinlock_t", SYNTH_BTF_TYPEDEF, 0, 0, id);
	synth_btf_record(b, "timekeeper", 64, 2, "offs_real", u64, 16, "offs_boot", u64, 24);
	synth_btf_type(b, "pid_type", SYNTH_BTF_ENUM, 4, 0, 4);
	for (int i = 0; i < 4; i++) {
		char name[32];

		snprintf(name, sizeof(name), "PIDTYPE_%s", types[i]);
		synth_btf_enumerator(b, name, i);
	}
	return b;
}

/* Pages with a trap: when the one at `trap` is looked up, `spring` changes the guest. */
struct fixture {
	struct guest_pages pages; /* first */
	uint64_t trap;
	void (*spring)(struct fixture *f);
	int sprung;
	enum err failing; /* what each page says */
	enum err told;	  /* by the procfs */

	struct synthetic g;
	struct procfs *fs;
	char text[4096];
};

static enum err trap_page(struct guest_pages *p, struct guest_space as, struct gva va,
			  const void **ret)
{
	struct fixture *f = (struct fixture *)p;
	enum err e = f->failing ? f->failing : guest_pages_page(f->g.pages, as, va, ret);

	if (f->spring && va.v == f->trap) {
		void (*spring)(struct fixture *) = f->spring;

		f->spring = NULL;
		f->sprung++;
		spring(f);
	}
	return e;
}

static enum err trap_epoch(struct guest_pages *p, struct err_ctx *err)
{
	struct fixture *f = (struct fixture *)p;

	p->epoch++;
	return guest_pages_epoch(f->g.pages, err);
}

static void trap_expire(struct guest_pages *p, uint64_t age_ns)
{
	guest_pages_expire(((struct fixture *)p)->g.pages, age_ns);
}

/* Copies that live on: the epoch is the one of what is below. */
static enum err trap_epoch_aged(struct guest_pages *p, struct err_ctx *err)
{
	struct fixture *f = (struct fixture *)p;
	enum err e = guest_pages_epoch(f->g.pages, err);

	p->epoch = f->g.pages->epoch;
	return e;
}

static enum err trap_reread(struct guest_pages *p, const struct guest_piece *pieces, size_t count)
{
	struct fixture *f = (struct fixture *)p;

	return f->g.pages->ops->reread(f->g.pages, pieces, count);
}

static const struct guest_pages_ops trap_ops = { .page = trap_page, .epoch = trap_epoch };
static const struct guest_pages_ops aged_trap_ops = {
	.page = trap_page, .epoch = trap_epoch_aged, .expire = trap_expire, .reread = trap_reread,
};

/* ---- the guest ---- */

/* The number leads to the task and the task to the number. */
static void put_pid(struct fixture *f, int nr, int task)
{
	synth_put64(f->g.s, SLOTS + PTR * nr, PID(nr));
	synth_put64(f->g.s, PID(nr) + 8, TASK(task) + TASK_LINKS);
	synth_put32(f->g.s, PID(nr) + 40, nr);
	synth_put64(f->g.s, PID(nr) + 48, NAMESPACE);
	synth_put64(f->g.s, TASK(task) + TASK_THREAD_PID, PID(nr));
}

static void put_task(struct fixture *f, int task, int nr, const char *name)
{
	synth_write(f->g.s, TASK(task) + TASK_COMM, name, strlen(name) + 1);
	synth_put64(f->g.s, TASK(task) + TASK_START, 1000 + task);
	synth_put64(f->g.s, TASK(task) + TASK_SIGNAL, SIGNAL);
	synth_put32(f->g.s, TASK(task) + TASK_STATIC_PRIO, 120 - 5 * task);
	synth_put64(f->g.s, TASK(task) + TASK_CPUS_MASK, 0xf);
	synth_put64(f->g.s, TASK(task) + TASK_REAL_CRED, CRED);
	put_pid(f, nr, task);
}

static int setup_pages(void **state, unsigned int flags, bool rt)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err_ctx err = { 0 };

	synthetic_init(&f->g, make_types(rt), symbols, sizeof(symbols) / sizeof(symbols[0]), flags);
	f->pages.ops = flags == SYNTH_CLOCK ? &aged_trap_ops : &trap_ops;
	f->pages.copies = f->g.pages->copies;
	f->pages.epoch = 1;
	assert_int_equal(llview_guest_create(&f->g.alloc, f->g.layout, &f->pages, NULL, &f->g.guest),
			 ERR_OK);
	assert_int_equal(procfs_create(&f->g.alloc, f->g.guest, &f->fs, &err), ERR_OK);

	synth_put64(f->g.s, NAMESPACE, NODE | 2);
	synth_put64(f->g.s, SIGNAL, TASK(0) + TASK_NODE);
	synth_put64(f->g.s, TASK(0) + TASK_NODE, SIGNAL);
	put_task(f, 0, FIRST, "first");
	put_task(f, 1, THREAD, "thread");
	for (int i = 1; i < 4; i++) /* thread group, process group, session */
		synth_put64(f->g.s, SIGNAL + SIGNAL_PIDS + PTR * i, PID(FIRST));
	synth_put64(f->g.s, SIGNAL + SIGNAL_RLIM + 16 * 7, 1024);
	synth_put64(f->g.s, SIGNAL + SIGNAL_RLIM + 16 * 7 + 8, ~0ull);
	synth_put32(f->g.s, CRED, 1000);
	synth_put64(f->g.s, ACTIVE, 0x5);
	synth_put32(f->g.s, CPU_IDS, 4);
	synth_put64(f->g.s, TICK, 4000000);
	synth_put32(f->g.s, TIMESLICE, 25);
	synth_put64(f->g.s, CLOCK + (rt ? 16 : 8) + 16, 7000);
	synth_put64(f->g.s, CLOCK + (rt ? 16 : 8) + 24, 3000);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_pages(state, SYNTH_MAP, false);
}

static int setup_copies(void **state)
{
	return setup_pages(state, SYNTH_READ_MANY, false);
}

static int setup_rt(void **state)
{
	return setup_pages(state, SYNTH_MAP, true);
}

static int setup_aged(void **state)
{
	int r = setup_pages(state, SYNTH_CLOCK, false);

	synth_set_clock(((struct fixture *)*state)->g.s, 1000 * GUEST_WALK_FRESH_NS);
	return r;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	procfs_destroy(f->fs);
	synthetic_deinit(&f->g);
	free(f);
	return 0;
}

/*
 * The content in f->text; its length or -errno. `spring` (or NULL) happens in the middle of the
 * printing: once the task's page has been looked up.
 */
static int64_t read_file(struct fixture *f, const char *path, uint64_t trap,
			 void (*spring)(struct fixture *))
{
	struct vfs_file *file;
	int64_t n = synthetic_open(f->fs, path, &file);

	if (n)
		return n;
	guest_pages_expire(&f->pages, 0); /* what is known already, isn't looked up */
	f->trap = trap;
	f->spring = spring;
	f->sprung = 0;
	n = vfs_pread(file, f->text, sizeof(f->text) - 1, 0);
	vfs_close(file);
	f->text[n > 0 ? n : 0] = '\0';
	assert_int_equal(f->sprung, spring != NULL);
	return n;
}

/* ---- what happens to it ---- */

/* kernel/exit.c: __unhash_process() */
static void release(struct fixture *f)
{
	synth_put64(f->g.s, PID(FIRST) + 8, 0);
	synth_put64(f->g.s, TASK(0) + TASK_THREAD_PID, 0);
	synth_put64(f->g.s, SLOTS + PTR * FIRST, 0);
}

/* Only half of it so far. */
static void unlink_task(struct fixture *f)
{
	synth_put64(f->g.s, TASK(0) + TASK_THREAD_PID, 0);
}

/* Released, and both slots used again: another process, even of the same number. */
static void reuse(struct fixture *f)
{
	put_task(f, 0, FIRST, "second");
	synth_put64(f->g.s, TASK(0) + TASK_START, 5000);
}

/* The struct pid is another number's now, which the table doesn't tell yet. */
static void reuse_pid(struct fixture *f)
{
	synth_put32(f->g.s, PID(FIRST) + 40, OTHER);
}

/* fs/exec.c: de_thread(): a thread takes the process's number. */
static void exec(struct fixture *f)
{
	synth_write(f->g.s, TASK(1) + TASK_COMM, "executed", 9);
	put_pid(f, FIRST, 1);
	synth_put64(f->g.s, TASK(0) + TASK_THREAD_PID, PID(THREAD));
}

/* ---- the tests ---- */

static void test_names(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_file(f, "7/comm", 0, NULL), 6);
	assert_string_equal(f->text, "first\n");
	assert_int_equal(read_file(f, "8/comm", 0, NULL), 7);
	assert_string_equal(f->text, "thread\n");
	assert_int_equal(read_file(f, "7/task/8/comm", 0, NULL), 7);
}

static void test_nobody(void **state)
{
	static const char *const names[] = {
		"9", "63", "64", "4000000", "0", "-1", "07", "9/stat", "9/comm", "7/task/9",
		"7/task/9/comm", "7/fd/3", "7/fdinfo/3",
	};
	struct fixture *f = *state;
	struct vfs_place at;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int r = vfs_walk(procfs_vfs(f->fs), NULL, names[i], VFS_WALK_NOFOLLOW, &at);

		if (r != -ENOENT)
			fail_msg("%s: %d", names[i], r);
	}
}

static void test_released(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_file(f, "7/comm", TASK(0), release), -ESRCH);
	assert_int_equal(read_file(f, "7/comm", 0, NULL), -ENOENT);
}

static void be_told(void *ctx, enum err e)
{
	((struct fixture *)ctx)->told = e;
}

/* Memory that can't be had is not memory that isn't there: nothing is shown, and it is told. */
static void test_failing(void **state)
{
	static const enum err codes[] = { ERR_LIMIT, ERR_NOMEM, ERR_IO, ERR_GONE };
	struct fixture *f = *state;
	struct vfs_file *file, *list;
	struct vfs_dirent entry;
	struct vfs_place at;
	char c;

	procfs_use_failed(f->fs, be_told, f);
	assert_int_equal(synthetic_open(f->fs, "7/comm", &file), 0);
	assert_int_equal(vfs_walk(procfs_vfs(f->fs), NULL, "7/task", 0, &at), 0);
	assert_int_equal(vfs_open(procfs_vfs(f->fs), &at.node, &list), 0);
	assert_int_equal(f->told, ERR_OK);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		f->failing = codes[i];
		f->told = ERR_OK;
		guest_pages_expire(&f->pages, 0);
		assert_int_equal(vfs_pread(file, &c, 1, 0), -EIO);
		assert_int_equal(f->told, codes[i]);
		f->told = ERR_OK;
		assert_int_equal(vfs_dirent_at(list, 0, &entry), -EIO);
		assert_int_equal(f->told, codes[i]);
		f->told = ERR_OK;
		assert_int_equal(vfs_walk(procfs_vfs(f->fs), NULL, "7", 0, &at), -EIO);
		assert_int_equal(f->told, codes[i]);
	}
	f->failing = ERR_OK;
	f->told = ERR_OK;
	guest_pages_expire(&f->pages, 0);
	assert_int_equal(vfs_pread(file, &c, 1, 0), 1);
	assert_int_equal(vfs_dirent_at(list, 2, &entry), 1);
	assert_int_equal(f->told, ERR_OK);
	vfs_close(file);
	vfs_close(list);
}

/* Between the look-up and the first read. */
static void test_released_open(void **state)
{
	struct fixture *f = *state;
	struct vfs_file *file;
	char c;

	assert_int_equal(synthetic_open(f->fs, "7/comm", &file), 0);
	release(f);
	assert_int_equal(vfs_pread(file, &c, 1, 0), -ESRCH);
	vfs_close(file);
}

static void test_half_released(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_file(f, "7/comm", TASK(0), unlink_task), -ESRCH);
}

static void test_stat_released(void **state)
{
	struct fixture *f = *state;
	struct vfs_place at;
	struct vfs_stat st;

	assert_int_equal(vfs_walk(procfs_vfs(f->fs), NULL, "7", 0, &at), 0);
	guest_pages_expire(&f->pages, 0);
	f->trap = TASK(0);
	f->spring = release;
	assert_int_equal(vfs_getattr(procfs_vfs(f->fs), &at.node, &st), -ESRCH);
}

/* Both slots again in use: what was printed is neither the one nor the other. */
static void test_reused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_file(f, "7/comm", TASK(0), reuse), 7);
	assert_string_equal(f->text, "second\n");
}

static void test_reused_pid(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_file(f, "7/comm", TASK(0), reuse_pid), -ESRCH);
}

static void test_exec(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_file(f, "7/comm", TASK(0), exec), 9);
	assert_string_equal(f->text, "executed\n");
}

static void test_boot_time(void **state)
{
	struct fixture *f = *state;
	struct vfs_place at;
	struct vfs_stat st;

	assert_int_equal(vfs_walk(procfs_vfs(f->fs), NULL, "7", 0, &at), 0);
	assert_int_equal(vfs_getattr(procfs_vfs(f->fs), &at.node, &st), 0);
	assert_int_equal(st.mtime_ns, 4000);
}

/* ---- calls beside files ---- */

static void test_exists(void **state)
{
	struct fixture *f = *state;
	struct vfs *v = procfs_vfs(f->fs);

	assert_int_equal(vfs_task_exists(v, 0, FIRST), 0);
	assert_int_equal(vfs_task_exists(v, 0, THREAD), 0);
	assert_int_equal(vfs_task_exists(v, FIRST, THREAD), 0);
	assert_int_equal(vfs_task_exists(v, THREAD, THREAD), -ESRCH);
	for (int tid = -2; tid < 70; tid++)
		if (tid != FIRST && tid != THREAD)
			assert_int_equal(vfs_task_exists(v, 0, tid), -ESRCH);
	assert_int_equal(vfs_task_exists(v, 0, INT32_MAX), -ESRCH);
	assert_int_equal(vfs_task_exists(v, 0, INT32_MIN), -ESRCH);
	release(f);
	guest_pages_expire(&f->pages, 0);
	assert_int_equal(vfs_task_exists(v, 0, FIRST), -ESRCH);
}

static void test_numbers(void **state)
{
	struct fixture *f = *state;
	struct vfs *v = procfs_vfs(f->fs);
	struct vfs_numbers n;

	synth_put32(f->g.s, NAMESPACE + 12, 33);
	synth_put32(f->g.s, PID_MAX, 32768);
	assert_int_equal(vfs_numbers(v, 0, &n), 0);
	assert_true(n.next == 33 && n.min == 1 && n.end == 32768);
	assert_true(n.taken[0] == (1 << FIRST | 1 << THREAD) && n.taken[1] == 0);
	/* a number is taken as long as something has it */
	release(f);
	synth_put32(f->g.s, NAMESPACE + 12, 301);
	synth_put32(f->g.s, PID_MAX, -1u);
	guest_pages_expire(&f->pages, 0);
	assert_int_equal(vfs_numbers(v, FIRST + 1, &n), 0);
	assert_true(n.next == 301 && n.min == 300 && n.end == -1 && n.taken[0] == 1);
	assert_int_equal(vfs_numbers(v, 60, &n), 0);
	assert_int_equal(n.taken[0], 0);
	assert_int_equal(vfs_numbers(v, INT32_MAX, &n), 0);
	assert_int_equal(vfs_numbers(v, INT32_MIN, &n), 0);
	assert_int_equal(n.taken[0], 0);
}

static void test_task(void **state)
{
	struct fixture *f = *state;
	struct vfs *v = procfs_vfs(f->fs);
	struct vfs_task t;

	synth_put32(f->g.s, TASK(1) + TASK_POLICY, 2); /* SCHED_RR */
	synth_put32(f->g.s, TASK(1) + TASK_RT_PRIORITY, 42);
	synth_put32(f->g.s, TASK(0) + TASK_RT_PRIORITY, 42); /* of no meaning there */
	assert_int_equal(vfs_task(v, FIRST, &t), 0);
	assert_int_equal(t.tid, FIRST);
	assert_int_equal(t.tgid, FIRST);
	assert_int_equal(t.pgid, FIRST);
	assert_int_equal(t.sid, FIRST);
	assert_int_equal(t.uid, 1000);
	assert_int_equal(t.nice, 0);
	assert_int_equal(t.policy, 0);
	assert_int_equal(t.rt_priority, 0);
	assert_int_equal(t.interval_ns, 0);
	assert_int_equal(t.cpus, 64);
	assert_int_equal(t.affinity[0], 0x5);
	assert_int_equal(t.limits[7].cur, 1024);
	assert_int_equal(t.limits[7].max, ~0ull);
	assert_int_equal(vfs_task(v, THREAD, &t), 0);
	assert_int_equal(t.tid, THREAD);
	assert_int_equal(t.tgid, FIRST);
	assert_int_equal(t.nice, -5);
	assert_int_equal(t.policy, 2);
	assert_int_equal(t.rt_priority, 42);
	assert_int_equal(t.interval_ns, 100000000);
	t.tid = 12345;
	assert_int_equal(vfs_task(v, OTHER, &t), -ESRCH);
	assert_int_equal(vfs_task(v, 0, &t), -ESRCH);
	synth_put64(f->g.s, TASK(0) + TASK_SIGNAL, 0xdead000000000000ull);
	guest_pages_expire(&f->pages, 0);
	assert_int_equal(vfs_task(v, FIRST, &t), -EIO);
	assert_int_equal(t.tid, 12345); /* untouched by a call that failed */
}

/* Of a mask wider than what there is room for nothing is written behind it. */
static void test_task_hostile(void **state)
{
	struct fixture *f = *state;
	struct vfs_task t;
	int r;

	synth_put32(f->g.s, CPU_IDS, 0xffffffff);
	r = vfs_task(procfs_vfs(f->fs), FIRST, &t);
	assert_true(r == 0 || r == -EIO);
	if (!r)
		assert_int_equal(t.cpus, VFS_CPUS_MAX);
}

static void test_tasks(void **state)
{
	struct fixture *f = *state;
	struct vfs *v = procfs_vfs(f->fs);
	struct vfs_tasks t;

	assert_int_equal(vfs_tasks(v, VFS_TASKS_OF_GROUP, FIRST, &t), 0);
	assert_int_equal(t.count, 2);
	assert_int_equal(t.nice, -5);
	assert_int_equal(vfs_tasks(v, VFS_TASKS_OF_GROUP, THREAD, &t), 0);
	assert_int_equal(t.count, 0);
	assert_int_equal(vfs_tasks(v, VFS_TASKS_OF_USER, 1000, &t), 0);
	assert_int_equal(t.count, 2);
	assert_int_equal(vfs_tasks(v, VFS_TASKS_OF_USER, 0, &t), 0);
	assert_int_equal(t.count, 0);
	assert_int_equal(vfs_tasks(v, VFS_TASKS_OF_ALL, 0, &t), 0);
	assert_int_equal(t.count, 2);
}

/* ---- mounts ---- */

static void put_text(struct fixture *f, int n, const char *text)
{
	synth_write(f->g.s, TEXT(n), text, strlen(text) + 1);
}

static void put_dentry(struct fixture *f, int n, int parent, int text, const char *name)
{
	put_text(f, text, name);
	synth_put64(f->g.s, DENTRY(n) + DENTRY_HASH + 8, 1);
	synth_put64(f->g.s, DENTRY(n) + DENTRY_PARENT, DENTRY(parent));
	synth_put32(f->g.s, DENTRY(n) + DENTRY_NAME, strlen(name));
	synth_put64(f->g.s, DENTRY(n) + DENTRY_NAME + 8, TEXT(text));
	synth_put64(f->g.s, DENTRY(n) + DENTRY_SB, SB);
}

static void put_mount(struct fixture *f, int n, int parent, int point, int root, uint32_t flags)
{
	uint64_t next = n ? MNT_NS + 8 : MOUNT(1) + MOUNT_LIST;

	synth_put64(f->g.s, MOUNT(n) + MOUNT_PARENT, MOUNT(parent));
	synth_put64(f->g.s, MOUNT(n) + MOUNT_POINT, DENTRY(point));
	synth_put64(f->g.s, MOUNT(n) + MOUNT_MNT, DENTRY(root));
	synth_put64(f->g.s, MOUNT(n) + MOUNT_MNT + 8, SB);
	synth_put32(f->g.s, MOUNT(n) + MOUNT_MNT + 16, flags);
	synth_put64(f->g.s, MOUNT(n) + MOUNT_LIST, next);
	synth_put64(f->g.s, MOUNT(n) + MOUNT_DEVNAME, TEXT(0));
	synth_put32(f->g.s, MOUNT(n) + MOUNT_ID, 20 + n);
	synth_put32(f->g.s, MOUNT(n) + MOUNT_GROUP, 3 + n);
	synth_put64(f->g.s, MOUNT(n) + MOUNT_SHARE, MOUNT(n) + MOUNT_SHARE);
	synth_put64(f->g.s, MOUNT(n) + MOUNT_NS, MNT_NS);
}

/* "/" and a folder of the same file system on "/a b", read-only and shared. */
static void put_mounts(struct fixture *f)
{
	put_text(f, 0, "dev\t1");
	put_text(f, 1, "synthfs");
	put_text(f, 2, "sub");
	synth_put64(f->g.s, FS_TYPE, TEXT(1));
	synth_put64(f->g.s, SB, SB_OPS);
	synth_put64(f->g.s, SB + 16, TEXT(2));
	synth_put64(f->g.s, SB + 24, FS_TYPE);
	synth_put64(f->g.s, SB + 32, 1 << 4);
	synth_put32(f->g.s, SB + 40, 8 << 20 | 17);
	put_dentry(f, 0, 0, 3, "");
	put_dentry(f, 1, 0, 4, "a b");
	put_dentry(f, 2, 0, 5, "c");
	put_mount(f, 0, 0, 0, 0, 0x20);
	put_mount(f, 1, 0, 1, 2, 0x1000 | 0x40 | 0x1);
	synth_put64(f->g.s, MNT_NS + 8, MOUNT(0) + MOUNT_LIST);
	synth_put64(f->g.s, PROXY, MNT_NS);
	synth_put64(f->g.s, FS, MOUNT(0) + MOUNT_MNT);
	synth_put64(f->g.s, FS + 8, DENTRY(0));
	synth_put64(f->g.s, TASK(0) + TASK_NSPROXY, PROXY);
	synth_put64(f->g.s, TASK(0) + TASK_FS, FS);
}

static void test_mounts(void **state)
{
	struct fixture *f = *state;

	put_mounts(f);
	read_file(f, "7/mounts", 0, NULL);
	assert_string_equal(f->text, "dev\\0111 / synthfs.sub rw,sync,relatime 0 0\n"
				     "dev\\0111 /a\\040b synthfs.sub ro,sync,nosuid 0 0\n");
	read_file(f, "7/mountinfo", 0, NULL);
	assert_string_equal(f->text, "20 20 8:17 / / rw,relatime - synthfs.sub dev\\0111 rw,sync\n"
				     "21 20 8:17 /c /a\\040b ro,nosuid shared:4 - synthfs.sub dev\\0111"
				     " rw,sync\n");
	read_file(f, "7/mountstats", 0, NULL);
	assert_string_equal(f->text, "device dev\\0111 mounted on / with fstype synthfs.sub\n"
				     "device dev\\0111 mounted on /a\\040b with fstype synthfs.sub\n");
	/* from a root below, the other can't be reached */
	synth_put64(f->g.s, FS, MOUNT(1) + MOUNT_MNT);
	synth_put64(f->g.s, FS + 8, DENTRY(2));
	read_file(f, "7/mounts", 0, NULL);
	assert_string_equal(f->text, "dev\\0111 / synthfs.sub ro,sync,nosuid 0 0\n");
	/* a zombie has none */
	synth_put64(f->g.s, TASK(0) + TASK_NSPROXY, 0);
	assert_int_equal(read_file(f, "7/mounts", 0, NULL), -EINVAL);
}

/* Lists, parents and peers in circles; names beyond all bounds; pointers to nowhere. */
static void test_mounts_hostile(void **state)
{
	struct fixture *f = *state;

	put_mounts(f);
	synth_put64(f->g.s, MOUNT(1) + MOUNT_LIST, MOUNT(0) + MOUNT_LIST);
	read_file(f, "7/mounts", 0, NULL);
	assert_non_null(strstr(f->text, " /a\\040b "));
	put_mounts(f);
	synth_put64(f->g.s, DENTRY(0) + DENTRY_PARENT, DENTRY(1));
	synth_put64(f->g.s, MOUNT(0) + MOUNT_PARENT, MOUNT(1));
	synth_put64(f->g.s, MOUNT(0) + MOUNT_POINT, DENTRY(2));
	synth_put64(f->g.s, FS + 8, DENTRY(2));
	read_file(f, "7/mountinfo", 0, NULL);
	put_mounts(f);
	synth_put32(f->g.s, DENTRY(1) + DENTRY_NAME, 0xffffffff);
	read_file(f, "7/mounts", 0, NULL);
	assert_string_equal(f->text, "dev\\0111 / synthfs.sub rw,sync,relatime 0 0\n");
	put_mounts(f);
	synth_put64(f->g.s, MOUNT(1) + MOUNT_MASTER, MOUNT(0));
	synth_put64(f->g.s, MOUNT(0) + MOUNT_MASTER, MOUNT(1));
	synth_put64(f->g.s, MOUNT(0) + MOUNT_SHARE, MOUNT(1) + MOUNT_SHARE);
	synth_put64(f->g.s, MOUNT(0) + MOUNT_NS, 0);
	synth_put64(f->g.s, MOUNT(1) + MOUNT_NS, 0);
	read_file(f, "7/mountinfo", 0, NULL);
	put_mounts(f);
	synth_put64(f->g.s, MOUNT(1) + MOUNT_MNT + 8, 0xdead000000000000ull);
	read_file(f, "7/mounts", 0, NULL);
	assert_string_equal(f->text, "dev\\0111 / synthfs.sub rw,sync,relatime 0 0\n");
}

/* Each over the guest's own memory and over copies of it, of one epoch or not. */
#define TEST(fn)                                                                                   \
	cmocka_unit_test_setup_teardown(fn, setup, teardown),                                      \
	{ #fn " (copies)", fn, setup_copies, teardown, NULL },                                     \
	{ #fn " (copies that live on)", fn, setup_aged, teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names), TEST(test_nobody), TEST(test_failing), TEST(test_released), TEST(test_released_open),
		TEST(test_half_released), TEST(test_stat_released), TEST(test_reused),
		TEST(test_reused_pid), TEST(test_exec), TEST(test_boot_time), TEST(test_exists), TEST(test_numbers),
		TEST(test_task), TEST(test_task_hostile), TEST(test_tasks), TEST(test_mounts),
		TEST(test_mounts_hostile),
		{ "test_boot_time (PREEMPT_RT)", test_boot_time, setup_rt, teardown, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
