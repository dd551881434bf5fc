// SPDX-License-Identifier: GPL-2.0
/*
 * Timers for other modules.
 *
 * Whose timer it is
 * -----------------
 *
 * A timer belongs to the base that its owner word names, pending or not, and is
 * touched only under the lock of that base. lock_timer() reads the word, locks,
 * and looks again.
 *
 * Moving a timer
 * --------------
 *
 * Arming puts a timer on the local base, unless it only moves a pending one later
 * (then it stays where it is: one store) or its callback is running (then it stays
 * so that htw_cancel_sync() has one base to watch, and so that no callback runs
 * twice at once). The two locks are not nested; in between the word says MIGRATING:
 *
 *	CPU 0, arms				CPU 1, cancels
 *
 *	lock base 1
 *	  take the timer off wheel 1
 *	  owner = 1 | MIGRATING
 *	unlock base 1				reads owner: MIGRATING, spins
 *	lock base 0				(not for long: CPU 0 has interrupts
 *	  owner = 0				 disabled)
 *	  put the timer on wheel 0		reads owner: 0
 *	unlock base 0				lock base 0
 *						  owner is still 0: take it off
 *
 * PENDING stays set meanwhile, so htw_pending() sees no gap.
 *
 * Lifetime rules
 * --------------
 *
 * The memory of a timer is the caller's. htw does not touch it once the timer is
 * neither pending nor running, nor after its callback has returned, so a callback
 * may free it. Everybody else calls htw_shutdown_sync() first.
 */
#include "base.h"

#include <linux/build_bug.h>
#include <linux/export.h>
#include <linux/preempt.h>
#include <linux/sched.h>

/* People embed a timer in each of a million objects. */
#ifndef CONFIG_LOCKDEP
static_assert(sizeof(struct htw_timer) <= 48);
#endif

/**
 * __htw_timer_setup() - see htw_timer_setup()
 * @timer: the timer
 * @function: its callback
 * @flags: must be 0
 * @name: for lockdep
 * @key: for lockdep
 *
 * Context: Any.
 */
void __htw_timer_setup(struct htw_timer *timer,
		       void (*function)(struct htw_timer *timer),
		       unsigned int flags, const char *name,
		       struct lock_class_key *key)
{
	WARN_ONCE(flags, "htw: unknown flags %#x for %ps\n", flags, function);

	htw_node_init(&timer->node);
	timer->node.owner = raw_smp_processor_id();
	timer->expires = 0;
	timer->function = function;
	lockdep_init_map(&timer->lockdep_map, name, key, 0);
}
EXPORT_SYMBOL_GPL(__htw_timer_setup);

static struct htw_base *lock_timer(struct htw_timer *timer,
				   unsigned long *flags)
	__acquires(base->lock)
{
	const u32 mask = HTW_OWNER_CPU | HTW_OWNER_MIGRATING;
	struct htw_base *base;
	u32 owner;

	for (;;) {
		owner = READ_ONCE(timer->node.owner);
		if (!(owner & HTW_OWNER_MIGRATING)) {
			base = htw_base_of_cpu(owner & HTW_OWNER_CPU);
			raw_spin_lock_irqsave(&base->lock, *flags);
			if (!((owner ^ timer->node.owner) & mask))
				return base;
			raw_spin_unlock_irqrestore(&base->lock, *flags);
		}
		cpu_relax();
	}
}

static bool is_pending(const struct htw_timer *timer)
{
	return timer->node.owner & HTW_OWNER_PENDING;
}

static void set_owner(struct htw_timer *timer, u32 clear, u32 set)
{
	/* Read without a lock by lock_timer() and htw_pending(). */
	WRITE_ONCE(timer->node.owner, (timer->node.owner & ~clear) | set);
}

static u64 choose_tick(const struct htw_base *base, u64 expires, u64 slack)
{
	const struct htw_wheel *wheel = base->wheel;
	u64 tick = htw_tick_after(wheel->tick_shift, expires);
	u64 latest;

	tick = htw_wheel_due(wheel, tick);
	if (!slack)
		return tick;
	latest = expires + slack < expires ? U64_MAX : expires + slack;
	return htw_best_tick(tick, htw_tick_before(wheel->tick_shift, latest));
}

