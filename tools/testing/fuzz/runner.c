// SPDX-License-Identifier: GPL-2.0
/*
 * A program is run by a child, which is killed when it takes too long, and with it
 * whatever it has forked. Nothing of it may be left then: neither a process nor room
 * that is charged to the user.
 */
#include "runner.h"

#include <linux/htw.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "../selftests/context.h"
#include "execute.h"
#include "kcov.h"
#include "oracle.h"

/* Seconds: for a program, and for what is killed to be gone. */
enum { LIMIT = 5, LIMIT_OF_KILLED = 10 };

static FILE *channel;

/* Not every kernel has it, and only root may. */
static void set_fault(const char *fault, const char *name, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", fault, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		perror(path);
	close(fd);
}

/* What fails on order may be an allocation that sleeps, and nobody wants to read of it. */
static void prepare_faults(void)
{
	static const char * const faults[] = {
		"failslab", "fail_page_alloc", "fail_usercopy" };
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		set_fault(faults[i], "verbose", "0");
		set_fault(faults[i], "ignore-gfp-wait", "N");
	}
}

/**
 * runner_open() - make ready to run programs, best as root
 * @path: a file that gets each program before it runs, or NULL
 */
void runner_open(const char *path)
{
	sigset_t chld;

	prepare_faults();

	channel = path ? fopen(path, "w") : NULL;
	if (path && !channel) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	/* What is left of a program comes to us. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	oracle_open();
}

/* What is killed ends soon, all of it. */
static void kill_all_of(pid_t pid)
{
	uint64_t end = now_ns() + LIMIT_OF_KILLED * SEC;

	kill(-pid, SIGKILL);
	while (waitpid(-pid, NULL, WNOHANG) >= 0) {
		if (now_ns() > end) {
			oracle_fail("it can't be killed");
			return;
		}
		sleep_ns(MSEC / 4);
	}
}

/* The one process that is left has opened nothing, so it has room for nothing. */
static void expect_no_room(void)
{
	struct htw_query query = { .size = 0 };
	int tries = 1000, fd;

	do {
		fd = open(device_path(), O_RDWR | O_CLOEXEC);
		if (fd < 0 || ioctl(fd, HTW_IOC_QUERY, &query)) {
			oracle_fail("/dev/htw can't be opened any more");
			return;
		}
		close(fd);
		if (!query.nr_user)
			return;
		sleep_ns(MSEC);
	} while (--tries);
	oracle_fail("it has ended, and has still room for %llu timers",
		    (unsigned long long)query.nr_user);
}

static void run_child(const struct program *program, bool comparisons)
{
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execute_program(program, comparisons);
	_exit(0);
}

static bool wait_for(pid_t pid)
{
	bool in_time = ktap_ended(pid, LIMIT);
	siginfo_t info = { .si_code = 0 };

	if (in_time && !waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) &&
	    (info.si_code != CLD_EXITED || info.si_status))
		oracle_fail("the program has ended by %d", info.si_status);
	kill_all_of(pid);
	return in_time;
}

/**
 * runner_run() - run a program
 * @program: the program
 * @comparisons: have KCOV tell what is compared
 *
 * Return: how it has ended.
 */
enum ending runner_run(const struct program *program, bool comparisons)
{
	bool in_time;
	pid_t pid;

	memset(run, 0, sizeof(*run));
	kcov_reset();
	if (channel) {
		program_write(program, channel);
		fflush(channel);
	}
	pid = fork();
	if (!pid)
		run_child(program, comparisons);
	if (pid < 0) {
		perror("fork");
		exit(EXIT_FAILURE);
	}
	setpgid(pid, pid);
	in_time = wait_for(pid);
	expect_no_room();
	if (run->failed)
		return FAILED;
	return in_time ? ENDED : KILLED;
}

/**
 * runner_fails() - is something wrong with a program? Threads do not meet each time
 * @program: the program
 *
 * Return: whether there was in one of a few runs.
 */
bool runner_fails(const struct program *program)
{
	int tries;

	for (tries = 0; tries < 4; tries++)
		if (runner_run(program, false) == FAILED)
			return true;
	return false;
}

/**
 * runner_failure() - what was wrong
 *
 * Return: that, of the last program.
 */
const char *runner_failure(void)
{
	return run->failure;
}
