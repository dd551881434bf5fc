// SPDX-License-Identifier: GPL-2.0
/*
 * usage: idle_server [CONNECTIONS [SOCKETS]]
 *
 * An epoll server with very many connections, each of which is closed when nothing has
 * come on it for a while. All idle timeouts are on one descriptor, which sits in epoll
 * beside the sockets. A packet pushes the timeout of its connection out by a store
 * into its deadline word: no system call, however many packets there are.
 *
 * So that it runs anywhere, only SOCKETS of the connections are real (socketpairs, with
 * a child process as the peers); packets on the others are made up by a periodic timer.
 * Connection number i says i % 8 things and falls silent. When all have been closed the
 * program prints what has happened, and ends.
 */
#include <errno.h>
#include <libhtw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MSEC		1000000ULL
#define IDLE		(2000 * MSEC)	/* without a packet for so long: closed */
#define SLACK		(IDLE / 16)	/* or so much longer, with others */
#define ROUND		(50 * MSEC)	/* who has something to say says it each */
#define ROUNDS		8
#define BATCH		256

/* The cookie of the timer that makes packets up; of the others, a connection's index. */
#define TRAFFIC		(~0ULL)

struct connection {
	__u64		id;	/* of its idle timer */
	__u64		last;	/* when the last packet came */
	int		fd;	/* -1 if it is made up */
	unsigned int	to_come;
};

struct server {
	struct htw		*h;
	int			epfd;
	struct connection	*connections;
	unsigned long		nr, nr_sockets, nr_open;
	unsigned long		packets, rearmed, early;
	struct htw_op		ops[BATCH];
	struct htw_oplist	closing;	/* timers to be cancelled, in one call */
};

static void die(int err, const char *what)
{
	fprintf(stderr, "idle_server: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

static void too_many(unsigned long nr, __u64 limit)
{
	fprintf(stderr, "idle_server: a context holds at most %llu timers.\n"
		"Name fewer connections, or write %lu to /sys/module/htw/parameters/max_timers\n",
		limit, nr);
	exit(1);
}

static void open_timers(struct server *s)
{
	struct htw_params params;
	struct htw_query query;
	int err;

	err = htw_probe(NULL, &query);
	if (err)
		die(err, "/dev/htw");
	if (query.max_file < s->nr + 1)
		too_many(s->nr + 1, query.max_file);
	htw_params_init(&params);
	params.flags = HTW_SETUP_WORDS;
	params.ring_entries = 1024;
	params.max_timers = (__u32)s->nr + 1;
	err = htw_open(&s->h, &params);
	if (err)
		die(err, "can't set up /dev/htw");
}

static void submit(struct server *s, struct htw_oplist *list)
{
	while (list->done < list->nr) {
		int res = htw_submit(s->h, list);

		if (res < 0 && res != -EINTR)
			die(res, "a batch of timers");
	}
}

/* The idle timers of connections from @first on, one batch. Return: how many. */
static unsigned long arm_batch(struct server *s, unsigned long first)
{
	struct htw_oplist list;
	struct htw_op *op;
	unsigned long i;

	htw_oplist_init(&list, s->ops, BATCH);
	for (i = first; i < s->nr && (op = htw_oplist_add(&list)); i++) {
		htw_prep_after(op, IDLE, HTW_TIMER_KEEP | HTW_TIMER_WORD, i);
		op->slack = SLACK;
	}
	submit(s, &list);
	for (i = 0; i < list.nr; i++) {
		if (s->ops[i].res < 0)
			die(s->ops[i].res, "arming an idle timer");
		s->connections[first + i].id = s->ops[i].id;
	}
	return list.nr;
}

static void watch(struct server *s, int fd, void *what)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = what };

	if (epoll_ctl(s->epfd, EPOLL_CTL_ADD, fd, &event))
		die(errno, "epoll");
}

/* Whether the server has closed it; with what was said too late unread, it is a reset. */
static int at_its_end(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 0 || errno == ECONNRESET;
}

/* Who is closed while it still has something to say was not heard for too long. */
static void say_something(int fd)
{
	char byte = 0;

	if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1 && errno != EPIPE)
		_exit(1);
}

/* The peers: each says what it has to say, one word a round, and waits for the end. */
static void be_the_peers(const int *fds, unsigned long nr)
{
	struct timespec pause = { .tv_nsec = ROUND };
	unsigned long i, round;

	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < nr; i++)
			if (i % ROUNDS > round)
				say_something(fds[i]);
		nanosleep(&pause, NULL);
	}
	for (i = 0; i < nr; i++)
		if (!at_its_end(fds[i]))
			_exit(2);
	_exit(0);
}

/* Return: the process that plays the peers of the real connections. */
static pid_t open_sockets(struct server *s)
{
	int *peers = calloc(s->nr_sockets + 1, sizeof(*peers)), pair[2];
	unsigned long i;
	pid_t pid;

	if (!peers)
		die(errno, "the peers");
	for (i = 0; i < s->nr_sockets; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
			die(errno, "sockets");
		s->connections[i].fd = pair[0];
		peers[i] = pair[1];
		watch(s, pair[0], &s->connections[i]);
	}
	pid = fork();
	if (pid < 0)
		die(errno, "fork");
	if (!pid) {
		/* Or the ends that the server closes would stay open here. */
		for (i = 0; i < s->nr_sockets; i++)
			close(s->connections[i].fd);
		be_the_peers(peers, s->nr_sockets);
	}
	for (i = 0; i < s->nr_sockets; i++)
		close(peers[i]);
	free(peers);
	return pid;
}

