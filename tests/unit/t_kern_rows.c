/* SPDX-License-Identifier: Apache-2.0 */
/* What is done row by row (bias, ReLU, dropout, bags, loss) against plain twins. */
#include "tests/ps_test.h"

#include "src/kern/loss.h"
#include "src/kern/norm.h"
#include "tests/ref/batch.h"
#include "tests/ref/kern_ref.h"

#include <string.h>

static void near(const ps_real *got, const double *want, size_t n, double scale)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - want[i]) <= 2e-6 * scale))
            fail_msg("number %zu is %.9g, its twin has %.9g", i, (double)got[i], want[i]);
}

static struct ps_drop some_drop(double share, uint32_t rows, uint64_t *node)
{
    for (uint32_t r = 0; r < rows; r++)
        node[r] = (uint64_t)r * 12345678901u + 3;
    return (struct ps_drop){ps_drop_threshold(share), ps_key_make(9, PS_FOR_DROPOUT, 1, 2, 3),
                            node};
}

static void bias_relu_dropout_equal_their_twin(void **state)
{
    static const uint32_t width[] = {1, 2, 7, 8, 9, 16, 47, 64, 100, 256, 2047, 2049, 4100};
    enum { N = 300, WIDEST = 4100, SIZE = N * WIDEST };
    ps_real *got = test_array(SIZE, sizeof *got), *want = test_array(SIZE, sizeof *want);
    ps_real *bias = test_array(WIDEST, sizeof *bias);
    uint64_t node[N];

    (void)state;
    test_fill(2, WIDEST, bias);
    for (size_t i = 0; i < 4 * sizeof width / sizeof width[0]; i++) {
        const uint32_t cols = width[i / 4], rows = cols > 1000 ? 9 : N;
        const size_t size = (size_t)rows * cols;
        const struct ps_act act = {i % 4 == 1 ? NULL : bias, i % 4 > 0,
                                   some_drop(i % 4 == 2 ? 0 : 0.3, rows, node)};
        test_fill(3, size, got);
        memcpy(want, got, size * sizeof *got);
        ps_act(3, &act, rows, cols, got);
        ref_act(&act, rows, cols, want);
        assert_memory_equal(got, want, size * sizeof *got);
        test_fill(4, size, want);
        ps_drop_dense(2, &act.drop, rows, cols, want, got);
        ref_act(&(struct ps_act){.drop = act.drop}, rows, cols, want);
        assert_memory_equal(got, want, size * sizeof *got);
    }
    free(got), free(want), free(bias);
}

/* Share kept: 5 standard deviations of 400,000 draws. The mean of what is kept and scaled
 * is that of the input: exact in expectation, whatever the share. */
static void dropout_keeps_its_share_and_the_mean(void **state)
{
    static const double share[] = {0.1, 0.3, 0.5, 0.77, 0.99};
    enum { N = 4000, COLS = 100, SIZE = N * COLS };
    ps_real *x = test_array(SIZE, sizeof *x), *y = test_array(SIZE, sizeof *y);
    uint64_t *node = test_array(N, sizeof *node);

    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        x[i] = 1;
    for (size_t i = 0; i < sizeof share / sizeof share[0]; i++) {
        const struct ps_drop drop = some_drop(share[i], N, node);
        const double total = (double)SIZE, keep = 1 - drop.threshold / 65536.0;
        double kept = 0, sum = 0;
        ps_drop_dense(2, &drop, N, COLS, x, y);
        for (size_t j = 0; j < SIZE; j++) {
            kept += y[j] != 0;
            sum += (double)y[j];
        }
        assert_true(fabs(keep - (1 - share[i])) <= 0.5 / 65536);
        assert_true(fabs(kept / total - keep) < 5 * sqrt(keep * (1 - keep) / total));
        assert_true(fabs(sum - kept / keep) < 1e-6 * total);
    }
    assert_int_equal(ps_drop_threshold(0), 0);
    assert_int_equal(ps_drop_threshold(0.9999999), 65535);
    free(x), free(y), free(node);
}

