/* SPDX-License-Identifier: Apache-2.0 */
/* The asking end of row_answer.h: questions to owners, and what comes back. */
#include "src/graph/row_wire.h"

static PS_MUST ps_status write_questions(struct ps_row_answer *a, const struct ps_row_want *want)
{
    struct ps_world *w = a->shard->world;
    uint32_t ranks = ps_world_ranks(w), me = ps_world_rank(w);
    uint64_t total = 0, width = ps_wire_mask_bytes(want->batches);
    unsigned char *p;

    for (uint32_t r = 0; r < ranks; r++) {
        uint64_t n = want->begin[r + 1] - want->begin[r];
        a->bytes[r] = r == me || n == 0
                          ? 0
                          : 16 + ps_wire_ids_bytes(n) + ps_wire_masks_bytes(n, want->batches);
        total += a->bytes[r];
    }
    PS_TRY(PS_GROW(&ps_world_ctx(w)->mem, PS_MEM_EXCHANGE, a->message, a->message_cap, total, 0));
    p = a->message;
    for (uint32_t r = 0; r < ranks; r++) {
        uint64_t first = want->begin[r], n = want->begin[r + 1] - first;
        uint64_t head[2] = {n, want->batches};
        uint32_t *id = (uint32_t *)(void *)(p + 16);
        unsigned char *mask = p + 16 + ps_wire_ids_bytes(n);
        a->part[r] = p;
        if (a->bytes[r] == 0)
            continue;
        memcpy(p, head, sizeof head);
        for (uint64_t i = 0; i < n; i++) {
            id[i] = ps_u32(want->node[first + i] - a->shard->rank_begin[r]) |
                    (want->slot[first + i] & PS_ROW_MISSING);
            memcpy(mask + i * width, &want->mask[first + i], width);
        }
        p += a->bytes[r];
    }
    return PS_OK;
}

ps_status ps_row_answer_ask(struct ps_row_answer *a, ps_status mine, const struct ps_row_want *want)
{
    if (ps_world_ranks(a->shard->world) == 1)
        return mine;
    if (mine == PS_OK)
        mine = write_questions(a, want);
    return ps_world_alltoall(a->shard->world, PS_TRAFFIC_IDS, mine, a->part, a->bytes, &a->heard);
}

/* The answer of rank @p r, checked for its size. @param[out] wanted rows in it */
static PS_MUST ps_status open_reply(struct ps_row_answer *a, const struct ps_row_want *want,
                                    uint32_t r, struct ps_wire_answer *x, uint64_t *wanted)
{
    const struct ps_meta *meta = a->shard->meta;
    uint64_t first = want->begin[r], n = want->begin[r + 1] - first, bytes = a->answer.bytes[r];
    uint64_t expected = 0, values = 0;

    *wanted = 0;
    for (uint64_t i = 0; i < n; i++)
        *wanted += want->slot[first + i] >> PS_ROW_MISSING_BIT;
    *x = ps_wire_open(a, a->answer.data + a->answer.begin[r], n, *wanted, want->batches);
    if (n > 0)
        expected = ps_wire_masks_bytes(n, want->batches) + ps_wire_head_bytes(a, *wanted);
    if (n > 0 && !ps_wire_bags(a))
        expected += ps_align_up(*wanted * a->slab.row_bytes, 8);
    if (ps_wire_bags(a) && bytes >= expected) {
        for (uint64_t i = 0; i < *wanted; i++)
            values += x->size[i];
        expected += ps_align_up(values * meta->feature_index_bytes, 8) +
                    ps_align_up(meta->feature_values ? values * sizeof(float) : 0, 8);
    }
    if (bytes != expected)
        PS_FAIL(PS_EPEER,
                "rank %u answered %" PRIu64 " rows with %" PRIu64 " bytes, expected %" PRIu64, r,
                *wanted, bytes, expected);
    a->heard_bytes += bytes;
    a->raw_bytes += n == 0
                        ? 0
                        : ps_wire_masks_bytes(n, want->batches) + ps_wire_head_bytes(a, *wanted) +
                              *wanted * meta->feature_dim * sizeof(float);
    return PS_OK;
}

/* Flags, degrees and scores of the rows of rank @p r; dense rows, or the lengths of bags. */
static PS_MUST ps_status take_from(struct ps_row_answer *a, struct ps_row_want *want, uint32_t r,
                                   struct ps_row_pool *pool)
{
    uint64_t wanted, at = 0, width = ps_wire_mask_bytes(want->batches);
    struct ps_wire_answer x;

