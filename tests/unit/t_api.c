/* SPDX-License-Identifier: Apache-2.0 */
/* The library as its users see it: what it says of a graph is what was written. */
#include "tests/ps_test.h"

#include "src/api/graph_impl.h"
#include "tests/ps_dataset.h"

#include <string.h>

enum { NODES = 400, PARTS = 3, DIM = 6, CLASSES = 4 };

static char dir[PS_TEST_DIR_BYTES], path[3][PS_TEST_PATH_BYTES];
static struct ps_test_graph made[3];
static const struct ps_test_shape shapes[3] = {
    {NODES, PARTS, 9, PS_FEATURES_DENSE, PS_TYPE_F32, DIM, false, false, CLASSES, false, 2, false},
    {NODES, PARTS, 7, PS_FEATURES_CSR, PS_TYPE_F32, 50, true, false, CLASSES, false, 1, false},
    {NODES, PARTS, 5, PS_FEATURES_NONE, PS_TYPE_F32, 0, false, false, 0, false, 0, false},
};
static const char *const quiet[] = {"quiet", "yes", "io", "pread", NULL};

static struct penstock_graph *open_graph(int which)
{
    struct penstock_graph *g;

    if (penstock_graph_open(&g, path[which], quiet) != PENSTOCK_OK)
        fail_msg("%s", penstock_sentence());
    return g;
}

static void facts_are_those_of_the_dataset(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        struct penstock_graph *g = open_graph(k);
        const struct penstock_facts *f = penstock_graph_facts(g);
        assert_string_equal(f->name, "test");
        assert_int_equal(f->nodes, NODES);
        assert_int_equal(f->edges, made[k].indptr[NODES]);
        assert_int_equal(f->feature_dim, shapes[k].dim);
        assert_int_equal(f->classes, shapes[k].classes);
        assert_int_equal(f->splits, shapes[k].splits);
        assert_int_equal(f->parts, PARTS);
        assert_int_equal(f->rank, 0);
        assert_int_equal(f->ranks, 1);
        assert_int_equal(f->first, 0);
        assert_int_equal(f->count, NODES);
        penstock_graph_close(&g);
        assert_null(g);
        penstock_graph_close(&g);
    }
}

static void labels_splits_degrees_and_ids_are_what_was_written(void **state)
{
    struct penstock_graph *g = open_graph(0);
    uint64_t id[NODES];

    (void)state;
    assert_memory_equal(penstock_graph_labels(g), made[0].labels, NODES * sizeof(int32_t));
    assert_memory_equal(penstock_graph_split(g), made[0].split, NODES);
    assert_int_equal(penstock_graph_use_split(g, 1), PENSTOCK_OK);
    assert_memory_equal(penstock_graph_split(g), made[0].split + NODES, NODES);
    for (uint64_t v = 0; v < NODES; v++)
        assert_int_equal(penstock_graph_in_degree(g, v), made[0].indptr[v + 1] - made[0].indptr[v]);
    assert_int_equal(penstock_graph_in_degree(g, NODES), 0);
    assert_int_equal(penstock_graph_input_ids(g, 0, NODES, id), PENSTOCK_OK);
    assert_memory_equal(id, made[0].orig_id, sizeof id);
    assert_int_equal(penstock_graph_input_ids(g, 390, 10, id), PENSTOCK_OK);
    assert_memory_equal(id, made[0].orig_id + 390, 10 * sizeof *id);
    assert_fails(penstock_graph_input_ids(g, 390, 11, id), PENSTOCK_USAGE, "this rank has 400");
    assert_fails(penstock_graph_use_split(g, 2), PENSTOCK_USAGE, "has 2 splits");
    penstock_graph_close(&g);
}

/* The row of node v as float32, from the arrays that were written. */
static void plain_row(const struct ps_test_graph *t, uint64_t v, float *row)
{
    uint32_t dim = t->shape.dim;

    if (t->shape.kind == PS_FEATURES_DENSE) {
        memcpy(row, t->features + v * dim * sizeof *row, dim * sizeof *row);
        return;
    }
    memset(row, 0, dim * sizeof *row);
    for (uint64_t e = t->fptr[v]; e < t->fptr[v + 1]; e++) {
        uint16_t col;
        memcpy(&col, t->fidx + e * sizeof col, sizeof col);
        row[col] = t->fval[e];
    }
}

