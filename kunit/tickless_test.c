// SPDX-License-Identifier: GPL-2.0
/*
 * Timers over hours and years, through the real hrtimer of a base: how often it
 * runs, and when.
 *
 * Only for User Mode Linux on virtual time (time-travel=inf-cpu): there the clock
 * stands still while a CPU works, and jumps to the next timer when none does. So
 * all that follows happens exactly alike each time, and a year takes seconds.
 * Nothing may wait in a loop: it would wait for ever.
 *
 * There is one CPU, so there is one base. KUnit ends a case after 300 seconds, of
 * this clock too. What takes longer is done before, by tickless_suite_init(), and
 * judged by a case.
 */
#include <kunit/test.h>
#include <linux/htw.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <linux/timer.h>
#include <shared/timetravel.h>

#include "base.h"

#define SECOND_NS	((u64)NSEC_PER_SEC)
#define HOUR_NS		(3600 * SECOND_NS)
#define DAY_NS		(24 * HOUR_NS)
#define YEAR_NS		(365 * DAY_NS)

/* The clock has steps of 256 ns, and a task that reads it makes it take one. */
#define CLOCK_NS	2048

/**
 * struct probe - a timer that notes when it fired
 * @timer: the timer
 * @earliest: it must not fire before this time
 * @latest: nor after this one
 * @fired_ns: when it fired last
 * @fired: how often it has fired
 */
struct probe {
	struct htw_timer	timer;
	u64			earliest;
	u64			latest;
	u64			fired_ns;
	unsigned int		fired;
};

static void probe_fired(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	probe->fired_ns = ktime_get();
	probe->fired++;
}

static bool on_virtual_time(void)
{
	return time_travel_mode == TT_MODE_INFCPU;
}

static unsigned long interrupts(void)
{
	return READ_ONCE(htw_base_of_cpu(0)->nr_interrupts);
}

static u64 tick_ns(void)
{
	return 1ULL << htw_base_geometry()->tick_shift;
}

/* When a timer without slack is to fire. */
static u64 first_tick(u64 ns)
{
	return round_up(ns, tick_ns());
}

/* By a timer of the kernel's own: none of htw's interrupts is because of it. */
static void sleep_until(u64 ns)
{
	ktime_t at = ns;

	while ((u64)ktime_get() < ns) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_hrtimeout(&at, HRTIMER_MODE_ABS);
	}
}

static void sleep_for(u64 ns)
{
	sleep_until(ktime_get() + ns);
}

static void probe_setup(struct probe *probe)
{
	memset(probe, 0, sizeof(*probe));
	htw_timer_setup(&probe->timer, probe_fired, 0);
}

static void probe_arm(struct probe *probe, u64 expires)
{
	probe->earliest = expires;
	probe->latest = first_tick(expires) + CLOCK_NS;
	htw_schedule_at(&probe->timer, expires);
}

static bool probe_on_time(const struct probe *probe)
{
	return probe->fired == 1 && probe->fired_ns >= probe->earliest &&
	       probe->fired_ns <= probe->latest;
}

static struct probe *make_probes(unsigned int nr)
{
	struct probe *probes = kvcalloc(nr, sizeof(*probes), GFP_KERNEL);
	unsigned int i;

	for (i = 0; probes && i < nr; i++)
		probe_setup(&probes[i]);
	return probes;
}

/* No timer of an earlier test is left, nor the interrupt that it left behind. */
static void free_probes(struct probe *probes, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		htw_shutdown_sync(&probes[i].timer);
	kvfree(probes);
}

static unsigned int count_on_time(const struct probe *probes, unsigned int nr)
{
	unsigned int i, count = 0;

	for (i = 0; i < nr; i++)
		count += probe_on_time(&probes[i]);
	return count;
}

/* Below @limit, which may be more than 32 bits. */
static u64 random_below(struct rnd_state *rnd, u64 limit)
{
	u64 random = prandom_u32_state(rnd);

	random = random << 32 | prandom_u32_state(rnd);
	return mul_u64_u64_shr(random, limit, 64);
}

/*
 * One after the other, so that each is alone: at all powers of two of ticks up to
 * some weeks, with a tick less and more than a slot of the second level, and at what
 * people mean by far away.
 */
#define NR_POWERS	34
#define NR_RANDOM	200

static const u64 far_away[] = {
	SECOND_NS, 60 * SECOND_NS, HOUR_NS, DAY_NS, 30 * DAY_NS, YEAR_NS,
};

