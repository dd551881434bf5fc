// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer of /dev/htw. See Documentation/fuzzing.rst.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "../selftests/parameter.h"
#include "fuzz.h"
#include "generate.h"
#include "kcov.h"
#include "minimise.h"
#include "oracle.h"
#include "runner.h"

static const char usage[] =
"usage: fuzz [OPTION]...\n"
"\n"
"Do things at random to /dev/htw that may be wrong, and see that it goes well.\n"
"\n"
"  --seed N           of all random numbers (the time)\n"
"  --seconds N        how long (10)\n"
"  --user UID         as that user (the own one); /dev/htw must be open to him\n"
"  --seeds FILE       begin with the programs in there\n"
"  --channel FILE     write each program there before it runs\n"
"  --coverage FILE    write there at the end which places of the kernel were reached\n"
"  --corpus FILE      write there at the end the programs that reached something new\n"
"  --print K          print the program K of that seed, as made up from nothing\n"
"  --replay FILE      run the programs in there instead, and say what each call returns\n"
"  --times N          so often (1)\n"
"  --minimise FILE    print the least of the program in there that still fails\n";

struct options {
	struct fuzz	fuzz;
	long		user;
	long		print;
	long		times;
	const char	*seeds;
	const char	*channel;
	const char	*coverage;
	const char	*corpus;
	const char	*replay;
	const char	*minimise;
};

static const struct option longs[] = {
	{ "seed", required_argument, NULL, 's' },
	{ "seconds", required_argument, NULL, 't' },
	{ "user", required_argument, NULL, 'u' },
	{ "seeds", required_argument, NULL, 'b' },
	{ "channel", required_argument, NULL, 'c' },
	{ "coverage", required_argument, NULL, 'o' },
	{ "corpus", required_argument, NULL, 'k' },
	{ "print", required_argument, NULL, 'p' },
	{ "replay", required_argument, NULL, 'r' },
	{ "times", required_argument, NULL, 'n' },
	{ "minimise", required_argument, NULL, 'm' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void parse_option(struct options *options, int opt)
{
	switch (opt) {
	case 's': options->fuzz.seed = strtoull(optarg, NULL, 0); break;
	case 't': options->fuzz.seconds = strtoull(optarg, NULL, 0); break;
	case 'u': options->user = strtol(optarg, NULL, 0); break;
	case 'b': options->seeds = optarg; break;
	case 'c': options->channel = optarg; break;
	case 'o': options->coverage = optarg; break;
	case 'k': options->corpus = optarg; break;
	case 'p': options->print = strtol(optarg, NULL, 0); break;
	case 'r': options->replay = optarg; break;
	case 'n': options->times = strtol(optarg, NULL, 0); break;
	case 'm': options->minimise = optarg; break;
	case 'h': fputs(usage, stdout); exit(EXIT_SUCCESS);
	default: fputs("try --help\n", stderr); exit(2);
	}
}

static FILE *open_file(const char *path, const char *mode)
{
	FILE *file = fopen(path, mode);

	if (!file) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	return file;
}

static void tell_results(const struct program *program)
{
	const struct result *result;
	uint32_t i;

	for (i = 0; i < run->nr_results && i < MAX_RESULTS; i++) {
		result = &run->results[i];
		printf("# %u %s: %lld%s%s\n", result->actor,
		       call_descs[program->calls[result->call].kind].name,
		       (long long)result->ret, result->ret < 0 ? " " : "",
		       result->ret < 0 ? strerrorname_np((int)-result->ret) : "");
	}
	fflush(stdout);
}

static int replay(const struct options *options)
{
	FILE *file = open_file(options->replay, "r");
	int ret = EXIT_SUCCESS;
	struct program program;
	long i;

	while (program_read(&program, file)) {
		for (i = 0; i < options->times; i++) {
			if (runner_run(&program, false) == FAILED) {
				printf("# FAILED: %s\n", runner_failure());
				ret = EXIT_FAILURE;
			}
			if (!i)
				tell_results(&program);
		}
	}
	fclose(file);
	return ret;
}

static int print_least(const char *path)
{
	struct program program;
	FILE *file = open_file(path, "r");
	bool any = program_read(&program, file);

	fclose(file);
	if (!any || !runner_fails(&program)) {
		fprintf(stderr, "fuzz: no program in %s fails\n", path);
		return EXIT_FAILURE;
	}
	minimise(&program, runner_fails);
	program_write(&program, stdout);
	return EXIT_SUCCESS;
}

static int print_program(const struct options *options)
{
	struct program program;

	generate_fresh(&program, options->fuzz.seed + (uint64_t)options->print);
	program_write(&program, stdout);
	return EXIT_SUCCESS;
}

static int fuzz(struct options *options)
{
	/* Opened while this is still root. */
	FILE *coverage = options->coverage ? open_file(options->coverage, "w") : NULL;

	printf("# seed: %llu\n", (unsigned long long)options->fuzz.seed);
	fflush(stdout);
	kcov_open();
	if (options->seeds)
		fuzz_add_seeds(options->seeds);
	if (options->user >= 0)
		become((uid_t)options->user);
	fuzz_run(&options->fuzz);
	fuzz_report(&options->fuzz);
	if (options->corpus)
		fuzz_write_corpus(options->corpus);
	if (coverage) {
		kcov_write(coverage);
		fclose(coverage);
	}
	return options->fuzz.nr_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options options = {
		.fuzz = { .seed = clock_ns(CLOCK_REALTIME) / SEC, .seconds = 10 },
		.user = -1, .print = -1, .times = 1 };
	struct ktap_state state = { .failures = 0 };
	int opt;

	/* What must work, or else there is nothing to run. */
	ktap_state = &state;
	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1)
		parse_option(&options, opt);
	if (options.print >= 0)
		return print_program(&options);
	if (need_device()) {
		fprintf(stderr, "fuzz: %s\n", need_device());
		return EXIT_FAILURE;
	}
	runner_open(options.channel);
	if (options.replay)
		return replay(&options);
	if (options.minimise)
		return print_least(options.minimise);
	return fuzz(&options);
}
