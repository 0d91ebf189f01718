/* SPDX-License-Identifier: Apache-2.0 */
/* The I/O plan is the cheapest that there is, and its two costs are those of the disk. */
#include "tests/disk_test.h"

#include "io/plan.h"
#include "io/sim_disk.h"

enum { BLOCKS = 14, ROUNDS = 4000 };

/* Cost of the cheapest reads that cover all wanted blocks: the best way to cover the
 * first i blocks ends in block i being left out, or in a read of any length. */
static double cheapest(const bool *wanted, uint32_t most, const struct ps_io_cost *c)
{
    double best[BLOCKS + 1] = {0};

    for (uint32_t i = 1; i <= BLOCKS; i++) {
        best[i] = wanted[i - 1] ? 1e300 : best[i - 1];
        for (uint32_t n = 1; n <= most && n <= i; n++) {
            double cost = best[i - n] + c->request_ns + (double)(n * BLOCK) * c->byte_ns;
            best[i] = cost < best[i] ? cost : best[i];
        }
    }
    return best[BLOCKS];
}

struct outcome {
    double cost;
    uint32_t reads, cuts; /* cuts: reads of full length whose next one follows without a gap */
};

/* Carry a plan out on paper; it must cover what is wanted, in order, and nothing twice. */
static struct outcome planned(const struct ps_extent *e, uint64_t n, const bool *wanted,
                              uint32_t most, const struct ps_io_cost *c)
{
    bool covered[BLOCKS] = {false};
    struct outcome o = {0, 0, 0};
    struct ps_plan_read r;
    uint64_t before = 0;
    struct ps_plan p;

    ps_plan_begin(&p, e, n, BLOCK, most * (uint32_t)BLOCK, c);
    while (ps_plan_next(&p, &r)) {
        assert_true(r.offset % BLOCK == 0 && r.len % BLOCK == 0);
        assert_true(r.len > 0 && r.len <= most * BLOCK && r.offset + r.len <= BLOCKS * BLOCK);
        assert_true(o.reads == 0 || r.offset >= before);
        o.cuts += o.reads > 0 && r.offset - before <= ps_io_cost_gap(c);
        before = r.offset + r.len;
        for (uint64_t b = r.offset / BLOCK; b < before / BLOCK; b++)
            covered[b] = true;
        for (uint64_t i = 0; i < n; i++) /* whoever it touches is among those that it serves */
            if (e[i].bytes > 0 && e[i].offset < before && ps_extent_end(&e[i]) > r.offset)
                assert_true(r.first <= i && i < r.end);
        o.cost += c->request_ns + (double)r.len * c->byte_ns;
        o.reads++;
    }
    for (int b = 0; b < BLOCKS; b++)
        assert_true(covered[b] || !wanted[b]);
    return o;
}

/* Extents inside of blocks and over them, ascending. */
static uint64_t random_extents(uint64_t round, struct ps_extent *e, bool *wanted)
{
    struct ps_key key = ps_key_make(3, PS_FOR_TEST, round, 0, 0);
    uint64_t n = 0;

    memset(wanted, 0, BLOCKS * sizeof *wanted);
    for (uint64_t b = 0; b < BLOCKS; b++) {
        struct ps_draw d = ps_draw_at(key, b, 0);
        uint64_t most = d.w[2] % 4 == 0 ? 3 * BLOCK : 300, at = b * BLOCK + d.w[1] % BLOCK;

        if (d.w[0] % 8 >= 1 + round % 7)
            continue;
        e[n] = (struct ps_extent){.offset = at, .bytes = d.w[3] % most};
        e[n].bytes = ps_min(e[n].bytes, BLOCKS * BLOCK - at);
        for (uint64_t x = at / BLOCK; e[n].bytes > 0 && x <= (at + e[n].bytes - 1) / BLOCK; x++)
            wanted[x] = true;
        n++;
    }
    return n;
}

static void without_a_limit_no_plan_is_cheaper(void **state)
{
    struct ps_extent e[BLOCKS];
    bool wanted[BLOCKS];

    (void)state;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        uint64_t n = random_extents(round, e, wanted);
        for (uint64_t gap = 0; gap <= 5; gap++) {
            struct ps_io_cost c = {.request_ns = (double)gap * BLOCK * 0.5, .byte_ns = 0.5};
            double best = cheapest(wanted, BLOCKS, &c);
            assert_true(planned(e, n, wanted, BLOCKS, &c).cost <= best * (1 + 1e-9));
        }
    }
}

/* Reads that are cut at the limit cost at most another request each. */
static void with_a_limit_each_cut_costs_a_request_at_most(void **state)
{
    struct ps_extent e[BLOCKS];
    bool wanted[BLOCKS];
    double all = 0, least = 0;

    (void)state;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        uint64_t n = random_extents(round, e, wanted);
        for (uint32_t most = 1; most < BLOCKS; most += 2) {
            struct ps_io_cost c = {.request_ns = 2.5 * BLOCK, .byte_ns = 1};
            double best = cheapest(wanted, most, &c);
            struct outcome o = planned(e, n, wanted, most, &c);
            assert_true(o.cost >= best * (1 - 1e-9));
            assert_true(o.cost <= best * (1 + 1e-9) + o.cuts * c.request_ns);
            all += o.cost;
            least += best;
        }
    }
    print_message("# cost of plans with a limit: %.4f of the cheapest\n", all / least);
    assert_true(all < 1.05 * least);
}

