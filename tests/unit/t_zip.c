/* SPDX-License-Identifier: Apache-2.0 */
/* Archives as numpy writes them are read; damaged ones are refused with the place. */
#include "tests/zip_make.h"

#include "src/graph/npz.h"
#include "src/graph/zip.h"
#include "tests/npy_make.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

enum { BYTES = 300000 };

struct bench {
    struct ps_ctx ctx;
    struct zip_make make;
    char dir[32], path[48];
    unsigned char data[BYTES], got[BYTES];
    size_t got_bytes;
};

static struct bench *bench_new(void)
{
    struct bench *b = calloc(1, sizeof *b);

    ps_ctx_init(&b->ctx, NULL);
    snprintf(b->dir, sizeof b->dir, "/tmp/penstock-t-zip-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->path, sizeof b->path, "%s/a.npz", b->dir);
    for (int i = 0; i < BYTES; i++) /* neither constant nor noise */
        b->data[i] = (unsigned char)((int64_t)i * i / 1000 + i % 7);
    return b;
}

static void bench_free(struct bench *b)
{
    unlink(b->path);
    assert_int_equal(rmdir(b->dir), 0); /* nothing else is left there */
    assert_int_equal(ps_ctx_fini(&b->ctx), 0);
    free(b);
}

static ps_status keep(void *arg, const void *bytes, size_t count)
{
    struct bench *b = arg;

    assert_true(count <= BYTES - b->got_bytes);
    memcpy(b->got + b->got_bytes, bytes, count);
    b->got_bytes += count;
    return PS_OK;
}

/* Open, read member "b", close. */
static ps_status read_b(struct bench *b)
{
    const struct ps_zip_member *m;
    struct ps_zip *z;
    ps_status st = ps_zip_open(&z, &b->ctx, b->path);

    b->got_bytes = 0;
    if (st != PS_OK)
        return st;
    m = ps_zip_find(z, "b");
    assert_non_null(m);
    st = ps_zip_read(z, m, keep, b);
    ps_zip_close(&z);
    return st;
}

static void make_abc(struct bench *b, bool deflated)
{
    b->make.bytes = b->make.directory_bytes = b->make.members = 0;
    zip_add(&b->make, "a", "first", 5, !deflated);
    zip_add(&b->make, "b", b->data, BYTES, deflated);
    zip_add(&b->make, "c", "", 0, deflated);
}

static void stored_and_deflated_members_are_read_with_numbers_of_any_width(void **state)
{
    struct bench *b = bench_new();

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct ps_zip *z;
        b->make.wide = kind >= 2;
        make_abc(b, kind % 2 == 1);
        zip_write(&b->make, b->path, 0);
        assert_ok(read_b(b));
        assert_int_equal(b->got_bytes, BYTES);
        assert_memory_equal(b->got, b->data, BYTES);
        assert_ok(ps_zip_open(&z, &b->ctx, b->path));
        assert_int_equal(z->member_count, 3);
        assert_null(ps_zip_find(z, "d"));
        assert_null(ps_zip_find(z, ""));
        b->got_bytes = 0;
        assert_ok(ps_zip_read(z, ps_zip_find(z, "c"), keep, b));
        assert_int_equal(b->got_bytes, 0);
        assert_ok(ps_zip_read(z, ps_zip_find(z, "a"), keep, b));
        assert_memory_equal(b->got, "first", 5);
        ps_zip_close(&z);
    }
    bench_free(b);
}

/* Cut anywhere, an archive has lost its end record. */
static void what_is_cut_short_is_refused(void **state)
{
    struct bench *b = bench_new();

    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        b->make.wide = wide;
        make_abc(b, true);
        for (size_t cut = 1; cut < b->make.bytes; cut = cut * 3 / 2 + 1) {
            zip_write(&b->make, b->path, cut);
            assert_fails(read_b(b), PS_EINPUT, "a.npz: is no zip archive or is cut short");
        }
    }
    bench_free(b);
}

