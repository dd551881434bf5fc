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
 * slack at the tick in its window at which it can best share an interrupt. One
 * with a deadline fires at a tick before it, and not earlier than its slack. An
 * expiry that is past, or nearer than the minimum gap (50 us by default), may have
 * to wait for that gap.
 */
#ifndef _LINUX_HTW_H
#define _LINUX_HTW_H

#include <linux/compiler.h>
#include <linux/htw_types.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/poison.h>
#include <linux/stringify.h>
#include <linux/types.h>

/* Flags of htw_timer_setup(). */
#define HTW_PINNED		0x01	/* stays on the CPU that arms it */

/* Flags of htw_schedule_range() and htw_schedule_bulk(). */
#define HTW_DEADLINE		0x02	/* not after its expiry */
#define HTW_COARSE		0x04	/* 12.5 % of the delay is slack */

/* What arming returns: bits. */
#define HTW_WAS_PENDING		0x01	/* an older arming was replaced */
#define HTW_LATE		0x02	/* a deadline that can't be kept */

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

/* For __htw_timer_setup() only. */
#define HTW_ON_STACK		0x80000000U

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
 * @_flags: 0 or %HTW_PINNED
 *
 * With %HTW_PINNED the callback runs on the CPU that last armed the timer, as long
 * as that is online. Without it a timer that is only moved later stays where it
 * is, and what is armed on an isolated CPU goes to another one.
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

/**
 * htw_timer_setup_on_stack() - prepare a timer that is a local variable
 * @_timer: the timer
 * @_function: as for htw_timer_setup()
 * @_flags: see htw_timer_setup()
 *
 * Before the function returns that has the timer on its stack, it has to end it with
 * htw_shutdown_sync() and then call htw_timer_destroy_on_stack().
 *
 * Context: Any.
 */
#define htw_timer_setup_on_stack(_timer, _function, _flags)		\
	htw_timer_setup(_timer, _function, (_flags) | HTW_ON_STACK)

#ifdef CONFIG_DEBUG_OBJECTS
void htw_timer_destroy_on_stack(struct htw_timer *timer);
#else
static inline void htw_timer_destroy_on_stack(struct htw_timer *timer) { }
#endif

#ifdef CONFIG_LOCKDEP
#define __HTW_TIMER_LOCKDEP_MAP						\
	.lockdep_map = STATIC_LOCKDEP_MAP_INIT(				\
		__FILE__ ":" __stringify(__LINE__),			\
		__FILE__ ":" __stringify(__LINE__)),
#else
#define __HTW_TIMER_LOCKDEP_MAP
#endif

/* What htw_node_init() makes of a node. */
#define __HTW_NODE_UNLINKED	0xff

#define __HTW_TIMER_INITIALIZER(_function)				\
	.node = {							\
		.entry = { .next = TIMER_ENTRY_STATIC },		\
		.row = __HTW_NODE_UNLINKED,				\
	},								\
	.function = (_function),					\
	__HTW_TIMER_LOCKDEP_MAP

/**
 * DEFINE_HTW_TIMER() - define a static timer that needs no htw_timer_setup()
 * @_name: the name of the variable
 * @_function: as for htw_timer_setup()
 */
#define DEFINE_HTW_TIMER(_name, _function)				\
	struct htw_timer _name = { __HTW_TIMER_INITIALIZER(_function) }

/**
 * struct htw_bulk - one timer of many, see htw_schedule_bulk()
 * @timer: the timer
 * @expires: see htw_schedule_range()
 * @slack_ns: see htw_schedule_range()
 * @flags: see htw_schedule_range()
 * @res: what the call for this timer alone would have returned
 */
struct htw_bulk {
	struct htw_timer	*timer;
	ktime_t			expires;
	u64			slack_ns;
	unsigned int		flags;
	int			res;
};

int htw_schedule(struct htw_timer *timer, s64 delay_ns);
int htw_schedule_at(struct htw_timer *timer, ktime_t expires);
int htw_schedule_range(struct htw_timer *timer, ktime_t expires, u64 slack_ns,
		       unsigned int flags);
int htw_schedule_on(struct htw_timer *timer, ktime_t expires, unsigned int cpu);
int htw_schedule_reduce(struct htw_timer *timer, ktime_t expires);
int htw_schedule_pending(struct htw_timer *timer, ktime_t expires);
size_t htw_schedule_bulk(struct htw_bulk *bulk, size_t n);

int htw_cancel(struct htw_timer *timer);
int htw_try_to_cancel_sync(struct htw_timer *timer);
int htw_cancel_sync(struct htw_timer *timer);
int htw_shutdown(struct htw_timer *timer);
int htw_shutdown_sync(struct htw_timer *timer);
size_t htw_cancel_bulk(struct htw_bulk *bulk, size_t n);

bool htw_pending(const struct htw_timer *timer);
ktime_t htw_expires(struct htw_timer *timer);
s64 htw_remaining(struct htw_timer *timer);
u64 htw_forward(struct htw_timer *timer, ktime_t now, ktime_t interval);

#endif /* _LINUX_HTW_H */
