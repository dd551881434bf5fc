// SPDX-License-Identifier: GPL-2.0
/*
 * What has happened, by CPU, and what has gone wrong. A wrong is noted under any
 * lock and in any context, and told by a thread: see tally_print_wrongs().
 */
#include "tally.h"

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/printk.h>
#include <linux/smp.h>
#include <linux/spinlock.h>

/* More than these are counted, but not told. */
#define NR_TOLD		32

DEFINE_PER_CPU(struct tallies, tallies);

static const char * const wrong_names[NR_WRONGS] = {
	[WRONG_EARLY]	= "early, not before",
	[WRONG_LATE]	= "late by, and at most",
	[WRONG_LOST]	= "lost, from and until",
	[WRONG_UNASKED]	= "called, but not armed",
	[WRONG_OVERLAP]	= "called while it runs",
	[WRONG_SYNC]	= "runs after a call that waits",
	[WRONG_ANSWER]	= "an answer that can't be true, and to what",
	[WRONG_BALANCE]	= "armed and ended",
	[WRONG_CPU]	= "on the wrong CPU, right is",
	[WRONG_TOUCHED]	= "touched after its end, at",
	[WRONG_HOTPLUG]	= "a CPU does not go or come",
	[WRONG_MEMORY]	= "no memory",
};

static atomic_t wrongs[NR_WRONGS];

/* The first ones. The lock is inside all others. */
static struct {
	raw_spinlock_t		lock;
	unsigned int		nr;
	unsigned int		printed;
	struct {
		enum wrong	what;
		unsigned int	cpu;
		const void	*who;
		u64		now;
		u64		a;
		u64		b;
	} wrong[NR_TOLD];
} told = {
	.lock = __RAW_SPIN_LOCK_UNLOCKED(told.lock),
};

/**
 * tally_late() - a callback has come
 * @ns: how long after the latest time of its arming
 *
 * Context: Interrupts disabled.
 */
void tally_late(u64 ns)
{
	if (ns > this_cpu_read(tallies.latest_ns))
		this_cpu_write(tallies.latest_ns, ns);
}

/**
 * tally_peer_late() - the same of an hrtimer that is no part of htw
 * @ns: how long after its time it has come
 *
 * Context: Interrupts disabled, or softirq.
 */
void tally_peer_late(u64 ns)
{
	if (ns > this_cpu_read(tallies.peer_ns))
		this_cpu_write(tallies.peer_ns, ns);
}

/**
 * tally_sum() - how often something has happened
 * @what: what
 *
 * Return: the sum over all CPUs, of which others may add to some meanwhile.
 */
u64 tally_sum(enum tally what)
{
	unsigned int cpu;
	u64 sum = 0;

	for_each_possible_cpu(cpu)
		/* Somebody may be adding to it. */
		sum += data_race(per_cpu(tallies.nr[what], cpu));
	return sum;
}

/**
 * tally_latest() - the longest that a callback came after its time
 *
 * Return: it, in ns.
 */
u64 tally_latest(void)
{
	unsigned int cpu;
	u64 latest = 0;

	for_each_possible_cpu(cpu)
		/* Somebody may be raising it. */
		latest = max(latest, data_race(per_cpu(tallies.latest_ns, cpu)));
	return latest;
}

/**
 * tally_peer_latest() - the longest that an hrtimer came after its time
 *
 * Return: it, in ns.
 */
u64 tally_peer_latest(void)
{
	unsigned int cpu;
	u64 latest = 0;

	for_each_possible_cpu(cpu)
		/* Somebody may be raising it. */
		latest = max(latest, data_race(per_cpu(tallies.peer_ns, cpu)));
	return latest;
}

/**
 * tally_wrong() - note that something has gone wrong
 * @what: what
 * @who: what it has happened to
 * @now: when, or what was found
 * @a: depends on @what, see wrong_names
 * @b: the same
 *
 * Context: Any but NMI.
 */
void tally_wrong(enum wrong what, const void *who, u64 now, u64 a, u64 b)
{
	unsigned long flags;
	unsigned int nr;

	atomic_inc(&wrongs[what]);
	raw_spin_lock_irqsave(&told.lock, flags);
	nr = told.nr;
	if (nr < NR_TOLD) {
		told.wrong[nr].what = what;
		told.wrong[nr].cpu = smp_processor_id();
		told.wrong[nr].who = who;
		told.wrong[nr].now = now;
		told.wrong[nr].a = a;
		told.wrong[nr].b = b;
		told.nr++;
	}
	raw_spin_unlock_irqrestore(&told.lock, flags);
}

/**
 * tally_wrongs() - how often something has gone wrong
 * @what: what
 *
 * Return: how often.
 */
unsigned int tally_wrongs(enum wrong what)
{
	return atomic_read(&wrongs[what]);
}

/**
 * tally_all_wrongs() - how often anything has gone wrong
 *
 * Return: how often.
 */
unsigned int tally_all_wrongs(void)
{
	unsigned int i, sum = 0;

	for (i = 0; i < NR_WRONGS; i++)
		sum += tally_wrongs(i);
	return sum;
}

static unsigned int nr_told(void)
{
	unsigned long flags;
	unsigned int nr;

	raw_spin_lock_irqsave(&told.lock, flags);
	nr = told.nr;
	raw_spin_unlock_irqrestore(&told.lock, flags);
	return nr;
}

/**
 * tally_print_wrongs() - tell the log what has gone wrong since the last call
 *
 * Context: One thread.
 */
void tally_print_wrongs(void)
{
	unsigned int nr = nr_told();

	for (; told.printed < nr; told.printed++)
		pr_err("%p on CPU %u: %s: %llu %llu %llu\n",
		       told.wrong[told.printed].who,
		       told.wrong[told.printed].cpu,
		       wrong_names[told.wrong[told.printed].what],
		       told.wrong[told.printed].now,
		       told.wrong[told.printed].a,
		       told.wrong[told.printed].b);
}
