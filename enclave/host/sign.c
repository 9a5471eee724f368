// SPDX-License-Identifier: MIT
/*
 * The signer. The layout, from the base up, with a guard page wherever two parts meet:
 *
 *   the program's segments | other programs | their table | configuration | per thread: thread page, SSA frames, TCS, exception
 *   stack, stack | heap
 *
 * Everything but the heap is measured, zeros too: an unmeasured page can be anything when the
 * enclave starts.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/checked.h"
#include "host/image.h"
#include "host/sign.h"
#include "measure/measure.h"
#include "scan.h"

#define DEFAULT_HEAP (64ull << 20)
#define DEFAULT_STACK (256ull << 10)
#define DEFAULT_THREADS 8u
#define EXCEPTION_STACK (16ull << 10)
#define MAX_THREADS 1024u
#define MAX_CONFIG (1u << 20)
#define SEGMENTS_PER_THREAD 5u
#define MAX_LOADS 64u

/* An image in the making. */
struct builder {
	struct abi_image header;
	struct abi_segment *segments;
	const void **contents; /* of each segment, borrowed or in `threads` */
	size_t count, room;
	uint64_t at; /* next free offset */
	struct abi_part parts[ABI_IMAGE_MAX_PARTS];
	uint32_t part_count;
};

static uint64_t pages_of(uint64_t size)
{
	return (size + ABI_PAGE - 1) / ABI_PAGE;
}

/* There is room: the count is known before. */
static uint64_t put(struct builder *b, enum abi_segment_kind kind, uint64_t size, uint64_t secinfo,
		    bool measured, const void *content, size_t content_size, const char *name)
{
	struct abi_segment *s = &b->segments[b->count];
	uint64_t offset = b->at;

	*s = (struct abi_segment){
		.offset = offset,
		.page_count = pages_of(size),
		.secinfo = secinfo,
		.flags = measured ? ABI_ADD_MEASURE : 0,
		.kind = kind,
		.file_size = content_size,
	};
	strncpy(s->name, name, sizeof(s->name) - 1);
	b->contents[b->count++] = content;
	b->at = offset + s->page_count * ABI_PAGE;
	return offset;
}

static void put_guard(struct builder *b)
{
	b->at += ABI_PAGE;
}

/* -- the program ----------------------------------------------------------------------------- */

struct program {
	const uint8_t *data;
	size_t size;
	Elf64_Ehdr ehdr;
	Elf64_Phdr loads[MAX_LOADS];
	size_t load_count;
	Elf64_Phdr dynamic; /* p_type PT_NULL: none */
};

static enum err take_load(struct program *p, const Elf64_Phdr *ph, struct err_ctx *err)
{
	const Elf64_Phdr *before = p->load_count ? &p->loads[p->load_count - 1] : NULL;

	if (p->load_count == MAX_LOADS)
		return err_set(err, ERR_UNSUPPORTED, "program: more than %u segments", MAX_LOADS);
	if (!base_in_range(ph->p_offset, ph->p_filesz, p->size) || ph->p_filesz > ph->p_memsz ||
	    ph->p_memsz > ABI_IMAGE_MAX_SIZE || ph->p_vaddr > ABI_IMAGE_MAX_SIZE)
		return err_set_addr(err, ERR_CORRUPT, ph->p_vaddr, "program: a segment isn't within "
								   "the file");
	if ((ph->p_flags & PF_W) && (ph->p_flags & PF_X))
		return err_set_addr(err, ERR_UNSUPPORTED, ph->p_vaddr,
				    "program: a segment is writable and executable");
	/* the bytes before it in its page would come from another segment */
	if (before && ph->p_vaddr / ABI_PAGE * ABI_PAGE <
			      pages_of(before->p_vaddr + before->p_memsz) * ABI_PAGE)
		return err_set_addr(err, ERR_UNSUPPORTED, ph->p_vaddr,
				    "program: two segments share a page: link with -z separate-code "
				    "-z norelro");
	p->loads[p->load_count++] = *ph;
	return ERR_OK;
}

static enum err read_program(const void *elf, size_t size, struct program *p, struct err_ctx *err)
{
	const Elf64_Ehdr *h = &p->ehdr;

