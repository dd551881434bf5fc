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
 *	 bit 63            16  15 14  13      8   7        0
 *	+------------------+---------+----------+----------+
 *	|  overflow bands  |  lvl 2  |  lvl 1   | level 0  |
 *	+------------------+---------+----------+----------+
 *
 * The window of a level is what one slot of the level above spans. A level has slots
 * for two of them, the one that the cursor is in and the next. A timer belongs to the
 * finest level of which one of the two windows holds its tick, there to the slot that
 * its bits name. So a slot of an upper level is never the one that the cursor is in
 * nor the one after that, unless it was filled when it was further away.
 *
 * Beyond the top level is the overflow. It is cut the same way, into one band for
 * each bit that is left. A band is a level of two slots, and no code below treats it
 * apart: a timer moves into the levels after as many moves at most as there are bits,
 * however many timers wait there.
 *
 * How time passes
 * ---------------
 *
 * htw_wheel_collect() goes from one occupied slot to the next, never through
 * the empty ones. When the cursor comes to the start of a slot, that slot is
 * drained: nodes that are due move to the list of expired ones, the others are
 * linked again by what remains, and so come to a finer level (a cascade). It
 * looks at no more nodes than its budget; what it leaves stays in the slot,
 * can be cancelled or moved like anything else, and is where the next call goes on.
 *
 * Why nobody waits for a cascade
 * ------------------------------
 *
 * A slot of half a million timers cannot be moved when time comes to it: what is due
 * meanwhile would wait. That is what the second window is for. While the cursor is in
 * the slot before, all that is in the next one fits into finer levels, and nothing is
 * inserted into it any more. So it can be emptied ahead of time, in small steps:
 *
 *	level 1	|  the cursor's slot  |    next slot	  |
 *		 - - - - - - - lead ->|S
 *	level 0	|    this window      |   next window	  |
 *
 * A slot with at most HTW_SPARSE nodes is left alone until S, or until somebody comes
 * by later: it costs no wake-up. A fuller one has to be looked at its lead before S, so
 * many ticks that HTW_SPARSE moves at each would do. The steps that are taken then
 * are larger, HTW_AHEAD moves at a tick over all levels, so that there are fewer of
 * them; and they are as large as they must be for a slot so full that even its whole
 * window is too short for that. To begin late is on purpose: most timers are cancelled
 * or pushed out before they are due.
 *
 * What is never cascaded
 * ----------------------
 *
 * A timer that has slack is due at the roundest tick of its window (htw_best_tick()).
 * If that is a multiple of about an eighth of its distance, it goes into one of the
 * rows for round ticks instead of a level. There all nodes of a slot are due at its
 * start, and so stay until they are.
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
 * start of each slot would be of no use to a timer that is due at its end: a
 * htw_wheel_collect() that comes later drains all slots on its way, in order.
 */
#include "wheel.h"

#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/prefetch.h>
#include <linux/string.h>

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
		slots += 2 * row_slots(geo, row);
		shift += fls64(row_slots(geo, row) - 1);
	}
	if (geo->round)
		slots += HTW_ROUND_ROWS * HTW_ROUND_SLOTS;
	return sizeof(struct htw_wheel) + slots * sizeof(struct htw_slot);
}

