/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_TOOL_STATS_H
#define HTW_TOOL_STATS_H

#include <stdint.h>

/* How many of the latest values the median is of. */
#define STATS_KEEP	65536

/**
 * struct stats - of values that come one by one
 * @nr: how many there were
 * @min: the least of them
 * @max: the greatest of them
 * @latest: the last STATS_KEEP of them, so that hours of them fit in memory
 */
struct stats {
	uint64_t	nr;
	uint64_t	min;
	uint64_t	max;
	uint64_t	latest[STATS_KEEP];
};

void stats_add(struct stats *stats, uint64_t value);
uint64_t stats_median(struct stats *stats);

#endif /* HTW_TOOL_STATS_H */
