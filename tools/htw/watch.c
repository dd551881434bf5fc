// SPDX-License-Identifier: GPL-2.0
/*
 * htw watch: what happens now, by CPU and by open file.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "counters.h"
#include "device.h"
#include "duration.h"
#include "fdinfo.h"
#include "json.h"
#include "terminal.h"

static const char help_text[] =
"usage: htw watch [-i SECONDS] [-n COUNT] [--top N] [--json] [--dir PATH]\n\n"
"Show how much the timers of each CPU do per second, how late they fire, and\n"
"which open files hold most timers. On a terminal that is one screen, which q\n"
"ends; else one block after the other. For root.\n\n"
"  -i, --interval SECONDS  show it so often; every second if not said\n"
"  -n, --count COUNT       end after so many intervals\n"
"  -t, --top N             the N open files with most timers; 10 if not said\n"
"      --json              print one JSON object per line\n"
"      --dir PATH          read the files in PATH, not in " COUNTERS_DIR "\n";

static struct request {
	const char	*dir;
	uint64_t	interval;
	uint64_t	count;
	uint64_t	top;
	bool		json;
} request = { .dir = COUNTERS_DIR, .interval = NSEC_PER_SEC, .top = 10 };

/**
 * struct view - what one interval shows
 * @since: what happened in it
 * @ns: how long it was
 * @contexts: who has the device open at its end, most timers first
 * @before: who had it at its beginning
 */
struct view {
	struct counters	since;
	uint64_t	ns;
	struct fdinfos	contexts;
	struct fdinfos	before;
};

static const struct rate {
	const char	*column;
	const char	*heading;
} rates[] = {
	{ "arms", "arm" },
	{ "pushes", "push" },
	{ "rearms", "re-arm" },
	{ "cancels", "cancel" },
	{ "expiries", "expire" },
	{ "interrupts", "irq" },
};

#define NR_RATES	(sizeof(rates) / sizeof(rates[0]))

/* What is shown of fdinfo: as it is, and what it grows by per second. */
static const char *const fields[] = { "timers", "pending", "unread" };
static const char *const growing[] = { "armed", "expired" };

#define NR_FIELDS	(sizeof(fields) / sizeof(fields[0]))
#define NR_GROWING	(sizeof(growing) / sizeof(growing[0]))

static double per_second(const struct view *view, const struct cpu_row *row,
			 const char *column)
{
	return (double)counters_value(row, column) * (double)NSEC_PER_SEC /
	       (double)view->ns;
}

/*
 * Three digits and a unit: that all of it fits into 80 columns, and nobody reads digits
 * that change each second.
 */
static const char *short_number(char text[16], double value, double step,
				const char *const units[])
{
	while (value >= step && units[1]) {
		value /= step;
		units++;
	}
	snprintf(text, 16, "%.*f%s", value < 99.95 && value != (int)value, value,
		 *units);
	return text;
}

static void print_rate(FILE *out, double rate)
{
	static const char *const units[] = { "", "k", "M", "G", NULL };
	char text[16];

	fprintf(out, "%7s", short_number(text, rate, 1000, units));
}

static void print_late(FILE *out, const struct cpu_row *row,
		       unsigned int percent)
{
	static const char *const units[] = { "ns", "us", "ms", "s", NULL };
	char text[16];

	fprintf(out, "%8s", short_number(text, (double)lateness_up_to(row, percent),
					 1000, units));
}

static void print_cpu(FILE *out, const struct view *view,
		      const struct cpu_row *row, const char *name)
{
	size_t i;

	fprintf(out, "%-5s", name);
	for (i = 0; i < NR_RATES; i++)
		print_rate(out, per_second(view, row, rates[i].column));
	fprintf(out, "%8" PRIu64, counters_value(row, "pending"));
	print_late(out, row, 50);
	print_late(out, row, 99);
	print_late(out, row, 100);
	if (row->values[EARLY])
		fprintf(out, "  EARLY %" PRIu64, row->values[EARLY]);
	fputc('\n', out);
}

static void print_cpus(FILE *out, const struct view *view, size_t room)
{
	size_t i, nr = view->since.nr_rows;
	char name[24];

	fprintf(out, "\t%-5s", "per s");
	for (i = 0; i < NR_RATES; i++)
		fprintf(out, "%7s", rates[i].heading);
	fprintf(out, "%8s%8s%8s%8s\n", "pending", "p50late", "p99late",
		"maxlate");
	print_cpu(out, view, &view->since.rows[nr], "total");
	for (i = 0; i < nr && i < room; i++) {
		snprintf(name, sizeof(name), "cpu%u", view->since.rows[i].cpu);
		print_cpu(out, view, &view->since.rows[i], name);
	}
	if (nr > room)
		fprintf(out, "... and %zu CPUs more\n", nr - room);
}

