// SPDX-License-Identifier: GPL-2.0
/*
 * Programs as text: a line for each call, with those fields that are not 0.
 *
 *	open flags=2050
 *	setup clock=31 ring=16
 *	op opcode=1 expires=5000 fail=2
 *	end
 */
#include "program.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct call_desc call_descs[NR_KINDS] = {
#define F(_name, _type)			{ #_name, TYPE_##_type },
#define CALL(_name, _often, ...)					\
	[CALL_##_name] = {						\
		#_name, _often,						\
		sizeof(struct _name##_args) / sizeof(uint64_t),		\
		{ __VA_ARGS__ } },
#include "calls.inc"
};

static void write_field(FILE *file, const char *name, uint64_t value)
{
	if (value > 99999)
		fprintf(file, " %s=%#" PRIx64, name, value);
	else if (value)
		fprintf(file, " %s=%" PRIu64, name, value);
}

/**
 * program_write() - write a program down
 * @program: the program
 * @file: where to
 */
void program_write(const struct program *program, FILE *file)
{
	const struct call_desc *desc;
	const struct call *call;
	uint32_t i;

	for (call = program->calls; call < program->calls + program->nr; call++) {
		desc = &call_descs[call->kind];
		fputs(desc->name, file);
		for (i = 0; i < desc->nr; i++)
			write_field(file, desc->fields[i].name, call->args[i]);
		write_field(file, "fail", call->fail);
		fputc('\n', file);
	}
	fputs("end\n", file);
}

/* "name=value", into the field of that name. */
static bool read_field(struct call *call, const char *text)
{
	const struct call_desc *desc = &call_descs[call->kind];
	const char *equals = strchr(text, '=');
	uint64_t value;
	char *end;
	uint32_t i;

	if (!equals)
		return false;
	value = strtoull(equals + 1, &end, 0);
	if (*end || end == equals + 1)
		return false;
	if (!strncmp(text, "fail=", 5)) {
		call->fail = (uint32_t)value;
		return true;
	}
	for (i = 0; i < desc->nr; i++) {
		if (strlen(desc->fields[i].name) == (size_t)(equals - text) &&
		    !strncmp(desc->fields[i].name, text, (size_t)(equals - text))) {
			call->args[i] = value;
			return true;
		}
	}
	return false;
}

static bool read_call(struct call *call, char *line)
{
	char *rest, *word = strtok_r(line, " \n", &rest);
	int kind;

	for (kind = 0; kind < NR_KINDS; kind++)
		if (!strcmp(word, call_descs[kind].name))
			break;
	if (kind == NR_KINDS)
		return false;
	*call = (struct call){ .kind = (enum call_kind)kind };
	while ((word = strtok_r(NULL, " \n", &rest)))
		if (!read_field(call, word))
			return false;
	return true;
}

/**
 * program_read() - read what program_write() has written
 * @program: filled in
 * @file: where from; lines that begin with # do not count
 *
 * Return: false if there is no further program, or a line makes no sense, which is
 * told on stderr.
 */
bool program_read(struct program *program, FILE *file)
{
	char line[1024], copy[1024];

	program->nr = 0;
	while (fgets(line, sizeof(line), file)) {
		if (!strcmp(line, "end\n"))
			return true;
		if (*line == '#' || *line == '\n')
			continue;
		strcpy(copy, line);
		if (program->nr == MAX_CALLS ||
		    !read_call(&program->calls[program->nr++], line)) {
			fprintf(stderr, "fuzz: no call of a program: %s", copy);
			return false;
		}
	}
	return program->nr;
}

/**
 * program_equal() - are they the same?
 * @a: a program
 * @b: another
 *
 * Return: that.
 */
bool program_equal(const struct program *a, const struct program *b)
{
	uint32_t i;

	if (a->nr != b->nr)
		return false;
	for (i = 0; i < a->nr; i++) {
		if (a->calls[i].kind != b->calls[i].kind ||
		    a->calls[i].fail != b->calls[i].fail ||
		    memcmp(a->calls[i].args, b->calls[i].args,
			   call_descs[a->calls[i].kind].nr * sizeof(uint64_t)))
			return false;
	}
	return true;
}

/**
 * program_remove() - leave out a call
 * @program: the program
 * @at: its number
 */
void program_remove(struct program *program, uint32_t at)
{
	program->nr--;
	memmove(&program->calls[at], &program->calls[at + 1],
		(program->nr - at) * sizeof(struct call));
}

/**
 * program_insert() - put in a call
 * @program: the program
 * @at: the number that it gets
 * @call: what
 *
 * Return: whether there was room.
 */
bool program_insert(struct program *program, uint32_t at, const struct call *call)
{
	if (program->nr == MAX_CALLS)
		return false;
	memmove(&program->calls[at + 1], &program->calls[at],
		(program->nr - at) * sizeof(struct call));
	program->calls[at] = *call;
	program->nr++;
	return true;
}