/* The mask of bags is that of the same rows made dense. */
static void dropped_bags_equal_dropped_dense_rows(void **state)
{
    enum { N = 90, COLS = 3000, SIZE = N * COLS };
    struct test_graph g;
    struct ps_csr in;
    ps_real *want = test_array(SIZE, sizeof *want), *got = test_array(SIZE, sizeof *got);
    uint64_t end[N], node[N];
    const struct ps_drop drop = some_drop(0.5, N, node);

    (void)state;
    test_graph_new(&g, 3, N, 1, COLS, 2);
    in = (struct ps_csr){N, COLS, g.bag_begin, g.bag_begin + 1, g.bag_col, g.bag_value};
    for (int valued = 0; valued < 2; valued++) {
        uint32_t *index = test_array(g.bag_begin[N], sizeof *index);
        float *value = test_array(g.bag_begin[N], sizeof *value);
        in.value = valued == 0 ? NULL : g.bag_value;
        ref_dense(&in, want);
        ref_act(&(struct ps_act){.drop = drop}, N, COLS, want);
        ps_csr_drop(2, &in, &drop, end, index, value);
        ref_dense(&(struct ps_csr){N, COLS, in.begin, end, index, value}, got);
        assert_memory_equal(got, want, SIZE * sizeof *got);
        free(index), free(value);
    }
    free(want), free(got);
    test_graph_free(&g);
}

/* Any number of threads cuts the rows elsewhere and gives the same arrays. */
static void a_transpose_has_ascending_rows_and_all_entries(void **state)
{
    enum { N = 50, COLS = 33, SIZE = N * COLS };
    struct test_graph g;
    struct ps_csr in, back;
    ps_real *want = test_array(SIZE, sizeof *want), *got = test_array(SIZE, sizeof *got);
    uint64_t begin[COLS + 1], *scratch = test_array(4 * (size_t)COLS, sizeof *scratch);
    uint32_t *row = test_array(SIZE, sizeof *row);
    float *value = test_array(SIZE, sizeof *value);

    (void)state;
    test_graph_new(&g, 8, N, 1, COLS, 2);
    in = (struct ps_csr){N, COLS, g.bag_begin, g.bag_begin + 1, g.bag_col, g.bag_value};
    back = (struct ps_csr){COLS, N, begin, begin + 1, row, value};
    ref_dense(&in, want);
    for (int threads = 1; threads <= 4; threads++) {
        assert_int_equal(ps_csr_transpose_scratch(threads, COLS), threads * COLS);
        ps_csr_transpose(threads, &in, begin, row, value, scratch);
        assert_int_equal(begin[COLS], g.bag_begin[N]);
        for (uint32_t c = 0; c < COLS; c++)
            for (uint64_t e = begin[c] + 1; e < begin[c + 1]; e++)
                assert_true(row[e - 1] < row[e]);
        ref_dense(&back, got);
        for (size_t i = 0; i < SIZE; i++)
            assert_true(got[i % COLS * N + i / COLS] == want[i]);
    }
    free(want), free(got), free(scratch), free(row), free(value);
    test_graph_free(&g);
}

