/* SPDX-License-Identifier: Apache-2.0 */
#include "src/nn/model_impl.h"

#include "src/kern/gemm.h"
#include "src/kern/norm.h"
#include "src/kern/spmm.h"

#include <math.h>

/*
 * What one operation costs, in products and sums of a dense product: a number
 * read for an edge, one of a bag times a row of weights, one of a bag added
 * into a dense row. Measured roughly: only their ratio to each other decides, from shapes alone.
 */
static const double cost_edge = 8, cost_bag = 4, cost_scatter = 32;

/* Aggregated bags are dense; beyond so many times the projected rows they take
 * too much memory. */
enum { DENSE_LIMIT = 4 };

bool ps_layer_aggregates_first(const struct ps_model *m, uint32_t l, const struct ps_block *b,
                               const struct ps_input *in)
{
    const struct ps_layer *y = &m->layer[l];
    const double n = b->dst_count, rows = b->src_count, edges = (double)b->edge_count;
    const double d_in = y->dim_in, d_out = y->dim_out, width = y->width;
    const double passes = l == 0 ? 2 : 3; /* products: forward, dW and, above layer 0, dX */
    const double product_rows = y->width == 2 ? rows + n : rows;
    double first = passes * n * width * d_in * d_out, later = 2 * cost_edge * edges * d_out;

    if (in->dense != NULL || in->packed.base != NULL) {
        first += (passes - 1) * cost_edge * edges * d_in;
        later += passes * product_rows * d_in * d_out;
    } else {
        const double per_row = (double)in->csr.begin[in->rows] / fmax(rows, 1);
        if (n * width * d_in > DENSE_LIMIT * rows * d_out)
            return false;
        first += cost_scatter * per_row * (edges + n);
        later += 2 * cost_bag * per_row * product_rows * d_out;
    }
    return first <= later;
}

struct ps_input ps_input_of(const struct ps_rows *rows)
{
    struct ps_input in = {
        .rows = rows->count, .cols = rows->dim, .dense = rows->dense, .packed = rows->packed};

    if (rows->dense == NULL && rows->packed.base == NULL)
        in.csr = (struct ps_csr){rows->count,         rows->dim, rows->row_begin,
                                 rows->row_begin + 1, rows->col, rows->value};
    return in;
}

void ps_layer_project(const struct ps_model *m, const struct ps_layer *layer,
                      const struct ps_input *in, uint32_t rows, const ps_real *w, ps_real *y)
{
    const int threads = m->ctx->threads;

    if (in->dense != NULL)
        ps_gemm(threads, rows, layer->dim_in, layer->dim_out, in->dense, w, y, NULL);
    else
        ps_spmm(threads, &(struct ps_spmm){.rows = rows,
                                           .cols = layer->dim_out,
                                           .begin = in->csr.begin,
                                           .end = in->csr.end,
                                           .index = in->csr.index,
                                           .edge = in->csr.value,
                                           .x = w,
                                           .x_stride = layer->dim_out,
                                           .out = y,
                                           .out_stride = layer->dim_out});
}

/* c = [self | mean] or the weighted sum, from bags. */
static void aggregate_bags(const struct ps_model *m, struct ps_layer *y, const struct ps_block *b,
                           const struct ps_input *in)
{
    const bool gcn = m->shape.kind == PS_NN_GCN;
    const size_t stride = (size_t)y->width * y->dim_in;
    const struct ps_bag_sum sum = {.rows = b->dst_count,
                                   .begin = b->row_begin,
                                   .index = b->col,
                                   .source = gcn ? m->source.p : NULL,
                                   .scale = y->a.p,
                                   .self = gcn ? y->s.p : NULL,
                                   .in = &in->csr,
                                   .out = y->c.p + stride - y->dim_in,
                                   .out_stride = stride};

    ps_bag_sum(m->ctx->threads, &sum);
    if (!gcn)
        ps_csr_dense(m->ctx->threads, &in->csr, b->dst_count, y->c.p, stride);
}

/* The weighted sum over neighbours of rows x (M, cols), and for GCN of the row itself. Where the
 * rows are packed the caller sets them and x is NULL. */
