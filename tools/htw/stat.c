// SPDX-License-Identifier: GPL-2.0
/*
 * htw stat: what the module counts, by CPU; and what the kernel tells of the open
 * files of a process.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "counters.h"
#include "device.h"
#include "fdinfo.h"
#include "duration.h"
#include "json.h"

static const char help_text[] =
"usage: htw stat [--total] [-i SECONDS [-n COUNT]] [--json] [--dir PATH]\n"
"       htw stat --pid PID [--json]\n\n"
"Show what the timers of each CPU have done since the module was loaded, how\n"
"many are pending, and how late they fired; for root. Or what the kernel tells\n"
"of each open file of the device that a process has.\n\n"
"  -t, --total             all CPUs together only\n"
"  -i, --interval SECONDS  show again and again what happened meanwhile\n"
"  -n, --count COUNT       end after so many intervals\n"
"  -p, --pid PID           the open files of that process\n"
"      --json              print one JSON object per line\n"
"      --dir PATH          read the files in PATH, not in " COUNTERS_DIR "\n";

static struct request {
	const char	*dir;
	uint64_t	interval;
	uint64_t	count;
	int		pid;
	bool		total;
	bool		json;
} request = { .dir = COUNTERS_DIR };

static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void print_values(const struct counters *counters, const char *name,
			 int value)
{
	size_t r;

	printf("%-18s%12" PRIu64, name,
	       counters->rows[counters->nr_rows].values[value]);
	for (r = 0; r < counters->nr_rows && !request.total; r++)
		printf("%12" PRIu64, counters->rows[r].values[value]);
	putchar('\n');
}

static void print_lateness(const struct counters *counters)
{
	const struct cpu_row *total = &counters->rows[counters->nr_rows];
	char name[48];
	int i;

	for (i = LATENESS; i < EARLY; i++) {
		if (!total->values[i])
			continue;
		snprintf(name, sizeof(name), "late %s",
			 duration_text(bucket_start(i)).s);
		print_values(counters, name, i);
	}
	if (total->values[EARLY])
		print_values(counters, "EARLY", EARLY);
}

static void print_table(const struct counters *counters)
{
	char name[24];
	size_t r;
	int i;

	printf("%-18s%12s", "", "total");
	for (r = 0; r < counters->nr_rows && !request.total; r++) {
		snprintf(name, sizeof(name), "cpu%u", counters->rows[r].cpu);
		printf("%12s", name);
	}
	putchar('\n');
	for (i = 0; i < counters_nr_columns(); i++)
		print_values(counters, counters_column(i), i);
	print_lateness(counters);
}

static void json_row(const struct cpu_row *row)
{
	int i, printed = 0;

	putchar('{');
	for (i = 0; i < counters_nr_columns(); i++) {
		json_string(counters_column(i));
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

static void print_json(const struct counters *counters)
{
	size_t r;

	printf("{\"interval\": %" PRIu64 ", \"total\": ", request.interval);
	json_row(&counters->rows[counters->nr_rows]);
	printf(", \"cpus\": {");
	for (r = 0; r < counters->nr_rows && !request.total; r++) {
		printf("%s\"%u\": ", r ? ", " : "", counters->rows[r].cpu);
		json_row(&counters->rows[r]);
	}
	printf("}}\n");
}

static void print_counters(const struct counters *counters)
{
	if (request.json)
		print_json(counters);
	else
		print_table(counters);
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
	struct counters counters;

	if (!counters_read(&counters, "stat", request.dir))
		return EXIT_FAILURE;
	print_counters(&counters);
	counters_free(&counters);
	return EXIT_SUCCESS;
}

/* Return: false if there is none to be had. */
static bool show_interval(struct counters *last)
{
	struct counters now, since;

	if (!counters_read(&now, "stat", request.dir))
		return false;
	counters_since(&since, &now, last);
	print_counters(&since);
	counters_free(&since);
	counters_free(last);
	*last = now;
	return true;
}

static int show_intervals(void)
{
	/* Without SA_RESTART: a signal has to end the waiting. */
	struct sigaction action = { .sa_handler = interrupt };
	struct counters last;
	uint64_t i;

	sigaction(SIGINT, &action, NULL);
	if (!counters_read(&last, "stat", request.dir))
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
	counters_free(&last);
	return EXIT_SUCCESS;
}

static void print_context(const struct fdinfo *info)
{
	int i;

	printf("fd %d\n", info->fd);
	for (i = 0; i < info->nr; i++)
		printf("  %-16s%s\n", info->fields[i].name,
		       info->fields[i].value);
}

static void print_process(const struct fdinfos *all)
{
	size_t i;

	printf("process %d, %s\n", request.pid, all->list[0].comm);
	for (i = 0; i < all->nr; i++)
		print_context(&all->list[i]);
}

static void json_process(const struct fdinfos *all)
{
	size_t i;

	printf("{\"pid\": %d, \"comm\": ", request.pid);
	json_string(all->list[0].comm);
	printf(", \"contexts\": [");
	for (i = 0; i < all->nr; i++) {
		printf("%s{\"fd\": %d", i ? ", " : "", all->list[i].fd);
		fdinfo_json(&all->list[i]);
		putchar('}');
	}
	printf("]}\n");
}

static void explain_process(int err)
{
	if (err == -ENXIO && explain_not_loaded())
		return;
	if (err == -ENOENT)
		fprintf(stderr, "htw stat: there is no process %d\n",
			request.pid);
	else if (err)
		fprintf(stderr, "htw stat: process %d: %s\n", request.pid,
			strerror(-err));
	else
		fprintf(stderr, "htw stat: process %d has no open file of "
			"htw\n", request.pid);
	if (err == -EACCES)
		fprintf(stderr, "htw: it is another user's: use sudo\n");
}

static int show_process(void)
{
	struct fdinfos all;
	int err = fdinfo_of_process(&all, request.pid);
	bool ok = !err && all.nr;

	if (!ok)
		explain_process(err);
	else if (request.json)
		json_process(&all);
	else
		print_process(&all);
	fdinfo_free(&all);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool parse_pid(const char *text)
{
	char *end;
	long pid = strtol(text, &end, 10);

	if (*text >= '0' && *text <= '9' && !*end && pid > 0 && pid < INT_MAX) {
		request.pid = (int)pid;
		return true;
	}
	fprintf(stderr, "htw stat: '%s' is not a process; allowed: its "
		"number\n", text);
	return false;
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
	case 'p':
		return parse_pid(optarg);
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
		{ "pid", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "dir", required_argument, NULL, OPT_DIR },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "hti:n:p:", options, NULL)) != -1) {
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
	if (request.pid && (request.interval || request.total)) {
		fprintf(stderr, "htw stat: --pid shows what is there now: give "
			"neither -i nor -t\n");
		return usage_error("stat");
	}
	if (request.pid)
		return show_process();
	return request.interval ? show_intervals() : show_once();
}
