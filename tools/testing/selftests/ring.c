// SPDX-License-Identifier: GPL-2.0
/*
 * The ring of events that a program shares with the kernel: what of it can be mapped
 * and how, that a full one delays events and drops none, and that nothing the
 * program stores there can do harm to anybody but itself.
 */
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "mapped.h"
#include "ops.h"
#include "pages.h"
#include "waiting.h"

/* A ring and words: all that there is to map. */
static void open_everything(struct mapped *m)
{
	open_mapped(m, (struct htw_setup){ .clock = CLOCK_MONOTONIC,
					   .ring_entries = 64,
					   .flags = HTW_SETUP_WORDS,
					   .max_timers = 4096 });
}

struct part {
	uint64_t	off, len;
	int		prot;
};

enum { PARTS = 3 };

/* What of a context can be mapped. */
static void list_parts(const struct htw_setup *setup, struct part *parts)
{
	int rw = PROT_READ | PROT_WRITE;

	parts[0] = (struct part){ setup->ring_off, setup->ring_len, PROT_READ };
	parts[1] = (struct part){ setup->ctl_off, setup->ctl_len, rw };
	parts[2] = (struct part){ setup->words_off, setup->words_len, rw };
}

/* Return: 0 or the negative errno. */
static int try_map(int fd, uint64_t off, uint64_t len, int prot, int flags)
{
	void *map = mmap(NULL, len, prot, flags, fd, (off_t)off);

	if (map == MAP_FAILED)
		return -errno;
	munmap(map, len);
	return 0;
}

/* Arm @nr timers that expire now, cookies from @first. */
static void arm_now(int fd, uint32_t nr, uint64_t first)
{
	struct htw_op *ops = new_ops(nr);
	uint32_t i;

	for (i = 0; i < nr; i++)
		ops[i] = (struct htw_op){
			.opcode = HTW_OP_ARM, .cookie = first + i };
	do_ops_well(fd, ops, nr);
	free(ops);
}

static void wait_expired(int fd, uint64_t nr)
{
	while (stats(fd).expired < nr)
		sleep_ns(MSEC);
}

/* --- mapping --- */

static void setup_describes_the_ring(void)
{
	struct mapped m;

	open_ring(&m, 8);
	EXPECT_EQ(m.setup.ring_entries, 8);
	EXPECT_GE(m.setup.event_off, sizeof(struct htw_ring));
	EXPECT_GE(m.setup.event_size, sizeof(struct htw_event));
	EXPECT_EQ(m.setup.event_off % 8 + m.setup.event_size % 8, 0);
	EXPECT_GE(m.setup.ring_len,
		  m.setup.event_off + 8ULL * m.setup.event_size);
	EXPECT_GE(m.setup.ctl_len, sizeof(struct htw_ctl));
	EXPECT_EQ(m.setup.ring_off % page_size(), 0);
	EXPECT_EQ(m.setup.ctl_off % page_size(), 0);
	EXPECT_EQ(m.setup.words_len, 0);
	EXPECT_EQ(m.ring->tail, 0);
	EXPECT_EQ(m.ring->flags, 0);
	EXPECT_EQ(m.ring->entries, 8);
	EXPECT_EQ(m.ring->mask, 7);
	EXPECT_EQ(m.ring->stalls, 0);
	EXPECT_EQ(m.ctl->head, 0);
}

static void ring_of_any_power_of_two_works(void)
{
	uint32_t entries, max = query(open_context(0)).max_ring;
	struct htw_event event;
	struct mapped m;

	ASSERT_GE(max, 1);
	for (entries = 1; entries && entries <= max; entries *= 2) {
		open_ring(&m, entries);
		EXPECT_EQ(m.ring->entries, entries);
		arm_now(m.fd, 1, entries);
		consume_exactly(&m, &event, 1);
		EXPECT_EQ(event.cookie, entries);
		munmap((void *)m.ring, m.setup.ring_len);
		close(m.fd);
	}
}

static void ring_of_another_size_einval(void)
{
	uint64_t max = query(open_context(0)).max_ring;
	uint64_t sizes[] = { 3, 7, 100, max - 1, max + 1, max * 2, UINT32_MAX };
	struct htw_setup setup;
	int i, fd;

	for (i = 0; i < 7; i++) {
		fd = open_context(0);
		setup = (struct htw_setup){ .clock = CLOCK_MONOTONIC,
					    .ring_entries = (uint32_t)sizes[i] };
		EXPECT_EQ(do_setup(fd, &setup), -EINVAL);
		close(fd);
	}
}

static void other_offsets_and_lengths_einval(void)
{
	struct part parts[PARTS], *p;
	uint64_t page = page_size();
	struct mapped m;

	open_everything(&m);
	list_parts(&m.setup, parts);
	for (p = parts; p < parts + PARTS; p++) {
		EXPECT_EQ(try_map(m.fd, p->off, p->len, p->prot, MAP_SHARED), 0);
		EXPECT_EQ(try_map(m.fd, p->off, p->len + page, p->prot,
				  MAP_SHARED), -EINVAL);
		EXPECT_EQ(try_map(m.fd, p->off + page, p->len, PROT_READ,
				  MAP_SHARED), -EINVAL);
		if (p->len > page)
			EXPECT_EQ(try_map(m.fd, p->off, p->len - page, p->prot,
					  MAP_SHARED), -EINVAL);
		if (p->off)
			EXPECT_EQ(try_map(m.fd, p->off - page, p->len, PROT_READ,
					  MAP_SHARED), -EINVAL);
	}
	/* Beyond 4 GB a kernel of 32 bits has an answer of its own. */
	EXPECT_EQ(try_map(m.fd, 1ULL << 31, page, PROT_READ, MAP_SHARED),
		  -EINVAL);
}

