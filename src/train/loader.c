/* SPDX-License-Identifier: Apache-2.0 */
#include "src/train/loader.h"

#include "src/train/budget.h"

#include <string.h>

enum { WINDOW_AUTO = 16 }; /* most batches that are looked ahead without being asked for */

/* One global batch with the storage of its parts. */
struct slot {
    struct ps_seeds seeds;
    struct ps_loaded out;
};

/* A window; two of them take turns. */
struct window {
    uint64_t epoch, first;
    uint32_t count;
    struct slot slot[PS_WINDOW_MAX];
    struct ps_sample *sample;   /* (window_max * parts) */
    struct ps_batch_rows *rows; /* (window_max * parts) */
    struct ps_batch *part;      /* (window_max * parts) */
};

struct ps_loader {
    struct ps_shard *shard;
    struct ps_loader_setup set;
    struct ps_sampler *sampler;
    struct ps_row_window *rows; /* made when the first batch has shown how large batches are */
    struct window window[2];
    uint32_t window_max; /* batches that a window has storage for */
    uint32_t width;      /* batches of the next window */
    uint32_t ready;      /* which window is in use */
    uint32_t at;         /* batches of it that were handed out */
    bool has_ready, is_running;
    ps_status result; /* of the job that has ended and was not told yet */
    bool has_result;
    uint64_t seed, epoch, batch, batches, epochs; /* where the next window begins */
    uint64_t training;                            /* bytes that a part of a batch needs */
    uint64_t *fit;                                /* (R) widths that the ranks can hold */
    struct ps_loader_counts counts;
};

static struct ps_mem *mem_of(const struct ps_loader *l)
{
    return &ps_world_ctx(l->shard->world)->mem;
}

static PS_MUST ps_status make_window(struct ps_loader *l, struct window *w)
{
    struct ps_mem *m = mem_of(l);
    size_t n = (size_t)l->window_max * l->set.parts;

    PS_TRY(PS_NEW(m, PS_MEM_BLOCKS, w->sample, n));
    PS_TRY(PS_NEW(m, PS_MEM_BLOCKS, w->rows, n));
    PS_TRY(PS_NEW(m, PS_MEM_BLOCKS, w->part, n));
    for (size_t i = 0; i < n; i++) {
        ps_sample_init(&w->sample[i], m);
        ps_batch_rows_init(&w->rows[i], m, l->shard->meta);
    }
    for (uint32_t b = 0; b < l->window_max; b++)
        PS_TRY(ps_seeds_init(&w->slot[b].seeds, l->shard));
    return PS_OK;
}

static void free_window(struct ps_loader *l, struct window *w)
{
    struct ps_mem *m = mem_of(l);
    size_t n = (size_t)l->window_max * l->set.parts;

    for (size_t i = 0; w->sample != NULL && i < n; i++)
        ps_sample_fini(&w->sample[i]);
    for (size_t i = 0; w->rows != NULL && i < n; i++)
        ps_batch_rows_fini(&w->rows[i], m);
    for (uint32_t b = 0; b < l->window_max; b++)
        ps_seeds_fini(&w->slot[b].seeds);
    ps_mem_free(m, &w->sample);
    ps_mem_free(m, &w->rows);
    ps_mem_free(m, &w->part);
}

ps_status ps_loader_new(struct ps_loader **out, struct ps_shard *shard,
                        const struct ps_loader_setup *setup)
{
    struct ps_mem *m = &ps_world_ctx(shard->world)->mem;
    struct ps_loader *l;
    ps_status st;

    PS_ASSERT(setup->parts >= 1 && setup->window <= PS_WINDOW_MAX);
    *out = NULL;
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, l, 1));
    l->shard = shard;
    l->set = *setup;
    l->window_max = setup->window > 0 ? setup->window : WINDOW_AUTO;
    l->width = 1;
    PS_GO(st, PS_NEW(m, PS_MEM_OTHER, l->fit, ps_world_ranks(shard->world)));
    PS_GO(st, ps_sampler_new(&l->sampler, shard, setup->fanout, setup->layers));
    for (int k = 0; k < 2; k++)
        PS_GO(st, make_window(l, &l->window[k]));
    *out = l;
    return PS_OK;
out:
    ps_loader_free(&l);
    return st;
}

/* Wait for the job, and hold its sentence. */
static void join(struct ps_loader *l)
{
    if (!l->is_running)
        return;
    l->result = ps_world_end(l->shard->world);
    ps_err_hold(l->result != PS_OK);
    l->is_running = false;
    l->has_result = true;
}

