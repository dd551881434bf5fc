// SPDX-License-Identifier: GPL-2.0
/*
 * What others see of a base that has much to do: its lock is let go again and again, and
 * nothing is programmed for nothing.
 */
#include <kunit/test.h>
#include <linux/htw.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "base.h"
#include "probe.h"
#include "trace.h"

#define NR_TIMERS	3000

/* What is promised, whatever HTW_BATCH says. */
#define MOST		64U

static struct htw_timer *timers;

/**
 * struct hold - how much is done while interrupts are disabled
 * @nr: since they were enabled last
 * @longest: the most that this ever was
 * @let_in: raises an interrupt, which comes as soon as it can
 *
 * Whatever is done asks for an interrupt. What is done until that has come was done
 * under one hold of the lock. So it does not matter how fast the machine is.
 */
static struct hold {
	unsigned int	nr;
	unsigned int	longest;
	struct irq_work	let_in;
} hold;

static void was_let_in(struct irq_work *work)
{
	hold.nr = 0;
}

static void done_under_the_lock(unsigned int nr)
{
	hold.nr += nr;
	hold.longest = max(hold.longest, hold.nr);
	irq_work_queue(&hold.let_in);
}

static void saw_arm(void *unused, const struct htw_timer *timer, unsigned int cpu,
		    unsigned int how)
{
	if (timer >= timers && timer < timers + NR_TIMERS)
		done_under_the_lock(1);
}

static void saw_cancel(void *unused, const struct htw_timer *timer)
{
	if (timer >= timers && timer < timers + NR_TIMERS)
		done_under_the_lock(1);
}

static void saw_cascade(void *unused, unsigned int cpu, unsigned int moves,
			unsigned int expired)
{
	if (cpu == 0)
		done_under_the_lock(moves);
}

/* So that a callback that keeps the other CPU does not keep the test. */
static int begin(struct kunit *test)
{
	hold.nr = 0;
	hold.longest = 0;
	hold.let_in = IRQ_WORK_INIT_HARD(was_let_in);
	return set_cpus_allowed_ptr(current, cpumask_of(0));
}

static void end(struct kunit *test)
{
	unsigned int i;

	for (i = 0; timers && i < NR_TIMERS; i++)
		htw_shutdown_sync(&timers[i]);
	kvfree(timers);
	timers = NULL;
	irq_work_sync(&hold.let_in);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static void nothing(struct htw_timer *timer)
{
}

static void make_timers(struct kunit *test)
{
	unsigned int i;

	timers = kvcalloc(NR_TIMERS, sizeof(*timers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, timers);
	for (i = 0; i < NR_TIMERS; i++)
		htw_timer_setup(&timers[i], nothing, 0);
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

static void bulk_lets_interrupts_in(struct kunit *test)
{
	struct htw_bulk *bulk;

	make_timers(test);
	bulk = make_bulk(test);
	KUNIT_ASSERT_EQ(test, register_trace_htw_arm(saw_arm, NULL), 0);
	htw_schedule_bulk(bulk, NR_TIMERS);
	unregister_trace_htw_arm(saw_arm, NULL);
	KUNIT_EXPECT_EQ(test, hold.longest, MOST);

	hold.longest = 0;
	KUNIT_ASSERT_EQ(test, register_trace_htw_cancel(saw_cancel, NULL), 0);
	htw_cancel_bulk(bulk, NR_TIMERS);
	unregister_trace_htw_cancel(saw_cancel, NULL);
	tracepoint_synchronize_unregister();
	KUNIT_EXPECT_EQ(test, hold.longest, MOST);
}

/* All of them wait in one slot of the second level. Returns when that begins. */
static u64 arm_all_in_one_slot(void)
{
	u64 span = 256ULL << htw_base_geometry()->tick_shift;
	u64 begin = ((u64)ktime_get() / span + 60) * span;
	unsigned int i;

	for (i = 0; i < NR_TIMERS; i++)
		htw_schedule_at(&timers[i], begin + span / 2 +
				(i % 128) * (span / 256));
	return begin;
}

/* Through the time at which the base would empty their slot bit by bit. */
static void keep_interrupts_out(u64 begin)
{
	u64 span = 256ULL << htw_base_geometry()->tick_shift;
	unsigned long flags;

	while ((u64)ktime_get() < begin - 2 * span)
		usleep_range(500, 1000);
	local_irq_save(flags);
	while ((u64)ktime_get() < begin + span / 4)
		cpu_relax();
	local_irq_restore(flags);
}

static void cascade_lets_interrupts_in(struct kunit *test)
{
	u64 moves = htw_base_of_cpu(0)->wheel->nr_moves;
	u64 begin;

	make_timers(test);
	begin = arm_all_in_one_slot();
	KUNIT_ASSERT_EQ(test, register_trace_htw_cascade(saw_cascade, NULL), 0);
	keep_interrupts_out(begin);
	msleep(100);
	unregister_trace_htw_cascade(saw_cascade, NULL);
	tracepoint_synchronize_unregister();
	KUNIT_EXPECT_GT(test, htw_base_of_cpu(0)->wheel->nr_moves - moves,
			(u64)NR_TIMERS / 2);
	KUNIT_EXPECT_GT(test, hold.longest, 1U);
	KUNIT_EXPECT_LE(test, hold.longest, MOST);
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
	bool		in_pass;
	u64		before;
	u64		armed_ns;
};

static void arm_the_past(void *arg)
{
	struct gap *gap = arg;

	gap->in_pass = htw_base_of_cpu(smp_processor_id())->in_pass;
	gap->before = ktime_get();
	htw_schedule_at(&gap->probe->timer, 0);
	gap->armed_ns = htw_base_of_cpu(smp_processor_id())->armed_ns;
}

/* Whatever is asked for: no interrupt is nearer than that. */
static void nothing_is_programmed_nearer_than_the_gap(struct kunit *test)
{
	struct gap gap = { .probe = make_probe(test, probe_fired) };
	unsigned int i, seen = 0;

	for (i = 0; i < 1000 && seen < 50; i++) {
		smp_call_function_single(0, arm_the_past, &gap, 1);
		expect_done(test, gap.probe);
		usleep_range(500, 1000);
		/* Its end programs; on PREEMPT_RT it can be interrupted. */
		if (gap.in_pass)
			continue;
		seen++;
		KUNIT_EXPECT_GE(test, gap.armed_ns, gap.before + htw_base_min_gap());
		KUNIT_EXPECT_LE(test, gap.armed_ns, gap.before + HOUR_NS);
	}
	KUNIT_EXPECT_EQ(test, seen, 50U);
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
	htw_expires(&probe->timer);
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
	KUNIT_CASE(bulk_lets_interrupts_in),
	KUNIT_CASE(cascade_lets_interrupts_in),
	KUNIT_CASE(pass_programs_nothing),
	KUNIT_CASE(nothing_is_programmed_nearer_than_the_gap),
	KUNIT_CASE(running_timer_stays_where_it_runs),
	KUNIT_CASE(only_who_asks_is_called_with_interrupts_disabled),
	{ }
};

static struct kunit_suite pass_suite = {
	.name = "htw_pass",
	.init = begin,
	.exit = end,
	.test_cases = pass_cases,
};

kunit_test_suite(pass_suite);
