/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What finds misuse of timers. On a kernel without CONFIG_DEBUG_OBJECTS and
 * CONFIG_LOCKDEP two comparisons per callback are left of it.
 */
#ifndef _HTW_DEBUG_H
#define _HTW_DEBUG_H

#include <linux/htw.h>
#include <linux/irqflags.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/sched.h>

#ifdef CONFIG_DEBUG_OBJECTS
int htw_debug_init(void);
void htw_debug_exit(void);
void htw_debug_setup(struct htw_timer *timer, bool on_stack);
void htw_debug_assert_setup(struct htw_timer *timer);
void htw_debug_activate(struct htw_timer *timer);
void htw_debug_deactivate(struct htw_timer *timer);
#else
static inline int htw_debug_init(void) { return 0; }
static inline void htw_debug_exit(void) { }
static inline void htw_debug_setup(struct htw_timer *timer, bool on_stack) { }
static inline void htw_debug_assert_setup(struct htw_timer *timer) { }
static inline void htw_debug_activate(struct htw_timer *timer) { }
static inline void htw_debug_deactivate(struct htw_timer *timer) { }
#endif

/**
 * struct htw_callback_state - what a callback has to leave as it found it
 * @preempt_count: see preempt_count()
 * @nr_locks: how many locks the task holds, as far as lockdep counts
 */
struct htw_callback_state {
	int	preempt_count;
	int	nr_locks;
};

void htw_debug_locks_leaked(void (*function)(struct htw_timer *timer),
			    int before);
void htw_debug_preempt_leaked(void (*function)(struct htw_timer *timer),
			      int before);
void htw_debug_irqs_leaked(void (*function)(struct htw_timer *timer));

static inline struct htw_callback_state htw_debug_before_callback(void)
{
	return (struct htw_callback_state) {
		.preempt_count = preempt_count(),
		.nr_locks = lockdep_depth(current),
	};
}

/**
 * htw_debug_after_callback() - what has a callback left behind?
 * @before: what htw_debug_before_callback() said
 * @function: the callback; its timer may be gone
 *
 * Always there: a leaked preempt_count kills the machine somewhere else, where
 * nobody would think of a timer. It costs a load, a comparison and the reading of
 * the interrupt flag.
 *
 * Lockdep counts no locks any more once it has reported something: hence fewer are
 * no leak.
 */
static inline void
htw_debug_after_callback(const struct htw_callback_state *before,
			 void (*function)(struct htw_timer *timer))
{
	if (IS_ENABLED(CONFIG_LOCKDEP) &&
	    unlikely(lockdep_depth(current) > before->nr_locks))
		htw_debug_locks_leaked(function, before->nr_locks);
	if (unlikely(preempt_count() != before->preempt_count))
		htw_debug_preempt_leaked(function, before->preempt_count);
	if (unlikely(irqs_disabled()))
		htw_debug_irqs_leaked(function);
}

#endif /* _HTW_DEBUG_H */
