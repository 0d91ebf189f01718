/* SPDX-License-Identifier: Apache-2.0 */
/* The model of the generated graph: degrees, sources, features and splits against what sbm.h
 * says of them. */
#include "tests/ps_test.h"

#include "io/dataset.h"
#include "src/graph/sbm.h"

#include <math.h>
#include <string.h>

static struct ps_opts_generate options(uint64_t nodes, double mean, double exponent)
{
    return (struct ps_opts_generate){.nodes = nodes,
                                     .mean_degree = mean,
                                     .exponent = exponent,
                                     .features = 8,
                                     .classes = 2,
                                     .homophily = 0.7,
                                     .near = 0.1,
                                     .near_window = 1023,
                                     .separation = 1};
}

/* The sum of P(d >= k) over k, term by term. */
static double plain_mean(const struct ps_sbm *m)
{
    double sum = 0;

    for (uint64_t k = 1; k <= m->degree_cap; k++)
        sum += k <= m->degree_min ? 1 : fmin(1, pow(m->scale / (double)k, m->tail));
    return sum;
}

static void the_mean_degree_is_the_one_asked_for(void **state)
{
    static const double mean[] = {0.01, 0.5, 1, 1.5, 15, 120}, exponent[] = {2.05, 2.5, 3.5, 9};
    enum { N = 20000 };

    (void)state;
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 4; j++) {
            struct ps_opts_generate g = options(N, mean[i], exponent[j]);
            struct ps_sbm m;
            uint64_t sum = 0;
            assert_ok(ps_sbm_init(&m, &g, 1));
            assert_true(fabs(plain_mean(&m) / mean[i] - 1) < 1e-9);
            assert_true(fabs(ps_sbm_mean_degree(&m) / mean[i] - 1) < 1e-9);
            for (uint64_t v = 0; v < N; v++) {
                uint64_t d = ps_sbm_degree(&m, v);
                assert_true(d >= (mean[i] >= 1 ? 1 : 0) && d <= m.degree_cap);
                sum += d;
            }
            /* one slice of the distribution is the unit of what may be off */
            assert_true(fabs((double)sum / N - mean[i]) <
                        0.01 * mean[i] + (double)m.degree_cap / N / 2);
        }
}

/* Hill's estimate over the degrees above a threshold; half a unit for what was rounded off. */
static void the_tail_of_the_degrees_has_the_exponent_asked_for(void **state)
{
    static const double exponent[] = {2.2, 2.5, 3};
    enum { N = 50000, ABOVE = 20 };

    (void)state;
    for (int j = 0; j < 3; j++) {
        struct ps_opts_generate g = options(N, 15, exponent[j]);
        struct ps_sbm m;
        double logs = 0, hill;
        uint64_t count = 0;
        assert_ok(ps_sbm_init(&m, &g, 3));
        for (uint64_t v = 0; v < N; v++) {
            uint64_t d = ps_sbm_degree(&m, v);
            if (d < ABOVE)
                continue;
            count++;
            logs += log(((double)d + 0.5) / ABOVE);
        }
        assert_true(count > 1000);
        hill = 1 + (double)count / logs;
        if (fabs(hill - exponent[j]) > 0.08)
            fail_msg("exponent %g, estimated %g", exponent[j], hill);
    }
}

/* Distinct, ascending, in range, not v, and as many as asked. */
static void check_row(const struct ps_sbm *m, uint64_t v, uint64_t d, const uint64_t *u)
{
    for (uint64_t j = 0; j < d; j++) {
        assert_true(u[j] < m->nodes && u[j] != v);
        assert_true(j == 0 || u[j] > u[j - 1]);
    }
}

