/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer to n questions for rows is u32 out_degree[n] and, for CSR, u32 size[n], padded to
 * 8 bytes; then the rows one behind the other: dense rows as stored, or all columns and then, if
 * there are any, all values. Own rows go from the slab to their place directly.
 */
#include "src/graph/row_store.h"

#include <string.h>

struct ps_row_fetch {
    struct ps_shard *shard;
    struct ps_ask ask;
    struct ps_slab slab;
    struct ps_row_store store;
    uint32_t *slot;       /* (shard nodes) 1 + row of the slab, while answering; else 0 */
    unsigned char *reply; /* answers to all other ranks */
    uint64_t *bytes;      /* (R) */
    const void **part;    /* (R) */
    size_t reply_cap;
    uint64_t fingerprint;
    struct ps_row_counts counts;
};

ps_status ps_row_fetch_new(struct ps_row_fetch **out, struct ps_shard *shard)
{
    struct ps_ctx *ctx = ps_world_ctx(shard->world);
    uint32_t ranks = ps_world_ranks(shard->world);
    struct ps_row_fetch *f;
    ps_status st;

    *out = NULL;
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_ROWS, f, 1));
    f->shard = shard;
    ps_row_store_init(&f->store, &ctx->mem, shard->meta);
    PS_GO(st, ps_ask_init(&f->ask, shard));
    PS_GO(st, ps_slab_init(&f->slab, shard));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_TOPOLOGY, f->slot, shard->count));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_EXCHANGE, f->bytes, ranks));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_EXCHANGE, f->part, ranks));
    *out = f;
    return PS_OK;
out:
    ps_row_fetch_free(&f);
    return st;
}

void ps_row_fetch_free(struct ps_row_fetch **out)
{
    struct ps_row_fetch *f = *out;
    struct ps_mem *m;

    if (f == NULL)
        return;
    m = &ps_world_ctx(f->shard->world)->mem;
    ps_ask_fini(&f->ask);
    ps_slab_fini(&f->slab);
    ps_row_store_fini(&f->store);
    ps_mem_free(m, &f->slot);
    ps_mem_free(m, &f->reply);
    ps_mem_free(m, &f->bytes);
    ps_mem_free(m, &f->part);
    ps_mem_free(m, &f);
    *out = NULL;
}

/* Which own rows anybody wants: marked, then listed in ascending order in the slab. */
static PS_MUST ps_status find_union(struct ps_row_fetch *f)
{
    const struct ps_shard *g = f->shard;
    uint32_t ranks = ps_world_ranks(g->world);
    uint64_t n, distinct = 0, lowest = g->count, end = 0;

    for (uint32_t r = 0; r < ranks; r++) {
        const uint64_t *id = ps_ask_heard(&f->ask, r, &n);
        for (uint64_t i = 0; i < n; i++) {
            uint64_t v = id[i] - g->first;
            if (v >= g->count)
                PS_FAIL(PS_EPEER,
                        "rank %u asked rank %u for node %" PRIu64 ", which it does not own", r,
                        ps_world_rank(g->world), id[i]);
            distinct += f->slot[v] == 0;
            f->slot[v] = 1;
            lowest = ps_min(lowest, v);
            end = ps_max(end, v + 1);
        }
    }
    PS_TRY(ps_slab_begin(&f->slab, distinct));
    distinct = 0;
    for (uint64_t v = lowest; v < end; v++)
        if (f->slot[v] != 0) {
            f->slab.node[distinct++] = ps_u32(v);
            f->slot[v] = ps_u32(distinct);
        }
    return PS_OK;
}

static void forget_union(struct ps_row_fetch *f)
{
    uint64_t n;

    for (uint32_t r = 0; r < ps_world_ranks(f->shard->world); r++) {
        const uint64_t *id = ps_ask_heard(&f->ask, r, &n);
        for (uint64_t i = 0; i < n; i++)
            if (id[i] - f->shard->first < f->shard->count)
                f->slot[id[i] - f->shard->first] = 0;
    }
}

static uint64_t header_bytes(const struct ps_row_fetch *f, uint64_t n)
{
    bool is_csr = f->shard->meta->feature_kind == PS_FEATURES_CSR;

    return ps_align_up(n * (is_csr ? 2 : 1) * sizeof(uint32_t), 8);
}

/* Row of the slab that holds global node @p id. */
static uint64_t slot_of(const struct ps_row_fetch *f, uint64_t id)
{
    return f->slot[id - f->shard->first] - 1;
}

static uint64_t values_of(const struct ps_row_fetch *f, const uint64_t *id, uint64_t n)
{
    uint64_t values = 0;

    for (uint64_t i = 0; i < n; i++) {
        uint64_t row = slot_of(f, id[i]);
        values += f->slab.begin[row + 1] - f->slab.begin[row];
    }
    return values;
}