static struct lone {
	struct probe	probe;
	u64		distance;
	unsigned long	interrupts;
} lone[NR_POWERS + 2 + ARRAY_SIZE(far_away) + NR_RANDOM];

static void run_lone(struct lone *one)
{
	unsigned long before;

	probe_setup(&one->probe);
	before = interrupts();
	probe_arm(&one->probe, ktime_get() + one->distance);
	sleep_until(one->probe.latest);
	/* And what might come when it has fired. */
	sleep_for(SECOND_NS);
	one->interrupts = interrupts() - before;
	htw_shutdown_sync(&one->probe.timer);
}

static void run_all_lone(void)
{
	struct lone *one = lone;
	struct rnd_state rnd;
	unsigned int i;

	/* The machine has just been booted: let it find its best clock. */
	sleep_for(SECOND_NS);
	prandom_seed_state(&rnd, 1);
	for (i = 0; i < NR_POWERS; i++)
		(one++)->distance = tick_ns() << i;
	(one++)->distance = tick_ns() * 255;
	(one++)->distance = tick_ns() * 257;
	for (i = 0; i < ARRAY_SIZE(far_away); i++)
		(one++)->distance = far_away[i];
	/* As many of each order of magnitude. */
	for (i = 0; i < NR_RANDOM; i++)
		(one++)->distance = tick_ns() +
			random_below(&rnd, tick_ns() << i % 25);
	for (i = 0; i < ARRAY_SIZE(lone); i++)
		run_lone(&lone[i]);
}

static void lone_timer_costs_one_interrupt(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lone); i++)
		KUNIT_EXPECT_EQ_MSG(test, lone[i].interrupts, 1UL,
				    "%llu ns away", lone[i].distance);
}

static void lone_timer_is_on_time(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lone); i++)
		KUNIT_EXPECT_TRUE_MSG(test, probe_on_time(&lone[i].probe),
				      "%llu ns away: fired %u times, %lld ns after it was due",
				      lone[i].distance, lone[i].probe.fired,
				      lone[i].probe.fired_ns -
				      lone[i].probe.earliest);
}

/*
 * The other end closes the connection after an hour without a sign of life. By the
 * hour, this is a timer's job that the kernel's own timers do minutes too late.
 */
static struct {
	struct probe		probe;
	struct timer_list	peer;
	u64			peer_due;
	u64			peer_fired;
} keepalive;

static void peer_fired(struct timer_list *peer)
{
	keepalive.peer_fired = ktime_get();
}

static void run_keepalive(void)
{
	u64 expires = ktime_get() + HOUR_NS;

	probe_setup(&keepalive.probe);
	timer_setup(&keepalive.peer, peer_fired, 0);
	keepalive.peer_due = expires;
	mod_timer(&keepalive.peer, jiffies + 3600 * HZ);
	keepalive.probe.earliest = expires - tick_ns();
	keepalive.probe.latest = expires;
	htw_schedule_range(&keepalive.probe.timer, expires, 0, HTW_DEADLINE);
	/* timer_list is up to an eighth late. */
	sleep_for(HOUR_NS + HOUR_NS / 7);
	htw_shutdown_sync(&keepalive.probe.timer);
	del_timer_sync(&keepalive.peer);
}

static void keepalive_of_an_hour_is_not_late(struct kunit *test)
{
	kunit_info(test, "deadline kept by %lld us; timer_list late by %lld ms",
		   div_s64(keepalive.probe.latest - keepalive.probe.fired_ns,
			   NSEC_PER_USEC),
		   div_s64(keepalive.peer_fired - keepalive.peer_due,
			   NSEC_PER_MSEC));
	KUNIT_EXPECT_TRUE(test, probe_on_time(&keepalive.probe));
	KUNIT_EXPECT_GT(test, keepalive.peer_fired, keepalive.peer_due);
}

static void idle_wheel_is_silent(struct kunit *test)
{
	unsigned long before;

	sleep_for(SECOND_NS);
	before = interrupts();
	sleep_for(200 * SECOND_NS);
	KUNIT_EXPECT_EQ(test, interrupts(), before);
}

/*
 * Each armed by a base that has slept since long: what is round enough for its
 * distance must be found so from now, and not from when the base fell asleep.
 */
