/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edges: read twice, in chunks, and sorted by target (csc.h). The number of edges that are left
 * is known only then, so this is where the part of the dataset is begun.
 */
#include "src/graph/import_core.h"

#include "src/graph/csc.h"

#include <string.h>

enum { CHUNK_EDGES = 32 * 1024, PAIR = 2, CHUNK_IDS = CHUNK_EDGES * PAIR };

static const uint64_t sort_bytes_default = UINT64_C(1) << 30; /* without --memory */
static const uint64_t sort_bytes_least = UINT64_C(1) << 18;

struct reader {
    struct ps_import *im;
    bool side_by_side; /* source and target of an edge are neighbours in the file */
    uint64_t edges;    /* E */
    int64_t *raw;      /* (CHUNK_EDGES, 2) or (2, CHUNK_EDGES) */
    uint64_t *source, *target;
};

/* Fortran order of one shape is C order of the other. */
static PS_MUST ps_status find_layout(struct reader *r)
{
    struct ps_npy *a = r->im->edges;
    bool rows_of_pairs;
    char text[64];

    PS_TRY(ps_import_want(a, 2, true, "source and target of each edge"));
    if (a->head.shape[0] != PAIR && a->head.shape[1] != PAIR)
        PS_FAIL(PS_EINPUT, "%s: expected shape (edges, 2) or (2, edges), found %s", a->path,
                ps_npy_shape_text(&a->head, text));
    rows_of_pairs = a->head.shape[1] == PAIR;
    r->side_by_side = rows_of_pairs != a->head.fortran;
    r->edges = a->head.shape[rows_of_pairs ? 0 : 1];
    return PS_OK;
}

static PS_MUST ps_status reader_init(struct reader *r, struct ps_import *im)
{
    struct ps_mem *m = &im->ctx->mem;

    memset(r, 0, sizeof *r);
    r->im = im;
    PS_TRY(find_layout(r));
    PS_TRY(PS_NEW(m, PS_MEM_STAGING, r->raw, CHUNK_IDS));
    PS_TRY(PS_NEW(m, PS_MEM_STAGING, r->source, CHUNK_EDGES));
    return PS_NEW(m, PS_MEM_STAGING, r->target, CHUNK_EDGES);
}

static void reader_fini(struct reader *r)
{
    struct ps_mem *m = &r->im->ctx->mem;

    ps_mem_free(m, &r->raw);
    ps_mem_free(m, &r->source);
    ps_mem_free(m, &r->target);
}

static PS_MUST ps_status check_id(const struct reader *r, uint64_t edge, const char *end,
                                  int64_t id)
{
    if (id < 0 || (uint64_t)id >= r->im->nodes)
        PS_FAIL(PS_EINPUT,
                "%s: edge %" PRIu64 " has %s %" PRId64 ", expected 0 to %" PRIu64 " (%" PRIu64
                " nodes)",
                r->im->edges->path, edge, end, id, r->im->nodes - 1, r->im->nodes);
    return PS_OK;
}

/* Edges [first, first + n) into source and target. */
static PS_MUST ps_status read_edges(struct reader *r, uint64_t first, size_t n)
{
    if (r->side_by_side) {
        PS_TRY(ps_npy_read_i64(r->im->edges, first * PAIR, n * PAIR, r->raw));
    } else {
        PS_TRY(ps_npy_read_i64(r->im->edges, first, n, r->raw));
        PS_TRY(ps_npy_read_i64(r->im->edges, r->edges + first, n, r->raw + n));
    }
    for (size_t i = 0; i < n; i++) {
        int64_t u = r->raw[r->side_by_side ? PAIR * i : i];
        int64_t v = r->raw[r->side_by_side ? PAIR * i + 1 : n + i];
        PS_TRY(check_id(r, first + i, "source", u));
        PS_TRY(check_id(r, first + i, "target", v));
        r->source[i] = (uint64_t)u;
        r->target[i] = (uint64_t)v;
    }
    return PS_OK;
}

