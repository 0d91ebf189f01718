/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/row_wire.h"

enum { EXTENTS = 16384 }; /* rows that are handed to the disk edge at a time */

ps_status ps_row_answer_init(struct ps_row_answer *a, struct ps_shard *shard)
{
    struct ps_mem *m = &ps_world_ctx(shard->world)->mem;
    struct ps_comm *comm = ps_world_comm(shard->world);
    uint32_t ranks = ps_comm_ranks(comm);

    memset(a, 0, sizeof *a);
    a->shard = shard;
    if (shard->count >= PS_ROW_MISSING)
        PS_FAIL(PS_EINPUT,
                "%s: a rank owns %" PRIu64 " nodes, at most %u are possible: use more ranks",
                ps_dataset_path(shard->dataset), shard->count, PS_ROW_MISSING - 1);
    PS_TRY(ps_slab_init(&a->slab, shard));
    PS_TRY(ps_idmap_init(&a->map, m));
    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, a->bytes, ranks));
    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, a->part, ranks));
    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, a->out, ranks));
    PS_TRY(PS_NEW(m, PS_MEM_ROWS, a->extent, EXTENTS));
    PS_TRY(ps_inbox_init(&a->heard, comm));
    return ps_inbox_init(&a->answer, comm);
}

void ps_row_answer_fini(struct ps_row_answer *a)
{
    struct ps_mem *m;

    if (a->shard == NULL)
        return;
    m = &ps_world_ctx(a->shard->world)->mem;
    ps_inbox_fini(&a->heard, ps_world_comm(a->shard->world));
    ps_inbox_fini(&a->answer, ps_world_comm(a->shard->world));
    ps_slab_fini(&a->slab);
    ps_idmap_fini(&a->map);
    ps_mem_free(m, &a->message);
    ps_mem_free(m, &a->reply);
    ps_mem_free(m, &a->bytes);
    ps_mem_free(m, &a->part);
    ps_mem_free(m, &a->out);
    ps_mem_free(m, &a->seen);
    ps_mem_free(m, &a->place);
    ps_mem_free(m, &a->list);
    ps_mem_free(m, &a->extent);
    memset(a, 0, sizeof *a);
}

/* A question taken apart. */
struct question {
    uint64_t n, batches;
    const uint32_t *id;
    const unsigned char *mask;
};

static PS_MUST ps_status open_question(const struct ps_row_answer *a, uint32_t r,
                                       struct question *q)
{
    const unsigned char *p = a->heard.data + a->heard.begin[r];
    uint64_t bytes = a->heard.bytes[r], head[2];

    *q = (struct question){0};
    if (bytes == 0)
        return PS_OK;
    if (bytes >= sizeof head) {
        memcpy(head, p, sizeof head);
        if (head[1] >= 1 && head[1] <= 64 && head[0] < PS_ROW_MISSING &&
            bytes == 16 + ps_wire_ids_bytes(head[0]) + ps_wire_masks_bytes(head[0], head[1])) {
            *q = (struct question){head[0], head[1], (const uint32_t *)(const void *)(p + 16),
                                   p + 16 + ps_wire_ids_bytes(head[0])};
            for (uint64_t i = 0; i < q->n; i++)
                if ((q->id[i] & ~PS_ROW_MISSING) >= a->shard->count)
                    PS_FAIL(PS_EPEER,
                            "rank %u asked rank %u for its node %u, but it owns %" PRIu64 " nodes",
                            r, ps_world_rank(a->shard->world), q->id[i] & ~PS_ROW_MISSING,
                            a->shard->count);
            return PS_OK;
        }
    }
    PS_FAIL(PS_EPEER,
            "rank %u asked rank %u for rows in a message of %" PRIu64 " bytes that does "
            "not fit its head",
            r, ps_world_rank(a->shard->world), bytes);
}

static uint64_t wanted_of(const struct question *q)
{
    uint64_t wanted = 0;

    for (uint64_t i = 0; i < q->n; i++)
        wanted += q->id[i] >> PS_ROW_MISSING_BIT;
    return wanted;
}

