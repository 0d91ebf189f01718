/* SPDX-License-Identifier: Apache-2.0 */
/* One batch through all layers, and back. */
#include "src/kern/loss.h"
#include "src/kern/norm.h"
#include "src/nn/model_impl.h"

#include <string.h>

/* Dropout of what layer l reads, of which row i is node i of the batch. */
static struct ps_drop drop_of(const struct ps_model *m, const struct ps_batch *batch, uint32_t l)
{
    return (struct ps_drop){
        .threshold = m->layer[l].threshold,
        .key = ps_key_make(batch->seed, PS_FOR_DROPOUT, batch->epoch, batch->index, l),
        .node = batch->node,
    };
}

/* The features after dropout: a copy in our own buffers. */
static ps_status drop_input(struct ps_model *m, const struct ps_batch *batch, struct ps_input *in)
{
    const struct ps_drop drop = drop_of(m, batch, 0);
    const int threads = m->ctx->threads;
    uint64_t entries;

    if (in->dense != NULL) {
        PS_TRY(PS_BUF_GROW(m, m->dropped, (size_t)in->rows * in->cols));
        ps_drop_dense(threads, &drop, in->rows, in->cols, in->dense, m->dropped.p);
        in->dense = m->dropped.p;
        return PS_OK;
    }
    entries = in->csr.begin[in->rows];
    PS_TRY(PS_BUF_GROW(m, m->drop_end, in->rows));
    PS_TRY(PS_BUF_GROW(m, m->drop_index, entries));
    PS_TRY(PS_BUF_GROW(m, m->drop_value, entries));
    ps_csr_drop(threads, &in->csr, &drop, m->drop_end.p, m->drop_index.p, m->drop_value.p);
    in->csr.end = m->drop_end.p;
    in->csr.index = m->drop_index.p;
    in->csr.value = m->drop_value.p;
    return PS_OK;
}

/* Packed rows that are multiplied before they are summed are widened first. */
static ps_status unpack_input(struct ps_model *m, struct ps_input *in)
{
    PS_TRY(PS_BUF_GROW(m, m->dropped, (size_t)in->rows * in->cols));
    ps_packed_unpack(m->ctx->threads, &in->packed, in->rows, in->cols, m->dropped.p);
    in->dense = m->dropped.p;
    return PS_OK;
}

/* What layer l reads: the features as they were dropped, or the layer below. */
static struct ps_input input_of(const struct ps_model *m, const struct ps_batch *batch, uint32_t l,
                                const struct ps_input *features)
{
    if (l == 0)
        return *features;
    return (struct ps_input){.rows = batch->block[l].src_count,
                             .cols = m->layer[l].dim_in,
                             .dense = m->layer[l - 1].h.p};
}

static ps_status forward(struct ps_model *m, const struct ps_batch *batch, bool training,
                         struct ps_input *features)
{
    bool drops_input;

    *features = ps_input_of(&batch->input);
    drops_input = training && m->layer[0].threshold != 0;
    if (features->packed.base != NULL &&
        (drops_input || !ps_layer_aggregates_first(m, 0, &batch->block[0], features)))
        PS_TRY(unpack_input(m, features));
    if (drops_input)
        PS_TRY(drop_input(m, batch, features));
    if (m->shape.kind == PS_NN_GCN) {
        PS_TRY(PS_BUF_GROW(m, m->source, features->rows));
        ps_norm_source(features->rows, batch->out_degree, m->source.p);
    }
    for (uint32_t l = 0; l < m->shape.layers; l++) {
        const struct ps_input in = input_of(m, batch, l, features);
        const bool drops = training && !m->layer[l].last;
        const struct ps_drop drop = drops ? drop_of(m, batch, l + 1) : (struct ps_drop){0};
        PS_TRY(ps_layer_forward(m, l, batch, &in, drops ? &drop : NULL));
    }
    return PS_OK;
}

static uint32_t seed_count(const struct ps_model *m, const struct ps_batch *batch)
{
    PS_ASSERT(batch->layer_count == m->shape.layers);
    return batch->block[batch->layer_count - 1].dst_count;
}

ps_status ps_model_forward(struct ps_model *m, const struct ps_batch *batch, bool training,
                           const ps_real **logits)
{
    struct ps_layer *last = &m->layer[m->shape.layers - 1];
    const uint32_t seeds = seed_count(m, batch);
    struct ps_span span = ps_span_begin(PS_EV_forward);
    struct ps_input features;

    if (seeds == 0)
        PS_TRY(PS_BUF_GROW(m, last->h, 0));
    else
        PS_TRY(forward(m, batch, training, &features));
    *logits = last->h.p;
    ps_span_end(&m->ctx->trace, &span, seeds);
    return PS_OK;
}

static ps_status backward(struct ps_model *m, const struct ps_batch *batch,
                          const struct ps_input *features)
{
    for (uint32_t l = m->shape.layers; l-- > 0;) {
        const struct ps_input in = input_of(m, batch, l, features);
        PS_TRY(ps_layer_backward(m, l, batch, &in));
    }
    return PS_OK;
}

ps_status ps_model_step(struct ps_model *m, const struct ps_batch *batch, struct ps_step_sums *sums)
{
    struct ps_layer *last = &m->layer[m->shape.layers - 1];
    const uint32_t seeds = seed_count(m, batch);
    struct ps_loss_sums loss = {0};
    struct ps_input features;
    struct ps_span span;

    *sums = (struct ps_step_sums){0};
    memset(m->gradients, 0, m->weight_count * sizeof *m->gradients);
    if (seeds == 0)
        return PS_OK;
    for (uint32_t i = 0; i < seeds; i++)
        PS_ASSERT(batch->label[i] >= 0 && (uint32_t)batch->label[i] < m->shape.classes);
    span = ps_span_begin(PS_EV_forward);
    PS_TRY(forward(m, batch, true, &features));
    ps_softmax_loss(m->ctx->threads, seeds, last->dim_out, last->h.p, batch->label, last->h.p, NULL,
                    &loss);
    ps_span_end(&m->ctx->trace, &span, seeds);
    span = ps_span_begin(PS_EV_backward);
    PS_TRY(backward(m, batch, &features));
    ps_span_end(&m->ctx->trace, &span, seeds);
    *sums = (struct ps_step_sums){loss.loss, loss.rows, loss.correct};
    return PS_OK;
}
