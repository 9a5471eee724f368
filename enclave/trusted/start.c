// SPDX-License-Identifier: MIT
/*
 * The first entry of a thread, and of the first thread all that comes before the program:
 * relocations (nothing that needs one works before), the host's start block, memory, the
 * program's stack as Linux makes it.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu.h"
#include "trusted/ocall.h"
#include "trusted/program.h"

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
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

/* R_X86_64_RELATIVE only: the signer has refused everything else outside writable memory. */
static void relocate(void)
{
	const uint64_t base = (uint64_t)&__ehdr_start;
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

/*
 * argc, argv, envp, auxv, as the System V ABI for x86-64 says ("Process Initialization"), for the program that
 * begins at `ehdr`: below `top`, in at most `room` bytes. 0: that isn't enough.
 */
static uint64_t build_stack(const Elf64_Ehdr *ehdr, const struct trusted_info *i, uint64_t top,
			    size_t room)
{
	const uint64_t base = (uint64_t)ehdr;
	size_t words = 1 + i->argc + 1 + i->envc + 1 + 2 * AUX_COUNT;
	uint64_t *at;

	if (words * 8 > room)
		return 0;
	at = (uint64_t *)((top - words * 8) & ~15ull);
	top = (uint64_t)at;
	*at++ = i->argc;
	memcpy(at, i->argv, i->argc * 8);
	at += i->argc;
	*at++ = 0;
	memcpy(at, i->envp, i->envc * 8);
	at += i->envc;
	*at++ = 0;
	trusted_random(aux_random, sizeof(aux_random));
	at = put_aux(at, AT_PHDR, base + ehdr->e_phoff);
	at = put_aux(at, AT_PHENT, ehdr->e_phentsize);
	at = put_aux(at, AT_PHNUM, ehdr->e_phnum);
	at = put_aux(at, AT_PAGESZ, PAGE);
	at = put_aux(at, AT_BASE, 0);
	at = put_aux(at, AT_ENTRY, base + ehdr->e_entry);
	at = put_aux(at, AT_UID, 0);
	at = put_aux(at, AT_EUID, 0);
	at = put_aux(at, AT_GID, 0);
	at = put_aux(at, AT_EGID, 0);
	at = put_aux(at, AT_SECURE, 0);
	at = put_aux(at, AT_CLKTCK, CLOCK_TICKS);
	at = put_aux(at, AT_RANDOM, (uint64_t)aux_random);
	at = put_aux(at, AT_EXECFN, (uint64_t)(i->argc ? i->argv[0] : i->vm));
	put_aux(at, AT_NULL, 0);
	return top;
}

/* -- other programs of the image
 * --------------------------------------------------------------------------------- */

static const struct abi_program *programs(void)
{
	return (const struct abi_program *)(trusted_base() + trusted_page()->programs);
}

size_t trusted_program_count(void)
{
	return trusted_page()->program_count;
}

const char *trusted_program_path(size_t i)
{
	return programs()[i].path;
}

__attribute__((weak)) long trusted_child_syscall(long n, long a, long b, long c, long d, long e,
						 long f)
{
	(void)n, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
	return -ENOSYS;
}

__attribute__((weak)) void trusted_be_child(trusted_call_fn *parent)
{
	(void)parent;
}

/* In the other program, called by the first one's trusted_program_start(); entry.S tells where it is. */
_Noreturn void trusted_program_begin(trusted_call_fn *parent, uint64_t stack)
{
	relocate();
	trusted_be_child(parent);
	trusted_run_program(stack);
}

static const Elf64_Phdr *header_at(const Elf64_Ehdr *h, size_t i)
{
	return (const Elf64_Phdr *)((uint64_t)h + h->e_phoff) + i;
}

static bool is_ours(const char *name)
{
	static const char ours[] = "scwatcher";

	for (size_t i = 0; i < sizeof(ours); i++)
		if (name[i] != ours[i])
			return false;
	return true;
}

/* The address of its trusted_program_begin(), which entry.S has in a note; 0: not a program for this. */
static uint64_t find_begin(const Elf64_Ehdr *h)
{
	for (size_t i = 0; i < h->e_phnum; i++) {
		const Elf64_Phdr *ph = header_at(h, i);
		uint64_t at = (uint64_t)h + ph->p_vaddr, end = at + ph->p_memsz;

		while (ph->p_type == PT_NOTE && at + sizeof(Elf64_Nhdr) <= end) {
			const Elf64_Nhdr *n = (const void *)at;
			uint64_t text = at + sizeof(*n), data = text + (n->n_namesz + 3ull) / 4 * 4;
			uint64_t distance;

			if (n->n_namesz == sizeof("scwatcher") && n->n_descsz == sizeof(distance) &&
			    n->n_type == TRUSTED_PROGRAM_VERSION &&
			    is_ours((const char *)text)) {
				memcpy(&distance, (const void *)data, sizeof(distance));
				return data + distance;
			}
			at = data + (n->n_descsz + 3ull) / 4 * 4;
		}
	}
	return 0;
}

bool trusted_program_data(size_t program, size_t nth, uint64_t *at_ret, uint64_t *end_ret)
{
	const Elf64_Ehdr *h = (const void *)(trusted_base() + programs()[program].offset);

	for (size_t i = 0; i < h->e_phnum; i++) {
		const Elf64_Phdr *ph = header_at(h, i);

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_W) || nth--)
			continue;
		*at_ret = ((uint64_t)h + ph->p_vaddr) / PAGE * PAGE;
		*end_ret = ((uint64_t)h + ph->p_vaddr + ph->p_memsz + PAGE - 1) / PAGE * PAGE;
		return true;
	}
	return false;
}

