// SPDX-License-Identifier: GPL-2.0
/*
 * A ledger of timers that all CPUs and contexts arm and cancel at the same time.
 *
 * Two kinds of timers:
 *
 *  - Shared ones: everybody does everything to them, so all that can be said of
 *    each is that its armings and their ends balance, and that nothing runs when
 *    nothing may.
 *  - Those of one thread, that nobody else touches. What the thread was answered
 *    tells which of its armings expired: those that were neither replaced nor
 *    cancelled. They are compared with the callbacks that came, one by one.
 *
 * On each CPU works a thread, and an interrupt that comes all the time and does
 * what it may. Callbacks arm their own timers again.
 *
 * All timers are shut down at the end of a round, and set up again for the next.
 * What is done follows from the seed; in what order it happens does not.
 */
#include "ledger.h"

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/hrtimer.h>
#include <linux/htw.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/smp.h>

#define NR_SHARED	24
#define NR_OWNED	4

/* What a dying CPU arms for long after, which nobody touches any more. */
#define NR_LAST		256
#define LAST_NS		(30 * (s64)NSEC_PER_SEC)

/* A callback arms its own timer no more than so often in a round. */
#define NR_REARMS	20

/* Most that a timer is armed for, with what a round waits at its beginning. */
#define LONGEST_NS	(41 * (s64)NSEC_PER_SEC)

/* How often the interrupts come, and how many of them in a round. */
#define IRQ_PERIOD_NS	(200 * NSEC_PER_USEC)
#define NR_INTERRUPTS	500

/**
 * struct entry - a timer and its page in the ledger
 * @timer: the timer
 * @ledger: the ledger
 * @armed: armings that were accepted
 * @replaced: those that a later one replaced
 * @cancelled: those that were cancelled
 * @expired: callbacks
 * @rearms: how often the callback may still arm the timer
 * @running: callbacks that are running
 * @quiet: no callback may start
 */
struct entry {
	struct htw_timer	timer;
	struct ledger		*ledger;
	atomic_t		armed;
	atomic_t		replaced;
	atomic_t		cancelled;
	atomic_t		expired;
	atomic_t		rearms;
	atomic_t		running;
	bool			quiet;
};

/**
 * struct owned - a timer that one thread alone arms and cancels
 * @entry: the timer
 * @open: it was armed, and how that ended is not yet known
 * @expires: for when
 * @due: the armings that expired, by what the thread was answered
 * @fired: when the callbacks came
 * @size: what each of these has room for
 * @nr_due: number of @due
 * @nr_fired: number of @fired
 */
struct owned {
	struct entry		entry;
	bool			open;
	u64			expires;
	u64			*due;
	u64			*fired;
	unsigned int		size;
	unsigned int		nr_due;
	unsigned int		nr_fired;
};

/**
 * struct worker - what works on one CPU
 * @ledger: the ledger
 * @cpu: the CPU
 * @rnd: random numbers of the thread
 * @irq_rnd: and of the interrupt
 * @owned: timers of the thread
 * @last: timers that the interrupt arms when the CPU goes away, each once
 * @nr_last: how many of them it has armed
 * @done: the thread has ended
 * @started: there is a thread
 * @hrtimer: the interrupt, in hardirq context
 * @irqs: how often it will still come
 */
struct worker {
	struct ledger		*ledger;
	unsigned int		cpu;
	struct rnd_state	rnd;
	struct rnd_state	irq_rnd;
	struct owned		owned[NR_OWNED];
	struct entry		last[NR_LAST];
	unsigned int		nr_last;
	struct completion	done;
	bool			started;
	struct hrtimer		hrtimer;
	unsigned int		irqs;
};

/**
 * struct ledger - a run
 * @params: what to do
 * @report: what came of it
 * @shared: the timers of all
 * @workers: by CPU
 * @floor: no timer of this round is armed for less
 * @hold: the round is not over yet, however much was done
 * @refused: see struct ledger_report
 * @dying: see struct ledger_report
 * @early: see struct ledger_report
 * @after_sync: see struct ledger_report
 * @overlaps: see struct ledger_report
 * @wrong_returns: see struct ledger_report
 */
