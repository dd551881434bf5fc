/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What code of the kernel the calls of a thread have been through, by KCOV.
 */
#ifndef HTW_FUZZ_KCOV_H
#define HTW_FUZZ_KCOV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Threads and children of one program, each with a trace of its own. */
enum { MAX_ACTORS = 5 };

/* What the kernel has compared: something with a constant. */
struct comparison {
	uint64_t	with;
	uint64_t	value;
};

enum { MAX_COMPARISONS = 4096 };

bool kcov_open(void);
bool kcov_there(void);

void kcov_reset(void);
void kcov_start(uint32_t actor, bool comparisons);
void kcov_stop(uint32_t actor);

uint32_t kcov_collect(void);
void kcov_collect_comparisons(void);

uint32_t kcov_nr_pcs(void);
uint32_t kcov_nr_comparisons(void);
const struct comparison *kcov_comparison(uint32_t n);
void kcov_write(FILE *file);

#endif /* HTW_FUZZ_KCOV_H */
