// SPDX-License-Identifier: GPL-2.0
/*
 * The ways to arm and to end a timer: its window, its CPU, many at once.
 *
 * What a window makes of an arming is seen in the tick that was chosen, not in when
 * the timer fires. Timers of an hour are cancelled, and are as good as any other.
 */
#include <kunit/test.h>
#include <linux/cpu.h>
#include <linux/htw.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include "base.h"
#include "probe.h"

static u64 tick_ns(void)
{
	return 1ULL << htw_base_geometry()->tick_shift;
}

/* When a timer will fire, in ns. */
static u64 due_ns(const struct probe *probe)
{
	return probe->timer.node.tick * tick_ns();
}

/* A multiple of 2^20 ticks (more than two minutes) that is hours ahead. */
static u64 round_time(void)
{
	return ((ktime_get() + HOUR_NS) >> 37 << 37) + (1ULL << 37);
}

static void deadline_is_in_its_window(struct kunit *test)
{
	static const u64 slacks[] = { 0, 1, 100 * NSEC_PER_USEC,
				      NSEC_PER_MSEC, 333 * NSEC_PER_MSEC };
	struct probe *probe = make_probe(test, probe_fired);
	u64 expires, width;
	unsigned int i, j;
	int ret;

	for (i = 0; i < ARRAY_SIZE(slacks); i++) {
		width = max(slacks[i], tick_ns());
		for (j = 0; j < 20; j++) {
			expires = ktime_get() + HOUR_NS + j * 77777;
			ret = htw_schedule_range(&probe->timer, expires,
						 slacks[i], HTW_DEADLINE);
			KUNIT_EXPECT_EQ(test, ret & HTW_LATE, 0);
			KUNIT_EXPECT_GE(test, due_ns(probe), expires - width);
			KUNIT_EXPECT_LE(test, due_ns(probe), expires);
			KUNIT_EXPECT_EQ(test, (u64)htw_expires(&probe->timer),
					expires);
		}
	}
	htw_cancel(&probe->timer);
}

static void deadline_takes_the_roundest_tick(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	u64 round = round_time();

	/* The window begins and ends next to it. */
	htw_schedule_range(&probe->timer, round + 5 * tick_ns(), 9 * tick_ns(),
			   HTW_DEADLINE);
	KUNIT_EXPECT_EQ(test, due_ns(probe), round);
	htw_schedule_range(&probe->timer, round, 0, HTW_DEADLINE);
	KUNIT_EXPECT_EQ(test, due_ns(probe), round);
	htw_schedule_range(&probe->timer, round - 1, 0, HTW_DEADLINE);
	KUNIT_EXPECT_EQ(test, due_ns(probe), round - tick_ns());
	htw_cancel(&probe->timer);
}

static void deadline_fires_after_its_earliest_time(struct kunit *test)
{
	const u64 slack = 2 * NSEC_PER_MSEC;
	const unsigned int nr = 50;
	struct probe *probes = make_probes(test, nr, probe_fired);
	u64 now = ktime_get() + 5 * NSEC_PER_MSEC;
	unsigned int i;

	for (i = 0; i < nr; i++)
		htw_schedule_range(&probes[i].timer, now + i * 333333, slack,
				   HTW_DEADLINE);
	for (i = 0; i < nr; i++) {
		expect_done(test, &probes[i]);
		KUNIT_EXPECT_GE(test, probes[i].fired_ns,
				now + i * 333333 - slack);
		KUNIT_EXPECT_EQ(test, atomic_read(&probes[i].fired), 1);
	}
}

static void deadline_that_cannot_be_kept_is_said(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	u64 before, expires;
	int ret;

	before = ktime_get();
	ret = htw_schedule_range(&probe->timer, before, HOUR_NS, HTW_DEADLINE);
	KUNIT_EXPECT_EQ(test, ret, HTW_LATE);
	expect_done(test, probe);
	/* The next tick that can be kept. */
	KUNIT_EXPECT_GE(test, probe->fired_tick * tick_ns(),
			before + htw_base_min_gap());

	htw_schedule(&probe->timer, HOUR_NS);
	expires = ktime_get();
	ret = htw_schedule_range(&probe->timer, expires, 0, HTW_DEADLINE);
	KUNIT_EXPECT_EQ(test, ret, HTW_LATE | HTW_WAS_PENDING);
	expect_done(test, probe);
	KUNIT_EXPECT_GE(test, probe->fired_ns, expires);
	KUNIT_EXPECT_EQ(test, htw_schedule_range(&probe->timer, -5, 0,
						 HTW_DEADLINE), HTW_LATE);
	expect_done(test, probe);

	/* Without a deadline nobody asks. */
	KUNIT_EXPECT_EQ(test, htw_schedule_range(&probe->timer, 0, 0, 0), 0);
	expect_done(test, probe);
}

/* timer_list takes it for granted that it may be 12.5 % late, that is minutes. */
static void keepalive_of_an_hour_keeps_its_deadline(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	u64 expires;
	int ret;

	expires = ktime_get() + HOUR_NS;
	ret = htw_schedule_range(&probe->timer, expires, 0,
				 HTW_DEADLINE | HTW_COARSE);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_LE(test, due_ns(probe), expires);
	KUNIT_EXPECT_GE(test, due_ns(probe), expires - HOUR_NS / 8);

	ret = htw_schedule_range(&probe->timer, expires, 0, HTW_DEADLINE);
	KUNIT_EXPECT_EQ(test, ret, HTW_WAS_PENDING);
	KUNIT_EXPECT_LE(test, due_ns(probe), expires);
	KUNIT_EXPECT_GE(test, due_ns(probe), expires - tick_ns());
	htw_cancel(&probe->timer);
}

/* The tick is a multiple of the largest power of two that an eighth is. */
static void coarse_is_round_by_an_eighth(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	u64 delay, before, after, expires, unit, early;
	struct rnd_state rnd;
	unsigned int i, flags;

	prandom_seed_state(&rnd, 3);
	for (i = 0; i < 300; i++) {
		delay = ((u64)prandom_u32_state(&rnd) << 20) >> i % 24;
		delay += 50 * NSEC_PER_MSEC;
		flags = HTW_COARSE | (i % 2 ? HTW_DEADLINE : 0);
		early = flags & HTW_DEADLINE ? delay / 8 + tick_ns() : 0;

		before = ktime_get();
		expires = before + delay;
		htw_schedule_range(&probe->timer, expires, 0, flags);
		after = ktime_get();
		KUNIT_EXPECT_GE(test, due_ns(probe), expires - early);
		if (flags & HTW_DEADLINE)
			KUNIT_EXPECT_LE(test, due_ns(probe), expires);
		else
			KUNIT_EXPECT_LE(test, due_ns(probe),
					expires + max(delay / 8, tick_ns()));
		unit = (expires - after) / 8 / tick_ns();
		if (after < expires && unit)
			KUNIT_EXPECT_EQ(test, probe->timer.node.tick &
					((1ULL << ilog2(unit)) - 1), 0ULL);
	}
	htw_cancel(&probe->timer);
}

