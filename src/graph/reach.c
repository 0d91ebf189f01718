/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/reach.h"

#include "src/graph/idmap.h"

#include <stdlib.h>
#include <string.h>

static struct ps_mem *mem_of(const struct ps_reach *r)
{
    return &ps_world_ctx(r->shard->world)->mem;
}

/* What building needs and the plan does not keep. */
struct build {
    struct ps_ask ask;
    struct ps_idmap halo; /* nodes of other ranks, in first-occurrence order */
    uint32_t *number;     /* (shard nodes) 1 + own number; 0 = not reached */
    uint32_t *degree;     /* out-degrees for those who asked */
    uint64_t *bytes;
    const void **part;
    size_t degree_cap;
};

static PS_MUST ps_status build_init(struct build *b, struct ps_shard *shard)
{
    struct ps_mem *m = &ps_world_ctx(shard->world)->mem;
    uint32_t ranks = ps_world_ranks(shard->world);

    memset(b, 0, sizeof *b);
    PS_TRY(ps_ask_init(&b->ask, shard));
    PS_TRY(ps_idmap_init(&b->halo, m));
    PS_TRY(PS_NEW(m, PS_MEM_BLOCKS, b->number, shard->count));
    PS_TRY(PS_NEW(m, PS_MEM_BLOCKS, b->bytes, ranks));
    return PS_NEW(m, PS_MEM_BLOCKS, b->part, ranks);
}

static void build_fini(struct build *b, struct ps_mem *m)
{
    ps_ask_fini(&b->ask);
    ps_idmap_fini(&b->halo);
    ps_mem_free(m, &b->number);
    ps_mem_free(m, &b->degree);
    ps_mem_free(m, &b->bytes);
    ps_mem_free(m, &b->part);
}

static int ascending(const void *x, const void *y)
{
    const uint32_t *a = x, *b = y;

    return (*a > *b) - (*a < *b);
}

/* Give own node @p v (within the shard) a number, if it has none. Room was made. */
static void reach_own(struct ps_reach *r, struct build *b, uint64_t v)
{
    if (b->number[v] != 0)
        return;
    r->node[r->own_count++] = ps_u32(v);
    b->number[v] = r->own_count;
}

/* Sort the nodes that this level added, so that rows are read in order of place. */
static void sort_added(struct ps_reach *r, struct build *b, uint32_t from)
{
    qsort(r->node + from, r->own_count - from, sizeof *r->node, ascending);
    for (uint32_t i = from; i < r->own_count; i++)
        b->number[r->node[i]] = i + 1;
}

/* Sources of the destinations that are not ours become the halo; ours get numbers. */
static PS_MUST ps_status find_sources(struct ps_reach *r, struct build *b, uint32_t dst_count)
{
    const struct ps_shard *g = r->shard;

    ps_idmap_clear(&b->halo);
    for (uint32_t i = 0; i < dst_count; i++) {
        uint64_t v = r->node[i];
        PS_TRY(ps_idmap_reserve(&b->halo, ps_min(ps_shard_degree(g, v), g->meta->nodes)));
        for (uint64_t e = g->indptr[v]; e < g->indptr[v + 1]; e++) {
            uint64_t u = ps_shard_source(g, e);
            if (u - g->first < g->count)
                reach_own(r, b, u - g->first);
            else
                (void)ps_idmap_put(&b->halo, u);
        }
    }
    return PS_OK;
}

/* Hear who wants which of our rows; those are reached, too. */
static PS_MUST ps_status hear_wishes(struct ps_reach *r, struct build *b, struct ps_reach_layer *y)
{
    const struct ps_shard *g = r->shard;
    struct ps_mem *m = mem_of(r);
    uint32_t ranks = ps_world_ranks(g->world), me = ps_world_rank(g->world);
    uint64_t n;

    PS_TRY(PS_NEW(m, PS_MEM_BLOCKS, y->give_begin, ranks + 1));
    for (uint32_t p = 0; p < ranks; p++) {
        const uint64_t *id = ps_ask_heard(&b->ask, p, &n);
        n = p == me ? 0 : n;
        y->give_begin[p + 1] = y->give_begin[p] + n;
        for (uint64_t i = 0; i < n; i++) {
            if (id[i] - g->first >= g->count)
                PS_FAIL(PS_EPEER,
                        "rank %u asked rank %u for node %" PRIu64 ", which it does not own", p, me,
                        id[i]);
            reach_own(r, b, id[i] - g->first);
        }
    }
    return PS_NEW(m, PS_MEM_BLOCKS, y->give, y->give_begin[ranks]);
}

/* Own numbers are final: note what to give, and answer with out-degrees. */
static PS_MUST ps_status answer_wishes(struct ps_reach *r, struct build *b,
                                       struct ps_reach_layer *y)
{
    const struct ps_shard *g = r->shard;
    uint32_t ranks = ps_world_ranks(g->world);
    uint64_t at = 0;