/* Takes a pending timer off its wheel; the lock of its base is held. */
static void detach(struct htw_base *base, struct htw_timer *timer)
{
	htw_wheel_remove(base->wheel, &timer->node);
	set_owner(timer, HTW_OWNER_PENDING, 0);
}

/*
 * From the base that the timer is on to the one that it is to be armed on, see
 * "Moving a timer". Returns that one locked, instead of @base.
 */
static struct htw_base *move_to_local(struct htw_base *base,
				      struct htw_timer *timer)
	__must_hold(base->lock)
{
	if (base->running == timer)
		return base;
	if (base->cpu == smp_processor_id() && base->online)
		return base;

	if (is_pending(timer))
		htw_wheel_remove(base->wheel, &timer->node);
	set_owner(timer, 0, HTW_OWNER_MIGRATING);
	raw_spin_unlock(&base->lock);

	base = htw_base_lock_online();
	set_owner(timer, HTW_OWNER_CPU | HTW_OWNER_MIGRATING, base->cpu);
	return base;
}

/*
 * Arms a timer for which a single store does not do. Returns the base that it is on
 * now, locked instead of @base.
 */
static struct htw_base *arm_slowly(struct htw_base *base,
				   struct htw_timer *timer,
				   u64 expires, u64 slack, bool *kick)
{
	struct htw_base *to = move_to_local(base, timer);
	u64 tick = choose_tick(to, expires, slack);

	if (htw_node_pending(&timer->node))
		htw_wheel_move(to->wheel, &timer->node, tick);
	else
		htw_wheel_insert(to->wheel, &timer->node, tick);
	timer->expires = expires;
	set_owner(timer, 0, HTW_OWNER_PENDING);
	*kick = htw_base_program(to, tick);
	return to;
}

static bool push_later(struct htw_base *base, struct htw_timer *timer,
		       u64 expires, u64 slack)
{
	if (!htw_wheel_push(&timer->node, choose_tick(base, expires, slack)))
		return false;
	timer->expires = expires;
	return true;
}

static int arm(struct htw_timer *timer, u64 expires, u64 slack)
{
	struct htw_base *base;
	unsigned long flags;
	bool kick = false;
	int ret;

	if (WARN_ON_ONCE(!timer->function))
		return -EINVAL;
	if (unlikely(!htw_base_ready()))
		return -ENODEV;

	base = lock_timer(timer, &flags);
	ret = is_pending(timer);
	if (timer->node.owner & HTW_OWNER_SHUTDOWN)
		ret = -ESHUTDOWN;
	else if (!ret || !push_later(base, timer, expires, slack))
		base = arm_slowly(base, timer, expires, slack, &kick);
	raw_spin_unlock_irqrestore(&base->lock, flags);
	if (kick)
		htw_base_kick(base);
	return ret;
}

/**
 * htw_schedule() - arm a timer, relative to now
 * @timer: the timer
 * @delay_ns: how long from now, in ns; zero and less mean as soon as possible
 *
 * If the timer is pending, this arming replaces the older one. A callback may
 * re-arm its own timer, which then runs in a later pass.
 *
 * Context: Any but NMI. Neither sleeps nor allocates.
 * Return:
 * * 0			- armed; the timer was not pending
 * * 1			- armed; the timer was pending, its old arming never fires
 * * %-ESHUTDOWN	- the timer was shut down; nothing has changed
 * * %-EINVAL		- the timer is all zeroes: it was never set up; the kernel
 *   warns once
 * * %-ENODEV		- htw is built into the kernel and not initialised yet
 */
int htw_schedule(struct htw_timer *timer, s64 delay_ns)
{
	u64 now = ktime_get();

	/* The sum of two numbers below 2^63 does not wrap a u64. */
	return arm(timer, now + (delay_ns > 0 ? delay_ns : 0), 0);
}
EXPORT_SYMBOL_GPL(htw_schedule);

