/* SPDX-License-Identifier: Apache-2.0 */
#include "src/train/threads.h"

#include <omp.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

/* What ranks tell each other about where they run. */
struct place {
    char host[256];
    cpu_set_t cpus;
    uint64_t threads;
};

static void find_place(struct place *p)
{
    memset(p, 0, sizeof *p);
    if (gethostname(p->host, sizeof p->host - 1) != 0)
        memcpy(p->host, "unknown", 8);
    if (sched_getaffinity(0, sizeof p->cpus, &p->cpus) != 0)
        CPU_SET(0, &p->cpus);
}

/* CPUs and threads of all ranks on @p host. */
static void sum_up(const struct place *all, uint32_t ranks, const char *host, int *cpus,
                   uint64_t *local_ranks, uint64_t *threads)
{
    cpu_set_t together;

    CPU_ZERO(&together);
    *local_ranks = *threads = 0;
    for (uint32_t r = 0; r < ranks; r++) {
        if (strcmp(all[r].host, host) != 0)
            continue;
        CPU_OR(&together, &together, &all[r].cpus);
        *threads += all[r].threads;
        ++*local_ranks;
    }
    *cpus = CPU_COUNT(&together);
}

static void warn(struct ps_ctx *ctx, const struct place *all, uint32_t ranks)
{
    for (uint32_t r = 0; r < ranks; r++) {
        int cpus, own = CPU_COUNT(&all[r].cpus);
        uint64_t local_ranks, threads;
        sum_up(all, ranks, all[r].host, &cpus, &local_ranks, &threads);
        if (all[r].threads > (uint64_t)own) {
            ps_warn(&ctx->log,
                    "rank %u has %" PRIu64 " threads but may use %d CPU%s: give --threads %d, or "
                    "start with mpirun --bind-to none",
                    r, all[r].threads, own, own == 1 ? "" : "s", own);
            return;
        }
        if (threads > (uint64_t)cpus && threads > local_ranks) {
            ps_warn(&ctx->log,
                    "%" PRIu64 " ranks on %s have %" PRIu64
                    " threads together but may use %d CPUs: "
                    "give fewer --threads",
                    local_ranks, all[r].host, threads, cpus);
            return;
        }
    }
}

ps_status ps_threads_choose(struct ps_world *w, uint64_t asked)
{
    struct ps_ctx *ctx = ps_world_ctx(w);
    uint32_t ranks = ps_world_ranks(w);
    struct place own, *all = NULL;
    uint64_t local_ranks, threads;
    int cpus;
    ps_status st;

    find_place(&own);
    PS_GO(st, ps_world_agree(w, PS_NEW(&ctx->mem, PS_MEM_OTHER, all, ranks)));
    PS_GO(st, ps_world_gather(w, PS_OK, &own, sizeof own, all));
    sum_up(all, ranks, own.host, &cpus, &local_ranks, &threads);
    PS_ASSERT(local_ranks > 0); /* this one is among them */
    own.threads = asked != 0 ? asked : ps_max(1, (uint64_t)cpus / local_ranks);
    if (asked == 0)
        own.threads = ps_min(own.threads, (uint64_t)CPU_COUNT(&own.cpus));
    PS_GO(st, ps_world_gather(w, PS_OK, &own, sizeof own, all));
    ctx->threads = ps_int(own.threads);
    omp_set_num_threads(ctx->threads);
    warn(ctx, all, ranks);
out:
    ps_mem_free(&ctx->mem, &all);
    return st;
}
