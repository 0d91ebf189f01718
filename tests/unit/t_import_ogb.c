/* SPDX-License-Identifier: Apache-2.0 */
/* The tiny graph of import_box.h in both forms of Open Graph Benchmark; failures leave nothing. */
#include "tests/import_box.h"
#include "tests/zip_make.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>

static void make_folder(struct box *b, const char *name)
{
    char path[BOX_PATH];

    assert_int_equal(mkdir(box_file(b, name, path), 0700), 0);
}

static struct box *ogb_new(void)
{
    struct box *b = box_new();

    make_folder(b, "raw");
    make_folder(b, "split");
    make_folder(b, "split/time");
    box_text(b, "split/time/train.csv", "0\n");
    box_text(b, "split/time/valid.csv", "3\n1\n");
    box_text(b, "split/time/test.csv", "4");
    return b;
}

static void put_tables(struct box *b)
{
    box_text(b, "raw/num-node-list.csv", "5\n");
    box_text(b, "raw/num-edge-list.csv", "6\n");
    box_text(b, "raw/edge.csv", "0,1\n2,1\n1,3\n3,3\n0,1\n4,0\n");
    box_text(b, "raw/node-label.csv", "0\n1.0\n\"\"\r\n2\nnan\n");
    box_text(b, "raw/node-feat.csv",
             "0,0.25,5e-1\n1,1.25,1.5\r\n2,2.25,2.5\n3, 3.25,3.5\n4,4.25,4.5\n");
}

