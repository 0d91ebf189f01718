/* SPDX-License-Identifier: Apache-2.0 */
/* The model as an object: shapes, tensors, initial weights. */
#include "src/nn/model.h"

#include "src/kern/gemm.h"
#include "src/nn/model_impl.h"

#include <math.h>
#include <string.h>

static struct ps_tensor *add_tensor(struct ps_model *m, uint32_t l, const char *part, uint32_t rows,
                                    uint32_t cols)
{
    struct ps_tensor *t = &m->tensor[m->tensor_count++];

    snprintf(t->name, sizeof t->name, "layers/%" PRIu32 "/%s", l, part);
    t->rows = rows;
    t->cols = cols;
    t->begin = m->weight_count;
    t->decays = true;
    m->weight_count += (uint64_t)rows * cols;
    return t;
}

/* Dimensions, and the place of everything in the weights array. */
static void lay_out(struct ps_model *m)
{
    const struct ps_model_shape *s = &m->shape;

    for (uint32_t l = 0; l < s->layers; l++) {
        struct ps_layer *y = &m->layer[l];
        struct ps_tensor *bias;
        y->last = l + 1 == s->layers;
        y->dim_in = l == 0 ? s->dim_in : s->hidden;
        y->dim_out = y->last ? s->classes : s->hidden;
        y->width = s->kind == PS_NN_SAGE ? 2 : 1;
        y->threshold = ps_drop_threshold(l == 0 ? s->input_dropout : s->dropout);
        if (s->kind == PS_NN_SAGE) { /* one above the other: [W_self; W_neigh] is one matrix */
            y->weight = add_tensor(m, l, "weight_self", y->dim_in, y->dim_out)->begin;
            add_tensor(m, l, "weight_neigh", y->dim_in, y->dim_out);
        } else {
            y->weight = add_tensor(m, l, "weight", y->dim_in, y->dim_out)->begin;
        }
        bias = add_tensor(m, l, "bias", 1, y->dim_out);
        bias->decays = false;
        y->bias = bias->begin;
    }
}

ps_status ps_model_new(struct ps_model **out, struct ps_ctx *ctx,
                       const struct ps_model_shape *shape, uint64_t seed)
{
    struct ps_model *m;
    ps_status st;

    PS_ASSERT(shape->layers > 0 && shape->dim_in > 0 && shape->hidden > 0 && shape->classes > 0);
    PS_ASSERT(shape->dropout >= 0 && shape->dropout < 1);
    PS_ASSERT(shape->input_dropout >= 0 && shape->input_dropout < 1);
    ps_gemm_setup();
    *out = NULL;
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, m, 1));
    m->ctx = ctx;
    m->shape = *shape;
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, m->layer, shape->layers));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, m->tensor, 3 * (size_t)shape->layers));
    lay_out(m);
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_WEIGHTS, m->weights, m->weight_count));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_WEIGHTS, m->gradients, m->weight_count));
    ps_model_reset(m, seed);
    *out = m;
out:
    if (st != PS_OK)
        ps_model_free(&m);
    return st;
}

static void free_layers(struct ps_model *m)
{
    struct ps_mem *mem = &m->ctx->mem;

    for (uint32_t l = 0; m->layer != NULL && l < m->shape.layers; l++) {
        struct ps_layer *y = &m->layer[l];
        ps_mem_free(mem, &y->h.p);
        ps_mem_free(mem, &y->c.p);
        ps_mem_free(mem, &y->a.p);
        ps_mem_free(mem, &y->s.p);
    }
    ps_mem_free(mem, &m->layer);
}

void ps_model_free(struct ps_model **out)
{
    struct ps_model *m = *out;
    struct ps_mem *mem;

    if (m == NULL)
        return;
    mem = &m->ctx->mem;
    free_layers(m);
    ps_mem_free(mem, &m->tensor);
    ps_mem_free(mem, &m->weights);
    ps_mem_free(mem, &m->gradients);
    ps_mem_free(mem, &m->source.p);
    ps_mem_free(mem, &m->scratch[0].p);
    ps_mem_free(mem, &m->scratch[1].p);
    ps_mem_free(mem, &m->partial.p);
    ps_mem_free(mem, &m->dropped.p);
    ps_mem_free(mem, &m->drop_end.p);
    ps_mem_free(mem, &m->drop_index.p);
    ps_mem_free(mem, &m->drop_value.p);
    ps_mem_free(mem, &m->t_begin.p);
    ps_mem_free(mem, &m->t_scratch.p);
    ps_mem_free(mem, &m->t_row.p);
    ps_mem_free(mem, &m);
    *out = NULL;
}

/* Uniform in +-sqrt(6 / (rows + cols)), from (seed, tensor, index). Glorot and
 * Bengio 2010, equation 16. */
static void glorot(const struct ps_tensor *t, struct ps_key key, ps_real *w)
{
    const double limit = sqrt(6.0 / ((double)t->rows + t->cols));
    const uint64_t count = (uint64_t)t->rows * t->cols;

    for (uint64_t i = 0; i < count; i++) {
        const struct ps_draw d = ps_draw_at(key, i / 2, 0);
        w[i] = (ps_real)((2 * ps_unit(ps_draw_u64(&d, i % 2 == 0 ? 0 : 1)) - 1) * limit);
    }
}

void ps_model_reset(struct ps_model *m, uint64_t seed)
{
    memset(m->weights, 0, m->weight_count * sizeof *m->weights);
    memset(m->gradients, 0, m->weight_count * sizeof *m->gradients);
    for (uint32_t i = 0; i < m->tensor_count; i++)
        if (m->tensor[i].decays) /* biases stay 0 */
            glorot(&m->tensor[i], ps_key_make(seed, PS_FOR_WEIGHTS, i, 0, 0),
                   m->weights + m->tensor[i].begin);
}

const struct ps_model_shape *ps_model_shape(const struct ps_model *m)
{
    return &m->shape;
}

const struct ps_tensor *ps_model_tensors(const struct ps_model *m, uint32_t *count)
{
    *count = m->tensor_count;
    return m->tensor;
}

ps_real *ps_model_weights(struct ps_model *m)
{
    return m->weights;
}

ps_real *ps_model_gradients(struct ps_model *m)
{
    return m->gradients;
}

uint64_t ps_model_weight_count(const struct ps_model *m)
{
    return m->weight_count;
}

uint32_t ps_model_layer_dim(const struct ps_model *m, uint32_t l)
{
    PS_ASSERT(l < m->shape.layers);
    return m->layer[l].dim_out;
}
