// SPDX-License-Identifier: GPL-2.0
/*
 * clock SECONDS SEED: sets CLOCK_REALTIME to and fro, by ns to years. In the end it is
 * about right again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "random.h"

#define SEC	1000000000LL

static int64_t now_on(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static int set(int64_t ns)
{
	struct timespec ts = { .tv_sec = ns / SEC, .tv_nsec = ns % SEC };

	return clock_settime(CLOCK_REALTIME, &ts);
}

/* The kernel refuses to be set to before it was booted. */
static int64_t draw_step(uint64_t *state, int64_t right)
{
	int64_t step = ((int64_t)draw(state, UINT32_MAX) << draw(state, 26)) + 1;

	return draw(state, 2) && step < right / 2 ? -step : step;
}

int main(int argc, char **argv)
{
	int64_t offset, end, steps = 0;
	uint64_t state;

	if (argc != 3) {
		fprintf(stderr, "usage: clock SECONDS SEED\n");
		return 2;
	}
	state = strtoull(argv[2], NULL, 0);
	offset = now_on(CLOCK_REALTIME) - now_on(CLOCK_MONOTONIC);
	end = now_on(CLOCK_MONOTONIC) + atoll(argv[1]) * SEC;
	while (now_on(CLOCK_MONOTONIC) < end) {
		int64_t right = offset + now_on(CLOCK_MONOTONIC);
		struct timespec rest = { .tv_nsec = draw(&state, 200000000) };

		if (set(right + draw_step(&state, right))) {
			perror("clock_settime");
			return 1;
		}
		steps++;
		nanosleep(&rest, NULL);
	}
	if (set(offset + now_on(CLOCK_MONOTONIC))) {
		perror("clock_settime");
		return 1;
	}
	printf("# the clock was set %lld times\n", (long long)steps);
	return steps ? 0 : 1;
}
