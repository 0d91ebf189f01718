/* SPDX-License-Identifier: Apache-2.0 */
/* Sparse and dense products against their plain twins, and a transpose as an adjoint. */
#include "tests/ps_test.h"

#include "src/kern/gemm.h"
#include "tests/ref/batch.h"
#include "tests/ref/kern_ref.h"

#include <string.h>

enum { ROWS = 67, SOURCES = 301, WIDE = 131 };

/* Row v has v edges, but every fifth none and the last but one 5,000. */
struct edges {
    uint64_t begin[ROWS + 1];
    uint32_t *index, *degree;
    float *edge;
    ps_real *source, *scale, *self, *x, *self_x;
};

static void edges_new(struct edges *g)
{
    uint64_t at = 0;

    for (uint32_t v = 0; v < ROWS; v++) {
        g->begin[v] = at;
        at += v % 5 == 2 ? 0 : v == ROWS - 2 ? 5000 : v;
    }
    g->begin[ROWS] = at;
    g->index = test_array(at, sizeof *g->index);
    g->edge = test_array(at, sizeof *g->edge);
    g->degree = test_array(SOURCES, sizeof *g->degree);
    g->source = test_array(SOURCES, sizeof *g->source);
    g->scale = test_array(SOURCES, sizeof *g->scale);
    g->self = test_array(SOURCES, sizeof *g->self);
    g->x = test_array((size_t)SOURCES * (WIDE + 3), sizeof *g->x);
    g->self_x = test_array((size_t)ROWS * WIDE, sizeof *g->self_x);
    for (uint64_t e = 0; e < at; e++) {
        g->index[e] = (uint32_t)test_below(1, e, SOURCES);
        g->edge[e] = (float)test_real(2, e);
    }
    for (uint32_t u = 0; u < SOURCES; u++)
        g->degree[u] = (uint32_t)test_below(3, u, 1000);
    test_fill(4, SOURCES, g->source);
    test_fill(5, SOURCES, g->scale);
    test_fill(6, SOURCES, g->self);
    test_fill(7, (size_t)SOURCES * (WIDE + 3), g->x);
    test_fill(8, (size_t)ROWS * WIDE, g->self_x);
}

static void edges_free(struct edges *g)
{
    free(g->index), free(g->edge), free(g->degree), free(g->source);
    free(g->scale), free(g->self), free(g->x), free(g->self_x);
}

/* All kinds of weights, scales, second terms, strides and gates, one after another. */
static struct ps_spmm variant(const struct edges *g, uint32_t cols, int i)
{
    struct ps_spmm s = {.rows = ROWS,
                        .cols = cols,
                        .begin = g->begin,
                        .end = g->begin + 1,
                        .index = g->index,
                        .x = g->x,
                        .x_stride = cols + (uint32_t)i % 4,
                        .out_stride = cols + (uint32_t)i % 3};

    s.edge = i % 4 == 1 ? g->edge : NULL;
    s.source = i % 4 == 2 ? g->source : NULL;
    s.degree = i % 4 == 3 ? g->degree : NULL;
    s.scale = i / 4 % 2 == 1 ? g->scale : NULL;
    s.self_x = i / 8 % 2 == 1 ? g->self_x : NULL;
    s.self = i / 16 % 2 == 1 ? g->self : NULL;
    s.self_stride = cols;
    s.self_rows = ROWS - 4;
    s.gated = i / 32 % 2 == 1;
    s.gate = 2;
    return s;
}

static void spmm_equals_its_twin_bit_by_bit(void **state)
{
    const size_t size = (size_t)ROWS * (WIDE + 2);
    ps_real *got = test_array(size, sizeof *got), *want = test_array(size, sizeof *want);
    struct edges g;

    (void)state;
    edges_new(&g);
    for (uint32_t cols = 1; cols <= 130; cols++)
        for (int i = (int)cols % 7; i < 64; i += 7) {
            struct ps_spmm s = variant(&g, cols, i);
            test_fill(cols, size, got);
            memcpy(want, got, size * sizeof *want);
            s.out = got;
            ps_spmm(1 + i % 3, &s);
            ref_spmm(&s, want);
            assert_memory_equal(got, want, size * sizeof *got);
        }
    free(got), free(want);
    edges_free(&g);
}

static void what_stands_beside_the_sum_is_copied(void **state)
{
    enum { COLS = 19, SIZE = ROWS * COLS };
    ps_real *pair = test_array(2 * (size_t)SIZE, sizeof *pair);
    ps_real *sum = test_array(SIZE, sizeof *sum);
    struct ps_spmm s;
    struct edges g;

    (void)state;
    edges_new(&g);
    s = variant(&g, COLS, 4);
    s.out = sum, s.out_stride = COLS;
    ps_spmm(1, &s);
    s.beside = g.self_x, s.beside_stride = COLS;
    s.out = pair + COLS, s.out_stride = 2 * (size_t)COLS;
    ps_spmm(2, &s);
    for (size_t v = 0; v < ROWS; v++) {
        assert_memory_equal(pair + 2 * v * COLS, g.self_x + v * COLS, COLS * sizeof *sum);
        assert_memory_equal(pair + 2 * v * COLS + COLS, sum + v * COLS, COLS * sizeof *sum);
    }
    free(pair), free(sum);
    edges_free(&g);
}

