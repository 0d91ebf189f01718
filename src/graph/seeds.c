/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/seeds.h"

#include "src/base/rng.h"

#include <string.h>

struct ps_seed_message {
    uint64_t node;
    int64_t label;
};

ps_status ps_seeds_init(struct ps_seeds *s, struct ps_shard *shard)
{
    struct ps_mem *m = &ps_world_ctx(shard->world)->mem;
    uint32_t ranks = ps_world_ranks(shard->world);

    memset(s, 0, sizeof *s);
    s->shard = shard;
    PS_TRY(PS_NEW(m, PS_MEM_BLOCKS, s->own, ranks));
    PS_TRY(PS_NEW(m, PS_MEM_BLOCKS, s->quota, ranks));
    PS_TRY(PS_NEW(m, PS_MEM_BLOCKS, s->cursor, ranks + 1));
    PS_TRY(PS_NEW(m, PS_MEM_BLOCKS, s->bytes, ranks));
    PS_TRY(PS_NEW(m, PS_MEM_BLOCKS, s->part, ranks));
    return ps_inbox_init(&s->inbox, ps_world_comm(shard->world));
}

void ps_seeds_fini(struct ps_seeds *s)
{
    struct ps_mem *m;

    if (s->shard == NULL)
        return;
    m = &ps_world_ctx(s->shard->world)->mem;
    ps_mem_free(m, &s->node);
    ps_mem_free(m, &s->label);
    ps_mem_free(m, &s->index);
    ps_mem_free(m, &s->owner);
    ps_mem_free(m, &s->rank);
    ps_mem_free(m, &s->own);
    ps_mem_free(m, &s->quota);
    ps_mem_free(m, &s->cursor);
    ps_mem_free(m, &s->bytes);
    ps_mem_free(m, &s->send);
    ps_mem_free(m, &s->part);
    ps_inbox_fini(&s->inbox, ps_world_comm(s->shard->world));
    memset(s, 0, sizeof *s);
}

uint64_t ps_seeds_batches(const struct ps_shard *shard, uint64_t batch_size)
{
    return ps_div_up(ps_shard_train_total(shard), batch_size);
}

void ps_seeds_deal(const uint32_t *owner, uint64_t n, uint32_t ranks, uint32_t *rank, uint64_t *own,
                   uint64_t *quota)
{
    uint32_t next = 0;

    for (uint32_t r = 0; r < ranks; r++) {
        own[r] = 0;
        quota[r] = n / ranks + (r < n % ranks);
    }
    for (uint64_t i = 0; i < n; i++)
        own[owner[i]]++;
    for (uint32_t r = 0; r < ranks; r++) { /* what each rank keeps of its own */
        uint64_t kept = ps_min(own[r], quota[r]);
        own[r] = kept;
        quota[r] -= kept; /* room left for others' */
    }
    for (uint64_t i = 0; i < n; i++) {
        if (own[owner[i]] > 0) {
            own[owner[i]]--;
            rank[i] = owner[i];
            continue;
        }
        while (quota[next] == 0)
            next++;
        quota[next]--;
        rank[i] = next;
    }
}

ps_status ps_seeds_reserve(struct ps_seeds *s, uint64_t batch_size)
{
    struct ps_mem *m = &ps_world_ctx(s->shard->world)->mem;
    uint64_t n = ps_min(batch_size, ps_shard_train_total(s->shard));

    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, s->index, s->index_cap, n, 0));
    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, s->owner, s->owner_cap, n, 0));
    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, s->rank, s->rank_cap, n, 0));
    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, s->node, s->node_cap, n, 0));
    PS_TRY(PS_GROW(m, PS_MEM_BLOCKS, s->label, s->label_cap, n, 0));
    return PS_GROW(m, PS_MEM_BLOCKS, s->send, s->send_cap, n, 0);
}

/* The training index at each position of the batch, and its owner. */
static void draw_positions(struct ps_seeds *s, uint64_t seed, uint64_t epoch, uint64_t first)
{
    struct ps_key key = ps_key_make(seed, PS_FOR_SEED_ORDER, epoch, 0, 0);
    uint64_t train = ps_shard_train_total(s->shard);

    for (uint64_t i = 0; i < s->total; i++) {
        s->index[i] = ps_permute(key, first + i, train);
        s->owner[i] = ps_u32(
            ps_find_range(s->shard->train_begin, ps_world_ranks(s->shard->world), s->index[i]));
    }
}

/* Pack the seeds that this rank owns for the ranks that compute them; its own are kept. Also says
 * whether any seed of the batch travels, the same on all ranks. */
static bool pack(struct ps_seeds *s)
{
    const struct ps_shard *g = s->shard;
    uint32_t ranks = ps_world_ranks(g->world), me = ps_world_rank(g->world);
    bool any = false;

    memset(s->bytes, 0, ranks * sizeof *s->bytes);
    memset(s->cursor, 0, (ranks + 1) * sizeof *s->cursor);
    for (uint64_t i = 0; i < s->total; i++) {
        any |= s->owner[i] != s->rank[i];
        if (s->owner[i] == me)
            s->cursor[s->rank[i] + 1]++;
    }
    for (uint32_t r = 0; r < ranks; r++) {
        s->bytes[r] = s->cursor[r + 1] * sizeof *s->send;
        s->cursor[r + 1] += s->cursor[r];
        s->part[r] = s->send + s->cursor[r];
    }
    for (uint64_t i = 0; i < s->total; i++) {
        uint64_t v;
        if (s->owner[i] != me)
            continue;
        v = g->train_node[s->index[i] - g->train_begin[me]];
        s->send[s->cursor[s->rank[i]]++] = (struct ps_seed_message){g->first + v, g->label[v]};
    }
    return any;
}

static void unpack(struct ps_seeds *s, const void *data, uint64_t bytes)
{
    const unsigned char *p = data;

    for (uint64_t i = 0; i < bytes / sizeof(struct ps_seed_message); i++) {
        struct ps_seed_message message;
        memcpy(&message, p + i * sizeof message, sizeof message);
        s->node[s->count] = message.node;
        s->label[s->count++] = (int32_t)message.label;
    }
}

ps_status ps_seeds_take(struct ps_seeds *s, ps_status mine, uint64_t seed, uint64_t epoch,
                        uint64_t batch, uint64_t batch_size)
{
    struct ps_world *w = s->shard->world;
    uint32_t ranks = ps_world_ranks(w), me = ps_world_rank(w);
    uint64_t first = batch * batch_size, train = ps_shard_train_total(s->shard);
    bool travels;

    PS_ASSERT(first < train);
    s->total = ps_min(batch_size, train - first);
    PS_ASSERT(s->total <= s->send_cap);
    s->count = 0;
    draw_positions(s, seed, epoch, first);
    ps_seeds_deal(s->owner, s->total, ranks, s->rank, s->own, s->quota);
    travels = pack(s);
    unpack(s, s->part[me], s->bytes[me]);
    s->bytes[me] = 0;
    if (!travels)
        return mine;
    PS_TRY(ps_world_alltoall(w, PS_TRAFFIC_IDS, mine, s->part, s->bytes, &s->inbox));
    for (uint32_t r = 0; r < ranks; r++)
        unpack(s, s->inbox.data + s->inbox.begin[r], s->inbox.bytes[r]);
    return PS_OK;
}
