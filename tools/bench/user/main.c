// SPDX-License-Identifier: GPL-2.0
/* Runs what the command line names. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

struct options options = {
	.rounds = 5, .sizes = { 1000, 10000, 100000, 1000000 }, .nr_sizes = 4,
};

static const struct suite {
	const char *name;
	const char *what;
	void (*run)(void);
} suites[] = {
	/* First: later there is memory in the kernel's caches that others have freed. */
	{ "bytes", "memory of the kernel", bench_bytes },
	{ "ops", "arm, re-arm, push and cancel", bench_ops },
	{ "expire", "expire, and collect what has", bench_expire },
	{ "words", "what pushing costs the kernel", bench_words },
	{ "lateness", "how late a program learns of it", bench_lateness },
};

static void print_usage(void)
{
	unsigned int i;

	printf("usage: htw-user-bench [-c] [-r ROUNDS] [-s SIZE,SIZE...] [SUITE]...\n\n"
	       "What timers cost a program: htw beside timerfd, POSIX timers and io_uring.\n\n"
	       "  -c  the clock counts instructions\n"
	       "  -r  rounds of each (5)\n"
	       "  -s  numbers of timers (1000,10000,100000,1000000); above %u only of htw\n\n",
	       PEERS_UP_TO);
	for (i = 0; i < ARRAY_SIZE(suites); i++)
		printf("  %-10s%s\n", suites[i].name, suites[i].what);
}

static void wrong(const char *what, const char *value)
{
	fprintf(stderr, "htw-user-bench: %s: %s; try -h\n", what, value);
	exit(2);
}

static unsigned int parse_number(const char *text, char **end)
{
	unsigned long value = strtoul(text, end, 10);

	if (*end == text || !value || value > 16000000)
		wrong("not a number from 1 to 16000000", text);
	return (unsigned int)value;
}

static void parse_sizes(const char *text)
{
	char *end;

	options.nr_sizes = 0;
	do {
		if (options.nr_sizes == ARRAY_SIZE(options.sizes))
			wrong("too many sizes", text);
		options.sizes[options.nr_sizes++] = parse_number(text, &end);
		text = end + 1;
	} while (*end == ',');
	if (*end)
		wrong("not a list of numbers", text);
}

static void parse(int argc, char **argv)
{
	char *end;
	int opt;

	while ((opt = getopt(argc, argv, "chr:s:")) != -1) {
		switch (opt) {
		case 'c':
			options.counted = true;
			break;
		case 'h':
			print_usage();
			exit(0);
		case 'r':
			options.rounds = parse_number(optarg, &end);
			if (*end)
				wrong("not a number", optarg);
			break;
		case 's':
			parse_sizes(optarg);
			break;
		default:
			exit(2);
		}
	}
}

static const struct suite *find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(suites); i++)
		if (!strcmp(suites[i].name, name))
			return &suites[i];
	wrong("no such suite", name);
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned int i;

	parse(argc, argv);
	for (i = 0; optind == argc && i < ARRAY_SIZE(suites); i++)
		suites[i].run();
	for (; optind < argc; optind++)
		find(argv[optind])->run();
	printf("htw_bench: done\n");
	return 0;
}
