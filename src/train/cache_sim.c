/* SPDX-License-Identifier: Apache-2.0 */
#include "src/train/cache_sim.h"

#include <string.h>

const char *ps_cache_policy_name(enum ps_cache_policy p)
{
    static const char *const name[PS_CACHE_POLICIES] = {"lru", "static", "belady", "belady_held"};

    PS_ASSERT(p < PS_CACHE_POLICIES);
    return name[p];
}

/* Rows in slots, as a heap with the largest key on top: the one to be evicted. */
struct cache {
    struct ps_mem *mem;
    uint64_t slots, count;
    uint64_t *heap;  /* (slots) nodes */
    uint64_t *key;   /* (nodes) of those in the heap */
    uint64_t *place; /* (nodes) in the heap, from 1; 0: not there */
    uint64_t *next;  /* (uses) the next use of the same row; UINT64_MAX: none. NULL for LRU */
};

static void put_at(struct cache *c, uint64_t i, uint64_t node)
{
    c->heap[i] = node;
    c->place[node] = i + 1;
}

/* Move the node at @p i to where its key belongs. */
static void settle(struct cache *c, uint64_t i)
{
    uint64_t node = c->heap[i], key = c->key[node];

    while (i > 0 && c->key[c->heap[(i - 1) / 2]] < key) {
        put_at(c, i, c->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (;;) {
        uint64_t child = 2 * i + 1;

        if (child + 1 < c->count && c->key[c->heap[child + 1]] > c->key[c->heap[child]])
            child++;
        if (child >= c->count || c->key[c->heap[child]] <= key)
            break;
        put_at(c, i, c->heap[child]);
        i = child;
    }
    put_at(c, i, node);
}

static void evict(struct cache *c)
{
    uint64_t last;

    PS_ASSERT(c->count > 0);
    c->place[c->heap[0]] = 0;
    last = c->heap[--c->count];
    if (c->count == 0)
        return;
    put_at(c, 0, last);
    settle(c, 0);
}

/* The row is there from now on, with this key. @pre there is a slot if it is new */
static void keep(struct cache *c, uint64_t node, uint64_t key)
{
    c->key[node] = key;
    if (c->place[node] == 0) {
        PS_ASSERT(c->count < c->slots);
        put_at(c, c->count++, node);
    }
    settle(c, c->place[node] - 1);
}

/* The key of a row after use @p at. Uses count up, so for LRU an early one has a large key. */
static uint64_t key_of(const struct cache *c, uint64_t at)
{
    return c->next != NULL ? c->next[at] : UINT64_MAX - at;
}

static void cache_free(struct cache *c)
{
    ps_mem_free(c->mem, &c->heap);
    ps_mem_free(c->mem, &c->key);
    ps_mem_free(c->mem, &c->place);
    ps_mem_free(c->mem, &c->next);
}

static PS_MUST ps_status cache_init(struct cache *c, const struct ps_row_list *l, struct ps_mem *m,
                                    uint64_t slots, bool ahead)
{
    uint64_t uses = l->begin[l->batches];

    *c = (struct cache){.mem = m, .slots = ps_min(slots, l->nodes)};
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, c->heap, c->slots));
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, c->key, l->nodes));
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, c->place, l->nodes));
    if (!ahead)
        return PS_OK;
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, c->next, uses));
    for (uint64_t v = 0; v < l->nodes; v++)
        c->key[v] = UINT64_MAX;
    for (uint64_t i = uses; i-- > 0;) {
        c->next[i] = c->key[l->node[i]];
        c->key[l->node[i]] = i;
    }
    return PS_OK;
}

/* Uses [begin, end), one after another. @return misses */
static uint64_t use_each(struct cache *c, const struct ps_row_list *l, uint64_t begin, uint64_t end)
{
    uint64_t missed = 0;

    for (uint64_t i = begin; i < end; i++) {
        bool there = c->place[l->node[i]] != 0;

        if (!there && c->count == c->slots)
            evict(c);
        keep(c, l->node[i], key_of(c, i));
        missed += !there;
    }
    return missed;
}

/* The same, all at once: what is there stays. Rows of this batch that are there have the
 * smallest keys of all, their uses in it, so none of them is evicted. */
static uint64_t use_together(struct cache *c, const struct ps_row_list *l, uint64_t begin,
                             uint64_t end)
{
    uint64_t missed = 0;

    for (uint64_t i = begin; i < end; i++)
        missed += c->place[l->node[i]] == 0;
    while (c->count + missed > c->slots)
        evict(c);
    for (uint64_t i = begin; i < end; i++)
        keep(c, l->node[i], key_of(c, i));
    return missed;
}

