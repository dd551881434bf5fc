/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_TOOL_ROWS_H
#define HTW_TOOL_ROWS_H

#include <linux/htw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct row - one line about what happened
 * @time: when, on the clock of the script
 * @label: of the timer, or what else it is about
 * @what: happened
 * @nr: how often the timer has expired
 * @of: of how many times; 0 for without end
 * @has_due: it is about an expiry
 * @due: when that was due
 */
struct row {
	uint64_t	time;
	const char	*label;
	const char	*what;
	uint64_t	nr;
	uint64_t	of;
	bool		has_due;
	uint64_t	due;
};

/**
 * struct tally - what happened in all
 * @fired: how often timers expired
 * @cancelled: timers that were, before they expired
 * @withdrawn: timers that were cancelled when they had
 * @too_late: what came when its timer had ended
 * @early: expiries before they were due
 * @stray: events that must not be
 * @pushed: stores into deadline words
 * @pending: timers that would still expire
 */
struct tally {
	uint64_t	fired;
	uint64_t	cancelled;
	uint64_t	withdrawn;
	uint64_t	too_late;
	uint64_t	early;
	uint64_t	stray;
	uint64_t	pushed;
	size_t		pending;
};

void rows_begin(uint64_t start, bool json, bool quiet);
void rows_add(const struct row *row);
void rows_late(uint64_t ns);
void rows_summary(const struct tally *tally);
void rows_stats(const struct htw_context_stats *stats);

#endif /* HTW_TOOL_ROWS_H */
