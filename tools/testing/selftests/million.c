// SPDX-License-Identifier: GPL-2.0
/*
 * As many timers as htw is for, of an ordinary user on one file: none is lost, and
 * none comes twice.
 */

/* It is the amount that takes long. */
#define KTAP_TIMEOUT_SEC	100

#include "mapped.h"
#include "ops.h"
#include "parameter.h"

enum { PIECE = 50000 };

static uint64_t a_million(void)
{
	return scaled(20) * PIECE;
}

/* An ordinary user who may have so many. */
static void allow(uint64_t nr)
{
	open_the_device();
	set_parameter("max_timers", nr);
	set_parameter("max_user_timers", nr);
	set_parameter("max_total_timers", nr);
	become(NOBODY);
}

/* The same in each run: what fails once fails again. */
static void shuffle(uint64_t *ids, uint64_t nr)
{
	uint64_t state = 88172645463325252ULL, i, other, id;

	for (i = nr; i > 1; i--) {
		other = random_of(&state, (uint32_t)i);
		id = ids[i - 1];
		ids[i - 1] = ids[other];
		ids[other] = id;
	}
}

/* Arm @nr timers, cookies from 0, over @spread ns from @first on. */
static void arm_over(int fd, uint64_t nr, uint64_t first, uint64_t spread,
		     uint64_t *ids)
{
	struct htw_op *ops = new_ops(PIECE);
	uint64_t done, i;

	for (done = 0; done < nr; done += PIECE) {
		for (i = 0; i < PIECE; i++)
			ops[i] = (struct htw_op){
				.opcode = HTW_OP_ARM, .flags = HTW_TIMER_ABS,
				.cookie = done + i,
				.expires = first + (done + i) * 7919 % nr *
					   spread / nr };
		do_ops_well(fd, ops, PIECE);
		for (i = 0; ids && i < PIECE; i++)
			ids[done + i] = ops[i].id;
	}
	free(ops);
}

static void cancel_pieces(int fd, const uint64_t *ids, uint64_t nr)
{
	struct htw_op *ops = new_ops(PIECE);
	uint64_t done, i;

	for (done = 0; done < nr; done += PIECE) {
		for (i = 0; i < PIECE; i++)
			ops[i] = (struct htw_op){ .opcode = HTW_OP_CANCEL,
						  .id = ids[done + i] };
		do_ops(fd, ops, PIECE);
		for (i = 0; i < PIECE; i++)
			EXPECT_EQ(ops[i].res, HTW_CANCELLED);
	}
	free(ops);
}

static void a_million_are_cancelled_at_random(void)
{
	uint64_t nr = a_million(), *ids = calloc(nr, sizeof(*ids));
	struct htw_context_stats s;
	struct htw_op op;
	int fd;

	ASSERT_TRUE(ids);
	allow(nr);
	fd = open_context(0);
	arm_over(fd, nr, now_ns() + HOUR, HOUR, ids);
	EXPECT_EQ(held(fd), nr);
	EXPECT_EQ(do_op(fd, &(struct htw_op){ .opcode = HTW_OP_ARM }), -ENOSPC);
	shuffle(ids, nr);
	ASSERT_EQ(remaining(fd, ids[0], &op), 0);
	EXPECT_GT(op.value, 0);
	cancel_pieces(fd, ids, nr);
	EXPECT_EQ(held(fd), 0);
	s = stats(fd);
	EXPECT_EQ(s.armed, nr);
	EXPECT_EQ(s.cancelled, nr);
	EXPECT_EQ(s.expired, 0);
}

/* Each of them comes once. */
static void mark_events(const struct htw_event *events, uint32_t nr,
			unsigned char *seen, uint64_t of)
{
	uint32_t i;

	for (i = 0; i < nr; i++) {
		ASSERT_LT(events[i].cookie, of);
		EXPECT_EQ(seen[events[i].cookie]++, 0);
		EXPECT_EQ(events[i].expirations, 1);
	}
}

/* All of them expire before the first one is read. */
static void a_million_unread_events_are_all_there(void)
{
	uint64_t nr = a_million(), done;
	struct htw_event *events = calloc(PIECE, sizeof(*events));
	unsigned char *seen = calloc(nr, 1);
	uint32_t got;
	int fd;

	ASSERT_TRUE(events && seen);
	allow(nr);
	fd = open_context(0);
	arm_over(fd, nr, now_ns(), 2 * SEC, NULL);
	while (stats(fd).expired < nr)
		sleep_ns(10 * MSEC);
	EXPECT_EQ(held(fd), nr);
	for (done = 0; done < nr; done += got) {
		got = collect(fd, events, PIECE, 0, 0);
		ASSERT_GT(got, 0);
		mark_events(events, got, seen, nr);
	}
	EXPECT_EQ(poll_context(fd, 0), 0);
	EXPECT_EQ(held(fd), 0);
	EXPECT_EQ(stats(fd).delivered, nr);
}

static void a_million_events_come_through_a_ring(void)
{
	uint64_t nr = a_million(), done;
	struct htw_event *events = calloc(PIECE, sizeof(*events));
	unsigned char *seen = calloc(nr, 1);
	struct mapped m;
	uint32_t got;

	ASSERT_TRUE(events && seen);
	allow(nr);
	open_ring(&m, query(open_context(0)).max_ring);
	arm_over(m.fd, nr, now_ns(), SEC, NULL);
	for (done = 0; done < nr; done += got) {
		wait_readable(m.fd);
		got = consume(&m, events, PIECE);
		mark_events(events, got, seen, nr);
	}
	EXPECT_EQ(poll_context(m.fd, 0), 0);
	EXPECT_EQ(held(m.fd), 0);
	EXPECT_EQ(ring_tail(&m), (uint32_t)nr);
	ktap_note("%llu stalls", (unsigned long long)m.ring->stalls);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(a_million_are_cancelled_at_random),
	KTAP_TEST(a_million_unread_events_are_all_there),
	KTAP_TEST(a_million_events_come_through_a_ring),
};

int main(int argc, char **argv)
{
	return main_with_parameters(argc, argv,
				    &KTAP_SUITE("million", tests, need_root));
}
