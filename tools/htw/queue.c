// SPDX-License-Identifier: GPL-2.0
/*
 * Operations on their way to the kernel: one by one, or many in one call.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "queue.h"
#include "script.h"

/* What an operation is done for. */
struct purpose {
	const struct step	*step;
	unsigned int		member;
};

static struct {
	int		fd;
	bool		always_batch;
	queue_done	done;
	unsigned int	room;
	unsigned int	nr;
	struct htw_op	*ops;
	struct purpose	*purposes;
} queue;

/**
 * queue_open() - begin to do operations
 * @fd: of the device
 * @at_once: most of them in one call; 0 and 1 mean without batches
 * @always_batch: collect what can be collected; else only what belongs together
 * @done: is called for each, in order
 *
 * Return: false if there is no memory.
 */
bool queue_open(int fd, unsigned int at_once, bool always_batch,
		queue_done done)
{
	queue.fd = fd;
	queue.room = at_once ? at_once : 1;
	queue.always_batch = always_batch;
	queue.done = done;
	queue.ops = calloc(queue.room, sizeof(*queue.ops));
	queue.purposes = calloc(queue.room, sizeof(*queue.purposes));
	return queue.ops && queue.purposes;
}

void queue_close(void)
{
	free(queue.ops);
	free(queue.purposes);
}

/* Those from @first on, of which the kernel has done @nr. */
static bool tell_done(unsigned int first, unsigned int nr)
{
	const struct htw_op *op;
	unsigned int i;

	for (i = first; i < first + nr; i++) {
		op = &queue.ops[i];
		if (!queue.done(queue.purposes[i].step,
				queue.purposes[i].member, op,
				op->res < 0 ? op->res : 0))
			return false;
	}
	return true;
}

static bool flush_one(void)
{
	struct htw_op *op = &queue.ops[0];
	int err = device_op(queue.fd, op);

	return queue.done(queue.purposes[0].step, queue.purposes[0].member, op,
			  err);
}

static bool flush_batch(void)
{
	unsigned int done = 0;
	int err;

	while (done < queue.nr) {
		struct htw_batch batch = {
			.ops = (uintptr_t)(queue.ops + done),
			.nr_ops = queue.nr - done,
		};

		err = device_batch(queue.fd, &batch);
		/* What it was stopped for is looked at before the next step. */
		if (err == -EINTR)
			continue;
		if (err) {
			fprintf(stderr, "htw run: batch: %s\n", strerror(-err));
			explain_errno(err);
			return false;
		}
		if (!tell_done(done, batch.done))
			return false;
		done += batch.done;
	}
	return true;
}

/* Do what waits. Return: false if something failed, which was told. */
bool queue_flush(void)
{
	bool ok = true;

	if (queue.nr == 1 && !queue.always_batch)
		ok = flush_one();
	else if (queue.nr)
		ok = flush_batch();
	queue.nr = 0;
	return ok;
}

/**
 * queue_add() - one more
 * @step: what it is done for
 * @member: which timer of it, if it is about many
 * @op: the operation
 *
 * Return: false if something failed, which was told.
 */
bool queue_add(const struct step *step, unsigned int member,
	       const struct htw_op *op)
{
	queue.purposes[queue.nr] = (struct purpose){ step, member };
	queue.ops[queue.nr++] = *op;
	return queue.nr < queue.room || queue_flush();
}
