/* SPDX-License-Identifier: Apache-2.0 */
/* Rounding to halves, against their values. */
#include "tests/ps_test.h"

#include "src/graph/npy.h"
#include "src/kern/half.h"

#include <math.h>
#include <string.h>

static void every_half_stays_itself(void **state)
{
    (void)state;
    for (uint32_t h = 0; h <= UINT16_MAX; h++) {
        double x = ps_half_value((uint16_t)h);
        if (isnan(x))
            assert_true((ps_half_of((float)x) & 0x7fff) > 0x7c00);
        else
            assert_int_equal(ps_half_of((float)x), h);
    }
}

/* Between two neighbours: just below the middle down, just above it up, the middle itself to the
 * even one. */
static void what_lies_between_goes_to_the_nearest_and_ties_to_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7bff; h++) {
        double low = ps_half_value((uint16_t)h), high = ps_half_value((uint16_t)(h + 1));
        float middle = (float)((low + high) / 2);
        assert_true((double)middle == (low + high) / 2);
        assert_int_equal(ps_half_of(middle), h % 2 == 0 ? h : h + 1);
        assert_int_equal(ps_half_of(nextafterf(middle, 0)), h);
        assert_int_equal(ps_half_of(nextafterf(middle, INFINITY)), h + 1);
        assert_int_equal(ps_half_of(-middle), 0x8000 | (h % 2 == 0 ? h : h + 1));
    }
}

static void what_is_too_large_is_infinite(void **state)
{
    (void)state;
    assert_int_equal(ps_half_of(65504), 0x7bff);
    assert_int_equal(ps_half_of(nextafterf(65520, 0)), 0x7bff);
    assert_int_equal(ps_half_of(65520), 0x7c00);
    assert_int_equal(ps_half_of(1e30f), 0x7c00);
    assert_int_equal(ps_half_of(-INFINITY), 0xfc00);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_stays_itself),
        cmocka_unit_test(what_lies_between_goes_to_the_nearest_and_ties_to_even),
        cmocka_unit_test(what_is_too_large_is_infinite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
