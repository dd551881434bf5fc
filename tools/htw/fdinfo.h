/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_TOOL_FDINFO_H
#define HTW_TOOL_FDINFO_H

#include <stddef.h>
#include <stdint.h>

#define MAX_FIELDS	48

/**
 * struct field - one line htw-NAME: VALUE
 * @name: without htw-
 * @value: a number or a word
 */
struct field {
	char	name[24];
	char	value[48];
};

/**
 * struct fdinfo - what the kernel tells of one open file of the device
 * @pid: the process
 * @comm: its name
 * @fd: the descriptor
 * @nr: how many fields there are
 * @fields: which
 */
struct fdinfo {
	int		pid;
	char		comm[20];
	int		fd;
	int		nr;
	struct field	fields[MAX_FIELDS];
};

/**
 * struct fdinfos - of many
 * @list: in the order of processes
 * @nr: how many
 */
struct fdinfos {
	struct fdinfo	*list;
	size_t		nr;
};

int fdinfo_of_process(struct fdinfos *all, int pid);
int fdinfo_of_all(struct fdinfos *all);
void fdinfo_free(struct fdinfos *all);

const char *fdinfo_text(const struct fdinfo *info, const char *name);
uint64_t fdinfo_number(const struct fdinfo *info, const char *name);
void fdinfo_json(const struct fdinfo *info);

#endif /* HTW_TOOL_FDINFO_H */
