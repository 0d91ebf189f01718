/* SPDX-License-Identifier: Apache-2.0 */
/* Generated datasets, read back whole. */
#include "tests/whole.h"

#include "src/graph/ingest.h"
#include "src/graph/sbm.h"
#include "src/kern/half.h"

#include <math.h>

static char dir[PS_TEST_DIR_BYTES];

/* Generate a graph under @p name. @return its report */
static json_t *make(struct ps_ctx *ctx, const char *name, struct ps_opts *o)
{
    json_t *report = json_object();
    char path[PS_TEST_PATH_BYTES];

    snprintf(o->common.out, sizeof o->common.out, "%s", ps_test_path(path, dir, name));
    assert_ok(ps_generate_sbm(ctx, o, "penstock generate sbm \"quoted\"", report));
    assert_int_equal(ps_mem_live(&ctx->mem), 0);
    return report;
}

static const char *const medium[] = {"nodes",   "3000", "features",    "7",  "mean-degree", "12",
                                     "classes", "5",    "communities", "20", "exponent",    "4",
                                     NULL};

/* The least memory, in steps of 8 KiB, that the graph can be made in: there out-degrees are
 * counted in several windows and chunks are short. */
static uint64_t least_memory(struct ps_opts *o)
{
    char path[PS_TEST_PATH_BYTES];
    json_t *r = json_object();
    ps_status st = PS_EMEM;
    struct ps_ctx ctx;
    uint64_t limit;

    snprintf(o->common.out, sizeof o->common.out, "%s", ps_test_path(path, dir, "least.ps"));
    for (limit = 8 << 10; st == PS_EMEM; limit += st == PS_EMEM ? 8 << 10 : 0) {
        ps_ctx_init(&ctx, NULL);
        atomic_store(&ctx.mem.limit_bytes, limit);
        st = ps_generate_sbm(&ctx, o, "", r);
    }
    assert_int_equal(st, PS_OK);
    json_decref(r);
    return limit;
}

static void the_graph_depends_on_the_seed_and_not_on_threads_or_memory(void **state)
{
    static const struct {
        uint64_t threads, memory, seed; /* memory 1: the least */
    } run[] = {{1, 0, 1}, {2, 0, 1}, {3, 0, 1}, {1, 1400000, 1}, {3, 1, 1}, {1, 0, 2}};
    struct whole first, w;
    struct ps_opts *o = calloc(1, sizeof *o);
    struct ps_ctx ctx;

    (void)state;
    for (size_t i = 0; i < sizeof run / sizeof run[0]; i++) {
        char name[] = "seed0.ps";
        uint64_t memory = run[i].memory;
        ps_ctx_init(&ctx, NULL);
        set_options(o, PS_CMD_GENERATE, medium);
        o->common.threads = run[i].threads;
        o->common.seed = run[i].seed;
        name[4] = (char)('0' + i);
        memory = memory == 1 ? least_memory(o) : memory;
        atomic_store(&ctx.mem.limit_bytes, memory);
        json_decref(make(&ctx, name, o));
        assert_true(memory == 0 || ctx.mem.peak_bytes <= memory);
        atomic_store(&ctx.mem.limit_bytes, 0);
        whole_read(i == 0 ? &first : &w, &ctx, o->common.out);
        if (i > 0 && i < 5)
            assert_whole_equal(&first, &w);
        if (i == 5) {
            assert_memory_not_equal(first.indptr, w.indptr, 3001 * 8);
            assert_memory_not_equal(first.row[PS_ARRAY_FEATURES], w.row[PS_ARRAY_FEATURES], 3000);
            assert_memory_not_equal(first.split, w.split, 3000);
        }
        if (i > 0)
            whole_free(&w);
    }
    whole_free(&first);
    free(o);
}

/* The least memory in which sources by degree can be had gives the same graph; and halves are the
 * floats, rounded. */
