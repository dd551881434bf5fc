// SPDX-License-Identifier: GPL-2.0
/*
 * The property test of the wheel. src/wheel.c, unchanged, does what this program
 * tells it, beside a model (oracle.c) that does not know how a wheel works, and
 * each of the properties in report.h is checked after every step.
 *
 *	make check			build with ASan and UBSan, and run
 *	property --ops 20000000		run for longer
 *	property --seed 7		the same random numbers as another time
 *	property --seed 7 --round 12	only that round of the random run
 *	property --seed 7 --case NAME	only the function of that property
 *
 * All choices follow from the seed, which is printed first, and each round has
 * its own stream of them. A failure prints the command line that repeats it; give
 * --timers and --large again if they were given.
 *
 * The output is KTAP. A property that was never checked fails.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cases.h"

/* A broken wheel fails in most rounds: then there is no use in all of them. */
#define MAX_FAILURES	20

struct options {
	unsigned long	ops;
	unsigned long	rounds;
	unsigned int	timeout;
	long		round;
	bool		stop;
	const char	*only;
};

#define TEST_ENTRY(name) test_##name,
static void (*const tests[])(struct rng *rng) = {
	TESTED_PROPERTIES(TEST_ENTRY)
};

static const unsigned int nr_tests = sizeof(tests) / sizeof(tests[0]);

static void usage(FILE *to)
{
	fprintf(to,
		"usage: property [options]\n"
		"  --ops N      random operations, 1000000 by default\n"
		"  --rounds N   end after that many random rounds\n"
		"  --timers N   most timers in a random round, 4096 by default\n"
		"  --large N    timers of the cases with many, 1000000 by default\n"
		"  --seed S     random by default\n"
		"  --round R    replay only this random round\n"
		"  --case NAME  run only the function of this property\n"
		"  --stop       end at the first failure\n"
		"  --timeout S  give up after S seconds without progress, 60 by default\n");
}

static u64 random_seed(void)
{
	struct timespec now;
	struct rng rng;

	clock_gettime(CLOCK_REALTIME, &now);
	rng = rng_init(now.tv_sec, now.tv_nsec);
	return rng_next(&rng) % 1000000000;
}

static u64 number(const char *name, const char *text, u64 least, u64 most)
{
	char *end;
	u64 value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || value < least ||
	    value > most) {
		fprintf(stderr, "property: --%s %s: expected a number from %llu to %llu\n",
			name, text, least, most);
		exit(2);
	}
	return value;
}

static const char *test_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_tests; i++)
		if (!strcmp(name, property_names[i]))
			return name;
	fprintf(stderr, "property: --case %s: no such function\n", name);
	exit(2);
}

static void set_option(struct options *options, const char *name,
		       const char *value)
{
	if (!strcmp(name, "ops"))
		options->ops = number(name, value, 1, 1ULL << 40);
	else if (!strcmp(name, "rounds"))
		options->rounds = number(name, value, 1, 1ULL << 40);
	else if (!strcmp(name, "timers"))
		report.timers = number(name, value, 1, 1 << 24);
	else if (!strcmp(name, "large"))
		report.large = number(name, value, 10000, 1 << 24);
	else if (!strcmp(name, "seed"))
		report.seed = number(name, value, 0, U64_MAX);
	else if (!strcmp(name, "round"))
		options->round = number(name, value, 0, 1ULL << 40);
	else if (!strcmp(name, "stop"))
		options->stop = true;
	else if (!strcmp(name, "case"))
		options->only = test_name(value);
	else
		options->timeout = number(name, value, 1, 1 << 20);
}

static void parse(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{ "ops", required_argument, NULL, 0 },
		{ "rounds", required_argument, NULL, 0 },
		{ "timers", required_argument, NULL, 0 },
		{ "large", required_argument, NULL, 0 },
		{ "seed", required_argument, NULL, 0 },
		{ "round", required_argument, NULL, 0 },
		{ "case", required_argument, NULL, 0 },
		{ "stop", no_argument, NULL, 0 },
		{ "timeout", required_argument, NULL, 0 },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	int option, index = 0;

	while ((option = getopt_long(argc, argv, "h", names, &index)) != -1) {
		if (option) {
			usage(option == 'h' ? stdout : stderr);
			exit(option == 'h' ? 0 : 2);
		}
		set_option(options, names[index].name, optarg);
	}
	if (optind < argc) {
		usage(stderr);
		exit(2);
	}
}

/* Returns false if something failed. */
static bool run_test(unsigned int nr)
{
	struct rng rng = rng_init(report.seed, ~(u64)nr);

	report.tested = property_names[nr];
	report.op = 0;
	report_alive();
	if (!setjmp(report.give_up))
		tests[nr](&rng);
	else if (!report.failures[nr])
		report.failures[nr]++;	/* What it met was another's failure. */
	report.tested = NULL;
	return !report.failures[nr];
}

static unsigned int run_tests(const struct options *options)
{
	unsigned int i, failures = 0;

	for (i = 0; i < nr_tests; i++) {
		if (options->only && strcmp(options->only, property_names[i]))
			continue;
		failures += !run_test(i);
		if (failures && options->stop)
			break;
	}
	return failures;
}

/* As run_test(). */
static bool run_round(u64 nr, unsigned long max_ops)
{
	struct rng rng = rng_init(report.seed, nr);

	report.round = nr;
	report.op = 0;
	report_alive();
	if (setjmp(report.give_up))
		return false;
	random_round(&rng, report.timers, max_ops);
	return true;
}

static void run_rounds(const struct options *options)
{
	static unsigned long done, round, failures;

	for (round = 0; round < options->rounds && done < options->ops; round++) {
		failures += !run_round(round, options->ops - done);
		done += report.op;
		if (failures >= (options->stop ? 1 : MAX_FAILURES))
			break;
	}
	printf("# %lu random operations in %lu rounds\n", done, round);
}

int main(int argc, char **argv)
{
	struct options options = {
		.ops = 1000000, .rounds = ~0UL, .timeout = 60, .round = -1
	};
	unsigned int failures = 0;
	bool replay;

	setvbuf(stdout, NULL, _IOLBF, 0);
	report.program = argv[0];
	report.timers = 4096;
	report.large = 1000000;
	report.seed = random_seed();
	parse(&options, argc, argv);
	replay = options.only || options.round >= 0;

	printf("KTAP version 1\n# seed %llu\n1..%d\n", report.seed,
	       NR_PROPERTIES);
	report_watch(options.timeout);
	if (options.round < 0)
		failures = run_tests(&options);
	else
		run_round(options.round, options.ops);
	if (!replay && !(failures && options.stop))
		run_rounds(&options);
	return report_results(replay) ? 0 : 1;
}
