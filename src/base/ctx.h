/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ctx.h
 * @brief What every object of one rank shares: memory, trace, log.
 *
 * There are no mutable globals; several ranks can live in one process as
 * threads, each with a context of its own. Objects keep a borrowed pointer to
 * the context that they were made with; it must outlive them.
 */
#ifndef PS_BASE_CTX_H
#define PS_BASE_CTX_H

#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/base/trace.h"

struct ps_fabric; /* comm/fabric.h */

struct ps_ctx {
    struct ps_mem mem;
    struct ps_trace trace;
    struct ps_log log;
    int threads; /**< OpenMP threads for compute; at least 1 */
    /** After a failure that all ranks know of: the status of the lowest rank that failed, which
     *  decides the exit code. A rank whose own status is PS_ECANCEL has nothing to tell. */
    ps_status job_status;
    /** Where the ranks of a job are threads of one process: the network between them, borrowed,
     *  and this rank's number on it. NULL where a rank is a process. */
    struct ps_fabric *fabric;
    uint32_t fabric_rank;
    bool caller_tells; /**< in a library: failures are not printed, the caller reads the sentence */
};

/** Words go to @p log_out (NULL: nowhere). No budget, one thread. */
void ps_ctx_init(struct ps_ctx *ctx, FILE *log_out);

/** Give back what the context itself holds. @return blocks that others still
 *  hold: zero, or something leaked. */
long long ps_ctx_fini(struct ps_ctx *ctx);

#endif
