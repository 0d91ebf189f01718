/* SPDX-License-Identifier: Apache-2.0 */
/* Tiny graphs become the datasets that were worked out by hand. */
#include "tests/import_box.h"

#include "src/base/rng.h"
#include "src/graph/import_core.h"

#include <math.h>

static void a_folder_becomes_the_dataset_value_by_value(void **state)
{
    static const uint64_t indptr[] = {0, 1, 4, 4, 6, 6}, id[] = {0, 1, 2, 3, 4};
    static const uint32_t indices[] = {4, 0, 0, 2, 1, 3}, out_degree[] = {2, 1, 1, 1, 1};
    static const int32_t labels[] = {0, 1, -1, 2, 1};
    static const uint8_t split[] = {1, 2, 0, 2, 3};
    static const float x[] = {0,    0.25F, 0.5F,  1,    1.25F, 1.5F,  2,   2.25F,
                              2.5F, 3,     3.25F, 3.5F, 4,     4.25F, 4.5F};
    struct box *b = box_new();
    struct got g;
    json_t *j;

    (void)state;
    snprintf(b->o.import.name, sizeof b->o.import.name, "tiny");
    assert_ok(box_import(b));
    got_open(&g, b);
    assert_string_equal(g.meta->name, "tiny");
    assert_string_equal(g.meta->partitioner, "none");
    assert_int_equal(g.meta->nodes, 5);
    assert_int_equal(g.meta->edges, 6);
    assert_int_equal(g.meta->classes, 3);
    assert_int_equal(g.meta->task, PS_TASK_SINGLE_LABEL);
    assert_int_equal(g.meta->feature_kind, PS_FEATURES_DENSE);
    assert_int_equal(g.meta->feature_type, PS_TYPE_F32);
    assert_int_equal(g.meta->feature_dim, 3);
    assert_int_equal(g.meta->splits, 1);
    assert_int_equal(g.meta->parts, 1);
    assert_false(g.meta->symmetrised);
    assert_int_equal(g.meta->train_offsets[1], 1);
    got_is(&g, PS_ARRAY_INDPTR, indptr, sizeof indptr);
    got_is(&g, PS_ARRAY_INDICES, indices, sizeof indices);
    got_is(&g, PS_ARRAY_OUT_DEGREE, out_degree, sizeof out_degree);
    got_is(&g, PS_ARRAY_LABELS, labels, sizeof labels);
    got_is(&g, PS_ARRAY_SPLIT, split, sizeof split);
    got_is(&g, PS_ARRAY_FEATURES, x, sizeof x);
    got_is(&g, PS_ARRAY_ORIG_ID, id, sizeof id);
    j = json_loads(g.meta->provenance, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(j, "command")), "penstock import");
    assert_int_equal(json_array_size(json_object_get(j, "inputs")), 7);
    json_decref(j);
    got_close(&g);
    assert_int_equal(box_count(b, "train"), 1);
    assert_int_equal(box_count(b, "valid"), 2);
    assert_int_equal(box_count(b, "test"), 1);
    assert_int_equal(box_count(b, "edges"), 6);
    box_free(b);
}

static void check_rows(struct box *b, const uint64_t *indptr, const uint32_t *indices, bool both)
{
    struct got g;

    b->o.common.force = true;
    assert_ok(box_import(b));
    got_open(&g, b);
    assert_int_equal(g.meta->edges, indptr[5]);
    assert_int_equal(g.meta->symmetrised, both);
    got_is(&g, PS_ARRAY_INDPTR, indptr, 6 * sizeof *indptr);
    got_is(&g, PS_ARRAY_INDICES, indices, indptr[5] * sizeof *indices);
    got_close(&g);
}

