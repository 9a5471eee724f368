/* SPDX-License-Identifier: MIT */
/*
 * Asking the guest's code. Whether a kernel prints a line, or how it computes a number, often
 * leaves no trace in types and symbols (a build option, a fix that distributors took early); but
 * the function's own instructions hold the addresses of what it prints, calls and reads.
 */
#ifndef SCW_KLIB_TEXT_H
#define SCW_KLIB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Do the `size` bytes of code at `code` hold `target`, absolute (32 bits, sign-extended) or
 * relative to the instruction's end? The caller bounds what it looks at: a function's neighbours
 * may be included if they don't use `target`.
 */
bool klib_text_refers(uint64_t code, uint32_t size, uint64_t target);

/* Do they hold these bytes? */
bool klib_text_has_bytes(uint64_t code, uint32_t size, const void *bytes, uint32_t count);

/*
 * The address of these bytes in the kernel's read-only data, if the code holds it: the first such; 0
 * when there is none.
 */
uint64_t klib_text_find(uint64_t code, uint32_t size, const void *bytes, size_t count);

/* Do they hold the address of exactly this string, in the kernel's read-only data? */
bool klib_text_has_string(uint64_t code, uint32_t size, const char *string);

#endif
