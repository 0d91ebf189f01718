/* SPDX-License-Identifier: Apache-2.0 */
/* Lines, words and numbers of text files; every damage gets its sentence with file and line. */
#include "tests/gzip_make.h"

#include "src/graph/text_read.h"

#include <locale.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/penstock-t-text-XXXXXX";

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

/* All numbers of a text as "line:a b|line:..." or the failure. */
static ps_status read_all(struct ps_text *t, char *said, size_t cap)
{
    bool more;
    size_t n = 0;
    int64_t x;

    said[0] = '\0';
    for (;;) {
        PS_TRY(ps_text_next(t, &more));
        if (!more)
            return PS_OK;
        n += (size_t)snprintf(said + n, cap - n, "%" PRIu64 ":", t->line);
        for (;;) {
            PS_TRY(ps_text_more(t, &more));
            if (!more)
                break;
            PS_TRY(ps_text_i64(t, "x", &x));
            n += (size_t)snprintf(said + n, cap - n, "%" PRId64 " ", x);
        }
        assert_true(n < cap);
    }
}

static void reads_as(const void *data, size_t bytes, const char *want)
{
    struct ps_ctx ctx;
    struct ps_text *t;
    char said[256];

    ps_ctx_init(&ctx, NULL);
    put_file(path, data, bytes);
    assert_ok(ps_text_open(&t, &ctx, path));
    for (int twice = 0; twice < 2; twice++) {
        assert_ok(read_all(t, said, sizeof said));
        assert_string_equal(said, want);
        ps_text_rewind(t);
    }
    ps_text_close(&t);
    assert_ok(ps_text_memory(&t, &ctx, "memory", data, bytes));
    assert_ok(read_all(t, said, sizeof said));
    assert_string_equal(said, want);
    ps_text_close(&t);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void fails(const void *data, size_t bytes, const char *part)
{
    struct ps_ctx ctx;
    struct ps_text *t = NULL;
    char said[256];
    ps_status st;

    ps_ctx_init(&ctx, NULL);
    put_file(path, data, bytes);
    st = ps_text_open(&t, &ctx, path);
    if (st == PS_OK)
        st = read_all(t, said, sizeof said);
    ps_text_close(&t);
    assert_fails(st, PS_EINPUT, part);
    assert_non_null(strstr(ps_err_sentence(), path));
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void text_fails(const char *text, const char *part)
{
    fails(text, strlen(text), part);
}

static void text_reads_as(const char *text, const char *want)
{
    unsigned char packed[512];

    reads_as(text, strlen(text), want);
    reads_as(packed, gzip_pack(text, strlen(text), packed, sizeof packed), want);
}

static void words_and_lines_are_found_whatever_is_between_them(void **state)
{
    (void)state;
    text_reads_as("", "");
    text_reads_as("\n\n", "");
    text_reads_as("1 2\n3 4\n", "1:1 2 2:3 4 ");
    text_reads_as("1 2\n3 4", "1:1 2 2:3 4 "); /* no newline at the end */
    text_reads_as("1\t2\r\n\r\n  3  ,  4;5 \r\n", "1:1 2 3:3 4 5 ");
    text_reads_as("# c\n% c\n \t# c\n-1,-2 # c\n3 %c\n#", "4:-1 -2 5:3 ");
    text_reads_as("\xef\xbb\xbf"
                  "7\n8\n",
                  "1:7 2:8 ");
    text_reads_as("007\v0\f-0\n", "1:7 0 0 ");
}

static void what_is_no_number_is_refused_with_its_line(void **state)
{
    (void)state;
    text_fails("1\n2\nx7\n",
               "line 3: expected x, a whole number from -2^63 to 2^63 - 1, found 'x7'");
    text_fails("1 2.5\n", "line 1: expected x, a whole number from -2^63 to 2^63 - 1, found '2.5'");
    text_fails("1\n12#3\n",
               "line 2: expected x, a whole number from -2^63 to 2^63 - 1, found '12#3'");
    text_fails("-\n", "found '-'");
    text_fails("+1\n", "found '+1'");
    text_fails("\"1\"\n", "found '\"1\"'");
    text_fails("\x01\xc3\xa4\n", "found '?"
                                 "?"
                                 "?'");
    text_fails("1234567890123456789012345678901234567890123456789\n",
               "found '1234567890123456789012345678901234567890...'");
    text_fails("1,,2\n", "line 1: field 2 is empty");
    text_fails("1\n1 ,\n", "line 2: field 2 is empty");
    text_fails("1, # c\n", "line 1: field 2 is empty");
    text_fails("\n;1\n", "line 2: field 1 is empty");
}

static void nul_bytes_and_endless_lines_are_refused(void **state)
{
    size_t most = PS_TEXT_LINE_MAX;
    char *line = malloc(most + 3);
    struct ps_ctx ctx;
    struct ps_text *t;
    bool more;
    double x;

    (void)state;
    fails("1\n2\0003\n", 6, "line 2 has a NUL byte at column 2; expected text");
    fails("\xff\xfe"
          "1\0 \0",
          6, "line 1 has a NUL byte at column 4");
    assert_non_null(line);
    memset(line, '0', most);
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes, told by their number */
    memcpy(line + most, "\n5", 2);
    ps_ctx_init(&ctx, NULL);
    for (size_t bytes = most; bytes <= most + 2; bytes++) { /* the longest line that is allowed */
        put_file(path, line, bytes);
        assert_ok(ps_text_open(&t, &ctx, path));
        assert_ok(ps_text_next(t, &more));
        assert_int_equal(t->stop - t->at, most);
        assert_ok(ps_text_f64(t, "x", &x));
        assert_ok(ps_text_next(t, &more));
        assert_int_equal(more, bytes == most + 2);
        ps_text_close(&t);
    }
    assert_int_equal(ps_ctx_fini(&ctx), 0);
    line[most] = '0';
    fails(line, most + 1, "line 1 is longer than 1048576 bytes");
    fails(line, most + 2, "line 1 is longer than 1048576 bytes");
    free(line);
}

/* The first number of a text in all three forms. */
static void numbers_end_where_their_type_ends(void **state)
{
    static const struct {
        const char *text;
        bool u64, i64;
        uint64_t u;
    } whole[] = {
        {"18446744073709551615", true, false, UINT64_MAX},
        {"18446744073709551616", false, false, 0},
        {"99999999999999999999", false, false, 0},
        {"9223372036854775807", true, true, INT64_MAX},
        {"9223372036854775808", true, false, UINT64_C(1) << 63},
        {"-9223372036854775808", false, true, UINT64_C(1) << 63},
        {"-9223372036854775809", false, false, 0},
        {"-1", false, true, UINT64_MAX},
    };
    struct ps_ctx ctx;
    struct ps_text *t;
    uint64_t u;
    int64_t i;
    bool more;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    for (size_t k = 0; k < sizeof whole / sizeof whole[0]; k++) {
        assert_ok(ps_text_memory(&t, &ctx, "m", whole[k].text, strlen(whole[k].text)));
        assert_ok(ps_text_next(t, &more));
        assert_int_equal(ps_text_u64(t, "x", &u) == PS_OK, whole[k].u64);
        if (whole[k].u64)
            assert_true(u == whole[k].u);
        ps_text_rewind(t);
        assert_ok(ps_text_next(t, &more));
        assert_int_equal(ps_text_i64(t, "x", &i) == PS_OK, whole[k].i64);
        if (whole[k].i64)
            assert_true((uint64_t)i == whole[k].u);
        ps_text_close(&t);
    }
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void reals_are_read_alike_in_every_locale(void **state)
{
    static const char text[] = "1.5,-2e3;.25 5. 1e-999 nan -inf 3";
    static const double want[] = {1.5, -2000, 0.25, 5, 0, (double)NAN, -(double)INFINITY, 3};
    static const char *const bad[] = {"1.5.2", "0x10",   "1e999", "-1e999", "e5",
                                      "1,5x",  "nan(3)", "1d3",   "--1"};
    const char *comma = setlocale(LC_ALL, "de_DE.UTF-8");
    struct ps_ctx ctx;
    struct ps_text *t;
    double x;
    bool more;

    (void)state;
    (void)comma; /* where there is none the test says less */
    ps_ctx_init(&ctx, NULL);
    assert_ok(ps_text_memory(&t, &ctx, "m", text, sizeof text - 1));
    assert_ok(ps_text_next(t, &more));
    for (size_t k = 0; k < sizeof want / sizeof want[0]; k++) {
        assert_ok(ps_text_f64(t, "x", &x));
        assert_true(isnan(want[k]) ? isnan(x) : x == want[k]);
    }
    assert_fails(ps_text_f64(t, "the weight", &x), PS_EINPUT,
                 "m: line 1: expected the weight, found the end of the line");
    ps_text_close(&t);
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        ps_status st = PS_OK;
        assert_ok(ps_text_memory(&t, &ctx, "m", bad[k], strlen(bad[k])));
        assert_ok(ps_text_next(t, &more));
        while (st == PS_OK && more)
            if ((st = ps_text_f64(t, "x", &x)) == PS_OK)
                st = ps_text_more(t, &more);
        assert_fails(st, PS_EINPUT, "line 1: expected x, a number");
        ps_text_close(&t);
    }
    assert_int_equal(ps_ctx_fini(&ctx), 0);
    setlocale(LC_ALL, "C");
}

static void words_that_are_too_many_are_refused(void **state)
{
    struct ps_ctx ctx;
    struct ps_text *t;
    uint64_t x;
    bool more;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    assert_ok(ps_text_memory(&t, &ctx, "m", "1 # one\n2 3", 11));
    assert_ok(ps_text_next(t, &more));
    assert_ok(ps_text_u64(t, "x", &x));
    assert_ok(ps_text_end(t, "one number"));
    assert_ok(ps_text_next(t, &more));
    assert_ok(ps_text_u64(t, "x", &x));
    assert_fails(ps_text_end(t, "one number"), PS_EINPUT,
                 "m: line 2: expected only one number, found also '3'");
    ps_text_close(&t);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void gzip_that_is_cut_or_damaged_is_refused_at_every_byte(void **state)
{
    static const char text[] = "1 2\n3 4\n5 6\n7 8\n9 10\n11 12\n";
    unsigned char packed[256], two[512];
    size_t n = gzip_pack(text, sizeof text - 1, packed, sizeof packed);
    struct ps_ctx ctx;
    int told = 0;

    (void)state;
    for (size_t cut = 2; cut < n; cut++)
        fails(packed, cut, "gzip data is cut short at byte");
    memcpy(two, packed, n); /* two members are one stream */
    memcpy(two + n, packed, n);
    reads_as(two, 2 * n,
             "1:1 2 2:3 4 3:5 6 4:7 8 5:9 10 6:11 12 7:1 2 8:3 4 9:5 6 10:7 8 11:9 10 "
             "12:11 12 ");
    fails(two, 2 * n - 3, "gzip data is cut short at byte");
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes, told by their number */
    memcpy(two + n, "hello", 5);
    fails(two, n + 5, "gzip data is damaged before byte");
    ps_ctx_init(&ctx, NULL);
    for (size_t at = 0; at < n * 8; at++) { /* a flipped bit is told, or changes nothing */
        struct ps_text *t = NULL;
        char said[256];
        ps_status st;
        packed[at / 8] ^= (unsigned char)(1 << at % 8);
        st = ps_text_memory(&t, &ctx, "m", packed, n);
        if (st == PS_OK)
            st = read_all(t, said, sizeof said);
        if (st == PS_OK)
            assert_string_equal(said, "1:1 2 2:3 4 3:5 6 4:7 8 5:9 10 6:11 12 ");
        told += st == PS_EINPUT;
        ps_text_close(&t);
        packed[at / 8] ^= (unsigned char)(1 << at % 8);
    }
    assert_true((size_t)told > (n - 10) * 8); /* time, system and level may be anything */
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void what_is_no_text_file_is_refused_by_name(void **state)
{
    struct ps_ctx ctx;
    struct ps_text *t;

    (void)state;
    fails("BZh91AY", 7, "is bzip2; expected plain text or gzip");
    fails("\xfd"
          "7zXZ\0",
          6, "is xz; expected plain text or gzip");
    fails("\x28\xb5\x2f\xfd", 4, "is zstd; expected");
    fails("PK\x03\x04", 4, "is zip; expected");
    ps_ctx_init(&ctx, NULL);
    assert_fails(ps_text_open(&t, &ctx, "/nowhere/e.txt"), PS_EINPUT, "cannot open /nowhere/e.txt");
    assert_fails(ps_text_open(&t, &ctx, "/tmp"), PS_EINPUT, "/tmp: is no regular file");
    assert_fails(ps_text_open(&t, &ctx, "-"), PS_EINPUT, "standard input can be read only once");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_fails(ps_text_open(&t, &ctx, path), PS_EINPUT, "is no regular file; it is read more");
    assert_int_equal(unlink(path), 0);
    put_file(path, "", 0);
    assert_null(t);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void a_failed_allocation_leaves_nothing(void **state)
{
    static const char text[] = "1 2\n3 4\n";
    unsigned char packed[256];
    size_t n = gzip_pack(text, sizeof text - 1, packed, sizeof packed);
    struct ps_ctx ctx;
    int failed = 0;

    (void)state;
    put_file(path, packed, n);
    ps_ctx_init(&ctx, NULL);
    for (long long k = 0; k < 100; k++) {
        struct ps_text *t = NULL;
        char said[256];
        ps_status st;
        ps_mem_fail_after(&ctx.mem, k);
        st = ps_text_open(&t, &ctx, path);
        if (st == PS_OK)
            st = read_all(t, said, sizeof said);
        ps_mem_fail_after(&ctx.mem, -1);
        ps_text_close(&t);
        assert_int_equal(ps_mem_live(&ctx.mem), 0);
        if (st == PS_OK)
            break;
        assert_int_equal(st, PS_EMEM);
        failed++;
    }
    assert_in_range(failed, 6, 99); /* the object and its parts, and zlib's */
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_lines_are_found_whatever_is_between_them),
        cmocka_unit_test(what_is_no_number_is_refused_with_its_line),
        cmocka_unit_test(nul_bytes_and_endless_lines_are_refused),
        cmocka_unit_test(numbers_end_where_their_type_ends),
        cmocka_unit_test(reals_are_read_alike_in_every_locale),
        cmocka_unit_test(words_that_are_too_many_are_refused),
        cmocka_unit_test(gzip_that_is_cut_or_damaged_is_refused_at_every_byte),
        cmocka_unit_test(what_is_no_text_file_is_refused_by_name),
        cmocka_unit_test(a_failed_allocation_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, make_path, remove_path);
}
