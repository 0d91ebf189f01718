/* SPDX-License-Identifier: Apache-2.0 */
/* A damaged dataset: one sentence that names file, array, expected and found. */
#include "tests/ps_dataset.h"

#include "io/h5.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Two parts, the first of a quarter of the nodes; every kind of array is in one of the two. */
static const struct ps_test_shape shapes[] = {
    {.nodes = 4000,
     .parts = 2,
     .degree = 8,
     .kind = PS_FEATURES_DENSE,
     .dim = 9,
     .classes = 7,
     .splits = 3,
     .weighted = true},
    {.nodes = 4000,
     .parts = 2,
     .degree = 8,
     .kind = PS_FEATURES_CSR,
     .dim = 50,
     .values = true,
     .classes = 11,
     .multi_label = true,
     .splits = 1},
};

struct env {
    struct ps_ctx ctx;
    char dir[PS_TEST_DIR_BYTES], path[PS_TEST_PATH_BYTES];
    char part[PS_TEST_PATH_BYTES], meta[PS_TEST_PATH_BYTES];
    struct ps_test_graph g;
    struct ps_array array[PS_ARRAY_COUNT]; /* of part 1 */
    uint64_t part_bytes;
};

static void make(struct env *e, int shape)
{
    struct ps_dataset *ds;
    struct ps_part *p;

    ps_test_dir_remove(e->path);
    ps_test_graph_free(&e->g);
    ps_test_graph_make(&e->g, &shapes[shape]);
    assert_ok(ps_test_graph_write(&e->g, &e->ctx, e->path, false));
    assert_ok(ps_dataset_open(&ds, &e->ctx, e->path));
    assert_ok(ps_part_open(&p, ds, 1));
    for (int i = 0; i < PS_ARRAY_COUNT; i++)
        e->array[i] = *ps_part_array(p, (enum ps_array_id)i);
    e->part_bytes = ps_part_file_bytes(p);
    ps_part_close(&p);
    ps_dataset_close(&ds);
}

static int set_up(void **state)
{
    struct env *e = ps_test_bytes(sizeof *e);

    ps_ctx_init(&e->ctx, NULL);
    ps_test_dir_make(e->dir);
    (void)ps_test_path(e->path, e->dir, "d.ps");
    (void)ps_test_path(e->part, e->path, "part-00001.h5");
    (void)ps_test_path(e->meta, e->path, "meta.h5");
    make(e, 0);
    *state = e;
    return 0;
}

static int tear_down(void **state)
{
    struct env *e = *state;

    ps_test_graph_free(&e->g);
    ps_test_dir_remove(e->dir);
    assert_int_equal(ps_ctx_fini(&e->ctx), 0);
    free(e);
    return 0;
}

/* Open it, then each part, then verify the values. */
static ps_status open_all(struct env *e, bool values)
{
    struct ps_verified seen;
    struct ps_dataset *ds;
    ps_status st = PS_OK;
    struct ps_part *p;

    PS_TRY(ps_dataset_open(&ds, &e->ctx, e->path));
    for (uint32_t k = 0; k < 2 && st == PS_OK && !values; k++) {
        st = ps_part_open(&p, ds, k);
        ps_part_close(&p);
    }
    if (values)
        st = ps_dataset_verify(ds, &e->ctx, &seen);
    ps_dataset_close(&ds);
    return st;
}

static void flip(const char *path, uint64_t at)
{
    int fd = open(path, O_RDWR);
    unsigned char b;

    assert_int_equal(pread(fd, &b, 1, (off_t)at), 1);
    b ^= 0x04;
    assert_int_equal(pwrite(fd, &b, 1, (off_t)at), 1);
    close(fd);
}

