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
 * Arming puts a timer on the local base (htw_schedule_on(): on that of a CPU), unless
 * it only moves a pending one later (then it stays where it is: one store) or its
 * callback is running (see below). The two locks are not nested; in between the word
 * says MIGRATING:
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
 * A timer whose callback is running stays on the base on which it runs, so that
 * htw_cancel_sync() has one base to watch, and no callback runs twice at once. If it is
 * armed for another CPU meanwhile, it is put on this base's wheel all the same, and
 * base->running_goes_to says where to. When the callback has returned, the pass moves it:
 *
 *	base 1, runs the callback		CPU 0
 *
 *						lock base 1
 *						  it is running: put it on wheel 1
 *						  running_goes_to = base 2
 *						unlock base 1
 *	the callback returns
 *	lock base 1
 *	  running = NULL
 *	  running_goes_to is set:
 *	  move the timer to base 2
 *
 * The callback may have freed the timer. But then it was cancelled first, and whoever
 * takes the running timer off the wheel, or arms it for elsewhere, clears
 * running_goes_to under the lock of base 1. So if it is set when the callback has
 * returned the timer is pending, and its memory is there. And htw_cancel_sync() on
 * CPU 0 finds it either on base 1, still running, or on base 2 when the callback has
 * returned.
 *
 * Steps of a model
 * ----------------
 *
 * T1 and so on, beside statements here and in base.c, are the steps of timer.pml in
 * tools/testing/models: whoever changes one has to change the other.
 *
 * Lifetime rules
 * --------------
 *
 * The memory of a timer is the caller's. htw does not touch it once the timer is
 * neither pending nor running, nor after its callback has returned, so a callback
 * may free it. Everybody else calls htw_shutdown_sync() first.
 */
#include "base.h"

#include "trace.h"

#include <linux/build_bug.h>
#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/sched.h>

#include "debug.h"

/* People embed a timer in each of a million objects. */
#ifndef CONFIG_LOCKDEP
static_assert(sizeof(struct htw_timer) <= 48);
#endif

/* DEFINE_HTW_TIMER() does what htw_timer_setup() does. */
static_assert(__HTW_NODE_UNLINKED == HTW_ROW_NONE);

/**
 * __htw_timer_setup() - see htw_timer_setup()
 * @timer: the timer
 * @function: its callback
 * @flags: 0 or %HTW_PINNED
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
	htw_debug_setup(timer, flags & HTW_ON_STACK);
	flags &= ~HTW_ON_STACK;
	WARN_ONCE(flags & ~HTW_PINNED, "htw: unknown flags %#x for %ps\n",
		  flags, function);

	htw_node_init(&timer->node);
	timer->node.owner = raw_smp_processor_id();
	if (flags & HTW_PINNED)
		timer->node.owner |= HTW_OWNER_PINNED;
	timer->expires = 0;
	timer->function = function;
	lockdep_init_map(&timer->lockdep_map, name, key, 0);
}
EXPORT_SYMBOL_GPL(__htw_timer_setup);

/* With interrupts disabled. */
static __always_inline struct htw_base *lock_owner(struct htw_timer *timer)
	__acquires(base->lock)
{
	const u32 mask = HTW_OWNER_CPU | HTW_OWNER_MIGRATING;
	struct htw_base *base;
	u32 owner;

	htw_debug_assert_setup(timer);
	for (;;) {
		owner = READ_ONCE(timer->node.owner); /* T1 */
		/* On one CPU nobody could change it, or be half way. */
		if (!IS_ENABLED(CONFIG_SMP) ||
		    likely(!(owner & HTW_OWNER_MIGRATING))) { /* T2 */
			base = htw_base_of_cpu(owner & HTW_OWNER_CPU);
			raw_spin_lock(&base->lock); /* T3 */
			if (!IS_ENABLED(CONFIG_SMP) ||
			    likely(!((owner ^ timer->node.owner) & mask))) /* T4 */
				return base;
			raw_spin_unlock(&base->lock);
		}
		cpu_relax();
	}
}

static __always_inline struct htw_base *lock_timer(struct htw_timer *timer,
						   unsigned long *flags)
	__acquires(base->lock)
{
	local_irq_save(*flags);
	return lock_owner(timer);
}

