/* SPDX-License-Identifier: Apache-2.0 */
/* The dataset on disk: what is written is read back, and nothing half-written has its name. */
#include "tests/dataset_shapes.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct env {
    struct ps_ctx ctx;
    char dir[PS_TEST_DIR_BYTES], path[PS_TEST_PATH_BYTES];
    struct ps_test_graph g;
    struct ps_dataset *ds;
    struct ps_part *p;
};

static int set_up(void **state)
{
    struct env *e = ps_test_bytes(sizeof *e);

    ps_ctx_init(&e->ctx, NULL);
    ps_test_dir_make(e->dir);
    (void)ps_test_path(e->path, e->dir, "d.ps");
    *state = e;
    return 0;
}

static int tear_down(void **state)
{
    struct env *e = *state;

    ps_part_close(&e->p);
    ps_dataset_close(&e->ds);
    ps_test_graph_free(&e->g);
    if (!getenv("KEEP"))
        ps_test_dir_remove(e->dir);
    assert_int_equal(ps_ctx_fini(&e->ctx), 0);
    free(e);
    return 0;
}

/* Write shape @p i and open it. */
static void make(struct env *e, size_t i)
{
    ps_test_graph_make(&e->g, &shapes[i]);
    assert_ok(ps_test_graph_write(&e->g, &e->ctx, e->path, false));
    assert_ok(ps_dataset_open(&e->ds, &e->ctx, e->path));
}

static void unmake(struct env *e)
{
    ps_dataset_close(&e->ds);
    ps_test_graph_free(&e->g);
    ps_test_dir_remove(e->path);
}

/* How many names are in a folder, and one of them. */
static int names_in(const char *dir, char one[NAME_MAX + 1])
{
    DIR *d = opendir(dir);
    struct dirent *n;
    int count = 0;

    assert_non_null(d);
    while ((n = readdir(d)) != NULL)
        if (strcmp(n->d_name, ".") != 0 && strcmp(n->d_name, "..") != 0) {
            count++;
            snprintf(one, NAME_MAX + 1, "%s", n->d_name);
        }
    closedir(d);
    return count;
}

static void check_array(const struct env *e, enum ps_array_id id, uint64_t a, uint64_t b)
{
    const struct ps_array *x = ps_part_array(e->p, id);
    const uint64_t *whole = id == PS_ARRAY_INDPTR            ? e->g.indptr
                            : id == PS_ARRAY_FEATURES_INDPTR ? e->g.fptr
                                                             : NULL;
    unsigned char *got = ps_test_bytes(x->bytes * 2);
    uint64_t count = b - a + 1;
    const void *want = NULL;

    assert_true(x->offset % PS_BLOCK_BYTES == 0);
    assert_true(x->bytes == x->rows * x->cols * x->item_bytes);
    for (uint32_t s = 0; s < (id == PS_ARRAY_SPLIT ? e->g.shape.splits : 1); s++) {
        uint64_t *own = whole != NULL ? ps_test_indptr(whole, a, b) : NULL;
        want = own != NULL ? own : ps_test_items(&e->g, id, s, a, b, &count);
        assert_int_equal(x->present, want != NULL);
        if (id == PS_ARRAY_INDICES) {
            assert_ok(ps_part_read_indices(e->p, 0, count, (uint64_t *)(void *)got));
            assert_memory_equal(got, want, count * 8);
        } else if (want != NULL) {
            assert_ok(ps_part_read(e->p, id, s * count, count, got));
            assert_memory_equal(got, want, count * x->item_bytes);
        }
        free(own);
    }
    free(got);
}

static void what_was_written_is_read_back(void **state)
{
    struct env *e = *state;

    for (size_t i = 0; i < SHAPES; i++) {
        const struct ps_meta *m;
        struct ps_verified seen;
        make(e, i);
        m = ps_dataset_meta(e->ds);
        assert_true(m->nodes == shapes[i].nodes && m->parts == shapes[i].parts);
        assert_true(m->edges == e->g.indptr[shapes[i].nodes]);
        assert_memory_equal(m->part_offsets, e->g.meta.part_offsets, (m->parts + 1) * 8);
        assert_string_equal(m->provenance, "{\"command\": \"a test\"}");
        assert_string_equal(m->name, "test");
        assert_int_equal(strlen(m->uuid), 36);
        for (uint32_t k = 0; k < m->parts; k++) {
            struct stat s;
            assert_ok(ps_part_open(&e->p, e->ds, k));
            assert_true(ps_part_first_node(e->p) == m->part_offsets[k]);
            assert_true(ps_part_nodes(e->p) == m->part_offsets[k + 1] - m->part_offsets[k]);
            for (int id = 0; id < PS_ARRAY_COUNT; id++)
                check_array(e, (enum ps_array_id)id, m->part_offsets[k], m->part_offsets[k + 1]);
            assert_int_equal(stat(ps_part_path(e->p), &s), 0);
            assert_true(s.st_size % PS_BLOCK_BYTES == 0);
            assert_true((uint64_t)s.st_size == ps_part_file_bytes(e->p));
            assert_ok(ps_part_verify(e->p, &e->ctx, e->ds));
            ps_part_close(&e->p);
        }
        assert_ok(ps_dataset_verify(e->ds, &e->ctx, &seen));
        assert_true(seen.edges == m->edges && seen.nodes == m->nodes && seen.parts == m->parts);
        unmake(e);
    }
}