static void a_flipped_byte_names_its_array_and_block(void **state)
{
    struct env *e = *state;
    char want[128];

    for (int shape = 0; shape < 2; shape++) {
        make(e, shape);
        for (int i = 0; i < PS_ARRAY_COUNT; i++) {
            const struct ps_array *a = &e->array[i];
            uint64_t at = a->bytes * 3 / 4, ends[] = {0, at, a->bytes - 1};
            for (int k = 0; a->present && k < 3; k++) {
                snprintf(want, sizeof want, "part-00001.h5: %s: block %" PRIu64 " (bytes ",
                         ps_array_name((enum ps_array_id)i), ends[k] / 4096);
                flip(e->part, a->offset + ends[k]);
                /* the ends of an indptr are looked at when a part is opened */
                if ((i == PS_ARRAY_INDPTR || i == PS_ARRAY_FEATURES_INDPTR) && k != 1)
                    assert_fails(open_all(e, true), PS_EINPUT, ps_array_name((enum ps_array_id)i));
                else
                    assert_fails(open_all(e, true), PS_EINPUT, want);
                flip(e->part, a->offset + ends[k]);
            }
        }
        assert_ok(open_all(e, true));
    }
}

static void a_cut_part_names_its_array_expected_and_found(void **state)
{
    struct env *e = *state;
    char want[128];

    for (int i = 0; i < PS_ARRAY_COUNT; i++) {
        const struct ps_array *a = &e->array[i];
        if (!a->present)
            continue;
        make(e, 0);
        assert_int_equal(truncate(e->part, (off_t)(a->offset + a->bytes - 1)), 0);
        assert_fails(open_all(e, false), PS_EINPUT, "part-00001.h5: ");
        snprintf(want, sizeof want, "%s: %" PRIu64 " bytes at %" PRIu64 " expected",
                 ps_array_name((enum ps_array_id)i), a->bytes, a->offset);
        if (i == PS_ARRAY_INDPTR) /* the first in the file; others miss earlier ones too */
            assert_non_null(strstr(ps_err_sentence(), want));
    }
    make(e, 0);
    assert_int_equal(truncate(e->part, (off_t)e->part_bytes - 1), 0);
    snprintf(want, sizeof want, "%" PRIu64 " bytes expected, found %" PRIu64, e->part_bytes,
             e->part_bytes - 1);
    assert_fails(open_all(e, false), PS_EINPUT, want);
    for (off_t cut = 0; cut < 9000; cut += 300) {
        make(e, 0);
        assert_int_equal(truncate(e->part, cut), 0);
        assert_fails(open_all(e, false), PS_EINPUT, "part-00001.h5");
    }
}

static void a_cut_or_flipped_meta_is_told(void **state)
{
    struct env *e = *state;
    struct stat s;

    assert_int_equal(stat(e->meta, &s), 0);
    for (off_t at = 0; at < s.st_size; at += 41) {
        ps_status st;
        flip(e->meta, (uint64_t)at);
        st = open_all(e, false);
        if (st != PS_OK) { /* else the byte is none of any value */
            assert_int_equal(st, PS_EINPUT);
            assert_non_null(strstr(ps_err_sentence(), "meta.h5"));
        }
        flip(e->meta, (uint64_t)at);
    }
    assert_ok(open_all(e, true));
    for (off_t cut = s.st_size - 100; cut >= 0; cut -= 999) {
        assert_int_equal(truncate(e->meta, cut), 0);
        assert_fails(open_all(e, false), PS_EINPUT, "meta.h5");
    }
}

/* Everything before the first array is HDF5's, with checksums of its own or never read. */
static void a_flipped_byte_of_the_structure_is_told_or_harmless(void **state)
{
    struct env *e = *state;
    int told = 0;

    for (uint64_t at = 0; at < e->array[PS_ARRAY_INDPTR].offset; at += 13) {
        ps_status st;
        flip(e->part, at);
        st = open_all(e, false);
        told += st != PS_OK;
        if (st != PS_OK) {
            assert_int_equal(st, PS_EINPUT);
            assert_non_null(strstr(ps_err_sentence(), "part-00001.h5"));
        } else {
            assert_ok(open_all(e, true));
        }
        flip(e->part, at);
    }
    assert_true(told > 100);
}

