/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_FUZZ_RUNNER_H
#define HTW_FUZZ_RUNNER_H

#include "program.h"

/* How a program has ended. */
enum ending { ENDED, KILLED, FAILED };

void runner_open(const char *channel);
enum ending runner_run(const struct program *program, bool comparisons);
bool runner_fails(const struct program *program);
const char *runner_failure(void);

#endif /* HTW_FUZZ_RUNNER_H */
