/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a dataset in its new order, a chunk of nodes at a time. Sizes of all parts come from
 * one pass over the row ends. On the way edges between partitions are counted, and with one bit
 * for each node also how many distinct nodes a partition needs from others.
 */
#include "src/graph/partition.h"

#include "io/dataset_write.h"
#include "src/graph/gather.h"
#include "src/graph/sort_u64.h"

#include <string.h>

enum { PIECE = 1 << 15, STAGE_MIN = 64 << 10, STAGE_MAX = 8 << 20, CHUNK_NODES_MAX = 1 << 18 };

struct rewriter {
    struct ps_source *s;
    const struct ps_cut *c;
    struct ps_dataset_writer *w;
    struct ps_gather g;
    struct ps_cut_counts *counts; /* (parts) */
    uint64_t *values;             /* (parts) CSR features stored in each */
    uint64_t chunk_nodes, chunk_items;
    uint64_t row_bytes;        /* largest fixed row of a node */
    unsigned char *rows;       /* (rows_cap) */
    uint64_t *id;              /* (id_cap) sources of the chunk */
    float *weight;             /* (weight_cap) */
    struct ps_sort_pair *pair; /* (pair_cap) one row with weights */
    uint64_t *seen;            /* a bit for each node: a remote source of this part */
    size_t rows_cap, id_cap, weight_cap, pair_cap;
};

/* Edges and CSR values of each new part. */
static PS_MUST ps_status size_parts(struct rewriter *r)
{
    const struct ps_meta *meta = r->s->meta;
    uint32_t k = 0;

    for (uint64_t v = 0, n; v < meta->nodes; v += n) {
        uint64_t *degree = r->id, *values = r->id + PIECE;
        n = ps_min(PIECE, meta->nodes - v);
        PS_TRY(ps_source_lengths(r->s, PS_ARRAY_INDPTR, v, n, degree));
        if (meta->feature_kind == PS_FEATURES_CSR)
            PS_TRY(ps_source_lengths(r->s, PS_ARRAY_FEATURES_INDPTR, v, n, values));
        for (uint64_t i = 0; i < n; i++) {
            uint64_t now = r->c->new_of != NULL ? r->c->new_of[v + i] : v + i;
            if (now < r->c->offsets[k] || now >= r->c->offsets[k + 1]) {
                uint32_t lo = 0, hi = r->c->parts;
                while (hi - lo > 1) {
                    uint32_t mid = lo + (hi - lo) / 2;
                    *(r->c->offsets[mid] <= now ? &lo : &hi) = mid;
                }
                k = lo;
            }
            r->counts[k].edges += degree[i];
            if (meta->feature_kind == PS_FEATURES_CSR)
                r->values[k] += values[i];
        }
    }
    for (k = 0; k < r->c->parts; k++)
        r->counts[k].nodes = r->c->offsets[k + 1] - r->c->offsets[k];
    return PS_OK;
}

/* Items of one node in an array with fixed rows, and the bytes of each. 0 if it is not there. */
static uint64_t fixed_cols(const struct ps_meta *m, enum ps_array_id id, uint64_t *item_bytes)
{
    static const uint64_t dense[] = {[PS_TYPE_F32] = 4, [PS_TYPE_F16] = 2, [PS_TYPE_I8] = 1};
    bool multi = m->task == PS_TASK_MULTI_LABEL;

    if (id == PS_ARRAY_FEATURES) {
        *item_bytes = dense[m->feature_type];
        return m->feature_kind == PS_FEATURES_DENSE ? m->feature_dim : 0;
    }
    if (id == PS_ARRAY_LABELS) {
        *item_bytes = multi ? 1 : sizeof(int32_t);
        if (m->task == PS_TASK_NONE)
            return 0;
        return multi ? ps_div_up(m->classes, 8) : 1;
    }
    *item_bytes = id == PS_ARRAY_SPLIT ? 1 : id == PS_ARRAY_ORIG_ID ? 8 : 4;
    return id == PS_ARRAY_SPLIT && m->splits == 0 ? 0 : 1;
}

static const enum ps_array_id fixed[] = {PS_ARRAY_FEATURES, PS_ARRAY_LABELS, PS_ARRAY_SPLIT,
                                         PS_ARRAY_ORIG_ID, PS_ARRAY_OUT_DEGREE};
enum { FIXED = sizeof fixed / sizeof fixed[0] };

/* Buffers: half of what the budget has left, 128 MiB without one. What is written does not
 * depend on them. */
