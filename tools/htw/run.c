// SPDX-License-Identifier: GPL-2.0
/*
 * htw run: do what a script says with the timers of one open file, and print
 * what they do while they do it. The file is non-blocking, and poll(2) tells when
 * there are events; on a virtual clock they come when we let the time pass.
 *
 * A cookie is the index of what made the timer in the script, below its tag.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "device.h"
#include "duration.h"
#include "inbox.h"
#include "queue.h"
#include "rows.h"
#include "script.h"

#define AT_ONCE		64
#define FOREVER		UINT64_MAX
#define TAG_SHIFT	32

static const char help_text[] =
"usage: htw run [OPTION]... FILE|-\n\n"
"Run a script of timers and print what they do. One command per line:\n\n"
"  after DURATION LABEL [OPTION]...          once\n"
"  every DURATION [xN] LABEL [OPTION]...     N times, or endless\n"
"  many N DURATION[..DURATION] LABEL [OPTION]...\n"
"                                            N timers, spread evenly\n"
"  rearm LABEL DURATION                      that much from now\n"
"  push LABEL DURATION                       the same, by the deadline word\n"
"  cancel LABEL\n"
"  cancel-tag N, cancel-all                  all with that tag; all\n"
"  wait DURATION                             go on with the script later\n"
"  wait next                                 go on when a timer expires\n"
"  # comment\n\n"
"Options of timers: slack DURATION, tag N, coarse, deadline, keep, skip, burst,\n"
"word.\n"
"A DURATION is " DURATION_SYNTAX ".\n"
"It ends when nothing is pending any more, or by SIGINT.\n\n"
"  -c, --clock CLOCK  " CLOCK_SYNTAX ".\n"
"                     On virtual nothing waits: the time passes at once, and\n"
"                     always the same happens\n"
"      --tick TICK    the tick of the virtual clock, 2^n ns: 1ns is exact\n"
"  -r, --ring N       take events from a ring with room for N; a power of two\n"
"  -b, --batch        do what stands between two waits in one system call\n"
"  -q, --quiet        print only the summary\n"
"  -s, --stats        at the end, print what the kernel has counted\n"
"      --json         print one JSON object per line; times are in ns\n"
"      --device PATH  use PATH, else $HTW_DEVICE, else " DEVICE_DEFAULT "\n";

static struct request {
	struct htw_setup	setup;
	bool			batch;
	bool			quiet;
	bool			stats;
	bool			json;
} request = { .setup.clock = CLOCK_MONOTONIC };

/**
 * struct state - what one line of the script made, while it runs
 * @id: what the kernel calls the timer, of a `many` the latest
 * @ids: what it calls those of a `many`
 * @left: how many timers of it may still expire
 * @fired: how often they have expired
 * @armed_at: what its time counted from
 * @pushed: what its deadline word was set to, or 0
 * @arming: the latest, as events tell it
 * @gone: it was cancelled before it expired: no event of it can be anywhere
 */
struct state {
	uint64_t	id;
	uint64_t	*ids;
	size_t		left;
	uint64_t	fired;
	uint64_t	armed_at;
	uint64_t	pushed;
	unsigned int	arming;
	bool		gone;
};

static struct script script;
static struct state *states;
static struct inbox inbox;
static struct tally tally;
static int fd;
static uint64_t start;		/* when the script began */
static uint64_t base;		/* what the times of steps count from */
static uint64_t virtual_now;
static uint64_t tick;
static uint64_t nr_taken;	/* events so far */
static size_t endless;		/* pending timers that never end alone */
static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static bool is_virtual(void)
{
	return request.setup.clock == HTW_CLOCK_VIRTUAL;
}

static uint64_t now_ns(void)
{
	return is_virtual() ? virtual_now : clock_now(request.setup.clock);
}

static uint64_t how_often(const struct script_timer *timer)
{
	if (timer->members)
		return timer->members;
	return timer->count;
}

/* A line about a timer. @due is NULL if that is not about an expiry. */
static void tell(size_t i, const char *what, uint64_t now, const uint64_t *due)
{
	struct row row = {
		.time = now,
		.label = script.timers[i].label,
		.what = what,
		.nr = states[i].fired,
		.of = how_often(&script.timers[i]),
		.has_due = due,
		.due = due ? *due : 0,
	};

	rows_add(&row);
}

