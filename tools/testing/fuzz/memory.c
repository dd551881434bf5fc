// SPDX-License-Identifier: GPL-2.0
/*
 * The memory in which arguments lie: good, read-only, not there, and half of each. Each
 * actor has five pages for each part of an argument:
 *
 *	writable | a hole | writable | read-only | a hole
 *
 * All of them are mapped once more, writable, so that a program can prepare what the
 * kernel is to find on a read-only page, and look at what it has left there.
 *
 * What is mapped of a context lies at a fixed address, where nothing else ever is: a
 * store into what another thread has just unmapped is a fault, and harms no one.
 */
#include "memory.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kcov.h"
#include "program.h"

enum { PAGE = 4096, PAGES = 5 };

static char *views[MAX_ACTORS][NR_PARTS];
static char *aliases[MAX_ACTORS][NR_PARTS];

static __thread sigjmp_buf after_fault;
static __thread volatile sig_atomic_t may_fault;

static void fault(int sig)
{
	if (may_fault)
		siglongjmp(after_fault, 1);
	/* Not one that was asked for: the next one ends the program. */
	signal(sig, SIG_DFL);
}

static void must(bool done, const char *what)
{
	if (done)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

static void open_part(char **view, char **alias)
{
	int fd = memfd_create("fuzz", 0);

	must(fd >= 0 && !ftruncate(fd, PAGES * PAGE), "memfd");
	*view = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	*alias = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(*view != MAP_FAILED && *alias != MAP_FAILED, "mmap");
	must(!mprotect(*view + PAGE, PAGE, PROT_NONE), "mprotect");
	must(!mprotect(*view + 3 * PAGE, PAGE, PROT_READ), "mprotect");
	must(!mprotect(*view + 4 * PAGE, PAGE, PROT_NONE), "mprotect");
	close(fd);
}

/**
 * memory_open() - map what an actor takes, and survive faults
 * @actor: who begins to act
 */
void memory_open(uint32_t actor)
{
	struct sigaction action = { .sa_handler = fault, .sa_flags = SA_NODEFER };
	uint32_t part;

	for (part = 0; part < NR_PARTS; part++)
		open_part(&views[actor][part], &aliases[actor][part]);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* How many bytes of it are behind the border. */
static size_t cut_of(uint64_t mem, size_t size)
{
	return size ? (size_t)((mem >> 8) % size) + 1 : 0;
}

static struct place at_offset(uint32_t actor, enum part part, size_t offset, bool whole)
{
	return (struct place){ .address = views[actor][part] + offset,
			       .alias = aliases[actor][part] + offset, .whole = whole };
}

/**
 * memory_place() - where an argument is to be
 * @actor: who makes the call
 * @part: which argument of it
 * @mem: an enum placement; its higher bits say where it is cut
 * @size: how large it is
 *
 * Return: the place, which is as large unless it is beyond a page.
 */
struct place memory_place(uint32_t actor, enum part part, uint64_t mem, size_t size)
{
	struct place nowhere = { .address = NULL };

	/* Larger than a page it is cut wherever it begins. */
	if (size > PAGE)
		size = PAGE;
	switch (mem % 256 % NR_PLACEMENTS) {
	case MEM_EDGE:
		return at_offset(actor, part, PAGE - size, true);
	case MEM_CUT:
		return at_offset(actor, part, PAGE - size + cut_of(mem, size), false);
	case MEM_STRADDLE:
		return at_offset(actor, part, 3 * PAGE - size + cut_of(mem, size), false);
	case MEM_READ_ONLY:
		return at_offset(actor, part, 3 * PAGE, false);
	case MEM_HOLE:
		return at_offset(actor, part, PAGE, false);
	case MEM_NULL:
		return nowhere;
	case MEM_KERNEL:
		nowhere.address = (void *)0xffff888000001000UL;
		return nowhere;
	case MEM_RING:
	case MEM_CTL:
	case MEM_WORDS:
		nowhere.address = memory_of_area(0, mem % 256 % NR_PLACEMENTS - MEM_RING);
		return nowhere;
	default:
		return at_offset(actor, part, 0, true);
	}
}

/**
 * memory_of_area() - where something that a context shares is mapped
 * @slot: of the descriptor
 * @area: an enum area
 *
 * Return: its address, whether it is mapped or not.
 */
void *memory_of_area(uint64_t slot, uint64_t area)
{
	slot %= MAX_SLOTS;
	area %= NR_AREAS;
	return (char *)AREAS_AT + (slot * NR_AREAS + area) * AREA_ROOM;
}

/**
 * memory_copy() - copy from or to where there may be nothing
 * @to: where to
 * @from: where from
 * @size: how much
 *
 * Return: whether that was possible.
 */
bool memory_copy(void *to, const void *from, size_t size)
{
	if (sigsetjmp(after_fault, 1)) {
		may_fault = 0;
		return false;
	}
	may_fault = 1;
	memcpy(to, from, size);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	may_fault = 0;
	return true;
}

/**
 * memory_store() - store a number at once where there may be nothing
 * @to: where to
 * @value: the number
 * @narrow: only 32 bits of it
 *
 * Return: whether that was possible.
 */
bool memory_store(void *to, uint64_t value, bool narrow)
{
	if (sigsetjmp(after_fault, 1)) {
		may_fault = 0;
		return false;
	}
	may_fault = 1;
	if (narrow)
		__atomic_store_n((uint32_t *)to, (uint32_t)value, __ATOMIC_SEQ_CST);
	else
		__atomic_store_n((uint64_t *)to, value, __ATOMIC_SEQ_CST);
	may_fault = 0;
	return true;
}
