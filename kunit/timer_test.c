// SPDX-License-Identifier: GPL-2.0
/*
 * Timers of modules, on the real clock and all CPUs.
 *
 * A slow machine may make any of this late, so lateness is never judged: what is,
 * is that nothing is early, lost or doubled, and who waits for whom. WAIT is only
 * there to end a test that hangs.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/htw.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "base.h"
#include "probe.h"

static void never_early(struct kunit *test)
{
	const unsigned int nr = 200;
	struct probe *probes = make_probes(test, nr, probe_fired);
	u64 now = ktime_get();
	unsigned int i;

	for (i = 0; i < nr; i++)
		htw_schedule_at(&probes[i].timer, now + i * i * 777);
	for (i = 0; i < nr; i++) {
		expect_done(test, &probes[i]);
		KUNIT_EXPECT_GE(test, probes[i].fired_ns, now + i * i * 777);
		KUNIT_EXPECT_EQ(test, atomic_read(&probes[i].fired), 1);
		KUNIT_EXPECT_FALSE(test, htw_pending(&probes[i].timer));
	}
}

static void zero_and_negative_delays_fire(struct kunit *test)
{
	static const s64 delays[] = { 0, -1, -1000000000, S64_MIN };
	struct probe *probe = make_probe(test, probe_fired);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(delays); i++) {
		KUNIT_EXPECT_EQ(test, htw_schedule(&probe->timer, delays[i]), 0);
		expect_done(test, probe);
	}
	for (i = 0; i < ARRAY_SIZE(delays); i++) {
		KUNIT_EXPECT_EQ(test, htw_schedule_at(&probe->timer, delays[i]),
				0);
		expect_done(test, probe);
	}
}

static void longest_delays_do_not_wrap(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);

	KUNIT_EXPECT_EQ(test, htw_schedule(&probe->timer, S64_MAX), 0);
	KUNIT_EXPECT_EQ(test, htw_expires(&probe->timer), KTIME_MAX);
	KUNIT_EXPECT_EQ(test, htw_schedule_at(&probe->timer, KTIME_MAX), 1);
	KUNIT_EXPECT_EQ(test, htw_schedule_range(&probe->timer, KTIME_MAX,
						 U64_MAX, 0), 1);
	KUNIT_EXPECT_GT(test, htw_remaining(&probe->timer), S64_MAX / 2);
	give_it_time();
	KUNIT_EXPECT_TRUE(test, htw_pending(&probe->timer));
	KUNIT_EXPECT_EQ(test, htw_cancel(&probe->timer), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&probe->fired), 0);
}

static void order_is_by_tick(struct kunit *test)
{
	const unsigned int nr = 64;
	struct probe *probes = make_probes(test, nr, probe_fired);
	unsigned int i, j;
	u64 now;

	/* All on one base, in an order that is not theirs. */
	migrate_disable();
	now = ktime_get() + 5 * NSEC_PER_MSEC;
	for (i = 0; i < nr; i++)
		htw_schedule_at(&probes[i].timer,
				now + (i * 37 % nr) * 50 * NSEC_PER_USEC);
	migrate_enable();
	for (i = 0; i < nr; i++)
		expect_done(test, &probes[i]);
	for (i = 0; i < nr; i++)
		for (j = 0; j < nr; j++)
			if (probes[i].fired_tick < probes[j].fired_tick)
				KUNIT_EXPECT_LE(test, probes[i].fired_ns,
						probes[j].fired_ns);
}

static void rearm_later_and_earlier(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	u64 expires;

	KUNIT_EXPECT_EQ(test, htw_schedule(&probe->timer, HOUR_NS), 0);
	KUNIT_EXPECT_EQ(test, htw_schedule(&probe->timer, NSEC_PER_MSEC), 1);
	expect_done(test, probe);

	/* It can't fire in between, however long that takes. */
	local_irq_disable();
	expires = ktime_get() + 30 * NSEC_PER_MSEC;
	htw_schedule(&probe->timer, NSEC_PER_MSEC);
	htw_schedule_at(&probe->timer, expires);
	local_irq_enable();
	expect_done(test, probe);
	KUNIT_EXPECT_GE(test, probe->fired_ns, expires);
	KUNIT_EXPECT_EQ(test, atomic_read(&probe->fired), 2);
}

