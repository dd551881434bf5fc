/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_TOOL_COUNTERS_H
#define HTW_TOOL_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEBUGFS		"/sys/kernel/debug"
#define COUNTERS_DIR	DEBUGFS "/htw"

#define MAX_COLUMNS	32

/* One for lateness 0, one for each bit, and the last of them is for EARLY. */
#define NR_BUCKETS	65
#define BUCKET_EARLY	64

/* Where in a row they are: behind the columns. */
#define LATENESS	MAX_COLUMNS
#define EARLY		(LATENESS + BUCKET_EARLY)
#define NR_VALUES	(LATENESS + NR_BUCKETS)

/**
 * struct cpu_row - what is known of one CPU
 * @cpu: its number
 * @values: by column; and from LATENESS on expiries, by the highest bit of their
 *	lateness in ns
 */
struct cpu_row {
	unsigned int	cpu;
	uint64_t	values[NR_VALUES];
};

/**
 * struct counters - all files, read one after the other
 * @rows: one for each CPU, and then one for their total
 * @nr_rows: how many there are, without the total
 */
struct counters {
	struct cpu_row	*rows;
	size_t		nr_rows;
};

bool counters_read(struct counters *counters, const char *cmd, const char *dir);
void counters_since(struct counters *since, const struct counters *now,
		    const struct counters *old);
void counters_free(struct counters *counters);

int counters_nr_columns(void);
const char *counters_column(int column);
uint64_t counters_value(const struct cpu_row *row, const char *column);

uint64_t bucket_start(int value);
uint64_t lateness_up_to(const struct cpu_row *row, unsigned int percent);

#endif /* HTW_TOOL_COUNTERS_H */
