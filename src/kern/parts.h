/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file parts.h
 * @brief Partial sums of arrays, added in their order whatever the threads do.
 *
 * A sum over many rows is cut into parts by shape alone; threads make some
 * parts at a time, and each part is added to the result after the one before.
 */
#ifndef PS_KERN_PARTS_H
#define PS_KERN_PARTS_H

#include "src/kern/real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Partial sums held at a time. The order of the additions does not depend on it. */
uint32_t ps_parts_at_once(int threads, uint32_t parts);

/** w (size) = (or, unless @p first, +=) part (count, size), one after another. */
void ps_parts_add(int threads, size_t size, uint32_t count, const ps_real *part, bool first,
                  ps_real *w);

#endif
