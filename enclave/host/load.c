// SPDX-License-Identifier: MIT
/* Building enclaves. The order of the requests is the image's: the measurement depends on it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host/load.h"

#define CHUNK_PAGES 256u

/* An address range aligned to its size, with nothing in it. */
static enum err reserve(uint64_t size, uint64_t *ret, struct err_ctx *err)
{
	uint8_t *area = mmap(NULL, size * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			     -1, 0);
	uint64_t start = (uint64_t)area, base = (start + size - 1) & ~(size - 1);

	if (area == MAP_FAILED)
		return err_set_errno(err, ERR_NOMEM, errno, "no room for an enclave of 0x%llx bytes",
				     (unsigned long long)size);
	if (base > start)
		munmap(area, base - start);
	munmap((void *)(base + size), start + size - base);
	*ret = base;
	return ERR_OK;
}

static enum err refused(const struct host_enclave *e, int result, const char *what,
			struct err_ctx *err)
{
	struct err_ctx why = {0};

	e->backend->why(e->fd, &why);
	if (why.code)
		return err_set_errno(err, ERR_IO, -result, "%s: %s", what, why.text);
	return err_set_errno(err, ERR_IO, -result, "%s was refused", what);
}

static enum err create(const struct host_enclave *e, const struct image *image, void *page,
		       struct err_ctx *err)
{
	struct abi_ioc_create arg = {.src = (uint64_t)page};
	int r;

	image_secs(image, e->base, page);
	r = e->backend->request(e->fd, ABI_IOC_CREATE, &arg);
	return r ? refused(e, r, "creating the enclave", err) : ERR_OK;
}

static enum err add(const struct host_enclave *e, const struct image *image,
		    const struct abi_segment *s, uint8_t *buffer, const uint8_t *zeros,
		    struct err_ctx *err)
{
	struct abi_secinfo secinfo = {.flags = s->secinfo};

	for (uint64_t at = 0; at < s->page_count;) {
		uint64_t n = s->page_count - at < CHUNK_PAGES ? s->page_count - at : CHUNK_PAGES;
		struct abi_ioc_add_pages arg = {
			.src = (uint64_t)buffer,
			.offset = s->offset + at * ABI_PAGE,
			.length = n * ABI_PAGE,
			.secinfo = (uint64_t)&secinfo,
			.flags = s->flags,
		};

		if (at * ABI_PAGE >= s->file_size)
			arg.src = (uint64_t)zeros;
		else
			for (uint64_t i = 0; i < n; i++)
				image_read_page(image, s, at + i, buffer + i * ABI_PAGE);
		while (arg.length) {
			int r;

			arg.count = 0;
			r = e->backend->request(e->fd, ABI_IOC_ADD_PAGES, &arg);
			if (arg.count > arg.length || (r && r != -EINTR) || (!r && !arg.count))
				return refused(e, r ? r : -EIO, "adding pages to the enclave", err);
			arg.src += arg.count;
			arg.offset += arg.count;
			arg.length -= arg.count;
		}
		at += n;
	}
	return ERR_OK;
}

static enum err init(const struct host_enclave *e, const struct image *image, void *page,
		     struct err_ctx *err)
{
	struct abi_ioc_init arg = {.sigstruct = (uint64_t)page};
	struct err_ctx why = {0};
	int r;

	memset(page, 0, ABI_PAGE);
	memcpy(page, &image->header->sigstruct, sizeof(image->header->sigstruct));
	r = e->backend->request(e->fd, ABI_IOC_INIT, &arg);
	if (!r)
		return ERR_OK;
	/* the same checks in software have more to say than an errno */
	if (image_verify(image, &why))
		return err_set(err, why.code, "%s", why.text);
	return refused(e, r, "initializing the enclave", err);
}

static enum err map(const struct host_enclave *e, const struct image *image, struct err_ctx *err)
{
	for (uint32_t i = 0; i < image->header->segment_count; i++) {
		const struct abi_segment *s = &image->segments[i];
		/* PROT_* are the same bits as SECINFO's permissions */
		int prot = s->kind == ABI_SEGMENT_TCS ? PROT_READ | PROT_WRITE
						      : (int)(s->secinfo & ABI_SECINFO_PERMISSIONS);
		int r = e->backend->map(e->fd, (void *)(e->base + s->offset),
					s->page_count * ABI_PAGE, prot);

		if (r)
			return err_set_errno(err, r == -EACCES ? ERR_PERM : ERR_IO, -r,
					     "mapping the enclave's segment '%s'%s", s->name,
					     r == -EACCES ? " (is /dev mounted noexec?)" : "");
	}
	return ERR_OK;
}

static enum err list_threads(struct host_enclave *e, const struct image *image, struct err_ctx *err)
{
	e->tcs = calloc(image->header->thread_count, sizeof(*e->tcs));
	if (!e->tcs)
		return err_set(err, ERR_NOMEM, "no memory for %u threads",
			       image->header->thread_count);
	for (uint32_t i = 0; i < image->header->segment_count; i++) {
		const struct abi_segment *s = &image->segments[i];

		for (uint64_t k = 0; s->kind == ABI_SEGMENT_TCS && k < s->page_count; k++)
			e->tcs[e->thread_count++] = e->base + s->offset + k * ABI_PAGE;
	}
	return ERR_OK;
}

enum err host_load(const struct backend *backend, const struct image *image,
		   struct host_enclave *ret, struct err_ctx *err)
{
	struct host_enclave e = {.backend = backend, .size = image->header->size};
	/* the second half is never written: the zeros of a heap */
	uint8_t *buffer = mmap(NULL, 2 * CHUNK_PAGES * ABI_PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	enum err code;

	if (buffer == MAP_FAILED)
		return err_set_errno(err, ERR_NOMEM, errno, "no memory to load an enclave");
	e.fd = backend->open();
	if (e.fd < 0) {
		munmap(buffer, 2 * CHUNK_PAGES * ABI_PAGE);
		return err_set_errno(err, ERR_IO, -e.fd, "%s: no new enclave", backend->name);
	}
	code = reserve(e.size, &e.base, err);
	if (!code)
		code = create(&e, image, buffer, err);
	for (uint32_t i = 0; !code && i < image->header->segment_count; i++)
		code = add(&e, image, &image->segments[i], buffer, buffer + CHUNK_PAGES * ABI_PAGE, err);
	if (!code)
		code = init(&e, image, buffer, err);
	if (!code)
		code = map(&e, image, err);
	if (!code)
		code = list_threads(&e, image, err);
	munmap(buffer, 2 * CHUNK_PAGES * ABI_PAGE);
	if (code) {
		host_unload(&e);
		return code;
	}
	*ret = e;
	return ERR_OK;
}

void host_unload(struct host_enclave *e)
{
	if (e->base)
		e->backend->unmap((void *)e->base, e->size);
	e->backend->close(e->fd);
	free(e->tcs);
	memset(e, 0, sizeof(*e));
}
