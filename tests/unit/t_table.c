/* SPDX-License-Identifier: Apache-2.0 */
/* Named arrays: models and predictions come back as they were, or not at all. */
#include "tests/ps_dataset.h"

#include "io/table.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct env {
    struct ps_ctx ctx;
    char dir[PS_TEST_DIR_BYTES], path[PS_TEST_PATH_BYTES];
    bool in_memory; /* until finish */
};

static int set_up(void **state)
{
    struct env *e = ps_test_bytes(sizeof *e);

    memset(e, 0, sizeof *e);
    ps_ctx_init(&e->ctx, NULL);
    ps_test_dir_make(e->dir);
    (void)ps_test_path(e->path, e->dir, "model.h5");
    *state = e;
    return 0;
}

static int tear_down(void **state)
{
    struct env *e = *state;

    ps_test_dir_remove(e->dir);
    assert_int_equal(ps_ctx_fini(&e->ctx), 0);
    free(e);
    return 0;
}

static int names_in(const char *dir)
{
    DIR *d = opendir(dir);
    int count = -2; /* . and .. */

    assert_non_null(d);
    while (readdir(d) != NULL)
        count++;
    closedir(d);
    return count;
}

static const float w[6] = {1.5f, -2.25f, 0.0f, 3.0e38f, -1.0e-38f, 7.0f};
static const double b[3] = {0.1, -0.2, 1e300};
static const uint64_t id[4] = {0, 5, UINT64_MAX, 1};
static const int32_t y[2] = {-1, INT32_MAX};
static const uint32_t u[2] = {0, UINT32_MAX};

static ps_status fill(struct ps_table *t)
{
    PS_TRY(ps_table_add(t, "layer0/W", PS_COLUMN_F32, 2, 3));
    PS_TRY(ps_table_put(t, "layer0/W", 1, 1, w + 3));
    PS_TRY(ps_table_put(t, "layer0/W", 0, 1, w));
    PS_TRY(ps_table_add(t, "layer0/b", PS_COLUMN_F64, 3, 0));
    PS_TRY(ps_table_put_text(t, "model", "gcn"));
    PS_TRY(ps_table_put_u64(t, "epoch", UINT64_MAX));
    PS_TRY(ps_table_put_u64(t, "epoch", 17));
    PS_TRY(ps_table_put_f64(t, "accuracy", 0.8125));
    PS_TRY(ps_table_put(t, "layer0/b", 0, 3, b));
    PS_TRY(ps_table_add(t, "id", PS_COLUMN_U64, 4, 0));
    PS_TRY(ps_table_put(t, "id", 0, 4, id));
    PS_TRY(ps_table_add(t, "y", PS_COLUMN_I32, 2, 1));
    PS_TRY(ps_table_put(t, "y", 0, 2, y));
    PS_TRY(ps_table_add(t, "u", PS_COLUMN_U32, 2, 0));
    PS_TRY(ps_table_put(t, "u", 0, 2, u));
    return ps_table_add(t, "none", PS_COLUMN_F32, 0, 5);
}

static ps_status write_table(struct env *e)
{
    struct ps_table *t = NULL;
    ps_status st = PS_OK;

    if (e->in_memory)
        PS_GO(st, ps_table_create_in_memory(&t, &e->ctx, e->path, 200));
    else
        PS_GO(st, ps_table_create(&t, &e->ctx, e->path));
    PS_GO(st, fill(t));
    return ps_table_finish(&t);
out:
    ps_table_close(&t);
    return st;
}