static void expires_and_remaining(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	u64 expires = ktime_get() + HOUR_NS;
	s64 remaining;

	KUNIT_EXPECT_FALSE(test, htw_pending(&probe->timer));
	KUNIT_EXPECT_EQ(test, htw_expires(&probe->timer), 0LL);
	KUNIT_EXPECT_EQ(test, htw_remaining(&probe->timer), 0LL);

	htw_schedule_at(&probe->timer, expires);
	KUNIT_EXPECT_TRUE(test, htw_pending(&probe->timer));
	KUNIT_EXPECT_EQ(test, (u64)htw_expires(&probe->timer), expires);
	remaining = htw_remaining(&probe->timer);
	KUNIT_EXPECT_GT(test, remaining, 0LL);
	KUNIT_EXPECT_LE(test, remaining, (s64)HOUR_NS);

	/* A push is seen too. */
	htw_schedule_at(&probe->timer, expires + 1);
	KUNIT_EXPECT_EQ(test, (u64)htw_expires(&probe->timer), expires + 1);
	htw_cancel(&probe->timer);
	KUNIT_EXPECT_EQ(test, htw_remaining(&probe->timer), 0LL);
}

static void cancel_tells_once(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	int first, second;

	KUNIT_EXPECT_EQ(test, htw_cancel(&probe->timer), 0);
	/* It can't fire in between, however long that takes. */
	local_irq_disable();
	htw_schedule(&probe->timer, 2 * NSEC_PER_MSEC);
	first = htw_cancel(&probe->timer);
	second = htw_cancel(&probe->timer);
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, first, 1);
	KUNIT_EXPECT_EQ(test, second, 0);
	KUNIT_EXPECT_EQ(test, htw_cancel_sync(&probe->timer), 0);
	give_it_time();
	KUNIT_EXPECT_EQ(test, atomic_read(&probe->fired), 0);

	htw_schedule(&probe->timer, 0);
	expect_done(test, probe);
	KUNIT_EXPECT_EQ(test, htw_cancel(&probe->timer), 0);
	htw_schedule(&probe->timer, HOUR_NS);
	KUNIT_EXPECT_EQ(test, htw_cancel_sync(&probe->timer), 1);
}

static void unknown_flags_are_refused(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	u64 expires = ktime_get() + HOUR_NS;
	unsigned int bit;

	htw_schedule_at(&probe->timer, expires);
	for (bit = 0; bit < 32; bit++) {
		if (BIT(bit) & (HTW_DEADLINE | HTW_COARSE))
			continue;
		KUNIT_EXPECT_EQ(test, htw_schedule_range(&probe->timer, 0, 0,
							 BIT(bit)), -EINVAL);
	}
	/* Nothing has changed. */
	KUNIT_EXPECT_EQ(test, (u64)htw_expires(&probe->timer), expires);
	KUNIT_EXPECT_EQ(test, htw_cancel(&probe->timer), 1);
	KUNIT_EXPECT_EQ(test, htw_schedule_range(&probe->timer, 0, 0,
						 HTW_PINNED), -EINVAL);
	KUNIT_EXPECT_FALSE(test, htw_pending(&probe->timer));
}

static void rearming(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	if (atomic_inc_return(&probe->fired) == probe->rearm) {
		probe->fired_ns = ktime_get();
		complete(&probe->done);
		return;
	}
	probe->ret |= htw_schedule_at(timer, htw_expires(timer) + NSEC_PER_MSEC);
}

static void callback_may_rearm(struct kunit *test)
{
	struct probe *probe = make_probe(test, rearming);
	u64 now = ktime_get();

	probe->rearm = 10;
	htw_schedule_at(&probe->timer, now);
	expect_done(test, probe);
	/* A period that does not drift: the tenth is nine periods on. */
	KUNIT_EXPECT_EQ(test, (u64)htw_expires(&probe->timer),
			now + 9 * NSEC_PER_MSEC);
	KUNIT_EXPECT_GE(test, probe->fired_ns, now + 9 * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, probe->ret, 0);
	KUNIT_EXPECT_EQ(test, htw_shutdown_sync(&probe->timer), 0);
}