/* The slots go to the rows with most uses: how_often[v] becomes 1 for them, else 0. */
static PS_MUST ps_status choose_hot(const struct ps_row_list *l, struct ps_mem *m, uint64_t slots,
                                    uint64_t *how_often)
{
    uint64_t *of_count, least = l->batches + 1, taken = 0; /* rows with so many uses or more */

    PS_TRY(PS_NEW(m, PS_MEM_OTHER, of_count, l->batches + 2));
    for (uint64_t i = 0; i < l->begin[l->batches]; i++)
        how_often[l->node[i]]++;
    for (uint64_t v = 0; v < l->nodes; v++)
        of_count[how_often[v]]++;
    while (least > 1 && taken + of_count[least - 1] <= slots)
        taken += of_count[--least];
    for (uint64_t v = 0; v < l->nodes; v++) {
        bool last = least > 1 && how_often[v] == least - 1 && taken < slots;

        taken += last;
        how_often[v] = (how_often[v] > 0 && how_often[v] >= least) || last;
    }
    ps_mem_free(m, &of_count);
    return PS_OK;
}

/* Which epoch, counted from 0, each batch is in: call for batches in order. */
static void step_epoch(const struct ps_row_list *l, uint64_t batch, uint64_t *epoch)
{
    if (batch > 0 && l->epoch[batch] != l->epoch[batch - 1])
        ++*epoch;
}

static PS_MUST ps_status simulate_static(const struct ps_row_list *l, struct ps_mem *m,
                                         uint64_t slots, uint64_t *missed)
{
    enum { COLD, HOT, THERE };
    uint64_t *state, e = 0;
    ps_status st;

    PS_TRY(PS_NEW(m, PS_MEM_OTHER, state, l->nodes));
    PS_GO(st, choose_hot(l, m, slots, state));
    for (uint64_t b = 0; b < l->batches; b++) {
        step_epoch(l, b, &e);
        for (uint64_t i = l->begin[b]; i < l->begin[b + 1]; i++) {
            uint64_t *s = &state[l->node[i]];
            missed[e] += *s != THERE;
            *s = *s == COLD ? COLD : THERE;
        }
    }
out:
    ps_mem_free(m, &state);
    return st;
}

ps_status ps_row_list_facts(const struct ps_row_list *l, struct ps_ctx *ctx,
                            struct ps_row_facts *facts)
{
    unsigned char *seen;

    *facts = (struct ps_row_facts){.uses = l->begin[l->batches], .epochs = l->batches > 0};
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, seen, l->nodes));
    for (uint64_t b = 0; b < l->batches; b++) {
        uint64_t n = l->begin[b + 1] - l->begin[b];
        facts->largest = ps_max(facts->largest, n);
        facts->epochs += b > 0 && l->epoch[b] != l->epoch[b - 1];
    }
    for (uint64_t i = 0; i < facts->uses; i++) {
        facts->rows += !seen[l->node[i]];
        seen[l->node[i]] = 1;
    }
    ps_mem_free(&ctx->mem, &seen);
    return PS_OK;
}

ps_status ps_cache_simulate(const struct ps_row_list *l, struct ps_ctx *ctx,
                            enum ps_cache_policy policy, uint64_t slots, uint64_t *missed)
{
    struct ps_row_facts facts;
    struct cache c = {.mem = &ctx->mem};
    uint64_t e = 0;
    ps_status st;

    PS_ASSERT(slots > 0);
    PS_TRY(ps_row_list_facts(l, ctx, &facts));
    memset(missed, 0, facts.epochs * sizeof *missed);
    if (policy == PS_CACHE_STATIC)
        return simulate_static(l, &ctx->mem, slots, missed);
    if (policy == PS_CACHE_HELD && slots < facts.largest)
        PS_FAIL(PS_EUSAGE,
                "--slots: %" PRIu64 " rows cannot hold the largest batch, which has %" PRIu64,
                slots, facts.largest);
    PS_GO(st, cache_init(&c, l, &ctx->mem, slots, policy != PS_CACHE_LRU));
    for (uint64_t b = 0; b < l->batches; b++) {
        step_epoch(l, b, &e);
        missed[e] += policy == PS_CACHE_HELD ? use_together(&c, l, l->begin[b], l->begin[b + 1])
                                             : use_each(&c, l, l->begin[b], l->begin[b + 1]);
    }
out:
    cache_free(&c);
    return st;
}
