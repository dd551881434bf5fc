// SPDX-License-Identifier: GPL-2.0
/*
 * The interface itself: what each request takes, and with which errno it
 * refuses what it does not. Each refusal starts from a call that works and
 * differs from it in one place, and is checked to have changed nothing.
 */
#include <stddef.h>

#include "context.h"

/* Longer than any request: what is behind the argument must stay as it is. */
#define BEHIND		0x5a

/* Any delay that is not reached while a test runs. */
#define FAR		HOUR

static long page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

/* Two pages; the second is not there. Return: the first. */
static char *page_before_hole(void)
{
	char *page = mmap(NULL, 2 * (size_t)page_size(),
			  PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	ASSERT_NE(page, MAP_FAILED);
	ASSERT_EQ(munmap(page + page_size(), (size_t)page_size()), 0);
	return page;
}

static void *unmapped(void)
{
	return page_before_hole() + page_size();
}

/* A copy of the argument that can't be written, or not even read. */
static void *protected_copy(const void *arg, size_t size, int prot)
{
	char *page = page_before_hole();

	memcpy(page, arg, size);
	ASSERT_EQ(mprotect(page, (size_t)page_size(), prot), 0);
	return page;
}

/* A copy of the argument of which the last byte is behind the page's end. */
static void *cut_copy(const void *arg, size_t size)
{
	char *page = page_before_hole();

	return memcpy(page + page_size() - size + 1, arg, size - 1);
}

/* A copy of the argument that ends where the page does. */
static void *edge_copy(const void *arg, size_t size)
{
	char *page = page_before_hole();

	return memcpy(page + page_size() - size, arg, size);
}

/* What a context looked like before a call that shall change nothing. */
struct snapshot {
	uint64_t	held;
	struct htw_op	timer;
};

/* Of the context, and of a timer in it if @id is not 0. */
static struct snapshot look(int fd, uint64_t id)
{
	struct snapshot s;

	memset(&s, 0, sizeof(s));
	s.held = held(fd);
	if (id) {
		ASSERT_EQ(remaining(fd, id, &s.timer), 0);
		s.timer.value = 0;	/* time goes on */
	}
	return s;
}

static void expect_same(const struct snapshot *a, const struct snapshot *b)
{
	EXPECT_EQ(a->held, b->held);
	EXPECT_EQ(memcmp(&a->timer, &b->timer, sizeof(a->timer)), 0);
}

/* The operation fails like that and leaves all as it was, the struct too. */
static void expect_refused(int fd, struct htw_op op, int err, uint64_t id)
{
	struct snapshot before = look(fd, id), after;
	struct htw_op copy = op;

	EXPECT_EQ(do_op(fd, &op), -err);
	EXPECT_EQ(memcmp(&op, &copy, sizeof(op)), 0);
	after = look(fd, id);
	expect_same(&before, &after);
}

static void expect_efault(int fd, void *arg, uint64_t id)
{
	struct snapshot before = look(fd, id), after;

	EXPECT_ERRNO(ioctl(fd, HTW_IOC_OP, arg), EFAULT);
	after = look(fd, id);
	expect_same(&before, &after);
}

/* Each opcode with an operation that works. */
static struct htw_op valid_arm(void)
{
	return (struct htw_op){ .opcode = HTW_OP_ARM, .expires = FAR };
}

static struct htw_op valid_rearm(uint64_t id)
{
	return (struct htw_op){
		.opcode = HTW_OP_REARM, .expires = 2 * FAR, .id = id };
}

static struct htw_op valid_cancel(uint64_t id)
{
	return (struct htw_op){ .opcode = HTW_OP_CANCEL, .id = id };
}

static struct htw_op valid_remaining(uint64_t id)
{
	return (struct htw_op){ .opcode = HTW_OP_REMAINING, .id = id };
}

/* A timer far away, with something in every field that it has. */
static uint64_t arm_far(int fd)
{
	return arm(fd, (struct htw_op){
		.expires = FAR, .interval = HOUR, .slack = MSEC,
		.cookie = 0x1234 });
}

/* --- layout --- */

static void layout_is_fixed(void)
{
	EXPECT_EQ(sizeof(struct htw_query), 128);
	EXPECT_EQ(offsetof(struct htw_query, features), 8);
	EXPECT_EQ(offsetof(struct htw_query, setup_flags), 24);
	EXPECT_EQ(offsetof(struct htw_query, clock_mask), 40);
	EXPECT_EQ(offsetof(struct htw_query, tick_ns), 48);
	EXPECT_EQ(offsetof(struct htw_query, nr_file), 96);
	EXPECT_EQ(offsetof(struct htw_query, resv), 120);
	EXPECT_EQ(sizeof(struct htw_op), 64);
	EXPECT_EQ(offsetof(struct htw_op, flags), 2);
	EXPECT_EQ(offsetof(struct htw_op, count), 4);
	EXPECT_EQ(offsetof(struct htw_op, expires), 8);
	EXPECT_EQ(offsetof(struct htw_op, id), 40);
	EXPECT_EQ(offsetof(struct htw_op, res), 56);
	EXPECT_EQ(sizeof(struct htw_event), 32);
	EXPECT_EQ(offsetof(struct htw_event, expirations), 24);
	EXPECT_EQ(HTW_IOC_QUERY, 0xc080bd00U);
	EXPECT_EQ(HTW_IOC_OP, 0xc040bd01U);
}

/* --- HTW_IOC_QUERY --- */

/* A query of @size bytes; all that is in the buffer behind them is BEHIND. */
struct sized_query {
	unsigned char	bytes[16384];
	size_t		size;
};

static struct sized_query *new_sized_query(size_t size)
{
	struct sized_query *q = calloc(1, sizeof(*q));

	ASSERT_TRUE(q);
	q->size = size;
	memset(q->bytes + size, BEHIND, sizeof(q->bytes) - size);
	return q;
}

static int do_sized_query(int fd, struct sized_query *q)
{
	return ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, HTW_IOC_MAGIC, 0,
			      q->size), q->bytes) ? -errno : 0;
}

