// SPDX-License-Identifier: GPL-2.0
/*
 * What timers do: when they expire, what their events say, and what becomes of
 * them when they are cancelled or armed again. Times are only ever compared
 * with what must not be earlier: how late a timer is depends on the machine.
 */
#include "context.h"

/* Read that many events, in the order in which they come. */
static void collect(int fd, struct htw_event *events, size_t nr)
{
	size_t done = 0, i;

	while (done < nr) {
		ssize_t len = read(fd, events + done,
				   (nr - done) * sizeof(*events));
		uint64_t now = now_ns();

		ASSERT_GT(len, 0);
		EXPECT_EQ(len % (ssize_t)sizeof(*events), 0);
		for (i = 0; i < (size_t)len / sizeof(*events); i++)
			EXPECT_GE(now, events[done + i].expires);
		done += (size_t)len / sizeof(*events);
	}
}

/* Cookies 0 to @nr - 1, each in exactly one event. */
static void expect_each_cookie_once(const struct htw_event *events, size_t nr)
{
	unsigned char *seen = calloc(nr, 1);
	size_t i;

	ASSERT_TRUE(seen);
	for (i = 0; i < nr; i++) {
		ASSERT_LT(events[i].cookie, nr);
		EXPECT_EQ(seen[events[i].cookie]++, 0);
		EXPECT_EQ(events[i].expirations, 1);
	}
	free(seen);
}

static uint32_t random_below(uint32_t limit)
{
	static uint64_t state = 88172645463325252ULL;

	return random_of(&state, limit);
}

/* --- never early --- */

static const uint64_t delays[] = {
	0, 1, 999, USEC, 50 * USEC, 131071, 131072, 131073, 262143, 262144,
	MSEC - 1, MSEC, 3 * MSEC, 10 * MSEC, 33554431, 33554432, 33554433,
};

#define NR_DELAYS	(sizeof(delays) / sizeof(delays[0]))

static void relative_is_never_early(void)
{
	int fd = open_context(0);
	struct htw_event event;
	uint64_t before, after;
	size_t i;

	for (i = 0; i < NR_DELAYS; i++) {
		before = now_ns();
		arm_in(fd, delays[i], i);
		after = now_ns();
		read_event(fd, &event);
		EXPECT_EQ(event.cookie, i);
		EXPECT_GE(event.expires, before + delays[i]);
		EXPECT_LE(event.expires, after + delays[i]);
	}
}

static void absolute_is_never_early(void)
{
	int fd = open_context(0);
	struct htw_event event;
	uint64_t time;
	size_t i;

	for (i = 0; i < NR_DELAYS; i++) {
		time = now_ns() + delays[i];
		arm_at(fd, time, i);
		read_event(fd, &event);
		EXPECT_EQ(event.cookie, i);
		EXPECT_EQ(event.expires, time);
	}
}

/* Many, on all phases of the tick: read_event() compares to the ns. */
static void never_early_at_any_phase_of_the_tick(void)
{
	int fd = open_context(0), i;
	uint64_t tick = query(fd).tick_ns, time;
	struct htw_event event;

	for (i = 0; i < 300; i++) {
		time = now_ns() + tick + random_below((uint32_t)(2 * tick));
		arm_at(fd, time, 0);
		read_event(fd, &event);
		EXPECT_EQ(event.expires, time);
	}
}

static void absolute_in_the_past_fires_at_once(void)
{
	int fd = open_context(0);
	struct htw_event event;
	uint64_t time;

	for (time = now_ns() - 1; time; time /= 16) {
		arm_at(fd, time, time);
		read_event(fd, &event);
		EXPECT_EQ(event.expires, time);
		EXPECT_EQ(event.cookie, time);
		EXPECT_EQ(event.expirations, 1);
	}
}

static void absolute_zero_fires_at_once(void)
{
	int fd = open_context(0);
	struct htw_event event;

	arm_at(fd, 0, 7);
	read_event(fd, &event);
	EXPECT_EQ(event.expires, 0);
	EXPECT_EQ(event.cookie, 7);
}