static void coarse_keeps_more_slack(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	u64 expires = ktime_get() + HOUR_NS;

	htw_schedule_range(&probe->timer, expires, 4 * HOUR_NS, HTW_COARSE);
	KUNIT_EXPECT_GE(test, due_ns(probe), expires);
	/* Two and a half hours: more than an eighth of one. */
	KUNIT_EXPECT_EQ(test, due_ns(probe) & ((1ULL << 43) - 1), 0ULL);
	htw_cancel(&probe->timer);
}

/* The promise of every window, with and without a deadline. */
static void windows_that_hold_a_tick_are_kept(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	u64 expires, slack, latest;
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, 4);
	for (i = 0; i < 1000; i++) {
		expires = ktime_get() + HOUR_NS + prandom_u32_state(&rnd);
		slack = prandom_u32_state(&rnd) >> i % 32;
		latest = expires + slack;
		htw_schedule_range(&probe->timer, expires, slack, 0);
		KUNIT_EXPECT_GE(test, due_ns(probe), expires);
		if (latest / tick_ns() * tick_ns() >= expires)
			KUNIT_EXPECT_LE(test, due_ns(probe), latest);
		else
			KUNIT_EXPECT_LT(test, due_ns(probe),
					expires + tick_ns());
	}
	htw_cancel(&probe->timer);
}

static void reduce_is_never_later(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	u64 now = round_time();

	KUNIT_EXPECT_EQ(test, htw_schedule_reduce(&probe->timer, now), 0);
	KUNIT_EXPECT_EQ(test, (u64)htw_expires(&probe->timer), now);
	KUNIT_EXPECT_EQ(test, htw_schedule_reduce(&probe->timer, now + HOUR_NS),
			HTW_WAS_PENDING);
	KUNIT_EXPECT_EQ(test, (u64)htw_expires(&probe->timer), now);
	KUNIT_EXPECT_EQ(test, due_ns(probe), now);
	/* At the same tick: as it is. */
	KUNIT_EXPECT_EQ(test, htw_schedule_reduce(&probe->timer, now - 1),
			HTW_WAS_PENDING);
	KUNIT_EXPECT_EQ(test, (u64)htw_expires(&probe->timer), now);
	KUNIT_EXPECT_EQ(test, htw_schedule_reduce(&probe->timer,
						  now - NSEC_PER_SEC),
			HTW_WAS_PENDING);
	KUNIT_EXPECT_EQ(test, (u64)htw_expires(&probe->timer),
			now - NSEC_PER_SEC);
	KUNIT_EXPECT_LT(test, due_ns(probe), now);

	/* What fires before that has nothing to be reduced. */
	htw_schedule_range(&probe->timer, now + tick_ns(), NSEC_PER_SEC,
			   HTW_DEADLINE);
	KUNIT_EXPECT_EQ(test, due_ns(probe), now);
	htw_schedule_reduce(&probe->timer, now + 1);
	KUNIT_EXPECT_EQ(test, due_ns(probe), now);

	htw_shutdown_sync(&probe->timer);
	KUNIT_EXPECT_EQ(test, htw_schedule_reduce(&probe->timer, 0),
			-ESHUTDOWN);
}

static void pending_arms_nothing_new(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	u64 now = ktime_get() + HOUR_NS;

	KUNIT_EXPECT_EQ(test, htw_schedule_pending(&probe->timer, now), 0);
	KUNIT_EXPECT_FALSE(test, htw_pending(&probe->timer));
	KUNIT_EXPECT_EQ(test, htw_expires(&probe->timer), 0LL);

	htw_schedule_at(&probe->timer, now);
	KUNIT_EXPECT_EQ(test, htw_schedule_pending(&probe->timer, now + 5),
			HTW_WAS_PENDING);
	KUNIT_EXPECT_EQ(test, (u64)htw_expires(&probe->timer), now + 5);
	KUNIT_EXPECT_EQ(test, htw_schedule_pending(&probe->timer, 0),
			HTW_WAS_PENDING);
	expect_done(test, probe);
	KUNIT_EXPECT_EQ(test, htw_schedule_pending(&probe->timer, 0), 0);
	htw_shutdown_sync(&probe->timer);
	KUNIT_EXPECT_EQ(test, htw_schedule_pending(&probe->timer, 0),
			-ESHUTDOWN);
}

static void on_fires_on_that_cpu(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	unsigned int i, cpu;

	for (i = 0; i < 20; i++) {
		cpu = i % 2 ? other_cpu(test) : 0;
		KUNIT_EXPECT_EQ(test, htw_schedule_on(&probe->timer, 0, cpu), 0);
		expect_done(test, probe);
		KUNIT_EXPECT_EQ(test, probe->fired_cpu, cpu);
	}

	/* A pending one moves, in either direction of time. */
	htw_schedule_on(&probe->timer, ktime_get() + HOUR_NS, 0);
	KUNIT_EXPECT_EQ(test, htw_schedule_on(&probe->timer,
					      ktime_get() + 2 * HOUR_NS, cpu),
			HTW_WAS_PENDING);
	KUNIT_EXPECT_EQ(test, cpu_of(&probe->timer), cpu);
	KUNIT_EXPECT_EQ(test, htw_schedule_on(&probe->timer, 0, 0),
			HTW_WAS_PENDING);
	expect_done(test, probe);
	KUNIT_EXPECT_EQ(test, probe->fired_cpu, 0U);
}

