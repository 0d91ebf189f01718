/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong input gets one sentence with file, place, expected and found, and leaves nothing. */
#include "tests/import_box.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>

/* The import fails for the input with this sentence, and only the input is there. */
static void refused(struct box *b, const char *part)
{
    assert_fails(box_import(b), PS_EINPUT, part);
    assert_int_equal(ps_exit_code(PS_EINPUT), 2);
    assert_true(box_is_clean(b));
    assert_int_equal(json_object_size(b->report), 0);
    assert_int_equal(ps_mem_live(&b->ctx.mem), 0);
    box_remove(b->in); /* whole again for the next */
    assert_int_equal(mkdir(b->in, 0700), 0);
    box_fill(b);
}

static void bad_edges_are_refused(void **state)
{
    static const int32_t big[][2] = {{0, 1}, {2, 5}}, negative[][2] = {{0, 1}, {-7, 1}};
    static const uint64_t huge[][2] = {{0, 1}, {1, UINT64_MAX}};
    static const float real[6][2];
    static const int32_t triple[2][3];
    char path[BOX_PATH];
    struct box *b = box_new();

    (void)state;
    box_text(b, "meta.json", "{\"nodes\": 5}");
    box_put(b, "edges.npy", "<i4", "(2, 2)", big, sizeof big);
    refused(b, "in/edges.npy: edge 1 has target 5, expected 0 to 4 (5 nodes)");
    box_text(b, "meta.json", "{\"nodes\": 5}");
    box_put(b, "edges.npy", "<i4", "(2, 2)", negative, sizeof negative);
    refused(b, "in/edges.npy: edge 1 has source -7, expected 0 to 4 (5 nodes)");
    box_text(b, "meta.json", "{\"nodes\": 5}");
    box_put(b, "edges.npy", "<u8", "(2, 2)", huge, sizeof huge);
    refused(b, "in/edges.npy: item 3 is 18446744073709551615");
    box_put(b, "edges.npy", "<f4", "(6, 2)", real, sizeof real);
    refused(b, "an array of integers, found float32");
    box_text(b, "meta.json", "{\"nodes\": 5}");
    box_put(b, "edges.npy", "<i4", "(3, 3)", triple, 0);
    refused(b, "is cut short: shape (3, 3) of int32 takes 36 bytes, found 0");
    box_text(b, "meta.json", "{\"nodes\": 5}");
    box_put(b, "edges.npy", "<i4", "(1, 3)", triple, sizeof triple);
    refused(b, "expected shape (edges, 2) or (2, edges), found (1, 3)");
    box_text(b, "meta.json", "{\"nodes\": 5}");
    box_put(b, "edges.npy", "<i4", "(6,)", triple, sizeof triple);
    refused(b, "an array of 2 dimensions, found shape (6,)");
    assert_int_equal(truncate(box_file(b, "edges.npy", path), 0), 0);
    refused(b, "in/edges.npy: is empty");
    box_drop(b, "edges.npy");
    refused(b, "cannot open ");
    box_free(b);
}

static void bad_labels_are_refused(void **state)
{
    static const int32_t large[] = {0, 1, 3, 2, 1}, below[] = {0, 1, 1, -2, 1};
    static const float real[5];
    struct box *b = box_new();

    (void)state;
    box_put(b, "labels.npy", "<i4", "(5,)", large, sizeof large);
    refused(b, "in/labels.npy: the label of node 2 is 3, expected -1 (none) to 2");
    box_put(b, "labels.npy", "<i4", "(5,)", below, sizeof below);
    refused(b, "in/labels.npy: the label of node 3 is -2");
    box_put(b, "labels.npy", "<i4", "(4,)", below, sizeof below);
    refused(b, "expected 5 labels, one for each node, found shape (4,)");
    box_put(b, "labels.npy", "<f4", "(5,)", real, sizeof real);
    refused(b, "an array of integers, found float32");
    box_drop(b, "labels.npy");
    refused(b, "meta.json tells of 3 classes, expected labels.npy");
    box_free(b);
}

