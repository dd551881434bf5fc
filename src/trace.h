/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM htw

#if !defined(_HTW_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _HTW_TRACE_H

#include <linux/htw.h>
#include <linux/tracepoint.h>
#include <uapi/linux/htw.h>

/* What an arming found: the timer idle, or pending, and then how it was moved. */
#define HTW_ARM_NEW	0
#define HTW_ARM_MOVE	1
#define HTW_ARM_PUSH	2

#define show_htw_arm(how)			\
	__print_symbolic(how,			\
			 { HTW_ARM_NEW, "new" },	\
			 { HTW_ARM_MOVE, "move" },	\
			 { HTW_ARM_PUSH, "push" })

/* The base's lock is held: the timer is as it will be when it is released. */
TRACE_EVENT(htw_arm,
	    TP_PROTO(const struct htw_timer *timer, unsigned int cpu,
		     unsigned int how),

	    TP_ARGS(timer, cpu, how),

	    TP_STRUCT__entry(__field(const void *, timer)
			     __field(void *, function)
			     __field(u64, expires)
			     __field(u64, tick)
			     __field(unsigned int, cpu)
			     __field(unsigned int, how)
	    ),

	    TP_fast_assign(__entry->timer = timer;
			   __entry->function = timer->function;
			   __entry->expires = timer->expires;
			   __entry->tick = timer->node.tick;
			   __entry->cpu = cpu;
			   __entry->how = how;
	    ),

	    TP_printk("timer=%p function=%ps expires=%llu tick=%llu cpu=%u how=%s",
		      __entry->timer, __entry->function, __entry->expires,
		      __entry->tick, __entry->cpu, show_htw_arm(__entry->how))
);

/* By htw_cancel() and its kin; not if an arming is replaced. */
TRACE_EVENT(htw_cancel,
	    TP_PROTO(const struct htw_timer *timer),

	    TP_ARGS(timer),

	    TP_STRUCT__entry(__field(const void *, timer)
			     __field(void *, function)
	    ),

	    TP_fast_assign(__entry->timer = timer;
			   __entry->function = timer->function;
	    ),

	    TP_printk("timer=%p function=%ps", __entry->timer, __entry->function)
);

TRACE_EVENT(htw_expire_entry,
	    TP_PROTO(const struct htw_timer *timer, u64 now, u64 lateness),

	    TP_ARGS(timer, now, lateness),

	    TP_STRUCT__entry(__field(const void *, timer)
			     __field(void *, function)
			     __field(u64, now)
			     __field(u64, tick)
			     __field(s64, lateness)
	    ),

	    TP_fast_assign(__entry->timer = timer;
			   __entry->function = timer->function;
			   __entry->now = now;
			   __entry->tick = timer->node.tick;
			   __entry->lateness = lateness;
	    ),

	    TP_printk("timer=%p function=%ps now=%llu tick=%llu lateness=%lld",
		      __entry->timer, __entry->function, __entry->now,
		      __entry->tick, __entry->lateness)
);

/* The callback may have freed the timer: nothing is known of it but its address. */
TRACE_EVENT(htw_expire_exit,
	    TP_PROTO(const void *timer),

	    TP_ARGS(timer),

	    TP_STRUCT__entry(__field(const void *, timer)
	    ),

	    TP_fast_assign(__entry->timer = timer;
	    ),

	    TP_printk("timer=%p", __entry->timer)
);

/* One step: what was done to the wheel without letting go of the lock. */
TRACE_EVENT(htw_cascade,
	    TP_PROTO(unsigned int cpu, unsigned int moves, unsigned int expired),

	    TP_ARGS(cpu, moves, expired),

	    TP_STRUCT__entry(__field(unsigned int, cpu)
			     __field(unsigned int, moves)
			     __field(unsigned int, expired)
	    ),

	    TP_fast_assign(__entry->cpu = cpu;
			   __entry->moves = moves;
			   __entry->expired = expired;
	    ),

	    TP_printk("cpu=%u moves=%u expired=%u", __entry->cpu, __entry->moves,
		      __entry->expired)
);

/* A pending timer, by being armed elsewhere or because its CPU goes away. */
TRACE_EVENT(htw_migrate,
	    TP_PROTO(const struct htw_timer *timer, unsigned int from,
		     unsigned int to),

	    TP_ARGS(timer, from, to),

	    TP_STRUCT__entry(__field(const void *, timer)
			     __field(void *, function)
			     __field(unsigned int, from)
			     __field(unsigned int, to)
	    ),

	    TP_fast_assign(__entry->timer = timer;
			   __entry->function = timer->function;
			   __entry->from = from;
			   __entry->to = to;
	    ),

	    TP_printk("timer=%p function=%ps from=%u to=%u", __entry->timer,
		      __entry->function, __entry->from, __entry->to)
);

/* An event has reached its program. */
TRACE_EVENT(htw_event,
	    TP_PROTO(const struct htw_event *event),

	    TP_ARGS(event),

	    TP_STRUCT__entry(__field(u64, id)
			     __field(u64, cookie)
			     __field(u64, expires)
			     __field(u32, expirations)
			     __field(u32, lateness)
	    ),

	    TP_fast_assign(__entry->id = event->id;
			   __entry->cookie = event->cookie;
			   __entry->expires = event->expires;
			   __entry->expirations = event->expirations;
			   __entry->lateness = HTW_EVENT_LATENESS(event->info);
	    ),

	    TP_printk("id=%#llx cookie=%#llx expires=%llu expirations=%u lateness=%u",
		      __entry->id, __entry->cookie, __entry->expires,
		      __entry->expirations, __entry->lateness)
);

#endif /* _HTW_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
