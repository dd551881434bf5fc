// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* Contexts: opened, set up, mapped, asked, closed. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "handle.h"

static const char *path_of(const char *path)
{
	return path ? path : "/dev/htw";
}

/* Of another size, or with something where this version has nothing: not made by init. */
static int check_params(const struct htw_params *params)
{
	size_t i;

	if (params->size != sizeof(*params) || params->resv0)
		return -EINVAL;
	for (i = 0; i < sizeof(params->resv) / sizeof(params->resv[0]); i++)
		if (params->resv[i])
			return -EINVAL;
	return 0;
}

/* Return: where it is mapped, or NULL, and errno tells why. */
static void *map_one(const struct htw *h, int prot, __u64 offset, __u64 len)
{
	void *at = mmap(NULL, (size_t)len, prot, MAP_SHARED, h->fd, (off_t)offset);

	return at == MAP_FAILED ? NULL : at;
}

static int map_ring(struct htw *h, const struct htw_setup *setup)
{
	struct htw_map *map = &h->map;

	map->ring = map_one(h, PROT_READ, setup->ring_off, setup->ring_len);
	if (!map->ring)
		return -errno;
	h->ring_len = (size_t)setup->ring_len;
	map->events = (const unsigned char *)map->ring + setup->event_off;
	map->event_size = setup->event_size;
	map->mask = setup->ring_entries - 1;

	map->ctl = map_one(h, PROT_READ | PROT_WRITE, setup->ctl_off, setup->ctl_len);
	if (!map->ctl)
		return -errno;
	h->ctl_len = (size_t)setup->ctl_len;
	return 0;
}

static int map_words(struct htw *h, const struct htw_setup *setup)
{
	struct htw_map *map = &h->map;

	map->words = map_one(h, PROT_READ | PROT_WRITE, setup->words_off, setup->words_len);
	if (!map->words)
		return -errno;
	h->words_len = (size_t)setup->words_len;
	map->nr_words = setup->max_timers;
	return 0;
}

static int set_up(struct htw *h, const struct htw_params *params)
{
	struct htw_setup setup;
	int err;

	memset(&setup, 0, sizeof(setup));
	setup.flags = params->flags;
	setup.clock = params->clock;
	setup.ring_entries = params->ring_entries;
	setup.max_timers = params->max_timers;
	setup.virtual_start = params->virtual_start;
	setup.tick_ns = params->tick_ns;
	h->clock = params->clock;
	err = htw_ioctl(h, HTW_IOC_SETUP, &setup);
	if (!err && setup.ring_len)
		err = map_ring(h, &setup);
	if (!err && setup.words_len)
		err = map_words(h, &setup);
	return err;
}

/**
 * htw_open() - open a context
 * @handle: where the handle is put
 * @params: from htw_params_init(), or NULL for these
 *
 * Return: 0 or a negative errno: of open(2), of HTW_IOC_SETUP, of mmap(2).
 */
int htw_open(struct htw **handle, const struct htw_params *params)
{
	struct htw_params defaults;
	struct htw *h;
	int err;

	htw_params_init(&defaults);
	params = params ? params : &defaults;
	err = check_params(params);
	if (err)
		return err;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->map.handle = h;
	h->owner = getpid();
	h->fd = open(path_of(params->path), O_RDWR | O_CLOEXEC);
	err = h->fd < 0 ? -errno : set_up(h, params);
	if (err) {
		htw_free(h);
		return err;
	}
	*handle = h;
	return 0;
}

static void unmap(struct htw *h)
{
	if (h->map.ring)
		munmap((void *)(uintptr_t)h->map.ring, h->ring_len);
	if (h->map.ctl)
		munmap(h->map.ctl, h->ctl_len);
	if (h->map.words)
		munmap(h->map.words, h->words_len);
}

void htw_free(struct htw *h)
{
	if (h->owner == getpid())
		unmap(h);
	if (h->fd >= 0)
		close(h->fd);
	free(h->loop.buckets);
	free(h);
}

/**
 * htw_close() - close a context
 * @h: the handle, or NULL
 *
 * All its timers end. From a callback it takes effect when that returns.
 */
void htw_close(struct htw *h)
{
	if (!h)
		return;
	if (h->loop.running)
		h->loop.closed = 1;
	else
		htw_free(h);
}

/* Return: the descriptor, for poll(2) and kin; it stays the handle's. */
int htw_get_fd(const struct htw *h)
{
	return h->fd;
}

/* Return: what is shared with the kernel, as long as the handle is there. */
const struct htw_map *htw_get_map(const struct htw *h)
{
	return &h->map;
}

/* Have @eventfd signalled when there are new events; -1 for none any more. */
int htw_set_eventfd(struct htw *h, int eventfd)
{
	__s32 fd = eventfd;

	return htw_ioctl(h, HTW_IOC_EVENTFD, &fd);
}

static int query_fd(int fd, struct htw_query *query)
{
	memset(query, 0, sizeof(*query));
	return ioctl(fd, HTW_IOC_QUERY, query) ? -errno : 0;
}

/* Ask what the kernel can do, without a handle. */
int htw_probe(const char *path, struct htw_query *query)
{
	int fd = open(path_of(path), O_RDWR | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = query_fd(fd, query);
	close(fd);
	return err;
}

int htw_query(struct htw *h, struct htw_query *query)
{
	return query_fd(h->fd, query);
}

/* Return: 1 if the kernel has all of these HTW_FEAT_, 0 if not, or a negative errno. */
int htw_supports(struct htw *h, __u64 features)
{
	struct htw_query query;
	int err = htw_query(h, &query);

	return err ? err : (query.features & features) == features;
}

int htw_stats(struct htw *h, struct htw_context_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	return htw_ioctl(h, HTW_IOC_STATS, stats);
}