static void bad_splits_are_refused(void **state)
{
    static const int32_t out[] = {5}, negative[] = {-1}, both[] = {1}, twice[] = {3, 3};
    static const uint8_t code[2][5] = {{0, 1, 2, 3, 3}, {0, 1, 2, 3, 4}};
    struct box *b = box_new();
    char path[BOX_PATH];

    (void)state;
    box_put(b, "train.npy", "<i4", "(1,)", out, sizeof out);
    refused(b, "in/train.npy: item 0 is node 5, expected 0 to 4");
    box_put(b, "train.npy", "<i4", "(1,)", negative, sizeof negative);
    refused(b, "in/train.npy: item 0 is node -1, expected 0 to 4");
    box_put(b, "test.npy", "<i4", "(1,)", both, sizeof both);
    refused(b, "node 1 is in two splits: ");
    assert_non_null(strstr(ps_err_sentence(), "in/valid.npy and "));
    assert_non_null(strstr(ps_err_sentence(), "in/test.npy"));
    box_put(b, "valid.npy", "<i4", "(2,)", twice, sizeof twice);
    refused(b, "in/valid.npy: node 3 is there twice");
    box_put(b, "splits.npy", "|u1", "(2, 5)", code, sizeof code);
    refused(b, "in/splits.npy: row 1, node 4: expected 0 (train), 1 (valid), 2 (test) or 3 (none), "
               "found 4");
    box_put(b, "splits.npy", "|u1", "(5, 2)", code, sizeof code);
    refused(b, "rows of 5 columns, one for each node, found shape (5, 2)");
    box_put(b, "splits.npy", "|u1", "(0, 5)", code, 0);
    refused(b, "found shape (0, 5)");
    npy_raw(box_file(b, "splits.npy", path), 1,
            "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 5)}", code, sizeof code);
    refused(b, "expected C order, found Fortran order");
    box_free(b);
}

static void bad_dense_features_are_refused(void **state)
{
    float x[5][3] = {{0}};
    double wide[5][3] = {{0}};
    static const uint16_t half[5][3] = {{0}, {0}, {0, 0, 0x7c00}};
    static const int32_t whole[5][3];
    struct box *b = box_new();

    (void)state;
    x[4][1] = NAN;
    box_put(b, "features.npy", "<f4", "(5, 3)", x, sizeof x);
    refused(b, "in/features.npy: row 4, column 1: expected a finite number, found nan");
    x[4][1] = -INFINITY;
    box_put(b, "features.npy", "<f4", "(5, 3)", x, sizeof x);
    refused(b, "row 4, column 1: expected a finite number, found -inf");
    wide[3][2] = 1e39;
    box_put(b, "features.npy", "<f8", "(5, 3)", wide, sizeof wide);
    refused(b, "row 3, column 2: expected a number that fits float32, found 1e+39");
    box_put(b, "features.npy", "<f2", "(5, 3)", half, sizeof half);
    refused(b, "row 2, column 2: expected a finite number, found inf");
    box_put(b, "features.npy", "<i4", "(5, 3)", whole, sizeof whole);
    refused(b, "expected float16, float32 or float64, found int32");
    box_put(b, "features.npy", "<f4", "(5, 2)", x, sizeof x);
    refused(b, "expected 3 columns, found 2");
    box_put(b, "features.npy", "<f4", "(3, 3)", x, sizeof x);
    refused(b, "expected 5 rows, one for each node, found shape (3, 3)");
    box_put(b, "features.npy", "<f4", "(5,)", x, sizeof x);
    refused(b, "an array of 2 dimensions, found shape (5,)");
    box_put(b, "features_bits.npy", "|u1", "(5, 1)", whole, 5);
    refused(b, "expected one of features.npy, features_bits.npy and feat_indptr.npy, found 2");
    box_drop(b, "features.npy");
    refused(b, "meta.json tells of features");
    box_free(b);
}

