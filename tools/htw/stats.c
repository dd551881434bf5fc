// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>
#include <stdlib.h>

#include "stats.h"

void stats_add(struct stats *stats, uint64_t value)
{
	if (!stats->nr || value < stats->min)
		stats->min = value;
	if (value > stats->max)
		stats->max = value;
	stats->latest[stats->nr++ % STATS_KEEP] = value;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Sorts what is kept: add nothing after it. Return: 0 if there is nothing. */
uint64_t stats_median(struct stats *stats)
{
	size_t n = stats->nr < STATS_KEEP ? stats->nr : STATS_KEEP;

	if (!n)
		return 0;
	qsort(stats->latest, n, sizeof(stats->latest[0]), compare);
	return n % 2 ? stats->latest[n / 2] :
	       stats->latest[n / 2 - 1] / 2 + stats->latest[n / 2] / 2;
}