static void cancelling(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	atomic_inc(&probe->fired);
	htw_schedule(timer, 0);
	probe->ret = htw_cancel(timer);
	complete(&probe->done);
}

static void callback_may_cancel(struct kunit *test)
{
	struct probe *probe = make_probe(test, cancelling);

	htw_schedule(&probe->timer, 0);
	expect_done(test, probe);
	give_it_time();
	KUNIT_EXPECT_EQ(test, probe->ret, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&probe->fired), 1);
}

static DECLARE_COMPLETION(freed);

static void freeing(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	kfree(probe);
	complete(&freed);
}

static void callback_may_free(struct kunit *test)
{
	struct probe *probe;
	unsigned int i;

	/* Many, so that KASAN or the next user of the memory would notice. */
	for (i = 0; i < 100; i++) {
		probe = kmalloc(sizeof(*probe), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, probe);
		probe_init(probe, freeing);
		htw_schedule(&probe->timer, 0);
	}
	for (i = 0; i < 100; i++)
		KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&freed, WAIT),
				0UL);
}

static void sync_cancelling(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	htw_schedule(timer, HOUR_NS);
	probe->ret = htw_cancel_sync(timer);
	complete(&probe->done);
}

static void cancel_sync_of_oneself_is_edeadlk(struct kunit *test)
{
	struct probe *probe = make_probe(test, sync_cancelling);

	htw_schedule(&probe->timer, 0);
	expect_done(test, probe);
	KUNIT_EXPECT_EQ(test, probe->ret, -EDEADLK);
	KUNIT_EXPECT_FALSE(test, htw_pending(&probe->timer));
	htw_cancel_sync(&probe->timer);
}

static void shutting_down(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	probe->ret = htw_shutdown_sync(timer);
	if (htw_schedule(timer, 0) != -ESHUTDOWN)
		probe->ret = -EINVAL;
	complete(&probe->done);
}

static void shutdown_of_oneself_takes_effect(struct kunit *test)
{
	struct probe *probe = make_probe(test, shutting_down);

	htw_schedule(&probe->timer, 0);
	expect_done(test, probe);
	KUNIT_EXPECT_EQ(test, probe->ret, -EDEADLK);
	KUNIT_EXPECT_EQ(test, htw_schedule(&probe->timer, 0), -ESHUTDOWN);
	htw_shutdown_sync(&probe->timer);
}

static void shutdown_refuses_arming(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);

	htw_schedule(&probe->timer, HOUR_NS);
	KUNIT_EXPECT_EQ(test, htw_shutdown_sync(&probe->timer), 1);
	KUNIT_EXPECT_EQ(test, htw_shutdown_sync(&probe->timer), 0);
	KUNIT_EXPECT_EQ(test, htw_schedule(&probe->timer, 0), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, htw_schedule_at(&probe->timer, 0), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, htw_schedule_range(&probe->timer, 0, 0, 0),
			-ESHUTDOWN);
	KUNIT_EXPECT_FALSE(test, htw_pending(&probe->timer));
	give_it_time();
	KUNIT_EXPECT_EQ(test, atomic_read(&probe->fired), 0);

	htw_timer_setup(&probe->timer, probe_fired, 0);
	KUNIT_EXPECT_EQ(test, htw_schedule(&probe->timer, 0), 0);
	expect_done(test, probe);
}

static void let_go(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	WRITE_ONCE(probe->peer->go, true);
}

/*
 * @sync must wait for a callback on another CPU. A third timer, on this CPU, lets
 * that callback end while we wait, so the wait is never over before it has begun.
 */
