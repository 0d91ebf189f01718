/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pattern of reads, for a while: by one thread with a queue, or by several with one read each.
 *
 * All threads draw blocks from one counter, so ascending order is one stream however many share
 * it. A random order is a permutation: no block comes twice, so a buffered read never meets what an
 * earlier one of the same measurement brought.
 */
#include "io/bench.h"
#include "io/bench_order.h"
#include "io/engine_state.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { BATCHES = 8 }; /* as io/fetch.c waits */

struct bench {
    const struct ps_bench_case *c;
    const char *path;
    struct ps_ctx *ctx;
    const struct ps_io_ops *ops;
    struct ps_opts_io io;
    uint64_t span_ns;
    struct ps_bench_order order;
    _Atomic bool stop; /* a thread has failed */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* one of the next two */
    uint32_t opened;        /* threads that are ready to begin, or cannot */
    bool go;
};

struct stream {
    struct bench *b;
    struct ps_io *io;
    struct ps_io_req *req;   /* (depth) */
    struct ps_io_req **idle; /* (depth) free ones */
    struct ps_io_req **next; /* (depth) with a block, not taken by the engine yet */
    struct ps_io_req **done; /* (depth) */
    unsigned char *buffer;   /* (depth, bytes) behind the first aligned byte */
    uint32_t idle_count, next_count;
    uint64_t begin_ns, end_ns;
    struct ps_bench_done told;
    ps_status st;
    struct ps_err_record err;
    pthread_t thread;
};

const char *ps_bench_engine_name(enum ps_bench_engine e)
{
    static const char *const name[PS_BENCH_ENGINES] = {"uring", "pread", "mmap", "hdf5"};

    PS_ASSERT(e < PS_BENCH_ENGINES);
    return name[e];
}

static PS_MUST ps_status stream_open(struct stream *s)
{
    const struct bench *b = s->b;
    struct ps_mem *m = &b->ctx->mem;
    uint32_t depth = ps_u32(b->io.queue_depth), bytes = b->c->bytes, file;
    unsigned char *p;
    uint64_t align;

    PS_TRY(ps_io_new_with(&s->io, b->ctx, b->ops, &b->io, NULL));
    PS_TRY(ps_io_add_file(s->io, b->path, &file));
    align = ps_io_align(s->io);
    if (bytes % align != 0)
        PS_FAIL(PS_EUNSUPP, "%s: direct reads are aligned to %" PRIu64 " bytes here", b->path,
                align);
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, s->req, depth));
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, s->idle, depth));
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, s->next, depth));
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, s->done, depth));
    PS_TRY(PS_NEW(m, PS_MEM_STAGING, s->buffer, (size_t)depth * bytes + align));
    p = s->buffer + (ps_align_up((uintptr_t)s->buffer, align) - (uintptr_t)s->buffer);
    (void)ps_io_pin(s->io, p, (size_t)depth * bytes);
    for (uint32_t i = 0; i < depth; i++) {
        s->req[i] = (struct ps_io_req){.len = bytes, .dst = p + (size_t)i * bytes};
        s->idle[s->idle_count++] = &s->req[i];
    }
    return PS_OK;
}

static void stream_close(struct stream *s)
{
    struct ps_mem *m = &s->b->ctx->mem;

    ps_io_free(&s->io); /* first: after a failure of the engine it may still write to the buffers */
    ps_mem_free(m, &s->req);
    ps_mem_free(m, &s->idle);
    ps_mem_free(m, &s->next);
    ps_mem_free(m, &s->done);
    ps_mem_free(m, &s->buffer);
}

/* Offer as many reads as there are free buffers. */
static PS_MUST ps_status feed(struct stream *s)
{
    uint32_t taken;
    uint64_t block;

    while (s->idle_count > 0 && ps_bench_order_next(&s->b->order, &block)) {
        struct ps_io_req *r = s->idle[--s->idle_count];

        r->offset = block * s->b->c->bytes;
        s->next[s->next_count++] = r;
    }
    do { /* an engine may take one at a time */
        PS_TRY(ps_io_submit(s->io, s->next, s->next_count, &taken));
        s->next_count -= taken;
        memmove(s->next, s->next + taken, s->next_count * sizeof s->next[0]);
    } while (taken > 0);
    return PS_OK;
}

