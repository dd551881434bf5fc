// SPDX-License-Identifier: GPL-2.0
/*
 * What the counters say, against what was done: exactly, whatever the speed of the
 * machine. Nobody else uses htw meanwhile. WAIT is only there to end a test that
 * hangs.
 */
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/htw.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include "base.h"
#include "two_cpus.h"

#define WAIT		(60 * HZ)
#define HOUR_NS		(3600ULL * NSEC_PER_SEC)

#define NR_TIMERS	200

static struct htw_timer timers[NR_TIMERS];
static atomic_t left;
static DECLARE_COMPLETION(all_fired);

/*
 * Of CPU 0, or of all: too large for the stack. @since is what happened in between,
 * of all that is counted.
 */
static struct htw_snapshot before, after, since;

static u64 called_ns;

static void fired(struct htw_timer *timer)
{
	called_ns = ktime_get();
	if (atomic_dec_and_test(&left))
		complete(&all_fired);
}

static void run_on(unsigned int cpu)
{
	set_cpus_allowed_ptr(current, cpumask_of(cpu));
}

/* These tests say little without a second CPU. */
static unsigned int other_cpu(struct kunit *test)
{
	unsigned int cpu = cpumask_next(0, cpu_online_mask);

	need_two_cpus(test);
	KUNIT_ASSERT_LT(test, cpu, nr_cpu_ids);
	return cpu;
}

static void expect_to_fire(unsigned int nr)
{
	atomic_set(&left, nr);
	reinit_completion(&all_fired);
}

static void wait_for_all(struct kunit *test)
{
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&all_fired, WAIT), 0UL);
}

static void read_before(struct kunit *test)
{
	KUNIT_ASSERT_TRUE(test, htw_stats_read(0, &before));
}

static void subtract(void)
{
	const u64 *old = (const u64 *)&before.stats;
	const u64 *now = (const u64 *)&after.stats;
	u64 *diff = (u64 *)&since.stats;
	unsigned int i;

	for (i = 0; i < sizeof(struct htw_stats) / sizeof(u64); i++)
		diff[i] = now[i] - old[i];
	since.pending = after.pending - before.pending;
	since.cascade_moves = after.cascade_moves - before.cascade_moves;
	since.interrupts = after.interrupts - before.interrupts;
	since.expiries = after.expiries - before.expiries;
}

static void read_since(struct kunit *test)
{
	KUNIT_ASSERT_TRUE(test, htw_stats_read(0, &after));
	subtract();
}

static void expect_armings(struct kunit *test, u64 arms, u64 pushes, u64 rearms)
{
	read_since(test);
	KUNIT_EXPECT_EQ(test, htw_stats_arms(&since.stats), arms);
	KUNIT_EXPECT_EQ(test, since.stats.pushes, pushes);
	KUNIT_EXPECT_EQ(test, htw_stats_rearms(&since.stats), rearms);
}

/* Until the hrtimer of CPU 0 has run again. */
static void wait_for_interrupt(struct kunit *test)
{
	unsigned long end = jiffies + WAIT;

	do {
		msleep(20);
		read_since(test);
	} while (!since.interrupts && time_before(jiffies, end));
}

static void each_way_to_arm_has_its_counter(struct kunit *test)
{
	u64 now = ktime_get();

	read_before(test);
	htw_schedule_at(&timers[0], now + HOUR_NS);
	expect_armings(test, 1, 0, 0);
	htw_schedule_at(&timers[0], now + 2 * HOUR_NS);
	expect_armings(test, 1, 1, 0);
	htw_schedule_at(&timers[0], now + 2 * HOUR_NS);
	expect_armings(test, 1, 2, 0);
	htw_schedule_at(&timers[0], now + HOUR_NS / 2);
	expect_armings(test, 1, 2, 1);
	htw_schedule_at(&timers[1], now + HOUR_NS);
	expect_armings(test, 2, 2, 1);
	KUNIT_EXPECT_EQ(test, since.pending, 2ULL);
	htw_cancel(&timers[0]);
	htw_cancel(&timers[1]);
	expect_armings(test, 2, 2, 1);
	KUNIT_EXPECT_EQ(test, since.pending, 0ULL);
	KUNIT_EXPECT_EQ(test, since.expiries, 0ULL);
}

static void only_what_was_pending_is_cancelled(struct kunit *test)
{
	read_before(test);
	htw_cancel(&timers[0]);
	htw_cancel_sync(&timers[0]);
	expect_armings(test, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, since.stats.cancels, 0ULL);

	htw_schedule(&timers[0], HOUR_NS);
	htw_cancel(&timers[0]);
	htw_cancel(&timers[0]);
	expect_armings(test, 1, 0, 0);
	KUNIT_EXPECT_EQ(test, since.stats.cancels, 1ULL);

	htw_schedule(&timers[0], HOUR_NS);
	htw_cancel_sync(&timers[0]);
	expect_armings(test, 2, 0, 0);
	KUNIT_EXPECT_EQ(test, since.stats.cancels, 2ULL);
}

