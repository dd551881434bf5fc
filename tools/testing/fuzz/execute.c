// SPDX-License-Identifier: GPL-2.0
/*
 * Running a program in this process: its calls one after the other, in as many threads
 * and children as it asks for. A signal comes to all of them every few milliseconds,
 * so nobody waits for ever.
 */
#include "execute.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actor.h"
#include "kcov.h"

static bool trace_comparisons;

/* Those who get the signal too: the kernel gives it to one thread only. */
static pid_t others[MAX_ACTORS];

static void wake_the_others(int sig)
{
	uint32_t i;
	int err = errno;

	for (i = 0; sig == SIGALRM && i < MAX_ACTORS; i++)
		if (others[i] && others[i] != gettid())
			tgkill(getpid(), others[i], SIGUSR1);
	errno = err;
}

/* Without SA_RESTART: what waits returns EINTR. */
static void start_signals(void)
{
	struct sigaction action = { .sa_handler = wake_the_others };
	struct itimerval often = {
		.it_interval = { .tv_usec = 20000 }, .it_value = { .tv_usec = 20000 } };

	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	signal(SIGIO, SIG_IGN);
	setitimer(ITIMER_REAL, &often, NULL);
}

/* Return: the number of one more actor, or MAX_ACTORS if there are enough. */
static uint32_t new_actor(void)
{
	uint32_t nr = __atomic_fetch_add(&run->nr_actors, 1, __ATOMIC_SEQ_CST);

	if (nr >= MAX_ACTORS)
		return MAX_ACTORS;
	if (nr)
		__atomic_store_n(&run->concurrent, 1, __ATOMIC_SEQ_CST);
	return nr;
}

/* --- calls --- */

static long dispatch(struct actor *actor, const struct call *call)
{
	switch (call->kind) {
#define F(_name, _type)
#define CALL(_name, _often, ...)					\
	case CALL_##_name:						\
		return call_##_name(actor, &call->_name);
#include "calls.inc"
	case NR_KINDS:
		break;
	}
	return 0;
}

static void note_result(const struct actor *actor, long ret)
{
	uint32_t n = __atomic_fetch_add(&run->nr_results, 1, __ATOMIC_SEQ_CST);

	if (n < MAX_RESULTS)
		run->results[n] = (struct result){
			.actor = actor->nr, .call = actor->at, .ret = ret };
}

static void do_call(struct actor *actor)
{
	const struct call *call = &actor->program->calls[actor->at];
	long ret;

	actor->fail = call->fail;
	ret = dispatch(actor, call);
	oracle_call(call, ret);
	note_result(actor, ret);
}

/* The calls "op" behind a batch are a part of it. */
static uint32_t next_call(const struct actor *actor)
{
	const struct program *program = actor->program;
	const struct call *call = &program->calls[actor->at];
	uint32_t next = actor->at + 1, n = 0;

	if (call->kind != CALL_batch)
		return next;
	while (next < program->nr && n++ < call->batch.nr &&
	       program->calls[next].kind == CALL_op)
		next++;
	return next;
}

static void wait_for_threads(struct actor *actor)
{
	uint32_t i;

	for (i = 0; i < actor->nr_threads; i++) {
		pthread_join(actor->threads[i].thread, NULL);
		free(actor->threads[i].actor);
	}
	actor->nr_threads = 0;
}

static void wait_for_children(struct actor *actor)
{
	uint32_t i;
	int status;

	for (i = 0; i < actor->nr_children; i++) {
		while (waitpid(actor->children[i], &status, 0) < 0 && errno == EINTR)
			;
		if (status)
			oracle_fail("a child has ended with status %d", status);
	}
	actor->nr_children = 0;
}

static void act(struct actor *actor)
{
	uint32_t i;

	memory_open(actor->nr);
	kcov_start(actor->nr, trace_comparisons);
	for (i = 0; i < actor->times; i++)
		for (actor->at = actor->first; actor->at < actor->program->nr;
		     actor->at = next_call(actor))
			do_call(actor);
	kcov_stop(actor->nr);
	wait_for_threads(actor);
	wait_for_children(actor);
}

/* --- more actors --- */

static void *run_thread(void *arg)
{
	struct actor *actor = arg;

	others[actor->nr] = gettid();
	act(actor);
	others[actor->nr] = 0;
	return NULL;
}

/* One that does what is left, from @skip calls further on. */
static struct actor follower(const struct actor *actor, uint32_t nr, uint64_t skip,
			     uint64_t times)
{
	return (struct actor){
		.nr = nr, .program = actor->program,
		.first = actor->at + 1 + (uint32_t)(skip % 8),
		.times = 1 + (uint32_t)(times % 4) };
}

long call_thread(struct actor *actor, const struct thread_args *args)
{
	struct actor *other;
	pthread_t thread;
	uint32_t nr;

	if (actor->nr_threads == 8)
		return -EAGAIN;
	nr = new_actor();
	other = nr < MAX_ACTORS ? malloc(sizeof(*other)) : NULL;
	if (!other)
		return -EAGAIN;
	*other = follower(actor, nr, args->skip, args->times);
	if (pthread_create(&thread, NULL, run_thread, other)) {
		free(other);
		return -EAGAIN;
	}
	actor->threads[actor->nr_threads].thread = thread;
	actor->threads[actor->nr_threads++].actor = other;
	return 0;
}

static void run_child(const struct actor *actor, uint32_t nr,
		      const struct fork_args *args)
{
	struct actor child = follower(actor, nr, args->skip, args->times);

	memset(others, 0, sizeof(others));
	start_signals();
	act(&child);
	_exit(0);
}

long call_fork(struct actor *actor, const struct fork_args *args)
{
	uint32_t nr;
	int pid;

	if (actor->nr_children == 8)
		return -EAGAIN;
	nr = new_actor();
	if (nr >= MAX_ACTORS)
		return -EAGAIN;
	pid = fork();
	if (!pid)
		run_child(actor, nr, args);
	if (pid < 0)
		return -EAGAIN;
	actor->children[actor->nr_children++] = pid;
	return 0;
}

/* --- programs --- */

static void look_at_the_end(void)
{
	struct handle handles[MAX_SLOTS];
	uint64_t slot, i;

	for (slot = 0; slot < MAX_SLOTS; slot++) {
		handles[slot] = slot_handle(slot);
		for (i = 0; i < slot; i++)
			if (handles[i].context == handles[slot].context)
				break;
		if (handles[slot].context && i == slot)
			oracle_end(handles[slot].context, handles[slot].fd);
	}
}

/**
 * execute_program() - run a program in this process, which is good for nothing else then
 * @program: the program
 * @comparisons: have KCOV tell what is compared, not what is run
 */
void execute_program(const struct program *program, bool comparisons)
{
	struct actor first = { .program = program, .times = 1 };
	struct itimerval never = { 0 };

	trace_comparisons = comparisons;
	/* Or else /proc/self is root's after setuid(2). */
	prctl(PR_SET_DUMPABLE, 1);
	slots_open();
	start_signals();
	first.nr = new_actor();
	act(&first);
	setitimer(ITIMER_REAL, &never, NULL);
	look_at_the_end();
}
