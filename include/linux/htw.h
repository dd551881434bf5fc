/* SPDX-License-Identifier: GPL-2.0 */
/*
 * htw: timers on per-CPU hierarchical timing wheels.
 *
 * Set up a timer once with htw_timer_setup(), then arm it as often as you like
 * with htw_schedule() and its kin, from any context but NMI. Before its memory
 * goes, call htw_shutdown_sync().
 *
 * All times are nanoseconds of CLOCK_MONOTONIC. A timer never fires before its
 * expiry; it fires at the first tick (2^17 ns by default) after it, or with
 * slack at the tick in its window at which it can best share an interrupt. An
 * expiry that is past, or nearer than the minimum gap (50 us by default), may have
 * to wait for that gap.
 */
#ifndef _LINUX_HTW_H
#define _LINUX_HTW_H

#include <linux/compiler.h>
#include <linux/htw_types.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/types.h>

/**
 * struct htw_timer - a timer
 * @node: its place in a wheel, and its state: private to htw
 * @expires: when it is due, before slack and rounding: use htw_expires()
 * @function: what it calls, in softirq context
 * @lockdep_map: lets lockdep report htw_cancel_sync() under a lock that the
 *	callback takes
 *
 * 48 bytes on a 64-bit kernel without lockdep. All members are private.
 */
struct htw_timer {
	struct htw_node		node;
	u64			expires;
	void			(*function)(struct htw_timer *timer);
#ifdef CONFIG_LOCKDEP
	struct lockdep_map	lockdep_map;
#endif
};

void __htw_timer_setup(struct htw_timer *timer,
		       void (*function)(struct htw_timer *timer),
		       unsigned int flags, const char *name,
		       struct lock_class_key *key);

/**
 * htw_timer_setup() - prepare a timer for its first use
 * @_timer: the timer; it must not be armed
 * @_function: called with the timer when it expires, in softirq context with
 *	interrupts enabled (on PREEMPT_RT: in the thread that runs softirqs,
 *	preemptible, with bottom halves disabled). It may re-arm, cancel or free
 *	the timer.
 * @_flags: must be 0
 *
 * A timer that was shut down can be set up again.
 *
 * Context: Any.
 */
#ifdef CONFIG_LOCKDEP
#define htw_timer_setup(_timer, _function, _flags)			\
	do {								\
		static struct lock_class_key __key;			\
									\
		__htw_timer_setup((_timer), (_function), (_flags),	\
				  #_timer, &__key);			\
	} while (0)
#else
#define htw_timer_setup(_timer, _function, _flags)			\
	__htw_timer_setup((_timer), (_function), (_flags), NULL, NULL)
#endif

int htw_schedule(struct htw_timer *timer, s64 delay_ns);
int htw_schedule_at(struct htw_timer *timer, ktime_t expires);
int htw_schedule_range(struct htw_timer *timer, ktime_t expires, u64 slack_ns,
		       unsigned int flags);

int htw_cancel(struct htw_timer *timer);
int htw_cancel_sync(struct htw_timer *timer);
int htw_shutdown_sync(struct htw_timer *timer);

bool htw_pending(const struct htw_timer *timer);
ktime_t htw_expires(struct htw_timer *timer);
s64 htw_remaining(struct htw_timer *timer);

#endif /* _LINUX_HTW_H */
