// SPDX-License-Identifier: GPL-2.0
/*
 * htw bench: what timers cost a program on this machine, htw's beside those of others.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend.h"
#include "cmd.h"
#include "device.h"
#include "duration.h"
#include "json.h"
#include "trial.h"

static const char help_text[] =
"usage: htw bench [--quick] [--timers N] [--runs N] [--json]\n\n"
"Measure what timers cost a program here: those of htw, timerfd, POSIX timers\n"
"and the timeouts of io_uring, all in the same run. The figures are ns per timer,\n"
"medians of several runs; beside those of the others is what htw takes of them:\n"
"below 1 htw is faster. What can't be measured is left out, and it tells why.\n\n"
"      --quick        1000 timers and 3 runs: some seconds\n"
"      --timers N     with N timers; 10000 if not said\n"
"      --runs N       the median of N runs; 5 if not said\n"
"      --json         print one JSON object\n"
"      --device PATH  use PATH, else $HTW_DEVICE, else " DEVICE_DEFAULT "\n";

#define TIMERS_MAX	1000000
#define RUNS_MAX	100

static struct request {
	uint64_t	timers;
	uint64_t	runs;
	bool		json;
} request = { .timers = 10000, .runs = 5 };

static const struct backend *const peers[] = {
	&backend_htw, &backend_timerfd, &backend_posix, &backend_uring,
};

#define NR_PEERS	(sizeof(peers) / sizeof(peers[0]))

/* Beside a batch of htw is one by one, where a peer has no batches. */
static const struct {
	const char	*key;
	const char	*name;
	enum trial_row	else_row;
} rows[NR_TRIAL_ROWS] = {
	[TRIAL_ARM] = { "arm", "arm", TRIAL_ARM },
	[TRIAL_ARM_BATCH] = { "arm_batch", "arm, batches", TRIAL_ARM },
	[TRIAL_REARM] = { "rearm", "re-arm", TRIAL_REARM },
	[TRIAL_REARM_BATCH] = { "rearm_batch", "re-arm, batches", TRIAL_REARM },
	[TRIAL_PUSH] = { "push", "push out", TRIAL_REARM },
	[TRIAL_CANCEL] = { "cancel", "cancel", TRIAL_CANCEL },
	[TRIAL_CANCEL_BATCH] = { "cancel_batch", "cancel, batches",
				 TRIAL_CANCEL },
	[TRIAL_EXPIRE] = { "expire", "expire, collect", TRIAL_EXPIRE },
};

/**
 * struct result - of one peer
 * @failed: it could not be measured
 * @why: not
 * @runs: ns per timer, of each row and run
 * @ns: their medians; negative if it has no such thing
 */
struct result {
	bool	failed;
	char	why[240];
	double	runs[NR_TRIAL_ROWS][RUNS_MAX];
	double	ns[NR_TRIAL_ROWS];
};

static struct result results[NR_PEERS];

/* For who waits. */
static void show_progress(unsigned int done, const char *name)
{
	const unsigned int width = 30, all = NR_PEERS * (unsigned int)request.runs;
	unsigned int filled = done * width / all;

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r[%.*s%*s] %u/%u %-10s", (int)filled,
		"##############################", (int)(width - filled), "",
		done, all, name);
	if (done == all)
		fprintf(stderr, "\r\033[K");
}

/* What there is to read, if the child has got so far. */
static bool read_trial(int fd, struct trial *trial)
{
	return read(fd, trial, sizeof(*trial)) == (ssize_t)sizeof(*trial);
}

/* The child's part: it ends here. */
static void __attribute__((noreturn)) tell_trial(int fd, unsigned int peer)
{
	struct trial trial;
	ssize_t len;

	trial_run(&trial, peers[peer], (unsigned int)request.timers);
	len = write(fd, &trial, sizeof(trial));
	_exit(len != (ssize_t)sizeof(trial));
}

/*
 * In a process of its own: what one of them leaves behind, such as work that the kernel
 * still has to do for it, is not in the way of the next.
 */
static void run_apart(unsigned int peer, struct trial *trial)
{
	int fds[2], status;
	pid_t pid;

	pid = pipe(fds) ? -1 : fork();
	if (pid < 0) {
		perror("htw bench");
		exit(EXIT_FAILURE);
	}
	if (!pid) {
		close(fds[0]);
		tell_trial(fds[1], peer);
	}
	close(fds[1]);
	if (!read_trial(fds[0], trial))
		snprintf(trial->why, sizeof(trial->why), "its process has died");
	close(fds[0]);
	waitpid(pid, &status, 0);
}

static void run_peer(unsigned int peer, unsigned int run)
{
	struct result *result = &results[peer];
	struct trial trial = { .why = "" };
	unsigned int row;

	if (result->failed)
		return;
	run_apart(peer, &trial);
	if (*trial.why) {
		result->failed = true;
		memcpy(result->why, trial.why, sizeof(result->why));
		return;
	}
	for (row = 0; row < NR_TRIAL_ROWS; row++)
		result->runs[row][run] = trial.ns[row];
}

/*
 * Each run begins with another one, so that none is always first. Without htw there is
 * nothing to compare.
 */
static void run_all(void)
{
	unsigned int run, turn, peer, row, done = 0;

	for (run = 0; run < request.runs && !results[0].failed; run++) {
		for (turn = 0; turn < NR_PEERS; turn++) {
			peer = (run + turn) % NR_PEERS;
			show_progress(done++, peers[peer]->name);
			run_peer(peer, run);
			if (results[0].failed)
				break;
		}
	}
	show_progress(NR_PEERS * (unsigned int)request.runs, "");
	for (peer = 0; peer < NR_PEERS; peer++)
		for (row = 0; row < NR_TRIAL_ROWS; row++)
			results[peer].ns[row] = median(results[peer].runs[row],
						       request.runs);
}

