/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file train.h
 * @brief The main job and inference, as the commands call them. Collective.
 */
#ifndef PS_TRAIN_TRAIN_H
#define PS_TRAIN_TRAIN_H

#include "src/base/ctx.h"
#include "src/base/opt.h"

/**
 * Train as the options say. On rank 0 *report gets the JSON object of the results (the caller
 * owns it); on other ranks it stays NULL. Writes RUN/run.json, metrics.jsonl, model.h5. The
 * table goes to @p table (NULL: nowhere) on rank 0. After a failure on any rank all ranks
 * return, see ps_world_outcome.
 */
PS_MUST ps_status ps_train(struct ps_ctx *ctx, const struct ps_opts *o, const char *line,
                           FILE *table, json_t **report);

/** Predict the class of every node with the model of --run; -o gets an HDF5 file with orig_id u64
 * [N], prediction i32 [N], probability f32 [N]. Report and failure as ps_train. */
PS_MUST ps_status ps_infer(struct ps_ctx *ctx, const struct ps_opts *o, json_t **report);

#endif