static uint32_t reads_of(const struct ps_extent *e, uint64_t n, double request_ns, double byte_ns)
{
    struct ps_io_cost c = {.request_ns = request_ns, .byte_ns = byte_ns};
    struct ps_plan_read r;
    struct ps_plan p;
    uint32_t reads = 0;

    ps_plan_begin(&p, e, n, BLOCK, 256 * KIB, &c);
    while (ps_plan_next(&p, &r))
        reads++;
    return reads;
}

static void a_gap_is_read_up_to_the_cost_of_a_request_and_dense_sets_are_swept(void **state)
{
    struct ps_extent e[1024];

    (void)state;
    for (uint64_t i = 0; i < 2; i++)
        e[i] = (struct ps_extent){.offset = i * 4 * BLOCK, .bytes = 512};
    assert_int_equal(reads_of(e, 2, 3 * BLOCK, 1), 1); /* exactly worth it */
    assert_int_equal(reads_of(e, 2, 3 * BLOCK - 1, 1), 2);
    assert_int_equal(reads_of(e, 2, 6 * BLOCK, 2), 1);
    assert_int_equal(reads_of(e, 2, 0, 1), 2); /* requests are free */
    e[1].offset = BLOCK;
    assert_int_equal(reads_of(e, 2, 0, 1), 1); /* but neighbours are neighbours */
    e[1].offset = 60 * BLOCK;
    assert_int_equal(reads_of(e, 2, 1e18, 1e-9), 1); /* bytes are free */
    for (uint64_t i = 0; i < 1024; i++)              /* a row of 512 bytes in every second block */
        e[i] = (struct ps_extent){.offset = 2 * i * BLOCK, .bytes = 512};
    assert_int_equal(reads_of(e, 1024, BLOCK, 1), 2048 / 64);
}

static void options_come_in_pairs(void **state)
{
    struct ps_opts_io o = io_opts(8, BLOCK);
    struct ps_io_cost c = ps_io_cost_default();
    bool given;

    (void)state;
    assert_int_equal(ps_io_cost_gap(&c) / BLOCK, 2);
    assert_ok(ps_io_cost_given(&c, &o, &given));
    assert_false(given);
    o.request_time = 20e-6;
    assert_fails(ps_io_cost_given(&c, &o, &given), PS_EUSAGE,
                 "--io-request-time is given: expected --io-bandwidth beside it");
    o.bandwidth = 2000000000;
    assert_ok(ps_io_cost_given(&c, &o, &given));
    assert_true(given);
    assert_in_range(ps_io_cost_gap(&c), 39999, 40001);
    o.request_time = 0;
    assert_fails(ps_io_cost_given(&c, &o, &given), PS_EUSAGE, "--io-bandwidth is given");
}

/* A disk whose two numbers are known. What is late is late: a busy machine measures too much. */
static void the_costs_of_a_disk_are_measured_in_a_moment(void **state)
{
    struct ps_sim_disk disk = {.seed = 1, .bytes_per_second = 200e6, .latency = 2e-3, .depth = 4};
    struct ps_opts_io o = io_opts(16, 256 * KIB);
    struct ps_io_cost c = ps_io_cost_default();
    struct ps_io_req req[16], *idle[16], *done[16];
    unsigned char *dst = aligned(16 * 256 * KIB);
    struct ps_ctx ctx;
    struct test_file t;
    struct ps_io *io;
    uint32_t file;
    uint64_t begin;

    (void)state;
    make_file(&t, BLOCK, 1);
    assert_int_equal(truncate(t.path, PS_IO_COST_FILE_MIN), 0);
    ps_ctx_init(&ctx, NULL);
    assert_ok(ps_io_new_with(&io, &ctx, &ps_io_sim, &o, &disk));
    assert_ok(ps_io_add_file(io, t.path, &file));
    assert_int_equal(ps_io_file_bytes(io, file), PS_IO_COST_FILE_MIN);
    for (uint64_t i = 0; i < 16; i++) {
        req[i].dst = dst + i * 256 * KIB;
        idle[i] = &req[i];
    }
    begin = ps_now_ns();
    assert_ok(ps_io_cost_measure(&c, io, file, PS_IO_COST_FILE_MIN, 256 * KIB, idle, 16, done));
    assert_int_equal(ps_io_in_flight(io), 0);
    print_message("# measured %.0f us and %.2f ns in %.0f ms; 500 us and 5 ns expected\n",
                  c.request_ns / 1000, c.byte_ns, (double)(ps_now_ns() - begin) / 1e6);
    assert_true(c.request_ns > 200e3 && c.request_ns < 5e6);
    assert_true(c.byte_ns > 2 && c.byte_ns < 50);
    assert_true(ps_now_ns() - begin < 2000000000);
    /* a disk that fails: nothing is learned, nothing is told */
    ps_io_free(&io);
    c = ps_io_cost_default();
    assert_ok(ps_fault_plan_parse(&disk.plan, "--x", "eio@3-", ps_disk_fault_kinds));
    assert_ok(ps_io_new_with(&io, &ctx, &ps_io_sim, &o, &disk));
    assert_ok(ps_io_add_file(io, t.path, &file));
    assert_ok(ps_io_cost_measure(&c, io, file, PS_IO_COST_FILE_MIN, 256 * KIB, idle, 16, done));
    assert_true(c.request_ns == ps_io_cost_default().request_ns);
    ps_io_free(&io);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
    drop_file(&t);
    free(dst);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_limit_no_plan_is_cheaper),
        cmocka_unit_test(with_a_limit_each_cut_costs_a_request_at_most),
        cmocka_unit_test(a_gap_is_read_up_to_the_cost_of_a_request_and_dense_sets_are_swept),
        cmocka_unit_test(options_come_in_pairs),
        cmocka_unit_test(the_costs_of_a_disk_are_measured_in_a_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