static void sums_of_bags_equal_sums_of_dense_rows(void **state)
{
    enum { N = 70, COLS = 41, SIZE = N * COLS };
    struct test_graph g;
    struct ps_csr in;
    ps_real *a = test_array(N, sizeof *a), *s = test_array(N, sizeof *s);
    ps_real *b = test_array(N, sizeof *b), *got = test_array(2 * (size_t)SIZE, sizeof *got);
    ps_real *want = test_array(SIZE, sizeof *want);
    struct ps_bag_sum sum;
    struct ps_spmm twin;

    (void)state;
    test_graph_new(&g, 8, N, 12, COLS, 2);
    test_fill(1, N, a), test_fill(2, N, b), test_fill(3, N, s);
    in = (struct ps_csr){N, COLS, g.bag_begin, g.bag_begin + 1, g.bag_col, g.bag_value};
    sum = (struct ps_bag_sum){.rows = N, .begin = g.begin, .index = g.source, .in = &in};
    sum.source = b, sum.scale = a, sum.self = s;
    sum.out = got + COLS, sum.out_stride = 2 * (size_t)COLS;
    ps_bag_sum(2, &sum);
    ps_csr_dense(2, &in, N, got, 2 * (size_t)COLS);
    twin = (struct ps_spmm){.rows = N, .cols = COLS, .begin = g.begin, .end = g.begin + 1};
    twin.index = g.source, twin.source = b, twin.scale = a;
    twin.x = twin.self_x = g.x, twin.x_stride = twin.self_stride = COLS, twin.self_rows = N;
    twin.self = s, twin.out_stride = COLS;
    ref_spmm(&twin, want);
    for (size_t i = 0; i < SIZE; i++)
        assert_true(fabs((double)(got[i / COLS * 2 * COLS + COLS + i % COLS] - want[i])) < 1e-5);
    for (size_t v = 0; v < N; v++)
        assert_memory_equal(got + 2 * v * COLS, g.x + v * COLS, COLS * sizeof *got);
    free(a), free(s), free(b), free(got), free(want);
    test_graph_free(&g);
}

/* Many parts, one part, several panels; and the same bits for any number of threads. */
static void the_gradient_of_bags_equals_its_twin(void **state)
{
    static const struct {
        uint32_t rows, cols, m;
    } size[] = {{9000, 20, 33}, {300, 900, 5}, {40, 7, 300}, {0, 5, 4}};

    (void)state;
    for (size_t i = 0; i < sizeof size / sizeof size[0]; i++) {
        const uint32_t n = size[i].rows, cols = size[i].cols, m = size[i].m;
        const size_t count = (size_t)cols * m;
        ps_real *d = test_array((size_t)n * m, sizeof *d), *w = test_array(count, sizeof *w);
        ps_real *first = test_array(count, sizeof *w);
        double *want = test_array(count, sizeof *want);
        struct test_graph g;
        struct ps_csr in;
        test_graph_new(&g, 8, n, 1, cols, 2);
        test_fill(4, (size_t)n * m, d);
        in = (struct ps_csr){n, cols, g.bag_begin, g.bag_begin + 1, g.bag_col, g.bag_value};
        for (size_t j = 0; j < (size_t)n * cols; j++)
            for (uint32_t c = 0; c < m && g.x[j] != 0; c++)
                want[j % cols * m + c] += (double)g.x[j] * (double)d[j / cols * m + c];
        for (int threads = 1; threads <= 4; threads++) {
            ps_real *scratch = test_array(ps_bag_gradient_scratch(threads, &in, m), sizeof *w);
            test_fill(5, count, w);
            ps_bag_gradient(threads, &in, m, d, w, scratch);
            if (threads == 1)
                memcpy(first, w, count * sizeof *w);
            assert_memory_equal(first, w, count * sizeof *w);
            free(scratch);
        }
        near(w, want, count, 1 + sqrt(n));
        free(d), free(w), free(first), free(want);
        test_graph_free(&g);
    }
}

static void the_gate_passes_where_the_output_is_positive(void **state)
{
    enum { N = 100003 };
    ps_real *h = test_array(N, sizeof *h), *d = test_array(N, sizeof *d);

    (void)state;
    test_fill(1, N, h), test_fill(2, N, d);
    h[5] = 0;
    ps_gate(3, N, 4, d, h);
    for (uint64_t i = 0; i < N; i++)
        assert_true(h[i] == (i != 5 && test_real(1, i) > 0 ? d[i] * 4 : 0));
    free(h), free(d);
}