static void what_was_not_set_up_einval(void)
{
	int plain = open_context(0), i;
	struct part parts[PARTS];
	struct mapped all, ring;

	open_everything(&all);
	open_ring(&ring, 64);
	list_parts(&all.setup, parts);
	for (i = 0; i < PARTS; i++)
		EXPECT_EQ(try_map(plain, parts[i].off, parts[i].len, PROT_READ,
				  MAP_SHARED), -EINVAL);
	EXPECT_EQ(try_map(ring.fd, parts[2].off, parts[2].len, PROT_READ,
			  MAP_SHARED), -EINVAL);
}

static void ring_writable_eperm(void)
{
	struct mapped m;

	open_ring(&m, 64);
	EXPECT_EQ(try_map(m.fd, m.setup.ring_off, m.setup.ring_len,
			  PROT_READ | PROT_WRITE, MAP_SHARED), -EPERM);
	EXPECT_EQ(try_map(m.fd, m.setup.ring_off, m.setup.ring_len,
			  PROT_WRITE, MAP_SHARED), -EPERM);
	/* Nor afterwards. */
	EXPECT_ERRNO(mprotect((void *)m.ring, m.setup.ring_len,
			      PROT_READ | PROT_WRITE), EACCES);
}

/* As of any file: what is there can be read, and nothing be written. */
static void file_open_for_reading_can_be_mapped_to_read(void)
{
	struct htw_setup setup = { .clock = CLOCK_MONOTONIC, .ring_entries = 64,
				   .flags = HTW_SETUP_WORDS };
	struct part parts[PARTS];
	int fd = open(device_path(), O_RDONLY | O_CLOEXEC), i;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(do_setup(fd, &setup), 0);
	list_parts(&setup, parts);
	for (i = 0; i < PARTS; i++) {
		EXPECT_EQ(try_map(fd, parts[i].off, parts[i].len, PROT_READ,
				  MAP_SHARED), 0);
		EXPECT_EQ(try_map(fd, parts[i].off, parts[i].len,
				  PROT_READ | PROT_WRITE, MAP_SHARED), -EACCES);
		EXPECT_EQ(try_map(fd, parts[i].off, parts[i].len, PROT_READ,
				  MAP_PRIVATE), -EINVAL);
	}
}

static void private_mapping_einval(void)
{
	struct part parts[PARTS];
	struct mapped m;
	int i;

	open_everything(&m);
	list_parts(&m.setup, parts);
	for (i = 0; i < PARTS; i++) {
		EXPECT_EQ(try_map(m.fd, parts[i].off, parts[i].len, PROT_READ,
				  MAP_PRIVATE), -EINVAL);
		EXPECT_EQ(try_map(m.fd, parts[i].off, parts[i].len,
				  PROT_READ | PROT_WRITE, MAP_PRIVATE), -EINVAL);
	}
}

static void mapping_does_not_grow(void)
{
	struct mapped m;
	void *map;

	open_everything(&m);
	map = mremap((void *)m.ring, m.setup.ring_len,
		     m.setup.ring_len + page_size(), MREMAP_MAYMOVE);
	EXPECT_EQ(map == MAP_FAILED ? errno : 0, EFAULT);
	map = mremap(m.ctl, m.setup.ctl_len, m.setup.ctl_len + page_size(),
		     MREMAP_MAYMOVE);
	EXPECT_EQ(map == MAP_FAILED ? errno : 0, EFAULT);
	map = mremap(m.words, m.setup.words_len,
		     m.setup.words_len + page_size(), MREMAP_MAYMOVE);
	EXPECT_EQ(map == MAP_FAILED ? errno : 0, EFAULT);
}

