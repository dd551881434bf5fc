/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module's parameters, and users who are not root. A test that changes either
 * calls open_the_device() first, which also sets all back to what it was.
 */
#ifndef HTW_TEST_PARAMETER_H
#define HTW_TEST_PARAMETER_H

#include <grp.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "context.h"

/* Two users who own nothing here. */
#define NOBODY		65534
#define SOMEBODY	12345

/**
 * struct parameter - one of the module, and what it was at first
 * @name: of the parameter
 * @value: before any test
 */
static struct parameter {
	const char	*name;
	uint64_t	value;
} parameters[] = {
	{ .name = "max_timers" },
	{ .name = "max_user_timers" },
	{ .name = "max_total_timers" },
	{ .name = "pass_events" },
};

#define NR_PARAMETERS	(sizeof(parameters) / sizeof(parameters[0]))

static mode_t device_mode;

static inline int open_parameter(const char *name, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/htw/parameters/%s", name);
	return open(path, flags | O_CLOEXEC);
}

static inline uint64_t get_parameter(const char *name)
{
	int fd = open_parameter(name, O_RDONLY);
	char text[32] = "";

	ASSERT_GE(fd, 0);
	ASSERT_GT(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	return strtoull(text, NULL, 10);
}

/* Return: 0 or the negative errno. */
static inline int write_parameter(const char *name, const char *text)
{
	int fd = open_parameter(name, O_WRONLY), ret;

	ASSERT_GE(fd, 0);
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static inline void set_parameter(const char *name, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	ASSERT_EQ(write_parameter(name, text), 0);
}

/* For ktap_suite.check: root, with the device there; it notes how things are. */
static inline const char *need_root(void)
{
	const char *reason = need_device();
	struct stat st;
	size_t i;

	if (reason)
		return reason;
	if (geteuid())
		return "only root can set limits and become somebody else";
	for (i = 0; i < NR_PARAMETERS; i++)
		parameters[i].value = get_parameter(parameters[i].name);
	if (stat(device_path(), &st))
		return "the device can't be looked at";
	device_mode = st.st_mode & 07777;
	return NULL;
}

static inline void restore_parameters(void)
{
	size_t i;

	for (i = 0; i < NR_PARAMETERS; i++)
		set_parameter(parameters[i].name, parameters[i].value);
	ASSERT_EQ(chmod(device_path(), device_mode), 0);
}

/* From here on everybody may use it. */
static inline void open_the_device(void)
{
	restore_parameters();
	ASSERT_EQ(chmod(device_path(), 0666), 0);
}

/* For good: with no right that another user has not. */
static inline void become(uid_t user)
{
	ASSERT_EQ(setgroups(0, NULL), 0);
	ASSERT_EQ(setresgid(user, user, user), 0);
	ASSERT_EQ(setresuid(user, user, user), 0);
}

/* A context that this user has opened, in the hands of the caller. */
static inline int open_context_of(uid_t user)
{
	int fd;

	ASSERT_EQ(setresuid(user, user, 0), 0);
	fd = open_context(0);
	ASSERT_EQ(setresuid(0, 0, 0), 0);
	return fd;
}

/* Not ktap_main() alone: what the last test has set is set back. */
static inline int main_with_parameters(int argc, char **argv,
				       const struct ktap_suite *suite)
{
	int ret = ktap_main(argc, argv, suite);

	if (ktap_state)
		restore_parameters();
	return ret;
}

#endif /* HTW_TEST_PARAMETER_H */
