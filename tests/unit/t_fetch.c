/* SPDX-License-Identifier: Apache-2.0 */
/* Extents out of files: whatever is asked for arrives, as a memcpy would bring
 * it, in few reads, and what cannot be had is named. */
#include "tests/disk_test.h"

#include "io/engine_state.h"
#include "io/fetch.h"

enum { FILES = 3, ROUNDS = 25, EXTENTS = 300, GAP = 8192 };
static const size_t size_of[FILES] = {700001, 96 * BLOCK, 5000};
static struct test_file t[FILES];

#define EACH_ENGINE(e)                                                                             \
    const struct ps_io_ops *const *e = ps_io_engines;                                              \
    *e != NULL;                                                                                    \
    e++

struct rig {
    struct ps_ctx ctx;
    struct ps_io *io;
    struct ps_fetch *f;
    const struct ps_io_ops *ops;
};

/* @return false where the engine is refused */
static bool rig_start(struct rig *r, const struct ps_io_ops *ops, uint64_t depth, uint64_t bytes)
{
    struct ps_opts_io o = io_opts(depth, bytes);
    uint32_t file;

    r->ops = ops;
    ps_ctx_init(&r->ctx, NULL);
    if (!started(&r->io, &r->ctx, ops, &o))
        return false;
    for (uint32_t i = 0; i < FILES; i++) {
        assert_ok(ps_io_add_file(r->io, t[i].path, &file));
        assert_int_equal(file, i);
    }
    assert_ok(ps_fetch_new(&r->f, &r->ctx, r->io, &o));
    return true;
}

static void rig_stop(struct rig *r)
{
    ps_fetch_free(&r->f);
    ps_io_free(&r->io);
    assert_int_equal(ps_ctx_fini(&r->ctx), 0);
}

static int by_place(const void *a, const void *b)
{
    const struct ps_extent *x = a, *y = b;

    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Empty, tiny, a few KiB or long; some repeat or overlap others. @return bytes wanted */
static uint64_t random_extents(uint64_t round, struct ps_extent *e, uint64_t n)
{
    struct ps_key key = ps_key_make(7, PS_FOR_TEST, round, 0, 0);
    uint64_t total = 0;

    for (uint64_t i = 0; i < n; i++) {
        struct ps_draw d = ps_draw_at(key, i, 0), d2 = ps_draw_at(key, i, 1);
        uint64_t most[] = {0, 1, 100, 6000, 400000}, kind = d.w[0] % 8;
        size_t size;

        e[i].file = d.w[1] % FILES;
        size = t[e[i].file].size;
        e[i].offset = ps_below(ps_draw_u64(&d2, 0), size + 1);
        e[i].bytes = ps_below(ps_draw_u64(&d2, 1), most[kind < 4 ? kind : 2] + 1);
        if (kind == 7 && d.w[2] % 8 == 0)
            e[i].bytes = ps_below(ps_draw_u64(&d2, 1), most[4]);
        e[i].bytes = ps_min(e[i].bytes, size - e[i].offset);
        if (kind == 6 && i > 0) { /* again, elsewhere */
            e[i].file = e[i - 1].file;
            e[i].offset = e[i - 1].offset;
            e[i].bytes = e[i - 1].bytes;
        }
        total += e[i].bytes;
    }
    qsort(e, n, sizeof *e, by_place);
    return total;
}

/* Places for them one after another, at odd addresses, with a guard byte between. */
static unsigned char *lay_out(struct ps_extent *e, uint64_t n, uint64_t total)
{
    unsigned char *buffer = calloc(1, total + n + 1), *at = buffer;

    assert_non_null(buffer);
    for (uint64_t i = 0; i < n; i++) {
        e[i].dst = at;
        at += e[i].bytes;
        *at++ = 0x5A;
    }
    return buffer;
}

static void assert_fetched(const struct rig *r, const struct ps_extent *e, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        const unsigned char *dst = e[i].dst;

        assert_memory_equal(dst, seen_by(r->ops, &t[e[i].file]) + e[i].offset, e[i].bytes);
        assert_int_equal(dst[e[i].bytes], 0x5A);
    }
}

