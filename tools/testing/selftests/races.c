// SPDX-License-Identifier: GPL-2.0
/*
 * Timers that are cancelled, re-armed and read while they expire, from several
 * threads at once. Each arming has exactly one outcome, and everybody who asks
 * is told the same one.
 */

/* A million of them takes long where the host is busy. */
#define KTAP_TIMEOUT_SEC	120

#include "mapped.h"
#include "ops.h"
#include "waiting.h"

/* --- cancel against expiry --- */

enum { RACERS = 64 };

/* What has become of each timer of a round: @told by cancel, @read by read. */
struct race {
	int		fd;
	bool		reader_waits;	/* until all were cancelled */
	bool		reader_first;	/* cancel when something was read */
	bool		any_read;
	bool		backwards;	/* the last one is cancelled first */
	int		cpu;		/* on which they are cancelled */
	int		told[RACERS];
	unsigned char	read[RACERS];
	pthread_barrier_t begin;
};

static struct {
	unsigned int	cancelled, withdrawn, read;
} outcomes;

static void *race_reader(void *arg)
{
	struct race *race = arg;
	struct htw_event events[5];
	ssize_t i, len;
	bool last = false;

	pthread_barrier_wait(&race->begin);
	while (!last) {
		len = read(race->fd, events, sizeof(events));
		ASSERT_GT(len, 0);
		for (i = 0; i < len / EVENT_SIZE; i++) {
			if (events[i].cookie == LAST) {
				last = true;
				continue;
			}
			ASSERT_LT(events[i].cookie, RACERS);
			race->read[events[i].cookie]++;
			__atomic_store_n(&race->any_read, true, __ATOMIC_RELEASE);
		}
	}
	return NULL;
}

static bool all_outcomes(void)
{
	return outcomes.cancelled && outcomes.withdrawn && outcomes.read;
}

static void count_outcome(const struct race *race, int i)
{
	switch (race->told[i]) {
	case HTW_CANCELLED:
		outcomes.cancelled++;
		EXPECT_EQ(race->read[i], 0);
		break;
	case HTW_WITHDRAWN:
		outcomes.withdrawn++;
		EXPECT_EQ(race->read[i], 0);
		break;
	default:
		outcomes.read++;
		EXPECT_EQ(race->told[i], -EALREADY);
		EXPECT_EQ(race->read[i], 1);
	}
}

static void race_cancel(struct race *race, const uint64_t *ids)
{
	int i, nr;

	for (i = 0; i < RACERS; i++) {
		nr = race->backwards ? RACERS - 1 - i : i;
		race->told[nr] = cancel(race->fd, ids[nr]);
	}
}

/* Expiries around the time at which the cancelling gets there. */
static void race_round(struct race *race, uint64_t spread)
{
	uint64_t base, ids[RACERS], stop;
	pthread_t reader;
	int i;

	memset(race->read, 0, sizeof(race->read));
	race->any_read = false;
	pin_to_cpu(0);
	base = now_ns() + 2 * MSEC;
	for (i = 0; i < RACERS; i++)
		ids[i] = arm_at(race->fd, base + (uint64_t)i * spread / RACERS,
				(uint64_t)i);
	pin_to_cpu(race->cpu);
	reader = start(race_reader, race);
	if (!race->reader_waits)
		pthread_barrier_wait(&race->begin);
	stop = base + spread / 2;
	while (now_ns() < stop)
		;
	/* On a slow machine the reader may never come first by itself. */
	while (race->reader_first && !race->reader_waits &&
	       !__atomic_load_n(&race->any_read, __ATOMIC_ACQUIRE))
		usleep(100);
	race_cancel(race, ids);
	arm_in(race->fd, 0, LAST);
	if (race->reader_waits)
		pthread_barrier_wait(&race->begin);
	ASSERT_EQ(pthread_join(reader, NULL), 0);
	for (i = 0; i < RACERS; i++)
		count_outcome(race, i);
	EXPECT_EQ(held(race->fd), 0);
}

/*
 * At least 200 rounds, and more until each outcome was seen: where one never is,
 * nothing raced. An expiry and a cancel on the same CPU can't overlap: so mostly
 * on two, and from the other end, where they are bound to meet.
 */