static void training_nodes_are_counted(void **state)
{
    struct env *e = *state;
    const struct ps_meta *m;

    make(e, 1);
    m = ps_dataset_meta(e->ds);
    for (uint32_t s = 0; s < m->splits; s++)
        for (uint32_t k = 0; k <= m->parts; k++) {
            uint64_t want = 0;
            for (uint64_t v = 0; v < m->part_offsets[k]; v++)
                want += e->g.split[s * m->nodes + v] == PS_SPLIT_TRAIN;
            assert_true(m->train_offsets[s * (m->parts + 1) + k] == want);
        }
}

static void structure_costs_little_beside_the_values(void **state)
{
    struct env *e = *state;
    uint64_t bytes = 0;

    make(e, 1);
    assert_ok(ps_part_open(&e->p, e->ds, 4));
    for (int i = 0; i < PS_ARRAY_COUNT; i++) /* and one block of checksums for each */
        bytes += ps_align_up(ps_part_array(e->p, (enum ps_array_id)i)->bytes, 4096) +
                 (ps_part_array(e->p, (enum ps_array_id)i)->present ? 4096 : 0);
    assert_true(ps_part_file_bytes(e->p) <= bytes + 16384);
}

/* The bytes of a file. The caller frees them. */
static unsigned char *slurp(const char *path, size_t *bytes)
{
    FILE *f = fopen(path, "rb");
    struct stat s;
    unsigned char *p;

    assert_non_null(f);
    assert_int_equal(stat(path, &s), 0);
    *bytes = (size_t)s.st_size;
    p = ps_test_bytes(*bytes);
    assert_int_equal(fread(p, 1, *bytes, f), *bytes);
    fclose(f);
    return p;
}

static void equal_values_give_equal_bytes(void **state)
{
    static const char *const name[] = {"meta.h5", "part-00000.h5", "part-00004.h5"};
    struct env *e = *state;
    char other[PS_TEST_PATH_BYTES], a[PS_TEST_PATH_BYTES], b[PS_TEST_PATH_BYTES];

    make(e, 1);
    (void)ps_test_path(other, e->dir, "other.ps");
    usleep(1100 * 1000); /* a time stamp of one second would show */
    assert_ok(ps_test_graph_write(&e->g, &e->ctx, other, false));
    for (int i = 0; i < 3; i++) {
        size_t n, m;
        unsigned char *x = slurp(ps_test_path(a, e->path, name[i]), &n);
        unsigned char *y = slurp(ps_test_path(b, other, name[i]), &m);
        assert_int_equal(n, m);
        assert_memory_equal(x, y, n);
        free(x);
        free(y);
    }
}

static void nothing_is_replaced_without_force(void **state)
{
    struct env *e = *state;
    char one[NAME_MAX + 1];

    make(e, 5);
    assert_fails(ps_test_graph_write(&e->g, &e->ctx, e->path, false), PS_EUSAGE, "--force");
    e->g.orig_id[0] = 77;
    (void)ps_test_path(e->path, e->dir, "d.ps/"); /* a slash at the end changes nothing */
    assert_ok(ps_test_graph_write(&e->g, &e->ctx, e->path, true));
    assert_int_equal(names_in(e->dir, one), 1);
    assert_string_equal(one, "d.ps");
    ps_dataset_close(&e->ds);
    assert_ok(ps_dataset_open(&e->ds, &e->ctx, e->path));
    for (uint32_t k = 0; k < 7; k++) {
        uint64_t id;
        assert_ok(ps_part_open(&e->p, e->ds, k));
        if (ps_part_nodes(e->p) > 0 && ps_part_first_node(e->p) == 0) {
            assert_ok(ps_part_read(e->p, PS_ARRAY_ORIG_ID, 0, 1, &id));
            assert_int_equal(id, 77);
        }
        ps_part_close(&e->p);
    }
}