struct ledger {
	const struct ledger_params	*params;
	struct ledger_report		*report;
	struct entry			shared[NR_SHARED];
	struct worker			*workers;
	u64				floor;
	bool				hold;
	atomic_t			refused;
	atomic_t			dying;
	atomic_t			early;
	atomic_t			after_sync;
	atomic_t			overlaps;
	atomic_t			wrong_returns;
};

/* From at once to what will only ever be cancelled. */
static u64 random_delay(u32 random)
{
	static const u64 limits[] = {
		1, 131072, 131072, 1000000, 2000000, 5000000, 60000000,
		40ULL * NSEC_PER_SEC,
	};
	u64 fraction = hash_32(random, 16);

	return (limits[random % ARRAY_SIZE(limits)] * fraction) >> 16;
}

static u64 random_expiry(struct ledger *ledger, u32 random)
{
	return max_t(u64, ledger->floor, ktime_get()) + random_delay(random);
}

/* Is there a CPU that at times can't be armed on? */
static bool cycles_cpu(const struct ledger *ledger)
{
	return ledger->params->cycle_cpu != LEDGER_NO_CPU;
}

/* Was it accepted? */
static bool count_arming(struct entry *entry, int ret)
{
	if (ret == 0 || ret == 1) {
		atomic_inc(&entry->armed);
		atomic_add(ret, &entry->replaced);
		return true;
	}
	if (ret == -ESHUTDOWN || (ret == -ENXIO && cycles_cpu(entry->ledger)))
		atomic_inc(&entry->ledger->refused);
	else
		atomic_inc(&entry->ledger->wrong_returns);
	return false;
}

static void count_cancel(struct entry *entry, int ret)
{
	if (ret != 0 && ret != 1)
		atomic_inc(&entry->ledger->wrong_returns);
	else
		atomic_add(ret, &entry->cancelled);
}

#ifdef HTW_PINNED	/* and htw_schedule_on(), which came along with it */
static unsigned int random_cpu(u32 random)
{
	unsigned int cpu = random % nr_cpu_ids;

	cpu = cpumask_next((int)cpu - 1, cpu_online_mask);
	return cpu < nr_cpu_ids ? cpu : cpumask_first(cpu_online_mask);
}
#endif

/* In one of all ways to arm. */
static int arm(struct entry *entry, u64 expires, u32 random)
{
	switch (random >> 28) {
	case 0 ... 3:
		return htw_schedule_range(&entry->timer, expires,
					  random & 0xfffff, 0);
	case 4 ... 7:
		return htw_schedule_on(&entry->timer, expires,
				       random_cpu(random >> 8));
	default:
		return htw_schedule_at(&entry->timer, expires);
	}
}

static bool arm_shared(struct entry *entry, u32 random)
{
	u64 expires = random_expiry(entry->ledger, random);

	return count_arming(entry, arm(entry, expires, random));
}

static void entry_fired(struct entry *entry, u64 now)
{
	struct ledger *ledger = entry->ledger;

	atomic_inc(&entry->expired);
	if (READ_ONCE(entry->quiet))
		atomic_inc(&ledger->after_sync);
	if (now < ledger->floor)
		atomic_inc(&ledger->early);
}

static u32 callback_random(const struct entry *entry)
{
	const struct ledger *ledger = entry->ledger;
	u32 index = entry - ledger->shared;

	return hash_32((u32)ledger->params->seed + index * NR_REARMS +
		       atomic_read(&entry->rearms), 32);
}

static void shared_fired(struct htw_timer *timer)
{
	struct entry *entry = container_of(timer, struct entry, timer);

	if (atomic_inc_return(&entry->running) != 1)
		atomic_inc(&entry->ledger->overlaps);
	entry_fired(entry, ktime_get());
	if (atomic_dec_if_positive(&entry->rearms) >= 0)
		arm_shared(entry, callback_random(entry));
	atomic_dec(&entry->running);
}