static void options_decide_which_edges_are_kept(void **state)
{
    static const uint64_t both_ptr[] = {0, 3, 7, 8, 10, 11}, once_ptr[] = {0, 1, 3, 3, 5, 5},
                          no_loop_ptr[] = {0, 1, 4, 4, 5, 5}, clean_ptr[] = {0, 2, 5, 6, 7, 8};
    static const uint32_t both[] = {1, 1, 4, 0, 0, 2, 3, 1, 1, 3, 0}, once[] = {4, 0, 2, 1, 3},
                          no_loop[] = {4, 0, 0, 2, 1}, clean[] = {1, 4, 0, 2, 3, 1, 1, 0};
    struct box *b = box_new();

    (void)state;
    b->o.import.symmetrise = true; /* doubles stay, the loop is not doubled */
    check_rows(b, both_ptr, both, true);
    b->o.import.symmetrise = false;
    b->o.import.dedupe = true;
    check_rows(b, once_ptr, once, false);
    b->o.import.dedupe = false;
    b->o.import.drop_loops = true;
    check_rows(b, no_loop_ptr, no_loop, false);
    b->o.import.symmetrise = b->o.import.dedupe = true;
    check_rows(b, clean_ptr, clean, true);
    b->o.import.symmetrise = b->o.import.dedupe = b->o.import.drop_loops = false;
    box_text(b, "meta.json", "{\"nodes\": 5, \"undirected\": true}");
    check_rows(b, both_ptr, both, true);
    b->o.import.symmetrise = true; /* both ways already */
    check_rows(b, both_ptr, both, true);
    box_free(b);
}

/* Rows {2:1.5 0:2}, {}, {1:1 (a 0 in 3)}, {3:4}, {0:1 1:1 2:1 3:1}; columns out of order. */
static void put_csr(struct box *b, bool values)
{
    static const int32_t indptr[] = {0, 2, 2, 4, 5, 9};
    static const uint16_t indices[] = {2, 0, 1, 3, 3, 3, 2, 1, 0};
    static const float value[] = {1.5F, 2, 1, 0, 4, 1, 1, 1, 1};

    box_drop(b, "features.npy");
    box_put(b, "feat_indptr.npy", "<i4", "(6,)", indptr, sizeof indptr);
    box_put(b, "feat_indices.npy", "<u2", "(9,)", indices, sizeof indices);
    if (values)
        box_put(b, "feat_values.npy", "<f4", "(9,)", value, sizeof value);
    box_text(b, "meta.json", "{\"nodes\": 5, \"feature_dim\": 4, \"classes\": null}");
}

static void sparse_rows_are_sorted_and_lose_their_zeros(void **state)
{
    static const uint64_t indptr[] = {0, 2, 2, 3, 4, 8};
    static const uint16_t indices[] = {0, 2, 1, 3, 0, 1, 2, 3};
    static const float value[] = {2, 1.5F, 1, 4, 1, 1, 1, 1};
    static const float by_sum[] = {2 / 3.5F, 1.5F / 3.5F, 1, 1, 0.25F, 0.25F, 0.25F, 0.25F};
    struct box *b = box_new();
    struct got g;

    (void)state;
    put_csr(b, true);
    b->o.common.force = true;
    for (uint64_t normalise = PS_NORMALISE_NONE; normalise <= PS_NORMALISE_ROW; normalise++) {
        b->o.import.normalise = normalise;
        assert_ok(box_import(b));
        got_open(&g, b);
        assert_int_equal(g.meta->feature_kind, PS_FEATURES_CSR);
        assert_int_equal(g.meta->feature_index_bytes, 2);
        assert_true(g.meta->feature_values);
        assert_int_equal(g.meta->classes, 3); /* largest label plus one */
        got_is(&g, PS_ARRAY_FEATURES_INDPTR, indptr, sizeof indptr);
        got_is(&g, PS_ARRAY_FEATURES_INDICES, indices, sizeof indices);
        got_is(&g, PS_ARRAY_FEATURES_VALUES, normalise == PS_NORMALISE_ROW ? by_sum : value,
               sizeof value);
        got_close(&g);
    }
    box_free(b);
}

