// SPDX-License-Identifier: GPL-2.0
/*
 * The clocks that a context can be on.
 */
#include <linux/htw.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "duration.h"

static const struct {
	const char	*name;
	unsigned int	clock;
} clocks[] = {
	{ "monotonic", CLOCK_MONOTONIC },
	{ "boottime", CLOCK_BOOTTIME },
	{ "realtime", CLOCK_REALTIME },
	{ "tai", CLOCK_TAI },
	{ "virtual", HTW_CLOCK_VIRTUAL },
};

#define NR_CLOCKS	(sizeof(clocks) / sizeof(clocks[0]))

/**
 * clock_parse() - which clock
 * @cmd: the subcommand, for the complaint on stderr
 * @text: what the user gave
 * @clock: set to it
 */
bool clock_parse(const char *cmd, const char *text, unsigned int *clock)
{
	size_t i;

	for (i = 0; i < NR_CLOCKS; i++) {
		if (strcmp(clocks[i].name, text))
			continue;
		*clock = clocks[i].clock;
		return true;
	}
	fprintf(stderr, "htw %s: '%s' is not a clock; allowed: " CLOCK_SYNTAX
		"\n", cmd, text);
	return false;
}

/* Return: its name, or NULL if this program knows none. */
const char *clock_name(unsigned int clock)
{
	size_t i;

	for (i = 0; i < NR_CLOCKS; i++)
		if (clocks[i].clock == clock)
			return clocks[i].name;
	return NULL;
}

/* Timers of such a clock follow when it is set. */
bool clock_can_be_set(unsigned int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_TAI;
}

/* Not for HTW_CLOCK_VIRTUAL, of which the context alone knows the time. */
uint64_t clock_now(unsigned int clock)
{
	struct timespec ts;

	clock_gettime((clockid_t)clock, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}
