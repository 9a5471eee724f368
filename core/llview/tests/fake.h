/* SPDX-License-Identifier: MIT */
/*
 * A guest that is ordinary memory of the test: guest addresses are host addresses, of the objects that
 * fake_object() gave. What its kernel tells of itself is a table; the functions of ktype/ktype.h that
 * the runtime calls are implemented over it, so this isn't linked with the real ones.
 */
#ifndef FAKE_H
#define FAKE_H

#include <stddef.h>
#include <stdint.h>

#include "guest/pages.h"
#include "ktype/ktype.h"

enum fake_kind { FAKE_SIZE, FAKE_SYMBOL, FAKE_ENUM };

struct ktype *fake_create(void);
void fake_destroy(struct ktype *k);

/* `size` zeroed bytes of guest memory, at pages of their own: the page before and after is a hole. */
void *fake_object(struct ktype *k, size_t size);

void fake_member(struct ktype *k, const char *type, const char *path, uint64_t bit, uint32_t width,
		 uint64_t size, int is_signed, int is_scalar);
void fake_value(struct ktype *k, enum fake_kind kind, const char *type, const char *name,
		uint64_t value);
void fake_set_kaslr(struct ktype *k, uint64_t kaslr);

/* The guest's memory. page() fails for what isn't an object; for all, once fake_fail() was called. */
struct guest_pages *fake_pages(struct ktype *k);
void fake_fail(struct ktype *k, enum err code);
/* From now on, until fake_pages(): reread() is there, and fails or does nothing. */
void fake_rereads(struct ktype *k);

/* From now on page() gives copies, made anew after each epoch. */
void fake_copy_pages(struct ktype *k);
/* From now on, until fake_pages(): object() is to be used instead. For guests made from then on. */
void fake_keep_nothing(struct ktype *k);
/*
 * From now on, until fake_pages(): part() is there, and gives of each line of a page either its first four words or its
 * last four, whichever are asked for; or, where that isn't enough, just the words that are. For guests made from then on.
 */
void fake_in_parts(struct ktype *k);
/* From now on, what isn't a copy lasts beyond epochs. */
void fake_lasting_pages(struct ktype *k);

void world_1(struct ktype *k);
void world_2(struct ktype *k);

#endif