static bool is_pending(const struct htw_timer *timer)
{
	return timer->node.owner & HTW_OWNER_PENDING;
}

static void set_owner(struct htw_timer *timer, u32 clear, u32 set)
{
	/* Read without a lock by lock_owner() and htw_pending(). */
	WRITE_ONCE(timer->node.owner, (timer->node.owner & ~clear) | set);
}

/* Takes a pending timer off its wheel; the lock of its base is held. */
static __always_inline void detach(struct htw_base *base,
				   struct htw_timer *timer)
{
	if (unlikely(base->running == timer))
		base->running_goes_to = NULL; /* T8 */
	htw_wheel_remove(base->wheel, &timer->node);
	set_owner(timer, HTW_OWNER_PENDING, 0); /* T9 */
	htw_debug_deactivate(timer);
	htw_count(&base->stats.cancels);
	trace_htw_cancel(timer);
}

/* Which timers an arming is for. */
enum arm_rule {
	ARM_ANY,
	ARM_PENDING,		/* one that is pending */
	ARM_EARLIER,		/* one that is not pending, or due later */
};

/**
 * struct arming - what somebody wants of a timer
 * @expires: when it is due, as htw_expires() will say
 * @earliest: when it may fire, in ns
 * @latest: until when it should fire, in ns
 * @on: the base that it is to be put on; NULL: the local one
 * @now: the clock, if it has been read; else 0
 * @rule: which timers are armed at all
 * @deadline: whoever arms wants to know if @latest can't be kept
 */
struct arming {
	u64			expires;
	u64			earliest;
	u64			latest;
	struct htw_base		*on;
	u64			now;
	enum arm_rule		rule;
	bool			deadline;
};

/* The tick may be past: the wheel then takes the next one. */
static __always_inline u64 choose_tick(const struct htw_base *base,
				       const struct arming *arming)
{
	/* As htw_tick_after(), of what is far from the end of u64. */
	u64 tick = (arming->earliest + base->tick_mask) >> base->tick_shift;

	if (arming->latest <= arming->earliest)
		return tick;
	return htw_best_tick(htw_wheel_due(base->wheel, tick),
			     htw_tick_before(base->tick_shift, arming->latest));
}

/* Does it matter on which CPU the timer fires? */
static __always_inline bool is_strict(const struct htw_timer *timer,
				      const struct arming *arming)
{
	return arming->on || timer->node.owner & HTW_OWNER_PINNED;
}

/* May a timer that is only moved later stay where it is? */
static __always_inline bool may_stay(const struct htw_base *base,
				     const struct htw_timer *timer,
				     const struct arming *arming)
{
	if (likely(!is_strict(timer, arming)))
		return true;
	/* A running one may have been told to go away. */
	return base == (arming->on ?: this_cpu_ptr(&htw_bases)) &&
	       base->running != timer;
}

/* Is a timer that is not pending on the base that it is to be armed on? */
static __always_inline bool is_here(const struct htw_base *base,
				    const struct htw_timer *timer,
				    const struct arming *arming)
{
	return !arming->on && base == this_cpu_ptr(&htw_bases) &&
	       likely(base->takes_local);
}

/*
 * From the base that the timer is on to the one that it is to be armed on, see
 * "Moving a timer". Returns the one that it is on now, locked instead of @base.
 */
static struct htw_base *bring(struct htw_base *base, struct htw_timer *timer,
			      struct htw_base *to, bool strict)
	__must_hold(base->lock)
{
	/* htw_schedule_on() has seen a CPU that may have gone since. */
	if (base->running != timer && (base != to || unlikely(!base->online))) /* T18 */
		return htw_base_move_timer(base, timer, to);
	if (base->running == timer)
		base->running_goes_to = strict && base != to ? to : NULL; /* T19 */
	return base;
}

static bool misses(const struct htw_base *base, const struct htw_timer *timer,
		   const struct arming *arming)
{
	return timer->node.tick >
	       htw_tick_before(base->tick_shift, arming->latest);
}

/* Why a timer that is not pending can't be armed; 0 if it can. */
static __always_inline int refusal(const struct htw_timer *timer)
{
	if (unlikely(timer->node.owner & HTW_OWNER_SHUTDOWN)) /* T17 */
		return -ESHUTDOWN;
	/* It says that it sits in a slot: it is all zeroes. */
	if (unlikely(htw_node_pending(&timer->node)))
		return -EINVAL;
	return 0;
}