static PS_MUST ps_status take_buffers(struct rewriter *r)
{
    struct ps_mem *m = &r->s->ctx->mem;
    uint64_t limit = atomic_load(&m->limit_bytes), used, half, bytes, mean;

    PS_TRY(PS_NEW(m, PS_MEM_OTHER, r->values, r->c->parts));
    PS_TRY(PS_NEW(m, PS_MEM_TOPOLOGY, r->seen, ps_div_up(r->s->meta->nodes, 64)));
    used = atomic_load(&m->used_bytes);
    half = limit == 0 ? UINT64_C(128) << 20 : (limit - ps_min(limit, used)) / 2;
    r->row_bytes = 8;
    for (int i = 0; i < FIXED; i++)
        r->row_bytes = ps_max(fixed_cols(r->s->meta, fixed[i], &bytes) * bytes, r->row_bytes);
    r->chunk_nodes = half / 4 / (r->row_bytes + 80); /* 80: what gather keeps for a node */
    r->chunk_nodes = ps_max(1, ps_min(r->chunk_nodes, CHUNK_NODES_MAX));
    r->chunk_items = half / 4 / (r->s->meta->weighted ? 12 : 8);
    r->chunk_items = ps_max(UINT64_C(2) * PIECE, ps_min(r->chunk_items, UINT64_C(1) << 22));
    r->chunk_nodes = ps_min(r->chunk_nodes, r->s->meta->nodes);
    mean = r->s->meta->edges / r->s->meta->nodes + 1;
    r->chunk_nodes = ps_min(r->chunk_nodes, ps_max(1, r->chunk_items / mean));
    PS_TRY(PS_GROW(m, PS_MEM_STAGING, r->rows, r->rows_cap, r->chunk_nodes * r->row_bytes, 0));
    PS_TRY(PS_GROW(m, PS_MEM_TOPOLOGY, r->id, r->id_cap, UINT64_C(2) * PIECE, 0));
    return ps_gather_init(&r->g, r->s, r->chunk_nodes,
                          ps_max(STAGE_MIN, ps_min(half / 8, STAGE_MAX)));
}

static void give_buffers(struct rewriter *r)
{
    struct ps_mem *m = &r->s->ctx->mem;

    ps_gather_fini(&r->g);
    ps_mem_free(m, &r->values);
    ps_mem_free(m, &r->seen);
    ps_mem_free(m, &r->rows);
    ps_mem_free(m, &r->id);
    ps_mem_free(m, &r->weight);
    ps_mem_free(m, &r->pair);
}

/* The first nodes of the chunk whose edges and CSR values are no more than chunk_items each. */
static uint64_t fitting(const struct rewriter *r)
{
    const uint64_t *edges = r->g.list.to, *values = r->g.csr.to;
    uint64_t n = r->g.count;

    while (n > 1 && (edges[n] > r->chunk_items || (values != NULL && values[n] > r->chunk_items)))
        n--;
    return n;
}

/* One row: new ids, ascending; weights go with them. Equal ids stay in their order. */
static PS_MUST ps_status renumber(struct rewriter *r, uint64_t *id, float *weight, uint64_t count)
{
    const uint32_t *new_of = r->c->new_of;

    for (uint64_t i = 0; i < count; i++)
        id[i] = new_of[id[i]];
    if (weight == NULL) {
        ps_sort_u64(id, count);
        return PS_OK;
    }
    PS_TRY(PS_GROW(&r->s->ctx->mem, PS_MEM_STAGING, r->pair, r->pair_cap, count, 0));
    for (uint64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &weight[i], sizeof bits);
        r->pair[i] = (struct ps_sort_pair){id[i], (uint64_t)ps_u32(i) << 32 | bits};
    }
    ps_sort_pairs(r->pair, count);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)r->pair[i].with;
        id[i] = r->pair[i].id;
        memcpy(&weight[i], &bits, sizeof bits);
    }
    return PS_OK;
}

static void count_remote(struct rewriter *r, uint32_t k, const uint64_t *id, uint64_t count)
{
    uint64_t first = r->c->offsets[k], nodes = r->counts[k].nodes;

    for (uint64_t i = 0; i < count; i++) {
        uint64_t bit = UINT64_C(1) << (id[i] % 64), *word = &r->seen[id[i] / 64];
        if (id[i] - first < nodes)
            continue;
        r->counts[k].remote++;
        r->counts[k].halo += (*word & bit) == 0;
        *word |= bit;
    }
}

static PS_MUST ps_status write_edges(struct rewriter *r, uint32_t k)
{
    struct ps_mem *m = &r->s->ctx->mem;
    const uint64_t *to = r->g.list.to;
    uint64_t edges = to[r->g.count];
    bool weighted = r->s->meta->weighted;

    PS_TRY(PS_GROW(m, PS_MEM_TOPOLOGY, r->id, r->id_cap, edges, 0));
    PS_TRY(ps_gather_items(&r->g, PS_ARRAY_INDICES, &r->g.list, r->id));
    if (weighted) {
        PS_TRY(PS_GROW(m, PS_MEM_TOPOLOGY, r->weight, r->weight_cap, edges, 0));
        PS_TRY(ps_gather_items(&r->g, PS_ARRAY_WEIGHTS, &r->g.list, r->weight));
    }
    for (uint64_t i = 0; r->c->new_of != NULL && i < r->g.count; i++)
        PS_TRY(renumber(r, r->id + to[i], weighted ? r->weight + to[i] : NULL, to[i + 1] - to[i]));
    count_remote(r, k, r->id, edges);
    PS_TRY(ps_dataset_write(r->w, PS_ARRAY_INDICES, 0, r->id, edges));
    return weighted ? ps_dataset_write(r->w, PS_ARRAY_WEIGHTS, 0, r->weight, edges) : PS_OK;
}

