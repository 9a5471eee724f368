// SPDX-License-Identifier: MIT
/*
 * A process list as a program made for enclaves would do it: no libc door, no procfs, the kernel's layouts as constants
 * (offsets.h, by `llview_walk --offsets VM`), and at each object a call of the memory device: one sealed request leaves the
 * enclave, one answer comes in. What the published system was compared with. For `scw-cc --enclave`; prints the columns of
 * `ps aux` that need no file of the host's: UID, PID, VSZ and RSS in KiB, terminal, state, TIME, command.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/guest.h"
#include "channel/message.h"
#include "config/config.h"
#include "link.h"
#include "offsets.h"
#include "sealed/session.h"
#include "trusted/files.h"
#include "trusted/ocall.h"
#include "trusted/runtime.h"

#define CALLS_MEMORY (16ul << 20)
#define PAGE_KIB 4

/* Where the lines of an answer go: `size` bytes from `address` on are wanted. */
struct object {
	struct channel_piece_sink sink;
	uint8_t *bytes;
	uint64_t address;
	size_t size, got;
};

static struct sealed_carrier *device;
static unsigned long long calls;

static _Noreturn void die(const char *what, const struct err_ctx *err)
{
	fprintf(stderr, "enclave_direct: %s: %s\n", what, err ? err->text : "");
	exit(1);
}

/* ---- the session: a request and its answer are an exit ---- */

static bool fill(void *ctx, void *buf, size_t size)
{
	(void)ctx;
	trusted_random(buf, size);
	return true;
}

static void open_device(void)
{
	static struct link_frames by_host;
	static const struct channel_random random = {.fill = fill};
	static struct base_alloc alloc;
	struct sealed_identity identity;
	const struct sealed_session_options o = {
		.vm = trusted_info()->vm,
		.device = trusted_settings()->device_key,
		.identity = &identity,
		.random = &random,
		.order = CHANNEL_IN_ORDER,
		.greeted = true, /* by `scwatcher run` */
	};
	struct sealed_session *session;
	struct sealed_frames *frames;
	struct err_ctx err = {0};

	base_alloc_init(&alloc, CALLS_MEMORY);
	evidence_init(&identity);
	link_frames_init(&by_host, true);
	if (channel_library_init(&err) || sealed_session_open(&alloc, &by_host.transport, &o, &session, &err) ||
	    sealed_frames_create(session, &by_host.transport, trusted_now, &frames, &err))
		die("the session", &err);
	device = sealed_frames_carrier(frames);
}

/* ---- one call for one object ---- */

static void take_lines(struct channel_piece_sink *sink, const struct channel_piece *p)
{
	struct object *o = (struct object *)sink;
	const uint8_t *data = p->data;

	for (uint64_t lines = p->lines; lines; lines &= lines - 1, data += CHANNEL_LINE_SIZE) {
		uint64_t line = p->address + (uint64_t)__builtin_ctzll(lines) * CHANNEL_LINE_SIZE;
		uint64_t end = line + CHANNEL_LINE_SIZE;
		uint64_t from = line > o->address ? line : o->address;
		uint64_t to = end < o->address + o->size ? end : o->address + o->size;

		if (from >= to)
			continue;
		memcpy(o->bytes + (from - o->address), data + (from - line), to - from);
		o->got += to - from;
	}
}

/* Bytes that were got: less than `size` where the guest has no memory. */
static size_t get(uint64_t space, uint64_t address, void *buf, size_t size)
{
	static uint8_t record[CHANNEL_RECORD_MAX], request[CHANNEL_REQUEST_MAX];
	static struct channel_request r;
	struct object o = {.sink.piece = take_lines, .bytes = buf, .address = address, .size = size};
	struct channel_pages head;
	struct err_ctx err = {0};
	const void *plain;
	size_t n;

	memset(buf, 0, size);
	r = (struct channel_request){.number = ++calls, .count = 1};
	r.items[0] = (struct channel_item){
		.kind = CHANNEL_READ, .space = space, .address = address, .size = size};
	if (channel_request_encode(&r, request, sizeof(request), &n, &err) ||
	    device->send(device, request, n, &err))
		die("a request", &err);
	do {
		if (device->receive(device, record, &plain, &n, &err) ||
		    channel_pages_decode(plain, n, &head, &o.sink, &err))
			die("an answer", &err);
	} while (head.flags & CHANNEL_PAGES_MORE);
	return o.got;
}

/* ---- the list ---- */

#define FIELD(type, object, offset)                                                                \
	({                                                                                         \
		type value_;                                                                       \
		memcpy(&value_, (object) + (offset), sizeof(value_));                              \
		value_;                                                                            \
	})

static char state_of(const uint8_t *task)
{
	static const char letters[] = "RSDTtXZPI";
	unsigned int state = FIELD(unsigned int, task, TASK_STATE), exit_state = FIELD(int, task, TASK_EXIT_STATE);
	unsigned int bits = (state | exit_state) & 0x7f;

	if (state == 0x402) /* sleeps, and counts for no load */
		return 'I';
	return letters[bits ? 32 - __builtin_clz(bits) : 0];
}

