/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_COPY_H
#define _HTW_COPY_H

#include <linux/compiler.h>
#include <linux/uaccess.h>

/*
 * Arrays of a program, of which a page may be missing: what is before it counts.
 *
 * That a copy leaves something out does not say where the fault was: arm64 copies a few
 * words late. One by one that can't be seen.
 */

/**
 * htw_copy_in() - copy what a program has
 * @to: the kernel's
 * @from: the program's
 * @size: of one of them, in bytes
 * @nr: how many
 *
 * Context: Task; may sleep.
 * Return: how many are copied whole.
 */
static __always_inline unsigned int
htw_copy_in(void *to, const void __user *from, size_t size, unsigned int nr)
{
	unsigned int i;

	if (!copy_from_user(to, from, nr * size))
		return nr;
	for (i = 0; i < nr; i++)
		if (copy_from_user(to + i * size, from + i * size, size))
			break;
	return i;
}

/**
 * htw_copy_out() - copy to where a program will have it
 * @to: the program's
 * @from: the kernel's
 * @size: of one of them, in bytes
 * @nr: how many
 *
 * Context: Task; may sleep.
 * Return: how many are copied whole.
 */
static __always_inline unsigned int
htw_copy_out(void __user *to, const void *from, size_t size, unsigned int nr)
{
	unsigned int i;

	if (!copy_to_user(to, from, nr * size))
		return nr;
	for (i = 0; i < nr; i++)
		if (copy_to_user(to + i * size, from + i * size, size))
			break;
	return i;
}

#endif