static void set_left(size_t i, size_t left)
{
	const struct script_timer *timer = &script.timers[i];
	size_t more = left - states[i].left;	/* may be negative */

	states[i].left = left;
	tally.pending += more;
	if (timer->interval && !timer->count)
		endless += more;
}

static bool step_failed(const struct step *step, const char *what, int err)
{
	fprintf(stderr, "%s:%u: %s: %s\n", script.name, step->line, what,
		strerror(-err));
	explain_errno(err);
	if (err == -EINVAL)
		fprintf(stderr, "htw: do its options contradict each other, "
			"or are its times out of range?\n");
	return false;
}

static uint64_t due_time(uint64_t delay)
{
	uint64_t due = duration_add(base, delay);

	return due < DURATION_MAX ? due : DURATION_MAX;
}

static uint64_t cookie_of(size_t i)
{
	return (uint64_t)script.timers[i].tag << TAG_SHIFT | i;
}

static struct htw_op arming_of(const struct step *step, uint64_t delay)
{
	const struct script_timer *timer = &script.timers[step->timer];

	return (struct htw_op){
		.opcode = HTW_OP_ARM,
		.flags = (__u16)(HTW_TIMER_ABS | timer->flags),
		.count = (__u32)timer->count,
		.expires = due_time(delay),
		.interval = timer->interval,
		.slack = timer->slack,
		.cookie = cookie_of(step->timer),
	};
}

/* When member @i of the `many` expires, after the first one. */
static uint64_t member_delay(const struct script_timer *timer, unsigned int i)
{
	uint64_t steps = timer->members - 1;

	if (timer->members < 2)
		return 0;
	/* The product may have more than 64 bits. */
	return timer->spread / steps * i + timer->spread % steps * i / steps;
}

static bool do_many(const struct step *step)
{
	const struct script_timer *timer = &script.timers[step->timer];
	struct state *state = &states[step->timer];
	struct htw_op op;
	unsigned int i;

	state->ids = calloc(timer->members, sizeof(*state->ids));
	if (!state->ids) {
		perror("htw run");
		return false;
	}
	for (i = 0; i < timer->members; i++) {
		op = arming_of(step, duration_add(step->delay,
						  member_delay(timer, i)));
		if (!queue_add(step, i, &op))
			return false;
	}
	if (!queue_flush())
		return false;
	tell(step->timer, "armed", now_ns(), NULL);
	return true;
}

static bool do_arm(const struct step *step)
{
	struct htw_op op = arming_of(step, step->delay);

	states[step->timer].armed_at = base;
	if (script.timers[step->timer].members)
		return do_many(step);
	return queue_add(step, 0, &op);
}

/* The timer has ended, so there is nothing to cancel or re-arm. */
static void came_too_late(const struct step *step)
{
	tally.too_late++;
	set_left(step->timer, 0);
	tell(step->timer, "too late", now_ns(), NULL);
}

/* Those that are not armed yet have no id. */
static bool id_is_known(size_t timer)
{
	return states[timer].id || queue_flush();
}

static bool do_rearm(const struct step *step)
{
	struct state *state = &states[step->timer];
	struct htw_op op = arming_of(step, step->delay);

	if (!id_is_known(step->timer))
		return false;
	op.opcode = HTW_OP_REARM;
	op.id = state->id;
	/* It goes on to count, or begins anew if it had come to its end. */
	if (op.count && state->fired >= op.count)
		state->fired = 0;
	if (op.count)
		op.count -= (__u32)state->fired;
	state->armed_at = base;
	return queue_add(step, 0, &op);
}

static bool do_cancel_match(const struct step *step, uint64_t cookie,
			    uint64_t mask)
{
	struct htw_op op = {
		.opcode = HTW_OP_CANCEL_MATCH,
		.cookie = cookie,
		.value = mask,
	};

	return queue_add(step, 0, &op);
}

static bool do_cancel(const struct step *step)
{
	struct htw_op op = { .opcode = HTW_OP_CANCEL };

	if (script.timers[step->timer].members)
		return do_cancel_match(step, cookie_of(step->timer),
				       UINT64_MAX);
	if (!id_is_known(step->timer))
		return false;
	op.id = states[step->timer].id;
	return queue_add(step, 0, &op);
}

