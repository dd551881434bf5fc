// SPDX-License-Identifier: GPL-2.0
/*
 * The structural checker. It shares no code with the wheel: where things belong
 * is computed from the geometry with shifts and comparisons only, and lists are
 * walked by their pointers. Where something is wrong it says what and where; it
 * must survive a wheel in any state, so no walk goes on without an end.
 */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>

void shape_init(struct shape *shape, const struct htw_geometry *geo)
{
	unsigned int row, bits, shift = 0;

	shape->nr_levels = geo->nr_levels;
	shape->nr_slots = 0;
	for (row = 0; shift < 64; row++) {
		for (bits = 1; row < geo->nr_levels; bits++)
			if (1U << bits == geo->slots[row])
				break;
		shape->shift[row] = shift;
		shape->bits[row] = bits;
		shape->nr_slots += 1U << bits;
		shift += bits;
	}
	shape->nr_rows = row;
}

struct place shape_place(const struct shape *shape, u64 tick, u64 now)
{
	struct place place = { .row = shape->nr_rows - 1 };

	while (place.row && tick >> shape->shift[place.row] ==
			    now >> shape->shift[place.row])
		place.row--;
	place.slot = tick >> shape->shift[place.row] &
		     ((1U << shape->bits[place.row]) - 1);
	return place;
}

u64 shape_start(const struct shape *shape, struct place place, u64 now)
{
	unsigned int end = shape->shift[place.row] + shape->bits[place.row];
	u64 window = end < 64 ? now >> end << end : 0;

	return window + ((u64)place.slot << shape->shift[place.row]);
}

u64 shape_capacity(const struct shape *shape)
{
	unsigned int top = shape->nr_levels - 1;
	unsigned int end = shape->shift[top] + shape->bits[top];

	return end < 64 ? 1ULL << end : U64_MAX;
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

static const char *check_node(const struct htw_node *node, struct place place,
			      u64 start, u64 min)
{
	if (node->row != place.row || node->slot != place.slot)
		return broken("node %u in row %u slot %u says row %u slot %u",
			      node->owner, place.row, place.slot, node->row,
			      node->slot);
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
				  const struct shape *shape, struct place place)
{
	const struct htw_slot *slot = slot_at(wheel, place);
	u64 start = shape_start(shape, place, wheel->now);
	u64 end = start + ((1ULL << shape->shift[place.row]) - 1);

	if (start < wheel->now)
		return broken("row %u slot %u starts at %llu, behind the cursor %llu",
			      place.row, place.slot, start, wheel->now);
	if (start == wheel->now && start != U64_MAX && wheel->draining != slot)
		return broken("row %u slot %u starts at the cursor %llu, and is not the one being drained",
			      place.row, place.slot, start);
	if (place.row >= shape->nr_levels && place.slot != 1)
		return broken("row %u is an overflow band, and its slot 0 is used",
			      place.row);
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
	u64 start = shape_start(shape, place, wheel->now);
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
				   place, start, slot->min);
		if (error)
			return error;
		census->in_overflow += place.row >= shape->nr_levels;
	}
	return slot->head.prev == last ? NULL :
	       broken("row %u slot %u: the list's end is not its last node",
		      place.row, place.slot);
}

static const char *check_slot(const struct htw_wheel *wheel,
			      const struct shape *shape, struct place place,
			      struct census *census)
{
	const struct htw_row *row = &wheel->rows[place.row];
	const struct htw_slot *slot = slot_at(wheel, place);
	bool bit = row->map[place.slot / 64] >> (place.slot % 64) & 1;
	bool used = slot->head.next != &slot->head;
	const char *error;

	if (bit != used)
		return broken("row %u slot %u: bit is %d, but the list is %s",
			      place.row, place.slot, bit,
			      used ? "not empty" : "empty");
	if (!used)
		return slot->min == U64_MAX ? NULL :
		       broken("row %u slot %u: empty, but min is %llu",
			      place.row, place.slot, slot->min);
	error = check_position(wheel, shape, place);
	return error ? error : check_list(wheel, shape, place, census);
}

static const char *check_maps(const struct htw_wheel *wheel,
			      const struct shape *shape, unsigned int nr)
{
	const struct htw_row *row = &wheel->rows[nr];
	unsigned int i, nr_slots = 1U << shape->bits[nr];
	u64 any = 0, beyond;

	for (i = 0; i < HTW_MAX_SLOTS / 64; i++) {
		any |= row->map[i];
		beyond = row->map[i];
		if (i * 64 < nr_slots)
			beyond = nr_slots % 64 ? beyond >> nr_slots : 0;
		if (beyond)
			return broken("row %u: bits beyond its %u slots are set",
				      nr, nr_slots);
	}
	if ((wheel->occupied >> nr & 1) != !!any)
		return broken("row %u: summary bit is %d, but the map is %s",
			      nr, !any, any ? "not empty" : "empty");
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

static const char *check_totals(const struct htw_wheel *wheel,
				const struct census *census)
{
	if (wheel->now > wheel->target)
		return broken("cursor %llu is beyond the target %llu",
			      wheel->now, wheel->target);
	if (census->in_slots + census->expired != wheel->nr_pending)
		return broken("nr_pending is %llu, with %llu in slots and %llu expired",
			      wheel->nr_pending, census->in_slots,
			      census->expired);
	if (census->in_overflow != wheel->nr_overflow)
		return broken("nr_overflow is %llu, with %llu in the bands",
			      wheel->nr_overflow, census->in_overflow);
	return NULL;
}

const char *wheel_check_shape(const struct htw_wheel *wheel,
			      const struct shape *shape)
{
	unsigned int row, bit, first = 0;

	if (wheel->nr_rows != shape->nr_rows ||
	    wheel->nr_levels != shape->nr_levels)
		return broken("%u rows and %u levels where the geometry gives %u and %u",
			      wheel->nr_rows, wheel->nr_levels, shape->nr_rows,
			      shape->nr_levels);
	for (row = 0; row < shape->nr_rows; row++) {
		if (wheel->rows[row].shift != shape->shift[row] ||
		    wheel->rows[row].mask + 1U != 1U << shape->bits[row] ||
		    wheel->rows[row].first != first)
			return broken("row %u differs from the geometry", row);
		first += 1U << shape->bits[row];
	}
	for (bit = 0; bit < 64; bit++)
		if (shape_place(shape, 1ULL << bit, 0).row != wheel->row_of[bit])
			return broken("bit %u belongs to row %u by row_of", bit,
				      wheel->row_of[bit]);
	return NULL;
}

const char *wheel_check(const struct htw_wheel *wheel, const struct shape *shape,
			struct census *census)
{
	const char *error = NULL;
	struct place place;

	*census = (struct census) { 0 };
	for (place.row = 0; !error && place.row < shape->nr_rows; place.row++) {
		error = check_maps(wheel, shape, place.row);
		for (place.slot = 0; place.slot < 1U << shape->bits[place.row];
		     place.slot++) {
			if (error)
				return error;
			error = check_slot(wheel, shape, place, census);
		}
	}
	if (!error)
		error = check_expired(wheel, census);
	return error ? error : check_totals(wheel, census);
}
