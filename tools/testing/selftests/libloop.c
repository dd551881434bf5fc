// SPDX-License-Identifier: GPL-2.0
/*
 * Callbacks of libhtw: what a callback may do to its own timer and to others, above all
 * to those whose events have already left the kernel.
 */
#include <stddef.h>
#include <sys/epoll.h>

#include "handles.h"

#define MAX_CALLS	64

/* What has been called since the test began. */
static struct {
	struct htw_cb		*cb;
	struct htw_event	event;
} calls[MAX_CALLS];
static int nr_calls;

static void record(struct htw *h, struct htw_cb *cb, const struct htw_event *event)
{
	(void)h;
	ASSERT_LT(nr_calls, MAX_CALLS);
	calls[nr_calls].cb = cb;
	calls[nr_calls++].event = *event;
}

/* A timer that does something else to @other when it fires. */
struct actor {
	struct htw_cb	cb;
	struct htw_cb	*other;
	int		res;
	int		times;
};

static struct actor *actor_of(struct htw_cb *cb)
{
	return (struct actor *)(void *)((char *)cb - offsetof(struct actor, cb));
}

static struct actor actor(htw_cb_fn fn, struct htw_cb *other)
{
	struct actor actor = { .other = other, .res = -1 };

	htw_cb_init(&actor.cb, fn);
	return actor;
}

static void arm_cb(struct htw *h, struct htw_cb *cb, uint64_t delay)
{
	ASSERT_EQ(htw_cb_after(h, cb, delay, 0), 0);
}

/* Time goes by @ns, and what expired is dispatched: as many as there must be. */
static void expect_dispatched(struct htw *h, uint64_t ns, int nr)
{
	ASSERT_GE(htw_advance(h, ns), 0);
	EXPECT_EQ(htw_dispatch(h, 1000), nr);
}

static void expect_call(int nr, struct htw_cb *cb, uint64_t expires)
{
	ASSERT_LT(nr, nr_calls);
	EXPECT_EQ(calls[nr].cb, cb);
	EXPECT_EQ(calls[nr].event.expires, expires);
}

static void each_mode(void (*test)(struct htw *h))
{
	test(virtual_handle(0));
	nr_calls = 0;
	test(virtual_handle(64));
	nr_calls = 0;
	/* Most events wait outside of this one. */
	test(virtual_handle(2));
}