/* One store, and no call. */
static void set_word(uint64_t id, uint64_t when)
{
	__atomic_store_n(&inbox.words[HTW_WORD_INDEX(id)], when,
			 __ATOMIC_RELEASE);
}

static void armed(const struct step *step, unsigned int member,
		  const struct htw_op *op)
{
	struct state *state = &states[step->timer];

	state->id = op->id;
	state->arming = op->arming & 0xff;
	state->gone = false;
	state->pushed = 0;
	if (state->ids)
		state->ids[member] = op->id;
	set_left(step->timer, state->ids ? state->left + 1 : 1);
	if (op->res & HTW_LATE)
		tell(step->timer, "can't keep", now_ns(), NULL);
}

static void rearmed(const struct step *step, const struct htw_op *op)
{
	armed(step, 0, op);
	tell(step->timer, "re-armed", now_ns(), NULL);
}

static void cancelled(const struct step *step, int res)
{
	const char *what = "cancelled";

	set_left(step->timer, 0);
	states[step->timer].gone = !script.timers[step->timer].interval &&
				   res != HTW_DELIVERED;
	if (res == HTW_WITHDRAWN) {
		what = "withdrawn";
		tally.withdrawn++;
	} else if (res == HTW_DELIVERED) {
		what = "dropped";
	} else {
		tally.cancelled++;
	}
	tell(step->timer, what, now_ns(), NULL);
}

/* Whose cookie the step has matched. What ended by itself is no part of it. */
static bool is_matched(const struct step *step, size_t i)
{
	if (!states[i].left)
		return false;
	switch (step->kind) {
	case STEP_CANCEL:
		return step->timer == i;
	case STEP_CANCEL_TAG:
		return script.timers[i].tag == step->tag;
	default:
		return true;
	}
}

static void matched(const struct step *step, int res)
{
	uint64_t now = now_ns();
	size_t i;

	tally.cancelled += (uint64_t)res;
	for (i = 0; i < script.nr_timers; i++) {
		if (!is_matched(step, i))
			continue;
		set_left(i, 0);
		tell(i, "cancelled", now, NULL);
	}
}

static bool has_ended(int err)
{
	return err == -EALREADY || err == -ENOENT;
}

/* An operation was done. Return: false if it failed, which was told. */
static bool op_done(const struct step *step, unsigned int member,
		    const struct htw_op *op, int err)
{
	static const char *const names[] = {
		[HTW_OP_ARM]		= "arm",
		[HTW_OP_REARM]		= "rearm",
		[HTW_OP_CANCEL]		= "cancel",
		[HTW_OP_CANCEL_MATCH]	= "cancel",
	};

	if (has_ended(err))
		came_too_late(step);
	else if (err)
		return step_failed(step, names[op->opcode], err);
	else if (op->opcode == HTW_OP_ARM)
		armed(step, member, op);
	else if (op->opcode == HTW_OP_REARM)
		rearmed(step, op);
	else if (op->opcode == HTW_OP_CANCEL)
		cancelled(step, op->res);
	else
		matched(step, op->res);
	return true;
}

/* Neither of a timer of ours, nor that the clock was set. */
static bool is_strange(const struct htw_event *event)
{
	size_t i = (uint32_t)event->cookie;

	return HTW_EVENT_TYPE(event->info) != HTW_EVENT_EXPIRED ||
	       i >= script.nr_timers || event->cookie != cookie_of(i) ||
	       (!states[i].ids && event->id != states[i].id);
}

/* Of a timer that has ended, or of an arming that was replaced. */
static bool is_old(const struct htw_event *event)
{
	const struct state *state = &states[(uint32_t)event->cookie];

	return !state->left || HTW_EVENT_ARMING(event->info) != state->arming;
}

/*
 * An old one must not come when events are read: the kernel withdraws it. One that is in
 * the ring is delivered, and comes whatever is done later.
 */
static bool is_stray(const struct htw_event *event)
{
	if (is_strange(event))
		return true;
	return is_old(event) &&
	       (!inbox.ring || states[(uint32_t)event->cookie].gone);
}

/*
 * The earliest time at which it may fire. The kernel reckons coarse slack from when
 * it arms, which is later than what we reckon from.
 */
