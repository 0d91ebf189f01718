/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backends of the network edge that need no launcher, held to what tests/mpi/t_comm*.c hold mpi
 * to: self, and sim with ranks as threads of this process, fast and slow.
 */
#include "tests/comm_promises.h"
#include "tests/comm_sum_promises.h"

#include "comm/fabric.h"

enum { RANKS_MAX = 17 };

/* One way to run a promise. */
struct scene {
    struct promise promise;
    uint64_t network; /* PS_NETWORK_... */
    uint32_t ranks;
    struct ps_opts_sim sim;
    char name[128];
};

struct part {
    const struct scene *scene;
    struct ps_fabric *fabric;
    uint32_t rank;
};

/* A rank from joining to leaving. A check that fails outside cmocka's own thread ends the
 * process, so none is missed. */
static void *play(void *arg)
{
    const struct part *p = arg;
    struct ps_opts_comm o = {.network = p->scene->network, .timeout = 60};

    ps_ctx_init(&ctx, stderr);
    ctx.fabric = p->fabric;
    ctx.fabric_rank = p->rank;
    assert_ok(ps_comm_new(&comm, &ctx, &o));
    rank = ps_comm_rank(comm);
    ranks = ps_comm_ranks(comm);
    ease = ranks > 4 ? 16 : ranks;
    assert_int_equal(rank, p->rank);
    assert_int_equal(ranks, p->scene->ranks);
    p->scene->promise.keep(NULL);
    ps_comm_free(&comm);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
    if (p->fabric != NULL)
        ps_fabric_gone(p->fabric, p->rank);
    return NULL;
}

static void the_promise_is_kept(void **state)
{
    const struct scene *s = *state;
    struct part part[RANKS_MAX];
    pthread_t thread[RANKS_MAX];
    struct ps_fabric *f = NULL;
    struct ps_mem m;

    ps_mem_init(&m, 0);
    if (s->network == PS_NETWORK_SIM)
        assert_ok(ps_fabric_new(&f, &m, s->ranks, &s->sim));
    for (uint32_t r = 0; r < s->ranks; r++) {
        part[r] = (struct part){s, f, r};
        assert_int_equal(pthread_create(&thread[r], NULL, play, &part[r]), 0);
    }
    for (uint32_t r = 0; r < s->ranks; r++)
        pthread_join(thread[r], NULL);
    ps_fabric_free(&f);
    assert_int_equal(ps_mem_live(&m), 0);
}

/* The same promises for a backend with so many ranks. @return how many scenes were made */
static size_t stage(struct scene *scene, uint64_t network, uint32_t n,
                    const struct ps_opts_sim *sim, const char *name)
{
    size_t made = 0;

    for (size_t i = 0; i < COMM_PROMISES + SUM_PROMISES; i++) {
        struct scene *s = &scene[made++];
        s->promise = i < COMM_PROMISES ? comm_promises[i] : sum_promises[i - COMM_PROMISES];
        s->network = network;
        s->ranks = n;
        if (sim != NULL)
            s->sim = *sim;
        snprintf(s->name, sizeof s->name, "%s, %u: %s", name, n, s->promise.text);
    }
    return made;
}

int main(void)
{
    static const uint32_t crowd[] = {1, 2, 3, 4, RANKS_MAX};
    static const struct ps_opts_sim fast = {.seed = 1};
    static const struct ps_opts_sim slow = {
        .seed = 1,
        .net_bandwidth = 200 << 20,
        .net_latency = 20e-6,
        .net_faults = "delay:1ms@1%",
    };
    enum { SCENES = 7 * (COMM_PROMISES + SUM_PROMISES) };
    static struct scene scene[SCENES];
    static struct CMUnitTest tests[SCENES];
    size_t n = stage(scene, PS_NETWORK_SELF, 1, NULL, "self");

    for (size_t i = 0; i < sizeof crowd / sizeof crowd[0]; i++)
        n += stage(scene + n, PS_NETWORK_SIM, crowd[i], &fast, "sim");
    n += stage(scene + n, PS_NETWORK_SIM, 3, &slow, "slow sim");
    PS_ASSERT(n == SCENES);
    for (size_t i = 0; i < n; i++) {
        tests[i].name = scene[i].name;
        tests[i].test_func = the_promise_is_kept;
        tests[i].initial_state = &scene[i];
    }
    return _cmocka_run_group_tests("comm backends", tests, n, NULL, NULL);
}