/* Returns the index of the first slot behind those of the row. */
static u32 row_init(struct htw_wheel *wheel, struct htw_row *row, u32 first,
		    unsigned int nr_slots, unsigned int shift)
{
	unsigned int i;

	row->first = first;
	row->mask = nr_slots - 1;
	row->shift = shift;

	for (i = first; i < first + nr_slots; i++) {
		INIT_LIST_HEAD(&wheel->slots[i].head);
		wheel->slots[i].nr = 0;
	}
	return first + nr_slots;
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
	unsigned int i, slots, shift = 0;
	struct htw_row *row;
	u32 first = 0;

	memset(wheel, 0, sizeof(*wheel));
	wheel->now = now;
	wheel->target = now;
	wheel->tick_shift = geo->tick_shift;
	wheel->nr_levels = geo->nr_levels;
	wheel->nr_round = geo->round ? HTW_ROUND_ROWS : 0;
	INIT_LIST_HEAD(&wheel->expired);

	while (shift < 64) {
		slots = row_slots(geo, wheel->nr_rows);
		row = &wheel->rows[wheel->nr_rows];
		first = row_init(wheel, row, first, 2 * slots, shift);
		for (i = fls64(slots - 1); i; i--)
			wheel->row_of[shift++] = wheel->nr_rows;
		row->window = shift;
		wheel->nr_rows++;
	}
	for (i = 0; i < wheel->nr_round; i++) {
		row = &wheel->rows[HTW_MAX_ROWS + i];
		first = row_init(wheel, row, first, HTW_ROUND_SLOTS,
				 HTW_ROUND_SHIFT + i * HTW_ROUND_BITS);
	}
	wheel->nr_slots = first;
}

/**
 * htw_wheel_capacity() - how many ticks the levels span together
 * @wheel: the wheel
 *
 * A timer further away than twice this waits in the overflow, and so does a nearer
 * one as long as the end of the top level's next window lies before it.
 *
 * Return: the product of the levels' slots; U64_MAX if that is more than a u64.
 */
u64 htw_wheel_capacity(const struct htw_wheel *wheel)
{
	const struct htw_row *top = &wheel->rows[wheel->nr_levels - 1];

	return top->window < 64 ? 1ULL << top->window : U64_MAX;
}

/* Of a level or band of which slots are cascaded: the others hold what is due. */
static bool row_cascades(unsigned int nr)
{
	return nr && nr < HTW_MAX_ROWS;
}

/* The number of the first slot of a row that does not start before the cursor. */
static u64 row_base(const struct htw_wheel *wheel, const struct htw_row *row)
{
	u64 base = wheel->now >> row->shift;

	return base << row->shift == wheel->now ? base : base + 1;
}

static struct htw_slot *slot_of(const struct htw_wheel *wheel,
				const struct htw_row *row, u64 number)
{
	return (struct htw_slot *)&wheel->slots[row->first + (number & row->mask)];
}

static u64 slot_start(const struct htw_wheel *wheel, const struct htw_row *row,
		      unsigned int index)
{
	u64 base = row_base(wheel, row);

	return (base + ((index - base) & row->mask)) << row->shift;
}

/*
 * The row for round ticks in which @tick, which is round enough for the first of them,
 * has a slot of its own, from 8 to 64 slots away; 0 if there is none.
 */
static unsigned int round_row(const struct htw_wheel *wheel, u64 tick)
{
	const unsigned int nearest = HTW_ROUND_SHIFT + HTW_ROUND_BITS;
	unsigned int bits = fls64(tick - wheel->now);
	unsigned int nr;

	if (bits <= nearest)
		return 0;
	nr = (bits - nearest - 1) / HTW_ROUND_BITS;
	if (nr >= wheel->nr_round)
		return 0;
	if (tick & ((1ULL << (HTW_ROUND_SHIFT + nr * HTW_ROUND_BITS)) - 1))
		return 0;
	return HTW_MAX_ROWS + nr;
}

/* If @tick is in the very next slot of row @nr, it is in a window of a finer one. */
static unsigned int descend(const struct htw_wheel *wheel, u64 tick,
			    unsigned int nr)
{
	while (nr && (tick >> wheel->rows[nr].shift) -
		     (wheel->now >> wheel->rows[nr].shift) == 1)
		nr--;
	return nr;
}

/* The finest row of which this window or the next holds @tick. */
static __always_inline unsigned int row_for(const struct htw_wheel *wheel,
					    u64 tick)
{
	/* The lowest bit is set so that a node due at the cursor is in row 0. */
	u64 differs = (tick ^ wheel->now) | 1;
	unsigned int nr = wheel->row_of[fls64(differs) - 1];
	unsigned int round;

	/* What is two slots away or more is not in the next one. */
	if (!((tick - wheel->now) >> wheel->rows[nr].shift >> 1))
		nr = descend(wheel, tick, nr);
	if (!nr || likely(tick & ((1 << HTW_ROUND_SHIFT) - 1)))
		return nr;
	round = round_row(wheel, tick);
	return round ? round : nr;
}