/* Nobody else writes to the log: callbacks of a timer do not overlap. */
static void owned_fired(struct htw_timer *timer)
{
	struct owned *owned = container_of(timer, struct owned, entry.timer);
	u64 now = ktime_get();

	if (atomic_inc_return(&owned->entry.running) != 1)
		atomic_inc(&owned->entry.ledger->overlaps);
	entry_fired(&owned->entry, now);
	if (owned->nr_fired < owned->size)
		owned->fired[owned->nr_fired] = now;
	owned->nr_fired++;
	atomic_dec(&owned->entry.running);
}

/* The timer is known not to be pending, and was not cancelled: it has expired. */
static void owned_expired(struct owned *owned)
{
	if (owned->open)
		owned->due[owned->nr_due++] = owned->expires;
	owned->open = false;
}

static void owned_arm(struct owned *owned, u32 random)
{
	u64 expires = random_expiry(owned->entry.ledger, random);
	int ret;

	WRITE_ONCE(owned->entry.quiet, false);
	ret = arm(&owned->entry, expires, random);
	if (!count_arming(&owned->entry, ret)) {
		/* Nobody else shuts it down; and then nothing has changed. */
		if (ret == -ESHUTDOWN)
			atomic_inc(&owned->entry.ledger->wrong_returns);
		return;
	}
	if (ret == 0)
		owned_expired(owned);
	else if (ret != 1 || !owned->open)
		atomic_inc(&owned->entry.ledger->wrong_returns);
	owned->open = true;
	owned->expires = expires;
}

static void owned_cancelled(struct owned *owned, int ret)
{
	count_cancel(&owned->entry, ret);
	if (ret == 0)
		owned_expired(owned);
	else if (!owned->open)
		atomic_inc(&owned->entry.ledger->wrong_returns);
	owned->open = false;
}

static void owned_cancel_sync(struct owned *owned)
{
	owned_cancelled(owned, htw_cancel_sync(&owned->entry.timer));
	WRITE_ONCE(owned->entry.quiet, true);
}

static void owned_setup(struct owned *owned)
{
	htw_timer_setup(&owned->entry.timer, owned_fired, 0);
}

/* Arming fails from here to where the timer is set up again. */
static void owned_shutdown_sync(struct owned *owned)
{
	owned_cancelled(owned, htw_shutdown_sync(&owned->entry.timer));
	WRITE_ONCE(owned->entry.quiet, true);
	if (htw_schedule(&owned->entry.timer, 0) != -ESHUTDOWN)
		atomic_inc(&owned->entry.ledger->wrong_returns);
	owned_setup(owned);
}

static void step_owned(struct owned *owned, u32 random)
{
	switch (random % 64) {
	case 0 ... 9:
		owned_cancelled(owned, htw_cancel(&owned->entry.timer));
		break;
	case 10 ... 15:
		owned_cancel_sync(owned);
		break;
	case 16:
		owned_shutdown_sync(owned);
		break;
	default:
		owned_arm(owned, hash_32(random, 32));
	}
}

static void shared_shutdown_sync(struct entry *entry)
{
	count_cancel(entry, htw_shutdown_sync(&entry->timer));
	WRITE_ONCE(entry->quiet, true);
}

static void step_shared(struct entry *entry, u32 random)
{
	switch (random % 512) {
	case 0 ... 127:
		count_cancel(entry, htw_cancel(&entry->timer));
		break;
	case 128 ... 191:
		count_cancel(entry, htw_cancel_sync(&entry->timer));
		break;
	case 192 ... 223:
		if (htw_remaining(&entry->timer) > LONGEST_NS)
			atomic_inc(&entry->ledger->wrong_returns);
		break;
	case 224:
		/* Or none would be left at the end of a round that lasts. */
		if (!READ_ONCE(entry->ledger->hold))
			shared_shutdown_sync(entry);
		break;
	default:
		arm_shared(entry, hash_32(random, 32));
	}
}