static uint64_t answer_bytes(const struct ps_row_fetch *f, const uint64_t *id, uint64_t n)
{
    const struct ps_meta *meta = f->shard->meta;
    uint64_t values;

    if (meta->feature_kind == PS_FEATURES_DENSE)
        return ps_align_up(header_bytes(f, n) + n * f->slab.row_bytes, 8);
    values = values_of(f, id, n);
    return ps_align_up(header_bytes(f, n) + values * meta->feature_index_bytes, 8) +
           ps_align_up(meta->feature_values ? values * sizeof(float) : 0, 8);
}

static void answer_dense(const struct ps_row_fetch *f, const uint64_t *id, uint64_t n,
                         unsigned char *p)
{
    p += header_bytes(f, n);
    for (uint64_t i = 0; i < n; i++)
        memcpy(p + i * f->slab.row_bytes, f->slab.dense + slot_of(f, id[i]) * f->slab.row_bytes,
               f->slab.row_bytes);
}

static void answer_csr(const struct ps_row_fetch *f, const uint64_t *id, uint64_t n,
                       unsigned char *p)
{
    const struct ps_slab *slab = &f->slab;
    uint64_t item = f->shard->meta->feature_index_bytes;
    uint32_t *size = (uint32_t *)(void *)p + n;
    unsigned char *col = p + header_bytes(f, n);
    unsigned char *value = p + ps_align_up(header_bytes(f, n) + values_of(f, id, n) * item, 8);

    for (uint64_t i = 0; i < n; i++) {
        uint64_t row = slot_of(f, id[i]), z = slab->begin[row + 1] - slab->begin[row];
        size[i] = ps_u32(z);
        memcpy(col, slab->col + slab->begin[row] * item, z * item);
        col += z * item;
        if (!f->shard->meta->feature_values)
            continue;
        memcpy(value, slab->value + slab->begin[row], z * sizeof(float));
        value += z * sizeof(float);
    }
}

static PS_MUST ps_status answer_all(struct ps_row_fetch *f, const struct ps_batch_id *batch)
{
    const struct ps_shard *g = f->shard;
    uint32_t ranks = ps_world_ranks(g->world), me = ps_world_rank(g->world);
    uint64_t total = 0, n;

    PS_TRY(find_union(f));
    PS_TRY(ps_slab_read(&f->slab));
    for (uint64_t i = 0; i < f->slab.count; i++)
        f->fingerprint += ps_slab_hash(&f->slab, batch, i);
    f->counts.rows += f->slab.count;
    f->counts.stored_bytes += ps_slab_bytes(&f->slab);
    for (uint32_t r = 0; r < ranks; r++) {
        const uint64_t *id = ps_ask_heard(&f->ask, r, &n);
        f->bytes[r] = r == me || n == 0 ? 0 : answer_bytes(f, id, n);
        total += f->bytes[r];
    }
    PS_TRY(
        PS_GROW(&ps_world_ctx(g->world)->mem, PS_MEM_EXCHANGE, f->reply, f->reply_cap, total, 0));
    total = 0;
    for (uint32_t r = 0; r < ranks; r++) {
        const uint64_t *id = ps_ask_heard(&f->ask, r, &n);
        uint32_t *degree = (uint32_t *)(void *)(f->reply + total);
        f->part[r] = f->reply + total;
        if (f->bytes[r] == 0)
            continue;
        for (uint64_t i = 0; i < n; i++)
            degree[i] = g->out_degree[id[i] - g->first];
        if (g->meta->feature_kind == PS_FEATURES_DENSE)
            answer_dense(f, id, n, f->reply + total);
        else
            answer_csr(f, id, n, f->reply + total);
        total += f->bytes[r];
    }
    return PS_OK;
}

/* Sizes of the rows of one answer, where they are CSR. Checks that the answer is whole. */
static PS_MUST ps_status hear_sizes(struct ps_row_fetch *f, uint32_t r)
{
    const struct ps_meta *meta = f->shard->meta;
    uint64_t first = f->ask.begin[r], n = f->ask.begin[r + 1] - first, bytes, want, values = 0;
    const unsigned char *p = ps_ask_answer(&f->ask, r, &bytes);
    const uint32_t *size = (const uint32_t *)(const void *)p + n;

    want = ps_align_up(header_bytes(f, n) + n * f->slab.row_bytes, 8);
    if (meta->feature_kind == PS_FEATURES_CSR && bytes >= header_bytes(f, n)) {
        for (uint64_t i = 0; i < n; i++) {
            f->store.begin[f->ask.from[first + i] + 1] = size[i];
            values += size[i];
        }
        want = ps_align_up(header_bytes(f, n) + values * meta->feature_index_bytes, 8) +
               ps_align_up(meta->feature_values ? values * sizeof(float) : 0, 8);
    }
    if (bytes != want)
        PS_FAIL(PS_EPEER,
                "rank %u answered %" PRIu64 " rows with %" PRIu64 " bytes, expected %" PRIu64, r, n,
                bytes, want);
    f->counts.heard_bytes += bytes;
    f->counts.raw_bytes += header_bytes(f, n) + n * meta->feature_dim * sizeof(float);
    return PS_OK;
}