static uint64_t earliest(size_t i, uint64_t due)
{
	const struct script_timer *timer = &script.timers[i];
	uint64_t before = timer->slack > tick ? timer->slack : tick;
	uint64_t delay = due - states[i].armed_at;

	if (!(timer->flags & HTW_TIMER_DEADLINE))
		return due;
	if (timer->flags & HTW_TIMER_COARSE && before < delay / 8)
		before = delay / 8;
	return due > before ? due - before : 0;
}

/* Stored into the word when the kernel had read it already. */
static bool push_was_lost(size_t i, const struct htw_event *event)
{
	return states[i].pushed > event->expires;
}

static void lost_push(size_t i, uint64_t now)
{
	tally.too_late++;
	tell(i, "too late", now, NULL);
}

/* How many of its timers may still expire after this event. */
static size_t left_after(size_t i)
{
	const struct script_timer *timer = &script.timers[i];
	const struct state *state = &states[i];

	if (!timer->interval)
		return state->left - 1;
	return !timer->count || state->fired < timer->count;
}

static void expired(size_t i, const struct htw_event *event, uint64_t now)
{
	uint64_t due = event->expires;
	bool early = now < earliest(i, due);

	states[i].fired += event->expirations;
	tally.fired += event->expirations;
	tally.early += early;
	rows_late(now < due ? 0 : now - due);
	if (!is_old(event))
		set_left(i, left_after(i));
	/* Of many, one row for all. */
	if (early || !states[i].ids || !states[i].left)
		tell(i, early ? "EARLY" : "fired", now, &due);
	if (push_was_lost(i, event))
		lost_push(i, now);
}

static void clock_was_set(uint64_t now, const struct htw_event *event)
{
	struct row row = {
		.time = now,
		.label = clock_name(request.setup.clock),
		.what = "was set",
		.nr = event->expirations,
	};

	rows_add(&row);
}

static void handle_event(const struct htw_event *event, uint64_t now)
{
	if (HTW_EVENT_TYPE(event->info) == HTW_EVENT_CLOCK_STEP) {
		clock_was_set(now, event);
	} else if (is_stray(event)) {
		fprintf(stderr, "htw run: stray event: cookie %#llx, id %#llx\n",
			event->cookie, event->id);
		tally.stray++;
	} else {
		expired((uint32_t)event->cookie, event, now);
	}
}

/* Take all events that are there. Return: false on an error, which was told. */
static bool handle_events(void)
{
	struct htw_event events[AT_ONCE];
	uint64_t now;
	int i, nr;

	while ((nr = inbox_take(&inbox, events, AT_ONCE)) > 0) {
		now = now_ns();
		nr_taken += (uint64_t)nr;
		for (i = 0; i < nr; i++)
			handle_event(&events[i], now);
		fflush(stdout);
	}
	return nr == 0;
}

static bool do_push(const struct step *step)
{
	const struct script_timer *timer = &script.timers[step->timer];
	struct state *state = &states[step->timer];
	uint64_t when = due_time(step->delay);
	unsigned int i;

	/*
	 * To arm sets the word to 0. And a word is its timer's only until its event
	 * is delivered: take what is there.
	 */
	if (!queue_flush() || !handle_events())
		return false;
	if (!state->left) {
		came_too_late(step);
		return true;
	}
	for (i = 0; i < timer->members; i++)
		set_word(state->ids[i], when);
	if (!timer->members)
		set_word(state->id, when);
	state->pushed = when;
	tally.pushed += timer->members ? timer->members : 1;
	tell(step->timer, "pushed", now_ns(), NULL);
	return true;
}

/* Signals come only in here, so none is overlooked before the sleep. */
static bool wait_events(uint64_t until)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t now = now_ns(), left = until > now ? until - now : 0;
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

/* Virtual time, up to then or to the next event. */
static bool pass_time(uint64_t until)
{
	struct htw_op op = {
		.opcode = HTW_OP_ADVANCE,
		.flags = HTW_TIMER_ABS | HTW_ADVANCE_NEXT,
		.expires = until < DURATION_MAX ? until : DURATION_MAX,
	};
	int err = device_op(fd, &op);

	if (err) {
		fprintf(stderr, "htw run: advance: %s\n", strerror(-err));
		explain_errno(err);
		return false;
	}
	virtual_now = op.value;
	return handle_events();
}

