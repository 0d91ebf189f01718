/* SPDX-License-Identifier: Apache-2.0 */
/* Joining and leaving; what a rank may ask about the job. */
#include "comm/flow.h"

#include <stdlib.h>
#include <string.h>

/* Below this many bytes over all ranks a sum is gathered by everybody: one wait less
 * is worth more than the bytes. */
enum { SMALL_BYTES = 256 << 10 };

const char *ps_traffic_name(enum ps_traffic t)
{
    static const char *const name[PS_TRAFFIC_COUNT] = {
        "rows", "ids", "sampling", "gradients", "other",
    };

    return (unsigned)t < PS_TRAFFIC_COUNT ? name[t] : "unknown";
}

bool ps_comm_launched(void)
{
    /*
     * Set by the process that starts ranks, and by nothing else: mpirun of Open MPI; a PMIx
     * server (prterun, srun --mpi=pmix, PALS); PMI-1 and PMI-2 (Hydra of MPICH and Intel MPI,
     * srun --mpi=pmi2); Hydra; MVAPICH2. SLURM_* tells nothing: an salloc or sbatch shell has
     * it too, and a step of srun --mpi=none is as many programs of one rank.
     */
    static const char *const name[] = {
        "OMPI_COMM_WORLD_SIZE", "PMIX_RANK",           "PMI_RANK", "PMI_SIZE",
        "MPI_LOCALNRANKS",      "MV2_COMM_WORLD_SIZE",
    };

    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        const char *value = getenv(name[i]); /* NOLINT(concurrency-mt-unsafe): nobody sets any */
        if (value != NULL && value[0] != '\0')
            return true;
    }
    return false;
}

uint32_t ps_comm_launch_rank(const struct ps_ctx *ctx)
{
    static const char *const name[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
                                       "MV2_COMM_WORLD_RANK"};

    if (ctx->fabric != NULL)
        return ctx->fabric_rank;
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        const char *value = getenv(name[i]); /* NOLINT(concurrency-mt-unsafe): nobody sets any */
        if (value != NULL && value[0] >= '0' && value[0] <= '9')
            return (uint32_t)strtoul(value, NULL, 10);
    }
    return 0;
}

static PS_MUST ps_status check_ops(const struct ps_comm_ops *ops)
{
    if (ops->version != PS_COMM_OPS_VERSION)
        PS_FAIL(PS_EUNSUPP, "network backend %s is built for version %d, this is %d", ops->name,
                ops->version, PS_COMM_OPS_VERSION);
    if (!ops->init || !ops->fini || !ops->send || !ops->recv || !ops->poll || !ops->abort)
        PS_FAIL(PS_EUNSUPP, "network backend %s lacks a required function", ops->name);
    return PS_OK;
}

static PS_MUST ps_status take_memory(struct ps_comm *c)
{
    struct ps_mem *m = &c->ctx->mem;
    size_t ranks = c->world.ranks, slots = ranks * PS_COMM_SLOTS;

    PS_ASSERT(slots <= INT32_MAX);
    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, c->lane, ranks * PS_COMM_DIRECTIONS));
    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, c->slot_bytes, slots));
    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, c->done, slots));
    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, c->post, ranks));
    return PS_NEW(m, PS_MEM_EXCHANGE, c->mail, ranks);
}

static void give_memory(struct ps_comm **pc)
{
    struct ps_comm *c = *pc;
    struct ps_mem *m = &c->ctx->mem;

    ps_mem_free(m, &c->sum_room);
    ps_mem_free(m, &c->mail);
    ps_mem_free(m, &c->post);
    ps_mem_free(m, &c->done);
    ps_mem_free(m, &c->slot_bytes);
    ps_mem_free(m, &c->lane);
    ps_mem_free(m, &c->state);
    ps_mem_free(m, pc);
}

ps_status ps_comm_new_with(struct ps_comm **out, struct ps_ctx *ctx, const struct ps_opts_comm *o,
                           const struct ps_comm_ops *ops)
{
    struct ps_comm *c;
    ps_status st;

    *out = NULL;
    PS_TRY(check_ops(ops));
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, c, 1));
    c->ctx = ctx;
    c->ops = ops;
    c->timeout = o->timeout;
    ps_comm_set_sizes(c, PS_COMM_PIECE_BYTES, PS_COMM_BODY_BYTES, SMALL_BYTES);
    st = PS_NEW(&ctx->mem, PS_MEM_OTHER, c->state, ps_max(ops->state_bytes, 1));
    if (st != PS_OK) {
        ps_mem_free(&ctx->mem, &c);
        return st;
    }
    PS_GO(st, ops->init(c->state, ctx, &c->world));
    PS_GO(st, take_memory(c));
    ctx->log.rank = ps_int(c->world.rank);
    *out = c;
    return PS_OK;

out:
    if (c->world.ranks > 1) /* the others count on us, and we cannot tell them */
        ps_comm_abort(c, st);
    ops->fini(c->state);
    give_memory(&c);
    return st;
}