static void sources_by_degree_and_halves_depend_on_nothing_else_either(void **state)
{
    static const char *const by_degree[] = {"near-weight", "near-window", "homophily", "near"};
    static const char *const value[] = {"degree", "100", "0.1", "0.7"};
    struct ps_opts *o = calloc(1, sizeof *o);
    struct whole w[3]; /* plain; other threads and the least memory; floats */
    struct ps_ctx ctx[3];

    (void)state;
    set_options(o, PS_CMD_GENERATE, medium);
    o->common.force = true;
    for (int i = 0; i < 4; i++)
        assert_ok(ps_opts_set(o, PS_CMD_GENERATE, by_degree[i], value[i]));
    for (int i = 0; i < 3; i++) {
        char name[] = "half0.ps";
        ps_ctx_init(&ctx[i], NULL);
        name[4] = (char)('0' + i);
        o->common.threads = i == 1 ? 3 : 1;
        o->generate.feature_type = i == 2 ? PS_GENERATE_F32 : PS_GENERATE_F16;
        atomic_store(&ctx[i].mem.limit_bytes, i == 1 ? least_memory(o) : 0);
        json_decref(make(&ctx[i], name, o));
        atomic_store(&ctx[i].mem.limit_bytes, 0);
        whole_read(&w[i], &ctx[i], o->common.out);
    }
    assert_whole_equal(&w[0], &w[1]);
    assert_int_equal(w[0].meta->feature_type, PS_TYPE_F16);
    assert_int_equal(w[0].row_bytes[PS_ARRAY_FEATURES], 14);
    for (size_t i = 0; i < 3000 * 7; i++) {
        uint16_t half;
        float x;
        memcpy(&half, w[0].row[PS_ARRAY_FEATURES] + i * sizeof half, sizeof half);
        memcpy(&x, w[2].row[PS_ARRAY_FEATURES] + i * sizeof x, sizeof x);
        assert_int_equal(half, ps_half_of(x));
    }
    assert_memory_equal(w[0].indices, w[2].indices, w[0].meta->edges * 8);
    for (int i = 0; i < 3; i++)
        whole_free(&w[i]);
    free(o);
}

static double number(const json_t *report, const char *key)
{
    const json_t *x = json_object_get(report, key);

    if (!json_is_number(x))
        fail_msg("the report has no number '%s'", key);
    return json_number_value(x);
}

static void assert_near(double x, double want, double by)
{
    if (!(fabs(x - want) <= by))
        fail_msg("%.9g, expected %.9g +- %.3g", x, want, by);
}

struct shares {
    uint64_t inside, near, same, most;
};

/* Count over the data what the report says, with the model's own ranges. */
static struct shares count_shares(const struct whole *w, const struct ps_sbm *m)
{
    struct shares s = {0};
    const int32_t *label = (const int32_t *)(void *)w->row[PS_ARRAY_LABELS];

    for (uint64_t v = 0; v < m->nodes; v++) {
        s.most = ps_max(s.most, w->indptr[v + 1] - w->indptr[v]);
        for (uint64_t e = w->indptr[v]; e < w->indptr[v + 1]; e++) {
            uint64_t u = w->indices[e];
            assert_true(u != v && (e == w->indptr[v] || u > w->indices[e - 1]));
            s.inside += ps_sbm_community(m, u) == ps_sbm_community(m, v);
            s.near += (u > v ? u - v : v - u) <= ps_sbm_window(m);
            s.same += label[u] == label[v];
        }
    }
    return s;
}

static void check_nodes(const struct whole *w, const struct ps_sbm *m)
{
    uint32_t *out = calloc(m->nodes, sizeof *out);

    for (uint64_t e = 0; e < w->meta->edges; e++)
        out[w->indices[e]]++;
    assert_memory_equal(out, w->row[PS_ARRAY_OUT_DEGREE], m->nodes * sizeof *out);
    free(out);
    for (uint64_t v = 0; v < m->nodes; v++) {
        assert_int_equal(((uint64_t *)(void *)w->row[PS_ARRAY_ORIG_ID])[v], v);
        assert_int_equal(((int32_t *)(void *)w->row[PS_ARRAY_LABELS])[v], ps_sbm_class(m, v));
        assert_int_equal(w->indptr[v + 1] - w->indptr[v], ps_sbm_degree(m, v));
    }
}

