// SPDX-License-Identifier: GPL-2.0
/*
 * Delayed work: htw_work needs one CPU, htw_work_smp two.
 *
 * What is judged is what runs, how often, before and after what. A work is held in a
 * state by a workqueue of one worker whose worker is held up (struct stopper), or by
 * its own function, which waits to be let go. WAIT is only there to end a test that
 * hangs.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/htw.h>
#include <linux/htw_work.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "base.h"
#include "two_cpus.h"

#define WAIT		(60 * HZ)
#define HOUR_NS		(3600LL * NSEC_PER_SEC)
#define TICK_NS		(1LL << htw_base_geometry()->tick_shift)

/* A delayed work that keeps a record of itself. */
struct probe {
	struct htw_delayed_work	dwork;
	struct completion	begun;
	struct completion	go;
	atomic_t		runs;
	u64			ran_ns;
	unsigned int		cpu;
	unsigned int		again;
	s64			delay;
	bool			ok;
	bool			ended;
};

static struct probe *probe_of(struct work_struct *work)
{
	return container_of(to_htw_delayed_work(work), struct probe, dwork);
}

static void probe_init(struct probe *probe, work_func_t func)
{
	memset(probe, 0, sizeof(*probe));
	init_completion(&probe->begun);
	init_completion(&probe->go);
	INIT_HTW_DELAYED_WORK(&probe->dwork, func);
}

static struct probe *make_probe(struct kunit *test, work_func_t func)
{
	struct probe *probe = kunit_kzalloc(test, sizeof(*probe), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, probe);
	probe_init(probe, func);
	return probe;
}

static void record(struct work_struct *work)
{
	struct probe *probe = probe_of(work);

	probe->ran_ns = ktime_get();
	probe->cpu = raw_smp_processor_id();
	atomic_inc(&probe->runs);
	complete(&probe->begun);
}

/* Does not end before it is told to. */
static void record_and_stay(struct work_struct *work)
{
	struct probe *probe = probe_of(work);

	record(work);
	wait_for_completion(&probe->go);
	msleep(20);
	WRITE_ONCE(probe->ended, true);
}

static void expect_completed(struct kunit *test, struct completion *completion)
{
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(completion, WAIT), 0UL);
}

static int runs(struct probe *probe)
{
	return atomic_read(&probe->runs);
}

/* A workqueue of one worker, and the work that holds it up. */
struct stopper {
	struct workqueue_struct	*wq;
	struct work_struct	work;
	struct completion	begun;
	struct completion	go;
};

static void stop(struct work_struct *work)
{
	struct stopper *stopper = container_of(work, struct stopper, work);

	complete(&stopper->begun);
	wait_for_completion(&stopper->go);
}

static struct stopper *make_stopper(struct kunit *test)
{
	struct stopper *stopper = kunit_kzalloc(test, sizeof(*stopper),
						GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, stopper);
	init_completion(&stopper->begun);
	init_completion(&stopper->go);
	INIT_WORK(&stopper->work, stop);
	stopper->wq = alloc_ordered_workqueue("htw_test", 0);
	KUNIT_ASSERT_NOT_NULL(test, stopper->wq);
	queue_work(stopper->wq, &stopper->work);
	expect_completed(test, &stopper->begun);
	return stopper;
}

/* All that is on the workqueue has run when this returns. */
static void let_go(struct stopper *stopper)
{
	complete(&stopper->go);
	flush_workqueue(stopper->wq);
}

static void destroy_stopper(struct stopper *stopper)
{
	let_go(stopper);
	destroy_workqueue(stopper->wq);
}

/* Until the timer has put it on its workqueue, which must be held up. */
static void wait_until_queued(struct kunit *test, struct probe *probe)
{
	unsigned long end = jiffies + WAIT;

	while (!work_pending(&probe->dwork.work)) {
		KUNIT_ASSERT_TRUE(test, time_before(jiffies, end));
		usleep_range(500, 1000);
	}
	KUNIT_EXPECT_FALSE(test, htw_pending(&probe->dwork.timer));
}

static void never_early(struct kunit *test)
{
	static const s64 delays[] = { 1, 1000, 100000, 131072, 1000000, 30000000 };
	struct probe *probe = make_probe(test, record);
	unsigned int i;
	u64 now;

	for (i = 0; i < ARRAY_SIZE(delays); i++) {
		now = ktime_get();
		KUNIT_EXPECT_TRUE(test, htw_schedule_delayed_work(&probe->dwork,
								  delays[i]));
		expect_completed(test, &probe->begun);
		KUNIT_EXPECT_GE(test, probe->ran_ns, now + delays[i]);
		KUNIT_EXPECT_EQ(test, runs(probe), i + 1);
	}
	htw_cancel_delayed_work_sync(&probe->dwork);
}

static void check_context(struct work_struct *work)
{
	struct probe *probe = probe_of(work);

	probe->ok = in_task() && !irqs_disabled();
	usleep_range(500, 1000);
	complete(&probe->begun);
}

