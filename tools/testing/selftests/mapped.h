/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A context that shares memory with its program: the ring and the deadline words,
 * used the way the header says.
 */
#ifndef HTW_TEST_MAPPED_H
#define HTW_TEST_MAPPED_H

#include "context.h"
#include "threads.h"

/**
 * struct mapped - a context with all that can be mapped of it
 * @fd: the context
 * @setup: what HTW_IOC_SETUP said
 * @ring: NULL if there is none
 * @ctl: NULL if there is none
 * @words: NULL if there are none
 */
struct mapped {
	int			fd;
	struct htw_setup	setup;
	const struct htw_ring	*ring;
	struct htw_ctl		*ctl;
	uint64_t		*words;
};

static inline void *map_part(int fd, uint64_t off, uint64_t len, int prot)
{
	void *map = mmap(NULL, len, prot, MAP_SHARED, fd, (off_t)off);

	ASSERT_NE(map, MAP_FAILED);
	return map;
}

static inline void map_all(struct mapped *m)
{
	const struct htw_setup *setup = &m->setup;

	if (setup->ring_len) {
		m->ring = map_part(m->fd, setup->ring_off, setup->ring_len,
				   PROT_READ);
		m->ctl = map_part(m->fd, setup->ctl_off, setup->ctl_len,
				  PROT_READ | PROT_WRITE);
	}
	if (setup->words_len)
		m->words = map_part(m->fd, setup->words_off, setup->words_len,
				    PROT_READ | PROT_WRITE);
}

static inline void open_mapped(struct mapped *m, struct htw_setup setup)
{
	*m = (struct mapped){ .fd = open_context(0), .setup = setup };
	ASSERT_EQ(do_setup(m->fd, &m->setup), 0);
	map_all(m);
}

static inline void open_ring(struct mapped *m, uint32_t entries)
{
	open_mapped(m, (struct htw_setup){ .clock = CLOCK_MONOTONIC,
					   .ring_entries = entries });
}

static inline void open_words(struct mapped *m, uint32_t max_timers)
{
	open_mapped(m, (struct htw_setup){ .clock = CLOCK_MONOTONIC,
					   .flags = HTW_SETUP_WORDS,
					   .max_timers = max_timers });
}

/* Where the event number @n is, or will be. */
static inline const struct htw_event *ring_event(const struct mapped *m, uint32_t n)
{
	const char *first = (const char *)m->ring + m->setup.event_off;

	return (const void *)(first + (size_t)(n & m->ring->mask) *
				      m->setup.event_size);
}

static inline uint32_t ring_tail(const struct mapped *m)
{
	return load_shared(&m->ring->tail);
}

static inline bool ring_stalled(const struct mapped *m)
{
	return load_shared(&m->ring->flags) & HTW_RING_STALLED;
}

/* What waits outside comes in. Return: how many events are in the ring. */
static inline uint32_t kick(const struct mapped *m)
{
	struct htw_batch batch = { 0 };

	ASSERT_EQ(do_batch(m->fd, &batch), 0);
	return batch.got;
}

/* Let go of what was consumed, up to the event number @head. */
static inline void ring_advance(const struct mapped *m, uint32_t head)
{
	store_shared(&m->ctl->head, head);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (ring_stalled(m))
		kick(m);
}

/* Return: how many there were, at most @room. */
static inline uint32_t consume(const struct mapped *m, struct htw_event *events,
			       uint32_t room)
{
	uint32_t head = m->ctl->head, tail = ring_tail(m), nr;

	for (nr = 0; nr < room && head + nr != tail; nr++)
		events[nr] = *ring_event(m, head + nr);
	if (nr)
		ring_advance(m, head + nr);
	return nr;
}

/* Wait for events and take @nr of them. */
static inline void consume_exactly(const struct mapped *m,
				   struct htw_event *events, uint32_t nr)
{
	uint32_t got = 0;

	while (got < nr) {
		wait_readable(m->fd);
		got += consume(m, events + got, nr - got);
	}
}

/* A store of all 64 bits at once. */
static inline void store_word(const struct mapped *m, uint64_t id, uint64_t time)
{
	store_shared(&m->words[HTW_WORD_INDEX(id)], time);
}

static inline uint64_t load_word(const struct mapped *m, uint64_t id)
{
	return load_shared(&m->words[HTW_WORD_INDEX(id)]);
}

#endif /* HTW_TEST_MAPPED_H */
