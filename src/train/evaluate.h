/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file evaluate.h
 * @brief Exact inference layer by layer over all neighbours, and what it says of a set of nodes.
 *
 * Features of own nodes are streamed from disk in chunks and projected; only projected rows
 * (as wide as the layer's output) cross the network. Only nodes that the evaluated ones reach are
 * computed. Metrics are global sums: one number for the job.
 *
 * @par Collective   ps_eval_new, ps_eval_run, ps_eval_score
 * @par Determinism  same dataset, weights and ranks: the same bits, for any threads and engine
 */
#ifndef PS_TRAIN_EVALUATE_H
#define PS_TRAIN_EVALUATE_H

#include "src/graph/reach.h"
#include "src/graph/rows.h"
#include "src/nn/model.h"

struct ps_eval;

/** Plan the evaluation of all nodes whose split is @p which, of all nodes with PS_SPLIT_NONE.
 *  The split in use of the shard decides, now. */
PS_MUST ps_status ps_eval_new(struct ps_eval **e, struct ps_shard *shard, struct ps_model *model,
                              enum ps_split which);
void ps_eval_free(struct ps_eval **e);

/** Compute the logits of this rank's target nodes. @param[out] logits (targets, classes), borrowed
 *  until the next run; @param[out] node (targets) within the shard, ascending, borrowed */
PS_MUST ps_status ps_eval_run(struct ps_eval *e, ps_status mine, const float **logits,
                              const uint32_t **node, uint32_t *targets);

/** Run, and add up over all ranks: loss, nodes, hits. */
PS_MUST ps_status ps_eval_score(struct ps_eval *e, struct ps_step_sums *sums);

#endif
