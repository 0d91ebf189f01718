/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/shard.h"

#include <string.h>

void ps_shard_parts_of(uint32_t parts, uint32_t ranks, uint32_t rank, uint32_t *first,
                       uint32_t *count)
{
    uint64_t begin = (uint64_t)parts * rank / ranks;
    uint64_t end = (uint64_t)parts * (rank + 1) / ranks;

    *first = ps_u32(begin);
    *count = ps_u32(end - begin);
}

uint32_t ps_shard_owner(const struct ps_shard *s, uint64_t node)
{
    PS_DASSERT(node < s->meta->nodes);
    return ps_u32(ps_find_range(s->rank_begin, ps_world_ranks(s->world), node));
}

const struct ps_shard_part *ps_shard_part_of(const struct ps_shard *s, uint64_t v)
{
    uint32_t lo = 0, hi = s->part_count;

    PS_DASSERT(v < s->count);
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->part[mid].first <= v)
            lo = mid;
        else
            hi = mid;
    }
    return &s->part[lo];
}

uint64_t ps_shard_train_total(const struct ps_shard *s)
{
    return s->train_begin[ps_world_ranks(s->world)];
}

static struct ps_mem *mem_of(const struct ps_shard *s)
{
    return &ps_world_ctx(s->world)->mem;
}

/* Offsets per rank from offsets per part. */
static void ranks_from_parts(const struct ps_shard *s, const uint64_t *per_part, uint64_t *per_rank)
{
    uint32_t ranks = ps_world_ranks(s->world), first, count;

    for (uint32_t r = 0; r < ranks; r++) {
        ps_shard_parts_of(s->meta->parts, ranks, r, &first, &count);
        per_rank[r] = per_part[first];
    }
    per_rank[ranks] = per_part[s->meta->parts];
}

static PS_MUST ps_status check_shape(const struct ps_shard *s, const char *path)
{
    uint32_t ranks = ps_world_ranks(s->world);

    if (ranks > s->meta->parts)
        PS_FAIL(PS_EUSAGE,
                "%s has %u partitions and cannot be shared by %u ranks: start at most %u, or make "
                "more with penstock partition --parts %u",
                path, s->meta->parts, ranks, s->meta->parts, ranks);
    return PS_OK;
}

/* What opening the part files brings: sizes and places. */
struct opening {
    struct ps_part **part; /* (part_count), open */
    uint64_t edges, values;
};

static PS_MUST ps_status open_parts(struct ps_shard *s, struct opening *o, uint32_t first)
{
    o->edges = o->values = 0;
    for (uint32_t k = 0; k < s->part_count; k++) {
        struct ps_shard_part *p = &s->part[k];
        const struct ps_part *f;
        PS_TRY(ps_part_open(&o->part[k], s->dataset, first + k));
        f = o->part[k];
        p->first = ps_part_first_node(f) - s->first;
        p->count = ps_part_nodes(f);
        p->dense_offset = ps_part_array(f, PS_ARRAY_FEATURES)->offset;
        p->index_offset = ps_part_array(f, PS_ARRAY_FEATURES_INDICES)->offset;
        p->value_offset = ps_part_array(f, PS_ARRAY_FEATURES_VALUES)->offset;
        p->split_offset = ps_part_array(f, PS_ARRAY_SPLIT)->offset;
        p->orig_offset = ps_part_array(f, PS_ARRAY_ORIG_ID)->offset;
        p->value_begin = o->values;
        PS_TRY(ps_world_add_file(s->world, ps_part_path(f), &p->file));
        o->edges += ps_part_edges(f);
        o->values += ps_part_features(f);
    }
    s->edge_count = o->edges;
    return PS_OK;
}