static void far_timers_are_kept(void)
{
	static const uint64_t far[] = {
		HOUR, 24 * HOUR, 366 * 24 * HOUR, MAX_TIME / 2, MAX_TIME };
	size_t nr = sizeof(far) / sizeof(far[0]), i;
	int fd = open_context(0);
	uint64_t ids[5], now = now_ns();
	struct htw_op op;

	for (i = 0; i < nr; i++)
		ids[i] = arm_at(fd, far[i] < MAX_TIME - now ? now + far[i]
							    : MAX_TIME, i);
	EXPECT_SILENCE(fd);
	for (i = 0; i < nr; i++) {
		ASSERT_EQ(remaining(fd, ids[i], &op), 0);
		EXPECT_EQ(op.expires, far[i] < MAX_TIME - now ? now + far[i]
							      : MAX_TIME);
		EXPECT_LE(op.value, op.expires - now);
		EXPECT_GT(op.value, HOUR / 2);
		EXPECT_EQ(cancel(fd, ids[i]), HTW_CANCELLED);
	}
}

/* now + S64_MAX is more than a time can be: it must not wrap into the past. */
static void longest_delay_does_not_wrap(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, MAX_TIME, 0);
	struct htw_op op;

	EXPECT_SILENCE(fd);
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_GT(op.value, MAX_TIME / 2);
	EXPECT_GT(op.expires, MAX_TIME / 2);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
}

/* --- what an event says --- */

static void event_returns_cookie(void)
{
	static const uint64_t cookies[] = {
		0, 1, 0x0123456789abcdef, 1ULL << 63, UINT64_MAX };
	int fd = open_context(0);
	struct htw_event event;
	size_t i;

	for (i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++) {
		arm_in(fd, 0, cookies[i]);
		read_event(fd, &event);
		EXPECT_EQ(event.cookie, cookies[i]);
	}
}

static void event_of_one_shot_says_what_expired(void)
{
	int fd = open_context(0);
	struct htw_event event;
	uint64_t id = arm_in(fd, MSEC, 5);

	read_event(fd, &event);
	EXPECT_EQ(event.id, id);
	EXPECT_EQ(event.expirations, 1);
	EXPECT_EQ(HTW_EVENT_ARMING(event.info), 1);
}

static void event_lateness_is_within_what_passed(void)
{
	int fd = open_context(0), i;
	struct htw_event event;
	uint64_t now, lateness;

	for (i = 0; i < 20; i++) {
		arm_in(fd, (uint64_t)i * 100 * USEC, 0);
		now = read_event(fd, &event);
		lateness = HTW_EVENT_LATENESS(event.info);
		EXPECT_EQ(lateness % 1024, 0);
		EXPECT_LE(lateness, now - event.expires + 1024);
	}
}

/* Due since the machine started: more late than the field can tell. */
static void event_lateness_saturates(void)
{
	int fd = open_context(0);
	struct htw_event event;

	while (now_ns() < HTW_EVENT_LATENESS_MAX + SEC)
		sleep_ns(50 * MSEC);
	arm_at(fd, 0, 0);
	read_event(fd, &event);
	EXPECT_EQ(HTW_EVENT_LATENESS(event.info), HTW_EVENT_LATENESS_MAX);
}

static void ids_are_distinct_and_not_zero(void)
{
	enum { NR = 1000 };
	int fd = open_context(0), i, j;
	uint64_t ids[NR];

	for (i = 0; i < NR; i++) {
		ids[i] = arm_in(fd, HOUR, 0);
		EXPECT_NE(ids[i], 0);
		for (j = 0; j < i; j++)
			EXPECT_NE(ids[i], ids[j]);
	}
}

static void nr_file_counts_until_read_or_cancelled(void)
{
	int fd = open_context(0);
	struct htw_event event;
	uint64_t id;

	EXPECT_EQ(held(fd), 0);
	arm_in(fd, 0, 0);
	id = arm_in(fd, HOUR, 0);
	EXPECT_EQ(held(fd), 2);
	wait_readable(fd);
	EXPECT_EQ(held(fd), 2);
	read_event(fd, &event);
	EXPECT_EQ(held(fd), 1);
	cancel(fd, id);
	EXPECT_EQ(held(fd), 0);
}

/* --- many --- */

static void thousands_are_delivered_exactly_once(void)
{
	enum { NR = 5000 };
	struct htw_event *events = calloc(NR, sizeof(*events));
	int fd = open_context(0), i;

	ASSERT_TRUE(events);
	for (i = 0; i < NR; i++)
		arm_in(fd, random_below(500 * MSEC), (uint64_t)i);
	collect(fd, events, NR);
	expect_each_cookie_once(events, NR);
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
}

