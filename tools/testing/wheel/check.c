// SPDX-License-Identifier: GPL-2.0
/*
 * The structural checker. It shares no code with the wheel: where things belong
 * is computed from the geometry by dividing, window by window, and lists are
 * walked by their pointers. Where something is wrong it says what and where; it
 * must survive a wheel in any state, so no walk goes on without an end.
 */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>

static void add_row(struct shape *shape, unsigned int row, unsigned int shift,
		    unsigned int slots)
{
	shape->shift[row] = shift;
	shape->slots[row] = slots;
	shape->first[row] = shape->nr_slots;
	shape->nr_slots += slots;
}

/* Two windows of each level; a band is a level of two slots. */
void shape_init(struct shape *shape, const struct htw_geometry *geo)
{
	unsigned int i, slots, shift = 0;

	*shape = (struct shape) { .nr_levels = geo->nr_levels };
	while (shift < 64) {
		slots = 2;
		if (shape->nr_rows < geo->nr_levels)
			slots = geo->slots[shape->nr_rows];
		add_row(shape, shape->nr_rows++, shift, 2 * slots);
		for (; slots > 1; slots /= 2)
			shift++;
	}
	shape->round = geo->round;
	for (i = 0; shape->round && i < 10; i++)
		add_row(shape, HTW_MAX_ROWS + i, 5 + 3 * i, 64);
}

struct place shape_slot(const struct shape *shape, unsigned int row, u64 tick)
{
	u64 number = tick >> shape->shift[row];

	return (struct place) { row, number % shape->slots[row] };
}

/* The number of the window of @row that @tick is in. */
static u64 window_of(const struct shape *shape, unsigned int row, u64 tick)
{
	return (tick >> shape->shift[row]) / (shape->slots[row] / 2);
}

/* Is it a multiple of 32 ticks, or of 256 ..., 8 to 64 of them away? */
static bool is_round(u64 tick, u64 distance, u64 granule)
{
	return !(tick % granule) && distance / granule >= 8 &&
	       distance / granule < 64;
}

struct place shape_place(const struct shape *shape, u64 tick, u64 now)
{
	unsigned int i, row = 0;

	while (window_of(shape, row, tick) - window_of(shape, row, now) > 1)
		row++;
	for (i = 0; row && shape->round && i < 10; i++)
		if (is_round(tick, tick - now, 32ULL << 3 * i))
			row = HTW_MAX_ROWS + i;
	return shape_slot(shape, row, tick);
}

u64 shape_start(const struct shape *shape, struct place place, u64 now)
{
	u64 span = shape_span(shape, place.row), slots = shape->slots[place.row];
	u64 number = now / span + !!(now % span);

	number += (place.slot + slots - number % slots) % slots;
	return number * span;
}

u64 shape_ahead(const struct shape *shape, unsigned int row, u64 start,
		unsigned int nr)
{
	u64 ticks = 1;

	if (nr <= 64 || !shape_cascades(row))
		return start;
	while (64 * ticks < nr)
		ticks *= 2;
	return start - (ticks < shape_span(shape, row) ? ticks :
						shape_span(shape, row));
}

u64 shape_capacity(const struct shape *shape)
{
	unsigned int level;
	u64 ticks = 1;

	for (level = 0; level < shape->nr_levels; level++)
		ticks *= shape->slots[level] / 2;
	return ticks ? ticks : U64_MAX;
}

static char message[256];

__attribute__((format(printf, 1, 2)))
static const char *broken(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return message;
}

static const char *check_node(const struct htw_node *node,
			      const struct shape *shape, struct place place,
			      u64 start, u64 min)
{
	struct place says = node_place(shape, node);

	if (says.row != place.row || says.slot != place.slot)
		return broken("node %u in row %u slot %u says row %u slot %u",
			      node->owner, place.row, place.slot, says.row,
			      says.slot);
	if (node->tick < start)
		return broken("row %u slot %u starts at %llu, after node %u's tick %llu",
			      place.row, place.slot, start, node->owner,
			      node->tick);
	if (node->tick < min)
		return broken("row %u slot %u has min %llu, after node %u's tick %llu",
			      place.row, place.slot, min, node->owner,
			      node->tick);
	return NULL;
}