static PS_MUST ps_status take_arrays(struct ps_shard *s)
{
    struct ps_mem *m = mem_of(s);

    PS_TRY(PS_NEW(m, PS_MEM_TOPOLOGY, s->indptr, s->count + 1));
    if (s->meta->index_bytes == 4)
        PS_TRY(PS_NEW(m, PS_MEM_TOPOLOGY, s->index32, s->edge_count));
    else
        PS_TRY(PS_NEW(m, PS_MEM_TOPOLOGY, s->index64, s->edge_count));
    PS_TRY(PS_NEW(m, PS_MEM_TOPOLOGY, s->out_degree, s->count));
    PS_TRY(PS_NEW(m, PS_MEM_TOPOLOGY, s->label, s->count));
    PS_TRY(PS_NEW(m, PS_MEM_TOPOLOGY, s->split, s->count));
    if (s->meta->feature_kind == PS_FEATURES_CSR)
        PS_TRY(PS_NEW(m, PS_MEM_TOPOLOGY, s->feature_begin, s->count + 1));
    return PS_OK;
}

static PS_MUST ps_status fetch_array(const struct ps_shard *s, const struct ps_shard_part *p,
                                     const struct ps_part *f, enum ps_array_id id, void *dst)
{
    const struct ps_array *a = ps_part_array(f, id);
    struct ps_extent e = {.file = p->file, .offset = a->offset, .bytes = a->bytes, .dst = dst};

    PS_ASSERT(a->present);
    return ps_world_fetch(s->world, &e, 1);
}

/* Offsets of one part, read at @p at (count+1), become offsets of the shard: they begin at 0, never
 * descend and end at @p total. */
static PS_MUST ps_status rebase(uint64_t *at, uint64_t count, uint64_t base, uint64_t total,
                                const char *path, enum ps_array_id id)
{
    if (at[0] != 0 || at[count] != total)
        PS_FAIL(PS_EINPUT,
                "%s: %s: expected offsets from 0 to %" PRIu64 ", found %" PRIu64 " to %" PRIu64,
                path, ps_array_name(id), total, at[0], at[count]);
    for (uint64_t i = 0; i < count; i++)
        if (at[i] > at[i + 1])
            PS_FAIL(PS_EINPUT,
                    "%s: %s: offset %" PRIu64 " is %" PRIu64 ", above the next one, %" PRIu64, path,
                    ps_array_name(id), i, at[i], at[i + 1]);
    for (uint64_t i = 0; i <= count; i++)
        at[i] += base;
    return PS_OK;
}

static PS_MUST ps_status check_sources(const struct ps_shard *s, uint64_t begin, uint64_t end,
                                       const char *path)
{
    for (uint64_t e = begin; e < end; e++)
        if (ps_shard_source(s, e) >= s->meta->nodes)
            PS_FAIL(PS_EINPUT,
                    "%s: %s: source %" PRIu64 " is node %" PRIu64 ", expected below %" PRIu64, path,
                    ps_array_name(PS_ARRAY_INDICES), e - begin, ps_shard_source(s, e),
                    s->meta->nodes);
    return PS_OK;
}

static PS_MUST ps_status read_part(struct ps_shard *s, const struct ps_shard_part *p,
                                   const struct ps_part *f, uint64_t edge_begin)
{
    uint64_t edges = ps_part_edges(f);
    const char *path = ps_part_path(f);
    void *index =
        s->index32 != NULL ? (void *)(s->index32 + edge_begin) : (void *)(s->index64 + edge_begin);

    PS_TRY(fetch_array(s, p, f, PS_ARRAY_INDPTR, s->indptr + p->first));
    PS_TRY(rebase(s->indptr + p->first, p->count, edge_begin, edges, path, PS_ARRAY_INDPTR));
    PS_TRY(fetch_array(s, p, f, PS_ARRAY_INDICES, index));
    PS_TRY(check_sources(s, edge_begin, edge_begin + edges, path));
    PS_TRY(fetch_array(s, p, f, PS_ARRAY_OUT_DEGREE, s->out_degree + p->first));
    if (s->meta->task == PS_TASK_SINGLE_LABEL) /* rows of bits have no place in s->label */
        PS_TRY(fetch_array(s, p, f, PS_ARRAY_LABELS, s->label + p->first));
    if (s->feature_begin != NULL) {
        PS_TRY(fetch_array(s, p, f, PS_ARRAY_FEATURES_INDPTR, s->feature_begin + p->first));
        PS_TRY(rebase(s->feature_begin + p->first, p->count, p->value_begin, ps_part_features(f),
                      path, PS_ARRAY_FEATURES_INDPTR));
    }
    return PS_OK;
}

