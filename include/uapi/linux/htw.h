/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * htw: very many timers on one file descriptor.
 *
 * An open file of /dev/htw is a context: it has its own timers, which nobody
 * else can see, and all of them end when its last descriptor is closed and its last
 * mapping is gone. Timers are armed and cancelled with ioctl(HTW_IOC_OP), or many at
 * once with ioctl(HTW_IOC_BATCH). What they did is told by events, of which read(2)
 * returns as many struct htw_event as fit into its buffer, in the order in which the
 * timers expired; two of them can be of the same periodic timer, if it expires again
 * while the others are copied. poll(2) and epoll(7) report EPOLLIN while there is at
 * least one; SIGIO (FASYNC) and an eventfd (HTW_IOC_EVENTFD) tell of new ones.
 * open(2) fails with ENOMEM if there is no memory for a context.
 *
 * A context that is not told otherwise by HTW_IOC_SETUP is on CLOCK_MONOTONIC and has
 * neither a ring nor deadline words.
 *
 * All times are nanoseconds of the context's clock, as the time namespace sees it of
 * the task that opened the file. The errnos named here are what the system calls
 * set. A call that fails has changed nothing, with one exception: if another thread
 * takes the argument's memory away while the call runs, the operation may have been
 * done although the call says EFAULT; what it armed is then cancelled again.
 *
 * read(2) fails with
 *
 *	EINVAL	the buffer is smaller than one event
 *	EAGAIN	no event is there, and the file is O_NONBLOCK
 *	EINTR	a signal came first, and its handler does not restart calls
 *	EFAULT	the buffer is not writable; no event is lost
 *	EBUSY	the context has a ring: its events come there
 *
 * mmap(2) with
 *
 *	EINVAL	the offset or the length is not one that HTW_IOC_SETUP gave, or the
 *		mapping is MAP_PRIVATE
 *	EPERM	the ring is to be mapped writable
 *	ENOMEM	no memory
 *
 * and ioctl(2) with the errnos named at each request, or else
 *
 *	ENOTTY	no such request
 *	EFAULT	the argument is not readable and writable
 */
#ifndef _UAPI_LINUX_HTW_H
#define _UAPI_LINUX_HTW_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define HTW_IOC_MAGIC		0xBD

/* htw_query.features */
#define HTW_FEAT_INTERVAL	(1ULL << 0)	/* periodic timers */
#define HTW_FEAT_SLACK		(1ULL << 1)	/* htw_op.slack */
#define HTW_FEAT_BATCH		(1ULL << 2)	/* HTW_IOC_BATCH */
#define HTW_FEAT_RING		(1ULL << 3)	/* htw_setup.ring_entries */
#define HTW_FEAT_WORDS		(1ULL << 4)	/* HTW_SETUP_WORDS */
#define HTW_FEAT_EVENTFD	(1ULL << 5)	/* HTW_IOC_EVENTFD */
#define HTW_FEAT_STATS		(1ULL << 6)	/* HTW_IOC_STATS */

/* htw_setup.clock, besides CLOCK_MONOTONIC, _BOOTTIME, _REALTIME and _TAI */
#define HTW_CLOCK_VIRTUAL	31		/* stands still until HTW_OP_ADVANCE */

/**
 * struct htw_query - what this kernel's htw can do, and its limits
 * @size: out: size of the structure that the kernel knows, in bytes
 * @flags: in: must be 0
 * @features: out: HTW_FEAT_ bits
 * @op_mask: out: bit n is set if the opcode n of struct htw_op is known
 * @setup_flags: out: HTW_SETUP_ flags that are known
 * @timer_flags: out: HTW_TIMER_ flags that are known
 * @clock_mask: out: bit n is set if contexts can use the clock n
 * @max_batch: out: most operations of one HTW_IOC_BATCH
 * @tick_ns: out: timers fire at multiples of this, in ns; of a virtual clock, what
 *	HTW_IOC_SETUP made it
 * @min_gap_ns: out: no interrupt is programmed for sooner ahead than this, in ns
 * @min_interval_ns: out: shortest interval of a periodic timer, in ns
 * @max_file: out: most timers that this context can hold
 * @max_user: out: most timers that all contexts of one user can have room for
 * @max_total: out: most timers that all contexts together can have room for
 * @nr_file: out: timers that this context holds now, those with an unread
 *	event included
 * @nr_user: out: timers that the contexts of this user have room for now. Room is
 *	made for 32 timers at a time, and stays until the file is closed
 * @max_ring: out: most events that a ring can have
 * @resv0: out: 0
 * @resv: in: must be 0; out: 0
 *
 * The values on the way in of all fields that are only written do not matter.
 */
