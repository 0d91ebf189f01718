/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of windows between real ranks: which come, what stays, who counts, what a failure
 * leaves behind. */
#include "tests/graph_job.h"

#include "src/graph/row_window.h"
#include "src/kern/packed.h"

static void check_row(const struct ps_test_graph *g, const struct ps_rows *rows, uint32_t i,
                      uint64_t node)
{
    uint32_t dim = g->shape.dim;

    if (g->shape.kind == PS_FEATURES_DENSE) {
        for (uint32_t d = 0; d < dim; d++) {
            const unsigned char *at =
                g->features + (node * dim + d) * (g->shape.type == PS_TYPE_F32 ? 4 : 1);
            float want = (float)*(const signed char *)at;
            if (g->shape.type == PS_TYPE_F32)
                memcpy(&want, at, 4);
            assert_true(ps_packed_number(ps_packed_row(&rows->packed, i), d, rows->packed.type) ==
                        want);
        }
        return;
    }
    assert_int_equal(rows->row_begin[i + 1] - rows->row_begin[i],
                     g->fptr[node + 1] - g->fptr[node]);
    for (uint64_t z = 0; z < g->fptr[node + 1] - g->fptr[node]; z++) {
        uint64_t at = g->fptr[node] + z;
        uint32_t col = 0;
        memcpy(&col, g->fidx + at * (g->shape.wide ? 4 : 2), g->shape.wide ? 4 : 2);
        assert_int_equal(rows->col[rows->row_begin[i] + z], col);
        if (g->shape.values)
            assert_memory_equal(&rows->value[rows->row_begin[i] + z], &g->fval[at], 4);
        else
            assert_null(rows->value);
    }
}

/* What a rank is to fetch in window w: batches of random nodes, some of them empty. */
static void some_batches(struct ps_sample *batch, uint32_t n, uint64_t w, uint32_t rank)
{
    uint64_t node[NODES];

    for (uint32_t b = 0; b < n; b++) {
        struct ps_key key = ps_key_make(w * 7 + b, PS_FOR_TEST, rank, 0, 0);
        uint32_t count = (w + b + rank) % 4 == 3 ? 0 : 60 + 20 * b;
        for (uint64_t i = 0; i < count; i++)
            node[i] = ps_permute(key, i, NODES);
        assert_ok(
            ps_sample_begin(&batch[b], &(struct ps_batch_id){1, 0, w * TOGETHER + b}, node, count));
    }
}

/* Distinct (batch, node) over all ranks and windows, by a plain count. */
static uint64_t distinct_uses(uint64_t windows, const uint32_t *together)
{
    static bool seen[NODES];
    struct ps_sample batch[TOGETHER];
    uint64_t uses = 0;

    batches_new(batch);
    for (uint64_t w = 0; w < windows; w++)
        for (uint32_t b = 0; b < together[w]; b++) {
            memset(seen, 0, sizeof seen);
            for (uint32_t r = 0; r < ps_world_ranks(world); r++) {
                some_batches(batch, together[w], w, r);
                for (uint32_t i = 0; i < batch[b].count; i++) {
                    uses += !seen[batch[b].node[i]];
                    seen[batch[b].node[i]] = true;
                }
            }
        }
    batches_free(batch);
    return uses;
}

/* Batches together or alone, slots for all rows or for two windows only: the same rows. Rows that
 * are resident are not read again, and each (batch, node) is counted by one rank. */
static void rows_are_those_of_the_nodes_asked_for(void **state)
{
    static const uint32_t together[] = {1, TOGETHER, 3, TOGETHER};
    static const uint64_t slots[] = {NODES, NODES - 20};
    enum { WINDOWS = 4 };
    struct ps_test_graph g;

    (void)state;
    for (int shape = 0; shape < SHAPES; shape++) {
        struct ps_shard *shard = open_graph(&g, shape);
        uint64_t fingerprint[2] = {0}, uses[2] = {0}, ranks = ps_world_ranks(world);
        for (int size = 0; size < 2; size++) {
            struct ps_batch_rows rows[TOGETHER];
            struct ps_sample batch[TOGETHER];
            struct ps_row_window *f;
            struct ps_row_counts counts;

            batches_new(batch);
            for (uint32_t b = 0; b < TOGETHER; b++)
                ps_batch_rows_init(&rows[b], &ctx.mem, shard->meta);
            assert_ok(ps_row_window_new(&f, shard, slots[size]));
            for (uint64_t w = 0; w < WINDOWS; w++) {
                ctx.threads = 1 + (int)w % 2;
                some_batches(batch, together[w], w, ps_world_rank(world));
                assert_ok(ps_row_window_run(f, PS_OK, batch, together[w], 1, rows));
                for (uint32_t b = 0; b < together[w]; b++) {
                    fingerprint[size] += rows[b].fingerprint;
                    struct ps_rows x = ps_row_window_rows(f, &rows[b]);
                    assert_int_equal(x.count, batch[b].count);
                    for (uint32_t i = 0; i < x.count; i++) {
                        check_row(&g, &x, i, batch[b].node[i]);
                        assert_int_equal(rows[b].degree[i], g.out_degree[batch[b].node[i]]);
                    }
                }
            }
            counts = ps_row_window_counts(f);
            assert_true(counts.missing <= counts.wanted && counts.wanted <= counts.used);
            if (g.shape.kind == PS_FEATURES_DENSE && size == 0)
                assert_true(counts.missing <= NODES);
            if (ranks == 1)
                assert_int_equal(counts.rows, counts.missing);
            uses[size] = counts.used;
            assert_ok(ps_world_sum(world, PS_OK, NULL, 0, NULL, 0, &uses[size], 1));
            assert_ok(ps_world_sum(world, PS_OK, NULL, 0, NULL, 0, &fingerprint[size], 1));
            ps_row_window_free(&f);
            for (uint32_t b = 0; b < TOGETHER; b++)
                ps_batch_rows_fini(&rows[b], &ctx.mem);
            batches_free(batch);
        }
        assert_true(fingerprint[0] == fingerprint[1]);
        assert_true(distinct_uses(WINDOWS, together) <= uses[0]);
        assert_true(uses[0] == uses[1]);
        ps_shard_close(&shard);
        ps_test_graph_free(&g);
    }
    ctx.threads = 1;
}

