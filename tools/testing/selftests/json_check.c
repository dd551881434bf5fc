// SPDX-License-Identifier: GPL-2.0
/*
 * usage: json_check [-l]
 *
 * Exits 0 if standard input is one JSON value and nothing else, or with -l at least one
 * line, each of which is one JSON object. Else it tells where it is not. No member of
 * an object may be there twice. For guests, which have nothing that reads JSON.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MEMBERS	512
#define MAX_DEPTH	32

static const char *text, *pos;
static unsigned int depth;

static void wrong(const char *what)
{
	fprintf(stderr, "json_check: byte %td: %s: %.40s\n", pos - text, what, pos);
	exit(1);
}

static void skip_space(void)
{
	while (*pos && strchr(" \t\r\n", *pos))
		pos++;
}

static void expect(char c, const char *what)
{
	skip_space();
	if (*pos != c)
		wrong(what);
	pos++;
}

static bool next_is(char c)
{
	skip_space();
	return *pos == c;
}

static void escape(void)
{
	int i;

	pos++;
	if (!*pos || !strchr("\"\\/bfnrtu", *pos))
		wrong("unknown escape");
	for (i = 1; *pos == 'u' && i <= 4; i++)
		if (!isxdigit((unsigned char)pos[i]))
			wrong("\\u without four digits");
	pos += *pos == 'u' ? 5 : 1;
}

static void string(void)
{
	expect('"', "a string is expected");
	while (*pos != '"') {
		if ((unsigned char)*pos < 0x20)
			wrong("a string is not closed, or has a control character");
		if (*pos == '\\')
			escape();
		else
			pos++;
	}
	pos++;
}

static void digits(void)
{
	if (!isdigit((unsigned char)*pos))
		wrong("a digit is expected");
	while (isdigit((unsigned char)*pos))
		pos++;
}

static void number(void)
{
	pos += *pos == '-';
	if (*pos == '0' && isdigit((unsigned char)pos[1]))
		wrong("a number begins with 0");
	digits();
	if (*pos == '.') {
		pos++;
		digits();
	}
	if (*pos == 'e' || *pos == 'E') {
		pos++;
		pos += *pos == '+' || *pos == '-';
		digits();
	}
}

static bool word(const char *name)
{
	size_t len = strlen(name);

	if (strncmp(pos, name, len))
		return false;
	pos += len;
	return true;
}

static void value(void);

static void array(void)
{
	pos++;
	if (!next_is(']')) {
		value();
		while (next_is(',')) {
			pos++;
			value();
		}
	}
	expect(']', "] or , is expected");
}

struct name {
	const char	*at;
	size_t		len;
};

static void member(struct name *names, size_t nr)
{
	size_t i;

	if (nr == MAX_MEMBERS)
		wrong("too many members");
	skip_space();
	names[nr].at = pos;
	string();
	names[nr].len = (size_t)(pos - names[nr].at);
	for (i = 0; i < nr; i++)
		if (names[i].len == names[nr].len &&
		    !memcmp(names[i].at, names[nr].at, names[nr].len))
			wrong("a member is there twice, before");
	expect(':', ": is expected");
	value();
}

static void object(void)
{
	struct name names[MAX_MEMBERS];
	size_t nr = 0;

	pos++;
	if (!next_is('}')) {
		member(names, nr++);
		while (next_is(',')) {
			pos++;
			member(names, nr++);
		}
	}
	expect('}', "} or , is expected");
}

static void value(void)
{
	if (++depth > MAX_DEPTH)
		wrong("too deep");
	skip_space();
	if (*pos == '{')
		object();
	else if (*pos == '[')
		array();
	else if (*pos == '"')
		string();
	else if (*pos == '-' || isdigit((unsigned char)*pos))
		number();
	else if (!word("true") && !word("false") && !word("null"))
		wrong("a value is expected");
	depth--;
}

static void check(const char *what, bool is_object)
{
	text = what;
	pos = what;
	if (is_object && !next_is('{'))
		wrong("an object is expected");
	value();
	skip_space();
	if (*pos)
		wrong("the end is expected");
}

int main(int argc, char **argv)
{
	bool lines = argc > 1 && !strcmp(argv[1], "-l");
	size_t size = 0, nr = 0;
	char *line = NULL;

	while (getdelim(&line, &size, lines ? '\n' : '\0', stdin) >= 0) {
		check(line, lines);
		nr++;
	}
	free(line);
	if (nr)
		return 0;
	fprintf(stderr, "json_check: there is nothing\n");
	return 1;
}