static void rows_come_in_the_order_asked_for(void **state)
{
    static const uint64_t node[] = {399, 0, 17, 16, 133, 398};
    float row[6 * 50], want[50];

    (void)state;
    for (int k = 0; k < 2; k++) {
        struct penstock_graph *g = open_graph(k);
        uint32_t dim = shapes[k].dim;
        assert_int_equal(penstock_graph_rows(g, node, 6, row), PENSTOCK_OK);
        for (int i = 0; i < 6; i++) {
            plain_row(&made[k], node[i], want);
            assert_memory_equal(row + i * (int)dim, want, dim * sizeof *row);
        }
        assert_int_equal(penstock_graph_rows(g, NULL, 0, NULL), PENSTOCK_OK);
        penstock_graph_close(&g);
    }
}

static void wrong_nodes_are_refused_by_name(void **state)
{
    static const uint64_t outside[] = {3, NODES}, twice[] = {5, 1, 5};
    static const int64_t one = 1;
    struct penstock_graph *g = open_graph(0);
    struct penstock_sampler *s;
    struct penstock_sample sample;
    float row[3 * DIM];

    (void)state;
    assert_fails(penstock_graph_rows(g, outside, 2, row), PENSTOCK_USAGE, "node 400 (index 1)");
    penstock_graph_close(&g);
    g = open_graph(0);
    assert_int_equal(penstock_sampler_new(&s, g, &one, 1), PENSTOCK_OK);
    assert_fails(penstock_sampler_run(s, 1, 0, 0, twice, 3, &sample), PENSTOCK_USAGE,
                 "node 5 is listed more than once");
    penstock_sampler_free(&s);
    assert_null(s);
    penstock_graph_close(&g);
    g = open_graph(2);
    assert_fails(penstock_graph_rows(g, twice, 1, row), PENSTOCK_USAGE, "has no features");
    penstock_graph_close(&g);
}

static void a_sample_without_a_limit_holds_all_in_edges(void **state)
{
    static const int64_t all[] = {-1, -1};
    static const uint64_t seed[] = {7, 300, 12};
    struct penstock_graph *g = open_graph(1);
    struct penstock_sampler *s;
    struct penstock_sample sample;

    (void)state;
    assert_int_equal(penstock_sampler_new(&s, g, all, 2), PENSTOCK_OK);
    assert_int_equal(penstock_sampler_run(s, 1, 0, 0, seed, 3, &sample), PENSTOCK_OK);
    assert_int_equal(sample.hops, 2);
    assert_memory_equal(sample.node, seed, sizeof seed);
    assert_int_equal(sample.block[1].dst_count, 3);
    assert_int_equal(sample.block[1].src_count, sample.block[0].dst_count);
    assert_int_equal(sample.block[0].src_count, sample.node_count);
    for (uint32_t h = 0; h < 2; h++)
        for (uint32_t d = 0; d < sample.block[h].dst_count; d++) {
            const struct penstock_block *b = &sample.block[h];
            uint64_t v = sample.node[d], first = made[1].indptr[v];
            assert_int_equal(b->in_degree[d], made[1].indptr[v + 1] - first);
            assert_int_equal(b->row_begin[d + 1] - b->row_begin[d], b->in_degree[d]);
            for (uint64_t e = 0; e < b->in_degree[d]; e++)
                assert_int_equal(sample.node[b->col[b->row_begin[d] + e]],
                                 made[1].indices[first + e]);
        }
    penstock_sampler_free(&s);
    penstock_graph_close(&g);
}

static void a_sample_depends_on_its_keys_and_keeps_to_the_fan_out(void **state)
{
    static const int64_t fanout[] = {2, 3};
    struct penstock_graph *g = open_graph(0);
    struct penstock_sampler *s;
    struct penstock_sample a;
    uint64_t seed[40], first[NODES], n, same[3];

    (void)state;
    for (uint64_t i = 0; i < 40; i++)
        seed[i] = 399 - i * 9;
    assert_int_equal(penstock_sampler_new(&s, g, fanout, 2), PENSTOCK_OK);
    assert_int_equal(penstock_sampler_run(s, 1, 2, 3, seed, 40, &a), PENSTOCK_OK);
    for (uint32_t d = 0; d < 40; d++)
        assert_int_equal(a.block[1].row_begin[d + 1] - a.block[1].row_begin[d],
                         ps_min(2, a.block[1].in_degree[d]));
    n = a.node_count;
    memcpy(first, a.node, n * sizeof *first);
    for (uint64_t k = 0; k < 3; k++) { /* the same, another batch, another key */
        assert_int_equal(penstock_sampler_run(s, 1 + k / 2, 2, 3 + k % 2, seed, 40, &a),
                         PENSTOCK_OK);
        same[k] = a.node_count == n && memcmp(first, a.node, n * sizeof *first) == 0;
    }
    assert_true(same[0] && !same[1] && !same[2]);
    penstock_sampler_free(&s);
    penstock_graph_close(&g);
}

