// SPDX-License-Identifier: MIT
/*
 * The enclaves' pages: what ENCLS and Linux's driver do (arch/x86/kernel/cpu/sgx: ioctl.c, encl.c,
 * driver.c tell what is refused and how). An enclave's memory is a memfd: the processor's view is
 * one mapping of all of it, the program's are mappings whose protection is the lesser of what
 * the program asked for and what the EPCM grants.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/checked.h"
#include "emu.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10u
#endif

/* Looked through by signal handlers, so an entry is one pointer. */
static struct enclave *_Atomic enclaves[EMU_MAX_ENCLAVES];

struct enclave *emu_find(uint64_t addr)
{
	for (size_t i = 0; i < EMU_MAX_ENCLAVES; i++) {
		struct enclave *e = atomic_load(&enclaves[i]);

		if (e && e->created && addr - e->secs.base < e->secs.size)
			return e;
	}
	return NULL;
}

static struct enclave *find_fd(int fd)
{
	for (size_t i = 0; i < EMU_MAX_ENCLAVES; i++) {
		struct enclave *e = atomic_load(&enclaves[i]);

		if (e && !e->closed && e->fd == fd)
			return e;
	}
	return NULL;
}

bool emu_any_open(void)
{
	for (size_t i = 0; i < EMU_MAX_ENCLAVES; i++)
		if (atomic_load(&enclaves[i]))
			return true;
	return false;
}

bool emulation_is_open(int fd)
{
	return find_fd(fd) != NULL;
}