static const int32_t csr_indptr[] = {0, 2, 2, 4, 4, 5};
static const uint16_t csr_indices[] = {2, 0, 1, 2, 1};

/* CSR files in place of dense ones, one of them as given. */
static void refused_csr(struct box *b, const char *name, const char *descr, const char *shape,
                        const void *data, size_t bytes, const char *part)
{
    static const float value[5] = {1, 2, 3, 4, 5};

    box_drop(b, "features.npy");
    box_text(b, "meta.json", "{\"nodes\": 5, \"feature_dim\": 3}");
    box_put(b, "feat_indptr.npy", "<i4", "(6,)", csr_indptr, sizeof csr_indptr);
    box_put(b, "feat_indices.npy", "<u2", "(5,)", csr_indices, sizeof csr_indices);
    box_put(b, "feat_values.npy", "<f4", "(5,)", value, sizeof value);
    box_put(b, name, descr, shape, data, bytes);
    refused(b, part);
}

static void bad_sparse_features_are_refused(void **state)
{
    static const int32_t down[] = {0, 2, 1, 4, 4, 5}, begin[] = {1, 2, 2, 4, 4, 5},
                         shorter[] = {0, 2, 2, 4, 4, 4}, past[] = {0, 2, 2, 4, 4, 6},
                         many[] = {0, 4, 4, 4, 4, 5};
    static const uint16_t column[] = {2, 0, 1, 3, 1}, twice[] = {2, 0, 1, 1, 1};
    static const float value[] = {1, 2, NAN, 4, 5};
    static const double wide[] = {1, 2, 3, 1e40, 5};
    struct box *b = box_new();

    (void)state;
    refused_csr(b, "feat_indptr.npy", "<i4", "(6,)", down, sizeof down,
                "in/feat_indptr.npy: item 2 is 1, expected 2 to 5");
    refused_csr(b, "feat_indptr.npy", "<i4", "(6,)", begin, sizeof begin,
                "in/feat_indptr.npy: item 0 is 1, expected 0");
    refused_csr(b, "feat_indptr.npy", "<i4", "(6,)", shorter, sizeof shorter,
                "in/feat_indptr.npy: the last item is 4, expected 5");
    refused_csr(b, "feat_indptr.npy", "<i4", "(6,)", past, sizeof past,
                "in/feat_indptr.npy: item 5 is 6, expected 4 to 5");
    refused_csr(b, "feat_indptr.npy", "<i4", "(6,)", many, sizeof many,
                "in/feat_indptr.npy: row 0 has 4 columns, expected at most 3");
    refused_csr(b, "feat_indptr.npy", "<i4", "(5,)", down, sizeof down,
                "expected 6 row pointers, nodes plus one, found 5");
    refused_csr(b, "feat_indices.npy", "<u2", "(5,)", column, sizeof column,
                "in/feat_indices.npy: row 2, item 3: expected a column from 0 to 2, found 3");
    refused_csr(b, "feat_indices.npy", "<u2", "(5,)", twice, sizeof twice,
                "in/feat_indices.npy: row 2 has column 1 twice");
    refused_csr(b, "feat_values.npy", "<f4", "(5,)", value, sizeof value,
                "in/feat_values.npy: row 2, column 1: expected a finite number");
    refused_csr(b, "feat_values.npy", "<f8", "(5,)", wide, sizeof wide,
                "in/feat_values.npy: row 2, column 2: expected a finite number that fits float32");
    refused_csr(b, "feat_values.npy", "<f4", "(4,)", value, sizeof value,
                "expected 5 values, as many as");
    box_free(b);
}