static void thousands_at_one_instant_are_delivered_exactly_once(void)
{
	enum { NR = 3000 };
	struct htw_event *events = calloc(NR, sizeof(*events));
	uint64_t time = now_ns() + 50 * MSEC;
	int fd = open_context(0), i;

	ASSERT_TRUE(events);
	for (i = 0; i < NR; i++)
		arm_at(fd, time, (uint64_t)i);
	collect(fd, events, NR);
	expect_each_cookie_once(events, NR);
	for (i = 0; i < NR; i++)
		EXPECT_EQ(events[i].expires, time);
	EXPECT_EQ(held(fd), 0);
}

/* Of one CPU: they are filed where they are armed. */
static void order_is_by_expiry(void)
{
	enum { NR = 50 };
	struct htw_event events[NR];
	int fd = open_context(0), order[NR], i, j;
	uint64_t gap = 4 * query(fd).tick_ns, start;

	pin_to_cpu(0);
	for (i = 0; i < NR; i++) {
		order[i] = i;
		j = (int)random_below((uint32_t)i + 1);
		order[i] = order[j];
		order[j] = i;
	}
	/* All are armed by then, on a busy machine too. */
	start = now_ns() + 500 * MSEC;
	for (i = 0; i < NR; i++)
		arm_at(fd, start + (uint64_t)order[i] * gap,
		       (uint64_t)order[i]);
	collect(fd, events, NR);
	for (i = 0; i < NR; i++)
		EXPECT_EQ(events[i].cookie, i);
}

/* --- cancel --- */

static void cancel_pending_says_cancelled(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, HOUR, 0);

	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(cancel(fd, id), -ENOENT);
	EXPECT_EQ(held(fd), 0);
}

/* Wherever in the wheels it was. */
static void cancelled_gives_no_event(void)
{
	int fd = open_context(0), res;
	uint64_t delay;

	for (delay = 2 * MSEC; delay < 100 * MSEC; delay += 3 * MSEC) {
		res = cancel(fd, arm_in(fd, delay, 0));
		EXPECT_TRUE(res == HTW_CANCELLED || res == HTW_WITHDRAWN);
	}
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(poll_context(fd, 150), 0);
}

static void cancel_unread_says_withdrawn(void)
{
	int fd = open_context(O_NONBLOCK);
	uint64_t id = arm_in(fd, 0, 0);
	struct htw_event event;

	wait_readable(fd);
	EXPECT_EQ(cancel(fd, id), HTW_WITHDRAWN);
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(poll_context(fd, 0), 0);
	EXPECT_ERRNO(read(fd, &event, sizeof(event)), EAGAIN);
	EXPECT_EQ(cancel(fd, id), -ENOENT);
}

static void cancel_withdraws_only_its_own_event(void)
{
	enum { NR = 9 };
	struct htw_event events[NR];
	int fd = open_context(0), i, res;
	uint64_t ids[NR];

	for (i = 0; i < NR; i++)
		ids[i] = arm_in(fd, 0, (uint64_t)i);
	sleep_ns(5 * MSEC);
	for (i = 0; i < NR; i += 2) {
		res = cancel(fd, ids[i]);
		EXPECT_TRUE(res == HTW_CANCELLED || res == HTW_WITHDRAWN);
	}
	collect(fd, events, NR / 2);
	for (i = 0; i < NR / 2; i++)
		EXPECT_EQ(events[i].cookie % 2, 1);
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
}

static void cancel_after_read_ealready(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, 0, 0);
	struct htw_event event;

	read_event(fd, &event);
	EXPECT_EQ(cancel(fd, id), -EALREADY);
	EXPECT_EQ(cancel(fd, id), -EALREADY);
	EXPECT_EQ(held(fd), 0);
}

static void rearm_after_read_ealready(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, 0, 0);
	struct htw_event event;

	read_event(fd, &event);
	EXPECT_EQ(rearm_in(fd, id, 0, 0), -EALREADY);
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
}

static void remaining_after_read_ealready(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, 0, 0);
	struct htw_event event;
	struct htw_op op;

	read_event(fd, &event);
	EXPECT_EQ(remaining(fd, id, &op), -EALREADY);
}

static void cancelled_id_enoent_for_all(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, HOUR, 0);
	struct htw_op op;

	cancel(fd, id);
	EXPECT_EQ(cancel(fd, id), -ENOENT);
	EXPECT_EQ(rearm_in(fd, id, 0, 0), -ENOENT);
	EXPECT_EQ(remaining(fd, id, &op), -ENOENT);
}

