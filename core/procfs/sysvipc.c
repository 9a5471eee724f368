// SPDX-License-Identifier: MIT
/* /proc/sysvipc/{msg,sem,shm} of the initial IPC namespace: ipc/util.c, msg.c, sem.c, shm.c */
#include <errno.h>

#include "klib/ahead.h"
#include "klib/cred.h"
#include "klib/pid.h"
#include "klib/types_fs.h"
#include "klib/xarray.h"
#include "root.h"

GUEST_TYPES_BEGIN
struct kern_ipc_perm { /* include/linux/ipc.h */
	int id;
	int key;
	kuid_t uid, cuid;
	kgid_t gid, cgid;
	uint16_t mode;
};

struct ipc_ids { /* include/linux/ipc_namespace.h */
	struct idr ipcs_idr;
};

struct msg_queue { /* ipc/msg.c */
	struct kern_ipc_perm q_perm;
	int64_t q_stime, q_rtime, q_ctime;
	unsigned long q_cbytes, q_qnum;
	struct pid __guest *q_lspid, *q_lrpid;
};

struct sem { /* ipc/sem.c */
	int64_t sem_otime;
};

struct sem_array {
	struct kern_ipc_perm sem_perm;
	int64_t sem_ctime;
	int sem_nsems;
	struct sem sems[];
};

struct shmid_kernel { /* ipc/shm.c */
	struct kern_ipc_perm shm_perm;
	struct file __guest *shm_file;
	unsigned long shm_nattch, shm_segsz;
	int64_t shm_atim, shm_dtim, shm_ctim;
	struct pid __guest *shm_cprid, *shm_lprid;
};

struct address_space { /* include/linux/fs.h */
	unsigned long nrpages;
};

struct shmem_inode_info { /* include/linux/shmem_fs.h */
	unsigned long swapped;
	char vfs_inode[1];
};

struct hugetlbfs_sb_info { /* include/linux/hugetlb.h */
	struct hstate __guest *hstate;
};

struct hstate {
	unsigned int order;
};
GUEST_TYPES_END

extern struct ipc_namespace __guest init_ipc_ns;

enum {
	IPC_SEM,
	IPC_MSG,
	IPC_SHM,
	IDS_MAX = 1 << 24, /* IPCMNI_EXTEND */
	SEMS_MAX = 1 << 16,
	ORDER_MAX = 18,
	PAGE_SIZE = 4096,
};

typedef void ipc_row_fn(struct seq_file *m, struct kern_ipc_perm __guest *perm);

static void put_owners(struct seq_file *m, struct kern_ipc_perm __guest *p)
{
	seq_printf(m, " %5u %5u %5u %5u", from_kuid_munged(p->uid.val), from_kgid_munged(p->gid.val),
		   from_kuid_munged(p->cuid.val), from_kgid_munged(p->cgid.val));
}

static void put_times(struct seq_file *m, int64_t a, int64_t b)
{
	seq_printf(m, " %10llu %10llu", (unsigned long long)a, (unsigned long long)b);
}

static unsigned int number(struct pid __guest *pid)
{
	return (unsigned int)pid_nr_ns(pid, &init_pid_ns);
}

static void msg_row(struct seq_file *m, struct kern_ipc_perm __guest *perm)
{
	struct msg_queue __guest *q = guest_container_of(perm, struct msg_queue, q_perm);

	seq_printf(m, "%10d %10d  %4o  %10lu %10lu %5u %5u", perm->key, perm->id, perm->mode,
		   q->q_cbytes, q->q_qnum, number(q->q_lspid), number(q->q_lrpid));
	put_owners(m, perm);
	put_times(m, q->q_stime, q->q_rtime);
	seq_printf(m, " %10llu\n", (unsigned long long)q->q_ctime);
}

static void sem_row(struct seq_file *m, struct kern_ipc_perm __guest *perm)
{
	struct sem_array __guest *a = guest_container_of(perm, struct sem_array, sem_perm);
	struct sem __guest *s = a->sems;
	int count = a->sem_nsems;
	int64_t last = s->sem_otime;

	for (int i = 1; i < count && i < SEMS_MAX && !guest_faulted(); i++) {
		int64_t t = (s + i)->sem_otime;

		last = t > last ? t : last;
	}
	seq_printf(m, "%10d %10d  %4o %10u", perm->key, perm->id, perm->mode, (unsigned int)count);
	put_owners(m, perm);
	put_times(m, last, a->sem_ctime);
	seq_putc(m, '\n');
}

