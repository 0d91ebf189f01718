/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/ctx.h"

void ps_ctx_init(struct ps_ctx *ctx, FILE *log_out)
{
    ps_mem_init(&ctx->mem, 0);
    ps_trace_init(&ctx->trace);
    ps_log_init(&ctx->log, log_out);
    ctx->threads = 1;
    ctx->job_status = PS_OK;
    ctx->fabric = NULL;
    ctx->fabric_rank = 0;
    ctx->caller_tells = false;
}

long long ps_ctx_fini(struct ps_ctx *ctx)
{
    ps_trace_fini(&ctx->trace, &ctx->mem);
    return ps_mem_live(&ctx->mem);
}
