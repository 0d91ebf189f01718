/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/spool.h"

#include "io/file.h"

#include <string.h>
#include <unistd.h>

enum { BUFFER_BYTES = 256 * 1024 };

ps_status ps_spool_init(struct ps_spool *s, struct ps_ctx *ctx, const char *what,
                        const char *beside, uint64_t bytes)
{
    ps_status st;

    *s = (struct ps_spool){.ctx = ctx, .what = what, .fd = -1};
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_STAGING, s->buffer, BUFFER_BYTES));
    PS_GO(st, ps_file_temporary(beside, &s->fd));
    PS_GO(st, ps_file_reserve(s->fd, what, bytes));
out:
    if (st != PS_OK)
        ps_spool_fini(s);
    return st;
}

void ps_spool_fini(struct ps_spool *s)
{
    if (s->ctx == NULL)
        return;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    ps_mem_free(&s->ctx->mem, &s->buffer);
}

static PS_MUST ps_status flush(struct ps_spool *s)
{
    PS_TRY(ps_file_write(s->fd, s->what, s->bytes - s->used, s->used, s->buffer));
    s->used = 0;
    return PS_OK;
}

ps_status ps_spool_put(struct ps_spool *s, const void *src, size_t bytes)
{
    const unsigned char *p = src;

    while (bytes > 0) {
        size_t n = ps_min(bytes, BUFFER_BYTES - s->used);
        memcpy(s->buffer + s->used, p, n);
        s->used += n;
        s->bytes += n;
        p += n;
        bytes -= n;
        if (s->used == BUFFER_BYTES)
            PS_TRY(flush(s));
    }
    return PS_OK;
}

ps_status ps_spool_end(struct ps_spool *s, const struct ps_npy_header *head, struct ps_npy **a)
{
    int fd = s->fd;

    PS_TRY(flush(s));
    ps_mem_free(&s->ctx->mem, &s->buffer);
    s->fd = -1;
    return ps_npy_open_at(a, s->ctx, s->what, fd, 0, s->bytes, head);
}
