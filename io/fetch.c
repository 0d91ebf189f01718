/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extents into reads, reads into extents.
 *
 * The plan (io/plan.h) is made while it is carried out: the next read is cut when a
 * staging buffer is free. A read knows the run of extents that it can serve, [first, end);
 * when it arrives, the common bytes of each with the read are copied. Nothing depends on
 * the order of arrival.
 */
#include "io/fetch.h"

#include "io/read_check.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Wait for this part of the buffers at once: handing over reads in batches is
 * worth 8 % of 4 KiB reads with 64 in flight, and the rest keeps the disk busy. */
enum { BATCHES = 8 };

/* Reads up to this size have buffers of their own: they lie together, in the caches of the CPU
 * and in the part of the staging that an ordinary user may have pinned. */
enum { SMALL_BYTES = 16 * 1024 };
enum { HUGE_PAGE = 2 * 1024 * 1024 };
enum { STAGING_BYTES_MAX = 64 * 1024 * 1024 };

struct slot {
    struct ps_io_req req;
    uint64_t first, end;          /* extents that it may serve */
    unsigned char *small, *large; /* (small_bytes), (read_bytes) staging; may be the same */
};

/* A run: the plan, and the first read that failed; nothing more is planned then. */
struct run {
    struct ps_plan plan;
    ps_status st;
};

struct ps_fetch {
    struct ps_ctx *ctx;
    struct ps_io *io;
    uint32_t read_bytes, slot_count, align, small_bytes;
    struct slot *slot;       /* (slot_count) */
    struct ps_io_req **idle; /* (slot_count) free ones */
    struct ps_io_req **next; /* (slot_count) planned, not taken by the engine yet */
    struct ps_io_req **done; /* (slot_count) */
    uint32_t idle_count, next_count;
    unsigned char *staging;      /* behind its first aligned byte small buffers, then large ones */
    bool is_pinned;              /* the engine knows the staging */
    bool cost_known;             /* given, or measured */
    struct ps_read_check *check; /* NULL without --verify-reads */
    struct ps_fetch_counts counts;
};

static void drop_staging(struct ps_fetch *f)
{
    if (f->is_pinned)
        ps_io_unpin(f->io);
    f->is_pinned = false;
    f->align = 0;
    ps_mem_free(&f->ctx->mem, &f->staging);
}

/* A read into huge pages is one piece for the disk, and not one for each 4 KiB: measured on a
 * virtual disk, 2.1 GB/s instead of 1.2. A wish, for memory that nobody has touched; where it is
 * not granted all works as before. */
static void ask_for_huge_pages(const struct ps_fetch *f, size_t bytes)
{
    uintptr_t begin = (uintptr_t)f->staging, first = ps_align_up(begin, HUGE_PAGE);
    uintptr_t end = ps_align_down(begin + bytes, HUGE_PAGE);

    if (first < end)
        (void)madvise(f->staging + (first - begin), end - first, MADV_HUGEPAGE);
}

/* Staging whose buffers have the engine's alignment. */
static PS_MUST ps_status make_staging(struct ps_fetch *f)
{
    uint32_t align = ps_io_align(f->io), n = f->slot_count;
    size_t large = ps_align_down(f->read_bytes, align);
    size_t small = ps_min(ps_align_up(SMALL_BYTES, align), large);
    size_t bytes = n * (large > small ? small + large : large), cap = 0;
    unsigned char *p;

    if (f->align == align)
        return PS_OK;
    drop_staging(f);
    PS_TRY(PS_GROW(&f->ctx->mem, PS_MEM_STAGING, f->staging, cap, bytes + align, 0));
    ask_for_huge_pages(f, bytes + align);
    p = f->staging + (ps_align_up((uintptr_t)f->staging, align) - (uintptr_t)f->staging);
    for (uint32_t i = 0; i < n; i++) {
        f->slot[i].small = p + i * small;
        f->slot[i].large = large > small ? p + n * small + i * large : f->slot[i].small;
    }
    f->align = align;
    f->small_bytes = ps_u32(small);
    f->is_pinned = ps_io_pin(f->io, p, bytes) > 0;
    return PS_OK;
}

ps_status ps_fetch_new(struct ps_fetch **f, struct ps_ctx *ctx, struct ps_io *io,
                       const struct ps_opts_io *o)
{
    uint64_t fit = ps_max(STAGING_BYTES_MAX / (o->read_bytes + SMALL_BYTES), 2);
    struct ps_fetch *p;
    ps_status st;

    *f = NULL;
    PS_ASSERT(o->read_bytes <= ps_io_read_bytes(io));
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, p, 1));
    p->ctx = ctx;
    p->io = io;
    p->read_bytes = ps_u32(o->read_bytes);
    p->slot_count = ps_u32(ps_min(ps_io_queue_depth(io), fit));
    p->counts.cost = ps_io_cost_default();
    PS_GO(st, ps_io_cost_given(&p->counts.cost, o, &p->cost_known));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, p->slot, p->slot_count));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, p->idle, p->slot_count));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, p->next, p->slot_count));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, p->done, p->slot_count));
    PS_GO(st, make_staging(p));
    for (uint32_t i = p->slot_count; i-- > 0;) /* those in front, which are pinned first, on top */
        p->idle[p->idle_count++] = &p->slot[i].req;
    if (o->verify_reads)
        PS_GO(st, ps_read_check_new(&p->check, ctx));
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
    drop_staging(p);
    ps_read_check_free(&p->check);
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

