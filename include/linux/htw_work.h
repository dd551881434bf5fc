/* SPDX-License-Identifier: GPL-2.0 */
/*
 * htw: delayed work, that is work for a workqueue that an htw timer puts there.
 *
 * The functions are those of the kernel's delayed work with htw_ before their
 * names, and do the same; delays are ns instead of jiffies.
 */
#ifndef _LINUX_HTW_WORK_H
#define _LINUX_HTW_WORK_H

#include <linux/container_of.h>
#include <linux/htw.h>
#include <linux/types.h>
#include <linux/workqueue.h>

/**
 * struct htw_delayed_work - work that is queued after a delay
 * @work: what is queued; its function is called with this
 * @timer: the delay: private to htw
 * @wq: where @work goes when the delay is over: private to htw
 * @cpu: and for which CPU: private to htw
 * @waiting: the delay is not over: private to htw
 * @disabled: how many ask that it is not queued: private to htw
 */
struct htw_delayed_work {
	struct work_struct	work;
	struct htw_timer	timer;
	struct workqueue_struct	*wq;
	int			cpu;
	bool			waiting;
	unsigned int		disabled;
};

void __htw_delayed_work_init(struct htw_delayed_work *dwork, bool onstack);

/**
 * INIT_HTW_DELAYED_WORK() - prepare a delayed work for its first use
 * @_dwork: the delayed work; it must be idle
 * @_func: a &typedef work_func_t, called in process context with the work; see
 *	to_htw_delayed_work(). It may queue its work again, and may free it.
 *
 * Context: Any.
 */
#define INIT_HTW_DELAYED_WORK(_dwork, _func)				\
	do {								\
		INIT_WORK(&(_dwork)->work, (_func));			\
		__htw_delayed_work_init((_dwork), false);		\
	} while (0)

/**
 * INIT_HTW_DELAYED_WORK_ONSTACK() - the same for one on the stack
 * @_dwork: the delayed work, which ends with htw_cancel_delayed_work_sync() and
 *	then htw_destroy_delayed_work_on_stack()
 * @_func: as for INIT_HTW_DELAYED_WORK()
 *
 * Context: Any.
 */
#define INIT_HTW_DELAYED_WORK_ONSTACK(_dwork, _func)			\
	do {								\
		INIT_WORK_ONSTACK(&(_dwork)->work, (_func));		\
		__htw_delayed_work_init((_dwork), true);		\
	} while (0)

/**
 * DEFINE_HTW_DELAYED_WORK() - define a delayed work that needs no initialisation
 * @_name: of the variable, after "static" or not
 * @_func: as for INIT_HTW_DELAYED_WORK()
 */
#define DEFINE_HTW_DELAYED_WORK(_name, _func)				\
	struct htw_delayed_work _name = {				\
		.work = __WORK_INITIALIZER((_name).work, (_func)),	\
	}

/**
 * to_htw_delayed_work() - the delayed work that a work is part of
 * @work: what the function was called with
 *
 * Return: the delayed work.
 */
static inline struct htw_delayed_work *
to_htw_delayed_work(struct work_struct *work)
{
	return container_of(work, struct htw_delayed_work, work);
}

bool htw_queue_delayed_work_range(int cpu, struct workqueue_struct *wq,
				  struct htw_delayed_work *dwork, s64 delay_ns,
				  u64 slack_ns);
bool htw_mod_delayed_work_range(int cpu, struct workqueue_struct *wq,
				struct htw_delayed_work *dwork, s64 delay_ns,
				u64 slack_ns);
bool htw_cancel_delayed_work(struct htw_delayed_work *dwork);
bool htw_cancel_delayed_work_sync(struct htw_delayed_work *dwork);
bool htw_disable_delayed_work_sync(struct htw_delayed_work *dwork);
bool htw_enable_delayed_work(struct htw_delayed_work *dwork);
bool htw_flush_delayed_work(struct htw_delayed_work *dwork);
bool htw_delayed_work_pending(struct htw_delayed_work *dwork);
void htw_destroy_delayed_work_on_stack(struct htw_delayed_work *dwork);

/**
 * htw_queue_delayed_work_on() - queue a work on a CPU after a delay
 * @cpu: where the work is to run, as for queue_work_on()
 * @wq: the workqueue
 * @dwork: the delayed work
 * @delay_ns: in ns; zero and less queue it now
 *
 * Context: Any but NMI.
 * Return: as htw_queue_delayed_work_range().
 */
static inline bool htw_queue_delayed_work_on(int cpu,
					     struct workqueue_struct *wq,
					     struct htw_delayed_work *dwork,
					     s64 delay_ns)
{
	return htw_queue_delayed_work_range(cpu, wq, dwork, delay_ns, 0);
}

/**
 * htw_queue_delayed_work() - queue a work after a delay
 * @wq: the workqueue
 * @dwork: the delayed work
 * @delay_ns: in ns; zero and less queue it now
 *
 * Context: Any but NMI.
 * Return: as htw_queue_delayed_work_range().
 */
static inline bool htw_queue_delayed_work(struct workqueue_struct *wq,
					  struct htw_delayed_work *dwork,
					  s64 delay_ns)
{
	return htw_queue_delayed_work_on(WORK_CPU_UNBOUND, wq, dwork, delay_ns);
}

/**
 * htw_schedule_delayed_work() - queue a work on the system's workqueue
 * @dwork: the delayed work
 * @delay_ns: in ns; zero and less queue it now
 *
 * Context: Any but NMI.
 * Return: as htw_queue_delayed_work_range().
 */
static inline bool htw_schedule_delayed_work(struct htw_delayed_work *dwork,
					     s64 delay_ns)
{
	return htw_queue_delayed_work(system_wq, dwork, delay_ns);
}

/**
 * htw_schedule_delayed_work_on() - queue a work on the system's workqueue on a CPU
 * @cpu: where the work is to run, as for queue_work_on()
 * @dwork: the delayed work
 * @delay_ns: in ns; zero and less queue it now
 *
 * Context: Any but NMI.
 * Return: as htw_queue_delayed_work_range().
 */
static inline bool htw_schedule_delayed_work_on(int cpu,
						struct htw_delayed_work *dwork,
						s64 delay_ns)
{
	return htw_queue_delayed_work_on(cpu, system_wq, dwork, delay_ns);
}

/**
 * htw_mod_delayed_work_on() - queue a work on a CPU, or change when it will be
 * @cpu: where the work is to run, as for queue_work_on()
 * @wq: the workqueue
 * @dwork: the delayed work
 * @delay_ns: from now, in ns; zero and less queue it now
 *
 * Context: Any but NMI.
 * Return: as htw_mod_delayed_work_range().
 */
static inline bool htw_mod_delayed_work_on(int cpu, struct workqueue_struct *wq,
					   struct htw_delayed_work *dwork,
					   s64 delay_ns)
{
	return htw_mod_delayed_work_range(cpu, wq, dwork, delay_ns, 0);
}

/**
 * htw_mod_delayed_work() - queue a work, or change when it will be
 * @wq: the workqueue
 * @dwork: the delayed work
 * @delay_ns: from now, in ns; zero and less queue it now
 *
 * Context: Any but NMI.
 * Return: as htw_mod_delayed_work_range().
 */
static inline bool htw_mod_delayed_work(struct workqueue_struct *wq,
					struct htw_delayed_work *dwork,
					s64 delay_ns)
{
	return htw_mod_delayed_work_on(WORK_CPU_UNBOUND, wq, dwork, delay_ns);
}

#endif /* _LINUX_HTW_WORK_H */
