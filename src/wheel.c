// SPDX-License-Identifier: GPL-2.0
/*
 * The hierarchical timing wheel.
 *
 * Nothing here knows of a lock, a clock or an allocator: whoever owns a wheel
 * serialises all calls on it, tells it the time and gives it its memory. The
 * same file is built into the module, into its KUnit suites, and into a program
 * that runs it under sanitizers beside a simple model.
 *
 * Where a timer sits
 * ------------------
 *
 * A wheel counts ticks. The bits of a tick are cut into groups, one per level:
 * with levels of 256, 64 and 4 slots
 *
 *	 bit 63            15  14  13      8   7        0
 *	+------------------+-------+----------+----------+
 *	|  overflow bands  | lvl 2 |  lvl 1   | level 0  |
 *	+------------------+-------+----------+----------+
 *
 * A timer belongs to the level that holds the highest bit in which its tick
 * differs from the cursor, and there to the slot which that group of its bits
 * names. So all timers of a level agree with the cursor in all bits above it
 * (they lie in the level's current window), a level has no slot that is both
 * used and past, and everything in a finer level is due before anything in a
 * coarser one. The next event is found by one bit search over the levels and
 * one over the slots of the first level that holds anything.
 *
 * Beyond the top level is the overflow. It is cut the same way, into one band
 * for each bit that is left. A band is a level of two slots, of which only the
 * second is ever used, so that no code below treats it apart: a timer moves
 * into the levels when the cursor enters the window that it lies in, after as
 * many moves at most as there are bits, however many timers wait there.
 *
 * How time passes
 * ---------------
 *
 * htw_wheel_collect() goes from one occupied slot to the next, never through
 * the empty ones. When the cursor comes to the start of a slot, that slot is
 * drained: nodes that are due move to the list of expired ones, the others are
 * inserted again by what remains, and so land in a finer level (a cascade). The
 * drain looks at no more nodes than its budget; what it leaves stays in the slot,
 * can be cancelled or moved like anything else, and is where the next call goes
 * on (htw_wheel::draining), before anything that is due later.
 *
 * What a node's slot says
 * -----------------------
 *
 * A node's tick is never before the start of its slot, but may be after its
 * end: making a timer later only stores the new tick (htw_wheel_push()). This is
 * what most timers do all their life. The drain, which compares every node's
 * tick with the cursor anyway, puts it right.
 *
 * htw_slot::min tells when somebody has to look at a slot. To wake up at the
 * start of each slot would be of no use to a timer that is due at its end: an
 * advance that comes later drains all slots on its way, in order.
 */
#include "wheel.h"

#include <linux/bitops.h>

/**
 * htw_geometry_error() - check a geometry
 * @geo: the geometry
 *
 * Return: NULL if a wheel can have this geometry, else what is wrong with it,
 * in words.
 */
const char *htw_geometry_error(const struct htw_geometry *geo)
{
	unsigned int i, slots;

	if (geo->tick_shift > HTW_MAX_TICK_SHIFT)
		return "the tick is longer than 2^40 ns";
	if (geo->nr_levels < 1 || geo->nr_levels > HTW_MAX_LEVELS)
		return "the number of levels is not from 1 to 8";
	for (i = 0; i < geo->nr_levels; i++) {
		slots = geo->slots[i];
		if (slots < HTW_MIN_SLOTS || slots > HTW_MAX_SLOTS)
			return "the slots of a level are not from 2 to 256";
		if (slots & (slots - 1))
			return "the slots of a level are not a power of two";
	}
	return NULL;
}

/* Levels first, and then bands of one bit each up to the last bit of a u64. */
static unsigned int row_slots(const struct htw_geometry *geo, unsigned int row)
{
	return row < geo->nr_levels ? geo->slots[row] : 2;
}

/**
 * htw_wheel_size() - the memory that a wheel needs
 * @geo: a geometry in which htw_geometry_error() finds nothing wrong
 *
 * Return: the size in bytes.
 */
