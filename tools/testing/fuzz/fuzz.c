// SPDX-License-Identifier: GPL-2.0
/*
 * The loop: a program is made up, run, and kept if it has reached something new. One
 * that fails is printed, made small and printed again.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "../selftests/context.h"
#include "generate.h"
#include "kcov.h"
#include "minimise.h"
#include "oracle.h"
#include "runner.h"

/* Failures that are told; the others are counted. */
enum { MOST_TOLD = 5 };

static struct corpus corpus;

static void keep(const struct program *program)
{
	if (corpus.nr == corpus.room) {
		corpus.room = corpus.room ? 2 * corpus.room : 256;
		corpus.programs = realloc(corpus.programs,
					  corpus.room * sizeof(*program));
		if (!corpus.programs)
			abort();
	}
	corpus.programs[corpus.nr++] = *program;
}

/**
 * fuzz_add_seeds() - programs to begin with
 * @path: of a file of them
 */
void fuzz_add_seeds(const char *path)
{
	FILE *file = fopen(path, "r");
	struct program program;

	if (!file) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	while (program_read(&program, file))
		keep(&program);
	fclose(file);
}

/**
 * fuzz_write_corpus() - programs for another run to begin with
 * @path: of a file
 */
void fuzz_write_corpus(const char *path)
{
	FILE *file = fopen(path, "w");
	uint32_t i;

	for (i = 0; file && i < corpus.nr; i++)
		program_write(&corpus.programs[i], file);
	if (!file || fclose(file))
		perror(path);
}

/* For whoever reads KTAP each line is a comment. */
static void tell(const char *what, const struct program *program)
{
	char text[16384] = "", *line, *rest;
	FILE *file = fmemopen(text, sizeof(text) - 1, "w");

	program_write(program, file);
	fclose(file);
	printf("# %s\n", what);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		printf("#   %s\n", line);
	fflush(stdout);
}

static void tell_failure(const struct fuzz *fuzz, struct program *program)
{
	char failure[500];

	snprintf(failure, sizeof(failure), "FAILED: %s (program %llu, after %llu s)",
		 runner_failure(), (unsigned long long)fuzz->nr_programs,
		 (unsigned long long)((now_ns() - fuzz->began) / SEC));
	tell(failure, program);
	if (!runner_fails(program)) {
		printf("# it does not fail again\n");
		return;
	}
	minimise(program, runner_fails);
	tell("the least of it that fails:", program);
}

static void run_one(struct fuzz *fuzz, struct program *program)
{
	enum ending ending = runner_run(program, false);

	fuzz->nr_programs++;
	fuzz->nr_calls += run->nr_results;
	fuzz->nr_killed += ending == KILLED;
	if (ending == FAILED && ++fuzz->nr_failed <= MOST_TOLD) {
		tell_failure(fuzz, program);
		return;
	}
	if (!kcov_collect())
		return;
	keep(program);
	if (runner_run(program, true) != FAILED)
		kcov_collect_comparisons();
}

/* On a busy host it takes longer until there were enough. */
static bool goes_on(const struct fuzz *fuzz)
{
	uint64_t seconds = (now_ns() - fuzz->began) / SEC;

	return seconds < fuzz->seconds ||
	       (fuzz->nr_programs < fuzz->least && seconds < 5 * fuzz->seconds);
}

/**
 * fuzz_run() - run programs until the time is over
 * @fuzz: how long, and the seed; what came of it is filled in
 */
void fuzz_run(struct fuzz *fuzz)
{
	uint32_t seeds = corpus.nr, n = 0;
	struct program program;

	fuzz->began = now_ns();
	while (goes_on(fuzz)) {
		if (n < seeds)
			program = corpus.programs[n];
		else
			generate_next(&program, &corpus, fuzz->seed + n);
		n++;
		run_one(fuzz, &program);
	}
	fuzz->nr_corpus = corpus.nr;
}

/**
 * fuzz_report() - tell what came of it
 * @fuzz: the run
 */
void fuzz_report(const struct fuzz *fuzz)
{
	printf("# %llu programs of %llu calls, %llu a second; %llu took too long, %llu failed\n",
	       (unsigned long long)fuzz->nr_programs,
	       (unsigned long long)fuzz->nr_calls,
	       (unsigned long long)(fuzz->nr_programs /
				    (fuzz->seconds ? fuzz->seconds : 1)),
	       (unsigned long long)fuzz->nr_killed,
	       (unsigned long long)fuzz->nr_failed);
	if (kcov_there())
		printf("# %u places reached, %llu programs kept, %u comparisons known\n",
		       kcov_nr_pcs(), (unsigned long long)fuzz->nr_corpus,
		       kcov_nr_comparisons());
	else
		printf("# no KCOV here: not guided\n");
	fflush(stdout);
}