static void on_stays_until_armed_elsewhere(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	unsigned int cpu = other_cpu(test);

	htw_schedule_on(&probe->timer, ktime_get() + HOUR_NS, cpu);
	arm_on(0, &probe->timer, 2 * HOUR_NS);
	KUNIT_EXPECT_EQ(test, cpu_of(&probe->timer), cpu);
	arm_on(0, &probe->timer, HOUR_NS);
	KUNIT_EXPECT_EQ(test, cpu_of(&probe->timer), 0U);
	KUNIT_EXPECT_EQ(test, htw_cancel(&probe->timer), 1);
}

static void on_refuses_what_is_no_cpu(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	u64 expires = ktime_get() + HOUR_NS;

	htw_schedule_at(&probe->timer, expires);
	KUNIT_EXPECT_EQ(test, htw_schedule_on(&probe->timer, 0, nr_cpu_ids),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, htw_schedule_on(&probe->timer, 0, U32_MAX),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, (u64)htw_expires(&probe->timer), expires);
	KUNIT_EXPECT_EQ(test, htw_cancel(&probe->timer), 1);
}

#ifdef CONFIG_HOTPLUG_CPU
static void on_refuses_a_cpu_that_is_offline(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	struct probe *kept = make_probe(test, probe_fired);
	unsigned int cpu = other_cpu(test);
	u64 expires = ktime_get() + HOUR_NS;

	htw_schedule_on(&kept->timer, expires, cpu);
	KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
	KUNIT_EXPECT_EQ(test, htw_schedule_on(&probe->timer, 0, cpu), -ENXIO);
	KUNIT_EXPECT_FALSE(test, htw_pending(&probe->timer));
	htw_schedule_at(&probe->timer, expires);
	KUNIT_EXPECT_EQ(test, htw_schedule_on(&probe->timer, 0, cpu), -ENXIO);
	KUNIT_EXPECT_EQ(test, (u64)htw_expires(&probe->timer), expires);
	KUNIT_ASSERT_EQ(test, add_cpu(cpu), 0);

	/* What was there has gone to another base, and is not lost. */
	KUNIT_EXPECT_NE(test, cpu_of(&kept->timer), cpu);
	KUNIT_EXPECT_EQ(test, htw_cancel(&kept->timer), 1);
	KUNIT_EXPECT_EQ(test, htw_schedule_on(&probe->timer, 0, cpu), 1);
	expect_done(test, probe);
	KUNIT_EXPECT_EQ(test, probe->fired_cpu, cpu);
}
#endif

/* From its callback to the other CPU, as often as it is told to. */
static void hopping(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);
	unsigned int cpu = smp_processor_id();

	if (cpu != probe->fired_cpu)
		probe->ret++;
	if (atomic_inc_return(&probe->fired) == probe->rearm) {
		complete(&probe->done);
		return;
	}
	probe->fired_cpu = !cpu;
	htw_schedule_on(timer, ktime_get() + 100 * NSEC_PER_USEC, !cpu);
	/* Not before we have returned. */
	if (cpu_of(timer) != cpu || !htw_pending(timer))
		probe->ret++;
}

static void callback_moves_its_timer_to_another_cpu(struct kunit *test)
{
	struct probe *probe = make_probe(test, hopping);

	KUNIT_ASSERT_EQ(test, other_cpu(test), 1U);
	probe->rearm = 200;
	htw_schedule_on(&probe->timer, 0, 0);
	expect_done(test, probe);
	KUNIT_EXPECT_EQ(test, probe->ret, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&probe->fired), 200);
	KUNIT_EXPECT_EQ(test, htw_shutdown_sync(&probe->timer), 0);
}

static void hopping_forever(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	/* Two at once would see each other. */
	if (atomic_inc_return(&probe->fired) != 1)
		probe->ret++;
	htw_schedule_on(timer, 0, !smp_processor_id());
	udelay(9);
	atomic_dec(&probe->fired);
	complete(&probe->done);
}

static void cancel_sync_ends_a_hopping_timer(struct kunit *test)
{
	struct probe *probe = make_probe(test, hopping_forever);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, other_cpu(test), 1U);
	for (i = 0; i < 100; i++) {
		reinit_completion(&probe->done);
		htw_schedule_on(&probe->timer, 0, i % 2);
		expect_done(test, probe);
		htw_cancel_sync(&probe->timer);
		KUNIT_EXPECT_FALSE(test, htw_pending(&probe->timer));
		KUNIT_EXPECT_EQ(test, atomic_read(&probe->fired), 0);
		reinit_completion(&probe->done);
		usleep_range(300, 600);
		KUNIT_EXPECT_FALSE(test, completion_done(&probe->done));
	}
	KUNIT_EXPECT_EQ(test, probe->ret, 0);
}

/* Each takes back, in its own way, that the running timer is to go to CPU 0. */
static void sent_and_cancelled(struct htw_timer *timer)
{
	htw_schedule_on(timer, ktime_get() + HOUR_NS, 0);
	htw_cancel(timer);
	complete(&container_of(timer, struct probe, timer)->done);
}

static void sent_and_shut_down(struct htw_timer *timer)
{
	htw_schedule_on(timer, ktime_get() + HOUR_NS, 0);
	htw_shutdown(timer);
	complete(&container_of(timer, struct probe, timer)->done);
}

static void sent_and_armed_here(struct htw_timer *timer)
{
	htw_schedule_on(timer, ktime_get() + 2 * HOUR_NS, 0);
	htw_schedule(timer, HOUR_NS);
	complete(&container_of(timer, struct probe, timer)->done);
}

static void sent_and_called_back(struct htw_timer *timer)
{
	htw_schedule_on(timer, ktime_get() + HOUR_NS, 0);
	htw_schedule_on(timer, ktime_get() + 2 * HOUR_NS, smp_processor_id());
	complete(&container_of(timer, struct probe, timer)->done);
}

/* The control: this one does go. */
static void sent(struct htw_timer *timer)
{
	htw_schedule_on(timer, ktime_get() + 2 * HOUR_NS, 0);
	htw_schedule_pending(timer, ktime_get() + 3 * HOUR_NS);
	complete(&container_of(timer, struct probe, timer)->done);
}

/* Until the pass has done what there is to do after the callback. */
static void wait_until_returned(struct probe *probe, unsigned int cpu)
{
	while (READ_ONCE(htw_base_of_cpu(cpu)->running) == &probe->timer)
		cpu_relax();
	htw_expires(&probe->timer);
}

