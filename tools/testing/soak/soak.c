// SPDX-License-Identifier: GPL-2.0
/*
 * soak [-n TIMERS] [-s SECONDS] [-r SEED]
 *
 * Holds very many timers on one file and never leaves them alone: some are re-armed,
 * some cancelled and armed anew, and those that expire are armed anew as well. Prints
 * how that goes in each period, and at the end whether anything was lost or early, and
 * whether memory or lateness have grown. KTAP.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/htw.h>

enum {
	OPS = 256,
	EVENTS = 4096,
	WAIT_NS = 10 * 1000 * 1000,
	PERIOD = 10,		/* seconds */
	WARM_UP = 3,		/* periods in which memory and lateness may change */
	MAX_PERIODS = 10000,
	BUCKETS = 32,
};

#define NSEC	1000000000ULL
#define MEMINFO	"/proc/meminfo"

/* For printf(3). */
typedef unsigned long long u64;

/* What a period was like. */
struct period {
	u64 ops;
	u64 events;
	u64 late[BUCKETS];		/* by powers of two of 1024 ns */
	u64 late_max;
	u64 free_kb;
	u64 slab_kb;
};

/* What the kernel should have counted too. */
struct totals {
	u64 armed;
	u64 rearmed;
	u64 cancelled;
	u64 withdrawn;
	u64 delivered;
	u64 early;
	u64 wrong;
};

static uint32_t nr_timers = 1000000;
static unsigned int seconds = 60;
static u64 seed = 1;

static int fd;
static u64 *ids;		/* of each timer; 0: it has to be armed */
static uint32_t *idle;		/* those that have to be */
static uint32_t nr_idle;
static struct htw_op ops[OPS];
static uint32_t ops_of[OPS];	/* which timer each of them is for */
static struct htw_event events[EVENTS];
static struct period periods[MAX_PERIODS];
static unsigned int nr_periods;
static struct totals totals;

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC + ts.tv_nsec;
}

static u64 random_below(u64 limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % limit;
}

/* Most in ten minutes, some in a day, a few in years: each level has some. */
static u64 random_delay(void)
{
	u64 kind = random_below(20);

	if (kind < 16)
		return random_below(600 * NSEC);
	if (kind < 19)
		return random_below(86400 * NSEC);
	return random_below(100000000 * NSEC);
}

static struct htw_op new_arming(uint32_t i)
{
	return (struct htw_op) {
		.opcode = ids[i] ? HTW_OP_REARM : HTW_OP_ARM,
		.id = ids[i],
		.cookie = i,
		.expires = random_delay(),
		.slack = random_below(4) ? 0 : random_below(NSEC),
	};
}

/* One that waits for something to happen to it, and is in no operation yet. */
static uint32_t random_timer(void)
{
	uint32_t i;

	do {
		i = random_below(nr_timers);
	} while (!ids[i]);
	return i;
}

static void fill_ops(void)
{
	unsigned int n;
	uint32_t i;

	for (n = 0; n < OPS; n++) {
		i = nr_idle ? idle[--nr_idle] : random_timer();
		ops[n] = new_arming(i);
		if (ids[i] && !random_below(3))
			ops[n] = (struct htw_op) { .opcode = HTW_OP_CANCEL, .id = ids[i] };
		ids[i] = 0;
		ops_of[n] = i;
	}
}

static void has_ended(uint32_t i)
{
	ids[i] = 0;
	idle[nr_idle++] = i;
}

static void count_op(const struct htw_op *op, uint32_t i)
{
	if (op->opcode == HTW_OP_CANCEL) {
		totals.cancelled += op->res == HTW_CANCELLED;
		totals.withdrawn += op->res == HTW_WITHDRAWN;
		totals.wrong += op->res < 0;
		has_ended(i);
	} else if (op->res < 0) {
		totals.wrong++;
		has_ended(i);
	} else {
		totals.armed += op->opcode == HTW_OP_ARM;
		totals.rearmed += op->opcode == HTW_OP_REARM;
		ids[i] = op->id;
	}
}

static void count_event(struct period *period, const struct htw_event *event, u64 now)
{
	u64 late = HTW_EVENT_LATENESS(event->info);
	unsigned int bucket = 0;

	while (late >> (10 + bucket) && bucket < BUCKETS - 1)
		bucket++;
	period->late[bucket]++;
	if (late > period->late_max)
		period->late_max = late;
	period->events++;
	totals.delivered++;
	totals.early += event->expires > now;
	has_ended(event->cookie);
}

static void step(struct period *period)
{
	struct htw_batch batch = {
		.ops = (uintptr_t)ops, .nr_ops = OPS,
		.events = (uintptr_t)events, .nr_events = EVENTS,
	};
	unsigned int n;

	/* Steady when all are armed, else as fast as it goes. */
	if (nr_idle < OPS) {
		batch.min_events = OPS;
		batch.timeout = WAIT_NS;
	}
	fill_ops();
	if (ioctl(fd, HTW_IOC_BATCH, &batch) || batch.done != OPS)
		err(1, "HTW_IOC_BATCH");
	for (n = 0; n < OPS; n++)
		count_op(&ops[n], ops_of[n]);
	for (n = 0; n < batch.got; n++)
		count_event(period, &events[n], batch.now);
	period->ops += OPS;
}