/* A .npy file as member NAME. */
static void add_array(struct zip_make *z, const char *name, const char *descr, const char *shape,
                      const void *data, size_t bytes, bool deflated)
{
    unsigned char file[1024] = "\x93NUMPY\x01";
    int n = snprintf((char *)file + 10, sizeof file - 10,
                     "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, shape);

    file[8] = (unsigned char)n;
    assert_true((size_t)n + 10 + bytes < sizeof file);
    memcpy(file + 10 + n, data, bytes);
    zip_add(z, name, file, 10 + (size_t)n + bytes, deflated);
}

static void put_archives(struct box *b, bool deflated)
{
    static const int64_t nodes[] = {5}, edges[] = {6};
    static const int64_t edge[2][6] = {{0, 2, 1, 3, 0, 4}, {1, 1, 3, 3, 1, 0}};
    const float label[] = {0, 1, NAN, 2, NAN};
    struct zip_make *z = calloc(1, sizeof *z);
    char path[BOX_PATH];
    float x[5][3];

    for (int v = 0; v < 5; v++)
        for (int c = 0; c < 3; c++)
            x[v][c] = (float)v + (float)c / 4;
    add_array(z, "edge_index.npy", "<i8", "(2, 6)", edge, sizeof edge, deflated);
    add_array(z, "num_nodes_list.npy", "<i8", "(1,)", nodes, sizeof nodes, deflated);
    add_array(z, "num_edges_list.npy", "<i8", "(1,)", edges, sizeof edges, deflated);
    add_array(z, "node_feat.npy", "<f4", "(5, 3)", x, sizeof x, deflated);
    zip_write(z, box_file(b, "raw/data.npz", path), 0);
    memset(z, 0, sizeof *z);
    add_array(z, "node_label.npy", "<f4", "(5, 1)", label, sizeof label, deflated);
    zip_write(z, box_file(b, "raw/node-label.npz", path), 0);
    free(z);
}

static ps_status import_ogb(struct box *b)
{
    return ps_import_ogb(&b->ctx, &b->o, b->in, "penstock import", b->report);
}

static void check_result(struct box *b)
{
    static const uint64_t indptr[] = {0, 1, 4, 4, 6, 6};
    static const uint32_t indices[] = {4, 0, 0, 2, 1, 3};
    static const int32_t labels[] = {0, 1, -1, 2, -1};
    static const uint8_t split[] = {1, 2, 0, 2, 3};
    static const float x[] = {0,    0.25F, 0.5F,  1,    1.25F, 1.5F,  2,   2.25F,
                              2.5F, 3,     3.25F, 3.5F, 4,     4.25F, 4.5F};
    struct got g;

    got_open(&g, b);
    assert_int_equal(g.meta->nodes, 5);
    assert_int_equal(g.meta->classes, 3);
    got_is(&g, PS_ARRAY_INDPTR, indptr, sizeof indptr);
    got_is(&g, PS_ARRAY_INDICES, indices, sizeof indices);
    got_is(&g, PS_ARRAY_LABELS, labels, sizeof labels);
    got_is(&g, PS_ARRAY_SPLIT, split, sizeof split);
    got_is(&g, PS_ARRAY_FEATURES, x, sizeof x);
    got_close(&g);
}

static void both_forms_become_the_dataset_value_by_value(void **state)
{
    struct box *b = ogb_new();

    (void)state;
    b->o.common.force = true;
    put_tables(b);
    assert_ok(import_ogb(b));
    check_result(b);
    for (int deflated = 0; deflated < 2; deflated++) {
        put_archives(b, deflated);
        assert_ok(import_ogb(b));
        check_result(b);
    }
    box_free(b);
}

/* (2, 2) is sources and targets here, never two pairs. */
static void two_edges_of_an_archive_are_two_columns(void **state)
{
    static const int64_t nodes[] = {5}, edges[] = {2}, edge[2][2] = {{0, 1}, {2, 3}};
    static const uint64_t indptr[] = {0, 0, 0, 1, 2, 2};
    static const uint32_t indices[] = {0, 1};
    struct zip_make *z = calloc(1, sizeof *z);
    struct box *b = ogb_new();
    char path[BOX_PATH];
    struct got g;

    (void)state;
    put_archives(b, false);
    add_array(z, "edge_index.npy", "<i8", "(2, 2)", edge, sizeof edge, false);
    add_array(z, "num_nodes_list.npy", "<i8", "(1,)", nodes, sizeof nodes, false);
    add_array(z, "num_edges_list.npy", "<i8", "(1,)", edges, sizeof edges, false);
    zip_write(z, box_file(b, "raw/data.npz", path), 0);
    free(z);
    assert_ok(import_ogb(b));
    got_open(&g, b);
    got_is(&g, PS_ARRAY_INDPTR, indptr, sizeof indptr);
    got_is(&g, PS_ARRAY_INDICES, indices, sizeof indices);
    got_close(&g);
    box_free(b);
}

static void refuse(struct box *b, const char *file, const char *text, const char *sentence)
{
    put_tables(b);
    box_text(b, file, text);
    assert_fails(import_ogb(b), PS_EINPUT, sentence);
    assert_int_equal(ps_mem_live(&b->ctx.mem), 0);
    assert_true(box_is_clean(b));
}

static void bad_tables_are_refused_with_file_and_line(void **state)
{
    struct box *b = ogb_new();

    (void)state;
    refuse(b, "raw/num-node-list.csv", "", "num-node-list.csv: expected a count, found nothing");
    refuse(b, "raw/num-node-list.csv", "0\n", "expected a graph of 1 to");
    refuse(b, "raw/num-node-list.csv", "1000000000\n", "node-label.csv: expected 1000000000");
    refuse(b, "raw/num-node-list.csv", "-5\n", "num-node-list.csv: line 1");
    refuse(b, "raw/num-node-list.csv", "5,1\n", "num-node-list.csv: line 1");
    refuse(b, "raw/num-edge-list.csv", "6\n7\n", "num-edge-list.csv: line 2: expected one graph");
    refuse(b, "raw/node-label.csv", "0\n1\n2\n0\n1\n2\n", "node-label.csv: line 6: expected 5");
    refuse(b, "raw/node-label.csv", "0\n1\n2\n0\n", "found the end of the file");
    refuse(b, "raw/node-label.csv", "0\n1\n2e9999\n0\n1\n", "node-label.csv: line 3");
    refuse(b, "raw/node-label.csv", "0\n1\n3e9\n0\n1\n",
           "node-label.csv: line 3: expected a label");
    refuse(b, "raw/node-label.csv", "0\n1\n-2\n0\n1\n", "the label of node 2 is -2");
    refuse(b, "raw/node-feat.csv", "1,2\n1,2\n1,2\n1,2\n", "found the end of the file");
    refuse(b, "raw/node-feat.csv", "1\n2\n3\n4\n5\n6\n", "node-feat.csv: line 6: expected 5 lines");
    refuse(b, "raw/node-feat.csv", "1,2\n1,2\n1,2\n1\n1,2\n", "node-feat.csv: line 4");
    refuse(b, "raw/node-feat.csv", "1,2\n1,2\n1,2,3\n1,2\n1,2\n", "node-feat.csv: line 3");
    refuse(b, "raw/node-feat.csv", "1,2\n1,2\n1,,2\n1,2\n1,2\n", "node-feat.csv: line 3");
    refuse(b, "raw/node-feat.csv", "", "found the end of the file");
    refuse(b, "raw/edge.csv", "0,1\n2,1\n1,3\n3,3\n0,1\n4,5\n", "edge.csv: line 6");
    box_drop(b, "raw/node-feat.csv");
    put_tables(b);
    box_text(b, "split/time/test.csv", "4\n4\n");
    assert_fails(import_ogb(b), PS_EINPUT, "test.csv: node 4 is there twice");
    box_text(b, "split/time/test.csv", "4\n4\n4\n4\n4\n4\n");
    assert_fails(import_ogb(b), PS_EINPUT, "test.csv: line 6");
    box_drop(b, "split/time/test.csv");
    assert_fails(import_ogb(b), PS_EINPUT, "split/time/test.csv.gz is not there");
    assert_true(box_is_clean(b));
    box_free(b);
}

static void every_allocation_may_fail(void **state)
{
    struct box *b = ogb_new();

    (void)state;
    b->o.common.force = true;
    for (int form = 0; form < 3; form++) {
        ps_status st = PS_EMEM;
        int n;
        if (form == 0)
            put_tables(b);
        else
            put_archives(b, form == 2);
        for (n = 0; st != PS_OK; n++) {
            ps_mem_fail_after(&b->ctx.mem, n);
            st = import_ogb(b);
            ps_mem_fail_after(&b->ctx.mem, -1);
            assert_true(st == PS_OK || st == PS_EMEM);
            assert_int_equal(ps_mem_live(&b->ctx.mem), 0);
            assert_int_equal(box_is_clean(b), st != PS_OK);
        }
        assert_true(n > 60);
        check_result(b);
        box_remove(b->out);
    }
    box_free(b);
}

/* A limit on the size of files stands for the full disk. */
static void a_full_disk_leaves_nothing(void **state)
{
    struct box *b = ogb_new();
    struct rlimit was, tight;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_IGN);
    for (int form = 0; form < 2; form++) {
        if (form == 0)
            put_tables(b);
        else
            put_archives(b, true);
        for (rlim_t bytes = 4; bytes < 1000; bytes *= 3) {
            ps_status st;
            tight = (struct rlimit){bytes, was.rlim_max};
            assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
            st = import_ogb(b);
            assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
            assert_int_equal(st, PS_EIO);
            assert_int_equal(ps_mem_live(&b->ctx.mem), 0);
            assert_true(box_is_clean(b));
        }
    }
    box_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_become_the_dataset_value_by_value),
        cmocka_unit_test(two_edges_of_an_archive_are_two_columns),
        cmocka_unit_test(bad_tables_are_refused_with_file_and_line),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_full_disk_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