static void mapping_can_be_moved(void)
{
	struct htw_event event;
	struct mapped m;
	void *map, *room;

	open_ring(&m, 8);
	room = mmap(NULL, m.setup.ring_len, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(room, MAP_FAILED);
	map = mremap((void *)m.ring, m.setup.ring_len, m.setup.ring_len,
		     MREMAP_MAYMOVE | MREMAP_FIXED, room);
	ASSERT_EQ(map, room);
	m.ring = map;
	arm_now(m.fd, 1, 5);
	consume_exactly(&m, &event, 1);
	EXPECT_EQ(event.cookie, 5);
}

static bool is_mapped(const void *map, uint64_t len)
{
	unsigned char *pages = malloc(len / page_size() + 1);
	int ret;

	ASSERT_TRUE(pages);
	ret = mincore((void *)map, len, pages);
	free(pages);
	return !ret;
}

/* The child has the context, and no part of the memory. */
static void child_does_not_inherit_mappings(void)
{
	struct mapped m;
	pid_t pid;

	open_everything(&m);
	pid = fork();
	if (!pid) {
		EXPECT_EQ(is_mapped(m.ring, m.setup.ring_len), false);
		EXPECT_EQ(is_mapped(m.ctl, m.setup.ctl_len), false);
		EXPECT_EQ(is_mapped(m.words, m.setup.words_len), false);
		map_all(&m);
		arm_now(m.fd, 1, 6);
		_exit(0);
	}
	expect_child_ok(pid);
	while (!ring_tail(&m))
		sleep_ns(MSEC);
	EXPECT_EQ(ring_event(&m, 0)->cookie, 6);
	EXPECT_TRUE(is_mapped(m.ring, m.setup.ring_len));
}

static void unmapped_and_mapped_again_is_the_same(void)
{
	struct htw_event events[3];
	struct mapped m;
	int round;

	open_ring(&m, 4);
	for (round = 0; round < 5; round++) {
		arm_now(m.fd, 3, 10);
		wait_readable(m.fd);
		munmap((void *)m.ring, m.setup.ring_len);
		munmap(m.ctl, m.setup.ctl_len);
		map_all(&m);
		EXPECT_EQ(m.ctl->head, round * 3);
		consume_exactly(&m, events, 3);
		EXPECT_EQ(ring_tail(&m), (round + 1) * 3);
	}
}

static void two_mappings_are_the_same_memory(void)
{
	struct mapped m, other;

	open_everything(&m);
	other = m;
	map_all(&other);
	EXPECT_NE((uintptr_t)other.ring, (uintptr_t)m.ring);
	arm_now(m.fd, 1, 5);
	wait_readable(m.fd);
	EXPECT_EQ(ring_tail(&other), 1);
	EXPECT_EQ(ring_event(&other, 0)->cookie, 5);
	ring_advance(&other, 1);
	EXPECT_EQ(m.ctl->head, 1);
	other.words[100] = 77;
	EXPECT_EQ(m.words[100], 77);
}

/* The last descriptor is gone, the timers live on as long as a mapping does. */
static void mapping_outlives_the_descriptor(void)
{
	struct mapped m;
	int i;

	open_ring(&m, 16);
	for (i = 0; i < 10; i++)
		arm_in(m.fd, (uint64_t)i * 2 * MSEC, (uint64_t)i);
	close(m.fd);
	while (ring_tail(&m) < 10)
		sleep_ns(MSEC);
	for (i = 0; i < 10; i++)
		EXPECT_LT(ring_event(&m, (uint32_t)i)->cookie, 10);
	munmap((void *)m.ring, m.setup.ring_len);
	EXPECT_EQ(m.ctl->head, 0);
	munmap(m.ctl, m.setup.ctl_len);
}

/* Closed and unmapped at any moment of an expiry. */
static void ring_goes_while_timers_expire(void)
{
	struct mapped m;
	int round, i;

	for (round = 0; round < 100; round++) {
		open_ring(&m, 4);
		for (i = 0; i < 10; i++)
			arm_in(m.fd, (uint64_t)i * 30 * USEC, 0);
		arm(m.fd, (struct htw_op){ .interval = MSEC });
		sleep_ns((uint64_t)(round % 10) * 50 * USEC);
		if (round % 2)
			close(m.fd);
		munmap((void *)m.ring, m.setup.ring_len);
		munmap(m.ctl, m.setup.ctl_len);
		if (!(round % 2))
			close(m.fd);
	}
	EXPECT_EQ(held(open_context(0)), 0);
}

/* --- the protocol --- */

static void event_in_the_ring_is_whole(void)
{
	struct htw_event event;
	uint64_t time, id;
	struct mapped m;

	open_ring(&m, 8);
	time = now_ns() + 10 * MSEC;
	id = arm_at(m.fd, time, 42);
	while (!ring_tail(&m))
		sleep_ns(MSEC);
	EXPECT_GE(now_ns(), time);
	ASSERT_EQ(consume(&m, &event, 1), 1);
	EXPECT_EQ(event.cookie, 42);
	EXPECT_EQ(event.id, id);
	EXPECT_EQ(event.expires, time);
	EXPECT_EQ(event.expirations, 1);
	EXPECT_EQ(HTW_EVENT_TYPE(event.info), HTW_EVENT_EXPIRED);
	EXPECT_EQ(HTW_EVENT_ARMING(event.info), 1);
	EXPECT_EQ(ring_tail(&m), 1);
	EXPECT_EQ(consume(&m, &event, 1), 0);
	EXPECT_EQ(held(m.fd), 0);
	EXPECT_EQ(stats(m.fd).delivered, 1);
}

static void poll_tells_what_is_not_consumed(void)
{
	struct htw_event event;
	struct mapped m;

	open_ring(&m, 8);
	expect_no_event(m.fd);
	arm_now(m.fd, 2, 0);
	wait_expired(m.fd, 2);
	EXPECT_EQ(poll_context(m.fd, -1), POLLIN);
	consume_exactly(&m, &event, 1);
	EXPECT_EQ(poll_context(m.fd, 0), POLLIN);
	consume_exactly(&m, &event, 1);
	expect_no_event(m.fd);
	arm_now(m.fd, 1, 0);
	EXPECT_EQ(poll_context(m.fd, -1), POLLIN);
}

static void epoll_edge_tells_of_the_ring(void)
{
	struct htw_event event;
	struct mapped m;
	int ep, i;

	open_ring(&m, 8);
	ep = new_epoll(m.fd, EPOLLET);
	for (i = 0; i < 5; i++) {
		arm_in(m.fd, MSEC, 0);
		EXPECT_EQ(wait_epoll(ep, -1), 1);
		EXPECT_EQ(wait_epoll(ep, 20), 0);
		/* Also if the one before is still there. */
		if (i % 2)
			consume_exactly(&m, &event, 1);
	}
}

static void eventfd_tells_of_the_ring(void)
{
	int efd = eventfd(0, EFD_CLOEXEC);
	struct mapped m;
	uint64_t count;
	__s32 arg = efd;

	ASSERT_GE(efd, 0);
	open_ring(&m, 8);
	ASSERT_EQ(ioctl(m.fd, HTW_IOC_EVENTFD, &arg), 0);
	arm_in(m.fd, MSEC, 9);
	ASSERT_EQ(read(efd, &count, sizeof(count)), sizeof(count));
	EXPECT_EQ(count, 1);
	EXPECT_EQ(ring_tail(&m), 1);
	EXPECT_EQ(ring_event(&m, 0)->cookie, 9);
}

static void sigio_tells_of_the_ring(void)
{
	struct mapped m;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	ASSERT_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	open_ring(&m, 8);
	ASSERT_EQ(fcntl(m.fd, F_SETOWN, getpid()), 0);
	ASSERT_EQ(fcntl(m.fd, F_SETFL, O_ASYNC), 0);
	arm_in(m.fd, MSEC, 9);
	EXPECT_EQ(sigwaitinfo(&set, NULL), SIGIO);
	EXPECT_EQ(ring_tail(&m), 1);
}

static void read_of_a_ring_ebusy(void)
{
	struct htw_event event;
	struct mapped m;

	open_ring(&m, 8);
	EXPECT_ERRNO(read(m.fd, &event, sizeof(event)), EBUSY);
	arm_now(m.fd, 1, 0);
	wait_readable(m.fd);
	EXPECT_ERRNO(read(m.fd, &event, sizeof(event)), EBUSY);
	ASSERT_EQ(consume(&m, &event, 1), 1);
}

static void *read_until_busy(void *fd)
{
	struct htw_event event;

	EXPECT_EQ(read(*(int *)fd, &event, sizeof(event)), -1);
	EXPECT_EQ(errno, EBUSY);
	return NULL;
}

/* The events that it waits for come to the ring now. */
static void setup_ends_a_read_that_waits(void)
{
	struct htw_setup setup = {
		.clock = CLOCK_MONOTONIC, .ring_entries = 8 };
	int fd = open_context(0);
	pthread_t reader = start(read_until_busy, &fd);

	sleep_ns(50 * MSEC);
	ASSERT_EQ(ioctl(fd, HTW_IOC_SETUP, &setup), 0);
	arm_in(fd, 0, 1);
	join(reader);
}

static void batch_with_room_for_events_einval(void)
{
	struct htw_event event;
	struct htw_batch batch = { .events = (uintptr_t)&event, .nr_events = 1 };
	struct htw_batch address = { .events = (uintptr_t)&event };
	struct htw_batch room = { .nr_events = 1 };
	struct mapped m;

	open_ring(&m, 8);
	EXPECT_EQ(do_batch(m.fd, &batch), -EINVAL);
	EXPECT_EQ(do_batch(m.fd, &address), -EINVAL);
	EXPECT_EQ(do_batch(m.fd, &room), -EINVAL);
}

static void batch_waits_for_the_ring_to_fill(void)
{
	struct htw_batch batch = { .min_events = 8, .timeout = HTW_FOREVER };
	struct htw_batch more = { .min_events = 9, .timeout = HTW_FOREVER };
	struct htw_batch over = { .min_events = 8, .timeout = 50 * MSEC };
	uint64_t before = now_ns();
	struct mapped m;
	int i;

	open_ring(&m, 8);
	EXPECT_EQ(do_batch(m.fd, &more), -EINVAL);
	for (i = 0; i < 8; i++)
		arm_in(m.fd, (uint64_t)i * 10 * MSEC, 0);
	EXPECT_EQ(do_batch(m.fd, &batch), 0);
	EXPECT_EQ(batch.got, 8);
	EXPECT_GE(now_ns(), before + 70 * MSEC);
	EXPECT_EQ(ring_tail(&m), 8);
	ring_advance(&m, 3);
	EXPECT_EQ(do_batch(m.fd, &over), 0);
	EXPECT_EQ(over.got, 5);
}

/* One expires after the other on one CPU: so they come, however small the ring. */
static void events_keep_their_order(void)
{
	enum { NR = 300 };
	struct htw_event *events = calloc(NR, sizeof(*events));
	struct mapped m;
	uint64_t i, base;

	ASSERT_TRUE(events);
	pin_to_cpu(0);
	open_ring(&m, 4);
	base = now_ns() + 5 * MSEC;
	for (i = 0; i < NR; i++)
		arm_at(m.fd, base + i * 300 * USEC, i);
	consume_exactly(&m, events, NR);
	for (i = 0; i < NR; i++)
		EXPECT_EQ(events[i].cookie, i);
	EXPECT_EQ(held(m.fd), 0);
}

/* @nr events go through, as many at a time as @at_once; each once. */
static void push_through(struct mapped *m, uint32_t nr, uint32_t at_once)
{
	unsigned char *seen = calloc(nr, 1);
	struct htw_event events[16];
	uint32_t done, got, i;

	ASSERT_TRUE(seen);
	for (done = 0; done < nr; done += got) {
		if (done % at_once == 0)
			arm_now(m->fd, at_once, done);
		wait_readable(m->fd);
		got = at_once - done % at_once;
		got = consume(m, events, got < 16 ? got : 16);
		for (i = 0; i < got; i++) {
			ASSERT_LT(events[i].cookie, nr);
			EXPECT_EQ(seen[events[i].cookie]++, 0);
		}
	}
	free(seen);
}

/* The array is used again and again, whatever its size and the pace. */
static void many_events_go_through_a_small_ring(void)
{
	uint32_t sizes[] = { 1, 2, 8, 64 }, nr = (uint32_t)scaled(40) * 200;
	struct mapped m;
	int i;

	for (i = 0; i < 4; i++) {
		open_ring(&m, sizes[i]);
		push_through(&m, nr, 200);
		EXPECT_EQ(ring_tail(&m), nr);
		EXPECT_EQ(stats(m.fd).delivered, nr);
		EXPECT_EQ(held(m.fd), 0);
	}
}

/* --- a full ring --- */

static void full_ring_delays_and_drops_nothing(void)
{
	unsigned char seen[10] = { 0 };
	struct htw_event event;
	struct mapped m;
	int i;

	open_ring(&m, 4);
	arm_now(m.fd, 10, 0);
	wait_expired(m.fd, 10);
	EXPECT_EQ(kick(&m), 4);
	EXPECT_EQ(ring_tail(&m), 4);
	EXPECT_TRUE(ring_stalled(&m));
	EXPECT_EQ(held(m.fd), 6);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(consume(&m, &event, 1), 1);
		ASSERT_LT(event.cookie, 10);
		EXPECT_EQ(seen[event.cookie]++, 0);
		/* What was let go of has been filled again. */
		EXPECT_EQ(ring_tail(&m), i + 5 < 10 ? i + 5 : 10);
	}
	EXPECT_EQ(ring_stalled(&m), false);
	EXPECT_EQ(held(m.fd), 0);
	EXPECT_GE(m.ring->stalls, 1);
	EXPECT_EQ(m.ring->stalls, stats(m.fd).stalls);
}

