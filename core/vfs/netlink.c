// SPDX-License-Identifier: MIT
/* Netlink's own part of questions and answers (net/netlink/af_netlink.c): acknowledgements, ends, datagrams. */
#include "vfs/netlink.h"

#include <errno.h>
#include <string.h>

#include "vfs/calls.h"

enum {
	/* include/uapi/linux/netlink.h: ABI */
	AF_OF_NETLINK = 16,
	NLMSG_ERROR = 2,
	NLMSG_DONE = 3,
	NLMSG_MIN_TYPE = 16,
	NLM_F_REQUEST = 1,
	NLM_F_MULTI = 2,
	NLM_F_ACK = 4,
	NLM_F_DUMP = 0x300,

	QUESTION_MAX = 16 << 10, /* of all messages that are sent at once */
	ANSWER_MAX = 64 << 20,
	PORTION = 32 << 10, /* of a dump, roughly */
	DIAG_OF_TCP = 18, /* include/uapi/linux/inet_diag.h, sock_diag.h */
	DIAG_BY_FAMILY = 20,
	DIAG_DESTROY = 21,
	DATAGRAM = 4096, /* bytes, unless a single message has more: what the smallest of buffers takes */
};

struct header {
	uint32_t len;
	uint16_t type, flags;
	uint32_t seq, port;
};

bool vfs_netlink_answers(int protocol)
{
	return protocol == VFS_NETLINK_ROUTES || protocol == VFS_NETLINK_SOCKETS;
}

void vfs_netlink_init(struct vfs_netlink_socket *s, struct base_alloc *alloc, int protocol)
{
	*s = (struct vfs_netlink_socket){ .protocol = (unsigned int)protocol };
	seq_init(&s->answer, alloc, ANSWER_MAX);
	s->answer.enough = PORTION;
}

/* The dump that is under way is whole, or nobody wants it any more. */
static void end_dump(struct vfs_netlink_socket *s)
{
	seq_rest_done(&s->answer);
	base_free(s->answer.alloc, s->question);
	s->question = NULL;
}

void vfs_netlink_deinit(struct vfs_netlink_socket *s)
{
	end_dump(s);
	seq_deinit(&s->answer);
}

