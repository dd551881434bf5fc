// SPDX-License-Identifier: GPL-2.0
/*
 * Private wheels, on virtual time.
 *
 * A wheel as the bases have it, without lock or hrtimer: time passes when the owner
 * says so, and callbacks run in the call that says it.
 *
 * Order
 * -----
 *
 * Callbacks run in order of tick, then of arming. The wheel sees to the first. Its
 * lists say nothing about the second: a timer that was pushed later by a store has
 * kept the place that an older arming gave it, and what is cascaded comes behind
 * what was armed into the finer level meanwhile. So each arming has a number, and
 * time never goes further than to the next event of the wheel: all nodes that are
 * expired at once are of one tick, and are sorted by that number before the first
 * of them runs.
 *
 * A callback cannot add to them, because what it arms is due with the next tick at
 * the earliest. It can take from them, and what it cancels does not run.
 *
 * The end of time
 * ---------------
 *
 * Time ends with the last ns of a u64, which counts as a tick although (with a tick
 * of more than 1 ns) it is on no boundary: otherwise what expires in the last,
 * incomplete tick would never be due. Nothing is due after that. A timer that is
 * armed then stays pending until it is cancelled.
 */
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/container_of.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/htw_wheel.h>
#include <linux/list_sort.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "virtual.h"
#include "wheel.h"

static_assert(HTW_WHEEL_MAX_LEVELS == HTW_MAX_LEVELS);

/* Most nodes that one step of an advance moves. */
#define MOVES_PER_STEP	64

/**
 * struct virtual_wheel - a private wheel
 * @now_ns: the time, which is never behind the wheel's target
 * @nr_armed: how many armings there were: the number of the next one
 * @nr_run: how many callbacks have run
 * @collected: all that is due at the wheel's target has been found and sorted; false
 *	only while htw_wheel_advance_some() has stopped before that
 * @in_callback: a callback is running
 * @wheel: the wheel, and what others know of all this
 */
struct virtual_wheel {
	u64			now_ns;
	u64			nr_armed;
	u64			nr_run;
	bool			collected;
	bool			in_callback;
	struct htw_wheel	wheel;
};

static struct virtual_wheel *to_virtual(struct htw_wheel *wheel)
{
	return container_of(wheel, struct virtual_wheel, wheel);
}

static struct htw_wheel_timer *to_timer(const struct list_head *entry)
{
	return container_of(entry, struct htw_wheel_timer, node.entry);
}

/* The tick that has come when it is @ns. */
static u64 tick_at(unsigned int tick_shift, u64 ns)
{
	if (ns == U64_MAX)
		return htw_tick_after(tick_shift, ns);
	return htw_tick_before(tick_shift, ns);
}

static u64 ns_at(unsigned int tick_shift, u64 tick)
{
	if (tick > U64_MAX >> tick_shift)
		return U64_MAX;
	return tick << tick_shift;
}

static int geometry_of(const struct htw_wheel_params *params,
		       struct htw_geometry *geo)
{
	static const struct htw_geometry standard = HTW_DEFAULT_GEOMETRY;
	unsigned int i;

	*geo = standard;
	if (params->nr_levels) {
		*geo = (struct htw_geometry) {
			.tick_shift = standard.tick_shift,
			.nr_levels = params->nr_levels,
		};
		memcpy(geo->slots, params->slots, sizeof(geo->slots));
	}
	if (params->tick_ns & (params->tick_ns - 1))
		return -EINVAL;
	if (params->tick_ns)
		geo->tick_shift = fls64(params->tick_ns) - 1;

	for (i = params->nr_levels; i < HTW_MAX_LEVELS; i++) {
		if (params->slots[i])
			return -EINVAL;
	}
	return htw_geometry_error(geo) ? -EINVAL : 0;
}

/**
 * htw_virtual_create() - what htw_wheel_create() does, with other memory
 * @params: what it is to be like; NULL means the same as all zeroes
 * @gfp: how to allocate
 *
 * Return: see htw_wheel_create().
 */
struct htw_wheel *htw_virtual_create(const struct htw_wheel_params *params,
				     gfp_t gfp)
{
	static const struct htw_wheel_params zeroes;
	struct virtual_wheel *vw;
	struct htw_geometry geo;
	int ret;

	if (!params)
		params = &zeroes;
	ret = geometry_of(params, &geo);
	if (ret)
		return ERR_PTR(ret);

	vw = kvzalloc(offsetof(struct virtual_wheel, wheel) +
		      htw_wheel_size(&geo), gfp);
	if (!vw)
		return ERR_PTR(-ENOMEM);
	htw_wheel_init(&vw->wheel, &geo,
		       tick_at(geo.tick_shift, params->start_ns));
	vw->now_ns = params->start_ns;
	vw->collected = true;
	return &vw->wheel;
}

