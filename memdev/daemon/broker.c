// SPDX-License-Identifier: MIT
/* See broker.h. */
#include "broker.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attach/vms.h"
#include "base/checked.h"
#include "carrier/wait.h"
#include "log.h"
#include "report.h"
#include "sandbox.h"
#include "worker.h"

enum {
	KNOWN_MAX = 64,	/* VMs that are remembered */
	FD_CLIENT = 3,	/* in a worker */
	FD_BROKER = 4,
	LISTENERS = 3, /* descriptors polled beside those of workers */
	WARM_EACH = 2, /* workers that wait for the next sessions with a VM */
	WARM_MAX = 8,  /* of all VMs */
	WARM_LOOK_MS = 500, /* how often to see whether they still should be */
};

/* One worker. Free when pid is 0. */
struct slot {
	pid_t pid;
	bool warm;	 /* no session yet */
	bool quiet;	 /* another warm one is ready yet */
	int offered;	 /* the client that a warm one is looking at; -1: none */
	uint64_t serial; /* counts up with each worker */
	int channel; /* -1: hung up, to be reaped */
	struct report_page *page;
	uint64_t number;
	struct ucred peer;
	uint64_t began; /* carrier_now() */
	time_t began_at;
	/* as the worker said, checked */
	bool opened, found;
	pid_t vmm;
	uint64_t vmm_start;
	uint64_t named; /* carrier_now() when the VM was looked for by its name */
	char vm[CHANNEL_VM_NAME_MAX + 1];
};

/* What workers found out of a VM, for the next one: it is only kept here, never looked into. */
struct known {
	pid_t vmm; /* 0: free */
	uint64_t start, used;
	uint64_t named;		    /* slot.named of who said where it is; 0: nobody did */
	struct attach_memory_at at; /* said by a worker that had its privileges yet */
	char *text;		    /* said by one that had given them up; NULL: none */
	uint32_t *looked;	    /* by one that has ended: where it looked, of the last session */
	uint32_t looked_count;
};

struct broker {
	const struct broker_setup *setup;
	int signals;
	struct slot *slots;
	size_t slot_count; /* places */
	uint64_t number, serial;
	struct known known[KNOWN_MAX];
	sigset_t mask_before;
	bool ending;
	pid_t with;
	bool left;	 /* by that, so that there is no use in going on */
	uint64_t looked; /* carrier_now() of the last end_cold() */
	/* of each worker, but made once */
	uint32_t spins;
	cpu_set_t cpus;
	bool cpus_known;
	struct sandbox_filter *filter;
};

/* ---- what is remembered ---- */

static struct known *known_find(struct broker *b, pid_t vmm, uint64_t start)
{
	for (size_t i = 0; i < KNOWN_MAX; i++) {
		if (b->known[i].vmm == vmm && b->known[i].start == start)
			return &b->known[i];
	}
	return NULL;
}

static void known_forget(struct known *k)
{
	free(k->text);
	free(k->looked);
}

/* The place for it: its own, an empty one, or that of the one not used for longest. */
static struct known *known_get(struct broker *b, pid_t vmm, uint64_t start)
{
	struct known *k = known_find(b, vmm, start);

	if (k)
		return k;
	for (size_t i = 0; !k && i < KNOWN_MAX; i++) {
		if (!b->known[i].vmm)
			k = &b->known[i];
	}
	if (!k) {
		k = &b->known[0];
		for (size_t i = 1; i < KNOWN_MAX; i++) {
			if (b->known[i].used < k->used)
				k = &b->known[i];
		}
	}
	known_forget(k);
	*k = (struct known){.vmm = vmm, .start = start, .used = b->number};
	return k;
}

/* ---- slots ---- */

/* Sessions, of all VMs or of one. */
static size_t count_running(const struct broker *b, pid_t vmm, uint64_t start)
{
	size_t n = 0;

	for (size_t i = 0; i < b->slot_count; i++) {
		const struct slot *s = &b->slots[i];

		n += s->pid && !s->warm && (!vmm || (s->opened && s->vmm == vmm && s->vmm_start == start));
	}
	return n;
}