/* Nanoseconds of the threads that live and of those that have ended. */
static uint64_t time_of(uint64_t leader_at, const uint8_t *leader, const uint8_t *signal, uint64_t signal_at)
{
	static uint8_t thread[TASK_SIZE];
	uint64_t sum = FIELD(uint64_t, signal, SIGNAL_UTIME) + FIELD(uint64_t, signal, SIGNAL_STIME);
	uint64_t end = signal_at + SIGNAL_THREAD_HEAD, at = FIELD(uint64_t, signal, SIGNAL_THREAD_HEAD);

	for (unsigned int i = 0; at && at != end && i < 100000; i++) {
		const uint8_t *t = thread;

		if (at - TASK_THREAD_NODE == leader_at)
			t = leader;
		else if (get(0, at - TASK_THREAD_NODE, thread, sizeof(thread)) != sizeof(thread))
			break;
		sum += FIELD(uint64_t, t, TASK_UTIME) + FIELD(uint64_t, t, TASK_STIME);
		at = FIELD(uint64_t, t, TASK_THREAD_NODE);
	}
	return sum;
}

/* argv as the process has it now, blanks between. Empty: a kernel thread, or nothing of it is there. */
static void command_of(const uint8_t *mm, uint64_t direct_map, char *text, size_t room)
{
	uint64_t start = FIELD(uint64_t, mm, MM_ARG_START), end = FIELD(uint64_t, mm, MM_ARG_END);
	size_t size = end > start ? end - start : 0, n;

	text[0] = '\0';
	if (!size)
		return;
	size = size < room - 1 ? size : room - 1;
	n = get(FIELD(uint64_t, mm, MM_PGD) - direct_map, start, text, size);
	while (n && !text[n - 1])
		n--;
	for (size_t i = 0; i < n; i++)
		if (text[i] < ' ')
			text[i] = ' ';
	text[n] = '\0';
}

static void print_task(uint64_t at, const uint8_t *task, uint64_t direct_map)
{
	static uint8_t cred[CRED_SIZE], signal[SIGNAL_SIZE], mm[MM_SIZE];
	uint64_t signal_at = FIELD(uint64_t, task, TASK_SIGNAL), mm_at = FIELD(uint64_t, task, TASK_MM);
	char terminal[64] = "?", command[4096] = "";
	unsigned long vsz = 0, rss = 0;
	uint64_t tty, seconds;

	get(0, FIELD(uint64_t, task, TASK_REAL_CRED), cred, sizeof(cred));
	get(0, signal_at, signal, sizeof(signal));
	tty = FIELD(uint64_t, signal, SIGNAL_TTY);
	if (tty)
		get(0, tty + TTY_NAME, terminal, sizeof(terminal) - 1);
	if (mm_at) {
		get(0, mm_at, mm, sizeof(mm));
		vsz = FIELD(unsigned long, mm, MM_TOTAL_VM) * PAGE_KIB;
		for (unsigned int i = 0; i < 4; i++) /* the third counts what is swapped out */
			rss += i == 2 ? 0 : FIELD(unsigned long, mm, MM_RSS + 8 * i) * PAGE_KIB;
		command_of(mm, direct_map, command, sizeof(command));
	}
	if (!command[0])
		snprintf(command, sizeof(command), "[%.16s]", (const char *)task + TASK_COMM);
	seconds = time_of(at, task, signal, signal_at) / 1000000000;
	printf("%5u %7d %8lu %7lu %-8s %c %3llu:%02llu %s\n", FIELD(unsigned int, cred, CRED_UID),
	       FIELD(int, task, TASK_PID), vsz, rss, terminal, state_of(task),
	       (unsigned long long)seconds / 60, (unsigned long long)seconds % 60, command);
}

int main(void)
{
	static uint8_t task[TASK_SIZE];
	uint64_t at = INIT_TASK, direct_map, count = 0;

	open_device();
	if (get(0, PAGE_OFFSET_BASE, &direct_map, sizeof(direct_map)) != sizeof(direct_map) ||
	    get(0, at, task, sizeof(task)) != sizeof(task))
		die("this isn't the kernel that it was compiled for", NULL);
	printf("  UID     PID      VSZ     RSS TTY      S   TIME COMMAND\n");
	for (;;) {
		at = FIELD(uint64_t, task, TASK_TASKS) - TASK_TASKS;
		if (at == INIT_TASK || ++count > 1 << 22)
			break;
		if (get(0, at, task, sizeof(task)) != sizeof(task))
			die("a task isn't there", NULL);
		print_task(at, task, direct_map);
	}
	fprintf(stderr, "enclave_direct: %llu calls of the device\n", calls);
	return 0;
}