static void bad_bits_are_refused(void **state)
{
    static const uint8_t bits[5][1] = {{1}, {7}, {0}, {8}};
    struct box *b = box_new();

    (void)state;
    box_drop(b, "features.npy");
    box_text(b, "meta.json", "{\"nodes\": 5, \"feature_dim\": 3}");
    box_put(b, "features_bits.npy", "|u1", "(5, 1)", bits, sizeof bits);
    refused(b, "in/features_bits.npy: row 3: bit 3 is set, expected bits 0 to 2 only");
    box_drop(b, "features.npy");
    box_put(b, "features_bits.npy", "|u1", "(5, 1)", bits, sizeof bits);
    box_text(b, "meta.json", "{\"nodes\": 5, \"feature_dim\": 9}");
    refused(b, "expected uint8 (5, 2), found uint8 (5, 1)");
    box_drop(b, "features.npy");
    box_put(b, "features_bits.npy", "|u1", "(5, 1)", bits, sizeof bits);
    box_text(b, "meta.json", "{\"nodes\": 5}");
    refused(b, "meta.json: expected feature_dim, found none");
    box_free(b);
}

static void a_bad_meta_json_is_refused(void **state)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"", "in/meta.json: line 1"},
        {"{\"nodes\": 5,\n}", "in/meta.json: line 2"},
        {"[5]", "in/meta.json: expected an object"},
        {"{\"nodes\": 5, \"nodes\": 6}", "duplicate"},
        {"{}", "in/meta.json: expected nodes, found none"},
        {"{\"nodes\": 0}", "expected a graph of 1 to"},
        {"{\"nodes\": 9000000000000000000}", "expected a graph of 1 to"},
        {"{\"nodes\": -5}", "in/meta.json: nodes: expected a count, found -5"},
        {"{\"nodes\": NaN}", "in/meta.json: nodes: expected a count, found \"\""},
        {"{\"nodes\": 5, \"undirected\": 1}", "undirected: expected true or false"},
        {"{\"nodes\": 6}", "expected 6 labels"},
        {"{\"nodes\": 5, \"edges_stored\": 7}", "expected 7 items as edges_stored of"},
        {"{\"nodes\": 5, \"split_sizes\": {\"valid\": 3}}", "expected 3 items as valid of"},
        {"{\"nodes\": 5, \"classes\": 2}", "the label of node 3 is 2, expected -1 (none) to 1"},
        {"{\"nodes\": 5, \"classes\": 2000000}", "expected at most 1048576 classes"},
        {"{\"nodes\": 5, \"feature_dim\": 4}", "expected 4 columns, found 3"},
    };
    struct box *b = box_new();

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        box_text(b, "meta.json", bad[i].text);
        refused(b, bad[i].part);
    }
    box_drop(b, "meta.json");
    refused(b, "cannot open ");
    assert_ok(box_import(b));
    box_free(b);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    static const char *const name[] = {"edges.npy", "labels.npy", "train.npy", "features.npy"};
    struct box *b = box_new();
    char path[BOX_PATH];
    struct stat s;

    (void)state;
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++)
        for (off_t left = 0;; left += 7) {
            assert_int_equal(stat(box_file(b, name[i], path), &s), 0);
            if (left >= s.st_size)
                break;
            assert_int_equal(truncate(path, left), 0);
            refused(b, name[i]);
        }
    box_free(b);
}

