/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters of a base.
 *
 * They are always on, so they have to cost next to nothing: one increment, of a
 * word that is protected by the base's lock, which whoever counts holds anyway.
 * What can be computed from others is not counted.
 */
#ifndef _HTW_STATS_H
#define _HTW_STATS_H

#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/types.h>

struct htw_base;
struct list_head;

/* To compare with: without HTW_STATS nothing is counted, nor is there a file. */
#ifdef HTW_NO_STATS
#define HTW_COUNTS	0
#else
#define HTW_COUNTS	1
#endif

/* One for lateness 0, and one for each bit that can be its highest. */
#define HTW_BUCKETS	65

/* Of those, the one of numbers below zero: no timer may ever be in it. */
#define HTW_BUCKET_EARLY	64

/**
 * struct htw_stats - what has happened on a base, counted since htw was loaded
 * @inserts: armings that put a timer into the wheel
 * @moves: re-armings that moved it within the wheel
 * @pushes: lazy re-armings: later, by one store
 * @cancels: armings that were cancelled
 * @migrations: pending timers that were armed here and came from another base;
 *	also in @inserts
 * @drained: pending timers that came from a CPU that went away
 * @kicks: IPIs that had this CPU program its hrtimer
 * @needless: runs of the hrtimer in which nothing expired
 * @longest_hold: most timers that were moved and expired under one hold of the lock
 * @lateness: expiries, by the highest bit of their lateness in ns: all expiries are
 *	the sum of these
 */
struct htw_stats {
	u64	inserts;
	u64	moves;
	u64	pushes;
	u64	cancels;
	u64	migrations;
	u64	drained;
	u64	kicks;
	u64	needless;
	u64	longest_hold;
	u64	lateness[HTW_BUCKETS];
};

/**
 * struct htw_step - a step of a pass, from taking the lock to releasing it
 * @moves: htw_wheel::nr_moves at its beginning
 * @last: the last one of the wheel's expired nodes then
 */
struct htw_step {
	u64			moves;
	struct list_head	*last;
};

/**
 * struct htw_snapshot - a base at one moment
 * @online: as in &struct htw_base
 * @armed_ns: as in &struct htw_base
 * @next_ns: the wheel's next event; KTIME_MAX if there is none
 * @pending: timers in the wheel
 * @overflow: those of them that are beyond its top level
 * @cascade_moves: timers that a cascade has moved
 * @interrupts: runs of the hrtimer
 * @expiries: callbacks that have run
 * @stats: the counters
 */
struct htw_snapshot {
	bool			online;
	u64			armed_ns;
	u64			next_ns;
	u64			pending;
	u64			overflow;
	u64			cascade_moves;
	u64			interrupts;
	u64			expiries;
	struct htw_stats	stats;
};

/* Armings of timers that were not pending. */
static inline u64 htw_stats_arms(const struct htw_stats *stats)
{
	return stats->inserts - stats->migrations;
}

/* Re-armings for which one store did not do. */
static inline u64 htw_stats_rearms(const struct htw_stats *stats)
{
	return stats->moves + stats->migrations;
}

/* Count one: @counter is of a base whose lock is held. */
static __always_inline void htw_count(u64 *counter)
{
	if (HTW_COUNTS)
		(*counter)++;
}

static __always_inline void htw_count_expiry(struct htw_stats *stats,
					     u64 lateness)
{
	htw_count(&stats->lateness[fls64(lateness)]);
}

void htw_step_begin(const struct htw_base *base, struct htw_step *step);
void htw_step_end(struct htw_base *base, const struct htw_step *step);

bool htw_stats_read(unsigned int cpu, struct htw_snapshot *snap);

void htw_stats_init(void);
void htw_stats_exit(void);

#endif /* _HTW_STATS_H */
