// SPDX-License-Identifier: GPL-2.0
/*
 * Opening the device. When that fails the errno alone helps nobody: say what is
 * missing, and what to do about it.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "device.h"

/* What --device said: stronger than the environment was. */
void device_choose(const char *path)
{
	setenv("HTW_DEVICE", path, 1);
}

static const char *device_path(void)
{
	const char *env = getenv("HTW_DEVICE");

	return env && *env ? env : DEVICE_DEFAULT;
}

/* Return: true, and what to do about it is on stderr, if htw is not loaded. */
bool explain_not_loaded(void)
{
	if (!access(MODULE_DIR, F_OK))
		return false;
	fprintf(stderr, "htw: the module is not loaded (there is no %s)\n"
		"htw: load it with `modprobe htw`, or with "
		"`insmod htw.ko` where it was built\n", MODULE_DIR);
	return true;
}

static void explain_missing(const char *path)
{
	if (explain_not_loaded())
		return;
	fprintf(stderr, "htw: the module is loaded, but there is no node\n");
	if (strcmp(path, DEVICE_DEFAULT))
		fprintf(stderr, "htw: is --device or $HTW_DEVICE right? "
			"The usual node is %s\n", DEVICE_DEFAULT);
	else
		fprintf(stderr, "htw: is udev running, or devtmpfs mounted on "
			"/dev? /sys/class/misc/htw/dev has its numbers\n");
}

/*
 * getgrgid() may load libraries, which a static program can't count on: so
 * only the file is asked.
 */
static void group_name(gid_t gid, char *name, size_t size)
{
	FILE *file = fopen("/etc/group", "re");
	struct group *group = NULL;

	while (file && (group = fgetgrent(file)))
		if (group->gr_gid == gid)
			break;
	if (group)
		snprintf(name, size, "%s", group->gr_name);
	else
		snprintf(name, size, "%u", (unsigned int)gid);
	if (file)
		fclose(file);
}

static void explain_denied(const char *path)
{
	char group[64];
	struct stat st;

	if (stat(path, &st))
		return;
	group_name(st.st_gid, group, sizeof(group));
	fprintf(stderr, "htw: the node has mode %04o, owner %u, group %s\n",
		(unsigned int)(st.st_mode & 07777), (unsigned int)st.st_uid,
		group);
	if (st.st_gid && (st.st_mode & 0060) == 0060)
		fprintf(stderr, "htw: become a member of the group with "
			"`usermod -aG %s USER` and log in again, or use "
			"sudo\n", group);
	else
		fprintf(stderr, "htw: use sudo, or give the node to a group "
			"with `chgrp htw %s; chmod 0660 %s`\n", path, path);
}

/**
 * device_open() - open the device, or explain on stderr why that is impossible
 * @flags: flags of open(2) besides O_RDWR
 *
 * Return: the descriptor, or -1.
 */
int device_open(int flags)
{
	const char *path = device_path();
	int fd = open(path, O_RDWR | O_CLOEXEC | flags);

	if (fd >= 0)
		return fd;
	fprintf(stderr, "htw: %s: %s\n", path, strerror(errno));
	switch (errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		explain_missing(path);
		break;
	case EACCES:
	case EPERM:
		explain_denied(path);
		break;
	}
	return -1;
}

/* Return: 0, or -1 with an explanation on stderr. */
int device_query(int fd, struct htw_query *query)
{
	memset(query, 0, sizeof(*query));
	if (!ioctl(fd, HTW_IOC_QUERY, query))
		return 0;
	fprintf(stderr, "htw: %s: query: %s\n", device_path(), strerror(errno));
	if (errno == ENOTTY)
		fprintf(stderr, "htw: this is not an htw device, or its module "
			"is older than this program\n");
	return -1;
}

/*
 * What the errno of a request means for whoever typed the command. strerror()
 * speaks of devices and file tables.
 */
static const struct {
	int		err;
	const char	*text;
} meanings[] = {
	{ ENOSPC, "the open file holds as many timers as it may; `htw info` "
		  "shows the limit" },
	{ EDQUOT, "this user has room for no more timers; `htw info` shows "
		  "the limit, CAP_SYS_RESOURCE lifts it" },
	{ ENFILE, "all users together have room for no more timers; `htw "
		  "info` shows the limit" },
	{ EOPNOTSUPP, "the module that is loaded can't do that, or not on "
		      "this clock; `htw info` shows what it can do" },
	{ ENOTTY, "the module that is loaded is older than this program and "
		  "has no such request; load a newer one" },
	{ E2BIG, "the module that is loaded is older than this program and "
		 "does not know all of this; load a newer one" },
};

/**
 * explain_errno() - what an errno of the device means, on stderr
 * @err: the errno, negative
 *
 * Says nothing if strerror() has said all there is to say.
 */
void explain_errno(int err)
{
	size_t i;

	for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].err == -err)
			fprintf(stderr, "htw: %s\n", meanings[i].text);
}

static void explain_setup(const struct htw_setup *setup)
{
	const char *clock = clock_name(setup->clock);

	fprintf(stderr, "htw: asked for was: clock %s", clock);
	if (setup->ring_entries)
		fprintf(stderr, ", a ring of %u events", setup->ring_entries);
	if (setup->flags & HTW_SETUP_WORDS)
		fprintf(stderr, ", deadline words");
	if (setup->tick_ns)
		fprintf(stderr, ", a tick of %llu ns", setup->tick_ns);
	fprintf(stderr, "\n");
}

/**
 * device_setup() - choose what a context is like
 * @fd: of the device
 * @cmd: the subcommand, for the complaint
 * @setup: what is wanted; filled in
 *
 * Return: false, with an explanation on stderr, if it can't be had.
 */
bool device_setup(int fd, const char *cmd, struct htw_setup *setup)
{
	int err;

	if (!ioctl(fd, HTW_IOC_SETUP, setup))
		return true;
	err = errno;
	fprintf(stderr, "htw %s: setup: %s\n", cmd, strerror(err));
	explain_errno(-err);
	explain_setup(setup);
	return false;
}

/* Return: 0, or the negative errno. */
int device_op(int fd, struct htw_op *op)
{
	return ioctl(fd, HTW_IOC_OP, op) ? -errno : 0;
}

/* Return: 0, or the negative errno. */
int device_batch(int fd, struct htw_batch *batch)
{
	return ioctl(fd, HTW_IOC_BATCH, batch) ? -errno : 0;
}

/* Return: 0, or the negative errno. */
int device_stats(int fd, struct htw_context_stats *stats)
{
	return ioctl(fd, HTW_IOC_STATS, stats) ? -errno : 0;
}
