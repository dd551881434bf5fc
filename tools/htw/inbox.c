// SPDX-License-Identifier: GPL-2.0
/*
 * Taking events out of a context: by read(2), or out of its ring.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "inbox.h"

static void *map(int fd, __u64 len, __u64 off, int prot, const char *what)
{
	void *addr = mmap(NULL, len, prot, MAP_SHARED, fd, (off_t)off);

	if (addr != MAP_FAILED)
		return addr;
	fprintf(stderr, "htw run: mmap of the %s: %s\n", what, strerror(errno));
	return NULL;
}

/**
 * inbox_open() - begin to take events
 * @inbox: filled in
 * @fd: of the device, non-blocking
 * @setup: what HTW_IOC_SETUP made of the context; all 0 if it was not called
 *
 * Return: false, with the reason on stderr, if something can't be mapped.
 */
bool inbox_open(struct inbox *inbox, int fd, const struct htw_setup *setup)
{
	memset(inbox, 0, sizeof(*inbox));
	inbox->fd = fd;
	inbox->setup = *setup;
	if (setup->words_len) {
		inbox->words = map(fd, setup->words_len, setup->words_off,
				   PROT_READ | PROT_WRITE, "deadline words");
		if (!inbox->words)
			return false;
	}
	if (!setup->ring_len)
		return true;
	inbox->ring = map(fd, setup->ring_len, setup->ring_off, PROT_READ,
			  "ring");
	inbox->ctl = map(fd, setup->ctl_len, setup->ctl_off,
			 PROT_READ | PROT_WRITE, "ring's control page");
	return inbox->ring && inbox->ctl;
}

void inbox_close(struct inbox *inbox)
{
	if (inbox->words)
		munmap(inbox->words, inbox->setup.words_len);
	if (inbox->ring)
		munmap((void *)inbox->ring, inbox->setup.ring_len);
	if (inbox->ctl)
		munmap(inbox->ctl, inbox->setup.ctl_len);
}

static int read_events(struct inbox *inbox, struct htw_event *events,
		       unsigned int max)
{
	ssize_t len = read(inbox->fd, events, max * sizeof(*events));

	if (len > 0)
		return (int)(len / (ssize_t)sizeof(*events));
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	fprintf(stderr, "htw run: read: %s\n",
		len ? strerror(errno) : "end of file");
	return -1;
}

/* What lies between our head and the kernel's tail. */
static unsigned int copy_from_ring(struct inbox *inbox,
				   struct htw_event *events, unsigned int max)
{
	const char *first = (const char *)inbox->ring + inbox->setup.event_off;
	unsigned int tail, head = inbox->ctl->head, i;

	tail = __atomic_load_n(&inbox->ring->tail, __ATOMIC_ACQUIRE);
	for (i = 0; i < max && head + i != tail; i++)
		memcpy(&events[i], first + (size_t)((head + i) &
		       inbox->ring->mask) * inbox->setup.event_size,
		       sizeof(*events));
	__atomic_store_n(&inbox->ctl->head, head + i, __ATOMIC_RELEASE);
	return i;
}

/*
 * Events may wait outside for room that we just made, which the kernel has not
 * seen: the store to head must be there before flags is looked at.
 */
static bool must_kick(const struct inbox *inbox)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&inbox->ring->flags, __ATOMIC_RELAXED) &
	       HTW_RING_STALLED;
}

static int take_from_ring(struct inbox *inbox, struct htw_event *events,
			  unsigned int max)
{
	struct htw_batch nothing = { 0 };
	unsigned int nr = copy_from_ring(inbox, events, max);
	int err;

	if (!must_kick(inbox))
		return (int)nr;
	err = device_batch(inbox->fd, &nothing);
	if (err && err != -EINTR) {
		fprintf(stderr, "htw run: events wait outside of the ring, "
			"and a batch does not get them in: %s\n",
			strerror(-err));
		return -1;
	}
	return nr ? (int)nr : (int)copy_from_ring(inbox, events, max);
}

/**
 * inbox_take() - take events that are there; never waits
 * @inbox: from inbox_open()
 * @events: where they go
 * @max: how many fit there
 *
 * Return: how many; -1, with the reason on stderr, if that fails.
 */
int inbox_take(struct inbox *inbox, struct htw_event *events, unsigned int max)
{
	if (inbox->ring)
		return take_from_ring(inbox, events, max);
	return read_events(inbox, events, max);
}
