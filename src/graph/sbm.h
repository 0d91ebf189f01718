/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sbm.h
 * @brief The generated graph as a pure function: what node v is, who its sources are.
 *
 * A stochastic block model with N nodes, C communities and K classes. Nothing here has state
 * that changes: whoever asks for node v gets the same answer, so chunks, threads and repeated
 * passes cannot change the graph.
 *
 * - Community c is the ids floor(c N / C) to floor((c + 1) N / C) - 1. Its class is c mod K.
 * - In-degrees are Pareto: P(d >= k) = min(1, (scale / k)^(exponent - 1)) for k up to the cap,
 *   min(N - 1, ceil(16 max(sqrt(N), mean))), and d >= 1 unless the mean is below 1. The scale
 *   is solved so that the mean is the one asked for. The quantiles are stratified: the N nodes
 *   are dealt the N slices of the distribution by a keyed permutation, each with a jitter
 *   inside its slice, so the realised mean is far closer to the model than N free draws.
 * - In-edge j of v chooses how it is drawn: with probability `homophily` uniform over v's
 *   community, with probability `near` near v, else uniform over all nodes. Near by distance: at
 *   2^b + x with b uniform in [0, octaves) and x uniform in [0, 2^b), on either side; the largest
 *   distance is the largest 2^octaves - 1 within the window asked for. Near by degree: among
 *   the nodes within the window, u with a probability in proportion to its in-degree, so that
 *   hubs are sources too.
 *   A source that v has already, or v itself, is drawn again; after 8 such draws (a community
 *   may be too small) the edge is drawn from all nodes, after 8 more the next free id is taken.
 * - Features: class centre + N(0, 1) in each column. Columns of centres are normal with
 *   deviation separation / sqrt(2 D), so that the root mean square distance of two centres is
 *   `separation`.
 * - Splits: node v has a place in a keyed permutation; the first round(train_share N) places
 *   train, and so on. The sizes of the splits are exact.
 *
 * Numbers come from Philox (rng.h). pow of the C library decides degrees, so files are equal byte
 * for byte where that library is the same.
 */
#ifndef PS_GRAPH_SBM_H
#define PS_GRAPH_SBM_H

#include "src/base/num.h"
#include "src/base/opt.h"
#include "src/base/rng.h"
#include "src/graph/generate.h"

struct ps_sbm {
    uint64_t nodes, communities, degree_min, degree_cap;
    struct ps_split_sizes split_sizes;
    uint32_t classes, features;
    uint32_t octaves;     /**< of the distance of a near source */
    uint64_t near_window; /**< largest distance of a near source, by degree */
    bool near_by_degree;
    double homophily, near;
    float centre_deviation;
    double mean, scale, tail; /**< of the degrees; tail = exponent - 1 */
    struct ps_key degree_order, degree_jitter, edge, feature, centre, split;
};

/** How an edge was drawn in the end. */
enum ps_sbm_drawn { PS_SBM_COMMUNITY, PS_SBM_NEAR, PS_SBM_ANY, PS_SBM_DRAWN_COUNT };

/** Check the options and solve for the scale. @return PS_EUSAGE with a sentence */
PS_MUST ps_status ps_sbm_init(struct ps_sbm *m, const struct ps_opts_generate *g, uint64_t seed);

/** Mean of the degrees of the model at its scale, by its sums. */
double ps_sbm_mean_degree(const struct ps_sbm *m);

/** In-degree of v: below the number of nodes. */
uint64_t ps_sbm_degree(const struct ps_sbm *m, uint64_t v);

/** In-degrees around the nodes whose sources are drawn, added up: sum[i] is the degrees of nodes
 *  first to first + i - 1. */
struct ps_sbm_around {
    uint64_t first;
    const uint64_t *sum;
};

/** Slots that ps_sbm_sources needs for @p degree sources: a power of two. */
uint64_t ps_sbm_slots(uint64_t degree);
/**
 * The @p degree sources of v, ascending.
 * @param[in]     around (of ids up to near_window away from v) only where near_by_degree
 * @param[in]     slots  (ps_sbm_slots(degree)) working space
 * @param[out]    out    (degree)
 * @param[in,out] drawn  (PS_SBM_DRAWN_COUNT) edges of each kind are added
 * @pre degree < nodes
 */
void ps_sbm_sources(const struct ps_sbm *m, const struct ps_sbm_around *around, uint64_t v,
                    uint64_t degree, uint64_t *slots, uint64_t *out, uint64_t *drawn);

static inline uint64_t ps_sbm_community(const struct ps_sbm *m, uint64_t v)
{
    return (uint64_t)(((ps_u128)(v + 1) * m->communities - 1) / m->nodes);
}
/** First node of community @p c; c = communities gives the number of nodes. */
static inline uint64_t ps_sbm_community_begin(const struct ps_sbm *m, uint64_t c)
{
    return (uint64_t)((ps_u128)c * m->nodes / m->communities);
}
static inline uint32_t ps_sbm_class(const struct ps_sbm *m, uint64_t v)
{
    return (uint32_t)(ps_sbm_community(m, v) % m->classes);
}

/** The centre of class @p c into @p out (features). */
void ps_sbm_centre(const struct ps_sbm *m, uint32_t c, float *out);
/** @p row (features) holds the centre of v's class and becomes the features of v. */
void ps_sbm_add_noise(const struct ps_sbm *m, uint64_t v, float *row);

/** An enum ps_split of dataset.h. */
uint8_t ps_sbm_split(const struct ps_sbm *m, uint64_t v);

/** Largest distance of a near source. */
static inline uint64_t ps_sbm_window(const struct ps_sbm *m)
{
    return m->near_by_degree ? m->near_window : (UINT64_C(1) << m->octaves) - 1;
}

/** The nodes that may be near v: [*begin, *end). */
static inline void ps_sbm_near(const struct ps_sbm *m, uint64_t v, uint64_t *begin, uint64_t *end)
{
    *begin = v - ps_min(v, m->near_window);
    *end = v + 1 + ps_min(m->nodes - v - 1, m->near_window);
}

#endif