    PS_TRY(PS_GROW(mem_of(r), PS_MEM_BLOCKS, b->degree, b->degree_cap,
                   y->give_begin[ranks] + 2 * (uint64_t)ranks, 0));
    for (uint32_t p = 0; p < ranks; p++) {
        uint64_t heard, n = y->give_begin[p + 1] - y->give_begin[p];
        const uint64_t *id = ps_ask_heard(&b->ask, p, &heard);
        b->part[p] = b->degree + at;
        b->bytes[p] = n * sizeof *b->degree;
        for (uint64_t i = 0; i < n; i++) {
            uint64_t v = id[i] - g->first;
            y->give[y->give_begin[p] + i] = b->number[v] - 1;
            b->degree[at + i] = g->out_degree[v];
        }
        at += n + (n & 1); /* the next part begins at 8 bytes */
    }
    return PS_OK;
}

/* Halo numbers follow the order of the questions: by owner, then by id. */
static PS_MUST ps_status take_halo(struct ps_reach *r, struct build *b, struct ps_reach_layer *y,
                                   uint32_t *halo_number)
{
    const struct ps_shard *g = r->shard;
    uint32_t ranks = ps_world_ranks(g->world);
    uint64_t bytes;

    for (uint32_t p = 0; p <= ranks; p++)
        y->halo_begin[p] = b->ask.begin[p];
    for (uint32_t i = 0; i < y->own_count; i++)
        y->out_degree[i] = g->out_degree[r->node[i]];
    for (uint32_t p = 0; p < ranks; p++) {
        uint64_t n = y->halo_begin[p + 1] - y->halo_begin[p];
        const unsigned char *data = ps_ask_answer(&b->ask, p, &bytes);
        if (n == 0)
            continue;
        if (bytes != n * sizeof(uint32_t))
            PS_FAIL(PS_EPEER, "rank %u answered %" PRIu64 " degrees with %" PRIu64 " bytes", p, n,
                    bytes);
        memcpy(y->out_degree + y->own_count + y->halo_begin[p], data, bytes);
    }
    for (uint32_t i = 0; i < y->halo_count; i++)
        halo_number[b->ask.from[i]] = i;
    return PS_OK;
}

static void fill_block(const struct ps_reach *r, const struct build *b, struct ps_reach_layer *y,
                       uint32_t dst_count, const uint32_t *halo_number)
{
    const struct ps_shard *g = r->shard;
    uint64_t at = 0;

    for (uint32_t i = 0; i < dst_count; i++) {
        uint64_t v = r->node[i], d = ps_shard_degree(g, v);
        y->row_begin[i] = at;
        y->in_degree[i] = d > UINT32_MAX ? UINT32_MAX : (uint32_t)d;
        for (uint64_t e = g->indptr[v]; e < g->indptr[v + 1]; e++) {
            uint64_t u = ps_shard_source(g, e);
            if (u - g->first < g->count)
                y->col[at++] = b->number[u - g->first] - 1;
            else
                y->col[at++] = y->own_count + halo_number[ps_idmap_get(&b->halo, u)];
        }
    }
    y->row_begin[dst_count] = at;
    y->block = (struct ps_block){.dst_count = dst_count,
                                 .src_count = y->own_count + y->halo_count,
                                 .edge_count = at,
                                 .row_begin = y->row_begin,
                                 .col = y->col,
                                 .in_degree = y->in_degree};
}

static PS_MUST ps_status take_layer(struct ps_reach *r, struct build *b, struct ps_reach_layer *y,
                                    uint32_t dst_count)
{
    struct ps_mem *m = mem_of(r);
    uint32_t *halo_number = NULL;
    uint64_t edges = 0;
    ps_status st;

    for (uint32_t i = 0; i < dst_count; i++)
        edges += ps_shard_degree(r->shard, r->node[i]);
    PS_GO(st, PS_NEW(m, PS_MEM_BLOCKS, halo_number, y->halo_count));
    PS_GO(st, PS_NEW(m, PS_MEM_BLOCKS, y->halo_begin, ps_world_ranks(r->shard->world) + 1));
    PS_GO(st, PS_NEW(m, PS_MEM_BLOCKS, y->out_degree, (size_t)y->own_count + y->halo_count));
    PS_GO(st, PS_NEW(m, PS_MEM_BLOCKS, y->row_begin, (size_t)dst_count + 1));
    PS_GO(st, PS_NEW(m, PS_MEM_BLOCKS, y->in_degree, dst_count));
    PS_GO(st, PS_NEW(m, PS_MEM_BLOCKS, y->col, edges));
    PS_GO(st, take_halo(r, b, y, halo_number));
    fill_block(r, b, y, dst_count, halo_number);
out:
    ps_mem_free(m, &halo_number);
    return st;
}

/* One level down: from the nodes of level l+1 to those of level l. */
static PS_MUST ps_status build_layer(struct ps_reach *r, struct build *b, ps_status mine,
                                     struct ps_reach_layer *y)
{
    uint32_t dst_count = r->own_count;