static struct entry *random_shared(struct ledger *ledger, u32 random)
{
	return &ledger->shared[(random >> 16) % NR_SHARED];
}

static void thread_step(struct worker *worker)
{
	u32 random = prandom_u32_state(&worker->rnd);
	struct owned *owned = &worker->owned[(random >> 16) % NR_OWNED];

	/* The log is full at the end of a round that lasts very long. */
	if (random & 1 && owned->nr_due + 1 < owned->size)
		step_owned(owned, random >> 1);
	else
		step_shared(random_shared(worker->ledger, random), random >> 1);
}

static int worker_thread(void *arg)
{
	struct worker *worker = arg;
	struct ledger *ledger = worker->ledger;
	unsigned int i;

	for (i = 0; i < ledger->params->steps || READ_ONCE(ledger->hold); i++) {
		thread_step(worker);
		/* Let others work, and some timers expire. */
		if (i % 16 == 0)
			usleep_range(100, 1000);
	}
	kthread_complete_and_exit(&worker->done, 0);
}

/* Is this the last that is heard of this CPU? */
static bool is_dying(const struct ledger *ledger)
{
	bool (*offline)(unsigned int cpu) = ledger->params->offline;

	return offline && offline(smp_processor_id());
}

/* If htw forgot it, it would stay where it was: others are armed again elsewhere. */
static void arm_last(struct worker *worker)
{
	struct entry *entry = &worker->last[worker->nr_last];

	if (cpu_active(smp_processor_id()) || worker->nr_last == NR_LAST)
		return;
	worker->nr_last++;
	count_arming(entry, htw_schedule(&entry->timer, LAST_NS));
}

/* Nothing here may wait. Arms more than it cancels. */
static enum hrtimer_restart worker_interrupt(struct hrtimer *hrtimer)
{
	struct worker *worker = container_of(hrtimer, struct worker, hrtimer);
	u32 random = prandom_u32_state(&worker->irq_rnd);
	struct entry *entry = random_shared(worker->ledger, random);

	arm_last(worker);
	if (random % 4 == 0)
		count_cancel(entry, htw_cancel(&entry->timer));
	else if (arm_shared(entry, hash_32(random, 32)) &&
		 is_dying(worker->ledger))
		atomic_inc(&worker->ledger->dying);
	if (worker->irqs)
		worker->irqs--;
	if (!worker->irqs && !READ_ONCE(worker->ledger->hold))
		return HRTIMER_NORESTART;
	hrtimer_forward_now(hrtimer, IRQ_PERIOD_NS);
	return HRTIMER_RESTART;
}

static void start_interrupt(void *arg)
{
	struct worker *worker = arg;

	hrtimer_start(&worker->hrtimer, IRQ_PERIOD_NS,
		      HRTIMER_MODE_REL_PINNED_HARD);
}

/* Bound, but not as those are that belong to a CPU and keep it from going away. */
static int start_worker(struct worker *worker)
{
	struct task_struct *task;

	task = kthread_create(worker_thread, worker, "htw_ledger/%u",
			      worker->cpu);
	if (IS_ERR(task))
		return PTR_ERR(task);
	kthread_bind(task, worker->cpu);
	worker->started = true;
	wake_up_process(task);
	return smp_call_function_single(worker->cpu, start_interrupt, worker, 1);
}

static void entry_init(struct ledger *ledger, struct entry *entry,
		       void (*function)(struct htw_timer *timer))
{
	/* Not the timer itself: that one was shut down, and must not need more. */
	entry->ledger = ledger;
	atomic_set(&entry->armed, 0);
	atomic_set(&entry->replaced, 0);
	atomic_set(&entry->cancelled, 0);
	atomic_set(&entry->expired, 0);
	atomic_set(&entry->rearms, NR_REARMS);
	entry->quiet = false;
	htw_timer_setup(&entry->timer, function, 0);
}

