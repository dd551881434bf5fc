// SPDX-License-Identifier: GPL-2.0
/*
 * The interface as such: how its structures lie in memory and may grow, which requests
 * there are, what they write, and what they do with pointers that are none.
 */
#include <stddef.h>

#include "refused.h"

/* Longer than any request: what is behind the argument must stay as it is. */
#define BEHIND		0x5a

/* --- layout --- */

/* Also where a u64 may lie at a multiple of 4, as on i386. */
static void layout_of_query_is_fixed(void)
{
	EXPECT_EQ(sizeof(struct htw_query), 128);
	EXPECT_EQ(offsetof(struct htw_query, size), 0);
	EXPECT_EQ(offsetof(struct htw_query, flags), 4);
	EXPECT_EQ(offsetof(struct htw_query, features), 8);
	EXPECT_EQ(offsetof(struct htw_query, op_mask), 16);
	EXPECT_EQ(offsetof(struct htw_query, setup_flags), 24);
	EXPECT_EQ(offsetof(struct htw_query, timer_flags), 32);
	EXPECT_EQ(offsetof(struct htw_query, clock_mask), 40);
	EXPECT_EQ(offsetof(struct htw_query, max_batch), 44);
	EXPECT_EQ(offsetof(struct htw_query, tick_ns), 48);
	EXPECT_EQ(offsetof(struct htw_query, min_gap_ns), 56);
	EXPECT_EQ(offsetof(struct htw_query, min_interval_ns), 64);
	EXPECT_EQ(offsetof(struct htw_query, max_file), 72);
	EXPECT_EQ(offsetof(struct htw_query, max_user), 80);
	EXPECT_EQ(offsetof(struct htw_query, max_total), 88);
	EXPECT_EQ(offsetof(struct htw_query, nr_file), 96);
	EXPECT_EQ(offsetof(struct htw_query, nr_user), 104);
	EXPECT_EQ(offsetof(struct htw_query, max_ring), 112);
	EXPECT_EQ(offsetof(struct htw_query, resv0), 116);
	EXPECT_EQ(offsetof(struct htw_query, resv), 120);
}

static void layout_of_setup_is_fixed(void)
{
	EXPECT_EQ(sizeof(struct htw_setup), 128);
	EXPECT_EQ(offsetof(struct htw_setup, size), 0);
	EXPECT_EQ(offsetof(struct htw_setup, flags), 4);
	EXPECT_EQ(offsetof(struct htw_setup, clock), 8);
	EXPECT_EQ(offsetof(struct htw_setup, ring_entries), 12);
	EXPECT_EQ(offsetof(struct htw_setup, max_timers), 16);
	EXPECT_EQ(offsetof(struct htw_setup, resv0), 20);
	EXPECT_EQ(offsetof(struct htw_setup, virtual_start), 24);
	EXPECT_EQ(offsetof(struct htw_setup, tick_ns), 32);
	EXPECT_EQ(offsetof(struct htw_setup, ring_off), 40);
	EXPECT_EQ(offsetof(struct htw_setup, ring_len), 48);
	EXPECT_EQ(offsetof(struct htw_setup, ctl_off), 56);
	EXPECT_EQ(offsetof(struct htw_setup, ctl_len), 64);
	EXPECT_EQ(offsetof(struct htw_setup, words_off), 72);
	EXPECT_EQ(offsetof(struct htw_setup, words_len), 80);
	EXPECT_EQ(offsetof(struct htw_setup, event_off), 88);
	EXPECT_EQ(offsetof(struct htw_setup, event_size), 92);
	EXPECT_EQ(offsetof(struct htw_setup, resv), 96);
}

static void layout_of_op_is_fixed(void)
{
	EXPECT_EQ(sizeof(struct htw_op), 64);
	EXPECT_EQ(offsetof(struct htw_op, opcode), 0);
	EXPECT_EQ(offsetof(struct htw_op, flags), 2);
	EXPECT_EQ(offsetof(struct htw_op, count), 4);
	EXPECT_EQ(offsetof(struct htw_op, expires), 8);
	EXPECT_EQ(offsetof(struct htw_op, interval), 16);
	EXPECT_EQ(offsetof(struct htw_op, slack), 24);
	EXPECT_EQ(offsetof(struct htw_op, cookie), 32);
	EXPECT_EQ(offsetof(struct htw_op, id), 40);
	EXPECT_EQ(offsetof(struct htw_op, value), 48);
	EXPECT_EQ(offsetof(struct htw_op, res), 56);
	EXPECT_EQ(offsetof(struct htw_op, arming), 60);
}

