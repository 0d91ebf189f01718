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
    ps_mem_free(m, &a->message);
    ps_mem_free(m, &a->heard_begin);
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

/* Order the questions [begin, end) by id. */
static void order(struct ps_ask *a, uint64_t begin, uint64_t end)
{
    uint64_t n = end - begin;
    struct ps_question *q = a->sort, *spare = a->sort + n;

    for (uint64_t i = 0; i < n; i++)
        q[i] = (struct ps_question){a->id[begin + i], a->from[begin + i]};
    for (unsigned shift = 0; shift < 64 && (a->shard->meta->nodes - 1) >> shift != 0; shift += 11) {
        struct ps_question *sorted = spare;
        sort_pass(q, sorted, n, shift);
        spare = q;
        q = sorted;
    }
    for (uint64_t i = 0; i < n; i++) {
        a->id[begin + i] = q[i].id;
        a->from[begin + i] = (uint32_t)q[i].from;
    }
}

/* A stable counting sort by owner and group. */
static PS_MUST ps_status address(struct ps_ask *a, const struct ps_ask_list *list, uint32_t groups,
                                 bool sorted)
{
    struct ps_mem *m = &ps_world_ctx(a->shard->world)->mem;
    uint32_t ranks = ps_world_ranks(a->shard->world);
    size_t cells = (size_t)ranks * groups;

    a->groups = groups;
    a->count = 0;
    for (uint32_t g = 0; g < groups; g++)
        a->count += list[g].count;
    PS_TRY(PS_GROW(m, PS_MEM_EXCHANGE, a->begin, a->begin_cap, cells + 1, 0));
    PS_TRY(PS_GROW(m, PS_MEM_EXCHANGE, a->cursor, a->cursor_cap, cells + 1, 0));
    PS_TRY(PS_GROW(m, PS_MEM_EXCHANGE, a->id, a->id_cap, a->count, 0));
    PS_TRY(PS_GROW(m, PS_MEM_EXCHANGE, a->from, a->from_cap, a->count, 0));
    if (sorted)
        PS_TRY(PS_GROW(m, PS_MEM_EXCHANGE, a->sort, a->sort_cap, 2 * a->count, 0));
    memset(a->begin, 0, (cells + 1) * sizeof *a->begin);
    for (uint32_t g = 0; g < groups; g++)
        for (uint64_t i = 0; i < list[g].count; i++)
            a->begin[(size_t)ps_shard_owner(a->shard, list[g].node[i]) * groups + g + 1]++;
    for (size_t c = 0; c < cells; c++)
        a->begin[c + 1] += a->begin[c];
    memcpy(a->cursor, a->begin, (cells + 1) * sizeof *a->begin);
    for (uint32_t g = 0; g < groups; g++)
        for (uint64_t i = 0; i < list[g].count; i++) {
            uint64_t id = list[g].node[i];
            uint64_t at = a->cursor[(size_t)ps_shard_owner(a->shard, id) * groups + g]++;
            a->id[at] = id;
            a->from[at] = ps_u32(i);
        }
    for (size_t c = 0; sorted && c < cells; c++)
        order(a, a->begin[c], a->begin[c + 1]);
    return PS_OK;
}

/* The message to each other rank: counts, then ids, which lie one behind the other already. */
static PS_MUST ps_status write_messages(struct ps_ask *a)
{
    struct ps_world *w = a->shard->world;
    uint32_t ranks = ps_world_ranks(w), me = ps_world_rank(w), groups = a->groups;
    uint64_t *p;

    PS_TRY(PS_GROW(&ps_world_ctx(w)->mem, PS_MEM_EXCHANGE, a->heard_begin, a->heard_cap,
                   (size_t)ranks * (groups + 1), 0));
    PS_TRY(PS_GROW(&ps_world_ctx(w)->mem, PS_MEM_EXCHANGE, a->message, a->message_cap,
                   (a->count + (uint64_t)ranks * groups) * sizeof *p, 0));
    p = (uint64_t *)(void *)a->message;
    for (uint32_t r = 0; r < ranks; r++) {
        const uint64_t *begin = a->begin + (size_t)r * groups;
        uint64_t n = begin[groups] - begin[0];
        a->part[r] = p;
        a->bytes[r] = 0;
        if (r == me || n == 0)
            continue;
        for (uint32_t g = 0; g < groups; g++)
            *p++ = begin[g + 1] - begin[g];
        memcpy(p, a->id + begin[0], n * sizeof *p);
        p += n;
        a->bytes[r] = (groups + n) * sizeof *p;
    }
    return PS_OK;
}

