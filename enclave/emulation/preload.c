// SPDX-License-Identifier: MIT
/*
 * The emulation for programs that know only the kernel's interface: LD_PRELOAD this library, and
 * they find /dev/sgx_enclave, and a vDSO with the entry function. SCW_EMULATION has the modes
 * (emulation_parse_modes()). What can't be supplied this way is CPUID leaf 12H: a program that asks
 * for it itself is told that there is no SGX.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "emu.h"

#define PUBLIC __attribute__((visibility("default")))

static struct {
	int (*open)(const char *, int, ...);
	int (*openat)(int, const char *, int, ...);
	int (*ioctl)(int, unsigned long, ...);
	int (*stat)(const char *, struct stat *);
} real;

/* Enough of a shared object for who looks the entry function up: one symbol. */
static struct {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr;
	Elf64_Dyn dynamic[4];
	Elf64_Word hash[5];
	Elf64_Sym symbols[2];
	char strings[64];
} vdso;

static void make_vdso(void)
{
	const char *base = (const char *)&vdso;

#define AT(field) ((uint64_t)((const char *)&vdso.field - base))
	vdso.ehdr = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = AT(phdr),
		.e_ehsize = sizeof(vdso.ehdr),
		.e_phentsize = sizeof(vdso.phdr),
		.e_phnum = 1,
	};
	vdso.phdr = (Elf64_Phdr){
		.p_type = PT_DYNAMIC, .p_offset = AT(dynamic), .p_filesz = sizeof(vdso.dynamic)};
	vdso.dynamic[0] = (Elf64_Dyn){DT_SYMTAB, {AT(symbols)}};
	vdso.dynamic[1] = (Elf64_Dyn){DT_STRTAB, {AT(strings)}};
	vdso.dynamic[2] = (Elf64_Dyn){DT_HASH, {AT(hash)}};
	/* one bucket, two symbols, the chain: bucket 0 holds symbol 1, which ends it */
	vdso.hash[0] = 1;
	vdso.hash[1] = 2;
	vdso.hash[2] = 1;
	strcpy(vdso.strings + 1, ABI_VDSO_SYMBOL);
	vdso.symbols[1] = (Elf64_Sym){
		.st_name = 1,
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		.st_shndx = 1,
		.st_value = (uint64_t)emulation_enter - (uint64_t)base,
	};
#undef AT
}

static void *find(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (!p) {
		fprintf(stderr, "scwatcher: the C library has no %s\n", name);
		abort();
	}
	return p;
}

/* Before main(), and before the first call of anything here that comes earlier. */
static void find_all(void)
{
	if (real.open)
		return;
	real.openat = find("openat");
	real.ioctl = find("ioctl");
	real.stat = find("stat");
	emu_real.mmap = find("mmap");
	emu_real.mprotect = find("mprotect");
	emu_real.munmap = find("munmap");
	emu_real.close = find("close");
	emu_real.sigaction = find("sigaction");
	emu_real.getauxval = find("getauxval");
	real.open = find("open");
}

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("SCW_EMULATION");
	struct err_ctx err = {0};
	unsigned int modes = 0;

	find_all();
	make_vdso();
	if (emulation_parse_modes(text ? text : "plain", &modes, &err) ||
	    emulation_prepare(modes, &err)) {
		fprintf(stderr, "scwatcher: %s\n", err.text);
		exit(1);
	}
	fputs("scwatcher: SGX is EMULATED here: it protects NOTHING\n", stderr);
}

static int result(int r)
{
	if (r >= 0)
		return r;
	errno = -r;
	return -1;
}

static bool is_device(const char *path)
{
	return path && strcmp(path, ABI_DEVICE) == 0;
}

#define TAKE_MODE(flags, mode)                                                                     \
	do {                                                                                       \
		va_list ap;                                                                        \
		va_start(ap, flags);                                                               \
		(mode) = (flags) & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;               \
		va_end(ap);                                                                        \
	} while (0)

PUBLIC int open(const char *path, int flags, ...)
{
	mode_t mode;

	TAKE_MODE(flags, mode);
	find_all();
	return is_device(path) ? result(emulation_open()) : real.open(path, flags, mode);
}

PUBLIC int openat(int folder, const char *path, int flags, ...)
{
	mode_t mode;

	TAKE_MODE(flags, mode);
	find_all();
	return is_device(path) ? result(emulation_open()) : real.openat(folder, path, flags, mode);
}

PUBLIC int stat(const char *path, struct stat *st)
{
	find_all();
	if (!is_device(path))
		return real.stat(path, st);
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFCHR | 0666;
	st->st_nlink = 1;
	st->st_rdev = makedev(10, 125);
	return 0;
}

PUBLIC int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	find_all();
	if (emulation_is_open(fd))
		return result(emulation_ioctl(fd, (unsigned int)request, arg));
	return real.ioctl(fd, request, arg);
}

PUBLIC void *mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset)
{
	find_all();
	if (fd >= 0 && emulation_is_open(fd))
		return emulation_mmap(addr, size, prot, flags, fd);
	return emu_real.mmap(addr, size, prot, flags, fd, offset);
}

PUBLIC int mprotect(void *addr, size_t size, int prot)
{
	int r;

	find_all();
	r = emulation_mprotect(addr, size, prot);
	return r == -ENOENT ? emu_real.mprotect(addr, size, prot) : result(r);
}

PUBLIC int munmap(void *addr, size_t size)
{
	int r;

	find_all();
	r = emulation_munmap(addr, size);
	return r == -ENOENT ? emu_real.munmap(addr, size) : result(r);
}

PUBLIC int close(int fd)
{
	find_all();
	return emulation_is_open(fd) ? result(emulation_close(fd)) : emu_real.close(fd);
}

PUBLIC int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	find_all();
	return emulation_sigaction(sig, act, old);
}

PUBLIC __sighandler_t signal(int sig, __sighandler_t handler)
{
	struct sigaction act = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;

	find_all();
	return emulation_sigaction(sig, &act, &old) ? SIG_ERR : old.sa_handler;
}

PUBLIC unsigned long getauxval(unsigned long type)
{
	find_all();
	return type == AT_SYSINFO_EHDR ? (unsigned long)&vdso : emu_real.getauxval(type);
}

/* The names that programs built with large files use. */
PUBLIC int open64(const char *path, int flags, ...) __attribute__((alias("open")));
PUBLIC int openat64(int folder, const char *path, int flags, ...) __attribute__((alias("openat")));
PUBLIC void *mmap64(void *addr, size_t size, int prot, int flags, int fd, off64_t offset)
	__attribute__((alias("mmap")));
