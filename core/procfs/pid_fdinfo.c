// SPDX-License-Identifier: MIT
/* /proc/PID/fdinfo/N: fs/proc/fd.c, and what kinds of files add to it. */
#include <errno.h>

#include "klib/rbtree.h"
#include "pid.h"

enum {
	O_CLOEXEC_BIT = 02000000,
};

/*
 * What a kind of file adds. Sockets of the UNIX domain, epoll sets, event counters, signal descriptors
 * and masters of pseudo-terminals so far; others show what all files have.
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

struct file_operations {
	void __guest *show_fdinfo;
};
GUEST_TYPES_END

extern const char __guest pidfd_show_fdinfo, pidfs_dentry_operations, sock_show_fdinfo, unix_show_fdinfo, tty_show_fdinfo, pty_show_fdinfo,
	eventfd_show_fdinfo, ep_show_fdinfo, signalfd_show_fdinfo;

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
	fdinfo_more(it, f, m);
	return 0;
}
