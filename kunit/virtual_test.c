// SPDX-License-Identifier: GPL-2.0
/*
 * Private wheels, through nothing but their header: all that happens here happens in
 * virtual time, and the same way each time.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/htw_wheel.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/time64.h>

#define HOUR_NS		(3600ULL * NSEC_PER_SEC)
#define DAY_NS		(24 * HOUR_NS)
#define MAX_TRACE	64

static unsigned long long virtual_seed;
module_param(virtual_seed, ullong, 0444);
MODULE_PARM_DESC(virtual_seed,
		 "random numbers for htw_wheel_private (default 0: others each time)");

static const struct shape {
	const char		*name;
	struct htw_wheel_params	params;
} shapes[] = {
	{ "one level of 2", { 0, 1, 1, { 2 } } },
	{ "one level of 256", { 0, 1 << 10, 1, { 256 } } },
	{ "2x2", { 0, 1, 2, { 2, 2 } } },
	{ "4x8x2", { 0, 1 << 23, 3, { 4, 8, 2 } } },
	{ "64x4", { 0, 1 << 17, 2, { 64, 4 } } },
	{ "256x2x16x128", { 0, 1 << 17, 4, { 256, 2, 16, 128 } } },
	{ "8 of 2", { 0, 1 << 5, 8, { 2, 2, 2, 2, 2, 2, 2, 2 } } },
	{ "8 of 256: all 64 bits", { 0, 1, 8, { 256, 256, 256, 256,
						256, 256, 256, 256 } } },
	{ "default", { 0 } },
};

static void shape_name(const struct shape *shape, char *desc)
{
	strscpy(desc, shape->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(shape, shapes, shape_name);

/* Who fired, and when. */
struct trace {
	unsigned int	nr;
	struct {
		unsigned int	id;
		u64		ns;
	} fired[MAX_TRACE];
};

/* A timer that leaves a trace. What else it does is up to its callback. */
struct probe {
	struct htw_wheel_timer	timer;
	struct trace		*trace;
	unsigned int		id;
	unsigned int		left;
	u64			period;
	int			ret;
	u64			seen;
	struct probe		*peer;
	struct htw_wheel	*wheel;
};

static void note(struct htw_wheel *wheel, struct probe *probe)
{
	struct trace *trace = probe->trace;

	if (trace->nr < MAX_TRACE) {
		trace->fired[trace->nr].id = probe->id;
		trace->fired[trace->nr].ns = htw_wheel_now(wheel);
	}
	trace->nr++;
}

static struct probe *to_probe(struct htw_wheel_timer *timer)
{
	return container_of(timer, struct probe, timer);
}

static void just_note(struct htw_wheel *wheel, struct htw_wheel_timer *timer)
{
	note(wheel, to_probe(timer));
}

static struct probe *make_probes(struct kunit *test, unsigned int nr,
				 void (*function)(struct htw_wheel *wheel,
						  struct htw_wheel_timer *timer))
{
	struct probe *probes;
	struct trace *trace;
	unsigned int i;

	probes = kunit_kcalloc(test, nr, sizeof(*probes), GFP_KERNEL);
	trace = kunit_kzalloc(test, sizeof(*trace), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, probes);
	KUNIT_ASSERT_NOT_NULL(test, trace);
	for (i = 0; i < nr; i++) {
		htw_wheel_timer_setup(&probes[i].timer, function);
		probes[i].trace = trace;
		probes[i].id = i;
	}
	return probes;
}

static struct htw_wheel *make_wheel(struct kunit *test,
				    const struct htw_wheel_params *params)
{
	struct htw_wheel *wheel = htw_wheel_create(params);

	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(wheel));
	return wheel;
}

static struct htw_wheel *make_param_wheel(struct kunit *test)
{
	const struct shape *shape = test->param_value;

	return make_wheel(test, &shape->params);
}

static void end_wheel(struct kunit *test, struct htw_wheel *wheel)
{
	KUNIT_EXPECT_EQ(test, htw_wheel_destroy(wheel), 0);
}

/* @trace has these, in this order, all at @ns. It is empty afterwards. */
static void expect_trace_at(struct kunit *test, struct trace *trace, u64 ns,
			    const unsigned int *ids, unsigned int nr)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(test, trace->nr, nr);
	for (i = 0; i < min(nr, trace->nr); i++) {
		KUNIT_EXPECT_EQ(test, trace->fired[i].id, ids[i]);
		KUNIT_EXPECT_EQ(test, trace->fired[i].ns, ns);
	}
	trace->nr = 0;
}

#define EXPECT_TRACE_AT(test, trace, ns, ...)				\
	do {								\
		static const unsigned int __ids[] = { __VA_ARGS__ };	\
									\
		expect_trace_at(test, trace, ns, __ids,			\
				ARRAY_SIZE(__ids));			\
	} while (0)

/*
 * All ways to come to one tick that leave the lists of the wheel in another order than
 * that of arming, at distances for each level and the overflow.
 */
static void order_is_tick_then_arming(struct kunit *test)
{
	struct htw_wheel *wheel = make_param_wheel(test);
	struct probe *probes = make_probes(test, 7, just_note);
	u64 tick = htw_wheel_tick_ns(wheel);
	u64 start, at;
	int k;

	for (k = 2; k < 36; k++) {
		start = htw_wheel_now(wheel);
		at = start + ((1ULL << k) + 1) * tick;

		/* Pushed. */
		htw_wheel_schedule(wheel, &probes[0].timer, start + tick);
		htw_wheel_schedule(wheel, &probes[0].timer, at);
		htw_wheel_schedule(wheel, &probes[1].timer, at);
		/* Moved earlier. */
		htw_wheel_schedule(wheel, &probes[2].timer, at * 3);
		htw_wheel_schedule(wheel, &probes[2].timer, at);
		htw_wheel_schedule(wheel, &probes[3].timer, at - tick);
		htw_wheel_schedule(wheel, &probes[4].timer, at);
		/* Armed again for the same time. */
		htw_wheel_schedule(wheel, &probes[1].timer, at);
		/* Armed when the others may have been cascaded. */
		KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, at - 2 * tick), 0LL);
		htw_wheel_schedule(wheel, &probes[5].timer, at);
		htw_wheel_schedule(wheel, &probes[6].timer, at - tick);
		htw_wheel_schedule(wheel, &probes[0].timer, at);

		KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, at - 1), 2LL);
		EXPECT_TRACE_AT(test, probes->trace, at - tick, 3, 6);
		KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, at), 5LL);
		EXPECT_TRACE_AT(test, probes->trace, at, 2, 4, 1, 5, 0);
	}
	end_wheel(test, wheel);
}