static void slot_filled(struct htw_wheel *wheel, unsigned int nr,
			unsigned int index)
{
	struct htw_row *row = &wheel->rows[nr];

	row->map[index / 64] |= 1ULL << (index % 64);
	if (row->nr_occupied++)
		return;
	if (nr < HTW_MAX_ROWS)
		wheel->occupied |= 1ULL << nr;
	else
		wheel->round |= 1ULL << (nr - HTW_MAX_ROWS);
}

static void slot_emptied(struct htw_wheel *wheel, unsigned int nr,
			 unsigned int index)
{
	struct htw_row *row = &wheel->rows[nr];

	row->map[index / 64] &= ~(1ULL << (index % 64));
	if (--row->nr_occupied)
		return;
	if (nr < HTW_MAX_ROWS)
		wheel->occupied &= ~(1ULL << nr);
	else
		wheel->round &= ~(1ULL << (nr - HTW_MAX_ROWS));
}

/* In how many ticks a slot of @nr nodes can be emptied. */
static u64 lead(u32 nr)
{
	return 1ULL << (fls64(nr - 1) - HTW_SPARSE_SHIFT);
}

/* When to begin with a slot that has more than HTW_SPARSE nodes. */
static u64 ahead_of(const struct htw_row *row, u64 start, u32 nr)
{
	return start - min(lead(nr), 1ULL << row->shift);
}

/* Did the lead of a slot become longer with its last node? */
static bool lead_grew(u32 nr)
{
	return nr > HTW_SPARSE && !((nr - 1) & (nr - 2));
}

/* Returns the tick at which somebody has to look at the wheel because of @node. */
static __always_inline u64 link_node(struct htw_wheel *wheel,
				     struct htw_node *node, u64 tick)
{
	unsigned int nr = row_for(wheel, tick);
	struct htw_row *row = &wheel->rows[nr];
	unsigned int index = (tick >> row->shift) & row->mask;
	struct htw_slot *slot = &wheel->slots[row->first + index];

	node->tick = tick;
	node->row = nr;
	node->slot = row->first + index;
	list_add_tail(&node->entry, &slot->head);
	if (unlikely(!slot->nr++)) {
		slot->min = tick;
		slot_filled(wheel, nr, index);
	} else if (tick < slot->min) {
		slot->min = tick;
	}
	if (!row_cascades(nr))
		return tick;

	if (unlikely(nr >= wheel->nr_levels))
		wheel->nr_overflow++;
	if (unlikely(lead_grew(slot->nr)))
		return ahead_of(row, slot_start(wheel, row, index), slot->nr);
	return tick;
}

/* Takes @node off the slot or the list of expired nodes that it is in. */
static __always_inline void unlink_node(struct htw_wheel *wheel,
					struct htw_node *node)
{
	__list_del_entry(&node->entry);
	if (unlikely(node->row >= wheel->nr_levels)) {
		if (node->row == HTW_ROW_EXPIRED)
			return;
		if (node->row < HTW_MAX_ROWS)
			wheel->nr_overflow--;
	}
	if (unlikely(!--wheel->slots[node->slot].nr))
		slot_emptied(wheel, node->row,
			     node->slot - wheel->rows[node->row].first);
}

static void relink_node(struct htw_wheel *wheel, struct htw_node *node)
{
	unlink_node(wheel, node);
	link_node(wheel, node, node->tick);
	wheel->nr_moves++;
}

/**
 * htw_wheel_insert() - arm: put a node into the wheel
 * @wheel: the wheel
 * @node: a node that is not pending
 * @tick: when it is due; what is past already is due with the next tick
 *
 * Return: the tick at which somebody has to look at the wheel because of it, which
 * may be sooner than the node is due.
 */
