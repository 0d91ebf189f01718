/* SPDX-License-Identifier: Apache-2.0 */
/* A partitioned dataset is the input in another order: mapped back by orig_id it is equal, value
 * for value; and what the report says is recounted from the output. */
#include "tests/whole.h"

#include "src/graph/ingest.h"

#include <math.h>

static char dir[PS_TEST_DIR_BYTES];

static json_t *cut(struct ps_ctx *ctx, struct ps_opts *o, const char *in, const char *out,
                   uint64_t parts, uint64_t method)
{
    json_t *report = json_object();
    char path[PS_TEST_PATH_BYTES];

    ps_opts_init(o);
    o->common.json = o->common.force = true;
    o->partition.parts = parts;
    o->partition.method = method;
    snprintf(o->common.out, sizeof o->common.out, "%s/%s", dir, out);
    assert_ok(ps_partition(ctx, o, ps_test_path(path, dir, in), "penstock partition", report));
    assert_int_equal(ps_mem_live(&ctx->mem), 0);
    return report;
}

static void read_whole(struct whole *w, struct ps_ctx *ctx, const char *name)
{
    char path[PS_TEST_PATH_BYTES];

    whole_read(w, ctx, ps_test_path(path, dir, name));
}

/* Input id of each output id, through orig_id: a bijection, or the test fails. */
static uint64_t *map_back(const struct whole *a, const struct whole *b)
{
    uint64_t n = a->meta->nodes, *old = calloc(n, sizeof *old);
    struct ps_sort_pair *x = calloc(n, sizeof *x), *y = calloc(n, sizeof *y);

    assert_int_equal(b->meta->nodes, n);
    for (uint64_t v = 0; v < n; v++) {
        x[v] = (struct ps_sort_pair){((uint64_t *)(void *)a->row[PS_ARRAY_ORIG_ID])[v], v};
        y[v] = (struct ps_sort_pair){((uint64_t *)(void *)b->row[PS_ARRAY_ORIG_ID])[v], v};
    }
    ps_sort_pairs(x, n);
    ps_sort_pairs(y, n);
    for (uint64_t i = 0; i < n; i++) {
        assert_true(x[i].id == y[i].id && (i == 0 || y[i].id != y[i - 1].id));
        old[y[i].with] = x[i].with;
    }
    free(x);
    free(y);
    return old;
}

/* Edges of row v of b, named by the ids of a, with the bits of their weights: sorted. */
static uint64_t row_of(const struct whole *w, uint64_t v, const uint64_t *old,
                       struct ps_sort_pair *out)
{
    uint64_t begin = w->indptr[v], count = w->indptr[v + 1] - begin;

    for (uint64_t j = 0; j < count; j++) {
        uint64_t u = w->indices[begin + j];
        uint32_t bits = 0;
        if (w->weights != NULL)
            memcpy(&bits, &w->weights[begin + j], sizeof bits);
        out[j] = (struct ps_sort_pair){old != NULL ? old[u] : u, bits};
    }
    ps_sort_pairs(out, count);
    return count;
}

static void check_edges(const struct whole *a, const struct whole *b, const uint64_t *old)
{
    uint64_t cap = a->meta->edges + 1;
    struct ps_sort_pair *x = calloc(cap, sizeof *x), *y = calloc(cap, sizeof *y);

    assert_int_equal(a->meta->edges, b->meta->edges);
    for (uint64_t v = 0; v < b->meta->nodes; v++) {
        uint64_t n = row_of(b, v, old, y);
        assert_int_equal(row_of(a, old[v], NULL, x), n);
        assert_bytes_equal(x, y, n * sizeof *x);
    }
    free(x);
    free(y);
}

static void check_rows(const struct whole *a, const struct whole *b, const uint64_t *old)
{
    static const enum ps_array_id id[] = {PS_ARRAY_FEATURES, PS_ARRAY_LABELS, PS_ARRAY_OUT_DEGREE};
    uint64_t n = a->meta->nodes;

    for (uint64_t v = 0; v < n; v++) {
        for (int i = 0; i < 3; i++) {
            uint64_t bytes = a->row_bytes[id[i]];
            assert_int_equal(b->row_bytes[id[i]], bytes);
            assert_bytes_equal(a->row[id[i]] + old[v] * bytes, b->row[id[i]] + v * bytes, bytes);
        }
        for (uint32_t s = 0; s < a->meta->splits; s++)
            assert_int_equal(a->split[s * n + old[v]], b->split[s * n + v]);
        for (int i = PS_ARRAY_FEATURES_INDICES; i <= PS_ARRAY_FEATURES_VALUES; i++) {
            uint64_t bytes = a->row_bytes[i], from, to, count;
            if (a->fptr == NULL || a->row[i] == NULL)
                continue;
            from = a->fptr[old[v]], to = b->fptr[v], count = b->fptr[v + 1] - to;
            assert_int_equal(a->fptr[old[v] + 1] - from, count);
            assert_bytes_equal(a->row[i] + from * bytes, b->row[i] + to * bytes, count * bytes);
        }
    }
}

