// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger of a timer: what its callbacks may do, from what the calls for it were
 * answered.
 *
 * The question
 * ------------
 *
 * When a callback comes: of which arming? Calls for one timer come from everywhere at
 * once, and in what order they took effect nobody can see. But some things are sure.
 *
 *  - A call that began after another one had returned took effect after it. So when a
 *    call has armed or cancelled the timer, or found that it was not pending, then all
 *    armings are over whose calls had returned before it began.
 *  - Over means replaced, cancelled or expired. In the last case the callback may
 *    still be on the way. One at most is: no callback of a timer begins before the one
 *    before has ended, and each notes itself before it ends. So when one has noted
 *    itself, nothing is on the way of what was over before.
 *  - When a call has returned that waits for the callback, nothing is on the way of
 *    what was armed before that call began.
 *  - If a call was alone, that is no other one was under way, and all was known when
 *    it began, then what it has found tells how the arming before it has ended.
 *
 * So there are notes of armings that may be pending, and the span of those that may
 * be on the way. If it is known which one a callback belongs to, it must keep to that
 * one's time. If not, to the time of any of them. There must be one at least.
 *
 * To know more, calls for a serial timer are made under the lock of its ledger; then each
 * is alone. The lock of the others is not held while the call is made: htw has
 * to bear them all at once.
 *
 * At the end the numbers must be right for all timers: what was armed was replaced,
 * cancelled or has expired.
 */
#include "ledger.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/smp.h>

#include "tally.h"
#include "torture.h"

/**
 * ledger_init() - a new ledger
 * @ledger: the ledger
 * @serial: calls are to be made one after the other
 */
void ledger_init(struct ledger *ledger, bool serial)
{
	*ledger = (struct ledger) { .serial = serial, .known = true };
	raw_spin_lock_init(&ledger->lock);
}

static void widen(struct span *span, const struct span *by)
{
	span->earliest = min(span->earliest, by->earliest);
	span->latest = max(span->latest, by->latest);
	if (span->cpu != by->cpu)
		span->cpu = ANY_CPU;
}

/**
 * span_check() - has a callback come in its time, and where it was to run?
 * @span: what its arming allows
 * @who: the timer
 * @now: when it has come
 *
 * How late it may be is known at the end only: see main.c.
 *
 * Context: Interrupts disabled.
 */
void span_check(const struct span *span, const void *who, u64 now)
{
	if (now < span->earliest)
		tally_wrong(WRONG_EARLY, who, now, span->earliest,
			    span->latest);
	if (now > span->latest)
		tally_late(now - span->latest);
	/* From a CPU that goes, timers go elsewhere. */
	if (span->cpu != ANY_CPU && span->cpu != smp_processor_id() &&
	    !torture.onoff_ms)
		tally_wrong(WRONG_CPU, who, smp_processor_id(), span->cpu, 0);
}

static unsigned int nr_notes(const struct ledger *ledger)
{
	unsigned int i, nr = 0;

	for (i = 0; i < LEDGER_NOTES; i++)
		nr += ledger->notes[i].used;
	return nr;
}

/* The first that is not @but, or NULL. */
static struct note *first_note(struct ledger *ledger, const struct note *but)
{
	struct note *note;

	for (note = ledger->notes; note < ledger->notes + LEDGER_NOTES; note++)
		if (note->used && note != but)
			return note;
	return NULL;
}

/* Two armings whose calls have returned can share a note: with the later end. */
static struct note *merge_two(struct ledger *ledger)
{
	struct note *note, *first = NULL;

	for (note = ledger->notes; note < ledger->notes + LEDGER_NOTES; note++) {
		if (note->ended == U64_MAX)
			continue;
		if (first) {
			widen(&first->span, &note->span);
			first->ended = max(first->ended, note->ended);
			return note;
		}
		first = note;
	}
	return NULL;
}

static struct note *new_note(struct ledger *ledger, const struct span *span)
{
	struct note *note;

	for (note = ledger->notes; note < ledger->notes + LEDGER_NOTES; note++)
		if (!note->used)
			break;
	if (note == ledger->notes + LEDGER_NOTES)
		note = merge_two(ledger);
	if (note)
		*note = (struct note) {
			.span = *span, .used = true, .ended = U64_MAX };
	return note;
}

static void begin_locked(struct ledger *ledger, struct call *call)
{
	call->alone = !ledger->calls++;
	call->seq = ++ledger->seq;
	call->noted = ledger->noted;
	call->was_shut = ledger->shut;
	call->began = ktime_get();
	if (call->flags & CALL_ENDS)
		ledger->ending = true;
}

