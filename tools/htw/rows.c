// SPDX-License-Identifier: GPL-2.0
/*
 * What htw run prints: a row for each thing that happened, and a summary.
 */
#include <inttypes.h>
#include <stdio.h>

#include "duration.h"
#include "json.h"
#include "rows.h"
#include "stats.h"

static struct {
	uint64_t	start;
	bool		json;
	bool		quiet;
	struct stats	late;
} rows;

/**
 * rows_begin() - begin to print
 * @start: what times count from
 * @json: print objects
 * @quiet: print only the summary
 */
void rows_begin(uint64_t start, bool json, bool quiet)
{
	rows.start = start;
	rows.json = json;
	rows.quiet = quiet;
	if (!json && !quiet)
		printf("%12s  %-20s %-10s %9s %12s %12s\n", "time ms", "label",
		       "what", "nr", "due ms", "late us");
}

static double since_start_ms(uint64_t ns)
{
	return (double)(int64_t)(ns - rows.start) / (double)NSEC_PER_MSEC;
}

static void print_human(const struct row *row)
{
	char of[48];

	snprintf(of, sizeof(of), "%" PRIu64, row->nr);
	if (row->of)
		snprintf(of, sizeof(of), "%" PRIu64 "/%" PRIu64, row->nr,
			 row->of);
	printf("%12.3f  %-20s %-10s %9s", since_start_ms(row->time), row->label,
	       row->what, of);
	if (row->has_due)
		printf(" %12.3f %12.1f", since_start_ms(row->due),
		       (double)(int64_t)(row->time - row->due) /
		       (double)NSEC_PER_USEC);
	putchar('\n');
}

static void print_json(const struct row *row)
{
	printf("{\"time\": %" PRId64 ", \"label\": ",
	       (int64_t)(row->time - rows.start));
	json_string(row->label);
	printf(", \"what\": ");
	json_string(row->what);
	printf(", \"nr\": %" PRIu64, row->nr);
	if (row->of)
		printf(", \"of\": %" PRIu64, row->of);
	if (row->has_due)
		printf(", \"due\": %" PRId64 ", \"late\": %" PRId64,
		       (int64_t)(row->due - rows.start),
		       (int64_t)(row->time - row->due));
	printf("}\n");
}

void rows_add(const struct row *row)
{
	if (rows.quiet)
		return;
	if (rows.json)
		print_json(row);
	else
		print_human(row);
}

/* How late a timer was, for the summary. */
void rows_late(uint64_t ns)
{
	stats_add(&rows.late, ns);
}

static void summary_json(const struct tally *tally, uint64_t median)
{
	printf("{\"fired\": %" PRIu64 ", \"cancelled\": %" PRIu64
	       ", \"withdrawn\": %" PRIu64 ", \"too_late\": %" PRIu64
	       ", \"early\": %" PRIu64 ", \"stray\": %" PRIu64
	       ", \"pushed\": %" PRIu64 ", \"pending\": %zu"
	       ", \"late_median\": %" PRIu64 ", \"late_max\": %" PRIu64 "}\n",
	       tally->fired, tally->cancelled, tally->withdrawn,
	       tally->too_late, tally->early, tally->stray, tally->pushed,
	       tally->pending, median, rows.late.max);
}

static void summary_human(const struct tally *tally, uint64_t median)
{
	printf("%" PRIu64 " fired, %" PRIu64 " cancelled, %" PRIu64
	       " withdrawn, %" PRIu64 " too late, %" PRIu64 " early",
	       tally->fired, tally->cancelled, tally->withdrawn,
	       tally->too_late, tally->early);
	if (tally->pushed)
		printf(", %" PRIu64 " pushed", tally->pushed);
	if (tally->stray)
		printf(", %" PRIu64 " STRAY", tally->stray);
	if (tally->pending)
		printf(", %zu still pending", tally->pending);
	if (rows.late.nr)
		printf("; late: median %s, max %s", duration_text(median).s,
		       duration_text(rows.late.max).s);
	putchar('\n');
}

void rows_summary(const struct tally *tally)
{
	uint64_t median = stats_median(&rows.late);

	if (rows.json)
		summary_json(tally, median);
	else
		summary_human(tally, median);
}

/* What the kernel has counted, under the kernel's names. */
void rows_stats(const struct htw_context_stats *stats)
{
	const struct {
		const char		*name;
		unsigned long long	value;
	} counters[] = {
		{ "armed", stats->armed },
		{ "rearmed", stats->rearmed },
		{ "cancelled", stats->cancelled },
		{ "withdrawn", stats->withdrawn },
		{ "expired", stats->expired },
		{ "delivered", stats->delivered },
		{ "pushed", stats->pushed },
		{ "refiled", stats->refiled },
		{ "stalls", stats->stalls },
		{ "wakeups", stats->wakeups },
		{ "clock_steps", stats->clock_steps },
		{ "lateness_max", stats->lateness_max },
	};
	size_t i;

	for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		if (rows.json)
			printf("%s\"%s\": %llu", i ? ", " : "{\"kernel\": {",
			       counters[i].name, counters[i].value);
		else
			printf("kernel: %-16s%llu\n", counters[i].name,
			       counters[i].value);
	}
	if (rows.json)
		printf("}}\n");
}
