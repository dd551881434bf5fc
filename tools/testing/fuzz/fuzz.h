/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_FUZZ_FUZZ_H
#define HTW_FUZZ_FUZZ_H

#include <stdint.h>

/**
 * struct fuzz - a run of the fuzzer, and what came of it
 * @seed: of all that is made up
 * @seconds: how long
 * @least: so many programs are run if it does not take five times as long
 * @began: when
 * @nr_programs: how many were run
 * @nr_killed: of which so many took too long
 * @nr_failed: and in so many something was wrong
 * @nr_corpus: how many have reached something new
 * @nr_calls: calls made by all of them
 */
struct fuzz {
	uint64_t	seed;
	uint64_t	seconds;
	uint64_t	least;
	uint64_t	began;
	uint64_t	nr_programs;
	uint64_t	nr_killed;
	uint64_t	nr_failed;
	uint64_t	nr_corpus;
	uint64_t	nr_calls;
};

void fuzz_add_seeds(const char *path);
void fuzz_run(struct fuzz *fuzz);
void fuzz_report(const struct fuzz *fuzz);
void fuzz_write_corpus(const char *path);

#endif /* HTW_FUZZ_FUZZ_H */
