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
	DATAGRAM = 4096, /* bytes, unless a single message has more: what the smallest of buffers takes */
};

struct header {
	uint32_t len;
	uint16_t type, flags;
	uint32_t seq, port;
};

void vfs_netlink_init(struct vfs_netlink_socket *s, struct base_alloc *alloc)
{
	seq_init(&s->answer, alloc, ANSWER_MAX);
	s->taken = 0;
}

void vfs_netlink_deinit(struct vfs_netlink_socket *s)
{
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

static int answer(struct vfs *v, const struct header *h, const uint8_t *message, uint32_t port, struct seq_file *m)
{
	struct vfs_netlink_question q = { .type = h->type, .flags = h->flags, .seq = h->seq, .port = port,
					  .body = message + sizeof(*h), .size = h->len - sizeof(*h) };
	size_t mark = seq_mark(m);
	bool dump = (h->flags & NLM_F_DUMP) == NLM_F_DUMP;
	int r;

	if (!(h->flags & NLM_F_REQUEST) || h->type < NLMSG_MIN_TYPE)
		return 0;
	/* three kinds in four of the types make, delete or change something */
	r = (h->type & 3) == 2 ? vfs_netlink(v, &q, m) : -EPERM;
	if (r == -ENOSYS || r == -EIO || r == -ENOMEM)
		return r;
	if (r) {
		seq_rollback(m, mark);
		m->error = 0;
		put_result(m, h, port, NLMSG_ERROR, r, message, h->len);
	} else if (dump) {
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
	s->answer.count = 0;
	s->answer.error = 0;
	s->taken = 0;
	while (size - at >= sizeof(struct header)) {
		struct header h;
		int r;

		memcpy(&h, question + at, sizeof(h));
		if (h.len < sizeof(h) || h.len > size - at)
			break;
		r = answer(v, &h, question + at, port, &s->answer);
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

long vfs_netlink_receive(struct vfs_netlink_socket *s, struct msghdr *msg, int flags)
{
	const uint16_t kernel[6] = { AF_OF_NETLINK }; /* struct sockaddr_nl: port 0 */
	size_t size, done = 0;

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
