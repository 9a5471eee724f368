/* SPDX-License-Identifier: MIT */
/*
 * What a program asks for in its first epoch, kept so that the next such program has it asked for at once, in one request.
 * Addresses only: wrong ones cost time and nothing else.
 */
#ifndef SCW_SEALED_ASKED_H
#define SCW_SEALED_ASKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel/message.h"
#include "guest/pages.h"

/* Items as they are on the wire, CHANNEL_ITEM_SIZE bytes each, in the caller's memory. */
struct sealed_asked {
	uint8_t *items;
	size_t count, max;
};

/*
 * Add what of a request (its plaintext) is the same next time. Of processes only addresses of the kernel's are. And of
 * what was read ahead for one that was missed, what was looked at is told by sealed_pages_trail().
 */
void sealed_asked_note(struct sealed_asked *a, const void *request, size_t size);

/*
 * The request without what is among `kept`, as it has been asked for already; its first item stays, as it is one that is
 * missing. `ret` has room for all of it. Its size.
 */
size_t sealed_asked_leave_out(const struct sealed_asked *kept, const void *request, size_t size, uint8_t *ret);

/*
 * Add `more` to what is kept, in the order in which an answer is of use: single ranges first, those that were missed
 * before all others, since they were needed before what was there had come; then lists, which are used while they
 * come, as they were asked for. False when there is no room for all.
 */
bool sealed_asked_add(struct sealed_asked *kept, const struct sealed_asked *more);

/*
 * Put lines that were missed before all else, as far as there is room: a program needs them at once, while what a pass
 * over many tasks reads takes a while to come. Those of later epochs, too: when it is faster the next time, there is one.
 */
void sealed_asked_lines(struct sealed_asked *a, const struct guest_trail *t);

/*
 * The plaintext of request `number` for all of it: CHANNEL_REQUEST_MAX bytes are always enough, and the items may lie
 * where they come to. Its size.
 */
size_t sealed_asked_request(const struct sealed_asked *a, uint64_t number, uint8_t *ret);

#endif