static void sparse_rows_of_ones_have_no_values_until_they_are_normalised(void **state)
{
    static const uint16_t indices[] = {0, 2, 1, 3, 3, 0, 1, 2, 3};
    static const float by_sum[] = {.5F, .5F, .5F, .5F, 1, .25F, .25F, .25F, .25F};
    struct box *b = box_new();
    struct got g;

    (void)state;
    put_csr(b, false);
    assert_ok(box_import(b));
    got_open(&g, b);
    assert_false(g.meta->feature_values);
    assert_false(ps_part_array(g.part, PS_ARRAY_FEATURES_VALUES)->present);
    got_is(&g, PS_ARRAY_FEATURES_INDICES, indices, sizeof indices);
    got_close(&g);
    b->o.common.force = true;
    b->o.import.normalise = PS_NORMALISE_ROW;
    assert_ok(box_import(b));
    got_open(&g, b);
    got_is(&g, PS_ARRAY_FEATURES_VALUES, by_sum, sizeof by_sum);
    got_close(&g);
    box_free(b);
}

static void more_than_65536_columns_take_4_bytes(void **state)
{
    static const int32_t indptr[] = {0, 1, 2, 2, 2, 2};
    static const int32_t indices[] = {65536, 69999};
    static const uint32_t want[] = {65536, 69999};
    struct box *b = box_new();
    struct got g;

    (void)state;
    put_csr(b, false);
    box_put(b, "feat_indptr.npy", "<i4", "(6,)", indptr, sizeof indptr);
    box_put(b, "feat_indices.npy", "<i4", "(2,)", indices, sizeof indices);
    box_text(b, "meta.json", "{\"nodes\": 5, \"feature_dim\": 70000}");
    assert_ok(box_import(b));
    got_open(&g, b);
    assert_int_equal(g.meta->feature_index_bytes, 4);
    got_is(&g, PS_ARRAY_FEATURES_INDICES, want, sizeof want);
    got_close(&g);
    box_free(b);
}

