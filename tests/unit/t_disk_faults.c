/* SPDX-License-Identifier: Apache-2.0 */
/* Reads that come short, are interrupted, refused or fail: what the generic
 * layer makes of them, shown with an engine whose reads go wrong on purpose. */
#include "tests/disk_test.h"

enum { TAIL = 1001, PIECES = 4 };
#define FILE_BYTES (61 * BLOCK + TAIL)
#define PIECE (16 * BLOCK)

static struct test_file t;

struct rig {
    struct ps_ctx ctx;
    struct ps_io *io;
    uint32_t file;
    unsigned char *dst;
    struct ps_io_req req[PIECES];
    FILE *log;
    char text[1024];
};

static void rig_start(struct rig *r, uint32_t depth)
{
    struct ps_opts_io o = io_opts(depth, PIECE);

    memset(r, 0, sizeof *r);
    r->log = fmemopen(r->text, sizeof r->text, "w");
    ps_ctx_init(&r->ctx, r->log);
    assert_ok(ps_io_new_with(&r->io, &r->ctx, &faulty_engine, &o, NULL));
    assert_ok(ps_io_add_file(r->io, t.path, &r->file));
    r->dst = aligned(PIECES * PIECE);
}

static void rig_stop(struct rig *r)
{
    ps_io_free(&r->io);
    assert_int_equal(ps_ctx_fini(&r->ctx), 0);
    fclose(r->log);
    free(r->dst);
}

static ps_status rig_read(struct rig *r)
{
    struct ps_io_req *ptr[PIECES], *done[PIECES];
    uint32_t next = 0, total = 0, n;

    for (uint32_t i = 0; i < PIECES; i++) {
        r->req[i] = (struct ps_io_req){
            .file = r->file, .len = PIECE, .offset = i * PIECE, .dst = r->dst + i * PIECE};
        ptr[i] = &r->req[i];
    }
    while (total < PIECES) {
        PS_TRY(ps_io_submit(r->io, ptr + next, PIECES - next, &n));
        next += n;
        PS_TRY(ps_io_reap(r->io, 1, PIECES, done, &n));
        total += n;
    }
    return PS_OK;
}

static void assert_whole(const struct rig *r)
{
    for (int i = 0; i < PIECES - 1; i++)
        assert_true(r->req[i].sys == 0 && r->req[i].done == PIECE);
    assert_int_equal(r->req[PIECES - 1].sys, ENODATA);
    assert_int_equal(r->req[PIECES - 1].done, FILE_BYTES - (PIECES - 1) * PIECE);
    assert_memory_equal(r->dst, t.bytes, t.size);
}

static void short_reads_are_completed_with_aligned_tails(void **state)
{
    (void)state;
    for (uint32_t depth = 1; depth <= PIECES; depth++)
        for (int none = 0; none < 2; none++) {
            struct rig r;

            no_faults();
            test_faults.cut_short = true;
            test_faults.take_none = none;
            test_faults.take_max = 1 + depth / 2;
            rig_start(&r, depth);
            assert_ok(rig_read(&r));
            assert_whole(&r);
            assert_int_equal(ps_io_counts(r.io).requests, PIECES); /* not attempts */
            assert_int_equal(ps_io_counts(r.io).bytes, FILE_BYTES);
            rig_stop(&r);
        }
}

static void interruptions_are_passed_over(void **state)
{
    static const int sys[] = {EINTR, EAGAIN};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct rig r;

        no_faults();
        test_faults.cut_short = true;
        test_faults.interrupts = 100;
        test_faults.interrupt_errno = sys[i];
        rig_start(&r, 3);
        assert_ok(rig_read(&r));
        assert_whole(&r);
        rig_stop(&r);
    }
}

static void interruptions_without_end_are_a_failure_and_no_hang(void **state)
{
    struct rig r;

    (void)state;
    no_faults();
    test_faults.interrupts = UINT32_MAX;
    test_faults.interrupt_errno = EAGAIN;
    rig_start(&r, 2);
    assert_ok(rig_read(&r));
    for (int i = 0; i < PIECES; i++)
        assert_true(r.req[i].sys == EAGAIN && r.req[i].done == 0);
    rig_stop(&r);
}