static struct slot *slot_free(struct broker *b)
{
	for (size_t i = 0; i < b->slot_count; i++) {
		if (!b->slots[i].pid)
			return &b->slots[i];
	}
	return NULL;
}

/* A text out of a worker's page, ended and cut; log_line() makes it printable. */
static void take_text(char *ret, const char *text, size_t size)
{
	memcpy(ret, text, size);
	ret[size - 1] = '\0';
}

static const char *state_name(uint32_t state)
{
	static const char *const names[] = {"opening", "handshake", "frames", "ring"};

	return state < BASE_COUNT(names) ? names[state] : "?";
}

static void log_end(const struct slot *s, int status)
{
	const struct report_page *p = s->page;
	char who[MEMDEV_WHO_SIZE], reason[sizeof(p->reason)];
	uint64_t ms = (carrier_now() - s->began) / 1000000;

	take_text(who, p->who, sizeof(who));
	take_text(reason, p->reason, sizeof(reason));
	if (WIFSIGNALED(status))
		snprintf(reason, sizeof(reason), "killed by signal %d%s", WTERMSIG(status),
			 WTERMSIG(status) == SIGSYS ? ": a system call that isn't allowed" : "");
	log_line(WIFSIGNALED(status) ? LOG_WARN : LOG_NOTE,
		 "session %" PRIu64 ": identity %s, VM %s, user %u, process %d, %" PRIu64 ".%03" PRIu64
		 " s, %" PRIu64 " requests, %" PRIu64 " pages, %" PRIu64 " bytes: %s",
		 s->number, who[0] ? who : "-", s->vm[0] ? s->vm : "-", (unsigned int)s->peer.uid,
		 (int)s->peer.pid, ms / 1000, ms % 1000, p->requests, p->pages,
		 p->bytes_in + p->bytes_out, reason[0] ? reason : "ended");
}

static void slot_clear(struct slot *s)
{
	if (s->channel >= 0)
		close(s->channel);
	if (s->page)
		munmap(s->page, sizeof(*s->page));
	if (s->offered >= 0)
		close(s->offered);
	*s = (struct slot){.channel = -1, .offered = -1};
}

static void offer(struct broker *b, int client, uint64_t before);
static void warm_up(struct broker *b, const struct slot *s, uint64_t bytes_out);

/* Among what it said last, unread yet: has it taken the client? Then that one's frames are gone with it. */
static bool had_taken(const struct slot *s)
{
	uint32_t kind;

	while (s->channel >= 0 && recv(s->channel, &kind, sizeof(kind), MSG_DONTWAIT) == sizeof(kind)) {
		if (kind == REPORT_TAKEN)
			return true;
	}
	return false;
}

/* Where the next worker should look beforehand; it is looked at again there, whatever this one says. */
static void keep_looked(struct broker *b, const struct slot *s)
{
	struct known *k = s->opened ? known_find(b, s->vmm, s->vmm_start) : NULL;
	uint32_t count = s->page->looked_count, *looked;

	if (!k || count > REPORT_LOOKED_MAX)
		return;
	looked = calloc(count ? count : 1, sizeof(*looked));
	if (!looked)
		return;
	for (uint32_t i = 0; i < count; i++)
		looked[i] = s->page->looked[i];
	free(k->looked);
	k->looked = looked;
	k->looked_count = count;
}

/* A worker has ended: its place is free. */
static void take_end(struct broker *b, struct slot *s, int status)
{
	struct slot ended = *s;
	bool served = s->page->state == REPORT_FRAMES || s->page->state == REPORT_RING;
	uint64_t bytes_out = s->page->bytes_out;

	if (!s->warm)
		log_end(s, status);
	if (served)
		keep_looked(b, s);
	if (s->offered >= 0 && had_taken(s)) {
		close(s->offered);
		ended.offered = -1;
	}
	s->offered = -1;
	slot_clear(s);
	if (b->ending)
		return;
	if (ended.offered >= 0)
		offer(b, ended.offered, ended.serial);
	else if (ended.opened && served && WIFEXITED(status))
		warm_up(b, &ended, bytes_out);
}