struct htw_query {
	__u32	size;
	__u32	flags;
	__u64	features;
	__u64	op_mask;
	__u64	setup_flags;
	__u64	timer_flags;
	__u32	clock_mask;
	__u32	max_batch;
	__u64	tick_ns;
	__u64	min_gap_ns;
	__u64	min_interval_ns;
	__u64	max_file;
	__u64	max_user;
	__u64	max_total;
	__u64	nr_file;
	__u64	nr_user;
	__u32	max_ring;
	__u32	resv0;
	__u64	resv;
};

/* htw_setup.flags */
#define HTW_SETUP_WORDS		(1U << 0)	/* a table of deadline words */
#define HTW_SETUP_CLOCK_STEPS	(1U << 1)	/* an event when the clock is set */

/**
 * struct htw_setup - what a context is to be like
 * @size: out: size of the structure that the kernel knows, in bytes
 * @flags: in: HTW_SETUP_ flags
 * @clock: in: CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME, CLOCK_TAI or
 *	HTW_CLOCK_VIRTUAL
 * @ring_entries: in: 0, or how many events the ring has: a power of two up to
 *	htw_query.max_ring
 * @max_timers: in: most timers that the context can hold, up to
 *	htw_query.max_file; 0 for that. out: the number that holds
 * @resv0: in: must be 0
 * @virtual_start: in: HTW_CLOCK_VIRTUAL: its first time, in ns, at most S64_MAX;
 *	else 0
 * @tick_ns: in: HTW_CLOCK_VIRTUAL: its tick in ns, a power of two up to 2^40, or 0
 *	for the usual one; else 0. out: the tick
 * @ring_off: out: offset for mmap(2) of the ring
 * @ring_len: out: length of that mapping, in bytes; 0 if there is no ring
 * @ctl_off: out: offset for mmap(2) of struct htw_ctl
 * @ctl_len: out: length of that mapping; 0 if there is no ring
 * @words_off: out: offset for mmap(2) of the deadline words
 * @words_len: out: length of that mapping; 0 if there are none
 * @event_off: out: where the events begin in the ring's mapping; the struct htw_ring
 *	is at its beginning
 * @event_size: out: bytes from one event there to the next
 * @resv: in: must be 0; out: 0
 *
 * The values on the way in of fields that are only written do not matter.
 */
struct htw_setup {
	__u32	size;
	__u32	flags;
	__u32	clock;
	__u32	ring_entries;
	__u32	max_timers;
	__u32	resv0;
	__u64	virtual_start;
	__u64	tick_ns;
	__u64	ring_off;
	__u64	ring_len;
	__u64	ctl_off;
	__u64	ctl_len;
	__u64	words_off;
	__u64	words_len;
	__u32	event_off;
	__u32	event_size;
	__u64	resv[4];
};

/* htw_op.opcode */
#define HTW_OP_ARM		1
#define HTW_OP_REARM		2
#define HTW_OP_CANCEL		3
#define HTW_OP_REMAINING	4
#define HTW_OP_CANCEL_MATCH	5
#define HTW_OP_ADVANCE		6

/*
 * htw_op.flags of HTW_OP_ARM and HTW_OP_REARM. HTW_TIMER_SKIP and HTW_TIMER_BURST exclude
 * each other, and are for periodic timers. HTW_TIMER_DEADLINE excludes
 * HTW_TIMER_COARSE and HTW_TIMER_WORD.
 */
#define HTW_TIMER_ABS		(1U << 0)	/* expires is a time, not a delay */
#define HTW_TIMER_DEADLINE	(1U << 1)	/* fire before expires, by up to slack */
#define HTW_TIMER_COARSE	(1U << 2)	/* 1/8 of the delay is slack */
#define HTW_TIMER_KEEP		(1U << 3)	/* the id lives on after the last event */
#define HTW_TIMER_SKIP		(1U << 4)	/* missed periods are not counted */
#define HTW_TIMER_BURST		(1U << 5)	/* missed periods have events of their own */
#define HTW_TIMER_WORD		(1U << 6)	/* obey this timer's deadline word */

/* htw_op.flags of HTW_OP_ADVANCE, besides HTW_TIMER_ABS */
#define HTW_ADVANCE_NEXT	(1U << 8)	/* stop when there is an event */

