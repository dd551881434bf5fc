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
int device_op(int fd, struct htw_op *op);

#endif /* HTW_TOOL_DEVICE_H */