static void expiries_are_the_sum_of_the_histogram(struct kunit *test)
{
	unsigned int i;
	u64 sum = 0;

	read_before(test);
	expect_to_fire(NR_TIMERS);
	for (i = 0; i < NR_TIMERS; i++)
		htw_schedule(&timers[i], i * 100 * NSEC_PER_USEC);
	wait_for_all(test);
	expect_armings(test, NR_TIMERS, 0, 0);
	KUNIT_EXPECT_EQ(test, since.expiries, (u64)NR_TIMERS);
	KUNIT_EXPECT_EQ(test, since.stats.cancels, 0ULL);
	for (i = 0; i < HTW_BUCKETS; i++)
		sum += since.stats.lateness[i];
	KUNIT_EXPECT_EQ(test, sum, (u64)NR_TIMERS);
	KUNIT_EXPECT_EQ(test, after.stats.lateness[HTW_BUCKET_EARLY], 0ULL);
}

/* Softirqs are held up, so that the lateness has a lower and an upper bound. */
static void lateness_goes_into_its_bucket(struct kunit *test)
{
	unsigned int i, bucket = HTW_BUCKETS;
	u64 due, held_until;

	read_before(test);
	expect_to_fire(1);
	local_bh_disable();
	htw_schedule(&timers[0], NSEC_PER_MSEC);
	due = timers[0].node.tick << htw_base_geometry()->tick_shift;
	mdelay(20);
	held_until = ktime_get();
	local_bh_enable();
	wait_for_all(test);

	expect_armings(test, 1, 0, 0);
	KUNIT_EXPECT_EQ(test, since.expiries, 1ULL);
	for (i = 0; i < HTW_BUCKETS; i++)
		if (since.stats.lateness[i])
			bucket = i;
	KUNIT_EXPECT_GE(test, bucket, (unsigned int)fls64(held_until - due));
	KUNIT_EXPECT_LE(test, bucket, (unsigned int)fls64(called_ns - due));
}

static void interrupt_that_expires_something_is_not_needless(struct kunit *test)
{
	read_before(test);
	expect_to_fire(2);
	htw_schedule(&timers[0], 5 * NSEC_PER_MSEC);
	htw_schedule_at(&timers[1], htw_expires(&timers[0]));
	wait_for_all(test);
	wait_for_interrupt(test);
	KUNIT_EXPECT_EQ(test, since.interrupts, 1ULL);
	KUNIT_EXPECT_EQ(test, since.stats.needless, 0ULL);
}

static void interrupt_for_a_cancelled_timer_is_needless(struct kunit *test)
{
	read_before(test);
	htw_schedule(&timers[0], 5 * NSEC_PER_MSEC);
	htw_cancel(&timers[0]);
	wait_for_interrupt(test);
	KUNIT_EXPECT_EQ(test, since.interrupts, 1ULL);
	KUNIT_EXPECT_EQ(test, since.stats.needless, 1ULL);
}

/* In one slot of a higher level, each on a tick of its own. */
static void cascades_are_counted(struct kunit *test)
{
	u64 expires = ktime_get() + 300 * NSEC_PER_MSEC;
	unsigned int i;

	read_before(test);
	expect_to_fire(NR_TIMERS);
	for (i = 0; i < NR_TIMERS; i++)
		htw_schedule_at(&timers[i], expires + i * 100 * NSEC_PER_USEC);
	wait_for_all(test);
	expect_armings(test, NR_TIMERS, 0, 0);
	KUNIT_EXPECT_GT(test, since.cascade_moves, 0ULL);
	/* Down from the third level at most. */
	KUNIT_EXPECT_LE(test, since.cascade_moves, 2ULL * NR_TIMERS);
}

static void longest_hold_is_within_the_batch(struct kunit *test)
{
	u64 expires = ktime_get() + 100 * NSEC_PER_MSEC;
	unsigned int i;

	expect_to_fire(NR_TIMERS);
	for (i = 0; i < NR_TIMERS; i++)
		htw_schedule_at(&timers[i], expires);
	wait_for_all(test);
	KUNIT_ASSERT_TRUE(test, htw_stats_read(0, &after));
	/* All were due at once, so they were not taken one by one. */
	KUNIT_EXPECT_GT(test, after.stats.longest_hold, 1ULL);
	KUNIT_EXPECT_LE(test, after.stats.longest_hold, (u64)HTW_BATCH);
}

static void migration_counts_where_the_timer_goes(struct kunit *test)
{
	unsigned int cpu = other_cpu(test);
	u64 now = ktime_get();

	read_before(test);
	run_on(cpu);
	htw_schedule_at(&timers[0], now + 2 * HOUR_NS);
	run_on(0);
	expect_armings(test, 0, 0, 0);

	htw_schedule_at(&timers[0], now + HOUR_NS);
	expect_armings(test, 0, 0, 1);
	KUNIT_EXPECT_EQ(test, since.stats.migrations, 1ULL);

	/* What is not pending does not migrate. */
	htw_cancel(&timers[0]);
	run_on(cpu);
	htw_schedule_at(&timers[0], now + HOUR_NS);
	htw_cancel(&timers[0]);
	run_on(0);
	htw_schedule_at(&timers[0], now + HOUR_NS);
	htw_cancel(&timers[0]);
	expect_armings(test, 1, 0, 1);
	KUNIT_EXPECT_EQ(test, since.stats.migrations, 1ULL);
}

