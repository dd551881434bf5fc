/* SPDX-License-Identifier: GPL-2.0 */
/* What all parts of the torture share. */
#ifndef _HTW_TORTURE_H
#define _HTW_TORTURE_H

#include <linux/prandom.h>
#include <linux/types.h>

/**
 * struct torture - what the parameters say
 * @seed: all random numbers follow from it
 * @late_ns: how much longer than others a callback may take, see torture_bound()
 * @tick_ns: a tick of htw's wheels
 * @onoff_ms: how often a CPU goes or comes; 0: none does
 * @nr_subjects: timers that everybody knows
 * @nr_threads: that do something to them
 */
struct torture {
	unsigned long	seed;
	u64		late_ns;
	u64		tick_ns;
	unsigned int	onoff_ms;
	unsigned int	nr_subjects;
	unsigned int	nr_threads;
};

extern struct torture torture;

u64 torture_bound(void);

/* From where something is done to a timer, and so what may be done. */
enum place {
	PLACE_TASK,
	PLACE_SOFTIRQ,		/* but no callback */
	PLACE_CALLBACK,
	PLACE_HARDIRQ,
};

/* The numbers of whoever has this number: two of them differ. */
static inline void draw_init(struct rnd_state *rnd, u64 number)
{
	prandom_seed_state(rnd, torture.seed + number * 0x9e3779b97f4a7c15ULL);
}

/* From 0 to @below - 1. */
static inline u32 draw(struct rnd_state *rnd, u32 below)
{
	return prandom_u32_state(rnd) % below;
}

#endif /* _HTW_TORTURE_H */