/* The head is stored and no more: the kernel is told by the next poll(2). */
static void poll_brings_in_what_waits(void)
{
	struct mapped m;

	open_ring(&m, 4);
	arm_now(m.fd, 6, 0);
	wait_expired(m.fd, 6);
	kick(&m);
	store_shared(&m.ctl->head, 4);
	EXPECT_EQ(poll_context(m.fd, 0), POLLIN);
	EXPECT_EQ(ring_tail(&m), 6);
	EXPECT_EQ(ring_stalled(&m), false);
}

static void epoll_brings_in_what_waits(void)
{
	struct mapped m;
	int ep;

	open_ring(&m, 4);
	ep = new_epoll(m.fd, 0);
	arm_now(m.fd, 6, 0);
	wait_expired(m.fd, 6);
	kick(&m);
	store_shared(&m.ctl->head, 4);
	EXPECT_EQ(wait_epoll(ep, -1), 1);
	EXPECT_EQ(ring_tail(&m), 6);
}

/* Who waits in a batch gets what it waits for, from outside of the ring too. */
static void batch_brings_in_what_waits(void)
{
	struct htw_batch batch = { .min_events = 3, .timeout = HTW_FOREVER };
	struct mapped m;

	open_ring(&m, 4);
	arm_now(m.fd, 7, 0);
	wait_expired(m.fd, 7);
	kick(&m);
	store_shared(&m.ctl->head, 4);
	EXPECT_EQ(do_batch(m.fd, &batch), 0);
	EXPECT_EQ(batch.got, 3);
	EXPECT_EQ(ring_tail(&m), 7);
}

