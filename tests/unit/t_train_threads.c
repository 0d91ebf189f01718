/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole run in one process: generate, train, infer, with several compute threads beside the one
 * that talks to the world. The report does not depend on threads or engine; and this is where
 * TSan sees all threads together.
 */
#include "tests/ps_dataset.h"

#include "src/cli/cmd.h"
#include "src/graph/ingest.h"
#include "src/train/train.h"

enum { NODES = 3000 };

struct env {
    struct ps_ctx ctx;
    struct ps_opts o;
    char dir[PS_TEST_DIR_BYTES], path[PS_TEST_PATH_BYTES];
};

static int set_up(void **state)
{
    struct env *e = ps_test_bytes(sizeof *e);

    ps_ctx_init(&e->ctx, NULL);
    ps_test_dir_make(e->dir);
    (void)ps_test_path(e->path, e->dir, "g.ps");
    *state = e;
    return 0;
}

static int tear_down(void **state)
{
    struct env *e = *state;

    ps_test_dir_remove(e->dir);
    assert_int_equal(ps_ctx_fini(&e->ctx), 0);
    free(e);
    return 0;
}

static void make_graph(struct env *e)
{
    json_t *report = json_object();

    ps_opts_init(&e->o);
    e->o.common.quiet = e->o.common.force = true;
    e->o.common.threads = 4;
    e->o.generate.nodes = NODES;
    e->o.generate.features = 20;
    e->o.generate.classes = 5;
    memcpy(e->o.common.out, e->path, strlen(e->path) + 1);
    assert_ok(ps_generate_sbm(&e->ctx, &e->o, "a test", report));
    json_decref(report);
}

static void choose(struct env *e, uint64_t model, uint64_t threads, uint64_t engine)
{
    ps_opts_init(&e->o);
    e->o.positional[0] = e->path;
    e->o.positional_count = 1;
    e->o.common.quiet = e->o.common.force = true;
    e->o.common.threads = threads;
    e->o.io.engine = engine;
    e->o.model.kind = model;
    e->o.model.hidden = 16;
    e->o.train.epochs = 2;
    e->o.train.batch_size = 100;
    (void)snprintf(e->o.common.out, sizeof e->o.common.out, "%s/run", e->dir);
}

/* The numbers of the report that a run is known by, as text. The caller frees it. */
static char *train(struct env *e)
{
    static const char *const key[] = {"train_loss", "valid_accuracy", "test_accuracy",
                                      "samples_fingerprint", "bytes_fingerprint"};
    json_t *report, *known = json_object();
    char *text;

    assert_ok(ps_train(&e->ctx, &e->o, "a test", NULL, &report));
    for (size_t i = 0; i < sizeof key / sizeof key[0]; i++) {
        assert_non_null(json_object_get(report, key[i]));
        json_object_set(known, key[i], json_object_get(report, key[i]));
    }
    text = json_dumps(known, JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    json_decref(known);
    json_decref(report);
    assert_non_null(text);
    return text;
}

static void infer(struct env *e)
{
    json_t *report;

    (void)snprintf(e->o.infer.run, sizeof e->o.infer.run, "%s/run", e->dir);
    (void)snprintf(e->o.common.out, sizeof e->o.common.out, "%s/out.h5", e->dir);
    assert_ok(ps_infer(&e->ctx, &e->o, &report));
    assert_int_equal(json_integer_value(json_object_get(report, "nodes")), NODES);
    json_decref(report);
}

static void a_run_does_not_depend_on_threads_or_engine(void **state)
{
    static const uint64_t model[] = {PS_MODEL_SAGE, PS_MODEL_GCN};
    struct env *e = *state;

    make_graph(e);
    for (int m = 0; m < 2; m++) {
        char *alone, *many;
        choose(e, model[m], 1, PS_IO_PREAD);
        alone = train(e);
        choose(e, model[m], 4, PS_IO_AUTO);
        many = train(e);
        assert_string_equal(alone, many);
        infer(e);
        free(alone);
        free(many);
    }
}

/* The program as its user calls it; the fingerprint of its run.json, borrowed from *record. */
static const char *train_by_ranks(struct env *e, const char *ranks, const char *io, json_t **record)
{
    char out[PS_TEST_PATH_BYTES], file[PS_TEST_PATH_BYTES], how[64], disk[64];
    char word[][24] = {"penstock", "train",      "--out",       "--network=sim",
                       "--quiet",  "--epochs=2", "--threads=2", "--hidden=16"};
    char *argv[] = {word[0], word[1], e->path, word[2], out,  word[3], word[4],
                    word[5], word[6], word[7], how,     disk, NULL};

    (void)ps_test_path(out, e->dir, "by-ranks");
    (void)ps_test_path(file, out, "run.json");
    (void)snprintf(how, sizeof how, "--ranks=%s", ranks);
    (void)snprintf(disk, sizeof disk, "--io=%s", io);
    assert_int_equal(ps_cli_main(sizeof argv / sizeof argv[0] - 1, argv), 0);
    *record = json_load_file(file, 0, NULL);
    return json_string_value(json_object_get(*record, "samples_fingerprint"));
}

/* Four ranks are threads of this process, each with its own beside it and two that compute. */
static void ranks_as_threads_draw_the_same_samples(void **state)
{
    struct env *e = *state;
    json_t *one, *four, *report = json_object();
    const char *alone, *many;

    make_graph(e);
    ps_opts_init(&e->o);
    e->o.common.quiet = e->o.common.force = true;
    e->o.partition.parts = 4;
    e->o.partition.method = PS_METHOD_RANGE;
    (void)snprintf(e->o.common.out, sizeof e->o.common.out, "%s/parts.ps", e->dir);
    assert_ok(ps_partition(&e->ctx, &e->o, e->path, "a test", report));
    memcpy(e->path, e->o.common.out, strlen(e->o.common.out) + 1);
    json_decref(report);
    alone = train_by_ranks(e, "1", "auto", &one);
    many = train_by_ranks(e, "4", "sim", &four);
    assert_non_null(alone);
    assert_non_null(many);
    assert_string_equal(alone, many);
    json_decref(one);
    json_decref(four);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_does_not_depend_on_threads_or_engine, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(ranks_as_threads_draw_the_same_samples, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