/**
 * htw_schedule_at() - arm a timer for a time
 * @timer: the timer
 * @expires: when, on CLOCK_MONOTONIC; what is past means as soon as possible
 *
 * If the timer is pending, this arming replaces the older one.
 *
 * Context: Any but NMI. Neither sleeps nor allocates.
 * Return: as htw_schedule().
 */
int htw_schedule_at(struct htw_timer *timer, ktime_t expires)
{
	return arm(timer, expires > 0 ? expires : 0, 0);
}
EXPORT_SYMBOL_GPL(htw_schedule_at);

/**
 * htw_schedule_range() - arm a timer for a time, with slack
 * @timer: the timer
 * @expires: the earliest time, on CLOCK_MONOTONIC
 * @slack_ns: how much later than @expires the timer may fire, in ns
 * @flags: must be 0
 *
 * Of the ticks from @expires to @expires + @slack_ns the roundest is taken, at
 * which the timer meets others that have slack too and shares their interrupt:
 * the cheapest thing that can be done for the machine. If no tick lies in between,
 * it is the first one after.
 *
 * Context: Any but NMI. Neither sleeps nor allocates.
 * Return: as htw_schedule(), and %-EINVAL for unknown @flags.
 */
int htw_schedule_range(struct htw_timer *timer, ktime_t expires, u64 slack_ns,
		       unsigned int flags)
{
	if (flags)
		return -EINVAL;
	return arm(timer, expires > 0 ? expires : 0, slack_ns);
}
EXPORT_SYMBOL_GPL(htw_schedule_range);

/**
 * htw_cancel() - disarm a timer
 * @timer: the timer
 *
 * Does not wait for the callback: if the timer has just expired it may be running,
 * or about to run on another CPU. See htw_cancel_sync().
 *
 * Context: Any but NMI. Neither sleeps nor allocates.
 * Return: 1 if the timer was pending, and now this arming never fires; else 0.
 */
int htw_cancel(struct htw_timer *timer)
{
	struct htw_base *base;
	unsigned long flags;
	int ret = 0;

	if (!htw_pending(timer))
		return 0;
	base = lock_timer(timer, &flags);
	if (is_pending(timer)) {
		detach(base, timer);
		ret = 1;
	}
	raw_spin_unlock_irqrestore(&base->lock, flags);
	return ret;
}
EXPORT_SYMBOL_GPL(htw_cancel);

enum sync_state {
	SYNC_IDLE,		/* the callback is not running */
	SYNC_RUNNING,		/* it is */
	SYNC_SELF,		/* it is, and has called us */
};

/* Who else would be in a softirq on the task that runs the pass. */
static enum sync_state sync_state(const struct htw_base *base,
				  const struct htw_timer *timer)
{
	if (base->running != timer)
		return SYNC_IDLE;
	if (base->running_task == current && in_serving_softirq())
		return SYNC_SELF;
	return SYNC_RUNNING;
}

/*
 * If lockdep points here, the caller holds a lock that the timer's callback takes:
 * each can wait for the other for ever.
 */
static void sync_acquire(struct htw_timer *timer)
{
#ifdef CONFIG_LOCKDEP
	unsigned long flags;

	local_irq_save(flags);
	lock_map_acquire(&timer->lockdep_map);
	lock_map_release(&timer->lockdep_map);
	local_irq_restore(flags);
#endif
}

static int cancel_sync(struct htw_timer *timer, u32 set)
{
	enum sync_state state;
	struct htw_base *base;
	unsigned long flags;
	int ret = 0;

	/* It could be on top of the callback that it would wait for. */
	WARN_ON_ONCE(in_hardirq());

	for (;;) {
		base = lock_timer(timer, &flags);
		set_owner(timer, 0, set);
		state = sync_state(base, timer);
		/*
		 * What was armed while the callback runs is taken back when it
		 * has ended. To do it now, and again for what is armed until
		 * then, would be two armings cancelled and one told.
		 */
		if (state != SYNC_RUNNING && is_pending(timer)) {
			detach(base, timer);
			ret = 1;
		}
		raw_spin_unlock_irqrestore(&base->lock, flags);

		if (state == SYNC_SELF)
			return -EDEADLK;
		sync_acquire(timer);
		if (state == SYNC_IDLE)
			return ret;
		htw_base_wait_running(base);
	}
}