/* Its place is used again, its id is not. */
static void stale_id_never_hits_another_timer(void)
{
	enum { ROUNDS = 300 };
	int fd = open_context(0), i, j;
	uint64_t stale[ROUNDS], live;

	for (i = 0; i < ROUNDS; i++) {
		stale[i] = arm_in(fd, HOUR, 0);
		EXPECT_EQ(cancel(fd, stale[i]), HTW_CANCELLED);
	}
	live = arm_in(fd, HOUR, 0);
	for (i = 0; i < ROUNDS; i++) {
		EXPECT_NE(stale[i], live);
		EXPECT_EQ(cancel(fd, stale[i]), -ENOENT);
		EXPECT_EQ(rearm_in(fd, stale[i], 0, 0), -ENOENT);
		for (j = 0; j < i; j++)
			EXPECT_NE(stale[i], stale[j]);
	}
	EXPECT_EQ(held(fd), 1);
	EXPECT_EQ(cancel(fd, live), HTW_CANCELLED);
}

/* Read, so EALREADY, until the place is used again: then ENOENT, for good. */
static void read_id_turns_from_ealready_to_enoent(void)
{
	int fd = open_context(0), i, err, given_away = 0;
	uint64_t id = arm_in(fd, 0, 0);
	struct htw_event event;

	read_event(fd, &event);
	for (i = 0; i < 300; i++) {
		arm_in(fd, HOUR, 0);
		err = cancel(fd, id);
		EXPECT_TRUE(err == -ENOENT || err == -EALREADY);
		if (given_away)
			EXPECT_EQ(err, -ENOENT);
		given_away |= err == -ENOENT;
	}
	EXPECT_EQ(held(fd), 300);
}

static void id_of_another_file_enoent(void)
{
	int mine = open_context(0), other = open_context(0);
	uint64_t id = arm_in(other, HOUR, 0);
	struct htw_op op;

	EXPECT_EQ(cancel(mine, id), -ENOENT);
	EXPECT_EQ(rearm_in(mine, id, 0, 0), -ENOENT);
	EXPECT_EQ(remaining(mine, id, &op), -ENOENT);
	EXPECT_EQ(held(other), 1);
	EXPECT_EQ(cancel(other, id), HTW_CANCELLED);
}

static void files_see_only_their_own_events(void)
{
	enum { NR = 8 };
	struct htw_event event;
	int fds[NR], i;

	for (i = 0; i < NR; i++) {
		fds[i] = open_context(O_NONBLOCK);
		arm_in(fds[i], (uint64_t)(NR - i) * MSEC, (uint64_t)i);
	}
	for (i = 0; i < NR; i++) {
		wait_readable(fds[i]);
		read_event(fds[i], &event);
		EXPECT_EQ(event.cookie, i);
		EXPECT_ERRNO(read(fds[i], &event, sizeof(event)), EAGAIN);
	}
}

/* --- re-arm --- */

static void rearm_later_expires_only_then(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, 20 * MSEC, 0), before = now_ns();
	struct htw_event event;

	ASSERT_EQ(rearm_in(fd, id, 60 * MSEC, 4), 0);
	read_event(fd, &event);
	EXPECT_GE(event.expires, before + 60 * MSEC);
	EXPECT_EQ(event.id, id);
	EXPECT_EQ(HTW_EVENT_ARMING(event.info), 2);
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
}

static void rearm_earlier_expires_then(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, HOUR, 0);
	struct htw_event event;

	ASSERT_EQ(rearm_in(fd, id, 5 * MSEC, 0), 0);
	read_event(fd, &event);
	EXPECT_EQ(event.id, id);
	EXPECT_EQ(held(fd), 0);
}

static void rearm_absolute_expires_then(void)
{
	int fd = open_context(0);
	uint64_t time = now_ns() + 5 * MSEC;
	struct htw_event event;
	struct htw_op op = {
		.opcode = HTW_OP_REARM,
		.flags = HTW_TIMER_ABS,
		.expires = time,
		.id = arm_in(fd, HOUR, 0),
	};

	ASSERT_EQ(do_op(fd, &op), 0);
	read_event(fd, &event);
	EXPECT_EQ(event.expires, time);
}