ps_status ps_comm_new(struct ps_comm **c, struct ps_ctx *ctx, const struct ps_opts_comm *o)
{
    const struct ps_comm_ops *ops = ps_comm_launched() ? &ps_comm_mpi : &ps_comm_self;

    if (o->network == PS_NETWORK_MPI)
        ops = &ps_comm_mpi;
    else if (o->network == PS_NETWORK_SELF)
        ops = &ps_comm_self;
    else if (o->network == PS_NETWORK_SIM)
        ops = &ps_comm_sim;
    return ps_comm_new_with(c, ctx, o, ops);
}

static PS_MUST ps_status make_twin(struct ps_comm *c, struct ps_comm *of)
{
    struct ps_mem *m = &of->ctx->mem;

    PS_TRY(PS_NEW(m, PS_MEM_OTHER, c->state, ps_max(of->ops->state_bytes, 1)));
    return take_memory(c);
}

ps_status ps_comm_twin(struct ps_comm **out, struct ps_comm *of)
{
    struct ps_comm *c;
    ps_status st;

    *out = NULL;
    PS_ASSERT(of->twin == NULL);
    st = PS_NEW(&of->ctx->mem, PS_MEM_OTHER, c, 1);
    if (st == PS_OK) {
        c->ctx = of->ctx;
        c->ops = of->ops;
        c->world = of->world;
        c->timeout = of->timeout;
        ps_comm_set_sizes(c, of->piece_bytes, of->inline_bytes, of->small_bytes);
        st = make_twin(c, of);
    }
    st = ps_comm_agree(of, st); /* joining may wait inside the backend: all come, or none */
    if (st == PS_OK && of->ops->twin != NULL)
        st = ps_comm_agree(of, of->ops->twin(c->state, of->state));
    if (st != PS_OK) {
        if (c != NULL)
            give_memory(&c);
        return st;
    }
    c->twin = of;
    of->twin = c;
    *out = c;
    return PS_OK;
}

void ps_comm_set_sizes(struct ps_comm *c, uint32_t piece_bytes, uint32_t inline_bytes,
                       uint64_t small_bytes)
{
    PS_ASSERT(piece_bytes > 0 && piece_bytes <= PS_COMM_PIECE_BYTES);
    PS_ASSERT(inline_bytes <= PS_COMM_BODY_BYTES);
    c->piece_bytes = piece_bytes;
    c->inline_bytes = inline_bytes;
    c->small_bytes = small_bytes;
}

void ps_comm_free(struct ps_comm **pc)
{
    struct ps_comm *c = *pc;
    const struct ps_comm_ops *ops;

    if (c == NULL)
        return;
    /* Leaving may wait inside the backend, so first see that all have come to leave. */
    ps_post_clear(c);
    if (ps_comm_broken(c) || ps_swap(c, PS_OP_LEAVE, PS_OK) != PS_OK)
        ps_comm_abort(c, PS_EPEER);
    ops = c->ops;
    if (c->twin != NULL) {
        c->twin->twin = NULL;
        for (int t = 0; t < PS_TRAFFIC_COUNT; t++)
            c->twin->sent_bytes[t] += c->sent_bytes[t];
    }
    ops->fini(c->state);
    give_memory(pc);
}

void ps_comm_tell(struct ps_comm *c)
{
    ps_log_progress_end(&c->ctx->log);
    if (c->ops->tell != NULL)
        c->ops->tell(c->state);
    else
        ps_err_print(stderr, 0);
}

void ps_comm_abort(struct ps_comm *c, ps_status st)
{
    ps_comm_tell(c);
    fflush(NULL);
    c->ops->abort(c->state, ps_exit_code(st));
}

ps_status ps_comm_agree(struct ps_comm *c, ps_status mine)
{
    ps_post_clear(c);
    return ps_swap(c, PS_OP_AGREE, mine);
}

uint32_t ps_comm_rank(const struct ps_comm *c)
{
    return c->world.rank;
}
uint32_t ps_comm_ranks(const struct ps_comm *c)
{
    return c->world.ranks;
}
const char *ps_comm_name(const struct ps_comm *c)
{
    return c->ops->name;
}
bool ps_comm_any_thread(const struct ps_comm *c)
{
    return c->world.any_thread;
}
uint32_t ps_comm_local_ranks(const struct ps_comm *c)
{
    return c->world.local_ranks;
}

bool ps_comm_first_failure(const struct ps_comm *c, uint32_t *rank, ps_status *st)
{
    if (!c->failed && c->twin != NULL)
        c = c->twin;
    if (c->failed) {
        *rank = c->first_rank;
        *st = c->first_status;
    }
    return c->failed;
}

bool ps_comm_broken(const struct ps_comm *c)
{
    return c->broken || (c->twin != NULL && c->twin->broken);
}

void ps_comm_sent_bytes(const struct ps_comm *c, uint64_t out[PS_TRAFFIC_COUNT])
{
    for (int t = 0; t < PS_TRAFFIC_COUNT; t++)
        out[t] = c->sent_bytes[t] + (c->twin != NULL ? c->twin->sent_bytes[t] : 0);
}
