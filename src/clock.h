/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_CLOCK_H
#define _HTW_CLOCK_H

#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/time.h>
#include <linux/types.h>

/**
 * struct htw_clock - the clock of a context, but for HTW_CLOCK_VIRTUAL
 * @id: CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME or CLOCK_TAI
 * @monotonic_offset: what the time namespace of the opener adds to CLOCK_MONOTONIC, in ns
 * @boottime_offset: what it adds to CLOCK_BOOTTIME
 * @last_offset: htw_clock_offset() when the timers were last armed by it
 * @astray: since then timers were armed by another one
 * @link: in the list of clocks that can be set
 * @was_set: called in task context when the clock may have been set
 */
struct htw_clock {
	u32			id;
	s64			monotonic_offset;
	s64			boottime_offset;
	s64			last_offset;
	bool			astray;
	struct list_head	link;
	void			(*was_set)(struct htw_clock *clock);
};

bool htw_clock_known(u32 id);
const char *htw_clock_name(u32 id);

void htw_clock_open(struct htw_clock *clock);
void htw_clock_start(struct htw_clock *clock, u32 id,
		     void (*was_set)(struct htw_clock *clock));
void htw_clock_stop(struct htw_clock *clock);

s64 htw_clock_changing_offset(const struct htw_clock *clock);
u64 htw_clock_now(const struct htw_clock *clock);

int htw_clock_init(void);
void htw_clock_exit(void);

/**
 * htw_clock_can_be_set() - can somebody set this clock?
 * @id: CLOCK_
 *
 * Return: true for CLOCK_REALTIME and CLOCK_TAI.
 */
static inline bool htw_clock_can_be_set(u32 id)
{
	return id == CLOCK_REALTIME || id == CLOCK_TAI;
}

/**
 * htw_clock_offset() - what a clock is ahead of CLOCK_MONOTONIC
 * @clock: the clock
 *
 * Return: ns, which is what to add to a time of the kernel's CLOCK_MONOTONIC.
 */
static inline s64 htw_clock_offset(const struct htw_clock *clock)
{
	if (likely(READ_ONCE(clock->id) == CLOCK_MONOTONIC))
		return clock->monotonic_offset;
	return htw_clock_changing_offset(clock);
}

#endif /* _HTW_CLOCK_H */
