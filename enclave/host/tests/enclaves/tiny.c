// SPDX-License-Identifier: MIT
/*
 * The enclave of the tests: one small thing an operation. It trusts the host's pointers, as a
 * real one must not: it guards nothing.
 */
#include "abi/image.h"
#include "tiny.h"

extern const char __ehdr_start[] __attribute__((visibility("hidden")));

static struct abi_targetinfo targetinfo __attribute__((aligned(512)));
static struct abi_keyrequest keyrequest __attribute__((aligned(512)));
static struct abi_report report __attribute__((aligned(512)));
static uint8_t report_data[64] __attribute__((aligned(128)));
static uint8_t key[ABI_KEY_SIZE] __attribute__((aligned(16)));
static uint8_t sieve[4096];
static struct {
	uint32_t exit_info, errcd;
	uint64_t maddr, count;
} last;

void *memset(void *to, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);
void enclave_main(uint64_t op, struct tiny_args *args);
void enclave_exception(void);

void *memset(void *to, int c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile uint8_t *)to)[i] = (uint8_t)c;
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
	return to;
}

static struct abi_thread *this_thread(void)
{
	uint64_t self;

	/* not RDGSBASE: old kernels don't have it on */
	__asm__ volatile("movq %%gs:120, %0" : "=r"(self));
	return (struct abi_thread *)((uint64_t)__ehdr_start + self);
}

static uint64_t enclu(uint64_t leaf, const void *rbx, const void *rcx, void *rdx)
{
	__asm__ volatile("enclu" : "+a"(leaf) : "b"(rbx), "c"(rcx), "d"(rdx) : "memory", "cc");
	return leaf;
}

static uint64_t get_key(uint16_t name, uint16_t policy, const uint8_t *keyid, uint8_t *ret)
{
	uint64_t code;

	memset(&keyrequest, 0, sizeof(keyrequest));
	keyrequest.key_name = name;
	keyrequest.key_policy = policy;
	if (keyid)
		memcpy(keyrequest.keyid, keyid, sizeof(keyrequest.keyid));
	code = enclu(ABI_EGETKEY, &keyrequest, key, 0);
	memcpy(ret, key, sizeof(key));
	return code;
}

static void do_report(struct tiny_args *args)
{
	memset(&targetinfo, 0, sizeof(targetinfo));
	memset(report_data, (int)args->a, sizeof(report_data));
	/* a report to nobody says who we are, then one to ourselves */
	enclu(ABI_EREPORT, &targetinfo, report_data, &report);
	memcpy(targetinfo.mrenclave, report.mrenclave, sizeof(targetinfo.mrenclave));
	targetinfo.attributes = report.attributes;
	targetinfo.miscselect = report.miscselect;
	enclu(ABI_EREPORT, &targetinfo, report_data, &report);
	memcpy(&args->report, &report, sizeof(report));
	args->code = get_key(ABI_KEY_REPORT, 0, report.keyid, args->key);
	args->code |= get_key(ABI_KEY_SEAL, ABI_KEYPOLICY_MRENCLAVE, 0, args->seal[0]);
	args->code |= get_key(ABI_KEY_SEAL, ABI_KEYPOLICY_MRSIGNER, 0, args->seal[1]);
	args->code |= get_key(ABI_KEY_SEAL, ABI_KEYPOLICY_MRSIGNER, 0, args->seal[2]);
	args->result = get_key(ABI_KEY_PROVISION, 0, 0, key);
	args->b = get_key(99, 0, 0, key);
}

static uint64_t count_primes(uint64_t below)
{
	uint64_t count = 0;

	if (below > sizeof(sieve))
		below = sizeof(sieve);
	memset(sieve, 0, sizeof(sieve));
	for (uint64_t i = 2; i < below; i++) {
		if (sieve[i])
			continue;
		count++;
		for (uint64_t k = i * i; k < below; k += i)
			sieve[k] = 1;
	}
	return count;
}

static void do_state(struct tiny_args *args)
{
	uint64_t flags;
	uint32_t mxcsr;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags));
	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	args->result = flags;
	args->a = mxcsr;
}

