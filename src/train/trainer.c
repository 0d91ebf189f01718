/* SPDX-License-Identifier: Apache-2.0 */
#include "src/train/trainer.h"

#include "src/train/loader.h"

#include <math.h>
#include <string.h>
#include <xxhash.h>

struct ps_trainer {
    struct ps_ctx *ctx;
    const struct ps_opts *o;
    struct ps_world *world;
    struct ps_shard *shard;
    struct ps_loader *loader;
    struct ps_model *model;
    struct ps_optim *optim;
    float *sum; /* (weights) gradients of the parts of a batch; NULL where it has one */
    struct ps_eval *valid, *test;
    struct ps_row_trace *record;                /* of --record-rows; NULL: none */
    float *best;                                /* (weights) of the best epoch so far */
    uint64_t *hash;                             /* (ranks) of weights, compared every epoch */
    uint64_t seeds_done, samples, bytes, edges; /* of the batches that were trained */
    bool is_set_up;                             /* the first batch has begun */
    struct ps_position at;                      /* of the run that is trained */
    uint64_t wish[PS_WISH_COUNT];
};

static PS_MUST ps_status shape_of(const struct ps_trainer *t, struct ps_model_shape *shape)
{
    const struct ps_opts_model *m = &t->o->model;
    const struct ps_meta *meta = t->shard->meta;
    const char *path = ps_dataset_path(t->shard->dataset);

    if (meta->feature_kind == PS_FEATURES_NONE)
        PS_FAIL(PS_EINPUT, "%s has no features: training needs some", path);
    if (meta->task != PS_TASK_SINGLE_LABEL || meta->classes < 2)
        PS_FAIL(PS_EINPUT,
                "%s: training needs one label per node and 2 classes or more, found %s%u classes",
                path, meta->task == PS_TASK_MULTI_LABEL ? "several labels per node and " : "",
                meta->classes);
    *shape = (struct ps_model_shape){
        .kind = m->kind == PS_MODEL_GCN ? PS_NN_GCN : PS_NN_SAGE,
        .layers = ps_u32(m->layers),
        .dim_in = meta->feature_dim,
        .hidden = ps_u32(m->hidden),
        .classes = meta->classes,
        .dropout = m->dropout,
        .input_dropout = m->input_dropout >= 0     ? m->input_dropout
                         : m->kind == PS_MODEL_GCN ? m->dropout
                                                   : 0,
    };
    return PS_OK;
}

/* One fan-out for each layer; 10 where none was given. */
static PS_MUST ps_status fanout_of(const struct ps_opts *o, int64_t fanout[PS_LIST_MAX])
{
    const struct ps_list *list = &o->train.fanout;

    if (list->count != 0 && list->count != o->model.layers)
        PS_FAIL(PS_EUSAGE,
                "--fanout has %u numbers but --layers is %" PRIu64 ": one number for each layer is "
                "expected",
                list->count, o->model.layers);
    for (uint64_t h = 0; h < o->model.layers; h++) {
        fanout[h] = list->count != 0 ? list->item[h] : 10;
        if (fanout[h] == 0)
            PS_FAIL(PS_EUSAGE,
                    "--fanout: 0 draws no neighbours; expected 1 or more, or -1 for all");
    }
    return PS_OK;
}

static uint64_t bytes_needed(const void *arg, const struct ps_sample *part)
{
    const struct ps_trainer *t = arg;

    return ps_model_step_bytes(t->model, part->block,
                               t->shard->meta->feature_kind == PS_FEATURES_CSR);
}

static PS_MUST ps_status make_loader(struct ps_trainer *t, const int64_t *fanout, uint32_t layers)
{
    const struct ps_loader_setup setup = {
        .fanout = fanout,
        .layers = layers,
        .batch_size = t->o->train.batch_size,
        .window = ps_u32(t->o->core.window),
        .parts = ps_u32(t->o->core.micro_batches),
        .overlap = !t->o->core.no_overlap,
        .need = bytes_needed,
        .need_arg = t,
    };

    return ps_loader_new(&t->loader, t->shard, &setup);
}