/* Rows in slots of a slab, as they may be stored: unaligned, in any order. */
static void packed_rows_are_summed_as_their_numbers_are(void **state)
{
    enum { MOST = 131 };
    static const size_t bytes[] = {4, 2, 1};
    uint32_t *slot = test_array(SOURCES, sizeof *slot);
    unsigned char *slab = test_array((size_t)SOURCES * (4 * MOST + 1), 1);
    ps_real *x = test_array((size_t)SOURCES * MOST, sizeof *x);
    ps_real *got = test_array(2 * (size_t)ROWS * MOST, sizeof *got),
            *want = test_array(2 * (size_t)ROWS * MOST, sizeof *want);
    struct edges g;

    (void)state;
    edges_new(&g);
    for (uint32_t cols = 1; cols <= MOST; cols += cols < 40 ? 1 : 7)
        for (int i = 0; i < 12; i++) {
            const enum ps_packed_type type = (enum ps_packed_type)(i % 3);
            const size_t stride = bytes[type] * cols + (size_t)(i % 2);
            const struct ps_packed packed = {slab, stride, slot, type};
            struct ps_spmm s = {.rows = ROWS,
                                .cols = cols,
                                .begin = g.begin,
                                .end = g.begin + 1,
                                .index = g.index,
                                .scale = g.scale,
                                .self_rows = ROWS};
            struct ps_spmm plain;
            for (uint32_t u = 0; u < SOURCES; u++)
                slot[u] = (u * 100 + cols) % SOURCES; /* SOURCES is prime to 100 */
            for (size_t b = 0; b < SOURCES * stride; b++)
                slab[b] = (unsigned char)test_below(11, b + cols, 256);
            for (size_t b = 0; type == PS_PACKED_F32 && b + 4 <= SOURCES * stride; b += 4) {
                const float f = (float)test_real(12, b);
                memcpy(slab + b, &f, sizeof f);
            }
            if (type == PS_PACKED_F32 && stride % 4 != 0)
                continue;
            for (uint32_t u = 0; u < SOURCES; u++)
                for (uint32_t c = 0; c < cols; c++) {
                    ps_real *to = &x[(size_t)u * cols + c];
                    *to = ps_packed_number(ps_packed_row(&packed, u), c, type);
                    if (!(*to - *to == 0)) /* infinite or no number: other bits by other ways */
                        *to = 0, memset(slab + slot[u] * stride + 2 * c, 0, 2);
                }
            s.source = i >= 6 ? g.source : NULL;
            s.self = i >= 6 ? g.self : NULL;
            s.out_stride = 2 * (size_t)cols;
            plain = s;
            s.packed = &packed, s.own_beside = true, s.out = got + cols;
            plain.x = x, plain.x_stride = cols, plain.self_x = s.self != NULL ? x : NULL;
            plain.self_stride = cols, plain.beside = x, plain.beside_stride = cols;
            plain.out = want + cols;
            ps_spmm(1 + i % 2, &s);
            ps_spmm(2, &plain);
            assert_memory_equal(got, want, 2 * (size_t)ROWS * cols * sizeof *got);
            ps_packed_unpack(2, &packed, ROWS, cols, got);
            assert_memory_equal(got, x, (size_t)ROWS * cols * sizeof *got);
        }
    free(slot), free(slab), free(x), free(got), free(want);
    edges_free(&g);
}

static double dot(size_t n, const ps_real *a, const ps_real *b)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* <A x, y> = <x, A' y>, with A' over the transpose and the factors exchanged. */
static void the_transpose_gives_the_adjoint(void **state)
{
    enum { COLS = 37, SIZE = ROWS * COLS, BACK = SOURCES * COLS };
    const uint64_t at_most = 8000;
    ps_real *ax = test_array(SIZE, sizeof *ax), *y = test_array(SIZE, sizeof *y);
    ps_real *aty = test_array(BACK, sizeof *aty);
    uint64_t *begin = test_array(SOURCES + 1, sizeof *begin);
    uint64_t *scratch = test_array(3 * (size_t)SOURCES, sizeof *scratch);
    uint32_t *row = test_array(at_most, sizeof *row);
    struct ps_spmm s, t;
    struct ps_csr in;
    struct edges g;
    double left, right;

    (void)state;
    edges_new(&g);
    assert_true(g.begin[ROWS] <= at_most);
    test_fill(20, SIZE, y);
    in = (struct ps_csr){ROWS, SOURCES, g.begin, g.begin + 1, g.index, NULL};
    ps_csr_transpose(3, &in, begin, row, NULL, scratch);
    s = (struct ps_spmm){.rows = ROWS, .cols = COLS, .begin = g.begin, .end = g.begin + 1};
    s.index = g.index, s.source = g.source, s.scale = g.scale, s.x = g.x, s.x_stride = COLS;
    s.self_rows = ROWS, s.self = g.self, s.self_x = g.x, s.self_stride = COLS;
    s.out = ax, s.out_stride = COLS;
    t = s;
    t.rows = SOURCES, t.begin = begin, t.end = begin + 1, t.index = row;
    t.source = g.scale, t.scale = g.source, t.x = t.self_x = y, t.out = aty;
    ps_spmm(2, &s);
    ps_spmm(2, &t);
    left = dot(SIZE, ax, y);
    right = dot(BACK, g.x, aty);
    assert_true(fabs(left) > 1);
    assert_true(fabs(left - right) < 1e-4 * fabs(left));
    free(ax), free(y), free(aty), free(begin), free(scratch), free(row);
    edges_free(&g);
}