static void expect_nothing_behind(const struct sized_query *q)
{
	size_t i;

	for (i = q->size; i < sizeof(q->bytes); i++)
		EXPECT_EQ(q->bytes[i], BEHIND);
}

static void query_tells_limits_that_make_sense(void)
{
	struct htw_query q = query(open_context(0));

	EXPECT_EQ(q.size, sizeof(q));
	EXPECT_TRUE(q.features & HTW_FEAT_INTERVAL);
	EXPECT_TRUE(q.features & HTW_FEAT_SLACK);
	EXPECT_TRUE(q.timer_flags & HTW_TIMER_ABS);
	EXPECT_TRUE(q.clock_mask >> CLOCK_MONOTONIC & 1);
	EXPECT_GT(q.tick_ns, 0);
	EXPECT_LT(q.tick_ns, SEC);
	EXPECT_GT(q.min_gap_ns, 0);
	EXPECT_LT(q.min_gap_ns, SEC);
	EXPECT_GT(q.min_interval_ns, 0);
	EXPECT_LT(q.min_interval_ns, SEC);
	EXPECT_GT(q.max_file, 0);
	EXPECT_EQ(q.nr_file, 0);
}

static void query_reserved_fields_are_zero(void)
{
	struct htw_query q = query(open_context(0));

	EXPECT_EQ(q.flags, 0);
	EXPECT_EQ(q.resv0, 0);
	EXPECT_EQ(q.resv[0], 0);
}

static void query_op_mask_names_the_known_opcodes(void)
{
	int fd = open_context(0), opcode;
	struct htw_query q = query(fd);

	EXPECT_EQ(q.op_mask & 1, 0);
	for (opcode = 0; opcode < 64; opcode++) {
		/* Slack above the limit: refused by all that are known. */
		struct htw_op op = {
			.opcode = (__u16)opcode, .slack = UINT64_MAX };
		int err = do_op(fd, &op);

		EXPECT_EQ(err != -EOPNOTSUPP, q.op_mask >> opcode & 1);
	}
	EXPECT_EQ(q.op_mask >> HTW_OP_ARM & 0xf, 0xf);
}

static void query_ignores_what_is_only_written(void)
{
	struct htw_query q, expected;
	int fd = open_context(0);

	expected = query(fd);
	memset(&q, 0xff, sizeof(q));
	q.flags = 0;
	memset(q.resv, 0, sizeof(q.resv));
	EXPECT_EQ(ioctl(fd, HTW_IOC_QUERY, &q), 0);
	EXPECT_EQ(memcmp(&q, &expected, sizeof(q)), 0);
}

