/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads and children of a test, and how much of something the machine can be
 * asked for.
 */
#ifndef HTW_TEST_THREADS_H
#define HTW_TEST_THREADS_H

#include <dirent.h>
#include <pthread.h>

#include "ktap.h"

static inline pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	ASSERT_EQ(pthread_create(&thread, NULL, fn, arg), 0);
	return thread;
}

/* Return: what it has returned. */
static inline void *join(pthread_t thread)
{
	void *ret;

	ASSERT_EQ(pthread_join(thread, &ret), 0);
	return ret;
}

/* The state of a thread of this process: S sleeps, R runs. */
static inline char state_of(int tid)
{
	char path[64], state = 0;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	stat = fopen(path, "r");
	ASSERT_TRUE(stat);
	ASSERT_EQ(fscanf(stat, "%*d (%*[^)]) %c", &state), 1);
	fclose(stat);
	return state;
}

/* Until the one thread that was started sleeps: it waits for what it was started for. */
static inline void wait_until_it_sleeps(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int tid;

	ASSERT_TRUE(tasks);
	while ((entry = readdir(tasks))) {
		tid = atoi(entry->d_name);
		if (!tid || tid == getpid())
			continue;
		while (state_of(tid) != 'S')
			usleep(1000);
	}
	closedir(tasks);
}

/* The child must end well, and by itself. */
static inline void expect_child_ok(pid_t pid)
{
	int status = -1;

	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
}

static inline void kill_child(pid_t pid)
{
	ASSERT_EQ(kill(pid, SIGKILL), 0);
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
}

/*
 * @amount on a machine of the usual speed; HTW_TEST_PERCENT of it on one that is
 * told to be slower, as a debug kernel is. Never less than one.
 */
static inline uint64_t scaled(uint64_t amount)
{
	const char *percent = getenv("HTW_TEST_PERCENT");
	uint64_t part = percent ? strtoull(percent, NULL, 10) : 100;

	return amount * part / 100 ? amount * part / 100 : 1;
}

/* For flags and counters that threads share. */
#define load_shared(_p)		__atomic_load_n(_p, __ATOMIC_ACQUIRE)
#define store_shared(_p, _v)	__atomic_store_n(_p, _v, __ATOMIC_RELEASE)
#define add_shared(_p, _v)	__atomic_add_fetch(_p, _v, __ATOMIC_ACQ_REL)

#endif /* HTW_TEST_THREADS_H */
