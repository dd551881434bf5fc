/* SPDX-License-Identifier: GPL-2.0 */
/*
 * htw-user-bench: what timers cost a program, with htw and with what else there is, in
 * one run. Prints samples as the module htw_bench does, see ../kernel/bench.h.
 */
#ifndef HTW_BENCH_MEASURE_H
#define HTW_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

#include "backend.h"

#define MSEC		1000000ULL
#define SEC		1000000000ULL

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Expiries are spread over this, and begin that much later than now. */
#define SPAN_NS		(60 * SEC)
#define LEAD_NS		(300 * SEC)

/* Those that are compared: the first of them is htw. */
#define NR_PEERS	4
extern const struct backend *const peers[NR_PEERS];

/**
 * struct options - of the command line
 * @rounds: rounds of each, after one that only warms up
 * @sizes: numbers of timers
 * @nr_sizes: how many there are
 * @counted: the clock counts instructions
 */
struct options {
	unsigned int	rounds;
	unsigned int	sizes[8];
	unsigned int	nr_sizes;
	bool		counted;
};

extern struct options options;

/* Under this and above there is only htw; the others get slow, or refuse. */
#define PEERS_UP_TO	100000

uint64_t now_ns(void);
const char *unit(void);
void print_sample(const char *bench, unsigned int nr, const char *peer, unsigned int round,
		  double value, const char *unit);
void __printf(1, 2) progress(const char *format, ...);
noreturn void __printf(1, 2) die(const char *format, ...);
void check(const struct timers *t, int ret);
void *need_memory(size_t nr, size_t size);

uint32_t random_below(uint32_t limit);
uint64_t random_delta(uint64_t span);
void sleep_until(uint64_t ns);
void open_timers(struct timers *t, const struct backend *backend, unsigned int nr);
void arm_all(struct timers *t, const uint32_t *timers, const uint64_t *when, unsigned int nr);
void collect_all(struct timers *t, uint32_t *expired, unsigned int nr);
void check_each_once(const struct timers *t, const uint32_t *expired, unsigned int nr);
double median(double *values, size_t nr);
const struct backend *peer_of_turn(unsigned int round, unsigned int turn);

void bench_ops(void);
void bench_expire(void);
void bench_bytes(void);
void bench_words(void);
void bench_lateness(void);

#endif /* HTW_BENCH_MEASURE_H */
