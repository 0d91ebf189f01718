/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of normal numbers against their formula in double precision. */
#include "tests/ps_test.h"

#include "src/kern/normal.h"

#include <math.h>
#include <string.h>

/* The formula of normal.h, column by column. */
static double plain(struct ps_key key, uint64_t node, uint32_t column)
{
    static const double two_pi = 6.283185307179586;
    uint32_t k = column % 64 / 16;
    struct ps_draw d = ps_draw_at(key, node, column / 64 * 16 + column % 16);
    const uint32_t *w = d.w + k / 2 * 2;
    double u = ((w[0] >> 8) + 1) * 0x1p-24;
    double t = two_pi * w[1] * 0x1p-32;

    return sqrt(-2 * log(u)) * (k % 2 == 0 ? cos(t) : sin(t));
}

static void a_row_is_what_the_formula_says(void **state)
{
    enum { COLUMNS = 200 };
    struct ps_key key = ps_key_make(5, PS_FOR_TEST, 0, 0, 0);
    double worst = 0;

    (void)state;
    for (uint64_t v = 0; v < 2000; v++) {
        uint64_t node = v % 2 == 0 ? v : v << 31;
        float row[COLUMNS];
        for (int i = 0; i < COLUMNS; i++)
            row[i] = 3;
        ps_add_normals(key, node, 0.5f, COLUMNS, row);
        for (uint32_t i = 0; i < COLUMNS; i++)
            worst = fmax(worst, fabs((double)row[i] - 3 - 0.5 * plain(key, node, i)));
    }
    printf("# worst difference %.3g\n", worst);
    assert_true(worst < 1e-6);
}

static void short_rows_are_the_beginning_of_long_ones(void **state)
{
    struct ps_key key = ps_key_make(6, PS_FOR_TEST, 0, 0, 0);
    float all[130] = {0};

    (void)state;
    ps_add_normals(key, 77, 1, 130, all);
    for (uint32_t n = 1; n <= 130; n++) {
        float row[131];
        for (uint32_t i = 0; i < 131; i++)
            row[i] = i < n ? 0 : 9;
        ps_add_normals(key, 77, 1, n, row);
        assert_memory_equal(row, all, n * sizeof *row);
        assert_true(row[n] == 9.0f);
    }
}

/* Moments, the share beyond 1, 2 and 3, and no correlation of columns beside each other or 16
 * apart: all within five standard errors. */
static void numbers_are_normal_and_columns_independent(void **state)
{
    enum { NODES = 20000, D = 64 };
    static const double beyond[] = {0.31731050786, 0.04550026390, 0.00269979606};
    struct ps_key key = ps_key_make(7, PS_FOR_TEST, 0, 0, 0);
    double n = (double)NODES * D, sum[5] = {0}, count[3] = {0}, near = 0, apart = 0;

    (void)state;
    for (uint64_t v = 0; v < NODES; v++) {
        float row[D] = {0};
        ps_add_normals(key, v, 1, D, row);
        for (int i = 0; i < D; i++) {
            double x = (double)row[i];
            for (int p = 1; p <= 4; p++)
                sum[p] += pow(x, p);
            for (int b = 0; b < 3; b++)
                count[b] += fabs(x) > b + 1;
            near += x * (double)row[(i + 1) % D];
            apart += x * (double)row[(i + 16) % D];
        }
    }
    assert_true(fabs(sum[1] / n) < 5 / sqrt(n));
    assert_true(fabs(sum[2] / n - 1) < 5 * sqrt(2 / n));
    assert_true(fabs(sum[3] / n) < 5 * sqrt(15 / n));
    assert_true(fabs(sum[4] / n - 3) < 5 * sqrt(96 / n));
    for (int b = 0; b < 3; b++)
        assert_true(fabs(count[b] - n * beyond[b]) < 5 * sqrt(n * beyond[b]));
    assert_true(fabs(near / n) < 5 / sqrt(n) && fabs(apart / n) < 5 / sqrt(n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_what_the_formula_says),
        cmocka_unit_test(short_rows_are_the_beginning_of_long_ones),
        cmocka_unit_test(numbers_are_normal_and_columns_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
