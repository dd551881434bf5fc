// SPDX-License-Identifier: GPL-2.0
/*
 * The subjects: timers that everybody knows, and does everything to. They are in a table.
 * Time and again one is shut down while the others go on, and when nobody can know it
 * any more its memory goes, and a new one takes its place.
 *
 * Half of them have serial ledgers. A few are hot: half of what is done is done to
 * them.
 *
 * Who may wait for whom
 * ---------------------
 *
 * A callback that waits for another one to end must not be waited for by that one. So
 * half of the timers are upper ones: their callbacks may wait for those of the lower
 * ones, which wait for nobody. On PREEMPT_RT no callback waits: there a pass has a lock
 * while it runs, and would take that of another pass.
 */
#include "subject.h"

#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "errand.h"
#include "grave.h"
#include "mayfly.h"
#include "request.h"
#include "tally.h"

#define NR_HOT		6

/* Most calls of one bulk: more than htw does under one hold of a lock. */
#define NR_BULK		80

/* How many are renewed at once. */
#define NR_RENEWED	16

#define REMAINING_MAX	(3 * 365 * 86400LL * NSEC_PER_SEC)

/**
 * struct subject - a timer that everybody knows
 * @grave: for its end
 * @timer: the timer
 * @ledger: its ledger
 * @rnd: the numbers of its callback
 * @upper: its callback may wait for a lower one's
 * @pinned: it has %HTW_PINNED
 */
struct subject {
	struct grave		grave;
	struct htw_timer	timer;
	struct ledger		ledger;
	struct rnd_state	rnd;
	bool			upper;
	bool			pinned;
};

/**
 * struct room - for calls for many timers
 * @nr: how many
 * @subjects: their subjects
 * @bulk: what htw takes
 * @requests: what they are armed for
 * @calls: for their ledgers
 */
struct room {
	unsigned int	nr;
	struct subject	*subjects[NR_BULK];
	struct htw_bulk	bulk[NR_BULK];
	struct request	requests[NR_BULK];
	struct call	calls[NR_BULK];
};

static struct subject __rcu **subjects;

/* Of all subjects that ever were, so that each has numbers of its own. */
static u64 nr_made;

/**
 * room_alloc() - make room
 *
 * Return: the room, for kfree(); or NULL.
 */
struct room *room_alloc(void)
{
	return kzalloc(sizeof(struct room), GFP_KERNEL);
}

static void arm_as(struct subject *subject, struct request *request,
		   unsigned int flags)
{
	struct call call = {
		.flags = request_call_flags(request) | flags,
		.span = request_span(request),
	};

	if (!ledger_begin(&subject->ledger, &call))
		return;
	/* With interrupts disabled we know where we are. */
	if (subject->pinned && request->way != WAY_ON && subject->ledger.serial)
		call.span.cpu = raw_smp_processor_id();
	request_make(request, &subject->timer);
	request_over(request, &call.span);
	ledger_end(&subject->ledger, &call,
		   request_found(request, &subject->ledger));
}

static void arm(struct subject *subject, struct rnd_state *rnd,
		unsigned int flags)
{
	struct request request;

	request_draw(&request, rnd);
	request_later(&request, &subject->timer);
	arm_as(subject, &request, flags);
}

static enum found found_by_cancel(const struct subject *subject, int ret)
{
	if (ret != 0 && ret != 1)
		tally_wrong(WRONG_ANSWER, &subject->ledger, ret, 0, 0);
	return ret == 1 ? FOUND_PENDING : FOUND_IDLE;
}

static void cancel(struct subject *subject, unsigned int flags)
{
	struct call call = { .flags = flags };
	int ret;

	if (!ledger_begin(&subject->ledger, &call))
		return;
	ret = htw_cancel(&subject->timer);
	ledger_end(&subject->ledger, &call, found_by_cancel(subject, ret));
}

