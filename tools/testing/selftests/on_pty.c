// SPDX-License-Identifier: GPL-2.0
/*
 * usage: on_pty ROWSxCOLUMNS [STEP]... -- COMMAND [ARGUMENT]...
 *
 * Run COMMAND on a terminal of that size, and print what it prints. Steps:
 *
 *   expect TEXT          go on when the command has printed TEXT
 *   keys TEXT            press these keys
 *   signal NUMBER        send a signal; SIGCONT when it has stopped
 *   resize ROWSxCOLUMNS  change the size
 *
 * Exits as the command does, or with 100 plus the number of the signal that ended it.
 * Exits with 98 if the modes of the terminal are not what they were, with 99 if TEXT did
 * not come within 20 s, or the command does not end.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define EXIT_MODES	98
#define EXIT_PATIENCE	99
#define PATIENCE	20
#define MOST_OUTPUT	(1 << 20)

static int master, slave;
static pid_t pid;
static char output[MOST_OUTPUT + 1];
static size_t printed, looked_at;

static void die(const char *what)
{
	perror(what);
	exit(EXIT_PATIENCE);
}

static void impatient(int sig)
{
	static const char text[] = "on_pty: it takes too long\n";

	(void)sig;
	if (pid > 0)
		kill(pid, SIGKILL);
	_exit(write(STDERR_FILENO, text, sizeof(text) - 1) ? EXIT_PATIENCE : 0);
}

static void set_size(const char *text)
{
	struct winsize size = { 0 };

	if (sscanf(text, "%hux%hu", &size.ws_row, &size.ws_col) != 2 ||
	    ioctl(master, TIOCSWINSZ, &size))
		die(text);
}

static void open_pty(const char *size)
{
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master))
		die("posix_openpt");
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		die("the terminal");
	set_size(size);
}

static void run(char **command)
{
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid)
		return;
	if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) || dup2(slave, 0) < 0 ||
	    dup2(slave, 1) < 0 || dup2(slave, 2) < 0)
		die("a terminal of its own");
	execvp(command[0], command);
	die(command[0]);
}

/* Takes what has been printed. Waits for it up to @ms. */
static void take(int ms)
{
	struct pollfd pfd = { .fd = master, .events = POLLIN };
	ssize_t len;

	if (poll(&pfd, 1, ms) <= 0 || printed == MOST_OUTPUT)
		return;
	len = read(master, output + printed, MOST_OUTPUT - printed);
	if (len <= 0)
		return;
	fwrite(output + printed, 1, (size_t)len, stdout);
	fflush(stdout);
	printed += (size_t)len;
	output[printed] = '\0';
}

static void expect(const char *text)
{
	char *found;

	while (!(found = strstr(output + looked_at, text)))
		take(100);
	looked_at = (size_t)(found - output) + strlen(text);
}

static void press(const char *keys)
{
	if (write(master, keys, strlen(keys)) < 0)
		die("keys");
}

static void send(int sig)
{
	int status;

	/* One that comes before has no effect. */
	if (sig == SIGCONT && waitpid(pid, &status, WUNTRACED) != pid)
		die("it has not stopped");
	kill(pid, sig);
}

static void step(const char *what, const char *arg)
{
	if (!strcmp(what, "expect"))
		expect(arg);
	else if (!strcmp(what, "keys"))
		press(arg);
	else if (!strcmp(what, "signal"))
		send(atoi(arg));
	else if (!strcmp(what, "resize"))
		set_size(arg);
	else
		die(what);
}

/* Return: what to exit with. */
static int wait_for_end(void)
{
	int status;

	while (!waitpid(pid, &status, WNOHANG))
		take(50);
	take(0);
	return WIFSIGNALED(status) ? 100 + WTERMSIG(status) : WEXITSTATUS(status);
}

static bool same_modes(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
	       a->c_lflag == b->c_lflag && a->c_cflag == b->c_cflag;
}

int main(int argc, char **argv)
{
	struct termios before, after;
	int i = 2, status;
	char **command = argv + 2;

	while (*command && strcmp(*command, "--"))
		command++;
	if (argc < 4 || !*command || !command[1]) {
		fprintf(stderr, "usage: on_pty ROWSxCOLUMNS [STEP]... -- COMMAND...\n");
		return 2;
	}
	signal(SIGALRM, impatient);
	alarm(PATIENCE);
	open_pty(argv[1]);
	tcgetattr(slave, &before);
	run(command + 1);
	for (; argv + i < command; i += 2)
		step(argv[i], argv[i + 1]);
	status = wait_for_end();
	tcgetattr(slave, &after);
	if (same_modes(&before, &after))
		return status;
	fprintf(stderr, "on_pty: the terminal is not as it was\n");
	return EXIT_MODES;
}
