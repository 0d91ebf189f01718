/* SPDX-License-Identifier: Apache-2.0 */
/* A record of rows comes back as it was; what a cache misses on it is what a plain twin counts,
 * and Belady's policy misses as few as any policy can. */
#include "tests/ps_dataset.h"

#include "src/train/cache_sim.h"

enum { NODES = 6, STATES = 1 << NODES, MANY = 1 << 20 };

struct env {
    struct ps_ctx ctx;
    char dir[PS_TEST_DIR_BYTES], path[PS_TEST_PATH_BYTES];
};

static int set_up(void **state)
{
    struct env *e = ps_test_bytes(sizeof *e);

    ps_ctx_init(&e->ctx, NULL);
    ps_test_dir_make(e->dir);
    (void)ps_test_path(e->path, e->dir, "rows");
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

/* A random record of few nodes: batches of 0 to 4 rows, some of them named twice and in disorder.
 */
static void make_record(struct env *e, uint64_t seed, uint64_t batches, struct ps_row_list *l)
{
    struct ps_row_trace *t;

    assert_ok(ps_row_trace_new(&t, &e->ctx, e->path, NODES, 10));
    for (uint64_t b = 0; b < batches; b++) {
        uint64_t x = ps_mix64(seed << 20 ^ b), node[4];

        for (int i = 0; i < 4; i++)
            node[i] = (x >> (8 * i)) % (i % 2 == 0 ? NODES : NODES / 2);
        assert_ok(ps_row_trace_add(t, node, x >> 40 & 1));
        assert_ok(ps_row_trace_batch(t, 9 - 3 * (b / 4), node + 1, (x >> 42) % 4));
    }
    assert_ok(ps_row_trace_end(&t));
    assert_ok(ps_row_list_load(l, &e->ctx, e->path));
    assert_int_equal(l->batches, batches);
}

static uint64_t simulated(struct env *e, const struct ps_row_list *l, enum ps_cache_policy policy,
                          uint64_t slots)
{
    struct ps_row_facts facts;
    uint64_t *missed, sum = 0;

    assert_ok(ps_row_list_facts(l, &e->ctx, &facts));
    missed = ps_test_bytes(facts.epochs * sizeof *missed);
    assert_ok(ps_cache_simulate(l, &e->ctx, policy, slots, missed));
    for (uint64_t i = 0; i < facts.epochs; i++)
        sum += missed[i];
    free(missed);
    return sum;
}

static unsigned count_bits(unsigned set)
{
    return (unsigned)__builtin_popcount(set);
}

/* The fewest misses of any policy: over all sets of rows that can be in the cache. */
static uint64_t fewest(const struct ps_row_list *l, unsigned slots)
{
    uint64_t cost[STATES], next[STATES], best = MANY;

    for (unsigned s = 0; s < STATES; s++)
        cost[s] = s == 0 ? 0 : MANY;
    for (uint64_t i = 0; i < l->begin[l->batches]; i++) {
        unsigned row = 1u << l->node[i];

        for (unsigned s = 0; s < STATES; s++)
            next[s] = MANY;
        for (unsigned s = 0; s < STATES; s++) {
            if ((s & row) != 0) {
                next[s] = ps_min(next[s], cost[s]);
                continue;
            }
            for (unsigned t = s; cost[s] < MANY; t = (t - 1) & s) { /* what is left of s */
                if (count_bits(t) < slots)
                    next[t | row] = ps_min(next[t | row], cost[s] + 1);
                if (t == 0)
                    break;
            }
        }
        memcpy(cost, next, sizeof cost);
    }
    for (unsigned s = 0; s < STATES; s++)
        best = ps_min(best, cost[s]);
    return best;
}

/* The same where all rows of a batch must be there at once. */
static uint64_t fewest_held(const struct ps_row_list *l, unsigned slots)
{
    uint64_t cost[STATES], next[STATES], best = MANY;

    for (unsigned s = 0; s < STATES; s++)
        cost[s] = s == 0 ? 0 : MANY;
    for (uint64_t b = 0; b < l->batches; b++) {
        unsigned rows = 0;

        for (uint64_t i = l->begin[b]; i < l->begin[b + 1]; i++)
            rows |= 1u << l->node[i];
        for (unsigned s = 0; s < STATES; s++)
            next[s] = MANY;
        for (unsigned s = 0; s < STATES; s++)
            for (unsigned t = 0; t < STATES && cost[s] < MANY; t++)
                if ((t & ~(s | rows)) == 0 && (rows & ~t) == 0 && count_bits(t) <= slots)
                    next[t] = ps_min(next[t], cost[s] + count_bits(rows & ~s));
        memcpy(cost, next, sizeof cost);
    }
    for (unsigned s = 0; s < STATES; s++)
        best = ps_min(best, cost[s]);
    return best;
}

static uint64_t plain_lru(const struct ps_row_list *l, unsigned slots)
{
    uint64_t last[NODES] = {0}, missed = 0; /* use that was the last, from 1; 0: not there */

    for (uint64_t i = 0; i < l->begin[l->batches]; i++) {
        unsigned there = 0, oldest = NODES;

        for (unsigned v = 0; v < NODES; v++) {
            there += last[v] != 0;
            if (last[v] != 0 && (oldest == NODES || last[v] < last[oldest]))
                oldest = v;
        }
        if (last[l->node[i]] == 0) {
            missed++;
            if (there == slots)
                last[oldest] = 0;
        }
        last[l->node[i]] = i + 1;
    }
    return missed;
}

static uint64_t plain_static(const struct ps_row_list *l, unsigned slots)
{
    uint64_t uses[NODES] = {0}, missed = 0;

    for (uint64_t i = 0; i < l->begin[l->batches]; i++)
        uses[l->node[i]]++;
    for (unsigned v = 0; v < NODES; v++) {
        unsigned before = 0; /* rows that come first for a slot */

        for (unsigned w = 0; w < NODES; w++)
            before += uses[w] > uses[v] || (uses[w] == uses[v] && w < v);
        missed += before < slots ? uses[v] > 0 : uses[v];
    }
    return missed;
}

static void policies_miss_what_plain_twins_count(void **state)
{
    struct env *e = *state;
    uint64_t better = 0;

    for (uint64_t seed = 0; seed < 60; seed++) {
        struct ps_row_facts facts;
        struct ps_row_list l;

        make_record(e, seed, 10, &l);
        assert_ok(ps_row_list_facts(&l, &e->ctx, &facts));
        for (unsigned slots = 1; slots <= NODES + 1; slots++) {
            uint64_t best = simulated(e, &l, PS_CACHE_BELADY, slots);

            assert_int_equal(best, fewest(&l, slots));
            assert_int_equal(simulated(e, &l, PS_CACHE_LRU, slots), plain_lru(&l, slots));
            assert_int_equal(simulated(e, &l, PS_CACHE_STATIC, slots), plain_static(&l, slots));
            if (slots >= facts.largest)
                assert_int_equal(simulated(e, &l, PS_CACHE_HELD, slots), fewest_held(&l, slots));
            better += best < plain_lru(&l, slots);
        }
        assert_int_equal(simulated(e, &l, PS_CACHE_BELADY, NODES), facts.rows);
        ps_row_list_free(&l, &e->ctx);
    }
    assert_true(better > 100); /* the records are not so easy that every policy is the best */
}

static void rows_come_back_ascending_and_once(void **state)
{
    static const uint64_t a[] = {5, 2, 2, 0}, b[] = {1};
    struct env *e = *state;
    struct ps_row_facts facts;
    struct ps_row_trace *t;
    struct ps_row_list l;
    uint64_t missed[2];

    assert_ok(ps_row_trace_new(&t, &e->ctx, e->path, NODES, 512));
    assert_ok(ps_row_trace_add(t, a, 4));
    assert_ok(ps_row_trace_batch(t, 4, a, 2));
    assert_ok(ps_row_trace_batch(t, 0, NULL, 0));
    assert_ok(ps_row_trace_batch(t, 0, b, 1));
    assert_ok(ps_row_trace_end(&t));
    assert_ok(ps_row_list_load(&l, &e->ctx, e->path));
    assert_int_equal(l.row_bytes, 512);
    assert_int_equal(l.batches, 3);
    assert_int_equal(l.begin[1], 3);
    assert_int_equal(l.begin[2], 3);
    assert_int_equal(l.node[0], 0);
    assert_int_equal(l.node[2], 5);
    assert_int_equal(l.node[3], 1);
    assert_int_equal(l.epoch[2], 1);
    assert_ok(ps_row_list_facts(&l, &e->ctx, &facts));
    assert_int_equal(facts.epochs, 2);
    assert_int_equal(facts.largest, 3);
    assert_int_equal(facts.rows, 4);
    assert_fails(ps_cache_simulate(&l, &e->ctx, PS_CACHE_HELD, 2, missed), PS_EUSAGE, "--slots");
    assert_ok(ps_cache_simulate(&l, &e->ctx, PS_CACHE_LRU, 2, missed));
    assert_int_equal(missed[0], 3);
    assert_int_equal(missed[1], 1);
    ps_row_list_free(&l, &e->ctx);
}

static void a_record_without_batches_misses_nothing(void **state)
{
    struct env *e = *state;
    struct ps_row_list l;

    make_record(e, 1, 0, &l);
    for (int p = 0; p < PS_CACHE_POLICIES; p++)
        assert_int_equal(simulated(e, &l, (enum ps_cache_policy)p, 3), 0);
    ps_row_list_free(&l, &e->ctx);
}

static void a_record_that_is_cut_anywhere_is_refused(void **state)
{
    struct env *e = *state;
    struct ps_row_list l;
    unsigned char bytes[4096];
    size_t size;
    FILE *f;

    make_record(e, 3, 5, &l);
    ps_row_list_free(&l, &e->ctx);
    f = fopen(e->path, "re");
    assert_non_null(f);
    size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_in_range(size, 100, sizeof bytes - 1);
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_equal(truncate(e->path, (off_t)(size - 1 - cut)), 0);
        assert_fails(ps_row_list_load(&l, &e->ctx, e->path), PS_EINPUT, e->path);
        assert_int_equal(ps_mem_live(&e->ctx.mem), 0);
    }
    /* a count beyond the file, a node beyond the graph, and bytes behind the end */
    for (int i = 0; i < 3; i++) {
        unsigned char bad[sizeof bytes + 1];

        memset(bad, 0, sizeof bad);
        memcpy(bad, bytes, size);
        if (i == 0)
            memset(bad + 32, 0xFF, 8);
        else if (i == 1)
            bad[8] = 1;
        f = fopen(e->path, "we");
        assert_non_null(f);
        assert_int_equal(fwrite(bad, 1, size + (i == 2), f), size + (i == 2));
        assert_int_equal(fclose(f), 0);
        assert_fails(ps_row_list_load(&l, &e->ctx, e->path), PS_EINPUT, e->path);
    }
    assert_fails(ps_row_list_load(&l, &e->ctx, "/none/rows"), PS_EINPUT, "/none/rows");
}

