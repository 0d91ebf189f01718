/* SPDX-License-Identifier: Apache-2.0 */
/* err, mem, opt, rng, trace, worker: the ground everything stands on. */
#include "tests/ps_test.h"

#include "src/base/ctx.h"
#include "src/base/opt.h"
#include "src/base/rng.h"
#include "src/base/worker.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static ps_status inner(void)
{
    PS_FAIL(PS_EINPUT, "dataset %s has %d columns", "feat", 3);
}
static ps_status outer(void)
{
    PS_TRY(inner());
    return PS_OK;
}
static ps_status closing_fails(void)
{
    PS_FAIL(PS_EIO, "the echo");
}
static ps_status fine(void)
{
    return PS_OK;
}
static ps_status work_then_close(ps_status (*work)(void))
{
    ps_status st;

    PS_GO(st, work());
out:
    PS_KEEP(st, closing_fails());
    return st;
}

static void a_failure_tells_its_cause_and_its_way_up(void **state)
{
    char text[512] = "";
    FILE *f = fmemopen(text, sizeof text, "w");

    (void)state;
    assert_int_equal(outer(), PS_EINPUT);
    assert_string_equal(ps_err_sentence(), "dataset feat has 3 columns");
    ps_err_print(f, 1);
    fclose(f);
    assert_non_null(strstr(text, "penstock: dataset feat has 3 columns\n"));
    assert_non_null(strstr(text, "inner()"));
}

static void the_first_failure_is_the_one_told(void **state)
{
    (void)state;
    assert_int_equal(work_then_close(fine), PS_EIO);
    assert_string_equal(ps_err_sentence(), "the echo");
    assert_int_equal(work_then_close(outer), PS_EINPUT);
    assert_string_equal(ps_err_sentence(), "dataset feat has 3 columns");
}

static void every_status_has_a_name_and_the_exit_codes_are_those_of_the_guide(void **state)
{
    static const struct {
        ps_status st;
        int code;
    } want[] = {{PS_OK, 0},   {PS_EUSAGE, 1}, {PS_EINPUT, 2}, {PS_EIO, 3},
                {PS_EMEM, 4}, {PS_EPEER, 5},  {PS_ESTOP, 75}};

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_int_equal(ps_exit_code(want[i].st), want[i].code);
    for (int st = 0; st < PS_STATUS_COUNT; st++)
        assert_true(strcmp(ps_status_name((ps_status)st), "unknown") != 0);
}

static void options_parse_units_and_refuse_nonsense(void **state)
{
    struct ps_opts *o = calloc(1, sizeof *o);

    (void)state;
    ps_opts_init(o);
    assert_int_equal(o->train.batch_size, 1024);
    assert_int_equal(o->io.read_bytes, 256 * 1024);
    assert_int_equal(ps_opts_set(o, PS_CMD_TRAIN, "memory", "4G"), PS_OK);
    assert_true(o->common.memory == UINT64_C(4) << 30);
    assert_int_equal(ps_opts_set(o, PS_CMD_GENERATE, "nodes", "5M"), PS_OK);
    assert_int_equal(o->generate.nodes, 5000000);
    assert_int_equal(ps_opts_set(o, PS_CMD_GENERATE, "edges", "1.5K"), PS_OK);
    assert_int_equal(o->generate.edges, 1500);
    assert_int_equal(ps_opts_set(o, PS_CMD_GENERATE, "nodes", "5MiB"), PS_EUSAGE);
    assert_int_equal(ps_opts_set(o, PS_CMD_GENERATE, "edges", "1.2345K"), PS_EUSAGE);
    assert_int_equal(ps_opts_set(o, PS_CMD_TRAIN, "timeout", "2m"), PS_OK);
    assert_true(o->comm.timeout == 120.0);
    assert_int_equal(ps_opts_set(o, PS_CMD_TRAIN, "io", "pread"), PS_OK);
    assert_int_equal(o->io.engine, PS_IO_PREAD);
    assert_string_equal(ps_opts_choice(o, "io"), "pread");
    assert_int_equal(ps_opts_set(o, PS_CMD_TRAIN, "fanout", "15,-1,5"), PS_OK);
    assert_int_equal(o->train.fanout.count, 3);
    assert_int_equal(o->train.fanout.item[1], -1);
    assert_int_equal(ps_opts_set(o, PS_CMD_TRAIN, "fanout", "15,,5"), PS_EUSAGE);
    assert_int_equal(ps_opts_set(o, PS_CMD_TRAIN, "fanout", "15,"), PS_EUSAGE);
    assert_int_equal(ps_opts_set(o, PS_CMD_TRAIN, "epochs", "0"), PS_EUSAGE);
    assert_int_equal(ps_opts_set(o, PS_CMD_TRAIN, "epochs", "1.5"), PS_EUSAGE);
    assert_int_equal(ps_opts_set(o, PS_CMD_TRAIN, "memory", "4Q"), PS_EUSAGE);
    assert_int_equal(ps_opts_set(o, PS_CMD_TRAIN, "dropout", "nan"), PS_EUSAGE);
    assert_int_equal(ps_opts_set(o, PS_CMD_TRAIN, "model", "gat"), PS_EUSAGE);
    assert_int_equal(ps_opts_set(o, PS_CMD_TRAIN, "parts", "4"), PS_EUSAGE);
    assert_int_equal(o->train.fanout.count, 3);
    free(o);
}

