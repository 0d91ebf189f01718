/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file draw.h
 * @brief Which neighbours are drawn: a pure function of (seed, epoch, batch, hop, node).
 *
 * Floyd's method draws k distinct positions of d without replacement, each subset equally
 * likely; position j uses draw j of the node under the hop's key, so it does not matter who
 * draws, or when.
 *
 * @par Source  R. Floyd, in Bentley, Programming Pearls: a sample of brilliance, CACM 30(9), 1987
 */
#ifndef PS_GRAPH_DRAW_H
#define PS_GRAPH_DRAW_H

#include "src/base/rng.h"

#include <stdbool.h>

/** Edges drawn for a node of in-degree @p degree; @p fanout -1 means all. */
static inline uint64_t ps_draw_count(uint64_t degree, int64_t fanout)
{
    return fanout < 0 || degree < (uint64_t)fanout ? degree : (uint64_t)fanout;
}

/** The key of one hop of one batch. */
struct ps_key ps_draw_key(uint64_t seed, uint64_t epoch, uint64_t batch, uint32_t hop);

/**
 * Draw @p k distinct positions below @p degree, ascending.
 * @param[out] position (k)
 * @pre k <= degree
 */
void ps_draw_positions(struct ps_key key, uint64_t node, uint64_t degree, uint64_t k,
                       uint64_t *position);

#endif