static void layout_of_event_is_fixed(void)
{
	EXPECT_EQ(sizeof(struct htw_event), 32);
	EXPECT_EQ(offsetof(struct htw_event, cookie), 0);
	EXPECT_EQ(offsetof(struct htw_event, id), 8);
	EXPECT_EQ(offsetof(struct htw_event, expires), 16);
	EXPECT_EQ(offsetof(struct htw_event, expirations), 24);
	EXPECT_EQ(offsetof(struct htw_event, info), 28);
}

static void layout_of_ring_is_fixed(void)
{
	EXPECT_EQ(sizeof(struct htw_ring), 128);
	EXPECT_EQ(offsetof(struct htw_ring, tail), 0);
	EXPECT_EQ(offsetof(struct htw_ring, flags), 4);
	EXPECT_EQ(offsetof(struct htw_ring, entries), 8);
	EXPECT_EQ(offsetof(struct htw_ring, mask), 12);
	EXPECT_EQ(offsetof(struct htw_ring, stalls), 16);
	EXPECT_EQ(offsetof(struct htw_ring, resv), 24);
}

static void layout_of_ctl_is_fixed(void)
{
	EXPECT_EQ(sizeof(struct htw_ctl), 128);
	EXPECT_EQ(offsetof(struct htw_ctl, head), 0);
	EXPECT_EQ(offsetof(struct htw_ctl, resv0), 4);
	EXPECT_EQ(offsetof(struct htw_ctl, resv), 8);
}

static void layout_of_batch_is_fixed(void)
{
	EXPECT_EQ(sizeof(struct htw_batch), 64);
	EXPECT_EQ(offsetof(struct htw_batch, ops), 0);
	EXPECT_EQ(offsetof(struct htw_batch, nr_ops), 8);
	EXPECT_EQ(offsetof(struct htw_batch, done), 12);
	EXPECT_EQ(offsetof(struct htw_batch, events), 16);
	EXPECT_EQ(offsetof(struct htw_batch, nr_events), 24);
	EXPECT_EQ(offsetof(struct htw_batch, got), 28);
	EXPECT_EQ(offsetof(struct htw_batch, min_events), 32);
	EXPECT_EQ(offsetof(struct htw_batch, flags), 36);
	EXPECT_EQ(offsetof(struct htw_batch, timeout), 40);
	EXPECT_EQ(offsetof(struct htw_batch, now), 48);
	EXPECT_EQ(offsetof(struct htw_batch, resv), 56);
}

static void layout_of_context_stats_is_fixed(void)
{
	EXPECT_EQ(sizeof(struct htw_context_stats), 128);
	EXPECT_EQ(offsetof(struct htw_context_stats, size), 0);
	EXPECT_EQ(offsetof(struct htw_context_stats, flags), 4);
	EXPECT_EQ(offsetof(struct htw_context_stats, armed), 8);
	EXPECT_EQ(offsetof(struct htw_context_stats, rearmed), 16);
	EXPECT_EQ(offsetof(struct htw_context_stats, cancelled), 24);
	EXPECT_EQ(offsetof(struct htw_context_stats, withdrawn), 32);
	EXPECT_EQ(offsetof(struct htw_context_stats, expired), 40);
	EXPECT_EQ(offsetof(struct htw_context_stats, delivered), 48);
	EXPECT_EQ(offsetof(struct htw_context_stats, pushed), 56);
	EXPECT_EQ(offsetof(struct htw_context_stats, refiled), 64);
	EXPECT_EQ(offsetof(struct htw_context_stats, stalls), 72);
	EXPECT_EQ(offsetof(struct htw_context_stats, wakeups), 80);
	EXPECT_EQ(offsetof(struct htw_context_stats, clock_steps), 88);
	EXPECT_EQ(offsetof(struct htw_context_stats, lateness_max), 96);
	EXPECT_EQ(offsetof(struct htw_context_stats, resv), 104);
}

static void numbers_of_requests_are_fixed(void)
{
	EXPECT_EQ(HTW_IOC_QUERY, 0xc080bd00U);
	EXPECT_EQ(HTW_IOC_OP, 0xc040bd01U);
	EXPECT_EQ(HTW_IOC_SETUP, 0xc080bd02U);
	EXPECT_EQ(HTW_IOC_BATCH, 0xc040bd03U);
	EXPECT_EQ(HTW_IOC_EVENTFD, 0x4004bd04U);
	EXPECT_EQ(HTW_IOC_STATS, 0xc080bd05U);
}