/* Bytes of the rows that a question wants, padding included. */
static uint64_t data_bytes(const struct ps_row_answer *a, const struct question *q, uint64_t wanted)
{
    const struct ps_meta *meta = a->shard->meta;
    uint64_t values = 0;

    if (!ps_wire_bags(a))
        return ps_align_up(wanted * a->slab.row_bytes, 8);
    for (uint64_t i = 0; i < q->n; i++)
        if ((q->id[i] & PS_ROW_MISSING) != 0)
            values += ps_wire_values(a->shard, q->id[i] & ~PS_ROW_MISSING);
    return ps_align_up(values * meta->feature_index_bytes, 8) +
           ps_align_up(meta->feature_values ? values * sizeof(float) : 0, 8);
}

/* Number of own node @p v in the map of those that are used, with its arrays. */
static PS_MUST ps_status enter(struct ps_row_answer *a, uint64_t v, uint32_t *k)
{
    struct ps_mem *m = &ps_world_ctx(a->shard->world)->mem;
    uint32_t before = a->map.count;

    PS_TRY(ps_idmap_reserve(&a->map, 1));
    *k = ps_idmap_put(&a->map, v);
    if (a->map.count == before)
        return PS_OK;
    PS_TRY(PS_GROW(m, PS_MEM_EXCHANGE, a->seen, a->seen_cap, a->map.count, before));
    PS_TRY(PS_GROW(m, PS_MEM_EXCHANGE, a->place, a->place_cap, a->map.count, before));
    a->seen[*k] = 0;
    a->place[*k] = NULL;
    return PS_OK;
}

static PS_MUST ps_status add_to_list(struct ps_row_answer *a, uint64_t v, unsigned char *place)
{
    PS_TRY(PS_GROW(&ps_world_ctx(a->shard->world)->mem, PS_MEM_ROWS, a->list, a->list_cap,
                   a->list_count + 1, a->list_count));
    a->list[a->list_count++] = (struct ps_sort_pair){v, (uint64_t)(uintptr_t)place};
    return PS_OK;
}

/* Own rows: those that are missing are to be read into their slots. */
static PS_MUST ps_status list_own(struct ps_row_answer *a, const struct ps_row_want *want,
                                  const struct ps_row_pool *pool)
{
    uint32_t me = ps_world_rank(a->shard->world), k;
    bool alone = ps_world_ranks(a->shard->world) == 1;

    for (uint64_t i = want->begin[me]; i < want->begin[me + 1]; i++) {
        uint64_t v = want->node[i] - a->shard->first;
        uint32_t s = want->slot[i] & ~PS_ROW_MISSING;
        unsigned char *place = ps_wire_bags(a) ? NULL : ps_row_pool_row(pool, s);
        if ((want->slot[i] & PS_ROW_MISSING) != 0)
            PS_TRY(add_to_list(a, v, place));
        if (alone)
            continue;
        PS_TRY(enter(a, v, &k));
        a->place[k] = place;
        if (ps_wire_bags(a)) /* read for this rank already: not to be listed twice */
            a->place[k] = (want->slot[i] & PS_ROW_MISSING) != 0 ? a->reply : NULL;
    }
    return PS_OK;
}

/* Who counts what, in the order of ranks: the first that uses a node in a batch. */
static PS_MUST ps_status share_counting(struct ps_row_answer *a, struct ps_row_want *want)
{
    uint32_t ranks = ps_world_ranks(a->shard->world), me = ps_world_rank(a->shard->world), k;
    uint64_t width = ps_wire_mask_bytes(want->batches);

    for (uint32_t r = 0; r < ranks; r++) {
        struct question q;
        unsigned char *flag = a->out[r];
        if (r == me) {
            for (uint64_t i = want->begin[me]; i < want->begin[me + 1]; i++) {
                PS_TRY(enter(a, want->node[i] - a->shard->first, &k));
                want->flag[i] = want->mask[i] & ~a->seen[k];
                a->seen[k] |= want->mask[i];
            }
            continue;
        }
        PS_TRY(open_question(a, r, &q));
        for (uint64_t i = 0; i < q.n; i++) {
            uint64_t mask = ps_wire_mask(q.mask + i * width, width), mine;
            PS_TRY(enter(a, q.id[i] & ~PS_ROW_MISSING, &k));
            mine = mask & ~a->seen[k];
            a->seen[k] |= mask;
            memcpy(flag + i * width, &mine, width);
        }
    }
    return PS_OK;
}

