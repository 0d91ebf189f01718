/* SPDX-License-Identifier: Apache-2.0 */
/* Neighbour draws, the deal of seeds, local numbers: the parts of sampling that need no graph. */
#include "tests/ps_test.h"

#include "src/graph/draw.h"
#include "src/graph/idmap.h"
#include "src/graph/seeds.h"

#include <math.h>
#include <string.h>

static void drawn_positions_are_distinct_ascending_and_in_range(void **state)
{
    uint64_t position[64];

    (void)state;
    for (uint64_t d = 1; d < 64; d++)
        for (uint64_t k = 1; k <= d; k++) {
            ps_draw_positions(ps_draw_key(1, 2, 3, 0), d * 1000 + k, d, k, position);
            for (uint64_t i = 0; i < k; i++) {
                assert_true(position[i] < d);
                assert_true(i == 0 || position[i - 1] < position[i]);
            }
        }
}

/* Each position is in a draw of k of d with probability k/d; 40,000 nodes. Chi-square over d
 * positions with d-1 degrees of freedom (the counts have a fixed sum; drawing without
 * replacement scales their variance by (d-k)/(d-1), which the statistic divides out). */
static void every_position_is_drawn_equally_often(void **state)
{
    enum { D = 20, NODES = 40000 };
    static const uint64_t ks[] = {1, 3, 10, 19};

    (void)state;
    for (size_t t = 0; t < sizeof ks / sizeof ks[0]; t++) {
        uint64_t k = ks[t], count[D] = {0}, position[D];
        double expected = (double)NODES * (double)k / D, chi = 0;
        double variance = expected * (1 - (double)k / D) * D / (D - 1.0);
        for (uint64_t v = 0; v < NODES; v++) {
            ps_draw_positions(ps_draw_key(7, 0, 0, (uint32_t)k), v, D, k, position);
            for (uint64_t i = 0; i < k; i++)
                count[position[i]]++;
        }
        for (int i = 0; i < D; i++)
            chi += pow((double)count[i] - expected, 2) / variance;
        /* mean 19, deviation 6.2: the bound is at about 0.9999 */
        assert_true(chi < 51.0);
        assert_true(chi > 3.0);
    }
}

/* Pairs, too: each of the 10 pairs of 5 positions is drawn with probability 1/10. */
static void every_pair_is_drawn_equally_often(void **state)
{
    enum { NODES = 50000 };
    uint64_t count[5][5] = {{0}}, position[2];
    double chi = 0;

    (void)state;
    for (uint64_t v = 0; v < NODES; v++) {
        ps_draw_positions(ps_draw_key(3, 1, 4, 1), v, 5, 2, position);
        count[position[0]][position[1]]++;
    }
    for (int a = 0; a < 5; a++)
        for (int b = a + 1; b < 5; b++)
            chi += pow((double)count[a][b] - NODES / 10.0, 2) / (NODES / 10.0);
    assert_true(chi < 33.7); /* 9 degrees of freedom, 0.9999 */
}

static void draws_depend_on_every_coordinate(void **state)
{
    uint64_t base[8], other[8];
    const struct ps_key key[] = {ps_draw_key(2, 1, 1, 1), ps_draw_key(1, 2, 1, 1),
                                 ps_draw_key(1, 1, 2, 1), ps_draw_key(1, 1, 1, 2)};

    (void)state;
    ps_draw_positions(ps_draw_key(1, 1, 1, 1), 5, 1000, 8, base);
    for (int i = 0; i < 4; i++) {
        ps_draw_positions(key[i], 5, 1000, 8, other);
        assert_true(memcmp(base, other, sizeof base) != 0);
    }
    ps_draw_positions(ps_draw_key(1, 1, 1, 1), 6, 1000, 8, other);
    assert_true(memcmp(base, other, sizeof base) != 0);
    ps_draw_positions(ps_draw_key(1, 1, 1, 1), 5, 1000, 8, other);
    assert_memory_equal(base, other, sizeof base);
}