/* argv is an array of char * by tradition; argp does not write to it here. */
static ps_status parse(struct ps_opts *o, int argc, const char *const *word)
{
    static const struct ps_usage u = {PS_CMD_TRAIN, "train", "D.ps", "", NULL, 1, 1};
    char *argv[8] = {NULL}, *own[8];
    bool help;
    ps_status st;

    for (int i = 0; i < argc; i++)
        argv[i] = strdup(word[i]);
    argv[argc] = NULL;
    memcpy(own, argv, sizeof own); /* argp reorders argv */
    st = ps_opts_parse(o, &u, argc, argv, &help);
    for (int i = 0; i < argc; i++) {
        if (o->positional_count > 0 && o->positional[0] == own[i])
            o->positional[0] = "d.ps";
        free(own[i]);
    }
    return st;
}

static void an_unknown_option_gets_a_suggestion(void **state)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    const char *argv[] = {"train", "d.ps", "--batch-sise", "3"};

    (void)state;
    assert_int_equal(parse(o, 4, argv), PS_EUSAGE);
    assert_non_null(strstr(ps_err_sentence(), "--batch-size?"));
    argv[2] = "--batch"; /* abbreviations are not guessed */
    assert_int_equal(parse(o, 4, argv), PS_EUSAGE);
    argv[2] = "--ep"; /* another word: --io is as far from it as from anything */
    assert_int_equal(parse(o, 4, argv), PS_EUSAGE);
    assert_null(strstr(ps_err_sentence(), "did you mean"));
    argv[2] = "--batch-size";
    assert_int_equal(parse(o, 3, argv), PS_EUSAGE);
    assert_string_equal(ps_err_sentence(), "--batch-size needs a value");
    assert_int_equal(parse(o, 4, argv), PS_OK);
    assert_int_equal(o->train.batch_size, 3);
    assert_string_equal(o->positional[0], "d.ps");
    argv[2] = "--fanout", argv[3] = "-1"; /* a value may begin with a dash */
    assert_int_equal(parse(o, 4, argv), PS_OK);
    assert_int_equal(o->train.fanout.item[0], -1);
    free(o);
}

static void the_command_line_wins_over_the_file(void **state)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    char path[] = "/tmp/penstock-t-base-XXXXXX";
    const char *argv[] = {"train", "d.ps", "--config", path, "--epochs", "7"};
    FILE *f = fdopen(mkstemp(path), "w");

    (void)state;
    fputs("# a comment\n[train]\nepochs = 3\nhidden = 32\nparts = 4\n", f);
    fclose(f);
    assert_int_equal(parse(o, 6, argv), PS_OK);
    assert_int_equal(o->train.epochs, 7);
    assert_int_equal(o->model.hidden, 32);
    f = fopen(path, "w");
    fputs("[train]\nepochs = 3\nhiden = 32\n", f);
    fclose(f);
    assert_int_equal(parse(o, 6, argv), PS_EUSAGE);
    assert_non_null(strstr(ps_err_sentence(), "--hidden?"));
    assert_non_null(strstr(ps_err_sentence(), "line 3"));
    unlink(path);
    assert_int_equal(parse(o, 6, argv), PS_EINPUT);
    assert_non_null(strstr(ps_err_sentence(), path));
    argv[3] = "/tmp"; /* a folder opens, but cannot be read */
    assert_int_equal(parse(o, 6, argv), PS_EINPUT);
    assert_string_equal(ps_err_sentence(), "cannot read the options file /tmp");
    free(o);
}