/* --- structures that can grow --- */

/**
 * struct growing - a request that takes older and newer versions of its structure
 * @name: of the request
 * @nr: its number
 * @size: of the version that we know
 * @written: where the fields begin that are only written
 * @resv: where the reserved ones at the end begin
 *
 * The flags are at 4 in each of them.
 */
static const struct growing {
	const char	*name;
	unsigned int	nr;
	size_t		size;
	size_t		written;
	size_t		resv;
} growing[] = {
	{ "HTW_IOC_QUERY", 0, sizeof(struct htw_query),
	  offsetof(struct htw_query, features),
	  offsetof(struct htw_query, resv) },
	{ "HTW_IOC_SETUP", 2, sizeof(struct htw_setup),
	  offsetof(struct htw_setup, ring_off),
	  offsetof(struct htw_setup, resv) },
	{ "HTW_IOC_STATS", 5, sizeof(struct htw_context_stats),
	  offsetof(struct htw_context_stats, armed),
	  offsetof(struct htw_context_stats, resv) },
};

#define NR_GROWING	(sizeof(growing) / sizeof(growing[0]))

/* An argument of @size bytes; all that is in the buffer behind them is BEHIND. */
struct argument {
	const struct growing	*what;
	size_t			size;
	unsigned char		bytes[16384];
};

static struct argument *new_argument(const struct growing *what, size_t size)
{
	struct argument *arg = calloc(1, sizeof(*arg));

	ASSERT_TRUE(arg);
	arg->what = what;
	arg->size = size;
	memset(arg->bytes + size, BEHIND, sizeof(arg->bytes) - size);
	return arg;
}

static unsigned int request(const struct growing *what, size_t size)
{
	return _IOC(_IOC_READ | _IOC_WRITE, HTW_IOC_MAGIC, what->nr, size);
}

/* On a context of its own: what is set up can't be set up again. */
static int try_argument(struct argument *arg)
{
	int fd = open_context(0);
	int err = ioctl(fd, request(arg->what, arg->size), arg->bytes) ?
		  -errno : 0;
	size_t i;

	for (i = arg->size; i < sizeof(arg->bytes); i++)
		EXPECT_EQ(arg->bytes[i], BEHIND);
	close(fd);
	return err;
}

/* That many bytes, all 0 but the one @at, unless that is beyond them. */
static void expect_of_size(const struct growing *what, size_t size, size_t at,
			   int err)
{
	struct argument *arg = new_argument(what, size);
	int failures = ktap_state->failures;

	if (at < size)
		arg->bytes[at] = 0x80;
	EXPECT_EQ(try_argument(arg), -err);
	if (at < size && err)
		EXPECT_EQ(arg->bytes[at], 0x80);
	if (ktap_state->failures != failures)
		ktap_note("that was %s of %zu bytes, not 0 at %zu", what->name,
			  size, at);
	free(arg);
}

#define NOWHERE		SIZE_MAX

static void size_below_8_einval(void)
{
	size_t i, size;

	for (i = 0; i < NR_GROWING; i++)
		for (size = 0; size < 8; size++)
			expect_of_size(&growing[i], size, NOWHERE, EINVAL);
}

static void each_byte_of_flags_and_resv_einval(void)
{
	size_t i, at;

	for (i = 0; i < NR_GROWING; i++) {
		size_t size = growing[i].size;

		for (at = 4; at < 8; at++)
			expect_of_size(&growing[i], size, at, EINVAL);
		for (at = growing[i].resv; at < size; at++)
			expect_of_size(&growing[i], size, at, EINVAL);
	}
}

static void what_is_only_written_does_not_matter(void)
{
	size_t i;

	for (i = 0; i < NR_GROWING; i++) {
		const struct growing *g = &growing[i];
		struct argument *zero = new_argument(g, g->size);
		struct argument *ones = new_argument(g, g->size);

		memset(ones->bytes, 0xff, 4);
		memset(ones->bytes + g->written, 0xff, g->resv - g->written);
		EXPECT_EQ(try_argument(zero), 0);
		EXPECT_EQ(try_argument(ones), 0);
		EXPECT_EQ(memcmp(zero->bytes, ones->bytes, g->size), 0);
		free(zero);
		free(ones);
	}
}

