// SPDX-License-Identifier: MIT
/*
 * The first entry of a thread, and of the first thread all that comes before the program:
 * relocations (nothing that needs one works before), the host's start block, memory, the
 * program's stack as Linux makes it.
 */
#include <elf.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu.h"
#include "trusted/ocall.h"

#define PAGE ((uint64_t)ABI_PAGE)
/* At the top of each thread's stack: where its last steps run, and nothing of the program's lies.
 */
#define OWN_STACK   4096u
#define AUX_COUNT   20u
#define CLOCK_TICKS 100u

uint32_t trusted_started;

static struct trusted_info info;
static uint8_t aux_random[16];

const struct trusted_info *trusted_info(void)
{
	return &info;
}

const void *trusted_config(size_t *size_ret)
{
	const struct abi_thread *page = trusted_page();

	*size_ret = page->config_size;
	return page->config_size ? (const void *)(trusted_base() + page->config) : NULL;
}

__attribute__((weak)) void trusted_config_apply(struct trusted_info *unused)
{
	(void)unused;
}

extern const Elf64_Dyn _DYNAMIC[] __attribute__((visibility("hidden")));

/* R_X86_64_RELATIVE only: the signer has refused everything else outside writable memory. */
static void relocate(void)
{
	const uint64_t base = trusted_base();
	uint64_t rela = 0, size = 0;

	for (const Elf64_Dyn *d = _DYNAMIC; d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_RELA)
			rela = base + d->d_un.d_ptr;
		if (d->d_tag == DT_RELASZ)
			size = d->d_un.d_val;
	}
	for (const Elf64_Rela *r = (const void *)rela; size >= sizeof(*r); r++, size -= sizeof(*r))
		if (ELF64_R_TYPE(r->r_info) == R_X86_64_RELATIVE)
			*(uint64_t *)(base + r->r_offset) = base + (uint64_t)r->r_addend;
}

static void *pages(size_t size)
{
	long p = trusted_mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	if (p < 0)
		trusted_abort("no memory for the arguments");
	return (void *)p;
}

/* The host's strings, copied once; false: they aren't what the block says. */
static bool take_strings(const struct abi_start *s)
{
	size_t count = s->argc + s->envc;
	char *text, *end;
	char **list;

	if (s->argc < 1 || s->argc > ABI_MAX_STRINGS || s->envc > ABI_MAX_STRINGS ||
	    s->strings_size == 0 || s->strings_size > ABI_MAX_STRINGS_SIZE || s->strings % 8 ||
	    !trusted_outside((const void *)s->strings, s->strings_size))
		return false;
	text = pages(s->strings_size + 1);
	list = pages((count + 2) * sizeof(*list));
	trusted_copy_in(text, (const void *)s->strings, s->strings_size);
	end = text + s->strings_size;
	info = (struct trusted_info){
	    .argc = s->argc, .argv = list, .envc = s->envc, .envp = list + s->argc + 1, .vm = text};
	for (size_t i = 0; i < count; i++) {
		/* the byte after the last one is 0 */
		text += strlen(text) + 1;
		if (text >= end)
			return false;
		list[i < s->argc ? i : i + 1] = text;
	}
	return true;
}

static uint64_t *put_aux(uint64_t *at, uint64_t type, uint64_t value)
{
	at[0] = type;
	at[1] = value;
	return at + 2;
}

/* argc, argv, envp, auxv, as the System V ABI for x86-64 says ("Process Initialization"). */
static uint64_t build_stack(void)
{
	const struct abi_thread *page = trusted_page();
	const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)trusted_base();
	size_t words = 1 + info.argc + 1 + info.envc + 1 + 2 * AUX_COUNT;
	uint64_t top = trusted_base() + page->stack_top - OWN_STACK, *at;

	if (words * 8 > page->stack_size / 2)
		trusted_abort("the arguments are larger than half of the stack");
	at = (uint64_t *)((top - words * 8) & ~15ull);
	top = (uint64_t)at;
	*at++ = info.argc;
	memcpy(at, info.argv, info.argc * 8);
	at += info.argc;
	*at++ = 0;
	memcpy(at, info.envp, info.envc * 8);
	at += info.envc;
	*at++ = 0;
	trusted_random(aux_random, sizeof(aux_random));
	at = put_aux(at, AT_PHDR, trusted_base() + ehdr->e_phoff);
	at = put_aux(at, AT_PHENT, ehdr->e_phentsize);
	at = put_aux(at, AT_PHNUM, ehdr->e_phnum);
	at = put_aux(at, AT_PAGESZ, PAGE);
	at = put_aux(at, AT_BASE, 0);
	at = put_aux(at, AT_ENTRY, trusted_base() + ehdr->e_entry);
	at = put_aux(at, AT_UID, 0);
	at = put_aux(at, AT_EUID, 0);
	at = put_aux(at, AT_GID, 0);
	at = put_aux(at, AT_EGID, 0);
	at = put_aux(at, AT_SECURE, 0);
	at = put_aux(at, AT_CLKTCK, CLOCK_TICKS);
	at = put_aux(at, AT_RANDOM, (uint64_t)aux_random);
	at = put_aux(at, AT_EXECFN, (uint64_t)(info.argc ? info.argv[0] : info.vm));
	put_aux(at, AT_NULL, 0);
	return top;
}

static void refuse_first(void)
{
	__atomic_store_n(&trusted_started, 0, __ATOMIC_RELEASE);
	trusted_leave_for_good(THREAD_FREE);
}

/* Of the first thread; a host that gives what isn't fit may try again, as long as nothing has
 * begun. */
static void begin_first(struct trusted_thread *self, const void *untrusted)
{
	const struct abi_thread *page = trusted_page();
	struct abi_start start;

	if (!ocall_take_start(self, untrusted, &start))
		refuse_first();
	relocate();
	trusted_find_xfrm();
	trusted_write_fs((uint64_t)page);
	thread_init();
	memory_init(trusted_base() + page->heap, page->heap_size);
	signal_init((uint64_t *)start.signals);
	if (!take_strings(&start))
		trusted_abort("the host's arguments aren't what it said");
	trusted_config_apply(&info);
	trusted_run_program(build_stack());
}

void trusted_begin(const void *untrusted, uint64_t is_first)
{
	struct trusted_thread *self = trusted_self();
	struct abi_start start;

	if (is_first)
		begin_first(self, untrusted);
	if (!ocall_take_start(self, untrusted, &start))
		trusted_leave_for_good(THREAD_STARTING);
	thread_start(self);
}
