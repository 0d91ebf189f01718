/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file graph_impl.h
 * @brief The inside of struct penstock_graph, for the files of this folder.
 */
#ifndef PS_API_GRAPH_IMPL_H
#define PS_API_GRAPH_IMPL_H

#include "src/api/penstock.h"
#include "src/api/session.h"
#include "src/graph/row_window.h"

struct penstock_graph {
    struct ps_session *session;
    struct ps_world *world;
    struct ps_shard *shard;
    struct ps_row_window *rows; /**< NULL before the first are asked for */
    uint64_t slots;             /**< of it */
    struct ps_sample asked;     /**< the nodes, as a batch */
    struct ps_batch_rows found;
    struct penstock_facts facts;
    uint64_t *sorted; /**< working storage of ps_graph_check_nodes */
    size_t sorted_cap;
};

/** The code for a public function after a collective call that ended with @p st, the same on all
 *  ranks. */
int ps_graph_code(const struct penstock_graph *g, ps_status st);

/** Ids from a caller: each below N, and all different. Not collective. @return PS_EUSAGE with the
 *  place, PS_EMEM */
PS_MUST ps_status ps_graph_check_nodes(struct penstock_graph *g, const uint64_t *node,
                                       uint32_t count);

#endif
