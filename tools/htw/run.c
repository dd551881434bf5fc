// SPDX-License-Identifier: GPL-2.0
/*
 * htw run: do what a script says with the timers of one open file, and print
 * what they do while they do it. The file is non-blocking; poll(2) tells when
 * there are events, and each read(2) takes as many as there are, up to BATCH.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "device.h"
#include "duration.h"
#include "json.h"
#include "script.h"
#include "stats.h"

#define BATCH	64
#define FOREVER	UINT64_MAX

static const char help_text[] =
"usage: htw run [--json] FILE|-\n\n"
"Run a script of timers and print what they do. One command per line:\n\n"
"  after DURATION LABEL [slack DURATION]       once\n"
"  every DURATION [xN] LABEL [slack DURATION]  N times, or endless\n"
"  rearm LABEL DURATION                        that much from now\n"
"  cancel LABEL\n"
"  wait DURATION                               go on with the script later\n"
"  # comment\n\n"
"A DURATION is " DURATION_SYNTAX ".\n"
"It ends when nothing is pending any more, or by SIGINT.\n\n"
"      --json         print one JSON object per line; times are in ns\n"
"      --device PATH  use PATH, else $HTW_DEVICE, else " DEVICE_DEFAULT "\n";

/**
 * struct state - a timer of the script, while it runs
 * @id: what the kernel calls it
 * @fired: how often it has expired
 * @arming: the latest, as events tell it
 * @live: it may expire
 * @stopped_in: the read whose events made it end, see came_with_the_last()
 */
struct state {
	uint64_t	id;
	uint64_t	fired;
	uint64_t	stopped_in;
	unsigned int	arming;
	bool		live;
};

static struct script script;
static struct state *states;
static struct stats late;
static bool json;
static int fd;
static uint64_t start;		/* when the script began */
static size_t pending;		/* timers that are live */
static uint64_t nr_reads;	/* that returned events */
static size_t endless;		/* those among them that never end alone */
static struct {
	uint64_t	fired, cancelled, withdrawn, too_late, early, stray;
} nr;
static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static double since_start_ms(uint64_t ns)
{
	return ((double)ns - (double)start) / (double)NSEC_PER_MSEC;
}

static void print_header(void)
{
	if (!json)
		printf("%12s  %-20s %-10s %9s %12s %12s\n", "time ms", "label",
		       "what", "nr", "due ms", "late us");
}

static void print_human(uint64_t now, size_t i, const char *what,
			const uint64_t *due)
{
	const struct script_timer *timer = &script.timers[i];
	char of[48];

	snprintf(of, sizeof(of), "%" PRIu64, states[i].fired);
	if (timer->count)
		snprintf(of, sizeof(of), "%" PRIu64 "/%" PRIu64,
			 states[i].fired, timer->count);
	printf("%12.3f  %-20s %-10s %9s", since_start_ms(now), timer->label,
	       what, of);
	if (due)
		printf(" %12.3f %12.1f", since_start_ms(*due),
		       ((double)now - (double)*due) / (double)NSEC_PER_USEC);
	putchar('\n');
}

static void print_json(uint64_t now, size_t i, const char *what,
		       const uint64_t *due)
{
	const struct script_timer *timer = &script.timers[i];

	printf("{\"time\": %" PRIu64 ", \"label\": ", now - start);
	json_string(timer->label);
	printf(", \"what\": ");
	json_string(what);
	printf(", \"nr\": %" PRIu64, states[i].fired);
	if (timer->count)
		printf(", \"of\": %" PRIu64, timer->count);
	if (due)
		printf(", \"due\": %" PRId64 ", \"late\": %" PRId64,
		       (int64_t)(*due - start), (int64_t)(now - *due));
	printf("}\n");
}

/* One line about a timer. @due is NULL if that is not about an expiry. */
static void print_row(uint64_t now, size_t i, const char *what,
		      const uint64_t *due)
{
	if (json)
		print_json(now, i, what, due);
	else
		print_human(now, i, what, due);
}

static void print_summary(void)
{
	uint64_t median = stats_median(&late);

	if (json) {
		printf("{\"fired\": %" PRIu64 ", \"cancelled\": %" PRIu64
		       ", \"withdrawn\": %" PRIu64 ", \"too_late\": %" PRIu64
		       ", \"early\": %" PRIu64 ", \"stray\": %" PRIu64
		       ", \"pending\": %zu, \"late_median\": %" PRIu64
		       ", \"late_max\": %" PRIu64 "}\n", nr.fired,
		       nr.cancelled, nr.withdrawn, nr.too_late, nr.early,
		       nr.stray, pending, median, late.max);
		return;
	}
	printf("%" PRIu64 " fired, %" PRIu64 " cancelled, %" PRIu64
	       " withdrawn, %" PRIu64 " too late, %" PRIu64 " early",
	       nr.fired, nr.cancelled, nr.withdrawn, nr.too_late, nr.early);
	if (nr.stray)
		printf(", %" PRIu64 " STRAY", nr.stray);
	if (pending)
		printf(", %zu still pending", pending);
	if (late.nr)
		printf("; late: median %s, max %s", duration_text(median).s,
		       duration_text(late.max).s);
	putchar('\n');
}