static void a_move_can_be_taken_back(struct kunit *test)
{
	static const struct {
		void	(*function)(struct htw_timer *timer);
		bool	pending;
		bool	gone;
	} cases[] = {
		{ sent_and_cancelled, false, false },
		{ sent_and_shut_down, false, false },
		{ sent_and_armed_here, true, false },
		{ sent_and_called_back, true, false },
		{ sent, true, true },
	};
	unsigned int i, cpu = other_cpu(test);
	struct probe *probe;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		probe = make_probe(test, cases[i].function);
		htw_schedule_on(&probe->timer, 0, cpu);
		expect_done(test, probe);
		wait_until_returned(probe, cpu);
		KUNIT_EXPECT_EQ(test, cpu_of(&probe->timer) != cpu,
				cases[i].gone);
		KUNIT_EXPECT_EQ(test, htw_pending(&probe->timer),
				cases[i].pending);
		htw_shutdown_sync(&probe->timer);
	}
}

static DECLARE_COMPLETION(freed);

static void sent_and_freed(struct htw_timer *timer)
{
	htw_schedule_on(timer, ktime_get() + HOUR_NS, 0);
	htw_cancel(timer);
	kfree(container_of(timer, struct probe, timer));
	complete(&freed);
}

static void callback_may_free_what_it_sent_away(struct kunit *test)
{
	unsigned int i, cpu = other_cpu(test);
	struct probe *probe;

	for (i = 0; i < 50; i++) {
		probe = kmalloc(sizeof(*probe), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, probe);
		probe_init(probe, sent_and_freed);
		htw_schedule_on(&probe->timer, 0, cpu);
	}
	for (i = 0; i < 50; i++)
		KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&freed, WAIT),
				0UL);
}

/* Runs on @cpu; arms itself for CPU 0 and then does not return until it may. */
static void slow_and_sent(struct htw_timer *timer)
{
	htw_schedule_on(timer, 0, 0);
	slow(timer);
}

static void cancel_sync_waits_for_what_is_sent_away(struct kunit *test)
{
	struct probe *probe = make_probe(test, slow_and_sent);
	unsigned int cpu = other_cpu(test);

	htw_schedule_on(&probe->timer, 0, cpu);
	expect_done(test, probe);
	/* It is due on CPU 0, and must not run there as long as it runs here. */
	give_it_time();
	KUNIT_EXPECT_EQ(test, cpu_of(&probe->timer), cpu);
	KUNIT_EXPECT_FALSE(test, completion_done(&probe->done));
	KUNIT_EXPECT_EQ(test, htw_try_to_cancel_sync(&probe->timer), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, htw_pending(&probe->timer));
	WRITE_ONCE(probe->go, true);
	KUNIT_EXPECT_EQ(test, htw_shutdown_sync(&probe->timer), 1);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(probe->ended));
}

static void pinned_goes_where_it_is_armed(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	unsigned int cpu = other_cpu(test);

	htw_timer_setup(&probe->timer, probe_fired, HTW_PINNED);
	arm_on(cpu, &probe->timer, HOUR_NS);
	KUNIT_EXPECT_EQ(test, cpu_of(&probe->timer), cpu);
	/* Also if it is only moved later. */
	KUNIT_EXPECT_EQ(test, arm_on(0, &probe->timer, 2 * HOUR_NS), 1);
	KUNIT_EXPECT_EQ(test, cpu_of(&probe->timer), 0U);
	KUNIT_EXPECT_EQ(test, arm_on(0, &probe->timer, 3 * HOUR_NS), 1);
	KUNIT_EXPECT_EQ(test, cpu_of(&probe->timer), 0U);
	KUNIT_EXPECT_EQ(test, arm_on(cpu, &probe->timer, 0), 1);
	expect_done(test, probe);
	KUNIT_EXPECT_EQ(test, probe->fired_cpu, cpu);
}

static void pinned_goes_where_it_is_armed_while_it_runs(struct kunit *test)
{
	struct probe *probe = make_probe(test, slow);
	unsigned int cpu = other_cpu(test);

	htw_timer_setup(&probe->timer, slow, HTW_PINNED);
	arm_on(cpu, &probe->timer, 0);
	expect_done(test, probe);
	KUNIT_EXPECT_EQ(test, arm_on(0, &probe->timer, HOUR_NS), 0);
	KUNIT_EXPECT_EQ(test, cpu_of(&probe->timer), cpu);
	WRITE_ONCE(probe->go, true);
	wait_until_returned(probe, cpu);
	KUNIT_EXPECT_EQ(test, cpu_of(&probe->timer), 0U);
	KUNIT_EXPECT_EQ(test, htw_shutdown_sync(&probe->timer), 1);
}

static void set_isolated(unsigned int cpu, bool isolated)
{
	struct htw_base *base = htw_base_of_cpu(cpu);

	raw_spin_lock_irq(&base->lock);
	base->isolated = isolated;
	WRITE_ONCE(base->takes_local, !isolated);
	raw_spin_unlock_irq(&base->lock);
}

/* As if the command line had said so. */
static void isolated_cpu_is_left_alone(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	struct probe *pinned = make_probe(test, probe_fired);
	unsigned int cpu = other_cpu(test);
	unsigned long before;

	htw_timer_setup(&pinned->timer, probe_fired, HTW_PINNED);
	set_isolated(cpu, true);
	give_it_time();
	before = interrupts_of(cpu);
	KUNIT_EXPECT_EQ(test, arm_on(cpu, &probe->timer, 0), 0);
	expect_done(test, probe);
	KUNIT_EXPECT_NE(test, probe->fired_cpu, cpu);
	KUNIT_EXPECT_EQ(test, interrupts_of(cpu), before);

	/* But for what says that it has to be this one. */
	arm_on(cpu, &pinned->timer, 0);
	expect_done(test, pinned);
	KUNIT_EXPECT_EQ(test, pinned->fired_cpu, cpu);
	htw_schedule_on(&probe->timer, 0, cpu);
	expect_done(test, probe);
	KUNIT_EXPECT_EQ(test, probe->fired_cpu, cpu);

	/* If all are isolated it is as if none were. */
	set_isolated(0, true);
	KUNIT_EXPECT_EQ(test, arm_on(cpu, &probe->timer, 0), 0);
	expect_done(test, probe);
	KUNIT_EXPECT_EQ(test, probe->fired_cpu, cpu);
	set_isolated(0, false);
	set_isolated(cpu, false);
}