static void runs_in_process_context(struct kunit *test)
{
	struct probe *probe = make_probe(test, check_context);

	htw_schedule_delayed_work(&probe->dwork, TICK_NS);
	expect_completed(test, &probe->begun);
	htw_cancel_delayed_work_sync(&probe->dwork);
	KUNIT_EXPECT_TRUE(test, probe->ok);
}

static void queueing_what_waits_is_refused(struct kunit *test)
{
	struct probe *probe = make_probe(test, record);
	ktime_t expires;

	KUNIT_EXPECT_TRUE(test, htw_schedule_delayed_work(&probe->dwork, HOUR_NS));
	expires = htw_expires(&probe->dwork.timer);
	KUNIT_EXPECT_TRUE(test, htw_delayed_work_pending(&probe->dwork));
	KUNIT_EXPECT_FALSE(test, htw_schedule_delayed_work(&probe->dwork, 0));
	KUNIT_EXPECT_FALSE(test, htw_schedule_delayed_work(&probe->dwork, 1));
	KUNIT_EXPECT_EQ(test, htw_expires(&probe->dwork.timer), expires);
	KUNIT_EXPECT_TRUE(test, htw_cancel_delayed_work_sync(&probe->dwork));
	KUNIT_EXPECT_EQ(test, runs(probe), 0);
}

static void queueing_what_is_queued_is_refused(struct kunit *test)
{
	struct stopper *stopper = make_stopper(test);
	struct probe *probe = make_probe(test, record);

	htw_queue_delayed_work(stopper->wq, &probe->dwork, TICK_NS);
	wait_until_queued(test, probe);
	KUNIT_EXPECT_TRUE(test, htw_delayed_work_pending(&probe->dwork));
	KUNIT_EXPECT_FALSE(test, htw_queue_delayed_work(stopper->wq,
							&probe->dwork, 0));
	KUNIT_EXPECT_FALSE(test, htw_queue_delayed_work(stopper->wq,
							&probe->dwork, TICK_NS));
	destroy_stopper(stopper);
	KUNIT_EXPECT_EQ(test, runs(probe), 1);
	KUNIT_EXPECT_FALSE(test, htw_delayed_work_pending(&probe->dwork));
}

static void what_runs_can_be_queued(struct kunit *test)
{
	struct probe *probe = make_probe(test, record_and_stay);

	htw_schedule_delayed_work(&probe->dwork, 0);
	expect_completed(test, &probe->begun);
	KUNIT_EXPECT_FALSE(test, htw_delayed_work_pending(&probe->dwork));
	KUNIT_EXPECT_TRUE(test, htw_schedule_delayed_work(&probe->dwork, TICK_NS));
	complete_all(&probe->go);
	expect_completed(test, &probe->begun);
	htw_cancel_delayed_work_sync(&probe->dwork);
	KUNIT_EXPECT_EQ(test, runs(probe), 2);
}

static void no_delay_needs_no_timer(struct kunit *test)
{
	static const s64 delays[] = { 0, -1, S64_MIN };
	struct probe *probe = make_probe(test, record);
	struct stopper *stopper;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(delays); i++) {
		stopper = make_stopper(test);
		KUNIT_EXPECT_TRUE(test,
				  htw_queue_delayed_work(stopper->wq, &probe->dwork,
							 delays[i]));
		KUNIT_EXPECT_TRUE(test, work_pending(&probe->dwork.work));
		KUNIT_EXPECT_FALSE(test, htw_pending(&probe->dwork.timer));
		destroy_stopper(stopper);
		KUNIT_EXPECT_EQ(test, runs(probe), i + 1);
	}
}

static void longest_delay_does_not_wrap(struct kunit *test)
{
	struct probe *probe = make_probe(test, record);

	KUNIT_EXPECT_TRUE(test, htw_queue_delayed_work_range(WORK_CPU_UNBOUND,
							     system_wq,
							     &probe->dwork,
							     S64_MAX, U64_MAX));
	KUNIT_EXPECT_GT(test, htw_remaining(&probe->dwork.timer), S64_MAX / 2);
	KUNIT_EXPECT_TRUE(test, htw_mod_delayed_work(system_wq, &probe->dwork,
						     S64_MAX));
	KUNIT_EXPECT_GT(test, htw_remaining(&probe->dwork.timer), S64_MAX / 2);
	KUNIT_EXPECT_TRUE(test, htw_cancel_delayed_work_sync(&probe->dwork));
}

static u64 tick_of(struct probe *probe)
{
	return probe->dwork.timer.node.tick;
}

