/* SPDX-License-Identifier: Apache-2.0 */
#include "src/nn/model_impl.h"

#include "src/kern/gemm.h"
#include "src/kern/spmm.h"

/* The transpose of a block, made here where the batch does not bring it. */
static ps_status transpose_of(struct ps_model *m, const struct ps_block *b, const uint64_t **begin,
                              const uint32_t **row)
{
    const struct ps_csr in = {.rows = b->dst_count,
                              .cols = b->src_count,
                              .begin = b->row_begin,
                              .end = b->row_begin + 1,
                              .index = b->col};

    *begin = b->col_begin;
    *row = b->row;
    if (b->col_begin != NULL)
        return PS_OK;
    PS_TRY(PS_BUF_GROW(m, m->t_begin, (size_t)in.cols + 1));
    PS_TRY(PS_BUF_GROW(m, m->t_row, b->edge_count));
    PS_TRY(PS_BUF_GROW(m, m->t_scratch, ps_csr_transpose_scratch(m->ctx->threads, in.cols)));
    ps_csr_transpose(m->ctx->threads, &in, m->t_begin.p, m->t_row.p, NULL, m->t_scratch.p);
    *begin = m->t_begin.p;
    *row = m->t_row.p;
    return PS_OK;
}

/* The adjoint of `aggregation` in layer_forward.c, from d (N, cols) to (M, cols). */
static ps_status adjoint(struct ps_model *m, const struct ps_layer *y, const struct ps_block *b,
                         uint32_t cols, const ps_real *d, size_t d_stride, struct ps_spmm *s)
{
    const bool gcn = m->shape.kind == PS_NN_GCN;
    const uint64_t *begin;
    const uint32_t *row;

    PS_TRY(transpose_of(m, b, &begin, &row));
    *s = (struct ps_spmm){.rows = b->src_count,
                          .cols = cols,
                          .begin = begin,
                          .end = begin + 1,
                          .index = row,
                          .source = y->a.p,
                          .scale = gcn ? m->source.p : NULL,
                          .x = d,
                          .x_stride = d_stride,
                          .self_rows = b->dst_count,
                          .self = gcn ? y->s.p : NULL,
                          .self_x = gcn ? d : NULL,
                          .self_stride = d_stride};
    return PS_OK;
}

static ps_status grow_partial(struct ps_model *m, uint32_t n, uint32_t k, uint32_t d_out)
{
    return PS_BUF_GROW(m, m->partial, ps_gemm_ta_scratch(m->ctx->threads, n, k, d_out));
}

static ps_status backward_aggregate_first(struct ps_model *m, uint32_t l, const struct ps_block *b)
{
    const struct ps_layer *y = &m->layer[l];
    const int threads = m->ctx->threads;
    const uint32_t n = b->dst_count, wide = y->width * y->dim_in;
    struct ps_spmm s;

    PS_TRY(grow_partial(m, n, wide, y->dim_out));
    ps_gemm_ta(threads, n, wide, y->dim_out, y->c.p, y->h.p, m->gradients + y->weight,
               m->partial.p);
    if (l == 0)
        return PS_OK;
    PS_TRY(PS_BUF_GROW(m, m->scratch[0], (size_t)n * wide));
    ps_gemm_bt(threads, n, y->dim_out, wide, y->h.p, m->weights + y->weight, 0, m->scratch[0].p);
    PS_TRY(adjoint(m, y, b, y->dim_in, m->scratch[0].p + wide - y->dim_in, wide, &s));
    if (y->width == 2)
        s.self_x = m->scratch[0].p;
    s.gated = true;
    s.gate = ps_drop_scale(y->threshold);
    s.out = m->layer[l - 1].h.p;
    s.out_stride = y->dim_in;
    ps_spmm(threads, &s);
    return PS_OK;
}

/* The weights' gradients from dz (M, d_out) and, for W_self, the gradient in h (N, d_out):
 * the input is dense. */
