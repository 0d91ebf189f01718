/* SPDX-License-Identifier: Apache-2.0 */
/* The asking half of sampling: frontier, local numbers, blocks and their transposes. */
#include "src/graph/sample.h"

#include "src/graph/sample_owner.h"

#include <string.h>

struct ps_sampler {
    struct ps_shard *shard;
    struct ps_ask ask;
    struct ps_idmap map; /* of one batch at a time */
    struct ps_sample_owner owner;
    uint32_t hops;
    int64_t fanout[PS_LIST_MAX];
    const unsigned char **list; /* where the neighbours of each frontier node lie in the answers */
    struct ps_ask_list *question; /* (batches) */
    const unsigned char **answer; /* (R) where the answer of the next batch begins */
    uint64_t *left;               /* (R) bytes from there to the end */
    size_t list_cap, question_cap, answer_cap, left_cap;
};

void ps_sample_init(struct ps_sample *s, struct ps_mem *mem)
{
    memset(s, 0, sizeof *s);
    s->mem = mem;
}

void ps_sample_fini(struct ps_sample *s)
{
    if (s->mem == NULL)
        return;
    for (uint32_t h = 0; h < PS_LIST_MAX; h++) {
        ps_mem_free(s->mem, &s->hop[h].row_begin);
        ps_mem_free(s->mem, &s->hop[h].col_begin);
        ps_mem_free(s->mem, &s->hop[h].col);
        ps_mem_free(s->mem, &s->hop[h].row);
        ps_mem_free(s->mem, &s->hop[h].in_degree);
        ps_mem_free(s->mem, &s->hop[h].multiplicity);
    }
    ps_mem_free(s->mem, &s->node);
    memset(s, 0, sizeof *s);
}

ps_status ps_sample_begin(struct ps_sample *s, const struct ps_batch_id *id, const uint64_t *node,
                          uint32_t count)
{
    s->id = *id;
    s->count = 0;
    s->edges = s->fingerprint = 0;
    PS_TRY(PS_GROW(s->mem, PS_MEM_BLOCKS, s->node, s->node_cap, count, 0));
    if (count > 0)
        memcpy(s->node, node, count * sizeof *node);
    s->count = count;
    return PS_OK;
}

uint64_t ps_sample_bytes(const struct ps_sample *s)
{
    uint64_t bytes = s->node_cap * sizeof *s->node;

    for (uint32_t h = 0; h < PS_LIST_MAX; h++) {
        const struct ps_hop *hop = &s->hop[h];
        bytes += (hop->row_begin_cap + hop->col_begin_cap) * sizeof(uint64_t) +
                 (hop->col_cap + hop->row_cap + hop->degree_cap + hop->multiplicity_cap) *
                     sizeof(uint32_t);
    }
    return bytes;
}

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
    ps_mem_free(m, &s->list);
    ps_mem_free(m, &s->question);
    ps_mem_free(m, &s->answer);
    ps_mem_free(m, &s->left);
    ps_sample_owner_fini(&s->owner);
    ps_idmap_fini(&s->map);
    ps_ask_fini(&s->ask);
    ps_mem_free(m, &s);
    *out = NULL;
}

