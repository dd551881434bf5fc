// SPDX-License-Identifier: GPL-2.0
#include "report.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

struct report report;

#define PROPERTY_NAME(name) #name,
const char *const property_names[NR_PROPERTIES] = {
	TESTED_PROPERTIES(PROPERTY_NAME)
	WATCHED_PROPERTIES(PROPERTY_NAME)
};

static unsigned int watch_seconds;

static void print_replay(void)
{
	printf("# seed %llu, in %s, round %lu, operation %lu\n", report.seed,
	       report.tested ? report.tested : "the random run", report.round,
	       report.op);
	printf("# replay: %s --seed %llu --timers %u --large %u ",
	       report.program, report.seed, report.timers, report.large);
	if (report.tested)
		printf("--case %s\n", report.tested);
	else
		printf("--round %lu\n", report.round);
}

/*
 * The last words of a program that ends here and now. It may be in any state,
 * but there is nothing that could still be broken by printing.
 */
static void last_words(const char *cause)
{
	static bool said;

	/* One cause is often followed by another, on the way out. */
	if (said)
		return;
	said = true;
	printf("# FAIL %s: %s\n", report.tested ? report.tested : "random_run",
	       cause);
	print_replay();
	fflush(stdout);
}

static void on_alarm(int signal)
{
	(void)signal;
	last_words("hangs");
	_exit(1);
}

static void on_crash(void)
{
	last_words("crashed");
}

static void on_signal(int number)
{
	last_words("crashed");
	signal(number, SIG_DFL);
	raise(number);
}

/* ASan has this. It handles SIGSEGV by itself, and calls back when it is done. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

/* UBSan calls this. Nothing else does, and so nothing declares it. */
void __ubsan_on_report(void);
void __ubsan_on_report(void)
{
	last_words("undefined behaviour");
}

void report_watch(unsigned int seconds)
{
	watch_seconds = seconds;
	signal(SIGALRM, on_alarm);
	signal(SIGABRT, on_signal);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(on_crash);
	else
		signal(SIGSEGV, on_signal);
	report_alive();
}

void report_alive(void)
{
	alarm(watch_seconds);
}

void report_failure(enum property property, const char *format, ...)
{
	va_list args;

	/* The first failure tells the most; those of later rounds repeat it. */
	if (!report.failures[property]++) {
		printf("# FAIL %s: ", property_names[property]);
		va_start(args, format);
		vprintf(format, args);
		va_end(args);
		putchar('\n');
		print_replay();
	}
	longjmp(report.give_up, 1);
}

/* What nothing has checked is not known to hold. */
static bool report_result(enum property property, bool replay)
{
	unsigned long checks = report.checks[property];
	unsigned long failures = report.failures[property];
	bool skip = replay && !checks;
	bool ok = !failures && (checks || replay);

	printf("%sok %u %s #%s %lu checks", ok ? "" : "not ", property + 1,
	       property_names[property], skip ? " SKIP" : "", checks);
	if (failures)
		printf(", %lu failures", failures);
	putchar('\n');
	return ok;
}

bool report_results(bool replay)
{
	unsigned int property;
	bool ok = true;

	for (property = 0; property < NR_PROPERTIES; property++)
		ok &= report_result(property, replay);
	return ok;
}
