/* SPDX-License-Identifier: Apache-2.0 */
/* Sampling and reach between real ranks, held to plain twins over the whole graph. */
#include "tests/graph_job.h"

#include "src/graph/draw.h"
#include "src/graph/reach.h"

#include <xxhash.h>

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

/* Rows that carry their node's number cross the halo; blocks then name the right in-neighbours. */
static void check_reach_layer(struct ps_reach *r, uint32_t l, const struct ps_shard *shard,
                              const struct ps_test_graph *g, uint32_t destinations)
{
    const struct ps_reach_layer *y = &r->layer[l];
    float *row = calloc((size_t)y->block.src_count + 1, 2 * sizeof *row);

    assert_non_null(row);
    for (uint32_t i = 0; i < y->own_count; i++) {
        row[2 * i] = (float)(shard->first + r->node[i]);
        row[2 * i + 1] = 1;
    }
    assert_ok(ps_reach_exchange(r, PS_OK, l, row, 2));
    assert_int_equal(y->block.dst_count, destinations);
    for (uint32_t i = 0; i < y->block.dst_count; i++) {
        uint64_t v = shard->first + r->node[i], d = g->indptr[v + 1] - g->indptr[v];
        assert_int_equal(y->block.in_degree[i], d);
        assert_int_equal(y->row_begin[i + 1] - y->row_begin[i], d);
        for (uint64_t e = 0; e < d; e++) {
            uint32_t u = y->col[y->row_begin[i] + e];
            uint64_t want = g->indices[g->indptr[v] + e];
            assert_true(row[2 * u] == (float)want && row[2 * u + 1] == 1);
            assert_int_equal(y->out_degree[u], g->out_degree[want]);
        }
    }
    free(row);
}

static void check_reach(uint32_t layers)
{
    uint32_t target[NODES], n = 0;
    struct ps_test_graph g;
    struct ps_shard *shard = open_graph(&g, 0);
    struct ps_reach *r;

    for (uint64_t v = 0; v < shard->count; v += 7)
        target[n++] = (uint32_t)v;
    assert_ok(ps_reach_new(&r, shard, layers, target, n));
    assert_int_equal(r->target_count, n);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(r->node[i], target[i]);
    for (uint32_t l = 0; l < layers; l++)
        check_reach_layer(r, l, shard, &g, l + 1 < layers ? r->layer[l + 1].own_count : n);
    ps_reach_free(&r);
    ps_shard_close(&shard);
    ps_test_graph_free(&g);
}

static void reach_names_every_in_neighbour_and_brings_its_row(void **state)
{
    (void)state;
    for (uint32_t layers = 1; layers <= 3; layers++)
        check_reach(layers);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_those_of_the_plain_twin),
        cmocka_unit_test(reach_names_every_in_neighbour_and_brings_its_row),
    };

    return run_job(tests, sizeof tests / sizeof tests[0]);
}