static PS_MUST ps_status make_parts(struct ps_trainer *t)
{
    struct ps_optim_setup setup = {t->o->train.optimizer == PS_OPTIMIZER_ADAM ? PS_NN_ADAM
                                                                              : PS_NN_SGD,
                                   t->o->train.lr, t->o->train.weight_decay};
    struct ps_model_shape shape;
    int64_t fanout[PS_LIST_MAX];
    struct ps_mem *m = &t->ctx->mem;

    PS_TRY(shape_of(t, &shape));
    PS_TRY(fanout_of(t->o, fanout));
    PS_TRY(ps_model_new(&t->model, t->ctx, &shape, t->o->common.seed));
    PS_TRY(ps_optim_new(&t->optim, t->ctx, &setup, t->model));
    PS_TRY(PS_NEW(m, PS_MEM_WEIGHTS, t->best, ps_model_weight_count(t->model)));
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, t->hash, ps_world_ranks(t->world)));
    if (t->o->core.micro_batches > 1)
        PS_TRY(PS_NEW(m, PS_MEM_WEIGHTS, t->sum, ps_model_weight_count(t->model)));
    if (*t->o->train.record_rows != '\0')
        PS_TRY(ps_row_trace_new(&t->record, t->ctx, t->o->train.record_rows, t->shard->meta->nodes,
                                ps_row_trace_bytes(t->shard->meta)));
    return make_loader(t, fanout, shape.layers);
}

ps_status ps_trainer_new(struct ps_trainer **out, struct ps_shard *shard, const struct ps_opts *o)
{
    struct ps_ctx *ctx = ps_world_ctx(shard->world);
    struct ps_trainer *t = NULL;
    ps_status st = PS_NEW(&ctx->mem, PS_MEM_OTHER, t, 1);

    *out = NULL;
    if (st == PS_OK) {
        t->ctx = ctx;
        t->o = o;
        t->world = shard->world;
        t->shard = shard;
        st = make_parts(t);
    }
    st = ps_world_agree(shard->world, st);
    if (st != PS_OK)
        ps_trainer_free(&t);
    *out = t;
    return st;
}

void ps_trainer_free(struct ps_trainer **out)
{
    struct ps_trainer *t = *out;
    struct ps_mem *m;

    if (t == NULL)
        return;
    m = &t->ctx->mem;
    ps_row_trace_free(&t->record);
    ps_eval_free(&t->valid);
    ps_eval_free(&t->test);
    ps_loader_free(&t->loader);
    ps_mem_free(m, &t->sum);
    ps_optim_free(&t->optim);
    ps_model_free(&t->model);
    ps_mem_free(m, &t->best);
    ps_mem_free(m, &t->hash);
    ps_mem_free(m, &t);
    *out = NULL;
}

ps_status ps_trainer_end_record(struct ps_trainer *t)
{
    return ps_row_trace_end(&t->record);
}

/* Forward and backward of this rank's seeds, part by part; gradients are added in their order. */
static PS_MUST ps_status step_parts(struct ps_trainer *t, const struct ps_loaded *batch,
                                    struct ps_step_sums *sums)
{
    float *gradient = ps_model_gradients(t->model);
    uint64_t n = ps_model_weight_count(t->model);

    PS_TRY(ps_model_step(t->model, &batch->part[0], sums));
    for (uint64_t i = 1; i < t->o->core.micro_batches; i++) {
        struct ps_step_sums part;
        memcpy(t->sum, gradient, n * sizeof *t->sum);
        PS_TRY(ps_model_step(t->model, &batch->part[i], &part));
        for (uint64_t k = 0; k < n; k++)
            gradient[k] += t->sum[k];
        sums->loss += part.loss;
        sums->seeds += part.seeds;
        sums->correct += part.correct;
    }
    return PS_OK;
}

static PS_MUST ps_status record_batch(struct ps_trainer *t, const struct ps_loaded *batch)
{
    uint64_t last = t->o->core.micro_batches - 1;

    if (t->record == NULL)
        return PS_OK;
    for (uint64_t i = 0; i < last; i++)
        PS_TRY(ps_row_trace_add(t->record, batch->part[i].node, batch->part[i].input.count));
    return ps_row_trace_batch(t->record, batch->id.epoch, batch->part[last].node,
                              batch->part[last].input.count);
}