/**
 * ledger_begin() - a call for the timer is about to be made
 * @ledger: the ledger
 * @call: the call, with its flags and its span
 *
 * After this the call has to be made, and then ledger_end() to be called. For a serial
 * ledger interrupts are disabled in between, unless the call waits.
 *
 * Context: Any but NMI.
 * Return: false if the call must not be made now: too much is under way.
 */
bool ledger_begin(struct ledger *ledger, struct call *call)
{
	bool self = call->flags & CALL_SELF;

	raw_spin_lock_irqsave(&ledger->lock, call->irqflags);
	call->note = NULL;
	if (ledger->busy && !self)
		goto refuse;
	if (call->flags & CALL_ARMS) {
		call->note = new_note(ledger, &call->span);
		if (!call->note)
			goto refuse;
	}
	begin_locked(ledger, call);
	if (ledger->serial && !(call->flags & CALL_WAITS)) {
		/* For sparse: ledger_end() goes on with it. */
		__release(&ledger->lock);
		return true;
	}
	if (call->flags & CALL_WAITS)
		ledger->busy = ledger->serial;
	raw_spin_unlock_irqrestore(&ledger->lock, call->irqflags);
	return true;

refuse:
	raw_spin_unlock_irqrestore(&ledger->lock, call->irqflags);
	return false;
}

static void perhaps_on_the_way(struct ledger *ledger, const struct span *span)
{
	if (ledger->way == NOBODY)
		ledger->on_the_way = *span;
	else
		widen(&ledger->on_the_way, span);
	ledger->way = SOMEBODY_PERHAPS;
}

/* The one arming that there was has expired: where is its callback? */
static void has_expired(struct ledger *ledger, struct call *call,
			struct note *old)
{
	if (call->flags & CALL_SYNC || ledger->way == SOMEBODY)
		tally_wrong(WRONG_LOST, ledger, call->began,
			    old->span.earliest, old->span.latest);
	ledger->on_the_way = old->span;
	ledger->way = SOMEBODY;
	old->used = false;
}

/* The call was alone, and all was known: there was one arming at most. */
static void settle_surely(struct ledger *ledger, struct call *call,
			  enum found found)
{
	struct note *old = first_note(ledger, call->note);

	if (found == FOUND_IDLE) {
		if (old)
			has_expired(ledger, call, old);
		else if (call->flags & CALL_SYNC && ledger->way == SOMEBODY)
			tally_wrong(WRONG_LOST, ledger, call->began,
				    ledger->on_the_way.earliest,
				    ledger->on_the_way.latest);
		return;
	}
	if (!old) {
		tally_wrong(WRONG_ANSWER, ledger, found, call->flags, 0);
		return;
	}
	/* It was still pending when the call began. */
	if (call->began > old->span.latest)
		tally_late(call->began - old->span.latest);
	if (found == FOUND_EITHER) {
		/* Whichever it is now, it is due when the first of the two is. */
		call->note->span.earliest = min(call->note->span.earliest,
						old->span.earliest);
		call->note->span.latest = min(call->note->span.latest,
					      old->span.latest);
		call->note->span.cpu = ANY_CPU;
	}
	old->used = false;
}

/* What is over may be on the way. */
static void settle_perhaps(struct ledger *ledger, struct call *call,
			   enum found found)
{
	struct note *note;

	if (found == FOUND_EITHER)
		return;
	for (note = ledger->notes; note < ledger->notes + LEDGER_NOTES; note++) {
		if (!note->used || note == call->note || note->ended >= call->seq)
			continue;
		/* If one is surely on the way, then no other one. */
		if (!(call->flags & CALL_SYNC) && ledger->way != SOMEBODY)
			perhaps_on_the_way(ledger, &note->span);
		note->used = false;
	}
}

static void settle(struct ledger *ledger, struct call *call, enum found found)
{
	bool alone = call->alone && ledger->seq == call->seq;
	bool undisturbed = alone && ledger->noted == call->noted;
	bool sync = call->flags & CALL_SYNC;

	if (undisturbed && ledger->known)
		settle_surely(ledger, call, found);
	else
		settle_perhaps(ledger, call, found);
	if (sync && alone) {
		ledger->way = NOBODY;
		if (ledger->running)
			tally_wrong(WRONG_SYNC, ledger, call->began, 0, 0);
	}
	if (found == FOUND_EITHER && !ledger->known)
		return;
	ledger->known = undisturbed || (alone && sync);
}

static void count(struct ledger *ledger, const struct call *call,
		  enum found found)
{
	bool pending = found != FOUND_IDLE;

	if (call->note) {
		ledger->armed++;
		ledger->replaced += pending;
		tally(TALLY_ARMED);
		tally_add(TALLY_REPLACED, pending);
	} else {
		ledger->cancelled += pending;
		tally_add(TALLY_CANCELLED, pending);
	}
}