    PS_TRY(open_reply(a, want, r, &x, &wanted));
    for (uint64_t i = want->begin[r]; i < want->begin[r + 1]; i++) {
        uint32_t s = want->slot[i] & ~PS_ROW_MISSING;
        want->flag[i] = ps_wire_mask(x.flag + (i - want->begin[r]) * width, width);
        if ((want->slot[i] & PS_ROW_MISSING) == 0)
            continue;
        pool->slot[s].degree = x.degree[at];
        pool->slot[s].score = x.score[at];
        if (ps_wire_bags(a))
            pool->length[s] = x.size[at];
        else
            memcpy(ps_row_pool_row(pool, s), x.data + at * pool->row_bytes, pool->row_bytes);
        at++;
    }
    return PS_OK;
}

static void take_own(const struct ps_row_answer *a, const struct ps_row_want *want,
                     struct ps_row_pool *pool)
{
    uint32_t me = ps_world_rank(a->shard->world);

    for (uint64_t i = want->begin[me]; i < want->begin[me + 1]; i++) {
        uint32_t s = want->slot[i] & ~PS_ROW_MISSING;
        uint64_t v = want->node[i] - a->shard->first;
        if ((want->slot[i] & PS_ROW_MISSING) == 0)
            continue;
        pool->slot[s].degree = a->shard->out_degree[v];
        pool->slot[s].score = ps_shard_score(a->shard, v);
        if (ps_wire_bags(a))
            pool->length[s] = ps_u32(ps_wire_values(a->shard, v));
    }
}

static void put_bag(struct ps_row_pool *pool, uint32_t s, const unsigned char *col,
                    const unsigned char *value)
{
    size_t item = pool->meta->feature_index_bytes, z = pool->length[s];

    if (z == 0)
        return;
    memcpy(pool->col[pool->which] + pool->begin[s] * item, col, z * item);
    if (value != NULL)
        memcpy(pool->value[pool->which] + pool->begin[s], value, z * sizeof(float));
}

static void put_own_bags(const struct ps_row_answer *a, const struct ps_row_want *want,
                         struct ps_row_pool *pool)
{
    uint32_t me = ps_world_rank(a->shard->world);
    size_t item = pool->meta->feature_index_bytes;
    const struct ps_slab *slab = &a->slab;

    for (uint64_t i = want->begin[me]; i < want->begin[me + 1]; i++) {
        uint64_t row;
        if ((want->slot[i] & PS_ROW_MISSING) == 0)
            continue;
        row = ps_wire_bag(a, want->node[i] - a->shard->first);
        put_bag(pool, want->slot[i] & ~PS_ROW_MISSING, slab->col + slab->begin[row] * item,
                pool->meta->feature_values ? (const unsigned char *)(slab->value + slab->begin[row])
                                           : NULL);
    }
}

static void put_bags_from(struct ps_row_answer *a, const struct ps_row_want *want, uint32_t r,
                          struct ps_row_pool *pool)
{
    uint64_t wanted = 0, values = 0;
    size_t item = pool->meta->feature_index_bytes;
    struct ps_wire_answer x;
    const unsigned char *value;

    for (uint64_t i = want->begin[r]; i < want->begin[r + 1]; i++)
        if ((want->slot[i] & PS_ROW_MISSING) != 0) {
            wanted++;
            values += pool->length[want->slot[i] & ~PS_ROW_MISSING];
        }
    x = ps_wire_open(a, a->answer.data + a->answer.begin[r], want->begin[r + 1] - want->begin[r],
                     wanted, want->batches);
    value = x.data + ps_align_up(values * item, 8);
    for (uint64_t i = want->begin[r]; i < want->begin[r + 1]; i++) {
        uint32_t s = want->slot[i] & ~PS_ROW_MISSING;
        if ((want->slot[i] & PS_ROW_MISSING) == 0)
            continue;
        put_bag(pool, s, x.data, pool->meta->feature_values ? value : NULL);
        x.data += pool->length[s] * item;
        value += pool->length[s] * sizeof(float);
    }
}

ps_status ps_row_answer_take(struct ps_row_answer *a, struct ps_row_want *want,
                             struct ps_row_pool *pool)
{
    uint32_t ranks = ps_world_ranks(a->shard->world), me = ps_world_rank(a->shard->world);

    take_own(a, want, pool);
    for (uint32_t r = 0; r < ranks; r++)
        if (r != me)
            PS_TRY(take_from(a, want, r, pool));
    if (!ps_wire_bags(a))
        return PS_OK;
    PS_TRY(ps_row_pool_renew(pool, want->slot, want->count));
    put_own_bags(a, want, pool);
    for (uint32_t r = 0; r < ranks; r++)
        if (r != me)
            put_bags_from(a, want, r, pool);
    return PS_OK;
}
