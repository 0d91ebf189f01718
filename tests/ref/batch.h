/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file batch.h
 * @brief Small random graphs, and batches sampled from them the slow way.
 */
#ifndef TESTS_REF_BATCH_H
#define TESTS_REF_BATCH_H

#include "src/base/rng.h"
#include "src/kern/block.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/** In-edges of N nodes, features both dense and as bags, labels. */
struct test_graph {
    uint32_t nodes, dim, classes;
    uint64_t *begin;
    uint32_t *source;
    uint32_t *in_degree, *out_degree;
    ps_real *x;
    float *bag_value;
    uint64_t *bag_begin;
    uint32_t *bag_col;
    int32_t *label;
    uint64_t *id; /**< global ids, not equal to the numbers */
};

struct test_batch {
    struct ps_batch b;
    struct ps_block block[8];
    void *owned[128];
    int owned_count;
    uint32_t *local_of; /**< (nodes of the graph) */
    uint32_t *node_of;  /**< by local number: number in the graph */
    uint32_t local_count;
};

static inline uint64_t test_below(uint64_t seed, uint64_t i, uint64_t bound)
{
    const struct ps_draw d = ps_draw_at(ps_key_make(seed, PS_FOR_TEST, 0, 0, 0), i, 7);

    return ps_below(ps_draw_u64(&d, 0), bound);
}

/** Uniform in [-1, 1). */
static inline ps_real test_real(uint64_t seed, uint64_t i)
{
    const struct ps_draw d = ps_draw_at(ps_key_make(seed, PS_FOR_TEST, 1, 0, 0), i, 3);

    return (ps_real)(2 * ps_unit(ps_draw_u64(&d, 0)) - 1);
}

static inline void test_fill(uint64_t seed, size_t n, ps_real *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] = test_real(seed, i);
}

static inline void *test_array(size_t count, size_t bytes)
{
    void *p = calloc(count + 1, bytes);

    if (p == NULL)
        abort();
    return p;
}

static inline void test_graph_edges(struct test_graph *g, uint64_t seed, uint32_t degree_max)
{
    uint64_t at = 0;

    g->begin = test_array((size_t)g->nodes + 1, sizeof *g->begin);
    g->source = test_array((size_t)g->nodes * degree_max, sizeof *g->source);
    g->in_degree = test_array(g->nodes, sizeof *g->in_degree);
    g->out_degree = test_array(g->nodes, sizeof *g->out_degree);
    for (uint32_t v = 0; v < g->nodes; v++) { /* some rows are empty */
        const uint64_t d = test_below(seed, v, degree_max + 1);
        for (uint64_t i = 0; i < d; i++) {
            const uint32_t u = (uint32_t)test_below(seed + 1, at, g->nodes);
            g->source[at++] = u;
            g->out_degree[u]++;
        }
        g->in_degree[v] = (uint32_t)d;
        g->begin[v + 1] = at;
    }
}

/** About every third number of a row is not zero; some rows are empty. */
static inline void test_graph_new(struct test_graph *g, uint64_t seed, uint32_t nodes,
                                  uint32_t degree_max, uint32_t dim, uint32_t classes)
{
    uint64_t at = 0;

    memset(g, 0, sizeof *g);
    g->nodes = nodes, g->dim = dim, g->classes = classes;
    test_graph_edges(g, seed, degree_max);
    g->x = test_array((size_t)nodes * dim, sizeof *g->x);
    g->bag_value = test_array((size_t)nodes * dim, sizeof *g->bag_value);
    g->bag_col = test_array((size_t)nodes * dim, sizeof *g->bag_col);
    g->bag_begin = test_array((size_t)nodes + 1, sizeof *g->bag_begin);
    g->label = test_array(nodes, sizeof *g->label);
    g->id = test_array(nodes, sizeof *g->id);
    for (uint32_t v = 0; v < nodes; v++) {
        for (uint32_t c = 0; c < dim && v % 7 != 3; c++) {
            const uint64_t i = (uint64_t)v * dim + c;
            if (test_below(seed + 2, i, 3) != 0)
                continue;
            g->bag_col[at] = c;
            g->bag_value[at] = (float)test_real(seed + 3, i);
            g->x[i] = (ps_real)g->bag_value[at++];
        }
        g->bag_begin[v + 1] = at;
        g->label[v] = (int32_t)test_below(seed + 4, v, classes);
        g->id[v] = UINT64_C(10000000000) + 3 * (uint64_t)v;
    }
}

static inline void test_graph_free(struct test_graph *g)
{
    free(g->begin), free(g->source), free(g->in_degree), free(g->out_degree);
    free(g->x), free(g->bag_value), free(g->bag_begin), free(g->bag_col);
    free(g->label), free(g->id);
}

static inline void *test_own(struct test_batch *t, size_t count, size_t bytes)
{
    return t->owned[t->owned_count++] = test_array(count, bytes);
}

static inline uint32_t test_local(struct test_batch *t, uint32_t v)
{
    if (t->local_of[v] == UINT32_MAX) {
        t->local_of[v] = t->local_count;
        t->node_of[t->local_count++] = v;
    }
    return t->local_of[v];
}