/**
 * htw_wheel_create() - make a private wheel
 * @params: what it is to be like; NULL means the same as all zeroes
 *
 * What is allocated here is all that the wheel ever needs: some tens of
 * bytes for each slot, and some KiB.
 *
 * Context: Task. May sleep.
 * Return: the wheel, to be given to htw_wheel_destroy() in the end, or as an ERR_PTR()
 *
 * * %-EINVAL	- the tick is not a power of two or too long, the levels are too many,
 *   or the slots of one are not a power of two from 2 to 256
 * * %-ENOMEM	- there is not enough memory
 */
struct htw_wheel *htw_wheel_create(const struct htw_wheel_params *params)
{
	return htw_virtual_create(params, GFP_KERNEL);
}
EXPORT_SYMBOL_GPL(htw_wheel_create);

/**
 * htw_wheel_destroy() - end a private wheel
 * @wheel: the wheel, or NULL
 *
 * Timers that are still pending are cancelled, so their memory must still be there.
 *
 * Context: Task. May sleep.
 * Return:
 * * 0		- there is no such wheel any more
 * * %-EBUSY	- called from a callback of the wheel; nothing has changed
 */
int htw_wheel_destroy(struct htw_wheel *wheel)
{
	struct virtual_wheel *vw;
	struct htw_node *node;

	if (!wheel)
		return 0;
	vw = to_virtual(wheel);
	if (vw->in_callback)
		return -EBUSY;
	while ((node = htw_wheel_take(wheel)))
		to_timer(&node->entry)->wheel = NULL;
	kvfree(vw);
	return 0;
}
EXPORT_SYMBOL_GPL(htw_wheel_destroy);

static u64 choose_tick(const struct htw_wheel *wheel, u64 expires, u64 slack)
{
	u64 tick = htw_tick_after(wheel->tick_shift, expires);
	u64 latest = expires + slack < expires ? U64_MAX : expires + slack;

	return htw_best_tick(htw_wheel_due(wheel, tick),
			     htw_tick_before(wheel->tick_shift, latest));
}

/**
 * htw_wheel_schedule_range() - arm a timer of a private wheel, with slack
 * @wheel: the wheel
 * @timer: the timer
 * @expires_ns: the earliest time, in ns
 * @slack_ns: how much later than @expires_ns the timer may fire, in ns
 * @flags: must be 0
 *
 * Of the ticks from @expires_ns to @expires_ns + @slack_ns the roundest is taken. If
 * no tick lies in between, it is the first one after.
 *
 * Context: Any. Neither sleeps nor allocates.
 * Return: as htw_wheel_schedule(), and %-EINVAL for unknown @flags.
 */
int htw_wheel_schedule_range(struct htw_wheel *wheel,
			     struct htw_wheel_timer *timer, u64 expires_ns,
			     u64 slack_ns, unsigned int flags)
{
	u64 tick = choose_tick(wheel, expires_ns, slack_ns);
	int ret = htw_wheel_timer_pending(timer);

	if (!timer->function || flags)
		return -EINVAL;
	if (ret && timer->wheel != wheel)
		return -EBUSY;

	if (ret)
		htw_wheel_move(wheel, &timer->node, tick);
	else
		htw_wheel_insert(wheel, &timer->node, tick);
	timer->wheel = wheel;
	timer->expires = expires_ns;
	timer->seq = to_virtual(wheel)->nr_armed++;
	return ret;
}
EXPORT_SYMBOL_GPL(htw_wheel_schedule_range);

/**
 * htw_wheel_schedule() - arm a timer of a private wheel
 * @wheel: the wheel
 * @timer: the timer
 * @expires_ns: when, in ns of the wheel's time
 *
 * The timer fires at the first tick that is not before @expires_ns; a time that is
 * now or past means the next tick. If the timer is pending, this arming replaces
 * the older one, and in the order of arming it is the last.
 *
 * At the end of time, when htw_wheel_now() is U64_MAX, there is no next tick: the
 * timer stays pending until it is cancelled.
 *
 * Context: Any. Neither sleeps nor allocates.
 * Return:
 * * 0		- armed; the timer was not pending
 * * 1		- armed; the timer was pending, its old arming never fires
 * * %-EINVAL	- the timer is all zeroes: it was never set up
 * * %-EBUSY	- the timer is pending in another wheel; nothing has changed
 */
