// SPDX-License-Identifier: GPL-2.0
/*
 * An example of a module that uses htw: a table of connections, each with an idle
 * timer. Every packet pushes the timer of its connection out; a connection on which
 * nothing comes for idle_ms is dropped by its timer. This is what most timers of a
 * server do: they are pushed a thousand times and fire once.
 *
 * There is no network here. Another htw timer plays the peers: each packet_ms it
 * brings a packet on every connection whose peer still has something to say.
 *
 * Two races are worth a look, because every such table has them:
 *
 *  - a packet comes when the idle timer has just expired, and its callback is waiting
 *    for the lock: connection_idle() sees that the timer was armed again;
 *  - the module is unloaded at that moment: who takes a connection out of the table
 *    frees it, and nobody else.
 */
#include <linux/htw.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static unsigned int connections = 8;
module_param(connections, uint, 0444);
MODULE_PARM_DESC(connections, "Connections that are open at the start (default 8)");

static unsigned int idle_ms = 100;
module_param(idle_ms, uint, 0444);
MODULE_PARM_DESC(idle_ms, "A connection is dropped after so long without a packet (default 100)");

static unsigned int packet_ms = 10;
module_param(packet_ms, uint, 0444);
MODULE_PARM_DESC(packet_ms, "A peer that has something to say sends so often (default 10)");

struct connection {
	struct list_head	link;
	struct htw_timer	idle;
	unsigned int		id;
	unsigned int		packets;	/* received so far */
	unsigned int		to_come;
	ktime_t			last;
};

/* Protects the table, and all connections in it. */
static DEFINE_SPINLOCK(table_lock);
static LIST_HEAD(table);
static struct htw_timer peers;
static unsigned int dropped;

static s64 ns(unsigned int ms)
{
	return (s64)ms * NSEC_PER_MSEC;
}

static void drop(struct connection *conn)
{
	list_del_init(&conn->link);
	dropped++;
	pr_info("connection %u: %u packets, then idle for %lld us: dropped\n",
		conn->id, conn->packets,
		ktime_us_delta(ktime_get(), conn->last));
}

/* The callback of connection::idle, in softirq context. */
static void connection_idle(struct htw_timer *timer)
{
	struct connection *conn = container_of(timer, struct connection, idle);
	bool mine;

	spin_lock(&table_lock);
	mine = !list_empty(&conn->link) && !htw_pending(timer);
	if (mine)
		drop(conn);
	spin_unlock(&table_lock);

	/* A callback may free its own timer. */
	if (mine)
		kfree(conn);
}

static void packet(struct connection *conn)
{
	conn->packets++;
	conn->to_come--;
	conn->last = ktime_get();
	/* Pending already, and now due later: this is one store. */
	htw_schedule(&conn->idle, ns(idle_ms));
}

static void peers_send(struct htw_timer *timer)
{
	struct connection *conn;
	bool again = false;

	spin_lock(&table_lock);
	list_for_each_entry(conn, &table, link) {
		if (conn->to_come)
			packet(conn);
		again |= conn->to_come;
	}
	spin_unlock(&table_lock);
	/* From the expiry, not from now: the period does not drift. */
	if (again)
		htw_schedule_at(timer, htw_expires(timer) + ns(packet_ms));
}

static int open_connection(unsigned int id)
{
	struct connection *conn = kzalloc(sizeof(*conn), GFP_KERNEL);

	if (!conn)
		return -ENOMEM;
	conn->id = id;
	conn->to_come = 5 * id;
	conn->last = ktime_get();
	htw_timer_setup(&conn->idle, connection_idle, 0);

	spin_lock_bh(&table_lock);
	list_add_tail(&conn->link, &table);
	htw_schedule(&conn->idle, ns(idle_ms));
	spin_unlock_bh(&table_lock);
	return 0;
}

static struct connection *take_connection(void)
{
	struct connection *conn;

	spin_lock_bh(&table_lock);
	conn = list_first_entry_or_null(&table, struct connection, link);
	if (conn)
		list_del_init(&conn->link);
	spin_unlock_bh(&table_lock);
	return conn;
}

static void close_all(void)
{
	struct connection *conn;

	htw_shutdown_sync(&peers);
	while ((conn = take_connection())) {
		/* Not under the lock, which the callback takes. */
		htw_shutdown_sync(&conn->idle);
		kfree(conn);
	}
}

static int idle_table_show(struct seq_file *m, void *unused)
{
	struct connection *conn;

	spin_lock_bh(&table_lock);
	list_for_each_entry(conn, &table, link)
		seq_printf(m, "connection %u: %u packets, dropped in %lld us unless one comes\n",
			   conn->id, conn->packets,
			   div_s64(htw_remaining(&conn->idle), NSEC_PER_USEC));
	seq_printf(m, "dropped: %u\n", dropped);
	spin_unlock_bh(&table_lock);
	return 0;
}

static int __init idle_table_init(void)
{
	unsigned int id;
	int ret;

	if (!packet_ms || idle_ms <= packet_ms) {
		pr_err("idle_ms must be longer than packet_ms, and neither 0\n");
		return -EINVAL;
	}
	if (!proc_create_single("idle_table", 0444, NULL, idle_table_show))
		return -ENOMEM;

	htw_timer_setup(&peers, peers_send, 0);
	for (id = 1; id <= connections; id++) {
		ret = open_connection(id);
		if (ret)
			goto err_close_all;
	}
	htw_schedule(&peers, ns(packet_ms));
	return 0;

err_close_all:
	close_all();
	remove_proc_entry("idle_table", NULL);
	return ret;
}

static void __exit idle_table_exit(void)
{
	remove_proc_entry("idle_table", NULL);
	close_all();
	pr_info("%u connections were dropped for being idle\n", dropped);
}

module_init(idle_table_init);
module_exit(idle_table_exit);

MODULE_DESCRIPTION("A table of connections with idle timers: an example of htw");
MODULE_LICENSE("GPL");
