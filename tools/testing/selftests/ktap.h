/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table of tests, run one by one, each in a child of its own: a crash or a
 * hang is the failure of one test, and nothing of it is left for the next. The
 * output is KTAP, see Documentation/dev-tools/ktap.rst in the kernel.
 *
 *	static void it_works(void)
 *	{
 *		EXPECT_EQ(1 + 1, 2);
 *	}
 *
 *	static const struct ktap_test tests[] = {
 *		KTAP_TEST(it_works),
 *	};
 *
 *	int main(int argc, char **argv)
 *	{
 *		return ktap_main(argc, argv, &KTAP_SUITE("suite", tests, NULL));
 *	}
 *
 * EXPECT_*() go on after a failure, ASSERT_*() end the process that they are
 * in. Both also work in threads and in children of a test.
 */
#ifndef HTW_KTAP_H
#define HTW_KTAP_H

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Long for a test, short for a hang, also where the CPU is emulated. */
#ifndef KTAP_TIMEOUT_SEC
#define KTAP_TIMEOUT_SEC	90
#endif

struct ktap_test {
	const char	*name;
	void		(*fn)(void);
};

/**
 * struct ktap_suite - what ktap_main() runs
 * @name: of the suite
 * @tests: its tests
 * @nr: how many there are
 * @check: NULL, or returns why no test can run, or NULL if they can
 */
struct ktap_suite {
	const char		*name;
	const struct ktap_test	*tests;
	size_t			nr;
	const char		*(*check)(void);
};

/* Of a program that is built in another way; its suites have names of their own. */
#ifndef KTAP_SUFFIX
#define KTAP_SUFFIX	""
#endif

#define KTAP_TEST(_fn)	{ #_fn, _fn }
#define KTAP_SUITE(_name, _tests, _check)				\
	((struct ktap_suite){						\
		.name = _name KTAP_SUFFIX, .tests = _tests,		\
		.nr = sizeof(_tests) / sizeof((_tests)[0]),		\
		.check = _check })

/* Shared by the runner and all processes of a test. */
struct ktap_state {
	int	failures;
	char	skip[160];
};

static struct ktap_state *ktap_state;

/* One write() a line, so that lines of different processes do not mix. */
static inline void __attribute__((format(printf, 1, 2)))
ktap_note(const char *format, ...)
{
	char line[512];
	va_list args;
	int len;

	va_start(args, format);
	len = snprintf(line, sizeof(line), "# ");
	len += vsnprintf(line + len, sizeof(line) - (size_t)len - 1, format,
			 args);
	va_end(args);
	if (len > (int)sizeof(line) - 2)
		len = (int)sizeof(line) - 2;
	line[len++] = '\n';
	/* A test may send itself signals all the time. */
	while (write(STDOUT_FILENO, line, (size_t)len) < 0)
		if (errno != EINTR)
			_exit(EXIT_FAILURE);
}

static inline void ktap_fail(void)
{
	__atomic_add_fetch(&ktap_state->failures, 1, __ATOMIC_SEQ_CST);
}

static inline const char *ktap_meaning(long long value)
{
	return value < 0 && value > -200 ? strerror((int)-value) : "";
}

/* A loop that fails a million times shall not fill the log. */
static inline bool ktap_enough(void)
{
	return ktap_state->failures > 20;
}

static inline void ktap_differs(const char *file, int line, const char *what,
				long long a, long long b)
{
	const char *slash = strrchr(file, '/');

	if (!ktap_enough())
		ktap_note("%s:%d: not so: %s; %lld (%#llx) %s, %lld (%#llx) %s",
			  slash ? slash + 1 : file, line, what,
			  a, (unsigned long long)a, ktap_meaning(a),
			  b, (unsigned long long)b, ktap_meaning(b));
	ktap_fail();
}

/* Everything is compared as long long: times and errnos are, ids may be. */
#define KTAP_COMPARE(_a, _op, _b, _text, _failed)			\
	do {								\
		long long ktap_a = (long long)(_a);			\
		long long ktap_b = (long long)(_b);			\
									\
		if (!(ktap_a _op ktap_b)) {				\
			ktap_differs(__FILE__, __LINE__, _text,		\
				     ktap_a, ktap_b);			\
			_failed;					\
		}							\
	} while (0)