static void sources_are_distinct_and_no_loops_even_where_all_nodes_are_taken(void **state)
{
    uint64_t slots[256], u[64], drawn[PS_SBM_DRAWN_COUNT];

    (void)state;
    for (uint64_t n = 2; n <= 40; n++)
        for (int variant = 0; variant < 4; variant++) {
            struct ps_opts_generate g = options(n, 1, 2.5);
            struct ps_sbm m;
            g.homophily = variant & 1 ? 1 : 0;
            g.near = variant == 2 ? 1 : 0;
            g.communities = variant == 3 ? n : 2; /* nobody else in the community */
            assert_ok(ps_sbm_init(&m, &g, n));
            for (uint64_t d = 0; d < n; d++)
                for (uint64_t v = 0; v < n; v++) {
                    memset(drawn, 0, sizeof drawn);
                    assert_true(ps_sbm_slots(d) <= 256);
                    ps_sbm_sources(&m, NULL, v, d, slots, u, drawn);
                    check_row(&m, v, d, u);
                    assert_int_equal(drawn[0] + drawn[1] + drawn[2], d);
                }
        }
}

static void a_degree_above_the_community_draws_the_rest_anywhere(void **state)
{
    struct ps_opts_generate g = options(10000, 15, 2.5);
    static uint64_t slots[4096], u[1000];
    uint64_t drawn[PS_SBM_DRAWN_COUNT] = {0}, inside = 0;
    struct ps_sbm m;

    (void)state;
    g.communities = 100;
    g.homophily = 1, g.near = 0;
    assert_ok(ps_sbm_init(&m, &g, 1));
    ps_sbm_sources(&m, NULL, 4321, 1000, slots, u, drawn);
    check_row(&m, 4321, 1000, u);
    for (int j = 0; j < 1000; j++)
        inside += ps_sbm_community(&m, u[j]) == ps_sbm_community(&m, 4321);
    assert_true(inside == 99); /* all others of the community */
    assert_true(drawn[PS_SBM_COMMUNITY] <= 99 && drawn[PS_SBM_ANY] >= 901);
}

/* Distances in [2^b, 2^(b+1)) come equally often: each octave within 5 standard errors. */
static void near_sources_are_spread_evenly_over_octaves(void **state)
{
    struct ps_opts_generate g = options(100000, 15, 2.5);
    uint64_t slots[64], u[1], drawn[PS_SBM_DRAWN_COUNT] = {0}, octave[16] = {0}, up = 0;
    struct ps_sbm m;
    enum { N = 20000 };

    (void)state;
    g.homophily = 0, g.near = 1;
    assert_ok(ps_sbm_init(&m, &g, 5));
    assert_int_equal(ps_sbm_window(&m), 1023);
    for (uint64_t v = 40000; v < 40000 + N; v++) {
        ps_sbm_sources(&m, NULL, v, 1, slots, u, drawn);
        up += u[0] > v;
        octave[63 - __builtin_clzll(u[0] > v ? u[0] - v : v - u[0])]++;
    }
    for (int b = 0; b < 16; b++)
        assert_true(b < 10 ? fabs((double)octave[b] - N / 10.0) < 5 * sqrt(N * 0.09)
                           : octave[b] == 0);
    assert_true(fabs((double)up - N / 2.0) < 5 * sqrt(N / 4.0));
    for (uint64_t v = 0; v < 100; v++) /* at the ends too */
        for (uint64_t w = 0; w < 2; w++) {
            uint64_t at = w == 0 ? v : m.nodes - 1 - v;
            ps_sbm_sources(&m, NULL, at, 1, slots, u, drawn);
            assert_true(u[0] < m.nodes && (u[0] > at ? u[0] - at : at - u[0]) <= 1023);
        }
}

/* A window of 40 with degrees that differ: sources come in proportion to in-degrees, v never, and
 * at the ends the window is cut. */