static void any_extents_arrive_as_memcpy_would_bring_them(void **state)
{
    static const struct {
        uint64_t depth, bytes;
    } shape[] = {{1, BLOCK}, {64, BLOCK}, {3, 8 * BLOCK}, {64, 256 * KIB}};
    static struct ps_extent e[EXTENTS];

    (void)state;
    for (EACH_ENGINE(engine))
        for (uint64_t s = 0; s < 4; s++) {
            struct rig r;
            uint64_t sum = 0;

            if (!rig_start(&r, *engine, shape[s].depth, shape[s].bytes))
                return;
            for (uint64_t round = 0; round < ROUNDS; round++) {
                uint64_t n = round * EXTENTS / (ROUNDS - 1);
                uint64_t total = random_extents(round * 4 + s, e, n);
                unsigned char *buffer = lay_out(e, n, total);

                assert_ok(ps_fetch_run(r.f, e, n));
                assert_fetched(&r, e, n);
                free(buffer);
                sum += total;
            }
            assert_int_equal(ps_fetch_counts(r.f).wanted_bytes, sum);
            assert_int_equal(ps_fetch_counts(r.f).requests, ps_io_counts(r.io).requests);
            assert_int_equal(ps_fetch_counts(r.f).read_bytes, ps_io_counts(r.io).bytes);
            rig_stop(&r);
        }
}

static void any_extents_arrive_from_an_engine_whose_reads_go_wrong(void **state)
{
    static struct ps_extent e[EXTENTS];

    (void)state;
    for (uint64_t round = 0; round < 20; round++) {
        uint64_t total = random_extents(1000 + round, e, EXTENTS);
        unsigned char *buffer = lay_out(e, EXTENTS, total);
        struct rig r;

        no_faults();
        test_faults.take_max = 1 + ps_u32(round);
        test_faults.take_none = round % 2;
        test_faults.cut_short = round % 3 > 0;
        test_faults.interrupts = ps_u32(round % 4);
        test_faults.interrupt_errno = EINTR;
        assert_true(rig_start(&r, &faulty_engine, 8, 16 * BLOCK));
        assert_ok(ps_fetch_run(r.f, e, EXTENTS));
        assert_fetched(&r, e, EXTENTS);
        rig_stop(&r);
        free(buffer);
    }
}

/* Addresses that are aligned as the offsets are: reads land there, and bring what they always do.
 */
static void what_is_wanted_whole_and_aligned_is_read_in_place(void **state)
{
    const struct ps_io_cost cost = {.request_ns = 6200, .byte_ns = 0.75};
    unsigned char *dst = aligned(size_of[0]), again[5000];
    struct ps_extent e[64];

    (void)state;
    for (EACH_ENGINE(engine))
        for (uint64_t aside = 0; aside <= 8; aside += 8) {
            const unsigned char *want = seen_by(*engine, &t[0]);
            uint64_t at = 1000, n = 0, in_place = 0;
            struct ps_plan_read read;
            struct ps_plan p;
            struct rig r;

            if (!rig_start(&r, *engine, 8, 64 * KIB))
                continue;
            for (; at < t[0].size; n++) { /* one after another, of all sizes, up to the end */
                uint64_t bytes = ps_min((n % 5 + 1) * 7001, t[0].size - at);

                e[n] = (struct ps_extent){.offset = at, .bytes = bytes, .dst = dst + at - aside};
                at += bytes;
            }
            e[n] = e[n - 1]; /* wanted elsewhere too */
            e[n].bytes = ps_min(sizeof again, e[n].bytes);
            e[n++].dst = again;
            ps_plan_begin(&p, e, n, BLOCK, 64 * KIB, &cost);
            while (ps_plan_next(&p, &read))
                in_place += read.in_place != NULL;
            assert_true(aside > 0 ? in_place == 0 : in_place >= 7);
            memset(dst, 0, size_of[0]);
            assert_ok(ps_fetch_run(r.f, e, n));
            assert_memory_equal(dst + 1000 - aside, want + 1000, t[0].size - 1000);
            assert_memory_equal(again, want + e[n - 1].offset, e[n - 1].bytes);
            rig_stop(&r);
        }
    free(dst);
}

