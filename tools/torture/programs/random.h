/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers that follow from a seed. */
#ifndef _HTW_TORTURE_RANDOM_H
#define _HTW_TORTURE_RANDOM_H

#include <stdint.h>

/* splitmix64: any state will do. */
static inline uint32_t draw(uint64_t *state, uint32_t below)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (uint32_t)((z >> 32) % below);
}

#endif /* _HTW_TORTURE_RANDOM_H */
