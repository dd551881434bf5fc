/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The event ring, stalled and kicked: src/ring.c and htw_ring_advance() of libhtw.
 *
 * On CPU 0 timers expire: NR events are added. On CPU 1 a program consumes them and
 * kicks, with a system call that flushes; it looks at STALLED after each event, or with
 * LAZY when the ring is empty. What they share is behind store buffers (buffers.h). What
 * is under ctx->lock is not, because a lock orders it. Event number n is n, and a flush
 * puts BATCH of them into the ring under one hold of the lock.
 *
 * "R1" and so on are named in the code.
 */
#define CPUS		2
#define KERNEL		0
#define PROGRAM		1

#define ENTRIES		2
#ifndef BATCH
#define BATCH		1
#endif
#ifndef NR
#define NR		4
#endif

/* Addresses: the slots of the ring come first. */
#define TAIL		2
#define FLAGS		3
#define HEAD		4
#define ADDRESSES	5

#include "buffers.h"

/* Under ctx->lock. */
bool lock;
byte tail;		/* events that were ever put into the ring */
byte waiting;		/* events outside of it */
bool stalled;

byte consumed;
bool finished;

#define LOCK		atomic { !lock -> lock = true }
#define UNLOCK(cpu)	atomic { DRAINED(cpu) -> lock = false }

/* A head may be anything; it is compared with the kernel's own tail. */
#ifdef BREAK_ROOM_OF_ONE_MORE
#define HAS_ROOM(cpu)	(tail - LOAD(cpu, HEAD) <= ENTRIES)
#else
#define HAS_ROOM(cpu)	(tail - LOAD(cpu, HEAD) < ENTRIES)	/* R1 */
#endif

/* publish() */
inline publish(cpu)
{
#ifdef BREAK_TAIL_FIRST
	store_release(cpu, TAIL, tail + 1);
	store(cpu, tail % ENTRIES, tail + 1);
#else
	store(cpu, tail % ENTRIES, tail + 1);			/* R2 */
#ifdef BREAK_TAIL_PLAIN
	store(cpu, TAIL, tail + 1);
#else
	store_release(cpu, TAIL, tail + 1);			/* R3 */
#endif
#endif
	tail++
}

/* flush_some(): more is whether there are events, and room for them. */
inline flush_some(cpu)
{
	n = 0;
	do
	:: n < BATCH && waiting && HAS_ROOM(cpu) ->		/* R4 */
		waiting--;
		publish(cpu);
		n++
	:: else -> break
	od;
	n = 0;
	more = false;
	if
	:: !waiting && stalled ->
		stalled = false;
		store(cpu, FLAGS, 0)				/* R5 */
	:: !waiting && !stalled
	:: waiting ->
#ifdef BREAK_LOOK_FIRST
		more = HAS_ROOM(cpu);
#endif
		if
		:: !stalled ->
			stalled = true;
#ifndef BREAK_NEVER_STALLED
			store(cpu, FLAGS, 1);			/* R6 */
#endif
#ifndef BREAK_NO_KERNEL_BARRIER
			DRAINED(cpu)				/* R7 */
#endif
		:: else
		fi;
#ifndef BREAK_LOOK_FIRST
		more = HAS_ROOM(cpu)				/* R8 */
#endif
	fi
}

/* htw_ring_add(), by callbacks. */
proctype kernel()
{
	byte nr = NR, n;
	bool more;

	do
	:: nr ->
		LOCK;
		nr--;
		if
		:: !waiting && HAS_ROOM(KERNEL) -> publish(KERNEL)	/* R9 */
		:: else ->
			waiting++;				/* R10 */
			flush_some(KERNEL);
#ifndef BREAK_NO_SECOND_LOOK
			if
			:: more -> flush_some(KERNEL)		/* R11 */
			:: else
			fi
#endif
		fi;
		more = false;
		UNLOCK(KERNEL)
	:: else -> break
	od
}

/* HTW_IOC_BATCH: htw_ring_flush() */
inline kick()
{
	do
	:: LOCK;
	   flush_some(PROGRAM);					/* R12 */
	   UNLOCK(PROGRAM);
	   if
	   :: more -> more = false				/* R13 */
	   :: else -> break
	   fi
	od
}

/* The full barrier and the load of htw_ring_stalled(). */
inline kick_if_stalled()
{
#ifndef BREAK_NO_PROGRAM_BARRIER
	DRAINED(PROGRAM);
#endif
	if
	:: LOAD(PROGRAM, FLAGS) -> kick()
	:: else
	fi
}

proctype program()
{
	byte n;
	bool more;

	do
	:: consumed == NR -> break
	:: LOAD(PROGRAM, TAIL) != consumed ->
#ifdef BREAK_HEAD_FIRST
		store_release(PROGRAM, HEAD, consumed + 1);
#endif
		/* Neither a slot that is not written yet, nor one overwritten. */
		assert(LOAD(PROGRAM, consumed % ENTRIES) == consumed + 1);
		consumed++;
#ifndef BREAK_HEAD_FIRST
		store_release(PROGRAM, HEAD, consumed);
#endif
#ifdef LAZY
		if
		:: LOAD(PROGRAM, TAIL) == consumed -> kick_if_stalled()
		:: LOAD(PROGRAM, TAIL) != consumed
		fi
#else
		kick_if_stalled()
#endif
	od;
	finished = true
}

/* When nobody can go on, the program has had all events. */
proctype judge()
{
	timeout ->
	assert(finished);
	assert(!waiting && tail == NR)
}

init
{
	atomic {
		run kernel();
		run program();
		run flusher(KERNEL);
		run flusher(PROGRAM);
		run judge()
	}
}
