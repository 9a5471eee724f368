// SPDX-License-Identifier: MIT
/* /proc/PID/fdinfo/N: fs/proc/fd.c, and what kinds of files add to it. */
#include <errno.h>

#include "klib/rbtree.h"
#include "pid.h"

enum {
	O_CLOEXEC_BIT = 02000000,
};

/*
 * What a kind of file adds. Sockets of the UNIX domain, epoll sets, event counters, signal descriptors,
 * timers, inotify and masters of pseudo-terminals so far; others show what all files have.
 */
GUEST_TYPES_BEGIN
struct proto_ops {
	void __guest *show_fdinfo;
};

struct socket {
	void __guest *sk;
	struct proto_ops __guest *ops;
};

struct scm_stat {
	atomic_t nr_fds;
};

struct unix_sock {
	struct scm_stat scm_stat;
};

struct tty_operations {
	void __guest *show_fdinfo;
};

struct tty_file_private {
	struct tty_struct __guest *tty;
};

struct eventfd_ctx {
	uint64_t count;
	unsigned int flags;
	int id;
};

struct epoll_filefd {
	struct file __guest *file;
	int fd;
};

struct epoll_event {
	uint32_t events;
	uint64_t data;
};

struct epitem {
	struct rb_node rbn;
	struct epoll_filefd ffd;
	struct epoll_event event;
};

struct eventpoll {
	struct rb_root_cached rbr;
};

struct signalfd_ctx {
	sigset_t sigmask;
};

struct timerqueue_node { /* include/linux/timerqueue.h */
	int64_t expires;
};

struct hrtimer_clock_base { /* include/linux/hrtimer.h */
	int64_t offset;
};

struct hrtimer {
	struct timerqueue_node node;
	struct hrtimer_clock_base __guest *base;
};

struct alarm { /* include/linux/alarmtimer.h */
	struct timerqueue_node node;
};

struct timerfd_ctx { /* fs/timerfd.c */
	union {
		struct hrtimer tmr;
		struct alarm alarm;
	} t;
	int64_t tintv;
	uint64_t ticks;
	int clockid;
	short settime_flags;
};

struct fsnotify_mark_connector { /* include/linux/fsnotify_backend.h */
	unsigned char type[1]; /* of one or two bytes */
	void __guest *obj; /* a pointer to one within the object, until 6.9 */
};

struct fsnotify_mark {
	uint32_t mask;
	unsigned int flags;
	struct list_head g_list;
	struct fsnotify_mark_connector __guest *connector;
};

struct inotify_inode_mark { /* fs/notify/inotify/inotify.h */
	struct fsnotify_mark fsn_mark;
	int wd;
};

struct fsnotify_group {
	struct list_head marks_list;
};

struct file_operations {
	void __guest *show_fdinfo;
};
GUEST_TYPES_END

extern const char __guest pidfd_show_fdinfo, pidfs_dentry_operations, sock_show_fdinfo, unix_show_fdinfo, tty_show_fdinfo, pty_show_fdinfo,
	eventfd_show_fdinfo, ep_show_fdinfo, signalfd_show_fdinfo, timerfd_show, inotify_show_fdinfo,
	shmem_encode_fh, generic_encode_ino32_fh;

static void epoll_show(struct eventpoll __guest *ep, struct seq_file *m)
{
	struct epitem __guest *e;

	rb_for_each_entry(e, &ep->rbr.rb_root, rbn) {
		struct file __guest *f = e->ffd.file;
		struct inode __guest *inode = f->f_inode;

		if (guest_faulted())
			break;
		seq_printf(m, "tfd: %8d events: %8x data: %16llx  pos:%lld ino:%lx sdev:%x\n",
			   e->ffd.fd, e->event.events, (unsigned long long)e->event.data,
			   (long long)f->f_pos, inode->i_ino, inode->i_sb->s_dev);
	}
}

enum {
	CLOCK_REALTIME_ID = 0,
	CLOCK_REALTIME_ALARM_ID = 8,
	CLOCK_BOOTTIME_ALARM_ID = 9,
	NSEC = 1000000000,
};

static void put_timespec(struct seq_file *m, const char *title, int64_t ns)
{
	seq_printf(m, "%s(%llu, %llu)\n", title, (unsigned long long)(ns / NSEC),
		   (unsigned long long)(ns % NSEC));
}