/* Its writable memory as it was measured: kept the first time, put back later. */
static bool renew(size_t program, const Elf64_Ehdr *h)
{
	static uint8_t *kept[ABI_PROGRAMS_MAX];
	bool is_first = !kept[program];
	size_t size = 1, at = 0;

	for (size_t i = 0; i < h->e_phnum; i++)
		if (header_at(h, i)->p_type == PT_LOAD && header_at(h, i)->p_flags & PF_W)
			size += header_at(h, i)->p_filesz;
	if (is_first) {
		long r = trusted_mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

		if (r < 0)
			return false;
		kept[program] = (uint8_t *)r;
	}
	for (size_t i = 0; i < h->e_phnum; i++) {
		const Elf64_Phdr *ph = header_at(h, i);
		uint8_t *data = (uint8_t *)((uint64_t)h + ph->p_vaddr);

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_W))
			continue;
		if (is_first)
			memcpy(kept[program] + at, data, ph->p_filesz);
		else
			memcpy(data, kept[program] + at, ph->p_filesz);
		memset(data + ph->p_filesz, 0, ph->p_memsz - ph->p_filesz);
		at += ph->p_filesz;
	}
	return true;
}

long trusted_program_start(size_t program, uint64_t stack_top, size_t room, char *const *argv,
			   char *const *envp)
{
	const Elf64_Ehdr *h = (const void *)(trusted_base() + programs()[program].offset);
	size_t first = 0; /* of those that are this file */
	struct trusted_info i = {.argv = (char **)argv, .envp = (char **)envp, .vm = info.vm};
	uint64_t begin = find_begin(h);

	if (!begin)
		return -ENOEXEC;
	while (argv[i.argc])
		i.argc++;
	while (envp[i.envc])
		i.envc++;
	stack_top = build_stack(h, &i, stack_top, room);
	if (!stack_top)
		return -E2BIG;
	while (programs()[first].offset != programs()[program].offset)
		first++;
	if (!renew(first, h))
		return -ENOMEM;
	((void (*)(trusted_call_fn *parent, uint64_t stack))begin)(trusted_child_syscall, stack_top);
	return -ENOEXEC;
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
	uint64_t stack;

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
	stack = build_stack((const Elf64_Ehdr *)trusted_base(), &info,
			    trusted_base() + page->stack_top - OWN_STACK, page->stack_size / 2);
	if (!stack)
		trusted_abort("the arguments are larger than half of the stack");
	trusted_run_program(stack);
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
