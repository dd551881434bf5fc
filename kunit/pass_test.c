// SPDX-License-Identifier: GPL-2.0
/*
 * What others see of a base that has much to do: its lock is let go again and again, and
 * nothing is programmed for nothing.
 *
 * Who looks spins for the lock on another CPU. It is a fair one: who waits for it gets it
 * when it is let go. But that CPU may be one that its host has taken away for a moment:
 * so all that is asked for is to see it in one of many tries.
 */
#include <kunit/test.h>
#include <linux/htw.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/smp.h>

#include "base.h"
#include "probe.h"

#define NR_TIMERS	6000
#define TRIES		50

/* What is moved or armed between two looks, if nobody was missed. */
#define SMALL		(2 * HTW_BATCH)

/* So often is luck no more: what is left over at the end is small as well. */
#define ENOUGH		5

/**
 * struct watcher - a thread on CPU 0 that looks at the base of another CPU
 * @base: the base
 * @counter: of the base's wheel
 * @small: how often it grew by no more than %SMALL between two looks, and by some
 */
struct watcher {
	struct htw_base	*base;
	const u64	*counter;
	unsigned int	small;
};

static u64 look(struct watcher *watcher)
{
	u64 value;

	raw_spin_lock_irq(&watcher->base->lock);
	value = *watcher->counter;
	raw_spin_unlock_irq(&watcher->base->lock);
	return value;
}

static int watch(void *arg)
{
	struct watcher *watcher = arg;
	u64 last = look(watcher), now;

	while (!kthread_should_stop()) {
		now = look(watcher);
		watcher->small += now > last && now - last <= SMALL;
		last = now;
		cond_resched();
	}
	return 0;
}

static struct htw_timer *timers;

static void nothing(struct htw_timer *timer)
{
}

static int make_timers(struct kunit *test)
{
	unsigned int i;

	timers = kvcalloc(NR_TIMERS, sizeof(*timers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, timers);
	for (i = 0; i < NR_TIMERS; i++)
		htw_timer_setup(&timers[i], nothing, 0);
	return 0;
}

static void end_timers(struct kunit *test)
{
	unsigned int i;

	for (i = 0; timers && i < NR_TIMERS; i++)
		htw_shutdown_sync(&timers[i]);
	kvfree(timers);
	timers = NULL;
}

/* Until @work, done with interrupts of @cpu disabled, was seen to let others in. */
static void expect_to_be_let_in(struct kunit *test, unsigned int cpu,
				const u64 *counter, void (*work)(void *arg), void *arg)
{
	struct watcher watcher = {
		.base = htw_base_of_cpu(cpu),
		.counter = counter,
	};
	struct task_struct *task;
	unsigned int i;

	task = kthread_create(watch, &watcher, "htw_watch");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	kthread_bind(task, 0);
	wake_up_process(task);
	for (i = 0; i < TRIES && READ_ONCE(watcher.small) < ENOUGH; i++) {
		/* The last of a try may be small by chance: they do not add up. */
		WRITE_ONCE(watcher.small, 0);
		smp_call_function_single(cpu, work, arg, 1);
		give_it_time();
	}
	kthread_stop(task);
	KUNIT_EXPECT_GE(test, watcher.small, (unsigned int)ENOUGH);
}

static void arm_and_cancel_many(void *arg)
{
	struct htw_bulk *bulk = arg;

	htw_schedule_bulk(bulk, NR_TIMERS);
	htw_cancel_bulk(bulk, NR_TIMERS);
}

static struct htw_bulk *make_bulk(struct kunit *test)
{
	struct htw_bulk *bulk;
	unsigned int i;

	bulk = kunit_kcalloc(test, NR_TIMERS, sizeof(*bulk), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bulk);
	for (i = 0; i < NR_TIMERS; i++) {
		bulk[i].timer = &timers[i];
		bulk[i].expires = ktime_get() + HOUR_NS;
	}
	return bulk;
}

static void bulk_lets_others_in(struct kunit *test)
{
	unsigned int cpu = other_cpu(test);
	struct htw_bulk *bulk;

	make_timers(test);
	bulk = make_bulk(test);
	expect_to_be_let_in(test, cpu, &htw_base_of_cpu(cpu)->stats.inserts,
			    arm_and_cancel_many, bulk);
	KUNIT_EXPECT_EQ(test, bulk[NR_TIMERS - 1].res, 1);
}

/* All of them in one slot, which must be emptied before the first is due. */
static void arm_and_sleep_past_it(void *arg)
{
	u64 span = 256ULL << htw_base_geometry()->tick_shift;
	u64 due = ktime_get() + 2 * span;
	unsigned int i;

	for (i = 0; i < NR_TIMERS; i++)
		htw_schedule_at(&timers[i], due + HOUR_NS);
	/* Pushed back into reach: they cascade. */
	for (i = 0; i < NR_TIMERS; i++)
		htw_schedule_at(&timers[i], due + span / 2 +
				(i % 128) * (span / 256));
	while (ktime_get() < due + span / 4)
		cpu_relax();
}

static void cascade_lets_others_in(struct kunit *test)
{
	unsigned int cpu = other_cpu(test);
	const struct htw_base *base = htw_base_of_cpu(cpu);

	make_timers(test);
	expect_to_be_let_in(test, cpu, &base->wheel->nr_moves,
			    arm_and_sleep_past_it, NULL);
}

/**
 * struct programs - how often a callback had the hrtimer programmed
 * @probe: whose callback
 * @nr: how often
 * @armed: timers that it has armed, in descending order
 */
struct programs {
	struct probe		probe;
	unsigned long		nr;
	struct htw_timer	armed[8];
};

static void arm_backwards(struct htw_timer *timer)
{
	struct programs *programs = container_of(timer, struct programs, probe.timer);
	struct htw_base *base = htw_base_of_cpu(smp_processor_id());
	unsigned long before = base->nr_programs;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(programs->armed); i++)
		htw_schedule(&programs->armed[i], HOUR_NS / (i + 1));
	programs->nr = base->nr_programs - before;
	complete(&programs->probe.done);
}

