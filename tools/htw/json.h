/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_TOOL_JSON_H
#define HTW_TOOL_JSON_H

#include <stdio.h>

/* Print @text as a JSON string. What is not ASCII is taken to be UTF-8. */
static inline void json_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			printf("\\u%04x", (unsigned char)*text);
		else
			putchar(*text);
	}
	putchar('"');
}

#endif /* HTW_TOOL_JSON_H */