static void a_record_that_cannot_be_written_is_told(void **state)
{
    struct env *e = *state;
    struct ps_row_trace *t;
    const uint64_t node = 0;

    assert_fails(ps_row_trace_new(&t, &e->ctx, "/none/rows", NODES, 1), PS_EIO, "/none/rows");
    if (access("/dev/full", W_OK) != 0)
        skip();
    assert_ok(ps_row_trace_new(&t, &e->ctx, "/dev/full", NODES, 1));
    assert_ok(ps_row_trace_batch(t, 0, &node, 1));
    assert_fails(ps_row_trace_end(&t), PS_EIO, "/dev/full");
    assert_null(t);
}

static void an_allocation_that_fails_leaks_nothing(void **state)
{
    struct env *e = *state;
    struct ps_row_list l;
    uint64_t missed[8];

    make_record(e, 5, 8, &l);
    for (int p = 0; p < PS_CACHE_POLICIES; p++) {
        ps_status st = PS_EMEM;

        for (long long i = 0; st != PS_OK; i++) {
            long long live = ps_mem_live(&e->ctx.mem);

            ps_mem_fail_after(&e->ctx.mem, i);
            st = ps_cache_simulate(&l, &e->ctx, (enum ps_cache_policy)p, 4, missed);
            assert_true(st == PS_OK || st == PS_EMEM);
            ps_mem_fail_after(&e->ctx.mem, -1);
            assert_int_equal(ps_mem_live(&e->ctx.mem), live);
        }
    }
    ps_row_list_free(&l, &e->ctx);
    for (long long i = 0, st = PS_EMEM; st != PS_OK; i++) {
        ps_mem_fail_after(&e->ctx.mem, i);
        st = ps_row_list_load(&l, &e->ctx, e->path);
        ps_mem_fail_after(&e->ctx.mem, -1);
    }
    ps_row_list_free(&l, &e->ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(policies_miss_what_plain_twins_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_come_back_ascending_and_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_without_batches_misses_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_that_is_cut_anywhere_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_record_that_cannot_be_written_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_allocation_that_fails_leaks_nothing, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
