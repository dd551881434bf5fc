// SPDX-License-Identifier: GPL-2.0
#include "oracle.h"

#include <stdlib.h>

void oracle_init(struct oracle *oracle, unsigned int nr_ids,
		 unsigned long long now)
{
	oracle->target = now;
	oracle->count = 0;
	oracle->heap = calloc(nr_ids, sizeof(*oracle->heap));
	oracle->place = calloc(nr_ids, sizeof(*oracle->place));
	if (!oracle->heap || !oracle->place)
		abort();
}

void oracle_free(struct oracle *oracle)
{
	free(oracle->heap);
	free(oracle->place);
	oracle->heap = NULL;
	oracle->place = NULL;
}

static bool before(const struct oracle *oracle, unsigned int a, unsigned int b)
{
	return oracle->heap[a].tick < oracle->heap[b].tick;
}

static void put(struct oracle *oracle, unsigned int at,
		struct oracle_entry entry)
{
	oracle->heap[at] = entry;
	oracle->place[entry.id] = at + 1;
}

static void swap(struct oracle *oracle, unsigned int a, unsigned int b)
{
	struct oracle_entry entry = oracle->heap[a];

	put(oracle, a, oracle->heap[b]);
	put(oracle, b, entry);
}

static unsigned int rise(struct oracle *oracle, unsigned int at)
{
	while (at && before(oracle, at, (at - 1) / 2)) {
		swap(oracle, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
	return at;
}

static void sink(struct oracle *oracle, unsigned int at)
{
	unsigned int child;

	while ((child = 2 * at + 1) < oracle->count) {
		if (child + 1 < oracle->count && before(oracle, child + 1, child))
			child++;
		if (!before(oracle, child, at))
			break;
		swap(oracle, at, child);
		at = child;
	}
}

unsigned long long oracle_arm(struct oracle *oracle, unsigned int id,
			      unsigned long long tick)
{
	struct oracle_entry entry = { .tick = tick, .id = id };

	/* What is due already comes with the tick after the present one. */
	if (entry.tick <= oracle->target)
		entry.tick = oracle->target + 1;
	/* There is no tick after the last one. */
	if (entry.tick < oracle->target)
		entry.tick = oracle->target;

	oracle_end(oracle, id);
	put(oracle, oracle->count, entry);
	rise(oracle, oracle->count++);
	return entry.tick;
}

void oracle_end(struct oracle *oracle, unsigned int id)
{
	unsigned int at = oracle->place[id];

	if (!at)
		return;
	at--;
	swap(oracle, at, --oracle->count);
	oracle->place[id] = 0;
	if (at < oracle->count)
		sink(oracle, rise(oracle, at));
}

void oracle_advance(struct oracle *oracle, unsigned long long to)
{
	if (to > oracle->target)
		oracle->target = to;
}

bool oracle_armed(const struct oracle *oracle, unsigned int id)
{
	return oracle->place[id];
}

unsigned long long oracle_tick(const struct oracle *oracle, unsigned int id)
{
	return oracle->heap[oracle->place[id] - 1].tick;
}

bool oracle_min(const struct oracle *oracle, unsigned long long *tick)
{
	if (!oracle->count)
		return false;
	*tick = oracle->heap[0].tick;
	return true;
}

bool oracle_due(const struct oracle *oracle)
{
	return oracle->count && oracle->heap[0].tick <= oracle->target;
}