/* One optimizer step of the whole job. */
static PS_MUST ps_status train_batch(struct ps_trainer *t, const struct ps_loaded *batch,
                                     const struct ps_train_hooks *hooks)
{
    struct ps_step_sums sums = {0, 0, 0}, *epoch = &t->at.sums;
    uint64_t whole[2 + PS_WISH_COUNT];
    ps_status mine = record_batch(t, batch);

    if (mine == PS_OK)
        mine = step_parts(t, batch, &sums);
    whole[0] = sums.seeds;
    whole[1] = sums.correct;
    hooks->wish(hooks->arg, whole + 2);
    t->seeds_done += sums.seeds;
    PS_TRY(ps_world_sum(t->world, mine, ps_model_gradients(t->model),
                        ps_model_weight_count(t->model), &sums.loss, 1, whole, 2 + PS_WISH_COUNT));
    if (!isfinite(sums.loss))
        PS_FAIL(PS_EINPUT,
                "the loss is no longer a number in epoch %" PRIu64 ", batch %" PRIu64
                ": try a smaller --lr, or features that are normalised",
                batch->id.epoch + 1, batch->id.index);
    PS_ASSERT(whole[0] == batch->total);
    ps_optim_step(t->optim, 1.0 / (double)whole[0]);
    epoch->loss += sums.loss;
    epoch->seeds += whole[0];
    epoch->correct += whole[1];
    t->at.batch++;
    t->at.steps++;
    t->samples += batch->samples;
    t->bytes += batch->bytes;
    t->edges += batch->edges;
    for (int i = 0; i < PS_WISH_COUNT; i++)
        t->wish[i] = whole[2 + i];
    return PS_OK;
}

/* Take the next batch and train it. */
static PS_MUST ps_status train_next(struct ps_trainer *t, const struct ps_train_hooks *hooks)
{
    struct ps_span span = ps_span_begin(PS_EV_wait);
    uint64_t before = t->seeds_done;
    const struct ps_loaded *batch;

    PS_TRY(ps_loader_next(t->loader, &batch));
    ps_span_end(&t->ctx->trace, &span, 0);
    PS_ASSERT(batch->id.epoch == t->at.epoch && batch->id.index == t->at.batch);
    span = ps_span_begin(PS_EV_step);
    PS_TRY(train_batch(t, batch, hooks));
    ps_span_end(&t->ctx->trace, &span, t->seeds_done - before); /* of this rank */
    return PS_OK;
}

/* Replicas of the weights must be the same bits on all ranks. */
static PS_MUST ps_status compare_weights(struct ps_trainer *t, uint64_t epoch)
{
    uint64_t own =
        XXH3_64bits(ps_model_weights(t->model), ps_model_weight_count(t->model) * sizeof(float));
    uint32_t ranks = ps_world_ranks(t->world);

    PS_TRY(ps_world_gather(t->world, PS_OK, &own, sizeof own, t->hash));
    for (uint32_t r = 0; r < ranks; r++)
        if (t->hash[r] != t->hash[0])
            PS_FAIL(PS_EPEER,
                    "weights differ between rank 0 and rank %u after epoch %" PRIu64
                    ": hash %016" PRIx64 " and %016" PRIx64,
                    r, epoch + 1, t->hash[0], t->hash[r]);
    return PS_OK;
}

/* Fingerprints are those of batches that were trained, so a checkpoint need not know of windows. */
static PS_MUST ps_status grant_wishes(struct ps_trainer *t, const struct ps_run *run,
                                      const struct ps_train_hooks *hooks)
{
    for (int i = 0; i < PS_WISH_COUNT; i++)
        if (t->wish[i] > 0)
            return hooks->on_wish(hooks->arg, run, &t->at, t->wish);
    return PS_OK;
}

/* The rest of the epoch in which the run stands. */
static PS_MUST ps_status train_epoch(struct ps_trainer *t, const struct ps_run *run,
                                     struct ps_epoch *e, const struct ps_train_hooks *hooks)
{
    uint64_t batches = ps_seeds_batches(t->shard, t->o->train.batch_size);
    uint64_t begin = ps_now_ns();
    double before = t->at.seconds;

