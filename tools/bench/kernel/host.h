/* SPDX-License-Identifier: GPL-2.0 */
/* Of the C library that User Mode Linux is linked with; its own headers are no use here. */
#ifndef _HTW_BENCH_HOST_H
#define _HTW_BENCH_HOST_H

#define HOST_CLOCK_PROCESS_CPUTIME_ID	2

struct host_timespec {
	long tv_sec;
	long tv_nsec;
};

int clock_gettime(int clock, struct host_timespec *ts);

#endif /* _HTW_BENCH_HOST_H */