/* This is all that a packet costs. */
static void packet(struct server *s, struct connection *c, __u64 now)
{
	int err = htw_push(s->h, c->id, now + IDLE);

	if (err)
		die(err, "a push");
	c->last = now;
	s->packets++;
}

static void socket_ready(struct server *s, struct connection *c)
{
	char buf[64];
	ssize_t len = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (len < 0 && errno != EAGAIN)
		die(errno, "a socket");
	if (len > 0)
		packet(s, c, (__u64)htw_now(s->h));
}

static void make_packets_up(struct server *s)
{
	__u64 now = (__u64)htw_now(s->h);
	struct connection *c;
	unsigned long i;

	for (i = s->nr_sockets; i < s->nr; i++) {
		c = &s->connections[i];
		if (!c->id || !c->to_come)
			continue;
		c->to_come--;
		packet(s, c, now);
	}
}

/* Its timer has fired and is kept: it ends with those of others, in one call. */
static void close_connection(struct server *s, struct connection *c)
{
	if ((__u64)htw_now(s->h) < c->last + IDLE)
		s->early++;
	htw_prep_cancel(htw_oplist_add(&s->closing), c->id);
	if (s->closing.nr == s->closing.room) {
		submit(s, &s->closing);
		htw_oplist_reset(&s->closing);
	}
	c->id = 0;
	if (c->fd >= 0)
		close(c->fd);
	s->nr_open--;
}

/*
 * Nothing came for so long, by the deadline that held when the kernel looked. What was
 * pushed since is in the word, and then the connection lives on.
 */
static void timer_fired(struct server *s, const struct htw_event *event)
{
	int res;

	if (event->cookie == TRAFFIC) {
		make_packets_up(s);
		return;
	}
	res = htw_rearm_pushed(s->h, event, 0, SLACK);
	if (res < 0)
		die(res, "arming a timer again");
	if (res)
		s->rearmed++;
	else
		close_connection(s, &s->connections[event->cookie]);
}

static void timers_ready(struct server *s)
{
	struct htw_event events[BATCH];
	int got, i;

	do {
		got = htw_next_events(s->h, events, BATCH, 0);
		if (got < 0)
			die(got, "events");
		for (i = 0; i < got; i++)
			timer_fired(s, &events[i]);
	} while (got);
}

static void serve(struct server *s)
{
	struct epoll_event ready[64];
	int nr, i;

	while (s->nr_open) {
		nr = epoll_wait(s->epfd, ready, 64, -1);
		if (nr < 0 && errno != EINTR)
			die(errno, "epoll_wait");
		for (i = 0; i < nr; i++) {
			if (ready[i].data.ptr == s)
				timers_ready(s);
			else
				socket_ready(s, ready[i].data.ptr);
		}
	}
	submit(s, &s->closing);
}

static void open_connections(struct server *s)
{
	__u64 now = (__u64)htw_now(s->h);
	unsigned long i;

	for (i = 0; i < s->nr; i++) {
		s->connections[i].fd = -1;
		s->connections[i].last = now;
		s->connections[i].to_come = i % ROUNDS;
	}
	for (i = 0; i < s->nr; i += arm_batch(s, i))
		;
	s->nr_open = s->nr;
}

static void report(struct server *s, int peers_status)
{
	struct htw_context_stats stats;
	struct htw_query query;
	int err = htw_stats(s->h, &stats);

	err = err ? err : htw_query(s->h, &query);
	if (err)
		die(err, "statistics");
	printf("%lu connections, %lu of them sockets, on one descriptor for timers\n",
	       s->nr, s->nr_sockets);
	printf("%lu packets, each of them one store\n", s->packets);
	printf("%llu times a timer was put off in the kernel, %lu times here\n", stats.pushed,
	       s->rearmed);
	printf("%lu closed, %lu too early, %llu timers left\n", s->nr - s->nr_open, s->early,
	       query.nr_file);
	printf("peers: %s\n", peers_status ? "failed" : "all saw the end");
	exit(s->early || peers_status ? 1 : 0);
}

static void bad_usage(void)
{
	fputs("usage: idle_server [CONNECTIONS [SOCKETS]]\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	static struct server s;
	static struct htw_op closing[BATCH];
	int status, err;
	pid_t peers;

	s.nr = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	s.nr_sockets = argc > 2 ? strtoul(argv[2], NULL, 10) : 64;
	if (!s.nr || s.nr >= 1U << 31 || s.nr_sockets > s.nr)
		bad_usage();
	open_timers(&s);
	s.connections = calloc(s.nr, sizeof(*s.connections));
	s.epfd = epoll_create1(EPOLL_CLOEXEC);
	if (!s.connections || s.epfd < 0)
		die(errno, "starting");
	htw_oplist_init(&s.closing, closing, BATCH);

	open_connections(&s);
	peers = open_sockets(&s);
	watch(&s, htw_get_fd(s.h), &s);
	err = htw_every(s.h, ROUND, 0, TRAFFIC, NULL);
	if (err)
		die(err, "the traffic");
	serve(&s);
	if (waitpid(peers, &status, 0) != peers)
		die(errno, "the peers");
	report(&s, status);
}
