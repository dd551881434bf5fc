// SPDX-License-Identifier: GPL-2.0
/* What is counted, not timed: memory of the kernel, and what deadline words make it do. */
#include <errno.h>
#include <linux/htw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "measure.h"

#define BYTES_TIMERS	100000

/* They expire within this, are pushed out by more, and each of them so often. */
#define WORD_TIMERS	1000
#define WORD_SPAN_NS	(200 * MSEC)
#define WORD_LEAD_NS	(500 * MSEC)
#define WORD_PUSH_NS	(600 * MSEC)
#define WORD_PUSHES	100

/* The line of @file that begins with @key, in kB, as bytes. */
static double read_meminfo(const char *key)
{
	FILE *file = fopen("/proc/meminfo", "re");
	size_t len = strlen(key);
	char line[128];
	double kib = -1;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, len) && line[len] == ':')
			kib = strtod(line + len + 1, NULL);
	if (!file || kib < 0)
		die("/proc/meminfo has no %s", key);
	fclose(file);
	return kib * 1024;
}

/*
 * What the kernel keeps: objects and tables. Pages that are mapped, which the rings of
 * io_uring and of htw are, are none of these.
 */
static double kernel_memory(void)
{
	return read_meminfo("Slab") + read_meminfo("VmallocUsed") + read_meminfo("Percpu");
}

static void bytes_of(const struct backend *backend, unsigned int round)
{
	uint32_t *timers = need_memory(BYTES_TIMERS, sizeof(*timers));
	uint64_t *when = need_memory(BYTES_TIMERS, sizeof(*when));
	uint64_t first = now_ns() + LEAD_NS;
	struct timers t;
	double before;
	uint32_t i;

	for (i = 0; i < BYTES_TIMERS; i++) {
		timers[i] = i;
		when[i] = first + random_delta(SPAN_NS);
	}
	before = kernel_memory();
	open_timers(&t, backend, BYTES_TIMERS);
	arm_all(&t, timers, when, BYTES_TIMERS);
	print_sample("bytes", BYTES_TIMERS, backend->name, round,
		     (kernel_memory() - before) / BYTES_TIMERS, "bytes");
	backend_close(&t);
	free(when);
	free(timers);
}

/* Memory of the kernel for each timer that is armed. */
void bench_bytes(void)
{
	unsigned int i;

	progress("bytes: %u timers of each", BYTES_TIMERS);
	/* Once: what is freed need not leave the kernel's caches at once. */
	for (i = 0; i < NR_PEERS; i++)
		bytes_of(peers[i], 1);
}

/* A column of the file in debugfs, of all CPUs. */
static uint64_t sum_column(const char *name)
{
	static const char path[] = "/sys/kernel/debug/htw/stats";
	FILE *file = fopen(path, "re");
	unsigned int column = 0, i;
	char line[512], *word, *rest;
	uint64_t sum = 0;

	if (!file || !fgets(line, sizeof(line), file))
		die("%s is not readable", path);
	for (word = strtok_r(line, "\n ", &rest); word && strcmp(word, name);
	     word = strtok_r(NULL, "\n ", &rest))
		column++;
	if (!word)
		die("%s has no column %s", path, name);
	while (fgets(line, sizeof(line), file)) {
		word = strtok_r(line, "\n ", &rest);
		for (i = 0; i < column && word; i++)
			word = strtok_r(NULL, "\n ", &rest);
		sum += word ? strtoull(word, NULL, 10) : 0;
	}
	fclose(file);
	return sum;
}

static struct htw_context_stats context_stats(const struct timers *t)
{
	struct htw_context_stats stats = { 0 };

	if (ioctl(backend_htw_fd(t), HTW_IOC_STATS, &stats))
		die("HTW_IOC_STATS: %s", strerror(errno));
	return stats;
}