/* The last u64 of part_offsets is the number of nodes: found in the file and changed. */
static void a_flipped_offset_is_found_by_the_checksum(void **state)
{
    struct env *e = *state;
    unsigned char bytes[65536];
    FILE *f = fopen(e->meta, "rb");
    size_t n = fread(bytes, 1, sizeof bytes, f), at = 0;

    fclose(f);
    while (at + 24 < n && memcmp(bytes + at, e->g.meta.part_offsets, 24) != 0)
        at++;
    assert_true(at + 24 < n);
    flip(e->meta, at + 8);
    assert_fails(open_all(e, false), PS_EINPUT, "meta.h5: checksum 0x");
}

static void damaged_checksums_are_told_from_damaged_values(void **state)
{
    struct env *e = *state;
    struct ps_h5_found found = {0};
    struct ps_h5 *f = NULL;
    ps_status st = PS_OK;

    ps_h5_enter();
    PS_GO(st, ps_h5_open(&f, &e->ctx, e->part));
    PS_GO(st, ps_h5_find(f, "/checksums/graph_indices", &found));
out:
    PS_KEEP(st, ps_h5_close(&f));
    ps_h5_leave();
    assert_ok(st);
    flip(e->part, found.offset);
    assert_fails(open_all(e, true), PS_EINPUT, "the checksums of /graph/indices are damaged");
}

static void a_missing_file_is_named(void **state)
{
    struct env *e = *state;
    struct ps_dataset *ds;
    char other[PS_TEST_PATH_BYTES];

    (void)ps_test_path(other, e->dir, "other.ps");
    assert_fails(ps_dataset_open(&ds, &e->ctx, other), PS_EINPUT, "other.ps is not there");
    assert_fails(ps_dataset_open(&ds, &e->ctx, e->meta), PS_EINPUT, "folder expected");
    unlink(e->part);
    assert_fails(open_all(e, false), PS_EINPUT, "part-00001.h5 is not there");
    unlink(e->meta);
    assert_fails(open_all(e, false), PS_EINPUT, "meta.h5 is not there");
    fclose(fopen(e->meta, "w"));
    assert_fails(open_all(e, false), PS_EINPUT, "meta.h5: an HDF5 file expected, found 0 bytes");
}

static void a_file_that_is_none_is_told_without_waiting(void **state)
{
    struct env *e = *state;

    unlink(e->part);
    assert_int_equal(mkdir(e->part, 0777), 0);
    assert_fails(open_all(e, false), PS_EINPUT, "part-00001.h5: a regular file expected");
    rmdir(e->part);
    assert_int_equal(mkfifo(e->part, 0666), 0);
    alarm(60); /* opening a pipe waits for its writer */
    assert_fails(open_all(e, false), PS_EINPUT, "part-00001.h5: a regular file expected");
    unlink(e->meta);
    assert_int_equal(mkfifo(e->meta, 0666), 0);
    assert_fails(open_all(e, false), PS_EINPUT, "meta.h5: a regular file expected");
    alarm(0);
}

/* The lock must not stay taken when a check fails, so nothing is checked under it. */
static void put(struct env *e, const char *path, const char *name, uint64_t x, const char *text)
{
    struct ps_h5 *f = NULL;
    ps_status st = PS_OK;

    ps_h5_enter();
    PS_GO(st, ps_h5_reopen(&f, &e->ctx, path));
    if (text != NULL)
        PS_GO(st, ps_h5_put_text(f, "/", name, text));
    else
        PS_GO(st, ps_h5_put_u64(f, "/", name, x));
out:
    PS_KEEP(st, ps_h5_close(&f));
    ps_h5_leave();
    assert_ok(st);
}

static void a_version_of_the_future_is_told(void **state)
{
    struct env *e = *state;

    put(e, e->part, "format_version", 2, NULL);
    assert_fails(open_all(e, false), PS_EINPUT,
                 "part-00001.h5: format version 1 expected, found 2");
    put(e, e->meta, "format_version", 7, NULL);
    assert_fails(open_all(e, false), PS_EINPUT, "meta.h5: format version 1 expected, found 7");
    assert_non_null(strstr(ps_err_sentence(), "later penstock"));
}