static void the_report_is_what_the_data_says(void **state)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    struct ps_ctx ctx;
    struct ps_sbm m;
    struct shares s;
    struct whole w;
    json_t *r;
    double edges;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    set_options(o, PS_CMD_GENERATE, medium);
    assert_ok(ps_opts_set(o, PS_CMD_GENERATE, "edges", "45000"));
    r = make(&ctx, "report.ps", o);
    whole_read(&w, &ctx, o->common.out);
    assert_ok(ps_sbm_init(&m, &o->generate, 1));
    s = count_shares(&w, &m);
    check_nodes(&w, &m);
    edges = (double)w.meta->edges;
    assert_near(edges, 45000, 450);
    assert_near(number(r, "edges"), edges, 0);
    assert_near(number(r, "mean_in_degree"), edges / 3000, 1e-12);
    assert_near(number(r, "max_in_degree"), (double)s.most, 0);
    assert_near(number(r, "share_in_community"), (double)s.inside / edges, 1e-12);
    assert_near(number(r, "share_near"), (double)s.near / edges, 1e-12);
    assert_near(number(r, "share_same_class"), (double)s.same / edges, 1e-12);
    assert_near(number(r, "drawn_in_community"), 0.7, 0.02); /* some hubs are above the 150 */
    assert_near(number(r, "drawn_near"), 0.1, 5 * sqrt(0.09 / edges));
    /* the rest falls into the community of 1/20 by chance */
    assert_true(number(r, "share_in_community") > number(r, "drawn_in_community"));
    assert_near(number(r, "train"), 300, 0);
    assert_int_equal(w.meta->train_offsets[1], 300);
    assert_string_equal(w.meta->name, "report");
    assert_string_equal(w.meta->partitioner, "none");
    assert_non_null(strstr(w.meta->provenance, "\\\"quoted\\\""));
    assert_true(!w.meta->symmetrised && w.meta->parts == 1 && w.meta->classes == 5);
    json_decref(r);
    whole_free(&w);
    free(o);
}

static void a_graph_without_edges_and_one_with_all_of_them_can_be_had(void **state)
{
    static const char *const none[] = {"nodes", "50",       "mean-degree", "0", "classes",
                                       "2",     "features", "1",           NULL};
    static const char *const all[] = {"nodes", "50",       "edges", "2450", "classes",
                                      "50",    "features", "1",     NULL};
    struct ps_opts *o = calloc(1, sizeof *o);
    struct ps_ctx ctx;
    struct whole w;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    set_options(o, PS_CMD_GENERATE, none);
    json_decref(make(&ctx, "none.ps", o));
    whole_read(&w, &ctx, o->common.out);
    assert_int_equal(w.meta->edges, 0);
    whole_free(&w);
    set_options(o, PS_CMD_GENERATE, all);
    json_decref(make(&ctx, "all.ps", o));
    whole_read(&w, &ctx, o->common.out);
    assert_int_equal(w.meta->edges, 2450);
    whole_free(&w);
    free(o);
}

static void what_fails_leaves_nothing_behind(void **state)
{
    static const char *const small[] = {"nodes", "40", "features", "3", "classes", "2", NULL};
    struct ps_opts *o = calloc(1, sizeof *o);
    char path[PS_TEST_PATH_BYTES];
    ps_status st = PS_EMEM;
    json_t *r = json_object();
    struct ps_ctx ctx;
    int failed = -1;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    set_options(o, PS_CMD_GENERATE, small);
    assert_fails(ps_generate_sbm(&ctx, o, "", r), PS_EUSAGE, "--out is needed");
    snprintf(o->common.out, sizeof o->common.out, "%s", ps_test_path(path, dir, "fail.ps"));
    for (long long n = 0; st != PS_OK && n < 1000; n++, failed++) {
        ps_mem_fail_after(&ctx.mem, n);
        st = ps_generate_sbm(&ctx, o, "", r);
        assert_true(st == PS_OK || st == PS_EMEM);
        assert_int_equal(ps_mem_live(&ctx.mem), 0);
        assert_int_equal(access(path, F_OK), st == PS_OK ? 0 : -1);
    }
    assert_true(st == PS_OK && failed > 20);
    ps_mem_fail_after(&ctx.mem, -1);
    assert_fails(ps_generate_sbm(&ctx, o, "", r), PS_EUSAGE, "exists");
    o->common.force = true;
    assert_ok(ps_generate_sbm(&ctx, o, "", r));
    atomic_store(&ctx.mem.limit_bytes, 1000);
    assert_fails(ps_generate_sbm(&ctx, o, "", r), PS_EMEM, "budget of 1000 bytes");
    atomic_store(&ctx.mem.limit_bytes, 0);
    snprintf(o->common.out, sizeof o->common.out, "%s/no/such/d.ps", dir);
    assert_int_equal(ps_generate_sbm(&ctx, o, "", r), PS_EIO);
    assert_non_null(strstr(ps_err_sentence(), "no/such"));
    json_decref(r);
    free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_graph_depends_on_the_seed_and_not_on_threads_or_memory),
        cmocka_unit_test(sources_by_degree_and_halves_depend_on_nothing_else_either),
        cmocka_unit_test(the_report_is_what_the_data_says),
        cmocka_unit_test(a_graph_without_edges_and_one_with_all_of_them_can_be_had),
        cmocka_unit_test(what_fails_leaves_nothing_behind),
    };
    int rc;

    ps_test_dir_make(dir);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    ps_test_dir_remove(dir);
    return rc;
}
