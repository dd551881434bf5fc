/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hierarchical timing wheel: a pure data structure, without lock, clock
 * or allocation. See wheel.c for how it works.
 */
#ifndef _HTW_WHEEL_H
#define _HTW_WHEEL_H

#include <linux/compiler.h>
#include <linux/htw_types.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/types.h>

#define HTW_MAX_LEVELS		8
#define HTW_MIN_SLOTS		2
#define HTW_MAX_SLOTS		256
#define HTW_MAX_TICK_SHIFT	40

/* One row per level and one per overflow band: never more than bits in u64. */
#define HTW_MAX_ROWS		64

/*
 * Rows for ticks that are round enough for their distance: see "What is never
 * cascaded". Slots of 32 ticks in the first, of 8 times as many in each further one,
 * up to a distance of 2^38 ticks.
 */
#define HTW_ROUND_ROWS		10
#define HTW_ROUND_SLOTS		64
#define HTW_ROUND_SHIFT		5
#define HTW_ROUND_BITS		3

/* A slot with more nodes than this is emptied ahead of time, in steps. */
#define HTW_SPARSE_SHIFT	6
#define HTW_SPARSE		(1 << HTW_SPARSE_SHIFT)

/* Moves ahead of time at one tick, but for slots that need more to be empty in time. */
#define HTW_AHEAD		256

/* Values of htw_node::row for a node that is in no slot. */
#define HTW_ROW_EXPIRED		0xfe
#define HTW_ROW_NONE		0xff

/**
 * struct htw_geometry - the shape of a wheel
 * @tick_shift: a tick is 1 << @tick_shift ns, at most HTW_MAX_TICK_SHIFT
 * @nr_levels: 1 to HTW_MAX_LEVELS
 * @slots: slots of each level, finest first; each a power of two from
 *	HTW_MIN_SLOTS to HTW_MAX_SLOTS
 * @round: have the rows for round ticks too: 20 KB
 */
struct htw_geometry {
	unsigned int	tick_shift;
	unsigned int	nr_levels;
	unsigned int	slots[HTW_MAX_LEVELS];
	bool		round;
};

/* Of the per-CPU wheels: every u64 of ns fits, in ticks of 131 us. */
#define HTW_DEFAULT_GEOMETRY {				\
	.tick_shift = 17,				\
	.nr_levels = 7,					\
	.slots = { 256, 256, 256, 64, 64, 64, 32 },	\
	.round = true,					\
}

/**
 * struct htw_slot - the nodes whose ticks agree down to the row's span
 * @head: the nodes, in order of insertion
 * @min: earliest tick inserted since the slot was last empty: exact until
 *	that node is cancelled or pushed later, then a lower bound
 * @nr: how many nodes
 */
struct htw_slot {
	struct list_head	head;
	u64			min;
	u32			nr;
};

/**
 * struct htw_row - one level, one overflow band, or one row for round ticks
 * @map: bitmap of the occupied slots
 * @first: index of the row's first slot in htw_wheel::slots
 * @mask: number of slots minus one: of a level they are twice those of the
 *	geometry, for this window and the next
 * @nr_occupied: bits set in @map
 * @shift: log2 of the ticks that one slot spans
 * @window: log2 of the ticks of one window
 */
struct htw_row {
	u64		map[2 * HTW_MAX_SLOTS / 64];
	u32		first;
	u16		mask;
	u16		nr_occupied;
	u8		shift;
	u8		window;
};

/**
 * struct htw_wheel - a hierarchical timing wheel
 * @now: the cursor: every slot that starts before it has been emptied
 * @target: the tick that the wheel was last told of; the cursor is behind it only
 *	while htw_wheel_collect() is unfinished
 * @occupied: bitmap of the levels and bands with at least one occupied slot
 * @round: the same of the rows for round ticks
 * @expired: due nodes in order of their ticks, waiting for htw_wheel_pop()
 * @nr_pending: nodes in slots and in @expired
 * @nr_overflow: those of them that are beyond the top level
 * @nr_moves: nodes that were moved from one slot to another since
 *	htw_wheel_init(), by cascades or because they had been pushed
 * @moves_before: @nr_moves when @target was set
 * @ahead: how many more nodes are to be moved ahead of time at @target
 * @nr_slots: slots of all rows together
 * @paced: @ahead is set for @target
 * @tick_shift: see struct htw_geometry
 * @nr_levels: see struct htw_geometry
 * @nr_rows: levels and overflow bands together
 * @nr_round: rows for round ticks
 * @row_of: the level or band that a tick belongs to, by the highest bit in which it
 *	differs from the cursor
 * @rows: the levels, finest first, then the bands; from HTW_MAX_ROWS on the rows
 *	for round ticks
 * @slots: the slots of all rows
 */