/* Every length that an older program could have, and odd ones between. */
static void shorter_gets_that_much_and_no_more(void)
{
	size_t i, size;

	for (i = 0; i < NR_GROWING; i++) {
		const struct growing *g = &growing[i];
		struct argument *full = new_argument(g, g->size);

		EXPECT_EQ(try_argument(full), 0);
		for (size = 8; size < g->size; size++) {
			struct argument *arg = new_argument(g, size);

			EXPECT_EQ(try_argument(arg), 0);
			EXPECT_EQ(memcmp(arg->bytes, full->bytes, size), 0);
			free(arg);
		}
		free(full);
	}
}

static void shorter_still_checks_flags(void)
{
	size_t i, at;

	for (i = 0; i < NR_GROWING; i++)
		for (at = 4; at < 8; at++)
			expect_of_size(&growing[i], 8, at, EINVAL);
}

static void longer_with_zero_tail_works(void)
{
	static const size_t sizes[] = { 1, 8, 64, 4096 - 128, 16383 - 128 };
	size_t i, j, at;

	for (i = 0; i < NR_GROWING; i++)
		for (j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			const struct growing *g = &growing[i];
			struct argument *arg =
				new_argument(g, 128 + sizes[j]);

			EXPECT_EQ(try_argument(arg), 0);
			EXPECT_EQ(*(uint32_t *)arg->bytes, g->size);
			for (at = g->size; at < arg->size; at++)
				EXPECT_EQ(arg->bytes[at], 0);
			free(arg);
		}
}

/* One byte of the tail is not 0: the first, the last, one between. */
static void longer_with_nonzero_tail_e2big(void)
{
	static const size_t at[] = { 0, 1, 7, 8, 4095 - 128, 4096 - 128 };
	size_t i, j;

	for (i = 0; i < NR_GROWING; i++) {
		for (j = 0; j < sizeof(at) / sizeof(at[0]); j++)
			expect_of_size(&growing[i], 16383,
				       growing[i].size + at[j], E2BIG);
		expect_of_size(&growing[i], 16383, 16382, E2BIG);
		expect_of_size(&growing[i], growing[i].size + 1,
			       growing[i].size, E2BIG);
	}
}

static void bad_pointer_to_what_can_grow_efault(void)
{
	static const char zero[128];
	int fd = open_context(0);
	size_t i;

	for (i = 0; i < NR_GROWING; i++) {
		size_t size = growing[i].size;
		unsigned int req = request(&growing[i], size);
		void *bad[] = {
			NULL, unmapped(), (void *)-1L, (void *)(~0UL << 12),
			protected_copy(zero, size, PROT_NONE),
			protected_copy(zero, size, PROT_READ),
			cut_copy(zero, size) };
		size_t j;

		for (j = 0; j < sizeof(bad) / sizeof(bad[0]); j++)
			EXPECT_ERRNO(ioctl(fd, req, bad[j]), EFAULT);
		EXPECT_EQ(ioctl(fd, req, edge_copy(zero, size)), 0);
	}
}

/* --- HTW_IOC_QUERY --- */

static void query_names_all_that_is_known(void)
{
	struct htw_query q = query(open_context(0));

	EXPECT_EQ(q.size, sizeof(q));
	EXPECT_EQ(q.features, HTW_FEAT_INTERVAL | HTW_FEAT_SLACK |
		  HTW_FEAT_BATCH | HTW_FEAT_RING | HTW_FEAT_WORDS |
		  HTW_FEAT_EVENTFD | HTW_FEAT_STATS);
	EXPECT_EQ(q.setup_flags, HTW_SETUP_WORDS | HTW_SETUP_CLOCK_STEPS);
	EXPECT_EQ(q.timer_flags, HTW_TIMER_ABS | HTW_TIMER_DEADLINE |
		  HTW_TIMER_COARSE | HTW_TIMER_KEEP | HTW_TIMER_SKIP |
		  HTW_TIMER_BURST | HTW_TIMER_WORD);
	EXPECT_EQ(q.clock_mask, 1U << CLOCK_MONOTONIC | 1U << CLOCK_BOOTTIME |
		  1U << CLOCK_REALTIME | 1U << CLOCK_TAI |
		  1U << HTW_CLOCK_VIRTUAL);
}

static void query_tells_limits_that_make_sense(void)
{
	struct htw_query q = query(open_context(0));

	EXPECT_GT(q.max_batch, 255);
	EXPECT_GT(q.tick_ns, 0);
	EXPECT_LT(q.tick_ns, SEC);
	EXPECT_GT(q.min_gap_ns, 0);
	EXPECT_LT(q.min_gap_ns, SEC);
	EXPECT_GT(q.min_interval_ns, 0);
	EXPECT_LT(q.min_interval_ns, SEC);
	EXPECT_GT(q.max_file, 0);
	EXPECT_GE(q.max_user, q.max_file);
	EXPECT_GE(q.max_total, q.max_user);
	EXPECT_EQ(q.nr_file, 0);
	EXPECT_GT(q.max_ring, 1);
	EXPECT_EQ(q.max_ring & (q.max_ring - 1), 0);
}