    while (t->at.batch < batches) {
        PS_TRY(train_next(t, hooks));
        t->at.seconds = before + 1e-9 * (double)(ps_now_ns() - begin);
        PS_TRY(grant_wishes(t, run, hooks));
    }
    PS_TRY(compare_weights(t, t->at.epoch));
    e->loss = t->at.sums.loss / (double)t->at.sums.seeds;
    e->train_accuracy = (double)t->at.sums.correct / (double)t->at.sums.seeds;
    e->seconds = before + 1e-9 * (double)(ps_now_ns() - begin);
    return PS_OK;
}

/* A model whose loss is not a number gives predictions that are none: it is not kept. */
static PS_MUST ps_status score(struct ps_trainer *t, struct ps_eval *eval, const char *on,
                               double *accuracy, double *loss, bool *any, double *seconds)
{
    uint64_t begin;
    struct ps_step_sums sums;

    PS_TRY(ps_loader_pause(t->loader)); /* evaluation reads, too */
    begin = ps_now_ns();
    PS_TRY(ps_eval_score(eval, &sums));
    if (!isfinite(sums.loss))
        PS_FAIL(PS_EINPUT,
                "the loss on %s nodes is no longer a number: try a smaller --lr, or features that "
                "are normalised",
                on);
    *any = sums.seeds > 0;
    *accuracy = *any ? (double)sums.correct / (double)sums.seeds : 0;
    *loss = *any ? sums.loss / (double)sums.seeds : 0;
    *seconds = 1e-9 * (double)(ps_now_ns() - begin);
    return PS_OK;
}

static void keep_best(struct ps_trainer *t, struct ps_run *run, uint64_t epoch)
{
    run->epoch[epoch].best = true;
    run->best_epoch = epoch;
    memcpy(t->best, ps_model_weights(t->model), ps_model_weight_count(t->model) * sizeof *t->best);
}

/* Whether an epoch is better on validation than the best so far (docs/decisions/0010). All numbers
 * are the same bits on all ranks. */
static bool is_better(const struct ps_trainer *t, const struct ps_epoch *e,
                      const struct ps_run *run)
{
    if (t->o->train.select == PS_SELECT_ACCURACY && e->valid_accuracy != run->valid_accuracy)
        return e->valid_accuracy > run->valid_accuracy;
    return e->valid_loss < run->valid_loss;
}

/* Evaluate on validation where it is due, and keep the weights of the best epoch. */
static PS_MUST ps_status validate(struct ps_trainer *t, struct ps_run *run, uint64_t epoch)
{
    struct ps_epoch *e = &run->epoch[epoch];
    bool any;

    if (t->valid == NULL) {
        keep_best(t, run, epoch);
        return PS_OK;
    }
    if ((epoch + 1) % t->o->train.eval_every != 0 && epoch + 1 != t->o->train.epochs)
        return PS_OK;
    PS_TRY(score(t, t->valid, "validation", &e->valid_accuracy, &e->valid_loss, &any,
                 &e->eval_seconds));
    run->eval_seconds += e->eval_seconds;
    e->evaluated = any;
    if (!any || !run->has_valid || is_better(t, e, run)) {
        keep_best(t, run, epoch);
        run->valid_accuracy = e->valid_accuracy;
        run->valid_loss = e->valid_loss;
        run->has_valid = any;
    }
    return PS_OK;
}

static void begin_anew(struct ps_trainer *t, uint64_t seed, uint32_t split, struct ps_run *run)
{
    struct ps_epoch *room = run->epoch;

    *run = (struct ps_run){.seed = seed, .split = split, .epoch = room};
    t->at = (struct ps_position){.epoch = 0};
    ps_model_reset(t->model, seed);
    ps_optim_reset(t->optim);
}

static void go_on(struct ps_trainer *t, uint64_t seed, uint32_t split, struct ps_run *run,
                  const struct ps_position *from)
{
    ps_real *m, *v;

    run->seed = seed;
    run->split = split;
    t->at = *from;
    *ps_optim_state(t->optim, &m, &v) = from->steps;
}

