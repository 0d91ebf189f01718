/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file num.h
 * @brief Arithmetic that refuses to be silently wrong.
 *
 * An index, a count and a size in bytes are three different things:
 * count = last index + 1, bytes = count * bytes per item. Names carry which
 * (`row`, `row_count`, `row_bytes`). Conversions to a narrower type go through
 * here; a bare cast that only quiets -Wconversion does not pass review.
 */
#ifndef PS_BASE_NUM_H
#define PS_BASE_NUM_H

#include "src/base/err.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** @p bytes = @p count * @p item_bytes. @return false if it does not fit. */
static inline bool ps_bytes(size_t count, size_t item_bytes, size_t *bytes)
{
    return !__builtin_mul_overflow(count, item_bytes, bytes);
}

/** Round @p x up (down) to a multiple of @p align, a power of two. */
static inline uint64_t ps_align_up(uint64_t x, uint64_t align)
{
    PS_ASSERT(align != 0 && (align & (align - 1)) == 0);
    PS_ASSERT(x <= UINT64_MAX - (align - 1));
    return (x + align - 1) & ~(align - 1);
}
static inline uint64_t ps_align_down(uint64_t x, uint64_t align)
{
    PS_ASSERT(align != 0 && (align & (align - 1)) == 0);
    return x & ~(align - 1);
}

/** Quotient rounded up. @pre b > 0 */
static inline uint64_t ps_div_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static inline uint64_t ps_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}
static inline uint64_t ps_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/** Index of the last of begin[0..count) that is not above @p x: which range holds x.
 *  @pre count > 0, ascending, begin[0] <= x */
static inline uint64_t ps_find_range(const uint64_t *begin, uint64_t count, uint64_t x)
{
    uint64_t lo = 0, hi = count;

    while (hi - lo > 1) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (begin[mid] <= x)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/** Narrow where the value is known to fit: a broken invariant otherwise. */
static inline uint32_t ps_u32(uint64_t x)
{
    PS_ASSERT(x <= UINT32_MAX);
    return (uint32_t)x;
}
static inline int ps_int(uint64_t x)
{
    PS_ASSERT(x <= INT_MAX);
    return (int)x;
}

#endif