static void a_failed_read_is_told_in_its_request_and_the_others_go_on(void **state)
{
    struct rig r;

    (void)state;
    no_faults();
    test_faults.cut_short = true;
    test_faults.bad_errno = EIO;
    test_faults.bad_offset = PIECE + 9 * BLOCK;
    rig_start(&r, PIECES);
    assert_ok(rig_read(&r));
    assert_int_equal(r.req[1].sys, EIO);
    assert_true(r.req[1].done < 10 * BLOCK);
    assert_memory_equal(r.dst + PIECE, t.bytes + PIECE, r.req[1].done);
    assert_true(r.req[0].sys == 0 && r.req[2].sys == 0);
    assert_memory_equal(r.dst + 2 * PIECE, t.bytes + 2 * PIECE, PIECE);
    rig_stop(&r);
}

/* The line is said once for all files of an engine. */
static void a_file_that_takes_no_direct_reads_is_read_through_the_page_cache(void **state)
{
    struct rig r;
    char *line;

    (void)state;
    no_faults();
    test_faults.no_direct = true;
    rig_start(&r, PIECES);
    assert_ok(rig_read(&r));
    assert_whole(&r);
    assert_ok(ps_io_add_file(r.io, t.path, &r.file));
    assert_ok(rig_read(&r));
    assert_whole(&r);
    line = strstr(r.text, "refuses O_DIRECT");
    assert_non_null(line);
    assert_non_null(strstr(r.text, t.path));
    assert_null(strstr(line + 1, "refuses O_DIRECT"));
    rig_stop(&r);
}

static void an_invalid_read_is_not_tried_for_ever(void **state)
{
    struct rig r;

    (void)state;
    no_faults();
    test_faults.bad_errno = EINVAL;
    test_faults.bad_offset = 5;
    rig_start(&r, PIECES);
    assert_ok(rig_read(&r));
    assert_int_equal(r.req[0].sys, EINVAL);
    assert_int_equal(r.req[1].sys, 0);
    rig_stop(&r);
}

static void an_engine_that_breaks_down_is_a_status_and_can_be_freed(void **state)
{
    (void)state;
    for (int n = 0; n < 6; n++) {
        struct rig r;

        no_faults();
        test_faults.cut_short = true;
        test_faults.submits_left = n;
        rig_start(&r, PIECES);
        assert_fails(rig_read(&r), PS_EIO, "broke down");
        rig_stop(&r); /* with reads in flight */
    }
}

static void a_file_that_shrinks_ends_where_it_ends_now(void **state)
{
    struct rig r;

    (void)state;
    no_faults();
    rig_start(&r, PIECES);
    assert_int_equal(truncate(t.path, PIECE + 2 * BLOCK + 5), 0);
    assert_ok(rig_read(&r));
    assert_true(r.req[0].sys == 0);
    assert_true(r.req[1].sys == ENODATA && r.req[1].done == 2 * BLOCK + 5);
    assert_true(r.req[2].sys == ENODATA && r.req[2].done == 0);
    rig_stop(&r);
    write_all(t.path, t.bytes, t.size);
}

static int setup(void **state)
{
    (void)state;
    make_file(&t, FILE_BYTES, 3);
    return 0;
}
static int teardown(void **state)
{
    (void)state;
    drop_file(&t);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_reads_are_completed_with_aligned_tails),
        cmocka_unit_test(interruptions_are_passed_over),
        cmocka_unit_test(interruptions_without_end_are_a_failure_and_no_hang),
        cmocka_unit_test(a_failed_read_is_told_in_its_request_and_the_others_go_on),
        cmocka_unit_test(a_file_that_takes_no_direct_reads_is_read_through_the_page_cache),
        cmocka_unit_test(an_invalid_read_is_not_tried_for_ever),
        cmocka_unit_test(an_engine_that_breaks_down_is_a_status_and_can_be_freed),
        cmocka_unit_test(a_file_that_shrinks_ends_where_it_ends_now),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