static void cancel_of_what_is_in_the_ring_ealready(void)
{
	struct htw_event event;
	struct mapped m;
	uint64_t id;

	open_ring(&m, 4);
	id = arm_in(m.fd, 0, 5);
	wait_readable(m.fd);
	EXPECT_EQ(cancel(m.fd, id), -EALREADY);
	EXPECT_EQ(rearm_in(m.fd, id, 0, 6), -EALREADY);
	ASSERT_EQ(consume(&m, &event, 1), 1);
	EXPECT_EQ(event.cookie, 5);
	EXPECT_EQ(cancel(m.fd, id), -EALREADY);
}

static void cancel_of_what_waits_outside_withdraws(void)
{
	struct htw_event events[3];
	uint64_t ids[3];
	struct mapped m;
	uint32_t i;

	open_ring(&m, 1);
	for (i = 0; i < 3; i++) {
		ids[i] = arm_in(m.fd, 0, i);
		wait_expired(m.fd, i + 1);
	}
	kick(&m);
	EXPECT_EQ(cancel(m.fd, ids[0]), -EALREADY);
	EXPECT_EQ(cancel(m.fd, ids[1]), HTW_WITHDRAWN);
	EXPECT_EQ(cancel(m.fd, ids[1]), -ENOENT);
	consume_exactly(&m, events, 2);
	EXPECT_EQ(events[0].cookie, 0);
	EXPECT_EQ(events[1].cookie, 2);
	expect_no_event(m.fd);
	EXPECT_EQ(stats(m.fd).withdrawn, 1);
}

