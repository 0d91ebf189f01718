/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated disk: each fault at each read leads to what sim_disk.h says, order and faults
 * follow the seed, and no read is faster than it was told. */
#include "tests/disk_test.h"

#include "io/fetch.h"
#include "io/sim_disk.h"

#include <time.h>

enum { PIECES = 12, DEPTH = 5 };
#define PIECE (2 * BLOCK)
#define FILE_BYTES (PIECES * PIECE)

static struct test_file t;

struct rig {
    struct ps_ctx ctx;
    struct ps_io *io;
    uint32_t file, order[PIECES]; /* in which the pieces came */
    unsigned char *dst;
    struct ps_io_req req[PIECES];
    FILE *log;
    char text[1024];
};

static void rig_start(struct rig *r, const struct ps_sim_disk *disk, int rank)
{
    struct ps_opts_io o = io_opts(DEPTH, PIECE);

    memset(r, 0, sizeof *r);
    r->log = fmemopen(r->text, sizeof r->text, "w");
    ps_ctx_init(&r->ctx, r->log);
    r->ctx.log.rank = rank;
    assert_ok(ps_io_new_with(&r->io, &r->ctx, &ps_io_sim, &o, disk));
    assert_ok(ps_io_add_file(r->io, t.path, &r->file));
    r->dst = aligned(FILE_BYTES);
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
        for (uint32_t i = 0; i < n; i++)
            r->order[total++] = ps_u32((uint64_t)(done[i] - r->req));
    }
    return PS_OK;
}

static struct ps_sim_disk disk_with(uint64_t seed, const char *faults)
{
    struct ps_sim_disk d = {.seed = seed};

    assert_ok(ps_fault_plan_parse(&d.plan, "--x", faults, ps_disk_fault_kinds));
    return d;
}

static void assert_whole(const struct rig *r)
{
    for (int i = 0; i < PIECES; i++)
        assert_true(r->req[i].sys == 0 && r->req[i].done == PIECE);
    assert_memory_equal(r->dst, t.bytes, t.size);
}

/* Requests that failed with @p sys; the others must be whole. */
static uint32_t failed_with(const struct rig *r, int sys)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < PIECES; i++) {
        if (r->req[i].sys == sys)
            n++;
        else
            assert_true(r->req[i].sys == 0 &&
                        memcmp(r->dst + i * PIECE, t.bytes + i * PIECE, PIECE) == 0);
    }
    return n;
}

static void a_passing_fault_at_any_read_changes_nothing(void **state)
{
    static const char *const kind[] = {"eio", "short", "eintr", "eagain", "stall:1ms"};

    (void)state;
    for (int k = 0; k < 5; k++)
        for (int call = 1; call <= PIECES; call++) {
            struct ps_sim_disk d;
            char plan[64];
            struct rig r;

            snprintf(plan, sizeof plan, "%s@%d", kind[k], call);
            d = disk_with(7, plan);
            rig_start(&r, &d, 0);
            assert_ok(rig_read(&r));
            assert_whole(&r);
            assert_int_equal(ps_io_counts(r.io).requests, PIECES);
            assert_int_equal(ps_io_counts(r.io).bytes, FILE_BYTES);
            /* all but the stall need a second attempt; it is the disk error that is told */
            assert_int_equal(ps_io_counts(r.io).attempts, PIECES + (k < 4));
            fflush(r.log);
            assert_true((strstr(r.text, "succeeded only at the second attempt") != NULL) ==
                        (k == 0));
            rig_stop(&r);
        }
}

static void many_passing_faults_change_nothing_either(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct ps_sim_disk d = disk_with(seed, "short@40%,eintr@20%,eagain@20%");
        struct rig r;

        rig_start(&r, &d, 0);
        assert_ok(rig_read(&r));
        assert_whole(&r);
        assert_true(ps_io_counts(r.io).attempts > PIECES);
        rig_stop(&r);
    }
}

