// SPDX-License-Identifier: GPL-2.0
/*
 * The bases: a wheel, a lock and an hrtimer for each CPU.
 *
 * Locking rules
 * -------------
 *
 * base->lock, a raw spinlock taken with interrupts disabled, protects the base,
 * its wheel and every timer that names the base as its owner. Two of them are
 * held at once only when a CPU goes away (drain_base()), which hotplug serialises.
 * Within it only hrtimer's own locks are taken: nothing is woken up under it.
 * On PREEMPT_RT base->expiry_lock is outside of it.
 *
 * It is never held for more than HTW_BATCH timers, nor while a callback runs.
 *
 * The hrtimer
 * -----------
 *
 * An hrtimer can only be started on the CPU that one runs on. So timers are armed
 * on the local base, and the one case in which they are not (the local CPU is on
 * its way up or down) sends an IPI.
 *
 * It is only ever moved earlier, and never to less than the minimum gap ahead:
 * a program that arms at past times as fast as it can would otherwise postpone
 * the interrupt for ever. Cancelling programs nothing; the interrupt comes, finds
 * nothing, and programs the next event.
 *
 * All soft hrtimers of the CPU wait while a pass runs, so it takes no more than
 * HTW_PASS_NS or HTW_PASS_CALLBACKS and then comes again.
 *
 * CPU hotplug
 * -----------
 *
 *	PREPARE	 up: allocate the wheel     down: move what is left (CPU is dead)
 *	ONLINE	 up: online = true	    down: online = false, move all timers
 *
 * Between the two steps down the CPU still takes interrupts. What they arm goes to
 * another base, because this one is not online; a timer whose callback runs here
 * stays, with an hrtimer that the core moves to another CPU when this one dies.
 * The pass copes with that, and the second step collects what it leaves.
 */
#include "base.h"

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched.h>

static DEFINE_PER_CPU(struct htw_base, htw_bases) = {
	.lock = __RAW_SPIN_LOCK_UNLOCKED(htw_bases.lock),
	.armed_ns = KTIME_MAX,
};

static bool ready __read_mostly;
static int prepare_state;
static int online_state;

/* What the parameters make of it, checked by check_parameters(). */
static struct htw_geometry geometry = HTW_DEFAULT_GEOMETRY;

module_param_named(tick_shift, geometry.tick_shift, uint, 0444);
MODULE_PARM_DESC(tick_shift,
		 "A tick is 2^tick_shift ns, 10 to 30 (default 17: 131 us)");

module_param_array_named(slots, geometry.slots, uint, &geometry.nr_levels, 0444);
MODULE_PARM_DESC(slots, "Slots of each level, finest first: powers of two from 2 to 256 (default 256,256,256,256,256,256)");

static unsigned int min_gap_ns = 50 * NSEC_PER_USEC;
module_param(min_gap_ns, uint, 0444);
MODULE_PARM_DESC(min_gap_ns,
		 "No interrupt is programmed for sooner ahead than this, 1000 to 10000000 (default 50000)");

/**
 * htw_base_geometry() - the geometry of all bases' wheels
 *
 * Return: what the module parameters made it.
 */
const struct htw_geometry *htw_base_geometry(void)
{
	return &geometry;
}

/**
 * htw_base_min_gap() - how far ahead an interrupt is programmed at least
 *
 * Return: the module parameter, in ns.
 */
unsigned long htw_base_min_gap(void)
{
	return min_gap_ns;
}

/**
 * htw_base_ready() - is there a base to arm on?
 *
 * Return: false only if htw is built in and has not been initialised yet.
 */
bool htw_base_ready(void)
{
	return READ_ONCE(ready);
}

/**
 * htw_base_of_cpu() - the base of a CPU
 * @cpu: the CPU
 *
 * Return: the base, which may be offline.
 */
struct htw_base *htw_base_of_cpu(unsigned int cpu)
{
	return per_cpu_ptr(&htw_bases, cpu);
}

static struct htw_base *pick_online(void)
{
	struct htw_base *base = this_cpu_ptr(&htw_bases);
	unsigned int cpu;

	if (likely(READ_ONCE(base->online)))
		return base;
	for_each_online_cpu(cpu)
		if (READ_ONCE(htw_base_of_cpu(cpu)->online))
			return htw_base_of_cpu(cpu);
	return base;
}

/**
 * htw_base_lock_online() - lock the base that a timer is to be armed on
 *
 * That is the local one; any other if the local CPU is coming up or going down.
 *
 * Context: Interrupts disabled; htw_base_ready().
 * Return: the base, locked.
 */
