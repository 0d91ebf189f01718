/* SPDX-License-Identifier: Apache-2.0 */
/* The asking half of sampling: frontier, local numbers, blocks and their transposes. */
#include "src/graph/sample.h"

#include "src/graph/sample_owner.h"

#include <string.h>

/* Storage of one block; grows to the largest batch and stays. */
struct hop {
    uint64_t *row_begin, *col_begin;
    uint32_t *col, *row, *in_degree, *multiplicity;
    size_t row_begin_cap, col_begin_cap, col_cap, row_cap, degree_cap, multiplicity_cap;
};

struct ps_sampler {
    struct ps_shard *shard;
    struct ps_ask ask;
    struct ps_idmap map;
    struct ps_sample_owner owner;
    uint32_t hops;
    int64_t fanout[PS_LIST_MAX];
    struct hop hop[PS_LIST_MAX];        /* from the seeds outward */
    struct ps_block block[PS_LIST_MAX]; /* input layer first */
    const unsigned char **list; /* where the neighbours of each frontier node lie in the answers */
    size_t list_cap;
    uint64_t edges;
};

ps_status ps_sampler_new(struct ps_sampler **out, struct ps_shard *shard, const int64_t *fanout,
                         uint32_t hops)
{
    struct ps_mem *m = &ps_world_ctx(shard->world)->mem;
    struct ps_sampler *s;
    ps_status st;

    PS_ASSERT(hops >= 1 && hops <= PS_LIST_MAX);
    *out = NULL;
    PS_TRY(PS_NEW(m, PS_MEM_BLOCKS, s, 1));
    s->shard = shard;
    s->hops = hops;
    memcpy(s->fanout, fanout, hops * sizeof *fanout);
    PS_GO(st, ps_ask_init(&s->ask, shard));
    PS_GO(st, ps_idmap_init(&s->map, m));
    PS_GO(st, ps_sample_owner_init(&s->owner, shard));
    *out = s;
    return PS_OK;
out:
    ps_sampler_free(&s);
    return st;
}

void ps_sampler_free(struct ps_sampler **out)
{
    struct ps_sampler *s = *out;
    struct ps_mem *m;

    if (s == NULL)
        return;
    m = &ps_world_ctx(s->shard->world)->mem;
    for (uint32_t h = 0; h < s->hops; h++) {
        ps_mem_free(m, &s->hop[h].row_begin);
        ps_mem_free(m, &s->hop[h].col_begin);
        ps_mem_free(m, &s->hop[h].col);
        ps_mem_free(m, &s->hop[h].row);
        ps_mem_free(m, &s->hop[h].in_degree);
        ps_mem_free(m, &s->hop[h].multiplicity);
    }
    ps_mem_free(m, &s->list);
    ps_sample_owner_fini(&s->owner);
    ps_idmap_fini(&s->map);
    ps_ask_fini(&s->ask);
    ps_mem_free(m, &s);
    *out = NULL;
}

/* Degrees, counts and places from the answers of all owners, by frontier node. */
static PS_MUST ps_status read_answers(struct ps_sampler *s, struct hop *h, uint32_t n)
{
    struct ps_mem *m = &ps_world_ctx(s->shard->world)->mem;
    uint32_t ranks = ps_world_ranks(s->shard->world);

    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, s->list, s->list_cap, n, 0));
    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, h->row_begin, h->row_begin_cap, (size_t)n + 1, 0));
    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, h->in_degree, h->degree_cap, n, 0));
    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, h->multiplicity, h->multiplicity_cap, n, 0));
    h->row_begin[0] = 0;
    for (uint32_t r = 0; r < ranks; r++) {
        uint64_t count = s->ask.begin[r + 1] - s->ask.begin[r], bytes;
        const unsigned char *data = ps_ask_answer(&s->ask, r, &bytes);
        struct ps_answer a;
        if (count == 0)
            continue;
        PS_TRY(ps_answer_parse(&a, data, bytes, count, s->owner.id_bytes, r));
        for (uint64_t i = 0; i < count; i++) {
            uint32_t v = s->ask.from[s->ask.begin[r] + i];
            h->in_degree[v] = a.degree[i];
            h->multiplicity[v] = a.multiplicity[i];
            h->row_begin[v + 1] = a.count[i];
            s->list[v] = a.list;
            a.list += (size_t)a.count[i] * s->owner.id_bytes;
        }
    }
    for (uint32_t v = 0; v < n; v++)
        h->row_begin[v + 1] += h->row_begin[v];
    return PS_OK;
}