static size_t aligned(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

/* The end of a dump, or what became of a question: a number, and the question again if it failed. */
static void put_result(struct seq_file *m, const struct header *q, uint32_t port, unsigned int type, int32_t result,
		       const uint8_t *again, size_t size)
{
	static const uint8_t zeros[4];
	struct header h = { .len = (uint32_t)(sizeof(h) + sizeof(result) + size), .type = (uint16_t)type,
			    .flags = type == NLMSG_DONE ? NLM_F_MULTI : 0, .seq = q->seq, .port = port };

	seq_write(m, &h, sizeof(h));
	seq_write(m, &result, sizeof(result));
	seq_write(m, again, size);
	seq_write(m, zeros, aligned(size) - size);
}

/* What a question asks for can't be had by those who look only; 0: it can. */
static int refused(const struct vfs_netlink_socket *s, uint16_t type)
{
	if (s->protocol == VFS_NETLINK_ROUTES) /* three kinds in four of the types make, delete or change something */
		return (type & 3) == 2 ? 0 : -EPERM;
	if (type == DIAG_DESTROY)
		return -EPERM;
	return type >= DIAG_OF_TCP && type <= DIAG_BY_FAMILY ? 0 : -EINVAL;
}

static struct vfs_netlink_question question_of(const struct vfs_netlink_socket *s, const struct header *h,
					       const uint8_t *message, uint32_t port)
{
	/* one bit is enough for sockets */
	bool dump = s->protocol == VFS_NETLINK_SOCKETS ? h->flags & NLM_F_DUMP : (h->flags & NLM_F_DUMP) == NLM_F_DUMP;

	return (struct vfs_netlink_question){ .protocol = s->protocol, .type = h->type, .dump = dump, .seq = h->seq,
					      .port = port, .body = message + sizeof(*h), .size = h->len - sizeof(*h) };
}

static bool is_fatal(int r)
{
	return r == -ENOSYS || r == -EIO || r == -ENOMEM;
}

/* The next portion of the dump that is under way. */
static int go_on(struct vfs_netlink_socket *s, struct vfs *v)
{
	struct vfs_netlink_question q;
	struct header h;
	int r;

	memcpy(&h, s->question, sizeof(h));
	q = question_of(s, &h, s->question, s->port);
	r = v ? vfs_netlink(v, &q, &s->answer) : -EIO;
	if (!r && s->answer.rest)
		return 0;
	if (!is_fatal(r)) {
		s->answer.error = 0;
		put_result(&s->answer, &h, s->port, NLMSG_DONE, r, NULL, 0);
		r = s->answer.error;
	}
	end_dump(s);
	return r;
}

static int keep_dump(struct vfs_netlink_socket *s, const uint8_t *message, size_t size, uint32_t port)
{
	s->question = base_alloc_zeroed(s->answer.alloc, size, 1);
	if (!s->question) {
		end_dump(s);
		return -ENOMEM;
	}
	memcpy(s->question, message, size);
	s->port = port;
	return 0;
}

static int answer(struct vfs_netlink_socket *s, struct vfs *v, const struct header *h, const uint8_t *message,
		  uint32_t port)
{
	struct vfs_netlink_question q = question_of(s, h, message, port);
	struct seq_file *m = &s->answer;
	size_t mark;
	int r;

	if (!(h->flags & NLM_F_REQUEST) || h->type < NLMSG_MIN_TYPE)
		return 0;
	while (s->question) {
		r = go_on(s, v);
		if (r)
			return r;
	}
	mark = seq_mark(m);
	r = refused(s, h->type);
	if (!r)
		r = v ? vfs_netlink(v, &q, m) : -EIO;
	if (!r && m->rest)
		return keep_dump(s, message, h->len, port);
	seq_rest_done(m);
	if (is_fatal(r))
		return r;
	if (r) {
		seq_rollback(m, mark);
		m->error = 0;
		put_result(m, h, port, NLMSG_ERROR, r, message, h->len);
	} else if (q.dump) {
		put_result(m, h, port, NLMSG_DONE, 0, NULL, 0);
	} else if (h->flags & NLM_F_ACK) {
		put_result(m, h, port, NLMSG_ERROR, 0, message, sizeof(*h));
	}
	return m->error;
}

long vfs_netlink_send(struct vfs_netlink_socket *s, struct vfs *v, uint32_t port, const struct msghdr *msg)
{
	uint8_t question[QUESTION_MAX];
	size_t size = 0, at = 0;

	for (size_t i = 0; i < (size_t)msg->msg_iovlen; i++) {
		const struct iovec *iov = &msg->msg_iov[i];

		if (iov->iov_len > sizeof(question) - size)
			return -EMSGSIZE;
		if (iov->iov_len)
			memcpy(question + size, iov->iov_base, iov->iov_len);
		size += iov->iov_len;
	}
	end_dump(s);
	s->answer.count = 0;
	s->answer.error = 0;
	s->taken = 0;
	while (size - at >= sizeof(struct header)) {
		struct header h;
		int r;

		memcpy(&h, question + at, sizeof(h));
		if (h.len < sizeof(h) || h.len > size - at)
			break;
		r = answer(s, v, &h, question + at, port);
		if (r) {
			s->answer.count = 0; /* half an answer is none */
			return r;
		}
		if (aligned(h.len) >= size - at)
			break;
		at += aligned(h.len);
	}
	return (long)size;
}

/* Whole messages up to DATAGRAM, at least one. */
static size_t next_datagram(const struct vfs_netlink_socket *s)
{
	const char *p = s->answer.buf + s->taken;
	size_t left = s->answer.count - s->taken, size = 0;

	while (left - size >= sizeof(struct header)) {
		struct header h;
		size_t next;

		memcpy(&h, p + size, sizeof(h));
		next = aligned(h.len);
		if (h.len < sizeof(h) || next > left - size)
			return left; /* which no file system makes */
		if (size && (size + next > DATAGRAM || !(h.flags & NLM_F_MULTI)))
			break;
		size += next;
	}
	return size ? size : left;
}

/* Make the next portion once the one before was received. */
static int refill(struct vfs_netlink_socket *s, struct vfs *v)
{
	int r = 0;

	while (!r && s->question && s->taken == s->answer.count) {
		s->answer.count = s->taken = 0;
		r = go_on(s, v);
	}
	if (r)
		s->answer.count = s->taken;
	return r;
}

long vfs_netlink_receive(struct vfs_netlink_socket *s, struct vfs *v, struct msghdr *msg, int flags)
{
	const uint16_t kernel[6] = { AF_OF_NETLINK }; /* struct sockaddr_nl: port 0 */
	size_t size, done = 0;
	int r = refill(s, v);

	if (r)
		return r;
	if (s->taken == s->answer.count)
		return -ECONNREFUSED;
	size = next_datagram(s);
	for (size_t i = 0; i < (size_t)msg->msg_iovlen && done < size; i++) {
		const struct iovec *iov = &msg->msg_iov[i];
		size_t part = iov->iov_len < size - done ? iov->iov_len : size - done;

		if (part)
			memcpy(iov->iov_base, s->answer.buf + s->taken + done, part);
		done += part;
	}
	if (msg->msg_name) {
		size_t room = (size_t)msg->msg_namelen < sizeof(kernel) ? (size_t)msg->msg_namelen : sizeof(kernel);

		memcpy(msg->msg_name, kernel, room);
		msg->msg_namelen = sizeof(kernel);
	}
	msg->msg_controllen = 0;
	msg->msg_flags = done < size ? MSG_TRUNC : 0;
	if (!(flags & MSG_PEEK))
		s->taken += size;
	return (long)(flags & MSG_TRUNC ? size : done);
}