static void expect_sync_waits(struct kunit *test,
			      int (*sync)(struct htw_timer *timer))
{
	struct probe *probe = make_probe(test, slow);
	struct probe *opener = make_probe(test, let_go);
	unsigned int cpu = other_cpu(test);

	set_cpus_allowed_ptr(current, cpumask_of(0));
	opener->peer = probe;
	/* Also if that CPU is isolated. */
	htw_schedule_on(&probe->timer, 0, cpu);
	expect_done(test, probe);

	htw_schedule(&opener->timer, 5 * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, sync(&probe->timer), 0);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(probe->ended));
	htw_shutdown_sync(&opener->timer);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static void slow_to_end(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	complete(&probe->done);
	while (!READ_ONCE(probe->go))
		cpu_relax();
	mdelay(2);
	WRITE_ONCE(probe->ended, true);
}

static void wait_for_peer(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	WRITE_ONCE(probe->peer->go, true);
	probe->ret = htw_cancel_sync(&probe->peer->timer);
	probe->ended = READ_ONCE(probe->peer->ended);
	complete(&probe->done);
}

/* On PREEMPT_RT that takes a lock of each of the two bases, one within the other. */
static void callback_waits_for_one_of_another_cpu(struct kunit *test)
{
	struct probe *waiter = make_probe(test, wait_for_peer);
	struct probe *probe = make_probe(test, slow_to_end);
	unsigned int cpu = other_cpu(test);

	/* That one's callback leaves its CPU to nobody until ours has begun. */
	set_cpus_allowed_ptr(current, cpumask_of(0));
	/* A kind of its own for lockdep: two of one kind could wait for each other. */
	htw_timer_setup(&waiter->timer, wait_for_peer, 0);
	waiter->peer = probe;
	htw_schedule_on(&probe->timer, 0, cpu);
	expect_done(test, probe);
	htw_schedule_on(&waiter->timer, 0, 0);
	expect_done(test, waiter);
	KUNIT_EXPECT_EQ(test, waiter->ret, 0);
	KUNIT_EXPECT_TRUE(test, waiter->ended);
	htw_shutdown_sync(&waiter->timer);
	htw_shutdown_sync(&probe->timer);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static void cancel_sync_waits_for_the_callback(struct kunit *test)
{
	expect_sync_waits(test, htw_cancel_sync);
}

static void shutdown_sync_waits_for_the_callback(struct kunit *test)
{
	expect_sync_waits(test, htw_shutdown_sync);
}

static void rearming_forever(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	atomic_inc(&probe->fired);
	complete(&probe->done);
	htw_schedule(timer, 0);
}

static void cancel_sync_ends_a_self_rearming_timer(struct kunit *test)
{
	struct probe *probe = make_probe(test, rearming_forever);
	unsigned int i;
	int fired;

	for (i = 0; i < 50; i++) {
		arm_on(i % 2 ? other_cpu(test) : 0, &probe->timer, 0);
		expect_done(test, probe);
		htw_cancel_sync(&probe->timer);
		fired = atomic_read(&probe->fired);
		KUNIT_EXPECT_FALSE(test, htw_pending(&probe->timer));
		usleep_range(300, 600);
		KUNIT_EXPECT_EQ(test, atomic_read(&probe->fired), fired);
		reinit_completion(&probe->done);
	}
}

static void slack_coalesces(struct kunit *test)
{
	const unsigned int nr = 50;
	struct probe *probes = make_probes(test, nr, probe_fired);
	u64 base = ktime_get() + 20 * NSEC_PER_MSEC;
	unsigned int i, ticks = 0;

	for (i = 0; i < nr; i++)
		htw_schedule_range(&probes[i].timer,
				   base + i * 200 * NSEC_PER_USEC,
				   100 * NSEC_PER_MSEC, 0);
	for (i = 0; i < nr; i++) {
		expect_done(test, &probes[i]);
		KUNIT_EXPECT_GE(test, probes[i].fired_ns,
				base + i * 200 * NSEC_PER_USEC);
		ticks += !i || probes[i].fired_tick != probes[i - 1].fired_tick;
	}
	/* Without slack they have a tick each. */
	KUNIT_EXPECT_LE(test, ticks, 3U);
}

static void slack_too_small_for_a_tick(struct kunit *test)
{
	u64 tick = 1ULL << htw_base_geometry()->tick_shift;
	struct probe *probe = make_probe(test, probe_fired);
	u64 expires = (ktime_get() / tick + 1000) * tick + 1;

	htw_schedule_range(&probe->timer, expires, 5, 0);
	KUNIT_EXPECT_EQ(test, probe->timer.node.tick, expires / tick + 1);
	htw_cancel(&probe->timer);
}

static void arming_earlier_moves_it_here(struct kunit *test)
{
	struct probe *probe = make_probe(test, probe_fired);
	unsigned int cpu = other_cpu(test);

	KUNIT_EXPECT_EQ(test, arm_on(0, &probe->timer, HOUR_NS), 0);
	KUNIT_EXPECT_EQ(test, cpu_of(&probe->timer), 0U);
	KUNIT_EXPECT_EQ(test, arm_on(cpu, &probe->timer, HOUR_NS / 2), 1);
	KUNIT_EXPECT_EQ(test, cpu_of(&probe->timer), cpu);
	KUNIT_EXPECT_TRUE(test, htw_pending(&probe->timer));

	/* Pushed later it stays where it is: one store, no second lock. */
	KUNIT_EXPECT_EQ(test, arm_on(0, &probe->timer, HOUR_NS), 1);
	KUNIT_EXPECT_EQ(test, cpu_of(&probe->timer), cpu);
	KUNIT_EXPECT_EQ(test, htw_cancel(&probe->timer), 1);
}

static void lone_timer_costs_one_interrupt(struct kunit *test)
{
	static const u64 delays[] = { 200 * NSEC_PER_USEC, 5 * NSEC_PER_MSEC,
				      70 * NSEC_PER_MSEC, 1500 * NSEC_PER_MSEC };
	struct probe *probe = make_probe(test, probe_fired);
	unsigned long before;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(delays); i++) {
		give_it_time();
		before = interrupts_of(0);
		arm_on(0, &probe->timer, delays[i]);
		expect_done(test, probe);
		give_it_time();
		KUNIT_EXPECT_EQ(test, interrupts_of(0), before + 1);
	}
}

