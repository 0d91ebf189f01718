/* SPDX-License-Identifier: Apache-2.0 */
/* The asking half: the union of a window, its places in the slab, the rows of each batch. */
#include "src/graph/row_window.h"

#include "src/graph/row_answer.h"
#include "src/graph/row_store.h"

#include <omp.h>
#include <string.h>
#include <xxhash.h>

struct ps_row_window {
    struct ps_shard *shard;
    struct ps_row_pool pool;
    struct ps_row_answer owner;
    uint32_t number;         /* of the window, from 1 */
    struct ps_idmap map;     /* nodes of the union, in first-occurrence order */
    struct ps_row_want want; /* the same ascending, with their masks and slots */
    uint64_t *mask;          /* (union) by map number */
    uint32_t *rank;          /* (union) by map number: position in `want` */
    struct ps_sort_pair *pair;
    size_t mask_cap, rank_cap, pair_cap, node_cap, want_mask_cap, slot_cap, flag_cap;
    uint64_t *sum; /* (threads, PS_WINDOW_MAX) fingerprints */
    size_t sum_cap;
    struct ps_row_counts counts;
};

void ps_batch_rows_init(struct ps_batch_rows *b, struct ps_mem *mem, const struct ps_meta *meta)
{
    memset(b, 0, sizeof *b);
    ps_row_store_init(&b->bags, mem, meta);
}

void ps_batch_rows_fini(struct ps_batch_rows *b, struct ps_mem *mem)
{
    ps_mem_free(mem, &b->slot);
    ps_mem_free(mem, &b->degree);
    ps_row_store_fini(&b->bags);
}

ps_status ps_row_window_new(struct ps_row_window **out, struct ps_shard *shard, uint64_t slots)
{
    struct ps_mem *m = &ps_world_ctx(shard->world)->mem;
    struct ps_row_window *w;
    ps_status st;

    *out = NULL;
    PS_TRY(PS_NEW(m, PS_MEM_ROWS, w, 1));
    w->shard = shard;
    PS_GO(st, ps_row_pool_init(&w->pool, m, shard->meta, slots));
    PS_GO(st, ps_row_answer_init(&w->owner, shard));
    PS_GO(st, ps_idmap_init(&w->map, m));
    PS_GO(st, PS_NEW(m, PS_MEM_EXCHANGE, w->want.begin, ps_world_ranks(shard->world) + 1));
    *out = w;
    return PS_OK;
out:
    ps_row_window_free(&w);
    return st;
}

void ps_row_window_free(struct ps_row_window **out)
{
    struct ps_row_window *w = *out;
    struct ps_mem *m;

    if (w == NULL)
        return;
    m = &ps_world_ctx(w->shard->world)->mem;
    ps_row_pool_fini(&w->pool);
    ps_row_answer_fini(&w->owner);
    ps_idmap_fini(&w->map);
    ps_mem_free(m, &w->want.begin);
    ps_mem_free(m, &w->want.node);
    ps_mem_free(m, &w->want.mask);
    ps_mem_free(m, &w->want.slot);
    ps_mem_free(m, &w->want.flag);
    ps_mem_free(m, &w->mask);
    ps_mem_free(m, &w->rank);
    ps_mem_free(m, &w->pair);
    ps_mem_free(m, &w->sum);
    ps_mem_free(m, &w);
    *out = NULL;
}

/* The distinct nodes of all batches, and in which batches each is. The rows of a batch hold its map
 * numbers meanwhile. */
static PS_MUST ps_status find_union(struct ps_row_window *w, const struct ps_sample *batch,
                                    uint32_t n, uint32_t parts, struct ps_batch_rows *rows)
{
    struct ps_mem *m = &ps_world_ctx(w->shard->world)->mem;

    ps_idmap_clear(&w->map);
    for (uint32_t b = 0; b < n; b++) {
        uint32_t before = w->map.count;
        PS_TRY(PS_GROW(m, PS_MEM_ROWS, rows[b].slot, rows[b].slot_cap, batch[b].count, 0));
        PS_TRY(PS_GROW(m, PS_MEM_ROWS, rows[b].degree, rows[b].degree_cap, batch[b].count, 0));
        rows[b].count = batch[b].count;
        PS_TRY(ps_idmap_reserve(&w->map, batch[b].count));
        for (uint32_t i = 0; i < batch[b].count; i++)
            rows[b].slot[i] = ps_idmap_put(&w->map, batch[b].node[i]);
        PS_TRY(PS_GROW(m, PS_MEM_ROWS, w->mask, w->mask_cap, w->map.count, before));
        memset(w->mask + before, 0, (w->map.count - before) * sizeof *w->mask);
        for (uint32_t i = 0; i < batch[b].count; i++)
            w->mask[rows[b].slot[i]] |= UINT64_C(1) << (b / parts);
        w->counts.used += batch[b].count;
    }
    return PS_OK;
}

