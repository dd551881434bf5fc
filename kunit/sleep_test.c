// SPDX-License-Identifier: GPL-2.0
/*
 * Sleeping: who sleeps is a thread of its own, which tells when it does and how it
 * was woken. Lateness is never judged; WAIT is only there to end a test that hangs.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/htw_sleep.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "base.h"
#include "two_cpus.h"

#define WAIT		(60 * HZ)
#define HOUR_NS		(3600LL * NSEC_PER_SEC)

/*
 * A thread that sleeps once, for @delay or @until. Signals that threads ignore
 * otherwise reach it.
 */
struct sleeping {
	struct task_struct	*task;
	struct completion	done;
	ktime_t			until;
	s64			delay;
	u64			slack;
	unsigned int		state;
	int			signal_before;
	u64			start_ns;
	u64			end_ns;
	int			ret;
	s64			remaining;
	unsigned long		switches;
};

static int sleep_once(void *arg)
{
	struct sleeping *s = arg;

	allow_signal(SIGUSR1);
	allow_signal(SIGKILL);
	if (s->signal_before)
		send_sig(s->signal_before, current, 1);
	s->remaining = -1;
	s->switches = current->nvcsw;
	s->start_ns = ktime_get();
	if (s->until)
		s->ret = htw_sleep_until_range(s->until, s->slack, s->state);
	else
		s->ret = htw_sleep_range(s->delay, s->slack, s->state,
					 &s->remaining);
	s->end_ns = ktime_get();
	s->switches = current->nvcsw - s->switches;
	complete(&s->done);
	return 0;
}

static struct sleeping *make_sleeping(struct kunit *test, s64 delay,
				      unsigned int state)
{
	struct sleeping *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	init_completion(&s->done);
	s->delay = delay;
	s->state = state;
	return s;
}

static void start_on(struct kunit *test, struct sleeping *s, unsigned int cpu)
{
	s->task = kthread_create_on_cpu(sleep_once, s, cpu, "htw_test/%u");
	KUNIT_ASSERT_FALSE(test, IS_ERR(s->task));
	get_task_struct(s->task);
	wake_up_process(s->task);
}

static void finish(struct kunit *test, struct sleeping *s)
{
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&s->done, WAIT), 0UL);
	put_task_struct(s->task);
}

/* Returns false if it has slept already: a slow machine was too slow to see it. */
static bool seen_asleep(struct kunit *test, struct sleeping *s)
{
	unsigned long end = jiffies + WAIT;

	while (READ_ONCE(s->task->__state) != s->state || !READ_ONCE(s->start_ns)) {
		if (completion_done(&s->done))
			return false;
		KUNIT_ASSERT_TRUE(test, time_before(jiffies, end));
		usleep_range(500, 1000);
	}
	return true;
}

/* One that sleeps now, for as long as that takes to see. */
static struct sleeping *put_to_sleep(struct kunit *test, s64 delay,
				     unsigned int state)
{
	struct sleeping *s = make_sleeping(test, delay, state);

	start_on(test, s, 0);
	if (seen_asleep(test, s))
		return s;
	finish(test, s);
	KUNIT_ASSERT_LT(test, delay, HOUR_NS);
	return put_to_sleep(test, 4 * delay, state);
}

static void expect_full(struct kunit *test, struct sleeping *s)
{
	KUNIT_EXPECT_EQ(test, s->ret, 0);
	KUNIT_EXPECT_EQ(test, s->remaining, 0LL);
	KUNIT_EXPECT_GE(test, s->end_ns, s->start_ns + s->delay);
}

static void expect_interrupted(struct kunit *test, struct sleeping *s)
{
	KUNIT_EXPECT_EQ(test, s->ret, -EINTR);
	KUNIT_EXPECT_GT(test, s->remaining, 0LL);
	KUNIT_EXPECT_LE(test, s->remaining, s->delay);
	KUNIT_EXPECT_LE(test, s->end_ns, s->start_ns + s->delay);
}

