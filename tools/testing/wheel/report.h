/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The named properties, how often each was checked, and what to print when one
 * does not hold.
 */
#ifndef _WHEEL_TEST_REPORT_H
#define _WHEEL_TEST_REPORT_H

#include <setjmp.h>
#include <stdbool.h>

#include <linux/types.h>

/*
 * Each is a test case of its own. TESTED ones have a function in cases.c, the
 * others are checked on the way, by the random run above all.
 */
#define TESTED_PROPERTIES(X)		\
	X(capacity)			\
	X(geometry_refused)		\
	X(best_tick)			\
	X(rounds_up)			\
	X(small_wheels_exhausted)	\
	X(lone_timer_one_wakeup)	\
	X(needless_wakeups)		\
	X(push_is_one_store)		\
	X(cancel_touches_neighbours_only) \
	X(arm_touches_one_slot)		\
	X(big_slot_in_steps)		\
	X(interrupted_drain)		\
	X(overflow_moves_in)		\
	X(far_end_of_time)		\
	X(forward)			\
	X(round_never_cascaded)		\
	X(slack_saves)			\
	X(bounded_tick)			\
	X(bounded_in_one_slot)		\
	X(bounded_on_one_tick)		\
	X(bounded_after_sleep)		\
	X(bounded_in_a_flood)		\
	X(bounded_while_cancelled)	\
	X(bounded_while_pushed)

#define WATCHED_PROPERTIES(X)		\
	X(never_early)			\
	X(exactly_once)			\
	X(order)			\
	X(due_clamp)			\
	X(right_slot)			\
	X(pending_counted)		\
	X(overflow_counted)		\
	X(next_never_late)		\
	X(next_exact)			\
	X(event_returned)		\
	X(ahead_wakeups)		\
	X(refresh_exact)		\
	X(budget_kept)			\
	X(advance_ends)			\
	X(take_empties)			\
	X(invariants)

#define PROPERTY_ENUM(name) PROPERTY_##name,
enum property {
	TESTED_PROPERTIES(PROPERTY_ENUM)
	WATCHED_PROPERTIES(PROPERTY_ENUM)
	NR_PROPERTIES
};

/**
 * struct report - where the test is, and what it has found
 * @program: how the program was called, for the command line that replays
 * @timers: the option of this name, which a replay needs too
 * @large: the same
 * @seed: what all random numbers come from
 * @tested: the property whose function runs, NULL during the random run
 * @round: the round of the random run
 * @op: the operation in this round, or in this function
 * @checks: how often each property was checked
 * @failures: how often it did not hold
 * @give_up: where to go on after a failure
 */
struct report {
	const char	*program;
	unsigned int	timers;
	unsigned int	large;
	u64		seed;
	const char	*tested;
	unsigned long	round;
	unsigned long	op;
	unsigned long	checks[NR_PROPERTIES];
	unsigned long	failures[NR_PROPERTIES];
	jmp_buf		give_up;
};

extern struct report report;
extern const char *const property_names[NR_PROPERTIES];

/* From here on a crash, or @seconds without report_alive(), is explained. */
void report_watch(unsigned int seconds);
void report_alive(void);
__attribute__((noreturn, format(printf, 2, 3)))
void report_failure(enum property property, const char *format, ...);
/* Prints a line for each property. Returns whether all are well. */
bool report_results(bool replay);

/* The rest is what was expected and what was there instead, as for printf(). */
#define CHECK(name, condition, ...)					\
	do {								\
		report.checks[PROPERTY_##name]++;			\
		if (!(condition))					\
			report_failure(PROPERTY_##name, __VA_ARGS__);	\
	} while (0)

#define CHECK_EQUAL(name, what, expected, got)				\
	do {								\
		u64 _expected = (expected), _got = (got);		\
									\
		CHECK(name, _expected == _got,				\
		      "%s: expected %llu, got %llu", what, _expected,	\
		      _got);						\
	} while (0)

#endif /* _WHEEL_TEST_REPORT_H */
