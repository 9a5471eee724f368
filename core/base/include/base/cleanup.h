/* SPDX-License-Identifier: MIT */
/*
 * Ownership by declaration: BASE_CLEANUP_DEFINE(x_destroy, struct x *) makes the function that
 * `BASE_CLEANUP(x_destroy) struct x *p = NULL;` calls at the end of the scope; base_take(&p) hands
 * the object over, so that nothing is destroyed.
 */
#ifndef SCW_BASE_CLEANUP_H
#define SCW_BASE_CLEANUP_H

#include <stddef.h>

#define BASE_CLEANUP_DEFINE(destroy, type)                                                         \
	static inline void destroy##_cleanup(type *p)                                              \
	{                                                                                          \
		if (*p)                                                                            \
			destroy(*p);                                                               \
	}                                                                                          \
	_Static_assert(sizeof(type) == sizeof(void *), "cleanup is for pointers")

#define BASE_CLEANUP(destroy) __attribute__((cleanup(destroy##_cleanup)))

/* The value of *p, which becomes NULL: the caller owns it from here. */
#define base_take(p)                                                                               \
	__extension__({                                                                            \
		__auto_type base_take_p_ = (p);                                                    \
		__auto_type base_take_v_ = *base_take_p_;                                          \
		*base_take_p_ = NULL;                                                              \
		base_take_v_;                                                                      \
	})

#endif
