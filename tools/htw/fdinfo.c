// SPDX-License-Identifier: GPL-2.0
/*
 * Open files of the device, whoever has them: /proc/PID/fdinfo.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fdinfo.h"
#include "json.h"

#define PREFIX	"htw-"

/* Return: the number of the device, 0 if htw is not loaded. */
static dev_t device_number(void)
{
	FILE *file = fopen("/sys/class/misc/htw/dev", "re");
	unsigned int major, minor;
	dev_t dev = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%u:%u", &major, &minor) == 2)
		dev = makedev(major, minor);
	fclose(file);
	return dev;
}

/* A process can have very many files: to ask what they are costs less than to read. */
static bool is_device(int pid, int fd, dev_t device)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	return !stat(path, &st) && S_ISCHR(st.st_mode) && st.st_rdev == device;
}

static void read_comm(struct fdinfo *info)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", info->pid);
	file = fopen(path, "re");
	if (file && fgets(info->comm, sizeof(info->comm), file))
		info->comm[strcspn(info->comm, "\n")] = '\0';
	if (file)
		fclose(file);
}

static void add_field(struct fdinfo *info, const char *line)
{
	struct field *field = &info->fields[info->nr];

	if (info->nr == MAX_FIELDS ||
	    strncmp(line, PREFIX, sizeof(PREFIX) - 1))
		return;
	if (sscanf(line + sizeof(PREFIX) - 1, "%23[^:]: %47s", field->name,
		   field->value) == 2)
		info->nr++;
}

/* It may be closed meanwhile, or its process end: then there is nothing to tell. */
static bool read_fields(struct fdinfo *info)
{
	char path[64], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", info->pid,
		 info->fd);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		add_field(info, line);
	fclose(file);
	return info->nr;
}

static int add_file(struct fdinfos *all, int pid, int fd)
{
	struct fdinfo *list;

	list = realloc(all->list, (all->nr + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	all->list = list;
	list[all->nr] = (struct fdinfo){ .pid = pid, .fd = fd };
	if (!read_fields(&list[all->nr]))
		return 0;
	read_comm(&list[all->nr]);
	all->nr++;
	return 0;
}

static int add_process(struct fdinfos *all, int pid, dev_t device)
{
	struct dirent *entry;
	char path[64];
	int fd, err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir))) {
		fd = atoi(entry->d_name);
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    is_device(pid, fd, device))
			err = add_file(all, pid, fd);
	}
	closedir(dir);
	return err;
}

/**
 * fdinfo_of_process() - the open files of a process
 * @all: filled in, even if it fails
 * @pid: the process
 *
 * Return: 0, or a negative errno: ENOENT, there is no such process; EACCES, it is
 * somebody else's; ENXIO, htw is not loaded; ENOMEM.
 */
int fdinfo_of_process(struct fdinfos *all, int pid)
{
	dev_t device = device_number();

	memset(all, 0, sizeof(*all));
	return device ? add_process(all, pid, device) : -ENXIO;
}

/**
 * fdinfo_of_all() - the open files of all processes that we may look at
 * @all: filled in, even if it fails
 *
 * Return: 0, or a negative errno.
 */
int fdinfo_of_all(struct fdinfos *all)
{
	dev_t device = device_number();
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	memset(all, 0, sizeof(*all));
	if (!device)
		return -ENXIO;
	dir = opendir("/proc");
	if (!dir)
		return -errno;
	while (err != -ENOMEM && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			err = add_process(all, atoi(entry->d_name), device);
	closedir(dir);
	return err == -ENOMEM ? err : 0;
}

void fdinfo_free(struct fdinfos *all)
{
	free(all->list);
	memset(all, 0, sizeof(*all));
}

/* Return: NULL if the kernel does not tell that. */
const char *fdinfo_text(const struct fdinfo *info, const char *name)
{
	int i;

	for (i = 0; i < info->nr; i++)
		if (!strcmp(info->fields[i].name, name))
			return info->fields[i].value;
	return NULL;
}

/* Return: 0 too if the kernel does not tell that. */
uint64_t fdinfo_number(const struct fdinfo *info, const char *name)
{
	const char *text = fdinfo_text(info, name);

	return text ? strtoull(text, NULL, 10) : 0;
}

static bool is_number(const char *value)
{
	return *value && !value[strspn(value, "0123456789")];
}

/* Print all fields as members of a JSON object that has begun. */
void fdinfo_json(const struct fdinfo *info)
{
	int i;

	for (i = 0; i < info->nr; i++) {
		printf(", ");
		json_string(info->fields[i].name);
		printf(": ");
		if (is_number(info->fields[i].value))
			printf("%s", info->fields[i].value);
		else
			json_string(info->fields[i].value);
	}
}
