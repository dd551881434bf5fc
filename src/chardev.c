// SPDX-License-Identifier: GPL-2.0
/*
 * The device: /dev/htw. Copies arguments, and leaves the rest to the context.
 */
#include "chardev.h"

#include "context.h"
#include "event.h"
#include "op.h"

#include <linux/build_bug.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static int htw_open(struct inode *inode, struct file *file)
{
	struct htw_context *ctx = htw_context_create(file);

	if (!ctx)
		return -ENOMEM;
	file->private_data = ctx;
	return stream_open(inode, file);
}

static int htw_release(struct inode *inode, struct file *file)
{
	htw_context_destroy(file->private_data);
	return 0;
}

static ssize_t htw_read(struct file *file, char __user *buf, size_t size,
			loff_t *pos)
{
	size_t nr = size / sizeof(struct htw_event);
	ssize_t ret;

	if (!nr)
		return -EINVAL;
	ret = htw_event_read(file->private_data, (struct htw_event __user *)buf,
			     nr, file->f_flags & O_NONBLOCK);
	return ret < 0 ? ret : ret * sizeof(struct htw_event);
}

static __poll_t htw_poll(struct file *file, struct poll_table_struct *wait)
{
	return htw_event_poll(file->private_data, file, wait);
}

static int htw_fasync(int fd, struct file *file, int on)
{
	struct htw_context *ctx = file->private_data;

	return fasync_helper(fd, file, on, &ctx->fasync);
}

static int htw_mmap(struct file *file, struct vm_area_struct *vma)
{
	return htw_context_mmap(file->private_data, vma);
}

static void htw_show_fdinfo(struct seq_file *seq, struct file *file)
{
	htw_context_show(file->private_data, seq);
}

/*
 * Programs may know an older or a newer, shorter or longer, version of some
 * structures, all of which begin with a size and flags.
 */
#define MIN_SIZE	offsetofend(struct htw_query, flags)

static int copy_in(void *to, size_t to_size, const void __user *from, size_t size)
{
	if (size < MIN_SIZE)
		return -EINVAL;
	return copy_struct_from_user(to, to_size, from, size);
}

static int copy_out(void __user *to, size_t size, const void *from,
		    size_t from_size)
{
	return copy_to_user(to, from, min(size, from_size)) ? -EFAULT : 0;
}

static long ioctl_query(struct htw_context *ctx, void __user *arg, size_t size)
{
	struct htw_query query;
	int ret = copy_in(&query, sizeof(query), arg, size);

	if (ret)
		return ret;
	if (query.flags || query.resv)
		return -EINVAL;
	htw_context_query(ctx, &query);
	return copy_out(arg, size, &query, sizeof(query));
}

static long ioctl_stats(struct htw_context *ctx, void __user *arg, size_t size)
{
	struct htw_context_stats stats;
	int ret = copy_in(&stats, sizeof(stats), arg, size);

	if (ret)
		return ret;
	if (stats.flags || memchr_inv(stats.resv, 0, sizeof(stats.resv)))
		return -EINVAL;
	htw_context_stats(ctx, &stats);
	return copy_out(arg, size, &stats, sizeof(stats));
}

static long ioctl_setup(struct htw_context *ctx, void __user *arg, size_t size)
{
	struct htw_setup setup;
	int ret = copy_in(&setup, sizeof(setup), arg, size);

	if (ret)
		return ret;
	/* It can't be undone, so it is not done if its result can't be told. */
	ret = copy_out(arg, size, &setup, sizeof(setup));
	if (ret)
		return ret;
	ret = htw_context_setup(ctx, &setup);
	if (ret)
		return ret;
	return copy_out(arg, size, &setup, sizeof(setup));
}

static long ioctl_op(struct htw_context *ctx, void __user *arg)
{
	struct htw_op __user *uop = arg;
	struct htw_op op;
	int ret;

	if (copy_from_user(&op, uop, sizeof(op)))
		return -EFAULT;
	/* Nothing is done whose result can't be told, be it on one page or two. */
	if (put_user(op.opcode, &uop->opcode) || put_user(op.arming, &uop->arming))
		return -EFAULT;
	ret = htw_op_do(ctx, &op);
	if (ret)
		return ret;
	if (!copy_to_user(uop, &op, sizeof(op)))
		return 0;
	/* Another thread has taken the memory away meanwhile. */
	htw_op_undo_arm(ctx, &op);
	return -EFAULT;
}