/* What the job returned; its sentence is free again. */
static ps_status take_result(struct ps_loader *l)
{
    ps_status st = l->has_result ? l->result : PS_OK;

    ps_err_hold(-(st != PS_OK));
    l->has_result = false;
    return st;
}

void ps_loader_free(struct ps_loader **out)
{
    struct ps_loader *l = *out;
    struct ps_mem *m;

    if (l == NULL)
        return;
    m = mem_of(l);
    join(l);
    (void)take_result(l); /* whoever asked for the end knows more */
    ps_row_window_free(&l->rows);
    for (int k = 0; k < 2; k++)
        free_window(l, &l->window[k]);
    ps_sampler_free(&l->sampler);
    ps_mem_free(m, &l->fit);
    ps_mem_free(m, &l);
    *out = NULL;
}

ps_status ps_loader_start(struct ps_loader *l, uint64_t seed, uint64_t epoch, uint64_t batch,
                          uint64_t epochs)
{
    join(l);
    PS_TRY(take_result(l));
    l->has_ready = false;
    l->seed = seed;
    l->epoch = epoch;
    l->batch = batch;
    l->epochs = epochs;
    l->batches = ps_seeds_batches(l->shard, l->set.batch_size);
    if (l->batch >= l->batches) {
        l->epoch++;
        l->batch = 0;
    }
    for (int k = 0; k < 2; k++)
        for (uint32_t b = 0; b < l->window_max; b++)
            PS_TRY(ps_seeds_reserve(&l->window[k].slot[b].seeds, l->set.batch_size));
    return PS_OK;
}

/* The seeds of this rank, cut in parts of nearly equal size. */
static PS_MUST ps_status cut_seeds(struct ps_loader *l, struct window *w, uint32_t b)
{
    const struct slot *slot = &w->slot[b];
    uint64_t parts = l->set.parts;

    for (uint64_t i = 0; i < parts; i++) {
        uint64_t from = slot->seeds.count * i / parts, to = slot->seeds.count * (i + 1) / parts;
        PS_TRY(ps_sample_begin(&w->sample[b * parts + i], &slot->out.id, slot->seeds.node + from,
                               ps_u32(to - from)));
        w->part[b * parts + i].label = slot->seeds.label + from;
    }
    return PS_OK;
}

/* Seeds of all batches. Every rank makes every call, whatever has failed: some of them travel. */
static PS_MUST ps_status begin_batches(struct ps_loader *l, struct window *w)
{
    ps_status st = PS_OK;

    for (uint32_t b = 0; b < w->count; b++) {
        struct slot *slot = &w->slot[b];
        slot->out = (struct ps_loaded){.id = {l->seed, w->epoch, w->first + b}};
        st = ps_seeds_take(&slot->seeds, st, l->seed, w->epoch, w->first + b, l->set.batch_size);
        slot->out.total = slot->seeds.total;
        if (st == PS_OK)
            st = cut_seeds(l, w, b);
    }
    return st;
}

/* What training sees. */
static void show_batch(struct ps_loader *l, struct window *w, uint32_t b)
{
    struct ps_loaded *out = &w->slot[b].out;

    out->part = &w->part[(size_t)b * l->set.parts];
    for (size_t i = (size_t)b * l->set.parts; i < (size_t)(b + 1) * l->set.parts; i++) {
        const struct ps_sample *s = &w->sample[i];
        w->part[i] = (struct ps_batch){
            .seed = out->id.seed,
            .epoch = out->id.epoch,
            .index = out->id.index,
            .layer_count = l->set.layers,
            .block = s->block,
            .node = s->node,
            .out_degree = w->rows[i].degree,
            .input = ps_row_window_rows(l->rows, &w->rows[i]),
            .label = w->part[i].label,
        };
        out->samples += s->fingerprint;
        out->bytes += w->rows[i].fingerprint;
        out->edges += s->edges;
    }
}

/* How many batches the next window may have on this rank. */
static uint64_t width_that_fits(const struct ps_loader *l, const struct window *w)
{
    uint64_t want = ps_min(2 * (uint64_t)l->width, l->window_max);
    struct ps_budget_window seen = {.width = w->count, .training = l->training};

    for (size_t i = 0; i < (size_t)w->count * l->set.parts; i++)
        seen.block_bytes +=
            ps_sample_bytes(&w->sample[i]) + w->rows[i].slot_cap * 2 * sizeof(uint32_t);
    seen.rows = ps_row_window_union(l->rows);
    return ps_budget_width(mem_of(l), &seen, l->counts.slots, want);
}

