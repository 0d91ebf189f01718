/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the network edge share: the job itself. A rank is a process under mpirun
 * or a thread of one process, so what a rank has is thread-local.
 */
#ifndef TESTS_COMM_TEST_H
#define TESTS_COMM_TEST_H

#include "comm/backend.h"
#include "src/base/rng.h"
#include "tests/comm_parts.h"

#include <string.h>

static _Thread_local struct ps_ctx ctx;
static _Thread_local struct ps_comm *comm;
static _Thread_local uint32_t rank, ranks;
/* Above 1 where ranks share cores: so many times less work. */
static _Thread_local uint32_t ease = 1;

/* Sizes that make the same data take different ways. */
static const struct {
    uint32_t piece, in_envelope;
    uint64_t small;
} ways[] = {
    {PS_COMM_PIECE_BYTES, PS_COMM_BODY_BYTES, 256 << 10}, /* as it is in use */
    {7, 0, 0},
    {64, 16, 1 << 20},
    {1000, 100, 0},
};
enum { WAYS = sizeof ways / sizeof ways[0] };

static inline void take_way(int w)
{
    ps_comm_set_sizes(comm, ways[w].piece, ways[w].in_envelope, ways[w].small);
}

static inline uint64_t random_word(uint64_t a, uint64_t b, uint64_t c, uint64_t i)
{
    struct ps_draw d = ps_draw_at(ps_key_make(1, PS_FOR_TEST, a, b, c), i, 0);

    return ps_draw_u64(&d, 0);
}

/* What a backend must do, on any number of ranks. */
struct promise {
    const char *text;
    CMUnitTestFunction keep;
};
#define PROMISE(f)                                                                                 \
    {                                                                                              \
#f, f                                                                                      \
    }

/* Run the tests on all ranks of mpirun. @return the exit code */
static inline int run_job(const struct promise *promise, size_t n)
{
    struct CMUnitTest tests[32] = {0};
    struct ps_opts_comm o = {.timeout = 60};
    const char *part = getenv("PS_T_COMM");

    PS_ASSERT(n <= sizeof tests / sizeof tests[0]);
    for (size_t i = 0; i < n; i++) {
        tests[i].name = promise[i].text;
        tests[i].test_func = promise[i].keep;
    }
    ps_ctx_init(&ctx, stderr);
    if (part != NULL)
        return ps_test_play(&ctx, part);
    if (ps_comm_new(&comm, &ctx, &o) != PS_OK) {
        ps_err_print(stderr, 1);
        return 1;
    }
    rank = ps_comm_rank(comm);
    ranks = ps_comm_ranks(comm);
    if (_cmocka_run_group_tests("comm", tests, n, NULL, NULL) != 0)
        ps_comm_abort(comm, PS_EUSAGE); /* the others may be in another call by now */
    ps_comm_free(&comm);
    if (ps_ctx_fini(&ctx) == 0)
        return 0;
    fprintf(stderr, "rank %u still holds memory\n", rank);
    return 1;
}

#endif