size_t htw_wheel_size(const struct htw_geometry *geo)
{
	unsigned int row, shift = 0, slots = 0;

	for (row = 0; shift < 64; row++) {
		slots += row_slots(geo, row);
		shift += fls64(row_slots(geo, row) - 1);
	}
	return sizeof(struct htw_wheel) + slots * sizeof(struct htw_slot);
}

static void row_init(struct htw_wheel *wheel, unsigned int nr_slots,
		     unsigned int shift, u32 first)
{
	struct htw_row *row = &wheel->rows[wheel->nr_rows];
	unsigned int bits = fls64(nr_slots - 1);
	unsigned int i;

	for (i = 0; i < HTW_MAX_SLOTS / 64; i++)
		row->map[i] = 0;
	row->first = first;
	row->shift = shift;
	row->mask = nr_slots - 1;
	row->window = shift + bits < 64 ? U64_MAX << (shift + bits) : 0;

	for (i = shift; i < shift + bits; i++)
		wheel->row_of[i] = wheel->nr_rows;
	for (i = first; i < first + nr_slots; i++) {
		INIT_LIST_HEAD(&wheel->slots[i].head);
		wheel->slots[i].min = U64_MAX;
	}
	wheel->nr_rows++;
}

/**
 * htw_wheel_init() - make an empty wheel
 * @wheel: htw_wheel_size() bytes of memory
 * @geo: a geometry in which htw_geometry_error() finds nothing wrong
 * @now: the current tick
 */
void htw_wheel_init(struct htw_wheel *wheel, const struct htw_geometry *geo,
		    u64 now)
{
	unsigned int nr_slots, shift = 0;
	u32 first = 0;

	wheel->now = now;
	wheel->target = now;
	wheel->occupied = 0;
	wheel->draining = NULL;
	INIT_LIST_HEAD(&wheel->expired);
	wheel->nr_pending = 0;
	wheel->nr_overflow = 0;
	wheel->nr_moves = 0;
	wheel->tick_shift = geo->tick_shift;
	wheel->nr_levels = geo->nr_levels;
	wheel->nr_rows = 0;

	while (shift < 64) {
		nr_slots = row_slots(geo, wheel->nr_rows);
		row_init(wheel, nr_slots, shift, first);
		first += nr_slots;
		shift += fls64(nr_slots - 1);
	}
}

/**
 * htw_wheel_capacity() - how many ticks the levels span together
 * @wheel: the wheel
 *
 * A timer further away than this waits in the overflow, and so does a nearer
 * one as long as the end of the top level's current window lies before it.
 *
 * Return: the product of the levels' slots; U64_MAX if that is more than a u64.
 */
u64 htw_wheel_capacity(const struct htw_wheel *wheel)
{
	const struct htw_row *top = &wheel->rows[wheel->nr_levels - 1];

	return top->window ? ~top->window + 1 : U64_MAX;
}

static void link_node(struct htw_wheel *wheel, struct htw_node *node, u64 tick)
{
	/* The lowest bit is set so that a node due at the cursor is in row 0. */
	u64 differs = (tick ^ wheel->now) | 1;
	u8 nr = wheel->row_of[fls64(differs) - 1];
	struct htw_row *row = &wheel->rows[nr];
	u8 index = (tick >> row->shift) & row->mask;
	struct htw_slot *slot = &wheel->slots[row->first + index];

	node->tick = tick;
	node->row = nr;
	node->slot = index;
	list_add_tail(&node->entry, &slot->head);
	if (tick < slot->min)
		slot->min = tick;
	row->map[index / 64] |= 1ULL << (index % 64);
	wheel->occupied |= 1ULL << nr;
	wheel->nr_overflow += nr >= wheel->nr_levels;
}

