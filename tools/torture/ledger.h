/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_TORTURE_LEDGER_H
#define _HTW_TORTURE_LEDGER_H

#include <linux/spinlock.h>
#include <linux/types.h>

/* Armings of one timer that can be told apart. */
#define LEDGER_NOTES	8

#define ANY_CPU		(-1)

/**
 * struct span - when, and where, a callback may come
 * @earliest: not before this time
 * @latest: and not after this one and the bound; U64_MAX: not known yet
 * @cpu: on this CPU, or ANY_CPU
 */
struct span {
	u64	earliest;
	u64	latest;
	int	cpu;
};

/**
 * struct note - an arming that may be pending
 * @span: what it allows
 * @used: this is one
 * @ended: the number of the last call that had begun when the one that arms
 *	returned; U64_MAX: it has not yet
 */
struct note {
	struct span	span;
	bool		used;
	u64		ended;
};

/* May an arming have expired whose callback has not come yet? */
enum on_the_way {
	NOBODY,
	SOMEBODY_PERHAPS,
	SOMEBODY,
};

/* What a call has found. */
enum found {
	FOUND_OUT,		/* it was refused, and knows nothing */
	FOUND_SHUT,		/* it was refused, after a shutdown */
	FOUND_IDLE,		/* the timer was not pending */
	FOUND_PENDING,		/* it was, and that arming is over */
	FOUND_EITHER,		/* it was, and that arming or the new one is */
};

/* What a call does: bits. */
#define CALL_ARMS		0x01	/* unless it is refused */
#define CALL_ONLY_PENDING	0x02	/* or finds the timer idle */
#define CALL_SYNC		0x04	/* has found that no callback runs */
#define CALL_WAITS		0x08	/* until none runs */
#define CALL_ENDS		0x10	/* shuts down */
#define CALL_SELF		0x20	/* comes from the timer's own callback */

/**
 * struct call - a call for a timer, while it lasts
 * @flags: what it does
 * @span: what the arming allows
 * @note: of that arming
 * @seq: its number
 * @noted: how many callbacks had come when it began
 * @began: when that was
 * @irqflags: of the lock
 * @alone: no other call was under way
 * @was_shut: the timer had been shut down
 */
struct call {
	unsigned int	flags;
	struct span	span;
	struct note	*note;
	u64		seq;
	u64		noted;
	u64		began;
	unsigned long	irqflags;
	bool		alone;
	bool		was_shut;
};

/**
 * struct ledger - all that is known of one timer
 * @lock: protects all of it
 * @serial: calls are made one after the other, under @lock. What each has found is
 *	then known for sure
 * @busy: a serial call is under way that waits, and can't do so under @lock
 * @known: @notes has all that may be pending and nothing else
 * @running: a callback runs
 * @ending: a call that shuts down has begun
 * @shut: and has returned
 * @seq: number of calls
 * @calls: those that are under way
 * @noted: number of callbacks
 * @notes: armings that may be pending
 * @way: are there expired ones, with the callback on the way?
 * @on_the_way: what those allow
 * @armed: armings that were accepted
 * @replaced: those that a later one replaced
 * @cancelled: those that were cancelled
 * @expired: those whose callback came
 */
struct ledger {
	raw_spinlock_t	lock;
	bool		serial;
	bool		busy;
	bool		known;
	bool		running;
	bool		ending;
	bool		shut;
	u64		seq;
	unsigned int	calls;
	u64		noted;
	struct note	notes[LEDGER_NOTES];
	enum on_the_way	way;
	struct span	on_the_way;
	u64		armed;
	u64		replaced;
	u64		cancelled;
	u64		expired;
};

void ledger_init(struct ledger *ledger, bool serial);
bool ledger_begin(struct ledger *ledger, struct call *call);
void ledger_end(struct ledger *ledger, struct call *call, enum found found);
void ledger_called(struct ledger *ledger);
void ledger_returns(struct ledger *ledger);
void ledger_close(struct ledger *ledger);

void span_check(const struct span *span, const void *who, u64 now);

#endif /* _HTW_TORTURE_LEDGER_H */