static double number(const json_t *j, const char *key)
{
    const json_t *x = json_object_get(j, key);

    if (!json_is_number(x))
        fail_msg("the report has no number '%s'", key);
    return json_number_value(x);
}

static void assert_number(const json_t *j, const char *key, double want)
{
    if (fabs(number(j, key) - want) > 1e-12)
        fail_msg("%s is %.15g, counted %.15g", key, number(j, key), want);
}

struct recount {
    double nodes, edges, train, remote, halo;
};

static struct recount count_part(const struct whole *w, uint32_t k)
{
    uint64_t first = w->meta->part_offsets[k], end = w->meta->part_offsets[k + 1];
    struct recount c = {.nodes = (double)(end - first)};
    unsigned char *seen = calloc(w->meta->nodes, 1);

    for (uint64_t v = first; v < end; v++) {
        c.train += w->meta->splits > 0 && w->split[v] == PS_SPLIT_TRAIN;
        for (uint64_t e = w->indptr[v]; e < w->indptr[v + 1]; e++) {
            uint64_t u = w->indices[e];
            bool far = u < first || u >= end;
            c.edges++;
            c.remote += far;
            c.halo += far && !seen[u];
            seen[u] |= far;
        }
    }
    free(seen);
    return c;
}

static void check_report(const json_t *r, const struct whole *w)
{
    struct recount sum = {0}, most = {0};
    uint32_t parts = w->meta->parts;

    for (uint32_t k = 0; k < parts; k++) {
        struct recount c = count_part(w, k);
        const json_t *one = json_array_get(json_object_get(r, "partitions"), k);
        assert_true(c.nodes > 0);
        assert_number(one, "nodes", c.nodes);
        assert_number(one, "edges", c.edges);
        assert_number(one, "train", c.train);
        assert_number(one, "remote_edges", c.remote);
        assert_number(one, "halo", c.halo);
        sum.nodes += c.nodes, most.nodes = fmax(most.nodes, c.nodes);
        sum.edges += c.edges, most.edges = fmax(most.edges, c.edges);
        sum.train += c.train, most.train = fmax(most.train, c.train);
        sum.remote += c.remote, sum.halo += c.halo;
    }
    assert_number(r, "edge_cut", sum.edges > 0 ? sum.remote / sum.edges : 0);
    assert_true(fabs(w->meta->edge_cut - number(r, "edge_cut")) < 1e-12);
    assert_number(r, "halo", sum.halo / sum.nodes);
    assert_number(r, "balance_nodes", most.nodes * parts / sum.nodes);
    assert_number(r, "balance_edges", sum.edges > 0 ? most.edges * parts / sum.edges : 1);
    assert_number(r, "balance_train", sum.train > 0 ? most.train * parts / sum.train : 1);
}

static void check_meta(const struct whole *a, const struct whole *b, uint64_t parts,
                       uint64_t method)
{
    assert_int_equal(b->meta->parts, parts);
    assert_string_equal(b->meta->partitioner, method == PS_METHOD_METIS ? "metis" : "range");
    assert_string_equal(a->meta->name, b->meta->name);
    assert_string_not_equal(a->meta->uuid, b->meta->uuid);
    assert_non_null(strstr(b->meta->provenance, a->meta->uuid));
    assert_non_null(strstr(b->meta->provenance, "penstock partition"));
    assert_int_equal(a->meta->task, b->meta->task);
    assert_int_equal(a->meta->classes, b->meta->classes);
    assert_int_equal(a->meta->symmetrised, b->meta->symmetrised);
    for (uint32_t s = 0; s < a->meta->splits; s++)
        assert_int_equal(b->meta->train_offsets[s * (parts + 1) + parts],
                         a->meta->train_offsets[(s + 1) * (a->meta->parts + 1) - 1]);
}

