// SPDX-License-Identifier: GPL-2.0
/*
 * Finding misuse.
 *
 * With CONFIG_DEBUG_OBJECTS the kernel keeps a record of every timer that was set
 * up: inactive, or active from arming until its callback starts or it is cancelled.
 * What does not fit is reported, and repaired so that the machine lives on and can
 * tell what it saw.
 *
 * The record of a timer has a pointer to our descriptor. It goes when the timer's
 * memory is freed, but not all memory tells debugobjects: per-CPU memory does not,
 * nor any with CONFIG_DEBUG_OBJECTS_FREE off, nor a stack frame whose owner forgot
 * htw_timer_destroy_on_stack(). Such a record outlives us, and is found again when
 * something else comes to lie at that address. So the descriptor of a module is
 * never freed; unloading takes the functions out of it, which are what can't stay.
 * A debug kernel loses a hundred bytes each time.
 */
#include "debug.h"

#include <linux/bug.h>
#include <linux/debugobjects.h>
#include <linux/kmemleak.h>
#include <linux/poison.h>
#include <linux/slab.h>

#include "base.h"

#ifdef CONFIG_DEBUG_OBJECTS

#define DESCR_NAME	"htw_timer"

static const struct debug_obj_descr timer_descr;

/* If htw is built in, timers can be set up before it is initialised. */
static const struct debug_obj_descr *descr __read_mostly = &timer_descr;

static void *timer_hint(void *addr)
{
	return htw_timer_hint(addr);
}

static bool timer_is_static(void *addr)
{
	struct htw_timer *timer = addr;

	return !timer->node.entry.prev &&
	       timer->node.entry.next == TIMER_ENTRY_STATIC;
}

/* Memory may be freed with interrupts disabled, where waiting is not allowed. */
static void disarm(struct htw_timer *timer)
{
	if (irqs_disabled())
		htw_cancel(timer);
	else
		htw_cancel_sync(timer);
	/*
	 * If the memory was overwritten, the timer did not look armed just now. An
	 * object that is active nevertheless would be reported for ever.
	 */
	debug_object_deactivate(timer, descr);
}

static bool fixup_init(void *addr, enum debug_obj_state state)
{
	if (state != ODEBUG_STATE_ACTIVE)
		return false;
	disarm(addr);
	debug_object_init(addr, descr);
	return true;
}

static bool fixup_free(void *addr, enum debug_obj_state state)
{
	if (state != ODEBUG_STATE_ACTIVE)
		return false;
	disarm(addr);
	debug_object_free(addr, descr);
	return true;
}

static void never_set_up(struct htw_timer *timer)
{
	WARN_ONCE(1, "htw: a timer that was never set up has expired\n");
}

static bool fixup_assert_init(void *addr, enum debug_obj_state state)
{
	static struct lock_class_key key;

	if (state != ODEBUG_STATE_NOTAVAILABLE)
		return false;
	__htw_timer_setup(addr, never_set_up, 0, "htw: never set up", &key);
	return true;
}

static const struct debug_obj_descr timer_descr = {
	.name			= DESCR_NAME,
	.debug_hint		= timer_hint,
	.is_static_object	= timer_is_static,
	.fixup_init		= fixup_init,
	.fixup_free		= fixup_free,
	.fixup_assert_init	= fixup_assert_init,
};

#ifdef MODULE
static struct lasting {
	struct debug_obj_descr	descr;
	char			name[sizeof(DESCR_NAME)];
} *lasting;

/**
 * htw_debug_init() - before the first timer is set up
 *
 * Return: 0, or -ENOMEM.
 */
int htw_debug_init(void)
{
	lasting = kmalloc(sizeof(*lasting), GFP_KERNEL);
	if (!lasting)
		return -ENOMEM;
	kmemleak_not_leak(lasting);
	lasting->descr = timer_descr;
	strscpy(lasting->name, DESCR_NAME, sizeof(lasting->name));
	lasting->descr.name = lasting->name;
	descr = &lasting->descr;
	return 0;
}

/**
 * htw_debug_exit() - after the last consumer has gone
 */
void htw_debug_exit(void)
{
	lasting->descr = (struct debug_obj_descr) { .name = lasting->name };
}
#else
int htw_debug_init(void)
{
	return 0;
}

void htw_debug_exit(void)
{
}
#endif

/**
 * htw_debug_setup() - a timer is going to be set up
 * @timer: the timer, which must not be armed
 * @on_stack: is it on the stack?
 */
void htw_debug_setup(struct htw_timer *timer, bool on_stack)
{
	if (on_stack)
		debug_object_init_on_stack(timer, descr);
	else
		debug_object_init(timer, descr);
}

/**
 * htw_debug_assert_setup() - a timer is going to be used
 * @timer: the timer
 *
 * One that is all zeroes can't be armed anyway, and error paths may cancel it.
 */
void htw_debug_assert_setup(struct htw_timer *timer)
{
	if (READ_ONCE(timer->function))
		debug_object_assert_init(timer, descr);
}

/**
 * htw_debug_activate() - a timer that is not pending is going to be
 * @timer: the timer
 *
 * Context: Under the lock of its base.
 */
void htw_debug_activate(struct htw_timer *timer)
{
	debug_object_activate(timer, descr);
}

/**
 * htw_debug_deactivate() - a timer is no longer pending
 * @timer: the timer
 *
 * Context: Under the lock of its base.
 */
void htw_debug_deactivate(struct htw_timer *timer)
{
	debug_object_deactivate(timer, descr);
}

/**
 * htw_timer_destroy_on_stack() - a timer on the stack is about to vanish
 * @timer: the timer, which must be neither armed nor running
 *
 * Context: Any.
 */
void htw_timer_destroy_on_stack(struct htw_timer *timer)
{
	debug_object_free(timer, descr);
}
EXPORT_SYMBOL_GPL(htw_timer_destroy_on_stack);

#endif /* CONFIG_DEBUG_OBJECTS */

#ifdef CONFIG_LOCKDEP
/*
 * The lock stays locked, as nobody knows how to unlock it; but the task that the
 * softirq happened to run on must not be blamed for it.
 */
static void forget_lock(void)
{
	struct held_lock *held;

	held = &current->held_locks[current->lockdep_depth - 1];
	pr_err("  %s\n", held->instance->name);
	lock_release(held->instance, _THIS_IP_);
}

/**
 * htw_debug_locks_leaked() - a callback has returned with locks held
 * @function: the callback
 * @before: how many were held before it
 */
void htw_debug_locks_leaked(void (*function)(struct htw_timer *timer),
			    int before)
{
	WARN_ONCE(1, "htw: %ps returned with locks held:\n", function);
	while (lockdep_depth(current) > before)
		forget_lock();
}
#endif

/**
 * htw_debug_preempt_leaked() - a callback has changed preempt_count
 * @function: the callback
 * @before: what it was
 *
 * Puts it right again. If a lock is behind it, that is bad luck, but not worse than
 * what would come of it otherwise.
 */
void htw_debug_preempt_leaked(void (*function)(struct htw_timer *timer),
			      int before)
{
	WARN_ONCE(1, "htw: %ps leaked preempt_count: %08x before, %08x after\n",
		  function, before, preempt_count());
	preempt_count_set(before);
}

/**
 * htw_debug_irqs_leaked() - a callback has returned with interrupts disabled
 * @function: the callback
 */
void htw_debug_irqs_leaked(void (*function)(struct htw_timer *timer))
{
	WARN_ONCE(1, "htw: %ps returned with interrupts disabled\n", function);
	local_irq_enable();
}
