// SPDX-License-Identifier: MIT
/* Shared memory of a ring as a sealed memfd. */
#include "carrier/region.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE /* not in every C library: include/uapi/asm-generic/mman-common.h */
#define MADV_POPULATE_WRITE 23
#endif

enum {
	SIZE_SEALS = F_SEAL_SHRINK | F_SEAL_GROW,
	PAGE = 4096, /* or less than one */
};

void carrier_populate(void *at, size_t size)
{
	/* since Linux 5.14; cheaper than a fault for each page */
	if (!size || !madvise(at, size, MADV_POPULATE_WRITE))
		return;
	for (size_t i = 0; i < size; i += PAGE) {
		volatile char *byte = (char *)at + i;

		*byte = *byte;
	}
}

static enum err map(int fd, const struct channel_ring_sizes *sizes, bool whole,
		    struct carrier_region *ret, struct err_ctx *err)
{
	size_t size = channel_ring_region_size(sizes);
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | (whole ? MAP_POPULATE : 0), fd,
			0);

	if (at == MAP_FAILED)
		return err_set_errno(err, ERR_NOMEM, errno, "can't map a ring of %zu bytes", size);
	*ret = (struct carrier_region){.at = at, .size = size, .sizes = *sizes};
	return ERR_OK;
}

enum err carrier_region_create(const struct channel_ring_sizes *sizes, size_t ready,
			       struct carrier_region *ret, int *fd_ret, struct err_ctx *err)
{
	size_t size = channel_ring_region_size(sizes);
	enum err e;
	int fd;

	if (!size)
		return err_set(err, ERR_INVAL, "rings of %u and %u bytes", sizes->to_device,
			       sizes->to_client);
	fd = memfd_create("scwatcher-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "can't make shared memory");
	if (ftruncate(fd, (off_t)size) || fcntl(fd, F_ADD_SEALS, SIZE_SEALS | F_SEAL_SEAL)) {
		e = err_set_errno(err, ERR_IO, errno, "can't size %zu bytes of shared memory", size);
		close(fd);
		return e;
	}
	e = map(fd, sizes, false, ret, err);
	if (e) {
		close(fd);
		return e;
	}
	carrier_populate(ret->at, ready < size ? ready : size);
	*fd_ret = fd;
	return ERR_OK;
}

enum err carrier_region_map(int fd, const struct channel_ring_sizes *sizes, bool whole,
			    struct carrier_region *ret, struct err_ctx *err)
{
	size_t size = channel_ring_region_size(sizes);
	struct stat st;
	int seals;

	if (!size)
		return err_set(err, ERR_TAMPERED, "a ring of %u and %u bytes", sizes->to_device,
			       sizes->to_client);
	if (fstat(fd, &st))
		return err_set_errno(err, ERR_IO, errno, "can't look at the ring's memory");
	/* F_GET_SEALS is refused for what isn't a memfd. */
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & SIZE_SEALS) != SIZE_SEALS)
		return err_set(err, ERR_TAMPERED, "the ring's memory could change its size");
	if ((uint64_t)st.st_size != size)
		return err_set(err, ERR_TAMPERED, "the ring's memory has %lld bytes instead of %zu",
			       (long long)st.st_size, size);
	return map(fd, sizes, whole, ret, err);
}

void carrier_region_unmap(struct carrier_region *r)
{
	if (r->at)
		munmap(r->at, r->size);
	*r = (struct carrier_region){0};
}
