/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/world.h"

struct ps_world {
    struct ps_ctx *ctx;
    struct ps_worker *worker;
    struct ps_comm *comm; /* of jobs */
    struct ps_comm *own;  /* of the owner */
    bool in_job;          /* where the worker has no thread: whose call it is */
    struct ps_io *io;
    struct ps_fetch *fetch;
    const struct ps_opts *opts; /* while opening */
};

static ps_status open_disk(void *arg)
{
    struct ps_world *w = arg;

    PS_TRY(ps_io_new(&w->io, w->ctx, &w->opts->io, &w->opts->sim));
    return ps_fetch_new(&w->fetch, w->ctx, w->io, &w->opts->io);
}

static ps_status close_disk(void *arg)
{
    struct ps_world *w = arg;

    ps_fetch_free(&w->fetch);
    ps_io_free(&w->io);
    return PS_OK;
}

ps_status ps_world_open(struct ps_world **out, struct ps_ctx *ctx, const struct ps_opts *o)
{
    struct ps_world *w;
    ps_status st;

    *out = NULL;
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, w, 1));
    w->ctx = ctx;
    w->opts = o;
    PS_GO(st, ps_comm_new(&w->comm, ctx, &o->comm));
    st = ps_worker_new(&w->worker, &ctx->mem, !ps_comm_any_thread(w->comm));
    if (st == PS_OK)
        st = ps_worker_call(w->worker, open_disk, w);
    PS_GO(st, ps_comm_agree(w->comm, st));
    PS_GO(st, ps_comm_twin(&w->own, w->comm));
    *out = w;
    return PS_OK;
out:
    if (w->comm != NULL)
        st = ps_world_outcome(w, st);
    ps_world_close(&w);
    return st;
}

ps_status ps_world_outcome(const struct ps_world *w, ps_status st)
{
    uint32_t rank = 0; /* a failure that no exchange told is the same on all ranks */
    ps_status first = st;

    if (st == PS_OK)
        return PS_OK;
    if (!ps_comm_first_failure(w->comm, &rank, &first) && ps_comm_broken(w->comm))
        return st; /* the others know nothing: closing ends the job, with the sentence */
    w->ctx->job_status = first;
    ps_log_progress_end(&w->ctx->log);
    if (w->ctx->caller_tells && st == PS_ECANCEL)
        ps_err_set(first == PS_OK ? PS_ECANCEL : first, 0, __FILE__, __LINE__,
                   "rank %u failed first and knows why (%s)", rank, ps_status_name(first));
    else if (!w->ctx->caller_tells && rank == ps_comm_rank(w->comm))
        ps_comm_tell(w->comm);
    return PS_ECANCEL;
}

void ps_world_close(struct ps_world **out)
{
    struct ps_world *w = *out;

    if (w == NULL)
        return;
    if (w->worker != NULL && ps_worker_call(w->worker, close_disk, w) == PS_OK)
        ps_worker_free(&w->worker);
    ps_comm_free(&w->own);
    ps_comm_free(&w->comm);
    ps_mem_free(&w->ctx->mem, &w);
    *out = NULL;
}

struct ps_ctx *ps_world_ctx(const struct ps_world *w)
{
    return w->ctx;
}

struct ps_comm *ps_world_comm(const struct ps_world *w)
{
    return w->comm;
}

uint32_t ps_world_rank(const struct ps_world *w)
{
    return ps_comm_rank(w->comm);
}

uint32_t ps_world_ranks(const struct ps_world *w)
{
    return ps_comm_ranks(w->comm);
}

const char *ps_world_io_name(const struct ps_world *w)
{
    return ps_io_name(w->io);
}

struct ps_fetch_counts ps_world_fetch_counts(const struct ps_world *w)
{
    return ps_fetch_counts(w->fetch);
}

/* Calls of a job and calls of the owner have an order each, so each has a communicator. */
static struct ps_comm *here(const struct ps_world *w)
{
    return w->in_job || ps_worker_inside(w->worker) ? w->comm : w->own;
}

void ps_world_begin(struct ps_world *w, ps_job_fn *fn, void *arg)
{
    if (!ps_worker_is_inline(w->worker)) {
        ps_worker_begin(w->worker, fn, arg);
        return;
    }
    w->in_job = true;
    ps_worker_begin(w->worker, fn, arg);
    w->in_job = false;
}

ps_status ps_world_end(struct ps_world *w)
{
    return ps_worker_end(w->worker);
}

struct add_file {
    struct ps_io *io;
    const char *path;
    uint32_t *file;
};

static ps_status do_add_file(void *arg)
{
    const struct add_file *j = arg;
    return ps_io_add_file(j->io, j->path, j->file);
}

ps_status ps_world_add_file(struct ps_world *w, const char *path, uint32_t *file)
{
    return ps_worker_call(w->worker, do_add_file, &(struct add_file){w->io, path, file});
}

struct fetch {
    struct ps_fetch *fetch;
    const struct ps_extent *extent;
    uint64_t n;
};

static ps_status do_fetch(void *arg)
{
    const struct fetch *j = arg;
    return ps_fetch_run(j->fetch, j->extent, j->n);
}

ps_status ps_world_fetch(struct ps_world *w, const struct ps_extent *extent, uint64_t n)
{
    return n == 0 ? PS_OK
                  : ps_worker_call(w->worker, do_fetch, &(struct fetch){w->fetch, extent, n});
}

ps_status ps_world_alltoall(struct ps_world *w, enum ps_traffic as, ps_status mine,
                            const void *const *part, const uint64_t *bytes, struct ps_inbox *in)
{
    return ps_comm_alltoall(here(w), as, mine, part, bytes, in);
}

ps_status ps_world_sum(struct ps_world *w, ps_status mine, float *real, uint64_t n_real,
                       double *wide, uint64_t n_wide, uint64_t *whole, uint64_t n_whole)
{
    return ps_comm_sum(here(w), mine, real, n_real, wide, n_wide, whole, n_whole);
}

ps_status ps_world_gather(struct ps_world *w, ps_status mine, const void *own, uint64_t bytes,
                          void *all)
{
    return ps_comm_gather(here(w), mine, own, bytes, all);
}

ps_status ps_world_broadcast(struct ps_world *w, ps_status mine, void *data, uint64_t bytes,
                             uint32_t root)
{
    return ps_comm_broadcast(here(w), mine, data, bytes, root);
}

ps_status ps_world_agree(struct ps_world *w, ps_status mine)
{
    return ps_comm_agree(here(w), mine);
}
