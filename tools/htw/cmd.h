/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_TOOL_CMD_H
#define HTW_TOOL_CMD_H

/* Exit codes; EXIT_SUCCESS and EXIT_FAILURE are 0 and 1. */
#define EXIT_USAGE	2

/* Long options that have no letter. */
enum {
	OPT_DEVICE = 256,
	OPT_JSON,
	OPT_DIR,
	OPT_TICK,
	OPT_QUICK,
	OPT_TIMERS,
	OPT_RUNS,
};

/*
 * One function per subcommand. argv[0] is its name. They return the exit code
 * of the program.
 */
int cmd_info(int argc, char **argv);
int cmd_sleep(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_bench(int argc, char **argv);

int usage_error(const char *cmd);

#endif /* HTW_TOOL_CMD_H */