struct htw_wheel {
	u64			now;
	u64			target;
	u64			occupied;
	u64			round;
	struct list_head	expired;
	u64			nr_pending;
	u64			nr_overflow;
	u64			nr_moves;
	u64			moves_before;
	u32			ahead;
	u32			nr_slots;
	bool			paced;
	u8			tick_shift;
	u8			nr_levels;
	u8			nr_rows;
	u8			nr_round;
	u8			row_of[64];
	struct htw_row		rows[HTW_MAX_ROWS + HTW_ROUND_ROWS];
	struct htw_slot		slots[];
};

const char *htw_geometry_error(const struct htw_geometry *geo);
size_t htw_wheel_size(const struct htw_geometry *geo);
void htw_wheel_init(struct htw_wheel *wheel, const struct htw_geometry *geo,
		    u64 now);
u64 htw_wheel_capacity(const struct htw_wheel *wheel);

u64 htw_wheel_insert(struct htw_wheel *wheel, struct htw_node *node, u64 tick);
void htw_wheel_left(struct htw_wheel *wheel, struct htw_node *node);
u64 htw_wheel_move(struct htw_wheel *wheel, struct htw_node *node, u64 tick);

bool htw_wheel_next(const struct htw_wheel *wheel, u64 *tick);
bool htw_wheel_collect(struct htw_wheel *wheel, u64 to, unsigned int budget);
bool htw_wheel_refresh(struct htw_wheel *wheel, unsigned int budget);
void htw_wheel_forward(struct htw_wheel *wheel, u64 to, unsigned int budget);
struct htw_node *htw_wheel_pop(struct htw_wheel *wheel);
struct htw_node *htw_wheel_take(struct htw_wheel *wheel);
struct list_head *htw_wheel_list(struct htw_wheel *wheel, unsigned int nr);

u64 htw_best_tick(u64 earliest, u64 latest);

static inline void htw_node_init(struct htw_node *node)
{
	node->row = HTW_ROW_NONE;
}

static inline bool htw_node_pending(const struct htw_node *node)
{
	return node->row != HTW_ROW_NONE;
}

/* The first tick that is not before @ns: a timer never fires early. */
static inline u64 htw_tick_after(unsigned int tick_shift, u64 ns)
{
	u64 tick = ns >> tick_shift;

	return tick << tick_shift == ns ? tick : tick + 1;
}

/* The last tick that is not after @ns. */
static inline u64 htw_tick_before(unsigned int tick_shift, u64 ns)
{
	return ns >> tick_shift;
}

/**
 * htw_wheel_due() - the tick at which an arming for @tick will really fire
 * @wheel: the wheel
 * @tick: the tick asked for
 *
 * What is due already comes with the first tick after the one that the wheel
 * was told to advance to, never in the pass that may be running right now: a
 * callback that re-arms its timer without a delay does not keep the pass going.
 *
 * Return: @tick, or the first tick that is still to come.
 */
static inline u64 htw_wheel_due(const struct htw_wheel *wheel, u64 tick)
{
	if (tick > wheel->target)
		return tick;
	return wheel->target + (wheel->target != U64_MAX);
}

/**
 * htw_wheel_push() - the fast path of re-arming: later, by one store
 * @node: a node that may be pending
 * @tick: the new tick, from htw_wheel_due()
 *
 * A node may always be due later than the slot that it sits in: the slot's
 * drain finds the new tick and puts the node where it belongs.
 *
 * Return: false, and nothing has changed, if @node sits in no slot or if
 * @tick is earlier than its present one.
 */
static inline bool htw_wheel_push(struct htw_node *node, u64 tick)
{
	if (node->row >= HTW_ROW_EXPIRED || tick < node->tick)
		return false;
	node->tick = tick;
	return true;
}

/* Takes @node off the slot or the list of expired nodes that it is in. */
static inline void htw_wheel_unlink(struct htw_wheel *wheel,
				    struct htw_node *node)
{
	struct htw_slot *slot = &wheel->slots[node->slot];

	__list_del_entry(&node->entry);
	if (likely(node->row < wheel->nr_levels && slot->nr > 1))
		slot->nr--;
	else
		htw_wheel_left(wheel, node);
}

/**
 * htw_wheel_remove() - cancel: take a node out of the wheel
 * @wheel: the wheel
 * @node: a node that is pending: in a slot, or expired and not yet popped
 */
static inline void htw_wheel_remove(struct htw_wheel *wheel,
				    struct htw_node *node)
{
	htw_wheel_unlink(wheel, node);
	node->row = HTW_ROW_NONE;
	wheel->nr_pending--;
}

#endif /* _HTW_WHEEL_H */