	memset(p, 0, sizeof(*p));
	p->data = elf;
	p->size = size;
	if (size < sizeof(*h) || memcmp(elf, ELFMAG, SELFMAG) != 0)
		return err_set(err, ERR_CORRUPT, "program: not an ELF file");
	memcpy(&p->ehdr, elf, sizeof(p->ehdr));
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_machine != EM_X86_64)
		return err_set(err, ERR_UNSUPPORTED, "program: not for x86-64");
	if (h->e_type != ET_DYN)
		return err_set(err, ERR_UNSUPPORTED,
			       "program: not position-independent: link with -static-pie");
	if (h->e_phentsize != sizeof(Elf64_Phdr) ||
	    !base_in_range(h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr), size))
		return err_set(err, ERR_CORRUPT, "program: the program headers aren't in the file");
	for (size_t i = 0; i < h->e_phnum; i++) {
		Elf64_Phdr ph;
		enum err e = ERR_OK;

		memcpy(&ph, p->data + h->e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_INTERP)
			return err_set(err, ERR_UNSUPPORTED,
				       "program: needs a dynamic linker: link with -static-pie");
		if (ph.p_type == PT_GNU_STACK && (ph.p_flags & PF_X))
			return err_set(err, ERR_UNSUPPORTED, "program: wants an executable stack: "
							     "link with -z noexecstack");
		if (ph.p_type == PT_LOAD && ph.p_memsz)
			e = take_load(p, &ph, err);
		if (ph.p_type == PT_DYNAMIC)
			p->dynamic = ph;
		if (e)
			return e;
	}
	if (p->load_count == 0)
		return err_set(err, ERR_CORRUPT, "program: nothing to load");
	return ERR_OK;
}

/* The segment that holds [addr, addr + size); NULL if none does. */
static const Elf64_Phdr *load_at(const struct program *p, uint64_t addr, uint64_t size)
{
	for (size_t i = 0; i < p->load_count; i++)
		if (addr >= p->loads[i].p_vaddr &&
		    base_in_range(addr - p->loads[i].p_vaddr, size, p->loads[i].p_memsz))
			return &p->loads[i];
	return NULL;
}

/* `size` bytes at `addr` as the file has them; NULL if it doesn't. */
static const uint8_t *file_at(const struct program *p, uint64_t addr, uint64_t size)
{
	const Elf64_Phdr *ph = load_at(p, addr, size);

	if (!ph || !base_in_range(addr - ph->p_vaddr, size, ph->p_filesz))
		return NULL;
	return p->data + ph->p_offset + (addr - ph->p_vaddr);
}

/* Every relocation has to be one of the start code's: relative, in writable memory. */
static enum err check_relocations(const struct program *p, uint64_t addr, uint64_t size,
				  struct err_ctx *err)
{
	const uint8_t *table = file_at(p, addr, size);

	if (size && !table)
		return err_set_addr(err, ERR_CORRUPT, addr, "program: the relocations aren't there");
	for (uint64_t i = 0; i + sizeof(Elf64_Rela) <= size; i += sizeof(Elf64_Rela)) {
		const Elf64_Phdr *ph;
		Elf64_Rela r;

		memcpy(&r, table + i, sizeof(r));
		if (ELF64_R_TYPE(r.r_info) == R_X86_64_NONE)
			continue;
		ph = load_at(p, r.r_offset, 8);
		if (!ph || !(ph->p_flags & PF_W))
			return err_set_addr(err, ERR_UNSUPPORTED, r.r_offset,
					    "program: a relocation in a read-only segment: compile "
					    "with -fPIE, link with -z text");
	}
	return ERR_OK;
}

static enum err check_dynamic(const struct program *p, struct err_ctx *err)
{
	uint64_t rela = 0, rela_size = 0;
	const uint8_t *table;

