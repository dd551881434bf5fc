/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_TOOL_CLOCK_H
#define HTW_TOOL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_SYNTAX	"monotonic, boottime, realtime, tai or virtual"

bool clock_parse(const char *cmd, const char *text, unsigned int *clock);
const char *clock_name(unsigned int clock);
bool clock_can_be_set(unsigned int clock);
uint64_t clock_now(unsigned int clock);

#endif /* HTW_TOOL_CLOCK_H */