/* Two that can wait for each other do. */
static void slack_is_used(struct kunit *test)
{
	struct probe *a = make_probe(test, record), *b = make_probe(test, record);
	const s64 later = HOUR_NS + 100 * TICK_NS;

	htw_queue_delayed_work_range(WORK_CPU_UNBOUND, system_wq, &a->dwork,
				     HOUR_NS, HOUR_NS);
	htw_queue_delayed_work_range(WORK_CPU_UNBOUND, system_wq, &b->dwork,
				     later, HOUR_NS);
	KUNIT_EXPECT_EQ(test, tick_of(a), tick_of(b));

	htw_mod_delayed_work(system_wq, &b->dwork, later);
	KUNIT_EXPECT_NE(test, tick_of(a), tick_of(b));
	htw_mod_delayed_work_range(WORK_CPU_UNBOUND, system_wq, &b->dwork,
				   later, HOUR_NS);
	KUNIT_EXPECT_EQ(test, tick_of(a), tick_of(b));
	htw_cancel_delayed_work_sync(&a->dwork);
	htw_cancel_delayed_work_sync(&b->dwork);
}

static void mod_of_an_idle_one_queues_it(struct kunit *test)
{
	struct probe *probe = make_probe(test, record);
	u64 now = ktime_get();

	KUNIT_EXPECT_FALSE(test, htw_mod_delayed_work(system_wq, &probe->dwork,
						      TICK_NS));
	expect_completed(test, &probe->begun);
	KUNIT_EXPECT_GE(test, probe->ran_ns, now + TICK_NS);
	KUNIT_EXPECT_FALSE(test, htw_mod_delayed_work(system_wq, &probe->dwork,
						      0));
	expect_completed(test, &probe->begun);
	htw_cancel_delayed_work_sync(&probe->dwork);
	KUNIT_EXPECT_EQ(test, runs(probe), 2);
}

static void mod_earlier_and_later(struct kunit *test)
{
	struct probe *probe = make_probe(test, record);
	u64 now;

	htw_schedule_delayed_work(&probe->dwork, HOUR_NS);
	KUNIT_EXPECT_TRUE(test, htw_mod_delayed_work(system_wq, &probe->dwork,
						     HOUR_NS / 2));
	now = ktime_get();
	KUNIT_EXPECT_TRUE(test, htw_mod_delayed_work(system_wq, &probe->dwork,
						     20 * NSEC_PER_MSEC));
	expect_completed(test, &probe->begun);
	KUNIT_EXPECT_GE(test, probe->ran_ns, now + 20 * NSEC_PER_MSEC);

	htw_schedule_delayed_work(&probe->dwork, HOUR_NS / 2);
	KUNIT_EXPECT_TRUE(test, htw_mod_delayed_work(system_wq, &probe->dwork,
						     HOUR_NS));
	KUNIT_EXPECT_GT(test, htw_remaining(&probe->dwork.timer), HOUR_NS / 2);
	KUNIT_EXPECT_TRUE(test, htw_mod_delayed_work(system_wq, &probe->dwork,
						     0));
	expect_completed(test, &probe->begun);
	htw_cancel_delayed_work_sync(&probe->dwork);
	KUNIT_EXPECT_EQ(test, runs(probe), 2);
}

static void mod_takes_it_off_its_workqueue(struct kunit *test)
{
	struct stopper *stopper = make_stopper(test);
	struct probe *probe = make_probe(test, record);

	htw_queue_delayed_work(stopper->wq, &probe->dwork, TICK_NS);
	wait_until_queued(test, probe);
	KUNIT_EXPECT_TRUE(test, htw_mod_delayed_work(stopper->wq, &probe->dwork,
						     HOUR_NS));
	let_go(stopper);
	KUNIT_EXPECT_EQ(test, runs(probe), 0);
	KUNIT_EXPECT_TRUE(test, htw_mod_delayed_work(stopper->wq, &probe->dwork,
						     0));
	expect_completed(test, &probe->begun);
	destroy_workqueue(stopper->wq);
	KUNIT_EXPECT_EQ(test, runs(probe), 1);
}

static void cancel_while_it_waits(struct kunit *test)
{
	struct probe *probe = make_probe(test, record);

	KUNIT_EXPECT_FALSE(test, htw_cancel_delayed_work(&probe->dwork));
	htw_schedule_delayed_work(&probe->dwork, HOUR_NS);
	KUNIT_EXPECT_TRUE(test, htw_cancel_delayed_work(&probe->dwork));
	KUNIT_EXPECT_FALSE(test, htw_delayed_work_pending(&probe->dwork));
	KUNIT_EXPECT_FALSE(test, htw_pending(&probe->dwork.timer));
	KUNIT_EXPECT_FALSE(test, htw_cancel_delayed_work(&probe->dwork));
	KUNIT_EXPECT_EQ(test, runs(probe), 0);
}

static void cancel_between_timer_and_function(struct kunit *test)
{
	struct stopper *stopper = make_stopper(test);
	struct probe *probe = make_probe(test, record);

	htw_queue_delayed_work(stopper->wq, &probe->dwork, TICK_NS);
	wait_until_queued(test, probe);
	KUNIT_EXPECT_TRUE(test, htw_cancel_delayed_work(&probe->dwork));
	KUNIT_EXPECT_FALSE(test, htw_delayed_work_pending(&probe->dwork));

	htw_queue_delayed_work(stopper->wq, &probe->dwork, TICK_NS);
	wait_until_queued(test, probe);
	KUNIT_EXPECT_TRUE(test, htw_cancel_delayed_work_sync(&probe->dwork));
	destroy_stopper(stopper);
	KUNIT_EXPECT_EQ(test, runs(probe), 0);
}

