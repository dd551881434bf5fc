/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_CONTEXT_H
#define _HTW_CONTEXT_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/htw.h>

#include "base.h"
#include "clock.h"
#include "ring.h"
#include "shared.h"

struct eventfd_ctx;
struct fasync_struct;
struct file;
struct htw_account;
struct htw_user_timer;
struct htw_wheel;
struct seq_file;
struct vm_area_struct;

/**
 * struct htw_context - an open file of /dev/htw
 * @lock: see "Locking rules" in context.c
 * @events: expired timers whose events wait, in order of delivery
 * @nr_events: how many that are
 * @unread_steps: how often the clock was set since that was last told
 * @deferred: timers whose time has come and that @work has to look at, in order
 * @nr_in_pass: how many timers a pass has looked at since it began
 * @news: there are events of which nobody was told yet
 * @free: the slot that was free longest, and by &htw_user_timer.next_free all others
 * @last_free: the last of those, if there are any
 * @nr_timers: slots that are not free
 * @max_timers: limit of that
 * @stats: what has happened
 * @ring: where events go, if there is one
 * @words: the deadline words, if there are any: one for each slot
 * @readers: woken up when there is news
 * @fasync: who gets a signal then
 * @eventfd: signalled then, if it is not NULL
 * @after_pass: has them told at the end of the pass
 * @work: looks at what is @deferred
 * @grow: held by who adds a chunk, and by who sets up the context
 * @set_up: it has been set up
 * @step_events: clock steps are told as events
 * @exempt: the limit for one user does not apply
 * @nr_chunks: how many chunks of slots there are
 * @max_chunks: for how many there is place in @chunks
 * @chunks: slot index / HTW_CHUNK_TIMERS to the chunk
 * @tick_ns: the tick, which is the shortest interval too
 * @delay_flags: of timers that are armed by a delay: they do not follow a clock that
 *	somebody sets
 * @timer_size: bytes from one slot of a chunk to the next
 * @account: of the user who opened the file
 * @clock: the clock, if @wheel is NULL
 * @turn: protects @wheel
 * @wheel: HTW_CLOCK_VIRTUAL: the private wheel, which has the time too
 * @rcu: frees it when no pass can be using @after_pass any more
 */
struct htw_context {
	spinlock_t			lock;
	struct list_head		events;
	u32				nr_events;
	u32				unread_steps;
	struct list_head		deferred;
	unsigned int			nr_in_pass;
	bool				news;
	struct htw_user_timer		*free;
	struct htw_user_timer		*last_free;
	u32				nr_timers;
	u32				max_timers;
	struct htw_context_stats	stats;
	struct htw_event_ring		ring;
	struct htw_shared		words;

	wait_queue_head_t		readers;
	struct fasync_struct		*fasync;
	struct eventfd_ctx		*eventfd;
	struct htw_after_pass		after_pass;
	struct work_struct		work;

	struct mutex			grow;
	bool				set_up;
	bool				step_events;
	bool				exempt;
	u32				nr_chunks;
	u32				max_chunks;
	void				**chunks;
	size_t				timer_size;
	u64				tick_ns;
	u16				delay_flags;
	struct htw_account		*account;

	struct htw_clock		clock;
	struct mutex			turn;
	struct htw_wheel		*wheel;
	struct rcu_head			rcu;
};

struct htw_context *htw_context_create(struct file *file);
void htw_context_destroy(struct htw_context *ctx);
int htw_context_setup(struct htw_context *ctx, struct htw_setup *setup);
int htw_context_mmap(struct htw_context *ctx, struct vm_area_struct *vma);
int htw_context_set_eventfd(struct htw_context *ctx, int fd);

void htw_context_lock(struct htw_context *ctx) __acquires(&ctx->lock);
void htw_context_unlock(struct htw_context *ctx) __releases(&ctx->lock);

u64 htw_context_now(struct htw_context *ctx);

void htw_context_query(struct htw_context *ctx, struct htw_query *query);
void htw_context_stats(struct htw_context *ctx, struct htw_context_stats *stats);
void htw_context_show(struct htw_context *ctx, struct seq_file *seq);

#endif /* _HTW_CONTEXT_H */
