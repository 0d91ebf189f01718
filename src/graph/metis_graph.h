/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file metis_graph.h
 * @brief A dataset's graph in memory as METIS wants it: every edge in both directions, once,
 *        no loops.
 */
#ifndef PS_GRAPH_METIS_GRAPH_H
#define PS_GRAPH_METIS_GRAPH_H

#include "src/graph/partition.h"

#include <metis.h>

struct ps_metis_graph {
    idx_t nodes;
    idx_t *xadj;   /**< (nodes + 1) where the neighbours of each node begin */
    idx_t *adjncy; /**< (xadj[nodes]) ascending in each row */
};

/** @pre ps_metis_check is content. @return PS_EINPUT if it says symmetrised and is not; PS_EMEM */
PS_MUST ps_status ps_metis_graph_load(struct ps_metis_graph *g, struct ps_source *s);
/** Accepts zeros. */
void ps_metis_graph_fini(struct ps_mem *m, struct ps_metis_graph *g);

/**
 * Number the nodes of each partition in the order of a breadth-first search along its own edges,
 * from its lowest node, then from its lowest one that was not reached, and so on.
 * @param[in]     part  (nodes)
 * @param[in,out] c     offsets are given; old_of and new_of (nodes) are filled
 */
void ps_metis_order(const struct ps_metis_graph *g, const idx_t *part, struct ps_cut *c);

#endif
