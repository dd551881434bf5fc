/* SPDX-License-Identifier: GPL-2.0 */
/*
 * htw: private wheels on virtual time.
 *
 * A private wheel has a time of its own, in nanoseconds, which stands still until
 * its owner calls htw_wheel_advance(). That call runs the callbacks of all timers
 * that become due, in the order of their ticks, and those of one tick in the order
 * of arming: the same calls give the same callbacks in the same order, always.
 *
 * There is no lock in here. The owner of a wheel sees to it that calls for it and
 * for its timers never run at the same time. Different wheels have nothing to do
 * with each other.
 */
#ifndef _LINUX_HTW_WHEEL_H
#define _LINUX_HTW_WHEEL_H

#include <linux/htw_types.h>
#include <linux/types.h>

#define HTW_WHEEL_MAX_LEVELS	8

struct htw_wheel;

/**
 * struct htw_wheel_params - what a private wheel is to be like
 * @start_ns: its time at the beginning, in ns
 * @tick_ns: its unit, in ns: a power of two up to 2^40; 0 for 2^17
 * @nr_levels: its levels, 1 to HTW_WHEEL_MAX_LEVELS; 0 for the levels and slots of
 *	the per-CPU wheels by default, and then all of @slots are 0
 * @slots: slots of each level, finest first: powers of two from 2 to 256; those
 *	beyond @nr_levels are 0
 *
 * All zeroes is a good choice. Which times a timer can have does not depend on it,
 * only memory and work: a timer that is further ahead than the levels reach waits
 * in the overflow, and is moved some times more.
 */
struct htw_wheel_params {
	u64		start_ns;
	u64		tick_ns;
	unsigned int	nr_levels;
	unsigned int	slots[HTW_WHEEL_MAX_LEVELS];
};

/**
 * struct htw_wheel_timer - a timer of a private wheel
 * @node: its place in the wheel
 * @wheel: the wheel in which it is pending; NULL if it is not
 * @expires: when it is due, in ns: use htw_wheel_timer_expires()
 * @seq: which arming of the wheel this was, for the order within a tick
 * @function: what it calls
 *
 * A type of its own, so that the compiler refuses it where a struct htw_timer is
 * meant. All members are private.
 */
struct htw_wheel_timer {
	struct htw_node		node;
	struct htw_wheel	*wheel;
	u64			expires;
	u64			seq;
	void			(*function)(struct htw_wheel *wheel,
					    struct htw_wheel_timer *timer);
};

/**
 * DEFINE_HTW_WHEEL_TIMER() - define a timer that is set up already
 * @_name: its name
 * @_function: its callback, as for htw_wheel_timer_setup()
 */
#define DEFINE_HTW_WHEEL_TIMER(_name, _function)			\
	struct htw_wheel_timer _name = { .function = (_function) }

/**
 * htw_wheel_timer_setup() - prepare a timer for its first use
 * @timer: the timer; it must not be pending
 * @function: called with the wheel and the timer when that expires, by whoever
 *	advances the wheel, and in that context. It may arm and cancel any timer of
 *	the wheel, this one included, and free this one.
 *
 * A timer that lives on the stack has to be cancelled before the function returns.
 *
 * Context: Any.
 */
static inline void
htw_wheel_timer_setup(struct htw_wheel_timer *timer,
		      void (*function)(struct htw_wheel *wheel,
				       struct htw_wheel_timer *timer))
{
	*timer = (struct htw_wheel_timer) { .function = function };
}

/**
 * htw_wheel_timer_pending() - is a timer armed?
 * @timer: the timer
 *
 * Context: Any.
 * Return: true from arming until the callback starts or the timer is cancelled.
 */
static inline bool
htw_wheel_timer_pending(const struct htw_wheel_timer *timer)
{
	return timer->wheel;
}

/**
 * htw_wheel_timer_expires() - when a timer is due
 * @timer: the timer
 *
 * A callback that arms its timer for htw_wheel_timer_expires() plus its period keeps
 * a period that does not drift.
 *
 * Context: Any.
 * Return: the time that it was last armed for, in ns, before slack and rounding;
 * 0 if it never was.
 */
static inline u64
htw_wheel_timer_expires(const struct htw_wheel_timer *timer)
{
	return timer->expires;
}

struct htw_wheel *htw_wheel_create(const struct htw_wheel_params *params);
int htw_wheel_destroy(struct htw_wheel *wheel);

int htw_wheel_schedule(struct htw_wheel *wheel, struct htw_wheel_timer *timer,
		       u64 expires_ns);
int htw_wheel_schedule_range(struct htw_wheel *wheel,
			     struct htw_wheel_timer *timer, u64 expires_ns,
			     u64 slack_ns, unsigned int flags);
int htw_wheel_cancel(struct htw_wheel_timer *timer);

s64 htw_wheel_advance(struct htw_wheel *wheel, u64 to_ns);
int htw_wheel_advance_some(struct htw_wheel *wheel, u64 to_ns,
			   unsigned int steps);

u64 htw_wheel_now(const struct htw_wheel *wheel);
bool htw_wheel_next_event(struct htw_wheel *wheel, u64 *event_ns);
u64 htw_wheel_pending(const struct htw_wheel *wheel);
u64 htw_wheel_overflow(const struct htw_wheel *wheel);
u64 htw_wheel_capacity_ns(const struct htw_wheel *wheel);
u64 htw_wheel_tick_ns(const struct htw_wheel *wheel);

#endif /* _LINUX_HTW_WHEEL_H */