static bool let_time_pass(uint64_t until)
{
	return is_virtual() ? pass_time(until) : wait_events(until);
}

/* What never ends alone is no reason to go on when nobody is kept waiting. */
static bool nothing_to_wait_for(void)
{
	return tally.pending == (is_virtual() ? endless : 0);
}

/* There is no later time on a virtual clock: what is pending stays so. */
static bool time_is_over(void)
{
	return is_virtual() && virtual_now >= DURATION_MAX;
}

/* Until then, or with FOREVER until nothing is pending any more. */
static bool handle_until(uint64_t until)
{
	while (!interrupted) {
		if (until == FOREVER ? nothing_to_wait_for() :
				       now_ns() >= until)
			return true;
		if (time_is_over())
			return true;
		if (!let_time_pass(until))
			return false;
	}
	return true;
}

/* What is armed after a wait counts from its true end. */
static bool do_wait(const struct step *step)
{
	bool ok;

	fflush(stdout);
	ok = handle_until(duration_add(base, step->delay)) && handle_events();
	base = now_ns();
	return ok;
}

static bool do_wait_next(const struct step *step)
{
	uint64_t before = nr_taken;
	bool ok = true;

	fflush(stdout);
	if (!tally.pending) {
		fprintf(stderr, "%s:%u: wait next: no timer is pending\n",
			script.name, step->line);
		return false;
	}
	while (ok && nr_taken == before && !interrupted && !time_is_over())
		ok = let_time_pass(FOREVER);
	base = now_ns();
	return ok;
}

/* What has come into the ring until now was before what is done next. */
static bool take_what_came_before(const struct step *step)
{
	switch (step->kind) {
	case STEP_REARM:
	case STEP_CANCEL:
	case STEP_CANCEL_TAG:
	case STEP_CANCEL_ALL:
		return !inbox.ring || handle_events();
	default:
		return true;
	}
}

static bool do_step(const struct step *step)
{
	if (!take_what_came_before(step))
		return false;
	switch (step->kind) {
	case STEP_ARM:
		return do_arm(step);
	case STEP_REARM:
		return do_rearm(step);
	case STEP_PUSH:
		return do_push(step);
	case STEP_CANCEL:
		return do_cancel(step);
	case STEP_CANCEL_TAG:
		return do_cancel_match(step, (uint64_t)step->tag << TAG_SHIFT,
				       ~0ULL << TAG_SHIFT);
	case STEP_CANCEL_ALL:
		return do_cancel_match(step, 0, 0);
	case STEP_WAIT:
		return queue_flush() && do_wait(step);
	case STEP_NEXT:
		return queue_flush() && do_wait_next(step);
	}
	return false;
}

/* Return: false on an error, which was told. */
static bool do_steps(void)
{
	bool ok = true;
	size_t i;

	for (i = 0; i < script.nr_steps && ok && !interrupted; i++)
		ok = do_step(&script.steps[i]) &&
		     (request.batch || queue_flush());
	ok = ok && queue_flush();
	fflush(stdout);
	return ok && handle_until(FOREVER);
}

/* On a virtual clock we never sleep in ppoll(2), which lets them in. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = interrupt };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (!is_virtual())
		sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* A context that needs none is not set up: older modules have that kind only. */
static bool set_up(struct htw_setup *setup)
{
	if (script.flags & HTW_TIMER_WORD)
		setup->flags |= HTW_SETUP_WORDS;
	if (clock_can_be_set(setup->clock))
		setup->flags |= HTW_SETUP_CLOCK_STEPS;
	if (setup->clock == CLOCK_MONOTONIC && !setup->flags &&
	    !setup->ring_entries)
		return true;
	if (!device_setup(fd, "run", setup))
		return false;
	if (setup->tick_ns)
		tick = setup->tick_ns;
	return true;
}

static bool make_room(const struct htw_query *query)
{
	unsigned int at_once = request.batch ? query->max_batch : 1;
	size_t i;

	for (i = 0; i < script.nr_timers; i++)
		if (script.timers[i].members)
			at_once = query->max_batch;
	if (request.batch && !query->max_batch) {
		fprintf(stderr, "htw run: the module that is loaded has no "
			"batches; go without --batch, or load a newer one\n");
		return false;
	}
	states = calloc(script.nr_timers + 1, sizeof(*states));
	if (states && queue_open(fd, at_once, request.batch, op_done))
		return true;
	perror("htw run");
	return false;
}

