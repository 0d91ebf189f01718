/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The half that all engines share: which engine, requests in and out, tails of
 * short reads, retries, counts. Files are opened in engine_file.c.
 */
#include "io/engine_state.h"
#include "io/read_trace.h"
#include "io/sim_disk.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct ps_io_ops *const ps_io_engines[] = {&ps_io_uring, &ps_io_pread, &ps_io_hdf5,
                                                 &ps_io_sim, NULL};

/* A read that brings nothing new is tried again so often: a storm of signals
 * or a busy kernel passes; a file system that never answers must not hang us. */
enum { FUTILE_MAX = 1000 };

static PS_MUST ps_status check(const struct ps_io_ops *ops, const struct ps_opts_io *o)
{
    PS_ASSERT(ops->version == PS_IO_OPS_VERSION);
    PS_ASSERT(ops->open && ops->submit && ops->reap && ops->close);
    PS_ASSERT((ops->pin == NULL) == (ops->unpin == NULL));
    PS_ASSERT(o->queue_depth > 0);
    if (o->read_bytes == 0 || o->read_bytes % PS_IO_ALIGN_MIN != 0 || o->read_bytes > INT32_MAX)
        PS_FAIL(PS_EUSAGE, "--read-bytes is %" PRIu64 "; it must be a multiple of %d below 2 GiB",
                o->read_bytes, PS_IO_ALIGN_MIN);
    return PS_OK;
}

ps_status ps_io_new_with(struct ps_io **io, struct ps_ctx *ctx, const struct ps_io_ops *ops,
                         const struct ps_opts_io *o, const struct ps_sim_disk *sim)
{
    static const struct ps_sim_disk ideal;
    struct ps_io_setup setup = {.sim = sim != NULL ? sim : &ideal};
    struct ps_io *p;
    ps_status st;

    *io = NULL;
    PS_TRY(check(ops, o));
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, p, 1));
    p->ctx = ctx;
    p->ops = ops;
    p->depth = ps_u32(o->queue_depth);
    p->read_bytes = ps_u32(o->read_bytes);
    p->align = PS_IO_ALIGN_MIN;
    p->thread = pthread_self();
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, p->again, p->depth));
    PS_GO(st, ps_mem_new(&ctx->mem, PS_MEM_OTHER, &p->state, 1, ops->state_bytes));
    setup.queue_depth = p->depth;
    PS_GO(st, ops->open(p->state, ctx, &setup));
    p->is_open = true;
out:
    if (st != PS_OK)
        ps_io_free(&p);
    *io = p;
    return st;
}

static PS_MUST ps_status new_auto(struct ps_io **io, struct ps_ctx *ctx, const struct ps_opts_io *o)
{
    ps_status st = ps_io_new_with(io, ctx, &ps_io_uring, o, NULL);

    if (st != PS_EUNSUPP)
        return st;
    ps_warn(&ctx->log, "%s; reading with pread", ps_err_sentence());
    return ps_io_new_with(io, ctx, &ps_io_pread, o, NULL);
}

static PS_MUST ps_status new_sim(struct ps_io **io, struct ps_ctx *ctx, const struct ps_opts_io *o,
                                 const struct ps_opts_sim *sim)
{
    struct ps_sim_disk disk;

    if (sim == NULL)
        return ps_io_new_with(io, ctx, &ps_io_sim, o, NULL);
    PS_TRY(ps_sim_disk_of(&disk, sim));
    return ps_io_new_with(io, ctx, &ps_io_sim, o, &disk);
}

static PS_MUST ps_status new_as_asked(struct ps_io **io, struct ps_ctx *ctx,
                                      const struct ps_opts_io *o, const struct ps_opts_sim *sim)
{
    char why[256];
    ps_status st;

    *io = NULL;
    if (o->engine == PS_IO_SIM)
        return new_sim(io, ctx, o, sim);
    if (sim != NULL)
        PS_TRY(ps_sim_disk_unused(sim));
    if (o->engine == PS_IO_AUTO)
        return new_auto(io, ctx, o);
    if (o->engine == PS_IO_PREAD)
        return ps_io_new_with(io, ctx, &ps_io_pread, o, NULL);
    if (o->engine == PS_IO_HDF5)
        return ps_io_new_with(io, ctx, &ps_io_hdf5, o, NULL);
    PS_ASSERT(o->engine == PS_IO_URING);
    st = ps_io_new_with(io, ctx, &ps_io_uring, o, NULL);
    if (st != PS_EUNSUPP)
        return st;
    snprintf(why, sizeof why, "%s", ps_err_sentence());
    PS_FAIL(PS_EUNSUPP,
            "--io uring: %s; use --io pread, or have it allowed (sysctl "
            "kernel.io_uring_disabled=0; in a container, its seccomp profile)",
            why);
}