static void the_json_echo_has_every_option_and_reads_back(void **state)
{
    struct ps_opts *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    json_t *j, *v;
    const char *key;

    (void)state;
    ps_opts_init(a);
    ps_opts_init(b);
    assert_int_equal(ps_opts_set(a, PS_CMD_TRAIN, "model", "gcn"), PS_OK);
    assert_int_equal(ps_opts_set(a, PS_CMD_TRAIN, "lr", "0.1"), PS_OK);
    j = ps_opts_json(a, PS_CMD_TRAIN);
    assert_null(json_object_get(j, "parts"));
    json_object_foreach(j, key, v)
    {
        char text[64];
        if (json_is_string(v))
            snprintf(text, sizeof text, "%s", json_string_value(v));
        else if (json_is_boolean(v))
            snprintf(text, sizeof text, "%s", json_is_true(v) ? "yes" : "no");
        else if (json_is_number(v))
            snprintf(text, sizeof text, "%.17g", json_number_value(v));
        else
            continue;
        assert_int_equal(ps_opts_set(b, PS_CMD_TRAIN, key, text), PS_OK);
    }
    assert_memory_equal(a, b, sizeof *a);
    json_decref(j);
    free(a);
    free(b);
}

static ps_status two_blocks(struct ps_mem *m)
{
    int *a = NULL, *b = NULL;
    size_t cap = 0;
    ps_status st = PS_OK;

    PS_GO(st, PS_NEW(m, PS_MEM_OTHER, a, 10));
    PS_GO(st, PS_GROW(m, PS_MEM_ROWS, b, cap, 10, 0));
    b[9] = 3;
    PS_GO(st, PS_GROW(m, PS_MEM_ROWS, b, cap, 1000, 10));
    assert_int_equal(b[9], 3);
out:
    ps_mem_free(m, &b);
    ps_mem_free(m, &a);
    return st;
}

static void every_allocation_may_fail(void **state)
{
    struct ps_mem m;
    ps_status st = PS_EMEM;
    int failed = -1;

    (void)state;
    ps_mem_init(&m, 0);
    for (long long n = 0; st != PS_OK && n < 100; n++, failed++) {
        ps_mem_fail_after(&m, n);
        st = two_blocks(&m);
        assert_true(st == PS_OK || st == PS_EMEM);
        assert_int_equal(ps_mem_live(&m), 0);
        assert_int_equal(m.used_bytes, 0);
    }
    assert_int_equal(st, PS_OK);
    assert_int_equal(failed, 3);
}

static void a_budget_is_kept_and_names_its_numbers(void **state)
{
    struct ps_mem m;
    char *p;

    (void)state;
    ps_mem_init(&m, 4096);
    assert_int_equal(PS_NEW(&m, PS_MEM_ROWS, p, 5000), PS_EMEM);
    assert_null(p);
    assert_non_null(strstr(ps_err_sentence(), "4096"));
    assert_int_equal(PS_NEW(&m, PS_MEM_ROWS, p, 2000), PS_OK);
    assert_true(m.cat_bytes[PS_MEM_ROWS] >= 2000);
    ps_mem_free(&m, &p);
    assert_int_equal(m.cat_bytes[PS_MEM_ROWS], 0);
    assert_true(m.cat_peak_bytes[PS_MEM_ROWS] >= 2000);
}

/* Reads with O_DIRECT land there. */
static void large_blocks_are_aligned_to_pages_and_zero(void **state)
{
    struct ps_mem m;
    char *p;

    (void)state;
    ps_mem_init(&m, 0);
    for (size_t bytes = 256 * 1024; bytes < 40000000; bytes = bytes * 3 + 17) {
        assert_int_equal(PS_NEW(&m, PS_MEM_ROWS, p, bytes), PS_OK);
        assert_int_equal((uintptr_t)p % 4096, 0);
        assert_in_range(m.used_bytes, bytes, bytes + 2 * 4096);
        for (size_t i = 0; i < bytes; i += 997)
            assert_int_equal(p[i], 0);
        p[bytes - 1] = 1;
        ps_mem_free(&m, &p);
        assert_int_equal(m.used_bytes, 0);
    }
}