/* Room for all answers, and where each begins. */
static PS_MUST ps_status size_answers(struct ps_row_answer *a, uint32_t batches)
{
    struct ps_world *w = a->shard->world;
    uint32_t ranks = ps_world_ranks(w), me = ps_world_rank(w);
    uint64_t total = 0;

    for (uint32_t r = 0; r < ranks; r++) {
        struct question q = {0};
        a->bytes[r] = 0;
        if (r == me)
            continue;
        PS_TRY(open_question(a, r, &q));
        if (q.n > 0 && q.batches != batches)
            PS_FAIL(PS_EPEER, "rank %u is in a window of %" PRIu64 " batches, rank %u in one of %u",
                    r, q.batches, me, batches);
        if (q.n > 0)
            a->bytes[r] = ps_wire_masks_bytes(q.n, batches) + ps_wire_head_bytes(a, wanted_of(&q)) +
                          data_bytes(a, &q, wanted_of(&q));
        total += a->bytes[r];
    }
    PS_TRY(PS_GROW(&ps_world_ctx(w)->mem, PS_MEM_EXCHANGE, a->reply, a->reply_cap, total, 0));
    total = 0;
    for (uint32_t r = 0; r < ranks; r++) {
        a->part[r] = a->out[r] = a->reply + total;
        total += a->bytes[r];
    }
    return PS_OK;
}

/* What one rank wants: degrees, scores, sizes now; rows that nobody has yet are listed. */
static PS_MUST ps_status list_others(struct ps_row_answer *a, uint32_t r, uint32_t batches,
                                     const struct ps_row_pool *pool)
{
    const struct ps_shard *g = a->shard;
    struct question q;
    struct ps_wire_answer x;
    uint64_t n = 0;
    uint32_t k;

    PS_TRY(open_question(a, r, &q));
    if (q.n == 0)
        return PS_OK;
    x = ps_wire_open(a, a->out[r], q.n, wanted_of(&q), batches);
    for (uint64_t i = 0; i < q.n; i++) {
        uint64_t v = q.id[i] & ~PS_ROW_MISSING;
        uint32_t s;
        if ((q.id[i] & PS_ROW_MISSING) == 0)
            continue;
        PS_TRY(enter(a, v, &k));
        x.degree[n] = g->out_degree[v];
        x.score[n] = ps_shard_score(g, v);
        if (ps_wire_bags(a))
            x.size[n] = ps_u32(ps_wire_values(g, v));
        if (a->place[k] == NULL) {
            s = ps_wire_bags(a) ? PS_SLOT_NONE : ps_row_pool_find(pool, g->first + v);
            a->place[k] = s != PS_SLOT_NONE
                              ? ps_row_pool_row(pool, s)
                              : x.data + (ps_wire_bags(a) ? 0 : n * a->slab.row_bytes);
            if (s == PS_SLOT_NONE)
                PS_TRY(add_to_list(a, v, a->place[k]));
        }
        n++;
    }
    return PS_OK;
}

/* Rows in order of their place on disk, some thousand at a time. */
static PS_MUST ps_status read_dense(struct ps_row_answer *a)
{
    const struct ps_shard *g = a->shard;

    for (uint64_t at = 0; at < a->list_count;) {
        uint64_t n = ps_min(EXTENTS, a->list_count - at);
        for (uint64_t i = 0; i < n; i++) {
            uint64_t v = a->list[at + i].id;
            const struct ps_shard_part *p = ps_shard_part_of(g, v);
            a->extent[i] = (struct ps_extent){
                .file = p->file,
                .offset = p->dense_offset + (v - p->first) * a->slab.row_bytes,
                .bytes = a->slab.row_bytes,
                /* NOLINTNEXTLINE(performance-no-int-to-ptr): it was sorted as a number */
                .dst = (void *)(uintptr_t)a->list[at + i].with,
            };
        }
        PS_TRY(ps_world_fetch(g->world, a->extent, n));
        at += n;
    }
    a->stored_bytes += a->list_count * a->slab.row_bytes;
    return PS_OK;
}