static void reap(struct broker *b)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == b->with) {
			b->with = 0;
			b->left = !b->ending;
			b->ending = true;
		}
		for (size_t i = 0; i < b->slot_count; i++) {
			if (b->slots[i].pid != pid)
				continue;
			take_end(b, &b->slots[i], status);
		}
	}
}

/* ---- a new session ---- */

static void refuse(int client, enum err code, const char *text)
{
	struct channel_refusal r = {.code = code};
	uint8_t frame[CHANNEL_FRAME_HEADER_SIZE + CHANNEL_REFUSAL_MAX];
	size_t size;

	snprintf(r.text, sizeof(r.text), "%s", text);
	size = channel_refusal_encode(&r, frame + CHANNEL_FRAME_HEADER_SIZE);
	channel_frame_encode(CHANNEL_FRAME_FAILED, size, frame);
	(void)!send(client, frame, CHANNEL_FRAME_HEADER_SIZE + size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* In the child: keep the two sockets that it needs and nothing else. */
static _Noreturn void be_worker(struct broker *b, struct slot *s, int client, int channel, pid_t parent,
				const struct attach_memory_at *at, const struct known *k, size_t answers)
{
	static const int defaults[] = {SIGTERM, SIGINT, SIGCHLD, SIGHUP};
	struct worker_setup w = {
		.config = b->setup->config,
		.policy = b->setup->policy,
		.key = b->setup->key,
		.client = client < 0 ? -1 : FD_CLIENT,
		.vm = s->vm,
		.at = at,
		.quiet = s->quiet,
		.answers = answers,
		.looked = k ? k->looked : NULL,
		.looked_count = k ? k->looked_count : 0,
		.spins = b->spins,
		.cpus = b->cpus_known ? &b->cpus : NULL,
		.filter = b->filter,
		.broker = FD_BROKER,
		.page = s->page,
		.parent = parent,
		.uid = b->setup->uid,
		.gid = b->setup->gid,
	};
	/* a warm one has none yet: something harmless in its place */
	int high_client = dup(client < 0 ? STDIN_FILENO : client), high_channel = dup(channel);

	/* neither may lie where the other has to go */
	while (high_client >= 0 && high_client <= FD_BROKER)
		high_client = dup(high_client);
	while (high_channel >= 0 && high_channel <= FD_BROKER)
		high_channel = dup(high_channel);
	if (high_client < 0 || high_channel < 0 || dup2(high_client, FD_CLIENT) < 0 ||
	    dup2(high_channel, FD_BROKER) < 0 || syscall(SYS_close_range, FD_BROKER + 1, ~0u, 0) < 0)
		_exit(1);
	for (size_t i = 0; i < BASE_COUNT(defaults); i++)
		signal(defaults[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, &b->mask_before, NULL);
	prctl(PR_SET_NAME, "scwatcherd-work", 0, 0, 0);
	/* what libraries would do at the end is a tenth of a small session */
	_exit(worker_run(&w));
}

/* A session begins. */
static bool count_in(struct broker *b, struct slot *s, int client)
{
	socklen_t size = sizeof(s->peer);

	if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &s->peer, &size) < 0)
		return false;
	s->number = ++b->number;
	s->began = carrier_now();
	s->began_at = time(NULL);
	return true;
}

/*
 * For a client, or (-1) a warm one for the VM of `like`, whose client will want about `answers` bytes, and `quiet` if another
 * one is ready for that client.
 */
static bool start_worker(struct broker *b, struct slot *s, int client, const struct slot *like, bool quiet,
			 size_t answers)
{
	uint64_t fresh = b->setup->config->warm_s * 1000000000ull / 2, now = carrier_now();
	const struct attach_memory_at *at = NULL;
	pid_t self = getpid(), pid;
	struct known *k;
	int pair[2];

	*s = (struct slot){.channel = -1,
			   .offered = -1,
			   .warm = client < 0,
			   .quiet = quiet,
			   .serial = ++b->serial,
			   .began = now,
			   .named = now};
	k = like ? known_find(b, like->vmm, like->vmm_start) : NULL;
	if (like) {
		s->vmm = like->vmm;
		s->vmm_start = like->vmm_start;
		memcpy(s->vm, like->vm, sizeof(s->vm));
	}
	/* the name is looked for once in a while: another VM may have it by now */
	if (k && k->at.piece_count && now - k->named < fresh) {
		at = &k->at;
		s->named = k->named;
	}
	if ((client >= 0 && !count_in(b, s, client)) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return false; /* the place stays free */
	s->page = mmap(NULL, sizeof(*s->page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (s->page == MAP_FAILED) {
		s->page = NULL;
		close(pair[0]);
		close(pair[1]);
		return false;
	}
	if (s->warm)
		s->page->state = REPORT_WARM;
	pid = fork();
	if (pid == 0)
		be_worker(b, s, client, pair[1], self, at, k, answers);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		slot_clear(s);
		return false;
	}
	/* workers started later have no business in this one's page */
	madvise(s->page, sizeof(*s->page), MADV_DONTFORK);
	s->pid = pid;
	s->channel = pair[0];
	return true;
}

static void take_client(struct broker *b)
{
	int client = accept4(b->setup->device, NULL, NULL, SOCK_CLOEXEC);

	if (client >= 0)
		offer(b, client, UINT64_MAX);
}

/* ---- warm workers ---- */

/*
 * Workers for a VM that was served just now, for who comes next: as one session was sent `bytes_out` bytes, so may
 * be another one. More than one, since a small tool takes no longer than it takes to make one ready.
 */
static void warm_up(struct broker *b, const struct slot *s, uint64_t bytes_out)
{
	size_t count = 0, of_vm = 0;
	bool ready = false; /* or soon */

	for (size_t i = 0; i < b->slot_count; i++) {
		const struct slot *w = &b->slots[i];

		if (!w->pid || !w->warm)
			continue;
		count++;
		if (w->vmm != s->vmm || w->vmm_start != s->vmm_start)
			continue;
		of_vm++;
		ready |= w->offered < 0 && (w->opened || !w->quiet);
	}
	for (; b->setup->config->warm_s && of_vm < WARM_EACH && count < WARM_MAX; of_vm++, count++) {
		struct slot *to = slot_free(b);

		if (!to || !start_worker(b, to, -1, s, ready, (size_t)bytes_out))
			return;
		ready = true;
	}
}

/* Its VM as it was opened, and not for too long: another one may have the name by now. */
static bool still_warm(const struct broker *b, const struct slot *s)
{
	uint64_t start;

	return s->opened && vms_start_time(s->vmm, &start) && start == s->vmm_start &&
	       carrier_now() - s->named < b->setup->config->warm_s * 1000000000ull;
}

static void end_cold(struct broker *b)
{
	uint64_t now = carrier_now();

	if (now - b->looked < WARM_LOOK_MS * 1000000ull)
		return;
	b->looked = now;
	for (size_t i = 0; i < b->slot_count; i++) {
		struct slot *s = &b->slots[i];

		if (s->pid && s->warm && s->offered < 0 && (s->opened || s->channel < 0) &&
		    !still_warm(b, s))
			kill(s->pid, SIGKILL);
	}
}

static bool has_warm(const struct broker *b)
{
	for (size_t i = 0; i < b->slot_count; i++) {
		if (b->slots[i].pid && b->slots[i].warm)
			return true;
	}
	return false;
}

static bool pass_client(struct slot *s, int client)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS}};
	char byte = 0;
	struct iovec part = {.iov_base = &byte, .iov_len = sizeof(byte)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};

	memcpy(CMSG_DATA(&control.header), &client, sizeof(client));
	return sendmsg(s->channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

/* The latest warm worker older than `before` that is waiting for a client. */
static struct slot *latest_warm(struct broker *b, uint64_t before)
{
	struct slot *latest = NULL;

	for (size_t i = 0; i < b->slot_count; i++) {
		struct slot *s = &b->slots[i];

		if (s->pid && s->warm && s->offered < 0 && s->channel >= 0 && s->serial < before &&
		    (!latest || s->serial > latest->serial))
			latest = s;
	}
	return latest;
}

/* May there be another session with its VM? */
static bool has_room(const struct broker *b, const struct slot *s)
{
	return count_running(b, s->vmm, s->vmm_start) < b->setup->config->sessions_per_vm;
}

/*
 * Find somebody for a client, which becomes the broker's to close: a warm worker that has opened the VM
 * that it wants, or a new one. What it wants is for workers to read, so they are asked in turn: the
 * latest one that is older than `before`.
 */
static void offer(struct broker *b, int client, uint64_t before)
{
	const struct config *c = b->setup->config;
	struct slot *latest, *s;

	if (count_running(b, 0, 0) >= c->sessions) {
		refuse(client, ERR_LIMIT, "there are as many sessions as this memory device allows");
		close(client);
		return;
	}
	/* of those in turn whose VM is there still: that is asked of few */
	do {
		latest = latest_warm(b, before);
		before = latest ? latest->serial : 0;
	} while (latest && !(still_warm(b, latest) && has_room(b, latest)));
	if (latest && pass_client(latest, client)) {
		latest->offered = client;
		return;
	}
	s = slot_free(b);
	if (!s || !start_worker(b, s, client, NULL, false, 0))
		refuse(client, ERR_NOMEM, "the memory device can't start another session now");
	close(client);
}

static bool take_offered(struct broker *b, struct slot *s, const struct report_offered *m,
			 size_t size)
{
	int client = s->offered;

	if (size != sizeof(*m) || !s->warm || client < 0)
		return false;
	s->offered = -1;
	if (m->kind == REPORT_DECLINED) {
		offer(b, client, s->serial);
		return true;
	}
	if (!count_in(b, s, client))
		kill(s->pid, SIGKILL);
	s->warm = false;
	close(client);
	return true;
}

/* ---- what workers say ---- */

static void give_verdict(struct broker *b, struct slot *s)
{
	struct report_verdict *v = calloc(1, sizeof(*v));
	struct known *k;

	if (!v)
		return;
	if (!s->warm && count_running(b, s->vmm, s->vmm_start) > b->setup->config->sessions_per_vm) {
		v->code = ERR_LIMIT;
		snprintf(v->text, sizeof(v->text),
			 "there are as many sessions with this VM as the memory device allows");
	}
	k = known_find(b, s->vmm, s->vmm_start);
	if (k && k->text) {
		k->used = b->number;
		snprintf(v->known, sizeof(v->known), "%s", k->text);
	}
	(void)!send(s->channel, v, sizeof(*v), MSG_NOSIGNAL | MSG_DONTWAIT);
	free(v);
}

static bool take_opened(struct broker *b, struct slot *s, const struct report_opened *m, size_t size)
{
	struct known *k;

	if (size != sizeof(*m) || s->opened || m->at.vmm <= 0 ||
	    m->at.piece_count > SOURCE_PIECES_MAX || m->vm[sizeof(m->vm) - 1] ||
	    !channel_vm_name_valid(m->vm))
		return false;
	s->opened = true;
	s->vmm = m->at.vmm;
	s->vmm_start = m->at.start;
	memcpy(s->vm, m->vm, sizeof(s->vm));
	k = known_get(b, s->vmm, s->vmm_start);
	if (k->named <= s->named) {
		k->named = s->named;
		k->at = m->at;
	}
	give_verdict(b, s);
	return true;
}

static bool take_found(struct broker *b, struct slot *s, const struct report_found *m, size_t size)
{
	struct known *k;

	if (size != sizeof(*m) || !s->opened || s->found || m->known[sizeof(m->known) - 1])
		return false;
	s->found = true;
	/* at worst wrong of its own VM, which the next worker notices */
	k = known_get(b, s->vmm, s->vmm_start);
	free(k->text);
	k->text = strdup(m->known);
	return true;
}

static void take_message(struct broker *b, struct slot *s)
{
	static union {
		uint32_t kind;
		struct report_opened opened;
		struct report_found found;
		struct report_offered offered;
		char bytes[sizeof(struct report_found) + 1];
	} m;
	ssize_t n = recv(s->channel, &m, sizeof(m), MSG_DONTWAIT);
	bool fine = false;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n >= (ssize_t)sizeof(m.kind) && m.kind == REPORT_OPENED)
		fine = take_opened(b, s, &m.opened, (size_t)n);
	else if (n >= (ssize_t)sizeof(m.kind) && m.kind == REPORT_FOUND)
		fine = take_found(b, s, &m.found, (size_t)n);
	else if (n >= (ssize_t)sizeof(m.kind) &&
		 (m.kind == REPORT_TAKEN || m.kind == REPORT_DECLINED))
		fine = take_offered(b, s, &m.offered, (size_t)n);
	if (fine)
		return;
	/* it has ended, or isn't what it was; SIGCHLD follows */
	close(s->channel);
	s->channel = -1;
	if (n > 0 && s->warm) {
		kill(s->pid, SIGKILL);
	} else if (n > 0) {
		log_line(LOG_WARN, "session %" PRIu64 ": the worker said what it can't; ending it",
			 s->number);
		kill(s->pid, SIGKILL);
	}
}

/* ---- who asks for the sessions ---- */

static json_object *session_json(const struct slot *s)
{
	json_object *o = json_object_new_object();
	char who[MEMDEV_WHO_SIZE];

	take_text(who, s->page->who, sizeof(who));
	for (char *p = who; *p; p++)
		*p = *p < 0x20 || *p > 0x7e ? '?' : *p;
	json_object_object_add(o, "session", json_object_new_uint64(s->number));
	json_object_object_add(o, "identity", who[0] ? json_object_new_string(who) : NULL);
	json_object_object_add(o, "vm", s->opened ? json_object_new_string(s->vm) : NULL);
	json_object_object_add(o, "vmm", s->opened ? json_object_new_int(s->vmm) : NULL);
	json_object_object_add(o, "state", json_object_new_string(state_name(s->page->state)));
	json_object_object_add(o, "user", json_object_new_int64(s->peer.uid));
	json_object_object_add(o, "process", json_object_new_int(s->peer.pid));
	json_object_object_add(o, "worker", json_object_new_int(s->pid));
	json_object_object_add(o, "since", json_object_new_int64((int64_t)s->began_at));
	json_object_object_add(o, "requests", json_object_new_uint64(s->page->requests));
	json_object_object_add(o, "pages", json_object_new_uint64(s->page->pages));
	json_object_object_add(o, "bytes_in", json_object_new_uint64(s->page->bytes_in));
	json_object_object_add(o, "bytes_out", json_object_new_uint64(s->page->bytes_out));
	json_object_object_add(o, "memory_bytes", json_object_new_uint64(s->page->memory));
	return o;
}

/* The whole list as one JSON text, written at once: nobody is waited for. */
static void take_control(struct broker *b)
{
	int fd = accept4(b->setup->control, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	json_object *array = json_object_new_array();
	int room = 4 << 20;
	const char *text;

	if (fd < 0) {
		json_object_put(array);
		return;
	}
	for (size_t i = 0; i < b->slot_count; i++) {
		if (b->slots[i].pid && !b->slots[i].warm)
			json_object_array_add(array, session_json(&b->slots[i]));
	}
	text = json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN);
	/* as root that isn't limited */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
	json_object_put(array);
}

/* ---- the loop ---- */

static void take_signals(struct broker *b)
{
	struct signalfd_siginfo info;

	while (read(b->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			b->ending = true;
	}
	reap(b);
}

static void turn(struct broker *b, struct pollfd *fds)
{
	size_t count = b->slot_count; /* up to the last one that is in use */
	struct pollfd *p = fds;

	*p++ = (struct pollfd){.fd = b->signals, .events = POLLIN};
	*p++ = (struct pollfd){.fd = b->setup->device, .events = POLLIN};
	*p++ = (struct pollfd){.fd = b->setup->control, .events = POLLIN};
	while (count && !b->slots[count - 1].pid)
		count--;
	for (size_t i = 0; i < count; i++)
		*p++ = (struct pollfd){.fd = b->slots[i].pid ? b->slots[i].channel : -1,
				       .events = POLLIN};
	if (poll(fds, LISTENERS + count, has_warm(b) ? WARM_LOOK_MS : -1) < 0)
		return;
	end_cold(b);
	for (size_t i = 0; i < count; i++) {
		if (fds[LISTENERS + i].revents && b->slots[i].channel >= 0)
			take_message(b, &b->slots[i]);
	}
	if (fds[0].revents)
		take_signals(b);
	if (fds[2].revents)
		take_control(b);
	if (fds[1].revents && !b->ending)
		take_client(b);
}

static enum err block_signals(struct broker *b, struct err_ctx *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, &b->mask_before) < 0)
		return err_set_errno(err, ERR_IO, errno, "can't block signals");
	b->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return b->signals < 0 ? err_set_errno(err, ERR_IO, errno, "can't wait for signals") : ERR_OK;
}