static PS_MUST ps_status write_csr(struct rewriter *r)
{
    static const enum ps_array_id array[] = {PS_ARRAY_FEATURES_INDICES, PS_ARRAY_FEATURES_VALUES};
    const struct ps_meta *meta = r->s->meta;
    uint64_t items = r->g.csr.to[r->g.count];

    PS_TRY(PS_GROW(&r->s->ctx->mem, PS_MEM_STAGING, r->rows, r->rows_cap, items * 4, 0));
    for (int i = 0; i < (meta->feature_values ? 2 : 1); i++) {
        PS_TRY(ps_gather_items(&r->g, array[i], &r->g.csr, r->rows));
        PS_TRY(ps_dataset_write(r->w, array[i], 0, r->rows, items));
    }
    return PS_OK;
}

/* Row ends of the chunk; *before: items of the part before it. @p l holds them after. */
static PS_MUST ps_status write_ends(struct rewriter *r, enum ps_array_id id, uint64_t *before,
                                    struct ps_gather_list *l)
{
    uint64_t n = r->g.count, items = l->to[n];

    for (uint64_t i = 1; i <= n; i++)
        l->to[i] += *before;
    PS_TRY(ps_dataset_write(r->w, id, 0, l->to + 1, n));
    *before += items;
    return PS_OK;
}

/* Rows of a fixed number of items: features, labels, splits and so on. */
static PS_MUST ps_status write_fixed(struct rewriter *r, uint32_t k, enum ps_array_id id)
{
    uint64_t bytes, cols = fixed_cols(r->s->meta, id, &bytes), n = r->g.count;
    uint32_t planes = id == PS_ARRAY_SPLIT ? r->s->meta->splits : 1;

    for (uint32_t plane = 0; cols > 0 && plane < planes; plane++) {
        ps_gather_fixed(&r->g, cols, plane, &r->g.list);
        PS_TRY(ps_gather_items(&r->g, id, &r->g.list, r->rows));
        if (id == PS_ARRAY_SPLIT && plane == 0)
            for (uint64_t i = 0; i < n; i++)
                r->counts[k].train += r->rows[i] == PS_SPLIT_TRAIN;
        PS_TRY(ps_dataset_write(r->w, id, plane, r->rows, n * cols));
    }
    return PS_OK;
}

/* Row ends are kept running over the part: edges and CSR values before the chunk. */
struct before {
    uint64_t edges, values;
};

static PS_MUST ps_status write_chunk(struct rewriter *r, uint32_t k, uint64_t first,
                                     uint64_t *count, struct before *before)
{
    bool csr = r->s->meta->feature_kind == PS_FEATURES_CSR;

    ps_gather_set(&r->g, r->c->old_of, first, *count);
    PS_TRY(ps_gather_ends(&r->g, PS_ARRAY_INDPTR, &r->g.list));
    if (csr)
        PS_TRY(ps_gather_ends(&r->g, PS_ARRAY_FEATURES_INDPTR, &r->g.csr));
    *count = fitting(r);
    ps_gather_cut(&r->g, *count);
    PS_TRY(write_edges(r, k));
    PS_TRY(write_ends(r, PS_ARRAY_INDPTR, &before->edges, &r->g.list));
    if (csr) {
        PS_TRY(write_csr(r));
        PS_TRY(write_ends(r, PS_ARRAY_FEATURES_INDPTR, &before->values, &r->g.csr));
    }
    for (int i = 0; i < FIXED; i++)
        PS_TRY(write_fixed(r, k, fixed[i]));
    return PS_OK;
}

static PS_MUST ps_status write_part(struct rewriter *r, uint32_t k)
{
    const uint64_t zero = 0, end = r->c->offsets[k + 1];
    struct before before = {0, 0};

    memset(r->seen, 0, ps_div_up(r->s->meta->nodes, 64) * sizeof *r->seen);
    PS_TRY(ps_dataset_part_begin(r->w, k, r->counts[k].edges, r->values[k]));
    PS_TRY(ps_dataset_write(r->w, PS_ARRAY_INDPTR, 0, &zero, 1));
    if (r->s->meta->feature_kind == PS_FEATURES_CSR)
        PS_TRY(ps_dataset_write(r->w, PS_ARRAY_FEATURES_INDPTR, 0, &zero, 1));
    for (uint64_t v = r->c->offsets[k], n; v < end; v += n) {
        n = ps_min(r->chunk_nodes, end - v);
        PS_TRY(write_chunk(r, k, v, &n, &before));
    }
    return ps_dataset_part_end(r->w);
}

ps_status ps_cut_write(struct ps_source *s, const struct ps_cut *c, struct ps_dataset_writer *w,
                       struct ps_cut_counts *counts)
{
    struct rewriter r = {.s = s, .c = c, .w = w, .counts = counts};
    ps_status st;

    memset(counts, 0, c->parts * sizeof *counts);
    PS_GO(st, take_buffers(&r));
    PS_GO(st, size_parts(&r));
    for (uint32_t k = 0; k < c->parts; k++)
        PS_GO(st, write_part(&r, k));
out:
    give_buffers(&r);
    return st;
}