static void cancel_against_expiry_has_one_outcome(void)
{
	static const uint64_t spreads[] = {
		0, 300 * USEC, 0, 2 * MSEC, 100 * USEC };
	struct race race = { .fd = open_context(0) };
	uint64_t end = now_ns() + 15 * SEC;
	unsigned int round;

	ASSERT_EQ(pthread_barrier_init(&race.begin, NULL, 2), 0);
	for (round = 0; round < 200 || (now_ns() < end && !all_outcomes());
	     round++) {
		race.reader_waits = round & 1;
		race.backwards = round & 2;
		race.reader_first = round % 3 == 0;
		race.cpu = round % 7 != 0;
		race_round(&race, spreads[round % 5]);
	}
	ktap_note("%u rounds: %u cancelled, %u withdrawn, %u read", round,
		  outcomes.cancelled, outcomes.withdrawn, outcomes.read);
	EXPECT_GT(outcomes.cancelled, 0);
	EXPECT_GT(outcomes.withdrawn, 0);
	EXPECT_GT(outcomes.read, 0);
}

/* Re-armed while it expires: an arming is read or replaced, never both. */
static void rearm_against_expiry_has_one_outcome(void)
{
	int fd = open_context(O_NONBLOCK), round, err;
	int replaced = 0, was_read = 0;
	struct htw_event event;
	uint64_t id = 0, cookie;

	for (round = 0; round < 1500; round++) {
		cookie = (uint64_t)round;
		err = id ? rearm_in(fd, id, (uint64_t)(round % 5) * 50 * USEC,
				    cookie) : -ENOENT;
		if (err) {
			id = arm_in(fd, (uint64_t)(round % 5) * 50 * USEC,
				    cookie);
			continue;
		}
		replaced++;
		if (round % 3)
			sleep_ns((uint64_t)(round % 7) * 30 * USEC);
		if (read(fd, &event, sizeof(event)) < 0)
			continue;
		/* What was replaced must not be seen any more. */
		EXPECT_EQ(event.cookie, cookie);
		EXPECT_EQ(event.id, id);
		EXPECT_EQ(rearm_in(fd, id, 0, 0), -EALREADY);
		was_read++;
		id = 0;
	}
	ktap_note("%d replaced, %d read", replaced, was_read);
	EXPECT_EQ(held(fd), !!id);
}

/*
 * Re-armed for an hour hence while they expire: whoever came first, the old arming
 * has no event any more, and the new one has none yet.
 */
static void rearm_of_expiring_timers_leaves_no_event(void)
{
	int fd = open_context(O_NONBLOCK), round, i;
	uint64_t base, ids[RACERS];
	struct htw_event event;

	for (i = 0; i < RACERS; i++)
		ids[i] = arm_in(fd, 3600 * SEC, 0);
	for (round = 0; round < 100; round++) {
		pin_to_cpu(0);
		base = now_ns() + 2 * MSEC;
		for (i = 0; i < RACERS; i++)
			ASSERT_EQ(do_op(fd, &(struct htw_op){
				.opcode = HTW_OP_REARM, .id = ids[i],
				.flags = HTW_TIMER_ABS, .expires = base }), 0);
		pin_to_cpu(1);
		while (now_ns() < base + (uint64_t)(round % 10) * 20 * USEC)
			;
		for (i = RACERS; i-- > 0; )
			ASSERT_EQ(rearm_in(fd, ids[i], 3600 * SEC, 0), 0);
		EXPECT_ERRNO(read(fd, &event, sizeof(event)), EAGAIN);
	}
	EXPECT_EQ(held(fd), RACERS);
}

static volatile bool stop_protecting;

