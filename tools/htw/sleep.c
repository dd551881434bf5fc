// SPDX-License-Identifier: GPL-2.0
/*
 * htw sleep: one timer, one read(2), and how late each part of it was.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "device.h"
#include "duration.h"
#include "stats.h"

static const char help_text[] =
"usage: htw sleep [-q] [-n COUNT] [--clock CLOCK] [--json] DURATION...\n\n"
"Sleep on a timer of the device, then print how late it woke: the kernel's\n"
"lateness, and in total, from when it was due until read(2) had returned.\n"
"A DURATION is " DURATION_SYNTAX ";\n"
"a plain number is seconds; several are added up.\n\n"
"  -n, --count COUNT  sleep so many times, with a summary\n"
"  -q, --quiet        print nothing\n"
"  -c, --clock CLOCK  on that clock: monotonic (default), boottime, realtime or\n"
"                     tai\n"
"      --json         print one JSON object per line; times are in ns\n"
"      --device PATH  use PATH, else $HTW_DEVICE, else " DEVICE_DEFAULT "\n";

static struct request {
	uint64_t	duration;
	uint64_t	count;
	unsigned int	clock;
	bool		quiet;
	bool		json;
} request = { .count = 1, .clock = CLOCK_MONOTONIC };

static struct stats kernel, total;
static uint64_t early;
static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void print_sleep(uint64_t now, uint64_t due, uint64_t kernel_late)
{
	bool too_soon = now < due;
	uint64_t off = too_soon ? due - now : now - due;

	if (request.quiet)
		return;
	if (request.json)
		printf("{\"due\": %" PRIu64 ", \"woke\": %" PRIu64
		       ", \"early\": %s, \"kernel_late\": %" PRIu64
		       ", \"total_late\": %" PRIu64 "}\n", due, now,
		       too_soon ? "true" : "false", kernel_late,
		       too_soon ? 0 : off);
	else if (too_soon)
		printf("EARLY by %s\n", duration_text(off).s);
	else
		printf("late by %s (kernel: %s)\n", duration_text(off).s,
		       duration_text(kernel_late).s);
	fflush(stdout);
}

static void print_stats(const char *name, struct stats *stats)
{
	uint64_t median = stats_median(stats);

	if (request.json)
		printf(", \"%s\": {\"min\": %" PRIu64 ", \"median\": %" PRIu64
		       ", \"max\": %" PRIu64 "}", name, stats->min, median,
		       stats->max);
	else
		printf("%-12s min %s, median %s, max %s\n", name,
		       duration_text(stats->min).s, duration_text(median).s,
		       duration_text(stats->max).s);
}

static void print_summary(void)
{
	if (request.json)
		printf("{\"sleeps\": %" PRIu64 ", \"early\": %" PRIu64,
		       total.nr, early);
	else
		printf("%" PRIu64 " sleeps, %" PRIu64 " early\n", total.nr,
		       early);
	print_stats("kernel_late", &kernel);
	print_stats("total_late", &total);
	if (request.json)
		printf("}\n");
}

/* Return: 0, or -1 with the reason on stderr, or interrupted. */
static int sleep_once(int fd)
{
	struct htw_op op = {
		.opcode = HTW_OP_ARM,
		.expires = request.duration,
	};
	struct htw_event event;
	uint64_t now;
	int err;

	err = device_op(fd, &op);
	if (err) {
		fprintf(stderr, "htw sleep: arm: %s\n", strerror(-err));
		explain_errno(err);
		return -1;
	}
	if (read(fd, &event, sizeof(event)) != sizeof(event)) {
		if (errno != EINTR)
			perror("htw sleep: read");
		return -1;
	}
	now = clock_now(request.clock);
	early += now < event.expires;
	stats_add(&kernel, HTW_EVENT_LATENESS(event.info));
	stats_add(&total, now < event.expires ? 0 : now - event.expires);
	print_sleep(now, event.expires, HTW_EVENT_LATENESS(event.info));
	return 0;
}

/* Without HTW_IOC_SETUP it is on CLOCK_MONOTONIC, with the oldest module too. */
static int open_on_clock(void)
{
	struct htw_setup setup = { .clock = request.clock };
	int fd = device_open(0);

	if (fd < 0 || request.clock == CLOCK_MONOTONIC)
		return fd;
	if (device_setup(fd, "sleep", &setup))
		return fd;
	close(fd);
	return -1;
}

static int sleep_all(void)
{
	/* Without SA_RESTART: a signal has to end read(2). */
	struct sigaction action = { .sa_handler = interrupt };
	uint64_t i;
	int fd = open_on_clock();

	if (fd < 0)
		return EXIT_FAILURE;
	if (request.count > 1)
		sigaction(SIGINT, &action, NULL);
	for (i = 0; i < request.count && !interrupted; i++)
		if (sleep_once(fd) && !interrupted)
			return EXIT_FAILURE;
	close(fd);
	if (request.count > 1 && !request.quiet)
		print_summary();
	return early ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool parse_durations(char **args)
{
	uint64_t ns;

	if (!*args) {
		fprintf(stderr, "htw sleep: how long? A DURATION is missing\n");
		return false;
	}
	for (; *args; args++) {
		if (!duration_parse(*args, &ns)) {
			fprintf(stderr, "htw sleep: '%s' is not a duration; "
				"allowed: %s\n", *args, DURATION_SYNTAX);
			return false;
		}
		request.duration = duration_add(request.duration, ns);
	}
	if (request.duration <= DURATION_MAX)
		return true;
	fprintf(stderr, "htw sleep: longer than the longest, %s\n",
		duration_text(DURATION_MAX).s);
	return false;
}

static bool parse_clock(const char *text)
{
	if (!clock_parse("sleep", text, &request.clock))
		return false;
	if (request.clock != HTW_CLOCK_VIRTUAL)
		return true;
	fprintf(stderr, "htw sleep: a virtual clock stands still until it is "
		"advanced, which `htw run` can do\n");
	return false;
}

int cmd_sleep(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "count", required_argument, NULL, 'n' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "clock", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "device", required_argument, NULL, OPT_DEVICE },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "hn:qc:", options, NULL)) != -1) {
		switch (opt) {
		case 'h':
			fputs(help_text, stdout);
			return EXIT_SUCCESS;
		case 'n':
			if (!count_parse("sleep", optarg, &request.count))
				return usage_error("sleep");
			break;
		case 'q':
			request.quiet = true;
			break;
		case 'c':
			if (!parse_clock(optarg))
				return usage_error("sleep");
			break;
		case OPT_JSON:
			request.json = true;
			break;
		case OPT_DEVICE:
			device_choose(optarg);
			break;
		default:
			return usage_error("sleep");
		}
	}
	if (!parse_durations(argv + optind))
		return usage_error("sleep");
	return sleep_all();
}
