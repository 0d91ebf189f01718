/* SPDX-License-Identifier: Apache-2.0 */
/* With --verify-reads a damaged block that holds a wanted byte is named, whatever the plan; one
 * that nobody wants is not looked at; and all that is intact arrives as without it. */
#include "tests/disk_test.h"
#include "tests/ps_dataset.h"

#include "io/checksum.h"
#include "io/fetch.h"
#include "io/sim_disk.h"

enum { NODES = 3000, DIM = 33, ROW = DIM * 4, EXTENTS = 400 };

struct env {
    char dir[PS_TEST_DIR_BYTES], path[PS_TEST_PATH_BYTES], part[PS_TEST_PATH_BYTES];
    struct ps_test_graph g;
    struct ps_array array[PS_ARRAY_COUNT];
    unsigned char *bytes; /* of the file */
    size_t size;
};
static struct env env;

static void read_file(void)
{
    FILE *f = fopen(env.part, "re");

    assert_non_null(f);
    assert_int_equal(fread(env.bytes, 1, env.size, f), env.size);
    fclose(f);
}

static int setup(void **state)
{
    const struct ps_test_shape shape = {.nodes = NODES,
                                        .parts = 1,
                                        .degree = 8,
                                        .kind = PS_FEATURES_DENSE,
                                        .dim = DIM,
                                        .classes = 5,
                                        .splits = 1};
    struct ps_dataset *ds;
    struct ps_part *p;
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    ps_test_dir_make(env.dir);
    ps_test_path(env.path, env.dir, "g.ps");
    ps_test_path(env.part, env.dir, "g.ps/part-00000.h5");
    ps_test_graph_make(&env.g, &shape);
    assert_ok(ps_test_graph_write(&env.g, &ctx, env.path, false));
    assert_ok(ps_dataset_open(&ds, &ctx, env.path));
    assert_ok(ps_part_open(&p, ds, 0));
    for (int i = 0; i < PS_ARRAY_COUNT; i++)
        env.array[i] = *ps_part_array(p, (enum ps_array_id)i);
    env.size = ps_part_file_bytes(p);
    ps_part_close(&p);
    ps_dataset_close(&ds);
    env.bytes = calloc(1, env.size);
    assert_non_null(env.bytes);
    read_file();
    assert_int_equal(ps_ctx_fini(&ctx), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ps_test_graph_free(&env.g);
    ps_test_dir_remove(env.dir);
    free(env.bytes);
    return 0;
}

static void flip_byte(uint64_t at)
{
    env.bytes[at] ^= 0x40;
    write_all(env.part, env.bytes, env.size);
}

struct rig {
    struct ps_ctx ctx;
    struct ps_io *io;
    struct ps_fetch *f;
};

/* @return false where the engine is refused */
static bool rig_start(struct rig *r, const struct ps_io_ops *ops, const struct ps_sim_disk *disk,
                      uint64_t read_bytes)
{
    struct ps_opts_io o = io_opts(8, read_bytes);
    uint32_t file;

    o.verify_reads = true;
    ps_ctx_init(&r->ctx, NULL);
    if (ops == &ps_io_sim)
        assert_ok(ps_io_new_with(&r->io, &r->ctx, ops, &o, disk));
    else if (!started(&r->io, &r->ctx, ops, &o))
        return false;
    assert_ok(ps_io_add_file(r->io, env.part, &file));
    assert_ok(ps_fetch_new(&r->f, &r->ctx, r->io, &o));
    return true;
}

static void rig_stop(struct rig *r)
{
    ps_fetch_free(&r->f);
    ps_io_free(&r->io);
    assert_int_equal(ps_ctx_fini(&r->ctx), 0);
}

/* Rows of features, every @p step-th. */
static uint64_t rows(struct ps_extent *e, unsigned char *dst, uint64_t first, uint64_t step)
{
    uint64_t n = 0;

    for (uint64_t v = first; v < NODES && n < EXTENTS; v += step, n++)
        e[n] = (struct ps_extent){.offset = env.array[PS_ARRAY_FEATURES].offset + v * ROW,
                                  .bytes = ROW,
                                  .dst = dst + n * ROW};
    return n;
}

static void what_is_intact_arrives_through_every_engine(void **state)
{
    static unsigned char dst[1 << 20];
    static struct ps_extent e[EXTENTS];

    (void)state;
    for (const struct ps_io_ops *const *ops = ps_io_engines; *ops != NULL; ops++)
        for (uint64_t bytes = BLOCK; bytes <= 16 * BLOCK; bytes *= 16) {
            uint64_t n = rows(e, dst, 0, 7);
            struct rig r;

            if (!rig_start(&r, *ops, NULL, bytes))
                continue;
            assert_ok(ps_fetch_run(r.f, e, n));
            for (uint64_t i = 0; i < n; i++)
                assert_memory_equal(e[i].dst, env.g.features + i * 7 * ROW, ROW);
            for (int id = 0; id < PS_ARRAY_COUNT; id++) { /* whole arrays, their last block too */
                e[0] = (struct ps_extent){
                    .offset = env.array[id].offset, .bytes = env.array[id].bytes, .dst = dst};
                assert_true(e[0].bytes <= sizeof dst);
                assert_ok(ps_fetch_run(r.f, e, env.array[id].present));
            }
            rig_stop(&r);
        }
}

/* One byte of each kind of place: first, last, at the edges of blocks. */
static void a_flipped_byte_that_is_wanted_is_named(void **state)
{
    static unsigned char dst[1 << 20];
    const struct ps_array *a = &env.array[PS_ARRAY_FEATURES];
    const uint64_t place[] = {0, 5, BLOCK - 1, BLOCK, 10 * BLOCK + 77, a->bytes - 1};

    (void)state;
    for (size_t i = 0; i < sizeof place / sizeof *place; i++)
        for (const struct ps_io_ops *const *ops = ps_io_engines; *ops != NULL; ops++) {
            struct ps_extent e = {.offset = a->offset, .bytes = a->bytes, .dst = dst};
            uint64_t block = place[i] / BLOCK;
            char part[700];
            struct rig r;

            if (!rig_start(&r, *ops, NULL, 16 * BLOCK))
                continue;
            flip_byte(a->offset + place[i]);
            snprintf(part, sizeof part,
                     "%s: /nodes/features: block %" PRIu64 " (at byte %" PRIu64
                     " of the array, %" PRIu64 " of the file) was read damaged: checksum 0x",
                     env.part, block, block * BLOCK, a->offset + block * BLOCK);
            assert_fails(ps_fetch_run(r.f, &e, 1), PS_EINPUT, part);
            assert_int_equal(ps_io_in_flight(r.io), 0);
            flip_byte(a->offset + place[i]);
            assert_ok(ps_fetch_run(r.f, &e, 1)); /* it can be used again */
            assert_memory_equal(dst, env.g.features, a->bytes);
            rig_stop(&r);
        }
}

/* Whether it is told depends on what is wanted, not on what is read along. */
static void a_flipped_byte_between_what_is_wanted_is_no_failure(void **state)
{
    static unsigned char dst[EXTENTS * ROW];
    static struct ps_extent e[EXTENTS];
    const uint64_t base = env.array[PS_ARRAY_FEATURES].offset;
    struct rig r;
    uint64_t n;

    (void)state;
    e[0] = (struct ps_extent){.offset = base, .bytes = ROW, .dst = dst};
    e[1] = (struct ps_extent){.offset = base + 2 * BLOCK, .bytes = ROW, .dst = dst + ROW};
    assert_true(rig_start(&r, &ps_io_pread, NULL, 16 * BLOCK));
    flip_byte(base + BLOCK + 9);
    assert_ok(ps_fetch_run(r.f, e, 2));
    assert_int_equal(ps_fetch_counts(r.f).requests, 1); /* it was read along */
    e[0].bytes = BLOCK + 1; /* one byte of that block, not the bad one */
    assert_fails(ps_fetch_run(r.f, e, 2), PS_EINPUT, "block 1 (at byte 4096 of the array");
    n = rows(e, dst, 0, 3); /* many rows in each block */
    assert_fails(ps_fetch_run(r.f, e, n), PS_EINPUT, "block 1 (");
    flip_byte(base + BLOCK + 9);
    assert_ok(ps_fetch_run(r.f, e, n));
    rig_stop(&r);
}

/* The fault that nothing else can see: at each read in turn. */
static void a_bit_flipped_on_the_way_is_named_or_does_not_matter(void **state)
{
    static unsigned char dst[EXTENTS * ROW], good[EXTENTS * ROW];
    static struct ps_extent e[EXTENTS];
    uint64_t n = rows(e, dst, 3, 8), told = 0, reads = 0;

    (void)state;
    for (uint64_t i = 0; i < n; i++)
        memcpy(good + i * ROW, env.g.features + (3 + 8 * i) * ROW, ROW);
    for (uint64_t at = 1; at <= 24; at++) {
        struct ps_sim_disk disk = {.seed = at};
        char plan[32];
        ps_status st;
        struct rig r;

        snprintf(plan, sizeof plan, "flip@%" PRIu64, at);
        assert_ok(ps_fault_plan_parse(&disk.plan, "--x", plan, ps_disk_fault_kinds));
        assert_true(rig_start(&r, &ps_io_sim, &disk, 4 * BLOCK));
        memset(dst, 0, sizeof dst);
        st = ps_fetch_run(r.f, e, n);
        reads = ps_io_counts(r.io).requests;
        if (st == PS_OK)
            assert_memory_equal(dst, good, n * ROW);
        else
            assert_fails(st, PS_EINPUT, "was read damaged");
        told += st != PS_OK;
        rig_stop(&r);
    }
    assert_true(reads >= 20 && told >= 20);
}

static ps_status load(struct ps_ctx *ctx, const char *path)
{
    struct ps_opts_io o = io_opts(4, BLOCK);
    unsigned char dst[8];
    struct ps_extent e = {.offset = 0, .bytes = 8, .dst = dst};
    struct ps_fetch *f = NULL;
    struct ps_io *io = NULL;
    ps_status st;

    o.verify_reads = true;
    PS_GO(st, ps_io_new_with(&io, ctx, &ps_io_pread, &o, NULL));
    PS_GO(st, ps_io_add_file(io, path, &e.file));
    PS_GO(st, ps_fetch_new(&f, ctx, io, &o));
    PS_GO(st, ps_fetch_run(f, &e, 1));
out:
    ps_fetch_free(&f);
    ps_io_free(&io);
    return st;
}

static void files_without_good_checksums_are_refused(void **state)
{
    struct test_file plain, arrays;
    struct ps_ctx ctx;
    uint32_t *sums;
    uint64_t blocks = ps_block_count(env.array[PS_ARRAY_FEATURES].bytes), at = 0;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    make_file(&plain, 5000, 3);
    make_h5_file(&arrays, 20000, 3);
    assert_fails(load(&ctx, plain.path), PS_EINPUT, plain.path);
    assert_fails(load(&ctx, arrays.path), PS_EINPUT, "the arrays of a dataset expected");
    drop_file(&plain);
    drop_file(&arrays);
    assert_ok(load(&ctx, env.part));
    sums = calloc(blocks, sizeof *sums); /* where they are in the file */
    assert_non_null(sums);
    ps_block_sums(env.g.features, env.array[PS_ARRAY_FEATURES].bytes, sums);
    while (memcmp(env.bytes + at, sums, blocks * sizeof *sums) != 0)
        assert_true(++at + blocks * sizeof *sums < env.size);
    flip_byte(at + 6);
    assert_fails(load(&ctx, env.part), PS_EINPUT, "the checksums of /nodes/features are damaged");
    flip_byte(at + 6);
    free(sums);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void every_allocation_may_fail(void **state)
{
    ps_status st = PS_EMEM;
    struct ps_ctx ctx;
    int n = 0;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    for (; st == PS_EMEM; n++) {
        ps_mem_fail_after(&ctx.mem, n);
        st = load(&ctx, env.part);
        assert_int_equal(ps_mem_live(&ctx.mem), 0);
    }
    assert_ok(st);
    assert_true(n > 10);
    ps_mem_fail_after(&ctx.mem, -1);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_intact_arrives_through_every_engine),
        cmocka_unit_test(a_flipped_byte_that_is_wanted_is_named),
        cmocka_unit_test(a_flipped_byte_between_what_is_wanted_is_no_failure),
        cmocka_unit_test(a_bit_flipped_on_the_way_is_named_or_does_not_matter),
        cmocka_unit_test(files_without_good_checksums_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
