/* SPDX-License-Identifier: Apache-2.0 */
/* A partitioned dataset is the input in another order: mapped back by orig_id it is equal, value
 * for value; and what the report says is recounted from the output. */
#include "tests/cut.h"

static char dir[PS_TEST_DIR_BYTES];

static const struct ps_test_shape shape[] = {
    {.nodes = 400,
     .parts = 3,
     .degree = 9,
     .kind = PS_FEATURES_DENSE,
     .dim = 5,
     .classes = 4,
     .splits = 1},
    {.nodes = 333,
     .parts = 5,
     .degree = 40,
     .kind = PS_FEATURES_CSR,
     .dim = 60,
     .values = true,
     .classes = 11,
     .multi_label = true,
     .splits = 3,
     .weighted = true},
    {.nodes = 50, .parts = 7, .degree = 4, .kind = PS_FEATURES_CSR, .dim = 9, .wide = true},
    {.nodes = 64,
     .parts = 1,
     .kind = PS_FEATURES_DENSE,
     .type = PS_TYPE_F16,
     .dim = 3,
     .splits = 2},                                                     /* no edges */
    {.nodes = 90, .parts = 2, .degree = 5, .classes = 2, .splits = 1}, /* no features */
    {.nodes = 40,
     .parts = 4,
     .degree = 39,
     .kind = PS_FEATURES_DENSE,
     .type = PS_TYPE_I8,
     .dim = 1,
     .weighted = true},
};
enum { SHAPES = sizeof shape / sizeof shape[0] };

static void write_shape(struct ps_ctx *ctx, const struct ps_test_shape *s)
{
    struct ps_test_graph g;
    char path[PS_TEST_PATH_BYTES];

    ps_test_graph_make(&g, s);
    assert_ok(ps_test_graph_write(&g, ctx, ps_test_path(path, dir, "in.ps"), true));
    ps_test_graph_free(&g);
}

static void every_kind_of_dataset_is_the_input_in_another_order(void **state)
{
    static const uint64_t parts[] = {1, 2, 3, 4, 7};
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    for (int i = 0; i < SHAPES; i++) {
        write_shape(&ctx, &shape[i]);
        for (int p = 0; p < 5; p++)
            for (uint64_t method = PS_METHOD_RANGE; method <= PS_METHOD_HASH; method++)
                check_cut(dir, &ctx, "in.ps", parts[p], method);
    }
    check_cut(dir, &ctx, "in.ps", shape[SHAPES - 1].nodes, PS_METHOD_RANGE);
    check_cut(dir, &ctx, "in.ps", shape[SHAPES - 1].nodes, PS_METHOD_METIS);
    check_cut(dir, &ctx, "in.ps", shape[SHAPES - 1].nodes, PS_METHOD_HASH);
}

/* Large enough for several chunks, of which the rows of CSR features cut some short. */
static void the_result_does_not_depend_on_the_memory(void **state)
{
    static const struct ps_test_shape large = {.nodes = 20000,
                                               .parts = 3,
                                               .degree = 20,
                                               .kind = PS_FEATURES_CSR,
                                               .dim = 100,
                                               .values = true,
                                               .classes = 3,
                                               .splits = 2,
                                               .weighted = true};
    static const uint64_t tight[] = {
        [PS_METHOD_RANGE] = 7 << 20, [PS_METHOD_METIS] = 24 << 20, [PS_METHOD_HASH] = 7 << 20};
    struct ps_opts *o = calloc(1, sizeof *o);
    struct ps_ctx ctx;
    struct whole a, b;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    write_shape(&ctx, &large);
    for (uint64_t method = PS_METHOD_RANGE; method <= PS_METHOD_HASH; method++) {
        json_decref(cut(dir, &ctx, o, "in.ps", "roomy.ps", 1, method));
        atomic_store(&ctx.mem.limit_bytes, tight[method]);
        atomic_store(&ctx.mem.peak_bytes, 0);
        json_decref(cut(dir, &ctx, o, "in.ps", "tight.ps", 1, method));
        assert_true(ctx.mem.peak_bytes <= tight[method]);
        atomic_store(&ctx.mem.limit_bytes, 0);
        read_whole(dir, &a, &ctx, "roomy.ps");
        read_whole(dir, &b, &ctx, "tight.ps");
        assert_whole_equal(&a, &b);
        assert_bytes_equal(a.weights, b.weights, a.meta->edges * 4);
        whole_free(&a);
        whole_free(&b);
        if (method != PS_METHOD_RANGE) {
            atomic_store(&ctx.mem.limit_bytes, tight[method]);
            check_cut(dir, &ctx, "in.ps", 3, method);
        }
    }
    free(o);
}

