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
	STEP_PUSH,
	STEP_CANCEL,
	STEP_CANCEL_TAG,
	STEP_CANCEL_ALL,
	STEP_WAIT,
	STEP_NEXT,
};

/**
 * struct step - one line of a script that does something
 * @kind: what it does
 * @line: where it stands
 * @timer: index of the timer, for those that are about one
 * @tag: for STEP_CANCEL_TAG
 * @delay: how long from then, in ns, for those that take a time
 */
struct step {
	enum step_kind	kind;
	unsigned int	line;
	size_t		timer;
	unsigned int	tag;
	uint64_t	delay;
};

/**
 * struct script_timer - what one `after`, `every` or `many` makes
 * @label: its name in the script; a later timer may have the same
 * @line: where it stands
 * @cancelled: the line that cancels it, or 0
 * @flags: HTW_TIMER_ flags
 * @members: how many timers it is: 0 for one, else it is a `many`
 * @tag: what `cancel-tag` knows it by, or 0
 * @spread: how much later the last of @members expires than the first, in ns
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
	unsigned int	flags;
	unsigned int	members;
	unsigned int	tag;
	uint64_t	spread;
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
 * @flags: HTW_TIMER_ flags of all timers together
 */
struct script {
	const char		*name;
	struct step		*steps;
	size_t			nr_steps;
	struct script_timer	*timers;
	size_t			nr_timers;
	unsigned int		flags;
};

bool script_read(struct script *script, const char *path);
bool script_fits(const struct script *script, const struct htw_query *query,
		 unsigned int clock);
void script_free(struct script *script);

#endif /* HTW_TOOL_SCRIPT_H */