static void a_part_of_another_place_or_dataset_is_told(void **state)
{
    struct env *e = *state;
    char other[PS_TEST_PATH_BYTES], path[PS_TEST_PATH_BYTES];

    put(e, e->part, "part", 0, NULL);
    assert_fails(open_all(e, false), PS_EINPUT, "part 1 expected, found part 0");
    make(e, 0);
    e->g.orig_id[3999]++; /* another dataset, of the same shapes */
    assert_ok(ps_test_graph_write(&e->g, &e->ctx, ps_test_path(other, e->dir, "o.ps"), false));
    assert_int_equal(rename(ps_test_path(path, other, "part-00001.h5"), e->part), 0);
    assert_fails(open_all(e, false), PS_EINPUT, "of another dataset");
}

static void a_number_of_meta_that_cannot_be_is_told(void **state)
{
    static const struct {
        const char *name;
        uint64_t x;
        const char *sentence;
    } bad[] = {
        {"parts", 0, "parts: 1 to 99999 expected, found 0"},
        {"parts", 100000, "parts: 1 to 99999 expected, found 100000"},
        {"parts", UINT64_MAX, "attribute 'parts': at most 4294967295 expected"},
        {"parts", 3, "part_offsets: u64 [4] expected, found u64 [3]"},
        {"splits", 2, "train_offsets: u64 [2,3] expected, found u64 [3,3]"},
        {"splits", 70000, "splits: at most 1024 expected"},
        {"classes", 0, "task single-label cannot have 0 classes"},
        {"feature_dim", 0, "features of kind dense cannot have 0 columns"},
        {"weighted", 2, "attribute 'weighted': at most 1 expected, found 2"},
        {"index_bytes", 8, "index_bytes: 4 expected"},
        {"nodes", 4001, "checksum 0x"},
    };
    struct env *e = *state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        make(e, 0);
        put(e, e->meta, bad[i].name, bad[i].x, NULL);
        assert_fails(open_all(e, false), PS_EINPUT, bad[i].sentence);
    }
    make(e, 0);
    put(e, e->meta, "task", 0, "guessing");
    assert_fails(open_all(e, false), PS_EINPUT, "'task': 'none', 'single-label' or");
}

/* A part file made by hand, with one array of another type, shape or none. */
static void replace_part(struct env *e, const char *name, const struct ps_h5_shape *shape)
{
    struct ps_h5 *f = NULL;
    ps_status st = PS_OK;

    unlink(e->part);
    ps_h5_enter();
    PS_GO(st, ps_h5_create(&f, &e->ctx, e->part));
    PS_GO(st, ps_h5_put_u64(f, "/", "format_version", 1));
    PS_GO(st, ps_h5_put_u64(f, "/", "part", 1));
    if (name != NULL)
        PS_GO(st, ps_h5_add(f, name, shape));
out:
    PS_KEEP(st, ps_h5_close(&f));
    ps_h5_leave();
    assert_ok(st);
}

static void an_array_of_another_type_or_shape_is_told(void **state)
{
    struct env *e = *state;

    replace_part(e, NULL, NULL);
    assert_fails(open_all(e, false), PS_EINPUT,
                 "part-00001.h5: /graph/indptr: u64 [3001] expected, found nothing");
    replace_part(e, "/graph/indptr", &(struct ps_h5_shape){PS_H5_U32, 1, {3001}});
    assert_fails(open_all(e, false), PS_EINPUT, "u64 [3001] expected, found u32 [3001]");
    replace_part(e, "/graph/indptr", &(struct ps_h5_shape){PS_H5_U64, 1, {3000}});
    assert_fails(open_all(e, false), PS_EINPUT, "u64 [3001] expected, found u64 [3000]");
    replace_part(e, "/graph/indptr", &(struct ps_h5_shape){PS_H5_U64, 2, {3001, 1}});
    assert_fails(open_all(e, false), PS_EINPUT, "u64 [3001] expected, found u64 [3001,1]");
    replace_part(e, "/graph/indptr", &(struct ps_h5_shape){PS_H5_U64, 1, {3001}});
    assert_fails(open_all(e, false), PS_EINPUT, "a multiple of 4096 expected, found ");
}

/* Write a dataset whose values are wrong in one place, and verify it. */
static void write_wrong(struct env *e, const char *sentence)
{
    ps_test_dir_remove(e->path);
    assert_ok(ps_test_graph_write(&e->g, &e->ctx, e->path, false));
    assert_fails(open_all(e, true), PS_EINPUT, sentence);
}

