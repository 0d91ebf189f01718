/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/edges.h"

static const uint64_t sort_bytes_default = UINT64_C(1) << 30; /* without --memory */
static const uint64_t sort_bytes_least = UINT64_C(1) << 18;
static const uint64_t writer_bytes = UINT64_C(14) << 20; /* buffers of all arrays, and HDF5's */

ps_status ps_edges_sort_bytes(struct ps_ctx *ctx, uint64_t nodes, uint64_t dataset_bytes,
                              const char *task, uint64_t *bytes)
{
    struct ps_mem *m = &ctx->mem;
    uint64_t limit = atomic_load(&m->limit_bytes), need;

    *bytes = sort_bytes_default;
    if (limit == 0)
        return PS_OK;
    need = atomic_load(&m->used_bytes) + 12 * (nodes + 1) + writer_bytes +
           2 * sizeof(uint64_t) * PS_EDGES_CHUNK + dataset_bytes / 1024;
    if (limit < need + sort_bytes_least)
        PS_FAIL(PS_EMEM,
                "--memory %" PRIu64 " is too little to %s %" PRIu64 " nodes: %" PRIu64 " would do",
                limit, task, nodes, need + sort_bytes_least);
    *bytes = limit - need;
    return PS_OK;
}

/* One pass: counted the first time, placed the second. */
static PS_MUST ps_status offer_all(struct ps_csc *c, ps_edges_fn *fn, void *arg, bool place,
                                   uint64_t *buffer, bool *fits)
{
    uint64_t *source = buffer, *target = buffer + PS_EDGES_CHUNK;
    size_t n = 1;

    *fits = true;
    for (uint64_t first = 0; *fits && n > 0; first += n) {
        PS_TRY(fn(arg, first, source, target, &n));
        if (place)
            PS_TRY(ps_csc_place(c, source, target, n, fits));
        else
            ps_csc_count(c, source, target, n);
    }
    return PS_OK;
}

ps_status ps_edges_sort(struct ps_csc **c, struct ps_ctx *ctx, const struct ps_csc_spec *spec,
                        ps_edges_fn *fn, void *arg, bool *fits)
{
    struct ps_mem *m = &ctx->mem;
    uint64_t *buffer = NULL;
    ps_status st;

    PS_TRY(ps_csc_new(c, ctx, spec));
    PS_GO(st, PS_NEW(m, PS_MEM_STAGING, buffer, (size_t)2 * PS_EDGES_CHUNK));
    PS_GO(st, offer_all(*c, fn, arg, false, buffer, fits));
    PS_GO(st, ps_csc_place_begin(*c));
    PS_GO(st, offer_all(*c, fn, arg, true, buffer, fits));
    ps_mem_free(m, &buffer);
    if (*fits)
        PS_GO(st, ps_csc_sort(*c, fits));
out:
    ps_mem_free(m, &buffer);
    return st;
}

ps_status ps_edges_write(struct ps_csc *c, struct ps_dataset_writer *w, uint64_t feature_count)
{
    uint64_t nodes = ps_dataset_writer_meta(w)->nodes, count;
    const uint64_t *source;

    PS_TRY(ps_dataset_part_begin(w, 0, ps_csc_edges(c), feature_count));
    PS_TRY(ps_dataset_write(w, PS_ARRAY_INDPTR, 0, ps_csc_indptr(c), nodes + 1));
    do {
        PS_TRY(ps_csc_next(c, &source, &count));
        PS_TRY(ps_dataset_write(w, PS_ARRAY_INDICES, 0, source, count));
    } while (count > 0);
    return ps_dataset_write(w, PS_ARRAY_OUT_DEGREE, 0, ps_csc_out_degree(c), nodes);
}
