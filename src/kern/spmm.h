/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file spmm.h
 * @brief Sparse times dense: aggregation, its adjoint, bags of words.
 *
 * One kernel,
 *
 *   out[v] = a_v * sum_e w_e x[index_e]  +  s_v * self_x[v]
 *
 * serves the mean (a = 1/k), GCN (a_v, w = b_u, s_v; design.md section 7), the
 * adjoint of both (the same over the transpose, with the parts of a and b
 * exchanged), the product of bags of words with the first weights (w = value)
 * and its gradient (over the transpose of the bags). Each row belongs to one
 * thread and each column is summed in the order of the edges: no atomics, the
 * same bits for any number of threads.
 */
#ifndef PS_KERN_SPMM_H
#define PS_KERN_SPMM_H

#include "src/kern/packed.h"
#include "src/kern/real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Borrowed arrays. R rows, D columns. At most one of edge, source, degree. */
struct ps_spmm {
    uint32_t rows, cols;            /**< R, D */
    const uint64_t *begin;          /**< (R) first edge of each row */
    const uint64_t *end;            /**< (R) one past the last; begin + 1 where rows touch */
    const uint32_t *index;          /**< (E) row of x */
    const float *edge;              /**< (E) w_e, or NULL */
    const ps_real *source;          /**< w_e = source[index_e], or NULL */
    const uint32_t *degree;         /**< w_e = 1 / sqrt(degree[index_e] + 1), or NULL */
    const ps_real *scale;           /**< (R) a_v, or NULL for 1 */
    const ps_real *x;               /**< (., D) rows of x_stride numbers */
    size_t x_stride;                /**< numbers from row to row */
    const struct ps_packed *packed; /**< in place of x: rows in slots; then weights are `source` or
                                         none, and self_x is the row of packed itself, taken
                                         where `self` is not NULL */
    uint32_t self_rows;             /**< rows v < self_rows have the second term */
    const ps_real *self;            /**< (self_rows) s_v, or NULL for 1 */
    const ps_real *self_x;          /**< (self_rows, D), or NULL: no second term */
    size_t self_stride;
    const ps_real *beside; /**< (R, D), or NULL: also out[v] - D = beside[v], so that out is the
                                right half of [beside | sum] */
    size_t beside_stride;
    bool own_beside; /**< the same with rows of packed for beside */
    bool gated;      /**< out[v,c] = old out[v,c] > 0 ? result * gate : 0 */
    ps_real gate;    /**< the backward of ReLU and dropout, see act.h */
    ps_real *out;    /**< (R, D); overlaps with nothing else */
    size_t out_stride;
};

/** Rows [begin, end) by the caller's thread. */
void ps_spmm_rows(const struct ps_spmm *s, uint32_t begin, uint32_t end);

/** All rows by @p threads threads. */
void ps_spmm(int threads, const struct ps_spmm *s);

/** How many rows one thread takes at a time: no part of any result. */
uint32_t ps_rows_each(uint64_t rows, int threads);

#endif
