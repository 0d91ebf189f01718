/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that t_comm plays for tests/cli/comm_lost_ranks.sh, by the value of PS_T_COMM. */
#ifndef TESTS_COMM_PARTS_H
#define TESTS_COMM_PARTS_H

#include "comm/backend.h"
#include "tests/ps_test.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Exchanges and sums per second, printed by rank 0. */
static inline void ps_test_bench(struct ps_comm *c, struct ps_inbox *in)
{
    static unsigned char data[1 << 20];
    static const uint64_t size[] = {64, 4096, 65536, 1 << 20};
    static float real[1 << 18];
    uint32_t ranks = ps_comm_ranks(c);
    const void *part[64];
    uint64_t bytes[64], whole = 1;

    for (size_t k = 0; k < 4; k++)
        for (int sum = 0; sum < 2; sum++) {
            uint64_t begin, calls = 0, turns = size[k] > 4096 ? 200 : 5000;
            double wide = 1, s;
            for (uint32_t r = 0; r < ranks; r++) {
                part[r] = data;
                bytes[r] = size[k];
            }
            begin = ps_now_ns();
            for (uint64_t i = 0; i < turns; i++, calls++)
                if (sum)
                    assert_ok(ps_comm_sum(c, PS_OK, real, size[k] / 4, &wide, 1, &whole, 1));
                else
                    assert_ok(ps_comm_alltoall(c, PS_TRAFFIC_IDS, PS_OK, part, bytes, in));
            s = (double)(ps_now_ns() - begin) / 1e9;
            if (ps_comm_rank(c) == 0)
                printf("%u ranks, %s of %" PRIu64 " bytes: %.0f per second, %.1f us\n", ranks,
                       sum ? "sum" : "all-to-all", size[k], (double)calls / s,
                       s / (double)calls * 1e6);
        }
}

/* @return the exit code of the process */
static inline int ps_test_play(struct ps_ctx *ctx, const char *as)
{
    struct ps_opts_comm o = {.timeout = 1};
    struct ps_comm *c = NULL;
    struct ps_inbox in;
    uint32_t last;
    ps_status st = PS_OK;

    assert_ok(ps_comm_new(&c, ctx, &o));
    assert_ok(ps_inbox_init(&in, c));
    last = ps_comm_ranks(c) - 1;
    if (strcmp(as, "bench") == 0)
        ps_test_bench(c, &in);
    if (ps_comm_rank(c) == last && strcmp(as, "absent") == 0)
        sleep(30);
    if (ps_comm_rank(c) == last && strcmp(as, "killed") == 0)
        raise(SIGKILL);
    if (ps_comm_rank(c) == last && strcmp(as, "aborts") == 0) {
        ps_err_set(PS_EMEM, 0, __FILE__, __LINE__, "rank %u has no room for its weights", last);
        ps_comm_abort(c, PS_EMEM);
    }
    if (ps_comm_rank(c) == last && strcmp(as, "fails") == 0) {
        ps_err_set(PS_EINPUT, 0, __FILE__, __LINE__, "rank %u cannot read its part", last);
        st = PS_EINPUT;
    }
    st = ps_comm_gather(c, st, &last, 0, NULL);
    if (st != PS_OK && st != PS_ECANCEL)
        ps_err_print(stderr, 0);
    if (st != PS_OK)
        (void)ps_comm_first_failure(c, &last, &st);
    ps_inbox_fini(&in, c);
    ps_comm_free(&c);
    return ps_exit_code(st);
}

#endif
