/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A wheel and its oracle, moved in lockstep. Each function does one operation on
 * both, and checks all that is promised of it: whoever calls them needs to choose
 * operations only.
 */
#ifndef _WHEEL_TEST_PAIR_H
#define _WHEEL_TEST_PAIR_H

#include "check.h"
#include "oracle.h"

/**
 * struct pair - a wheel and its oracle
 * @geo: the geometry of the wheel
 * @shape: what follows from it
 * @wheel: the wheel, in memory of exactly htw_wheel_size()
 * @oracle: the oracle
 * @nodes: the timers; the owner of a node is its index
 * @nr_nodes: how many
 * @ids: all ids, the pending ones first
 * @where: for each id its index in @ids
 * @promised: all that is due must be among the expired nodes
 * @unfinished: the last advance ran out of budget
 * @event: since it was last asked for and by what was armed since, somebody comes
 *	to look at the wheel at this tick at the latest
 * @given_up: nodes were taken, and the next event need not be exact any more
 * @nr_stale: the length of @stale_places
 * @excuses: how often a slot's first node was cancelled or pushed, or moved on
 *	ahead of time
 * @needless: wake-ups by pair_wake() at which nothing was due
 * @ahead: of those the ones that were for a slot with many nodes
 * @patience: work until the next full check of the inside
 * @stale: slots whose first node was cancelled or pushed, see next_exact
 * @stale_places: the same as a list
 */
struct pair {
	struct htw_geometry	geo;
	struct shape		shape;
	struct htw_wheel	*wheel;
	struct oracle		oracle;
	struct htw_node		*nodes;
	unsigned int		nr_nodes;
	unsigned int		*ids;
	unsigned int		*where;
	bool			promised;
	bool			unfinished;
	bool			given_up;
	unsigned int		nr_stale;
	u64			event;
	u64			excuses;
	u64			needless;
	u64			ahead;
	long			patience;
	/* Large, and so not cleared as a whole for each new wheel. */
	bool			stale[ALL_ROWS][ROW_SLOTS];
	struct place		stale_places[ALL_ROWS * ROW_SLOTS];
};

/* Frees what @pair held, and makes a new one. Zero-filled memory holds nothing. */
void pair_init(struct pair *pair, const struct htw_geometry *geo, u64 now,
	       unsigned int nr_nodes);
void pair_free(struct pair *pair);

void pair_arm(struct pair *pair, unsigned int id, u64 tick);
void pair_cancel(struct pair *pair, unsigned int id);
void pair_move(struct pair *pair, unsigned int id, u64 tick);
bool pair_push(struct pair *pair, unsigned int id, u64 tick);
bool pair_advance(struct pair *pair, u64 to, unsigned int budget);
/* Calls pair_advance() until it is done. */
void pair_finish(struct pair *pair, u64 to, unsigned int budget);
void pair_refresh(struct pair *pair, unsigned int budget);
/* Did it get to @to? */
bool pair_forward(struct pair *pair, u64 to, unsigned int budget);
/* The node's id, or -1. */
int pair_pop(struct pair *pair);
unsigned int pair_pop_all(struct pair *pair);
int pair_take(struct pair *pair);
/*
 * Advances from each next event to the one after it, at most @limit times, and
 * takes all that is due. Returns how many events there were.
 */
u64 pair_wake(struct pair *pair, u64 limit, unsigned int budget);
/* The next event, checked; false if there is none. */
bool pair_next(struct pair *pair, u64 *tick);
/* The checker, now. */
void pair_check(struct pair *pair);

static inline bool pair_pending(const struct pair *pair, unsigned int id)
{
	return pair->where[id] < pair->oracle.count;
}

static inline bool pair_in_slot(const struct pair *pair, unsigned int id)
{
	return node_in_slot(&pair->nodes[id]);
}

static inline u64 add_saturating(u64 a, u64 b)
{
	return a + b < a ? U64_MAX : a + b;
}

#endif /* _WHEEL_TEST_PAIR_H */