static void a_lasting_fault_ends_the_read_and_no_other(void **state)
{
    static const struct {
        const char *plan;
        int sys;
        uint64_t attempts; /* of all reads */
    } lasting[] = {{"eio@1-", EIO, 2 * PIECES},
                   {"eintr@1-", EINTR, 1000 * PIECES},
                   {"eagain@1-", EAGAIN, 1000 * PIECES},
                   {"eof@1-", ENODATA, PIECES}};

    (void)state;
    for (int k = 0; k < 4; k++) {
        struct ps_sim_disk d = disk_with(1, lasting[k].plan);
        struct rig r;

        rig_start(&r, &d, 0);
        assert_ok(rig_read(&r));
        assert_int_equal(failed_with(&r, lasting[k].sys), PIECES);
        assert_int_equal(ps_io_counts(r.io).attempts, lasting[k].attempts);
        rig_stop(&r);
    }
    for (int call = 1; call <= PIECES; call++) {
        struct ps_sim_disk d;
        char plan[64];
        struct rig r;

        snprintf(plan, sizeof plan, "eof@%d", call);
        d = disk_with(1, plan);
        rig_start(&r, &d, 0);
        assert_ok(rig_read(&r));
        assert_int_equal(failed_with(&r, ENODATA), 1);
        rig_stop(&r);
    }
}

/* A byte is always missing, so the last one never comes. */
static void short_reads_without_end_are_a_failure_and_no_hang(void **state)
{
    struct ps_sim_disk d = disk_with(1, "short@1-");
    struct rig r;

    (void)state;
    rig_start(&r, &d, 0);
    assert_ok(rig_read(&r));
    assert_int_equal(failed_with(&r, EIO), PIECES);
    for (int i = 0; i < PIECES; i++)
        assert_in_range(r.req[i].done, PIECE - 100, PIECE - 1);
    assert_true(ps_io_counts(r.io).attempts > 1000 * PIECES);
    rig_stop(&r);
}

static void a_flipped_bit_is_one_bit(void **state)
{
    (void)state;
    for (int call = 1; call <= PIECES; call++) {
        struct ps_sim_disk d;
        int bits = 0;
        char plan[64];
        struct rig r;

        snprintf(plan, sizeof plan, "flip@%d", call);
        d = disk_with(3, plan);
        rig_start(&r, &d, 0);
        assert_ok(rig_read(&r));
        for (size_t i = 0; i < FILE_BYTES; i++)
            bits += __builtin_popcount((unsigned)(r.dst[i] ^ t.bytes[i]));
        assert_int_equal(bits, 1);
        rig_stop(&r);
    }
}

static void an_engine_that_breaks_down_at_any_read_is_a_status_and_can_be_freed(void **state)
{
    (void)state;
    for (int call = 1; call <= PIECES; call++) {
        struct ps_sim_disk d;
        char plan[64], part[64];
        struct rig r;

        snprintf(plan, sizeof plan, "dead@%d", call);
        snprintf(part, sizeof part, "the simulated disk broke down at read %d", call);
        d = disk_with(3, plan);
        rig_start(&r, &d, 0);
        assert_fails(rig_read(&r), PS_EIO, part);
        rig_stop(&r); /* with reads in flight */
    }
}

static void a_file_that_cannot_be_opened_is_named_and_others_can(void **state)
{
    struct ps_sim_disk d = disk_with(3, "enomem@2");
    char part[128];
    struct rig r;

    (void)state;
    rig_start(&r, &d, 0);
    snprintf(part, sizeof part, "cannot open %s: Cannot allocate memory", t.path);
    assert_fails(ps_io_add_file(r.io, t.path, &r.file), PS_EIO, part);
    assert_int_equal(ps_io_file_count(r.io), 1);
    assert_ok(ps_io_add_file(r.io, t.path, &r.file));
    assert_int_equal(r.file, 1);
    assert_ok(rig_read(&r));
    assert_whole(&r);
    rig_stop(&r);
}