static void end_all(struct broker *b)
{
	for (size_t i = 0; i < b->slot_count; i++) {
		int status = 0;

		if (!b->slots[i].pid)
			continue;
		kill(b->slots[i].pid, SIGKILL);
		waitpid(b->slots[i].pid, &status, 0);
		if (b->slots[i].warm)
			; /* nobody's session */
		else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			log_line(LOG_NOTE, "session %" PRIu64 ": ended with the memory device",
				 b->slots[i].number);
		else
			log_end(&b->slots[i], status);
		slot_clear(&b->slots[i]);
	}
	for (size_t i = 0; i < KNOWN_MAX; i++)
		known_forget(&b->known[i]);
	/* it unmounts */
	if (b->with && kill(b->with, SIGTERM) == 0)
		waitpid(b->with, NULL, 0);
}

enum err broker_run(const struct broker_setup *setup, pid_t with, struct err_ctx *err)
{
	struct broker b = {
		.setup = setup, .slot_count = setup->config->sessions + WARM_MAX, .with = with};
	struct pollfd *fds = calloc(LISTENERS + b.slot_count, sizeof(*fds));
	enum err e;

	b.slots = calloc(b.slot_count, sizeof(*b.slots));
	worker_rehearse();
	b.spins = carrier_spins(CARRIER_SPIN_NS);
	b.cpus_known = sched_getaffinity(0, sizeof(b.cpus), &b.cpus) == 0;
	e = fds && b.slots ? block_signals(&b, err) : err_set(err, ERR_NOMEM, "out of memory");
	if (!e)
		e = sandbox_filter_create(&b.filter, err);
	for (size_t i = 0; !e && i < b.slot_count; i++)
		b.slots[i].channel = b.slots[i].offered = -1;
	/* who ended before its signal was waited for */
	if (!e)
		reap(&b);
	while (!e && !b.ending)
		turn(&b, fds);
	if (b.slots)
		end_all(&b);
	if (!e && b.left)
		e = err_set(err, ERR_GONE, "what serves %.150s has ended", setup->config->mount);
	sandbox_filter_destroy(b.filter);
	free(b.slots);
	free(fds);
	return e;
}