static void generate(struct ps_ctx *ctx, struct ps_opts *o, const char *name)
{
    static const char *const planted[] = {
        "nodes",     "6000", "features",    "2", "mean-degree", "10",
        "exponent",  "4",    "communities", "8", "classes",     "8",
        "homophily", "0.9",  "near",        "0", NULL};
    json_t *r = json_object();

    set_options(o, PS_CMD_GENERATE, planted);
    snprintf(o->common.out, sizeof o->common.out, "%s/%s", dir, name);
    assert_ok(ps_generate_sbm(ctx, o, "", r));
    json_decref(r);
}

/* 8 communities, 10 % of the edges anywhere: 4 partitions of whole ones cut 7.5 %, others by
 * chance 75 %. The nodes are shuffled first (by cutting in 8 and 7), so order does not help. */
static void metis_finds_the_planted_communities_and_keeps_its_balance(void **state)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    struct ps_ctx ctx;
    json_t *r;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    generate(&ctx, o, "planted.ps");
    r = cut(dir, &ctx, o, "planted.ps", "four.ps", 4, PS_METHOD_METIS);
    assert_true(number(r, "edge_cut") < 0.12);
    assert_true(number(r, "balance_nodes") < 1.06 && number(r, "balance_edges") < 1.06 &&
                number(r, "balance_train") < 1.06);
    json_decref(r);
    json_decref(cut(dir, &ctx, o, "four.ps", "seven.ps", 7, PS_METHOD_METIS));
    r = cut(dir, &ctx, o, "seven.ps", "again.ps", 4, PS_METHOD_METIS); /* of a partitioned one */
    assert_true(number(r, "edge_cut") < 0.12);
    json_decref(r);
    check_cut(dir, &ctx, "seven.ps", 4, PS_METHOD_METIS);
    free(o);
}

static void check_seeds(uint64_t method)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    struct whole a, b, c;
    struct ps_ctx ctx;
    json_t *r = json_object();

    ps_ctx_init(&ctx, NULL);
    json_decref(cut(dir, &ctx, o, "seeds.ps", "a.ps", 5, method));
    json_decref(cut(dir, &ctx, o, "seeds.ps", "b.ps", 5, method));
    o->common.seed = 2;
    snprintf(o->common.out, sizeof o->common.out, "%s/c.ps", dir);
    {
        char path[PS_TEST_PATH_BYTES];
        assert_ok(ps_partition(&ctx, o, ps_test_path(path, dir, "seeds.ps"), "", r));
    }
    read_whole(dir, &a, &ctx, "a.ps");
    read_whole(dir, &b, &ctx, "b.ps");
    read_whole(dir, &c, &ctx, "c.ps");
    assert_whole_equal(&a, &b);
    assert_memory_not_equal(a.row[PS_ARRAY_ORIG_ID], c.row[PS_ARRAY_ORIG_ID], 6000 * 8);
    whole_free(&a);
    whole_free(&b);
    whole_free(&c);
    json_decref(r);
    free(o);
}

static void the_same_seed_cuts_alike_and_another_differently(void **state)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    generate(&ctx, o, "seeds.ps");
    check_seeds(PS_METHOD_METIS);
    check_seeds(PS_METHOD_HASH);
    free(o);
}

/* Sizes differ by one at most; ids ascend within a partition; and the partition says nothing about
 * the id: the cut is what chance gives, and of two nodes beside each other in the input as many
 * stay together as by chance. */
