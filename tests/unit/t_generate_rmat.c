/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets of generate rmat, read back whole and compared with the edges of the model. */
#include "tests/whole.h"

#include "src/graph/ingest.h"
#include "src/graph/rmat.h"

#include <math.h>

static char dir[PS_TEST_DIR_BYTES];

static json_t *make(struct ps_ctx *ctx, const char *name, struct ps_opts *o)
{
    long long live = ps_mem_live(&ctx->mem);
    json_t *report = json_object();
    char path[PS_TEST_PATH_BYTES];

    snprintf(o->common.out, sizeof o->common.out, "%s", ps_test_path(path, dir, name));
    assert_ok(ps_generate_rmat(ctx, o, "penstock generate rmat \"quoted\"", report));
    assert_int_equal(ps_mem_live(&ctx->mem), live);
    return report;
}

static uint64_t number(const json_t *report, const char *key)
{
    const json_t *x = json_object_get(report, key);

    if (!json_is_integer(x))
        fail_msg("the report has no whole number '%s'", key);
    return (uint64_t)json_integer_value(x);
}

static const char *const medium[] = {
    "nodes",       "3000", "features",    "7",   "mean-degree", "12",   "classes", "5",
    "train-share", "0.3",  "valid-share", "0.2", "test-share",  "0.25", NULL};

/* 300,000 edges at 20 bytes do not fit beside the writer's buffers: several ranges. */
static void the_graph_depends_on_the_seed_and_not_on_threads_or_memory(void **state)
{
    static const struct {
        uint64_t threads, memory, seed;
    } run[] = {{1, 0, 1}, {2, 0, 1}, {3, 16 << 20, 1}, {1, 0, 2}};
    struct ps_opts *o = calloc(1, sizeof *o);
    struct whole first, w;
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    for (size_t i = 0; i < sizeof run / sizeof run[0]; i++) {
        char name[] = "seed0.ps";
        json_t *r;
        set_options(o, PS_CMD_GENERATE, medium);
        o->generate.edges = 300000;
        o->common.threads = run[i].threads;
        o->common.seed = run[i].seed;
        name[4] = (char)('0' + i);
        atomic_store(&ctx.mem.limit_bytes, run[i].memory);
        atomic_store(&ctx.mem.peak_bytes, atomic_load(&ctx.mem.used_bytes));
        r = make(&ctx, name, o);
        assert_true((number(r, "sort_ranges") > 1) == (run[i].memory > 0));
        assert_true(run[i].memory == 0 || ctx.mem.peak_bytes <= run[i].memory);
        json_decref(r);
        atomic_store(&ctx.mem.limit_bytes, 0);
        whole_read(i == 0 ? &first : &w, &ctx, o->common.out);
        if (i == 0)
            continue;
        if (i < 3)
            assert_whole_equal(&first, &w);
        else
            assert_memory_not_equal(first.indptr, w.indptr, 3001 * 8);
        whole_free(&w);
    }
    whole_free(&first);
    free(o);
}

/* All edges of the model as (target, source), as the options want them: sorted. */
static struct ps_sort_pair *edges_of(const struct ps_opts *o, const struct ps_rmat *m,
                                     uint64_t drawn, uint64_t *count)
{
    struct ps_sort_pair *e = calloc(2 * drawn, sizeof *e);
    uint64_t n = 0, kept = 0;

    for (uint64_t i = 0; i < drawn; i++) {
        uint64_t u, v;
        ps_rmat_edge(m, i, &u, &v);
        u = ps_rmat_id(m, u), v = ps_rmat_id(m, v);
        if (u == v && o->import.drop_loops)
            continue;
        e[n++] = (struct ps_sort_pair){v, u};
        if (u != v && o->import.symmetrise)
            e[n++] = (struct ps_sort_pair){u, v};
    }
    ps_sort_pairs(e, n);
    for (uint64_t i = 0; i < n; i++)
        if (!o->import.dedupe || i == 0 || e[i].id != e[i - 1].id || e[i].with != e[i - 1].with)
            e[kept++] = e[i];
    *count = kept;
    return e;
}

static void check_edges(const struct whole *w, const struct ps_sort_pair *e, uint64_t count)
{
    uint32_t *out = calloc(w->meta->nodes, sizeof *out);

    assert_int_equal(w->meta->edges, count);
    for (uint64_t v = 0; v < w->meta->nodes; v++)
        for (uint64_t i = w->indptr[v]; i < w->indptr[v + 1]; i++) {
            assert_int_equal(e[i].id, v);
            assert_int_equal(e[i].with, w->indices[i]);
            out[w->indices[i]]++;
        }
    assert_memory_equal(out, w->row[PS_ARRAY_OUT_DEGREE], w->meta->nodes * sizeof *out);
    free(out);
}

