// SPDX-License-Identifier: GPL-2.0
/* What all backends share. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"

const struct backend *const backends[] = {
	&backend_htw, &backend_htw_read, &backend_htw_ring,
	&backend_timerfd, &backend_posix, &backend_uring, NULL,
};

/**
 * backend_find() - the backend of a name
 * @name: the name
 *
 * Return: it, or NULL.
 */
const struct backend *backend_find(const char *name)
{
	unsigned int i;

	for (i = 0; backends[i]; i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}

/**
 * backend_open() - make timers, none of which is armed
 * @t: filled in; in any case, @t->why can be read
 * @backend: whose
 * @nr: how many can be armed at once
 * @batch: most in a batch
 * @words: they shall obey deadline words
 *
 * Return: 0, or a negative errno.
 */
int backend_open(struct timers *t, const struct backend *backend, unsigned int nr,
		 unsigned int batch, bool words)
{
	int err;

	memset(t, 0, sizeof(*t));
	t->backend = backend;
	t->nr = nr;
	t->batch = batch ? batch : 1;
	t->words = words;
	if (!nr)
		return backend_fail(t, EINVAL, "%s: no timers are asked for", backend->name);
	if (words && !backend->push)
		return backend_fail(t, EOPNOTSUPP, "%s has no deadline words", backend->name);
	err = backend->setup(t);
	if (err)
		backend_close(t);
	return err;
}

/**
 * backend_close() - end all timers
 * @t: what backend_open() has filled in
 */
void backend_close(struct timers *t)
{
	if (t->own)
		t->backend->teardown(t);
	t->own = NULL;
}

/**
 * backend_fail() - note why something failed
 * @t: the timers, whose @why is set
 * @err: the errno
 * @format: what failed, and what helps
 *
 * Return: -@err.
 */
int backend_fail(struct timers *t, int err, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(t->why, sizeof(t->why), format, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof(t->why))
		snprintf(t->why + len, sizeof(t->why) - (size_t)len, ": %s", strerror(err));
	return -err;
}

/**
 * backend_alloc() - zeroed memory
 * @t: for whose sake
 * @nr: how many objects
 * @size: of each
 *
 * Return: the memory, for free(), or NULL and @t->why is set.
 */
void *backend_alloc(struct timers *t, size_t nr, size_t size)
{
	void *memory = calloc(nr, size);

	if (!memory)
		backend_fail(t, ENOMEM, "%s: no memory for %zu objects of %zu bytes",
			     t->backend->name, nr, size);
	return memory;
}

/**
 * backend_raise_limit() - see to it that this process may have so many
 * @t: for whose sake
 * @resource: RLIMIT_
 * @name: its name
 * @need: how many
 *
 * Return: 0, or a negative errno.
 */
int backend_raise_limit(struct timers *t, int resource, const char *name, uint64_t need)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit))
		return backend_fail(t, errno, "getrlimit %s", name);
	if (limit.rlim_cur >= need)
		return 0;
	limit.rlim_cur = need;
	if (limit.rlim_max < need)
		limit.rlim_max = need;
	if (!setrlimit(resource, &limit))
		return 0;
	return backend_fail(t, errno,
			    "%s: %u timers need %s to be %llu; raise it, become root or take fewer",
			    t->backend->name, t->nr, name, (unsigned long long)need);
}
