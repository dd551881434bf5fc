/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a program can take for many timers, behind one interface: htw, timerfd, POSIX
 * timers and io_uring. Shared by the benchmarks of this directory and by `htw bench`.
 *
 * A timer is a number, from 0 to what backend_open() was told; times are ns of
 * CLOCK_MONOTONIC. What a program must do anyhow is done here, and therefore measured:
 * operations and results are copied, ids kept, answers checked. What it does only once,
 * such as making the file descriptors of timerfd, is done by backend_open().
 */
#ifndef HTW_BENCH_BACKEND_H
#define HTW_BENCH_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

struct timers;

#define __printf(a, b)	__attribute((format(printf, a, b)))

/* How long struct backend.collect waits before it takes a timer for lost. */
#define BACKEND_PATIENCE_NS	10000000000ULL

/**
 * struct backend - one of those that are compared
 * @name: as it is printed
 * @what: what its timers are, in a few words
 * @setup: make what the timers need; see backend_open()
 * @teardown: undo it, and end all timers
 * @arm: arm one timer, which is not armed
 * @rearm: arm one timer anew, which is armed
 * @cancel: cancel one timer, which is armed
 * @arm_batch: the same for many in one system call, at most timers.batch; NULL, like
 *	the next two, if that can't be had
 * @rearm_batch: see there
 * @cancel_batch: see there
 * @push: put one timer off, which is armed, without a system call; NULL if that can't
 *	be had. Needs timers.words
 * @collect: take timers that have expired, at most @max, and store their numbers.
 *	With @wait it sleeps until there is at least one. Returns how many; 0 only
 *	without @wait
 *
 * All return a negative errno if they fail, and timers.why tells what to do about it.
 * What the kernel answers otherwise than expected is EPROTO: a timer that was to be
 * armed was not, and so on.
 */
struct backend {
	const char *name;
	const char *what;
	int (*setup)(struct timers *t);
	void (*teardown)(struct timers *t);
	int (*arm)(struct timers *t, uint32_t timer, uint64_t when);
	int (*rearm)(struct timers *t, uint32_t timer, uint64_t when);
	int (*cancel)(struct timers *t, uint32_t timer);
	int (*arm_batch)(struct timers *t, const uint32_t *timers,
			 const uint64_t *when, unsigned int nr);
	int (*rearm_batch)(struct timers *t, const uint32_t *timers,
			   const uint64_t *when, unsigned int nr);
	int (*cancel_batch)(struct timers *t, const uint32_t *timers,
			    unsigned int nr);
	int (*push)(struct timers *t, uint32_t timer, uint64_t when);
	int (*collect)(struct timers *t, uint32_t *expired, unsigned int max,
		       bool wait);
};

/**
 * struct timers - timers of one backend
 * @backend: whose they are
 * @nr: how many there can be at once
 * @batch: most of them in one batch
 * @words: they obey deadline words, which struct backend.push stores to
 * @own: what the backend keeps
 * @why: after a failure: what failed, why, and what helps
 */
struct timers {
	const struct backend	*backend;
	unsigned int		nr;
	unsigned int		batch;
	bool			words;
	void			*own;
	char			why[240];
};

/* Those of htw differ in how events are collected. */
extern const struct backend backend_htw;	/* by HTW_IOC_BATCH */
extern const struct backend backend_htw_read;	/* by read(2) */
extern const struct backend backend_htw_ring;	/* from the ring */
extern const struct backend backend_timerfd;
extern const struct backend backend_posix;
extern const struct backend backend_uring;

/* All of them; NULL ends it. */
extern const struct backend *const backends[];

const struct backend *backend_find(const char *name);

int backend_open(struct timers *t, const struct backend *backend, unsigned int nr,
		 unsigned int batch, bool words);
void backend_close(struct timers *t);

/* For the backends. */
int __printf(3, 4) backend_fail(struct timers *t, int err, const char *format, ...);
void *backend_alloc(struct timers *t, size_t nr, size_t size);
int backend_raise_limit(struct timers *t, int resource, const char *name,
			uint64_t need);

/* For struct htw_context_stats of a context, and the like. */
int backend_htw_fd(const struct timers *t);

#endif /* HTW_BENCH_BACKEND_H */