static void worker_init(struct ledger *ledger, unsigned int cpu,
			unsigned int round)
{
	u64 seed = ledger->params->seed + cpu * 1000003ULL + round * 7919ULL;
	struct worker *worker = &ledger->workers[cpu];
	unsigned int i;

	worker->ledger = ledger;
	worker->cpu = cpu;
	worker->started = false;
	worker->irqs = NR_INTERRUPTS;
	prandom_seed_state(&worker->rnd, seed);
	prandom_seed_state(&worker->irq_rnd, ~seed);
	init_completion(&worker->done);
	hrtimer_init(&worker->hrtimer, CLOCK_MONOTONIC,
		     HRTIMER_MODE_REL_PINNED_HARD);
	worker->hrtimer.function = worker_interrupt;
	worker->nr_last = 0;
	for (i = 0; i < NR_LAST; i++) {
		entry_init(ledger, &worker->last[i], shared_fired);
		atomic_set(&worker->last[i].rearms, 0);
	}
	for (i = 0; i < NR_OWNED; i++) {
		entry_init(ledger, &worker->owned[i].entry, owned_fired);
		worker->owned[i].nr_due = 0;
		worker->owned[i].nr_fired = 0;
		worker->owned[i].open = false;
	}
}

/* Takes the CPU away, and brings it back when others had a while without it. */
static void cycle_cpu(struct ledger *ledger, unsigned int cpu)
{
	u64 (*left_on)(unsigned int cpu) = ledger->params->left_on;
	struct ledger_report *report = ledger->report;
	u64 start;

	msleep(20);
	start = ktime_get();
	if (remove_cpu(cpu))
		report->errors++;
	report->down_ns = max(report->down_ns, (u64)ktime_get() - start);
	report->left += left_on && left_on(cpu);
	msleep(20);
	if (add_cpu(cpu))
		report->errors++;
}

/* Adds a page to the report. */
static void close_entry(struct ledger_report *report, struct entry *entry)
{
	unsigned int armed = atomic_read(&entry->armed);
	unsigned int replaced = atomic_read(&entry->replaced);
	unsigned int cancelled = atomic_read(&entry->cancelled);
	unsigned int expired = atomic_read(&entry->expired);

	report->armed += armed;
	report->replaced += replaced;
	report->cancelled += cancelled;
	report->expired += expired;
	report->unbalanced += armed != replaced + cancelled + expired;
}

/* The thread is gone. Callbacks have come in the order of the armings. */
static void close_owned(struct ledger_report *report, struct owned *owned)
{
	unsigned int i;

	owned_cancelled(owned, htw_shutdown_sync(&owned->entry.timer));
	WRITE_ONCE(owned->entry.quiet, true);
	close_entry(report, &owned->entry);
	report->unbalanced += owned->nr_due != owned->nr_fired;
	for (i = 0; i < min3(owned->nr_due, owned->nr_fired, owned->size); i++) {
		if (owned->fired[i] < owned->due[i])
			report->early++;
		else
			report->latest_ns = max(report->latest_ns,
						owned->fired[i] - owned->due[i]);
	}
}

static void close_last(struct ledger_report *report, struct worker *worker)
{
	unsigned int i;

	for (i = 0; i < NR_LAST; i++) {
		shared_shutdown_sync(&worker->last[i]);
		close_entry(report, &worker->last[i]);
	}
}

static void close_round(struct ledger *ledger)
{
	struct worker *worker;
	unsigned int cpu, i;

	for_each_possible_cpu(cpu) {
		worker = &ledger->workers[cpu];
		if (!worker->started)
			continue;
		wait_for_completion(&worker->done);
		hrtimer_cancel(&worker->hrtimer);
		for (i = 0; i < NR_OWNED; i++)
			close_owned(ledger->report, &worker->owned[i]);
		close_last(ledger->report, worker);
	}
	for (i = 0; i < NR_SHARED; i++)
		shared_shutdown_sync(&ledger->shared[i]);
	for (i = 0; i < NR_SHARED; i++)
		close_entry(ledger->report, &ledger->shared[i]);
}

