/* SPDX-License-Identifier: Apache-2.0 */
/* Importing edges and Matrix Market with what nodes have beside them: shards and text files. */
#include "tests/import_box.h"

#include "src/graph/npy.h"

#include <signal.h>
#include <sys/resource.h>

#define SET(field, ...) snprintf(b->o.import.field, sizeof b->o.import.field, __VA_ARGS__)

static ps_status import_edges(struct box *b)
{
    char path[BOX_PATH];
    const char *list[] = {box_file(b, "e.txt", path)};

    return ps_import_edges(&b->ctx, &b->o, list, 1, "penstock import", b->report);
}

static ps_status import_mtx(struct box *b)
{
    char path[BOX_PATH];

    return ps_import_mtx(&b->ctx, &b->o, box_file(b, "e.mtx", path), "penstock import", b->report);
}

static struct box *text_box(void)
{
    struct box *b = box_new();

    box_text(b, "e.txt", "# six edges of five nodes\n0 1\n2 1\n1 3\n3 3\n0 1\n4 0\n");
    box_text(b, "l.txt", "0\n1\n-1\n2\n1\n");
    box_text(b, "p.csv", "4,1\n0,0\n3,2\n1,1\n");
    box_text(b, "r.txt", "# one\n0\n");
    box_text(b, "e.mtx", "%%MatrixMarket matrix coordinate real symmetric\n5 5 2\n2 1 1\n3 3 1\n");
    SET(labels, "%s/l.txt", b->in);
    SET(train, "%s/r.txt", b->in);
    return b;
}

static void refused(struct box *b, ps_status want, const char *part)
{
    assert_fails(import_edges(b), want, part);
    assert_true(box_is_clean(b));
    assert_int_equal(ps_mem_live(&b->ctx.mem), 0);
}

static void labels_and_roles_may_be_text(void **state)
{
    struct box *b = text_box();

    (void)state;
    assert_ok(import_edges(b));
    assert_int_equal(box_count(b, "nodes"), 5);
    assert_int_equal(box_count(b, "edges"), 6);
    assert_int_equal(box_count(b, "classes"), 3);
    assert_int_equal(box_count(b, "train"), 1);
    b->o.common.force = true;
    SET(labels, "%s/p.csv", b->in); /* their number says nothing; the edges are read for it */
    assert_ok(import_edges(b));
    assert_int_equal(box_count(b, "nodes"), 5);
    assert_int_equal(box_count(b, "classes"), 3);
    SET(labels, "%s", "");
    b->o.import.nodes = 9;
    assert_ok(import_edges(b));
    assert_int_equal(box_count(b, "nodes"), 9);
    b->o.import.nodes = 0;
    assert_ok(import_mtx(b));
    assert_int_equal(box_count(b, "nodes"), 5);
    assert_int_equal(box_count(b, "edges"), 3);
    box_free(b);
}

static void bad_text_of_nodes_is_refused_with_its_line(void **state)
{
    struct box *b = text_box();

    (void)state;
    box_text(b, "l.txt", "0\n\n1\n7 x\n");
    refused(b, PS_EINPUT, "l.txt: line 4: expected only one label, as in the first line, found");
    box_text(b, "l.txt", "0\n1\n-2\n");
    refused(b, PS_EINPUT, "l.txt: line 3 has label -2, expected -1 (none) to 1048575");
    box_text(b, "l.txt", "# none\n");
    refused(b, PS_EINPUT, "l.txt: expected a label in each line, found no line");
    box_text(b, "l.txt", "0\n1\n2\n0\n");
    refused(b, PS_EINPUT, "e.txt: line 7 has source 4, expected 0 to 3 (4 nodes)");
    b->o.import.nodes = 5;
    refused(b, PS_EINPUT, "l.txt: expected 5 labels, one for each node, found shape (4,)");
    box_text(b, "l.txt", "0 1\n4 2\n5 1\n");
    refused(b, PS_EINPUT, "l.txt: line 3 has node 5, expected 0 to 4 (5 nodes)");
    box_text(b, "l.txt", "0 1\n4 2\n4 2\n");
    refused(b, PS_EINPUT, "l.txt: line 3: node 4 has a label already");
    b->o.import.classes = 2;
    refused(b, PS_EINPUT, "l.txt: line 2 has label 2, expected -1 (none) to 1");
    b->o.import.classes = 0;
    box_text(b, "l.txt", "0 1\n");
    box_text(b, "r.txt", "0\n5\n");
    refused(b, PS_EINPUT, "r.txt: line 2 has node 5, expected 0 to 4 (5 nodes)");
    box_text(b, "r.txt", "0\n0\n");
    refused(b, PS_EINPUT, "r.txt: node 0 is there twice");
    box_free(b);
}

static void options_that_exclude_each_other_are_refused(void **state)
{
    struct box *b = text_box();

    (void)state;
    SET(edges, "e.npy");
    refused(b, PS_EUSAGE, "--edges belongs to import npy; import edges takes its files without");
    assert_fails(import_mtx(b), PS_EUSAGE, "import mtx takes its files without an option");
    SET(edges, "%s", "");
    SET(splits, "s.npy");
    refused(b, PS_EUSAGE, "--splits is in place of --train");
    SET(splits, "%s", "");
    SET(train, "a.npy,,b.npy");
    refused(b, PS_EUSAGE, "name 2 of 'a.npy,,b.npy' is empty");
    SET(train, "%s", "");
    b->o.import.nodes = 6;
    assert_fails(import_mtx(b), PS_EUSAGE, "--num-nodes 6, but ");
    b->o.import.nodes = 0;
    SET(labels, "%s", "");
    box_text(b, "e.txt", "# no edge\n");
    refused(b, PS_EINPUT, "expected edges, found none; --num-nodes tells of nodes without");
    b->o.import.nodes = 3;
    assert_ok(import_edges(b));
    assert_int_equal(box_count(b, "edges"), 0);
    box_free(b);
}

