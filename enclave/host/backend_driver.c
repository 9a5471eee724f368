// SPDX-License-Identifier: MIT
/*
 * Linux's SGX driver. The entry function is looked up in the vDSO as the kernel's
 * Documentation/ABI/stable/vdso says: a shared object at AT_SYSINFO_EHDR.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/backend.h"

static int driver_open(void)
{
	int fd = open(ABI_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int driver_request(int fd, unsigned int request, void *arg)
{
	return ioctl(fd, request, arg) ? -errno : 0;
}

static int driver_map(int fd, void *addr, size_t size, int prot)
{
	void *p = mmap(addr, size, prot, MAP_SHARED | MAP_FIXED, fd, 0);

	return p == MAP_FAILED ? -errno : 0;
}

static int driver_protect(void *addr, size_t size, int prot)
{
	return mprotect(addr, size, prot) ? -errno : 0;
}

static int driver_unmap(void *addr, size_t size)
{
	return munmap(addr, size) ? -errno : 0;
}

static void driver_close(int fd)
{
	close(fd);
}

static void driver_why(int fd, struct err_ctx *err)
{
	/* the kernel tells no more than an errno */
	(void)fd;
	(void)err;
}

/* The vDSO is the kernel's own: its contents are trusted as its system calls are. */
static abi_enter find_entry(void)
{
	const char *base = (const char *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *ehdr = (const void *)base;
	const Elf64_Phdr *phdr;
	const Elf64_Dyn *dyn = NULL;
	const Elf64_Sym *symbols = NULL;
	const Elf64_Word *hash = NULL;
	const char *strings = NULL;

	if (!base)
		return NULL;
	phdr = (const void *)(base + ehdr->e_phoff);
	for (int i = 0; i < ehdr->e_phnum; i++)
		if (phdr[i].p_type == PT_DYNAMIC)
			dyn = (const void *)(base + phdr[i].p_offset);
	for (; dyn && dyn->d_tag != DT_NULL; dyn++) {
		if (dyn->d_tag == DT_SYMTAB)
			symbols = (const void *)(base + dyn->d_un.d_ptr);
		if (dyn->d_tag == DT_STRTAB)
			strings = base + dyn->d_un.d_ptr;
		if (dyn->d_tag == DT_HASH)
			hash = (const void *)(base + dyn->d_un.d_ptr);
	}
	if (!symbols || !strings || !hash)
		return NULL;
	for (Elf64_Word i = 0; i < hash[1]; i++)
		if (strcmp(strings + symbols[i].st_name, ABI_VDSO_SYMBOL) == 0)
			return (abi_enter)(base + symbols[i].st_value);
	return NULL;
}

enum err backend_driver(const struct backend **ret, struct err_ctx *err)
{
	static struct backend driver = {
		.name = "Intel SGX by " ABI_DEVICE,
		.protects = true,
		.open = driver_open,
		.request = driver_request,
		.map = driver_map,
		.protect = driver_protect,
		.unmap = driver_unmap,
		.close = driver_close,
		.set_action = sigaction,
		.why = driver_why,
	};
	int fd = driver_open();

	if (fd == -EACCES || fd == -EPERM)
		return err_set_errno(err, ERR_PERM, -fd,
				     ABI_DEVICE " can't be opened: join the group that owns it");
	if (fd < 0)
		return err_set_errno(err, ERR_ABSENT, -fd,
				     "no SGX here: " ABI_DEVICE " can't be opened");
	close(fd);
	driver.enter = find_entry();
	if (!driver.enter)
		return err_set(err, ERR_ABSENT,
			       "the kernel's vDSO has no " ABI_VDSO_SYMBOL ": Linux 5.11 or later "
			       "is needed");
	*ret = &driver;
	return ERR_OK;
}