static void set_live(size_t i, bool live)
{
	const struct script_timer *timer = &script.timers[i];
	bool never_ends = timer->interval && !timer->count;

	if (states[i].live == live)
		return;
	states[i].live = live;
	pending += live ? 1 : (size_t)-1;
	if (never_ends)
		endless += live ? 1 : (size_t)-1;
}

static bool step_failed(const struct step *step, const char *what, int err)
{
	fprintf(stderr, "%s:%u: %s: %s\n", script.name, step->line, what,
		strerror(-err));
	if (err == -ENOSPC)
		fprintf(stderr, "htw run: the open file holds as many timers "
			"as it may; `htw info` shows the limit\n");
	return false;
}

static uint64_t due_time(uint64_t base, const struct step *step)
{
	uint64_t due = duration_add(base, step->delay);

	return due < DURATION_MAX ? due : DURATION_MAX;
}

static bool do_arm(const struct step *step, uint64_t base)
{
	const struct script_timer *timer = &script.timers[step->timer];
	struct state *state = &states[step->timer];
	struct htw_op op = {
		.opcode = HTW_OP_ARM,
		.flags = HTW_TIMER_ABS,
		.expires = due_time(base, step),
		.interval = timer->interval,
		.slack = timer->slack,
		.cookie = step->timer,
	};
	int err = device_op(fd, &op);

	if (err)
		return step_failed(step, "arm", err);
	state->id = op.id;
	state->arming = op.arming & 0xff;
	set_live(step->timer, true);
	return true;
}

/* The timer has ended, so there is nothing to cancel or re-arm. */
static bool do_nothing(const struct step *step)
{
	nr.too_late++;
	set_live(step->timer, false);
	print_row(clock_ns(), step->timer, "too late", NULL);
	return true;
}

static bool has_ended(int err)
{
	return err == -EALREADY || err == -ENOENT;
}

static bool do_rearm(const struct step *step, uint64_t base)
{
	const struct script_timer *timer = &script.timers[step->timer];
	struct state *state = &states[step->timer];
	struct htw_op op = {
		.opcode = HTW_OP_REARM,
		.flags = HTW_TIMER_ABS,
		.expires = due_time(base, step),
		.interval = timer->interval,
		.slack = timer->slack,
		.cookie = step->timer,
		.id = state->id,
	};
	int err = device_op(fd, &op);

	if (has_ended(err))
		return do_nothing(step);
	if (err)
		return step_failed(step, "rearm", err);
	state->arming = op.arming & 0xff;
	print_row(clock_ns(), step->timer, "re-armed", NULL);
	return true;
}

static bool do_cancel(const struct step *step)
{
	struct htw_op op = {
		.opcode = HTW_OP_CANCEL,
		.id = states[step->timer].id,
	};
	int err = device_op(fd, &op);

	if (has_ended(err))
		return do_nothing(step);
	if (err)
		return step_failed(step, "cancel", err);
	set_live(step->timer, false);
	if (op.res == HTW_WITHDRAWN)
		nr.withdrawn++;
	else
		nr.cancelled++;
	print_row(clock_ns(), step->timer,
		  op.res == HTW_WITHDRAWN ? "withdrawn" : "cancelled", NULL);
	return true;
}

/*
 * An event of a timer that was cancelled, or of an arming that was replaced,
 * must not come: the kernel withdraws it.
 */
static bool is_stray(const struct htw_event *event)
{
	const struct state *state;

	if (event->cookie >= script.nr_timers)
		return true;
	state = &states[event->cookie];
	return !state->live || event->id != state->id ||
	       HTW_EVENT_TYPE(event->info) != HTW_EVENT_EXPIRED ||
	       HTW_EVENT_ARMING(event->info) != state->arming;
}

/* A periodic timer has expired as often as it should. */
static bool stop_timer(size_t i)
{
	struct htw_op op = { .opcode = HTW_OP_CANCEL, .id = states[i].id };
	int err = device_op(fd, &op);

	set_live(i, false);
	states[i].stopped_in = nr_reads;
	if (!err)
		return true;
	fprintf(stderr, "%s:%u: cancel: %s\n", script.name,
		script.timers[i].line, strerror(-err));
	return false;
}

/*
 * A read takes its events in several steps, in between a periodic timer can expire
 * again: then the buffer holds one more event of a timer that was just stopped.
 */
static bool came_with_the_last(const struct htw_event *event)
{
	const struct state *state;

	if (event->cookie >= script.nr_timers)
		return false;
	state = &states[event->cookie];
	return state->stopped_in == nr_reads && event->id == state->id;
}