/* What is seen by whoever fetches rows. */
static void a_fetch_names_file_and_offset_and_can_be_used_again(void **state)
{
    struct ps_opts_io o = io_opts(DEPTH, PIECE);
    struct ps_sim_disk d = disk_with(3, "eof@1-2,eio@3-20,flip@21-40");
    unsigned char *dst = calloc(1, FILE_BYTES);
    struct ps_extent e = {.offset = 100, .bytes = 5000, .dst = dst};
    char part[200];
    struct ps_fetch *f;
    struct rig r;

    (void)state;
    rig_start(&r, &d, 0);
    assert_ok(ps_fetch_new(&f, &r.ctx, r.io, &o));
    snprintf(part, sizeof part,
             "%s: the file ends too early: expected 5000 bytes at offset 100, found 0", t.path);
    assert_fails(ps_fetch_run(f, &e, 1), PS_EINPUT, part);
    assert_fails(ps_fetch_run(f, &e, 1), PS_EINPUT, part);
    e.offset = 5 * PIECE;
    snprintf(part, sizeof part,
             "%s: cannot read: expected 8192 bytes at offset 40960, found 0: Input/output error",
             t.path);
    while (ps_io_counts(r.io).attempts < 20)
        assert_fails(ps_fetch_run(f, &e, 1), PS_EIO, part);
    while (ps_io_counts(r.io).attempts < 40)
        assert_ok(ps_fetch_run(f, &e, 1));
    assert_ok(ps_fetch_run(f, &e, 1));
    assert_memory_equal(dst, t.bytes + 5 * PIECE, 5000);
    ps_fetch_free(&f);
    rig_stop(&r);
    free(dst);
}

static void order_and_faults_follow_the_seed(void **state)
{
    struct ps_sim_disk d[] = {disk_with(1, "short@30%"), disk_with(1, "short@30%"),
                              disk_with(2, "short@30%")};
    uint32_t sorted = 0;
    struct rig r[3];

    (void)state;
    d[1].latency = 1e-4; /* the clock has no say */
    d[1].bytes_per_second = 1e8;
    for (int i = 0; i < 3; i++) {
        rig_start(&r[i], &d[i], 0);
        assert_ok(rig_read(&r[i]));
        assert_whole(&r[i]);
    }
    assert_memory_equal(r[0].order, r[1].order, sizeof r[0].order);
    assert_int_equal(ps_io_counts(r[0].io).attempts, ps_io_counts(r[1].io).attempts);
    assert_memory_not_equal(r[0].order, r[2].order, sizeof r[0].order);
    for (uint32_t i = 1; i < PIECES; i++)
        sorted += r[0].order[i] > r[0].order[i - 1];
    assert_true(sorted < PIECES - 1);
    for (int i = 0; i < 3; i++)
        rig_stop(&r[i]);
}

static void with_one_read_served_at_once_none_overtakes(void **state)
{
    struct ps_sim_disk d = {.seed = 1, .depth = 1};
    struct rig r;

    (void)state;
    rig_start(&r, &d, 0);
    assert_ok(rig_read(&r));
    for (uint32_t i = 0; i < PIECES; i++)
        assert_int_equal(r.order[i], i);
    rig_stop(&r);
}

static void ranks_draw_for_themselves_and_a_fault_can_be_that_of_one(void **state)
{
    struct ps_sim_disk drawn = disk_with(1, "short@30%"), one = disk_with(1, "eio@1-/1");
    struct rig a, b;

    (void)state;
    rig_start(&a, &drawn, 0);
    rig_start(&b, &drawn, 1);
    assert_ok(rig_read(&a));
    assert_ok(rig_read(&b));
    assert_memory_not_equal(a.order, b.order, sizeof a.order);
    rig_stop(&a);
    rig_stop(&b);
    rig_start(&a, &one, 0);
    rig_start(&b, &one, 1);
    assert_ok(rig_read(&a));
    assert_ok(rig_read(&b));
    assert_whole(&a);
    assert_int_equal(failed_with(&b, EIO), PIECES);
    rig_stop(&a);
    rig_stop(&b);
}

static double clock_now(void)
{
    struct timespec s;

    clock_gettime(CLOCK_MONOTONIC, &s);
    return (double)s.tv_sec + (double)s.tv_nsec * 1e-9;
}

