// SPDX-License-Identifier: MIT
/* What lies in a process's memory, and its areas: cmdline, environ, auxv, maps. */
#include <errno.h>
#include <string.h>

#include "ahead.h"
#include "klib/ahead.h"
#include "pid.h"

enum {
	CHUNK = 4096,
	TEXT_MAX = 1 << 20, /* of what is asked for in one go */
};

/* Copy until the end or the first byte that isn't there, as access_remote_vm() in a loop does. */
static void put_user_bytes(struct seq_file *m, struct mm_struct __guest *mm, uint64_t from,
			   uint64_t to)
{
	struct guest_bound b = GUEST_BOUND(1u << 20);
	char buf[CHUNK];
	struct guest_space as;

	if (guest_hints() && to > from && to - from > CHUNK && klib_mm_space(mm, &as))
		ahead_range(as, from, to - from < TEXT_MAX ? to - from : TEXT_MAX);
	while (from < to && !m->error && guest_more(&b)) {
		uint64_t want = to - from < CHUNK ? to - from : CHUNK;
		size_t got = klib_read_mm(mm, from, buf, want);

		seq_write(m, buf, got);
		if (got < want)
			break;
		from += got;
	}
}

/*
 * A process may write a title over its arguments; the kernel believes that it did when the last
 * byte of them isn't NUL, and then shows one string, which may go on in the environment behind.
 */
int proc_pid_cmdline_show(const struct proc_item *it, struct seq_file *m)
{
	struct mm_struct __guest *mm = get_task_mm(item_task(it));
	uint64_t arg_start, arg_end, env_start, env_end, size;
	char buf[CHUNK];

	if (!mm)
		return 0;
	proc_ahead_arguments(it);
	arg_start = mm->arg_start;
	arg_end = mm->arg_end;
	env_start = mm->env_start;
	env_end = mm->env_end;
	if (!env_end || arg_start >= arg_end)
		return 0;
	if (env_start != arg_end || env_end < env_start)
		env_end = arg_end;
	size = env_end - arg_start;
	if (klib_read_mm(mm, arg_end - 1, buf, 1) == 1 && *buf) {
		size_t got = klib_read_mm(mm, arg_start, buf, sizeof(buf));
		size_t length = strnlen(buf, got);

		length += length < got;
		seq_write(m, buf, length < size ? length : size);
		return 0;
	}
	put_user_bytes(m, mm, arg_start, arg_end);
	return 0;
}

int proc_pid_environ_show(const struct proc_item *it, struct seq_file *m)
{
	struct mm_struct __guest *mm = get_task_mm(item_task(it));

	if (!mm)
		return proc_fact(it, PROC_FACT_NO_MM_IS_ESRCH) ? -ESRCH : 0;
	proc_ahead_environment(it);
	if (mm->env_end)
		put_user_bytes(m, mm, mm->env_start, mm->env_end);
	return 0;
}

int proc_pid_auxv_show(const struct proc_item *it, struct seq_file *m)
{
	struct mm_struct __guest *mm = get_task_mm(item_task(it));
	unsigned long __guest *aux;

	if (!mm)
		return proc_fact(it, PROC_FACT_NO_MM_IS_ESRCH) ? -ESRCH : 0;
	aux = mm->saved_auxv;
	for (int i = 0; i < 64; i++, aux += 2) {
		uint64_t pair[2] = { aux[0], aux[1] };

		seq_write(m, pair, sizeof(pair));
		if (!pair[0])
			break;
	}
	return 0;
}

/* ---- maps: fs/proc/task_mmu.c ---- */

enum {
	VM_READ_FLAG = 1,
	VM_WRITE_FLAG = 2,
	VM_EXEC_FLAG = 4,
	VM_MAYSHARE_FLAG = 0x80,
	NAME_COLUMN = 25 + 8 * 6 - 1,
};

GUEST_TYPES_BEGIN
struct vm_special_mapping {
	const char __guest *name;
};
GUEST_TYPES_END

extern const char __guest special_mapping_name;
extern struct vm_area_struct __guest gate_vma;
extern int __guest vsyscall_mode;

