// SPDX-License-Identifier: GPL-2.0
/*
 * A short run of the fuzzer, and whether it is one: a fuzzer that does nothing finds
 * nothing. HTW_TEST_SEED repeats a run.
 */
#include "../selftests/parameter.h"
#include "fuzz.h"
#include "generate.h"
#include "kcov.h"
#include "minimise.h"
#include "oracle.h"
#include "runner.h"

/* Of each run. */
enum { SECONDS = 12 };

/* A guided run reaches twice that at least; a program that opens the device alone 20. */
enum { PLACES = 400 };

static uint64_t seed_of_test(void)
{
	const char *text = getenv("HTW_TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : now_ns() | 1;

	ktap_note("HTW_TEST_SEED=%llu", (unsigned long long)seed);
	return seed;
}

static struct fuzz fuzz_as(uid_t user)
{
	struct fuzz fuzz = { .seed = seed_of_test(), .seconds = SECONDS, .least = 30 };

	kcov_open();
	runner_open(NULL);
	if (user) {
		open_the_device();
		become(user);
	}
	fuzz_run(&fuzz);
	fuzz_report(&fuzz);
	return fuzz;
}

/* Each takes some milliseconds, but on a busy host. */
static void expect_nothing(const struct fuzz *fuzz)
{
	EXPECT_GT(fuzz->nr_programs, 20);
	EXPECT_EQ(fuzz->nr_failed, 0);
	EXPECT_LT(fuzz->nr_killed, fuzz->nr_programs / 2);
}

static void root_finds_nothing(void)
{
	struct fuzz fuzz = fuzz_as(0);

	expect_nothing(&fuzz);
}

static void unprivileged_finds_nothing(void)
{
	struct fuzz fuzz = fuzz_as(NOBODY);

	expect_nothing(&fuzz);
}

static void coverage_guides_into_the_depth(void)
{
	struct fuzz fuzz;

	if (!kcov_open())
		ktap_skip("the kernel has no KCOV");
	fuzz = fuzz_as(0);
	EXPECT_GT(kcov_nr_pcs(), PLACES);
	EXPECT_GT(kcov_nr_comparisons(), 50);
	EXPECT_GT(fuzz.nr_corpus, 10);
}

static void write_and_read(const struct program *program, struct program *again)
{
	static char text[65536];
	FILE *file = fmemopen(text, sizeof(text), "w+");

	ASSERT_TRUE(file);
	program_write(program, file);
	rewind(file);
	ASSERT_TRUE(program_read(again, file));
	fclose(file);
}

static void program_that_is_written_and_read_is_the_same(void)
{
	struct program program, again;
	uint64_t seed = seed_of_test(), i;

	for (i = 0; i < 2000; i++) {
		generate_fresh(&program, seed + i);
		write_and_read(&program, &again);
		EXPECT_TRUE(program_equal(&program, &again));
		generate_fresh(&again, seed + i);
		EXPECT_TRUE(program_equal(&program, &again));
	}
}

/* Nothing in it depends on the real time. */
static const struct program virtual_program = { .nr = 7, .calls = {
	{ .kind = CALL_open, .open = { .flags = O_RDWR | O_NONBLOCK } },
	{ .kind = CALL_setup, .setup = { .size = 128, .clock = HTW_CLOCK_VIRTUAL } },
	{ .kind = CALL_op, .op = { .opcode = HTW_OP_ARM, .expires = 5000 } },
	{ .kind = CALL_op, .op = { .opcode = HTW_OP_CANCEL, .timer = 1 } },
	{ .kind = CALL_op, .op = { .opcode = HTW_OP_ADVANCE, .expires = SEC } },
	{ .kind = CALL_read, .read = { .size = 320 } },
	{ .kind = CALL_read, .read = { .size = 320, .mem = MEM_HOLE } },
} };

static void replay_is_the_same(void)
{
	static const int64_t expected[] = { 0, 0, 0, -ENOENT, 0, 32, -EAGAIN };
	struct program again;
	uint32_t times, i;

	runner_open(NULL);
	write_and_read(&virtual_program, &again);
	for (times = 0; times < 5; times++) {
		EXPECT_EQ(runner_run(&again, false), ENDED);
		ASSERT_EQ(run->nr_results, 7);
		for (i = 0; i < 7; i++) {
			EXPECT_EQ(run->results[i].call, i);
			EXPECT_EQ(run->results[i].ret, expected[i]);
		}
	}
}

/* It fails if 10 is written to fd 1 after something was read, say. */
static bool fails_on_order(const struct program *program)
{
	bool was_read = false;
	uint32_t i;

	for (i = 0; i < program->nr; i++) {
		if (program->calls[i].kind == CALL_read)
			was_read = true;
		if (was_read && program->calls[i].kind == CALL_write &&
		    program->calls[i].write.fd == 1)
			return true;
	}
	return false;
}

static void minimise_finds_the_calls(void)
{
	const struct program least = { .nr = 2, .calls = {
		{ .kind = CALL_read }, { .kind = CALL_write, .write = { .fd = 1 } } } };
	const struct call culprit = { .kind = CALL_write,
				      .write = { .fd = 1, .size = 10 } };
	uint64_t seed = seed_of_test(), found = 0, i;
	struct program program;

	for (i = 0; i < 1000; i++) {
		generate_fresh(&program, seed + i);
		if (!program_insert(&program, program.nr, &culprit) ||
		    !fails_on_order(&program))
			continue;
		minimise(&program, fails_on_order);
		EXPECT_TRUE(program_equal(&program, &least));
		found++;
	}
	EXPECT_GT(found, 100);
}

/* What the oracle is there for it must see: a program whose failure is known. */
static void what_is_wrong_is_seen(void)
{
	struct htw_op before = { .opcode = HTW_OP_CANCEL, .id = 1ULL << 32 };
	struct htw_op after = before, done = before;
	struct htw_setup setup = { .ring_entries = 3 };
	struct htw_query query = { .size = sizeof(query), .tick_ns = 1, .max_file = 1 };
	struct htw_event event = { .id = 1ULL << 32, .expires = 2, .expirations = 1 };
	struct call call = { .kind = CALL_setup };

	oracle_open();
#define EXPECT_SEEN(_what)						\
	do {								\
		memset(run, 0, sizeof(*run));				\
		run->contexts[0].nr_timers = 1;				\
		run->contexts[0].timers[0].id = 1ULL << 32;		\
		_what;							\
		EXPECT_TRUE(run->failed);				\
	} while (0)
	EXPECT_SEEN(oracle_call(&call, -EAGAIN));
	EXPECT_SEEN(oracle_op(run->contexts, &before, &after, -ENOSPC));
	EXPECT_SEEN(oracle_op(run->contexts, &before, &after, 0));
	after.value = 1;
	EXPECT_SEEN(oracle_op(run->contexts, &before, &after, -ENOENT));
	done.arming = 1;
	done.res = HTW_CANCELLED;
	EXPECT_SEEN(run->contexts[0].timers[0].cancelled = 1;
		    oracle_op(run->contexts, &before, &done, 0));
	EXPECT_SEEN(oracle_setup(&setup));
	query.resv = 1;
	EXPECT_SEEN(oracle_query(&query));
	EXPECT_SEEN(oracle_events(run->contexts, &event, 1, 1));
	event.expires = 1;
	event.id = 2ULL << 32;
	EXPECT_SEEN(oracle_events(run->contexts, &event, 1, 1));
	event.id = 1ULL << 32;
	EXPECT_SEEN(run->contexts[0].timers[0].cancelled = 1;
		    oracle_events(run->contexts, &event, 1, 1));
	memset(run, 0, sizeof(*run));
	run->contexts[0].nr_timers = 1;
	run->contexts[0].timers[0].id = 1ULL << 32;
	oracle_events(run->contexts, &event, 1, 1);
	oracle_op(run->contexts, &before, &done, 0);
	EXPECT_TRUE(!run->failed);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(program_that_is_written_and_read_is_the_same),
	KTAP_TEST(replay_is_the_same),
	KTAP_TEST(minimise_finds_the_calls),
	KTAP_TEST(what_is_wrong_is_seen),
	KTAP_TEST(root_finds_nothing),
	KTAP_TEST(unprivileged_finds_nothing),
	KTAP_TEST(coverage_guides_into_the_depth),
};

int main(int argc, char **argv)
{
	return main_with_parameters(argc, argv, &KTAP_SUITE("fuzz", tests, need_root));
}