static u64 meminfo(const char *name)
{
	FILE *file = fopen(MEMINFO, "r");
	char line[128];
	u64 kb = 0;

	if (!file)
		err(1, MEMINFO);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			kb = strtoull(line + strlen(name), NULL, 10);
	fclose(file);
	return kb;
}

/* An upper bound of the lateness of a share of the events, in us. */
static u64 late_us(const struct period *period, unsigned int percent)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < BUCKETS - 1; i++) {
		sum += period->late[i];
		if (sum * 100 >= period->events * percent)
			break;
	}
	return i ? 1ULL << i : 0;
}

static void end_period(struct period *period)
{
	period->free_kb = meminfo("MemAvailable:");
	period->slab_kb = meminfo("Slab:");
	printf("# %5u s: %7llu operations %7llu events; ", nr_periods * PERIOD, period->ops,
	       period->events);
	printf("late, us: half < %llu 99%% < %llu most %llu; ", late_us(period, 50),
	       late_us(period, 99), period->late_max / 1000);
	printf("free %llu KB slab %llu KB\n", period->free_kb, period->slab_kb);
	fflush(stdout);
}

static void run(void)
{
	struct period start_up = { 0 };
	u64 start, end;

	while (nr_idle)
		step(&start_up);
	start = now_ns();
	while (nr_periods * PERIOD < seconds && nr_periods < MAX_PERIODS) {
		struct period *period = &periods[nr_periods++];

		end = start + nr_periods * PERIOD * NSEC;
		while (now_ns() < end)
			step(period);
		end_period(period);
	}
}

/* Each arming was accepted, and the kernel counts what the program does. */
static bool balances(void)
{
	struct htw_context_stats stats = { .size = sizeof(stats) };
	struct htw_query query = { .size = sizeof(query) };

	if (ioctl(fd, HTW_IOC_STATS, &stats) || ioctl(fd, HTW_IOC_QUERY, &query))
		err(1, "HTW_IOC_STATS");
	printf("# armed %llu re-armed %llu cancelled %llu withdrawn %llu delivered %llu\n",
	       totals.armed, totals.rearmed, totals.cancelled, totals.withdrawn,
	       totals.delivered);
	printf("# held %llu wrong %llu\n", (u64)query.nr_file, totals.wrong);
	/* What was withdrawn by a re-arming the program can't tell from what was not. */
	return !totals.wrong && stats.armed == totals.armed &&
	       stats.rearmed == totals.rearmed && stats.cancelled == totals.cancelled &&
	       stats.delivered == totals.delivered && stats.withdrawn >= totals.withdrawn &&
	       totals.armed == totals.delivered + totals.cancelled + totals.withdrawn +
			       query.nr_file;
}

/* From the first period that counts to the last, with what else a system does. */
static bool memory_is_flat(void)
{
	const struct period *first = &periods[WARM_UP], *last = &periods[nr_periods - 1];

	return last->free_kb + 4096 >= first->free_kb &&
	       last->slab_kb <= first->slab_kb + 4096;
}

static struct period sum_of(unsigned int from, unsigned int to)
{
	struct period sum = { 0 };
	unsigned int bucket;

	for (; from < to; from++) {
		sum.events += periods[from].events;
		for (bucket = 0; bucket < BUCKETS; bucket++)
			sum.late[bucket] += periods[from].late[bucket];
	}
	return sum;
}

/* The second half beside the first: the histogram has steps of two, and machines have moods. */
static bool lateness_is_steady(void)
{
	unsigned int half = (WARM_UP + nr_periods) / 2;
	struct period first = sum_of(WARM_UP, half), second = sum_of(half, nr_periods);

	printf("# late, us, first half: 50%% < %llu 99%% < %llu; second: 50%% < %llu 99%% < %llu\n",
	       late_us(&first, 50), late_us(&first, 99), late_us(&second, 50),
	       late_us(&second, 99));
	return late_us(&second, 50) <= 4 * late_us(&first, 50) + 128;
}

static int results;
static bool all_well = true;

static void result(bool passed, const char *name)
{
	printf("%sok %d %s\n", passed ? "" : "not ", ++results, name);
	all_well &= passed;
}

static void set_up(void)
{
	uint32_t i;

	fd = open("/dev/htw", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(1, "/dev/htw");
	ids = calloc(nr_timers, sizeof(*ids));
	idle = calloc(nr_timers, sizeof(*idle));
	if (!ids || !idle)
		errx(1, "no memory for %u timers", nr_timers);
	for (i = 0; i < nr_timers; i++)
		has_ended(i);
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "n:s:r:")) != -1) {
		switch (c) {
		case 'n':
			nr_timers = strtoul(optarg, NULL, 0);
			break;
		case 's':
			seconds = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			seed = strtoull(optarg, NULL, 0);
			break;
		default:
			errx(2, "usage: soak [-n TIMERS] [-s SECONDS] [-r SEED]");
		}
	}
	if (seconds < (WARM_UP + 2) * PERIOD || nr_timers < 4 * OPS || !seed)
		errx(2, "at least %d seconds, %d timers, and a seed that is not 0",
		     (WARM_UP + 2) * PERIOD, 4 * OPS);
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	printf("KTAP version 1\n# %u timers, seed %llu\n1..4\n", nr_timers, seed);
	set_up();
	run();
	result(balances(), "each_arming_has_one_end");
	result(!totals.early, "nothing_is_early");
	result(memory_is_flat(), "memory_is_flat");
	result(lateness_is_steady(), "lateness_is_steady");
	return !all_well;
}
