/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference engine: plain pread(2), finished before submit returns.
 *
 * It is correct on sight. Every other engine is tested against it, and it is
 * what is left where io_uring is forbidden (containers often filter the system
 * call). It reads through the page cache: without a queue, read-ahead and
 * caching are what the kernel can still do for it.
 */
#include "io/engine_done.h"

#include <errno.h>
#include <unistd.h>

static ps_status pread_open(void *state, struct ps_ctx *ctx, const struct ps_io_setup *setup)
{
    return ps_io_done_init(state, ctx, setup->queue_depth);
}

/* Takes one request at a time, however many are offered: the caller then copies
 * its bytes out while they are still in the cache of the CPU, instead of after
 * a whole queue of others has gone through it. */
static ps_status pread_submit(void *state, const int *fd, struct ps_io_req *const *req, uint32_t n,
                              uint32_t *taken)
{
    struct ps_io_done *done = state;
    struct ps_io_req *r = req[0];
    ssize_t got;

    *taken = 0;
    if (n == 0 || done->count == done->depth)
        return PS_OK;
    got = pread(fd[r->file], (char *)r->dst + r->from, r->len - r->from,
                (off_t)(r->offset + r->from));
    r->result = got < 0 ? -errno : (int32_t)got;
    ps_io_done_put(done, r);
    *taken = 1;
    return PS_OK;
}

static ps_status pread_reap(void *state, uint32_t min, uint32_t max, struct ps_io_req **req,
                            uint32_t *n)
{
    ps_io_done_take(state, min, max, req, n);
    return PS_OK;
}

static void pread_close(void *state, struct ps_ctx *ctx)
{
    ps_io_done_fini(state, ctx);
}

const struct ps_io_ops ps_io_pread = {
    .version = PS_IO_OPS_VERSION,
    .name = "pread",
    .state_bytes = sizeof(struct ps_io_done),
    .direct = false,
    .is_real = true,
    .open = pread_open,
    .submit = pread_submit,
    .reap = pread_reap,
    .close = pread_close,
};