/* A sampler and what brings its rows, with room for two batches. */
struct pair {
    struct ps_sampler *sampler;
    struct ps_row_window *window;
    struct ps_sample batch[TOGETHER];
    struct ps_batch_rows rows[TOGETHER];
};

static void pair_new(struct pair *p, struct ps_shard *shard, uint64_t slots)
{
    static const int64_t fanout[HOPS] = {3, 2, 4};

    batches_new(p->batch);
    for (uint32_t b = 0; b < TOGETHER; b++)
        ps_batch_rows_init(&p->rows[b], &ctx.mem, shard->meta);
    assert_ok(ps_sampler_new(&p->sampler, shard, fanout, HOPS));
    assert_ok(ps_row_window_new(&p->window, shard, slots));
}

static void pair_free(struct pair *p)
{
    ps_sampler_free(&p->sampler);
    ps_row_window_free(&p->window);
    for (uint32_t b = 0; b < TOGETHER; b++)
        ps_batch_rows_fini(&p->rows[b], &ctx.mem);
    batches_free(p->batch);
}

static ps_status pair_run(struct pair *p)
{
    uint64_t seed[SEEDS];
    ps_status st = PS_OK;

    seeds_of(ps_world_rank(world), seed);
    for (uint32_t b = 0; b < 2 && st == PS_OK; b++)
        st = ps_sample_begin(&p->batch[b], &(struct ps_batch_id){1, 0, b}, seed, SEEDS);
    st = ps_sampler_run(p->sampler, st, p->batch, 2);
    return ps_row_window_run(p->window, st, p->batch, 2, 1, p->rows);
}

static void a_rank_that_fails_makes_all_leave_and_the_next_batch_works(void **state)
{
    struct ps_test_graph g;
    struct ps_shard *shard = open_graph(&g, 0);
    uint32_t me = ps_world_rank(world);
    struct pair p;

    (void)state;
    pair_new(&p, shard, NODES);
    for (uint32_t bad = 0; bad < ps_world_ranks(world); bad++) {
        for (long long n = 0;; n++) { /* the n-th allocation of that rank fails */
            ps_status st;
            bool all_done;
            uint64_t failed;
            pair_free(&p);
            pair_new(&p, shard, NODES);
            if (me == bad)
                ps_mem_fail_after(&ctx.mem, n);
            st = pair_run(&p);
            ps_mem_fail_after(&ctx.mem, -1);
            st = ps_world_agree(world, st);
            failed = st == PS_EMEM;
            all_done = st == PS_OK;
            assert_true(st == PS_OK || st == (me == bad ? PS_EMEM : PS_ECANCEL));
            assert_ok(ps_world_sum(world, PS_OK, NULL, 0, NULL, 0, &failed, 1));
            assert_int_equal(failed, all_done ? 0 : 1);
            assert_ok(pair_run(&p)); /* what failed has left nothing behind */
            if (all_done)
                break;
            assert_true(n < 300);
        }
    }
    pair_free(&p);
    ps_shard_close(&shard);
    ps_test_graph_free(&g);
}

/* On one rank alone: the others hear of it, and nothing is left behind. */
static void a_slab_that_is_too_small_is_told(void **state)
{
    struct ps_test_graph g;
    struct ps_shard *shard = open_graph(&g, 0);
    uint32_t me = ps_world_rank(world), ranks = ps_world_ranks(world);
    struct pair p;

    (void)state;
    for (uint32_t bad = 0; bad < ranks; bad++) {
        pair_new(&p, shard, me == bad ? 8 : NODES);
        for (int again = 0; again < 2; again++) {
            ps_status st = ps_world_agree(world, pair_run(&p));
            assert_int_equal(st, me == bad ? PS_EMEM : PS_ECANCEL);
        }
        pair_free(&p);
    }
    ps_shard_close(&shard);
    ps_test_graph_free(&g);
}

static void the_steady_state_allocates_nothing(void **state)
{
    struct ps_test_graph g;
    struct ps_shard *shard = open_graph(&g, 0);
    struct pair p;

    (void)state;
    pair_new(&p, shard, NODES);
    for (int round = 0; round < 3; round++) {
        if (round == 2)
            ps_mem_fail_after(&ctx.mem, 0);
        assert_ok(pair_run(&p));
    }
    ps_mem_fail_after(&ctx.mem, -1);
    pair_free(&p);
    ps_shard_close(&shard);
    ps_test_graph_free(&g);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_those_of_the_nodes_asked_for),
        cmocka_unit_test(a_rank_that_fails_makes_all_leave_and_the_next_batch_works),
        cmocka_unit_test(a_slab_that_is_too_small_is_told),
        cmocka_unit_test(the_steady_state_allocates_nothing),
    };

    return run_job(tests, sizeof tests / sizeof tests[0]);
}