/* htw_op.res of HTW_OP_ARM and HTW_OP_REARM; as in the kernel's own <linux/htw.h> */
#define HTW_LATE		0x02	/* HTW_TIMER_DEADLINE that can't be kept */

/* htw_op.res of HTW_OP_CANCEL */
#define HTW_CANCELLED		1	/* it had not expired */
#define HTW_WITHDRAWN		2	/* it had expired, and its event was unread */
#define HTW_DELIVERED		3	/* HTW_TIMER_KEEP: its event is delivered */

/* htw_op.res of HTW_OP_REMAINING */
#define HTW_STATE_ARMED		0	/* it will expire */
#define HTW_STATE_EXPIRED	1	/* it has expired, and its event is unread */
#define HTW_STATE_DELIVERED	2	/* HTW_TIMER_KEEP: its event is delivered */

/**
 * struct htw_op - one operation on one timer
 * @opcode: in: HTW_OP_
 * @flags: in: HTW_TIMER_ flags
 * @count: in: how often a periodic timer expires in all; 0 for without end.
 *	out (HTW_OP_REMAINING): how many expiries are still to be told by events; 0 for
 *	without end. Must be 0 without @interval
 * @expires: in: delay or time of the first expiry, in ns; at most S64_MAX.
 *	out (HTW_OP_REMAINING): the time, never a delay, of the next expiry; of the
 *	last one if it has expired and that has not been read
 * @interval: in: 0 for a timer that expires once, else the period in ns, from
 *	htw_query.min_interval_ns to S64_MAX. out (HTW_OP_REMAINING): the same
 * @slack: in: how much later than asked for the timer may fire so that it can
 *	share an interrupt with others, in ns; at most S64_MAX. With HTW_TIMER_DEADLINE
 *	how much earlier. out (HTW_OP_REMAINING): the same, or what HTW_TIMER_COARSE has
 *	made of it
 * @cookie: in: any value; returned in the timer's events.
 *	out (HTW_OP_REMAINING): the same
 * @id: the timer; HTW_OP_ARM takes 0 and returns it
 * @value: in (HTW_OP_CANCEL_MATCH): which bits of @cookie must agree.
 *	out (HTW_OP_REMAINING): ns until the next expiry; 0 if it has expired.
 *	out (HTW_OP_CANCEL): the time of the next expiry, or of the last one if it had
 *	expired: the deadline that really held, with what its word had made of it.
 *	out (HTW_OP_ADVANCE): the time that it is now
 * @res: out: negative errno if it failed, in a batch; else HTW_LATE, HTW_CANCELLED and
 *	so on, see there. out (HTW_OP_CANCEL_MATCH): how many timers it has ended. Else 0
 * @arming: out: how many times HTW_OP_ARM and HTW_OP_REARM have armed this timer;
 *	HTW_EVENT_ARMING() of an event is the low 8 bits of it
 *
 * What an opcode does not take must be 0, but for @value, @res and @arming, which
 * are only written unless said otherwise.
 *
 * %HTW_OP_ARM makes a timer. It takes @flags, @count, @expires, @interval, @slack and
 * @cookie. A time that is past means as soon as possible. A timer that expires once,
 * or @count times, is gone when its last event has been delivered, unless it has
 * HTW_TIMER_KEEP, or when it is cancelled. An event is delivered when it has been
 * read, or is in the ring. No id is 0, and none is given to a second timer.
 *
 * %HTW_OP_REARM gives a timer new times, flags and a new cookie, as if it were
 * cancelled and armed anew, but with the same id. It takes what HTW_OP_ARM takes, and
 * @id. An event that has not been delivered is withdrawn.
 *
 * %HTW_OP_CANCEL ends a timer. It takes @id alone. After it no event of this timer
 * will be delivered, but by a read(2) in another thread that had already begun.
 *
 * %HTW_OP_REMAINING tells what a timer is armed for and changes nothing. It takes @id
 * alone.
 *
 * %HTW_OP_CANCEL_MATCH cancels all timers whose cookie agrees with @cookie in the bits
 * that are set in @value; with 0 in both, all. It looks at every timer of the
 * context. What other threads arm meanwhile may or may not be cancelled.
 *
 * %HTW_OP_ADVANCE lets the time of a context on HTW_CLOCK_VIRTUAL pass: by @expires
 * ns, or with HTW_TIMER_ABS up to the time @expires (if that is past, nothing happens).
 * Timers expire in the order of their ticks, and those of one tick in the order in
 * which they were armed. It takes @flags and @expires. With HTW_ADVANCE_NEXT time goes no
 * further than to the first tick at which there is an event. A signal can also stop
 * it on the way. Where it has stopped is in @value, and it has succeeded.
 */
