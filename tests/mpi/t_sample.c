/* SPDX-License-Identifier: Apache-2.0 */
/* Sampling, row fetch and reach between real ranks, held to plain twins over the whole graph. */
#include "tests/ps_test.h"

#include "src/graph/draw.h"
#include "src/graph/reach.h"
#include "src/graph/row_window.h"
#include "src/kern/packed.h"
#include "tests/ps_dataset.h"

#include <string.h>
#include <xxhash.h>

enum { NODES = 700, PARTS = 5, SEEDS = 23, HOPS = 3 };

static struct ps_ctx ctx;
static struct ps_opts *opts;
static struct ps_world *world;
static char dir[PS_TEST_DIR_BYTES];

static const struct ps_test_shape shapes[] = {
    {NODES, PARTS, 9, PS_FEATURES_DENSE, PS_TYPE_F32, 7, false, false, 3, false, 1, false},
    {NODES, PARTS, 40, PS_FEATURES_CSR, PS_TYPE_F32, 90, false, false, 3, false, 1, false},
    {NODES, PARTS, 3, PS_FEATURES_CSR, PS_TYPE_F32, 70000, true, true, 3, false, 1, false},
    {NODES, PARTS, 5, PS_FEATURES_DENSE, PS_TYPE_I8, 5, false, false, 3, false, 1, false},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* Rank 0 writes; all open. */
static struct ps_shard *open_graph(struct ps_test_graph *g, int shape)
{
    char path[PS_TEST_PATH_BYTES], name[16];
    struct ps_shard *shard = NULL;

    ps_test_graph_make(g, &shapes[shape]);
    snprintf(name, sizeof name, "g%d.ps", shape);
    ps_test_path(path, dir, name);
    if (ps_world_rank(world) == 0)
        assert_ok(ps_test_graph_write(g, &ctx, path, true));
    assert_ok(ps_world_agree(world, PS_OK));
    assert_ok(ps_shard_open(&shard, world, path));
    return shard;
}

/* The seeds of rank r: distinct, other ones for other ranks, some owned elsewhere. */
static void seeds_of(uint32_t r, uint64_t node[SEEDS])
{
    struct ps_key key = ps_key_make(5, PS_FOR_TEST, 0, 0, 0);

    for (uint64_t i = 0; i < SEEDS; i++)
        node[i] = ps_permute(key, r * SEEDS + i, NODES);
}

/* A plain sampler: the blocks of rank r from the whole graph in memory. */
struct twin {
    uint64_t node[NODES];
    uint32_t local[NODES]; /* UINT32_MAX: none yet */
    uint32_t count, dst[HOPS], src[HOPS];
    uint64_t edges[HOPS], row_begin[HOPS][NODES + 1];
    uint32_t col[HOPS][NODES * 40];
};

static void twin_put(struct twin *t, uint64_t id)
{
    if (t->local[id] == UINT32_MAX) {
        t->local[id] = t->count;
        t->node[t->count++] = id;
    }
}

static void twin_run(struct twin *t, const struct ps_test_graph *g, const struct ps_batch_id *id,
                     const int64_t *fanout, uint32_t r)
{
    uint64_t seed[SEEDS], position[NODES];

    memset(t->local, 0xff, sizeof t->local);
    t->count = 0;
    seeds_of(r, seed);
    for (int i = 0; i < SEEDS; i++)
        twin_put(t, seed[i]);
    for (uint32_t h = 0; h < HOPS; h++) {
        uint64_t e = 0;
        t->dst[h] = t->count;
        for (uint32_t v = 0; v < t->dst[h]; v++) {
            uint64_t begin = g->indptr[t->node[v]], d = g->indptr[t->node[v] + 1] - begin;
            uint64_t k = ps_draw_count(d, fanout[h]);
            t->row_begin[h][v] = e;
            ps_draw_positions(ps_draw_key(id->seed, id->epoch, id->index, h), t->node[v], d, k,
                              position);
            for (uint64_t i = 0; i < k; i++) {
                twin_put(t, g->indices[begin + position[i]]);
                t->col[h][e++] = t->local[g->indices[begin + position[i]]];
            }
        }
        t->row_begin[h][t->dst[h]] = t->edges[h] = e;
        t->src[h] = t->count;
    }
}

/* Who has which node in its frontier, over all ranks: multiplicities and the fingerprint. */
static uint64_t expect(const struct ps_test_graph *g, const struct ps_batch_id *id,
                       const int64_t *fanout, uint32_t multiplicity[HOPS][NODES])
{
    static struct twin t;
    uint64_t sum = 0, position[NODES], word[4 + NODES];

    memset(multiplicity, 0, HOPS * sizeof *multiplicity);
    for (uint32_t r = 0; r < ps_world_ranks(world); r++) {
        twin_run(&t, g, id, fanout, r);
        for (uint32_t h = 0; h < HOPS; h++)
            for (uint32_t v = 0; v < t.dst[h]; v++)
                multiplicity[h][t.node[v]]++;
    }
    for (uint32_t h = 0; h < HOPS; h++)
        for (uint64_t v = 0; v < NODES; v++) {
            uint64_t d = g->indptr[v + 1] - g->indptr[v], k = ps_draw_count(d, fanout[h]);
            if (multiplicity[h][v] == 0)
                continue;
            ps_draw_positions(ps_draw_key(id->seed, id->epoch, id->index, h), v, d, k, position);
            memcpy(word, (uint64_t[]){id->epoch, id->index, h, v}, 32);
            for (uint64_t i = 0; i < k; i++)
                word[4 + i] = g->indices[g->indptr[v] + position[i]];
            sum += XXH3_64bits(word, (4 + k) * sizeof *word);
        }
    return sum;
}

static void check_transpose(const struct ps_block *b)
{
    uint64_t seen = 0;

    assert_int_equal(b->col_begin[0], 0);
    for (uint32_t u = 0; u < b->src_count; u++)
        for (uint64_t e = b->col_begin[u]; e < b->col_begin[u + 1]; e++, seen++) {
            uint32_t v = b->row[e];
            uint64_t i = b->row_begin[v];
            assert_true(e == b->col_begin[u] || b->row[e - 1] < v);
            while (i < b->row_begin[v + 1] && b->col[i] != u)
                i++;
            assert_true(i < b->row_begin[v + 1]);
        }
    assert_int_equal(seen, b->edge_count);
    assert_int_equal(b->col_begin[b->src_count], b->edge_count);
}

static void check_blocks(const struct ps_test_graph *g, const struct ps_sample *b,
                         const int64_t *fanout, uint64_t *fingerprint)
{
    static struct twin t;
    static uint32_t multiplicity[HOPS][NODES];

    *fingerprint += expect(g, &b->id, fanout, multiplicity);
    twin_run(&t, g, &b->id, fanout, ps_world_rank(world));
    assert_int_equal(b->count, t.count);
    assert_memory_equal(b->node, t.node, t.count * sizeof *t.node);
    for (uint32_t h = 0; h < HOPS; h++) {
        const struct ps_block *y = &b->block[HOPS - 1 - h];
        assert_int_equal(y->dst_count, t.dst[h]);
        assert_int_equal(y->src_count, t.src[h]);
        assert_int_equal(y->edge_count, t.edges[h]);
        assert_memory_equal(y->row_begin, t.row_begin[h], (t.dst[h] + 1) * 8);
        assert_memory_equal(y->col, t.col[h], t.edges[h] * 4);
        for (uint32_t v = 0; v < y->dst_count; v++) {
            uint64_t node = t.node[v];
            assert_int_equal(y->in_degree[v], g->indptr[node + 1] - g->indptr[node]);
            assert_int_equal(y->multiplicity[v], multiplicity[h][node]);
        }
        if (h + 1 < HOPS)
            check_transpose(y);
        else
            assert_null(y->col_begin);
    }
}

enum { TOGETHER = 5 };

static void batches_new(struct ps_sample *batch)
{
    for (uint32_t b = 0; b < TOGETHER; b++)
        ps_sample_init(&batch[b], &ctx.mem);
}

static void batches_free(struct ps_sample *batch)
{
    for (uint32_t b = 0; b < TOGETHER; b++)
        ps_sample_fini(&batch[b]);
}

/* However many batches are sampled together. */
static void blocks_are_those_of_the_plain_twin(void **state)
{
    static const int64_t fanout[][HOPS] = {{3, 2, 4}, {-1, -1, -1}, {1, -1, 100}};
    static const uint32_t together[] = {1, TOGETHER, 2};
    struct ps_test_graph g;

    (void)state;
    for (int shape = 0; shape < 3; shape++)
        for (int f = 0; f < 3; f++) {
            struct ps_shard *shard = open_graph(&g, shape);
            struct ps_sample batch[TOGETHER];
            uint64_t seed[SEEDS], sum, want = 0;
            struct ps_sampler *s;

            ctx.threads = 1 + f;
            seeds_of(ps_world_rank(world), seed);
            batches_new(batch);
            assert_ok(ps_sampler_new(&s, shard, fanout[f], HOPS));
            for (uint32_t b = 0; b < together[f]; b++)
                assert_ok(ps_sample_begin(&batch[b], &(struct ps_batch_id){9, 1, (uint64_t)f + b},
                                          seed, SEEDS));
            assert_ok(ps_sampler_run(s, PS_OK, batch, together[f]));
            for (uint32_t b = 0; b < together[f]; b++)
                check_blocks(&g, &batch[b], fanout[f], &want);
            sum = 0;
            for (uint32_t b = 0; b < together[f]; b++)
                sum += batch[b].fingerprint;
            assert_ok(ps_world_sum(world, PS_OK, NULL, 0, NULL, 0, &sum, 1));
            assert_true(sum == want);
            ps_sampler_free(&s);
            batches_free(batch);
            ps_shard_close(&shard);
            ps_test_graph_free(&g);
        }
    ctx.threads = 1;
}

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

/* Rows that carry their node's number cross the halo; blocks then name the right in-neighbours. */
static void reach_names_every_in_neighbour_and_brings_its_row(void **state)
{
    struct ps_test_graph g;

    (void)state;
    for (uint32_t layers = 1; layers <= 3; layers++) {
        struct ps_shard *shard = open_graph(&g, 0);
        uint32_t target[NODES], n = 0;
        struct ps_reach *r;

        for (uint64_t v = 0; v < shard->count; v += 7)
            target[n++] = (uint32_t)v;
        assert_ok(ps_reach_new(&r, shard, layers, target, n));
        assert_int_equal(r->target_count, n);
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(r->node[i], target[i]);
        for (uint32_t l = 0; l < layers; l++) {
            const struct ps_reach_layer *y = &r->layer[l];
            float *row = calloc((size_t)y->block.src_count + 1, 2 * sizeof *row);
            for (uint32_t i = 0; i < y->own_count; i++) {
                row[2 * i] = (float)(shard->first + r->node[i]);
                row[2 * i + 1] = 1;
            }
            assert_ok(ps_reach_exchange(r, PS_OK, l, row, 2));
            assert_int_equal(y->block.dst_count, l + 1 < layers ? r->layer[l + 1].own_count : n);
            for (uint32_t i = 0; i < y->block.dst_count; i++) {
                uint64_t v = shard->first + r->node[i], d = g.indptr[v + 1] - g.indptr[v];
                assert_int_equal(y->block.in_degree[i], d);
                assert_int_equal(y->row_begin[i + 1] - y->row_begin[i], d);
                for (uint64_t e = 0; e < d; e++) {
                    uint32_t u = y->col[y->row_begin[i] + e];
                    uint64_t want = g.indices[g.indptr[v] + e];
                    assert_true(row[2 * u] == (float)want && row[2 * u + 1] == 1);
                    assert_int_equal(y->out_degree[u], g.out_degree[want]);
                }
            }
            free(row);
        }
        ps_reach_free(&r);
        ps_shard_close(&shard);
        ps_test_graph_free(&g);
    }
}

/* A sampler and what brings its rows, with room for two batches. */
struct pair {
    struct ps_sampler *sampler;
    struct ps_row_window *window;
    struct ps_sample batch[TOGETHER];
    struct ps_batch_rows rows[TOGETHER];
};

static void pair_new(struct pair *p, struct ps_shard *shard)
{
    static const int64_t fanout[HOPS] = {3, 2, 4};

    batches_new(p->batch);
    for (uint32_t b = 0; b < TOGETHER; b++)
        ps_batch_rows_init(&p->rows[b], &ctx.mem, shard->meta);
    assert_ok(ps_sampler_new(&p->sampler, shard, fanout, HOPS));
    assert_ok(ps_row_window_new(&p->window, shard, NODES));
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
    pair_new(&p, shard);
    for (uint32_t bad = 0; bad < ps_world_ranks(world); bad++) {
        for (long long n = 0;; n++) { /* the n-th allocation of that rank fails */
            ps_status st;
            bool all_done;
            uint64_t failed;
            pair_free(&p);
            pair_new(&p, shard);
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

static void the_steady_state_allocates_nothing(void **state)
{
    struct ps_test_graph g;
    struct ps_shard *shard = open_graph(&g, 0);
    struct pair p;

    (void)state;
    pair_new(&p, shard);
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
        cmocka_unit_test(blocks_are_those_of_the_plain_twin),
        cmocka_unit_test(rows_are_those_of_the_nodes_asked_for),
        cmocka_unit_test(reach_names_every_in_neighbour_and_brings_its_row),
        cmocka_unit_test(a_rank_that_fails_makes_all_leave_and_the_next_batch_works),
        cmocka_unit_test(the_steady_state_allocates_nothing),
    };

    opts = calloc(1, sizeof *opts);
    ps_opts_init(opts);
    opts->comm.timeout = 60;
    ps_ctx_init(&ctx, stderr);
    if (ps_world_open(&world, &ctx, opts) != PS_OK)
        return 1;
    if (ps_world_rank(world) == 0)
        ps_test_dir_make(dir);
    if (ps_world_broadcast(world, PS_OK, dir, sizeof dir, 0) != PS_OK ||
        cmocka_run_group_tests(tests, NULL, NULL) != 0)
        ps_comm_abort(ps_world_comm(world), PS_EUSAGE); /* others may be in another call */
    if (ps_world_rank(world) == 0)
        ps_test_dir_remove(dir);
    ps_world_close(&world);
    free(opts);
    return ps_ctx_fini(&ctx) == 0 ? 0 : 1;
}
