// SPDX-License-Identifier: GPL-2.0
/*
 * The traces are opened and mapped before anything is forked and before any right is
 * given up; each thread of a program switches on one of its own. What softirqs and
 * kernel threads do is in no trace: HTW_OP_ADVANCE does most of it in the task.
 */
#include "kcov.h"

#include <fcntl.h>
#include <linux/kcov.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum { TRACE_WORDS = 32768, EDGES = 1 << 16, PCS = 1 << 14 };

static struct trace {
	int		fd;
	uint64_t	*words;
} traces[MAX_ACTORS];

static bool there;

/* From one place in the code to another, as a hash. */
static bool edges[EDGES];

/* All places, open addressing. */
static uint64_t pcs[PCS];
static uint32_t nr_pcs;

static struct comparison comparisons[MAX_COMPARISONS];
static uint32_t nr_comparisons;

/**
 * kcov_open() - open all traces
 *
 * Return: whether the kernel has KCOV and this user may use it.
 */
bool kcov_open(void)
{
	struct trace *trace;

	for (trace = traces; trace < traces + MAX_ACTORS; trace++) {
		trace->fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
		if (trace->fd < 0)
			return false;
		if (ioctl(trace->fd, KCOV_INIT_TRACE, (unsigned long)TRACE_WORDS))
			return false;
		trace->words = mmap(NULL, TRACE_WORDS * sizeof(uint64_t),
				    PROT_READ | PROT_WRITE, MAP_SHARED, trace->fd, 0);
		if (trace->words == MAP_FAILED)
			return false;
		/* The kernel writes there without it, and to copy it takes long. */
		if (madvise(trace->words, TRACE_WORDS * sizeof(uint64_t), MADV_DONTFORK))
			return false;
	}
	there = true;
	return true;
}

/**
 * kcov_there() - is there anything to be guided by?
 *
 * Return: that.
 */
bool kcov_there(void)
{
	return there;
}

/**
 * kcov_reset() - empty all traces, before a program
 */
void kcov_reset(void)
{
	uint32_t i;

	for (i = 0; there && i < MAX_ACTORS; i++)
		traces[i].words[0] = 0;
}

/**
 * kcov_start() - trace the calls of this thread
 * @actor: its number in the program
 * @compared: what is compared, not what is run
 */
void kcov_start(uint32_t actor, bool compared)
{
	if (there && ioctl(traces[actor].fd, KCOV_ENABLE,
			   (unsigned long)(compared ? KCOV_TRACE_CMP : KCOV_TRACE_PC)))
		abort();
}

/**
 * kcov_stop() - do so no more
 * @actor: the number of this thread
 */
void kcov_stop(uint32_t actor)
{
	if (there && ioctl(traces[actor].fd, KCOV_DISABLE, 0UL))
		abort();
}

static uint32_t hash_of(uint64_t value)
{
	return (uint32_t)((value * 0x9e3779b97f4a7c15ULL) >> 32);
}

static bool note_pc(uint64_t pc)
{
	uint32_t i = hash_of(pc) % PCS;

	while (pcs[i] && pcs[i] != pc)
		i = (i + 1) % PCS;
	if (pcs[i] || nr_pcs > PCS / 2)
		return false;
	pcs[i] = pc;
	nr_pcs++;
	return true;
}

static uint32_t collect_trace(const uint64_t *words)
{
	uint64_t before = 0, i;
	uint32_t edge, nr_new = 0;

	for (i = 1; i <= words[0] && i < TRACE_WORDS; i++) {
		edge = hash_of(before ^ words[i] << 1) % EDGES;
		before = words[i];
		nr_new += note_pc(words[i]) || !edges[edge];
		edges[edge] = true;
	}
	return nr_new;
}

/**
 * kcov_collect() - where has the program been that none was before?
 *
 * Return: how many new places and ways from one to the next.
 */
uint32_t kcov_collect(void)
{
	uint32_t i, nr_new = 0;

	for (i = 0; there && i < MAX_ACTORS; i++)
		nr_new += collect_trace(traces[i].words);
	return nr_new;
}

static void note_comparison(uint64_t with, uint64_t value)
{
	struct comparison new = { .with = with, .value = value };
	uint32_t i = hash_of(with * 31 + value) % MAX_COMPARISONS;

	if (with == value)
		return;
	if (!comparisons[i].with && !comparisons[i].value)
		nr_comparisons++;
	comparisons[i] = new;
}

/**
 * kcov_collect_comparisons() - what has been compared with what?
 */
void kcov_collect_comparisons(void)
{
	const uint64_t *words;
	uint64_t n;
	uint32_t i;

	for (i = 0; there && i < MAX_ACTORS; i++) {
		words = traces[i].words;
		for (n = 0; n < words[0] && n < (TRACE_WORDS - 1) / 4; n++)
			/* Type, two operands, place: a constant is the first. */
			note_comparison(words[1 + 4 * n + 1], words[1 + 4 * n + 2]);
	}
}

/**
 * kcov_nr_pcs() - how many places have been reached
 *
 * Return: that.
 */
uint32_t kcov_nr_pcs(void)
{
	return nr_pcs;
}

/**
 * kcov_nr_comparisons() - how many comparisons are known
 *
 * Return: that.
 */
uint32_t kcov_nr_comparisons(void)
{
	return nr_comparisons;
}

/**
 * kcov_comparison() - one of the comparisons
 * @n: any number
 *
 * Return: it, or NULL if there is none at that number.
 */
const struct comparison *kcov_comparison(uint32_t n)
{
	const struct comparison *comparison = &comparisons[n % MAX_COMPARISONS];

	return comparison->with || comparison->value ? comparison : NULL;
}

/**
 * kcov_write() - write down which places were reached
 * @file: where to
 */
void kcov_write(FILE *file)
{
	uint32_t i;

	for (i = 0; i < PCS; i++)
		if (pcs[i])
			fprintf(file, "%llx\n", (unsigned long long)pcs[i]);
}