/* Into the wheel of its base, in which it may be already. */
static __always_inline void put(struct htw_base *base, struct htw_timer *timer,
				const struct arming *arming)
{
	u64 tick;

	/* What is round enough for its distance is so from the present tick. */
	if (unlikely(arming->now))
		htw_base_catch_up(base, arming->now);
	tick = choose_tick(base, arming);
	if (htw_node_pending(&timer->node)) {
		tick = htw_wheel_move(base->wheel, &timer->node, tick);
		htw_count(&base->stats.moves);
	} else {
		if (!is_pending(timer))
			htw_debug_activate(timer);
		tick = htw_wheel_insert(base->wheel, &timer->node, tick); /* T14 */
		set_owner(timer, 0, HTW_OWNER_PENDING); /* T15 */
		htw_count(&base->stats.inserts);
	}
	if (unlikely(tick < base->wake_tick))
		htw_base_program(base, tick);
}

/*
 * Wherever the timer is, and wherever it is to go. Returns its base, locked instead
 * of @base, or NULL: there is none to arm on. Takes @arming by value so that who
 * seldom calls this need not have it in memory.
 */
static noinline struct htw_base *arm_slowly(struct htw_base *base,
					    struct htw_timer *timer,
					    struct arming arming)
	__must_hold(base->lock)
{
	bool strict = is_strict(timer, &arming);
	struct htw_base *to = arming.on ?: htw_base_here(strict);

	if (!to)
		return NULL;
	base = bring(base, timer, to, strict);
	put(base, timer, &arming);
	return base;
}

/*
 * The one way to arm a timer. @base, which is its own, is locked; on return it is
 * the one that the timer belongs to now, locked. What happens all the time is all
 * here: a timer that is moved later, and a new one on the local base.
 */
static __always_inline int arm_locked(struct htw_base **base,
				      struct htw_timer *timer,
				      const struct arming *arming)
{
	bool pending = is_pending(timer);
	unsigned int how = pending ? HTW_ARM_MOVE : HTW_ARM_NEW;
	struct htw_base *other;
	int ret = 0;
	u64 tick;

	if (pending) {
		tick = choose_tick(*base, arming);
		if (arming->rule == ARM_EARLIER && tick >= timer->node.tick)
			return HTW_WAS_PENDING;
		if (likely(may_stay(*base, timer, arming) &&
			   htw_wheel_push(&timer->node, tick))) { /* T16 */
			how = HTW_ARM_PUSH;
			htw_count(&(*base)->stats.pushes);
			goto armed;
		}
	} else {
		ret = refusal(timer);
		if (unlikely(ret) || arming->rule == ARM_PENDING)
			return ret;
		if (is_here(*base, timer, arming)) {
			put(*base, timer, arming);
			goto armed;
		}
	}
	other = arm_slowly(*base, timer, *arming);
	if (unlikely(!other))
		return -ENODEV;
	*base = other;
armed:
	timer->expires = arming->expires;
	trace_htw_arm(timer, (*base)->cpu, how);
	ret = pending ? HTW_WAS_PENDING : 0;
	if (arming->deadline && misses(*base, timer, arming))
		ret |= HTW_LATE;
	return ret;
}

static __always_inline int arm(struct htw_timer *timer,
			       const struct arming *arming)
{
	struct htw_base *base;
	unsigned long flags;
	int ret;

	base = lock_timer(timer, &flags);
	ret = arm_locked(&base, timer, arming);
	raw_spin_unlock_irqrestore(&base->lock, flags);

	WARN_ON_ONCE(ret == -EINVAL);
	return ret;
}

/* For who is called less often. */
static noinline int arm_as(struct htw_timer *timer, const struct arming *arming)
{
	return arm(timer, arming);
}

static __always_inline struct arming arming_at(u64 expires, enum arm_rule rule)
{
	return (struct arming) {
		.expires = expires,
		.earliest = expires,
		.latest = expires,
		.rule = rule,
	};
}

