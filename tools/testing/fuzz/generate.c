// SPDX-License-Identifier: GPL-2.0
/*
 * Making up programs: mostly valid calls with values that make sense, then mutation of
 * what is there, also with numbers that something may trip over, and with those that
 * the kernel was seen to compare with. What is made up follows from the seed and, once
 * there is a corpus, from that.
 */
#include "generate.h"

#include "../selftests/context.h"
#include "kcov.h"

#define ARRAY_SIZE(_a)	(sizeof(_a) / sizeof((_a)[0]))

/* Of random numbers; not 0. */
struct dice {
	uint64_t	state;
};

static uint32_t below(struct dice *dice, uint32_t limit)
{
	return random_of(&dice->state, limit);
}

static bool one_in(struct dice *dice, uint32_t n)
{
	return !below(dice, n);
}

static uint64_t any_bits(struct dice *dice)
{
	return (uint64_t)below(dice, UINT32_MAX) << 32 | below(dice, UINT32_MAX);
}

static struct dice throw_dice(uint64_t seed)
{
	struct dice dice = { .state = seed * 0x9e3779b97f4a7c15ULL | 1 };
	int i;

	for (i = 0; i < 8; i++)
		below(&dice, 2);
	return dice;
}

/* --- values --- */

/* At and around every power of two. */
static uint64_t boundary(struct dice *dice)
{
	static const uint64_t known[] = {
		0, 1, 2, UINT16_MAX, INT32_MAX, 1ULL << 31, UINT32_MAX, 1ULL << 32,
		INT64_MAX, 1ULL << 63, UINT64_MAX, 1ULL << 40, 65536, 4096, 128, 32,
	};

	switch (below(dice, 4)) {
	case 0: return known[below(dice, ARRAY_SIZE(known))];
	case 1: return (1ULL << below(dice, 64)) + below(dice, 3) - 1;
	case 2: return any_bits(dice);
	default: return any_bits(dice) >> below(dice, 64);
	}
}

static uint64_t delay(struct dice *dice)
{
	switch (below(dice, 8)) {
	case 0: return 0;
	case 1: return below(dice, 64);
	case 2: return 1 + below(dice, 1000000);
	case 3: return 1000000 + below(dice, 10000000);
	case 4: return 1ULL << below(dice, 45);
	case 5: return INT64_MAX - below(dice, 3);
	default: return below(dice, 2000000);
	}
}

static uint64_t interval(struct dice *dice)
{
	switch (below(dice, 8)) {
	case 0: return 1ULL << below(dice, 24);
	case 1: return 2000000 + below(dice, 1000000);
	case 2: return INT64_MAX;
	case 3: return 1 + below(dice, 4096);
	default: return 0;
	}
}

/* A few of the bits. */
static uint64_t some_bits(struct dice *dice, uint64_t all)
{
	return one_in(dice, 3) ? 0 : all & any_bits(dice) & any_bits(dice);
}

static uint64_t clock_id(struct dice *dice)
{
	static const uint64_t clocks[] = { 31, 31, 31, CLOCK_MONOTONIC,
		CLOCK_BOOTTIME, CLOCK_REALTIME, CLOCK_TAI };

	return clocks[below(dice, ARRAY_SIZE(clocks))];
}

static uint64_t open_flags(struct dice *dice)
{
	uint64_t flags = one_in(dice, 12) ? below(dice, 4) : O_RDWR;

	return one_in(dice, 4) ? flags : flags | O_NONBLOCK;
}

static uint64_t ring_entries(struct dice *dice)
{
	if (one_in(dice, 2))
		return 0;
	if (one_in(dice, 16))
		return below(dice, 100);
	return 1ULL << (one_in(dice, 10) ? below(dice, 18) : below(dice, 6));
}