/* Five rows in one file, and in three. */
static void shards_are_one_array(void **state)
{
    static const double x[5][2] = {{0, 1}, {2, 3}, {4, 5}, {6, 7}, {8, 9}};
    static const float y[2][2];
    struct box *b = box_new();
    struct ps_npy *a;
    double got[10];
    char list[4 * BOX_PATH], path[BOX_PATH];
    uint64_t item;

    (void)state;
    box_put(b, "a.npy", "<f8", "(1, 2)", x[0], sizeof x[0]);
    box_put(b, "b.npy", "<f8", "(0, 2)", x, 0);
    box_put(b, "c.npy", "<f8", "(4, 2)", x[1], 4 * sizeof x[1]);
    box_put(b, "y.npy", "<f4", "(2, 2)", y, sizeof y);
    box_put(b, "z.npy", "<f8", "(2, 3)", x, 6 * sizeof(double));
    box_put(b, "w,v.npy", "<f8", "(5, 2)", x, sizeof x);
    snprintf(list, sizeof list, "%s/a.npy,%s/b.npy,%s/c.npy", b->in, b->in, b->in);
    assert_ok(ps_npy_open_list(&a, &b->ctx, list));
    assert_int_equal(a->head.shape[0], 5);
    for (uint64_t first = 0; first <= 10; first++)
        for (uint64_t count = 0; first + count <= 10; count++) {
            assert_ok(ps_npy_read_f64(a, first, count, got));
            assert_memory_equal(got, (const double *)x + first, count * sizeof *got);
        }
    item = 5;
    assert_non_null(strstr(ps_npy_place(a, &item), "/c.npy"));
    assert_int_equal(item, 3);
    ps_npy_close(&a);
    assert_ok(ps_npy_open_list(&a, &b->ctx, box_file(b, "w,v.npy", path))); /* one file */
    assert_int_equal(a->items, 10);
    ps_npy_close(&a);
    snprintf(list, sizeof list, "%s/a.npy,%s/y.npy", b->in, b->in);
    assert_fails(ps_npy_open_list(&a, &b->ctx, list), PS_EINPUT, "y.npy: expected float64 as in ");
    snprintf(list, sizeof list, "%s/a.npy,%s/z.npy", b->in, b->in);
    assert_fails(ps_npy_open_list(&a, &b->ctx, list), PS_EINPUT,
                 "z.npy: shape (2, 3) cannot follow shape (1, 2) of ");
    snprintf(list, sizeof list, "%s/a.npy,%s/none.npy", b->in, b->in);
    assert_fails(ps_npy_open_list(&a, &b->ctx, list), PS_EINPUT, "cannot open ");
    assert_null(a);
    box_free(b);
}

static void every_allocation_may_fail(void **state)
{
    struct box *b = text_box();
    ps_status st = PS_EMEM;
    int n;

    (void)state;
    SET(labels, "%s/p.csv", b->in);
    SET(features, "%s/features.npy", b->in);
    for (n = 0; st != PS_OK; n++) {
        ps_mem_fail_after(&b->ctx.mem, n);
        st = import_edges(b);
        ps_mem_fail_after(&b->ctx.mem, -1);
        assert_true(st == PS_OK || st == PS_EMEM);
        assert_int_equal(ps_mem_live(&b->ctx.mem), 0);
        assert_int_equal(box_is_clean(b), st != PS_OK);
    }
    assert_true(n > 60);
    b->o.common.force = true;
    for (st = PS_EMEM, n = 0; st != PS_OK; n++) {
        ps_mem_fail_after(&b->ctx.mem, n);
        st = import_mtx(b);
        ps_mem_fail_after(&b->ctx.mem, -1);
        assert_true(st == PS_OK || st == PS_EMEM);
        assert_int_equal(ps_mem_live(&b->ctx.mem), 0);
    }
    assert_true(n > 60);
    box_free(b);
}

/* A limit on the size of files stands for the full disk: first for the labels that are laid down.
 */
static void a_full_disk_leaves_nothing(void **state)
{
    struct box *b = text_box();
    struct rlimit old, small;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    for (rlim_t bytes = 16; bytes <= 16384; bytes *= 32) {
        small = (struct rlimit){bytes, old.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        assert_int_equal(import_edges(b), PS_EIO);
        setrlimit(RLIMIT_FSIZE, &old);
        assert_true(box_is_clean(b));
        assert_int_equal(ps_mem_live(&b->ctx.mem), 0);
    }
    assert_ok(import_edges(b));
    box_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_and_roles_may_be_text),
        cmocka_unit_test(bad_text_of_nodes_is_refused_with_its_line),
        cmocka_unit_test(options_that_exclude_each_other_are_refused),
        cmocka_unit_test(shards_are_one_array),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_full_disk_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
