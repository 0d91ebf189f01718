/* SPDX-License-Identifier: Apache-2.0 */
/* The recursive-matrix model: where edges fall, before ids are permuted, against the products of
 * probabilities that rmat.h says. */
#include "tests/ps_test.h"

#include "src/graph/rmat.h"

#include <math.h>
#include <string.h>

static struct ps_opts_generate options(uint64_t nodes)
{
    return (struct ps_opts_generate){.nodes = nodes,
                                     .features = 8,
                                     .classes = 5,
                                     .rmat_a = 0.57,
                                     .rmat_b = 0.19,
                                     .rmat_c = 0.19};
}

/* Chi-square over cells that are expected often enough; *free: degrees of freedom. */
static double chi_square(const double *seen, const double *expected, int cells, int *free)
{
    double sum = 0;

    *free = -1;
    for (int i = 0; i < cells; i++) {
        if (expected[i] == 0)
            assert_true(seen[i] == 0);
        if (expected[i] < 5)
            continue;
        sum += pow(seen[i] - expected[i], 2) / expected[i];
        ++*free;
    }
    return sum;
}

/* Mean and five deviations of the distribution. */
static double most(int free)
{
    return free + 5 * sqrt(2.0 * free);
}

/* Quadrants at two levels together: 16 cells, each a product. */
static void quadrants_are_drawn_alike_and_independently_at_every_level(void **state)
{
    static const double p[] = {0.57, 0.19, 0.19, 0.05};
    static const unsigned pair[][2] = {{0, 1}, {3, 4}, {0, 11}, {10, 11}, {4, 8}};
    enum { E = 200000, LEVELS = 12 };
    struct ps_opts_generate g = options(1 << LEVELS);
    struct ps_rmat m;

    (void)state;
    assert_ok(ps_rmat_init(&m, &g, 1));
    assert_int_equal(m.levels, LEVELS);
    assert_true(fabs(ps_rmat_kept(&m) - 1) < 1e-12);
    for (int k = 0; k < 5; k++) {
        double seen[16] = {0}, expected[16];
        int free;
        for (uint64_t i = 0; i < E; i++) {
            uint64_t u, v, cell = 0;
            ps_rmat_edge(&m, i, &u, &v);
            for (int j = 0; j < 2; j++) {
                unsigned shift = LEVELS - 1 - pair[k][j];
                cell = cell * 4 + (u >> shift & 1) * 2 + (v >> shift & 1);
            }
            seen[cell]++;
        }
        for (int c = 0; c < 16; c++)
            expected[c] = E * p[c / 4] * p[c % 4];
        assert_true(chi_square(seen, expected, 16, &free) < most(15));
        assert_int_equal(free, 15);
    }
}

/* The probability of one cell of the matrix, level by level. */
static double cell_of(const struct ps_rmat *m, const double p[4], uint64_t u, uint64_t v)
{
    double x = 1;

    for (unsigned k = 0; k < m->levels; k++)
        x *= p[(u >> k & 1) * 2 + (v >> k & 1)];
    return x;
}

static void other_numbers_of_nodes_give_the_restricted_graph(void **state)
{
    static const uint64_t nodes[] = {2, 3, 5, 8, 11, 13, 17, 31};
    static const double p[][4] = {{0.57, 0.19, 0.19, 0.05},
                                  {0.25, 0.25, 0.25, 0.25},
                                  {0.5, 0.1, 0.4, 0},
                                  {0.2, 0.5, 0.2, 0.1}};
    enum { E = 50000 };

    (void)state;
    for (int k = 0; k < 8; k++)
        for (int q = 0; q < 4; q++) {
            double seen[31 * 31] = {0}, expected[31 * 31] = {0}, kept = 0;
            struct ps_opts_generate g = options(nodes[k]);
            int n = (int)nodes[k], free;
            struct ps_rmat m;
            g.rmat_a = p[q][0], g.rmat_b = p[q][1], g.rmat_c = p[q][2];
            assert_ok(ps_rmat_init(&m, &g, 2));
            for (int c = 0; c < n * n; c++)
                kept += cell_of(&m, p[q], (uint64_t)(c / n), (uint64_t)(c % n));
            assert_true(fabs(ps_rmat_kept(&m) - kept) < 1e-8);
            for (int c = 0; c < n * n; c++)
                expected[c] = E / kept * cell_of(&m, p[q], (uint64_t)(c / n), (uint64_t)(c % n));
            for (uint64_t i = 0; i < E; i++) {
                uint64_t u, v;
                ps_rmat_edge(&m, i, &u, &v);
                assert_true(u < nodes[k] && v < nodes[k]);
                seen[u * nodes[k] + v]++;
            }
            if (chi_square(seen, expected, n * n, &free) > most(free))
                fail_msg("%d nodes, parameters %d: not the restricted distribution", n, q);
            assert_true(free >= 1);
        }
}