static void try_to_cancel(struct subject *subject, unsigned int flags)
{
	struct call call = { .flags = flags };
	enum found found = FOUND_OUT;
	int ret;

	if (!ledger_begin(&subject->ledger, &call))
		return;
	ret = htw_try_to_cancel_sync(&subject->timer);
	if (ret == -EAGAIN) {
		tally(TALLY_RUNNING);
	} else {
		found = found_by_cancel(subject, ret);
		call.flags |= CALL_SYNC;
	}
	/* From its own callback: it is running. */
	if (flags & CALL_SELF && ret != -EAGAIN)
		tally_wrong(WRONG_ANSWER, &subject->ledger, ret, flags, 0);
	ledger_end(&subject->ledger, &call, found);
}

static bool cancel_and_wait(struct subject *subject)
{
	struct call call = { .flags = CALL_SYNC | CALL_WAITS };
	int ret;

	if (!ledger_begin(&subject->ledger, &call))
		return false;
	ret = htw_cancel_sync(&subject->timer);
	ledger_end(&subject->ledger, &call, found_by_cancel(subject, ret));
	tally(TALLY_WAITED);
	return true;
}

static bool shut_down(struct subject *subject, unsigned int flags)
{
	struct call call = { .flags = CALL_ENDS | flags };
	int ret;

	if (!ledger_begin(&subject->ledger, &call))
		return false;
	ret = htw_shutdown(&subject->timer);
	ledger_end(&subject->ledger, &call, found_by_cancel(subject, ret));
	return true;
}

static bool shut_down_and_wait(struct subject *subject)
{
	struct call call = { .flags = CALL_SYNC | CALL_WAITS | CALL_ENDS };
	int ret;

	if (!ledger_begin(&subject->ledger, &call))
		return false;
	ret = htw_shutdown_sync(&subject->timer);
	ledger_end(&subject->ledger, &call, found_by_cancel(subject, ret));
	return true;
}

/* In its own callback. If all calls are ours, we know what a wait has cancelled. */
static void wait_for_self(struct subject *subject)
{
	struct call call = { .flags = CALL_SELF };
	int ret;

	if (!subject->ledger.serial || !ledger_begin(&subject->ledger, &call))
		return;
	ret = htw_cancel(&subject->timer);
	if (htw_cancel_sync(&subject->timer) != -EDEADLK)
		tally_wrong(WRONG_ANSWER, &subject->ledger, ret, call.flags, 0);
	ledger_end(&subject->ledger, &call, found_by_cancel(subject, ret));
	tally(TALLY_SELF);
}

static void look(struct subject *subject)
{
	htw_pending(&subject->timer);
	htw_forward(&subject->timer, ktime_get(), NSEC_PER_MSEC);
	if (htw_remaining(&subject->timer) > REMAINING_MAX)
		tally_wrong(WRONG_ANSWER, &subject->ledger, 0, 0, 0);
}

static bool may_wait(const struct actor *actor, const struct subject *subject)
{
	switch (actor->place) {
	case PLACE_TASK:
	case PLACE_SOFTIRQ:
		return true;
	case PLACE_CALLBACK:
		return actor->upper && !subject->upper &&
		       !IS_ENABLED(CONFIG_PREEMPT_RT);
	default:
		return false;
	}
}

static void act_on(struct actor *actor, struct subject *subject)
{
	switch (draw(actor->rnd, 64)) {
	case 0 ... 7:
		cancel(subject, 0);
		break;
	case 8 ... 11:
		try_to_cancel(subject, 0);
		break;
	case 12 ... 16:
		if (may_wait(actor, subject))
			cancel_and_wait(subject);
		break;
	case 17 ... 18:
		look(subject);
		break;
	case 19:
		if (!draw(actor->rnd, 64))
			shut_down(subject, 0);
		break;
	default:
		arm(subject, actor->rnd, 0);
	}
}

/* Under rcu_read_lock(). */
static struct subject *any_subject(struct rnd_state *rnd)
{
	u32 nr = draw(rnd, torture.nr_subjects);

	return rcu_dereference(subjects[draw(rnd, 2) ? nr : nr % NR_HOT]);
}

static void add_to_room(struct room *room, struct subject *subject,
			struct rnd_state *rnd, bool arms)
{
	struct request *request = &room->requests[room->nr];
	struct call *call = &room->calls[room->nr];