/* As if it were armed anew: the cookie is the new one. */
static void rearm_takes_a_new_cookie(void)
{
	int fd = open_context(0);
	uint64_t id = arm_in(fd, HOUR, 1);
	struct htw_event event;

	ASSERT_EQ(rearm_in(fd, id, 0, 2), 0);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 2);
}

static void rearm_withdraws_what_is_unread(void)
{
	int fd = open_context(O_NONBLOCK);
	uint64_t id = arm_in(fd, 0, 0);
	struct htw_event event;

	wait_readable(fd);
	ASSERT_EQ(rearm_in(fd, id, HOUR, 0), 0);
	EXPECT_EQ(poll_context(fd, 0), 0);
	EXPECT_ERRNO(read(fd, &event, sizeof(event)), EAGAIN);
	EXPECT_EQ(held(fd), 1);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	EXPECT_SILENCE(fd);
}

static void expect_armings(int fd, uint32_t armings)
{
	uint64_t id = arm_in(fd, HOUR, 0);
	struct htw_event event;
	struct htw_op op;
	uint32_t i;

	for (i = 2; i <= armings; i++) {
		op = (struct htw_op){
			.opcode = HTW_OP_REARM, .id = id,
			.expires = i < armings ? HOUR : 0 };
		ASSERT_EQ(do_op(fd, &op), 0);
		EXPECT_EQ(op.arming, i);
		EXPECT_EQ(op.id, id);
	}
	read_event(fd, &event);
	EXPECT_EQ(HTW_EVENT_ARMING(event.info), armings & 0xff);
}

/* Each bit that an event has of it, and more than it has. */
static void rearm_counts_armings(void)
{
	int fd = open_context(0), i;

	for (i = 2; i < 9; i++)
		expect_armings(fd, 1U << i);
	expect_armings(fd, 255);
	expect_armings(fd, 301);
}

static void rearm_makes_periodic_from_one_shot(void)
{
	int fd = open_context(0), i;
	uint64_t id = arm_in(fd, HOUR, 0), interval = short_interval(fd);
	struct htw_op op = {
		.opcode = HTW_OP_REARM, .id = id, .interval = interval };
	struct htw_event event;

	ASSERT_EQ(do_op(fd, &op), 0);
	for (i = 0; i < 3; i++) {
		read_event(fd, &event);
		EXPECT_EQ(event.id, id);
	}
	EXPECT_EQ(held(fd), 1);
}

static void rearm_makes_one_shot_from_periodic(void)
{
	int fd = open_context(0);
	uint64_t id = arm_every(fd, now_ns(), short_interval(fd), 0);
	struct htw_event event;

	read_event(fd, &event);
	ASSERT_EQ(rearm_in(fd, id, MSEC, 0), 0);
	read_event(fd, &event);
	EXPECT_EQ(event.expirations, 1);
	EXPECT_EQ(HTW_EVENT_ARMING(event.info), 2);
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
	EXPECT_EQ(cancel(fd, id), -EALREADY);
}

/* The idle timeout of a server: pushed out again and again, never expires. */
static void rearm_again_and_again_expires_once(void)
{
	int fd = open_context(O_NONBLOCK), i;
	uint64_t id = arm_in(fd, 5 * SEC, 0), last = 0;
	struct htw_event event;

	for (i = 0; i < 200; i++) {
		ASSERT_EQ(rearm_in(fd, id, 5 * SEC, 0), 0);
		EXPECT_EQ(poll_context(fd, 0), 0);
	}
	last = now_ns();
	ASSERT_EQ(rearm_in(fd, id, 10 * MSEC, 0), 0);
	wait_readable(fd);
	read_event(fd, &event);
	EXPECT_GE(event.expires, last + 10 * MSEC);
	EXPECT_EQ(held(fd), 0);
}

/* Filed on one CPU, re-armed and cancelled from another. */
static void timers_move_between_cpus(void)
{
	enum { NR = 40 };
	struct htw_event events[NR];
	int fd = open_context(0), i;
	uint64_t ids[NR];

	pin_to_cpu(0);
	for (i = 0; i < NR; i++)
		ids[i] = arm_in(fd, HOUR, 0);
	pin_to_cpu(1);
	for (i = 0; i < NR; i++)
		ASSERT_EQ(rearm_in(fd, ids[i], (uint64_t)(i % 4) * MSEC,
				   (uint64_t)i), 0);
	collect(fd, events, NR);
	expect_each_cookie_once(events, NR);
	for (i = 0; i < NR; i++)
		ids[i] = arm_in(fd, HOUR, 0);
	pin_to_cpu(0);
	for (i = 0; i < NR; i++)
		EXPECT_EQ(cancel(fd, ids[i]), HTW_CANCELLED);
	EXPECT_EQ(held(fd), 0);
}