/**
 * htw_cancel_sync() - disarm a timer and wait for its callback to end
 * @timer: the timer
 *
 * On return the timer is not pending and its callback is running nowhere, unless
 * somebody else has armed it meanwhile; if there can be somebody else, what you
 * want is htw_shutdown_sync(). A callback that re-arms its timer does not keep it
 * from ending.
 *
 * The caller must not hold a lock that the callback takes, nor have anything
 * disabled that the callback waits for. From the timer's own callback this
 * disarms the timer and returns at once.
 *
 * Context: Task or softirq, with interrupts enabled. Spins while the callback is
 * running on another CPU; on PREEMPT_RT it sleeps.
 * Return:
 * * 1		- an arming was pending, which now never fires; it may be one that the
 *   callback, which was running, had just made
 * * 0		- none was pending
 * * %-EDEADLK	- called from the timer's own callback: disarmed, but still running
 */
int htw_cancel_sync(struct htw_timer *timer)
{
	return cancel_sync(timer, 0);
}
EXPORT_SYMBOL_GPL(htw_cancel_sync);

/**
 * htw_shutdown_sync() - end a timer for good, before its memory is freed
 * @timer: the timer
 *
 * Like htw_cancel_sync(), and from now on arming the timer fails with -ESHUTDOWN,
 * whoever tries, until it is set up again.
 *
 * Context: Task or softirq, with interrupts enabled. Spins while the callback is
 * running on another CPU; on PREEMPT_RT it sleeps.
 * Return:
 * * 1		- an arming was pending, which now never fires
 * * 0		- none was pending
 * * %-EDEADLK	- called from the timer's own callback: shut down, but still
 *   running; the memory may be freed all the same, by this callback
 */
int htw_shutdown_sync(struct htw_timer *timer)
{
	return cancel_sync(timer, HTW_OWNER_SHUTDOWN);
}
EXPORT_SYMBOL_GPL(htw_shutdown_sync);

/**
 * htw_pending() - is a timer armed?
 * @timer: the timer
 *
 * Context: Any. Without a lock the answer may be old when it arrives.
 * Return: true from arming until the callback starts or the timer is cancelled.
 */
bool htw_pending(const struct htw_timer *timer)
{
	return READ_ONCE(timer->node.owner) & HTW_OWNER_PENDING;
}
EXPORT_SYMBOL_GPL(htw_pending);

/**
 * htw_expires() - when a timer is due
 * @timer: the timer
 *
 * A callback that calls htw_schedule_at() with htw_expires() plus its period keeps
 * a period that does not drift.
 *
 * Context: Any but NMI.
 * Return: the time that it was last armed for, before slack and rounding; 0 if it
 * never was.
 */
ktime_t htw_expires(struct htw_timer *timer)
{
	struct htw_base *base;
	unsigned long flags;
	u64 expires;

	/* Two loads on a 32-bit machine. */
	base = lock_timer(timer, &flags);
	expires = timer->expires;
	raw_spin_unlock_irqrestore(&base->lock, flags);
	return min_t(u64, expires, KTIME_MAX);
}
EXPORT_SYMBOL_GPL(htw_expires);

/**
 * htw_remaining() - how long until a timer is due
 * @timer: the timer
 *
 * Context: Any but NMI.
 * Return: ns until its expiry, less than 0 if that is past and the callback has not
 * started; 0 if it is not pending.
 */
s64 htw_remaining(struct htw_timer *timer)
{
	struct htw_base *base;
	unsigned long flags;
	s64 remaining = 0;

	base = lock_timer(timer, &flags);
	if (is_pending(timer))
		remaining = min_t(u64, timer->expires, KTIME_MAX) - ktime_get();
	raw_spin_unlock_irqrestore(&base->lock, flags);
	return remaining;
}
EXPORT_SYMBOL_GPL(htw_remaining);
