/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One timer, two CPUs: src/timer.c and src/base.c.
 *
 * Who acts, all interleaved: USERS of the timer, each with OPS calls of any kind; the
 * pass and the IPI of each base; with HOTPLUG a CPU that goes and comes back; with RT the
 * lock that waiters sleep on. Callbacks do what users do, and end the timer.
 *
 * Time is NEAR or FAR: what is due, and what an hrtimer is programmed for. Bits of the
 * owner word are those of base.h, but the CPU is bit 0.
 *
 * What is done under a lock is seen by nobody else, with one exception: the owner word
 * is read without one. So a step (a statement, or atomic) is what is done under one hold
 * of a lock up to the next store of that word.
 *
 * "T1" and so on are named in the code. How to read, run and break this:
 * Documentation/models.rst.
 */
#ifndef USERS
#define USERS		2
#endif
#ifndef OPS
#define OPS		1
#endif
#ifndef REARMS
#define REARMS		1
#endif

#define CPU		1
#define PENDING		2
#define MIGRATING	4
#define SHUTDOWN	8

/* Where in a wheel the timer is. */
#define OUT		0
#define SLOT		1
#define EXPIRED		2

/* Times, and CPUs that are none. */
#define NEAR		1
#define FAR		2
#define NEVER		3
#define NOWHERE		2

/* What is left to be done for an arming. */
#define ALL_DONE	0
#define TO_PUT		1
#define TO_ARRIVE	2

/* The timer. */
byte owner;
byte tick = FAR;

/* The bases. */
bool lock[2];
bool online[2] = true;
bool in_pass[2];
bool kicked[2];
bool running[2];
byte wheel[2];
byte armed_ns[2] = NEVER;
byte goes_to[2] = NOWHERE;

/* What is the kernel's: hrtimers that are queued, IPIs, who runs softirqs of a CPU. */
byte queued[2] = NEVER;
bool sent[2];
bool softirq[2];
bool expiry_lock[2];

/* What really is the case, for the assertions. */
bool armed;		/* an arming has not come to its end */
bool in_callback;
bool ended;		/* the timer was shut down: nothing arms it, no callback begins */
bool dead;		/* no pass may touch it: its memory may be gone */
byte users = USERS;
byte rearms = REARMS;	/* armings that callbacks may still make */

#define LOCK(l)		!l -> l = true
#define UNLOCK(l)	l = false

/* A callback that frees its timer without shutting it down is the last who knows it. */
#define ALONE		(users == 0)

/* lock_owner(): one attempt of it is T1, T2 and then T3, T4. */
inline lock_timer(b)
{
	do
	:: o = owner;						/* T1 */
	   if
#ifndef BREAK_MIGRATING_IGNORED
	   :: o & MIGRATING					/* T2 */
	   :: else ->
#else
	   :: true ->
#endif
		b = o & CPU;
		atomic {
			!lock[b] ->				/* T3 */
#ifndef BREAK_NO_RECHECK
			if
			:: (o ^ owner) & (CPU | MIGRATING)	/* T4 */
			:: else -> lock[b] = true; break
			fi
#else
			lock[b] = true; break
#endif
		}
	   fi
	od;
	o = 0
}

/* htw_base_program(): the interrupt of a base has to come at a time. */
inline program(b, t)
{
	if
	:: !in_pass[b] && t < armed_ns[b] ->			/* T5 */
		if
		:: b == me ->					/* T6 */
			armed_ns[b] = t;
			queued[b] = t
#ifdef BREAK_KICK_FORGOTTEN
		:: b != me && kicked[1 - b] ->
#else
		:: b != me && !kicked[b] ->			/* T7 */
#endif
			assert(online[b] && !sent[b]);
			kicked[b] = true;
			sent[b] = true
		:: else
		fi
	:: else
	fi
}

/* program_next(): on the CPU of the base. */
inline program_next(b)
{
	if
	:: wheel[b] != OUT && tick < armed_ns[b] ->
		armed_ns[b] = tick;
		queued[b] = tick
	:: else
	fi
}

/* detach() */
inline detach(b)
{
#ifndef BREAK_GOES_TO_KEPT
	if
	:: running[b] -> goes_to[b] = NOWHERE			/* T8 */
	:: else
	fi;
#endif
	assert(wheel[b] != OUT && armed);
	wheel[b] = OUT;
	tick = FAR;
	owner = owner & ~PENDING;				/* T9 */
	armed = false
}