int htw_wheel_schedule(struct htw_wheel *wheel, struct htw_wheel_timer *timer,
		       u64 expires_ns)
{
	return htw_wheel_schedule_range(wheel, timer, expires_ns, 0, 0);
}
EXPORT_SYMBOL_GPL(htw_wheel_schedule);

/**
 * htw_wheel_cancel() - disarm a timer of a private wheel
 * @timer: the timer
 *
 * Also one that is due at the very tick whose callbacks are running, if its turn has
 * not come.
 *
 * Context: Any. Neither sleeps nor allocates.
 * Return: 1 if the timer was pending, and now this arming never fires; else 0.
 */
int htw_wheel_cancel(struct htw_wheel_timer *timer)
{
	if (!htw_wheel_timer_pending(timer))
		return 0;
	htw_wheel_remove(timer->wheel, &timer->node);
	timer->wheel = NULL;
	return 1;
}
EXPORT_SYMBOL_GPL(htw_wheel_cancel);

static int by_arming(void *priv, const struct list_head *a,
		     const struct list_head *b)
{
	return to_timer(a)->seq > to_timer(b)->seq;
}

/* It is @tick: find a part of what is due, and sort it once that is all. */
static void collect(struct virtual_wheel *vw, u64 tick)
{
	vw->now_ns = ns_at(vw->wheel.tick_shift, tick);
	vw->collected = htw_wheel_collect(&vw->wheel, tick, MOVES_PER_STEP);
	if (vw->collected)
		list_sort(NULL, &vw->wheel.expired, by_arming);
}

static void run(struct virtual_wheel *vw, struct htw_wheel_timer *timer)
{
	timer->wheel = NULL;
	vw->nr_run++;
	vw->in_callback = true;
	timer->function(&vw->wheel, timer);
	/* The timer may be gone. */
	vw->in_callback = false;
}

/*
 * The next thing to do on the way to @to_ns: run a callback, or go on looking for
 * what is due at this tick, or go to the tick of the next event. Between any two
 * steps the wheel can be used. Returns false if nothing is left to do.
 */
static bool step(struct virtual_wheel *vw, u64 to_ns)
{
	struct htw_wheel *wheel = &vw->wheel;
	u64 tick = wheel->target;
	struct htw_node *node;
	u64 to;

	to_ns = max(to_ns, vw->now_ns);
	to = tick_at(wheel->tick_shift, to_ns);
	if (vw->collected) {
		node = htw_wheel_pop(wheel);
		if (node) {
			run(vw, to_timer(&node->entry));
			return true;
		}
		if (tick == to) {
			vw->now_ns = to_ns;
			return false;
		}
		if (!htw_wheel_next(wheel, &tick) || tick > to)
			tick = to;
	}
	collect(vw, tick);
	return true;
}

/**
 * htw_wheel_advance() - let the time of a private wheel pass
 * @wheel: the wheel
 * @to_ns: the time that comes, in ns; earlier than now means now
 *
 * Runs the callbacks of all timers that are due by then, in order of their ticks, and
 * those of one tick in the order in which they were armed. While they run,
 * htw_wheel_now() is the time of their tick; in the end it is @to_ns.
 *
 * What callbacks arm runs in the same call if it is due by @to_ns. So a timer that
 * always arms itself again for now runs once per tick, which can be very often.
 *
 * The time that this takes has no bound: where that matters, use
 * htw_wheel_advance_some().
 *
 * Context: Any, if the callbacks can run in it. Does not sleep or allocate by itself.
 * Return: how many callbacks have run, or %-EBUSY if called from a callback of the
 * wheel; then nothing has changed.
 */
s64 htw_wheel_advance(struct htw_wheel *wheel, u64 to_ns)
{
	struct virtual_wheel *vw = to_virtual(wheel);
	u64 before = vw->nr_run;

	if (vw->in_callback)
		return -EBUSY;
	while (step(vw, to_ns))
		;
	return vw->nr_run - before;
}
EXPORT_SYMBOL_GPL(htw_wheel_advance);