#define IN_EACH_MODE(_name, _h)						\
	static void _name##_here(struct htw *h);			\
	static void _name(void)						\
	{								\
		each_mode(_name##_here);				\
	}								\
	static void _name##_here(struct htw *_h)

IN_EACH_MODE(callbacks_are_called_in_order, h)
{
	struct htw_cb cb[3];
	int i;

	for (i = 0; i < 3; i++) {
		htw_cb_init(&cb[i], record);
		arm_cb(h, &cb[i], (3 - (uint64_t)i) * TICK);
		EXPECT_NE(htw_cb_id(&cb[i]), 0);
	}
	EXPECT_EQ(htw_dispatch(h, 10), 0);
	expect_dispatched(h, 3 * TICK, 3);
	for (i = 0; i < 3; i++) {
		expect_call(i, &cb[2 - i], (uint64_t)(i + 1) * TICK);
		EXPECT_EQ(htw_cb_id(&cb[i]), 0);
	}
	EXPECT_EQ(htw_dispatch(h, 10), 0);
	htw_close(h);
}

/* Some more than are fetched at once. */
IN_EACH_MODE(no_more_are_called_than_asked_for, h)
{
	static struct htw_cb cb[200];
	int i;

	for (i = 0; i < 200; i++) {
		htw_cb_init(&cb[i], record);
		arm_cb(h, &cb[i], TICK);
	}
	ASSERT_EQ(htw_advance(h, TICK), TICK);
	EXPECT_EQ(htw_dispatch(h, 0), -EINVAL);
	for (i = 0; i < 40; i++) {
		nr_calls = 0;
		EXPECT_EQ(htw_dispatch(h, 5), 5);
		EXPECT_EQ(nr_calls, 5);
		EXPECT_EQ(calls[4].cb, &cb[i * 5 + 4]);
	}
	EXPECT_EQ(htw_dispatch(h, 5), 0);
	htw_close(h);
}

static void nothing(struct htw *h, struct htw_cb *cb, const struct htw_event *event)
{
	(void)h;
	(void)event;
	actor_of(cb)->times++;
}

IN_EACH_MODE(thousands_of_callbacks_are_found, h)
{
	static struct actor actors[3000];
	int i;

	for (i = 0; i < 3000; i++) {
		actors[i] = actor(nothing, NULL);
		arm_cb(h, &actors[i].cb, (uint64_t)(i % 7) * TICK);
	}
	for (i = 0; i < 3000; i += 3)
		EXPECT_EQ(htw_cb_cancel(h, &actors[i].cb), HTW_CANCELLED);
	ASSERT_EQ(htw_advance(h, 8 * TICK), 8 * TICK);
	EXPECT_EQ(htw_dispatch(h, 10000), 2000);
	for (i = 0; i < 3000; i++)
		EXPECT_EQ(actors[i].times, i % 3 != 0);
	htw_close(h);
}

/* Its own timer */

static void again(struct htw *h, struct htw_cb *cb, const struct htw_event *event)
{
	struct actor *actor = actor_of(cb);

	record(h, cb, event);
	if (++actor->times < 5)
		ASSERT_EQ(htw_cb_at(h, cb, event->expires + 2 * TICK, (__u16)actor->res), 0);
}

/* As a new timer each time, and as the same one. */
IN_EACH_MODE(callback_arms_itself_again, h)
{
	struct actor fresh = actor(again, NULL), kept = actor(again, NULL);
	uint64_t id;
	int i;

	fresh.res = 0;
	kept.res = HTW_TIMER_KEEP;
	arm_cb(h, &fresh.cb, TICK);
	ASSERT_EQ(htw_cb_after(h, &kept.cb, TICK, HTW_TIMER_KEEP), 0);
	id = htw_cb_id(&kept.cb);
	for (i = 0; i < 5; i++)
		expect_dispatched(h, 2 * TICK, 2);
	expect_dispatched(h, HOUR, 0);
	EXPECT_EQ(nr_calls, 10);
	expect_call(9, &kept.cb, 9 * TICK);
	EXPECT_EQ(htw_cb_id(&fresh.cb), 0);
	EXPECT_EQ(htw_cb_id(&kept.cb), id);
	EXPECT_EQ(htw_cb_cancel(h, &kept.cb), HTW_DELIVERED);
	htw_close(h);
}

static void end_it(struct htw *h, struct htw_cb *cb, const struct htw_event *event)
{
	record(h, cb, event);
	if (nr_calls == 3)
		actor_of(cb)->res = htw_cb_cancel(h, cb);
}

/* A periodic one whose expiries were not dispatched for a while. */
IN_EACH_MODE(callback_cancels_itself, h)
{
	struct actor periodic = actor(end_it, NULL);
	int i;

	ASSERT_EQ(htw_cb_every(h, &periodic.cb, TICK, 0), 0);
	for (i = 0; i < 6; i++) {
		ASSERT_GE(htw_advance(h, TICK), 0);
		if (i < 2 || i == 5)
			htw_dispatch(h, 1000);
	}
	EXPECT_EQ(nr_calls, 3);
	EXPECT_TRUE(periodic.res == HTW_CANCELLED || periodic.res == HTW_WITHDRAWN);
	EXPECT_EQ(htw_cb_id(&periodic.cb), 0);
	expect_dispatched(h, 10 * TICK, 0);
	htw_close(h);
}

/* Of a page of its own, so that the least touch of what was freed is seen. */
static struct actor *on_a_page(htw_cb_fn fn)
{
	struct actor *actor_page = mmap(NULL, 1, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(actor_page, MAP_FAILED);
	*actor_page = actor(fn, NULL);
	return actor_page;
}

static void free_it(struct htw *h, struct htw_cb *cb, const struct htw_event *event)
{
	record(h, cb, event);
	ASSERT_EQ(munmap(actor_of(cb), 1), 0);
}

IN_EACH_MODE(callback_frees_itself, h)
{
	arm_cb(h, &on_a_page(free_it)->cb, TICK);
	arm_cb(h, &on_a_page(free_it)->cb, TICK);
	expect_dispatched(h, TICK, 2);
	EXPECT_EQ(nr_calls, 2);
	htw_close(h);
}

/* Other timers */

static void cancel_other(struct htw *h, struct htw_cb *cb, const struct htw_event *event)
{
	struct actor *self = actor_of(cb);

	record(h, cb, event);
	self->res = htw_cb_cancel(h, self->other);
	ASSERT_EQ(munmap(actor_of(self->other), 1), 0);
}

/* Both have expired and both events are fetched: the second one's callback is gone. */
IN_EACH_MODE(callback_frees_one_that_has_expired_too, h)
{
	struct actor *victim = on_a_page(record);
	struct actor first = actor(cancel_other, &victim->cb);

	arm_cb(h, &first.cb, TICK);
	arm_cb(h, &victim->cb, TICK);
	ASSERT_EQ(htw_advance(h, TICK), TICK);
	EXPECT_GE(htw_dispatch(h, 1000), 1);
	EXPECT_EQ(nr_calls, 1);
	EXPECT_EQ(first.res, HTW_WITHDRAWN);
	expect_dispatched(h, HOUR, 0);
	htw_close(h);
}

IN_EACH_MODE(callback_frees_one_that_is_pending, h)
{
	struct actor *victim = on_a_page(record);
	struct actor first = actor(cancel_other, &victim->cb);

	arm_cb(h, &first.cb, TICK);
	arm_cb(h, &victim->cb, 2 * TICK);
	expect_dispatched(h, TICK, 1);
	EXPECT_EQ(first.res, HTW_CANCELLED);
	expect_dispatched(h, 5 * TICK, 0);
	EXPECT_EQ(nr_calls, 1);
	htw_close(h);
}

static void rearm_other(struct htw *h, struct htw_cb *cb, const struct htw_event *event)
{
	struct actor *self = actor_of(cb);
	int i;

	record(h, cb, event);
	for (i = 0; i < self->times; i++)
		self->res = htw_cb_after(h, self->other, 5 * TICK, (__u16)self->other->once ? 0 :
					 HTW_TIMER_KEEP);
}

/* The second one's event is out already; it fires at its new time and then only. */
static void expect_moved(struct htw *h, __u16 flags, int times)
{
	struct htw_cb other;
	struct actor first = actor(rearm_other, &other);

	nr_calls = 0;
	first.times = times;
	htw_cb_init(&other, record);
	ASSERT_EQ(htw_cb_after(h, &first.cb, TICK, 0), 0);
	ASSERT_EQ(htw_cb_after(h, &other, TICK, flags), 0);
	ASSERT_GE(htw_advance(h, TICK), 0);
	EXPECT_GE(htw_dispatch(h, 1000), 1);
	EXPECT_EQ(nr_calls, 1);
	EXPECT_EQ(first.res, 0);
	expect_dispatched(h, 4 * TICK, 0);
	expect_dispatched(h, TICK, 1);
	expect_call(1, &other, (uint64_t)htw_now(h));
	htw_cb_cancel(h, &other);
}

IN_EACH_MODE(callback_moves_one_that_has_expired_too, h)
{
	expect_moved(h, 0, 1);
	expect_moved(h, HTW_TIMER_KEEP, 1);
	htw_close(h);
}

/* The arming number of an event has 8 bits. */
IN_EACH_MODE(old_event_stays_old_after_256_armings, h)
{
	expect_moved(h, HTW_TIMER_KEEP, 255);
	expect_moved(h, HTW_TIMER_KEEP, 256);
	expect_moved(h, HTW_TIMER_KEEP, 512);
	htw_close(h);
}

static void arm_other(struct htw *h, struct htw_cb *cb, const struct htw_event *event)
{
	record(h, cb, event);
	ASSERT_EQ(htw_cb_after(h, actor_of(cb)->other, TICK, 0), 0);
}

/* The new timer may get the place of one whose event is still to be dispatched. */
IN_EACH_MODE(callback_arms_others_between_events, h)
{
	struct htw_cb fresh[2];
	struct actor pair[2];
	int i;

	for (i = 0; i < 2; i++) {
		htw_cb_init(&fresh[i], record);
		pair[i] = actor(arm_other, &fresh[i]);
		arm_cb(h, &pair[i].cb, TICK);
	}
	expect_dispatched(h, TICK, 2);
	expect_dispatched(h, TICK, 2);
	EXPECT_EQ(nr_calls, 4);
	expect_call(0, &pair[0].cb, TICK);
	expect_call(1, &pair[1].cb, TICK);
	expect_call(2, &fresh[0], 2 * TICK);
	expect_call(3, &fresh[1], 2 * TICK);
	htw_close(h);
}

/* What cancel and arm return */

IN_EACH_MODE(cancel_tells_whether_it_was_called, h)
{
	struct htw_cb cb;

	htw_cb_init(&cb, record);
	EXPECT_EQ(htw_cb_cancel(h, &cb), 0);
	arm_cb(h, &cb, TICK);
	EXPECT_EQ(htw_cb_cancel(h, &cb), HTW_CANCELLED);
	EXPECT_EQ(htw_cb_cancel(h, &cb), 0);
	arm_cb(h, &cb, TICK);
	ASSERT_EQ(htw_advance(h, TICK), TICK);
	EXPECT_EQ(htw_cb_cancel(h, &cb), HTW_WITHDRAWN);
	htw_dispatch(h, 10);
	EXPECT_EQ(nr_calls, 0);
	ASSERT_EQ(htw_cb_after(h, &cb, TICK, HTW_TIMER_KEEP), 0);
	expect_dispatched(h, TICK, 1);
	EXPECT_EQ(htw_cb_cancel(h, &cb), HTW_DELIVERED);
	EXPECT_EQ(htw_cb_id(&cb), 0);
	htw_close(h);
}

/* Its timer ends by itself, and then it is armed or cancelled like any other. */
IN_EACH_MODE(periodic_timer_with_a_count_ends, h)
{
	struct htw_cb cb;
	struct htw_op op;
	int i;

	htw_cb_init(&cb, record);
	htw_prep_every(&op, TICK, 0, 0);
	op.count = 2;
	ASSERT_EQ(htw_cb_arm(h, &cb, &op), 0);
	for (i = 0; i < 4; i++)
		expect_dispatched(h, TICK, i < 2);
	EXPECT_EQ(nr_calls, 2);
	arm_cb(h, &cb, TICK);
	expect_dispatched(h, TICK, 1);
	ASSERT_EQ(htw_cb_arm(h, &cb, &op), 0);
	for (i = 0; i < 4; i++)
		expect_dispatched(h, TICK, i < 2);
	EXPECT_EQ(htw_cb_cancel(h, &cb), HTW_DELIVERED);
	htw_close(h);
}

/* And when it is armed anew nothing remembers the timer that has ended. */
IN_EACH_MODE(timer_that_ended_by_itself_is_forgotten, h)
{
	struct actor *victim = on_a_page(record);
	static struct htw_cb others[300];
	struct htw_op op;
	int i;

	htw_prep_every(&op, TICK, 0, 0);
	op.count = 1;
	ASSERT_EQ(htw_cb_arm(h, &victim->cb, &op), 0);
	expect_dispatched(h, TICK, 1);
	arm_cb(h, &victim->cb, TICK);
	EXPECT_EQ(htw_cb_cancel(h, &victim->cb), HTW_CANCELLED);
	ASSERT_EQ(munmap(victim, 1), 0);

	/* So many that all callbacks have to be looked at. */
	for (i = 0; i < 300; i++) {
		htw_cb_init(&others[i], record);
		arm_cb(h, &others[i], HOUR);
	}
	for (i = 0; i < 300; i++)
		EXPECT_EQ(htw_cb_cancel(h, &others[i]), HTW_CANCELLED);
	htw_close(h);
}

IN_EACH_MODE(arming_that_fails_changes_nothing, h)
{
	struct htw_cb cb, never;

	htw_cb_init(&cb, record);
	htw_cb_init(&never, record);
	EXPECT_EQ(htw_cb_after(h, &never, TICK, 1U << 15), -EINVAL);
	EXPECT_EQ(htw_cb_id(&never), 0);
	arm_cb(h, &cb, TICK);
	EXPECT_EQ(htw_cb_after(h, &cb, 5 * TICK, 1U << 15), -EINVAL);
	EXPECT_EQ(htw_cb_at(h, &cb, MAX_TIME + 1, 0), -EINVAL);
	expect_dispatched(h, TICK, 1);
	expect_call(0, &cb, TICK);
	htw_close(h);
}

/* Around callbacks */

static void dispatch_inside(struct htw *h, struct htw_cb *cb, const struct htw_event *event)
{
	record(h, cb, event);
	actor_of(cb)->res = htw_dispatch(h, 10);
}

IN_EACH_MODE(dispatch_in_a_callback_is_refused, h)
{
	struct actor inner = actor(dispatch_inside, NULL);

	arm_cb(h, &inner.cb, TICK);
	expect_dispatched(h, TICK, 1);
	EXPECT_EQ(inner.res, -EBUSY);
	htw_close(h);
}

static void close_it(struct htw *h, struct htw_cb *cb, const struct htw_event *event)
{
	record(h, cb, event);
	htw_close(h);
}

IN_EACH_MODE(callback_closes_the_handle, h)
{
	struct actor closing = actor(close_it, NULL), never = actor(record, NULL);
	int fd = htw_get_fd(h);

	arm_cb(h, &closing.cb, TICK);
	arm_cb(h, &never.cb, TICK);
	ASSERT_EQ(htw_advance(h, TICK), TICK);
	EXPECT_EQ(htw_dispatch(h, 10), -ECANCELED);
	EXPECT_EQ(nr_calls, 1);
	EXPECT_ERRNO(fcntl(fd, F_GETFD), EBADF);
}

IN_EACH_MODE(events_of_no_callback_go_to_the_default, h)
{
	struct htw_cb fallback, cb;

	htw_cb_init(&fallback, record);
	htw_cb_init(&cb, record);
	after(h, TICK, 40);
	expect_dispatched(h, TICK, 1);
	EXPECT_EQ(nr_calls, 0);
	htw_set_default(h, &fallback);
	after(h, TICK, 42);
	arm_cb(h, &cb, TICK);
	expect_dispatched(h, TICK, 2);
	EXPECT_EQ(calls[0].cb, &fallback);
	EXPECT_EQ(calls[0].event.cookie, 42);
	EXPECT_EQ(calls[1].cb, &cb);

	/* What a cancelled callback leaves behind is no stranger's. */
	arm_cb(h, &cb, TICK);
	ASSERT_GE(htw_advance(h, TICK), 0);
	EXPECT_EQ(htw_cb_cancel(h, &cb), HTW_WITHDRAWN);
	htw_dispatch(h, 10);
	htw_set_default(h, NULL);
	after(h, TICK, 44);
	expect_dispatched(h, TICK, 1);
	EXPECT_EQ(nr_calls, 2);
	htw_close(h);
}

/* A ring that is read by other means meanwhile, whose events the callbacks never see. */
static void events_taken_elsewhere_are_not_dispatched(void)
{
	struct htw *h = virtual_handle(16);
	const struct htw_map *map = htw_get_map(h);
	struct htw_cb cb[4];
	int i;

	for (i = 0; i < 4; i++) {
		htw_cb_init(&cb[i], record);
		ASSERT_EQ(htw_cb_after(h, &cb[i], TICK, HTW_TIMER_KEEP), 0);
	}
	ASSERT_EQ(htw_advance(h, TICK), TICK);
	ASSERT_EQ(htw_ring_advance(map, 3), 0);
	EXPECT_EQ(htw_dispatch(h, 10), 1);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(htw_cb_after(h, &cb[i], TICK, HTW_TIMER_KEEP), 0);
	expect_dispatched(h, TICK, 4);
	EXPECT_EQ(nr_calls, 5);
	expect_call(0, &cb[3], TICK);
	expect_call(4, &cb[3], 2 * TICK);

	/* Armed again when old events are there, which then go elsewhere. */
	ASSERT_EQ(htw_cb_after(h, &cb[0], TICK, HTW_TIMER_KEEP), 0);
	ASSERT_EQ(htw_advance(h, TICK), 3 * TICK);
	ASSERT_EQ(htw_cb_after(h, &cb[0], TICK, HTW_TIMER_KEEP), 0);
	ASSERT_EQ(htw_ring_advance(map, 1), 0);
	expect_dispatched(h, TICK, 1);
	expect_call(5, &cb[0], 4 * TICK);
}

static struct htw *late_handle;

static void advance_one_tick(void)
{
	ASSERT_GE(htw_advance(late_handle, TICK), 0);
}

/* The old expiry gets into the ring after the library has looked, and before the kernel. */
static void expiry_while_it_is_armed_again_is_an_old_one(void)
{
	struct htw_cb cb;

	late_handle = virtual_handle(16);
	htw_cb_init(&cb, record);
	ASSERT_EQ(htw_cb_after(late_handle, &cb, TICK, HTW_TIMER_KEEP), 0);
	before_ioctl = advance_one_tick;
	ASSERT_EQ(htw_cb_after(late_handle, &cb, 5 * TICK, HTW_TIMER_KEEP), 0);
	EXPECT_TRUE(htw_ring_peek(htw_get_map(late_handle)));
	EXPECT_EQ(htw_dispatch(late_handle, 10), 1);
	EXPECT_EQ(nr_calls, 0);
	expect_dispatched(late_handle, 5 * TICK, 1);
	expect_call(0, &cb, 6 * TICK);
}

static void wait_epoll(int epfd)
{
	struct epoll_event event;

	ASSERT_EQ(epoll_wait(epfd, &event, 1, -1), 1);
	EXPECT_EQ(event.data.u32, 7);
}

/* On the real clock, level- and edge-triggered, with and without a ring. */
static void run_epoll_loop(unsigned int ring_entries, uint32_t edge)
{
	struct epoll_event interest = { .events = EPOLLIN | edge, .data.u32 = 7 };
	int epfd = epoll_create1(EPOLL_CLOEXEC), i;
	struct htw_params params = default_params();
	struct htw_cb cb[20];
	struct htw *h;

	params.ring_entries = ring_entries;
	h = handle_with(params);
	nr_calls = 0;
	ASSERT_EQ(epoll_ctl(epfd, EPOLL_CTL_ADD, htw_get_fd(h), &interest), 0);
	for (i = 0; i < 20; i++) {
		htw_cb_init(&cb[i], record);
		arm_cb(h, &cb[i], (uint64_t)i * 200 * USEC);
	}
	while (nr_calls < 20) {
		wait_epoll(epfd);
		ASSERT_GE(htw_dispatch(h, 100), 0);
		EXPECT_GE(htw_now(h), calls[nr_calls - 1].event.expires);
	}
	close(epfd);
	htw_close(h);
}

static void epoll_loop_gets_all(void)
{
	run_epoll_loop(0, 0);
	run_epoll_loop(0, EPOLLET);
	run_epoll_loop(4, 0);
	run_epoll_loop(4, EPOLLET);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(callbacks_are_called_in_order),
	KTAP_TEST(no_more_are_called_than_asked_for),
	KTAP_TEST(thousands_of_callbacks_are_found),
	KTAP_TEST(callback_arms_itself_again),
	KTAP_TEST(callback_cancels_itself),
	KTAP_TEST(callback_frees_itself),
	KTAP_TEST(callback_frees_one_that_has_expired_too),
	KTAP_TEST(callback_frees_one_that_is_pending),
	KTAP_TEST(callback_moves_one_that_has_expired_too),
	KTAP_TEST(old_event_stays_old_after_256_armings),
	KTAP_TEST(callback_arms_others_between_events),
	KTAP_TEST(cancel_tells_whether_it_was_called),
	KTAP_TEST(periodic_timer_with_a_count_ends),
	KTAP_TEST(timer_that_ended_by_itself_is_forgotten),
	KTAP_TEST(arming_that_fails_changes_nothing),
	KTAP_TEST(dispatch_in_a_callback_is_refused),
	KTAP_TEST(callback_closes_the_handle),
	KTAP_TEST(events_of_no_callback_go_to_the_default),
	KTAP_TEST(events_taken_elsewhere_are_not_dispatched),
	KTAP_TEST(expiry_while_it_is_armed_again_is_an_old_one),
	KTAP_TEST(epoll_loop_gets_all),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv, &KTAP_SUITE("libloop", tests, need_device));
}
