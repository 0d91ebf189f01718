/* SPDX-License-Identifier: Apache-2.0 */
/* What every backend promises of sums: the bits of the plain twin, whichever way the numbers take.
 */
#ifndef TESTS_COMM_SUM_PROMISES_H
#define TESTS_COMM_SUM_PROMISES_H

#include "tests/ps_test.h"

#include "tests/comm_test.h"

/* Element i of rank r: magnitudes far apart, so that another order gives other bits. */
static double element(uint64_t r, uint64_t i)
{
    uint64_t x = random_word(3, r, 0, i);

    return (ps_unit(x) - 0.5) * (double)(UINT64_C(1) << (x % 30));
}

struct sums {
    uint64_t n_real, n_wide, n_whole;
    float *real;
    double *wide;
    uint64_t *whole;
};

/* The plain twin: rank after rank. */
static void twin(struct sums *s, bool backwards)
{
    for (uint32_t k = 0; k < ranks; k++) {
        uint32_t r = backwards ? ranks - 1 - k : k;
        for (uint64_t i = 0; i < s->n_real; i++)
            s->real[i] = k == 0 ? (float)element(r, i) : s->real[i] + (float)element(r, i);
        for (uint64_t i = 0; i < s->n_wide; i++)
            s->wide[i] = k == 0 ? element(r, i) : s->wide[i] + element(r, i);
        for (uint64_t i = 0; i < s->n_whole; i++)
            s->whole[i] = (k == 0 ? 0 : s->whole[i]) + random_word(4, r, 0, i);
    }
}

static struct sums new_sums(uint64_t n_real, uint64_t n_wide, uint64_t n_whole)
{
    return (struct sums){n_real,
                         n_wide,
                         n_whole,
                         calloc(n_real + 1, sizeof(float)),
                         calloc(n_wide + 1, sizeof(double)),
                         calloc(n_whole + 1, sizeof(uint64_t))};
}

static void free_sums(struct sums *s)
{
    free(s->real);
    free(s->wide);
    free(s->whole);
}

static void own_numbers(struct sums *s)
{
    for (uint64_t i = 0; i < s->n_real; i++)
        s->real[i] = (float)element(rank, i);
    for (uint64_t i = 0; i < s->n_wide; i++)
        s->wide[i] = element(rank, i);
    for (uint64_t i = 0; i < s->n_whole; i++)
        s->whole[i] = random_word(4, rank, 0, i);
}

static void sums_have_the_bits_of_the_rank_order_twin_on_every_rank(void **state)
{
    static const uint64_t size[][3] = {{0, 0, 0},    {1, 0, 0},   {0, 1, 1},       {3, 2, 1},
                                       {400, 20, 5}, {900, 0, 0}, {5000, 300, 40}, {100003, 3, 7},
                                       {2, 0, 400},  {0, 0, 3000}};

    (void)state;
    for (int w = 0; w < WAYS; w++)
        for (size_t k = 0; k < sizeof size / sizeof size[0]; k++) {
            struct sums got, want;
            if (size[k][0] > (ease > 4 ? 5000 : 50000) && (w == 1 || ease > 4)) /* small pieces */
                continue;
            got = new_sums(size[k][0], size[k][1], size[k][2]);
            want = new_sums(size[k][0], size[k][1], size[k][2]);
            take_way(w);
            own_numbers(&got);
            twin(&want, false);
            assert_ok(ps_comm_sum(comm, PS_OK, got.real, got.n_real, got.wide, got.n_wide,
                                  got.whole, got.n_whole));
            assert_memory_equal(got.real, want.real, got.n_real * sizeof(float));
            assert_memory_equal(got.wide, want.wide, got.n_wide * sizeof(double));
            assert_memory_equal(got.whole, want.whole, got.n_whole * sizeof(uint64_t));
            free_sums(&got);
            free_sums(&want);
        }
    take_way(0);
}

static void the_order_of_additions_matters_for_these_numbers(void **state)
{
    struct sums a = new_sums(1000, 1000, 0), b = new_sums(1000, 1000, 0);

    (void)state;
    twin(&a, false);
    twin(&b, true);
    if (ranks >= 3) {
        assert_memory_not_equal(a.real, b.real, 1000 * sizeof(float));
        assert_memory_not_equal(a.wide, b.wide, 1000 * sizeof(double));
    }
    free_sums(&a);
    free_sums(&b);
}

static void a_sum_that_failed_leaves_its_numbers_as_they_were(void **state)
{
    struct sums s = new_sums(3000, 2, 2), was = new_sums(3000, 2, 2);

    (void)state;
    own_numbers(&s);
    own_numbers(&was);
    assert_int_equal(
        ps_comm_sum(comm, rank == 0 ? PS_EIO : PS_OK, s.real, 3000, s.wide, 2, s.whole, 2),
        rank == 0 ? PS_EIO : PS_ECANCEL);
    assert_memory_equal(s.real, was.real, 3000 * sizeof(float));
    assert_memory_equal(s.wide, was.wide, 2 * sizeof(double));
    assert_memory_equal(s.whole, was.whole, 2 * sizeof(uint64_t));
    free_sums(&s);
    free_sums(&was);
}

static void sums_of_different_lengths_are_refused_by_all(void **state)
{
    struct sums s = new_sums(10, 0, 0);

    (void)state;
    if (ranks > 1) {
        assert_int_equal(ps_comm_sum(comm, PS_OK, s.real, rank == 0 ? 9 : 10, NULL, 0, NULL, 0),
                         PS_EPEER);
        assert_non_null(strstr(ps_err_sentence(), "a sum"));
    }
    assert_ok(ps_comm_sum(comm, PS_OK, s.real, 10, NULL, 0, NULL, 0));
    free_sums(&s);
}

static void a_rank_without_memory_for_a_sum_tells(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ps_min(ranks, 4) && ranks > 1;
         i++) { /* each needs more than the last */
        uint32_t bad = i < 3 ? i : ranks - 1;
        struct sums s = new_sums(UINT64_C(100000) << i, 0, 0);
        if (rank == bad)
            ps_mem_fail_after(&ctx.mem, 0);
        assert_int_equal(ps_comm_sum(comm, PS_OK, s.real, s.n_real, NULL, 0, NULL, 0),
                         rank == bad ? PS_EMEM : PS_ECANCEL);
        ps_mem_fail_after(&ctx.mem, -1);
        assert_ok(ps_comm_sum(comm, PS_OK, s.real, s.n_real, NULL, 0, NULL, 0));
        free_sums(&s);
    }
}

static const struct promise sum_promises[] = {
    PROMISE(a_rank_without_memory_for_a_sum_tells),
    PROMISE(the_order_of_additions_matters_for_these_numbers),
    PROMISE(sums_have_the_bits_of_the_rank_order_twin_on_every_rank),
    PROMISE(a_sum_that_failed_leaves_its_numbers_as_they_were),
    PROMISE(sums_of_different_lengths_are_refused_by_all),
};
enum { SUM_PROMISES = sizeof sum_promises / sizeof sum_promises[0] };

#endif