ps_status ps_io_new(struct ps_io **io, struct ps_ctx *ctx, const struct ps_opts_io *o,
                    const struct ps_opts_sim *sim)
{
    ps_status st = new_as_asked(io, ctx, o, sim);

    if (st != PS_OK || *o->record == '\0')
        return st;
    st = ps_read_trace_new(&(*io)->record, ctx, o->record);
    if (st != PS_OK)
        ps_io_free(io);
    return st;
}

void ps_io_free(struct ps_io **io)
{
    struct ps_io *p = *io;
    struct ps_mem *m;

    if (p == NULL)
        return;
    m = &p->ctx->mem;
    PS_ASSERT(p->in_flight == 0 || p->is_broken);
    if (p->is_open)
        p->ops->close(p->state, p->ctx);
    ps_read_trace_end(&p->record);
    ps_io_close_files(p);
    ps_mem_free(m, &p->state);
    ps_mem_free(m, &p->again);
    ps_mem_free(m, io);
}

static void check_request(const struct ps_io *io, const struct ps_io_req *r)
{
    uint64_t low = io->align - 1;

    PS_ASSERT(r->file < io->file_count);
    PS_ASSERT(r->len > 0 && r->len <= io->read_bytes);
    PS_ASSERT(((r->offset | r->len | (uintptr_t)r->dst) & low) == 0);
    PS_ASSERT(r->offset <= (uint64_t)INT64_MAX - r->len);
}

/* Everything that goes to the engine passes here. */
static PS_MUST ps_status offer(struct ps_io *io, struct ps_io_req *const *req, uint32_t n,
                               uint32_t *taken)
{
    ps_status st = io->ops->submit(io->state, io->fd, req, n, taken);

    if (st != PS_OK) {
        io->is_broken = true;
        return st;
    }
    PS_ASSERT(*taken <= n);
    PS_ASSERT(*taken > 0 || n == 0 || io->inside > 0);
    io->inside += *taken;
    return PS_OK;
}

ps_status ps_io_submit(struct ps_io *io, struct ps_io_req *const *req, uint32_t n, uint32_t *taken)
{
    uint32_t room = io->depth - io->in_flight;

    PS_ASSERT(pthread_equal(io->thread, pthread_self()));
    *taken = 0;
    n = n < room ? n : room;
    for (uint32_t i = 0; i < n; i++) {
        check_request(io, req[i]);
        req[i]->done = req[i]->from = req[i]->futile = 0;
        req[i]->sys = req[i]->result = 0;
        req[i]->had_eio = false;
    }
    if (n == 0)
        return PS_OK;
    PS_TRY(offer(io, req, n, taken));
    io->in_flight += *taken;
    for (uint32_t i = 0; io->record != NULL && !io->record_held && i < *taken; i++)
        ps_read_trace_put(io->record, io, req[i]);
    return PS_OK;
}

/* Offer what must be read again. What the engine has no room for waits on. */
static PS_MUST ps_status offer_again(struct ps_io *io)
{
    while (io->again_count > 0) {
        uint32_t taken, left;

        PS_TRY(offer(io, io->again, io->again_count, &taken));
        left = io->again_count - taken;
        memmove(io->again, io->again + taken, left * sizeof io->again[0]);
        io->again_count = left;
        if (taken == 0)
            break;
    }
    return PS_OK;
}

static bool ends_at(const struct ps_io *io, const struct ps_io_req *r)
{
    struct stat s;

    return fstat(io->fd[r->file], &s) == 0 && (uint64_t)s.st_size <= r->offset + r->done;
}

/*
 * One attempt is over. @return true if the request is finished.
 *
 * With O_DIRECT a short read may stop anywhere (at the end of a file it stops
 * in the middle of a block), but the next attempt must begin aligned. So it
 * begins at the last aligned byte before the gap, and brings known bytes again:
 * at the end of the file these and no others.
 */