/*
 * All slots lie ahead of the cursor. Only what an advance left undone may start
 * at the cursor itself, and what is armed when the last tick of all has come.
 */
static const char *check_position(const struct htw_wheel *wheel,
				  const struct shape *shape, struct place place,
				  bool settled)
{
	const struct htw_slot *slot = slot_at(wheel, place);
	u64 start = shape_start(shape, place, wheel->now);
	u64 end = start + (shape_span(shape, place.row) - 1);

	if (start == wheel->now && start != U64_MAX && settled)
		return broken("row %u slot %u starts at the cursor %llu, and no advance is unfinished",
			      place.row, place.slot, start);
	if (slot->min < start || slot->min > end)
		return broken("row %u slot %u spans %llu to %llu, and has min %llu",
			      place.row, place.slot, start, end, slot->min);
	return NULL;
}

static const char *check_list(const struct htw_wheel *wheel,
			      const struct shape *shape, struct place place,
			      struct census *census)
{
	const struct htw_slot *slot = slot_at(wheel, place);
	const struct list_head *at, *last = &slot->head;
	u64 start = shape_start(shape, place, wheel->now), nr = 0;
	const char *error;

	for (at = slot->head.next; at != &slot->head; at = at->next) {
		if (at->prev != last)
			return broken("row %u slot %u: the list's links disagree",
				      place.row, place.slot);
		last = at;
		if (++census->in_slots > wheel->nr_pending)
			return broken("more nodes in slots than nr_pending %llu",
				      wheel->nr_pending);
		error = check_node(container_of(at, struct htw_node, entry),
				   shape, place, start, slot->min);
		if (error)
			return error;
		census->in_overflow += shape_overflows(shape, place.row);
		nr++;
	}
	if (slot->nr != nr)
		return broken("row %u slot %u: nr is %u, with %llu in the list",
			      place.row, place.slot, slot->nr, nr);
	return slot->head.prev == last ? NULL :
	       broken("row %u slot %u: the list's end is not its last node",
		      place.row, place.slot);
}

static bool slot_bit(const struct htw_row *row, unsigned int slot)
{
	return row->map[slot / 64] >> (slot % 64) & 1;
}

static const char *check_slot(const struct htw_wheel *wheel,
			      const struct shape *shape, struct place place,
			      bool settled, struct census *census)
{
	const struct htw_slot *slot = slot_at(wheel, place);
	bool bit = slot_bit(&wheel->rows[place.row], place.slot);
	bool used = slot->head.next != &slot->head;
	const char *error;

	if (bit != used)
		return broken("row %u slot %u: bit is %d, but the list is %s",
			      place.row, place.slot, bit,
			      used ? "not empty" : "empty");
	if (!used)
		return !slot->nr ? NULL :
		       broken("row %u slot %u: empty, but nr is %u",
			      place.row, place.slot, slot->nr);
	error = check_position(wheel, shape, place, settled);
	return error ? error : check_list(wheel, shape, place, census);
}

/* Of a word whose bits stand for the slots from @first, those from @slots on. */
static u64 bits_beyond(u64 word, unsigned int first, unsigned int slots)
{
	if (first >= slots)
		return word;
	return slots - first < 64 ? word >> (slots - first) : 0;
}

