/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A circular list with the names of the kernel's, for user space, that counts
 * the nodes and heads it reads or writes. That an operation takes constant time
 * is asserted with this counter, not with a clock.
 */
#ifndef _WHEEL_TEST_LIST_H
#define _WHEEL_TEST_LIST_H

#include <linux/types.h>

struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

/* Defined in list.c. */
extern unsigned long list_touched;

#ifndef container_of
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#endif

static inline void INIT_LIST_HEAD(struct list_head *head)
{
	head->next = head;
	head->prev = head;
}

static inline void list_join(struct list_head *before, struct list_head *after)
{
	before->next = after;
	after->prev = before;
}

static inline void list_add(struct list_head *node, struct list_head *head)
{
	struct list_head *second = head->next;

	list_touched += 3;
	list_join(node, second);
	list_join(head, node);
}

static inline void list_add_tail(struct list_head *node, struct list_head *head)
{
	struct list_head *last = head->prev;

	list_touched += 3;
	list_join(last, node);
	list_join(node, head);
}

/* What is off its list has no neighbours: to use them is a crash. */
static inline void __list_del_entry(struct list_head *node)
{
	list_touched += 3;
	list_join(node->prev, node->next);
	node->next = NULL;
	node->prev = NULL;
}

static inline bool list_empty(const struct list_head *head)
{
	list_touched++;
	return head->next == head;
}

static inline struct list_head *list_first(const struct list_head *head)
{
	list_touched++;
	return head->next;
}

#define list_first_entry(head, type, member) \
	container_of(list_first(head), type, member)

#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_first_entry(head, type, member))

static inline struct list_head *list_after(const struct list_head *node)
{
	list_touched++;
	return node->next;
}

/* The body may take @pos off the list: the one after it is fetched before. */
#define list_for_each_entry_safe(pos, ahead, head, member)		\
	for (pos = list_first_entry(head, typeof(*pos), member),	\
	     ahead = container_of(list_after(&pos->member),		\
				  typeof(*pos), member);		\
	     &pos->member != (head);					\
	     pos = ahead,						\
	     ahead = container_of(list_after(&pos->member),		\
				  typeof(*pos), member))

#endif /* _WHEEL_TEST_LIST_H */
