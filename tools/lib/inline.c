// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * What the header has inline, as functions: for bindings, which load the library by
 * name and see no header.
 */
#define HTW_INLINE
#include "libhtw.h"
