// SPDX-License-Identifier: MIT
/*
 * What LLView costs: walks of all tasks and of the TCP hash table, compiled through the plugin,
 * against the same walks by hand with the offsets as constants, over the same pages, in turns.
 *
 * usage: llview_walk --offsets VM >offsets.h
 *        llview_walk VM HAND.so [REPEATS]	(bench/llview_hand.c with offsets.h)
 *
 * Freeze the VM. Prints a line of JSON for each walk, as bench/run takes them. "warm" has all
 * translations at hand; "cold" starts each walk with none.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attach/attach.h"
#include "llview_rows.h"

enum { REPEATS = 501 };

static const struct {
	const char *name, *type, *path;
} wanted[] = {
	{"TASK_TASKS", "struct task_struct", "tasks"},
	{"TASK_PID", "struct task_struct", "pid"},
	{"TASK_TGID", "struct task_struct", "tgid"},
	{"TASK_REAL_PARENT", "struct task_struct", "real_parent"},
	{"TASK_REAL_CRED", "struct task_struct", "real_cred"},
	{"TASK_SIGNAL", "struct task_struct", "signal"},
	{"TASK_COMM", "struct task_struct", "comm"},
	{"CRED_UID", "struct cred", "uid"},
	{"SIGNAL_NR_THREADS", "struct signal_struct", "nr_threads"},
	{"HASHINFO_EHASH", "struct inet_hashinfo", "ehash"},
	{"HASHINFO_MASK", "struct inet_hashinfo", "ehash_mask"},
	{"SOCK_NODE", "struct sock_common", "skc_nulls_node"},
	{"SOCK_DADDR", "struct sock_common", "skc_daddr"},
	{"SOCK_RCV_SADDR", "struct sock_common", "skc_rcv_saddr"},
	{"SOCK_DPORT", "struct sock_common", "skc_dport"},
	{"SOCK_NUM", "struct sock_common", "skc_num"},
	{"SOCK_STATE", "struct sock_common", "skc_state"},
	{"SOCK_FAMILY", "struct sock_common", "skc_family"},
	/* of enclave_direct.c */
	{"TASK_STATE", "struct task_struct", "__state"},
	{"TASK_EXIT_STATE", "struct task_struct", "exit_state"},
	{"TASK_MM", "struct task_struct", "mm"},
	{"TASK_UTIME", "struct task_struct", "utime"},
	{"TASK_STIME", "struct task_struct", "stime"},
	{"TASK_THREAD_NODE", "struct task_struct", "thread_node"},
	{"SIGNAL_THREAD_HEAD", "struct signal_struct", "thread_head"},
	{"SIGNAL_UTIME", "struct signal_struct", "utime"},
	{"SIGNAL_STIME", "struct signal_struct", "stime"},
	{"SIGNAL_TTY", "struct signal_struct", "tty"},
	{"TTY_NAME", "struct tty_struct", "name"},
	{"MM_PGD", "struct mm_struct", "pgd"},
	{"MM_TOTAL_VM", "struct mm_struct", "total_vm"},
	{"MM_RSS", "struct mm_struct", "rss_stat"},
	{"MM_ARG_START", "struct mm_struct", "arg_start"},
	{"MM_ARG_END", "struct mm_struct", "arg_end"},
};

static const struct {
	const char *name, *type;
} sized[] = {
	{"TASK_SIZE", "struct task_struct"},
	{"CRED_SIZE", "struct cred"},
	{"SIGNAL_SIZE", "struct signal_struct"},
	{"MM_SIZE", "struct mm_struct"},
};

static const struct {
	const char *name, *symbol;
} placed[] = {
	{"INIT_TASK", "init_task"},
	{"PAGE_OFFSET_BASE", "page_offset_base"},
};

static void die(const char *what)
{
	fprintf(stderr, "llview_walk: %s\n", what);
	exit(1);
}

static uint64_t symbol(const struct ktype *k, const char *name)
{
	struct gva at;

	if (ktype_symbol(k, name, &at))
		die(name);
	return at.v;
}

static void print_offsets(const struct ktype *k)
{
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		struct ktype_member m;

		if (ktype_member(k, wanted[i].type, wanted[i].path, &m))
			die(wanted[i].path);
		printf("#define %s %lu\n", wanted[i].name, m.bit_offset / 8);
	}
	for (size_t i = 0; i < sizeof(sized) / sizeof(*sized); i++) {
		uint64_t size;

		if (ktype_sizeof(k, sized[i].type, &size))
			die(sized[i].type);
		printf("#define %s %lu\n", sized[i].name, size);
	}
	for (size_t i = 0; i < sizeof(placed) / sizeof(*placed); i++)
		printf("#define %s 0x%lxul\n", placed[i].name, symbol(k, placed[i].symbol));
}

