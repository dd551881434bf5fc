/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _HTW_WORDS_H
#define _HTW_WORDS_H

#include <linux/atomic.h>
#include <linux/minmax.h>
#include <uapi/linux/htw.h>

#include "shared.h"

/*
 * Deadline words: a program stores a later time there, and the timer is put off.
 *
 * The program may write anything at any time. Each word is read by one load of 64 bits,
 * and what it says can only put off the timer to which it belongs.
 *
 * W1 and so on, here and in op.c and event.c, are the steps of words.pml in
 * tools/testing/models.
 */

static inline bool htw_words_has(const struct htw_shared *words, u32 index)
{
	return index < words->len / sizeof(u64);
}

/* Before the timer is armed: what was there was meant for an older arming. */
static inline void htw_words_clear(struct htw_shared *words, u32 index)
{
	atomic64_set((atomic64_t *)words->addr + index, 0);
}

/**
 * htw_words_read() - until when a timer is put off
 * @words: the words
 * @index: whose
 * @expires: when the timer is due otherwise
 *
 * Return: the later time, or @expires.
 */
static inline u64 htw_words_read(const struct htw_shared *words, u32 index,
				 u64 expires)
{
	u64 word = atomic64_read((const atomic64_t *)words->addr + index); /* W1 */

	return word > S64_MAX ? expires : max(word, expires); /* W2 */
}

#endif /* _HTW_WORDS_H */
