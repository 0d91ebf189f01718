/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ranks.h
 * @brief Several ranks in one process: a thread for each, and a simulated network between them.
 */
#ifndef PS_CLI_RANKS_H
#define PS_CLI_RANKS_H

#include "src/base/ctx.h"
#include "src/base/opt.h"

typedef ps_status ps_rank_fn(struct ps_ctx *ctx, void *arg);

/**
 * Call @p fn once for each of o->comm.ranks ranks, at the same time, each in a thread and with a
 * context of its own, and wait for all. Every context has the budget of @p ctx and says its words
 * where @p ctx does. Where a rank is left waiting for one that does not answer, the
 * process ends as that of a job over MPI does.
 *
 * @return as one rank of such a job: PS_OK; the status of the lowest rank with a sentence that has
 *         not been told; PS_ECANCEL if all has been told, with ctx->job_status set
 */
PS_MUST ps_status ps_ranks_run(struct ps_ctx *ctx, const struct ps_opts *o, ps_rank_fn *fn,
                               void *arg);

#endif
