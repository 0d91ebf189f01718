/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two passes over the edges: one counts neighbours, one places them; then each row is sorted,
 * equal neighbours become one and the rows close up.
 */
#include "src/graph/metis_graph.h"

#include <stdlib.h>
#include <string.h>

enum { SHORT = 32 };

/* Where the dataset has every edge in both directions already, in-edges are all neighbours. */
struct fill {
    struct ps_metis_graph *g;
    idx_t *next; /* (nodes) where the next neighbour of each node goes */
    bool both;   /* place the reverse too */
};

static void count_edges(void *arg, uint64_t v, const uint64_t *u, uint64_t count)
{
    struct fill *f = arg;
    idx_t *length = f->g->xadj + 1;

    for (uint64_t i = 0; i < count; i++) {
        if (u[i] == v)
            continue;
        length[v]++;
        length[u[i]] += f->both;
    }
}

static void place_edges(void *arg, uint64_t v, const uint64_t *u, uint64_t count)
{
    struct fill *f = arg;

    for (uint64_t i = 0; i < count; i++) {
        if (u[i] == v)
            continue;
        f->g->adjncy[f->next[v]++] = (idx_t)u[i];
        if (f->both)
            f->g->adjncy[f->next[u[i]]++] = (idx_t)v;
    }
}

static int compare(const void *a, const void *b)
{
    idx_t x = *(const idx_t *)a, y = *(const idx_t *)b;

    return (x > y) - (x < y);
}

static void sort_row(idx_t *row, idx_t count)
{
    if (count > SHORT) {
        qsort(row, (size_t)count, sizeof *row, compare);
        return;
    }
    for (idx_t i = 1; i < count; i++) {
        idx_t x = row[i], j = i;
        for (; j > 0 && row[j - 1] > x; j--)
            row[j] = row[j - 1];
        row[j] = x;
    }
}

static void sort_and_close_up(struct ps_metis_graph *g)
{
    idx_t begin = 0, out = 0;

    for (idx_t v = 0; v < g->nodes; v++) {
        idx_t end = g->xadj[v + 1], first = out;
        sort_row(g->adjncy + begin, end - begin);
        for (idx_t i = begin; i < end; i++)
            if (out == first || g->adjncy[out - 1] != g->adjncy[i])
                g->adjncy[out++] = g->adjncy[i];
        begin = end;
        g->xadj[v + 1] = out;
    }
}

/* METIS takes a graph that is not symmetric without a word and goes astray. Rows ascend, so going
 * through all of them meets the entries of each row of the reverse in order. */
static PS_MUST ps_status check_symmetric(const struct ps_metis_graph *g, const char *path,
                                         idx_t *next)
{
    memcpy(next, g->xadj, (size_t)g->nodes * sizeof *next);
    for (idx_t v = 0; v < g->nodes; v++)
        for (idx_t i = g->xadj[v]; i < g->xadj[v + 1]; i++) {
            idx_t u = g->adjncy[i];
            if (next[u] == g->xadj[u + 1] || g->adjncy[next[u]] > v)
                PS_FAIL(PS_EINPUT,
                        "%s says that it is symmetrised, but has an edge from %lld to %lld and "
                        "none back",
                        path, (long long)u, (long long)v);
            if (g->adjncy[next[u]] < v)
                PS_FAIL(PS_EINPUT,
                        "%s says that it is symmetrised, but has an edge from %lld to %lld and "
                        "none back",
                        path, (long long)g->adjncy[next[u]], (long long)u);
            next[u]++;
        }
    return PS_OK;
}

ps_status ps_metis_graph_load(struct ps_metis_graph *g, struct ps_source *s)
{
    struct ps_mem *m = &s->ctx->mem;
    struct fill f = {.g = g, .both = !s->meta->symmetrised};
    size_t n = s->meta->nodes;
    ps_status st;

    memset(g, 0, sizeof *g);
    g->nodes = (idx_t)n;
    PS_GO(st, PS_NEW(m, PS_MEM_TOPOLOGY, g->xadj, n + 1));
    PS_GO(st, ps_source_edges(s, count_edges, &f));
    for (size_t v = 0; v < n; v++)
        g->xadj[v + 1] += g->xadj[v];
    PS_GO(st, PS_NEW(m, PS_MEM_TOPOLOGY, g->adjncy, (size_t)g->xadj[n]));
    PS_GO(st, PS_NEW(m, PS_MEM_TOPOLOGY, f.next, n));
    memcpy(f.next, g->xadj, n * sizeof *f.next);
    PS_GO(st, ps_source_edges(s, place_edges, &f));
    sort_and_close_up(g);
    if (s->meta->symmetrised)
        PS_GO(st, check_symmetric(g, ps_dataset_path(s->ds), f.next));
out:
    ps_mem_free(m, &f.next);
    return st;
}

void ps_metis_graph_fini(struct ps_mem *m, struct ps_metis_graph *g)
{
    ps_mem_free(m, &g->xadj);
    ps_mem_free(m, &g->adjncy);
}

/* old_of is the queue of each partition and its result at once: what is behind head is numbered
 * and waits for its neighbours. */
static void search_from(const struct ps_metis_graph *g, const idx_t *part, struct ps_cut *c,
                        idx_t start, uint64_t *tail)
{
    uint64_t head = *tail;

    c->new_of[start] = (uint32_t)*tail;
    c->old_of[(*tail)++] = (uint32_t)start;
    for (; head < *tail; head++) {
        uint32_t v = c->old_of[head];
        for (idx_t i = g->xadj[v]; i < g->xadj[v + 1]; i++) {
            idx_t u = g->adjncy[i];
            if (part[u] != part[start] || c->new_of[u] != UINT32_MAX)
                continue;
            c->new_of[u] = (uint32_t)*tail;
            c->old_of[(*tail)++] = (uint32_t)u;
        }
    }
}

void ps_metis_order(const struct ps_metis_graph *g, const idx_t *part, struct ps_cut *c)
{
    memset(c->new_of, 0xff, (size_t)g->nodes * sizeof *c->new_of);
    for (idx_t v = 0; v < g->nodes; v++) /* offsets serve as tails: each ends as its successor */
        if (c->new_of[v] == UINT32_MAX)
            search_from(g, part, c, v, &c->offsets[part[v]]);
    for (uint32_t k = c->parts; k > 0; k--)
        c->offsets[k] = c->offsets[k - 1];
    c->offsets[0] = 0;
}