static PS_MUST ps_status sort_edges(struct reader *r, struct ps_csc *c)
{
    bool fits = true;

    for (uint64_t i = 0; i < r->edges; i += CHUNK_EDGES) {
        size_t n = ps_min(CHUNK_EDGES, r->edges - i);
        PS_TRY(read_edges(r, i, n));
        ps_csc_count(c, r->source, r->target, n);
    }
    PS_TRY(ps_csc_place_begin(c));
    for (uint64_t i = 0; fits && i < r->edges; i += CHUNK_EDGES) {
        size_t n = ps_min(CHUNK_EDGES, r->edges - i);
        PS_TRY(read_edges(r, i, n));
        PS_TRY(ps_csc_place(c, r->source, r->target, n, &fits));
    }
    if (fits)
        PS_TRY(ps_csc_sort(c, &fits));
    if (!fits)
        PS_FAIL(PS_EINPUT, "%s: changed while it was read", r->im->edges->path);
    return PS_OK;
}

/* What sorting may take: what --memory leaves beside the arrays of N and the writer, which
 * has a buffer for each array and 1/1024 of the bytes for checksums. */
static PS_MUST ps_status sort_share(const struct reader *r, uint64_t *bytes)
{
    struct ps_mem *m = &r->im->ctx->mem;
    uint64_t limit = atomic_load(&m->limit_bytes), need;
    uint64_t item = ps_import_feature_kind(r->im) == PS_FEATURES_CSR ? 8 : 4;
    uint64_t features = (r->im->feature_count + r->im->nodes) * item;

    *bytes = r->im->sort_bytes != 0 ? r->im->sort_bytes : sort_bytes_default;
    if (limit == 0)
        return PS_OK;
    if (ps_import_feature_kind(r->im) == PS_FEATURES_DENSE)
        features = r->im->nodes * r->im->feature_dim * item;
    need = atomic_load(&m->used_bytes) + 12 * (r->im->nodes + 1) + (UINT64_C(14) << 20) +
           (features + r->edges * 16 + r->im->nodes * (24 + r->im->split_count)) / 1024;
    if (limit < need + sort_bytes_least)
        PS_FAIL(PS_EMEM,
                "--memory %" PRIu64 " is too little to import %" PRIu64 " nodes: %" PRIu64
                " would do",
                limit, r->im->nodes, need + sort_bytes_least);
    if (r->im->sort_bytes == 0)
        *bytes = limit - need;
    return PS_OK;
}

static PS_MUST ps_status write_sorted(struct ps_import *im, struct ps_csc *c)
{
    const uint64_t *source;
    uint64_t count;

    im->edge_count = ps_csc_edges(c);
    im->sort_ranges = ps_csc_ranges(c);
    PS_TRY(ps_dataset_part_begin(im->w, 0, im->edge_count, im->feature_count));
    PS_TRY(ps_dataset_write(im->w, PS_ARRAY_INDPTR, 0, ps_csc_indptr(c), im->nodes + 1));
    do {
        PS_TRY(ps_csc_next(c, &source, &count));
        PS_TRY(ps_dataset_write(im->w, PS_ARRAY_INDICES, 0, source, count));
    } while (count > 0);
    return ps_dataset_write(im->w, PS_ARRAY_OUT_DEGREE, 0, ps_csc_out_degree(c), im->nodes);
}

ps_status ps_import_write_graph(struct ps_import *im)
{
    struct ps_csc_spec spec = {
        .nodes = im->nodes,
        .beside = im->beside,
        .reverse = im->undirected || im->o->import.symmetrise,
        .drop_loops = im->o->import.drop_loops,
        .dedupe = im->o->import.dedupe,
    };
    struct ps_csc *c = NULL;
    struct reader r;
    ps_status st;

    PS_GO(st, reader_init(&r, im));
    PS_GO(st, sort_share(&r, &spec.sort_bytes));
    PS_GO(st, ps_csc_new(&c, im->ctx, &spec));
    PS_GO(st, sort_edges(&r, c));
    reader_fini(&r);
    PS_GO(st, write_sorted(im, c));
out:
    ps_csc_free(&c);
    reader_fini(&r);
    return st;
}
