/* SPDX-License-Identifier: Apache-2.0 */
#include "src/nn/optim.h"

#include "src/kern/update.h"

#include <math.h>
#include <string.h>

struct ps_optim {
    struct ps_ctx *ctx;
    struct ps_model *model;
    struct ps_optim_setup setup;
    uint64_t step;
    ps_real *m, *v; /**< (weight_count) moments; NULL for SGD */
};

ps_status ps_optim_new(struct ps_optim **out, struct ps_ctx *ctx,
                       const struct ps_optim_setup *setup, struct ps_model *model)
{
    const uint64_t count = ps_model_weight_count(model);
    struct ps_optim *o;
    ps_status st = PS_OK;

    *out = NULL;
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, o, 1));
    o->ctx = ctx;
    o->model = model;
    o->setup = *setup;
    if (setup->kind == PS_NN_ADAM) {
        PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_WEIGHTS, o->m, count));
        PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_WEIGHTS, o->v, count));
    }
    *out = o;
out:
    if (st != PS_OK)
        ps_optim_free(&o);
    return st;
}

void ps_optim_free(struct ps_optim **out)
{
    struct ps_optim *o = *out;

    if (o == NULL)
        return;
    ps_mem_free(&o->ctx->mem, &o->m);
    ps_mem_free(&o->ctx->mem, &o->v);
    ps_mem_free(&o->ctx->mem, &o);
    *out = NULL;
}

void ps_optim_reset(struct ps_optim *o)
{
    const uint64_t count = ps_model_weight_count(o->model);

    o->step = 0;
    if (o->m != NULL) {
        memset(o->m, 0, count * sizeof *o->m);
        memset(o->v, 0, count * sizeof *o->v);
    }
}

uint64_t *ps_optim_state(struct ps_optim *o, ps_real **m, ps_real **v)
{
    *m = o->m;
    *v = o->v;
    return &o->step;
}

void ps_optim_step(struct ps_optim *o, double scale)
{
    struct ps_span span = ps_span_begin(PS_EV_update);
    struct ps_update u = {.lr = (ps_real)o->setup.lr, .scale = (ps_real)scale};
    ps_real *w = ps_model_weights(o->model);
    const ps_real *grad = ps_model_gradients(o->model);
    const struct ps_tensor *t;
    uint32_t tensors;

    o->step++;
    u.m_unbias = (ps_real)(1 / (1 - pow(0.9, (double)o->step)));
    u.v_unbias = (ps_real)(1 / (1 - pow(0.999, (double)o->step)));
    t = ps_model_tensors(o->model, &tensors);
    for (uint32_t i = 0; i < tensors; i++) {
        const uint64_t at = t[i].begin, count = (uint64_t)t[i].rows * t[i].cols;
        u.decay = t[i].decays ? (ps_real)o->setup.weight_decay : 0;
        if (o->setup.kind == PS_NN_ADAM)
            ps_update_adam(o->ctx->threads, &u, count, grad + at, o->m + at, o->v + at, w + at);
        else
            ps_update_sgd(o->ctx->threads, &u, count, grad + at, w + at);
    }
    ps_span_end(&o->ctx->trace, &span, 1);
}
