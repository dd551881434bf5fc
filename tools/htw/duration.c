// SPDX-License-Identifier: GPL-2.0
/*
 * Durations: read, added up and printed in integers, so that what was asked
 * for is what the kernel gets, to the nanosecond. And counts.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"

static const struct unit {
	const char	*name;
	uint64_t	ns;
} units[] = {
	{ "ns", 1 },
	{ "us", NSEC_PER_USEC },
	{ "ms", NSEC_PER_MSEC },
	{ "s", NSEC_PER_SEC },
	{ "m", 60 * NSEC_PER_SEC },
	{ "h", 3600 * NSEC_PER_SEC },
	{ "d", 86400 * NSEC_PER_SEC },
	{ "", NSEC_PER_SEC },		/* as sleep(1) */
};

static const struct unit *find_unit(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(units[i].name, name))
			return &units[i];
	return NULL;
}

static size_t count_digits(const char *text)
{
	size_t n = 0;

	while (isdigit((unsigned char)text[n]))
		n++;
	return n;
}

static bool whole_part(const char *digits, size_t n, uint64_t unit,
		       uint64_t *ns)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (sum > DURATION_MAX / 10)
			return false;
		sum = sum * 10 + (uint64_t)(digits[i] - '0');
	}
	if (sum > DURATION_MAX / unit)
		return false;
	*ns = sum * unit;
	return true;
}

/* From the last digit to the first: no product is larger than ten units. */
static uint64_t fraction(const char *digits, size_t n, uint64_t unit)
{
	uint64_t ns = 0;

	while (n--)
		ns = ((uint64_t)(digits[n] - '0') * unit + ns) / 10;
	return ns;
}

/**
 * duration_parse() - read a duration
 * @text: DURATION_SYNTAX, or a plain number of seconds
 * @ns: where it goes; what is finer than a nanosecond is cut off
 *
 * Return: false if it is none, or longer than DURATION_MAX.
 */
bool duration_parse(const char *text, uint64_t *ns)
{
	size_t whole = count_digits(text), frac = 0;
	const char *point = text + whole, *end = point;
	const struct unit *unit;

	if (*point == '.') {
		frac = count_digits(point + 1);
		end = point + 1 + frac;
	}
	unit = find_unit(end);
	if (!unit || !(whole + frac) || !whole_part(text, whole, unit->ns, ns))
		return false;
	*ns += fraction(point + 1, frac, unit->ns);
	return *ns <= DURATION_MAX;
}

/* Saturates: a sum never wraps into the past. */
uint64_t duration_add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/**
 * duration_text() - print a duration in the largest unit up to seconds of which
 * it has at least one
 * @ns: the duration
 *
 * Return: all of it, without zeros at the end: "131.072 us".
 */
struct duration_text duration_text(uint64_t ns)
{
	struct duration_text text;
	int unit = 3, digits = 9;
	size_t len;

	while (unit && ns < units[unit].ns) {
		unit--;
		digits -= 3;
	}
	len = (size_t)snprintf(text.s, sizeof(text.s), "%" PRIu64,
			       ns / units[unit].ns);
	if (ns % units[unit].ns) {
		len += (size_t)snprintf(text.s + len, sizeof(text.s) - len,
					".%0*" PRIu64, digits,
					ns % units[unit].ns);
		while (text.s[len - 1] == '0')
			len--;
	}
	snprintf(text.s + len, sizeof(text.s) - len, " %s", units[unit].name);
	return text;
}

/**
 * count_parse() - how often something is to be done
 * @cmd: the subcommand, for the complaint on stderr
 * @text: what the user gave
 * @count: set to it, from 1 on
 */
bool count_parse(const char *cmd, const char *text, uint64_t *count)
{
	char *end;

	errno = 0;
	*count = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && *count)
		return true;
	fprintf(stderr, "htw %s: '%s' is not a count; allowed: 1 and more\n",
		cmd, text);
	return false;
}
