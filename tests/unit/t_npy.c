/* SPDX-License-Identifier: Apache-2.0 */
/* Reading .npy files: every type, every version, and what a hostile header may hold. */
#include "tests/npy_make.h"

#include "src/graph/npy.h"

#include <math.h>
#include <unistd.h>

static char path[] = "/tmp/penstock-t-npy-XXXXXX";

static int make_path(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 || close(fd) != 0;
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static void open_fails(const char *part)
{
    struct ps_ctx ctx;
    struct ps_npy *a;

    ps_ctx_init(&ctx, NULL);
    assert_fails(ps_npy_open(&a, &ctx, path), PS_EINPUT, part);
    assert_non_null(strstr(ps_err_sentence(), path));
    assert_null(a);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void header_fails(const char *header, const char *part)
{
    static const unsigned char data[64];

    npy_raw(path, 1, header, data, sizeof data);
    open_fails(part);
}

static void every_type_is_read_as_its_value(void **state)
{
    static const int8_t i1[] = {-128, 127};
    static const uint8_t u1[] = {0, 255};
    static const int16_t i2[] = {-32768, 32767};
    static const uint16_t u2[] = {0, 65535}, f2[] = {0xc000, 0x3555};
    static const int32_t i4[] = {INT32_MIN, INT32_MAX};
    static const uint32_t u4[] = {0, UINT32_MAX};
    static const int64_t i8[] = {INT64_MIN, 1};
    static const uint64_t u8[] = {7, INT64_MAX};
    static const float f4[] = {-1.5F, 0.1F};
    static const double f8[] = {-1e300, 0.1};
    const struct {
        const char *descr;
        const void *data;
        size_t bytes;
        double want[2];
    } type[] = {
        {"|i1", i1, 2, {-128, 127}},
        {"|u1", u1, 2, {0, 255}},
        {"<u1", u1, 2, {0, 255}},
        {"<i2", i2, 4, {-32768, 32767}},
        {"<u2", u2, 4, {0, 65535}},
        {"<i4", i4, 8, {INT32_MIN, INT32_MAX}},
        {"<u4", u4, 8, {0, UINT32_MAX}},
        {"<i8", i8, 16, {-0x1p63, 1}},
        {"<u8", u8, 16, {7, 0x1p63}},
        {"<f2", f2, 4, {-2, 0x1.554p-2}},
        {"<f4", f4, 8, {-1.5, (double)0.1F}},
        {"<f8", f8, 16, {-1e300, 0.1}},
    };
    struct ps_ctx ctx;
    struct ps_npy *a;
    double x[2];
    int64_t n[2];

    (void)state;
    ps_ctx_init(&ctx, NULL);
    for (size_t t = 0; t < sizeof type / sizeof type[0]; t++) {
        npy_make(path, type[t].descr, "(2,)", type[t].data, type[t].bytes);
        assert_ok(ps_npy_open(&a, &ctx, path));
        assert_int_equal(a->items, 2);
        assert_int_equal(a->head.rank, 1);
        assert_ok(ps_npy_read_f64(a, 0, 2, x));
        assert_true(x[0] == type[t].want[0] && x[1] == type[t].want[1]);
        assert_int_equal(ps_npy_is_integer(a), strchr(type[t].descr, 'f') == NULL);
        if (ps_npy_is_integer(a)) {
            assert_ok(ps_npy_read_i64(a, 1, 1, n));
            assert_true((double)n[0] == type[t].want[1]);
        }
        ps_npy_close(&a);
    }
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void a_half_is_its_value(void **state)
{
    static const struct {
        uint16_t half;
        double want;
    } v[] = {{0x0000, 0},       {0x3c00, 1},       {0xbc00, -1},        {0x7bff, 65504},
             {0x0400, 0x1p-14}, {0x0001, 0x1p-24}, {0x83ff, -0x3ffp-24}};

    (void)state;
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
        assert_true(ps_half_value(v[i].half) == v[i].want);
    assert_true(isinf(ps_half_value(0x7c00)) && ps_half_value(0xfc00) < 0);
    assert_true(isnan(ps_half_value(0x7e01)));
}

static void versions_1_to_3_differ_only_in_the_length_of_the_length(void **state)
{
    static const int32_t data[] = {5, 6, 7};
    struct ps_ctx ctx;
    struct ps_npy *a;
    int64_t x[3];

    (void)state;
    ps_ctx_init(&ctx, NULL);
    for (unsigned char version = 1; version <= 3; version++) {
        npy_raw(path, version, "{\"shape\": (3,), 'fortran_order': True, 'descr': '<i4'}\n", data,
                sizeof data);
        assert_ok(ps_npy_open(&a, &ctx, path));
        assert_ok(ps_npy_read_i64(a, 0, 3, x));
        assert_int_equal(x[2], 7);
        assert_true(a->head.fortran);
        ps_npy_close(&a);
    }
    npy_raw(path, 4, "{}", NULL, 0);
    open_fails("expected .npy version 1.0, 2.0 or 3.0, found 4.0");
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void shapes_up_to_rank_2_are_read(void **state)
{
    static const char *const shape[] = {"()", "(4,)", "(2, 3)", "(0, 2)", "(2L, 3L,)"};
    static const uint64_t want[][3] = {{0, 1, 1}, {1, 4, 1}, {2, 2, 3}, {2, 0, 2}, {2, 2, 3}};
    static const unsigned char data[8];
    struct ps_ctx ctx;
    struct ps_npy *a;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    for (size_t i = 0; i < sizeof shape / sizeof shape[0]; i++) {
        npy_make(path, "|u1", shape[i], data, sizeof data);
        assert_ok(ps_npy_open(&a, &ctx, path));
        assert_int_equal(a->head.rank, want[i][0]);
        assert_int_equal(a->head.shape[0], want[i][1]);
        assert_int_equal(a->head.shape[1], want[i][2]);
        ps_npy_close(&a);
    }
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void ranges_larger_than_the_chunk_are_whole(void **state)
{
    enum { N = 200 * 1000 };
    int32_t *data = malloc(N * sizeof *data);
    int64_t *x = malloc(N * sizeof *x);
    struct ps_ctx ctx;
    struct ps_npy *a;

    (void)state;
    for (int i = 0; i < N; i++)
        data[i] = i * 3;
    npy_make(path, "<i4", "(200000,)", data, N * sizeof *data);
    ps_ctx_init(&ctx, NULL);
    assert_ok(ps_npy_open(&a, &ctx, path));
    assert_ok(ps_npy_read_i64(a, 1, N - 1, x));
    for (int i = 1; i < N; i++)
        assert_int_equal(x[i - 1], i * 3);
    ps_npy_close(&a);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
    free(data);
    free(x);
}

static void what_is_no_array_of_numbers_is_refused(void **state)
{
    static const uint64_t huge[] = {UINT64_MAX};
    struct ps_ctx ctx;
    struct ps_npy *a;
    int64_t x;

    (void)state;
    header_fails("{'descr': '>i4', 'fortran_order': False, 'shape': (3,), }", "big-endian");
    header_fails("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", "pickled");
    header_fails("{'descr': '<U3', 'fortran_order': False, 'shape': (3,), }", "found type '<U3'");
    header_fails("{'descr': '<c8', 'fortran_order': False, 'shape': (3,), }", "found type '<c8'");
    header_fails("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", "found type '|b1'");
    header_fails("{'descr': '|i4', 'fortran_order': False, 'shape': (3,), }", "found type '|i4'");
    header_fails("{'descr': '', 'fortran_order': False, 'shape': (3,), }", "found type ''");
    header_fails("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (3,), }",
                 "structured");
    header_fails("{'descr': '<i4', 'fortran_order': False, 'shape': (1, 2, 3), }",
                 "at most 2 dimensions");
    npy_make(path, "<u8", "(1,)", huge, sizeof huge);
    ps_ctx_init(&ctx, NULL);
    assert_ok(ps_npy_open(&a, &ctx, path));
    assert_fails(ps_npy_read_i64(a, 0, 1, &x), PS_EINPUT, "item 0 is 18446744073709551615");
    ps_npy_close(&a);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void a_hostile_header_is_refused(void **state)
{
    (void)state;
    header_fails("", "the header ends where '{'");
    header_fails("[1, 2]", "expected '{' at byte 0");
    header_fails("{'descr': '<i4', 'fortran_order': False}", "no 'shape'");
    header_fails("{'descr': '<i4', 'shape': (3,)}", "no 'fortran_order'");
    header_fails("{'fortran_order': False, 'shape': (3,)}", "no 'descr'");
    header_fails("{'descr': '<i4', 'descr': '<i4', 'fortran_order': False, 'shape': (3,)}",
                 "a second key 'descr'");
    header_fails("{'descr': '<i4', 'fortran_order': False, 'shape': (3,), 'x': 1}",
                 "unknown key 'x'");
    header_fails("{'descr': '<i4', 'fortran_order': 0, 'shape': (3,)}", "True or False");
    header_fails("{'descr': '<i4', 'fortran_order': False, 'shape': (-3,)}", "a length");
    header_fails("{'descr': '<i4', 'fortran_order': False, 'shape': [3]}", "round brackets");
    header_fails("{'descr': '<i4', 'fortran_order': False, 'shape': (3", "',' or ')'");
    header_fails("{'descr': '<i4', 'fortran_order': False, 'shape': (3,)", "',' or '}'");
    header_fails("{'descr': '<i4", "closing quote");
    header_fails("{'descr' '<i4'}", "':'");
    header_fails("{descr: '<i4'}", "a key in quotes");
    header_fails("{'a very long key, longer than any': 1}", "a key in quotes");
    header_fails("{'descr': '<i4', 'fortran_order': False, 'shape': (3,)} x", "the end");
    header_fails("{'descr': '<i4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
                 "beyond 64 bits");
    header_fails("{'descr': '<i4', 'fortran_order': False, 'shape': (18446744073709551615, 2)}",
                 "more than a file can hold");
    header_fails("{'descr': '<i8', 'fortran_order': False, 'shape': (2305843009213693952,)}",
                 "more than a file can hold");
    header_fails("{'descr': '<i4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
                 "more than a file can hold");
    header_fails("{'descr': '<i4', 'fortran_order': False, 'shape': (17,)}",
                 "is cut short: shape (17,) of int32 takes 68 bytes, found 64");
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    static const int64_t data[] = {1, 2, 3};
    long size;
    FILE *f;

    (void)state;
    npy_make(path, "<i8", "(3,)", data, sizeof data);
    f = fopen(path, "rb");
    fseek(f, 0, SEEK_END);
    size = ftell(f);
    fclose(f);
    while (--size >= 0) {
        assert_int_equal(truncate(path, size), 0);
        open_fails("");
    }
    open_fails("is empty");
}

static void what_is_no_file_is_refused(void **state)
{
    struct ps_ctx ctx;
    struct ps_npy *a;
    FILE *f = fopen(path, "wb");

    (void)state;
    fputs("these are words and no numbers", f);
    fclose(f);
    open_fails("is no .npy file");
    npy_raw(path, 2, "", NULL, 0);
    f = fopen(path, "r+b");
    fwrite("\x93NUMPY\x02\x00\xff\xff\xff\xff", 1, 12, f);
    fclose(f);
    open_fails("expected a header of 4294967295 bytes");
    ps_ctx_init(&ctx, NULL);
    assert_fails(ps_npy_open(&a, &ctx, "/tmp/penstock-is-not-there.npy"), PS_EINPUT,
                 "No such file");
    assert_fails(ps_npy_open(&a, &ctx, "/tmp"), PS_EINPUT, "/tmp: is no regular file");
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void a_file_that_shrinks_while_it_is_read_is_told(void **state)
{
    static const int64_t data[] = {1, 2, 3};
    struct ps_ctx ctx;
    struct ps_npy *a;
    int64_t x[3];

    (void)state;
    npy_make(path, "<i8", "(3,)", data, sizeof data);
    ps_ctx_init(&ctx, NULL);
    assert_ok(ps_npy_open(&a, &ctx, path));
    assert_int_equal(truncate(path, (off_t)(a->data_offset + 20)), 0);
    assert_ok(ps_npy_read_i64(a, 0, 2, x));
    assert_fails(ps_npy_read_i64(a, 0, 3, x), PS_EINPUT, "expected 4 more");
    ps_npy_close(&a);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void every_allocation_may_fail(void **state)
{
    static const int64_t data[] = {1, 2, 3};
    struct ps_ctx ctx;
    struct ps_npy *a;
    ps_status st = PS_EMEM;
    int n;

    (void)state;
    npy_make(path, "<i8", "(3,)", data, sizeof data);
    ps_ctx_init(&ctx, NULL);
    for (n = 0; st != PS_OK; n++) {
        ps_mem_fail_after(&ctx.mem, n);
        st = ps_npy_open(&a, &ctx, path);
        assert_true(st == PS_OK || (st == PS_EMEM && a == NULL));
    }
    assert_true(n > 3);
    ps_npy_close(&a);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read_as_its_value),
        cmocka_unit_test(a_half_is_its_value),
        cmocka_unit_test(versions_1_to_3_differ_only_in_the_length_of_the_length),
        cmocka_unit_test(shapes_up_to_rank_2_are_read),
        cmocka_unit_test(ranges_larger_than_the_chunk_are_whole),
        cmocka_unit_test(what_is_no_array_of_numbers_is_refused),
        cmocka_unit_test(a_hostile_header_is_refused),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(a_file_that_shrinks_while_it_is_read_is_told),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
