// SPDX-License-Identifier: GPL-2.0
/* POSIX timers, which queue a signal each: timer_create(2) and sigtimedwait(2). */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "backend.h"

/**
 * struct posix_timers - what it keeps
 * @ids: of the timers
 * @nr: how many there are
 * @signals: that of the timers, alone
 * @before: the mask of signals before
 */
struct posix_timers {
	timer_t		*ids;
	unsigned int	nr;
	sigset_t	signals;
	sigset_t	before;
};

static int add_timer(struct timers *t, struct posix_timers *own)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGRTMIN,
		.sigev_value.sival_int = (int)own->nr,
	};

	if (timer_create(CLOCK_MONOTONIC, &event, &own->ids[own->nr]))
		return backend_fail(t, errno,
				    "timer_create number %u; see RLIMIT_SIGPENDING (ulimit -i)",
				    own->nr);
	own->nr++;
	return 0;
}

static int setup(struct timers *t)
{
	struct posix_timers *own;
	int err;

	err = backend_raise_limit(t, RLIMIT_SIGPENDING, "RLIMIT_SIGPENDING (ulimit -i)",
				  t->nr + 64ULL);
	if (err)
		return err;
	own = backend_alloc(t, 1, sizeof(*own));
	t->own = own;
	if (!own)
		return -ENOMEM;
	sigemptyset(&own->signals);
	sigaddset(&own->signals, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &own->signals, &own->before);
	own->ids = backend_alloc(t, t->nr, sizeof(*own->ids));
	if (!own->ids)
		return -ENOMEM;
	while (own->nr < t->nr && !err)
		err = add_timer(t, own);
	return err;
}

/* What is pending would kill the process once it is not blocked any more. */
static void forget_signals(const sigset_t *signals)
{
	static const struct timespec now;

	while (sigtimedwait(signals, NULL, &now) > 0 || errno == EINTR)
		;
}

static void teardown(struct timers *t)
{
	struct posix_timers *own = t->own;

	while (own->nr)
		timer_delete(own->ids[--own->nr]);
	forget_signals(&own->signals);
	sigprocmask(SIG_SETMASK, &own->before, NULL);
	free(own->ids);
	free(own);
}

static int set(struct timers *t, uint32_t timer, uint64_t when)
{
	const struct posix_timers *own = t->own;
	struct itimerspec spec = {
		.it_value.tv_sec = (time_t)(when / 1000000000),
		.it_value.tv_nsec = (long)(when % 1000000000),
	};

	if (timer_settime(own->ids[timer], TIMER_ABSTIME, &spec, NULL))
		return backend_fail(t, errno, "timer_settime");
	return 0;
}

static int cancel(struct timers *t, uint32_t timer)
{
	return set(t, timer, 0);
}

static int collect(struct timers *t, uint32_t *expired, unsigned int max, bool wait)
{
	const struct posix_timers *own = t->own;
	struct timespec patience = { 0 };
	unsigned int got = 0;
	siginfo_t info;

	while (got < max) {
		patience.tv_sec = wait && !got ? BACKEND_PATIENCE_NS / 1000000000 : 0;
		if (sigtimedwait(&own->signals, &info, &patience) > 0)
			expired[got++] = (uint32_t)info.si_value.sival_int;
		else if (errno == EAGAIN && (got || !wait))
			break;
		else if (errno != EINTR)
			return backend_fail(t, errno == EAGAIN ? ETIME : errno,
					    "sigtimedwait: no timer has expired");
	}
	return (int)got;
}

const struct backend backend_posix = {
	.name = "posix",
	.what = "timer_settime(2) and sigtimedwait(2)",
	.setup = setup,
	.teardown = teardown,
	.arm = set,
	.rearm = set,
	.cancel = cancel,
	.collect = collect,
};