/* --- remaining --- */

static void remaining_of_pending_is_the_time_left(void)
{
	int fd = open_context(0);
	uint64_t time = now_ns() + HOUR, id = arm_at(fd, time, 8);
	uint64_t before, after;
	struct htw_op op;

	before = now_ns();
	ASSERT_EQ(remaining(fd, id, &op), 0);
	after = now_ns();
	EXPECT_EQ(op.expires, time);
	EXPECT_EQ(op.cookie, 8);
	EXPECT_EQ(op.interval, 0);
	EXPECT_EQ(op.arming, 1);
	EXPECT_LE(op.value, time - before);
	EXPECT_GE(op.value, time - after);
}

static void remaining_of_unread_is_zero(void)
{
	int fd = open_context(0);
	struct htw_op op = {
		.opcode = HTW_OP_REMAINING,
		.id = arm_in(fd, 0, 8),
		.value = UINT64_MAX,
	};
	struct htw_event event;

	wait_readable(fd);
	ASSERT_EQ(do_op(fd, &op), 0);
	EXPECT_EQ(op.value, 0);
	EXPECT_EQ(op.cookie, 8);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 8);
}

static void remaining_of_periodic_is_to_the_next_expiry(void)
{
	int fd = open_context(0);
	uint64_t first = now_ns(), id = arm_every(fd, first, HOUR, 8);
	struct htw_event event;
	struct htw_op op;

	read_event(fd, &event);
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(op.expires, first + HOUR);
	EXPECT_EQ(op.interval, HOUR);
	EXPECT_EQ(op.cookie, 8);
	EXPECT_LE(op.value, HOUR);
	EXPECT_GT(op.value, 0);
}

static void remaining_after_rearm_tells_the_new_times(void)
{
	int fd = open_context(0);
	struct htw_op op = {
		.opcode = HTW_OP_REARM,
		.flags = HTW_TIMER_ABS,
		.expires = now_ns() + 2 * HOUR,
		.interval = HOUR,
		.cookie = 3,
		.id = arm_in(fd, HOUR, 1),
	};
	uint64_t time = op.expires, id = op.id;

	ASSERT_EQ(do_op(fd, &op), 0);
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(op.expires, time);
	EXPECT_EQ(op.interval, HOUR);
	EXPECT_EQ(op.cookie, 3);
	EXPECT_EQ(op.arming, 2);
}

/* --- limits --- */

#define SMALL_LIMIT	50
#define PARAMETER	"/sys/module/htw/parameters/max_timers"