/* What a context was made by HTW_IOC_SETUP is what it tells of itself. */
static void query_tells_what_was_set_up(void)
{
	int fd = open_setup(0, (struct htw_setup){
		.clock = HTW_CLOCK_VIRTUAL, .tick_ns = 1024, .max_timers = 7 });
	struct htw_query q = query(fd);

	EXPECT_EQ(q.tick_ns, 1024);
	EXPECT_EQ(q.max_file, 7);
}

/* Room is made for 32 timers at a time, and stays. */
static void query_tells_the_room_of_the_user(void)
{
	int fd = open_context(0), other = open_context(0), i;
	uint64_t before = query(fd).nr_user, ids[33];

	for (i = 0; i < 32; i++)
		ids[i] = arm_far(fd);
	EXPECT_EQ(query(fd).nr_user, before + 32);
	EXPECT_EQ(query(other).nr_user, before + 32);
	ids[i] = arm_far(fd);
	EXPECT_EQ(query(other).nr_user, before + 64);
	for (i = 0; i < 33; i++)
		EXPECT_EQ(cancel(fd, ids[i]), HTW_CANCELLED);
	EXPECT_EQ(query(other).nr_user, before + 64);
}

static void query_reserved_fields_are_zero(void)
{
	struct htw_query q = query(open_context(0));

	EXPECT_EQ(q.flags, 0);
	EXPECT_EQ(q.resv0, 0);
	EXPECT_EQ(q.resv, 0);
}

/* On a virtual clock all of them can be used. */
static void query_op_mask_names_the_known_opcodes(void)
{
	int fd = open_virtual(0), opcode;
	struct htw_query q = query(fd);

	EXPECT_EQ(q.op_mask, 0x7e);
	for (opcode = 0; opcode < 64; opcode++) {
		/* Slack above the limit: refused by all that are known. */
		struct htw_op op = {
			.opcode = (__u16)opcode, .slack = UINT64_MAX };

		EXPECT_EQ(do_op(fd, &op), q.op_mask >> opcode & 1 ?
			  -EINVAL : -EOPNOTSUPP);
	}
}

static void query_counts_only_this_file(void)
{
	int a = open_context(0), b = open_context(0);

	arm_far(a);
	arm_far(a);
	EXPECT_EQ(held(a), 2);
	EXPECT_EQ(held(b), 0);
}

/* --- requests that do not exist --- */

static void unknown_number_enotty(void)
{
	struct htw_op op = valid_arm(), copy = op;
	int fd = open_context(0);
	unsigned int nr;

	for (nr = 6; nr < 256; nr++) {
		EXPECT_ERRNO(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE,
					    HTW_IOC_MAGIC, nr, sizeof(op)),
				   &op), ENOTTY);
		EXPECT_ERRNO(ioctl(fd, _IOC(0, HTW_IOC_MAGIC, nr, 0), NULL),
			     ENOTTY);
	}
	EXPECT_EQ(memcmp(&op, &copy, sizeof(op)), 0);
	EXPECT_EQ(held(fd), 0);
}

static void unknown_magic_enotty(void)
{
	struct htw_op op = valid_arm();
	int fd = open_context(0);
	unsigned int magic;

	/* Not those of the VFS, which never reach the device. */
	for (magic = 0x80; magic < 256; magic++) {
		if (magic == HTW_IOC_MAGIC)
			continue;
		EXPECT_ERRNO(ioctl(fd, _IOWR(magic, 1, struct htw_op), &op),
			     ENOTTY);
	}
	EXPECT_EQ(isatty(fd), 0);
	EXPECT_EQ(held(fd), 0);
}

/* Those that do not grow, and can be told from others by their size. */
static void wrong_size_enotty(void)
{
	static const size_t sizes[] = {
		0, 3, 5, 8, 56, 63, 65, 72, 128, 16383 };
	static const unsigned int numbers[] = { 1, 3 };
	struct {
		struct htw_op	op;
		char		more[16384];
	} arg = { .op = valid_arm() };
	int fd = open_context(0);
	size_t i, j;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (j = 0; j < 2; j++)
			EXPECT_ERRNO(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE,
						    HTW_IOC_MAGIC, numbers[j],
						    sizes[i]), &arg), ENOTTY);
		EXPECT_ERRNO(ioctl(fd, _IOC(_IOC_WRITE, HTW_IOC_MAGIC, 4,
					    sizes[i]), &arg), ENOTTY);
	}
	EXPECT_EQ(held(fd), 0);
}