/* The slab, as large as what is left of the memory. */
static PS_MUST ps_status make_slab(struct ps_loader *l, const struct window *w)
{
    struct ps_budget_rows need = {.nodes = l->shard->meta->nodes, .width = w->count};
    const struct ps_meta *meta = l->shard->meta;

    for (size_t i = 0; i < (size_t)w->count * l->set.parts; i++) {
        need.training = ps_max(need.training, l->set.need(l->set.need_arg, &w->sample[i]));
        need.blocks += ps_sample_bytes(&w->sample[i]);
        need.rows += w->sample[i].count;
    }
    l->training = need.training;
    need.row_bytes = ps_row_pool_bytes(meta);
    need.ranks = ps_comm_local_ranks(ps_world_comm(l->shard->world));
    PS_TRY(ps_budget_slots(mem_of(l), &need, &l->counts.slots));
    return ps_row_window_new(&l->rows, l->shard, l->counts.slots);
}

static PS_MUST ps_status load(struct ps_loader *l, struct window *w)
{
    uint32_t n = w->count * l->set.parts;
    ps_status st = ps_sampler_run(l->sampler, begin_batches(l, w), w->sample, n);

    if (l->rows == NULL) { /* on all ranks alike */
        if (st == PS_OK)
            st = make_slab(l, w);
        st = ps_world_agree(l->shard->world, st);
        if (st != PS_OK) {
            ps_row_window_free(&l->rows);
            return st;
        }
    }
    PS_TRY(ps_row_window_run(l->rows, st, w->sample, n, l->set.parts, w->rows));
    for (uint32_t b = 0; b < w->count; b++)
        show_batch(l, w, b);
    return PS_OK;
}

/* Prepare the window that is not in use; all ranks learn whether it worked. */
static ps_status prepare(void *arg)
{
    struct ps_loader *l = arg;
    struct window *w = &l->window[1 - l->ready];
    struct ps_world *world = l->shard->world;
    uint64_t own;
    ps_status st;

    w->epoch = l->epoch;
    w->first = l->batch;
    w->count = ps_u32(ps_min(l->width, l->batches - l->batch));
    st = load(l, w);
    own = st == PS_OK ? width_that_fits(l, w) : 0;
    PS_TRY(ps_world_gather(world, st, &own, sizeof own, l->fit));
    for (uint32_t r = 0; r < ps_world_ranks(world); r++)
        own = ps_min(own, l->fit[r]);
    l->width = ps_u32(ps_max(own, 1));
    l->counts.windows++;
    l->counts.batches += w->count;
    l->batch += w->count;
    if (l->batch == l->batches) {
        l->batch = 0;
        l->epoch++;
    }
    return PS_OK;
}

static void begin(struct ps_loader *l)
{
    if (l->epoch >= l->epochs)
        return;
    ps_world_begin(l->shard->world, prepare, l);
    l->is_running = true;
}

ps_status ps_loader_pause(struct ps_loader *l)
{
    join(l);
    return l->has_result && l->result != PS_OK ? take_result(l) : PS_OK;
}

void ps_loader_rest(struct ps_loader *l)
{
    ps_err_hold(1);
    join(l);
    (void)take_result(l);
    ps_err_hold(-1);
}

/* The next window becomes the one in use; the one after it is begun. */
static PS_MUST ps_status turn(struct ps_loader *l)
{
    if (!l->is_running && !l->has_result)
        begin(l);
    join(l);
    PS_TRY(take_result(l));
    l->ready = 1 - l->ready;
    l->has_ready = true;
    l->at = 0;
    if (l->set.overlap)
        begin(l);
    return PS_OK;
}

ps_status ps_loader_next(struct ps_loader *l, const struct ps_loaded **batch)
{
    if (!l->has_ready || l->at == l->window[l->ready].count)
        PS_TRY(turn(l));
    *batch = &l->window[l->ready].slot[l->at++].out;
    return PS_OK;
}

struct ps_loader_counts ps_loader_counts(const struct ps_loader *l)
{
    struct ps_loader_counts c = l->counts;

    if (l->rows != NULL)
        c.rows = ps_row_window_counts(l->rows);
    return c;
}
