// SPDX-License-Identifier: GPL-2.0
/*
 * htw stat: what the module counts, from its files in debugfs.
 *
 * Columns go by the names in the first line of a file, so that a program and a
 * module of different age understand each other.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "device.h"
#include "duration.h"
#include "json.h"

#define DEBUGFS		"/sys/kernel/debug"
#define STAT_DIR	DEBUGFS "/htw"

static const char help_text[] =
"usage: htw stat [--total] [-i SECONDS [-n COUNT]] [--json] [--dir PATH]\n\n"
"Show what the timers of each CPU have done since the module was loaded, how\n"
"many are pending, and how late they fired. For root.\n\n"
"  -t, --total             all CPUs together only\n"
"  -i, --interval SECONDS  show again and again what happened meanwhile\n"
"  -n, --count COUNT       end after so many intervals\n"
"      --json              print one JSON object per line\n"
"      --dir PATH          read the files in PATH, not in " STAT_DIR "\n";

static struct request {
	const char	*dir;
	uint64_t	interval;
	uint64_t	count;
	bool		total;
	bool		json;
} request = { .dir = STAT_DIR };

#define MAX_COLUMNS	32
#define NAME_SIZE	24

/* One for lateness 0, one for each bit, and the last of them is for EARLY. */
#define NR_BUCKETS	65
#define BUCKET_EARLY	64

/* Where in a row they are: behind the columns. */
#define LATENESS	MAX_COLUMNS
#define EARLY		(LATENESS + BUCKET_EARLY)
#define NR_VALUES	(LATENESS + NR_BUCKETS)

/**
 * struct row - what is known of one CPU
 * @cpu: its number
 * @values: by column; and from LATENESS on expiries, by the highest bit of their
 *	lateness in ns
 */
struct row {
	unsigned int	cpu;
	uint64_t	values[NR_VALUES];
};

/**
 * struct report - all files, read one after the other
 * @rows: one for each CPU, and then one for their total
 * @nr_rows: how many there are, without the total
 */
struct report {
	struct row	*rows;
	size_t		nr_rows;
};

static char columns[MAX_COLUMNS][NAME_SIZE];
static int nr_columns;
static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* What is there now, or the most that ever was: no difference says anything. */
static bool is_level(int value)
{
	return value < nr_columns && (!strcmp(columns[value], "pending") ||
				      !strcmp(columns[value], "overflow") ||
				      !strcmp(columns[value], "longest_hold"));
}

static bool is_most(int value)
{
	return value < nr_columns && !strcmp(columns[value], "longest_hold");
}

static int column_of(const char *name)
{
	int i;

	for (i = 0; i < nr_columns; i++)
		if (!strcmp(columns[i], name))
			return i;
	if (nr_columns == MAX_COLUMNS)
		return -1;
	snprintf(columns[nr_columns], NAME_SIZE, "%s", name);
	return nr_columns++;
}

static void *must_alloc(void *old, size_t size)
{
	void *new = realloc(old, size);

	if (new)
		return new;
	perror("htw stat");
	exit(EXIT_FAILURE);
}

static struct row *row_of(struct report *report, unsigned int cpu)
{
	struct row *row;
	size_t i;

	for (i = 0; i < report->nr_rows; i++)
		if (report->rows[i].cpu == cpu)
			return &report->rows[i];
	report->rows = must_alloc(report->rows,
				  (report->nr_rows + 1) * sizeof(*row));
	row = &report->rows[report->nr_rows++];
	memset(row, 0, sizeof(*row));
	row->cpu = cpu;
	return row;
}

static void explain_missing(void)
{
	struct statfs fs;

	if (strcmp(request.dir, STAT_DIR))
		return;
	if (explain_not_loaded())
		return;
	if (statfs(DEBUGFS, &fs) || fs.f_type != DEBUGFS_MAGIC)
		fprintf(stderr, "htw: debugfs is not mounted; do it with "
			"`mount -t debugfs debugfs " DEBUGFS "`\n");
	else
		fprintf(stderr, "htw: the module is loaded, but it does not "
			"count: it was built without CONFIG_HTW_STATS\n");
}

static void explain_denied(void)
{
	if (geteuid())
		fprintf(stderr, "htw: only root may read it: use sudo\n");
	else
		fprintf(stderr, "htw: does /sys/kernel/security/lockdown say "
			"[confidentiality]? Then nobody may\n");
}

static FILE *open_file(const char *name)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", request.dir, name);
	file = fopen(path, "re");
	if (file)
		return file;
	fprintf(stderr, "htw stat: %s: %s\n", path, strerror(errno));
	switch (errno) {
	case ENOENT:
		explain_missing();
		break;
	case EACCES:
	case EPERM:
		explain_denied();
		break;
	}
	return NULL;
}

/**
 * struct table - a file that is being read
 * @file: the file
 * @line: what was read last, cut into words
 * @size: of @line
 * @names: where the names of the columns are, a copy of the first line
 * @nr: how many columns there are
 * @words: where in @line they are
 */
