/* SPDX-License-Identifier: Apache-2.0 */
#include "src/train/evaluate.h"

#include <stdlib.h>
#include <string.h>

/* Rows that are read and projected at a time. Fixed: the height of a product decides its bits. */
enum { CHUNK_ROWS = 4096 };

struct ps_eval {
    struct ps_shard *shard;
    struct ps_model *model;
    struct ps_reach *reach;
    struct ps_slab slab;
    struct ps_row_store store;
    uint32_t *order; /* (own nodes of level 0) own numbers, ascending by node: by place on disk */
    float *message, *self, *hidden; /* rows of the layer at work */
    float *chunk_message, *chunk_self;
    int32_t *label; /* (targets) */
    size_t message_cap, self_cap, hidden_cap, chunk_message_cap, chunk_self_cap;
};

static struct ps_mem *mem_of(const struct ps_eval *e)
{
    return &ps_world_ctx(e->shard->world)->mem;
}

struct placed {
    uint32_t node, number;
};

static int by_node(const void *x, const void *y)
{
    const struct placed *a = x, *b = y;

    return (a->node > b->node) - (a->node < b->node);
}

static PS_MUST ps_status order_by_place(struct ps_eval *e)
{
    uint32_t n = e->reach->own_count;
    struct placed *p;

    PS_TRY(PS_NEW(mem_of(e), PS_MEM_BLOCKS, e->order, n));
    PS_TRY(PS_NEW(mem_of(e), PS_MEM_BLOCKS, p, n));
    for (uint32_t i = 0; i < n; i++)
        p[i] = (struct placed){e->reach->node[i], i};
    qsort(p, n, sizeof *p, by_node);
    for (uint32_t i = 0; i < n; i++)
        e->order[i] = p[i].number;
    ps_mem_free(mem_of(e), &p);
    return PS_OK;
}

/* The shard's nodes of a split, ascending; of all splits for PS_SPLIT_NONE. */
static PS_MUST ps_status list_targets(const struct ps_shard *g, enum ps_split which,
                                      uint32_t **target, uint32_t *n)
{
    PS_TRY(PS_NEW(&ps_world_ctx(g->world)->mem, PS_MEM_BLOCKS, *target, g->count));
    *n = 0;
    for (uint64_t v = 0; v < g->count; v++)
        if (which == PS_SPLIT_NONE || g->split[v] == which)
            (*target)[(*n)++] = ps_u32(v);
    return PS_OK;
}

static PS_MUST ps_status prepare(struct ps_eval *e)
{
    const struct ps_shard *g = e->shard;

    ps_row_store_init(&e->store, mem_of(e), g->meta);
    PS_TRY(ps_slab_init(&e->slab, e->shard));
    PS_TRY(PS_NEW(mem_of(e), PS_MEM_BLOCKS, e->label, e->reach->target_count));
    for (uint32_t i = 0; i < e->reach->target_count; i++)
        e->label[i] = g->label[e->reach->node[i]];
    return order_by_place(e);
}

ps_status ps_eval_new(struct ps_eval **out, struct ps_shard *shard, struct ps_model *model,
                      enum ps_split which)
{
    struct ps_mem *m = &ps_world_ctx(shard->world)->mem;
    struct ps_eval *e = NULL;
    uint32_t *target = NULL, n = 0;
    ps_status st = PS_NEW(m, PS_MEM_BLOCKS, e, 1);

    *out = NULL;
    if (st == PS_OK) {
        e->shard = shard;
        e->model = model;
        st = list_targets(shard, which, &target, &n);
    }
    PS_GO(st, ps_world_agree(shard->world, st));
    PS_GO(st, ps_reach_new(&e->reach, shard, ps_model_shape(model)->layers, target, n));
    PS_GO(st, ps_world_agree(shard->world, prepare(e)));
    ps_mem_free(m, &target);
    *out = e;
    return PS_OK;
out:
    ps_mem_free(m, &target);
    ps_eval_free(&e);
    return st;
}

void ps_eval_free(struct ps_eval **out)
{
    struct ps_eval *e = *out;
    struct ps_mem *m;

    if (e == NULL)
        return;
    m = mem_of(e);
    ps_reach_free(&e->reach);
    ps_slab_fini(&e->slab);
    ps_row_store_fini(&e->store);
    ps_mem_free(m, &e->order);
    ps_mem_free(m, &e->message);
    ps_mem_free(m, &e->self);
    ps_mem_free(m, &e->hidden);
    ps_mem_free(m, &e->chunk_message);
    ps_mem_free(m, &e->chunk_self);
    ps_mem_free(m, &e->label);
    ps_mem_free(m, &e);
    *out = NULL;
}

static PS_MUST ps_status take_rows(struct ps_eval *e, uint32_t l)
{
    const struct ps_reach_layer *y = &e->reach->layer[l];
    size_t dim = ps_model_layer_dim(e->model, l);
    bool has_self = ps_model_shape(e->model)->kind == PS_NN_SAGE;

    PS_TRY(PS_GROW(mem_of(e), PS_MEM_ACTIVATION, e->message, e->message_cap,
                   ((size_t)y->own_count + y->halo_count) * dim, 0));
    if (has_self)
        PS_TRY(PS_GROW(mem_of(e), PS_MEM_ACTIVATION, e->self, e->self_cap,
                       (size_t)y->own_count * dim, 0));
    return PS_OK;
}

