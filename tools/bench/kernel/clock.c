// SPDX-License-Identifier: GPL-2.0
/* The clock of the benchmarks. */
#include "bench.h"
#include "host.h"

#include <linux/sched/clock.h>

#if BENCH_CPU_TIME
/*
 * User Mode Linux is one process of the host and linked with its libc: the CPU
 * time of that process is what the work really took, whatever else the host does
 * meanwhile.
 */
/**
 * bench_clock() - what all costs are measured with
 *
 * Return: ns: the host's CPU time under User Mode Linux, else the CPU's clock.
 */
u64 bench_clock(void)
{
	struct host_timespec ts;

	clock_gettime(HOST_CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}
#else
/* The same elsewhere, where nothing better is to be had. */
u64 bench_clock(void)
{
	return local_clock();
}
#endif