/* Any byte may change: never a crash, and never other content without a failure. */
static void no_damaged_byte_goes_unseen(void **state)
{
    struct bench *b = bench_new();
    int refused = 0, tried = 0;

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        size_t end;
        b->make.wide = kind >= 2;
        b->make.bytes = b->make.directory_bytes = b->make.members = 0;
        zip_add(&b->make, "b", b->data, 500, kind % 2 == 1);
        end = b->make.bytes;
        for (size_t at = 0; at < end + b->make.directory_bytes; at++) {
            unsigned char *p = at < end ? b->make.file + at : b->make.directory + (at - end);
            struct ps_zip *z;
            ps_status st;
            *p ^= 0x41;
            zip_write(&b->make, b->path, 0);
            st = ps_zip_open(&z, &b->ctx, b->path);
            if (st == PS_OK && ps_zip_find(z, "b") != NULL) {
                b->got_bytes = 0;
                st = ps_zip_read(z, ps_zip_find(z, "b"), keep, b);
                if (st == PS_OK)
                    assert_memory_equal(b->got, b->data, 500);
            }
            ps_zip_close(&z);
            assert_true(st == PS_OK || st == PS_EINPUT);
            assert_int_equal(ps_mem_live(&b->ctx.mem), 0);
            refused += st != PS_OK;
            tried++;
            *p ^= 0x41;
        }
    }
    assert_true(refused > tried / 2);
    bench_free(b);
}

/* Change one number of the entry of "b" in the directory, by @p by at byte @p at. */
static void spoil(struct bench *b, size_t at, unsigned char by)
{
    make_abc(b, true);
    b->make.directory[47 + at] ^= by; /* the entry of "a" has 46 + 1 bytes */
    zip_write(&b->make, b->path, 0);
}

static void contradictions_are_told_with_the_member(void **state)
{
    struct bench *b = bench_new();

    (void)state;
    spoil(b, 16, 1);
    assert_fails(read_b(b), PS_EINPUT, "member b: expected CRC-32");
    spoil(b, 24, 1);
    assert_fails(read_b(b), PS_EINPUT, "member b: expected 300001 bytes, found 300000");
    spoil(b, 25, 1);
    assert_fails(read_b(b), PS_EINPUT, "member b: expected 299744 bytes, found more");
    spoil(b, 27, 128);
    assert_fails(read_b(b), PS_EINPUT, "member b: 2147783648 bytes cannot come of");
    spoil(b, 8, 1);
    assert_fails(read_b(b), PS_EINPUT, "member b is encrypted");
    spoil(b, 10, 4);
    assert_fails(read_b(b), PS_EINPUT, "member b is packed by method 12");
    spoil(b, 10, 8);
    assert_fails(read_b(b), PS_EINPUT, "member b is stored, expected equal sizes");
    spoil(b, 44, 1);
    assert_fails(read_b(b), PS_EINPUT, "do not fit before the directory");
    spoil(b, 42, 1);
    assert_fails(read_b(b), PS_EINPUT, "member b: expected its header at byte");
    spoil(b, 0, 1);
    assert_fails(read_b(b), PS_EINPUT, "expected an entry of the directory at byte");
    spoil(b, 46, 'a' ^ 'b');
    assert_fails(read_b(b), PS_EINPUT, "member a is there twice");
    b->make.wide = true;
    make_abc(b, true);
    b->make.directory[46 + 1 + 6] ^= 3; /* the 64-bit field of "a" is of another kind */
    zip_write(&b->make, b->path, 0);
    assert_fails(read_b(b), PS_EINPUT, "the entry of the directory at byte");
    bench_free(b);
}

static void deflated_bytes_that_end_early_or_late_are_refused(void **state)
{
    struct bench *b = bench_new();

    (void)state;
    for (int more = 0; more < 2; more++) {
        unsigned char *low = b->make.directory + 47 + 20;
        make_abc(b, true);
        assert_in_range(*low, 1, 254);
        *low = (unsigned char)(*low + (more ? 1 : -1));
        zip_write(&b->make, b->path, 0);
        assert_fails(read_b(b), PS_EINPUT,
                     more ? "member b: 1 bytes behind the end of its deflated bytes"
                          : "they end too early");
    }
    bench_free(b);
}

static void what_is_no_archive_is_refused(void **state)
{
    struct bench *b = bench_new();
    struct ps_zip *z;

    (void)state;
    assert_fails(ps_zip_open(&z, &b->ctx, b->path), PS_EINPUT, "a.npz");
    assert_null(z);
    npy_make(b->path, "<i4", "(1,)", "1234", 4);
    assert_fails(ps_zip_open(&z, &b->ctx, b->path), PS_EINPUT, "is no zip archive");
    assert_fails(ps_zip_open(&z, &b->ctx, b->dir), PS_EINPUT, b->dir);
    bench_free(b);
}

