/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_TOOL_DEVICE_H
#define HTW_TOOL_DEVICE_H

#include <linux/htw.h>
#include <stdbool.h>

#define DEVICE_DEFAULT	"/dev/htw"
#define MODULE_DIR	"/sys/module/htw"

bool explain_not_loaded(void);
void device_choose(const char *path);
int device_open(int flags);
int device_query(int fd, struct htw_query *query);
bool device_setup(int fd, const char *cmd, struct htw_setup *setup);
int device_op(int fd, struct htw_op *op);
int device_batch(int fd, struct htw_batch *batch);
int device_stats(int fd, struct htw_context_stats *stats);
void explain_errno(int err);

#endif /* HTW_TOOL_DEVICE_H */