static void never_early(struct kunit *test)
{
	static const u64 ticks[] = { 0, 1, 2, 3, 7, 255, 256, 1000, 1ULL << 33 };
	struct htw_wheel *wheel = make_param_wheel(test);
	struct probe *probe = make_probes(test, 1, just_note);
	u64 tick = htw_wheel_tick_ns(wheel);
	u64 expires, at, add;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ticks) * 3; i++) {
		add = ((i % 3) * tick + 2) / 3;
		expires = (htw_wheel_now(wheel) | (tick - 1)) + 1 +
			  ticks[i / 3] * tick + add;
		at = roundup(expires, tick);
		htw_wheel_schedule(wheel, &probe->timer, expires);
		KUNIT_EXPECT_EQ(test, htw_wheel_timer_expires(&probe->timer),
				expires);
		KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, at - 1), 0LL);
		KUNIT_EXPECT_EQ(test, htw_wheel_now(wheel), at - 1);
		KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, at), 1LL);
		EXPECT_TRACE_AT(test, probe->trace, at, 0);
	}
	end_wheel(test, wheel);
}

/*
 * A model that knows nothing of wheels: who is first is found by looking at all. It
 * is asked in each callback.
 */
#define MODEL_TIMERS	40

struct model;

struct model_timer {
	struct htw_wheel_timer	timer;
	struct model		*model;
	bool			armed;
	u64			tick;
	u64			nr;
};

struct model {
	struct htw_wheel	*wheel;
	struct rnd_state	rnd;
	unsigned int		shift;
	u64			now;		/* in ticks */
	u64			to;
	u64			nr_armed;
	u64			fired;
	unsigned int		ops_left;	/* of callbacks in this advance */
	const char		*wrong;
	struct model_timer	timers[MODEL_TIMERS];
};

static u32 random_below(struct model *model, u32 ceil)
{
	return prandom_u32_state(&model->rnd) % ceil;
}

static u64 random_u64(struct model *model)
{
	u64 high = prandom_u32_state(&model->rnd);

	return high << 32 | prandom_u32_state(&model->rnd);
}

/* As many small as large, and some on a tick. Of 2^@bits ticks at most. */
static u64 random_distance(struct model *model, u32 bits)
{
	u64 ticks = random_u64(model) >> (63 - random_below(model, bits));
	u64 rest = random_u64(model) & ((1ULL << model->shift) - 1);

	return ticks << model->shift | (random_below(model, 2) ? rest : 0);
}

static struct model_timer *random_timer(struct model *model)
{
	return &model->timers[random_below(model, MODEL_TIMERS)];
}

static struct model_timer *first_timer(struct model *model)
{
	struct model_timer *timer, *first = NULL;
	unsigned int i;

	for (i = 0; i < MODEL_TIMERS; i++) {
		timer = &model->timers[i];
		if (!timer->armed)
			continue;
		if (!first || timer->tick < first->tick ||
		    (timer->tick == first->tick && timer->nr < first->nr))
			first = timer;
	}
	return first;
}

static void expect(struct model *model, bool right, const char *what)
{
	if (!right && !model->wrong)
		model->wrong = what;
}

/* The roundest tick of the window, found by trying. */
static u64 model_tick(const struct model *model, u64 expires, u64 slack)
{
	u64 last = (expires + slack) >> model->shift;
	u64 tick = expires >> model->shift;
	u64 mask;

	if (tick << model->shift < expires)
		tick++;
	if (tick <= model->now)
		tick = model->now + 1;
	for (mask = 1ULL << 62; mask; mask >>= 1) {
		if ((last & -mask) >= tick)
			return last & -mask;
	}
	return tick;
}

static void model_arm(struct model *model, struct model_timer *timer)
{
	u64 expires = htw_wheel_now(model->wheel);
	u64 back, slack = 0;
	int ret;

	if (random_below(model, 8)) {
		expires += random_distance(model, 30);
	} else {
		back = random_distance(model, 8);
		expires -= min(back, expires);
	}
	if (!random_below(model, 4))
		slack = random_distance(model, 12);

	ret = htw_wheel_schedule_range(model->wheel, &timer->timer, expires,
				       slack, 0);
	expect(model, ret == timer->armed, "arming says if it was pending");
	timer->armed = true;
	timer->tick = model_tick(model, expires, slack);
	timer->nr = model->nr_armed++;
}

static void model_cancel(struct model *model, struct model_timer *timer)
{
	expect(model, htw_wheel_cancel(&timer->timer) == timer->armed,
	       "cancelling says if it was pending");
	timer->armed = false;
}

static void model_fired(struct htw_wheel *wheel, struct htw_wheel_timer *_timer)
{
	struct model_timer *timer =
		container_of(_timer, struct model_timer, timer);
	struct model *model = timer->model;

	expect(model, timer->armed, "only armed timers fire");
	expect(model, timer == first_timer(model), "the first one fires");
	expect(model, timer->tick >= model->now && timer->tick <= model->to,
	       "fires when it is time");
	expect(model, htw_wheel_now(wheel) == timer->tick << model->shift,
	       "now is the tick that runs");
	expect(model, !htw_wheel_timer_pending(_timer), "no longer pending");
	timer->armed = false;
	model->now = timer->tick;
	model->fired++;

	if (!model->ops_left)
		return;
	model->ops_left--;
	if (random_below(model, 2))
		model_arm(model, timer);
	if (!random_below(model, 4))
		model_arm(model, random_timer(model));
	if (!random_below(model, 4))
		model_cancel(model, random_timer(model));
}

