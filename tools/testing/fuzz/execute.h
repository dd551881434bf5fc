/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_FUZZ_EXECUTE_H
#define HTW_FUZZ_EXECUTE_H

#include "program.h"

void execute_program(const struct program *program, bool comparisons);

#endif /* HTW_FUZZ_EXECUTE_H */