	*call = (struct call) { .flags = arms ? CALL_ARMS : 0 };
	if (arms) {
		request_draw_bulk(request, rnd);
		call->span = request_span(request);
	}
	/* Not under many locks at once. */
	if (subject->ledger.serial || !ledger_begin(&subject->ledger, call))
		return;
	room->bulk[room->nr] = (struct htw_bulk) {
		.timer = &subject->timer,
		.expires = request->expires,
		.slack_ns = request->slack,
		.flags = request->flags,
	};
	room->subjects[room->nr++] = subject;
}

static void arm_bulk(struct room *room)
{
	struct request *request;
	unsigned int i;

	htw_schedule_bulk(room->bulk, room->nr);
	for (i = 0; i < room->nr; i++) {
		request = &room->requests[i];
		request->ret = room->bulk[i].res;
		request_over(request, &room->calls[i].span);
		ledger_end(&room->subjects[i]->ledger, &room->calls[i],
			   request_found(request, &room->subjects[i]->ledger));
	}
}

static void cancel_bulk(struct room *room)
{
	unsigned int i;

	htw_cancel_bulk(room->bulk, room->nr);
	for (i = 0; i < room->nr; i++)
		ledger_end(&room->subjects[i]->ledger, &room->calls[i],
			   found_by_cancel(room->subjects[i],
					   room->bulk[i].res));
}

/* Many at once, some of them perhaps more than once. */
static void act_on_many(struct actor *actor)
{
	unsigned int nr = 1 + draw(actor->rnd, draw(actor->rnd, 8) ? 8 : NR_BULK);
	bool arms = draw(actor->rnd, 4);
	struct room *room = actor->room;
	struct subject *subject;
	unsigned int i;

	room->nr = 0;
	for (i = 0; i < nr; i++) {
		subject = any_subject(actor->rnd);
		if (subject)
			add_to_room(room, subject, actor->rnd, arms);
	}
	if (arms)
		arm_bulk(room);
	else
		cancel_bulk(room);
	tally(TALLY_BULK);
}

/**
 * subjects_act() - do something to one of the subjects, or to several
 * @actor: who
 *
 * Context: Any but NMI.
 */
void subjects_act(struct actor *actor)
{
	struct subject *subject;

	rcu_read_lock();
	if (actor->room && !draw(actor->rnd, 32)) {
		act_on_many(actor);
	} else {
		subject = any_subject(actor->rnd);
		if (subject)
			act_on(actor, subject);
	}
	rcu_read_unlock();
}

/* What a callback does with its own timer, and with others. */
static void act_in_callback(struct actor *actor, struct subject *subject)
{
	switch (draw(actor->rnd, 16)) {
	case 0 ... 5:
		arm(subject, actor->rnd, CALL_SELF);
		break;
	case 6:
		cancel(subject, CALL_SELF);
		break;
	case 7:
		wait_for_self(subject);
		break;
	case 8:
		try_to_cancel(subject, CALL_SELF);
		break;
	case 9 ... 11:
		subjects_act(actor);
		break;
	case 12:
		mayfly_hatch(actor);
		break;
	case 13:
		errands_act(actor);
		break;
	case 14:
		if (!draw(actor->rnd, 64))
			shut_down(subject, CALL_SELF);
		break;
	}
}

static void subject_called(struct subject *subject)
{
	struct actor actor = {
		.place = PLACE_CALLBACK,
		.upper = subject->upper,
		.rnd = &subject->rnd,
	};
	unsigned int i;

	ledger_called(&subject->ledger);
	for (i = draw(&subject->rnd, 4); i; i--)
		act_in_callback(&actor, subject);
	ledger_returns(&subject->ledger);
}

static void upper_called(struct htw_timer *timer)
{
	subject_called(container_of(timer, struct subject, timer));
}

static void lower_called(struct htw_timer *timer)
{
	subject_called(container_of(timer, struct subject, timer));
}