struct htw_op {
	__u16	opcode;
	__u16	flags;
	__u32	count;
	__u64	expires;
	__u64	interval;
	__u64	slack;
	__u64	cookie;
	__u64	id;
	__u64	value;
	__s32	res;
	__u32	arming;
};

/**
 * struct htw_event - one timer has expired, or the clock was set
 * @cookie: htw_op.cookie of the timer; 0 in HTW_EVENT_CLOCK_STEP
 * @id: the timer; 0 in HTW_EVENT_CLOCK_STEP
 * @expires: when it was due: of the last expiry, if there were several, in ns; with
 *	HTW_TIMER_SKIP of the first of those that it stands for. If
 *	its deadline word has put it off, this is the deadline that really held.
 *	HTW_EVENT_CLOCK_STEP: the time now
 * @expirations: 1, or for a periodic timer the number of expiries since its last
 *	event, at most U32_MAX. HTW_EVENT_CLOCK_STEP: how often the clock was set
 * @info: see HTW_EVENT_TYPE(), HTW_EVENT_ARMING() and HTW_EVENT_LATENESS()
 */
struct htw_event {
	__u64	cookie;
	__u64	id;
	__u64	expires;
	__u32	expirations;
	__u32	info;
};

/* HTW_EVENT_TYPE() of an event */
#define HTW_EVENT_EXPIRED	0	/* a timer has expired */
#define HTW_EVENT_CLOCK_STEP	1	/* the clock was set: HTW_SETUP_CLOCK_STEPS */

/* What kind of event this is. */
#define HTW_EVENT_TYPE(info)		((info) >> 28)

/* Low 8 bits of htw_op.arming: tells an event from one of an older arming. */
#define HTW_EVENT_ARMING(info)		(((info) >> 20) & 0xff)

/*
 * How late the timer fired, in ns: how long after the end of its slack, rounded up
 * to the tick; 0 if it fired before that. A multiple of 1024 ns, at most
 * HTW_EVENT_LATENESS_MAX. Of a periodic timer it is the lateness of the first
 * expiry that was not read.
 */
#define HTW_EVENT_LATENESS(info)	(((__u64)(info) & 0xfffff) << 10)
#define HTW_EVENT_LATENESS_MAX		((__u64)0xfffff << 10)

/* htw_ring.flags */
#define HTW_RING_STALLED	(1U << 0)	/* events wait outside of the ring */

/**
 * struct htw_ring - what the kernel tells a program that consumes a ring
 * @tail: how many events were ever put into the ring, modulo 2^32
 * @flags: HTW_RING_ flags
 * @entries: how many events the ring has
 * @mask: @entries - 1
 * @stalls: how often HTW_RING_STALLED was set
 * @resv: 0
 *
 * Read-only for the program. The event number n, counted from 0, is at the index
 * n & @mask of the array that begins at htw_setup.event_off. An event is there before
 * @tail counts it: load @tail with acquire semantics, then read the events from
 * htw_ctl.head up to it, then store htw_ctl.head with release semantics.
 *
 * If the ring is full, events wait in the kernel, in order, and HTW_RING_STALLED is
 * set. They get into the ring when the program calls ioctl(HTW_IOC_BATCH), which may be
 * one that does nothing else, or poll(2) or epoll_wait(2). So after it has stored
 * htw_ctl.head the program must execute a full memory barrier, load @flags, and make
 * such a call if it finds HTW_RING_STALLED. The kernel sets HTW_RING_STALLED, executes
 * a full memory barrier, and looks at htw_ctl.head once more: one of the two sees what
 * the other has stored.
 */
struct htw_ring {
	__u32	tail;
	__u32	flags;
	__u32	entries;
	__u32	mask;
	__u64	stalls;
	__u64	resv[13];
};

/**
 * struct htw_ctl - what a program tells the kernel about a ring
 * @head: how many events the program has consumed, modulo 2^32
 * @resv0: must be 0
 * @resv: must be 0
 *
 * Only the program writes it. A @head that can't be means that the ring is full.
 */
struct htw_ctl {
	__u32	head;
	__u32	resv0;
	__u64	resv[15];
};