static void model_check_end(struct model *model)
{
	struct model_timer *first = first_timer(model);
	bool some;
	u64 next;

	model->now = model->to;
	expect(model, !first || first->tick > model->to, "all due has fired");
	some = htw_wheel_next_event(model->wheel, &next);
	expect(model, some == !!first, "there is a next event");
	expect(model, !first || next == first->tick << model->shift,
	       "the next event is exact");
}

static void model_advance(struct model *model)
{
	u64 to = htw_wheel_now(model->wheel) + random_distance(model, 28);
	u64 before = model->fired;
	s64 ret;

	model->ops_left = 100;
	model->to = to >> model->shift;
	ret = htw_wheel_advance(model->wheel, to);
	expect(model, ret == model->fired - before, "advance counts callbacks");
	expect(model, htw_wheel_now(model->wheel) == to, "time is what was said");
	model_check_end(model);
}

/* Some steps, and it may be left at that. */
static void model_advance_some(struct model *model)
{
	u64 to = htw_wheel_now(model->wheel) + random_distance(model, 28);
	unsigned int steps = random_below(model, 12);
	u64 before = model->fired;
	int ret;

	model->ops_left = 100;
	model->to = to >> model->shift;
	ret = htw_wheel_advance_some(model->wheel, to, steps);
	expect(model, model->fired - before <= steps, "no more than the steps");
	if (!ret) {
		expect(model, htw_wheel_now(model->wheel) == to, "time has come");
		model_check_end(model);
		return;
	}
	expect(model, ret == -EAGAIN, "done or not done");
	expect(model, htw_wheel_now(model->wheel) <= to, "not beyond");
	model->now = htw_wheel_now(model->wheel) >> model->shift;
}

static void model_step(struct model *model)
{
	switch (random_below(model, 8)) {
	case 0:
		model_advance(model);
		break;
	case 1:
		model_advance_some(model);
		break;
	case 2:
		model_cancel(model, random_timer(model));
		break;
	default:
		model_arm(model, random_timer(model));
	}
}

static u64 model_pending(const struct model *model)
{
	u64 nr = 0;
	unsigned int i;

	for (i = 0; i < MODEL_TIMERS; i++)
		nr += model->timers[i].armed;
	return nr;
}

static struct model *make_model(struct kunit *test)
{
	u64 seed = virtual_seed ?: get_random_u64();
	struct model *model;
	unsigned int i;

	model = kunit_kzalloc(test, sizeof(*model), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, model);
	kunit_info(test, "again with htw_kunit.virtual_seed=%llu\n", seed);
	prandom_seed_state(&model->rnd, seed);
	model->wheel = make_param_wheel(test);
	model->shift = ilog2(htw_wheel_tick_ns(model->wheel));
	for (i = 0; i < MODEL_TIMERS; i++) {
		model->timers[i].model = model;
		htw_wheel_timer_setup(&model->timers[i].timer, model_fired);
	}
	return model;
}

static void any_sequence_is_in_order(struct kunit *test)
{
	struct model *model = make_model(test);
	unsigned int i;

	for (i = 0; i < 4000 && !model->wrong; i++) {
		model_step(model);
		expect(model,
		       htw_wheel_pending(model->wheel) == model_pending(model),
		       "pending are counted");
	}
	KUNIT_EXPECT_STREQ(test, model->wrong ?: "", "");
	KUNIT_EXPECT_GT(test, model->fired, 1000ULL);
	end_wheel(test, model->wheel);
}

static void wheels_are_independent(struct kunit *test)
{
	struct htw_wheel *wheels[ARRAY_SIZE(shapes)];
	struct probe *probes = make_probes(test, ARRAY_SIZE(shapes), just_note);
	struct htw_wheel_params params;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		params = shapes[i].params;
		params.start_ns = i * HOUR_NS;
		wheels[i] = make_wheel(test, &params);
		htw_wheel_schedule(wheels[i], &probes[i].timer, (i + 1) * HOUR_NS);
	}
	/* The last one first, and time in the others stands still. */
	for (i = ARRAY_SIZE(shapes); i-- > 0;) {
		KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheels[i], U64_MAX / 2),
				1LL);
		KUNIT_EXPECT_EQ(test, probes->trace->nr, 1U);
		KUNIT_EXPECT_EQ(test, probes->trace->fired[0].id, i);
		probes->trace->nr = 0;
		for (j = 0; j < i; j++) {
			KUNIT_EXPECT_EQ(test, htw_wheel_now(wheels[j]),
					j * HOUR_NS);
			KUNIT_EXPECT_EQ(test, htw_wheel_pending(wheels[j]), 1ULL);
		}
		end_wheel(test, wheels[i]);
	}
}

static void pending_elsewhere_is_ebusy(struct kunit *test)
{
	struct htw_wheel *here = make_wheel(test, NULL);
	struct htw_wheel *there = make_wheel(test, NULL);
	struct probe *probe = make_probes(test, 1, just_note);

	htw_wheel_schedule(here, &probe->timer, 1);
	KUNIT_EXPECT_EQ(test, htw_wheel_schedule(there, &probe->timer, 2), -EBUSY);
	KUNIT_EXPECT_EQ(test, htw_wheel_pending(here), 1ULL);
	KUNIT_EXPECT_EQ(test, htw_wheel_pending(there), 0ULL);
	KUNIT_EXPECT_EQ(test, htw_wheel_timer_expires(&probe->timer), 1ULL);

	KUNIT_EXPECT_EQ(test, htw_wheel_cancel(&probe->timer), 1);
	KUNIT_EXPECT_EQ(test, htw_wheel_schedule(there, &probe->timer, 2), 0);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(there, HOUR_NS), 1LL);
	end_wheel(test, here);
	end_wheel(test, there);
}