static uint64_t opcode(struct dice *dice)
{
	static const uint8_t opcodes[] = {
		HTW_OP_ARM, HTW_OP_ARM, HTW_OP_ARM, HTW_OP_ARM, HTW_OP_ARM,
		HTW_OP_REARM, HTW_OP_REARM, HTW_OP_CANCEL, HTW_OP_CANCEL,
		HTW_OP_REMAINING, HTW_OP_CANCEL_MATCH, HTW_OP_ADVANCE,
		HTW_OP_ADVANCE, HTW_OP_ADVANCE };

	return opcodes[below(dice, ARRAY_SIZE(opcodes))];
}

/* Its size is 128 bytes, but it may be any. */
static uint64_t struct_size(struct dice *dice)
{
	static const uint64_t sizes[] = { 0, 7, 8, 9, 64, 127, 129, 136, 256, 4096 };

	return one_in(dice, 8) ? sizes[below(dice, ARRAY_SIZE(sizes))] : 128;
}

static uint64_t value_of(struct dice *dice, enum field_type type)
{
	switch (type) {
	case TYPE_SLOT:
	case TYPE_FD:		return one_in(dice, 3) ? below(dice, MAX_SLOTS) : 0;
	case TYPE_OPEN_FLAGS:	return open_flags(dice);
	case TYPE_SETUP_FLAGS:	return one_in(dice, 2) ? 0 : below(dice, 4);
	case TYPE_CLOCK:	return clock_id(dice);
	case TYPE_RING:		return ring_entries(dice);
	case TYPE_NUMBER:	return one_in(dice, 2) ? 0 : below(dice, 10);
	case TYPE_MANY:		return 1 + below(dice, one_in(dice, 4) ? 1200 : 60);
	case TYPE_START:	return one_in(dice, 3) ? delay(dice) : 0;
	case TYPE_TICK:		return one_in(dice, 2) ? 0 : 1ULL << below(dice, 42);
	case TYPE_OPCODE:	return opcode(dice);
	case TYPE_TIMER_FLAGS:	return some_bits(dice, 0x7f);
	case TYPE_DELAY:	return delay(dice);
	case TYPE_INTERVAL:	return interval(dice);
	case TYPE_COOKIE:	return below(dice, 8);
	case TYPE_TIMER:	return below(dice, one_in(dice, 4) ? MAX_TIMERS : 8);
	case TYPE_MEM:		return one_in(dice, 12) ? below(dice, NR_PLACEMENTS) : 0;
	case TYPE_EVENTFD:	return below(dice, 4);
	case TYPE_SIZE:		return struct_size(dice);
	case TYPE_EVENTS_SIZE:	return below(dice, 40) * 32 + (one_in(dice, 8) ? 17 : 0);
	case TYPE_AREA:		return below(dice, NR_AREAS);
	case TYPE_PROT:		return one_in(dice, 4) ? below(dice, 8) : 1 + below(dice, 3);
	case TYPE_OFFSET:	return below(dice, 128) * 8;
	case TYPE_ANY:		return boundary(dice);
	case TYPE_US:		return 1 + below(dice, one_in(dice, 4) ? 9000 : 1500);
	case TYPE_BOOL:		return below(dice, 2);
	case TYPE_ZERO:		return 0;
	}
	return 0;
}

/* --- calls --- */

/* What the opcode does not take is 0, so that it is valid more often than not. */
static void make_op_valid(struct dice *dice, struct op_args *op)
{
	bool arms = op->opcode == HTW_OP_ARM || op->opcode == HTW_OP_REARM;
	bool advances = op->opcode == HTW_OP_ADVANCE;

	if (arms)
		op->flags |= op->at ? HTW_TIMER_ABS : 0;
	else if (advances)
		op->flags = some_bits(dice, HTW_TIMER_ABS | HTW_ADVANCE_NEXT);
	else
		op->flags = 0;
	if (!arms && !advances)
		op->expires = 0;
	if (!(op->flags & HTW_TIMER_ABS))
		op->at = 0;
	if (!arms || !op->interval)
		op->count = 0;
	if (!arms) {
		op->interval = 0;
		op->slack = 0;
	}
	if (!arms && op->opcode != HTW_OP_CANCEL_MATCH)
		op->cookie = 0;
	if (!op->interval)
		op->flags &= ~(uint64_t)(HTW_TIMER_SKIP | HTW_TIMER_BURST);
	else
		op->flags &= ~(uint64_t)HTW_TIMER_WORD;
	if (op->flags & HTW_TIMER_DEADLINE)
		op->flags &= ~(uint64_t)(HTW_TIMER_COARSE | HTW_TIMER_WORD);
}