static PS_MUST ps_status begin_run(struct ps_trainer *t, uint32_t split)
{
    PS_TRY(ps_shard_use_split(t->shard, split));
    if (ps_shard_train_total(t->shard) == 0)
        PS_FAIL(PS_EINPUT, "%s: split %u has no training nodes", ps_dataset_path(t->shard->dataset),
                split);
    ps_eval_free(&t->valid);
    ps_eval_free(&t->test);
    if (t->o->train.eval != PS_EVAL_NONE) {
        PS_TRY(ps_eval_new(&t->valid, t->shard, t->model, PS_SPLIT_VALID));
        PS_TRY(ps_eval_new(&t->test, t->shard, t->model, PS_SPLIT_TEST));
    }
    return PS_OK;
}

static PS_MUST ps_status end_run(struct ps_trainer *t, struct ps_run *run)
{
    double seconds;

    memcpy(ps_model_weights(t->model), t->best, ps_model_weight_count(t->model) * sizeof *t->best);
    if (t->test == NULL)
        return PS_OK;
    PS_TRY(
        score(t, t->test, "test", &run->test_accuracy, &run->test_loss, &run->has_test, &seconds));
    run->eval_seconds += seconds;
    return PS_OK;
}

static PS_MUST ps_status run_epochs(struct ps_trainer *t, uint64_t seed, uint32_t split,
                                    struct ps_run *run, const struct ps_position *from,
                                    const struct ps_train_hooks *hooks)
{
    PS_TRY(begin_run(t, split));
    if (from == NULL)
        begin_anew(t, seed, split, run);
    else
        go_on(t, seed, split, run, from);
    PS_TRY(ps_world_agree(
        t->world, ps_loader_start(t->loader, seed, t->at.epoch, t->at.batch, t->o->train.epochs)));
    if (!t->is_set_up) {
        struct ps_span setup = {t->ctx->trace.start_ns, PS_EV_setup};
        ps_span_end(&t->ctx->trace, &setup, 0);
        t->is_set_up = true;
    }
    for (uint64_t epoch = t->at.epoch; epoch < t->o->train.epochs; epoch++) {
        run->epoch[epoch] = (struct ps_epoch){.loss = 0};
        PS_TRY(train_epoch(t, run, &run->epoch[epoch], hooks));
        PS_TRY(validate(t, run, epoch));
        run->epoch_count = epoch + 1;
        t->at = (struct ps_position){.epoch = epoch + 1, .steps = t->at.steps};
        PS_TRY(ps_world_agree(t->world, hooks->after_epoch(hooks->arg, run)));
        if (t->o->train.patience > 0 && run->has_valid &&
            epoch - run->best_epoch >= t->o->train.patience)
            break;
    }
    return end_run(t, run);
}

ps_status ps_trainer_run(struct ps_trainer *t, uint64_t seed, uint32_t split, struct ps_run *run,
                         const struct ps_position *from, const struct ps_train_hooks *hooks)
{
    ps_status st = run_epochs(t, seed, split, run, from, hooks);

    if (st != PS_OK) /* who failed, and how, is looked for when no thread talks any more */
        ps_loader_rest(t->loader);
    return st;
}

struct ps_model *ps_trainer_model(struct ps_trainer *t)
{
    return t->model;
}

struct ps_trainer_state ps_trainer_state(struct ps_trainer *t)
{
    struct ps_trainer_state s = {.count = ps_model_weight_count(t->model),
                                 .weights = ps_model_weights(t->model),
                                 .best = t->best};

    (void)ps_optim_state(t->optim, &s.m, &s.v);
    return s;
}

struct ps_trainer_counts ps_trainer_counts(const struct ps_trainer *t)
{
    struct ps_loader_counts loader = ps_loader_counts(t->loader);

    return (struct ps_trainer_counts){
        .seeds = t->seeds_done,
        .samples_fingerprint = t->samples,
        .bytes_fingerprint = t->bytes,
        .sampled_edges = t->edges,
        .rows = loader.rows,
        .windows = loader.windows,
        .slots = loader.slots,
    };
}