static void never_early(struct kunit *test)
{
	static const s64 delays[] = { 1, 999, 50000, 131072, 131073, 4000000,
				      35000000 };
	s64 remaining;
	unsigned int i;
	u64 start;

	for (i = 0; i < ARRAY_SIZE(delays); i++) {
		start = ktime_get();
		KUNIT_EXPECT_EQ(test, htw_sleep(delays[i]), 0);
		KUNIT_EXPECT_GE(test, ktime_get(), start + delays[i]);

		start = ktime_get();
		KUNIT_EXPECT_EQ(test, htw_sleep_killable(delays[i], NULL), 0);
		KUNIT_EXPECT_GE(test, ktime_get(), start + delays[i]);

		start = ktime_get();
		remaining = -1;
		KUNIT_EXPECT_EQ(test, htw_sleep_interruptible(delays[i],
							      &remaining), 0);
		KUNIT_EXPECT_GE(test, ktime_get(), start + delays[i]);
		KUNIT_EXPECT_EQ(test, remaining, 0LL);
	}
}

static void until_is_never_early(struct kunit *test)
{
	ktime_t expires;
	unsigned int i;

	for (i = 1; i < 50; i++) {
		expires = ktime_get() + i * i * 1777;
		KUNIT_EXPECT_EQ(test, htw_sleep_until(expires), 0);
		KUNIT_EXPECT_GE(test, ktime_get(), expires);
		expires += i * 777;
		KUNIT_EXPECT_EQ(test, htw_sleep_until_killable(expires), 0);
		KUNIT_EXPECT_GE(test, ktime_get(), expires);
		expires += i * 777;
		KUNIT_EXPECT_EQ(test, htw_sleep_until_interruptible(expires), 0);
		KUNIT_EXPECT_GE(test, ktime_get(), expires);
	}
}

/* At once: without going to sleep even for a moment, signal or not. */
static void expect_no_sleep(struct kunit *test, s64 delay, int signal)
{
	struct sleeping *s = make_sleeping(test, delay, TASK_INTERRUPTIBLE);

	s->signal_before = signal;
	start_on(test, s, 0);
	finish(test, s);
	KUNIT_EXPECT_EQ(test, s->ret, 0);
	KUNIT_EXPECT_EQ(test, s->remaining, 0LL);
	KUNIT_EXPECT_EQ(test, s->switches, 0UL);
}

static void zero_and_past_return_at_once(struct kunit *test)
{
	static const s64 delays[] = { 0, -1, -HOUR_NS, S64_MIN };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(delays); i++) {
		expect_no_sleep(test, delays[i], 0);
		expect_no_sleep(test, delays[i], SIGUSR1);
	}
	KUNIT_EXPECT_EQ(test, htw_sleep_until(0), 0);
	KUNIT_EXPECT_EQ(test, htw_sleep_until(-1), 0);
	KUNIT_EXPECT_EQ(test, htw_sleep_until(KTIME_MIN), 0);
	KUNIT_EXPECT_EQ(test, htw_sleep_until(ktime_get()), 0);
}

/* Sleeps in @state, is sent @signal, and sleeps on for its whole time. */
static void expect_sleeps_on(struct kunit *test, unsigned int state, int signal)
{
	struct sleeping *s = put_to_sleep(test, 100 * NSEC_PER_MSEC, state);

	send_sig(signal, s->task, 1);
	finish(test, s);
	expect_full(test, s);
}

static void expect_woken(struct kunit *test, s64 delay, unsigned int state,
			 int signal)
{
	struct sleeping *s = put_to_sleep(test, delay, state);

	send_sig(signal, s->task, 1);
	finish(test, s);
	expect_interrupted(test, s);
}

static void uninterruptible_ignores_signals(struct kunit *test)
{
	expect_sleeps_on(test, TASK_UNINTERRUPTIBLE, SIGUSR1);
	expect_sleeps_on(test, TASK_UNINTERRUPTIBLE, SIGKILL);
	expect_sleeps_on(test, TASK_IDLE, SIGKILL);
}

static void killable_is_woken_by_a_fatal_signal(struct kunit *test)
{
	expect_woken(test, HOUR_NS, TASK_KILLABLE, SIGKILL);
}

static void killable_ignores_other_signals(struct kunit *test)
{
	expect_sleeps_on(test, TASK_KILLABLE, SIGUSR1);
}

static void interruptible_is_woken_by_any_signal(struct kunit *test)
{
	expect_woken(test, HOUR_NS, TASK_INTERRUPTIBLE, SIGUSR1);
	expect_woken(test, HOUR_NS, TASK_INTERRUPTIBLE, SIGKILL);
}

static void longest_sleep_can_be_ended(struct kunit *test)
{
	expect_woken(test, S64_MAX, TASK_KILLABLE, SIGKILL);
}