#ifdef CONFIG_HOTPLUG_CPU
static void isolated_cpu_is_so_when_it_comes_up(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	unsigned int cpu = other_cpu(test);

	set_isolated(cpu, true);
	KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
	KUNIT_ASSERT_EQ(test, add_cpu(cpu), 0);
	arm_on(cpu, &probe->timer, HOUR_NS);
	KUNIT_EXPECT_NE(test, cpu_of(&probe->timer), cpu);
	set_isolated(cpu, false);
	arm_on(cpu, &probe->timer, HOUR_NS / 2);
	KUNIT_EXPECT_EQ(test, cpu_of(&probe->timer), cpu);
	KUNIT_EXPECT_EQ(test, htw_cancel(&probe->timer), 1);
}
#endif

/* A timer that nobody has set up. The kernel would warn: not on the way below. */
static void zeroed_timer_is_refused(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	struct htw_bulk bulk = { .timer = &probe->timer };

	memset(&probe->timer, 0, sizeof(probe->timer));
	KUNIT_EXPECT_EQ(test, htw_schedule_bulk(&bulk, 1), (size_t)0);
	KUNIT_EXPECT_EQ(test, bulk.res, -EINVAL);
	KUNIT_EXPECT_FALSE(test, htw_pending(&probe->timer));
}

#define NR_BULK		200

static struct htw_bulk *make_bulk(struct kunit *test, struct probe **probes)
{
	struct htw_bulk *bulk;
	unsigned int i;

	*probes = make_probes(test, NR_BULK, probe_fired);
	bulk = kunit_kcalloc(test, NR_BULK, sizeof(*bulk), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bulk);
	for (i = 0; i < NR_BULK; i++) {
		bulk[i].timer = &(*probes)[i].timer;
		bulk[i].expires = round_time() + i;
		bulk[i].res = -1;
	}
	return bulk;
}

static void bulk_arms_and_cancels_all(struct kunit *test)
{
	struct probe *probes;
	struct htw_bulk *bulk = make_bulk(test, &probes);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, htw_schedule_bulk(bulk, 0), (size_t)0);
	KUNIT_EXPECT_EQ(test, htw_cancel_bulk(bulk, 0), (size_t)0);
	KUNIT_EXPECT_EQ(test, htw_schedule_bulk(bulk, NR_BULK),
			(size_t)NR_BULK);
	for (i = 0; i < NR_BULK; i++) {
		KUNIT_EXPECT_EQ(test, bulk[i].res, 0);
		KUNIT_EXPECT_EQ(test, htw_expires(&probes[i].timer),
				bulk[i].expires);
	}
	/* Half of them are gone already. */
	for (i = 0; i < NR_BULK; i += 2)
		htw_cancel(&probes[i].timer);
	KUNIT_EXPECT_EQ(test, htw_cancel_bulk(bulk, NR_BULK),
			(size_t)NR_BULK / 2);
	for (i = 0; i < NR_BULK; i++) {
		KUNIT_EXPECT_EQ(test, bulk[i].res, (int)(i % 2));
		KUNIT_EXPECT_FALSE(test, htw_pending(&probes[i].timer));
	}
}

static void bulk_fires_each_once(struct kunit *test)
{
	struct probe *probes;
	struct htw_bulk *bulk = make_bulk(test, &probes);
	u64 now = ktime_get();
	unsigned int i;

	for (i = 0; i < NR_BULK; i++)
		bulk[i].expires = now + i * 100 * NSEC_PER_USEC;
	KUNIT_EXPECT_EQ(test, htw_schedule_bulk(bulk, NR_BULK),
			(size_t)NR_BULK);
	for (i = 0; i < NR_BULK; i++) {
		expect_done(test, &probes[i]);
		KUNIT_EXPECT_GE(test, (s64)probes[i].fired_ns, bulk[i].expires);
		KUNIT_EXPECT_EQ(test, atomic_read(&probes[i].fired), 1);
	}
}

static void bulk_has_a_result_for_each(struct kunit *test)
{
	struct probe *probes;
	struct htw_bulk *bulk = make_bulk(test, &probes);

	htw_schedule(bulk[1].timer, HOUR_NS);
	htw_shutdown(bulk[2].timer);
	bulk[3].flags = HTW_PINNED;
	bulk[4].timer = bulk[0].timer;
	bulk[5].flags = HTW_DEADLINE;
	bulk[5].expires = 0;
	bulk[6].flags = HTW_COARSE;
	KUNIT_EXPECT_EQ(test, htw_schedule_bulk(bulk, 7), (size_t)5);
	KUNIT_EXPECT_EQ(test, bulk[0].res, 0);
	KUNIT_EXPECT_EQ(test, bulk[1].res, HTW_WAS_PENDING);
	KUNIT_EXPECT_EQ(test, bulk[2].res, -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, bulk[3].res, -EINVAL);
	KUNIT_EXPECT_EQ(test, bulk[4].res, HTW_WAS_PENDING);
	KUNIT_EXPECT_EQ(test, bulk[5].res, HTW_LATE);
	KUNIT_EXPECT_EQ(test, bulk[6].res, 0);
	/* The last arming of a timer that is there twice is what holds. */
	KUNIT_EXPECT_EQ(test, htw_expires(bulk[0].timer), bulk[4].expires);
	KUNIT_EXPECT_FALSE(test, htw_pending(bulk[3].timer));
	expect_done(test, &probes[5]);
	KUNIT_EXPECT_EQ(test, htw_cancel_bulk(bulk, 7), (size_t)3);
	KUNIT_EXPECT_EQ(test, bulk[0].res, 1);
	KUNIT_EXPECT_EQ(test, bulk[4].res, 0);
}

static void bulk_moves_timers_of_other_cpus(struct kunit *test)
{
	struct probe *probes;
	struct htw_bulk *bulk = make_bulk(test, &probes);
	unsigned int i, other = other_cpu(test);

	/* Some wait there, others have fired there, in no order. */
	for (i = 0; i < NR_BULK; i++)
		htw_schedule_on(&probes[i].timer,
				i % 3 ? ktime_get() + 9 * HOUR_NS : 0,
				hweight32(i) % 2 ? other : 0);
	for (i = 0; i < NR_BULK; i += 3) {
		expect_done(test, &probes[i]);
		/* One whose callback has not returned would stay there. */
		KUNIT_EXPECT_EQ(test, htw_cancel_sync(&probes[i].timer), 0);
	}

	KUNIT_EXPECT_EQ(test, htw_schedule_bulk(bulk, NR_BULK),
			(size_t)NR_BULK);
	for (i = 0; i < NR_BULK; i++) {
		KUNIT_EXPECT_EQ(test, bulk[i].res, (int)!!(i % 3));
		KUNIT_EXPECT_EQ(test, cpu_of(&probes[i].timer), 0U);
	}
	KUNIT_EXPECT_EQ(test, htw_cancel_bulk(bulk, NR_BULK),
			(size_t)NR_BULK);
}