static bool settle(struct ps_io *io, struct ps_io_req *r)
{
    uint32_t end = r->from + (r->result > 0 ? (uint32_t)r->result : 0);

    PS_ASSERT(end <= r->len);
    if (end > r->done) {
        r->done = end;
        r->from = (uint32_t)ps_align_down(end, io->align);
        r->futile = 0;
        return r->done == r->len;
    }
    if (r->result == 0 || (r->result > 0 && ends_at(io, r))) {
        r->sys = ENODATA;
        return true;
    }
    if (r->result == -EIO && !r->had_eio) {
        r->had_eio = true;
        return false;
    }
    if (r->result == -EINVAL && io->ops->direct) {
        ps_io_give_up_direct(io, r->file); /* others of this file may come back like this one */
        r->futile += FUTILE_MAX / 2;       /* once more, not for ever */
    } else if (r->result == -EINTR || r->result == -EAGAIN || r->result > 0)
        r->futile++;
    else
        r->futile = FUTILE_MAX;
    if (r->futile >= FUTILE_MAX)
        r->sys = r->result < 0 ? -r->result : EIO;
    return r->sys != 0;
}

/* A disk that needs a second attempt is worth knowing about. */
static void say_eio(struct ps_io *io, const struct ps_io_req *r)
{
    if (!io->eio_said)
        ps_log_here(&io->ctx->log,
                    "%s: reading %" PRIu32 " bytes at offset %" PRIu64
                    " succeeded only at the second attempt (the first ended with EIO)",
                    io->path[r->file], r->len, r->offset);
    io->eio_said = true;
}

/* Keep what is finished at the front of req; queue the rest to be read again. */
static uint32_t sort_out(struct ps_io *io, struct ps_io_req **req, uint32_t n)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct ps_io_req *r = req[i];

        io->counts.attempts++;
        if (!settle(io, r)) {
            io->again[io->again_count++] = r;
            continue;
        }
        if (r->had_eio && r->sys == 0)
            say_eio(io, r);
        io->counts.requests++;
        io->counts.bytes += r->done;
        req[kept++] = r;
    }
    io->in_flight -= kept;
    return kept;
}

ps_status ps_io_reap(struct ps_io *io, uint32_t min, uint32_t max, struct ps_io_req **req,
                     uint32_t *n)
{
    PS_ASSERT(pthread_equal(io->thread, pthread_self()));
    PS_ASSERT(min <= max && min <= io->in_flight);
    *n = 0;
    do {
        uint32_t want = min - *n < io->inside ? min - *n : io->inside, got;
        ps_status st = io->ops->reap(io->state, want, max - *n, req + *n, &got);

        if (st != PS_OK) {
            io->is_broken = true;
            return st;
        }
        PS_ASSERT(got >= want && got <= max - *n && got <= io->inside);
        io->inside -= got;
        *n += sort_out(io, req + *n, got);
        PS_TRY(offer_again(io));
    } while (*n < min);
    return PS_OK;
}

size_t ps_io_pin(struct ps_io *io, void *base, size_t bytes)
{
    size_t got = 0;

    PS_ASSERT(pthread_equal(io->thread, pthread_self()));
    if (io->ops->pin != NULL && !io->is_pinned)
        got = io->ops->pin(io->state, io->ctx, base, bytes);
    PS_ASSERT(got <= bytes);
    io->is_pinned |= got > 0;
    return got;
}

void ps_io_unpin(struct ps_io *io)
{
    PS_ASSERT(io->is_pinned);
    PS_ASSERT(io->in_flight == 0 || io->is_broken);
    io->is_pinned = false;
    io->ops->unpin(io->state);
}

void ps_io_hold_record(struct ps_io *io, bool hold)
{
    io->record_held = hold;
}

uint32_t ps_io_align(const struct ps_io *io)
{
    return io->align;
}

uint32_t ps_io_in_flight(const struct ps_io *io)
{
    return io->in_flight;
}

uint32_t ps_io_queue_depth(const struct ps_io *io)
{
    return io->depth;
}

uint32_t ps_io_read_bytes(const struct ps_io *io)
{
    return io->read_bytes;
}

uint32_t ps_io_file_count(const struct ps_io *io)
{
    return ps_u32(io->file_count);
}

const char *ps_io_name(const struct ps_io *io)
{
    return io->ops->name;
}

bool ps_io_is_real(const struct ps_io *io)
{
    return io->ops->is_real;
}

const char *ps_io_path(const struct ps_io *io, uint32_t file)
{
    PS_ASSERT(file < io->file_count);
    return io->path[file];
}

struct ps_io_counts ps_io_counts(const struct ps_io *io)
{
    return io->counts;
}