/* Two places, so that lockdep tells the two kinds apart. */
static void set_up(struct subject *subject)
{
	unsigned int flags = subject->pinned ? HTW_PINNED : 0;

	if (subject->upper)
		htw_timer_setup(&subject->timer, upper_called, flags);
	else
		htw_timer_setup(&subject->timer, lower_called, flags);
}

static struct subject *make_subject(void)
{
	struct subject *subject = kzalloc(sizeof(*subject), GFP_KERNEL);

	if (!subject) {
		tally_wrong(WRONG_MEMORY, NULL, 0, 0, 0);
		return NULL;
	}
	draw_init(&subject->rnd, (1ULL << 32) + nr_made++);
	subject->upper = draw(&subject->rnd, 2);
	subject->pinned = !draw(&subject->rnd, 4);
	ledger_init(&subject->ledger, draw(&subject->rnd, 2));
	set_up(subject);
	return subject;
}

/* Nobody can know it any more. */
static void end_subject(struct subject *subject, struct rnd_state *rnd)
{
	ledger_close(&subject->ledger);
	if (draw(rnd, 2)) {
		grave_bury(&subject->grave, sizeof(*subject));
		return;
	}
	kfree(subject);
	tally(TALLY_FREED);
}

/* In one step or two. */
static void shut_down_for_good(struct subject *subject, struct rnd_state *rnd)
{
	if (draw(rnd, 2))
		shut_down(subject, 0);
	while (!shut_down_and_wait(subject))
		cond_resched();
}

/* Takes a subject out of the table; others may still be at it. */
static struct subject *take_out(u32 nr, struct rnd_state *rnd)
{
	struct subject *subject = rcu_dereference_protected(subjects[nr], true);

	if (subject)
		shut_down_for_good(subject, rnd);
	RCU_INIT_POINTER(subjects[nr], NULL);
	return subject;
}

/**
 * subjects_renew() - let some subjects go, and make new ones
 * @rnd: the numbers
 *
 * Context: Task: only one.
 * Return: false if there was no memory for one.
 */
bool subjects_renew(struct rnd_state *rnd)
{
	struct subject *old[NR_RENEWED], *new;
	u32 first = draw(rnd, torture.nr_subjects);
	unsigned int i;
	bool ret = true;

	for (i = 0; i < NR_RENEWED; i++)
		old[i] = take_out((first + i) % torture.nr_subjects, rnd);
	synchronize_rcu();
	for (i = 0; i < NR_RENEWED; i++) {
		if (old[i])
			end_subject(old[i], rnd);
		new = make_subject();
		ret = ret && new;
		rcu_assign_pointer(subjects[(first + i) % torture.nr_subjects],
				   new);
	}
	return ret;
}

static void do_to_all(void (*fn)(struct subject *subject, struct rnd_state *rnd))
{
	struct subject *subject;
	struct rnd_state rnd;
	u32 i;

	draw_init(&rnd, 0);
	for (i = 0; subjects && i < torture.nr_subjects; i++) {
		subject = rcu_dereference_protected(subjects[i], true);
		if (subject)
			fn(subject, &rnd);
	}
}

/**
 * subjects_stop() - shut down all subjects
 *
 * Context: Task, when nobody acts any more but callbacks.
 */
void subjects_stop(void)
{
	do_to_all(shut_down_for_good);
}

/**
 * subjects_free() - the end of all subjects
 *
 * Context: Task, when no callback runs that could act.
 */
void subjects_free(void)
{
	do_to_all(end_subject);
	kvfree(subjects);
	subjects = NULL;
}

/**
 * subjects_start() - make all subjects
 *
 * Return: 0 or an errno; subjects_stop() and subjects_free() have to be called all the
 * same.
 */
int subjects_start(void)
{
	struct subject *subject;
	u32 i;

	if (torture.nr_subjects < NR_RENEWED)
		return -EINVAL;
	subjects = kvcalloc(torture.nr_subjects, sizeof(*subjects), GFP_KERNEL);
	if (!subjects)
		return -ENOMEM;
	for (i = 0; i < torture.nr_subjects; i++) {
		subject = make_subject();
		if (!subject)
			return -ENOMEM;
		RCU_INIT_POINTER(subjects[i], subject);
	}
	return 0;
}
