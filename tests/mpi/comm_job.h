/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the network edge between real ranks share: the job itself. */
#ifndef TESTS_MPI_COMM_JOB_H
#define TESTS_MPI_COMM_JOB_H

#include "comm/backend.h"
#include "src/base/rng.h"
#include "tests/mpi/comm_parts.h"

#include <string.h>

static struct ps_ctx ctx;
static struct ps_comm *comm;
static uint32_t rank, ranks;

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

/* Run the tests on all ranks. @return the exit code */
static inline int run_job(const struct CMUnitTest *tests, size_t n)
{
    struct ps_opts_comm o = {.timeout = 60};
    const char *part = getenv("PS_T_COMM");

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