static uint64_t tick_ns(const struct timers *t)
{
	struct htw_query query = { 0 };

	if (ioctl(backend_htw_fd(t), HTW_IOC_QUERY, &query))
		die("HTW_IOC_QUERY: %s", strerror(errno));
	return query.tick_ns;
}

/* Into how many slots timers fall that expire at @when, which is in order. */
static unsigned int count_slots(const uint64_t *when, unsigned int nr, uint64_t tick)
{
	unsigned int i, slots = 0;

	for (i = 0; i < nr; i++)
		if (!i || (when[i] + tick - 1) / tick != (when[i - 1] + tick - 1) / tick)
			slots++;
	return slots;
}

/**
 * struct word_run - timers that are pushed out
 * @t: the timers
 * @first: when the first of them may expire
 * @when: when each was to expire at first
 * @timers: all of them
 */
struct word_run {
	struct timers	t;
	uint64_t	first;
	uint64_t	when[WORD_TIMERS];
	uint32_t	timers[WORD_TIMERS];
};

static void arm_and_push(struct word_run *run)
{
	unsigned int i, push;

	check(&run->t, backend_open(&run->t, &backend_htw, WORD_TIMERS, WORD_TIMERS, true));
	run->first = now_ns() + WORD_LEAD_NS;
	for (i = 0; i < WORD_TIMERS; i++) {
		run->timers[i] = i;
		run->when[i] = run->first + i * (WORD_SPAN_NS / WORD_TIMERS);
	}
	arm_all(&run->t, run->timers, run->when, WORD_TIMERS);
	for (push = 1; push <= WORD_PUSHES; push++)
		for (i = 0; i < WORD_TIMERS; i++)
			check(&run->t, run->t.backend->push(&run->t, i, run->when[i] +
							    push * (WORD_PUSH_NS / WORD_PUSHES)));
	if (now_ns() >= run->first)
		die("the host is too busy: pushing took longer than %llu ms", WORD_LEAD_NS / MSEC);
}

static void all_expire_late(struct word_run *run)
{
	uint32_t expired[WORD_TIMERS];

	collect_all(&run->t, expired, WORD_TIMERS);
	if (now_ns() < run->when[WORD_TIMERS - 1] + WORD_PUSH_NS)
		die("a timer has expired before the time in its word");
	check_each_once(&run->t, expired, WORD_TIMERS);
}

/*
 * What the old expiries cost the kernel, after many pushes of each timer. The wheel has
 * interrupts of its own, in which it moves timers down and none is due: "needless".
 */
void bench_words(void)
{
	static struct word_run run;
	struct htw_context_stats stats;
	uint64_t interrupts, needless;
	double slots;

	progress("words: %u timers, pushed %u times each", WORD_TIMERS, WORD_PUSHES);
	arm_and_push(&run);
	interrupts = sum_column("interrupts");
	needless = sum_column("needless");
	sleep_until(run.first + WORD_SPAN_NS + (WORD_PUSH_NS - WORD_SPAN_NS) / 2);
	stats = context_stats(&run.t);
	interrupts = sum_column("interrupts") - interrupts;
	needless = sum_column("needless") - needless;
	if (stats.expired)
		die("%llu timers have expired at their old time",
		    (unsigned long long)stats.expired);

	slots = count_slots(run.when, WORD_TIMERS, tick_ns(&run.t));
	print_sample("word_refiles", WORD_TIMERS, "htw", 1,
		     (double)stats.pushed / WORD_TIMERS, "per_expiry");
	print_sample("word_interrupts", WORD_TIMERS, "htw", 1,
		     (double)(interrupts - needless) / slots, "per_slot");
	print_sample("word_needless", WORD_TIMERS, "htw", 1, (double)needless / slots,
		     "per_slot");
	print_sample("word_wakeups", WORD_TIMERS, "htw", 1, (double)stats.wakeups / slots,
		     "per_slot");
	all_expire_late(&run);
	backend_close(&run.t);
}