static void rearm_periodically(struct htw_wheel *wheel,
			       struct htw_wheel_timer *timer)
{
	struct probe *probe = to_probe(timer);

	note(wheel, probe);
	if (htw_wheel_now(wheel) != htw_wheel_timer_expires(timer))
		probe->ret++;
	if (--probe->left)
		htw_wheel_schedule(wheel, timer, htw_wheel_timer_expires(timer) +
						 probe->period);
}

static void periods_in_one_advance_are_exact(struct kunit *test)
{
	struct htw_wheel *wheel = make_param_wheel(test);
	struct probe *probe = make_probes(test, 1, rearm_periodically);

	probe->left = 1001;
	probe->period = 3 * htw_wheel_tick_ns(wheel);
	htw_wheel_schedule(wheel, &probe->timer, probe->period);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 1000 * probe->period),
			1000LL);
	/* None of them at another time than its own. */
	KUNIT_EXPECT_EQ(test, probe->ret, 0);
	KUNIT_EXPECT_EQ(test, htw_wheel_timer_expires(&probe->timer),
			1001 * probe->period);
	end_wheel(test, wheel);
}

static void rearm_at_zero(struct htw_wheel *wheel, struct htw_wheel_timer *timer)
{
	note(wheel, to_probe(timer));
	htw_wheel_schedule(wheel, timer, 0);
}

static void rearm_at_zero_is_the_next_tick(struct kunit *test)
{
	struct htw_wheel *wheel = make_param_wheel(test);
	struct probe *probe = make_probes(test, 1, rearm_at_zero);
	u64 tick = htw_wheel_tick_ns(wheel);
	unsigned int i;

	htw_wheel_schedule(wheel, &probe->timer, 0);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 0), 0LL);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 10 * tick), 10LL);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, probe->trace->fired[i].ns, (i + 1) * tick);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 10 * tick), 0LL);
	end_wheel(test, wheel);
}

static void cancel_peer(struct htw_wheel *wheel, struct htw_wheel_timer *timer)
{
	struct probe *probe = to_probe(timer);

	note(wheel, probe);
	if (probe->peer)
		probe->ret = htw_wheel_cancel(&probe->peer->timer);
}

static void callback_cancels_others_of_its_tick(struct kunit *test)
{
	struct htw_wheel *wheel = make_param_wheel(test);
	struct probe *probes = make_probes(test, 4, cancel_peer);
	u64 at = 5 * htw_wheel_tick_ns(wheel);
	unsigned int i;

	for (i = 0; i < 4; i++)
		htw_wheel_schedule(wheel, &probes[i].timer, at);
	probes[1].peer = &probes[2];
	/* Has run by then. */
	probes[3].peer = &probes[0];
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, at), 3LL);
	EXPECT_TRACE_AT(test, probes->trace, at, 0, 1, 3);
	KUNIT_EXPECT_EQ(test, probes[1].ret, 1);
	KUNIT_EXPECT_EQ(test, probes[3].ret, 0);
	KUNIT_EXPECT_FALSE(test, htw_wheel_timer_pending(&probes[2].timer));
	KUNIT_EXPECT_EQ(test, htw_wheel_pending(wheel), 0ULL);
	end_wheel(test, wheel);
}

static void arm_peer(struct htw_wheel *wheel, struct htw_wheel_timer *timer)
{
	struct probe *probe = to_probe(timer);

	note(wheel, probe);
	if (probe->peer)
		probe->ret = htw_wheel_schedule(wheel, &probe->peer->timer,
						htw_wheel_now(wheel) + probe->period);
}

static void callback_arms_others(struct kunit *test)
{
	struct htw_wheel *wheel = make_param_wheel(test);
	struct probe *probes = make_probes(test, 4, arm_peer);
	u64 tick = htw_wheel_tick_ns(wheel);

	/* One that waits for its turn at the same tick; one that is not pending. */
	htw_wheel_schedule(wheel, &probes[0].timer, tick);
	htw_wheel_schedule(wheel, &probes[1].timer, tick);
	htw_wheel_schedule(wheel, &probes[2].timer, tick);
	probes[0].peer = &probes[1];
	probes[0].period = 300 * tick;
	probes[2].peer = &probes[3];
	probes[2].period = 300 * tick;

	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 300 * tick), 2LL);
	EXPECT_TRACE_AT(test, probes->trace, tick, 0, 2);
	KUNIT_EXPECT_EQ(test, probes[0].ret, 1);
	KUNIT_EXPECT_EQ(test, probes[2].ret, 0);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 301 * tick), 2LL);
	EXPECT_TRACE_AT(test, probes->trace, 301 * tick, 1, 3);
	end_wheel(test, wheel);
}

struct mortal {
	struct htw_wheel_timer	timer;
	unsigned int		*nr_freed;
};

static void free_itself(struct htw_wheel *wheel, struct htw_wheel_timer *timer)
{
	struct mortal *mortal = container_of(timer, struct mortal, timer);

	(*mortal->nr_freed)++;
	memset(mortal, 0x6b, sizeof(*mortal));
	kfree(mortal);
}

static void callback_may_free_its_timer(struct kunit *test)
{
	struct htw_wheel *wheel = make_param_wheel(test);
	u64 tick = htw_wheel_tick_ns(wheel);
	unsigned int i, nr_freed = 0;
	struct mortal *mortal;

	/* Three at a tick, so that one goes while others wait. */
	for (i = 0; i < 300; i++) {
		mortal = kzalloc(sizeof(*mortal), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, mortal);
		htw_wheel_timer_setup(&mortal->timer, free_itself);
		mortal->nr_freed = &nr_freed;
		htw_wheel_schedule(wheel, &mortal->timer, (1 + i / 3) * tick);
	}
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 1000 * tick), 300LL);
	KUNIT_EXPECT_EQ(test, nr_freed, 300U);
	end_wheel(test, wheel);
}

