/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_OP_H
#define _HTW_OP_H

#include <linux/types.h>
#include <uapi/linux/htw.h>

struct htw_context;

/* Most operations of one batch. */
#define HTW_MAX_BATCH	65536

int htw_op_do(struct htw_context *ctx, struct htw_op *op);
void htw_op_undo_arm(struct htw_context *ctx, const struct htw_op *op);
int htw_op_batch(struct htw_context *ctx, struct htw_batch *batch);

u64 htw_op_mask(void);
u64 htw_op_timer_flags(void);

#endif /* _HTW_OP_H */
