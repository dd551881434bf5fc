// SPDX-License-Identifier: GPL-2.0
/*
 * The smallest program that still fails: calls are left out, then fields become 0, as
 * long as it does.
 */
#include "minimise.h"

static bool leave_out_calls(struct program *program,
			    bool (*fails)(const struct program *program))
{
	struct program smaller;
	bool smaller_at_all = false;
	uint32_t i;

	for (i = program->nr; i-- > 0 && program->nr > 1; ) {
		smaller = *program;
		program_remove(&smaller, i);
		if (!fails(&smaller))
			continue;
		*program = smaller;
		smaller_at_all = true;
	}
	return smaller_at_all;
}

static bool clear(struct program *program, uint64_t *arg,
		  bool (*fails)(const struct program *program))
{
	uint64_t old = *arg;

	if (!old)
		return false;
	*arg = 0;
	if (fails(program))
		return true;
	*arg = old;
	return false;
}

static bool clear_fields(struct program *program,
			 bool (*fails)(const struct program *program))
{
	struct call *call;
	bool cleared = false;
	uint64_t fail;
	uint32_t i;

	for (call = program->calls; call < program->calls + program->nr; call++) {
		for (i = 0; i < call_descs[call->kind].nr; i++)
			cleared |= clear(program, &call->args[i], fails);
		fail = call->fail;
		call->fail = 0;
		if (fail && !fails(program))
			call->fail = (uint32_t)fail;
	}
	return cleared;
}

/**
 * minimise() - make a program that fails as small as possible
 * @program: the program
 * @fails: runs one, and tells whether it fails
 */
void minimise(struct program *program, bool (*fails)(const struct program *program))
{
	while (leave_out_calls(program, fails) | clear_fields(program, fails))
		;
}
