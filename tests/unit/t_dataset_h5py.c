/* SPDX-License-Identifier: Apache-2.0 */
/* What h5py reads is what was written, bit for bit, for every kind of array. */
#include "tests/dataset_shapes.h"

#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* DIR/raw/00001.graph_indptr: what the array must hold. */
static void dump(const char *dir, uint32_t k, int id, const void *bytes, uint64_t size, bool more)
{
    char path[PS_TEST_PATH_BYTES], name[64];
    const char *array = ps_array_name((enum ps_array_id)id) + 1;
    FILE *f;

    snprintf(name, sizeof name, "raw/%05" PRIu32 ".%s", k, array);
    *strchr(name + 4, '/') = '_';
    f = fopen(ps_test_path(path, dir, name), more ? "ab" : "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

/* Ids are written as u64 and stored as u32. */
static void dump_narrow(const char *dir, uint32_t k, const uint64_t *id, uint64_t count)
{
    uint32_t *narrow = ps_test_bytes(count * 4);

    assert_non_null(id);
    for (uint64_t i = 0; i < count; i++)
        narrow[i] = ps_u32(id[i]);
    dump(dir, k, PS_ARRAY_INDICES, narrow, count * 4, false);
    free(narrow);
}

static void dump_part(const struct ps_test_graph *g, const char *dir, uint32_t k)
{
    static const uint64_t item[] = {[PS_ARRAY_WEIGHTS] = 4,
                                    [PS_ARRAY_FEATURES_VALUES] = 4,
                                    [PS_ARRAY_SPLIT] = 1,
                                    [PS_ARRAY_ORIG_ID] = 8,
                                    [PS_ARRAY_OUT_DEGREE] = 4};
    const uint64_t dense[] = {4, 2, 1};
    uint64_t a = g->meta.part_offsets[k], b = g->meta.part_offsets[k + 1], count;
    const uint64_t *whole[] = {g->indptr, g->fptr};

    for (int i = 0; i < 2; i++)
        if (whole[i] != NULL) {
            uint64_t *own = ps_test_indptr(whole[i], a, b);
            dump(dir, k, i == 0 ? PS_ARRAY_INDPTR : PS_ARRAY_FEATURES_INDPTR, own, (b - a + 1) * 8,
                 false);
            free(own);
        }
    for (int id = 0; id < PS_ARRAY_COUNT; id++)
        for (uint32_t s = 0; s < (id == PS_ARRAY_SPLIT ? g->shape.splits : 1); s++) {
            const void *x = ps_test_items(g, (enum ps_array_id)id, s, a, b, &count);
            uint64_t bytes = id == PS_ARRAY_FEATURES           ? dense[g->shape.type]
                             : id == PS_ARRAY_FEATURES_INDICES ? (g->shape.wide ? 4 : 2)
                             : id == PS_ARRAY_LABELS           ? (g->shape.multi_label ? 1 : 4)
                                                               : item[id];
            if (x != NULL && id != PS_ARRAY_INDICES)
                dump(dir, k, id, x, count * bytes, s > 0);
            if (id == PS_ARRAY_INDICES)
                dump_narrow(dir, k, x, count);
        }
}

/* Run Debian's python. @return its exit code */
static int python(char *a, char *b, char *c)
{
    char name[] = "/usr/bin/python3";
    char *argv[] = {name, a, b, c, NULL};
    pid_t child;
    int rc;

    if (posix_spawn(&child, name, NULL, NULL, argv, environ) != 0)
        return 127;
    assert_int_equal(waitpid(child, &rc, 0), child);
    return WIFEXITED(rc) ? WEXITSTATUS(rc) : 128;
}

static void check_shape(struct ps_ctx *ctx, const char *dir, const struct ps_test_shape *shape)
{
    char path[PS_TEST_PATH_BYTES], raw[PS_TEST_PATH_BYTES], script[PS_TEST_PATH_BYTES];
    const char *root = getenv("PS_SOURCE_DIR");
    struct ps_test_graph g;

    (void)ps_test_path(path, dir, "d.ps");
    (void)ps_test_path(raw, dir, "raw");
    (void)ps_test_path(script, root != NULL ? root : ".", "tests/cli/h5py_check.py");
    ps_test_graph_make(&g, shape);
    assert_ok(ps_test_graph_write(&g, ctx, path, true));
    for (uint32_t k = 0; k < g.shape.parts; k++)
        dump_part(&g, dir, k);
    ps_test_graph_free(&g);
    assert_int_equal(python(script, path, raw), 0);
}

static void h5py_reads_what_was_written(void **state)
{
    char dir[PS_TEST_DIR_BYTES], raw[PS_TEST_PATH_BYTES];
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    ps_test_dir_make(dir);
    assert_int_equal(mkdir(ps_test_path(raw, dir, "raw"), 0777), 0);
    for (size_t i = 0; i < SHAPES; i++)
        check_shape(&ctx, dir, &shapes[i]);
    ps_test_dir_remove(dir);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(h5py_reads_what_was_written)};
    char flag[] = "-c", imports[] = "import h5py, numpy";

    if (python(flag, imports, NULL) != 0) {
        puts("skipped: /usr/bin/python3 has no h5py");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