static PS_MUST ps_status harvest(struct stream *s, ps_status *bad)
{
    uint32_t flying = ps_io_in_flight(s->io), batch = ps_u32(s->b->io.queue_depth) / BATCHES, n;

    batch = batch > 1 ? batch : 1;
    PS_TRY(ps_io_reap(s->io, batch < flying ? batch : flying, ps_u32(s->b->io.queue_depth), s->done,
                      &n));
    for (uint32_t i = 0; i < n; i++) {
        const struct ps_io_req *r = s->done[i];

        s->told.requests++;
        s->told.bytes += r->done;
        s->idle[s->idle_count++] = s->done[i];
        if (r->sys != 0 && *bad == PS_OK) {
            ps_err_set(*bad = PS_EIO, r->sys, __FILE__, __LINE__,
                       "%s: cannot read: expected %" PRIu32 " bytes at offset %" PRIu64
                       ", found %" PRIu32,
                       s->b->path, r->len, r->offset, r->done);
            atomic_store(&s->b->stop, true);
        }
    }
    return PS_OK;
}

/* Until the time is over, the file was read, or something failed; nothing is in flight then,
 * unless the engine itself failed. */
static PS_MUST ps_status stream_run(struct stream *s)
{
    ps_status bad = PS_OK;

    s->begin_ns = ps_now_ns();
    for (;;) {
        if (bad == PS_OK && !atomic_load_explicit(&s->b->stop, memory_order_relaxed) &&
            ps_now_ns() - s->begin_ns < s->b->span_ns)
            PS_TRY(feed(s));
        if (ps_io_in_flight(s->io) == 0)
            break;
        PS_TRY(harvest(s, &bad));
    }
    s->end_ns = ps_now_ns();
    return bad;
}

static bool is_direct(const struct ps_io *io)
{
    int flags = fcntl(io->fd[0], F_GETFL);

    return flags >= 0 && (flags & O_DIRECT) != 0;
}

/* Ready, and not before the others are. */
static void wait_for_others(struct bench *b)
{
    (void)pthread_mutex_lock(&b->lock);
    b->opened++;
    (void)pthread_cond_broadcast(&b->changed);
    while (!b->go)
        (void)pthread_cond_wait(&b->changed, &b->lock);
    (void)pthread_mutex_unlock(&b->lock);
}

static void failed(struct stream *s)
{
    ps_err_take(&s->err);
    atomic_store(&s->b->stop, true);
}

static void *stream_main(void *arg)
{
    struct stream *s = arg;

    s->st = stream_open(s);
    if (s->st != PS_OK)
        failed(s);
    wait_for_others(s->b);
    if (s->st == PS_OK) {
        s->st = stream_run(s);
        if (s->st != PS_OK)
            failed(s);
        s->told.direct = is_direct(s->io);
    }
    stream_close(s);
    return NULL;
}

/* Start the threads, let them begin together, wait for them. */
static PS_MUST ps_status run_all(struct bench *b, struct stream *s, uint32_t n)
{
    uint32_t begun = 0;
    int rc = 0;

    while (begun < n && rc == 0) {
        s[begun].b = b;
        rc = pthread_create(&s[begun].thread, NULL, stream_main, &s[begun]);
        begun += rc == 0;
    }
    if (rc != 0)
        atomic_store(&b->stop, true);
    (void)pthread_mutex_lock(&b->lock);
    while (b->opened < begun)
        (void)pthread_cond_wait(&b->changed, &b->lock);
    b->go = true;
    (void)pthread_cond_broadcast(&b->changed);
    (void)pthread_mutex_unlock(&b->lock);
    for (uint32_t i = 0; i < begun; i++)
        PS_ASSERT(pthread_join(s[i].thread, NULL) == 0);
    if (rc != 0)
        PS_FAIL_SYS(rc, "cannot start thread %" PRIu32 " of %" PRIu32, begun + 1, n);
    return PS_OK;
}

