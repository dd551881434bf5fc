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
 * on the local base. Where they are not (htw_schedule_on(), and a local CPU that is
 * isolated, on its way up or down) an IPI has that CPU program its hrtimer.
 *
 * It is only ever moved earlier, and never to less than the minimum gap ahead:
 * a program that arms at past times as fast as it can would otherwise postpone
 * the interrupt for ever. Cancelling programs nothing; the interrupt comes, finds
 * nothing, and programs the next event.
 *
 * To program the device costs more than a hundred armings, and who arms in
 * descending order would do it each time. So within one tick only EXACT_MOVES
 * earlier moves are done as asked for. The next one programs the hrtimer for soon:
 * the next tick that is at least the minimum gap ahead, or for what is asked for
 * where that is earlier still. After that nothing is left to be programmed earlier
 * but once, for what is due before soon: at the minimum gap. The interrupt that comes
 * soon finds what is first by then, and programs that exactly. It is the one that
 * may be needless, and there is no more than one in a tick.
 *
 * Isolated CPUs
 * -------------
 *
 * What is armed on a CPU that nohz_full= or isolcpus= has isolated goes to another
 * base, unless it is pinned or was armed for that very CPU.
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
 *
 * T1 and so on are the steps of a model: see timer.c.
 */
#include "base.h"

#include "trace.h"

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/topology.h>

#include "consumer.h"
#include "debug.h"

/* Earlier moves of an hrtimer that are done to the ns, see "The hrtimer". */
#define EXACT_MOVES		2