/* The heavy ones are spread over the ids: the first half has half of the edges, not 76 % of it. */
static void ids_say_nothing_about_the_degree(void **state)
{
    enum { N = 5000, E = 100000 };
    struct ps_opts_generate g = options(N);
    uint64_t before = 0, after = 0;
    static uint8_t seen[N];
    struct ps_rmat m;

    (void)state;
    assert_ok(ps_rmat_init(&m, &g, 3));
    for (uint64_t u = 0; u < N; u++) {
        assert_true(ps_rmat_id(&m, u) < N && !seen[ps_rmat_id(&m, u)]);
        seen[ps_rmat_id(&m, u)] = 1;
    }
    for (uint64_t i = 0; i < E; i++) {
        uint64_t u, v;
        ps_rmat_edge(&m, i, &u, &v);
        before += v < N / 2;
        after += ps_rmat_id(&m, v) < N / 2;
    }
    assert_true(before > E * 7 / 10);
    assert_true(after > E * 4 / 10 && after < E * 6 / 10); /* hubs make the spread wide */
}

static void labels_are_uniform(void **state)
{
    enum { N = 20000, K = 5 };
    struct ps_opts_generate g = options(N);
    double seen[K] = {0}, expected[K];
    struct ps_rmat m;
    int free;

    (void)state;
    assert_ok(ps_rmat_init(&m, &g, 3));
    for (uint64_t v = 0; v < N; v++)
        seen[ps_rmat_class(&m, v)]++;
    for (int k = 0; k < K; k++)
        expected[k] = (double)N / K;
    assert_true(chi_square(seen, expected, K, &free) < most(free));
}

static void another_seed_is_another_graph(void **state)
{
    struct ps_opts_generate g = options(100000);
    int edges = 0, ids = 0, labels = 0;
    struct ps_rmat a, b;

    (void)state;
    assert_ok(ps_rmat_init(&a, &g, 3));
    assert_ok(ps_rmat_init(&b, &g, 4));
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t u, v, x, y;
        ps_rmat_edge(&a, i, &u, &v);
        ps_rmat_edge(&b, i, &x, &y);
        edges += u == x && v == y;
        ids += ps_rmat_id(&a, i) == ps_rmat_id(&b, i);
        labels += ps_rmat_class(&a, i) == ps_rmat_class(&b, i);
    }
    assert_true(edges < 50 && ids < 10 && labels < 300);
}

static void options_that_no_graph_can_have_are_refused(void **state)
{
    struct ps_opts_generate g = options(1);
    struct ps_rmat m;

    (void)state;
    assert_fails(ps_rmat_init(&m, &g, 1), PS_EUSAGE, "needs 2 nodes");
    g = options(100);
    g.rmat_a = 0.7;
    assert_fails(ps_rmat_init(&m, &g, 1), PS_EUSAGE, "add up to more than 1");
    g = options(100); /* everything between the last node of 128 and itself */
    g.rmat_a = g.rmat_b = g.rmat_c = 0;
    assert_fails(ps_rmat_init(&m, &g, 1), PS_EUSAGE, "a share of 0 of the edges");
    g.nodes = 128;
    assert_ok(ps_rmat_init(&m, &g, 1));
    g = options(UINT64_C(1) << 40);
    assert_ok(ps_rmat_init(&m, &g, 1));
    assert_int_equal(m.levels, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quadrants_are_drawn_alike_and_independently_at_every_level),
        cmocka_unit_test(other_numbers_of_nodes_give_the_restricted_graph),
        cmocka_unit_test(ids_say_nothing_about_the_degree),
        cmocka_unit_test(labels_are_uniform),
        cmocka_unit_test(another_seed_is_another_graph),
        cmocka_unit_test(options_that_no_graph_can_have_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
