/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference engine: plain pread(2), finished before submit returns.
 *
 * It is correct on sight. Every other engine is tested against it, and it is
 * what is left where io_uring is forbidden (containers often filter the system
 * call). It reads through the page cache: without a queue, read-ahead and
 * caching are what the kernel can still do for it.
 */
#include "io/engine.h"

#include <errno.h>
#include <unistd.h>

struct state {
    struct ps_io_req **ring; /* (depth) finished requests wait here for reap */
    uint32_t depth;
    uint32_t head, count;
};

static ps_status pread_open(void *state, struct ps_ctx *ctx, uint32_t queue_depth)
{
    struct state *s = state;

    s->depth = queue_depth;
    return PS_NEW(&ctx->mem, PS_MEM_OTHER, s->ring, queue_depth);
}

/* Takes one request at a time, however many are offered: the caller then copies
 * its bytes out while they are still in the cache of the CPU, instead of after
 * a whole queue of others has gone through it. */
static ps_status pread_submit(void *state, const int *fd, struct ps_io_req *const *req, uint32_t n,
                              uint32_t *taken)
{
    struct state *s = state;
    struct ps_io_req *r = req[0];
    ssize_t got;

    *taken = 0;
    if (n == 0 || s->count == s->depth)
        return PS_OK;
    got = pread(fd[r->file], (char *)r->dst + r->from, r->len - r->from,
                (off_t)(r->offset + r->from));
    r->result = got < 0 ? -errno : (int32_t)got;
    s->ring[(s->head + s->count++) % s->depth] = r;
    *taken = 1;
    return PS_OK;
}

static ps_status pread_reap(void *state, uint32_t min, uint32_t max, struct ps_io_req **req,
                            uint32_t *n)
{
    struct state *s = state;

    PS_ASSERT(min <= s->count); /* all that were taken are finished */
    for (*n = 0; *n < max && s->count > 0; s->count--) {
        req[(*n)++] = s->ring[s->head];
        s->head = (s->head + 1) % s->depth;
    }
    return PS_OK;
}

static void pread_close(void *state, struct ps_ctx *ctx)
{
    struct state *s = state;

    ps_mem_free(&ctx->mem, &s->ring);
}

const struct ps_io_ops ps_io_pread = {
    .version = PS_IO_OPS_VERSION,
    .name = "pread",
    .state_bytes = sizeof(struct state),
    .direct = false,
    .open = pread_open,
    .submit = pread_submit,
    .reap = pread_reap,
    .close = pread_close,
};