	if (p->dynamic.p_type != PT_DYNAMIC)
		return ERR_OK;
	table = file_at(p, p->dynamic.p_vaddr, p->dynamic.p_filesz);
	if (!table)
		return err_set(err, ERR_CORRUPT, "program: the dynamic section isn't there");
	for (uint64_t i = 0; i + sizeof(Elf64_Dyn) <= p->dynamic.p_filesz; i += sizeof(Elf64_Dyn)) {
		Elf64_Dyn d;

		memcpy(&d, table + i, sizeof(d));
		if (d.d_tag == DT_NULL)
			break;
		if (d.d_tag == DT_NEEDED)
			return err_set(err, ERR_UNSUPPORTED,
				       "program: needs a shared library: link with -static-pie");
		if (d.d_tag == DT_TEXTREL || (d.d_tag == DT_FLAGS && (d.d_un.d_val & DF_TEXTREL)))
			return err_set(err, ERR_UNSUPPORTED,
				       "program: has text relocations: compile with -fPIE, link with "
				       "-z text");
		if (d.d_tag == DT_RELA)
			rela = d.d_un.d_ptr;
		if (d.d_tag == DT_RELASZ)
			rela_size = d.d_un.d_val;
	}
	return check_relocations(p, rela, rela_size, err);
}

/* -- its code -------------------------------------------------------------------------------- */

/* A section header whose bytes, if the file has them, are there; or false. */
static bool read_section(const struct program *p, uint64_t index, Elf64_Shdr *ret)
{
	const Elf64_Ehdr *h = &p->ehdr;

	if (h->e_shentsize != sizeof(*ret) || index >= h->e_shnum ||
	    !base_in_range(h->e_shoff, (uint64_t)h->e_shnum * sizeof(*ret), p->size))
		return false;
	memcpy(ret, p->data + h->e_shoff + index * sizeof(*ret), sizeof(*ret));
	return ret->sh_type == SHT_NOBITS || base_in_range(ret->sh_offset, ret->sh_size, p->size);
}

/* A section of strings, the last of which ends. */
static bool read_strings(const struct program *p, uint64_t index, Elf64_Shdr *ret)
{
	return read_section(p, index, ret) && ret->sh_type == SHT_STRTAB && ret->sh_size &&
	       p->data[ret->sh_offset + ret->sh_size - 1] == 0;
}

static int by_address(const void *a, const void *b)
{
	const struct scan_start *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* The functions by the symbol table, ascending, from malloc(). None if there is no table. */
static size_t find_functions(const struct program *p, struct scan_start **ret)
{
	Elf64_Shdr symtab, strings;
	struct scan_start *starts;
	size_t count = 0, n;

	*ret = NULL;
	for (uint64_t i = 0;; i++) {
		if (i >= p->ehdr.e_shnum)
			return 0;
		if (read_section(p, i, &symtab) && symtab.sh_type == SHT_SYMTAB)
			break;
	}
	if (!read_strings(p, symtab.sh_link, &strings))
		return 0;
	n = symtab.sh_size / sizeof(Elf64_Sym);
	starts = calloc(n ? n : 1, sizeof(*starts));
	for (size_t i = 0; starts && i < n; i++) {
		Elf64_Sym sym;

		memcpy(&sym, p->data + symtab.sh_offset + i * sizeof(sym), sizeof(sym));
		if (ELF64_ST_TYPE(sym.st_info) == STT_FUNC && sym.st_name < strings.sh_size)
			starts[count++] = (struct scan_start){
				sym.st_value,
				(const char *)p->data + strings.sh_offset + sym.st_name};
	}
	if (count)
		qsort(starts, count, sizeof(*starts), by_address);
	*ret = starts;
	return count;
}

static enum err check_code(const struct program *p, struct err_ctx *err)
{
	struct scan_start *starts;
	size_t count = find_functions(p, &starts);
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < p->load_count; i++) {
		const Elf64_Phdr *ph = &p->loads[i];

		if (ph->p_flags & PF_X)
			e = scan_code(p->data + ph->p_offset, ph->p_filesz, ph->p_vaddr, starts, count,
				      err);
	}
	free(starts);
	return e;
}

/* At the next free offset, which is 0 for the first one. */
static enum err put_program(struct builder *b, const struct program *p, struct err_ctx *err)
{
	const Elf64_Phdr *entry = load_at(p, p->ehdr.e_entry, 1);
	const uint64_t base = b->at;