struct htw_base *htw_base_lock_online(void)
	__acquires(base->lock)
{
	struct htw_base *base;

	for (;;) {
		base = pick_online();
		raw_spin_lock(&base->lock);
		if (likely(base->online))
			return base;
		raw_spin_unlock(&base->lock);
		cpu_relax();
	}
}

static u64 tick_to_ns(u64 tick)
{
	if (tick > KTIME_MAX >> geometry.tick_shift)
		return KTIME_MAX;
	return tick << geometry.tick_shift;
}

/* With base->lock held, on any CPU: the hrtimer will belong to this one. */
static void start_hrtimer(struct htw_base *base, u64 tick)
{
	u64 at = tick_to_ns(tick);
	u64 now;

	if (at >= base->armed_ns)
		return;
	now = ktime_get();
	htw_wheel_forward(base->wheel, htw_tick_before(geometry.tick_shift, now),
			  HTW_BATCH);

	at = max(at, now + min_gap_ns);
	if (at >= base->armed_ns)
		return;
	base->armed_ns = at;
	hrtimer_start(&base->hrtimer, at, HRTIMER_MODE_ABS_PINNED_SOFT);
}

/**
 * htw_base_program() - see to it that a pass runs at a tick
 * @base: the base, locked
 * @tick: the tick
 *
 * Return: true if the caller has to htw_base_kick() the base after unlocking it,
 * because it belongs to another CPU.
 */
bool htw_base_program(struct htw_base *base, u64 tick)
{
	lockdep_assert_held(&base->lock);

	/* The end of the pass will look at all that is in the wheel. */
	if (base->in_pass || tick_to_ns(tick) >= base->armed_ns)
		return false;
	if (likely(base->cpu == smp_processor_id())) {
		start_hrtimer(base, tick);
		return false;
	}
	/* An IPI that has not yet taken the lock will see this timer too. */
	if (base->kicked)
		return false;
	base->kicked = true;
	return true;
}

/**
 * htw_base_kick() - have another CPU program its hrtimer
 * @base: the base, for which htw_base_program() asked for it; not locked
 *
 * If the CPU has meanwhile gone away, so have its timers: see drain_base().
 */
void htw_base_kick(struct htw_base *base)
{
	smp_call_function_single_async(base->cpu, &base->csd);
}

static void program_next(struct htw_base *base)
{
	u64 tick;

	if (htw_wheel_next(base->wheel, &tick))
		start_hrtimer(base, tick);
}

static void base_kicked(void *arg)
{
	struct htw_base *base = arg;

	raw_spin_lock(&base->lock);
	base->kicked = false;
	if (!base->in_pass)
		program_next(base);
	raw_spin_unlock(&base->lock);
}

#ifdef CONFIG_PREEMPT_RT
static void base_init_expiry_lock(struct htw_base *base)
{
	spin_lock_init(&base->expiry_lock);
	atomic_set(&base->waiters, 0);
}

static void base_lock_expiry(struct htw_base *base)
{
	spin_lock(&base->expiry_lock);
}

static void base_unlock_expiry(struct htw_base *base)
{
	spin_unlock(&base->expiry_lock);
}

/* Between two callbacks: let those go on who waited for the first to end. */
static void base_let_waiters_in(struct htw_base *base)
{
	if (!atomic_read(&base->waiters))
		return;
	raw_spin_unlock_irq(&base->lock);
	spin_unlock(&base->expiry_lock);
	spin_lock(&base->expiry_lock);
	raw_spin_lock_irq(&base->lock);
}

/**
 * htw_base_wait_running() - wait while a callback runs
 * @base: the base on which it runs, not locked
 *
 * The pass may have been preempted by the very task that waits for it. To sleep
 * on the lock that the pass holds lends it the waiter's priority; spinning would
 * never end.
 */
void htw_base_wait_running(struct htw_base *base)
{
	atomic_inc(&base->waiters);
	spin_lock_bh(&base->expiry_lock);
	atomic_dec(&base->waiters);
	spin_unlock_bh(&base->expiry_lock);
}
#else
static void base_init_expiry_lock(struct htw_base *base) { }
static void base_lock_expiry(struct htw_base *base) { }
static void base_unlock_expiry(struct htw_base *base) { }
static void base_let_waiters_in(struct htw_base *base) { }

/**
 * htw_base_wait_running() - wait while a callback runs
 * @base: the base on which it runs, not locked
 */
void htw_base_wait_running(struct htw_base *base)
{
	cpu_relax();
}
#endif