/* fs/timerfd.c: timerfd_show(), timerfd_get_remaining() */
static void timer_show(struct timerfd_ctx __guest *t, struct seq_file *m)
{
	struct proc_clocks now;
	int64_t left, ahead;
	int clock = t->clockid;

	proc_clocks_now(&now);
	if (clock == CLOCK_REALTIME_ALARM_ID || clock == CLOCK_BOOTTIME_ALARM_ID) {
		ahead = clock == CLOCK_REALTIME_ALARM_ID ? now.real_ahead : now.boot_ahead;
		left = t->t.alarm.node.expires - now.mono - ahead;
	} else {
		left = t->t.tmr.node.expires - now.mono - t->t.tmr.base->offset;
	}
	seq_printf(m, "clockid: %d\nticks: %llu\nsettime flags: 0%o\n", clock,
		   (unsigned long long)t->ticks, (unsigned int)(int)t->settime_flags);
	put_timespec(m, "it_value: ", left < 0 ? 0 : left);
	put_timespec(m, "it_interval: ", t->tintv);
}

/*
 * The handle by which a file server would know the inode again (fs/exportfs/expfs.c). File systems
 * that make theirs in a way of their own, but for shmem, get none here.
 */
static void put_handle(struct seq_file *m, struct inode __guest *inode)
{
	const struct export_operations __guest *op = inode->i_sb->s_export_op;
	uint64_t ino = inode->i_ino;
	uint32_t words[3] = { (uint32_t)ino, inode->i_generation }, count = 2;
	void __guest *encode = op ? op->encode_fh : NULL;

	if (encode && guest_eq(encode, &shmem_encode_fh)) {
		words[0] = inode->i_generation;
		words[1] = (uint32_t)ino;
		words[2] = (uint32_t)(ino >> 32);
		count = 3;
	} else if (guest_has_symbol(generic_encode_ino32_fh) ?
			   !guest_eq(encode, &generic_encode_ino32_fh) : encode != NULL) {
		return;
	}
	seq_printf(m, "fhandle-bytes:%x fhandle-type:%x f_handle:", count * 4, 1);
	for (uint32_t i = 0; i < count * 4; i++)
		seq_put_hex_ll(m, "", words[i / 4] >> i % 4 * 8 & 255, 2);
}

/* Until 6.9 it is a place in the inode that is remembered. */
static struct inode __guest *watched_inode(struct fsnotify_mark_connector __guest *c)
{
	uint64_t obj = guest_addr(c->obj);
	uint64_t within = obj - guest_offsetof(struct inode, i_fsnotify_marks);

	if (*guest_ptr(uint64_t, obj) == guest_addr(c))
		return guest_ptr(struct inode, within);
	return guest_ptr(struct inode, obj);
}

/* fs/notify/fdinfo.c: inotify_fdinfo() */
static void put_watch(struct seq_file *m, struct fsnotify_mark __guest *mark)
{
	/* include/uapi/linux/inotify.h, fsnotify_backend.h */
	enum {
		ALL_EVENTS = 0xfff,
		EXCL_UNLINK = 1 << 26,
		FLAG_EXCL_UNLINK = 0x10,
		FLAG_ONESHOT = 0x20,
	};
	struct inotify_inode_mark __guest *w =
		guest_container_of(mark, struct inotify_inode_mark, fsn_mark);
	struct fsnotify_mark_connector __guest *c = mark->connector;
	uint32_t mask = mark->mask & ALL_EVENTS, flags = mark->flags;
	struct inode __guest *inode;

	if (!c || !c->obj)
		return;
	inode = watched_inode(c);
	mask |= (flags & FLAG_EXCL_UNLINK ? EXCL_UNLINK : 0) | (flags & FLAG_ONESHOT ? 1u << 31 : 0);
	seq_printf(m, "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:0 ", (unsigned int)w->wd,
		   inode->i_ino, inode->i_sb->s_dev, mask);
	put_handle(m, inode);
	seq_putc(m, '\n');
}

static void inotify_show(struct fsnotify_group __guest *group, struct seq_file *m)
{
	struct fsnotify_mark __guest *mark;

	list_for_each_entry(mark, &group->marks_list, g_list) {
		struct guest_record r = guest_record_begin();
		size_t before = seq_mark(m);

		put_watch(m, mark);
		if (!guest_record_end(&r))
			seq_rollback(m, before);
	}
}

/* Since 6.9 the pid hangs on the file's inode (fs/pidfs.c). */
static struct pid __guest *pidfd_pid(struct file __guest *f)
{
	return guest_ptr(struct pid, guest_addr(guest_has_symbol(pidfs_dentry_operations) ?
							f->f_inode->i_private : f->private_data));
}