static void expect_query_refused(int fd, struct htw_query q, int err)
{
	struct htw_query copy = q;

	EXPECT_ERRNO(ioctl(fd, HTW_IOC_QUERY, &q), err);
	EXPECT_EQ(memcmp(&q, &copy, sizeof(q)), 0);
}

static void query_each_flag_einval(void)
{
	int fd = open_context(0), bit;

	for (bit = 0; bit < 32; bit++)
		expect_query_refused(fd, (struct htw_query){
			.flags = 1U << bit }, EINVAL);
}

static void query_each_resv_einval(void)
{
	int fd = open_context(0), bit;

	for (bit = 0; bit < 64; bit++)
		expect_query_refused(fd, (struct htw_query){
			.resv = { 1ULL << bit } }, EINVAL);
}

static void query_size_below_8_einval(void)
{
	int fd = open_context(0);
	size_t size;

	for (size = 0; size < 8; size++) {
		struct sized_query *q = new_sized_query(size);

		EXPECT_EQ(do_sized_query(fd, q), -EINVAL);
		expect_nothing_behind(q);
		free(q);
	}
}

/* Every length that an older program could have, and odd ones between. */
static void query_shorter_gets_that_much_and_no_more(void)
{
	int fd = open_context(0);
	struct htw_query full = query(fd);
	size_t size;

	for (size = 8; size < sizeof(full); size++) {
		struct sized_query *q = new_sized_query(size);

		EXPECT_EQ(do_sized_query(fd, q), 0);
		EXPECT_EQ(memcmp(q->bytes, &full, size), 0);
		expect_nothing_behind(q);
		free(q);
	}
}

static void query_longer_with_zero_tail_works(void)
{
	static const size_t more[] = { 1, 8, 64, 4096 - 128, 16383 - 128 };
	int fd = open_context(0);
	struct htw_query full = query(fd);
	size_t i, j;

	for (i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		struct sized_query *q = new_sized_query(sizeof(full) + more[i]);

		EXPECT_EQ(do_sized_query(fd, q), 0);
		EXPECT_EQ(memcmp(q->bytes, &full, sizeof(full)), 0);
		for (j = sizeof(full); j < q->size; j++)
			EXPECT_EQ(q->bytes[j], 0);
		expect_nothing_behind(q);
		free(q);
	}
}

/* One byte of the tail is not 0: the first, the last, one between. */
static void query_longer_with_nonzero_tail_e2big(void)
{
	static const size_t at[] = { 128, 129, 4095, 4096, 16382 };
	int fd = open_context(0);
	size_t i;

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct sized_query *q = new_sized_query(16383);

		q->bytes[at[i]] = 1;
		EXPECT_EQ(do_sized_query(fd, q), -E2BIG);
		EXPECT_EQ(q->bytes[0], 0);
		EXPECT_EQ(q->bytes[at[i]], 1);
		free(q);
	}
}

static void query_shorter_still_checks_flags(void)
{
	struct sized_query *q = new_sized_query(8);

	q->bytes[4] = 1;
	EXPECT_EQ(do_sized_query(open_context(0), q), -EINVAL);
}

static void query_bad_pointer_efault(void)
{
	struct htw_query q = { 0 };
	int fd = open_context(0);

	EXPECT_ERRNO(ioctl(fd, HTW_IOC_QUERY, NULL), EFAULT);
	EXPECT_ERRNO(ioctl(fd, HTW_IOC_QUERY, unmapped()), EFAULT);
	EXPECT_ERRNO(ioctl(fd, HTW_IOC_QUERY, -1L), EFAULT);
	EXPECT_ERRNO(ioctl(fd, HTW_IOC_QUERY, ~0UL << 12), EFAULT);
	EXPECT_ERRNO(ioctl(fd, HTW_IOC_QUERY,
			   protected_copy(&q, sizeof(q), PROT_READ)), EFAULT);
	EXPECT_ERRNO(ioctl(fd, HTW_IOC_QUERY,
			   protected_copy(&q, sizeof(q), PROT_NONE)), EFAULT);
	EXPECT_ERRNO(ioctl(fd, HTW_IOC_QUERY, cut_copy(&q, sizeof(q))),
		     EFAULT);
}

