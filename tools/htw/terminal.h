/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_TOOL_TERMINAL_H
#define HTW_TOOL_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

/* What ended terminal_wait(). */
enum terminal_event {
	TERMINAL_TIME,		/* the time is over */
	TERMINAL_QUIT,		/* by key or by signal */
	TERMINAL_REDRAW,	/* its size has changed, or we were stopped */
};

void terminal_begin(bool draw);
void terminal_end(void);
enum terminal_event terminal_wait(uint64_t until);
void terminal_draw(const char *text);
unsigned int terminal_lines(void);

#endif /* HTW_TOOL_TERMINAL_H */