/* Cut the next read. @return false if all is covered */
static bool plan(const struct ps_fetch *f, struct run *run, struct slot *s)
{
    struct ps_plan_read r;

    if (run->st != PS_OK || !ps_plan_next(&run->plan, &r))
        return false;
    s->req.file = r.file;
    s->req.offset = r.offset;
    s->req.len = r.len;
    s->req.dst = r.in_place != NULL ? r.in_place : r.len <= f->small_bytes ? s->small : s->large;
    s->first = r.first;
    s->end = r.end;
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
static PS_MUST ps_status deliver(const struct ps_fetch *f, const struct ps_plan *p,
                                 const struct slot *s)
{
    const struct ps_io_req *r = &s->req;
    const struct ps_arrived a = {r->file, r->offset, r->offset + r->done, r->dst};
    uint64_t checked = r->offset;
    const char *src;
    char *dst;

    for (uint64_t i = s->first; i < s->end; i++) {
        const struct ps_extent *e = &p->extent[i];
        uint64_t from = ps_max(e->offset, r->offset);
        uint64_t to = ps_min(ps_extent_end(e), r->offset + r->len);

        if (from >= to)
            continue;
        if (to > a.end)
            return failed(f, r, e);
        if (f->check != NULL && to > checked)
            PS_TRY(ps_read_check_bytes(f->check, &a, ps_max(from, checked), to, &checked));
        dst = (char *)e->dst + (from - e->offset);
        src = (const char *)r->dst + (from - r->offset);
        if (dst != src) /* not in place, or wanted elsewhere too */
            memcpy(dst, src, to - from);
    }
    return PS_OK;
}

/* Plan reads for all free buffers and offer them. */
static PS_MUST ps_status feed(struct ps_fetch *f, struct run *run)
{
    uint32_t taken;

    while (run->st != PS_OK && f->next_count > 0) /* no longer wanted */
        f->idle[f->idle_count++] = f->next[--f->next_count];
    while (f->idle_count > 0) {
        struct ps_io_req *r = f->idle[f->idle_count - 1];

        if (!plan(f, run, (struct slot *)r))
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
static PS_MUST ps_status harvest(struct ps_fetch *f, struct run *run)
{
    uint32_t batch = f->slot_count / BATCHES, flying = ps_io_in_flight(f->io), n;

    batch = batch > 1 ? batch : 1;
    PS_TRY(ps_io_reap(f->io, batch < flying ? batch : flying, f->slot_count, f->done, &n));
    for (uint32_t i = 0; i < n; i++) {
        struct ps_io_req *r = f->done[i];

        if (run->st == PS_OK) {
            run->st = deliver(f, &run->plan, (const struct slot *)r);
            ps_err_hold(run->st != PS_OK);
        }
        f->counts.requests++;
        f->counts.read_bytes += r->done;
        f->idle[f->idle_count++] = r;
    }
    return PS_OK;
}

/* Until all is there, or a read failed and the others have come back. */
static PS_MUST ps_status pump(struct ps_fetch *f, struct run *run)
{
    PS_TRY(feed(f, run));
    while (ps_io_in_flight(f->io) > 0) {
        PS_TRY(harvest(f, run));
        PS_TRY(feed(f, run));
    }
    return PS_OK;
}

/* The first time that there is a file to measure on. */
static PS_MUST ps_status know_cost(struct ps_fetch *f)
{
    uint64_t most = 0, bytes;
    uint32_t file = 0;
    ps_status st;

    if (f->cost_known || !ps_io_is_real(f->io))
        return PS_OK;
    for (uint32_t i = 0; i < ps_io_file_count(f->io); i++) {
        bytes = ps_io_file_bytes(f->io, i);
        file = bytes > most ? i : file;
        most = ps_max(bytes, most);
    }
    if (most < PS_IO_COST_FILE_MIN)
        return PS_OK;
    f->cost_known = true;
    for (uint32_t i = 0; i < f->slot_count; i++)
        f->slot[i].req.dst = f->slot[i].large;
    ps_io_hold_record(f->io, true);
    st = ps_io_cost_measure(&f->counts.cost, f->io, file, most, f->read_bytes, f->idle,
                            f->slot_count, f->done);
    ps_io_hold_record(f->io, false);
    return st;
}

static PS_MUST ps_status load_checksums(struct ps_fetch *f)
{
    while (f->check != NULL && ps_read_check_files(f->check) < ps_io_file_count(f->io))
        PS_TRY(ps_read_check_add_file(f->check, ps_io_path(f->io, ps_read_check_files(f->check))));
    return PS_OK;
}

ps_status ps_fetch_run(struct ps_fetch *f, const struct ps_extent *extent, uint64_t n)
{
    struct run run = {.st = PS_OK};
    uint64_t before = f->counts.read_bytes;
    struct ps_span span;
    ps_status st;

    PS_ASSERT(ps_io_in_flight(f->io) == 0);
    PS_TRY(make_staging(f));
    PS_TRY(check(f, extent, n));
    PS_TRY(load_checksums(f));
    PS_TRY(know_cost(f));
    ps_plan_begin(&run.plan, extent, n, f->align, f->read_bytes, &f->counts.cost);
    span = ps_span_begin(PS_EV_io_read);
    st = pump(f, &run);
    ps_err_hold(-(run.st != PS_OK));
    if (run.st != PS_OK)
        return run.st;
    PS_TRY(st);
    for (uint64_t i = 0; i < n; i++) {
        f->counts.wanted_bytes += extent[i].bytes;
        f->counts.extents += extent[i].bytes > 0;
    }
    ps_span_end(&f->ctx->trace, &span, f->counts.read_bytes - before);
    return PS_OK;
}