/* Project one chunk of features, read in order of place, and put the rows where they belong. */
static PS_MUST ps_status project_chunk(struct ps_eval *e, const uint32_t *number, uint32_t n)
{
    size_t dim = ps_model_layer_dim(e->model, 0);
    bool has_self = ps_model_shape(e->model)->kind == PS_NN_SAGE;
    struct ps_rows x;

    PS_TRY(ps_slab_begin(&e->slab, n));
    for (uint32_t i = 0; i < n; i++)
        e->slab.node[i] = e->reach->node[number[i]];
    PS_TRY(ps_slab_read(&e->slab));
    PS_TRY(ps_row_store_fill(&e->store, &e->slab));
    x = ps_row_store_rows(&e->store);
    PS_TRY(ps_model_project(e->model, 0, &x, e->chunk_message, has_self ? e->chunk_self : NULL));
    for (uint32_t i = 0; i < n; i++) {
        memcpy(e->message + number[i] * dim, e->chunk_message + i * dim, dim * sizeof(float));
        if (has_self)
            memcpy(e->self + number[i] * dim, e->chunk_self + i * dim, dim * sizeof(float));
    }
    return PS_OK;
}

static PS_MUST ps_status project_features(struct ps_eval *e)
{
    uint32_t n = e->reach->own_count;
    size_t dim = ps_model_layer_dim(e->model, 0);

    PS_TRY(PS_GROW(mem_of(e), PS_MEM_ACTIVATION, e->chunk_message, e->chunk_message_cap,
                   CHUNK_ROWS * dim, 0));
    PS_TRY(PS_GROW(mem_of(e), PS_MEM_ACTIVATION, e->chunk_self, e->chunk_self_cap, CHUNK_ROWS * dim,
                   0));
    for (uint32_t i = 0; i < n; i += CHUNK_ROWS)
        PS_TRY(project_chunk(e, e->order + i, (uint32_t)ps_min(CHUNK_ROWS, n - i)));
    return PS_OK;
}

/* Local work of layer l up to the exchange: messages of own rows. */
static PS_MUST ps_status project(struct ps_eval *e, uint32_t l)
{
    const struct ps_reach_layer *y = &e->reach->layer[l];
    struct ps_rows x = {.count = y->own_count, .dense = e->hidden};
    bool has_self = ps_model_shape(e->model)->kind == PS_NN_SAGE;

    PS_TRY(take_rows(e, l));
    if (l == 0)
        return project_features(e);
    x.dim = ps_model_layer_dim(e->model, l - 1);
    return ps_model_project(e->model, l, &x, e->message, has_self ? e->self : NULL);
}

static PS_MUST ps_status combine(struct ps_eval *e, uint32_t l)
{
    const struct ps_reach_layer *y = &e->reach->layer[l];
    size_t dim = ps_model_layer_dim(e->model, l);

    PS_TRY(PS_GROW(mem_of(e), PS_MEM_ACTIVATION, e->hidden, e->hidden_cap,
                   (size_t)y->block.dst_count * dim, 0));
    ps_model_combine(e->model, l, &y->block, y->out_degree, e->message,
                     ps_model_shape(e->model)->kind == PS_NN_SAGE ? e->self : NULL, e->hidden);
    return PS_OK;
}

ps_status ps_eval_run(struct ps_eval *e, ps_status mine, const float **logits,
                      const uint32_t **node, uint32_t *targets)
{
    struct ps_ctx *ctx = ps_world_ctx(e->shard->world);
    struct ps_span span = ps_span_begin(PS_EV_evaluate);

    for (uint32_t l = 0; l < e->reach->layers; l++) {
        if (mine == PS_OK)
            mine = project(e, l);
        PS_TRY(ps_reach_exchange(e->reach, mine, l, e->message, ps_model_layer_dim(e->model, l)));
        mine = combine(e, l);
    }
    *logits = e->hidden;
    *node = e->reach->node;
    *targets = e->reach->target_count;
    ps_span_end(&ctx->trace, &span, e->reach->target_count);
    return mine;
}

ps_status ps_eval_score(struct ps_eval *e, struct ps_step_sums *sums)
{
    const float *logits;
    const uint32_t *node;
    uint32_t targets = 0;
    uint64_t whole[2] = {0, 0};
    ps_status mine = ps_eval_run(e, PS_OK, &logits, &node, &targets);

    memset(sums, 0, sizeof *sums);
    if (mine == PS_OK)
        ps_model_score(logits, targets, ps_model_shape(e->model)->classes, e->label, sums, NULL);
    whole[0] = sums->seeds;
    whole[1] = sums->correct;
    PS_TRY(ps_world_sum(e->shard->world, mine, NULL, 0, &sums->loss, 1, whole, 2));
    sums->seeds = whole[0];
    sums->correct = whole[1];
    return PS_OK;
}
