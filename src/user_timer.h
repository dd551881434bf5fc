/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_USER_TIMER_H
#define _HTW_USER_TIMER_H

#include <linux/build_bug.h>
#include <linux/htw.h>
#include <linux/htw_wheel.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/types.h>
#include <uapi/linux/htw.h>

struct htw_context;

/* They come in chunks. */
#define HTW_CHUNK_TIMERS	32

enum htw_user_timer_state {
	HTW_TIMER_FREE,
	HTW_TIMER_ARMED,
	HTW_TIMER_DEFERRED,
	HTW_TIMER_EXPIRED,
	HTW_TIMER_COPYING,
	HTW_TIMER_KEPT,
	HTW_NR_TIMER_STATES,
};

/*
 * In htw_user_timer::flags: its times are those of CLOCK_MONOTONIC in the kernel, not
 * of the context's clock, which may be set without an effect on this timer.
 */
#define HTW_TIMER_MONOTONIC	0x8000

/**
 * struct htw_user_timer - a timer of a program
 * @ctx: the context it belongs to
 * @link: in htw_context::events (EXPIRED) or ::deferred (DEFERRED)
 * @next_free: the next one in htw_context::free (FREE)
 * @cookie: the program's
 * @interval: period in ns, or 0
 * @slack: in ns
 * @expires: when it is due next (or was, last), on its clock: see %HTW_TIMER_MONOTONIC
 * @index: number of the slot
 * @generation: counts the ids that this slot has had; 0 before the first
 * @arming: counts how often this id was armed
 * @count: how often it will still expire, if it is periodic; 0 for without end
 * @late: lateness of the expiry, in units of 1024 ns (EXPIRED)
 * @flags: HTW_TIMER_ of the uapi, and %HTW_TIMER_MONOTONIC
 * @state: what the timer is doing
 * @delivered: the last event of the last id was delivered (FREE), or is as good as
 *	delivered (COPYING)
 * @timer: the timer in the wheel
 * @virtual_timer: the same on HTW_CLOCK_VIRTUAL
 */
struct htw_user_timer {
	struct htw_context		*ctx;
	union {
		struct list_head	link;
		struct htw_user_timer	*next_free;
	};
	u64				cookie;
	u64				interval;
	u64				slack;
	u64				expires;
	u32				index;
	u32				generation;
	u32				arming;
	u32				count;
	u32				late;
	u16				flags;
	u8				state;
	bool				delivered;
	union {
		struct htw_timer	timer;
		struct htw_wheel_timer	virtual_timer;
	};
};

/* What one takes if it is not virtual. */
#define HTW_USER_TIMER_SIZE						\
	(offsetof(struct htw_user_timer, timer) + sizeof(struct htw_timer))

#if defined(CONFIG_64BIT) && !defined(CONFIG_LOCKDEP)
static_assert(HTW_USER_TIMER_SIZE == 128);
#endif

/**
 * struct htw_outcome - what becomes of a timer when its event is delivered
 * @next: when it is due next
 * @nr: how many expiries the event stands for
 * @last: there is no next one
 */
struct htw_outcome {
	u64	next;
	u64	nr;
	bool	last;
};

int htw_user_timer_grow(struct htw_context *ctx);
void htw_user_timer_end_all(struct htw_context *ctx);

struct htw_user_timer *htw_user_timer_take(struct htw_context *ctx);
void htw_user_timer_put(struct htw_user_timer *ut);
struct htw_user_timer *htw_user_timer_find(struct htw_context *ctx, u64 id);
struct htw_user_timer *htw_user_timer_at(struct htw_context *ctx, u32 index);

int htw_user_timer_start(struct htw_user_timer *ut);
int htw_user_timer_stop(struct htw_user_timer *ut);

u64 htw_user_timer_show_time(const struct htw_user_timer *ut, u64 time);
u64 htw_user_timer_held(const struct htw_user_timer *ut);
bool htw_user_timer_due(const struct htw_user_timer *ut, u64 now);
void htw_user_timer_note_lateness(struct htw_user_timer *ut, u64 now);

void htw_user_timer_event(const struct htw_user_timer *ut, u64 now,
			  struct htw_event *event, struct htw_outcome *outcome);
void htw_user_timer_delivered(struct htw_user_timer *ut,
			      const struct htw_outcome *outcome);

/**
 * htw_user_timer_id() - how a program names a timer
 * @ut: the timer
 *
 * Return: its id.
 */
static inline u64 htw_user_timer_id(const struct htw_user_timer *ut)
{
	return (u64)ut->generation << 32 | ut->index;
}

/**
 * htw_user_timer_own_time() - the time on a timer's own clock
 * @ut: the timer
 * @now: the time on the context's clock
 *
 * Return: the time that @ut->expires is to be compared with.
 */
static inline u64 htw_user_timer_own_time(const struct htw_user_timer *ut,
					  u64 now)
{
	return ut->flags & HTW_TIMER_MONOTONIC ? ktime_get() : now;
}

#endif /* _HTW_USER_TIMER_H */