static void idle_wheel_programs_nothing(struct kunit *test)
{
	unsigned long before;

	give_it_time();
	before = interrupts_of(0);
	msleep(100);
	KUNIT_EXPECT_EQ(test, interrupts_of(0), before);
}

/* What cancels and pushes leave behind is one interrupt that finds nothing. */
static void cancel_and_push_program_nothing(struct kunit *test)
{
	const unsigned int nr = 20;
	struct probe *probes = make_probes(test, nr, probe_fired);
	unsigned long before;
	unsigned int i;

	give_it_time();
	before = interrupts_of(0);
	for (i = 0; i < nr; i++)
		arm_on(0, &probes[i].timer,
		       (180 + i) * (s64)NSEC_PER_MSEC);
	for (i = 0; i < nr; i++)
		if (i % 2)
			htw_cancel(&probes[i].timer);
		else
			htw_schedule(&probes[i].timer, HOUR_NS);
	msleep(300);
	KUNIT_EXPECT_LE(test, interrupts_of(0), before + 1);
	for (i = 0; i < nr; i++) {
		htw_cancel(&probes[i].timer);
		KUNIT_EXPECT_EQ(test, atomic_read(&probes[i].fired), 0);
	}
}

static atomic_t in_flight;

static void count_pass(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	probe->fired_ns = interrupts_of(cpu_of(timer));
	if (atomic_dec_and_test(&in_flight))
		complete(&freed);
}

static void a_pass_is_bounded(struct kunit *test)
{
	const unsigned int nr = 10000;
	unsigned int i, run = 0, longest = 0;
	struct probe *probes;
	u64 expires;

	probes = kvcalloc(nr, sizeof(*probes), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, probes);
	for (i = 0; i < nr; i++)
		probe_init(&probes[i], count_pass);
	atomic_set(&in_flight, nr);
	reinit_completion(&freed);

	/* All due in one tick of one base. */
	migrate_disable();
	expires = ktime_get() + 300 * NSEC_PER_MSEC;
	for (i = 0; i < nr; i++)
		htw_schedule_at(&probes[i].timer, expires);
	migrate_enable();
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&freed, WAIT), 0UL);

	for (i = 0; i < nr; i++) {
		htw_shutdown_sync(&probes[i].timer);
		if (i && probes[i].fired_ns != probes[i - 1].fired_ns)
			run = 0;
		longest = max(longest, ++run);
	}
	KUNIT_EXPECT_LE(test, longest, (unsigned int)HTW_PASS_CALLBACKS);
	kvfree(probes);
}

