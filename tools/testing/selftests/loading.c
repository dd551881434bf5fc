// SPDX-License-Identifier: GPL-2.0
/*
 * No memory while htw is loaded, and while a CPU comes up: each allocation fails in turn.
 * htw is not loaded, or nothing has changed, and the next try works. Takes root, the
 * module htw_faults to be loaded, and $HTW_MODULE, the file of htw, not to be.
 */
#include <sys/syscall.h>

/* Loading a module takes long on a debug kernel, and it is done very often. */
#define KTAP_TIMEOUT_SEC	600

#include "faults.h"

#define NTH	"/sys/module/htw_faults/parameters/nth"
#define CPU1	"/sys/devices/system/cpu/cpu1/online"

static const char *module_path(void)
{
	const char *path = getenv("HTW_MODULE");

	return path && *path ? path : "/htw.ko";
}

static const char *need_module(void)
{
	if (access(NTH, W_OK))
		return "load the module htw_faults";
	if (!access(device_path(), F_OK))
		return "unload the module htw";
	return set_up_faults();
}

/* Return: 0 or the negative errno. */
static int load(void)
{
	int fd = open(module_path(), O_RDONLY | O_CLOEXEC), ret;

	ASSERT_GE(fd, 0);
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

static void unload(void)
{
	ASSERT_EQ(syscall(SYS_delete_module, "htw", 0), 0);
}

static void set_nth(unsigned int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", nth);
	ASSERT_TRUE(write_setting(NTH, text));
}

static void timers_work(void)
{
	struct htw_event event;
	int fd = open_context(0);

	arm_in(fd, 0, 7);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 7);
	close(fd);
}

/* Return: whether there was an nth allocation. */
static bool load_with_fault(unsigned int nth, unsigned int *failed)
{
	bool met;
	int err;

	set_nth(nth);
	err = load();
	met = fault_was_met();
	if (err) {
		EXPECT_EQ(err, -ENOMEM);
		EXPECT_TRUE(met);
		EXPECT_ERRNO(open(device_path(), O_RDWR), ENOENT);
		++*failed;
		set_nth(0);
		ASSERT_EQ(load(), 0);
	}
	timers_work();
	unload();
	return met;
}

static void loading_fails_in_each_way(void)
{
	unsigned int nth = 0, failed = 0, misses = 0;

	open_nth();
	while (misses < MISSES && !ktap_enough())
		misses = load_with_fault(++nth, &failed) ? 0 : misses + 1;
	ktap_note("%u of %u faults kept it from being loaded", failed, nth - misses);
	/* The wheels of two CPUs may come from elsewhere; the rest has one way. */
	EXPECT_GE(failed, 10);
}

/* Return: 0 or the negative errno. */
static int put(int cpu, const char *online)
{
	return pwrite(cpu, online, 1, 0) < 0 ? -errno : 0;
}

/*
 * The wheel of a CPU is made when it first comes up. Everything fails that is asked for
 * then, by whoever; the CPU stays where it is, and comes the next time.
 */
static void cpu_without_memory_does_not_come_up(void)
{
	int cpu = open(CPU1, O_WRONLY | O_CLOEXEC), err;

	if (cpu < 0)
		ktap_skip("there is one CPU only");
	fail_all(false);
	set_nth(0);
	ASSERT_EQ(put(cpu, "0"), 0);
	ASSERT_EQ(load(), 0);
	fail_all(true);
	err = put(cpu, "1");
	fail_all(false);
	EXPECT_EQ(err, -ENOMEM);
	timers_work();
	EXPECT_EQ(put(cpu, "1"), 0);
	timers_work();
	unload();
	close(cpu);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(loading_fails_in_each_way),
	KTAP_TEST(cpu_without_memory_does_not_come_up),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv, &KTAP_SUITE("loading", tests, need_module));
}
