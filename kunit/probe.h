/* SPDX-License-Identifier: GPL-2.0 */
/* What the suites of timers have in common. */
#ifndef _HTW_KUNIT_PROBE_H
#define _HTW_KUNIT_PROBE_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/htw.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "base.h"
#include "two_cpus.h"

#define WAIT		(60 * HZ)
#define HOUR_NS		(3600ULL * NSEC_PER_SEC)

/* A timer that keeps a record of itself. */
struct probe {
	struct htw_timer	timer;
	struct completion	done;
	atomic_t		fired;
	u64			fired_ns;
	u64			fired_tick;
	unsigned int		fired_cpu;
	int			ret;
	unsigned int		rearm;
	bool			go;
	bool			ended;
	struct probe		*peer;
};

static inline void probe_init(struct probe *probe,
			      void (*function)(struct htw_timer *timer))
{
	memset(probe, 0, sizeof(*probe));
	init_completion(&probe->done);
	htw_timer_setup(&probe->timer, function, 0);
}

static inline struct probe *make_probes(struct kunit *test, unsigned int nr,
					void (*function)(struct htw_timer *timer))
{
	struct probe *probes;
	unsigned int i;

	probes = kunit_kcalloc(test, nr, sizeof(*probes), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, probes);
	for (i = 0; i < nr; i++)
		probe_init(&probes[i], function);
	return probes;
}

static inline struct probe *make_probe(struct kunit *test,
				       void (*function)(struct htw_timer *timer))
{
	return make_probes(test, 1, function);
}

static inline void probe_fired(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	probe->fired_ns = ktime_get();
	probe->fired_tick = timer->node.tick;
	probe->fired_cpu = smp_processor_id();
	atomic_inc(&probe->fired);
	complete(&probe->done);
}

static inline void expect_done(struct kunit *test, struct probe *probe)
{
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&probe->done, WAIT),
			0UL);
}

/* Long enough for a pass that should not come to come. */
static inline void give_it_time(void)
{
	msleep(20);
}

static inline unsigned int cpu_of(const struct htw_timer *timer)
{
	return READ_ONCE(timer->node.owner) & HTW_OWNER_CPU;
}

/* A CPU that is not this one: these tests say nothing without a second CPU. */
static inline unsigned int other_cpu(struct kunit *test)
{
	unsigned int cpu = cpumask_next(0, cpu_online_mask);

	need_two_cpus(test);
	KUNIT_ASSERT_LT(test, cpu, nr_cpu_ids);
	return cpu;
}

struct arm_request {
	struct htw_timer	*timer;
	s64			delay;
	int			ret;
};

static inline void do_arm(void *arg)
{
	struct arm_request *req = arg;

	req->ret = htw_schedule(req->timer, req->delay);
}

/* Arms from an interrupt on @cpu. */
static inline int arm_on(unsigned int cpu, struct htw_timer *timer, s64 delay)
{
	struct arm_request req = { .timer = timer, .delay = delay };

	smp_call_function_single(cpu, do_arm, &req, 1);
	return req.ret;
}

static inline unsigned long interrupts_of(unsigned int cpu)
{
	return READ_ONCE(htw_base_of_cpu(cpu)->nr_interrupts);
}

/* Runs until it is told to end, and some more; then says that it has. */
static inline void slow(struct htw_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	complete(&probe->done);
	while (!READ_ONCE(probe->go))
		cpu_relax();
	mdelay(5);
	WRITE_ONCE(probe->ended, true);
}

#endif /* _HTW_KUNIT_PROBE_H */
