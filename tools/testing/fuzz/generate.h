/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_FUZZ_GENERATE_H
#define HTW_FUZZ_GENERATE_H

#include "program.h"

/* Programs that others are made from: those that reached something new. */
struct corpus {
	struct program	*programs;
	uint32_t	nr;
	uint32_t	room;
};

void generate_fresh(struct program *program, uint64_t seed);
void generate_next(struct program *program, const struct corpus *corpus,
		   uint64_t seed);

#endif /* HTW_FUZZ_GENERATE_H */
