// SPDX-License-Identifier: GPL-2.0
/*
 * The actors: threads, which wander from CPU to CPU, and on each CPU two interrupts that
 * come all the time, a hard one and one in softirq context.
 */
#include "actor.h"

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/htw_sleep.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "errand.h"
#include "grave.h"
#include "mayfly.h"
#include "subject.h"
#include "tally.h"

/**
 * struct thread - an actor that is a task
 * @actor: the actor
 * @rnd: its numbers
 * @task: the task
 */
struct thread {
	struct actor		actor;
	struct rnd_state	rnd;
	struct task_struct	*task;
};

/**
 * struct interrupt - an actor that is an hrtimer
 * @actor: the actor
 * @rnd: its numbers
 * @hrtimer: the hrtimer
 */
struct interrupt {
	struct actor		actor;
	struct rnd_state	rnd;
	struct hrtimer		hrtimer;
};

/* Of a CPU: a hard one and a soft one. */
struct interrupts {
	struct interrupt	hard;
	struct interrupt	soft;
};

static struct thread *threads;
static struct interrupts *interrupts;
static struct task_struct *keeper;
static bool stopping;

static void wander(struct rnd_state *rnd)
{
	unsigned int cpu = cpumask_next((int)draw(rnd, nr_cpu_ids) - 1,
					cpu_online_mask);

	/* Which may be gone by now: then we stay where we are. */
	if (cpu < nr_cpu_ids)
		set_cpus_allowed_ptr(current, cpumask_of(cpu));
}

/* As a sleep does that ends not before its time. */
static void rest(struct rnd_state *rnd)
{
	u64 delay = draw(rnd, 4 * NSEC_PER_MSEC);
	u64 start = ktime_get();
	u64 now;

	if (htw_sleep(delay))
		tally_wrong(WRONG_ANSWER, current, delay, 0, 0);
	now = ktime_get();
	if (now < start + delay)
		tally_wrong(WRONG_EARLY, current, now, start + delay, 0);
	tally(TALLY_SLEPT);
}

static void act(struct thread *thread)
{
	unsigned int i;

	for (i = 0; i < 32; i++)
		subjects_act(&thread->actor);
	errands_act(&thread->actor);
	mayfly_hatch(&thread->actor);
	if (!draw(&thread->rnd, 16))
		wander(&thread->rnd);
	rest(&thread->rnd);
}

static int actor_thread(void *arg)
{
	while (!kthread_should_stop())
		act(arg);
	return 0;
}

/* If the machine stands still, then for hrtimers as well. */
static void compare(struct hrtimer *hrtimer)
{
	s64 late = ktime_sub(ktime_get(), hrtimer_get_expires(hrtimer));

	if (late > 0)
		tally_peer_late(late);
}

static enum hrtimer_restart interrupt(struct hrtimer *hrtimer)
{
	struct interrupt *irq = container_of(hrtimer, struct interrupt, hrtimer);

	compare(hrtimer);
	subjects_act(&irq->actor);
	if (!draw(&irq->rnd, 8))
		errands_act(&irq->actor);
	if (!draw(&irq->rnd, 8))
		mayfly_hatch(&irq->actor);
	if (READ_ONCE(stopping))
		return HRTIMER_NORESTART;
	hrtimer_forward_now(hrtimer, 50 * NSEC_PER_USEC +
				     draw(&irq->rnd, 2 * NSEC_PER_MSEC));
	return HRTIMER_RESTART;
}

/* Lets some subjects go, all the time, and watches over the dead. */
static int keeper_thread(void *unused)
{
	struct rnd_state rnd;

	draw_init(&rnd, 5ULL << 32);
	while (!kthread_should_stop()) {
		subjects_renew(&rnd);
		rest(&rnd);
		grave_open_all();
	}
	return 0;
}

static int launch_thread(struct thread *thread, unsigned int nr)
{
	draw_init(&thread->rnd, (6ULL << 32) + nr);
	thread->actor.place = PLACE_TASK;
	thread->actor.rnd = &thread->rnd;
	thread->actor.room = room_alloc();
	if (!thread->actor.room)
		return -ENOMEM;
	thread->task = kthread_run(actor_thread, thread, "htw_torture/%u", nr);
	return PTR_ERR_OR_ZERO(thread->task);
}