static void intrude(struct htw_wheel *wheel, struct htw_wheel_timer *timer)
{
	struct probe *probe = to_probe(timer);

	note(wheel, probe);
	probe->ret = htw_wheel_advance(wheel, U64_MAX) == -EBUSY &&
		     htw_wheel_advance_some(wheel, U64_MAX, 1) == -EBUSY &&
		     htw_wheel_destroy(wheel) == -EBUSY &&
		     htw_wheel_advance(probe->wheel, HOUR_NS) == 1;
	probe->seen = htw_wheel_now(wheel);
}

static void nested_advance_is_ebusy(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test, NULL);
	struct htw_wheel *other = make_wheel(test, NULL);
	struct probe *probe = make_probes(test, 1, intrude);
	struct probe *later = make_probes(test, 1, just_note);
	struct probe *elsewhere = make_probes(test, 1, just_note);
	u64 tick = htw_wheel_tick_ns(wheel);

	htw_wheel_schedule(wheel, &probe->timer, tick);
	htw_wheel_schedule(wheel, &later->timer, 2 * tick);
	/* Another wheel is another matter. */
	htw_wheel_schedule(other, &elsewhere->timer, 1);
	probe->wheel = other;

	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, tick), 1LL);
	KUNIT_EXPECT_TRUE(test, probe->ret);
	KUNIT_EXPECT_EQ(test, probe->seen, tick);
	KUNIT_EXPECT_EQ(test, later->trace->nr, 0U);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 2 * tick), 1LL);
	end_wheel(test, other);
	end_wheel(test, wheel);
}

static void arming_tells_what_it_replaced(struct kunit *test)
{
	struct htw_wheel *wheel = make_param_wheel(test);
	struct probe *probe = make_probes(test, 1, just_note);
	u64 tick = htw_wheel_tick_ns(wheel);

	KUNIT_EXPECT_FALSE(test, htw_wheel_timer_pending(&probe->timer));
	KUNIT_EXPECT_EQ(test, htw_wheel_timer_expires(&probe->timer), 0ULL);
	KUNIT_EXPECT_EQ(test, htw_wheel_cancel(&probe->timer), 0);
	KUNIT_EXPECT_EQ(test, htw_wheel_schedule(wheel, &probe->timer, 9 * tick), 0);
	KUNIT_EXPECT_EQ(test, htw_wheel_schedule(wheel, &probe->timer, 5 * tick), 1);
	KUNIT_EXPECT_EQ(test, htw_wheel_schedule(wheel, &probe->timer, 7 * tick), 1);
	KUNIT_EXPECT_TRUE(test, htw_wheel_timer_pending(&probe->timer));
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 9 * tick), 1LL);
	EXPECT_TRACE_AT(test, probe->trace, 7 * tick, 0);

	KUNIT_EXPECT_EQ(test, htw_wheel_schedule(wheel, &probe->timer, 0), 0);
	KUNIT_EXPECT_EQ(test, htw_wheel_cancel(&probe->timer), 1);
	KUNIT_EXPECT_EQ(test, htw_wheel_cancel(&probe->timer), 0);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 99 * tick), 0LL);
	end_wheel(test, wheel);
}

static void arming_refuses_nonsense(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test, NULL);
	struct probe *probe = make_probes(test, 1, just_note);
	struct htw_wheel_timer zeroes = { };

	KUNIT_EXPECT_EQ(test, htw_wheel_schedule(wheel, &zeroes, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, htw_wheel_cancel(&zeroes), 0);
	KUNIT_EXPECT_EQ(test,
			htw_wheel_schedule_range(wheel, &probe->timer, 1, 0, 1),
			-EINVAL);
	KUNIT_EXPECT_FALSE(test, htw_wheel_timer_pending(&probe->timer));
	KUNIT_EXPECT_EQ(test, htw_wheel_pending(wheel), 0ULL);
	end_wheel(test, wheel);
}

static struct trace static_trace;

static void note_static(struct htw_wheel *wheel, struct htw_wheel_timer *timer)
{
	static_trace.nr++;
}

static DEFINE_HTW_WHEEL_TIMER(static_timer, note_static);

static void static_and_stack_timers(struct kunit *test)
{
	struct htw_wheel *wheel = make_wheel(test, NULL);
	DEFINE_HTW_WHEEL_TIMER(stack_timer, note_static);

	static_trace.nr = 0;
	KUNIT_EXPECT_EQ(test, htw_wheel_schedule(wheel, &static_timer, 5), 0);
	KUNIT_EXPECT_EQ(test, htw_wheel_schedule(wheel, &stack_timer, 5), 0);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, HOUR_NS), 2LL);
	KUNIT_EXPECT_EQ(test, static_trace.nr, 2U);
	end_wheel(test, wheel);
}

static void slack_takes_the_roundest_tick(struct kunit *test)
{
	struct htw_wheel *wheel = make_param_wheel(test);
	struct probe *probes = make_probes(test, 3, just_note);
	u64 tick = htw_wheel_tick_ns(wheel);

	/* From 5 to 9 it is 8; within a tick it is the next one. */
	htw_wheel_schedule_range(wheel, &probes[0].timer, 5 * tick, 4 * tick, 0);
	htw_wheel_schedule_range(wheel, &probes[1].timer, 7 * tick + 1, 0, 0);
	htw_wheel_schedule_range(wheel, &probes[2].timer, 1000 * tick, U64_MAX, 0);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 8 * tick - 1), 0LL);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 8 * tick), 2LL);
	EXPECT_TRACE_AT(test, probes->trace, 8 * tick, 0, 1);
	/* The sum does not wrap. */
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 1ULL << 62), 0LL);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 1ULL << 63), 1LL);
	end_wheel(test, wheel);
}

static void time_does_not_go_back(struct kunit *test)
{
	struct htw_wheel *wheel = make_param_wheel(test);
	struct probe *probe = make_probes(test, 1, just_note);
	u64 tick = htw_wheel_tick_ns(wheel);
	u64 now = 10 * tick + tick / 2;

	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, now), 0LL);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 3 * tick), 0LL);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance_some(wheel, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, htw_wheel_now(wheel), now);

	htw_wheel_schedule(wheel, &probe->timer, 4 * tick);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 10 * tick), 0LL);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 11 * tick), 1LL);
	EXPECT_TRACE_AT(test, probe->trace, 11 * tick, 0);
	end_wheel(test, wheel);
}

