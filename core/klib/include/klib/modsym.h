/* SPDX-License-Identifier: MIT */
/* Symbols of loaded modules, out of the modules' own tables (kernel/module/kallsyms.c). */
#ifndef SCW_KLIB_MODSYM_H
#define SCW_KLIB_MODSYM_H

#include "klib/types_base.h"

enum {
	KSYM_SIZE = 512, /* the longest name with its NUL (KSYM_NAME_LEN since 6.1) */
	MODULE_NAME_SIZE = 57,
};

/*
 * Name of the module's symbol that begins at `at`, and of the module (may be NULL). False when there
 * is none.
 */
bool modsym_name(uint64_t at, char name[KSYM_SIZE], char module[MODULE_NAME_SIZE]);

/* Is a module of this name loaded, and not on its way in or out? */
bool modsym_loaded(const char *module);
/* Address of its symbol `name`; 0 when there is none. */
uint64_t modsym_address(const char *module, const char *name);

#endif