static void hash_scatters_nodes_in_equal_numbers(void **state)
{
    enum { N = 6000, P = 7 };
    struct ps_opts *o = calloc(1, sizeof *o);
    double together = 0, chance = 1.0 / P, most, part[P] = {0};
    static uint32_t of[N];
    struct ps_ctx ctx;
    struct whole w;
    json_t *r;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    generate(&ctx, o, "plain.ps");
    r = cut(dir, &ctx, o, "plain.ps", "hashed.ps", P, PS_METHOD_HASH);
    read_whole(dir, &w, &ctx, "hashed.ps");
    for (uint32_t k = 0; k < P; k++) {
        const uint64_t *id = (const uint64_t *)(void *)w.row[PS_ARRAY_ORIG_ID];
        uint64_t first = w.meta->part_offsets[k], end = w.meta->part_offsets[k + 1];
        assert_true(end - first == N / P || end - first == N / P + 1);
        for (uint64_t v = first; v < end; v++) {
            assert_true(v == first || id[v] > id[v - 1]);
            of[id[v]] = k;
        }
    }
    for (uint64_t v = 1; v < N; v++)
        together += of[v] == of[v - 1];
    assert_true(fabs(together - N * chance) < 5 * sqrt(N * chance * (1 - chance)));
    for (uint64_t v = 0; v < N / 10; v++) /* the first ids are in every partition alike */
        part[of[v]]++;
    most = 0;
    for (int k = 0; k < P; k++)
        most = fmax(most, fabs(part[k] - N * chance / 10));
    assert_true(most < 5 * sqrt(N * chance / 10));
    assert_true(fabs(number(r, "edge_cut") - (1 - chance)) < 0.02);
    whole_free(&w);
    json_decref(r);
    free(o);
}

/* Breadth first: the sources and targets of a node that are in its partition are numbered before
 * those of any later node, unless they were numbered already. */
static void nodes_of_a_partition_are_in_breadth_first_order(void **state)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    struct ps_ctx ctx;
    struct whole w;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    generate(&ctx, o, "order.ps");
    json_decref(cut(dir, &ctx, o, "order.ps", "ordered.ps", 4, PS_METHOD_METIS));
    read_whole(dir, &w, &ctx, "ordered.ps");
    for (uint32_t k = 0; k < 4; k++) {
        uint64_t first = w.meta->part_offsets[k], end = w.meta->part_offsets[k + 1], last = 0;
        uint64_t *parent = calloc(end - first, sizeof *parent); /* lowest neighbour */
        for (uint64_t v = first; v < end; v++)
            parent[v - first] = v;
        for (uint64_t v = first; v < end; v++)
            for (uint64_t e = w.indptr[v]; e < w.indptr[v + 1]; e++) {
                uint64_t u = w.indices[e];
                if (u < first || u >= end)
                    continue;
                parent[v - first] = ps_min(parent[v - first], u);
                parent[u - first] = ps_min(parent[u - first], v);
            }
        for (uint64_t i = 1; i < end - first; i++) {
            assert_true(parent[i] >= last);
            last = parent[i];
        }
        free(parent);
    }
    whole_free(&w);
    free(o);
}

static void range_balances_nodes_edges_and_training_nodes_together(void **state)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    struct ps_ctx ctx;
    json_t *r;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    generate(&ctx, o, "range.ps");
    r = cut(dir, &ctx, o, "range.ps", "ranged.ps", 4, PS_METHOD_RANGE);
    assert_true(number(r, "balance_nodes") < 1.1 && number(r, "balance_edges") < 1.1 &&
                number(r, "balance_train") < 1.1);
    json_decref(r);
    free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_dataset_is_the_input_in_another_order),
        cmocka_unit_test(the_result_does_not_depend_on_the_memory),
        cmocka_unit_test(metis_finds_the_planted_communities_and_keeps_its_balance),
        cmocka_unit_test(the_same_seed_cuts_alike_and_another_differently),
        cmocka_unit_test(hash_scatters_nodes_in_equal_numbers),
        cmocka_unit_test(nodes_of_a_partition_are_in_breadth_first_order),
        cmocka_unit_test(range_balances_nodes_edges_and_training_nodes_together),
    };
    int rc;

    ps_test_dir_make(dir);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    ps_test_dir_remove(dir);
    return rc;
}