static void make_batch_valid(struct dice *dice, struct batch_args *batch)
{
	if (one_in(dice, 2))
		batch->events = 0;
	if (!one_in(dice, 3) || !batch->events)
		batch->min = 0;
	else if (batch->min > batch->events)
		batch->min = batch->events;
	if (!batch->min)
		batch->timeout = 0;
}

static void make_setup_valid(struct dice *dice, struct setup_args *setup)
{
	if (setup->clock != HTW_CLOCK_VIRTUAL) {
		setup->start = 0;
		setup->tick = 0;
	}
	if (setup->clock == CLOCK_REALTIME || setup->clock == CLOCK_TAI)
		setup->flags &= ~(uint64_t)HTW_SETUP_WORDS;
	else
		setup->flags &= ~(uint64_t)HTW_SETUP_CLOCK_STEPS;
	if (setup->timers)
		setup->timers *= 1 + below(dice, 40);
}

static void make_valid(struct dice *dice, struct call *call)
{
	if (call->kind == CALL_op)
		make_op_valid(dice, &call->op);
	else if (call->kind == CALL_batch)
		make_batch_valid(dice, &call->batch);
	else if (call->kind == CALL_setup)
		make_setup_valid(dice, &call->setup);
	else if (call->kind == CALL_map)
		call->map.prot = call->map.area == AREA_RING ? PROT_READ :
				 PROT_READ | PROT_WRITE;
}

static struct call make_call(struct dice *dice, enum call_kind kind)
{
	const struct call_desc *desc = &call_descs[kind];
	struct call call = { .kind = kind };
	uint32_t i;

	for (i = 0; i < desc->nr; i++)
		call.args[i] = value_of(dice, desc->fields[i].type);
	if (!one_in(dice, 16))
		make_valid(dice, &call);
	if (one_in(dice, 40))
		call.fail = 1 + below(dice, 8);
	return call;
}

static enum call_kind any_kind(struct dice *dice)
{
	uint32_t sum = 0, n;
	int kind;

	for (kind = 0; kind < NR_KINDS; kind++)
		sum += call_descs[kind].often;
	n = below(dice, sum);
	for (kind = 0; n >= call_descs[kind].often; kind++)
		n -= call_descs[kind].often;
	return (enum call_kind)kind;
}

static void append(struct program *program, struct call call)
{
	program_insert(program, program->nr, &call);
}

/* Most have a context that was set up, and what can be mapped of it is mapped. */
static void begin(struct program *program, struct dice *dice)
{
	uint64_t area;

	append(program, (struct call){ .kind = CALL_open,
		.open = { .flags = open_flags(dice) } });
	if (one_in(dice, 5))
		return;
	append(program, make_call(dice, CALL_setup));
	program->calls[1].setup.fd = 0;
	for (area = 0; area < NR_AREAS && !one_in(dice, 4); area++)
		append(program, (struct call){ .kind = CALL_map, .map = {
			.area = area,
			.prot = area == AREA_RING ? PROT_READ : PROT_READ | PROT_WRITE,
		} });
}

/* --- mutation --- */