static void cancel_while_it_runs(struct kunit *test)
{
	struct probe *probe = make_probe(test, record_and_stay);

	htw_schedule_delayed_work(&probe->dwork, TICK_NS);
	expect_completed(test, &probe->begun);
	KUNIT_EXPECT_FALSE(test, htw_cancel_delayed_work(&probe->dwork));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(probe->ended));
	complete(&probe->go);
	htw_flush_delayed_work(&probe->dwork);
	KUNIT_EXPECT_TRUE(test, probe->ended);
}

/* Ends what record_and_stay() waits for, when somebody else waits already. */
struct opener {
	struct htw_timer	timer;
	struct completion	*go;
};

static void opener_expired(struct htw_timer *timer)
{
	complete(container_of(timer, struct opener, timer)->go);
}

static void expect_waits_for_the_function(struct kunit *test,
					  bool (*wait)(struct htw_delayed_work *))
{
	struct probe *probe = make_probe(test, record_and_stay);
	struct opener opener = { .go = &probe->go };

	htw_timer_setup_on_stack(&opener.timer, opener_expired, 0);
	htw_schedule_delayed_work(&probe->dwork, TICK_NS);
	expect_completed(test, &probe->begun);
	htw_schedule(&opener.timer, 20 * NSEC_PER_MSEC);
	wait(&probe->dwork);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(probe->ended));
	htw_shutdown_sync(&opener.timer);
	htw_timer_destroy_on_stack(&opener.timer);
}

static void cancel_sync_waits_for_the_function(struct kunit *test)
{
	expect_waits_for_the_function(test, htw_cancel_delayed_work_sync);
}

static void flush_waits_for_the_function(struct kunit *test)
{
	expect_waits_for_the_function(test, htw_flush_delayed_work);
}

static void queue_again(struct work_struct *work)
{
	struct probe *probe = probe_of(work);

	record(work);
	if (probe->again && --probe->again)
		htw_schedule_delayed_work(&probe->dwork, probe->delay);
}

static void function_can_queue_its_work(struct kunit *test)
{
	static const s64 delays[] = { 0, 1000, 300000 };
	struct probe *probe;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(delays); i++) {
		probe = make_probe(test, queue_again);
		probe->again = 20;
		probe->delay = delays[i];
		htw_schedule_delayed_work(&probe->dwork, 0);
		for (j = 0; j < 20; j++)
			expect_completed(test, &probe->begun);
		KUNIT_EXPECT_FALSE(test,
				   htw_cancel_delayed_work_sync(&probe->dwork));
		KUNIT_EXPECT_EQ(test, runs(probe), 20);
	}
}

/* Queues its work only when somebody cancels it already. */
static void queue_when_cancelled(struct work_struct *work)
{
	struct probe *probe = probe_of(work);
	unsigned long end = jiffies + WAIT;

	record(work);
	while (!READ_ONCE(probe->dwork.disabled) && time_before(jiffies, end))
		usleep_range(500, 1000);
	probe->ok = !htw_schedule_delayed_work(&probe->dwork, probe->delay) &&
		    !htw_mod_delayed_work(system_wq, &probe->dwork,
					  probe->delay) &&
		    !htw_delayed_work_pending(&probe->dwork);
}

static void cancel_sync_refuses_what_the_function_queues(struct kunit *test)
{
	static const s64 delays[] = { 0, 1000, HOUR_NS };
	struct probe *probe;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(delays); i++) {
		probe = make_probe(test, queue_when_cancelled);
		probe->delay = delays[i];
		htw_schedule_delayed_work(&probe->dwork, TICK_NS);
		expect_completed(test, &probe->begun);
		KUNIT_EXPECT_FALSE(test,
				   htw_cancel_delayed_work_sync(&probe->dwork));
		KUNIT_EXPECT_TRUE(test, probe->ok);
		KUNIT_EXPECT_FALSE(test,
				   htw_delayed_work_pending(&probe->dwork));
		usleep_range(5000, 6000);
		KUNIT_EXPECT_EQ(test, runs(probe), 1);
	}
}

static void cancel_sync_ends_what_queues_itself(struct kunit *test)
{
	struct probe *probe = make_probe(test, queue_again);
	unsigned int i;
	int before;

	for (i = 0; i < 60; i++) {
		probe->again = UINT_MAX;
		probe->delay = i % 3 * 40000;
		reinit_completion(&probe->begun);
		KUNIT_EXPECT_TRUE(test, htw_schedule_delayed_work(&probe->dwork,
								  0));
		expect_completed(test, &probe->begun);
		htw_cancel_delayed_work_sync(&probe->dwork);
		before = runs(probe);
		KUNIT_EXPECT_FALSE(test,
				   htw_delayed_work_pending(&probe->dwork));
		usleep_range(300, 600);
		KUNIT_EXPECT_EQ(test, runs(probe), before);
	}
}