struct try_request {
	struct htw_timer	*timer;
	int			ret;
};

static void do_try(void *arg)
{
	struct try_request *req = arg;

	req->ret = htw_try_to_cancel_sync(req->timer);
}

/* From a hard interrupt. */
static int try_on(unsigned int cpu, struct htw_timer *timer)
{
	struct try_request req = { .timer = timer };

	smp_call_function_single(cpu, do_try, &req, 1);
	return req.ret;
}

static void try_to_cancel_never_waits(struct kunit *test)
{
	struct probe *probe = make_probe(test, slow);
	unsigned int cpu = other_cpu(test);

	KUNIT_EXPECT_EQ(test, try_on(0, &probe->timer), 0);
	htw_schedule(&probe->timer, HOUR_NS);
	KUNIT_EXPECT_EQ(test, try_on(0, &probe->timer), 1);
	KUNIT_EXPECT_FALSE(test, htw_pending(&probe->timer));

	htw_schedule_on(&probe->timer, 0, cpu);
	expect_done(test, probe);
	KUNIT_EXPECT_EQ(test, try_on(0, &probe->timer), -EAGAIN);
	/* On top of the very callback. */
	KUNIT_EXPECT_EQ(test, try_on(cpu, &probe->timer), -EAGAIN);
	htw_schedule(&probe->timer, HOUR_NS);
	KUNIT_EXPECT_EQ(test, try_on(0, &probe->timer), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, htw_pending(&probe->timer));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(probe->ended));

	WRITE_ONCE(probe->go, true);
	wait_until_returned(probe, cpu);
	KUNIT_EXPECT_EQ(test, try_on(0, &probe->timer), 1);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(probe->ended));
}

static void shutdown_does_not_wait(struct kunit *test)
{
	struct probe *probe = make_probe(test, slow);

	htw_schedule_on(&probe->timer, 0, other_cpu(test));
	expect_done(test, probe);
	htw_schedule(&probe->timer, HOUR_NS);
	KUNIT_EXPECT_EQ(test, htw_shutdown(&probe->timer), 1);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(probe->ended));
	KUNIT_EXPECT_EQ(test, htw_shutdown(&probe->timer), 0);
	KUNIT_EXPECT_EQ(test, htw_schedule(&probe->timer, 0), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, htw_schedule_on(&probe->timer, 0, 0), -ESHUTDOWN);
	WRITE_ONCE(probe->go, true);
	KUNIT_EXPECT_EQ(test, htw_shutdown_sync(&probe->timer), 0);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(probe->ended));
}

static void forward_counts_periods(struct kunit *test)
{
	static const struct {
		s64	expires;
		s64	now;
		s64	interval;
		u64	periods;
		s64	next;
	} cases[] = {
		{ 100, 99, 10, 0, 100 },
		{ 100, 100, 10, 1, 110 },
		{ 100, 109, 10, 1, 110 },
		{ 100, 110, 10, 2, 120 },
		{ 100, 100 + 86400ULL * NSEC_PER_SEC, 1, 86400ULL * NSEC_PER_SEC + 1,
		  101 + 86400ULL * NSEC_PER_SEC },
		{ 100, 200, 0, 0, 100 },
		{ 100, 200, -1, 0, 100 },
		{ 100, 200, S64_MIN, 0, 100 },
		{ 100, -1, 10, 0, 100 },
		{ 100, 200, S64_MAX, 1, S64_MAX },
		{ 0, S64_MAX, S64_MAX, 2, S64_MAX },
		{ 0, S64_MAX, 1, 1ULL << 63, S64_MAX },
	};
	struct probe *probe = make_probe(test, probe_fired);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		htw_schedule_at(&probe->timer, cases[i].expires);
		expect_done(test, probe);
		htw_cancel_sync(&probe->timer);
		KUNIT_EXPECT_EQ(test, htw_forward(&probe->timer, cases[i].now,
						  cases[i].interval),
				cases[i].periods);
		KUNIT_EXPECT_EQ(test, htw_expires(&probe->timer), cases[i].next);
		KUNIT_EXPECT_FALSE(test, htw_pending(&probe->timer));
	}
	/* Whoever armed it has said when. */
	htw_schedule(&probe->timer, HOUR_NS);
	KUNIT_EXPECT_EQ(test, htw_forward(&probe->timer, KTIME_MAX, 1), 0ULL);
	htw_cancel(&probe->timer);
}

static void periodic(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	probe->rearm += htw_forward(timer, ktime_get(), NSEC_PER_MSEC);
	if (atomic_inc_return(&probe->fired) == 10)
		complete(&probe->done);
	else
		htw_schedule_at(timer, htw_expires(timer));
}

static void forward_does_not_drift(struct kunit *test)
{
	struct probe *probe = make_probe(test, periodic);
	u64 start = ktime_get() - 50 * NSEC_PER_MSEC;

	htw_schedule_at(&probe->timer, start);
	expect_done(test, probe);
	htw_cancel_sync(&probe->timer);
	KUNIT_EXPECT_GE(test, probe->rearm, 50U + 9U);
	KUNIT_EXPECT_EQ(test, (u64)htw_expires(&probe->timer),
			start + probe->rearm * NSEC_PER_MSEC);
}

static struct completion static_done;

static void static_fired(struct htw_timer *timer)
{
	complete(&static_done);
}

static DEFINE_HTW_TIMER(static_timer, static_fired);

static void static_timer_needs_no_setup(struct kunit *test)
{
	init_completion(&static_done);
	KUNIT_EXPECT_FALSE(test, htw_pending(&static_timer));
	KUNIT_EXPECT_EQ(test, htw_cancel_sync(&static_timer), 0);
	KUNIT_EXPECT_EQ(test, htw_schedule_range(&static_timer, 0, 5, 0), 0);
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&static_done, WAIT),
			0UL);
	KUNIT_EXPECT_EQ(test, htw_cancel_sync(&static_timer), 0);
}