static void coarse_timers_are_never_moved(struct kunit *test)
{
	const unsigned int nr = 40;
	struct probe *probes = make_probes(nr);
	struct htw_wheel *wheel = htw_base_of_cpu(0)->wheel;
	struct rnd_state rnd;
	unsigned int i;
	u64 delay, moves;

	KUNIT_ASSERT_NOT_NULL(test, probes);
	prandom_seed_state(&rnd, 7);
	for (i = 0; i < nr; i++) {
		moves = READ_ONCE(wheel->nr_moves);
		delay = SECOND_NS / 2 + random_below(&rnd, SECOND_NS << i % 3);
		sleep_for(SECOND_NS / 2);
		probes[i].earliest = ktime_get() + delay;
		probes[i].latest = probes[i].earliest + delay / 8 + CLOCK_NS;
		htw_schedule_range(&probes[i].timer, probes[i].earliest, 0,
				   HTW_COARSE);
		sleep_until(probes[i].latest);
		KUNIT_EXPECT_EQ_MSG(test, READ_ONCE(wheel->nr_moves), moves,
				    "%llu ns away", delay);
	}
	KUNIT_EXPECT_EQ(test, count_on_time(probes, nr), nr);
	free_probes(probes, nr);
}

/* Each earlier than the one before it, which must not keep it waiting. */
static void arming_earlier_wakes_at_once(struct kunit *test)
{
	const unsigned int nr = 100;
	struct probe *probes = make_probes(nr);
	unsigned long before;
	unsigned int i;
	u64 start;

	KUNIT_ASSERT_NOT_NULL(test, probes);
	sleep_for(SECOND_NS);
	before = interrupts();
	start = ktime_get() + SECOND_NS;
	for (i = 0; i < nr; i++) {
		probe_arm(&probes[i], start + (nr - i) * SECOND_NS);
		sleep_for(2 * tick_ns());
	}
	sleep_until(start + 10 * SECOND_NS + SECOND_NS / 2);
	KUNIT_EXPECT_EQ(test, interrupts() - before, 10UL);
	sleep_until(start + 110 * SECOND_NS);
	KUNIT_EXPECT_EQ(test, interrupts() - before, 100UL);
	KUNIT_EXPECT_EQ(test, count_on_time(probes, nr), nr);
	free_probes(probes, nr);
}

/*
 * All within a tick: to program the device each time costs more than an interrupt
 * that finds nothing, so one of these is allowed. None may be late for it.
 */
static void arming_backwards_costs_one_interrupt(struct kunit *test)
{
	const unsigned int nr = 100;
	struct probe *probes = make_probes(nr);
	unsigned long before;
	unsigned int i;
	u64 now;

	KUNIT_ASSERT_NOT_NULL(test, probes);
	sleep_for(SECOND_NS);
	before = interrupts();
	now = ktime_get();
	for (i = 0; i < nr; i++)
		probe_arm(&probes[i], now + (nr - i) * SECOND_NS);
	sleep_for(101 * SECOND_NS);
	KUNIT_EXPECT_LE(test, interrupts() - before, 101UL);
	KUNIT_EXPECT_EQ(test, count_on_time(probes, nr), nr);
	free_probes(probes, nr);
}

/* The same timer too. */
static void rearming_earlier_wakes_at_once(struct kunit *test)
{
	struct probe *probe = make_probes(1);
	unsigned long before;

	KUNIT_ASSERT_NOT_NULL(test, probe);
	sleep_for(SECOND_NS);
	before = interrupts();
	probe_arm(probe, ktime_get() + HOUR_NS);
	sleep_for(SECOND_NS);
	probe_arm(probe, ktime_get() + SECOND_NS);
	sleep_for(100 * SECOND_NS);
	KUNIT_EXPECT_EQ(test, interrupts() - before, 1UL);
	KUNIT_EXPECT_TRUE(test, probe_on_time(probe));
	free_probes(probe, 1);
}

static void cancel_programs_nothing(struct kunit *test)
{
	const unsigned int nr = 1000;
	struct probe *probes = make_probes(nr);
	unsigned long before;
	unsigned int i;
	u64 now, armed;

	KUNIT_ASSERT_NOT_NULL(test, probes);
	sleep_for(SECOND_NS);
	before = interrupts();
	now = ktime_get();
	for (i = 0; i < nr; i++)
		probe_arm(&probes[i], now + (i + 1) * SECOND_NS / 10);
	armed = htw_base_of_cpu(0)->armed_ns;
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ(test, htw_cancel(&probes[i].timer), 1);
	KUNIT_EXPECT_EQ(test, htw_base_of_cpu(0)->armed_ns, armed);
	sleep_for(150 * SECOND_NS);
	KUNIT_EXPECT_LE(test, interrupts() - before, 1UL);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ(test, probes[i].fired, 0U);
	free_probes(probes, nr);
}