/* Bytes of a segment in memory and swapped out (shm_add_rss_swap()). */
static void segment_usage(struct file __guest *f, uint64_t *rss_ret, uint64_t *swap_ret)
{
	enum { HUGETLBFS_MAGIC = 0x958458f6 };
	struct inode __guest *inode = f->f_inode;
	struct super_block __guest *sb = inode->i_sb;
	uint64_t pages = guest_ptr(struct address_space, guest_addr(inode->i_mapping))->nrpages;

	*swap_ret = 0;
	if (sb->s_magic == HUGETLBFS_MAGIC) {
		unsigned int order = guest_ptr(struct hugetlbfs_sb_info, guest_addr(sb->s_fs_info))
					     ->hstate->order;

		*rss_ret = (pages << (order < ORDER_MAX ? order : 0)) * PAGE_SIZE;
		return;
	}
	*rss_ret = pages * PAGE_SIZE;
	if (guest_has(struct shmem_inode_info, swapped))
		*swap_ret = guest_ptr(struct shmem_inode_info,
				      guest_addr(inode) -
					      guest_offsetof(struct shmem_inode_info, vfs_inode))
				    ->swapped * PAGE_SIZE;
}

static void shm_row(struct seq_file *m, struct kern_ipc_perm __guest *perm)
{
	struct shmid_kernel __guest *s = guest_container_of(perm, struct shmid_kernel, shm_perm);
	struct file __guest *f = s->shm_file;
	uint64_t rss = 0, swap = 0;

	if (f)
		segment_usage(f, &rss, &swap);
	seq_printf(m, "%10d %10d  %4o %21lu %5u %5u  %5lu", perm->key, perm->id, perm->mode,
		   s->shm_segsz, number(s->shm_cprid), number(s->shm_lprid), s->shm_nattch);
	put_owners(m, perm);
	put_times(m, s->shm_atim, s->shm_dtim);
	seq_printf(m, " %10llu %21llu %21llu\n", (unsigned long long)s->shm_ctim,
		   (unsigned long long)rss, (unsigned long long)swap);
}

static int ids_show(struct seq_file *m, int which, const char *heading, uint64_t size, ipc_row_fn *row)
{
	struct ipc_ids __guest *ids = guest_ptr(struct ipc_ids, guest_addr(init_ipc_ns.ids));
	struct guest_bound b = GUEST_BOUND(IDS_MAX);
	struct idr __guest *idr = &(ids + which)->ipcs_idr;

	seq_puts(m, heading);
	if (guest_hints())
		xa_ahead(&idr->idr_rt, size);
	for (uint64_t id = 0; id < IDS_MAX && guest_more(&b); id++) {
		struct guest_record r = guest_record_begin();
		void __guest *perm = idr_get_next(idr, &id);
		size_t mark = seq_mark(m);

		if (perm)
			row(m, guest_ptr(struct kern_ipc_perm, guest_addr(perm)));
		if (!guest_record_end(&r))
			seq_rollback(m, mark);
		if (!perm)
			break;
	}
	return 0;
}

static int msg_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	return ids_show(m, IPC_MSG,
			"       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid"
			"  cgid      stime      rtime      ctime\n",
			guest_sizeof(struct msg_queue), msg_row);
}

static int sem_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	return ids_show(m, IPC_SEM,
			"       key      semid perms      nsems   uid   gid  cuid  cgid      otime"
			"      ctime\n",
			guest_sizeof(struct sem_array), sem_row);
}

static int shm_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	return ids_show(m, IPC_SHM,
			"       key      shmid perms                  size  cpid  lpid nattch   uid   gid"
			"  cuid  cgid      atime      dtime      ctime                   rss"
			"                  swap\n",
			guest_sizeof(struct shmid_kernel), shm_row);
}

bool proc_sysvipc_present(const struct proc_item *it)
{
	(void)it;
	return guest_has_type(struct ipc_ids) && guest_has_type(struct shmid_kernel);
}

const struct proc_row proc_sysvipc_rows[] = {
	{ .name = "msg", .mode = PROC_REG(0444), .show = msg_show },
	{ .name = "sem", .mode = PROC_REG(0444), .show = sem_show },
	{ .name = "shm", .mode = PROC_REG(0444), .show = shm_show },
	{ 0 }
};
