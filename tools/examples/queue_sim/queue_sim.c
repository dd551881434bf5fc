// SPDX-License-Identifier: GPL-2.0
/*
 * usage: queue_sim [CUSTOMERS]
 *
 * A simulation of discrete events: a counter with one clerk. Customers come at random, ten
 * seconds apart on average, and take eight; who has waited for a minute leaves. There
 * are three kinds of timers: the next customer comes, the clerk has finished, and one
 * for the patience of each customer, most of which are cancelled.
 *
 * It runs on a context on virtual time, which stands still between events: a day takes
 * a moment, and each run prints the same. The random numbers are made of integers only,
 * so that this is so on every machine.
 */
#include <libhtw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SEC		1000000000ULL
#define MSEC		1000000ULL
#define BETWEEN		(10 * SEC)	/* customers, on average */
#define SERVICE		(8 * SEC)	/* for one of them, on average */
#define PATIENCE	(60 * SEC)
#define SEED		20240229ULL

struct customer {
	struct htw_cb	patience;
	struct customer	*next;		/* in the queue */
	__u64		came;
};

static struct {
	struct htw_cb	arrival;
	struct htw_cb	finished;
	struct customer	*queue, **end;	/* waiting */
	unsigned long	to_come;
	int		busy;
	/* What is printed. */
	unsigned long	came, served, left, waiting, longest;
	__u64		waited, worked;
} counter;

static void check(long long res, const char *what)
{
	if (res >= 0)
		return;
	fprintf(stderr, "queue_sim: %s: %s\n", what, strerror((int)-res));
	exit(1);
}

/* xorshift64*: good enough to stand in a queue. */
static unsigned int random32(void)
{
	static unsigned long long state = SEED;

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned int)((state * 0x2545f4914f6cdd1dULL) >> 32);
}

/*
 * An exponentially distributed time. After von Neumann: draw numbers for as long as each is
 * less than the one before. If they were an odd number the first one is the fraction,
 * else try again for one more whole mean.
 */
static __u64 random_time(__u64 mean)
{
	__u64 whole;

	for (whole = 0;; whole++) {
		unsigned int first = random32(), last = first, next, drawn = 1;

		while ((next = random32()) < last) {
			last = next;
			drawn++;
		}
		if (drawn % 2)
			return whole * mean + (mean / 1000 * (first >> 12) >> 20) * 1000;
	}
}

static void serve_next(struct htw *h, __u64 now)
{
	struct customer *c = counter.queue;
	__u64 takes = random_time(SERVICE);

	counter.queue = c->next;
	if (!counter.queue)
		counter.end = &counter.queue;
	counter.waiting--;
	counter.waited += now - c->came;
	counter.worked += takes;
	counter.busy = 1;
	/* Whatever has become of it: from here on it does not fire, and may be freed. */
	check(htw_cb_cancel(h, &c->patience), "cancelling a timer");
	free(c);
	check(htw_cb_at(h, &counter.finished, now + takes, 0), "arming a timer");
}

static void finished(struct htw *h, struct htw_cb *cb, const struct htw_event *event)
{
	(void)cb;
	counter.served++;
	counter.busy = 0;
	if (counter.queue)
		serve_next(h, event->expires);
}

static void out_of_patience(struct htw *h, struct htw_cb *cb, const struct htw_event *event)
{
	struct customer **link = &counter.queue, *c;

	(void)h;
	(void)event;
	while (&(*link)->patience != cb)
		link = &(*link)->next;
	c = *link;
	*link = c->next;
	if (!c->next)
		counter.end = link;
	counter.waiting--;
	counter.left++;
	free(c);
}

static void arrival(struct htw *h, struct htw_cb *cb, const struct htw_event *event)
{
	struct customer *c = malloc(sizeof(*c));
	__u64 now = event->expires;

	if (!c) {
		perror("queue_sim");
		exit(1);
	}
	counter.came++;
	c->came = now;
	c->next = NULL;
	*counter.end = c;
	counter.end = &c->next;
	if (++counter.waiting > counter.longest)
		counter.longest = counter.waiting;
	htw_cb_init(&c->patience, out_of_patience);
	check(htw_cb_at(h, &c->patience, now + PATIENCE, 0), "arming a timer");
	if (!counter.busy)
		serve_next(h, now);
	if (--counter.to_come)
		check(htw_cb_at(h, cb, now + random_time(BETWEEN), 0), "arming a timer");
}

/* Time goes from event to event, and no further than it must. */
static void run(struct htw *h)
{
	while (counter.to_come || counter.busy) {
		check(htw_advance_next(h, INT64_MAX), "advancing");
		check(htw_dispatch(h, 64), "dispatching");
	}
}

static void report(struct htw *h)
{
	__u64 now = (__u64)htw_now(h), served = counter.served;

	printf("time        %llu s\n", now / SEC);
	printf("came        %lu\n", counter.came);
	printf("served      %lu\n", counter.served);
	printf("left        %lu\n", counter.left);
	printf("longest     %lu\n", counter.longest);
	printf("mean wait   %llu ms\n", served ? counter.waited / served / MSEC : 0);
	printf("clerk busy  %llu %%\n", now ? counter.worked / (now / 100) : 0);
}

int main(int argc, char **argv)
{
	struct htw_params params;
	struct htw *h;

	counter.to_come = argc > 1 ? strtoul(argv[1], NULL, 10) : 5000;
	if (!counter.to_come) {
		fputs("usage: queue_sim [CUSTOMERS]\n", stderr);
		return 2;
	}
	counter.end = &counter.queue;
	htw_params_init(&params);
	params.clock = HTW_CLOCK_VIRTUAL;
	params.tick_ns = 1024;
	check(htw_open(&h, &params), "/dev/htw");
	htw_cb_init(&counter.arrival, arrival);
	htw_cb_init(&counter.finished, finished);
	check(htw_cb_after(h, &counter.arrival, random_time(BETWEEN), 0), "arming a timer");
	run(h);
	report(h);
	htw_close(h);
	return 0;
}
