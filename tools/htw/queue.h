/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_TOOL_QUEUE_H
#define HTW_TOOL_QUEUE_H

#include <linux/htw.h>
#include <stdbool.h>

struct step;

/* What an operation came to: @err is 0 or negative. Return: false to give up. */
typedef bool (*queue_done)(const struct step *step, unsigned int member,
			   const struct htw_op *op, int err);

bool queue_open(int fd, unsigned int at_once, bool always_batch,
		queue_done done);
bool queue_add(const struct step *step, unsigned int member,
	       const struct htw_op *op);
bool queue_flush(void);
void queue_close(void);

#endif /* HTW_TOOL_QUEUE_H */