/**
 * htw_wheel_advance_some() - let the time of a private wheel pass, a bit at a time
 * @wheel: the wheel
 * @to_ns: the time that comes, in ns; earlier than now means now
 * @steps: how much may be done: a step is a callback, or 64 timers moved at most. To
 *	sort the timers that are due at one tick belongs to one step.
 *
 * Does the same as htw_wheel_advance(), in the same order, but may stop on the way, so
 * that the owner can do something else, like cond_resched(). The time is then that of
 * the tick that has been reached, and the wheel can be used like at any other time.
 *
 * Context: Any, if the callbacks can run in it. Does not sleep or allocate by itself.
 * Return:
 * * 0		- done
 * * %-EAGAIN	- there is more to do: call it again
 * * %-EBUSY	- called from a callback of the wheel; nothing has changed
 */
int htw_wheel_advance_some(struct htw_wheel *wheel, u64 to_ns,
			   unsigned int steps)
{
	struct virtual_wheel *vw = to_virtual(wheel);

	if (vw->in_callback)
		return -EBUSY;
	while (steps--) {
		if (!step(vw, to_ns))
			return 0;
	}
	return -EAGAIN;
}
EXPORT_SYMBOL_GPL(htw_wheel_advance_some);

/**
 * htw_wheel_now() - what time it is in a private wheel
 * @wheel: the wheel
 *
 * Context: Any.
 * Return: the time in ns: in a callback that of the tick at which it runs, else
 * what the wheel was advanced to.
 */
u64 htw_wheel_now(const struct htw_wheel *wheel)
{
	return container_of(wheel, struct virtual_wheel, wheel)->now_ns;
}
EXPORT_SYMBOL_GPL(htw_wheel_now);

/**
 * htw_wheel_next_event() - when something happens next in a private wheel
 * @wheel: the wheel
 * @event_ns: set to the time of its tick, in ns
 *
 * Nothing fires before that. In a callback it is now, if more timers are due at the
 * same tick.
 *
 * It can be a time at which nothing fires, if more than 64 timers are in one slot (the
 * wheel wants to be looked at before they are due, to cascade them), and between two
 * calls of htw_wheel_advance_some(). To advance to it, and ask again, comes to an end.
 *
 * Costs little, but if the timer that was first of all has been cancelled or armed for
 * later, those that wait in the same slot are looked at to find the new first one.
 *
 * Context: Any. Neither sleeps nor allocates.
 * Return: false if nothing will fire: the wheel is empty, or at the end of time.
 */
bool htw_wheel_next_event(struct htw_wheel *wheel, u64 *event_ns)
{
	struct virtual_wheel *vw = to_virtual(wheel);
	u64 tick;

	if (vw->collected && list_empty(&wheel->expired)) {
		if (vw->now_ns == U64_MAX)
			return false;
		htw_wheel_refresh(wheel, UINT_MAX);
	}
	if (!htw_wheel_next(wheel, &tick))
		return false;
	*event_ns = max(ns_at(wheel->tick_shift, tick), vw->now_ns);
	return true;
}
EXPORT_SYMBOL_GPL(htw_wheel_next_event);

/**
 * htw_wheel_pending() - how many timers are armed in a private wheel
 * @wheel: the wheel
 *
 * Context: Any.
 * Return: their number.
 */
u64 htw_wheel_pending(const struct htw_wheel *wheel)
{
	return wheel->nr_pending;
}
EXPORT_SYMBOL_GPL(htw_wheel_pending);

/**
 * htw_wheel_overflow() - how many of them wait beyond the levels
 * @wheel: the wheel
 *
 * If that is most of them for most of the time, more slots or levels would save work.
 *
 * Context: Any.
 * Return: their number.
 */
u64 htw_wheel_overflow(const struct htw_wheel *wheel)
{
	return wheel->nr_overflow;
}
EXPORT_SYMBOL_GPL(htw_wheel_overflow);

/**
 * htw_wheel_capacity_ns() - how far the levels of a private wheel reach together
 * @wheel: the wheel
 *
 * A timer that is further ahead than this waits in the overflow.
 *
 * Context: Any.
 * Return: the tick times the slots of all levels, in ns; U64_MAX if that is more.
 */
u64 htw_wheel_capacity_ns(const struct htw_wheel *wheel)
{
	return ns_at(wheel->tick_shift, htw_wheel_capacity(wheel));
}
EXPORT_SYMBOL_GPL(htw_wheel_capacity_ns);

/**
 * htw_wheel_tick_ns() - the unit of a private wheel
 * @wheel: the wheel
 *
 * Context: Any.
 * Return: its tick, in ns.
 */
u64 htw_wheel_tick_ns(const struct htw_wheel *wheel)
{
	return 1ULL << wheel->tick_shift;
}
EXPORT_SYMBOL_GPL(htw_wheel_tick_ns);