/* Known answers of Random123's kat_vectors file, philox4x32 10. */
static void philox_gives_its_published_vectors(void **state)
{
    static const struct {
        uint32_t ctr[4];
        struct ps_key key;
        uint32_t want[4];
    } kat[] = {
        {{0, 0, 0, 0}, {{0, 0}}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {{0xffffffff, 0xffffffff}},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {{0xa4093822, 0x299f31d0}},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof kat / sizeof kat[0]; i++) {
        struct ps_draw d = ps_philox(kat[i].key, kat[i].ctr);
        assert_memory_equal(d.w, kat[i].want, sizeof d.w);
    }
}

static void a_permutation_hits_every_number_once(void **state)
{
    static const uint64_t size[] = {1, 2, 3, 5, 17, 64, 1000, 4097};

    (void)state;
    for (size_t s = 0; s < sizeof size / sizeof size[0]; s++)
        for (uint64_t seed = 0; seed < 3; seed++) {
            struct ps_key key = ps_key_make(seed, PS_FOR_TEST, s, 0, 0);
            unsigned char *hit = calloc(size[s], 1);
            for (uint64_t i = 0; i < size[s]; i++) {
                uint64_t j = ps_permute(key, i, size[s]);
                assert_true(j < size[s]);
                assert_int_equal(hit[j]++, 0);
            }
            free(hit);
        }
}

/* 20,000 draws: mean within 5 standard errors, variance within 5 %. */
static void normal_numbers_have_mean_0_and_variance_1(void **state)
{
    struct ps_key key = ps_key_make(7, PS_FOR_TEST, 0, 0, 0);
    double sum = 0, square = 0, x[2];
    enum { N = 20000 };

    (void)state;
    for (uint64_t i = 0; i < N / 2; i++) {
        struct ps_draw d = ps_draw_at(key, i, 0);
        ps_normal_pair(&d, x);
        sum += x[0] + x[1];
        square += x[0] * x[0] + x[1] * x[1];
    }
    assert_true(fabs(sum / N) < 5 / sqrt(N));
    assert_true(fabs(square / N - 1) < 0.05);
}

static void spans_add_up(void **state)
{
    struct ps_trace t;
    struct ps_total total[PS_EVENT_COUNT];

    (void)state;
    ps_trace_init(&t);
    for (int i = 0; i < 3; i++) {
        struct ps_span s = ps_span_begin(PS_EV_sample);
        ps_span_end(&t, &s, 10);
    }
    ps_trace_totals(&t, total);
    assert_int_equal(total[PS_EV_sample].count, 3);
    assert_int_equal(total[PS_EV_sample].amount, 30);
    assert_int_equal(total[PS_EV_step].count, 0);
}

static void a_trace_file_is_json_and_tells_what_was_dropped(void **state)
{
    struct ps_ctx ctx;
    char path[] = "/tmp/penstock-t-trace-XXXXXX";
    json_t *j;

    (void)state;
    close(mkstemp(path));
    ps_ctx_init(&ctx, NULL);
    assert_int_equal(ps_trace_record(&ctx.trace, &ctx.mem, 2), PS_OK);
    for (int i = 0; i < 5; i++) {
        struct ps_span s = ps_span_begin(PS_EV_step);
        ps_span_end(&ctx.trace, &s, 1);
    }
    assert_int_equal(ps_trace_write(&ctx.trace, path, 3), PS_OK);
    j = json_load_file(path, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(j, "traceEvents")), 2);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(j, "otherData"), "dropped")), 3);
    json_decref(j);
    unlink(path);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static ps_status add_one(void *arg)
{
    ++*(int *)arg;
    return PS_OK;
}
static ps_status refuse(void *arg)
{
    PS_FAIL(PS_EIO, "job %d cannot", *(int *)arg);
}

static void a_worker_does_its_jobs_and_hands_over_their_failures(void **state)
{
    struct ps_mem m;
    struct ps_worker *w;
    int n = 0;

    (void)state;
    ps_mem_init(&m, 0);
    for (int is_inline = 0; is_inline < 2; is_inline++) {
        assert_int_equal(ps_worker_new(&w, &m, is_inline), PS_OK);
        n = 0;
        for (int i = 0; i < 100; i++)
            assert_int_equal(ps_worker_call(w, add_one, &n), PS_OK);
        assert_int_equal(n, 100);
        assert_int_equal(ps_worker_call(w, refuse, &n), PS_EIO);
        assert_string_equal(ps_err_sentence(), "job 100 cannot");
        ps_worker_begin(w, add_one, &n);
        assert_int_equal(ps_worker_end(w), PS_OK);
        assert_int_equal(n, 101);
        ps_worker_free(&w);
    }
    assert_int_equal(ps_mem_live(&m), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_tells_its_cause_and_its_way_up),
        cmocka_unit_test(the_first_failure_is_the_one_told),
        cmocka_unit_test(every_status_has_a_name_and_the_exit_codes_are_those_of_the_guide),
        cmocka_unit_test(options_parse_units_and_refuse_nonsense),
        cmocka_unit_test(an_unknown_option_gets_a_suggestion),
        cmocka_unit_test(the_command_line_wins_over_the_file),
        cmocka_unit_test(the_json_echo_has_every_option_and_reads_back),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_budget_is_kept_and_names_its_numbers),
        cmocka_unit_test(large_blocks_are_aligned_to_pages_and_zero),
        cmocka_unit_test(philox_gives_its_published_vectors),
        cmocka_unit_test(a_permutation_hits_every_number_once),
        cmocka_unit_test(normal_numbers_have_mean_0_and_variance_1),
        cmocka_unit_test(spans_add_up),
        cmocka_unit_test(a_trace_file_is_json_and_tells_what_was_dropped),
        cmocka_unit_test(a_worker_does_its_jobs_and_hands_over_their_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
