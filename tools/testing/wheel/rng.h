/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WHEEL_TEST_RNG_H
#define _WHEEL_TEST_RNG_H

#include <linux/types.h>

struct rng {
	u64 state;
};

/* Splitmix64: one add and a mix, good for any seed. */
static inline u64 rng_next(struct rng *rng)
{
	u64 z = rng->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* A stream of its own for each round, so that one can be replayed alone. */
static inline struct rng rng_init(u64 seed, u64 stream)
{
	struct rng rng = { .state = seed };

	rng.state = rng_next(&rng) ^ stream;
	rng.state = rng_next(&rng);
	return rng;
}

/* From 0 to @limit - 1. */
static inline u64 rng_below(struct rng *rng, u64 limit)
{
	return rng_next(rng) % limit;
}

static inline bool rng_one_in(struct rng *rng, u64 n)
{
	return !rng_below(rng, n);
}

/* Any number of up to @bits bits, all magnitudes alike. */
static inline u64 rng_magnitude(struct rng *rng, unsigned int bits)
{
	unsigned int n = rng_below(rng, bits + 1);

	return n ? rng_next(rng) >> (64 - n) : 0;
}

#endif /* _WHEEL_TEST_RNG_H */
