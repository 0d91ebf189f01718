/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extents into reads, reads into extents.
 *
 * The plan is made while it is carried out: a cursor walks over the extents
 * and cuts the next read when a staging buffer is free. A read knows the run
 * of extents that it can serve, [first, end); when it arrives, the common
 * bytes of each with the read are copied. Nothing depends on the order of
 * arrival.
 */
#include "io/fetch.h"

#include <errno.h>
#include <string.h>

/*
 * Two extents share a read if not more than so many unwanted bytes lie between
 * their blocks. Reading a gap costs gap / bandwidth, another request costs
 * 1 / (requests per second). They are equal at 4 to 6 KiB for local NVMe and SATA
 * disks (3 GB/s and 600 k/s; 550 MB/s and 90 k/s), at 12 KiB on a virtual disk
 * (1.3 GB/s, 110 k/s), and above that on network disks, which count requests. Measured
 * on that virtual disk, 512-byte rows of which 0.2 to 10 % are wanted: 8 KiB was within
 * 5 % of the best of 0, 4, 8, 16, 32, 64 KiB throughout, 16 KiB up to 24 % slower.
 */
enum { GAP_BYTES = 8 * 1024 };

/* Wait for this part of the buffers at once: handing over reads in batches is
 * worth 8 % of 4 KiB reads with 64 in flight, and the rest keeps the disk busy. */
enum { BATCHES = 8 };

enum { STAGING_BYTES_MAX = 64 * 1024 * 1024 };

struct slot {
    struct ps_io_req req;
    uint64_t first, end; /* extents that it may serve */
};

/* Where the plan stands. */
struct cursor {
    const struct ps_extent *extent;
    uint64_t n;
    uint64_t at;   /* extents before this one are covered by reads, */
    uint64_t pos;  /* and so are the bytes of this file before this one */
    uint32_t file; /* the file of extent[at] */
    ps_status st;  /* the first read that failed; nothing more is planned then */
};

struct ps_fetch {
    struct ps_ctx *ctx;
    struct ps_io *io;
    uint32_t read_bytes, slot_count, align;
    struct slot *slot;       /* (slot_count) */
    struct ps_io_req **idle; /* (slot_count) free ones */
    struct ps_io_req **next; /* (slot_count) planned, not taken by the engine yet */
    struct ps_io_req **done; /* (slot_count) */
    uint32_t idle_count, next_count;
    unsigned char *staging; /* (slot_count, read_bytes) behind the first aligned byte */
    struct ps_fetch_counts counts;
};

static uint64_t end_of(const struct ps_extent *e)
{
    return e->offset + e->bytes;
}

/* Staging whose buffers have the engine's alignment. */
static PS_MUST ps_status make_staging(struct ps_fetch *f)
{
    uint32_t align = ps_io_align(f->io);
    size_t bytes = (size_t)f->slot_count * f->read_bytes;
    size_t stride = ps_align_down(f->read_bytes, align);
    unsigned char *p;

    if (f->align == align)
        return PS_OK;
    ps_mem_free(&f->ctx->mem, &f->staging);
    f->align = 0;
    PS_TRY(PS_NEW(&f->ctx->mem, PS_MEM_STAGING, f->staging, bytes + align));
    p = f->staging + (ps_align_up((uintptr_t)f->staging, align) - (uintptr_t)f->staging);
    for (uint32_t i = 0; i < f->slot_count; i++)
        f->slot[i].req.dst = p + i * stride;
    f->align = align;
    return PS_OK;
}

ps_status ps_fetch_new(struct ps_fetch **f, struct ps_ctx *ctx, struct ps_io *io,
                       const struct ps_opts_io *o)
{
    uint64_t fit = ps_max(STAGING_BYTES_MAX / o->read_bytes, 2);
    struct ps_fetch *p;
    ps_status st;

    *f = NULL;
    PS_ASSERT(o->read_bytes <= ps_io_read_bytes(io));
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, p, 1));
    p->ctx = ctx;
    p->io = io;
    p->read_bytes = ps_u32(o->read_bytes);
    p->slot_count = ps_u32(ps_min(ps_io_queue_depth(io), fit));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, p->slot, p->slot_count));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, p->idle, p->slot_count));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, p->next, p->slot_count));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, p->done, p->slot_count));
    PS_GO(st, make_staging(p));
    for (uint32_t i = 0; i < p->slot_count; i++)
        p->idle[p->idle_count++] = &p->slot[i].req;