/* Return: whether the whole text was taken. */
static bool write_parameter(const char *text)
{
	int fd = open(PARAMETER, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

static bool read_parameter(char *text, size_t size)
{
	FILE *file = fopen(PARAMETER, "re");
	bool ok;

	if (!file)
		return false;
	ok = fgets(text, (int)size, file);
	fclose(file);
	return ok;
}

/*
 * A context with a limit that is soon reached: the parameter holds for what is
 * opened after it was written, so it can be put back at once.
 */
static int open_limited(int flags)
{
	char old[32], small[32];
	int fd;

	snprintf(small, sizeof(small), "%d\n", SMALL_LIMIT);
	if (!read_parameter(old, sizeof(old)) || !write_parameter(small)) {
		fd = open_context(flags);
		if (query(fd).max_file > 200000)
			ktap_skip("the limit is too large to reach, and "
				  PARAMETER " can't be written");
		return fd;
	}
	fd = open_context(flags);
	ASSERT_TRUE(write_parameter(old));
	EXPECT_EQ(query(fd).max_file, SMALL_LIMIT);
	return fd;
}

/* Arm as many as may be held. Return: the first one's id. */
static uint64_t fill(int fd)
{
	uint64_t max = query(fd).max_file, i, first = arm_in(fd, HOUR, 0);

	for (i = 1; i < max; i++)
		arm_in(fd, HOUR, i);
	return first;
}

static void expect_full(int fd)
{
	struct htw_op op = { .opcode = HTW_OP_ARM, .expires = HOUR };
	struct htw_op copy = op;
	uint64_t before = held(fd);

	EXPECT_EQ(do_op(fd, &op), -ENOSPC);
	EXPECT_EQ(memcmp(&op, &copy, sizeof(op)), 0);
	EXPECT_EQ(held(fd), before);
	EXPECT_EQ(before, query(fd).max_file);
}

static void limit_is_enospc_for_one_more(void)
{
	int fd = open_limited(0);

	fill(fd);
	expect_full(fd);
	expect_full(fd);
}

static void limit_counts_per_file(void)
{
	int full = open_limited(0), other = open_context(0);

	fill(full);
	expect_full(full);
	arm_in(other, HOUR, 0);
	EXPECT_EQ(held(other), 1);
}

static void limit_is_made_room_by_cancel(void)
{
	int fd = open_limited(0), i;
	uint64_t id = fill(fd);

	for (i = 0; i < 5; i++) {
		expect_full(fd);
		EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
		id = arm_in(fd, HOUR, 0);
	}
	expect_full(fd);
}

static void limit_is_made_room_by_read(void)
{
	int fd = open_limited(0);
	struct htw_event event;
	uint64_t id = fill(fd);

	ASSERT_EQ(rearm_in(fd, id, 0, 0), 0);
	wait_readable(fd);
	expect_full(fd);
	read_event(fd, &event);
	arm_in(fd, HOUR, 0);
	expect_full(fd);
}

static void limit_does_not_stop_rearm(void)
{
	int fd = open_limited(0);
	struct htw_event event;
	uint64_t id = fill(fd);

	ASSERT_EQ(rearm_in(fd, id, 2 * HOUR, 0), 0);
	ASSERT_EQ(rearm_in(fd, id, 0, 0), 0);
	read_event(fd, &event);
	EXPECT_EQ(event.id, id);
}

static void limit_of_an_open_file_does_not_change(void)
{
	int before = open_context(0);
	uint64_t max = query(before).max_file;

	open_limited(0);
	EXPECT_EQ(query(before).max_file, max);
}

/* --- a program of no rights, given the descriptor --- */

static void needs_no_privilege(void)
{
	int fd = open_context(0);
	struct htw_event event;
	uint64_t id;

	if (!getuid()) {
		ASSERT_EQ(setresgid(65534, 65534, 65534), 0);
		ASSERT_EQ(setresuid(65534, 65534, 65534), 0);
	}
	id = arm_in(fd, 0, 6);
	read_event(fd, &event);
	EXPECT_EQ(event.id, id);
	EXPECT_EQ(cancel(fd, arm_in(fd, HOUR, 0)), HTW_CANCELLED);
}

/* --- anything after anything --- */

#define MODEL_TIMERS	64

/* What a timer may do next; a cookie is the index and the arming. */
static struct model {
	uint64_t	id;		/* 0: none */
	uint32_t	arming;
	bool		near;		/* may have expired */
} model[MODEL_TIMERS];

static uint64_t model_cookie(size_t i)
{
	return (uint64_t)i << 32 | model[i].arming;
}

static uint64_t model_delay(struct model *m)
{
	m->near = random_below(2);
	return m->near ? random_below(3 * MSEC) : HOUR;
}

static void model_arm(int fd, size_t i)
{
	struct model *m = &model[i];

	m->arming = 1;
	m->id = arm_in(fd, model_delay(m), model_cookie(i));
}

static void model_rearm(int fd, size_t i)
{
	struct model *m = &model[i];

	/* No event was read, so whether it has expired or not: it is there. */
	m->arming++;
	ASSERT_EQ(rearm_in(fd, m->id, model_delay(m), model_cookie(i)), 0);
}

static void model_cancel(int fd, size_t i)
{
	int res = cancel(fd, model[i].id);

	if (model[i].near)
		EXPECT_TRUE(res == HTW_CANCELLED || res == HTW_WITHDRAWN);
	else
		EXPECT_EQ(res, HTW_CANCELLED);
	model[i].id = 0;
}

static void model_read(int fd)
{
	struct htw_event events[7];
	ssize_t len = read(fd, events, sizeof(events)), i;

	if (len < 0)
		ASSERT_EQ(errno, EAGAIN);
	for (i = 0; i < len / (ssize_t)sizeof(events[0]); i++) {
		size_t index = events[i].cookie >> 32;

		ASSERT_LT(index, MODEL_TIMERS);
		EXPECT_TRUE(model[index].near);
		EXPECT_EQ(events[i].id, model[index].id);
		EXPECT_EQ(events[i].cookie, model_cookie(index));
		EXPECT_EQ(HTW_EVENT_ARMING(events[i].info),
			  model[index].arming & 0xff);
		model[index].id = 0;
	}
}

static size_t model_held(void)
{
	size_t i, nr = 0;

	for (i = 0; i < MODEL_TIMERS; i++)
		nr += !!model[i].id;
	return nr;
}

static void any_sequence_keeps_the_books(void)
{
	int fd = open_context(O_NONBLOCK), round;
	size_t i;

	for (round = 0; round < 8000; round++) {
		i = random_below(MODEL_TIMERS);
		if (!random_below(4))
			model_read(fd);
		else if (!model[i].id)
			model_arm(fd, i);
		else if (random_below(2))
			model_rearm(fd, i);
		else
			model_cancel(fd, i);
		EXPECT_EQ(held(fd), model_held());
	}
	for (i = 0; i < MODEL_TIMERS; i++)
		if (model[i].id && !model[i].near)
			model_cancel(fd, i);
	while (model_held()) {
		wait_readable(fd);
		model_read(fd);
	}
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(relative_is_never_early),
	KTAP_TEST(absolute_is_never_early),
	KTAP_TEST(never_early_at_any_phase_of_the_tick),
	KTAP_TEST(absolute_in_the_past_fires_at_once),
	KTAP_TEST(absolute_zero_fires_at_once),
	KTAP_TEST(far_timers_are_kept),
	KTAP_TEST(longest_delay_does_not_wrap),
	KTAP_TEST(event_returns_cookie),
	KTAP_TEST(event_of_one_shot_says_what_expired),
	KTAP_TEST(event_lateness_is_within_what_passed),
	KTAP_TEST(event_lateness_saturates),
	KTAP_TEST(ids_are_distinct_and_not_zero),
	KTAP_TEST(nr_file_counts_until_read_or_cancelled),
	KTAP_TEST(thousands_are_delivered_exactly_once),
	KTAP_TEST(thousands_at_one_instant_are_delivered_exactly_once),
	KTAP_TEST(order_is_by_expiry),
	KTAP_TEST(cancel_pending_says_cancelled),
	KTAP_TEST(cancelled_gives_no_event),
	KTAP_TEST(cancel_unread_says_withdrawn),
	KTAP_TEST(cancel_withdraws_only_its_own_event),
	KTAP_TEST(cancel_after_read_ealready),
	KTAP_TEST(rearm_after_read_ealready),
	KTAP_TEST(remaining_after_read_ealready),
	KTAP_TEST(cancelled_id_enoent_for_all),
	KTAP_TEST(stale_id_never_hits_another_timer),
	KTAP_TEST(read_id_turns_from_ealready_to_enoent),
	KTAP_TEST(id_of_another_file_enoent),
	KTAP_TEST(files_see_only_their_own_events),
	KTAP_TEST(rearm_later_expires_only_then),
	KTAP_TEST(rearm_earlier_expires_then),
	KTAP_TEST(rearm_absolute_expires_then),
	KTAP_TEST(rearm_takes_a_new_cookie),
	KTAP_TEST(rearm_withdraws_what_is_unread),
	KTAP_TEST(rearm_counts_armings),
	KTAP_TEST(rearm_makes_periodic_from_one_shot),
	KTAP_TEST(rearm_makes_one_shot_from_periodic),
	KTAP_TEST(rearm_again_and_again_expires_once),
	KTAP_TEST(timers_move_between_cpus),
	KTAP_TEST(remaining_of_pending_is_the_time_left),
	KTAP_TEST(remaining_of_unread_is_zero),
	KTAP_TEST(remaining_of_periodic_is_to_the_next_expiry),
	KTAP_TEST(remaining_after_rearm_tells_the_new_times),
	KTAP_TEST(limit_is_enospc_for_one_more),
	KTAP_TEST(limit_counts_per_file),
	KTAP_TEST(limit_is_made_room_by_cancel),
	KTAP_TEST(limit_is_made_room_by_read),
	KTAP_TEST(limit_does_not_stop_rearm),
	KTAP_TEST(limit_of_an_open_file_does_not_change),
	KTAP_TEST(needs_no_privilege),
	KTAP_TEST(any_sequence_keeps_the_books),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("timers", tests, need_device));
}