/* The callback may free its timer: lockdep needs a map that outlives it. */
static void call_timer(struct htw_timer *timer)
{
#ifdef CONFIG_LOCKDEP
	struct lockdep_map lockdep_map;

	lockdep_copy_map(&lockdep_map, &timer->lockdep_map);
#endif
	lock_map_acquire(&lockdep_map);
	timer->function(timer);
	lock_map_release(&lockdep_map);
}

static void run_timer(struct htw_base *base, struct htw_timer *timer)
{
	u32 owner = timer->node.owner & ~HTW_OWNER_PENDING;

	WRITE_ONCE(timer->node.owner, owner);
	base->running_task = current;
	base->running = timer;
	raw_spin_unlock_irq(&base->lock);

	call_timer(timer);

	raw_spin_lock_irq(&base->lock);
	base->running = NULL;
	base_let_waiters_in(base);
}

/* Returns how many callbacks the pass may still run: 0 when its time is up. */
static unsigned int run_expired(struct htw_base *base, unsigned int budget,
				u64 until)
{
	struct htw_node *node;

	while (budget && (node = htw_wheel_pop(base->wheel))) {
		run_timer(base, container_of(node, struct htw_timer, node));
		budget--;
		if (ktime_get() >= until)
			return 0;
	}
	return budget;
}

/* Lets interrupts in between two steps of HTW_BATCH nodes each. */
static void breathe(struct htw_base *base)
{
	raw_spin_unlock_irq(&base->lock);
	raw_spin_lock_irq(&base->lock);
}

static void run_pass(struct htw_base *base)
{
	u64 now = ktime_get();
	u64 tick = htw_tick_before(geometry.tick_shift, now);
	unsigned int budget = HTW_PASS_CALLBACKS;
	bool done;

	do {
		done = htw_wheel_collect(base->wheel, tick, HTW_BATCH);
		budget = run_expired(base, budget, now + HTW_PASS_NS);
		if (!budget || ktime_get() >= now + HTW_PASS_NS)
			return;
		breathe(base);
	} while (!done);
	/* Not to be woken up for what was cancelled or pushed meanwhile. */
	htw_wheel_refresh(base->wheel, HTW_BATCH);
}

/*
 * The base's hrtimer: runs in softirq context, on base->cpu unless that is dead.
 * NORESTART always: an interrupt may want to arm while callbacks run, and two
 * ways to program one hrtimer would be one too many.
 */
static enum hrtimer_restart base_interrupt(struct hrtimer *hrtimer)
{
	struct htw_base *base = container_of(hrtimer, struct htw_base, hrtimer);

	base_lock_expiry(base);
	raw_spin_lock_irq(&base->lock);
	base->in_pass = true;
	base->armed_ns = KTIME_MAX;
	base->nr_interrupts++;

	run_pass(base);

	base->in_pass = false;
	program_next(base);
	raw_spin_unlock_irq(&base->lock);
	base_unlock_expiry(base);
	return HRTIMER_NORESTART;
}

/* Moves up to HTW_BATCH timers of @from to @to, both locked. */
static bool move_batch(struct htw_base *from, struct htw_base *to, u64 *first)
{
	struct htw_node *node;
	unsigned int i;

	for (i = 0; i < HTW_BATCH; i++) {
		node = htw_wheel_take(from->wheel);
		if (!node)
			return false;
		htw_wheel_insert(to->wheel, node, node->tick);
		WRITE_ONCE(node->owner,
			   (node->owner & ~HTW_OWNER_CPU) | to->cpu);
		*first = min(*first, node->tick);
	}
	return true;
}

static struct htw_base *any_other_online(struct htw_base *base)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		struct htw_base *other = htw_base_of_cpu(cpu);

		if (other != base && READ_ONCE(other->online))
			return other;
	}
	return NULL;
}

/*
 * Gives all timers of a base that is offline to another one. Hotplug, which calls
 * this, keeps the other one online. Timers keep their ticks.
 */
static void drain_base(struct htw_base *base)
{
	struct htw_base *to = any_other_online(base);
	bool more, kick;
	u64 first;

	if (WARN_ON_ONCE(!to))
		return;
	do {
		first = U64_MAX;
		raw_spin_lock_irq(&base->lock);
		raw_spin_lock_nested(&to->lock, SINGLE_DEPTH_NESTING);
		more = move_batch(base, to, &first);
		kick = first != U64_MAX && htw_base_program(to, first);
		raw_spin_unlock(&to->lock);
		raw_spin_unlock_irq(&base->lock);
		if (kick)
			htw_base_kick(to);
	} while (more);
}

