/* SPDX-License-Identifier: Apache-2.0 */
/* Boundaries for `--method range`, in two passes over row ends and splits. */
#include "src/graph/partition.h"

#include <string.h>

enum { PIECE = 1 << 15 };

struct sweep {
    struct ps_source *s;
    uint64_t *degree;       /* (PIECE) */
    uint8_t *any, *scratch; /* (PIECE) */
};

/* Degrees and training marks of the nodes from @p first on; *count of them. */
static PS_MUST ps_status load(struct sweep *w, uint64_t first, uint64_t *count)
{
    *count = ps_min(PIECE, w->s->meta->nodes - first);
    PS_TRY(ps_source_lengths(w->s, PS_ARRAY_INDPTR, first, *count, w->degree));
    return ps_cut_training(w->s, first, *count, w->any, w->scratch);
}

struct sums {
    uint64_t nodes, edges, train;
};

static PS_MUST ps_status add_up(struct sweep *w, struct sums *all)
{
    for (uint64_t v = 0, n; v < w->s->meta->nodes; v += n) {
        PS_TRY(load(w, v, &n));
        all->nodes += n;
        for (uint64_t i = 0; i < n; i++) {
            all->edges += w->degree[i];
            all->train += w->any[i];
        }
    }
    return PS_OK;
}

/* From whole counts, so that nothing accumulates: 0 at the first node, up to 3 behind the last. */
static double progress(const struct sums *x, const struct sums *all)
{
    double p = (double)x->nodes / (double)all->nodes;

    if (all->edges > 0)
        p += (double)x->edges / (double)all->edges;
    if (all->train > 0)
        p += (double)x->train / (double)all->train;
    return p;
}

static PS_MUST ps_status place(struct sweep *w, const struct sums *all, struct ps_cut *c)
{
    double whole = progress(all, all);
    struct sums x = {0, 0, 0};
    uint32_t k = 1;

    for (uint64_t v = 0, n; v < all->nodes; v += n) {
        PS_TRY(load(w, v, &n));
        for (uint64_t i = 0; i < n && k < c->parts; i++) {
            uint64_t left = all->nodes - (v + i + 1); /* nodes behind this one */
            x.nodes++;
            x.edges += w->degree[i];
            x.train += w->any[i];
            /* each part gets a node at least, and leaves one for each part behind it */
            if (progress(&x, all) >= whole * k / c->parts || left == c->parts - k)
                c->offsets[k++] = v + i + 1;
        }
    }
    c->offsets[c->parts] = all->nodes;
    return PS_OK;
}

ps_status ps_cut_range(struct ps_source *s, uint32_t parts, struct ps_cut *c)
{
    struct sweep w = {.s = s};
    struct ps_mem *m = &s->ctx->mem;
    struct sums all = {0, 0, 0};
    ps_status st;

    PS_ASSERT(parts > 0 && parts <= s->meta->nodes);
    memset(c, 0, sizeof *c);
    c->parts = parts;
    PS_GO(st, PS_NEW(m, PS_MEM_OTHER, c->offsets, (size_t)parts + 1));
    PS_GO(st, PS_NEW(m, PS_MEM_STAGING, w.degree, PIECE));
    PS_GO(st, PS_NEW(m, PS_MEM_STAGING, w.any, PIECE));
    PS_GO(st, PS_NEW(m, PS_MEM_STAGING, w.scratch, PIECE));
    PS_GO(st, add_up(&w, &all));
    PS_GO(st, place(&w, &all, c));
out:
    ps_mem_free(m, &w.degree);
    ps_mem_free(m, &w.any);
    ps_mem_free(m, &w.scratch);
    return st;
}