static void slot_emptied(struct htw_wheel *wheel, u8 nr, u8 index)
{
	struct htw_row *row = &wheel->rows[nr];
	struct htw_slot *slot = &wheel->slots[row->first + index];
	u64 left = 0;
	unsigned int i;

	slot->min = U64_MAX;
	if (wheel->draining == slot)
		wheel->draining = NULL;
	row->map[index / 64] &= ~(1ULL << (index % 64));
	for (i = 0; i < HTW_MAX_SLOTS / 64; i++)
		left |= row->map[i];
	if (!left)
		wheel->occupied &= ~(1ULL << nr);
}

/* Takes @node off the slot or the list of expired nodes that it is in. */
static void unlink_node(struct htw_wheel *wheel, struct htw_node *node)
{
	struct htw_slot *slot;

	list_del(&node->entry);
	if (node->row == HTW_ROW_EXPIRED)
		return;

	wheel->nr_overflow -= node->row >= wheel->nr_levels;
	slot = &wheel->slots[wheel->rows[node->row].first + node->slot];
	if (list_empty(&slot->head))
		slot_emptied(wheel, node->row, node->slot);
}

/**
 * htw_wheel_insert() - arm: put a node into the wheel
 * @wheel: the wheel
 * @node: a node that is not pending
 * @tick: when it is due; what is past already is due with the next tick
 */
void htw_wheel_insert(struct htw_wheel *wheel, struct htw_node *node, u64 tick)
{
	link_node(wheel, node, htw_wheel_due(wheel, tick));
	wheel->nr_pending++;
}

/**
 * htw_wheel_remove() - cancel: take a node out of the wheel
 * @wheel: the wheel
 * @node: a node that is pending: in a slot, or expired and not yet popped
 */
void htw_wheel_remove(struct htw_wheel *wheel, struct htw_node *node)
{
	unlink_node(wheel, node);
	node->row = HTW_ROW_NONE;
	wheel->nr_pending--;
}

static u64 slot_start(const struct htw_wheel *wheel, const struct htw_row *row,
		      u8 index)
{
	return (wheel->now & row->window) | (u64)index << row->shift;
}

/*
 * The part of re-arming that needs no list work beyond htw_wheel_push(): any
 * tick that is not before the slot's start will do. An earlier tick than all
 * others in the slot has to be seen by htw_wheel_next().
 */
static bool move_within_slot(struct htw_wheel *wheel, struct htw_node *node,
			     u64 tick)
{
	struct htw_row *row;
	struct htw_slot *slot;

	if (node->row == HTW_ROW_EXPIRED)
		return false;
	row = &wheel->rows[node->row];
	if (tick < slot_start(wheel, row, node->slot))
		return false;

	node->tick = tick;
	slot = &wheel->slots[row->first + node->slot];
	if (tick < slot->min)
		slot->min = tick;
	return true;
}

/**
 * htw_wheel_move() - re-arm: make a pending node due at another tick
 * @wheel: the wheel
 * @node: a node that is pending
 * @tick: when it is due; what is past already is due with the next tick
 */
void htw_wheel_move(struct htw_wheel *wheel, struct htw_node *node, u64 tick)
{
	tick = htw_wheel_due(wheel, tick);
	if (htw_wheel_push(node, tick) || move_within_slot(wheel, node, tick))
		return;
	unlink_node(wheel, node);
	link_node(wheel, node, tick);
}

static unsigned int first_slot(const struct htw_row *row)
{
	unsigned int i = 0;

	while (!row->map[i])
		i++;
	return i * 64 + __ffs64(row->map[i]);
}

/*
 * The occupied slot that starts first, and where it starts. One whose drain ran
 * out of budget comes before all others: its nodes may be due before anything
 * that has meanwhile been put into a finer level.
 */
static struct htw_slot *next_slot(const struct htw_wheel *wheel, u64 *start)
{
	const struct htw_row *row;
	unsigned int index;

	if (wheel->draining) {
		*start = wheel->now;
		return wheel->draining;
	}
	if (!wheel->occupied)
		return NULL;

