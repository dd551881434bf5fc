/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A deadline word: src/words.h, with arming and cancelling in src/op.c, expiry in
 * src/event.c and htw_rearm_pushed() of libhtw.
 *
 * A program on CPU 0 arms a timer whose slot had another one before, pushes it, takes
 * its event or cancels it. On CPU 1 it expires. Another thread, on CPU 2, pushes it too,
 * or with HOSTILE stores what is no time. The word is behind store buffers (buffers.h),
 * and loaded by one load: what two loads of its halves would find is a breakage.
 *
 * "W1" and so on are named in the code.
 */
#define CPUS		3
#define PROGRAM		0
#define PASS		1
#define OTHER		2

#define WORD		0
#define ADDRESSES	1

#include "buffers.h"

/* Times. More than LAST is no time, as more than S64_MAX is none. */
#define ASKED		2
#define PUSHED		9	/* in bits 3 and up there is what ASKED has not */
#define STALE		15
#define LAST		15
#define HOSTILE_TIME	24

/* Under ctx->lock. */
bool lock;
bool is_armed;		/* the state is ARMED */
byte expires;
byte event;		/* the deadline that an event tells; 0: there is none */

/* The wheel. */
byte now;
byte pending;		/* until when; 0: not pending */
bool in_flight;		/* the callback has begun */

/* For the assertions. */
bool pushed;
bool finished;

#define LOCK		atomic { !lock -> lock = true }
#define UNLOCK(cpu)	atomic { DRAINED(cpu) -> lock = false }

/* htw_words_read() and what came before it: one look at the word. */
inline look(cpu, held)
{
#ifdef BREAK_TORN
	low = LOAD(cpu, WORD) % 8;
	held = LOAD(cpu, WORD) / 8 * 8 + low;
	low = 0;
#else
	held = LOAD(cpu, WORD);					/* W1 */
#endif
#ifdef BREAK_ANY_VALUE
	held = (held > expires -> held : expires)
#else
	held = (held > LAST || held < expires -> expires : held)	/* W2 */
#endif
}

/* arm_timer() */
inline arm(time)
{
	LOCK;
	is_armed = true;
	expires = time;
	event = 0;
#ifndef BREAK_NOT_CLEARED
#ifndef BREAK_CLEARED_LATE
	store(PROGRAM, WORD, 0);					/* W3 */
#endif
#endif
	pending = time;						/* W4 */
	UNLOCK(PROGRAM);
#ifdef BREAK_CLEARED_LATE
	store(PROGRAM, WORD, 0)
#endif
}

/* htw_event_expired(): a tick has come. */
proctype pass()
{
	byte held, low;

end:	do
	:: atomic {
		pending && pending <= now && !in_flight ->
		pending = 0;
		in_flight = true
	   };
	   LOCK;
	   if
	   :: is_armed && !pending ->				/* W5 */
		look(PASS, held);
		/* Nothing that was stored for another timer, nor what nobody stored. */
		assert(held == ASKED || held == PUSHED);
		if
		:: held == expires ->				/* W6 */
			event = expires;
			is_armed = false
		:: else ->
			expires = (held > expires + 1 -> held : expires + 1);	/* W7 */
			if
			:: expires > now -> pending = expires	/* W8 */
			:: else -> event = expires; is_armed = false
			fi
		fi
	   :: else
	   fi;
	   held = 0;
	   UNLOCK(PASS);
	   in_flight = false
	od
}

/* op_cancel() */
inline cancel()
{
	LOCK;
	if
	:: is_armed ->
		look(PROGRAM, held);				/* W9 */
		told = held;
		if
		:: atomic { pending -> pending = 0 }
		:: !pending ->
			/* Its callback waits: it would expire now, or be put off. */
#ifdef BREAK_TWO_LOOKS
			look(PROGRAM, held);
#endif
			atomic {
				in_time = held > now;		/* W10 */
				/* The answer and the time that is told agree. */
				assert(in_time == (told > now))
			}
		fi;
		assert(!pushed || told == PUSHED);
		is_armed = false
	:: else
	fi;
	UNLOCK(PROGRAM)
}

proctype program()
{
	byte held, low, told;
	bool in_time;

	arm(ASKED);
	if
#ifndef HOSTILE
	:: pushed = true; store(PROGRAM, WORD, PUSHED)
#endif
	:: true
	fi;
	if
	:: event -> 
		/* htw_rearm_pushed(): what came too late for the kernel was not lost. */
		if
		:: LOAD(PROGRAM, WORD) > event && LOAD(PROGRAM, WORD) <= LAST ->
			arm(PUSHED);
			event != 0
		:: else
		fi;
		assert(now >= event);
		assert(!pushed || event == PUSHED)
	:: true -> cancel()
	fi;
	finished = true
}

proctype other()
{
#ifdef HOSTILE
	store(OTHER, WORD, HOSTILE_TIME)
#else
	store(OTHER, WORD, PUSHED)
#endif
}

proctype clock()
{
	do
	:: now < LAST -> now++
	:: else -> break
	od
}

/* When nobody can go on, the program has had its answer. */
proctype judge()
{
	timeout ->
	assert(finished)
}

init
{
	atomic {
		memory[WORD] = STALE;
		run pass();
		run program();
		run other();
		run clock();
		run flusher(PROGRAM);
		run flusher(PASS);
		run flusher(OTHER);
		run judge()
	}
}
