// SPDX-License-Identifier: GPL-2.0
/*
 * Seeing what the bases do: files in debugfs, for root.
 *
 * Each file is a table that has a line of names first, so that awk can read it by
 * name, whatever is added later. Counters never go back: two reads and a difference
 * tell what happened in between.
 *
 * A reader copies one base under its lock, which takes no longer than to arm a
 * timer, and prints it when the lock is free again.
 */
#include "stats.h"

#include "base.h"
#include "trace.h"

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/seq_file.h>

/**
 * htw_step_begin() - note where a step of a pass begins
 * @base: the base, locked
 * @step: filled in
 */
void htw_step_begin(const struct htw_base *base, struct htw_step *step)
{
	step->moves = base->wheel->nr_moves;
	step->last = base->wheel->expired.prev;
}

static unsigned int expired_since(const struct htw_base *base,
				  const struct htw_step *step)
{
	const struct list_head *pos = step->last;
	unsigned int nr = 0;

	while ((pos = pos->next) != &base->wheel->expired)
		nr++;
	return nr;
}

/**
 * htw_step_end() - count what a step of a pass has done
 * @base: the base, which has been locked since htw_step_begin()
 * @step: from there
 */
void htw_step_end(struct htw_base *base, const struct htw_step *step)
{
	u64 moves = base->wheel->nr_moves - step->moves;
	unsigned int expired = expired_since(base, step);

	if (HTW_COUNTS)
		base->stats.longest_hold = max(base->stats.longest_hold,
					       moves + expired);
	if (moves)
		trace_htw_cascade(base->cpu, moves, expired);
}

static u64 sum_of(const u64 *values, unsigned int nr)
{
	u64 sum = 0;

	while (nr--)
		sum += values[nr];
	return sum;
}

static u64 next_ns(const struct htw_wheel *wheel)
{
	u64 tick;

	if (!htw_wheel_next(wheel, &tick) ||
	    tick > KTIME_MAX >> wheel->tick_shift)
		return KTIME_MAX;
	return tick << wheel->tick_shift;
}

/**
 * htw_stats_read() - what a base has done and what it is about to do
 * @cpu: its CPU
 * @snap: filled in
 *
 * Context: Task. Takes the base's lock.
 * Return: false, and nothing is filled in, if the CPU has never been online.
 */
bool htw_stats_read(unsigned int cpu, struct htw_snapshot *snap)
{
	struct htw_base *base = htw_base_of_cpu(cpu);

	raw_spin_lock_irq(&base->lock);
	if (!base->wheel) {
		raw_spin_unlock_irq(&base->lock);
		return false;
	}
	snap->online = base->online;
	snap->armed_ns = base->armed_ns;
	snap->next_ns = next_ns(base->wheel);
	snap->pending = base->wheel->nr_pending;
	snap->overflow = base->wheel->nr_overflow;
	snap->cascade_moves = base->wheel->nr_moves;
	snap->interrupts = base->nr_interrupts;
	snap->stats = base->stats;
	raw_spin_unlock_irq(&base->lock);

	snap->expiries = sum_of(snap->stats.lateness, HTW_BUCKETS);
	return true;
}

static void show_counters(struct seq_file *seq, unsigned int cpu,
			  const struct htw_snapshot *snap)
{
	const struct htw_stats *stats = &snap->stats;

	seq_printf(seq, "%u %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu\n",
		   cpu, htw_stats_arms(stats), stats->pushes,
		   htw_stats_rearms(stats), stats->cancels, snap->expiries,
		   snap->cascade_moves, stats->migrations + stats->drained,
		   snap->interrupts, stats->needless, stats->kicks,
		   stats->longest_hold);
}

static int stats_show(struct seq_file *seq, void *unused)
{
	struct htw_snapshot snap;
	unsigned int cpu;

	seq_puts(seq, "cpu arms pushes rearms cancels expiries cascade_moves migrations interrupts needless kicks longest_hold\n");
	for_each_possible_cpu(cpu)
		if (htw_stats_read(cpu, &snap))
			show_counters(seq, cpu, &snap);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static void show_histogram(struct seq_file *seq, unsigned int cpu,
			   const u64 *lateness)
{
	unsigned int i;

	for (i = 0; i < HTW_BUCKETS; i++) {
		if (!lateness[i])
			continue;
		if (i == HTW_BUCKET_EARLY)
			seq_printf(seq, "%u early %llu\n", cpu, lateness[i]);
		else
			seq_printf(seq, "%u %llu %llu\n", cpu,
				   i ? 1ULL << (i - 1) : 0, lateness[i]);
	}
}

static int lateness_show(struct seq_file *seq, void *unused)
{
	struct htw_snapshot snap;
	unsigned int cpu;

	seq_puts(seq, "cpu from_ns count\n");
	for_each_possible_cpu(cpu)
		if (htw_stats_read(cpu, &snap))
			show_histogram(seq, cpu, snap.stats.lateness);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(lateness);

static void show_time(struct seq_file *seq, u64 ns)
{
	if (ns == KTIME_MAX)
		seq_puts(seq, " -");
	else
		seq_printf(seq, " %llu", ns);
}

static int bases_show(struct seq_file *seq, void *unused)
{
	struct htw_snapshot snap;
	unsigned int cpu;

	seq_puts(seq, "cpu online pending overflow next_ns armed_ns\n");
	for_each_possible_cpu(cpu) {
		if (!htw_stats_read(cpu, &snap))
			continue;
		seq_printf(seq, "%u %u %llu %llu", cpu, snap.online,
			   snap.pending, snap.overflow);
		show_time(seq, snap.next_ns);
		show_time(seq, snap.armed_ns);
		seq_putc(seq, '\n');
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(bases);

static int geometry_show(struct seq_file *seq, void *unused)
{
	const struct htw_geometry *geo = htw_base_geometry();
	unsigned int level, shift = geo->tick_shift;

	seq_puts(seq, "level slots slot_ns_log2\n");
	for (level = 0; level < geo->nr_levels; level++) {
		seq_printf(seq, "%u %u %u\n", level, geo->slots[level], shift);
		shift += fls(geo->slots[level] - 1);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(geometry);

static struct dentry *dir;

/**
 * htw_stats_init() - make the files in debugfs
 *
 * Without debugfs there are none, and everything else works.
 */
void htw_stats_init(void)
{
	dir = debugfs_create_dir("htw", NULL);
	debugfs_create_file("bases", 0400, dir, NULL, &bases_fops);
	debugfs_create_file("geometry", 0400, dir, NULL, &geometry_fops);
	if (!HTW_COUNTS)
		return;
	debugfs_create_file("stats", 0400, dir, NULL, &stats_fops);
	debugfs_create_file("lateness", 0400, dir, NULL, &lateness_fops);
}

/**
 * htw_stats_exit() - take the files in debugfs away
 *
 * When it returns nobody reads one any more.
 */
void htw_stats_exit(void)
{
	debugfs_remove(dir);
}
