/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file csr.h
 * @brief Bags of words: dropout of their entries, the transpose, dense sums.
 */
#ifndef PS_KERN_CSR_H
#define PS_KERN_CSR_H

#include "src/kern/act.h"
#include "src/kern/real.h"

#include <stddef.h>
#include <stdint.h>

/** A borrowed sparse matrix. Rows may have gaps between them. */
struct ps_csr {
    uint32_t rows, cols;
    const uint64_t *begin; /**< (rows + 1) the last is one past all entries, gaps included */
    const uint64_t *end;   /**< (rows) begin + 1 where rows touch */
    const uint32_t *index; /**< (.) column of each entry, ascending within a row */
    const float *value;    /**< (.) NULL: all are 1 */
};

/**
 * Keep the entries that the mask keeps, scaled: the mask of ps_act on the
 * dense form of the same rows. Row r is written at in->begin[r], so rows have
 * gaps and one pass does it.
 * @param[out] end   (rows) one past the last kept entry of each row
 * @param[out] index, value (.) as long as the input's
 */
void ps_csr_drop(int threads, const struct ps_csr *in, const struct ps_drop *drop, uint64_t *end,
                 uint32_t *index, float *value);

/** Numbers that ps_csr_transpose needs as scratch. */
size_t ps_csr_transpose_scratch(int threads, uint32_t cols);
/**
 * The transpose, by counting. Within a column rows ascend.
 * @param[out] begin   (cols + 1)
 * @param[out] row     (entries)
 * @param[out] value   (entries), may be NULL where in->value is
 * @param      scratch see above
 */
void ps_csr_transpose(int threads, const struct ps_csr *in, uint64_t *begin, uint32_t *row,
                      float *value, uint64_t *scratch);

/** How rows of bags are added into a dense row:
 *  out[v] = scale_v * sum_e source_u in[u] + self_v in[v], u = index_e. */
struct ps_bag_sum {
    uint32_t rows;
    const uint64_t *begin; /**< (rows + 1) edges of each row */
    const uint32_t *index; /**< (E) row of the bags */
    const ps_real *source; /**< (rows of the bags), or NULL for 1 */
    const ps_real *scale;  /**< (rows), or NULL for 1 */
    const ps_real *self;   /**< (rows), or NULL: no second term */
    const struct ps_csr *in;
    ps_real *out; /**< (rows, in->cols) */
    size_t out_stride;
};
void ps_bag_sum(int threads, const struct ps_bag_sum *s);

/** out = the first @p rows rows of @p in, dense. */
void ps_csr_dense(int threads, const struct ps_csr *in, uint32_t rows, ps_real *out,
                  size_t out_stride);

/** Numbers that ps_bag_gradient needs as scratch. */
size_t ps_bag_gradient_scratch(int threads, const struct ps_csr *in, uint32_t m);
/** w (cols, m) = in^T d, with d (rows, m). The same bits for any number of threads. */
void ps_bag_gradient(int threads, const struct ps_csr *in, uint32_t m, const ps_real *d, ps_real *w,
                     ps_real *scratch);

#endif
