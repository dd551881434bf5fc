// SPDX-License-Identifier: GPL-2.0
/*
 * htw: see what the timer device can do and does, sleep on it, run scripts of timers.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "device.h"

static const struct {
	const char	*name;
	int		(*run)(int argc, char **argv);
	const char	*about;
} commands[] = {
	{ "info", cmd_info, "show what the device can do, and its limits" },
	{ "sleep", cmd_sleep, "sleep, and tell how late it woke" },
	{ "run", cmd_run, "run a script of timers and print what they do" },
	{ "stat", cmd_stat, "show what timers have done, by CPU or of a process" },
	{ "watch", cmd_watch, "show what timers do now, again and again" },
	{ "bench", cmd_bench, "compare it with the other timers of this machine" },
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
	size_t i;

	printf("usage: htw [--device PATH] SUBCOMMAND [ARGUMENT]...\n\n");
	for (i = 0; i < NR_COMMANDS; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].about);
	printf("  %-8s this text\n\n"
	       "  -h, --help       this text, or that of a subcommand\n"
	       "  -V, --version    the version of this program\n"
	       "  --device PATH    use PATH, else $HTW_DEVICE, else %s\n\n"
	       "`htw SUBCOMMAND --help` tells more. Exit status: 0 done, "
	       "1 failed, 2 wrong usage.\n", "help", DEVICE_DEFAULT);
}

/* getopt has said on stderr what is wrong. */
int usage_error(const char *cmd)
{
	fprintf(stderr, "Try `htw %s%s--help`.\n", cmd, *cmd ? " " : "");
	return EXIT_USAGE;
}

static int run_command(int argc, char **argv)
{
	static char title[32];
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++) {
		if (strcmp(commands[i].name, argv[0]))
			continue;
		/*
		 * getopt starts anew with the subcommand's arguments, and puts
		 * argv[0] before its complaints.
		 */
		optind = 0;
		snprintf(title, sizeof(title), "htw %s", commands[i].name);
		argv[0] = title;
		return commands[i].run(argc, argv);
	}
	fprintf(stderr, "htw: there is no subcommand '%s'; there are: help",
		argv[0]);
	for (i = 0; i < NR_COMMANDS; i++)
		fprintf(stderr, ", %s", commands[i].name);
	fprintf(stderr, "\n");
	return EXIT_USAGE;
}

static int help(int argc, char **argv)
{
	static char option[] = "--help";
	char *of_command[] = { argv[1], option, NULL };

	if (argc > 1 && strcmp(argv[1], "help"))
		return run_command(2, of_command);
	print_help();
	return EXIT_SUCCESS;
}

/* Output that could not be written, to a full disk say, is a failure. */
static int finish(int code)
{
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	perror("htw: stdout");
	return code ? code : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "device", required_argument, NULL, OPT_DEVICE },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "+hV", options, NULL)) != -1) {
		switch (opt) {
		case 'h':
			print_help();
			return finish(EXIT_SUCCESS);
		case 'V':
			printf("htw %s\n", HTW_VERSION);
			return finish(EXIT_SUCCESS);
		case OPT_DEVICE:
			device_choose(optarg);
			break;
		default:
			return usage_error("");
		}
	}
	if (optind == argc) {
		fprintf(stderr, "htw: a subcommand is missing\n");
		return usage_error("");
	}
	argc -= optind;
	argv += optind;
	if (!strcmp(argv[0], "help"))
		return finish(help(argc, argv));
	return finish(run_command(argc, argv));
}
