/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edges: read twice, in chunks, and sorted by target (csc.h). The number of edges that are left
 * is known only then, so this is where the part of the dataset is begun (edges.h).
 */
#include "src/graph/import_core.h"

/* A ps_edges_fn. */
static PS_MUST ps_status read_edges(void *arg, uint64_t first, uint64_t *source, uint64_t *target,
                                    size_t *count)
{
    struct ps_edge_source *s = arg;

    if (first == 0)
        PS_TRY(ps_edge_source_rewind(s));
    return ps_edge_source_next(s, source, target, count);
}

/* Bytes of the arrays of the result, at most. Where the edges are not counted yet there is no
 * budget that would ask (import.c counts them then). */
static uint64_t dataset_bytes(const struct ps_import *im)
{
    uint64_t edges = im->edges->edges != PS_EDGES_UNKNOWN ? im->edges->edges : 0;
    uint64_t item = ps_import_feature_kind(im) == PS_FEATURES_CSR ? 8 : 4;
    uint64_t features = (im->feature_count + im->nodes) * item;

    if (ps_import_feature_kind(im) == PS_FEATURES_DENSE)
        features = im->nodes * ps_import_feature_columns(im) * item;
    return features + edges * 16 + im->nodes * (24 + im->split_count);
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
    bool fits;
    ps_status st;

    im->edges->nodes = im->nodes;
    PS_TRY(ps_edges_sort_bytes(im->ctx, im->nodes, dataset_bytes(im), "import", &spec.sort_bytes));
    if (im->sort_bytes != 0)
        spec.sort_bytes = im->sort_bytes;
    PS_GO(st, ps_edges_sort(&c, im->ctx, &spec, read_edges, im->edges, &fits));
    if (!fits)
        PS_GO_FAIL(st, PS_EINPUT, "%s: changed while it was read", im->edges->name);
    im->edge_count = ps_csc_edges(c);
    im->sort_ranges = ps_csc_ranges(c);
    PS_GO(st, ps_edges_write(
                  c, im->w, ps_import_feature_kind(im) == PS_FEATURES_CSR ? im->feature_count : 0));
out:
    ps_csc_free(&c);
    return st;
}