/* What is before the clock's start is past like everything else that is. */
static __always_inline u64 not_negative(ktime_t time)
{
	return time > 0 ? time : 0;
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
 * * %HTW_WAS_PENDING	- (that is 1) armed; the timer was pending, its old arming never
 *   fires
 * * %-ESHUTDOWN	- the timer was shut down; nothing has changed
 * * %-EINVAL		- the timer is all zeroes: it was never set up; the kernel
 *   warns once
 * * %-ENODEV		- htw is built into the kernel and not initialised yet
 */
int htw_schedule(struct htw_timer *timer, s64 delay_ns)
{
	/* The sum of two numbers below 2^63 does not wrap a u64. */
	u64 expires = (u64)ktime_get() + not_negative(delay_ns);
	struct arming arming = arming_at(expires, ARM_ANY);

	return arm(timer, &arming);
}
EXPORT_SYMBOL_GPL(htw_schedule);

/**
 * htw_schedule_at() - arm a timer for a time
 * @timer: the timer
 * @expires: when, on CLOCK_MONOTONIC; what is past means as soon as possible
 *
 * If the timer is pending, this arming replaces the older one. Does not read the
 * clock, but to program it.
 *
 * Context: Any but NMI. Neither sleeps nor allocates.
 * Return: as htw_schedule().
 */
int htw_schedule_at(struct htw_timer *timer, ktime_t expires)
{
	struct arming arming = arming_at(not_negative(expires), ARM_ANY);

	return arm(timer, &arming);
}
EXPORT_SYMBOL_GPL(htw_schedule_at);

/**
 * htw_schedule_reduce() - arm a timer for a time, but never later than it is
 * @timer: the timer
 * @expires: when, on CLOCK_MONOTONIC; what is past means as soon as possible
 *
 * As timer_reduce(): a timer that is not pending is armed. One that is pending and
 * due by then, at the tick of @expires or at an earlier one, stays as it is.
 *
 * Context: Any but NMI. Neither sleeps nor allocates.
 * Return: as htw_schedule(); %HTW_WAS_PENDING also if nothing had to be done.
 */
int htw_schedule_reduce(struct htw_timer *timer, ktime_t expires)
{
	struct arming arming = arming_at(not_negative(expires), ARM_EARLIER);

	return arm_as(timer, &arming);
}
EXPORT_SYMBOL_GPL(htw_schedule_reduce);

/**
 * htw_schedule_pending() - arm a timer for a time, if it is pending
 * @timer: the timer
 * @expires: when, on CLOCK_MONOTONIC; what is past means as soon as possible
 *
 * As mod_timer_pending(): nobody's cancel is undone.
 *
 * Context: Any but NMI. Neither sleeps nor allocates.
 * Return:
 * * %HTW_WAS_PENDING	- armed; the old arming never fires
 * * 0			- not pending; nothing has changed
 * * %-ESHUTDOWN	- the timer was shut down; nothing has changed
 * * %-EINVAL		- the timer is all zeroes: it was never set up; the kernel
 *   warns once
 */
int htw_schedule_pending(struct htw_timer *timer, ktime_t expires)
{
	struct arming arming = arming_at(not_negative(expires), ARM_PENDING);

	return arm_as(timer, &arming);
}
EXPORT_SYMBOL_GPL(htw_schedule_pending);

/**
 * htw_schedule_on() - arm a timer for a time, on a CPU
 * @timer: the timer
 * @expires: when, on CLOCK_MONOTONIC; what is past means as soon as possible
 * @cpu: where its callback is to run
 *
 * The timer stays on that CPU, isolated or not, as long as it is only moved later or
 * until it is armed on another one. When the CPU goes down the timer moves to another
 * one. From its callback, and while that runs, a timer can be armed on another CPU
 * like at any other time.
 *
 * Context: Any but NMI. Neither sleeps nor allocates. Sends an IPI to the CPU if its
 * interrupt has to come earlier.
 * Return: as htw_schedule(), and
 * * %-EINVAL		- there is no such CPU; nothing has changed
 * * %-ENXIO		- the CPU is not online; nothing has changed
 */
int htw_schedule_on(struct htw_timer *timer, ktime_t expires, unsigned int cpu)
{
	struct arming arming = arming_at(not_negative(expires), ARM_ANY);

	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return -EINVAL;
	if (!htw_base_ready())
		return -ENODEV;
	/* If it goes down now it is as if it had gone down afterwards. */
	arming.on = htw_base_of_cpu(cpu);
	if (!READ_ONCE(arming.on->online)) /* T20 */
		return -ENXIO;
	return arm_as(timer, &arming);
}
EXPORT_SYMBOL_GPL(htw_schedule_on);

static u64 add_ns(u64 a, u64 b)
{
	return a + b < a ? U64_MAX : a + b;
}

/* 12.5 % of the delay holds a multiple of the largest power of two that it is. */
static u64 coarse_slack(u64 expires, u64 now)
{
	return expires > now ? (expires - now) / 8 : 0;
}

static struct arming arming_in_range(ktime_t expires, u64 slack,
				     unsigned int flags)
{
	struct arming arming = {
		.expires = not_negative(expires),
		.deadline = flags & HTW_DEADLINE,
	};
	u64 tick_ns;

	if (flags)
		arming.now = ktime_get();
	if (flags & HTW_COARSE)
		slack = max(slack, coarse_slack(arming.expires, arming.now));
	if (!arming.deadline) {
		arming.earliest = arming.expires;
		arming.latest = add_ns(arming.expires, slack);
		return arming;
	}
	tick_ns = 1ULL << htw_base_geometry()->tick_shift;
	slack = max(slack, tick_ns);
	arming.earliest = arming.expires - min(slack, arming.expires);
	/* A tick that is nearer than that can't be kept. */
	arming.earliest = max(arming.earliest,
			      arming.now + htw_base_min_gap());
	arming.latest = arming.expires;
	return arming;
}

static bool flags_valid(unsigned int flags)
{
	return !(flags & ~(HTW_DEADLINE | HTW_COARSE));
}

/**
 * htw_schedule_range() - arm a timer for a time, with slack
 * @timer: the timer
 * @expires: when, on CLOCK_MONOTONIC; what is past means as soon as possible
 * @slack_ns: how far from @expires the timer may fire, in ns
 * @flags: %HTW_DEADLINE, %HTW_COARSE, both or none
 *
 * The timer may fire from @expires to @expires + @slack_ns, or with %HTW_DEADLINE from
 * @expires - @slack_ns to @expires, where a slack of less than a tick counts as a
 * tick. Of the ticks in between the roundest is taken, at which the timer meets others
 * that have slack too and shares their interrupt: the cheapest thing that can be done
 * for the machine. If no tick lies in between, it is the first one after.
 *
 * With %HTW_DEADLINE only ticks count that are at least the minimum gap ahead. If
 * there is none any more the next one is taken, and %HTW_LATE says so. The callback
 * then has come before htw_expires(), as a rule.
 *
 * %HTW_COARSE makes the slack at least an eighth of the time from now until @expires,
 * which is what timer_list takes without being asked.
 *
 * Context: Any but NMI. Neither sleeps nor allocates. Reads the clock if there are
 * flags.
 * Return: A sum of
 * * 0			- armed
 * * %HTW_WAS_PENDING	- the timer was pending, its old arming never fires
 * * %HTW_LATE		- it can't fire by @expires; only with %HTW_DEADLINE
 *
 * or an errno, and nothing has changed:
 * * %-EINVAL		- unknown @flags, or the timer is all zeroes: see htw_schedule()
 * * %-ESHUTDOWN	- the timer was shut down
 * * %-ENODEV		- htw is built into the kernel and not initialised yet
 */
int htw_schedule_range(struct htw_timer *timer, ktime_t expires, u64 slack_ns,
		       unsigned int flags)
{
	struct arming arming;

	if (!flags_valid(flags))
		return -EINVAL;
	arming = arming_in_range(expires, slack_ns, flags);
	return arm_as(timer, &arming);
}
EXPORT_SYMBOL_GPL(htw_schedule_range);

/**
 * struct hold - one hold of a base's lock, for many timers
 * @base: the base, locked
 * @nr: how many timers were touched
 * @flags: of the interrupts
 */
struct hold {
	struct htw_base		*base;
	unsigned int		nr;
	unsigned long		flags;
};

static bool belongs_to(const struct htw_timer *timer,
		       const struct htw_base *base)
{
	const u32 mask = HTW_OWNER_CPU | HTW_OWNER_MIGRATING;

	/* It can't leave a base that is locked, nor come to it. */
	return (READ_ONCE(timer->node.owner) & mask) == base->cpu;
}

/* To the base of a timer, unless that is the one that is held and may be longer. */
static void hold_next(struct hold *hold, struct htw_timer *timer)
	__must_hold(hold->base->lock)
{
	if (hold->nr == HTW_BATCH || !belongs_to(timer, hold->base)) {
		raw_spin_unlock_irqrestore(&hold->base->lock, hold->flags);
		hold->base = lock_timer(timer, &hold->flags);
		hold->nr = 0;
	}
	hold->nr++;
}

static int arm_one(struct hold *hold, struct htw_bulk *bulk)
	__must_hold(hold->base->lock)
{
	struct htw_base *before = hold->base;
	struct arming arming;
	int ret;

	if (!flags_valid(bulk->flags))
		return -EINVAL;
	arming = arming_in_range(bulk->expires, bulk->slack_ns, bulk->flags);
	ret = arm_locked(&hold->base, bulk->timer, &arming);
	if (hold->base != before)
		hold->nr = 1;
	return ret;
}

/**
 * htw_schedule_bulk() - arm many timers
 * @bulk: the timers, each with what htw_schedule_range() takes
 * @n: how many
 *
 * Does what htw_schedule_range() does, for one after the other, and stores what it
 * would have returned in &htw_bulk.res. It takes the lock of a base once for up to 64
 * timers in a row that belong to that base. It is not atomic: in between the timers
 * of others are armed and cancelled, and these ones too. A timer may be there more
 * than once.
 *
 * Context: Any but NMI. Neither sleeps nor allocates. Interrupts are let in after 64
 * timers.
 * Return: how many were armed, that is have a &htw_bulk.res of 0 or more.
 */
size_t htw_schedule_bulk(struct htw_bulk *bulk, size_t n)
{
	struct hold hold = { };
	size_t i, armed = 0;

	if (!n)
		return 0;
	hold.base = lock_timer(bulk[0].timer, &hold.flags);
	for (i = 0; i < n; i++) {
		hold_next(&hold, bulk[i].timer);
		bulk[i].res = arm_one(&hold, &bulk[i]);
		armed += bulk[i].res >= 0;
	}
	raw_spin_unlock_irqrestore(&hold.base->lock, hold.flags);
	return armed;
}
EXPORT_SYMBOL_GPL(htw_schedule_bulk);

static int detach_if_pending(struct htw_base *base, struct htw_timer *timer)
{
	if (!is_pending(timer))
		return 0;
	detach(base, timer); /* T21 */
	return 1;
}

/**
 * htw_cancel_bulk() - disarm many timers
 * @bulk: the timers; only &htw_bulk.timer is looked at
 * @n: how many
 *
 * Does what htw_cancel() does, for one after the other, and stores what it would have
 * returned in &htw_bulk.res. See htw_schedule_bulk() for the rest.
 *
 * Context: Any but NMI. Neither sleeps nor allocates. Interrupts are let in after 64
 * timers.
 * Return: how many were pending, and now never fire.
 */
size_t htw_cancel_bulk(struct htw_bulk *bulk, size_t n)
{
	struct hold hold = { };
	size_t i, cancelled = 0;

	if (!n)
		return 0;
	hold.base = lock_timer(bulk[0].timer, &hold.flags);
	for (i = 0; i < n; i++) {
		hold_next(&hold, bulk[i].timer);
		bulk[i].res = detach_if_pending(hold.base, bulk[i].timer);
		cancelled += bulk[i].res;
	}
	raw_spin_unlock_irqrestore(&hold.base->lock, hold.flags);
	return cancelled;
}
EXPORT_SYMBOL_GPL(htw_cancel_bulk);

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
	int ret;

	if (!htw_pending(timer)) /* T22 */
		return 0;
	base = lock_timer(timer, &flags);
	ret = detach_if_pending(base, timer);
	raw_spin_unlock_irqrestore(&base->lock, flags);
	return ret;
}
EXPORT_SYMBOL_GPL(htw_cancel);