static int init_interrupt(struct interrupt *irq, unsigned int cpu,
			  enum place place, enum hrtimer_mode mode)
{
	draw_init(&irq->rnd, (7ULL << 32) + 2 * cpu + (place == PLACE_HARDIRQ));
	irq->actor.place = place;
	irq->actor.rnd = &irq->rnd;
	irq->actor.room = room_alloc();
	if (!irq->actor.room)
		return -ENOMEM;
	hrtimer_init(&irq->hrtimer, CLOCK_MONOTONIC, mode);
	irq->hrtimer.function = interrupt;
	return 0;
}

static int init_interrupts(struct interrupts *both, unsigned int cpu)
{
	return init_interrupt(&both->hard, cpu, PLACE_HARDIRQ,
			      HRTIMER_MODE_REL_PINNED_HARD) ?:
	       init_interrupt(&both->soft, cpu, PLACE_SOFTIRQ,
			      HRTIMER_MODE_REL_PINNED_SOFT);
}

static void start_interrupts(void *arg)
{
	struct interrupts *both = arg;

	hrtimer_start(&both->hard.hrtimer, NSEC_PER_MSEC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&both->soft.hrtimer, NSEC_PER_MSEC,
		      HRTIMER_MODE_REL_PINNED_SOFT);
}

/**
 * actors_come() - a CPU has come: let there be interrupts again
 * @cpu: the CPU
 *
 * When it went its interrupts went to another one. They are stopped there first: one that
 * runs would not like to be started meanwhile.
 *
 * Context: Task.
 */
void actors_come(unsigned int cpu)
{
	hrtimer_cancel(&interrupts[cpu].hard.hrtimer);
	hrtimer_cancel(&interrupts[cpu].soft.hrtimer);
	smp_call_function_single(cpu, start_interrupts, &interrupts[cpu], 1);
}

static int start_threads(void)
{
	unsigned int i;
	int ret = 0;

	threads = kcalloc(torture.nr_threads, sizeof(*threads), GFP_KERNEL);
	if (!threads)
		return -ENOMEM;
	for (i = 0; !ret && i < torture.nr_threads; i++)
		ret = launch_thread(&threads[i], i);
	if (ret)
		return ret;
	keeper = kthread_run(keeper_thread, NULL, "htw_torture/keeper");
	return PTR_ERR_OR_ZERO(keeper);
}

/**
 * actors_start() - let them begin
 *
 * Return: 0 or an errno; actors_stop() has to be called all the same.
 */
int actors_start(void)
{
	unsigned int cpu;
	int ret = 0;

	interrupts = kcalloc(nr_cpu_ids, sizeof(*interrupts), GFP_KERNEL);
	if (!interrupts)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		ret = ret ?: init_interrupts(&interrupts[cpu], cpu);
	ret = ret ?: start_threads();
	if (ret)
		return ret;
	cpus_read_lock();
	for_each_online_cpu(cpu)
		actors_come(cpu);
	cpus_read_unlock();
	return 0;
}

static void stop_threads(void)
{
	unsigned int i;

	if (!IS_ERR_OR_NULL(keeper))
		kthread_stop(keeper);
	for (i = 0; threads && i < torture.nr_threads; i++) {
		if (!IS_ERR_OR_NULL(threads[i].task))
			kthread_stop(threads[i].task);
		kfree(threads[i].actor.room);
	}
	kfree(threads);
}

static void stop_interrupt(struct interrupt *irq)
{
	if (irq->hrtimer.function)
		hrtimer_cancel(&irq->hrtimer);
	kfree(irq->actor.room);
}

/**
 * actors_stop() - end all of them
 *
 * Context: Task, when no CPU goes or comes any more.
 */
void actors_stop(void)
{
	unsigned int cpu;

	stop_threads();
	WRITE_ONCE(stopping, true);
	for_each_possible_cpu(cpu) {
		if (!interrupts)
			break;
		stop_interrupt(&interrupts[cpu].hard);
		stop_interrupt(&interrupts[cpu].soft);
	}
	kfree(interrupts);
}