static void seeds_are_dealt_evenly_own_ones_first(void **state)
{
    enum { N = 101 };
    uint32_t owner[N], rank[N];
    uint64_t own[8], quota[8];

    (void)state;
    for (uint32_t ranks = 1; ranks <= 7; ranks++)
        for (uint64_t shape = 0; shape < 4; shape++) {
            uint64_t got[8] = {0}, owned[8] = {0}, kept[8] = {0};
            for (uint64_t i = 0; i < N; i++) { /* from even to all with one owner */
                owner[i] = (uint32_t)((ps_mix64(i + 7 * shape) >> 20) % ranks);
                if (i % 4 < shape || shape == 3)
                    owner[i] = ranks - 1;
                owned[owner[i]]++;
            }
            ps_seeds_deal(owner, N, ranks, rank, own, quota);
            for (uint64_t i = 0; i < N; i++) {
                assert_true(rank[i] < ranks);
                got[rank[i]]++;
                kept[owner[i]] += rank[i] == owner[i];
            }
            for (uint32_t r = 0; r < ranks; r++) {
                assert_int_equal(got[r], N / ranks + (r < N % ranks));
                assert_int_equal(kept[r], owned[r] < got[r] ? owned[r] : got[r]);
            }
        }
}

static void local_numbers_follow_the_first_occurrence(void **state)
{
    struct ps_mem mem;
    struct ps_idmap map;
    uint32_t next = 0;
    enum { N = 5000, IDS = 700 };
    uint32_t number[IDS];

    (void)state;
    ps_mem_init(&mem, 0);
    assert_ok(ps_idmap_init(&map, &mem));
    for (int round = 0; round < 3; round++) {
        memset(number, 0xff, sizeof number);
        next = 0;
        ps_idmap_clear(&map);
        for (uint64_t i = 0; i < N; i++) {
            uint64_t x = ps_mix64(i + (uint64_t)round * N) % IDS;
            assert_ok(ps_idmap_reserve(&map, 1));
            if (number[x] == UINT32_MAX) {
                assert_int_equal(ps_idmap_get(&map, x << 33), UINT32_MAX);
                number[x] = next++;
            }
            assert_int_equal(ps_idmap_put(&map, x << 33), number[x]);
            assert_int_equal(ps_idmap_get(&map, x << 33), number[x]);
        }
        assert_int_equal(map.count, next);
        for (uint32_t x = 0; x < IDS; x++)
            if (number[x] != UINT32_MAX)
                assert_true(map.id[number[x]] == (uint64_t)x << 33);
    }
    ps_idmap_fini(&map);
    assert_int_equal(ps_mem_live(&mem), 0);
}

static void an_id_map_that_cannot_grow_says_so(void **state)
{
    struct ps_mem mem;
    struct ps_idmap map;

    (void)state;
    ps_mem_init(&mem, 0);
    assert_ok(ps_idmap_init(&map, &mem));
    assert_fails(ps_idmap_reserve(&map, UINT64_C(1) << 40), PS_EMEM, "--batch-size");
    ps_mem_fail_after(&mem, 0);
    assert_int_equal(ps_idmap_reserve(&map, 100000), PS_EMEM);
    ps_mem_fail_after(&mem, 1);
    assert_int_equal(ps_idmap_reserve(&map, 200000), PS_EMEM);
    ps_mem_fail_after(&mem, -1);
    assert_ok(ps_idmap_reserve(&map, 200000));
    assert_int_equal(ps_idmap_put(&map, 3), 0);
    ps_idmap_fini(&map);
    assert_int_equal(ps_mem_live(&mem), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drawn_positions_are_distinct_ascending_and_in_range),
        cmocka_unit_test(every_position_is_drawn_equally_often),
        cmocka_unit_test(every_pair_is_drawn_equally_often),
        cmocka_unit_test(draws_depend_on_every_coordinate),
        cmocka_unit_test(seeds_are_dealt_evenly_own_ones_first),
        cmocka_unit_test(local_numbers_follow_the_first_occurrence),
        cmocka_unit_test(an_id_map_that_cannot_grow_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
