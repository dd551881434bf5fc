// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* Deadline words: a timer is put off by a store, without a call. */
#include "handle.h"

/* Compilers take a pointer to 64 bits for one to a multiple of 4 bytes on some machines. */
typedef __u64 __attribute__((aligned(8))) word_t;

/*
 * A machine that can't do it in one store, and a libatomic that takes a lock which the
 * kernel knows nothing of, are no help: there are no words then.
 */
#if defined(__GCC_ATOMIC_LLONG_LOCK_FREE) && __GCC_ATOMIC_LLONG_LOCK_FREE == 2
static int store(word_t *word, __u64 time)
{
	__atomic_store_n(word, time, __ATOMIC_RELAXED);
	return 0;
}

static __u64 load(const word_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}
#else
static int store(word_t *word, __u64 time)
{
	(void)word;
	(void)time;
	return -EOPNOTSUPP;
}

/* Nothing but the kernel's 0 has ever been stored. */
static __u64 load(const word_t *word)
{
	(void)word;
	return 0;
}
#endif

static word_t *word_of(const struct htw *h, __u64 id)
{
	__u32 index = HTW_WORD_INDEX(id);

	return index < h->map.nr_words ? (word_t *)(void *)(h->map.words + index) : NULL;
}

/**
 * htw_push() - put a timer off, by one store
 * @h: the handle
 * @id: the timer, armed with HTW_TIMER_WORD
 * @time: its new deadline on the context's clock, if that is later
 *
 * Return: 0, or -EOPNOTSUPP without words, -ENOENT for what can't be an id here,
 * -EINVAL for what is no time. Nobody looks whether there is such a timer.
 */
int htw_push(struct htw *h, __u64 id, __u64 time)
{
	word_t *word;

	if (!h->map.words)
		return -EOPNOTSUPP;
	word = word_of(h, id);
	if (!word)
		return -ENOENT;
	if (time > INT64_MAX)
		return -EINVAL;
	return store(word, time);
}

/**
 * htw_pushed() - has a timer been pushed too late for the kernel to see it?
 * @h: the handle
 * @event: an event of this timer
 *
 * Return: the deadline in its word, if it is later than the one that held; else 0.
 */
__u64 htw_pushed(const struct htw *h, const struct htw_event *event)
{
	const word_t *word = word_of(h, event->id);
	__u64 time = word ? load(word) : 0;

	return time > event->expires && time <= INT64_MAX ? time : 0;
}

/**
 * htw_rearm_pushed() - arm a timer for what it was pushed to too late, if it was
 * @h: the handle
 * @event: an event of this timer, which has HTW_TIMER_KEEP
 * @flags: HTW_TIMER_ flags that it has besides _ABS, _KEEP and _WORD
 * @slack: its slack
 *
 * Return: 1 if it is armed again, 0 if its time is really over, or a negative errno.
 */
int htw_rearm_pushed(struct htw *h, const struct htw_event *event, __u16 flags, __u64 slack)
{
	__u64 time = htw_pushed(h, event);
	struct htw_op op;
	int res;

	if (!time)
		return 0;
	flags |= HTW_TIMER_KEEP | HTW_TIMER_WORD;
	htw_prep_rearm_at(&op, event->id, time, flags, event->cookie);
	op.slack = slack;
	res = htw_do(h, &op);
	return res < 0 ? res : 1;
}
