/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is the inside of a wheel in order?
 */
#ifndef _WHEEL_TEST_CHECK_H
#define _WHEEL_TEST_CHECK_H

#include "wheel.h"

/* All rows by their number in htw_wheel::rows; some of these do not exist. */
#define ALL_ROWS	(HTW_MAX_ROWS + HTW_ROUND_ROWS)
#define ROW_SLOTS	(2 * HTW_MAX_SLOTS)

/**
 * struct shape - where ticks go in a wheel, computed again from its geometry
 * @nr_levels: the levels
 * @nr_rows: the levels and the overflow bands
 * @round: there are rows for round ticks
 * @nr_slots: the slots of all rows together
 * @shift: of each row, the lowest bit of a tick that chooses the slot
 * @slots: of each row, how many slots; 0 if there is no such row
 * @first: of each row, which slot of the wheel is its first
 */
struct shape {
	unsigned int	nr_levels;
	unsigned int	nr_rows;
	bool		round;
	unsigned int	nr_slots;
	unsigned int	shift[ALL_ROWS];
	unsigned int	slots[ALL_ROWS];
	unsigned int	first[ALL_ROWS];
};

/* A slot: by its row, and by its number in this row. */
struct place {
	unsigned int	row;
	unsigned int	slot;
};

/* What a walk over all lists of a wheel has counted. */
struct census {
	u64	in_slots;
	u64	in_overflow;
	u64	expired;
};

void shape_init(struct shape *shape, const struct htw_geometry *geo);
/* Where a node that is due at @tick belongs while the cursor is at @now. */
struct place shape_place(const struct shape *shape, u64 tick, u64 now);
/* The slot of @row that spans @tick. */
struct place shape_slot(const struct shape *shape, unsigned int row, u64 tick);
/* The first tick that is not before @now at which a slot can start. */
u64 shape_start(const struct shape *shape, struct place place, u64 now);
/* How many ticks the levels span; saturates. */
u64 shape_capacity(const struct shape *shape);

/* A level or a band of which slots are emptied into finer ones. */
static inline bool shape_cascades(unsigned int row)
{
	return row > 0 && row < HTW_MAX_ROWS;
}

/* Does a node of @row count for the overflow? */
static inline bool shape_overflows(const struct shape *shape, unsigned int row)
{
	return row >= shape->nr_levels && row < HTW_MAX_ROWS;
}

static inline u64 shape_span(const struct shape *shape, unsigned int row)
{
	return 1ULL << shape->shift[row];
}

static inline const struct htw_slot *slot_at(const struct htw_wheel *wheel,
					     struct place place)
{
	return &wheel->slots[wheel->rows[place.row].first + place.slot];
}

static inline bool node_in_slot(const struct htw_node *node)
{
	return node->row < ALL_ROWS;
}

/* Of a node that is in no slot it means nothing. */
static inline struct place node_place(const struct shape *shape,
				      const struct htw_node *node)
{
	struct place place = { node->row, node->slot };

	if (node_in_slot(node))
		place.slot -= shape->first[place.row];
	return place;
}

/*
 * When a slot of @nr nodes that starts at @start has to be looked at: @start less
 * one tick for each HTW_SPARSE of them, by powers of two, and not before the slot
 * in front of it begins. @start itself if it is left alone until then.
 */
u64 shape_ahead(const struct shape *shape, unsigned int row, u64 start,
		unsigned int nr);

/* Is @wheel, just made, of this shape? Returns NULL or words, as wheel_check(). */
const char *wheel_check_shape(const struct htw_wheel *wheel,
			      const struct shape *shape);

/*
 * Walks all of @wheel. Returns NULL, or what is wrong in words that are good
 * until the next call. May be called between any two operations; @settled if no
 * advance is unfinished.
 */
const char *wheel_check(const struct htw_wheel *wheel, const struct shape *shape,
			bool settled, struct census *census);

#endif /* _WHEEL_TEST_CHECK_H */