static const void *page(void *arg, uint64_t va)
{
	struct guest_pages *p = arg;
	const void *host;

	return p->ops->page(p, GUEST_SPACE_KERNEL, (struct gva){va}, &host) ? NULL : host;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median(uint64_t *v, int n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

struct walk {
	const char *name;
	void (*llview)(void *rows);
	void (*hand)(struct hand *h, struct rows *rows);
	size_t row_size;
};

struct bench {
	struct attach *vm;
	struct hand hand;
	void (*flush)(struct hand *h);
	struct rows *by_llview, *by_hand;
};

static uint64_t time_llview(struct bench *b, const struct walk *w, bool cold)
{
	uint64_t begun;

	if (cold)
		llview_guest_flush(b->vm->guest);
	begun = now();
	if (guest_run(b->vm->guest, w->llview, b->by_llview))
		die("a walk was aborted");
	return now() - begun;
}

static uint64_t time_hand(struct bench *b, const struct walk *w, bool cold)
{
	uint64_t begun;

	if (cold)
		b->flush(&b->hand);
	begun = now();
	w->hand(&b->hand, b->by_hand);
	return now() - begun;
}

static void measure(struct bench *b, const struct walk *w, bool cold, int repeats)
{
	uint64_t *hand = calloc(repeats, sizeof(*hand)), *llview = calloc(repeats, sizeof(*llview));
	uint64_t h, l;

	if (!hand || !llview)
		die("out of memory");
	for (int i = 0; i < repeats; i++) {
		/* The first of each pair warms the processor's caches for the one that counts. */
		time_hand(b, w, cold);
		hand[i] = time_hand(b, w, cold);
		time_llview(b, w, cold);
		llview[i] = time_llview(b, w, cold);
	}
	if (b->by_hand->count != b->by_llview->count ||
	    memcmp(b->by_hand->tasks, b->by_llview->tasks, b->by_hand->count * w->row_size))
		die("the two walks list different things (is the VM frozen?)");
	if (llview_guest_stats(b->vm->guest)->faults)
		die("reads failed");
	h = median(hand, repeats);
	l = median(llview, repeats);
	printf("{\"name\": \"LLView walk of %zu %s, %s\", \"value\": %.3f, \"unit\": \"us\", "
	       "\"versus\": \"the same walk by hand over mapped memory\", \"ratio\": %.3f}\n",
	       b->by_llview->count, w->name, cold ? "cold" : "warm", l / 1e3, (double)l / h);
	free(hand);
	free(llview);
}

int main(int argc, char **argv)
{
	bool offsets = argc == 3 && !strcmp(argv[1], "--offsets");
	struct attach_opts opts = {.vm = offsets ? argv[2] : argv[1], .program = "llview_walk"};
	struct walk walks[] = {
		{"tasks", llview_tasks, NULL, sizeof(struct task_row)},
		{"sockets", llview_sockets, NULL, sizeof(struct socket_row)},
	};
	struct bench b = {0};
	struct err_ctx err = {0};
	const struct ktype *k;
	char text[512];
	void *so;

	if (argc < 3)
		die("usage: llview_walk --offsets VM | VM HAND.so [REPEATS]");
	if (attach_open(&opts, &b.vm, &err) || attach_ktype(b.vm, &k, &err))
		die(err_describe(&err, text, sizeof(text)));
	if (offsets) {
		print_offsets(k);
		attach_close(b.vm);
		return 0;
	}

	so = dlopen(argv[2], RTLD_NOW);
	if (!so)
		die(dlerror());
	b.flush = (void (*)(struct hand *))dlsym(so, "hand_flush");
	walks[0].hand = (void (*)(struct hand *, struct rows *))dlsym(so, "hand_tasks");
	walks[1].hand = (void (*)(struct hand *, struct rows *))dlsym(so, "hand_sockets");
	if (!b.flush || !walks[0].hand || !walks[1].hand)
		die("not made of llview_hand.c");
	b.by_hand = calloc(1, sizeof(*b.by_hand));
	b.by_llview = calloc(1, sizeof(*b.by_llview));
	if (!b.by_hand || !b.by_llview)
		die("out of memory");
	b.hand.page = page;
	b.hand.arg = b.vm->pages;
	b.hand.init_task = symbol(k, "init_task");
	b.hand.tcp_hashinfo = symbol(k, "tcp_hashinfo");
	b.flush(&b.hand);
	if (llview_guest_epoch(b.vm->guest, &err))
		die(err_describe(&err, text, sizeof(text)));
	for (size_t i = 0; i < 2; i++)
		for (int cold = 0; cold < 2; cold++)
			measure(&b, &walks[i], cold, argc > 3 ? atoi(argv[3]) : REPEATS);
	free(b.by_hand);
	free(b.by_llview);
	attach_close(b.vm);
	dlclose(so);
	return 0;
}