/**
 * htw_try_to_cancel_sync() - disarm a timer whose callback is not running
 * @timer: the timer
 *
 * htw_cancel_sync() for who can't wait: it can be called with a lock held that the
 * callback takes, to let go of that lock and try again.
 *
 * Context: Any but NMI. Neither sleeps nor allocates.
 * Return:
 * * 1		- an arming was pending, which now never fires
 * * 0		- none was pending; in both cases the callback is not running
 * * %-EAGAIN	- the callback is running, perhaps it is the caller; nothing has changed,
 *   so the timer may be pending as well
 */
int htw_try_to_cancel_sync(struct htw_timer *timer)
{
	struct htw_base *base;
	unsigned long flags;
	int ret = -EAGAIN;

	base = lock_timer(timer, &flags);
	if (base->running != timer) /* T23 */
		ret = detach_if_pending(base, timer);
	raw_spin_unlock_irqrestore(&base->lock, flags);
	return ret;
}
EXPORT_SYMBOL_GPL(htw_try_to_cancel_sync);

/**
 * htw_shutdown() - end a timer for good, without waiting
 * @timer: the timer
 *
 * Like htw_cancel(), and from now on arming the timer fails with -ESHUTDOWN, whoever
 * tries, until it is set up again. The callback may still be running, so the memory
 * must not be freed yet: that takes htw_shutdown_sync(), before or after.
 *
 * Context: Any but NMI. Neither sleeps nor allocates.
 * Return: 1 if the timer was pending, and now this arming never fires; else 0.
 */