/* The first half of htw_base_move_timer(). */
inline leave(b)
{
	wheel[b] = OUT;
#ifdef BREAK_PENDING_GAP
	owner = owner & ~PENDING;
#endif
#ifndef BREAK_NOT_MIGRATING
	owner = owner | MIGRATING;				/* T10 */
#endif
	UNLOCK(lock[b])						/* T11 */
}

/* The second one, with htw_base_lock_online(): b is then where the timer is. */
inline arrive(b)
{
	do
	:: atomic {
		!lock[b] ->
#ifndef BREAK_ONLINE_IGNORED
		if
		:: online[b] -> lock[b] = true; break		/* T12 */
		:: else -> b = 1 - b
		fi
#else
		lock[b] = true; break
#endif
	   }
	od;
	owner = (owner & ~(CPU | MIGRATING)) | b | (armed -> PENDING : 0)	/* T13 */
}

/* put(): at time t, into the wheel of b, in which it may be already. */
inline put(b, t)
{
	assert(!dead && !ended);
	assert(wheel[1 - b] == OUT);
	tick = t;
	wheel[b] = SLOT;					/* T14 */
	owner = owner | PENDING;				/* T15 */
	armed = true;
	program(b, t)
}

/* arm_locked(): of the timer on b, at t; on a CPU, or NOWHERE: on this one. */
inline arm_locked(b, t, on)
{
	atomic {
		if
		:: (owner & PENDING) && wheel[b] == SLOT && t >= tick &&
		   (on == NOWHERE || (on == b && !running[b])) ->
			tick = t;				/* T16 */
			UNLOCK(lock[b])
		:: !(owner & PENDING) && (owner & SHUTDOWN) ->	/* T17 */
			UNLOCK(lock[b])
		:: else ->
			to = (on != NOWHERE -> on : (online[me] -> me : 1 - me));
			if
#ifdef BREAK_MOVE_RUNNING
			:: b != to ->
#else
#ifdef BREAK_PUT_OFFLINE
			:: !running[b] && b != to ->
#else
			:: !running[b] && (b != to || !online[b]) ->	/* T18 */
#endif
#endif
				leave(b);
				b = to;
				left = TO_ARRIVE
			:: else ->
				if
				:: running[b] ->		/* T19 */
					goes_to[b] = (on != NOWHERE && b != to -> to : NOWHERE)
				:: else
				fi;
				left = TO_PUT
			fi;
			to = 0
		fi
	};
	if
	:: left == TO_ARRIVE -> arrive(b); left = TO_PUT
	:: else
	fi;
	atomic {
		if
		:: left == TO_PUT ->
			put(b, t);
			UNLOCK(lock[b])
		:: else
		fi;
		left = ALL_DONE
	}
}

/* htw_schedule_range(), htw_schedule_on() and so on. */
inline do_arm(on)
{
	if
	:: t = NEAR
#ifndef ONE_TIME
	:: t = FAR
#endif
	fi;
	if
	/* htw_schedule_on() looks without a lock. */
	:: on != NOWHERE && !online[on]				/* T20 */
	:: else -> lock_timer(b); arm_locked(b, t, on)
	fi;
	t = 0
}

inline detach_if_pending(b)
{
	if
	:: owner & PENDING -> detach(b)				/* T21 */
	:: else
	fi
}

/* htw_cancel() */
inline do_cancel()
{
	if
	/* There is no gap in which an arming seems not to be there. */
	:: atomic { !(owner & PENDING) -> assert(!armed) }	/* T22 */
	:: owner & PENDING ->
		lock_timer(b);
		atomic {
			detach_if_pending(b);
			UNLOCK(lock[b])
		}
	fi
}

/* htw_try_to_cancel_sync() */
inline do_try()
{
	lock_timer(b);
	atomic {
		if
		:: running[b]					/* T23 */
		:: else ->
			detach_if_pending(b);
			assert(!armed && !in_callback)
		fi;
		UNLOCK(lock[b])
	}
}

