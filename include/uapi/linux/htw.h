/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * htw: very many timers on one file descriptor.
 *
 * An open file of /dev/htw is a context: it has its own timers, which nobody
 * else can see, and all of them end when its last descriptor is closed. Timers
 * are armed and cancelled with ioctl(HTW_IOC_OP); what they did is told by
 * events, of which read(2) returns as many struct htw_event as fit into its
 * buffer, in the order in which the timers expired; two of them can be of the same
 * periodic timer, if it expires again while the others are copied. poll(2) and
 * epoll(7) report EPOLLIN while there is at least one. open(2) fails with ENOMEM if
 * there is no memory for a context.
 *
 * All times are nanoseconds of CLOCK_MONOTONIC. The errnos named here are what the
 * system calls set. A call that fails has changed nothing, with one exception: if
 * another thread takes the argument's memory away while the call runs, the operation
 * may have been done although the call says EFAULT.
 *
 * read(2) fails with
 *
 *	EINVAL	the buffer is smaller than one event
 *	EAGAIN	no event is there, and the file is O_NONBLOCK
 *	EINTR	a signal came first, and its handler does not restart calls
 *	EFAULT	the buffer is not writable; no event is lost
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

/**
 * struct htw_query - what this kernel's htw can do, and its limits
 * @size: out: size of the structure that the kernel knows, in bytes
 * @flags: in: must be 0
 * @features: out: HTW_FEAT_ bits
 * @op_mask: out: bit n is set if the opcode n of struct htw_op is known
 * @timer_flags: out: HTW_TIMER_ flags that are known
 * @clock_mask: out: bit n is set if contexts can use the clock n
 * @resv0: out: 0
 * @tick_ns: out: timers fire at multiples of this, in ns
 * @min_gap_ns: out: no interrupt is programmed for sooner ahead than this, in ns
 * @min_interval_ns: out: shortest interval of a periodic timer, in ns
 * @max_file: out: most timers that one context can hold
 * @nr_file: out: timers that this context holds now, those with an unread
 *	event included
 * @resv: in: must be 0; out: 0
 */
struct htw_query {
	__u32	size;
	__u32	flags;
	__u64	features;
	__u64	op_mask;
	__u64	timer_flags;
	__u32	clock_mask;
	__u32	resv0;
	__u64	tick_ns;
	__u64	min_gap_ns;
	__u64	min_interval_ns;
	__u64	max_file;
	__u64	nr_file;
	__u64	resv[6];
};

/* htw_op.opcode */
#define HTW_OP_ARM		1
#define HTW_OP_REARM		2
#define HTW_OP_CANCEL		3
#define HTW_OP_REMAINING	4

/* htw_op.flags of HTW_OP_ARM and HTW_OP_REARM */
#define HTW_TIMER_ABS		(1U << 0)	/* expires is a time, not a delay */

/* htw_op.res of HTW_OP_CANCEL */
#define HTW_CANCELLED		1	/* it had not expired */
#define HTW_WITHDRAWN		2	/* it had expired, and its event was unread */

/**
 * struct htw_op - one operation on one timer
 * @opcode: in: HTW_OP_
 * @resv0: in: must be 0
 * @flags: in: HTW_TIMER_ flags
 * @expires: in: delay or time of the first expiry, in ns; at most S64_MAX.
 *	out (HTW_OP_REMAINING): the time, never a delay, of the next expiry; of the
 *	last one if it has expired and that has not been read
 * @interval: in: 0 for a timer that expires once, else the period in ns, from
 *	htw_query.min_interval_ns to S64_MAX. out (HTW_OP_REMAINING): the same
 * @slack: in: how much later than asked for the timer may fire so that it can
 *	share an interrupt with others, in ns; at most S64_MAX.
 *	out (HTW_OP_REMAINING): the same
 * @cookie: in: any value; returned in the timer's events.
 *	out (HTW_OP_REMAINING): the same
 * @id: the timer; HTW_OP_ARM takes 0 and returns it, all others take it
 * @value: out (HTW_OP_REMAINING): ns until the next expiry; 0 if it has expired
 *	and that has not been read
 * @res: out (HTW_OP_CANCEL): HTW_CANCELLED or HTW_WITHDRAWN; else 0
 * @arming: out: how many times HTW_OP_ARM and HTW_OP_REARM have armed this timer;
 *	HTW_EVENT_ARMING() of an event is the low 8 bits of it
 *
 * What an opcode does not take must be 0, but for @value, @res and @arming, which
 * are only written.
 *
 * %HTW_OP_ARM makes a timer. It takes @flags, @expires, @interval, @slack and
 * @cookie. A time that is past means as soon as possible. A timer that expires once
 * is gone when its event has been read, or when it is cancelled; a periodic one when
 * it is cancelled. No id is 0, and none is given to a second timer.
 *
 * %HTW_OP_REARM gives a timer new times and a new cookie, as if it were cancelled and
 * armed anew, but with the same id. It takes what HTW_OP_ARM takes, and @id. An event
 * that has not been read is withdrawn.
 *
 * %HTW_OP_CANCEL ends a timer. It takes @id alone. After it no event of this timer
 * will be read, but by a read(2) in another thread that had already begun.
 *
 * %HTW_OP_REMAINING tells what a timer is armed for and changes nothing. It takes @id
 * alone.
 */
struct htw_op {
	__u16	opcode;
	__u16	resv0;
	__u32	flags;
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
 * struct htw_event - one timer has expired
 * @cookie: htw_op.cookie of the timer
 * @id: the timer
 * @expires: when it was due: of the last expiry, if there were several, in ns
 * @expirations: 1, or for a periodic timer the number of expiries since it was
 *	last read, at most U32_MAX
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
#define HTW_EVENT_EXPIRED	0

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
 * * EOPNOTSUPP - the opcode is not known
 * * EINVAL - a value is out of its range, an unknown flag is set, or a field is not
 *   0 that must be
 * * ENOSPC - HTW_OP_ARM: the context holds as many timers as it may
 * * ENOMEM - HTW_OP_ARM: no memory
 * * ENOENT - there is no timer of this id: it never was, has been cancelled, or
 *   expired and its id has been given away since
 * * EALREADY - too late: the timer expired, and its event was read or is just being
 *   read
 * * EFAULT - the argument is not readable and writable
 */
#define HTW_IOC_OP		_IOWR(HTW_IOC_MAGIC, 1, struct htw_op)

#endif /* _UAPI_LINUX_HTW_H */