/* What the threads did together; the first failure is the one told. */
static PS_MUST ps_status add_up(const struct stream *s, uint32_t n, struct ps_bench_done *done)
{
    uint64_t begin = UINT64_MAX, end = 0;

    done->direct = true;
    for (uint32_t i = 0; i < n; i++) {
        if (s[i].st != PS_OK) {
            ps_err_give(&s[i].err);
            return s[i].st;
        }
        done->requests += s[i].told.requests;
        done->bytes += s[i].told.bytes;
        done->direct = done->direct && s[i].told.direct;
        begin = ps_min(begin, s[i].begin_ns);
        end = ps_max(end, s[i].end_ns);
    }
    done->seconds = (double)(end - begin) * 1e-9;
    return PS_OK;
}

static const struct ps_io_ops *ops_of(const struct ps_bench_case *c)
{
    switch (c->engine) {
    case PS_BENCH_URING:
        return &ps_io_uring;
    case PS_BENCH_PREAD:
        return &ps_io_pread;
    case PS_BENCH_MMAP:
        return c->is_random ? &ps_io_mmap_random : &ps_io_mmap_sequential;
    case PS_BENCH_HDF5:
    case PS_BENCH_ENGINES:
        break;
    }
    return &ps_io_hdf5;
}

static PS_MUST ps_status size_of(const struct ps_bench_case *c, const char *path, uint64_t *blocks)
{
    uint64_t bytes;
    int fd;

    PS_TRY(ps_file_open_regular(path, &fd, &bytes));
    close(fd);
    *blocks = bytes / c->bytes;
    if (*blocks == 0)
        PS_FAIL(PS_EINPUT, "%s has %" PRIu64 " bytes: too few for reads of %" PRIu32, path, bytes,
                c->bytes);
    return PS_OK;
}

ps_status ps_bench_run(struct ps_ctx *ctx, const struct ps_bench_case *c, const char *path,
                       double seconds, uint64_t seed, struct ps_bench_done *done)
{
    uint32_t threads = c->engine == PS_BENCH_URING ? 1 : c->depth;
    struct ps_io_ops ops = *ops_of(c); /* as it is, but for O_DIRECT */
    bool quiet = ctx->log.quiet;
    struct stream *stream = NULL;
    uint64_t blocks;
    struct bench b;
    ps_status st;

    PS_ASSERT(c->depth > 0 && c->bytes > 0 && c->bytes % PS_IO_ALIGN_MIN == 0);
    PS_ASSERT(c->engine != PS_BENCH_HDF5 || c->depth == 1);
    PS_ASSERT(!c->direct || c->engine == PS_BENCH_URING || c->engine == PS_BENCH_PREAD);
    memset(done, 0, sizeof *done);
    PS_TRY(size_of(c, path, &blocks));
    ops.direct = c->direct;
    b = (struct bench){
        .c = c,
        .path = path,
        .ctx = ctx,
        .ops = &ops,
        .io = {.queue_depth = c->engine == PS_BENCH_URING ? c->depth : 1, .read_bytes = c->bytes},
        .span_ns = (uint64_t)(seconds * 1e9),
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
    };
    ps_bench_order_init(&b.order, c->is_random, blocks, seed);
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, stream, threads));
    if (!c->direct)
        PS_GO(st, ps_bench_drop(path, &done->cached));
    ctx->log.quiet =
        true; /* a refused O_DIRECT is in the result; once for each file is too often */
    st = run_all(&b, stream, threads);
    ctx->log.quiet = quiet;
    if (st == PS_OK)
        st = add_up(stream, threads, done);
out:
    ps_mem_free(&ctx->mem, &stream);
    return st;
}
