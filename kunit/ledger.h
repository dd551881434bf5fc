/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ledger of timers that all CPUs and contexts arm and cancel at the same time.
 * Needs no KUnit and nothing of htw's inside: the suite htw_smp uses it, and
 * htw_ledger.ko, which runs it on any kernel.
 */
#ifndef _HTW_LEDGER_H
#define _HTW_LEDGER_H

#include <linux/types.h>

#define LEDGER_NO_CPU	(-1)

/**
 * struct ledger_params - what to do
 * @seed: of all random numbers; each context draws its own from it
 * @rounds: how often to start anew, with all timers set up again
 * @steps: what each thread does in a round, at least
 * @cycle_cpu: a CPU to take away and bring back in each round, which then lasts
 *	as long as that takes; LEDGER_NO_CPU for none
 * @offline: does htw take no timers on this CPU, which is up? May be NULL.
 * @left_on: how many timers are left on this CPU, which is gone? May be NULL.
 */
struct ledger_params {
	u64		seed;
	unsigned int	rounds;
	unsigned int	steps;
	int		cycle_cpu;
	bool		(*offline)(unsigned int cpu);
	u64		(*left_on)(unsigned int cpu);
};

/**
 * struct ledger_report - what came of it
 * @armed: armings that were accepted
 * @replaced: those that a later one replaced
 * @cancelled: those that were cancelled
 * @expired: callbacks
 * @refused: armings of timers that were shut down
 * @dying: armings by a CPU that was up, but on which htw took no timers
 * @latest_ns: the longest that a timer fired after it was due
 * @down_ns: the longest that it took a CPU to go
 * @unbalanced: timers whose armings are not all expired, cancelled or replaced,
 *	each once. Must be 0, as all that follow.
 * @early: callbacks before their time
 * @after_sync: callbacks after htw_cancel_sync() or htw_shutdown_sync()
 * @overlaps: callbacks of a timer while another one of the same timer ran
 * @wrong_returns: return values that can't be true
 * @left: times that timers were left on a CPU that was gone
 * @errors: CPUs that would not go or come
 */
struct ledger_report {
	u64		armed;
	u64		replaced;
	u64		cancelled;
	u64		expired;
	u64		refused;
	u64		dying;
	u64		latest_ns;
	u64		down_ns;
	unsigned int	unbalanced;
	unsigned int	early;
	unsigned int	after_sync;
	unsigned int	overlaps;
	unsigned int	wrong_returns;
	unsigned int	left;
	unsigned int	errors;
};

int ledger_run(const struct ledger_params *params,
	       struct ledger_report *report);

#endif /* _HTW_LEDGER_H */