/* Only the lower bound can be tested: how late a sleeper wakes is not ours to say. */
static void no_read_is_faster_than_the_disk(void **state)
{
    const struct {
        struct ps_sim_disk disk;
        double seconds; /* of the whole file, at least */
    } slow[] = {
        {{.latency = 0.01}, 0.01 * 3}, /* 12 reads, 5 at once */
        {{.latency = 0.01, .depth = 1}, 0.01 * PIECES},
        {{.latency = 0.01, .depth = 2}, 0.01 * PIECES / 2},
        {{.bytes_per_second = 1e6}, (double)FILE_BYTES / 1e6},
        {{.bytes_per_second = 1e7, .latency = 0.02, .depth = 3}, 0.02 * PIECES / 3},
        {disk_with(1, "stall:50ms@2,stall:20ms@9"), 0.07},
    };

    (void)state;
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++) {
        struct rig r;
        double begin;

        rig_start(&r, &slow[i].disk, 0);
        begin = clock_now();
        assert_ok(rig_read(&r));
        assert_true(clock_now() - begin >= slow[i].seconds * 0.999);
        assert_whole(&r);
        rig_stop(&r);
    }
}

static void bytes_come_when_the_read_ends_and_not_before(void **state)
{
    struct ps_sim_disk d = {.latency = 0.02};
    unsigned char before[PIECE];
    struct ps_io_req q, *p = &q;
    struct rig r;
    uint32_t n;

    (void)state;
    rig_start(&r, &d, 0);
    q = (struct ps_io_req){.file = r.file, .len = PIECE, .dst = r.dst};
    memcpy(before, r.dst, PIECE);
    assert_ok(ps_io_submit(r.io, &p, 1, &n));
    assert_ok(ps_io_reap(r.io, 0, 1, &p, &n)); /* asking does not hurry it */
    assert_int_equal(n, 0);
    assert_memory_equal(r.dst, before, PIECE);
    assert_ok(ps_io_reap(r.io, 1, 1, &p, &n));
    assert_memory_equal(r.dst, t.bytes, PIECE);
    rig_stop(&r);
}

static void options_describe_the_disk_and_need_io_sim(void **state)
{
    struct ps_opts_sim o = {.seed = 5, .disk_bandwidth = 1000, .disk_depth = 7};
    struct ps_opts_io io = io_opts(DEPTH, PIECE);
    struct ps_sim_disk d;
    struct ps_io *engine;
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    assert_ok(ps_sim_disk_of(&d, &o));
    assert_true(d.seed == 5 && d.bytes_per_second == 1000 && d.depth == 7 && d.plan.count == 0);
    io.engine = PS_IO_PREAD;
    assert_fails(ps_io_new(&engine, &ctx, &io, &o), PS_EUSAGE,
                 "--sim-disk-bandwidth describes a simulated disk: expected --io sim beside it");
    o = (struct ps_opts_sim){.seed = 1, .disk_faults = "eio@1,tired@2"};
    assert_fails(ps_io_new(&engine, &ctx, &io, &o), PS_EUSAGE, "--sim-disk-faults describes");
    io.engine = PS_IO_SIM;
    assert_fails(ps_io_new(&engine, &ctx, &io, &o), PS_EUSAGE,
                 "--sim-disk-faults: at character 7 of 'eio@1,tired@2'");
    assert_null(engine);
    o.disk_faults[5] = '\0';
    assert_ok(ps_io_new(&engine, &ctx, &io, &o));
    assert_string_equal(ps_io_name(engine), "sim");
    ps_io_free(&engine);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
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
        cmocka_unit_test(a_passing_fault_at_any_read_changes_nothing),
        cmocka_unit_test(many_passing_faults_change_nothing_either),
        cmocka_unit_test(a_lasting_fault_ends_the_read_and_no_other),
        cmocka_unit_test(short_reads_without_end_are_a_failure_and_no_hang),
        cmocka_unit_test(a_flipped_bit_is_one_bit),
        cmocka_unit_test(an_engine_that_breaks_down_at_any_read_is_a_status_and_can_be_freed),
        cmocka_unit_test(a_file_that_cannot_be_opened_is_named_and_others_can),
        cmocka_unit_test(a_fetch_names_file_and_offset_and_can_be_used_again),
        cmocka_unit_test(order_and_faults_follow_the_seed),
        cmocka_unit_test(with_one_read_served_at_once_none_overtakes),
        cmocka_unit_test(ranks_draw_for_themselves_and_a_fault_can_be_that_of_one),
        cmocka_unit_test(no_read_is_faster_than_the_disk),
        cmocka_unit_test(bytes_come_when_the_read_ends_and_not_before),
        cmocka_unit_test(options_describe_the_disk_and_need_io_sim),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
