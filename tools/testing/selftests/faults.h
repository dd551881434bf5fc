/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocations and copies of a system call that fail, one in each try: the kernel counts
 * them (/proc/thread-self/fail-nth) and has the n-th one fail, whoever made it. For a
 * kernel with CONFIG_FAULT_INJECTION; see fault-injection.rst in its documentation.
 */
#ifndef HTW_TEST_FAULTS_H
#define HTW_TEST_FAULTS_H

#include "parameter.h"

static int nth_fd = -1;

static inline bool write_setting(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) > 0;

	close(fd);
	return ok;
}

#define FAULTS	"/sys/kernel/debug/"

/*
 * All allocations may fail, without a word: the n-th of a task that asks for it, or each
 * of a task that says so (/proc/thread-self/make-it-fail).
 */
static inline const char *set_up_faults(void)
{
	static const char *const settings[][2] = {
		{ FAULTS "failslab/task-filter", "Y" },
		{ FAULTS "failslab/probability", "100" },
		{ FAULTS "failslab/times", "-1" },
		{ FAULTS "failslab/ignore-gfp-wait", "N" },
		{ FAULTS "failslab/verbose", "0" },
		{ FAULTS "fail_page_alloc/task-filter", "Y" },
		{ FAULTS "fail_page_alloc/probability", "100" },
		{ FAULTS "fail_page_alloc/times", "-1" },
		{ FAULTS "fail_page_alloc/ignore-gfp-wait", "N" },
		{ FAULTS "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ FAULTS "fail_page_alloc/min-order", "0" },
		{ FAULTS "fail_page_alloc/verbose", "0" },
		{ FAULTS "fail_usercopy/task-filter", "Y" },
		{ FAULTS "fail_usercopy/probability", "0" },
		{ FAULTS "fail_usercopy/verbose", "0" },
	};
	size_t i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (!write_setting(settings[i][0], settings[i][1]))
			return settings[i][0];
	return NULL;
}

/* For struct ktap_suite. */
static inline const char *need_faults(void)
{
	const char *missing = set_up_faults();

	return missing ? missing : need_root();
}

/* As long as the process is root. */
static inline void open_nth(void)
{
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	ASSERT_GE(nth_fd, 0);
}

static inline void fail_nth(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	ASSERT_EQ(pwrite(nth_fd, text, (size_t)len, 0), len);
}

/*
 * Nothing fails from here on. Return: whether something has failed. To ask is to copy,
 * which is counted too: if it is asked just before the fault, it is the asking that fails.
 */
static inline bool fault_was_met(void)
{
	char text[16] = "";
	bool met = pread(nth_fd, text, sizeof(text) - 1, 0) > 0 &&
		   !strtoul(text, NULL, 10);

	if (pwrite(nth_fd, "0", 1, 0) < 0)
		ASSERT_EQ(errno, EFAULT);
	return met;
}

/* As long as @fail is true there is no memory at all. */
static inline void fail_all(bool fail)
{
	static int fail_fd = -1;

	if (fail_fd < 0)
		fail_fd = open("/proc/self/make-it-fail", O_RDWR | O_CLOEXEC);
	ASSERT_EQ(pwrite(fail_fd, fail ? "1" : "0", 1, 0), 1);
}

/**
 * struct trial - a call whose allocations and copies fail in turn
 * @begin: makes what it takes; may be NULL
 * @call: the call. Returns 0 or the negative errno
 * @unchanged: it has failed for want of memory: nothing has changed; may be NULL
 * @done: it was done; once
 * @end: takes all away
 * @late: what the call says if it is made again after it was done but could not tell
 *	so (EFAULT); 0 if that makes no difference
 * @enomem: how many tries have ended with ENOMEM
 * @efault: the same with EFAULT
 * @story: a letter for each fault: M and F for these, . for one that did no harm
 */
struct trial {
	void	(*begin)(void);
	int	(*call)(void);
	void	(*unchanged)(void);
	void	(*done)(void);
	void	(*end)(void);
	int	late;
	int	enomem, efault;
	char	story[256];
};

/* It is one of those that are documented, nothing has changed, and again it works. */
static inline void check_failed(struct trial *t, int err)
{
	int again;

	EXPECT_TRUE(err == -ENOMEM || err == -EFAULT);
	t->enomem += err == -ENOMEM;
	t->efault += err == -EFAULT;
	if (err == -ENOMEM && t->unchanged)
		t->unchanged();
	again = t->call();
	if (err != -EFAULT || again != t->late)
		EXPECT_EQ(again, 0);
}

/* Return: whether the call was long enough for the fault to be met. */
static inline bool try_with_fault(struct trial *t, unsigned int nth)
{
	size_t end = strlen(t->story);
	bool met;
	int err;

	if (t->begin)
		t->begin();
	fail_nth(nth);
	err = t->call();
	met = fault_was_met();
	if (nth && met && end < sizeof(t->story) - 1)
		t->story[end] = !err ? '.' : err == -ENOMEM ? 'M' : 'F';
	if (met && err)
		check_failed(t, err);
	else
		EXPECT_EQ(err, 0);
	t->done();
	t->end();
	return met;
}

/* How often in a row the call has to be too short: caches are filled in between. */
#define MISSES		4

/* For the same reason one and another fault may be counted past, but not each time. */
#define PASSES		10

static inline void try_once_more(struct trial *t)
{
	unsigned int nth = 0, misses = 0;

	t->enomem = t->efault = 0;
	memset(t->story, 0, sizeof(t->story));
	while (misses < MISSES && !ktap_enough())
		misses = try_with_fault(t, ++nth) ? 0 : misses + 1;
	ktap_note("%s", t->story);
}

/*
 * At least @enomem and @efault of the faults are of the kinds that the call can't do
 * without. What else fails may do no harm.
 */
static inline void try_each_fault(struct trial t, int enomem, int efault)
{
	int passes = 0;

	/* What is only touched the first time is touched now. */
	try_with_fault(&t, 0);
	do
		try_once_more(&t);
	while ((t.enomem < enomem || t.efault < efault) && ++passes < PASSES &&
	       !ktap_enough());
	EXPECT_GE(t.enomem, enomem);
	EXPECT_GE(t.efault, efault);
}

#endif /* HTW_TEST_FAULTS_H */