static void starts_when_it_is_told_to(struct kunit *test)
{
	const struct shape *shape = test->param_value;
	struct htw_wheel_params params = shape->params;
	struct probe *probe = make_probes(test, 1, just_note);
	struct htw_wheel *wheel;
	u64 tick, next;

	params.start_ns = 1234567890123456789ULL;
	wheel = make_wheel(test, &params);
	tick = htw_wheel_tick_ns(wheel);
	KUNIT_EXPECT_EQ(test, htw_wheel_now(wheel), params.start_ns);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 0), 0LL);
	KUNIT_EXPECT_EQ(test, htw_wheel_now(wheel), params.start_ns);

	htw_wheel_schedule(wheel, &probe->timer, params.start_ns + 1);
	KUNIT_EXPECT_TRUE(test, htw_wheel_next_event(wheel, &next));
	KUNIT_EXPECT_EQ(test, next, roundup(params.start_ns + 1, tick));
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, next - 1), 0LL);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, next), 1LL);
	end_wheel(test, wheel);
}

static void ask_for_the_next(struct htw_wheel *wheel,
			     struct htw_wheel_timer *timer)
{
	struct probe *probe = to_probe(timer);

	note(wheel, probe);
	probe->ret = htw_wheel_next_event(wheel, &probe->seen);
}

static void end_of_time(struct kunit *test)
{
	struct htw_wheel *wheel = make_param_wheel(test);
	struct probe *probes = make_probes(test, 5, just_note);
	u64 tick = htw_wheel_tick_ns(wheel);
	/* The last tick that is on a boundary. */
	u64 last = U64_MAX - (tick - 1);
	u64 next;

	htw_wheel_timer_setup(&probes[0].timer, ask_for_the_next);
	htw_wheel_schedule(wheel, &probes[0].timer, U64_MAX);
	htw_wheel_schedule(wheel, &probes[1].timer, S64_MAX);
	htw_wheel_schedule_range(wheel, &probes[2].timer, U64_MAX - 1, U64_MAX, 0);
	htw_wheel_schedule(wheel, &probes[3].timer, last - tick);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, S64_MAX), tick == 1);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 1ULL << 63), tick > 1);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, last - 1), tick == 1 ? 2 : 1);
	probes->trace->nr = 0;

	/* All that is left is due at the end, this one too. */
	htw_wheel_timer_setup(&probes[4].timer, rearm_at_zero);
	htw_wheel_schedule(wheel, &probes[4].timer, U64_MAX);
	KUNIT_EXPECT_TRUE(test, htw_wheel_next_event(wheel, &next));
	KUNIT_EXPECT_EQ(test, next, U64_MAX);
	htw_wheel_advance(wheel, U64_MAX);
	KUNIT_EXPECT_EQ(test, htw_wheel_now(wheel), U64_MAX);
	if (tick == 1)
		EXPECT_TRACE_AT(test, probes->trace, U64_MAX, 0, 4);
	else
		EXPECT_TRACE_AT(test, probes->trace, U64_MAX, 0, 2, 4);
	/* The first of them was told of the others. */
	KUNIT_EXPECT_TRUE(test, probes[0].ret);
	KUNIT_EXPECT_EQ(test, probes[0].seen, U64_MAX);

	/* After it nothing is. */
	KUNIT_EXPECT_TRUE(test, htw_wheel_timer_pending(&probes[4].timer));
	KUNIT_EXPECT_EQ(test, htw_wheel_schedule(wheel, &probes[0].timer, 7), 0);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, U64_MAX), 0LL);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance_some(wheel, U64_MAX, 1), 0);
	KUNIT_EXPECT_FALSE(test, htw_wheel_next_event(wheel, &next));
	KUNIT_EXPECT_EQ(test, htw_wheel_cancel(&probes[0].timer), 1);
	KUNIT_EXPECT_EQ(test, htw_wheel_pending(wheel), 1ULL);
	end_wheel(test, wheel);
	KUNIT_EXPECT_FALSE(test, htw_wheel_timer_pending(&probes[4].timer));
}

static void bad_params_are_refused(struct kunit *test)
{
	static const struct htw_wheel_params bad[] = {
		{ .tick_ns = 3 },
		{ .tick_ns = 1000 },
		{ .tick_ns = 1ULL << 41 },
		{ .tick_ns = 1ULL << 63 },
		{ .tick_ns = U64_MAX },
		{ .nr_levels = 1 },
		{ .nr_levels = 9, .slots = { 2, 2, 2, 2, 2, 2, 2, 2 } },
		{ .nr_levels = UINT_MAX, .slots = { 2, 2, 2, 2, 2, 2, 2, 2 } },
		{ .nr_levels = 1, .slots = { 1 } },
		{ .nr_levels = 1, .slots = { 3 } },
		{ .nr_levels = 1, .slots = { 512 } },
		{ .nr_levels = 2, .slots = { 256 } },
		{ .nr_levels = 2, .slots = { 2, 2, 2 } },
		{ .nr_levels = 2, .slots = { 2, 2, 0, 0, 0, 0, 0, 2 } },
		{ .slots = { 256 } },
	};
	static const struct htw_wheel_params good[] = {
		{ .tick_ns = 1ULL << 40, .start_ns = U64_MAX },
		{ .nr_levels = 1, .slots = { 2 } },
		{ .nr_levels = 8, .slots = { 2, 4, 8, 16, 32, 64, 128, 256 } },
	};
	struct htw_wheel *wheel;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		wheel = htw_wheel_create(&bad[i]);
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(wheel), -EINVAL,
				    "the %u. of the bad", i);
	}
	for (i = 0; i < ARRAY_SIZE(good); i++)
		end_wheel(test, make_wheel(test, &good[i]));
	KUNIT_EXPECT_EQ(test, htw_wheel_destroy(NULL), 0);
}

