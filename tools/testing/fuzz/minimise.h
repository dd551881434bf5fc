/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_FUZZ_MINIMISE_H
#define HTW_FUZZ_MINIMISE_H

#include "program.h"

void minimise(struct program *program, bool (*fails)(const struct program *program));

#endif /* HTW_FUZZ_MINIMISE_H */
