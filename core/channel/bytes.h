/* SPDX-License-Identifier: MIT */
/* Writing little-endian numbers, for the encoders. */
#ifndef SCW_CHANNEL_BYTES_H
#define SCW_CHANNEL_BYTES_H

#include <stdint.h>

static inline uint8_t *put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	return p + 2;
}

static inline uint8_t *put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
	return p + 4;
}

static inline uint8_t *put64(uint8_t *p, uint64_t v)
{
	return put32(put32(p, (uint32_t)v), (uint32_t)(v >> 32));
}

#endif