static void bits_become_columns(void **state)
{
    static const uint8_t bits[5][2] = {{0x81, 0x01}, {0, 0}, {0, 0x03}, {0x10, 0}, {0xff, 0x03}};
    static const uint64_t indptr[] = {0, 3, 3, 5, 6, 16};
    static const uint16_t indices[] = {0, 7, 8, 8, 9, 4, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct box *b = box_new();
    struct got g;

    (void)state;
    box_drop(b, "features.npy");
    box_put(b, "features_bits.npy", "|u1", "(5, 2)", bits, sizeof bits);
    box_text(b, "meta.json", "{\"nodes\": 5, \"feature_dim\": 10}");
    assert_ok(box_import(b));
    got_open(&g, b);
    got_is(&g, PS_ARRAY_FEATURES_INDPTR, indptr, sizeof indptr);
    got_is(&g, PS_ARRAY_FEATURES_INDICES, indices, sizeof indices);
    assert_false(g.meta->feature_values);
    got_close(&g);
    box_free(b);
}

static void dense_columns_are_standardised_and_rows_divided(void **state)
{
    static const float x[5][3] = {{1, 7, 0}, {2, 7, 0}, {3, 7, 0}, {4, 7, 0}, {5, 7, -12}};
    struct box *b = box_new();
    struct got g;
    float want[5][3], found[5][3];

    (void)state;
    box_put(b, "features.npy", "<f4", "(5, 3)", x, sizeof x);
    b->o.import.normalise = PS_NORMALISE_STANDARD;
    assert_ok(box_import(b));
    got_open(&g, b);
    assert_ok(ps_part_read(g.part, PS_ARRAY_FEATURES, 0, 15, found));
    got_close(&g);
    for (int v = 0; v < 5; v++) {
        assert_true(fabsf(found[v][0] - (float)((v - 2) / sqrt(2))) < 1e-6F);
        assert_true(found[v][1] == 0); /* deviation 0: only centred */
        assert_true(fabsf(found[v][2] - (v < 4 ? 0.5F : -2.0F)) < 1e-6F);
    }
    b->o.import.normalise = PS_NORMALISE_ROW;
    b->o.common.force = true;
    assert_ok(box_import(b));
    got_open(&g, b);
    for (int v = 0; v < 5; v++) {
        double sum = (double)x[v][0] + (double)x[v][1] + (double)x[v][2]; /* 0 in the last row */
        for (int c = 0; c < 3; c++)
            want[v][c] = (float)((double)x[v][c] / (sum != 0 ? sum : 1));
    }
    got_is(&g, PS_ARRAY_FEATURES, want, sizeof want);
    got_close(&g);
    box_free(b);
}

static void
a_matrix_of_splits_keeps_its_rows_and_node_numbers_come_first_where_they_differ(void **state)
{
    /* 0 train 1 valid 2 test 3 none; row 1 is what train, valid and test.npy say */
    static const uint8_t rows[2][5] = {{3, 0, 0, 1, 2}, {0, 1, 3, 1, 2}};
    static const uint8_t stored[] = {0, 1, 1, 2, 3, 1, 2, 0, 2, 3};
    static const uint8_t with_index[] = {2, 1, 0, 2, 3, 0, 1, 1, 2, 3, 1, 2, 0, 2, 3};
    static const int32_t train[] = {1}, valid[] = {0, 3};
    struct box *b = box_new();
    struct got g;

    (void)state;
    box_put(b, "splits.npy", "|u1", "(2, 5)", rows, sizeof rows);
    assert_ok(box_import(b));
    got_open(&g, b);
    assert_int_equal(g.meta->splits, 2);
    got_is(&g, PS_ARRAY_SPLIT, stored, sizeof stored);
    got_close(&g);
    assert_int_equal(box_count(b, "train"), 2); /* of row 0 */
    assert_string_equal(json_string_value(json_object_get(b->report, "split_source")), "rows");
    box_put(b, "train.npy", "<i4", "(1,)", train, sizeof train);
    box_put(b, "valid.npy", "<i4", "(2,)", valid, sizeof valid);
    b->o.common.force = true;
    assert_ok(box_import(b));
    got_open(&g, b);
    assert_int_equal(g.meta->splits, 3);
    got_is(&g, PS_ARRAY_SPLIT, with_index, sizeof with_index);
    got_close(&g);
    assert_int_equal(box_count(b, "train"), 1);
    assert_string_equal(json_string_value(json_object_get(b->report, "split_source")),
                        "node numbers, then rows");
    box_free(b);
}

static void a_graph_alone_has_no_features_labels_or_splits(void **state)
{
    static const char *const more[] = {"features.npy", "labels.npy", "train.npy", "valid.npy",
                                       "test.npy"};
    static const uint8_t none[5];
    struct box *b = box_new();
    struct got g;

    (void)state;
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        box_drop(b, more[i]);
    box_text(b, "meta.json",
             "{\"nodes\": 5, \"classes\": null, \"feature_dim\": null, "
             "\"features\": null}");
    assert_ok(box_import(b));
    got_open(&g, b);
    assert_string_equal(g.meta->name, "d");
    assert_int_equal(g.meta->feature_kind, PS_FEATURES_NONE);
    assert_int_equal(g.meta->feature_dim, 0);
    assert_int_equal(g.meta->task, PS_TASK_NONE);
    assert_int_equal(g.meta->classes, 0);
    assert_int_equal(g.meta->splits, 1);
    got_is(&g, PS_ARRAY_SPLIT, none, sizeof none);
    assert_false(ps_part_array(g.part, PS_ARRAY_LABELS)->present);
    assert_false(ps_part_array(g.part, PS_ARRAY_FEATURES)->present);
    got_close(&g);
    box_free(b);
}

static void a_graph_without_edges_is_imported(void **state)
{
    static const uint64_t indptr[6];
    struct box *b = box_new();
    struct got g;

    (void)state;
    box_put(b, "edges.npy", "<i4", "(0, 2)", NULL, 0);
    box_text(b, "meta.json", "{\"nodes\": 5}");
    assert_ok(box_import(b));
    got_open(&g, b);
    assert_int_equal(g.meta->edges, 0);
    got_is(&g, PS_ARRAY_INDPTR, indptr, sizeof indptr);
    got_close(&g);
    box_free(b);
}

/* Import by options what `name` says, the file being in the box. */
static void use(struct box *b, char option[PS_TEXT_BYTES], const char *name)
{
    char path[BOX_PATH];

    snprintf(option, PS_TEXT_BYTES, "%s", box_file(b, name, path));
}

static void arrays_named_by_options_are_read_in_each_type(void **state)
{
    static const uint16_t half[5][2] = {
        {0x3c00, 0}, {0xbc00, 0x3555}, {0x7bff, 1}, {0, 0}, {0x4000, 0x8000}};
    static const double wide[5][2] = {{1, 0.1}, {-1e30, 1e-50}, {3, 3}, {4, 4}, {5, 5}};
    static const int64_t edges[2][3] = {{0, 2, 4}, {1, 1, 0}},
                         labels[5][1] = {{7}, {0}, {-1}, {2}, {2}};
    static const uint32_t indices[] = {4, 0, 2};
    float narrow[10];
    struct box *b = box_new();
    struct got g;

    (void)state;
    box_put(b, "e.npy", "<i8", "(2, 3)", edges, sizeof edges);
    box_put(b, "h.npy", "<f2", "(5, 2)", half, sizeof half);
    box_put(b, "w.npy", "<f8", "(5, 2)", wide, sizeof wide);
    box_put(b, "l.npy", "<i8", "(5, 1)", labels, sizeof labels);
    use(b, b->o.import.edges, "e.npy");
    use(b, b->o.import.features, "h.npy");
    use(b, b->o.import.labels, "l.npy");
    use(b, b->o.import.train, "train.npy");
    b->o.common.force = true;
    assert_ok(ps_import_npy(&b->ctx, &b->o, "penstock import", b->report));
    got_open(&g, b);
    assert_int_equal(g.meta->feature_type, PS_TYPE_F16);
    assert_int_equal(g.meta->classes, 8);
    got_is(&g, PS_ARRAY_FEATURES, half, sizeof half);
    got_is(&g, PS_ARRAY_INDICES, indices, sizeof indices);
    got_close(&g);
    use(b, b->o.import.features, "w.npy");
    b->o.import.classes = 100;
    assert_ok(ps_import_npy(&b->ctx, &b->o, "penstock import", b->report));
    got_open(&g, b);
    assert_int_equal(g.meta->feature_type, PS_TYPE_F32);
    assert_int_equal(g.meta->classes, 100);
    for (int i = 0; i < 10; i++)
        narrow[i] = (float)wide[i / 2][i % 2];
    got_is(&g, PS_ARRAY_FEATURES, narrow, sizeof narrow);
    got_close(&g);
    box_free(b);
}

/* The same four edges, written in each of the four layouts. */
static void edges_in_fortran_order_are_the_same_edges(void **state)
{
    static const int32_t pairs[4][2] = {{0, 1}, {2, 1}, {1, 3}, {4, 0}},
                         planes[2][4] = {{0, 2, 1, 4}, {1, 1, 3, 0}};
    static const uint32_t indices[] = {4, 0, 2, 1};
    static const struct {
        const char *order, *shape;
        const void *data;
    } form[] = {{"False", "(4, 2)", pairs},
                {"False", "(2, 4)", planes},
                {"True", "(4, 2)", planes},
                {"True", "(2, 4)", pairs}};
    struct box *b = box_new();
    struct got g;
    char header[160], path[BOX_PATH];

    (void)state;
    use(b, b->o.import.edges, "e.npy");
    b->o.import.nodes = 5;
    b->o.common.force = true;
    for (size_t i = 0; i < 4; i++) {
        snprintf(header, sizeof header, "{'descr': '<i4', 'fortran_order': %s, 'shape': %s}\n",
                 form[i].order, form[i].shape);
        npy_raw(box_file(b, "e.npy", path), 1, header, form[i].data, sizeof pairs);
        assert_ok(ps_import_npy(&b->ctx, &b->o, "penstock import", b->report));
        got_open(&g, b);
        assert_int_equal(g.meta->nodes, 5);
        got_is(&g, PS_ARRAY_INDICES, indices, sizeof indices);
        got_close(&g);
    }
    box_free(b);
}

/* Every array of the part, one after another. */
static unsigned char *read_all(struct box *b, size_t *bytes)
{
    unsigned char *p = malloc(1 << 22);
    struct got g;

    got_open(&g, b);
    *bytes = 0;
    for (int id = 0; id < PS_ARRAY_COUNT; id++) {
        const struct ps_array *a = ps_part_array(g.part, (enum ps_array_id)id);
        if (!a->present)
            continue;
        assert_true(*bytes + a->bytes <= 1 << 22);
        assert_ok(ps_part_read(g.part, (enum ps_array_id)id, 0, a->rows * a->cols, p + *bytes));
        *bytes += a->bytes;
    }
    got_close(&g);
    return p;
}

/* 20,000 edges over 3,000 nodes; the bytes of all arrays for this sorting memory. */
static unsigned char *import_sorted(struct box *b, uint64_t sort_bytes, uint32_t *ranges,
                                    size_t *bytes)
{
    struct ps_import im;
    char path[BOX_PATH];

    assert_ok(ps_import_init(&im, &b->ctx, &b->o, "penstock import"));
    assert_ok(ps_import_edges_npy(&im, box_file(b, "edges.npy", path)));
    im.nodes = 3000;
    im.sort_bytes = sort_bytes;
    assert_ok(ps_import_run(&im, b->report));
    *ranges = im.sort_ranges;
    ps_import_fini(&im);
    return read_all(b, bytes);
}

static void the_arrays_do_not_depend_on_the_sorting_memory(void **state)
{
    enum { N = 3000, E = 20000 };
    uint32_t(*edge)[2] = malloc(E * sizeof *edge);
    struct ps_key key = ps_key_make(5, PS_FOR_TEST, 2, 0, 0);
    struct box *b = box_new();
    uint32_t ranges[2];
    size_t bytes[2];
    unsigned char *file[2];

    (void)state;
    for (uint64_t i = 0; i < E; i++) {
        struct ps_draw d = ps_draw_at(key, i, 0);
        edge[i][0] = d.w[0] % N;
        edge[i][1] = d.w[1] % (1 + d.w[2] % N);
    }
    box_put(b, "edges.npy", "<u4", "(20000, 2)", edge, E * sizeof *edge);
    b->o.common.force = true;
    for (unsigned o = 0; o < 4; o++) {
        b->o.import.symmetrise = o & 1;
        b->o.import.dedupe = o & 2;
        file[0] = import_sorted(b, 0, &ranges[0], &bytes[0]);
        file[1] = import_sorted(b, 16384, &ranges[1], &bytes[1]);
        assert_int_equal(ranges[0], 1);
        assert_true(ranges[1] > 5);
        assert_int_equal(bytes[0], bytes[1]);
        assert_memory_equal(file[0], file[1], bytes[0]);
        free(file[0]);
        free(file[1]);
    }
    box_free(b);
    free(edge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_becomes_the_dataset_value_by_value),
        cmocka_unit_test(options_decide_which_edges_are_kept),
        cmocka_unit_test(sparse_rows_are_sorted_and_lose_their_zeros),
        cmocka_unit_test(sparse_rows_of_ones_have_no_values_until_they_are_normalised),
        cmocka_unit_test(more_than_65536_columns_take_4_bytes),
        cmocka_unit_test(bits_become_columns),
        cmocka_unit_test(dense_columns_are_standardised_and_rows_divided),
        cmocka_unit_test(
            a_matrix_of_splits_keeps_its_rows_and_node_numbers_come_first_where_they_differ),
        cmocka_unit_test(a_graph_alone_has_no_features_labels_or_splits),
        cmocka_unit_test(a_graph_without_edges_is_imported),
        cmocka_unit_test(arrays_named_by_options_are_read_in_each_type),
        cmocka_unit_test(edges_in_fortran_order_are_the_same_edges),
        cmocka_unit_test(the_arrays_do_not_depend_on_the_sorting_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