u64 htw_wheel_insert(struct htw_wheel *wheel, struct htw_node *node, u64 tick)
{
	wheel->nr_pending++;
	return link_node(wheel, node, htw_wheel_due(wheel, tick));
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
	if (tick < slot_start(wheel, row, node->slot - row->first))
		return false;

	node->tick = tick;
	slot = &wheel->slots[node->slot];
	if (tick < slot->min)
		slot->min = tick;
	return true;
}

/**
 * htw_wheel_move() - re-arm: make a pending node due at another tick
 * @wheel: the wheel
 * @node: a node that is pending
 * @tick: when it is due; what is past already is due with the next tick
 *
 * Return: as htw_wheel_insert().
 */
u64 htw_wheel_move(struct htw_wheel *wheel, struct htw_node *node, u64 tick)
{
	tick = htw_wheel_due(wheel, tick);
	if (htw_wheel_push(node, tick) || move_within_slot(wheel, node, tick))
		return tick;
	unlink_node(wheel, node);
	return link_node(wheel, node, tick);
}

/* The first occupied slot of a row that has one, and where it starts. */
static struct htw_slot *row_first(const struct htw_wheel *wheel, unsigned int nr,
				  u64 *start)
{
	const struct htw_row *row = &wheel->rows[nr];
	unsigned int from = row_base(wheel, row) & row->mask;
	unsigned int word = from / 64, last = row->mask / 64;
	u64 bits = row->map[word] & (U64_MAX << (from % 64));

	while (!bits) {
		word = (word + 1) & last;
		bits = row->map[word];
	}
	word = word * 64 + __ffs64(bits);
	*start = slot_start(wheel, row, word);
	return slot_of(wheel, row, word);
}

/*
 * Does the first slot of a row start before all those of coarser rows? Yes if it is
 * in this window; but where the window begins there may be some to be drained first.
 */
static bool row_decides(const struct htw_wheel *wheel, unsigned int nr, u64 start)
{
	unsigned int window = wheel->rows[nr].window;

	return wheel->now << (64 - window) &&
	       !((start ^ wheel->now) >> (window - 1) >> 1);
}

/* The occupied slot that starts first, and where it starts. */
static struct htw_slot *next_slot(const struct htw_wheel *wheel, u64 *start)
{
	struct htw_slot *slot, *best = NULL;
	unsigned int nr;
	u64 rows, at;

	*start = U64_MAX;
	for (rows = wheel->occupied; rows; rows &= rows - 1) {
		nr = __ffs64(rows);
		slot = row_first(wheel, nr, &at);
		if (at <= *start) {
			*start = at;
			best = slot;
		}
		if (row_decides(wheel, nr, at))
			break;
	}
	for (rows = wheel->round; rows; rows &= rows - 1) {
		slot = row_first(wheel, HTW_MAX_ROWS + __ffs64(rows), &at);
		if (at <= *start) {
			*start = at;
			best = slot;
		}
	}
	return best;
}

/* When to look at the first slots of row @nr: at their first node, or ahead of time. */
static struct htw_slot *row_event(const struct htw_wheel *wheel, unsigned int nr,
				  u64 *tick)
{
	const struct htw_row *row = &wheel->rows[nr];
	struct htw_slot *slot, *after;
	u64 start, ahead;

	slot = row_first(wheel, nr, &start);
	*tick = start > wheel->target ? slot->min : wheel->now;
	if (!row_cascades(nr) || start <= wheel->target)
		return slot;
	if (slot->nr > HTW_SPARSE) {
		*tick = max(ahead_of(row, start, slot->nr), wheel->target + 1);
		return slot;
	}
	/* The one behind it may have to be emptied before this one is due. */
	after = slot_of(wheel, row, (start >> row->shift) + 1);
	if (after->nr <= HTW_SPARSE)
		return slot;
	start += 1ULL << row->shift;
	ahead = max(ahead_of(row, start, after->nr), wheel->target + 1);
	if (ahead >= *tick)
		return slot;
	*tick = ahead;
	return after;
}

/* The slot because of which somebody has to look at the wheel next, and when. */
static struct htw_slot *next_event(const struct htw_wheel *wheel, u64 *tick)
{
	struct htw_slot *slot, *best = NULL;
	u64 rows, at;