static void samplers_that_cannot_be_are_refused(void **state)
{
    static const int64_t wrong[] = {5, -2};
    struct penstock_graph *g = open_graph(0);
    struct penstock_sampler *s;

    (void)state;
    assert_fails(penstock_sampler_new(&s, g, wrong, 0), PENSTOCK_USAGE, "1 to 16 hops, found 0");
    assert_fails(penstock_sampler_new(&s, g, wrong, 17), PENSTOCK_USAGE, "found 17");
    assert_fails(penstock_sampler_new(&s, g, wrong, 2), PENSTOCK_USAGE, "fan-out -2 of hop 1");
    assert_null(s);
    penstock_graph_close(&g);
}

static void options_are_checked_as_on_the_command_line(void **state)
{
    static const char *const mistyped[] = {"thread", "1", NULL};
    static const char *const odd[] = {"quiet", "yes", "threads", NULL};
    static const char *const large[] = {"threads", "100000", NULL};
    static const char *const other[] = {"parts", "3", NULL};
    static const char *const nowhere[] = {"config", "/nonexistent/file.ini", NULL};
    static const char *const latin[] = {"out", "\xe4", NULL};
    static const char *const small[] = {"memory", "1K", NULL};
    struct penstock_graph *g;

    (void)state;
    assert_fails(penstock_graph_open(&g, path[0], mistyped), PENSTOCK_USAGE, "--threads?");
    assert_fails(penstock_graph_open(&g, path[0], odd), PENSTOCK_USAGE, "'threads' has no value");
    assert_fails(penstock_graph_open(&g, path[0], large), PENSTOCK_USAGE, "outside 0 to 1024");
    assert_fails(penstock_graph_open(&g, path[0], other), PENSTOCK_USAGE, "--parts");
    assert_fails(penstock_graph_open(&g, path[0], nowhere), PENSTOCK_INPUT, "file.ini");
    assert_fails(penstock_graph_open(&g, path[0], latin), PENSTOCK_USAGE, "not UTF-8");
    assert_fails(penstock_graph_open(&g, path[0], small), PENSTOCK_MEMORY, "memory");
    assert_fails(penstock_graph_open(&g, NULL, NULL), PENSTOCK_USAGE, "is NULL");
    assert_fails(penstock_graph_open(&g, "/nonexistent.ps", quiet), PENSTOCK_INPUT, "not there");
    assert_null(g);
}

static void the_file_of_options_yields_to_the_call(void **state)
{
    char file[PS_TEST_PATH_BYTES];
    const char *options[] = {"threads", "2", "config", ps_test_path(file, dir, "o.ini"), NULL};
    struct ps_session *s;
    FILE *f = fopen(file, "w");

    (void)state;
    assert_non_null(f);
    fputs("threads = 3\nqueue-depth = 5\nquiet = yes\n", f);
    fclose(f);
    assert_ok(ps_session_new(&s, PS_CMD_TRAIN, "d", options));
    assert_int_equal(s->opts.common.threads, 2);
    assert_int_equal(s->opts.io.queue_depth, 5);
    assert_true(s->ctx.log.quiet);
    assert_non_null(strstr(s->line, "d --threads 2 --config /"));
    assert_int_equal(ps_session_end(&s, PS_OK), 0);
}