static void place_others(struct ps_row_fetch *f, uint32_t r)
{
    const struct ps_meta *meta = f->shard->meta;
    uint64_t first = f->ask.begin[r], n = f->ask.begin[r + 1] - first, bytes, values = 0;
    const unsigned char *p = ps_ask_answer(&f->ask, r, &bytes);
    const uint32_t *degree = (const uint32_t *)(const void *)p;
    const unsigned char *col = p + header_bytes(f, n), *value;
    uint64_t item = meta->feature_index_bytes;

    if (meta->feature_kind == PS_FEATURES_CSR)
        for (uint64_t i = 0; i < n; i++)
            values += degree[n + i];
    value = p + ps_align_up(header_bytes(f, n) + values * item, 8);
    for (uint64_t i = 0; i < n; i++) {
        uint32_t row = f->ask.from[first + i];
        f->store.out_degree[row] = degree[i];
        if (meta->feature_kind == PS_FEATURES_DENSE) {
            ps_row_store_put_dense(&f->store, row, col + i * f->slab.row_bytes);
            continue;
        }
        ps_row_store_put_csr(&f->store, row, col, meta->feature_values ? value : NULL);
        col += degree[n + i] * item;
        value += degree[n + i] * sizeof(float);
    }
}

static void place_own(struct ps_row_fetch *f)
{
    uint32_t me = ps_world_rank(f->shard->world);
    uint64_t first = f->ask.begin[me], n = f->ask.begin[me + 1] - first;
    int threads = ps_world_ctx(f->shard->world)->threads;

#pragma omp parallel for num_threads(threads) schedule(static) default(none)                       \
    firstprivate(f, first, n)
    for (uint64_t i = 0; i < n; i++)
        ps_row_store_put(&f->store, f->ask.from[first + i], &f->slab,
                         slot_of(f, f->ask.id[first + i]));
}

static PS_MUST ps_status place_all(struct ps_row_fetch *f, uint32_t count)
{
    uint32_t ranks = ps_world_ranks(f->shard->world), me = ps_world_rank(f->shard->world);
    uint64_t first = f->ask.begin[me], n = f->ask.begin[me + 1] - first;

    PS_TRY(ps_row_store_begin(&f->store, count));
    for (uint32_t r = 0; r < ranks; r++)
        if (r != me && f->ask.begin[r + 1] > f->ask.begin[r])
            PS_TRY(hear_sizes(f, r));
    if (f->shard->meta->feature_kind == PS_FEATURES_CSR)
        for (uint64_t i = 0; i < n; i++) {
            uint64_t row = slot_of(f, f->ask.id[first + i]);
            f->store.begin[f->ask.from[first + i] + 1] =
                f->slab.begin[row + 1] - f->slab.begin[row];
        }
    PS_TRY(ps_row_store_sized(&f->store));
    for (uint32_t r = 0; r < ranks; r++)
        if (r != me && f->ask.begin[r + 1] > f->ask.begin[r])
            place_others(f, r);
    place_own(f);
    return PS_OK;
}

ps_status ps_row_fetch_run(struct ps_row_fetch *f, ps_status mine, const struct ps_batch_id *id,
                           const uint64_t *node, uint32_t count)
{
    struct ps_ctx *ctx = ps_world_ctx(f->shard->world);
    struct ps_span span = ps_span_begin(PS_EV_rows);
    ps_status st;

    PS_TRY(ps_ask_send(&f->ask, mine, PS_TRAFFIC_IDS, node, count, true));
    st = answer_all(f, id);
    st = ps_ask_reply(&f->ask, st, PS_TRAFFIC_ROWS, f->part, f->bytes);
    if (st == PS_OK)
        st = place_all(f, count);
    forget_union(f);
    ps_span_end(&ctx->trace, &span, st == PS_OK ? ps_slab_bytes(&f->slab) : 0);
    return st;
}

const struct ps_row_store *ps_row_fetch_store(const struct ps_row_fetch *f)
{
    return &f->store;
}

uint64_t ps_row_fetch_fingerprint(const struct ps_row_fetch *f)
{
    return f->fingerprint;
}

struct ps_row_counts ps_row_fetch_counts(const struct ps_row_fetch *f)
{
    return f->counts;
}