/* Once a shutdown has returned nothing is armed, and before one began nothing refused. */
static void check_shutdown(struct ledger *ledger, const struct call *call,
			   enum found found)
{
	bool armed = call->flags & CALL_ARMS && found > FOUND_SHUT;

	if ((call->was_shut && armed) ||
	    (found == FOUND_SHUT && !ledger->ending))
		tally_wrong(WRONG_ANSWER, ledger, found, call->flags, 1);
}

static void drop_note(struct call *call)
{
	if (call->note)
		call->note->used = false;
	call->note = NULL;
}

static void end_locked(struct ledger *ledger, struct call *call,
		       enum found found)
{
	bool arms_none = found == FOUND_IDLE && call->flags & CALL_ONLY_PENDING;

	ledger->calls--;
	check_shutdown(ledger, call, found);
	if (call->flags & CALL_ENDS)
		ledger->shut = true;
	if (call->note) {
		call->note->ended = ledger->seq;
		call->note->span = call->span;
	}
	if (found <= FOUND_SHUT || arms_none)
		drop_note(call);
	if (found <= FOUND_SHUT)
		return;
	settle(ledger, call, found);
	if (!arms_none)
		count(ledger, call, found);
}

/**
 * ledger_end() - the call has returned
 * @ledger: the ledger
 * @call: the call, with its span as it is known now
 * @found: what it has found
 */
void ledger_end(struct ledger *ledger, struct call *call, enum found found)
{
	bool waits = call->flags & CALL_WAITS;

	if (!ledger->serial || waits)
		raw_spin_lock_irqsave(&ledger->lock, call->irqflags);
	else
		__acquire(&ledger->lock);
	if (waits)
		ledger->busy = false;
	end_locked(ledger, call, found);
	raw_spin_unlock_irqrestore(&ledger->lock, call->irqflags);
}

/* A callback of which it is known which arming it belongs to. */
static void called_surely(struct ledger *ledger, const struct span *span,
			  u64 now)
{
	tally(TALLY_SURE);
	span_check(span, ledger, now);
}

static void called_perhaps(struct ledger *ledger, u64 now)
{
	struct span span = ledger->on_the_way;
	struct note *note;

	if (ledger->way == NOBODY)
		span = (struct span) { .earliest = U64_MAX };
	for (note = ledger->notes; note < ledger->notes + LEDGER_NOTES; note++)
		if (note->used)
			widen(&span, &note->span);
	if (ledger->way == NOBODY && !nr_notes(ledger))
		tally_wrong(WRONG_UNASKED, ledger, now, 0, 0);
	else
		span_check(&span, ledger, now);
}

static void called_locked(struct ledger *ledger, u64 now)
{
	unsigned int nr = nr_notes(ledger);
	struct note *only = first_note(ledger, NULL);

	if (ledger->way == SOMEBODY) {
		called_surely(ledger, &ledger->on_the_way, now);
	} else if (ledger->way == NOBODY && ledger->known && nr == 1 &&
		   !ledger->calls) {
		called_surely(ledger, &only->span, now);
		only->used = false;
	} else {
		called_perhaps(ledger, now);
		ledger->known = ledger->known && !nr;
	}
	ledger->way = NOBODY;
	ledger->noted++;
}

/**
 * ledger_called() - a callback has begun
 * @ledger: the ledger
 */
void ledger_called(struct ledger *ledger)
{
	u64 now = ktime_get();
	unsigned long flags;

	raw_spin_lock_irqsave(&ledger->lock, flags);
	if (ledger->running)
		tally_wrong(WRONG_OVERLAP, ledger, now, 0, 0);
	ledger->running = true;
	called_locked(ledger, now);
	ledger->expired++;
	tally(TALLY_EXPIRED);
	raw_spin_unlock_irqrestore(&ledger->lock, flags);
}

/**
 * ledger_returns() - the callback is about to end
 * @ledger: the ledger
 */
void ledger_returns(struct ledger *ledger)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ledger->lock, flags);
	ledger->running = false;
	raw_spin_unlock_irqrestore(&ledger->lock, flags);
}

/**
 * ledger_close() - do the numbers agree?
 * @ledger: the ledger, of a timer that is not pending, and for which no call is
 *	under way
 */
void ledger_close(struct ledger *ledger)
{
	u64 ended = ledger->replaced + ledger->cancelled + ledger->expired;

	if (ledger->armed != ended || ledger->calls || ledger->running)
		tally_wrong(WRONG_BALANCE, ledger, ledger->armed, ended,
			    ledger->calls);
}
