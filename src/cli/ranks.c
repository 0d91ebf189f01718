/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/ranks.h"

#include "comm/fabric.h"

#include <pthread.h>

struct rank {
    struct ps_ctx ctx;
    ps_rank_fn *fn;
    void *arg;
    pthread_t thread;
    ps_status st;
    struct ps_err_record why;
};

static void *run_rank(void *arg)
{
    struct rank *r = arg;

    r->st = r->fn(&r->ctx, r->arg);
    ps_log_progress_end(&r->ctx.log);
    if (r->st != PS_OK)
        ps_err_take(&r->why);
    ps_fabric_gone(r->ctx.fabric, r->ctx.fabric_rank);
    return NULL;
}

static void init_rank(struct rank *r, const struct ps_ctx *like, struct ps_fabric *f, uint32_t rank)
{
    ps_ctx_init(&r->ctx, like->log.out);
    atomic_store(&r->ctx.mem.limit_bytes, atomic_load(&like->mem.limit_bytes));
    r->ctx.log.quiet = like->log.quiet;
    r->ctx.log.rank = ps_int(rank);
    r->ctx.fabric = f;
    r->ctx.fabric_rank = rank;
}

/* Start all that can be started; the others are gone. @return how many */
static uint32_t start(struct rank *rank, uint32_t ranks, struct ps_fabric *f)
{
    for (uint32_t i = 0; i < ranks; i++) {
        int err = pthread_create(&rank[i].thread, NULL, run_rank, &rank[i]);
        if (err == 0)
            continue;
        for (uint32_t k = i; k < ranks; k++)
            ps_fabric_gone(f, k);
        ps_err_set(PS_EIO, err, __FILE__, __LINE__, "cannot start the thread of rank %u of %u", i,
                   ranks);
        ps_err_take(&rank[i].why);
        rank[i].st = PS_EIO;
        return i;
    }
    return ranks;
}

/* The lowest rank that has something to tell, else the lowest that failed. */
static PS_MUST ps_status outcome(struct ps_ctx *ctx, const struct rank *rank, uint32_t ranks)
{
    ps_status st = PS_OK;

    for (uint32_t i = 0; i < ranks; i++) {
        if (rank[i].st == PS_OK)
            continue;
        if (rank[i].st != PS_ECANCEL) {
            ps_err_give(&rank[i].why);
            return rank[i].st;
        }
        if (ctx->job_status == PS_OK)
            ctx->job_status = rank[i].ctx.job_status;
        st = PS_ECANCEL;
    }
    if (st == PS_ECANCEL && ctx->job_status == PS_OK)
        ctx->job_status = PS_EPEER;
    return st;
}

static void say_counts(struct ps_ctx *ctx, struct ps_fabric *f)
{
    struct ps_fabric_counts n = ps_fabric_counts(f);

    ps_log(&ctx->log,
           "simulated network: %" PRIu64 " messages, %.1f MiB, at most %" PRIu64
           " messages by one rank, %" PRIu64 " faults",
           n.messages, (double)n.bytes / 1048576, n.most_by_one_rank, n.faults);
}

ps_status ps_ranks_run(struct ps_ctx *ctx, const struct ps_opts *o, ps_rank_fn *fn, void *arg)
{
    uint32_t ranks = ps_u32(o->comm.ranks), started;
    struct ps_fabric *f;
    struct rank *rank;
    ps_status st;

    PS_TRY(ps_fabric_new(&f, &ctx->mem, ranks, &o->sim));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, rank, ranks));
    for (uint32_t i = 0; i < ranks; i++) {
        init_rank(&rank[i], ctx, f, i);
        rank[i].fn = fn;
        rank[i].arg = arg;
    }
    started = start(rank, ranks, f);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(rank[i].thread, NULL);
    st = outcome(ctx, rank, ranks);
    for (uint32_t i = 0; i < ranks; i++) {
        long long live = ps_ctx_fini(&rank[i].ctx);
        PS_DASSERT(live == 0);
        (void)live;
    }
    if (st == PS_OK)
        say_counts(ctx, f);
    ps_mem_free(&ctx->mem, &rank);
out:
    ps_fabric_free(&f);
    return st;
}