static size_t nr_shown(const struct view *view)
{
	return view->contexts.nr < request.top ? view->contexts.nr :
						 request.top;
}

/* Who has it open only now has done all of it in this interval. */
static double growth(const struct view *view, const struct fdinfo *info,
		     const char *name)
{
	uint64_t now = fdinfo_number(info, name), before = 0;
	size_t i;

	for (i = 0; i < view->before.nr; i++)
		if (view->before.list[i].pid == info->pid &&
		    view->before.list[i].fd == info->fd)
			before = fdinfo_number(&view->before.list[i], name);
	/* The descriptor can be of another open file now. */
	if (before > now)
		before = 0;
	return (double)(now - before) * (double)NSEC_PER_SEC /
	       (double)view->ns;
}

static void print_context(FILE *out, const struct view *view,
			  const struct fdinfo *info)
{
	const char *clock = fdinfo_text(info, "clock");
	size_t f;

	fprintf(out, "%8d %-14s%6d  %-10s", info->pid, info->comm, info->fd,
		clock ? clock : "-");
	for (f = 0; f < NR_FIELDS; f++)
		fprintf(out, "%8" PRIu64, fdinfo_number(info, fields[f]));
	for (f = 0; f < NR_GROWING; f++)
		print_rate(out, growth(view, info, growing[f]));
	fputc('\n', out);
}

static void print_contexts(FILE *out, const struct view *view)
{
	size_t i;

	fprintf(out, "\n\t%8s %-14s%6s  %-10s", "pid", "process", "fd",
		"clock");
	for (i = 0; i < NR_FIELDS; i++)
		fprintf(out, "%8s", fields[i]);
	fprintf(out, "%7s%7s\n", "arm/s", "exp/s");
	for (i = 0; i < nr_shown(view); i++)
		print_context(out, view, &view->contexts.list[i]);
	if (!view->contexts.nr)
		fprintf(out, "  nobody has the device open\n");
}

/* All of it into @out; what does not fit on @lines is left out sensibly. */
static void print_view(FILE *out, const struct view *view, unsigned int lines)
{
	size_t others = 5 + nr_shown(view);

	print_cpus(out, view, lines > others + 1 ? lines - others - 1 : 1);
	print_contexts(out, view);
}

static void json_cpu(const struct view *view, const struct cpu_row *row)
{
	size_t i;

	putchar('{');
	for (i = 0; i < NR_RATES; i++)
		printf("\"%s_per_s\": %.1f, ", rates[i].column,
		       per_second(view, row, rates[i].column));
	printf("\"pending\": %" PRIu64 ", \"late_p50\": %" PRIu64
	       ", \"late_p99\": %" PRIu64 ", \"late_max\": %" PRIu64
	       ", \"early\": %" PRIu64 "}", counters_value(row, "pending"),
	       lateness_up_to(row, 50), lateness_up_to(row, 99),
	       lateness_up_to(row, 100), row->values[EARLY]);
}

static void json_contexts(const struct view *view)
{
	size_t i, f;

	for (i = 0; i < nr_shown(view); i++) {
		const struct fdinfo *info = &view->contexts.list[i];

		printf("%s{\"pid\": %d, \"comm\": ", i ? ", " : "", info->pid);
		json_string(info->comm);
		printf(", \"fd\": %d", info->fd);
		fdinfo_json(info);
		for (f = 0; f < NR_GROWING; f++)
			printf(", \"%s_per_s\": %.1f", growing[f],
			       growth(view, info, growing[f]));
		putchar('}');
	}
}

static void print_json(const struct view *view)
{
	size_t r;

	printf("{\"interval\": %" PRIu64 ", \"total\": ", view->ns);
	json_cpu(view, &view->since.rows[view->since.nr_rows]);
	printf(", \"cpus\": {");
	for (r = 0; r < view->since.nr_rows; r++) {
		printf("%s\"%u\": ", r ? ", " : "", view->since.rows[r].cpu);
		json_cpu(view, &view->since.rows[r]);
	}
	printf("}, \"contexts\": [");
	json_contexts(view);
	printf("]}\n");
}

