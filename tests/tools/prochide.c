// SPDX-License-Identifier: MIT
/*
 * usage: prochide VM RAM-FILE PID   (a guest of less than 3 GiB, standing still)
 *
 * Hides a process of a guest by its memory, as a rootkit in the kernel would: the number isn't one of a
 * process any more, so no list of /proc has it, but whoever knows it finds the task. Prints nothing.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "attach/attach.h"
#include "llview/llview.h"

GUEST_TYPES_BEGIN
struct list_head {
	struct list_head __guest *next;
};

struct hlist_head {
	void __guest *first;
};

struct pid {
	struct hlist_head tasks[2];
};

struct task_struct {
	int pid;
	struct list_head tasks;
	struct pid __guest *thread_pid;
};
GUEST_TYPES_END

extern struct task_struct __guest init_task;
extern unsigned long __guest page_offset_base;

struct wish {
	int pid;
	uint64_t at; /* in the RAM; 0: no such process */
};

static void find(void *arg)
{
	enum { PIDTYPE_TGID = 1 };
	struct guest_bound bound = GUEST_BOUND(1 << 22);
	struct list_head __guest *l = init_task.tasks.next;
	struct wish *w = arg;

	for (; l && l != &init_task.tasks && guest_more_at(&bound, l); l = l->next) {
		struct task_struct __guest *t = container_of(l, struct task_struct, tasks);

		if (t->pid == w->pid)
			w->at = guest_addr(&t->thread_pid->tasks[PIDTYPE_TGID]) - page_offset_base;
	}
}

int main(int argc, char **argv)
{
	struct attach_opts opts = {.vm = argc == 4 ? argv[1] : NULL, .program = "prochide"};
	struct wish w = {.pid = argc == 4 ? atoi(argv[3]) : 0};
	struct err_ctx err = {0};
	const uint64_t none = 0;
	struct attach *vm;
	char text[512];
	int fd;

	if (attach_open(&opts, &vm, &err)) {
		fprintf(stderr, "prochide: %s\n", err_describe(&err, text, sizeof(text)));
		return 1;
	}
	if (guest_run(vm->guest, find, &w) || !w.at) {
		fprintf(stderr, "prochide: no process %d\n", w.pid);
		return 1;
	}
	attach_close(vm);
	fd = open(argv[2], O_WRONLY);
	if (fd < 0 || pwrite(fd, &none, sizeof(none), (off_t)w.at) != sizeof(none)) {
		perror(argv[2]);
		return 1;
	}
	return close(fd) ? 1 : 0;
}
