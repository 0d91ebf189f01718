/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file engine_done.h
 * @brief Finished requests that wait for reap, first in, first out: for engines that read in
 * submit.
 */
#ifndef IO_ENGINE_DONE_H
#define IO_ENGINE_DONE_H

#include "io/engine.h"

struct ps_io_done {
    struct ps_io_req **ring; /* (depth) */
    uint32_t depth, head, count;
};

static inline PS_MUST ps_status ps_io_done_init(struct ps_io_done *d, struct ps_ctx *ctx,
                                                uint32_t depth)
{
    *d = (struct ps_io_done){.depth = depth};
    return PS_NEW(&ctx->mem, PS_MEM_OTHER, d->ring, depth);
}

static inline void ps_io_done_fini(struct ps_io_done *d, struct ps_ctx *ctx)
{
    ps_mem_free(&ctx->mem, &d->ring);
}

/** @pre there is room */
static inline void ps_io_done_put(struct ps_io_done *d, struct ps_io_req *r)
{
    PS_ASSERT(d->count < d->depth);
    d->ring[(d->head + d->count++) % d->depth] = r;
}

/** As struct ps_io_ops.reap. */
static inline void ps_io_done_take(struct ps_io_done *d, uint32_t min, uint32_t max,
                                   struct ps_io_req **req, uint32_t *n)
{
    PS_ASSERT(min <= d->count); /* all that were taken are finished */
    for (*n = 0; *n < max && d->count > 0; d->count--) {
        req[(*n)++] = d->ring[d->head];
        d->head = (d->head + 1) % d->depth;
    }
}

#endif