static void disabled_until_enabled_as_often(struct kunit *test)
{
	struct probe *probe = make_probe(test, record);

	htw_schedule_delayed_work(&probe->dwork, HOUR_NS);
	KUNIT_EXPECT_TRUE(test, htw_disable_delayed_work_sync(&probe->dwork));
	KUNIT_EXPECT_FALSE(test, htw_disable_delayed_work_sync(&probe->dwork));
	KUNIT_EXPECT_FALSE(test, htw_cancel_delayed_work_sync(&probe->dwork));
	KUNIT_EXPECT_FALSE(test, htw_cancel_delayed_work(&probe->dwork));
	KUNIT_EXPECT_FALSE(test, htw_schedule_delayed_work(&probe->dwork, 0));
	KUNIT_EXPECT_FALSE(test, htw_mod_delayed_work(system_wq, &probe->dwork,
						      0));
	KUNIT_EXPECT_FALSE(test, htw_delayed_work_pending(&probe->dwork));
	KUNIT_EXPECT_FALSE(test, htw_enable_delayed_work(&probe->dwork));
	KUNIT_EXPECT_FALSE(test, htw_schedule_delayed_work(&probe->dwork, 0));
	KUNIT_EXPECT_TRUE(test, htw_enable_delayed_work(&probe->dwork));
	KUNIT_EXPECT_EQ(test, runs(probe), 0);

	KUNIT_EXPECT_TRUE(test, htw_schedule_delayed_work(&probe->dwork, 0));
	expect_completed(test, &probe->begun);
	htw_cancel_delayed_work_sync(&probe->dwork);
	KUNIT_EXPECT_EQ(test, runs(probe), 1);
}

static void flush_does_it_now(struct kunit *test)
{
	struct probe *probe = make_probe(test, record);

	KUNIT_EXPECT_FALSE(test, htw_flush_delayed_work(&probe->dwork));
	htw_schedule_delayed_work(&probe->dwork, HOUR_NS);
	KUNIT_EXPECT_TRUE(test, htw_flush_delayed_work(&probe->dwork));
	KUNIT_EXPECT_EQ(test, runs(probe), 1);
	KUNIT_EXPECT_FALSE(test, htw_delayed_work_pending(&probe->dwork));
	KUNIT_EXPECT_FALSE(test, htw_pending(&probe->dwork.timer));
	KUNIT_EXPECT_FALSE(test, htw_flush_delayed_work(&probe->dwork));
}

/* While one workqueue is held up, what another one was given runs. */
static void goes_to_the_workqueue_that_was_named(struct kunit *test)
{
	struct stopper *stopper = make_stopper(test);
	struct workqueue_struct *other = alloc_ordered_workqueue("htw_other", 0);
	struct probe *held = make_probe(test, record);
	struct probe *free = make_probe(test, record);

	KUNIT_ASSERT_NOT_NULL(test, other);
	htw_queue_delayed_work(stopper->wq, &held->dwork, TICK_NS);
	wait_until_queued(test, held);
	htw_queue_delayed_work(other, &free->dwork, TICK_NS);
	expect_completed(test, &free->begun);
	KUNIT_EXPECT_EQ(test, runs(held), 0);

	/* The last one to queue it names the workqueue. */
	KUNIT_EXPECT_TRUE(test, htw_mod_delayed_work(other, &held->dwork,
						     TICK_NS));
	expect_completed(test, &held->begun);
	destroy_stopper(stopper);
	destroy_workqueue(other);
	KUNIT_EXPECT_EQ(test, runs(held), 1);
}

static DECLARE_COMPLETION(static_ran);

static void static_function(struct work_struct *work)
{
	complete(&static_ran);
}

static DEFINE_HTW_DELAYED_WORK(static_dwork, static_function);

static void defined_ones_need_no_init(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, htw_delayed_work_pending(&static_dwork));
	KUNIT_EXPECT_FALSE(test, htw_cancel_delayed_work_sync(&static_dwork));
	KUNIT_EXPECT_FALSE(test, htw_flush_delayed_work(&static_dwork));
	KUNIT_EXPECT_TRUE(test, htw_schedule_delayed_work(&static_dwork, TICK_NS));
	expect_completed(test, &static_ran);
	KUNIT_EXPECT_TRUE(test, htw_schedule_delayed_work(&static_dwork, HOUR_NS));
	KUNIT_EXPECT_TRUE(test, htw_cancel_delayed_work_sync(&static_dwork));
}

static void one_on_the_stack(struct kunit *test)
{
	struct probe probe;

	memset(&probe, 0, sizeof(probe));
	init_completion(&probe.begun);
	INIT_HTW_DELAYED_WORK_ONSTACK(&probe.dwork, record);
	htw_schedule_delayed_work(&probe.dwork, TICK_NS);
	expect_completed(test, &probe.begun);
	htw_schedule_delayed_work(&probe.dwork, HOUR_NS);
	KUNIT_EXPECT_TRUE(test, htw_cancel_delayed_work_sync(&probe.dwork));
	htw_destroy_delayed_work_on_stack(&probe.dwork);
	KUNIT_EXPECT_EQ(test, runs(&probe), 1);
}