/* All armings are counted, and all their ends: see all_contexts_at_once(). */
static struct {
	atomic_t	armed;
	atomic_t	replaced;
	atomic_t	cancelled;
	atomic_t	fired;
} ledger;

#define NR_SHARED	8

static struct htw_timer shared[NR_SHARED];

static void shared_fired(struct htw_timer *timer)
{
	atomic_inc(&ledger.fired);
}

static void step_ledger(u32 random)
{
	struct htw_timer *timer = &shared[random % NR_SHARED];

	if (random & 0x100) {
		atomic_add(htw_cancel(timer), &ledger.cancelled);
	} else {
		int ret = htw_schedule(timer, (random >> 9) % 1000000);

		atomic_inc(&ledger.armed);
		atomic_add(ret, &ledger.replaced);
	}
}

struct stepper {
	struct hrtimer		hrtimer;
	struct rnd_state	rnd;
	unsigned int		left;
	struct completion	done;
};

static enum hrtimer_restart stepper_interrupt(struct hrtimer *hrtimer)
{
	struct stepper *stepper = container_of(hrtimer, struct stepper, hrtimer);

	step_ledger(prandom_u32_state(&stepper->rnd));
	if (!--stepper->left) {
		complete(&stepper->done);
		return HRTIMER_NORESTART;
	}
	hrtimer_forward_now(hrtimer, 50 * NSEC_PER_USEC);
	return HRTIMER_RESTART;
}

static void stepper_start(struct stepper *stepper, enum hrtimer_mode mode)
{
	prandom_seed_state(&stepper->rnd, 7 + mode);
	stepper->left = 2000;
	init_completion(&stepper->done);
	hrtimer_init(&stepper->hrtimer, CLOCK_MONOTONIC, mode);
	stepper->hrtimer.function = stepper_interrupt;
	hrtimer_start(&stepper->hrtimer, 0, mode);
}

static int stepper_thread(void *arg)
{
	struct stepper *stepper = arg;
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		step_ledger(prandom_u32_state(&stepper->rnd));
		if (i % 100 == 0)
			cond_resched();
	}
	complete(&stepper->done);
	return 0;
}

/*
 * Tasks on two CPUs, a soft and a hard interrupt arm and cancel the same timers.
 * Each arming ends exactly once: expired, cancelled or replaced.
 */
static void all_contexts_at_once(struct kunit *test)
{
	struct stepper *s;
	unsigned int i, cpu[2] = { 0, other_cpu(test) };
	struct task_struct *task;

	memset(&ledger, 0, sizeof(ledger));
	s = kunit_kcalloc(test, 4, sizeof(*s), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s);
	for (i = 0; i < NR_SHARED; i++)
		htw_timer_setup(&shared[i], shared_fired, 0);

	for (i = 0; i < 2; i++) {
		prandom_seed_state(&s[i].rnd, 1 + i);
		init_completion(&s[i].done);
		task = kthread_create_on_cpu(stepper_thread, &s[i], cpu[i],
					     "htw_test/%u");
		KUNIT_ASSERT_FALSE(test, IS_ERR(task));
		wake_up_process(task);
	}
	stepper_start(&s[2], HRTIMER_MODE_REL_HARD);
	stepper_start(&s[3], HRTIMER_MODE_REL_SOFT);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&s[i].done,
								  WAIT), 0UL);
	hrtimer_cancel(&s[2].hrtimer);
	hrtimer_cancel(&s[3].hrtimer);
	for (i = 0; i < NR_SHARED; i++)
		atomic_add(htw_shutdown_sync(&shared[i]), &ledger.cancelled);

	KUNIT_EXPECT_GT(test, atomic_read(&ledger.fired), 0);
	KUNIT_EXPECT_GT(test, atomic_read(&ledger.cancelled), 0);
	KUNIT_EXPECT_GT(test, atomic_read(&ledger.replaced), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ledger.armed),
			atomic_read(&ledger.fired) +
			atomic_read(&ledger.cancelled) +
			atomic_read(&ledger.replaced));
}

