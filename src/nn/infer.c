/* SPDX-License-Identifier: Apache-2.0 */
/* One layer at a time, over all neighbours. Nothing is allocated here: the
 * factors of norm.h are made for a few rows on the stack. */
#include "src/kern/loss.h"
#include "src/kern/norm.h"
#include "src/kern/spmm.h"
#include "src/nn/model_impl.h"

enum { ROWS = 64 };

ps_status ps_model_project(struct ps_model *m, uint32_t l, const struct ps_rows *x,
                           ps_real *message, ps_real *self)
{
    const struct ps_layer *y = &m->layer[l];
    const struct ps_input in = ps_input_of(x);

    PS_ASSERT(l < m->shape.layers && (x->count == 0 || x->dim == y->dim_in));
    if (x->count == 0)
        return PS_OK;
    ps_layer_project(m, y, &in, in.rows, m->weights + ps_weight_neigh(y), message);
    if (y->width == 2)
        ps_layer_project(m, y, &in, in.rows, m->weights + y->weight, self);
    return PS_OK;
}

/* Rows [begin, begin + n) of the block. */
static void combine_rows(const struct ps_model *m, const struct ps_block *b, uint32_t begin,
                         uint32_t n, const struct ps_spmm *all, const struct ps_act *act,
                         ps_real *out)
{
    const bool gcn = m->shape.kind == PS_NN_GCN;
    struct ps_spmm some = *all;
    ps_real a[ROWS], s[ROWS];

    if (gcn)
        ps_norm_gcn(n, b->row_begin + begin, b->in_degree + begin, a, s);
    else
        ps_norm_mean(n, b->row_begin + begin, a);
    some.rows = some.self_rows = n;
    some.begin += begin;
    some.end += begin;
    some.scale = a;
    some.self = gcn ? s : NULL;
    some.self_x += begin * some.self_stride;
    some.out += begin * some.out_stride;
    ps_spmm_rows(&some, 0, n);
    ps_act_rows(act, begin, begin + n, some.cols, out);
}

void ps_model_combine(const struct ps_model *m, uint32_t l, const struct ps_block *block,
                      const uint32_t *out_degree, const ps_real *message, const ps_real *self,
                      ps_real *out)
{
    const struct ps_layer *y = &m->layer[l];
    const bool gcn = m->shape.kind == PS_NN_GCN;
    const struct ps_act act = {.bias = m->weights + y->bias, .relu = !y->last};
    const struct ps_spmm all = {.cols = y->dim_out,
                                .begin = block->row_begin,
                                .end = block->row_begin + 1,
                                .index = block->col,
                                .degree = gcn ? out_degree : NULL,
                                .x = message,
                                .x_stride = y->dim_out,
                                .self_x = gcn ? message : self,
                                .self_stride = y->dim_out,
                                .out = out,
                                .out_stride = y->dim_out};
    const uint32_t rows = block->dst_count, parts = rows / ROWS + (rows % ROWS != 0);

#pragma omp parallel for num_threads(m->ctx->threads) schedule(dynamic, 1) default(none)           \
    firstprivate(m, block, out, rows, parts) shared(all, act)
    for (uint32_t p = 0; p < parts; p++) {
        const uint32_t begin = p * ROWS;
        combine_rows(m, block, begin, rows - begin < ROWS ? rows - begin : ROWS, &all, &act, out);
    }
}

void ps_model_score(const ps_real *logits, uint32_t n, uint32_t classes, const int32_t *label,
                    struct ps_step_sums *sums, int32_t *best)
{
    struct ps_loss_sums loss = {sums->loss, sums->seeds, sums->correct};

    ps_softmax_loss(1, n, classes, logits, label, NULL, best, &loss);
    *sums = (struct ps_step_sums){loss.loss, loss.rows, loss.correct};
}