	if (!entry || !(entry->p_flags & PF_X))
		return err_set_addr(err, ERR_CORRUPT, p->ehdr.e_entry,
				    "program: the entry point isn't code");
	for (size_t i = 0; i < p->load_count; i++) {
		const Elf64_Phdr *ph = &p->loads[i];
		uint64_t lead = ph->p_vaddr % ABI_PAGE;
		uint64_t perm = (ph->p_flags & PF_R ? ABI_SECINFO_R : 0) |
				(ph->p_flags & PF_W ? ABI_SECINFO_W | ABI_SECINFO_R : 0) |
				(ph->p_flags & PF_X ? ABI_SECINFO_X : 0);

		if (lead > ph->p_offset)
			return err_set_addr(err, ERR_CORRUPT, ph->p_vaddr,
					    "program: a segment's place in the file doesn't fit");
		b->at = base + ph->p_vaddr - lead;
		put(b, ABI_SEGMENT_ELF, ph->p_memsz + lead, ABI_SECINFO_REG | perm, true,
		    p->data + ph->p_offset - lead, ph->p_filesz ? ph->p_filesz + lead : 0,
		    ph->p_flags & PF_X	 ? "program code"
		    : ph->p_flags & PF_W ? "program data"
					 : "program");
	}
	put_guard(b);
	return ERR_OK;
}

/* -- what it is made of ---------------------------------------------------------------------- */

/*
 * Whose a section is: scw-cc has each library's in output sections of their own (.text.part.NAME); plain
 * names are the tool's, and the rest is what the linker makes. NULL: one with a name that has no room.
 */
static const char *part_of(const char *section)
{
	static const char *const own[] = {".text", ".rodata", ".data", ".data.rel.ro", ".bss"};
	const char *mark = strstr(section, ".part.");

	for (size_t i = 0; i < BASE_COUNT(own); i++)
		if (strcmp(section, own[i]) == 0)
			return "program";
	if (!mark)
		return "tables";
	mark += strlen(".part.");
	return strlen(mark) < sizeof(((struct abi_part *)0)->name) ? mark : NULL;
}

static void count_section(struct builder *b, const Elf64_Shdr *s, const char *name)
{
	struct abi_part *part = b->parts;

	while (part < b->parts + b->part_count && strcmp(part->name, name) != 0)
		part++;
	if (part == b->parts + ABI_IMAGE_MAX_PARTS)
		return;
	if (part == b->parts + b->part_count) {
		strncpy(part->name, name, sizeof(part->name) - 1);
		b->part_count++;
	}
	if (s->sh_type == SHT_NOBITS)
		part->zeros += s->sh_size;
	else if (s->sh_flags & SHF_EXECINSTR)
		part->code += s->sh_size;
	else if (s->sh_flags & SHF_WRITE)
		part->data += s->sh_size;
	else
		part->constants += s->sh_size;
}

static int by_size(const void *a, const void *b)
{
	const struct abi_part *x = a, *y = b;
	uint64_t of_x = x->code + x->constants, of_y = y->code + y->constants;

	return of_x < of_y ? 1 : of_x > of_y ? -1 : strcmp(x->name, y->name);
}

/* By the section headers; a program without them has no parts. */
static void count_parts(struct builder *b, const struct program *p)
{
	Elf64_Shdr names, s;

	if (!read_strings(p, p->ehdr.e_shstrndx, &names))
		return;
	for (uint64_t i = 0; i < p->ehdr.e_shnum; i++) {
		const char *name;

		/* .tbss has a size, and takes no room */
		if (!read_section(p, i, &s) || !(s.sh_flags & SHF_ALLOC) || s.sh_size == 0 ||
		    s.sh_size > ABI_IMAGE_MAX_SIZE / ABI_IMAGE_MAX_PARTS || s.sh_name >= names.sh_size ||
		    (s.sh_type == SHT_NOBITS && s.sh_flags & SHF_TLS))
			continue;
		name = part_of((const char *)p->data + names.sh_offset + s.sh_name);
		if (name)
			count_section(b, &s, name);
	}
	qsort(b->parts, b->part_count, sizeof(b->parts[0]), by_size);
}

/* -- layout ---------------------------------------------------------------------------------- */

/* What goes into the pages of one thread that aren't zeros. */
struct thread_pages {
	struct abi_thread thread;
	struct abi_tcs tcs;
};