/* The union in ascending order, by owner, and a place in the slab for each row. */
static PS_MUST ps_status place_union(struct ps_row_window *w, uint32_t batches)
{
    struct ps_mem *m = &ps_world_ctx(w->shard->world)->mem;
    struct ps_row_want *want = &w->want;
    uint32_t ranks = ps_world_ranks(w->shard->world), n = w->map.count;

    PS_TRY(PS_GROW(m, PS_MEM_ROWS, w->pair, w->pair_cap, n, 0));
    PS_TRY(PS_GROW(m, PS_MEM_ROWS, w->rank, w->rank_cap, n, 0));
    PS_TRY(PS_GROW(m, PS_MEM_ROWS, want->node, w->node_cap, n, 0));
    PS_TRY(PS_GROW(m, PS_MEM_ROWS, want->mask, w->want_mask_cap, n, 0));
    PS_TRY(PS_GROW(m, PS_MEM_ROWS, want->flag, w->flag_cap, n, 0));
    PS_TRY(PS_GROW(m, PS_MEM_ROWS, want->slot, w->slot_cap, n, 0));
    for (uint32_t k = 0; k < n; k++)
        w->pair[k] = (struct ps_sort_pair){w->map.id[k], k};
    ps_sort_pairs(w->pair, n);
    memset(want->begin, 0, (ranks + 1) * sizeof *want->begin);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = (uint32_t)w->pair[i].with;
        want->node[i] = w->pair[i].id;
        want->mask[i] = w->mask[k];
        w->rank[k] = i;
        want->begin[ps_shard_owner(w->shard, want->node[i]) + 1]++;
    }
    for (uint32_t r = 0; r < ranks; r++)
        want->begin[r + 1] += want->begin[r];
    want->batches = batches;
    PS_TRY(ps_row_pool_place(&w->pool, w->number, want->node, n, want->slot));
    want->count = n; /* from here on there are slots to forget */
    w->counts.wanted += n;
    for (uint32_t i = 0; i < n; i++)
        w->counts.missing += want->slot[i] >> PS_ROW_MISSING_BIT;
    return PS_OK;
}

/* Rows that were announced and did not come must not be found later. */
static void forget_missing(struct ps_row_window *w)
{
    for (uint64_t i = 0; i < w->want.count; i++)
        if ((w->want.slot[i] & PS_ROW_MISSING) != 0)
            ps_row_pool_forget(&w->pool, w->want.slot[i] & ~PS_ROW_MISSING);
    w->want.count = 0;
}

static uint64_t hash_of(const struct ps_row_pool *p, uint32_t s)
{
    size_t item = p->meta->feature_index_bytes;
    uint64_t h;

    if (p->row_bytes > 0)
        return XXH3_64bits(ps_row_pool_row(p, s), p->row_bytes);
    h = XXH3_64bits(p->col[p->which] + p->begin[s] * item, p->length[s] * item);
    return !p->meta->feature_values ? h
                                    : XXH3_64bits_withSeed(p->value[p->which] + p->begin[s],
                                                           p->length[s] * sizeof(float), h);
}

/* What has come is hashed once. */
static void hash_missing(struct ps_row_window *w)
{
    struct ps_row_pool *p = &w->pool;
    const struct ps_row_want *want = &w->want;
    int threads = ps_world_ctx(w->shard->world)->threads;

#pragma omp parallel for num_threads(threads) schedule(static) default(none) firstprivate(p, want)
    for (uint64_t i = 0; i < want->count; i++)
        if ((want->slot[i] & PS_ROW_MISSING) != 0)
            p->slot[want->slot[i] & ~PS_ROW_MISSING].hash =
                hash_of(p, want->slot[i] & ~PS_ROW_MISSING);
}

/* What this rank counts of row i of the union, added to the sums of the batches. */
static void count_row(const struct ps_row_window *w, const struct ps_sample *batch, uint32_t parts,
                      uint64_t i, uint64_t *sum)
{
    static const uint32_t type_bits[] = {[PS_TYPE_F32] = 32, [PS_TYPE_F16] = 16, [PS_TYPE_I8] = 8};
    const struct ps_row_pool *p = &w->pool;
    const uint64_t width = p->row_bytes > 0 ? type_bits[p->meta->feature_type] : 32;
    const struct ps_row_slot *s = &p->slot[w->want.slot[i] & ~PS_ROW_MISSING];

    for (uint64_t left = w->want.flag[i]; left != 0; left &= left - 1) {
        uint32_t b = (uint32_t)__builtin_ctzll(left);
        const struct ps_batch_id *id = &batch[(size_t)b * parts].id;
        const uint64_t word[] = {id->epoch, id->index, w->want.node[i], width, s->hash};
        sum[b] += XXH3_64bits(word, sizeof word);
    }
}

