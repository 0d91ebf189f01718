/* SPDX-License-Identifier: Apache-2.0 */
/* Measurements count what was read and nothing else; what was recorded is read again as it was. */
#include "tests/disk_test.h"
#include "tests/ps_dataset.h"

#include "io/bench.h"
#include "io/bench_order.h"

enum { BYTES = 300 * 4096 };

struct env {
    struct ps_ctx ctx;
    char dir[PS_TEST_DIR_BYTES], path[PS_TEXT_BYTES];
};

static int set_up(void **state)
{
    struct env *e = ps_test_bytes(sizeof *e);

    ps_ctx_init(&e->ctx, NULL);
    ps_test_dir_make(e->dir);
    assert_ok(ps_bench_file_make(&e->ctx, e->dir, BYTES, 1, e->path));
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

static uint64_t size_of(const char *path)
{
    struct stat s;

    assert_int_equal(stat(path, &s), 0);
    return (uint64_t)s.st_size;
}

static void a_random_order_has_every_block_once(void **state)
{
    (void)state;
    for (uint64_t blocks = 1; blocks < 3000; blocks += blocks < 70 ? 1 : 211) {
        unsigned char *seen = calloc(1, blocks);
        struct ps_bench_order o;
        uint64_t block, n = 0, ascending = 0, last = 0;

        ps_bench_order_init(&o, true, blocks, blocks);
        for (; ps_bench_order_next(&o, &block); n++) {
            assert_true(block < blocks && !seen[block]);
            seen[block] = 1;
            ascending += block == last + 1;
            last = block;
        }
        assert_int_equal(n, blocks);
        assert_true(blocks < 1000 || ascending < blocks / 20);
        free(seen);
    }
}

/* All that a case can be, on a file that is read to its end: no time decides the counts. */
static void every_way_reads_every_block_once(void **state)
{
    static const uint32_t size[] = {4096, 16384, 65536}, depth[] = {1, 3, 16};
    struct env *e = *state;
    int measured = 0;

    for (int i = 0; i < PS_BENCH_ENGINES * 2 * 2 * 9; i++) {
        struct ps_bench_case c = {.engine = (enum ps_bench_engine)(i % PS_BENCH_ENGINES),
                                  .direct = i / 4 % 2,
                                  .is_random = i / 8 % 2,
                                  .bytes = size[i / 16 % 3],
                                  .depth = depth[i / 48]};
        struct ps_bench_done d;
        ps_status st;

        if ((c.direct && c.engine >= PS_BENCH_MMAP) || (c.depth > 1 && c.engine == PS_BENCH_HDF5))
            continue;
        st = ps_bench_run(&e->ctx, &c, e->path, 60, (uint64_t)i, &d);
        if (st == PS_EUNSUPP)
            continue;
        assert_ok(st);
        assert_int_equal(d.requests, size_of(e->path) / c.bytes);
        assert_int_equal(d.bytes, d.requests * c.bytes);
        assert_true(d.seconds > 0);
        assert_true(d.cached >= 0 && d.cached <= 1);
        assert_true(!d.direct || c.direct);
        measured++;
    }
    assert_true(measured >= 40);
}

static void time_ends_a_measurement(void **state)
{
    const struct ps_bench_case c = {PS_BENCH_PREAD, false, true, 4096, 1};
    struct env *e = *state;
    struct ps_bench_done d;

    assert_ok(ps_bench_run(&e->ctx, &c, e->path, 1e-9, 1, &d));
    assert_true(d.requests <= 1);
}

static void what_cannot_be_read_is_named(void **state)
{
    struct ps_bench_case c = {PS_BENCH_PREAD, false, true, 1 << 24, 2};
    struct env *e = *state;
    struct ps_bench_done d;
    char path[PS_TEST_PATH_BYTES];

    assert_fails(ps_bench_run(&e->ctx, &c, e->path, 1, 1, &d), PS_EINPUT, "too few for reads");
    c.bytes = 4096;
    (void)ps_test_path(path, e->dir, "none");
    assert_fails(ps_bench_run(&e->ctx, &c, path, 1, 1, &d), PS_EINPUT, path);
    assert_fails(ps_bench_run(&e->ctx, &c, e->dir, 1, 1, &d), PS_EINPUT, "regular file");
    (void)ps_test_path(path, e->dir, "plain");
    write_all(path, e, sizeof *e);
    assert_int_equal(truncate(path, 16384), 0);
    c = (struct ps_bench_case){PS_BENCH_HDF5, false, true, 4096, 1};
    assert_int_equal(ps_bench_run(&e->ctx, &c, path, 1, 1, &d), PS_EINPUT);
    assert_fails(ps_bench_file_make(&e->ctx, path, 4096, 1, e->path), PS_EIO, "cannot make");
}

static void an_allocation_that_fails_is_told_and_nothing_leaks(void **state)
{
    const struct ps_bench_case c = {PS_BENCH_PREAD, false, true, 65536, 3};
    struct env *e = *state;
    struct ps_bench_done d;
    char path[PS_TEXT_BYTES];
    ps_status st = PS_EMEM;

    for (long long i = 0; st != PS_OK; i++) {
        ps_mem_fail_after(&e->ctx.mem, i);
        st = ps_bench_run(&e->ctx, &c, e->path, 1, 1, &d);
        assert_true(st == PS_OK || st == PS_EMEM);
        assert_true(i < 1000);
        ps_mem_fail_after(&e->ctx.mem, -1);
        assert_int_equal(ps_mem_live(&e->ctx.mem), 0);
    }
    st = PS_EMEM;
    for (long long i = 0; st != PS_OK; i++) {
        ps_mem_fail_after(&e->ctx.mem, i);
        st = ps_bench_file_make(&e->ctx, e->dir, 8192, 1, path);
        ps_mem_fail_after(&e->ctx.mem, -1);
        assert_true(st == PS_OK || access(path, F_OK) != 0);
        assert_true(i < 1000);
    }
    assert_int_equal(unlink(path), 0);
}

/* Some nodes of a graph, ascending. */
static uint64_t some_nodes(uint64_t nodes, uint64_t *node)
{
    uint64_t n = 0;

    for (uint64_t v = 0; v < nodes; v++)
        if (ps_mix64(v) % 5 == 0)
            node[n++] = v;
    return n;
}

static void planned_rows_are_counted_over_all_parts(void **state)
{
    const struct ps_test_shape shape = {.nodes = 3000,
                                        .parts = 3,
                                        .degree = 2,
                                        .kind = PS_FEATURES_DENSE,
                                        .type = PS_TYPE_F32,
                                        .dim = 32,
                                        .classes = 3,
                                        .splits = 1};
    const struct ps_opts_io o = io_opts(8, 65536);
    struct ps_bench_planned d = {.rows = 0};
    uint64_t node[3000], n = some_nodes(3000, node);
    char path[PS_TEST_PATH_BYTES];
    struct ps_bench_rows *rows;
    struct ps_test_graph g;
    struct ps_dataset *ds;
    struct env *e = *state;

    ps_test_graph_make(&g, &shape);
    assert_ok(ps_test_graph_write(&g, &e->ctx, ps_test_path(path, e->dir, "g.ps"), false));
    assert_ok(ps_dataset_open(&ds, &e->ctx, path));
    assert_ok(ps_bench_rows_open(&rows, &e->ctx, ds, &o));
    assert_int_equal(ps_bench_rows_bytes(rows), 128);
    assert_ok(ps_bench_rows_fetch(rows, node, n, &d));
    assert_int_equal(d.rows, n);
    assert_int_equal(d.fetch.wanted_bytes, 128 * n);
    assert_true(d.fetch.requests >= 3 && d.fetch.read_bytes >= d.fetch.wanted_bytes);
    node[n - 1] = 3000;
    assert_fails(ps_bench_rows_fetch(rows, node, n, &d), PS_EINPUT, "3000");
    d = (struct ps_bench_planned){.rows = 0};
    assert_ok(ps_bench_rows_random(rows, 0.1, 1e-4, 1, &d));
    assert_true(d.rows > 0 && d.fetch.wanted_bytes == 128 * d.rows);
    d = (struct ps_bench_planned){.rows = 0};
    assert_ok(ps_bench_rows_random(rows, 1, 1e-9, 1, &d)); /* all, from some node to the last */
    assert_true(d.rows > 0 && d.rows <= 3000);
    ps_bench_rows_close(&rows);
    ps_dataset_close(&ds);
    ps_test_graph_free(&g);
}

static void bags_of_words_have_no_planned_rows(void **state)
{
    const struct ps_test_shape shape = {
        .nodes = 50, .parts = 1, .kind = PS_FEATURES_CSR, .dim = 9, .classes = 3, .splits = 1};
    const struct ps_opts_io o = io_opts(8, 65536);
    char path[PS_TEST_PATH_BYTES];
    struct ps_bench_rows *rows;
    struct ps_test_graph g;
    struct ps_dataset *ds;
    struct env *e = *state;

    ps_test_graph_make(&g, &shape);
    assert_ok(ps_test_graph_write(&g, &e->ctx, ps_test_path(path, e->dir, "g.ps"), false));
    assert_ok(ps_dataset_open(&ds, &e->ctx, path));
    assert_fails(ps_bench_rows_open(&rows, &e->ctx, ds, &o), PS_EUNSUPP, "csr");
    ps_dataset_close(&ds);
    ps_test_graph_free(&g);
}

/* Fetch scattered bytes with a record. @return what was read */
static struct ps_io_counts record(struct env *e, const char *to, uint64_t offset)
{
    struct ps_opts_io o = io_opts(8, 16384);
    struct ps_extent x[40];
    char *dst = ps_test_bytes(sizeof x / sizeof x[0] * 100);
    struct ps_io_counts counts;
    struct ps_fetch *f;
    struct ps_io *io;
    uint32_t file;

    snprintf(o.record, sizeof o.record, "%s", to);
    assert_ok(ps_io_new(&io, &e->ctx, &o, NULL));
    assert_ok(ps_io_add_file(io, e->path, &file));
    assert_ok(ps_fetch_new(&f, &e->ctx, io, &o));
    for (uint64_t i = 0; i < 40; i++)
        x[i] = (struct ps_extent){file, offset + i * 30000, 100, dst + i * 100};
    assert_ok(ps_fetch_run(f, x, 40));
    counts = ps_io_counts(io);
    assert_int_equal(ps_fetch_counts(f).read_bytes, counts.bytes);
    ps_fetch_free(&f);
    ps_io_free(&io);
    free(dst);
    return counts;
}

static void a_replay_reads_what_was_recorded(void **state)
{
    char to[PS_TEST_PATH_BYTES];
    struct ps_read_list l;
    struct ps_bench_done d;
    const char *engine;
    struct env *e = *state;
    struct ps_io_counts was;

    was = record(e, ps_test_path(to, e->dir, "reads"), 5000);
    assert_ok(ps_read_list_load(&l, &e->ctx, to));
    assert_int_equal(l.count, was.requests);
    assert_int_equal(l.files, 1);
    for (uint64_t i = PS_IO_AUTO; i <= PS_IO_HDF5; i++) {
        struct ps_opts_io o = io_opts(i == PS_IO_AUTO ? 1 : 16, 4096);
        ps_status st;

        o.engine = i;
        st = ps_bench_replay(&e->ctx, &l, e->dir, &o, &d, &engine);
        if (st == PS_EUNSUPP)
            continue;
        assert_ok(st);
        assert_int_equal(d.requests, was.requests);
        assert_int_equal(d.bytes, was.bytes);
    }
    ps_read_list_free(&l, &e->ctx);
}

static void a_replay_on_a_shorter_file_is_told(void **state)
{
    const struct ps_opts_io o = io_opts(4, 4096);
    char to[PS_TEST_PATH_BYTES];
    struct ps_read_list l;
    struct ps_bench_done d;
    const char *engine;
    struct env *e = *state;

    (void)record(e, ps_test_path(to, e->dir, "reads"), 0);
    assert_int_equal(truncate(e->path, BYTES / 2 / 4096 * 4096), 0);
    assert_ok(ps_read_list_load(&l, &e->ctx, to));
    assert_fails(ps_bench_replay(&e->ctx, &l, e->dir, &o, &d, &engine), PS_EINPUT,
                 "as in the record");
    assert_int_equal(unlink(e->path), 0);
    assert_fails(ps_bench_replay(&e->ctx, &l, e->dir, &o, &d, &engine), PS_EINPUT, e->path);
    ps_read_list_free(&l, &e->ctx);
}

static void a_record_that_is_damaged_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "# penstock reads 2\n",
        "# penstock reads 1\n",
        "# penstock reads 1\nend 1\n",
        "# penstock reads 1\nend 0\nend 0\n",
        "# penstock reads 1\n0 0 4096\nend 1\n",
        "# penstock reads 1\nfile 1 a\nend 0\n",
        "# penstock reads 1\nfile 0 ../a\nend 0\n",
        "# penstock reads 1\nfile 0 a\n0 0 4097\nend 1\n",
        "# penstock reads 1\nfile 0 a\n0 1 4096\nend 1\n",
        "# penstock reads 1\nfile 0 a\n0 -4096 4096\nend 1\n",
        "# penstock reads 1\nfile 0 a\n0 0 99999999999999999999\nend 1\n",
        "# penstock reads 1\nfile 0 a\n0 9223372036854771712 4096\nend 1\n",
        "# penstock reads 1\nfile 0 a\n0 0 4096 1\nend 1\n",
        "# penstock reads 1\nfile 0 a\n0 0 4096",
    };
    struct env *e = *state;
    struct ps_read_list l;
    char path[PS_TEST_PATH_BYTES];

    (void)ps_test_path(path, e->dir, "reads");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_all(path, bad[i], strlen(bad[i]));
        assert_fails(ps_read_list_load(&l, &e->ctx, path), PS_EINPUT, path);
        assert_int_equal(ps_mem_live(&e->ctx.mem), 0);
    }
    assert_fails(ps_read_list_load(&l, &e->ctx, "/none/reads"), PS_EINPUT, "/none/reads");
}

static void a_record_on_a_full_disk_has_no_end(void **state)
{
    struct env *e = *state;
    struct ps_read_list l;

    if (access("/dev/full", W_OK) != 0)
        skip();
    (void)record(e, "/dev/full", 0); /* reading itself goes on */
    (void)record(e, "/dev/null", 0);
    assert_fails(ps_read_list_load(&l, &e->ctx, "/dev/null"), PS_EINPUT, "/dev/null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_random_order_has_every_block_once),
        cmocka_unit_test_setup_teardown(every_way_reads_every_block_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(time_ends_a_measurement, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_allocation_that_fails_is_told_and_nothing_leaks, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(planned_rows_are_counted_over_all_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bags_of_words_have_no_planned_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_replay_reads_what_was_recorded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_replay_on_a_shorter_file_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_that_is_damaged_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_on_a_full_disk_has_no_end, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
