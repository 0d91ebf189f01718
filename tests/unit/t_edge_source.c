/* SPDX-License-Identifier: Apache-2.0 */
/* Edges of every format: the same edges each time they are asked for, errors with their place. */
#include "tests/gzip_make.h"
#include "tests/npy_make.h"

#include "src/graph/edge_source.h"

#include <unistd.h>

enum { MTX_HEAD = 256 };
static const char mtx_head[] = "%%MatrixMarket matrix coordinate pattern general\n";

/* A source over bytes in memory: text, or Matrix Market where @p mtx. */
static ps_status open_bytes(struct ps_edge_source **s, struct ps_ctx *ctx, bool mtx,
                            const void *data, size_t bytes)
{
    uint64_t nodes;

    *s = NULL;
    return mtx ? ps_edge_source_mtx_memory(s, ctx, "m", data, bytes, &nodes)
               : ps_edge_source_text_memory(s, ctx, "m", data, bytes);
}

/* All edges as "u>v ", or the failure. */
static ps_status read_all(struct ps_edge_source *s, char *said, size_t cap)
{
    static uint64_t source[PS_EDGES_CHUNK], target[PS_EDGES_CHUNK];
    size_t n = 1, at = 0;

    said[0] = '\0';
    PS_TRY(ps_edge_source_rewind(s));
    while (n > 0) {
        PS_TRY(ps_edge_source_next(s, source, target, &n));
        for (size_t i = 0; i < n && at < cap; i++)
            at += (size_t)snprintf(said + at, cap - at, "%" PRIu64 ">%" PRIu64 " ", source[i],
                                   target[i]);
    }
    return PS_OK;
}