/* Return: ns per timer, or a negative value if there is none. */
static double cost(unsigned int peer, unsigned int row)
{
	const struct result *result = &results[peer];

	if (result->failed)
		return -1;
	if (peer && result->ns[row] < 0)
		return result->ns[rows[row].else_row];
	return result->ns[row];
}

static void print_row(unsigned int row)
{
	double htw = cost(0, row), ns;
	unsigned int peer;

	printf("%-16s%9.1f", rows[row].name, htw);
	for (peer = 1; peer < NR_PEERS; peer++) {
		ns = cost(peer, row);
		if (ns <= 0)
			printf("%9s%8s", "-", "");
		else
			printf("%9.1f (%5.3f)", ns, htw / ns);
	}
	putchar('\n');
}

static void print_table(void)
{
	unsigned int peer, row;

	printf("%llu timers, median of %llu runs, ns per timer; in brackets: "
	       "htw takes so much of it\n\n%-16s%9s",
	       (unsigned long long)request.timers,
	       (unsigned long long)request.runs, "", peers[0]->name);
	for (peer = 1; peer < NR_PEERS; peer++)
		printf("%9s%*s", peers[peer]->name,
		       peer < NR_PEERS - 1 ? 8 : 1,
		       peer < NR_PEERS - 1 ? "" : "\n");
	for (row = 0; row < NR_TRIAL_ROWS; row++)
		if (cost(0, row) >= 0)
			print_row(row);
	printf("\nBatches are of %d. Who has none is shown one by one; who can't "
	       "push, re-arms.\n", TRIAL_BATCH);
	for (peer = 1; peer < NR_PEERS; peer++)
		if (results[peer].failed)
			printf("%s is left out: %s\n", peers[peer]->name,
			       results[peer].why);
}

static void json_peer(unsigned int peer)
{
	const struct result *result = &results[peer];
	unsigned int row, printed = 0;

	printf("{");
	if (result->failed) {
		printf("\"skipped\": ");
		json_string(result->why);
	}
	for (row = 0; row < NR_TRIAL_ROWS && !result->failed; row++)
		if (result->ns[row] >= 0)
			printf("%s\"%s\": %.1f", printed++ ? ", " : "",
			       rows[row].key, result->ns[row]);
	printf("}");
}

static void print_json(void)
{
	unsigned int peer, row, printed;

	printf("{\"timers\": %llu, \"runs\": %llu, \"batch\": %d, \"unit\": "
	       "\"ns\"", (unsigned long long)request.timers,
	       (unsigned long long)request.runs, TRIAL_BATCH);
	for (peer = 0; peer < NR_PEERS; peer++) {
		printf(", \"%s\": ", peers[peer]->name);
		json_peer(peer);
	}
	printf(", \"ratios\": {");
	for (peer = 1; peer < NR_PEERS; peer++) {
		printf("%s\"%s\": {", peer > 1 ? ", " : "", peers[peer]->name);
		printed = 0;
		for (row = 0; row < NR_TRIAL_ROWS; row++)
			if (cost(0, row) >= 0 && cost(peer, row) > 0)
				printf("%s\"%s\": %.4f", printed++ ? ", " : "",
				       rows[row].key,
				       cost(0, row) / cost(peer, row));
		putchar('}');
	}
	printf("}}\n");
}

static int compare_all(void)
{
	struct htw_query query;
	int fd = device_open(0);

	if (fd < 0 || device_query(fd, &query))
		return EXIT_FAILURE;
	close(fd);
	run_all();
	if (results[0].failed) {
		fprintf(stderr, "htw bench: %s\n", results[0].why);
		return EXIT_FAILURE;
	}
	if (request.json)
		print_json();
	else
		print_table();
	return EXIT_SUCCESS;
}

static bool parse_up_to(const char *text, uint64_t most, uint64_t *number)
{
	if (!count_parse("bench", text, number))
		return false;
	if (*number <= most)
		return true;
	fprintf(stderr, "htw bench: %s is too many; allowed: up to %llu\n",
		text, (unsigned long long)most);
	return false;
}

static bool parse_option(int opt)
{
	switch (opt) {
	case OPT_QUICK:
		request.timers = 1000;
		request.runs = 3;
		return true;
	case OPT_TIMERS:
		return parse_up_to(optarg, TIMERS_MAX, &request.timers);
	case OPT_RUNS:
		return parse_up_to(optarg, RUNS_MAX, &request.runs);
	case OPT_JSON:
		request.json = true;
		return true;
	case OPT_DEVICE:
		device_choose(optarg);
		return true;
	default:
		return false;
	}
}

int cmd_bench(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "quick", no_argument, NULL, OPT_QUICK },
		{ "timers", required_argument, NULL, OPT_TIMERS },
		{ "runs", required_argument, NULL, OPT_RUNS },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "device", required_argument, NULL, OPT_DEVICE },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(help_text, stdout);
			return EXIT_SUCCESS;
		}
		if (!parse_option(opt))
			return usage_error("bench");
	}
	if (optind < argc) {
		fprintf(stderr, "htw bench: takes no argument '%s'\n",
			argv[optind]);
		return usage_error("bench");
	}
	return compare_all();
}