static void put_thread(struct builder *b, const struct sign_options *o, uint32_t index,
		       uint64_t entry, struct thread_pages *pages)
{
	uint64_t frame = (uint64_t)o->ssa_frame_size * ABI_PAGE, rw = ABI_SECINFO_REG |
								      ABI_SECINFO_R | ABI_SECINFO_W;
	uint64_t page, ssa, tcs, stack, exception;
	char name[32];

#define NAME(what) (snprintf(name, sizeof(name), what " %u", index), name)
	page = put(b, ABI_SEGMENT_THREAD, ABI_PAGE, rw, true, &pages->thread, sizeof(pages->thread),
		   NAME("thread"));
	ssa = put(b, ABI_SEGMENT_SSA, frame * o->ssa_count, rw, true, NULL, 0, NAME("ssa"));
	tcs = put(b, ABI_SEGMENT_TCS, ABI_PAGE, ABI_SECINFO_TCS, true, &pages->tcs,
		  sizeof(pages->tcs), NAME("tcs"));
	put_guard(b);
	exception = put(b, ABI_SEGMENT_STACK, EXCEPTION_STACK, rw, true, NULL, 0,
			NAME("exceptions"));
	put_guard(b);
	stack = put(b, ABI_SEGMENT_STACK, o->stack_size, rw, true, NULL, 0, NAME("stack"));
	put_guard(b);
#undef NAME
	pages->tcs = (struct abi_tcs){
		.ossa = ssa,
		.nssa = o->ssa_count,
		.oentry = entry,
		.ofsbase = page,
		.ogsbase = page,
		.fslimit = UINT32_MAX,
		.gslimit = UINT32_MAX,
	};
	pages->thread = (struct abi_thread){
		.index = index,
		.self = page,
		.stack_top = stack + o->stack_size,
		.stack_size = o->stack_size,
		.exception_top = exception + EXCEPTION_STACK,
		.exception_size = EXCEPTION_STACK,
		.tcs = tcs,
		.ssa = ssa,
		.ssa_frame_size = (uint32_t)frame,
		.ssa_count = o->ssa_count,
		.thread_count = o->thread_count,
		.thread_stride = b->at - page,
	};
}

static size_t xsave_size(uint64_t xfrm)
{
	/*
	 * Not asked of this machine's CPUID: an image is the same wherever it is signed. Places of
	 * the standard format as Intel's processors have them (AVX, AVX-512, PKRU, AMX).
	 */
	if (xfrm >> 17)
		return 11008;
	if (xfrm & ~7ull)
		return 2696;
	return xfrm & 4 ? 832 : ABI_XSAVE_MIN_SIZE;
}

static uint32_t today(void)
{
	time_t now = time(NULL);
	struct tm tm;
	unsigned int decimal, date = 0;

	gmtime_r(&now, &tm);
	decimal = (unsigned int)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
	for (int shift = 0; decimal; shift += 4, decimal /= 10)
		date |= decimal % 10 << shift;
	return date;
}

static enum err with_defaults(const struct sign_options *given, struct sign_options *o,
			      struct err_ctx *err)
{
	uint64_t need;

	*o = *given;
	o->xfrm |= ABI_XFRM_LEGACY;
	o->heap_size = pages_of(o->heap_size ? o->heap_size : DEFAULT_HEAP) * ABI_PAGE;
	o->stack_size = pages_of(o->stack_size ? o->stack_size : DEFAULT_STACK) * ABI_PAGE;
	o->thread_count = o->thread_count ? o->thread_count : DEFAULT_THREADS;
	o->ssa_count = o->ssa_count ? o->ssa_count : 2;
	need = pages_of(xsave_size(o->xfrm) + sizeof(struct abi_exinfo) + sizeof(struct abi_gprsgx));
	o->ssa_frame_size = o->ssa_frame_size ? o->ssa_frame_size : (uint32_t)need;
	o->date = o->date ? o->date : today();
	if (o->heap_size > ABI_IMAGE_MAX_SIZE || o->stack_size > ABI_IMAGE_MAX_SIZE / MAX_THREADS)
		return err_set(err, ERR_INVAL, "heap or stack is larger than an enclave can be");
	if (o->thread_count > MAX_THREADS)
		return err_set(err, ERR_INVAL, "%u threads: at most %u", o->thread_count,
			       MAX_THREADS);
	if (o->ssa_count < 2 || o->ssa_count > 16 || o->ssa_frame_size < need ||
	    o->ssa_frame_size > 16)
		return err_set(err, ERR_INVAL, "SSA: 2 to 16 frames of %llu to 16 pages",
			       (unsigned long long)need);
	if (o->config_size > MAX_CONFIG)
		return err_set(err, ERR_LIMIT, "the configuration is larger than %u bytes",
			       MAX_CONFIG);
	if (o->program_count > ABI_PROGRAMS_MAX)
		return err_set(err, ERR_LIMIT, "%zu other programs: at most %u", o->program_count,
			       ABI_PROGRAMS_MAX);
	if (!measure_is_date(o->date))
		return err_set(err, ERR_INVAL, "%08x isn't a date: YYYYMMDD", o->date);
	return ERR_OK;
}