/* A .npy file as a member: 100 rows of 3. */
static void make_npz(struct bench *b, const char *header, bool deflated)
{
    unsigned char file[2048] = "\x93NUMPY\x01";
    size_t n = strlen(header);

    file[8] = (unsigned char)n;
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): n is told, the data comes behind it */
    memcpy(file + 10, header, n);
    for (int i = 0; i < 300; i++)
        memcpy(file + 10 + n + (size_t)i * 4, &i, 4);
    b->make.bytes = b->make.directory_bytes = b->make.members = 0;
    zip_add(&b->make, "before.npy", "12345", 5, false); /* an odd place for the next */
    zip_add(&b->make, "x.npy", file, 10 + n + 1200, deflated);
    zip_write(&b->make, b->path, 0);
}

static ps_status open_x(struct bench *b, struct ps_npy **a)
{
    struct ps_zip *z;
    ps_status st = ps_zip_open(&z, &b->ctx, b->path);

    *a = NULL;
    if (st != PS_OK)
        return st;
    st = ps_npz_open(a, z, "x", b->path);
    ps_zip_close(&z);
    return st;
}

static const char good[] = "{'descr': '<i4', 'fortran_order': False, 'shape': (100, 3), }\n";

static void arrays_are_read_out_of_order(void **state)
{
    struct bench *b = bench_new();
    struct ps_npy *a;
    int64_t x[300];

    (void)state;
    for (int deflated = 0; deflated < 2; deflated++) {
        make_npz(b, good, deflated);
        assert_ok(open_x(b, &a));
        assert_int_equal(a->head.shape[0], 100);
        assert_int_equal(a->items, 300);
        assert_ok(ps_npy_read_i64(a, 290, 10, x));
        assert_ok(ps_npy_read_i64(a, 0, 290, x + 10));
        for (int i = 0; i < 300; i++)
            assert_int_equal(x[i], (i + 290) % 300);
        ps_npy_close(&a);
    }
    bench_free(b);
}

static void arrays_that_are_not_there_or_too_short_are_refused(void **state)
{
    struct bench *b = bench_new();
    struct ps_npy *a;
    struct ps_zip *z;

    (void)state;
    for (int deflated = 0; deflated < 2; deflated++) {
        make_npz(b, "{'descr': '<i4', 'fortran_order': False, 'shape': (101, 3), }\n", deflated);
        assert_fails(open_x(b, &a), PS_EINPUT, "a.npz: x.npy: is cut short: shape (101, 3)");
        assert_null(a);
        make_npz(b, "{'descr': '<i4'}", deflated);
        assert_fails(open_x(b, &a), PS_EINPUT, "a.npz: x.npy: the header has no 'fortran_order'");
    }
    assert_ok(ps_zip_open(&z, &b->ctx, b->path));
    assert_true(ps_npz_has(z, "x"));
    assert_false(ps_npz_has(z, "y"));
    assert_fails(ps_npz_open(&a, z, "y", b->path), PS_EINPUT, "expected an array 'y', found none");
    assert_fails(ps_npz_open(&a, z, "before", b->path), PS_EINPUT, "found only 5 bytes");
    ps_zip_close(&z);
    bench_free(b);
}

static void every_allocation_may_fail(void **state)
{
    struct bench *b = bench_new();

    (void)state;
    for (int deflated = 0; deflated < 2; deflated++) {
        ps_status st = PS_EMEM;
        int n;
        make_npz(b, good, deflated);
        for (n = 0; st != PS_OK; n++) {
            struct ps_npy *a;
            ps_mem_fail_after(&b->ctx.mem, n);
            st = open_x(b, &a);
            ps_mem_fail_after(&b->ctx.mem, -1);
            assert_true(st == PS_OK || st == PS_EMEM);
            assert_true((st == PS_OK) == (a != NULL));
            ps_npy_close(&a);
            assert_int_equal(ps_mem_live(&b->ctx.mem), 0);
        }
        assert_true(n > (deflated ? 11 : 8));
    }
    bench_free(b);
}

/* A limit on the size of files stands for the full disk. */
static void a_full_disk_is_told(void **state)
{
    struct bench *b = bench_new();
    struct rlimit was, tight;
    struct ps_npy *a;

    (void)state;
    make_npz(b, good, true);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    tight = (struct rlimit){1000, was.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    assert_fails(open_x(b, &a), PS_EIO, "x.npy");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_null(a);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_and_deflated_members_are_read_with_numbers_of_any_width),
        cmocka_unit_test(what_is_cut_short_is_refused),
        cmocka_unit_test(no_damaged_byte_goes_unseen),
        cmocka_unit_test(contradictions_are_told_with_the_member),
        cmocka_unit_test(deflated_bytes_that_end_early_or_late_are_refused),
        cmocka_unit_test(what_is_no_archive_is_refused),
        cmocka_unit_test(arrays_are_read_out_of_order),
        cmocka_unit_test(arrays_that_are_not_there_or_too_short_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