/* Return: 0, or what htw is to exit with; it was told why. */
static int prepare(void)
{
	struct htw_query query;

	fd = device_open(O_NONBLOCK);
	if (fd < 0 || device_query(fd, &query))
		return EXIT_FAILURE;
	if (!script_fits(&script, &query, request.setup.clock))
		return EXIT_USAGE;
	tick = query.tick_ns;
	if (!set_up(&request.setup) || !inbox_open(&inbox, fd, &request.setup) ||
	    !make_room(&query))
		return EXIT_FAILURE;
	return 0;
}

static bool print_stats(void)
{
	struct htw_context_stats stats = { 0 };
	int err = device_stats(fd, &stats);

	if (!err) {
		rows_stats(&stats);
		return true;
	}
	fprintf(stderr, "htw run: stats: %s\n", strerror(-err));
	explain_errno(err);
	return false;
}

static void clean_up(void)
{
	size_t i;

	for (i = 0; i < script.nr_timers && states; i++)
		free(states[i].ids);
	free(states);
	queue_close();
	inbox_close(&inbox);
	if (fd >= 0)
		close(fd);
}

static int run_script(void)
{
	int code = prepare();
	bool ok;

	if (!code) {
		catch_signals();
		start = now_ns();
		base = start;
		rows_begin(start, request.json, request.quiet);
		ok = do_steps();
		rows_summary(&tally);
		ok &= !request.stats || print_stats();
		/* To interrupt what never ends by itself is no failure. */
		ok = ok && tally.pending == endless && !tally.early &&
		     !tally.stray;
		code = ok ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	clean_up();
	return code;
}

static int check_and_run(const char *path)
{
	int code = EXIT_USAGE;

	if (script_read(&script, path))
		code = run_script();
	script_free(&script);
	return code;
}

/* A power of two up to @most. */
static bool parse_power(const char *what, uint64_t number, uint64_t most)
{
	if (number && number <= most && !(number & (number - 1)))
		return true;
	fprintf(stderr, "htw run: bad %s; allowed: a power of two up to %llu\n",
		what, (unsigned long long)most);
	return false;
}

static bool parse_ring(const char *text)
{
	uint64_t entries;

	if (!count_parse("run", text, &entries) ||
	    !parse_power("--ring", entries, 1U << 31))
		return false;
	request.setup.ring_entries = (unsigned int)entries;
	return true;
}

static bool parse_tick(const char *text)
{
	uint64_t ns;

	if (duration_parse(text, &ns)) {
		request.setup.tick_ns = ns;
		return parse_power("--tick", ns, 1ULL << 40);
	}
	fprintf(stderr, "htw run: '%s' is not a tick; allowed: a power of two "
		"in ns, as in 1024ns\n", text);
	return false;
}

static bool parse_option(int opt)
{
	switch (opt) {
	case 'c':
		return clock_parse("run", optarg, &request.setup.clock);
	case OPT_TICK:
		return parse_tick(optarg);
	case 'r':
		return parse_ring(optarg);
	case 'b':
		request.batch = true;
		return true;
	case 'q':
		request.quiet = true;
		return true;
	case 's':
		request.stats = true;
		return true;
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

int cmd_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "clock", required_argument, NULL, 'c' },
		{ "tick", required_argument, NULL, OPT_TICK },
		{ "ring", required_argument, NULL, 'r' },
		{ "batch", no_argument, NULL, 'b' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "stats", no_argument, NULL, 's' },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "device", required_argument, NULL, OPT_DEVICE },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "hc:r:bqs", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(help_text, stdout);
			return EXIT_SUCCESS;
		}
		if (!parse_option(opt))
			return usage_error("run");
	}
	if (request.setup.tick_ns && !is_virtual()) {
		fprintf(stderr, "htw run: --tick is for --clock virtual; others "
			"have the tick of the module\n");
		return usage_error("run");
	}
	if (optind == argc - 1)
		return check_and_run(argv[optind]);
	fprintf(stderr, "htw run: one FILE is needed, or - for standard "
		"input\n");
	return usage_error("run");
}