static void lay_out(struct builder *b, const struct sign_options *o, uint64_t entry,
		    const struct abi_program *table, struct thread_pages *threads)
{
	uint64_t config = 0, programs = 0, heap, size = ABI_PAGE;

	if (o->program_count) {
		programs = put(b, ABI_SEGMENT_PROGRAMS, o->program_count * sizeof(*table),
			       ABI_SECINFO_REG | ABI_SECINFO_R, true, table,
			       o->program_count * sizeof(*table), "programs");
		put_guard(b);
	}
	if (o->config_size) {
		config = put(b, ABI_SEGMENT_CONFIG, o->config_size, ABI_SECINFO_REG | ABI_SECINFO_R,
			     true, o->config, o->config_size, "configuration");
		put_guard(b);
	}
	for (uint32_t i = 0; i < o->thread_count; i++)
		put_thread(b, o, i, entry, &threads[i]);
	heap = put(b, ABI_SEGMENT_HEAP, o->heap_size,
		   ABI_SECINFO_REG | ABI_SECINFO_R | ABI_SECINFO_W, false, NULL, 0, "heap");
	while (size < b->at)
		size *= 2;
	for (uint32_t i = 0; i < o->thread_count; i++) {
		struct abi_thread *t = &threads[i].thread;

		t->programs = programs;
		t->program_count = o->program_count;
		t->heap = heap;
		t->heap_size = o->heap_size;
		t->config = config;
		t->config_size = o->config_size;
		t->size = size;
	}
	b->header = (struct abi_image){
		.magic = ABI_IMAGE_MAGIC,
		.version = ABI_IMAGE_VERSION,
		.segment_count = (uint32_t)b->count,
		.size = size,
		.ssa_frame_size = o->ssa_frame_size,
		.miscselect = ABI_MISC_EXINFO,
		.attributes = {ABI_ATTR_MODE64BIT | (o->debug ? ABI_ATTR_DEBUG : 0), o->xfrm},
		.thread_count = o->thread_count,
		.part_count = b->part_count,
	};
}

/* The file: header, table, contents. */
static enum err write_out(struct builder *b, struct sign_image *ret, struct err_ctx *err)
{
	uint64_t tables = sizeof(b->header) + b->count * sizeof(*b->segments), at;
	uint8_t *data;

	at = pages_of(tables + b->part_count * sizeof(b->parts[0])) * ABI_PAGE;
	for (size_t i = 0; i < b->count; i++) {
		struct abi_segment *s = &b->segments[i];

		measure_hash(b->contents[i] ? b->contents[i] : "", s->file_size, s->digest);
		if (!s->file_size)
			continue;
		s->file_offset = at;
		at += pages_of(s->file_size) * ABI_PAGE;
	}
	image_layout_digest(b->segments, b->count, b->header.layout_digest);
	image_permission_digest(b->segments, b->count, b->header.permission_digest);
	b->header.file_size = at;
	data = calloc(1, at);
	if (!data)
		return err_set(err, ERR_NOMEM, "no memory for an image of %llu bytes",
			       (unsigned long long)at);
	memcpy(data, &b->header, sizeof(b->header));
	memcpy(data + sizeof(b->header), b->segments, b->count * sizeof(*b->segments));
	memcpy(data + tables, b->parts, b->part_count * sizeof(b->parts[0]));
	for (size_t i = 0; i < b->count; i++)
		if (b->segments[i].file_size)
			memcpy(data + b->segments[i].file_offset, b->contents[i],
			       b->segments[i].file_size);
	*ret = (struct sign_image){data, at};
	return ERR_OK;
}

