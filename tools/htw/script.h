/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_TOOL_SCRIPT_H
#define HTW_TOOL_SCRIPT_H

#include <linux/htw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum step_kind {
	STEP_ARM,
	STEP_REARM,
	STEP_CANCEL,
	STEP_WAIT,
};

/**
 * struct step - one line of a script that does something
 * @kind: what it does
 * @line: where it stands
 * @timer: index of the timer, for all but STEP_WAIT
 * @delay: how long from then, for all but STEP_CANCEL, in ns
 */
struct step {
	enum step_kind	kind;
	unsigned int	line;
	size_t		timer;
	uint64_t	delay;
};

/**
 * struct script_timer - what one `after` or `every` makes
 * @label: its name in the script; a later timer may have the same
 * @line: where it stands
 * @cancelled: the line that cancels it, or 0
 * @interval: 0, or the period in ns
 * @count: how often it shall expire; 0 means until it is cancelled
 * @slack: in ns
 * @ends: when it ends if nothing is late, in ns from the start; UINT64_MAX
 *	for never
 */
struct script_timer {
	char		*label;
	unsigned int	line;
	unsigned int	cancelled;
	uint64_t	interval;
	uint64_t	count;
	uint64_t	slack;
	uint64_t	ends;
};

/**
 * struct script - a script that has been read
 * @name: of its file
 * @steps: what it does, in order
 * @nr_steps: how many
 * @timers: what it makes, in order
 * @nr_timers: how many
 */
struct script {
	const char		*name;
	struct step		*steps;
	size_t			nr_steps;
	struct script_timer	*timers;
	size_t			nr_timers;
};

bool script_read(struct script *script, const char *path);
bool script_fits(const struct script *script, const struct htw_query *query);
void script_free(struct script *script);

#endif /* HTW_TOOL_SCRIPT_H */