static const char *check_maps(const struct htw_wheel *wheel,
			      const struct shape *shape, unsigned int nr)
{
	const struct htw_row *row = &wheel->rows[nr];
	u64 rows = nr < HTW_MAX_ROWS ? wheel->occupied : wheel->round;
	unsigned int i, used = 0;

	for (i = 0; i < ROW_SLOTS / 64; i++) {
		used += __builtin_popcountll(row->map[i]);
		if (bits_beyond(row->map[i], i * 64, shape->slots[nr]))
			return broken("row %u: a bit beyond its %u slots is set",
				      nr, shape->slots[nr]);
	}
	if (row->nr_occupied != used)
		return broken("row %u: nr_occupied is %u, with %u bits set", nr,
			      row->nr_occupied, used);
	if ((rows >> nr % HTW_MAX_ROWS & 1) != !!used)
		return broken("row %u: summary bit is %d, with %u bits set", nr,
			      !used, used);
	return NULL;
}

static const char *check_expired(const struct htw_wheel *wheel,
				 struct census *census)
{
	const struct list_head *at;
	const struct htw_node *node;
	u64 last = 0;

	for (at = wheel->expired.next; at != &wheel->expired; at = at->next) {
		node = container_of(at, struct htw_node, entry);
		if (++census->expired > wheel->nr_pending)
			return broken("more expired nodes than nr_pending %llu",
				      wheel->nr_pending);
		if (node->row != HTW_ROW_EXPIRED)
			return broken("expired node %u says row %u", node->owner,
				      node->row);
		if (node->tick > wheel->now || node->tick < last)
			return broken("expired node %u's tick %llu is not from %llu to the cursor %llu",
				      node->owner, node->tick, last, wheel->now);
		last = node->tick;
	}
	return NULL;
}

static const char *check_totals(const struct htw_wheel *wheel, bool settled,
				const struct census *census)
{
	if (wheel->now > wheel->target || (settled && wheel->now != wheel->target))
		return broken("cursor is %llu with the target %llu", wheel->now,
			      wheel->target);
	if (census->in_slots + census->expired != wheel->nr_pending)
		return broken("nr_pending is %llu, with %llu in slots and %llu expired",
			      wheel->nr_pending, census->in_slots,
			      census->expired);
	if (census->in_overflow != wheel->nr_overflow)
		return broken("nr_overflow is %llu, with %llu in the bands",
			      wheel->nr_overflow, census->in_overflow);
	return NULL;
}

/* The row that two ticks are in the same window of, and not of a finer one. */
static unsigned int row_of_bit(const struct shape *shape, unsigned int bit)
{
	unsigned int row = 0;

	while (row + 1 < shape->nr_rows && shape->shift[row + 1] <= bit)
		row++;
	return row;
}

const char *wheel_check_shape(const struct htw_wheel *wheel,
			      const struct shape *shape)
{
	unsigned int row, bit;

	if (wheel->nr_rows != shape->nr_rows ||
	    wheel->nr_levels != shape->nr_levels)
		return broken("%u rows and %u levels where the geometry gives %u and %u",
			      wheel->nr_rows, wheel->nr_levels, shape->nr_rows,
			      shape->nr_levels);
	for (row = 0; row < ALL_ROWS; row++) {
		if (shape->slots[row] &&
		    (wheel->rows[row].shift != shape->shift[row] ||
		     wheel->rows[row].mask + 1U != shape->slots[row] ||
		     wheel->rows[row].first != shape->first[row]))
			return broken("row %u differs from the geometry", row);
	}
	for (bit = 0; bit < 64; bit++)
		if (row_of_bit(shape, bit) != wheel->row_of[bit])
			return broken("bit %u belongs to row %u by row_of", bit,
				      wheel->row_of[bit]);
	return NULL;
}

const char *wheel_check(const struct htw_wheel *wheel, const struct shape *shape,
			bool settled, struct census *census)
{
	const char *error = NULL;
	struct place place;

	*census = (struct census) { 0 };
	for (place.row = 0; !error && place.row < ALL_ROWS; place.row++) {
		error = check_maps(wheel, shape, place.row);
		for (place.slot = 0; place.slot < shape->slots[place.row];
		     place.slot++) {
			if (error)
				return error;
			error = check_slot(wheel, shape, place, settled, census);
		}
	}
	if (!error)
		error = check_expired(wheel, census);
	return error ? error : check_totals(wheel, settled, census);
}