static void the_loss_equals_its_formula_and_sums_in_order(void **state)
{
    enum { N = 20000, C = 5, SIZE = N * C };
    ps_real *x = test_array(SIZE, sizeof *x), *grad = test_array(SIZE, sizeof *grad);
    int32_t *label = test_array(N, sizeof *label), *best = test_array(N, sizeof *best);
    struct ps_loss_sums sums[3];
    double loss = 0;
    uint64_t correct = 0, rows = 0;

    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        x[i] = 4 * test_real(1, i);
    for (size_t i = 0; i < N; i++) /* every tenth row has no label */
        label[i] = i % 10 == 7 ? -1 : (int32_t)test_below(2, i, C);
    for (int i = 0; i < 3; i++) {
        sums[i] = (struct ps_loss_sums){0};
        ps_softmax_loss(i + 1, N, C, x, label, grad, best, &sums[i]);
        assert_memory_equal(&sums[i].loss, &sums[0].loss, sizeof loss);
    }
    for (size_t r = 0; r < N; r++) {
        double e[C], sum = 0;
        size_t top = 0;
        for (size_t c = 0; c < C; c++) {
            sum += e[c] = exp((double)x[r * C + c]);
            top = x[r * C + c] > x[r * C + top] ? c : top;
        }
        assert_int_equal(best[r], top);
        for (size_t c = 0; c < C; c++) {
            const double hot = label[r] == (int32_t)c ? 1 : 0;
            const double want = label[r] < 0 ? 0 : e[c] / sum - hot;
            assert_true(fabs((double)grad[r * C + c] - want) < 1e-6);
        }
        if (label[r] < 0)
            continue;
        loss -= log(e[label[r]] / sum);
        correct += (size_t)label[r] == top;
        rows++;
    }
    assert_true(fabs(sums[0].loss - loss) < 1e-9 * loss);
    assert_int_equal(sums[0].correct, correct);
    assert_int_equal(sums[0].rows, rows);
    free(x), free(grad), free(label), free(best);
}

static void large_logits_do_no_harm(void **state)
{
    ps_real x[] = {30000, -30000, 29999, -3e38f, 3e38f, 0, 7, 7, 7};
    const int32_t label[] = {2, 1, 0};
    struct ps_loss_sums sums = {0};
    int32_t best[3];

    (void)state;
    ps_softmax_loss(1, 3, 3, x, label, x, best, &sums); /* the gradient in place */
    assert_true(fabs(sums.loss - (log1p(exp(-1)) + 1 + 0 + log(3))) < 1e-9);
    assert_int_equal(sums.correct, 2);
    assert_int_equal(best[2], 0); /* the first of equals */
    for (size_t i = 0; i < 9; i++)
        assert_true(isfinite(x[i]));
    assert_true(x[4] == 0 && fabs((double)x[6] + 2. / 3) < 1e-6);
}

static void norms_are_those_of_the_formula(void **state)
{
    const uint64_t begin[] = {0, 3, 3, 5};
    const uint32_t degree[] = {6, 4, 2}, out[] = {0, 3, 8};
    ps_real a[3], s[3], b[3], mean[3];

    (void)state;
    ps_norm_gcn(3, begin, degree, a, s);
    ps_norm_source(3, out, b);
    ps_norm_mean(3, begin, mean);
    assert_true(fabs((double)a[0] - 2 / sqrt(7)) < 1e-6 && a[1] == 0);
    assert_true(fabs((double)a[2] - 1 / sqrt(3)) < 1e-6);
    assert_true(fabs((double)s[0] - 1 / 7.0) < 1e-6 && s[1] == (ps_real)0.2);
    assert_true(b[0] == 1 && b[1] == (ps_real)0.5 && fabs((double)b[2] - 1 / 3.0) < 1e-6);
    assert_true(mean[0] == (ps_real)(1 / 3.0) && mean[1] == 0 && mean[2] == (ps_real)0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bias_relu_dropout_equal_their_twin),
        cmocka_unit_test(dropout_keeps_its_share_and_the_mean),
        cmocka_unit_test(dropped_bags_equal_dropped_dense_rows),
        cmocka_unit_test(a_transpose_has_ascending_rows_and_all_entries),
        cmocka_unit_test(sums_of_bags_equal_sums_of_dense_rows),
        cmocka_unit_test(the_gradient_of_bags_equals_its_twin),
        cmocka_unit_test(the_gate_passes_where_the_output_is_positive),
        cmocka_unit_test(the_loss_equals_its_formula_and_sums_in_order),
        cmocka_unit_test(large_logits_do_no_harm),
        cmocka_unit_test(norms_are_those_of_the_formula),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