static void values_that_cannot_be_are_told_with_their_place(void **state)
{
    struct env *e = *state;
    const uint64_t n = 4000, dim = 9;
    const float bad = 0.0f / (float)(e->g.shape.dim - 9);
    int32_t label = 7, old;
    uint64_t row = 1999, at = e->g.indptr[row], x;

    while (e->g.indptr[row + 1] - at < 2)
        at = e->g.indptr[++row];
    x = e->g.indices[at + 1];
    e->g.indices[at + 1] = n;
    write_wrong(e, "below 4000 expected, found 4000");
    e->g.indices[at + 1] = e->g.indices[at] - 1;
    write_wrong(e, "/graph/indices[");
    assert_non_null(strstr(ps_err_sentence(), "at least"));
    e->g.indices[at + 1] = x;
    e->g.out_degree[x]++;
    write_wrong(e, "out-degrees that add up to ");
    e->g.out_degree[x]--;
    memcpy(e->g.features + 4 * (2000 * dim + 3), &bad, 4);
    write_wrong(e, "/nodes/features, row 1000, column 3: a finite number expected");
    memset(e->g.features + 4 * (2000 * dim + 3), 0, 4);
    memcpy(&old, e->g.labels + 4 * 1000, 4);
    memcpy(e->g.labels + 4 * 1000, &label, 4);
    write_wrong(e, "/nodes/labels[0]: -1 to 6 expected, found 7");
    memcpy(e->g.labels + 4 * 1000, &old, 4);
    e->g.weights[at] = 1.0f / (float)(e->g.shape.dim - 9);
    write_wrong(e, "/graph/weights, row ");
    e->g.weights[at] = 0;
    e->g.split[2 * n + 1500] = 4;
    write_wrong(e, "/nodes/split, split 2, node 500: 0 to 3 expected, found 4");
    e->g.split[2 * n + 1500] = 0;
    ps_test_dir_remove(e->path);
    assert_ok(ps_test_graph_write(&e->g, &e->ctx, e->path, false));
    assert_ok(open_all(e, true));
}

static void sparse_values_that_cannot_be_are_told(void **state)
{
    struct env *e = *state;
    uint64_t row = 2000, at;
    uint16_t first, wrong;

    make(e, 1);
    at = e->g.fptr[row];
    while (e->g.fptr[row + 1] - at < 2)
        at = e->g.fptr[++row];
    memcpy(&first, e->g.fidx + 2 * at, 2);
    memcpy(&wrong, e->g.fidx + 2 * at + 2, 2);
    memcpy(e->g.fidx + 2 * at + 2, &first, 2); /* the same column twice */
    write_wrong(e, "/nodes/features_indices[");
    assert_non_null(strstr(ps_err_sentence(), "more than"));
    memcpy(e->g.fidx + 2 * at + 2, &wrong, 2);
    wrong = 50;
    memcpy(e->g.fidx + 2 * at, &wrong, 2);
    write_wrong(e, "below 50 expected, found 50");
    memcpy(e->g.fidx + 2 * at, &first, 2);
    e->g.labels[2 * 3000 + 1] |= 0x80; /* class 15 of 11 */
    write_wrong(e, "/nodes/labels, row 2000: bits of 11 classes expected");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(a_flipped_byte_names_its_array_and_block),
        T(a_cut_part_names_its_array_expected_and_found),
        T(a_cut_or_flipped_meta_is_told),
        T(a_flipped_byte_of_the_structure_is_told_or_harmless),
        T(a_flipped_offset_is_found_by_the_checksum),
        T(damaged_checksums_are_told_from_damaged_values),
        T(a_missing_file_is_named),
        T(a_file_that_is_none_is_told_without_waiting),
        T(a_version_of_the_future_is_told),
        T(a_part_of_another_place_or_dataset_is_told),
        T(a_number_of_meta_that_cannot_be_is_told),
        T(an_array_of_another_type_or_shape_is_told),
        T(values_that_cannot_be_are_told_with_their_place),
        T(sparse_values_that_cannot_be_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
