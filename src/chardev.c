// SPDX-License-Identifier: GPL-2.0
/*
 * The device: /dev/htw. Copies arguments, and leaves the rest to the context.
 */
#include "chardev.h"

#include "context.h"

#include <linux/build_bug.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static int htw_open(struct inode *inode, struct file *file)
{
	struct htw_context *ctx = htw_context_create();

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
	ret = htw_context_read(file->private_data,
			       (struct htw_event __user *)buf, nr,
			       file->f_flags & O_NONBLOCK);
	return ret < 0 ? ret : ret * sizeof(struct htw_event);
}

static __poll_t htw_poll(struct file *file, struct poll_table_struct *wait)
{
	return htw_context_poll(file->private_data, file, wait);
}

static void htw_show_fdinfo(struct seq_file *seq, struct file *file)
{
	htw_context_show(file->private_data, seq);
}

/* Programs may know an older or a newer, shorter or longer, struct htw_query. */
static long ioctl_query(struct htw_context *ctx, void __user *arg, size_t size)
{
	struct htw_query query;
	int ret;

	if (size < offsetofend(struct htw_query, flags))
		return -EINVAL;
	ret = copy_struct_from_user(&query, sizeof(query), arg, size);
	if (ret)
		return ret;
	if (query.flags || memchr_inv(query.resv, 0, sizeof(query.resv)))
		return -EINVAL;
	htw_context_query(ctx, &query);
	if (copy_to_user(arg, &query, min(size, sizeof(query))))
		return -EFAULT;
	return 0;
}

static long ioctl_op(struct htw_context *ctx, void __user *arg)
{
	struct htw_op op, undo;
	int ret;

	if (copy_from_user(&op, arg, sizeof(op)))
		return -EFAULT;
	/* Nothing is done whose result can't be told. */
	if (copy_to_user(arg, &op, sizeof(op)))
		return -EFAULT;
	ret = htw_context_op(ctx, &op);
	if (ret)
		return ret;
	if (!copy_to_user(arg, &op, sizeof(op)))
		return 0;

	/*
	 * Another thread has taken the memory away meanwhile. A timer whose id the
	 * program never learns would have no end.
	 */
	if (op.opcode == HTW_OP_ARM) {
		undo = (struct htw_op){ .opcode = HTW_OP_CANCEL, .id = op.id };
		htw_context_op(ctx, &undo);
	}
	return -EFAULT;
}

static long htw_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct htw_context *ctx = file->private_data;
	void __user *uarg = (void __user *)arg;

	if (cmd == HTW_IOC_OP)
		return ioctl_op(ctx, uarg);
	/* All but the size. */
	if (((cmd ^ HTW_IOC_QUERY) & ~IOCSIZE_MASK) == 0)
		return ioctl_query(ctx, uarg, _IOC_SIZE(cmd));
	return -ENOTTY;
}

static const struct file_operations htw_fops = {
	.owner		= THIS_MODULE,
	.open		= htw_open,
	.release	= htw_release,
	.read		= htw_read,
	.poll		= htw_poll,
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
	BUILD_BUG_ON(offsetof(struct htw_query, tick_ns) != 40);
	BUILD_BUG_ON(offsetof(struct htw_query, resv) != 80);
	BUILD_BUG_ON(sizeof(struct htw_op) != 64);
	BUILD_BUG_ON(offsetof(struct htw_op, expires) != 8);
	BUILD_BUG_ON(offsetof(struct htw_op, id) != 40);
	BUILD_BUG_ON(offsetof(struct htw_op, res) != 56);
	BUILD_BUG_ON(sizeof(struct htw_event) != 32);
	BUILD_BUG_ON(offsetof(struct htw_event, expirations) != 24);
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