/* Nothing is left outside: then it is not stalled any more. */
static void withdrawing_all_that_waits_ends_the_stall(void)
{
	struct mapped m;
	uint64_t id;

	open_ring(&m, 1);
	arm_in(m.fd, 0, 0);
	wait_expired(m.fd, 1);
	id = arm_in(m.fd, 0, 0);
	wait_expired(m.fd, 2);
	kick(&m);
	EXPECT_TRUE(ring_stalled(&m));
	EXPECT_EQ(cancel(m.fd, id), HTW_WITHDRAWN);
	kick(&m);
	EXPECT_EQ(ring_stalled(&m), false);
}

static void rearm_of_what_waits_outside_withdraws(void)
{
	struct htw_event events[2];
	struct mapped m;
	uint64_t id;

	open_ring(&m, 1);
	arm_in(m.fd, 0, 0);
	wait_expired(m.fd, 1);
	id = arm_in(m.fd, 0, 1);
	wait_expired(m.fd, 2);
	ASSERT_EQ(rearm_in(m.fd, id, 20 * MSEC, 2), 0);
	consume_exactly(&m, events, 2);
	EXPECT_EQ(events[0].cookie, 0);
	EXPECT_EQ(events[1].cookie, 2);
	EXPECT_EQ(HTW_EVENT_ARMING(events[1].info), 2);
}

static void kept_timer_is_armed_again_from_the_ring(void)
{
	struct htw_op op = { .opcode = HTW_OP_ARM, .flags = HTW_TIMER_KEEP,
			     .cookie = 1 };
	struct htw_event event;
	struct mapped m;
	uint32_t i;

	open_ring(&m, 2);
	ASSERT_EQ(do_op(m.fd, &op), 0);
	for (i = 1; i <= 20; i++) {
		consume_exactly(&m, &event, 1);
		EXPECT_EQ(event.id, op.id);
		EXPECT_EQ(HTW_EVENT_ARMING(event.info), i);
		op = (struct htw_op){ .opcode = HTW_OP_REARM, .id = event.id,
				      .flags = HTW_TIMER_KEEP };
		ASSERT_EQ(do_op(m.fd, &op), 0);
	}
	wait_readable(m.fd);
	EXPECT_EQ(cancel(m.fd, op.id), HTW_DELIVERED);
	EXPECT_EQ(held(m.fd), 0);
}

/* --- periodic timers --- */

static void periodic_events_are_on_the_grid(void)
{
	uint64_t interval = 3 * MSEC, first = now_ns() + 5 * MSEC, last = 0;
	struct htw_event event;
	struct mapped m;
	int i;

	open_ring(&m, 8);
	arm(m.fd, (struct htw_op){ .flags = HTW_TIMER_ABS, .expires = first,
				   .interval = interval });
	for (i = 0; i < 30; i++) {
		consume_exactly(&m, &event, 1);
		EXPECT_GE(now_ns(), event.expires);
		EXPECT_EQ((event.expires - first) % interval, 0);
		EXPECT_EQ(event.expires, (last ? last : first - interval) +
			  event.expirations * interval);
		last = event.expires;
	}
}

/* None of the periods that nobody had room for is forgotten. */
static void periodic_counts_over_a_stall(void)
{
	uint64_t interval = 2 * MSEC, first = now_ns(), sum = 0;
	struct htw_event event;
	struct mapped m;
	int i;

	open_ring(&m, 1);
	arm(m.fd, (struct htw_op){ .flags = HTW_TIMER_ABS, .expires = first,
				   .interval = interval });
	for (i = 0; i < 10; i++) {
		sleep_ns(20 * MSEC);
		EXPECT_LE(ring_tail(&m) - m.ctl->head, 1);
		consume_exactly(&m, &event, 1);
		sum += event.expirations;
		EXPECT_EQ(event.expires, first + (sum - 1) * interval);
	}
	EXPECT_GE(sum, 30);
}

/* --- a consumer on another CPU --- */

struct consumer {
	struct mapped	m;
	uint32_t	nr;
	unsigned char	*seen;		/* by cookie */
};

static void *consume_all(void *arg)
{
	struct consumer *consumer = arg;
	struct htw_event events[64];
	uint32_t done, got, i;

	pin_to_cpu(1);
	for (done = 0; done < consumer->nr; done += got) {
		got = consume(&consumer->m, events, 64);
		for (i = 0; i < got; i++) {
			ASSERT_LT(events[i].cookie, consumer->nr);
			EXPECT_EQ(consumer->seen[events[i].cookie]++, 0);
		}
		/* At times by spinning, at times by waiting. */
		if (!got && done % 3)
			wait_readable(consumer->m.fd);
		else if (!got)
			sched_yield();
	}
	return NULL;
}