struct table {
	FILE	*file;
	char	*line;
	size_t	size;
	char	*names[MAX_COLUMNS];
	int	nr;
	char	*words[MAX_COLUMNS];
};

/* Return: how many words were cut off the next line, or -1 at the end. */
static int next_line(struct table *table)
{
	char *word, *save;
	int nr = 0;

	if (getline(&table->line, &table->size, table->file) < 0)
		return -1;
	for (word = strtok_r(table->line, " \n", &save);
	     word && nr < MAX_COLUMNS; word = strtok_r(NULL, " \n", &save))
		table->words[nr++] = word;
	return nr;
}

static bool table_open(struct table *table, const char *name)
{
	int i;

	memset(table, 0, sizeof(*table));
	table->file = open_file(name);
	if (!table->file)
		return false;
	table->nr = next_line(table);
	for (i = 0; i < table->nr; i++)
		table->names[i] = strdup(table->words[i]);
	return true;
}

/* Return: false if the file was not understood. */
static bool table_close(struct table *table, const char *name, int last)
{
	bool ok = last < 0 && table->nr > 0 && !ferror(table->file);

	if (!ok)
		fprintf(stderr, "htw stat: %s/%s is not a table as the module "
			"writes it\n", request.dir, name);
	while (table->nr > 0)
		free(table->names[--table->nr]);
	free(table->line);
	fclose(table->file);
	return ok;
}

static bool wanted(const char *name, const char *const *only)
{
	if (!only)
		return true;
	for (; *only; only++)
		if (!strcmp(name, *only))
			return true;
	return false;
}

/* Adds the columns of a table whose first is the CPU: all, or only some. */
static bool read_columns(struct report *report, const char *name,
			 const char *const *only)
{
	struct table table;
	struct row *row;
	int i, nr, column;

	if (!table_open(&table, name))
		return false;
	while ((nr = next_line(&table)) == table.nr) {
		row = row_of(report, strtoul(table.words[0], NULL, 10));
		for (i = 1; i < nr; i++) {
			if (!wanted(table.names[i], only))
				continue;
			column = column_of(table.names[i]);
			if (column >= 0)
				row->values[column] =
					strtoull(table.words[i], NULL, 10);
		}
	}
	return table_close(&table, name, nr);
}

/* Which value counts those from this many ns on. */
static int value_of(const char *from)
{
	uint64_t ns = strtoull(from, NULL, 10);

	if (!strcmp(from, "early"))
		return EARLY;
	return LATENESS + (ns ? 64 - __builtin_clzll(ns) : 0);
}

static bool read_lateness(struct report *report)
{
	struct table table;
	struct row *row;
	int nr;

	if (!table_open(&table, "lateness"))
		return false;
	while ((nr = next_line(&table)) == 3) {
		row = row_of(report, strtoul(table.words[0], NULL, 10));
		row->values[value_of(table.words[1])] =
			strtoull(table.words[2], NULL, 10);
	}
	return table_close(&table, "lateness", nr);
}

static void add_total(struct report *report)
{
	struct row *total = row_of(report, UINT32_MAX);
	uint64_t value;
	size_t r;
	int i;

	report->nr_rows--;
	for (r = 0; r < report->nr_rows; r++) {
		for (i = 0; i < NR_VALUES; i++) {
			value = report->rows[r].values[i];
			if (!is_most(i))
				total->values[i] += value;
			else if (value > total->values[i])
				total->values[i] = value;
		}
	}
}

static bool read_report(struct report *report)
{
	static const char *const from_bases[] = { "pending", "overflow", NULL };

	memset(report, 0, sizeof(*report));
	if (!read_columns(report, "stats", NULL) ||
	    !read_columns(report, "bases", from_bases) ||
	    !read_lateness(report))
		return false;
	add_total(report);
	return true;
}

static struct row *find_row(const struct report *report, unsigned int cpu)
{
	size_t r;

	/* The total too. */
	for (r = 0; r <= report->nr_rows; r++)
		if (report->rows[r].cpu == cpu)
			return &report->rows[r];
	return NULL;
}

/* What happened from @old until @now, in @now. A CPU may be new. */
static void subtract(struct report *now, const struct report *old)
{
	const struct row *from;
	size_t r;
	int i;

	for (r = 0; r <= now->nr_rows; r++) {
		from = find_row(old, now->rows[r].cpu);
		for (i = 0; from && i < NR_VALUES; i++)
			if (!is_level(i))
				now->rows[r].values[i] -= from->values[i];
	}
}

static uint64_t bucket_start(int value)
{
	return value > LATENESS ? 1ULL << (value - LATENESS - 1) : 0;
}

static void print_values(const struct report *report, const char *name,
			 int value)
{
	size_t r;

	printf("%-18s%12" PRIu64, name,
	       report->rows[report->nr_rows].values[value]);
	for (r = 0; r < report->nr_rows && !request.total; r++)
		printf("%12" PRIu64, report->rows[r].values[value]);
	putchar('\n');
}