static void counts_and_capacity(struct kunit *test)
{
	const struct shape *shape = test->param_value;
	struct htw_wheel *wheel = make_param_wheel(test);
	struct probe *probes = make_probes(test, 3, just_note);
	u64 tick = shape->params.tick_ns ?: 1 << 17;
	u64 capacity = htw_wheel_capacity_ns(wheel);
	unsigned int i, bits = ilog2(tick);

	KUNIT_EXPECT_EQ(test, htw_wheel_tick_ns(wheel), tick);
	for (i = 0; i < shape->params.nr_levels; i++)
		bits += ilog2(shape->params.slots[i]);
	/* Whatever the default is, it holds all times. */
	if (!shape->params.nr_levels)
		bits = 64;
	KUNIT_EXPECT_EQ(test, capacity, bits < 64 ? 1ULL << bits : U64_MAX);

	htw_wheel_schedule(wheel, &probes[0].timer, tick);
	KUNIT_EXPECT_EQ(test, htw_wheel_overflow(wheel), 0ULL);
	KUNIT_EXPECT_EQ(test, htw_wheel_pending(wheel), 1ULL);
	if (bits < 60) {
		/* However near the end of the levels' windows are, it is beyond. */
		htw_wheel_schedule(wheel, &probes[1].timer, 2 * capacity);
		htw_wheel_schedule(wheel, &probes[2].timer, 9 * capacity);
		KUNIT_EXPECT_EQ(test, htw_wheel_overflow(wheel), 2ULL);
		KUNIT_EXPECT_EQ(test, htw_wheel_pending(wheel), 3ULL);
		htw_wheel_cancel(&probes[2].timer);
		KUNIT_EXPECT_EQ(test, htw_wheel_overflow(wheel), 1ULL);
		KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 2 * capacity), 2LL);
		KUNIT_EXPECT_EQ(test, htw_wheel_overflow(wheel), 0ULL);
		KUNIT_EXPECT_EQ(test, htw_wheel_pending(wheel), 0ULL);
	}
	end_wheel(test, wheel);
}

static void next_event_is_where_something_runs(struct kunit *test)
{
	struct htw_wheel *wheel = make_param_wheel(test);
	struct probe *probes = make_probes(test, 40, just_note);
	u64 tick = htw_wheel_tick_ns(wheel);
	unsigned int i;
	u64 next;

	KUNIT_EXPECT_FALSE(test, htw_wheel_next_event(wheel, &next));
	for (i = 0; i < 40; i++)
		htw_wheel_schedule(wheel, &probes[i].timer, tick << (i / 2));
	/* One of each two goes; of some both, pushed behind the others. */
	for (i = 0; i < 40; i += 2)
		htw_wheel_cancel(&probes[i].timer);
	for (i = 1; i < 20; i += 4)
		htw_wheel_schedule(wheel, &probes[i].timer, tick << 21);

	for (i = 3; i < 40; i += i < 19 ? 4 : 2) {
		KUNIT_ASSERT_TRUE(test, htw_wheel_next_event(wheel, &next));
		KUNIT_EXPECT_EQ(test, next, tick << (i / 2));
		KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, next), 1LL);
	}
	KUNIT_ASSERT_TRUE(test, htw_wheel_next_event(wheel, &next));
	KUNIT_EXPECT_EQ(test, next, tick << 21);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, next), 5LL);
	KUNIT_EXPECT_FALSE(test, htw_wheel_next_event(wheel, &next));
	end_wheel(test, wheel);
}

static void next_event_in_a_callback(struct kunit *test)
{
	struct htw_wheel *wheel = make_param_wheel(test);
	struct probe *probes = make_probes(test, 3, ask_for_the_next);
	u64 tick = htw_wheel_tick_ns(wheel);

	htw_wheel_schedule(wheel, &probes[0].timer, 3 * tick);
	htw_wheel_schedule(wheel, &probes[1].timer, 3 * tick);
	htw_wheel_schedule(wheel, &probes[2].timer, 900 * tick);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 1000 * tick), 3LL);
	KUNIT_EXPECT_EQ(test, probes[0].seen, 3 * tick);
	KUNIT_EXPECT_EQ(test, probes[1].seen, 900 * tick);
	KUNIT_EXPECT_TRUE(test, probes[1].ret);
	KUNIT_EXPECT_FALSE(test, probes[2].ret);
	end_wheel(test, wheel);
}

static void a_year_in_one_call(struct kunit *test)
{
	struct htw_wheel *wheel = make_param_wheel(test);
	struct probe *daily = make_probes(test, 1, rearm_periodically);
	struct probe *yearly = make_probes(test, 1, just_note);
	u64 year = 365 * DAY_NS;
	u64 tick = htw_wheel_tick_ns(wheel);

	daily->left = UINT_MAX;
	daily->period = round_down(DAY_NS, tick);
	htw_wheel_schedule(wheel, &yearly->timer, year);
	htw_wheel_schedule(wheel, &daily->timer, daily->period);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, year + tick - 1),
			(s64)div64_u64(year + tick - 1, daily->period) + 1);
	KUNIT_EXPECT_EQ(test, daily->ret, 0);
	EXPECT_TRACE_AT(test, yearly->trace, roundup(year, tick), 0);
	end_wheel(test, wheel);
}

struct marcher {
	struct htw_wheel_timer	timer;
	struct parade		*parade;
};

/* Very many of them, of which each has to come after the one before it. */
struct parade {
	u64		nr;
	u64		last_ns;
	struct marcher	*last;
	unsigned int	wrong;
};

static void march(struct htw_wheel *wheel, struct htw_wheel_timer *timer)
{
	struct marcher *marcher = container_of(timer, struct marcher, timer);
	struct parade *parade = marcher->parade;
	u64 now = htw_wheel_now(wheel);

	/* They are an array, and were armed in its order. */
	if (now != htw_wheel_timer_expires(timer) || now < parade->last_ns ||
	    (now == parade->last_ns && marcher <= parade->last))
		parade->wrong++;
	parade->last_ns = now;
	parade->last = marcher;
	parade->nr++;
}

