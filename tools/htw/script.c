// SPDX-License-Identifier: GPL-2.0
/*
 * Scripts of htw run: read and checked as a whole, so that a mistake in the
 * last line does not leave half of them done.
 *
 * A label names the latest timer that was made with it. It can be given again
 * when that timer has ended; whether it has is decided here, by the times in
 * the script, and not by what happens later: so a script is right or wrong.
 */
#include <ctype.h>
#include <errno.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "script.h"

#define MAX_WORDS	6
#define LABEL_MAX	31
#define LABEL_SYNTAX	"1 to 31 letters, digits and any of _ . : -"
#define COUNT_MAX	1000000000ULL

/* A line that is being read, and what is known before it. */
struct reader {
	struct script	*script;
	void		*labels;	/* tree of struct label */
	uint64_t	now;		/* the sum of the waits so far */
	unsigned int	line;
	char		*words[MAX_WORDS + 1];	/* ends with NULL */
	size_t		nr_words;
	bool		failed;
};

struct label {
	const char	*name;
	size_t		timer;
};

static void __attribute__((format(printf, 2, 3)))
complain(struct reader *reader, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%u: ", reader->script->name, reader->line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	reader->failed = true;
}

static void *need(void *memory)
{
	if (memory)
		return memory;
	perror("htw run");
	exit(EXIT_FAILURE);
}

/* Room for one more; doubled whenever @nr is a power of two. */
static void *grow(void *array, size_t nr, size_t size)
{
	if (nr & (nr - 1))
		return array;
	return need(realloc(array, (nr ? nr * 2 : 1) * size));
}

static int compare_labels(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name,
		      ((const struct label *)b)->name);
}

static struct label *find_label(struct reader *reader, const char *name)
{
	struct label key = { .name = name };
	void *found = tfind(&key, &reader->labels, compare_labels);

	return found ? *(struct label **)found : NULL;
}

static void set_label(struct reader *reader, const char *name, size_t timer)
{
	struct label *label = find_label(reader, name);

	if (!label) {
		label = need(malloc(sizeof(*label)));
		label->name = name;
		need(tsearch(label, &reader->labels, compare_labels));
	}
	label->timer = timer;
}

static bool parse_time(struct reader *reader, const char *word, uint64_t *ns)
{
	if (duration_parse(word, ns))
		return true;
	complain(reader, "'%s' is not a duration; allowed: %s", word,
		 DURATION_SYNTAX);
	return false;
}

static bool parse_label(struct reader *reader, const char *word)
{
	size_t i, len = strlen(word);

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)word[i]) &&
		    !strchr("_.:-", word[i]))
			break;
	if (i == len && len <= LABEL_MAX)
		return true;
	complain(reader, "'%s' is not a label; allowed: %s", word,
		 LABEL_SYNTAX);
	return false;
}

static bool parse_repeat(struct reader *reader, const char *word,
			 uint64_t *count)
{
	char *end;

	*count = isdigit((unsigned char)word[1]) ? strtoull(word + 1, &end, 10)
						 : 0;
	if (*count && *count <= COUNT_MAX && !*end)
		return true;
	complain(reader, "'%s' does not say how often; allowed: x1 to x%llu",
		 word, COUNT_MAX);
	return false;
}

/* The timer that a `cancel` or `rearm` means. */
static struct script_timer *find_timer(struct reader *reader, const char *word)
{
	struct label *label = find_label(reader, word);
	struct script_timer *timer;

	if (!label) {
		complain(reader, "there is no timer '%s' before this line",
			 word);
		return NULL;
	}
	timer = &reader->script->timers[label->timer];
	if (!timer->cancelled)
		return timer;
	complain(reader, "'%s' was cancelled in line %u", word,
		 timer->cancelled);
	return NULL;
}