static int compare_ticks(const void *a, const void *b)
{
	const struct probe *x = a, *y = b;

	return x->earliest < y->earliest ? -1 : x->earliest > y->earliest;
}

/* Reorders the probes, which must not be armed. */
static unsigned long count_ticks(struct probe *probes, unsigned int nr)
{
	unsigned long ticks = 0;
	u64 last = 0;
	unsigned int i;

	sort(probes, nr, sizeof(*probes), compare_ticks, NULL);
	for (i = 0; i < nr; i++) {
		u64 tick = first_tick(probes[i].earliest);

		ticks += tick != last;
		last = tick;
	}
	return ticks;
}

/*
 * Far enough apart that no slot of theirs is too full to be left to its time. One
 * more is allowed for arming them all at once, as above.
 */
static void interrupts_are_the_ticks_in_use(struct kunit *test)
{
	const unsigned int nr = 1000;
	struct probe *probes = make_probes(nr);
	struct rnd_state rnd;
	unsigned long before;
	unsigned int i;
	u64 now;

	KUNIT_ASSERT_NOT_NULL(test, probes);
	prandom_seed_state(&rnd, 2);
	sleep_for(SECOND_NS);
	before = interrupts();
	now = ktime_get();
	for (i = 0; i < nr; i++)
		probe_arm(&probes[i], now + tick_ns() +
			  random_below(&rnd, 200 * SECOND_NS));
	sleep_for(201 * SECOND_NS);
	before = interrupts() - before;
	KUNIT_EXPECT_EQ(test, count_on_time(probes, nr), nr);
	kunit_info(test, "%lu interrupts for %lu ticks", before,
		   count_ticks(probes, nr));
	KUNIT_EXPECT_LE(test, before, count_ticks(probes, nr) + 1);
	free_probes(probes, nr);
}

/*
 * @nr timers over a minute, each with a slack of so many percent of how far away it
 * is. Returns the interrupts. A tick that thousands have chosen takes several passes,
 * so the last of them may be late by some minimum gaps.
 */
static unsigned long run_slack(struct kunit *test, struct probe *probes,
			       unsigned int nr, unsigned int percent)
{
	unsigned long before;
	struct rnd_state rnd;
	unsigned int i;
	u64 now;

	prandom_seed_state(&rnd, 3);
	sleep_for(SECOND_NS);
	before = interrupts();
	now = ktime_get();
	for (i = 0; i < nr; i++) {
		struct probe *probe = &probes[i];
		u64 delay = tick_ns() + random_below(&rnd, 60 * SECOND_NS);
		u64 slack = div_u64(delay * percent, 100);

		probe_setup(probe);
		probe->earliest = now + delay;
		probe->latest = max(first_tick(probe->earliest),
				    probe->earliest + slack) + tick_ns();
		htw_schedule_range(&probe->timer, probe->earliest, slack, 0);
	}
	sleep_for(67 * SECOND_NS);
	KUNIT_EXPECT_EQ_MSG(test, count_on_time(probes, nr), nr,
			    "%u %% of slack", percent);
	return interrupts() - before;
}

static void slack_saves_interrupts(struct kunit *test)
{
	const unsigned int nr = 100000;
	struct probe *probes = make_probes(nr);
	unsigned long exact, slack1, slack10;

	KUNIT_ASSERT_NOT_NULL(test, probes);
	exact = run_slack(test, probes, nr, 0);
	slack1 = run_slack(test, probes, nr, 1);
	slack10 = run_slack(test, probes, nr, 10);
	kunit_info(test, "interrupts for %u timers over 60 s: %lu, with 1 %% of slack %lu, with 10 %% %lu",
		   nr, exact, slack1, slack10);
	KUNIT_EXPECT_LE(test, slack1 * 1000, exact * 20);
	KUNIT_EXPECT_LE(test, slack10 * 1000, exact * 3);
	free_probes(probes, nr);
}

#define IDLE_TIMEOUT_NS	(30 * SECOND_NS)

/*
 * One round of traffic: a packet has come on every connection in the last second,
 * so each gets its idle timeout anew. Returns how many were pending.
 */
static unsigned int push_all(struct probe *probes, unsigned int nr,
			     struct rnd_state *rnd)
{
	u64 now = ktime_get();
	unsigned int i, pending = 0;

	for (i = 0; i < nr; i++) {
		u64 expires = now + IDLE_TIMEOUT_NS - random_below(rnd, SECOND_NS);

		probes[i].earliest = expires;
		probes[i].latest = first_tick(expires) + CLOCK_NS;
		pending += htw_schedule_at(&probes[i].timer, expires);
	}
	return pending;
}