static void stop_hrtimer(struct htw_base *base)
{
	hrtimer_cancel(&base->hrtimer);
	raw_spin_lock_irq(&base->lock);
	base->armed_ns = KTIME_MAX;
	raw_spin_unlock_irq(&base->lock);
}

static int base_prepare(unsigned int cpu)
{
	struct htw_base *base = htw_base_of_cpu(cpu);

	base->kicked = false;
	if (base->wheel)
		return 0;
	base->wheel = kvzalloc_node(htw_wheel_size(&geometry), GFP_KERNEL,
				    cpu_to_node(cpu));
	if (!base->wheel)
		return -ENOMEM;

	base->cpu = cpu;
	htw_wheel_init(base->wheel, &geometry,
		       htw_tick_before(geometry.tick_shift, ktime_get()));
	hrtimer_init(&base->hrtimer, CLOCK_MONOTONIC,
		     HRTIMER_MODE_ABS_PINNED_SOFT);
	base->hrtimer.function = base_interrupt;
	INIT_CSD(&base->csd, base_kicked, base);
	base_init_expiry_lock(base);
	return 0;
}

/* The CPU is dead. What it left behind can only be here. */
static int base_dead(unsigned int cpu)
{
	struct htw_base *base = htw_base_of_cpu(cpu);

	stop_hrtimer(base);
	drain_base(base);
	return 0;
}

static int base_online(unsigned int cpu)
{
	struct htw_base *base = htw_base_of_cpu(cpu);

	raw_spin_lock_irq(&base->lock);
	base->online = true;
	program_next(base);
	raw_spin_unlock_irq(&base->lock);
	return 0;
}

static int base_offline(unsigned int cpu)
{
	struct htw_base *base = htw_base_of_cpu(cpu);

	raw_spin_lock_irq(&base->lock);
	base->online = false;
	raw_spin_unlock_irq(&base->lock);

	/* On PREEMPT_RT this thread may have preempted a pass: let it end. */
	local_bh_disable();
	base_lock_expiry(base);
	drain_base(base);
	base_unlock_expiry(base);
	local_bh_enable();
	return 0;
}

static int check_parameters(void)
{
	const char *error;

	error = htw_geometry_error(&geometry);
	if (!error && (geometry.tick_shift < 10 || geometry.tick_shift > 30))
		error = "tick_shift is not from 10 to 30";
	if (!error && (min_gap_ns < NSEC_PER_USEC ||
		       min_gap_ns > 10 * NSEC_PER_MSEC))
		error = "min_gap_ns is not from 1000 to 10000000";
	if (!error)
		return 0;
	pr_err("bad parameter: %s\n", error);
	return -EINVAL;
}

static void free_wheels(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		kvfree(htw_base_of_cpu(cpu)->wheel);
		htw_base_of_cpu(cpu)->wheel = NULL;
	}
}

/**
 * htw_base_init() - make the bases of all CPUs, now and whenever one comes up
 *
 * Return: 0, -EINVAL for a bad module parameter (which the log names), -ENOMEM,
 * or what cpuhp_setup_state() returns.
 */
int htw_base_init(void)
{
	int ret;

	BUILD_BUG_ON(bits_per(CONFIG_NR_CPUS - 1) > hweight32(HTW_OWNER_CPU));

	ret = check_parameters();
	if (ret)
		return ret;
	ret = cpuhp_setup_state(CPUHP_BP_PREPARE_DYN, "htw:prepare",
				base_prepare, base_dead);
	if (ret < 0)
		goto err_free_wheels;
	prepare_state = ret;
	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "htw:online",
				base_online, base_offline);
	if (ret < 0)
		goto err_remove_prepare;
	online_state = ret;
	WRITE_ONCE(ready, true);
	return 0;

err_remove_prepare:
	cpuhp_remove_state_nocalls(prepare_state);
err_free_wheels:
	free_wheels();
	return ret;
}

static void nothing(void *unused)
{
}

/**
 * htw_base_exit() - the end of all bases
 *
 * Nobody can arm any more: who could holds a reference to the module.
 */
void htw_base_exit(void)
{
	unsigned int cpu;

	cpuhp_remove_state_nocalls(online_state);
	cpuhp_remove_state_nocalls(prepare_state);

	cpus_read_lock();
	/* IPIs are handled in order: behind this one there is none of ours. */
	for_each_online_cpu(cpu)
		smp_call_function_single(cpu, nothing, NULL, 1);
	for_each_possible_cpu(cpu)
		if (htw_base_of_cpu(cpu)->wheel)
			hrtimer_cancel(&htw_base_of_cpu(cpu)->hrtimer);
	cpus_read_unlock();
	free_wheels();
}