#ifdef CONFIG_HOTPLUG_CPU
static void hotplug_keeps_timers(struct kunit *test)
{
	const unsigned int nr = 200;
	struct probe *probes = make_probes(test, nr + 1, probe_fired);
	unsigned int cpu = other_cpu(test);
	unsigned int i;

	for (i = 0; i < nr; i++)
		arm_on(cpu, &probes[i].timer, i * 500 * NSEC_PER_USEC);
	arm_on(cpu, &probes[nr].timer, HOUR_NS);
	KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
	for (i = 0; i < nr; i++) {
		expect_done(test, &probes[i]);
		KUNIT_EXPECT_GE(test, (s64)probes[i].fired_ns,
				htw_expires(&probes[i].timer));
		KUNIT_EXPECT_EQ(test, atomic_read(&probes[i].fired), 1);
	}
	KUNIT_EXPECT_TRUE(test, htw_pending(&probes[nr].timer));
	KUNIT_EXPECT_NE(test, cpu_of(&probes[nr].timer), cpu);
	KUNIT_EXPECT_EQ(test, htw_base_of_cpu(cpu)->wheel->nr_pending, 0ULL);
	KUNIT_ASSERT_EQ(test, add_cpu(cpu), 0);

	/* And the CPU takes timers again. */
	KUNIT_EXPECT_EQ(test, arm_on(cpu, &probes[0].timer, 0), 0);
	expect_done(test, &probes[0]);
	KUNIT_EXPECT_EQ(test, cpu_of(&probes[0].timer), cpu);
	KUNIT_EXPECT_EQ(test, htw_cancel_sync(&probes[nr].timer), 1);
}
#endif

static struct kunit_case timer_cases[] = {
	KUNIT_CASE(never_early),
	KUNIT_CASE(zero_and_negative_delays_fire),
	KUNIT_CASE(longest_delays_do_not_wrap),
	KUNIT_CASE(order_is_by_tick),
	KUNIT_CASE(rearm_later_and_earlier),
	KUNIT_CASE(expires_and_remaining),
	KUNIT_CASE(cancel_tells_once),
	KUNIT_CASE(unknown_flags_are_refused),
	KUNIT_CASE(callback_may_rearm),
	KUNIT_CASE(callback_may_cancel),
	KUNIT_CASE(callback_may_free),
	KUNIT_CASE(cancel_sync_of_oneself_is_edeadlk),
	KUNIT_CASE(shutdown_of_oneself_takes_effect),
	KUNIT_CASE(shutdown_refuses_arming),
	KUNIT_CASE(cancel_sync_waits_for_the_callback),
	KUNIT_CASE(shutdown_sync_waits_for_the_callback),
	KUNIT_CASE(callback_waits_for_one_of_another_cpu),
	KUNIT_CASE(cancel_sync_ends_a_self_rearming_timer),
	KUNIT_CASE(slack_coalesces),
	KUNIT_CASE(slack_too_small_for_a_tick),
	KUNIT_CASE(arming_earlier_moves_it_here),
	KUNIT_CASE(lone_timer_costs_one_interrupt),
	KUNIT_CASE(idle_wheel_programs_nothing),
	KUNIT_CASE(cancel_and_push_program_nothing),
	KUNIT_CASE(a_pass_is_bounded),
	KUNIT_CASE(all_contexts_at_once),
#ifdef CONFIG_HOTPLUG_CPU
	KUNIT_CASE(hotplug_keeps_timers),
#endif
	{}
};

static struct kunit_suite timer_suite = {
	.name = "htw_timer",
	.test_cases = timer_cases,
};

kunit_test_suite(timer_suite);