static void *protect_and_not(void *page)
{
	while (!stop_protecting) {
		mprotect(page, 4096, PROT_READ);
		mprotect(page, 4096, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

/* The id is written to a page that another thread makes read-only meanwhile. */
static void arm_whose_id_is_not_told_is_undone(void)
{
	int fd = open_context(0), i, armed = 0, faults = 0;
	struct htw_op *op, *seen_by_kernel;
	pthread_t thread;

	op = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(op != MAP_FAILED);
	/* The same page once more. */
	seen_by_kernel = mremap(op, 0, 4096, MREMAP_MAYMOVE);
	ASSERT_TRUE(seen_by_kernel != MAP_FAILED);
	thread = start(protect_and_not, seen_by_kernel);
	for (i = 0; i < 20000; i++) {
		*op = (struct htw_op){
			.opcode = HTW_OP_ARM, .expires = 3600 * SEC };
		if (!ioctl(fd, HTW_IOC_OP, seen_by_kernel)) {
			armed++;
		} else {
			EXPECT_EQ(errno, EFAULT);
			faults++;
		}
	}
	stop_protecting = true;
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	ktap_note("%d armed, %d faults", armed, faults);
	EXPECT_EQ(held(fd), armed);
}

/* The same for many at once: what was done and told is there, and nothing else. */
static void batch_whose_results_are_not_told_is_undone(void)
{
	enum { NR = 40 };
	int fd = open_context(0), rounds = (int)scaled(1000), i, k, cut = 0;
	struct htw_op *ops, *seen_by_kernel;
	struct htw_batch batch;
	uint64_t armed = 0;
	pthread_t thread;

	/* The operations reach into the second page, which is the one that changes. */
	ops = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(ops, MAP_FAILED);
	seen_by_kernel = mremap(ops, 0, 8192, MREMAP_MAYMOVE);
	ASSERT_NE(seen_by_kernel, MAP_FAILED);
	stop_protecting = false;
	thread = start(protect_and_not, (char *)seen_by_kernel + 4096);
	for (i = 0; i < rounds; i++) {
		for (k = 0; k < NR; k++)
			ops[44 + k] = (struct htw_op){
				.opcode = HTW_OP_ARM, .expires = HOUR };
		batch = (struct htw_batch){
			.ops = (uintptr_t)(seen_by_kernel + 44), .nr_ops = NR };
		ASSERT_EQ(do_batch(fd, &batch), 0);
		ASSERT_GE(batch.done, 20);
		armed += batch.done;
		cut += batch.done < NR;
		for (k = 0; k < (int)batch.done; k++)
			ASSERT_EQ(cancel(fd, ops[44 + k].id), HTW_CANCELLED);
		EXPECT_EQ(held(fd), 0);
	}
	stop_protecting = true;
	join(thread);
	ktap_note("%llu armed, %d batches were cut", (unsigned long long)armed,
		  cut);
}

static volatile bool stop_cancelling;

static void *cancel_everything(void *fd)
{
	uint64_t index, generation;

	/* Whatever ids there may be. */
	while (!stop_cancelling)
		for (index = 0; index < 64; index++)
			for (generation = 1; generation < 20; generation++)
				cancel(*(int *)fd, generation << 32 | index);
	return NULL;
}

/* A thread that guesses ids harms nobody but its own file. */
static void guessing_ids_harms_no_other_file(void)
{
	enum { NR = 200 };
	int mine = open_context(0), its = open_context(0), i;
	pthread_t thread = start(cancel_everything, &its);
	struct htw_event event;

	for (i = 0; i < NR; i++)
		arm_in(mine, (uint64_t)i % 20 * MSEC, (uint64_t)i);
	for (i = 0; i < NR; i++)
		read_event(mine, &event);
	stop_cancelling = true;
	join(thread);
	EXPECT_EQ(held(mine), 0);
}

/* --- two threads cancel the same timers while they expire and are read --- */

enum { CONTESTED = 2000 };

/**
 * struct contest - timers that two threads want to cancel
 * @m: the context, with a ring or without
 * @arms: what arms them
 * @cancels: for each thread, what cancels them, and what it was told; the second
 *	one begins at the other end
 * @seen: how many events each has had in this round
 * @begin: when the threads begin to cancel; 0 to end
 * @spread: how long it takes until all have expired
 * @lead: of @spread, how much has passed when they begin
 * @quota: how many events are taken in a round, if they come
 * @kind: of this round, see contest_round()
 * @arming: how long it took to arm them
 * @cancelled: of all rounds
 * @withdrawn: of all rounds
 * @delivered: of all rounds
 * @meet: all three, before and after a round
 */
struct contest {
	struct mapped		m;
	struct htw_op		arms[CONTESTED];
	struct htw_op		cancels[2][CONTESTED];
	unsigned char		seen[CONTESTED];
	uint64_t		begin;
	uint64_t		spread;
	int64_t			lead;
	int			quota;
	int			kind;
	uint64_t		arming;
	uint64_t		cancelled;
	uint64_t		withdrawn;
	uint64_t		delivered;
	pthread_barrier_t	meet;
};

struct contestant {
	struct contest	*contest;
	int		nr;
};

/* Until shortly before, without a CPU, which the one who reads needs. */
static void wait_until(uint64_t time)
{
	uint64_t now = now_ns();

	if (now + 200 * USEC < time)
		sleep_ns(time - now - 200 * USEC);
	while (now_ns() < time)
		sched_yield();
}

static void *cancel_contested(void *arg)
{
	struct contestant *me = arg;
	struct contest *contest = me->contest;

	pin_to_cpu(me->nr);
	for (;;) {
		pthread_barrier_wait(&contest->meet);
		if (!contest->begin)
			return NULL;
		wait_until(contest->begin);
		do_ops(contest->m.fd, contest->cancels[me->nr], CONTESTED);
		pthread_barrier_wait(&contest->meet);
	}
}

static void arm_contested(struct contest *contest)
{
	uint64_t now = now_ns(), first = now + contest->arming * 5 / 4 + MSEC / 2;
	int i;

	for (i = 0; i < CONTESTED; i++)
		contest->arms[i] = (struct htw_op){
			.opcode = HTW_OP_ARM, .flags = HTW_TIMER_ABS,
			.expires = first + (uint64_t)i * contest->spread / CONTESTED,
			.cookie = (uint64_t)i };
	for (i = 0; contest->kind == 0 && i < CONTESTED; i += 2)
		contest->arms[i].expires += SEC;
	do_ops_well(contest->m.fd, contest->arms, CONTESTED);
	contest->arming = now_ns() - now;
	contest->begin = first + (uint64_t)contest->lead;
	for (i = 0; i < CONTESTED; i++) {
		contest->cancels[0][i] = (struct htw_op){
			.opcode = HTW_OP_CANCEL, .id = contest->arms[i].id };
		contest->cancels[1][CONTESTED - 1 - i] = contest->cancels[0][i];
	}
	memset(contest->seen, 0, sizeof(contest->seen));
}

/* Return: how many events were taken, at most @room. */
static int take_contested(struct contest *contest, int room)
{
	struct htw_event events[64];
	int nr, i;

	room = room < 64 ? room : 64;
	nr = (int)(contest->m.ring ?
		   consume(&contest->m, events, (uint32_t)room) :
		   collect(contest->m.fd, events, (uint32_t)room, 0, 0));
	for (i = 0; i < nr; i++) {
		ASSERT_LT(events[i].cookie, CONTESTED);
		EXPECT_EQ(events[i].id, contest->arms[events[i].cookie].id);
		contest->seen[events[i].cookie]++;
	}
	return nr;
}

/* Take events while the others cancel, until there are @quota, or none for long. */
static void take_quota(struct contest *contest)
{
	uint64_t end = contest->begin + contest->spread + MSEC;
	int left = contest->quota;

	while (left > 0 && now_ns() < end)
		left -= take_contested(contest, left);
}

/*
 * The place of a timer whose event is in the ring may be given away before the last
 * one of the round is armed: then its id is not known any more.
 */
static bool place_given_away(const struct contest *contest, int i)
{
	uint64_t id = contest->arms[i].id;

	while (++i < CONTESTED)
		if (HTW_WORD_INDEX(contest->arms[i].id) == HTW_WORD_INDEX(id))
			return true;
	return false;
}

/* Exactly one has had it, and the others know. */
static void judge_contested(struct contest *contest, int i)
{
	int first = contest->cancels[0][i].res;
	int second = contest->cancels[1][CONTESTED - 1 - i].res;
	int winner = first > 0 ? first : second;
	int loser = first > 0 ? second : first;

	if (contest->seen[i]) {
		EXPECT_EQ(contest->seen[i], 1);
		EXPECT_EQ(first, second);
		if (first != -ENOENT || !place_given_away(contest, i))
			EXPECT_EQ(first, -EALREADY);
		contest->delivered++;
		return;
	}
	EXPECT_EQ(loser, -ENOENT);
	if (winner == HTW_WITHDRAWN) {
		contest->withdrawn++;
	} else {
		EXPECT_EQ(winner, HTW_CANCELLED);
		contest->cancelled++;
	}
}

/*
 * Most rounds are decided at the edge. In the first of eight half of the timers are far
 * away, in the second all have expired, and in the third some were read: so none of the
 * outcomes can be missing, however the machine is.
 */
static void contest_round(struct contest *contest, uint64_t nr)
{
	int i, left = CONTESTED / 4;

	contest->kind = (int)(nr % 8);
	arm_contested(contest);
	if (contest->kind == 1)
		while (now_ns() < contest->begin + contest->spread)
			sleep_ns(MSEC);
	while (contest->kind == 2 && left > 0)
		left -= take_contested(contest, left);
	pthread_barrier_wait(&contest->meet);
	take_quota(contest);
	pthread_barrier_wait(&contest->meet);
	/* What is in the ring was delivered; what can be read has been cancelled. */
	while (take_contested(contest, CONTESTED))
		EXPECT_TRUE(contest->m.ring);
	for (i = 0; i < CONTESTED; i++)
		judge_contested(contest, i);
	EXPECT_EQ(held(contest->m.fd), 0);
}

/* Move to where the outcomes are even: no machine is like the other. */
static void even_out(struct contest *contest, const struct contest *before)
{
	int64_t step = (int64_t)contest->spread / 16;
	uint64_t few = CONTESTED / 5;

	if (contest->cancelled - before->cancelled < few)
		contest->lead -= step;
	else if (contest->cancelled - before->cancelled > 2 * few)
		contest->lead += step;
	if (contest->delivered - before->delivered < few)
		contest->quota += CONTESTED / 20;
	else if (contest->withdrawn - before->withdrawn < few &&
		 contest->quota > CONTESTED / 20)
		contest->quota -= CONTESTED / 20;
}

static void run_contest(struct contest *contest, uint64_t rounds)
{
	struct contestant contestants[] = { { contest, 0 }, { contest, 1 } };
	pthread_t threads[2];
	struct contest *before = malloc(sizeof(*before));
	uint64_t i;

	ASSERT_TRUE(before);
	ASSERT_EQ(pthread_barrier_init(&contest->meet, NULL, 3), 0);
	for (i = 0; i < 2; i++)
		threads[i] = start(cancel_contested, &contestants[i]);
	for (i = 0; i < rounds; i++) {
		memcpy(before, contest, sizeof(*before));
		contest_round(contest, i);
		if (contest->kind > 2)
			even_out(contest, before);
	}
	contest->begin = 0;
	pthread_barrier_wait(&contest->meet);
	for (i = 0; i < 2; i++)
		join(threads[i]);
	free(before);
}

/* Each timer counts once, the kernel counts the same, and each outcome is common. */
static void judge_contest(const struct contest *contest, uint64_t armed)
{
	struct htw_context_stats s = stats(contest->m.fd);

	ktap_note("%llu timers: %llu cancelled, %llu withdrawn, %llu delivered",
		  (unsigned long long)armed,
		  (unsigned long long)contest->cancelled,
		  (unsigned long long)contest->withdrawn,
		  (unsigned long long)contest->delivered);
	EXPECT_EQ(contest->cancelled + contest->withdrawn + contest->delivered,
		  armed);
	EXPECT_EQ(s.armed, armed);
	EXPECT_EQ(s.cancelled, contest->cancelled);
	EXPECT_EQ(s.withdrawn, contest->withdrawn);
	EXPECT_EQ(s.delivered, contest->delivered);
	EXPECT_EQ(s.expired, contest->withdrawn + contest->delivered);
	EXPECT_GE(contest->cancelled, armed / 100);
	EXPECT_GE(contest->withdrawn, armed / 100);
	EXPECT_GE(contest->delivered, armed / 100);
}

static struct contest *new_contest(void)
{
	struct contest *contest = calloc(1, sizeof(*contest));

	ASSERT_TRUE(contest);
	contest->spread = 4 * MSEC;
	contest->lead = 2 * MSEC;
	contest->quota = CONTESTED / 4;
	return contest;
}

static void two_cancel_a_million_each_counts_once(void)
{
	uint64_t rounds = scaled(1000000 / CONTESTED);
	struct contest *contest = new_contest();

	contest->m.fd = open_context(0);
	run_contest(contest, rounds);
	judge_contest(contest, rounds * CONTESTED);
}

/* With a ring that is too small for all: what is in it is delivered. */
static void two_cancel_what_goes_to_a_ring(void)
{
	uint64_t rounds = scaled(200000 / CONTESTED);
	struct contest *contest = new_contest();

	open_ring(&contest->m, 256);
	run_contest(contest, rounds);
	judge_contest(contest, rounds * CONTESTED);
	EXPECT_EQ(ring_tail(&contest->m), contest->delivered);
}

static const struct ktap_test tests[] = {
	KTAP_TEST(cancel_against_expiry_has_one_outcome),
	KTAP_TEST(rearm_against_expiry_has_one_outcome),
	KTAP_TEST(rearm_of_expiring_timers_leaves_no_event),
	KTAP_TEST(arm_whose_id_is_not_told_is_undone),
	KTAP_TEST(batch_whose_results_are_not_told_is_undone),
	KTAP_TEST(guessing_ids_harms_no_other_file),
	KTAP_TEST(two_cancel_a_million_each_counts_once),
	KTAP_TEST(two_cancel_what_goes_to_a_ring),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv,
			 &KTAP_SUITE("races", tests, need_device));
}