static PS_MUST ps_status read_bags(struct ps_row_answer *a)
{
    PS_TRY(ps_slab_begin(&a->slab, a->list_count));
    for (uint64_t i = 0; i < a->list_count; i++)
        a->slab.node[i] = ps_u32(a->list[i].id);
    PS_TRY(ps_slab_read(&a->slab));
    a->stored_bytes += ps_slab_bytes(&a->slab);
    return PS_OK;
}

static void copy_bags(const struct ps_row_answer *a, const struct question *q,
                      struct ps_wire_answer x)
{
    const struct ps_slab *slab = &a->slab;
    size_t item = a->shard->meta->feature_index_bytes;
    uint64_t values = 0;
    unsigned char *value;

    for (uint64_t i = 0; i < q->n; i++)
        if ((q->id[i] & PS_ROW_MISSING) != 0)
            values += ps_wire_values(a->shard, q->id[i] & ~PS_ROW_MISSING);
    value = x.data + ps_align_up(values * item, 8);
    for (uint64_t i = 0; i < q->n; i++) {
        uint64_t row, z;
        if ((q->id[i] & PS_ROW_MISSING) == 0)
            continue;
        row = ps_wire_bag(a, q->id[i] & ~PS_ROW_MISSING);
        z = slab->begin[row + 1] - slab->begin[row];
        memcpy(x.data, slab->col + slab->begin[row] * item, z * item);
        x.data += z * item;
        if (!a->shard->meta->feature_values)
            continue;
        memcpy(value, slab->value + slab->begin[row], z * sizeof(float));
        value += z * sizeof(float);
    }
}

/* Rows that lie elsewhere, because another rank or this one wanted them too. */
static PS_MUST ps_status copy_rows(struct ps_row_answer *a, uint32_t r, uint32_t batches)
{
    struct question q;
    struct ps_wire_answer x;
    uint64_t n = 0;

    PS_TRY(open_question(a, r, &q));
    if (q.n == 0)
        return PS_OK;
    x = ps_wire_open(a, a->out[r], q.n, wanted_of(&q), batches);
    if (ps_wire_bags(a)) {
        copy_bags(a, &q, x);
        return PS_OK;
    }
    for (uint64_t i = 0; i < q.n; i++) {
        unsigned char *to = x.data + n * a->slab.row_bytes, *from;
        if ((q.id[i] & PS_ROW_MISSING) == 0)
            continue;
        from = a->place[ps_idmap_get(&a->map, q.id[i] & ~PS_ROW_MISSING)];
        if (from != to)
            memcpy(to, from, a->slab.row_bytes);
        n++;
    }
    return PS_OK;
}

ps_status ps_row_answer_read(struct ps_row_answer *a, struct ps_row_want *want,
                             struct ps_row_pool *pool)
{
    uint32_t ranks = ps_world_ranks(a->shard->world), me = ps_world_rank(a->shard->world);

    a->list_count = 0;
    ps_idmap_clear(&a->map);
    if (ranks == 1)
        memcpy(want->flag, want->mask, want->count * sizeof *want->flag);
    else
        PS_TRY(size_answers(a, want->batches));
    PS_TRY(list_own(a, want, pool));
    for (uint32_t r = 0; r < ranks; r++)
        if (r != me)
            PS_TRY(list_others(a, r, want->batches, pool));
    if (ranks > 1) {
        PS_TRY(share_counting(a, want));
        ps_sort_pairs(a->list, a->list_count);
    }
    a->rows += a->list_count;
    PS_TRY(ps_wire_bags(a) ? read_bags(a) : read_dense(a));
    for (uint32_t r = 0; r < ranks; r++)
        if (r != me)
            PS_TRY(copy_rows(a, r, want->batches));
    return PS_OK;
}

ps_status ps_row_answer_reply(struct ps_row_answer *a, ps_status mine)
{
    if (ps_world_ranks(a->shard->world) == 1)
        return mine;
    return ps_world_alltoall(a->shard->world, PS_TRAFFIC_ROWS, mine, a->part, a->bytes, &a->answer);
}
