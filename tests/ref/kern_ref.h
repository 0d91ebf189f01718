/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file kern_ref.h
 * @brief Plain serial twins of the kernels: one loop for each sum, no tiles, no threads.
 *
 * Where a kernel promises an order of summation, its twin has the same order,
 * and the two are compared bit by bit.
 */
#ifndef TESTS_REF_KERN_REF_H
#define TESTS_REF_KERN_REF_H

#include "src/kern/act.h"
#include "src/kern/csr.h"
#include "src/kern/spmm.h"

#include <math.h>

static inline ps_real ref_weight(const struct ps_spmm *s, uint64_t e)
{
    if (s->edge != NULL)
        return (ps_real)s->edge[e];
    if (s->source != NULL)
        return s->source[s->index[e]];
    if (s->degree != NULL)
        return 1 / (ps_real)sqrtf((float)s->degree[s->index[e]] + 1);
    return 1;
}

static inline void ref_spmm(const struct ps_spmm *s, ps_real *out)
{
    for (uint32_t v = 0; v < s->rows; v++)
        for (uint32_t c = 0; c < s->cols; c++) {
            ps_real sum = 0, *o = out + v * s->out_stride + c;
            for (uint64_t e = s->begin[v]; e < s->end[v]; e++)
                sum += s->x[s->index[e] * s->x_stride + c] * ref_weight(s, e);
            sum *= s->scale == NULL ? 1 : s->scale[v];
            if (s->self_x != NULL && v < s->self_rows)
                sum += s->self_x[v * s->self_stride + c] * (s->self == NULL ? 1 : s->self[v]);
            if (s->gated)
                *o = *o > 0 ? sum * s->gate : 0;
            else
                *o = sum;
        }
}

/** Is this column of this node kept? */
static inline bool ref_keeps(const struct ps_drop *d, uint32_t row, uint32_t col)
{
    const struct ps_draw x = ps_draw_at(d->key, d->node[row], col / 8);

    return (x.w[col % 8 / 2] >> (col % 2 == 0 ? 0 : 16) & 0xffff) >= d->threshold;
}

static inline void ref_act(const struct ps_act *a, uint32_t rows, uint32_t cols, ps_real *y)
{
    const ps_real scale = (ps_real)65536 / (ps_real)(65536 - a->drop.threshold);

    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t c = 0; c < cols; c++) {
            ps_real *p = y + (size_t)r * cols + c;
            if (a->bias != NULL)
                *p += a->bias[c];
            if (a->relu && *p < 0)
                *p = 0;
            if (a->drop.threshold != 0)
                *p = ref_keeps(&a->drop, r, c) ? *p * scale : 0;
        }
}

/** y (n, m) = a (n, k) b (k, m), each sum in double. */
static inline void ref_gemm(uint32_t n, uint32_t k, uint32_t m, const ps_real *a, size_t a_stride,
                            const ps_real *b, double *y)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < m; j++) {
            double sum = 0;
            for (uint32_t l = 0; l < k; l++)
                sum += (double)a[i * a_stride + l] * (double)b[(size_t)l * m + j];
            y[(size_t)i * m + j] = sum;
        }
}

/** out (rows, cols) = the matrix, dense. */
static inline void ref_dense(const struct ps_csr *in, ps_real *out)
{
    for (size_t i = 0; i < (size_t)in->rows * in->cols; i++)
        out[i] = 0;
    for (uint32_t r = 0; r < in->rows; r++)
        for (uint64_t e = in->begin[r]; e < in->end[r]; e++)
            out[(size_t)r * in->cols + in->index[e]] +=
                in->value == NULL ? 1 : (ps_real)in->value[e];
}

#endif