/*
 * Connections that are pushed out all the time: in four minutes none expires. What
 * they cost is interrupts that find timers which have moved on. When nothing comes
 * any more, all expire as they should.
 */
static void pushed_out_connections(struct kunit *test)
{
	const unsigned int nr = 10000, rounds = 240;
	struct probe *probes = make_probes(nr);
	struct rnd_state rnd;
	unsigned long before;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, probes);
	prandom_seed_state(&rnd, 4);
	sleep_for(SECOND_NS);
	before = interrupts();
	KUNIT_EXPECT_EQ(test, push_all(probes, nr, &rnd), 0U);
	for (i = 0; i < rounds; i++) {
		sleep_for(SECOND_NS);
		KUNIT_ASSERT_EQ(test, push_all(probes, nr, &rnd), nr);
	}
	before = interrupts() - before;
	kunit_info(test, "%u connections, %u pushes each: %lu interrupts",
		   nr, rounds, before);
	/* Each timer moves once in its timeout at most, a batch at a time. */
	KUNIT_EXPECT_LE(test, before, rounds / 30 * nr / HTW_BATCH);

	sleep_for(IDLE_TIMEOUT_NS + SECOND_NS);
	KUNIT_EXPECT_EQ(test, count_on_time(probes, nr), nr);
	free_probes(probes, nr);
}

static int tickless_suite_init(struct kunit_suite *suite)
{
	if (!on_virtual_time())
		return 0;
	run_all_lone();
	run_keepalive();
	return 0;
}

/* What ran without another pass in between, and the most that ever did. */
static struct {
	unsigned long	interrupts;
	unsigned int	nr;
	unsigned int	longest;
} pass;

static void count_in_pass(struct htw_timer *timer)
{
	if (pass.interrupts != interrupts())
		pass.nr = 0;
	pass.interrupts = interrupts();
	pass.longest = max(pass.longest, ++pass.nr);
}

/* With the clock standing still it is never the time that ends a pass. */
static void pass_calls_as_many_as_it_may(struct kunit *test)
{
	const unsigned int nr = 2 * HTW_PASS_CALLBACKS + 100;
	struct probe *probes = make_probes(nr);
	u64 expires = ktime_get() + SECOND_NS;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, probes);
	for (i = 0; i < nr; i++) {
		htw_timer_setup(&probes[i].timer, count_in_pass, 0);
		htw_schedule_at(&probes[i].timer, expires);
	}
	pass.longest = 0;
	sleep_for(2 * SECOND_NS);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_FALSE(test, htw_pending(&probes[i].timer));
	KUNIT_EXPECT_EQ(test, pass.longest, (unsigned int)HTW_PASS_CALLBACKS);
	free_probes(probes, nr);
}

static int tickless_init(struct kunit *test)
{
	if (!on_virtual_time())
		kunit_skip(test, "needs a kernel booted with time-travel=inf-cpu");
	return 0;
}

/* Slow by this clock, that is. 6.1 does not say so of any. */
#ifndef KUNIT_CASE_SLOW
#define KUNIT_CASE_SLOW(fn)	KUNIT_CASE(fn)
#endif

static struct kunit_case tickless_cases[] = {
	KUNIT_CASE(lone_timer_costs_one_interrupt),
	KUNIT_CASE(lone_timer_is_on_time),
	KUNIT_CASE(keepalive_of_an_hour_is_not_late),
	KUNIT_CASE_SLOW(idle_wheel_is_silent),
	KUNIT_CASE_SLOW(coarse_timers_are_never_moved),
	KUNIT_CASE_SLOW(arming_earlier_wakes_at_once),
	KUNIT_CASE_SLOW(arming_backwards_costs_one_interrupt),
	KUNIT_CASE_SLOW(rearming_earlier_wakes_at_once),
	KUNIT_CASE_SLOW(cancel_programs_nothing),
	KUNIT_CASE_SLOW(interrupts_are_the_ticks_in_use),
	KUNIT_CASE_SLOW(slack_saves_interrupts),
	KUNIT_CASE_SLOW(pushed_out_connections),
	KUNIT_CASE_SLOW(pass_calls_as_many_as_it_may),
	{}
};

static struct kunit_suite tickless_suite = {
	.name = "htw_tickless",
	.suite_init = tickless_suite_init,
	.init = tickless_init,
	.test_cases = tickless_cases,
};

kunit_test_suite(tickless_suite);