/*
 * Deadline words (HTW_SETUP_WORDS): an array of __u64, one for each timer that the
 * context can hold. The one of a timer is at this index.
 *
 * A timer with HTW_TIMER_WORD is put off by a store of a later time, on the context's
 * clock, into its word; the slack stays as it is. No call is needed. The kernel
 * sets the word to 0 when the timer is armed or re-armed, and reads it when the
 * timer's old expiry comes: if it is a later time, the timer is armed for that and
 * there is no event. It may be put off often, at one re-filing for each old expiry,
 * but by less than htw_query.min_interval_ns only as if it were that.
 *
 * A word that is 0, that is not later than the expiry or above S64_MAX has no effect.
 * A store that comes after the kernel has read the word is lost: htw_event.expires is
 * the deadline that held, and a program that finds a later one in the word arms the
 * timer again (HTW_OP_REARM, if it has HTW_TIMER_KEEP).
 *
 * The store must be of all 64 bits at once. Words are not for periodic timers, nor for
 * HTW_TIMER_DEADLINE, nor for CLOCK_REALTIME and CLOCK_TAI.
 */
#define HTW_WORD_INDEX(id)	((__u32)(id))

/* htw_batch.timeout */
#define HTW_FOREVER		(~0ULL)

/**
 * struct htw_batch - many operations, and then a wait for events
 * @ops: in: address of an array of &struct htw_op; anything if @nr_ops is 0
 * @nr_ops: in: how many, at most htw_query.max_batch
 * @done: out: how many of them were done: of each of these @ops has the result, in
 *	htw_op.res
 * @events: in: address of an array of &struct htw_event; 0 if the context has a ring
 * @nr_events: in: how many fit there; 0 if the context has a ring
 * @got: out: how many events were read, or are in the ring
 * @min_events: in: wait until there are so many events, at most @nr_events or
 *	htw_setup.ring_entries; 0 not to wait
 * @flags: in: must be 0
 * @timeout: in: how long to wait at most, in ns of CLOCK_MONOTONIC, at most S64_MAX;
 *	or HTW_FOREVER. 0 if @min_events is 0
 * @now: out: the time on the context's clock
 * @resv: in: must be 0
 */
struct htw_batch {
	__u64	ops;
	__u32	nr_ops;
	__u32	done;
	__u64	events;
	__u32	nr_events;
	__u32	got;
	__u32	min_events;
	__u32	flags;
	__u64	timeout;
	__u64	now;
	__u64	resv;
};

/**
 * struct htw_context_stats - what has happened in a context
 * @size: out: size of the structure that the kernel knows, in bytes
 * @flags: in: must be 0
 * @armed: out: HTW_OP_ARM that succeeded
 * @rearmed: out: HTW_OP_REARM that succeeded
 * @cancelled: out: timers that ended with HTW_CANCELLED
 * @withdrawn: out: events that were never delivered because their timer was cancelled
 *	or re-armed
 * @expired: out: times that a timer expired and became an event
 * @delivered: out: events that were read or put into the ring
 * @pushed: out: times that a timer was put off by its deadline word
 * @refiled: out: times that a timer was armed for another time because its clock
 *	was set or had been suspended
 * @stalls: out: times that events had to wait outside of the ring
 * @wakeups: out: times that those who wait were woken
 * @clock_steps: out: times that the clock was found to have been set or suspended; what is
 *	set twice at once counts once
 * @lateness_max: out: the largest lateness of a timer, in ns, as in
 *	HTW_EVENT_LATENESS() but without a limit
 * @resv: in: must be 0; out: 0
 */
struct htw_context_stats {
	__u32	size;
	__u32	flags;
	__u64	armed;
	__u64	rearmed;
	__u64	cancelled;
	__u64	withdrawn;
	__u64	expired;
	__u64	delivered;
	__u64	pushed;
	__u64	refiled;
	__u64	stalls;
	__u64	wakeups;
	__u64	clock_steps;
	__u64	lateness_max;
	__u64	resv[3];
};

/**
 * HTW_IOC_QUERY - ask what htw can do
 *
 * Takes a &struct htw_query, of which a program may know an older and shorter or
 * a newer and longer version: the size is part of the request's number.
 *
 * Errors:
 *
 * * EINVAL - flags or resv is not 0, or the size is less than 8 bytes
 * * E2BIG - there is anything but 0 in what the kernel does not know
 * * EFAULT - the argument is not readable and writable
 */
#define HTW_IOC_QUERY		_IOWR(HTW_IOC_MAGIC, 0, struct htw_query)