static void query_at_the_end_of_a_page_works(void)
{
	struct htw_query q = { 0 };

	EXPECT_EQ(ioctl(open_context(0), HTW_IOC_QUERY,
			edge_copy(&q, sizeof(q))), 0);
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

static void op_wrong_size_enotty(void)
{
	static const size_t sizes[] = { 0, 8, 56, 63, 65, 72, 128, 16383 };
	struct {
		struct htw_op	op;
		char		more[16384];
	} arg = { .op = valid_arm() };
	int fd = open_context(0);
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		EXPECT_ERRNO(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE,
					    HTW_IOC_MAGIC, 1, sizes[i]), &arg),
			     ENOTTY);
	EXPECT_EQ(held(fd), 0);
}

static void wrong_direction_enotty(void)
{
	static const unsigned int dirs[] = {
		_IOC_NONE, _IOC_READ, _IOC_WRITE };
	struct htw_query q = { 0 };
	struct htw_op op = valid_arm();
	int fd = open_context(0);
	size_t i;

	for (i = 0; i < 3; i++) {
		EXPECT_ERRNO(ioctl(fd, _IOC(dirs[i], HTW_IOC_MAGIC, 0,
					    sizeof(q)), &q), ENOTTY);
		EXPECT_ERRNO(ioctl(fd, _IOC(dirs[i], HTW_IOC_MAGIC, 1,
					    sizeof(op)), &op), ENOTTY);
	}
	EXPECT_EQ(held(fd), 0);
}

/* --- HTW_IOC_OP: opcodes and ids --- */

static void unknown_opcode_eopnotsupp(void)
{
	static const __u16 opcodes[] = { 0, 7, 63, 64, 0x101, 0x8001, 0xffff };
	int fd = open_context(0);
	size_t i;

	for (i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++) {
		struct htw_op op = valid_arm();

		op.opcode = opcodes[i];
		expect_refused(fd, op, EOPNOTSUPP, 0);
	}
}

static void unknown_id_enoent(void)
{
	static const uint64_t wrong[] = {
		0, 1, 0xffffffff, 1ULL << 32, 1ULL << 63, UINT64_MAX };
	int fd = open_context(0);
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		expect_refused(fd, valid_rearm(wrong[i]), ENOENT, 0);
		expect_refused(fd, valid_cancel(wrong[i]), ENOENT, 0);
		expect_refused(fd, valid_remaining(wrong[i]), ENOENT, 0);
	}
}