/* Degrees, counts and places from the answers of all owners, by frontier node of batch @p g. */
static PS_MUST ps_status read_answers(struct ps_sampler *s, struct ps_hop *h, uint32_t g,
                                      uint32_t n)
{
    struct ps_mem *m = &ps_world_ctx(s->shard->world)->mem;
    uint32_t ranks = ps_world_ranks(s->shard->world);

    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, s->list, s->list_cap, n, 0));
    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, h->row_begin, h->row_begin_cap, (size_t)n + 1, 0));
    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, h->in_degree, h->degree_cap, n, 0));
    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, h->multiplicity, h->multiplicity_cap, n, 0));
    h->row_begin[0] = 0;
    for (uint32_t r = 0; r < ranks; r++) {
        uint64_t count, first = ps_ask_put(&s->ask, r, g, &count), bytes;
        struct ps_answer a;
        if (count == 0)
            continue;
        PS_TRY(ps_answer_parse(&a, s->answer[r], s->left[r], count, s->owner.id_bytes, r, &bytes));
        s->answer[r] += bytes;
        s->left[r] -= bytes;
        for (uint64_t i = 0; i < count; i++) {
            uint32_t v = s->ask.from[first + i];
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

/* The nodes that the batch has by now, as the map of one batch. */
static PS_MUST ps_status recall(struct ps_sampler *s, const struct ps_sample *b)
{
    ps_idmap_clear(&s->map);
    PS_TRY(ps_idmap_reserve(&s->map, b->count));
    for (uint32_t i = 0; i < b->count; i++)
        (void)ps_idmap_put(&s->map, b->node[i]);
    PS_ASSERT(s->map.count == b->count); /* seeds are distinct */
    return PS_OK;
}

static PS_MUST ps_status keep_nodes(struct ps_sampler *s, struct ps_sample *b)
{
    uint32_t before = b->count, now = s->map.count;

    PS_TRY(PS_GROW(b->mem, PS_MEM_BLOCKS, b->node, b->node_cap, now, before));
    memcpy(b->node + before, s->map.id + before, (size_t)(now - before) * sizeof *b->node);
    b->count = now;
    return PS_OK;
}

/* Give numbers to the neighbours, in block order. */
static PS_MUST ps_status number(struct ps_sampler *s, struct ps_hop *h, uint32_t n)
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
static PS_MUST ps_status transpose(struct ps_sampler *s, struct ps_hop *h, uint32_t n)
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

/* One hop of batch @p g of those that were asked for together. */
static PS_MUST ps_status finish_hop(struct ps_sampler *s, struct ps_sample *b, uint32_t g,
                                    uint32_t hop)
{
    struct ps_hop *h = &b->hop[hop];
    uint32_t n = b->count;

    PS_TRY(read_answers(s, h, g, n));
    PS_TRY(recall(s, b));
    PS_TRY(number(s, h, n));
    /* the input block needs no transpose unless its messages are made before they are summed; then
     * the model makes it */
    if (hop + 1 < s->hops)
        PS_TRY(transpose(s, h, n));
    PS_TRY(keep_nodes(s, b));
    b->edges += h->row_begin[n];
    b->block[s->hops - 1 - hop] = (struct ps_block){
        .dst_count = n,
        .src_count = b->count,
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

/* What was answered begins with the first batch. */
static PS_MUST ps_status open_answers(struct ps_sampler *s)
{
    struct ps_mem *m = &ps_world_ctx(s->shard->world)->mem;
    uint32_t ranks = ps_world_ranks(s->shard->world);

    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, s->answer, s->answer_cap, ranks, 0));
    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, s->left, s->left_cap, ranks, 0));
    for (uint32_t r = 0; r < ranks; r++)
        s->answer[r] = ps_ask_answer(&s->ask, r, &s->left[r]);
    return PS_OK;
}

static PS_MUST ps_status make_questions(struct ps_sampler *s, const struct ps_sample *batch,
                                        uint32_t n)
{
    PS_TRY(PS_GROW(&ps_world_ctx(s->shard->world)->mem, PS_MEM_BLOCKS, s->question, s->question_cap,
                   n, 0));
    for (uint32_t g = 0; g < n; g++)
        s->question[g] = (struct ps_ask_list){batch[g].node, batch[g].count};
    return PS_OK;
}

static PS_MUST ps_status finish_all(struct ps_sampler *s, struct ps_sample *batch, uint32_t n,
                                    uint32_t hop)
{
    PS_TRY(open_answers(s));
    for (uint32_t g = 0; g < n; g++)
        PS_TRY(finish_hop(s, &batch[g], g, hop));
    return PS_OK;
}

/* Batches that are asked for together. */
static PS_MUST ps_status sample_together(struct ps_sampler *s, ps_status mine,
                                         struct ps_sample *batch, uint32_t n)
{
    for (uint32_t hop = 0; hop < s->hops; hop++) {
        if (mine == PS_OK)
            mine = make_questions(s, batch, n);
        PS_TRY(ps_ask_groups(&s->ask, mine, PS_TRAFFIC_IDS, s->question, n, false));
        mine = ps_sample_owner_answer(&s->owner, &s->ask, batch, hop, s->fanout[hop]);
        PS_TRY(ps_ask_reply(&s->ask, mine, PS_TRAFFIC_SAMPLING, s->owner.part, s->owner.bytes));
        mine = finish_all(s, batch, n, hop);
    }
    return mine;
}

/* Parts of the batch that begins at @p g. */
static uint32_t parts_of(const struct ps_sample *batch, uint32_t g, uint32_t n)
{
    uint32_t k = 1;

    while (g + k < n && memcmp(&batch[g].id, &batch[g + k].id, sizeof batch[g].id) == 0)
        k++;
    return k;
}

ps_status ps_sampler_run(struct ps_sampler *s, ps_status mine, struct ps_sample *batch, uint32_t n)
{
    struct ps_ctx *ctx = ps_world_ctx(s->shard->world);
    struct ps_span span = ps_span_begin(PS_EV_sample);
    bool alone = ps_world_ranks(s->shard->world) == 1;
    uint64_t edges = 0;

    for (uint32_t g = 0; g < n; g++)
        batch[g].hops = s->hops;
    for (uint32_t g = 0, k; g < n; g += k) {
        /* alone there is nobody to wait for: a batch at a time needs less memory and fewer caches
         */
        k = alone ? parts_of(batch, g, n) : n;
        if (g > 0)
            PS_TRY(mine);
        mine = sample_together(s, mine, batch + g, k);
    }
    for (uint32_t g = 0; g < n; g++)
        edges += batch[g].edges;
    ps_span_end(&ctx->trace, &span, edges);
    return mine;
}