#ifdef CONFIG_HOTPLUG_CPU
static void timers_of_a_dying_cpu_are_migrations(struct kunit *test)
{
	const unsigned int nr = HTW_BATCH / 2;
	unsigned int i, cpu = other_cpu(test);
	const u64 delay = 120ULL * NSEC_PER_SEC;

	run_on(cpu);
	for (i = 0; i < nr; i++)
		htw_schedule(&timers[i], delay);
	run_on(0);
	read_before(test);
	KUNIT_ASSERT_GT(test, before.armed_ns, (u64)ktime_get() + delay);

	KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
	expect_armings(test, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, since.stats.drained, (u64)nr);
	KUNIT_EXPECT_EQ(test, since.pending, (u64)nr);
	/* The dying CPU can't program this one's hrtimer. */
	KUNIT_EXPECT_EQ(test, since.stats.kicks, 1ULL);
	KUNIT_ASSERT_EQ(test, add_cpu(cpu), 0);

	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ(test, htw_cancel(&timers[i]), 1);
	expect_armings(test, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, since.stats.cancels, (u64)nr);
}
#endif

static void read_total(struct htw_snapshot *total)
{
	static struct htw_snapshot snap;
	unsigned int cpu;

	memset(total, 0, sizeof(*total));
	for_each_possible_cpu(cpu) {
		if (!htw_stats_read(cpu, &snap))
			continue;
		total->pending += snap.pending;
		total->expiries += snap.expiries;
		total->stats.inserts += snap.stats.inserts;
		total->stats.moves += snap.stats.moves;
		total->stats.pushes += snap.stats.pushes;
		total->stats.cancels += snap.stats.cancels;
		total->stats.migrations += snap.stats.migrations;
	}
}

/* At random and on all CPUs: the counters against what the functions returned. */
static void everything_adds_up(struct kunit *test)
{
	u64 arms = 0, rearms = 0, cancels = 0;
	unsigned int i, cpu = other_cpu(test);
	struct htw_timer *timer;
	struct rnd_state rnd;
	u32 random;

	prandom_seed_state(&rnd, 20);
	read_total(&before);
	expect_to_fire(INT_MAX);
	for (i = 0; i < 20000; i++) {
		if (i % 500 == 0)
			run_on(i % 1000 ? cpu : 0);
		random = prandom_u32_state(&rnd);
		timer = &timers[random % NR_TIMERS];
		if (random >> 30 == 3)
			cancels += htw_cancel(timer);
		else if (htw_schedule(timer, (random >> 8) % 5000000))
			rearms++;
		else
			arms++;
	}
	run_on(0);
	for (i = 0; i < NR_TIMERS; i++)
		cancels += htw_cancel_sync(&timers[i]);
	read_total(&after);
	subtract();

	KUNIT_EXPECT_EQ(test, htw_stats_arms(&since.stats), arms);
	KUNIT_EXPECT_EQ(test, htw_stats_rearms(&since.stats) +
			since.stats.pushes, rearms);
	KUNIT_EXPECT_EQ(test, since.stats.cancels, cancels);
	KUNIT_EXPECT_EQ(test, since.expiries, (u64)(INT_MAX - atomic_read(&left)));
	KUNIT_EXPECT_EQ(test, since.pending, 0ULL);
	KUNIT_EXPECT_EQ(test, since.expiries + cancels, arms);
	KUNIT_EXPECT_GT(test, since.stats.migrations, 0ULL);
}

static int stats_test_init(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < NR_TIMERS; i++)
		htw_timer_setup(&timers[i], fired, 0);
	if (!HTW_COUNTS)
		kunit_skip(test, "htw was built without its counters");
	run_on(0);
	return 0;
}

static void stats_test_exit(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < NR_TIMERS; i++)
		htw_shutdown_sync(&timers[i]);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static struct kunit_case stats_cases[] = {
	KUNIT_CASE(each_way_to_arm_has_its_counter),
	KUNIT_CASE(only_what_was_pending_is_cancelled),
	KUNIT_CASE(expiries_are_the_sum_of_the_histogram),
	KUNIT_CASE(lateness_goes_into_its_bucket),
	KUNIT_CASE(interrupt_that_expires_something_is_not_needless),
	KUNIT_CASE(interrupt_for_a_cancelled_timer_is_needless),
	KUNIT_CASE(cascades_are_counted),
	KUNIT_CASE(longest_hold_is_within_the_batch),
	KUNIT_CASE(migration_counts_where_the_timer_goes),
#ifdef CONFIG_HOTPLUG_CPU
	KUNIT_CASE(timers_of_a_dying_cpu_are_migrations),
#endif
	KUNIT_CASE(everything_adds_up),
	{}
};

static struct kunit_suite stats_suite = {
	.name = "htw_stats",
	.init = stats_test_init,
	.exit = stats_test_exit,
	.test_cases = stats_cases,
};

kunit_test_suite(stats_suite);