static void timer_on_the_stack(struct kunit *test)
{
	struct htw_timer timer;

	init_completion(&static_done);
	htw_timer_setup_on_stack(&timer, static_fired, 0);
	htw_schedule(&timer, NSEC_PER_MSEC);
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&static_done, WAIT),
			0UL);
	htw_shutdown_sync(&timer);
	htw_timer_destroy_on_stack(&timer);
}

#define NR_DESCENDING	1000

struct descent {
	struct probe	*probes;
	u64		ticks;
	unsigned long	programs;
	unsigned int	late;
};

static void descend(void *arg)
{
	struct htw_base *base = htw_base_of_cpu(smp_processor_id());
	struct descent *descent = arg;
	u64 expires, start = ktime_get();
	struct probe *probe;
	unsigned int i;

	descent->programs = base->nr_programs;
	for (i = 0; i < NR_DESCENDING; i++) {
		probe = &descent->probes[i];
		expires = start + HOUR_NS - i * 3 * NSEC_PER_SEC;
		htw_schedule_at(&probe->timer, expires);
		/* Nobody is late because of it. */
		descent->late += base->armed_ns > due_ns(probe);
	}
	descent->programs = base->nr_programs - descent->programs;
	descent->ticks = div64_u64(ktime_get() - start, tick_ns()) + 1;
}

/* In a hard interrupt, so that no other comes in between. */
static void descending_order_programs_little(struct kunit *test)
{
	struct descent descent = { };
	unsigned long before;
	unsigned int i;

	descent.probes = make_probes(test, NR_DESCENDING, probe_fired);
	give_it_time();
	before = interrupts_of(0);
	smp_call_function_single(0, descend, &descent, 1);
	KUNIT_EXPECT_EQ(test, descent.late, 0U);
	/* Two exactly, one for soon, one at the minimum gap; at most. */
	KUNIT_EXPECT_LE(test, descent.programs, 4 * (descent.ticks + 1));
	KUNIT_EXPECT_GT(test, descent.programs, 0UL);

	/* All of it in the interrupt: what was for soon comes once. */
	give_it_time();
	KUNIT_EXPECT_LE(test, interrupts_of(0) - before, 2UL);
	for (i = 0; i < NR_DESCENDING; i++)
		KUNIT_EXPECT_EQ(test, htw_cancel(&descent.probes[i].timer), 1);
	kunit_info(test, "%lu programs in %llu ticks\n", descent.programs,
		   descent.ticks);
}

struct third_move {
	struct probe	*probe;
	s64		delay;
	u64		armed_ns;
	u64		due_ns;
	u64		after;
};

/* The hrtimer is programmed, and has been moved earlier as often as it may. */
static void move_again(void *arg)
{
	struct htw_base *base = htw_base_of_cpu(smp_processor_id());
	struct third_move *move = arg;

	htw_schedule(&move->probe[0].timer, 10ULL * NSEC_PER_SEC);
	base->nr_moves = 2;
	base->moves_until = KTIME_MAX;
	/* With the next tick nearer than the minimum gap. */
	while (ktime_get() % tick_ns() < tick_ns() - htw_base_min_gap() / 2)
		cpu_relax();
	htw_schedule(&move->probe[1].timer, move->delay);
	move->after = ktime_get();
	move->armed_ns = base->armed_ns;
	move->due_ns = due_ns(&move->probe[1]);
	base->moves_until = 0;
}

static void third_move_is_for_soon(struct kunit *test)
{
	struct third_move move = { .delay = 9ULL * NSEC_PER_SEC };

	move.probe = make_probes(test, 2, probe_fired);
	give_it_time();
	smp_call_function_single(0, move_again, &move, 1);
	KUNIT_EXPECT_EQ(test, move.armed_ns % tick_ns(), 0ULL);
	KUNIT_EXPECT_LE(test, move.armed_ns,
			move.after + htw_base_min_gap() + tick_ns());
	/* The needless interrupt programs what is first, to the ns. */
	give_it_time();
	KUNIT_EXPECT_EQ(test, READ_ONCE(htw_base_of_cpu(0)->armed_ns),
			move.due_ns);
	KUNIT_EXPECT_EQ(test, htw_cancel(&move.probe[0].timer), 1);
	KUNIT_EXPECT_EQ(test, htw_cancel(&move.probe[1].timer), 1);
}

static void what_is_due_before_soon_is_not_late(struct kunit *test)
{
	struct third_move move = { .delay = 0 };

	move.probe = make_probes(test, 2, probe_fired);
	give_it_time();
	smp_call_function_single(0, move_again, &move, 1);
	/* At the minimum gap, not at the tick that comes after that. */
	KUNIT_EXPECT_LE(test, move.armed_ns,
			max(move.due_ns, move.after + htw_base_min_gap()));
	KUNIT_EXPECT_TRUE(test, move.armed_ns == move.due_ns ||
			  move.armed_ns % tick_ns());
	expect_done(test, &move.probe[1]);
	KUNIT_EXPECT_EQ(test, htw_cancel(&move.probe[0].timer), 1);
}

/* The wheel was emptied by cancels: the base has to know that it sleeps. */
static void arming_after_the_last_was_cancelled_fires(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	unsigned int i;

	for (i = 0; i < 20; i++) {
		arm_on(0, &probe->timer, 200 * NSEC_PER_USEC);
		htw_cancel(&probe->timer);
		usleep_range(500, 1000);
		arm_on(0, &probe->timer, 300 * NSEC_PER_USEC);
		expect_done(test, probe);
	}
}

/* The ledger of the ways to arm: each arming that was accepted has one end. */
#define NR_LEDGER	6

static struct htw_timer ledger_timers[NR_LEDGER];
static atomic_t ledger_armed, ledger_ended;

static void ledger_fired(struct htw_timer *timer)
{
	atomic_inc(&ledger_ended);
	/* A quarter hops to the other CPU from here. */
	if (atomic_read(&ledger_armed) % 4)
		return;
	atomic_inc(&ledger_armed);
	atomic_add(htw_schedule_on(timer, 0, !smp_processor_id()) &
		   HTW_WAS_PENDING, &ledger_ended);
}

