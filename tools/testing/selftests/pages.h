/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Arguments of system calls where they can't be read, or not be written, or where
 * a byte more of them would not be there.
 */
#ifndef HTW_TEST_PAGES_H
#define HTW_TEST_PAGES_H

#include "context.h"

static inline size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Two pages; the second is not there. Return: the first. */
static inline char *page_before_hole(void)
{
	char *page = mmap(NULL, 2 * page_size(),
			  PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	ASSERT_NE(page, MAP_FAILED);
	ASSERT_EQ(munmap(page + page_size(), page_size()), 0);
	return page;
}

static inline void *unmapped(void)
{
	return page_before_hole() + page_size();
}

/* A copy of the argument that can't be written, or not even read. */
static inline void *protected_copy(const void *arg, size_t size, int prot)
{
	char *page = page_before_hole();

	memcpy(page, arg, size);
	ASSERT_EQ(mprotect(page, page_size(), prot), 0);
	return page;
}

/* A copy of the argument of which the last byte is behind the page's end. */
static inline void *cut_copy(const void *arg, size_t size)
{
	char *page = page_before_hole();

	return memcpy(page + page_size() - size + 1, arg, size - 1);
}

/* A copy of the argument that ends where the page does. */
static inline void *edge_copy(const void *arg, size_t size)
{
	char *page = page_before_hole();

	return memcpy(page + page_size() - size, arg, size);
}

#endif /* HTW_TEST_PAGES_H */