static void force_spares_what_is_no_dataset(void **state)
{
    struct env *e = *state;
    char letter[PS_TEST_PATH_BYTES], one[NAME_MAX + 1];

    ps_test_graph_make(&e->g, &shapes[5]);
    assert_int_equal(mkdir(e->path, 0777), 0);
    fclose(fopen(ps_test_path(letter, e->path, "letter.txt"), "w"));
    assert_fails(ps_test_graph_write(&e->g, &e->ctx, e->path, true), PS_EUSAGE, "letter.txt");
    assert_int_equal(names_in(e->path, one), 1);
    assert_int_equal(names_in(e->dir, one), 1);
    unlink(letter);
    rmdir(e->path);
    fclose(fopen(e->path, "w"));
    assert_fails(ps_test_graph_write(&e->g, &e->ctx, e->path, true), PS_EUSAGE, "a file");
    unlink(e->path);
    assert_int_equal(symlink("/tmp", e->path), 0);
    assert_fails(ps_test_graph_write(&e->g, &e->ctx, e->path, true), PS_EUSAGE, "symbolic link");
    unlink(e->path);
}

static void giving_up_leaves_nothing(void **state)
{
    struct env *e = *state;
    struct ps_dataset_writer *w;
    char one[NAME_MAX + 1];

    ps_test_graph_make(&e->g, &shapes[3]);
    for (int step = 0; step < 3; step++) {
        assert_ok(ps_dataset_create(&w, &e->ctx, e->path, false, &e->g.meta));
        if (step > 0)
            assert_ok(ps_test_graph_write_part(&e->g, w, 0));
        if (step > 1)
            assert_ok(ps_dataset_part_begin(w, 1, 10, 10));
        assert_int_equal(names_in(e->dir, one), 1);
        assert_true(one[0] == '.'); /* not the final name */
        ps_dataset_abort(&w);
        assert_null(w);
        assert_int_equal(names_in(e->dir, one), 0);
    }
    ps_dataset_abort(&w);
}

static void every_allocation_may_fail_while_writing(void **state)
{
    struct env *e = *state;
    char one[NAME_MAX + 1];
    ps_status st = PS_EMEM;
    long long n;

    ps_test_graph_make(&e->g, &shapes[5]);
    for (n = 0; st != PS_OK && n < 1000; n++) {
        ps_mem_fail_after(&e->ctx.mem, n);
        st = ps_test_graph_write(&e->g, &e->ctx, e->path, false);
        assert_true(st == PS_OK || st == PS_EMEM);
        assert_int_equal(ps_mem_live(&e->ctx.mem), 0);
        assert_int_equal(names_in(e->dir, one), st == PS_OK);
    }
    ps_mem_fail_after(&e->ctx.mem, -1);
    assert_true(st == PS_OK && n > 50);
}

static ps_status read_all(struct env *e)
{
    struct ps_verified seen;
    ps_status st = PS_OK;

    PS_TRY(ps_dataset_open(&e->ds, &e->ctx, e->path));
    st = ps_dataset_verify(e->ds, &e->ctx, &seen);
    ps_dataset_close(&e->ds);
    return st;
}

static void every_allocation_may_fail_while_reading(void **state)
{
    struct env *e = *state;
    ps_status st = PS_EMEM;
    long long n;

    make(e, 5);
    ps_dataset_close(&e->ds);
    for (n = 0; st != PS_OK && n < 1000; n++) {
        ps_mem_fail_after(&e->ctx.mem, n);
        st = read_all(e);
        assert_true(st == PS_OK || st == PS_EMEM);
        assert_int_equal(ps_mem_live(&e->ctx.mem), 0);
    }
    ps_mem_fail_after(&e->ctx.mem, -1);
    assert_true(st == PS_OK && n > 50);
}

static void a_full_disk_is_told_before_the_first_row(void **state)
{
    struct env *e = *state;
    struct rlimit was, less;
    char one[NAME_MAX + 1];

    ps_test_graph_make(&e->g, &shapes[0]);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    less = was;
    for (rlim_t kib = 0; kib < 600; kib += 17) {
        ps_status st;
        less.rlim_cur = kib * 1024;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
        st = ps_test_graph_write(&e->g, &e->ctx, e->path, false);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        if (st == PS_OK)
            break;
        assert_int_equal(st, PS_EIO);
        assert_non_null(strstr(ps_err_sentence(), "part-00000.h5"));
        assert_int_equal(names_in(e->dir, one), 0);
        assert_true(kib < 590);
    }
    assert_int_equal(ps_exit_code(PS_EIO), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(what_was_written_is_read_back),
        T(training_nodes_are_counted),
        T(structure_costs_little_beside_the_values),
        T(equal_values_give_equal_bytes),
        T(nothing_is_replaced_without_force),
        T(force_spares_what_is_no_dataset),
        T(giving_up_leaves_nothing),
        T(every_allocation_may_fail_while_writing),
        T(every_allocation_may_fail_while_reading),
        T(a_full_disk_is_told_before_the_first_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