static long ioctl_batch(struct htw_context *ctx, void __user *arg)
{
	struct htw_batch batch;
	int ret;

	if (copy_from_user(&batch, arg, sizeof(batch)))
		return -EFAULT;
	/* As for one operation. */
	if (copy_to_user(arg, &batch, sizeof(batch)))
		return -EFAULT;
	ret = htw_op_batch(ctx, &batch);
	if (ret)
		return ret;
	return copy_to_user(arg, &batch, sizeof(batch)) ? -EFAULT : 0;
}

static long ioctl_eventfd(struct htw_context *ctx, void __user *arg)
{
	s32 fd;

	if (copy_from_user(&fd, arg, sizeof(fd)))
		return -EFAULT;
	return htw_context_set_eventfd(ctx, fd);
}

/* Requests that are known whatever size they say. */
static long ioctl_of_any_size(struct htw_context *ctx, unsigned int cmd,
			      void __user *arg)
{
	size_t size = _IOC_SIZE(cmd);

	cmd &= ~IOCSIZE_MASK;
	if (cmd == (HTW_IOC_QUERY & ~IOCSIZE_MASK))
		return ioctl_query(ctx, arg, size);
	if (cmd == (HTW_IOC_SETUP & ~IOCSIZE_MASK))
		return ioctl_setup(ctx, arg, size);
	if (cmd == (HTW_IOC_STATS & ~IOCSIZE_MASK))
		return ioctl_stats(ctx, arg, size);
	return -ENOTTY;
}

static long htw_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct htw_context *ctx = file->private_data;
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case HTW_IOC_OP:
		return ioctl_op(ctx, uarg);
	case HTW_IOC_BATCH:
		return ioctl_batch(ctx, uarg);
	case HTW_IOC_EVENTFD:
		return ioctl_eventfd(ctx, uarg);
	default:
		return ioctl_of_any_size(ctx, cmd, uarg);
	}
}

static const struct file_operations htw_fops = {
	.owner		= THIS_MODULE,
	.open		= htw_open,
	.release	= htw_release,
	.read		= htw_read,
	.poll		= htw_poll,
	.fasync		= htw_fasync,
	.mmap		= htw_mmap,
	.unlocked_ioctl	= htw_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.show_fdinfo	= htw_show_fdinfo,
};

static struct miscdevice htw_miscdev = {
	.minor		= MISC_DYNAMIC_MINOR,
	.name		= "htw",
	.mode		= 0660,
	.fops		= &htw_fops,
};

/* The layout is the same for 32-bit and 64-bit programs, and never changes. */
static void check_layout(void)
{
	BUILD_BUG_ON(sizeof(struct htw_query) != 128);
	BUILD_BUG_ON(offsetof(struct htw_query, tick_ns) != 48);
	BUILD_BUG_ON(offsetof(struct htw_query, resv) != 120);
	BUILD_BUG_ON(sizeof(struct htw_setup) != 128);
	BUILD_BUG_ON(offsetof(struct htw_setup, virtual_start) != 24);
	BUILD_BUG_ON(offsetof(struct htw_setup, event_off) != 88);
	BUILD_BUG_ON(sizeof(struct htw_op) != 64);
	BUILD_BUG_ON(offsetof(struct htw_op, expires) != 8);
	BUILD_BUG_ON(offsetof(struct htw_op, id) != 40);
	BUILD_BUG_ON(offsetof(struct htw_op, res) != 56);
	BUILD_BUG_ON(sizeof(struct htw_event) != 32);
	BUILD_BUG_ON(offsetof(struct htw_event, expirations) != 24);
	BUILD_BUG_ON(sizeof(struct htw_batch) != 64);
	BUILD_BUG_ON(offsetof(struct htw_batch, min_events) != 32);
	BUILD_BUG_ON(sizeof(struct htw_context_stats) != 128);
	BUILD_BUG_ON(offsetof(struct htw_context_stats, armed) != 8);
	BUILD_BUG_ON(sizeof(struct htw_ring) != 128);
	BUILD_BUG_ON(offsetof(struct htw_ring, stalls) != 16);
	BUILD_BUG_ON(sizeof(struct htw_ctl) != 128);
}

/**
 * htw_chardev_init() - make /dev/htw
 *
 * Return: 0, or what misc_register() returns.
 */
int htw_chardev_init(void)
{
	check_layout();
	return misc_register(&htw_miscdev);
}

/**
 * htw_chardev_exit() - take /dev/htw away
 */
void htw_chardev_exit(void)
{
	misc_deregister(&htw_miscdev);
}
