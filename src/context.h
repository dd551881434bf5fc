/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_CONTEXT_H
#define _HTW_CONTEXT_H

#include <linux/types.h>
#include <uapi/linux/htw.h>

struct file;
struct htw_context;
struct poll_table_struct;
struct seq_file;

struct htw_context *htw_context_create(void);
void htw_context_destroy(struct htw_context *ctx);

int htw_context_op(struct htw_context *ctx, struct htw_op *op);
void htw_context_query(struct htw_context *ctx, struct htw_query *query);
ssize_t htw_context_read(struct htw_context *ctx, struct htw_event __user *buf,
			 size_t nr, bool nonblock);
__poll_t htw_context_poll(struct htw_context *ctx, struct file *file,
			  struct poll_table_struct *wait);
void htw_context_show(struct htw_context *ctx, struct seq_file *seq);

#endif /* _HTW_CONTEXT_H */