/* Nearly all of them in the overflow, and five at each tick. */
static void many_in_a_small_wheel_keep_their_order(struct kunit *test)
{
	static const struct htw_wheel_params params = { 0, 16, 2, { 4, 4 } };
	const unsigned int nr = 100000;
	struct htw_wheel *wheel = make_wheel(test, &params);
	struct parade parade = { };
	struct marcher *marchers;
	unsigned int i;

	marchers = kvcalloc(nr, sizeof(*marchers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, marchers);
	for (i = 0; i < nr; i++) {
		marchers[i].parade = &parade;
		htw_wheel_timer_setup(&marchers[i].timer, march);
		/* 7919 is prime: all over the place. */
		htw_wheel_schedule(wheel, &marchers[i].timer,
				   16 * (1 + (u64)i * 7919 % (nr / 5)));
	}
	KUNIT_EXPECT_GT(test, htw_wheel_overflow(wheel), nr - 200ULL);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, 16ULL * nr), (s64)nr);
	KUNIT_EXPECT_EQ(test, parade.nr, (u64)nr);
	KUNIT_EXPECT_EQ(test, parade.wrong, 0U);
	end_wheel(test, wheel);
	kvfree(marchers);
}

static void some_steps_do_the_same(struct kunit *test)
{
	const unsigned int nr = 1000;
	struct htw_wheel *wheel = make_param_wheel(test);
	u64 tick = htw_wheel_tick_ns(wheel);
	struct parade parade = { };
	struct marcher *marchers;
	u64 before, to = 20000 * tick;
	unsigned int i;
	int ret;

	marchers = kunit_kcalloc(test, nr, sizeof(*marchers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, marchers);
	for (i = 0; i < nr; i++) {
		marchers[i].parade = &parade;
		htw_wheel_timer_setup(&marchers[i].timer, march);
		htw_wheel_schedule(wheel, &marchers[i].timer,
				   tick * (10000 + i * 7 % 10));
	}
	do {
		before = parade.nr;
		ret = htw_wheel_advance_some(wheel, to, 5);
		KUNIT_ASSERT_LE(test, parade.nr - before, 5ULL);
		KUNIT_ASSERT_EQ(test, htw_wheel_pending(wheel), nr - parade.nr);
	} while (ret == -EAGAIN);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, htw_wheel_now(wheel), to);
	KUNIT_EXPECT_EQ(test, parade.nr, (u64)nr);
	KUNIT_EXPECT_EQ(test, parade.wrong, 0U);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance_some(wheel, to + 1, 0), -EAGAIN);
	end_wheel(test, wheel);
}

static void destroy_cancels_what_is_pending(struct kunit *test)
{
	struct htw_wheel *wheel = make_param_wheel(test);
	struct probe *probes = make_probes(test, 60, just_note);
	u64 tick = htw_wheel_tick_ns(wheel);
	unsigned int i;

	/* Some are due now, and have not had their turn. */
	for (i = 0; i < 60; i++)
		htw_wheel_schedule(wheel, &probes[i].timer, tick << (i / 3));
	KUNIT_EXPECT_EQ(test, htw_wheel_advance_some(wheel, tick, 2), -EAGAIN);
	KUNIT_EXPECT_EQ(test, probes->trace->nr, 1U);
	KUNIT_EXPECT_TRUE(test, htw_wheel_timer_pending(&probes[1].timer));
	end_wheel(test, wheel);
	KUNIT_EXPECT_EQ(test, probes->trace->nr, 1U);
	for (i = 0; i < 60; i++)
		KUNIT_EXPECT_FALSE(test,
				   htw_wheel_timer_pending(&probes[i].timer));

	/* They are as good as new. */
	wheel = make_wheel(test, NULL);
	KUNIT_EXPECT_EQ(test, htw_wheel_schedule(wheel, &probes[0].timer, 1), 0);
	KUNIT_EXPECT_EQ(test, htw_wheel_advance(wheel, HOUR_NS), 1LL);
	end_wheel(test, wheel);
}

#define SHAPE_CASE(fn)	KUNIT_CASE_PARAM(fn, shape_gen_params)

static struct kunit_case virtual_cases[] = {
	SHAPE_CASE(order_is_tick_then_arming),
	SHAPE_CASE(never_early),
	SHAPE_CASE(any_sequence_is_in_order),
	KUNIT_CASE(wheels_are_independent),
	KUNIT_CASE(pending_elsewhere_is_ebusy),
	SHAPE_CASE(periods_in_one_advance_are_exact),
	SHAPE_CASE(rearm_at_zero_is_the_next_tick),
	SHAPE_CASE(callback_cancels_others_of_its_tick),
	SHAPE_CASE(callback_arms_others),
	SHAPE_CASE(callback_may_free_its_timer),
	KUNIT_CASE(nested_advance_is_ebusy),
	SHAPE_CASE(arming_tells_what_it_replaced),
	KUNIT_CASE(arming_refuses_nonsense),
	KUNIT_CASE(static_and_stack_timers),
	SHAPE_CASE(slack_takes_the_roundest_tick),
	SHAPE_CASE(time_does_not_go_back),
	SHAPE_CASE(starts_when_it_is_told_to),
	SHAPE_CASE(end_of_time),
	KUNIT_CASE(bad_params_are_refused),
	SHAPE_CASE(counts_and_capacity),
	SHAPE_CASE(next_event_is_where_something_runs),
	SHAPE_CASE(next_event_in_a_callback),
	SHAPE_CASE(a_year_in_one_call),
	KUNIT_CASE(many_in_a_small_wheel_keep_their_order),
	SHAPE_CASE(some_steps_do_the_same),
	SHAPE_CASE(destroy_cancels_what_is_pending),
	{}
};

static struct kunit_suite virtual_suite = {
	.name = "htw_wheel_private",
	.test_cases = virtual_cases,
};

kunit_test_suite(virtual_suite);