DEFINE_PER_CPU(struct htw_base, htw_bases) = {
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
MODULE_PARM_DESC(slots, "Slots of each level, finest first: powers of two from 2 to 256 (default 256,256,256,64,64,64,32)");

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

/*
 * The base that can best do the work of another one: online, of a CPU that is not
 * isolated, and of the same node. NULL if no other one is online.
 */
static struct htw_base *best_other(const struct htw_base *base)
{
	int node = cpu_to_node(base->cpu);
	struct htw_base *other, *best = NULL;
	unsigned int cpu, rank, best_rank = 0;

	for_each_online_cpu(cpu) {
		other = htw_base_of_cpu(cpu);
		if (other == base || !READ_ONCE(other->online))
			continue;
		rank = 1 + (cpu_to_node(cpu) == node) +
		       2 * READ_ONCE(other->takes_local);
		if (rank > best_rank) {
			best = other;
			best_rank = rank;
		}
	}
	return best;
}

/**
 * htw_base_stand_in() - the base for what is armed on a CPU that is not to take it
 * @base: the base of this CPU, which is isolated, coming up or going down
 * @pinned: an isolated CPU has to take it all the same
 *
 * Context: Interrupts disabled.
 * Return: the base, which may go offline before it is locked; NULL if there is none
 * yet.
 */
struct htw_base *htw_base_stand_in(struct htw_base *base, bool pinned)
{
	struct htw_base *other;

	if (!htw_base_ready())
		return NULL;
	if (pinned && READ_ONCE(base->online))
		return base;
	other = best_other(base);
	/* Isolated like this one, and further away. */
	if (!other || (READ_ONCE(base->online) && !READ_ONCE(other->takes_local)))
		return base;
	return other;
}

/**
 * htw_base_lock_online() - lock a base that a timer is to be put on
 * @base: the base
 *
 * If its CPU is not online another base takes its place: to arm on a CPU that goes
 * down is the same as to have armed there just before.
 *
 * Context: Interrupts disabled; htw_base_ready().
 * Return: the base, locked.
 */
struct htw_base *htw_base_lock_online(struct htw_base *base)
	__acquires(base->lock)
{
	for (;;) {
		raw_spin_lock(&base->lock);
		if (likely(base->online)) /* T12 */
			return base;
		raw_spin_unlock(&base->lock);
		cpu_relax();
		base = best_other(base) ?: base;
	}
}

/**
 * htw_base_move_timer() - move a timer to another base
 * @base: the base that the timer belongs to, locked
 * @timer: the timer, pending or not
 * @to: the base that it is to belong to
 *
 * See "Moving a timer" in timer.c. A timer that was pending still says so, but is in
 * no wheel: the caller puts it into one before unlocking.
 *
 * Context: Interrupts disabled; htw_base_ready().
 * Return: the base that the timer belongs to now, which is @to or stands in for it,
 * locked; @base is not any more.
 */
struct htw_base *htw_base_move_timer(struct htw_base *base,
				     struct htw_timer *timer,
				     struct htw_base *to)
	__must_hold(base->lock)
{
	u32 owner = timer->node.owner;
	bool pending = htw_node_pending(&timer->node);

	if (pending)
		htw_wheel_remove(base->wheel, &timer->node);
	WRITE_ONCE(timer->node.owner, owner | HTW_OWNER_MIGRATING); /* T10 */
	raw_spin_unlock(&base->lock); /* T11 */

	to = htw_base_lock_online(to);
	WRITE_ONCE(timer->node.owner, (owner & ~HTW_OWNER_CPU) | to->cpu); /* T13 */
	if (pending) {
		htw_count(&to->stats.migrations);
		trace_htw_migrate(timer, base->cpu, to->cpu);
	}
	return to;
}

static u64 tick_to_ns(u64 tick)
{
	if (tick > KTIME_MAX >> geometry.tick_shift)
		return KTIME_MAX;
	return tick << geometry.tick_shift;
}

/* The hrtimer is programmed for @ns; KTIME_MAX: it is not. */
static void set_armed(struct htw_base *base, u64 ns)
{
	base->armed_ns = ns;
	base->wake_tick = htw_tick_after(geometry.tick_shift, ns);
}

/* An earlier move to @at: there now, or soon? See "The hrtimer". */
static u64 exact_or_soon(struct htw_base *base, u64 at, u64 now)
{
	u64 soon = htw_tick_after(geometry.tick_shift, now + min_gap_ns);

	soon = tick_to_ns(soon);
	if (now >= base->moves_until) {
		base->moves_until = soon;
		base->nr_moves = 0;
	}
	if (base->nr_moves == EXACT_MOVES)
		return min(at, soon);
	base->nr_moves++;
	return at;
}

/* Lets the wheel catch up with the clock. Returns the next event, if that is sooner. */
static u64 catch_up(struct htw_base *base, u64 now, u64 tick)
{
	u64 moves = base->wheel->nr_moves;
	u64 next;

	htw_wheel_forward(base->wheel,
			  htw_tick_before(geometry.tick_shift, now), HTW_BATCH);
	moves = base->wheel->nr_moves - moves;
	if (likely(!moves))
		return tick;
	trace_htw_cascade(base->cpu, moves, 0);
	/* What has moved may have filled a slot that is to be emptied ahead. */
	return htw_wheel_next(base->wheel, &next) ? min(tick, next) : tick;
}

/* With base->lock held, on any CPU: the hrtimer will belong to this one. */
static void start_hrtimer(struct htw_base *base, u64 tick)
{
	u64 now, at;

	if (tick >= base->wake_tick)
		return;
	now = ktime_get();
	tick = catch_up(base, now, tick);
	at = max(tick_to_ns(tick), now + min_gap_ns);
	if (at >= base->armed_ns)
		return;
	if (base->armed_ns != KTIME_MAX)
		at = exact_or_soon(base, at, now);
	set_armed(base, at);
	base->nr_programs++;
	hrtimer_start(&base->hrtimer, at, HRTIMER_MODE_ABS_PINNED_SOFT);
}

/**
 * htw_base_program() - see to it that a pass runs at a tick
 * @base: the base, locked and online
 * @tick: the tick
 */
void htw_base_program(struct htw_base *base, u64 tick)
{
	lockdep_assert_held(&base->lock);

	/* The end of the pass will look at all that is in the wheel. */
	if (base->in_pass || tick >= base->wake_tick) /* T5 */
		return;
	if (likely(base->cpu == smp_processor_id())) {
		start_hrtimer(base, tick); /* T6 */
		return;
	}
	/* An IPI that has not yet taken the lock will see this timer too. */
	if (base->kicked)
		return;
	base->kicked = true; /* T7 */
	htw_count(&base->stats.kicks);
	/* Neither busy nor gone: it is not kicked, and it is online. */
	smp_call_function_single_async(base->cpu, &base->csd);
}

/**
 * htw_base_catch_up() - tell the wheel of a base what time it is
 * @base: the base, locked and online
 * @now: the time, in ns
 *
 * A wheel that has slept takes timers for further away than they are.
 */
void htw_base_catch_up(struct htw_base *base, u64 now)
{
	u64 next;

	/* The pass knows the time. */
	if (base->in_pass)
		return;
	next = catch_up(base, now, U64_MAX);
	if (next != U64_MAX)
		htw_base_program(base, next);
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
	base->kicked = false; /* T41 */
	if (!base->in_pass) /* T42 */
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
	spin_unlock(&base->expiry_lock); /* T36 */
	spin_lock(&base->expiry_lock);
	raw_spin_lock_irq(&base->lock);
}

/**
 * htw_base_wait_running() - wait while a callback runs
 * @base: the base on which it runs, not locked
 *
 * The pass may have been preempted by the very task that waits for it. To sleep
 * on the lock that the pass holds lends it the waiter's priority; spinning would
 * never end. Bottom halves stay enabled meanwhile: the callback may itself wait for one
 * of this CPU.
 */
void htw_base_wait_running(struct htw_base *base)
{
	atomic_inc(&base->waiters);
	/* A callback that waits for one of another CPU has its own base's. */
	spin_lock_nested(&base->expiry_lock, SINGLE_DEPTH_NESTING); /* T28 */
	atomic_dec(&base->waiters);
	spin_unlock(&base->expiry_lock);
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
static void call_timer(struct htw_timer *timer, bool irqsafe)
{
	void (*function)(struct htw_timer *timer) = timer->function;
	struct htw_callback_state state = htw_debug_before_callback();
#ifdef CONFIG_LOCKDEP
	struct lockdep_map lockdep_map;

	lockdep_copy_map(&lockdep_map, &timer->lockdep_map);
#endif
	if (!irqsafe)
		local_irq_enable();
	lock_map_acquire(&lockdep_map);
	function(timer);
	lock_map_release(&lockdep_map);
	if (irqsafe)
		local_irq_enable();
	htw_debug_after_callback(&state, function);
}

/* The timer has run and was meanwhile armed for another CPU: it still is pending. */
static void send_away(struct htw_base *base, struct htw_timer *timer)
{
	struct htw_base *to = base->running_goes_to;

	base->running_goes_to = NULL;
	to = htw_base_move_timer(base, timer, to);
	htw_base_program(to, htw_wheel_insert(to->wheel, &timer->node, /* T35 */
					      timer->node.tick));
	raw_spin_unlock(&to->lock);
	raw_spin_lock(&base->lock);
}

static void run_timer(struct htw_base *base, struct htw_timer *timer)
{
	u32 owner = timer->node.owner & ~HTW_OWNER_PENDING;
	u64 late = base->clock - (timer->node.tick << geometry.tick_shift);

	htw_count_expiry(&base->stats, late);
	trace_htw_expire_entry(timer, base->clock, late);
	WRITE_ONCE(timer->node.owner, owner); /* T30 */
	htw_debug_deactivate(timer);
	if (unlikely(htw_consumer_is_gone(timer)))
		return;
	base->running_task = current;
	base->running = timer; /* T31 */
	raw_spin_unlock(&base->lock); /* T32 */

	/* Enables interrupts, after the callback if that is not to be interrupted. */
	call_timer(timer, owner & HTW_OWNER_IRQSAFE);
	trace_htw_expire_exit(timer);

	raw_spin_lock_irq(&base->lock);
	base->running = NULL; /* T33 */
	if (unlikely(base->running_goes_to)) /* T34 */
		send_away(base, timer);
	base_let_waiters_in(base);
}

/*
 * Returns how many callbacks the pass may still run: 0 when its time is up. To read
 * the clock costs more than most callbacks do, so it is not read after each of them.
 */
static unsigned int run_expired(struct htw_base *base, unsigned int budget,
				u64 until)
{
	struct htw_node *node;

	while (budget && (node = htw_wheel_pop(base->wheel))) { /* T29 */
		run_timer(base, container_of(node, struct htw_timer, node));
		budget--;
		if (budget % HTW_CLOCK_EVERY)
			continue;
		base->clock = ktime_get();
		if (base->clock >= until)
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

/*
 * Nothing is collected as long as timers wait that an earlier pass had no time for, so
 * there are never more than HTW_BATCH of them.
 */
static unsigned int collect_budget(const struct htw_base *base)
{
	return list_empty(&base->wheel->expired) ? HTW_BATCH : 0;
}

static bool collect(struct htw_base *base, u64 tick)
{
	struct htw_step step;
	bool done;

	htw_step_begin(base, &step);
	done = htw_wheel_collect(base->wheel, tick, collect_budget(base));
	htw_step_end(base, &step);
	return done;
}

/* Not to be woken up for what was cancelled or pushed meanwhile. */
static void refresh(struct htw_base *base)
{
	struct htw_step step;

	htw_step_begin(base, &step);
	htw_wheel_refresh(base->wheel, HTW_BATCH);
	htw_step_end(base, &step);
}

static void run_pass(struct htw_base *base)
{
	u64 now = ktime_get();
	u64 tick = htw_tick_before(geometry.tick_shift, now);
	unsigned int budget = HTW_PASS_CALLBACKS;

	base->clock = now;
	while (!collect(base, tick)) {
		budget = run_expired(base, budget, now + HTW_PASS_NS);
		base->clock = ktime_get();
		if (!budget || base->clock >= now + HTW_PASS_NS)
			return;
		breathe(base);
	}
	if (!run_expired(base, budget, now + HTW_PASS_NS))
		return;
	refresh(base);
}

static DEFINE_PER_CPU(struct llist_head, after_pass);

/**
 * htw_base_after_pass() - have something done when this pass is over
 * @after: what. If it is wanted by another CPU's pass already, the end of that one will
 *	do, because it comes after this call
 *
 * Context: A callback.
 */
void htw_base_after_pass(struct htw_after_pass *after)
{
	if (!test_and_set_bit(0, &after->queued))
		llist_add(&after->node, this_cpu_ptr(&after_pass));
}

/* All of it is added and taken by this CPU's softirqs, one after the other. */
static void run_after_pass(void)
{
	struct htw_after_pass *after, *next;

	llist_for_each_entry_safe(after, next,
				  llist_del_all(this_cpu_ptr(&after_pass)), node) {
		clear_bit(0, &after->queued);
		/* Before @fn looks at what was done by who found the bit set. */
		smp_mb__after_atomic();
		after->fn(after);
	}
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
	base->in_pass = true; /* T37 */
	set_armed(base, KTIME_MAX); /* T38 */
	base->nr_interrupts++;
	base->running_task = NULL;

	run_pass(base);

	if (!base->running_task)
		htw_count(&base->stats.needless);
	base->in_pass = false; /* T39 */
	program_next(base); /* T40 */
	raw_spin_unlock_irq(&base->lock);
	base_unlock_expiry(base);
	run_after_pass();
	return HRTIMER_NORESTART;
}

/* Moves up to HTW_BATCH timers of @from to @to, both locked. */
static bool move_batch(struct htw_base *from, struct htw_base *to, u64 *first)
{
	struct htw_node *node;
	unsigned int i;
	u64 tick;

	for (i = 0; i < HTW_BATCH; i++) {
		node = htw_wheel_take(from->wheel);
		if (!node)
			return false;
		tick = htw_wheel_insert(to->wheel, node, node->tick); /* T44 */
		htw_count(&to->stats.drained);
		trace_htw_migrate(container_of(node, struct htw_timer, node),
				  from->cpu, to->cpu);
		WRITE_ONCE(node->owner,
			   (node->owner & ~HTW_OWNER_CPU) | to->cpu); /* T45 */
		*first = min(*first, tick);
	}
	return true;
}

/*
 * Gives all timers of a base that is offline to another one. Hotplug, which calls
 * this, keeps the other one online. Timers keep their ticks.
 */
static void drain_base(struct htw_base *base)
{
	struct htw_base *to = best_other(base);
	bool more;
	u64 first;

	if (WARN_ON_ONCE(!to))
		return;
	do {
		first = U64_MAX;
		raw_spin_lock_irq(&base->lock); /* T43 */
		raw_spin_lock_nested(&to->lock, SINGLE_DEPTH_NESTING);
		more = move_batch(base, to, &first);
		htw_base_program(to, first);
		raw_spin_unlock(&to->lock);
		raw_spin_unlock_irq(&base->lock);
	} while (more);
}

static void stop_hrtimer(struct htw_base *base)
{
	hrtimer_cancel(&base->hrtimer); /* T50 */
	raw_spin_lock_irq(&base->lock);
	set_armed(base, KTIME_MAX); /* T51 */
	raw_spin_unlock_irq(&base->lock);
}

/* As the command line says, which is for ever. */
static bool is_isolated(unsigned int cpu)
{
	return !housekeeping_cpu(cpu, HK_TYPE_TIMER) ||
	       !housekeeping_cpu(cpu, HK_TYPE_TICK) ||
	       !housekeeping_cpu(cpu, HK_TYPE_DOMAIN);
}

static int base_prepare(unsigned int cpu)
{
	struct htw_base *base = htw_base_of_cpu(cpu);
	struct htw_wheel *wheel;

	base->kicked = false; /* T53 */
	if (base->wheel)
		return 0;
	wheel = kvzalloc_node(htw_wheel_size(&geometry), GFP_KERNEL,
			      cpu_to_node(cpu));
	if (!wheel)
		return -ENOMEM;

	base->cpu = cpu;
	base->tick_shift = geometry.tick_shift;
	base->tick_mask = (1U << geometry.tick_shift) - 1;
	base->isolated = is_isolated(cpu);
	set_armed(base, KTIME_MAX);
	htw_wheel_init(wheel, &geometry,
		       htw_tick_before(geometry.tick_shift, ktime_get()));
	hrtimer_init(&base->hrtimer, CLOCK_MONOTONIC,
		     HRTIMER_MODE_ABS_PINNED_SOFT);
	base->hrtimer.function = base_interrupt;
	INIT_CSD(&base->csd, base_kicked, base);
	base_init_expiry_lock(base);

	/* htw_stats_read() may look at any time. */
	raw_spin_lock_irq(&base->lock);
	base->wheel = wheel;
	raw_spin_unlock_irq(&base->lock);
	return 0;
}

/* The CPU is dead. What it left behind can only be here. */
static int base_dead(unsigned int cpu)
{
	struct htw_base *base = htw_base_of_cpu(cpu);

	stop_hrtimer(base);
	drain_base(base); /* T52 */
	return 0;
}

static int base_online(unsigned int cpu)
{
	struct htw_base *base = htw_base_of_cpu(cpu);

	raw_spin_lock_irq(&base->lock);
	WRITE_ONCE(base->online, true); /* T54 */
	WRITE_ONCE(base->takes_local, !base->isolated);
	program_next(base); /* T55 */
	raw_spin_unlock_irq(&base->lock);
	return 0;
}

static int base_offline(unsigned int cpu)
{
	struct htw_base *base = htw_base_of_cpu(cpu);

	raw_spin_lock_irq(&base->lock);
	WRITE_ONCE(base->online, false); /* T46 */
	WRITE_ONCE(base->takes_local, false);
	raw_spin_unlock_irq(&base->lock);

	/* On PREEMPT_RT this thread may have preempted a pass: let it end. */
	local_bh_disable(); /* T47 */
	base_lock_expiry(base); /* T48 */
	drain_base(base); /* T49 */
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

/*
 * Once more: the kernel relocates no address in a per-CPU variable of a module, and lockdep
 * would take for the lock's name what is there instead. Built in, somebody may have been
 * here before.
 */
static void init_locks(void)
{
#ifdef MODULE
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		raw_spin_lock_init(&htw_base_of_cpu(cpu)->lock);
#endif
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
	init_locks();
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
