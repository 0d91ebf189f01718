/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file plan.h
 * @brief From wanted extents to reads: which neighbours share a read.
 *
 * A read costs request_ns and byte_ns for each of its bytes. So a gap between two wanted blocks is
 * read along if gap * byte_ns <= request_ns, and is left out otherwise. Each gap can be judged by
 * itself, and the plan is then the cheapest that there is, as long as no read is longer than
 * read_bytes. Where one would be, it is cut there, and the plan costs at most request_ns more
 * for each such cut than the cheapest. Where much is wanted all gaps are small, and the plan is a
 * sweep in reads of read_bytes. A read of 64 KiB or more of which every byte is wanted, by one
 * extent or by several that lie one after another in memory as they do in the file, can be read in
 * place, if the address is aligned as the offset is.
 *
 * @par Threads  none; nothing is allocated
 */
#ifndef IO_PLAN_H
#define IO_PLAN_H

#include "io/cost.h"

/** One wanted range. */
struct ps_extent {
    uint32_t file;
    uint64_t offset; /**< any alignment */
    uint64_t bytes;  /**< may be 0 */
    void *dst;       /**< (bytes) any alignment */
};

/** One read of a plan. */
struct ps_plan_read {
    uint32_t file;
    uint32_t len;        /**< a multiple of align, at most read_bytes */
    uint64_t offset;     /**< a multiple of align */
    uint64_t first, end; /**< extents that it may serve; others do not touch it */
    void *in_place;      /**< where its bytes are wanted, if that is one aligned place for all of
                              them and worth it; else NULL: read them elsewhere and copy */
};

/** Where a plan stands: a cursor over the extents. */
struct ps_plan {
    const struct ps_extent *extent; /**< (n) borrowed, ascending by file and offset */
    uint64_t n;
    uint32_t align, read_bytes;
    uint64_t gap_bytes; /**< the largest gap that is read along */
    uint64_t at;        /**< extents before this one are covered by reads, */
    uint64_t pos;       /**< and so are the bytes of this file before this one */
    uint32_t file;      /**< the file of extent[at] */
};

/** @param[in] align  of offsets and lengths, a power of two @param[in] read_bytes  at least
 *  @p align; its multiples of @p align are used @pre no extent ends within a read of 2^63 */
void ps_plan_begin(struct ps_plan *p, const struct ps_extent *extent, uint64_t n, uint32_t align,
                   uint32_t read_bytes, const struct ps_io_cost *cost);
/** The next read, ascending by file and offset; no two overlap. @return false if all is covered */
bool ps_plan_next(struct ps_plan *p, struct ps_plan_read *r);

static inline uint64_t ps_extent_end(const struct ps_extent *e)
{
    return e->offset + e->bytes;
}

#endif
