/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model that the wheel is compared with: a heap of (tick, id).
 *
 * Written from what is promised to users, not from the wheel, and including none
 * of its headers. A timer is an id below the number given to oracle_init().
 */
#ifndef _WHEEL_TEST_ORACLE_H
#define _WHEEL_TEST_ORACLE_H

#include <stdbool.h>

struct oracle_entry {
	unsigned long long	tick;
	unsigned int		id;
};

/**
 * struct oracle - the timers that are armed, and how far time has come
 * @target: the tick up to which timers are due
 * @count: timers that are armed, those included that are due
 * @heap: the timers, none before its parent
 * @place: for each id its index in @heap plus one, 0 for one that is not armed
 */
struct oracle {
	unsigned long long	target;
	unsigned int		count;
	struct oracle_entry	*heap;
	unsigned int		*place;
};

void oracle_init(struct oracle *oracle, unsigned int nr_ids,
		 unsigned long long now);
void oracle_free(struct oracle *oracle);

/* Arms @id or arms it anew; returns the tick at which it will be due. */
unsigned long long oracle_arm(struct oracle *oracle, unsigned int id,
			      unsigned long long tick);
/* The arming has ended: cancelled, or expired and taken. */
void oracle_end(struct oracle *oracle, unsigned int id);
/* Time never goes back. */
void oracle_advance(struct oracle *oracle, unsigned long long to);

bool oracle_armed(const struct oracle *oracle, unsigned int id);
unsigned long long oracle_tick(const struct oracle *oracle, unsigned int id);
/* The tick of the earliest timer; false if there is none. */
bool oracle_min(const struct oracle *oracle, unsigned long long *tick);
/* Is any timer due? */
bool oracle_due(const struct oracle *oracle);

#endif /* _WHEEL_TEST_ORACLE_H */