/* The text is made here, where macros in it are not expanded yet. */
#define EXPECT_EQ(_a, _b)						\
	KTAP_COMPARE(_a, ==, _b, #_a " == " #_b, (void)0)
#define EXPECT_NE(_a, _b)						\
	KTAP_COMPARE(_a, !=, _b, #_a " != " #_b, (void)0)
#define EXPECT_LE(_a, _b)						\
	KTAP_COMPARE(_a, <=, _b, #_a " <= " #_b, (void)0)
#define EXPECT_LT(_a, _b)						\
	KTAP_COMPARE(_a, <, _b, #_a " < " #_b, (void)0)
#define EXPECT_GE(_a, _b)						\
	KTAP_COMPARE(_a, >=, _b, #_a " >= " #_b, (void)0)
#define EXPECT_GT(_a, _b)						\
	KTAP_COMPARE(_a, >, _b, #_a " > " #_b, (void)0)
#define EXPECT_TRUE(_a)							\
	KTAP_COMPARE(!!(_a), ==, true, #_a, (void)0)

#define ASSERT_EQ(_a, _b)						\
	KTAP_COMPARE(_a, ==, _b, #_a " == " #_b, _exit(1))
#define ASSERT_NE(_a, _b)						\
	KTAP_COMPARE(_a, !=, _b, #_a " != " #_b, _exit(1))
#define ASSERT_LE(_a, _b)						\
	KTAP_COMPARE(_a, <=, _b, #_a " <= " #_b, _exit(1))
#define ASSERT_LT(_a, _b)						\
	KTAP_COMPARE(_a, <, _b, #_a " < " #_b, _exit(1))
#define ASSERT_GE(_a, _b)						\
	KTAP_COMPARE(_a, >=, _b, #_a " >= " #_b, _exit(1))
#define ASSERT_GT(_a, _b)						\
	KTAP_COMPARE(_a, >, _b, #_a " > " #_b, _exit(1))
#define ASSERT_TRUE(_a)							\
	KTAP_COMPARE(!!(_a), ==, true, #_a, _exit(1))

/* A system call that shall fail with this errno. */
#define EXPECT_ERRNO(_call, _errno)					\
	do {								\
		errno = 0;						\
		KTAP_COMPARE((_call) == -1 ? -errno : 0, ==, -(_errno),	\
			     #_call " is " #_errno, (void)0);		\
	} while (0)

/* End the test, which could not be done for @reason. */
static inline void ktap_skip(const char *reason)
{
	snprintf(ktap_state->skip, sizeof(ktap_state->skip), "%s", reason);
	_exit(0);
}

static inline void ktap_child(const struct ktap_test *test,
			      const sigset_t *mask)
{
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, mask, NULL);
	test->fn();
	fflush(stdout);
	_exit(0);
}

/* Return: whether a child ended within that time; it is not reaped. */
static inline bool ktap_ended(pid_t pid, time_t seconds)
{
	struct timespec end, now, left = { .tv_sec = seconds };
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	for (;;) {
		info.si_pid = 0;
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
		if (info.si_pid == pid)
			return true;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec >= end.tv_sec)
			return false;
		left.tv_sec = end.tv_sec - now.tv_sec;
		sigtimedwait(&set, NULL, &left);
	}
}

/* Return: whether the process of the test ended well. */
static inline bool ktap_reap(pid_t pid)
{
	bool in_time = ktap_ended(pid, KTAP_TIMEOUT_SEC);
	int status;

	if (!in_time)
		ktap_note("hangs: killed after %d seconds", KTAP_TIMEOUT_SEC);
	/* Also what a test that failed has left behind. */
	kill(-pid, SIGKILL);
	if (!in_time && !ktap_ended(pid, 5)) {
		ktap_note("can't be killed");
		return false;
	}
	waitpid(pid, &status, 0);
	if (in_time && WIFSIGNALED(status))
		ktap_note("ended by signal %d (%s)", WTERMSIG(status),
			  strsignal(WTERMSIG(status)));
	return in_time && WIFEXITED(status) && !WEXITSTATUS(status);
}

/* Return: whether it passed or was skipped. */
static inline bool ktap_run(const struct ktap_test *test, size_t number)
{
	sigset_t chld, old;
	bool ok;
	pid_t pid;

	memset(ktap_state, 0, sizeof(*ktap_state));
	fflush(stdout);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &old);
	pid = fork();
	if (!pid)
		ktap_child(test, &old);
	ok = pid > 0 && ktap_reap(pid) && !ktap_state->failures;
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (ok && *ktap_state->skip)
		printf("ok %zu %s # SKIP %s\n", number, test->name,
		       ktap_state->skip);
	else
		printf("%sok %zu %s\n", ok ? "" : "not ", number, test->name);
	fflush(stdout);
	return ok;
}

static inline const struct ktap_test *ktap_find(const struct ktap_suite *suite,
						const char *name)
{
	size_t len = strlen(suite->name), i;

	if (!strncmp(name, suite->name, len) && name[len] == '.')
		name += len + 1;
	for (i = 0; i < suite->nr; i++)
		if (!strcmp(suite->tests[i].name, name))
			return &suite->tests[i];
	return NULL;
}

static inline int ktap_run_all(const struct ktap_suite *suite)
{
	const char *reason = suite->check ? suite->check() : NULL;
	size_t i, failed = 0;

	printf("# suite: %s\nKTAP version 1\n1..%zu\n", suite->name, suite->nr);
	if (reason) {
		printf("Bail out! %s\n", reason);
		return EXIT_FAILURE;
	}
	ktap_state = mmap(NULL, sizeof(*ktap_state), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ktap_state == MAP_FAILED) {
		printf("Bail out! no memory\n");
		return EXIT_FAILURE;
	}
	for (i = 0; i < suite->nr; i++)
		failed += !ktap_run(&suite->tests[i], i + 1);
	printf("# %s: %zu of %zu failed\n", suite->name, failed, suite->nr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static inline int ktap_usage(const struct ktap_suite *suite)
{
	fprintf(stderr, "usage: %s [-l | -t NAME]\n"
		"-l lists the tests, -t runs one of them\n", suite->name);
	return 2;
}

static inline int ktap_main(int argc, char **argv,
			    const struct ktap_suite *suite)
{
	struct ktap_suite one = *suite;
	size_t i;
	int opt;

	while ((opt = getopt(argc, argv, "lt:")) != -1) {
		if (opt == 'l') {
			for (i = 0; i < suite->nr; i++)
				printf("%s.%s\n", suite->name,
				       suite->tests[i].name);
			return EXIT_SUCCESS;
		}
		one.tests = opt == 't' ? ktap_find(suite, optarg) : NULL;
		one.nr = 1;
		if (!one.tests)
			return ktap_usage(suite);
	}
	return optind < argc ? ktap_usage(suite) : ktap_run_all(&one);
}

#endif /* HTW_KTAP_H */