static void wrong_usage_is_told(void **state)
{
    struct box *b = box_new();
    char path[BOX_PATH];

    (void)state;
    b->o.common.out[0] = '\0';
    assert_fails(box_import(b), PS_EUSAGE, "expected --out D.ps");
    snprintf(b->o.common.out, sizeof b->o.common.out, "%s", b->in);
    assert_fails(box_import(b), PS_EUSAGE, "exists; --force replaces it");
    snprintf(b->o.common.out, sizeof b->o.common.out, "%s///", b->out);
    assert_ok(box_import(b));
    assert_string_equal(json_string_value(json_object_get(b->report, "path")), b->out);
    assert_fails(box_import(b), PS_EUSAGE, "exists; --force replaces it");
    b->o.common.force = true;
    memset(b->o.import.name, 'x', 64);
    assert_fails(box_import(b), PS_EUSAGE, "choose with --name");
    b->o.import.name[0] = '\0';
    snprintf(b->o.import.edges, sizeof b->o.import.edges, "%s", box_file(b, "edges.npy", path));
    assert_fails(box_import(b), PS_EUSAGE, "--edges belongs to import npy");
    assert_fails(ps_import_npy(&b->ctx, &b->o, "x", b->report), PS_EUSAGE, "--num-nodes is needed");
    b->o.import.classes = 5;
    assert_fails(ps_import_npy(&b->ctx, &b->o, "x", b->report), PS_EUSAGE, "--num-classes");
    b->o.import.classes = 0;
    snprintf(b->o.import.train, 8, "a.npy");
    snprintf(b->o.import.splits, 8, "b.npy");
    assert_fails(ps_import_npy(&b->ctx, &b->o, "x", b->report), PS_EUSAGE, "--splits is in place");
    b->o.import.edges[0] = '\0';
    b->o.import.splits[0] = '\0';
    assert_fails(ps_import_npy(&b->ctx, &b->o, "x", b->report), PS_EUSAGE, "needs --edges");
    assert_fails(ps_import_dir(&b->ctx, &b->o, b->in, "\xff", b->report), PS_EUSAGE, "");
    box_free(b);
}

static void standardising_sparse_rows_is_refused_with_the_reason(void **state)
{
    static const uint8_t bits[5];
    struct box *b = box_new();

    (void)state;
    box_drop(b, "features.npy");
    box_text(b, "meta.json", "{\"nodes\": 5, \"feature_dim\": 3}");
    box_put(b, "features_bits.npy", "|u1", "(5, 1)", bits, sizeof bits);
    b->o.import.normalise = PS_NORMALISE_STANDARD;
    assert_fails(box_import(b), PS_EUSAGE, "no entry of");
    assert_true(box_is_clean(b));
    b->o.import.normalise = PS_NORMALISE_NONE; /* no bit at all is set */
    assert_ok(box_import(b));
    box_free(b);
}

static void too_little_memory_is_told_with_what_would_do(void **state)
{
    struct box *b = box_new();
    const char *would;

    (void)state;
    atomic_store(&b->ctx.mem.limit_bytes, 3 << 20);
    assert_fails(box_import(b), PS_EMEM, "would do");
    assert_true(box_is_clean(b));
    would = strstr(ps_err_sentence(), "nodes: ");
    assert_non_null(would);
    atomic_store(&b->ctx.mem.limit_bytes, strtoull(would + 7, NULL, 10));
    assert_ok(box_import(b));
    box_free(b);
}

static void every_allocation_may_fail(void **state)
{
    struct box *b = box_new();
    ps_status st = PS_EMEM;
    int n;

    (void)state;
    for (n = 0; st != PS_OK; n++) {
        ps_mem_fail_after(&b->ctx.mem, n);
        st = box_import(b);
        ps_mem_fail_after(&b->ctx.mem, -1);
        assert_true(st == PS_OK || st == PS_EMEM);
        assert_int_equal(ps_mem_live(&b->ctx.mem), 0);
        assert_int_equal(box_is_clean(b), st != PS_OK);
    }
    assert_true(n > 40);
    box_free(b);
}

/* A limit on the size of files stands for the full disk. */
static void a_full_disk_leaves_nothing(void **state)
{
    struct box *b = box_new();
    struct rlimit old, small;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = (struct rlimit){16384, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(box_import(b), PS_EIO);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_true(box_is_clean(b));
    assert_ok(box_import(b));
    box_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_edges_are_refused),
        cmocka_unit_test(bad_labels_are_refused),
        cmocka_unit_test(bad_splits_are_refused),
        cmocka_unit_test(bad_dense_features_are_refused),
        cmocka_unit_test(bad_sparse_features_are_refused),
        cmocka_unit_test(bad_bits_are_refused),
        cmocka_unit_test(a_bad_meta_json_is_refused),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(wrong_usage_is_told),
        cmocka_unit_test(standardising_sparse_rows_is_refused_with_the_reason),
        cmocka_unit_test(too_little_memory_is_told_with_what_would_do),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_full_disk_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