static void gives(bool mtx, const char *text, const char *want)
{
    unsigned char packed[1024];
    size_t bytes = strlen(text);
    struct ps_edge_source *s;
    struct ps_ctx ctx;
    char said[256];

    ps_ctx_init(&ctx, NULL);
    for (int k = 0; k < 2; k++) {
        if (k == 1)
            bytes = gzip_pack(text, bytes, packed, sizeof packed);
        assert_ok(open_bytes(&s, &ctx, mtx, k == 0 ? (const void *)text : packed, bytes));
        for (int twice = 0; twice < 2; twice++) {
            assert_ok(read_all(s, said, sizeof said));
            assert_string_equal(said, want);
        }
        ps_edge_source_close(&s);
        assert_null(s);
    }
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void refuses(bool mtx, const char *text, uint64_t nodes, const char *part)
{
    struct ps_edge_source *s;
    struct ps_ctx ctx;
    char said[256];
    ps_status st;

    ps_ctx_init(&ctx, NULL);
    st = open_bytes(&s, &ctx, mtx, text, strlen(text));
    if (st == PS_OK) {
        s->nodes = nodes;
        st = read_all(s, said, sizeof said);
    }
    assert_fails(st, PS_EINPUT, part);
    ps_edge_source_close(&s);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void lines_of_text_are_edges(void **state)
{
    (void)state;
    gives(false, "", "");
    gives(false, "# nothing\n", "");
    gives(false, "# a\n0 1\n2\t1\r\n\n1,3\n", "0>1 2>1 1>3 ");
    gives(false, "0 1 0.5\n1 2 -1e3\n", "0>1 1>2 ");
    gives(false, "0;1;2;1700000000.5\n", "0>1 ");
    gives(false, "1099511627775 0", "1099511627775>0 ");
}

static void bad_lines_are_refused_with_their_number(void **state)
{
    (void)state;
    refuses(false, "0 1\n2\n", 0, "m: line 2: expected the target, found the end of the line");
    refuses(false, "source,target\n0,1\n", 0,
            "m: line 1: expected the source, a whole number from 0 to 2^64 - 1, found 'source'");
    refuses(false, "0 1\n-1 2\n", 0, "m: line 2: expected the source, a whole number");
    refuses(false, "0 1\n\n1 7\n", 7, "m: line 3 has target 7, expected 0 to 6 (7 nodes)");
    refuses(false, "9 1\n", 7, "m: line 1 has source 9, expected 0 to 6 (7 nodes)");
    refuses(false, "1 18446744073709551615\n", 0,
            "m: line 1 has target 18446744073709551615, expected 0 to 1099511627775");
    refuses(false, "0 1 x\n", 0, "m: line 1: expected a weight or a time behind source and target");
    refuses(false, "0 1 2 3 4\n", 0,
            "m: line 1: expected only source, target and at most two more numbers, found also '4'");
    refuses(false, "#\n0 1\n1 2 3\n", 0, "m: line 3: expected 2 words as in line 2, found 3");
    refuses(false, "0 1 1\n1 2\n", 0, "m: line 2: expected 3 words as in line 1, found 2");
}

static void the_largest_id_and_the_number_of_edges_are_found(void **state)
{
    enum { EDGES = PS_EDGES_CHUNK * 2 + 5, LINE = 16 };
    char *text = malloc(EDGES * LINE);
    size_t bytes = 0;
    struct ps_edge_source *s;
    struct ps_ctx ctx;
    uint64_t nodes;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < EDGES; i++)
        bytes += (size_t)snprintf(text + bytes, LINE, "%d %d\n", i, i == 40000 ? 999999 : 3);
    ps_ctx_init(&ctx, NULL);
    assert_ok(ps_edge_source_text_memory(&s, &ctx, "m", text, bytes));
    assert_true(s->edges == PS_EDGES_UNKNOWN);
    assert_ok(ps_edge_source_scan(s, &nodes));
    assert_int_equal(nodes, 1000000);
    assert_int_equal(s->edges, EDGES);
    s->nodes = 999999; /* in the second batch */
    assert_fails(ps_edge_source_scan(s, &nodes), PS_EINPUT, "m: line 40001 has target 999999");
    ps_edge_source_close(&s);
    free(text);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void several_files_come_one_behind_the_other(void **state)
{
    char name[4][64];
    const char *path[4];
    struct ps_edge_source *s;
    struct ps_ctx ctx;
    char said[256];

    (void)state;
    for (int k = 0; k < 4; k++) {
        snprintf(name[k], sizeof name[k], "/tmp/penstock-t-edges-%ld-%d", (long)getpid(), k);
        path[k] = name[k];
    }
    put_file(path[0], "0 1\n1 2\n", 8);
    put_file(path[1], "", 0);
    put_file(path[2], "3 4 5\n", 6); /* another number of words is another file's right */
    put_file(path[3], "7 x\n", 4);
    ps_ctx_init(&ctx, NULL);
    assert_ok(ps_edge_source_text(&s, &ctx, path, 3));
    for (int twice = 0; twice < 2; twice++) {
        assert_ok(read_all(s, said, sizeof said));
        assert_string_equal(said, "0>1 1>2 3>4 ");
        assert_int_equal(s->more_fields, 1);
    }
    s->nodes = 4;
    assert_fails(read_all(s, said, sizeof said), PS_EINPUT, "-2: line 1 has target 4");
    ps_edge_source_close(&s);
    assert_ok(ps_edge_source_text(&s, &ctx, path, 4));
    assert_fails(read_all(s, said, sizeof said), PS_EINPUT, "-3: line 1: expected the target");
    ps_edge_source_close(&s);
    assert_int_equal(unlink(path[2]), 0);
    assert_ok(ps_edge_source_text(&s, &ctx, path, 3));
    assert_fails(read_all(s, said, sizeof said), PS_EINPUT, "cannot open ");
    ps_edge_source_close(&s);
    assert_fails(ps_edge_source_text(&s, &ctx, path + 2, 1), PS_EINPUT, "cannot open ");
    assert_null(s);
    for (int k = 0; k < 4; k++)
        unlink(path[k]);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void shards_of_npy_may_lie_either_way(void **state)
{
    static const int32_t pairs[][2] = {{0, 1}, {2, 3}, {4, 5}}, bad[][2] = {{6, 7}, {8, -2}};
    static const int64_t rows[2][3] = {{6, 7, 8}, {9, 10, 11}};
    char name[3][64];
    const char *path[3];
    struct ps_edge_source *s;
    struct ps_ctx ctx;
    char said[256];

    (void)state;
    for (int k = 0; k < 3; k++) {
        snprintf(name[k], sizeof name[k], "/tmp/penstock-t-shard-%ld-%d.npy", (long)getpid(), k);
        path[k] = name[k];
    }
    npy_make(path[0], "<i4", "(3, 2)", pairs, sizeof pairs);
    npy_make(path[1], "<i8", "(2, 3)", rows, sizeof rows);
    npy_make(path[2], "<i4", "(2, 2)", bad, sizeof bad);
    ps_ctx_init(&ctx, NULL);
    assert_ok(ps_edge_source_npy(&s, &ctx, path, 2));
    assert_int_equal(s->edges, 6);
    for (int twice = 0; twice < 2; twice++) {
        assert_ok(read_all(s, said, sizeof said));
        assert_string_equal(said, "0>1 2>3 4>5 6>9 7>10 8>11 ");
    }
    ps_edge_source_close(&s);
    assert_ok(ps_edge_source_npy(&s, &ctx, path, 3));
    assert_fails(read_all(s, said, sizeof said), PS_EINPUT,
                 "-2.npy: edge 1 has target -2, expected 0");
    ps_edge_source_close(&s);
    npy_make(path[1], "<i8", "(3, 3)", rows, sizeof rows);
    assert_fails(ps_edge_source_npy(&s, &ctx, path, 2), PS_EINPUT, "-1.npy: is cut short");
    assert_null(s);
    for (int k = 0; k < 3; k++)
        unlink(path[k]);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void entries_of_matrix_market_are_edges_from_row_to_column(void **state)
{
    struct ps_edge_source *s;
    struct ps_ctx ctx;
    uint64_t nodes;
    static const char symmetric[] = "%%MatrixMarket  MATRIX coordinate integer Symmetric\r\n%\n"
                                    " 3 3 2\n2 1 5\n3 3 -1\n";

    (void)state;
    gives(true, "%%MatrixMarket matrix coordinate pattern general\n% a\n\n3 3 2\n1 2\n\n3 1\n",
          "0>1 2>0 ");
    gives(true, "%%MatrixMarket matrix coordinate real general\n2 2 1\n2 2 1.5e3", "1>1 ");
    gives(true, "%%MatrixMarket matrix coordinate pattern general\n5 5 0\n", "");
    gives(true, symmetric, "1>0 2>2 ");
    ps_ctx_init(&ctx, NULL);
    assert_ok(ps_edge_source_mtx_memory(&s, &ctx, "m", symmetric, sizeof symmetric - 1, &nodes));
    assert_int_equal(nodes, 3);
    assert_int_equal(s->edges, 2);
    assert_true(s->symmetric);
    ps_edge_source_close(&s);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void a_bad_header_of_matrix_market_is_refused(void **state)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"", "m: is no Matrix Market file: it does not begin with %%MatrixMarket"},
        {"1 2\n", "m: is no Matrix Market file"},
        {"%%MatrixMarket matrix coordinate pattern\n", "m: line 1: expected 5 words, found fewer"},
        {"%%MatrixMarket matrix coordinate pattern general x\n", "expected 5 words, found more"},
        {"%%MatrixMarket vector coordinate pattern general\n", "expected 'matrix' as word 2"},
        {"%%MatrixMarket matrix array real general\n",
         "m: line 1: expected 'coordinate' as word 3, found 'array'"},
        {"%%MatrixMarket matrix coordinate complex general\n",
         "expected a matrix of pattern, real or integer, found 'complex'"},
        {"%%MatrixMarket matrix coordinate real skew-symmetric\n",
         "expected a general or symmetric matrix, found 'skew-symmetric'"},
        {"%%MatrixMarket matrix coordinate real hermitian\n", "found 'hermitian'"},
        {"%%MatrixMarket matrix coordinate real general\n% x\n",
         "m: ends at line 2, expected rows, columns and entries"},
        {"%%MatrixMarket matrix coordinate real general\n3 3\n",
         "m: line 2: expected entries, found the end of the line"},
        {"%%MatrixMarket matrix coordinate real general\n3 3 0 0\n",
         "m: line 2: expected only rows, columns and entries, found also '0'"},
        {"%%MatrixMarket matrix coordinate real general\n3 4 0\n",
         "m: line 2: expected a square matrix, found 3 rows and 4 columns"},
        {"%%MatrixMarket matrix coordinate real general\n0 0 0\n", "found 0 rows and 0 columns"},
        {"%%MatrixMarket matrix coordinate real general\n3 3 99999999999\n",
         "m: line 2: 99999999999 entries are more than the file holds"},
    };

    (void)state;
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        refuses(true, bad[k].text, 0, bad[k].part);
}

static void bad_entries_of_matrix_market_are_refused(void **state)
{
    static const struct {
        const char *field, *rest, *part;
    } bad[] = {
        {"pattern general", "3 3 2\n1 2\n",
         "m: ends at line 3 after 1 entries, expected 2 as line 2"},
        {"pattern general", "3 3 1\n1 2\n2 3\n", "m: line 4: expected the end of the file after 1"},
        {"pattern general", "3 3 1\n0 2\n", "m: line 3 has row 0, expected 1 to 3 as line 2 says"},
        {"pattern general", "3 3 1\n1 4\n", "m: line 3 has column 4, expected 1 to 3"},
        {"pattern general", "3 3 1\n1\n", "m: line 3: expected column, found the end of the line"},
        {"pattern general", "3 3 1\n1 2 3\n",
         "m: line 3: expected only row and column, found also '3'"},
        {"real general", "3 3 1\n1 2\n", "m: line 3: expected a value, found the end of the line"},
        {"real general", "3 3 1\n1 2 x\n", "m: line 3: expected a value, a number, found 'x'"},
        {"real general", "3 3 1\n1 2 3 4\n", "expected only row, column and value, found also '4'"},
        {"pattern symmetric", "3 3 1\n1 2\n",
         "m: line 3: expected an entry on or below the diagonal of a symmetric matrix, found row "
         "1, "
         "column 2"},
    };
    char text[MTX_HEAD];

    (void)state;
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        snprintf(text, sizeof text, "%%%%MatrixMarket matrix coordinate %s\n%s", bad[k].field,
                 bad[k].rest);
        refuses(true, text, 0, bad[k].part);
    }
}

/* Cut at every byte, a Matrix Market file is refused, but where only white space is missing. */
static void a_matrix_that_is_cut_short_is_refused(void **state)
{
    char text[MTX_HEAD];
    struct ps_edge_source *s;
    struct ps_ctx ctx;
    char said[64];

    (void)state;
    snprintf(text, sizeof text, "%s12 12 3\n1 2\n3 4\n5 12\n", mtx_head);
    ps_ctx_init(&ctx, NULL);
    for (size_t n = 0; n < strlen(text) - 2; n++) { /* "5 1" is an entry too */
        ps_status st = open_bytes(&s, &ctx, true, text, n);
        if (st == PS_OK)
            st = read_all(s, said, sizeof said);
        assert_int_equal(st, PS_EINPUT);
        ps_edge_source_close(&s);
    }
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_text_are_edges),
        cmocka_unit_test(bad_lines_are_refused_with_their_number),
        cmocka_unit_test(the_largest_id_and_the_number_of_edges_are_found),
        cmocka_unit_test(several_files_come_one_behind_the_other),
        cmocka_unit_test(shards_of_npy_may_lie_either_way),
        cmocka_unit_test(entries_of_matrix_market_are_edges_from_row_to_column),
        cmocka_unit_test(a_bad_header_of_matrix_market_is_refused),
        cmocka_unit_test(bad_entries_of_matrix_market_are_refused),
        cmocka_unit_test(a_matrix_that_is_cut_short_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