static void edges_are_those_of_the_model_for_any_options(void **state)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    uint64_t counts[8];
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    for (unsigned k = 0; k < 8; k++) {
        struct ps_sort_pair *e;
        struct ps_rmat m;
        struct whole w;
        json_t *r;
        set_options(o, PS_CMD_GENERATE, medium);
        o->common.force = true;
        o->import.drop_loops = k & 1, o->import.dedupe = k & 2, o->import.symmetrise = k & 4;
        r = make(&ctx, "edges.ps", o);
        whole_read(&w, &ctx, o->common.out);
        assert_ok(ps_rmat_init(&m, &o->generate, 1));
        e = edges_of(o, &m, 36000, &counts[k]);
        check_edges(&w, e, counts[k]);
        assert_int_equal(number(r, "edges"), counts[k]);
        assert_int_equal(number(r, "edges_drawn"), 36000);
        assert_int_equal(w.meta->symmetrised, k >= 4);
        free(e);
        json_decref(r);
        whole_free(&w);
    }
    assert_int_equal(counts[0], 36000); /* Graph500 keeps them all */
    assert_true(counts[1] < counts[0] && counts[2] < counts[0] && counts[4] > counts[0]);
    free(o);
}

static void nodes_are_what_the_report_says_and_only_those_with_in_edges_train(void **state)
{
    uint64_t count[4] = {0}, with = 0, most = 0;
    struct ps_opts *o = calloc(1, sizeof *o);
    struct ps_ctx ctx;
    struct ps_rmat m;
    struct whole w;
    json_t *r;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    set_options(o, PS_CMD_GENERATE, medium);
    r = make(&ctx, "nodes.ps", o);
    whole_read(&w, &ctx, o->common.out);
    assert_ok(ps_rmat_init(&m, &o->generate, 1));
    for (uint64_t v = 0; v < 3000; v++) {
        uint64_t degree = w.indptr[v + 1] - w.indptr[v];
        assert_true(w.split[v] != PS_SPLIT_TRAIN || degree > 0);
        assert_int_equal(((uint64_t *)(void *)w.row[PS_ARRAY_ORIG_ID])[v], v);
        assert_int_equal(((int32_t *)(void *)w.row[PS_ARRAY_LABELS])[v], ps_rmat_class(&m, v));
        count[w.split[v]]++;
        with += degree > 0;
        most = ps_max(most, degree);
    }
    assert_int_equal(count[PS_SPLIT_TRAIN], 900);
    assert_int_equal(count[PS_SPLIT_VALID], 600);
    assert_int_equal(count[PS_SPLIT_TEST], 750);
    assert_true(with < 2900); /* there are nodes that may not train */
    assert_int_equal(number(r, "nodes_with_in_edges"), with);
    assert_int_equal(number(r, "max_in_degree"), most);
    assert_int_equal(number(r, "train"), 900);
    assert_int_equal(w.meta->train_offsets[1], 900);
    assert_string_equal(w.meta->name, "nodes");
    assert_non_null(strstr(w.meta->provenance, "\\\"quoted\\\""));
    json_decref(r);
    whole_free(&w);
    o->common.force = true;
    o->generate.train_share = 0.999, o->generate.valid_share = o->generate.test_share = 0;
    assert_fails(ps_generate_rmat(&ctx, o, "", NULL), PS_EUSAGE, "have in-edges");
    assert_int_equal(ps_mem_live(&ctx.mem), 0);
    free(o);
}

static void a_graph_without_edges_can_be_had_if_nobody_trains(void **state)
{
    static const char *const none[] = {"nodes", "50",       "mean-degree", "0", "train-share",
                                       "0",     "features", "1",           NULL};
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
    assert_fails(ps_generate_rmat(&ctx, o, "", r), PS_EUSAGE, "--out is needed");
    snprintf(o->common.out, sizeof o->common.out, "%s", ps_test_path(path, dir, "fail.ps"));
    for (long long n = 0; st != PS_OK && n < 1000; n++, failed++) {
        ps_mem_fail_after(&ctx.mem, n);
        st = ps_generate_rmat(&ctx, o, "", r);
        assert_true(st == PS_OK || st == PS_EMEM);
        assert_int_equal(ps_mem_live(&ctx.mem), 0);
        assert_int_equal(access(path, F_OK), st == PS_OK ? 0 : -1);
    }
    assert_true(st == PS_OK && failed > 20);
    ps_mem_fail_after(&ctx.mem, -1);
    assert_fails(ps_generate_rmat(&ctx, o, "", r), PS_EUSAGE, "exists");
    o->common.force = true;
    atomic_store(&ctx.mem.limit_bytes, 1 << 20);
    assert_fails(ps_generate_rmat(&ctx, o, "", r), PS_EMEM, "too little to generate 40 nodes");
    atomic_store(&ctx.mem.limit_bytes, 0);
    o->generate.edges = UINT64_C(1) << 46;
    assert_fails(ps_generate_rmat(&ctx, o, "", r), PS_EIO, "cannot reserve");
    o->generate.edges = 0;
    snprintf(o->common.out, sizeof o->common.out, "%s/no/such/d.ps", dir);
    assert_int_equal(ps_generate_rmat(&ctx, o, "", r), PS_EIO);
    assert_non_null(strstr(ps_err_sentence(), "no/such"));
    json_decref(r);
    free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_graph_depends_on_the_seed_and_not_on_threads_or_memory),
        cmocka_unit_test(edges_are_those_of_the_model_for_any_options),
        cmocka_unit_test(nodes_are_what_the_report_says_and_only_those_with_in_edges_train),
        cmocka_unit_test(a_graph_without_edges_can_be_had_if_nobody_trains),
        cmocka_unit_test(what_fails_leaves_nothing_behind),
    };
    int rc;

    ps_test_dir_make(dir);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    ps_test_dir_remove(dir);
    return rc;
}