static int start_workers(struct ledger *ledger)
{
	unsigned int cpu;
	int ret = 0;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		ret = start_worker(&ledger->workers[cpu]);
		if (ret)
			break;
	}
	cpus_read_unlock();
	return ret;
}

static int run_round(struct ledger *ledger, unsigned int round)
{
	unsigned int cpu, i;
	int ret;

	/* Some rounds begin with a while in which nothing is due. */
	ledger->floor = (u64)ktime_get() + round % 3 * 10 * NSEC_PER_MSEC;
	ledger->hold = cycles_cpu(ledger);
	for (i = 0; i < NR_SHARED; i++)
		entry_init(ledger, &ledger->shared[i], shared_fired);
	for_each_possible_cpu(cpu)
		worker_init(ledger, cpu, round);

	ret = start_workers(ledger);
	if (!ret && ledger->hold)
		cycle_cpu(ledger, ledger->params->cycle_cpu);
	WRITE_ONCE(ledger->hold, false);
	close_round(ledger);
	return ret;
}

static void report_violations(struct ledger *ledger)
{
	struct ledger_report *report = ledger->report;

	report->refused = atomic_read(&ledger->refused);
	report->dying = atomic_read(&ledger->dying);
	report->early += atomic_read(&ledger->early);
	report->after_sync = atomic_read(&ledger->after_sync);
	report->overlaps = atomic_read(&ledger->overlaps);
	report->wrong_returns = atomic_read(&ledger->wrong_returns);
}

static void free_logs(struct ledger *ledger)
{
	unsigned int cpu, i;

	for_each_possible_cpu(cpu) {
		for (i = 0; i < NR_OWNED; i++) {
			kvfree(ledger->workers[cpu].owned[i].due);
			kvfree(ledger->workers[cpu].owned[i].fired);
		}
	}
}

static int allocate_logs(struct ledger *ledger)
{
	/* A round that waits for a CPU may be many times as long. */
	unsigned int size = ledger->params->steps * 8;
	unsigned int cpu, i;

	for_each_possible_cpu(cpu) {
		struct worker *worker = &ledger->workers[cpu];

		for (i = 0; i < NR_OWNED; i++) {
			struct owned *owned = &worker->owned[i];

			owned->size = size;
			owned->due = kvcalloc(size, sizeof(u64), GFP_KERNEL);
			owned->fired = kvcalloc(size, sizeof(u64), GFP_KERNEL);
			if (!owned->due || !owned->fired)
				return -ENOMEM;
		}
	}
	return 0;
}

/**
 * ledger_run() - arm and cancel timers everywhere at once, and keep count
 * @params: what to do
 * @report: what came of it; all of it is written
 *
 * Context: Task.
 * Return: 0; -ENOMEM, or what else kept it from going through.
 */
int ledger_run(const struct ledger_params *params,
	       struct ledger_report *report)
{
	struct ledger *ledger;
	unsigned int round;
	int ret = -ENOMEM;

	memset(report, 0, sizeof(*report));
	ledger = kvzalloc(sizeof(*ledger), GFP_KERNEL);
	if (!ledger)
		return -ENOMEM;
	ledger->workers = kvcalloc(nr_cpu_ids, sizeof(*ledger->workers),
				   GFP_KERNEL);
	if (!ledger->workers)
		goto out_free;
	ledger->params = params;
	ledger->report = report;

	ret = allocate_logs(ledger);
	for (round = 0; !ret && round < params->rounds; round++)
		ret = run_round(ledger, round);
	report_violations(ledger);
	free_logs(ledger);
	kvfree(ledger->workers);
out_free:
	kvfree(ledger);
	return ret;
}