static void change_field(struct program *program, struct dice *dice)
{
	struct call *call = &program->calls[below(dice, program->nr)];
	const struct call_desc *desc = &call_descs[call->kind];
	uint32_t i = below(dice, desc->nr);
	uint64_t *arg = &call->args[i];

	switch (below(dice, 6)) {
	case 0: *arg = boundary(dice); break;
	case 1: *arg += below(dice, 5) - 2ULL; break;
	case 2: *arg ^= 1ULL << below(dice, 64); break;
	default: *arg = value_of(dice, desc->fields[i].type); break;
	}
}

/* What was compared with a constant becomes that, or nearly. */
static void use_comparison(struct program *program, struct dice *dice)
{
	const struct comparison *comparison;
	uint32_t n = below(dice, MAX_COMPARISONS), tries, i, j;
	struct call *call;

	for (tries = 0; tries < 512; tries++) {
		comparison = kcov_comparison(n + tries);
		for (i = 0; comparison && i < program->nr; i++) {
			call = &program->calls[i];
			for (j = 0; j < call_descs[call->kind].nr; j++) {
				if (call->args[j] != comparison->value)
					continue;
				call->args[j] = comparison->with;
				if (one_in(dice, 3))
					call->args[j] += below(dice, 3) - 1ULL;
				return;
			}
		}
	}
	change_field(program, dice);
}

static void insert_call(struct program *program, struct dice *dice)
{
	struct call call = make_call(dice, any_kind(dice));

	program_insert(program, below(dice, program->nr + 1), &call);
}

static void remove_call(struct program *program, struct dice *dice)
{
	if (program->nr > 1)
		program_remove(program, below(dice, program->nr));
}

static void repeat_call(struct program *program, struct dice *dice)
{
	struct call call = program->calls[below(dice, program->nr)];

	program_insert(program, below(dice, program->nr + 1), &call);
}

static void let_fail(struct program *program, struct dice *dice)
{
	program->calls[below(dice, program->nr)].fail = below(dice, 12);
}

/* Its beginning, and the end of another one. */
static void join_another(struct program *program, struct dice *dice,
		   const struct corpus *corpus)
{
	const struct program *other = &corpus->programs[below(dice, corpus->nr)];
	uint32_t from = below(dice, other->nr);

	program->nr = 1 + below(dice, program->nr);
	for (; from < other->nr; from++)
		append(program, other->calls[from]);
}

static void mutate(struct program *program, struct dice *dice,
		   const struct corpus *corpus)
{
	uint32_t what = below(dice, 20);

	if (what < 8)
		change_field(program, dice);
	else if (what < 11)
		use_comparison(program, dice);
	else if (what < 15)
		insert_call(program, dice);
	else if (what < 16)
		remove_call(program, dice);
	else if (what < 18)
		repeat_call(program, dice);
	else if (what < 19)
		let_fail(program, dice);
	else
		join_another(program, dice, corpus);
}

/**
 * generate_fresh() - make up a program from nothing
 * @program: filled in
 * @seed: the same one gives the same program
 */
void generate_fresh(struct program *program, uint64_t seed)
{
	struct dice dice = throw_dice(seed);
	uint32_t nr = 4 + below(&dice, MAX_CALLS - 6);

	program->nr = 0;
	begin(program, &dice);
	while (program->nr < nr)
		append(program, make_call(&dice, any_kind(&dice)));
	while (one_in(&dice, 3))
		change_field(program, &dice);
}

/**
 * generate_next() - make up the next program to run
 * @program: filled in
 * @corpus: what it may be made from; may be empty
 * @seed: of this program
 */
void generate_next(struct program *program, const struct corpus *corpus,
		   uint64_t seed)
{
	struct dice dice = throw_dice(seed ^ 0x5555);

	if (!corpus->nr || one_in(&dice, 4)) {
		generate_fresh(program, seed);
		return;
	}
	*program = corpus->programs[below(&dice, corpus->nr)];
	do
		mutate(program, &dice, corpus);
	while (!one_in(&dice, 4));
}