static atomic_t freed;

static void free_probe(struct work_struct *work)
{
	kfree(probe_of(work));
	atomic_inc(&freed);
}

/* KASAN would see who touches a work after queueing it. */
static void function_may_free_its_work(struct kunit *test)
{
	unsigned long end = jiffies + WAIT;
	struct probe *probe;
	unsigned int i;

	atomic_set(&freed, 0);
	for (i = 0; i < 300; i++) {
		probe = kmalloc(sizeof(*probe), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, probe);
		probe_init(probe, free_probe);
		htw_schedule_delayed_work(&probe->dwork, i % 3 * 50000);
	}
	while (atomic_read(&freed) < 300) {
		KUNIT_ASSERT_TRUE(test, time_before(jiffies, end));
		usleep_range(500, 1000);
	}
}

/* As users do it: who queues has taken a reference for the function. */
struct counted {
	struct htw_delayed_work	dwork;
	refcount_t		refs;
};

static void put_counted(struct counted *counted)
{
	if (!refcount_dec_and_test(&counted->refs))
		return;
	kfree(counted);
	atomic_inc(&freed);
}

static void counted_function(struct work_struct *work)
{
	put_counted(container_of(to_htw_delayed_work(work), struct counted,
				 dwork));
}

static struct counted *queue_counted(struct kunit *test, s64 delay)
{
	struct counted *counted = kmalloc(sizeof(*counted), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, counted);
	refcount_set(&counted->refs, 2);
	INIT_HTW_DELAYED_WORK(&counted->dwork, counted_function);
	htw_schedule_delayed_work(&counted->dwork, delay);
	return counted;
}

/*
 * Around the expiry: cancelling either takes over the function's reference, or the
 * function has it. A doubled one is seen by KASAN, a lost one is never freed.
 */
static void cancel_against_expiry_has_one_outcome(struct kunit *test)
{
	const int nr = 600;
	unsigned long end = jiffies + WAIT;
	struct counted *counted;
	int i, cancelled = 0;

	atomic_set(&freed, 0);
	for (i = 0; i < nr; i++) {
		counted = queue_counted(test, 1LL << i % 28);
		/* Near by when it expires, or letting the function begin. */
		if (i % 4)
			udelay(i % 400);
		else
			usleep_range(i % 400, 600);
		if (htw_cancel_delayed_work(&counted->dwork)) {
			put_counted(counted);
			cancelled++;
		}
		put_counted(counted);
	}
	while (atomic_read(&freed) < nr) {
		KUNIT_ASSERT_TRUE(test, time_before(jiffies, end));
		usleep_range(500, 1000);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&freed), nr);
	KUNIT_EXPECT_GT(test, cancelled, 0);
	KUNIT_EXPECT_LT(test, cancelled, nr);
}

static void freed_right_after_cancel_sync(struct kunit *test)
{
	struct probe *probe;
	unsigned int i;

	for (i = 0; i < 200; i++) {
		probe = kmalloc(sizeof(*probe), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, probe);
		probe_init(probe, queue_again);
		probe->again = UINT_MAX;
		probe->delay = i % 2;
		htw_schedule_delayed_work(&probe->dwork, 1);
		udelay(i % 400);
		htw_cancel_delayed_work_sync(&probe->dwork);
		kfree(probe);
	}
}

/* Two threads, each on its CPU, that meet before every step. */
struct pair {
	atomic_t		arrived;
	atomic_t		accepted;
	struct probe		*probe;
	struct completion	done;
	struct task_struct	*task[2];
};

#define ROUNDS		150

static void meet(struct pair *pair, unsigned int round)
{
	atomic_inc(&pair->arrived);
	while (atomic_read(&pair->arrived) < 2 * (int)round)
		cond_resched();
}

/* The first one sees to it that the work has run before the next round. */
static int queue_at_once(void *arg)
{
	struct pair *pair = arg;
	bool first = current == pair->task[0];
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		meet(pair, 2 * i + 1);
		if (htw_schedule_delayed_work(&pair->probe->dwork,
					      i % 2 * NSEC_PER_MSEC))
			atomic_inc(&pair->accepted);
		meet(pair, 2 * i + 2);
		if (first)
			htw_flush_delayed_work(&pair->probe->dwork);
	}
	complete(&pair->done);
	return 0;
}

/* A CPU that is not CPU 0: the suite says nothing without a second one. */
static unsigned int other_cpu(struct kunit *test)
{
	unsigned int cpu = cpumask_next(0, cpu_online_mask);

	KUNIT_ASSERT_LT(test, cpu, nr_cpu_ids);
	return cpu;
}

