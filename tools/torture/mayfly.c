// SPDX-License-Identifier: GPL-2.0
/*
 * Mayflies: timers that nobody knows but themselves. One is armed when it hatches; its
 * callback arms it again, some times, and then frees its memory, just as it is: not
 * pending, or cancelled, or shut down. After that htw must not touch it.
 *
 * Each call has one answer that can be true.
 */
#include "mayfly.h"

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "grave.h"
#include "request.h"
#include "subject.h"
#include "tally.h"

/* At any one time. */
#define NR_MAYFLIES	256

/**
 * struct mayfly - a timer that frees itself
 * @grave: for its end
 * @timer: the timer
 * @span: when it may fire
 * @rnd: the numbers
 * @lives: how often it will still be armed
 * @running: its callback runs
 */
struct mayfly {
	struct grave		grave;
	struct htw_timer	timer;
	struct span		span;
	struct rnd_state	rnd;
	unsigned int		lives;
	bool			running;
};

static atomic_t nr_mayflies;
static atomic_t nr_hatched;
static bool stopping;

static void expect(const struct mayfly *mayfly, int ret, int expected)
{
	if (ret != expected)
		tally_wrong(WRONG_ANSWER, mayfly, ret, expected, 0);
}

/*
 * Whether it was pending is known, and so what the call finds. If this is not its
 * callback it may be gone as soon as it is armed.
 */
static void arm(struct mayfly *mayfly, enum found expected)
{
	struct request request;

	do {
		request_draw(&request, &mayfly->rnd);
		request_soon(&request, &mayfly->rnd);
		mayfly->span = request_span(&request);
		request_over(&request, &mayfly->span);
		request_make(&request, &mayfly->timer);
	} while (request.ret == -ENXIO && torture.onoff_ms);
	expect(mayfly, request_found(&request, mayfly), expected);
}

static void cancel_itself(struct mayfly *mayfly)
{
	arm(mayfly, FOUND_IDLE);
	expect(mayfly, htw_cancel(&mayfly->timer), 1);
	expect(mayfly, htw_cancel(&mayfly->timer), 0);
	expect(mayfly, htw_try_to_cancel_sync(&mayfly->timer), -EAGAIN);
}

static void shut_itself_down(struct mayfly *mayfly)
{
	arm(mayfly, FOUND_IDLE);
	expect(mayfly, htw_shutdown_sync(&mayfly->timer), -EDEADLK);
	expect(mayfly, htw_schedule(&mayfly->timer, 0), -ESHUTDOWN);
	expect(mayfly, htw_pending(&mayfly->timer), false);
}

static void die(struct mayfly *mayfly)
{
	switch (draw(&mayfly->rnd, 4)) {
	case 0:
		cancel_itself(mayfly);
		break;
	case 1:
		shut_itself_down(mayfly);
		break;
	case 2:
		expect(mayfly, htw_shutdown(&mayfly->timer), 0);
		break;
	}
	if (draw(&mayfly->rnd, 4)) {
		kfree(mayfly);
		tally(TALLY_FREED);
	} else {
		grave_bury(&mayfly->grave, sizeof(*mayfly));
	}
	atomic_dec(&nr_mayflies);
}

static void live_on(struct mayfly *mayfly)
{
	struct actor actor = {
		.place = PLACE_CALLBACK,
		.rnd = &mayfly->rnd,
	};
	u32 what = draw(&mayfly->rnd, 8);

	if (what == 0)
		cancel_itself(mayfly);
	if (what == 1)
		subjects_act(&actor);
	arm(mayfly, FOUND_IDLE);
	if (what == 2)
		arm(mayfly, FOUND_PENDING);
	/* Not before we return is it called again, wherever that is. */
	WRITE_ONCE(mayfly->running, false);
}

static void mayfly_called(struct htw_timer *timer)
{
	struct mayfly *mayfly = container_of(timer, struct mayfly, timer);
	u64 now = ktime_get();
	unsigned long flags;

	if (READ_ONCE(mayfly->running))
		tally_wrong(WRONG_OVERLAP, mayfly, now, 0, 0);
	WRITE_ONCE(mayfly->running, true);
	if (htw_pending(timer))
		tally_wrong(WRONG_ANSWER, mayfly, 1, 0, 0);
	local_irq_save(flags);
	span_check(&mayfly->span, mayfly, now);
	local_irq_restore(flags);
	if (mayfly->lives-- && !READ_ONCE(stopping))
		live_on(mayfly);
	else
		die(mayfly);
}

/**
 * mayfly_hatch() - make one, if there are not too many
 * @actor: who
 *
 * Context: Any but NMI; in hardirq context it does nothing.
 */
void mayfly_hatch(const struct actor *actor)
{
	struct mayfly *mayfly;

	if (actor->place == PLACE_HARDIRQ || READ_ONCE(stopping))
		return;
	if (atomic_inc_return(&nr_mayflies) > NR_MAYFLIES)
		goto out_dec;
	mayfly = kzalloc(sizeof(*mayfly), GFP_ATOMIC | __GFP_NOWARN);
	if (!mayfly)
		goto out_dec;
	draw_init(&mayfly->rnd, (2ULL << 32) + atomic_inc_return(&nr_hatched));
	mayfly->lives = draw(&mayfly->rnd, 8);
	htw_timer_setup(&mayfly->timer, mayfly_called,
			draw(&mayfly->rnd, 4) ? 0 : HTW_PINNED);
	tally(TALLY_HATCHED);
	/* It may be gone when this returns, or before. */
	arm(mayfly, FOUND_IDLE);
	return;

out_dec:
	atomic_dec(&nr_mayflies);
}

/**
 * mayflies_stop() - wait until all have died
 *
 * Context: Task.
 */
void mayflies_stop(void)
{
	u64 until;

	WRITE_ONCE(stopping, true);
	until = ktime_get() + 10 * NSEC_PER_SEC + torture_bound();
	while (atomic_read(&nr_mayflies) && (u64)ktime_get() < until)
		msleep(20);
	if (atomic_read(&nr_mayflies))
		tally_wrong(WRONG_LOST, NULL, atomic_read(&nr_mayflies), 0, 0);
	grave_open_all();
}