static void do_fsbase(struct tiny_args *args)
{
	uint64_t got;

	__asm__ volatile("wrfsbase %0" : : "r"(args->a));
	for (uint64_t i = 0; i < args->b; i++)
		__asm__ volatile("");
	__asm__ volatile("rdfsbase %0" : "=r"(got));
	args->result = got;
}

void enclave_main(uint64_t op, struct tiny_args *args)
{
	uint64_t r = args->a;

	switch (op) {
	case TINY_ADD:
		args->result = args->a + args->b;
		break;
	case TINY_WRITE:
		*(volatile uint64_t *)args->a = args->b;
		break;
	case TINY_READ:
		args->result = *(volatile uint64_t *)args->a;
		break;
	case TINY_REPORT:
		do_report(args);
		break;
	case TINY_SYSCALL:
		__asm__ volatile("syscall" : "+a"(r) : : "rcx", "r11", "memory");
		args->result = r;
		break;
	case TINY_INT80:
		__asm__ volatile("int $0x80" : "+a"(r) : : "r8", "r9", "r10", "r11", "memory");
		args->result = r;
		break;
	case TINY_BREAKPOINT:
		__asm__ volatile("int3");
		break;
	case TINY_DIVIDE:
		__asm__ volatile("xor %%edx, %%edx; divq (%1)" : "+a"(r) : "S"(&args->b) : "rdx");
		args->result = r;
		break;
	case TINY_COUNT:
		args->result = count_primes(args->a);
		break;
	case TINY_FLOAT: {
		double sum = 0;

		for (uint64_t k = 1; k <= args->a; k++)
			sum += 1.0 / (double)k;
		args->number = sum;
		break;
	}
	case TINY_WAIT:
		for (r = 0; !args->stop; r++)
			__asm__ volatile("pause");
		args->result = r;
		break;
	case TINY_THREAD:
		memcpy(args->thread, this_thread(), sizeof(struct abi_thread));
		break;
	case TINY_STATE:
		do_state(args);
		break;
	case TINY_FSBASE:
		do_fsbase(args);
		break;
	case TINY_UNALIGNED:
		enclu(ABI_EGETKEY, (const uint8_t *)&keyrequest + 8, key, 0);
		break;
	case TINY_OUTSIDE:
		enclu(ABI_EREPORT, &targetinfo, report_data, (void *)args->a);
		break;
	case TINY_CONFIG:
		args->b = this_thread()->config_size;
		args->result = *(const uint64_t *)(__ehdr_start + this_thread()->config);
		break;
	case TINY_HEAP: {
		const struct abi_thread *t = this_thread();
		uint64_t *end = (uint64_t *)((uint64_t)__ehdr_start + t->heap + t->heap_size - 8);

		*(volatile uint64_t *)end = args->b;
		args->result = *(volatile uint64_t *)end;
		break;
	}
	case TINY_EXCEPTIONS:
		args->exit_info = last.exit_info;
		args->errcd = last.errcd;
		args->maddr = last.maddr;
		args->count = last.count;
		break;
	}
}

/* Steps over what raised the exception; what it would have computed is 4242. */
void enclave_exception(void)
{
	const struct abi_thread *t = this_thread();
	uint64_t frame = (uint64_t)__ehdr_start + t->ssa;
	struct abi_gprsgx *g = (struct abi_gprsgx *)(frame + t->ssa_frame_size - sizeof(*g));
	const struct abi_exinfo *x = (const struct abi_exinfo *)g - 1;
	const uint8_t *code = (const uint8_t *)g->rip;

	last.exit_info = g->exitinfo;
	last.errcd = x->errcd;
	last.maddr = x->maddr;
	last.count++;
	g->rax = 4242;
	if (code[0] == 0xcc)
		g->rip += 1;
	else if ((code[0] == 0x0f && code[1] == 0x05) || code[0] == 0xcd)
		g->rip += 2;
	else if (code[0] == 0x0f && code[1] == 0x01 && code[2] == 0xd7)
		g->rip += 3;
	else if (code[0] == 0x48 && code[1] == 0xf7)
		g->rip += 3; /* divq (%rsi) */
}