static void wrong_direction_enotty(void)
{
	static const unsigned int requests[] = {
		HTW_IOC_QUERY, HTW_IOC_OP, HTW_IOC_SETUP, HTW_IOC_BATCH,
		HTW_IOC_EVENTFD, HTW_IOC_STATS };
	unsigned int dir;
	char zero[128];
	int fd = open_context(0);
	size_t i;

	for (i = 0; i < 6; i++)
		for (dir = 0; dir < 4; dir++) {
			unsigned int req = requests[i] & ~(3U << _IOC_DIRSHIFT);

			req |= dir << _IOC_DIRSHIFT;
			if (req == requests[i])
				continue;
			memset(zero, 0, sizeof(zero));
			EXPECT_ERRNO(ioctl(fd, req, zero), ENOTTY);
		}
	EXPECT_EQ(held(fd), 0);
}

/* --- HTW_OP_ARM --- */

static void arm_writes_only_id_value_res_arming(void)
{
	struct htw_op op = {
		.opcode = HTW_OP_ARM,
		.expires = FAR,
		.interval = HOUR,
		.slack = SEC,
		.cookie = UINT64_MAX,
		.value = UINT64_MAX,
		.res = -1,
		.arming = UINT32_MAX,
	};
	struct htw_op in = op;
	int fd = open_context(0);

	ASSERT_EQ(do_op(fd, &op), 0);
	EXPECT_NE(op.id, 0);
	EXPECT_EQ(op.res, 0);
	EXPECT_EQ(op.arming, 1);
	EXPECT_EQ(memcmp(&op, &in, offsetof(struct htw_op, id)), 0);
	EXPECT_EQ(held(fd), 1);
}

/* --- HTW_OP_REARM --- */

static void rearm_writes_only_value_res_arming(void)
{
	int fd = open_context(0);
	struct htw_op op = valid_rearm(arm_far(fd)), in;

	op.slack = SEC;
	op.cookie = 77;
	op.value = UINT64_MAX;
	op.res = -1;
	op.arming = UINT32_MAX;
	in = op;
	ASSERT_EQ(do_op(fd, &op), 0);
	EXPECT_EQ(op.res, 0);
	EXPECT_EQ(op.arming, 2);
	EXPECT_EQ(memcmp(&op, &in, offsetof(struct htw_op, value)), 0);
	EXPECT_EQ(held(fd), 1);
}

/* --- HTW_OP_CANCEL and HTW_OP_REMAINING: they take the id and no more --- */

static void cancel_writes_only_value_res_arming(void)
{
	int fd = open_context(0);
	struct htw_op op = valid_cancel(arm_far(fd)), in;

	op.value = UINT64_MAX;
	op.res = -1;
	op.arming = UINT32_MAX;
	in = op;
	ASSERT_EQ(do_op(fd, &op), 0);
	EXPECT_EQ(op.res, HTW_CANCELLED);
	EXPECT_EQ(op.arming, 1);
	EXPECT_EQ(memcmp(&op, &in, offsetof(struct htw_op, value)), 0);
	EXPECT_EQ(held(fd), 0);
}

static void remaining_writes_what_it_tells(void)
{
	int fd = open_context(0);
	uint64_t id = arm_far(fd), now = now_ns();
	struct htw_op op = valid_remaining(id);

	op.value = UINT64_MAX;
	op.res = -1;
	op.arming = UINT32_MAX;
	ASSERT_EQ(do_op(fd, &op), 0);
	EXPECT_EQ(op.opcode, HTW_OP_REMAINING);
	EXPECT_EQ(op.flags, 0);
	EXPECT_EQ(op.count, 0);
	EXPECT_EQ(op.id, id);
	EXPECT_EQ(op.interval, HOUR);
	EXPECT_EQ(op.cookie, 0x1234);
	EXPECT_LE(op.expires, now + FAR);
	EXPECT_LE(op.value, op.expires - now);
	EXPECT_GT(op.value, 0);
	EXPECT_EQ(op.res, 0);
	EXPECT_EQ(op.arming, 1);
}

/* --- pointers --- */