	row = &wheel->rows[__ffs64(wheel->occupied)];
	index = first_slot(row);
	*start = slot_start(wheel, row, index);
	return (struct htw_slot *)&wheel->slots[row->first + index];
}

/**
 * htw_wheel_next() - when somebody has to look at the wheel again
 * @wheel: the wheel
 * @tick: set to the next event; it is not after htw_wheel::target if an advance
 *	is unfinished or if expired nodes wait to be popped
 *
 * Exact for timers left alone. A cancelled or pushed timer that was the first of
 * its slot can leave an event behind at which nothing is due, one per slot, unless
 * htw_wheel_refresh() finds it first.
 *
 * Return: false if the wheel is empty.
 */
bool htw_wheel_next(const struct htw_wheel *wheel, u64 *tick)
{
	const struct htw_slot *slot;
	u64 start;

	*tick = wheel->now;
	if (!list_empty(&wheel->expired))
		return true;
	slot = next_slot(wheel, &start);
	if (!slot)
		return false;
	if (start > wheel->target)
		*tick = slot->min;
	return true;
}

/*
 * With the cursor at the start of @slot: expire what is due, cascade the rest.
 * Nothing is put back into @slot, because no tick at or after the cursor differs
 * from it in the bits that name this slot, unless it belongs to another one.
 */
static unsigned int drain(struct htw_wheel *wheel, struct htw_slot *slot,
			  unsigned int budget)
{
	struct htw_node *node;

	while (budget && !list_empty(&slot->head)) {
		node = list_first_entry(&slot->head, struct htw_node, entry);
		unlink_node(wheel, node);
		if (node->tick <= wheel->now) {
			node->row = HTW_ROW_EXPIRED;
			list_add_tail(&node->entry, &wheel->expired);
		} else {
			link_node(wheel, node, node->tick);
			wheel->nr_moves++;
		}
		budget--;
	}
	return budget;
}

/**
 * htw_wheel_collect() - let time pass, and collect what becomes due
 * @wheel: the wheel
 * @to: the tick that has come; earlier than before counts as the same again
 * @budget: how many nodes may be touched
 *
 * Expired nodes are appended in order of their ticks to the list that
 * htw_wheel_pop() takes from. They stay pending until then.
 *
 * Return: true if all is done; false if the budget ended first, and then another
 * call goes on. In between the wheel can be used like at any other time.
 */
bool htw_wheel_collect(struct htw_wheel *wheel, u64 to, unsigned int budget)
{
	struct htw_slot *slot;
	u64 start;

	if (to > wheel->target)
		wheel->target = to;

	while ((slot = next_slot(wheel, &start)) && start <= wheel->target) {
		wheel->now = start;
		budget = drain(wheel, slot, budget);
		if (!list_empty(&slot->head)) {
			wheel->draining = slot;
			return false;
		}
	}
	wheel->now = wheel->target;
	return true;
}

/*
 * Sets htw_slot::min of a slot that starts at @start right, and puts the nodes that
 * were pushed beyond the slot where they belong. Returns false if the budget ended
 * first, which leaves a lower bound.
 */
static bool refresh_slot(struct htw_wheel *wheel, struct htw_slot *slot,
			 u64 start, unsigned int *budget)
{
	struct htw_node *node, *next;
	u64 min = U64_MAX;

	list_for_each_entry_safe(node, next, &slot->head, entry) {
		if (node->tick == slot->min)
			return true;
		if (!(*budget)--)
			return false;
		if ((node->tick - start) >> wheel->rows[node->row].shift) {
			unlink_node(wheel, node);
			link_node(wheel, node, node->tick);
			wheel->nr_moves++;
		} else if (node->tick < min) {
			min = node->tick;
		}
	}
	slot->min = min;
	return true;
}