static void two_cpus_queue_it_once(struct kunit *test)
{
	unsigned int i, cpu[2] = { 0, other_cpu(test) };
	struct pair *pair = kunit_kzalloc(test, sizeof(*pair), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pair);
	pair->probe = make_probe(test, record);
	init_completion(&pair->done);
	for (i = 0; i < 2; i++) {
		pair->task[i] = kthread_create_on_cpu(queue_at_once, pair,
						      cpu[i], "htw_test/%u");
		KUNIT_ASSERT_FALSE(test, IS_ERR(pair->task[i]));
	}
	for (i = 0; i < 2; i++)
		wake_up_process(pair->task[i]);
	for (i = 0; i < 2; i++)
		expect_completed(test, &pair->done);
	htw_flush_delayed_work(&pair->probe->dwork);
	/* Who comes when it has run already may be accepted too. */
	KUNIT_EXPECT_GE(test, atomic_read(&pair->accepted), ROUNDS);
	KUNIT_EXPECT_EQ(test, runs(pair->probe), atomic_read(&pair->accepted));
}

static void runs_on_the_cpu_that_was_named(struct kunit *test)
{
	struct probe *probe = make_probe(test, record);
	unsigned int cpu[2] = { 0, other_cpu(test) };
	unsigned int i;

	for (i = 0; i < 8; i++) {
		htw_schedule_delayed_work_on(cpu[i % 2], &probe->dwork,
					     i / 2 % 2 * TICK_NS);
		expect_completed(test, &probe->begun);
		KUNIT_EXPECT_EQ(test, probe->cpu, cpu[i % 2]);
		htw_cancel_delayed_work_sync(&probe->dwork);
	}
	htw_mod_delayed_work_on(cpu[0], system_wq, &probe->dwork, HOUR_NS);
	htw_mod_delayed_work_on(cpu[1], system_wq, &probe->dwork, TICK_NS);
	expect_completed(test, &probe->begun);
	KUNIT_EXPECT_EQ(test, probe->cpu, cpu[1]);
	htw_cancel_delayed_work_sync(&probe->dwork);
}

/* All queueings that were accepted are counted, and all their ends. */
static struct {
	atomic_t	accepted;
	atomic_t	cancelled;
	atomic_t	run;
} ledger;

#define NR_SHARED	4

static struct htw_delayed_work shared[NR_SHARED];

static void shared_function(struct work_struct *work)
{
	atomic_inc(&ledger.run);
}

static s64 random_delay(u32 random)
{
	return random & 0x10000 ? 0 : (random >> 17) % 500000;
}

static void queue_shared(struct htw_delayed_work *dwork, u32 random)
{
	if (htw_schedule_delayed_work(dwork, random_delay(random)))
		atomic_inc(&ledger.accepted);
}

static void mod_shared(struct htw_delayed_work *dwork, u32 random)
{
	if (!htw_mod_delayed_work(system_wq, dwork, random_delay(random)))
		atomic_inc(&ledger.accepted);
}

static void cancel_shared(struct htw_delayed_work *dwork)
{
	if (htw_cancel_delayed_work(dwork))
		atomic_inc(&ledger.cancelled);
}

static void cancel_shared_sync(struct htw_delayed_work *dwork)
{
	if (htw_cancel_delayed_work_sync(dwork))
		atomic_inc(&ledger.cancelled);
}

/* What any context can do. */
static void step(u32 random)
{
	struct htw_delayed_work *dwork = &shared[random % NR_SHARED];

	switch (random >> 8 & 3) {
	case 0:
		cancel_shared(dwork);
		break;
	case 1:
		mod_shared(dwork, random);
		break;
	default:
		queue_shared(dwork, random);
	}
}

static void step_and_flush(u32 random)
{
	if (random >> 10 & 15)
		step(random);
	else
		htw_flush_delayed_work(&shared[random % NR_SHARED]);
}

/* Without mod: while others wait it may have been refused, and does not say. */
static void step_sync(u32 random)
{
	struct htw_delayed_work *dwork = &shared[random % NR_SHARED];

	if (random >> 8 & 3)
		queue_shared(dwork, random);
	else if (random >> 10 & 1)
		cancel_shared_sync(dwork);
	else
		cancel_shared(dwork);
}

struct stepper {
	void			(*step)(u32 random);
	struct rnd_state	rnd;
	unsigned int		left;
	struct hrtimer		hrtimer;
	struct completion	done;
};

static int stepper_thread(void *arg)
{
	struct stepper *stepper = arg;

	for (; stepper->left; stepper->left--) {
		stepper->step(prandom_u32_state(&stepper->rnd));
		cond_resched();
	}
	complete(&stepper->done);
	return 0;
}

static void start_stepper_thread(struct kunit *test, struct stepper *stepper,
				 unsigned int cpu)
{
	struct task_struct *task;

	task = kthread_create_on_cpu(stepper_thread, stepper, cpu,
				     "htw_test/%u");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wake_up_process(task);
}

static enum hrtimer_restart stepper_interrupt(struct hrtimer *hrtimer)
{
	struct stepper *stepper = container_of(hrtimer, struct stepper, hrtimer);

	if (!stepper->left) {
		complete(&stepper->done);
		return HRTIMER_NORESTART;
	}
	stepper->left--;
	stepper->step(prandom_u32_state(&stepper->rnd));
	hrtimer_forward_now(hrtimer, 50 * NSEC_PER_USEC);
	return HRTIMER_RESTART;
}