static void pidfd_show(struct pid __guest *pid, struct seq_file *m)
{
	struct upid __guest *numbers = pid->numbers;
	unsigned int level = pid->level;
	int nr = pid_task(pid, PIDTYPE(PID)) ? pid_nr_ns(pid, &init_pid_ns) : -1;

	seq_put_decimal_ll(m, "Pid:\t", nr);
	seq_put_decimal_ll(m, "\nNSpid:\t", nr);
	for (unsigned int i = 1; nr > 0 && i <= level && i <= 32; i++)
		seq_put_decimal_ll(m, "\t", numbers[i].nr);
	seq_putc(m, '\n');
}

static void fdinfo_more(const struct proc_item *it, struct file __guest *f, struct seq_file *m)
{
	enum { EFD_SEMAPHORE = 1 };
	struct file_operations __guest *fop =
		guest_ptr(struct file_operations, guest_addr(f->f_op));

	if (guest_has_symbol(unix_show_fdinfo) && guest_eq(fop->show_fdinfo, &sock_show_fdinfo)) {
		struct socket __guest *s = guest_ptr(struct socket, guest_addr(f->private_data));

		if (s->sk && guest_eq(s->ops->show_fdinfo, &unix_show_fdinfo))
			seq_printf(m, "scm_fds: %u\n",
				   (unsigned int)guest_ptr(struct unix_sock, guest_addr(s->sk))
					   ->scm_stat.nr_fds.counter);
	}
	if (guest_has_symbol(eventfd_show_fdinfo) &&
	    guest_eq(fop->show_fdinfo, &eventfd_show_fdinfo)) {
		struct eventfd_ctx __guest *e =
			guest_ptr(struct eventfd_ctx, guest_addr(f->private_data));

		seq_printf(m, "eventfd-count: %16llx\neventfd-id: %d\n",
			   (unsigned long long)e->count, e->id);
		if (proc_fact(it, PROC_FACT_EVENTFD_SEMAPHORE))
			seq_printf(m, "eventfd-semaphore: %d\n", !!(e->flags & EFD_SEMAPHORE));
	}
	if (guest_has_symbol(pidfd_show_fdinfo) && guest_eq(fop->show_fdinfo, &pidfd_show_fdinfo))
		pidfd_show(pidfd_pid(f), m);
	if (guest_has_symbol(ep_show_fdinfo) && guest_eq(fop->show_fdinfo, &ep_show_fdinfo))
		epoll_show(guest_ptr(struct eventpoll, guest_addr(f->private_data)), m);
	if (guest_has_symbol(signalfd_show_fdinfo) &&
	    guest_eq(fop->show_fdinfo, &signalfd_show_fdinfo)) {
		struct signalfd_ctx __guest *s =
			guest_ptr(struct signalfd_ctx, guest_addr(f->private_data));

		seq_put_hex_ll(m, "sigmask:\t", ~s->sigmask.sig[0], 16);
		seq_putc(m, '\n');
	}
	if (guest_has_symbol(timerfd_show) && guest_eq(fop->show_fdinfo, &timerfd_show))
		timer_show(guest_ptr(struct timerfd_ctx, guest_addr(f->private_data)), m);
	if (guest_has_symbol(inotify_show_fdinfo) &&
	    guest_eq(fop->show_fdinfo, &inotify_show_fdinfo))
		inotify_show(guest_ptr(struct fsnotify_group, guest_addr(f->private_data)), m);
	if (guest_has_symbol(pty_show_fdinfo) && guest_eq(fop->show_fdinfo, &tty_show_fdinfo)) {
		struct tty_struct __guest *tty =
			guest_ptr(struct tty_file_private, guest_addr(f->private_data))->tty;

		if (tty && tty->ops && guest_eq(tty->ops->show_fdinfo, &pty_show_fdinfo))
			seq_printf(m, "tty-index:\t%d\n", tty->index);
	}
}

int proc_pid_fdinfo_show(const struct proc_item *it, struct seq_file *m)
{
	struct task_struct __guest *t = item_task(it);
	struct file __guest *f = proc_task_file(t, it->arg);
	unsigned int flags;

	if (!f)
		return -ENOENT;
	flags = f->f_flags;
	if (bitmap_test(t->files->fdt->close_on_exec, (unsigned int)it->arg))
		flags |= O_CLOEXEC_BIT;
	seq_printf(m, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\n", (long long)f->f_pos, flags,
		   guest_container_of(f->f_path.mnt, struct mount, mnt)->mnt_id);
	if (proc_fact(it, PROC_FACT_FDINFO_INO))
		seq_printf(m, "ino:\t%lu\n", f->f_inode->i_ino);
	proc_put_file_locks(m, guest_addr(f), guest_addr(t->files));
	fdinfo_more(it, f, m);
	return 0;
}