/**
 * HTW_IOC_OP - do one operation
 *
 * Takes a &struct htw_op and returns 0.
 *
 * Errors:
 *
 * * EOPNOTSUPP - the opcode is not known, or not for the clock of the context
 * * EINVAL - a value is out of its range, an unknown flag is set, flags contradict each
 *   other, or a field is not 0 that must be
 * * ENOSPC - HTW_OP_ARM: the context holds as many timers as it may; or, with
 *   HTW_TIMER_WORD, there is no word for this one
 * * EDQUOT - HTW_OP_ARM: the user who opened the file (by real user id) has room for
 *   no more timers
 * * ENFILE - HTW_OP_ARM: all users together have room for no more
 * * ENOMEM - HTW_OP_ARM: no memory
 * * ENOENT - there is no timer of this id: it never was, has been cancelled, or
 *   expired and its id has been given away since
 * * EALREADY - too late: the timer expired, and its event was delivered or is just
 *   being read
 * * EFAULT - the argument is not readable and writable
 */
#define HTW_IOC_OP		_IOWR(HTW_IOC_MAGIC, 1, struct htw_op)

/**
 * HTW_IOC_SETUP - choose the clock, the limit, the ring and the words of a context
 *
 * Takes a &struct htw_setup, of any version, see HTW_IOC_QUERY. It can be done once, and
 * before the first timer is armed.
 *
 * Errors:
 *
 * * EINVAL - a value is out of its range, an unknown flag is set, a field is not 0
 *   that must be, or the size is less than 8 bytes
 * * EOPNOTSUPP - the clock is not known; or HTW_SETUP_WORDS with CLOCK_REALTIME or
 *   CLOCK_TAI; or HTW_SETUP_CLOCK_STEPS with any other clock
 * * EBUSY - it was done before, or a timer has been armed
 * * E2BIG - there is anything but 0 in what the kernel does not know
 * * ENOMEM - no memory
 * * EFAULT - the argument is not readable and writable
 */
#define HTW_IOC_SETUP		_IOWR(HTW_IOC_MAGIC, 2, struct htw_setup)

/**
 * HTW_IOC_BATCH - do many operations, then wait for events and read them
 *
 * Takes a &struct htw_batch and returns 0. The operations are done in order, each
 * as HTW_IOC_OP would do it; that one fails does not keep the next from being done.
 * Between any two of them other threads can do theirs.
 *
 * It stops early if an operation can't be read or its result not be written, or a
 * signal comes. htw_batch.done tells how many were done then, and the call succeeds
 * if that is not 0. Nothing is half done: an HTW_OP_ARM whose result can't be
 * written is cancelled again; of the other opcodes the effect stands, and done does not
 * count it. If it stops early it does not wait.
 *
 * A wait that ends without enough events, because the time is over or a signal came
 * after at least one operation was done, has not failed: htw_batch.got tells. So it is
 * if the kernel itself has something to do for the task, as after an io_uring.
 *
 * Errors:
 *
 * * EINVAL - a value is out of its range, or a field is not 0 that must be
 * * EINTR - a signal came before anything was done or read
 * * EFAULT - the argument is not readable and writable; or the first operation is not,
 *   or, without operations, the room for events is not writable
 */
#define HTW_IOC_BATCH		_IOWR(HTW_IOC_MAGIC, 3, struct htw_batch)

/**
 * HTW_IOC_EVENTFD - have an eventfd signalled when there are new events
 *
 * Takes a pointer to an __s32, a file descriptor from eventfd(2), which replaces an
 * older one; or -1 for none. Its counter grows by 1 for any number of events that
 * come at once.
 *
 * Errors:
 *
 * * EBADF - no such descriptor
 * * EINVAL - the descriptor is not of an eventfd
 * * EFAULT - the argument is not readable
 */
#define HTW_IOC_EVENTFD		_IOW(HTW_IOC_MAGIC, 4, __s32)

/**
 * HTW_IOC_STATS - ask what has happened in a context
 *
 * Takes a &struct htw_context_stats, of any version, see HTW_IOC_QUERY.
 *
 * Errors:
 *
 * * EINVAL - flags or resv is not 0, or the size is less than 8 bytes
 * * E2BIG - there is anything but 0 in what the kernel does not know
 * * EFAULT - the argument is not readable and writable
 */
#define HTW_IOC_STATS		_IOWR(HTW_IOC_MAGIC, 5, struct htw_context_stats)

#endif /* _UAPI_LINUX_HTW_H */