static void near(const ps_real *got, const double *want, size_t n, double scale)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - want[i]) <= 2e-6 * scale))
            fail_msg("number %zu is %.9g, its twin has %.9g", i, (double)got[i], want[i]);
}

/* Heights around the chunks; ps_gemm_bt and ps_gemm_ta against the same twin, transposed. */
static void products_equal_their_twin(void **state)
{
    static const uint32_t height[] = {0, 1, 63, 2047, 2048, 2049, 8192, 8193, 16500};
    enum { MOST = 16500, K = 7, M = 5, KM = K * M, TALL = MOST * K };
    ps_real *a = test_array(TALL, sizeof *a), *y = test_array(TALL, sizeof *y);
    ps_real *at = test_array(TALL, sizeof *at), b[KM], bt[KM], w[KM], sum[M];
    ps_real *scratch = test_array(ps_gemm_ta_scratch(2, MOST, K, M), sizeof *scratch);
    double *want = test_array(TALL, sizeof *want);

    (void)state;
    ps_gemm_setup();
    test_fill(1, TALL, a);
    test_fill(2, KM, b);
    for (size_t i = 0; i < KM; i++)
        bt[i % M * K + i / M] = b[i];
    for (size_t h = 0; h < sizeof height / sizeof height[0]; h++) {
        const uint32_t n = height[h];
        ps_gemm(2, n, K, M, a, b, y, NULL);
        ref_gemm(n, K, M, a, K, b, want);
        near(y, want, (size_t)n * M, K);
        ps_gemm_bt(2, n, K, M, a, bt, 0, y); /* a (n, K) times (bt (M, K))^T */
        near(y, want, (size_t)n * M, K);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < K; k++)
                at[k * n + i] = a[i * K + k];
        ps_gemm_ta(2, n, K, M, a, y, w, scratch);
        ref_gemm(K, n, M, at, n, y, want);
        near(w, want, KM, 1 + n);
        for (size_t i = 0; i < n; i++)
            at[i] = 1;
        ps_column_sums(2, n, M, y, sum, scratch);
        ref_gemm(1, n, M, at, n, y, want);
        near(sum, want, M, 1 + n);
    }
    free(a), free(y), free(at), free(scratch), free(want);
}

/* y = a b + y: the second half of [self | mean]. */
static void a_product_may_be_added(void **state)
{
    enum { N = 2100, K = 3, M = 2, KM = K * M, NK = N * K, NM = N * M };
    ps_real *a = test_array(NK, sizeof *a), *y = test_array(NM, sizeof *y), b[KM], bt[KM];
    double *want = test_array(NM, sizeof *want);

    (void)state;
    test_fill(1, NK, a);
    test_fill(2, KM, b);
    for (size_t i = 0; i < KM; i++)
        bt[i % M * K + i / M] = b[i];
    test_fill(3, NM, y);
    ref_gemm(N, K, M, a, K, b, want);
    for (size_t i = 0; i < NM; i++)
        want[i] += (double)y[i];
    ps_gemm_bt(2, N, K, M, a, bt, 1, y);
    near(y, want, NM, K);
    free(a), free(y), free(want);
}

/* OpenBLAS of Debian 12 takes young CPUs for a Prescott: see gemm_setup.c. */
extern __attribute__((weak)) char *openblas_get_corename(void);
static void openblas_knows_what_this_cpu_can_do(void **state)
{
    (void)state;
#if defined(__x86_64__)
    if (openblas_get_corename != NULL && getenv("OPENBLAS_CORETYPE") == NULL &&
        __builtin_cpu_supports("avx2"))
        assert_string_not_equal(openblas_get_corename(), "Prescott");
    else
#endif
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spmm_equals_its_twin_bit_by_bit),
        cmocka_unit_test(what_stands_beside_the_sum_is_copied),
        cmocka_unit_test(packed_rows_are_summed_as_their_numbers_are),
        cmocka_unit_test(the_transpose_gives_the_adjoint),
        cmocka_unit_test(products_equal_their_twin),
        cmocka_unit_test(a_product_may_be_added),
        cmocka_unit_test(openblas_knows_what_this_cpu_can_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
