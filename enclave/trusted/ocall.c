// SPDX-License-Identifier: MIT
/* Requests to the host, and copies between its memory and ours. */
#include <string.h>

#include "thread.h"
#include "trusted/ocall.h"

#define USER_END (1ull << 47)

static uint32_t ended;
static struct {
	uint64_t start, size;
} borrowed[2];

bool trusted_outside(const void *p, size_t size)
{
	uint64_t start = (uint64_t)p, base = trusted_base(), end;

	if (__builtin_add_overflow(start, size, &end) || end > USER_END)
		return false;
	return end <= base || start >= base + trusted_page()->size;
}

bool trusted_inside(const void *p, size_t size)
{
	uint64_t offset = (uint64_t)p - trusted_base(), whole = trusted_page()->size;

	return offset <= whole && size <= whole - offset;
}

uint64_t trusted_load(const void *untrusted)
{
	return *(const volatile uint64_t *)untrusted;
}

void trusted_store(void *untrusted, uint64_t value)
{
	*(volatile uint64_t *)untrusted = value;
}

void trusted_copy_in(void *in, const void *untrusted, size_t size)
{
	const uint8_t *from = untrusted;
	uint8_t *to = in;

	while (size) {
		size_t lead = (uint64_t)from % 8, n = 8 - lead < size ? 8 - lead : size;
		uint64_t word = trusted_load(from - lead);

		if (n == 8)
			memcpy(to, &word, 8);
		else
			memcpy(to, (const uint8_t *)&word + lead, n);
		from += n;
		to += n;
		size -= n;
	}
}

void trusted_copy_out(void *untrusted, const void *in, size_t size)
{
	const uint8_t *from = in;
	uint8_t *to = untrusted;

	while (size) {
		size_t lead = (uint64_t)to % 8, n = 8 - lead < size ? 8 - lead : size;
		uint64_t word;

		if (n == 8) {
			memcpy(&word, from, 8);
		} else {
			word = trusted_load(to - lead);
			memcpy((uint8_t *)&word + lead, from, n);
		}
		trusted_store(to - lead, word);
		from += n;
		to += n;
		size -= n;
	}
}

void *trusted_arena(size_t size)
{
	const struct trusted_thread *self = trusted_self();

	return size <= self->arena_size ? self->arena : NULL;
}

size_t trusted_arena_size(void)
{
	return trusted_self()->arena_size;
}

void trusted_borrow(const void *untrusted, size_t size)
{
	borrowed[1] = borrowed[0];
	borrowed[0].start = (uint64_t)untrusted;
	borrowed[0].size = size;
}

bool ocall_is_borrowed(uint64_t addr)
{
	return addr - borrowed[0].start < borrowed[0].size || addr - borrowed[1].start < borrowed[1].size;
}

/* A range of the host's that begins at a multiple of eight. */
static bool is_fit(uint64_t addr, uint64_t size)
{
	return addr && addr % 8 == 0 && trusted_outside((const void *)addr, size);
}

bool ocall_take_start(struct trusted_thread *self, const void *untrusted,
		      struct abi_start *start_ret)
{
	struct abi_start s;

	if (!is_fit((uint64_t)untrusted, sizeof(s)))
		return false;
	trusted_copy_in(&s, untrusted, sizeof(s));
	if (s.version != ABI_START_VERSION || s.size != sizeof(s))
		return false;
	if (!is_fit(s.ocall, sizeof(struct abi_ocall)) || !is_fit(s.arena, s.arena_size) ||
	    !is_fit(s.signals, 8) || s.arena_size < ABI_ARENA_SIZE || s.arena_size % 8)
		return false;
	self->ocall = (struct abi_ocall *)s.ocall;
	self->arena = (uint8_t *)s.arena;
	self->arena_size = s.arena_size;
	*start_ret = s;
	return true;
}

void trusted_end(int code, int sig)
{
	__atomic_store_n(&ended, 1, __ATOMIC_SEQ_CST);
	(void)trusted_ocall(ABI_OCALL_EXIT, (uint64_t)code, (uint64_t)sig, 0, 0, 0, 0);
	trusted_leave_for_good(THREAD_DEAD);
}

void trusted_abort(const char *why)
{
	size_t size = strlen(why);
	void *text = trusted_arena(size);

	__atomic_store_n(&ended, 1, __ATOMIC_SEQ_CST);
	if (text)
		trusted_copy_out(text, why, size);
	(void)trusted_ocall(ABI_OCALL_ABORT, text ? size : 0, 0, 0, 0, 0, 0);
	trusted_leave_for_good(THREAD_DEAD);
}

int64_t trusted_ocall(unsigned int number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
		      uint64_t a4, uint64_t a5)
{
	struct abi_ocall *call = trusted_self()->ocall;

	if (!call)
		trusted_leave_for_good(THREAD_DEAD);
	trusted_store(&call->number, number);
	trusted_store(&call->args[0], a0);
	trusted_store(&call->args[1], a1);
	trusted_store(&call->args[2], a2);
	trusted_store(&call->args[3], a3);
	trusted_store(&call->args[4], a4);
	trusted_store(&call->args[5], a5);
	trusted_store(&call->result, (uint64_t)-38); /* ENOSYS, for a host that doesn't know it */
	trusted_leave();
	if (__atomic_load_n(&ended, __ATOMIC_SEQ_CST)) {
		/* without a number the host would take it for an entry that was refused */
		trusted_store(&call->number, ABI_OCALL_EXIT_THREAD);
		trusted_leave_for_good(THREAD_DEAD);
	}
	return (int64_t)trusted_load(&call->result);
}