/* Integers modulo 2^64: neither order nor threads matter. */
static PS_MUST ps_status count_bytes(struct ps_row_window *w, const struct ps_sample *batch,
                                     uint32_t n, uint32_t parts, struct ps_batch_rows *rows)
{
    struct ps_ctx *ctx = ps_world_ctx(w->shard->world);
    const int threads = ctx->threads;
    const uint64_t count = w->want.count;
    uint64_t *sums;

    PS_TRY(PS_GROW(&ctx->mem, PS_MEM_ROWS, w->sum, w->sum_cap, (size_t)threads * PS_WINDOW_MAX, 0));
    sums = w->sum;
    memset(sums, 0, (size_t)threads * PS_WINDOW_MAX * sizeof *sums);
#pragma omp parallel for num_threads(threads) schedule(static) default(none)                       \
    firstprivate(w, batch, parts, count, sums)
    for (uint64_t i = 0; i < count; i++)
        count_row(w, batch, parts, i, sums + (size_t)omp_get_thread_num() * PS_WINDOW_MAX);
    for (uint32_t b = 0; b < n; b++) {
        rows[b].fingerprint = 0;
        for (int t = 0; t < threads && b % parts == 0; t++)
            rows[b].fingerprint += sums[(size_t)t * PS_WINDOW_MAX + b / parts];
    }
    return PS_OK;
}

/* From map numbers to slots; bags are laid out for the batch. */
static PS_MUST ps_status fill_batch(struct ps_row_window *w, struct ps_batch_rows *b)
{
    struct ps_row_pool *p = &w->pool;
    size_t item = p->meta->feature_index_bytes;

    for (uint32_t i = 0; i < b->count; i++) {
        b->slot[i] = w->want.slot[w->rank[b->slot[i]]] & ~PS_ROW_MISSING;
        b->degree[i] = p->slot[b->slot[i]].degree;
    }
    if (p->row_bytes > 0)
        return PS_OK;
    PS_TRY(ps_row_store_begin(&b->bags, b->count));
    for (uint32_t i = 0; i < b->count; i++)
        b->bags.begin[i + 1] = p->length[b->slot[i]];
    PS_TRY(ps_row_store_sized(&b->bags));
    for (uint32_t i = 0; i < b->count; i++) {
        uint64_t at = p->begin[b->slot[i]];
        ps_row_store_put_csr(
            &b->bags, i, p->col[p->which] + at * item,
            !p->meta->feature_values ? NULL : (const unsigned char *)(p->value[p->which] + at));
    }
    return PS_OK;
}

static PS_MUST ps_status finish(struct ps_row_window *w, const struct ps_sample *batch, uint32_t n,
                                uint32_t parts, struct ps_batch_rows *rows)
{
    PS_TRY(ps_row_answer_take(&w->owner, &w->want, &w->pool));
    hash_missing(w);
    PS_TRY(count_bytes(w, batch, n, parts, rows));
    for (uint32_t b = 0; b < n; b++)
        PS_TRY(fill_batch(w, &rows[b]));
    return PS_OK;
}

ps_status ps_row_window_run(struct ps_row_window *w, ps_status mine, const struct ps_sample *batch,
                            uint32_t n, uint32_t parts, struct ps_batch_rows *rows)
{
    struct ps_ctx *ctx = ps_world_ctx(w->shard->world);
    struct ps_span span = ps_span_begin(PS_EV_rows);
    uint64_t before = w->owner.stored_bytes;
    ps_status st = mine;

    PS_ASSERT(parts >= 1 && n % parts == 0 && n / parts <= PS_WINDOW_MAX);
    w->want.count = 0;
    w->number++;
    if (st == PS_OK)
        st = find_union(w, batch, n, parts, rows);
    if (st == PS_OK)
        st = place_union(w, n / parts);
    st = ps_row_answer_ask(&w->owner, st, &w->want);
    if (st == PS_OK) {
        st = ps_row_answer_read(&w->owner, &w->want, &w->pool);
        st = ps_row_answer_reply(&w->owner, st);
        if (st == PS_OK)
            st = finish(w, batch, n, parts, rows);
    }
    if (st != PS_OK)
        forget_missing(w);
    ps_span_end(&ctx->trace, &span, w->owner.stored_bytes - before);
    return st;
}

struct ps_rows ps_row_window_rows(const struct ps_row_window *w, const struct ps_batch_rows *b)
{
    const struct ps_row_pool *p = &w->pool;

    if (p->row_bytes == 0)
        return ps_row_store_rows(&b->bags);
    return (struct ps_rows){.count = b->count,
                            .dim = p->meta->feature_dim,
                            .packed = {.base = p->base,
                                       .stride = p->row_bytes,
                                       .slot = b->slot,
                                       .type = ps_row_type(p->meta)}};
}

uint64_t ps_row_window_union(const struct ps_row_window *w)
{
    return w->map.count;
}

struct ps_row_counts ps_row_window_counts(const struct ps_row_window *w)
{
    struct ps_row_counts c = w->counts;

    c.rows = w->owner.rows;
    c.stored_bytes = w->owner.stored_bytes;
    c.heard_bytes = w->owner.heard_bytes;
    c.raw_bytes = w->owner.raw_bytes;
    return c;
}