static void near_sources_by_degree_are_in_proportion_to_it(void **state)
{
    static const uint64_t at[] = {0, 3, 500, 999};
    enum { N = 1000, W = 40, TIMES = 40000 };
    struct ps_opts_generate g = options(N, 12, 2.5);
    uint64_t slots[64], u[1], sum[N + 1] = {0};
    struct ps_sbm_around around = {0, sum};
    struct ps_sbm m;

    (void)state;
    g.homophily = 0, g.near = 1, g.near_window = W, g.near_weight = PS_NEAR_DEGREE;
    assert_ok(ps_sbm_init(&m, &g, 1));
    for (uint64_t i = 0; i < N; i++)
        sum[i + 1] = sum[i] + ps_sbm_degree(&m, i);
    for (int k = 0; k < 4; k++) {
        double seen[N] = {0}, chi = 0, all = 0;
        uint64_t v = at[k], drawn[PS_SBM_DRAWN_COUNT] = {0};
        uint64_t begin = v < W ? 0 : v - W, end = v + W + 1 < N ? v + W + 1 : N;
        for (uint64_t seed = 0; seed < TIMES; seed++) {
            m.edge = ps_key_make(seed, PS_FOR_TEST, 0, 0, 0); /* the same degrees */
            ps_sbm_sources(&m, &around, v, 1, slots, u, drawn);
            seen[u[0]]++;
        }
        assert_int_equal(drawn[PS_SBM_NEAR], TIMES);
        all = (double)(sum[end] - sum[begin] - (sum[v + 1] - sum[v]));
        for (uint64_t i = 0; i < N; i++) {
            double want = TIMES * (double)(sum[i + 1] - sum[i]) / all;
            if (i < begin || i >= end || i == v)
                assert_true(seen[i] == 0);
            else
                chi += pow(seen[i] - want, 2) / want;
        }
        assert_true(chi < (double)(end - begin) + 5 * sqrt(2.0 * (double)(end - begin)));
    }
}

/* Nobody else within the window has in-edges: the edges are drawn anywhere. */
static void without_degrees_around_sources_are_anywhere(void **state)
{
    struct ps_opts_generate g = options(100, 12, 2.5);
    uint64_t slots[64], u[8], sum[101] = {0}, drawn[PS_SBM_DRAWN_COUNT] = {0};
    struct ps_sbm_around around = {0, sum};
    struct ps_sbm m;

    (void)state;
    g.homophily = 0, g.near = 1, g.near_window = 5, g.near_weight = PS_NEAR_DEGREE;
    assert_ok(ps_sbm_init(&m, &g, 1));
    for (int i = 51; i <= 100; i++)
        sum[i] = 8; /* of node 50 alone */
    ps_sbm_sources(&m, &around, 50, 8, slots, u, drawn);
    assert_int_equal(drawn[PS_SBM_ANY], 8);
    check_row(&m, 50, 8, u);
}

static void communities_are_ranges_and_every_class_has_its_share(void **state)
{
    static const uint64_t nodes[] = {2, 7, 100, 12345}, communities[] = {2, 3, 40, 12345};

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct ps_opts_generate g = options(nodes[i], 1, 2.5);
        struct ps_sbm m;
        uint64_t size[2] = {0, 0};
        g.communities = communities[i];
        assert_ok(ps_sbm_init(&m, &g, 1));
        assert_int_equal(ps_sbm_community_begin(&m, 0), 0);
        assert_int_equal(ps_sbm_community_begin(&m, m.communities), m.nodes);
        for (uint64_t v = 0; v < m.nodes; v++) {
            uint64_t c = ps_sbm_community(&m, v);
            assert_true(c < m.communities && v >= ps_sbm_community_begin(&m, c) &&
                        v < ps_sbm_community_begin(&m, c + 1));
            assert_int_equal(ps_sbm_class(&m, v), c % 2);
            size[c % 2]++;
        }
        assert_true(size[0] > 0 && size[1] > 0);
    }
}

/* Features less the centre of the class are normal numbers of variance 1, and centres are as far
 * apart as asked: K D normal numbers, so 15 % is more than three standard errors. */