	*tick = U64_MAX;
	for (rows = wheel->occupied; rows; rows &= rows - 1) {
		slot = row_event(wheel, __ffs64(rows), &at);
		if (at <= *tick) {
			*tick = at;
			best = slot;
		}
	}
	for (rows = wheel->round; rows; rows &= rows - 1) {
		slot = row_event(wheel, HTW_MAX_ROWS + __ffs64(rows), &at);
		if (at <= *tick) {
			*tick = at;
			best = slot;
		}
	}
	return best;
}

/**
 * htw_wheel_next() - when somebody has to look at the wheel again
 * @wheel: the wheel
 * @tick: set to the next event; it is not after htw_wheel::target if
 *	htw_wheel_collect() is unfinished or if expired nodes wait to be popped
 *
 * Exact for timers left alone, as long as no slot has more than HTW_SPARSE of them:
 * to empty such a one takes events of its own, one for each HTW_SPARSE nodes at most.
 * A cancelled or pushed timer that was the first of its slot can leave an event behind
 * at which nothing is due, one per slot, unless htw_wheel_refresh() finds it first.
 *
 * Return: false if the wheel is empty.
 */
bool htw_wheel_next(const struct htw_wheel *wheel, u64 *tick)
{
	if (list_empty(&wheel->expired))
		return next_event(wheel, tick);
	*tick = wheel->now;
	return true;
}

/*
 * With the cursor at the start of @slot: expire what is due, cascade the rest.
 * Nothing is put back into @slot: what is due later belongs to another one. Returns
 * what is left of the budget.
 */
static unsigned int drain(struct htw_wheel *wheel, struct htw_slot *slot,
			  unsigned int budget)
{
	struct htw_node *node;

	while (budget && slot->nr) {
		node = list_first_entry(&slot->head, struct htw_node, entry);
		prefetch(node->entry.next);
		if (node->tick > wheel->now) {
			relink_node(wheel, node);
		} else {
			unlink_node(wheel, node);
			node->row = HTW_ROW_EXPIRED;
			list_add_tail(&node->entry, &wheel->expired);
		}
		budget--;
	}
	return budget;
}

/*
 * The slot of a row that comes next, if it is to be emptied ahead of time; @ticks is
 * set to how many are left for that.
 */
static struct htw_slot *slot_ahead(struct htw_wheel *wheel, unsigned int nr,
				   u64 *ticks)
{
	struct htw_row *row = &wheel->rows[nr];
	u64 next = (wheel->now >> row->shift) + 1;
	struct htw_slot *slot = slot_of(wheel, row, next);

	*ticks = (next << row->shift) - wheel->now;
	return slot->nr > HTW_SPARSE ? slot : NULL;
}

/*
 * How many nodes to move ahead at this tick. Every slot whose time has come gets its
 * share of the ticks that are left; what has been moved already because a slot began
 * here counts.
 */
static u32 set_pace(struct htw_wheel *wheel)
{
	u64 moved = wheel->nr_moves - wheel->moves_before;
	u64 rows, ticks, needed = 0;
	struct htw_slot *slot;

	for (rows = wheel->occupied & ~1ULL; rows; rows &= rows - 1) {
		slot = slot_ahead(wheel, __ffs64(rows), &ticks);
		if (slot && ticks <= lead(slot->nr))
			needed += slot->nr / (u32)ticks + 1;
	}
	if (!needed)
		return 0;
	return max(needed, HTW_AHEAD - min_t(u64, moved, HTW_AHEAD));
}

/* The finest level first: its slots begin first. */
static bool move_ahead(struct htw_wheel *wheel, unsigned int budget)
{
	struct htw_slot *slot;
	u64 rows, ticks;

	if (!wheel->paced)
		wheel->ahead = set_pace(wheel);
	wheel->paced = true;

	for (rows = wheel->occupied & ~1ULL; rows && wheel->ahead;
	     rows &= rows - 1) {
		slot = slot_ahead(wheel, __ffs64(rows), &ticks);
		for (; slot && slot->nr && wheel->ahead; wheel->ahead--) {
			if (!budget--)
				return false;
			relink_node(wheel, list_first_entry(&slot->head,
							    struct htw_node,
							    entry));
		}
	}
	wheel->ahead = 0;
	return true;
}