static PS_MUST ps_status refuse(const struct ps_ask *a, uint32_t r, uint64_t words)
{
    PS_FAIL(PS_EPEER,
            "rank %u sent rank %u a list of %" PRIu64 " words whose counts do not fit its length",
            r, ps_world_rank(a->shard->world), words);
}

/* Where the groups of each rank begin in what was heard; sizes come from others. Of a rank whose
 * sizes are wrong nothing was heard. */
static PS_MUST ps_status read_heard(struct ps_ask *a)
{
    struct ps_world *w = a->shard->world;
    ps_status st = PS_OK;
    uint32_t ranks = ps_world_ranks(w), groups = a->groups;

    for (uint32_t r = 0; r < ranks; r++) {
        uint64_t *begin = a->heard_begin + (size_t)r * (groups + 1);
        const uint64_t *p = (const uint64_t *)(const void *)(a->heard.data + a->heard.begin[r]);
        uint64_t words = a->heard.bytes[r] / sizeof *p;
        begin[0] = a->heard.begin[r] / sizeof *p + (words > 0 ? groups : 0);
        for (uint32_t g = 0; g < groups; g++)
            begin[g + 1] = begin[g] + (words >= groups && words > 0 ? p[g] : 0);
        if (words == 0 || begin[groups] == a->heard.begin[r] / sizeof *p + words)
            continue;
        memset(begin, 0, (groups + 1) * sizeof *begin);
        PS_KEEP(st, refuse(a, r, words));
    }
    return st;
}

ps_status ps_ask_groups(struct ps_ask *a, ps_status mine, enum ps_traffic as,
                        const struct ps_ask_list *list, uint32_t groups, bool sorted)
{
    struct ps_world *w = a->shard->world;

    if (mine == PS_OK)
        mine = address(a, list, groups, sorted);
    if (ps_world_ranks(w) == 1)
        return mine;
    if (mine == PS_OK)
        mine = write_messages(a);
    PS_TRY(ps_world_alltoall(w, as, mine, a->part, a->bytes, &a->heard));
    a->heard_st = read_heard(a); /* told with the answer: the next call in which all are */
    return PS_OK;
}

ps_status ps_ask_send(struct ps_ask *a, ps_status mine, enum ps_traffic as, const uint64_t *node,
                      uint64_t n, bool sorted)
{
    return ps_ask_groups(a, mine, as, &(struct ps_ask_list){node, n}, 1, sorted);
}

uint64_t ps_ask_put(const struct ps_ask *a, uint32_t r, uint32_t g, uint64_t *count)
{
    const uint64_t *begin = a->begin + (size_t)r * a->groups + g;

    *count = begin[1] - begin[0];
    return begin[0];
}

const uint64_t *ps_ask_heard_group(const struct ps_ask *a, uint32_t r, uint32_t g, uint64_t *count)
{
    const uint64_t *begin;

    if (r == ps_world_rank(a->shard->world))
        return a->id + ps_ask_put(a, r, g, count);
    begin = a->heard_begin + (size_t)r * (a->groups + 1) + g;
    *count = begin[1] - begin[0];
    return (const uint64_t *)(const void *)a->heard.data + begin[0];
}

const uint64_t *ps_ask_heard(const struct ps_ask *a, uint32_t r, uint64_t *count)
{
    uint64_t n;
    const uint64_t *first = ps_ask_heard_group(a, r, 0, count);

    for (uint32_t g = 1; g < a->groups; g++) {
        (void)ps_ask_heard_group(a, r, g, &n);
        *count += n;
    }
    return first;
}

ps_status ps_ask_reply(struct ps_ask *a, ps_status mine, enum ps_traffic as,
                       const void *const *part, const uint64_t *bytes)
{
    struct ps_world *w = a->shard->world;
    uint32_t ranks = ps_world_ranks(w), me = ps_world_rank(w);

    if (mine == PS_OK && ranks > 1)
        mine = a->heard_st;
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
