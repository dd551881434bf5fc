// SPDX-License-Identifier: GPL-2.0
/*
 * The clocks of contexts.
 *
 * All timers are in wheels on CLOCK_MONOTONIC. Another clock is that one plus an
 * offset, which only changes when somebody sets the clock, or with a leap second, or
 * when the machine has been suspended. So a timer's time is converted when it is armed,
 * and once more for every timer when the offset has changed.
 *
 * The timekeeper tells of that under its own locks, where no clock can be read:
 * an irq_work takes it from there to a work item, which can take its time. A timer that
 * expires in between looks at its clock itself, so none is ever early.
 */
#include "clock.h"

#include <linux/irq_work.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/pvclock_gtod.h>
#include <linux/sched.h>
#include <linux/time_namespace.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

/* Those that can be set, and who is being told that one was. */
static DEFINE_MUTEX(clocks_lock);
static LIST_HEAD(clocks);

/**
 * htw_clock_known() - can a context have this clock?
 * @id: CLOCK_
 *
 * Return: true if it can.
 */
bool htw_clock_known(u32 id)
{
	return id == CLOCK_MONOTONIC || id == CLOCK_BOOTTIME ||
	       id == CLOCK_REALTIME || id == CLOCK_TAI;
}

/**
 * htw_clock_name() - what a clock is called
 * @id: CLOCK_ that htw_clock_known() knows
 *
 * Return: its name, as programs show it.
 */
const char *htw_clock_name(u32 id)
{
	switch (id) {
	case CLOCK_REALTIME:
		return "realtime";
	case CLOCK_TAI:
		return "tai";
	case CLOCK_BOOTTIME:
		return "boottime";
	default:
		return "monotonic";
	}
}

/**
 * htw_clock_open() - note the time namespace of this task, which opens the file
 * @clock: the context's clock
 */
void htw_clock_open(struct htw_clock *clock)
{
#ifdef CONFIG_TIME_NS
	const struct timens_offsets *offsets = &current->nsproxy->time_ns->offsets;

	clock->monotonic_offset = timespec64_to_ns(&offsets->monotonic);
	clock->boottime_offset = timespec64_to_ns(&offsets->boottime);
#endif
}

/**
 * htw_clock_start() - have a context use a clock
 * @clock: the context's clock, opened, or stopped since it was started
 * @id: which
 * @was_set: called in task context when the clock may have been set, or have been
 *	suspended; never for CLOCK_MONOTONIC
 */
void htw_clock_start(struct htw_clock *clock, u32 id,
		     void (*was_set)(struct htw_clock *clock))
{
	/* Others may just be asking for the time. */
	WRITE_ONCE(clock->id, id);
	clock->was_set = was_set;
	INIT_LIST_HEAD(&clock->link);

	mutex_lock(&clocks_lock);
	clock->last_offset = htw_clock_offset(clock);
	if (id != CLOCK_MONOTONIC)
		list_add(&clock->link, &clocks);
	mutex_unlock(&clocks_lock);
}

/**
 * htw_clock_stop() - no longer tell that a clock was set
 * @clock: the clock
 *
 * Context: Task. Waits for a call of &htw_clock.was_set to return.
 */
void htw_clock_stop(struct htw_clock *clock)
{
	mutex_lock(&clocks_lock);
	list_del_init(&clock->link);
	mutex_unlock(&clocks_lock);
}

/**
 * htw_clock_changing_offset() - htw_clock_offset() of the other clocks
 * @clock: the clock
 *
 * Return: see there.
 */
s64 htw_clock_changing_offset(const struct htw_clock *clock)
{
	switch (READ_ONCE(clock->id)) {
	case CLOCK_REALTIME:
		return ktime_mono_to_any(0, TK_OFFS_REAL);
	case CLOCK_TAI:
		return ktime_mono_to_any(0, TK_OFFS_TAI);
	default:
		return ktime_mono_to_any(0, TK_OFFS_BOOT) +
		       clock->boottime_offset;
	}
}

/**
 * htw_clock_now() - what time it is
 * @clock: the clock
 *
 * Return: the time in ns, 0 at the earliest.
 */
u64 htw_clock_now(const struct htw_clock *clock)
{
	return max_t(s64, ktime_get() + htw_clock_offset(clock), 0);
}

static void tell_all(struct work_struct *unused)
{
	struct htw_clock *clock;

	mutex_lock(&clocks_lock);
	list_for_each_entry(clock, &clocks, link)
		clock->was_set(clock);
	mutex_unlock(&clocks_lock);
}

static DECLARE_WORK(tell_work, tell_all);

static void queue_tell(struct irq_work *unused)
{
	schedule_work(&tell_work);
}

static DEFINE_IRQ_WORK(tell_irq_work, queue_tell);

/* Under the timekeeper's locks, at every one of its updates. */
static int timekeeper_updated(struct notifier_block *nb, unsigned long was_set,
			      void *timekeeper)
{
	if (was_set)
		irq_work_queue(&tell_irq_work);
	return NOTIFY_DONE;
}

static struct notifier_block timekeeper_nb = {
	.notifier_call = timekeeper_updated,
};

/**
 * htw_clock_init() - begin to watch the timekeeper
 *
 * Return: 0, or what pvclock_gtod_register_notifier() returns.
 */
int htw_clock_init(void)
{
	return pvclock_gtod_register_notifier(&timekeeper_nb);
}

/**
 * htw_clock_exit() - no longer watch it
 */
void htw_clock_exit(void)
{
	pvclock_gtod_unregister_notifier(&timekeeper_nb);
	irq_work_sync(&tell_irq_work);
	cancel_work_sync(&tell_work);
}
