/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_TORTURE_TALLY_H
#define _HTW_TORTURE_TALLY_H

#include <linux/percpu.h>
#include <linux/types.h>

/* What has happened, and how often. */
enum tally {
	TALLY_ARMED,		/* armings that were accepted */
	TALLY_REPLACED,		/* how they ended: one of these three */
	TALLY_CANCELLED,
	TALLY_EXPIRED,
	TALLY_SURE,		/* callbacks of which the arming was known */
	TALLY_SHUT,		/* armings refused after a shutdown */
	TALLY_NO_CPU,		/* armings refused for a CPU that was gone */
	TALLY_RUNNING,		/* -EAGAIN: the callback was running */
	TALLY_SELF,		/* -EDEADLK: it was the caller */
	TALLY_WAITED,		/* calls that wait for the callback */
	TALLY_BULK,		/* calls for many timers */
	TALLY_PUSHED,		/* armings for later than before */
	TALLY_HATCHED,		/* mayflies */
	TALLY_ERRANDS,		/* runs of delayed work */
	TALLY_SLEPT,		/* htw_sleep() */
	TALLY_FREED,		/* timers whose memory was freed */
	TALLY_BURIED,		/* those that were poisoned and watched before */
	TALLY_OFFLINE,		/* CPUs that went */
	TALLY_ONLINE,		/* CPUs that came */
	NR_TALLIES
};

/* What must not happen. */
enum wrong {
	WRONG_EARLY,		/* a callback before its time */
	WRONG_LATE,		/* one after its time, the bound and what peers took */
	WRONG_LOST,		/* an arming that ended in no way */
	WRONG_UNASKED,		/* a callback that no arming is behind */
	WRONG_OVERLAP,		/* two callbacks of one timer at once */
	WRONG_SYNC,		/* a callback runs after a call that waited for it */
	WRONG_ANSWER,		/* a return value that can't be true */
	WRONG_BALANCE,		/* armed is not replaced + cancelled + expired */
	WRONG_CPU,		/* a callback not where it was to run */
	WRONG_TOUCHED,		/* memory that was written to by others */
	WRONG_HOTPLUG,		/* a CPU that would not go or come */
	WRONG_MEMORY,		/* no memory: nothing was tested */
	NR_WRONGS
};

/**
 * struct tallies - the counters of a CPU
 * @nr: how often
 * @latest_ns: the longest that a callback came after the latest time of its arming
 * @peer_ns: the longest that an hrtimer, which htw has no part in, came after its time
 */
struct tallies {
	u64	nr[NR_TALLIES];
	u64	latest_ns;
	u64	peer_ns;
};

DECLARE_PER_CPU(struct tallies, tallies);

static inline void tally_add(enum tally what, unsigned int nr)
{
	this_cpu_add(tallies.nr[what], nr);
}

static inline void tally(enum tally what)
{
	tally_add(what, 1);
}

void tally_late(u64 ns);
void tally_peer_late(u64 ns);
u64 tally_sum(enum tally what);
u64 tally_latest(void);
u64 tally_peer_latest(void);

void tally_wrong(enum wrong what, const void *who, u64 now, u64 a, u64 b);
unsigned int tally_wrongs(enum wrong what);
unsigned int tally_all_wrongs(void);
void tally_print_wrongs(void);

#endif /* _HTW_TORTURE_TALLY_H */