out:
    if (st != PS_OK)
        ps_fetch_free(&p);
    *f = p;
    return st;
}

void ps_fetch_free(struct ps_fetch **f)
{
    struct ps_fetch *p = *f;
    struct ps_mem *m;

    if (p == NULL)
        return;
    m = &p->ctx->mem;
    ps_mem_free(m, &p->slot);
    ps_mem_free(m, &p->idle);
    ps_mem_free(m, &p->next);
    ps_mem_free(m, &p->done);
    ps_mem_free(m, &p->staging);
    ps_mem_free(m, f);
}

struct ps_fetch_counts ps_fetch_counts(const struct ps_fetch *f)
{
    return f->counts;
}

/* Offsets come from files, so they may be wrong; the order is the caller's promise. */
static PS_MUST ps_status check(const struct ps_fetch *f, const struct ps_extent *e, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        PS_ASSERT(e[i].file < ps_io_file_count(f->io));
        PS_ASSERT(e[i].dst != NULL || e[i].bytes == 0);
        PS_ASSERT(i == 0 || e[i - 1].file < e[i].file ||
                  (e[i - 1].file == e[i].file && e[i - 1].offset <= e[i].offset));
        /* a block below the largest offset: rounding up must not overflow either */
        if (e[i].offset > (uint64_t)INT64_MAX - f->read_bytes - f->align ||
            e[i].bytes > (uint64_t)INT64_MAX - f->read_bytes - f->align - e[i].offset)
            PS_FAIL(PS_EINPUT,
                    "%s: expected an extent within 2^63 bytes, found %" PRIu64
                    " bytes at offset %" PRIu64,
                    ps_io_path(f->io, e[i].file), e[i].bytes, e[i].offset);
    }
    return PS_OK;
}

/* Step over extents that are covered. @return false at the end */
static bool advance(struct cursor *c)
{
    for (; c->at < c->n; c->at++) {
        const struct ps_extent *e = &c->extent[c->at];

        if (e->file != c->file)
            c->pos = 0;
        c->file = e->file;
        if (e->bytes > 0 && end_of(e) > c->pos)
            return true;
    }
    return false;
}

/* Cut the next read. @return false if all is covered */
static bool plan(const struct ps_fetch *f, struct cursor *c, struct slot *s)
{
    uint64_t begin, end, limit, i;

    if (c->st != PS_OK || !advance(c))
        return false;
    begin = ps_align_down(ps_max(c->extent[c->at].offset, c->pos), f->align);
    limit = begin + ps_align_down(f->read_bytes, f->align);
    end = begin + 1;
    for (i = c->at; i < c->n; i++) {
        const struct ps_extent *e = &c->extent[i];

        if (e->file != c->file || e->offset >= limit)
            break;
        if (e->bytes == 0 || end_of(e) <= end)
            continue;
        if (ps_align_down(e->offset, f->align) > ps_align_up(end, f->align) + GAP_BYTES)
            break;
        end = ps_min(end_of(e), limit);
    }
    s->req.file = c->file;
    s->req.offset = begin;
    s->req.len = ps_u32(ps_align_up(end, f->align) - begin);
    s->first = c->at;
    s->end = i;
    c->pos = begin + s->req.len;
    return true;
}

static PS_MUST ps_status failed(const struct ps_fetch *f, const struct ps_io_req *r,
                                const struct ps_extent *e)
{
    const char *path = ps_io_path(f->io, r->file);
    uint64_t arrived = r->offset + r->done;

    if (r->sys == ENODATA)
        PS_FAIL(PS_EINPUT,
                "%s: the file ends too early: expected %" PRIu64 " bytes at offset %" PRIu64
                ", found %" PRIu64,
                path, e->bytes, e->offset, arrived > e->offset ? arrived - e->offset : 0);
    PS_FAIL_SYS(r->sys,
                "%s: cannot read: expected %" PRIu32 " bytes at offset %" PRIu64 ", found %" PRIu32,
                path, r->len, r->offset, r->done);
}

