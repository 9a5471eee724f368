// SPDX-License-Identifier: MIT
/*
 * The bytecode by which ss says which sockets it wants (include/uapi/linux/inet_diag.h: INET_DIAG_BC_*): comparisons,
 * each with a way on if it holds (yes) and one if it doesn't (no), both forward. A socket is wanted if the way ends
 * right behind the last one.
 */
#include "netlink_filter.h"

#include <string.h>

enum {
	IPV4 = 2, /* AF_INET, AF_INET6 */
	IPV6 = 10,
	OP_NOP = 0,
	OP_JMP,
	OP_S_GE,
	OP_S_LE,
	OP_D_GE,
	OP_D_LE,
	OP_AUTO,
	OP_S_COND,
	OP_D_COND,
	OP_DEV_COND,
	OP_MARK_COND,
	OP_S_EQ,
	OP_D_EQ,
	OP_CGROUP_COND,

	OP_SIZE = 4,
	OPS_MAX = 4096, /* more than fit into a question */
};

struct op {
	uint8_t code, yes;
	uint16_t no; /* of a comparison's second one: the port */
};

struct host {
	uint8_t family, prefix;
	int32_t port; /* -1: any */
};

/* Bytes of an op with its arguments, of which `left` are there; 0: none that is known, or they aren't. */
static size_t op_size(const uint8_t *at, size_t left)
{
	size_t size = OP_SIZE;
	struct host h;

	if (left < OP_SIZE)
		return 0;
	switch (at[0]) {
	case OP_NOP:
	case OP_JMP:
	case OP_AUTO:
		break;
	case OP_S_GE:
	case OP_S_LE:
	case OP_D_GE:
	case OP_D_LE:
	case OP_S_EQ:
	case OP_D_EQ:
	case OP_DEV_COND:
		size += 4;
		break;
	case OP_MARK_COND:
	case OP_CGROUP_COND:
		size += 8;
		break;
	case OP_S_COND:
	case OP_D_COND:
		size += sizeof(h);
		if (left < size)
			return 0;
		memcpy(&h, at + OP_SIZE, sizeof(h));
		if (h.family && h.family != IPV4 && h.family != IPV6)
			return 0;
		size += h.family == IPV6 ? 16 : h.family ? 4 : 0;
		if (h.prefix > 8 * (size - OP_SIZE - sizeof(h)))
			return 0;
		break;
	default:
		return 0;
	}
	return size <= left ? size : 0;
}

bool diag_filter_valid(const uint8_t *code, size_t size)
{
	uint8_t starts[OPS_MAX / 8] = { 0 };
	struct op op;

	if (size < OP_SIZE || size > OPS_MAX * OP_SIZE || size % OP_SIZE)
		return false;
	for (size_t at = 0; at < size; at += op.yes) {
		size_t need = op_size(code + at, size - at);

		memcpy(&op, code + at, sizeof(op));
		if (!need || op.yes < need || op.yes % OP_SIZE || op.yes > size - at)
			return false;
		if (op.code != OP_NOP && (op.no < need || op.no % OP_SIZE || op.no > size - at + OP_SIZE))
			return false;
		starts[at / OP_SIZE / 8] |= (uint8_t)(1u << (at / OP_SIZE % 8));
	}
	for (size_t at = 0; at < size; at += op.yes) {
		memcpy(&op, code + at, sizeof(op));
		size_t to = (at + op.no) / OP_SIZE;

		if (op.code != OP_NOP && at + op.no < size && !(starts[to / 8] >> (to % 8) & 1))
			return false;
	}
	return true;
}

static bool same_bits(const uint32_t *address, const uint8_t *wanted, unsigned int bits)
{
	const uint8_t *a = (const uint8_t *)address;

	if (memcmp(a, wanted, bits / 8))
		return false;
	return !(bits % 8) || (a[bits / 8] ^ wanted[bits / 8]) >> (8 - bits % 8) == 0;
}

static bool host_is(const uint8_t *arg, const struct diag_entry *e, bool source)
{
	const uint32_t *address = source ? e->src : e->dst;
	struct host h;

	memcpy(&h, arg, sizeof(h));
	if (h.port != -1 && h.port != (source ? e->sport : e->dport))
		return false;
	if (h.family && h.family != e->family) {
		/* an IPv4 address in an IPv6 one; no prefix of its own is asked for then */
		if (e->family != IPV6 || h.family != IPV4 || address[0] || address[1] ||
		    address[2] != __builtin_bswap32(0xffff))
			return false;
		return same_bits(address + 3, arg + sizeof(h), h.prefix);
	}
	return same_bits(address, arg + sizeof(h), h.prefix);
}

static bool holds(const struct op *op, const uint8_t *arg, const struct diag_entry *e)
{
	uint32_t words[2];
	struct op port;
	uint64_t id;

	switch (op->code) {
	case OP_NOP:
		return true;
	case OP_JMP:
		return false;
	case OP_AUTO:
		return !e->bound;
	case OP_S_COND:
	case OP_D_COND:
		return host_is(arg, e, op->code == OP_S_COND);
	case OP_DEV_COND:
		memcpy(words, arg, 4);
		return words[0] == e->device;
	case OP_MARK_COND:
		memcpy(words, arg, 8);
		return (e->mark & words[1]) == words[0];
	case OP_CGROUP_COND:
		memcpy(&id, arg, 8);
		return id == e->cgroup;
	}
	memcpy(&port, arg, sizeof(port));
	switch (op->code) {
	case OP_S_GE:
		return e->sport >= port.no;
	case OP_S_LE:
		return e->sport <= port.no;
	case OP_S_EQ:
		return e->sport == port.no;
	case OP_D_GE:
		return e->dport >= port.no;
	case OP_D_LE:
		return e->dport <= port.no;
	default:
		return e->dport == port.no;
	}
}

bool diag_filter_run(const uint8_t *code, size_t size, const struct diag_entry *e)
{
	size_t at = 0;

	while (at < size) {
		struct op op;

		memcpy(&op, code + at, sizeof(op));
		at += holds(&op, code + at + OP_SIZE, e) ? op.yes : op.no;
	}
	return at == size;
}