static ps_status read_table(struct env *e)
{
    struct ps_table *t = NULL;
    ps_status st = PS_OK;
    char text[4];
    double b2[3], accuracy;
    uint64_t rows, cols, epoch, id2[4];
    uint32_t u2[2];
    int32_t y2[2];
    float w2[6];

    PS_GO(st, ps_table_open(&t, &e->ctx, e->path));
    PS_GO(st, ps_table_shape(t, "layer0/W", &rows, &cols));
    assert_true(rows == 2 && cols == 3);
    PS_GO(st, ps_table_shape(t, "id", &rows, &cols));
    assert_true(rows == 4 && cols == 0);
    PS_GO(st, ps_table_get(t, "layer0/W", PS_COLUMN_F32, w2));
    assert_memory_equal(w, w2, sizeof w);
    PS_GO(st, ps_table_get(t, "layer0/b", PS_COLUMN_F64, b2));
    assert_memory_equal(b, b2, sizeof b);
    PS_GO(st, ps_table_get(t, "id", PS_COLUMN_U64, id2));
    assert_memory_equal(id, id2, sizeof id);
    PS_GO(st, ps_table_get(t, "y", PS_COLUMN_I32, y2));
    assert_memory_equal(y, y2, sizeof y);
    PS_GO(st, ps_table_get(t, "u", PS_COLUMN_U32, u2));
    assert_memory_equal(u, u2, sizeof u);
    PS_GO(st, ps_table_get(t, "none", PS_COLUMN_F32, w2));
    PS_GO(st, ps_table_get_text(t, "model", text, sizeof text));
    assert_string_equal(text, "gcn");
    PS_GO(st, ps_table_get_u64(t, "epoch", &epoch));
    assert_true(epoch == 17);
    PS_GO(st, ps_table_get_f64(t, "accuracy", &accuracy));
    assert_true(accuracy == 0.8125);
out:
    ps_table_close(&t);
    return st;
}

static void what_was_put_is_got(void **state)
{
    struct env *e = *state;

    assert_ok(write_table(e));
    assert_ok(read_table(e));
    assert_ok(write_table(e)); /* an existing file is replaced */
    assert_ok(read_table(e));
    assert_int_equal(names_in(e->dir), 1);
}

/* Made in memory, a table is the same to its readers, and not on disk before its end. */
static void a_table_made_in_memory_is_no_other(void **state)
{
    struct env *e = *state;
    struct ps_table *t;

    e->in_memory = true;
    what_was_put_is_got(state);
    assert_ok(ps_table_create_in_memory(&t, &e->ctx, e->path, 200));
    assert_ok(fill(t));
    assert_int_equal(names_in(e->dir), 1);
    ps_table_close(&t);
    assert_ok(read_table(e)); /* giving up leaves the old one */
    assert_int_equal(unlink(e->path), 0);
}

static void asking_for_what_is_not_there_is_told(void **state)
{
    struct env *e = *state;
    struct ps_table *t;
    uint64_t rows, cols, x;
    double f;
    char text[3];

    assert_fails(ps_table_open(&t, &e->ctx, e->path), PS_EINPUT, "model.h5 is not there");
    assert_null(t);
    assert_ok(write_table(e));
    assert_ok(ps_table_open(&t, &e->ctx, e->path));
    assert_fails(ps_table_shape(t, "layer9/W", &rows, &cols), PS_EINPUT, "layer9/W is not there");
    assert_fails(ps_table_get(t, "id", PS_COLUMN_F32, &rows), PS_EINPUT,
                 "id: f32 expected, found u64");
    assert_fails(ps_table_get_u64(t, "loss", &x), PS_EINPUT, "'loss' of / is not there");
    assert_fails(ps_table_get_u64(t, "accuracy", &x), PS_EINPUT, "type u64 expected");
    assert_fails(ps_table_get_f64(t, "model", &f), PS_EINPUT, "found 1 of text");
    assert_fails(ps_table_get_text(t, "epoch", text, sizeof text), PS_EINPUT, "text of fixed");
    assert_fails(ps_table_get_text(t, "model", text, sizeof text), PS_EINPUT,
                 "at most 2 characters expected, found 3");
    ps_table_close(&t);
    ps_table_close(&t);
}

/* Find the 8 bytes of id[2] in the file and flip one bit of what follows. */
static void a_flipped_bit_is_found(void **state)
{
    struct env *e = *state;
    unsigned char *bytes = ps_test_bytes(1 << 20);
    FILE *f;
    size_t n, at = 0;

    assert_ok(write_table(e));
    f = fopen(e->path, "r+b");
    n = fread(bytes, 1, 1 << 20, f);
    while (at + sizeof id < n && memcmp(bytes + at, id, sizeof id) != 0)
        at++;
    assert_true(at + sizeof id < n);
    assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
    fputc(bytes[at] ^ 0x10, f);
    fclose(f);
    free(bytes);
    assert_fails(read_table(e), PS_EINPUT, "id: checksum 0x");
}