/* Copy what a read has brought to where it is wanted. A read that came short
 * is a failure only if a wanted byte is missing. */
static PS_MUST ps_status deliver(const struct ps_fetch *f, const struct cursor *c,
                                 const struct slot *s)
{
    const struct ps_io_req *r = &s->req;
    uint64_t arrived = r->offset + r->done;

    for (uint64_t i = s->first; i < s->end; i++) {
        const struct ps_extent *e = &c->extent[i];
        uint64_t from = ps_max(e->offset, r->offset);
        uint64_t to = ps_min(end_of(e), r->offset + r->len);

        if (from >= to)
            continue;
        if (to > arrived)
            return failed(f, r, e);
        memcpy((char *)e->dst + (from - e->offset), (const char *)r->dst + (from - r->offset),
               to - from);
    }
    return PS_OK;
}

/* Plan reads for all free buffers and offer them. */
static PS_MUST ps_status feed(struct ps_fetch *f, struct cursor *c)
{
    uint32_t taken;

    while (c->st != PS_OK && f->next_count > 0) /* no longer wanted */
        f->idle[f->idle_count++] = f->next[--f->next_count];
    while (f->idle_count > 0) {
        struct ps_io_req *r = f->idle[f->idle_count - 1];

        if (!plan(f, c, (struct slot *)r))
            break;
        f->idle_count--;
        f->next[f->next_count++] = r;
    }
    PS_TRY(ps_io_submit(f->io, f->next, f->next_count, &taken));
    f->next_count -= taken;
    memmove(f->next, f->next + taken, f->next_count * sizeof f->next[0]);
    return PS_OK;
}

/* Wait for reads and deliver them, unless one failed before. The buffers are
 * free again in any case. The first failure is the one told: its record is
 * held until the run is over. */
static PS_MUST ps_status harvest(struct ps_fetch *f, struct cursor *c)
{
    uint32_t batch = f->slot_count / BATCHES, flying = ps_io_in_flight(f->io), n;

    batch = batch > 1 ? batch : 1;
    PS_TRY(ps_io_reap(f->io, batch < flying ? batch : flying, f->slot_count, f->done, &n));
    for (uint32_t i = 0; i < n; i++) {
        struct ps_io_req *r = f->done[i];

        if (c->st == PS_OK) {
            c->st = deliver(f, c, (const struct slot *)r);
            ps_err_hold(c->st != PS_OK);
        }
        f->counts.requests++;
        f->counts.read_bytes += r->done;
        f->idle[f->idle_count++] = r;
    }
    return PS_OK;
}

/* Until all is there, or a read failed and the others have come back. */
static PS_MUST ps_status pump(struct ps_fetch *f, struct cursor *c)
{
    PS_TRY(feed(f, c));
    while (ps_io_in_flight(f->io) > 0) {
        PS_TRY(harvest(f, c));
        PS_TRY(feed(f, c));
    }
    return PS_OK;
}

ps_status ps_fetch_run(struct ps_fetch *f, const struct ps_extent *extent, uint64_t n)
{
    struct cursor c = {.extent = extent, .n = n};
    uint64_t before = f->counts.read_bytes;
    struct ps_span span;
    ps_status st;

    PS_ASSERT(ps_io_in_flight(f->io) == 0);
    PS_TRY(make_staging(f));
    PS_TRY(check(f, extent, n));
    span = ps_span_begin(PS_EV_io_read);
    st = pump(f, &c);
    ps_err_hold(-(c.st != PS_OK));
    if (c.st != PS_OK)
        return c.st;
    PS_TRY(st);
    for (uint64_t i = 0; i < n; i++)
        f->counts.wanted_bytes += extent[i].bytes;
    ps_span_end(&f->ctx->trace, &span, f->counts.read_bytes - before);
    return PS_OK;
}