static void *reserve(size_t size)
{
	return emu_real.mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* What a mapped page's protection has to be at present. */
static int wanted(const struct enclave *e, size_t i)
{
	const struct page *p = &e->pages[i];

	if (!p->valid || p->type != ABI_PT_REG || p->pending || p->modified || p->out || e->lost)
		return PROT_NONE;
	return p->vma_prot & p->perm;
}

static void protect(const struct enclave *e, size_t first, size_t count, int prot)
{
	/* a mapping that was replaced behind our back isn't ours to complain of */
	(void)!emu_real.mprotect((void *)(e->secs.base + first * ABI_PAGE), count * ABI_PAGE, prot);
}

static bool is_hidden(const struct enclave *e)
{
	return (emu_modes() & EMULATION_HIDE) && e->initialized && e->inside_count == 0;
}

void emu_apply(struct enclave *e, size_t first, size_t count)
{
	e->runs_stale = true;
	for (size_t i = first, next; i < first + count; i = next) {
		int prot = wanted(e, i);

		for (next = i + 1; next < first + count; next++)
			if (e->pages[next].mapped != e->pages[i].mapped ||
			    wanted(e, next) != prot)
				break;
		if (e->pages[i].mapped)
			protect(e, i, next - i, is_hidden(e) ? PROT_NONE : prot);
	}
}

static void find_runs(struct enclave *e)
{
	e->run_count = 0;
	for (size_t i = 0, next; i < e->page_count; i = next) {
		int prot = e->pages[i].mapped ? wanted(e, i) : PROT_NONE;

		for (next = i + 1; next < e->page_count; next++)
			if ((e->pages[next].mapped ? wanted(e, next) : PROT_NONE) != prot)
				break;
		if (prot == PROT_NONE)
			continue;
		if (e->run_count == e->run_room) {
			size_t room = e->run_room ? 2 * e->run_room : 4096;
			struct run *more = reserve(room * sizeof(*more));

			if (more == MAP_FAILED)
				abort();
			if (e->runs) {
				memcpy(more, e->runs, e->run_count * sizeof(*more));
				emu_real.munmap(e->runs, e->run_room * sizeof(*more));
			}
			e->runs = more;
			e->run_room = room;
		}
		e->runs[e->run_count++] = (struct run){i, next - i, prot};
	}
	e->runs_stale = false;
}

static void show_all(struct enclave *e, bool show)
{
	if (e->runs_stale)
		find_runs(e);
	for (size_t i = 0; i < e->run_count; i++)
		protect(e, e->runs[i].first, e->runs[i].count, show ? e->runs[i].prot : PROT_NONE);
	if (e->alias)
		emu_real.mprotect(e->alias, e->secs.size, show ? PROT_READ | PROT_WRITE : PROT_NONE);
}

void emu_reveal(struct enclave *e)
{
	if (!(emu_modes() & EMULATION_HIDE))
		return;
	pthread_mutex_lock(&e->lock);
	if (e->inside_count++ == 0)
		show_all(e, true);
	pthread_mutex_unlock(&e->lock);
}

void emu_conceal(struct enclave *e)
{
	if (!(emu_modes() & EMULATION_HIDE))
		return;
	pthread_mutex_lock(&e->lock);
	if (--e->inside_count == 0)
		show_all(e, false);
	pthread_mutex_unlock(&e->lock);
}

void emu_page_out(struct enclave *e)
{
	size_t n = 0;

	pthread_mutex_lock(&e->lock);
	for (size_t i = 0; i < e->page_count; i++)
		if (e->pages[i].mapped && wanted(e, i) != PROT_NONE) {
			e->pages[i].out = true;
			n++;
		}
	emu_apply(e, 0, e->page_count);
	pthread_mutex_unlock(&e->lock);
	atomic_fetch_add(&emu_counters.pages_lost, n);
}

bool emu_augment(struct enclave *e, size_t i)
{
	struct page *p = &e->pages[i];

	if ((emu_modes() & EMULATION_SGX1) || !e->initialized || e->lost || !p->mapped || p->valid)
		return false;
	if (fallocate(e->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      (off_t)(i * ABI_PAGE), ABI_PAGE))
		return false;
	p->valid = true;
	p->pending = true;
	p->type = ABI_PT_REG;
	p->perm = PROT_READ | PROT_WRITE;
	p->max_prot = PROT_READ | PROT_WRITE | PROT_EXEC;
	emu_apply(e, i, 1);
	return true;
}

int emulation_open(void)
{
	struct enclave *e = calloc(1, sizeof(*e));
	int fd;

	if (!e)
		return -ENOMEM;
	fd = memfd_create("sgx_enclave", MFD_CLOEXEC | MFD_EXEC);
	if (fd < 0)
		fd = memfd_create("sgx_enclave", MFD_CLOEXEC);
	if (fd < 0) {
		free(e);
		return -errno;
	}
	e->fd = fd;
	e->attributes_allowed = ABI_ATTR_DEBUG | ABI_ATTR_MODE64BIT | ABI_ATTR_KSS;
	pthread_mutex_init(&e->lock, NULL);
	for (size_t i = 0; i < EMU_MAX_ENCLAVES; i++) {
		struct enclave *none = NULL;

		if (atomic_compare_exchange_strong(&enclaves[i], &none, e))
			return fd;
	}
	emu_real.close(fd);
	free(e);
	return -ENFILE;
}

static void destroy(struct enclave *e)
{
	for (size_t i = 0; i < EMU_MAX_ENCLAVES; i++) {
		struct enclave *it = e;

		atomic_compare_exchange_strong(&enclaves[i], &it, NULL);
	}
	if (e->created) {
		if (!e->initialized)
			measure_deinit(&e->measure);
		emu_real.munmap(e->alias, e->secs.size);
		emu_real.munmap(e->pages, e->page_count * sizeof(*e->pages));
		if (e->runs)
			emu_real.munmap(e->runs, e->run_room * sizeof(*e->runs));
	}
	pthread_mutex_destroy(&e->lock);
	emu_real.close(e->fd);
	free(e);
}

int emulation_close(int fd)
{
	struct enclave *e = find_fd(fd);

	if (!e)
		return -EBADF;
	e->closed = true;
	if (e->mapped_count == 0) {
		destroy(e);
		return 0;
	}
	/* mappings keep it alive; the number must be free for the next file */
	e->fd = fcntl(fd, F_DUPFD_CLOEXEC, 1000);
	if (e->fd < 0)
		e->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return emu_real.close(fd) ? -errno : 0;
}

static enum err check_secs(const struct abi_secs *s, struct err_ctx *err)
{
	const uint8_t *p = (const uint8_t *)s;
	uint64_t need = emu_xsave_size(s->attributes.xfrm) + sizeof(struct abi_gprsgx) +
			(s->miscselect & ABI_MISC_EXINFO ? sizeof(struct abi_exinfo) : 0);

	if (s->size < 2 * ABI_PAGE || s->size > EMU_MAX_SIZE || (s->size & (s->size - 1)))
		return err_set(err, ERR_INVAL, "SECS: the size 0x%llx isn't a power of two that fits",
			       (unsigned long long)s->size);
	if (s->base & (s->size - 1) || s->base >> 47 || (s->base + s->size) >> 47)
		return err_set(err, ERR_INVAL, "SECS: the base 0x%llx isn't aligned to the size",
			       (unsigned long long)s->base);
	if (!(s->attributes.flags & ABI_ATTR_MODE64BIT))
		return err_set(err, ERR_INVAL, "SECS: an enclave of 32 bits");
	if (s->attributes.flags & (ABI_ATTR_INIT | ~ABI_ATTR_KNOWN))
		return err_set(err, ERR_INVAL, "SECS: attributes 0x%llx have reserved bits",
			       (unsigned long long)s->attributes.flags);
	if ((s->attributes.xfrm & ABI_XFRM_LEGACY) != ABI_XFRM_LEGACY ||
	    s->attributes.xfrm & ~emu_xcr0())
		return err_set(err, ERR_INVAL, "SECS: this processor doesn't have XFRM 0x%llx",
			       (unsigned long long)s->attributes.xfrm);
	if (s->miscselect & ~ABI_MISC_EXINFO)
		return err_set(err, ERR_INVAL, "SECS: MISCSELECT 0x%x has reserved bits",
			       s->miscselect);
	if (s->ssa_frame_size > EMU_XSAVE_SIZE / ABI_PAGE + 1 ||
	    need > (uint64_t)s->ssa_frame_size * ABI_PAGE ||
	    emu_xsave_size(s->attributes.xfrm) > EMU_XSAVE_SIZE)
		return err_set(err, ERR_INVAL,
			       "SECS: an SSA frame of %u pages doesn't hold %llu bytes",
			       s->ssa_frame_size, (unsigned long long)need);
	for (size_t i = 0; i < sizeof(*s); i++) {
		/* what EINIT sets, and CONFIGID, CONFIGSVN with KSS only */
		bool kss = s->attributes.flags & ABI_ATTR_KSS;
		bool used = i < offsetof(struct abi_secs, reserved1) ||
			    (i >= offsetof(struct abi_secs, attributes) &&
			     i < offsetof(struct abi_secs, mrenclave)) ||
			    (kss && i >= offsetof(struct abi_secs, config_id) &&
			     i < offsetof(struct abi_secs, isv_prod_id)) ||
			    (kss && i >= offsetof(struct abi_secs, config_svn) &&
			     i < offsetof(struct abi_secs, reserved4));

		if (!used && p[i])
			return err_set(err, ERR_INVAL, "SECS: byte %zu is reserved", i);
	}
	return ERR_OK;
}

static int create(struct enclave *e, const struct abi_ioc_create *arg)
{
	struct abi_secs secs;

	if (e->created)
		return -EINVAL;
	memcpy(&secs, (const void *)arg->src, sizeof(secs));
	if (!secs.size || (secs.size & (secs.size - 1))) {
		/* the driver looks at this one itself */
		(void)!check_secs(&secs, &e->why);
		return -EINVAL;
	}
	if (check_secs(&secs, &e->why))
		return -EIO;
	if (ftruncate(e->fd, (off_t)secs.size))
		return -errno;
	e->page_count = secs.size / ABI_PAGE;
	e->pages = reserve(e->page_count * sizeof(*e->pages));
	if (e->pages == MAP_FAILED)
		return -ENOMEM;
	e->alias = emu_real.mmap(NULL, secs.size, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_NORESERVE, e->fd, 0);
	if (e->alias == MAP_FAILED || measure_init(&e->measure, secs.size, secs.ssa_frame_size,
						   &e->why)) {
		emu_real.munmap(e->pages, e->page_count * sizeof(*e->pages));
		if (e->alias != MAP_FAILED)
			emu_real.munmap(e->alias, secs.size);
		return -ENOMEM;
	}
	e->secs = secs;
	atomic_thread_fence(memory_order_seq_cst);
	e->created = true;
	return 0;
}

static const uint8_t zeros[ABI_PAGE];

static bool is_zero(const void *data, size_t size)
{
	return memcmp(data, zeros, size) == 0;
}

static int check_range(struct enclave *e, uint64_t offset, uint64_t length)
{
	if (offset % ABI_PAGE || length % ABI_PAGE || length == 0 ||
	    !base_in_range(offset, length, e->secs.size)) {
		(void)!err_set(&e->why, ERR_INVAL,
			       "pages 0x%llx+0x%llx aren't within the enclave of 0x%llx",
			       (unsigned long long)offset, (unsigned long long)length,
			       (unsigned long long)e->secs.size);
		return -EINVAL;
	}
	return 0;
}

static enum err check_secinfo(const struct abi_secinfo *s, struct err_ctx *err)
{
	uint64_t type = s->flags & ABI_SECINFO_TYPE, perm = s->flags & ABI_SECINFO_PERMISSIONS;

	if (type != ABI_SECINFO_REG && type != ABI_SECINFO_TCS)
		return err_set(err, ERR_INVAL, "SECINFO: pages of type %u can't be added",
			       (unsigned int)(type >> ABI_SECINFO_TYPE_SHIFT));
	if ((perm & ABI_SECINFO_W) && !(perm & ABI_SECINFO_R))
		return err_set(err, ERR_INVAL, "SECINFO: a page that can be written but not read");
	if (type == ABI_SECINFO_TCS && perm)
		return err_set(err, ERR_INVAL, "SECINFO: a TCS with permissions");
	if (s->flags & ~(ABI_SECINFO_TYPE | ABI_SECINFO_PERMISSIONS) ||
	    !is_zero(s->reserved, sizeof(s->reserved)))
		return err_set(err, ERR_INVAL, "SECINFO: a reserved bit is set");
	return ERR_OK;
}

/* EADD, and EEXTEND if asked for. */
static int add_page(struct enclave *e, size_t i, const void *source,
		    const struct abi_secinfo *secinfo, bool measure)
{
	struct page *p = &e->pages[i];
	uint8_t *content = e->alias + i * ABI_PAGE;
	bool is_tcs = (secinfo->flags & ABI_SECINFO_TYPE) == ABI_SECINFO_TCS;
	bool is_hole = is_zero(source, ABI_PAGE);

	if (p->valid) {
		(void)!err_set_addr(&e->why, ERR_INVAL, i * ABI_PAGE, "the page was added before");
		return -EBUSY;
	}
	/* a page that nobody writes stays a hole, which looking at would fill */
	if (!is_hole)
		memcpy(content, source, ABI_PAGE);
	if (is_tcs) {
		struct abi_tcs *tcs = (struct abi_tcs *)content;

		if (!is_zero(tcs->reserved, sizeof(tcs->reserved)) ||
		    tcs->flags & ~ABI_TCS_DBGOPTIN || tcs->ossa % ABI_PAGE) {
			(void)!err_set_addr(&e->why, ERR_INVAL, i * ABI_PAGE,
					    "TCS: reserved bits, or an SSA that isn't aligned");
			memset(content, 0, ABI_PAGE);
			return -EIO;
		}
		tcs->state = 0;
		tcs->flags = 0;
		tcs->cssa = 0;
		tcs->aep = 0;
	}
	measure_add(&e->measure, i * ABI_PAGE, secinfo);
	if (measure)
		measure_extend(&e->measure, i * ABI_PAGE, is_hole && !is_tcs ? zeros : content);
	p->type = is_tcs ? ABI_PT_TCS : ABI_PT_REG;
	p->perm = secinfo->flags & ABI_SECINFO_PERMISSIONS;
	p->max_prot = is_tcs ? PROT_READ | PROT_WRITE : p->perm;
	p->valid = true;
	return 0;
}

static int add_pages(struct enclave *e, struct abi_ioc_add_pages *arg)
{
	struct abi_secinfo secinfo;
	uint64_t done = 0;
	int r;

	if (!e->created || e->initialized || arg->src % ABI_PAGE)
		return -EINVAL;
	r = check_range(e, arg->offset, arg->length);
	if (r)
		return r;
	memcpy(&secinfo, (const void *)arg->secinfo, sizeof(secinfo));
	if (check_secinfo(&secinfo, &e->why))
		return -EINVAL;
	while (!r && done < arg->length) {
		r = add_page(e, (arg->offset + done) / ABI_PAGE, (const void *)(arg->src + done),
			     &secinfo, arg->flags & ABI_ADD_MEASURE);
		if (!r)
			done += ABI_PAGE;
	}
	emu_apply(e, arg->offset / ABI_PAGE, done / ABI_PAGE);
	arg->count = done;
	return r;
}

static int init(struct enclave *e, const struct abi_ioc_init *arg)
{
	uint8_t mrenclave[MEASURE_HASH_SIZE];
	struct abi_sigstruct s;

	if (!e->created || e->initialized)
		return -EINVAL;
	memcpy(&s, (const void *)arg->sigstruct, sizeof(s));
	if (s.vendor != 0 && s.vendor != 0x8086) {
		(void)!err_set(&e->why, ERR_TAMPERED, "SIGSTRUCT: no such vendor: 0x%x", s.vendor);
		return -EINVAL;
	}
	if (e->secs.attributes.flags & ~e->attributes_allowed) {
		(void)!err_set(&e->why, ERR_PERM, "attributes 0x%llx need a right that wasn't given",
			       (unsigned long long)e->secs.attributes.flags);
		return -EACCES;
	}
	measure_read(&e->measure, mrenclave);
	if (measure_check(&s, &e->secs, mrenclave, NULL, &e->why))
		return -EPERM;
	memcpy(e->secs.mrenclave, mrenclave, sizeof(e->secs.mrenclave));
	measure_signer(&s, e->secs.mrsigner);
	e->secs.isv_prod_id = s.isv_prod_id;
	e->secs.isv_svn = s.isv_svn;
	e->secs.attributes.flags |= ABI_ATTR_INIT;
	e->sigstruct = s;
	measure_deinit(&e->measure);
	pthread_mutex_lock(&e->lock);
	e->initialized = true;
	e->runs_stale = true;
	if (emu_modes() & EMULATION_HIDE)
		show_all(e, false);
	pthread_mutex_unlock(&e->lock);
	return 0;
}

/* May the SGX2 requests run? */
static int ready(const struct enclave *e)
{
	if (emu_modes() & EMULATION_SGX1)
		return -ENODEV;
	return e->initialized ? 0 : -EINVAL;
}

/*
 * What an SGX2 request does to each page of [offset, offset + length), until one fails; *count_ret is the size
 * of those before it.
 */
static int each_page(struct enclave *e, uint64_t offset, uint64_t length,
		     int (*one)(struct enclave *e, size_t page, void *arg), void *arg,
		     uint64_t *count_ret)
{
	uint64_t done = 0;
	int r = 0;

	while (done < length) {
		r = one(e, (offset + done) / ABI_PAGE, arg);
		if (r)
			break;
		done += ABI_PAGE;
	}
	emu_apply(e, offset / ABI_PAGE, length / ABI_PAGE);
	*count_ret = done;
	return r;
}

static int restrict_page(struct enclave *e, size_t page, void *arg)
{
	struct page *p = &e->pages[page];
	struct abi_ioc_restrict *a = arg;

	if (!p->valid)
		return -EFAULT;
	if (p->type != ABI_PT_REG)
		return -EINVAL;
	if (p->pending || p->modified) {
		a->result = ABI_PAGE_NOT_MODIFIABLE;
		return -EFAULT;
	}
	p->perm &= a->permissions;
	p->restricted = true;
	return 0;
}

/* EMODPR */
static int restrict_pages(struct enclave *e, struct abi_ioc_restrict *arg)
{
	int r = ready(e);

	if (!r)
		r = check_range(e, arg->offset, arg->length);
	if (r)
		return r;
	if (arg->permissions & ~ABI_SECINFO_PERMISSIONS || arg->result || arg->count ||
	    ((arg->permissions & ABI_SECINFO_W) && !(arg->permissions & ABI_SECINFO_R)))
		return -EINVAL;
	return each_page(e, arg->offset, arg->length, restrict_page, arg, &arg->count);
}

static int modify_type(struct enclave *e, size_t page, void *arg)
{
	struct page *p = &e->pages[page];
	struct abi_ioc_modify_types *a = arg;

	if (!p->valid)
		return -EFAULT;
	if (p->type != ABI_PT_REG && !(p->type == ABI_PT_TCS && a->page_type == ABI_PT_TRIM))
		return -EINVAL;
	if (a->page_type == ABI_PT_TCS && ~p->max_prot & (PROT_READ | PROT_WRITE))
		return -EPERM;
	if (p->pending || p->modified) {
		a->result = ABI_PAGE_NOT_MODIFIABLE;
		return -EFAULT;
	}
	if (a->page_type == ABI_PT_TCS)
		p->max_prot = PROT_READ | PROT_WRITE;
	p->type = a->page_type;
	p->perm = 0;
	p->modified = true;
	return 0;
}

/* EMODT */
static int modify_types(struct enclave *e, struct abi_ioc_modify_types *arg)
{
	int r = ready(e);

	if (!r)
		r = check_range(e, arg->offset, arg->length);
	if (r)
		return r;
	if ((arg->page_type != ABI_PT_TCS && arg->page_type != ABI_PT_TRIM) || arg->result ||
	    arg->count)
		return -EINVAL;
	return each_page(e, arg->offset, arg->length, modify_type, arg, &arg->count);
}

static int remove_page(struct enclave *e, size_t page, void *arg)
{
	struct page *p = &e->pages[page];

	(void)arg;
	if (!p->valid)
		return -EFAULT;
	/* not before the enclave accepted that it goes */
	if (p->type != ABI_PT_TRIM || p->modified)
		return -EPERM;
	p->valid = false;
	p->type = 0;
	p->restricted = false;
	return fallocate(e->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 (off_t)(page * ABI_PAGE), ABI_PAGE) ? -errno : 0;
}

static int remove_pages(struct enclave *e, struct abi_ioc_remove *arg)
{
	int r = ready(e);

	if (!r)
		r = check_range(e, arg->offset, arg->length);
	if (r)
		return r;
	if (arg->count)
		return -EINVAL;
	return each_page(e, arg->offset, arg->length, remove_page, NULL, &arg->count);
}

int emulation_ioctl(int fd, unsigned int request, void *arg)
{
	struct enclave *e = find_fd(fd);
	int r;

	if (!e)
		return -EBADF;
	pthread_mutex_lock(&e->lock);
	err_clear(&e->why);
	pthread_mutex_unlock(&e->lock);
	/* EINIT takes the lock itself */
	if (request == ABI_IOC_INIT)
		return init(e, arg);
	pthread_mutex_lock(&e->lock);
	switch (request) {
	case ABI_IOC_CREATE:
		r = create(e, arg);
		break;
	case ABI_IOC_ADD_PAGES:
		r = add_pages(e, arg);
		break;
	case ABI_IOC_PROVISION:
		e->attributes_allowed |= ABI_ATTR_PROVISIONKEY;
		r = 0;
		break;
	case ABI_IOC_RESTRICT:
		r = restrict_pages(e, arg);
		break;
	case ABI_IOC_MODIFY_TYPES:
		r = modify_types(e, arg);
		break;
	case ABI_IOC_REMOVE:
		r = remove_pages(e, arg);
		break;
	default:
		r = -ENOTTY;
		break;
	}
	pthread_mutex_unlock(&e->lock);
	return r;
}

void emulation_why(int fd, struct err_ctx *ret)
{
	struct enclave *e = find_fd(fd);

	if (e)
		*ret = e->why;
	else
		err_clear(ret);
}

int emulation_lose(int fd)
{
	struct enclave *e = find_fd(fd);

	if (!e || !e->created)
		return -EBADF;
	pthread_mutex_lock(&e->lock);
	e->lost = true;
	emu_apply(e, 0, e->page_count);
	pthread_mutex_unlock(&e->lock);
	return 0;
}

/* The pages of [addr, addr + size) that are the enclave's; false if none. */
static bool pages_of(const struct enclave *e, uint64_t addr, size_t size, size_t *first_ret,
		     size_t *count_ret)
{
	uint64_t end = addr + (size + ABI_PAGE - 1) / ABI_PAGE * ABI_PAGE;
	uint64_t base = e->secs.base, top = base + e->secs.size;

	if (!e->created || addr >= top || end <= base)
		return false;
	addr = addr < base ? base : addr;
	end = end > top ? top : end;
	*first_ret = (addr - base) / ABI_PAGE;
	*count_ret = (end - addr) / ABI_PAGE;
	return true;
}

static int may_map(const struct enclave *e, size_t first, size_t count, int prot)
{
	for (size_t i = first; i < first + count; i++)
		if (e->pages[i].valid && prot & ~e->pages[i].max_prot)
			return -EACCES;
	return 0;
}

void *emulation_mmap(void *addr, size_t size, int prot, int flags, int fd)
{
	struct enclave *e = find_fd(fd);
	size_t first, count;
	void *p;
	int r;

	if (!e || (flags & MAP_TYPE) == MAP_PRIVATE) {
		errno = e ? EINVAL : EBADF;
		return MAP_FAILED;
	}
	prot &= PROT_READ | PROT_WRITE | PROT_EXEC;
	if (!pages_of(e, (uint64_t)addr, size, &first, &count) ||
	    count != (size + ABI_PAGE - 1) / ABI_PAGE || !(flags & MAP_FIXED)) {
		if (e->initialized) {
			errno = EACCES;
			return MAP_FAILED;
		}
		return emu_real.mmap(addr, size, PROT_NONE, flags, fd, 0);
	}
	pthread_mutex_lock(&e->lock);
	r = may_map(e, first, count, prot);
	if (r) {
		pthread_mutex_unlock(&e->lock);
		errno = -r;
		return MAP_FAILED;
	}
	p = emu_real.mmap(addr, size, PROT_NONE, flags, fd, (off_t)(first * ABI_PAGE));
	if (p != MAP_FAILED) {
		for (size_t i = first; i < first + count; i++) {
			e->mapped_count += !e->pages[i].mapped;
			e->pages[i].mapped = true;
			e->pages[i].vma_prot = (uint8_t)prot;
		}
		emu_apply(e, first, count);
	}
	pthread_mutex_unlock(&e->lock);
	return p;
}

int emulation_mprotect(void *addr, size_t size, int prot)
{
	size_t first, count;
	int r = -ENOENT;

	for (size_t k = 0; k < EMU_MAX_ENCLAVES && r == -ENOENT; k++) {
		struct enclave *e = atomic_load(&enclaves[k]);

		if (!e || !e->mapped_count || !pages_of(e, (uint64_t)addr, size, &first, &count))
			continue;
		pthread_mutex_lock(&e->lock);
		r = may_map(e, first, count, prot);
		for (size_t i = first; !r && i < first + count; i++)
			if (!e->pages[i].mapped)
				r = -ENOMEM;
		for (size_t i = first; !r && i < first + count; i++)
			e->pages[i].vma_prot = (uint8_t)prot;
		emu_apply(e, first, count);
		pthread_mutex_unlock(&e->lock);
	}
	return r;
}

int emulation_munmap(void *addr, size_t size)
{
	size_t first, count;

	for (size_t k = 0; k < EMU_MAX_ENCLAVES; k++) {
		struct enclave *e = atomic_load(&enclaves[k]);
		bool last;

		if (!e || !e->mapped_count || !pages_of(e, (uint64_t)addr, size, &first, &count))
			continue;
		pthread_mutex_lock(&e->lock);
		for (size_t i = first; i < first + count; i++) {
			e->mapped_count -= e->pages[i].mapped;
			e->pages[i].mapped = false;
			e->pages[i].vma_prot = 0;
		}
		e->runs_stale = true;
		last = e->closed && e->mapped_count == 0;
		pthread_mutex_unlock(&e->lock);
		if (emu_real.munmap(addr, size))
			return -errno;
		if (last)
			destroy(e);
		return 0;
	}
	return -ENOENT;
}
