// SPDX-License-Identifier: GPL-2.0
/*
 * htw info: what the device says of itself, and sysfs of the module.
 */
#include <dirent.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "device.h"
#include "duration.h"
#include "json.h"

static const char help_text[] =
"usage: htw info [--json]\n\n"
"Show what the device can do, its limits, and the state of the module.\n\n"
"  --json           print one JSON object; times are in ns\n"
"  --device PATH    use PATH, else $HTW_DEVICE, else " DEVICE_DEFAULT "\n";

/* Names of the bits of a mask, by bit number. */
static const char *const feature_names[64] = {
	"interval", "slack", "batch", "ring", "words", "eventfd", "stats",
};
static const char *const setup_names[64] = { "words", "clock_steps" };
static const char *const flag_names[64] = {
	"abs", "deadline", "coarse", "keep", "skip", "burst", "word",
};
static const char *const op_names[64] = {
	[HTW_OP_ARM]		= "arm",
	[HTW_OP_REARM]		= "rearm",
	[HTW_OP_CANCEL]		= "cancel",
	[HTW_OP_REMAINING]	= "remaining",
	[HTW_OP_CANCEL_MATCH]	= "cancel_match",
	[HTW_OP_ADVANCE]	= "advance",
};
static const char *const clock_names[64] = {
	[CLOCK_REALTIME]	= "realtime",
	[CLOCK_MONOTONIC]	= "monotonic",
	[CLOCK_BOOTTIME]	= "boottime",
	[CLOCK_TAI]		= "tai",
	[HTW_CLOCK_VIRTUAL]	= "virtual",
};

static bool json;

/* @key is for JSON, @name for people. */
static void print_name(const char *key, const char *name)
{
	if (json)
		printf(",\n  \"%s\": ", key);
	else
		printf("%-18s", name);
}

static void begin_list(const char *key, const char *name)
{
	print_name(key, name);
	if (json)
		putchar('[');
}

static void print_item(const char *item, bool first)
{
	if (!first)
		printf(json ? ", " : " ");
	if (json)
		json_string(item);
	else
		printf("%s", item);
}

static void end_list(bool empty)
{
	if (json)
		putchar(']');
	else
		puts(empty ? "none" : "");
}

static void print_mask(const char *key, const char *name, uint64_t mask,
		       const char *const names[64])
{
	int bit, printed = 0;
	char name_of_bit[16];

	begin_list(key, name);
	for (bit = 0; bit < 64; bit++) {
		if (!(mask >> bit & 1))
			continue;
		if (names[bit])
			snprintf(name_of_bit, sizeof(name_of_bit), "%s",
				 names[bit]);
		else
			snprintf(name_of_bit, sizeof(name_of_bit), "bit%d",
				 bit);
		print_item(name_of_bit, !printed++);
	}
	end_list(!printed);
}

static void print_duration(const char *key, const char *name, uint64_t ns)
{
	print_name(key, name);
	if (json)
		printf("%" PRIu64, ns);
	else
		printf("%s\n", duration_text(ns).s);
}

static void print_number(const char *key, uint64_t number)
{
	printf(",\n  \"%s\": %" PRIu64, key, number);
}

static void json_limits(const struct htw_query *query)
{
	print_number("timers", query->nr_file);
	print_number("max_timers", query->max_file);
	print_number("user_timers", query->nr_user);
	print_number("max_user_timers", query->max_user);
	print_number("max_total_timers", query->max_total);
	print_number("max_batch", query->max_batch);
	print_number("max_ring", query->max_ring);
}

/* What an older module does not fill in is 0. */
static void print_limits(const struct htw_query *query)
{
	printf("%-18s%llu held, at most %llu per open file\n", "timers",
	       query->nr_file, query->max_file);
	if (query->max_user)
		printf("%-18sroom for %llu, at most %llu per user, %llu in "
		       "all\n", "", query->nr_user, query->max_user,
		       query->max_total);
	if (query->max_batch)
		printf("%-18sat most %u operations per call\n", "batches",
		       query->max_batch);
	if (query->max_ring)
		printf("%-18sat most %u events\n", "rings", query->max_ring);
}

/* Read the first line of a file in sysfs. */
static bool read_line(const char *dir, const char *name, char *line, int size)
{
	char path[512];
	FILE *file;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	ok = fgets(line, size, file);
	fclose(file);
	if (ok)
		line[strcspn(line, "\n")] = '\0';
	return ok;
}

static void print_version(void)
{
	char version[128];

	if (!read_line(MODULE_DIR, "version", version, sizeof(version)))
		return;
	print_name("module_version", "module version");
	if (json)
		json_string(version);
	else
		printf("%s\n", version);
}

static int no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void print_parameters(void)
{
	static const char dir[] = MODULE_DIR "/parameters";
	int i, n, printed = 0;
	struct dirent **list;
	char value[256];

	n = scandir(dir, &list, no_dots, alphasort);
	if (n < 0)
		return;
	if (json)
		printf(",\n  \"parameters\": {");
	for (i = 0; i < n; i++) {
		const char *name = list[i]->d_name;

		/* Some may be for root's eyes only. */
		if (!read_line(dir, name, value, sizeof(value)))
			snprintf(value, sizeof(value), "?");
		if (json) {
			printf("%s", printed++ ? ", " : "");
			json_string(name);
			printf(": ");
			json_string(value);
		} else {
			printf("%-18s%s = %s\n", printed++ ? "" : "parameters",
			       name, value);
		}
		free(list[i]);
	}
	free(list);
	if (json)
		putchar('}');
}

static void print_holders(void)
{
	struct dirent **list;
	int i, n;

	n = scandir(MODULE_DIR "/holders", &list, no_dots, alphasort);
	if (n < 0)
		return;
	begin_list("holders", "used by modules");
	for (i = 0; i < n; i++) {
		print_item(list[i]->d_name, !i);
		free(list[i]);
	}
	free(list);
	end_list(!n);
}

static void print_query(const struct htw_query *query)
{
	print_mask("features", "features", query->features, feature_names);
	print_mask("opcodes", "opcodes", query->op_mask, op_names);
	print_mask("timer_flags", "timer flags", query->timer_flags,
		   flag_names);
	print_mask("setup_flags", "setup flags", query->setup_flags,
		   setup_names);
	print_mask("clocks", "clocks", query->clock_mask, clock_names);
	print_duration("tick_ns", "tick", query->tick_ns);
	print_duration("min_gap_ns", "minimum gap", query->min_gap_ns);
	print_duration("min_interval_ns", "minimum interval",
		       query->min_interval_ns);
	if (json)
		json_limits(query);
	else
		print_limits(query);
}

static int show(void)
{
	struct htw_query query;
	int fd = device_open(0);

	if (fd < 0 || device_query(fd, &query))
		return EXIT_FAILURE;
	close(fd);
	if (json)
		printf("{\n  \"query_size\": %u", query.size);
	print_query(&query);
	print_version();
	print_parameters();
	print_holders();
	if (json)
		printf("\n}\n");
	return EXIT_SUCCESS;
}

int cmd_info(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "device", required_argument, NULL, OPT_DEVICE },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'h':
			fputs(help_text, stdout);
			return EXIT_SUCCESS;
		case OPT_JSON:
			json = true;
			break;
		case OPT_DEVICE:
			device_choose(optarg);
			break;
		default:
			return usage_error("info");
		}
	}
	if (optind < argc) {
		fprintf(stderr, "htw info: takes no argument '%s'\n",
			argv[optind]);
		return usage_error("info");
	}
	return show();
}