/**
 * htw_wheel_refresh() - make the next event exact again
 * @wheel: the wheel
 * @budget: how many nodes may be looked at
 *
 * What timers leave behind that were cancelled or pushed is an event at which nothing
 * is due. This looks for it in the slot that comes first, so that nobody is woken up
 * for it. Stops at the first node that is due at the next event, so it costs next to
 * nothing where there is nothing to find.
 *
 * Return: true if htw_wheel_next() is exact now; false if the budget ended first, or
 * if an advance is unfinished.
 */
bool htw_wheel_refresh(struct htw_wheel *wheel, unsigned int budget)
{
	struct htw_slot *slot;
	u64 start;

	while ((slot = next_slot(wheel, &start))) {
		if (start <= wheel->target)
			return false;
		if (!refresh_slot(wheel, slot, start, &budget))
			return false;
		if (!list_empty(&slot->head))
			return true;
	}
	return true;
}

/**
 * htw_wheel_forward() - let time pass as far as no slot has to be drained
 * @wheel: the wheel
 * @to: the tick that has come
 *
 * A wheel that slept has a cursor in the past, and what is inserted relative to
 * that goes into a coarser level than it need. This catches up for free, or does
 * nothing.
 */
void htw_wheel_forward(struct htw_wheel *wheel, u64 to)
{
	struct htw_slot *slot;
	u64 start;

	if (to <= wheel->target)
		return;
	slot = next_slot(wheel, &start);
	if (slot && start <= to)
		return;
	wheel->now = to;
	wheel->target = to;
}

/**
 * htw_wheel_pop() - take the next expired node
 * @wheel: the wheel
 *
 * Return: a node that is no longer pending, or NULL.
 */
struct htw_node *htw_wheel_pop(struct htw_wheel *wheel)
{
	struct htw_node *node;

	node = list_first_entry_or_null(&wheel->expired, struct htw_node, entry);
	if (node)
		htw_wheel_remove(wheel, node);
	return node;
}

/**
 * htw_wheel_take() - take any node, to empty a wheel that is given up
 * @wheel: the wheel
 *
 * Return: a node that is no longer pending, expired ones and early slots first,
 * or NULL if the wheel is empty.
 */
struct htw_node *htw_wheel_take(struct htw_wheel *wheel)
{
	struct htw_node *node = htw_wheel_pop(wheel);
	struct htw_slot *slot;
	u64 start;

	if (node)
		return node;
	slot = next_slot(wheel, &start);
	if (!slot)
		return NULL;
	node = list_first_entry(&slot->head, struct htw_node, entry);
	htw_wheel_remove(wheel, node);
	return node;
}

/**
 * htw_best_tick() - choose a tick in a window
 * @earliest: first tick of the window
 * @latest: last tick of the window
 *
 * Of all ticks in the window the one with the most trailing zero bits. Timers
 * that leave a choice meet each other there, and share an interrupt.
 *
 * Return: the tick; @earliest if the window is empty.
 */
u64 htw_best_tick(u64 earliest, u64 latest)
{
	unsigned int bit;

	if (latest <= earliest || !earliest)
		return earliest;
	/* Above this bit the tick before the window agrees with its last one. */
	bit = fls64((earliest - 1) ^ latest) - 1;
	return latest & (U64_MAX << bit);
}

/**
 * htw_wheel_list() - the lists of a wheel, for who has to look at every node
 * @wheel: the wheel
 * @nr: which list, from 0
 *
 * The order within a slot is free, as long as it is not a wheel on which timers of
 * one tick have to come in the order of arming.
 *
 * Return: a slot's list; behind the last slot that of the expired nodes, and then
 * NULL.
 */
struct list_head *htw_wheel_list(struct htw_wheel *wheel, unsigned int nr)
{
	const struct htw_row *last = &wheel->rows[wheel->nr_rows - 1];
	unsigned int nr_slots = last->first + last->mask + 1;

	if (nr < nr_slots)
		return &wheel->slots[nr].head;
	return nr == nr_slots ? &wheel->expired : NULL;
}