int htw_shutdown(struct htw_timer *timer)
{
	struct htw_base *base;
	unsigned long flags;
	int ret;

	base = lock_timer(timer, &flags);
	ret = detach_if_pending(base, timer);
	set_owner(timer, 0, HTW_OWNER_SHUTDOWN); /* T24 */
	raw_spin_unlock_irqrestore(&base->lock, flags);
	return ret;
}
EXPORT_SYMBOL_GPL(htw_shutdown);

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
		set_owner(timer, 0, set); /* T25 */
		state = sync_state(base, timer); /* T26 */
		/*
		 * What was armed while the callback runs is taken back when it
		 * has ended. To do it now, and again for what is armed until
		 * then, would be two armings cancelled and one told. After a
		 * shutdown nothing is armed until then.
		 */
		if (state != SYNC_RUNNING || set) /* T27 */
			ret |= detach_if_pending(base, timer);
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
 * See htw_forward() for a period that does not drift.
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

/**
 * htw_forward() - the next expiry of a period that does not drift
 * @timer: the timer, which is not pending
 * @now: the time that the expiry is to be after, on CLOCK_MONOTONIC
 * @interval: the period, in ns
 *
 * Moves what htw_expires() says by as many whole periods as it takes to be after @now,
 * at whatever time the callback comes. It does not arm. In the callback::
 *
 *	missed = htw_forward(timer, ktime_get(), period) - 1;
 *	htw_schedule_at(timer, htw_expires(timer));
 *
 * With %HTW_DEADLINE the callback comes before the expiry: there @now has to be
 * htw_expires(), or ktime_get() if that is later.
 *
 * Context: Any but NMI. Its time does not depend on how many periods have passed.
 * Return: by how many periods the expiry was moved: 1 for a callback that came in
 * time. 0 if the expiry is after @now already, if the timer is pending, or if @interval
 * is 0 or less; then nothing has changed.
 */
u64 htw_forward(struct htw_timer *timer, ktime_t now, ktime_t interval)
{
	struct htw_base *base;
	unsigned long flags;
	u64 periods = 0;

	if (interval <= 0)
		return 0;
	base = lock_timer(timer, &flags);
	if (!is_pending(timer) && now >= 0 && timer->expires <= now) {
		periods = div64_u64(now - timer->expires, interval) + 1;
		/* Not more than now + interval, which fits into a u64. */
		timer->expires += periods * interval;
	}
	raw_spin_unlock_irqrestore(&base->lock, flags);
	return periods;
}
EXPORT_SYMBOL_GPL(htw_forward);

/**
 * htw_timer_drop() - take away a pending timer whose module has gone
 * @base: its base, locked
 * @timer: the timer
 */
void htw_timer_drop(struct htw_base *base, struct htw_timer *timer)
{
	detach(base, timer);
}