static bool handle_event(const struct htw_event *event, uint64_t now)
{
	const struct script_timer *timer;
	size_t i = event->cookie;
	struct state *state;
	uint64_t times = event->expirations, due = event->expires;

	if (came_with_the_last(event))
		return true;
	if (is_stray(event)) {
		fprintf(stderr, "htw run: stray event: cookie %llu, id %#llx\n",
			event->cookie, event->id);
		nr.stray++;
		return true;
	}
	timer = &script.timers[i];
	state = &states[i];
	/* Read too late to stop it after the last one: that is all the same. */
	if (timer->count && times > timer->count - state->fired)
		times = timer->count - state->fired;
	state->fired += times;
	nr.fired += times;
	nr.early += now < due;
	stats_add(&late, now < due ? 0 : now - due);
	print_row(now, i, now < due ? "EARLY" : "fired", &due);
	if (timer->count && state->fired == timer->count)
		return stop_timer(i);
	if (!timer->interval)
		set_live(i, false);
	return true;
}

/* Take all events that are there. Return: false on an error, which was told. */
static bool handle_events(void)
{
	struct htw_event events[BATCH];
	ssize_t len, i;
	uint64_t now;

	while ((len = read(fd, events, sizeof(events))) > 0) {
		now = clock_ns();
		nr_reads++;
		for (i = 0; i < len / (ssize_t)sizeof(events[0]); i++)
			if (!handle_event(&events[i], now))
				return false;
		fflush(stdout);
	}
	if (len < 0 && errno == EAGAIN)
		return true;
	fprintf(stderr, "htw run: read: %s\n",
		len ? strerror(errno) : "end of file");
	return false;
}

/* Signals come only in here, so none is overlooked before the sleep. */
static bool wait_events(uint64_t until)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t now = clock_ns(), left = until > now ? until - now : 0;
	struct timespec ts = {
		.tv_sec = (time_t)(left / NSEC_PER_SEC),
		.tv_nsec = (long)(left % NSEC_PER_SEC),
	};
	sigset_t none;
	int n;

	sigemptyset(&none);
	n = ppoll(&pfd, 1, until == FOREVER ? NULL : &ts, &none);
	if (n < 0 && errno != EINTR) {
		perror("htw run: poll");
		return false;
	}
	return n <= 0 || handle_events();
}

/* Until then, or with FOREVER until nothing is pending any more. */
static bool handle_until(uint64_t until)
{
	while (!interrupted) {
		if (until == FOREVER ? !pending : clock_ns() >= until)
			return true;
		if (!wait_events(until))
			return false;
	}
	return true;
}

/* Return: false on an error, which was told. */
static bool do_steps(void)
{
	uint64_t base = start;
	bool ok = true;
	size_t i;

	for (i = 0; i < script.nr_steps && ok && !interrupted; i++) {
		const struct step *step = &script.steps[i];

		switch (step->kind) {
		case STEP_ARM:
			ok = do_arm(step, base);
			break;
		case STEP_REARM:
			ok = do_rearm(step, base);
			break;
		case STEP_CANCEL:
			ok = do_cancel(step);
			break;
		case STEP_WAIT:
			/* What is armed after it counts from its true end. */
			fflush(stdout);
			ok = handle_until(duration_add(base, step->delay));
			base = clock_ns();
			break;
		}
	}
	fflush(stdout);
	return ok && handle_until(FOREVER);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = interrupt };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int run_script(void)
{
	struct htw_query query;
	bool ok;

	fd = device_open(O_NONBLOCK);
	if (fd < 0 || device_query(fd, &query))
		return EXIT_FAILURE;
	if (!script_fits(&script, &query))
		return EXIT_USAGE;
	states = calloc(script.nr_timers + 1, sizeof(*states));
	if (!states) {
		perror("htw run");
		return EXIT_FAILURE;
	}
	catch_signals();
	print_header();
	start = clock_ns();
	ok = do_steps();
	print_summary();
	/* To interrupt what never ends by itself is no failure. */
	ok = ok && pending == endless && !nr.early && !nr.stray;
	free(states);
	close(fd);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int check_and_run(const char *path)
{
	int code = EXIT_USAGE;

	if (script_read(&script, path))
		code = run_script();
	script_free(&script);
	return code;
}

int cmd_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "device", required_argument, NULL, OPT_DEVICE },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'h':
			fputs(help_text, stdout);
			return EXIT_SUCCESS;
		case OPT_JSON:
			json = true;
			break;
		case OPT_DEVICE:
			device_choose(optarg);
			break;
		default:
			return usage_error("run");
		}
	}
	if (optind == argc - 1)
		return check_and_run(argv[optind]);
	fprintf(stderr, "htw run: one FILE is needed, or - for standard "
		"input\n");
	return usage_error("run");
}