static bool label_is_free(struct reader *reader, const char *word)
{
	struct label *label = find_label(reader, word);
	struct script_timer *timer;

	if (!label)
		return true;
	timer = &reader->script->timers[label->timer];
	if (timer->cancelled || timer->ends < reader->now)
		return true;
	complain(reader, "'%s' is taken by the timer of line %u; allowed: "
		 "another label, or this one when that timer has ended", word,
		 timer->line);
	return false;
}

static uint64_t when_ended(const struct reader *reader,
			   const struct script_timer *timer, uint64_t delay)
{
	uint64_t ends = duration_add(reader->now, delay);
	uint64_t more = timer->count ? timer->count - 1 : 0;

	if (timer->interval && !timer->count)
		return UINT64_MAX;
	if (more && timer->interval > UINT64_MAX / more)
		return UINT64_MAX;
	ends = duration_add(ends, more * timer->interval);
	return duration_add(ends, timer->slack);
}

static void add_step(struct reader *reader, enum step_kind kind,
		     uint64_t delay, size_t timer)
{
	struct script *script = reader->script;

	script->steps = grow(script->steps, script->nr_steps,
			     sizeof(*script->steps));
	script->steps[script->nr_steps++] = (struct step){
		.kind = kind,
		.line = reader->line,
		.timer = timer,
		.delay = delay,
	};
}

static void add_timer(struct reader *reader, const struct script_timer *timer,
		      uint64_t delay)
{
	struct script *script = reader->script;
	size_t nr = script->nr_timers++;

	script->timers = grow(script->timers, nr, sizeof(*script->timers));
	script->timers[nr] = *timer;
	script->timers[nr].label = need(strdup(timer->label));
	set_label(reader, script->timers[nr].label, nr);
	add_step(reader, STEP_ARM, delay, nr);
}

/* What follows the time: [xN] LABEL [slack DURATION]. */
static bool parse_timer(struct reader *reader, struct script_timer *timer,
			bool repeats)
{
	char **word = reader->words + 2;

	if (repeats && *word && word[0][0] == 'x' && word[1] &&
	    strcmp(word[1], "slack")) {
		if (!parse_repeat(reader, *word++, &timer->count))
			return false;
	}
	if (!*word) {
		complain(reader, "a label is missing; allowed: %s",
			 LABEL_SYNTAX);
		return false;
	}
	timer->label = *word++;
	if (!parse_label(reader, timer->label))
		return false;
	if (!*word)
		return true;
	if (!strcmp(word[0], "slack") && word[1] && !word[2])
		return parse_time(reader, word[1], &timer->slack);
	complain(reader, "'%s' is not expected here; allowed: slack DURATION",
		 *word);
	return false;
}

static void read_timer(struct reader *reader, bool repeats)
{
	struct script_timer timer = { .line = reader->line };
	uint64_t delay;

	if (!parse_time(reader, reader->words[1], &delay) ||
	    !parse_timer(reader, &timer, repeats))
		return;
	if (repeats && !delay) {
		complain(reader, "an interval of 0; allowed: 1ns and more, and "
			 "what `htw info` says");
		return;
	}
	timer.interval = repeats ? delay : 0;
	timer.ends = when_ended(reader, &timer, delay);
	if (label_is_free(reader, timer.label))
		add_timer(reader, &timer, delay);
}

static void read_after(struct reader *reader)
{
	read_timer(reader, false);
}

static void read_every(struct reader *reader)
{
	read_timer(reader, true);
}

static void read_cancel(struct reader *reader)
{
	struct script_timer *timer = find_timer(reader, reader->words[1]);

	if (!timer)
		return;
	timer->cancelled = reader->line;
	add_step(reader, STEP_CANCEL, 0,
		 (size_t)(timer - reader->script->timers));
}

static void read_rearm(struct reader *reader)
{
	struct script_timer *timer = find_timer(reader, reader->words[1]);
	uint64_t delay;

	if (!timer || !parse_time(reader, reader->words[2], &delay))
		return;
	timer->ends = when_ended(reader, timer, delay);
	add_step(reader, STEP_REARM, delay,
		 (size_t)(timer - reader->script->timers));
}

