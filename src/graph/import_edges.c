/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edges: read twice, in chunks, and sorted by target (csc.h). The number of edges that are left
 * is known only then, so this is where the part of the dataset is begun (edges.h).
 */
#include "src/graph/import_core.h"

#include "src/graph/edges.h"

#include <string.h>

enum { PAIR = 2 };

struct reader {
    struct ps_import *im;
    bool side_by_side; /* source and target of an edge are neighbours in the file */
    uint64_t edges;    /* E */
    int64_t *raw;      /* (PS_EDGES_CHUNK, 2) or (2, PS_EDGES_CHUNK) */
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
    memset(r, 0, sizeof *r);
    r->im = im;
    PS_TRY(find_layout(r));
    return PS_NEW(&im->ctx->mem, PS_MEM_STAGING, r->raw, PS_EDGES_CHUNK * PAIR);
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

/* A ps_edges_fn. */
static PS_MUST ps_status read_edges(void *arg, uint64_t first, uint64_t *source, uint64_t *target,
                                    size_t *count)
{
    const struct reader *r = arg;
    size_t n = ps_min(PS_EDGES_CHUNK, r->edges - first);

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
        source[i] = (uint64_t)u;
        target[i] = (uint64_t)v;
    }
    *count = n;
    return PS_OK;
}

/* Bytes of the arrays of the result, at most. */
static uint64_t dataset_bytes(const struct reader *r)
{
    const struct ps_import *im = r->im;
    uint64_t item = ps_import_feature_kind(im) == PS_FEATURES_CSR ? 8 : 4;
    uint64_t features = (im->feature_count + im->nodes) * item;

    if (ps_import_feature_kind(im) == PS_FEATURES_DENSE)
        features = im->nodes * ps_import_feature_columns(im) * item;
    return features + r->edges * 16 + im->nodes * (24 + im->split_count);
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
    bool fits;
    ps_status st;

    PS_GO(st, reader_init(&r, im));
    PS_GO(st,
          ps_edges_sort_bytes(im->ctx, im->nodes, dataset_bytes(&r), "import", &spec.sort_bytes));
    if (im->sort_bytes != 0)
        spec.sort_bytes = im->sort_bytes;
    PS_GO(st, ps_edges_sort(&c, im->ctx, &spec, read_edges, &r, &fits));
    if (!fits)
        PS_GO_FAIL(st, PS_EINPUT, "%s: changed while it was read", im->edges->path);
    ps_mem_free(&im->ctx->mem, &r.raw);
    im->edge_count = ps_csc_edges(c);
    im->sort_ranges = ps_csc_ranges(c);
    PS_GO(st, ps_edges_write(
                  c, im->w, ps_import_feature_kind(im) == PS_FEATURES_CSR ? im->feature_count : 0));
out:
    ps_csc_free(&c);
    ps_mem_free(&im->ctx->mem, &r.raw);
    return st;
}
