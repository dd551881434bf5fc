/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program of the fuzzer: calls one after the other, and how they are written down.
 */
#ifndef HTW_FUZZ_PROGRAM_H
#define HTW_FUZZ_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { MAX_CALLS = 40, MAX_FIELDS = 12, MAX_SLOTS = 4, MAX_TIMERS = 48 };

/* What kind of value a field takes when it makes sense. */
enum field_type {
	TYPE_SLOT, TYPE_FD, TYPE_OPEN_FLAGS, TYPE_SETUP_FLAGS, TYPE_CLOCK, TYPE_RING,
	TYPE_NUMBER, TYPE_MANY, TYPE_START, TYPE_TICK, TYPE_OPCODE, TYPE_TIMER_FLAGS,
	TYPE_DELAY, TYPE_INTERVAL, TYPE_COOKIE, TYPE_TIMER, TYPE_MEM, TYPE_EVENTFD,
	TYPE_SIZE, TYPE_EVENTS_SIZE, TYPE_AREA, TYPE_PROT, TYPE_OFFSET, TYPE_ANY,
	TYPE_US, TYPE_BOOL, TYPE_ZERO,
};

/* Where the argument of a call lies: see memory.c. */
enum placement {
	MEM_PLAIN, MEM_EDGE, MEM_CUT, MEM_STRADDLE, MEM_READ_ONLY, MEM_HOLE, MEM_NULL,
	MEM_KERNEL, MEM_RING, MEM_CTL, MEM_WORDS, NR_PLACEMENTS,
};

enum area { AREA_RING, AREA_CTL, AREA_WORDS, NR_AREAS };

/* struct op_args and so on. */
#define F(_name, _type)			uint64_t _name;
#define CALL(_name, _often, ...)	struct _name##_args { __VA_ARGS__ };
#include "calls.inc"

enum call_kind {
#define F(_name, _type)
#define CALL(_name, _often, ...)	CALL_##_name,
#include "calls.inc"
	NR_KINDS,
};

/**
 * struct call - one call of a program
 * @kind: which
 * @fail: the @fail-th allocation or copy that the kernel makes for it fails; 0 for none
 * @args: all its fields, in order; and by their names
 */
struct call {
	enum call_kind	kind;
	uint32_t	fail;
	union {
		uint64_t args[MAX_FIELDS];
#define F(_name, _type)
#define CALL(_name, _often, ...)	struct _name##_args _name;
#include "calls.inc"
	};
};

struct program {
	uint32_t	nr;
	struct call	calls[MAX_CALLS];
};

struct field_desc {
	const char	*name;
	enum field_type	type;
};

/**
 * struct call_desc - a kind of call
 * @name: what it is called in a file
 * @often: its share of all calls that are made up
 * @nr: how many fields it has
 * @fields: them
 */
struct call_desc {
	const char		*name;
	uint32_t		often;
	uint32_t		nr;
	struct field_desc	fields[MAX_FIELDS];
};

extern const struct call_desc call_descs[NR_KINDS];

void program_write(const struct program *program, FILE *file);
bool program_read(struct program *program, FILE *file);
bool program_equal(const struct program *a, const struct program *b);

void program_remove(struct program *program, uint32_t at);
bool program_insert(struct program *program, uint32_t at, const struct call *call);

#endif /* HTW_FUZZ_PROGRAM_H */