static int ledger_arm(struct htw_timer *timer, u32 random)
{
	u64 expires = ktime_get() + (random >> 8) % 500000;
	struct htw_bulk bulk = { .timer = timer, .expires = expires };

	switch (random % 5) {
	case 0:
		return htw_schedule_at(timer, expires);
	case 1:
		return htw_schedule_on(timer, expires, random >> 7 & 1);
	case 2:
		return htw_schedule_range(timer, expires, 1000000,
					  HTW_DEADLINE);
	case 3:
		return htw_schedule_range(timer, expires, 0, HTW_COARSE);
	default:
		htw_schedule_bulk(&bulk, 1);
		return bulk.res;
	}
}

static void ledger_step(u32 random)
{
	struct htw_timer *timer = &ledger_timers[(random >> 3) % NR_LEDGER];
	int ret;

	switch (random >> 28) {
	case 0 ... 3:
		atomic_add(htw_cancel(timer), &ledger_ended);
		break;
	case 4:
		ret = htw_try_to_cancel_sync(timer);
		atomic_add(ret > 0, &ledger_ended);
		break;
	case 5:
		ret = htw_schedule_pending(timer, random);
		atomic_add(ret, &ledger_armed);
		atomic_add(ret, &ledger_ended);
		break;
	default:
		atomic_inc(&ledger_armed);
		ret = ledger_arm(timer, random);
		if (WARN_ON_ONCE(ret < 0))
			return;
		atomic_add(ret & HTW_WAS_PENDING, &ledger_ended);
	}
}

struct ledger_thread {
	struct completion	done;
	u32			seed;
};

static int ledger_thread(void *arg)
{
	struct ledger_thread *thread = arg;
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, thread->seed);
	for (i = 0; i < 20000; i++) {
		ledger_step(prandom_u32_state(&rnd));
		if (i % 100 == 0)
			cond_resched();
	}
	complete(&thread->done);
	return 0;
}

/* htw_cancel_sync() would not say if it took off what a callback armed as well. */
static void ledger_end(struct htw_timer *timer)
{
	int ret;

	do
		ret = htw_try_to_cancel_sync(timer);
	while (ret == -EAGAIN);
	atomic_add(ret, &ledger_ended);
}

static void all_ways_to_arm_at_once(struct kunit *test)
{
	struct ledger_thread threads[2];
	struct task_struct *task;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, other_cpu(test), 1U);
	atomic_set(&ledger_armed, 0);
	atomic_set(&ledger_ended, 0);
	for (i = 0; i < NR_LEDGER; i++)
		htw_timer_setup(&ledger_timers[i], ledger_fired,
				i % 3 ? 0 : HTW_PINNED);
	for (i = 0; i < 2; i++) {
		threads[i].seed = 11 + i;
		init_completion(&threads[i].done);
		task = kthread_create_on_cpu(ledger_thread, &threads[i], i,
					     "htw_ledger/%u");
		KUNIT_ASSERT_FALSE(test, IS_ERR(task));
		wake_up_process(task);
	}
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_GT(test,
				wait_for_completion_timeout(&threads[i].done,
							    WAIT), 0UL);
	for (i = 0; i < NR_LEDGER; i++)
		ledger_end(&ledger_timers[i]);
	KUNIT_EXPECT_GT(test, atomic_read(&ledger_armed), 10000);
	KUNIT_EXPECT_EQ(test, atomic_read(&ledger_armed),
			atomic_read(&ledger_ended));
}

static struct kunit_case arm_cases[] = {
	KUNIT_CASE(deadline_is_in_its_window),
	KUNIT_CASE(deadline_takes_the_roundest_tick),
	KUNIT_CASE(deadline_fires_after_its_earliest_time),
	KUNIT_CASE(deadline_that_cannot_be_kept_is_said),
	KUNIT_CASE(keepalive_of_an_hour_keeps_its_deadline),
	KUNIT_CASE(coarse_is_round_by_an_eighth),
	KUNIT_CASE(coarse_keeps_more_slack),
	KUNIT_CASE(windows_that_hold_a_tick_are_kept),
	KUNIT_CASE(reduce_is_never_later),
	KUNIT_CASE(pending_arms_nothing_new),
	KUNIT_CASE(on_fires_on_that_cpu),
	KUNIT_CASE(on_stays_until_armed_elsewhere),
	KUNIT_CASE(on_refuses_what_is_no_cpu),
#ifdef CONFIG_HOTPLUG_CPU
	KUNIT_CASE(on_refuses_a_cpu_that_is_offline),
#endif
	KUNIT_CASE(callback_moves_its_timer_to_another_cpu),
	KUNIT_CASE(cancel_sync_ends_a_hopping_timer),
	KUNIT_CASE(a_move_can_be_taken_back),
	KUNIT_CASE(callback_may_free_what_it_sent_away),
	KUNIT_CASE(cancel_sync_waits_for_what_is_sent_away),
	KUNIT_CASE(pinned_goes_where_it_is_armed),
	KUNIT_CASE(pinned_goes_where_it_is_armed_while_it_runs),
	KUNIT_CASE(isolated_cpu_is_left_alone),
#ifdef CONFIG_HOTPLUG_CPU
	KUNIT_CASE(isolated_cpu_is_so_when_it_comes_up),
#endif
	KUNIT_CASE(zeroed_timer_is_refused),
	KUNIT_CASE(bulk_arms_and_cancels_all),
	KUNIT_CASE(bulk_fires_each_once),
	KUNIT_CASE(bulk_has_a_result_for_each),
	KUNIT_CASE(bulk_moves_timers_of_other_cpus),
	KUNIT_CASE(try_to_cancel_never_waits),
	KUNIT_CASE(shutdown_does_not_wait),
	KUNIT_CASE(forward_counts_periods),
	KUNIT_CASE(forward_does_not_drift),
	KUNIT_CASE(static_timer_needs_no_setup),
	KUNIT_CASE(timer_on_the_stack),
	KUNIT_CASE(descending_order_programs_little),
	KUNIT_CASE(third_move_is_for_soon),
	KUNIT_CASE(what_is_due_before_soon_is_not_late),
	KUNIT_CASE(arming_after_the_last_was_cancelled_fires),
	KUNIT_CASE(all_ways_to_arm_at_once),
	{}
};

/* So that a callback that keeps the other CPU does not keep the test. */
static int arm_init(struct kunit *test)
{
	return set_cpus_allowed_ptr(current, cpumask_of(0));
}

static struct kunit_suite arm_suite = {
	.name = "htw_arm",
	.init = arm_init,
	.test_cases = arm_cases,
};

kunit_test_suite(arm_suite);