/* Cut @p in and check everything. */
static void check_cut(struct ps_ctx *ctx, const char *in, uint64_t parts, uint64_t method)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    json_t *r = cut(ctx, o, in, "out.ps", parts, method);
    struct whole a, b;
    uint64_t *old;

    read_whole(&a, ctx, in);
    read_whole(&b, ctx, "out.ps");
    old = map_back(&a, &b);
    check_edges(&a, &b, old);
    check_rows(&a, &b, old);
    check_meta(&a, &b, parts, method);
    check_report(r, &b);
    for (uint64_t v = 0; method == PS_METHOD_RANGE && v < a.meta->nodes; v++)
        assert_int_equal(old[v], v);
    free(old);
    json_decref(r);
    free(o);
    whole_free(&a);
    whole_free(&b);
}

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
            for (uint64_t method = PS_METHOD_RANGE; method <= PS_METHOD_METIS; method++)
                check_cut(&ctx, "in.ps", parts[p], method);
    }
    check_cut(&ctx, "in.ps", shape[SHAPES - 1].nodes, PS_METHOD_RANGE);
    check_cut(&ctx, "in.ps", shape[SHAPES - 1].nodes, PS_METHOD_METIS);
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
    static const uint64_t tight[] = {[PS_METHOD_RANGE] = 7 << 20, [PS_METHOD_METIS] = 24 << 20};
    struct ps_opts *o = calloc(1, sizeof *o);
    struct ps_ctx ctx;
    struct whole a, b;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    write_shape(&ctx, &large);
    for (uint64_t method = PS_METHOD_RANGE; method <= PS_METHOD_METIS; method++) {
        json_decref(cut(&ctx, o, "in.ps", "roomy.ps", 3, method));
        atomic_store(&ctx.mem.limit_bytes, tight[method]);
        atomic_store(&ctx.mem.peak_bytes, 0);
        json_decref(cut(&ctx, o, "in.ps", "tight.ps", 3, method));
        assert_true(ctx.mem.peak_bytes <= tight[method]);
        atomic_store(&ctx.mem.limit_bytes, 0);
        read_whole(&a, &ctx, "roomy.ps");
        read_whole(&b, &ctx, "tight.ps");
        assert_whole_equal(&a, &b);
        assert_bytes_equal(a.weights, b.weights, a.meta->edges * 4);
        whole_free(&a);
        whole_free(&b);
        if (method == PS_METHOD_METIS) {
            atomic_store(&ctx.mem.limit_bytes, tight[method]);
            check_cut(&ctx, "in.ps", 3, method);
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
    r = cut(&ctx, o, "planted.ps", "four.ps", 4, PS_METHOD_METIS);
    assert_true(number(r, "edge_cut") < 0.12);
    assert_true(number(r, "balance_nodes") < 1.06 && number(r, "balance_edges") < 1.06 &&
                number(r, "balance_train") < 1.06);
    json_decref(r);
    json_decref(cut(&ctx, o, "four.ps", "seven.ps", 7, PS_METHOD_METIS));
    r = cut(&ctx, o, "seven.ps", "again.ps", 4, PS_METHOD_METIS); /* of a partitioned one */
    assert_true(number(r, "edge_cut") < 0.12);
    json_decref(r);
    check_cut(&ctx, "seven.ps", 4, PS_METHOD_METIS);
    free(o);
}

static void the_same_seed_cuts_alike_and_another_differently(void **state)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    struct whole a, b, c;
    struct ps_ctx ctx;
    json_t *r = json_object();

    (void)state;
    ps_ctx_init(&ctx, NULL);
    generate(&ctx, o, "seeds.ps");
    json_decref(cut(&ctx, o, "seeds.ps", "a.ps", 5, PS_METHOD_METIS));
    json_decref(cut(&ctx, o, "seeds.ps", "b.ps", 5, PS_METHOD_METIS));
    o->common.seed = 2;
    snprintf(o->common.out, sizeof o->common.out, "%s/c.ps", dir);
    {
        char path[PS_TEST_PATH_BYTES];
        assert_ok(ps_partition(&ctx, o, ps_test_path(path, dir, "seeds.ps"), "", r));
    }
    read_whole(&a, &ctx, "a.ps");
    read_whole(&b, &ctx, "b.ps");
    read_whole(&c, &ctx, "c.ps");
    assert_whole_equal(&a, &b);
    assert_memory_not_equal(a.row[PS_ARRAY_ORIG_ID], c.row[PS_ARRAY_ORIG_ID], 6000 * 8);
    whole_free(&a);
    whole_free(&b);
    whole_free(&c);
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
    json_decref(cut(&ctx, o, "order.ps", "ordered.ps", 4, PS_METHOD_METIS));
    read_whole(&w, &ctx, "ordered.ps");
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
    r = cut(&ctx, o, "range.ps", "ranged.ps", 4, PS_METHOD_RANGE);
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
        cmocka_unit_test(nodes_of_a_partition_are_in_breadth_first_order),
        cmocka_unit_test(range_balances_nodes_edges_and_training_nodes_together),
    };
    int rc;

    ps_test_dir_make(dir);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    ps_test_dir_remove(dir);
    return rc;
}
