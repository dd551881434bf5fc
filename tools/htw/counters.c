// SPDX-License-Identifier: GPL-2.0
/*
 * What the module counts, from its files in debugfs.
 *
 * Columns go by the names in the first line of a file, so that a program and a
 * module of different age understand each other.
 */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "counters.h"
#include "device.h"

#define NAME_SIZE	24

/* What is being read, and for whom. */
static struct {
	const char	*cmd;
	const char	*dir;
} source;

static char columns[MAX_COLUMNS][NAME_SIZE];
static int nr_columns;

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
	fprintf(stderr, "htw %s: %s\n", source.cmd, strerror(errno));
	exit(EXIT_FAILURE);
}

static struct cpu_row *row_of(struct counters *counters, unsigned int cpu)
{
	struct cpu_row *row;
	size_t i;

	for (i = 0; i < counters->nr_rows; i++)
		if (counters->rows[i].cpu == cpu)
			return &counters->rows[i];
	counters->rows = must_alloc(counters->rows,
				  (counters->nr_rows + 1) * sizeof(*row));
	row = &counters->rows[counters->nr_rows++];
	memset(row, 0, sizeof(*row));
	row->cpu = cpu;
	return row;
}

static void explain_missing(void)
{
	struct statfs fs;

	if (strcmp(source.dir, COUNTERS_DIR))
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

	snprintf(path, sizeof(path), "%s/%s", source.dir, name);
	file = fopen(path, "re");
	if (file)
		return file;
	fprintf(stderr, "htw %s: %s: %s\n", source.cmd, path, strerror(errno));
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
		fprintf(stderr, "htw %s: %s/%s is not a table as the module "
			"writes it\n", source.cmd, source.dir, name);
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
static bool read_columns(struct counters *counters, const char *name,
			 const char *const *only)
{
	struct table table;
	struct cpu_row *row;
	int i, nr, column;

	if (!table_open(&table, name))
		return false;
	while ((nr = next_line(&table)) == table.nr) {
		row = row_of(counters, strtoul(table.words[0], NULL, 10));
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

static bool read_lateness(struct counters *counters)
{
	struct table table;
	struct cpu_row *row;
	int nr;

	if (!table_open(&table, "lateness"))
		return false;
	while ((nr = next_line(&table)) == 3) {
		row = row_of(counters, strtoul(table.words[0], NULL, 10));
		row->values[value_of(table.words[1])] =
			strtoull(table.words[2], NULL, 10);
	}
	return table_close(&table, "lateness", nr);
}

static void add_total(struct counters *counters)
{
	struct cpu_row *total = row_of(counters, UINT32_MAX);
	uint64_t value;
	size_t r;
	int i;

	counters->nr_rows--;
	for (r = 0; r < counters->nr_rows; r++) {
		for (i = 0; i < NR_VALUES; i++) {
			value = counters->rows[r].values[i];
			if (!is_most(i))
				total->values[i] += value;
			else if (value > total->values[i])
				total->values[i] = value;
		}
	}
}

/**
 * counters_read() - read what the module has counted
 * @counters: filled in
 * @cmd: the subcommand, for the complaint on stderr
 * @dir: where the files are
 *
 * Return: false, and it was told why, if that is impossible.
 */
bool counters_read(struct counters *counters, const char *cmd, const char *dir)
{
	static const char *const from_bases[] = { "pending", "overflow", NULL };

	source.cmd = cmd;
	source.dir = dir;
	memset(counters, 0, sizeof(*counters));
	if (!read_columns(counters, "stats", NULL) ||
	    !read_columns(counters, "bases", from_bases) ||
	    !read_lateness(counters)) {
		counters_free(counters);
		return false;
	}
	add_total(counters);
	return true;
}

void counters_free(struct counters *counters)
{
	free(counters->rows);
	counters->rows = NULL;
}

static struct cpu_row *find_row(const struct counters *counters, unsigned int cpu)
{
	size_t r;

	/* The total too. */
	for (r = 0; r <= counters->nr_rows; r++)
		if (counters->rows[r].cpu == cpu)
			return &counters->rows[r];
	return NULL;
}

/**
 * counters_since() - what happened between two readings
 * @since: filled in
 * @now: the second
 * @old: the first, in which a CPU may be missing
 */
void counters_since(struct counters *since, const struct counters *now,
		    const struct counters *old)
{
	size_t r, size = (now->nr_rows + 1) * sizeof(*now->rows);
	const struct cpu_row *from;
	int i;

	since->nr_rows = now->nr_rows;
	since->rows = memcpy(must_alloc(NULL, size), now->rows, size);
	for (r = 0; r <= now->nr_rows; r++) {
		from = find_row(old, now->rows[r].cpu);
		for (i = 0; from && i < NR_VALUES; i++)
			if (!is_level(i))
				since->rows[r].values[i] -= from->values[i];
	}
}

int counters_nr_columns(void)
{
	return nr_columns;
}

const char *counters_column(int column)
{
	return columns[column];
}

/* Return: 0 too if the module does not count that. */
uint64_t counters_value(const struct cpu_row *row, const char *column)
{
	int i;

	for (i = 0; i < nr_columns; i++)
		if (!strcmp(columns[i], column))
			return row->values[i];
	return 0;
}

/* From which lateness on a bucket counts, in ns. */
uint64_t bucket_start(int value)
{
	return value > LATENESS ? 1ULL << (value - LATENESS - 1) : 0;
}

/* The latest that a bucket counts. */
static uint64_t bucket_end(int value)
{
	return value > LATENESS ? 2 * bucket_start(value) - 1 : 0;
}

/**
 * lateness_up_to() - how late most timers were
 * @row: the CPU, or the total
 * @percent: how many of them
 *
 * Return: at most so late, in ns: where the bucket ends. 0 too if none has fired.
 */
uint64_t lateness_up_to(const struct cpu_row *row, unsigned int percent)
{
	uint64_t all = 0, sum = 0;
	int i;

	for (i = LATENESS; i < EARLY; i++)
		all += row->values[i];
	for (i = LATENESS; i < EARLY && all; i++) {
		sum += row->values[i];
		if (sum * 100 >= all * percent)
			return bucket_end(i);
	}
	return 0;
}
