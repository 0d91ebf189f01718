/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rmat.h
 * @brief A recursive-matrix graph as a pure function: which edge is number i, what node v is.
 *
 * N nodes and L = ceil(log2 N) levels. At each level, from the highest bit on, an edge falls into
 * one of four quadrants, independently, with probabilities
 *
 *     source bit, target bit:   00 a   01 b   10 c   11 d = 1 - a - b - c
 *
 * by default those of Graph500, 0.57, 0.19, 0.19, 0.05. Where N is no power of two, an edge with
 * an end at N or above is drawn again: what comes out is the graph of 2^L nodes restricted to
 * its first N, which are its heavier ones. Then both ends go through one keyed permutation
 * of the N ids, as Graph500 scrambles its vertices: an id says nothing about the degree. Loops
 * and equal edges are edges like others here.
 *
 * Labels are uniform over the classes and features are N(0, 1), independent of the edges and of
 * each other: there is nothing to learn.
 *
 * Probabilities are rounded to 2^-32. Nothing here has state that changes.
 *
 * @par Source  Chakrabarti, Zhan, Faloutsos: R-MAT: a recursive model for graph mining (SDM 2004);
 *              Graph500 specification, section 3.2 (Kronecker generator)
 */
#ifndef PS_GRAPH_RMAT_H
#define PS_GRAPH_RMAT_H

#include "src/base/num.h"
#include "src/base/opt.h"
#include "src/base/rng.h"

struct ps_rmat {
    uint64_t nodes;
    unsigned levels;
    uint64_t upto[3]; /**< a, a + b, a + b + c in units of 2^-32 */
    uint32_t classes, features;
    struct ps_key edge, order, label, feature, split;
};

/** Check the options and make the keys. @return PS_EUSAGE with a sentence, also where fewer than
 *  one edge in 64 would fall among the first N ids */
PS_MUST ps_status ps_rmat_init(struct ps_rmat *m, const struct ps_opts_generate *g, uint64_t seed);

/** The share of edges of the 2^L graph whose ends are both below N. */
double ps_rmat_kept(const struct ps_rmat *m);

/** Edge @p i before the permutation: ends below N. */
void ps_rmat_edge(const struct ps_rmat *m, uint64_t i, uint64_t *source, uint64_t *target);

/** The id that end @p u of an edge has in the dataset. */
static inline uint64_t ps_rmat_id(const struct ps_rmat *m, uint64_t u)
{
    return ps_permute(m->order, u, m->nodes);
}

static inline uint32_t ps_rmat_class(const struct ps_rmat *m, uint64_t v)
{
    struct ps_draw d = ps_draw_at(m->label, v, 0);

    return (uint32_t)ps_below(ps_draw_u64(&d, 0), m->classes);
}

/** The node at place @p i of the order in which nodes are considered for the splits. */
static inline uint64_t ps_rmat_candidate(const struct ps_rmat *m, uint64_t i)
{
    return ps_permute(m->split, i, m->nodes);
}

#endif
