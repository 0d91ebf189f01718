/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded reads once more, with nothing else to do: what the disk alone would take. */
#include "io/bench.h"

#include <errno.h>
#include <string.h>

enum { BATCHES = 8 }; /* as io/fetch.c waits */

struct replay {
    struct ps_ctx *ctx;
    const struct ps_read_list *list;
    struct ps_io *io;
    uint32_t depth;
    uint64_t at;             /* reads that were taken from the list */
    struct ps_io_req *req;   /* (depth) */
    struct ps_io_req **idle; /* (depth) free ones */
    struct ps_io_req **next; /* (depth) from the list, not taken by the engine yet */
    struct ps_io_req **done; /* (depth) */
    unsigned char *buffer;   /* (depth, largest) behind the first aligned byte */
    uint32_t idle_count, next_count;
    uint64_t bytes;
};

static PS_MUST ps_status add_files(struct replay *r, const char *dir)
{
    char path[PS_TEXT_BYTES + PS_READ_NAME_BYTES];
    uint32_t file;

    for (uint32_t k = 0; k < r->list->files; k++) {
        snprintf(path, sizeof path, "%s/%s", dir, r->list->name[k]);
        PS_TRY(ps_bench_drop(path, NULL));
        PS_TRY(ps_io_add_file(r->io, path, &file));
        PS_ASSERT(file == k);
    }
    return PS_OK;
}

static PS_MUST ps_status make_room(struct replay *r)
{
    struct ps_mem *m = &r->ctx->mem;
    uint64_t align = ps_io_align(r->io), stride = ps_align_up(r->list->largest, align);
    unsigned char *p;

    PS_TRY(PS_NEW(m, PS_MEM_OTHER, r->req, r->depth));
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, r->idle, r->depth));
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, r->next, r->depth));
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, r->done, r->depth));
    PS_TRY(PS_NEW(m, PS_MEM_STAGING, r->buffer, r->depth * stride + align));
    p = r->buffer + (ps_align_up((uintptr_t)r->buffer, align) - (uintptr_t)r->buffer);
    (void)ps_io_pin(r->io, p, r->depth * stride);
    for (uint32_t i = 0; i < r->depth; i++) {
        r->req[i].dst = p + i * stride;
        r->idle[r->idle_count++] = &r->req[i];
    }
    for (uint64_t i = 0; i < r->list->count; i++)
        if ((r->list->item[i].offset | r->list->item[i].bytes) % align != 0)
            PS_FAIL(PS_EUNSUPP,
                    "read %" PRIu64 " of the record is not aligned to %" PRIu64
                    " bytes, as direct reads of %s must be",
                    i, align, ps_io_path(r->io, r->list->item[i].file));
    return PS_OK;
}

static PS_MUST ps_status feed(struct replay *r)
{
    uint32_t taken;

    for (; r->idle_count > 0 && r->at < r->list->count; r->at++) {
        const struct ps_read_item *item = &r->list->item[r->at];
        struct ps_io_req *q = r->idle[--r->idle_count];

        q->file = item->file;
        q->offset = item->offset;
        q->len = item->bytes;
        r->next[r->next_count++] = q;
    }
    do { /* an engine may take one at a time */
        PS_TRY(ps_io_submit(r->io, r->next, r->next_count, &taken));
        r->next_count -= taken;
        memmove(r->next, r->next + taken, r->next_count * sizeof r->next[0]);
    } while (taken > 0);
    return PS_OK;
}

static PS_MUST ps_status harvest(struct replay *r, ps_status *bad)
{
    uint32_t flying = ps_io_in_flight(r->io), batch = r->depth > BATCHES ? r->depth / BATCHES : 1,
             n;

    PS_TRY(ps_io_reap(r->io, batch < flying ? batch : flying, r->depth, r->done, &n));
    for (uint32_t i = 0; i < n; i++) {
        const struct ps_io_req *q = r->done[i];

        r->idle[r->idle_count++] = r->done[i];
        r->bytes += q->done;
        if (*bad != PS_OK || q->sys == 0 || (q->sys == ENODATA && q->done > 0))
            continue;
        *bad = q->sys == ENODATA ? PS_EINPUT : PS_EIO;
        ps_err_set(*bad, q->sys == ENODATA ? 0 : q->sys, __FILE__, __LINE__,
                   "%s: expected %" PRIu32 " bytes at offset %" PRIu64
                   " as in the record, found %" PRIu32,
                   ps_io_path(r->io, q->file), q->len, q->offset, q->done);
        r->at = r->list->count;
    }
    return PS_OK;
}

/* All reads, or those before the first that failed. */
static PS_MUST ps_status run(struct replay *r)
{
    ps_status bad = PS_OK;

    PS_TRY(feed(r));
    while (ps_io_in_flight(r->io) > 0) {
        PS_TRY(harvest(r, &bad));
        if (bad == PS_OK)
            PS_TRY(feed(r));
    }
    return bad;
}

ps_status ps_bench_replay(struct ps_ctx *ctx, const struct ps_read_list *l, const char *dir,
                          const struct ps_opts_io *o, struct ps_bench_done *d, const char **engine)
{
    struct replay r = {.ctx = ctx, .list = l, .depth = ps_u32(o->queue_depth)};
    struct ps_opts_io io = *o;
    uint64_t begin;
    ps_status st;

    memset(d, 0, sizeof *d);
    io.read_bytes = ps_max(io.read_bytes, l->largest);
    PS_GO(st, ps_io_new(&r.io, ctx, &io, NULL));
    PS_GO(st, add_files(&r, dir));
    PS_GO(st, make_room(&r));
    begin = ps_now_ns();
    PS_GO(st, run(&r));
    d->seconds = (double)(ps_now_ns() - begin) * 1e-9;
    d->requests = l->count;
    d->bytes = r.bytes;
    *engine = ps_io_name(r.io); /* of the table of functions, not of the handle */
out:
    ps_io_free(&r.io); /* before what its reads go to */
    ps_mem_free(&ctx->mem, &r.req);
    ps_mem_free(&ctx->mem, &r.idle);
    ps_mem_free(&ctx->mem, &r.next);
    ps_mem_free(&ctx->mem, &r.done);
    ps_mem_free(&ctx->mem, &r.buffer);
    return st;
}