    if (mine == PS_OK)
        mine = find_sources(r, b, dst_count);
    PS_TRY(ps_ask_send(&b->ask, mine, PS_TRAFFIC_IDS, b->halo.id, b->halo.count, true));
    mine = hear_wishes(r, b, y);
    if (mine == PS_OK) {
        sort_added(r, b, dst_count);
        y->own_count = r->own_count;
        y->halo_count = b->halo.count;
        mine = answer_wishes(r, b, y);
    }
    PS_TRY(ps_ask_reply(&b->ask, mine, PS_TRAFFIC_SAMPLING, b->part, b->bytes));
    return take_layer(r, b, y, dst_count);
}

static PS_MUST ps_status begin(struct ps_reach *r, struct build *b, const uint32_t *target,
                               uint32_t n)
{
    struct ps_mem *m = mem_of(r);
    uint32_t ranks = ps_world_ranks(r->shard->world);

    PS_TRY(build_init(b, r->shard));
    PS_TRY(PS_NEW(m, PS_MEM_BLOCKS, r->layer, r->layers));
    PS_TRY(PS_NEW(m, PS_MEM_BLOCKS, r->node, r->shard->count));
    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, r->bytes, ranks));
    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, r->part, ranks));
    PS_TRY(ps_inbox_init(&r->inbox, ps_world_comm(r->shard->world)));
    for (uint32_t i = 0; i < n; i++)
        reach_own(r, b, target[i]);
    r->target_count = n;
    return PS_OK;
}

ps_status ps_reach_new(struct ps_reach **out, struct ps_shard *shard, uint32_t layers,
                       const uint32_t *target, uint32_t n)
{
    struct ps_mem *m = &ps_world_ctx(shard->world)->mem;
    struct ps_reach *r = NULL;
    struct build b;
    ps_status st;

    memset(&b, 0, sizeof b);
    *out = NULL;
    st = PS_NEW(m, PS_MEM_BLOCKS, r, 1);
    if (st == PS_OK) {
        r->shard = shard;
        r->layers = layers;
        st = begin(r, &b, target, n);
    }
    PS_GO(st, ps_world_agree(shard->world, st));
    for (uint32_t l = layers; l-- > 0;)
        st = build_layer(r, &b, st, &r->layer[l]);
    PS_GO(st, ps_world_agree(shard->world, st));
    build_fini(&b, m);
    *out = r;
    return PS_OK;
out:
    build_fini(&b, m);
    ps_reach_free(&r);
    return st;
}

void ps_reach_free(struct ps_reach **out)
{
    struct ps_reach *r = *out;
    struct ps_mem *m;

    if (r == NULL)
        return;
    m = mem_of(r);
    for (uint32_t l = 0; r->layer != NULL && l < r->layers; l++) {
        struct ps_reach_layer *y = &r->layer[l];
        ps_mem_free(m, &y->out_degree);
        ps_mem_free(m, &y->halo_begin);
        ps_mem_free(m, &y->give_begin);
        ps_mem_free(m, &y->give);
        ps_mem_free(m, &y->row_begin);
        ps_mem_free(m, &y->col);
        ps_mem_free(m, &y->in_degree);
    }
    ps_mem_free(m, &r->layer);
    ps_mem_free(m, &r->node);
    ps_mem_free(m, &r->send);
    ps_mem_free(m, &r->bytes);
    ps_mem_free(m, &r->part);
    ps_inbox_fini(&r->inbox, ps_world_comm(r->shard->world));
    ps_mem_free(m, &r);
    *out = NULL;
}

ps_status ps_reach_exchange(struct ps_reach *r, ps_status mine, uint32_t l, float *rows,
                            uint32_t dim)
{
    const struct ps_reach_layer *y = &r->layer[l];
    uint32_t ranks = ps_world_ranks(r->shard->world);
    size_t row_bytes = dim * sizeof *rows;

    if (ranks == 1)
        return mine;
    if (mine == PS_OK)
        mine = PS_GROW(mem_of(r), PS_MEM_EXCHANGE, r->send, r->send_cap,
                       y->give_begin[ranks] * row_bytes, 0);
    for (uint32_t p = 0; p < ranks && mine == PS_OK; p++) {
        r->part[p] = r->send + y->give_begin[p] * row_bytes;
        r->bytes[p] = (y->give_begin[p + 1] - y->give_begin[p]) * row_bytes;
        for (uint64_t i = y->give_begin[p]; i < y->give_begin[p + 1]; i++)
            memcpy(r->send + i * row_bytes, rows + (size_t)y->give[i] * dim, row_bytes);
    }
    PS_TRY(ps_world_alltoall(r->shard->world, PS_TRAFFIC_ROWS, mine, r->part, r->bytes, &r->inbox));
    for (uint32_t p = 0; p < ranks; p++) {
        uint64_t n = y->halo_begin[p + 1] - y->halo_begin[p];
        if (r->inbox.bytes[p] != n * row_bytes)
            PS_FAIL(PS_EPEER, "rank %u sent %" PRIu64 " bytes of halo rows, expected %zu", p,
                    r->inbox.bytes[p], n * row_bytes);
        memcpy(rows + (y->own_count + y->halo_begin[p]) * dim, r->inbox.data + r->inbox.begin[p],
               n * row_bytes);
    }
    return PS_OK;
}
