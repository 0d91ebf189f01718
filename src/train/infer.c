/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Predictions for all nodes, written in original ids.
 *
 * Every rank computes its own nodes; rank 0 gathers predictions in pieces and places them. Where
 * the original ids are a permutation of 0..N-1, as all importers make them, row i of the file is
 * node i of the input; else rows are in the order of the dataset, and orig_id tells.
 */
#include "src/train/train.h"

#include "io/table.h"
#include "src/train/evaluate.h"
#include "src/train/model_io.h"
#include "src/train/threads.h"

#include <math.h>
#include <string.h>

enum { PIECE_ROWS = 1 << 16 };

struct prediction {
    uint64_t orig_id;
    int32_t label;
    float probability;
};

struct infer {
    struct ps_ctx *ctx;
    const struct ps_opts *o;
    struct ps_world *world;
    struct ps_shard *shard;
    struct ps_model *model;
    struct ps_eval *eval;
    struct ps_model_origin origin;
    struct prediction *own; /* (shard nodes) */
    uint64_t *id;           /* (shard nodes) original ids */
    /* rank 0: (nodes) each */
    uint64_t *all_id;
    int32_t *all_label;
    float *all_probability;
    struct ps_inbox inbox;
    uint64_t *bytes;            /* (R) */
    const void **part;          /* (R) */
    uint64_t hits[4], nodes[4]; /* by split */
};

/* What rank 0 read of the model, for the others. */
struct model_message {
    struct ps_model_shape shape;
    struct ps_model_origin origin;
};

static PS_MUST ps_status load_model(struct infer *f)
{
    struct model_message m;
    char path[PS_TEXT_BYTES + 32];
    bool is_root = ps_world_rank(f->world) == 0;
    ps_status st = PS_OK;

    snprintf(path, sizeof path, "%s/model.h5", f->o->infer.run);
    memset(&m, 0, sizeof m);
    if (is_root)
        st = ps_model_load_shape(f->ctx, path, &m.shape, &m.origin);
    PS_TRY(ps_world_broadcast(f->world, st, &m, sizeof m, 0));
    f->origin = m.origin;
    if (m.shape.dim_in != f->shard->meta->feature_dim)
        PS_FAIL(PS_EINPUT, "%s wants %u feature columns, %s has %u", path, m.shape.dim_in,
                f->o->positional[0], f->shard->meta->feature_dim);
    st = ps_model_new(&f->model, f->ctx, &m.shape, 0);
    if (st == PS_OK && is_root)
        st = ps_model_load_weights(f->ctx, path, f->model);
    PS_TRY(ps_world_agree(f->world, st));
    return ps_world_broadcast(f->world, PS_OK, ps_model_weights(f->model),
                              ps_model_weight_count(f->model) * sizeof(float), 0);
}

/* Largest logit, and its share of the softmax. */
static void predict(const float *logit, uint32_t classes, struct prediction *p)
{
    double sum = 0;

    p->label = 0;
    for (uint32_t c = 1; c < classes; c++)
        if (logit[c] > logit[p->label])
            p->label = (int32_t)c;
    for (uint32_t c = 0; c < classes; c++)
        sum += exp((double)logit[c] - (double)logit[p->label]);
    p->probability = (float)(1 / sum);
}

static PS_MUST ps_status predict_own(struct infer *f)
{
    struct ps_shard *g = f->shard;
    struct ps_mem *m = &f->ctx->mem;
    uint32_t classes = ps_model_shape(f->model)->classes, targets;
    const uint32_t *node;
    const float *logits;
    ps_status mine = PS_NEW(m, PS_MEM_ROWS, f->own, g->count);

    if (mine == PS_OK)
        mine = PS_NEW(m, PS_MEM_ROWS, f->id, g->count);
    if (mine == PS_OK)
        mine = ps_shard_read_orig_ids(g, 0, g->count, f->id);
    PS_TRY(ps_eval_run(f->eval, mine, &logits, &node, &targets));
    PS_ASSERT(targets == g->count);
    for (uint32_t i = 0; i < targets; i++) {
        struct prediction *p = &f->own[node[i]];
        uint8_t split = g->split[node[i]] & 3;
        p->orig_id = f->id[node[i]];
        predict(logits + (size_t)i * classes, classes, p);
        f->nodes[split]++;
        f->hits[split] += p->label == g->label[node[i]];
    }
    return PS_OK;
}