/* htw_shutdown() */
inline do_shutdown()
{
	lock_timer(b);
	atomic { detach_if_pending(b) };
	atomic {
		owner = owner | SHUTDOWN;			/* T24 */
		ended = true;
		UNLOCK(lock[b])
	}
}

/* cancel_sync(): htw_cancel_sync() and, with SHUTDOWN, htw_shutdown_sync(). */
inline do_sync(set, self)
{
	do
	:: lock_timer(b);
#ifndef BREAK_SHUTDOWN_LATE
	   owner = owner | set;					/* T25 */
#endif
	   atomic {
#ifdef BREAK_NO_WAIT
		busy = false;
#else
		busy = running[b] && !self;			/* T26 */
#endif
		if
#ifdef BREAK_SHUTDOWN_LEAVES
		:: !busy ->
#else
		:: !busy || set ->				/* T27 */
#endif
			detach_if_pending(b)
		:: else
		fi;
		/* What it says when it returns. */
		assert(busy || !armed);
		assert(busy || self || !in_callback);
#ifndef BREAK_SHUTDOWN_LATE
		assert(!set || !armed);
		ended = ended || set;
#endif
		UNLOCK(lock[b])
	   };
	   if
	   :: busy ->
#ifdef RT
		/* htw_base_wait_running() */
		atomic { LOCK(expiry_lock[b]) };		/* T28 */
		UNLOCK(expiry_lock[b]);
#endif
		busy = false
	   :: else -> break
	   fi
	od;
	if
	:: set -> d_step { owner = owner | set; ended = true; dead = true }
	:: else
	fi
}

/* What passes and users have in common. */
#define LOCALS	byte b, t, o, to, left; bool busy

inline callback()
{
	if
	:: true
	:: rearms -> rearms--; do_arm(NOWHERE)
	:: rearms -> rearms--; do_arm(1 - me)
	:: true -> do_cancel()
	:: true -> do_sync(0, true)
	:: true -> do_sync(SHUTDOWN, true)
	:: ALONE && !dead -> do_cancel(); dead = true
	fi
}

/* run_timer(), send_away() */
inline run_timer()
{
	atomic {
		assert(!dead && !ended && !in_callback && armed);
		wheel[me] = OUT;				/* T29 */
		tick = FAR;
		owner = owner & ~PENDING;			/* T30 */
		armed = false;
		in_callback = true;
		running[me] = true;				/* T31 */
		UNLOCK(lock[me])				/* T32 */
	};
	callback();
	in_callback = false;
	atomic {
		LOCK(lock[me]);
		running[me] = false;				/* T33 */
		if
		:: goes_to[me] != NOWHERE ->			/* T34 */
			assert(!dead && (owner & PENDING));
			b = goes_to[me];
			goes_to[me] = NOWHERE;
			leave(me);
			left = TO_ARRIVE
		:: else
		fi
	};
	if
	:: left == TO_ARRIVE ->
		arrive(b);
		atomic {
			wheel[b] = SLOT;			/* T35 */
			program(b, tick);
			UNLOCK(lock[b]);
			left = ALL_DONE
		};
		atomic { LOCK(lock[me]) }
	:: else
	fi;
#ifdef RT
	/* base_let_waiters_in() */
	UNLOCK(lock[me]);
	UNLOCK(expiry_lock[me]);				/* T36 */
	atomic { LOCK(expiry_lock[me]) };
	atomic { LOCK(lock[me]) };
#endif
	b = 0
}

/* base_interrupt(): a softirq of the CPU, when the hrtimer has expired. */
proctype pass(byte me)
{
	byte now;
	LOCALS;

end:	do
	:: atomic {
		queued[me] != NEVER && !softirq[me] ->
		softirq[me] = true;
		now = queued[me];
		queued[me] = NEVER
	   };
#ifdef RT
	   atomic { LOCK(expiry_lock[me]) };
#endif
	   atomic {
		LOCK(lock[me]);
		in_pass[me] = true;				/* T37 */
		armed_ns[me] = NEVER;				/* T38 */
		if
		:: wheel[me] == SLOT && tick <= now -> wheel[me] = EXPIRED
		:: else
		fi;
		now = 0;
		UNLOCK(lock[me])
	   };
	   /* Here callbacks of other timers run. */
	   atomic { LOCK(lock[me]) };
	   if
	   :: wheel[me] == EXPIRED -> run_timer()
	   :: else
	   fi;
	   atomic {
		in_pass[me] = false;				/* T39 */
#ifndef BREAK_NO_PROGRAM_NEXT
		program_next(me);				/* T40 */
#endif
		UNLOCK(lock[me])
	   };
#ifdef RT
	   UNLOCK(expiry_lock[me]);
#endif
	   softirq[me] = false
	od
}