/* What one run costs. */
static struct ps_fetch_counts cost(struct rig *r, const struct ps_extent *e, uint64_t n)
{
    struct ps_fetch_counts a = ps_fetch_counts(r->f), b;

    assert_ok(ps_fetch_run(r->f, e, n));
    b = ps_fetch_counts(r->f);
    b.wanted_bytes -= a.wanted_bytes;
    b.read_bytes -= a.read_bytes;
    b.requests -= a.requests;
    return b;
}

static void neighbours_share_reads_and_far_ones_do_not(void **state)
{
    static unsigned char dst[400000];
    struct ps_total total[PS_EVENT_COUNT];
    struct ps_extent e[64];
    struct ps_fetch_counts c;
    struct rig r;

    (void)state;
    assert_true(rig_start(&r, &ps_io_pread, 8, 64 * KIB));
    for (uint64_t i = 0; i < 64; i++) /* one little thing in each block */
        e[i] = (struct ps_extent){.offset = i * BLOCK + 50, .bytes = 100, .dst = dst};
    c = cost(&r, e, 64);
    assert_int_equal(c.requests, 4);
    assert_int_equal(c.read_bytes, 64 * BLOCK);
    assert_int_equal(c.wanted_bytes, 6400);
    for (uint64_t i = 0; i < 8; i++) /* a gap of exactly the threshold is read */
        e[i].offset = i * (BLOCK + GAP) + (i == 1 ? BLOCK - 100 : 0);
    c = cost(&r, e, 3);
    assert_int_equal(c.requests, 1);
    assert_int_equal(c.read_bytes, 2 * (BLOCK + GAP) + BLOCK);
    for (uint64_t i = 0; i < 8; i++) /* a larger one is not */
        e[i].offset = i * (2 * BLOCK + GAP);
    c = cost(&r, e, 8);
    assert_int_equal(c.requests, 8);
    assert_int_equal(c.read_bytes, 8 * BLOCK);
    for (uint64_t i = 0; i < 8; i++) /* the same again and again: read once */
        e[i].offset = 4000;
    c = cost(&r, e, 8);
    assert_int_equal(c.requests, 1);
    assert_int_equal(c.read_bytes, 2 * BLOCK);
    e[0] = (struct ps_extent){.offset = 10, .bytes = 400000, .dst = dst};
    c = cost(&r, e, 1); /* a long one is split */
    assert_int_equal(c.requests, 7);
    assert_int_equal(c.read_bytes, ps_align_up(400000 + 10, BLOCK));
    e[0].bytes = 0;
    c = cost(&r, e, 1);
    assert_true(c.requests == 0 && c.read_bytes == 0);
    ps_trace_totals(&r.ctx.trace, total);
    assert_int_equal(total[PS_EV_io_read].count, 6);
    assert_int_equal(total[PS_EV_io_read].amount, ps_fetch_counts(r.f).read_bytes);
    rig_stop(&r);
}