/* One round: every rank sends rank 0 its next piece. */
static PS_MUST ps_status gather_piece(struct infer *f, uint64_t round, ps_status mine)
{
    uint32_t ranks = ps_world_ranks(f->world);
    uint64_t first = ps_min(round * PIECE_ROWS, f->shard->count);

    for (uint32_t r = 0; r < ranks; r++) {
        f->part[r] = f->own + first;
        f->bytes[r] = 0;
    }
    f->bytes[0] = ps_min(PIECE_ROWS, f->shard->count - first) * sizeof *f->own;
    PS_TRY(ps_world_alltoall(f->world, PS_TRAFFIC_OTHER, mine, f->part, f->bytes, &f->inbox));
    if (ps_world_rank(f->world) != 0)
        return PS_OK;
    for (uint32_t r = 0; r < ranks; r++) {
        uint64_t n = f->inbox.bytes[r] / sizeof(struct prediction);
        uint64_t at = f->shard->rank_begin[r] + round * PIECE_ROWS;
        const unsigned char *data = f->inbox.data + f->inbox.begin[r];
        for (uint64_t i = 0; i < n; i++) {
            struct prediction p;
            memcpy(&p, data + i * sizeof p, sizeof p);
            f->all_id[at + i] = p.orig_id;
            f->all_label[at + i] = p.label;
            f->all_probability[at + i] = p.probability;
        }
    }
    return PS_OK;
}

static PS_MUST ps_status take_gathering(struct infer *f)
{
    struct ps_mem *m = &f->ctx->mem;
    uint32_t ranks = ps_world_ranks(f->world);
    uint64_t n = f->shard->meta->nodes;

    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, f->bytes, ranks));
    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, f->part, ranks));
    PS_TRY(ps_inbox_init(&f->inbox, ps_world_comm(f->world)));
    if (ps_world_rank(f->world) != 0)
        return PS_OK;
    PS_TRY(PS_NEW(m, PS_MEM_ROWS, f->all_id, n));
    PS_TRY(PS_NEW(m, PS_MEM_ROWS, f->all_label, n));
    return PS_NEW(m, PS_MEM_ROWS, f->all_probability, n);
}

static PS_MUST ps_status gather_all(struct infer *f)
{
    uint64_t largest = 0;
    ps_status mine = take_gathering(f);

    PS_TRY(ps_world_agree(f->world, mine));
    for (uint32_t r = 0; r < ps_world_ranks(f->world); r++)
        largest = ps_max(largest, f->shard->rank_begin[r + 1] - f->shard->rank_begin[r]);
    for (uint64_t round = 0; round < ps_div_up(largest, PIECE_ROWS); round++)
        PS_TRY(gather_piece(f, round, PS_OK));
    return PS_OK;
}

/* Put each row where its original id says, if these are a permutation of 0..N-1. Follows the cycles
 * in place. @return false if they are not; rows are then untouched */
static PS_MUST ps_status place_rows(struct infer *f, bool *placed)
{
    uint64_t n = f->shard->meta->nodes;
    uint8_t *seen;

    PS_TRY(PS_NEW(&f->ctx->mem, PS_MEM_ROWS, seen, n));
    *placed = true;
    for (uint64_t i = 0; i < n && *placed; i++) {
        *placed = f->all_id[i] < n && seen[f->all_id[i]] == 0;
        if (*placed)
            seen[f->all_id[i]] = 1;
    }
    for (uint64_t i = 0; i < n && *placed; i++)
        while (f->all_id[i] != i) {
            uint64_t to = f->all_id[i], id = f->all_id[to];
            int32_t label = f->all_label[to];
            float probability = f->all_probability[to];
            f->all_id[to] = to;
            f->all_label[to] = f->all_label[i];
            f->all_probability[to] = f->all_probability[i];
            f->all_id[i] = id;
            f->all_label[i] = label;
            f->all_probability[i] = probability;
        }
    ps_mem_free(&f->ctx->mem, &seen);
    return PS_OK;
}

