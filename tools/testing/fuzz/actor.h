/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_FUZZ_ACTOR_H
#define HTW_FUZZ_ACTOR_H

#include <pthread.h>

#include "memory.h"
#include "oracle.h"
#include "program.h"

/**
 * struct actor - who does the calls of a program, or the end of it: a thread
 * @nr: its number in the run
 * @program: what
 * @first: from which call on
 * @times: how often
 * @at: the call that it is at
 * @fail: what of the kernel's is to fail in it: see struct call
 * @nr_threads: how many threads it has started
 * @threads: them
 * @nr_children: how many processes it has forked
 * @children: them
 */
struct actor {
	uint32_t		nr;
	const struct program	*program;
	uint32_t		first;
	uint32_t		times;
	uint32_t		at;
	uint32_t		fail;
	uint32_t		nr_threads;
	struct {
		pthread_t	thread;
		struct actor	*actor;
	} threads[8];
	uint32_t		nr_children;
	int			children[8];
};

/* A descriptor, and what is known of its context. */
struct handle {
	int		fd;
	struct context	*context;
};

/* Slots are the same for all threads of a process: see calls.c. */
void slots_open(void);
struct handle slot_handle(uint64_t slot);

/* What a call is done by. Return: what it returns, or a negative errno. */
#define F(_name, _type)
#define CALL(_name, _often, ...)					\
	long call_##_name(struct actor *actor, const struct _name##_args *args);
#include "calls.inc"

#endif /* HTW_FUZZ_ACTOR_H */