/* base_kicked() */
proctype ipi(byte me)
{
end:	do
	:: atomic { sent[me] -> sent[me] = false };
	   atomic {
		LOCK(lock[me]);
		kicked[me] = false;				/* T41 */
		if
		:: !in_pass[me] -> program_next(me)		/* T42 */
		:: else
		fi;
		UNLOCK(lock[me])
	   }
	od
}

proctype user(byte me)
{
	byte nr = OPS;
	LOCALS;

	do
	:: nr ->
		nr--;
		if
		:: true -> do_arm(NOWHERE)
		:: true -> do_arm(1 - me)
		:: true -> do_cancel()
		:: true -> do_try()
		:: true -> do_sync(0, false)
		:: true -> do_shutdown()
		:: true -> do_sync(SHUTDOWN, false)
		fi;
		b = 0
	:: else -> break
	od;
	users--
}

#ifdef HOTPLUG
/* drain_base(): from base 1 to base 0. */
inline drain()
{
	atomic { LOCK(lock[1]) };				/* T43 */
	atomic {
		LOCK(lock[0]);
		if
		:: wheel[1] != OUT ->
			wheel[1] = OUT;
			wheel[0] = SLOT;			/* T44 */
			owner = owner & ~CPU;			/* T45 */
			program(0, tick)
		:: else
		fi;
		UNLOCK(lock[0]);
		UNLOCK(lock[1])
	}
}

/* CPU 1 goes and comes: base_offline(), base_dead(), base_prepare(), base_online(). */
proctype hotplug()
{
	byte me = 1;

	atomic { LOCK(lock[1]); online[1] = false; UNLOCK(lock[1]) };	/* T46 */
#ifndef BREAK_DRAIN_IN_PASS
	atomic { !softirq[1] -> softirq[1] = true };		/* T47 */
#endif
#ifdef RT
	atomic { LOCK(expiry_lock[1]) };			/* T48 */
#endif
	drain();						/* T49 */
#ifdef RT
	UNLOCK(expiry_lock[1]);
#endif
#ifndef BREAK_DRAIN_IN_PASS
	softirq[1] = false;
#endif
	/* A CPU that dies handles its IPIs. From here on it is another one that acts. */
	!sent[1];
	me = 0;
	atomic { !softirq[1] -> queued[1] = NEVER };		/* T50 */
	atomic { LOCK(lock[1]); armed_ns[1] = NEVER; UNLOCK(lock[1]) };	/* T51 */
	drain();						/* T52 */
	kicked[1] = false;					/* T53 */
	me = 1;
	atomic {
		LOCK(lock[1]);
		online[1] = true;				/* T54 */
		program_next(1);				/* T55 */
		UNLOCK(lock[1])
	}
}
#endif

/* When nobody can go on: all have come to their end, and no arming was forgotten. */
proctype judge()
{
	timeout ->
	assert(users == 0);
	assert(!lock[0] && !lock[1]);
	assert(!(owner & MIGRATING));
	assert(!armed && !(owner & PENDING))
}

/* The timer is idle or armed; on any CPU, where that makes a difference. */
init
{
	atomic {
		if
		:: owner = 0
		:: owner = PENDING
#if defined(HOTPLUG) || USERS != 2
		:: owner = 1
		:: owner = PENDING | 1
#endif
		fi;
		if
		:: owner & PENDING ->
			armed = true;
			tick = NEAR;
			wheel[owner & CPU] = SLOT;
			armed_ns[owner & CPU] = NEAR;
			queued[owner & CPU] = NEAR
		:: else
		fi;
		run pass(0); run pass(1);
		run ipi(0); run ipi(1);
		run user(0);
#if USERS > 1
		run user(1);
#endif
#if USERS > 2
		run user(0);
#endif
#ifdef HOTPLUG
		run hotplug();
#endif
		run judge()
	}
}