static PS_MUST ps_status write_file(struct infer *f)
{
    uint64_t n = f->shard->meta->nodes;
    struct ps_table *t;
    bool placed;
    ps_status st;

    PS_TRY(place_rows(f, &placed));
    PS_TRY(ps_table_create(&t, f->ctx, f->o->common.out));
    PS_GO(st, ps_table_put_text(t, "dataset_uuid", f->shard->meta->uuid));
    PS_GO(st, ps_table_put_text(t, "run", f->o->infer.run));
    PS_GO(st, ps_table_put_text(t, "order", placed ? "orig_id" : "dataset"));
    PS_GO(st, ps_table_add(t, "orig_id", PS_COLUMN_U64, n, 0));
    PS_GO(st, ps_table_put(t, "orig_id", 0, n, f->all_id));
    PS_GO(st, ps_table_add(t, "prediction", PS_COLUMN_I32, n, 0));
    PS_GO(st, ps_table_put(t, "prediction", 0, n, f->all_label));
    PS_GO(st, ps_table_add(t, "probability", PS_COLUMN_F32, n, 0));
    PS_GO(st, ps_table_put(t, "probability", 0, n, f->all_probability));
    return ps_table_finish(&t);
out:
    ps_table_close(&t);
    return st;
}

static PS_MUST ps_status make_report(const struct infer *f, json_t **report)
{
    static const char *const key[4] = {NULL, "train_accuracy", "valid_accuracy", "test_accuracy"};
    json_t *j = json_object();

    if (j == NULL)
        PS_FAIL(PS_EMEM, "out of memory making the report");
    json_object_set_new(j, "nodes", json_integer((json_int_t)f->shard->meta->nodes));
    json_object_set_new(j, "split", json_integer((json_int_t)f->origin.split));
    for (int s = PS_SPLIT_TRAIN; s <= PS_SPLIT_TEST; s++)
        json_object_set_new(j, key[s],
                            f->nodes[s] > 0 ? json_real((double)f->hits[s] / (double)f->nodes[s])
                                            : json_null());
    json_object_set_new(j, "ranks", json_integer(ps_world_ranks(f->world)));
    json_object_set_new(j, "out", json_string(f->o->common.out));
    *report = j;
    return PS_OK;
}

static PS_MUST ps_status run_infer(struct infer *f, json_t **report)
{
    const struct ps_meta *meta;
    uint64_t whole[8];
    bool is_root = ps_world_rank(f->world) == 0;

    PS_TRY(ps_threads_choose(f->world, f->o->common.threads));
    PS_TRY(ps_shard_open(&f->shard, f->world, f->o->positional[0]));
    meta = f->shard->meta;
    if (meta->feature_kind == PS_FEATURES_NONE)
        PS_FAIL(PS_EINPUT, "%s has no features: inference needs some", f->o->positional[0]);
    PS_TRY(load_model(f));
    if (meta->task == PS_TASK_SINGLE_LABEL && f->origin.split < meta->splits)
        PS_TRY(ps_shard_use_split(f->shard, (uint32_t)f->origin.split));
    PS_TRY(ps_eval_new(&f->eval, f->shard, f->model, PS_SPLIT_NONE));
    PS_TRY(ps_world_agree(f->world, predict_own(f)));
    PS_TRY(gather_all(f));
    memcpy(whole, f->hits, sizeof f->hits);
    memcpy(whole + 4, f->nodes, sizeof f->nodes);
    PS_TRY(ps_world_sum(f->world, PS_OK, NULL, 0, NULL, 0, whole, 8));
    memcpy(f->hits, whole, sizeof f->hits);
    memcpy(f->nodes, whole + 4, sizeof f->nodes);
    PS_TRY(ps_world_agree(f->world, is_root ? write_file(f) : PS_OK));
    return ps_world_agree(f->world, is_root ? make_report(f, report) : PS_OK);
}

static void free_infer(struct infer *f)
{
    struct ps_mem *m = &f->ctx->mem;

    ps_eval_free(&f->eval);
    ps_model_free(&f->model);
    ps_mem_free(m, &f->own);
    ps_mem_free(m, &f->id);
    ps_mem_free(m, &f->all_id);
    ps_mem_free(m, &f->all_label);
    ps_mem_free(m, &f->all_probability);
    ps_mem_free(m, &f->bytes);
    ps_mem_free(m, &f->part);
    ps_inbox_fini(&f->inbox, ps_world_comm(f->world));
    ps_shard_close(&f->shard);
}

ps_status ps_infer(struct ps_ctx *ctx, const struct ps_opts *o, json_t **report)
{
    struct infer f = {.ctx = ctx, .o = o};
    ps_status st;

    *report = NULL;
    PS_TRY(ps_world_open(&f.world, ctx, o));
    st = ps_world_outcome(f.world, run_infer(&f, report));
    free_infer(&f);
    ps_world_close(&f.world);
    return st;
}