static ps_status dense_gradients(struct ps_model *m, const struct ps_layer *y,
                                 const struct ps_block *b, const struct ps_input *in,
                                 const ps_real *dz)
{
    const int threads = m->ctx->threads;

    PS_TRY(grow_partial(m, b->src_count, y->dim_in, y->dim_out));
    ps_gemm_ta(threads, b->src_count, y->dim_in, y->dim_out, in->dense, dz,
               m->gradients + ps_weight_neigh(y), m->partial.p);
    if (y->width == 2)
        ps_gemm_ta(threads, b->dst_count, y->dim_in, y->dim_out, in->dense, y->h.p,
                   m->gradients + y->weight, m->partial.p);
    return PS_OK;
}

/* The same for bags. */
static ps_status bag_gradients(struct ps_model *m, const struct ps_layer *y,
                               const struct ps_block *b, const struct ps_input *in,
                               const ps_real *dz)
{
    const int threads = m->ctx->threads;
    struct ps_csr first = in->csr; /* the rows that W_self sees */

    PS_TRY(PS_BUF_GROW(m, m->partial, ps_bag_gradient_scratch(threads, &in->csr, y->dim_out)));
    ps_bag_gradient(threads, &in->csr, y->dim_out, dz, m->gradients + ps_weight_neigh(y),
                    m->partial.p);
    if (y->width == 2) {
        first.rows = b->dst_count;
        PS_TRY(PS_BUF_GROW(m, m->partial, ps_bag_gradient_scratch(threads, &first, y->dim_out)));
        ps_bag_gradient(threads, &first, y->dim_out, y->h.p, m->gradients + y->weight,
                        m->partial.p);
    }
    return PS_OK;
}

static ps_status backward_transform_first(struct ps_model *m, uint32_t l, const struct ps_block *b,
                                          const struct ps_input *in)
{
    const struct ps_layer *y = &m->layer[l];
    const int threads = m->ctx->threads;
    const size_t rows = b->src_count;
    struct ps_spmm s;

    PS_TRY(PS_BUF_GROW(m, m->scratch[0], rows * y->dim_out));
    PS_TRY(adjoint(m, y, b, y->dim_out, y->h.p, y->dim_out, &s));
    s.out = m->scratch[0].p;
    s.out_stride = y->dim_out;
    ps_spmm(threads, &s);
    PS_TRY(in->dense != NULL ? dense_gradients(m, y, b, in, m->scratch[0].p)
                             : bag_gradients(m, y, b, in, m->scratch[0].p));
    if (l == 0)
        return PS_OK;
    PS_TRY(PS_BUF_GROW(m, m->scratch[1], rows * y->dim_in));
    ps_gemm_bt(threads, b->src_count, y->dim_out, y->dim_in, m->scratch[0].p,
               m->weights + ps_weight_neigh(y), 0, m->scratch[1].p);
    if (y->width == 2)
        ps_gemm_bt(threads, b->dst_count, y->dim_out, y->dim_in, y->h.p, m->weights + y->weight, 1,
                   m->scratch[1].p);
    ps_gate(threads, rows * y->dim_in, ps_drop_scale(y->threshold), m->scratch[1].p,
            m->layer[l - 1].h.p);
    return PS_OK;
}

ps_status ps_layer_backward(struct ps_model *m, uint32_t l, const struct ps_batch *batch,
                            const struct ps_input *in)
{
    const struct ps_layer *y = &m->layer[l];
    const struct ps_block *b = &batch->block[l];

    PS_TRY(grow_partial(m, b->dst_count, 1, y->dim_out));
    ps_column_sums(m->ctx->threads, b->dst_count, y->dim_out, y->h.p, m->gradients + y->bias,
                   m->partial.p);
    return y->aggregate_first ? backward_aggregate_first(m, l, b)
                              : backward_transform_first(m, l, b, in);
}
