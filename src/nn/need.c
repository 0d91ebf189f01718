/* SPDX-License-Identifier: Apache-2.0 */
/* What a step will take, from the shapes of its blocks: the buffers of the forward and backward
 * pass, counted as they are grown there. */
#include "src/kern/gemm.h"
#include "src/nn/model_impl.h"

struct need {
    uint64_t layers;              /* bytes that each layer keeps */
    uint64_t scratch[2], partial; /* numbers, shared by all layers */
    uint64_t dropped;
};

static void raise_to(uint64_t *x, uint64_t to)
{
    *x = *x < to ? to : *x;
}

static void add_layer(const struct ps_model *m, uint32_t l, const struct ps_block *b,
                      bool aggregate_first, struct need *need)
{
    const struct ps_layer *y = &m->layer[l];
    const int threads = m->ctx->threads;
    const uint64_t n = b->dst_count, rows = b->src_count, wide = (uint64_t)y->width * y->dim_in;

    if (aggregate_first) {
        need->layers += n * wide * sizeof(ps_real);
        raise_to(&need->partial,
                 ps_gemm_ta_scratch(threads, b->dst_count, (uint32_t)wide, y->dim_out));
        if (l > 0)
            raise_to(&need->scratch[0], n * wide);
        return;
    }
    raise_to(&need->scratch[0], rows * y->dim_out);
    raise_to(&need->scratch[1], y->width == 2 ? n * y->dim_out : 0);
    raise_to(&need->scratch[1], l > 0 ? rows * y->dim_in : 0);
    raise_to(&need->partial, ps_gemm_ta_scratch(threads, b->src_count, y->dim_in, y->dim_out));
    if (l == 0) /* the transpose that the batch does not bring */
        need->layers += (rows + 2) * sizeof(uint64_t) + b->edge_count * sizeof(uint32_t) +
                        ps_csr_transpose_scratch(threads, b->src_count) * sizeof(uint64_t);
}

uint64_t ps_model_step_bytes(const struct ps_model *m, const struct ps_block *block, bool bags)
{
    struct need need = {0};

    for (uint32_t l = 0; l < m->shape.layers; l++) {
        const struct ps_layer *y = &m->layer[l];
        const struct ps_block *b = &block[l];
        /* any address will do: only the shapes are looked at */
        const struct ps_input in = {.rows = b->src_count, .cols = y->dim_in, .dense = m->weights};
        const bool first = ps_layer_aggregates_first(m, l, b, &in);

        need.layers += (uint64_t)b->dst_count * (y->dim_out + 2) * sizeof(ps_real);
        add_layer(m, l, b, first, &need);
        if (l == 0 && bags) /* depends on how full the bags are: room for either way */
            add_layer(m, l, b, !first, &need);
        if (l == 0 && !bags && (!first || y->threshold != 0))
            need.dropped = (uint64_t)b->src_count * y->dim_in;
    }
    need.dropped += m->shape.kind == PS_NN_GCN ? block[0].src_count : 0;
    return need.layers +
           (need.scratch[0] + need.scratch[1] + need.partial + need.dropped) * sizeof(ps_real);
}