static PS_MUST ps_status open_share(struct ps_shard *s)
{
    struct ps_mem *m = mem_of(s);
    struct opening o = {NULL, 0, 0};
    uint32_t rank = ps_world_rank(s->world), first;
    uint64_t edge_begin = 0;
    ps_status st;

    ps_shard_parts_of(s->meta->parts, ps_world_ranks(s->world), rank, &first, &s->part_count);
    s->first = s->rank_begin[rank];
    s->count = s->rank_begin[rank + 1] - s->first;
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, s->part, s->part_count));
    PS_GO(st, PS_NEW(m, PS_MEM_OTHER, o.part, s->part_count));
    PS_GO(st, open_parts(s, &o, first));
    PS_GO(st, take_arrays(s));
    for (uint32_t k = 0; k < s->part_count; k++) {
        PS_GO(st, read_part(s, &s->part[k], o.part[k], edge_begin));
        edge_begin += ps_part_edges(o.part[k]);
    }
    if (s->part_count == 0 || s->count == 0)
        s->indptr[0] = 0;
out:
    for (uint32_t k = 0; o.part != NULL && k < s->part_count; k++)
        ps_part_close(&o.part[k]);
    ps_mem_free(m, &o.part);
    return st;
}

static PS_MUST ps_status open_all(struct ps_shard *s, const char *path)
{
    struct ps_ctx *ctx = ps_world_ctx(s->world);
    uint32_t ranks = ps_world_ranks(s->world);

    PS_TRY(ps_dataset_open(&s->dataset, ctx, path));
    s->meta = ps_dataset_meta(s->dataset);
    PS_TRY(check_shape(s, path));
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, s->rank_begin, ranks + 1));
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, s->train_begin, ranks + 1));
    ranks_from_parts(s, s->meta->part_offsets, s->rank_begin);
    return open_share(s);
}

ps_status ps_shard_open(struct ps_shard **out, struct ps_world *w, const char *path)
{
    struct ps_shard *s = NULL;
    ps_status st = PS_NEW(&ps_world_ctx(w)->mem, PS_MEM_OTHER, s, 1);

    *out = NULL;
    if (st == PS_OK) {
        s->world = w;
        st = open_all(s, path);
    }
    st = ps_world_agree(w, st);
    if (st != PS_OK)
        ps_shard_close(&s);
    *out = s;
    return st;
}

void ps_shard_close(struct ps_shard **out)
{
    struct ps_shard *s = *out;
    struct ps_mem *m;

    if (s == NULL)
        return;
    m = mem_of(s);
    ps_mem_free(m, &s->rank_begin);
    ps_mem_free(m, &s->train_begin);
    ps_mem_free(m, &s->part);
    ps_mem_free(m, &s->indptr);
    ps_mem_free(m, &s->index32);
    ps_mem_free(m, &s->index64);
    ps_mem_free(m, &s->out_degree);
    ps_mem_free(m, &s->label);
    ps_mem_free(m, &s->split);
    ps_mem_free(m, &s->train_node);
    ps_mem_free(m, &s->feature_begin);
    ps_dataset_close(&s->dataset);
    ps_mem_free(m, &s);
    *out = NULL;
}

ps_status ps_shard_read_orig_ids(const struct ps_shard *s, uint64_t first, uint64_t count,
                                 uint64_t *dst)
{
    while (count > 0) {
        const struct ps_shard_part *p = ps_shard_part_of(s, first);
        uint64_t n = ps_min(count, p->first + p->count - first);
        struct ps_extent e = {.file = p->file,
                              .offset = p->orig_offset + (first - p->first) * sizeof *dst,
                              .bytes = n * sizeof *dst,
                              .dst = dst};
        PS_TRY(ps_world_fetch(s->world, &e, 1));
        first += n;
        dst += n;
        count -= n;
    }
    return PS_OK;
}

uint32_t ps_shard_score(const struct ps_shard *s, uint64_t v)
{
    uint64_t d = (uint64_t)s->out_degree[v] + 1;
    uint64_t log2 = 63u - (unsigned)__builtin_clzll(d);
    uint64_t fraction = (d << (63 - log2)) >> 58 & 31; /* the five bits behind the first */

    return (uint32_t)(32 * log2 + fraction);
}