/* The two touch head, tail and the flag at the same time, in every order. */
static void race_consumer(uint32_t entries, uint32_t nr, uint32_t at_once)
{
	struct consumer consumer = { .nr = nr, .seen = calloc(nr, 1) };
	pthread_t thread;
	uint32_t i;

	ASSERT_TRUE(consumer.seen);
	open_ring(&consumer.m, entries);
	pin_to_cpu(0);
	thread = start(consume_all, &consumer);
	for (i = 0; i < nr; i += at_once) {
		/* No more than a context may hold; and never far ahead. */
		while (held(consumer.m.fd) > 20000)
			sched_yield();
		arm_now(consumer.m.fd, at_once, i);
	}
	join(thread);
	EXPECT_EQ(ring_tail(&consumer.m), nr);
	EXPECT_EQ(held(consumer.m.fd), 0);
	ktap_note("%u events, ring of %u, %llu stalls", nr, entries,
		  (unsigned long long)consumer.m.ring->stalls);
}

static void consumer_on_another_cpu_gets_each_event_once(void)
{
	race_consumer(1024, (uint32_t)scaled(600) * 500, 500);
}

static void consumer_of_a_small_ring_gets_each_event_once(void)
{
	race_consumer(16, (uint32_t)scaled(1000) * 50, 25);
}

/**
 * struct spinner - a consumer that makes no calls but those that it must
 * @m: the context
 * @consumed: how many events it has had
 * @stop: it is to end
 */
struct spinner {
	struct mapped	m;
	uint32_t	consumed;
	bool		stop;
};

/* Sometimes at once, sometimes just after the kernel has found no room. */
static void *spin_for_events(void *arg)
{
	struct spinner *spinner = arg;
	struct htw_event event;
	volatile uint32_t pause;
	uint64_t state = 4711;

	pin_to_cpu(1);
	while (!load_shared(&spinner->stop)) {
		if (ring_tail(&spinner->m) == spinner->consumed)
			continue;
		for (pause = random_of(&state, 1000); pause; pause--)
			;
		add_shared(&spinner->consumed, consume(&spinner->m, &event, 1));
	}
	return NULL;
}

/* What is missed stays outside; a consumer that has no CPU comes back. */
static void await_consumed(const struct spinner *spinner, uint32_t nr)
{
	uint64_t end = now_ns() + 15 * SEC;

	while (load_shared(&spinner->consumed) < nr && now_ns() < end)
		sched_yield();
	if (load_shared(&spinner->consumed) == nr)
		return;
	ktap_note("consumed %u of %u: tail %u, head %u, stalled %d, held %llu",
		  spinner->consumed, nr, ring_tail(&spinner->m),
		  spinner->m.ctl->head, ring_stalled(&spinner->m),
		  (unsigned long long)held(spinner->m.fd));
	ASSERT_EQ(spinner->consumed, nr);
}

/*
 * One that never waits and calls only when it finds HTW_RING_STALLED misses nothing.
 * It makes room while the kernel finds that there is none: the two barriers are for
 * that moment. The next timers are armed when it has had all, so what it misses nobody
 * brings in. Where each hand-over takes long there are fewer of them.
 */
static void spinning_consumer_misses_nothing(void)
{
	enum { AT_ONCE = 2 };
	uint32_t rounds = (uint32_t)scaled(5000), i;
	uint64_t end = now_ns() + 8 * SEC;
	struct spinner spinner = { .consumed = 0 };
	pthread_t thread;

	open_ring(&spinner.m, AT_ONCE - 1);
	pin_to_cpu(0);
	thread = start(spin_for_events, &spinner);
	for (i = 1; i < rounds && now_ns() < end; i++) {
		arm_now(spinner.m.fd, AT_ONCE, i);
		await_consumed(&spinner, i * AT_ONCE);
	}
	store_shared(&spinner.stop, true);
	join(thread);
	EXPECT_EQ(held(spinner.m.fd), 0);
	EXPECT_GE(spinner.m.ring->stalls, 1);
	ktap_note("%u rounds, %llu stalls", i,
		  (unsigned long long)spinner.m.ring->stalls);
}

/* --- a hostile program --- */

static void head_that_can_not_be_is_a_full_ring(void)
{
	static const uint32_t heads[] = {
		1, 2, 4, 5, 0x7fffffff, 0x80000000, UINT32_MAX - 4 };
	struct htw_event event;
	struct mapped m;
	int i;

	for (i = 0; i < 7; i++) {
		open_ring(&m, 4);
		store_shared(&m.ctl->head, heads[i]);
		arm_now(m.fd, 1, 5);
		wait_expired(m.fd, 1);
		kick(&m);
		EXPECT_EQ(ring_tail(&m), 0);
		EXPECT_TRUE(ring_stalled(&m));
		EXPECT_EQ(held(m.fd), 1);
		/* Repaired, as if nothing had happened. */
		store_shared(&m.ctl->head, 0);
		kick(&m);
		ASSERT_EQ(consume(&m, &event, 1), 1);
		EXPECT_EQ(event.cookie, 5);
		close(m.fd);
	}
}

struct scribbler {
	struct mapped	*m;
	bool		stop;
};

