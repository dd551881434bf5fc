// SPDX-License-Identifier: GPL-2.0
/* Those that are compared: htw, timer_list and hrtimer. */
#include "bench.h"

struct bench_watch bench_watch;

static void fired(struct bench_timer *timer)
{
	if (bench_watch.record)
		bench_watch.record(timer);
	if (++bench_watch.fired == bench_watch.expected) {
		bench_watch.ended = bench_clock();
		complete(&bench_watch.done);
	}
}

/* htw */

static void htw_fired(struct htw_timer *htw)
{
	fired(container_of(htw, struct bench_timer, htw));
}

static void htw_setup(struct bench_timer *timer)
{
	htw_timer_setup(&timer->htw, htw_fired, 0);
}

static u64 ns_when(const struct bench_base *base, u64 delta)
{
	return base->ns + delta;
}

static u64 ns_delay(u64 delta)
{
	return delta;
}

static __always_inline int htw_arm_one(struct bench_timer *timer, u64 when)
{
	return htw_schedule_at(&timer->htw, when);
}

static __always_inline int htw_arm_relative_one(struct bench_timer *timer, u64 when)
{
	return htw_schedule(&timer->htw, when);
}

static __always_inline int htw_cancel_one(struct bench_timer *timer, u64 when)
{
	return htw_cancel(&timer->htw);
}

static u64 htw_arm(struct bench_load *load, const u32 *order)
{
	return bench_steps(load, order, htw_arm_one);
}

static u64 htw_arm_relative(struct bench_load *load, const u32 *order)
{
	return bench_steps(load, order, htw_arm_relative_one);
}

static u64 htw_cancel_all(struct bench_load *load, const u32 *order)
{
	return bench_steps(load, order, htw_cancel_one);
}

static __always_inline int htw_arm_coarse_one(struct bench_timer *timer, u64 when)
{
	return htw_schedule_range(&timer->htw, when, 0, HTW_COARSE);
}

static u64 htw_arm_coarse(struct bench_load *load, const u32 *order)
{
	return bench_steps(load, order, htw_arm_coarse_one);
}

/* timer_list */

static void list_fired(struct timer_list *list)
{
	fired(container_of(list, struct bench_timer, list));
}

static void list_setup(struct bench_timer *timer)
{
	timer_setup(&timer->list, list_fired, 0);
}

/* Rounded up; the wheel itself adds what may be missing of the first jiffy. */
static u64 list_delay(u64 delta)
{
	return div_u64(delta + TICK_NSEC - 1, TICK_NSEC);
}

static u64 list_when(const struct bench_base *base, u64 delta)
{
	return base->jiffies + list_delay(delta);
}

static __always_inline int list_arm_one(struct bench_timer *timer, u64 when)
{
	return mod_timer(&timer->list, when);
}

static __always_inline int list_arm_relative_one(struct bench_timer *timer, u64 when)
{
	return mod_timer(&timer->list, jiffies + when);
}

static __always_inline int list_cancel_one(struct bench_timer *timer, u64 when)
{
	return timer_delete(&timer->list);
}

static u64 list_arm(struct bench_load *load, const u32 *order)
{
	return bench_steps(load, order, list_arm_one);
}

static u64 list_arm_relative(struct bench_load *load, const u32 *order)
{
	return bench_steps(load, order, list_arm_relative_one);
}

static u64 list_cancel_all(struct bench_load *load, const u32 *order)
{
	return bench_steps(load, order, list_cancel_one);
}

/* hrtimer, as most use it: its callbacks run in the interrupt itself */

static enum hrtimer_restart hr_fired(struct hrtimer *hr)
{
	fired(container_of(hr, struct bench_timer, hr));
	return HRTIMER_NORESTART;
}

static void hr_setup(struct bench_timer *timer)
{
	hrtimer_init(&timer->hr, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	timer->hr.function = hr_fired;
}

static __always_inline int hr_arm_one(struct bench_timer *timer, u64 when)
{
	hrtimer_start(&timer->hr, when, HRTIMER_MODE_ABS);
	return 0;
}

static __always_inline int hr_arm_relative_one(struct bench_timer *timer, u64 when)
{
	hrtimer_start(&timer->hr, when, HRTIMER_MODE_REL);
	return 0;
}

static __always_inline int hr_cancel_one(struct bench_timer *timer, u64 when)
{
	return hrtimer_try_to_cancel(&timer->hr);
}

static u64 hr_arm(struct bench_load *load, const u32 *order)
{
	return bench_steps(load, order, hr_arm_one);
}

static u64 hr_arm_relative(struct bench_load *load, const u32 *order)
{
	return bench_steps(load, order, hr_arm_relative_one);
}

static u64 hr_cancel_all(struct bench_load *load, const u32 *order)
{
	return bench_steps(load, order, hr_cancel_one);
}

const struct bench_peer bench_peers[BENCH_NR_PEERS] = {
	{
		.name		= "htw",
		.setup		= htw_setup,
		.when		= ns_when,
		.delay		= ns_delay,
		.arm		= htw_arm,
		.arm_relative	= htw_arm_relative,
		.cancel		= htw_cancel_all,
		.arm_one	= htw_arm_one,
		.cancel_one	= htw_cancel_one,
		.counts_arms	= true,
		.exact		= true,
	}, {
		.name		= "timer_list",
		.setup		= list_setup,
		.when		= list_when,
		.delay		= list_delay,
		.arm		= list_arm,
		.arm_relative	= list_arm_relative,
		.cancel		= list_cancel_all,
		.arm_one	= list_arm_one,
		.cancel_one	= list_cancel_one,
		.counts_arms	= true,
		.exact		= true,
		.coarse		= true,
	}, {
		.name		= "hrtimer",
		.setup		= hr_setup,
		.when		= ns_when,
		.delay		= ns_delay,
		.arm		= hr_arm,
		.arm_relative	= hr_arm_relative,
		.cancel		= hr_cancel_all,
		.arm_one	= hr_arm_one,
		.cancel_one	= hr_cancel_one,
		.exact		= true,
	},
	{
		.name		= "htw",
		.setup		= htw_setup,
		.when		= ns_when,
		.delay		= ns_delay,
		.arm		= htw_arm_coarse,
		.arm_relative	= htw_arm_relative,
		.cancel		= htw_cancel_all,
		.arm_one	= htw_arm_coarse_one,
		.cancel_one	= htw_cancel_one,
		.counts_arms	= true,
		.coarse		= true,
	},
};
