/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_TOOL_DURATION_H
#define HTW_TOOL_DURATION_H

#include <stdbool.h>
#include <stdint.h>

#define NSEC_PER_USEC	1000ULL
#define NSEC_PER_MSEC	1000000ULL
#define NSEC_PER_SEC	1000000000ULL

/* The longest that the kernel takes, about 292 years. */
#define DURATION_MAX	((uint64_t)INT64_MAX)

/* What duration_parse() takes, for error messages. */
#define DURATION_SYNTAX	"a number with ns, us, ms, s, m, h or d, as in 1.5ms"

struct duration_text {
	char s[32];
};

bool duration_parse(const char *text, uint64_t *ns);
uint64_t duration_add(uint64_t a, uint64_t b);
struct duration_text duration_text(uint64_t ns);
bool count_parse(const char *cmd, const char *text, uint64_t *count);

#endif /* HTW_TOOL_DURATION_H */