/* `p` is room for what is read of it. */
static enum err add_program(struct builder *b, const void *elf, size_t size, bool unchecked_code,
			    struct program *p, struct err_ctx *err)
{
	enum err e = read_program(elf, size, p, err);

	if (!e)
		e = check_dynamic(p, err);
	if (!e && !unchecked_code)
		e = check_code(p, err);
	if (!e)
		e = put_program(b, p, err);
	if (!e)
		count_parts(b, p);
	return e;
}

/* The others, with a row of `table` each. */
static enum err add_others(struct builder *b, const struct sign_options *o, struct program *p,
			   struct abi_program *table, struct err_ctx *err)
{
	for (size_t i = 0; i < o->program_count; i++) {
		const struct sign_program *other = &o->programs[i];
		size_t same = 0;
		enum err e;

		if (other->path[0] != '/' || strlen(other->path) >= sizeof(table->path))
			return err_set(err, ERR_INVAL, "%s isn't an absolute path of less than %zu bytes",
				       other->path, sizeof(table->path));
		strcpy(table[i].path, other->path);
		while (o->programs[same].elf != other->elf)
			same++;
		if (same < i) {
			table[i].offset = table[same].offset;
			continue;
		}
		table[i].offset = b->at;
		e = add_program(b, other->elf, other->size, o->unchecked_code, p, err);
		if (e)
			return e;
		/* what runs inside finds its parts by its header */
		if (p->loads[0].p_vaddr || p->loads[0].p_offset)
			return err_set(err, ERR_UNSUPPORTED, "%s: its first segment doesn't begin with "
							     "its header", other->path);
	}
	return ERR_OK;
}

enum err sign_build(const void *elf, size_t elf_size, const struct sign_options *options,
		    struct sign_image *ret, struct err_ctx *err)
{
	struct abi_program table[ABI_PROGRAMS_MAX] = {0};
	struct thread_pages *threads;
	struct sign_options o;
	uint64_t entry = 0;
	struct program *p;
	struct builder b = {0};
	enum err e = measure_prepare(err);

	if (!e)
		e = with_defaults(options, &o, err);
	if (e)
		return e;
	b.room = MAX_LOADS * (1 + o.program_count) + 3 + (size_t)SEGMENTS_PER_THREAD * o.thread_count;
	b.segments = calloc(b.room, sizeof(*b.segments));
	b.contents = calloc(b.room, sizeof(*b.contents));
	threads = calloc(o.thread_count, sizeof(*threads));
	p = malloc(sizeof(*p));
	if (!b.segments || !b.contents || !threads || !p)
		e = err_set(err, ERR_NOMEM, "no memory to lay out an enclave");
	if (!e)
		e = add_program(&b, elf, elf_size, o.unchecked_code, p, err);
	if (!e) {
		entry = p->ehdr.e_entry;
		e = add_others(&b, &o, p, table, err);
	}
	if (!e) {
		lay_out(&b, &o, entry, table, threads);
		e = write_out(&b, ret, err);
	}
	free(p);
	free(threads);
	free(b.contents);
	free(b.segments);
	return e;
}

void sign_deinit(struct sign_image *image)
{
	free(image->data);
	*image = (struct sign_image){0};
}

/* -- the signature --------------------------------------------------------------------------- */

static enum err openssl_failed(struct err_ctx *err, const char *what)
{
	char text[120];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	return err_set(err, ERR_INVAL, "%s: %s", what, text);
}

static int no_password(char *buf, int size, int rw, void *u)
{
	(void)buf;
	(void)size;
	(void)rw;
	(void)u;
	return 0;
}

static EVP_PKEY *read_key(const void *pem, size_t size, struct err_ctx *err)
{
	BIO *bio = size <= INT32_MAX ? BIO_new_mem_buf(pem, (int)size) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	BIGNUM *exponent = NULL;

	BIO_free(bio);
	if (!key) {
		(void)!openssl_failed(err, "the signing key isn't a private key in PEM without a "
					   "password");
		return NULL;
	}
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) != 3072 ||
	    !EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) ||
	    !BN_is_word(exponent, ABI_EXPONENT)) {
		(void)!err_set(err, ERR_INVAL, "the signing key isn't RSA-3072 with exponent 3: make "
					       "one with `openssl genrsa -3 3072`");
		EVP_PKEY_free(key);
		key = NULL;
	}
	BN_free(exponent);
	return key;
}

