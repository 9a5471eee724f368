// SPDX-License-Identifier: MIT
/* A monitor of one's own: lists the processes of a VM. See docs/LLVIEW.md. usage: proclist VM */
#include <stdio.h>

#include "attach/attach.h"
#include "llview/llview.h"

GUEST_TYPES_BEGIN
struct list_head {
	struct list_head __guest *next;
};

struct task_struct {
	int pid, tgid;
	struct list_head tasks;
	struct task_struct __guest *real_parent;
	char comm[16];
};
GUEST_TYPES_END

extern struct task_struct __guest init_task;

static void list_processes(void *arg)
{
	struct guest_bound bound = GUEST_BOUND(1 << 22); /* PID_MAX_LIMIT */
	struct list_head __guest *l = init_task.tasks.next;
	FILE *out = arg;

	for (; l && l != &init_task.tasks && guest_more_at(&bound, l); l = l->next) {
		struct guest_record record = guest_record_begin();
		struct task_struct __guest *t = container_of(l, struct task_struct, tasks);
		int pid = t->pid, ppid = t->real_parent->tgid;
		char comm[16];

		guest_strncpy(comm, t->comm, sizeof(comm));
		if (guest_record_end(&record))
			fprintf(out, "%7d %7d %s\n", pid, ppid, comm);
	}
}

int main(int argc, char **argv)
{
	struct attach_opts opts = {.vm = argc == 2 ? argv[1] : NULL, .program = "proclist"};
	struct err_ctx err = {0};
	struct attach *vm;
	char text[512];

	if (attach_open(&opts, &vm, &err)) {
		fprintf(stderr, "proclist: %s\n", err_describe(&err, text, sizeof(text)));
		return 1;
	}
	printf("%7s %7s %s\n", "PID", "PPID", "COMMAND");
	if (guest_run(vm->guest, list_processes, stdout)) {
		fprintf(stderr, "proclist: the list of processes was cut short\n");
		return 1;
	}
	attach_close(vm);
	return 0;
}