static struct ps_spmm aggregation(const struct ps_model *m, const struct ps_layer *y,
                                  const struct ps_block *b, uint32_t cols, const ps_real *x)
{
    const bool gcn = m->shape.kind == PS_NN_GCN;

    return (struct ps_spmm){.rows = b->dst_count,
                            .cols = cols,
                            .begin = b->row_begin,
                            .end = b->row_begin + 1,
                            .index = b->col,
                            .source = gcn ? m->source.p : NULL,
                            .scale = y->a.p,
                            .x = x,
                            .x_stride = cols,
                            .self_rows = b->dst_count,
                            .self = gcn ? y->s.p : NULL,
                            .self_x = gcn ? x : NULL,
                            .self_stride = cols};
}

static ps_status forward_aggregate_first(struct ps_model *m, struct ps_layer *y,
                                         const struct ps_block *b, const struct ps_input *in,
                                         const struct ps_act *act)
{
    const int threads = m->ctx->threads;
    const uint32_t n = b->dst_count, wide = y->width * y->dim_in;

    PS_TRY(PS_BUF_GROW(m, y->c, (size_t)n * wide));
    if (in->dense == NULL && in->packed.base == NULL) {
        aggregate_bags(m, y, b, in);
    } else {
        struct ps_spmm s = aggregation(m, y, b, y->dim_in, in->dense);
        s.out = y->c.p + wide - y->dim_in;
        s.out_stride = wide;
        if (in->dense == NULL)
            s.packed = &in->packed;
        if (y->width == 2) { /* [self | mean]: the left half is the row itself */
            s.beside = in->dense;
            s.own_beside = in->dense == NULL;
            s.beside_stride = y->dim_in;
        }
        ps_spmm(threads, &s);
    }
    ps_gemm(threads, n, wide, y->dim_out, y->c.p, m->weights + y->weight, y->h.p, act);
    return PS_OK;
}

static ps_status forward_transform_first(struct ps_model *m, struct ps_layer *y,
                                         const struct ps_block *b, const struct ps_input *in,
                                         const struct ps_act *act)
{
    const size_t d_out = y->dim_out;
    struct ps_spmm s;

    PS_TRY(PS_BUF_GROW(m, m->scratch[0], b->src_count * d_out));
    ps_layer_project(m, y, in, b->src_count, m->weights + ps_weight_neigh(y), m->scratch[0].p);
    s = aggregation(m, y, b, y->dim_out, m->scratch[0].p);
    if (y->width == 2) {
        PS_TRY(PS_BUF_GROW(m, m->scratch[1], b->dst_count * d_out));
        ps_layer_project(m, y, in, b->dst_count, m->weights + y->weight, m->scratch[1].p);
        s.self_x = m->scratch[1].p;
    }
    s.out = y->h.p;
    s.out_stride = d_out;
    ps_spmm(m->ctx->threads, &s);
    ps_act(m->ctx->threads, act, b->dst_count, y->dim_out, y->h.p);
    return PS_OK;
}

ps_status ps_layer_forward(struct ps_model *m, uint32_t l, const struct ps_batch *batch,
                           const struct ps_input *in, const struct ps_drop *drop)
{
    struct ps_layer *y = &m->layer[l];
    const struct ps_block *b = &batch->block[l];
    struct ps_act act = {.bias = m->weights + y->bias, .relu = !y->last};

    PS_ASSERT(in->rows == b->src_count && in->cols == y->dim_in && b->dst_count <= b->src_count);
    if (drop != NULL)
        act.drop = *drop;
    PS_TRY(PS_BUF_GROW(m, y->h, (size_t)b->dst_count * y->dim_out));
    PS_TRY(PS_BUF_GROW(m, y->a, b->dst_count));
    if (m->shape.kind == PS_NN_GCN) {
        PS_TRY(PS_BUF_GROW(m, y->s, b->dst_count));
        ps_norm_gcn(b->dst_count, b->row_begin, b->in_degree, y->a.p, y->s.p);
    } else {
        ps_norm_mean(b->dst_count, b->row_begin, y->a.p);
    }
    y->aggregate_first = ps_layer_aggregates_first(m, l, b, in);
    PS_ASSERT(y->aggregate_first || in->packed.base == NULL || in->dense != NULL);
    return y->aggregate_first ? forward_aggregate_first(m, y, b, in, &act)
                              : forward_transform_first(m, y, b, in, &act);
}