/* Give numbers to the neighbours, in block order. */
static PS_MUST ps_status number(struct ps_sampler *s, struct hop *h, uint32_t n)
{
    struct ps_mem *m = &ps_world_ctx(s->shard->world)->mem;
    uint64_t edges = h->row_begin[n], e = 0;
    size_t width = s->owner.id_bytes;

    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, h->col, h->col_cap, edges, 0));
    PS_TRY(ps_idmap_reserve(&s->map, ps_min(edges, s->shard->meta->nodes)));
    for (uint32_t v = 0; v < n; v++) {
        const unsigned char *p = s->list[v];
        for (; e < h->row_begin[v + 1]; e++, p += width)
            h->col[e] = ps_idmap_put(&s->map, ps_answer_id(p, width));
    }
    return PS_OK;
}

/* The transpose, by a counting sort: sources ascending, destinations ascending within each. */
static PS_MUST ps_status transpose(struct ps_sampler *s, struct hop *h, uint32_t n)
{
    struct ps_mem *m = &ps_world_ctx(s->shard->world)->mem;
    uint32_t sources = s->map.count;
    uint64_t edges = h->row_begin[n];

    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, h->col_begin, h->col_begin_cap, (size_t)sources + 2, 0));
    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, h->row, h->row_cap, edges, 0));
    memset(h->col_begin, 0, ((size_t)sources + 2) * sizeof *h->col_begin);
    for (uint64_t e = 0; e < edges; e++)
        h->col_begin[h->col[e] + 2]++;
    for (uint32_t u = 0; u < sources; u++)
        h->col_begin[u + 2] += h->col_begin[u + 1];
    /* col_begin[u + 1] is now where u begins; filling moves it to where u ends */
    for (uint32_t v = 0; v < n; v++)
        for (uint64_t e = h->row_begin[v]; e < h->row_begin[v + 1]; e++)
            h->row[h->col_begin[h->col[e] + 1]++] = v;
    return PS_OK;
}

static PS_MUST ps_status finish_hop(struct ps_sampler *s, uint32_t hop, uint32_t n)
{
    struct hop *h = &s->hop[hop];

    PS_TRY(read_answers(s, h, n));
    PS_TRY(number(s, h, n));
    /* the input block needs no transpose unless its messages are made before they are summed; then
     * the model makes it */
    if (hop + 1 < s->hops)
        PS_TRY(transpose(s, h, n));
    s->edges += h->row_begin[n];
    s->block[s->hops - 1 - hop] = (struct ps_block){
        .dst_count = n,
        .src_count = s->map.count,
        .edge_count = h->row_begin[n],
        .row_begin = h->row_begin,
        .col = h->col,
        .col_begin = hop + 1 < s->hops ? h->col_begin : NULL,
        .row = hop + 1 < s->hops ? h->row : NULL,
        .in_degree = h->in_degree,
        .multiplicity = h->multiplicity,
    };
    return PS_OK;
}

static PS_MUST ps_status begin_batch(struct ps_sampler *s, const uint64_t *node, uint32_t count)
{
    ps_idmap_clear(&s->map);
    PS_TRY(ps_idmap_reserve(&s->map, count));
    for (uint32_t i = 0; i < count; i++)
        (void)ps_idmap_put(&s->map, node[i]);
    PS_ASSERT(s->map.count == count); /* seeds are distinct */
    return PS_OK;
}

ps_status ps_sampler_run(struct ps_sampler *s, ps_status mine, const struct ps_batch_id *id,
                         const uint64_t *node, uint32_t count)
{
    struct ps_ctx *ctx = ps_world_ctx(s->shard->world);
    struct ps_span span = ps_span_begin(PS_EV_sample);
    uint64_t before = s->edges;

    if (mine == PS_OK)
        mine = begin_batch(s, node, count);
    for (uint32_t hop = 0; hop < s->hops; hop++) {
        uint32_t n = s->map.count;
        PS_TRY(ps_ask_send(&s->ask, mine, PS_TRAFFIC_IDS, s->map.id, n, false));
        mine = ps_sample_owner_answer(&s->owner, &s->ask, id, hop, s->fanout[hop]);
        PS_TRY(ps_ask_reply(&s->ask, mine, PS_TRAFFIC_SAMPLING, s->owner.part, s->owner.bytes));
        mine = finish_hop(s, hop, n);
    }
    ps_span_end(&ctx->trace, &span, s->edges - before);
    return mine;
}

const struct ps_block *ps_sampler_blocks(const struct ps_sampler *s)
{
    return s->block;
}

const uint64_t *ps_sampler_nodes(const struct ps_sampler *s, uint32_t *count)
{
    *count = s->map.count;
    return s->map.id;
}

uint64_t ps_sampler_fingerprint(const struct ps_sampler *s)
{
    return s->owner.fingerprint;
}

uint64_t ps_sampler_edges(const struct ps_sampler *s)
{
    return s->edges;
}
