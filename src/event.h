/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_EVENT_H
#define _HTW_EVENT_H

#include <linux/poll.h>
#include <linux/types.h>
#include <uapi/linux/htw.h>

struct file;
struct htw_after_pass;
struct htw_context;
struct htw_timer;
struct htw_user_timer;
struct htw_wheel;
struct htw_wheel_timer;
struct work_struct;

void htw_event_expired(struct htw_timer *timer);
void htw_event_virtual_expired(struct htw_wheel *wheel,
			       struct htw_wheel_timer *timer);
void htw_event_after_pass(struct htw_after_pass *after);
void htw_event_work(struct work_struct *work);

void htw_event_queue(struct htw_user_timer *ut);
void htw_event_unqueue(struct htw_user_timer *ut);
void htw_event_of_steps(struct htw_context *ctx, u64 now,
			struct htw_event *event);
void htw_event_clock_stepped(struct htw_context *ctx);
void htw_event_notify(struct htw_context *ctx);

ssize_t htw_event_read(struct htw_context *ctx, struct htw_event __user *buf,
		       size_t nr, bool nonblock);
int htw_event_wait(struct htw_context *ctx, u32 nr, u64 timeout_ns);
__poll_t htw_event_poll(struct htw_context *ctx, struct file *file,
			struct poll_table_struct *wait);

#endif /* _HTW_EVENT_H */