static void set_target(struct htw_wheel *wheel, u64 to)
{
	wheel->target = to;
	wheel->moves_before = wheel->nr_moves;
	wheel->paced = false;
}

/**
 * htw_wheel_collect() - let time pass, and collect what becomes due
 * @wheel: the wheel
 * @to: the tick that has come; earlier than before counts as the same again
 * @budget: how many nodes may be touched
 *
 * Expired nodes are appended in order of their ticks to the list that
 * htw_wheel_pop() takes from. They stay pending until then. When all that is due
 * has been collected, slots that begin soon are emptied ahead of time.
 *
 * Return: true if all is done; false if the budget ended first, and then another
 * call goes on. In between the wheel can be used like at any other time.
 */
bool htw_wheel_collect(struct htw_wheel *wheel, u64 to, unsigned int budget)
{
	struct htw_slot *slot;
	u64 start;

	if (to > wheel->target)
		set_target(wheel, to);

	while ((slot = next_slot(wheel, &start)) && start <= wheel->target) {
		wheel->now = start;
		budget = drain(wheel, slot, budget);
		if (slot->nr)
			return false;
	}
	wheel->now = wheel->target;
	return move_ahead(wheel, budget);
}

/*
 * Sets htw_slot::min of a slot right, and puts the nodes that were pushed beyond the
 * slot where they belong. Returns false if the budget ended first, which leaves a
 * lower bound.
 */
static bool refresh_slot(struct htw_wheel *wheel, struct htw_slot *slot,
			 unsigned int *budget)
{
	struct htw_node *node, *next;
	struct htw_row *row;
	u64 start, min = U64_MAX;

	list_for_each_entry_safe(node, next, &slot->head, entry) {
		if (node->tick == slot->min)
			return true;
		if (!(*budget)--)
			return false;
		row = &wheel->rows[node->row];
		start = slot_start(wheel, row, node->slot - row->first);
		if ((node->tick - start) >> row->shift)
			relink_node(wheel, node);
		else if (node->tick < min)
			min = node->tick;
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
 * if htw_wheel_collect() is unfinished.
 */
bool htw_wheel_refresh(struct htw_wheel *wheel, unsigned int budget)
{
	struct htw_slot *slot;
	u64 tick, min;

	while ((slot = next_event(wheel, &tick))) {
		min = slot->min;
		if (tick <= wheel->target)
			return false;
		if (tick != min)
			return true;
		if (!refresh_slot(wheel, slot, &budget))
			return false;
		if (slot->nr && slot->min == min)
			return true;
	}
	return true;
}

/**
 * htw_wheel_forward() - let time pass as far as nothing is due
 * @wheel: the wheel
 * @to: the tick that has come
 * @budget: how many nodes may be touched
 *
 * A wheel that slept has a cursor in the past, and what is inserted relative to
 * that goes into a coarser level than it need. This catches up, and stops at the
 * first slot of which nodes are due or which the budget is too small for: before it,
 * or if a coarser one starts together with it, where it starts. What htw_wheel_next()
 * says may be earlier after that than before, if a slot has become fuller.
 */
void htw_wheel_forward(struct htw_wheel *wheel, u64 to, unsigned int budget)
{
	struct htw_slot *slot;
	u64 start;

	if (to <= wheel->target)
		return;
	while ((slot = next_slot(wheel, &start)) && start <= to) {
		if (slot->nr > budget || slot->min <= to)
			return;
		/* Not back to before what an unfinished htw_wheel_collect() was told. */
		if (start > wheel->target)
			set_target(wheel, start);
		wheel->now = start;
		budget = drain(wheel, slot, budget);
	}
	set_target(wheel, to);
	wheel->now = to;
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
	if (nr < wheel->nr_slots)
		return &wheel->slots[nr].head;
	return nr == wheel->nr_slots ? &wheel->expired : NULL;
}