/* Each bit of an id counts: one that differs is no other timer's. */
static void id_with_any_bit_flipped_enoent(void)
{
	int fd = open_context(0), bit;
	uint64_t id = arm_far(fd);

	for (bit = 0; bit < 64; bit++) {
		uint64_t wrong = id ^ 1ULL << bit;

		expect_refused(fd, valid_rearm(wrong), ENOENT, id);
		expect_refused(fd, valid_cancel(wrong), ENOENT, id);
		expect_refused(fd, valid_remaining(wrong), ENOENT, id);
	}
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
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

static void arm_each_unknown_flag_einval(void)
{
	int fd = open_context(0), bit;
	uint64_t known = query(fd).timer_flags;

	EXPECT_EQ(known >> 16, 0);
	for (bit = 0; bit < 16; bit++) {
		struct htw_op op = valid_arm();

		if (known >> bit & 1)
			continue;
		op.flags = (__u16)(1U << bit);
		expect_refused(fd, op, EINVAL, 0);
		op.flags |= HTW_TIMER_ABS;
		expect_refused(fd, op, EINVAL, 0);
	}
}

static void arm_id_nonzero_einval(void)
{
	int fd = open_context(0);
	uint64_t id = arm_far(fd);
	struct htw_op op = valid_arm();

	op.id = 1;
	expect_refused(fd, op, EINVAL, id);
	op.id = UINT64_MAX;
	expect_refused(fd, op, EINVAL, id);
	op.id = id;
	expect_refused(fd, op, EINVAL, id);
}

static void arm_expires_up_to_s64_max(void)
{
	int fd = open_context(0);

	EXPECT_EQ(cancel(fd, arm_in(fd, MAX_TIME, 0)), HTW_CANCELLED);
	EXPECT_EQ(cancel(fd, arm_at(fd, MAX_TIME, 0)), HTW_CANCELLED);
	EXPECT_EQ(cancel(fd, arm_in(fd, MAX_TIME - 1, 0)), HTW_CANCELLED);
	EXPECT_EQ(cancel(fd, arm_at(fd, MAX_TIME - 1, 0)), HTW_CANCELLED);
}

static void arm_expires_above_s64_max_einval(void)
{
	int fd = open_context(0);
	struct htw_op op = valid_arm();

	for (op.flags = 0; op.flags <= HTW_TIMER_ABS; op.flags++) {
		op.expires = MAX_TIME + 1;
		expect_refused(fd, op, EINVAL, 0);
		op.expires = UINT64_MAX;
		expect_refused(fd, op, EINVAL, 0);
	}
}

static void arm_interval_from_minimum_to_s64_max(void)
{
	int fd = open_context(0);
	struct htw_op op = valid_arm();

	op.interval = query(fd).min_interval_ns;
	EXPECT_EQ(cancel(fd, arm(fd, op)), HTW_CANCELLED);
	op.interval = MAX_TIME;
	EXPECT_EQ(cancel(fd, arm(fd, op)), HTW_CANCELLED);
}

static void arm_interval_below_minimum_einval(void)
{
	int fd = open_context(0);
	struct htw_op op = valid_arm();

	op.interval = query(fd).min_interval_ns - 1;
	if (op.interval)
		expect_refused(fd, op, EINVAL, 0);
	op.interval = 1;
	if (op.interval < query(fd).min_interval_ns)
		expect_refused(fd, op, EINVAL, 0);
}

static void arm_interval_above_s64_max_einval(void)
{
	int fd = open_context(0);
	struct htw_op op = valid_arm();

	op.interval = MAX_TIME + 1;
	expect_refused(fd, op, EINVAL, 0);
	op.interval = UINT64_MAX;
	expect_refused(fd, op, EINVAL, 0);
}

static void arm_slack_up_to_s64_max(void)
{
	int fd = open_context(0);
	struct htw_op op = valid_arm();

	op.slack = MAX_TIME;
	EXPECT_EQ(cancel(fd, arm(fd, op)), HTW_CANCELLED);
	op.expires = MAX_TIME;
	op.interval = MAX_TIME;
	EXPECT_EQ(cancel(fd, arm(fd, op)), HTW_CANCELLED);
	op.flags = HTW_TIMER_ABS;
	EXPECT_EQ(cancel(fd, arm(fd, op)), HTW_CANCELLED);
}

static void arm_slack_above_s64_max_einval(void)
{
	int fd = open_context(0);
	struct htw_op op = valid_arm();

	op.slack = MAX_TIME + 1;
	expect_refused(fd, op, EINVAL, 0);
	op.slack = UINT64_MAX;
	expect_refused(fd, op, EINVAL, 0);
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

static void rearm_each_unknown_flag_einval(void)
{
	int fd = open_context(0), bit;
	uint64_t known = query(fd).timer_flags, id = arm_far(fd);

	for (bit = 0; bit < 16; bit++) {
		struct htw_op op = valid_rearm(id);

		if (known >> bit & 1)
			continue;
		op.flags = (__u16)(1U << bit);
		expect_refused(fd, op, EINVAL, id);
	}
}

static void rearm_times_above_s64_max_einval(void)
{
	static const uint64_t wrong[] = { MAX_TIME + 1, UINT64_MAX };
	int fd = open_context(0);
	uint64_t id = arm_far(fd);
	size_t i;

	for (i = 0; i < 2; i++) {
		struct htw_op op = valid_rearm(id);

		op.expires = wrong[i];
		expect_refused(fd, op, EINVAL, id);
		op.flags = HTW_TIMER_ABS;
		expect_refused(fd, op, EINVAL, id);
		op = valid_rearm(id);
		op.interval = wrong[i];
		expect_refused(fd, op, EINVAL, id);
		op = valid_rearm(id);
		op.slack = wrong[i];
		expect_refused(fd, op, EINVAL, id);
	}
}

static void rearm_times_up_to_s64_max(void)
{
	int fd = open_context(0);
	struct htw_op op = valid_rearm(arm_far(fd));

	op.expires = MAX_TIME;
	op.interval = MAX_TIME;
	op.slack = MAX_TIME;
	EXPECT_EQ(do_op(fd, &op), 0);
	op.flags = HTW_TIMER_ABS;
	EXPECT_EQ(do_op(fd, &op), 0);
	op.interval = query(fd).min_interval_ns;
	EXPECT_EQ(do_op(fd, &op), 0);
	EXPECT_EQ(cancel(fd, op.id), HTW_CANCELLED);
}

static void rearm_interval_below_minimum_einval(void)
{
	int fd = open_context(0);
	uint64_t id = arm_far(fd);
	struct htw_op op = valid_rearm(id);

	op.interval = query(fd).min_interval_ns - 1;
	if (op.interval)
		expect_refused(fd, op, EINVAL, id);
}

/* --- HTW_OP_CANCEL and HTW_OP_REMAINING: they take the id and no more --- */

static void expect_takes_only_id(int fd, struct htw_op valid)
{
	struct htw_op op;
	int bit;

	for (bit = 0; bit < 64; bit++) {
		op = valid;
		op.expires = 1ULL << bit;
		expect_refused(fd, op, EINVAL, valid.id);
		op = valid;
		op.interval = 1ULL << bit;
		expect_refused(fd, op, EINVAL, valid.id);
		op = valid;
		op.slack = 1ULL << bit;
		expect_refused(fd, op, EINVAL, valid.id);
		op = valid;
		op.cookie = 1ULL << bit;
		expect_refused(fd, op, EINVAL, valid.id);
	}
	for (bit = 0; bit < 16; bit++) {
		op = valid;
		op.flags = (__u16)(1U << bit);
		expect_refused(fd, op, EINVAL, valid.id);
	}
	for (bit = 0; bit < 32; bit++) {
		op = valid;
		op.count = 1U << bit;
		expect_refused(fd, op, EINVAL, valid.id);
	}
}

static void cancel_takes_only_id_else_einval(void)
{
	int fd = open_context(0);
	uint64_t id = arm_far(fd);

	expect_takes_only_id(fd, valid_cancel(id));
	EXPECT_EQ(cancel(fd, id), HTW_CANCELLED);
}

static void remaining_takes_only_id_else_einval(void)
{
	int fd = open_context(0);

	expect_takes_only_id(fd, valid_remaining(arm_far(fd)));
}

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
	KTAP_TEST(layout_is_fixed),
	KTAP_TEST(query_tells_limits_that_make_sense),
	KTAP_TEST(query_reserved_fields_are_zero),
	KTAP_TEST(query_op_mask_names_the_known_opcodes),
	KTAP_TEST(query_ignores_what_is_only_written),
	KTAP_TEST(query_each_flag_einval),
	KTAP_TEST(query_each_resv_einval),
	KTAP_TEST(query_size_below_8_einval),
	KTAP_TEST(query_shorter_gets_that_much_and_no_more),
	KTAP_TEST(query_shorter_still_checks_flags),
	KTAP_TEST(query_longer_with_zero_tail_works),
	KTAP_TEST(query_longer_with_nonzero_tail_e2big),
	KTAP_TEST(query_bad_pointer_efault),
	KTAP_TEST(query_at_the_end_of_a_page_works),
	KTAP_TEST(query_counts_only_this_file),
	KTAP_TEST(unknown_number_enotty),
	KTAP_TEST(unknown_magic_enotty),
	KTAP_TEST(op_wrong_size_enotty),
	KTAP_TEST(wrong_direction_enotty),
	KTAP_TEST(unknown_opcode_eopnotsupp),
	KTAP_TEST(unknown_id_enoent),
	KTAP_TEST(id_with_any_bit_flipped_enoent),
	KTAP_TEST(arm_writes_only_id_value_res_arming),
	KTAP_TEST(arm_each_unknown_flag_einval),
	KTAP_TEST(arm_id_nonzero_einval),
	KTAP_TEST(arm_expires_up_to_s64_max),
	KTAP_TEST(arm_expires_above_s64_max_einval),
	KTAP_TEST(arm_interval_from_minimum_to_s64_max),
	KTAP_TEST(arm_interval_below_minimum_einval),
	KTAP_TEST(arm_interval_above_s64_max_einval),
	KTAP_TEST(arm_slack_up_to_s64_max),
	KTAP_TEST(arm_slack_above_s64_max_einval),
	KTAP_TEST(rearm_writes_only_value_res_arming),
	KTAP_TEST(rearm_each_unknown_flag_einval),
	KTAP_TEST(rearm_times_above_s64_max_einval),
	KTAP_TEST(rearm_times_up_to_s64_max),
	KTAP_TEST(rearm_interval_below_minimum_einval),
	KTAP_TEST(cancel_takes_only_id_else_einval),
	KTAP_TEST(remaining_takes_only_id_else_einval),
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
	KTAP_TEST(ops_work_whatever_the_access_mode),
	KTAP_TEST(closed_descriptor_ebadf),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("uapi", tests, need_device));
}