static void centres_are_as_far_apart_as_asked_and_noise_is_1(void **state)
{
    enum { K = 16, D = 33, N = 2000 };
    struct ps_opts_generate g = options(N, 1, 2.5);
    static float centre[K][D];
    double far = 0, sum = 0, square = 0;
    struct ps_sbm m;

    (void)state;
    g.classes = K, g.features = D, g.separation = 4;
    assert_ok(ps_sbm_init(&m, &g, 9));
    for (uint32_t c = 0; c < K; c++)
        ps_sbm_centre(&m, c, centre[c]);
    for (int a = 0; a < K; a++)
        for (int b = 0; b < a; b++)
            for (int j = 0; j < D; j++)
                far += pow((double)centre[a][j] - (double)centre[b][j], 2);
    assert_true(fabs(sqrt(far / (K * (K - 1) / 2.0)) - 4) < 0.15 * 4);
    for (uint64_t v = 0; v < N; v++) {
        float row[D];
        uint32_t c = ps_sbm_class(&m, v);
        memcpy(row, centre[c], sizeof row);
        ps_sbm_add_noise(&m, v, row);
        for (int j = 0; j < D; j++) {
            double x = (double)row[j] - (double)centre[c][j];
            sum += x, square += x * x;
        }
    }
    assert_true(fabs(sum / (N * D)) < 5 / sqrt(N * D));
    assert_true(fabs(square / (N * D) - 1) < 5 * sqrt(2.0 / (N * D)));
}

static void splits_have_exactly_their_shares(void **state)
{
    struct ps_opts_generate g = options(1001, 1, 2.5);
    uint64_t count[4] = {0};
    struct ps_sbm m;

    (void)state;
    g.train_share = 0.5, g.valid_share = 0.2, g.test_share = 0.3;
    assert_ok(ps_sbm_init(&m, &g, 1));
    for (uint64_t v = 0; v < 1001; v++)
        count[ps_sbm_split(&m, v)]++;
    assert_int_equal(count[PS_SPLIT_TRAIN], 501); /* 500.5 rounded; together all nodes */
    assert_int_equal(count[PS_SPLIT_VALID], 200);
    assert_int_equal(count[PS_SPLIT_TEST], 300);
    assert_int_equal(count[PS_SPLIT_NONE], 0);
}

static void options_that_no_graph_can_have_are_refused(void **state)
{
    struct ps_opts_generate g;
    struct ps_sbm m;

    (void)state;
#define REFUSED(change, part)                                                                      \
    g = options(100, 5, 2.5);                                                                      \
    change;                                                                                        \
    assert_fails(ps_sbm_init(&m, &g, 1), PS_EUSAGE, part)
    REFUSED(g.nodes = 1, "needs 2 nodes");
    REFUSED(g.mean_degree = 99.5, "99 other nodes");
    REFUSED(g.edges = 9901, "99 other nodes");
    REFUSED(g.exponent = 2, "above 2 only");
    REFUSED(g.classes = 101, "101 classes");
    REFUSED(g.communities = 101, "101 communities are more");
    REFUSED(g.communities = 3; g.classes = 4, "3 communities are too few");
    REFUSED(g.near = 0.4, "more than 1");
    REFUSED(g.train_share = 0.6; g.test_share = 0.5, "more than 1");
#undef REFUSED
    g = options(100, 99, 2.5);
    assert_ok(ps_sbm_init(&m, &g, 1));
    for (uint64_t v = 0; v < 100; v++) /* every other node: the cap is reached */
        assert_int_equal(ps_sbm_degree(&m, v), 99);
    g = options(100, 0, 2.5);
    assert_ok(ps_sbm_init(&m, &g, 1));
    assert_int_equal(ps_sbm_degree(&m, 7), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mean_degree_is_the_one_asked_for),
        cmocka_unit_test(the_tail_of_the_degrees_has_the_exponent_asked_for),
        cmocka_unit_test(sources_are_distinct_and_no_loops_even_where_all_nodes_are_taken),
        cmocka_unit_test(a_degree_above_the_community_draws_the_rest_anywhere),
        cmocka_unit_test(near_sources_are_spread_evenly_over_octaves),
        cmocka_unit_test(near_sources_by_degree_are_in_proportion_to_it),
        cmocka_unit_test(without_degrees_around_sources_are_anywhere),
        cmocka_unit_test(communities_are_ranges_and_every_class_has_its_share),
        cmocka_unit_test(centres_are_as_far_apart_as_asked_and_noise_is_1),
        cmocka_unit_test(splits_have_exactly_their_shares),
        cmocka_unit_test(options_that_no_graph_can_have_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