static void read_wait(struct reader *reader)
{
	uint64_t delay;

	if (!parse_time(reader, reader->words[1], &delay))
		return;
	reader->now = duration_add(reader->now, delay);
	add_step(reader, STEP_WAIT, delay, 0);
}

static const struct command {
	const char	*name;
	const char	*usage;
	size_t		min_words;
	size_t		max_words;
	void		(*read)(struct reader *reader);
} commands[] = {
	{ "after", "after DURATION LABEL [slack DURATION]", 3, 5, read_after },
	{ "every", "every DURATION [xN] LABEL [slack DURATION]", 3, 6,
	  read_every },
	{ "cancel", "cancel LABEL", 2, 2, read_cancel },
	{ "rearm", "rearm LABEL DURATION", 3, 3, read_rearm },
	{ "wait", "wait DURATION", 2, 2, read_wait },
};

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* Splits the line in place. Return: how many words there are, kept or not. */
static size_t split(struct reader *reader, char *text)
{
	char *word, *save = NULL;
	size_t nr = 0;

	text[strcspn(text, "#")] = '\0';
	memset(reader->words, 0, sizeof(reader->words));
	for (word = strtok_r(text, " \t\r\n", &save); word;
	     word = strtok_r(NULL, " \t\r\n", &save)) {
		if (nr < MAX_WORDS)
			reader->words[nr] = word;
		nr++;
	}
	return nr;
}

static void read_one_line(struct reader *reader, char *text)
{
	const struct command *command;
	size_t nr = split(reader, text);

	if (!nr)
		return;
	command = find_command(reader->words[0]);
	if (!command)
		complain(reader, "'%s' is not known; allowed: after, every, "
			 "cancel, rearm, wait", reader->words[0]);
	else if (nr < command->min_words || nr > command->max_words)
		complain(reader, "too %s words; allowed: %s",
			 nr < command->min_words ? "few" : "many",
			 command->usage);
	else
		command->read(reader);
}

static bool read_lines(struct reader *reader, FILE *file)
{
	size_t size = 0;
	char *text = NULL;

	while (getline(&text, &size, file) >= 0) {
		reader->line++;
		read_one_line(reader, text);
	}
	free(text);
	if (!ferror(file))
		return !reader->failed;
	fprintf(stderr, "htw run: %s: %s\n", reader->script->name,
		strerror(errno));
	return false;
}

/**
 * script_read() - read and check a script
 * @script: where it goes
 * @path: of the file, or "-" for standard input
 *
 * Return: false if there is a mistake in it; all of them were told on stderr.
 */
bool script_read(struct script *script, const char *path)
{
	bool standard_input = !strcmp(path, "-");
	struct reader reader = { .script = script };
	FILE *file = standard_input ? stdin : fopen(path, "re");
	bool ok;

	*script = (struct script){
		.name = standard_input ? "<stdin>" : path,
	};
	if (!file) {
		fprintf(stderr, "htw run: %s: %s\n", path, strerror(errno));
		return false;
	}
	ok = read_lines(&reader, file);
	tdestroy(reader.labels, free);
	if (!standard_input)
		fclose(file);
	return ok;
}

/**
 * script_fits() - check a script against what this kernel can do
 * @script: the script
 * @query: the answer of the device
 *
 * Return: false if it asks for more; that was told on stderr.
 */
bool script_fits(const struct script *script, const struct htw_query *query)
{
	bool ok = true;
	size_t i;

	for (i = 0; i < script->nr_timers; i++) {
		const struct script_timer *timer = &script->timers[i];

		if (!timer->interval ||
		    timer->interval >= query->min_interval_ns)
			continue;
		fprintf(stderr, "%s:%u: the interval is too short; allowed: %s "
			"and more\n", script->name, timer->line,
			duration_text(query->min_interval_ns).s);
		ok = false;
	}
	return ok;
}

void script_free(struct script *script)
{
	size_t i;

	for (i = 0; i < script->nr_timers; i++)
		free(script->timers[i].label);
	free(script->timers);
	free(script->steps);
}
