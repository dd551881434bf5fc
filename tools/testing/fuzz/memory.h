/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HTW_FUZZ_MEMORY_H
#define HTW_FUZZ_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An actor has memory for each of these. */
enum part { PART_ARGUMENT, PART_OPS, PART_EVENTS, NR_PARTS };

/**
 * struct place - where an argument is
 * @address: what the kernel is given
 * @alias: the same memory, where this program can always get at it; NULL if it can't
 * @whole: the kernel can write to all of it
 */
struct place {
	void	*address;
	char	*alias;
	bool	whole;
};

void memory_open(uint32_t actor);
struct place memory_place(uint32_t actor, enum part part, uint64_t mem, size_t size);

/* The areas of contexts: where nothing else is, and far enough from each other. */
#if UINTPTR_MAX > UINT32_MAX
#define AREAS_AT	0x100000000000UL
#define AREA_ROOM	0x40000000UL
#else
#define AREAS_AT	0x40000000UL
#define AREA_ROOM	0x4000000UL
#endif
/* What is mapped there, or unmapped, at once. */
#define AREA_MAX	(AREA_ROOM / 4)

void *memory_of_area(uint64_t slot, uint64_t area);
bool memory_copy(void *to, const void *from, size_t size);
bool memory_store(void *to, uint64_t value, bool narrow);

#endif /* HTW_FUZZ_MEMORY_H */