/** `fanout` neighbours of each of the first nodes, or all. */
static inline void test_sample(struct test_batch *t, const struct test_graph *g, struct ps_block *b,
                               uint64_t seed, uint32_t fanout)
{
    const uint32_t n = t->local_count;
    uint64_t *begin = test_own(t, (size_t)n + 1, sizeof *begin), at = 0;
    uint32_t *col = test_own(t, g->begin[g->nodes], sizeof *col);
    uint32_t *degree = test_own(t, n, sizeof *degree), *one = test_own(t, n, sizeof *one);

    for (uint32_t v = 0; v < n; v++) {
        const uint32_t node = t->node_of[v], d = g->in_degree[node];
        const uint32_t k = d < fanout ? d : fanout;
        /* a run of k edges from a drawn place: not uniform, but any k of d will do here */
        const uint64_t from = k == 0 ? 0 : test_below(seed, node, d);
        for (uint32_t i = 0; i < k; i++)
            col[at++] = test_local(t, g->source[g->begin[node] + (from + i) % d]);
        begin[v + 1] = at;
        degree[v] = d;
        one[v] = 1;
    }
    *b = (struct ps_block){.dst_count = n, .src_count = t->local_count, .edge_count = at};
    b->row_begin = begin, b->col = col, b->in_degree = degree, b->multiplicity = one;
}

static inline void test_transpose(struct test_batch *t, struct ps_block *b)
{
    uint64_t *begin = test_own(t, (size_t)b->src_count + 2, sizeof *begin);
    uint32_t *row = test_own(t, b->edge_count, sizeof *row);

    for (uint64_t e = 0; e < b->edge_count; e++)
        begin[b->col[e] + 2]++;
    for (uint32_t u = 0; u < b->src_count; u++)
        begin[u + 2] += begin[u + 1];
    for (uint32_t v = 0; v < b->dst_count; v++)
        for (uint64_t e = b->row_begin[v]; e < b->row_begin[v + 1]; e++)
            row[begin[b->col[e] + 1]++] = v;
    b->col_begin = begin;
    b->row = row;
}

/** Features, ids, degrees and labels of the local nodes. */
static inline void test_rows_of(struct test_batch *t, const struct test_graph *g, bool bags)
{
    const uint32_t m = t->local_count, n = t->block[t->b.layer_count - 1].dst_count;
    uint64_t *id = test_own(t, m, sizeof *id);
    uint64_t *begin = test_own(t, (size_t)m + 1, sizeof *begin), at = 0;
    uint32_t *degree = test_own(t, m, sizeof *degree);
    uint32_t *col = test_own(t, (size_t)m * g->dim, sizeof *col);
    float *value = test_own(t, (size_t)m * g->dim, sizeof *value);
    ps_real *x = test_own(t, (size_t)m * g->dim, sizeof *x);
    int32_t *label = test_own(t, n, sizeof *label);

    for (uint32_t i = 0; i < m; i++) {
        const uint32_t v = t->node_of[i];
        id[i] = g->id[v];
        degree[i] = g->out_degree[v];
        memcpy(x + (size_t)i * g->dim, g->x + (size_t)v * g->dim, g->dim * sizeof *x);
        for (uint64_t e = g->bag_begin[v]; e < g->bag_begin[v + 1]; e++, at++)
            col[at] = g->bag_col[e], value[at] = g->bag_value[e];
        begin[i + 1] = at;
        if (i < n)
            label[i] = g->label[v];
    }
    t->b.node = id, t->b.out_degree = degree, t->b.label = label;
    t->b.input = (struct ps_rows){.count = m, .dim = g->dim};
    if (bags)
        t->b.input.row_begin = begin, t->b.input.col = col, t->b.input.value = value;
    else
        t->b.input.dense = x;
}

/** Seeds first, first + step, ...; @p fanout of each hop from the seeds outward. */
static inline void test_batch_new(struct test_batch *t, const struct test_graph *g, uint32_t layers,
                                  uint32_t seeds, uint32_t first, uint32_t step, uint32_t fanout,
                                  bool bags)
{
    memset(t, 0, sizeof *t);
    t->local_of = test_array(g->nodes, sizeof *t->local_of);
    t->node_of = test_array(g->nodes, sizeof *t->node_of);
    memset(t->local_of, 0xff, g->nodes * sizeof *t->local_of);
    for (uint32_t i = 0; i < seeds; i++)
        test_local(t, (first + i * step) % g->nodes);
    t->b = (struct ps_batch){.seed = 5, .epoch = 2, .index = 9, .layer_count = layers};
    for (uint32_t l = layers; l-- > 0;) {
        test_sample(t, g, &t->block[l], 100 + l, fanout);
        if (l > 0) /* nobody needs the features' gradient: the lowest has no transpose */
            test_transpose(t, &t->block[l]);
    }
    t->b.block = t->block;
    test_rows_of(t, g, bags);
}

static inline void test_batch_free(struct test_batch *t)
{
    for (int i = 0; i < t->owned_count; i++)
        free(t->owned[i]);
    free(t->local_of);
    free(t->node_of);
}

#endif
