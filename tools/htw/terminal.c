// SPDX-License-Identifier: GPL-2.0
/*
 * A screen that is drawn again and again, and the keys that are pressed meanwhile.
 * The sequences are those that all terminals of today know.
 *
 * However the program ends, the terminal is as it was: signals that end it are only
 * noted, and let in only where we sleep.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "duration.h"
#include "terminal.h"

#define ENTER_SCREEN	"\033[?1049h\033[?25l"
#define LEAVE_SCREEN	"\033[?25h\033[?1049l"
#define HOME		"\033[H"
#define BOLD		"\033[1m"
#define PLAIN		"\033[0m"
#define END_OF_LINE	"\033[K"
#define END_OF_SCREEN	"\033[J"

static struct {
	bool		draws;
	bool		has_keys;
	bool		entered;
	struct termios	before;
} terminal;

static volatile sig_atomic_t quit, resized, stopped;

static void note(int sig)
{
	if (sig == SIGWINCH)
		resized = 1;
	else if (sig == SIGTSTP)
		stopped = 1;
	else
		quit = 1;
}

static void put(const char *sequence)
{
	fputs(sequence, stdout);
	fflush(stdout);
}

static void enter(void)
{
	struct termios now;

	terminal.has_keys = !tcgetattr(STDIN_FILENO, &terminal.before);
	if (terminal.has_keys) {
		now = terminal.before;
		now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &now);
	}
	put(ENTER_SCREEN);
	terminal.entered = true;
}

/**
 * terminal_end() - give the terminal back as it was
 *
 * Can be called again, and is by exit().
 */
void terminal_end(void)
{
	if (!terminal.entered)
		return;
	terminal.entered = false;
	put(LEAVE_SCREEN);
	if (terminal.has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal.before);
}

static const int noted[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGWINCH, SIGTSTP,
};

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = note };
	sigset_t set;
	size_t i, nr = sizeof(noted) / sizeof(noted[0]);

	/* Without a screen to give back it may stop as ever. */
	if (!terminal.draws)
		nr--;
	sigemptyset(&set);
	for (i = 0; i < nr; i++) {
		sigaddset(&set, noted[i]);
		sigaction(noted[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/**
 * terminal_begin() - take the terminal over
 * @draw: stdout is a terminal, and is to be drawn on; else signals are caught alone
 */
void terminal_begin(bool draw)
{
	terminal.draws = draw;
	if (draw) {
		atexit(terminal_end);
		enter();
	}
	catch_signals();
}

/* Ctrl-Z: give the terminal back first, and take it again when we go on. */
static void stop(void)
{
	stopped = 0;
	terminal_end();
	raise(SIGSTOP);
	enter();
}

/* Return: false if nobody will press a key any more. */
static bool read_keys(void)
{
	char keys[64];
	ssize_t nr = read(STDIN_FILENO, keys, sizeof(keys));

	if (nr > 0 && (memchr(keys, 'q', (size_t)nr) ||
		       memchr(keys, 'Q', (size_t)nr)))
		quit = 1;
	return nr > 0;
}

static int sleep_until(uint64_t until)
{
	struct pollfd keys = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t now = clock_now(CLOCK_MONOTONIC);
	uint64_t left = until > now ? until - now : 0;
	struct timespec ts = {
		.tv_sec = (time_t)(left / NSEC_PER_SEC),
		.tv_nsec = (long)(left % NSEC_PER_SEC),
	};
	bool listens = terminal.entered && terminal.has_keys;
	sigset_t none;
	int ret;

	sigemptyset(&none);
	ret = ppoll(&keys, listens ? 1 : 0, &ts, &none);
	if (ret > 0)
		terminal.has_keys = read_keys();
	return ret;
}

/**
 * terminal_wait() - wait, but not for longer than somebody wants to see something
 * @until: how long, on CLOCK_MONOTONIC
 *
 * Return: what came first.
 */
enum terminal_event terminal_wait(uint64_t until)
{
	while (!quit) {
		int ret = sleep_until(until);

		if (quit)
			break;
		if (stopped) {
			stop();
			return TERMINAL_REDRAW;
		}
		if (resized) {
			resized = 0;
			return TERMINAL_REDRAW;
		}
		if (!ret)
			return TERMINAL_TIME;
		if (ret < 0 && errno != EINTR) {
			perror("htw watch: poll");
			break;
		}
	}
	return TERMINAL_QUIT;
}

static struct winsize size(void)
{
	struct winsize size;

	if (!terminal.draws || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ||
	    !size.ws_row || !size.ws_col)
		return (struct winsize){ .ws_row = 24, .ws_col = 80 };
	return size;
}

/* Return: how many lines the screen has now. */
unsigned int terminal_lines(void)
{
	return size().ws_row;
}

/**
 * terminal_draw() - draw the screen
 * @text: its lines, of which those that begin with a tab are headings; what is
 *	too long or too much is cut off
 */
void terminal_draw(const char *text)
{
	struct winsize screen = size();
	unsigned int line;
	int len;

	fputs(HOME, stdout);
	for (line = 0; line < screen.ws_row && *text; line++) {
		bool heading = *text == '\t';

		text += heading;
		len = (int)strcspn(text, "\n");
		printf("%s%s%.*s%s" END_OF_LINE, line ? "\n" : "",
		       heading ? BOLD : "",
		       len < screen.ws_col ? len : screen.ws_col, text,
		       heading ? PLAIN : "");
		text += len;
		text += *text == '\n';
	}
	put(END_OF_SCREEN);
}