static void show_plain(const struct view *view, bool first)
{
	char *text = NULL, *c;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out) {
		perror("htw watch");
		exit(EXIT_FAILURE);
	}
	print_view(out, view, UINT32_MAX);
	fclose(out);
	if (!first)
		putchar('\n');
	/* The marks of headings are for terminals. */
	for (c = text; *c; c++)
		if (*c != '\t')
			putchar(*c);
	free(text);
}

static void draw(const struct view *view)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out) {
		perror("htw watch");
		exit(EXIT_FAILURE);
	}
	fprintf(out, "htw, every %s; q quits\n\n",
		duration_text(request.interval).s);
	if (view->ns)
		print_view(out, view, terminal_lines() - 2);
	fclose(out);
	terminal_draw(text);
	free(text);
}

static int most_timers_first(const void *a, const void *b)
{
	uint64_t x = fdinfo_number(a, "timers"), y = fdinfo_number(b, "timers");

	return (x < y) - (x > y);
}

static void view_free(struct view *view)
{
	counters_free(&view->since);
	fdinfo_free(&view->contexts);
	fdinfo_free(&view->before);
}

/* Return: false, and it was told why, if there is no memory. */
static bool contexts_read(struct fdinfos *contexts)
{
	if (fdinfo_of_all(contexts) != -ENOMEM)
		return true;
	fprintf(stderr, "htw watch: no memory\n");
	return false;
}

/* Return: false, and it was told why, if there is nothing to be seen. */
static bool view_read(struct view *view, struct counters *last, uint64_t *when)
{
	uint64_t before = *when;
	struct counters now;

	if (!counters_read(&now, "watch", request.dir))
		return false;
	*when = clock_now(CLOCK_MONOTONIC);
	counters_free(&view->since);
	counters_since(&view->since, &now, last);
	view->ns = *when - before;
	counters_free(last);
	*last = now;
	fdinfo_free(&view->before);
	view->before = view->contexts;
	if (!contexts_read(&view->contexts))
		return false;
	if (view->contexts.nr)
		qsort(view->contexts.list, view->contexts.nr,
		      sizeof(*view->contexts.list), most_timers_first);
	return true;
}

static void show(const struct view *view, bool on_terminal, uint64_t nr)
{
	if (on_terminal)
		draw(view);
	else if (request.json)
		print_json(view);
	else
		show_plain(view, !nr);
	fflush(stdout);
}

/* Return: false if it is over. */
static bool wait_interval(const struct view *view, bool on_terminal,
			  uint64_t until)
{
	enum terminal_event event;

	while ((event = terminal_wait(until)) == TERMINAL_REDRAW)
		if (on_terminal)
			draw(view);
	return event == TERMINAL_TIME;
}

static int watch(bool on_terminal)
{
	struct view view = { 0 };
	struct counters last;
	uint64_t nr = 0, when = clock_now(CLOCK_MONOTONIC);
	bool ok = true;

	if (!counters_read(&last, "watch", request.dir) ||
	    !contexts_read(&view.contexts))
		return EXIT_FAILURE;
	terminal_begin(on_terminal);
	if (on_terminal)
		draw(&view);
	while (wait_interval(&view, on_terminal, when + request.interval)) {
		ok = view_read(&view, &last, &when);
		if (!ok)
			break;
		show(&view, on_terminal, nr);
		if (++nr == request.count)
			break;
	}
	terminal_end();
	/* What was last on the screen that is gone. */
	if (on_terminal && ok && view.ns)
		show_plain(&view, true);
	view_free(&view);
	counters_free(&last);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool parse_interval(const char *text)
{
	if (duration_parse(text, &request.interval) && request.interval)
		return true;
	fprintf(stderr, "htw watch: '%s' is not an interval; allowed: "
		"seconds, or " DURATION_SYNTAX ", but not 0\n", text);
	return false;
}

static bool parse_option(int opt)
{
	switch (opt) {
	case 'i':
		return parse_interval(optarg);
	case 'n':
		return count_parse("watch", optarg, &request.count);
	case 't':
		return count_parse("watch", optarg, &request.top);
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

int cmd_watch(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'n' },
		{ "top", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "dir", required_argument, NULL, OPT_DIR },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "hi:n:t:", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(help_text, stdout);
			return EXIT_SUCCESS;
		}
		if (!parse_option(opt))
			return usage_error("watch");
	}
	if (optind < argc) {
		fprintf(stderr, "htw watch: takes no argument '%s'\n",
			argv[optind]);
		return usage_error("watch");
	}
	return watch(!request.json && isatty(STDOUT_FILENO));
}
