/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gemm.h
 * @brief Dense products by CBLAS, over chunks that do not depend on threads.
 *
 * The library gives other bits for other heights and other numbers of its own
 * threads, so it is held at one thread and called from our loop: chunks of
 * PS_GEMM_ROWS rows where rows are the result, partial sums over
 * PS_GEMM_SUM_ROWS rows, added in order, where rows are summed over. Matrices
 * are row-major, without gaps between rows.
 *
 * @par Source  design.md section 7
 */
#ifndef PS_KERN_GEMM_H
#define PS_KERN_GEMM_H

#include "src/kern/act.h"
#include "src/kern/real.h"

#include <stddef.h>
#include <stdint.h>

enum { PS_GEMM_ROWS = 2048, PS_GEMM_SUM_ROWS = 8192 };

/** Hold OpenBLAS at one thread, if it is OpenBLAS. Call before other threads
 *  are inside a product. */
void ps_gemm_setup(void);

/** y (n, m) = a (n, k) b (k, m), then @p act on each chunk while it is in the
 *  cache; NULL for none. */
void ps_gemm(int threads, uint32_t n, uint32_t k, uint32_t m, const ps_real *a, const ps_real *b,
             ps_real *y, const struct ps_act *act);

/** y (n, k) = a (n, m) b (k, m)^T + beta y */
void ps_gemm_bt(int threads, uint32_t n, uint32_t m, uint32_t k, const ps_real *a, const ps_real *b,
                ps_real beta, ps_real *y);

/** Numbers that ps_gemm_ta needs as scratch. */
size_t ps_gemm_ta_scratch(int threads, uint32_t n, uint32_t k, uint32_t m);
/** w (k, m) = a (n, k)^T y (n, m). With n = 0: zeros. */
void ps_gemm_ta(int threads, uint32_t n, uint32_t k, uint32_t m, const ps_real *a, const ps_real *y,
                ps_real *w, ps_real *scratch);

/** sum (m) = the column sums of y (n, m), as partial sums in the same order as
 *  ps_gemm_ta. @param scratch as that of ps_gemm_ta with k >= 1 */
void ps_column_sums(int threads, uint32_t n, uint32_t m, const ps_real *y, ps_real *sum,
                    ps_real *scratch);

#endif
