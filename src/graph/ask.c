/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/ask.h"

#include <string.h>

ps_status ps_ask_init(struct ps_ask *a, struct ps_shard *shard)
{
    struct ps_mem *m = &ps_world_ctx(shard->world)->mem;
    struct ps_comm *comm = ps_world_comm(shard->world);
    uint32_t ranks = ps_comm_ranks(comm);

    memset(a, 0, sizeof *a);
    a->shard = shard;
    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, a->begin, ranks + 1));
    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, a->cursor, ranks + 1));
    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, a->bytes, ranks + 1)); /* the last: this rank's own answer */
    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, a->part, ranks + 1));
    PS_TRY(ps_inbox_init(&a->heard, comm));
    return ps_inbox_init(&a->answer, comm);
}

void ps_ask_fini(struct ps_ask *a)
{
    struct ps_mem *m;

    if (a->shard == NULL)
        return;
    m = &ps_world_ctx(a->shard->world)->mem;
    ps_mem_free(m, &a->begin);
    ps_mem_free(m, &a->cursor);
    ps_mem_free(m, &a->bytes);
    ps_mem_free(m, &a->part);
    ps_mem_free(m, &a->id);
    ps_mem_free(m, &a->from);
    ps_mem_free(m, &a->sort);
    ps_inbox_fini(&a->heard, ps_world_comm(a->shard->world));
    ps_inbox_fini(&a->answer, ps_world_comm(a->shard->world));
    memset(a, 0, sizeof *a);
}

struct ps_question {
    uint64_t id;
    uint64_t from;
};

/* One pass of a radix sort by 11 bits of the id. Stable. */
static void sort_pass(const struct ps_question *in, struct ps_question *out, uint64_t n,
                      unsigned shift)
{
    enum { BUCKETS = 2048 };
    uint64_t at[BUCKETS + 1] = {0};

    for (uint64_t i = 0; i < n; i++)
        at[((in[i].id >> shift) & (BUCKETS - 1)) + 1]++;
    for (int b = 0; b < BUCKETS; b++)
        at[b + 1] += at[b];
    for (uint64_t i = 0; i < n; i++)
        out[at[(in[i].id >> shift) & (BUCKETS - 1)]++] = in[i];
}

/* Order all questions by id; owners hold ascending ranges, so they are by owner then, too. */
static PS_MUST ps_status order(struct ps_ask *a)
{
    struct ps_question *q, *spare;

    PS_TRY(PS_GROW(&ps_world_ctx(a->shard->world)->mem, PS_MEM_EXCHANGE, a->sort, a->sort_cap,
                   2 * a->count, 0));
    q = a->sort;
    spare = a->sort + a->count;
    for (uint64_t i = 0; i < a->count; i++)
        q[i] = (struct ps_question){a->id[i], a->from[i]};
    for (unsigned shift = 0; shift < 64 && (a->shard->meta->nodes - 1) >> shift != 0; shift += 11) {
        struct ps_question *sorted = spare;
        sort_pass(q, sorted, a->count, shift);
        spare = q;
        q = sorted;
    }
    for (uint64_t i = 0; i < a->count; i++) {
        a->id[i] = q[i].id;
        a->from[i] = (uint32_t)q[i].from;
    }
    return PS_OK;
}

/* A stable counting sort by owner. */
static PS_MUST ps_status address(struct ps_ask *a, const uint64_t *node, uint64_t n, bool sorted)
{
    struct ps_mem *m = &ps_world_ctx(a->shard->world)->mem;
    uint32_t ranks = ps_world_ranks(a->shard->world);

    PS_TRY(PS_GROW(m, PS_MEM_EXCHANGE, a->id, a->id_cap, n, 0));
    PS_TRY(PS_GROW(m, PS_MEM_EXCHANGE, a->from, a->from_cap, n, 0));
    a->count = n;
    memset(a->begin, 0, (ranks + 1) * sizeof *a->begin);
    for (uint64_t i = 0; i < n; i++)
        a->begin[ps_shard_owner(a->shard, node[i]) + 1]++;
    for (uint32_t r = 0; r < ranks; r++)
        a->begin[r + 1] += a->begin[r];
    memcpy(a->cursor, a->begin, (ranks + 1) * sizeof *a->begin);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t at = a->cursor[ps_shard_owner(a->shard, node[i])]++;
        a->id[at] = node[i];
        a->from[at] = ps_u32(i);
    }
    return sorted ? order(a) : PS_OK;
}

ps_status ps_ask_send(struct ps_ask *a, ps_status mine, enum ps_traffic as, const uint64_t *node,
                      uint64_t n, bool sorted)
{
    struct ps_world *w = a->shard->world;
    uint32_t ranks = ps_world_ranks(w), me = ps_world_rank(w);

    if (mine == PS_OK)
        mine = address(a, node, n, sorted);
    if (ranks == 1)
        return mine;
    for (uint32_t r = 0; r < ranks; r++) {
        a->part[r] = a->id == NULL ? NULL : a->id + a->begin[r];
        a->bytes[r] = r == me ? 0 : (a->begin[r + 1] - a->begin[r]) * sizeof *a->id;
    }
    return ps_world_alltoall(w, as, mine, a->part, a->bytes, &a->heard);
}

const uint64_t *ps_ask_heard(const struct ps_ask *a, uint32_t r, uint64_t *count)
{
    if (r == ps_world_rank(a->shard->world)) {
        *count = a->begin[r + 1] - a->begin[r];
        return a->id + a->begin[r];
    }
    *count = a->heard.bytes[r] / sizeof(uint64_t);
    return (const uint64_t *)(const void *)(a->heard.data + a->heard.begin[r]);
}

ps_status ps_ask_reply(struct ps_ask *a, ps_status mine, enum ps_traffic as,
                       const void *const *part, const uint64_t *bytes)
{
    struct ps_world *w = a->shard->world;
    uint32_t ranks = ps_world_ranks(w), me = ps_world_rank(w);

    a->part[ranks] = mine == PS_OK ? part[me] : NULL;
    a->bytes[ranks] = mine == PS_OK ? bytes[me] : 0;
    if (ranks == 1)
        return mine;
    for (uint32_t r = 0; r < ranks; r++) {
        a->part[r] = mine == PS_OK ? part[r] : NULL;
        a->bytes[r] = r == me || mine != PS_OK ? 0 : bytes[r];
    }
    return ps_world_alltoall(w, as, mine, a->part, a->bytes, &a->answer);
}

const unsigned char *ps_ask_answer(const struct ps_ask *a, uint32_t r, uint64_t *bytes)
{
    uint32_t ranks = ps_world_ranks(a->shard->world);

    if (r == ps_world_rank(a->shard->world)) {
        *bytes = a->bytes[ranks];
        return a->part[ranks];
    }
    *bytes = a->answer.bytes[r];
    return a->answer.data + a->answer.begin[r];
}