static void training_and_inference_report_and_leave_their_files(void **state)
{
    char run[PS_TEST_PATH_BYTES], out[PS_TEST_PATH_BYTES];
    const char *const train[] = {
        "out", ps_test_path(run, dir, "run"), "epochs", "2", "quiet", "yes", "threads", "1", NULL};
    const char *const infer[] = {"run",   run,   "out", ps_test_path(out, dir, "p.h5"),
                                 "quiet", "yes", NULL};
    struct penstock_report *r;
    double x = -1, y = -1;

    (void)state;
    assert_int_equal(penstock_train(path[0], train, &r), PENSTOCK_OK);
    assert_int_equal(penstock_report_number(r, "test_accuracy", &x), PENSTOCK_OK);
    assert_true(x >= 0 && x <= 1);
    assert_int_equal(penstock_report_number(r, "epochs", &y), PENSTOCK_OK);
    assert_non_null(strstr(penstock_report_json(r), "\"samples_fingerprint\""));
    assert_fails(penstock_report_number(r, "no_such_key", &y), PENSTOCK_USAGE, "no key");
    assert_fails(penstock_report_number(r, "dataset", &y), PENSTOCK_USAGE, "'dataset'");
    penstock_report_free(&r);
    assert_null(r);
    assert_int_equal(penstock_infer(path[0], infer, &r), PENSTOCK_OK);
    assert_int_equal(penstock_report_number(r, "test_accuracy", &y), PENSTOCK_OK);
    assert_true(x == y); /* both over all neighbours, with the kept model */
    penstock_report_free(&r);
    assert_fails(penstock_infer(path[0], infer, &r), PENSTOCK_USAGE, "exists already");
    assert_fails(penstock_infer(path[0], quiet, &r), PENSTOCK_USAGE, "needs the options run");
    assert_fails(penstock_train(path[2], quiet, &r), PENSTOCK_INPUT, "");
    assert_null(r);
}

static void every_failed_allocation_is_told_and_nothing_leaks(void **state)
{
    static const int64_t fanout[] = {4, 4};
    static const uint64_t seed[] = {1, 2, 3, 250};
    uint64_t failures = 0;
    bool whole = false;

    (void)state;
    for (long long n = 0; !whole; n++) {
        struct penstock_graph *g = open_graph(0);
        struct penstock_sampler *s = NULL;
        struct penstock_sample sample;
        float row[4 * DIM];
        int rc;
        ps_mem_fail_after(&g->session->ctx.mem, n);
        rc = penstock_sampler_new(&s, g, fanout, 2);
        if (rc == PENSTOCK_OK)
            rc = penstock_sampler_run(s, 1, 0, 0, seed, 4, &sample);
        if (rc == PENSTOCK_OK)
            rc = penstock_graph_rows(g, seed, 4, row);
        whole = rc == PENSTOCK_OK;
        if (!whole) {
            assert_int_equal(rc, PENSTOCK_MEMORY);
            failures++;
        }
        ps_mem_fail_after(&g->session->ctx.mem, -1);
        penstock_sampler_free(&s);
        penstock_graph_close(&g); /* asserts that nothing is held */
    }
    assert_true(failures > 5);
}

/* What has no label counts in no split: the trainer refuses a dataset that says otherwise. */
static void keep_to_labels(struct ps_test_graph *t)
{
    int32_t label;

    for (uint64_t v = 0; v < NODES && t->shape.splits > 0; v++) {
        memcpy(&label, t->labels + v * sizeof label, sizeof label);
        for (uint64_t s = 0; s < t->shape.splits && label < 0; s++)
            t->split[s * NODES + v] = PENSTOCK_UNUSED;
    }
}

static int make_graphs(void **state)
{
    struct ps_ctx ctx;
    char name[16];

    (void)state;
    ps_test_dir_make(dir);
    ps_ctx_init(&ctx, NULL);
    for (int k = 0; k < 3; k++) {
        snprintf(name, sizeof name, "g%d.ps", k);
        ps_test_path(path[k], dir, name);
        ps_test_graph_make(&made[k], &shapes[k]);
        keep_to_labels(&made[k]);
        assert_ok(ps_test_graph_write(&made[k], &ctx, path[k], false));
    }
    assert_int_equal(ps_ctx_fini(&ctx), 0);
    return 0;
}

static int remove_graphs(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++)
        ps_test_graph_free(&made[k]);
    ps_test_dir_remove(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_are_those_of_the_dataset),
        cmocka_unit_test(labels_splits_degrees_and_ids_are_what_was_written),
        cmocka_unit_test(rows_come_in_the_order_asked_for),
        cmocka_unit_test(wrong_nodes_are_refused_by_name),
        cmocka_unit_test(a_sample_without_a_limit_holds_all_in_edges),
        cmocka_unit_test(a_sample_depends_on_its_keys_and_keeps_to_the_fan_out),
        cmocka_unit_test(samplers_that_cannot_be_are_refused),
        cmocka_unit_test(options_are_checked_as_on_the_command_line),
        cmocka_unit_test(the_file_of_options_yields_to_the_call),
        cmocka_unit_test(training_and_inference_report_and_leave_their_files),
        cmocka_unit_test(every_failed_allocation_is_told_and_nothing_leaks),
    };

    return cmocka_run_group_tests(tests, make_graphs, remove_graphs);
}
