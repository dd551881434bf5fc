// SPDX-License-Identifier: GPL-2.0
/*
 * Errands: delayed work that everybody queues, changes and cancels. Their ledgers are
 * serial, because what some calls answer says all only then.
 */
#include "errand.h"

#include <linux/htw_work.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "ledger.h"
#include "subject.h"
#include "tally.h"

#define NR_ERRANDS	16

/* Workqueues run when they like. */
#define PATIENCE_NS	(10ULL * NSEC_PER_SEC)

/**
 * struct errand - a delayed work
 * @work: it
 * @ledger: its ledger
 * @rnd: the numbers of its function
 */
struct errand {
	struct htw_delayed_work	work;
	struct ledger		ledger;
	struct rnd_state	rnd;
};

static struct errand *errands;
static struct workqueue_struct *queue;

static struct call arming(s64 delay, unsigned int flags)
{
	return (struct call) {
		.flags = CALL_ARMS | flags,
		.span = {
			.earliest = ktime_get() + delay,
			.latest = U64_MAX,
			.cpu = ANY_CPU,
		},
	};
}

static void end(struct errand *errand, struct call *call, s64 delay, u64 slack,
		enum found found)
{
	call->span.latest = ktime_get() + delay + slack + PATIENCE_NS;
	ledger_end(&errand->ledger, call, found);
}

/* Does nothing to one that is pending. */
static void queue_it(struct errand *errand, s64 delay, u64 slack,
		     unsigned int flags)
{
	struct call call = arming(delay, flags);
	bool ret;

	if (!ledger_begin(&errand->ledger, &call))
		return;
	ret = htw_queue_delayed_work_range(WORK_CPU_UNBOUND, queue,
					   &errand->work, delay, slack);
	end(errand, &call, delay, slack, ret ? FOUND_IDLE : FOUND_OUT);
}

static void modify(struct errand *errand, s64 delay, u64 slack)
{
	struct call call = arming(delay, 0);
	bool ret;

	if (!ledger_begin(&errand->ledger, &call))
		return;
	ret = htw_mod_delayed_work_range(WORK_CPU_UNBOUND, queue,
					 &errand->work, delay, slack);
	end(errand, &call, delay, slack, ret ? FOUND_PENDING : FOUND_IDLE);
}

static void cancel(struct errand *errand)
{
	struct call call = { };
	bool ret;

	if (!ledger_begin(&errand->ledger, &call))
		return;
	ret = htw_cancel_delayed_work(&errand->work);
	ledger_end(&errand->ledger, &call, ret ? FOUND_PENDING : FOUND_IDLE);
}

static bool cancel_and_wait(struct errand *errand)
{
	struct call call = { .flags = CALL_SYNC | CALL_WAITS };
	bool ret;

	if (!ledger_begin(&errand->ledger, &call))
		return false;
	ret = htw_cancel_delayed_work_sync(&errand->work);
	ledger_end(&errand->ledger, &call, ret ? FOUND_PENDING : FOUND_IDLE);
	return true;
}

/**
 * errands_act() - do something to one of the errands
 * @actor: who
 *
 * Context: Any but NMI; a task must be able to sleep.
 */
void errands_act(struct actor *actor)
{
	struct errand *errand = &errands[draw(actor->rnd, NR_ERRANDS)];
	s64 delay = draw(actor->rnd, 60 * NSEC_PER_MSEC);
	u64 slack = draw(actor->rnd, 2) * (delay >> 3);

	switch (draw(actor->rnd, 8)) {
	case 0 ... 2:
		queue_it(errand, delay, slack, 0);
		break;
	case 3 ... 4:
		modify(errand, delay, slack);
		break;
	case 5:
		queue_it(errand, 0, 0, 0);
		break;
	case 6:
		cancel(errand);
		break;
	case 7:
		if (actor->place == PLACE_TASK)
			cancel_and_wait(errand);
		break;
	}
}

static void run(struct work_struct *work)
{
	struct errand *errand =
		container_of(to_htw_delayed_work(work), struct errand, work);
	struct actor actor = { .place = PLACE_TASK, .rnd = &errand->rnd };
	s64 delay = draw(&errand->rnd, 60 * NSEC_PER_MSEC);

	ledger_called(&errand->ledger);
	tally(TALLY_ERRANDS);
	subjects_act(&actor);
	if (draw(&errand->rnd, 2))
		queue_it(errand, delay, 0, CALL_SELF);
	ledger_returns(&errand->ledger);
}

/**
 * errands_stop() - the end of all errands
 *
 * Context: Task, when nobody acts any more but they themselves.
 */
void errands_stop(void)
{
	unsigned int i;

	for (i = 0; errands && i < NR_ERRANDS; i++) {
		while (!cancel_and_wait(&errands[i]))
			cond_resched();
		ledger_close(&errands[i].ledger);
	}
	if (queue)
		destroy_workqueue(queue);
	kfree(errands);
}

/**
 * errands_start() - make all errands
 *
 * Return: 0 or -ENOMEM; errands_stop() has to be called all the same.
 */
int errands_start(void)
{
	unsigned int i;

	errands = kcalloc(NR_ERRANDS, sizeof(*errands), GFP_KERNEL);
	if (!errands)
		return -ENOMEM;
	for (i = 0; i < NR_ERRANDS; i++) {
		INIT_HTW_DELAYED_WORK(&errands[i].work, run);
		ledger_init(&errands[i].ledger, true);
		draw_init(&errands[i].rnd, (3ULL << 32) + i);
	}
	queue = alloc_workqueue("htw_torture", 0, 0);
	return queue ? 0 : -ENOMEM;
}
