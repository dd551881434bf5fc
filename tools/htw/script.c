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

#include "clock.h"
#include "duration.h"
#include "script.h"

#define MAX_WORDS	16
#define LABEL_MAX	31
#define LABEL_SYNTAX	"1 to 31 letters, digits and any of _ . : -"
#define COUNT_MAX	1000000000ULL
#define MEMBERS_MAX	16777216ULL
#define TAG_MAX		65535ULL

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

/* Digits only, from 1 to @most. */
static bool parse_number(const char *text, uint64_t most, uint64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return !*end && !errno && *number && *number <= most;
}

static bool parse_repeat(struct reader *reader, const char *word,
			 uint64_t *count)
{
	if (parse_number(word + 1, COUNT_MAX, count))
		return true;
	complain(reader, "'%s' does not say how often; allowed: x1 to x%llu",
		 word, COUNT_MAX);
	return false;
}

static bool parse_tag(struct reader *reader, const char *word,
		      unsigned int *tag)
{
	uint64_t number;

	if (parse_number(word, TAG_MAX, &number)) {
		*tag = (unsigned int)number;
		return true;
	}
	complain(reader, "'%s' is not a tag; allowed: 1 to %llu", word,
		 TAG_MAX);
	return false;
}

/* One time, or the first and the last of many: A..B. */
static bool parse_range(struct reader *reader, char *word, uint64_t *first,
			uint64_t *spread)
{
	char *dots = strstr(word, "..");
	uint64_t last;

	*spread = 0;
	if (!dots)
		return parse_time(reader, word, first);
	*dots = '\0';
	if (!parse_time(reader, word, first) ||
	    !parse_time(reader, dots + 2, &last))
		return false;
	if (last >= *first) {
		*spread = last - *first;
		return true;
	}
	complain(reader, "'%s..%s' ends before it begins", word, dots + 2);
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
	ends = duration_add(ends, timer->spread);
	if (timer->flags & HTW_TIMER_COARSE)
		ends = duration_add(ends, (delay + timer->spread) / 8);
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

#define OPTIONS_SYNTAX	"slack DURATION, tag N, coarse, deadline, keep, " \
			"skip, burst, word"

static const struct {
	const char	*name;
	unsigned int	flag;
} flag_words[] = {
	{ "coarse", HTW_TIMER_COARSE },
	{ "deadline", HTW_TIMER_DEADLINE },
	{ "keep", HTW_TIMER_KEEP },
	{ "skip", HTW_TIMER_SKIP },
	{ "burst", HTW_TIMER_BURST },
	{ "word", HTW_TIMER_WORD },
};

#define NR_FLAG_WORDS	(sizeof(flag_words) / sizeof(flag_words[0]))

/* Return: 0 if it is none. */
static unsigned int flag_of(const char *word)
{
	size_t i;

	for (i = 0; i < NR_FLAG_WORDS; i++)
		if (!strcmp(flag_words[i].name, word))
			return flag_words[i].flag;
	return 0;
}

static const char *flag_name(unsigned int flags)
{
	size_t i;

	for (i = 0; i < NR_FLAG_WORDS - 1; i++)
		if (flag_words[i].flag & flags)
			break;
	return flag_words[i].name;
}

static bool is_option(const char *word)
{
	return flag_of(word) || !strcmp(word, "slack") || !strcmp(word, "tag");
}

/* An option with its value. Return: the first word behind it, NULL if it is bad. */
static char **parse_option(struct reader *reader, struct script_timer *timer,
			   char **word)
{
	bool slack = !strcmp(word[0], "slack");

	if (flag_of(word[0])) {
		timer->flags |= flag_of(word[0]);
		return word + 1;
	}
	if (!is_option(word[0])) {
		complain(reader, "'%s' is not expected here; allowed: "
			 OPTIONS_SYNTAX, word[0]);
		return NULL;
	}
	if (!word[1]) {
		complain(reader, "nothing is behind '%s'; allowed: %s", word[0],
			 slack ? "slack DURATION" : "tag N");
		return NULL;
	}
	if (slack ? !parse_time(reader, word[1], &timer->slack) :
		    !parse_tag(reader, word[1], &timer->tag))
		return NULL;
	return word + 2;
}

/* Flags that contradict each other, or the kind of timer. */
static bool check_flags(struct reader *reader,
			const struct script_timer *timer)
{
	unsigned int flags = timer->flags;
	unsigned int missed = flags & (HTW_TIMER_SKIP | HTW_TIMER_BURST);

	if (missed == (HTW_TIMER_SKIP | HTW_TIMER_BURST))
		complain(reader, "skip and burst contradict each other");
	else if (missed && !timer->interval)
		complain(reader, "'%s' is for `every`: it is about missed "
			 "periods", flag_name(missed));
	else if (flags & HTW_TIMER_WORD && timer->interval)
		complain(reader, "'word' is not for `every`: a periodic timer "
			 "has no deadline word");
	else if (flags & HTW_TIMER_WORD && flags & HTW_TIMER_DEADLINE)
		complain(reader, "word and deadline contradict each other");
	else
		return true;
	return false;
}

/* What follows the time: [xN] LABEL [OPTION]... */
static bool parse_timer(struct reader *reader, struct script_timer *timer,
			char **word, bool repeats)
{
	if (repeats && *word && word[0][0] == 'x' && word[1] &&
	    !is_option(word[1])) {
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
	while (word && *word)
		word = parse_option(reader, timer, word);
	return word && check_flags(reader, timer);
}

static void finish_timer(struct reader *reader, struct script_timer *timer,
			 uint64_t delay)
{
	timer->ends = when_ended(reader, timer, delay);
	if (!label_is_free(reader, timer->label))
		return;
	add_timer(reader, timer, delay);
	reader->script->flags |= timer->flags;
}

static void read_after(struct reader *reader)
{
	struct script_timer timer = { .line = reader->line };
	uint64_t delay;

	if (parse_time(reader, reader->words[1], &delay) &&
	    parse_timer(reader, &timer, reader->words + 2, false))
		finish_timer(reader, &timer, delay);
}

static void read_every(struct reader *reader)
{
	struct script_timer timer = { .line = reader->line };

	if (!parse_time(reader, reader->words[1], &timer.interval))
		return;
	if (!timer.interval)
		complain(reader, "an interval of 0; allowed: 1ns and more, and "
			 "what `htw info` says");
	else if (parse_timer(reader, &timer, reader->words + 2, true))
		finish_timer(reader, &timer, timer.interval);
}

static void read_many(struct reader *reader)
{
	struct script_timer timer = { .line = reader->line };
	uint64_t members, delay;

	if (!parse_number(reader->words[1], MEMBERS_MAX, &members)) {
		complain(reader, "'%s' does not say how many; allowed: 1 to "
			 "%llu", reader->words[1], MEMBERS_MAX);
		return;
	}
	timer.members = (unsigned int)members;
	if (parse_range(reader, reader->words[2], &delay, &timer.spread) &&
	    parse_timer(reader, &timer, reader->words + 3, false))
		finish_timer(reader, &timer, delay);
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

/* Those that are named in @tag, or all. */
static void mark_cancelled(struct reader *reader, unsigned int tag)
{
	struct script *script = reader->script;
	size_t i;

	for (i = 0; i < script->nr_timers; i++)
		if ((!tag || script->timers[i].tag == tag) &&
		    !script->timers[i].cancelled)
			script->timers[i].cancelled = reader->line;
}

static void read_cancel_tag(struct reader *reader)
{
	struct script *script = reader->script;
	unsigned int tag;

	if (!parse_tag(reader, reader->words[1], &tag))
		return;
	mark_cancelled(reader, tag);
	add_step(reader, STEP_CANCEL_TAG, 0, 0);
	script->steps[script->nr_steps - 1].tag = tag;
}

static void read_cancel_all(struct reader *reader)
{
	mark_cancelled(reader, 0);
	add_step(reader, STEP_CANCEL_ALL, 0, 0);
}

static void read_rearm(struct reader *reader)
{
	struct script_timer *timer = find_timer(reader, reader->words[1]);
	uint64_t delay;

	if (!timer || !parse_time(reader, reader->words[2], &delay))
		return;
	if (timer->members) {
		complain(reader, "'%s' is many timers; allowed: push, cancel",
			 timer->label);
		return;
	}
	timer->ends = when_ended(reader, timer, delay);
	add_step(reader, STEP_REARM, delay,
		 (size_t)(timer - reader->script->timers));
}

static void read_push(struct reader *reader)
{
	struct script_timer *timer = find_timer(reader, reader->words[1]);
	uint64_t delay, ends;

	if (!timer || !parse_time(reader, reader->words[2], &delay))
		return;
	if (!(timer->flags & HTW_TIMER_WORD)) {
		complain(reader, "'%s' has no deadline word; say `word` in "
			 "line %u", timer->label, timer->line);
		return;
	}
	ends = when_ended(reader, timer, delay);
	if (ends > timer->ends)
		timer->ends = ends;
	add_step(reader, STEP_PUSH, delay,
		 (size_t)(timer - reader->script->timers));
}

static void read_wait(struct reader *reader)
{
	uint64_t delay;

	if (!strcmp(reader->words[1], "next")) {
		add_step(reader, STEP_NEXT, 0, 0);
		return;
	}
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
	{ "after", "after DURATION LABEL [OPTION]...", 3, MAX_WORDS,
	  read_after },
	{ "every", "every DURATION [xN] LABEL [OPTION]...", 3, MAX_WORDS,
	  read_every },
	{ "many", "many N DURATION[..DURATION] LABEL [OPTION]...", 4, MAX_WORDS,
	  read_many },
	{ "rearm", "rearm LABEL DURATION", 3, 3, read_rearm },
	{ "push", "push LABEL DURATION", 3, 3, read_push },
	{ "cancel", "cancel LABEL", 2, 2, read_cancel },
	{ "cancel-tag", "cancel-tag N", 2, 2, read_cancel_tag },
	{ "cancel-all", "cancel-all", 1, 1, read_cancel_all },
	{ "wait", "wait DURATION, wait next", 2, 2, read_wait },
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
			 "many, rearm, push, cancel, cancel-tag, cancel-all, "
			 "wait", reader->words[0]);
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

static bool timer_fits(const struct script *script,
		       const struct script_timer *timer,
		       const struct htw_query *query)
{
	unsigned int unknown = timer->flags &
			       ~(unsigned int)query->timer_flags;

	if (timer->interval && timer->interval < query->min_interval_ns)
		fprintf(stderr, "%s:%u: the interval is too short; allowed: %s "
			"and more\n", script->name, timer->line,
			duration_text(query->min_interval_ns).s);
	else if (unknown)
		fprintf(stderr, "%s:%u: the module that is loaded does not "
			"know '%s'; `htw info` shows the flags that it knows\n",
			script->name, timer->line, flag_name(unknown));
	else
		return true;
	return false;
}

/* Return: false if a word is wanted on a clock that can be set. */
static bool words_fit(const struct script *script, unsigned int clock)
{
	const struct script_timer *timer = script->timers;

	if (!(script->flags & HTW_TIMER_WORD) || !clock_can_be_set(clock))
		return true;
	while (!(timer->flags & HTW_TIMER_WORD))
		timer++;
	fprintf(stderr, "%s:%u: there are no deadline words on the clock %s: "
		"it can be set\n", script->name, timer->line,
		clock_name(clock));
	return false;
}

/**
 * script_fits() - check a script against what this kernel can do
 * @script: the script
 * @query: the answer of the device
 * @clock: that it is to run on
 *
 * Return: false if it asks for more; that was told on stderr.
 */
bool script_fits(const struct script *script, const struct htw_query *query,
		 unsigned int clock)
{
	bool ok = words_fit(script, clock);
	size_t i;

	for (i = 0; i < script->nr_timers; i++)
		ok &= timer_fits(script, &script->timers[i], query);
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