/* Its end programs what is first then. */
static void pass_programs_nothing(struct kunit *test)
{
	struct programs *programs = kunit_kzalloc(test, sizeof(*programs), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, programs);
	probe_init(&programs->probe, arm_backwards);
	for (i = 0; i < ARRAY_SIZE(programs->armed); i++)
		htw_timer_setup(&programs->armed[i], nothing, 0);
	htw_schedule(&programs->probe.timer, 0);
	expect_done(test, &programs->probe);
	htw_shutdown_sync(&programs->probe.timer);
	KUNIT_EXPECT_EQ(test, programs->nr, 0UL);
	for (i = 0; i < ARRAY_SIZE(programs->armed); i++)
		KUNIT_EXPECT_EQ(test, htw_shutdown_sync(&programs->armed[i]), 1);
}

struct gap {
	struct probe	*probe;
	u64		before;
	u64		armed_ns;
};

static void arm_the_past(void *arg)
{
	struct gap *gap = arg;

	gap->before = ktime_get();
	htw_schedule_at(&gap->probe->timer, 0);
	gap->armed_ns = htw_base_of_cpu(smp_processor_id())->armed_ns;
}

/* Whatever is asked for: no interrupt is nearer than that. */
static void nothing_is_programmed_nearer_than_the_gap(struct kunit *test)
{
	struct gap gap = { .probe = make_probe(test, probe_fired) };
	unsigned int i;

	for (i = 0; i < 50; i++) {
		smp_call_function_single(0, arm_the_past, &gap, 1);
		KUNIT_EXPECT_GE(test, gap.armed_ns, gap.before + htw_base_min_gap());
		KUNIT_EXPECT_LE(test, gap.armed_ns, gap.before + HOUR_NS);
		expect_done(test, gap.probe);
	}
	htw_shutdown_sync(&gap.probe->timer);
}

/* Only who is pinned is sent to where it was armed. */
static void running_timer_stays_where_it_runs(struct kunit *test)
{
	struct probe *probe = make_probe(test, slow);
	unsigned int cpu = other_cpu(test);

	arm_on(cpu, &probe->timer, 0);
	expect_done(test, probe);
	KUNIT_EXPECT_EQ(test, arm_on(0, &probe->timer, HOUR_NS), 0);
	WRITE_ONCE(probe->go, true);
	while (READ_ONCE(htw_base_of_cpu(cpu)->running) == &probe->timer)
		cpu_relax();
	KUNIT_EXPECT_EQ(test, cpu_of(&probe->timer), cpu);
	KUNIT_EXPECT_EQ(test, htw_shutdown_sync(&probe->timer), 1);
}

static void note_interrupts(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	WRITE_ONCE(probe->ret, irqs_disabled());
	complete(&probe->done);
}

static void only_who_asks_is_called_with_interrupts_disabled(struct kunit *test)
{
	struct probe *probe = make_probe(test, note_interrupts);

	htw_schedule(&probe->timer, 0);
	expect_done(test, probe);
	KUNIT_EXPECT_EQ(test, probe->ret, 0);
	htw_shutdown_sync(&probe->timer);

	htw_timer_setup(&probe->timer, note_interrupts, 0);
	probe->timer.node.owner |= HTW_OWNER_IRQSAFE;
	htw_schedule(&probe->timer, 0);
	expect_done(test, probe);
	KUNIT_EXPECT_EQ(test, probe->ret, 1);
	htw_shutdown_sync(&probe->timer);
}

static struct kunit_case pass_cases[] = {
	KUNIT_CASE(bulk_lets_others_in),
	KUNIT_CASE(cascade_lets_others_in),
	KUNIT_CASE(pass_programs_nothing),
	KUNIT_CASE(nothing_is_programmed_nearer_than_the_gap),
	KUNIT_CASE(running_timer_stays_where_it_runs),
	KUNIT_CASE(only_who_asks_is_called_with_interrupts_disabled),
	{ }
};

static struct kunit_suite pass_suite = {
	.name = "htw_pass",
	.exit = end_timers,
	.test_cases = pass_cases,
};

kunit_test_suite(pass_suite);