/* With all pointers that can't be used; @id is a timer that must not change. */
static void expect_bad_pointers_efault(int fd, struct htw_op op, uint64_t id)
{
	expect_efault(fd, NULL, id);
	expect_efault(fd, unmapped(), id);
	expect_efault(fd, (void *)-1L, id);
	expect_efault(fd, (void *)(~0UL << 12), id);
	expect_efault(fd, protected_copy(&op, sizeof(op), PROT_NONE), id);
	expect_efault(fd, cut_copy(&op, sizeof(op)), id);
}

static void arm_bad_pointer_efault(void)
{
	expect_bad_pointers_efault(open_context(0), valid_arm(), 0);
}

static void rearm_bad_pointer_efault(void)
{
	int fd = open_context(0);
	uint64_t id = arm_far(fd);

	expect_bad_pointers_efault(fd, valid_rearm(id), id);
}

static void cancel_bad_pointer_efault(void)
{
	int fd = open_context(0);
	uint64_t id = arm_far(fd);

	expect_bad_pointers_efault(fd, valid_cancel(id), id);
}

static void remaining_bad_pointer_efault(void)
{
	int fd = open_context(0);
	uint64_t id = arm_far(fd);

	expect_bad_pointers_efault(fd, valid_remaining(id), id);
}

/* Readable, but the answer can't be written: nothing may have been done. */
static void expect_readonly_efault(int fd, struct htw_op op, uint64_t id)
{
	expect_efault(fd, protected_copy(&op, sizeof(op), PROT_READ), id);
}

static void arm_readonly_arms_nothing(void)
{
	int fd = open_context(0), i;

	for (i = 0; i < 100; i++)
		expect_readonly_efault(fd, valid_arm(), 0);
}

static void arm_readonly_due_at_once_gives_no_event(void)
{
	struct htw_op op = { .opcode = HTW_OP_ARM };
	int fd = open_context(0), i;

	for (i = 0; i < 20; i++)
		EXPECT_ERRNO(ioctl(fd, HTW_IOC_OP,
				   protected_copy(&op, sizeof(op), PROT_READ)),
			     EFAULT);
	EXPECT_EQ(held(fd), 0);
	EXPECT_SILENCE(fd);
}

static void rearm_readonly_changes_nothing(void)
{
	int fd = open_context(0);
	uint64_t id = arm_far(fd);

	expect_readonly_efault(fd, valid_rearm(id), id);
}

static void cancel_readonly_cancels_nothing(void)
{
	int fd = open_context(0);
	uint64_t id = arm_far(fd);

	expect_readonly_efault(fd, valid_cancel(id), id);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
}

static void cancel_readonly_withdraws_nothing(void)
{
	int fd = open_context(0);
	struct htw_op op = valid_cancel(arm_in(fd, 0, 5));
	struct htw_event event;

	wait_readable(fd);
	EXPECT_ERRNO(ioctl(fd, HTW_IOC_OP,
			   protected_copy(&op, sizeof(op), PROT_READ)),
		     EFAULT);
	EXPECT_EQ(held(fd), 1);
	ASSERT_EQ(poll_context(fd, 0), POLLIN);
	read_event(fd, &event);
	EXPECT_EQ(event.cookie, 5);
}

static void remaining_readonly_efault(void)
{
	int fd = open_context(0);
	uint64_t id = arm_far(fd);

	expect_readonly_efault(fd, valid_remaining(id), id);
}

static void op_at_the_end_of_a_page_works(void)
{
	struct htw_op op = valid_arm(), *copy = edge_copy(&op, sizeof(op));
	int fd = open_context(0);

	ASSERT_EQ(do_op(fd, copy), 0);
	EXPECT_EQ(cancel(fd, copy->id), HTW_CANCELLED);
}