static void the_last_bytes_of_a_file_need_no_padding_but_must_be_there(void **state)
{
    unsigned char dst[600];

    (void)state;
    for (EACH_ENGINE(engine)) {
        struct ps_extent e = {.file = 2, .offset = 4500, .bytes = 500, .dst = dst};
        char part[300];
        struct rig r;

        if (!rig_start(&r, *engine, 8, 64 * KIB))
            continue;
        assert_ok(ps_fetch_run(r.f, &e, 1));
        assert_memory_equal(dst, seen_by(*engine, &t[2]) + 4500, 500);
        e.bytes = 501;
        snprintf(part, sizeof part,
                 "%s: the file ends too early: expected 501 bytes at offset 4500, found 500",
                 t[2].path);
        assert_fails(ps_fetch_run(r.f, &e, 1), PS_EINPUT, part);
        e.offset = 1 << 20;
        assert_fails(ps_fetch_run(r.f, &e, 1), PS_EINPUT, "at offset 1048576, found 0");
        e.offset = INT64_MAX - 1000;
        assert_fails(ps_fetch_run(r.f, &e, 1), PS_EINPUT, t[2].path);
        e.offset = 0;
        e.bytes = UINT64_MAX;
        assert_fails(ps_fetch_run(r.f, &e, 1), PS_EINPUT, "found 18446744073709551615 bytes");
        e.bytes = 500;
        assert_ok(ps_fetch_run(r.f, &e, 1)); /* it can be used again */
        assert_memory_equal(dst, seen_by(*engine, &t[2]), 500);
        rig_stop(&r);
    }
}

static void a_file_truncated_after_it_was_opened_is_named(void **state)
{
    unsigned char *dst = calloc(1, t[1].size);

    (void)state;
    for (EACH_ENGINE(engine)) {
        struct ps_extent e = {.file = 1, .offset = 100, .bytes = t[1].size - 100, .dst = dst};
        char part[300];
        struct rig r;

        if (!rig_start(&r, *engine, 4, 8 * BLOCK))
            continue;
        assert_int_equal(truncate(t[1].path, 5 * BLOCK + 77), 0);
        snprintf(part, sizeof part, "%s: the file ends too early: expected %zu bytes at offset 100",
                 t[1].path, t[1].size - 100);
        assert_fails(ps_fetch_run(r.f, &e, 1), PS_EINPUT, part);
        assert_int_equal(ps_io_in_flight(r.io), 0);
        write_all(t[1].path, t[1].bytes, t[1].size);
        assert_ok(ps_fetch_run(r.f, &e, 1));
        assert_memory_equal(dst, seen_by(*engine, &t[1]) + 100, t[1].size - 100);
        rig_stop(&r);
    }
    free(dst);
}

static void a_read_that_fails_is_named_and_the_fetch_goes_on_after_it(void **state)
{
    unsigned char *dst = calloc(1, t[0].size);
    struct ps_extent e = {.offset = 0, .bytes = t[0].size, .dst = dst};
    char part[200];
    struct rig r;

    (void)state;
    no_faults();
    test_faults.bad_errno = EIO;
    test_faults.bad_offset = 40 * BLOCK + 1;
    assert_true(rig_start(&r, &faulty_engine, 8, 8 * BLOCK));
    snprintf(part, sizeof part,
             "%s: cannot read: expected 32768 bytes at offset 163840, found 0: Input/output error",
             t[0].path);
    assert_fails(ps_fetch_run(r.f, &e, 1), PS_EIO, part);
    assert_int_equal(ps_io_in_flight(r.io), 0);
    test_faults.bad_offset = 7 * BLOCK; /* in other places it fails in other words */
    assert_fails(ps_fetch_run(r.f, &e, 1), PS_EIO, "at offset 0, found 0");
    test_faults.bad_errno = 0;
    assert_ok(ps_fetch_run(r.f, &e, 1));
    assert_memory_equal(dst, t[0].bytes, t[0].size);
    for (int n = 0; n < 3; n++) {
        test_faults.submits_left = n;
        assert_fails(ps_fetch_run(r.f, &e, 1), PS_EIO, "broke down");
        rig_stop(&r);
        test_faults.submits_left = -1;
        assert_true(rig_start(&r, &faulty_engine, 8, 8 * BLOCK));
    }
    rig_stop(&r);
    free(dst);
}