/* PKCS #1 v1.5 with SHA-256; the big-endian result. */
static enum err rsa_sign(EVP_PKEY *key, const uint8_t digest[32], uint8_t ret[ABI_MODULUS_SIZE],
			 struct err_ctx *err)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	size_t size = ABI_MODULUS_SIZE;
	bool done = ctx && EVP_PKEY_sign_init(ctx) > 0 &&
		    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
		    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0 &&
		    EVP_PKEY_sign(ctx, ret, &size, digest, 32) > 0 && size == ABI_MODULUS_SIZE;

	EVP_PKEY_CTX_free(ctx);
	return done ? ERR_OK : openssl_failed(err, "signing failed");
}

/* signature (big-endian), q1 = s*s / n, q2 = (s*s mod n) * s / n, all little-endian in `sig`. */
static enum err put_numbers(struct abi_sigstruct *sig, const BIGNUM *n,
			    const uint8_t signature[ABI_MODULUS_SIZE], struct err_ctx *err)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *s = BN_bin2bn(signature, ABI_MODULUS_SIZE, NULL);
	BIGNUM *product = BN_new(), *q1 = BN_new(), *q2 = BN_new(), *rest = BN_new();
	bool done = ctx && s && product && q1 && q2 && rest && BN_sqr(product, s, ctx) &&
		    BN_div(q1, rest, product, n, ctx) && BN_mul(product, rest, s, ctx) &&
		    BN_div(q2, NULL, product, n, ctx) &&
		    BN_bn2lebinpad(s, sig->signature, ABI_MODULUS_SIZE) > 0 &&
		    BN_bn2lebinpad(q1, sig->q1, ABI_MODULUS_SIZE) > 0 &&
		    BN_bn2lebinpad(q2, sig->q2, ABI_MODULUS_SIZE) > 0;

	BN_free(s);
	BN_free(product);
	BN_free(q1);
	BN_free(q2);
	BN_free(rest);
	BN_CTX_free(ctx);
	return done ? ERR_OK : openssl_failed(err, "q1 and q2");
}

enum err sign_sign(struct sign_image *image, const void *pem, size_t pem_size,
		   const struct sign_options *options, struct err_ctx *err)
{
	struct abi_image *h = (struct abi_image *)image->data;
	uint8_t digest[32], signature[ABI_MODULUS_SIZE];
	struct abi_sigstruct sig = {.exponent = ABI_EXPONENT};
	struct sign_options o;
	BIGNUM *modulus = NULL;
	struct image parsed;
	EVP_PKEY *key;
	enum err e = image_parse(image->data, image->size, &parsed, err);

	if (!e)
		e = with_defaults(options, &o, err);
	if (e)
		return e;
	key = read_key(pem, pem_size, err);
	if (!key)
		return ERR_INVAL;
	memcpy(sig.header, measure_header1, sizeof(sig.header));
	memcpy(sig.header2, measure_header2, sizeof(sig.header2));
	sig.date = o.date;
	sig.miscselect = h->miscselect;
	sig.miscmask = UINT32_MAX;
	sig.attributes = h->attributes;
	/* INIT is set by EINIT itself; everything else has to be as signed */
	sig.attribute_mask = (struct abi_attributes){~ABI_ATTR_INIT, UINT64_MAX};
	sig.isv_prod_id = o.product;
	sig.isv_svn = o.svn;
	e = image_measure(&parsed, sig.enclave_hash, err);
	if (!e && (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) ||
		   BN_bn2lebinpad(modulus, sig.modulus, ABI_MODULUS_SIZE) <= 0))
		e = openssl_failed(err, "the key's modulus");
	if (!e) {
		measure_signed_digest(&sig, digest);
		e = rsa_sign(key, digest, signature, err);
	}
	if (!e)
		e = put_numbers(&sig, modulus, signature, err);
	if (!e)
		h->sigstruct = sig;
	BN_free(modulus);
	EVP_PKEY_free(key);
	return e;
}