/* Half of it in one page, half in the next; and at an odd address. */
static void op_across_pages_works(void)
{
	struct htw_op op = valid_arm(), out;
	int fd = open_context(0);
	char *pages = mmap(NULL, 2 * (size_t)page_size(),
			   PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *arg = pages + page_size() - 31;

	ASSERT_NE(pages, MAP_FAILED);
	memcpy(arg, &op, sizeof(op));
	ASSERT_EQ(ioctl(fd, HTW_IOC_OP, arg), 0);
	memcpy(&out, arg, sizeof(out));
	EXPECT_EQ(cancel(fd, out.id), HTW_CANCELLED);
}

/* --- file descriptors --- */

static void expect_ops_work(int fd)
{
	struct htw_op op;
	uint64_t id;

	ASSERT_GE(fd, 0);
	id = arm_far(fd);
	EXPECT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(rearm_in(fd, id, FAR, 0), 0);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
}

/* Of two pages the first or the second can't be written: nothing may have been done. */
static void expect_half_readonly_efault(int fd, struct htw_op op, uint64_t id)
{
	int readonly;

	for (readonly = 0; readonly < 2; readonly++) {
		char *pages = mmap(NULL, 2 * page_size(), PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		char *arg = pages + page_size() - sizeof(op) / 2;

		ASSERT_NE(pages, MAP_FAILED);
		memcpy(arg, &op, sizeof(op));
		ASSERT_EQ(mprotect(pages + readonly * page_size(), page_size(),
				   PROT_READ), 0);
		expect_efault(fd, arg, id);
	}
}

static void op_half_readonly_does_nothing(void)
{
	int fd = open_context(0);
	uint64_t id = arm_far(fd);
	struct htw_op op;

	expect_half_readonly_efault(fd, valid_rearm(id), id);
	ASSERT_EQ(remaining(fd, id, &op), 0);
	EXPECT_EQ(op.arming, 1);
	expect_half_readonly_efault(fd, valid_cancel(id), id);
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
	expect_half_readonly_efault(fd, valid_arm(), 0);
}

static void ops_work_whatever_the_access_mode(void)
{
	expect_ops_work(open(device_path(), O_RDWR));
	expect_ops_work(open(device_path(), O_RDONLY));
	expect_ops_work(open(device_path(), O_WRONLY));
}

static void closed_descriptor_ebadf(void)
{
	struct htw_op op = valid_arm();
	int fd = open_context(0);

	close(fd);
	EXPECT_EQ(do_op(fd, &op), -EBADF);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(layout_of_query_is_fixed),
	KTAP_TEST(layout_of_setup_is_fixed),
	KTAP_TEST(layout_of_op_is_fixed),
	KTAP_TEST(layout_of_event_is_fixed),
	KTAP_TEST(layout_of_ring_is_fixed),
	KTAP_TEST(layout_of_ctl_is_fixed),
	KTAP_TEST(layout_of_batch_is_fixed),
	KTAP_TEST(layout_of_context_stats_is_fixed),
	KTAP_TEST(numbers_of_requests_are_fixed),
	KTAP_TEST(size_below_8_einval),
	KTAP_TEST(each_byte_of_flags_and_resv_einval),
	KTAP_TEST(what_is_only_written_does_not_matter),
	KTAP_TEST(shorter_gets_that_much_and_no_more),
	KTAP_TEST(shorter_still_checks_flags),
	KTAP_TEST(longer_with_zero_tail_works),
	KTAP_TEST(longer_with_nonzero_tail_e2big),
	KTAP_TEST(bad_pointer_to_what_can_grow_efault),
	KTAP_TEST(query_names_all_that_is_known),
	KTAP_TEST(query_tells_limits_that_make_sense),
	KTAP_TEST(query_tells_what_was_set_up),
	KTAP_TEST(query_tells_the_room_of_the_user),
	KTAP_TEST(query_reserved_fields_are_zero),
	KTAP_TEST(query_op_mask_names_the_known_opcodes),
	KTAP_TEST(query_counts_only_this_file),
	KTAP_TEST(unknown_number_enotty),
	KTAP_TEST(unknown_magic_enotty),
	KTAP_TEST(wrong_size_enotty),
	KTAP_TEST(wrong_direction_enotty),
	KTAP_TEST(arm_writes_only_id_value_res_arming),
	KTAP_TEST(rearm_writes_only_value_res_arming),
	KTAP_TEST(cancel_writes_only_value_res_arming),
	KTAP_TEST(remaining_writes_what_it_tells),
	KTAP_TEST(arm_bad_pointer_efault),
	KTAP_TEST(rearm_bad_pointer_efault),
	KTAP_TEST(cancel_bad_pointer_efault),
	KTAP_TEST(remaining_bad_pointer_efault),
	KTAP_TEST(arm_readonly_arms_nothing),
	KTAP_TEST(arm_readonly_due_at_once_gives_no_event),
	KTAP_TEST(rearm_readonly_changes_nothing),
	KTAP_TEST(cancel_readonly_cancels_nothing),
	KTAP_TEST(cancel_readonly_withdraws_nothing),
	KTAP_TEST(remaining_readonly_efault),
	KTAP_TEST(op_at_the_end_of_a_page_works),
	KTAP_TEST(op_across_pages_works),
	KTAP_TEST(op_half_readonly_does_nothing),
	KTAP_TEST(ops_work_whatever_the_access_mode),
	KTAP_TEST(closed_descriptor_ebadf),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("uapi", tests, need_device));
}