static void a_run_allocates_nothing_and_a_start_may_fail_anywhere(void **state)
{
    static struct ps_extent e[EXTENTS];
    uint64_t total = random_extents(99, e, EXTENTS);
    unsigned char *buffer = lay_out(e, EXTENTS, total);
    struct ps_opts_io o = io_opts(16, 64 * KIB);
    ps_status st = PS_EMEM;
    struct ps_fetch *f;
    long long before;
    struct rig r;
    int n;

    (void)state;
    assert_true(rig_start(&r, &ps_io_pread, 16, 64 * KIB));
    assert_in_range(atomic_load(&r.ctx.mem.cat_bytes[PS_MEM_STAGING]), 1024 * KIB,
                    1280 * KIB + 2 * BLOCK);
    ps_mem_fail_after(&r.ctx.mem, 0);
    assert_ok(ps_fetch_run(r.f, e, EXTENTS));
    assert_fetched(&r, e, EXTENTS);
    before = ps_mem_live(&r.ctx.mem);
    for (n = 0; st == PS_EMEM; n++) {
        ps_mem_fail_after(&r.ctx.mem, n);
        st = ps_fetch_new(&f, &r.ctx, r.io, &o);
        assert_true((st == PS_OK) == (f != NULL));
        if (st != PS_OK)
            assert_int_equal(ps_mem_live(&r.ctx.mem), before);
    }
    assert_ok(st);
    assert_true(n > 3);
    ps_fetch_free(&f);
    assert_int_equal(ps_mem_live(&r.ctx.mem), before);
    rig_stop(&r);
    free(buffer);
}

/* Disks with larger blocks are rare, so one is made up. */
static void a_file_that_raises_the_alignment_moves_the_buffers(void **state)
{
    static struct ps_extent e[EXTENTS];
    uint64_t total = random_extents(98, e, EXTENTS);
    unsigned char *buffer = lay_out(e, EXTENTS, total);
    struct rig r;

    (void)state;
    assert_true(rig_start(&r, &ps_io_pread, 16, 6 * BLOCK)); /* no multiple of 16 KiB */
    r.io->align = 4 * BLOCK;
    assert_ok(ps_fetch_run(r.f, e, EXTENTS));
    assert_fetched(&r, e, EXTENTS);
    rig_stop(&r);
    free(buffer);
}

/* Much in flight is good, but not gigabytes. */
static void staging_is_bounded_whatever_is_asked_for(void **state)
{
    struct rig r;

    (void)state;
    assert_true(rig_start(&r, &ps_io_pread, 1024, 1 << 20));
    assert_in_range(atomic_load(&r.ctx.mem.cat_bytes[PS_MEM_STAGING]), 63 << 20,
                    (1 << 26) + 2 * BLOCK);
    rig_stop(&r);
}

static int setup(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < FILES; i++)
        make_h5_file(&t[i], size_of[i], i + 10);
    return 0;
}
static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < FILES; i++)
        drop_file(&t[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_extents_arrive_as_memcpy_would_bring_them),
        cmocka_unit_test(any_extents_arrive_from_an_engine_whose_reads_go_wrong),
        cmocka_unit_test(what_is_wanted_whole_and_aligned_is_read_in_place),
        cmocka_unit_test(neighbours_share_reads_and_far_ones_do_not),
        cmocka_unit_test(the_last_bytes_of_a_file_need_no_padding_but_must_be_there),
        cmocka_unit_test(a_file_truncated_after_it_was_opened_is_named),
        cmocka_unit_test(a_read_that_fails_is_named_and_the_fetch_goes_on_after_it),
        cmocka_unit_test(a_run_allocates_nothing_and_a_start_may_fail_anywhere),
        cmocka_unit_test(a_file_that_raises_the_alignment_moves_the_buffers),
        cmocka_unit_test(staging_is_bounded_whatever_is_asked_for),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
