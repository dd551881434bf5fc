// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* One timer and one call, and the time. */
#include "handle.h"

/**
 * htw_do() - do one operation
 * @h: the handle
 * @op: from htw_prep_*(); has the results afterwards
 *
 * Return: htw_op.res of it, which is not negative, or a negative errno.
 */
int htw_do(struct htw *h, struct htw_op *op)
{
	int err = htw_ioctl(h, HTW_IOC_OP, op);

	return err ? err : op->res;
}

static int arm(struct htw *h, struct htw_op *op, __u64 *id)
{
	int res = htw_do(h, op);

	if (res >= 0 && id)
		*id = op->id;
	return res;
}

/* Each of these returns 0, HTW_LATE for a deadline that can't be kept, or -errno. */

int htw_after(struct htw *h, __u64 delay, __u16 flags, __u64 cookie, __u64 *id)
{
	struct htw_op op;

	htw_prep_after(&op, delay, flags, cookie);
	return arm(h, &op, id);
}

int htw_at(struct htw *h, __u64 time, __u16 flags, __u64 cookie, __u64 *id)
{
	struct htw_op op;

	htw_prep_at(&op, time, flags, cookie);
	return arm(h, &op, id);
}

int htw_every(struct htw *h, __u64 interval, __u16 flags, __u64 cookie, __u64 *id)
{
	struct htw_op op;

	htw_prep_every(&op, interval, flags, cookie);
	return arm(h, &op, id);
}

int htw_rearm_after(struct htw *h, __u64 id, __u64 delay, __u16 flags, __u64 cookie)
{
	struct htw_op op;

	htw_prep_rearm_after(&op, id, delay, flags, cookie);
	return htw_do(h, &op);
}

int htw_rearm_at(struct htw *h, __u64 id, __u64 time, __u16 flags, __u64 cookie)
{
	struct htw_op op;

	htw_prep_rearm_at(&op, id, time, flags, cookie);
	return htw_do(h, &op);
}

int htw_rearm_every(struct htw *h, __u64 id, __u64 interval, __u16 flags, __u64 cookie)
{
	struct htw_op op;

	htw_prep_rearm_every(&op, id, interval, flags, cookie);
	return htw_do(h, &op);
}

/* Return: HTW_CANCELLED, HTW_WITHDRAWN or HTW_DELIVERED, or a negative errno. */
int htw_cancel(struct htw *h, __u64 id)
{
	struct htw_op op;

	htw_prep_cancel(&op, id);
	return htw_do(h, &op);
}

/* Return: how many were cancelled or withdrawn, or a negative errno. */
int htw_cancel_match(struct htw *h, __u64 cookie, __u64 mask)
{
	struct htw_op op;

	htw_prep_cancel_match(&op, cookie, mask);
	return htw_do(h, &op);
}

int htw_cancel_all(struct htw *h)
{
	return htw_cancel_match(h, 0, 0);
}

/* Return: the HTW_STATE_ of a timer, or a negative errno; the time left is in @ns. */
int htw_remaining(struct htw *h, __u64 id, __u64 *ns)
{
	struct htw_op op;
	int res;

	htw_prep_remaining(&op, id);
	res = htw_do(h, &op);
	if (res >= 0 && ns)
		*ns = op.value;
	return res;
}

/* Only the kernel knows what time it is there. */
static __s64 virtual_now(struct htw *h)
{
	struct htw_batch batch;
	int err;

	memset(&batch, 0, sizeof(batch));
	err = htw_ioctl(h, HTW_IOC_BATCH, &batch);
	return err ? err : (__s64)batch.now;
}

/* Return: the time on the context's clock, or a negative errno. */
__s64 htw_now(struct htw *h)
{
	struct timespec now;

	if (h->clock == HTW_CLOCK_VIRTUAL)
		return virtual_now(h);
	if (clock_gettime((clockid_t)h->clock, &now))
		return -errno;
	return (__s64)now.tv_sec * 1000000000 + now.tv_nsec;
}

static __s64 advance(struct htw *h, __u64 time, __u16 flags)
{
	struct htw_op op;
	int res;

	htw_prep_advance(&op, time, flags);
	res = htw_do(h, &op);
	return res < 0 ? res : (__s64)op.value;
}

/* Each of these returns the time that it is then, or a negative errno. */

__s64 htw_advance(struct htw *h, __u64 ns)
{
	return advance(h, ns, 0);
}

__s64 htw_advance_to(struct htw *h, __u64 time)
{
	return advance(h, time, HTW_TIMER_ABS);
}

/* To the first tick at which there is an event, but no further than to @time. */
__s64 htw_advance_next(struct htw *h, __u64 time)
{
	return advance(h, time, HTW_TIMER_ABS | HTW_ADVANCE_NEXT);
}