void proc_put_range(struct seq_file *m, const struct proc_range *r)
{
	seq_setwidth(m, NAME_COLUMN);
	seq_put_hex_ll(m, "", r->start, 8);
	seq_put_hex_ll(m, "-", r->end, 8);
	seq_putc(m, ' ');
	seq_putc(m, r->flags & VM_READ_FLAG ? 'r' : '-');
	seq_putc(m, r->flags & VM_WRITE_FLAG ? 'w' : '-');
	seq_putc(m, r->flags & VM_EXEC_FLAG ? 'x' : '-');
	seq_putc(m, r->flags & VM_MAYSHARE_FLAG ? 's' : 'p');
	seq_put_hex_ll(m, " ", r->pgoff, 8);
	seq_put_hex_ll(m, " ", r->dev >> 20, 2);
	seq_put_hex_ll(m, ":", r->dev & 0xfffff, 2);
	seq_put_decimal_ull(m, " ", r->ino);
	seq_putc(m, ' ');
}

static void put_range(struct seq_file *m, struct vm_area_struct __guest *vma, uint64_t pgoff,
		      uint32_t dev, uint64_t ino)
{
	const struct proc_range r = {
		vma->vm_start, vma->vm_end, vma->vm_flags, pgoff, ino, dev
	};

	proc_put_range(m, &r);
}

static bool put_special_name(struct seq_file *m, struct vm_area_struct __guest *vma)
{
	struct vm_operations_struct __guest *ops = vma->vm_ops;
	char name[64];

	if (!ops || !guest_eq(ops->name, &special_mapping_name))
		return false;
	if (!guest_strncpy(name,
			   guest_ptr(struct vm_special_mapping, guest_addr(vma->vm_private_data))->name,
			   sizeof(name)))
		return false;
	seq_pad(m, ' ');
	seq_puts(m, name);
	return true;
}

void proc_put_area(struct seq_file *m, struct mm_struct __guest *mm,
		   struct vm_area_struct __guest *vma, const struct klib_path *root)
{
	struct file __guest *file = vma->vm_file;
	char path[VFS_PATH_MAX];

	if (file) {
		struct inode __guest *inode = file->f_inode;
		struct klib_path p = klib_path_get(&file->f_path);
		int size;

		put_range(m, vma, vma->vm_pgoff << 12, inode->i_sb->s_dev, inode->i_ino);
		seq_pad(m, ' ');
		size = klib_d_path(&p, root, path, sizeof(path));
		if (size > 0)
			seq_escape_mem(m, path, (size_t)size, "\n");
	} else {
		put_range(m, vma, 0, 0, 0);
		if (put_special_name(m, vma)) {
			/* that was it */
		} else if (vma->vm_start <= mm->brk && vma->vm_end >= mm->start_brk) {
			seq_pad(m, ' ');
			seq_puts(m, "[heap]");
		} else if (vma->vm_start <= mm->start_stack && vma->vm_end >= mm->start_stack) {
			seq_pad(m, ' ');
			seq_puts(m, "[stack]");
		} else if (guest_has(struct vm_area_struct, anon_name) && vma->anon_name) {
			char name[80];

			guest_strncpy(name, vma->anon_name->name, sizeof(name));
			seq_pad(m, ' ');
			seq_printf(m, "[anon:%s]", name);
		}
	}
	seq_putc(m, '\n');
}

/* The modes are EMULATE, XONLY and NONE; only the second has a name that nothing else has. */
struct vm_area_struct __guest *proc_gate_area(void)
{
	return guest_has_symbol(gate_vma) && guest_has_symbol(vsyscall_mode) &&
	       vsyscall_mode != guest_enum_any_or(XONLY, 1) + 1 ? &gate_vma : NULL;
}

void proc_put_gate_area(struct seq_file *m)
{
	put_range(m, &gate_vma, 0, 0, 0);
	seq_pad(m, ' ');
	seq_puts(m, "[vsyscall]\n");
}

int proc_pid_maps_show(const struct proc_item *it, struct seq_file *m)
{
	struct mm_struct __guest *mm = get_task_mm(item_task(it));
	struct klib_path root = klib_reader_root();
	struct vm_area_struct __guest *vma;
	struct klib_vma_walk w;

	if (!mm)
		return 0;
	klib_vma_begin(&w, mm);
	while ((vma = klib_vma_next(&w))) {
		struct guest_record r = guest_record_begin();
		size_t mark = seq_mark(m);

		proc_put_area(m, mm, vma, &root);
		if (!guest_record_end(&r))
			seq_rollback(m, mark);
	}
	if (proc_gate_area())
		proc_put_gate_area(m);
	return 0;
}
