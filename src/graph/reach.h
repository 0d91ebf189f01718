/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file reach.h
 * @brief What a set of nodes reaches, layer by layer: the plan of exact inference.
 *
 * Level L are the nodes to be evaluated; level l holds every node whose output of layer l
 * (level 0: whose features) some node of level l+1 needs. Each rank computes its own nodes of
 * every level; what its nodes need from others (the halo) comes over the exchange. Own nodes
 * are numbered so that those of level l+1 are the first of level l; halo nodes follow.
 *
 * @par Collective   ps_reach_new, ps_reach_exchange
 * @par Memory       4 bytes for each edge below level 1..L, 4 n for the numbering
 */
#ifndef PS_GRAPH_REACH_H
#define PS_GRAPH_REACH_H

#include "src/graph/ask.h"
#include "src/kern/block.h"

/** The step from level l to level l+1 on one rank. */
struct ps_reach_layer {
    struct ps_block block; /**< destinations: own nodes of level l+1; sources: own nodes of
                                level l, then the halo; all in-edges; no transpose */
    uint32_t own_count;    /**< own nodes of level l */
    uint32_t halo_count;
    uint32_t *out_degree; /**< (own_count + halo_count) */
    uint64_t *halo_begin; /**< (R+1) halo nodes owned by each rank, in order of rank and id */
    uint64_t *give_begin; /**< (R+1) */
    uint32_t *give;       /**< own numbers of the rows that each rank wants */
    uint64_t *row_begin;
    uint32_t *col, *in_degree;
};

struct ps_reach {
    struct ps_shard *shard; /**< borrowed */
    uint32_t layers;
    uint32_t *node;               /**< (own nodes of level 0) within the shard, by own number */
    uint32_t own_count;           /**< of level 0 */
    uint32_t target_count;        /**< own nodes of level L: the first of node */
    struct ps_reach_layer *layer; /**< (layers) layer[l] goes from level l to l+1 */
    unsigned char *send;
    struct ps_inbox inbox;
    uint64_t *bytes;
    const void **part;
    size_t node_cap, send_cap;
};

/** @param[in] target (n) nodes of this shard to be evaluated, ascending, distinct */
PS_MUST ps_status ps_reach_new(struct ps_reach **r, struct ps_shard *shard, uint32_t layers,
                               const uint32_t *target, uint32_t n);
void ps_reach_free(struct ps_reach **r);

/** Bring the halo rows of layer @p l: row (own_count + i) of @p rows is filled with halo row i
 *  from its owner. Collective. @param[in,out] rows (own_count + halo_count, dim) */
PS_MUST ps_status ps_reach_exchange(struct ps_reach *r, ps_status mine, uint32_t l, float *rows,
                                    uint32_t dim);

#endif
