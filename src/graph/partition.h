/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file partition.h
 * @brief How a graph is cut, and what came of it: between the units of `partition`.
 */
#ifndef PS_GRAPH_PARTITION_H
#define PS_GRAPH_PARTITION_H

#include "src/base/opt.h"
#include "src/graph/source.h"

/** A renumbering to contiguous ranges. */
struct ps_cut {
    uint32_t parts;
    uint64_t *offsets; /**< (parts + 1) first new id of each partition; none is empty */
    uint32_t *old_of;  /**< (nodes) by new id; NULL: ids stay as they are */
    uint32_t *new_of;  /**< (nodes) by old id; NULL: the same */
};
void ps_cut_fini(struct ps_mem *m, struct ps_cut *c);

/** What one partition holds. */
struct ps_cut_counts {
    uint64_t nodes, edges;
    uint64_t train;  /**< training nodes of split 0 */
    uint64_t remote; /**< edges whose source is in another partition */
    uint64_t halo;   /**< distinct such sources */
};

/**
 * Ids stay; boundaries are where the running sum of nodes / N + edges / E + training nodes / T
 * passes each P-th part of its total. Memory: some buffers and 8 bytes for each partition.
 * @pre parts <= nodes
 */
PS_MUST ps_status ps_cut_range(struct ps_source *s, uint32_t parts, struct ps_cut *c);

/**
 * METIS, k-way, for few edges between partitions, balanced in nodes, in-edges and training nodes
 * to (1 + imbalance) as far as METIS gets. Within a partition nodes are in the order of a
 * breadth-first search along its own edges, from its lowest node on.
 * Memory: about 8 bytes for each entry of the symmetrised graph and 40 for each node, and METIS's
 * own, which are not counted but estimated against the budget beforehand.
 * @return PS_EUSAGE if METIS's ids cannot hold the graph or the budget METIS;
 *         PS_EINPUT if the dataset says symmetrised and is not
 */
PS_MUST ps_status ps_cut_metis(struct ps_source *s, const struct ps_opts *o, struct ps_cut *c);

/**
 * A keyed permutation of all nodes, cut in equal runs: sizes differ by one node at most, ids keep
 * their order within a partition. Memory: 8 bytes for each node.
 * @pre parts <= nodes
 * @return PS_EUSAGE if nodes >= 2^32
 */
PS_MUST ps_status ps_cut_hash(struct ps_source *s, uint32_t parts, uint64_t seed, struct ps_cut *c);

/** Whether METIS's ids can hold so many nodes, and edges once symmetrised. @return PS_EUSAGE */
PS_MUST ps_status ps_metis_check(uint64_t nodes, uint64_t edges, bool symmetrised);

/** Write the dataset @p s cut by @p c. @param[out] counts (parts) */
struct ps_dataset_writer;
PS_MUST ps_status ps_cut_write(struct ps_source *s, const struct ps_cut *c,
                               struct ps_dataset_writer *w, struct ps_cut_counts *counts);

/** 1 for nodes that train in any split, for nodes [first, first + count).
 *  @param[out] any (count)  @param scratch (count) */
PS_MUST ps_status ps_cut_training(struct ps_source *s, uint64_t first, uint64_t count, uint8_t *any,
                                  uint8_t *scratch);

#endif