static void a_file_that_is_no_table_is_told(void **state)
{
    struct env *e = *state;
    FILE *f = fopen(e->path, "wb");

    fputs("this is text, and long enough to be looked at for a signature\n", f);
    fclose(f);
    assert_fails(read_table(e), PS_EINPUT, "model.h5: HDF5 cannot open the file");
    assert_ok(write_table(e));
    assert_int_equal(truncate(e->path, 700), 0);
    assert_int_equal(read_table(e), PS_EINPUT);
    assert_non_null(strstr(ps_err_sentence(), "model.h5"));
}

static void giving_up_leaves_nothing(void **state)
{
    struct env *e = *state;
    struct ps_table *t;

    assert_ok(ps_table_create(&t, &e->ctx, e->path));
    assert_ok(fill(t));
    assert_int_equal(names_in(e->dir), 1);
    assert_int_equal(access(e->path, F_OK), -1);
    ps_table_close(&t);
    assert_int_equal(names_in(e->dir), 0);
    (void)ps_test_path(e->path, e->dir, "no/such/folder.h5");
    assert_fails(ps_table_create(&t, &e->ctx, e->path), PS_EIO, "no/such");
}

static void fail_every_allocation(struct env *e)
{
    ps_status st = PS_EMEM;
    long long n;

    for (n = 0; st != PS_OK && n < 1000; n++) {
        ps_mem_fail_after(&e->ctx.mem, n);
        st = write_table(e);
        assert_true(st == PS_OK || st == PS_EMEM);
        assert_int_equal(ps_mem_live(&e->ctx.mem), 0);
        assert_int_equal(names_in(e->dir), st == PS_OK);
    }
    assert_true(st == PS_OK && n > 10);
    for (n = 0, st = PS_EMEM; st != PS_OK && n < 1000; n++) {
        ps_mem_fail_after(&e->ctx.mem, n);
        st = read_table(e);
        assert_true(st == PS_OK || st == PS_EMEM);
        assert_int_equal(ps_mem_live(&e->ctx.mem), 0);
    }
    assert_int_equal(st, PS_OK);
    ps_mem_fail_after(&e->ctx.mem, -1);
}

static void every_allocation_may_fail(void **state)
{
    struct env *e = *state;

    fail_every_allocation(e);
    assert_int_equal(unlink(e->path), 0);
    e->in_memory = true;
    fail_every_allocation(e);
}

/* A table made in memory meets the disk at its end, however little there is of it, and as
 * often as that is tried. */
static void a_full_disk_is_told_at_the_end_of_one_in_memory(void **state)
{
    struct env *e = *state;
    struct rlimit was, less;

    signal(SIGXFSZ, SIG_IGN);
    e->in_memory = true;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    less = was;
    for (less.rlim_cur = 0; less.rlim_cur < 4096; less.rlim_cur += 512) {
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
        assert_fails(write_table(e), PS_EIO, "cannot reserve");
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_int_equal(names_in(e->dir), 0);
    }
    assert_ok(write_table(e));
    assert_ok(read_table(e));
}

/* Room is taken when an array is added; a table that does not fit is told there. */
static void a_full_disk_is_told_and_leaves_nothing(void **state)
{
    struct env *e = *state;
    struct rlimit was, less;
    struct ps_table *t;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    less = was;
    less.rlim_cur = 1 << 20;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
    assert_ok(ps_table_create(&t, &e->ctx, e->path));
    assert_ok(ps_table_add(t, "a", PS_COLUMN_F32, 1000, 10));
    assert_fails(ps_table_add(t, "b", PS_COLUMN_F32, 100000, 10), PS_EIO, "cannot reserve");
    ps_table_close(&t);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(names_in(e->dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(what_was_put_is_got),
        T(a_table_made_in_memory_is_no_other),
        T(asking_for_what_is_not_there_is_told),
        T(a_flipped_bit_is_found),
        T(a_file_that_is_no_table_is_told),
        T(giving_up_leaves_nothing),
        T(every_allocation_may_fail),
        T(a_full_disk_is_told_at_the_end_of_one_in_memory),
        /* the last: HDF5 keeps what it could not write, and looks at it again */
        T(a_full_disk_is_told_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