static void print_lateness(const struct report *report)
{
	const struct row *total = &report->rows[report->nr_rows];
	char name[48];
	int i;

	for (i = LATENESS; i < EARLY; i++) {
		if (!total->values[i])
			continue;
		snprintf(name, sizeof(name), "late %s",
			 duration_text(bucket_start(i)).s);
		print_values(report, name, i);
	}
	if (total->values[EARLY])
		print_values(report, "EARLY", EARLY);
}

static void print_table(const struct report *report)
{
	char name[24];
	size_t r;
	int i;

	printf("%-18s%12s", "", "total");
	for (r = 0; r < report->nr_rows && !request.total; r++) {
		snprintf(name, sizeof(name), "cpu%u", report->rows[r].cpu);
		printf("%12s", name);
	}
	putchar('\n');
	for (i = 0; i < nr_columns; i++)
		print_values(report, columns[i], i);
	print_lateness(report);
}

static void json_row(const struct row *row)
{
	int i, printed = 0;

	putchar('{');
	for (i = 0; i < nr_columns; i++) {
		json_string(columns[i]);
		printf(": %" PRIu64 ", ", row->values[i]);
	}
	printf("\"early\": %" PRIu64 ", \"lateness\": {",
	       row->values[EARLY]);
	for (i = LATENESS; i < EARLY; i++)
		if (row->values[i])
			printf("%s\"%" PRIu64 "\": %" PRIu64,
			       printed++ ? ", " : "", bucket_start(i),
			       row->values[i]);
	printf("}}");
}

static void print_json(const struct report *report)
{
	size_t r;

	printf("{\"interval\": %" PRIu64 ", \"total\": ", request.interval);
	json_row(&report->rows[report->nr_rows]);
	printf(", \"cpus\": {");
	for (r = 0; r < report->nr_rows && !request.total; r++) {
		printf("%s\"%u\": ", r ? ", " : "", report->rows[r].cpu);
		json_row(&report->rows[r]);
	}
	printf("}}\n");
}

static void print_report(const struct report *report)
{
	if (request.json)
		print_json(report);
	else
		print_table(report);
	fflush(stdout);
}

static void wait_interval(void)
{
	struct timespec ts = {
		.tv_sec = request.interval / NSEC_PER_SEC,
		.tv_nsec = request.interval % NSEC_PER_SEC,
	};

	nanosleep(&ts, NULL);
}

static int show_once(void)
{
	struct report report;

	if (!read_report(&report))
		return EXIT_FAILURE;
	print_report(&report);
	free(report.rows);
	return EXIT_SUCCESS;
}

/* Return: false if there is none to be had. */
static bool show_interval(struct report *last)
{
	struct report now, copy;
	size_t size;

	if (!read_report(&now))
		return false;
	size = (now.nr_rows + 1) * sizeof(*now.rows);
	copy = now;
	copy.rows = memcpy(must_alloc(NULL, size), now.rows, size);
	subtract(&copy, last);
	print_report(&copy);
	free(copy.rows);
	free(last->rows);
	*last = now;
	return true;
}

static int show_intervals(void)
{
	/* Without SA_RESTART: a signal has to end the waiting. */
	struct sigaction action = { .sa_handler = interrupt };
	struct report last;
	uint64_t i;

	sigaction(SIGINT, &action, NULL);
	if (!read_report(&last))
		return EXIT_FAILURE;
	for (i = 0; !request.count || i < request.count; i++) {
		wait_interval();
		if (interrupted)
			break;
		if (i && !request.json)
			putchar('\n');
		if (!show_interval(&last))
			return EXIT_FAILURE;
	}
	free(last.rows);
	return EXIT_SUCCESS;
}

static bool parse_interval(const char *text)
{
	if (duration_parse(text, &request.interval) && request.interval)
		return true;
	fprintf(stderr, "htw stat: '%s' is not an interval; allowed: "
		"seconds, or " DURATION_SYNTAX ", but not 0\n", text);
	return false;
}

static bool parse_option(int opt)
{
	switch (opt) {
	case 't':
		request.total = true;
		return true;
	case 'i':
		return parse_interval(optarg);
	case 'n':
		return count_parse("stat", optarg, &request.count);
	case OPT_JSON:
		request.json = true;
		return true;
	case OPT_DIR:
		request.dir = optarg;
		return true;
	default:
		return false;
	}
}

int cmd_stat(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "total", no_argument, NULL, 't' },
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "dir", required_argument, NULL, OPT_DIR },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "hti:n:", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(help_text, stdout);
			return EXIT_SUCCESS;
		}
		if (!parse_option(opt))
			return usage_error("stat");
	}
	if (optind < argc) {
		fprintf(stderr, "htw stat: takes no argument '%s'\n",
			argv[optind]);
		return usage_error("stat");
	}
	if (request.count && !request.interval) {
		fprintf(stderr, "htw stat: -n counts intervals: give -i too\n");
		return usage_error("stat");
	}
	return request.interval ? show_intervals() : show_once();
}
