/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of feature rows through the fetch layer, as a window of training asks for them. */
#include "io/bench.h"
#include "src/base/rng.h"

#include <string.h>

enum { PIECE_BYTES = 64 * 1024 * 1024, PIECE_ROWS = 1 << 17 };

struct part {
    uint64_t first, nodes, offset; /* of the bytes of the row of node `first` */
    uint32_t file;
};

struct ps_bench_rows {
    struct ps_ctx *ctx;
    struct ps_io *io;
    struct ps_fetch *fetch;
    struct part *part; /* (parts) ascending by first node */
    uint32_t parts;
    uint64_t nodes, row_bytes, piece; /* rows that are fetched together */
    uint64_t *node;                   /* (piece) of a random set */
    struct ps_extent *extent;         /* (piece) */
    unsigned char *bytes;             /* (piece, row_bytes) */
};

static PS_MUST ps_status add_part(struct ps_bench_rows *b, const struct ps_dataset *ds, uint32_t k)
{
    const struct ps_array *a;
    struct ps_part *p;
    ps_status st;

    PS_TRY(ps_part_open(&p, ds, k));
    a = ps_part_array(p, PS_ARRAY_FEATURES);
    b->row_bytes = a->cols * a->item_bytes;
    b->part[k] = (struct part){ps_part_first_node(p), ps_part_nodes(p), a->offset, 0};
    st = ps_io_add_file(b->io, ps_part_path(p), &b->part[k].file);
    ps_part_close(&p);
    return st;
}

ps_status ps_bench_rows_open(struct ps_bench_rows **out, struct ps_ctx *ctx,
                             const struct ps_dataset *ds, const struct ps_opts_io *o)
{
    const struct ps_meta *meta = ps_dataset_meta(ds);
    struct ps_bench_rows *b;
    ps_status st;

    *out = NULL;
    if (meta->feature_kind != PS_FEATURES_DENSE || meta->nodes == 0)
        PS_FAIL(PS_EUNSUPP, "%s: planned reads are measured on dense rows, its features are %s",
                ps_dataset_path(ds), ps_feature_kind_name(meta->feature_kind));
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, b, 1));
    b->ctx = ctx;
    b->nodes = meta->nodes;
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, b->part, meta->parts));
    PS_GO(st, ps_io_new(&b->io, ctx, o, NULL));
    for (; b->parts < meta->parts; b->parts++)
        PS_GO(st, add_part(b, ds, b->parts));
    PS_GO(st, ps_fetch_new(&b->fetch, ctx, b->io, o));
    b->piece = ps_max(ps_min(PIECE_BYTES / b->row_bytes, PIECE_ROWS), 1);
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, b->node, b->piece));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, b->extent, b->piece));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_ROWS, b->bytes, b->piece * b->row_bytes));
    PS_GO(st,
          ps_fetch_run(b->fetch, b->extent, 0)); /* what reads cost is measured now, not later */
    *out = b;
    return PS_OK;
out:
    ps_bench_rows_close(&b);
    return st;
}

void ps_bench_rows_close(struct ps_bench_rows **out)
{
    struct ps_bench_rows *b = *out;
    struct ps_mem *m;

    if (b == NULL)
        return;
    m = &b->ctx->mem;
    ps_fetch_free(&b->fetch);
    ps_io_free(&b->io);
    ps_mem_free(m, &b->part);
    ps_mem_free(m, &b->node);
    ps_mem_free(m, &b->extent);
    ps_mem_free(m, &b->bytes);
    ps_mem_free(m, out);
}

uint64_t ps_bench_rows_bytes(const struct ps_bench_rows *b)
{
    return b->row_bytes;
}

const char *ps_bench_rows_engine(const struct ps_bench_rows *b)
{
    return ps_io_name(b->io);
}

ps_status ps_bench_rows_drop(struct ps_bench_rows *b)
{
    for (uint32_t k = 0; k < b->parts; k++)
        PS_TRY(ps_bench_drop(ps_io_path(b->io, b->part[k].file), NULL));
    return PS_OK;
}

/* Extents of rows; nodes ascend, and so do parts. */
static PS_MUST ps_status plan(struct ps_bench_rows *b, const uint64_t *node, uint64_t n)
{
    uint32_t k = 0;

    for (uint64_t i = 0; i < n; i++) {
        if (node[i] >= b->nodes || (i > 0 && node[i] <= node[i - 1]))
            PS_FAIL(PS_EINPUT,
                    "node %" PRIu64 " cannot be read: expected ascending nodes below %" PRIu64,
                    node[i], b->nodes);
        while (node[i] >= b->part[k].first + b->part[k].nodes)
            k++;
        b->extent[i] = (struct ps_extent){
            .file = b->part[k].file,
            .offset = b->part[k].offset + (node[i] - b->part[k].first) * b->row_bytes,
            .bytes = b->row_bytes,
            .dst = b->bytes + i * b->row_bytes,
        };
    }
    return PS_OK;
}

ps_status ps_bench_rows_fetch(struct ps_bench_rows *b, const uint64_t *node, uint64_t n,
                              struct ps_bench_planned *d)
{
    struct ps_fetch_counts before = ps_fetch_counts(b->fetch), after;

    for (uint64_t at = 0; at < n;) {
        uint64_t count = ps_min(n - at, b->piece), begin;

        PS_TRY(plan(b, node + at, count));
        begin = ps_now_ns();
        PS_TRY(ps_fetch_run(b->fetch, b->extent, count));
        d->seconds += (double)(ps_now_ns() - begin) * 1e-9;
        at += count;
    }
    after = ps_fetch_counts(b->fetch);
    d->rows += n;
    d->fetch.wanted_bytes += after.wanted_bytes - before.wanted_bytes;
    d->fetch.read_bytes += after.read_bytes - before.read_bytes;
    d->fetch.requests += after.requests - before.requests;
    d->fetch.extents += after.extents - before.extents;
    d->fetch.cost = after.cost;
    return PS_OK;
}

ps_status ps_bench_rows_random(struct ps_bench_rows *b, double share, double seconds, uint64_t seed,
                               struct ps_bench_planned *d)
{
    uint64_t salt = ps_mix64(seed), node = ps_below(ps_mix64(salt), b->nodes), n = 0;
    uint64_t limit = (uint64_t)(share * 0x1p53), begin = ps_now_ns();

    PS_TRY(ps_bench_rows_drop(b));
    do {
        if (ps_mix64(salt ^ node) >> 11 < limit)
            b->node[n++] = node;
        if (++node == b->nodes || n == b->piece) {
            PS_TRY(ps_bench_rows_fetch(b, b->node, n, d));
            n = 0;
        }
        if (node == b->nodes) {
            node = 0;
            salt = ps_mix64(salt);
            PS_TRY(ps_bench_rows_drop(b)); /* the next set must not meet what this one brought */
        }
        /* only reading counts, but sets without a row must come to an end too */
    } while (d->seconds < seconds && (double)(ps_now_ns() - begin) * 1e-9 < 20 * seconds + 1);
    return n > 0 ? ps_bench_rows_fetch(b, b->node, n, d) : PS_OK;
}