static void start_interrupts(struct stepper *stepper, enum hrtimer_mode mode)
{
	hrtimer_init(&stepper->hrtimer, CLOCK_MONOTONIC, mode);
	stepper->hrtimer.function = stepper_interrupt;
	hrtimer_start(&stepper->hrtimer, 0, mode);
}

static struct stepper *make_steppers(struct kunit *test, unsigned int nr,
				     unsigned int steps, void (*step)(u32))
{
	struct stepper *steppers = kunit_kcalloc(test, nr, sizeof(*steppers),
						 GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, steppers);
	for (i = 0; i < nr; i++) {
		steppers[i].step = step;
		steppers[i].left = steps;
		prandom_seed_state(&steppers[i].rnd, i + 1);
		init_completion(&steppers[i].done);
	}
	memset(&ledger, 0, sizeof(ledger));
	for (i = 0; i < NR_SHARED; i++)
		INIT_HTW_DELAYED_WORK(&shared[i], shared_function);
	return steppers;
}

static void expect_ledger_adds_up(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < NR_SHARED; i++)
		cancel_shared_sync(&shared[i]);
	KUNIT_EXPECT_GT(test, atomic_read(&ledger.run), 0);
	KUNIT_EXPECT_GT(test, atomic_read(&ledger.cancelled), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ledger.accepted),
			atomic_read(&ledger.run) +
			atomic_read(&ledger.cancelled));
}

static void all_contexts_at_once(struct kunit *test)
{
	struct stepper *s = make_steppers(test, 4, 2000, step_and_flush);
	unsigned int i;

	start_stepper_thread(test, &s[0], 0);
	start_stepper_thread(test, &s[1], other_cpu(test));
	s[2].step = step;
	start_interrupts(&s[2], HRTIMER_MODE_REL_HARD);
	s[3].step = step;
	start_interrupts(&s[3], HRTIMER_MODE_REL_SOFT);
	for (i = 0; i < 4; i++)
		expect_completed(test, &s[i].done);
	hrtimer_cancel(&s[2].hrtimer);
	hrtimer_cancel(&s[3].hrtimer);
	expect_ledger_adds_up(test);
}

static void cancel_sync_by_two_at_once(struct kunit *test)
{
	struct stepper *s = make_steppers(test, 2, 2000, step_sync);
	unsigned int i;

	start_stepper_thread(test, &s[0], 0);
	start_stepper_thread(test, &s[1], other_cpu(test));
	for (i = 0; i < 2; i++)
		expect_completed(test, &s[i].done);
	expect_ledger_adds_up(test);
}

static struct kunit_case work_cases[] = {
	KUNIT_CASE(never_early),
	KUNIT_CASE(runs_in_process_context),
	KUNIT_CASE(queueing_what_waits_is_refused),
	KUNIT_CASE(queueing_what_is_queued_is_refused),
	KUNIT_CASE(what_runs_can_be_queued),
	KUNIT_CASE(no_delay_needs_no_timer),
	KUNIT_CASE(longest_delay_does_not_wrap),
	KUNIT_CASE(slack_is_used),
	KUNIT_CASE(mod_of_an_idle_one_queues_it),
	KUNIT_CASE(mod_earlier_and_later),
	KUNIT_CASE(mod_takes_it_off_its_workqueue),
	KUNIT_CASE(cancel_while_it_waits),
	KUNIT_CASE(cancel_between_timer_and_function),
	KUNIT_CASE(cancel_while_it_runs),
	KUNIT_CASE(cancel_sync_waits_for_the_function),
	KUNIT_CASE(flush_waits_for_the_function),
	KUNIT_CASE(function_can_queue_its_work),
	KUNIT_CASE(cancel_sync_refuses_what_the_function_queues),
	KUNIT_CASE(cancel_sync_ends_what_queues_itself),
	KUNIT_CASE(disabled_until_enabled_as_often),
	KUNIT_CASE(flush_does_it_now),
	KUNIT_CASE(goes_to_the_workqueue_that_was_named),
	KUNIT_CASE(defined_ones_need_no_init),
	KUNIT_CASE(one_on_the_stack),
	KUNIT_CASE(function_may_free_its_work),
	KUNIT_CASE(cancel_against_expiry_has_one_outcome),
	KUNIT_CASE(freed_right_after_cancel_sync),
	{}
};

static struct kunit_case work_smp_cases[] = {
	KUNIT_CASE(two_cpus_queue_it_once),
	KUNIT_CASE(runs_on_the_cpu_that_was_named),
	KUNIT_CASE(all_contexts_at_once),
	KUNIT_CASE(cancel_sync_by_two_at_once),
	{}
};

static struct kunit_suite work_suite = {
	.name = "htw_work",
	.test_cases = work_cases,
};

static struct kunit_suite work_smp_suite = {
	.name = "htw_work_smp",
	.init = need_two_cpus,
	.test_cases = work_smp_cases,
};

kunit_test_suites(&work_suite, &work_smp_suite);