static void signal_from_before_is_seen(struct kunit *test)
{
	struct sleeping *s = make_sleeping(test, HOUR_NS, TASK_INTERRUPTIBLE);

	s->signal_before = SIGUSR1;
	start_on(test, s, 0);
	finish(test, s);
	expect_interrupted(test, s);
	KUNIT_EXPECT_EQ(test, s->switches, 0UL);
}

static void others_can_not_wake_it(struct kunit *test)
{
	static const unsigned int states[] = { TASK_UNINTERRUPTIBLE,
					       TASK_KILLABLE,
					       TASK_INTERRUPTIBLE };
	struct sleeping *s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		s = put_to_sleep(test, 100 * NSEC_PER_MSEC, states[i]);
		while (!try_wait_for_completion(&s->done)) {
			wake_up_process(s->task);
			usleep_range(500, 1000);
		}
		put_task_struct(s->task);
		expect_full(test, s);
		KUNIT_EXPECT_GT(test, s->switches, 1UL);
	}
}

/* With the wakers of all of them on two CPUs, none may miss its own. */
static void many_at_once(struct kunit *test)
{
	unsigned int cpu[2] = { 0, cpumask_next(0, cpu_online_mask) };
	const unsigned int nr = 64;
	struct sleeping *s[64];
	unsigned int i;

	KUNIT_ASSERT_LT(test, cpu[1], nr_cpu_ids);
	for (i = 0; i < nr; i++)
		s[i] = make_sleeping(test, i * 300000 + 1, TASK_UNINTERRUPTIBLE);
	for (i = 0; i < nr; i++)
		start_on(test, s[i], cpu[i % 2]);
	for (i = 0; i < nr; i++) {
		finish(test, s[i]);
		expect_full(test, s[i]);
	}
}

/* The shortest sleeps: the timer may fire before the task is asleep. */
static void no_wake_up_is_lost(struct kunit *test)
{
	unsigned int i;
	ktime_t expires;

	for (i = 0; i < 2000; i++) {
		expires = ktime_get() + i % 200 * 1000;
		KUNIT_EXPECT_EQ(test, htw_sleep_until(expires), 0);
		KUNIT_EXPECT_GE(test, ktime_get(), expires);
	}
}

/* All that can wait for each other wake in a few interrupts. */
static void slack_is_used(struct kunit *test)
{
	unsigned long *interrupts = &htw_base_of_cpu(0)->nr_interrupts;
	ktime_t start = ktime_get() + 500 * NSEC_PER_MSEC;
	const unsigned int nr = 32;
	struct sleeping *s[32];
	unsigned long before;
	unsigned int i;

	before = READ_ONCE(*interrupts);
	for (i = 0; i < nr; i++) {
		s[i] = make_sleeping(test, 0, TASK_UNINTERRUPTIBLE);
		s[i]->until = start + i * 5 * NSEC_PER_MSEC;
		s[i]->slack = NSEC_PER_SEC;
		start_on(test, s[i], 0);
	}
	for (i = 0; i < nr; i++) {
		finish(test, s[i]);
		KUNIT_EXPECT_EQ(test, s[i]->ret, 0);
		KUNIT_EXPECT_GE(test, s[i]->end_ns, (u64)s[i]->until);
	}
	/* Without slack they need one each. */
	KUNIT_EXPECT_LT(test, READ_ONCE(*interrupts) - before, nr / 4UL);
}

static struct kunit_case sleep_cases[] = {
	KUNIT_CASE(never_early),
	KUNIT_CASE(until_is_never_early),
	KUNIT_CASE(zero_and_past_return_at_once),
	KUNIT_CASE(uninterruptible_ignores_signals),
	KUNIT_CASE(killable_is_woken_by_a_fatal_signal),
	KUNIT_CASE(killable_ignores_other_signals),
	KUNIT_CASE(interruptible_is_woken_by_any_signal),
	KUNIT_CASE(longest_sleep_can_be_ended),
	KUNIT_CASE(signal_from_before_is_seen),
	KUNIT_CASE(others_can_not_wake_it),
	KUNIT_CASE(no_wake_up_is_lost),
	KUNIT_CASE(slack_is_used),
	{}
};

static struct kunit_case sleep_smp_cases[] = {
	KUNIT_CASE(many_at_once),
	{}
};

static struct kunit_suite sleep_suite = {
	.name = "htw_sleep",
	.test_cases = sleep_cases,
};

static struct kunit_suite sleep_smp_suite = {
	.name = "htw_sleep_smp",
	.init = need_two_cpus,
	.test_cases = sleep_smp_cases,
};

kunit_test_suites(&sleep_suite, &sleep_smp_suite);