/* Anything at all, and at times what is nearly right. */
static void *scribble(void *arg)
{
	struct scribbler *scribbler = arg;
	struct htw_ctl *ctl = scribbler->m->ctl;
	uint64_t state = 12345;
	uint32_t value;

	while (!load_shared(&scribbler->stop)) {
		value = random_of(&state, UINT32_MAX);
		if (value & 0x100)
			value = ring_tail(scribbler->m) - value % 16;
		store_shared(&ctl->head, value);
		ctl->resv0 = value;
		ctl->resv[value % 15] = value;
	}
	return NULL;
}

/* What the kernel alone writes is as it should be, whatever the program wrote. */
static void expect_sane_ring(const struct mapped *m, uint32_t *last_tail)
{
	uint32_t tail = ring_tail(m), i;

	EXPECT_EQ(m->ring->entries, m->setup.ring_entries);
	EXPECT_EQ(m->ring->mask, m->setup.ring_entries - 1);
	EXPECT_EQ(m->ring->flags & ~HTW_RING_STALLED, 0);
	EXPECT_GE((int32_t)(tail - *last_tail), 0);
	*last_tail = tail;
	for (i = 0; i < m->ring->entries && i < tail; i++) {
		EXPECT_LT(ring_event(m, i)->cookie, 1000);
		EXPECT_NE(ring_event(m, i)->id, 0);
	}
}

/* Let everything out that is still inside. */
static void drain(const struct mapped *m)
{
	while (held(m->fd)) {
		store_shared(&m->ctl->head, ring_tail(m));
		kick(m);
	}
	store_shared(&m->ctl->head, ring_tail(m));
}

static void garbage_in_the_head_harms_nobody(void)
{
	int rounds = (int)scaled(200), i;
	struct scribbler scribbler;
	uint32_t last_tail = 0;
	pthread_t thread;
	struct mapped m;

	open_ring(&m, 16);
	scribbler = (struct scribbler){ .m = &m };
	thread = start(scribble, &scribbler);
	for (i = 0; i < rounds; i++) {
		arm_now(m.fd, 50, 0);
		poll_context(m.fd, 0);
		kick(&m);
		expect_sane_ring(&m, &last_tail);
	}
	store_shared(&scribbler.stop, true);
	join(thread);
	drain(&m);
	EXPECT_EQ(stats(m.fd).delivered, rounds * 50);
	EXPECT_EQ(ring_tail(&m), rounds * 50);
	/* And it works as on the first day. */
	push_through(&m, 400, 200);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(setup_describes_the_ring),
	KTAP_TEST(ring_of_any_power_of_two_works),
	KTAP_TEST(ring_of_another_size_einval),
	KTAP_TEST(other_offsets_and_lengths_einval),
	KTAP_TEST(what_was_not_set_up_einval),
	KTAP_TEST(ring_writable_eperm),
	KTAP_TEST(file_open_for_reading_can_be_mapped_to_read),
	KTAP_TEST(private_mapping_einval),
	KTAP_TEST(mapping_does_not_grow),
	KTAP_TEST(mapping_can_be_moved),
	KTAP_TEST(child_does_not_inherit_mappings),
	KTAP_TEST(unmapped_and_mapped_again_is_the_same),
	KTAP_TEST(two_mappings_are_the_same_memory),
	KTAP_TEST(mapping_outlives_the_descriptor),
	KTAP_TEST(ring_goes_while_timers_expire),
	KTAP_TEST(event_in_the_ring_is_whole),
	KTAP_TEST(poll_tells_what_is_not_consumed),
	KTAP_TEST(epoll_edge_tells_of_the_ring),
	KTAP_TEST(eventfd_tells_of_the_ring),
	KTAP_TEST(sigio_tells_of_the_ring),
	KTAP_TEST(read_of_a_ring_ebusy),
	KTAP_TEST(setup_ends_a_read_that_waits),
	KTAP_TEST(batch_with_room_for_events_einval),
	KTAP_TEST(batch_waits_for_the_ring_to_fill),
	KTAP_TEST(events_keep_their_order),
	KTAP_TEST(many_events_go_through_a_small_ring),
	KTAP_TEST(full_ring_delays_and_drops_nothing),
	KTAP_TEST(poll_brings_in_what_waits),
	KTAP_TEST(epoll_brings_in_what_waits),
	KTAP_TEST(batch_brings_in_what_waits),
	KTAP_TEST(cancel_of_what_is_in_the_ring_ealready),
	KTAP_TEST(cancel_of_what_waits_outside_withdraws),
	KTAP_TEST(withdrawing_all_that_waits_ends_the_stall),
	KTAP_TEST(rearm_of_what_waits_outside_withdraws),
	KTAP_TEST(kept_timer_is_armed_again_from_the_ring),
	KTAP_TEST(periodic_events_are_on_the_grid),
	KTAP_TEST(periodic_counts_over_a_stall),
	KTAP_TEST(consumer_on_another_cpu_gets_each_event_once),
	KTAP_TEST(consumer_of_a_small_ring_gets_each_event_once),
	KTAP_TEST(spinning_consumer_misses_nothing),
	KTAP_TEST(head_that_can_not_be_is_a_full_ring),
	KTAP_TEST(garbage_in_the_head_harms_nobody),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("ring", tests, need_device));
}
