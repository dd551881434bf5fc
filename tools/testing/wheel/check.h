/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is the inside of a wheel in order?
 */
#ifndef _WHEEL_TEST_CHECK_H
#define _WHEEL_TEST_CHECK_H

#include "wheel.h"

/**
 * struct shape - where ticks go in a wheel, computed again from its geometry
 * @nr_levels: the levels
 * @nr_rows: the levels and the overflow bands
 * @nr_slots: the slots of all rows together
 * @shift: of each row, the lowest bit of a tick that chooses the slot
 * @bits: of each row, how many bits choose the slot
 */
struct shape {
	unsigned int	nr_levels;
	unsigned int	nr_rows;
	unsigned int	nr_slots;
	unsigned int	shift[64];
	unsigned int	bits[64];
};

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
/* The first tick of a slot in the window that @now is in. */
u64 shape_start(const struct shape *shape, struct place place, u64 now);
/* How many ticks the levels span; saturates. */
u64 shape_capacity(const struct shape *shape);

static inline const struct htw_slot *slot_at(const struct htw_wheel *wheel,
					     struct place place)
{
	return &wheel->slots[wheel->rows[place.row].first + place.slot];
}

static inline struct place node_place(const struct htw_node *node)
{
	return (struct place) { node->row, node->slot };
}

/* Is @wheel, just made, of this shape? Returns NULL or words, as wheel_check(). */
const char *wheel_check_shape(const struct htw_wheel *wheel,
			      const struct shape *shape);

/*
 * Walks all of @wheel. Returns NULL, or what is wrong in words that are good
 * until the next call. May be called between any two operations.
 */
const char *wheel_check(const struct htw_wheel *wheel, const struct shape *shape,
			struct census *census);

#endif /* _WHEEL_TEST_CHECK_H */
